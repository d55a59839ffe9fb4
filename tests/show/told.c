/* dz_why and dz_explain from C: bad arguments, user's operations, memory that runs out. */
#include "dz/explain.h"
#include "dz/lang.h"
#include "dz/userop.h"
#include "dz/why.h"

#include "../effort.h"
#include "../failing.h"
#include "drawn.h"

#include <math.h>

START_TEST(bad_arguments_are_told) {
  size_t two = 2;
  dz_var x = dz_input(tape, 1), y = dz_exp(x), v = dz_leaf_tensor(tape, DZ_ROLE_INPUT, 1, &two, NULL);
  dz_why_report r;
  ck_assert_int_eq(dz_why(y, x, NULL, NULL), DZ_ERR_ARGUMENT);
  ck_assert_int_eq(dz_why(dz_num(1), x, NULL, &r), DZ_ERR_HANDLE);
  ck_assert_int_eq(dz_why(y, (dz_var){0}, NULL, &r), DZ_ERR_HANDLE);
  ck_assert_int_eq(dz_why(v, x, NULL, &r), DZ_ERR_SHAPE);
  ck_assert_int_eq(dz_explain(y, NULL, NULL, NULL), DZ_ERR_ARGUMENT);
  ck_assert_int_eq(dz_explain(dz_num(1), NULL, append, NULL), DZ_ERR_HANDLE);
  ck_assert_int_eq(dz_explain(y, NULL, append, NULL), DZ_ERR_ARGUMENT); /* no sweep */
  ck_assert_int_eq(dz_backward(y), DZ_OK);
  const dz_explain_options unknown = {.format = (dz_explain_format)99};
  ck_assert_int_eq(dz_explain(y, &unknown, append, NULL), DZ_ERR_ARGUMENT);
  ck_assert_int_eq(dz_explain(dz_exp(y), &(dz_explain_options){.max_ops = 1}, append, NULL), DZ_ERR_LIMIT);
}
END_TEST

/* The report as data; adjoints of a sweep before it stay. */
START_TEST(the_operation_to_blame) {
  dz_var x = dz_input(tape, 3), y = dz_mul(dz_relu(dz_sub(2, x)), 5);
  dz_why_report r;
  ck_assert_int_eq(dz_backward(y), DZ_OK);
  ck_assert_int_eq(dz_why(y, x, NULL, &r), DZ_OK);
  ck_assert_int_eq(r.kind, DZ_WHY_ZERO);
  ck_assert_int_eq(r.cause, DZ_WHY_MASK);
  ck_assert_str_eq(dz_describe(r.node).op, "relu");
  ck_assert_int_eq(r.operand, 0);
  ck_assert_double_eq(r.arriving, 5);
  ck_assert_str_eq(r.code, "mask");
  ck_assert_int_eq(dz_adjoint_state_of(x), DZ_ADJOINT_READY);
  ck_assert_int_eq(dz_why(y, dz_input(tape, 1), NULL, &r), DZ_OK);
  ck_assert_int_eq(r.cause, DZ_WHY_UNREACHABLE);
}
END_TEST

/* An operation of the user's own stands in texts by its name, with its own derivative. */
START_TEST(operations_of_the_user) {
  dz_error e = {DZ_OK, 0, 0, "", "", ""};
  ck_assert_int_eq(dz_op_define(tape, "swish", 1, "x*sigmoid(x)", NULL, &e), DZ_OK);
  dz_var x = named(dz_input(tape, 0), "x"), y = dz_apply(tape, "swish", 1, &x);
  text t = {0};
  dz_why_report r;
  ck_assert_int_eq(dz_backward(y), DZ_OK);
  ck_assert_int_eq(dz_explain(y, NULL, append, &t), DZ_OK);
  ck_assert_ptr_nonnull(strstr(t.at, "z = swish(x) = swish(0) = 0\n"));
  ck_assert_ptr_nonnull(strstr(t.at, "= 0.5\n")); /* swish'(0) = sigmoid(0) */
  ck_assert_int_eq(dz_why(y, x, NULL, &r), DZ_OK);
  ck_assert_int_eq(r.kind, DZ_WHY_ORDINARY);
  free(t.at);
}
END_TEST

