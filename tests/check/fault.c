/* The first node to blame: planted faults, each found where it was planted. */
#include "outcome.h"

#include "../failing.h"
#include "dz/userop.h"
#include "suite.h"

#include <string.h>

static const dz_check_fault *fault_of(const outcome *o, dz_fault kind, const char *op) {
  const dz_check_fault *f = &o->report.fault;
  if (f->kind != kind || strcmp(f->op, op) != 0)
    ck_abort_msg("fault %d at %s, not %d at %s", (int)f->kind, f->op, (int)kind, op);
  return f;
}

/* ---- nothing to blame ---- */

static dz_var mild(dz_tape *t, const dz_var *v, void *user) {
  (void)t, (void)user;
  return dz_mul(dz_exp(v[0]), dz_sin(v[0]));
}

START_TEST(what_is_right_has_no_fault) {
  outcome o = check_at(mild, NULL, .7);
  ck_assert_int_eq(o.report.fault.kind, DZ_FAULT_NONE);
  o = check_all(layer, NULL, 3, layer_points);
  ck_assert_int_eq(o.report.fault.kind, DZ_FAULT_NONE);
}
END_TEST

/* ---- lost gradients ---- */

/* e^x sin(stop(e^x)) + stop(x): the first lost gradient is that of the first stop on the tape. */
static dz_var stopped(dz_tape *t, const dz_var *v, void *user) {
  (void)user;
  dz_tape_at(t, 1, 1);
  dz_var e = dz_exp(v[0]);
  dz_set_name(e, "e");
  dz_tape_at(t, 3, 14);
  dz_var s = dz_stop(e);
  dz_tape_at(t, 4, 2);
  return dz_add(dz_mul(e, dz_sin(s)), dz_stop(v[0]));
}

START_TEST(a_stop_is_named_with_its_place) {
  outcome o = check_at(stopped, NULL, .5);
  const dz_check_fault *f = fault_of(&o, DZ_FAULT_DETACHED, "stop");
  expect_verdict(&o, DZ_VERDICT_WRONG, "stopped");
  ck_assert_uint_eq(f->node, 2);
  ck_assert_int_eq(f->line, 3);
  ck_assert_int_eq(f->column, 14);
  ck_assert_int_eq(f->nargs, 1);
  ck_assert_int_eq(f->operand, 0);
  ck_assert_str_eq(f->operands[0].name, "e");
  ck_assert_uint_eq(f->operands[0].node, 1);
  ck_assert_double_le(fabs(f->operands[0].value - exp(.5)), 0x1p-52 * 2);
  ck_assert_double_eq(f->analytic, 0);
  ck_assert_double_le(fabs(f->numeric - 1), f->error);
}
END_TEST

/* A stop that the wrong leaf does not reach, or from which the output does not come, is not to blame. */
static dz_var three_stops(dz_tape *t, const dz_var *v, void *user) {
  (void)t, (void)user;
  dz_var aside = dz_stop(dz_exp(v[1])), unused = dz_stop(v[0]);
  (void)unused;
  dz_var y = dz_stop(dz_mul(2, v[1]));
  return dz_add(dz_mul(v[0], dz_stop(v[0])), dz_sub(aside, dz_sub(aside, dz_mul(0, y))));
}

START_TEST(only_a_stop_on_the_way_is_blamed) {
  double x[] = {3, 1};
  dz_check_point p[] = {scalar(&x[0]), scalar(&x[1])};
  p[1].skip = true;
  outcome o = check_all(three_stops, NULL, 2, p);
  const dz_check_fault *f = fault_of(&o, DZ_FAULT_DETACHED, "stop");
  ck_assert_uint_eq(f->operands[0].node, 0);
  ck_assert_uint_gt(f->node, 5);
}
END_TEST

