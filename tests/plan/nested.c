/* Recurrences of many samples: the samples are the lanes of one loop, whose steps stand one after another in
   it; as C they are a loop again. Whole numbers, so that every order of additions gives the same, and the
   plan is the tape bit for bit, in every way that it can be run. */
#include "cache.h"
#include "dice.h"
#include "dz/dz.h"
#include "dz/emit.h"
#include "effort.h"
#include "every.h"
#include "suite.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { INPUTS = 12, MOST_STATES = 3, MOST_SAMPLES = 20, MOST_STEPS = 40, KINDS = 12 };

static double small(dice *d) { return (double)(roll(d) % 5) - 2; }

/* The state behind a step: of each number a sum, a choice or a product, cut off, so that all stay small. Two
   samples differ in data and, of odd kinds, in an input that they choose. */
static void step(int kind, int states, const dz_var *in, const double *x, dz_var *s) {
  dz_var next[MOST_STATES];
  for (int j = 0; j < states; j++) {
    const dz_var own = s[j], other = s[(j + 1) % states];
    dz_var z = dz_add(dz_mul(in[j], other), dz_num(x[0]));
    if (kind % 3 == 1) z = dz_sub(z, dz_fmax(own, in[3 + j]));
    if (kind % 3 == 2) z = dz_add(dz_where(dz_gt(own, x[1]), other, dz_neg(z)), in[6]);
    if (kind % 2) z = dz_add(z, in[7 + (int)fabs(x[1])]);
    next[j] = dz_clamp(z, -9, 9);
  }
  memcpy(s, next, (size_t)states * sizeof *s);
}

typedef struct batch {
  int kind, states, samples, steps;
  bool time_outside; /* all samples' first step was recorded first */
} batch;

static dz_var record(const batch *b, const dz_var *in) {
  static double x[MOST_SAMPLES][MOST_STEPS][2];
  static dz_var s[MOST_SAMPLES][MOST_STATES];
  dice d = {(uint64_t)b->kind + 1};
  dz_var y = dz_num(0);
  for (int i = 0; i < b->samples; i++)
    for (int t = 0; t < b->steps; t++) x[i][t][0] = small(&d), x[i][t][1] = small(&d);
  for (int i = 0; i < b->samples; i++)
    for (int j = 0; j < b->states; j++) s[i][j] = in[j + 1];
  for (int k = 0; k < b->samples * b->steps; k++) {
    const int i = b->time_outside ? k % b->samples : k / b->steps;
    const int t = b->time_outside ? k / b->samples : k % b->steps;
    step(b->kind, b->states, in, x[i][t], s[i]);
  }
  for (int i = 0; i < b->samples; i++) {
    dz_var z = s[i][0];
    for (int j = 1; j < b->states; j++) z = dz_add(z, dz_mul(s[i][j], s[i][j]));
    y = b->kind % 4 == 3 ? dz_fmax(y, z) : dz_add(y, dz_mul(z, z));
  }
  return y;
}

typedef struct expected {
  double value, gradient[INPUTS];
  const batch *b;
} expected;

static void compare(void *user, const char *way, const double *values, const double *gradient) {
  const expected *e = user;
  ck_assert_msg(values[0] == e->value, "kind %d, %s: %.17g, tape %.17g", e->b->kind, way, values[0],
                e->value);
  for (int k = 0; k < INPUTS; k++)
    ck_assert_msg(gradient[k] == e->gradient[k], "kind %d, %s: gradient %d is %.17g, tape %.17g", e->b->kind,
                  way, k, gradient[k], e->gradient[k]);
}

static void try_batch(const batch *b) {
  dz_tape *t = dz_tape_new(NULL);
  dz_var in[INPUTS];
  dz_error error;
  dice d = {(uint64_t)b->kind + 99};
  for (int k = 0; k < INPUTS; k++) in[k] = dz_input(t, small(&d));
  const dz_var y = record(b, in);
  expected e = {.value = dz_value(y), .b = b};
  ck_assert_int_eq(dz_backward(y), DZ_OK);
  for (int k = 0; k < INPUTS; k++) {
    e.gradient[k] = dz_adjoint(in[k]);
    ck_assert_double_lt(fabs(e.gradient[k]), 0x1p53);
  }
  dz_status status =
      every_plan(y, INPUTS, in, NULL, b->kind % EFFORT(6, 12) ? NULL : cache, compare, &e, &error);
  ck_assert_msg(status == DZ_OK, "%s", error.message);
  dz_tape_free(t);
}

START_TEST(as_the_tape) {
  const batch b = {_i, 1 + _i % MOST_STATES, 8 + _i % 3, 16 + _i % 4, _i % 5 < 2};
  try_batch(&b);
}
END_TEST

/* ---- what becomes a loop ---- */

static bool count(void *user, const char *text, size_t n) {
  (void)text;
  *(size_t *)user += n;
  return true;
}

static dz_plan_facts facts_of(const batch *b, size_t *text) {
  dz_tape *t = dz_tape_new(NULL);
  dz_var in[INPUTS];
  for (int k = 0; k < INPUTS; k++) in[k] = dz_input(t, 1);
  const dz_var y = record(b, in);
  dz_plan *p = dz_plan_new(1, &y, INPUTS, in, NULL, NULL);
  const dz_plan_facts f = dz_plan_facts_of(p);
  *text = 0;
  ck_assert_int_eq(dz_emit(p, NULL, count, text), DZ_OK);
  dz_plan_free(p);
  dz_tape_free(t);
  return f;
}

START_TEST(samples_are_lanes) {
  size_t text;
  for (int outside = 0; outside < 2; outside++) {
    dz_plan_facts f = facts_of(&(batch){1, 2, 10, 30, outside}, &text);
    ck_assert_uint_eq(f.loops, 1);
    ck_assert_uint_eq(f.lanes, 10);
  }
}
END_TEST

