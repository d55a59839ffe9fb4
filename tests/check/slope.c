#include "check/slope.h"
#include "handed.h"
#include "suite.h"

#include <math.h>
#include <stdint.h>

/* Functions with their derivatives from a calculus book, over the interval where both are accurate. */
#define SMOOTH(F)                                                                                            \
  F(sine, -10, 10, sin(x), cos(x))                                                                           \
  F(exponential, -20, 20, exp(x), exp(x))                                                                    \
  F(square, -5, 5, x *x, 2 * x)                                                                              \
  F(line, -5, 5, 3.25 * x + 1, 3.25)                                                                         \
  F(reciprocal, .01, 3, 1 / x, -1 / (x * x))                                                                 \
  F(logarithm, 1e-3, 5, log(x), 1 / x)                                                                       \
  F(root, 1e-6, 4, sqrt(x), .5 / sqrt(x))                                                                    \
  F(power, .1, 10, pow(x, 7.5), 7.5 * pow(x, 6.5))                                                           \
  F(logit, 1e-4, .999, log(x / (1 - x)), 1 / (x * (1 - x)))                                                  \
  F(vertex, .9, 1.1, (x - .99) * (x - .99), 2 * (x - .99))                                                   \
  F(tiny_scale, -1e-300, 1e-300, sin(0x1p996 * x), 0x1p996 * cos(0x1p996 * x))                               \
  F(huge_scale, -1e300, 1e300, sin(0x1p-996 * x), 0x1p-996 * cos(0x1p-996 * x))                              \
  F(far_out, 1e7, 2e7, sin(x), cos(x))                                                                       \
  F(fast, -2, 2, sin(0x1p20 * x), 0x1p20 * cos(0x1p20 * x))                                                  \
  F(hidden_ripple, -3, 3, sin(x) + 1e-6 * sin(0x1p30 * x), cos(x) + 1e-6 * 0x1p30 * cos(0x1p30 * x))         \
  F(steep_tanh, -.002, .002, tanh(0x1p10 * x), 0x1p10 / (cosh(0x1p10 * x) * cosh(0x1p10 * x)))               \
  F(steep_softplus, -.3, .3, log1p(exp(0x1p10 * x)), 0x1p10 / (1 + exp(-0x1p10 * x)))                        \
  F(corner_elsewhere, -3, 3, fmax(x - .5, 0) + x, x > .5 ? 2 : 1)                                            \
  F(corner_close_by, -1e-8, 1e-8, fabs(x - 1e-9), x > 1e-9 ? 1 : -1)                                         \
  F(steps_elsewhere, -3, 3, fmod(x + 16, 1.), 1)                                                             \
  F(rough, -5, 5, (1e10 + 3.25 * x) - 1e10, 3.25)                                                            \
  F(big_offset, -5, 5, 1e8 + sin(x), cos(x))

#define DEFINE(name, low, high, value, slope)                                                                \
  static double f_##name(double x) { return value; }                                                         \
  static double d_##name(double x) { return (void)x, slope; }
SMOOTH(DEFINE)

typedef struct function {
  const char *name;
  double low, high;
  double (*f)(double), (*d)(double);
} function;

static const function smooth[] = {
#define ROW(name, low, high, value, slope) {#name, low, high, f_##name, d_##name},
    SMOOTH(ROW)};
enum { FAST = 13, SMOOTHS = sizeof smooth / sizeof *smooth, POINTS = 400 };

typedef struct at {
  double (*f)(double);
  double x;
  int calls, stop_after;
} at;

static bool line(void *user, double s, double *value) {
  at *a = user;
  *value = a->f(a->x + s);
  return ++a->calls != a->stop_after;
}

static dz__slope slope(double (*f)(double), double x, double claim) {
  at a = {.f = f, .x = x};
  double scales[] = {x != 0 ? fabs(x) : 1, 1};
  dz__slope s;
  ck_assert(dz__slope_at(line, &a, x, scales, 2, claim, &s));
  ck_assert_int_le(a.calls, 400);
  return s;
}

static double uniform(uint64_t *state) {
  *state = *state * 6364136223846793005u + 1442695040888963407u;
  return (double)(*state >> 11) * 0x1p-53;
}

