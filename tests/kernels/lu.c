/* LU factors and solutions by themselves. Arrays end where they are said to end: a sanitizer sees a step
   beyond. */
#include "kernels/lu.h"
#include "problem.h"
#include "suite.h"

#include <float.h>

#define V(...) ((double[]){__VA_ARGS__})

static void expect(const double *got, const double *want, size_t n) {
  for (size_t i = 0; i < n; i++)
    ck_assert_msg(same_number(got[i], want[i]), "element %zu: %.17g, not %.17g", i, got[i], want[i]);
}

static double *copy(const double *x, size_t n) { return memcpy(room(n), x, n * sizeof *x); }

/* The factors of a, as a block of its own. */
static double *factors(const double *a, size_t n) {
  double *own = copy(a, n * n), *lu = room((n + 1) * n);
  dz__lu_factor(own, lu, n);
  free(own);
  return lu;
}

/* ---- exact ---- */

enum { MOST = 6 };

/* P a = L U where L is below 1 everywhere and the pivots are powers of two: elimination must find just these,
   without any rounding. */
typedef struct exact {
  size_t n;
  double lu[(MOST + 1) * MOST], a[MOST * MOST];
} exact;

static exact random_exact(size_t n) {
  exact e = {.n = n};
  for (size_t i = 0; i < n; i++)
    for (size_t j = 0; j < n; j++)
      e.lu[i * n + j] = j < i ? (below(7) - 3) / 4. : j > i ? below(9) - 4 : below(2) ? 4 : -.5;
  for (size_t i = 0; i < n; i++)
    for (size_t j = 0; j < n; j++)
      for (size_t k = 0; k <= i && k <= j; k++)
        e.a[i * n + j] += (k < i ? e.lu[i * n + k] : 1) * e.lu[k * n + j];
  for (size_t k = n; k-- > 0;) {
    const size_t other = k + (size_t)below((int)(n - k));
    e.lu[n * n + k] = (double)other;
    for (size_t j = 0; j < n; j++) {
      const double x = e.a[k * n + j];
      e.a[k * n + j] = e.a[other * n + j], e.a[other * n + j] = x;
    }
  }
  return e;
}

/* b = a x, or a^T x, with that stride. */
static double *image_of(const exact *e, bool transposed, const double *x, size_t stride) {
  double *b = room(e->n * stride);
  for (size_t i = 0; i < e->n * stride; i++) b[i] = 77;
  for (size_t i = 0; i < e->n; i++) {
    b[i * stride] = 0;
    for (size_t j = 0; j < e->n; j++) b[i * stride] += e->a[transposed ? j * e->n + i : i * e->n + j] * x[j];
  }
  return b;
}

START_TEST(whole_numbers) {
  for (int turn = 0; turn < 300; turn++) {
    const exact e = random_exact((size_t)turn % (MOST + 1));
    const size_t n = e.n, stride = 1 + (size_t)below(3);
    double *a = copy(e.a, n * n), *lu = factors(e.a, n), x[MOST];
    expect(lu, e.lu, (n + 1) * n);
    for (size_t i = 0; i < n; i++) x[i] = below(9) - 4;
    for (int way = 0; way < 4; way++) {
      const dz__system s = {a, lu, n, way & 1};
      double *b = image_of(&e, way & 1, x, stride), *y = room(n * stride), *rest = room(n);
      dz__lu_refined(&s, b, y, stride, way & 2 ? rest : NULL);
      dz__lu_solve(&s, b, stride);
      for (size_t i = 0; i < n * stride; i++) ck_assert(i % stride ? b[i] == 77 : b[i] == x[i / stride]);
      for (size_t i = 0; i < n; i++) ck_assert(y[i * stride] == x[i]);
      free(b), free(y), free(rest);
    }
    free(a), free(lu);
  }
}
END_TEST

/* A permutation's transpose is its inverse. */
START_TEST(a_permutation) {
  double x[] = {5, -1, 6, -1, 7, -1}, y[3];
  const double a[] = {0, 1, 0, 0, 0, 1, 1, 0, 0};
  double *lu = factors(a, 3);
  dz__system s = {a, lu, 3, false};
  dz__lu_solve(&s, x, 2);
  expect(x, V(7, -1, 5, -1, 6, -1), 6);
  s.transposed = true;
  dz__lu_solve(&s, x, 2);
  expect(x, V(5, -1, 6, -1, 7, -1), 6);
  dz__lu_refined(&s, V(1, 2, 3), y, 1, NULL);
  expect(y, V(2, 3, 1), 3);
  free(lu);
}
END_TEST

