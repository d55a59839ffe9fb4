/* Notes of dz_diagnose on programs of a vector u: which there must be, with their texts, and which not. */
#include "dz/lang.h"
#include "dz/sweep.h"
#include "dz/tensor.h"
#include "on_tape.h"

#include <math.h>
#include <stdio.h>

enum { MOST = 4, LARGE = 1 << 10 };

static const struct {
  const char *program;
  size_t n;
  double u[MOST];
  const char *notes[3]; /* "kind op: message" */
} cases[] = {
    /* sums: what is named is what matters, three elements at most */
    {"sum(u)",
     3,
     {0, INFINITY, -INFINITY},
     {"domain sum: sum is nan: operand 1 is inf at [1], operand 1 is -inf at [2]"}},
    {"sum(u)",
     4,
     {INFINITY, -INFINITY, INFINITY, -INFINITY},
     {"domain sum: sum is nan: operand 1 is inf at [0], operand 1 is -inf at [1], operand 1 is inf at [2]"}},
    {"sum(u)",
     3,
     {1e308, 1e308, 1},
     {"overflow sum: sum is inf: operand 1 is 1e308 at [0], operand 1 is 1e308 at [1]"}},
    {"sum(reshape(u, 1, 1, 3), axis=2)[0, 0]",
     3,
     {-1.7976e308, -1.7976e308, -1.7976e308},
     {"overflow sum: sum is -inf at [0, 0]: operand 1 is -1.7976e308 at [0, 0, 0], operand 1 is -1.7976e308 "
      "at [0, 0, 1]"}},
    {"sum(reshape(u, 1, 3), axis=1)[0]",
     3,
     {-1.7976e308, -1.7976e308, -1.7976e308},
     {"overflow sum: sum is -inf at [0]: operand 1 is -1.7976e308 at [0, 0], operand 1 is -1.7976e308 at "
      "[0, 1], operand 1 is -1.7976e308 at [0, 2]"}},
    {"sum(u)",
     4,
     {1, 1e308, 1e308, 2},
     {"overflow sum: sum is inf: operand 1 is 1e308 at [1], operand 1 is 1e308 at [2]"}},
    {"sum(1/sum(reshape(u, 2, 2), axis=1))",
     4,
     {1, 2, 1e308, 1e308},
     {"overflow sum: sum is inf at [1]: operand 1 is 1e308 at [1, 0], operand 1 is 1e308 at [1, 1]"}},
    {"sum(u[:2])", 3, {1, 2, NAN}, {NULL}},
    {"sum(reshape(u, 2, 2), axis=1)[0]", 4, {1, 2, INFINITY, -INFINITY}, {NULL}},
    {"sum(reshape(u, 2, 2), axis=1) @ [1, 1]",
     4,
     {1e308, 1e308, INFINITY, -INFINITY},
     {"overflow sum: sum is inf at [0]: operand 1 is 1e308 at [0, 0], operand 1 is 1e308 at [0, 1]",
      "domain sum: sum is nan at [1]: operand 1 is inf at [1, 0], operand 1 is -inf at [1, 1]"}},
    {"sum(sum(reshape(u, 2, 2), axis=1))",
     4,
     {1e308, 1e308, -1e308, -1e308},
     {"overflow sum: sum is inf at [0]: operand 1 is 1e308 at [0, 0], operand 1 is 1e308 at [0, 1]",
      "domain sum: sum is nan: operand 1 is inf at [0], operand 1 is -inf at [1]"}},
    /* products */
    {"prod(u)",
     3,
     {INFINITY, 0, 2},
     {"0*inf prod: prod is nan: operand 1 is inf at [0], operand 1 is 0 at [1]"}},
    {"prod(u)",
     4,
     {0, 0, 0, INFINITY},
     {"0*inf prod: prod is nan: operand 1 is 0 at [0], operand 1 is 0 at [1], operand 1 is 0 at [2]"}},
    {"[inf, -inf] @ u",
     2,
     {1, 1},
     {"domain matmul: matmul is nan: operand 1 is inf at [0], operand 1 is -inf at [1]"}},
    {"(reshape([1e200, 1], 1, 2) @ u)[0]*1e200",
     2,
     {1e-300, 1},
     {"infinite slope matmul: the gradient through matmul to operand 2 is inf at [0], where it is 1e-300"}},
    {"prod(u)",
     3,
     {1e200, 1e200, 2},
     {"overflow prod: prod is inf: operand 1 is 1e200 at [0], operand 1 is 1e200 at [1]"}},
    {"prod(u)", 3, {INFINITY, 1, 2}, {NULL}},
    {"(reshape([inf, 1], 1, 2) @ u)[0]",
     2,
     {1, 2},
     {"infinite slope matmul: the gradient through matmul to operand 2 is inf at [0], where it is 1"}},
    {"(reshape([inf, 1], 1, 2) @ u)[0]*0",
     2,
     {1, 2},
     {"0*inf matmul: the gradient through matmul to operand 2 is nan at [0], where it is 1: 0*inf",
      "0*inf mul: mul(inf, 0) is nan"}},
    {"cumprod(u)[1]",
     2,
     {INFINITY, 0},
     {"0*inf cumprod: cumprod is nan at [1]: operand 1 is inf at [0], operand 1 is 0 at [1]"}},
    /* what came in as a NaN or an infinity is no news */
    {"(reshape([inf, 1], 1, 2) @ u)[0]", 2, {NAN, 2}, {NULL}},
    {"(reshape([inf, nan], 1, 2) @ u)[0]", 2, {1, 2}, {NULL}},
    {"max(u)", 2, {1, NAN}, {NULL}},
    {"sum(u)*inf", 2, {1, 2}, {NULL}},
    {"u[0]^u[1]", 2, {NAN, 0}, {NULL}},
    {"where(1, u[0], nan)*inf", 1, {1}, {NULL}},
    {"relu(u[0])*inf", 1, {1}, {NULL}},
    {"relu(u[0])*inf", 1, {0}, {"0*inf mul: mul(0, inf) is nan"}},
    {"logsumexp(u)", 0, {0}, {NULL}},
    {"(reshape([inf, 1], 1, 2) @ u)[0]*log(u[1] - 5)", 2, {1, 2}, {"domain log: log(-3) is nan"}},
    /* lengths: inf / inf is no product of 0 and infinity, though a 0 is there */
    {"norm(u)",
     2,
     {INFINITY, 1},
     {"no slope norm: the gradient through norm to operand 1 is nan at [0], where it is inf"}},
    {"norm(u)",
     2,
     {INFINITY, 0},
     {"no slope norm: the gradient through norm to operand 1 is nan at [0], where it is inf"}},
    {"norm(u)*inf",
     2,
     {0, 1},
     {"0*inf norm: the gradient through norm to operand 1 is nan at [0], where it is 0: 0*inf"}},
    /* systems */
    {"sum(solve([[1e-300]], u))",
     1,
     {1e300},
     {"overflow solve: solve is inf at [0]: operand 2 is 1e300 at [0]"}},
    {"sum(solve(reshape(u, 2, 2), [1, 1]))",
     4,
     {1, 2, 2, 4},
     {"domain solve: solve is nan at [0]: the matrix is singular"}},
    {"sum(solve(reshape(u, 2, 2), [1, 1]))",
     4,
     {0, 0, 0, 1},
     {"domain solve: solve is nan at [0]: the matrix is singular"}},
    {"sum(solve(reshape(u, 2, 2), [1, 1]))", 4, {1, NAN, 2, 4}, {NULL}},
    /* other ways of counting elements, and of what no gradient reaches */
    {"sum(log(u))",
     4,
     {-1, -2, -3, 0},
     {"domain log: log(-1) is nan at [0] and 2 more elements", "pole log: log(0) is -inf at [3]"}},
    {"sum(log(u))",
     4,
     {-1, -2, 1, 0},
     {"domain log: log(-1) is nan at [0] and 1 more element", "pole log: log(0) is -inf at [3]"}},
    {"count(u)*log(u[0])", 2, {0, 1}, {"pole log: log(0) is -inf"}},
    {"2^log(u[0])*max(u)",
     2,
     {0, 1},
     {"pole log: log(0) is -inf",
      "0*inf log: the slope of log(0) to operand 1 is inf, and a gradient of 0 arrives: 0*inf is nan"}},
    {"clamp(log(u[0]), -1, 1) + u[1]/0",
     2,
     {0, 1},
     {"pole log: log(0) is -inf", "pole div: div(1, 0) is inf"}},
    {"u[0]^u[1]", 2, {0, 0}, {"discontinuous pow: pow(0, 0) is 1, and jumps there"}},
    {"u[0]^2", 2, {0, 0}, {NULL}},
    {"u[0]^0", 1, {0}, {NULL}},
    {"0^u[0]", 1, {0}, {"discontinuous pow: pow(0, 0) is 1, and jumps there"}},
    {"sum(u[:2]^u[2:])", 4, {0, 1, 0, 1}, {"discontinuous pow: pow(0, 0) is 1, and jumps there at [0]"}},
    {"u[0]*u[1]", 2, {0, 5}, {NULL}},
    {"u[0]*u[1]*1e300",
     2,
     {1e300, 1e-300},
     {"overflow mul: the slope of mul(1e300, 1e-300) to operand 2 is 1e300, and a gradient of 1e300 arrives: "
      "too large"}},
    {"u[0]*0*inf",
     1,
     {1},
     {"0*inf mul: the slope of mul(1, 0) to operand 1 is 0, and a gradient of inf arrives: 0*inf is nan",
      "0*inf mul: mul(0, inf) is nan"}},
    {"atan2(u[0], u[1])",
     2,
     {0, 0},
     {"no slope atan2: the slope of atan2(0, 0) to operand 1 is nan",
      "no slope atan2: the slope of atan2(0, 0) to operand 2 is nan"}},
};