/* Truth is never called false; nor are more than one in a hundred left open. */
START_TEST(true_slopes_are_confirmed) {
  const function *f = &smooth[_i];
  uint64_t state = (uint64_t)_i + 1;
  int open = 0;
  for (int k = 0; k < POINTS; k++) {
    double x = f->low + (f->high - f->low) * uniform(&state), d = f->d(x);
    dz__slope s = slope(f->f, x, d);
    if (s.kind == DZ__SLOPE_CLEAR && !(fabs(s.value - d) <= s.error))
      ck_abort_msg("%s at %a: slope %a, found %a +- %g", f->name, x, d, s.value, s.error);
    open += s.kind != DZ__SLOPE_CLEAR;
  }
  if (open > POINTS / 100) ck_abort_msg("%s: %d of %d points left open", f->name, open, POINTS);
}
END_TEST

/* A wrong sign and a factor of two are found out; so are a missing slope and one part in a million, but not
   of functions that are too rough for it (those from `fast` on): those may be left open. Slopes near 0 are
   passed over. */
START_TEST(false_slopes_are_found_out) {
  static const double lies[] = {-1, 2, 0, 1 + 1e-6, 1 - 1e-6};
  const function *f = &smooth[_i];
  uint64_t state = (uint64_t)_i + 77;
  int missed = 0, most = _i < FAST ? 5 : 2;
  for (int k = 0; k < POINTS / 5; k++)
    for (int j = 0; j < most; j++) {
      double x = f->low + (f->high - f->low) * uniform(&state), d = f->d(x), claim = d * lies[j];
      if (fabs(d) < 1e-3 * fabs(f->f(x)) / fabs(f->high - f->low)) continue;
      dz__slope s = slope(f->f, x, claim);
      missed += !(s.kind == DZ__SLOPE_CLEAR && fabs(s.value - claim) > s.error);
    }
  if (missed > POINTS / 100) ck_abort_msg("%s: %d of %d false claims passed", f->name, missed, POINTS);
}
END_TEST

static double step(double x) { return (x > 0) - (x < 0); }
static double at_zero(double x) { return x == 0; }
static double half_line(double x) { return x > 0 ? x : 0; }
static double weak_corner(double x) { return sin(x) + 1e-5 * fabs(x); }
static double high_corner(double x) { return 1e8 + fabs(x); }
static double hole_at_a_corner(double x) { return x == 0 ? 0 : .75 + 1.25 * fabs(x); }
static double bent(double x) { return x > 0 ? 3 * x + x * x : x; }

START_TEST(kinks_and_jumps_are_recognised) {
  double (*const f[])(double) = {fabs,        step,        floor, at_zero,         half_line,
                                 weak_corner, high_corner, bent,  hole_at_a_corner};
  dz__slope s = slope(f[_i], 0, 0);
  if (s.kind != DZ__SLOPE_KINK) ck_abort_msg("function %d: kind %d, %g +- %g", _i, s.kind, s.value, s.error);
}
END_TEST

static double signed_square(double x) { return x * fabs(x); }
static double half_square(double x) { return x > 0 ? x * x : 0; }
static double cube(double x) { return fabs(x) * x * x; }
static double round_corner(double x) { return hypot(x, 1e-9); }
static double nothing(double x) { return 0 * x; }
static double constant(double x) { return 5 + 0 * x; }

START_TEST(smooth_enough_at_zero_is_no_kink) {
  double (*const f[])(double) = {signed_square, half_square, cube, round_corner, nothing, constant, cos};
  dz__slope s = slope(f[_i], 0, 0);
  if (s.kind != DZ__SLOPE_CLEAR || fabs(s.value) > s.error)
    ck_abort_msg("function %d: kind %d, %g +- %g", _i, s.kind, s.value, s.error);
}
END_TEST

static double shifted_log(double x) { return log(1e-10 + x); }
static double blows_up(double x) { return exp(0x1p40 * x); }

START_TEST(narrow_domains_are_found) {
  dz__slope s = slope(shifted_log, 0, 1e10);
  ck_assert_int_eq(s.kind, DZ__SLOPE_CLEAR);
  ck_assert_double_le(fabs(s.value - 1e10), s.error);
  s = slope(blows_up, 0, 0x1p40);
  ck_assert_int_eq(s.kind, DZ__SLOPE_CLEAR);
  ck_assert_double_le(fabs(s.value - 0x1p40), s.error);
}
END_TEST

/* Where f is not finite the steps shrink, by 64 each time and 16 times at most; 2^-4 to 2^-3 is the first of
   scale 1. */
static double pinhole;
static double through_a_pinhole(double x) { return fabs(x) <= pinhole ? x : INFINITY; }