/* ---- the operation ---- */

/* to = a x or a^T x in every column. */
static void multiply(const double *a, bool transposed, size_t n, size_t m, const double *x, double *to) {
  for (size_t i = 0; i < n; i++)
    for (size_t j = 0; j < m; j++) {
      to[i * m + j] = 0;
      for (size_t k = 0; k < n; k++) to[i * m + j] += a[transposed ? k * n + i : i * n + k] * x[k * m + j];
    }
}

static double *whole_numbers_of(size_t n) {
  double *x = room(n);
  for (size_t i = 0; i < n; i++) x[i] = below(9) - 4;
  return x;
}

/* a x = b, or of a's transpose, for whole numbers x; what flows back comes from whole u. */
static problem some_solve(const exact *e, size_t m, bool vector, bool transposed, const double *x) {
  const size_t n = e->n;
  problem p = {.fn = DZ__F_solve, .nargs = 3, .nattr = 1, .attr = {transposed}};
  p.args[0] = array_of(2, (size_t[]){n, n});
  p.args[1] = array_of(vector ? 1 : 2, (size_t[]){n, m});
  p.args[2] = array_of(2, (size_t[]){n + 1, n});
  memcpy(p.args[0].data, e->a, n * n * sizeof(double));
  memcpy(p.args[2].data, e->lu, (n + 1) * n * sizeof(double));
  multiply(e->a, transposed, n, m, x, p.args[1].data);
  forward(&p);
  expect(p.out.data, x, n * m);
  return p;
}

/* Carefully: nothing flows from columns of which nothing is reached; one element of the others suffices. */
static void check_reverse(problem *p, size_t n, size_t m, const double *x, bool careful) {
  const bool transposed = p->attr[0];
  double *u = whole_numbers_of(n * m);
  const bool zeros = m > 0 && below(3) == 0;
  prepare_reverse(p, 4);
  for (size_t i = 0; zeros && i < n; i++) u[i * m] = 0; /* zeros are no doubt */
  multiply(p->args[0].data, !transposed, n, m, u, p->g);
  if (careful) p->reached = memset(room(n * m), 0, n * m * sizeof *x);
  for (size_t j = 0; careful && j < m; j++)
    if (below(2))
      p->reached[(size_t)below((int)n) * m + j] = 1;
    else
      for (size_t i = j; i < n * m; i += m) u[i] = 0, p->g[i] = (double)INFINITY;
  ck_assert(!reverse(p));
  for (size_t i = 0; i < n; i++)
    for (size_t k = 0; k < n; k++) {
      double sum = 0;
      for (size_t j = 0; j < m; j++)
        sum += transposed ? x[i * m + j] * u[k * m + j] : u[i * m + j] * x[k * m + j];
      ck_assert(p->ga[0][i * n + k] == p->was[0][i * n + k] - sum);
    }
  for (size_t i = 0; i < n * m; i++) ck_assert(p->ga[1][i] == p->was[1][i] + u[i]);
  free(u);
}

/* A column that is reached anywhere reaches its own, and all of the matrix; once, however often. */
static void check_spread(problem *p, size_t n, size_t m) {
  double columns = 0;
  random_masks(p);
  spread(p);
  for (size_t j = 0; j < m; j++) {
    bool any = false;
    for (size_t i = 0; i < n; i++) any |= p->reached[i * m + j] != 0;
    columns += any;
    for (size_t i = 0; i < n; i++) ck_assert(p->ga[1][i * m + j] == any);
  }
  for (size_t i = 0; i < n * n; i++) ck_assert(p->ga[0][i] == (columns > 0));
  for (int k = 0; k < 2; k++) { /* one alone is wanted */
    dz__call call = call_of(p);
    call.g = p->reached;
    call.ga = k ? (double *[]){NULL, p->ga[1], NULL} : (double *[]){p->ga[0], NULL, NULL};
    ck_assert(!op_of(p)->spread(&call));
  }
}

