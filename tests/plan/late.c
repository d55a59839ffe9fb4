/* What steps add to numbers outside of them is added behind the steps of a block, in the tape's order: bit
   for bit. And the state behind the last step, which is a result like those of other steps. */
#include "dice.h"
#include "dz/dz.h"
#include "plan/plan.h"
#include "soil.h"
#include "suite.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LEAVES = 6, MOST_STEPS = 600, KINDS = 7 };

typedef struct room {
  dz_tape *t;
  dz_var x[LEAVES], stream[MOST_STEPS], h, g;
} room;

/* One step of kind k: how leaves are taken into it. Each operation has a statement, since C does not say in
   which order operands are computed: the tape's order of additions hangs on it. */
static void step(room *r, int kind, int i) {
  const dz_var *x = r->x, h = r->h, g = r->g;
  dz_var u, v;
  switch (kind) {
  case 0: /* products added, and subtracted */
    v = dz_mul(g, x[3]);
    u = dz_mul(h, x[2]);
    r->h = dz_sub(u, v);
    r->g = dz_tanh(h);
    break;
  case 1: /* added and subtracted themselves */
    u = dz_sub(dz_sin(h), x[2]);
    r->h = dz_tanh(dz_add(u, x[3]));
    v = dz_add(g, x[4]);
    r->g = dz_tanh(dz_sub(v, h));
    break;
  case 2: /* twice in one step */
    v = dz_mul(g, x[2]);
    u = dz_mul(h, x[2]);
    r->h = dz_tanh(dz_add(u, v));
    r->g = dz_div(h, x[3]);
    break;
  case 3: /* times numbers that are others in each step */
    v = dz_mul(x[3], 1. / (i + 3));
    u = dz_mul(h, x[2]);
    r->h = dz_tanh(dz_add(u, v));
    r->g = dz_mul(g, x[4]);
    break;
  case 4: /* times data */
    v = dz_mul(x[3], r->stream[i]);
    u = dz_mul(h, x[2]);
    r->h = dz_tanh(dz_add(u, v));
    u = dz_mul(h, x[4]);
    r->g = dz_sub(g, u);
    break;
  case 5: /* a leaf that passes a mask, and a quotient of leaves */
    v = dz_fmax(g, x[2]);
    r->h = dz_tanh(dz_add(h, v));
    v = dz_add(g, h);
    u = dz_div(x[3], x[4]);
    r->g = dz_mul(u, v);
    break;
  default: /* a square */
    u = dz_mul(h, h);
    r->h = dz_sin(dz_add(u, x[2]));
    v = dz_sub(g, h);
    r->g = dz_mul(v, x[3]);
  }
}

static void set_up(room *r, int kind, bool active, int steps) {
  static const double at[LEAVES] = {.1, .3, .5, .7, .55, .35};
  r->t = dz_tape_new(NULL);
  for (int k = 0; k < LEAVES; k++) r->x[k] = dz_input(r->t, at[k]);
  for (int i = 0; i < steps; i++) r->stream[i] = (active ? dz_input : dz_data)(r->t, .1 + .3 / (i + 1));
  r->h = r->x[0], r->g = r->x[1];
  for (int i = 0; i < steps; i++) step(r, kind, i);
}

static size_t leaves_of(const room *r, int kind, int steps, dz_var *to) {
  size_t n = 0;
  for (int k = 0; k < LEAVES; k++) to[n++] = r->x[k];
  for (int i = 0; i < steps && kind == 4; i++) to[n++] = r->stream[i];
  return n;
}

/* How many numbers each kind adds to behind a block: those that it adds to once. A stream's adjoints are an
   array, of which each step adds to one: then none. */
static size_t late_of(int kind, bool active) {
  static const size_t late[KINDS] = {2, 2, 1, 2, 2, 2, 1};
  return active && kind == 4 ? 0 : late[kind];
}

/* The plan of the last h gives the tape's numbers. */
static void compare(room *r, int kind, bool active, int steps) {
  static dz_var leaf[LEAVES + MOST_STEPS];
  static double in[LEAVES + MOST_STEPS], gradient[LEAVES + MOST_STEPS];
  const size_t n = leaves_of(r, kind, steps, leaf);
  double value;
  for (size_t k = 0; k < n; k++) in[k] = dz_value(leaf[k]);
  dz_plan *p = dz_plan_new(1, &r->h, (int)n, leaf, NULL, NULL);
  void *work = malloc(dz_plan_memory(p));
  soil(work, dz_plan_memory(p));
  ck_assert_uint_eq(dz_plan_facts_of(p).loops, 1);
  const dz__parts *parts = &p->program.loop[0].parts;
  ck_assert_uint_eq(parts->sums - parts->adjoints, late_of(kind, active));
  ck_assert_int_eq(dz_backward(r->h), DZ_OK);
  ck_assert_int_eq(dz_plan_run(p, in, &value, gradient, work), DZ_OK);
  ck_assert_double_eq(value, dz_value(r->h));
  for (size_t k = 0; k < n; k++) {
    const double here = dz_is_active(leaf[k]) ? dz_adjoint(leaf[k]) : 0;
    ck_assert_msg(gradient[k] == here, "kind %d, %d steps: gradient %zu is %.17g, not %.17g", kind, steps, k,
                  gradient[k], here);
  }
  free(work);
  dz_plan_free(p);
}

