/* Tensor operations with the integers they carry worked out: what dz/tensor.h and the language both call.
   Each checks its operands, records through dz__record, and poisons on error. Axes count from 0, negative
   ones from the end. A NULL array with a count above 0 is DZ_ERR_ARGUMENT. Numbers alone have no tape: their
   result is a number where a reduction gives one, else an invalid handle of no tape, so lift them first
   (dz__as_node). */
#ifndef DZ_TAPE_TENSOR_H
#define DZ_TAPE_TENSOR_H

#include "tape/tape.h"

enum { DZ__ALL_AXES = -1 }; /* as a count of axes */

/* sum max min prod norm logsumexp count. `ddof` is for count only. */
dz_var dz__reduce(dz__fn fn, dz_var x, int naxes, const int64_t *axes, bool keepdims, int64_t ddof);
/* cumsum cumprod */
dz_var dz__along(dz__fn fn, dz_var x, int64_t axis);
/* reshape (one extent may be -1), broadcast_to */
dz_var dz__shaped(dz__fn fn, dz_var x, int rank, const int64_t *dims);
/* naxes DZ__ALL_AXES reverses the axes. */
dz_var dz__permuted(dz_var x, int naxes, const int64_t *axes);
dz_var dz__concat(int n, const dz_var *xs, int64_t axis);
dz_var dz__stack(int n, const dz_var *xs, int64_t axis); /* along a new axis */
dz_var dz__gather(dz_var x, dz_var at, int64_t axis);
dz_var dz__matmul(dz_var x, dz_var y);
dz_var dz__noise(dz_var x, dz_var seed);
/* With the factors of `a` as a node of their own. */
dz_var dz__solve(dz_var a, dz_var b);

/* One index of A[i, j:k]: a position (drops the axis) or a range. */
typedef struct dz__range {
  bool position, has_start, has_stop;
  int64_t start, stop, step; /* a position uses start only; a range without step has 1; negative starts and
                                stops count from the end */
} dz__range;

/* Ranges are clipped as NumPy's; a position out of bounds is an error. Fewer ranges than axes leave the rest
   whole. */
dz_var dz__indexed(dz_var x, int n, const dz__range *ranges);

#endif