START_TEST(how_narrow_a_domain_is_found) {
  pinhole = ldexp(1, -3 - 6 * 16);
  dz__slope s = slope(through_a_pinhole, 0, 1);
  ck_assert_int_eq(s.kind, DZ__SLOPE_CLEAR);
  ck_assert_double_le(fabs(s.value - 1), s.error);
  pinhole = ldexp(1, -4 - 6 * 16);
  ck_assert_int_eq(slope(through_a_pinhole, 0, 1).kind, DZ__SLOPE_NOT_FINITE);
}
END_TEST

/* Wavers as log x does, and has no limit at 0. The last two steps see a jump each, but not the same: that is
   none, and no steps 16^4 times as small are tried, at which slopes are as much larger. */
static double wavering(double x) {
  return x > 0 ? .370882 * cos(9.82163 * log(x)) : x < 0 ? 1.05552 * cos(5.11035 * log(-x)) : 0;
}

START_TEST(two_jumps_that_differ_are_none) {
  at a = {.f = wavering};
  const double scale = 1;
  dz__slope s;
  ck_assert(dz__slope_at(line, &a, 0, &scale, 1, 0, &s));
  ck_assert_int_eq(s.kind, DZ__SLOPE_UNSURE);
  ck_assert_double_le(fabs(s.value), 0x1p16);
}
END_TEST

static double reciprocal(double x) { return 1 / x; }

START_TEST(what_is_not_finite_is_said) {
  double (*const f[])(double) = {sqrt, log, reciprocal};
  ck_assert_int_eq(slope(f[_i], 0, 1).kind, DZ__SLOPE_NOT_FINITE);
}
END_TEST

static double loud(double x) { return sin(x) + 1e-3 * hash(x); }
static double faint(double x) { return sin(x) + 1e-12 * hash(x); }

/* Loud noise leaves the slope open, faint noise only widens the error; neither makes truth false. */
START_TEST(noise_is_recognised) {
  uint64_t state = 5;
  int loudly = 0, faintly = 0;
  for (int k = 0; k < POINTS; k++) {
    double x = 1 + uniform(&state) / 4, d = cos(x);
    dz__slope s = slope(loud, x, d), q = slope(faint, x, d);
    ck_assert_double_le(fabs(s.value - d), s.error);
    ck_assert_double_le(fabs(q.value - d), q.error);
    loudly += s.kind == DZ__SLOPE_UNSURE;
    faintly += q.kind == DZ__SLOPE_CLEAR;
    ck_assert_double_ge(q.error, 1e-12);
  }
  ck_assert_int_ge(loudly, POINTS * 9 / 10);
  ck_assert_int_ge(faintly, POINTS * 99 / 100);
  ck_assert_int_eq(slope(loud, 0, 1).kind, DZ__SLOPE_UNSURE); /* where no number is too close */
  ck_assert_double_ge(slope(faint, 0, 1).error, 1e-12);
}
END_TEST

static double unlike_inside(double x) { return fabs(x) < 0x1p-20 ? x : 3 * x; }

/* Also where a kink, or the claim, is looked at more closely. */
START_TEST(an_end_is_obeyed_at_every_call) {
  double (*const f[])(double) = {fabs, unlike_inside, f_line};
  static const double claims[] = {0, 1, 9};
  for (int k = 1;; k++) {
    at a = {.f = f[_i], .x = 0, .stop_after = k};
    double scale = 1;
    dz__slope s;
    bool done = dz__slope_at(line, &a, 0, &scale, 1, claims[_i], &s);
    ck_assert_int_eq(done, a.calls < k);
    if (done) break;
    ck_assert_int_eq(a.calls, k);
  }
}
END_TEST

/* x and a ripple, whose slope at 0 is 2 in all: found by steps as small as 2^-44 of those that see a line,
   unless what rounding leaves of f is as large at such steps. */
static double ripples, offset;
static double rippled(double x) { return offset + x + sin(ripples * x) / ripples; }

START_TEST(how_fine_a_ripple_is_found) {
  static const struct {
    double offset;
    int bits;
    double slope;
  } cases[] = {{0, 43, 2}, {0, 44, 1}, {.5, 36, 2}, {.5, 40, 1}};
  for (size_t k = 0; k < COUNT(cases); k++) {
    offset = cases[k].offset, ripples = ldexp(1, cases[k].bits);
    dz__slope s = slope(rippled, 0, 2);
    ck_assert_int_eq(s.kind, DZ__SLOPE_CLEAR);
    ck_assert_msg(fabs(s.value - cases[k].slope) <= s.error, "%zu: %.17g +- %g", k, s.value, s.error);
  }
}
END_TEST

