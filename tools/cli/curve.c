#include "curve.h"

#include "buffer.h"
#include "dz/text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static point point_at(const curve *c, double x) { return (point){x, c->f(c->user, x)}; }

void curve_sample(curve *c, const window *w, size_t count) {
  c->at = take(c->at, count + 1, sizeof *c->at);
  c->count = count + 1;
  for (size_t i = 0; i <= count; i++)
    c->at[i] = point_at(c, i == count ? w->x1 : w->x0 + (w->x1 - w->x0) * ((double)i / (double)count));
}

/* ---- what part to show ---- */

static int by_size(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* The top of sign*f near sample i, which is the highest: by steps that halve, from the best place to the
   better. Ends early once it is at `far`: so high counts as infinity. */
static double summit(const curve *c, size_t i, double sign, double far) {
  double low = c->at[0].x, high = c->at[c->count - 1].x, step = (high - low) / (double)(c->count - 1);
  point best = c->at[i];
  for (int turn = 0; turn < 60 && !(sign * best.y >= far); turn++) {
    step /= 2;
    for (int side = -1; side <= 1; side += 2) {
      double x = best.x + side * step;
      if (x < low || x > high) continue;
      point p = point_at(c, x);
      if (sign * p.y > sign * best.y) best = p;
    }
  }
  return best.y;
}

/* Where the window ends, upward (sign 1) or downward: at `top`, the extreme of the samples, or a little
   beyond where the true one is between them; at `usual` when the curve goes to infinity there. */
static double end_of(const curve *c, size_t i, double sign, double tall, double usual) {
  double top = c->at[i].y, far = fabs(top) + 16 * tall, y = summit(c, i, sign, far);
  if (sign * y >= far) return sign * usual < sign * top ? usual : top;
  return fabs(y - top) <= tall / 4 ? y : top;
}

void curve_fit(const curve *c, window *w) {
  double *y = take(NULL, c->count, sizeof *y);
  size_t n = 0, top = 0, bottom = 0;
  for (size_t i = 0; i < c->count; i++) {
    if (!isfinite(c->at[i].y)) continue;
    if (n == 0 || c->at[i].y > c->at[top].y) top = i;
    if (n == 0 || c->at[i].y < c->at[bottom].y) bottom = i;
    y[n++] = c->at[i].y;
  }
  if (n > 0) {
    qsort(y, n, sizeof *y, by_size);
    double low = y[0], high = y[n - 1], tall = high - low;
    double tenth = y[n / 10], ninth = y[n - 1 - n / 10], usual = ninth - tenth;
    if (tall > 0) {
      high = end_of(c, top, 1, tall, ninth + usual);
      low = end_of(c, bottom, -1, tall, tenth - usual);
    }
    w->y0 = fmin(w->y0, low);
    w->y1 = fmax(w->y1, high);
  }
  free(y);
}

/* ---- points in between ---- */

enum { DEPTH = 8, MOST_SEARCHES = 400 };

typedef struct refining {
  curve *c;
  const window *w;
  size_t room;
  int searches; /* long ones, for jumps: each takes up to some thousand points */
} refining;

static double rows(const refining *r, double tall) { return tall * (r->w->high / (r->w->y1 - r->w->y0)); }

static void add(refining *r, double x, double y) {
  curve *c = r->c;
  double tall = r->w->y1 - r->w->y0;
  if (!isfinite(y)) y = nan("");
  if (c->count == r->room) c->at = take(c->at, r->room *= 2, sizeof *c->at);
  if (y > r->w->y1 + 4 * tall) y = r->w->y1 + 4 * tall;
  if (y < r->w->y0 - 4 * tall) y = r->w->y0 - 4 * tall;
  c->at[c->count++] = (point){x, y};
}

static bool outside(const refining *r, point a, point b) {
  return (a.y > r->w->y1 && b.y > r->w->y1) || (a.y < r->w->y0 && b.y < r->w->y0);
}

/* Whether a line from a to b would not do, m being halfway. */
static bool bends(const refining *r, point a, point m, point b) {
  bool finite = isfinite(a.y);
  if (isfinite(m.y) != finite || isfinite(b.y) != finite) return true;
  if (!finite || (outside(r, a, m) && outside(r, m, b))) return false;
  return fabs(rows(r, m.y - (a.y / 2 + b.y / 2))) > .04;
}

static bool rises(const refining *r, point a, point b) {
  return isfinite(a.y) && isfinite(b.y) && !outside(r, a, b) && fabs(rows(r, b.y - a.y)) > 1;
}

static void add_stop(refining *r, point p, bool closed) {
  curve *c = r->c;
  if (p.y < r->w->y0 || p.y > r->w->y1) return;
  for (size_t i = 0; i < c->stop_count; i++)
    if (fabs(c->stops[i].at.x - p.x) <= (r->w->x1 - r->w->x0) * 1e-9 &&
        fabs(rows(r, c->stops[i].at.y - p.y)) < 1) {
      c->stops[i].closed |= closed;
      return;
    }
  c->stops = take(c->stops, c->stop_count + 1, sizeof *c->stops);
  c->stops[c->stop_count++] = (stop){p, closed};
}

/* Between neighbouring doubles the value jumps. It belongs to the rounder of the two, where one is round. */
static void add_jump(refining *r, point a, point b) {
  char text[32];
  size_t left = dz_number_write(a.x, 0, text), right = dz_number_write(b.x, 0, text);
  add(r, a.x, a.y);
  add(r, a.x, nan(""));
  add(r, b.x, b.y);
  bool seen = a.y >= r->w->y0 && a.y <= r->w->y1 && b.y >= r->w->y0 && b.y <= r->w->y1;
  if (!seen || fabs(rows(r, b.y - a.y)) < 6 || (left > 12 && right > 12)) return;
  add_stop(r, a, left < right);
  add_stop(r, b, right < left);
}

/* From a, which stands already, up to b: where the curve rises steeply, halves the steeper part again and
   again, until it either is no longer steep or is found to jump between neighbouring numbers. */
static void cross(refining *r, point a, point b) {
  point to = b, from = a;
  bool jumps = rises(r, a, b) && r->searches < MOST_SEARCHES;
  for (int turn = 0; jumps && isfinite(a.y) && isfinite(b.y); turn++) {
    point m = point_at(r->c, a.x + (b.x - a.x) / 2);
    if (m.x <= a.x || m.x >= b.x) break;
    if (fabs(rows(r, m.y - a.y)) >= fabs(rows(r, b.y - m.y)) || !isfinite(m.y))
      b = m;
    else
      a = m;
    jumps = !outside(r, a, b) && (fabs(rows(r, b.y - a.y)) > 1 || !isfinite(b.y));
    r->searches += turn == 30;
  }
  if (!jumps) {
    add(r, to.x, to.y);
    return;
  }
  if (a.x > from.x) cross(r, from, a); /* at most MOST_SEARCHES deep */
  if (isfinite(a.y) && isfinite(b.y))
    add_jump(r, a, b);
  else
    add(r, b.x, nan(""));
  if (b.x < to.x) cross(r, b, to);
}

static void between(refining *r, point a, point b, int depth) {
  if (depth == 0) {
    cross(r, a, b);
    return;
  }
  point m = point_at(r->c, a.x + (b.x - a.x) / 2);
  bool bent = bends(r, a, m, b);
  if (bent) {
    between(r, a, m, depth - 1);
    between(r, m, b, depth - 1);
  } else if (rises(r, a, b) && fabs(rows(r, b.y - a.y)) > 4) {
    cross(r, a, b); /* steep and straight: the halfway point may have hit a jump's middle */
  } else {
    add(r, b.x, b.y);
  }
}

void curve_refine(curve *c, const window *w) {
  point *coarse = c->at;
  size_t count = c->count;
  refining r = {c, w, 2 * count, 0};
  c->at = take(NULL, r.room, sizeof *c->at);
  c->count = 0;
  if (count > 0) add(&r, coarse[0].x, coarse[0].y);
  for (size_t i = 0; i + 1 < count; i++) between(&r, coarse[i], coarse[i + 1], DEPTH);
  free(coarse);
}

void curve_free(curve *c) {
  free(c->at);
  free(c->stops);
}
