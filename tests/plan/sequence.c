/* Recurrences: steps that carry state become one loop. Whole numbers, so that every order of additions gives
   the same, and the plan is the tape bit for bit, in every way that it can be run. */
#include "dice.h"
#include "dz/dz.h"
#include "effort.h"
#include "every.h"
#include "starved.h"
#include "suite.h"
#include "zeros.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static size_t below(dice *d, size_t n) { return (size_t)(roll(d) % n); }

enum { LEAVES = 40, STATES = 3, MOST_OPS = 8, MOST_STEPS = 60 };

typedef struct recurrence {
  dz_tape *t;
  dz_var x[LEAVES], state[MOST_STEPS + 2][STATES + MOST_OPS];
  double in[LEAVES];
  int ops;
} recurrence;

/* Where an operand comes from: the same in every step. */
static dz_var operand(const recurrence *r, dice *d, dice *shape, int step, int k) {
  const dz_var *now = r->state[step + 2], *before = r->state[step + 1];
  size_t which = below(shape, STATES), own = below(shape, (size_t)(STATES + r->ops));
  switch (below(shape, 8)) {
  case 0:
    return r->x[which];
  case 1:
    return r->x[(size_t)step % LEAVES];
  case 2:
    return dz_num((double)below(d, 5) - 2);
  case 3:
    return r->state[step][which]; /* two steps back */
  case 4:
    return k ? now[STATES + (int)below(shape, (size_t)k)] : before[which];
  case 5:
    return r->x[below(d, LEAVES)];
  default:
    return before[own];
  }
}

static dz_var operation(dice *shape, dz_var a, dz_var b) {
  switch (below(shape, 6)) {
  case 0:
    return dz_sub(a, b);
  case 1:
    return dz_fmax(a, b);
  case 2:
    return dz_where(dz_gt(a, b), a, dz_neg(b));
  case 3:
    return dz_fabs(a);
  default:
    return dz_add(a, b);
  }
}

/* All states stay between -50 and 50. The last of a step's operations, and one more, are results; their sum
   is the output, or only the last state. */
static dz_var record(recurrence *r, uint64_t seed, int steps) {
  dice d = {seed * 31};
  dz_var y = dz_num(0);
  dz_tape_clear(r->t);
  r->ops = 1 + (int)(seed % MOST_OPS);
  for (int k = 0; k < LEAVES; k++) r->in[k] = (double)below(&d, 21) - 10;
  for (int k = 0; k < LEAVES; k++) /* to some no gradient flows */
    r->x[k] = seed % 2 && k % 7 == 3 ? dz_data(r->t, r->in[k]) : dz_input(r->t, r->in[k]);
  for (int s = 0; s < 2; s++)
    for (int k = 0; k < STATES + MOST_OPS; k++) r->state[s][k] = r->x[below(&d, LEAVES)];
  for (int s = 0; s < steps; s++) {
    dice shape = {seed * 1000};
    dz_var *now = r->state[s + 2];
    for (int k = 0; k < r->ops; k++) {
      dz_var a = operand(r, &d, &shape, s, k), b = operand(r, &d, &shape, s, k);
      now[STATES + k] = operation(&shape, a, b);
    }
    for (int k = 0; k < STATES; k++)
      now[k] =
          dz_clamp(dz_add(now[STATES + (int)below(&shape, (size_t)r->ops)], r->state[s + 1][k]), -50, 50);
    if (seed % 3) y = dz_add(y, dz_mul(now[0], now[STATES]));
  }
  y = dz_add(y, r->state[steps + 1][1]);
  return seed % 4 == 1 ? dz_add(y, behind(r->x[0])) : y;
}

typedef struct expected {
  const recurrence *r;
  double value, gradient[LEAVES];
  int seed;
} expected;

static void check(void *user, const char *way, const double *values, const double *gradient) {
  const expected *e = user;
  ck_assert_msg(values[0] == e->value, "seed %d, %s: %.17g, tape %.17g", e->seed, way, values[0], e->value);
  for (int k = 0; k < LEAVES; k++)
    ck_assert_msg(gradient[k] == e->gradient[k], "seed %d, %s: gradient %d is %.17g, tape %.17g", e->seed,
                  way, k, gradient[k], e->gradient[k]);
}

static double slope(dz_var x) { return dz_is_active(x) ? dz_adjoint(x) : 0; }

