/* W1: the log-likelihood of points under a mixture of K Gaussians in d dimensions, with a Wishart prior on
   their inverse covariances Q'Q. Inputs: K alphas (the weights, before softmax), K means, and per Gaussian
   the logarithms of Q's diagonal, then what is below it, column by column. */
#include "workloads.h"

#include <math.h>
#include <string.h>

/* Constants: of the Gaussians, and of the prior. */
static double constant(const bench_data *d) {
  return -(double)d->rows * d->d * 0.5 * log(2 * 3.14159265358979323846);
}

static double prior_constant(const bench_data *d) {
  double p = d->d, n = p + d->m + 1, g = 0.25 * p * (p - 1) * log(3.14159265358979323846);
  for (int j = 1; j <= d->d; j++) g += lgamma(0.5 * n + 0.5 * (1 - j));
  return d->k * (n * p * (log(d->gamma) - 0.5 * log(2.0)) - g);
}

/* ---- plain ---- */

static double logsumexp(int n, const double *x) {
  double most = x[0], sum = 0;
  for (int i = 1; i < n; i++)
    if (x[i] > most) most = x[i];
  for (int i = 0; i < n; i++) sum += exp(x[i] - most);
  return log(sum) + most;
}

static double square(int n, const double *x) {
  double s = 0;
  for (int i = 0; i < n; i++) s += x[i] * x[i];
  return s;
}

/* |Q (x - mean)|^2: diagonal q, and l below it. */
static double distance(int n, const double *x, const double *mean, const double *q, const double *l) {
  double c[W1_MOST], z[W1_MOST];
  for (int i = 0; i < n; i++) c[i] = x[i] - mean[i];
  for (int i = 0; i < n; i++) z[i] = q[i] * c[i];
  for (int i = 0; i < n; i++)
    for (int j = i + 1; j < n; j++) z[j] += *l++ * c[i];
  return square(n, z);
}

static double plain(const bench_data *d) {
  int n = d->d, K = d->k, below = n * (n - 1) / 2;
  const double *alpha = d->x, *mean = alpha + K, *icf = mean + K * n;
  double sum = 0, prior = 0, term[W1_MOST], trace[W1_MOST], q[W1_MOST * W1_MOST];
  for (int k = 0; k < K; k++) {
    trace[k] = 0;
    for (int i = 0; i < n; i++) {
      q[k * n + i] = exp(icf[k * (n + below) + i]);
      trace[k] += icf[k * (n + below) + i];
    }
  }
  for (size_t r = 0; r < d->rows; r++) {
    const double *x = d->s + r * (size_t)n;
    for (int k = 0; k < K; k++)
      term[k] =
          alpha[k] + trace[k] - 0.5 * distance(n, x, mean + k * n, q + k * n, icf + k * (n + below) + n);
    sum += logsumexp(K, term);
  }
  for (int k = 0; k < K; k++) {
    double norm = square(n, q + k * n) + square(below, icf + k * (n + below) + n);
    prior += 0.5 * d->gamma * d->gamma * norm - d->m * trace[k];
  }
  return constant(d) + sum - (double)d->rows * logsumexp(K, alpha) + (prior - prior_constant(d));
}

/* ---- dz ---- */

static dz_var record_logsumexp(int n, const dz_var *x) {
  dz_var most = x[0], sum = dz_num(0);
  for (int i = 1; i < n; i++)
    if (dz_value(x[i]) > dz_value(most)) most = x[i];
  for (int i = 0; i < n; i++) sum = dz_add(sum, dz_exp(dz_sub(x[i], most)));
  return dz_add(dz_log(sum), most);
}

static dz_var record_square(int n, const dz_var *x) {
  dz_var s = dz_mul(x[0], x[0]);
  for (int i = 1; i < n; i++) s = dz_add(s, dz_mul(x[i], x[i]));
  return s;
}

static dz_var record_distance(int n, const double *x, const dz_var *mean, const dz_var *q, const dz_var *l) {
  dz_var c[W1_MOST], z[W1_MOST];
  for (int i = 0; i < n; i++) c[i] = dz_sub(x[i], mean[i]);
  for (int i = 0; i < n; i++) z[i] = dz_mul(q[i], c[i]);
  for (int i = 0; i < n; i++)
    for (int j = i + 1; j < n; j++) z[j] = dz_add(z[j], dz_mul(*l++, c[i]));
  return record_square(n, z);
}

