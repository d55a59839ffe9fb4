/* Dense Jacobians, Hessians and products: polynomials with whole coefficients at whole points, where every
   answer is exact, and the hard points of the boundary table. */
#include "dz/jacobian.h"
#include "calls.h"
#include "dz/derive.h"
#include "dz/sweep.h"
#include "dz/tensor.h"
#include "on_tape.h"
#include "ops/op.h"

#include <math.h>

static dz_var vector(size_t n, const double *values) {
  return dz_leaf_tensor(tape, DZ_ROLE_INPUT, 1, &n, values);
}
static dz_var at(dz_var x, int i) { return dz_at(x, 0, i); }

static void expect_numbers(const double *got, const double *want, size_t n) {
  for (size_t i = 0; i < n; i++)
    ck_assert_msg(got[i] == want[i] || (isnan(got[i]) && isnan(want[i])), "element %zu: %.17g, not %.17g", i,
                  got[i], want[i]);
}

static void expect_jacobian(dz_var y, dz_var x, const double *want) {
  double got[64];
  size_t nodes = dz_tape_size(tape);
  ck_assert_int_eq(dz_jacobian(y, x, got), DZ_OK);
  expect_numbers(got, want, dz_size(y) * dz_size(x));
  ck_assert_uint_eq(dz_tape_size(tape), nodes);
}

/* (x0 x1, x1 x2 - x0, 3): wider than high, higher than wide, square; leaf and interior. */
START_TEST(both_sides) {
  dz_var x = vector(3, V(2, 3, 5)), a = dz_mul(at(x, 0), at(x, 1)),
         b = dz_sub(dz_mul(at(x, 1), at(x, 2)), at(x, 0));
  dz_var two = dz_stack(2, ((dz_var[]){a, b}), 0), three = dz_stack(3, ((dz_var[]){a, b, dz_num(3)}), 0);
  dz_var four = dz_stack(4, ((dz_var[]){b, a, b, at(x, 2)}), 0);
  expect_jacobian(two, x, V(3, 2, 0, -1, 5, 3));
  expect_jacobian(three, x, V(3, 2, 0, -1, 5, 3, 0, 0, 0));
  expect_jacobian(four, x, V(-1, 5, 3, 3, 2, 0, -1, 5, 3, 0, 0, 1));
  expect_jacobian(a, x, V(3, 2, 0));
  expect_jacobian(two, a, V(1, 0)); /* by an interior node */
  expect_jacobian(dz_mul(two, two), two, V(12, 0, 0, 26));
  expect_jacobian(x, x, V(1, 0, 0, 0, 1, 0, 0, 0, 1));
  dz_var s = dz_input(tape, 4), later = vector(2, V(1, 1));
  expect_jacobian(dz_mul(s, s), s, V(8));
  expect_jacobian(dz_mul(two, s), s, V(6, 13));
  expect_jacobian(a, later, V(0, 0));
  expect_jacobian(two, later, V(0, 0, 0, 0));
  expect_jacobian(dz_stop(two), x, V(0, 0, 0, 0, 0, 0));
  dz_var m = dz_leaf_tensor(tape, DZ_ROLE_PARAM, DIMS(2, 2), V(1, 2, 3, 4));
  expect_jacobian(dz_matmul(m, m), m, V(2, 3, 2, 0, 2, 5, 0, 2, 3, 0, 5, 3, 0, 3, 2, 8));
  expect_jacobian(dz_sum(dz_mul(m, m), 1, false), m, V(2, 4, 0, 0, 0, 0, 6, 8));
  dz_var none = vector(0, NULL);
  expect_jacobian(none, x, V(0));
  expect_jacobian(x, none, V(0));
}
END_TEST

/* sqrt has slope inf at 0: the other rows do not notice. */
START_TEST(structural_zeros) {
  const double inf = (double)INFINITY;
  dz_var x = vector(2, V(0, 4)), r = dz_sqrt(x);
  expect_jacobian(r, x, V(inf, 0, 0, .25));
  expect_jacobian(dz_at(r, 0, 1), x, V(0, .25));
  expect_jacobian(dz_stack(1, ((dz_var[]){dz_at(r, 0, 1)}), 0), x, V(0, .25));
  dz_var first = dz_mul(dz_at(r, 0, 0), dz_at(r, 0, 0));
  expect_jacobian(first, x, V(NAN, 0));
  expect_jacobian(dz_concat(2, ((dz_var[]){r, r}), 0), x, V(inf, 0, 0, .25, inf, 0, 0, .25));
  dz_var y = vector(3, V(0, 4, 9)); /* by rows */
  expect_jacobian(dz_slice(dz_sqrt(y), 0, 0, 2, 1), y, V(inf, 0, 0, 0, .25, 0));
}
END_TEST

