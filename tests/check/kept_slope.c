/* Slopes as they come out, and where f is asked for: as sums, as kept.c keeps whole checks. The functions are
   of operations that round once. */
#include "check/slope.h"
#include "handed.h"
#include "listing.h"
#include "suite.h"

/* Parabolas up and down: a sine, nearly. */
static double wave(double x) {
  const double u = x - floor(x);
  return u < .5 ? u * (.5 - u) : (u - .5) * (u - 1);
}

/* Of all x within so many octaves, a multiple of 1/q. */
static unsigned seed;
static int octave(double x) {
  int e;
  frexp(x, &e);
  return e + 2000;
}
static double table(double x, int octaves, int q) {
  return floor(q * (.5 + hash(octave(x) / octaves + 1 / (1 + (double)seed)))) / q;
}

/* In eighths, from 1/16 to 1/8 on, and in each smaller octave: where two limits differ by just a quarter. */
static double eighths(double x) {
  static const char digits[] =
      "04240200326727323054760275541165773362005236160760466121231542755016377113775";
  const int k = 2000 - 3 - octave(x);
  return k >= 0 && k < (int)sizeof digits - 1 ? (digits[k] - '0') / 8. : 0;
}

#define FUNCTIONS(F)                                                                                         \
  F(line, 3.25 * x + 1)                                                                                      \
  F(constant, 5 + 0 * x)                                                                                     \
  F(nothing, 0 * x)                                                                                          \
  F(cubic, ((x - 3) * x + .5) * x + 2)                                                                       \
  F(tenth_power, x *x *(x * x) * (x * x) * (x * x) * (x * x) + x)                                            \
  F(rational, 1 / (1 + x * x))                                                                               \
  F(root, sqrt(x))                                                                                           \
  F(root_beside, sqrt(x + 0x1p-30))                                                                          \
  F(reciprocal, 1 / x)                                                                                       \
  F(corner, fabs(x))                                                                                         \
  F(corner_and_more, x *x + fmax(x, 0))                                                                      \
  F(weak_corner, x *(1 - x) + 1e-5 * fabs(x))                                                                \
  F(high_corner, 1e8 + fabs(x))                                                                              \
  F(corner_beside, fabs(x - 0x1p-20) + fabs(x - 1 - 0x1p-20))                                                \
  F(corner_farther, fmax(x - .015, 0) + fmax(x - 1.015, 0) + x)                                              \
  F(step, (x > 0) - (x < 0))                                                                                 \
  F(right_step, x > 0 ? 1 + x : x)                                                                           \
  F(left_step, x < 0 ? 1e-3 + x : x * x)                                                                     \
  F(point, x == 0)                                                                                           \
  F(signed_square, x *fabs(x))                                                                               \
  F(half_square, x > 0 ? x * x : 0)                                                                          \
  F(rounder, x > 0 ? x * sqrt(sqrt(sqrt(x))) : 0)                                                            \
  F(half_power, fabs(x) * sqrt(fabs(x)))                                                                     \
  F(round_corner, sqrt(x *x + 0x1p-60))                                                                      \
  F(round_corner_near, sqrt(x *x + 0x1p-24) + x)                                                             \
  F(steep, 0x1p20 * x / (1 + 0x1p40 * x * x))                                                                \
  F(fast, wave(0x1p12 * x) + x)                                                                              \
  F(ripple, x + 0x1p-40 * wave(0x1p40 * x))                                                                  \
  F(ripple_above, .5 + x + 0x1p-30 * wave(0x1p30 * x))                                                       \
  F(rough, (1e10 + 3.25 * x) - 1e10)                                                                         \
  F(rougher, (1e15 + 3.25 * x) - 1e15)                                                                       \
  F(offset, 1e8 + x * (1 - x))                                                                               \
  F(loud, x *(1 - x) + 1e-3 * hash(x))                                                                       \
  F(faint, x *(1 - x) + 1e-12 * hash(x))                                                                     \
  F(noise, hash(x))                                                                                          \
  F(narrow, fabs(x) <= 0x1p-40 || fabs(x - 1) <= 0x1p-20 ? x * x + x : INFINITY)                             \
  F(pinhole, fabs(x) <= 0x1p-99 ? x : NAN)                                                                   \
  F(outside, x == 0 || x == 1 ? x : NAN)                                                                     \
  F(huge, 3e299 * x * x + 2e300 * x)                                                                         \
  F(too_large, 1e308 * x * x + 1e308 * x)                                                                    \
  F(tiny, 1e-300 * x + 1e-305 * x * x)                                                                       \
  F(tiniest, 1e-310 * x)                                                                                     \
  F(flatter_inside, fabs(x) < 0x1p-20 ? x / 16 : x)                                                          \
  F(half_the_jump_inside, x > 0x1p-20 ? 1 : x > 0 ? .5 : 0)                                                  \
  F(up_and_down, octave(x) / 4 % 2 ? x : -x)                                                                 \
  F(jumps_like_limits, x > 0 ? 1 + eighths(x) : 0)                                                           \
  F(jumps_near_1, 1e10 + x * x + (x < 1 ? 0 : x < 2 ? 3 : 6))                                                \
  F(jumps_near_minus_1, 1e10 + x * x + (x > -1 ? 0 : x > -2 ? 3 : 6))                                        \
  F(staircase, floor(64 * x) / 64 + x)                                                                       \
  F(staircase_of_last_digits, floor(0x1p40 * x) * 0x1p-40)

