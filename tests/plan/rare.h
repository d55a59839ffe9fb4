/* What plans of ordinary functions hardly meet, to be recorded on a tape: rare.c runs them. Each compiler
   records the same, since no call has two arguments that record. */
#ifndef DZ_TESTS_PLAN_RARE_H
#define DZ_TESTS_PLAN_RARE_H

#include "base/hash.h"
#include "drawn.h"
#include "dz/dz.h"
#include "suite.h"

#include <math.h>
#include <string.h>

enum { MOST = 9000 };

typedef struct subject {
  dz_tape *t;
  dz_var x[MOST], y;
  int n;
} subject;

static dz_var input(subject *s, double x) { return s->x[s->n++] = dz_input(s->t, x); }

/* n inputs from s->x[at] on. */
static dz_var *inputs(subject *s, int n) {
  dz_var *x = &s->x[s->n];
  for (int k = 0; k < n; k++) input(s, .3 + .01 * (k * 37 % 101));
  return x;
}

/* The same, to which no gradient flows. */
static dz_var *data(subject *s, int n) {
  dz_var *x = &s->x[s->n];
  for (int k = 0; k < n; k++) s->x[s->n++] = dz_data(s->t, .3 + .01 * (k * 37 % 101));
  return x;
}

static void add_to(subject *s, dz_var z) { s->y = dz_add(s->y, z); }

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

/* ---- steps ---- */

/* An operand that is a number in some steps, an input in others; what is subtracted and used once more. */
static void steps_with_odd_operands(subject *s) {
  dz_var z = input(s, .5), p = input(s, .7), q = input(s, .2);
  for (int l = 0; l < 30; l++) {
    dz_var v = dz_tanh(dz_mul(z, l % 7 == 3 ? dz_num(.25) : p)), w = dz_sin(dz_mul(v, q));
    const dz_var rest = dz_sub(p, w);
    z = dz_mul(dz_sub(w, v), rest);
  }
  add_to(s, z);
}

/* A body that is several functions of C. */
static void long_steps(subject *s) {
  enum { WIDE = 48, DEEP = 12, STEPS = 10 };
  dz_var p = input(s, .7), q = input(s, .2), z = input(s, .5);
  for (int l = 0; l < STEPS; l++) {
    dz_var sum = dz_mul(z, p);
    for (int j = 0; j < WIDE; j++) {
      dz_var x = dz_add(dz_mul(z, .02 * j), q);
      for (int k = 0; k < DEEP; k++) x = k % 3 ? dz_sin(x) : dz_sub(dz_mul(x, p), .01 * k);
      sum = dz_add(sum, x);
    }
    z = dz_tanh(dz_mul(sum, .1));
  }
  add_to(s, z);
}

/* ---- sums over lanes with factors that all lanes share, which quick native code takes out ---- */

static dz_var sum_of_products(dz_var a, dz_var b, dz_var c, dz_var d) {
  const dz_var second = dz_mul(c, d);
  return dz_add(dz_mul(a, b), second);
}
static dz_var difference_of_products(dz_var a, dz_var b, dz_var c, dz_var d) {
  const dz_var second = dz_mul(c, d);
  return dz_sub(dz_mul(a, b), second);
}