/* What a check says of a leaf; of a stop() only where one is in the way. */
START_TEST(checks_are_told) {
  const dz_var x = named(dz_input(tape, 3), "x"), w = named(dz_input(tape, 2), "w");
  const dz_var y = dz_add(dz_mul(dz_mul(x, 2), w), dz_add(dz_stop(w), 1));
  const struct {
    dz_explain_check check;
    const char *part, *missing;
  } cases[] = {{{x, 0, 0, 4, 7, 0, "wrong"}, "dz/dx = 2 E w = 4\n", "numerically"},
               {{x, 1, 1, 4, 4, 0, NULL}, "numerically 4 ± 0  ✓", "differ"},
               {{x, 1, 0, 4, 7, 0, "wrong"}, "they differ by -3\n", "stop() holds"},
               {{w, 1, 0, 6, 7, 0, "wrong"}, "they differ by -1; stop() holds a part of it back\n", "✓"}};
  ck_assert_int_eq(dz_backward(y), DZ_OK);
  for (size_t k = 0; k < COUNT(cases); k++) {
    text t = {0};
    ck_assert_int_eq(
        dz_explain(y, &(dz_explain_options){.checks = &cases[k].check, .check_count = 1}, append, &t), DZ_OK);
    ck_assert_msg(strstr(t.at, cases[k].part) && !strstr(t.at, cases[k].missing), "%zu: %s", k, t.at);
    free(t.at);
  }
}
END_TEST

static void doubled(void *user, const dz_op_array *x, size_t size, double *z) {
  for (size_t i = 0; i < size; i++) z[i] = 2 * x->data[i];
}

static void doubled_back(void *user, const dz_op_array *x, size_t size, const double *z, const double *g,
                         double *const *ga) {
  for (size_t i = 0; i < size; i++) ga[0][i] += 2 * g[i];
}

/* One by C functions has no derivative graph: it is refused, and the tape is as before. */
START_TEST(operations_in_c) {
  const dz_op_calls calls = {.arity = 1, .value = doubled, .vjp = doubled_back};
  dz_error e = {DZ_OK, 0, 0, "", "", ""};
  dz_why_report r;
  text t = {0};
  ck_assert_int_eq(dz_op_define_c(tape, "doubled", &calls, &e), DZ_OK);
  dz_var x = named(dz_input(tape, 3), "x"), y = dz_apply(tape, "doubled", 1, &x);
  ck_assert_int_eq(dz_backward(y), DZ_OK);
  size_t nodes = dz_tape_size(tape);
  ck_assert_int_eq(dz_why(y, x, NULL, &r), DZ_ERR_ARGUMENT);
  ck_assert_int_eq(dz_explain(y, NULL, append, &t), DZ_OK);
  ck_assert_ptr_nonnull(strstr(t.at, "dz/dx = 2")); /* told without a rule */
  ck_assert_uint_eq(dz_tape_size(tape), nodes);
  ck_assert_int_eq(dz_tape_error(tape)->status, DZ_OK);
  ck_assert_double_eq(dz_adjoint(x), 2);
  free(t.at);
}
END_TEST

START_TEST(names_that_are_markup) {
  static const char *const tags[] = {"$%&#_{}~^\\", "$%&#_{}~^\\", "<script>"};
  dz_var x = named(dz_input(tape, 2), "<script>"), w = named(dz_input(tape, 2), "$%&#_{}~^\\");
  dz_var y = named(dz_mul(x, w), "重み");
  ck_assert_int_eq(dz_backward(y), DZ_OK);
  for (int format = DZ_EXPLAIN_LATEX; format <= DZ_EXPLAIN_HTML; format++) {
    text t = {0};
    dz_explain_options how = {.format = (dz_explain_format)format};
    ck_assert_int_eq(dz_explain(y, &how, append, &t), DZ_OK);
    ck_assert_ptr_null(strstr(t.at, tags[format]));
    free(t.at);
  }
}
END_TEST

