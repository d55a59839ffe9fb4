/* Formulas: every rule by numbers, known results by their text, random graphs by their values. */
#include "derive/simplify.h"
#include "dz/derive.h"
#include "dz/lang.h"
#include "dz/print.h"
#include "effort.h"

#include "../failing.h"
#include "rounding.h"
#include "suite.h"

#include <stdio.h>
#include <stdlib.h>

static uint64_t state;
static double uniform(double low, double high) {
  state = state * 6364136223846793005u + 1442695040888963407u;
  return low + (high - low) * ((double)(state >> 11) * 0x1p-53);
}

static bool on_paper(void *user, const char *text, size_t size) {
  strncat(user, text, size);
  return true;
}

static const char *text_of(dz_var y) {
  static char text[1 << 15];
  text[0] = 0;
  ck_assert_int_eq(dz_print(y, NULL, on_paper, text), DZ_OK);
  return text;
}

static dz_program *parse(const char *text) {
  dz_error e;
  dz_program *p = dz_program_parse(text, strlen(text), "<text>", NULL, &e);
  ck_assert_msg(p != NULL, "%s: %s", text, e.message);
  return p;
}

/* Two values of one thing: they differ by what rounding has done to both. */
static bool close_enough(dz_var x, dz_var y, double slack) {
  double a = dz_value(x), b = dz_value(y);
  double bound = (dz_is_number(x) ? 0 : rounding(x)) + (dz_is_number(y) ? 0 : rounding(y));
  return a == b || fabs(a - b) <= 1.01 * bound + slack;
}

/* ---- the rules, one by one ---- */

/* A value for a letter of a rule, as the head of simplify.def says. far: a number may be near the ends of the
   range. */
static double value_for(char letter, bool far) {
  static const double sizes[] = {1e-200, 1e200, -1e200, .5, -.5, 1.5, 0, 1, 2, 3, -1, -2, 4};
  double kind = uniform(0, 1);
  switch (letter) {
  case 'n':
  case 'm':
  case 'k':
    return sizes[(int)uniform(far ? 0 : 3, sizeof sizes / sizeof *sizes)];
  case 'c':
    return kind < .5;
  case 'p':
    return uniform(.01, 5);
  case 'u':
    return floor(uniform(-3, 3));
  default:
    return kind < .5 ? uniform(-3, 3) : uniform(0, 1);
  }
}

static dz_var record_bound(dz_tape *t, const dz_program *p, bool far) {
  dz_program_leaf leaf;
  for (size_t i = 0; (leaf = dz_program_leaf_at(p, i)).name; i++)
    if (!dz_valid(dz_named(t, leaf.name))) dz_set_name(dz_input(t, value_for(*leaf.name, far)), leaf.name);
  dz_var y = dz_program_record(p, t, 0);
  ck_assert_msg(dz_valid(y), "%s", dz_tape_error(t)->message);
  return y;
}

START_TEST(rules_hold) {
  const dz__rule_text *rule = dz__rule_text_at((size_t)_i);
  dz_program *left = parse(rule->left), *right = parse(rule->right),
             *guard = rule->guard[0] ? parse(rule->guard) : NULL;
  bool far = strstr(rule->guard, "1e") != NULL;
  int tried = 0;
  state = 77 + (uint64_t)_i;
  for (int turn = 0; turn < 4000 && tried < 200; turn++) {
    dz_tape *t = dz_tape_new(NULL);
    dz_var x = record_bound(t, left, far), y = record_bound(t, right, far);
    bool holds = !guard || dz_value(record_bound(t, guard, far)) != 0;
    if (holds && isfinite(dz_value(x))) {
      ck_assert_msg(close_enough(x, y, 0), "%s -> %s: %.17g, %.17g", rule->left, rule->right, dz_value(x),
                    dz_value(y));
      tried++;
    }
    dz_tape_free(t);
  }
  ck_assert_msg(tried >= 50, "%s: %d points only", rule->left, tried);
  dz_program_free(left);
  dz_program_free(right);
  dz_program_free(guard);
}
END_TEST

