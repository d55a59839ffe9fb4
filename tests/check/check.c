#include "dz/check.h"

#include "../failing.h"
#include "dz/tensor.h"

#include <math.h>
#include <stdint.h>

/* ---- helpers ---- */

enum { MOST_ROWS = 512 };

typedef struct rows {
  dz_check_row row[MOST_ROWS];
  size_t n;
} rows;

static void keep(void *user, const dz_check_row *row) {
  rows *r = user;
  if (r->n < MOST_ROWS) r->row[r->n] = *row;
  r->n++;
}

typedef struct outcome {
  dz_status status;
  dz_check_report report;
  dz_error error;
  rows rows;
} outcome;

static outcome check_all(dz_model *model, void *user, size_t count, const dz_check_point *points) {
  outcome o = {.rows.n = 0};
  dz_check_options options = {.row = keep, .user = &o.rows};
  o.status = dz_check(model, user, count, points, &options, NULL, &o.report, &o.error);
  const dz_check_report *r = &o.report;
  ck_assert_uint_eq(r->checked, o.rows.n);
  ck_assert_uint_eq(r->checked, r->agreed + r->wrong + r->noisy + r->kinks + r->not_finite);
  return o;
}

static dz_check_point scalar(const double *x) { return (dz_check_point){.role = DZ_ROLE_INPUT, .values = x}; }

/* One scalar input. */
static outcome check_at(dz_model *model, void *user, double x) {
  dz_check_point p = scalar(&x);
  outcome o = check_all(model, user, 1, &p);
  ck_assert_int_eq(o.status, DZ_OK);
  ck_assert_uint_eq(o.report.checked, 1);
  return o;
}

static void expect_verdict(const outcome *o, dz_verdict want, const char *what) {
  const dz_check_row *r = &o->report.worst;
  if (r->verdict != want)
    ck_abort_msg("%s: verdict %d, not %d: analytic %a, numeric %a +- %g", what, r->verdict, want, r->analytic,
                 r->numeric, r->error);
}

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

/* E = 1/2 |tanh(X W + b)|^2 + logsumexp(W): a little of everything that tensors do. */
static dz_var layer(dz_tape *t, const dz_var *v, void *user) {
  (void)t, (void)user;
  dz_var h = dz_tanh(dz_add(dz_matmul(v[2], v[0]), v[1]));
  dz_var e = dz_mul(.5, dz_sum(dz_mul(h, h), DZ_ALL, false));
  return dz_add(e, dz_logsumexp(v[0], DZ_ALL, false));
}

static const size_t dims_w[] = {2, 3}, dims_b[] = {3}, dims_x[] = {4, 2};
static const double values_w[] = {.3, -.2, .1, 0, 1e-8, -1.5}, values_b[] = {0, 0, .25};
static const double values_x[] = {1, 2, -.5, .25, 100, -3, 0, 1e-3};
static const dz_check_point layer_points[] = {
    {.name = "W", .role = DZ_ROLE_PARAM, .rank = 2, .dims = dims_w, .values = values_w},
    {.name = "b", .role = DZ_ROLE_PARAM, .rank = 1, .dims = dims_b, .values = values_b},
    {.name = "X", .role = DZ_ROLE_DATA, .rank = 2, .dims = dims_x, .values = values_x}};

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

static double hash(double x) {
  uint64_t z;
  memcpy(&z, &x, sizeof z);
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
  return (double)((z ^ z >> 27) * 0x94d049bb133111ebu >> 11) * 0x1p-53 - .5;
}

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

/* ---- what is checked, and what is said ---- */

/* One input that agrees, one at a kink, one wrong, one noisy, and three that are left alone. */
static dz_var mixture(dz_tape *t, const dz_var *v, void *user) {
  (void)user;
  ck_assert(dz_node_index(dz_named(t, "good")) == dz_node_index(v[0]));
  ck_assert_ptr_null(dz_name(v[1]));
  ck_assert_int_eq(dz_role_of(v[4]), DZ_ROLE_CONST);
  ck_assert_int_eq(dz_role_of(v[5]), DZ_ROLE_DATA);
  dz_var sum = dz_add(dz_add(dz_sin(v[0]), dz_fabs(v[1])), dz_mul(v[2], dz_stop(v[2])));
  sum = dz_add(sum, dz_mul(v[3], dz_stop(v[3])));
  return dz_add(sum, dz_mul(v[4], v[5]));
}