/* Carefully: elements of a' count only where they were reached; where none were, columns of b' alone. */
static void check_tangent(problem *p, size_t n, size_t m, const double *x, bool careful) {
  const bool whole_matrix = below(2);
  double *xt = whole_numbers_of(n * m), *at = whole_numbers_of(n * n), *bt = room(n * m), *more = room(n * m);
  double *out = room(n * m), *own = room(3 * n), *hit = room(n * m), *of_a = room(n * n), *of_b = room(n * m);
  for (size_t i = 0; i < n * n; i++) of_a[i] = !careful || (whole_matrix && (i == 0 || below(2)));
  for (size_t i = 0; i < n * n; i++) at[i] *= of_a[i];
  multiply(p->args[0].data, p->attr[0], n, m, xt, bt);
  multiply(at, p->attr[0], n, m, x, more);
  for (size_t j = 0; j < m; j++) {
    const bool reached = !careful || whole_matrix || below(2);
    for (size_t i = j; i < n * m; i += m) bt[i] += more[i], of_b[i] = reached, xt[i] *= reached;
  }
  for (size_t i = 0; careful && i < n * n; i++) at[i] += of_a[i] == 0 ? 77 : 0;
  dz__tangent_call call = {.op = op_of(p),
                           .call = call_of(p),
                           .t = (double *[]){at, bt, NULL},
                           .reached = careful ? (double *[]){of_a, of_b, NULL} : NULL,
                           .out = out,
                           .out_reached = hit};
  call.call.scratch = own;
  op_of(p)->tangent(&call);
  expect(out, xt, n * m);
  if (careful) expect(hit, of_b, n * m);
  free(xt), free(at), free(bt), free(more), free(out), free(own), free(hit), free(of_a), free(of_b);
}

START_TEST(solves) {
  for (int turn = 0; turn < 200; turn++) {
    const exact e = random_exact(1 + (size_t)turn % MOST);
    const bool vector = below(3) == 0;
    const size_t m = vector ? 1 : (size_t)below(4);
    double *x = whole_numbers_of(e.n * m);
    problem p = some_solve(&e, m, vector, below(2), x);
    check_reverse(&p, e.n, m, x, turn % 3 == 0);
    free(p.reached);
    check_spread(&p, e.n, m);
    for (int careful = 0; careful < 2; careful++) check_tangent(&p, e.n, m, x, careful);
    free(x);
    drop(&p);
  }
}
END_TEST

/* ---- pivots ---- */

/* The largest of a column, and among equals the first: nothing below it is multiplied by more than 1. */
START_TEST(pivots) {
  double *lu = factors(V(1, 1, -1, 1), 2);
  expect(lu, V(1, 1, -1, 2, 0, 1), 6);
  free(lu);
  for (int turn = 0; turn < 100; turn++) {
    const size_t n = 2 + (size_t)below(5);
    double a[MOST * MOST];
    for (size_t i = 0; i < n * n; i++) a[i] = uniform(-1, 1);
    lu = factors(a, n);
    for (size_t i = 0; i < n; i++)
      for (size_t j = 0; j < i; j++) ck_assert(fabs(lu[i * n + j]) <= 1);
    free(lu);
  }
}
END_TEST

START_TEST(singular) {
  const struct {
    double a[4];
    bool singular;
  } of[] = {{{0, 1, 0, 1}, true}, {{1, 1, 1, 1}, true}, {{0, 1, 1, 0}, false}, {{1, 2, 3, 4}, false}};
  for (size_t k = 0; k < COUNT(of); k++) {
    double *lu = factors(of[k].a, 2), x[2];
    ck_assert(dz__lu_singular(lu, 2) == of[k].singular);
    dz__lu_refined(&(dz__system){of[k].a, lu, 2, false}, V(1, 2), x, 1, NULL);
    ck_assert(isnan(x[0]) == of[k].singular && isnan(x[1]) == of[k].singular);
    free(lu);
  }
}
END_TEST

/* ---- what grows too large ---- */

/* Factors are of 2^-64 times the matrix where they would be infinite, or beyond floats where the matrix is
   not; all pivots say so. Not where the matrix is infinite itself. */
