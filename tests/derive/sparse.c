/* Colourings against their definition, values of sparse derivatives against whole numbers. */
#include "dz/sparse.h"
#include "derive/coloring.h"
#include "dice.h"
#include "dz/derive.h"
#include "dz/jacobian.h"
#include "dz/sweep.h"
#include "dz/tensor.h"
#include "effort.h"
#include "failing.h"
#include "on_tape.h"

#include <math.h>

static dz_pattern *pattern_of(dz_var y, dz_var x) {
  dz_pattern *p = NULL;
  ck_assert_msg(dz_valid(y), "%s", dz_tape_error(tape)->message);
  ck_assert_int_eq(dz_jacobian_pattern(1, &y, 1, &x, 0, NULL, &p), DZ_OK);
  ck_assert(p && p->rows == dz_size(y) && p->columns == dz_size(x) && p->starts[0] == 0);
  return p;
}

/* ---- colourings ---- */

/* A random pattern; each element with the given chance, symmetric and with a diagonal if asked. */
static dz__pattern *random_pattern(size_t rows, size_t columns, double chance, bool symmetric) {
  dz__pattern *p = dz__pattern_make(rows, columns, NULL);
  bool *full = calloc(rows * columns, sizeof *full);
  ck_assert(p && full && dz__pattern_room(p, rows * columns));
  for (size_t i = 0; i < rows; i++)
    for (size_t j = 0; j < columns; j++) {
      bool here = uniform(0, 1) < chance * (i % 7 == 0 ? 4 : 1) || (symmetric && i == j && i % 5);
      if (here) full[i * columns + j] = true;
      if (here && symmetric) full[j * columns + i] = true;
    }
  size_t n = 0;
  for (size_t i = 0; i < rows; i++) {
    for (size_t j = 0; j < columns; j++)
      if (full[i * columns + j]) p->column[n++] = (uint32_t)j;
    p->starts[i + 1] = n;
  }
  free(full);
  return p;
}

START_TEST(column_colorings) {
  enum { M = 40, N = 60 };
  uint32_t color[N], colors;
  state = 0x2545f4914f6cdd1du + (uint64_t)_i;
  dz__pattern *p = random_pattern(M, N, .01 * (_i % 12), false), *q = dz__pattern_transposed(&p->shown, NULL);
  dz_allocator a = dz__allocator(NULL);
  ck_assert(dz__color_columns(&p->shown, &q->shown, &a, color, &colors));
  for (size_t i = 0; i < M; i++)
    for (size_t e = p->starts[i]; e < p->starts[i + 1]; e++)
      for (size_t f = p->starts[i]; f < e; f++) ck_assert(color[p->column[e]] != color[p->column[f]]);
  for (size_t j = 0; j < N; j++)
    ck_assert(q->starts[j] == q->starts[j + 1] ? color[j] == DZ__UNCOLORED : color[j] < colors);
  dz_pattern_free(&p->shown);
  dz_pattern_free(&q->shown);
}
END_TEST

/* Neighbours differ, and a - b - c - d never has two colours. */
START_TEST(star_colorings) {
  enum { N = 40 };
  uint32_t k[N], colors;
  state = 0x9e3779b97f4a7c15u + (uint64_t)_i;
  dz__pattern *p = random_pattern(N, N, .004 * (_i % 20), true);
  const dz_pattern *s = &p->shown;
  dz_allocator a = dz__allocator(NULL);
  ck_assert(dz__color_star(s, &a, k, &colors));
  for (size_t b = 0; b < N; b++)
    for (size_t e = s->starts[b]; e < s->starts[b + 1]; e++) {
      uint32_t c = s->column[e];
      if (b == c) continue;
      ck_assert(k[b] != k[c] && k[b] < colors);
      for (size_t f = s->starts[b]; f < s->starts[b + 1]; f++)
        for (size_t g = s->starts[c]; g < s->starts[c + 1]; g++) {
          uint32_t w = s->column[f], d = s->column[g];
          if (w == b || w == c || d == b || d == c || w == d) continue;
          ck_assert(!(k[w] == k[c] && k[d] == k[b]));
        }
    }
  dz_pattern_free(&p->shown);
}
END_TEST

