/* W2: bundle adjustment. Each observation has 15 inputs (rotation r[3], centre c[3], focal length, principal
   point u[2], radial distortion k[2], point p[3], weight) and two residuals; the result is the 2 x 15
   Jacobian of each, which dz computes in one sweep. Rotation by Rodrigues' formula; the value is the sum of
   all residuals. */
#include "workloads.h"

#include "dz/jacobian.h"

#include <math.h>

enum { OBSERVATIONS = 31843, CAMERAS = 49, POINTS = 7776 };
enum { R = 0, C = 3, F = 6, U = 7, K = 9, P = 11, WEIGHT = 14 };

static void camera(double *x, uint64_t *seed) {
  for (int i = 0; i < 3; i++) x[R + i] = bench_uniform(seed, -0.4, 0.4);
  for (int i = 0; i < 3; i++) x[C + i] = bench_uniform(seed, -0.5, 0.5);
  x[F] = bench_uniform(seed, 500, 900);
  for (int i = 0; i < 2; i++) x[U + i] = bench_uniform(seed, -5, 5);
  x[K] = bench_uniform(seed, -0.1, 0.1);
  x[K + 1] = bench_uniform(seed, -0.01, 0.01);
}

static bool open2(bench_data *d, const char *path, char why[160]) {
  (void)path, (void)why;
  size_t n = OBSERVATIONS * W2_INPUTS;
  if (!bench_data_make(d, n, OBSERVATIONS, W2_FEATURES, 2 * n, 0)) return false;
  uint64_t seed = 2;
  static double cameras[CAMERAS][P], points[POINTS][3];
  for (size_t i = 0; i < CAMERAS; i++) camera(cameras[i], &seed);
  for (size_t i = 0; i < POINTS; i++)
    for (int j = 0; j < 3; j++) points[i][j] = bench_uniform(&seed, -2, 2) + (j == 2 ? 7 : 0);
  for (size_t i = 0; i < OBSERVATIONS; i++) {
    double *x = d->x + i * W2_INPUTS;
    for (int j = 0; j < P; j++) x[j] = cameras[i % CAMERAS][j];
    for (int j = 0; j < 3; j++) x[P + j] = points[i % POINTS][j];
    x[WEIGHT] = bench_uniform(&seed, 0.5, 1.5);
    for (size_t j = 0; j < W2_FEATURES; j++) d->s[i * W2_FEATURES + j] = bench_uniform(&seed, -300, 300);
  }
  return true;
}

/* ---- plain ---- */

static void rotate(const double *r, const double *q, double *out) {
  double square = r[0] * r[0] + r[1] * r[1] + r[2] * r[2];
  double angle = sqrt(square), cosine = cos(angle), sine = sin(angle), inverse = 1 / angle;
  double w[3] = {r[0] * inverse, r[1] * inverse, r[2] * inverse};
  double cross[3] = {w[1] * q[2] - w[2] * q[1], w[2] * q[0] - w[0] * q[2], w[0] * q[1] - w[1] * q[0]};
  double along = (w[0] * q[0] + w[1] * q[1] + w[2] * q[2]) * (1 - cosine);
  for (int i = 0; i < 3; i++) out[i] = q[i] * cosine + cross[i] * sine + w[i] * along;
}

static void residuals(const double *x, const double *feature, double *e) {
  double q[3] = {x[P] - x[C], x[P + 1] - x[C + 1], x[P + 2] - x[C + 2]}, o[3];
  rotate(x + R, q, o);
  double m[2] = {o[0] / o[2], o[1] / o[2]};
  double square = m[0] * m[0] + m[1] * m[1];
  double bend = 1 + x[K] * square + x[K + 1] * square * square;
  for (int i = 0; i < 2; i++) e[i] = x[WEIGHT] * (m[i] * bend * x[F] + x[U + i] - feature[i]);
}

static double plain(const bench_data *d) {
  double sum = 0;
  for (size_t i = 0; i < OBSERVATIONS; i++) {
    double e[2];
    residuals(d->x + i * W2_INPUTS, d->s + i * W2_FEATURES, e);
    sum += e[0] + e[1];
  }
  return sum;
}

