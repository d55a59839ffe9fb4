/* Explanations at their ends: nothing given, operations of many operands, choices, ties, what is not selected
   beside an infinite slope, and memory that runs out. */
#include "dz/explain.h"
#include "show/lesson.h"

#include "drawn.h"

#include <math.h>

static text lesson(dz_var y) {
  text t = {0};
  ck_assert_int_eq(dz_backward(y), DZ_OK);
  ck_assert_int_eq(dz_explain(y, NULL, append, &t), DZ_OK);
  return t;
}

#define EXPECT_SAID(t, part)                                                                                 \
  if (!strstr((t).at, part)) ck_abort_msg("no \"%s\" in\n%s", part, (t).at)

START_TEST(nothing_is_given) {
  text t = lesson(dz_exp(dz_input(tape, 0)));
  EXPECT_SAID(t, "z = e^0 = e^0 = 1\n");
  ck_assert_ptr_null(strstr(t.at, "Given"));
  free(t.at);
  t = lesson(dz_exp(named(dz_input(tape, 0), "x")));
  EXPECT_SAID(t, "Given\n");
  free(t.at);
  const dz_var none = dz_const(tape, 3); /* the first, but without a name */
  t = lesson(dz_mul(none, named(dz_input(tape, 2), "y")));
  EXPECT_SAID(t, "Given\n    y = 2\n");
  free(t.at);
}
END_TEST

/* The sweep may begin with any number. */
START_TEST(sweeps_that_begin_elsewhere) {
  const dz_var y = dz_exp(named(dz_input(tape, 0), "x"));
  text t = {0};
  ck_assert_int_eq(dz_backward_with(y, -2), DZ_OK);
  ck_assert_int_eq(dz_explain(y, NULL, append, &t), DZ_OK);
  EXPECT_SAID(t, "g(z) = -2\n");
  EXPECT_SAID(t, "g(z) × ∂z/∂x = (-2) × 1 = -2\n");
  free(t.at);
}
END_TEST

/* Up to 64 operands are written, more are told by the value alone. */
START_TEST(operations_of_many_operands) {
  const dz_var x = named(dz_leaf_tensor(tape, DZ_ROLE_INPUT, DIMS(1), V(2)), "x");
  dz_var part[65];
  for (int k = 0; k < 65; k++) part[k] = x;
  for (int n = 64; n < 66; n++) {
    text t = lesson(total(dz_concat(n, part, 0)));
    ck_assert_int_eq(strstr(t.at, "concat(x, x") != NULL, n == 64);
    ck_assert_int_eq(strstr(t.at, "v1 = [65 numbers]\n") != NULL, n == 65);
    free(t.at);
  }
}
END_TEST

/* A condition that is a plain number leaves a number as the slope, which is told once. */
START_TEST(a_choice_that_is_made) {
  const dz_var x = named(dz_input(tape, 2), "x"), y = named(dz_input(tape, 3), "y");
  text t = lesson(dz_where(dz_num(1), x, y));
  EXPECT_SAID(t, "∂z/∂x = 1;");
  EXPECT_SAID(t, "∂z/∂y = 0;");
  free(t.at);
}
END_TEST

/* The slope in y of x^y is log(x) x^y, which at x = 0 is no number, where the table says 0. */
START_TEST(a_rule_that_gives_no_number) {
  const dz_var x = named(dz_input(tape, 0), "x"), y = named(dz_input(tape, 2), "y");
  text t = lesson(dz_pow(x, y));
  EXPECT_SAID(t, ", here 0;");
  free(t.at);
}
END_TEST

/* The slope of sqrt is infinite; through the branch that is not selected comes nothing, not 0 times that. */
START_TEST(what_is_not_selected) {
  const dz_var x = named(dz_input(tape, -1), "x"), y = named(dz_input(tape, 0), "y");
  text t = lesson(dz_sqrt(dz_where(dz_gt(x, 0), x, y)));
  EXPECT_SAID(t, "nothing comes through what is not selected: 0\n");
  free(t.at);
}
END_TEST

