/* Plans of whole tensors: one step per tensor operation, and pointwise operations of one shape that follow
   one another as a chain that is run piece by piece, so that what lies between them stays in the first cache.
   Where single numbers would be too many to be nodes. */
#ifndef DZ_PLAN_WHOLE_H
#define DZ_PLAN_WHOLE_H

#include "kernels/conv.h"
#include "ops/call.h"
#include "plan/extract.h"
#include "plan/machine.h"

enum {
  DZ__MOST_SLOTS = 96, /* members of a chain and their operands */
  DZ__MOST_OPERANDS = 255
};
#define DZ__NO_PLACE ((size_t)-1)

/* What operations of a tape become together, beside those of its tables. */
enum { DZ__W_CONV = DZ__F_user + 1, DZ__W_MAX_POOL, DZ__W_SUM_POOL };

/* Where a value stands. */
typedef enum dz__home { DZ__HOME_WORK, DZ__HOME_INPUT, DZ__HOME_NUMBER } dz__home;

typedef struct dz__tensor {
  dz__array shape; /* no data */
  uint16_t fn;     /* DZ__F_END: an input or a number */
  uint8_t home;
  bool active, tie;
  bool turned[2]; /* of matmul: the transpose of that operand is meant */
  bool relu;    /* of matmul: what is negative in its result becomes 0; a third operand is a row that is added
                   to its rows before */
  bool dropped; /* its users take it into account themselves */
  bool outside; /* an output, or read by what is not in its chain: its value has a place */
  bool recalled;  /* the way back needs its value */
  bool row;       /* in bands: one number per row */
  uint8_t still;  /* a bit per operand: which have one column */
  bool reached;   /* a gradient gets there */
  bool arrives;   /* by its adjoint's place, not only within the chain */
  uint32_t arg0;  /* into arg[] and slot[] */
  uint32_t attr0; /* into attr[] */
  uint32_t nargs, nattr;
  size_t at;      /* value: in the workspace, the inputs or the numbers; DZ__NO_PLACE where it has none */
  size_t adjoint; /* in the workspace; of an input, in the gradient */
} dz__tensor;

/* How an operand from outside meets the elements of a chain. */
typedef enum dz__meets {
  DZ__MEETS_EACH,   /* one by one */
  DZ__MEETS_ONE,    /* it is a single number */
  DZ__MEETS_ROW,    /* element e meets e % period */
  DZ__MEETS_COLUMN, /* e / period */
  DZ__MEETS_ANY
} dz__meets;

typedef struct dz__load {
  uint32_t node;
  uint8_t meets;
  bool back;  /* the way back needs its value */
  bool flows; /* a gradient goes there */
  bool first; /* and nothing is in its adjoint before */
  bool row;   /* in bands: one number per row is asked for */
  size_t period;
} dz__load;

/* What a stage does. */
typedef enum dz__does {
  DZ__DOES_CHAIN,
  DZ__DOES_BAND,
  DZ__DOES_PRODUCT,
  DZ__DOES_TOTAL, /* a sum to one number */
  DZ__DOES_WINDOWS,
  DZ__DOES_VIEW,
  DZ__DOES_OTHER
} dz__does;

/* One operation, or a chain of them. A chain in bands has members of one shape and others with one number for
   each of its rows, its last axis: reductions over that axis, and what is computed from them. Its pieces are
   whole rows, with columns side by side: element i of row k stands at i * rows + k. */
typedef struct dz__stage {
  uint32_t first, n; /* of op[] */
  uint8_t does;      /* dz__does */
  bool active;
  bool needed; /* for a gradient or a branch: also where nobody asks for values */
  uint32_t load0, loads;
  size_t tile;   /* elements at a time */
  size_t width;  /* of bands: numbers in a row; else 0 */
  uint32_t like; /* a node of the chain's shape */
} dz__stage;

typedef struct dz__whole {
  dz_allocator alloc;
  dz__tensor *node;
  uint32_t *arg,
      *slot; /* slot, of a chain's members: a member by its place in the chain, or behind them a load */
  int64_t *attr;
  double *number; /* constants */
  float *numberf; /* the same, of a plan of floats */
  uint32_t *op;   /* nodes that are computed, in order */
  dz__stage *stage;
  dz__load *load;
  uint32_t *output; /* nodes: those of the caller, then conditions of branches */
  bool *fresh;      /* per entry of arg[]: of an operation, nothing is in the operand's adjoint before */
  size_t nodes, args, attrs, numbers, ops, stages, loads, outs;
  size_t node_cap, arg_cap, slot_cap, attr_cap, number_cap, op_cap, stage_cap, load_cap, output_cap,
      fresh_cap;
  size_t inputs, outputs; /* numbers of the caller */
  size_t in_nodes;        /* the caller's inputs, which are the first of node[] */
  size_t out_nodes;       /* how many of output[] are the caller's */
  size_t numberf_size;
  size_t room;               /* numbers in the workspace that values and adjoints take */
  size_t registers, scratch; /* doubles that a chain, and an operation, take beside */
  const dz__row *rows;
  bool gradient, single;
  bool plain;                /* nothing is done on the side of something else: for the careful run */
  struct dz__whole *careful; /* the same plan, plain; NULL where there is no gradient */
} dz__whole;

