#include "tape/tensor.h"

/* ---- operands and axes ---- */

static dz_var invalid(dz_var x) { return (dz_var){.tape = dz_is_number(x) ? NULL : x.tape, .id = DZ__NONE}; }

static bool ready(dz_var x, const char *op) { return dz_is_number(x) || dz__check_handle(x.tape, x, op); }

/* Reports that an array is missing, or a count negative. */
static bool given(dz_var x, int n, const void *array, const char *op) {
  if (n >= 0 && (n == 0 || array)) return true;
  dz__poison(x.tape, DZ_ERR_ARGUMENT, op, n < 0 ? "%s: a count is negative" : "%s: an array is NULL", op);
  return false;
}

/* Counts a negative axis from the end; false after reporting one that is out of range. */
static bool settle_axis(dz_var x, int64_t *axis, int rank, const char *op) {
  if (*axis >= -rank && *axis < rank) {
    *axis += *axis < 0 ? rank : 0;
    return true;
  }
  char text[192];
  dz__array a = dz__array_of(x);
  if (a.rank == 0 && rank == 0)
    dz__poison(x.tape, DZ_ERR_ARGUMENT, op, "%s: axis %lld of a scalar, which has no axes", op,
               (long long)*axis);
  else
    dz__poison(x.tape, DZ_ERR_ARGUMENT, op,
               "%s: axis %lld is out of range %d to %d, the operand has shape %s", op, (long long)*axis,
               -rank, rank - 1, dz__array_text(&a, text));
  return false;
}

/* ---- reductions ---- */

/* A reduction of one number: only norm and count change it. */
static dz_var reduced_number(dz__fn fn, double x, int64_t ddof) {
  if (fn == DZ__F_norm) return dz_num(x < 0 ? -x : x == 0 ? 0 : x);
  if (fn != DZ__F_count) return dz_num(x);
  return ddof < 1 ? dz_num(1 - (double)ddof) : (dz_var){.tape = NULL, .id = DZ__NONE};
}

/* Writes keepdims and the axes in ascending order; returns how many integers, or 0 after an error. */
static int reduction_attr(dz_var x, int naxes, const int64_t *axes, bool keepdims, const char *op,
                          int64_t *attr) {
  int rank = dz__array_of(x).rank, n = 0;
  unsigned seen = naxes == DZ__ALL_AXES ? (1u << rank) - 1 : 0;
  for (int k = 0; k < naxes; k++) {
    int64_t axis = axes[k];
    if (!settle_axis(x, &axis, rank, op)) return 0;
    if (seen >> axis & 1) {
      dz__poison(x.tape, DZ_ERR_ARGUMENT, op, "%s: axis %lld is listed twice", op, (long long)axis);
      return 0;
    }
    seen |= 1u << axis;
  }
  attr[n++] = keepdims;
  for (int k = 0; k < rank; k++)
    if (seen >> k & 1) attr[n++] = k;
  return n;
}

dz_var dz__reduce(dz__fn fn, dz_var x, int naxes, const int64_t *axes, bool keepdims, int64_t ddof) {
  const char *op = dz__ops[fn].name;
  int64_t attr[DZ__MAX_RANK + 2];
  if (!ready(x, op) || (naxes != DZ__ALL_AXES && !given(x, naxes, axes, op))) return invalid(x);
  int n = reduction_attr(x, naxes, axes, keepdims, op, attr);
  if (n == 0) return invalid(x);
  if (dz_is_number(x)) return reduced_number(fn, dz__number(x), ddof);
  if (fn == DZ__F_count) attr[n++] = ddof;
  return dz__record(fn, 1, &x, n, attr);
}

dz_var dz__along(dz__fn fn, dz_var x, int64_t axis) {
  const char *op = dz__ops[fn].name;
  if (!ready(x, op) || !settle_axis(x, &axis, dz__array_of(x).rank, op)) return invalid(x);
  return dz__record(fn, 1, &x, 1, &axis);
}

/* ---- shapes ---- */

