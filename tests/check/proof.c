/* The tests of a whole gradient: Taylor, dot product, forward sweep. Orders are told by theory: they lie
   within a quarter of a whole number, since they are fitted at steps where the next term is still a
   hundredth. */
#include "handed.h"
#include "outcome.h"

#include "dz/userop.h"
#include "suite.h"

#include <stdint.h>
#include <string.h>

#define MODEL(name, expression)                                                                              \
  static dz_var name(dz_tape *t, const dz_var *v, void *user) {                                              \
    (void)t, (void)user;                                                                                     \
    dz_var x = v[0];                                                                                         \
    return expression;                                                                                       \
  }

MODEL(square, dz_mul(x, x))
MODEL(cube, dz_mul(x, dz_mul(x, x)))
MODEL(wave, dz_mul(dz_exp(x), dz_sin(x)))
MODEL(fast, dz_sin(dz_mul(0x1p20, x)))
MODEL(line, dz_sub(dz_mul(3, x), 7))
MODEL(offset, dz_add(1e6, dz_exp(x)))
MODEL(root, dz_sqrt(x))
MODEL(half_stopped, dz_mul(x, dz_stop(x)))
MODEL(all_stopped, dz_exp(dz_stop(x)))
MODEL(corner, dz_fabs(x))
MODEL(half_line, dz_relu(dz_mul(-2, x)))
MODEL(jump, dz_floor(x))
MODEL(near_corner, dz_fabs(dz_sub(x, 0x1p-30)))
MODEL(bent, dz_add(dz_exp(x), dz_mul(1e-3, dz_fabs(x))))

static const struct {
  const char *name;
  dz_model *model;
  double x, odd, even; /* the orders of the two parts; NaN: nothing to see */
  dz_verdict verdict;
} cases[] = {
    {"square", square, 3, NAN, 2, DZ_VERDICT_AGREES},
    {"cube", cube, 0, 3, NAN, DZ_VERDICT_AGREES},
    {"cube", cube, 2, 3, 2, DZ_VERDICT_AGREES},
    {"wave", wave, 1, 3, 2, DZ_VERDICT_AGREES},
    {"wave", wave, -3.5, 3, 2, DZ_VERDICT_AGREES},
    {"fast", fast, .3, 3, 2, DZ_VERDICT_AGREES},
    {"line", line, 2.5, NAN, NAN, DZ_VERDICT_AGREES},
    {"line", line, 0, NAN, NAN, DZ_VERDICT_AGREES},
    {"offset", offset, 1, 3, 2, DZ_VERDICT_AGREES},
    {"root", root, 4, 3, 2, DZ_VERDICT_AGREES},
    {"root", root, 1e-300, 3, 2, DZ_VERDICT_AGREES},
    {"half_stopped", half_stopped, 3, 1, 2, DZ_VERDICT_WRONG},
    {"half_stopped", half_stopped, -1e100, 1, 2, DZ_VERDICT_WRONG},
    {"all_stopped", all_stopped, 1, 1, 2, DZ_VERDICT_WRONG},
    {"corner", corner, 0, NAN, 1, DZ_VERDICT_KINK},
    {"half_line", half_line, 0, 1, 1, DZ_VERDICT_KINK},
    {"bent", bent, 0, 3, 1, DZ_VERDICT_KINK},
    {"jump", jump, 2, 0, 0, DZ_VERDICT_KINK},
    {"jump", jump, 2.1, NAN, NAN, DZ_VERDICT_AGREES},
    {"near_corner", near_corner, 0, NAN, NAN, DZ_VERDICT_AGREES},
    {"near_corner", near_corner, 1, NAN, NAN, DZ_VERDICT_AGREES},
};
enum { CASES = sizeof cases / sizeof *cases };

static bool near(double order, double want) { return isnan(want) ? isnan(order) : fabs(order - want) < .25; }

START_TEST(remainders_shrink_as_theory_says) {
  outcome o = check_at(cases[_i].model, NULL, cases[_i].x);
  const dz_check_taylor *r = &o.report.taylor;
  if (r->verdict != cases[_i].verdict || !near(r->odd, cases[_i].odd) || !near(r->even, cases[_i].even))
    ck_abort_msg("%s at %g: verdict %d, orders %g, odd %g, even %g", cases[_i].name, cases[_i].x,
                 (int)r->verdict, r->order, r->odd, r->even);
  double least = fmin(cases[_i].odd, cases[_i].even);
  if (!isnan(least)) ck_assert(near(r->order, least));
}
END_TEST

START_TEST(what_is_not_finite_has_no_order) {
  outcome o = check_at(root, NULL, 0);
  ck_assert_int_eq(o.report.taylor.verdict, DZ_VERDICT_NOT_FINITE);
  ck_assert_int_eq(o.report.dot.verdict, DZ_VERDICT_NOT_FINITE);
}
END_TEST

