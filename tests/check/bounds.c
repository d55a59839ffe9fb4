/* What is checked at all, and with which seeds: results of the most elements, points without numbers, rules
   whose errors cancel under a seed of ones. */
#include "outcome.h"

#include "dz/userop.h"
#include "suite.h"

/* ---- what a definition looks at ---- */

/* So many elements of x each, in one row or many. */
typedef struct copies {
  int rank;
  size_t dims[DZ_MAX_RANK];
} copies;

static bool copies_shape(void *user, const dz_op_array *x, int *rank, size_t *dims) {
  const copies *c = user;
  *rank = c->rank;
  memcpy(dims, c->dims, sizeof c->dims);
  return x->rank == 0;
}
static void copies_value(void *user, const dz_op_array *x, size_t size, double *z) {
  (void)user;
  for (size_t j = 0; j < size; j++) z[j] = x->data[0];
}
/* Wrong by a sign, which is told where anything is looked at. */
static void copies_vjp(void *user, const dz_op_array *x, size_t size, const double *z, const double *g,
                       double *const *ga) {
  (void)user, (void)x, (void)z;
  for (size_t j = 0; ga[0] && j < size; j++) ga[0][0] -= g[j];
}

START_TEST(results_of_the_most_elements) {
  static const struct {
    copies c;
    bool checked;
  } of[] = {{{1, {4096}}, true},     {{1, {4097}}, false},      {{2, {4096, 1}}, true},
            {{2, {4096, 2}}, false}, {{2, {64, 64}}, true},     {{2, {65, 64}}, false},
            {{2, {2, 4096}}, false}, {{3, {16, 16, 16}}, true}, {{3, {16, 16, 17}}, false},
            {{2, {0, 4096}}, false}};
  for (size_t k = 0; k < COUNT(of); k++) {
    copies c = of[k].c;
    dz_error e;
    dz_tape *t = dz_tape_new(NULL);
    const dz_op_calls calls = {
        .arity = 1, .shape = copies_shape, .value = copies_value, .vjp = copies_vjp, .user = &c};
    const dz_status status = dz_op_define_c(t, "copies", &calls, &e);
    ck_assert_msg(status == (of[k].checked ? DZ_ERR_ARGUMENT : DZ_OK), "%zu: %d", k, status);
    ck_assert_uint_eq(dz_note_count(t), !of[k].checked);
    dz_tape_free(t);
  }
}
END_TEST

/* The place is that of the operands there are. */
START_TEST(a_wrong_partial_is_told_with_its_place) {
  static const char *const value[] = {"x*x*x", "x*y", "x*y*w"};
  static const char *const partials[][3] = {{"3*x"}, {"2*y", "x"}, {"2*y*w", "x*w", "x*y"}};
  for (int arity = 1; arity <= 3; arity++) {
    dz_error e;
    dz_tape *t = dz_tape_new(NULL);
    ck_assert_int_eq(dz_op_define(t, "f", arity, value[arity - 1], partials[arity - 1], &e), DZ_ERR_ARGUMENT);
    ck_assert_msg(strstr(e.message, "at x = ") != NULL, "%s", e.message);
    ck_assert_int_eq(strstr(e.message, ", y = ") != NULL, arity > 1);
    ck_assert_int_eq(strstr(e.message, ", w = ") != NULL, arity > 2);
    dz_tape_free(t);
  }
}
END_TEST

/* Operands that are not there are none. */
START_TEST(operands_that_came) {
  dz_error e;
  dz_tape *t = dz_tape_new(NULL);
  ck_assert_int_eq(dz_op_define(t, "f", 2, "x*y", NULL, &e), DZ_OK);
  for (int came = 0; came < 2; came++) {
    const dz_var x = dz_input(t, 1);
    ck_assert(!dz_valid((dz_apply)(t, "f", came ? 1 : 2, came ? &x : NULL)));
    ck_assert_str_eq(dz_tape_error(t)->message,
                     came ? "f has 2 operands, 1 came" : "f has 2 operands, 0 came");
    dz_tape_forgive(t);
  }
  dz_tape_free(t);
}
END_TEST

/* ---- points ---- */

static dz_var square_of_both(dz_tape *t, const dz_var *v, void *user) {
  (void)t, (void)user;
  return dz_add(dz_mul(v[0], v[0]), dz_sum(dz_mul(v[1], v[1]), 0, false));
}

/* A point without numbers is 0, a scalar as a tensor: there a square has no slope. */
START_TEST(points_without_numbers) {
  const size_t three = 3;
  const dz_check_point p[] = {{.role = DZ_ROLE_INPUT}, {.role = DZ_ROLE_INPUT, .rank = 1, .dims = &three}};
  const outcome o = check_all(square_of_both, NULL, 2, p);
  ck_assert_int_eq(o.status, DZ_OK);
  ck_assert_uint_eq(o.report.agreed, 4);
  for (size_t k = 0; k < 4; k++)
    ck_assert(o.rows.row[k].analytic == 0 && fabs(o.rows.row[k].numeric) <= 0x1p-20);
}
END_TEST

