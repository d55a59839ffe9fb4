/* Formulas of a trace: those of the worked examples by their text, all others by their values. */
#include "drawn.h"

#include "dz/lang.h"
#include "dz/userop.h"
#include "show/setting.h"
#include "show/symbol.h"

#include "../derive/rounding.h"
#include "../failing.h"

#include <math.h>

typedef struct known {
  const char *program, *by, *gradient;
} known;

/* Values of the names that programs use; a is -1, as in document 004. */
static const struct {
  const char *name;
  double value;
} values[] = {{"a", -1}, {"b", 1.25}, {"x", 1.5}, {"y", 2.5}, {"w", .75}, {"v", -.5}, {"s", .5}, {"t", 2}};

static void bind(dz_tape *t, const dz_program *p) {
  dz_program_leaf leaf;
  size_t three = 3;
  for (size_t i = 0; (leaf = dz_program_leaf_at(p, i)).name; i++) {
    if (strcmp(leaf.name, "q") == 0)
      dz_set_name(dz_leaf_tensor(t, DZ_ROLE_INPUT, 1, &three, (double[]){1, 2, .5}), "q");
    if (strcmp(leaf.name, "one") == 0) /* an input that sums to 1 */
      dz_set_name(dz_leaf_tensor(t, DZ_ROLE_INPUT, 1, &three, (double[]){.25, .5, .25}), "one");
    if (strcmp(leaf.name, "truth") == 0)
      dz_set_name(dz_leaf_tensor(t, DZ_ROLE_DATA, 1, &three, (double[]){0, 1, 0}), "truth");
    if (strcmp(leaf.name, "parts") == 0)
      dz_set_name(dz_leaf_tensor(t, DZ_ROLE_DATA, 1, &three, (double[]){.25, .5, .25}), "parts");
    if (strcmp(leaf.name, "half") == 0)
      dz_set_name(dz_leaf_tensor(t, DZ_ROLE_DATA, 1, &three, (double[]){0, .5, 0}), "half");
    if (strcmp(leaf.name, "pairs") == 0) /* of its columns only the first sums to 1 */
      dz_set_name(dz_leaf_tensor(t, DZ_ROLE_DATA, DIMS(2, 2), (double[]){1, 1, 0, 1}), "pairs");
    for (size_t k = 0; k < sizeof values / sizeof *values; k++)
      if (strcmp(leaf.name, values[k].name) == 0) dz_set_name(dz_input(t, values[k].value), leaf.name);
  }
}

static dz_var recorded(dz_tape *t, const char *program) {
  dz_error e;
  dz_program *p = dz_program_parse(program, strlen(program), "<text>", NULL, &e);
  ck_assert_msg(p != NULL, "%s: %s", program, e.message);
  bind(t, p);
  dz_var y = dz_program_record(p, t, 0);
  ck_assert_msg(dz_valid(y), "%s: %s", program, dz_tape_error(t)->message);
  ck_assert_int_eq(dz_backward(y), DZ_OK);
  dz_program_free(p);
  return y;
}

static void make(dz_var y, dz__trace *t, dz__symbols *s) {
  ck_assert_int_eq(dz__trace_make(y, 1000, t), DZ_OK);
  ck_assert_int_eq(dz__trace_share(t), DZ_OK);
  ck_assert_int_eq(dz__symbols_make(t, &(dz__symbol_options){0}, s), DZ_OK);
}

static size_t place_of(const dz__trace *t, const char *name) {
  for (size_t i = 0; i < t->nseen; i++)
    if (t->seen[i].name && strcmp(t->seen[i].name, name) == 0) return i;
  ck_abort_msg("no %s", name);
  return 0;
}

static void expect_text(const dz__formal *f, const char *want, const char *what) {
  dz_allocator a = dz__allocator(NULL);
  dz__text t = dz__set(f->is, &(dz__set_options){.format = DZ__SET_TEXT}, &a);
  ck_assert_ptr_nonnull(t.at);
  ck_assert_msg(strcmp(t.at, want) == 0, "%s: %s, expected %s", what, t.at, want);
  dz__text_free(&t, &a);
}

