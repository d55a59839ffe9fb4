/* Coefficients of simplified formulas: n / d, exactly. Whatever would round says no instead. */
#ifndef DZ_DERIVE_RATIO_H
#define DZ_DERIVE_RATIO_H

#include <stdbool.h>

/* d is a whole number from 1 to 2^53. When n is whole, n / d is in lowest terms. n is finite. */
typedef struct dz__ratio {
  double n, d;
} dz__ratio;

static inline dz__ratio dz__whole(double n) { return (dz__ratio){n, 1}; }
static inline bool dz__ratio_is(dz__ratio a, double n) { return a.n == n && a.d == 1; }
static inline bool dz__ratio_same(dz__ratio a, dz__ratio b) { return a.n == b.n && a.d == b.d; }

bool dz__is_whole(double x);

/* Of a finite double: 0.5 is 1/2, and 0.1 is 0.1/1; 0.3333333333333333 is taken for 1/3, and so on for
   denominators below 100 whose decimals have no end. */
dz__ratio dz__ratio_of(double x);

/* False, and *r is not set, when the result is not exact. */
bool dz__ratio_add(dz__ratio a, dz__ratio b, dz__ratio *r);
bool dz__ratio_mul(dz__ratio a, dz__ratio b, dz__ratio *r);
bool dz__ratio_power(dz__ratio a, double whole, dz__ratio *r);

/* Whether a double equals the ratio, and which. */
bool dz__ratio_exact(dz__ratio a, double *x);

#endif
