#include "dz/learn.h"

#include <math.h>

/* x^n by squaring: the same bits wherever multiplication is IEEE's. */
static double power(double x, uint64_t n) {
  double z = 1;
  for (; n > 0; n >>= 1, x *= x)
    if (n & 1) z *= x;
  return z;
}

double dz_schedule_at(const dz_schedule *s, uint64_t k) {
  if (!s) return 1;
  double z = 1;
  uint64_t total = s->total ? s->total : 1, every = s->every ? s->every : 1;
  if (s->kind == DZ_SCHEDULE_STEP) z = power(s->factor, k / every);
  if (s->kind == DZ_SCHEDULE_COSINE)
    z = (1 + cos(3.141592653589793 * fmin(1, (double)k / (double)total))) / 2;
  return k < s->warm_up ? z * ((double)(k + 1) / (double)s->warm_up) : z;
}