/* Two numbers are added to what varies, and weighted sums of both go into functions: how they stand there. */
static void shared_factors(subject *s, int kind) {
  enum { N = 40 };
  dz_var *a = data(s, N), *b = data(s, N), *p = inputs(s, 12);
  for (int l = 0; l < N; l++) {
    dz_var t = dz_add(a[l], p[0]), u = dz_sub(b[l], p[1]), g, h, e = dz_num(0);
    switch (kind) {
    case 0:
      g = sum_of_products(p[2], t, u, p[3]), h = difference_of_products(t, p[4], p[5], u);
      e = dz_sub(dz_mul(p[7], t), u);
      break;
    case 1: /* as they are, negative, and more of them than sums */
      g = dz_add(t, u), h = dz_sub(u, t), e = dz_exp(dz_neg(dz_add(t, dz_mul(u, p[6]))));
      break;
    case 2: /* weights of their own */
      g = dz_mul(t, a[l]), h = sum_of_products(u, p[2], t, b[l]);
      break;
    case 3: /* read elsewhere too */
      g = dz_mul(sum_of_products(p[2], t, u, p[3]), t), h = dz_mul(u, dz_sub(p[4], dz_mul(p[5], t)));
      break;
    case 4: /* long sums */
      e = dz_mul(t, p[6]), h = dz_mul(p[4], p[5]);
      g = dz_add(dz_add(dz_add(sum_of_products(p[2], t, u, p[3]), a[l]), h), e);
      e = dz_mul(b[l], p[9]);
      h = dz_sub(dz_sub(dz_sub(difference_of_products(p[7], t, u, p[8]), u), t), e), e = dz_num(0);
      break;
    default: /* three numbers, numbers of the text */
      g = difference_of_products(dz_num(3), t, u, dz_num(.5)), h = dz_mul(-2, dz_add(t, u)),
      e = dz_sin(dz_add(dz_add(g, h), p[10]));
    }
    const dz_var sine = dz_sin(h);
    add_to(s, dz_add(dz_mul(dz_tanh(g), sine), e));
  }
}
static void shared_0(subject *s) { shared_factors(s, 0); }
static void shared_1(subject *s) { shared_factors(s, 1); }
static void shared_2(subject *s) { shared_factors(s, 2); }
static void shared_3(subject *s) { shared_factors(s, 3); }
static void shared_4(subject *s) { shared_factors(s, 4); }
static void shared_5(subject *s) { shared_factors(s, 5); }

/* A layer of neurons: products of two numbers of one lane, and pieces of many sums. */
static void shared_layers(subject *s) {
  enum { N = 16, IN = 24, OUT = 16 };
  dz_var *a = data(s, N * IN), *shift = inputs(s, IN), *w = inputs(s, IN * OUT);
  for (int l = 0; l < N; l++) {
    dz_var t[IN], y = dz_num(0);
    for (int k = 0; k < IN; k++) t[k] = dz_add(a[l * IN + k], shift[k]);
    for (int j = 0; j < OUT; j++) {
      dz_var z = dz_mul(w[j], t[0]);
      for (int k = 1; k < IN; k++)
        z = k % 2 ? dz_sub(z, dz_mul(w[k * OUT + j], t[k])) : dz_add(z, dz_mul(t[k], w[k * OUT + j]));
      y = dz_add(y, dz_tanh(z));
    }
    add_to(s, dz_sin(y));
  }
}

/* ---- operations that a user wrote ---- */

static void formulas(subject *s) {
  ck_assert(!dz_op_define(s->t, "odd", 2, "x + 2*3 - x*y", (const char *[]){"1 - y", "-x"}, NULL));
  dz_var *x = inputs(s, 20);
  for (int l = 0; l < 19; l++) add_to(s, dz_sin(dz_apply(s->t, "odd", 2, (dz_var[]){x[l], x[l + 1]})));
}

/* ---- what does not vary ---- */

static void held(subject *s) {
  const size_t three = 3;
  dz_var c = dz_data(s->t, 1), x = input(s, .5), z = dz_add(3, dz_sub(c, 4)), y = dz_mul(dz_mul(c, 2), z);
  dz_var v = s->x[s->n++] = dz_leaf_tensor(s->t, DZ_ROLE_INPUT, 1, &three, (double[]){.5, 2, 3});
  add_to(s, dz_mul(x, y));
  add_to(s, dz_gather(v, 2, 0));
  add_to(s, dz_gather(v, c, 0));
  const dz_var w = dz_add(v, dz_noise(v, 3));
  add_to(s, dz_sum(dz_mul(dz_noise(v, c), w), DZ_ALL, false));
  add_to(s, dz_mul(x, dz_exp(c)));
}
/* Inputs that steps read among numbers, a loop among inputs that are read nowhere else, and a second loop
   among those: all of one stream stand in one array. */
static void inputs_among_others(subject *s) {
  enum { N = 10, STEPS = 20 };
  dz_var *x = inputs(s, STEPS), *u = inputs(s, N), *v = inputs(s, N), p = input(s, .4), z = p;
  for (int l = 0; l < N; l++) add_to(s, dz_exp(dz_mul(l == 4 ? u[4] : v[l], .5)));
  for (int l = 0; l < N; l++) add_to(s, dz_cos(dz_mul(l == 7 ? x[7] : u[l], p)));
  for (int l = 0; l < STEPS; l++) z = dz_tanh(dz_add(dz_mul(z, p), l % 3 ? x[l] : dz_num(.1 * l)));
  add_to(s, z);
}

