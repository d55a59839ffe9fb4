#include "table.h"

#include "dz/text.h"
#include "message.h"
#include "width.h"

#include <string.h>

/* How numbers of a column line up: characters before the point, and in all. */
typedef struct align {
  size_t before, all;
} align;

static size_t before_point(const char *s) { return strcspn(s, ".e"); }

static void fit(align *a, double x, int digits) {
  char s[32];
  size_t size = dz_number_write(x, digits, s), before = before_point(s);
  size_t after = a->all - a->before > size - before ? a->all - a->before : size - before;
  a->before = a->before > before ? a->before : before;
  a->all = a->before + after;
}

enum { ENDS = 3, FEW = 100, WIDE = 100 };

/* One tensor being printed. An axis that is cut shows ENDS elements at each end. */
typedef struct print {
  buffer *out;
  int rank, digits;
  const size_t *dims;
  const double *values;
  bool cut[DZ_MAX_RANK];
  align align;
  size_t indent;
} print;

static bool shown(const print *p, int axis, size_t i) {
  return !p->cut[axis] || i < ENDS || i >= p->dims[axis] - ENDS;
}

static size_t elements_below(const print *p, int axis) {
  size_t n = 1;
  for (int k = axis; k < p->rank; k++) n *= p->dims[k];
  return n;
}

/* Visits the elements that are shown: either fits them or prints them. Recursion is over axes. */
static void visit(print *p, int axis, const double *values, bool printing) {
  if (axis == p->rank) {
    char s[32];
    size_t size = dz_number_write(*values, p->digits, s);
    if (!printing) {
      fit(&p->align, *values, p->digits);
      return;
    }
    size_t left = p->rank > 1 && p->align.before > before_point(s) ? p->align.before - before_point(s) : 0;
    buffer_pad(p->out, left);
    buffer_add(p->out, s, size);
    if (p->rank > 1 && p->align.all > left + size) buffer_pad(p->out, p->align.all - left - size);
    return;
  }
  size_t below = elements_below(p, axis + 1);
  bool last = axis + 1 == p->rank;
  if (printing) buffer_text(p->out, "[");
  for (size_t i = 0; i < p->dims[axis]; i++) {
    if (!shown(p, axis, i) && i != ENDS) continue;
    if (printing && i > 0) {
      buffer_text(p->out, last ? ", " : ",\n");
      if (!last) buffer_pad(p->out, p->indent + (size_t)axis + 1);
    }
    if (shown(p, axis, i))
      visit(p, axis + 1, values + i * below, printing);
    else if (printing)
      buffer_text(p->out, "...");
  }
  if (printing) buffer_text(p->out, "]");
}

static void add_tensor(buffer *out, const row *r, int digits, size_t indent) {
  print p = {.out = out, .rank = r->rank, .digits = digits, .dims = r->dims, .indent = indent};
  size_t size = elements_below(&p, 0);
  bool cut = false;
  for (int k = 0; k < r->rank; k++) p.cut[k] = r->dims[k] > 2 * ENDS && size > FEW;
  visit(&p, 0, r->values, false);
  int last = r->rank - 1;
  if (r->dims[last] > 2 * ENDS && r->dims[last] * (p.align.all + 2) > WIDE) p.cut[last] = true;
  for (int k = 0; k < r->rank; k++) cut = cut || p.cut[k];
  visit(&p, 0, r->values, true);
  if (cut || size == 0) {
    buffer_text(out, "  shape ");
    buffer_shape(out, r->rank, r->dims);
  }
}

static void add_scalar(buffer *out, double x, int digits, const align *a) {
  char s[32];
  size_t size = dz_number_write(x, digits, s);
  buffer_pad(out, a->before - before_point(s));
  buffer_add(out, s, size);
}

void table_add(buffer *out, const row *rows, size_t count, int digits) {
  size_t label = 0;
  align a = {0, 0};
  for (size_t i = 0; i < count; i++) {
    size_t n = text_width(rows[i].label, strlen(rows[i].label));
    label = label > n ? label : n;
    if (rows[i].word == NULL && rows[i].rank == 0) fit(&a, rows[i].values[0], digits);
  }
  bool signs = false; /* what is no number starts where the digits of the widest number start */
  for (size_t i = 0; i < count; i++)
    signs = signs || (rows[i].word == NULL && rows[i].rank == 0 && rows[i].values[0] < 0);
  for (size_t i = 0; i < count; i++) {
    const row *r = &rows[i];
    buffer_clean(out, r->label, strlen(r->label));
    buffer_pad(out, label + 2 - text_width(r->label, strlen(r->label)));
    if (r->word != NULL || r->rank > 0) buffer_pad(out, signs);
    if (r->word != NULL)
      buffer_text(out, r->word);
    else if (r->rank > 0)
      add_tensor(out, r, digits, label + 2 + signs);
    else
      add_scalar(out, r->values[0], digits, &a);
    buffer_text(out, "\n");
  }
}

void table_notes(buffer *out, const dz_tape *t) {
  for (size_t i = 0; i < note_count(t); i++) {
    const dz_note n = note_at(t, i);
    buffer_text(out, "note: ");
    if (n.line > 0) {
      buffer_whole(out, (size_t)n.line);
      buffer_text(out, ":");
      buffer_whole(out, (size_t)n.column);
      buffer_text(out, ": ");
    }
    buffer_clean(out, n.message, strlen(n.message));
    buffer_text(out, "\n");
  }
}
