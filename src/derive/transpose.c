/* The rules of tensor operations: for a linear one its transpose, for the others their partials, in
   operations that exist. Each function is named after a line of tensor.def. */
#include "derive/rule.h"

#include "base/never.h"
#include "tape/tensor.h"

#include <math.h>
#include <string.h>

/* One node: its operands, itself, what arrives, its integers. */
typedef struct site {
  const dz_var *in;
  dz_var z, g, reach; /* reach {0}: everywhere */
  const int64_t *attr;
  int nattr, k;
} site;

typedef dz_var rule(const site *s);

/* ---- words ---- */

static dz_var two(dz__fn fn, dz_var x, dz_var y) { return dz__record(fn, 2, (dz_var[]){x, y}, 0, NULL); }
static dz_var mul(dz_var x, dz_var y) { return two(DZ__F_mul, x, y); }
static dz_var divide(dz_var x, dz_var y) { return two(DZ__F_div, x, y); }
static dz_var where(dz_var c, dz_var a, dz_var b) {
  return dz__record(DZ__F_where, 3, (dz_var[]){c, a, b}, 0, NULL);
}

static bool same_dims(const dz__array *a, const dz__array *b) {
  return a->rank == b->rank && memcmp(a->dims, b->dims, (size_t)a->rank * sizeof *a->dims) == 0;
}

static dz_var shaped(dz__fn fn, dz_var x, const dz__array *like) {
  if (!dz_valid(x)) return x;
  dz__array own = dz__array_of(x);
  if (same_dims(&own, like)) return x;
  int64_t to[DZ__MAX_RANK];
  for (int k = 0; k < like->rank; k++) to[k] = (int64_t)like->dims[k];
  return dz__shaped(fn, x, like->rank, to);
}

static dz_var reshaped(dz_var x, int rank, const size_t *dims) {
  dz__array like = {.rank = rank};
  for (int k = 0; k < rank; k++) like.dims[k] = dims[k];
  return shaped(DZ__F_reshape, x, &like);
}

dz_var dz__spread_to(dz_var x, dz_var like) {
  dz__array a = dz__array_of(like);
  return shaped(DZ__F_broadcast_to, x, &a);
}

dz_var dz__sum_to(dz_var c, dz_var like) {
  if (dz_is_number(c) || !dz_valid(c)) return c;
  dz__array from = dz__array_of(c), to = dz__array_of(like);
  if (same_dims(&from, &to)) return c;
  int64_t axes[DZ__MAX_RANK];
  int n = 0, extra = from.rank - to.rank;
  for (int k = 0; k < from.rank; k++)
    if (k < extra || (to.dims[k - extra] == 1 && from.dims[k] != 1)) axes[n++] = k;
  dz_var sum = dz__reduce(DZ__F_sum, c, n, axes, true, 0);
  return reshaped(sum, to.rank, to.dims);
}

/* ---- reductions ---- */

/* x, a result of the reduction, with unit extents where axes were reduced. */
static dz_var kept(const site *s, dz_var x) {
  dz__array a = dz__array_of(s->in[0]);
  for (int k = 1; k < s->nattr; k++) a.dims[s->attr[k]] = 1;
  return reshaped(x, a.rank, a.dims);
}

static dz_var over_axes(const site *s, dz__fn fn, dz_var x) {
  return dz__reduce(fn, x, s->nattr - 1, s->attr + 1, true, 0);
}

/* A reach, spread over all that made an element. */
static dz_var pull_sum(const site *s) { return dz__spread_to(kept(s, s->g), s->in[0]); }

static dz_var at_extreme(const site *s) { return two(DZ__F_eq, s->in[0], kept(s, s->z)); }

/* Elements equal to the extreme share equally; a NaN extreme makes every share 0/0. */
static dz_var pull_max(const site *s) {
  dz_var hit = at_extreme(s);
  dz_var share = divide(hit, over_axes(s, DZ__F_sum, hit));
  return where(two(DZ__F_eq, share, dz_num(0)), dz_num(0), mul(share, kept(s, s->g)));
}
static dz_var pull_min(const site *s) { return pull_max(s); }