/* ---- known formulas: documents 004 and 003, and tables of derivatives ---- */

static const known gradients[] = {
    {"x + y", "x", "E"},
    {"x + y", "y", "E"},
    {"x * y", "x", "E y"},
    {"x * y", "y", "E x"},
    {"x / y", "x", "E/y"},
    {"x / y", "y", "-E x/y^2"},
    {"x ^ y", "x", "E y x^(y-1)"},
    {"x ^ y", "y", "E x^y ln x"},
    {"exp(x)", "x", "E e^x"},
    {"log(y)/log(x)", "x", "-E ln y/(x (ln x)^2)"},
    {"log(y)/log(x)", "y", "E/(y ln x)"},
    {"log(x)", "x", "E/x"},
    {"a^2/(a^2 + exp(a*x))", "x", "E z (1-z)"},
    {"a^2/(a^2 + exp(a*x))", "a", "-E (x+2) z (1-z)"},
    {"1/(1 + exp(-x))", "x", "E z (1-z)"},
    {"sigmoid(x)", "x", "E z (1-z)"},
    {"sigmoid(w*x + b)", "w", "E x z (1-z)"},
    {"sigmoid(w*x + b)", "b", "E z (1-z)"},
    {"tanh(x)", "x", "E (1-z^2)"},
    {"(exp(x) - exp(-x))/(exp(x) + exp(-x))", "x", "E (1-z^2)"},
    {"tan(x)", "x", "E (1+z^2)"},
    {"sin(x)", "x", "E cos x"},
    {"cos(x)", "x", "-E sin x"},
    {"1/x", "x", "-E/x^2"},
    {"sqrt(x)", "x", "E/(2 sqrt(x))"},
    {"x*x", "x", "2 E x"},
    {"(w + b)*(b + 1)", "b", "E (w+2 b+1)"},
    {"relu(x)", "x", "x > 0 ? E : 0"},
    {"(y - t)^2/2", "y", "E (y-t)"},
    {"s = sigmoid(w*x + b); v*s", "w", "E x v s (1-s)"},
    {"p = softmax(q); -sum(truth*log(p))", "q", "E (p-truth)"},
    {"sum(truth)*s", "s", "E"},
    {"sum(half)*s", "s", "E sum(half)"},
    {"sum(sum(pairs, axis=0)*s)", "s", "E sum(sum(pairs))"},
    {"sum(exp(truth)*q)", "q", "E e^truth"},
    {"max(parts)*s", "s", "E max(parts)"},
    {"sum(truth*truth)*s", "s", "E sum(truth^2)"},
    {"sum(one)*s", "s", "E sum(one)"},
};

START_TEST(gradients_read_as_in_the_documents) {
  const known *k = &gradients[_i];
  dz__trace t;
  dz__symbols s;
  make(recorded(tape, k->program), &t, &s);
  expect_text(&s.node[place_of(&t, k->by)].gradient, k->gradient, k->program);
  dz__symbols_free(&s);
  dz__trace_free(&t);
}
END_TEST

static const known partials[] = {
    {"x + y", "x", "1"},
    {"x - y", "y", "-1"},
    {"x * y", "x", "y"},
    {"x / y", "x", "1/y"},
    {"x / y", "y", "-z/y"},
    {"x^2", "x", "2 x"},
    {"exp(x)", "x", "z"},
    {"log(x)", "x", "1/x"},
    {"tanh(x)", "x", "1 - z^2"},
    {"sqrt(x)", "x", "1/(2 z)"},
    {"max(x, y)", "x", "x > y ? 1 : 0"},
};

START_TEST(local_partials_are_the_tables_text) {
  const known *k = &partials[_i];
  dz__trace t;
  dz__symbols s;
  make(recorded(tape, k->program), &t, &s);
  const dz__seen *x = &t.seen[place_of(&t, k->by)];
  expect_text(&s.use[x->first].partial, k->gradient, k->program);
  dz__symbols_free(&s);
  dz__trace_free(&t);
}
END_TEST

