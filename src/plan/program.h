/* Programs: what a plan runs. One instruction works on a run of lanes; a program of the graph around the
   groups has one lane. */
#ifndef DZ_PLAN_PROGRAM_H
#define DZ_PLAN_PROGRAM_H

#include "base/memory.h"
#include "ops/call.h"
#include "ops/op.h"

/* Where an operand stands: the kind in the upper three bits, a number below. */
typedef enum dz__where {
  DZ__REG,    /* register: a vector over the lanes of a tile */
  DZ__UNI,    /* workspace[k]: one number for all lanes */
  DZ__DIRECT, /* workspace[k + lane] */
  DZ__ROW,    /* row k of the loop's table */
  DZ__IN,     /* in[k] */
  DZ__INS,    /* in[k + lane] */
  DZ__GRAD,   /* gradient[k] */
  DZ__OUT     /* values[k], of a map; of a sequence: register k of the step before */
} dz__where;

enum { DZ__PLACE_BITS = 29, DZ__MOST_PLACES = 1 << 29 };
#define DZ__NOWHERE 0xffffffffu

static inline uint32_t dz__place_at(dz__where where, size_t k) {
  return (uint32_t)where << DZ__PLACE_BITS | (uint32_t)k;
}
static inline unsigned dz__where_of(uint32_t place) { return place >> DZ__PLACE_BITS; }
static inline uint32_t dz__place_index(uint32_t place) { return place & (DZ__MOST_PLACES - 1); }
static inline bool dz__one_for_all(uint32_t place) {
  unsigned k = dz__where_of(place);
  return k == DZ__UNI || k == DZ__IN || k == DZ__GRAD;
}

/* Operands of binary ones: both vectors; or the second, or the first, one number for all. */
enum { DZ__MODE_VV, DZ__MODE_VS, DZ__MODE_SV };

/* d, a, b, c are places unless said otherwise. */
typedef enum dz__step_op {
  DZ__I_ZERO,   /* d = 0 */
  DZ__I_SPREAD, /* d = a, one for all */
  DZ__I_MOV,    /* d = a */
  DZ__I_NEG,    /* d = -a */
  DZ__I_ACC,    /* d += a */
  DZ__I_DEC,    /* d -= a */
  DZ__I_ADD,    /* d = a + b; by mode, as those below */
  DZ__I_SUB,
  DZ__I_MUL,
  DZ__I_DIV,
  DZ__I_MULNEG,    /* d = -(a b); VV and VS only, as those below */
  DZ__I_MULADD,    /* d += a b */
  DZ__I_MULSUB,    /* d -= a b */
  DZ__I_SUM,       /* d = sum of b terms at list[a]: {term, place, place}; 0 + the sum where `flags` */
  DZ__I_RSUM,      /* a is the adjoint of a sum; c flows at list[b]: {flow, place of the factor, place} */
  DZ__I_FN,        /* d = fn(a, b, c), all vectors */
  DZ__I_FNK,       /* the same of a alone, with its slope in b */
  DZ__I_PART,      /* d = partial `mode` of fn, times adjoint: list[a] has places of x y w z g */
  DZ__I_PARTADD,   /* d += the same */
  DZ__I_LOAD,      /* d = a[lane * c], a one for all */
  DZ__I_GATHER,    /* d = a[index[b + lane]] */
  DZ__I_SELECT,    /* d = the vector that choice b says, of the c at list[a] */
  DZ__I_RSELECT,   /* to the one that choice b says, of the c at list[a], d is added */
  DZ__I_STORE,     /* d[lane * c] += a, d one for all; only existing lanes, as those below */
  DZ__I_PUT,       /* d[lane * c] = a */
  DZ__I_SCATTER,   /* d[index[b + lane]] += a */
  DZ__I_RED,       /* accumulator d += the sum of a */
  DZ__I_DECRED,    /* accumulator d -= the sum of a */
  DZ__I_REDMUL,    /* accumulator d += the sum of a b */
  DZ__I_REDMULNEG, /* accumulator d -= the sum of a b */
  DZ__I_CALL,      /* runs loop a: only in the program around */
  /* Only in packed code: */
  DZ__I_LINE,  /* d, which `mode` says more of, takes the sum of b terms at list[a]: {term, place, place};
                  of one vector only where `flags` */
  DZ__I_REDS,  /* accumulators take a, or its products: c flows at list[b], as of RSUM */
  DZ__I_SLOPE, /* d = partial `mode` of fn: list[a] has places of x y w z */
  DZ__I_LOADS, /* as LOAD, of d columns from a on to the places at list[b] */
  DZ__I_PUTS   /* as PUT, of b columns from d on from the places at list[a] */
} dz__step_op;

