/* Why a gradient is what it is: a cause for each kind, better ways to write what is fragile, and none where
   it only looks alike. The gradient is that of a sweep. */
#include "dz/why.h"
#include "dz/lang.h"

#include "../on_tape.h"

#include <math.h>

static const struct {
  const char *y, *wrt;
  double x, other;          /* other: y; v is [x, other], w is [other, 1] */
  const char *code, *write; /* NULL: not said; write "": nothing better is known */
} cases[] = {
    /* fragile, and alike */
    {"log(softmax(v)[0])", "v", -800, 1, NULL, "write log_softmax(v) instead of log(softmax(v))"},
    {"log(exp(v)/sum(exp(v)))[0]", "v", -800, 1, NULL, "write softmax(v)"},
    {"1e7*log(exp(v)/sum(exp(v)))[0]", "v", -28, 0, "large slope", "write log_softmax(v)"},
    {"log(exp(v)/sum(w))[0]", "v", -800, 1, NULL, ""},
    {"log(exp(v)/sum(exp(w)))[0]", "v", -800, 1, NULL, ""},
    {"log(v/sum(v))[0]", "v", 0, 1, NULL, ""},
    {"log(v/w)[0]", "v", 0, 1, "pole", ""},
    {"log(sigmoid(x))", "x", -800, 1, "0*inf", "write log_sigmoid(x) instead of log(sigmoid(x))"},
    {"log(sigmoid(x + y))", "x", -800, 1, "0*inf", "write log_sigmoid(x + y)"},
    {"log(tanh(x))", "x", 0, 1, "pole", ""},
    {"log(exp(x) + exp(y))", "x", -900, -800, NULL, "write logaddexp(x, y)"},
    {"log(exp(x) + y)", "x", -900, 0, NULL, ""},
    {"log(1 + exp(x))", "x", 800, 1, "0*inf", "write softplus(x) instead of log(1 + exp(x))"},
    {"log(exp(x) + 1)", "x", 800, 1, "0*inf", "write softplus(x)"},
    {"log(1 + x)", "x", -1, 1, "pole", "write log1p(x) instead of log(1 + x)"},
    {"log(1 + x*y)", "x", -1, 1, "pole", "write log1p(x*y)"},
    {"log(x + y)", "x", -1, 1, "pole", ""},
    {"log(2 - x)", "x", 2, 1, "pole", ""},
    {"log(x - 2)", "x", 2, 1, "pole", ""},
    {"log(1 - x)", "x", 1, 1, "pole", "write log1p(-x) instead of log(1 - x)"},
    {"log(1 - (x + y))", "x", 0, 1, "pole", "write log1p(-(x + y))"},
    {"log(1 - sigmoid(x))", "x", 40, 1, "pole", "write log_sigmoid(-x)"},
    {"log(1 - sigmoid(x - y))", "x", 41, 1, "pole", "write log_sigmoid(-(x - y))"},
    {"log(sum(exp(v)))", "v", 800, 1, "0*inf", "write logsumexp(v)"},
    {"log(sum(v))", "v", -1, 1, "pole", ""},
    {"log(exp(x))", "x", 800, 1, NULL, "write x instead of log(exp(x))"},
    {"log(x/y)", "x", 0, 1, "pole", ""},
    {"sqrt(x^2 + y^2)", "x", 0, 0, "0*inf", "write hypot(x, y)"},
    {"sqrt(x*x + y*y)", "x", 0, 0, "0*inf", "write hypot(x, y)"},
    {"sqrt(x^2 + y)", "x", 0, 0, "0*inf", ""},
    {"sqrt(x + y^2)", "y", 0, 0, "0*inf", ""},
    {"sqrt(x*y + y*x)", "y", 0, 0, "0*inf", ""},
    {"sqrt(x^3)", "x", 0, 0, "0*inf", ""},
    {"sqrt(x^y)", "x", 0, 2, NULL, ""},
    {"sqrt(sum(v^2))", "v", 0, 0, "0*inf", "write norm(v) instead of sqrt(sum(v^2))"},
    {"sqrt(sum(v*w))", "w", 0, 0, "0*inf", ""},
    {"sqrt(sum(v))", "v", 0, 0, "infinite slope", ""},
    {"sqrt(x^2)", "x", 0, 0, "0*inf", "write abs(x) instead of sqrt(x^2)"},
    {"sqrt((x + y)^2)", "x", 0, 0, "0*inf", "write abs(x + y) instead of sqrt((x + y)^2)"},
    {"sqrt(x)", "x", 0, 0, "infinite slope", ""},
    {"1/(1 + exp(-x))", "x", -800, 1, "0*inf", "write sigmoid(x) instead of 1/(1 + exp(-x))"},
    {"1/(exp(-x) + 1)", "x", -800, 1, "0*inf", "write sigmoid(x)"},
    {"2/(1 + exp(-x))", "x", -800, 1, "0*inf", ""},
    {"1/(1 + exp(x))", "x", 800, 1, "0*inf", ""},
    {"1/(2 + exp(-x))", "x", -800, 1, "0*inf", ""},
    {"1/(1 + x)", "x", -1, 1, NULL, ""},
    {"exp(x)/(1 + exp(x))", "x", 800, 1, "infinities", "write sigmoid(x)"},
    {"exp(x)/(1 + exp(y))", "x", 800, 800, NULL, ""},
    {"exp(x)/(1 + y)", "x", 800, 1, NULL, ""},
    {"(exp(v)/sum(exp(v)))[0]", "v", 800, 1, "infinities", "write softmax(v)"},
    {"(exp(v)/sum(exp(w)))[0]", "v", 800, 800, NULL, ""},
    {"(exp(v)/sum(w))[0]", "v", 800, 1, NULL, ""},
    {"softmax(v)[0]", "v", 1000, 0, "cancellation", ""},
    {"sqrt(x)*sqrt(x)", "x", 0, 0, "0*inf", "write x instead of sqrt(x)*sqrt(x)"},
    {"sqrt(x)*sqrt(y)", "x", 0, 0, "0*inf", ""},
    {"sqrt(x)*y", "x", 0, 0, "0*inf", ""},
    {"x*log(x)", "x", 0, 0, "0*inf", "write xlogy(x, x) instead of x*log(x)"},
    {"log(x)*y", "x", 0, 0, "0*inf", "write xlogy(y, x)"},
    {"(x + y)*log(x)", "x", 0, 0, "0*inf", "write xlogy(x + y, x) instead of (x + y)*log(x)"},
    {"exp(y*log(x)) - exp(y*log(x))", "x", 1, 2, "cancellation", ""},
    {"2*log(x)", "x", 0, 1, "pole", ""},
    {"exp(x) - 1", "x", -800, 0, NULL, "write expm1(x) instead of exp(x) - 1"},
    {"exp(x) - 2", "x", -800, 0, NULL, ""},
    {"1 - sigmoid(x)", "x", 800, 0, "saturation", "write sigmoid(-x) instead of 1 - sigmoid(x)"},
    {"1 - erf(x)", "x", 30, 0, "saturation", "write erfc(x) instead of 1 - erf(x)"},
    {"2 - erf(x)", "x", 30, 0, "saturation", ""},
    {"1 - tanh(x)", "x", 400, 0, "saturation", ""},
    {"x - sigmoid(y)", "y", 800, 0, NULL, ""},
    {"x - sigmoid(y)", "y", 1, 800, "saturation", ""},
    {"5*(2*(3*(7*(1 - sigmoid(x)))))", "x", 800, 0, "saturation", "write sigmoid(-x)"},
    {"1 + (2*(3*(7*log(3 + exp(x)))))", "x", 800, 0, NULL, ""},
    /* zero */
    {"x + y", "x", 1, 1, "ordinary", ""},
    {"y*2", "x", 1, 1, "unreachable", ""},
    {"stop(x)*2", "x", 1, 1, "detached", ""},
    {"stop(x > y ? x : y)", "x", 2, 1, NULL, ""},
    {"floor(x)", "x", 1.5, 1, "step", ""},
    {"x == 1", "x", 1.5, 1, "step", ""},
    {"x && y", "x", 1.5, 1, "step", ""},
    {"!x", "x", 1.5, 1, "step", ""},
    {"x > 0 ? y : 3", "x", 1, 1, "step", ""},
    {"x > 0 ? 2*x : y", "x", -1, 1, "branch", ""},
    {"x > 0 ? x*y : 3", "x", 1, 0, "zero factor", ""},
    {"relu(x)", "x", 0, 1, "tie", ""},
    {"relu(x)", "x", -1, 1, "mask", ""},
    {"abs(x)", "x", 0, 1, "tie", ""},
    {"max(x, 0)", "x", 0, 1, "tie", ""},
    {"max(x, y)", "x", 0, 1, "mask", ""},
    {"min(x, y)", "x", 2, 1, "mask", ""},
    {"clamp(x, -1, 1)", "x", 3, 1, "mask", ""},
    {"clamp(x, 0, 1)", "x", 0, 1, "tie", ""},
    {"clamp(x, y, 9)", "x", 1, 1, "tie", ""},
    {"max(v)", "v", 1, 1, NULL, ""},
    {"min(v)", "v", 2, 1, "mask", ""},
    {"prod(v)", "v", 0, 0, "zero factor", ""},
    {"v @ w", "v", 1, 0, "zero factor", ""},
    {"x*0", "x", 1, 1, "zero factor", ""},
    {"x^2", "x", 0, 1, "flat", ""},
    {"cos(x)", "x", 0, 1, "flat", ""},
    {"exp(x)", "x", -800, 1, "saturation", ""},
    {"x - x", "x", 1, 1, "cancellation", ""},
    {"a = x*1e-200*1e-200\na - a", "x", 1, 1, "cancellation", ""},
    {"a = x*1e-200*1e-200\n(a - a) + floor(x)", "x", 1.5, 1, "step", ""},
    {"a = 2*x\n(a*0 + a*0) + (x - x)", "x", 1, 1, "cancellation", ""},
    {"b = x*2^-1000\na = b*(1 + 2^-52) - b\na*(1 + 2^-52) - a", "x", 1, 1, "underflow", ""},
    {"copysign(3, x)", "x", 2, 1, "step", ""},
    {"sum(max(v, [2, 3]))", "v", 2, 1, "tie", ""},
    {"sum(max(v, [3, 2]))", "v", 2, 1, "mask", ""},
    {"v[1]", "v", 1, 1, "unreachable", ""},
    {"x*1e-200*1e-200", "x", 1, 1, "underflow", ""},
    {"d(abs(x), x)", "x", 2, 1, "step", ""},
    {"d(relu(x), x)*y", "x", 2, 1, "step", ""},
    {"(x > 0 ? 1 : 2)*(y > 3 ? x : 7)", "x", 2, 1, NULL, ""},
    /* tiny and huge */
    {"sigmoid(x)", "x", 40, 1, "saturation", ""},
    {"x*1e-9", "x", 1, 1, "small slope", ""},
    {"1/x", "x", 1e-9, 1, "large slope", ""},
    {"x^3", "x", 1e-7, 1, "small slope", ""},
    {"max(x, 5) + x*1e9", "x", 1, 1, "large slope", ""},
    {"x + x*1e9", "x", 1, 1, "large slope", ""},
    {"a = 2*x\n(a - a*(1 - 1e-12))*2", "x", 1, 1, "cancellation", ""},
    {"x*1.4*1.4*1.4*1.4*1.4*1.4*1.4*1.4*1.4*1.4*1.4*1.4*1.4*1.4*1.4*1.4*1.4*1.4*1.4*1.4*1.4*1.4*5e-324", "x",
     1, 1, "small slope", ""},
    {"x*1e9 - x*(1e9 - 1e-9)", "x", 1, 1, NULL, ""},
    {"x*1e15 - x*999999999999999.9", "x", 1, 1, "ordinary", ""},
    {"(x - x*(1 - 1e-12))*2", "x", 1, 1, "cancellation", ""},
    {"x*.01*.01*.01*.01*.01*.01", "x", 1, 1, "vanishing", ""},
    {"x*100*100*100*100*100*100", "x", 1, 1, "exploding", ""},
    {"x*2*2*2*2*2*2*2*2*2*2*2*2*2*2*2*2*2*2*2*2*2*2", "x", 1, 1, "exploding", ""},
    /* infinite, no number */
    {"x*1.5e308 + x*1.5e308", "x", .1, 1, "large sum", ""},
    {"x*1e200*1e200", "x", 1e-300, 1, "overflow", ""},
    {"sqrt(x) - sqrt(x)", "x", 0, 1, "cancellation", ""},
    {"exp(x)", "x", 1000, 1, "overflow", ""},
    {"x^-1", "x", 0, 1, "pole", ""},
    {"x^y", "x", 800, 800, "overflow", ""},
    {"atanh(x)", "x", 1, 1, NULL, ""},
    {"atanh(x)*atanh(x)", "x", 1, 1, "pole", ""},
    {"xlogy(x, y)", "x", 1, 0, NULL, ""},
    {"xlogy(x, y)^2", "x", 1, 0, "pole", ""},
    {"(x/y)^2", "x", 1, 0, "pole", ""},
    {"(x/y)^2", "x", 0, 0, "no slope", ""},
    {"log(x)^2", "x", -1, 0, "domain", ""},
    {"(log(x) + 1)^2", "x", -1, 0, "domain", ""},
    {"(exp(x) + y)^2", "x", 800, 0, "overflow", ""},
    {"(exp(x)*y)^2", "x", 800, 0, "0*inf", ""},
    {"(exp(x) - exp(y))^2", "x", 800, 800, "infinities", ""},
    {"(exp(x)/exp(y))^2", "x", 800, 800, "infinities", ""},
    {"a = 10*x\na*1.5e308 + a*1.5e308", "x", .01, 1, "large sum", ""},
    {"sqrt(x) + relu(x - 1)", "x", 0, 1, "infinite slope", ""},
    {"x*nan", "x", 2, 1, "given", ""},
    {"x*inf", "x", 2, 1, "given", ""},
    {"(y + x*inf)^2", "x", 2, 1, "given", ""},
    {"x*where(x > 0, inf, inf)", "x", 2, 1, "given", ""},
    {"x*inf", "x", 0, 1, "0*inf", ""},
    {"x*y", "x", 1, (double)NAN, "given", ""},
    {"x*y", "x", 1, (double)INFINITY, "given", ""},
    {"x*exp(y)", "x", 1, 800, "overflow", ""},
    {"sum(v*exp(w))", "v", 1, 800, "overflow", ""},
    {"sum(v*log(w))", "v", 1, -1, "domain", ""},
    {"atan2(x, 0*x)", "x", 0, 0, "no slope", ""},
    {"x/hypot(x, y)", "x", 0, 0, "no slope", ""},
};

