#include "handed.h"
#include "outcome.h"
#include "suite.h"

#include <stdint.h>
#include <string.h>

#define MODEL(name, expression)                                                                              \
  static dz_var name(dz_tape *t, const dz_var *v, void *user) {                                              \
    (void)t, (void)user;                                                                                     \
    dz_var x = v[0];                                                                                         \
    return expression;                                                                                       \
  }

/* ---- right gradients ---- */

/* The slope of each function at a point, worked out by hand. */
MODEL(square, dz_mul(x, x))
MODEL(sigmoid, dz_div(1, dz_add(1, dz_exp(dz_neg(x)))))
MODEL(root, dz_sqrt(x))
MODEL(tiny_unit, dz_mul(x, 0x1p900))
MODEL(huge_unit, dz_sin(dz_mul(x, 0x1p-900)))
MODEL(line, dz_sub(dz_mul(3, x), 7))
MODEL(unmoved, dz_mul(dz_floor(dz_add(x, .5)), 3))
MODEL(cubed, dz_pow(x, 3))
MODEL(cosine, dz_cos(x))
MODEL(offset, dz_add(1e6, dz_exp(x)))
MODEL(near_corner, dz_fabs(dz_sub(x, 0x1p-30)))
MODEL(tail, dz_sigmoid(x))

static const struct {
  const char *name;
  dz_model *model;
  double x, slope;
} right[] = {
    {"square", square, 3, 6},
    {"square", square, 0, 0},
    {"square", square, 1e-200, 2e-200},
    {"square", square, -1e120, -2e120},
    {"sigmoid", sigmoid, 0, .25},
    {"root", root, 4, .25},
    {"root", root, 1e-300, .5e150},
    {"tiny_unit", tiny_unit, 0x1p-900, 0x1p900},
    {"tiny_unit", tiny_unit, 0, 0x1p900},
    {"huge_unit", huge_unit, 0, 0x1p-900},
    {"line", line, 7. / 3, 3},
    {"line", line, 0, 3},
    {"line", line, 1e9, 3},
    {"unmoved", unmoved, 5, 0},
    {"cubed", cubed, -2, 12},
    {"cubed", cubed, 0, 0},
    {"cosine", cosine, 0, 0},
    {"offset", offset, 0, 1},
    {"near_corner", near_corner, 0, -1},
    {"near_corner", near_corner, 1, 1},
    {"tail", tail, -700, 9.8596765437597708567e-305},
};
enum { RIGHT = sizeof right / sizeof *right };

START_TEST(right_gradients_agree) {
  outcome o = check_at(right[_i].model, NULL, right[_i].x);
  const dz_check_row *r = &o.rows.row[0];
  expect_verdict(&o, DZ_VERDICT_AGREES, right[_i].name);
  ck_assert_uint_eq(o.report.agreed, 1);
  double ulps = 4 * 0x1p-52 * fabs(right[_i].slope);
  ck_assert_double_le(fabs(r->analytic - right[_i].slope), ulps);
  ck_assert_double_le(fabs(r->numeric - right[_i].slope), r->error + ulps);
}
END_TEST

START_TEST(tensors_agree) {
  outcome o = check_all(layer, NULL, 3, layer_points);
  ck_assert_int_eq(o.status, DZ_OK);
  expect_verdict(&o, DZ_VERDICT_AGREES, "layer");
  ck_assert_uint_eq(o.report.agreed, 9);
  for (size_t i = 0; i < 9; i++) {
    ck_assert_uint_eq(o.rows.row[i].leaf, i >= 6);
    ck_assert_uint_eq(o.rows.row[i].element, i % 6);
  }
}
END_TEST

/* sum (k+1) x_k^2 in tensors of 5000: each element's slope is 2 (k+1) x_k. */
enum { LARGE = 5000 };
static double large_x[LARGE], large_weight[LARGE];

typedef struct lie {
  int calls;
  double by;
  size_t where;
} lie;

/* From the second call on, element `where` weighs more. */
static dz_var weighted(dz_tape *t, const dz_var *v, void *user) {
  lie *l = user;
  size_t n = LARGE;
  double w[LARGE];
  memcpy(w, large_weight, sizeof w);
  if (l->calls++ > 0) w[l->where] *= 1 + l->by;
  dz_var weight = dz_leaf_tensor(t, DZ_ROLE_CONST, 1, &n, w);
  return dz_sum(dz_mul(weight, dz_mul(v[0], v[0])), DZ_ALL, false);
}

