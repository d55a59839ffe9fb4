/* Central differences over halving steps, extrapolated to step 0 (L. F. Richardson 1911; the tableau with its
   own error estimate after C. J. F. Ridders, Adv. Eng. Softw. 4, 1982), and the noise of f measured from high
   differences of nearby values (R. W. Hamming; J. J. Moré, S. M. Wild, SIAM J. Sci. Comput. 33, 2011).

   The error has two parts. Truncation: the change between neighbours in the tableau, which is the error of
   the coarser of them. Noise: if each value of f is off by at most e, then a difference over h is off by e/h,
   and the extrapolated one by at most the sum of its absolute weights times that. e is the larger of what
   rounding one result leaves, u|f|, and four standard deviations of the measured noise. Their sum is
   multiplied by SAFETY, since both are estimates; agreement is so sharp (1e-10 and better for smooth f) that
   a factor costs nothing. */
#include "check/slope.h"

#include <float.h>
#include <math.h>

enum { ROWS = 40, COLUMNS = 8, LEAST_ROWS = 4, PROBES = 8, ZOOMS = 11, RESTARTS = 4, RETRIES = 16 };

#define SAFETY 4.0
#define UNIT (DBL_EPSILON / 2)
/* Sums of absolute weights of the extrapolation, over any number of columns. Steps halve, so with even powers
   of h the product over k of (4^k + 1/2)/(4^k - 1), noise of a difference doubling from row to row; with all
   powers, for values that are not divided by h, that of (2^k + 1)/(2^k - 1). */
#define EVEN_WEIGHTS 1.77
#define ALL_WEIGHTS 8.3

typedef struct estimate {
  double value, error;
} estimate;

/* The last row of a Neville tableau that goes to h = 0. */
typedef struct tableau {
  double row[COLUMNS];
  int n;
} tableau;

/* Appends a row; the estimate with the least change from its neighbours. ratio: what the leading power of h
   shrinks by from row to row; the others follow as its powers. */
static estimate extend(tableau *t, double value, double ratio) {
  estimate best = {value, INFINITY};
  double coarse = t->row[0], p = ratio, now = value;
  int last = t->n < COLUMNS ? t->n : COLUMNS - 1;
  t->row[0] = value;
  for (int k = 1; k <= last; k++, p *= ratio) {
    double next = now + (now - coarse) / (p - 1);
    double change = fmax(fabs(next - now), fabs(next - coarse));
    if (change <= best.error) best = (estimate){next, change};
    coarse = t->row[k];
    t->row[k] = now = next;
  }
  t->n = last + 1;
  return best;
}

typedef struct row {
  double h, size;       /* size: the largest |f| there */
  estimate slope;       /* central difference */
  estimate bend;        /* slope to the right less slope to the left */
  estimate right, left; /* f(h) - f(0), f(-h) - f(0) */
} row;

typedef struct study {
  dz__ray *f;
  void *user;
  double at, claim, middle; /* middle: f(0) */
  row rows[ROWS];
  int n, best;
  double noise;   /* of f, measured */
  double scatter; /* of f, as the rows show it */
  double reach;   /* the largest |f| in the rows */
} study;

/* h, changed so little that at + h and at - h are both exact: the farther from 0 of the two decides. */
static double exact(const study *s, double h) {
  double x = fabs(s->at);
  return (x + h) - x;
}

/* The plain differences at step h. */
static bool take(study *s, double h, row *r) {
  double plus, minus;
  if (!s->f(s->user, h, &plus) || !s->f(s->user, -h, &minus)) return false;
  double up = plus - s->middle, down = minus - s->middle;
  r->h = h;
  r->size = fmax(fmax(fabs(plus), fabs(minus)), fabs(s->middle));
  r->slope = (estimate){(plus / 2 - minus / 2) / h, INFINITY};
  r->bend = (estimate){(up + down) / h, INFINITY};
  r->right = (estimate){up, INFINITY};
  r->left = (estimate){down, INFINITY};
  return true;
}

static double rounding(const study *s, const row *r) { return s->noise + UNIT * r->size + DBL_TRUE_MIN; }

/* Error of the row's central difference, before SAFETY. */
static double row_error(const study *s, const row *r) {
  return r->slope.error + EVEN_WEIGHTS * fmax(rounding(s, r), s->scatter) / r->h;
}

static void find_best(study *s) {
  s->best = 0;
  for (int i = 1; i < s->n; i++)
    if (row_error(s, &s->rows[i]) < row_error(s, &s->rows[s->best])) s->best = i;
}

/* Whether an error is small enough to say something: two digits of the slope are known, or what is not known
   is, over the whole scale of x, less than a millionth of f. */
static bool sharp(const study *s, double scale, estimate e) {
  if (s->reach == 0 && s->claim == 0) return true;
  double slope = isfinite(s->claim) ? fmax(fabs(e.value), fabs(s->claim)) : fabs(e.value);
  return e.error <= 0x1p-7 * slope || e.error <= 0x1p-20 * s->reach / scale;
}

