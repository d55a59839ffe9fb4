/* Plans of whole tensors: one step per tensor operation, and pointwise operations of one shape that follow
   one another as a chain that is run piece by piece, so that what lies between them stays in the first cache.
   Where single numbers would be too many to be nodes. */
#ifndef DZ_PLAN_WHOLE_H
#define DZ_PLAN_WHOLE_H

#include "ops/call.h"
#include "plan/extract.h"
#include "plan/machine.h"

enum {
  DZ__MOST_SLOTS = 96, /* members of a chain and their operands */
  DZ__MOST_OPERANDS = 255
};
#define DZ__NO_PLACE ((size_t)-1)

/* Where a value stands. */
typedef enum dz__home { DZ__HOME_WORK, DZ__HOME_INPUT, DZ__HOME_NUMBER } dz__home;

typedef struct dz__tensor {
  dz__array shape; /* no data */
  uint16_t fn;     /* DZ__F_END: an input or a number */
  uint8_t home;
  bool active, tie;
  bool turned[2]; /* of matmul: the transpose of that operand is meant */
  bool dropped;   /* a transpose that all its users take into account themselves */
  bool outside;   /* an output, or read by what is not in its chain: its value has a place */
  bool recalled;  /* the way back needs its value */
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
  size_t period;
} dz__load;

/* One operation, or a chain of them. */
typedef struct dz__stage {
  uint32_t first, n; /* of op[] */
  bool chain, active;
  uint32_t load0, loads;
  size_t tile; /* elements at a time */
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
  size_t out_nodes;       /* how many of output[] are the caller's */
  size_t numberf_size;
  size_t room;               /* numbers in the workspace that values and adjoints take */
  size_t registers, scratch; /* doubles that a chain, and an operation, take beside */
  const dz__row *rows;
  bool gradient, single;
} dz__whole;

/* Numbers that a plan of single elements would have: to choose. */
double dz__whole_work(const dz__wanted *w);

/* Fills *p. Errors as dz__extract. */
dz_status dz__whole_new(const dz__wanted *w, dz__guards *guards, dz__whole *p, dz_error *e);
void dz__whole_free(dz__whole *p);

/* Chains and flows; and where everything stands, stage_of[node] being the stage that computes it. False when
   memory is out. */
bool dz__whole_arrange(dz__whole *p);
bool dz__whole_place(dz__whole *p, const uint32_t *stage_of);

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

/* The same run with doubles and marks beside the adjoints, where a zero may have met an infinity: only the
   gradient is wanted. */
void dz__whole_careful(const dz__whole *p, const double *in, const double *seeds, double *gradient,
                       double *work);
/* Doubles that it takes. */
size_t dz__whole_careful_room(const dz__whole *p);

/* Row-major steps of an operand along the axes of the result, 0 where it is repeated. */
void dz__steps_along(const dz__array *out, const dz__array *a, size_t *step);

static inline dz__load *dz__loads_of(const dz__whole *p, const dz__stage *s) { return p->load + s->load0; }

#endif