/* What is known by numbers only is told: tanh' has two forms in the table, probabilities sum to 1. */
START_TEST(guesses_are_told) {
  static const struct {
    const char *program;
    size_t guesses, value,
        gradient; /* all there are, those of the result's value, of the first leaf's gradient */
  } cases[] = {{"sigmoid(x)", 0, 0, 0},
               {"a^2/(a^2 + exp(a*x))", 0, 0, 0},
               {"tanh(x)", 3, 0, 1}, /* of x, its only use, and the partial there */
               {"p = softmax(q); -sum(truth*log(p))", 6, 0, 1},
               {"(x > 1 ? sin(x)/cos(x) : tan(x))*(y > 1 ? sin(y)/cos(y) : tan(y))", 26, 2, 3}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    dz__trace t;
    dz__symbols s;
    dz_tape_clear(tape);
    make(recorded(tape, cases[i].program), &t, &s);
    if (s.guesses != cases[i].guesses || s.node[t.nseen - 1].value.guesses != cases[i].value ||
        s.node[0].gradient.guesses != cases[i].gradient)
      ck_abort_msg("%s: %zu, %zu, %zu", cases[i].program, s.guesses, s.node[t.nseen - 1].value.guesses,
                   s.node[0].gradient.guesses);
    dz__symbols_free(&s);
    dz__trace_free(&t);
  }
}
END_TEST

/* ---- names ---- */

START_TEST(names_are_found_that_are_free) {
  dz__trace t;
  dz__symbols s;
  make(recorded(tape, "z = x + 1; E = exp(z); v1 = E*E; v1 + sin(x*y)"), &t, &s);
  ck_assert_str_eq(s.result, "f");
  ck_assert_str_eq(s.seed, "G");
  ck_assert_str_eq(s.node[place_of(&t, "v1")].name, "v1");
  for (size_t i = 0; i < t.nseen; i++)
    for (size_t j = 0; j < i; j++) ck_assert_str_ne(s.node[i].name, s.node[j].name);
  dz__symbols_free(&s);
  dz__trace_free(&t);
}
END_TEST

static void expect_fixed(const char *program, const char *constants, const char *name, bool fixed) {
  dz__trace t;
  dz__symbols s;
  dz_tape_clear(tape);
  ck_assert_int_eq(dz__trace_make(recorded(tape, program), 1000, &t), DZ_OK);
  ck_assert_int_eq(dz__trace_share(&t), DZ_OK);
  ck_assert_int_eq(dz__symbols_make(&t, &(dz__symbol_options){.constants = constants}, &s), DZ_OK);
  ck_assert_msg(s.node[place_of(&t, name)].fixed == fixed, "%s in %s", name, program);
  dz__symbols_free(&s);
  dz__trace_free(&t);
}

/* A formula of just as many operands as may be is shown. */
START_TEST(formulas_of_so_many_parts) {
  const dz_var y = recorded(tape, "x*y + w");
  for (size_t most = 1; most < 8; most++) {
    dz__trace t;
    dz__symbols s;
    ck_assert_int_eq(dz__trace_make(y, 1000, &t), DZ_OK);
    ck_assert_int_eq(dz__symbols_make(&t, &(dz__symbol_options){.most = most}, &s), DZ_OK);
    ck_assert_int_eq(s.node[t.nseen - 1].value.is.tape != NULL, most >= 3);
    ck_assert_int_eq(s.node[t.nseen - 2].value.is.tape != NULL, most >= 2);
    dz__symbols_free(&s);
    dz__trace_free(&t);
  }
}
END_TEST

START_TEST(constants_stand_as_numbers) {
  expect_fixed("a^2/(a^2 + exp(a*x))", NULL, "a", true);
  expect_fixed("a^2/(a^2 + exp(a*x))", NULL, "x", false);
  expect_fixed("a^2/(a^2 + exp(a*x))", "", "a", false);
  expect_fixed("a^2/(a^2 + exp(a*x))", "x,a", "x", true);
  expect_fixed("a*x", NULL, "a", false);     /* used but once */
  expect_fixed("a*a + a", NULL, "a", false); /* there would be nothing left */
}
END_TEST

