/* A network written neuron by neuron, in numbers, as one would on paper: 2 inputs, two layers of 16 tanh
   units, one output; beside it the same network written with matrices. Both learn to tell the inside of a
   ring from its outside. Each is recorded once and compiled to a plan, which finds the neurons' loops again,
   so that the first costs little more than the second. Prints the losses, which are equal but for rounding,
   and, as a remark, the time of a step; status 0 when both have learnt the same. */
#include <dz/dz.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { SAMPLES = 64, IN = 2, UNITS = 16, STEPS = 300 };
enum {
  W1 = 0,
  B1 = W1 + IN * UNITS,
  W2 = B1 + UNITS,
  B2 = W2 + UNITS * UNITS,
  W3 = B2 + UNITS,
  B3 = W3 + UNITS
};
enum { COUNT = B3 + 1 };

static double uniform(uint64_t *state) {
  *state = *state * 6364136223846793005u + 1442695040888963407u;
  return (double)(*state >> 11) / 9007199254740992.0;
}

/* ---- as numbers ---- */

/* tanh(b + w0 x0 + w1 x1 + …): one neuron. The weights of unit j stand `UNITS` apart. */
static dz_var neuron(const dz_var *w, dz_var b, const dz_var *x, int n) {
  dz_var sum = b;
  for (int i = 0; i < n; i++) sum = dz_add(sum, dz_mul(w[i * UNITS], x[i]));
  return dz_tanh(sum);
}

static void layer(const dz_var *w, const dz_var *b, const dz_var *x, int n, dz_var *z) {
  for (int j = 0; j < UNITS; j++) z[j] = neuron(w + j, b[j], x, n);
}

static dz_plan *by_neurons(dz_tape *t, const double *points, const double *classes, const double *start) {
  dz_var w[COUNT], sum = dz_const(t, 0);
  for (int i = 0; i < COUNT; i++) w[i] = dz_param(t, start[i]);
  for (int k = 0; k < SAMPLES; k++) {
    dz_var x[IN] = {dz_const(t, points[2 * k]), dz_const(t, points[2 * k + 1])}, z1[UNITS], z2[UNITS];
    layer(w + W1, w + B1, x, IN, z1);
    layer(w + W2, w + B2, z1, UNITS, z2);
    dz_var a = w[B3];
    for (int j = 0; j < UNITS; j++) a = dz_add(a, dz_mul(w[W3 + j], z2[j]));
    sum = dz_add(sum, dz_softplus(dz_mul(-classes[k], a)));
  }
  dz_var loss = dz_div(sum, SAMPLES);
  return dz_plan_new(1, &loss, COUNT, w, NULL, NULL);
}

/* ---- as matrices ---- */

static dz_plan *by_matrices(dz_tape *t, const double *points, const double *classes, const double *start) {
  dz_var X = dz_leaf_tensor(t, DZ_ROLE_DATA, 2, (size_t[]){SAMPLES, IN}, points);
  dz_var T = dz_leaf_tensor(t, DZ_ROLE_DATA, 1, (size_t[]){SAMPLES}, classes);
  dz_var w[] = {dz_leaf_tensor(t, DZ_ROLE_PARAM, 2, (size_t[]){IN, UNITS}, start + W1),
                dz_leaf_tensor(t, DZ_ROLE_PARAM, 1, (size_t[]){UNITS}, start + B1),
                dz_leaf_tensor(t, DZ_ROLE_PARAM, 2, (size_t[]){UNITS, UNITS}, start + W2),
                dz_leaf_tensor(t, DZ_ROLE_PARAM, 1, (size_t[]){UNITS}, start + B2),
                dz_leaf_tensor(t, DZ_ROLE_PARAM, 1, (size_t[]){UNITS}, start + W3),
                dz_param(t, start[B3])};
  dz_var z1 = dz_tanh(dz_linear(X, w[0], w[1])), z2 = dz_tanh(dz_linear(z1, w[2], w[3]));
  dz_var a = dz_linear(z2, w[4], w[5]);
  dz_var loss = dz_mean(dz_softplus(dz_neg(dz_mul(T, a))), DZ_ALL, false);
  return dz_plan_new(1, &loss, 6, w, NULL, NULL);
}

/* ---- learning ---- */

typedef dz_plan *written(dz_tape *t, const double *points, const double *classes, const double *start);

static double now(void) {
  struct timespec t;
  timespec_get(&t, TIME_UTC);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

typedef struct outcome {
  double first, last, seconds; /* losses; for a step */
} outcome;

static outcome descend(const dz_plan *p, double *w) {
  outcome z = {0};
  double g[COUNT], loss = 0, begun = now();
  void *work = malloc(dz_plan_memory(p));
  for (int step = 0; work && step <= STEPS; step++) {
    dz_plan_run(p, w, &loss, g, work);
    if (step == 0) z.first = loss;
    for (int i = 0; step < STEPS && i < COUNT; i++) w[i] -= .5 * g[i];
  }
  free(work);
  z.last = loss;
  z.seconds = (now() - begun) / (STEPS + 1);
  return z;
}

static outcome learn(written *as, const char *name) {
  double points[2 * SAMPLES], classes[SAMPLES], w[COUNT];
  uint64_t state = 1;
  for (int k = 0; k < SAMPLES; k++) {
    double r = k % 2 ? .5 : 1.5, turn = 6.283185307179586 * uniform(&state);
    points[2 * k] = (r + .4 * uniform(&state)) * cos(turn);
    points[2 * k + 1] = (r + .4 * uniform(&state)) * sin(turn);
    classes[k] = k % 2 ? 1 : -1;
  }
  for (int i = 0; i < COUNT; i++) w[i] = uniform(&state) - .5;
  outcome z = {0};
  dz_tape *t = dz_tape_new(NULL);
  dz_plan *p = as(t, points, classes, w);
  dz_tape_free(t);
  if (p) z = descend(p, w);
  dz_plan_free(p);
  char text[2][32];
  dz_number_write(z.first, 6, text[0]);
  dz_number_write(z.last, 6, text[1]);
  printf("%-12s loss %s, after %d steps %s\n", name, text[0], STEPS, text[1]);
  return z;
}

int main(void) {
  outcome a = learn(by_neurons, "as neurons"), b = learn(by_matrices, "as matrices");
  fprintf(stderr, "a step as neurons: %.1f us, as matrices: %.1f us\n", 1e6 * a.seconds, 1e6 * b.seconds);
  /* The orders of addition differ: some hundred roundings of 2^-53 in a loss, which steps carry on. */
  return !(fabs(a.first - b.first) <= 0x1p-45 * b.first) || !(a.last < a.first / 4) ||
         !(b.last < b.first / 4);
}
