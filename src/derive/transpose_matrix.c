/* The rules of matrix products and of solve. */
#include "derive/transpose.h"

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
  return dz__reshaped(x, 2, left ? (size_t[]){1, a.dims[0]} : (size_t[]){a.dims[0], 1});
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
  return dz__reshaped(x, a.rank + 1, dims);
}

/* l r^T by its single products, those alone for which the mask, of one side's shape, is not 0. */
static dz_var masked_product(dz_var l, dz_var r, dz_var mask, bool of_left) {
  dz_var wide = with_unit_axis(l, 1), each = dz__mul(wide, with_unit_axis(r, 2));
  int64_t last = dz_rank(each) - 1;
  return dz__reduce(DZ__F_sum, dz__choose(with_unit_axis(mask, of_left ? 1 : 2), each, dz_num(0)), 1, &last,
                    false, 0);
}

/* Matrices x, as many as g has, along one axis. */
static dz_var in_one_batch(dz_var x, const dz__array *g) {
  dz__array to = *g;
  size_t flat[3] = {1, dz_extent(x, dz_rank(x) - 2), dz_extent(x, dz_rank(x) - 1)};
  for (int k = 0; k < to.rank - 2; k++) flat[0] *= to.dims[k];
  to.dims[to.rank - 2] = flat[1];
  to.dims[to.rank - 1] = flat[2];
  return dz__reshaped(dz__shaped_as(DZ__F_broadcast_to, x, &to), 3, flat);
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
  if (!of_left) {
    x = swapped(x);
    g = swapped(g);
    m = swapped(m);
  }
  dz_var c = of_left ? masked_product(g, y, m, true) : masked_product(x, g, m, false);
  for (int k = 1; k <= 2; k++) of.dims[of.rank - k] = own.dims[own.rank - k];
  return full ? dz__reshaped(c, of.rank, of.dims) : c;
}

dz_var dz__pull_matmul(const dz__site *s) {
  dz_var x = as_matrix(s->in[0], true), y = as_matrix(s->in[1], false);
  if (!dz_valid(x) || !dz_valid(y)) return dz_valid(x) ? y : x;
  dz__array of_g = dz__array_of(s->z);
  size_t dims[DZ__MAX_RANK + 2];
  int n = 0, batch = of_g.rank - (dz_rank(s->in[0]) > 1) - (dz_rank(s->in[1]) > 1);
  for (int k = 0; k < batch; k++) dims[n++] = of_g.dims[k];
  dims[n++] = dz_extent(x, dz_rank(x) - 2);
  dims[n++] = dz_extent(y, dz_rank(y) - 1);
  dz_var g = dz__reshaped(s->g, n, dims), c;
  if (s->reach.tape)
    c = masked_pull(s->k == 0, x, y, g, dz__reshaped(s->reach, n, dims));
  else
    c = s->k == 0 ? dz__matmul(g, swapped(y)) : dz__matmul(swapped(x), g);
  dz__array to = dz__array_of(s->in[s->k]);
  return dz__reshaped(dz__sum_to(c, s->k == 0 ? x : y), to.rank, to.dims);
}

/* A vector as a column, or as a row. */
static dz_var as_line(dz_var x, bool row) {
  return dz_rank(x) == 1 ? as_matrix(x, row) : row ? swapped(x) : x;
}

/* u for the right-hand side, -u x^T for the matrix; by the factors that are there. */
dz_var dz__pull_solve(const dz__site *s) {
  int64_t other = !s->attr[0];
  dz_var u = dz__record(DZ__F_solve, 3, (dz_var[]){s->in[0], s->g, s->in[2]}, 1, &other);
  if (s->k == 1 || !dz_valid(u)) return u;
  dz_var minus = dz__record(DZ__F_neg, 1, &u, 0, NULL);
  dz_var column = as_line(s->attr[0] ? s->z : minus, false);
  return dz__matmul(column, as_line(s->attr[0] ? minus : s->z, true));
}

/* Any element of the row or column. */
dz_var dz__reach_matmul(const dz__site *s) {
  dz_tape *t = s->z.tape;
  dz_var in[] = {s->in[0], s->in[1]};
  in[1 - s->k] = dz__ones(dz__as_node(t, in[1 - s->k]));
  dz__site of_ones = *s;
  of_ones.in = in;
  of_ones.reach = (dz_var){0};
  return dz__pull_matmul(&of_ones);
}

/* Each of a column from the whole column, and from all of the matrix. */
dz_var dz__reach_solve(const dz__site *s) {
  if (dz_size(s->z) == 0) return dz__spread_to(dz_const(s->z.tape, 0), s->in[s->k]);
  bool columns = s->k == 1 && dz_rank(s->z) == 2;
  return dz__spread_to(dz__reduce(DZ__F_sum, s->g, columns ? 1 : DZ__ALL_AXES, (int64_t[]){0}, columns, 0),
                       s->in[s->k]);
}