/* ---- dz ---- */

static dz_var dot3(const dz_var *x, const dz_var *y) {
  return dz_add(dz_add(dz_mul(x[0], y[0]), dz_mul(x[1], y[1])), dz_mul(x[2], y[2]));
}

static void record_rotate(const dz_var *r, const dz_var *q, dz_var *out) {
  dz_var angle = dz_sqrt(dot3(r, r)), cosine = dz_cos(angle), sine = dz_sin(angle);
  dz_var inverse = dz_div(1, angle), w[3], cross[3];
  for (int i = 0; i < 3; i++) w[i] = dz_mul(r[i], inverse);
  cross[0] = dz_sub(dz_mul(w[1], q[2]), dz_mul(w[2], q[1]));
  cross[1] = dz_sub(dz_mul(w[2], q[0]), dz_mul(w[0], q[2]));
  cross[2] = dz_sub(dz_mul(w[0], q[1]), dz_mul(w[1], q[0]));
  dz_var along = dz_mul(dot3(w, q), dz_sub(1, cosine));
  for (int i = 0; i < 3; i++)
    out[i] = dz_add(dz_add(dz_mul(q[i], cosine), dz_mul(cross[i], sine)), dz_mul(w[i], along));
}

static void record_residuals(const dz_var *x, const dz_var *feature, dz_var *e) {
  dz_var q[3], o[3];
  for (int i = 0; i < 3; i++) q[i] = dz_sub(x[P + i], x[C + i]);
  record_rotate(x + R, q, o);
  dz_var m[2] = {dz_div(o[0], o[2]), dz_div(o[1], o[2])};
  dz_var square = dz_add(dz_mul(m[0], m[0]), dz_mul(m[1], m[1]));
  dz_var bend = dz_add(dz_add(1, dz_mul(x[K], square)), dz_mul(dz_mul(x[K + 1], square), square));
  for (int i = 0; i < 2; i++) {
    dz_var shown = dz_add(dz_mul(dz_mul(m[i], bend), x[F]), x[U + i]);
    e[i] = dz_mul(x[WEIGHT], dz_sub(shown, feature[i]));
  }
}

/* A clock call costs as much as several operations, so the recording of every 16th observation stands for
 * all. */
static double run(const bench_data *d, dz_tape *t, double *grad, double *recording, size_t *ops) {
  enum { SAMPLE = 16 };
  double sum = 0, seconds = 0;
  *ops = 0;
  for (size_t i = 0; i < OBSERVATIONS; i++) {
    const double *in = d->x + i * W2_INPUTS;
    double *g = grad + i * 2 * W2_INPUTS, start = i % SAMPLE ? 0 : bench_now();
    dz_mark mark = dz_tape_mark(t);
    dz_var x[W2_INPUTS], e[2];
    for (int j = 0; j < W2_INPUTS; j++) x[j] = dz_input(t, in[j]);
    const double *s = d->s + i * W2_FEATURES;
    record_residuals(x, (dz_var[]){dz_num(s[0]), dz_num(s[1])}, e);
    if (i % SAMPLE == 0) seconds += bench_now() - start;
    *ops += dz_tape_size(t) - W2_INPUTS;
    dz_jacobians(2, e, W2_INPUTS, x, g);
    sum += dz_value(e[0]) + dz_value(e[1]);
    dz_tape_rewind(t, mark);
  }
  *recording = seconds * SAMPLE;
  return sum;
}

/* ---- by hand ---- */

/* What the forward direction leaves for both rows of the Jacobian. */
typedef struct seen {
  double q[3], w[3], cross[3], m[2], cosine, sine, inverse, dot, square, bend, depth;
} seen;

