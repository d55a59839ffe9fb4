/* Names, numbers and templates in the four formats. */
#include "show/glyph.h"

#include "base/utf8.h"
#include "dz/text.h"

#include <math.h>
#include <string.h>

const char *dz__glyph_at(const dz__setter *s, dz__span x) { return (const char *)s->text.at + x.at; }

/* ---- putting ---- */

void dz__glyph_bytes(dz__setter *s, const char *text, size_t size) {
  if (s->failed || size == 0) return;
  char *to = dz__vec_add(s->alloc, &s->text, size, 1);
  if (!to)
    s->failed = true;
  else
    memcpy(to, text, size);
}

void dz__glyph_say(dz__setter *s, const char *text) { dz__glyph_bytes(s, text, strlen(text)); }

/* The array may move while it grows. */
void dz__glyph_span(dz__setter *s, dz__span x) {
  for (size_t k = 0; k < x.size && !s->failed; k++) {
    char c = dz__glyph_at(s, x)[k];
    dz__glyph_bytes(s, &c, 1);
  }
}

size_t dz__glyph_here(const dz__setter *s) { return s->text.n; }
dz__span dz__glyph_since(const dz__setter *s, size_t start) { return (dz__span){start, s->text.n - start}; }

/* The template with %a, %b and %c replaced. */
dz__span dz__glyph_form(dz__setter *s, const char *form, dz__span a, dz__span b, dz__span c) {
  size_t start = dz__glyph_here(s);
  for (; *form; form++) {
    if (*form != '%')
      dz__glyph_bytes(s, form, 1);
    else
      dz__glyph_span(s, *++form == 'a' ? a : *form == 'b' ? b : c);
  }
  return dz__glyph_since(s, start);
}

/* One of the four formats' templates. */
const char *dz__glyph_pick(const dz__setter *s, const char *const t[4]) { return t[s->how->format]; }

/* ---- names and numbers ---- */

static const char *entity(const dz__setter *s, uint32_t c) {
  bool markup = s->how->format == DZ__SET_HTML || s->how->format == DZ__SET_MATHML;
  if (c < 0x20 || c == 0x7F) return c == '\n' || c == '\r' || c == '\t' ? " " : "\uFFFD";
  if (markup && c == '&') return "&amp;";
  if (markup && c == '<') return "&lt;";
  if (markup && c == '>') return "&gt;";
  if (markup && c == '"') return "&quot;";
  if (s->how->format == DZ__SET_HTML && c == '\\') return "&#92;&#92;";
  if (s->how->format == DZ__SET_HTML && c == ']') return "&#93;"; /* as in pen.c */
  if (s->how->format == DZ__SET_LATEX && c < 0x80 && strchr("#$%&_{}", (int)c)) return "\\";
  if (s->how->format == DZ__SET_LATEX && c == '\\') return "\\backslash ";
  if (s->how->format == DZ__SET_LATEX && (c == '^' || c == '~')) return "\\,";
  return (c & 0xFFFE) == 0xFFFE ? "\uFFFD" : NULL;
}

void dz__glyph_escaped(dz__setter *s, const char *text, size_t size) {
  while (size > 0) {
    uint32_t c = 0xFFFE;
    size_t n = dz__utf8_decode(text, size, &c);
    const char *instead = entity(s, c);
    if (instead) dz__glyph_say(s, instead);
    if (n && (!instead || strcmp(instead, "\\") == 0)) dz__glyph_bytes(s, text, n);
    if (n == 0) n = 1;
    text += n;
    size -= n;
  }
}

