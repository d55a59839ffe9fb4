/* How formulas are set: parentheses, products, fractions within fractions, one number for a whole tensor;
   what cannot be set, and memory that runs out. */
#include "dz/derive.h"
#include "dz/lang.h"
#include "show/setting.h"

#include "drawn.h"

static dz_var recorded(const char *program) {
  named(dz_input(tape, 2), "x");
  named(dz_input(tape, 3), "y");
  const dz_var z = dz_expr(tape, program);
  ck_assert_msg(dz_valid(z), "%s", dz_tape_error(tape)->message);
  return z;
}

/* Graphviz's markup without tags: the cells of a fraction one after another, what is above first. */
static const struct {
  const char *program, *text, *latex, *html;
  bool cells;
} cases[] = {
    {"(x + y)*x", "(x+y) x", "\\left(x + y\\right)\\,x", "(x\u00a0+\u00a0y)\u2009x", false},
    {"(x + y)*(x/y)", "(x+y) x/y", "\\left(x + y\\right)\\,\\frac{x}{y}", "(x\u00a0+\u00a0y)xy", true},
    {"x/y*(x + y)", "x/y (x+y)", "\\frac{x}{y}\\,\\left(x + y\\right)", "xy(x\u00a0+\u00a0y)", true},
    {"x + x/y", "x + x/y", "x + \\frac{x}{y}", "x\u00a0+\u00a0xy", true},
    {"x/y - y", "x/y - y", "\\frac{x}{y} - y", "xy\u00a0\u2212\u00a0y", true},
    {"x/(1 + x/y)", "x/(1+x/y)", "\\frac{x}{1 + \\frac{x}{y}}", "x1\u00a0+\u00a0xy", true},
    {"x/y/(1 + y)", "x/y/(1+y)", "\\frac{\\frac{x}{y}}{1 + y}", "xy1\u00a0+\u00a0y", true},
    {"-x/y", "-x/y", "-\\frac{x}{y}", "\u2212xy", true},
    {"-2*x/y", "-2 x/y", "-\\frac{2x}{y}", "\u22122xy", true},
    {"-(x/y)/x", "-x/y/x", "-\\frac{\\frac{x}{y}}{x}", "\u2212xyx", true},
    {"2*3*x", "6 x", "6x", "6x", false},
};

static char *set_as(dz_var z, dz__format format, const char *color, bool *cells) {
  const dz__set_options o = {.format = format, .color = color};
  const dz_allocator a = dz_system_allocator();
  dz__text t = dz__set(z, &o, &a);
  ck_assert_ptr_nonnull(t.at);
  char *copy = strdup(t.at);
  if (cells) *cells = t.cells;
  dz__text_free(&t, &a);
  return copy;
}

static void expect_set(char *got, const char *want) {
  if (strcmp(got, want) != 0) ck_abort_msg("%s, not %s", got, want);
  free(got);
}

static char *plain(const char *marked) {
  text t = {0}, whole = {0};
  text_add(&t, marked, strlen(marked));
  text_add(&t, ">", 1);
  text_add(&whole, "", 0);
  markup(t.at, &whole);
  free(t.at);
  return whole.at;
}

START_TEST(arithmetic) {
  const dz_var z = recorded(cases[_i].program);
  bool cells;
  expect_set(set_as(z, DZ__SET_TEXT, NULL, NULL), cases[_i].text);
  expect_set(set_as(z, DZ__SET_LATEX, NULL, NULL), cases[_i].latex);
  char *const marked = set_as(z, DZ__SET_HTML, NULL, &cells);
  expect_set(plain(marked), cases[_i].html);
  ck_assert_int_eq(cells, cases[_i].cells);
  free(marked);
}
END_TEST

