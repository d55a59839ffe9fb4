/* The functions of pointwise.def that libm lacks, under the names the table uses.

   Errors are in units in the last place (ULP) of the exact result, for a libm whose exp, log, log1p, pow and
   tan err by less than 1. All pass NaN on. */
#ifndef DZ_KERNELS_SPECIAL_H
#define DZ_KERNELS_SPECIAL_H

#include <math.h>

/* 1 / (1 + e^-x), within 2 ULP. The exponential never overflows, and for x < 0 it is a factor: no
 * cancellation. */
static inline double sigmoid(double x) {
  const double e = exp(-fabs(x));
  return (x < 0 ? e : 1) / (1 + e);
}

/* ln(1 + e^x), within 2 ULP. */
static inline double softplus(double x) { return (x > 0 ? x : 0) + log1p(exp(-fabs(x))); }

/* ln sigmoid(x) = -softplus(-x), within 2 ULP. */
static inline double log_sigmoid(double x) { return (x < 0 ? x : -0.) - log1p(exp(-fabs(x))); }

/* e^(-x^2), within 2 ULP. x^2 = s + low exactly: e^-s alone would be off by a factor of 1 + s 2^-53. */
static inline double gauss(double x) {
  const double s = x * x, e = exp(-s);
  return s < 800 ? e - e * fma(x, x, -s) : e;
}

/* ln(e^x + e^y) = most + ln(1 + e^(least - most)), within 2 ULP; for a negative most, which works against the
   other summand, within 4 ULP of that summand. */
static inline double logaddexp(double x, double y) {
  const double most = x > y ? x : y, least = x > y ? y : x, d = least - most;
  if (x == y) return x + 0.6931471805599453;
  if (!(d > -800)) return d < 0 ? most : x + y;
  /* d + low = least - most exactly (Knuth's sum of two numbers) */
  const double back = d - least, low = (least - (d - back)) - (most + back);
  const double e = exp(d);
  return most + log1p(e + e * low);
}

/* x - y floor(x / y), of the sign of y; exact when x and y have one sign, else rounded once. */
static inline double mod(double x, double y) {
  const double r = fmod(x, y);
  if (r == 0) return copysign(0, y);
  return (r < 0) != (y < 0) ? r + y : r;
}

/* -1, 0 or 1; a zero keeps its sign. */
static inline double sign(double x) { return x > 0 ? 1 : x < 0 ? -1 : x; }

/* d/dx ln Gamma(x), within 8 ULP; for x < 0 within 8 ULP of |psi(1 - x)| + |pi cot(pi x)|, whose difference
   it is. -inf at +0 and +inf at -0, NaN at -1, -2, … and at -inf. */
double dz__digamma(double x);

/* The n-th derivative of digamma for whole n from 0 to 1000 (else NaN), within 8 ULP; for x < 0 and even n,
   where it has zeros, within 8 ULP of n! / |x - round(x)|^(n + 1), the largest term of its series. At 0, -1,
   -2, …: +inf for odd n; for even n > 0 as digamma. Cost: about n + 12 powers at most. */
double dz__polygamma(double n, double x);

/* Gamma(x) psi(x) for x < -170, where Gamma(x) may be subnormal. */
double dz__tgamma_slope(double x);

static inline double digamma(double x) { return dz__digamma(x); }
static inline double polygamma(double n, double x) { return dz__polygamma(n, x); }

/* ---- slopes; z is the value ---- */

/* y x^(y - 1), within 4 ULP. From z where that is an ordinary number: y - 1 would be rounded. Elsewhere |z|
   is the square of |x|^(y / 2), which still is one when the slope is. */
static inline double pow_to_x(double x, double y, double z) {
  if (y == 2) return 2 * x;
  if (y == 0) return 0;
  if (fabs(z) > 1e-290 && fabs(y * z) < INFINITY) return y * z / x;
  if (z != z) return z;
  if (x == 0 || fabs(x) == INFINITY) return y * pow(x, y - 1);
  const double root = pow(fabs(x), y / 2);
  return y * root / x * copysign(root, z);
}

/* x^y ln x, within 4 ULP; at x = 0 what 0^y does as y grows. */
static inline double pow_to_y(double x, double y, double z) {
  if (x == 0) return y < 0 ? -INFINITY : y == y ? 0 : y;
  if (fabs(z) > 1e-290 && fabs(z) < INFINITY) return z * log(x);
  const double root = pow(x, y / 2);
  return root * log(x) * root;
}

/* 2^x ln 2, within 2 ULP; finite a little longer than z. */
static inline double exp2_slope(double x, double z) {
  return x < 1000 ? 0.6931471805599453 * z : 1.3862943611198906 * exp2(x - 1);
}

/* -2 x e^(-x^2), within 4 ULP. Near where z is subnormal its root r is taken instead: x^2 = s + low exactly,
   and e^(-x^2) = r r (1 - low). */
static inline double gauss_slope(double x, double z) {
  if (!(fabs(x) > 26 && fabs(x) < 28)) return -2 * x * z;
  const double s = x * x, low = fma(x, x, -s), root = exp(-.5 * s), half = -2 * x * root;
  return (half - half * low) * root;
}

/* sigmoid(x - y), within 4 ULP. d + low = x - y exactly, and sigmoid' = sigmoid(d) sigmoid(-d). */
static inline double logaddexp_slope(double x, double y) {
  const double d = x - y;
  if (!(fabs(d) < 800)) return x == y ? .5 : sigmoid(d);
  const double low = fabs(x) > fabs(y) ? x - d - y : x - (d + y);
  return sigmoid(d) * (1 + low * sigmoid(-d));
}

/* tanh and its slope from one exponential, e = e^(-2|x|): (1 - e) / (1 + e) and 4e / (1 + e)^2, both within 4
   ULP away from 0, where libm's tanh and 1 - z^2 are the better ones. Where e is nearly subnormal its root is
   taken instead. */
static inline double tanh_value(double x) {
  if (fabs(x) < .55) return tanh(x);
  const double e = exp(-2 * fabs(x));
  return copysign((1 - e) / (1 + e), x);
}

static inline double tanh_slope(double x, double z) {
  if (fabs(x) < .55) return 1 - z * z;
  const double e = exp(-2 * fabs(x));
  if (e < 1e-290) return 2 * exp(-fabs(x)) * (2 * exp(-fabs(x)));
  return 4 * e / ((1 + e) * (1 + e));
}

/* Gamma(x) psi(x), within 8 ULP of |Gamma(x)| times digamma's scale. */
static inline double tgamma_slope(double x, double z) {
  return x < -170 ? dz__tgamma_slope(x) : z * digamma(x);
}

#endif