/* g: adjoint of the rotated point. Writes the adjoints of rotation, centre and point. */
static inline void rotate_back(const seen *s, const double *g, double *row) {
  const double *q = s->q, *w = s->w;
  double wg = w[0] * g[0] + w[1] * g[1] + w[2] * g[2], rest = wg * (1 - s->cosine);
  double gw[3], gq[3], along = s->dot * (1 - s->cosine);
  for (int i = 0; i < 3; i++) {
    int j = (i + 1) % 3, k = (i + 2) % 3;
    gw[i] = s->sine * (q[j] * g[k] - q[k] * g[j]) + g[i] * along + q[i] * rest;
    gq[i] = s->sine * (g[j] * w[k] - g[k] * w[j]) + g[i] * s->cosine + w[i] * rest;
  }
  double gcos = g[0] * q[0] + g[1] * q[1] + g[2] * q[2] - wg * s->dot;
  double gsin = g[0] * s->cross[0] + g[1] * s->cross[1] + g[2] * s->cross[2];
  double gww = (gw[0] * w[0] + gw[1] * w[1] + gw[2] * w[2]) * s->inverse;
  double gangle = s->cosine * gsin - s->sine * gcos - gww;
  for (int i = 0; i < 3; i++) {
    row[R + i] = gw[i] * s->inverse + w[i] * gangle;
    row[C + i] = -gq[i];
    row[P + i] = gq[i];
  }
}

/* Row i of the Jacobian; returns the residual. */
static inline double jacobian_row(const double *x, const seen *s, int i, double feature, double *row) {
  double shown = s->m[i] * s->bend * x[F] + x[U + i] - feature;
  double gshown = x[WEIGHT], gbent = gshown * x[F], gbend = gbent * s->m[i], square = s->square;
  double gsquare = 2 * gbend * (x[K] + 2 * x[K + 1] * square);
  double gm[2] = {s->m[0] * gsquare, s->m[1] * gsquare};
  gm[i] += gbent * s->bend;
  double g[3] = {gm[0] * s->depth, gm[1] * s->depth, -(gm[0] * s->m[0] + gm[1] * s->m[1]) * s->depth};
  rotate_back(s, g, row);
  row[F] = gshown * s->m[i] * s->bend;
  row[U + i] = gshown;
  row[U + 1 - i] = 0;
  row[K] = gbend * square;
  row[K + 1] = gbend * square * square;
  row[WEIGHT] = shown;
  return x[WEIGHT] * shown;
}

static double jacobian(const double *restrict x, const double *restrict feature, double *restrict g) {
  const double *r = x + R;
  seen s;
  double o[3], angle = sqrt(r[0] * r[0] + r[1] * r[1] + r[2] * r[2]);
  s.cosine = cos(angle);
  s.sine = sin(angle);
  s.inverse = 1 / angle;
  for (int i = 0; i < 3; i++) {
    s.q[i] = x[P + i] - x[C + i];
    s.w[i] = r[i] * s.inverse;
  }
  s.dot = s.w[0] * s.q[0] + s.w[1] * s.q[1] + s.w[2] * s.q[2];
  for (int i = 0; i < 3; i++) {
    int j = (i + 1) % 3, k = (i + 2) % 3;
    s.cross[i] = s.w[j] * s.q[k] - s.w[k] * s.q[j];
    o[i] = s.q[i] * s.cosine + s.cross[i] * s.sine + s.w[i] * (s.dot * (1 - s.cosine));
  }
  s.depth = 1 / o[2];
  s.m[0] = o[0] * s.depth;
  s.m[1] = o[1] * s.depth;
  s.square = s.m[0] * s.m[0] + s.m[1] * s.m[1];
  s.bend = 1 + s.square * (x[K] + x[K + 1] * s.square);
  return jacobian_row(x, &s, 0, feature[0], g) + jacobian_row(x, &s, 1, feature[1], g + W2_INPUTS);
}

static double hand(const bench_data *d, double *g) {
  double sum = 0;
  for (size_t i = 0; i < OBSERVATIONS; i++)
    sum += jacobian(d->x + i * W2_INPUTS, d->s + i * W2_FEATURES, g + i * 2 * W2_INPUTS);
  return sum;
}

const workload bench_w2 = {.name = "W2",
                           .what = "bundle adjustment",
                           .ops = 2101638,
                           .target = .06,
                           .open = open2,
                           .plain = plain,
                           .hand = hand,
                           .run = run,
                           .record_one = record_residuals};