/* ---- values ---- */

/* y = A x with whole numbers where the pattern has elements, x being one leaf or several scalars. */
static dz_var linear(const dz_pattern *p, const double *a, const dz_var *x) {
  dz_var y[64];
  for (size_t i = 0; i < p->rows; i++) {
    y[i] = dz_const(tape, 0);
    for (size_t e = p->starts[i]; e < p->starts[i + 1]; e++)
      y[i] = dz_add(y[i], dz_mul(a[e], x[p->column[e]]));
  }
  return dz_stack((int)p->rows, y, 0);
}

START_TEST(random_jacobians) {
  enum { M = 30, N = 20 };
  static const dz_coloring_kind kinds[] = {DZ_COLORING_FEWEST, DZ_COLORING_COLUMNS, DZ_COLORING_ROWS};
  state = 0x9e3779b97f4a7c15u + (uint64_t)_i;
  dz__pattern *want = random_pattern(M, N, .01 + .01 * (_i % 8), false);
  double a[M * N], got[M * N];
  dz_var x[N];
  dz_pattern *p;
  for (size_t e = 0; e < want->starts[M]; e++) a[e] = 1 + floor(uniform(0, 100));
  for (int j = 0; j < N; j++) x[j] = dz_input(tape, j);
  dz_var y = linear(&want->shown, a, x);
  ck_assert_int_eq(dz_jacobian_pattern(1, &y, N, x, 0, NULL, &p), DZ_OK);
  ck_assert_mem_eq(p->starts, want->starts, (M + 1) * sizeof *p->starts);
  ck_assert_mem_eq(p->column, want->column, p->starts[M] * sizeof *p->column);
  size_t products[3];
  for (int k = 0; k < 3; k++) {
    dz_coloring *c;
    ck_assert_int_eq(dz_coloring_new(p, kinds[k], NULL, &c), DZ_OK);
    ck_assert_int_eq(dz_sparse_jacobian(c, 1, &y, N, x, got), DZ_OK);
    for (size_t e = 0; e < p->starts[M]; e++) ck_assert(got[e] == a[e]);
    products[k] = dz_coloring_products(c);
    dz_coloring_free(c);
  }
  ck_assert_uint_eq(products[0], products[1] < products[2] ? products[1] : products[2]);
  dz_pattern_free(p);
  dz_pattern_free(&want->shown);
}
END_TEST

/* sum of a_ij x_i x_j has the Hessian A + A^T. */
START_TEST(random_hessians) {
  enum { N = 30 };
  state = 0x2545f4914f6cdd1du + (uint64_t)_i;
  dz__pattern *want = random_pattern(N, N, .004 * (_i % 12), true);
  static double h[N][N], got[N * N];
  dz_var x[N], y = dz_const(tape, 0);
  dz_pattern *p;
  dz_coloring *c;
  memset(h, 0, sizeof h);
  for (int j = 0; j < N; j++) x[j] = dz_input(tape, j);
  for (size_t i = 0; i < N; i++)
    for (size_t e = want->starts[i]; e < want->starts[i + 1]; e++) {
      size_t j = want->column[e];
      double a = 1 + floor(uniform(0, 100));
      y = dz_add(y, dz_mul(dz_mul(a, x[i]), x[j]));
      h[i][j] += a;
      h[j][i] += a;
    }
  ck_assert_int_eq(dz_hessian_pattern(y, N, x, 0, NULL, &p), DZ_OK);
  ck_assert_mem_eq(p->starts, want->starts, (N + 1) * sizeof *p->starts);
  ck_assert_mem_eq(p->column, want->column, p->starts[N] * sizeof *p->column);
  ck_assert_int_eq(dz_coloring_new(p, DZ_COLORING_STAR, NULL, &c), DZ_OK);
  ck_assert_int_eq(dz_sparse_hessian(c, y, N, x, got), DZ_OK);
  for (size_t i = 0; i < N; i++)
    for (size_t e = p->starts[i]; e < p->starts[i + 1]; e++) ck_assert(got[e] == h[i][p->column[e]]);
  dz_coloring_free(c);
  dz_pattern_free(p);
  dz_pattern_free(&want->shown);
}
END_TEST