/* ---- formulas have the values of the sweep ---- */

static const char *const programs[] = {
    "a^2/(a^2 + exp(a*x))",
    "x^2*y + y/(w + x) + w^x",
    "sin(x)*cos(y) + tan(x*y)",
    "log(1 + x^2)/sqrt(y)",
    "s = x*y; t = s + 1; s*t + exp(-s)",
    "tanh(w*x + b)*sigmoid(v*y)",
    "max(x, y)*min(x, y) + abs(v)",
    "relu(x)*relu(v) + clamp(y, 0, 2)",
    "x > y ? x*y : x/y",
    "atan2(y, x) + hypot(x, y)",
    "erf(x)*softplus(y) - log_sigmoid(w)",
    "cbrt(x*y) + x^(-3) + 2^y",
    "x*x*x - x/x",
};

/* A value of zero times what rounding does to numbers of the graph's size is far below this. */
static bool same(double x, double y, double bound) { return x == y || fabs(x - y) <= 64 * bound + 0x1p-50; }

static void expect_value(const dz__formal *f, double want, const char *what) {
  if (!f->is.tape || want != want) return;
  double got = dz_value(f->is);
  ck_assert_msg(same(got, want, rounding(f->is)), "%s: %.17g, the sweep has %.17g", what, got, want);
}

START_TEST(formulas_have_the_values_of_the_sweep) {
  dz__trace t;
  dz__symbols s;
  size_t shown = 0;
  make(recorded(tape, programs[_i]), &t, &s);
  for (size_t i = 0; i < t.nseen; i++) {
    const dz__seen *x = &t.seen[i];
    expect_value(&s.node[i].value, x->value[0], programs[_i]);
    if (x->adjoint) expect_value(&s.node[i].gradient, x->adjoint[0], programs[_i]);
    shown += s.node[i].gradient.is.tape != NULL;
    for (uint32_t j = x->first; j != DZ__NONE; j = t.use[j].next) {
      const dz__use *u = &t.use[j];
      if (!u->share) continue;
      expect_value(&s.use[j].share, u->share[0], programs[_i]);
      if (s.use[j].partial.is.tape)
        expect_value(&s.use[j].partial, u->share[0] / t.seen[u->user].adjoint[0], programs[_i]);
    }
  }
  ck_assert_uint_gt(shown, t.nseen / 2);
  dz__symbols_free(&s);
  dz__trace_free(&t);
}
END_TEST

/* |u| sign(u) is u, with the slope 1; where u is 0 the sweep says 0, as sign does, and there is no formula,
   of the first node either. */
START_TEST(no_formula_contradicts_the_sweep) {
  for (int tie = 0; tie < 2; tie++) {
    dz__trace t;
    dz__symbols s;
    dz_tape_clear(tape);
    make(recorded(tape, tie ? "u = x - 1.5; abs(u)*sign(u)" : "u = x - 1; abs(u)*sign(u)"), &t, &s);
    ck_assert_uint_eq(place_of(&t, "x"), 0);
    ck_assert(t.seen[0].adjoint[0] == (tie ? 0 : 1));
    ck_assert_int_eq(s.node[0].gradient.is.tape == NULL, tie);
    ck_assert_int_eq(s.node[place_of(&t, "u")].gradient.is.tape == NULL, tie);
    dz__symbols_free(&s);
    dz__trace_free(&t);
  }
}
END_TEST

/* However small the number is, and whatever is infinite beside it; a formula that is no number at the point
   is none that contradicts. */