/* Fewer steps than a block has, a block's, and more. */
START_TEST(orders) {
  static const int steps[] = {40, 256, 257, MOST_STEPS};
  for (size_t n = 0; n < COUNT(steps); n++)
    for (int active = 0; active < 2; active++) {
      static room r;
      set_up(&r, _i, active, steps[n]);
      compare(&r, _i, active, steps[n]);
      dz_tape_free(r.t);
    }
}
END_TEST

/* ---- cells of many units: lists of flows, and runs in them ---- */

enum { UNITS = 6, SIZE = UNITS * UNITS + UNITS, WIRINGS = 7 };

typedef struct cell {
  dz_tape *t;
  dz_var leaf[SIZE], h[UNITS], y; /* weights, and what is added to each unit */
} cell;

/* Which weight takes unit j to unit i: row by row, column by column, backwards; one twice in a step; seven
   apart, round and round. */
static int weight(int wiring, int i, int j) {
  const int row = UNITS * i + j, all = UNITS * UNITS;
  switch (wiring) {
  case 1:
    return UNITS * j + i;
  case 2:
    return all - 1 - row;
  case 3:
    return row == 8 ? 3 : row;
  case 4:
    return row * 7 % all;
  default:
    return row;
  }
}

/* Terms that are products, and one that is none; wiring 5 subtracts all products, 6 every third one. */
static void next_state(cell *c, int wiring) {
  dz_var next[UNITS];
  for (int i = 0; i < UNITS; i++) {
    dz_var z = c->leaf[UNITS * UNITS + i];
    for (int j = 0; j < UNITS; j++) {
      const dz_var x = dz_mul(c->leaf[weight(wiring, i, j)], c->h[j]);
      z = (wiring == 5 || (wiring == 6 && (i + j) % 3 == 0) ? dz_sub : dz_add)(z, x);
    }
    next[i] = dz_tanh(z);
  }
  memcpy(c->h, next, sizeof next);
}

static void set_up_cell(cell *c, int wiring, int steps) {
  dice d = {5};
  c->t = dz_tape_new(NULL);
  for (int k = 0; k < SIZE; k++) c->leaf[k] = dz_input(c->t, (double)(roll(&d) % 97) / 97 - .4);
  for (int i = 0; i < UNITS; i++) c->h[i] = dz_data(c->t, .1 * i - .2);
  for (int k = 0; k < steps; k++) next_state(c, wiring);
  c->y = c->h[0];
  for (int i = 1; i < UNITS; i++) {
    const dz_var x = dz_mul(c->h[i], .3 * i);
    c->y = dz_add(c->y, x);
  }
}

/* Products that are part of a run, of the values and of the adjoints. */
static size_t in_runs(const dz__loop *l, dz__step_op op) {
  size_t n = 0;
  for (size_t k = 0; k < l->packed.n; k++) {
    const dz__instruction *i = &l->packed.at[k];
    const bool sum = op == DZ__I_SUM;
    if (i->op != op) continue;
    for (uint32_t j = 0; j < (sum ? i->b : i->c); j++) {
      const uint32_t more = dz__run_of(l->packed.list[(sum ? i->a : i->b) + 3 * (size_t)j]);
      n += more > 1 ? more : 0;
    }
  }
  return n;
}

static const dz__loop *the_sequence(const dz_plan *p) {
  const dz__loop *found = NULL;
  for (size_t k = 0; k < p->program.loops; k++)
    if (p->program.loop[k].sequence) found = &p->program.loop[k];
  ck_assert_ptr_nonnull(found);
  return found;
}

/* All weights wait but two, which are one in step; a run is all added or all subtracted. */
START_TEST(cells) {
  static const int steps[] = {40, 300};
  static const size_t late[WIRINGS] = {42, 42, 42, 40, 42, 42, 42};
  static const size_t sums[WIRINGS] = {30, 30, 30, 25, 23, 30, 0},
                      flows[WIRINGS] = {30, 30, 30, 23, 23, 30, 0};
  for (size_t n = 0; n < COUNT(steps); n++) {
    cell c;
    set_up_cell(&c, _i, steps[n]);
    double in[SIZE], gradient[SIZE], value;
    for (int k = 0; k < SIZE; k++) in[k] = dz_value(c.leaf[k]);
    dz_plan *p = dz_plan_new(1, &c.y, SIZE, c.leaf, NULL, NULL);
    void *work = malloc(dz_plan_memory(p));
    soil(work, dz_plan_memory(p));
    const dz__loop *l = the_sequence(p);
    ck_assert_uint_eq(l->parts.sums - l->parts.adjoints, late[_i]);
    ck_assert_uint_eq(in_runs(l, DZ__I_SUM), sums[_i]);
    ck_assert_uint_eq(in_runs(l, DZ__I_RSUM), flows[_i]);
    ck_assert_int_eq(dz_backward(c.y), DZ_OK);
    ck_assert_int_eq(dz_plan_run(p, in, &value, gradient, work), DZ_OK);
    ck_assert_double_eq(value, dz_value(c.y));
    for (int k = 0; k < SIZE; k++)
      ck_assert_msg(gradient[k] == dz_adjoint(c.leaf[k]),
                    "wiring %d, %d steps: gradient %d is %.17g, not %.17g", _i, steps[n], k, gradient[k],
                    dz_adjoint(c.leaf[k]));
    free(work);
    dz_plan_free(p);
    dz_tape_free(c.t);
  }
}
END_TEST

