/* Functions and other signs in formulas. */
#include "show/glyph.h"

#include <string.h>

/* ---- functions ---- */

typedef struct function {
  const char *op, *name;
  bool bare; /* a simple operand needs no parentheses: ln x */
} function;

static const function functions[] = {
    {"log", "ln", true},     {"sin", "sin", true},     {"cos", "cos", true},     {"tan", "tan", true},
    {"sinh", "sinh", true},  {"cosh", "cosh", true},   {"tanh", "tanh", true},   {"sigmoid", "σ", false},
    {"fmax", "max", false},  {"fmin", "min", false},   {"tgamma", "Γ", false},   {"lgamma", "ln Γ", false},
    {"digamma", "ψ", false}, {"asin", "arcsin", true}, {"acos", "arccos", true}, {"atan", "arctan", true},
};

static function function_of(const char *op) {
  for (size_t k = 0; k < sizeof functions / sizeof *functions; k++)
    if (strcmp(functions[k].op, op) == 0) return functions[k];
  return (function){op, op, false};
}

static dz__span function_name(dz__setter *s, const char *name) {
  static const char *const open[] = {"", "", "\\operatorname{", "<mi>"}, *const close[] = {"", "", "}",
                                                                                           "</mi>"};
  size_t start = dz__glyph_here(s);
  dz__glyph_say(s, dz__glyph_pick(s, open));
  dz__glyph_escaped(s, name, strlen(name));
  dz__glyph_say(s, dz__glyph_pick(s, close));
  return dz__glyph_since(s, start);
}

static dz__glyph call(dz__setter *s, const char *op, const dz__glyph *in, int n) {
  static const char *const apply[] = {"%a %b", "%a\u2009%b", "%a %b", "%a<mo>\u2061</mo>%b"};
  static const char *const comma[] = {"%a, %b", "%a,\u00a0%b", "%a, %b", "%a<mo>,</mo>%b"};
  function f = function_of(op);
  dz__span name = function_name(s, f.name), list = in[0].text;
  if (n == 1 && f.bare && in[0].power >= POWER)
    return (dz__glyph){dz__glyph_form(s, dz__glyph_pick(s, apply), name, list, dz__no_span), dz__no_span,
                       APPLY};
  for (int k = 1; k < n; k++)
    list = dz__glyph_form(s, dz__glyph_pick(s, comma), list, in[k].text, dz__no_span);
  dz__span args = dz__glyph_closed(s, list);
  return (dz__glyph){dz__glyph_form(s, "%a%b", name, args, dz__no_span), dz__no_span, ATOM};
}

static dz__glyph size(dz__setter *s, const dz__glyph *a) {
  static const char *const bars[] = {"|%a|", "|%a|", "\\left|%a\\right|", "<mo>|</mo>%a<mo>|</mo>"};
  return (dz__glyph){dz__glyph_form(s, dz__glyph_pick(s, bars), a->text, dz__no_span, dz__no_span),
                     dz__no_span, ATOM};
}

static dz__glyph choice(dz__setter *s, const dz__glyph *c, const dz__glyph *a, const dz__glyph *b) {
  static const char *const t[] = {"%a ? %b : %c", "%a\u00a0?\u00a0%b\u00a0:\u00a0%c",
                                  "%a \\mathbin{?} %b : %c", "%a<mo>?</mo>%b<mo>:</mo>%c"};
  dz__span x = dz__glyph_fit(s, c, COMPARE), y = dz__glyph_fit(s, a, SUM), z = dz__glyph_fit(s, b, SUM);
  return (dz__glyph){dz__glyph_form(s, dz__glyph_pick(s, t), x, y, z), dz__no_span, CHOICE};
}

static bool comparison(dz__setter *s, const char *op, const dz__glyph *in, dz__glyph *r) {
  static const char *const ops[] = {"lt", "le", "gt", "ge", "eq", "ne", "and", "or"};
  static const char *const t[][4] = {{"%a < %b", "%a\u00a0&lt;\u00a0%b", "%a < %b", "%a<mo>&lt;</mo>%b"},
                                     {"%a <= %b", "%a\u00a0≤\u00a0%b", "%a \\le %b", "%a<mo>≤</mo>%b"},
                                     {"%a > %b", "%a\u00a0&gt;\u00a0%b", "%a > %b", "%a<mo>&gt;</mo>%b"},
                                     {"%a >= %b", "%a\u00a0≥\u00a0%b", "%a \\ge %b", "%a<mo>≥</mo>%b"},
                                     {"%a == %b", "%a\u00a0=\u00a0%b", "%a = %b", "%a<mo>=</mo>%b"},
                                     {"%a != %b", "%a\u00a0≠\u00a0%b", "%a \\ne %b", "%a<mo>≠</mo>%b"},
                                     {"%a and %b", "%a\u00a0∧\u00a0%b", "%a \\land %b", "%a<mo>∧</mo>%b"},
                                     {"%a or %b", "%a\u00a0∨\u00a0%b", "%a \\lor %b", "%a<mo>∨</mo>%b"}};
  for (size_t k = 0; k < sizeof ops / sizeof *ops; k++)
    if (strcmp(op, ops[k]) == 0) return *r = dz__glyph_two(s, t[k], &in[0], SUM, &in[1], SUM, COMPARE), true;
  return false;
}

static dz__glyph matrix_product(dz__setter *s, const dz__glyph *a, const dz__glyph *b) {
  static const char *const t[] = {"%a @ %b", "%a\u2009%b", "%a\\,%b", "%a<mo>\u2062</mo>%b"};
  return dz__glyph_two(s, t, a, PRODUCT, b, APPLY, PRODUCT);
}

static dz__glyph total(dz__setter *s, const dz__glyph *a) {
  static const char *const t[] = {"sum(%a)", "Σ\u2009%a", "\\sum %a", "<mo>∑</mo>%a"};
  dz__span x = s->how->format == DZ__SET_TEXT ? a->text : dz__glyph_fit(s, a, POWER);
  return (dz__glyph){dz__glyph_form(s, dz__glyph_pick(s, t), x, dz__no_span, dz__no_span), dz__no_span,
                     s->how->format == DZ__SET_TEXT ? ATOM : APPLY};
}

dz__glyph dz__glyph_transposed(dz__setter *s, const dz__glyph *a) {
  static const char *const t[] = {"%a'", "%a%bT</FONT></SUP>", "{%a}^{\\top}",
                                  "<msup><mrow>%a</mrow><mo>⊤</mo></msup>"};
  dz__span x = dz__glyph_fit(s, a, ATOM), up = {dz__glyph_here(s), 0};
  if (s->how->format == DZ__SET_HTML) dz__glyph_script(s, "<SUP>", 3, 4);
  up = dz__glyph_since(s, up.at);
  return (dz__glyph){dz__glyph_form(s, dz__glyph_pick(s, t), x, up, dz__no_span), dz__no_span, POWER};
}

dz__glyph dz__glyph_function(dz__setter *s, const char *op, const dz__glyph *in, int n) {
  dz__glyph r;
  if (strcmp(op, "fabs") == 0) return size(s, &in[0]);
  if (strcmp(op, "where") == 0) return choice(s, &in[0], &in[1], &in[2]);
  if (strcmp(op, "matmul") == 0) return matrix_product(s, &in[0], &in[1]);
  if (strcmp(op, "sum") == 0) return total(s, &in[0]);
  if (strcmp(op, "permute") == 0) return dz__glyph_transposed(s, &in[0]);
  if (comparison(s, op, in, &r)) return r;
  return call(s, op, in, n);
}