static void expect_jacobians(int rows, const dz_var *ys, int count, const dz_var *xs, const double *want) {
  double got[64];
  size_t nodes = dz_tape_size(tape), m = 0, n = 0;
  for (int k = 0; k < rows; k++) m += dz_size(ys[k]);
  for (int k = 0; k < count; k++) n += dz_size(xs[k]);
  ck_assert_int_eq(dz_jacobians(rows, ys, count, xs, got), DZ_OK);
  expect_numbers(got, want, m * n);
  ck_assert_uint_eq(dz_tape_size(tape), nodes);
}

/* a^2 b, a/b, a c, a constant, a leaf: first on a tape of single numbers. */
START_TEST(several_outputs) {
  const dz_var a = dz_input(tape, 3), b = dz_param(tape, 2), c = dz_input(tape, 5), xs[] = {a, b, c, a, c, b};
  const dz_var ys[] = {dz_mul(dz_mul(a, a), b), dz_div(a, b), dz_mul(a, c), dz_mul(dz_data(tape, 4), 2), c};
  ck_assert_int_eq(dz_backward(ys[0]), DZ_OK);
  const double want[] = {12, 9, 0, 12, 0, 9, .5, -.75, 0, .5, 0, -.75, 5, 0, 3,
                         5,  3, 0, 0,  0, 0, 0,  0,    0, 0,  0, 1,    0, 1, 0};
  for (int rows = 0; rows <= 5; rows++) expect_jacobians(rows, ys, 6, xs, want);
  ck_assert(dz_adjoint(a) == 12 && dz_adjoint(b) == 9); /* as they were */
  expect_jacobians(2, ys, 2, xs, V(12, 9, .5, -.75));   /* by columns */
  expect_jacobians(2, ys, 0, NULL, NULL);
  expect_jacobians(2, ((dz_var[]){ys[2], ys[2]}), 3, xs, V(5, 0, 3, 5, 0, 3));
  const dz_var zero = dz_input(tape, 0), root = dz_sqrt(zero), of[] = {zero, b, c};
  expect_jacobians(2, ((dz_var[]){root, c}), 3, of, V(INFINITY, 0, 0, 0, 0, 1));
  expect_jacobians(2, ((dz_var[]){c, root}), 3, of, V(0, 0, 1, INFINITY, 0, 0));
  const dz_var later = dz_input(tape, 7), more[] = {later, a, later};
  expect_jacobians(2, ys, 3, more, V(0, 12, 0, 0, .5, 0));
  const dz_var v = vector(3, V(1, 2, 4)), w = dz_mul(v, a), mixed[] = {ys[1], w}, by[] = {v, a, b, c};
  expect_jacobians(2, mixed, 4, by,
                   V(0, 0, 0, .5, -.75, 0, 3, 0, 0, 1, 0, 0, 0, 3, 0, 2, 0, 0, 0, 0, 3, 4, 0, 0));
  expect_jacobians(2, mixed, 2, &by[1], V(.5, -.75, 1, 0, 2, 0, 4, 0));
}
END_TEST

static void expect_gradient(dz_var y, int count, const dz_var *xs, const double *got) {
  ck_assert_int_eq(dz_backward(y), DZ_OK);
  for (int j = 0; j < count; j++) {
    const double want = dz_adjoint(xs[j]);
    ck_assert_msg(memcmp(&got[j], &want, sizeof want) == 0 || (isnan(got[j]) && isnan(want)),
                  "by leaf %d: %.17g, not %.17g", j, got[j], want);
  }
}

/* Rows that are swept together have the bits that each has alone, where a zero meets an infinite slope too.
 */