START_TEST(rules_are_read) {
  dz__rules r;
  size_t n = 0;
  while (dz__rule_text_at(n)) n++;
  dz_allocator a = dz__allocator(NULL);
  ck_assert_int_eq(dz__rules_read(&a, &r), DZ_OK);
  ck_assert_uint_eq(r.rules.n, n);
  for (size_t i = 0; i < n; i++) {
    const dz__rule *rule = (const dz__rule *)r.rules.at + i;
    const dz__rule_node *left = (const dz__rule_node *)r.patterns.at + rule->left;
    ck_assert_msg(left->nargs > 0, "rule %zu: the left side is no operation", i);
    ck_assert_int_eq(rule->guard != DZ__NO_PATTERN, dz__rule_text_at(i)->guard[0] != 0);
  }
  dz__rules_free(&r);
}
END_TEST

/* ---- known results ---- */

static const struct {
  const char *y, *by, *formula;
} known[] = {
    /* arithmetic: like terms, exact constants, signs, quotients */
    {"x + x", "", "2*x"},
    {"x*x", "", "x^2"},
    {"x*1", "", "x"},
    {"x + 0", "", "x"},
    {"x^1", "", "x"},
    {"x^0", "", "1"},
    {"x*x^3", "", "x^4"},
    {"x - x", "", "0"},
    {"x/x", "", "1"},
    {"0*x", "", "0"},
    {"2*3*x", "", "6*x"},
    {"2*x*3", "", "6*x"},
    {"x/3 + x/3", "", "2*x/3"},
    {"0.1*x + 0.2*x", "", "0.1*x + 0.2*x"},
    {"0.5*x", "", "x/2"},
    {"x/2", "", "x/2"},
    {"5*x/2", "", "2.5*x"},
    {"1/(2*x)", "", "1/(2*x)"},
    {"-(x - y)", "", "y - x"},
    {"-x*-y", "", "x*y"},
    {"x - -y", "", "x + y"},
    {"-(-x)", "", "x"},
    {"x - (y - x)", "", "2*x - y"},
    {"y*x", "", "y*x"},
    {"x*2", "", "2*x"},
    {"(x + y)*(x + y)", "", "(x + y)^2"},
    {"2*(x + y) - 2*x", "", "2*y"},
    {"2*(x + y)", "", "2*(x + y)"},
    {"x*y + x*w", "", "x*y + x*w"},
    {"(x*y)^3/(x*y)", "", "x^2*y^2"},
    {"x/(y/w)", "", "x*w/y"},
    {"x/y/w", "", "x/(y*w)"},
    {"(-x)^3", "", "-x^3"},
    {"(2*x)^3", "", "8*x^3"},
    {"-x/y", "", "-x/y"},
    {"x + -2", "", "x - 2"},
    {"1 - (1 - x)", "", "x"},
    {"x^y*x", "", "x^(y + 1)"},
    {"x^y/x^y", "", "1"},
    {"x*exp(x) + exp(x)", "", "x*exp(x) + exp(x)"},
    {"exp(x)*(x + 2) + exp(x)", "", "exp(x)*(x + 3)"},
    {"x/(1 + x)^2 - 1/(1 + x)", "", "-1/(1 + x)^2"},
    {"x/(1 + y) + w/(1 + y)^2", "", "x/(1 + y) + w/(1 + y)^2"},
    /* roots, exponentials, even and odd */
    {"sqrt(x)*sqrt(x)", "", "x"},
    {"sqrt(x^2)", "", "abs(x)"},
    {"x/sqrt(x)", "", "sqrt(x)"},
    {"exp(x)*exp(y)", "", "exp(x + y)"},
    {"exp(x)/exp(y)", "", "exp(x - y)"},
    {"exp(x)^2", "", "exp(2*x)"},
    {"1/exp(x)", "", "exp(-x)"},
    {"log(exp(x))", "", "x"},
    {"exp(log(x))", "", "x"},
    {"exp(x - x)", "", "1"},
    {"sin(-x)", "", "-sin(x)"},
    {"cos(-2*x)", "", "cos(2*x)"},
    {"sin(x)^2 + cos(x)^2", "", "1"},
    {"3*sin(x)^2 + y + 3*cos(x)^2", "", "3 + y"},
    {"sigmoid(-x)", "", "1 - sigmoid(x)"},
    {"tanh(-x)^2", "", "tanh(x)^2"},
    {"abs(-x)", "", "abs(x)"},
    {"abs(x)^2", "", "x^2"},
    {"abs(exp(x))", "", "exp(x)"},
    {"cbrt(x)^3", "", "x"},
    {"hypot(x, y)^2", "", "x^2 + y^2"},
    {"x > 0 ? x : 0", "", "relu(x)"},
    /* choices that belong to the expression stay */
    {"x > y ? x : y", "", "x > y ? x : y"},
    {"x > 1 ? x^2 : x^3", "x", "x > 1 ? 2*x : 3*x^2"},
    {"x == 0 ? 1 : sin(x)/x", "", "sin(x)/x"},
    {"x > 0 ? x : x", "", "x"},
    {"(x > 0 ? 1 : 0) == 0 ? y : w", "", "x > 0 ? w : y"},
    {"max(x, y)", "", "max(x, y)"},
    {"abs(x) < .1 ? 1 - x^2/6 : sin(x)/x", "", "abs(x) < 0.1 ? 1 - x^2/6 : sin(x)/x"},
    /* first derivatives of the table: what textbooks say */
    {"-x", "x", "-1"},
    {"x*y", "x", "y"},
    {"x/y", "y", "-x/y^2"},
    {"x^y", "x", "y*x^(y - 1)"},
    {"x^y", "y", "x^y*log(x)"},
    {"x^3", "x", "3*x^2"},
    {"exp(x)", "x", "exp(x)"},
    {"exp2(x)", "x", "exp2(x)*log(2)"},
    {"2^x", "x", "2^x*log(2)"},
    {"expm1(x)", "x", "exp(x)"},
    {"gauss(x)", "x", "-2*x*exp(-x^2)"},
    {"log(x)", "x", "1/x"},
    {"log2(x)", "x", "1/(x*log(2))"},
    {"log10(x)", "x", "1/(x*log(10))"},
    {"log1p(x)", "x", "1/(1 + x)"},
    {"xlogy(x, y)", "x", "log(y)"},
    {"xlogy(x, y)", "y", "x/y"},
    {"logaddexp(x, y)", "x", "sigmoid(x - y)"},
    {"sqrt(x)", "x", "1/(2*sqrt(x))"},
    {"cbrt(x)", "x", "1/(3*cbrt(x)^2)"},
    {"hypot(x, y)", "x", "x/sqrt(x^2 + y^2)"},
    {"sin(x)", "x", "cos(x)"},
    {"cos(x)", "x", "-sin(x)"},
    {"tan(x)", "x", "1 + tan(x)^2"},
    {"asin(x)", "x", "1/sqrt(1 - x^2)"},
    {"acos(x)", "x", "-1/sqrt(1 - x^2)"},
    {"atan(x)", "x", "1/(1 + x^2)"},
    {"atan2(x, y)", "x", "y/(x^2 + y^2)"},
    {"atan2(x, y)", "y", "-x/(x^2 + y^2)"},
    {"sinh(x)", "x", "cosh(x)"},
    {"cosh(x)", "x", "sinh(x)"},
    {"tanh(x)", "x", "1 - tanh(x)^2"},
    {"asinh(x)", "x", "1/sqrt(1 + x^2)"},
    {"atanh(x)", "x", "1/(1 - x^2)"},
    {"erf(x)", "x", "2*exp(-x^2)/sqrt(pi)"},
    {"erfc(x)", "x", "-2*exp(-x^2)/sqrt(pi)"},
    {"lgamma(x)", "x", "digamma(x)"},
    {"tgamma(x)", "x", "gamma(x)*digamma(x)"},
    {"digamma(x)", "x", "polygamma(1, x)"},
    {"sigmoid(x)", "x", "sigmoid(x)*(1 - sigmoid(x))"},
    {"log_sigmoid(x)", "x", "1 - sigmoid(x)"},
    {"softplus(x)", "x", "sigmoid(x)"},
    {"relu(x)", "x", "x > 0 ? 1 : 0"},
    {"abs(x)", "x", "sign(x)"},
    {"sign(x)", "x", "0"},
    {"floor(x)", "x", "0"},
    {"max(x, y)", "x", "x > y ? 1 : 0"},
    {"min(x, y)", "y", "y < x ? 1 : 0"},
    {"clamp(x, 0, 1)", "x", "x <= 0 || x >= 1 ? 0 : 1"},
    {"mod(x, y)", "x", "1"},
    {"where(x > y, x, w)", "w", "x > y ? 0 : 1"},
    /* formulas of the documents and of every course */
    {"x^2*y", "x", "2*x*y"},
    {"sin(x)^2", "x", "2*sin(x)*cos(x)"},
    {"log(1 + exp(-x))", "x", "-exp(-x)/(1 + exp(-x))"},
    {"a^2/(a^2 + exp(a*x))", "x", "-a^3*exp(a*x)/(a^2 + exp(a*x))^2"},
    {"a^2/(a^2 + exp(a*x))", "a", "a*exp(a*x)*(2 - a*x)/(a^2 + exp(a*x))^2"},
    {"x^2*y + y/(w + x) + w^x", "x", "2*x*y - y/(w + x)^2 + w^x*log(w)"},
    {"x^2*y + y/(w + x) + w^x", "w", "x*w^(x - 1) - y/(w + x)^2"},
    {"x^x", "x", "x^x*log(x) + x^x"},
    {"log(x)/log(y)", "y", "-log(x)/(y*log(y)^2)"},
    {"exp(-x^2)", "xx", "4*x^2*exp(-x^2) - 2*exp(-x^2)"},
    {"x/(1 + x)", "xx", "-2/(1 + x)^3"},
    {"sqrt(1 + x^2)", "xx", "1/(1 + x^2)^1.5"},
    {"relu(x)^2", "x", "2*relu(x)"},
    {"abs(x)*x", "x", "2*abs(x)"},
    {"x*exp(x)", "xxx", "exp(x)*(x + 3)"},
    {"sin(x)", "xxx", "-cos(x)"},
    {"x^5", "xxx", "60*x^2"},
    {"log(x)", "xxx", "2/x^3"},
    {"sqrt(x)", "xxx", "3/(8*x^2.5)"},
    {"exp(a*x)", "xxx", "a^3*exp(a*x)"},
    {"cbrt(x)", "xxx", "10/(27*cbrt(x)^8)"},
    {"asin(x)", "xxx", "(2*x^2 + 1)/(1 - x^2)^2.5"},
    {"sigmoid(x)", "xx", "sigmoid(x)*(1 - 2*sigmoid(x))*(1 - sigmoid(x))"},
    {"tanh(x)", "xx", "-2*tanh(x)*(1 - tanh(x)^2)"},
    {"softplus(x)", "xx", "sigmoid(x)*(1 - sigmoid(x))"},
    {"hypot(x, y)", "xx", "y^2/(x^2 + y^2)^1.5"},
};