static outcome check_large(lie *l) {
  static const size_t n = LARGE;
  for (size_t k = 0; k < LARGE; k++) {
    large_x[k] = k % 3 ? .25 + (double)k / LARGE : -1;
    large_weight[k] = (double)(k % 7 + 1);
  }
  dz_check_point p = {.role = DZ_ROLE_PARAM, .rank = 1, .dims = &n, .values = large_x};
  outcome o = {.rows.n = 0};
  dz_check_options options = {.max_elements = 10, .row = keep, .user = &o.rows};
  o.status = dz_check(weighted, l, 1, &p, &options, NULL, &o.report, &o.error);
  return o;
}

START_TEST(large_leaves_are_sampled_and_crossed) {
  lie none = {.by = 0};
  outcome o = check_large(&none);
  ck_assert_int_eq(o.status, DZ_OK);
  expect_verdict(&o, DZ_VERDICT_AGREES, "weighted");
  ck_assert_uint_eq(o.report.agreed, 14);
  size_t last = 0;
  for (size_t i = 0; i < 10; i++) {
    const dz_check_row *r = &o.rows.row[i];
    ck_assert_uint_lt(r->element, LARGE);
    if (i > 0) ck_assert_uint_gt(r->element, last + LARGE / 20);
    last = r->element;
    double slope = 2 * large_weight[last] * large_x[last];
    ck_assert_double_le(fabs(r->analytic - slope), 2 * 0x1p-52 * fabs(slope));
  }
  for (size_t i = 10; i < 14; i++) ck_assert_uint_eq(o.rows.row[i].element, SIZE_MAX);
}
END_TEST

/* One wrong element of 5000 that no sample hits shows in the directions. */
START_TEST(directions_find_what_samples_miss) {
  lie one = {.by = 1e-3, .where = 7};
  outcome o = check_large(&one);
  ck_assert_uint_eq(o.report.wrong, 4);
  ck_assert_uint_eq(o.report.agreed, 10);
  ck_assert_uint_eq(o.report.worst.element, SIZE_MAX);
}
END_TEST

/* ---- wrong gradients ---- */

/* The first recording, whose adjoints are checked, differs from the others. */
static dz_var stretched(dz_tape *t, const dz_var *v, void *user) {
  (void)t;
  lie *l = user;
  dz_var y = dz_mul(dz_exp(v[0]), dz_sin(v[0]));
  return l->calls++ == 0 ? y : dz_mul(y, 1 + l->by);
}

START_TEST(small_lies_are_found) {
  static const double by[] = {1e-6, -1e-6, 1e-8, -1e-8, -2, -1, 1};
  static const double x[] = {1, -3.5, .01, 20, 1e-4};
  for (size_t i = 0; i < sizeof x / sizeof *x; i++) {
    lie l = {.by = by[_i]};
    outcome o = check_at(stretched, &l, x[i]);
    expect_verdict(&o, DZ_VERDICT_WRONG, "stretched");
    double slope = exp(x[i]) * (sin(x[i]) + cos(x[i]));
    ck_assert_double_le(fabs(o.report.worst.analytic - slope), 16 * 0x1p-52 * exp(x[i]));
    ck_assert_double_le(fabs(o.report.worst.numeric - slope * (1 + by[_i])),
                        o.report.worst.error + 16 * 0x1p-52 * exp(x[i]));
  }
}
END_TEST

MODEL(half_stopped, dz_mul(x, dz_stop(x)))
MODEL(all_stopped, dz_exp(dz_stop(x)))

START_TEST(a_path_that_is_stopped_is_found) {
  outcome o = check_at(half_stopped, NULL, 3);
  expect_verdict(&o, DZ_VERDICT_WRONG, "x stop(x)");
  ck_assert_double_eq(o.report.worst.analytic, 3);
  ck_assert_double_le(fabs(o.report.worst.numeric - 6), o.report.worst.error);
  o = check_at(all_stopped, NULL, 0);
  expect_verdict(&o, DZ_VERDICT_WRONG, "exp(stop(x))");
  ck_assert_double_eq(o.report.worst.analytic, 0);
}
END_TEST

