/* The special functions against the same in __float128, at many points, in ULPs. */
#include "suite.h"

#if defined HAVE_QUADMATH
#include "in_ulps.h"

VALUE(sigmoid)
VALUE(softplus)
VALUE(log_sigmoid)
VALUE(gauss)
VALUE(sign)
VALUE(digamma)
VALUE_OF_TWO(logaddexp)
VALUE_OF_TWO(mod)
VALUE_OF_TWO(polygamma)

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

SUITE(EACH(one_operand, COUNT(one)), ONCE(log_sigmoid_is_mirrored_softplus), ONCE(logaddexp_of_two),
      ONCE(mod_of_two), ONCE(digamma_everywhere), EACH(polygamma_everywhere, 9),
      EACH(polygamma_of_high_order, 11), ONCE(activations_at_the_ends), ONCE(logaddexp_at_the_ends),
      ONCE(mod_at_the_ends), ONCE(sign_of_everything), ONCE(gamma_class_at_poles_and_ends))
#else
SUITE_SKIPPED("this compiler has no quadmath.h")
#endif
