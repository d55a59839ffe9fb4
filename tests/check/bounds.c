/* What is checked at all, and with which seeds: results of the most elements, points without numbers, rules
   whose errors cancel under a seed of ones. */
#include "handed.h"
#include "outcome.h"

#include "dz/derive.h"
#include "dz/userop.h"
#include "suite.h"

/* ---- long sums ---- */

enum { CHOICES = 64 };

/* Of 64 numbers the first is chosen 64 times 64 times: 1 and 4095 times half a unit in its last place flow to
   it, of which one after another adds nothing. Or what is chosen is twice the number's square, whose gradient
   is recorded. */
static dz_var chosen(dz_tape *t, const dz_var *v, void *user) {
  const size_t dims[] = {CHOICES, CHOICES};
  static double zeros[CHOICES * CHOICES], weights[CHOICES * CHOICES];
  for (int i = 0; i < CHOICES * CHOICES; i++) weights[i] = i ? 0x1p-53 : 1;
  const dz_var at = dz_leaf_tensor(t, DZ_ROLE_CONST, 2, dims, zeros),
               w = dz_leaf_tensor(t, DZ_ROLE_CONST, 2, dims, weights),
               terms = dz_mul(dz_gather(user ? dz_mul(v[0], v[0]) : v[0], at, 0), w);
  const dz_var y = dz_sum(dz_sum(terms, 1, false), 0, false);
  dz_var g;
  return user ? dz_grad(y, 1, v, &g) ? dz_num(0) : dz_sum(g, 0, false) : y;
}

/* Forward and reverse add in other orders: what rounding alone makes of that is no mistake. */
static void expect_rounding_only(const outcome *o) {
  ck_assert_msg(o->status == DZ_OK, "%s", o->error.message);
  ck_assert_uint_eq(o->report.forward_wrong, 0);
  ck_assert_int_ne(o->report.dot.verdict, DZ_VERDICT_WRONG);
}

START_TEST(many_that_go_to_one) {
  static const size_t n = CHOICES;
  double at[CHOICES];
  int second = _i;
  for (int i = 0; i < CHOICES; i++) at[i] = i + 1;
  const dz_check_point p = {.role = DZ_ROLE_INPUT, .rank = 1, .dims = &n, .values = at};
  const outcome o = check_all(chosen, second ? &second : NULL, 1, &p);
  expect_rounding_only(&o);
}
END_TEST

/* Products over and over with the same operand: rows of 1 and very small numbers. */
static dz_var products(dz_tape *t, const dz_var *v, void *user) {
  static const size_t dims[] = {CHOICES, CHOICES, CHOICES};
  static double numbers[CHOICES * CHOICES * CHOICES];
  for (int i = 0; i < CHOICES * CHOICES * CHOICES; i++) numbers[i] = i ? 0x1p-53 : 1;
  const int kind = *(int *)user;
  const dz_var a = dz_leaf_tensor(t, DZ_ROLE_CONST, 3, dims, numbers);
  const dz_var y = kind == 1 ? dz_matmul(v[0], a) : dz_matmul(a, v[0]);
  return dz_sum(dz_sum(kind ? y : dz_sum(y, 2, false), 1, false), 0, false);
}

START_TEST(products_with_one) {
  static const size_t dims[] = {CHOICES, 1};
  double at[CHOICES];
  int kind = _i;
  for (int i = 0; i < CHOICES; i++) at[i] = i + 1;
  const dz_check_point p = {.role = DZ_ROLE_INPUT, .rank = _i ? 1 : 2, .dims = dims, .values = at};
  const outcome o = check_all(products, &kind, 1, &p);
  expect_rounding_only(&o);
}
END_TEST

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

