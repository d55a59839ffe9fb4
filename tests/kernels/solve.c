/* solve: values, sweeps, tangents and second derivatives against inverses by cofactors in __float128. */
#include "dice.h"
#include "dz/derive.h"
#include "dz/jacobian.h"
#include "dz/sweep.h"
#include "dz/tangent.h"
#include "dz/tensor.h"
#include "failing.h"
#include "on_tape.h"

#ifdef HAVE_QUADMATH
#include "quad.h"
#endif

#include <math.h>
#include <stdio.h>

static dz_var input(int rank, const size_t *dims, const double *values) {
  return dz_leaf_tensor(tape, DZ_ROLE_INPUT, rank, dims, values);
}
static dz_var total(dz_var x) { return dz_sum(x, DZ_ALL, false); }

static void expect(const double *got, const double *want, size_t n) {
  ck_assert_ptr_nonnull(got);
  for (size_t i = 0; i < n; i++)
    ck_assert_msg(got[i] == want[i] || (isnan(got[i]) && isnan(want[i])), "element %zu: %.17g, not %.17g", i,
                  got[i], want[i]);
}

/* Whole numbers and powers of two: every answer is exact. */
START_TEST(exact) {
  dz_var a = input(DIMS(2, 2), V(0, 2, 4, 0)), b = input(DIMS(2), V(2, 4));
  dz_var x = dz_solve(a, b);
  ck_assert_int_eq(dz_rank(x), 1);
  expect(dz_values(x), V(1, 1), 2);
  ck_assert_int_eq(dz_backward(dz_dot(x, dz_leaf_tensor(tape, DZ_ROLE_CONST, DIMS(2), V(1, 3)))), DZ_OK);
  expect(dz_adjoints(a), V(-1.5, -1.5, -.25, -.25), 4);
  expect(dz_adjoints(b), V(1.5, .25), 2);
  /* u = [3/2, 1/4] solves the transpose for [1, 3]; its sum's slope to a_jk is -u_j times row k's sum of a^-1
   */
  dz_var y = dz_dot(x, dz_leaf_tensor(tape, DZ_ROLE_CONST, DIMS(2), V(1, 3)));
  ck_assert_int_eq(dz_backward(total(dz_derivative(y, b))), DZ_OK);
  expect(dz_adjoints(a), V(-.375, -.75, -.0625, -.125), 4);
  dz_var one = dz_solve(input(DIMS(1, 1), V(-8)), input(DIMS(1), V(2)));
  expect(dz_values(one), V(-.25), 1);
  dz_var many = input(DIMS(2, 3), V(2, 0, 4, 4, 8, 0)), xs = dz_solve(a, many);
  expect(dz_values(xs), V(1, 2, 0, 1, 0, 2), 6);
  ck_assert_int_eq(dz_backward(total(dz_at(xs, 1, 2))), DZ_OK);
  expect(dz_adjoints(many), V(0, 0, .5, 0, 0, .25), 6);
  expect(dz_adjoints(a), V(0, -1, 0, -.5), 4);
}
END_TEST

/* Each of several right-hand sides is as it is alone, and so is what comes back to it. */
START_TEST(columns_together_and_alone) {
  enum { ROWS = 5, COLUMNS = 3 };
  double a[ROWS * ROWS], b[COLUMNS][ROWS], w[COLUMNS][ROWS], many[2][ROWS * COLUMNS];
  state = 23;
  for (int i = 0; i < ROWS * ROWS; i++) a[i] = uniform(-2, 2);
  for (int j = 0; j < COLUMNS; j++)
    for (int i = 0; i < ROWS; i++) {
      many[0][i * COLUMNS + j] = b[j][i] = uniform(-2, 2);
      many[1][i * COLUMNS + j] = w[j][i] = uniform(-2, 2);
    }
  const dz_var matrix = dz_leaf_tensor(tape, DZ_ROLE_DATA, DIMS(ROWS, ROWS), a),
               all = input(DIMS(ROWS, COLUMNS), many[0]), xs = dz_solve(matrix, all);
  ck_assert_int_eq(dz_backward_with(xs, input(DIMS(ROWS, COLUMNS), many[1])), DZ_OK);
  for (int j = 0; j < COLUMNS; j++) {
    const dz_var one = input(DIMS(ROWS), b[j]), x = dz_solve(matrix, one);
    for (int i = 0; i < ROWS; i++) many[0][i] = dz_values(xs)[i * COLUMNS + j];
    expect(dz_values(x), many[0], ROWS);
    for (int i = 0; i < ROWS; i++) many[0][i] = dz_adjoints(all)[i * COLUMNS + j];
    ck_assert_int_eq(dz_backward_with(x, input(DIMS(ROWS), w[j])), DZ_OK);
    expect(dz_adjoints(one), many[0], ROWS);
    ck_assert_int_eq(dz_backward_with(xs, input(DIMS(ROWS, COLUMNS), many[1])), DZ_OK);
  }
}
END_TEST

