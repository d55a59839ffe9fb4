/* The points of a grading, and where accuracy is lost. */
#ifdef HAVE_MPFR
#include "buffer.h"
#include "grading.h"
#include "message.h"

#include <math.h>
#include <string.h>

enum { POINTS = 1000, MOST_POINTS = 100000 };

static void choose_points(grading *g) {
  double step = g->range.step > 0 ? g->range.step : (g->range.high - g->range.low) / POINTS;
  double count = floor((g->range.high - g->range.low) / step * (1 + 1e-12)) + 1;
  if (count > MOST_POINTS) die(STATUS_LIMIT, "more than %d steps in a range", MOST_POINTS);
  g->points = (size_t)count;
  g->x = take(NULL, g->points, sizeof *g->x);
  for (size_t i = 0; i < g->points; i++) {
    double x = g->range.low + (double)i * step;
    g->x[i] = (double)(float)(x > g->range.high || i + 1 == POINTS + 1 ? g->range.high : x);
  }
}

static double graph_slope(grading *g, double x) {
  model *m = &g->f;
  dz_tape_rewind(m->tape, m->leaves);
  dz_var leaf = dz_named(m->tape, g->wrt);
  dz_set(leaf, &x, 1);
  m->result = dz_program_record(m->program, m->tape, 0);
  dz_status status = dz_backward(m->result);
  if (status != DZ_OK) die_status(&m->source, dz_tape_error(m->tape), status);
  return dz_is_active(leaf) ? dz_adjoint(leaf) : 0;
}

static void put(grade_side *s, size_t i, double x, double got, mpfr_srcptr truth, int bits) {
  double u = s->ulp[i] = exact_ulps(got, truth, bits), t = mpfr_get_d(truth, MPFR_RNDN);
  s->none[i] = !(fabs(got - t) < fabs(t)) && got != t;
  if (u > s->worst || isnan(s->at)) {
    s->worst = u;
    s->at = x;
    s->got = got;
    s->truth = t;
  }
}

/* A number that was rounded in the claim's text (a constant) may make it differ by some 2^-53; a wrong
   formula differs by more, somewhere. */
static void compare_algebra(grading *g, double x, mpfr_srcptr truth) {
  mpfr_t claim, gap, least;
  mpfr_inits2(512, claim, gap, least, (mpfr_ptr)0);
  bool known = exact_claim(g->exact_claim, g->exact_f, x, claim) != 0;
  mpfr_sub(gap, claim, truth, MPFR_RNDN);
  mpfr_abs(least, truth, MPFR_RNDN);
  mpfr_div_2ui(least, least, 50, MPFR_RNDN);
  bool tiny = !mpfr_nan_p(gap) && (mpfr_zero_p(gap) || mpfr_get_exp(gap) < -1140);
  bool wrong = known && !tiny && (mpfr_nan_p(claim) || mpfr_cmpabs(gap, least) > 0);
  double claimed = mpfr_get_d(claim, MPFR_RNDN), right = mpfr_get_d(truth, MPFR_RNDN);
  /* the example to show: the first, unless a later one is nearer to 0, where numbers are easy to follow */
  if (wrong && (!g->wrong || fabs(x - 1) < fabs(g->wrong_at - 1))) {
    g->wrong_at = x;
    g->wrong_claim = claimed;
    g->wrong_truth = right;
  }
  g->wrong = g->wrong || wrong;
  mpfr_clears(claim, gap, least, (mpfr_ptr)0);
}

static void grade_point(grading *g, size_t i, mpfr_ptr truth, mpfr_ptr value) {
  double x = g->x[i], at[EXACT_INPUTS] = {x, 0};
  g->graph.ulp[i] = g->in_double.ulp[i] = g->in_float.ulp[i] = nan("");
  exact_slope_kind kind = exact_slope(g->exact_f, x, truth, value);
  g->kinks += kind == EXACT_KINK;
  g->outside += kind == EXACT_OUTSIDE;
  g->unknown += kind == EXACT_UNKNOWN;
  if (kind != EXACT_SLOPE) return;
  double own = graph_slope(g, x);
  put(&g->graph, i, x, own, truth, 53);
  at[1] = exact_double(g->exact_f, at);
  double got = exact_double(g->exact_claim, at);
  g->same = g->same && (got == own || (isnan(got) && isnan(own)));
  put(&g->in_double, i, x, got, truth, 53);
  at[1] = exact_float(g->exact_f, at);
  put(&g->in_float, i, x, exact_float(g->exact_claim, at), truth, 24);
  compare_algebra(g, x, truth);
}

/* ---- where accuracy is lost ---- */

typedef bool is_lost(const grading *g, const grade_side *s, size_t i);

static bool lost(const grading *g, const grade_side *s, size_t i) { return s->ulp[i] > g->allowed; }
static bool all_lost(const grading *g, const grade_side *s, size_t i) {
  return s->ulp[i] > g->allowed && s->none[i];
}

/* An end of the range whose last point is lost: from where on points are, with gaps of a fiftieth of the
   range at most, as near the threshold rounding is a matter of luck. Index `points` when the last one is not.
 */
static size_t tail(const grading *g, const grade_side *s, is_lost *test, bool up) {
  size_t n = g->points, first = n, gap = 0;
  for (size_t k = 0; k < n && gap <= n / 50; k++) {
    size_t i = up ? n - 1 - k : k;
    if (isnan(s->ulp[i])) continue;
    bool now = test(g, s, i);
    if (first == n && !now) return n;
    gap = now ? 0 : gap + 1;
    if (now) first = i;
  }
  return first;
}

static void find_ends(const grading *g, grade_side *s) {
  size_t up = tail(g, s, lost, true), down = tail(g, s, lost, false);
  size_t all_up = tail(g, s, all_lost, true), all_down = tail(g, s, all_lost, false);
  size_t n = g->points;
  s->from = up < n ? g->x[up] : nan("");
  s->to = down < n ? g->x[down] : nan("");
  s->all_from = all_up < n ? g->x[all_up] : nan("");
  s->all_to = all_down < n ? g->x[all_down] : nan("");
  for (size_t i = 0; i < n; i++) {
    bool explained = (up < n && i >= up) || (down < n && i <= down);
    s->inside = s->inside || (!explained && s->ulp[i] > 2 * g->allowed);
  }
}

static void begin(grade_side *s, size_t points) {
  *s = (grade_side){
      .at = nan(""), .ulp = take(NULL, points, sizeof(double)), .none = take(NULL, points, sizeof(bool))};
  memset(s->none, 0, points * sizeof(bool));
}

void grade_all(grading *g) {
  mpfr_t truth, value;
  mpfr_inits2(512, truth, value, (mpfr_ptr)0);
  choose_points(g);
  begin(&g->graph, g->points);
  begin(&g->in_double, g->points);
  begin(&g->in_float, g->points);
  g->same = true;
  for (size_t i = 0; i < g->points; i++) grade_point(g, i, truth, value);
  if (isnan(g->graph.at)) die(STATUS_USAGE, "the expression has no derivative anywhere in that range");
  find_ends(g, &g->graph);
  find_ends(g, &g->in_double);
  find_ends(g, &g->in_float);
  mpfr_clears(truth, value, (mpfr_ptr)0);
  mpfr_free_cache();
}

grade_verdict grade_verdict_of(const grading *g) {
  if (g->wrong) return GRADE_WRONG;
  if (g->same) return GRADE_EQUAL;
  return g->in_double.worst <= g->allowed ? GRADE_ROUNDING : GRADE_LOSES;
}
#else
#include "buffer.h" /* ISO C wants something in a file */
#endif