/* Each partial is looked at, not only the first. */
START_TEST(each_partial_may_be_wrong) {
  static const char *const right[] = {"y*w", "x*w", "x*y"}, *const wrong[] = {"2*y*w", "2*x*w", "2*x*y"};
  for (int k = 0; k < 3; k++) {
    dz_error e;
    dz_tape *t = dz_tape_new(NULL);
    const char *partials[] = {right[0], right[1], right[2]};
    partials[k] = wrong[k];
    ck_assert_int_eq(dz_op_define(t, "f", 3, "x*y*w", partials, &e), DZ_ERR_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(e.message, wrong[k]));
    ck_assert_int_eq(dz_op_define(t, "g", 3, "x*y*w", right, &e), DZ_OK);
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

/* A x = w where A = [[e, 1/4], [1, e]] and x = (1, 0), and g x of it, whose adjoint u solves A'u = g:
   (0, 1). As e goes to 0, all that moves is the element of A in row 1 and column 0, and that of x which is
   1, by |g x'| both. Then the same of A', where x = (0, 1) and u = (1, 0), and of A with a second right-
   hand side of 0. Of two equations each element has 8 + 8*2 roundings: of A |u| |x|, of x |g| and |A|^T
   |u|; the product with g has 8 + 4*2, the sum of n elements 8 + 4 n in each of two ways; each use has one
   more for its adjoint, and the product with the direction of six elements has 6 + 2. */
START_TEST(the_bound_of_a_system) {
  static const double A[] = {1e-9, .25, 1, 1e-9}, b[] = {1, 1};
  static const size_t two_two[] = {2, 2};
  static const char *const texts[] = {"sum(solve(A, [1e-9, 1])*[1, 1e-9])",
                                      "sum(d(sum(solve(A, b)*[1, 1e-9]), b)*[1e-9, 1])",
                                      "sum(solve(A, [[0, 1e-9], [0, 1]])*[[0, 1], [0, 1e-9]])"};
  const double in_sum = 8 + 4 * (_i == 2 ? 4 : 2);
  const dz_check_point p[] = {{.name = "A", .role = DZ_ROLE_INPUT, .rank = 2, .dims = two_two, .values = A},
                              {.name = "b", .role = DZ_ROLE_INPUT, .rank = 1, .dims = two_two, .values = b}};
  char text[80];
  strcpy(text, texts[_i]);
  const outcome o = check_all(by_text, text, 2, p);
  ck_assert_int_eq(o.report.dot.verdict, DZ_VERDICT_AGREES);
  const double v = fabs(o.report.dot.forward), units = (24 + (24 * 2 + 16) + 2 * in_sum) * 9. / 8 + 6 + 2;
  ck_assert(v >= 1 && v < 2); /* a direction moves each by one to two times its size */
  ck_assert_double_ge(o.report.dot.bound, units * v * 0x1p-53);
  ck_assert_double_le(o.report.dot.bound, units * v * 0x1p-53 * (1 + 0x1p-5));
}
END_TEST

/* Twice two elements of which one counts: four are joined and multiplied by 1, in 8 + 4*4 roundings each, and
   summed in as many in each of two ways, as they are joined; the two uses of u make two more, other uses one.
 */
START_TEST(the_bound_of_a_join) {
  static const double u[] = {3, 5};
  const size_t two = 2;
  const dz_check_point p = {.name = "u", .role = DZ_ROLE_INPUT, .rank = 1, .dims = &two, .values = u};
  char text[] = "sum(concat(u, u)*[1, 0, 0, 0])";
  const outcome o = check_all(by_text, text, 1, &p);
  const double v = fabs(o.report.dot.forward), units = 24 * (2 * 10. / 8 + 9. / 8 + 2 * 9. / 8) + 2 + 2;
  ck_assert(v >= 3 && v < 6);
  ck_assert_double_ge(o.report.dot.bound, units * v * 0x1p-53);
  ck_assert_double_le(o.report.dot.bound, units * v * 0x1p-53 * (1 + 0x1p-5));
}
END_TEST

/* Where all move, an element of 0 does by one to two times the largest of its leaf, however small that is. */
START_TEST(zeros_move_with_the_others) {
  static const double x[] = {0x1p-60, 0};
  const size_t two = 2;
  const dz_check_point p = {.name = "u", .role = DZ_ROLE_INPUT, .rank = 1, .dims = &two, .values = x};
  char text[] = "u[1]";
  const outcome o = check_all(by_text, text, 1, &p);
  ck_assert_int_eq(o.report.dot.verdict, DZ_VERDICT_AGREES);
  ck_assert(fabs(o.report.dot.forward) >= 0x1p-60 && fabs(o.report.dot.forward) < 0x1p-59);
}
END_TEST

/* What is not finite does not move with them, whatever its slope. */
START_TEST(infinities_stay) {
  static const double x[] = {INFINITY, 4};
  const size_t two = 2;
  const dz_check_point p = {.name = "u", .role = DZ_ROLE_INPUT, .rank = 1, .dims = &two, .values = x};
  char finite[] = "u[1] + 1024*u[0]", infinite[] = "u[1] + u[0]*u[0]";
  outcome o = check_all(by_text, finite, 1, &p);
  ck_assert_int_eq(o.report.dot.verdict, DZ_VERDICT_AGREES);
  ck_assert(fabs(o.report.dot.forward) >= 4 && fabs(o.report.dot.forward) < 8);
  o = check_all(by_text, infinite, 1, &p);
  ck_assert_int_eq(o.report.dot.verdict, DZ_VERDICT_NOT_FINITE);
  ck_assert(fabs(o.report.dot.reverse) >= 4 && fabs(o.report.dot.reverse) < 8);
}
END_TEST

/* ---- seeds ---- */

/* Right where all of g are the same; when not `mean`, always. */
static void mean_back(void *user, const dz_op_array *x, size_t size, const double *z, const double *g,
                      double *const *ga) {
  double mean = 0;
  (void)x, (void)z;
  for (size_t i = 0; i < size; i++) mean += g[i] / (double)size;
  for (size_t i = 0; ga[0] && i < size; i++) ga[0][i] += 2 * (*(const bool *)user ? mean : g[i]);
}

static dz_var weighed_twice(dz_tape *t, const dz_var *v, void *user) {
  const dz_op_calls calls = {.arity = 1, .value = twice, .vjp = mean_back, .user = user};
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

SUITE(EACH(many_that_go_to_one, 2), EACH(products_with_one, 3), ONCE(results_of_the_most_elements),
      ONCE(a_wrong_partial_is_told_with_its_place), ONCE(each_partial_may_be_wrong), ONCE(operands_that_came),
      ONCE(points_without_numbers), ONCE(the_bound_of_a_square), ONCE(the_bound_of_one_element),
      EACH(the_bound_of_a_system, 3), ONCE(the_bound_of_a_join), ONCE(zeros_move_with_the_others),
      ONCE(infinities_stay), ONCE(errors_that_cancel))
