/* The special functions against the same in __float128, at many points, in ULPs. */
#include "suite.h"

#if defined HAVE_QUADMATH
#include "kernels/pointwise.h"

#include "../quad.h"
#include "dice.h"

#include <float.h>

/* As the library has them compiled: by the rows of pointwise.def that they are the values and slopes of. */
#define VALUE(name)                                                                                          \
  static double name(double x) { return dz__pointwise[DZ__F_##name].value(x, 0, 0); }
#define VALUE_OF_TWO(name)                                                                                   \
  static double name(double x, double y) { return dz__pointwise[DZ__F_##name].value(x, y, 0); }
#define SLOPE(name)                                                                                          \
  static double name##_slope(double x, double z) {                                                           \
    return dz__pointwise[DZ__F_##name].partial[0](x, 0, 0, z, 0);                                            \
  }
VALUE(sigmoid)
VALUE(softplus)
VALUE(log_sigmoid)
VALUE(gauss)
VALUE(sign)
VALUE(digamma)
VALUE_OF_TWO(logaddexp)
VALUE_OF_TWO(mod)
VALUE_OF_TWO(polygamma)
SLOPE(gauss)
SLOPE(exp2)
SLOPE(tanh)
SLOPE(tgamma)
static double tanh_value(double x) { return dz__pointwise[DZ__F_tanh].value(x, 0, 0); }
static double pow_to(int k, double x, double y, double z) {
  return dz__pointwise[DZ__F_pow].partial[k](x, y, 0, z, 0);
}
static double logaddexp_slope(double x, double y) {
  return dz__pointwise[DZ__F_logaddexp].partial[0](x, y, 0, logaddexp(x, y), 0);
}

/* Half log-uniform over 1e±300 in size, of both signs; the others uniform around 0 and, for a quarter, within
   some ULPs of the thresholds in the code, of the functions' zeros and of where they underflow or overflow.
 */
static double point(void) {
  static const double edge[] = {1,
                                2,
                                10,
                                0.25,
                                0.5,
                                0.75,
                                1.4616321449683622,
                                -0.5040830082644554,
                                28.284271247461902,
                                26.5,
                                27.29,
                                708.39,
                                709.78,
                                744.44,
                                745.13,
                                36.7,
                                0.6931471805599453,
                                13,
                                14,
                                18,
                                22,
                                800};
  switch ((int)uniform(0, 8)) {
  case 0:
  case 1:
  case 2:
  case 3:
    return copysign(pow(10, uniform(-300, 300)), uniform(-1, 1));
  case 4:
    return uniform(-2, 2);
  case 5:
    return uniform(-50, 50);
  default: {
    const double x = edge[(int)uniform(0, sizeof edge / sizeof *edge)];
    return copysign(x * (1 + floor(uniform(-9, 9)) * 0x1p-52), uniform(-1, 1) * x);
  }
  }
}

enum { POINTS = 40000 };

typedef struct worst {
  const char *name;
  double error, x, y;
} worst;

static void note(worst *w, double error, double x, double y) {
  if (!(error < w->error)) *w = (worst){w->name, error, x, y};
}

static void settle(const worst *w, double bound) {
  printf("%-12s worst %.3f ULP at %a, %a\n", w->name, w->error, w->x, w->y);
  ck_assert_msg(w->error <= bound, "%s: %g ULP at %a, %a: more than %g", w->name, w->error, w->x, w->y,
                bound);
}

static const struct {
  const char *name;
  double (*f)(double);
  quad (*exact)(quad);
} one[] = {
    {"sigmoid", sigmoid, quad_sigmoid}, {"softplus", softplus, quad_softplus}, {"gauss", gauss, quad_gauss}};

START_TEST(one_operand) {
  worst w = {.name = one[_i].name};
  for (int k = 0; k < POINTS; k++) {
    const double x = point();
    const quad exact = one[_i].exact(x);
    note(&w, quad_error(one[_i].f(x), exact, exact), x, 0);
  }
  settle(&w, 2);
}
END_TEST

/* Where the value is nearly subnormal, or is. */
START_TEST(slope_of_gauss_far_out) {
  worst w = {.name = "gauss'"};
  for (int k = -1; k < POINTS; k++) {
    const double x = k < 0 ? 26.575409835380501 : copysign(uniform(25.9, 28.1), uniform(-1, 1));
    const quad exact = -2 * (quad)x * quad_gauss(x);
    note(&w, quad_error(gauss_slope(x, gauss(x)), exact, exact), x, 0);
  }
  settle(&w, 4);
}
END_TEST

START_TEST(log_sigmoid_is_mirrored_softplus) {
  worst w = {.name = "log_sigmoid"};
  for (int k = 0; k < POINTS; k++) {
    const double x = point();
    const quad exact = -quad_softplus(-(quad)x);
    note(&w, quad_error(log_sigmoid(x), exact, exact), x, 0);
  }
  settle(&w, 2);
}
END_TEST

START_TEST(logaddexp_of_two) {
  worst w = {.name = "logaddexp"};
  for (int k = 0; k < POINTS; k++) {
    double x = point(), y = k % 4 == 0   ? x + uniform(-800, 800)
                            : k % 4 == 1 ? log1p(-exp(-fabs(x)))
                                         : point();
    if (k % 8 >= 4 && k % 4 == 1) y = nextafter(y, uniform(-1, 1)), x = -fabs(x);
    const quad exact = quad_logaddexp(x, y);
    const double most =
        fmax(x, y); /* when it is negative the other summand, exact - most > 0, works against it */
    note(&w, quad_error(logaddexp(x, y), exact, most < 0 ? 2 * (exact - most) : exact), x, y);
  }
  settle(&w, 2);
}
END_TEST

START_TEST(mod_of_two) {
  worst w = {.name = "mod"};
  for (int k = 0; k < POINTS; k++) {
    const double x = point(), y = k % 2 ? point() : x * uniform(-2, 2);
    if (y == 0) continue;
    quad exact = fmodq(x, y);
    if (exact != 0 && (exact < 0) != (y < 0)) exact += y;
    note(&w, quad_error(mod(x, y), exact, exact), x, y);
  }
  settle(&w, .5);
}
END_TEST

START_TEST(digamma_everywhere) {
  worst w = {.name = "digamma"}, positive = {.name = "digamma x>0"};
  for (int k = 0; k < POINTS; k++) {
    const double x = point();
    quad scale;
    const quad exact = quad_polygamma(0, x, &scale);
    note(x > 0 ? &positive : &w, quad_error(digamma(x), exact, scale), x, 0);
  }
  settle(&positive, 8);
  settle(&w, 8);
}
END_TEST

START_TEST(polygamma_everywhere) {
  static const int order[] = {1, 2, 3, 4, 5, 6, 10, 21, 40};
  const int n = order[_i];
  char name[32];
  snprintf(name, sizeof name, "polygamma %d", n);
  worst w = {.name = name};
  for (int k = 0; k < (n < 7 ? 12000 : 3000) / EFFORT(1, 10); k++) {
    const double x = point();
    quad scale;
    const quad exact = quad_polygamma(n, x, &scale);
    note(&w, quad_error(polygamma(n, x), exact, scale), x, 0);
  }
  settle(&w, 8);
}
END_TEST

/* Of x > 0, where bases need more digits than a double has, also those that pass a power of two as they grow:
   where the value is an ordinary number. In units of 2^-53 of it: pow errs by 2; its factor for the base's
   low part, that product, the sum, n! and the last product are rounded once. */
START_TEST(polygamma_of_high_order) {
  static const int order[] = {1, 2, 4, 6, 40, 100, 170, 333, 425, 500, 1000};
  const int n = order[_i];
  char name[32];
  snprintf(name, sizeof name, "polygamma %d", n);
  worst w = {.name = name};
  const double middle = exp(lgamma(n + 1.) / (n + 1)), passed = exp2(floor(log2(n + 12)));
  for (int k = 0; k < (n < 100 ? 1000 : 10000 / n); k++) {
    double x = k % 2 ? passed - uniform(0, 1) : middle * pow(10, uniform(-250, 250) / (n + 10));
    if (n == 425 && k == 0) x = 0x1.2befc83ce69a8p+8; /* here the sums lose 15 if that is not kept */
    quad scale;
    const quad exact = quad_polygamma(n, x, &scale);
    note(&w, (double)(fabsq(polygamma(n, x) - exact) / fabsq(exact) * ldexpq(1, 53)), n, x);
  }
  settle(&w, 7);
}
END_TEST

/* By 6.1.15 from another Gamma: rounded as that is multiplied, as the 16 factors are one number, and as they
   divide. */
START_TEST(slope_of_tgamma_far_out) {
  for (int k = 0; k < 4000; k++) {
    const double x = k % 2 ? uniform(-184, -170) : -floor(uniform(170, 184)) - exp2(uniform(-40, -1));
    quad factors = 1;
    for (int j = 0; j < 16; j++) factors *= (quad)x + j;
    const quad exact = tgamma(x + 16) * (quad)digamma(x) / factors,
               off = fabsq(tgamma_slope(x, tgamma(x)) - exact);
    ck_assert_msg(off <= 3.01 * ldexpq(1, -53) * fabsq(exact) + ldexpq(1, -1075), "%a: %g", x,
                  (double)(off / fabsq(exact) * ldexpq(1, 53)));
  }
}
END_TEST

/* ---- slopes that take more than one factor ---- */

static quad slope_of_exp2(quad x, quad *scale) {
  (void)scale;
  return exp2q(x) * logq(2);
}
static quad slope_of_tanh(quad x, quad *scale) {
  (void)scale;
  return 1 / (coshq(x) * coshq(x));
}
static quad value_of_tanh(quad x, quad *scale) {
  (void)scale;
  return tanhq(x);
}
static quad slope_of_tgamma(quad x, quad *scale) {
  const quad z = tgammaq(x), psi = quad_polygamma(0, x, scale);
  *scale *= z;
  return z * psi;
}
static double own_exp2_slope(double x) { return exp2_slope(x, exp2(x)); }
static double own_tanh_slope(double x) { return tanh_slope(x, tanh_value(x)); }
static double own_tgamma_slope(double x) { return tgamma_slope(x, tgamma(x)); }

/* Points between low and high, a quarter of them between `near` and what is beyond it: where the value is
   subnormal, or overflows though the slope does not. */
static const struct {
  const char *name;
  double (*f)(double);
  quad (*exact)(quad, quad *);
  double low, high, near, beyond, bound;
} slopes[] = {{"exp2'", own_exp2_slope, slope_of_exp2, -1080, 1026, 999, 1025, 2},
              {"tanh", tanh_value, value_of_tanh, -20, 20, .5, .6, 4},
              {"tanh'", own_tanh_slope, slope_of_tanh, -380, 380, 330, 375, 4},
              {"tanh' near 0", own_tanh_slope, slope_of_tanh, -2, 2, .5, .6, 4},
              {"tgamma'", own_tgamma_slope, slope_of_tgamma, -186, 172, -186, -169, 8}};

START_TEST(slopes_of_one_operand) {
  worst w = {.name = slopes[_i].name};
  for (int k = 0; k < POINTS / EFFORT(1, 4); k++) {
    const double x =
        k % 4 ? uniform(slopes[_i].low, slopes[_i].high) : uniform(slopes[_i].near, slopes[_i].beyond);
    quad scale = 0;
    const quad exact = slopes[_i].exact(x, &scale);
    note(&w, quad_error(slopes[_i].f(x), exact, scale), x, 0);
  }
  settle(&w, slopes[_i].bound);
}
END_TEST

/* Of all sizes of the power, also where it is subnormal or overflows and a slope does not; x < 0 wants whole
 * y. */
START_TEST(slopes_of_powers) {
  worst to_x = {.name = "pow' to x"}, to_y = {.name = "pow' to y"};
  for (int k = 0; k < POINTS / EFFORT(1, 4); k++) {
    const double size = k % 3 ? uniform(-1090, 1030) : k % 2 ? uniform(-1085, -960) : uniform(1015, 1026);
    double x = exp2(uniform(-1, 1) * (k % 5 ? 20 : 700)), y = size / log2(x);
    if (k % 7 == 0) y = round(y);
    if (y == round(y) && k % 2) x = -x;
    const double z = pow(x, y);
    if (y == 0) continue;
    quad exact = y * powq(x, (quad)y - 1);
    note(&to_x, quad_error(pow_to(0, x, y, z), exact, exact), x, y);
    exact = powq(x, y) * logq(x);
    if (x > 0) note(&to_y, quad_error(pow_to(1, x, y, z), exact, exact), x, y);
  }
  settle(&to_x, 4);
  settle(&to_y, 4);
}
END_TEST

START_TEST(slope_of_logaddexp) {
  worst w = {.name = "logaddexp'"};
  for (int k = 0; k < POINTS; k++) {
    const double x = k % 2 ? point() : uniform(-1e3, 1e3), y = k % 3 ? x + uniform(-800, 800) : point();
    const quad exact = quad_sigmoid((quad)x - y);
    note(&w, quad_error(logaddexp_slope(x, y), exact, exact), x, y);
  }
  settle(&w, 4);
}
END_TEST

/* ---- the points that formulas do not reach ---- */

static const double inf = INFINITY;

/* NaN equals NaN, and zeros have a sign. */
static void same(double got, double want) {
  if (isnan(want))
    ck_assert_msg(isnan(got), "%g is not NaN", got);
  else
    ck_assert_msg(got == want && !signbit(got) == !signbit(want), "%a is not %a", got, want);
}

START_TEST(activations_at_the_ends) {
  same(sigmoid(inf), 1), same(sigmoid(-inf), 0), same(sigmoid(0), .5), same(sigmoid(NAN), NAN);
  same(sigmoid(-745), 5e-324), same(sigmoid(-746), 0);
  same(softplus(inf), inf), same(softplus(-inf), 0), same(softplus(NAN), NAN),
      same(softplus(DBL_MAX), DBL_MAX);
  same(log_sigmoid(inf), -0.), same(log_sigmoid(-inf), -inf), same(log_sigmoid(NAN), NAN);
  same(gauss(inf), 0), same(gauss(-inf), 0), same(gauss(DBL_MAX), 0), same(gauss(0), 1),
      same(gauss(NAN), NAN);
  same(gauss(-27.2), gauss(27.2)), same(gauss(5e-324), 1);
}
END_TEST

START_TEST(logaddexp_at_the_ends) {
  same(logaddexp(inf, inf), inf), same(logaddexp(-inf, -inf), -inf), same(logaddexp(inf, -inf), inf);
  same(logaddexp(-inf, 3), 3), same(logaddexp(3, -inf), 3), same(logaddexp(inf, 3), inf),
      same(logaddexp(3, inf), inf);
  same(logaddexp(NAN, 1), NAN), same(logaddexp(1, NAN), NAN), same(logaddexp(NAN, inf), NAN);
  same(logaddexp(-inf, NAN), NAN), same(logaddexp(DBL_MAX, -DBL_MAX), DBL_MAX);
  same(logaddexp(1e50, 1e50), 1e50), same(logaddexp(0, 0), 0.6931471805599453);
}
END_TEST

START_TEST(mod_at_the_ends) {
  same(mod(5, 3), 2), same(mod(-5, 3), 1), same(mod(5, -3), -1), same(mod(-5, -3), -2);
  same(mod(6, 3), 0), same(mod(-6, 3), 0), same(mod(6, -3), -0.), same(mod(0, -3), -0.), same(mod(-0., 3), 0);
  same(mod(1, inf), 1), same(mod(-1, inf), inf), same(mod(1, -inf), -inf), same(mod(-1, -inf), -1);
  same(mod(1, 0), NAN), same(mod(inf, 3), NAN), same(mod(NAN, 3), NAN), same(mod(3, NAN), NAN);
  same(mod(-1e-20, 1), 1);
}
END_TEST

START_TEST(sign_of_everything) {
  same(sign(3), 1), same(sign(-5e-324), -1), same(sign(0), 0), same(sign(-0.), -0.), same(sign(inf), 1);
  same(sign(-inf), -1), same(sign(NAN), NAN);
}
END_TEST

START_TEST(gamma_class_at_poles_and_ends) {
  same(digamma(0), -inf), same(digamma(-0.), inf), same(digamma(inf), inf), same(digamma(-inf), NAN);
  same(digamma(NAN), NAN), same(digamma(-1), NAN), same(digamma(-1e300), NAN), same(digamma(5e-324), -inf);
  for (int n = 1; n < 5; n++) {
    same(polygamma(n, -3), n % 2 ? inf : NAN), same(polygamma(n, -1e300), n % 2 ? inf : NAN);
    same(polygamma(n, 0), n % 2 ? inf : -inf), same(polygamma(n, -0.), inf);
    same(polygamma(n, inf), n % 2 ? 0. : -0.), same(polygamma(n, -inf), NAN), same(polygamma(n, NAN), NAN);
  }
  same(polygamma(0, 2.5), digamma(2.5)), same(polygamma(.5, 2), NAN), same(polygamma(-1, 2), NAN);
  same(polygamma(NAN, 2), NAN), same(polygamma(inf, 2), NAN), same(polygamma(1001, 2), NAN);
}
END_TEST

SUITE(EACH(one_operand, COUNT(one)), ONCE(slope_of_gauss_far_out), ONCE(log_sigmoid_is_mirrored_softplus),
      ONCE(logaddexp_of_two), ONCE(mod_of_two), ONCE(digamma_everywhere), EACH(polygamma_everywhere, 9),
      EACH(polygamma_of_high_order, 11), ONCE(slope_of_tgamma_far_out),
      EACH(slopes_of_one_operand, COUNT(slopes)), ONCE(slopes_of_powers), ONCE(slope_of_logaddexp),
      ONCE(activations_at_the_ends), ONCE(logaddexp_at_the_ends), ONCE(mod_at_the_ends),
      ONCE(sign_of_everything), ONCE(gamma_class_at_poles_and_ends))
#else
SUITE_SKIPPED("this compiler has no quadmath.h")
#endif