/* Infinite as soon as x moves a little, or a lot. */
static dz_var pierced(dz_tape *t, const dz_var *v, void *user) {
  (void)t, (void)user;
  const double d = fabs(dz_value(v[0]) - 1);
  return dz_add(dz_exp(v[0]), d > 0 && d < 1e-4 ? INFINITY : 0);
}
MODEL(steep, dz_exp(dz_mul(0x1p17, x)))
MODEL(spiked, dz_sqrt(dz_fabs(x)))

START_TEST(what_is_infinite_nearby) {
  outcome o = check_at(pierced, NULL, 1);
  ck_assert_int_eq(o.report.taylor.verdict, DZ_VERDICT_AGREES);
  ck_assert(near(o.report.taylor.odd, 3) && near(o.report.taylor.even, 2));
  o = check_at(steep, NULL, 0);
  ck_assert_int_eq(o.report.taylor.verdict, DZ_VERDICT_AGREES);
}
END_TEST

/* The gradient is not finite, the function is. */
static void unit_value(void *user, const dz_op_array *x, size_t size, double *z) {
  (void)user;
  for (size_t i = 0; i < size; i++) z[i] = x[0].data[i] * x[0].data[i];
}
static void unit_vjp(void *user, const dz_op_array *x, size_t size, const double *z, const double *g,
                     double *const *ga) {
  (void)user, (void)z;
  for (size_t i = 0; i < size; i++) ga[0][i] += (x[0].data[i] == 1 ? INFINITY : 2 * x[0].data[i]) * g[i];
}
static dz_var infinite_slope(dz_tape *t, const dz_var *v, void *user) {
  (void)user;
  const dz_op_calls calls = {.arity = 1, .value = unit_value, .vjp = unit_vjp};
  dz_op_define_c(t, "unit", &calls, NULL); /* refused when it is there already */
  return dz_apply(t, "unit", 1, v);
}

START_TEST(an_infinite_gradient_has_no_order) {
  outcome o = check_at(infinite_slope, NULL, 1);
  ck_assert_int_eq(o.report.taylor.verdict, DZ_VERDICT_NOT_FINITE);
  expect_verdict(&o, DZ_VERDICT_WRONG, "an infinite slope"); /* 2, clearly */
  o = check_at(spiked, NULL, 0);
  ck_assert_int_eq(o.report.taylor.verdict, DZ_VERDICT_KINK);
}
END_TEST

static dz_var noisy(dz_tape *t, const dz_var *v, void *user) {
  (void)t;
  return dz_add(dz_mul(3, v[0]), *(const double *)user * hash(dz_value(v[0])));
}

/* Of a straight line with noise nothing stands clear: loud noise leaves the slope open, faint noise does not.
 */
START_TEST(noise_is_not_called_wrong) {
  double loud = .1, faint = 1e-11;
  for (int k = 0; k < 50; k++) {
    double x = 1 + k / 64.;
    outcome o = check_at(noisy, &loud, x), q = check_at(noisy, &faint, x);
    ck_assert_int_eq(o.report.taylor.verdict, DZ_VERDICT_NOISY);
    ck_assert_int_eq(q.report.taylor.verdict, DZ_VERDICT_AGREES);
  }
}
END_TEST

/* So faint that the slope is known to a thousandth by the longest step, 2^-4 x and more, though not the value
   to a millionth. */
START_TEST(noise_beside_the_longest_step) {
  double between = 1e-5;
  for (int k = 0; k < 50; k++) {
    outcome o = check_at(noisy, &between, 1 + k / 64.);
    ck_assert_int_eq(o.report.taylor.verdict, DZ_VERDICT_AGREES);
  }
}
END_TEST

/* A slope that is small beside x and v is not known any better for that. */
static dz_var noisy_and_flat(dz_tape *t, const dz_var *v, void *user) {
  (void)t, (void)user;
  return dz_add(dz_mul(1e-6, v[0]), 1e-9 * hash(dz_value(v[0])));
}

START_TEST(noise_beside_a_small_slope) {
  for (int k = 0; k < 50; k++) {
    outcome o = check_at(noisy_and_flat, NULL, 1 + k / 64.);
    ck_assert_int_eq(o.report.taylor.verdict, DZ_VERDICT_NOISY);
  }
}
END_TEST

/* ---- the two sweeps ---- */

START_TEST(the_dot_product_is_that_of_slopes_by_hand) {
  double x = 3;
  outcome o = check_at(square, NULL, x);
  const dz_check_dot *d = &o.report.dot;
  double v = d->forward / 6; /* the direction's one component: from 3 to 6, of either sign */
  ck_assert(fabs(v) >= 3 && fabs(v) < 6);
  ck_assert_double_le(fabs(d->forward - d->reverse), d->bound);
  ck_assert_double_gt(d->bound, 0);
  ck_assert_double_le(d->bound, 64 * 0x1p-53 * fabs(d->forward)); /* two uses of some ten operations */
  ck_assert_double_eq(o.rows.row[0].forward, 6);
  ck_assert_uint_eq(o.report.forward_agreed, 1);
}
END_TEST

static double uniform(uint64_t *state) {
  *state = *state * 6364136223846793005u + 1442695040888963407u;
  return (double)(*state >> 11) * 0x1p-52 - 1;
}

