/* Functions in __float128 (113 bits) that tests compare with, and what an ULP is. Written from other formulas
   than the library's where there is a choice. */
#ifndef DZ_TESTS_QUAD_H
#define DZ_TESTS_QUAD_H

#include <math.h>
#include <quadmath.h>

#ifdef __clang__ /* has no such builtin */
#undef HUGE_VALQ
#define HUGE_VALQ ((__float128)__builtin_huge_val())
#endif
#include <stdint.h>
#include <stdlib.h>

__extension__ typedef __float128 quad;

/* Constants as quotients and functions: the Q suffix is no C11. */
static inline quad quad_pi(void) { return 4 * atanq(1); }

static inline quad quad_max(quad x, quad y) { return x > y ? x : y; }

/* The distance of neighbouring doubles at |x|, x being finite. */
static inline quad quad_ulp(quad x) {
  int e;
  frexpq(x, &e);
  return ldexpq(1, (x == 0 || e < -1021 ? -1021 : e) - 53);
}

/* |got - exact| in ULPs at `scale`. Beyond the doubles' range the answer is infinity of that sign; what does
   not match there, or is not a number on one side only, is infinitely wrong. */
static inline double quad_error(double got, quad exact, quad scale) {
  if (isnanq(exact) || isnan(got)) return isnanq(exact) && isnan(got) ? 0 : INFINITY;
  if (isinf(got)) {
    const quad overflow = ldexpq(1, 1024) - ldexpq(1, 970);
    return (got > 0) == (exact > 0) && fabsq(exact) >= overflow * (1 - ldexpq(1, -48)) ? 0 : INFINITY;
  }
  if (isinfq(exact) || isinfq(scale)) return INFINITY;
  return (double)(fabsq((quad)got - exact) / quad_ulp(quad_max(fabsq(scale), fabsq(exact))));
}

/* ---- the library's functions again ---- */

static inline quad quad_sigmoid(quad x) { return 1 / (1 + expq(-x)); }
static inline quad quad_softplus(quad x) { return x > 0 ? x + log1pq(expq(-x)) : log1pq(expq(x)); }
static inline quad quad_gauss(quad x) { return expq(-x * x); }

static inline quad quad_logaddexp(quad x, quad y) {
  if (x == y) return x + logq(2);
  const quad d = x - y;
  return d > 0 ? x + log1pq(expq(-d)) : y + log1pq(expq(d));
}

/* B_2k for k = 1 … 14 */
static inline quad quad_bernoulli(int k) {
  static const double b[14][2] = {{1, 6},        {-1, 30},
                                  {1, 42},       {-1, 30},
                                  {5, 66},       {-691, 2730},
                                  {7, 6},        {-3617, 510},
                                  {43867, 798},  {-174611, 330},
                                  {854513, 138}, {-236364091, 2730},
                                  {8553103, 6},  {-23749461029., 870}};
  return (quad)b[k - 1][0] / b[k - 1][1];
}

static inline quad quad_factorial(int n) {
  quad f = 1;
  for (int k = 2; k <= n; k++) f *= k;
  return f;
}

static inline quad quad_power(quad x, int n) {
  quad p = 1;
  for (int k = 0; k < abs(n); k++) p *= x;
  return n < 0 ? 1 / p : p;
}

/* The sum of (x + k)^-s over k >= 0 for s >= 2, and for s = 1 what makes it -psi(x); x > 0. Recurrence up to
   x >= 60 + 2 s, then the asymptotic series 6.3.18 and 6.4.11 of Abramowitz and Stegun. */
static inline quad quad_positive_sum(int s, quad x) {
  quad sum = 0;
  for (; x < 60 + 2 * s; x += 1) sum += quad_power(x, -s);
  const quad p = x > 1e60 ? expq(-s * logq(x)) : quad_power(x, -s);
  quad tail = s == 1 ? -logq(x) : p * x / (s - 1), rising = (quad)s / 2;
  tail += p / 2;
  for (int k = 1; k <= 14; k++) { /* B_2k s (s + 1) … (s + 2 k - 2) / (2 k)! x^-(s + 2 k - 1) */
    tail += quad_bernoulli(k) * rising * p * quad_power(x, 1 - 2 * k);
    rising *= (quad)(s + 2 * k - 1) / (2 * k + 1) * (s + 2 * k) / (2 * k + 2);
  }
  return sum + tail;
}

/* D^n of pi cot(pi x), r being x less its nearest whole number: with c = cot, D c = -(1 + c^2). */
static inline quad quad_pi_cot(int n, quad r) {
  quad p[64] = {0, 1}, q[64], sum = 0;
  const quad c =
      fabsq(r) > (quad)1 / 4 ? (r < 0 ? -1 : 1) * tanq(quad_pi() * (.5 - fabsq(r))) : 1 / tanq(quad_pi() * r);
  for (int m = 0; m < n; m++) {
    for (int k = 0; k < 64; k++) q[k] = 0;
    for (int k = 1; k < 62; k++) {
      q[k - 1] -= k * p[k];
      q[k + 1] -= k * p[k];
    }
    for (int k = 0; k < 64; k++) p[k] = q[k];
  }
  for (int k = 63; k >= 0; k--) sum = sum * c + p[k];
  return quad_power(quad_pi(), n + 1) * sum;
}

/* The n-th derivative of digamma. For x < 0 it is a difference, and *scale the largest of what it is made of:
   psi_n(1 - x), and pi cot(pi x) or, for n > 0, the largest term of the series of its derivative. For x > 0
   *scale is the value itself. Far from 0 the reflection formula 6.4.7 is used, nearer to it recurrence. */
static inline quad quad_polygamma(int n, quad x, quad *scale) {
  const quad sign = n % 2 ? -1 : 1, f = -sign * quad_factorial(n), r = x - roundq(x);
  *scale = 0;
  if (isnanq(x) || (isinfq(x) && x < 0)) return nanq("");
  if (isinfq(x)) return n == 0 ? x : 0 * f;
  if (x <= 0 && r == 0) return n % 2 ? HUGE_VALQ : nanq("");
  if (x > 0) return *scale = f * quad_positive_sum(n + 1, x);
  const quad mirror = f * quad_positive_sum(n + 1, 1 - x), cot = quad_pi_cot(n, r);
  *scale = quad_max(fabsq(mirror), n == 0 ? fabsq(cot) : fabsq(f * quad_power(r, -n - 1)));
  if (x < -40) return sign * mirror - cot;
  quad sum = 0;
  for (; x < 0; x += 1) sum += quad_power(x, -n - 1);
  return f * (sum + quad_positive_sum(n + 1, x));
}

#endif