START_TEST(recurrences) {
  recurrence *r = calloc(1, sizeof *r);
  size_t compared = 0, found = 0;
  char cache[] = "/tmp/dz-test-XXXXXX", clean[64];
  ck_assert_ptr_nonnull(mkdtemp(cache));
  r->t = dz_tape_new(NULL);
  for (uint64_t seed = 1; seed <= EFFORT(900, 60); seed++) {
    dz_var y = record(r, seed, 20 + (int)(seed % (MOST_STEPS - 20)));
    expected e = {.r = r, .value = dz_value(y), .seed = (int)seed};
    if (!dz_is_active(y) || dz_backward(y)) continue;
    bool exact = fabs(e.value) < 0x1p50;
    for (int k = 0; k < LEAVES; k++) exact &= fabs(e.gradient[k] = slope(r->x[k])) < 0x1p50;
    if (!exact) continue;
    dz_error error;
    dz_status status = every_plan(y, LEAVES, r->x, NULL, seed % 300 == 7 ? cache : NULL, check, &e, &error);
    ck_assert_msg(status == DZ_OK, "%s", error.message);
    dz_plan *p = dz_plan_new(1, &y, LEAVES, r->x, NULL, NULL);
    compared++;
    found += dz_plan_facts_of(p).lanes >= 16;
    dz_plan_free(p);
  }
  printf("%zu recurrences compared, %zu became loops\n", compared, found);
  ck_assert_uint_ge(compared, EFFORT(700, 40));
  ck_assert_uint_ge(found, compared / 2);
  snprintf(clean, sizeof clean, "rm -rf '%s'", cache);
  ck_assert_int_eq(system(clean), 0);
  dz_tape_free(r->t);
  free(r);
}
END_TEST

/* A branch inside a recurrence is checked in every step; a slope that is infinite where nothing flows is no
 * NaN. */
START_TEST(branches_in_steps) {
  enum { STEPS = 50 };
  dz_tape *t = dz_tape_new(NULL);
  dz_var x = dz_input(t, 1), a = dz_input(t, .5), z = x;
  double in[] = {1, .5}, gradient[2], value;
  for (int s = 0; s < STEPS; s++) {
    z = dz_mul(dz_sub(z, 1), a);
    if (dz_holds(dz_lt(z, 0))) z = dz_neg(z);
    z = dz_where(dz_gt(z, 100), dz_sqrt(dz_sub(z, z)), z);
  }
  dz_plan *p = dz_plan_new(1, &z, 2, (dz_var[]){x, a}, NULL, NULL);
  size_t branches = dz_plan_facts_of(p).branches;
  ck_assert_uint_eq(branches, STEPS);
  void *work = malloc(dz_plan_memory(p));
  ck_assert_int_eq(dz_plan_run(p, in, &value, gradient, work), DZ_OK);
  dz_backward(z);
  ck_assert_double_eq(value, dz_value(z));
  ck_assert_double_eq(gradient[0], dz_adjoint(x));
  ck_assert_double_eq(gradient[1], dz_adjoint(a));
  in[0] = 3; /* 1, 0 instead of 0, -.5: the second goes the other way */
  dz_branch b;
  ck_assert_int_eq(dz_plan_run(p, in, &value, gradient, work), DZ_ERR_BRANCH);
  ck_assert_uint_ge(dz_plan_flips(p, work, &b), 1);
  ck_assert_uint_eq(b.number, 1);
  ck_assert(b.recorded);
  free(work);
  dz_plan_free(p);
  dz_tape_free(t);
}
END_TEST

/* A hundred thousand steps take no more instructions than a hundred. */
START_TEST(long_chains) {
  size_t instructions[2];
  for (int k = 0; k < 2; k++) {
    dz_tape *t = dz_tape_new(NULL);
    dz_var a = dz_input(t, 1e-3), b = dz_input(t, 1.0005), x = dz_input(t, 1), z = x;
    for (int s = 0; s < (k ? (int)EFFORT(100000, 10000) : 100); s++)
      z = dz_add(dz_mul(dz_sin(z), a), dz_div(z, b));
    dz_plan *p = dz_plan_new(1, &z, 3, (dz_var[]){a, b, x}, NULL, NULL);
    instructions[k] = dz_plan_facts_of(p).instructions;
    ck_assert_uint_eq(dz_plan_facts_of(p).loops, 1);
    double in[] = {1e-3, 1.0005, 1}, gradient[3], value;
    void *work = malloc(dz_plan_memory(p));
    dz_backward(z);
    ck_assert_int_eq(dz_plan_run(p, in, &value, gradient, work), DZ_OK);
    ck_assert_double_eq(value, dz_value(z)); /* nothing is added in another order */
    ck_assert_double_eq(gradient[0], dz_adjoint(a));
    ck_assert_double_eq(gradient[1], dz_adjoint(b));
    ck_assert_double_eq(gradient[2], dz_adjoint(x));
    free(work);
    dz_plan_free(p);
    dz_tape_free(t);
  }
  ck_assert_uint_eq(instructions[0], instructions[1]);
}
END_TEST

/* One step: functions whose slopes wait for the way back, and divisions. */
static void smooth_step(int kind, const dz_var *w, double i, dz_var *h, dz_var *g) {
  dz_var u = dz_add(dz_mul(w[0], *h), dz_mul(w[1], *g)), v = dz_add(*h, *g);
  u = kind % 2 ? dz_sigmoid(u) : dz_tanh(u);
  v = kind % 3 ? dz_sin(v) : dz_cos(v);
  *g = dz_div(v, w[0]);
  *h = dz_sub(u, dz_mul(*g, .001 * i));
}

