#include "derive/ratio.h"

#include <math.h>

static const double most = 9007199254740992.; /* 2^53 */

bool dz__is_whole(double x) { return x == floor(x) && fabs(x) <= most; }

static double gcd(double a, double b) {
  a = fabs(a);
  while (b != 0) {
    double rest = fmod(a, b);
    a = b;
    b = rest;
  }
  return a;
}

static dz__ratio lowest(double n, double d) {
  double g = dz__is_whole(n) && n != 0 ? gcd(n, d) : 1;
  return n == 0 ? dz__whole(0) : (dz__ratio){n / g, d / g};
}

/* Of what is not dyadic: the number that n / d rounds to, where its decimals have no end. */
static dz__ratio thirds_of(double x) {
  for (double d = 3; d < 100 && fabs(x) < 1000; d++) {
    double n = round(x * d), rest = d;
    if (n == 0 || fabs(n) > 1000 || n / d != x) continue;
    while (fmod(rest, 2) == 0) rest /= 2;
    while (fmod(rest, 5) == 0) rest /= 5;
    return rest > 1 ? (dz__ratio){n, d} : dz__whole(x);
  }
  return dz__whole(x);
}

dz__ratio dz__ratio_of(double x) {
  for (double d = 1; d <= 1024 * 1024 && fabs(x) * d <= most; d *= 2)
    if (dz__is_whole(x * d)) return lowest(x * d, d);
  return thirds_of(x);
}

static bool product(double a, double b, double *x) {
  *x = a * b;
  if (dz__is_whole(a) && dz__is_whole(b)) return fabs(*x) <= most;
  return isfinite(*x) && fma(a, b, -*x) == 0 && fabs(*x) > 1e-290;
}

bool dz__ratio_mul(dz__ratio a, dz__ratio b, dz__ratio *r) {
  double n, d;
  dz__ratio x = lowest(a.n, b.d), y = lowest(b.n, a.d);
  if (a.n == 0 || b.n == 0) return *r = dz__whole(0), true;
  if (!product(x.n, y.n, &n) || !product(x.d, y.d, &d)) return false;
  *r = lowest(n, d);
  return true;
}

bool dz__ratio_add(dz__ratio a, dz__ratio b, dz__ratio *r) {
  double x, y, d;
  if (!product(a.n, b.d, &x) || !product(b.n, a.d, &y) || !product(a.d, b.d, &d)) return false;
  double sum = x + y, part = sum - x;
  if (!isfinite(sum) || (x - (sum - part)) + (y - part) != 0) return false;
  if (dz__is_whole(x) && dz__is_whole(y) && fabs(sum) > most) return false;
  *r = lowest(sum, d);
  return true;
}

bool dz__ratio_power(dz__ratio a, double whole, dz__ratio *r) {
  dz__ratio x = a, p = dz__whole(1);
  if (!dz__is_whole(whole) || fabs(whole) > 64 || (a.n == 0 && whole <= 0)) return false;
  if (whole < 0) {
    if (!dz__is_whole(a.n)) return false;
    x = (dz__ratio){a.n < 0 ? -a.d : a.d, fabs(a.n)};
  }
  for (double k = fabs(whole); k > 0; k--)
    if (!dz__ratio_mul(p, x, &p)) return false;
  *r = p;
  return true;
}

bool dz__ratio_exact(dz__ratio a, double *x) {
  *x = a.n / a.d;
  return a.d == 1 || fma(*x, a.d, -a.n) == 0;
}
