/* Tensor operations: reductions, running sums, shapes, slices, joins, matrix products.

   One contract for all of them. Operands are tensors of rank 0 to 8 (a scalar is rank 0); extents may be 0.
   Axes count from 0, negative ones from the last (-1). In C, a plain number may stand for an operand;
   elsewhere wrap it in dz_num. Operands belong to one tape, and so does the result. An operand that is
   invalid, stale or of another tape gives an invalid result, and the tape keeps the first error with the
   call's file and line: DZ_ERR_HANDLE, DZ_ERR_SHAPE (shapes that do not fit; the message holds them),
   DZ_ERR_ARGUMENT (an axis or position out of range, an array that is NULL), DZ_ERR_MEMORY, DZ_ERR_LIMIT.
   When no operand has a tape, the result is a number where it is a scalar that NumPy would give for one, and
   an invalid handle otherwise. Arrays passed in are read during the call only. Cost: one node, and unless
   said otherwise time and memory linear in the elements read and written. Gradients hold at the hard points
   too (a tie, a zero, an infinity): the text of each says what they are there. */
#ifndef DZ_TENSOR_H
#define DZ_TENSOR_H

#include "dz/pointwise.h"

#include <limits.h>

#ifdef __cplusplus
extern "C" {
#endif

/* As an axis: all of them. */
#define DZ_ALL INT_MIN

/* ---- reductions: over one axis or DZ_ALL; with keepdims the axis stays, with extent 1 ---- */

/* sum of x_i; 0 for no elements. Gradient 1. The order is fixed, and the rounding error does not grow with
   the number of elements: it is at most 133 u sum |x_i|, u = 2^-53. */
DZ_API dz_var dz_sum(dz_var x, int axis, bool keepdims);
/* Product of x_i; 1 for no elements. Gradient: the product of the others, without division, so zeros are
 * fine. */
DZ_API dz_var dz_prod(dz_var x, int axis, bool keepdims);
/* The largest element; NaN when there is one. Elements that tie share the gradient equally; that of a NaN is
   NaN. Of no elements: DZ_ERR_SHAPE. */
DZ_API dz_var dz_max(dz_var x, int axis, bool keepdims);
/* The smallest element, likewise. */
DZ_API dz_var dz_min(dz_var x, int axis, bool keepdims);
/* sqrt(sum x_i^2), scaled by a power of two so that nothing over- or underflows on the way; 0 for no
   elements. Gradient x / norm, and 0 where the norm is 0. */
DZ_API dz_var dz_norm(dz_var x, int axis, bool keepdims);
/* ln(sum e^x_i), shifted by the largest; -inf for no elements. Gradient e^(x_i - m) / sum_j e^(x_j - m) with
   m the largest; when m is infinite, shared equally among the elements that equal it. */
DZ_API dz_var dz_logsumexp(dz_var x, int axis, bool keepdims);
/* Any of these, by name ("sum" "prod" "max" "min" "norm" "logsumexp"), over `count` axes, each listed once in
   any order; no axes give the elements themselves (their magnitudes for "norm"). DZ_ERR_NAME for another
   name. */
DZ_API dz_var dz_reduce(const char *op, dz_var x, int count, const int *axes, bool keepdims);

/* ---- along an axis: the result has x's shape ---- */

/* z_k = x_0 + … + x_k */
DZ_API dz_var dz_cumsum(dz_var x, int axis);
/* z_k = x_0 … x_k; the gradient needs no division. */
DZ_API dz_var dz_cumprod(dz_var x, int axis);

/* ---- shapes ---- */

/* The same elements, row-major, in the shape dims[0..rank). One extent may be SIZE_MAX: it is inferred. */
DZ_API dz_var dz_reshape(dz_var x, int rank, const size_t *dims);
/* x repeated along new leading axes and along its axes of extent 1. */
DZ_API dz_var dz_broadcast_to(dz_var x, int rank, const size_t *dims);
/* Axis k of the result is axis axes[k] of x; each is listed once. */
DZ_API dz_var dz_permute(dz_var x, int count, const int *axes);
/* The axes in reverse order: the transpose of a matrix; a vector stays as it is. */
DZ_API dz_var dz_transpose(dz_var x);

/* ---- parts ---- */

/* Positions start, start + step, … before stop along one axis, as Python's x[start:stop:step]: negative ones
   count from the end, and those beyond the ends are clipped, so that INT64_MAX and INT64_MIN stand for an
   open end. A step of 0 is DZ_ERR_ARGUMENT. */
DZ_API dz_var dz_slice(dz_var x, int axis, int64_t start, int64_t stop, int64_t step);
/* What stands at position i of the axis, which is dropped. DZ_ERR_ARGUMENT when it is out of range. */
DZ_API dz_var dz_at(dz_var x, int axis, int64_t i);
/* z[.., i.., ..] = x[.., indices[i..], ..]: the axis gives way to the axes of `indices`, whose elements are
   whole numbers, negative ones counting from the end (numpy.take). DZ_ERR_ARGUMENT for any other. The
   gradient adds up where a position is chosen more than once; none flows to the indices. */
DZ_API dz_var dz_gather(dz_var x, dz_var indices, int axis);

/* ---- joins ---- */

/* n >= 1 tensors one behind the other along the axis; they agree in all other extents. */
DZ_API dz_var dz_concat(int n, const dz_var *xs, int axis);
/* n >= 1 tensors of one shape side by side along a new axis. */
DZ_API dz_var dz_stack(int n, const dz_var *xs, int axis);

/* ---- products ---- */

/* The matrix product, as NumPy's @: [m, k] @ [k, n] is [m, n]; axes before the last two are a batch and
   broadcast; a vector on the left is a row, on the right a column, and that axis is dropped from the result.
   Scalars are DZ_ERR_SHAPE. Cost O(m k n) for each matrix of the batch. Sums go in a fixed order: the same
   bits whenever it is computed again. On x86-64 with FMA most products are rounded together with their sum,
   so that last digits are other ones than on processors without; both are within k u/(1 - k u) of the sum of
   magnitudes, u being 2^-53 (2^-24 of floats). */
DZ_API dz_var dz_matmul(dz_var x, dz_var y);
/* sum of x_i y_i for vectors; the matrix product otherwise. */
DZ_API dz_var dz_dot(dz_var x, dz_var y);
/* The x of a x = b: a is [n, n], b is [n], or [n, k] for k systems; x has b's shape. By LU factors with
   partial pivoting and one step of refinement (for n up to 4096), which leaves a backward error of a few
   roundings of each element. The factors are a node of their own beside it, and serve all derivatives: b's
   adjoint u is the solution of a^T u = x's, a's is -u x^T. A singular matrix gives NaN for value and slopes.
   Cost: 2/3 n^3 operations, in each sweep 6 n^2 for each column; memory for n^2 more elements. */
DZ_API dz_var dz_solve(dz_var a, dz_var b);

/* ---- random numbers ---- */

/* Numbers uniform in [0, 1), multiples of 2^-53, in x's shape: element i, row-major, is number i of the
   stream of `seed`, a scalar of any value. The same seed gives the same numbers on every machine, in every
   plan and in any number of threads: Philox4x32-10, its counter i / 2, its key the bits of the seed as a
   double (0 for both zeros). x gives the shape only. No gradient flows. On a tape of floats they are rounded
   to floats, below 1. */
DZ_API dz_var dz_noise(dz_var x, dz_var seed);

#ifdef __cplusplus
}
#endif

