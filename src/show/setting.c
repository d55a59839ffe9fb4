/* Formulas, from the operands up: each node becomes a text and how tightly it binds. */
#include "show/glyph.h"

#include <string.h>

/* ---- parentheses and cells ---- */

/* Inside parentheses a sum stands close: (1-z). */
static dz__span closed(dz__setter *s, dz__span x) {
  static const char *const open[] = {"(", "(", "(", "\\left(", "<mo>(</mo>"};
  static const char *const close[] = {")", ")", ")", "\\right)", "<mo>)</mo>"};
  if (s->how->format != DZ__SET_TEXT) {
    size_t start = dz__glyph_here(s);
    dz__glyph_say(s, dz__glyph_pick(s, open));
    dz__glyph_span(s, x);
    dz__glyph_say(s, dz__glyph_pick(s, close));
    return dz__glyph_since(s, start);
  }
  size_t start = dz__glyph_here(s);
  dz__glyph_say(s, "(");
  for (size_t k = 0; k < x.size && !s->failed; k++) {
    char c = dz__glyph_at(s, x)[k], next = k + 1 < x.size ? dz__glyph_at(s, x)[k + 1] : 0,
         last = k ? dz__glyph_at(s, x)[k - 1] : 0;
    bool sign = next == '+' || next == '-' || last == '+' || last == '-';
    if (c != ' ' || !sign) dz__glyph_bytes(s, &c, 1);
  }
  dz__glyph_say(s, ")");
  return dz__glyph_since(s, start);
}

static dz__span fit(dz__setter *s, const dz__glyph *p, int least) {
  return p->power < least ? closed(s, p->text) : p->text;
}

/* What a dz__glyph looks like among cells, in parentheses where it must. */
static dz__span cells(dz__setter *s, const dz__glyph *p, int least) {
  bool paren = p->power < least;
  if (p->row.size == 0)
    return dz__glyph_form(s, "<TD>%a</TD>", paren ? closed(s, p->text) : p->text, dz__no_span, dz__no_span);
  return paren ? dz__glyph_form(s, "<TD>(</TD>%a<TD>)</TD>", p->row, dz__no_span, dz__no_span) : p->row;
}

static bool sets_fractions(const dz__setter *s) { return s->how->format == DZ__SET_HTML && !s->how->flat; }

/* ---- operations ---- */

static dz__glyph two(dz__setter *s, const char *const t[5], const dz__glyph *a, int least_a,
                     const dz__glyph *b, int least_b, int power) {
  dz__span x = fit(s, a, least_a), y = fit(s, b, least_b);
  return (dz__glyph){dz__glyph_form(s, dz__glyph_pick(s, t), x, y, dz__no_span), dz__no_span, power};
}

static dz__glyph sum(dz__setter *s, const dz__glyph *a, const dz__glyph *b, bool less) {
  static const char *const plus[] = {"%a + %b", "%a + %b", "%a\u00a0+\u00a0%b", "%a + %b", "%a<mo>+</mo>%b"};
  static const char *const minuses[] = {"%a - %b", "%a \u2212 %b", "%a\u00a0\u2212\u00a0%b", "%a - %b",
                                        "%a<mo>\u2212</mo>%b"};
  dz__glyph r = two(s, less ? minuses : plus, a, SUM, b, less ? PRODUCT : NEG + 1, SUM);
  if (sets_fractions(s) && (a->row.size || b->row.size)) {
    dz__span x = cells(s, a, SUM), y = cells(s, b, PRODUCT);
    r.row = dz__glyph_form(s, less ? "%a<TD>\u00a0\u2212\u00a0</TD>%b" : "%a<TD>\u00a0+\u00a0</TD>%b", x, y,
                           dz__no_span);
  }
  return r;
}