/* A number stands close before a name; a dot keeps numbers from what is before them, and a space all else. */
static const struct {
  const char *factor[4], *text, *html, *latex, *mathml;
} products[] = {
    {{"9", "y"}, "9 y", "9y", "9y", "<mn>9</mn><mo>\u2062</mo><mi>y</mi>"},
    {{"10", "y"}, "10 y", "10y", "10y", "<mn>10</mn><mo>\u2062</mo><mi>y</mi>"},
    {{"-2.5", "y"}, "-2.5 y", "\u22122.5y", "-2.5y", "<mo>\u2212</mo><mn>2.5</mn><mo>\u2062</mo><mi>y</mi>"},
    {{"y", "9"}, "y * 9", "y·9", "y \\cdot 9", "<mi>y</mi><mo>·</mo><mn>9</mn>"},
    {{"y", "0"}, "y * 0", "y·0", "y \\cdot 0", "<mi>y</mi><mo>·</mo><mn>0</mn>"},
    {{"y", "x"}, "y x", "y\u2009x", "y\\,x", "<mi>y</mi><mo>\u2062</mo><mi>x</mi>"},
    {{"2", "x", "9", "y"},
     "2 x * 9 y",
     "2x·9\u2009y",
     "2x \\cdot 9\\,y",
     "<mn>2</mn><mo>\u2062</mo><mi>x</mi><mo>·</mo><mn>9</mn><mo>\u2062</mo><mi>y</mi>"},
    {{"2", "À", "9", "y"},
     "2 À * 9 y",
     "2À·9\u2009y",
     "2\\text{À} \\cdot 9\\,y",
     "<mn>2</mn><mo>\u2062</mo><mi>À</mi><mo>·</mo><mn>9</mn><mo>\u2062</mo><mi>y</mi>"},
};

static dz_var factor(const char *of) {
  double v;
  dz_number_kind kind;
  const size_t sign = of[0] == '-';
  if (dz_number_read(of + sign, strlen(of + sign), &v, &kind)) return dz_num(sign ? -v : v);
  const dz_var old = dz_named(tape, of);
  return dz_valid(old) ? old : named(dz_input(tape, 2), of);
}

START_TEST(factors) {
  dz_var z = dz_mul(factor(products[_i].factor[0]), factor(products[_i].factor[1]));
  for (int k = 2; k < 4 && products[_i].factor[k]; k++) z = dz_mul(z, factor(products[_i].factor[k]));
  expect_set(set_as(z, DZ__SET_TEXT, NULL, NULL), products[_i].text);
  char *const marked = set_as(z, DZ__SET_HTML, NULL, NULL);
  expect_set(plain(marked), products[_i].html);
  expect_set(set_as(z, DZ__SET_LATEX, NULL, NULL), products[_i].latex);
  expect_set(set_as(z, DZ__SET_MATHML, NULL, NULL), products[_i].mathml);
  free(marked);
}
END_TEST

/* What is added to a sum stands in parentheses where it is one itself, or begins with a sign. */
START_TEST(sums_of_sums) {
  const dz_var x = named(dz_input(tape, 2), "x"), y = named(dz_input(tape, 3), "y");
  expect_set(set_as(dz_add(x, dz_neg(y)), DZ__SET_TEXT, NULL, NULL), "x + (-y)");
  expect_set(set_as(dz_sub(x, dz_neg(y)), DZ__SET_TEXT, NULL, NULL), "x - (-y)");
  expect_set(set_as(dz_add(x, dz_add(y, 1)), DZ__SET_TEXT, NULL, NULL), "x + (y+1)");
  expect_set(set_as(dz_add(dz_add(x, y), 1), DZ__SET_TEXT, NULL, NULL), "x + y + 1");
  expect_set(set_as(dz_add(dz_neg(x), y), DZ__SET_TEXT, NULL, NULL), "-x + y");
}
END_TEST

/* Functions of textbooks need no parentheses before a name or a power. */
static const struct {
  const char *program, *text;
} calls[] = {{"log(x)", "ln x"},         {"sin(x)", "sin x"},
             {"cos(x)", "cos x"},        {"tan(x)", "tan x"},
             {"sinh(x)", "sinh x"},      {"cosh(x)", "cosh x"},
             {"tanh(x)", "tanh x"},      {"asin(x - 2)", "arcsin(x-2)"},
             {"asin(x)", "arcsin x"},    {"acos(x)", "arccos x"},
             {"atan(x)", "arctan x"},    {"sin(x^2)", "sin x^2"},
             {"sin(x*y)", "sin(x y)"},   {"sigmoid(x)", "σ(x)"},
             {"tgamma(x)", "Γ(x)"},      {"lgamma(x)", "ln Γ(x)"},
             {"digamma(x)", "ψ(x)"},     {"max(x, y)", "max(x, y)"},
             {"min(x, y)", "min(x, y)"}, {"erf(x)", "erf(x)"}};

