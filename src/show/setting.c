/* Formulas, from the operands up: each node becomes a text and how tightly it binds. */
#include "show/glyph.h"

#include <string.h>

/* ---- cells ---- */

/* What a dz__glyph looks like among cells, in parentheses where it must. */
static dz__span cells(dz__setter *s, const dz__glyph *p, int least) {
  bool paren = p->power < least;
  if (p->row.size == 0)
    return dz__glyph_form(s, "<TD>%a</TD>", paren ? dz__glyph_closed(s, p->text) : p->text, dz__no_span,
                          dz__no_span);
  if (!paren) return p->row;
  size_t start = dz__glyph_here(s); /* as high as a fraction */
  dz__glyph_script(s, "<TD>", 2, 1);
  dz__glyph_say(s, "(</FONT></TD>");
  dz__glyph_span(s, p->row);
  dz__glyph_script(s, "<TD>", 2, 1);
  dz__glyph_say(s, ")</FONT></TD>");
  return dz__glyph_since(s, start);
}

static bool sets_fractions(const dz__setter *s) { return s->how->format == DZ__SET_HTML && !s->how->flat; }

/* ---- arithmetic ---- */

static dz__glyph sum(dz__setter *s, const dz__glyph *a, const dz__glyph *b, bool less) {
  static const char *const plus[] = {"%a + %b", "%a\u00a0+\u00a0%b", "%a + %b", "%a<mo>+</mo>%b"};
  static const char *const minuses[] = {"%a - %b", "%a\u00a0\u2212\u00a0%b", "%a - %b",
                                        "%a<mo>\u2212</mo>%b"};
  dz__glyph r = dz__glyph_two(s, less ? minuses : plus, a, SUM, b, less ? PRODUCT : NEG + 1, SUM);
  if (sets_fractions(s) && (a->row.size || b->row.size)) {
    dz__span x = cells(s, a, SUM), y = cells(s, b, PRODUCT);
    r.row = dz__glyph_form(s, less ? "%a<TD>\u00a0\u2212\u00a0</TD>%b" : "%a<TD>\u00a0+\u00a0</TD>%b", x, y,
                           dz__no_span);
  }
  return r;
}

static dz__glyph negated(dz__setter *s, const dz__glyph *a) {
  static const char *const neg[] = {"-%a", "\u2212%a", "-%a", "<mo>\u2212</mo>%a"};
  dz__span x = dz__glyph_fit(s, a, PRODUCT);
  dz__glyph r = {dz__glyph_form(s, dz__glyph_pick(s, neg), x, dz__no_span, dz__no_span), dz__no_span, NEG};
  if (a->row.size) {
    dz__span y = cells(s, a, PRODUCT);
    r.row = dz__glyph_form(s, "<TD>\u2212</TD>%a", y, dz__no_span, dz__no_span);
  }
  return r;
}

static bool begins_with_digit(const dz__setter *s, dz__span x) {
  char c = x.size ? dz__glyph_at(s, x)[0] : 0;
  return c >= '0' && c <= '9';
}

/* 2x, E z, 2·3: a number before a name needs nothing between, two numbers need a dot. */
static const char *between(const dz__setter *s, dz__span x, dz__span y) {
  static const char *const dot[] = {" * ", "·", " \\cdot ", "<mo>·</mo>"};
  static const char *const space[] = {" ", "\u2009", "\\,", "<mo>\u2062</mo>"};
  if (begins_with_digit(s, y) ||
      (s->how->format == DZ__SET_MATHML && y.size > 4 && memcmp(dz__glyph_at(s, y), "<mn>", 4) == 0))
    return dz__glyph_pick(s, dot);
  bool whole = s->how->format != DZ__SET_TEXT; /* all of x is a number, or several with dots between */
  for (size_t k = 0; whole && k < x.size; k++)
    whole = strchr("0123456789.-\u2212·", dz__glyph_at(s, x)[k]) != NULL;
  return whole ? "" : dz__glyph_pick(s, space);
}