static dz__glyph negated(dz__setter *s, const dz__glyph *a) {
  static const char *const neg[] = {"-%a", "\u2212%a", "\u2212%a", "-%a", "<mo>\u2212</mo>%a"};
  dz__span x = fit(s, a, PRODUCT);
  dz__glyph r = {dz__glyph_form(s, dz__glyph_pick(s, neg), x, dz__no_span, dz__no_span), dz__no_span, NEG};
  if (a->row.size) {
    dz__span y = cells(s, a, PRODUCT);
    r.row = dz__glyph_form(s, "<TD>\u2212</TD>%a", y, dz__no_span, dz__no_span);
  }
  return r;
}

static bool ends_in_digit(const dz__setter *s, dz__span x) {
  char c = x.size ? dz__glyph_at(s, x)[x.size - 1] : 0;
  return c >= '0' && c <= '9';
}

static bool begins_with_digit(const dz__setter *s, dz__span x) {
  char c = x.size ? dz__glyph_at(s, x)[0] : 0;
  return c >= '0' && c <= '9';
}

/* 2x, E z, 2·3: a number before a name needs dz__no_span between, two numbers need a dot. */
static const char *between(const dz__setter *s, dz__span x, dz__span y) {
  static const char *const dot[] = {" * ", "·", "·", " \\cdot ", "<mo>·</mo>"};
  static const char *const space[] = {" ", " ", "\u2009", "\\,", "<mo>\u2062</mo>"};
  if (begins_with_digit(s, y) ||
      (s->how->format == DZ__SET_MATHML && y.size > 4 && memcmp(dz__glyph_at(s, y), "<mn>", 4) == 0))
    return dz__glyph_pick(s, dot);
  bool number = ends_in_digit(s, x) && (s->how->format != DZ__SET_TEXT);
  bool whole = number;
  for (size_t k = 0; whole && k < x.size; k++) {
    unsigned char c = (unsigned char)dz__glyph_at(s, x)[k];
    whole = (c >= '0' && c <= '9') || c == '.' || c == '-' || c >= 0x80;
  }
  return whole ? "" : dz__glyph_pick(s, space);
}

static dz__glyph product(dz__setter *s, const dz__glyph *a, const dz__glyph *b) {
  dz__span x = fit(s, a, NEG), y = fit(s, b, PRODUCT);
  const char *link = between(s, x, y);
  size_t start = dz__glyph_here(s);
  dz__glyph_span(s, x);
  dz__glyph_say(s, link);
  dz__glyph_span(s, y);
  dz__glyph r = {dz__glyph_since(s, start), dz__no_span, a->power == NEG ? NEG : PRODUCT};
  if (sets_fractions(s) && (a->row.size || b->row.size)) {
    dz__span u = cells(s, a, NEG), v = cells(s, b, PRODUCT);
    r.row = dz__glyph_form(s, "%a%b", u, v, dz__no_span);
  }
  return r;
}

/* The block of a fraction: above, line, below. */
static dz__span fraction_cell(dz__setter *s, dz__span above, const dz__glyph *a, const dz__glyph *b) {
  const char *color = s->how->color ? s->how->color : "#111111";
  size_t start;
  dz__span x =
      a->row.size ? dz__glyph_form(s,
                                   "<TABLE BORDER=\"0\" CELLBORDER=\"0\" CELLSPACING=\"0\" CELLPADDING=\"0\">"
                                   "<TR>%a</TR></TABLE>",
                                   a->row, dz__no_span, dz__no_span)
                  : above;
  dz__span y =
      b->row.size ? dz__glyph_form(s,
                                   "<TABLE BORDER=\"0\" CELLBORDER=\"0\" CELLSPACING=\"0\" CELLPADDING=\"0\">"
                                   "<TR>%a</TR></TABLE>",
                                   b->row, dz__no_span, dz__no_span)
                  : b->text;
  start = dz__glyph_here(s);
  dz__glyph_say(s, "<TD><TABLE BORDER=\"0\" CELLBORDER=\"0\" CELLSPACING=\"0\" CELLPADDING=\"0\" COLOR=\"");
  dz__glyph_say(s, color);
  dz__glyph_say(s, "\"><TR><TD>");
  dz__glyph_span(s, x);
  dz__glyph_say(s, "</TD></TR><TR><TD HEIGHT=\"1\"></TD></TR><HR/><TR><TD HEIGHT=\"3\"></TD></TR><TR><TD>");
  dz__glyph_span(s, y);
  dz__glyph_say(s, "</TD></TR></TABLE></TD>");
  return dz__glyph_since(s, start);
}