/* ---- size ---- */

/* The chain sum of x_i^2 x_(i+1): a tridiagonal Hessian, 2 x_(i+1) on the diagonal and 2 x_i beside it. */
static void expect_tridiagonal(const dz_pattern *p, const double *h, const double *x, size_t n) {
  ck_assert_uint_eq(p->starts[n], 3 * n - 2 - 1); /* the last x has no second derivative of its own */
  for (size_t i = 0; i < n; i++)
    for (size_t e = p->starts[i]; e < p->starts[i + 1]; e++) {
      size_t j = p->column[e];
      ck_assert(h[e] == (i == j ? 2 * x[i + 1] : j == i + 1 ? 2 * x[i] : 2 * x[j]));
    }
}

enum { LARGE = EFFORT(100000, 10000) };

START_TEST(large_tridiagonal) {
  const size_t n = LARGE;
  double *x = malloc(n * sizeof *x), *h = malloc(3 * n * sizeof *h);
  dz_var *xs = malloc(n * sizeof *xs), y = dz_num(0);
  dz_pattern *p;
  dz_coloring *c;
  for (size_t i = 0; i < n; i++) x[i] = (double)(i % 1000);
  if (_i == 0) { /* node by node */
    for (size_t i = 0; i < n; i++) xs[i] = dz_input(tape, x[i]);
    for (size_t i = 0; i + 1 < n; i++) y = dz_add(y, dz_mul(dz_mul(xs[i], xs[i]), xs[i + 1]));
  } else { /* or by slices */
    xs[0] = dz_leaf_tensor(tape, DZ_ROLE_INPUT, 1, &n, x);
    dz_var a = dz_slice(xs[0], 0, 0, -1, 1), b = dz_slice(xs[0], 0, 1, INT64_MAX, 1);
    y = dz_sum(dz_mul(dz_mul(a, a), b), DZ_ALL, false);
  }
  const int count = _i == 0 ? (int)n : 1;
  ck_assert_int_eq(dz_hessian_pattern(y, count, xs, 0, NULL, &p), DZ_OK);
  ck_assert_int_eq(dz_coloring_new(p, DZ_COLORING_STAR, NULL, &c), DZ_OK);
  ck_assert_uint_le(dz_coloring_products(c), 4);
  ck_assert_int_eq(dz_sparse_hessian(c, y, count, xs, h), DZ_OK);
  expect_tridiagonal(p, h, x, n);
  /* at another point, on another recording */
  dz_tape_clear(tape);
  for (size_t i = 0; i < n; i++) x[i] = (double)(i % 777);
  xs[0] = dz_leaf_tensor(tape, DZ_ROLE_INPUT, 1, &n, x);
  dz_var a = dz_slice(xs[0], 0, 0, -1, 1), b = dz_slice(xs[0], 0, 1, INT64_MAX, 1);
  ck_assert_int_eq(dz_sparse_hessian(c, dz_sum(dz_mul(dz_mul(a, a), b), DZ_ALL, false), 1, xs, h), DZ_OK);
  expect_tridiagonal(p, h, x, n);
  dz_coloring_free(c);
  dz_pattern_free(p);
  free(x), free(h), free(xs);
}
END_TEST