static dz__glyph product(dz__setter *s, const dz__glyph *a, const dz__glyph *b) {
  dz__span x = dz__glyph_fit(s, a, NEG), y = dz__glyph_fit(s, b, PRODUCT);
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
  static const char *const over[] = {"%a/%b", "%a/%b", "\\frac{%a}{%b}",
                                     "<mfrac><mrow>%a</mrow><mrow>%b</mrow></mfrac>"};
  bool built = s->how->format >= DZ__SET_LATEX;
  dz__span sign = {0, 0}, above = a->text;
  const char *m = dz__glyph_minus(s);
  size_t n = strlen(m);
  bool negative = a->power == NEG && !a->row.size; /* it begins with the sign */
  if (negative) sign = (dz__span){above.at, n}, above = (dz__span){above.at + n, above.size - n};
  dz__span x = built || a->power >= NEG ? above : dz__glyph_closed(s, a->text),
           y = built ? b->text : dz__glyph_fit(s, b, APPLY);
  dz__span ratio = dz__glyph_form(s, dz__glyph_pick(s, over), x, y, dz__no_span);
  dz__glyph r = {dz__glyph_form(s, "%a%b", sign, ratio, dz__no_span), dz__no_span, negative ? NEG : PRODUCT};
  if (!sets_fractions(s)) return r;
  dz__span cell = fraction_cell(s, above, a, b);
  r.row = negative ? dz__glyph_form(s, "<TD>%a</TD>%b", sign, cell, dz__no_span) : cell;
  return r;
}

static dz__glyph power(dz__setter *s, const dz__glyph *a, const dz__glyph *e) {
  dz__span base = dz__glyph_fit(s, a, ATOM);
  return (dz__glyph){dz__glyph_raised(s, base, e), dz__no_span, POWER};
}

static dz__glyph exponential(dz__setter *s, const dz__glyph *e) {
  if (s->e_taken) return dz__glyph_function(s, "exp", e, 1);
  dz__span base = dz__glyph_name(s, "e");
  return (dz__glyph){dz__glyph_raised(s, base, e), dz__no_span, POWER};
}

static dz__glyph root(dz__setter *s, const dz__glyph *a) {
  static const char *const text[] = {"sqrt(%a)", "√(%a)", "\\sqrt{%a}", "<msqrt>%a</msqrt>"};
  static const char *const brief[] = {"sqrt(%a)", "√%a", "\\sqrt{%a}", "<msqrt>%a</msqrt>"};
  return (dz__glyph){dz__glyph_form(s, dz__glyph_pick(s, a->power == ATOM ? brief : text), a->text,
                                    dz__no_span, dz__no_span),
                     dz__no_span, ATOM};
}

/* ---- nodes ---- */

static dz__glyph operation(dz__setter *s, const char *op, const dz__glyph *in, int n) {
  if (strcmp(op, "add") == 0) return sum(s, &in[0], &in[1], false);
  if (strcmp(op, "sub") == 0) return sum(s, &in[0], &in[1], true);
  if (strcmp(op, "mul") == 0) return product(s, &in[0], &in[1]);
  if (strcmp(op, "div") == 0) return quotient(s, &in[0], &in[1]);
  if (strcmp(op, "neg") == 0) return negated(s, &in[0]);
  if (strcmp(op, "pow") == 0) return power(s, &in[0], &in[1]);
  if (strcmp(op, "exp") == 0) return exponential(s, &in[0]);
  if (strcmp(op, "sqrt") == 0) return root(s, &in[0]);
  if (strcmp(op, "broadcast_to") == 0 || strcmp(op, "reshape") == 0) return in[0];
  return dz__glyph_function(s, op, in, n);
}

static dz__glyph *piece_at(const dz__setter *s, size_t i) { return (dz__glyph *)s->piece.at + i; }

/* As the language writes it: without the factors, and the transpose in plain sight. */
static dz__glyph solution(dz__setter *s, dz_var x, dz__glyph *in) {
  const int64_t *attr;
  dz_attributes(x, &attr);
  if (attr[0]) in[0] = dz__glyph_transposed(s, &in[0]);
  return dz__glyph_function(s, "solve", in, 2);
}

/* A tensor full of one number: that in bold. */
static dz__glyph filled(dz__setter *s, double v) {
  static const char *const bold[] = {"%a", "<B>%a</B>", "\\mathbf{%a}", "%a"};
  dz__glyph r = dz__glyph_number(s, v);
  r.text = dz__glyph_form(s, dz__glyph_pick(s, bold), r.text, dz__no_span, dz__no_span);
  return r;
}

static dz__glyph node(dz__setter *s, dz_var x) {
  dz__glyph in[8];
  dz_node d = dz_describe(x);
  const char *name = dz_name(x);
  if (d.role != DZ_ROLE_NONE && name) return (dz__glyph){dz__glyph_name(s, name), dz__no_span, ATOM};
  if (d.role != DZ_ROLE_NONE) return dz__glyph_number(s, dz_value(x));
  dz_var first = dz_operand(x, 0);
  if (strcmp(d.op, "broadcast_to") == 0 && dz_role_of(first) != DZ_ROLE_NONE && !dz_name(first))
    return filled(s, dz_value(first));
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