START_TEST(few_samples_are_steps) {
  size_t text;
  dz_plan_facts f = facts_of(&(batch){1, 2, 3, 30, false}, &text);
  ck_assert_uint_eq(f.loops, 3);
  ck_assert_uint_ge(f.lanes, 3 * 27); /* but for the first steps, which read the inputs */
  ck_assert_uint_le(f.lanes, 3 * 30);
}
END_TEST

/* The code of twenty steps more is numbers: data, and the program of the careful run; and no C. */
START_TEST(steps_are_one_text) {
  size_t text[2];
  facts_of(&(batch){0, 2, 10, 18, false}, &text[0]);
  facts_of(&(batch){0, 2, 10, 38, false}, &text[1]);
  /* A number of the data, one for a step and a sample, is a whole one: at most "-2.0, " and padding to 16
     samples; an instruction has five numbers of less than twelve characters, a term three. */
  const size_t data = 20 * 16 * 6, code = 20 * 40 * 5 * 12;
  ck_assert_uint_lt(text[1] - text[0], data + code);
}
END_TEST

/* ---- sizes ---- */

typedef struct network {
  dz_tape *t;
  dz_var x[200], y;
  int n;
} network;

/* A recurrent network with tanh, written with scalars: the square of what is off behind the last step. */
static void unroll(network *r, int units, int samples, int steps) {
  dz_var w[8][8], u[8], b[8], v[8];
  *r = (network){.t = dz_tape_new(NULL), .y = dz_num(0)};
  for (int i = 0; i < units; i++) {
    for (int j = 0; j < units; j++) r->x[r->n++] = w[i][j] = dz_param(r->t, .1 * sin(i * 7 + j));
    r->x[r->n++] = u[i] = dz_param(r->t, .3 * cos(i));
    r->x[r->n++] = b[i] = dz_param(r->t, .1);
    r->x[r->n++] = v[i] = dz_param(r->t, .5 - .1 * i);
  }
  for (int s = 0; s < samples; s++) {
    dz_var h[8], z = dz_num(-cos(s));
    for (int i = 0; i < units; i++) h[i] = dz_num(0);
    for (int k = 0; k < steps; k++) {
      dz_var next[8];
      for (int i = 0; i < units; i++) {
        dz_var a = dz_add(dz_mul(u[i], sin(s * 1.3 + k * .7)), b[i]);
        for (int j = 0; j < units; j++) a = dz_add(a, dz_mul(w[i][j], h[j]));
        next[i] = dz_tanh(a);
      }
      memcpy(h, next, sizeof h);
    }
    for (int i = 0; i < units; i++) z = dz_add(z, dz_mul(v[i], h[i]));
    r->y = dz_add(r->y, dz_mul(z, z));
  }
}

static bool into_file(void *user, const char *text, size_t n) { return fwrite(text, 1, n, user) == n; }

/* The length of its C, which compilers take without a word. */
static long compiled(const network *r) {
  char file[128], command[512];
  snprintf(file, sizeof file, "%s/f.c", cache);
  dz_plan *p = dz_plan_new(1, &r->y, r->n, r->x, NULL, NULL);
  FILE *f = fopen(file, "w");
  ck_assert_ptr_nonnull(f);
  ck_assert_int_eq(dz_emit(p, NULL, into_file, f), DZ_OK);
  const long size = ftell(f);
  ck_assert_int_eq(fclose(f), 0);
  dz_plan_free(p);
  static const char *const levels[] = {"-O0", "-O2"};
  for (int k = 0; k < 2; k++) {
    snprintf(command, sizeof command,
             "${CC:-cc} -std=c99 %s -Wall -Wextra -Wconversion -pedantic -Werror -c %s -o %s.o", levels[k],
             file, file);
    ck_assert_msg(system(command) == 0, "%s", command);
  }
  return size;
}

START_TEST(small_programs) {
  network r;
  unroll(&r, 8, 1, 500); /* its data alone are 11 kB */
  ck_assert_int_lt(compiled(&r), 50000);
  dz_tape_free(r.t);
  unroll(&r, 4, 1, 60);
  compiled(&r);
  dz_tape_free(r.t);
  unroll(&r, 3, 20, 60);
  compiled(&r);
  dz_tape_free(r.t);
}
END_TEST

/* Lanes of very many operations are no programs to keep: then the steps are the loop, of all chains at once.
 */
START_TEST(long_chains) {
  enum { CHAINS = 8, STEPS = 33000 };
  dz_tape *t = dz_tape_new(NULL);
  dz_var a = dz_input(t, .5), s[CHAINS], y = dz_num(0);
  for (int i = 0; i < CHAINS; i++) s[i] = dz_num(i);
  for (int k = 0; k < STEPS; k++)
    for (int i = 0; i < CHAINS; i++) s[i] = dz_add(dz_mul(a, s[i]), dz_num(k % 3));
  for (int i = 0; i < CHAINS; i++) y = dz_add(y, dz_mul(s[i], s[i]));
  dz_plan *p = dz_plan_new(1, &y, 1, &a, NULL, NULL);
  dz_plan_facts f = dz_plan_facts_of(p);
  ck_assert_uint_ge(f.lanes, STEPS - 3);
  ck_assert_uint_lt(f.instructions, 200);
  dz_plan_free(p);
  dz_tape_free(t);
}
END_TEST

SUITE_BETWEEN(set_up, tear_down, EACH(as_the_tape, KINDS), ONCE(samples_are_lanes),
              ONCE(few_samples_are_steps), ONCE(steps_are_one_text), ONCE(small_programs), ONCE(long_chains))
