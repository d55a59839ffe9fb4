/* Slopes of the special functions, and of others that take more than one factor, against the same in
   __float128, at many points, in ULPs. */
#include "suite.h"

#if defined HAVE_QUADMATH
#include "in_ulps.h"

#define SLOPE(name)                                                                                          \
  static double name##_slope(double x, double z) {                                                           \
    return dz__pointwise[DZ__F_##name].partial[0](x, 0, 0, z, 0);                                            \
  }
VALUE(gauss)
VALUE(digamma)
VALUE_OF_TWO(logaddexp)
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

SUITE(ONCE(slope_of_gauss_far_out), ONCE(slope_of_tgamma_far_out), EACH(slopes_of_one_operand, COUNT(slopes)),
      ONCE(slopes_of_powers), ONCE(slope_of_logaddexp))
#else
SUITE_SKIPPED("this compiler has no quadmath.h")
#endif