/* A point where everything above has a value. */
static void bind_scalars(dz_tape *t, const dz_program *p) {
  dz_program_leaf leaf;
  for (size_t i = 0; (leaf = dz_program_leaf_at(p, i)).name; i++) {
    double v = *leaf.name == 'x' ? .37 : *leaf.name == 'y' ? .61 : *leaf.name == 'a' ? -.83 : 1.29;
    if (!leaf.constant) dz_set_name(dz_input(t, v), leaf.name);
  }
}

START_TEST(known_results) {
  dz_tape *t = dz_tape_new(NULL);
  dz_program *p = parse(known[_i].y);
  bind_scalars(t, p);
  dz_var y = dz_program_record(p, t, 0), z = dz_simplify(y);
  for (const char *by = known[_i].by; *by; by++) {
    const char name[] = {*by, 0};
    y = dz_derivative(y, dz_named(t, name));
    z = dz_simplify(dz_derivative(z, dz_named(t, name)));
  }
  ck_assert_msg(dz_valid(z), "%s", dz_tape_error(t)->message);
  ck_assert_str_eq(text_of(z), known[_i].formula);
  ck_assert_msg(close_enough(y, z, 0), "%s is %.17g, was %.17g", known[_i].formula, dz_value(z), dz_value(y));
  ck_assert_str_eq(text_of(dz_simplify(z)), known[_i].formula);
  dz_program_free(p);
  dz_tape_free(t);
}
END_TEST

