/* W6: Rosenbrock's function of 100,000 variables: the sum of 100 (x[i+1] - x[i]^2)^2 + (1 - x[i])^2. */
#include "workloads.h"

enum { N = 100000 };

static bool open6(bench_data *d, const char *path, char why[160]) {
  (void)path, (void)why;
  if (!bench_data_make(d, N, 0, 0, N, 0)) return false;
  uint64_t seed = 6;
  for (size_t i = 0; i < N; i++) d->x[i] = bench_uniform(&seed, -2, 2);
  return true;
}

static double plain(const bench_data *d) {
  const double *x = d->x;
  double sum = 0;
  for (size_t i = 0; i + 1 < N; i++) {
    double t = x[i + 1] - x[i] * x[i], u = 1 - x[i];
    sum += 100 * (t * t) + u * u;
  }
  return sum;
}

static dz_var record(const bench_data *d, const dz_var *x) {
  (void)d;
  dz_var sum = dz_num(0);
  for (size_t i = 0; i + 1 < N; i++) {
    dz_var t = dz_sub(x[i + 1], dz_mul(x[i], x[i])), u = dz_sub(1, x[i]);
    sum = dz_add(sum, dz_add(dz_mul(100, dz_mul(t, t)), dz_mul(u, u)));
  }
  return sum;
}

/* An entry of the gradient depends on its neighbours only, so none waits for another; two chains of
 * additions. */
static double hand(const bench_data *d, double *restrict g) {
  const double *restrict x = d->x;
  double even = 0, odd = 0, t = x[1] - x[0] * x[0];
  g[0] = -400 * t * x[0] - 2 * (1 - x[0]);
  for (size_t i = 1; i + 1 < N; i++)
    g[i] = 200 * (x[i] - x[i - 1] * x[i - 1]) - 400 * (x[i + 1] - x[i] * x[i]) * x[i] - 2 * (1 - x[i]);
  g[N - 1] = 200 * (x[N - 1] - x[N - 2] * x[N - 2]);
  for (size_t i = 0; i + 2 < N; i += 2) {
    double t0 = x[i + 1] - x[i] * x[i], u0 = 1 - x[i], t1 = x[i + 2] - x[i + 1] * x[i + 1], u1 = 1 - x[i + 1];
    even += 100 * (t0 * t0) + u0 * u0;
    odd += 100 * (t1 * t1) + u1 * u1;
  }
  t = x[N - 1] - x[N - 2] * x[N - 2];
  return even + odd + (100 * (t * t) + (1 - x[N - 2]) * (1 - x[N - 2]));
}

const workload bench_w6 = {.name = "W6",
                           .what = "Rosenbrock, n = 100,000",
                           .ops = 799992,
                           .target = .10,
                           .open = open6,
                           .plain = plain,
                           .hand = hand,
                           .record = record};