static dz_var pull_norm(const site *s) {
  dz_var z = kept(s, s->z);
  return mul(kept(s, s->g), where(two(DZ__F_eq, z, dz_num(0)), dz_num(0), divide(s->in[0], z)));
}

/* e^(x - m) / sum e^(x - m), m the largest; all equal shares where m is infinite. */
static dz_var pull_logsumexp(const site *s) {
  dz_var x = s->in[0];
  if (dz_size(x) == 0) return dz__spread_to(dz_const(s->z.tape, 0), x);
  dz_var m = over_axes(s, DZ__F_max, x);
  m = dz__record(DZ__F_stop, 1, &m, 0, NULL);
  dz_var size = dz__record(DZ__F_fabs, 1, &m, 0, NULL);
  dz_var hit = two(DZ__F_eq, x, m), shifted = two(DZ__F_sub, x, m);
  dz_var e = where(two(DZ__F_eq, size, dz_num(1 / 0.)), hit, dz__record(DZ__F_exp, 1, &shifted, 0, NULL));
  return mul(kept(s, s->g), divide(e, over_axes(s, DZ__F_sum, e)));
}

/* ---- running operations, along one axis ---- */

static dz_var slice(dz_var x, int axis, dz__range r) {
  dz__range ranges[DZ__MAX_RANK] = {{0}};
  for (int k = 0; k < axis; k++) ranges[k].step = 1;
  ranges[axis] = r;
  return dz__indexed(x, axis + 1, ranges);
}

static dz_var flipped(dz_var x, int axis) { return slice(x, axis, (dz__range){.step = -1}); }

static dz_var sum_from(dz_var x, int axis) {
  return flipped(dz__along(DZ__F_cumsum, flipped(x, axis), axis), axis);
}

static dz_var pull_cumsum(const site *s) { return sum_from(s->g, (int)s->attr[0]); }

static dz_var ones_like(dz_tape *t, const dz__array *a) {
  dz_var one = dz_const(t, 1);
  int64_t to[DZ__MAX_RANK];
  for (int k = 0; k < a->rank; k++) to[k] = (int64_t)a->dims[k];
  return dz__shaped(DZ__F_broadcast_to, one, a->rank, to);
}

/* The product of what comes before along the last axis: 1, x0, x0 x1, … */
static dz_var before(dz_var x) {
  if (!dz_valid(x)) return x;
  dz__array a = dz__array_of(x);
  int last = a.rank - 1;
  dz__array column = a;
  column.dims[last] = 1;
  dz_var first = ones_like(x.tape, &column);
  if (a.dims[last] == 1) return first;
  dz_var head = slice(x, last, (dz__range){.has_stop = true, .stop = -1, .step = 1});
  return dz__concat(2, (dz_var[]){first, dz__along(DZ__F_cumprod, head, last)}, last);
}

/* The reduced axes last and as one. */
static dz_var pull_prod(const site *s) {
  dz__array a = dz__array_of(s->in[0]);
  int64_t order[DZ__MAX_RANK], back[DZ__MAX_RANK];
  size_t outer = 1, inner = 1, moved[DZ__MAX_RANK];
  int n = 0;
  for (int pass = 0; pass < 2; pass++)
    for (int k = 0; k < a.rank; k++) {
      bool reduced = false;
      for (int j = 1; j < s->nattr; j++) reduced |= s->attr[j] == k;
      if (reduced != (pass == 1)) continue;
      *(reduced ? &inner : &outer) *= a.dims[k];
      moved[n] = a.dims[k];
      back[k] = n;
      order[n++] = k;
    }
  if (a.size == 0) return dz__spread_to(dz_const(s->z.tape, 0), s->in[0]);
  dz_var x = a.rank ? dz__permuted(s->in[0], a.rank, order) : s->in[0];
  x = reshaped(x, 2, (size_t[]){outer, inner});
  dz_var others = mul(before(x), flipped(before(flipped(x, 1)), 1));
  others = reshaped(others, a.rank, moved);
  if (a.rank) others = dz__permuted(others, a.rank, back);
  return mul(kept(s, s->g), others);
}