/* A copy of an adjoint that is read so much later that its original is long gone. */
START_TEST(copies_far_away) {
  enum { STEPS = 20 };
  for (int between = 1; between <= 128; between *= 2) {
    static room r;
    set_up(&r, 0, false, 0);
    for (int i = 0; i < STEPS; i++) {
      dice d = {77};
      dz_var c = r.h;
      const dz_var u = dz_sin(dz_mul(r.h, r.x[2]));
      for (int k = 0; k < between; k++) /* not in turns: that would be a recurrence of its own */
        c = roll(&d) % 2 ? dz_tanh(dz_mul(c, r.x[3])) : dz_sin(dz_sub(c, r.x[4]));
      r.h = dz_tanh(dz_add(u, c));
    }
    dz_plan *p = dz_plan_new(1, &r.h, LEAVES, r.x, NULL, NULL);
    const double in[LEAVES] = {.1, .3, .5, .7, .55, .35};
    double value, gradient[LEAVES];
    void *work = malloc(dz_plan_memory(p));
    soil(work, dz_plan_memory(p));
    ck_assert_uint_ge(dz_plan_facts_of(p).loops, 1);
    ck_assert_int_eq(dz_backward(r.h), DZ_OK);
    ck_assert_int_eq(dz_plan_run(p, in, &value, gradient, work), DZ_OK);
    ck_assert_double_eq(value, dz_value(r.h));
    for (int k = 0; k < LEAVES; k++) ck_assert_double_eq(gradient[k], dz_adjoint(r.x[k]));
    free(work);
    dz_plan_free(p);
    dz_tape_free(r.t);
  }
}
END_TEST

/* Wanted of the last step only, of another one only, of both: values and gradients. */
START_TEST(states_that_are_results) {
  enum { STEPS = 40 };
  for (int which = 1; which < 8; which++) {
    dz_tape *t = dz_tape_new(NULL);
    const double in[] = {.5, .9};
    const dz_var x[] = {dz_input(t, in[0]), dz_input(t, in[1])};
    dz_var h = x[0], y = dz_num(0), inner = x[1];
    double value, gradient[2];
    for (int i = 0; i < STEPS; i++) {
      inner = dz_sin(h);
      h = dz_mul(inner, x[1]);
      if (i == STEPS / 2 && which & 1) y = dz_add(y, dz_mul(h, 3));
    }
    if (which & 2) y = dz_add(y, dz_mul(h, 5));
    if (which & 4) y = dz_add(y, dz_mul(inner, 7)); /* no state: no step reads it */
    dz_plan *p = dz_plan_new(1, &y, 2, x, NULL, NULL);
    void *work = malloc(dz_plan_memory(p));
    soil(work, dz_plan_memory(p));
    ck_assert_uint_ge(dz_plan_facts_of(p).loops, 1);
    ck_assert_int_eq(dz_backward(y), DZ_OK);
    ck_assert_int_eq(dz_plan_run(p, in, &value, gradient, work), DZ_OK);
    ck_assert_double_eq(value, dz_value(y));
    ck_assert_double_eq(gradient[0], dz_adjoint(x[0]));
    ck_assert_double_eq(gradient[1], dz_adjoint(x[1]));
    free(work);
    dz_plan_free(p);
    dz_tape_free(t);
  }
}
END_TEST

/* The workspace of a chain is what its steps hold and a few numbers: none for what only the last step gives.
 */
START_TEST(a_chain_takes_no_results) {
  size_t bytes[2];
  for (int k = 0; k < 2; k++) {
    dz_tape *t = dz_tape_new(NULL);
    const dz_var x[] = {dz_input(t, .5), dz_input(t, .9)};
    dz_var h = x[0];
    for (int i = 0; i < 1000 + 1000 * k; i++) h = dz_mul(h, x[1]);
    dz_plan *p = dz_plan_new(1, &h, 2, x, NULL, NULL);
    bytes[k] = dz_plan_memory(p);
    dz_plan_free(p);
    dz_tape_free(t);
  }
  ck_assert_uint_le(bytes[1] - bytes[0],
                    1000 * 3 * sizeof(double)); /* the registers: a state, two adjoints */
}
END_TEST

SUITE(BETWEEN(orders, 0, KINDS), BETWEEN(cells, 0, WIRINGS), ONCE(copies_far_away),
      ONCE(states_that_are_results), ONCE(a_chain_takes_no_results))