/* What lanes compute is read elsewhere, so what arrives there stands in an array: for numbers that all share,
   as it is and times a factor, in short sums and long ones. */
static void results_read_elsewhere(subject *s) {
  enum { N = 40 };
  dz_var *x = inputs(s, N), *a = data(s, N), *p = inputs(s, 20), z[7][N];
  for (int l = 0; l < N; l++) {
    z[0][l] = dz_add(dz_sin(x[l]), p[0]);
    const dz_var less = dz_mul(p[1], dz_add(dz_tanh(x[l]), p[2]));
    z[1][l] = dz_sub(dz_exp(x[l]), less);
    z[2][l] = dz_mul(p[3], dz_sub(p[4], dz_cos(x[l])));
    z[4][l] = dz_add(dz_sin(a[l]), p[0]);
    z[6][l] = dz_tanh(dz_mul(p[5], p[6])); /* the same in all lanes */
    z[5][l] = dz_mul(p[3], dz_sub(p[4], dz_cos(a[l])));
    z[3][l] = dz_fabs(x[l]);
    for (int k = 5; k < 20; k++) z[3][l] = dz_add(z[3][l], k % 2 ? p[k] : dz_mul(p[k], dz_add(x[l], p[5])));
  }
  for (int k = 0; k < 7; k++)
    for (int l = 0; l < N; l++) add_to(s, dz_tanh(dz_mul(z[k][l], z[k][(l + 1) % N])));
}

/* Columns of rows that are read beside each other, more than are sorted together; and of two tables, at the
   same distances. */
static void many_columns(subject *s) {
  enum { N = 9, COLUMNS = 270 };
  dz_var *x = inputs(s, N * COLUMNS), h[2 * N], p = input(s, .4);
  for (int l = 0; l < 2 * N; l++) h[l] = dz_exp(x[l]);
  for (int l = 0; l < N; l++) {
    dz_var z = dz_tanh(x[l * COLUMNS]);
    for (int k = 1; k < COLUMNS; k++) z = dz_add(z, x[l * COLUMNS + k]);
    add_to(s, dz_sin(z));
  }
  for (int l = 0; l < N; l++)
    add_to(s, dz_cos(dz_mul(sum_of_products(x[2 * l], h[2 * l], x[2 * l + 1], h[2 * l + 1]), p)));
  for (int l = 0; l < 2 * N; l++) add_to(s, dz_tanh(dz_mul(h[l], h[(5 * l + 1) % (2 * N)])));
}

/* Functions that differ in their second or third operand alone, products with one number over and over, and
   one operand many times. */
static void alike(subject *s) {
  enum { N = 17, FUNCTIONS = 12 };
  dz_var *x = inputs(s, 3 * N), *p = inputs(s, 3);
  for (int l = 0; l < N; l++) {
    dz_var z = dz_num(0), y[FUNCTIONS];
    for (int k = 0; k < FUNCTIONS; k++) y[k] = dz_sin(dz_mul(x[l], .2 * k + .5));
    for (int k = 0; k < FUNCTIONS; k++) {
      z = dz_add(z, dz_atan2(y[0], dz_add(dz_exp(y[k]), .5)));
      z = dz_add(z, dz_where(dz_gt(y[1], .3), y[2], y[k]));
      z = dz_add(z, dz_mul(p[k % 3], y[k]));
    }
    for (int k = 0; k < FUNCTIONS; k++) z = dz_add(z, dz_mul(x[l], dz_mul(x[2 * l], .1)));
    add_to(s, dz_tanh(dz_add(z, dz_mul(x[2 * l], x[3 * l]))));
  }
}

/* Steps with more numbers than have variables; with so much to do that functions of C are divided, and that
   few steps fit into a block; with a state that many of its products are added up to. */