/* To x_i: sum over j >= i of g_j times the product of x_0 … x_j without x_i. That product is before(x)_i
   times, for j > i, x_(i+1) … x_j: a running product along j of a matrix that has 1 up to i and x behind it.
 */
static dz_var pull_cumprod(const site *s) {
  int axis = (int)s->attr[0];
  dz__array a = dz__array_of(s->in[0]);
  int64_t order[DZ__MAX_RANK];
  for (int k = 0; k < a.rank; k++) order[k] = k;
  order[axis] = a.rank - 1;
  order[a.rank - 1] = axis; /* its own inverse */
  if (a.size == 0) return s->g;
  size_t n = a.dims[axis], outer = a.size / n, moved[DZ__MAX_RANK];
  for (int k = 0; k < a.rank; k++) moved[k] = a.dims[order[k]];
  size_t flat[] = {outer, n}, rows[] = {outer, n, 1}, columns[] = {outer, 1, n}, square[] = {outer, n, n};
  dz_var x = reshaped(dz__permuted(s->in[0], a.rank, order), 2, flat);
  dz_var g = reshaped(dz__permuted(s->g, a.rank, order), 2, flat);
  dz_tape *t = s->z.tape;
  dz__array line = {.rank = 1, .dims = {n}, .size = n};
  dz_var place = dz__along(DZ__F_cumsum, ones_like(t, &line), 0);
  dz_var i = reshaped(place, 3, (size_t[]){1, n, 1}), j = reshaped(place, 3, (size_t[]){1, 1, n});
  dz_var wide = dz__shaped(DZ__F_broadcast_to, reshaped(x, 3, columns), 3,
                           (int64_t[]){(int64_t)square[0], (int64_t)n, (int64_t)n});
  dz_var chain = dz__along(DZ__F_cumprod, where(two(DZ__F_gt, j, i), wide, dz_num(1)), 2);
  dz_var whole = mul(chain, reshaped(before(x), 3, rows));
  dz_var part = where(two(DZ__F_ge, j, i), mul(whole, reshaped(g, 3, columns)), dz_num(0));
  dz_var sum = dz__reduce(DZ__F_sum, part, 1, (int64_t[]){2}, false, 0);
  return dz__permuted(reshaped(sum, a.rank, moved), a.rank, order);
}

/* ---- shapes and places ---- */

static dz_var pull_reshape(const site *s) {
  dz__array a = dz__array_of(s->in[0]);
  return reshaped(s->g, a.rank, a.dims);
}

static dz_var pull_broadcast_to(const site *s) { return dz__sum_to(s->g, s->in[0]); }

static dz_var pull_permute(const site *s) {
  int64_t back[DZ__MAX_RANK];
  for (int k = 0; k < s->nattr; k++) back[s->attr[k]] = k;
  return dz__permuted(s->g, s->nattr, back);
}

static dz_var pull_index(const site *s) {
  dz__array a = dz__array_of(s->in[0]);
  int64_t attr[5 * DZ__MAX_RANK];
  memcpy(attr, s->attr, (size_t)s->nattr * sizeof *attr);
  for (int k = 0; k < a.rank; k++) attr[4 * a.rank + k] = (int64_t)a.dims[k];
  return dz__record(DZ__F_place, 1, &s->g, 5 * a.rank, attr);
}

static dz_var pull_place(const site *s) {
  dz__array a = dz__array_of(s->in[0]);
  dz_var read = dz__record(DZ__F_index, 1, &s->g, s->nattr / 5 * 4, s->attr);
  return dz_valid(read) ? reshaped(read, a.rank, a.dims) : read;
}

