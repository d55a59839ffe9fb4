/* Labels of lines: each where it is nearest to its own line and away from all others. */
#include "figure.h"
#include "width.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PLACES = 60, LETTER = 8, TALL = 16 };

typedef struct box {
  double left, right, low, high; /* in points of the picture, from the lower left */
} box;

static double across(const window *w, double x) { return (x - w->x0) / (w->x1 - w->x0) * w->wide; }
static double above(const window *w, double y) { return (y - w->y0) / (w->y1 - w->y0) * w->high; }

static bool overlap(box a, box b) {
  return a.left < b.right && b.left < a.right && a.low < b.high && b.low < a.high;
}

/* The last point before `left`: points stand from left to right. */
static size_t first_from(const window *w, const curve *c, double left) {
  size_t low = 0, high = c->count;
  while (high - low > 1) {
    size_t middle = low + (high - low) / 2;
    if (across(w, c->at[middle].x) < left)
      low = middle;
    else
      high = middle;
  }
  return low;
}

/* How far the box is from the curve, up and down; 0 when the curve goes through it. Infinite when the curve
   is not near. */
static double distance(const window *w, const curve *c, box b) {
  double least = HUGE_VAL;
  for (size_t i = first_from(w, c, b.left); i < c->count && across(w, c->at[i].x) <= b.right; i++) {
    point p = c->at[i], q = c->at[i + 1 < c->count ? i + 1 : i];
    if (!isfinite(p.y)) continue;
    if (!isfinite(q.y)) q = p;
    double low = above(w, p.y), high = above(w, q.y);
    if (low > high) {
      double t = low;
      low = high;
      high = t;
    }
    double d = low > b.high ? low - b.high : high < b.low ? b.low - high : 0;
    if (d < least) least = d;
  }
  return least;
}

static double height_at(const curve *c, double x) {
  for (size_t i = 0; i + 1 < c->count; i++)
    if (c->at[i].x <= x && x <= c->at[i + 1].x) return c->at[i].y;
  return nan("");
}

static box box_at(const window *w, double x, double y, double wide) {
  double left = across(w, x) - wide / 2, low = above(w, y) - TALL / 2.;
  return (box){left, left + wide, low, low + TALL};
}

/* Whether the box touches the mark at the end of a line. */
static bool on_stop(const figure *f, box b) {
  const window *w = &f->window;
  for (size_t i = 0; i < f->count; i++)
    for (size_t k = 0; k < f->lines[i].curve.stop_count; k++) {
      double x = across(w, f->lines[i].curve.stops[k].at.x), y = above(w, f->lines[i].curve.stops[k].at.y);
      if (x > b.left - 6 && x < b.right + 6 && y > b.low - 6 && y < b.high + 6) return true;
    }
  return false;
}

/* How good the box is for the label of line i: room around it; below 0 when it will not do. */
static double merit(const figure *f, const box *taken, size_t i, box b) {
  const window *w = &f->window;
  double axis = above(w, 0), room = 40;
  if (b.left < 4 || b.right > w->wide - 4 || b.low < 3 || b.high > w->high - 3) return -1;
  if ((axis > b.low - 1 && axis < b.high + 1) || on_stop(f, b)) return -1;
  for (size_t k = 0; k < i; k++)
    if (overlap(b, taken[k])) return -1;
  double own = distance(w, &f->lines[i].curve, b);
  if (own < 2 || own > 9) return -1;
  for (size_t k = 0; k < f->count; k++) {
    double d = k == i ? HUGE_VAL : distance(w, &f->lines[k].curve, b);
    if (d < own + 6) return -1;
    room = fmin(room, d);
  }
  double upright = across(w, 0); /* a label across the other axis can be read, but is not nice */
  return upright > b.left - 2 && upright < b.right + 2 ? room / 2 : room;
}

void figure_place(figure *f) {
  const window *w = &f->window;
  box *taken = take(NULL, f->count, sizeof *taken);
  for (size_t i = 0; i < f->count; i++) {
    drawn *l = &f->lines[i];
    double best = 0, wide = LETTER * (double)text_width(l->label, strlen(l->label));
    l->place = (point){nan(""), 0};
    taken[i] = (box){-1, -1, -1, -1};
    for (int k = 1; k < PLACES; k++) {
      double x = w->x0 + (w->x1 - w->x0) * k / PLACES, y = height_at(&l->curve, x);
      for (int step = -8; step <= 8; step++) {
        double up = step * 5 * (w->y1 - w->y0) / w->high;
        box b = box_at(w, x, y + up, wide);
        double m = isfinite(y) && step != 0 ? merit(f, taken, i, b) - fabs(step * .5) : -1;
        if (m <= best) continue;
        best = m;
        l->place = (point){x, y + up};
        taken[i] = b;
      }
    }
  }
  free(taken);
}