START_TEST(empty) {
  dz_var a = input(DIMS(0, 0), NULL), b = input(DIMS(0), NULL), c = input(DIMS(0, 3), NULL);
  ck_assert_uint_eq(dz_size(dz_solve(a, b)), 0);
  ck_assert_int_eq(dz_backward(total(dz_solve(a, c))), DZ_OK);
  dz_var none = dz_solve(input(DIMS(2, 2), V(1, 0, 0, 1)), input(DIMS(2, 0), NULL)), g[1];
  ck_assert_uint_eq(dz_extent(none, 0), 2);
  ck_assert_int_eq(dz_grad(total(none), 1, &a, g), DZ_OK);
  ck_assert_int_eq(dz_tape_error(tape)->status, DZ_OK);
}
END_TEST

/* ---- against the inverse by cofactors ---- */

#ifdef HAVE_QUADMATH

enum { N = 3 };
typedef quad matrix[N][N];

static void invert(const double *a, matrix z) {
  quad det = 0;
  for (int i = 0; i < N; i++)
    for (int j = 0; j < N; j++) {
      int r = (j + 1) % N, s = (j + 2) % N, c = (i + 1) % N, d = (i + 2) % N;
      z[i][j] = (quad)a[r * N + c] * a[s * N + d] - (quad)a[r * N + d] * a[s * N + c];
    }
  for (int k = 0; k < N; k++) det += a[k] * z[k][0];
  for (int i = 0; i < N; i++)
    for (int j = 0; j < N; j++) z[i][j] /= det;
}

/* |A^-1| |A| |x| element by element: a refined solution is within some (n + 1) u times that, to first order;
   8 n is given for both solutions and the products around them. */
static void condition(const double *a, matrix z, const quad *x, bool transposed, quad *out) {
  for (int i = 0; i < N; i++) {
    out[i] = 0;
    for (int j = 0; j < N; j++)
      for (int k = 0; k < N; k++)
        out[i] += fabsq(transposed ? z[j][i] : z[i][j]) * fabs(transposed ? a[k * N + j] : a[j * N + k]) *
                  fabsq(x[k]);
  }
}

static void near(double got, quad want, quad size, const char *what) {
  ck_assert_msg(fabsq(got - want) <= 8 * N * 0x1p-53 * size, "%s: %.17g, not %.17g, allowed %g", what, got,
                (double)want, (double)(8 * N * 0x1p-53 * size));
}

typedef struct answer {
  quad x[N], u[N], size_x[N], size_u[N];
  matrix z;
} answer;

static answer answer_of(const double *a, const double *b, const double *w) {
  answer r = {{0}, {0}, {0}, {0}, {{0}}};
  invert(a, r.z);
  for (int i = 0; i < N; i++)
    for (int j = 0; j < N; j++) {
      r.x[i] += r.z[i][j] * b[j];
      r.u[i] += r.z[j][i] * w[j];
    }
  condition(a, r.z, r.x, false, r.size_x);
  condition(a, r.z, r.u, true, r.size_u);
  return r;
}

