/* Jacobians, Hessians and Hessian-vector products, dense. See dz/sparse.h where most elements are 0. */
#ifndef DZ_JACOBIAN_H
#define DZ_JACOBIAN_H

#include "dz/tape.h"

#ifdef __cplusplus
extern "C" {
#endif

/* out[i * size(x) + j] = d y_i / d x_j, for the elements of y and x in row-major order. x is an active leaf,
   or any active node, which then counts as a variable of its own. An element that y_i does not depend on is
   0 (a structural zero, whatever stands beside it). DZ_ERR_HANDLE (an invalid handle, a plain number, two
   tapes), DZ_ERR_ARGUMENT (NULL, x inactive), DZ_ERR_MEMORY, DZ_ERR_LIMIT; when the tape holds an error, that
   error's status. The tape keeps the error too. Cost: size(x) forward sweeps when x is a leaf and no larger
   than y, else size(y) reverse sweeps, after which the adjoints of the one before are lost, over some nodes
   that are dropped again. */
DZ_API dz_status dz_jacobian(dz_var y, dz_var x, double *out);

/* The same for `rows` nodes ys by `count` active leaves xs: out[i * n + j] = d y_i / d x_j, with the elements
   of ys[0], then those of ys[1] and so on as y, and those of the xs as x, n in all. Errors as dz_jacobian's.
   Cost: where all nodes of the tape are single numbers, and it is not one of floats, one reverse sweep for
   two rows, which costs little more than one for a gradient and leaves the adjoints as they are; each row the
   same bits as dz_backward's. */
DZ_API dz_status dz_jacobians(int rows, const dz_var *ys, int count, const dz_var *xs, double *out);

/* out[i * n + j] = d^2 y / d x_i d x_j for the scalar (or one-element) y, n = size(x), x an active leaf. Each
   row and column is computed, so the two triangles may differ by rounding. Errors as dz_jacobian's, and
   DZ_ERR_SHAPE (y has several elements). Cost: the gradient as nodes (dz_grad), which are dropped again, and
   n forward sweeps over them. */
DZ_API dz_status dz_hessian(dz_var y, dz_var x, double *out);

/* out = H v for the scalar y and the Hessian by all elements of the leaves xs, one leaf after another; v and
   out have the elements of xs[0], then those of xs[1] and so on. Errors as dz_hessian's. Cost: that of a
   constant number of sweeps: the gradient as nodes (dropped again) and one forward sweep over them. For many
   products at one point, record the gradient once with dz_grad and call dz_tangents on it. Griewank and
   Walther, Evaluating Derivatives, 2nd ed., 5.1. */
DZ_API dz_status dz_hvp(dz_var y, int count, const dz_var *xs, const double *v, double *out);

#ifdef __cplusplus
}
#endif
#endif