/* sin(x), first recorded as sin(x) + 0 sqrt(x - x), whose slope is NaN. */
static dz_var needless_nan(dz_tape *t, const dz_var *v, void *user) {
  (void)t;
  lie *l = user;
  dz_var y = dz_sin(v[0]);
  return l->calls++ ? y : dz_add(y, dz_mul(0, dz_sqrt(dz_sub(v[0], v[0]))));
}

START_TEST(a_nan_where_the_slope_is_clear_is_wrong) {
  lie l = {0};
  outcome o = check_at(needless_nan, &l, 1);
  ck_assert(isnan(o.report.worst.analytic));
  expect_verdict(&o, DZ_VERDICT_WRONG, "NaN");
}
END_TEST

/* ---- points that cannot be checked ---- */

MODEL(corner, dz_fabs(x))
MODEL(rectified, dz_relu(x))
MODEL(tie, dz_fmax(x, dz_mul(2, x)))
MODEL(jump, dz_add(dz_floor(x), x))
MODEL(sign, dz_mul(2, dz_sign(x)))
MODEL(held, dz_clamp(x, 0, 1))
MODEL(lone, dz_add(dz_exp(x), dz_eq(x, 0)))

START_TEST(kinks_are_recognised) {
  dz_model *const models[] = {corner, rectified, tie, jump, sign, held, lone};
  outcome o = check_at(models[_i], NULL, 0);
  expect_verdict(&o, DZ_VERDICT_KINK, "kink");
  ck_assert_uint_eq(o.report.kinks, 1);
}
END_TEST

/* Two leaves that are equal, at the tie of max(x, y): a kink for each. */
static dz_var larger(dz_tape *t, const dz_var *v, void *user) {
  (void)t, (void)user;
  return dz_fmax(v[0], v[1]);
}

START_TEST(a_tie_is_a_kink_of_both) {
  double x = 1.75;
  dz_check_point p[] = {scalar(&x), scalar(&x)};
  outcome o = check_all(larger, NULL, 2, p);
  ck_assert_uint_eq(o.report.kinks, 2);
  ck_assert_double_eq(o.rows.row[0].analytic, .5);
  ck_assert_double_eq(o.rows.row[1].analytic, .5);
}
END_TEST

MODEL(logarithm, dz_log(x))
MODEL(reciprocal, dz_div(1, x))

START_TEST(what_is_not_finite_is_said) {
  dz_model *const models[] = {root, logarithm, reciprocal};
  outcome o = check_at(models[_i], NULL, 0);
  expect_verdict(&o, DZ_VERDICT_NOT_FINITE, "at 0");
  o = check_at(models[_i], NULL, NAN);
  expect_verdict(&o, DZ_VERDICT_NOT_FINITE, "NaN");
  ck_assert_uint_eq(o.report.not_finite, 1);
}
END_TEST

/* e^x with noise of the given size, which the gradient knows nothing of. */
static dz_var noisy(dz_tape *t, const dz_var *v, void *user) {
  (void)t;
  return dz_add(dz_exp(v[0]), *(const double *)user * hash(dz_value(v[0])));
}

START_TEST(noise_is_recognised) {
  double loud = .01, faint = 1e-11;
  for (int k = 0; k < 50; k++) {
    double x = 1 + k / 64.;
    outcome o = check_at(noisy, &loud, x), q = check_at(noisy, &faint, x);
    expect_verdict(&o, DZ_VERDICT_NOISY, "loud noise");
    expect_verdict(&q, DZ_VERDICT_AGREES, "faint noise");
    ck_assert_double_ge(q.report.worst.error, faint);
  }
}
END_TEST

SUITE(EACH(right_gradients_agree, RIGHT), ONCE(tensors_agree), ONCE(large_leaves_are_sampled_and_crossed),
      ONCE(directions_find_what_samples_miss), EACH(small_lies_are_found, 7),
      ONCE(a_path_that_is_stopped_is_found), ONCE(a_nan_where_the_slope_is_clear_is_wrong),
      EACH(kinks_are_recognised, 7), ONCE(a_tie_is_a_kink_of_both), EACH(what_is_not_finite_is_said, 3),
      ONCE(noise_is_recognised))