START_TEST(what_contradicts_the_sweep) {
  static const struct {
    const char *program, *by;
    bool shown;
  } cases[] = {{"u = x - 1.5; abs(u)*sign(u)*1e-6", "x", false},
               {"u = x - 1.4; abs(u)*sign(u)*1e-6", "x", true},
               {"u = x - 1.5; abs(u)*sign(u) + (1/(y - 2.5) > 0 ? 0 : 1)", "x", false},
               {"u = x - 1.5; u^y", "y", true}};
  for (size_t k = 0; k < COUNT(cases); k++) {
    dz__trace t;
    dz__symbols s;
    dz_tape_clear(tape);
    make(recorded(tape, cases[k].program), &t, &s);
    ck_assert_msg((s.node[place_of(&t, cases[k].by)].gradient.is.tape != NULL) == cases[k].shown, "%s",
                  cases[k].program);
    dz__symbols_free(&s);
    dz__trace_free(&t);
  }
  for (int tie = 0; tie < 2; tie++) { /* nor does a local partial */
    dz__trace t;
    dz__symbols s;
    dz_tape_clear(tape);
    make(recorded(tape, tie ? "max(x, y - 1)" : "max(x, y - 2)"), &t, &s);
    ck_assert_int_eq(s.use[t.seen[place_of(&t, "x")].first].partial.is.tape == NULL, tie);
    dz__symbols_free(&s);
    dz__trace_free(&t);
  }
}
END_TEST

/* Terms that cancel leave what rounding is to them, which is much beside the rest: x/7, to a 64th. */
START_TEST(rounding_is_no_contradiction) {
  dz__trace t;
  dz__symbols s;
  make(recorded(tape, "z = (x/7 + 1e14) - 1e14"), &t, &s);
  const size_t z = place_of(&t, "z");
  ck_assert_double_ge(fabs(t.seen[z].value[0] - 1.5 / 7), 1e-3);
  ck_assert(dz_valid(s.node[z].value.is));
  expect_text(&s.node[z].value, "x/7", "z");
  dz__symbols_free(&s);
  dz__trace_free(&t);
}
END_TEST

/* ---- the formats ---- */

static void expect_format(dz_var x, dz__format format, const char *want) {
  dz_allocator a = dz__allocator(NULL);
  dz__text t = dz__set(x, &(dz__set_options){.format = format}, &a);
  ck_assert_str_eq(t.at, want);
  dz__text_free(&t, &a);
}

START_TEST(one_formula_in_each_format) {
  dz_var x = named(dz_input(tape, 2), "x"), y = named(dz_input(tape, 3), "y1");
  dz_var f = dz_div(dz_neg(dz_exp(dz_neg(x))), dz_pow(dz_add(1, y), 2));
  expect_format(f, DZ__SET_TEXT, "-e^(-x)/(1+y1)^2");
  expect_format(f, DZ__SET_LATEX, "-\\frac{{e}^{-x}}{{\\left(1 + y_{1}\\right)}^{2}}");
  expect_format(f, DZ__SET_MATHML,
                "<mo>\u2212</mo><mfrac><mrow><msup><mrow><mi>e</mi></mrow><mrow><mo>\u2212</mo><mi>x</mi>"
                "</mrow></msup></mrow><mrow><msup><mrow><mo>(</mo><mn>1</mn><mo>+</mo><msub><mi>y</mi>"
                "<mn>1</mn></msub><mo>)</mo></mrow><mrow><mn>2</mn></mrow></msup></mrow></mfrac>");
}
END_TEST

START_TEST(names_are_escaped) {
  dz_var x = named(dz_input(tape, 2), "a<b>&\"\\\n"), y = named(dz_input(tape, 3), "重み");
  expect_format(dz_mul(x, y), DZ__SET_MATHML,
                "<mi>a&lt;b&gt;&amp;&quot;\\ </mi><mo>\u2062</mo><mi>重み</mi>");
  expect_format(dz_mul(x, y), DZ__SET_HTML, "<I>a&lt;b&gt;&amp;&quot;&#92;&#92; </I>\u2009重み");
}
END_TEST

START_TEST(e_is_not_two_things) {
  dz_var e = named(dz_input(tape, 2), "e");
  expect_format(dz_exp(e), DZ__SET_TEXT, "exp(e)");
}
END_TEST

/* ---- sharing ---- */

