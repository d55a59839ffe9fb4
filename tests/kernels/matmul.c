/* matmul against sums by its definition, with indices worked out by division. Whole numbers make every sum
   exact, so all is equality. */
#include "effort.h"
#include "kernels/product.h"
#include "problem.h"
#include "suite.h"

enum { TURNS = 1200 };

/* Calls each(i, j, o, p) for every product x[i] y[j] that is part of result o. */
typedef void visit(problem *p, size_t o, size_t i, size_t j);

static size_t batch_place(const dz__array *x, const size_t *z, int batch, size_t row, size_t column,
                          bool left) {
  size_t from[DZ__MAX_RANK];
  int own = x->rank > 2 ? x->rank - 2 : 0;
  for (int k = 0; k < own; k++) from[k] = x->dims[k] == 1 ? 0 : z[batch - own + k];
  if (x->rank > 1) from[own] = row;
  from[x->rank - 1] = x->rank > 1 ? column : left ? column : row;
  return place(from, x);
}

static void products(problem *p, visit *each) {
  const dz__array *x = &p->args[0], *y = &p->args[1];
  int batch = p->out.rank - (x->rank > 1) - (y->rank > 1);
  for (size_t o = 0; o < p->out.size; o++) {
    size_t z[DZ__MAX_RANK + 1];
    split(o, &p->out, z);
    size_t row = x->rank > 1 ? z[batch] : 0, column = y->rank > 1 ? z[p->out.rank - 1] : 0;
    for (size_t k = 0; k < x->dims[x->rank - 1]; k++)
      each(p, o, batch_place(x, z, batch, row, k, true), batch_place(y, z, batch, k, column, false));
  }
}

static void value_less(problem *p, size_t o, size_t i, size_t j) {
  p->out.data[o] -= p->args[0].data[i] * p->args[1].data[j];
}
static void adjoint_more(problem *p, size_t o, size_t i, size_t j) {
  if (p->was[0]) p->was[0][i] += p->g[o] * p->args[1].data[j];
  if (p->was[1]) p->was[1][j] += p->g[o] * p->args[0].data[i];
}
static void mask_less(problem *p, size_t o, size_t i, size_t j) {
  if (p->ga[0]) p->ga[0][i] -= p->reached[o];
  if (p->ga[1]) p->ga[1][j] -= p->reached[o];
}

static void check_matmul(problem *p) {
  forward(p);
  prepare_reverse(p, (unsigned)below(3));
  ck_assert(!reverse(p));
  products(p, value_less);
  for (size_t o = 0; o < p->out.size; o++) ck_assert(p->out.data[o] == 0);
  products(p, adjoint_more);
  for (int k = 0; k < 2; k++)
    for (size_t i = 0; p->ga[k] && i < p->args[k].size; i++) ck_assert(p->ga[k][i] == p->was[k][i]);
  random_masks(p);
  spread(p);
  products(p, mask_less);
  for (int k = 0; k < 2; k++)
    for (size_t i = 0; p->ga[k] && i < p->args[k].size; i++) ck_assert(p->ga[k][i] == 0);
}

static problem factors(int m, const size_t *x, int n, const size_t *y) {
  problem p = {.fn = DZ__F_matmul, .nargs = 2};
  p.args[0] = array_of(m, x);
  p.args[1] = array_of(n, y);
  fill_whole(p.args[0]);
  fill_whole(p.args[1]);
  return p;
}

START_TEST(random_matmuls) {
  for (int turn = 0; turn < TURNS; turn++) {
    int m = 1 + below(5), n = 1 + below(5);
    size_t x[5], y[5], inner = (size_t)below(6), batch[3];
    for (int k = 0; k < 3; k++) batch[k] = below(8) ? 1 + (size_t)below(3) : 0;
    for (int k = 0; k < m; k++)
      x[k] = k < m - 2 ? (below(3) ? batch[3 - (m - 2) + k] : 1) : (size_t)below(10);
    for (int k = 0; k < n; k++)
      y[k] = k < n - 2 ? (below(3) ? batch[3 - (n - 2) + k] : 1) : (size_t)below(10);
    x[m - 1] = y[n > 1 ? n - 2 : 0] = inner;
    problem p = factors(m, x, n, y);
    check_matmul(&p);
    drop(&p);
  }
}
END_TEST