static dz__glyph quotient(dz__setter *s, const dz__glyph *a, const dz__glyph *b) {
  static const char *const over[] = {"%a/%b", "%a/%b", "%a/%b", "\\frac{%a}{%b}",
                                     "<mfrac><mrow>%a</mrow><mrow>%b</mrow></mfrac>"};
  bool built = s->how->format >= DZ__SET_LATEX;
  dz__span sign = {0, 0}, above = a->text;
  const char *m = dz__glyph_minus(s);
  size_t n = strlen(m);
  bool negative =
      a->power == NEG && !a->row.size && a->text.size > n && memcmp(dz__glyph_at(s, a->text), m, n) == 0;
  if (negative) sign = (dz__span){above.at, n}, above = (dz__span){above.at + n, above.size - n};
  dz__span x = built || a->power >= NEG ? above : closed(s, a->text), y = built ? b->text : fit(s, b, APPLY);
  dz__span ratio = dz__glyph_form(s, dz__glyph_pick(s, over), x, y, dz__no_span);
  dz__glyph r = {dz__glyph_form(s, "%a%b", sign, ratio, dz__no_span), dz__no_span, negative ? NEG : PRODUCT};
  if (!sets_fractions(s)) return r;
  dz__span cell = fraction_cell(s, above, a, b);
  r.row = negative ? dz__glyph_form(s, "<TD>%a</TD>%b", sign, cell, dz__no_span) : cell;
  return r;
}

/* Signs in an exponent stand close: x^(y-1). */
static dz__span close_signs(dz__setter *s, dz__span x) {
  static const char *const signs[] = {"\u00a0+\u00a0", "\u00a0\u2212\u00a0"};
  size_t start = dz__glyph_here(s);
  for (size_t k = 0; k < x.size && !s->failed;) {
    size_t n = 0;
    for (int j = 0; j < 2 && !n; j++) {
      n = strlen(signs[j]);
      if (x.size - k < n || memcmp(dz__glyph_at(s, x) + k, signs[j], n) != 0) n = 0;
    }
    dz__glyph_span(s, n ? (dz__span){x.at + k + 2, n - 4} : (dz__span){x.at + k, 1});
    k += n ? n : 1;
  }
  return dz__glyph_since(s, start);
}

static dz__span raised(dz__setter *s, dz__span base, const dz__glyph *e) {
  static const char *const up[] = {"%a^%b", "%a^%b", "%a<SUP><FONT POINT-SIZE=\"16\">%b</FONT></SUP>",
                                   "{%a}^{%b}", "<msup><mrow>%a</mrow><mrow>%b</mrow></msup>"};
  dz__span x = s->how->format < DZ__SET_HTML ? fit(s, e, ATOM) : close_signs(s, e->text);
  return dz__glyph_form(s, dz__glyph_pick(s, up), base, x, dz__no_span);
}

static dz__glyph power(dz__setter *s, const dz__glyph *a, const dz__glyph *e) {
  dz__span base = fit(s, a, ATOM);
  return (dz__glyph){raised(s, base, e), dz__no_span, POWER};
}

static dz__glyph call(dz__setter *s, const char *op, const dz__glyph *in, int n);

static dz__glyph exponential(dz__setter *s, const dz__glyph *e) {
  if (s->e_taken) return call(s, "exp", e, 1);
  dz__span base = dz__glyph_name(s, "e");
  return (dz__glyph){raised(s, base, e), dz__no_span, POWER};
}