static const char *backwards(const char *english, void *user) {
  return (void)user, english[0] == 'w' ? english : NULL;
}

static dz_var record(dz_tape *t, int i) {
  const double v[] = {cases[i].x, cases[i].other}, w[] = {cases[i].other, 1};
  dz_set_name(dz_input(t, cases[i].x), "x");
  dz_set_name(dz_input(t, cases[i].other), "y");
  dz_set_name(dz_leaf_tensor(t, DZ_ROLE_INPUT, DIMS(2), v), "v");
  dz_set_name(dz_leaf_tensor(t, DZ_ROLE_INPUT, DIMS(2), w), "w");
  return dz_expr(t, cases[i].y);
}

START_TEST(causes) {
  dz_why_report r;
  const dz_var y = record(tape, _i), x = dz_named(tape, cases[_i].wrt);
  const dz_why_options o = {.digits = 3, .translate = backwards};
  const char *what = cases[_i].y;
  ck_assert_msg(dz_valid(y), "%s: %s", what, dz_tape_error(tape)->message);
  ck_assert_int_eq(dz_backward(y), DZ_OK);
  ck_assert_int_eq(dz_why(y, x, NULL, &r), DZ_OK);
  const double *g = dz_adjoints(x), swept = g ? g[r.element] : 0;
  ck_assert_msg(r.gradient == swept || (isnan(swept) && isnan(r.gradient)), "%s: %g, swept %g", what,
                r.gradient, swept);
  if (cases[_i].code)
    ck_assert_msg(strcmp(r.code, cases[_i].code) == 0, "%s: %s, %s", what, r.code, r.message);
  const char *write = cases[_i].write;
  if (write &&
      !(write[0] ? strstr(r.suggestion, write) != NULL : strstr(r.suggestion, "write") != r.suggestion))
    ck_abort_msg("%s: %s; %s: %s", what, r.code, r.message, r.suggestion);
  ck_assert_int_eq(dz_why(y, x, &o, &r), DZ_OK);
}
END_TEST

/* In which one allocation after the other fails. */
START_TEST(memory_fails) {
  dz_why_report right, r;
  for (size_t k = 0, calls = 1; k <= calls; k += EFFORT(1, 11)) {
    failing f = {0};
    const dz_allocator a = failing_allocator(&f);
    dz_tape *t = dz_tape_new(&a);
    const dz_var y = record(t, _i);
    const size_t before = f.calls;
    if (k) f.only = before + k;
    const dz_status s = dz_why(y, dz_named(t, cases[_i].wrt), NULL, &r);
    if (!k) calls = f.calls - before, right = r;
    if (s == DZ_OK && k) { /* what failed was a spare */
      ck_assert_str_eq(r.message, right.message);
      ck_assert_str_eq(r.suggestion, right.suggestion);
    } else {
      ck_assert_int_eq(s, f.failed ? DZ_ERR_MEMORY : DZ_OK);
    }
    dz_tape_free(t);
    ck_assert_uint_eq(f.blocks, 0);
  }
}
END_TEST

SUITE_ON_TAPE(EACH(causes, COUNT(cases)), EACH(memory_fails, COUNT(cases)))