/* Replaces the one extent of -1 by what the others leave of `size` elements. */
static bool infer_extent(dz_var x, int rank, int64_t *dims, const char *op) {
  size_t size = dz__array_of(x).size, known[DZ__MAX_RANK], product;
  int open = -1;
  for (int k = 0; k < rank; k++) {
    known[k] = dims[k] == -1 ? 1 : (size_t)dims[k];
    if (dims[k] != -1) continue;
    if (open >= 0) return dz__poison(x.tape, DZ_ERR_ARGUMENT, op, "%s: two extents are left open", op), false;
    open = k;
  }
  if (open < 0) return true;
  char a[192], b[192];
  dz__array from = dz__array_of(x);
  if (dz__size_of(rank, known, &product) && product > 0 && size % product == 0) {
    dims[open] = (int64_t)(size / product);
    return true;
  }
  dz__poison(x.tape, DZ_ERR_SHAPE, op, "%s: no extent for axis %d makes %s hold the %zu elements of %s", op,
             open, dz__shape_text(rank, known, a), size, dz__array_text(&from, b));
  return false;
}

dz_var dz__shaped(dz__fn fn, dz_var x, int rank, const int64_t *dims) {
  const char *op = dz__ops[fn].name;
  int64_t attr[DZ__MAX_RANK];
  if (!ready(x, op) || !given(x, rank, dims, op)) return invalid(x);
  if (rank > DZ__MAX_RANK)
    return dz__poison(x.tape, DZ_ERR_SHAPE, op, "%s: rank %d is over the limit of %d", op, rank,
                      DZ__MAX_RANK);
  for (int k = 0; k < rank; k++) attr[k] = dims[k];
  if (fn == DZ__F_reshape && !infer_extent(x, rank, attr, op)) return invalid(x);
  return dz_is_number(x) && rank == 0 ? x : dz__record(fn, 1, &x, rank, attr);
}

dz_var dz__permuted(dz_var x, int naxes, const int64_t *axes) {
  const char *op = dz__ops[DZ__F_permute].name;
  int64_t attr[DZ__MAX_RANK];
  char text[192];
  if (!ready(x, op) || (naxes != DZ__ALL_AXES && !given(x, naxes, axes, op))) return invalid(x);
  dz__array a = dz__array_of(x);
  if (naxes != DZ__ALL_AXES && naxes != a.rank)
    return dz__poison(x.tape, DZ_ERR_ARGUMENT, op, "%s: %d axes are listed, the operand has shape %s", op,
                      naxes, dz__array_text(&a, text));
  for (int k = 0; k < a.rank; k++) {
    attr[k] = naxes == DZ__ALL_AXES ? a.rank - 1 - k : axes[k];
    if (!settle_axis(x, &attr[k], a.rank, op)) return invalid(x);
  }
  return dz_is_number(x) ? x : dz__record(DZ__F_permute, 1, &x, a.rank, attr);
}

/* ---- parts ---- */

static int64_t clip(int64_t i, int64_t low, int64_t high) { return i < low ? low : i > high ? high : i; }

/* Start, count and step of a range over `extent` positions; Python's slice.indices. */
static void settle_range(const dz__range *r, int64_t extent, int64_t *attr) {
  int64_t step = r->step < -INT64_MAX ? -INT64_MAX : r->step;
  int64_t low = step < 0 ? -1 : 0, high = step < 0 ? extent - 1 : extent;
  int64_t start = step < 0 ? high : low, stop = step < 0 ? low : high;
  if (r->has_start) start = clip(r->start < 0 ? r->start + extent : r->start, low, high);
  if (r->has_stop) stop = clip(r->stop < 0 ? r->stop + extent : r->stop, low, high);
  int64_t count = step < 0 ? start - stop : stop - start;
  count = count > 0 ? (count - 1) / (step < 0 ? -step : step) + 1 : 0;
  attr[0] = count > 0 ? start : 0;
  attr[1] = count;
  attr[2] = count > 1 ? step : 1;
  attr[3] = 0;
}