START_TEST(rows_are_gradients) {
  static const double hard[] = {0, -.0, -2, .5, 3, 1e300, 1e-310, NAN, INFINITY, -INFINITY};
  if (dz__ops[_i].arity > 2) return; /* no single numbers on the tape */
  for (size_t k = 0; k < COUNT(hard) * COUNT(hard); k++) {
    const dz_mark mark = dz_tape_mark(tape);
    const dz_var a = dz_input(tape, hard[k % COUNT(hard)]), b = dz_input(tape, hard[k / COUNT(hard)]);
    const dz_var xs[] = {a, b, dz_input(tape, 2), a};
    const dz_var z = call[_i]((dz_var[]){a, b}), inner = call[_i]((dz_var[]){dz_mul(a, 2), dz_div(b, a)});
    const dz_var more = call[_i]((dz_var[]){a, dz_num(3)}), less = call[_i]((dz_var[]){dz_num(3), b});
    const dz_var ys[] = {dz_mul(z, xs[2]), dz_sub(dz_mul(inner, -3), z),
                         dz_add(more, dz_is_number(less) ? b : dz_mul(less, a))};
    double got[12];
    ck_assert_int_eq(dz_jacobians(3, ys, 4, xs, got), DZ_OK);
    for (int i = 0; i < 3; i++) expect_gradient(ys[i], 4, xs, got + 4 * i);
    dz_tape_rewind(tape, mark);
  }
}
END_TEST

START_TEST(rows_of_floats) {
  dz_tape *single = dz_tape_new_single(NULL);
  const dz_var a = dz_input(single, 3), b = dz_input(single, 5), xs[] = {a, b, a}, y = dz_mul(a, b);
  double got[6];
  ck_assert_int_eq(dz_jacobians(2, ((dz_var[]){y, b}), 3, xs, got), DZ_OK);
  expect_numbers(got, V(5, 3, 5, 0, 1, 0), 6);
  dz_tape_free(single);
}
END_TEST

/* More nodes and leaves than at first there is room for; the second time as the first. */
START_TEST(rows_of_a_long_tape) {
  enum { LEAVES = 20000, ROWS = 5 };
  static dz_var x[LEAVES];
  static double got[ROWS * LEAVES];
  dz_var y[ROWS];
  for (int i = 0; i < LEAVES; i++) x[i] = dz_input(tape, i % 9);
  for (int k = 0; k < ROWS; k++) {
    y[k] = dz_mul(x[k], 2);
    for (int i = k; i < LEAVES; i += k + 1) y[k] = dz_add(y[k], dz_mul(x[i], i % 11));
  }
  for (int turn = 0; turn < 2; turn++) {
    ck_assert_int_eq(dz_jacobians(ROWS, y, LEAVES, x, got), DZ_OK);
    for (int k = 0; k < ROWS; k++)
      for (int i = 0; i < LEAVES; i++)
        ck_assert(got[k * LEAVES + i] == (i % (k + 1) == k ? i % 11 : 0) + (i == k ? 2 : 0));
  }
}
END_TEST

/* sum of 100 (x_(i+1) - x_i^2)^2 + (1 - x_i)^2 (Rosenbrock 1960) */
static dz_var rosenbrock(dz_var x) {
  dz_var a = dz_slice(x, 0, 0, -1, 1), b = dz_slice(x, 0, 1, INT64_MAX, 1);
  dz_var r = dz_sub(b, dz_mul(a, a)), s = dz_sub(1, a);
  return dz_sum(dz_add(dz_mul(100, dz_mul(r, r)), dz_mul(s, s)), DZ_ALL, false);
}

enum { N = 5 };
static const double point[N] = {-1, 2, 3, 0, 7};

/* Its second derivatives by hand. */
static void rosenbrock_hessian(double *h) {
  memset(h, 0, N * N * sizeof *h);
  for (int i = 0; i + 1 < N; i++) {
    h[i * N + i] += 1200 * point[i] * point[i] - 400 * point[i + 1] + 2;
    h[(i + 1) * N + i + 1] += 200;
    h[i * N + i + 1] = h[(i + 1) * N + i] = -400 * point[i];
  }
}

START_TEST(hessians) {
  double want[N * N], got[N * N];
  dz_var x = vector(N, point), y = rosenbrock(x);
  size_t nodes = dz_tape_size(tape);
  rosenbrock_hessian(want);
  ck_assert_int_eq(dz_hessian(y, x, got), DZ_OK);
  expect_numbers(got, want, N * N);
  ck_assert_uint_eq(dz_tape_size(tape), nodes);
  dz_var s = dz_input(tape, 3);
  ck_assert_int_eq(dz_hessian(dz_mul(s, dz_mul(s, s)), s, got), DZ_OK);
  ck_assert(got[0] == 18);
  ck_assert_int_eq(dz_hessian(dz_mul(s, 2), s, got), DZ_OK);
  ck_assert(got[0] == 0);
  ck_assert_int_eq(dz_hessian(y, s, got), DZ_OK);
  ck_assert(got[0] == 0);
  ck_assert_int_eq(dz_hessian(y, vector(0, NULL), got), DZ_OK);
  dz_var m = dz_leaf_tensor(tape, DZ_ROLE_PARAM, DIMS(2, 2), V(1, 2, 3, 4)); /* trace(m m) */
  dz_var p = dz_matmul(m, m), trace = dz_add(at(at(p, 0), 0), at(at(p, 1), 1));
  ck_assert_int_eq(dz_hessian(trace, m, got), DZ_OK);
  expect_numbers(got, V(2, 0, 0, 0, 0, 0, 2, 0, 0, 2, 0, 0, 0, 0, 0, 2), 16);
}
END_TEST