static dz_var pull_gather(const site *s) {
  dz__array a = dz__array_of(s->in[0]);
  int64_t attr[] = {s->attr[0], (int64_t)a.dims[s->attr[0]]};
  return dz__record(DZ__F_scatter, 2, (dz_var[]){s->g, s->in[1]}, 2, attr);
}

static dz_var pull_scatter(const site *s) {
  return dz__record(DZ__F_gather, 2, (dz_var[]){s->g, s->in[1]}, 1, s->attr);
}

static dz_var pull_concat(const site *s) {
  int axis = (int)s->attr[0];
  int64_t start = 0;
  for (int k = 0; k < s->k; k++) start += (int64_t)dz_extent(s->in[k], axis);
  int64_t stop = start + (int64_t)dz_extent(s->in[s->k], axis);
  return slice(s->g, axis,
               (dz__range){.has_start = true, .has_stop = true, .start = start, .stop = stop, .step = 1});
}

static dz_var pull_stack(const site *s) {
  return slice(s->g, (int)s->attr[0], (dz__range){.position = true, .start = s->k});
}

#define pull_count NULL /* it has no slope: never called */

/* ---- matmul ---- */

/* The last two axes swapped. */
static dz_var swapped(dz_var x) {
  if (!dz_valid(x)) return x;
  int64_t order[DZ__MAX_RANK];
  int rank = dz_rank(x);
  for (int k = 0; k < rank; k++) order[k] = k;
  order[rank - 1] = rank - 2;
  order[rank - 2] = rank - 1;
  return dz__permuted(x, rank, order);
}

/* x as a matrix: a vector on the left is a row, on the right a column. */
static dz_var as_matrix(dz_var x, bool left) {
  if (!dz_valid(x)) return x;
  dz__array a = dz__array_of(x);
  if (a.rank != 1) return x;
  return reshaped(x, 2, left ? (size_t[]){1, a.dims[0]} : (size_t[]){a.dims[0], 1});
}

/* x with a unit axis before its last `after` ones. */
static dz_var with_unit_axis(dz_var x, int after) {
  if (!dz_valid(x)) return x;
  dz__array a = dz__array_of(x);
  size_t dims[DZ__MAX_RANK + 1];
  for (int k = 0, n = 0; k < a.rank; k++) {
    if (k == a.rank - after) dims[n++] = 1;
    dims[n++] = a.dims[k];
  }
  return reshaped(x, a.rank + 1, dims);
}

/* l r^T by its single products, those alone for which the mask, of one side's shape, is not 0. */
static dz_var masked_product(dz_var l, dz_var r, dz_var mask, bool of_left) {
  dz_var each = mul(with_unit_axis(l, 1), with_unit_axis(r, 2));
  int64_t last = dz_rank(each) - 1;
  return dz__reduce(DZ__F_sum, where(with_unit_axis(mask, of_left ? 1 : 2), each, dz_num(0)), 1, &last, false,
                    0);
}

/* Matrices x, as many as g has, along one axis. */
static dz_var in_one_batch(dz_var x, const dz__array *g) {
  dz__array to = *g;
  size_t flat[3] = {1, dz_extent(x, dz_rank(x) - 2), dz_extent(x, dz_rank(x) - 1)};
  for (int k = 0; k < to.rank - 2; k++) flat[0] *= to.dims[k];
  to.dims[to.rank - 2] = flat[1];
  to.dims[to.rank - 1] = flat[2];
  return reshaped(shaped(DZ__F_broadcast_to, x, &to), 3, flat);
}

/* To x when of_left, else to y, of x @ y, where the mask is not 0. With as many axes as there can be, room is
   made for one more. */
