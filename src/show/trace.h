/* The teaching model that every picture renders: the nodes that a result depends on, and one record for each
   use of a value as an operand (x*x has two). */
#ifndef DZ_SHOW_TRACE_H
#define DZ_SHOW_TRACE_H

#include "base/memory.h"
#include "dz/sweep.h"

/* Tensors of at most this many elements are shown element by element. */
enum { DZ__SHOWN_ELEMENTS = 4 };

/* One use of a value. Those of one user are neighbours, in operand order. */
typedef struct dz__use {
  uint32_t user, operand; /* which seen node, and which of its operands */
  uint32_t of;            /* the seen node used; DZ__NONE: a plain number */
  uint32_t next;          /* the next use of the same node, in order of (user, operand); DZ__NONE ends */
  double number;          /* of a plain number */
  const double *share; /* what this use adds to the adjoint of the value; NULL when the user or the value has
                          no adjoint, or the value is no scalar or small tensor */
} dz__use;

typedef struct dz__seen {
  dz_var var;
  size_t node; /* its number on the tape */
  dz_node is;
  const char *name; /* NULL or not empty */
  int rank;
  size_t dims[DZ_MAX_RANK], size;
  const double *value, *adjoint; /* adjoint: NULL unless the state is READY */
  dz_adjoint_state state;
  uint32_t wave;        /* of the forward sweep: 0 for leaves, else one more than the latest operand's */
  uint32_t args;        /* its own operands: uses args to args + is.nargs */
  uint32_t first, uses; /* the uses of its value, linked by `next`: how many */
} dz__seen;

/* Nodes in tape order, so operands come before their users; the last is the result. Values, adjoints and
   names point into the tape: a trace lives no longer than the next recording, sweep or rewind. */
typedef struct dz__trace {
  dz_allocator alloc;
  dz__seen *seen;
  dz__use *use;
  double *share;
  size_t nseen, nuse, nshare;
} dz__trace;

/* Builds the trace of y, which must be a live node. DZ_ERR_LIMIT when y depends on more than max_ops
   operations (or more than 2^32 - 1 uses), DZ_ERR_MEMORY; *trace is empty then. Cost: linear in the nodes
   seen, and two bits per node of the tape up to y. */
dz_status dz__trace_make(dz_var y, size_t max_ops, dz__trace *trace);
void dz__trace_free(dz__trace *trace);

#endif
