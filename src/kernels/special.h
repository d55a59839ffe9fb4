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
static inline double softplus(double x) { return x > 0 ? x + log1p(exp(-x)) : log1p(exp(x)); }

/* ln sigmoid(x) = -softplus(-x), within 2 ULP. */
static inline double log_sigmoid(double x) { return x < 0 ? x - log1p(exp(x)) : -log1p(exp(-x)); }

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

static inline double digamma(double x) { return dz__digamma(x); }
static inline double polygamma(double n, double x) { return dz__polygamma(n, x); }

#endif