static dz_var masked_pull(bool of_left, dz_var x, dz_var y, dz_var g, dz_var m) {
  if (!dz_valid(g) || !dz_valid(m)) return dz_valid(g) ? m : g;
  dz__array of = dz__array_of(g), own = dz__array_of(of_left ? x : y);
  const bool full = of.rank == DZ__MAX_RANK;
  if (full) {
    x = in_one_batch(x, &of);
    y = in_one_batch(y, &of);
    g = in_one_batch(g, &of);
    m = in_one_batch(m, &of);
  }
  dz_var c =
      of_left ? masked_product(g, y, m, true) : masked_product(swapped(x), swapped(g), swapped(m), false);
  for (int k = 1; k <= 2; k++) of.dims[of.rank - k] = own.dims[own.rank - k];
  return full ? reshaped(c, of.rank, of.dims) : c;
}

static dz_var pull_matmul(const site *s) {
  dz_var x = as_matrix(s->in[0], true), y = as_matrix(s->in[1], false);
  if (!dz_valid(x) || !dz_valid(y)) return dz_valid(x) ? y : x;
  dz__array of_g = dz__array_of(s->z);
  size_t dims[DZ__MAX_RANK + 2];
  int n = 0, batch = of_g.rank - (dz_rank(s->in[0]) > 1) - (dz_rank(s->in[1]) > 1);
  for (int k = 0; k < batch; k++) dims[n++] = of_g.dims[k];
  dims[n++] = dz_extent(x, dz_rank(x) - 2);
  dims[n++] = dz_extent(y, dz_rank(y) - 1);
  dz_var g = reshaped(s->g, n, dims), c;
  if (s->reach.tape)
    c = masked_pull(s->k == 0, x, y, g, reshaped(s->reach, n, dims));
  else
    c = s->k == 0 ? dz__matmul(g, swapped(y)) : dz__matmul(swapped(x), g);
  dz__array to = dz__array_of(s->in[s->k]);
  return reshaped(dz__sum_to(c, s->k == 0 ? x : y), to.rank, to.dims);
}

/* ---- solve ---- */

#define pull_lu NULL    /* it has no slope: never called */
#define pull_noise NULL /* nor has this */

/* A vector as a column, or as a row. */
static dz_var as_line(dz_var x, bool row) {
  return dz_rank(x) == 1 ? as_matrix(x, row) : row ? swapped(x) : x;
}

/* u for the right-hand side, -u x^T for the matrix; by the factors that are there. */
static dz_var pull_solve(const site *s) {
  int64_t other = !s->attr[0];
  dz_var u = dz__record(DZ__F_solve, 3, (dz_var[]){s->in[0], s->g, s->in[2]}, 1, &other);
  if (s->k == 1 || !dz_valid(u)) return u;
  dz_var minus = dz__record(DZ__F_neg, 1, &u, 0, NULL);
  return s->attr[0] ? dz__matmul(as_line(s->z, false), as_line(minus, true))
                    : dz__matmul(as_line(minus, false), as_line(s->z, true));
}

/* ---- the reach: structural zeros and what they spread to ---- */

/* A NaN has no equal, and reaches all. */
static dz_var reach_extreme(const site *s) {
  dz_var z = kept(s, s->z);
  return mul(two(DZ__F_or, at_extreme(s), two(DZ__F_ne, z, z)), kept(s, s->g));
}

static dz_var ones(dz_var like) {
  dz__array a = dz__array_of(like);
  return a.rank ? ones_like(like.tape, &a) : dz_const(like.tape, 1);
}

/* Any element of the row or column. */
static dz_var reach_matmul(const site *s) {
  dz_tape *t = s->z.tape;
  dz_var in[] = {s->in[0], s->in[1]};
  in[1 - s->k] = ones(dz__as_node(t, in[1 - s->k]));
  site of_ones = *s;
  of_ones.in = in;
  of_ones.reach = (dz_var){0};
  return pull_matmul(&of_ones);
}