START_TEST(functions) {
  expect_set(set_as(recorded(calls[_i].program), DZ__SET_TEXT, NULL, NULL), calls[_i].text);
}
END_TEST

/* The line of a fraction is black unless another colour is asked for. */
START_TEST(colours_of_fractions) {
  const dz_var z = recorded("x/y");
  char *black = set_as(z, DZ__SET_HTML, NULL, NULL), *red = set_as(z, DZ__SET_HTML, "#c5221f", NULL);
  ck_assert(strstr(black, "COLOR=\"#111111\"") && !strstr(black, "#c5221f"));
  ck_assert(strstr(red, "COLOR=\"#c5221f\"") && !strstr(red, "#111111"));
  free(black);
  free(red);
}
END_TEST

START_TEST(one_number_for_all) {
  const dz_var one = dz_leaf_tensor(tape, DZ_ROLE_CONST, DIMS(1), V(3)), s = dz_const(tape, 4),
               x = named(dz_input(tape, 2), "x");
  const size_t four = 4;
  expect_set(set_as(dz_broadcast_to(one, 1, &four), DZ__SET_LATEX, NULL, NULL), "\\mathbf{3}");
  expect_set(set_as(dz_broadcast_to(s, 1, &four), DZ__SET_LATEX, NULL, NULL), "\\mathbf{4}");
  expect_set(set_as(dz_broadcast_to(x, 1, &four), DZ__SET_LATEX, NULL, NULL), "x");
}
END_TEST

/* Names of any signs, letters and digits; bytes that are no character; the sign of zero. */
static const struct {
  const char *name, *text, *html, *latex, *mathml;
} signs[] = {
    {"#$%&_{}^~\\]<>\"ģ", "#$%&_{}^~\\]<>\"ģ", "<I>#$%&amp;_{}^~&#92;&#92;&#93;&lt;&gt;&quot;ģ</I>",
     "\\mathit{\\#\\$\\%\\&\\_\\{\\}\\,\\,\\backslash ]<>\"ģ}", "<mi>#$%&amp;_{}^~\\]&lt;&gt;&quot;ģ</mi>"},
    {"a\xff"
     "b",
     "a\uFFFDb", "<I>a\uFFFDb</I>", "\\mathit{a\uFFFDb}", "<mi>a\uFFFDb</mi>"},
    {"12", "12", "<I>1</I><SUB><FONT POINT-SIZE=\"12\">2</FONT></SUB>", "1_{2}",
     "<msub><mi>1</mi><mn>2</mn></msub>"},
    {"ab", "ab", "<I>ab</I>", "\\mathit{ab}", "<mi>ab</mi>"},
    {"a", "a", "<I>a</I>", "a", "<mi>a</mi>"},
    {"aé", "aé", "<I>aé</I>", "\\mathit{aé}", "<mi>aé</mi>"},
    {"éa", "éa", "éa", "\\text{éa}", "<mi>éa</mi>"},
};

static void expect_name(const char *name, dz__format format, const char *want) {
  const dz__set_options o = {.format = format};
  const dz_allocator a = dz_system_allocator();
  dz__text t = dz__set_name(name, &o, &a);
  ck_assert_str_eq(t.at, want);
  dz__text_free(&t, &a);
}

START_TEST(names_in_each_format) {
  expect_name(signs[_i].name, DZ__SET_TEXT, signs[_i].text);
  expect_name(signs[_i].name, DZ__SET_HTML, signs[_i].html);
  expect_name(signs[_i].name, DZ__SET_LATEX, signs[_i].latex);
  expect_name(signs[_i].name, DZ__SET_MATHML, signs[_i].mathml);
}
END_TEST