START_TEST(the_report_says_the_worst) {
  double x[] = {.5, 0, 2, 3, 4, 5};
  dz_check_point p[6];
  for (size_t i = 0; i < 6; i++) p[i] = scalar(&x[i]);
  p[0].name = "good";
  p[3].skip = true;
  p[4].role = DZ_ROLE_CONST;
  p[5].role = DZ_ROLE_DATA;
  outcome o = check_all(mixture, NULL, 6, p);
  ck_assert_int_eq(o.status, DZ_OK);
  ck_assert_uint_eq(o.report.checked, 3);
  ck_assert_uint_eq(o.report.agreed, 1);
  ck_assert_uint_eq(o.report.kinks, 1);
  ck_assert_uint_eq(o.report.wrong, 1);
  ck_assert_uint_eq(o.report.worst.leaf, 2);
  ck_assert_int_eq(o.report.worst.verdict, DZ_VERDICT_WRONG);
  ck_assert_double_eq(o.report.worst.analytic, 2);
  ck_assert_double_le(fabs(o.report.value - (sin(.5) + 4 + 9 + 20)), 8 * 0x1p-52 * 34);
}
END_TEST

static dz_var number(dz_tape *t, const dz_var *v, void *user) {
  (void)t, (void)v, (void)user;
  return dz_num(2.5);
}

START_TEST(a_number_has_slope_zero) {
  outcome o = check_at(number, NULL, 7);
  expect_verdict(&o, DZ_VERDICT_AGREES, "number");
  ck_assert_double_eq(o.report.value, 2.5);
  ck_assert_double_eq(o.report.worst.numeric, 0);
}
END_TEST

START_TEST(nothing_to_check_is_fine) {
  dz_check_report r;
  ck_assert_int_eq(dz_check(number, NULL, 0, NULL, NULL, NULL, &r, NULL), DZ_OK);
  ck_assert_uint_eq(r.checked, 0);
  size_t none = 0;
  dz_check_point p = {.role = DZ_ROLE_INPUT, .rank = 1, .dims = &none};
  ck_assert_int_eq(dz_check(number, NULL, 1, &p, NULL, NULL, &r, NULL), DZ_OK);
  ck_assert_uint_eq(r.checked, 0);
}
END_TEST

/* ---- errors ---- */

static dz_var itself(dz_tape *t, const dz_var *v, void *user) {
  (void)t, (void)user;
  return v[0];
}
static dz_var nothing(dz_tape *t, const dz_var *v, void *user) {
  (void)t, (void)v, (void)user;
  return (dz_var){0};
}
static dz_var mismatched(dz_tape *t, const dz_var *v, void *user) {
  (void)user;
  size_t n = 3;
  return dz_sum(dz_add(v[0], dz_leaf_tensor(t, DZ_ROLE_CONST, 1, &n, NULL)), DZ_ALL, false);
}
static dz_var alien(dz_tape *t, const dz_var *v, void *user) {
  (void)t, (void)v;
  return *(dz_var *)user;
}

START_TEST(mistakes_are_reported) {
  size_t two = 2;
  double x[] = {1, 2};
  dz_check_point p = {.role = DZ_ROLE_INPUT, .rank = 1, .dims = &two, .values = x};
  outcome o = check_all(itself, NULL, 1, &p);
  ck_assert_int_eq(o.status, DZ_ERR_SHAPE);
  ck_assert_int_eq(o.error.status, DZ_ERR_SHAPE);
  o = check_all(nothing, NULL, 1, &p);
  ck_assert_int_eq(o.status, DZ_ERR_HANDLE);
  o = check_all(mismatched, NULL, 1, &p);
  ck_assert_int_eq(o.status, DZ_ERR_SHAPE);
  ck_assert_str_eq(o.error.op, "add");
  p.dims = NULL;
  ck_assert_int_eq(check_all(itself, NULL, 1, &p).status, DZ_ERR_ARGUMENT);
  dz_check_point same[] = {scalar(x), scalar(x)};
  same[0].name = same[1].name = "x";
  ck_assert_int_eq(check_all(itself, NULL, 2, same).status, DZ_ERR_NAME);
  dz_tape *t = dz_tape_new(NULL);
  dz_var y = dz_input(t, 1);
  ck_assert_int_eq(check_all(alien, &y, 1, same).status, DZ_ERR_HANDLE);
  dz_tape_free(t);
}
END_TEST

