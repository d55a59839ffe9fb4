/* W4: mean squared error of a 2-16-16-1 tanh network with linear output over 200 samples. Parameters: per
   layer the weights, input by input, then the biases. */
#include "workloads.h"

#include <math.h>
#include <string.h>

enum {
  ROWS = 200,
  H = W4_HIDDEN,
  B1 = W4_IN * H,
  W2 = B1 + H,
  B2 = W2 + H * H,
  W3 = B2 + H,
  B3 = W3 + H,
  PARAMS = B3 + 1
};

static bool open4(bench_data *d, const char *path, char why[160]) {
  (void)path, (void)why;
  if (!bench_data_make(d, PARAMS, ROWS, W4_ROW, PARAMS, 0)) return false;
  uint64_t seed = 4;
  for (size_t j = 0; j < PARAMS; j++) d->x[j] = bench_uniform(&seed, -0.7, 0.7);
  for (size_t i = 0; i < ROWS; i++) {
    double *s = d->s + i * W4_ROW;
    s[0] = bench_uniform(&seed, -1, 1);
    s[1] = bench_uniform(&seed, -1, 1);
    s[2] = s[0] * s[1] + 0.3 * s[0];
  }
  return true;
}

static double neuron(const double *w, const double *b, const double *in, size_t nin, size_t nout, size_t o) {
  double z = b[o];
  for (size_t i = 0; i < nin; i++) z += w[i * nout + o] * in[i];
  return z;
}

static double plain(const bench_data *d) {
  const double *p = d->x;
  double sum = 0;
  for (size_t r = 0; r < ROWS; r++) {
    const double *s = d->s + r * W4_ROW;
    double h1[H], h2[H];
    for (size_t o = 0; o < H; o++) h1[o] = tanh(neuron(p, p + B1, s, W4_IN, H, o));
    for (size_t o = 0; o < H; o++) h2[o] = tanh(neuron(p + W2, p + B2, h1, H, H, o));
    double e = neuron(p + W3, p + B3, h2, H, 1, 0) - s[W4_IN];
    sum += e * e;
  }
  return sum / ROWS;
}

/* The first layer reads numbers, the others handles. */
static dz_var neuron_of_numbers(const dz_var *w, const dz_var *b, const double *in, size_t o) {
  dz_var z = b[o];
  for (size_t i = 0; i < W4_IN; i++) z = dz_add(z, dz_mul(w[i * H + o], in[i]));
  return z;
}

static dz_var neuron_of_handles(const dz_var *w, const dz_var *b, const dz_var *in, size_t nout, size_t o) {
  dz_var z = b[o];
  for (size_t i = 0; i < H; i++) z = dz_add(z, dz_mul(w[i * nout + o], in[i]));
  return z;
}

static dz_var record(const bench_data *d, const dz_var *p) {
  dz_var sum = dz_num(0);
  for (size_t r = 0; r < ROWS; r++) {
    const double *s = d->s + r * W4_ROW;
    dz_var h1[H], h2[H];
    for (size_t o = 0; o < H; o++) h1[o] = dz_tanh(neuron_of_numbers(p, p + B1, s, o));
    for (size_t o = 0; o < H; o++) h2[o] = dz_tanh(neuron_of_handles(p + W2, p + B2, h1, H, o));
    dz_var e = dz_sub(neuron_of_handles(p + W3, p + B3, h2, 1, 0), s[W4_IN]);
    sum = dz_add(sum, dz_mul(e, e));
  }
  return dz_div(sum, ROWS);
}

/* z[o] = b[o] + sum of w[i][o] in[i]: all neurons of a layer side by side. */
static inline void layer(const double *restrict w, const double *restrict b, const double *restrict in,
                         size_t nin, double *restrict z) {
  memcpy(z, b, H * sizeof *z);
  for (size_t i = 0; i < nin; i++)
    for (size_t o = 0; o < H; o++) z[o] += w[i * H + o] * in[i];
  for (size_t o = 0; o < H; o++) z[o] = tanh(z[o]);
}

static double hand(const bench_data *d, double *restrict g) {
  const double *restrict p = d->x;
  double sum = 0;
  memset(g, 0, PARAMS * sizeof *g);
  for (size_t r = 0; r < ROWS; r++) {
    const double *restrict s = d->s + r * W4_ROW;
    double h1[H], h2[H], g1[H], g2[H], out[4] = {p[B3], 0, 0, 0};
    layer(p, p + B1, s, W4_IN, h1);
    layer(p + W2, p + B2, h1, H, h2);
    for (size_t o = 0; o < H; o++) out[o % 4] += p[W3 + o] * h2[o];
    double e = ((out[0] + out[1]) + (out[2] + out[3])) - s[W4_IN], ge = 2 * e / ROWS;
    sum += e * e;
    g[B3] += ge;
    for (size_t o = 0; o < H; o++) {
      g[W3 + o] += ge * h2[o];
      g2[o] = ge * p[W3 + o] * (1 - h2[o] * h2[o]);
      g[B2 + o] += g2[o];
    }
    for (size_t i = 0; i < H; i++) {
      double part[4] = {0, 0, 0, 0};
      for (size_t o = 0; o < H; o++) g[W2 + i * H + o] += g2[o] * h1[i];
      for (size_t o = 0; o < H; o += 4)
        for (size_t k = 0; k < 4; k++) part[k] += g2[o + k] * p[W2 + i * H + o + k];
      g1[i] = ((part[0] + part[1]) + (part[2] + part[3])) * (1 - h1[i] * h1[i]);
    }
    for (size_t o = 0; o < H; o++) {
      g[o] += g1[o] * s[0];
      g[H + o] += g1[o] * s[1];
      g[B1 + o] += g1[o];
    }
  }
  return sum / ROWS;
}

const workload bench_w4 = {.name = "W4",
                           .what = "tanh network",
                           .ops = 128601,
                           .target = .085,
                           .open = open4,
                           .plain = plain,
                           .hand = hand,
                           .record = record};
