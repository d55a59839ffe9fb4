/* dz_diagnose by C calls: what is noted, what is not, and what happens without memory. */
#include "dz/sweep.h"
#include "dz/tensor.h"
#include "failing.h"
#include "suite.h"

#include <math.h>
#include <string.h>

static dz_var vector(dz_tape *t, dz_role role, size_t n, const double *v) {
  return dz_leaf_tensor(t, role, 1, &n, v);
}

static size_t diagnosed(dz_tape *t, dz_var y) {
  ck_assert_int_eq(dz_backward(y), DZ_OK);
  ck_assert_int_eq(dz_diagnose(y), DZ_OK);
  return dz_note_count(t);
}

static void is_note(dz_tape *t, size_t i, const char *kind, const char *op, const char *message) {
  const dz_note *n = dz_note_at(t, i);
  ck_assert_ptr_nonnull(n);
  ck_assert_str_eq(n->kind, kind);
  ck_assert_str_eq(n->op, op);
  ck_assert_str_eq(n->message, message);
}

START_TEST(nothing_to_say) {
  dz_tape *t = dz_tape_new(NULL);
  const double v[] = {0, 1, 2};
  dz_var x = dz_input(t, 0), y = dz_mul(dz_add(x, 1), dz_exp(x));
  ck_assert_int_eq(dz_backward(y), DZ_OK);
  const size_t bytes = dz_tape_bytes(t);
  ck_assert_uint_eq(diagnosed(t, y), 0);
  ck_assert_uint_eq(dz_tape_bytes(t), bytes); /* no room for notes */
  dz_var z = dz_norm(vector(t, DZ_ROLE_INPUT, 3, v), DZ_ALL, false);
  ck_assert_uint_eq(diagnosed(t, dz_add(z, dz_relu(x))), 0);
  dz_tape_free(t);
}
END_TEST

START_TEST(places) {
  dz_tape *t = dz_tape_new(NULL);
  dz_var x = dz_input(t, 0);
  dz_tape_at(t, 3, 7);
  dz_var y = dz_log(x);
  dz_tape_at(t, 4, 1);
  y = dz_add(y, 1);
  ck_assert_uint_eq(diagnosed(t, y), 1);
  is_note(t, 0, "pole", "log", "log(0) is -inf");
  ck_assert_int_eq(dz_note_at(t, 0)->line, 3);
  ck_assert_int_eq(dz_note_at(t, 0)->column, 7);
  dz_tape_free(t);
}
END_TEST

/* Lanes that a choice does not take are not looked at, of data too. */
START_TEST(lanes_not_taken) {
  dz_tape *t = dz_tape_new(NULL);
  const double v[] = {-1, 0, 1}, c[] = {0, 0, 1};
  dz_var choose = vector(t, DZ_ROLE_DATA, 3, c);
  for (int role = DZ_ROLE_INPUT; role <= DZ_ROLE_DATA; role++) {
    dz_var x = vector(t, (dz_role)role, 3, v), s = dz_input(t, 1);
    dz_var y = dz_mul(s, dz_sum(dz_where(choose, dz_log(x), 5), DZ_ALL, false));
    ck_assert_uint_eq(diagnosed(t, y), 0);
  }
  dz_var x = vector(t, DZ_ROLE_DATA, 3, v), y = dz_mul(dz_input(t, 1), dz_sum(dz_log(x), DZ_ALL, false));
  ck_assert_uint_eq(diagnosed(t, y), 2);
  is_note(t, 0, "domain", "log", "log(-1) is nan at [0]");
  is_note(t, 1, "pole", "log", "log(0) is -inf at [1]");
  dz_tape_free(t);
}
END_TEST

/* The part of a matrix that is not sliced may hold anything. */
START_TEST(parts_not_taken) {
  dz_tape *t = dz_tape_new(NULL);
  const double v[] = {-1, 4, 9};
  dz_var x = vector(t, DZ_ROLE_INPUT, 3, v), root = dz_sqrt(x);
  ck_assert_uint_eq(diagnosed(t, dz_sum(dz_slice(root, 0, 1, 3, 1), DZ_ALL, false)), 0);
  ck_assert_uint_eq(diagnosed(t, dz_sum(dz_slice(root, 0, 0, 2, 1), DZ_ALL, false)), 1);
  is_note(t, 0, "domain", "sqrt", "sqrt(-1) is nan at [0]");
  dz_tape_free(t);
}
END_TEST

/* In a group of a reduction that holds a NaN nothing arises; in another group of the same one it may. */
START_TEST(groups_by_themselves) {
  dz_tape *t = dz_tape_new(NULL);
  const size_t dims[] = {2, 2};
  const double v[] = {NAN, 1, INFINITY, -INFINITY};
  dz_var x = dz_leaf_tensor(t, DZ_ROLE_INPUT, 2, dims, v);
  dz_var y = dz_sum(dz_sum(x, 1, false), DZ_ALL, false);
  ck_assert_uint_eq(diagnosed(t, y), 1);
  is_note(t, 0, "domain", "sum",
          "sum is nan at [1]: operand 1 is inf at [1, 0], operand 1 is -inf at [1, 1]");
  dz_tape_free(t);
}
END_TEST

