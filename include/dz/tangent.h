/* Forward mode: how the values of a tape change along a direction in its leaves.

   The tangent of a node is the sum over leaves k of (d node / d leaf_k) v_k, by the same partials as the
   reverse sweep's, and with the same answers at hard points: what the direction does not reach carries
   nothing, and a 0 in a direction is such a structural zero, as is a branch that was not selected; a numeric
   0 * inf is NaN. */
#ifndef DZ_TANGENT_H
#define DZ_TANGENT_H

#include "dz/tape.h"

#ifdef __cplusplus
extern "C" {
#endif

/* out = J v, with J the Jacobian of y's elements by the elements of the leaves. `leaves` are active leaves
   (inputs, parameters) of y's tape; `direction` holds v: the elements of leaves[0], then those of leaves[1]
   and so on, row-major; directions of a leaf that is listed twice add up. `out` has y's size. Leaves that are
   not listed do not change. DZ_ERR_HANDLE (an invalid handle, a plain number, two tapes), DZ_ERR_ARGUMENT
   (NULL, count < 0, no active leaf), DZ_ERR_MEMORY; when the tape holds an error, that error's status. The
   tape keeps the error too; `out` is then unspecified. Adjoints stay as they are. Cost: one pass over the
   nodes up to y, and a second one where 0 meets an infinite partial; memory 8 bytes per node and as much as
   the active tensors hold (twice that after a second pass), kept for next time: no allocation when the tape
   has not grown. Griewank and Walther, Evaluating Derivatives, 2nd ed., 3.1. */
DZ_API dz_status dz_tangent(dz_var y, int count, const dz_var *leaves, const double *direction, double *out);

/* The same for `rows` nodes ys in one pass: their tangents one after another in `out`. Of gradient nodes
   (dz_grad) this is a Hessian-vector product. */
DZ_API dz_status dz_tangents(int rows, const dz_var *ys, int count, const dz_var *leaves,
                             const double *direction, double *out);

#ifdef __cplusplus
}
#endif
#endif