/* Pictures show no sign of zero. */
START_TEST(signs_of_zero) {
  static const char *const want[] = {"-0", "0", "-0", "<mo>\u2212</mo><mn>0</mn>"};
  expect_set(set_as(dz_num(-0.0), (dz__format)_i, NULL, NULL), want[_i]);
}
END_TEST

/* Only spaces beside a sign go, be the sign a name's, and the space the last. */
START_TEST(sums_in_parentheses) {
  const dz_var x = named(dz_input(tape, 2), "x"), y = named(dz_input(tape, 3), "y -"),
               z = named(dz_input(tape, 3), "z "), w = named(dz_input(tape, 3), "a b");
  expect_set(set_as(dz_mul(dz_add(1, y), x), DZ__SET_TEXT, NULL, NULL), "(1+y-) x");
  expect_set(set_as(dz_mul(dz_add(1, z), x), DZ__SET_TEXT, NULL, NULL), "(1+z ) x");
  expect_set(set_as(dz_mul(dz_add(1, w), x), DZ__SET_TEXT, NULL, NULL), "(1+a b) x");
}
END_TEST

/* A name stands for a leaf, not for an operation. */
START_TEST(names_of_leaves) {
  const dz_var x = named(dz_input(tape, 2), "x"), y = named(dz_input(tape, 3), "y");
  expect_set(set_as(x, DZ__SET_TEXT, NULL, NULL), "x");
  expect_set(set_as(named(dz_mul(x, y), "p"), DZ__SET_TEXT, NULL, NULL), "x y");
}
END_TEST

/* A formula of the other side has the matrix transposed. */
START_TEST(systems) {
  const dz_var A = named(dz_leaf_tensor(tape, DZ_ROLE_INPUT, DIMS(2, 2), V(4, 1, 2, 3)), "A"),
               b = named(dz_leaf_tensor(tape, DZ_ROLE_INPUT, DIMS(2), V(1, 2)), "b");
  dz_var g;
  const dz_var y = dz_solve(A, b);
  expect_set(set_as(y, DZ__SET_TEXT, NULL, NULL), "solve(A, b)");
  ck_assert_int_eq(dz_grad_with(y, b, 1, &b, &g), DZ_OK);
  expect_set(set_as(g, DZ__SET_TEXT, NULL, NULL), "solve(A', b)");
}
END_TEST

START_TEST(what_is_no_node) {
  const dz_allocator a = dz_system_allocator();
  const dz__set_options o = {0};
  ck_assert_ptr_null(dz__set((dz_var){0}, &o, &a).at);
  ck_assert_ptr_null(dz__set((dz_var){.tape = tape, .id = DZ__NONE}, &o, &a).at);
  expect_set(set_as(dz_num(2.5), DZ__SET_TEXT, NULL, NULL), "2.5");
}
END_TEST

/* With names of every length, so that room runs out in every place. */
START_TEST(each_allocation_may_fail) {
  for (int n = 1; n < 40; n++) {
    char name[41] = "";
    dz_tape_clear(tape);
    memset(name, 'a', (size_t)n);
    const dz_var x = named(dz_input(tape, 2), name), y = named(dz_input(tape, 3), "y");
    const dz_var z = dz_mul(dz_add(x, y), dz_add(y, x));
    bool done = false;
    for (size_t at = 1; !done; at++) {
      failing f = {.at = at};
      const dz_allocator a = failing_allocator(&f);
      const dz__set_options o = {.format = (dz__format)_i};
      dz__text t = dz__set(z, &o, &a);
      done = t.at != NULL;
      ck_assert_int_eq(done, f.failed == 0);
      dz__text_free(&t, &a);
      ck_assert(f.blocks == 0 && f.bytes == 0);
    }
  }
}
END_TEST

SUITE_ON_TAPE(EACH(arithmetic, COUNT(cases)), EACH(factors, COUNT(products)), ONCE(sums_of_sums),
              EACH(functions, COUNT(calls)), ONCE(colours_of_fractions), ONCE(one_number_for_all),
              EACH(names_in_each_format, COUNT(signs)), EACH(signs_of_zero, 4), ONCE(sums_in_parentheses),
              ONCE(names_of_leaves), ONCE(systems), ONCE(what_is_no_node), EACH(each_allocation_may_fail, 4))