/* x c with c = x taken off the tape. */
static dz_var off_tape(dz_tape *t, const dz_var *v, void *user) {
  (void)user;
  dz_tape_at(t, 7, 8);
  return dz_exp(dz_mul(v[0], dz_value(v[0])));
}
static dz_var off_tape_as_leaf(dz_tape *t, const dz_var *v, void *user) {
  (void)user;
  size_t n = 2;
  double c[] = {1, dz_value(v[0])};
  return dz_sum(dz_mul(v[0], dz_leaf_tensor(t, DZ_ROLE_CONST, 1, &n, c)), DZ_ALL, false);
}

START_TEST(a_value_taken_off_the_tape_is_named) {
  outcome o = check_at(off_tape, NULL, .5);
  const dz_check_fault *f = fault_of(&o, DZ_FAULT_LEFT_TAPE, "mul");
  ck_assert_int_eq(f->line, 7);
  ck_assert_int_eq(f->column, 8);
  ck_assert_uint_eq(f->operands[1].node, SIZE_MAX);
  o = check_at(off_tape_as_leaf, NULL, .5);
  fault_of(&o, DZ_FAULT_LEFT_TAPE, "const");
  o = check_at(off_tape_as_leaf, NULL, 0x1p30); /* where a step of 2^-20 is none */
  fault_of(&o, DZ_FAULT_LEFT_TAPE, "const");
}
END_TEST

/* Zeros have no size to move by, and are moved by 1. */
static dz_var sum_stopped(dz_tape *t, const dz_var *v, void *user) {
  (void)t, (void)user;
  return dz_sum(dz_exp(dz_add(v[0], dz_stop(v[0]))), DZ_ALL, false);
}

START_TEST(a_stop_of_zeros_is_named) {
  const size_t three = 3;
  const dz_check_point p = {.role = DZ_ROLE_INPUT, .rank = 1, .dims = &three};
  outcome o = check_all(sum_stopped, NULL, 1, &p);
  fault_of(&o, DZ_FAULT_DETACHED, "stop");
}
END_TEST

/* ---- models that are not the same twice ---- */

static dz_var drifting(dz_tape *t, const dz_var *v, void *user) {
  (void)t;
  int calls = (*(int *)user)++;
  return dz_mul(dz_exp(v[0]), calls == 0 ? 1 : 1.5);
}
static dz_var growing(dz_tape *t, const dz_var *v, void *user) {
  (void)t;
  dz_var y = dz_exp(v[0]);
  return (*(int *)user)++ == 0 ? y : dz_sin(y);
}
static dz_var changing(dz_tape *t, const dz_var *v, void *user) {
  (void)t;
  return (*(int *)user)++ == 0 ? dz_exp(v[0]) : dz_cos(v[0]);
}

START_TEST(a_model_that_changes_is_found) {
  static const struct {
    dz_model *model;
    const char *op;
    size_t node;
  } cases[] = {{drifting, "mul", 2}, {growing, "sin", 2}, {changing, "cos", 1}};
  int calls = 0;
  outcome o = check_at(cases[_i].model, &calls, .5);
  const dz_check_fault *f = fault_of(&o, DZ_FAULT_UNREPEATABLE, cases[_i].op);
  ck_assert_uint_eq(f->node, cases[_i].node);
  ck_assert_uint_eq(o.report.wrong, 1);
}
END_TEST

/* ---- kinks ---- */

static dz_var two_kinks(dz_tape *t, const dz_var *v, void *user) {
  (void)t, (void)user;
  dz_var far = dz_fabs(dz_sub(v[0], 5));
  return dz_add(far, dz_relu(dz_mul(3, dz_sub(v[0], 2))));
}
static dz_var forked(dz_tape *t, const dz_var *v, void *user) {
  (void)t, (void)user;
  return dz_value(v[0]) >= 2 ? dz_mul(dz_sub(v[0], 2), 3) : dz_exp(dz_sub(2, v[0]));
}

/* Two elements that bend alike: in some directions of the result their kinks cancel. */
static dz_var equal_kinks(dz_tape *t, const dz_var *v, void *user) {
  (void)t, (void)user;
  const size_t two = 2;
  return dz_sum(dz_relu(dz_broadcast_to(dz_sub(v[0], 2), 1, &two)), DZ_ALL, false);
}