static dz_var record(const bench_data *d, const dz_var *v) {
  int n = d->d, K = d->k, below = n * (n - 1) / 2;
  const dz_var *alpha = v, *mean = alpha + K, *icf = mean + K * n;
  dz_var sum = dz_num(0), prior = dz_num(0), term[W1_MOST], trace[W1_MOST], q[W1_MOST * W1_MOST];
  for (int k = 0; k < K; k++) {
    trace[k] = dz_num(0);
    for (int i = 0; i < n; i++) {
      q[k * n + i] = dz_exp(icf[k * (n + below) + i]);
      trace[k] = dz_add(trace[k], icf[k * (n + below) + i]);
    }
  }
  for (size_t r = 0; r < d->rows; r++) {
    const double *x = d->s + r * (size_t)n;
    for (int k = 0; k < K; k++) {
      dz_var far = record_distance(n, x, mean + k * n, q + k * n, icf + k * (n + below) + n);
      term[k] = dz_sub(dz_add(alpha[k], trace[k]), dz_mul(0.5, far));
    }
    sum = dz_add(sum, record_logsumexp(K, term));
  }
  for (int k = 0; k < K; k++) {
    dz_var norm = dz_add(record_square(n, q + k * n), record_square(below, icf + k * (n + below) + n));
    prior = dz_add(prior, dz_sub(dz_mul(0.5 * d->gamma * d->gamma, norm), dz_mul(d->m, trace[k])));
  }
  dz_var weights = dz_mul((double)d->rows, record_logsumexp(K, alpha));
  return dz_add(dz_sub(dz_add(constant(d), sum), weights), dz_sub(prior, prior_constant(d)));
}

/* ---- by hand ---- */

/* Gaussians go in blocks of L, side by side in memory, so that every inner loop is one the compiler can put
   in SIMD; the last block's missing ones have weight 0. Per point: u += p z, gq += p z c, gl += p z[j] c[i].
   What is linear after that is done once, at the end. */
enum { L = 4, BLOCKS = W1_MOST / L };

typedef double lanes[L];

typedef struct block {
  lanes alpha, weight; /* alpha: with the trace; weight: the sum of p */
  lanes *mean, *q, *l; /* l row by row */
  lanes *u, *gq, *gl, *c, *z;
} block;

static int below_of(int n) { return n * (n - 1) / 2; }
/* Where Q[row][column] is among the inputs of its factor. */
static int column_by_column(int n, int row, int column) {
  return n + column * (2 * n - column - 1) / 2 + row - column - 1;
}

static void load(const bench_data *d, block *b, int first, double *room) {
  int n = d->d, below = below_of(n);
  lanes **part[] = {&b->mean, &b->q, &b->l, &b->u, &b->gq, &b->gl, &b->c, &b->z};
  for (int i = 0; i < 8; i++) {
    *part[i] = (lanes *)room;
    room += L * (i == 2 || i == 5 ? below : n);
  }
  for (int lane = 0; lane < L; lane++) {
    int k = first + lane < d->k ? first + lane : first;
    const double *mean = d->x + d->k + k * n, *icf = d->x + d->k * (1 + n) + k * (n + below);
    b->alpha[lane] = k == first + lane ? d->x[k] : -INFINITY;
    b->weight[lane] = 0;
    for (int j = 0, at = 0; j < n; j++) {
      b->alpha[lane] += icf[j];
      b->mean[j][lane] = mean[j];
      b->q[j][lane] = exp(icf[j]);
      b->u[j][lane] = b->gq[j][lane] = 0;
      for (int i = 0; i < j; i++, at++) {
        b->l[at][lane] = icf[column_by_column(n, j, i)];
        b->gl[at][lane] = 0;
      }
    }
  }
}