START_TEST(gradients) {
  dz_tape *t = dz_tape_new(NULL);
  dz_var x = dz_input(t, 0), y = dz_mul(dz_sqrt(x), 0);
  ck_assert_uint_eq(diagnosed(t, y), 1);
  is_note(t, 0, "0*inf", "sqrt",
          "the slope of sqrt(0) to operand 1 is inf, and a gradient of 0 arrives: 0*inf is nan");
  dz_tape_clear(t);
  x = dz_input(t, 0);
  ck_assert_uint_eq(diagnosed(t, dz_fabs(dz_sqrt(x))), 0); /* the zero of abs' is structural */
  x = dz_input(t, 0x1p1000);
  ck_assert_uint_eq(diagnosed(t, dz_mul(dz_mul(x, 0x1p1000), 0x1p-1000)), 1);
  is_note(t, 0, "overflow", "mul", "mul(1.07151e301, 1.07151e301) is inf");
  dz_tape_clear(t);
  x = dz_input(t, 0x1p-1000);
  ck_assert_uint_eq(diagnosed(t, dz_mul(dz_mul(x, 0x1p1000), 0x1p1000)), 1);
  is_note(t, 0, "overflow", "mul",
          "the slope of mul(9.33264e-302, 1.07151e301) to operand 1 is 1.07151e301, and a gradient of "
          "1.07151e301 "
          "arrives: too large");
  dz_tape_free(t);
}
END_TEST

/* As many kinds as one operation has, each once. */
START_TEST(many_kinds) {
  static const char *const right[][2] = {
      {"domain", "pow(-1, 0.5) is nan at [0] and 1 more element"},
      {"pole", "pow(0, -1) is inf at [1]"},
      {"overflow", "pow(1e300, 2) is inf at [2]"},
      {"discontinuous", "pow(0, 0) is 1, and jumps there at [3]"},
      {"infinite slope", "the slope of pow(0, 0.5) to operand 1 is inf at [4]"},
      {"no slope", "the slope of pow(-1, 1) to operand 2 is nan at [5]"},
      {"0*inf",
       "the slope of pow(0, 0.5) to operand 1 is inf, and a gradient of 0 arrives: 0*inf is nan at [6]"}};
  dz_tape *t = dz_tape_new(NULL);
  const double a[] = {-1, 0, 1e300, 0, 0, -1, 0, -4}, b[] = {.5, -1, 2, 0, .5, 1, .5, .5},
               g[] = {1, 1, 1, 1, 1, 1, 0, 1};
  const dz_var x = vector(t, DZ_ROLE_INPUT, 8, a), y = vector(t, DZ_ROLE_INPUT, 8, b),
               z = dz_mul(dz_pow(x, y), vector(t, DZ_ROLE_DATA, 8, g));
  ck_assert_uint_eq(diagnosed(t, dz_sum(z, DZ_ALL, false)), COUNT(right));
  for (size_t k = 0; k < COUNT(right); k++) is_note(t, k, right[k][0], "pow", right[k][1]);
  dz_tape_free(t);
}
END_TEST

/* As many operands as a list has room for at first: nothing arises in them. */
START_TEST(many_operands) {
  dz_tape *t = dz_tape_new(NULL);
  dz_var all[16];
  for (int k = 0; k < 16; k++) all[k] = dz_input(t, k == 3 ? (double)INFINITY : k + 1);
  ck_assert_uint_eq(diagnosed(t, dz_sum(dz_mul(dz_stack(16, all, 0), INFINITY), DZ_ALL, false)), 0);
  dz_tape_free(t);
}
END_TEST

/* What is looked at anew is put nowhere: the adjoints stay. Numbers are those of the tape's kind. */
START_TEST(overflow_on_the_way_to_one_operand) {
  dz_tape *t = dz_tape_new(NULL);
  const double large[] = {1e200, 1}, small[] = {1e-300, 1};
  dz_var a = vector(t, DZ_ROLE_INPUT, 2, large), b = vector(t, DZ_ROLE_INPUT, 2, small);
  ck_assert_uint_eq(diagnosed(t, dz_mul(dz_dot(a, b), 1e200)), 1);
  is_note(t, 0, "infinite slope", "matmul",
          "the gradient through matmul to operand 2 is inf at [0], where it is 1e-300");
  ck_assert(dz_adjoints(a)[0] == 1e-300 * 1e200 && dz_adjoints(a)[1] == 1e200);
  ck_assert(isinf(dz_adjoints(b)[0]) && dz_adjoints(b)[1] == 1e200);
  dz_tape_free(t);
  t = dz_tape_new_single(NULL);
  const double few[] = {1, 1e30}, fewer[] = {1, 1e-30};
  a = vector(t, DZ_ROLE_INPUT, 2, few), b = vector(t, DZ_ROLE_INPUT, 2, fewer);
  ck_assert_uint_eq(diagnosed(t, dz_mul(dz_dot(a, b), 1e30)), 1);
  is_note(t, 0, "infinite slope", "matmul",
          "the gradient through matmul to operand 2 is inf at [1], where it is 1e-30");
  dz_tape_free(t);
}
END_TEST