START_TEST(too_large) {
  const double inf = (double)INFINITY, most = DBL_MAX, real = (double)FLT_MAX;
  const struct {
    size_t n;
    double a[4];
    bool down;
  } of[] = {{1, {most}, false},
            {1, {real}, false},
            {1, {inf}, false},
            {1, {(double)NAN}, false},
            {2, {1, 1e100, 0, 1}, false},
            {2, {1, 1e100, -1, 1e100}, false},
            {2, {1, most, 0, 1}, false},
            {2, {1, most / 2, -1, most / 2}, false},
            {2, {1, most, -1, most}, true},
            {2, {most, most, -most, most}, true},
            {2, {1, real, -1, real}, true},
            {2, {1, real / 2, -1, real / 2}, false},
            {2, {1, 0x1p127, -1, 0x1p127}, true},
            {2, {inf, 1, 1, 1}, false}};
  for (size_t k = 0; k < COUNT(of); k++) {
    const size_t n = of[k].n;
    double *lu = factors(of[k].a, n);
    for (size_t i = 0; i < n; i++)
      ck_assert_msg(lu[n * n + i] == (of[k].down ? -1 - (double)i : (double)i), "row %zu: pivot %g", k,
                    lu[n * n + i]);
    free(lu);
  }
}
END_TEST

/* Such factors give the same solutions, wherever these stand. */
START_TEST(solved_by_smaller_factors) {
  const double a[] = {1, 0x1p1023, -1, 0x1p1023};
  double *lu = factors(a, 2), x[] = {1, 7, 3, 7}, y[] = {1, 7, 0, 7};
  dz__lu_solve(&(dz__system){a, lu, 2, false}, x, 2);
  expect(x, V(-1, 7, 0x1p-1022, 7), 4);
  dz__lu_solve(&(dz__system){a, lu, 2, true}, y, 2);
  expect(y, V(.5, 7, -.5, 7), 4);
  free(lu);
}
END_TEST

/* ---- refinement ---- */

/* With the factors of 2 a: x / 2, and of what is then left, b / 2, half again. */
START_TEST(one_step_of_refinement) {
  enum { N = 3 };
  const double a[N * N] = {2, 1, 0, 0, 4, 1, 1, 0, 1}, x[N] = {4, -8, 12};
  double twice[N * N];
  for (int i = 0; i < N * N; i++) twice[i] = 2 * a[i];
  double *lu = factors(twice, N), *own = copy(a, N * N), *rest = room(N);
  for (int way = 0; way < 2; way++) {
    double *b = room(N * 2), *y = room(N * 2);
    for (int i = 0; i < N; i++) {
      b[2 * i] = b[2 * i + 1] = 0;
      for (int j = 0; j < N; j++) b[2 * i] += a[way ? j * N + i : i * N + j] * x[j];
    }
    for (int i = 0; i < N * 2; i++) y[i] = 9;
    dz__lu_refined(&(dz__system){own, lu, N, way}, b, y, 2, rest);
    expect(y, V(3, 9, -6, 9, 9, 9), 6);
    dz__lu_refined(&(dz__system){own, lu, N, way}, b, y, 2, NULL);
    expect(y, V(2, 9, -4, 9, 6, 9), 6);
    free(b), free(y);
  }
  free(lu), free(own), free(rest);
}
END_TEST

/* What is left, M - (-M) - M - M, is infinite on the way: the solution, which is exact, stays. */
START_TEST(a_correction_that_is_not_finite) {
  const double m = 0x1p1023, a[] = {1, m, m, 0, 1, 0, 0, 0, 1};
  double *lu = factors(a, 3), x[3], rest[3];
  dz__lu_refined(&(dz__system){a, lu, 3, false}, V(m, 1, 1), x, 1, rest);
  ck_assert(!isfinite(rest[0]));
  expect(x, V(-m, 1, 1), 3);
  free(lu);
}
END_TEST

START_TEST(the_largest_magnitude) {
  ck_assert(dz__largest(NULL, 0) == 0 && dz__largest(V(1, -3, 2), 3) == 3);
  ck_assert(dz__largest(V(1, (double)-INFINITY), 2) == (double)INFINITY);
  for (int at = 0; at < 3; at++) {
    double x[] = {1, (double)INFINITY, -2};
    x[at] = (double)NAN;
    ck_assert(isnan(dz__largest(x, 3)));
  }
}
END_TEST

SUITE(ONCE(whole_numbers), ONCE(a_permutation), ONCE(solves), ONCE(pivots), ONCE(singular), ONCE(too_large),
      ONCE(solved_by_smaller_factors), ONCE(one_step_of_refinement), ONCE(a_correction_that_is_not_finite),
      ONCE(the_largest_magnitude))
