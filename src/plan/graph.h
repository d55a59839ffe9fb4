/* Graphs of scalar operations that know no tape: what the passes of a plan read and write. Operands have
   smaller numbers than their users. */
#ifndef DZ_PLAN_GRAPH_H
#define DZ_PLAN_GRAPH_H

#include "base/memory.h"
#include "base/never.h"
#include "ops/op.h"

/* What a node is: an operation of pointwise.def, or one of these. */
typedef enum dz__kind {
  DZ__P_INPUT = DZ__F_POINTWISE_END, /* operand: the input's number */
  DZ__P_CONST,                       /* operand: a place in number[] */
  DZ__P_SUM,                         /* of its operands, one after another; DZ__MINUS on those subtracted */
  DZ__P_GIVEN, /* a value, then operands each with the partial to it: no gradient goes to the value */
  /* In the graph around groups: */
  DZ__P_CALL,    /* operands: the group, then the nodes that it reads */
  DZ__P_REDUCED, /* operand: a call; the sum of its result over all lanes */
  DZ__P_ELEMENT, /* operands: a call, a lane: its result there */
  /* In a group's template, whose values are vectors over the lanes: */
  DZ__P_UNIFORM, /* operand: a node of the graph around, for all lanes the same */
  DZ__P_STREAM,  /* operand: which list of nodes of the graph around, one for each lane */
  DZ__P_TABLE,   /* operand: which list of numbers, one for each lane */
  DZ__P_SELECT,  /* operands: which list of choices, then what is chosen from */
  DZ__P_CARRY,   /* operand: which output of the body; what the step before left there */
  DZ__P_END
} dz__kind;

_Static_assert(DZ__P_END <= 256, "a node's kind is one byte");

#define DZ__MINUS 0x80000000u
#define DZ__NO_NODE 0xffffffffu
enum { DZ__MOST_NODES = 0x1ffffff0 };

enum {
  DZ__N_ACTIVE = 1, /* a gradient flows through it */
  DZ__N_TIE = 2     /* both operands were active on the tape: the table's TIE is .5 */
};

/* Passes that store bytes for every node take a copy of this first: a stored byte may be part of anything, so
   that pointers in what others hold too would be loaded anew each time. */
typedef struct dz__graph {
  dz_allocator alloc;
  size_t n, args, numbers, outs;
  uint8_t *kind, *flags;
  uint32_t *start; /* n + 1 */
  uint32_t *arg;
  double *number;
  uint32_t *out;
  size_t kind_cap, flags_cap, start_cap, arg_cap, number_cap, out_cap;
  bool full; /* more than DZ__MOST_NODES were asked for */
} dz__graph;

void dz__graph_init(dz__graph *g, const dz_allocator *a);
void dz__graph_free(dz__graph *g);

/* Room for so many more nodes and operands; false when memory is out or a graph would be too large. */
bool dz__graph_grow(dz__graph *g, size_t nodes, size_t args);
static inline bool dz__graph_room(dz__graph *g, size_t nodes, size_t args) {
  size_t n = g->n + nodes, cap = g->kind_cap < g->flags_cap ? g->kind_cap : g->flags_cap;
  if (n <= cap && n < g->start_cap && g->args + args <= g->arg_cap) return true;
  return dz__graph_grow(g, nodes, args);
}

/* A node of one operand or more; the caller has made room. */
static inline uint32_t dz__graph_push(dz__graph *g, unsigned kind, unsigned flags, size_t nargs,
                                      const uint32_t *args) {
  uint32_t i = (uint32_t)g->n++;
  g->kind[i] = (uint8_t)kind;
  g->flags[i] = (uint8_t)flags;
  uint32_t *to = &g->arg[g->args];
  /* Nearly all have one or two: a loop alone becomes a slow copy of blocks. */
  if (!DZ__NEVER(nargs == 0)) to[0] = args[0]; /* what reads nothing is a number, which has its place */
  if (nargs > 1) to[1] = args[1];
  for (size_t k = 2; k < nargs; k++) to[k] = args[k];
  g->args += nargs;
  g->start[i + 1] = (uint32_t)g->args;
  return i;
}

/* The same with room made; DZ__NO_NODE when there is none. */
static inline uint32_t dz__graph_add(dz__graph *g, unsigned kind, unsigned flags, size_t nargs,
                                     const uint32_t *args) {
  return dz__graph_room(g, 1, nargs) ? dz__graph_push(g, kind, flags, nargs, args) : DZ__NO_NODE;
}
uint32_t dz__graph_number(dz__graph *g, double value);
bool dz__graph_output(dz__graph *g, uint32_t node);

static inline size_t dz__graph_nargs(const dz__graph *g, uint32_t i) { return g->start[i + 1] - g->start[i]; }
static inline const uint32_t *dz__graph_args(const dz__graph *g, uint32_t i) { return &g->arg[g->start[i]]; }
static inline double dz__graph_value(const dz__graph *g, uint32_t i) {
  return g->number[g->arg[g->start[i]]];
}

/* Operands of this kind of node that are nodes: those from the first to before the end. */
static inline size_t dz__first_node(unsigned kind) { return kind == DZ__P_SELECT || kind == DZ__P_CALL; }
static inline size_t dz__end_node(unsigned kind, size_t nargs) {
  if (kind == DZ__P_INPUT || kind == DZ__P_CONST) return 0;
  if (kind == DZ__P_UNIFORM || kind == DZ__P_STREAM || kind == DZ__P_TABLE || kind == DZ__P_CARRY) return 0;
  return kind == DZ__P_ELEMENT ? 1 : nargs;
}
static inline uint32_t dz__node_of(uint32_t operand) { return operand & ~DZ__MINUS; }
static inline bool dz__is_leaf(unsigned kind) { return dz__end_node(kind, 1) == 0; }

static inline bool dz__is_add(unsigned kind) { return kind == DZ__F_add || kind == DZ__F_sub; }

/* How many operands each node is, 2 standing for more, and for outputs. Before sums are flattened: no operand
   has a sign. */
void dz__count_uses(const dz__graph *g, uint8_t *uses);

/* Whether a gradient can flow through an operation of the table at all. */
bool dz__has_slope(unsigned kind);

/* Whether the table's text for it says TIE. */
static inline bool dz__breaks_ties(unsigned kind) { return kind == DZ__F_fmin || kind == DZ__F_fmax; }

/* g becomes what its outputs need, each node right before its first user as far as that goes, so that what is
   used together stands together. False when memory is out; g is then as it was. */
bool dz__prune(dz__graph *g);

/* Operations that no output needs go; the order stays. Leaves that nobody reads may stay too. */
bool dz__drop_unused(dz__graph *g);

/* Sums of sums become one, in the same order of additions; g is then made of DZ__P_SUM instead of add and
   sub. False when memory is out. */
bool dz__flatten(dz__graph *g);

/* Equal operations on equal operands become one, and what changes no bit of any number goes: neg(neg(x)), x *
   1, x / 1. False when memory is out. */
bool dz__share(dz__graph *g);

#endif
