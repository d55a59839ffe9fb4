/* W5: a chain. x <- sin(x) a + x / b, a million steps; inputs x0, a, b. b is a little over 1, so that the
   adjoint is still far from zero at the start of the chain. */
#include "workloads.h"

#include <math.h>

static bool open5(bench_data *d, const char *path, char why[160]) {
  (void)path, (void)why;
  if (!bench_data_make(d, 3, 0, 0, 3, 3 * (size_t)W5_STEPS)) return false;
  d->x[0] = 1;
  d->x[1] = 1e-6;
  d->x[2] = 1.0000005;
  return true;
}

static double plain(const bench_data *d) {
  double x = d->x[0], a = d->x[1], b = d->x[2];
  for (size_t i = 0; i < W5_STEPS; i++) x = sin(x) * a + x / b;
  return x;
}

static dz_var record(const bench_data *d, const dz_var *v) {
  (void)d;
  dz_var x = v[0], a = v[1], b = v[2];
  for (size_t i = 0; i < W5_STEPS; i++) x = dz_add(dz_mul(dz_sin(x), a), dz_div(x, b));
  return x;
}

/* Keeps sin x, x and the step's whole slope; the division by b^2 is done once, after the sum. */
static double hand(const bench_data *d, double *restrict g) {
  double x = d->x[0], a = d->x[1], b = d->x[2], gx = 1, ga = 0, gb = 0;
  double *restrict w = d->work;
  for (size_t i = 0; i < W5_STEPS; i++) {
    double s = sin(x), c = cos(x);
    w[3 * i] = s;
    w[3 * i + 1] = x;
    w[3 * i + 2] = c * a + 1 / b;
    x = s * a + x / b;
  }
  for (size_t i = W5_STEPS; i-- > 0;) {
    ga += gx * w[3 * i];
    gb += gx * w[3 * i + 1];
    gx *= w[3 * i + 2];
  }
  g[0] = gx;
  g[1] = ga;
  g[2] = -gb / (b * b);
  return x;
}

const workload bench_w5 = {.name = "W5",
                           .what = "chain of a million",
                           .ops = 4000000,
                           .target = .165,
                           .open = open5,
                           .plain = plain,
                           .hand = hand,
                           .record = record};
