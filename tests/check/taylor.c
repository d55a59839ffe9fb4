/* What the Taylor test says where f is not smooth, wavers, jumps or ends. */
#include "outcome.h"
#include "suite.h"

#include <stdio.h>

/* An order is the slope of a line through the binary logarithms of 3 or 4 remainders, each a quarter of the
   step before: when those are wrong by at most ERROR, relatively (and by at most a quarter of that from each
   to the next longer step), by at most this. */
#define OF_ERROR(error) (.37 * (error))

/* Remainders count from 32 DBL_EPSILON times f's largest value F on. Near a root of f, where f(h) is h or -h
   and some k h^1.5 or k h^2 with k >= 1, one roundoff of f(h) is what is wrong with it, and a longest step of
   2^-3.5 has an F of about that: h^2 >= 2^-50.5 there, so that it is 2^-53/h <= 2^-27.7 of the remainder. */
static const double NEAR_A_ROOT = OF_ERROR(0x1p-27);
/* Elsewhere it is a roundoff of F, of numbers that are themselves as large. */
static const double ELSEWHERE = OF_ERROR(1. / 32);

/* Where there is a slope and no second derivative the remainder is of an order between: that is no mistake,
   and no kink. Nor does it depend on factors, by which orders are rounded otherwise. */
START_TEST(slopes_without_a_second_derivative) {
  static const char *const of[] = {"x*abs(x)*%d + x", "abs(x)*sqrt(abs(x))*%d - x", "x*sqrt(abs(x))*%d"};
  static const double orders[] = {2, 1.5, 1.5};
  for (int factor = 1; factor < 12; factor++) {
    const double zero = 0;
    const dz_check_point p = {.name = "x", .role = DZ_ROLE_INPUT, .values = &zero};
    char text[40];
    snprintf(text, sizeof text, of[_i], factor);
    const outcome o = check_all(by_text, text, 1, &p);
    ck_assert_msg(o.report.taylor.verdict == DZ_VERDICT_AGREES, "%s: %d", text, o.report.taylor.verdict);
    ck_assert_double_eq_tol(o.report.taylor.order, orders[_i], NEAR_A_ROOT);
  }
}
END_TEST

static outcome check_pair(const char *what, double first, double second) {
  const double x[] = {first, second};
  const size_t two = 2;
  const dz_check_point p = {.name = "u", .role = DZ_ROLE_INPUT, .rank = 1, .dims = &two, .values = x};
  char text[120];
  strcpy(text, what);
  return check_all(by_text, text, 1, &p);
}

static void expect_taylor(const char *what, double first, double second, dz_verdict verdict) {
  const outcome o = check_pair(what, first, second);
  ck_assert_msg(o.report.taylor.verdict == verdict, "%s: %d", what, o.report.taylor.verdict);
}

/* Where f wavers the slope over the longest step, of all elements, is compared with that. */
START_TEST(noise_beside_a_slope) {
  expect_taylor("u[0] + 1e-6*stop(sin(1e18*u[0]))", 0x1p-10, 0, DZ_VERDICT_NOISY);
  expect_taylor("1e5*u[0]*u[0] + .01*stop(sin(1e18*u[0]))", 0, 0, DZ_VERDICT_AGREES); /* a square is seen */
  expect_taylor("u[0] + u[1] + 2e-5*stop(sin(1e18*u[0]))", 0x1p-10, 1, DZ_VERDICT_AGREES);
  expect_taylor("u[0] + u[1] + 2e-5*stop(sin(1e18*u[0]))", 1, 0x1p-10, DZ_VERDICT_AGREES);
}
END_TEST

/* A partial of an element that does not move is looked at nevertheless; an infinite one has no difference. */
START_TEST(what_does_not_move) {
  expect_taylor("u[0] + sqrt(1/u[1])", 3, INFINITY, DZ_VERDICT_NOT_FINITE);
  expect_taylor("u[0]*u[0] + 1/u[1]", 3, INFINITY, DZ_VERDICT_AGREES);
}
END_TEST

/* Infinite at long steps to one side, or no number to one side at all. */
START_TEST(one_side_alone) {
  const outcome o = check_pair("where(u[0] > 1.01, u[0]*1e308*10, u[0]*u[0])", 1, 1);
  ck_assert_int_eq(o.report.taylor.verdict, DZ_VERDICT_AGREES);
  ck_assert_double_eq_tol(o.report.taylor.order, 2, ELSEWHERE);
  expect_taylor("where(u[0] < 1, 0/0, u[0]*u[0])", 1, 1, DZ_VERDICT_NOT_FINITE);
}
END_TEST

/* What jumps away from the point, and is 0 at the next smaller step, says nothing, whatever is behind. */
START_TEST(a_jump_elsewhere) {
  expect_taylor(
      "where(abs(u[0]) > 1/256, 1, where(abs(u[0]) > 1/1024, 0, where(abs(u[0]) > 1/4096, 0/0, 0)))", 0, 0,
      DZ_VERDICT_AGREES);
}
END_TEST

SUITE(EACH(slopes_without_a_second_derivative, 3), ONCE(noise_beside_a_slope), ONCE(what_does_not_move),
      ONCE(one_side_alone), ONCE(a_jump_elsewhere))
