/* What lanes share, read of each other, or do not vary in; of rare.h. */
#ifndef DZ_TESTS_PLAN_RARE_TERMS_H
#define DZ_TESTS_PLAN_RARE_TERMS_H

#include "subject.h"
#include "suite.h"

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

#endif