/* With seeds. */
#define TABLES(F)                                                                                            \
  F(jumps, x > 0 ? 1 + table(x, 1, 8) : 0)                                                                   \
  F(longer_jumps, x > 0 ? 1 + table(x, 5, 8) : 0)                                                            \
  F(slopes, x *(1 + table(x, 1, 16)))                                                                        \
  F(longer_slopes, x *(1 + table(x, 4, 32)))                                                                 \
  F(corners, fabs(x) * (1 + table(x, 1, 8)))

#define DEFINE(name, value)                                                                                  \
  static double f_##name(double x) { return value; }
FUNCTIONS(DEFINE)
TABLES(DEFINE)

typedef double function(double x);

static function *const functions[] = {
#define ROW(name, value) f_##name,
    FUNCTIONS(ROW) TABLES(ROW)};

#define ONE(name, value) +1
enum { ALL = COUNT(functions), WITH_SEEDS = ALL - (0 TABLES(ONE)), SEEDS = 400 };

static const uint64_t sums[ALL] = {
#include "kept_slope.sums"
};

typedef struct asked {
  function *f;
  double at;
  listing *l;
} asked;

static bool along(void *user, double s, double *value) {
  asked *a = user;
  *value = a->f(a->at + s);
  list_exact(a->l, " at", s);
  return true;
}

static dz__slope list_slope(asked *a, const double *scales, int n, double claim) {
  dz__slope out;
  dz__slope_at(along, a, a->at, scales, n, claim, &out);
  list_exact(a->l, "slope", out.value);
  list_double(a->l, " error", out.error);
  LIST(a->l, " kind", (uint64_t)out.kind);
  return out;
}

/* At places and scales that fit and that do not, with claims that are right for some, or at the very end of
   what is found, or so large that the error is two digits of them. */
static void list_at_places(asked *a) {
  static const double places[] = {0, 1, -1, .3, 1e-6, 1e6, 4};
  static const double claims[] = {0, 1, 3.25, NAN, -1e30, 1 - 0x1p-47};
  static const struct {
    int n;
    double scale[3];
  } of[] = {{1, {1}},
            {3, {1, 16, 15.9}},
            {3, {1, 0x1p-20, 0x1p10}},
            {3, {0x1p-46, 1, 0x1p-3}},
            {2, {1, 16}},
            {3, {16, 1, .0625}},
            {1, {0x1p-49}}};
  for (size_t k = 0; k < COUNT(places); k++)
    for (size_t s = 0; s < COUNT(of); s++) {
      a->at = places[k];
      for (size_t c = 0; c < COUNT(claims); c++) list_slope(a, of[s].scale, of[s].n, claims[c]);
      const dz__slope found = list_slope(a, of[s].scale, of[s].n, NAN);
      list_slope(a, of[s].scale, of[s].n, found.value + found.error);
      list_slope(a, of[s].scale, of[s].n, 0x1p7 * found.error);
    }
}

START_TEST(kept) {
  static const double one = 1;
  listing l = list_begin();
  asked a = {functions[_i], 0, &l};
  if (_i < WITH_SEEDS) list_at_places(&a);
  for (seed = 0; seed < (_i < WITH_SEEDS ? 0 : SEEDS); seed++) list_slope(&a, &one, 1, 0);
  list_end(&l, "kept_slope.sums", _i, ALL, sums[_i]);
}
END_TEST

/* Much larger once, at the first step: where the error is just the millionth part of that. */
static double peak;
static double noise_with_a_peak(double x) { return fabs(x) == 0x1.6a09e6p-4 ? peak : hash(x); }
START_TEST(the_very_ends) {
  static const double one = 1;
  listing l = list_begin();
  asked a = {noise_with_a_peak, 0, &l};
  peak = 0;
  peak = 0x1p20 * list_slope(&a, &one, 1, NAN).error;
  ck_assert_int_eq(list_slope(&a, &one, 1, NAN).kind, DZ__SLOPE_CLEAR);
  peak -= 0x1p-52 * peak;
  ck_assert_int_eq(list_slope(&a, &one, 1, NAN).kind, DZ__SLOPE_UNSURE);
}
END_TEST

/* A jump beside noise, and beside larger numbers where it is looked at more closely: there the jump must be
   more than four times what is their rounding's. And one beside numbers of another sign at each step: of the
   rows it must be more than eight times that. */
static double jump;
static double jump_beside_noise(double x) { return x > 0 ? jump : x == 0 ? 0 : x < -0x1p-44 ? hash(x) : 6; }
static double jump_beside_signs(double x) {
  return x > 0 ? jump : x > -0x1p-44 ? 0 : octave(x) % 2 ? 8.375 : -8.375;
}

START_TEST(a_jump_that_is_just_clear) {
  static const struct {
    function *f;
    double below, clear; /* neighbours */
  } jumps[] = {{jump_beside_noise, 0x1.8e6666666676ap-45, 0x1.8e6666666676bp-45},
               {jump_beside_signs, 0x1.160ccccccce14p-43, 0x1.160ccccccce15p-43}};
  static const double one = 1;
  listing l = list_begin();
  asked a = {jumps[_i].f, 0, &l};
  jump = jumps[_i].below;
  ck_assert_int_ne(list_slope(&a, &one, 1, 0).kind, DZ__SLOPE_KINK);
  jump = jumps[_i].clear;
  ck_assert_int_eq(list_slope(&a, &one, 1, 0).kind, DZ__SLOPE_KINK);
}
END_TEST

SUITE(EACH(kept, ALL), ONCE(the_very_ends), EACH(a_jump_that_is_just_clear, 2))