/* Numbers whose product no double holds, beside what outweighs them: exact powers of two. */
static const struct {
  const char *y, *by;
  double value;
} far[] = {
    {"(x*0x1p600)*(y*-0x1p800)", "", 0x1p200},
    {"(x*0x1p600)*(y*-0x1p800)", "x", 0x1p700},
    {"(x*0x1p600)*(y*-0x1p800)", "y", -0x1p900},
    {"(x*0x1p-100)/((y*0x1p600)*0x1p500)", "", -0x1p-1000},
    {"(x*0x1p600)*0x1p500*(x*0x1p-300)*0x1p-500", "", 0x1p-700},
};

START_TEST(numbers_far_apart) {
  dz_tape *t = dz_tape_new(NULL);
  dz_program *p = parse(far[_i].y);
  dz_set_name(dz_input(t, 0x1p-500), "x");
  dz_set_name(dz_input(t, -0x1p-700), "y");
  dz_var z = dz_simplify(dz_program_record(p, t, 0));
  if (*far[_i].by) z = dz_simplify(dz_derivative(z, dz_named(t, far[_i].by)));
  ck_assert_msg(dz_value(z) == far[_i].value, "%s is %a, not %a", text_of(z), dz_value(z), far[_i].value);
  dz_program_free(p);
  dz_tape_free(t);
}
END_TEST