/* Beyond one panel in every direction, and the roads of one row and one column. */
START_TEST(large_matmuls) {
  static const size_t cases[][3] = {{5, 600, 19}, {33, 257, 8}, {1, 700, 50}, {50, 700, 1}, {1, 600, 1},
                                    {70, 1, 70},  {4, 9, 300},  {300, 9, 4},  {2, 256, 16}};
  for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
    size_t m = cases[c][0], k = cases[c][1], n = cases[c][2];
    problem p = factors(2, (size_t[]){m, k}, 2, (size_t[]){k, n});
    check_matmul(&p);
    drop(&p);
  }
}
END_TEST

START_TEST(matmul_shapes_as_numpy) {
  static const struct {
    int m, n, r;
    size_t x[4], y[4], z[4];
  } cases[] = {{1, 1, 0, {3}, {3}, {0}},          {2, 1, 1, {2, 3}, {3}, {2}},
               {1, 2, 1, {3}, {3, 2}, {2}},       {1, 3, 2, {3}, {5, 3, 2}, {5, 2}},
               {3, 1, 2, {5, 2, 3}, {3}, {5, 2}}, {4, 3, 4, {7, 1, 2, 3}, {6, 3, 5}, {7, 6, 2, 5}},
               {2, 2, 2, {2, 0}, {0, 3}, {2, 3}}, {3, 2, 3, {0, 2, 3}, {3, 4}, {0, 2, 4}}};
  for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
    problem p = factors(cases[c].m, cases[c].x, cases[c].n, cases[c].y);
    check_matmul(&p);
    expect_shape(&p, cases[c].r, cases[c].z);
    drop(&p);
  }
}
END_TEST

/* x = [[1, 2], [3, 4]], y = [[inf, 1], [1, 1]]; g reaches only z[1, 1], which does not read the infinity:
   with the masks known no NaN arises, without them the doubt is reported. */
START_TEST(zeros_times_infinities) {
  for (int flip = 0; flip < 2; flip++)
    for (int careful = 0; careful < 2; careful++) {
      problem p = factors(2, (size_t[]){2, 2}, 2, (size_t[]){2, 2});
      memcpy(p.args[flip].data, (double[]){1, 2, 3, 4}, 4 * sizeof(double));
      memcpy(p.args[!flip].data, (double[]){(double)INFINITY, 1, 1, 1}, 4 * sizeof(double));
      forward(&p);
      prepare_reverse(&p, 0);
      memcpy(p.g, (double[]){0, 0, 0, 1}, 4 * sizeof(double));
      for (int k = 0; k < 2; k++) memset(p.ga[k], 0, 4 * sizeof(double));
      if (careful) p.reached = memcpy(room(4), p.g, 4 * sizeof(double));
      ck_assert(reverse(&p) == !careful);
      if (careful) {
        /* the adjoint of x is g yᵀ, that of y is xᵀ g */
        static const double gx[2][4] = {{0, 0, 1, 1}, {0, 0, 2, 4}}, gy[2][4] = {{0, 3, 0, 4}, {0, 1, 0, 1}};
        for (int i = 0; i < 4; i++) ck_assert(p.ga[0][i] == gx[flip][i] && p.ga[1][i] == gy[flip][i]);
      }
      drop(&p);
    }
}
END_TEST

/* A numeric zero times an infinity is NaN, and reported, also where the masks are known. */
START_TEST(a_numeric_zero_counts) {
  problem p = factors(1, (size_t[]){1}, 1, (size_t[]){1});
  p.args[1].data[0] = (double)INFINITY;
  forward(&p);
  prepare_reverse(&p, 2);
  p.g[0] = 0;
  p.reached = room(1);
  p.reached[0] = 1;
  ck_assert(reverse(&p) && isnan(p.ga[0][0]));
  drop(&p);
}
END_TEST

