/* libm's functions as SLEEF computes them, for loops that the compiler turns into vectors: where this header
   stands before kernels/scalar.h, the table's text means these. Each is within 1.0 ULP (erfc 1.5) of the
   exact value, infinities, NaN and zeros as in libm; which ones, and over which range SLEEF keeps that, was
   measured (tests/kernels/quick.c). What is missing here stays libm's: sinh, cosh, asinh, acosh end too early
   in SLEEF 3.5, lgamma and tgamma are off near their zeros and poles. */
#ifndef DZ_KERNELS_QUICK_H
#define DZ_KERNELS_QUICK_H

#include <math.h>

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
  F(tanh)                                                                                                    \
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
#define tanh(x) dz__quick_tanh(x)
#define atanh(x) dz__quick_atanh(x)
#define erf(x) dz__quick_erf(x)
#define erfc(x) dz__quick_erfc(x)

#include "kernels/special.h"

/* A tanh that needs no help, and a slope without calls in branches, which would keep a loop from becoming
   vectors: within 3 ULP, where it is subnormal within 4. */
#define tanh_value(x) dz__quick_tanh(x)
#define tanh_slope(x, z) quick_tanh_slope(x)

static inline double quick_tanh_slope(double x) {
  const double e = exp(-2 * fabs(x));
  return 4 * e / ((1 + e) * (1 + e));
}

#endif