static dz_var program(const char *text, size_t n, const double *values) {
  const dz_var u = dz_leaf_tensor(tape, DZ_ROLE_INPUT, 1, &n, values);
  ck_assert_int_eq(dz_set_name(u, "u"), DZ_OK);
  const dz_var y = dz_expr(tape, text);
  ck_assert_msg(dz_valid(y), "%s: %s", text, dz_tape_error(tape)->message);
  return y;
}

START_TEST(texts) {
  char came[3 * LARGE] = "", right[3 * LARGE] = "";
  const dz_var y = program(cases[_i].program, cases[_i].n, cases[_i].u);
  ck_assert_int_eq(dz_backward(y), DZ_OK);
  ck_assert_int_eq(dz_diagnose(y), DZ_OK);
  for (size_t k = 0; k < dz_note_count(tape); k++) {
    const dz_note *n = dz_note_at(tape, k);
    snprintf(came + strlen(came), LARGE, "\n%s %s: %s", n->kind, n->op, n->message);
  }
  for (size_t k = 0; k < COUNT(cases[_i].notes) && cases[_i].notes[k]; k++)
    snprintf(right + strlen(right), LARGE, "\n%s", cases[_i].notes[k]);
  ck_assert_msg(strcmp(came, right) == 0, "%s: came%s\nexpected%s", cases[_i].program, came, right);
}
END_TEST