/* ---- tensors ---- */

static const struct {
  const char *y, *by, *formula;
} tensors[] = {
    {"sum(v^2)", "v", "2*v"},
    {"sum((A@v)^2)", "v", "2*(A' @ (A @ v))"},
    {"sum(A^2)", "A", "2*A"},
    {"sum(v)", "v", "broadcast_to(1, [2])"},
    {"mean(v^2)", "v", "v"},
    {"norm(v)", "v", "v/norm(v)"},
    {"sum(sigmoid(A@v))", "v", "A' @ (sigmoid(A @ v)*(1 - sigmoid(A @ v)))"},
    {"sum(tanh(v))", "v", "1 - tanh(v)^2"},
    {"sum(relu(v))", "v", "v > 0 ? 1 : 0"},
    {"v - v", "", "broadcast_to(0, [2])"},
    {"v*0 + 1", "", "broadcast_to(1, [2])"},
    {"(A')'", "", "A"},
    {"reshape(reshape(A, [4]), [2, 2])", "", "A"},
    {"v + 0", "", "v"},
    {"v/v", "", "broadcast_to(1, [2])"},
    {"sum(v*w)", "w", "v"},
    {"sum((v - w)^2)/2", "v", "v - w"},
    {"sum(max(v, 0))", "v", "v > 0 ? 1 : 0"},
};

