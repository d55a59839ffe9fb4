/* W3: logistic regression. sum over samples of log(1 + exp(-y w.x)), y = -1 or 1, and 0.5e-3 w.w. */
#include "workloads.h"

#include <math.h>

enum { ROWS = 10000 };

static bool open3(bench_data *d, const char *path, char why[160]) {
  (void)path, (void)why;
  if (!bench_data_make(d, W3_D, ROWS, W3_ROW, W3_D, 0)) return false;
  uint64_t seed = 3;
  for (size_t j = 0; j < W3_D; j++) d->x[j] = bench_uniform(&seed, -0.5, 0.5);
  for (size_t i = 0; i < ROWS; i++) {
    for (size_t j = 0; j < W3_D; j++) d->s[i * W3_ROW + j] = bench_uniform(&seed, -1.7, 1.7);
    d->s[i * W3_ROW + W3_D] = bench_uniform(&seed, -1, 1) < 0 ? -1 : 1;
  }
  return true;
}

static double plain(const bench_data *d) {
  const double *w = d->x;
  double loss = 0, norm = 0;
  for (size_t i = 0; i < ROWS; i++) {
    const double *x = d->s + i * W3_ROW;
    double dot = 0;
    for (size_t j = 0; j < W3_D; j++) dot += w[j] * x[j];
    loss += log(1 + exp(-x[W3_D] * dot));
  }
  for (size_t j = 0; j < W3_D; j++) norm += w[j] * w[j];
  return loss + 0.5e-3 * norm;
}

static dz_var record(const bench_data *d, const dz_var *w) {
  dz_var loss = dz_num(0), norm = dz_num(0);
  for (size_t i = 0; i < ROWS; i++) {
    const double *x = d->s + i * W3_ROW;
    dz_var dot = dz_num(0);
    for (size_t j = 0; j < W3_D; j++) dot = dz_add(dot, dz_mul(w[j], x[j]));
    loss = dz_add(loss, dz_log(dz_add(1, dz_exp(dz_mul(-x[W3_D], dot)))));
  }
  for (size_t j = 0; j < W3_D; j++) norm = dz_add(norm, dz_mul(w[j], w[j]));
  return dz_add(loss, dz_mul(0.5e-3, norm));
}

/* Samples in blocks: dot products, then the functions, then the gradient, so that each loop keeps its
 * registers. */
static double hand(const bench_data *d, double *restrict g) {
  enum { L = 16 };
  const double *restrict w = d->x;
  double loss = 0, norm = 0;
  for (size_t j = 0; j < W3_D; j++) g[j] = 1e-3 * w[j];
  for (size_t i = 0; i < ROWS; i += L) {
    const double *restrict x = d->s + i * W3_ROW;
    double slope[L];
    for (size_t k = 0; k < L; k++) {
      double part[4] = {0, 0, 0, 0};
      for (size_t j = 0; j < W3_D; j += 4)
        for (size_t m = 0; m < 4; m++) part[m] += w[j + m] * x[k * W3_ROW + j + m];
      slope[k] = (part[0] + part[1]) + (part[2] + part[3]);
    }
    for (size_t k = 0; k < L; k++) {
      double y = x[k * W3_ROW + W3_D], e = exp(-y * slope[k]);
      loss += log(1 + e);
      slope[k] = -y * e / (1 + e);
    }
    for (size_t k = 0; k < L; k++)
      for (size_t j = 0; j < W3_D; j++) g[j] += slope[k] * x[k * W3_ROW + j];
  }
  for (size_t j = 0; j < W3_D; j++) norm += w[j] * w[j];
  return loss + 0.5e-3 * norm;
}

const workload bench_w3 = {.name = "W3",
                           .what = "logistic regression",
                           .ops = 450042,
                           .target = .085,
                           .open = open3,
                           .plain = plain,
                           .hand = hand,
                           .record = record};
