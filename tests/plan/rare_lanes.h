/* Loops over lanes that plans of ordinary functions hardly meet; of rare.h. */
#ifndef DZ_TESTS_PLAN_RARE_LANES_H
#define DZ_TESTS_PLAN_RARE_LANES_H

#include "base/hash.h"
#include "subject.h"
#include "suite.h"

#include <math.h>
#include <string.h>

/* ---- columns of numbers whose hashes are one ---- */

static double number_of(uint64_t bits) {
  double x;
  memcpy(&x, &bits, sizeof x);
  return x;
}

/* Two numbers that go on from hash 0 as x[0] and x[1] do. */
static void collide(const double x[2], double z[2]) {
  z[0] = x[0];
  do {
    z[0] += 0x1p-40;
    z[1] = number_of(dz__mix(0, dz__bits(x[0])) ^ dz__bits(x[1]) ^ dz__mix(0, dz__bits(z[0])));
  } while (!(fabs(z[1]) > .1 && fabs(z[1]) < 10));
}

static void lanes_that_collide(subject *s) {
  enum { N = 16 };
  dz_var *x = inputs(s, N);
  double a[N], b[N];
  for (int l = 0; l < N; l++) a[l] = b[l] = .25 * l + .5;
  collide(a, b);
  for (int l = 0; l < N; l++) {
    const dz_var e = dz_exp(dz_mul(x[l], b[l]));
    add_to(s, dz_sin(dz_add(dz_mul(dz_tanh(x[l]), a[l]), e)));
  }
}

/* Whichever of them the first is that is taken for a step like the others. */
static void steps_that_collide(subject *s, int from) {
  enum { N = 24 };
  dz_var z = input(s, .5), p = input(s, .7);
  double a[N], b[N];
  for (int l = 0; l < N; l++) a[l] = b[l] = .025 * l + .5;
  collide(a + from, b + from);
  for (int l = 0; l < N; l++) {
    const dz_var w = dz_mul(z, b[l]);
    z = dz_sin(dz_add(dz_mul(dz_tanh(dz_mul(z, p)), a[l]), w));
  }
  add_to(s, z);
}

static void first_steps_collide(subject *s) { steps_that_collide(s, 0); }
static void second_steps_collide(subject *s) { steps_that_collide(s, 1); }
static void third_steps_collide(subject *s) { steps_that_collide(s, 2); }

/* ---- loops ---- */

static void long_sums(subject *s) {
  enum { N = 20, TERMS = 6 };
  dz_var *x = inputs(s, N + 2 * TERMS);
  for (int l = 0; l < N; l++) {
    dz_var a = x[l], b = dz_mul(x[l], x[l + 1]);
    for (int k = 0; k < TERMS; k++) a = dz_add(a, dz_mul(x[l], dz_exp(x[N + k])));
    for (int k = 0; k < TERMS - 2; k++) b = dz_sub(b, dz_mul(x[l + k % 2], x[N + TERMS + k]));
    const dz_var c = dz_sin(dz_add(dz_add(dz_add(dz_add(x[l], 1), b), a), a)), d = dz_cos(b);
    add_to(s, dz_mul(dz_mul(dz_sin(a), d), c));
  }
}

/* Runs of the gradient: near each other, in two places, every other, and every third of the first. */
static void runs(subject *s) {
  enum { N = 1060, M = 1030 };
  dz_var *x = inputs(s, N + 1), first = input(s, .4), *u = inputs(s, M), *v = inputs(s, 200),
         last = input(s, .6);
  for (int l = 0; l < N; l++) add_to(s, dz_sin(dz_mul(dz_mul(x[l], x[l + 1]), first)));
  for (int l = 0; l < M; l++) add_to(s, dz_exp(dz_mul(u[l], last)));
  for (int l = 0; l < 100; l++) add_to(s, dz_tanh(dz_add(v[2 * l], v[2 * l + 1])));
}

static void runs_of_two(subject *s) {
  runs(s);
  for (int l = 0; l < 300; l++) add_to(s, dz_cos(dz_mul(s->x[3 * l], 2)));
}

/* The smaller one first; and far apart. */
static void runs_apart(subject *s) {
  enum { N = 1030, M = 1060 };
  dz_var *x = inputs(s, N), *u = inputs(s, 50), *v = inputs(s, M);
  for (int l = 0; l < N; l++) add_to(s, dz_sin(dz_mul(x[l], x[0])));
  for (int l = 0; l < M; l++) add_to(s, dz_exp(dz_div(v[l], u[3])));
}