/* Where a LINE's sum goes. */
enum {
  DZ__TO_PLACE, /* d = it */
  DZ__TO_ACC,   /* accumulator d += it */
  DZ__TO_RUN    /* d[lane] += it, d one for all */
};

/* Terms of a sum, and flows of its adjoint g; DZ__SUBTRACT may be added. */
enum { DZ__T_V, DZ__T_S, DZ__T_VV, DZ__T_VS, DZ__T_MASK = 15, DZ__SUBTRACT = 16 };
/* A product that is added a second time right after the first; in packed code. */
enum { DZ__TWICE = 32 };
/* In the bits above stands how many products beside this one go on evenly (pack_runs.c). */
enum { DZ__RUN_BITS = 8 };
static inline uint32_t dz__run_of(uint32_t term) { return (term >> DZ__RUN_BITS) + 1; }
enum {
  DZ__R_SET,  /* d = g */
  DZ__R_ADD,  /* d += g */
  DZ__R_RED,  /* accumulator d += g */
  DZ__R_SETV, /* d = g o */
  DZ__R_ADDV, /* d += g o */
  DZ__R_REDV, /* accumulator d += g o */
  DZ__R_SETS, /* d = g o, o one for all */
  DZ__R_ADDS  /* d += g o */
};

#define DZ__BIT(k) (UINT64_C(1) << (k))
static inline bool dz__one_of(unsigned k, uint64_t bits) { return bits >> k & 1; }

/* Of a flow: whether it is the first that arrives there; whether it goes to an accumulator. */
static inline bool dz__flow_sets(unsigned how) {
  return dz__one_of(how, DZ__BIT(DZ__R_SET) | DZ__BIT(DZ__R_SETV) | DZ__BIT(DZ__R_SETS));
}
static inline bool dz__flow_sums(unsigned how) {
  return dz__one_of(how, DZ__BIT(DZ__R_RED) | DZ__BIT(DZ__R_REDV));
}

/* The same of operations that pass one number on, or its product with another. */
static inline bool dz__op_sets(unsigned op) {
  return dz__one_of(op, DZ__BIT(DZ__I_SPREAD) | DZ__BIT(DZ__I_MOV) | DZ__BIT(DZ__I_NEG) | DZ__BIT(DZ__I_MUL) |
                            DZ__BIT(DZ__I_MULNEG));
}
static inline bool dz__op_sums(unsigned op) {
  return dz__one_of(op, DZ__BIT(DZ__I_RED) | DZ__BIT(DZ__I_DECRED) | DZ__BIT(DZ__I_REDMUL) |
                            DZ__BIT(DZ__I_REDMULNEG));
}
static inline bool dz__op_multiplies(unsigned op) {
  return dz__one_of(op, DZ__BIT(DZ__I_MUL) | DZ__BIT(DZ__I_MULNEG) | DZ__BIT(DZ__I_MULADD) |
                            DZ__BIT(DZ__I_MULSUB) | DZ__BIT(DZ__I_REDMUL) | DZ__BIT(DZ__I_REDMULNEG));
}
/* Whether what arrives is negative. */
static inline bool dz__op_subtracts(unsigned op) {
  return dz__one_of(op, DZ__BIT(DZ__I_NEG) | DZ__BIT(DZ__I_DEC) | DZ__BIT(DZ__I_MULNEG) |
                            DZ__BIT(DZ__I_MULSUB) | DZ__BIT(DZ__I_DECRED) | DZ__BIT(DZ__I_REDMULNEG));
}

/* How a loop is run: forward only; backward, after forward; both at once where its adjoint is known before.
 */
enum { DZ__CALL_FORWARD, DZ__CALL_BACKWARD, DZ__CALL_BOTH };

typedef struct dz__instruction {
  uint8_t op, mode, fn, flags; /* flags: DZ__N_TIE */
  uint32_t d, a, b, c;
} dz__instruction;

typedef struct dz__routine {
  dz__instruction *at;
  size_t n, cap;
  uint32_t *list;
  size_t lists, list_cap;
  /* Parts: adjoints that are known before the values; values; the other adjoints. */
  size_t forward, reverse;
  size_t slots; /* registers after scheduling */
} dz__routine;

/* A use of an operation that C functions compute (outside.c). */
enum { DZ__OUTSIDE_OPERANDS = 8 };
typedef struct dz__outside {
  const dz__userop *op; /* held as long as the program */
  int nargs;
  dz__array args[DZ__OUTSIDE_OPERANDS], out; /* without data */
  size_t inputs;                             /* elements of all operands */
  uint32_t *place;                           /* of their values, then of their adjoints */
  uint32_t result, adjoint;                  /* where those of the result begin */
} dz__outside;