static bool settle_index(dz_var x, const dz__array *a, int axis, const dz__range *r, int64_t *attr) {
  const char *op = dz__ops[DZ__F_index].name;
  int64_t extent = a->dims[axis] < INT64_MAX ? (int64_t)a->dims[axis] : INT64_MAX;
  char text[192];
  if (r->position) {
    int64_t i = r->start < 0 ? r->start + extent : r->start;
    attr[0] = i;
    attr[1] = attr[2] = attr[3] = 1;
    if (i >= 0 && i < extent) return true;
    dz__poison(x.tape, DZ_ERR_ARGUMENT, op,
               "%s: position %lld is out of range for axis %d of extent %lld of %s", op, (long long)r->start,
               axis, (long long)extent, dz__array_text(a, text));
    return false;
  }
  if (r->step == 0) return dz__poison(x.tape, DZ_ERR_ARGUMENT, op, "%s: a step of 0", op), false;
  settle_range(r, extent, attr);
  return true;
}

dz_var dz__indexed(dz_var x, int n, const dz__range *ranges) {
  const char *op = dz__ops[DZ__F_index].name;
  int64_t attr[4 * DZ__MAX_RANK];
  char text[192];
  if (!ready(x, op) || !given(x, n, ranges, op)) return invalid(x);
  dz__array a = dz__array_of(x);
  if (n > a.rank)
    return dz__poison(x.tape, DZ_ERR_ARGUMENT, op, "%s: %d indices, the operand has shape %s", op, n,
                      dz__array_text(&a, text));
  for (int k = 0; k < a.rank; k++) {
    static const dz__range whole = {.step = 1};
    if (!settle_index(x, &a, k, k < n ? &ranges[k] : &whole, attr + 4 * k)) return invalid(x);
  }
  return dz__record(DZ__F_index, 1, &x, 4 * a.rank, attr);
}

dz_var dz__gather(dz_var x, dz_var at, int64_t axis) {
  const char *op = dz__ops[DZ__F_gather].name;
  if (!ready(x, op) || !settle_axis(x, &axis, dz__array_of(x).rank, op)) return invalid(x);
  return dz__record(DZ__F_gather, 2, (dz_var[]){x, at}, 1, &axis);
}

/* ---- joins and products ---- */

/* The first operand that is a node, else the first. */
static dz_var lead(int n, const dz_var *xs) {
  for (int k = 0; k < n; k++)
    if (!dz_is_number(xs[k])) return xs[k];
  return xs[0];
}

static dz_var joined(dz__fn fn, int n, const dz_var *xs, int64_t axis, int more) {
  const char *op = dz__ops[fn].name;
  if (n < 1 || !xs) return (dz_var){.tape = NULL, .id = DZ__NONE};
  dz_var x = lead(n, xs);
  if (!ready(x, op) || !settle_axis(x, &axis, dz__array_of(x).rank + more, op)) return invalid(x);
  return dz__record(fn, n, xs, 1, &axis);
}

dz_var dz__concat(int n, const dz_var *xs, int64_t axis) { return joined(DZ__F_concat, n, xs, axis, 0); }
dz_var dz__stack(int n, const dz_var *xs, int64_t axis) { return joined(DZ__F_stack, n, xs, axis, 1); }

dz_var dz__matmul(dz_var x, dz_var y) { return dz__record(DZ__F_matmul, 2, (dz_var[]){x, y}, 0, NULL); }

dz_var dz__noise(dz_var x, dz_var seed) {
  const dz_var xs[] = {x, seed};
  const size_t rows = dz_rank(x) > 0 ? dz__of(x.tape)->share.rows : 0;
  int64_t before = 0;
  if (rows > 0 && dz_extent(x, 0) == rows)
    before = (int64_t)(dz__of(x.tape)->share.first * (dz_size(x) / rows));
  return dz__record(DZ__F_noise, 2, xs, before != 0, &before);
}

dz_var dz__solve(dz_var a, dz_var b) {
  if (dz_is_number(a) && !dz_is_number(b) && b.tape) a = dz__as_node(b.tape, a);
  if (!dz_is_number(b) && !dz__check_handle(a.tape, b, dz__ops[DZ__F_solve].name)) return invalid(a);
  dz_var lu = dz__record(DZ__F_lu, 1, &a, 0, NULL);
  return dz_valid(lu) ? dz__record(DZ__F_solve, 3, (dz_var[]){a, b, lu}, 1, (int64_t[]){0}) : lu;
}