static dz__glyph root(dz__setter *s, const dz__glyph *a) {
  static const char *const text[] = {"sqrt(%a)", "√(%a)", "√(%a)", "\\sqrt{%a}", "<msqrt>%a</msqrt>"};
  static const char *const brief[] = {"sqrt(%a)", "√%a", "√%a", "\\sqrt{%a}", "<msqrt>%a</msqrt>"};
  return (dz__glyph){dz__glyph_form(s, dz__glyph_pick(s, a->power == ATOM ? brief : text), a->text,
                                    dz__no_span, dz__no_span),
                     dz__no_span, ATOM};
}

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
  static const char *const open[] = {"", "", "", "\\operatorname{", "<mi>"}, *const close[] = {"", "", "",
                                                                                               "}", "</mi>"};
  size_t start = dz__glyph_here(s);
  dz__glyph_say(s, dz__glyph_pick(s, open));
  dz__glyph_escaped(s, name, strlen(name));
  dz__glyph_say(s, dz__glyph_pick(s, close));
  return dz__glyph_since(s, start);
}

static dz__glyph call(dz__setter *s, const char *op, const dz__glyph *in, int n) {
  static const char *const apply[] = {"%a %b", "%a %b", "%a\u2009%b", "%a %b", "%a<mo>\u2061</mo>%b"};
  static const char *const comma[] = {"%a, %b", "%a, %b", "%a,\u00a0%b", "%a, %b", "%a<mo>,</mo>%b"};
  static const char *const around[] = {"%a%b", "%a%b", "%a%b", "%a%b", "%a%b"};
  function f = function_of(op);
  dz__span name = function_name(s, f.name), list = in[0].text;
  if (n == 1 && f.bare && in[0].power >= POWER)
    return (dz__glyph){dz__glyph_form(s, dz__glyph_pick(s, apply), name, list, dz__no_span), dz__no_span,
                       APPLY};
  for (int k = 1; k < n; k++)
    list = dz__glyph_form(s, dz__glyph_pick(s, comma), list, in[k].text, dz__no_span);
  dz__span args = closed(s, list);
  return (dz__glyph){dz__glyph_form(s, dz__glyph_pick(s, around), name, args, dz__no_span), dz__no_span,
                     ATOM};
}

static dz__glyph size(dz__setter *s, const dz__glyph *a) {
  static const char *const bars[] = {"|%a|", "|%a|", "|%a|", "\\left|%a\\right|", "<mo>|</mo>%a<mo>|</mo>"};
  return (dz__glyph){dz__glyph_form(s, dz__glyph_pick(s, bars), a->text, dz__no_span, dz__no_span),
                     dz__no_span, ATOM};
}

static dz__glyph choice(dz__setter *s, const dz__glyph *c, const dz__glyph *a, const dz__glyph *b) {
  static const char *const t[] = {"%a ? %b : %c", "%a ? %b : %c", "%a\u00a0?\u00a0%b\u00a0:\u00a0%c",
                                  "%a \\mathbin{?} %b : %c", "%a<mo>?</mo>%b<mo>:</mo>%c"};
  dz__span x = fit(s, c, COMPARE), y = fit(s, a, SUM), z = fit(s, b, SUM);
  return (dz__glyph){dz__glyph_form(s, dz__glyph_pick(s, t), x, y, z), dz__no_span, CHOICE};
}