static void wide_steps(subject *s) {
  enum { PARAMS = 270, STEPS = 18 };
  dz_var *p = inputs(s, PARAMS), z = input(s, .5);
  for (int l = 0; l < STEPS; l++) {
    dz_var sum = dz_mul(z, p[0]);
    for (int k = 1; k < PARAMS; k++) sum = dz_add(sum, dz_mul(z, p[k]));
    z = dz_tanh(dz_mul(sum, .01));
  }
  add_to(s, z);
}
static void deep_steps_of(subject *s, int links) {
  enum { STEPS = 18 };
  dz_var *p = inputs(s, 7), z = input(s, .5);
  for (int l = 0; l < STEPS; l++) {
    dice d = {1};
    for (int k = 0; k < links; k++) switch (below(&d, 5)) {
      case 0:
        z = dz_mul(z, dz_sin(z));
        break;
      case 1:
        z = dz_mul(z, p[below(&d, 7)]);
        break;
      case 2:
        z = dz_sub(p[below(&d, 7)], z);
        break;
      default:
        z = dz_cos(z);
      }
  }
  add_to(s, z);
}
static void deep_steps(subject *s) { deep_steps_of(s, 400); }
/* Not so much that the way back is divided, too. */
static void tall_steps(subject *s) { deep_steps_of(s, 150); }
static void many_products(subject *s) {
  enum { PRODUCTS = 3 };
  dz_var *c = data(s, 3 * PRODUCTS), z = input(s, .5), p = input(s, .9);
  for (int l = 0; l < 20; l++) {
    dz_var w[3];
    for (int j = 0; j < 3; j++) {
      w[j] = dz_mul(z, c[PRODUCTS * j]);
      for (int k = 1; k < PRODUCTS; k++) w[j] = dz_add(w[j], dz_mul(z, c[PRODUCTS * j + k]));
    }
    const dz_var both = dz_mul(w[1], w[2]);
    z = dz_tanh(dz_mul(dz_mul(w[0], p), both));
  }
  add_to(s, z);
}

/* What is added in one of the steps is taller than all steps before, so that the longest way through them
   ends there. */
static void steps_beside_a_tall_one(subject *s) {
  enum { STEPS = 100, TALL = 9, HEIGHT = 60 };
  dz_var *x = inputs(s, STEPS), u[STEPS], z = input(s, .5), p = input(s, .9);
  for (int l = 0; l < STEPS; l++) u[l] = dz_exp(x[l]);
  for (int k = 0; k < HEIGHT; k++) u[TALL] = k % 2 ? dz_cos(u[TALL]) : dz_sin(dz_mul(u[TALL], 1 + .01 * k));
  for (int l = 0; l < STEPS; l++) z = dz_tanh(dz_add(dz_mul(z, p), u[l]));
  add_to(s, z);
}

/* A long stretch of steps, and a longer one of as many operations each behind it. */
static void two_stretches(subject *s) {
  enum { FIRST = 40, SECOND = 60 };
  dz_var z = input(s, .5), p = input(s, .9);
  for (int l = 0; l < FIRST + SECOND; l++) {
    z = dz_tanh(dz_mul(z, p));
    if (l == FIRST) z = dz_exp(z);
  }
  add_to(s, z);
}

/* A function of what varies that only chooses: nothing flows to it, so another number takes the place of its
   slope. */
static void steps_that_choose(subject *s) {
  dz_var *u = inputs(s, 30), z = input(s, .5), p = input(s, 2.9);
  for (int l = 0; l < 30; l++) {
    const dz_var y = dz_fmax(dz_sub(dz_mul(z, p), .5), 0), c = dz_sin(y),
                 w = dz_tanh(dz_sub(dz_mul(y, u[l]), .4));
    z = dz_where(c, w, dz_exp(w));
  }
  add_to(s, z);
}

/* Lanes of which each chose twice among its own values. */
static void lanes_that_choose(subject *s) {
  enum { N = 20 };
  dz_var *x = inputs(s, N), *u = inputs(s, N), *v = inputs(s, N), p = input(s, 1.1);
  for (int l = 0; l < N; l++) {
    const dz_var a = dz_mul(x[l], p), b = dz_mul(u[l * 7 % N], p), c = dz_mul(v[l * 3 % N], p);
    dz_var z = l % 3 ? a : b, w = l * l % 5 > 2 ? c : b;
    const dz_var above = dz_exp(dz_sub(a, z)), below = dz_exp(dz_sub(b, z)), far = dz_sub(c, w);
    w = dz_tanh(dz_add(far, dz_sub(b, w)));
    add_to(s, dz_mul(dz_add(above, below), w));
  }
}

/* Steps so many that a loop over lanes would have a part of the gradient for itself; and such a loop that
   adds to others, too. */