START_TEST(null_is_a_bad_argument) {
  double x = 1;
  dz_check_point p = scalar(&x);
  dz_check_report r;
  dz_error e;
  ck_assert_int_eq(dz_check(NULL, NULL, 1, &p, NULL, NULL, &r, &e), DZ_ERR_ARGUMENT);
  ck_assert_int_eq(e.status, DZ_ERR_ARGUMENT);
  ck_assert_int_eq(dz_check(itself, NULL, 1, NULL, NULL, NULL, &r, NULL), DZ_ERR_ARGUMENT);
  ck_assert_int_eq(dz_check(itself, NULL, 1, &p, NULL, NULL, NULL, NULL), DZ_ERR_ARGUMENT);
  ck_assert_int_eq(dz_check(itself, NULL, 1, &p, NULL, NULL, &r, NULL), DZ_OK);
}
END_TEST

/* ---- memory ---- */

typedef struct watch {
  failing memory;
  size_t calls, at_second;
  bool grew;
} watch;

static dz_var watched(dz_tape *t, const dz_var *v, void *user) {
  watch *w = user;
  if (++w->calls == 2) w->at_second = w->memory.calls;
  if (w->calls > 2 && w->memory.calls != w->at_second) w->grew = true;
  return layer(t, v, NULL);
}

START_TEST(nothing_is_allocated_after_the_first_turn) {
  watch w = {.calls = 0};
  dz_allocator a = failing_allocator(&w.memory);
  dz_check_report r;
  ck_assert_int_eq(dz_check(watched, &w, 3, layer_points, NULL, &a, &r, NULL), DZ_OK);
  ck_assert_uint_gt(w.calls, 9 * 16);
  ck_assert(!w.grew);
  ck_assert_uint_eq(w.memory.calls, w.at_second);
  ck_assert_uint_eq(w.memory.blocks, 0);
}
END_TEST

START_TEST(every_allocation_may_fail) {
  dz_status status = DZ_ERR_MEMORY;
  for (size_t k = 1; status != DZ_OK; k++) {
    failing f = {.at = k};
    dz_allocator a = failing_allocator(&f);
    dz_check_report r;
    dz_error e;
    status = dz_check(layer, NULL, 3, layer_points, NULL, &a, &r, &e);
    ck_assert_uint_eq(f.blocks, 0);
    if (status != (f.failed ? DZ_ERR_MEMORY : DZ_OK))
      ck_abort_msg("allocation %zu: %s: %s", k, e.op, e.message);
    ck_assert_int_eq(e.status, status);
  }
}
END_TEST

int main(void) {
  Suite *s = suite_create("check");
  TCase *c = tcase_create("all");
  tcase_set_timeout(c, 120);
  tcase_add_loop_test(c, right_gradients_agree, 0, RIGHT);
  tcase_add_test(c, tensors_agree);
  tcase_add_test(c, large_leaves_are_sampled_and_crossed);
  tcase_add_test(c, directions_find_what_samples_miss);
  tcase_add_loop_test(c, small_lies_are_found, 0, 7);
  tcase_add_test(c, a_path_that_is_stopped_is_found);
  tcase_add_test(c, a_nan_where_the_slope_is_clear_is_wrong);
  tcase_add_loop_test(c, kinks_are_recognised, 0, 7);
  tcase_add_test(c, a_tie_is_a_kink_of_both);
  tcase_add_loop_test(c, what_is_not_finite_is_said, 0, 3);
  tcase_add_test(c, noise_is_recognised);
  tcase_add_test(c, the_report_says_the_worst);
  tcase_add_test(c, a_number_has_slope_zero);
  tcase_add_test(c, nothing_to_check_is_fine);
  tcase_add_test(c, mistakes_are_reported);
  tcase_add_test(c, null_is_a_bad_argument);
  tcase_add_test(c, nothing_is_allocated_after_the_first_turn);
  tcase_add_test(c, every_allocation_may_fail);
  suite_add_tcase(s, c);
  SRunner *r = srunner_create(s);
  srunner_run_all(r, CK_ENV);
  int failed = srunner_ntests_failed(r);
  srunner_free(r);
  return failed != 0;
}