/* y = w . x(a, b): the second derivative by a_ij and a_kl is u_i z_jk x_l + u_k z_li x_j. */
static void check_hessian(const answer *r, dz_var y, dz_var a, const double *av) {
  double h[N * N * N * N];
  ck_assert_int_eq(dz_hessian(y, a, h), DZ_OK);
  quad norm = 0, of_a = 0, of_z = 0;
  for (int i = 0; i < N * N; i++) {
    of_a = quad_max(of_a, fabs(av[i]));
    of_z = quad_max(of_z, fabsq(r->z[i / N][i % N]));
  }
  for (int i = 0; i < N; i++) norm = quad_max(norm, quad_max(r->size_x[i], r->size_u[i]));
  quad size = N * of_a * of_z * of_z * norm * norm * 4;
  for (int i = 0; i < N; i++)
    for (int j = 0; j < N; j++)
      for (int k = 0; k < N; k++)
        for (int l = 0; l < N; l++)
          near(h[(i * N + j) * N * N + k * N + l],
               r->u[i] * r->z[j][k] * r->x[l] + r->u[k] * r->z[l][i] * r->x[j], size, "second derivative");
}

/* a' and b' along a direction: x' = a^-1 (b' - a' x). */
static void check_tangent(const answer *r, dz_var x, const dz_var *leaves, const double *v) {
  double out[N];
  ck_assert_int_eq(dz_tangent(x, 2, leaves, v, out), DZ_OK);
  for (int i = 0; i < N; i++) {
    quad want = 0, size = 0;
    for (int j = 0; j < N; j++) {
      quad right = v[N * N + j], part = fabsq(right);
      for (int k = 0; k < N; k++) {
        right -= v[j * N + k] * r->x[k];
        part += fabs(v[j * N + k]) * r->size_x[k];
      }
      want += r->z[i][j] * right;
      size += fabsq(r->z[i][j]) * part;
    }
    /* The solution's own rounding: again the condition of the matrix, here by norms. */
    quad most = 0;
    for (int j = 0; j < N; j++) most = quad_max(most, r->size_x[j] / quad_max(fabsq(r->x[j]), 0x1p-60));
    near(out[i], want, size * most * 4, "tangent");
  }
}

START_TEST(cofactors) {
  state = 11;
  for (int turn = 0; turn < 200; turn++) {
    double a[N * N], b[N], w[N], v[N * N + N];
    for (int i = 0; i < N * N; i++) a[i] = turn % 3 ? uniform(-2, 2) : round(4 * uniform(-2, 2));
    for (int i = 0; i < N; i++) b[i] = uniform(-2, 2), w[i] = uniform(-2, 2);
    for (int i = 0; i < N * N + N; i++) v[i] = uniform(-2, 2);
    if (turn % 3 == 0) a[0] = 0, a[turn % N * N + turn % N] += 16;
    matrix z;
    invert(a, z);
    if (!finiteq(z[0][0])) continue;
    answer r = answer_of(a, b, w);
    dz_tape_clear(tape);
    dz_var leaves[] = {input(DIMS(N, N), a), input(DIMS(N), b)}, x = dz_solve(leaves[0], leaves[1]);
    dz_var y = dz_dot(x, dz_leaf_tensor(tape, DZ_ROLE_CONST, DIMS(N), w)), g[2];
    for (int i = 0; i < N; i++) near(dz_values(x)[i], r.x[i], r.size_x[i], "value");
    ck_assert_int_eq(dz_grad(y, 2, leaves, g), DZ_OK);
    ck_assert_int_eq(dz_backward(y), DZ_OK);
    expect(dz_values(g[0]), dz_adjoints(leaves[0]), N * N);
    expect(dz_values(g[1]), dz_adjoints(leaves[1]), N);
    for (int i = 0; i < N; i++) near(dz_adjoints(leaves[1])[i], r.u[i], r.size_u[i], "right-hand side");
    for (int i = 0; i < N * N; i++)
      near(dz_adjoints(leaves[0])[i], -r.u[i / N] * r.x[i % N],
           2 * r.size_u[i / N] * quad_max(fabsq(r.x[i % N]), r.size_x[i % N]), "matrix");
    check_hessian(&r, y, leaves[0], a);
    check_tangent(&r, x, leaves, v);
  }
}
END_TEST