/* sum of x_i^2 x_c: one variable meets all others. Two products, in time that is not quadratic. */
START_TEST(large_arrow) {
  const size_t n = LARGE, centre = n / 3;
  double *h = malloc(4 * n * sizeof *h), *x = malloc(n * sizeof *x);
  for (size_t i = 0; i < n; i++) x[i] = (double)(i % 1000);
  dz_var xs = dz_leaf_tensor(tape, DZ_ROLE_INPUT, 1, &n, x);
  dz_var y = dz_sum(dz_mul(dz_mul(xs, xs), dz_at(xs, 0, (int64_t)centre)), DZ_ALL, false);
  dz_pattern *p;
  dz_coloring *c;
  ck_assert_int_eq(dz_hessian_pattern(y, 1, &xs, 0, NULL, &p), DZ_OK);
  ck_assert_uint_eq(p->starts[n], 3 * n - 2);
  ck_assert_int_eq(dz_coloring_new(p, DZ_COLORING_STAR, NULL, &c), DZ_OK);
  ck_assert_uint_eq(dz_coloring_products(c), 2);
  ck_assert_int_eq(dz_sparse_hessian(c, y, 1, &xs, h), DZ_OK);
  for (size_t i = 0; i < n; i++)
    for (size_t e = p->starts[i]; e < p->starts[i + 1]; e++) {
      size_t j = p->column[e], other = i == centre ? j : i;
      ck_assert(h[e] == (i != j ? 2 * x[other] : i == centre ? 6 * x[i] : 2 * x[centre]));
    }
  dz_coloring_free(c);
  dz_pattern_free(p);
  free(h);
  free(x);
}
END_TEST

/* A row that is full makes columns dear and rows cheap, and the other way round. */
START_TEST(the_cheaper_side) {
  const size_t n = 1000;
  double *values = malloc(4 * n * sizeof *values);
  for (size_t i = 0; i < n; i++) values[i] = (double)i;
  dz_var x = dz_leaf_tensor(tape, DZ_ROLE_INPUT, 1, &n, values), square = dz_mul(x, x);
  dz_var wide[] = {square, dz_sum(x, DZ_ALL, false)}, high = dz_mul(square, dz_at(x, 0, 0));
  dz_pattern *p;
  dz_coloring *c;
  ck_assert_int_eq(dz_jacobian_pattern(2, wide, 1, &x, 0, NULL, &p), DZ_OK);
  ck_assert_int_eq(dz_coloring_new(p, DZ_COLORING_FEWEST, NULL, &c), DZ_OK);
  ck_assert(dz_coloring_kind_of(c) == DZ_COLORING_ROWS && dz_coloring_products(c) == 2);
  ck_assert_int_eq(dz_sparse_jacobian(c, 2, wide, 1, &x, values), DZ_OK);
  for (size_t i = 0; i < n; i++) ck_assert(values[i] == 2 * (double)i && values[n + i] == 1);
  dz_coloring_free(c);
  dz_pattern_free(p);
  p = pattern_of(high, x);
  ck_assert_int_eq(dz_coloring_new(p, DZ_COLORING_FEWEST, NULL, &c), DZ_OK);
  ck_assert(dz_coloring_kind_of(c) == DZ_COLORING_COLUMNS && dz_coloring_products(c) == 2);
  ck_assert(dz_coloring_pattern(c)->starts[n] == p->starts[n] && dz_coloring_pattern(c) != p);
  dz_coloring_free(c);
  dz_pattern_free(p);
  p = pattern_of(square, x); /* columns where it is all the same */
  ck_assert_int_eq(dz_coloring_new(p, DZ_COLORING_FEWEST, NULL, &c), DZ_OK);
  ck_assert(dz_coloring_kind_of(c) == DZ_COLORING_COLUMNS && dz_coloring_products(c) == 1);
  dz_coloring_free(c);
  dz_pattern_free(p);
  free(values);
}
END_TEST

/* Vertices of the complete graph of 5 by its edges: the rows need 5 colours. A row has 4 elements, so columns
   may do with 4, and are tried; but greedily they take 7. */
