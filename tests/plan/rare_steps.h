/* Loops over steps that plans of ordinary functions hardly meet; of rare.h. */
#ifndef DZ_TESTS_PLAN_RARE_STEPS_H
#define DZ_TESTS_PLAN_RARE_STEPS_H

#include "subject.h"
#include "suite.h"

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

#endif