/* In C the names below also take plain numbers for tensors, and remember the call's place for errors. */
#ifndef __cplusplus
#define dz_sum(x, axis, keepdims) DZ__HERE(dz_sum(DZ__V(x), axis, keepdims))
#define dz_prod(x, axis, keepdims) DZ__HERE(dz_prod(DZ__V(x), axis, keepdims))
#define dz_max(x, axis, keepdims) DZ__HERE(dz_max(DZ__V(x), axis, keepdims))
#define dz_min(x, axis, keepdims) DZ__HERE(dz_min(DZ__V(x), axis, keepdims))
#define dz_norm(x, axis, keepdims) DZ__HERE(dz_norm(DZ__V(x), axis, keepdims))
#define dz_logsumexp(x, axis, keepdims) DZ__HERE(dz_logsumexp(DZ__V(x), axis, keepdims))
#define dz_reduce(op, x, ...) DZ__HERE(dz_reduce(op, DZ__V(x), __VA_ARGS__))
#define dz_cumsum(x, axis) DZ__HERE(dz_cumsum(DZ__V(x), axis))
#define dz_cumprod(x, axis) DZ__HERE(dz_cumprod(DZ__V(x), axis))
#define dz_reshape(x, ...) DZ__HERE(dz_reshape(DZ__V(x), __VA_ARGS__))
#define dz_broadcast_to(x, ...) DZ__HERE(dz_broadcast_to(DZ__V(x), __VA_ARGS__))
#define dz_permute(x, ...) DZ__HERE(dz_permute(DZ__V(x), __VA_ARGS__))
#define dz_transpose(x) DZ__HERE(dz_transpose(DZ__V(x)))
#define dz_slice(x, axis, start, stop, step) DZ__HERE(dz_slice(DZ__V(x), axis, start, stop, step))
#define dz_at(x, axis, i) DZ__HERE(dz_at(DZ__V(x), axis, i))
#define dz_gather(x, indices, axis) DZ__HERE(dz_gather(DZ__V(x), DZ__V(indices), axis))
#define dz_concat(...) DZ__HERE(dz_concat(__VA_ARGS__))
#define dz_stack(...) DZ__HERE(dz_stack(__VA_ARGS__))
#define dz_matmul(x, y) DZ__HERE(dz_matmul(DZ__V(x), DZ__V(y)))
#define dz_dot(x, y) DZ__HERE(dz_dot(DZ__V(x), DZ__V(y)))
#define dz_solve(a, b) DZ__HERE(dz_solve(DZ__V(a), DZ__V(b)))
#define dz_noise(x, seed) DZ__HERE(dz_noise(DZ__V(x), DZ__V(seed)))
#endif
#endif