START_TEST(equal_operations_are_one) {
  dz__trace t;
  ck_assert_int_eq(dz__trace_make(recorded(tape, "a^2/(a^2 + exp(a*x))"), 1000, &t), DZ_OK);
  ck_assert_uint_eq(t.nseen, 8);
  ck_assert_int_eq(dz__trace_share(&t), DZ_OK);
  ck_assert_uint_eq(t.nseen, 7);
  ck_assert_uint_eq(t.waves, 4);
  ck_assert_uint_eq(t.backs, 4);
  const dz__seen *a = &t.seen[place_of(&t, "a")], *square = &t.seen[t.use[a->first].user];
  ck_assert_str_eq(square->is.op, "pow");
  ck_assert_uint_eq(square->uses, 2);
  ck_assert_uint_eq(a->uses, 2);
  /* the sum of what both had */
  double sum = t.use[square->first].share[0] + t.use[t.use[square->first].next].share[0];
  ck_assert_double_eq(square->adjoint[0], sum);
  dz__trace_free(&t);
}
END_TEST

START_TEST(definitions_stay_apart) {
  dz__trace t;
  ck_assert_int_eq(dz__trace_make(recorded(tape, "p = x*y; q2 = x*y; p + q2 + x*y"), 1000, &t), DZ_OK);
  ck_assert_int_eq(dz__trace_share(&t), DZ_OK);
  ck_assert_uint_eq(t.nseen, 6);
  dz__trace_free(&t);
}
END_TEST

/* ---- memory ---- */

START_TEST(every_allocation_may_fail) {
  failing f = {0};
  dz_allocator a = failing_allocator(&f);
  dz_tape *t = dz_tape_new(&a);
  dz_var y = _i ? recorded(t, "sum(half)*s") : sigmoid_by_hand(t);
  ck_assert_int_eq(dz_backward(y), DZ_OK);
  dz__trace trace;
  ck_assert_int_eq(dz__trace_make(y, 1000, &trace), DZ_OK);
  size_t blocks = f.blocks, k = 0, step = 1, only = 0;
  for (dz_status status = DZ_ERR_MEMORY; status != DZ_OK; k += step, step += step / 8) {
    dz__symbols s;
    f.at = f.calls + 1 + k;
    status = dz__symbols_make(&trace, &(dz__symbol_options){0}, &s);
    ck_assert_int_eq(status, f.calls >= f.at ? DZ_ERR_MEMORY : DZ_OK);
    f.at = 0;
    if (!status) dz__symbols_free(&s);
    ck_assert_uint_eq(f.blocks, blocks);
  }
  for (bool failed = true; failed;) { /* one alone */
    dz__symbols s;
    f.only = f.calls + ++only;
    const size_t before = f.failed;
    const dz_status status = dz__symbols_make(&trace, &(dz__symbol_options){0}, &s);
    failed = f.failed > before;
    f.only = 0;
    ck_assert(status == DZ_OK || (status == DZ_ERR_MEMORY && failed));
    if (!status) ck_assert(s.seed && s.result);
    for (size_t i = 0; !status && i < trace.nseen; i++)
      ck_assert(s.node[i].value.is.tape && (!trace.seen[i].adjoint || s.node[i].gradient.is.tape));
    if (!status) dz__symbols_free(&s);
    ck_assert_uint_eq(f.blocks, blocks);
  }
  dz__trace_free(&trace);
  dz_tape_free(t);
  ck_assert_uint_eq(f.blocks, 0);
}
END_TEST

SUITE_ON_TAPE(EACH(gradients_read_as_in_the_documents, COUNT(gradients)),
              EACH(local_partials_are_the_tables_text, COUNT(partials)),
              EACH(formulas_have_the_values_of_the_sweep, COUNT(programs)), ONCE(guesses_are_told),
              ONCE(no_formula_contradicts_the_sweep), ONCE(rounding_is_no_contradiction),
              ONCE(what_contradicts_the_sweep), ONCE(names_are_found_that_are_free),
              ONCE(constants_stand_as_numbers), ONCE(formulas_of_so_many_parts),
              ONCE(one_formula_in_each_format), ONCE(names_are_escaped), ONCE(e_is_not_two_things),
              ONCE(equal_operations_are_one), ONCE(definitions_stay_apart),
              EACH(every_allocation_may_fail, 2))