/* Two tables that lanes read beside each other, and what another loop computed. */
static void runs_side_by_side(subject *s) {
  enum { N = 1100 };
  dz_var *x = inputs(s, N + 1), p = input(s, .4), *u = inputs(s, N + 3), a[N + 1];
  for (int l = 0; l <= N; l++) a[l] = dz_tanh(x[l]);
  for (int l = 0; l < N; l++) {
    const dz_var c = dz_cos(dz_mul(u[l + 3], u[l]));
    add_to(s, dz_mul(dz_sin(dz_mul(x[l], x[l + 1])), c));
  }
  for (int l = 0; l < N; l++) {
    const dz_var c = dz_mul(x[l], p);
    add_to(s, dz_exp(dz_mul(dz_mul(a[l], a[l + 1]), c)));
  }
}

/* Too near to be two, too far to be one. */
static void runs_that_overlap(subject *s) {
  enum { N = 60 };
  dz_var *x = inputs(s, N + 20), *u = inputs(s, N + 8);
  for (int l = 0; l < N; l++) add_to(s, dz_sin(dz_mul(x[l], x[l + 20])));
  for (int l = 0; l < N; l++) {
    const dz_var far = dz_mul(u[l + 8], u[l + 1]);
    add_to(s, dz_exp(dz_mul(dz_mul(u[l + 2], u[l]), far)));
  }
}

static void twice_the_sum(void *user, const dz_op_array *x, size_t n, double *z) {
  (void)user, (void)n;
  z[0] = 0;
  for (size_t i = 0; i < x[0].size; i++) z[0] += 2 * x[0].data[i] * x[1].data[0];
}
static void twice_back(void *user, const dz_op_array *x, size_t n, const double *z, const double *g,
                       double *const *to) {
  (void)user, (void)n, (void)z;
  for (size_t i = 0; i < x[0].size; i++) {
    if (to[0]) to[0][i] += 2 * g[0] * x[1].data[0];
    if (to[1]) to[1][0] += 2 * g[0] * x[0].data[i];
  }
}
static void the_sum(void *user, const dz_op_array *x, size_t n, double *z) {
  (void)user, (void)n;
  z[0] = 1;
  for (size_t i = 0; i < x[0].size; i++) z[0] += x[0].data[i];
}
static void sum_back(void *user, const dz_op_array *x, size_t n, const double *z, const double *g,
                     double *const *to) {
  (void)user, (void)n, (void)z;
  for (size_t i = 0; to[0] && i < x[0].size; i++) to[0][i] += g[0];
}
static bool to_one(void *user, const dz_op_array *x, int *rank, size_t *dims) {
  (void)user, (void)dims, (void)x;
  *rank = 0;
  return true;
}

/* Of inputs, numbers, what varies and what does not, and nothing. */
static void functions_of_c(subject *s) {
  const size_t four = 4, none = 0;
  const dz_op_calls calls = {.arity = 2, .shape = to_one, .value = twice_the_sum, .vjp = twice_back},
                    alone = {.arity = 1, .shape = to_one, .value = the_sum, .vjp = sum_back};
  ck_assert(!dz_op_define_c(s->t, "twice", &calls, NULL));
  ck_assert(!dz_op_define_c(s->t, "total", &alone, NULL));
  dz_var v = s->x[s->n++] = dz_leaf_tensor(s->t, DZ_ROLE_INPUT, 1, &four, (double[]){1, 2, 3, 4}),
         w = s->x[s->n++] = dz_leaf_tensor(s->t, DZ_ROLE_DATA, 1, &four, (double[]){1, 2, 3, 4}),
         e = s->x[s->n++] = dz_leaf_tensor(s->t, DZ_ROLE_INPUT, 1, &none, NULL), p = input(s, .5);
  add_to(s, dz_apply(s->t, "twice", 2, (dz_var[]){v, dz_num(3)}));
  add_to(s, dz_sin(dz_apply(s->t, "twice", 2, (dz_var[]){dz_exp(v), p})));
  add_to(s, dz_apply(s->t, "twice", 2, (dz_var[]){w, dz_mul(p, p)}));
  add_to(s, dz_apply(s->t, "twice", 2, (dz_var[]){e, p}));
  add_to(s, dz_apply(s->t, "total", 1, &e));
  for (int l = 0; l < 40; l++) p = dz_apply(s->t, "total", 1, &p);
  add_to(s, dz_sin(p));
  runs(s);
}

#endif
