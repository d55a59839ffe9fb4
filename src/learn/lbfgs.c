/* L-BFGS: J. Nocedal, Updating quasi-Newton matrices with limited storage, 1980: directions by the two-loop
   recursion over the last steps. The line search looks for a point with enough decrease and a slope that is
   flat enough (Wolfe's weak conditions) by doubling and bisection: A. Lewis and M. Overton, Nonsmooth
   optimization via quasi-Newton methods, 2013. It ends at such a point for any function that is bounded below
   along the line, and there s.y > 0, so that every step can be stored.

   Own code rather than liblbfgs, which holds the loop itself and calls back for values: it could not be
   stopped between two evaluations, kept in a file and continued to the same bits, it takes memory past the
   caller's allocator, and it would be a second form of training beside the one that all other methods share.
   What is needed of it are the sixty lines below. */
#include "learn/optimiser.h"

#include <math.h>
#include <string.h>

/* The head of the state behind the steps taken. A line search tries the point base + length direction;
   lengths up to `low` are too short, from `high` on too long (0: none is known to be). */
enum { BEGUN = 1, STORED, NEWEST, LENGTH, LOW, HIGH, LOSS, SLOPE, TRIES, STUCK };
/* The arrays: base and the gradient there, direction, then the pairs s, y. */
enum { BASE, GRADIENT, DIRECTION, PAIRS };

static const double enough_decrease = 1e-4, flat_enough = .9;
enum { MOST_TRIES = 60 };

size_t dz__lbfgs_slots(size_t history) { return PAIRS + 2 * history; }

static double *pair_s(const dz_optimiser *o, size_t k) { return dz__slot(o, PAIRS + 2 * k); }
static double *pair_y(const dz_optimiser *o, size_t k) { return dz__slot(o, PAIRS + 2 * k + 1); }

static double dot(size_t n, const double *x, const double *y) {
  double z = 0;
  for (size_t i = 0; i < n; i++) z += x[i] * y[i];
  return z;
}

static void add(size_t n, double *x, double a, const double *y) {
  for (size_t i = 0; i < n; i++) x[i] += a * y[i];
}

/* direction <- -H gradient, with H the inverse Hessian that the pairs suggest. */
static void find_direction(dz_optimiser *o) {
  size_t n = o->count, m = o->how.history, stored = (size_t)o->state[STORED];
  double *d = dz__slot(o, DIRECTION), *g = dz__slot(o, GRADIENT), a[1000];
  for (size_t i = 0; i < n; i++) d[i] = -g[i];
  for (size_t j = 0; j < stored; j++) {
    size_t k = ((size_t)o->state[NEWEST] + m - j) % m;
    a[k] = dot(n, pair_s(o, k), d) / dot(n, pair_s(o, k), pair_y(o, k));
    add(n, d, -a[k], pair_y(o, k));
  }
  if (stored > 0) {
    size_t k = (size_t)o->state[NEWEST];
    double scale = dot(n, pair_s(o, k), pair_y(o, k)) / dot(n, pair_y(o, k), pair_y(o, k));
    for (size_t i = 0; i < n; i++) d[i] *= scale;
  }
  for (size_t j = stored; j-- > 0;) {
    size_t k = ((size_t)o->state[NEWEST] + m - j) % m;
    double b = dot(n, pair_y(o, k), d) / dot(n, pair_s(o, k), pair_y(o, k));
    add(n, d, a[k] - b, pair_s(o, k));
  }
}

/* A new line from the base. Where the pairs suggest no way down they are dropped: steepest descent is one. */
static void begin_line(dz_optimiser *o) {
  double *h = o->state, *g = dz__slot(o, GRADIENT);
  find_direction(o);
  h[SLOPE] = dot(o->count, g, dz__slot(o, DIRECTION));
  if (!(h[SLOPE] < 0)) {
    h[STORED] = 0;
    find_direction(o);
    h[SLOPE] = dot(o->count, g, dz__slot(o, DIRECTION));
  }
  h[STUCK] = !(h[SLOPE] < 0);
  h[LENGTH] = h[STORED] > 0 ? o->how.rate : o->how.rate / fmax(1, sqrt(-h[SLOPE]));
  h[LOW] = h[HIGH] = h[TRIES] = 0;
}