/* What is written so that a number is lost, and what to write instead. */
static const struct {
  const char *program;
  double x, v[2];
  dz_why_cause cause;
  const char *instead;
} stumbles[] = {
    {"log(1 + x)", -1, {0, 0}, DZ_WHY_POLE, "log1p(x)"},
    {"log(1 - x)", 1, {0, 0}, DZ_WHY_POLE, "log1p(-x)"},
    {"log(softmax(v))[0]", 0, {0, 1000}, DZ_WHY_ZERO_TIMES_INFINITY, "log_softmax(v)"},
    {"sqrt(sum(v^2))", 0, {0, 0}, DZ_WHY_ZERO_TIMES_INFINITY, "norm(v)"},
    {"log(exp(v)/sum(exp(v)))[0]", 0, {0, 1000}, DZ_WHY_ZERO_TIMES_INFINITY, "softmax(v)"},
    {"sqrt(x^2)", 0, {0, 0}, DZ_WHY_ZERO_TIMES_INFINITY, "abs(x)"},
    {"1/(1 + exp(-x))", 800, {0, 0}, DZ_WHY_SATURATION, "sigmoid(x)"},
    {"exp(x)/(1 + exp(x))", 800, {0, 0}, DZ_WHY_INFINITIES, "sigmoid(x)"},
    {"1 - erf(x)", 40, {0, 0}, DZ_WHY_SATURATION, "erfc(x)"},
    {"sqrt(x)*sqrt(x)", 0, {0, 0}, DZ_WHY_ZERO_TIMES_INFINITY, "write x "},
    {"x*log(x)", 0, {0, 0}, DZ_WHY_ZERO_TIMES_INFINITY, "xlogy(x, x)"},
    {"log(sum(exp(v)))", 0, {1000, 0}, DZ_WHY_ZERO_TIMES_INFINITY, "logsumexp(v)"},
    {"1e308*x + 1e308*x", 1, {0, 0}, DZ_WHY_LARGE_SUM, ""},
    {"1e308*(10*x)", 1e-3, {0, 0}, DZ_WHY_OVERFLOW, ""},
    {"(1 + 2^-30)*x - x", 1, {0, 0}, DZ_WHY_CANCELLATION, ""},
    {"x*.5*.5*.5*.5*.5*.5*.5*.5*.5*.5*.5*.5*.5*.5*.5*.5*.5*.5*.5*.5*.5*.5*.5",
     1,
     {0, 0},
     DZ_WHY_VANISHING,
     ""},
    {"x*2*2*2*2*2*2*2*2*2*2*2*2*2*2*2*2*2*2*2*2*2*2*2", 1, {0, 0}, DZ_WHY_EXPLODING, ""},
};

START_TEST(another_way_to_write_it) {
  const size_t two = 2;
  const dz_var x = named(dz_input(tape, stumbles[_i].x), "x");
  const dz_var v = named(dz_leaf_tensor(tape, DZ_ROLE_INPUT, 1, &two, stumbles[_i].v), "v");
  const dz_var y = dz_expr(tape, stumbles[_i].program);
  dz_why_report r;
  ck_assert_int_eq(dz_why(y, strchr(stumbles[_i].program, 'v') ? v : x, NULL, &r), DZ_OK);
  ck_assert_msg(r.cause == stumbles[_i].cause && strstr(r.suggestion, stumbles[_i].instead),
                "%s: cause %d, %s", stumbles[_i].program, r.cause, r.suggestion);
}
END_TEST

START_TEST(every_allocation_may_fail) {
  failing f = {0};
  dz_allocator a = failing_allocator(&f);
  dz_tape *t = dz_tape_new(&a);
  size_t two = 2, step = 1;
  dz_var x = named(dz_input(t, 2), "x"), w = dz_leaf_tensor(t, DZ_ROLE_PARAM, 1, &two, (double[]){1, 2});
  dz_var y = dz_mul(dz_sum(dz_relu(dz_mul(w, dz_neg(x))), DZ_ALL, false), dz_exp(x));
  ck_assert_int_eq(dz_backward(y), DZ_OK);
  bool done = false;
  for (size_t k = 1; !done; k += step) {
    dz_why_report r;
    text said = {0};
    f.at = f.calls + k;
    dz_status status = _i ? dz_explain(y, NULL, append, &said) : dz_why(y, x, NULL, &r);
    ck_assert_int_eq(status, f.calls >= f.at ? DZ_ERR_MEMORY : DZ_OK);
    ck_assert_int_eq(said.n == 0, status != DZ_OK || _i == 0);
    done = status == DZ_OK;
    f.at = 0;
    free(said.at);
    ck_assert_int_eq(dz_tape_error(t)->status, DZ_OK);
    step = k < 40 ? 1 : EFFORT(1 + k / 8, 1 + k / 3);
  }
  dz_tape_free(t);
  ck_assert_uint_eq(f.blocks, 0);
}
END_TEST

SUITE_ON_TAPE(ONCE(bad_arguments_are_told), ONCE(the_operation_to_blame), ONCE(operations_of_the_user),
              ONCE(checks_are_told), ONCE(operations_in_c), ONCE(names_that_are_markup),
              EACH(another_way_to_write_it, COUNT(stumbles)), EACH(every_allocation_may_fail, 2))