START_TEST(the_first_try_was_better) {
  const size_t starts[] = {0, 4, 8, 12, 16, 20};
  const uint32_t edges[] = {0, 1, 2, 3, 0, 4, 5, 6, 1, 4, 7, 8, 2, 5, 7, 9, 3, 6, 8, 9};
  dz_pattern *p;
  dz_coloring *c;
  ck_assert_int_eq(dz_pattern_new(5, 10, starts, edges, NULL, &p), DZ_OK);
  ck_assert_int_eq(dz_coloring_new(p, DZ_COLORING_COLUMNS, NULL, &c), DZ_OK);
  ck_assert_uint_eq(dz_coloring_products(c), 7);
  dz_coloring_free(c);
  ck_assert_int_eq(dz_coloring_new(p, DZ_COLORING_FEWEST, NULL, &c), DZ_OK);
  ck_assert(dz_coloring_kind_of(c) == DZ_COLORING_ROWS && dz_coloring_products(c) == 5);
  dz_coloring_free(c);
  dz_pattern_free(p);
}
END_TEST

/* Other elements of a product that are infinite or NaN do not spoil one. */
START_TEST(structural_zeros) {
  double got[8];
  dz_var x = dz_leaf_tensor(tape, DZ_ROLE_INPUT, DIMS(4), V(0, 4, 9, 16)), y = dz_sqrt(x);
  dz_pattern *p = pattern_of(y, x);
  for (int k = DZ_COLORING_COLUMNS; k <= DZ_COLORING_ROWS; k++) {
    dz_coloring *c;
    ck_assert_int_eq(dz_coloring_new(p, (dz_coloring_kind)k, NULL, &c), DZ_OK);
    ck_assert_uint_eq(dz_coloring_products(c), 1);
    ck_assert_int_eq(dz_sparse_jacobian(c, 1, &y, 1, &x, got), DZ_OK);
    ck_assert(isinf(got[0]) && got[1] == .25 && got[2] == 1. / 6 && got[3] == .125);
    dz_coloring_free(c);
  }
  dz_pattern_free(p);
}
END_TEST

/* ---- the interface ---- */