static void many_steps(subject *s) {
  enum { STEPS = 1100 };
  dz_var *u = inputs(s, STEPS), z = input(s, .5), p = input(s, .9);
  for (int l = 0; l < STEPS; l++) z = dz_tanh(dz_add(dz_mul(z, p), u[l]));
  add_to(s, z);
}
static void runs_beside_columns(subject *s) {
  enum { N = 1040 };
  dz_var *x = inputs(s, N), *v = inputs(s, 2 * N);
  for (int l = 0; l < N; l++) add_to(s, dz_sin(dz_mul(x[l], v[2 * l])));
}

/* More around the loops than is written as C: it is numbers, between which loops are called. */
static void long_program(subject *s) {
  enum { LINKS = 3600, N = 9 };
  dice d = {3};
  dz_var z = input(s, .5), *x = inputs(s, N);
  for (int l = 0; l < N; l++) z = dz_add(z, dz_tanh(dz_mul(x[l], x[(l + 1) % N])));
  for (int k = 0; k < LINKS; k++) {
    dz_var f = drawn_operation(4 + below(&d, 3), z, z, z);
    z = below(&d, 2) ? dz_add(z, dz_mul(f, .01)) : dz_sub(dz_mul(f, .02), z);
  }
  for (int l = 0; l < N; l++) add_to(s, dz_sin(dz_mul(z, x[l])));
}

/* ---- drawn by chance ---- */

/* Steps that carry up to four numbers, of which each may be that of the step before or of one further back.
 */
static void draw_steps(subject *s, uint64_t seed, int most) {
  enum { STATES = 4, FAR = 3, PARAMS = 4 };
  static drawn_body b;
  static dz_var state[FAR][STATES], kept[100];
  dice d = {seed};
  const int steps = 9 + below(&d, 60), states = 1 + below(&d, STATES), params = below(&d, PARAMS),
            streams = below(&d, DRAWN_STREAMS), far = below(&d, 3) ? 1 : 1 + below(&d, FAR);
  drawn_stream stream[DRAWN_STREAMS];
  dz_var p[PARAMS], sum = dz_num(0);
  for (int k = 0; k < streams; k++)
    stream[k] = draw_stream(&d, (below(&d, 3) ? inputs : data)(s, stream_room(steps)));
  for (int k = 0; k < params; k++) p[k] = below(&d, 8) ? input(s, .3 + .1 * k) : dz_sin(input(s, .4));
  for (int k = 0; k < states; k++) {
    state[0][k] = below(&d, 3) ? input(s, .2 + .1 * k) : below(&d, 2) ? dz_sin(input(s, .3)) : dz_num(.5);
    for (int j = 1; j < far; j++) state[j][k] = state[0][k];
  }
  const int reads = states * far + params + streams + 1, smooth = below(&d, 2), use = below(&d, 4);
  draw_lines(&b, &d, reads, 1 + below(&d, most));
  int next[STATES];
  for (int k = 0; k < states; k++)
    next[k] = below(&d, 6) ? reads + b.lines - 1 - below(&d, b.lines < 4 ? b.lines : 4)
                           : below(&d, reads + b.lines);
  for (int l = 0; l < steps; l++) {
    int n = 0;
    for (int j = 0; j < far; j++)
      for (int k = 0; k < states; k++) b.at[n++] = state[j][k];
    for (int k = 0; k < params; k++) b.at[n++] = p[k];
    for (int k = 0; k < streams; k++) b.at[n++] = of_stream(&stream[k], l, steps);
    b.at[n++] = dz_num(.01 * (l * 7 % 11));
    kept[l] = work_out(&b);
    memmove(state[1], state[0], (FAR - 1) * sizeof *state);
    for (int k = 0; k < states; k++) state[0][k] = smooth ? dz_tanh(b.at[next[k]]) : b.at[next[k]];
    if (use == 1) sum = dz_add(sum, kept[l]);
    if (use == 2) sum = dz_add(sum, dz_mul(state[0][0], state[0][states - 1]));
  }
  for (int l = 0; l < steps && use == 3; l++) sum = dz_add(sum, dz_mul(kept[l], kept[(l * 7 + 1) % steps]));
  for (int k = 0; k < states; k++) sum = dz_add(sum, dz_mul(state[0][k], .3));
  add_to(s, dz_tanh(sum));
}