/* Rows of very different sizes: the backward error is small element by element, so each element of x is good.
   The Hilbert matrix of order 3 is inverted by whole numbers. */
START_TEST(scaled) {
  double a[] = {1e-20, 1, 1, 1};
  dz_var x = dz_solve(input(DIMS(2, 2), a), input(DIMS(2), V(1, 2)));
  ck_assert(fabs(dz_values(x)[0] - 1) <= 0x1p-52 && fabs(dz_values(x)[1] - 1) <= 0x1p-52);
  dz_var big = dz_solve(input(DIMS(2, 2), V(1e100, 2e100, 3e-100, 1e-100)), input(DIMS(2), V(5e100, 5e-100)));
  ck_assert(fabs(dz_values(big)[0] - 1) <= 0x1p-50 && fabs(dz_values(big)[1] - 2) <= 0x1p-50);
  const double inverse[] = {9, -36, 30, -36, 192, -180, 30, -180, 180};
  double h[9];
  for (int i = 0; i < 9; i++) h[i] = 60. / (i / 3 + i % 3 + 1);
  dz_var z = dz_solve(input(DIMS(3, 3), h), input(DIMS(3, 3), V(60, 0, 0, 0, 60, 0, 0, 0, 60)));
  /* 60 / k is whole for k up to 5, so the matrix is exact; its condition is 748 */
  for (int i = 0; i < 9; i++) ck_assert(fabs(dz_values(z)[i] - inverse[i]) <= 748 * 8 * 0x1p-53 * 192);
}
END_TEST

#endif

/* ---- hard points ---- */

START_TEST(singular) {
  dz_var a = input(DIMS(2, 2), V(1, 2, 2, 4)), b = input(DIMS(2), V(1, 2)), x = dz_solve(a, b);
  expect(dz_values(x), V(NAN, NAN), 2);
  ck_assert_int_eq(dz_backward(total(x)), DZ_OK);
  expect(dz_adjoints(a), V(NAN, NAN, NAN, NAN), 4);
  expect(dz_adjoints(b), V(NAN, NAN), 2);
  double out[2];
  ck_assert_int_eq(dz_tangent(x, 1, &b, V(1, 0), out), DZ_OK);
  expect(out, V(NAN, NAN), 2);
  ck_assert_int_eq(dz_tangent(x, 1, &b, V(0, 0), out), DZ_OK);
  expect(out, V(0, 0), 2);
  dz_var zero = dz_solve(input(DIMS(2, 2), NULL), b);
  expect(dz_values(zero), V(NAN, NAN), 2);
}
END_TEST

/* What a choice left out carries nothing, be the matrix singular or not; nor does one column to another. */
START_TEST(structural_zeros) {
  dz_var a = input(DIMS(2, 2), V(1, 2, 2, 4)), b = input(DIMS(2), V(1, 2)), g[2], leaves[] = {a, b};
  dz_var y = total(dz_where(dz_leaf_tensor(tape, DZ_ROLE_DATA, DIMS(2), V(0, 0)), dz_solve(a, b), b));
  ck_assert_int_eq(dz_backward(y), DZ_OK);
  expect(dz_adjoints(a), V(0, 0, 0, 0), 4);
  expect(dz_adjoints(b), V(1, 1), 2);
  ck_assert_int_eq(dz_grad(y, 2, leaves, g), DZ_OK);
  expect(dz_values(g[0]), V(0, 0, 0, 0), 4);
  expect(dz_values(g[1]), V(1, 1), 2);
  dz_var e = input(DIMS(2, 2), V(1, 0, 0, 1)), r = input(DIMS(2, 2), V(0, 1, 0, 4));
  dz_var x = dz_solve(e, dz_sqrt(r)); /* the first column has an infinite slope behind it */
  ck_assert_int_eq(dz_backward(total(dz_at(x, 1, 1))), DZ_OK);
  expect(dz_adjoints(r), V(0, .5, 0, .25), 4);
  expect(dz_adjoints(e), V(-1, -2, -1, -2), 4);
  ck_assert_int_eq(dz_grad(total(dz_at(x, 1, 1)), 1, &r, g), DZ_OK);
  expect(dz_values(g[0]), V(0, .5, 0, .25), 4);
  double out[4];
  ck_assert_int_eq(dz_tangent(x, 1, &r, V(0, 1, 0, 0), out), DZ_OK);
  expect(out, V(0, .5, 0, 0), 4);
  ck_assert_int_eq(dz_tangent(x, 2, (dz_var[]){r, e}, V(1, 0, 0, 0, 0, 0, 0, 0), out), DZ_OK);
  expect(out, V(NAN, 0, NAN, 0), 4); /* an inf meets the numeric zeros of the matrix */
}
END_TEST