START_TEST(the_node_at_the_kink_is_named) {
  outcome o = check_at(two_kinks, NULL, 2);
  const dz_check_fault *f = fault_of(&o, DZ_FAULT_KINK, "relu");
  ck_assert_double_eq(f->operands[0].value, 0);
  o = check_at(two_kinks, NULL, 5);
  fault_of(&o, DZ_FAULT_KINK, "fabs");
  o = check_at(equal_kinks, NULL, 2);
  fault_of(&o, DZ_FAULT_KINK, "relu");
  o = check_at(two_kinks, NULL, 3);
  ck_assert_int_eq(o.report.fault.kind, DZ_FAULT_NONE);
}
END_TEST

START_TEST(a_branch_of_the_model_is_named) {
  outcome o = check_at(forked, NULL, 2);
  fault_of(&o, DZ_FAULT_BRANCH, "sub");
  ck_assert_uint_eq(o.report.kinks, 1);
}
END_TEST

/* ---- operations of the user's own ---- */

typedef struct rule {
  double back, forth; /* factors on the true derivative of x^2 */
} rule;

static void square_value(void *user, const dz_op_array *x, size_t size, double *z) {
  (void)user;
  for (size_t i = 0; i < size; i++) z[i] = x->data[i] * x->data[i];
}
static void square_vjp(void *user, const dz_op_array *x, size_t size, const double *z, const double *g,
                       double *const *ga) {
  (void)z;
  for (size_t i = 0; ga[0] && i < size; i++) ga[0][i] += ((const rule *)user)->back * 2 * x->data[i] * g[i];
}
static void square_jvp(void *user, const dz_op_array *x, size_t size, const double *z, const double *const *t,
                       double *out) {
  (void)z;
  for (size_t i = 0; i < size; i++)
    out[i] = t[0] ? ((const rule *)user)->forth * 2 * x->data[i] * t[0][i] : 0;
}

/* sum sin(x)^2 + cos(x), the square by the user's operation; sum of a scalar too. */
static dz_var with_square(dz_tape *t, const dz_var *v, void *user) {
  dz_op_calls calls = {.arity = 1, .value = square_value, .vjp = square_vjp, .jvp = square_jvp, .user = user};
  const rule wrong = *(rule *)user;
  *(rule *)user = (rule){1, 1};                /* a wrong one would be refused here */
  dz_op_define_c(t, "mysquare", &calls, NULL); /* refused when it is there already */
  *(rule *)user = wrong;
  dz_var s = dz_sin(v[0]), q = dz_apply(t, "mysquare", 1, &s);
  return dz_sum(dz_add(q, dz_cos(v[0])), DZ_ALL, false);
}

static const double six[] = {.3, -2, 1.25, 0, 7, -.125};
static const size_t six_dims[] = {2, 3};

static outcome check_square(rule *r, bool tensor) {
  dz_check_point p = {.role = DZ_ROLE_INPUT, .rank = tensor ? 2 : 0, .dims = six_dims, .values = six};
  outcome o = check_all(with_square, r, 1, &p);
  if (o.status) ck_abort_msg("%s: %s", o.error.op, o.error.message);
  return o;
}

START_TEST(a_right_user_operation_passes) {
  rule r = {1, 1};
  outcome o = check_square(&r, _i);
  ck_assert_uint_eq(o.report.agreed, o.report.checked);
  ck_assert_uint_eq(o.report.forward_agreed, o.report.checked);
  ck_assert_int_eq(o.report.dot.verdict, DZ_VERDICT_AGREES);
  ck_assert_int_eq(o.report.fault.kind, DZ_FAULT_NONE);
}
END_TEST

START_TEST(a_wrong_vjp_is_named) {
  static const double back[] = {-1, 0, 2, 1 + 1e-6};
  for (int tensor = 0; tensor < 2; tensor++) {
    rule r = {back[_i], 1};
    outcome o = check_square(&r, tensor);
    const dz_check_fault *f = fault_of(&o, DZ_FAULT_PARTIAL, "mysquare");
    ck_assert_uint_ge(o.report.wrong, 1);
    ck_assert_uint_eq(f->node, 2);
    ck_assert_uint_eq(f->operands[0].node, 1);
    ck_assert_uint_ge(o.report.forward_wrong, 1);
    ck_assert_int_eq(o.report.dot.verdict, DZ_VERDICT_WRONG);
  }
}
END_TEST