static bool comparison(dz__setter *s, const char *op, const dz__glyph *in, dz__glyph *r) {
  static const char *const ops[] = {"lt", "le", "gt", "ge", "eq", "ne", "and", "or"};
  static const char *const t[][5] = {
      {"%a < %b", "%a < %b", "%a\u00a0&lt;\u00a0%b", "%a < %b", "%a<mo>&lt;</mo>%b"},
      {"%a <= %b", "%a ≤ %b", "%a\u00a0≤\u00a0%b", "%a \\le %b", "%a<mo>≤</mo>%b"},
      {"%a > %b", "%a > %b", "%a\u00a0&gt;\u00a0%b", "%a > %b", "%a<mo>&gt;</mo>%b"},
      {"%a >= %b", "%a ≥ %b", "%a\u00a0≥\u00a0%b", "%a \\ge %b", "%a<mo>≥</mo>%b"},
      {"%a == %b", "%a = %b", "%a\u00a0=\u00a0%b", "%a = %b", "%a<mo>=</mo>%b"},
      {"%a != %b", "%a ≠ %b", "%a\u00a0≠\u00a0%b", "%a \\ne %b", "%a<mo>≠</mo>%b"},
      {"%a and %b", "%a ∧ %b", "%a\u00a0∧\u00a0%b", "%a \\land %b", "%a<mo>∧</mo>%b"},
      {"%a or %b", "%a ∨ %b", "%a\u00a0∨\u00a0%b", "%a \\lor %b", "%a<mo>∨</mo>%b"}};
  for (size_t k = 0; k < sizeof ops / sizeof *ops; k++)
    if (strcmp(op, ops[k]) == 0) return *r = two(s, t[k], &in[0], SUM, &in[1], SUM, COMPARE), true;
  return false;
}

static dz__glyph matrix_product(dz__setter *s, const dz__glyph *a, const dz__glyph *b) {
  static const char *const t[] = {"%a @ %b", "%a %b", "%a\u2009%b", "%a\\,%b", "%a<mo>\u2062</mo>%b"};
  return two(s, t, a, PRODUCT, b, APPLY, PRODUCT);
}

static dz__glyph total(dz__setter *s, const dz__glyph *a) {
  static const char *const t[] = {"sum(%a)", "Σ %a", "Σ\u2009%a", "\\sum %a", "<mo>∑</mo>%a"};
  dz__span x = s->how->format == DZ__SET_TEXT ? a->text : fit(s, a, POWER);
  return (dz__glyph){dz__glyph_form(s, dz__glyph_pick(s, t), x, dz__no_span, dz__no_span), dz__no_span,
                     s->how->format == DZ__SET_TEXT ? ATOM : APPLY};
}

static dz__glyph transposed(dz__setter *s, const dz__glyph *a) {
  static const char *const t[] = {"%a'", "%aᵀ", "%a<SUP><FONT POINT-SIZE=\"12\">T</FONT></SUP>",
                                  "{%a}^{\\top}", "<msup><mrow>%a</mrow><mo>⊤</mo></msup>"};
  dz__span x = fit(s, a, ATOM);
  return (dz__glyph){dz__glyph_form(s, dz__glyph_pick(s, t), x, dz__no_span, dz__no_span), dz__no_span,
                     POWER};
}

/* ---- nodes ---- */

static dz__glyph operation(dz__setter *s, const char *op, const dz__glyph *in, int n) {
  dz__glyph r;
  if (strcmp(op, "add") == 0) return sum(s, &in[0], &in[1], false);
  if (strcmp(op, "sub") == 0) return sum(s, &in[0], &in[1], true);
  if (strcmp(op, "mul") == 0) return product(s, &in[0], &in[1]);
  if (strcmp(op, "div") == 0) return quotient(s, &in[0], &in[1]);
  if (strcmp(op, "neg") == 0) return negated(s, &in[0]);
  if (strcmp(op, "pow") == 0) return power(s, &in[0], &in[1]);
  if (strcmp(op, "exp") == 0) return exponential(s, &in[0]);
  if (strcmp(op, "sqrt") == 0) return root(s, &in[0]);
  if (strcmp(op, "fabs") == 0) return size(s, &in[0]);
  if (strcmp(op, "where") == 0) return choice(s, &in[0], &in[1], &in[2]);
  if (strcmp(op, "matmul") == 0) return matrix_product(s, &in[0], &in[1]);
  if (strcmp(op, "sum") == 0) return total(s, &in[0]);
  if (strcmp(op, "permute") == 0) return transposed(s, &in[0]);
  if (strcmp(op, "broadcast_to") == 0 || strcmp(op, "reshape") == 0) return in[0];
  if (comparison(s, op, in, &r)) return r;
  return call(s, op, in, n);
}

