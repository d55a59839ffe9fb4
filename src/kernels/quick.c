/* SLEEF's functions under the names by which gcc calls the vector versions of those in kernels/quick.h (the
   vector function ABI of x86-64: b, d, e for SSE, AVX2, AVX-512, then the lanes). Compiled once for each of
   the three. */
#define DZ__QUICK_ITSELF
#include "kernels/quick.h"

#undef exp
#undef exp2
#undef expm1
#undef log
#undef log2
#undef log10
#undef log1p
#undef cbrt
#undef sin
#undef cos
#undef tan
#undef asin
#undef acos
#undef atan
#undef atanh
#undef erf
#undef erfc

#ifdef DZ_SLEEF
#include <sleef.h>

#if defined(__AVX512F__)
typedef __m512d vector;
enum { LANES = 8 };
#define SLEEF(f, ulp) Sleef_##f##d8_##ulp##avx512f
#define NAME(f) _ZGVeN8v_dz__quick_##f
#elif defined(__AVX2__)
typedef __m256d vector;
enum { LANES = 4 };
#define SLEEF(f, ulp) Sleef_##f##d4_##ulp##avx2
#define NAME(f) _ZGVdN4v_dz__quick_##f
#else
typedef __m128d vector;
enum { LANES = 2 };
#define SLEEF(f, ulp) Sleef_##f##d2_##ulp
#define NAME(f) _ZGVbN2v_dz__quick_##f
#endif

#define QUICK(f, ulp)                                                                                        \
  vector NAME(f)(vector x);                                                                                  \
  vector NAME(f)(vector x) { return SLEEF(f, ulp)(x); }
QUICK(exp, u10)
QUICK(exp2, u10)
QUICK(expm1, u10)
QUICK(log, u10)
QUICK(log2, u10)
QUICK(log10, u10)
QUICK(cbrt, u10)
QUICK(sin, u10)
QUICK(cos, u10)
QUICK(tan, u10)
QUICK(asin, u10)
QUICK(acos, u10)
QUICK(atan, u10)
QUICK(atanh, u10)
QUICK(erf, u10)
QUICK(erfc, u15)

/* SLEEF's ends at 1e307. */
vector NAME(log1p)(vector x);
vector NAME(log1p)(vector x) {
  vector z = SLEEF(log1p, u10)(x);
  for (int k = 0; k < LANES; k++)
    if (x[k] > 1e307) z[k] = log(x[k]);
  return z;
}
#endif

/* For one number: what a loop has left over, or all of it where the compiler makes no vectors. */
#ifndef __AVX2__
#ifdef DZ_SLEEF
#define ONE(f)                                                                                               \
  double dz__quick_##f(double x) { return NAME(f)((vector){x, x})[0]; }
#else
#define ONE(f)                                                                                               \
  double dz__quick_##f(double x) { return f(x); }
#endif
DZ__EACH_QUICK(ONE)
#endif