START_TEST(one_factorization) {
  dz_var a = input(DIMS(2, 2), V(3, 1, 1, 2)), b = input(DIMS(2), V(1, 2)), g[2];
  ck_assert_int_eq(dz_grad(total(dz_solve(a, b)), 2, (dz_var[]){a, b}, g), DZ_OK);
  int factors = 0, systems = 0;
  for (size_t i = 0; i < dz_tape_size(tape); i++) {
    const char *op = dz_describe(dz_node_at(tape, i)).op;
    factors += strcmp(op, "lu") == 0;
    systems += strcmp(op, "solve") == 0;
  }
  ck_assert_int_eq(factors, 1);
  ck_assert_int_eq(systems, 3); /* forward, and once for each operand */
}
END_TEST

static void refused(dz_var x, dz_status status, const char *message) {
  ck_assert(!dz_valid(x));
  ck_assert_int_eq(dz_tape_error(tape)->status, status);
  ck_assert_str_eq(dz_tape_error(tape)->message, message);
  dz_tape_forgive(tape);
}

START_TEST(misuse) {
  dz_var a = input(DIMS(2, 2), V(1, 0, 0, 1)), b = input(DIMS(2), V(1, 2)), c = input(DIMS(2, 3), NULL);
  refused(dz_solve(c, b), DZ_ERR_SHAPE, "solve: [2, 3] is no square matrix");
  refused(dz_solve(input(DIMS(3, 2), V(1, 2, 3, 4, 5, 6)), input(DIMS(3), V(1, 2, 3))), DZ_ERR_SHAPE,
          "solve: [3, 2] is no square matrix");
  refused(dz_solve(b, b), DZ_ERR_SHAPE, "solve: [2] is no square matrix");
  refused(dz_solve(2, b), DZ_ERR_SHAPE, "solve: [] is no square matrix");
  const char *misfit =
      "solve: [2, 2] and %s: the right-hand side is a vector with an element for each row, or a "
      "matrix of such columns";
  char text[256];
  snprintf(text, sizeof text, misfit, "[3, 2]");
  refused(dz_solve(a, dz_transpose(c)), DZ_ERR_SHAPE, text);
  snprintf(text, sizeof text, misfit, "[]");
  refused(dz_solve(a, 1), DZ_ERR_SHAPE, text);
  snprintf(text, sizeof text, misfit, "[2, 1, 1]");
  refused(dz_solve(a, input(DIMS(2, 1, 1), NULL)), DZ_ERR_SHAPE, text);
  ck_assert(!dz_valid(dz_solve(1, 2)));
  dz_var none = {0};
  ck_assert(!dz_valid(dz_solve(a, none)));
  ck_assert_int_eq(dz_tape_error(tape)->status, DZ_ERR_HANDLE);
  dz_tape_forgive(tape);
  ck_assert(!dz_valid(dz_solve(none, b)) && !dz_valid(dz_solve(none, none)));
  dz_tape_forgive(tape);
  dz_tape *other = dz_tape_new(NULL);
  refused(dz_solve(a, dz_leaf_tensor(other, DZ_ROLE_INPUT, DIMS(2), NULL)), DZ_ERR_HANDLE,
          "operands belong to two different tapes");
  dz_tape_free(other);
}
END_TEST

