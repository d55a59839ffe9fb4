/* What dz_check covers and reports, its errors, and its memory. */
#include "outcome.h"

#include "../failing.h"
#include "suite.h"

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
/* Its tape has failed, whatever it gives. */
static dz_var careless(dz_tape *t, const dz_var *v, void *user) {
  dz_expr(t, "nobody");
  return *(const bool *)user ? v[0] : dz_num(3);
}
static dz_var unborn(dz_tape *t, const dz_var *leaf, void *user) {
  (void)t, (void)user;
  return (dz_var){.tape = leaf->tape, .id = leaf->id + 1000};
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
  for (int node = 0; node < 2; node++) {
    bool whether = node;
    const dz_check_point one = scalar(x);
    o = check_all(careless, &whether, 1, &one);
    ck_assert_int_eq(o.status, DZ_ERR_MISSING);
    ck_assert_int_eq(o.error.status, DZ_ERR_MISSING);
    ck_assert_uint_eq(o.report.checked, 0);
  }
  p.dims = NULL;
  ck_assert_int_eq(check_all(itself, NULL, 1, &p).status, DZ_ERR_ARGUMENT);
  dz_check_point same[] = {scalar(x), scalar(x)};
  same[0].name = same[1].name = "x";
  ck_assert_int_eq(check_all(itself, NULL, 2, same).status, DZ_ERR_NAME);
  dz_tape *t = dz_tape_new(NULL);
  dz_var y = dz_input(t, 1);
  o = check_all(alien, &y, 1, same);
  ck_assert_int_eq(o.status, DZ_ERR_HANDLE);
  ck_assert_str_eq(o.error.message, "the model gave no node of its tape");
  ck_assert_double_eq(o.report.value, 0);
  o = check_all(unborn, NULL, 1, same);
  ck_assert_int_eq(o.status, DZ_ERR_HANDLE);
  ck_assert_str_eq(o.error.message, "the model gave no node of its tape");
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

SUITE(ONCE(the_report_says_the_worst), ONCE(a_number_has_slope_zero), ONCE(nothing_to_check_is_fine),
      ONCE(mistakes_are_reported), ONCE(null_is_a_bad_argument),
      ONCE(nothing_is_allocated_after_the_first_turn), ONCE(every_allocation_may_fail))
