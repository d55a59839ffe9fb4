/* A network written neuron by neuron, in numbers, as one would on paper: 2 inputs, two layers of 16 tanh
   units, one output; beside it the same network written with matrices. Both learn to tell the inside of a
   ring from its outside. Each is recorded once and compiled to a plan, which finds the neurons' loops again,
   so that the first costs little more than the second, which is also done on the tape, recorded anew in each
   step. Prints the losses, which are equal but for rounding, and, as a remark, the time of a step; status 0
   when all have learnt the same.
     neurons --measure    status 1 also when the neurons take more than 3 times as long as the matrices */
#include <dz/dz.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { SAMPLES = 64, IN = 2, UNITS = 16, STEPS = 300, ROUND = 20 };
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

typedef struct task {
  double points[2 * SAMPLES], classes[SAMPLES], start[COUNT];
} task;

static task ring(void) {
  task z;
  uint64_t state = 1;
  for (int k = 0; k < SAMPLES; k++) {
    double r = k % 2 ? .5 : 1.5, turn = 6.283185307179586 * uniform(&state);
    z.points[2 * k] = (r + .4 * uniform(&state)) * cos(turn);
    z.points[2 * k + 1] = (r + .4 * uniform(&state)) * sin(turn);
    z.classes[k] = k % 2 ? 1 : -1;
  }
  for (int i = 0; i < COUNT; i++) z.start[i] = uniform(&state) - .5;
  return z;
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

static dz_plan *by_neurons(const task *k) {
  dz_tape *t = dz_tape_new(NULL);
  dz_var w[COUNT], sum = dz_const(t, 0);
  for (int i = 0; i < COUNT; i++) w[i] = dz_param(t, k->start[i]);
  for (int i = 0; i < SAMPLES; i++) {
    dz_var x[IN] = {dz_const(t, k->points[2 * i]), dz_const(t, k->points[2 * i + 1])}, z1[UNITS], z2[UNITS];
    layer(w + W1, w + B1, x, IN, z1);
    layer(w + W2, w + B2, z1, UNITS, z2);
    dz_var a = w[B3];
    for (int j = 0; j < UNITS; j++) a = dz_add(a, dz_mul(w[W3 + j], z2[j]));
    sum = dz_add(sum, dz_softplus(dz_mul(-k->classes[i], a)));
  }
  dz_var loss = dz_div(sum, SAMPLES);
  dz_plan *p = dz_plan_new(1, &loss, COUNT, w, NULL, NULL);
  dz_tape_free(t);
  return p;
}

/* ---- as matrices ---- */

enum { LEAVES = 6 };
static const int at[LEAVES] = {W1, B1, W2, B2, W3, B3};

static void leaves(dz_tape *t, const double *start, dz_var *w) {
  w[0] = dz_leaf_tensor(t, DZ_ROLE_PARAM, 2, (size_t[]){IN, UNITS}, start + W1);
  w[1] = dz_leaf_tensor(t, DZ_ROLE_PARAM, 1, (size_t[]){UNITS}, start + B1);
  w[2] = dz_leaf_tensor(t, DZ_ROLE_PARAM, 2, (size_t[]){UNITS, UNITS}, start + W2);
  w[3] = dz_leaf_tensor(t, DZ_ROLE_PARAM, 1, (size_t[]){UNITS}, start + B2);
  w[4] = dz_leaf_tensor(t, DZ_ROLE_PARAM, 1, (size_t[]){UNITS}, start + W3);
  w[5] = dz_param(t, start[B3]);
}

static dz_var loss_of(dz_tape *t, const task *k, const dz_var *w) {
  dz_var X = dz_leaf_tensor(t, DZ_ROLE_DATA, 2, (size_t[]){SAMPLES, IN}, k->points);
  dz_var T = dz_leaf_tensor(t, DZ_ROLE_DATA, 1, (size_t[]){SAMPLES}, k->classes);
  dz_var z1 = dz_tanh(dz_linear(X, w[0], w[1])), z2 = dz_tanh(dz_linear(z1, w[2], w[3]));
  dz_var a = dz_linear(z2, w[4], w[5]);
  return dz_mean(dz_softplus(dz_neg(dz_mul(T, a))), DZ_ALL, false);
}

static dz_plan *by_matrices(const task *k) {
  dz_tape *t = dz_tape_new(NULL);
  dz_var w[LEAVES];
  leaves(t, k->start, w);
  dz_var loss = loss_of(t, k, w);
  dz_plan *p = dz_plan_new(1, &loss, LEAVES, w, NULL, NULL);
  dz_tape_free(t);
  return p;
}

/* ---- learning ---- */

typedef struct learner {
  const char *name;
  dz_plan *plan; /* NULL: on the tape */
  void *work;
  dz_tape *tape;
  dz_var leaf[LEAVES];
  dz_mark recorded;
  double w[COUNT], g[COUNT];
  double first, last, seconds; /* losses; for a step */
} learner;

static double now(void) {
  struct timespec t;
  timespec_get(&t, TIME_UTC);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static learner learner_of(const char *name, const task *k, dz_plan *p) {
  learner l = {.name = name, .plan = p, .seconds = 1e9};
  memcpy(l.w, k->start, sizeof l.w);
  if (p) {
    l.work = malloc(dz_plan_memory(p));
  } else {
    l.tape = dz_tape_new(NULL);
    leaves(l.tape, k->start, l.leaf);
    l.recorded = dz_tape_mark(l.tape);
  }
  return l;
}

static void learner_free(learner *l) {
  dz_plan_free(l->plan);
  dz_tape_free(l->tape);
  free(l->work);
}

/* The loss, and its gradient in l->g. */
static double gradient(learner *l, const task *k) {
  double loss = NAN;
  if (l->plan) {
    dz_plan_run(l->plan, l->w, &loss, l->g, l->work);
    return loss;
  }
  dz_tape_rewind(l->tape, l->recorded);
  for (int i = 0; i < LEAVES; i++) dz_set(l->leaf[i], l->w + at[i], dz_size(l->leaf[i]));
  dz_var y = loss_of(l->tape, k, l->leaf);
  dz_backward(y);
  for (int i = 0; i < LEAVES; i++)
    memcpy(l->g + at[i], dz_adjoints(l->leaf[i]), dz_size(l->leaf[i]) * sizeof(double));
  return dz_value(y);
}

static void descend(learner *l, const task *k, int steps) {
  double begun = now();
  for (int step = 0; step < steps; step++) {
    l->last = gradient(l, k);
    if (l->first == 0) l->first = l->last;
    for (int i = 0; i < COUNT; i++) l->w[i] -= .5 * l->g[i];
  }
  l->seconds = fmin(l->seconds, (now() - begun) / steps);
}

int main(int argc, char **argv) {
  task k = ring();
  learner l[] = {learner_of("as neurons", &k, by_neurons(&k)), learner_of("as matrices", &k, by_matrices(&k)),
                 learner_of("on the tape", &k, NULL)};
  bool same = l[0].plan && l[1].plan, quick = true;
  for (int step = 0; same && step < STEPS; step += ROUND) /* by turns, so that all meet the same machine */
    for (int i = 0; i < 3; i++) descend(&l[i], &k, ROUND);
  for (int i = 0; i < 3; i++) {
    char text[2][32];
    dz_number_write(l[i].first, 6, text[0]);
    dz_number_write(l[i].last, 6, text[1]);
    printf("%-12s loss %s, after %d steps %s\n", l[i].name, text[0], STEPS, text[1]);
    fprintf(stderr, "%-12s %.1f us for a step\n", l[i].name, 1e6 * l[i].seconds);
    /* The orders of addition differ: some hundred roundings of 2^-53 in a loss, which steps carry on. */
    same = same && fabs(l[i].first - l[0].first) <= 0x1p-45 * l[0].first && l[i].last < l[i].first / 4;
  }
  if (argc > 1 && strcmp(argv[1], "--measure") == 0)
    quick = l[0].seconds <= 3 * fmin(l[1].seconds, l[2].seconds);
  for (int i = 0; i < 3; i++) learner_free(&l[i]);
  return !(same && quick);
}
