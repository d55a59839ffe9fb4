/* libm's functions as SLEEF computes them, for loops that the compiler turns into vectors: where this header
   stands before kernels/scalar.h, the table's text means these. Each is within 1.0 ULP (erfc 1.5) of the
   exact value, infinities, NaN and zeros as in libm; which ones, and over which range SLEEF keeps that, was
   measured (tests/kernels/quick.c). What is missing here stays libm's: sinh, cosh, asinh, acosh end too early
   in SLEEF 3.5, lgamma and tgamma are off near their zeros and poles. */
#ifndef DZ_KERNELS_QUICK_H
#define DZ_KERNELS_QUICK_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#define DZ__EACH_QUICK(F)                                                                                    \
  F(exp)                                                                                                     \
  F(exp2)                                                                                                    \
  F(expm1)                                                                                                   \
  F(log)                                                                                                     \
  F(log2)                                                                                                    \
  F(log10)                                                                                                   \
  F(log1p)                                                                                                   \
  F(cbrt)                                                                                                    \
  F(sin)                                                                                                     \
  F(cos)                                                                                                     \
  F(tan)                                                                                                     \
  F(asin)                                                                                                    \
  F(acos)                                                                                                    \
  F(atan)                                                                                                    \
  F(atanh)                                                                                                   \
  F(erf)                                                                                                     \
  F(erfc)

/* Loops call the versions for vectors (kernels/quick.c). Without SLEEF these are libm's. */
#ifdef DZ__QUICK_ITSELF
#define DZ__VERSIONS
#else
#define DZ__VERSIONS _Pragma("omp declare simd notinbranch")
#endif
#define DZ__DECLARE_QUICK(f) DZ__VERSIONS double dz__quick_##f(double x) __attribute__((const));
DZ__EACH_QUICK(DZ__DECLARE_QUICK)
#undef DZ__DECLARE_QUICK

#define exp(x) dz__quick_exp(x)
#define exp2(x) dz__quick_exp2(x)
#define expm1(x) dz__quick_expm1(x)
#define log(x) dz__quick_log(x)
#define log2(x) dz__quick_log2(x)
#define log10(x) dz__quick_log10(x)
#define log1p(x) dz__quick_log1p(x)
#define cbrt(x) dz__quick_cbrt(x)
#define sin(x) dz__quick_sin(x)
#define cos(x) dz__quick_cos(x)
#define tan(x) dz__quick_tan(x)
#define asin(x) dz__quick_asin(x)
#define acos(x) dz__quick_acos(x)
#define atan(x) dz__quick_atan(x)
#define atanh(x) dz__quick_atanh(x)
#define erf(x) dz__quick_erf(x)
#define erfc(x) dz__quick_erfc(x)

#include "kernels/special.h"

/* tanh and its slope from one exponential, in two numbers where one would not do; without branches and calls,
   which would keep a loop from becoming vectors. With E = e^(-2|x|), tanh |x| = (1 - E) / (1 + E), within 1
   ULP, and its slope is 4 E / (1 + E)^2, within 4. */
#define tanh_value(x) copysign(quick_tanh(x).value, x)
#define tanh_slope(x, z) quick_tanh(x).slope

#if defined(__FMA__) || defined(__AVX512F__)
#define DZ__MULADD(x, y, z) __builtin_fma(x, y, z)
#else
#define DZ__MULADD(x, y, z) ((x) * (y) + (z))
#endif

/* n - q d, exactly but for the last bits; without FMA by halves of the factors (Dekker). */
static inline double quick_rest(double n, double q, double d) {
#if defined(__FMA__) || defined(__AVX512F__)
  return __builtin_fma(-q, d, n);
#else
  const double a = 0x1p27 * q, b = 0x1p27 * d, qh = a + q - a, dh = b + d - b, ql = q - qh, dl = d - dh;
  return ((n - qh * dh) - qh * dl - ql * dh) - ql * dl;
#endif
}

/* 2^k for whole k from -1022 to 0. */
static inline double quick_power(double k) {
  const double shifted = k + (0x1.8p52 + 1023);
  uint64_t bits;
  memcpy(&bits, &shifted, sizeof bits);
  bits <<= 52;
  double z;
  memcpy(&z, &bits, sizeof z);
  return z;
}

typedef struct quick_pair {
  double value, slope;
} quick_pair;

static inline quick_pair quick_tanh(double x) {
  const double twice = -2 * fabs(x), t = twice < -746 ? -746 : twice; /* a NaN stays */
  /* t = k ln 2 + s + low, the first product exactly */
  const double k = t * 1.4426950408889634 + 0x1.8p52 - 0x1.8p52, high = t - k * 0x1.62e42feep-1,
               less = k * -0x1.a39ef35793c76p-33, s = high + less, low = less - (s - high);
  /* e^s - 1 = s + s^2 / 2 + …: the sum behind s, then both as p + rest */
  double q = 1 / 87178291200.;
  q = DZ__MULADD(q, s, 1 / 6227020800.);
  q = DZ__MULADD(q, s, 1 / 479001600.);
  q = DZ__MULADD(q, s, 1 / 39916800.);
  q = DZ__MULADD(q, s, 1 / 3628800.);
  q = DZ__MULADD(q, s, 1 / 362880.);
  q = DZ__MULADD(q, s, 1 / 40320.);
  q = DZ__MULADD(q, s, 1 / 5040.);
  q = DZ__MULADD(q, s, 1 / 720.);
  q = DZ__MULADD(q, s, 1 / 120.);
  q = DZ__MULADD(q, s, 1 / 24.);
  q = DZ__MULADD(q, s, 1 / 6.);
  q = DZ__MULADD(q, s, .5);
  const double tail = DZ__MULADD(q * s, s, DZ__MULADD(low, s, low)), p = s + tail, rest = tail - (p - s);
  /* E = c + c p + c rest; 1 - E = n + n_low, 1 + E = d + d_low */
  const double k_one = k < -1000 ? -1000 : k, c_one = quick_power(k_one), c_two = quick_power(k - k_one),
               c = c_one * c_two, cp = c * p, cr = c * rest;
  const double less_c = 1 - c, n = less_c - cp, n_low = (1 - less_c - c) + (less_c - n - cp - cr);
  const double more_c = 1 + c, d = more_c + cp, d_low = (1 - more_c + c) + (more_c - d + cp + cr);
  const double first = 1 / d, inverse = first + first * (quick_rest(1, first, d) - d_low * first);
  const double z = n * inverse, better = z + (quick_rest(n, z, d) + (n_low - z * d_low)) * inverse;
  return (quick_pair){better, (1 + p) * inverse * inverse * c_one * (4 * c_two)};
}

#endif