static void store_pair(dz_optimiser *o, const double *x, const double *g) {
  double *h = o->state, *x0 = dz__slot(o, BASE), *g0 = dz__slot(o, GRADIENT);
  size_t m = o->how.history, k = ((size_t)h[NEWEST] + 1) % m;
  double *s = pair_s(o, k), *y = pair_y(o, k);
  for (size_t i = 0; i < o->count; i++) s[i] = x[i] - x0[i], y[i] = g[i] - g0[i];
  if (!(dot(o->count, s, y) > 0)) { /* lost to rounding */
    h[STORED] = 0;
    return;
  }
  h[NEWEST] = (double)k;
  h[STORED] = fmin(h[STORED] + 1, (double)m);
}

static void take_base(dz_optimiser *o, double loss, const double *x, const double *g) {
  double *base = dz__slot(o, BASE), *gradient = dz__slot(o, GRADIENT);
  for (size_t i = 0; i < o->count; i++) base[i] = x[i], gradient[i] = g[i]; /* of nothing x may be NULL */
  o->state[LOSS] = loss;
  begin_line(o);
}

static bool finite_at(const dz_optimiser *o, double loss, const double *g) {
  bool yes = isfinite(loss);
  for (size_t i = 0; i < o->count; i++) yes = yes && isfinite(g[i]);
  return yes;
}

/* The next length, when the one that was tried will not do. Where none is left between the bounds, the line
 * is given up. */
static void next_length(dz_optimiser *o, bool too_long) {
  double *h = o->state, t = h[LENGTH];
  h[too_long ? HIGH : LOW] = t;
  h[LENGTH] = h[HIGH] > 0 ? (h[LOW] + h[HIGH]) / 2 : 2 * t;
  if (++h[TRIES] < MOST_TRIES && h[LENGTH] > h[LOW]) return;
  bool descent = h[STORED] > 0;
  h[STORED] = 0;
  begin_line(o);
  if (!descent) h[STUCK] = 1;
}

void dz__lbfgs_best(const dz_optimiser *o, double *x) {
  if (o->state[BEGUN] > 0 && o->count) memcpy(x, dz__slot(o, BASE), o->count * sizeof *x);
}

void dz__lbfgs_point(const dz_optimiser *o, double *x) {
  const double *h = o->state, *d = dz__slot(o, DIRECTION);
  dz__lbfgs_best(o, x);
  for (size_t i = 0; h[BEGUN] > 0 && !(h[STUCK] > 0) && i < o->count; i++) x[i] += h[LENGTH] * d[i];
}

bool dz__lbfgs_possible(const dz_optimiser *o, const double *h) {
  double m = (double)o->how.history;
  return h[STORED] >= 0 && h[STORED] <= m && floor(h[STORED]) == h[STORED] && h[NEWEST] >= 0 &&
         h[NEWEST] < m && floor(h[NEWEST]) == h[NEWEST];
}

bool dz__lbfgs_step(dz_optimiser *o, double loss, double *x, const double *g) {
  double *h = o->state;
  bool finite = finite_at(o, loss, g);
  if (!(h[BEGUN] > 0)) {
    if (!finite) return false;
    h[BEGUN] = 1;
    take_base(o, loss, x, g);
  } else if (!(h[STUCK] > 0)) {
    bool too_long = !finite || !(loss <= h[LOSS] + enough_decrease * h[LENGTH] * h[SLOPE]);
    if (too_long || dot(o->count, g, dz__slot(o, DIRECTION)) < flat_enough * h[SLOPE]) {
      next_length(o, too_long);
    } else {
      store_pair(o, x, g);
      take_base(o, loss, x, g);
    }
  }
  dz__lbfgs_point(o, x);
  return true;
}