/* Reductions, products, shapes, joins, broadcasting, and sums that cancel. */
static dz_var medley(dz_tape *t, const dz_var *v, void *user) {
  static const size_t flat[] = {6};
  (void)t, (void)user;
  dz_var w = v[0], h = dz_tanh(dz_add(dz_matmul(v[2], w), v[1]));
  dz_var p = dz_prod(dz_add(h, 2), 1, false), n = dz_norm(w, 0, true), r = dz_reshape(w, 1, flat);
  dz_var parts[] = {dz_cumsum(r, 0), dz_cumprod(r, 0)};
  dz_var c = dz_concat(2, parts, 0), s = dz_slice(c, 0, 11, 0, -2);
  dz_var e = dz_logsumexp(dz_mul(h, n), DZ_ALL, false), m = dz_max(dz_transpose(h), DZ_ALL, false);
  dz_var sum = dz_add(dz_add(dz_sum(p, DZ_ALL, false), dz_sum(dz_mul(s, s), DZ_ALL, false)), dz_add(e, m));
  dz_var big = dz_mul(1e8, dz_sum(w, DZ_ALL, false));
  return dz_add(dz_sub(dz_add(sum, big), big), dz_where(dz_gt(dz_at(r, 0, 0), 0), dz_at(r, 0, 1), m));
}

/* Rounding alone never parts the sweeps by more than the bound, and the bound stays small beside what flows.
 */
START_TEST(the_bound_holds) {
  uint64_t state = 3;
  for (int k = 0; k < 200; k++) {
    double w[6], b[3], x[8];
    for (int i = 0; i < 6; i++) w[i] = uniform(&state);
    for (int i = 0; i < 3; i++) b[i] = uniform(&state);
    for (int i = 0; i < 8; i++) x[i] = ldexp(uniform(&state), i % 5 - 2);
    dz_check_point p[3];
    memcpy(p, layer_points, sizeof p);
    p[0].values = w, p[1].values = b, p[2].values = x;
    outcome o = check_all(medley, NULL, 3, p);
    ck_assert_int_eq(o.status, DZ_OK);
    if (o.report.forward_agreed != 9 || o.report.dot.verdict != DZ_VERDICT_AGREES)
      ck_abort_msg("trial %d: %zu rows, apart %g of %g", k, o.report.forward_agreed,
                   fabs(o.report.dot.forward - o.report.dot.reverse), o.report.dot.bound);
    ck_assert_double_le(o.report.dot.bound, 0x1p-53 * 1e4 * 1e8 * 12 * 2);
  }
}
END_TEST

/* Of linear systems too, however ill-conditioned: then the solutions are rough, but each satisfies its
 * equations.
 */
static dz_var systems(dz_tape *t, const dz_var *v, void *user) {
  (void)t, (void)user;
  dz_var x = dz_solve(v[0], dz_sin(v[1])), z = dz_solve(dz_transpose(v[0]), dz_at(x, 1, 0));
  return dz_add(dz_sum(dz_mul(x, x), DZ_ALL, false), dz_at(z, 0, 1));
}

START_TEST(the_bound_holds_of_systems) {
  static const size_t square_dims[] = {3, 3}, wide[] = {3, 2};
  uint64_t state = 5;
  for (int k = 0; k < 100; k++) {
    double a[9], b[6];
    for (int i = 0; i < 9; i++) a[i] = uniform(&state);
    for (int i = 0; i < 6; i++) b[i] = uniform(&state);
    for (int i = 0; i < 3 && k % 2; i++) a[6 + i] = a[i] - a[3 + i] + ldexp(uniform(&state), -k / 3);
    dz_check_point p[] = {{.role = DZ_ROLE_INPUT, .rank = 2, .dims = square_dims, .values = a},
                          {.role = DZ_ROLE_INPUT, .rank = 2, .dims = wide, .values = b}};
    outcome o = check_all(systems, NULL, 2, p);
    ck_assert_int_eq(o.status, DZ_OK);
    const dz_check_dot *d = &o.report.dot;
    if (o.report.forward_agreed != 15 || d->verdict != DZ_VERDICT_AGREES)
      ck_abort_msg("trial %d: %zu rows, apart %g of %g", k, o.report.forward_agreed,
                   fabs(d->forward - d->reverse), d->bound);
    if (k % 2 == 0) ck_assert_double_le(d->bound, 0x1p-30 * fabs(d->forward) + 0x1p-30);
  }
}
END_TEST

SUITE(ONCE(what_is_infinite_nearby), ONCE(an_infinite_gradient_has_no_order),
      EACH(remainders_shrink_as_theory_says, CASES), ONCE(what_is_not_finite_has_no_order),
      ONCE(noise_is_not_called_wrong), ONCE(noise_beside_the_longest_step), ONCE(noise_beside_a_small_slope),
      ONCE(the_dot_product_is_that_of_slopes_by_hand), ONCE(the_bound_holds),
      ONCE(the_bound_holds_of_systems))