/* The masks of the second matrix of a batch are its own: those before stand just before. */
START_TEST(masks_of_a_batch) {
  const size_t dims[] = {2, 1, 1};
  problem p = factors(3, dims, 3, dims);
  double masks[] = {1, 1, 0};
  for (int i = 0; i < 2; i++) p.args[1].data[i] = (double)INFINITY;
  forward(&p);
  prepare_reverse(&p, 2);
  p.g[0] = p.g[1] = 1, p.ga[0][1] = 5;
  p.reached = masks + 1;
  ck_assert(!reverse(&p) && p.ga[0][0] == (double)INFINITY && p.ga[0][1] == 5);
  p.reached = NULL;
  drop(&p);
}
END_TEST

/* Rows or columns contiguous, rows further apart than they are long; whole numbers, of which a float has
   enough. What was in c before counts only where it is added to. */
static void check_product(ptrdiff_t m, ptrdiff_t k, ptrdiff_t n) {
  const bool left = below(2), right = below(2), add = below(2), apart = below(4) == 0;
  const ptrdiff_t a_next = (left ? m : k) + apart, b_next = (right ? k : n) + apart;
  size_t as = (size_t)(a_next * (left ? k : m)), bs = (size_t)(b_next * (right ? n : k)),
         cs = (size_t)(m * n);
  double *a = room(as), *b = room(bs), *c = room(cs), *was = room(cs);
  float *af = malloc((as + 1) * sizeof *af), *bf = malloc((bs + 1) * sizeof *bf),
        *cf = malloc((cs + 1) * sizeof *cf);
  for (size_t i = 0; i < as; i++) af[i] = (float)(a[i] = below(9) - 4);
  for (size_t i = 0; i < bs; i++) bf[i] = (float)(b[i] = below(9) - 4);
  for (size_t i = 0; i < cs; i++) cf[i] = (float)(c[i] = was[i] = add ? below(9) - 4 : (double)NAN);
  dz__matrix x = {a, m, k, left ? 1 : a_next, left ? a_next : 1};
  dz__matrix y = {b, k, n, right ? 1 : b_next, right ? b_next : 1};
  dz__product(x, y, c, add);
  dz__productf((dz__matrixf){af, m, k, x.row, x.column}, (dz__matrixf){bf, k, n, y.row, y.column}, cf, add);
  for (ptrdiff_t i = 0; i < m; i++)
    for (ptrdiff_t j = 0; j < n; j++) {
      double z = add ? was[i * n + j] : 0;
      for (ptrdiff_t l = 0; l < k; l++) z += a[i * x.row + l * x.column] * b[l * y.row + j * y.column];
      ck_assert_msg(c[i * n + j] == z && (double)cf[i * n + j] == z,
                    "%td %td %td, %d%d%d: %g %g, not %g at %td %td", m, k, n, left, right, add, c[i * n + j],
                    (double)cf[i * n + j], z, i, j);
    }
  free(a), free(b), free(c), free(was), free(af), free(bf), free(cf);
}

/* Around the edges of panels and vectors, and beyond where the library is used. */
START_TEST(products_in_every_layout) {
  for (int turn = 0; turn < EFFORT(3000, 300); turn++) check_product(below(40), below(30), below(60));
  for (int turn = 0; turn < EFFORT(60, 6); turn++)
    check_product(1 + below(300), 1 + below(400), 1 + below(20));
  for (int turn = 0; turn < EFFORT(30, 3); turn++)
    check_product(60 + below(60), 60 + below(200), 60 + below(60));
}
END_TEST

SUITE(ONCE(products_in_every_layout), ONCE(random_matmuls), ONCE(large_matmuls), ONCE(matmul_shapes_as_numpy),
      ONCE(zeros_times_infinities), ONCE(a_numeric_zero_counts), ONCE(masks_of_a_batch))