static dz_var square(dz_tape *t, const dz_var *v, void *user) {
  (void)t, (void)user;
  return dz_mul(v[0], v[0]);
}

/* How far the two sweeps may be apart at x^2: each of two uses of x has eight roundings of 3, and the sum of
   two adjoints is one of each more; the product with the direction has three of 6. So many of |v| units, and
   a 64th for what is of second order. */
START_TEST(the_bound_of_a_square) {
  const double x = 3;
  const outcome o = check_at(square, NULL, x);
  const double v = fabs(o.report.dot.forward) / 6, units = 2 * 3 * 8 + 2 * 6 + 3 * 6;
  ck_assert_double_ge(o.report.dot.bound, units * v * 0x1p-53);
  ck_assert_double_le(o.report.dot.bound, units * v * 0x1p-53 * (1 + 0x1p-5));
}
END_TEST

static dz_var one_of_three(dz_tape *t, const dz_var *v, void *user) {
  (void)user;
  dz_op_define(t, "square", 1, "x^2", NULL, NULL); /* refused when it is there already */
  return dz_at(dz_apply(t, "square", 1, v), 0, 1);
}

/* Of an operation of one's own only the element that is asked for counts: the bound is there, and not larger
   than for three. */
START_TEST(the_bound_of_one_element) {
  static const double x[] = {0x1p500, 3, 0x1p500};
  const size_t three = 3;
  const dz_check_point p = {.role = DZ_ROLE_INPUT, .rank = 1, .dims = &three, .values = x};
  const outcome o = check_all(one_of_three, NULL, 1, &p);
  ck_assert_int_eq(o.report.dot.verdict, DZ_VERDICT_AGREES);
  ck_assert_uint_eq(o.report.agreed, o.report.checked);
  const double v = fabs(o.report.dot.forward) / 6;
  ck_assert(v >= 3 && v < 6); /* a direction moves each by one to two times its size */
  ck_assert_double_ge(o.report.dot.bound, 2 * 3 * 8 * v * 0x1p-53);
  ck_assert_double_le(o.report.dot.bound, 1000 * 6 * v * 0x1p-53);
}
END_TEST

/* ---- seeds ---- */

static void twice(void *user, const dz_op_array *x, size_t size, double *z) {
  (void)user;
  for (size_t i = 0; i < size; i++) z[i] = 2 * x->data[i];
}
/* Right where all of g are the same; when not `mean`, always. */
static void twice_back(void *user, const dz_op_array *x, size_t size, const double *z, const double *g,
                       double *const *ga) {
  double mean = 0;
  (void)x, (void)z;
  for (size_t i = 0; i < size; i++) mean += g[i] / (double)size;
  for (size_t i = 0; ga[0] && i < size; i++) ga[0][i] += 2 * (*(const bool *)user ? mean : g[i]);
}

static dz_var weighed_twice(dz_tape *t, const dz_var *v, void *user) {
  const dz_op_calls calls = {.arity = 1, .value = twice, .vjp = twice_back, .user = user};
  const bool wrong = *(bool *)user;
  *(bool *)user = false;                    /* a wrong one would be refused here */
  dz_op_define_c(t, "twice", &calls, NULL); /* refused when it is there already */
  *(bool *)user = wrong;
  const dz_var s = dz_sin(v[0]);
  return dz_sum(dz_mul(dz_exp(v[0]), dz_apply(t, "twice", 1, &s)), DZ_ALL, false);
}

/* The operation alone is looked at with a seed of several signs: errors that cancel in a sum show. */
START_TEST(errors_that_cancel) {
  static const double at[] = {.3, -.7, 1.2, .9, -1.5};
  const size_t five = 5;
  const dz_check_point p = {.role = DZ_ROLE_INPUT, .rank = 1, .dims = &five, .values = at};
  bool mean = false;
  outcome o = check_all(weighed_twice, &mean, 1, &p);
  ck_assert_uint_eq(o.report.agreed, 5);
  mean = true;
  o = check_all(weighed_twice, &mean, 1, &p);
  ck_assert_uint_gt(o.report.wrong, 0);
  expect_blame(&o, DZ_FAULT_PARTIAL, "twice");
}
END_TEST

SUITE(ONCE(results_of_the_most_elements), ONCE(a_wrong_partial_is_told_with_its_place),
      ONCE(operands_that_came), ONCE(points_without_numbers), ONCE(the_bound_of_a_square),
      ONCE(the_bound_of_one_element), ONCE(errors_that_cancel))
