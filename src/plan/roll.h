/* Rolling: nodes of one shape become the lanes of a loop. */
#ifndef DZ_PLAN_ROLL_H
#define DZ_PLAN_ROLL_H

#include "base/never.h"
#include "plan/graph.h"

enum { DZ__LEAST_LANES = 8 };

/* A loop: the body's one output is computed for every lane. Operand k of the call, counted from the one after
   the group's number, is what DZ__P_UNIFORM k reads; DZ__P_STREAM k reads in lane i operand k + i.

   Of a sequence the lanes are steps, one after another. The body's first outputs are its state, which the
   next step reads as DZ__P_CARRY; the call's first operands are the state before step 0. The other outputs
   are results, of which DZ__P_ELEMENT takes one: of output e in step s it is number e * lanes + s. The state
   behind the last step is a result, too: of carry c it is number exports * lanes + c. */
typedef struct dz__group {
  dz__graph body;
  size_t lanes;
  bool reduced; /* only the sum over the lanes is wanted */
  bool sequence;
  size_t carries, exports; /* of a sequence: its outputs */
  double *table;           /* DZ__P_TABLE k: table[k * lanes ..] */
  uint32_t *choice;        /* DZ__P_SELECT k: choice[k * lanes ..], counting what is chosen from */
  size_t tables, table_cap, choices, choice_cap;
  bool outside; /* C functions compute its `lanes` results: it has no body */
} dz__group;

typedef struct dz__rolled {
  dz_allocator alloc;
  dz__graph root;
  dz__group *group;
  size_t groups, group_cap;
} dz__rolled;

void dz__rolled_free(dz__rolled *r);

/* Takes the graph g over, which becomes r->root with calls in place of what was grouped. With roll false,
   nothing is grouped. r may hold groups that g calls, which it keeps. False when memory is out; r is to be
   freed in either case. */
bool dz__roll(dz__graph *g, bool roll, dz__rolled *r);

/* ---- inside ---- */

/* What rolling knows of every node. */
typedef struct dz__shapes {
  uint64_t *hash; /* of the operation and its operands' hashes; leaves by kind only */
  uint32_t *user; /* the only use, with its sign in a sum; DZ__NO_NODE when there is none or several; until
                     there are owners */
  uint32_t *at;   /* nodes by height: 0 for leaves, else 1 more than the tallest operand */
  size_t *first;  /* where each height begins in `at`; tallest + 2 */
  uint32_t tallest;
} dz__shapes;

bool dz__shapes_of(const dz__graph *g, dz__shapes *s);
void dz__shapes_forget_users(const dz__graph *g, dz__shapes *s);
void dz__shapes_free(const dz__graph *g, dz__shapes *s);

/* Owners of nodes: nothing yet, the graph around, or a lane, counted over all groups. */
enum { DZ__UNOWNED = 0, DZ__ROOT = 1, DZ__FIRST_LANE = 2 };

typedef struct dz__bundle {
  uint32_t first, lanes; /* its lanes are owners first ... first + lanes - 1 */
  uint32_t height;
  uint32_t sum; /* the sum that is made of its lanes' results, with their sign; DZ__NO_NODE: none */
} dz__bundle;

typedef struct dz__owners {
  uint32_t *owner; /* per node */
  uint32_t *top;   /* per lane, from DZ__FIRST_LANE on: the node that is its result; DZ__MINUS on one that is
                      only   added up */
  size_t tops, top_cap;
  dz__bundle *bundle; /* by descending height */
  size_t bundles, bundle_cap;
} dz__owners;

bool dz__owners_of(const dz__graph *g, const dz__shapes *s, dz__owners *o);
void dz__owners_free(const dz__graph *g, dz__owners *o);

/* Whether i has a value in the graph around, for others to read. */
static inline bool dz__available(const dz__graph *g, const dz__owners *o, uint32_t i) {
  uint32_t owner = o->owner[i];
  if (owner == DZ__ROOT || dz__is_leaf(g->kind[i])) return true;
  if (DZ__NEVER(owner == DZ__UNOWNED)) return false; /* its user's owner was handed down to it */
  return o->top[owner] == i;
}

/* The work of rolling, and what the walk along the lanes needs of it. */
typedef struct dz__rolling {
  const dz__graph *g;
  dz__shapes shapes;
  dz__owners owners;
  dz__rolled *out;
  uint32_t *map;   /* nodes of g as nodes of the new root; DZ__NO_NODE: not there yet */
  uint32_t *count; /* scratch per node, all 0; NULL until there is something to choose from */
} dz__rolling;

/* The new root's node for an available node of g. DZ__NO_NODE when memory is out. */
uint32_t dz__root_node(dz__rolling *r, uint32_t i);

/* Fills the group and appends what it reads to call[0 .. *calls), whose first entry is the group. False when
   memory is out, or when the lanes are not of one shape after all: *mixed is then set. */
bool dz__walk(dz__rolling *r, const dz__bundle *b, dz__group *group, uint32_t **call, size_t *calls,
              size_t *call_cap, bool *mixed);

#endif
