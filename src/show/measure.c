/* How large a label comes out, near enough to make all circles of a kind alike. */
#include "show/picture.h"
#include "show/sheet.h"

#include "base/utf8.h"
#include "dz/text.h"

#include <math.h>
#include <string.h>

enum { MOST_ROWS = 8, MOST_FONTS = 16, PLAIN = 14, LEAST_POINTS = 72, MOST_POINTS = 150 };

/* Of a usual font, by its size. */
static const double wide = .62, high = 1.2;

typedef struct rows {
  double width[MOST_ROWS], height[MOST_ROWS];
  size_t n;
  double font[MOST_FONTS];
  size_t fonts;
} rows;

static void read_tag(rows *r, const char *at, size_t size) {
  static const char points[] = "<FONT POINT-SIZE=\"";
  dz_number_kind kind;
  double v = PLAIN;
  if (size > sizeof points && memcmp(at, points, sizeof points - 1) == 0) {
    dz_number_read(at + sizeof points - 1, size - sizeof points + 1, &v, &kind);
    if (r->fonts < MOST_FONTS) r->font[r->fonts++] = v;
  } else if (size >= 7 && memcmp(at, "</FONT>", 7) == 0) {
    if (r->fonts > 0) r->fonts--;
  } else if (size == 5 && memcmp(at, "</TR>", 5) == 0 && r->n + 1 < MOST_ROWS) {
    r->n++;
  }
}

static void read_letter(rows *r, double columns) {
  double points = r->fonts ? r->font[r->fonts - 1] : PLAIN;
  r->width[r->n] += wide * points * columns;
  if (r->height[r->n] < high * points) r->height[r->n] = high * points;
}

static void read_label(rows *r, const char *text, size_t size) {
  for (size_t i = 0, n = 1; i < size; i += n) {
    const char *end = text[i] == '<'   ? memchr(text + i, '>', size - i)
                      : text[i] == '&' ? memchr(text + i, ';', size - i)
                                       : NULL;
    uint32_t c;
    n = end ? (size_t)(end - text) + 1 - i : dz__utf8_decode(text + i, size - i, &c);
    if (n == 0) n = 1;
    if (text[i] == '<' && end)
      read_tag(r, text + i, n);
    else
      read_letter(r, end ? 1 : (double)dz__utf8_columns(text + i, n));
  }
}

/* The diameter of a circle around rows of text, one above the other. */
static double around(const rows *r) {
  double all = 0, top = 0, most = 0;
  for (size_t k = 0; k < MOST_ROWS; k++) all += r->height[k];
  for (size_t k = 0; k < MOST_ROWS; top += r->height[k++]) {
    double upper = fabs(all / 2 - top), lower = fabs(all / 2 - top - r->height[k]);
    most = fmax(most, hypot(r->width[k], 2 * fmax(upper, lower)));
  }
  return most + 4;
}

double dz__measure(dz__picture *p, dz__put_at *put, void *user, uint32_t i) {
  dz__sheet sheet = {.alloc = p->full.alloc};
  dz_writer *write = p->pen.write;
  void *to = p->pen.user;
  rows r = {0};
  dz__pen_flush(&p->pen);
  p->pen.write = dz__sheet_writer;
  p->pen.user = &sheet;
  put(p, user, i);
  dz__pen_flush(&p->pen);
  p->pen.write = write;
  p->pen.user = to;
  if (sheet.text) read_label(&r, sheet.text, sheet.n);
  p->failed = p->failed || sheet.failed;
  dz__sheet_free(&sheet);
  return around(&r);
}

double dz__measure_line(const char *text, size_t size, size_t points) {
  rows r = {.font = {(double)points}, .fonts = 1};
  read_label(&r, text, size);
  return r.width[0];
}

void dz__mark_circle(dz__picture *p, double points) {
  char text[32];
  dz_number_write(ceil(fmax(points, LEAST_POINTS) / .72) / 100, 0, text);
  if (points > MOST_POINTS)
    dz__pen_put(&p->pen, " width=1");
  else
    dz__mark_attribute(p, " fixedsize=true width=%", text);
}
