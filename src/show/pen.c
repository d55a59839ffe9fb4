#include "show/pen.h"

#include "base/utf8.h"
#include "dz/text.h"

#include <math.h>
#include <stdarg.h>
#include <string.h>

bool dz__pen_flush(dz__pen *p) {
  if (p->n && !p->refused) p->refused = !p->write(p->user, p->buf, p->n);
  p->n = 0;
  return !p->refused;
}

void dz__pen_bytes(dz__pen *p, const char *text, size_t size) {
  if (size > sizeof p->buf - p->n) dz__pen_flush(p);
  if (size > sizeof p->buf) {
    if (!p->refused) p->refused = !p->write(p->user, text, size);
    return;
  }
  memcpy(p->buf + p->n, text, size);
  p->n += size;
}

void dz__pen_put(dz__pen *p, const char *text) { dz__pen_bytes(p, text, strlen(text)); }

static void put_count(dz__pen *p, size_t i) {
  char digits[24];
  size_t at = sizeof digits;
  do digits[--at] = (char)('0' + i % 10);
  while (i /= 10);
  dz__pen_bytes(p, digits + at, sizeof digits - at);
}

void dz__pen_form(dz__pen *p, const char *form, ...) {
  va_list args;
  va_start(args, form);
  for (const char *stop; (stop = strchr(form, '%')); form = stop + 1) {
    dz__pen_bytes(p, form, (size_t)(stop - form));
    put_count(p, va_arg(args, size_t));
  }
  va_end(args);
  dz__pen_put(p, form);
}

static const char *entity(uint32_t c) {
  switch (c) {
  case '&':
    return "&amp;";
  case '<':
    return "&lt;";
  case '>':
    return "&gt;";
  case '"':
    return "&quot;";
  case '\\':
    return "&#92;&#92;";
  case ']': /* Graphviz 2.43 loses its place at one that follows a tag */
    return "&#93;";
  case '\n':
  case '\r':
  case '\t':
    return " ";
  default:
    return c < 0x20 || c == 0x7F || (c & 0xFFFE) == 0xFFFE ? "\uFFFD" : NULL;
  }
}

void dz__pen_escaped(dz__pen *p, const char *text) {
  for (size_t left = strlen(text); left > 0;) {
    uint32_t c = 0;
    size_t n = dz__utf8_decode(text, left, &c);
    const char *instead = n ? entity(c) : "\uFFFD";
    if (n == 0) n = 1;
    if (instead)
      dz__pen_put(p, instead);
    else
      dz__pen_bytes(p, text, n);
    text += n;
    left -= n;
  }
}

/* n > 0. */
static void signed_digits(dz__pen *p, const char *text, size_t n) {
  if (text[0] == '-') {
    dz__pen_put(p, "\u2212");
    text++, n--;
  }
  dz__pen_bytes(p, text, n);
}

void dz__pen_number(dz__pen *p, double value, size_t size) {
  char text[32];
  size_t n = dz_number_write(value == 0 ? 0 : value, p->digits, text);
  const char *e = memchr(text, 'e', n);
  if (isinf(value)) {
    dz__pen_put(p, value < 0 ? "\u2212∞" : "∞");
    return;
  }
  if (!e) {
    signed_digits(p, text, n);
    return;
  }
  signed_digits(p, text, (size_t)(e - text));
  dz__pen_form(p, "×10<SUP><FONT POINT-SIZE=\"%\">", size);
  signed_digits(p, e + 1, n - (size_t)(e + 1 - text));
  dz__pen_put(p, "</FONT></SUP>");
}