/* A tape keeps 64, the first that there are. */
START_TEST(no_more_than_a_tape_keeps) {
  const dz_var x = dz_input(tape, 0);
  dz_var y = dz_input(tape, 0);
  for (int k = 0; k < 70; k++) {
    dz_tape_at(tape, 1 + k, 1);
    y = dz_add(y, dz_log(x));
  }
  ck_assert_int_eq(dz_backward(y), DZ_OK);
  ck_assert_int_eq(dz_diagnose(y), DZ_OK);
  ck_assert_uint_eq(dz_note_count(tape), 64);
  for (int k = 0; k < 64; k++) ck_assert_int_eq(dz_note_at(tape, (size_t)k)->line, 1 + k);
}
END_TEST

/* The same where the last operation has two to give and there is room for one. */
START_TEST(no_more_of_one_operation) {
  const dz_var x = dz_input(tape, 0), z = dz_input(tape, 0);
  dz_var y = z;
  for (int k = 0; k < 63; k++) y = dz_add(y, dz_log(x));
  y = dz_add(y, dz_atan2(x, z));
  ck_assert_int_eq(dz_backward(y), DZ_OK);
  ck_assert_int_eq(dz_diagnose(y), DZ_OK);
  ck_assert_uint_eq(dz_note_count(tape), 64);
  ck_assert_str_eq(dz_note_at(tape, 63)->message, "the slope of atan2(0, 0) to operand 1 is nan");
}
END_TEST

/* The sweep must be of that output, and its values those of now. */
START_TEST(no_sweep_at_hand) {
  const double one = 1;
  const dz_var x = dz_input(tape, 0), y = dz_log(x), z = dz_mul(y, 2);
  ck_assert_int_eq(dz_backward(z), DZ_OK);
  ck_assert_int_eq(dz_diagnose(y), DZ_ERR_ARGUMENT);
  ck_assert_int_eq(dz_set(x, &one, 1), DZ_OK);
  ck_assert_int_eq(dz_diagnose(dz_node_at(tape, 2)), DZ_ERR_ARGUMENT);
  ck_assert_int_eq(dz_backward(dz_node_at(tape, 2)), DZ_OK);
  ck_assert_int_eq(dz_diagnose(dz_node_at(tape, 2)), DZ_OK);
}
END_TEST

SUITE_ON_TAPE(EACH(texts, COUNT(cases)), ONCE(no_more_than_a_tape_keeps), ONCE(no_more_of_one_operation),
              ONCE(no_sweep_at_hand))