/* The numbers of a check are what the caller says; the result has the name that is asked for, but for a leaf.
 */
START_TEST(checks_and_names) {
  const dz_var v = named(dz_leaf_tensor(tape, DZ_ROLE_INPUT, DIMS(3), V(1, 2, 3)), "v"),
               y = named(dz_sum(v, DZ_ALL, false), "y");
  const dz_explain_check c = {v, 3, 2, 1, 1, .5, NULL};
  const dz_explain_options o = {.output = "t", .checks = &c, .check_count = 1};
  text t = {0};
  ck_assert_int_eq(dz_backward(y), DZ_OK);
  ck_assert_int_eq(dz_explain(y, &o, append, &t), DZ_OK);
  EXPECT_SAID(t, "numerically 2 of 3 agree");
  EXPECT_SAID(t, "dt/dv");
  free(t.at);
  t = (text){0};
  const dz_var x = named(dz_input(tape, 2), "x");
  ck_assert_int_eq(dz_backward(x), DZ_OK);
  ck_assert_int_eq(dz_explain(x, &o, append, &t), DZ_OK);
  EXPECT_SAID(t, "dx/dx");
  free(t.at);
}
END_TEST

/* ---- memory ---- */

START_TEST(each_tape_may_be_missing) {
  const bool alone = _i;
  const dz_var x = named(dz_input(tape, 2), "x"), y = dz_exp(dz_mul(x, 3));
  bool done = false;
  for (size_t at = 1; !done; at++) {
    failing f = {.at = alone ? 0 : at, .only = alone ? at : 0};
    dz__lesson l = {.s = {.alloc = failing_allocator(&f)}, .output = "z"};
    ck_assert_int_eq(dz__trace_make(y, 10, &l.trace), DZ_OK); /* from the tape's memory */
    const dz_status s = dz__lesson_prepare(&l, tape);
    done = f.failed == 0;
    ck_assert(s == DZ_OK || (!done && s == DZ_ERR_MEMORY)); /* what failed may have been a spare */
    if (!s) ck_assert_str_eq(dz_name(l.leaf[0]), "x");
    if (!s) ck_assert_str_eq(dz_name(l.point[0]), "x");
    for (size_t i = 0; !s && i < l.trace.nseen; i++)
      ck_assert(dz_value(l.leaf[i]) == l.trace.seen[i].value[0] &&
                dz_value(l.point[i]) == dz_value(l.leaf[i]));
    dz__lesson_forget(&l);
    dz__trace_free(&l.trace);
    ck_assert(f.blocks == 0 && f.bytes == 0);
  }
}
END_TEST

/* What is told though an allocation failed is told to its end. */
static dz_status tell_stopped(dz_tape *t, const dz_allocator *a, int kind) {
  (void)a, (void)kind;
  text to = {0};
  const dz_var x = dz_input(t, 2), y = dz_mul(x, dz_stop(x));
  const dz_explain_check wrong = {x, 1, 0, 2, 4, .5, "wrong"};
  const dz_explain_options how = {.checks = &wrong, .check_count = 1};
  dz_status status = dz_tape_error(t)->status;
  if (!status) status = dz_set_name(x, "x");
  if (!status) status = dz_backward(y);
  if (!status) status = dz_explain(y, &how, append, &to);
  if (!status) EXPECT_SAID(to, "; stop() holds a part of it back");
  free(to.at);
  return status;
}

START_TEST(one_allocation_may_fail) { fail_one_allocation(tell_stopped, 0); }
END_TEST

SUITE_ON_TAPE(ONCE(nothing_is_given), ONCE(sweeps_that_begin_elsewhere), ONCE(operations_of_many_operands),
              ONCE(a_choice_that_is_made), ONCE(a_rule_that_gives_no_number), ONCE(what_is_not_selected),
              ONCE(checks_and_names), EACH(each_tape_may_be_missing, 2), ONCE(one_allocation_may_fail))