/* The answer from the best row. Finer rows must agree with it within their own errors. */
static estimate answer(const study *s) {
  const row *b = &s->rows[s->best];
  double e = row_error(s, b);
  for (int i = s->best + 1; i < s->n; i++)
    e = fmax(e, fabs(s->rows[i].slope.value - b->slope.value) - row_error(s, &s->rows[i]));
  return (estimate){b->slope.value, SAFETY * e + 8 * DBL_EPSILON * fabs(b->slope.value)};
}

/* Rows from step h on, halving, until noise alone exceeds the best error so far. */
static bool descend(study *s, double h, double scale) {
  tableau slope = {.n = 0}, bend = {.n = 0}, right = {.n = 0}, left = {.n = 0};
  int retries = 0;
  s->n = s->best = 0;
  s->noise = s->scatter = 0;
  for (; s->n < ROWS; h /= 2) {
    double step = exact(s, h);
    row *r = &s->rows[s->n];
    if (!(step > 0)) return true;
    if (!take(s, step, r)) return false;
    if (!isfinite(r->slope.value)) {
      slope.n = bend.n = right.n = left.n = s->n = 0;
      if (++retries > RETRIES) return true;
      h /= 32;
      continue;
    }
    s->n++;
    s->reach = fmax(s->reach, r->size);
    r->slope = extend(&slope, r->slope.value, 4);
    r->bend = extend(&bend, r->bend.value, 2);
    r->right = extend(&right, r->right.value, 2);
    r->left = extend(&left, r->left.value, 2);
    find_best(s);
    if (s->n < LEAST_ROWS) continue;
    if (EVEN_WEIGHTS * rounding(s, r) / r->h > row_error(s, &s->rows[s->best])) return true;
    if (s->best < s->n - 4 && sharp(s, scale, answer(s))) return true;
  }
  return true;
}

/* The noise of f from fourth to sixth divided differences of nearby values: beside 0, so that a kink at 0
   does not count; so close together that what is smooth cancels; unevenly spaced, since rounding errors of
   values in equal steps can go in equal steps too. A difference sum w_i y_i of independent errors of variance
   v has variance v sum w_i^2. */
static double one_noise(const double *x, const double *y, int n) {
  double sum = 0, weights = 0;
  for (int i = 0; i < n; i++) {
    double w = 1;
    for (int j = 0; j < n; j++)
      if (j != i) w /= x[i] - x[j];
    sum += w * y[i];
    weights += w * w;
  }
  return fabs(sum) / sqrt(weights);
}

static bool measure_noise(study *s) {
  static const double place[PROBES] = {0, .83, 2.17, 3.05, 4.61, 5.22, 6.74, 7.48};
  double x[PROBES], y[PROBES], h = s->rows[s->best].h, d = h / 93, v = 0;
  if (d < 32 * DBL_EPSILON * fabs(s->at)) d = 32 * DBL_EPSILON * fabs(s->at);
  for (int i = 0; i < PROBES; i++) {
    double step = exact(s, h / 2 + place[i] * d);
    if (!s->f(s->user, step, &y[i])) return false;
    x[i] = (step - h / 2) / d;
  }
  for (int n = 5; n <= 7; n++) {
    double sum = 0;
    for (int i = 0; i + n <= PROBES; i++) sum = hypot(sum, one_noise(x + i, y + i, n));
    v = fmax(v, sum / sqrt(PROBES + 1 - n));
  }
  s->noise = isfinite(v) ? 4 * v : 0;
  return true;
}

/* Where finer rows scatter about the best one, that is noise too, and the choice of the best must know it. */
static void weigh_scatter(study *s) {
  for (int pass = 0; pass < 3; pass++) {
    find_best(s);
    const row *b = &s->rows[s->best];
    for (int i = s->best + 1; i < s->n; i++) {
      double off = fabs(s->rows[i].slope.value - b->slope.value);
      s->scatter = fmax(s->scatter, off * s->rows[i].h / EVEN_WEIGHTS);
    }
  }
  find_best(s);
}

/* ---- doubts: a second look at smaller steps ---- */

typedef enum feature { NONE, RIGHT, LEFT, BEND } feature;

static estimate of_row(const row *r, feature which) {
  return which == RIGHT ? r->right : which == LEFT ? r->left : r->bend;
}

/* The noise of a feature at step h. */
static double feature_noise(const study *s, const row *r, feature which) {
  return ALL_WEIGHTS * rounding(s, r) * (which == BEND ? 4 / r->h : 2);
}

/* Whether the feature's limit at h = 0 stands clear of its error in the last two rows, and is steady. */
static bool stands(const study *s, feature which) {
  if (s->n < LEAST_ROWS) return false;
  double value[2];
  for (int i = 0; i < 2; i++) {
    const row *r = &s->rows[s->n - 1 - i];
    estimate e = of_row(r, which);
    value[i] = e.value;
    if (!(fabs(e.value) > 2 * SAFETY * (e.error + feature_noise(s, r, which)))) return false;
  }
  return fabs(value[0] - value[1]) < fabs(value[0]) / 4;
}