static void draw_lanes(subject *s, uint64_t seed, int most) {
  enum { PARAMS = 4, LANES = 260 };
  static const int sizes[] = {8, 9, 16, 17, 40, 64, 100, 250};
  static drawn_body b;
  static dz_var z[LANES];
  dice d = {seed};
  const int lanes = sizes[below(&d, 8)], params = below(&d, PARAMS),
            streams = 1 + below(&d, DRAWN_STREAMS - 1), terms = below(&d, 3) ? 0 : below(&d, 14),
            shared = below(&d, 2), use = below(&d, 3);
  drawn_stream stream[DRAWN_STREAMS];
  dz_var p[PARAMS], sum = dz_num(0), *all = NULL;
  for (int k = 0; k < streams; k++) {
    if (!k || !shared) all = (below(&d, 5) ? inputs : data)(s, stream_room(lanes));
    stream[k] = draw_stream(&d, all);
  }
  for (int k = 0; k < params; k++) p[k] = below(&d, 4) ? input(s, .3 + .1 * k) : dz_sin(input(s, .4));
  const int reads = params + streams + 1;
  draw_lines(&b, &d, reads, 1 + below(&d, most));
  int term[14][3];
  for (int k = 0; k < terms; k++)
    for (int j = 0; j < 3; j++) term[k][j] = below(&d, j ? reads + b.lines : 4);
  for (int l = 0; l < lanes; l++) {
    int n = 0;
    for (int k = 0; k < params; k++) b.at[n++] = p[k];
    for (int k = 0; k < streams; k++) b.at[n++] = of_stream(&stream[k], l, lanes);
    b.at[n++] = dz_num(.01 * (l * 7 % 11));
    z[l] = work_out(&b);
    for (int k = 0; k < terms; k++) {
      const dz_var x = b.at[term[k][1]], y = term[k][0] ? dz_mul(x, b.at[term[k][2]]) : x;
      z[l] = term[k][0] == 3 ? dz_sub(z[l], y) : dz_add(z[l], y);
    }
    if (use) sum = dz_add(sum, dz_sin(z[l]));
  }
  for (int l = 0; l < lanes && !use; l++)
    sum = dz_add(sum, dz_exp(dz_mul(dz_tanh(z[l]), z[(l + 1) % lanes])));
  add_to(s, dz_tanh(sum));
}

static void drawn_steps(subject *s) {
  static const uint64_t seeds[] = {6, 14, 34, 119, 198};
  for (size_t k = 0; k < COUNT(seeds); k++) draw_steps(s, seeds[k], 14);
}
static void drawn_wires(subject *s) { draw_steps(s, 13, 14), draw_steps(s, 9, 14); }
static void drawn_states(subject *s) { draw_steps(s, 160, 14), draw_steps(s, 250, 14); }
static void drawn_copies(subject *s) { draw_steps(s, 298, 14), draw_steps(s, 17, 60); }
static void drawn_long_steps(subject *s) {
  static const uint64_t seeds[] = {23, 40, 41};
  for (size_t k = 0; k < COUNT(seeds); k++) draw_steps(s, seeds[k], 60);
}
static void drawn_lanes(subject *s) {
  static const uint64_t seeds[] = {20, 85, 103};
  for (size_t k = 0; k < COUNT(seeds); k++) draw_lanes(s, seeds[k], 12);
}

static void (*const subjects[])(subject *) = {lanes_that_collide,
                                              first_steps_collide,
                                              second_steps_collide,
                                              third_steps_collide,
                                              long_sums,
                                              runs,
                                              runs_of_two,
                                              runs_apart,
                                              runs_side_by_side,
                                              runs_that_overlap,
                                              functions_of_c,
                                              steps_with_odd_operands,
                                              long_steps,
                                              shared_0,
                                              shared_1,
                                              shared_2,
                                              shared_3,
                                              shared_4,
                                              shared_5,
                                              shared_layers,
                                              formulas,
                                              held,
                                              inputs_among_others,
                                              results_read_elsewhere,
                                              many_columns,
                                              alike,
                                              wide_steps,
                                              deep_steps,
                                              tall_steps,
                                              many_products,
                                              steps_beside_a_tall_one,
                                              two_stretches,
                                              steps_that_choose,
                                              lanes_that_choose,
                                              many_steps,
                                              runs_beside_columns,
                                              long_program,
                                              drawn_steps,
                                              drawn_wires,
                                              drawn_states,
                                              drawn_copies,
                                              drawn_long_steps,
                                              drawn_lanes};

#endif