/* What the last step leaves: each sum of adjoints then has the tape's order. */
static dz_var smooth(int kind, int steps, const dz_var *x) {
  dz_var h = x[0], g = x[1];
  for (int i = 0; i < steps; i++) smooth_step(kind, x + 2, i, &h, &g);
  return h;
}

/* Fewer steps than a block of the machine has, and more. */
START_TEST(functions_in_steps) {
  static const int steps[] = {20, 600};
  for (int kind = 0; kind < 6; kind++)
    for (int n = 0; n < 2; n++) {
      const double in[4] = {.1, .3, .5, .7};
      double value, gradient[4];
      dz_tape *t = dz_tape_new(NULL);
      dz_var x[4];
      for (int k = 0; k < 4; k++) x[k] = dz_input(t, in[k]);
      dz_var y = smooth(kind, steps[n], x);
      dz_plan *p = dz_plan_new(1, &y, 4, x, NULL, NULL);
      void *work = malloc(dz_plan_memory(p));
      ck_assert_uint_eq(dz_plan_facts_of(p).loops, 1);
      ck_assert_int_eq(dz_backward(y), DZ_OK);
      ck_assert_int_eq(dz_plan_run(p, in, &value, gradient, work), DZ_OK);
      ck_assert_double_eq(value, dz_value(y));
      for (int k = 0; k < 4; k++)
        ck_assert_msg(gradient[k] == dz_adjoint(x[k]), "kind %d, %d steps: gradient %d is %.17g, not %.17g",
                      kind, steps[n], k, gradient[k], dz_adjoint(x[k]));
      free(work);
      dz_plan_free(p);
      dz_tape_free(t);
    }
}
END_TEST

/* sqrt at 0 has an infinite slope, which a structural zero does not meet. */
START_TEST(zeros_in_steps) {
  enum { STEPS = 300 };
  double in[2] = {2, 1}, value, gradient[2];
  dz_tape *t = dz_tape_new(NULL);
  dz_var x[2] = {dz_input(t, in[0]), dz_input(t, in[1])}, h = x[0];
  for (int i = 0; i < STEPS; i++) {
    dz_var root = dz_sqrt(dz_sub(h, x[1]));
    h = dz_where(dz_lt(x[1], 0), root, dz_mul(h, x[1]));
  }
  dz_plan *p = dz_plan_new(1, &h, 2, x, NULL, NULL);
  void *work = malloc(dz_plan_memory(p));
  ck_assert_uint_eq(dz_plan_facts_of(p).loops, 1);
  in[0] = 1;
  ck_assert_int_eq(dz_plan_run(p, in, &value, gradient, work), DZ_OK);
  ck_assert_double_eq(value, 1);
  ck_assert_double_eq(gradient[0], 1);
  ck_assert_double_eq(gradient[1], STEPS);
  free(work);
  dz_plan_free(p);
  dz_tape_free(t);
}
END_TEST

START_TEST(functions_without_memory) {
  dz_tape *t = dz_tape_new(NULL);
  dz_var x[4];
  dz_plan_facts facts;
  for (int k = 0; k < 4; k++) x[k] = dz_input(t, .1 + .2 * k);
  plan_starved(smooth(1, 40, x), 4, x, &facts);
  ck_assert_uint_eq(facts.loops, 1);
  dz_tape_free(t);
}
END_TEST

START_TEST(without_memory) {
  recurrence *r = calloc(1, sizeof *r);
  dz_plan_facts facts;
  r->t = dz_tape_new(NULL);
  plan_starved(record(r, 7, 40), LEAVES, r->x, &facts);
  ck_assert_uint_ge(facts.lanes, 30);
  dz_tape_free(r->t);
  free(r);
}
END_TEST

/* One of the operations that repeat themselves is another one, wherever it stands. */
START_TEST(one_of_another_kind) {
  enum { OPS = 90 };
  for (int odd = 0; odd < OPS; odd++) {
    dz_tape *t = dz_tape_new(NULL);
    const dz_var x[] = {dz_input(t, .5), dz_input(t, .75)};
    dz_var z = x[0];
    for (int k = 0; k < OPS; k++)
      z = k == odd ? dz_cos(z) : k % 3 == 0 ? dz_mul(z, x[1]) : k % 3 == 1 ? dz_exp(z) : dz_tanh(z);
    dz_plan *p = dz_plan_new(1, &z, 2, x, NULL, NULL);
    void *work = malloc(dz_plan_memory(p));
    double value;
    ck_assert_int_eq(dz_plan_run(p, (double[]){.5, .75}, &value, NULL, work), DZ_OK);
    ck_assert_msg(value == dz_value(z), "%d: %a, not %a", odd, value, dz_value(z));
    free(work);
    dz_plan_free(p);
    dz_tape_free(t);
  }
}
END_TEST

SUITE(ONCE(recurrences), ONCE(branches_in_steps), ONCE(long_chains), ONCE(functions_in_steps),
      ONCE(zeros_in_steps), ONCE(one_of_another_kind), ONCE(functions_without_memory), ONCE(without_memory))