/* Elements that fill their room to the end; behind them are larger ones. */
START_TEST(neighbours) {
  failing f = {0};
  const dz_allocator a = failing_allocator(&f);
  dz_tape *t = dz_tape_new(&a);
  const double own[8] = {1e308, 1e308}, other[8] = {1.7e308};
  const dz_var u = vector(t, DZ_ROLE_INPUT, 8, own);
  ck_assert(dz_valid(vector(t, DZ_ROLE_INPUT, 8, other)));
  ck_assert_uint_eq(diagnosed(t, dz_sum(u, DZ_ALL, false)), 1);
  is_note(t, 0, "overflow", "sum", "sum is inf: operand 1 is 1e308 at [0], operand 1 is 1e308 at [1]");
  dz_tape_free(t);
}
END_TEST

/* A seed of 0 is a number; one lane of it meets an infinite slope. */
START_TEST(seeds) {
  dz_tape *t = dz_tape_new(NULL);
  const double v[] = {0, 0, 4}, g[] = {1, 0, 0};
  dz_var y = dz_sqrt(vector(t, DZ_ROLE_INPUT, 3, v));
  ck_assert_int_eq(dz_backward_with(y, vector(t, DZ_ROLE_DATA, 3, g)), DZ_OK);
  ck_assert_int_eq(dz_diagnose(y), DZ_OK);
  ck_assert_uint_eq(dz_note_count(t), 2);
  is_note(t, 0, "infinite slope", "sqrt", "the slope of sqrt(0) to operand 1 is inf at [0]");
  is_note(t, 1, "0*inf", "sqrt",
          "the slope of sqrt(0) to operand 1 is inf, and a gradient of 0 arrives: 0*inf is nan at [1]");
  dz_tape_free(t);
}
END_TEST

START_TEST(misuse) {
  dz_tape *t = dz_tape_new(NULL);
  dz_var x = dz_input(t, 0), y = dz_sqrt(x);
  ck_assert_int_eq(dz_diagnose(dz_num(1)), DZ_ERR_HANDLE);
  ck_assert_int_eq(dz_diagnose((dz_var){0}), DZ_ERR_HANDLE);
  ck_assert_int_eq(dz_diagnose(y), DZ_ERR_ARGUMENT); /* no sweep */
  ck_assert_int_eq(dz_backward_add(y, 1), DZ_OK);
  ck_assert_int_eq(dz_diagnose(y), DZ_ERR_ARGUMENT);
  dz_tape_free(t);
}
END_TEST

/* log(-1), and 0 times inf in the product. */
static dz_var nan_of(dz_tape *t) {
  const double v[] = {0, INFINITY, 1, -1};
  const dz_var x = vector(t, DZ_ROLE_INPUT, 4, v), y = dz_sum(dz_where(x, dz_log(x), 1), DZ_ALL, false);
  return dz_add(y, dz_prod(x, DZ_ALL, false));
}
/* Nothing but a value, with gradients of 1. */
static dz_var overflow_of(dz_tape *t) {
  const double v[] = {1e308, 1e308};
  return dz_sum(vector(t, DZ_ROLE_INPUT, 2, v), DZ_ALL, false);
}

/* Each allocation fails once: no crash, no leak, and the numbers stay. */
START_TEST(without_memory) {
  bool done = false;
  for (size_t at = 1; !done && at < 500; at++) {
    failing f = {0};
    const dz_allocator a = failing_allocator(&f);
    dz_tape *t = dz_tape_new(&a);
    ck_assert_ptr_nonnull(t);
    const dz_var y = _i == 0 ? nan_of(t) : overflow_of(t);
    ck_assert_int_eq(dz_backward(y), DZ_OK);
    f.at = f.calls + at;
    dz_status status = dz_diagnose(y);
    done = f.failed == 0;
    ck_assert_int_eq(status, done ? DZ_OK : DZ_ERR_MEMORY);
    if (done) ck_assert_uint_eq(dz_note_count(t), _i == 0 ? 2 : 1);
    f.at = 0;
    ck_assert(!isfinite(dz_value(y)));
    dz_tape_free(t);
    ck_assert_uint_eq(f.blocks, 0);
  }
  ck_assert(done);
}
END_TEST

SUITE(ONCE(nothing_to_say), ONCE(places), ONCE(lanes_not_taken), ONCE(parts_not_taken),
      ONCE(groups_by_themselves), ONCE(gradients), ONCE(many_kinds), ONCE(many_operands),
      ONCE(overflow_on_the_way_to_one_operand), ONCE(neighbours), ONCE(seeds), ONCE(misuse),
      EACH(without_memory, 2))