START_TEST(misuse) {
  double values[9];
  dz_var x = dz_leaf_tensor(tape, DZ_ROLE_INPUT, DIMS(2), V(1, 2)), y = dz_mul(x, x), nothing = {0};
  dz_var s = dz_sum(y, DZ_ALL, false), c0 = dz_const(tape, 1);
  dz_pattern *p = pattern_of(y, x), *q = p;
  dz_coloring *c = NULL, *d;
  ck_assert_int_eq(dz_coloring_new(p, DZ_COLORING_FEWEST, NULL, &c), DZ_OK);
#define REFUSED(status, call)                                                                                \
  do {                                                                                                       \
    ck_assert_int_eq(call, status);                                                                          \
    dz_tape_forgive(tape);                                                                                   \
  } while (0)
  REFUSED(DZ_ERR_ARGUMENT, dz_jacobian_pattern(1, &y, 1, &x, 0, NULL, NULL));
  REFUSED(DZ_ERR_ARGUMENT, dz_jacobian_pattern(1, NULL, 1, &x, 0, NULL, &q));
  ck_assert_ptr_null(q);
  REFUSED(DZ_ERR_ARGUMENT, dz_jacobian_pattern(1, &y, 1, NULL, 0, NULL, &q));
  REFUSED(DZ_ERR_ARGUMENT, dz_jacobian_pattern(0, NULL, 1, NULL, 0, NULL, &q));
  REFUSED(DZ_ERR_ARGUMENT, dz_jacobian_pattern(-1, &y, 1, &x, 0, NULL, &q));
  REFUSED(DZ_ERR_ARGUMENT, dz_jacobian_pattern(1, &y, -1, &x, 0, NULL, &q));
  REFUSED(DZ_ERR_ARGUMENT, dz_jacobian_pattern(1, &y, 1, &c0, 0, NULL, &q));
  REFUSED(DZ_ERR_HANDLE, dz_jacobian_pattern(1, &nothing, 1, &x, 0, NULL, &q));
  REFUSED(DZ_ERR_HANDLE, dz_jacobian_pattern(1, &y, 1, &nothing, 0, NULL, &q));
  REFUSED(DZ_ERR_SHAPE, dz_hessian_pattern(y, 1, &x, 0, NULL, &q));
  REFUSED(DZ_ERR_ARGUMENT, dz_hessian_pattern(s, 1, &x, 0, NULL, NULL));
  REFUSED(DZ_ERR_LIMIT, dz_hessian_pattern(s, 1, &x, 1, NULL, &q));
  REFUSED(DZ_ERR_SHAPE, dz_sparse_jacobian(c, 1, &s, 1, &x, values));
  REFUSED(DZ_ERR_SHAPE, dz_sparse_jacobian(c, 0, NULL, 1, &x, values));
  REFUSED(DZ_ERR_ARGUMENT, dz_sparse_jacobian(NULL, 1, &y, 1, &x, values));
  REFUSED(DZ_ERR_ARGUMENT, dz_sparse_jacobian(c, 1, &y, 1, &x, NULL));
  REFUSED(DZ_ERR_ARGUMENT, dz_sparse_hessian(c, s, 1, &x, NULL));
  REFUSED(DZ_ERR_SHAPE, dz_sparse_hessian(c, y, 1, &x, values));
  REFUSED(DZ_ERR_HANDLE, dz_sparse_hessian(c, nothing, 1, &x, values));
#undef REFUSED
  const size_t falls[] = {0, 2, 1}, late[] = {1, 1, 1}, good[] = {0, 1, 2};
  const uint32_t back[] = {1, 0}, far[] = {0, 2}, upper[] = {1, 1};
  ck_assert_int_eq(dz_pattern_new(2, 2, falls, upper, NULL, &q), DZ_ERR_ARGUMENT);
  ck_assert_int_eq(dz_pattern_new(2, 2, late, upper, NULL, &q), DZ_ERR_ARGUMENT);
  ck_assert_int_eq(dz_pattern_new(2, 2, good, far, NULL, &q), DZ_ERR_ARGUMENT);
  ck_assert_int_eq(dz_pattern_new(1, 2, (size_t[]){0, 2}, back, NULL, &q), DZ_ERR_ARGUMENT);
  ck_assert_int_eq(dz_pattern_new(1, 2, (size_t[]){0, 2}, upper, NULL, &q), DZ_ERR_ARGUMENT);
  ck_assert_int_eq(dz_pattern_new(2, 2, NULL, upper, NULL, &q), DZ_ERR_ARGUMENT);
  ck_assert_int_eq(dz_pattern_new(2, 2, good, NULL, NULL, &q), DZ_ERR_ARGUMENT);
#if SIZE_MAX > UINT32_MAX
  ck_assert_int_eq(dz_pattern_new(2, (size_t)1 << 33, good, upper, NULL, &q), DZ_ERR_LIMIT);
#endif
  ck_assert_int_eq(dz_pattern_new(2, 2, good, upper, NULL, &q), DZ_OK);
  ck_assert_int_eq(dz_coloring_new(q, DZ_COLORING_STAR, NULL, &d), DZ_ERR_ARGUMENT);
  ck_assert_int_eq(dz_coloring_new(NULL, DZ_COLORING_STAR, NULL, &d), DZ_ERR_ARGUMENT);
  ck_assert_int_eq(dz_coloring_new(q, (dz_coloring_kind)7, NULL, &d), DZ_ERR_ARGUMENT);
  ck_assert_int_eq(dz_coloring_new(q, DZ_COLORING_STAR, NULL, NULL), DZ_ERR_ARGUMENT);
  dz_pattern_free(q);
  ck_assert_int_eq(dz_pattern_new(0, 0, (size_t[]){0}, NULL, NULL, &q), DZ_OK);
  ck_assert_int_eq(dz_coloring_new(q, DZ_COLORING_FEWEST, NULL, &d), DZ_OK);
  ck_assert(dz_coloring_products(d) == 0 && dz_sparse_jacobian(d, 0, NULL, 0, NULL, NULL) == DZ_OK);
  dz_coloring_free(d);
  dz_pattern_free(q);
  dz_pattern_free(NULL);
  dz_coloring_free(NULL);
  ck_assert(dz_coloring_products(NULL) == 0 && !dz_coloring_pattern(NULL));
  dz_coloring_free(c);
  dz_pattern_free(p);
}
END_TEST