/* Numbers that a plan of single elements would have, and how many of them in matrix products: to choose. */
double dz__whole_work(const dz__wanted *w, double *products);

/* Fills *p. Errors as dz__extract. */
dz_status dz__whole_new(const dz__wanted *w, dz__guards *guards, dz__whole *p, dz_error *e);
void dz__whole_free(dz__whole *p);

/* Gives x these operands, or attributes. False when memory is out. */
bool dz__whole_operands(dz__whole *p, dz__tensor *x, uint32_t n, const uint32_t *args);
bool dz__whole_attributes(dz__whole *p, dz__tensor *x, uint32_t n, const int64_t *attr);

/* What products do on the side; `readers` is room for a number per node. Chains and flows; and where
   everything stands, stage_of[node] being the stage that computes it. False when memory is out. */
bool dz__whole_windows(dz__whole *p, const uint32_t *readers);
bool dz__whole_fold(dz__whole *p, uint32_t *readers);
bool dz__whole_arrange(dz__whole *p);
bool dz__whole_place(dz__whole *p, const uint32_t *stage_of);
/* Sets which stages are needed; `needed` is room for a flag per node. */
void dz__whole_needed(dz__whole *p, bool *needed);

/* How an operand meets the elements of `out`: by the axes that it has of out's own. */
dz__load dz__meet(const dz__array *out, const dz__array *a);

/* How many operations from the j-th on are a chain in bands, whose stage *t becomes; 0 for none. */
uint32_t dz__find_band(const dz__whole *p, size_t j, dz__stage *t);
/* How operand k of member x meets such a chain. */
dz__load dz__meet_band(const dz__whole *p, const dz__stage *t, const dz__tensor *x, uint32_t k);
/* Whether x is one of the reductions that bands know. */
bool dz__is_fold(const dz__tensor *x);

/* The windows of x, which is one of DZ__W_. */
dz__windows dz__windows_of(const dz__whole *p, const dz__tensor *x);

/* Whether x is another's elements in another shape. */
static inline bool dz__is_view(const dz__tensor *x) {
  return x->fn == DZ__F_reshape || ((x->fn == DZ__F_stack || x->fn == DZ__F_concat) && x->nargs == 1);
}

static inline bool dz__is_chain(const dz__stage *t) {
  return t->does == DZ__DOES_CHAIN || t->does == DZ__DOES_BAND;
}

/* Whether its partials compare the result with the operands. */
static inline bool dz__compares(unsigned fn) {
  return fn == DZ__F_fmin || fn == DZ__F_fmax || fn == DZ__F_min || fn == DZ__F_max;
}

/* What costs less to compute again on the way back than to write and read. */
bool dz__is_cheap(unsigned fn);

/* Whether a product of matrices or vectors, no batch of them. */
bool dz__is_product(const dz__whole *p, const dz__tensor *x);

/* Bytes of the workspace. */
size_t dz__whole_memory(const dz__whole *p);

/* One run, which leaves the conditions of branches where the workspace begins; `in`, `seeds`, `values`,
   `gradient` as dz_plan_pull. Of a plan of floats the second is the road that copies nothing. */
void dz__whole_run(const dz__whole *p, const double *in, const double *seeds, double *values,
                   double *gradient, void *work);
void dz__whole_run_single(const dz__whole *p, const float *in, const float *seeds, float *values,
                          float *gradient, void *work);

/* The same run of a plain plan with doubles and marks beside the adjoints, where a zero may have met an
   infinity: only the gradient is wanted. */
void dz__whole_careful(const dz__whole *p, const double *in, const double *seeds, double *gradient,
                       double *work);
/* Doubles that it takes. */
size_t dz__whole_careful_room(const dz__whole *p);

/* Row-major steps of an operand along the axes of the result, 0 where it is repeated. */
void dz__steps_along(const dz__array *out, const dz__array *a, size_t *step);

static inline dz__load *dz__loads_of(const dz__whole *p, const dz__stage *s) { return p->load + s->load0; }

#endif