/* v12 is v with 12 below; one letter slants, longer names too, but for what no slanted letters are for. */
dz__span dz__glyph_name(dz__setter *s, const char *name) {
  size_t size = strlen(name), stem = size, start = dz__glyph_here(s);
  static const char *const italic[] = {"", "<I>", "", "<mi>"}, *const end[] = {"", "</I>", "", "</mi>"};
  static const char *const below[] = {"", "", "_{", "<mn>"};
  static const char *const over[] = {"", "</FONT></SUB>", "}", "</mn></msub>"};
  while (stem > 1 && name[stem - 1] >= '0' && name[stem - 1] <= '9') stem--;
  bool letter = (unsigned char)name[0] < 0x80, indexed = stem < size && s->how->format >= DZ__SET_HTML;
  bool plain = !letter && s->how->format == DZ__SET_HTML, word = stem > 1 && s->how->format == DZ__SET_LATEX;
  if (!indexed) stem = size;
  if (indexed && s->how->format == DZ__SET_MATHML) dz__glyph_say(s, "<msub>");
  if (!plain) dz__glyph_say(s, dz__glyph_pick(s, italic));
  if (word) dz__glyph_say(s, letter ? "\\mathit{" : "\\text{");
  dz__glyph_escaped(s, name, stem);
  if (word) dz__glyph_say(s, "}");
  if (!plain) dz__glyph_say(s, dz__glyph_pick(s, end));
  if (indexed) {
    dz__glyph_say(s, dz__glyph_pick(s, below));
    if (s->how->format == DZ__SET_HTML) dz__glyph_script(s, "<SUB>", 3, 4);
    dz__glyph_bytes(s, name + stem, size - stem);
    dz__glyph_say(s, dz__glyph_pick(s, over));
  }
  return dz__glyph_since(s, start);
}

const char *dz__glyph_minus(const dz__setter *s) {
  static const char *const text[] = {"-", "\u2212", "-", "<mo>\u2212</mo>"};
  return dz__glyph_pick(s, text);
}

dz__glyph dz__glyph_number(dz__setter *s, double v) {
  static const char *const ten[] = {"e", "×10", "\\cdot 10^{", "<mo>×</mo><msup><mn>10</mn><mn>"};
  static const char *const end[] = {"", "</FONT></SUP>", "}", "</mn></msup>"};
  char text[32];
  bool picture = s->how->format == DZ__SET_HTML; /* no sign of zero there */
  size_t n = dz_number_write(picture && v == 0 ? 0 : v, s->how->digits, text), start = dz__glyph_here(s),
         from = text[0] == '-';
  const char *e = memchr(text, 'e', n);
  size_t digits = e ? (size_t)(e - text) : n;
  bool finite = isfinite(v), mathml = s->how->format == DZ__SET_MATHML;
  if (from) dz__glyph_say(s, dz__glyph_minus(s));
  if (mathml) dz__glyph_say(s, "<mn>");
  if (!finite && v == v && s->how->format != DZ__SET_TEXT)
    dz__glyph_say(s, s->how->format == DZ__SET_LATEX ? "\\infty" : "∞");
  else
    dz__glyph_bytes(s, text + from, digits - from);
  if (mathml) dz__glyph_say(s, "</mn>");
  if (e) {
    size_t sign = e[1] == '-';
    dz__glyph_say(s, dz__glyph_pick(s, ten));
    if (s->how->format == DZ__SET_HTML) dz__glyph_script(s, "<SUP>", 3, 4);
    if (sign)
      dz__glyph_say(s, s->how->format == DZ__SET_TEXT || s->how->format == DZ__SET_LATEX ? "-" : "\u2212");
    dz__glyph_bytes(s, e + 1 + sign, n - digits - 1 - sign);
    dz__glyph_say(s, dz__glyph_pick(s, end));
  }
  return (dz__glyph){dz__glyph_since(s, start), dz__no_span, from ? NEG : e ? PRODUCT : ATOM};
}

/* ---- pieces side by side ---- */

/* Inside parentheses a sum stands close: (1-z). */
dz__span dz__glyph_closed(dz__setter *s, dz__span x) {
  static const char *const open[] = {"(", "(", "\\left(", "<mo>(</mo>"};
  static const char *const close[] = {")", ")", "\\right)", "<mo>)</mo>"};
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

dz__span dz__glyph_fit(dz__setter *s, const dz__glyph *p, int least) {
  return p->power < least ? dz__glyph_closed(s, p->text) : p->text;
}

dz__glyph dz__glyph_two(dz__setter *s, const char *const t[4], const dz__glyph *a, int least_a,
                        const dz__glyph *b, int least_b, int power) {
  dz__span x = dz__glyph_fit(s, a, least_a), y = dz__glyph_fit(s, b, least_b);
  return (dz__glyph){dz__glyph_form(s, dz__glyph_pick(s, t), x, y, dz__no_span), dz__no_span, power};
}