START_TEST(products) {
  double h[N * N], want[N], got[N];
  const double v[N] = {1, -2, 0, 3, 5};
  dz_var x = vector(N, point), y = rosenbrock(x);
  rosenbrock_hessian(h);
  for (int i = 0; i < N; i++) {
    want[i] = 0;
    for (int j = 0; j < N; j++) want[i] += h[i * N + j] * v[j];
  }
  size_t nodes = dz_tape_size(tape);
  ck_assert_int_eq(dz_hvp(y, 1, &x, v, got), DZ_OK);
  expect_numbers(got, want, N);
  ck_assert_uint_eq(dz_tape_size(tape), nodes);
  /* x^2 y z with x = 2, y = 3, z = (1, -1) of which the sum of z_i^2 counts: over several leaves at once */
  dz_var a = dz_input(tape, 2), b = dz_param(tape, 3), z = vector(2, V(1, -1)), leaves[] = {a, b, z};
  dz_var f = dz_mul(dz_mul(dz_mul(a, a), b), dz_sum(dz_mul(z, z), DZ_ALL, false));
  ck_assert_int_eq(dz_hvp(f, 3, leaves, V(1, 1, 1, 1), got), DZ_OK);
  /* rows: aa 12, ab 8, az (24, -24); bb 0, bz (8, -8); zz 24 */
  expect_numbers(got, V(12 + 8 + 24 - 24, 8 + 0 + 8 - 8, 24 + 8 + 24, -24 - 8 + 24), 4);
  ck_assert_int_eq(dz_hvp(f, 0, NULL, NULL, got), DZ_OK);
}
END_TEST

/* The graph that a product needs grows with the graph, not with the number of leaves. */
START_TEST(constant_cost) {
  enum { MANY = 20000 };
  double *v = calloc(MANY, sizeof *v), *got = calloc(MANY, sizeof *got);
  for (int i = 0; i < MANY; i++) v[i] = i % 7;
  dz_var x = vector(MANY, v), y = dz_sum(dz_mul(dz_mul(x, x), x), DZ_ALL, false);
  ck_assert_int_eq(dz_hvp(y, 1, &x, v, got), DZ_OK);
  for (int i = 0; i < MANY; i++) ck_assert(got[i] == 6 * v[i] * v[i]);
  free(v);
  free(got);
}
END_TEST