START_TEST(a_wrong_jvp_is_named) {
  for (int tensor = 0; tensor < 2; tensor++) {
    rule r = {1, _i ? -1 : 1 + 1e-9};
    outcome o = check_square(&r, tensor);
    ck_assert_uint_eq(o.report.wrong, 0);
    ck_assert_uint_ge(o.report.forward_wrong, 1);
    ck_assert_int_eq(o.report.dot.verdict, DZ_VERDICT_WRONG);
    if (_i) fault_of(&o, DZ_FAULT_TANGENT, "mysquare");
  }
}
END_TEST

/* ---- memory ---- */

static dz_var all_faults(dz_tape *t, const dz_var *v, void *user) {
  (void)t, (void)user;
  dz_var h = dz_tanh(dz_matmul(v[2], v[0]));
  return dz_sum(dz_mul(h, dz_stop(dz_add(h, v[1]))), DZ_ALL, false);
}
static dz_var kinked_layer(dz_tape *t, const dz_var *v, void *user) {
  (void)t, (void)user;
  return dz_sum(dz_relu(v[0]), DZ_ALL, false);
}

START_TEST(every_allocation_may_fail) {
  dz_model *const models[] = {all_faults, kinked_layer};
  const dz_fault faults[] = {DZ_FAULT_DETACHED, DZ_FAULT_KINK};
  for (int onwards = 0; onwards < 2; onwards++) {
    bool failed = true;
    for (size_t k = 1; failed; k++) {
      failing f = {.at = onwards ? k : 0, .only = onwards ? 0 : k};
      const dz_allocator a = failing_allocator(&f);
      dz_check_report r;
      dz_error e;
      const dz_status status = dz_check(models[_i], NULL, 3, layer_points, NULL, &a, &r, &e);
      failed = f.failed > 0;
      ck_assert_uint_eq(f.blocks, 0);
      if (status == DZ_OK ? r.fault.kind != faults[_i] : status != DZ_ERR_MEMORY || !failed)
        ck_abort_msg("allocation %zu: %s: %s, fault %d", k, e.op, e.message, (int)r.fault.kind);
    }
  }
}
END_TEST

/* Where one allocation fails and those behind it do not, the bound is as it was, or there is no report. */
START_TEST(the_bound_when_an_allocation_fails) {
  dz_check_report right, r;
  ck_assert_int_eq(dz_check(layer, NULL, 3, layer_points, NULL, NULL, &right, NULL), DZ_OK);
  bool failed = true;
  for (size_t k = 1; failed; k++) {
    failing f = {.only = k};
    const dz_allocator a = failing_allocator(&f);
    const dz_status status = dz_check(layer, NULL, 3, layer_points, NULL, &a, &r, NULL);
    failed = f.failed > 0;
    ck_assert(status == DZ_OK ? r.dot.bound == right.dot.bound : status == DZ_ERR_MEMORY && failed);
    ck_assert_uint_eq(f.blocks, 0);
  }
}
END_TEST

SUITE(ONCE(what_is_right_has_no_fault), ONCE(a_stop_is_named_with_its_place),
      ONCE(only_a_stop_on_the_way_is_blamed), ONCE(a_value_taken_off_the_tape_is_named),
      ONCE(a_stop_of_zeros_is_named), EACH(a_model_that_changes_is_found, 3),
      ONCE(the_node_at_the_kink_is_named), ONCE(a_branch_of_the_model_is_named),
      EACH(a_right_user_operation_passes, 2), EACH(a_wrong_vjp_is_named, 4), EACH(a_wrong_jvp_is_named, 2),
      EACH(every_allocation_may_fail, 2), ONCE(the_bound_when_an_allocation_fails))