/* Of scales within a factor of 16 one is enough. */
START_TEST(scales_alike) {
  const double one = 1, two[] = {1, 15}, apart[] = {1, 16};
  at a = {.f = hash, .x = 1}, b = a, c = a;
  dz__slope s;
  ck_assert(dz__slope_at(line, &a, 1, &one, 1, 0, &s));
  ck_assert(dz__slope_at(line, &b, 1, two, 2, 0, &s));
  ck_assert(dz__slope_at(line, &c, 1, apart, 2, 0, &s));
  ck_assert(a.calls == b.calls && c.calls > a.calls);
}
END_TEST

/* Infinite between the steps that are taken, where the noise is measured: that says nothing. */
static double holed(double x) {
  int exponent;
  const double of_steps = .70710677 /* 0x1.6a09e6p-1 */, m = frexp(fabs(x), &exponent) / of_steps;
  return m > 1.09 && m < 1.105 ? INFINITY : x * x + 3 * x;
}
/* Alike at every scale: at each there is a bend, at the next it is smaller. */
static double self_similar(double x) { return pow(fabs(x), 1.5); }

/* The slope is 0. The bend is steady from one row to the next, and yet is gone at steps 16 times as small,
 * again and again.
 */
static double slowly_rounder(double x) { return x > 0 ? pow(x, 1.15) : 0; }

START_TEST(rounder_at_every_look) {
  at a = {.f = slowly_rounder};
  const double scale = 1;
  dz__slope s;
  ck_assert(dz__slope_at(line, &a, 0, &scale, 1, 0, &s));
  ck_assert_int_lt(a.calls, 1000); /* it has an end */
  ck_assert_int_eq(s.kind, DZ__SLOPE_UNSURE);
  ck_assert(s.value >= 0 && s.value < pow(1. / 16, .15)); /* that of the first step, and they only fall */
}
END_TEST

START_TEST(what_is_measured_beside_the_steps) {
  dz__slope s = slope(holed, 0, 3);
  ck_assert_int_eq(s.kind, DZ__SLOPE_CLEAR);
  ck_assert_double_le(fabs(s.value - 3), s.error);
  s = slope(self_similar, 0, 0);
  ck_assert_int_ne(s.kind, DZ__SLOPE_NOT_FINITE);
  ck_assert_double_le(fabs(s.value), s.error);
}
END_TEST

/* At 1 there are but two numbers so close: no more rows than that, and an error as large. */
START_TEST(steps_below_the_spacing_of_numbers) {
  at a = {.f = sin, .x = 1};
  const double scale = 0x1p-48;
  dz__slope s;
  ck_assert(dz__slope_at(line, &a, 1, &scale, 1, cos(1), &s));
  ck_assert_double_le(fabs(s.value - cos(1)), s.error);
  ck_assert_double_ge(s.error, .01);
}
END_TEST

/* Of two scales at which nothing is clear the better answer stays, whichever is tried first. */
START_TEST(the_less_open_answer_stays) {
  const double far[] = {0x1p10, 1}, close[] = {1, 0x1p10};
  dz__slope s, q;
  at a = {.f = hash, .x = 1}, b = a;
  ck_assert(dz__slope_at(line, &a, 1, far, 2, 0, &s) && dz__slope_at(line, &b, 1, close, 2, 0, &q));
  ck_assert(s.kind == DZ__SLOPE_UNSURE && q.kind == DZ__SLOPE_UNSURE);
  ck_assert(s.error == q.error && s.value == q.value);
}
END_TEST

SUITE(ONCE(rounder_at_every_look), ONCE(what_is_measured_beside_the_steps),
      ONCE(steps_below_the_spacing_of_numbers), ONCE(the_less_open_answer_stays),
      EACH(true_slopes_are_confirmed, SMOOTHS), EACH(false_slopes_are_found_out, SMOOTHS),
      EACH(kinks_and_jumps_are_recognised, 9), EACH(smooth_enough_at_zero_is_no_kink, 7),
      ONCE(narrow_domains_are_found), ONCE(how_narrow_a_domain_is_found),
      ONCE(two_jumps_that_differ_are_none), EACH(what_is_not_finite_is_said, 3), ONCE(noise_is_recognised),
      ONCE(how_fine_a_ripple_is_found), ONCE(scales_alike), EACH(an_end_is_obeyed_at_every_call, 3))