/* Elements that are finite, but not the sums that elimination takes: solved both ways. And a matrix that is
   not finite itself: x1 goes to 0. */
START_TEST(factors_overflow) {
  dz_var a = input(DIMS(2, 2), V(1, 0x1p1023, -1, 0x1p1023)), b = input(DIMS(2), V(1, 3));
  dz_var x = dz_solve(a, b);
  expect(dz_values(x), V(-1, 0x1p-1022), 2);
  ck_assert_int_eq(dz_backward(dz_at(x, 0, 0)), DZ_OK);
  expect(dz_adjoints(b), V(.5, -.5), 2);
  expect(dz_adjoints(a), V(.5, -0x1p-1023, -.5, 0x1p-1023), 4);
  dz_tape *t = dz_tape_new_single(NULL);
  dz_var floats = dz_solve(dz_leaf_tensor(t, DZ_ROLE_INPUT, DIMS(2, 2), V(1, 0x1p127, -1, 0x1p127)),
                           dz_leaf_tensor(t, DZ_ROLE_INPUT, DIMS(2), V(1, 3)));
  ck_assert(dz_values_single(floats)[0] == -1 && dz_values_single(floats)[1] == 0x1p-126f);
  dz_tape_free(t);
  expect(dz_values(dz_solve(input(DIMS(2, 2), V(INFINITY, 1, 1, 1)), b)), V(0, 3), 2);
}
END_TEST

/* A larger one, by what it must satisfy: a x = b to a few roundings of |a| |x| + |b| in every row. */
START_TEST(larger) {
  enum { M = 120 };
  static double a[M * M], b[M];
  for (int i = 0; i < M * M; i++) a[i] = uniform(-2, 2);
  for (int i = 0; i < M; i++) b[i] = uniform(-2, 2);
  dz_var x = dz_solve(input(DIMS(M, M), a), input(DIMS(M), b));
  for (int i = 0; i < M; i++) {
    long double r = b[i], size = fabs(b[i]);
    for (int j = 0; j < M; j++) {
      r -= (long double)a[i * M + j] * dz_values(x)[j];
      size += fabs(a[i * M + j] * dz_values(x)[j]);
    }
    ck_assert_msg(fabsl(r) <= 4 * 0x1p-53L * size, "row %d: %Lg of %Lg", i, r, size);
  }
}
END_TEST

START_TEST(every_allocation_may_fail) {
  for (size_t k = 1;; k++) {
    failing f = {.at = k};
    dz_allocator alloc = failing_allocator(&f);
    dz_tape *t = dz_tape_new(&alloc);
    bool done = false;
    if (t) {
      dz_var a = dz_leaf_tensor(t, DZ_ROLE_INPUT, DIMS(2, 2), V(3, 1, 1, 2)), g[1];
      dz_var b = dz_leaf_tensor(t, DZ_ROLE_INPUT, DIMS(2), V(1, 2)), y = total(dz_solve(a, b));
      double out;
      done = dz_grad(y, 1, &a, g) == DZ_OK && dz_backward(total(g[0])) == DZ_OK &&
             dz_tangent(y, 1, &b, V(1, 0), &out) == DZ_OK;
      if (!done) ck_assert_int_eq(dz_tape_error(t)->status, DZ_ERR_MEMORY);
    }
    dz_tape_free(t);
    ck_assert(f.blocks == 0 && f.bytes == 0);
    if (done) break;
    ck_assert_uint_lt(k, 1000);
  }
}
END_TEST

#ifdef HAVE_QUADMATH
#define WITH_QUADS ONCE(cofactors), ONCE(scaled),
#else
#define WITH_QUADS
#endif

SUITE_ON_TAPE(WITH_QUADS ONCE(exact), ONCE(columns_together_and_alone), ONCE(empty), ONCE(singular),
              ONCE(structural_zeros), ONCE(one_factorization), ONCE(misuse), ONCE(larger),
              ONCE(factors_overflow), ONCE(every_allocation_may_fail))
