/* ADOL-C on the same workloads: the formulas of the plain functions in w1.c to w6.c once more, over adouble.
   What those keep in local arrays is made once here, since making a number costs ADOL-C a record. Every tool
   records the same operations, a product and a sum for s + x y; ADOL-C makes one of them where it is asked
   for s += x y, which is left to its tuned use (below). */
#include "workloads.h"

#include <cmath>
#include <memory>

#include <adolc/adolc.h>

namespace {

using numbers = std::unique_ptr<adouble[]>;
numbers make(int n) { return numbers(new adouble[static_cast<size_t>(n)]); }

constexpr double log_2pi = 1.8378770664093453;
constexpr double log_pi = 1.1447298858494002;

/* Plain: as its manual shows, trace_on, trace_off, then the driver `gradient` (which runs forward and back
   over the trace), and a reverse sweep for each row of a Jacobian. Tuned: the quickest way that we know,
   products that are added at once, buffers that hold the whole trace, set once (else they are made anew each
   time), a trace that keeps what the reverse sweep reads (else a forward sweep comes first), and both rows of
   W2's Jacobians in one sweep, as dz has them. */
bool tuned;

template <class term> void add(adouble &sum, const term &x) {
  if (tuned)
    sum += x;
  else
    sum = sum + x;
}

/* ---- W1 ---- */

adouble logsumexp(int n, const adouble *x) {
  adouble most = x[0], sum = 0.0;
  for (int i = 1; i < n; i++)
    if (x[i].value() > most.value()) most = x[i];
  for (int i = 0; i < n; i++) add(sum, exp(x[i] - most));
  return log(sum) + most;
}

adouble square(int n, const adouble *x) {
  adouble s = x[0] * x[0];
  for (int i = 1; i < n; i++) add(s, x[i] * x[i]);
  return s;
}

adouble distance(int n, const double *x, const adouble *mean, const adouble *q, const adouble *l, adouble *c,
                 adouble *z) {
  for (int i = 0; i < n; i++) c[i] = x[i] - mean[i];
  for (int i = 0; i < n; i++) z[i] = q[i] * c[i];
  for (int i = 0; i < n; i++)
    for (int j = i + 1; j < n; j++) add(z[j], *l++ * c[i]);
  return square(n, z);
}

double prior_constant(const bench_data &d) {
  double p = d.d, n = p + d.m + 1, g = 0.25 * p * (p - 1) * log_pi;
  for (int j = 1; j <= d.d; j++) g += std::lgamma(0.5 * n + 0.5 * (1 - j));
  return d.k * (n * p * (std::log(d.gamma) - 0.5 * std::log(2.0)) - g);
}

adouble w1(const bench_data &d, const adouble *v) {
  const int n = d.d, K = d.k, below = n * (n - 1) / 2;
  const double rows = static_cast<double>(d.rows);
  const adouble *alpha = v, *mean = alpha + K, *icf = mean + K * n;
  auto term = make(K), trace = make(K), q = make(K * n), c = make(n), z = make(n);
  adouble sum = 0.0, prior = 0.0;
  for (int k = 0; k < K; k++) {
    trace[k] = 0.0;
    for (int i = 0; i < n; i++) {
      q[k * n + i] = exp(icf[k * (n + below) + i]);
      add(trace[k], icf[k * (n + below) + i]);
    }
  }
  for (size_t r = 0; r < d.rows; r++) {
    const double *x = d.s + r * static_cast<size_t>(n);
    for (int k = 0; k < K; k++)
      term[k] = alpha[k] + trace[k] -
                0.5 * distance(n, x, mean + k * n, &q[k * n], icf + k * (n + below) + n, &c[0], &z[0]);
    add(sum, logsumexp(K, &term[0]));
  }
  for (int k = 0; k < K; k++) {
    adouble norm = square(n, &q[k * n]) + square(below, icf + k * (n + below) + n);
    add(prior, 0.5 * d.gamma * d.gamma * norm - d.m * trace[k]);
  }
  return -rows * n * 0.5 * log_2pi + sum - rows * logsumexp(K, alpha) + (prior - prior_constant(d));
}

/* ---- W2 ---- */

void rotate(const adouble *r, const adouble *q, adouble *out) {
  adouble angle = sqrt(r[0] * r[0] + r[1] * r[1] + r[2] * r[2]);
  adouble cosine = cos(angle), sine = sin(angle), inverse = 1.0 / angle;
  adouble w[3] = {r[0] * inverse, r[1] * inverse, r[2] * inverse};
  adouble cross[3] = {w[1] * q[2] - w[2] * q[1], w[2] * q[0] - w[0] * q[2], w[0] * q[1] - w[1] * q[0]};
  adouble along = (w[0] * q[0] + w[1] * q[1] + w[2] * q[2]) * (1.0 - cosine);
  for (int i = 0; i < 3; i++) out[i] = q[i] * cosine + cross[i] * sine + w[i] * along;
}

void w2(const adouble *x, const double *feature, adouble *e) {
  const adouble *r = x, *c = x + 3, *u = x + 7, *k = x + 9, *p = x + 11;
  adouble q[3] = {p[0] - c[0], p[1] - c[1], p[2] - c[2]}, o[3];
  rotate(r, q, o);
  adouble m[2] = {o[0] / o[2], o[1] / o[2]};
  adouble square = m[0] * m[0] + m[1] * m[1];
  adouble bend = 1.0 + k[0] * square + k[1] * square * square;
  for (int i = 0; i < 2; i++) e[i] = x[14] * (m[i] * bend * x[6] + u[i] - feature[i]);
}

/* ---- W3 to W6 ---- */

adouble w3(const bench_data &d, const adouble *w) {
  adouble loss = 0.0, norm = 0.0, dot;
  for (size_t i = 0; i < d.rows; i++) {
    const double *x = d.s + i * W3_ROW;
    dot = 0.0;
    for (size_t j = 0; j < W3_D; j++) add(dot, w[j] * x[j]);
    add(loss, log(1.0 + exp(-x[W3_D] * dot)));
  }
  for (size_t j = 0; j < W3_D; j++) add(norm, w[j] * w[j]);
  return loss + 0.5e-3 * norm;
}

template <class X>
void neuron(adouble &z, const adouble *w, const adouble &b, const X *in, int nin, int nout) {
  z = b;
  for (int i = 0; i < nin; i++) add(z, w[i * nout] * in[i]);
}

adouble w4(const bench_data &d, const adouble *p) {
  constexpr int h = W4_HIDDEN, b1 = W4_IN * h, l2 = b1 + h, b2 = l2 + h * h, l3 = b2 + h, b3 = l3 + h;
  adouble sum = 0.0, z, e, h1[h], h2[h];
  for (size_t r = 0; r < d.rows; r++) {
    const double *s = d.s + r * W4_ROW;
    for (int o = 0; o < h; o++) {
      neuron(z, p + o, p[b1 + o], s, W4_IN, h);
      h1[o] = tanh(z);
    }
    for (int o = 0; o < h; o++) {
      neuron(z, p + l2 + o, p[b2 + o], h1, h, h);
      h2[o] = tanh(z);
    }
    neuron(z, p + l3, p[b3], h2, h, 1);
    e = z - s[W4_IN];
    add(sum, e * e);
  }
  return sum / static_cast<double>(d.rows);
}

adouble w5(const adouble *v) {
  adouble x = v[0];
  for (int i = 0; i < W5_STEPS; i++) x = sin(x) * v[1] + x / v[2];
  return x;
}

adouble w6(const bench_data &d, const adouble *x) {
  adouble sum = 0.0, t, u;
  for (size_t i = 0; i + 1 < d.n; i++) {
    t = x[i + 1] - x[i] * x[i];
    u = 1.0 - x[i];
    add(sum, 100.0 * (t * t) + u * u);
  }
  return sum;
}

adouble formula(int w, const bench_data &d, const adouble *x) {
  switch (w) {
  case 0:
    return w1(d, x);
  case 2:
    return w3(d, x);
  case 3:
    return w4(d, x);
  case 4:
    return w5(x);
  default:
    return w6(d, x);
  }
}

/* ---- value and gradient ---- */

short begin(int w, unsigned room) {
  static bool sized[WORKLOADS];
  short tag = static_cast<short>(w + 1);
  if (!tuned)
    trace_on(tag);
  else if (sized[w])
    trace_on(tag, 1);
  else
    trace_on(tag, 1, room, room, room, room);
  sized[w] = tuned;
  return tag;
}

double observations(const bench_data &d, double *grad) {
  double sum = 0, unit[2][2] = {{1, 0}, {0, 1}}, *weights[2] = {unit[0], unit[1]}, value;
  for (size_t i = 0; i < d.rows; i++) {
    short tag = begin(1, 4096);
    {
      adouble x[W2_INPUTS], e[2];
      for (size_t j = 0; j < W2_INPUTS; j++) x[j] <<= d.x[i * W2_INPUTS + j];
      w2(x, d.s + i * W2_FEATURES, e);
      for (auto &residual : e) {
        residual >>= value;
        sum += value;
      }
    }
    trace_off();
    double residuals[2];
    if (!tuned) zos_forward(tag, 2, W2_INPUTS, 1, d.x + i * W2_INPUTS, residuals);
    double *rows[2] = {grad, grad + W2_INPUTS};
    if (tuned) fov_reverse(tag, 2, W2_INPUTS, 2, weights, rows);
    for (int k = 0; k < 2 && !tuned; k++) fos_reverse(tag, 2, W2_INPUTS, unit[k], rows[k]);
    grad += 2 * W2_INPUTS;
  }
  return sum;
}

} // namespace

double bench_adolc(int w, const bench_data *d, double *grad) {
  if (w == 1) return observations(*d, grad);
  double value, weight = 1;
  short tag = begin(w, 1u << 25);
  {
    auto x = make(static_cast<int>(d->n));
    for (size_t j = 0; j < d->n; j++) x[j] <<= d->x[j];
    adouble y = formula(w, *d, &x[0]);
    y >>= value;
  }
  trace_off();
  if (tuned)
    fos_reverse(tag, 1, static_cast<int>(d->n), &weight, grad);
  else
    gradient(tag, static_cast<int>(d->n), d->x, grad);
  return value;
}

void bench_adolc_tune() { tuned = true; }