static const double four[] = {1, -2, 3, .5};

START_TEST(tensor_results) {
  dz_tape *t = dz_tape_new(NULL);
  dz_set_name(dz_leaf_tensor(t, DZ_ROLE_INPUT, 2, (size_t[]){2, 2}, four), "A");
  dz_set_name(dz_leaf_tensor(t, DZ_ROLE_INPUT, 1, (size_t[]){2}, four + 1), "v");
  dz_set_name(dz_leaf_tensor(t, DZ_ROLE_INPUT, 1, (size_t[]){2}, four), "w");
  dz_var y = dz_expr(t, tensors[_i].y), z;
  if (tensors[_i].by[0]) y = dz_derivative(y, dz_named(t, tensors[_i].by));
  z = dz_simplify(y);
  ck_assert_msg(dz_valid(z), "%s", dz_tape_error(t)->message);
  ck_assert_str_eq(text_of(z), tensors[_i].formula);
  ck_assert_int_eq(dz_rank(y), dz_rank(z));
  ck_assert_uint_eq(dz_size(y), dz_size(z));
  for (size_t i = 0; i < dz_size(y); i++) { /* at most 8 operations for each element, on numbers below 8 */
    double v = dz_values(y)[i];
    ck_assert_double_le(fabs(v - dz_values(z)[i]), 16 * 0x1p-52 * fmax(1, fabs(v)));
  }
  dz_tape_free(t);
}
END_TEST

/* ---- random graphs ---- */

static void grow(char *out, size_t size, int depth) {
  static const char *const leaves[] = {"x", "y", "2", "0.5", "w", "3", "x"};
  static const char *const infix[] = {"+", "-", "*", "/", "*", "+"};
  static const char *const calls[] = {"sin",       "exp",     "abs",  "cos",  "sqrt(1+abs", "tanh",
                                      "log(2+abs", "sigmoid", "relu", "cbrt", "atan",       "-"};
  char a[4096], b[4096];
  double kind = depth ? uniform(0, 1) : 1;
  if (kind > .92) {
    snprintf(out, size, "%s", leaves[(int)uniform(0, 7)]);
    return;
  }
  grow(a, sizeof a, depth - 1);
  grow(b, sizeof b, depth - 1);
  const char *call = calls[(int)uniform(0, 12)];
  if (kind < .5)
    snprintf(out, size, "((%.1900s)%s(%.1900s))", a, infix[(int)uniform(0, 6)], b);
  else if (kind < .62)
    snprintf(out, size, "((%.1900s)^%d)", a, (int)uniform(-2, 4));
  else if (kind < .68)
    snprintf(out, size, "((%.1200s)<(%.1200s)?(%.1200s):(%.50s))", a, b, a, "x*y");
  else
    snprintf(out, size, "%s(%.1900s)%s", call, a, strchr(call, '(') ? ")" : "");
}

/* Values, and the derivative's, stay: but where the graph is at a boundary or has no finite value, and where
   rounding in either form says nothing. */
START_TEST(random_graphs) {
  static char text[4096];
  int tried = 0, changed = 0;
  for (int turn = 0; turn < EFFORT(3000, 200); turn++) {
    state = (uint64_t)turn * 104729 + 11;
    grow(text, sizeof text, 4);
    dz_tape *t = dz_tape_new(NULL);
    dz_set_name(dz_input(t, .37 + turn % 5), "x");
    dz_set_name(dz_input(t, -.61), "y");
    dz_set_name(dz_input(t, 1.29), "w");
    dz_var y = dz_expr(t, text);
    ck_assert_msg(dz_valid(y), "%s: %s", text, dz_tape_error(t)->message);
    for (int order = 0; order < 2; order++) {
      if (order) y = dz_derivative(y, dz_named(t, "x"));
      dz_var z = dz_simplify(y);
      ck_assert_msg(dz_valid(z), "%s: %s", text, dz_tape_error(t)->message);
      if (!isfinite(dz_value(y)) || !isfinite(dz_value(z)) || fabs(dz_value(y)) > 1e100) continue;
      ck_assert_msg(close_enough(y, z, 0), "%s, order %d: %.17g became %.17g: %s", text, order, dz_value(y),
                    dz_value(z), text_of(z));
      tried++;
      changed += dz_node_index(y) != dz_node_index(z);
    }
    dz_tape_free(t);
  }
  ck_assert_int_ge(tried, EFFORT(4000, 200));
  ck_assert_int_ge(changed, EFFORT(3000, 200));
}
END_TEST