typedef enum finding { NOTHING, RESOLVED, PERSISTS } finding;

/* Follows a feature to smaller steps, as long as noise lets it be seen. One that shrinks is smooth, and
   resolved at *h; one that does not, and was seen at two steps more at least, is a kink or a jump. */
static bool follow(study *s, feature which, double *h, finding *what) {
  const row *last = &s->rows[s->n - 1];
  double value = of_row(last, which).value, step = last->h;
  *what = NOTHING;
  for (int i = 0; i < ZOOMS; i++) {
    row r;
    step = exact(s, step / 16);
    if (!(step > 0)) return true;
    if (!take(s, step, &r)) return false;
    double now = which == RIGHT ? r.right.value : which == LEFT ? r.left.value : r.bend.value;
    if (!(feature_noise(s, &r, which) < fabs(value) / 4)) return true;
    if (fabs(now - value) > fabs(value) / 2) {
      *what = RESOLVED;
      *h = step;
      return true;
    }
    if (i > 0) *what = PERSISTS;
  }
  return true;
}

/* Whether at smaller steps the slope comes to the claim instead of our answer, for two steps running: then f
   varies faster than was seen. Only rounding limits the search, for such an f looks like noise from afar. */
static bool approaches(study *s, double found, double *h, finding *what) {
  double gap = fabs(s->claim - found), step = s->rows[s->best].h;
  *what = NOTHING;
  int near = 0;
  for (int i = 0; i < ZOOMS; i++) {
    row r;
    step = exact(s, step / 16);
    if (!(step > 0)) return true;
    if (!take(s, step, &r)) return false;
    if (!(SAFETY * UNIT * r.size / step < gap / 16)) return true;
    near = fabs(r.slope.value - s->claim) < gap / 16 ? near + 1 : 0;
    if (near == 2) {
      *what = RESOLVED;
      *h = 16 * step;
      return true;
    }
  }
  return true;
}

/* What the rows say, and whether to begin again at a smaller step *h. */
static bool judge(study *s, double scale, double *h, bool *again, dz__slope *out) {
  estimate found = answer(s);
  finding what = NOTHING, other = NOTHING;
  feature which = stands(s, RIGHT) ? RIGHT : stands(s, LEFT) ? LEFT : stands(s, BEND) ? BEND : NONE;
  if (which != NONE && !follow(s, which, h, &what)) return false;
  bool differs = isfinite(s->claim) && fabs(s->claim - found.value) > found.error;
  if (what == NOTHING && differs && !approaches(s, found.value, h, &other)) return false;
  *again = what == RESOLVED || other == RESOLVED;
  bool sure = !*again && sharp(s, scale, found);
  *out = (dz__slope){found.value, found.error, sure ? DZ__SLOPE_CLEAR : DZ__SLOPE_UNSURE};
  if (what == PERSISTS) out->kind = DZ__SLOPE_KINK;
  return true;
}

/* One attempt at one scale. */
static bool attempt(study *s, double scale, dz__slope *out) {
  double h = scale * 0x1.6a09e6p-4; /* no simple fraction: a period of f would hide from it */
  bool again = true;
  s->reach = 0;
  *out = (dz__slope){NAN, INFINITY, DZ__SLOPE_NOT_FINITE};
  for (int i = 0; again && i <= RESTARTS; i++) {
    if (!descend(s, h, scale)) return false;
    if (s->n == 0) return true;
    if (!measure_noise(s)) return false;
    weigh_scatter(s);
    if (!judge(s, scale, &h, &again, out)) return false;
  }
  return true;
}

static bool tried(const double *scales, int n, double scale) {
  for (int i = 0; i < n; i++)
    if (scale < 16 * scales[i] && scales[i] < 16 * scale) return true;
  return false;
}

bool dz__slope_at(dz__ray *f, void *user, double at, const double *scales, int nscales, double claim,
                  dz__slope *out) {
  study s = {.f = f, .user = user, .at = at, .claim = claim};
  *out = (dz__slope){NAN, INFINITY, DZ__SLOPE_NOT_FINITE};
  if (!f(user, 0, &s.middle)) return false;
  if (!isfinite(s.middle)) return true;
  for (int i = 0; i < nscales; i++) {
    dz__slope now;
    if (i > 0 && (out->kind == DZ__SLOPE_CLEAR || out->kind == DZ__SLOPE_KINK)) break;
    if (tried(scales, i, scales[i])) continue;
    if (!attempt(&s, scales[i], &now)) return false;
    bool better = now.kind == DZ__SLOPE_CLEAR || now.kind == DZ__SLOPE_KINK;
    if (i == 0 || better || now.error < out->error) *out = now;
  }
  return true;
}