/* Each of a column from the whole column, and from all of the matrix. */
static dz_var reach_solve(const site *s) {
  if (dz_size(s->z) == 0) return dz__spread_to(dz_const(s->z.tape, 0), s->in[s->k]);
  bool columns = s->k == 1 && dz_rank(s->z) == 2;
  return dz__spread_to(dz__reduce(DZ__F_sum, s->g, columns ? 1 : DZ__ALL_AXES, (int64_t[]){0}, columns, 0),
                       s->in[s->k]);
}

/* How a reach goes through the operations that are not linear; the others take it as they take g. */
static rule *const reaches[DZ__F_END - DZ__F_POINTWISE_END] = {
    [DZ__F_max - DZ__F_POINTWISE_END] = reach_extreme,   [DZ__F_min - DZ__F_POINTWISE_END] = reach_extreme,
    [DZ__F_prod - DZ__F_POINTWISE_END] = pull_sum,       [DZ__F_norm - DZ__F_POINTWISE_END] = pull_sum,
    [DZ__F_logsumexp - DZ__F_POINTWISE_END] = pull_sum,  [DZ__F_cumprod - DZ__F_POINTWISE_END] = pull_cumsum,
    [DZ__F_matmul - DZ__F_POINTWISE_END] = reach_matmul, [DZ__F_solve - DZ__F_POINTWISE_END] = reach_solve};

static bool all_finite(dz_var x) {
  const double *v = dz_values(x);
  if (!v) return false; /* no memory for doubles: the careful way is always right */
  for (size_t i = 0; i < dz_size(x); i++)
    if (!isfinite(v[i])) return false;
  return true;
}

bool dz__tensor_varies(dz__fn fn, const dz_var *in) {
  return fn == DZ__F_matmul ? !all_finite(in[0]) || !all_finite(in[1])
                            : reaches[fn - DZ__F_POINTWISE_END] != NULL;
}

/* Those whose gradient has elements that nothing reaches, even when all of g is reached. */
static bool selects(dz__fn fn) {
  return fn == DZ__F_index || fn == DZ__F_gather || fn == DZ__F_max || fn == DZ__F_min;
}

/* ---- the table ---- */

dz__flow dz__rule_tensor(dz__fn fn, int k, const dz_var *in, dz_var z, dz__flow f, bool careful) {
  static rule *const rules[] = {
#define TENSOR(name, ...) pull_##name,
#include "ops/tensor.def"
#undef TENSOR
  };
  /* Nothing flows to the positions that a gather or a scatter goes by. */
  if (k == 1 && (fn == DZ__F_gather || fn == DZ__F_scatter)) return (dz__flow){{0}, {0}};
  site s = {.in = in, .z = z, .k = k};
  s.nattr = (int)dz_attributes(z, &s.attr);
  /* The integers are copied: recording may move them. */
  int64_t attr[DZ__MAX_ATTRS];
  if (DZ__NEVER(s.nattr > DZ__MAX_ATTRS)) return (dz__flow){{0}, {0}};
  if (s.nattr) memcpy(attr, s.attr, (size_t)s.nattr * sizeof *attr);
  s.attr = attr;
  s.g = dz__spread_to(dz__as_node(z.tape, f.g), z);
  if (!dz_valid(s.g)) return (dz__flow){s.g, {0}};
  bool varies = dz__tensor_varies(fn, in);
  if (varies && f.reach.tape) s.reach = dz__spread_to(f.reach, z);
  dz__flow out = {rules[fn - DZ__F_POINTWISE_END](&s), {0}};
  if (!dz_valid(out.g) || !(f.reach.tape ? careful || varies : careful && selects(fn))) return out;
  s.g = f.reach.tape ? dz__spread_to(f.reach, z) : ones(z);
  rule *const reach = reaches[fn - DZ__F_POINTWISE_END];
  out.reach = dz_valid(s.g) ? (reach ? reach : rules[fn - DZ__F_POINTWISE_END])(&s) : s.g;
  if (f.reach.tape && varies) out.g = where(out.reach, out.g, dz_num(0));
  return out;
}
