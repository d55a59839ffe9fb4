/* Digamma and polygamma. Formula numbers are those of Abramowitz and Stegun, Handbook of Mathematical
 * Functions. */
#include "kernels/special.h"

#include <stdbool.h>
#include <stddef.h>

static const double pi = 3.141592653589793;

/* The sum of c[k] x^k. */
static double polynomial(const double *c, size_t n, double x) {
  double sum = 0;
  while (n-- > 0) sum = fma(sum, x, c[n]);
  return sum;
}

/* psi(1 + f) for 0 <= f <= 1. psi has a zero in there, so the difference from it is a factor; the other
   factor is smooth, the more so with the part 1 / (x zero) that psi's pole at 0 brings. The polynomial
   interpolates the rest at Chebyshev's nodes (computed with 60 digits); it is within 5e-18. */
static double near_zero(double f) {
  static const double zero = 1.4616321449683622, zero_low = 9.549995429965697e-17;
  static const double c[] = {0.49494476150711986,     -0.11955334493165168,    0.03782643334091441,
                             -0.013260889120694248,   0.004892701830759204,    -0.001858118188859778,
                             0.0007181572168033181,   -0.00028067906143039467, 0.00011050324231502792,
                             -4.3718059000027144e-05, 1.735389055346002e-05,   -6.90800477118054e-06,
                             2.752793129308645e-06,   -1.0827412493932995e-06, 4.3227118596724037e-07,
                             -2.0797818742300953e-07, 8.311867318763684e-08};
  const double from_zero = (f - (zero - 1)) - zero_low;
  return from_zero * (1 / ((1 + f) * zero) + polynomial(c, sizeof c / sizeof *c, f - .5));
}

/* 6.3.18: ln x - 1 / (2 x) - sum of B_2k / (2 k x^2k); for x >= 10 the first term left out is below 1e-17. */
static double asymptotic(double x) {
  static const double c[] = {1. / 12,  -1. / 120,     1. / 252, -1. / 240,
                             1. / 132, -691. / 32760, 1. / 12,  -3617. / 8160};
  const double q = 1 / x / x;
  return log(x) - (.5 / x + q * polynomial(c, sizeof c / sizeof *c, q));
}

/* 6.3.5: psi(x + 1) = psi(x) + 1 / x. The terms have one sign, and are added from the smallest. Of a zero, by
   its sign, an infinity. */
static double positive_digamma(double x) {
  if (x < 1) return near_zero(x) - 1 / x;
  if (x >= 10) return asymptotic(x);
  double sum = 0;
  for (; x > 2; x -= 1) sum += 1 / (x - 1);
  return sum + near_zero(x - 1);
}

/* pi cot(pi r) for |r| <= 1/2, relatively accurate also where it is near 0. */
static double pi_cot(double r) {
  const double a = fabs(r);
  return copysign(a < .25 ? pi / tan(pi * a) : pi * tan(pi * (.5 - a)), r);
}

double dz__digamma(double x) {
  if (x >= 0) return positive_digamma(x);
  const double r = x - round(x); /* exact; NaN for -inf */
  if (!(r != 0)) return NAN;
  /* 6.3.7: psi(1 - x) = psi(x) + pi cot(pi x) */
  return (x >= -1 ? near_zero(-x) : positive_digamma(1 - x)) - pi_cot(r);
}

/* 6.1.15: Gamma(x) = Gamma(x + 16) / (x (x + 1) … (x + 15)), the product carried with twice a double's
   digits. Each x + k is exact, as it is nearer to 0 than x. */
double dz__tgamma_slope(double x) {
  double product = 1, low = 0;
  for (int k = 0; k < 16; k++) {
    const double f = x + k, next = product * f;
    low = fma(product, f, -next) + low * f;
    product = next;
  }
  return tgamma(x + 16) * digamma(x) / (product + low);
}

/* ---- polygamma: 6.4.10, psi_n(x) = (-1)^(n+1) n! sum over k >= 0 of (x + k)^-(n+1) ---- */

/* The number high + low, |low| <= ulp(high) / 2: as a base of a high power it needs more digits than a double
 * has. */