START_TEST(misuse) {
  double out[9];
  dz_var x = vector(3, V(1, 2, 3)), y = dz_sum(dz_mul(x, x), DZ_ALL, false), c = dz_const(tape, 1),
         nothing = {0};
  dz_var number = dz_num(1), inner = dz_mul(x, x);
#define REFUSED(status, call)                                                                                \
  do {                                                                                                       \
    ck_assert_int_eq(call, status);                                                                          \
    dz_tape_forgive(tape);                                                                                   \
  } while (0)
  REFUSED(DZ_ERR_HANDLE, dz_jacobian(nothing, x, out));
  REFUSED(DZ_ERR_HANDLE, dz_jacobian(number, x, out));
  REFUSED(DZ_ERR_HANDLE, dz_jacobian(y, nothing, out));
  REFUSED(DZ_ERR_ARGUMENT, dz_jacobian(y, number, out));
  REFUSED(DZ_ERR_ARGUMENT, dz_jacobian(y, c, out));
  REFUSED(DZ_ERR_ARGUMENT, dz_jacobian(y, x, NULL));
  REFUSED(DZ_ERR_HANDLE, dz_jacobians(1, &nothing, 1, &x, out));
  REFUSED(DZ_ERR_HANDLE, dz_jacobians(2, ((dz_var[]){y, number}), 1, &x, out));
  REFUSED(DZ_ERR_HANDLE, dz_jacobians(1, &y, 1, &nothing, out));
  REFUSED(DZ_ERR_ARGUMENT, dz_jacobians(1, &y, 1, &number, out));
  REFUSED(DZ_ERR_ARGUMENT, dz_jacobians(1, &y, 1, &c, out));
  REFUSED(DZ_ERR_ARGUMENT, dz_jacobians(1, &y, 1, &inner, out));
  REFUSED(DZ_ERR_ARGUMENT, dz_jacobians(1, &y, 1, NULL, out));
  REFUSED(DZ_ERR_ARGUMENT, dz_jacobians(1, &y, 1, &x, NULL));
  REFUSED(DZ_ERR_ARGUMENT, dz_jacobians(-1, &y, 1, &x, out));
  REFUSED(DZ_ERR_SHAPE, dz_hessian(inner, x, out));
  REFUSED(DZ_ERR_ARGUMENT, dz_hessian(y, inner, out));
  REFUSED(DZ_ERR_ARGUMENT, dz_hessian(y, x, NULL));
  REFUSED(DZ_ERR_HANDLE, dz_hessian(y, nothing, out));
  REFUSED(DZ_ERR_HANDLE, dz_hessian(number, x, out));
  REFUSED(DZ_ERR_SHAPE, dz_hvp(inner, 1, &x, out, out));
  REFUSED(DZ_ERR_ARGUMENT, dz_hvp(y, 1, &c, out, out));
  REFUSED(DZ_ERR_ARGUMENT, dz_hvp(y, 1, &x, NULL, out));
  REFUSED(DZ_ERR_ARGUMENT, dz_hvp(y, -1, &x, out, out));
  REFUSED(DZ_ERR_HANDLE, dz_hvp(nothing, 1, &x, out, out));
#undef REFUSED
  for (int k = 0; k < 2; k++) { /* the error names what was called */
    ck_assert_int_eq(dz_hvp(y, 1, &x, k ? out : NULL, k ? NULL : out), DZ_ERR_ARGUMENT);
    ck_assert_str_eq(dz_tape_error(tape)->op, "hvp");
    dz_tape_forgive(tape);
  }
  dz_tape *other = dz_tape_new(NULL);
  ck_assert_int_eq(dz_jacobian(y, dz_input(other, 1), out), DZ_ERR_HANDLE);
  dz_tape_free(other);
}
END_TEST

static dz_status all_of_them(dz_tape *t, const dz_allocator *a, int kind) {
  (void)a, (void)kind;
  double out[N * N], v[N] = {1};
  dz_var x = dz_leaf_tensor(t, DZ_ROLE_INPUT, DIMS(N), point), y = dz_valid(x) ? rosenbrock(x) : x;
  dz_status status = dz_valid(y) ? DZ_OK : dz_tape_error(t)->status;
  if (!status) status = dz_jacobian(dz_mul(x, y), x, out);
  if (!status) status = dz_jacobian(dz_slice(x, 0, 0, 2, 1), x, out);
  if (!status) status = dz_hessian(y, x, out);
  return status ? status : dz_hvp(y, 1, &x, v, out);
}

static dz_status rows_together(dz_tape *t, const dz_allocator *a, int kind) {
  (void)kind;
  double out[6];
  const dz_var x[] = {dz_input(t, 2), dz_input(t, 3), dz_input(t, 4)};
  const dz_var y[] = {dz_mul(x[0], x[1]), dz_sqrt(dz_mul(x[2], 4))};
  if (dz_tape_error(t)->status) return dz_tape_error(t)->status;
  const dz_status status = dz_jacobians(2, y, 3, x, out);
  if (status) { /* the next time is the first */
    ((failing *)a->user)->at = 0;
    dz_tape_forgive(t);
    ck_assert_int_eq(dz_jacobians(2, y, 3, x, out), DZ_OK);
  }
  expect_numbers(out, V(3, 2, 0, 0, 0, .5), 6);
  return status;
}

START_TEST(every_allocation_may_fail) {
  fail_each_allocation(all_of_them, 0);
  fail_each_allocation(rows_together, 0);
}
END_TEST

SUITE_ON_TAPE(ONCE(both_sides), ONCE(structural_zeros), ONCE(several_outputs),
              EACH(rows_are_gradients, COUNT(call)), ONCE(rows_of_floats), ONCE(rows_of_a_long_tape),
              ONCE(hessians), ONCE(products), ONCE(constant_cost), ONCE(misuse),
              ONCE(every_allocation_may_fail))
