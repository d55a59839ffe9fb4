/* Superscripts. Graphviz raises nothing twice: what is raised within an exponent stands as ², or behind a ^.
 */
#include "show/glyph.h"

#include "dz/text.h"

#include <string.h>

void dz__glyph_script(dz__setter *s, const char *tag, size_t parts, size_t of) {
  char text[32];
  size_t points = (s->how->size ? s->how->size : 16) * parts / of;
  dz__glyph_say(s, tag);
  dz__glyph_say(s, "<FONT POINT-SIZE=\"");
  dz__glyph_bytes(s, text, dz_number_write((double)points, 0, text));
  dz__glyph_say(s, "\">");
}

static bool begins(const dz__setter *s, dz__span x, const char *with) {
  size_t n = strlen(with);
  return x.size >= n && memcmp(dz__glyph_at(s, x), with, n) == 0;
}

static dz__span after(dz__span x, size_t n) { return (dz__span){x.at + n, x.size - n}; }

/* ² for 2; NULL for what has no raised sign. */
static const char *small(const dz__setter *s, dz__span x, size_t *size) {
  static const char *const plain[] = {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "T", "\u2212"};
  static const char *const sign[] = {"⁰", "¹", "²", "³", "⁴", "⁵", "⁶", "⁷", "⁸", "⁹", "ᵀ", "⁻"};
  for (size_t k = 0; k < sizeof plain / sizeof *plain; k++)
    if (begins(s, x, plain[k])) return *size = strlen(plain[k]), sign[k];
  return NULL;
}

/* How much of x stands before the end of the font, which every raised part has. */
static size_t inside(const dz__setter *s, dz__span x) {
  size_t n = 0;
  while (!begins(s, after(x, n), "</FONT></SUP>")) n++;
  return n;
}

static void put_again_raised(dz__setter *s, dz__span x) {
  dz__span left = x;
  size_t n = 0;
  while (left.size && small(s, left, &n)) left = after(left, n);
  if (left.size > 0) {
    bool one = x.size == sizeof "<I>x</I>" - 1 && begins(s, x, "<I>");
    dz__glyph_say(s, one ? "^" : "^(");
    dz__glyph_span(s, x);
    dz__glyph_say(s, one ? "" : ")");
    return;
  }
  for (left = x; left.size; left = after(left, n)) dz__glyph_say(s, small(s, left, &n));
}

/* Signs in an exponent stand close: x^(y-1). */
static size_t put_close_sign(dz__setter *s, dz__span x) {
  static const char *const wide[] = {"\u00a0+\u00a0", "\u00a0\u2212\u00a0"}, *const close[] = {"+", "\u2212"};
  for (int j = 0; j < 2; j++)
    if (begins(s, x, wide[j])) return dz__glyph_say(s, close[j]), strlen(wide[j]);
  return 0;
}

static dz__span exponent(dz__setter *s, dz__span x) {
  static const char open[] = "<SUP><FONT POINT-SIZE=\"", end[] = "</FONT></SUP>";
  size_t start = dz__glyph_here(s);
  while (x.size > 0 && !s->failed) {
    size_t n = put_close_sign(s, x);
    if (n == 0 && begins(s, x, open)) {
      for (n = sizeof open - 1; !begins(s, after(x, n), "\">");) n++;
      x = after(x, n + 2);
      n = inside(s, x);
      put_again_raised(s, (dz__span){x.at, n});
      n += sizeof end - 1;
    } else if (n == 0) {
      dz__glyph_span(s, (dz__span){x.at, n = 1});
    }
    x = after(x, n);
  }
  return dz__glyph_since(s, start);
}

dz__span dz__glyph_raised(dz__setter *s, dz__span base, const dz__glyph *e) {
  static const char *const up[] = {"%a^%b", NULL, "{%a}^{%b}", "<msup><mrow>%a</mrow><mrow>%b</mrow></msup>"};
  if (s->how->format != DZ__SET_HTML) {
    dz__span x = s->how->format == DZ__SET_TEXT ? dz__glyph_fit(s, e, ATOM) : e->text;
    return dz__glyph_form(s, dz__glyph_pick(s, up), base, x, dz__no_span);
  }
  dz__span x = exponent(s, e->text);
  size_t start = dz__glyph_here(s);
  dz__glyph_span(s, base);
  dz__glyph_script(s, "<SUP>", 1, 1);
  dz__glyph_span(s, x);
  dz__glyph_say(s, "</FONT></SUP>");
  return dz__glyph_since(s, start);
}