static dz__glyph *piece_at(const dz__setter *s, size_t i) { return (dz__glyph *)s->piece.at + i; }

/* As the language writes it: without the factors, and the transpose in plain sight. */
static dz__glyph solution(dz__setter *s, dz_var x, dz__glyph *in) {
  const int64_t *attr;
  if (dz_attributes(x, &attr) && attr[0]) in[0] = transposed(s, &in[0]);
  return call(s, "solve", in, 2);
}

static dz__glyph node(dz__setter *s, dz_var x) {
  dz__glyph in[8];
  dz_node d = dz_describe(x);
  const char *name = dz_name(x);
  if (d.role != DZ_ROLE_NONE && name) return (dz__glyph){dz__glyph_name(s, name), dz__no_span, ATOM};
  if (d.role != DZ_ROLE_NONE) return dz__glyph_number(s, dz_value(x));
  for (int k = 0; k < d.nargs && k < 8; k++) {
    dz_var of = dz_operand(x, k);
    in[k] = dz_is_number(of) ? dz__glyph_number(s, dz_value(of)) : *piece_at(s, dz_node_index(of));
  }
  if (strcmp(d.op, "solve") == 0) return solution(s, x, in);
  return operation(s, d.op, in, d.nargs < 8 ? d.nargs : 8);
}

static bool set_all(dz__setter *s, dz_var x, uint8_t *wanted) {
  size_t top = dz_node_index(x);
  wanted[top] = 1;
  for (size_t i = top + 1; i-- > 0;) {
    dz_var of = dz_node_at(x.tape, i);
    for (int k = 0; wanted[i] && k < dz_describe(of).nargs; k++)
      if (!dz_is_number(dz_operand(of, k))) wanted[dz_node_index(dz_operand(of, k))] = 1;
  }
  for (size_t i = 0; i <= top && !s->failed; i++)
    if (wanted[i]) *piece_at(s, i) = node(s, dz_node_at(x.tape, i));
  return !s->failed;
}

static dz__text result(dz__setter *s, const dz__glyph *p) {
  dz__text t = {.cells = p->row.size > 0};
  dz__span x = t.cells ? p->row : p->text;
  t.cap = x.size + 1;
  t.at = dz__alloc(s->alloc, t.cap);
  if (!t.at) return (dz__text){0};
  memcpy(t.at, dz__glyph_at(s, x), x.size);
  t.at[x.size] = 0;
  t.size = x.size;
  return t;
}

dz__text dz__set(dz_var x, const dz__set_options *options, const dz_allocator *a) {
  dz__setter s = {.alloc = a, .how = options};
  dz__text t = {0};
  if (dz_is_number(x)) {
    dz__glyph p = dz__glyph_number(&s, dz_value(x));
    if (!s.failed) t = result(&s, &p);
  } else if (dz_valid(x)) {
    s.e_taken = dz_valid(dz_named(x.tape, "e"));
    size_t n = dz_node_index(x) + 1;
    uint8_t *wanted = dz__alloc(a, n);
    if (wanted && dz__vec_add(a, &s.piece, n, sizeof(dz__glyph))) {
      memset(wanted, 0, n);
      if (set_all(&s, x, wanted)) t = result(&s, piece_at(&s, n - 1));
    }
    dz__free(a, wanted, n);
  }
  dz__vec_free(a, &s.piece, sizeof(dz__glyph));
  dz__vec_free(a, &s.text, 1);
  return t;
}

dz__text dz__set_name(const char *name, const dz__set_options *options, const dz_allocator *a) {
  dz__setter s = {.alloc = a, .how = options};
  dz__text t = {0};
  dz__glyph p = {dz__glyph_name(&s, name), dz__no_span, ATOM};
  if (!s.failed) t = result(&s, &p);
  dz__vec_free(a, &s.text, 1);
  return t;
}

void dz__text_free(dz__text *t, const dz_allocator *a) {
  dz__free(a, t->at, t->cap);
  *t = (dz__text){0};
}
