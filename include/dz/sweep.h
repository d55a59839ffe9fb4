/* Reverse sweeps: the adjoint of every node of a tape with respect to one output.

   The adjoint of node v is sum over elements k of the output of seed_k * d(output_k)/dv. A structural zero (a
   branch not selected, a node that the output does not depend on) carries nothing; a numeric 0 * inf is NaN.
 */
#ifndef DZ_SWEEP_H
#define DZ_SWEEP_H

#include "dz/pointwise.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum dz_adjoint_state {
  DZ_ADJOINT_NOT_COMPUTED, /* no sweep has covered this node */
  DZ_ADJOINT_INACTIVE,     /* a constant, data, or made of such only: it has no adjoint */
  DZ_ADJOINT_READY
} dz_adjoint_state;

/* One sweep from the scalar (or one-element tensor) y with seed 1; overwrites all adjoints, so calling it
   twice gives the same. DZ_ERR_HANDLE, DZ_ERR_SHAPE (y has not exactly one element: give a seed),
   DZ_ERR_MEMORY. When the tape holds an error, that error's status. Cost: one pass over the nodes up to y,
   but for operations on tensors whose result nothing reaches; memory 8 bytes per node, and as much as the
   active tensors hold, kept for next time. The first time that an interior scalar's adjoint is asked for, one
   more pass computes them all. */
DZ_API dz_status dz_backward(dz_var y);

/* The same with a seed: a number, or a handle with y's shape. DZ_ERR_SHAPE when the shapes differ. */
DZ_API dz_status dz_backward_with(dz_var y, dz_var seed);

/* The same, added to the adjoints that the leaves have (those not computed before count as 0): gradients of
   several outputs, or of several mini-batches around dz_tape_rewind. Adjoints of operations are "not
   computed" afterwards, since they belong to no single sweep. After DZ_ERR_MEMORY the leaves have what they
   had. */
DZ_API dz_status dz_backward_add(dz_var y, dz_var seed);

/* The adjoint of a scalar or one-element tensor: 0 when inactive, NaN when not computed (ask
   dz_adjoint_state_of). Cost O(1), save as said at dz_backward. Once a leaf before the output was set
   (dz_set) or the output dropped by a rewind, interior scalars that nobody had asked for are "not computed";
   leaves keep theirs. */
DZ_API double dz_adjoint(dz_var x);
/* All elements of the adjoint, row-major; valid until the next sweep or recording. NULL unless the state is
 * READY. Cost as dz_adjoint. */
DZ_API const double *dz_adjoints(dz_var x);
/* The same of a tensor (rank 1 or more) of a tape of floats, where it stands; NULL for any other handle.
   There dz_adjoints makes a copy, and is NULL too when memory is out for it. */
DZ_API const float *dz_adjoints_single(dz_var x);
DZ_API dz_adjoint_state dz_adjoint_state_of(dz_var x);

/* Bytes that the tape holds: nodes, tensors, adjoints, names, branches, room to work in; but not what
   operations of the user's own (dz/userop.h) and the prelude's functions were defined as. Cost O(1). */
DZ_API size_t dz_tape_bytes(const dz_tape *t);

/* Looks at the values and the last sweep's adjoints up to y, and appends notes to the tape (dz_note_at) on
   what a reader should know, each at the operation where it arose, with its operands: of values "domain" (a
   NaN), "pole", "overflow", "0*inf", "discontinuous"; of slopes "infinite slope", "no slope" (a NaN), "0*inf"
   (a numeric zero), "overflow". One note speaks for all elements of its kind in a node. Of what y is not made
   of (a branch not selected, an element not taken) nothing is said. DZ_ERR_HANDLE, DZ_ERR_MEMORY,
   DZ_ERR_ARGUMENT when no sweep from y is at hand. Cost: one pass over the nodes up to y; where there is
   something to say, three, and as much memory as their values take. */
DZ_API dz_status dz_diagnose(dz_var y);

#ifdef __cplusplus
}
#endif

#ifndef __cplusplus
#define dz_backward_with(y, seed) dz_backward_with(y, DZ__V(seed))
#define dz_backward_add(y, seed) dz_backward_add(y, DZ__V(seed))
#endif
#endif