static void forward(const block *b, int n, const double *restrict x, double *restrict term) {
  lanes *restrict c = b->c, *restrict z = b->z, far = {0};
  lanes *restrict mean = b->mean, *restrict q = b->q, *restrict l = b->l;
  for (int j = 0; j < n; j++) {
    lanes s;
    for (int k = 0; k < L; k++) c[j][k] = x[j] - mean[j][k];
    for (int k = 0; k < L; k++) s[k] = q[j][k] * c[j][k];
    for (int i = 0; i < j; i++, l++)
      for (int k = 0; k < L; k++) s[k] += (*l)[k] * c[i][k];
    for (int k = 0; k < L; k++) z[j][k] = s[k];
    for (int k = 0; k < L; k++) far[k] += s[k] * s[k];
  }
  for (int k = 0; k < L; k++) term[k] = b->alpha[k] - 0.5 * far[k];
}

static void backward(block *b, int n, const double *restrict p) {
  lanes *restrict c = b->c, *restrict z = b->z;
  lanes *restrict u = b->u, *restrict gq = b->gq, *restrict gl = b->gl;
  for (int j = 0; j < n; j++) {
    lanes g;
    for (int k = 0; k < L; k++) g[k] = p[k] * z[j][k];
    for (int k = 0; k < L; k++) u[j][k] += g[k];
    for (int k = 0; k < L; k++) gq[j][k] += g[k] * c[j][k];
    for (int i = 0; i < j; i++, gl++)
      for (int k = 0; k < L; k++) (*gl)[k] += g[k] * c[i][k];
  }
  for (int k = 0; k < L; k++) b->weight[k] += p[k];
}

/* The adjoints of one Gaussian's inputs, prior included. Returns the prior's share of the value. */
static double finish(const bench_data *d, const block *b, int lane, int k, double *g) {
  int n = d->d, below = below_of(n);
  double *mean = g + d->k + k * n, *icf = g + d->k * (1 + n) + k * (n + below);
  double weight = d->gamma * d->gamma, norm = 0, trace = 0;
  g[k] = b->weight[lane];
  for (int j = 0; j < n; j++) mean[j] = b->q[j][lane] * b->u[j][lane];
  for (int j = 0, at = 0; j < n; j++) {
    double q = b->q[j][lane];
    norm += q * q;
    trace += d->x[d->k * (1 + n) + k * (n + below) + j];
    icf[j] = q * (weight * q - b->gq[j][lane]) + b->weight[lane] - d->m;
    for (int i = 0; i < j; i++, at++) {
      double l = b->l[at][lane];
      norm += l * l;
      mean[i] += l * b->u[j][lane];
      icf[column_by_column(n, j, i)] = weight * l - b->gl[at][lane];
    }
  }
  return 0.5 * weight * norm - d->m * trace;
}

/* The logarithm of the sum; p becomes the weights. */
static double softmax(int n, double *p) {
  double most = p[0], sum = 0;
  for (int i = 1; i < n; i++) most = p[i] > most ? p[i] : most;
  for (int i = 0; i < n; i++) sum += p[i] = exp(p[i] - most);
  for (int i = 0; i < n; i++) p[i] /= sum;
  return log(sum) + most;
}

static double hand(const bench_data *d, double *g) {
  int n = d->d, K = d->k, blocks = (K + L - 1) / L;
  double value = constant(d) - prior_constant(d), p[W1_MOST], rows = (double)d->rows;
  block b[BLOCKS];
  for (int i = 0; i < blocks; i++) load(d, &b[i], L * i, d->work + (size_t)i * L * (size_t)(n * (n + 5)));
  for (size_t r = 0; r < d->rows; r++) {
    for (int i = 0; i < blocks; i++) forward(&b[i], n, d->s + r * (size_t)n, p + L * i);
    value += softmax(K, p);
    for (int i = K; i < blocks * L; i++) p[i] = 0;
    for (int i = 0; i < blocks; i++) backward(&b[i], n, p + L * i);
  }
  memcpy(p, d->x, (size_t)K * sizeof *p);
  value -= rows * softmax(K, p);
  for (int k = 0; k < K; k++) {
    value += finish(d, &b[k / L], k % L, k, g);
    g[k] -= rows * p[k];
  }
  return value;
}

const workload bench_w1 = {.name = "W1",
                           .what = "Gaussian mixture",
                           .ops = 3381407,
                           .target = .12,
                           .from_file = true,
                           .open = bench_w1_open,
                           .plain = plain,
                           .hand = hand,
                           .record = record};