/* Of a sequence's packed code: where they end, one after another; slopes follow (pack_steps.c). What steps
   add to numbers outside, `sums`, is of the adjoints, but runs behind those of many steps (pack_late.c). */
typedef struct dz__parts {
  size_t last, enter, values, zeros, adjoints, sums, leave, arrive;
  bool covered; /* the zeros only count behind the last step: sums begin anew in the others */
} dz__parts;

typedef struct dz__loop {
  dz__routine code, packed; /* packed: the same for full vectors only, or for many steps, or empty */
  size_t lanes, tile;       /* tile: lanes at a time, a multiple of DZ__W */
  double *table;            /* of a loop that is called: rows begin at dz__lined(table) */
  uint32_t *choice, *index;
  size_t tables, choices, table_cap, choice_cap, indexes, index_cap;
  uint32_t *acc; /* per accumulator the place that its sum is added to; the first, of a reduced loop, is its
                    result */
  size_t accs, acc_cap;
  size_t span;        /* lanes to a block, which a thread runs; 0: it is not divided */
  size_t spot, room;  /* in the workspace: registers; of them for all tiles, or for one */
  bool reduced, kept; /* kept: registers stay from forward to backward, so nothing is computed again */
  /* Of a sequence the lanes are steps, and its code has these parts: what takes the state behind the last
     step to results, up to `last`; what sets the state before step 0, up to `enter`; the values of a step, up
     to code.reverse; what empties the adjoints of the state before it, up to `zeroed`; the other adjoints, up
     to `leave`; what passes on those of the state before step 0, up to `passed`; what takes adjoints of
     results to the state behind the last step. */
  bool sequence;
  size_t last, enter, zeroed, leave, passed;
  /* Its machine runs the packed code, a block of steps at a time, whose registers stand side by side; those
     `held` are stored for the way back. */
  dz__parts parts;
  uint32_t *held;
  size_t helds, held_cap, block;
  const dz__outside *outside; /* not NULL: it is this instead, and has no code */
} dz__loop;

typedef struct dz__program {
  dz_allocator alloc;
  dz__routine code;
  dz__loop *loop;
  size_t loops, loop_cap;
  double *number; /* constants, which stand first in the workspace */
  size_t numbers, number_cap;
  size_t zeros, zeroed;      /* where adjoints begin that must be 0 before, and how many */
  size_t seeds, acc, memory; /* places: seeds of the outputs; accumulators; all in doubles */
  size_t inputs, outputs;
  bool full;     /* more places were asked for than have numbers */
  dz__loop *map; /* NULL: none was asked for */
  dz__outside *outside;
  size_t outsides, outside_cap;
  /* A loop alone adds to a part of the gradient, whose numbers its tiles take one after another: the last of
     them from `fresh` on, and the first, complete then, from `done` on. It empties and looks at them itself,
     while they are at hand: `windowed` numbers each. NULL: there is no such loop. */
  const dz__loop *window;
  size_t threads;       /* that share loops; 0: none are divided */
  size_t spare, common; /* registers for each thread but the first; how many numbers they are */
  size_t fresh, done, windowed;
  uint32_t *value; /* per output its place */
} dz__program;

enum { DZ__W = 8, DZ__LONGEST_TILE = 256, DZ__MOST_COLUMNS = 32 };

static inline size_t dz__padded(size_t lanes) { return (lanes + DZ__W - 1) / DZ__W * DZ__W; }

/* Divides loops into blocks; how many there are. */
void dz__find_blocks(dz__program *p);
size_t dz__blocks_of(const dz__loop *l);

/* Looks for a window; all loops have their code. */
void dz__find_window(dz__program *p);

void dz__outside_free(const dz_allocator *a, dz__outside *o);
/* *to, which has nothing, becomes a copy. When memory is out it has what dz__routine_free() frees. */
bool dz__routine_copy(const dz_allocator *a, const dz__routine *from, dz__routine *to);
/* Room for so many more items in the list. False when memory is out or an item would have no number. */
bool dz__list_room(const dz_allocator *a, dz__routine *c, size_t n);
void dz__routine_free(const dz_allocator *a, dz__routine *c);
void dz__program_free(dz__program *p);

/* Calls f for every place of an instruction, results last. */
enum { DZ__READ = 1, DZ__WRITTEN = 2 };
typedef void dz__visit(void *user, uint32_t *place, unsigned access);
void dz__each_place(const dz__routine *c, dz__instruction *i, dz__visit *f, void *user);

/* Registers become slots, as few as their lives allow: place first, first + 1, …. False when memory is out.
   `registers`: how many there were. Of a sequence, places of DZ__OUT are the registers of the step before:
   these live through all steps. */
bool dz__schedule(const dz_allocator *a, dz__routine *c, size_t registers, uint32_t first, bool sequence);

#endif
