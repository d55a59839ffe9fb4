/* One application of an operation to arrays: what shape rules and kernels see. They know no tape. */
#ifndef DZ_OPS_CALL_H
#define DZ_OPS_CALL_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { DZ__MAX_RANK = 8 };
/* Integers that an operation carries at most: place has five for each axis. */
enum { DZ__MAX_ATTRS = 5 * DZ__MAX_RANK };

/* Row-major and contiguous. Which of the two the elements are, the caller and the kernel agree on. */
typedef struct dz__array {
  int rank;
  size_t dims[DZ__MAX_RANK];
  size_t size;
  union {
    double *data;
    float *single;
  };
} dz__array;

struct dz__userop;

typedef struct dz__call {
  const char *op; /* for messages */
  int nargs;
  bool single;           /* for the shape rule: arrays hold floats */
  const dz__array *args; /* data read-only */
  int nattr;
  const int64_t *attr; /* meaning per operation: see tensor.def */
  dz__array out;
  union { /* reverse: the adjoint of out */
    const double *g;
    const float *g_single;
  };
  union { /* reverse: per operand its adjoint to add into, or NULL when it is not wanted;
             of one operand alone it is, or nobody would ask */
    double **ga;
    float **ga_single;
  };
  double
      *scratch; /* reverse, where the table asks for it: room for out.size plus the size of every operand */
  const double *reached; /* reverse in the careful sweep: 0 where g is a structural zero, from which nothing
                            flows; NULL when that is not known */
  dz_error *error;
  const struct dz__userop *user; /* of a user operation: what it is */
} dz__call;

/* Sets rank, dims and size of call->out, or reports DZ_ERR_SHAPE with both shapes (or an argument error). It
   may read the operands' data. */
typedef dz_status dz__shape_rule(dz__call *call);
/* Fills call->out.data. */
typedef void dz__forward(const dz__call *call);
/* Adds the operand contributions. Returns true when a zero of g met a non-finite partial, so that 0*inf was
   formed: the sweep then goes again, with `reached` set, and tells structural zeros from numeric ones. */
typedef bool dz__reverse(const dz__call *call);

/* Forward mode: one operation with its operands' tangents. `t` has NULL for an inactive operand. */
typedef struct dz__tangent_call {
  const struct dz__tensor_op *op;
  dz__call call;          /* args and out hold their values */
  dz__array *args;        /* call.args: a kernel may put other data in place of an operand's */
  double *const *t;       /* per operand its tangent */
  double *const *reached; /* per active operand not 0 where the direction arrived; NULL in the quick
                             sweep, which takes every element as reached */
  double *out;            /* to be filled: the tangent of the result, 0 where nothing arrives */
  double *out_reached;    /* where `reached` is given, to be filled: 0 where nothing arrives */
  double *zeros;          /* stand for the tangent of an inactive operand, however large */
} dz__tangent_call;
typedef void dz__tangent(const dz__tangent_call *p);

/* How elements of operands enter elements of the result, for patterns of sparse derivatives. */
typedef enum dz__carries {
  DZ__MOVES,      /* each of the result is one of an operand, or 0: the tangent function moves them */
  DZ__COLLECTS,   /* each of the first operand enters one of the result: the reverse function says which */
  DZ__REDUCES,    /* the same, said by sum's reverse function */
  DZ__SCANS,      /* each of the result is made from those up to it along an axis */
  DZ__MULTIPLIES, /* matrix product: each of the result is made from a row and a column */
  DZ__MIXES       /* each from all; of a user operation that is elementwise, element by element */
} dz__carries;

typedef struct dz__tensor_op {
  dz__shape_rule *shape;
  dz__forward *forward;
  dz__reverse *reverse;
  /* For the careful sweep: reverse with masks for g and ga, not negative and nonzero where something flows
     (true args and out). NULL: the operation has no slope at all and its result is inactive. */
  dz__reverse *spread;
  bool scratch;
  /* Where it is not linear (dz__tangent_linear and _first), it finds in call.scratch room for the result
     twice and for each operand three times. */
  dz__tangent *tangent;
  uint8_t carries;
  /* forward and reverse (in the quick sweep) where all elements are floats; NULL: they are converted. */
  dz__forward *forward_single;
  dz__reverse *reverse_single;
} dz__tensor_op;

/* An operation that the user defined: a row of its own, kept by the tape. */
typedef struct dz__userop {
  const char *name;
  int arity;
  bool elementwise; /* as an operation of pointwise.def; otherwise each of the result is made from all */
  const dz__tensor_op *row;
  void *own;                  /* for the functions of the row */
  void (*release)(void *own); /* frees it, and with it this, when nobody else holds it */
  void (*hold)(void *own);    /* once more; NULL of one that only its tape holds */
} dz__userop;

/* Rows of tensor.def, first DZ__F_POINTWISE_END, and last, for DZ__F_user, one that goes to the row of
   call->user; expanded in kernels/tensor.c. */
extern const dz__tensor_op dz__tensor_ops[];

/* The shape rule of every pointwise operation: NumPy broadcasting of all operands. */
dz_status dz__broadcast_rule(dz__call *call);

/* The product of dims, or false when it or its size in bytes overflows. Zero extents are fine. */
bool dz__size_of(int rank, const size_t *dims, size_t *size);

/* Sets call->out.size from its rank and dims, or reports that such a result is too large. */
dz_status dz__sized(dz__call *call);

/* "[2, 3]" for messages; a scalar is "[]". Returns buf. */
char *dz__shape_text(int rank, const size_t *dims, char buf[192]);
char *dz__array_text(const dz__array *x, char buf[192]);

#endif