typedef struct twofold {
  double high, low;
} twofold;

static twofold plus_one(twofold x) {
  const double large = x.high > 1 ? x.high : 1, small = x.high > 1 ? 1 : x.high, sum = large + small;
  return (twofold){sum, (small - (sum - large)) + x.low};
}

/* (x 2^-e)^-s */
static double power(twofold x, int e, double s) {
  return pow(ldexp(x.high, -e), -s) * (1 - s * x.low / x.high);
}

/* 2^(e s) times Hurwitz's zeta function, the sum over k >= 0 of (x + k)^-s, for x > 0. The first terms are
   added up, the rest is Euler's and Maclaurin's formula 23.1.30: with x >= s + 12 its terms fall by a factor
   of 39 or more. The caller chooses e so that nothing overflows and only the negligible underflows. */
static double zeta(double s, twofold x, int e) {
  /* B_2j / (2 j)! */
  static const double c[] = {0.08333333333333333,    -0.001388888888888889,   3.306878306878307e-05,
                             -8.267195767195768e-07, 2.08767569878681e-08,    -5.284190138687493e-10,
                             1.3382536530684679e-11, -3.3896802963225827e-13, 8.586062056277845e-15,
                             -2.174868698558062e-16, 5.5090028283602295e-18};
  double sum = 0, lost = 0;
  for (; x.high < s + 12; x = plus_one(x)) {
    const double term = power(x, e, s), next = sum + term;
    lost += term - (next - sum);
    sum = next;
    if (term < 1e-18 * sum) return sum + lost; /* the terms left are 14 times this one at most */
  }
  double rising = s / x.high, series = 0; /* s (s + 1) … (s + 2 j - 2) / x^(2 j - 1) */
  for (size_t j = 0; j < sizeof c / sizeof *c; j++) {
    const double k = 2 * (double)j;
    series += c[j] * rising;
    rising *= (s + k + 1) / x.high * ((s + k + 2) / x.high);
  }
  return sum + (power(x, e, s) * (x.high / (s - 1) + (.5 + series)) + lost);
}

/* n! = result 2^*e with 1/2 <= result < 1. Carried with twice a double's digits, rounded at the end. */
static double factorial(double n, int *e) {
  double high = .5, low = 0;
  *e = 1;
  for (double k = 2; k <= n; k++) {
    const double product = high * k, rest = fma(high, k, -product) + low * k, sum = product + rest;
    int shift;
    high = frexp(sum, &shift);
    low = ldexp(rest - (sum - product), -shift);
    *e += shift;
  }
  return high;
}

/* The sum over all k >= 0 of (x + k)^-s times 2^(e s) for x < 0 that is no whole number: the sum over all k
   in Z, which has period 1, less the sum over k < 0. */
static double negative_sum(double s, double x, double r, int e) {
  const double sign_of_mirror = fmod(s, 2) == 0 ? 1 : -1;
  const twofold above = plus_one((twofold){r, 0}), below = plus_one((twofold){-r, 0}),
                mirror = plus_one((twofold){-x, 0});
  return pow(ldexp(r, -e), -s) +
         (zeta(s, above, e) + sign_of_mirror * (zeta(s, below, e) - zeta(s, mirror, e)));
}

double dz__polygamma(double n, double x) {
  if (n == 0) return dz__digamma(x);
  if (!(n > 0 && n <= 1000) || n != floor(n) || x != x || x == -INFINITY) return NAN;
  const bool odd = fmod(n, 2) == 1;
  const double s = n + 1, r = x - round(x);
  if (x == INFINITY) return odd ? 0. : -0.;
  if (x <= 0 && r == 0) return odd ? INFINITY : x == 0 ? -1 / x : NAN;
  int e2;
  const int e = ilogb(x > 0 ? x : r);
  const double sum = x > 0 ? zeta(s, (twofold){x, 0}, e) : negative_sum(s, x, r, e);
  const double f = factorial(n, &e2);
  return ldexp((odd ? f : -f) * sum, e2 - e * (int)s);
}