/* Tape, pattern and colouring all come from an allocator that fails. */
static dz_status all_steps(dz_tape *t, const dz_allocator *a, int side) {
  size_t n = 40;
  double values[200];
  dz_pattern *p = NULL;
  dz_coloring *c = NULL;
  dz_var x = dz_leaf_tensor(t, DZ_ROLE_INPUT, 1, &n, NULL), y = dz_cumsum(dz_sin(x), 0);
  dz_var z = dz_mul(dz_slice(x, 0, 1, INT64_MAX, 1), dz_slice(x, 0, 0, -1, 1));
  dz_var s = dz_sum(dz_mul(z, z), DZ_ALL, false), both[] = {z, dz_at(y, 0, 39)};
  dz_status status = dz_tape_error(t)->status;
  if (!status)
    status =
        side == 2 ? dz_hessian_pattern(s, 1, &x, 0, a, &p) : dz_jacobian_pattern(2, both, 1, &x, 0, a, &p);
  if (!status)
    status = dz_coloring_new(p,
                             side == 2 ? DZ_COLORING_STAR
                             : side    ? DZ_COLORING_ROWS
                                       : DZ_COLORING_COLUMNS,
                             a, &c);
  if (!status)
    status =
        side == 2 ? dz_sparse_hessian(c, s, 1, &x, values) : dz_sparse_jacobian(c, 2, both, 1, &x, values);
  dz_coloring_free(c);
  dz_pattern_free(p);
  return status;
}

START_TEST(every_allocation_may_fail) { fail_each_allocation(all_steps, _i); }
END_TEST

/* After the first evaluation no more memory is asked for. */
START_TEST(memory_is_kept) {
  failing f = {0};
  dz_allocator a = failing_allocator(&f);
  dz_tape *t = dz_tape_new(&a);
  size_t n = 50, calls = 0;
  double values[200];
  dz_pattern *p;
  dz_coloring *c;
  dz_var x = dz_leaf_tensor(t, DZ_ROLE_INPUT, 1, &n, NULL);
  dz_var ys[] = {dz_mul(dz_slice(x, 0, 1, 50, 1), dz_slice(x, 0, 0, -1, 1)), dz_at(x, 0, 3)};
  ck_assert_int_eq(dz_jacobian_pattern(2, ys, 1, &x, 0, &a, &p), DZ_OK);
  ck_assert_int_eq(dz_coloring_new(p, _i ? DZ_COLORING_ROWS : DZ_COLORING_COLUMNS, &a, &c), DZ_OK);
  for (int turn = 0; turn < 3; turn++) {
    ck_assert_int_eq(dz_sparse_jacobian(c, 2, ys, 1, &x, values), DZ_OK);
    if (turn == 0) calls = f.calls;
  }
  ck_assert_uint_le(f.calls - calls, _i ? 2 : 0); /* by rows: the list of parts while they are joined */
  dz_coloring_free(c);
  dz_pattern_free(p);
  dz_tape_free(t);
  ck_assert_uint_eq(f.blocks, 0);
}
END_TEST

SUITE_ON_TAPE(EACH(column_colorings, 60), EACH(star_colorings, 100), EACH(random_jacobians, 300),
              EACH(random_hessians, 40), EACH(large_tridiagonal, 2), ONCE(large_arrow),
              ONCE(the_cheaper_side), ONCE(the_first_try_was_better), ONCE(structural_zeros), ONCE(misuse),
              EACH(every_allocation_may_fail, 3), EACH(memory_is_kept, 2))
