/* dz/tensor.h over the recorders. Names in parentheses keep the header's macros of the same name away. */
#include "dz/tensor.h"

#include "tape/tensor.h"

#include <string.h>

/* ---- reductions ---- */

static dz_var reduce(dz__fn fn, dz_var x, int axis, bool keepdims) {
  int64_t one = axis;
  return dz__reduce(fn, x, axis == DZ_ALL ? DZ__ALL_AXES : 1, &one, keepdims, 0);
}

dz_var(dz_sum)(dz_var x, int axis, bool keepdims) { return reduce(DZ__F_sum, x, axis, keepdims); }
dz_var(dz_prod)(dz_var x, int axis, bool keepdims) { return reduce(DZ__F_prod, x, axis, keepdims); }
dz_var(dz_max)(dz_var x, int axis, bool keepdims) { return reduce(DZ__F_max, x, axis, keepdims); }
dz_var(dz_min)(dz_var x, int axis, bool keepdims) { return reduce(DZ__F_min, x, axis, keepdims); }
dz_var(dz_norm)(dz_var x, int axis, bool keepdims) { return reduce(DZ__F_norm, x, axis, keepdims); }
dz_var(dz_logsumexp)(dz_var x, int axis, bool keepdims) { return reduce(DZ__F_logsumexp, x, axis, keepdims); }

/* max and min of the table's tensor part: those of two operands are not meant. */
static dz__fn reduction_by_name(const char *name) {
  for (int fn = DZ__F_POINTWISE_END; name && fn < DZ__F_END; fn++)
    if (dz__ops[fn].signature == DZ__REDUCE && fn != DZ__F_count && strcmp(dz__ops[fn].name, name) == 0)
      return (dz__fn)fn;
  return DZ__F_END;
}

static dz_tape *tape_of(dz_var x) { return dz_is_number(x) ? NULL : x.tape; }

/* Copies a list of axes. A list longer than any rank is cut at one too many, which is refused further on: by
   then some axis has come twice or is out of range. */
static int listed(int count, const int *axes, int64_t list[DZ__MAX_RANK + 1]) {
  if (count < 0) return DZ__ALL_AXES - 1;
  if (count > DZ__MAX_RANK + 1) count = DZ__MAX_RANK + 1;
  for (int k = 0; axes && k < count; k++) list[k] = axes[k];
  return count;
}

dz_var(dz_reduce)(const char *op, dz_var x, int count, const int *axes, bool keepdims) {
  int64_t list[DZ__MAX_RANK + 1];
  dz__fn fn = reduction_by_name(op);
  if (fn == DZ__F_END)
    return dz__poison(tape_of(x), DZ_ERR_NAME, "reduce", "reduce: no reduction is named '%.40s'",
                      op ? op : "");
  return dz__reduce(fn, x, listed(count, axes, list), axes ? list : NULL, keepdims, 0);
}

dz_var(dz_cumsum)(dz_var x, int axis) { return dz__along(DZ__F_cumsum, x, axis); }
dz_var(dz_cumprod)(dz_var x, int axis) { return dz__along(DZ__F_cumprod, x, axis); }

/* ---- shapes ---- */

static dz_var shaped(dz__fn fn, dz_var x, int rank, const size_t *dims) {
  int64_t list[DZ__MAX_RANK];
  for (int k = 0; dims && k < rank && k < DZ__MAX_RANK; k++) {
    bool open = fn == DZ__F_reshape && dims[k] == SIZE_MAX;
    if (dims[k] > INT64_MAX && !open)
      return dz__poison(tape_of(x), DZ_ERR_SHAPE, dz__ops[fn].name, "%s: extent %zu is too large",
                        dz__ops[fn].name, dims[k]);
    list[k] = open ? -1 : (int64_t)dims[k];
  }
  return dz__shaped(fn, x, rank, dims ? list : NULL);
}

dz_var(dz_reshape)(dz_var x, int rank, const size_t *dims) { return shaped(DZ__F_reshape, x, rank, dims); }
dz_var(dz_broadcast_to)(dz_var x, int rank, const size_t *dims) {
  return shaped(DZ__F_broadcast_to, x, rank, dims);
}

dz_var(dz_permute)(dz_var x, int count, const int *axes) {
  int64_t list[DZ__MAX_RANK + 1];
  return dz__permuted(x, listed(count, axes, list), axes ? list : NULL);
}

dz_var(dz_transpose)(dz_var x) { return dz__permuted(x, DZ__ALL_AXES, NULL); }

/* ---- parts ---- */

/* Applies `last` to the axis and leaves those before whole. */
static dz_var along_axis(dz_var x, int axis, dz__range last) {
  dz__range ranges[DZ__MAX_RANK];
  int rank = dz_rank(x);
  if (!dz_valid(x)) return dz__indexed(x, 0, NULL);
  if (axis < -rank || axis >= rank)
    return dz__poison(tape_of(x), DZ_ERR_ARGUMENT, "index", "index: axis %d is out of range for rank %d",
                      axis, rank);
  axis += axis < 0 ? rank : 0;
  for (int k = 0; k < axis; k++) ranges[k] = (dz__range){.step = 1};
  ranges[axis] = last;
  return dz__indexed(x, axis + 1, ranges);
}

dz_var(dz_slice)(dz_var x, int axis, int64_t start, int64_t stop, int64_t step) {
  return along_axis(
      x, axis, (dz__range){.has_start = true, .has_stop = true, .start = start, .stop = stop, .step = step});
}

dz_var(dz_at)(dz_var x, int axis, int64_t i) {
  return along_axis(x, axis, (dz__range){.position = true, .start = i});
}

dz_var(dz_gather)(dz_var x, dz_var indices, int axis) { return dz__gather(x, indices, axis); }

/* ---- joins and products ---- */

dz_var(dz_concat)(int n, const dz_var *xs, int axis) { return dz__concat(n, xs, axis); }
dz_var(dz_stack)(int n, const dz_var *xs, int axis) { return dz__stack(n, xs, axis); }
dz_var(dz_matmul)(dz_var x, dz_var y) { return dz__matmul(x, y); }
dz_var(dz_dot)(dz_var x, dz_var y) { return dz__matmul(x, y); }
dz_var(dz_solve)(dz_var a, dz_var b) { return dz__solve(a, b); }
dz_var(dz_noise)(dz_var x, dz_var seed) { return dz__noise(x, seed); }
