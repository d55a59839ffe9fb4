/* The rules of reductions and of running operations. */
#include "derive/transpose.h"

/* ---- reductions ---- */

/* x, a result of the reduction, with unit extents where axes were reduced. */
static dz_var kept(const dz__site *s, dz_var x) {
  dz__array a = dz__array_of(s->in[0]);
  for (int k = 1; k < s->nattr; k++) a.dims[s->attr[k]] = 1;
  return dz__reshaped(x, a.rank, a.dims);
}

static dz_var over_axes(const dz__site *s, dz__fn fn, dz_var x) {
  return dz__reduce(fn, x, s->nattr - 1, s->attr + 1, true, 0);
}

/* A reach, spread over all that made an element. */
dz_var dz__pull_sum(const dz__site *s) { return dz__spread_to(kept(s, s->g), s->in[0]); }

static dz_var at_extreme(const dz__site *s) { return dz__two(DZ__F_eq, s->in[0], kept(s, s->z)); }

/* Elements equal to the extreme share equally; a NaN extreme makes every share 0/0. */
dz_var dz__pull_max(const dz__site *s) {
  dz_var hit = at_extreme(s);
  dz_var share = dz__divide(hit, over_axes(s, DZ__F_sum, hit));
  dz_var none = dz__two(DZ__F_eq, share, dz_num(0));
  return dz__choose(none, dz_num(0), dz__mul(share, kept(s, s->g)));
}
dz_var dz__pull_min(const dz__site *s) { return dz__pull_max(s); }

dz_var dz__pull_norm(const dz__site *s) {
  dz_var z = kept(s, s->z), g = kept(s, s->g), none = dz__two(DZ__F_eq, z, dz_num(0));
  return dz__mul(g, dz__choose(none, dz_num(0), dz__divide(s->in[0], z)));
}

/* e^(x - m) / sum e^(x - m), m the largest; all equal shares where m is infinite. */
dz_var dz__pull_logsumexp(const dz__site *s) {
  dz_var x = s->in[0];
  if (dz_size(x) == 0) return dz__spread_to(dz_const(s->z.tape, 0), x);
  dz_var m = over_axes(s, DZ__F_max, x);
  m = dz__record(DZ__F_stop, 1, &m, 0, NULL);
  dz_var size = dz__record(DZ__F_fabs, 1, &m, 0, NULL);
  dz_var hit = dz__two(DZ__F_eq, x, m), shifted = dz__two(DZ__F_sub, x, m);
  dz_var endless = dz__two(DZ__F_eq, size, dz_num(1 / 0.));
  dz_var e = dz__choose(endless, hit, dz__record(DZ__F_exp, 1, &shifted, 0, NULL)), g = kept(s, s->g);
  return dz__mul(g, dz__divide(e, over_axes(s, DZ__F_sum, e)));
}

/* ---- running operations, along one axis ---- */

static dz_var flipped(dz_var x, int axis) { return dz__slice(x, axis, (dz__range){.step = -1}); }

static dz_var sum_from(dz_var x, int axis) {
  return flipped(dz__along(DZ__F_cumsum, flipped(x, axis), axis), axis);
}

dz_var dz__pull_cumsum(const dz__site *s) { return sum_from(s->g, (int)s->attr[0]); }

/* The product of what comes before along the last axis: 1, x0, x0 x1, … */
static dz_var before(dz_var x) {
  if (!dz_valid(x)) return x;
  dz__array a = dz__array_of(x);
  int last = a.rank - 1;
  dz__array column = a;
  column.dims[last] = 1;
  dz_var first = dz__ones_like(x.tape, &column);
  if (a.dims[last] == 1) return first;
  dz_var head = dz__slice(x, last, (dz__range){.has_stop = true, .stop = -1, .step = 1});
  return dz__concat(2, (dz_var[]){first, dz__along(DZ__F_cumprod, head, last)}, last);
}

/* The reduced axes last and as one. */
dz_var dz__pull_prod(const dz__site *s) {
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
  x = dz__reshaped(x, 2, (size_t[]){outer, inner});
  dz_var first = before(x), others = dz__mul(first, flipped(before(flipped(x, 1)), 1));
  others = dz__reshaped(others, a.rank, moved);
  if (a.rank) others = dz__permuted(others, a.rank, back);
  return dz__mul(kept(s, s->g), others);
}

/* To x_i: sum over j >= i of g_j times the product of x_0 … x_j without x_i. That product is before(x)_i
   times, for j > i, x_(i+1) … x_j: a running product along j of a matrix that has 1 up to i and x behind it.
 */
dz_var dz__pull_cumprod(const dz__site *s) {
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
  dz_var x = dz__reshaped(dz__permuted(s->in[0], a.rank, order), 2, flat);
  dz_var g = dz__reshaped(dz__permuted(s->g, a.rank, order), 2, flat);
  dz_tape *t = s->z.tape;
  dz__array line = {.rank = 1, .dims = {n}, .size = n};
  dz_var place = dz__along(DZ__F_cumsum, dz__ones_like(t, &line), 0);
  dz_var i = dz__reshaped(place, 3, (size_t[]){1, n, 1}), j = dz__reshaped(place, 3, (size_t[]){1, 1, n});
  dz_var wide = dz__shaped(DZ__F_broadcast_to, dz__reshaped(x, 3, columns), 3,
                           (int64_t[]){(int64_t)square[0], (int64_t)n, (int64_t)n});
  dz_var chain = dz__along(DZ__F_cumprod, dz__choose(dz__two(DZ__F_gt, j, i), wide, dz_num(1)), 2);
  dz_var whole = dz__mul(chain, dz__reshaped(before(x), 3, rows));
  dz_var later = dz__two(DZ__F_ge, j, i);
  dz_var part = dz__choose(later, dz__mul(whole, dz__reshaped(g, 3, columns)), dz_num(0));
  dz_var sum = dz__reduce(DZ__F_sum, part, 1, (int64_t[]){2}, false, 0);
  return dz__permuted(dz__reshaped(sum, a.rank, moved), a.rank, order);
}

/* A NaN has no equal, and reaches all. */
dz_var dz__reach_extreme(const dz__site *s) {
  dz_var z = kept(s, s->z), hit = at_extreme(s);
  dz_var open = dz__two(DZ__F_or, hit, dz__two(DZ__F_ne, z, z));
  return dz__mul(open, kept(s, s->g));
}