/* ---- size and failure ---- */

/* Chains are taken link by link, without recursion, and in time that is linear in their length. */
START_TEST(long_chains) {
  enum { LINKS = EFFORT(200000, 20000) };
  dz_tape *t = dz_tape_new(NULL);
  dz_var x = dz_input(t, 1), sum = x, product = x, nested = x, quotient = x;
  dz_set_name(x, "x");
  for (int k = 0; k < LINKS; k++) {
    sum = k % 2 ? dz_add(sum, x) : dz_sub(sum, 1);
    product = dz_mul(product, x);
    nested = dz_sin(dz_neg(nested));
    quotient = dz_div(1, dz_add(1, quotient));
  }
  ck_assert_str_eq(text_of(dz_simplify(sum)), EFFORT("100001*x - 100000", "10001*x - 10000"));
  ck_assert_str_eq(text_of(dz_simplify(product)), EFFORT("x^200001", "x^20001"));
  ck_assert(dz_valid(dz_simplify(nested)));
  ck_assert(dz_valid(dz_simplify(quotient)));
  dz_tape_free(t);
}
END_TEST

START_TEST(handles) {
  dz_tape *t = dz_tape_new(NULL);
  ck_assert_double_eq(dz_value(dz_simplify(dz_num(3))), 3);
  ck_assert(!dz_valid(dz_simplify((dz_var){0})));
  ck_assert(!dz_valid(dz_simplify((dz_var){.tape = t, .id = DZ__NONE})));
  ck_assert_int_eq(dz_tape_error(t)->status, DZ_ERR_HANDLE);
  dz_tape_free(t);
}
END_TEST

START_TEST(memory_fails) {
  bool failed = true;
  for (size_t at = 1; failed && at < 20000; at += 1 + at / 16) {
    failing f = {0};
    dz_allocator a = failing_allocator(&f);
    dz_tape *t = dz_tape_new(&a);
    dz_var x = dz_input(t, .3), y = dz_input(t, .4);
    dz_var z = dz_derivative(dz_div(dz_tanh(dz_mul(x, y)), dz_add(1, dz_exp(x))), x);
    ck_assert(dz_valid(z));
    f.at = f.calls + at;
    dz_var r = dz_simplify(z);
    failed = f.failed > 0;
    ck_assert_int_eq(dz_valid(r), !failed);
    ck_assert_int_eq(dz_tape_error(t)->status, failed ? DZ_ERR_MEMORY : DZ_OK);
    f.at = 0;
    dz_tape_free(t);
    ck_assert_uint_eq(f.blocks, 0);
  }
  ck_assert(!failed);
}
END_TEST

int main(void) {
  int rules = 0;
  while (dz__rule_text_at((size_t)rules)) rules++;
  const suite_test tests[] = {
      ONCE(rules_are_read),
      EACH(rules_hold, rules),
      EACH(known_results, COUNT(known)),
      EACH(numbers_far_apart, COUNT(far)),
      EACH(tensor_results, COUNT(tensors)),
      ONCE(random_graphs),
      ONCE(long_chains),
      ONCE(handles),
      ONCE(memory_fails),
  };
  return suite_run(__FILE__, NULL, NULL, COUNT(tests), tests);
}
