/* Chains and equations at their ends: callbacks that break their promise, extents that cannot be, numbers
   that cannot be counted, and each node as the last. */
#include "dz/checkpoint.h"
#include "dz/implicit.h"
#include "dz/tensor.h"

#include "../on_tape.h"

#include <math.h>

/* ---- chains ---- */

typedef enum fault {
  NONE,
  BEGIN_FAILS,
  STEP_CLEARS, /* the tape, and makes its next state anew */
  STEP_OTHER_TAPE,
  STEP_OTHER_EXTENT,
  LOSS_OTHER_TAPE,
  LOSS_VECTOR,
  LOSS_NUMBER
} fault;

typedef struct breaker {
  fault how;
  dz_tape *other;
  size_t nodes; /* the tape may hold so many; 0: any */
} breaker;

static void begin(dz_tape *t, void *user) {
  const breaker *b = user;
  if (b->how == BEGIN_FAILS) (void)dz_add(dz_input(t, 1), dz_input(b->other, 1));
  if (b->nodes) dz_tape_limit(t, DZ_LIMIT_NODES, b->nodes);
}

/* x1' = sin(x0) p, x0' = x1 + q; x1 becomes active from x0 and p. */
static void step(dz_tape *t, size_t k, const dz_var *x, const dz_var *p, dz_var *next, void *user) {
  const breaker *b = user;
  (void)k;
  next[0] = dz_add(x[1], dz_sum(p[1], DZ_ALL, false));
  next[1] = dz_mul(dz_sin(x[0]), p[0]);
  if (b->how == STEP_CLEARS) {
    dz_tape_clear(t);
    next[1] = dz_leaf_tensor(t, DZ_ROLE_INPUT, DIMS(2), (double[]){1, 2});
    next[0] = dz_input(t, 3);
  }
  if (b->how == STEP_OTHER_TAPE) next[0] = dz_input(b->other, 1);
  if (b->how == STEP_OTHER_EXTENT) next[0] = x[0], next[1] = dz_leaf_tensor(t, DZ_ROLE_INPUT, DIMS(3), NULL);
}

static dz_var loss(dz_tape *t, const dz_var *x, const dz_var *p, void *user) {
  const breaker *b = user;
  (void)t, (void)p;
  if (b->how == LOSS_OTHER_TAPE) return dz_input(b->other, 1);
  if (b->how == LOSS_VECTOR) return x[1];
  if (b->how == LOSS_NUMBER) return dz_num(7);
  return dz_add(dz_mul(x[0], x[0]), dz_sum(dz_exp(x[1]), DZ_ALL, false));
}

static dz_status run_chain(const dz_chain *c, size_t budget, double *value, dz_error *e) {
  dz_checkpoint_cost cost;
  dz_checkpoint_schedule plan;
  dz_status s = dz_checkpoint_measure(c, NULL, &cost, e);
  if (!s) s = dz_checkpoint_plan(c->steps, &cost, budget, &plan, e);
  return s ? s : dz_checkpoint_run(c, &plan, NULL, value, e);
}

/* All in one: what the test changes before it runs. */
typedef struct sample {
  breaker b;
  size_t two[1], three[1];
  double gx[1], gy[2], gp[1];
  dz_chain_leaf state[2], param[2];
  dz_chain chain;
} sample;

static void sample_of(sample *s, fault how, dz_tape *other) {
  static const double one = .5, p = 1.25, q[] = {.25, -.5, 1};
  *s = (sample){.b = {how, other, 0}, .two = {2}, .three = {3}};
  s->state[0] = (dz_chain_leaf){0, NULL, &one, s->gx};
  s->state[1] = (dz_chain_leaf){1, s->two, NULL, NULL}; /* from 0 */
  s->param[0] = (dz_chain_leaf){0, NULL, &p, s->gp};
  s->param[1] = (dz_chain_leaf){1, s->three, q, NULL};
  s->chain = (dz_chain){5, 2, 2, s->state, s->param, begin, step, loss, &s->b};
}

static void step_scalar(dz_tape *t, size_t k, const dz_var *x, const dz_var *p, dz_var *next, void *user) {
  (void)t, (void)k, (void)user;
  next[0] = dz_mul(x[0], p[0]);
}
static dz_var loss_scalar(dz_tape *t, const dz_var *x, const dz_var *p, void *user) {
  (void)t, (void)p, (void)user;
  return x[0];
}

/* x0' = x1, x1' = x2, x2' = p: each step one state more gradients flow through. */
static void step_shift(dz_tape *t, size_t k, const dz_var *x, const dz_var *p, dz_var *next, void *user) {
  (void)t, (void)k, (void)user;
  next[0] = x[1], next[1] = x[2], next[2] = dz_mul(p[0], 2);
}

static dz_var loss_shift(dz_tape *t, const dz_var *x, const dz_var *p, void *user) {
  (void)t, (void)p, (void)user;
  return dz_add(x[0], dz_add(dz_mul(x[1], 3), dz_mul(x[2], 5)));
}

/* Of the loss x0 + 3 x1 + 5 x2 each step that is the parameter's makes one coefficient more its own. What is
   measured in so few steps is enough for all. */
START_TEST(states_that_become_active) {
  static const double want[] = {0, 10, 16, 18, 18, 18};
  const double x[] = {1, 2, 4}, p = 7;
  for (size_t steps = 0; steps < COUNT(want); steps++) {
    double g = -1, value;
    dz_chain_leaf state[3], param = {0, NULL, &p, &g};
    dz_checkpoint_cost cost;
    dz_error e;
    for (int k = 0; k < 3; k++) state[k] = (dz_chain_leaf){0, NULL, &x[k], NULL};
    const dz_chain c = {steps, 3, 1, state, &param, NULL, step_shift, loss_shift, NULL};
    ck_assert_int_eq(dz_checkpoint_measure(&c, NULL, &cost, &e), DZ_OK);
    ck_assert_int_eq(run_chain(&c, cost.work, &value, &e), DZ_OK);
    ck_assert_msg(g == want[steps], "%zu steps: %g", steps, g);
  }
}
END_TEST

static void step_of_nothing(dz_tape *t, size_t k, const dz_var *x, const dz_var *p, dz_var *next,
                            void *user) {
  (void)t, (void)k, (void)x, (void)p, (void)next;
  ++*(int *)user;
}
static dz_var loss_of_nothing(dz_tape *t, const dz_var *x, const dz_var *p, void *user) {
  (void)x, (void)p, (void)user;
  return dz_exp(dz_input(t, 0));
}

START_TEST(chains_without_leaves) {
  int taken = 0;
  double value = 0;
  dz_error e;
  const dz_chain c = {3, 0, 0, NULL, NULL, NULL, step_of_nothing, loss_of_nothing, &taken};
  ck_assert_int_eq(run_chain(&c, SIZE_MAX, &value, &e), DZ_OK);
  ck_assert(value == 1 && taken > 0);
}
END_TEST

START_TEST(promises_broken) {
  static const struct {
    fault how;
    dz_status status;
  } cases[] = {{BEGIN_FAILS, DZ_ERR_HANDLE},
               {STEP_CLEARS, DZ_ERR_HANDLE},
               {STEP_OTHER_TAPE, DZ_ERR_HANDLE},
               {STEP_OTHER_EXTENT, DZ_ERR_SHAPE},
               {LOSS_OTHER_TAPE, DZ_ERR_HANDLE},
               {LOSS_VECTOR, DZ_ERR_SHAPE},
               {LOSS_NUMBER, DZ_OK}};
  for (size_t k = 0; k < COUNT(cases); k++) {
    sample s;
    dz_error e;
    double value = 0;
    sample_of(&s, cases[k].how, tape);
    s.state[1].gradient = s.gy;
    /* state 1 of [2], next of [3] elements by sin(x0) p: the first is a scalar then, so write it as one */
    s.state[1].rank = cases[k].how == STEP_CLEARS || cases[k].how == STEP_OTHER_EXTENT ? 1 : 0;
    if (cases[k].how == LOSS_VECTOR) {
      s.chain.steps = 0;
      s.state[1].rank = 1;
    }
    const dz_status status = run_chain(&s.chain, SIZE_MAX, &value, &e);
    ck_assert_msg(status == cases[k].status, "fault %d: %d, %s", (int)cases[k].how, status, e.message);
    if (!status) ck_assert(value == 7 && s.gx[0] == 0 && s.gp[0] == 0);
    ck_assert_int_eq(run_chain(&s.chain, SIZE_MAX, &value, NULL), status);
    dz_tape_forgive(tape);
  }
}
END_TEST

START_TEST(chains_that_cannot_be) {
  const size_t huge[] = {SIZE_MAX / 16, 4}, large[] = {SIZE_MAX / 64 - 4};
  dz_checkpoint_cost cost;
  dz_checkpoint_schedule plan = {.steps = 5};
  double value;
  dz_error e;
  sample s;
  static const struct {
    int rank;
    bool dims;
    dz_status status;
  } leaves[] = {{-1, true, DZ_ERR_ARGUMENT},
                {9, true, DZ_ERR_ARGUMENT},
                {1, false, DZ_ERR_ARGUMENT},
                {2, true, DZ_ERR_SHAPE}};
  for (size_t k = 0; k < COUNT(leaves); k++)
    for (int param = 0; param < 2; param++) {
      sample_of(&s, NONE, tape);
      dz_chain_leaf *x = param ? &s.param[1] : &s.state[1];
      x->rank = leaves[k].rank;
      x->dims = leaves[k].dims ? huge : NULL;
      ck_assert_int_eq(dz_checkpoint_measure(&s.chain, NULL, &cost, &e), leaves[k].status);
      plan.steps = s.chain.steps;
      value = 5;
      ck_assert_int_eq(dz_checkpoint_run(&s.chain, &plan, NULL, &value, &e), leaves[k].status);
      ck_assert(value == 5);
    }
  plan.steps = 5;
  sample_of(&s, NONE, tape); /* each can be, both cannot */
  s.state[0] = s.state[1] = (dz_chain_leaf){1, large, NULL, NULL};
  ck_assert_int_eq(dz_checkpoint_measure(&s.chain, NULL, &cost, &e), DZ_ERR_SHAPE);
  for (int missing = 0; missing < 7; missing++) {
    sample_of(&s, NONE, tape);
    if (missing == 0) s.chain.state = NULL;
    if (missing == 1) s.chain.param = NULL;
    if (missing == 2) s.chain.step = NULL;
    if (missing == 3) s.chain.loss = NULL;
    if (missing == 4) s.chain.states = SIZE_MAX;
    if (missing == 5) s.chain.params = SIZE_MAX;
    const dz_chain *c = missing == 6 ? NULL : &s.chain;
    ck_assert_int_eq(dz_checkpoint_measure(c, NULL, &cost, &e), DZ_ERR_ARGUMENT);
    ck_assert_int_eq(dz_checkpoint_run(c, &plan, NULL, &value, &e), DZ_ERR_ARGUMENT);
  }
  sample_of(&s, NONE, tape);
  ck_assert_int_eq(dz_checkpoint_measure(&s.chain, NULL, NULL, NULL), DZ_ERR_ARGUMENT);
  ck_assert_int_eq(dz_checkpoint_run(&s.chain, NULL, NULL, &value, &e), DZ_ERR_ARGUMENT);
  ck_assert_int_eq(dz_checkpoint_run(&s.chain, &plan, NULL, NULL, &e), DZ_ERR_ARGUMENT);
  ck_assert_int_eq(dz_checkpoint_plan(5, NULL, 1, &plan, &e), DZ_ERR_ARGUMENT);
  ck_assert_int_eq(dz_checkpoint_plan(5, &cost, 1, NULL, NULL), DZ_ERR_ARGUMENT);
}
END_TEST

static void step_past_a_root(dz_tape *t, size_t k, const dz_var *x, const dz_var *p, dz_var *next,
                             void *user) {
  (void)t, (void)user;
  next[0] = k < 3 ? dz_sqrt(x[0]) : k == 3 ? dz_mul(p[0], 3) : dz_mul(x[0], 2);
}

/* The state of step 3 is read by nothing, long after the first steps in reverse: so what comes before has no
   slope, though the root's is infinite. */
START_TEST(roots_that_nothing_reads) {
  const double x0 = 0, p = 1;
  double gx, gp, value;
  const dz_chain_leaf start = {0, NULL, &x0, &gx}, param = {0, NULL, &p, &gp};
  const dz_chain c = {8, 1, 1, &start, &param, NULL, step_past_a_root, loss_scalar, NULL};
  dz_checkpoint_cost cost;
  dz_error e;
  ck_assert_int_eq(dz_checkpoint_measure(&c, NULL, &cost, &e), DZ_OK);
  for (size_t kept = 0; kept < 8; kept++) {
    ck_assert_int_eq(run_chain(&c, cost.work + kept * cost.state, &value, &e), DZ_OK);
    ck_assert_msg(value == 48 && gp == 48 && gx == 0, "%g, %g, %g", value, gp, gx);
  }
}
END_TEST

/* x -> p x, n times: p^n x0, with n p^(n-1) x0 and p^n. A parameter that nobody set is 0. */
START_TEST(plans_that_are_not_kept) {
  const double x0 = 3, p = 2;
  double gx, gp, value;
  dz_chain_leaf start = {0, NULL, &x0, &gx}, param = {0, NULL, &p, &gp};
  dz_chain c = {4, 1, 1, &start, &param, NULL, step_scalar, loss_scalar, NULL};
  dz_checkpoint_cost cost;
  dz_checkpoint_schedule plan;
  dz_error e;
  ck_assert_int_eq(dz_checkpoint_measure(&c, NULL, &cost, &e), DZ_OK);
  ck_assert_int_eq(dz_checkpoint_plan(4, &cost, SIZE_MAX, &plan, &e), DZ_OK);
  ck_assert_int_eq(dz_checkpoint_run(&c, &plan, NULL, &value, NULL), DZ_OK);
  ck_assert(value == 48 && gp == 96 && gx == 16);
  const dz_checkpoint_schedule right = plan;
  for (size_t peak = 1; peak < right.peak; peak += 1 + peak / 8) {
    plan.peak = peak;
    ck_assert_int_eq(dz_checkpoint_run(&c, &plan, NULL, &value, peak % 2 ? NULL : &e), DZ_ERR_LIMIT);
  }
  plan = right;
  plan.kept = SIZE_MAX;
  ck_assert_int_eq(dz_checkpoint_run(&c, &plan, NULL, &value, &e), DZ_ERR_MEMORY);
  plan.kept = SIZE_MAX / 4096;
  ck_assert_int_ne(dz_checkpoint_run(&c, &plan, NULL, &value, &e), DZ_OK);
  c.steps = 0;
  ck_assert_int_eq(dz_checkpoint_plan(0, &cost, SIZE_MAX, &plan, &e), DZ_OK);
  plan.peak = 64;
  ck_assert_int_eq(dz_checkpoint_run(&c, &plan, NULL, &value, &e), DZ_ERR_LIMIT);
  c.steps = 4;
  param.values = NULL;
  ck_assert_int_eq(run_chain(&c, SIZE_MAX, &value, &e), DZ_OK);
  ck_assert(value == 0 && gp == 0 && gx == 0);
  /* gradients reach the first state after so many steps only */
  dz_chain_leaf three[3] = {{0, NULL, &x0, NULL}, {0, NULL, &x0, NULL}, {0, NULL, &x0, NULL}};
  c = (dz_chain){4, 3, 1, three, &param, NULL, step_shift, loss_scalar, NULL};
  param.values = &p;
  ck_assert_int_eq(run_chain(&c, SIZE_MAX, &value, &e), DZ_OK);
  ck_assert(value == 4 && gp == 2);
}
END_TEST

/* The nodes of a run end somewhere: the answer is DZ_ERR_LIMIT, and with more of them the right one. */
START_TEST(nodes_of_a_chain) {
  const double x0 = .5, p = 1.25, zero = 0;
  double gx, gp, value = 0, right = 0;
  bool done = false;
  for (size_t nodes = 1; !done; nodes++) {
    breaker b = {NONE, tape, nodes};
    dz_chain_leaf start[2] = {{0, NULL, &x0, &gx}, {0, NULL, &zero, NULL}};
    dz_chain_leaf param[2] = {{0, NULL, &p, &gp}, {0, NULL, &zero, NULL}};
    const dz_chain c = {3, 2, 2, start, param, begin, step, loss, &b};
    dz_error e;
    const dz_status s = run_chain(&c, 1 << 16, &value, &e);
    ck_assert_msg(s == DZ_OK || s == DZ_ERR_LIMIT, "%zu nodes: %s", nodes, e.message);
    done = s == DZ_OK;
    /* x0, sin(x0) p, sin(0) p = 0, sin(sin(x0) p) p; x1: 0, sin(x0) p, ... */
    right = sin(x0) * p;
  }
  /* states after 3 steps: x0 = x1 of step 2 = sin(x0 of step 1) p = sin(0) p = 0, x1 = sin(x0 of step 2) p */
  ck_assert(value == 0 * 0 + exp(sin(right) * p));
}
END_TEST

/* Whole numbers for products of two sizes. */
#ifdef __SIZEOF_INT128__
__extension__ typedef unsigned __int128 whole;
#else
typedef uint64_t whole; /* where sizes have 32 bits */
#endif

/* n + r n - C(c + r, r - 1) evaluations with c = kept + 1, where that can be counted. */
START_TEST(long_schedules_have_an_end) {
  const dz_checkpoint_cost cost = {1, 0}, nothing = {0, 10};
  dz_checkpoint_schedule plan;
  static const size_t steps[] = {
      1, 2, 3, 1000, (SIZE_MAX >> 16 >> 16) + 1, SIZE_MAX / 4 + 1, SIZE_MAX / 2, SIZE_MAX - 1, SIZE_MAX};
  static const size_t kept[] = {0, 1, 2, 3, 7, 62, 1000, SIZE_MAX >> 24};
  for (size_t i = 0; i < COUNT(steps); i++)
    for (size_t j = 0; j < COUNT(kept); j++) {
      if (kept[j] == 1 && steps[i] >> 16 >> 24) continue; /* some 10^9 repeats, one by one */
      ck_assert_int_eq(dz_checkpoint_plan(steps[i], &cost, kept[j], &plan, NULL), DZ_OK);
      const whole n = steps[i], c = (whole)plan.kept + 1, many = 100000;
      whole r = 0, reach = 1, lost = 1; /* C(c + r, c), C(c + r, r - 1) */
      if (plan.kept == 0) {
        reach = n * (n + 1) / 2;
      } else {
        while (reach < n && r < many) r++, reach = reach * (c + r) / r;
        for (whole k = 1; k < r; k++) lost = lost * (c + 1 + k) / k;
        reach = r > 0 ? n + r * n - lost : n;
      }
      if (r >= many) continue; /* it takes too long to say */
      if (reach < SIZE_MAX / 2)
        ck_assert_msg(plan.evaluations == reach, "%zu steps, %zu: %zu, not %zu", steps[i], plan.kept,
                      plan.evaluations, (size_t)reach);
      else
        ck_assert_uint_ge(plan.evaluations, SIZE_MAX / 4);
    }
  ck_assert_int_eq(dz_checkpoint_plan(10, &nothing, 10, &plan, NULL), DZ_OK);
  ck_assert(plan.kept == 8 && plan.peak == 10 && plan.evaluations == 19);
}
END_TEST

/* ---- equations ---- */

typedef enum flaw { SQUARE, OTHER, CLEARS, EXTENT, RANK, INVALID, NUMBER, NANS, SLOW, FIXED, CREEPS } flaw;
typedef struct equation {
  flaw how;
  dz_tape *other;
  bool empty; /* x has no elements */
} equation;

static dz_var G(dz_tape *t, dz_var x, void *user) {
  const equation *e = user;
  switch (e->how) {
  case OTHER:
    return dz_input(e->other, 1);
  case CLEARS:
    dz_tape_clear(t);
    return e->empty ? dz_leaf_tensor(t, DZ_ROLE_INPUT, DIMS(0), NULL) : dz_input(t, 1);
  case CREEPS: /* halves x, and says that it does not depend on it */
    return dz_stop(dz_mul(x, .5));
  case EXTENT:
    return dz_leaf_tensor(t, DZ_ROLE_INPUT, DIMS(3), NULL);
  case RANK:
    return dz_sum(x, DZ_ALL, false);
  case INVALID:
    return (dz_var){0};
  case NUMBER:
    return dz_num(1);
  case NANS:
    return dz_mul(x, (double)NAN);
  case SLOW: /* creeps towards 0 */
    return dz_mul(x, .999);
  case FIXED:
    return dz_cos(x);
  default:
    return dz_sub(dz_mul(x, x), 2);
  }
}

static void expect_status(dz_var x, dz_status status, int line) {
  ck_assert_msg(dz_valid(x) == (status == DZ_OK) && dz_tape_error(tape)->status == status, "line %d: %d, %s",
                line, dz_tape_error(tape)->status, dz_tape_error(tape)->message);
  dz_tape_forgive(tape);
}

START_TEST(equations_that_cannot_be) {
  dz_tape *other = dz_tape_new(NULL);
  const double start[] = {1, 2};
  static const struct {
    flaw how;
    int rank;
    dz_status root, fixed;
  } cases[] = {{OTHER, 0, DZ_ERR_HANDLE, DZ_ERR_HANDLE}, {EXTENT, 1, DZ_ERR_SHAPE, DZ_ERR_SHAPE},
               {RANK, 1, DZ_ERR_SHAPE, DZ_ERR_SHAPE},    {INVALID, 0, DZ_ERR_HANDLE, DZ_ERR_HANDLE},
               {NUMBER, 0, DZ_ERR_ARGUMENT, DZ_OK},      {NANS, 0, DZ_ERR_ARGUMENT, DZ_ERR_LIMIT},
               {NANS, 1, DZ_ERR_ARGUMENT, DZ_ERR_LIMIT}, {SLOW, 0, DZ_OK, DZ_ERR_LIMIT},
               {SQUARE, 0, DZ_OK, DZ_ERR_LIMIT},         {CLEARS, 0, DZ_ERR_HANDLE, DZ_ERR_HANDLE}};
  for (size_t k = 0; k < COUNT(cases); k++)
    for (int fixed = 0; fixed < 2; fixed++) {
      equation e = {cases[k].how, other, false};
      const dz_var at =
          cases[k].rank ? dz_leaf_tensor(tape, DZ_ROLE_INPUT, DIMS(2), start) : dz_input(tape, 1.5);
      const dz_implicit_options few = {.limit = 100};
      const dz_var x = fixed ? dz_fixed_point(tape, G, &e, at, &few) : dz_root(tape, G, &e, at, &few);
      expect_status(x, fixed ? cases[k].fixed : cases[k].root, 1000 + 2 * (int)k + fixed);
    }
  equation e = {SQUARE, other, false};
  const dz_implicit_options wrong[] = {
      {.limit = -1}, {.order = -1}, {.tolerance = -1}, {.tolerance = (double)NAN}};
  for (size_t k = 0; k < COUNT(wrong); k++)
    expect_status(dz_root(tape, G, &e, 1, &wrong[k]), DZ_ERR_ARGUMENT, __LINE__);
  expect_status(dz_root(tape, NULL, &e, 1, NULL), DZ_ERR_ARGUMENT, __LINE__);
  expect_status(dz_root(tape, G, &e, dz_input(other, 1), NULL), DZ_ERR_HANDLE, __LINE__);
  ck_assert(!dz_valid(dz_root(NULL, G, &e, 1, NULL)));
  (void)dz_add(dz_input(tape, 1), dz_input(other, 1));
  ck_assert(!dz_valid(dz_root(tape, G, &e, 1, NULL))); /* a tape in error */
  dz_tape_free(other);
}
END_TEST

/* The equation is asked once and takes the tape away, which is seen when x is to be recorded. */
START_TEST(nothing_that_is_solved) {
  equation e = {.how = CLEARS, .empty = true};
  const dz_var none = dz_leaf_tensor(tape, DZ_ROLE_INPUT, DIMS(0), NULL);
  expect_status(dz_root(tape, G, &e, none, &(dz_implicit_options){.solved = true}), DZ_ERR_HANDLE, __LINE__);
}
END_TEST

/* From 1 by halves: the 40th change is 2^-40 of the largest x, which is 1. Newton's steps are halves too,
   three behind those, where no change is small beside x, and the recorded one. */
START_TEST(steps_that_do_not_converge) {
  equation e = {.how = CREEPS};
  const dz_var x = dz_fixed_point(tape, G, &e, 1, NULL);
  ck_assert_int_eq(dz_tape_error(tape)->status, DZ_OK);
  ck_assert_msg(dz_value(x) == 0x1p-44, "%a", dz_value(x));
}
END_TEST

/* sqrt(2) and the cosine's fixed point, on a tape that ends somewhere. */
START_TEST(nodes_of_an_equation) {
  static const dz_implicit_options how[] = {{.order = 2}, {.solved = true}};
  for (int fixed = 0; fixed < 2; fixed++)
    for (int rank = 0; rank < 3; rank++)
      for (size_t o = 0; o < COUNT(how); o++) {
        equation e = {fixed ? FIXED : SQUARE, NULL, false};
        const double solution = fixed ? 0.7390851332151607 : sqrt(2);
        const double begin[] = {o ? solution : 1, o ? solution : 1.25};
        const size_t dims[] = {2, 1};
        bool done = false;
        for (size_t nodes = 0; !done; nodes++) {
          dz_tape *t = dz_tape_new(NULL);
          const dz_var at =
              rank ? dz_leaf_tensor(t, DZ_ROLE_INPUT, rank, dims, begin) : dz_input(t, begin[0]);
          dz_tape_limit(t, DZ_LIMIT_NODES, 1 + nodes);
          const dz_var x = fixed ? dz_fixed_point(t, G, &e, at, &how[o]) : dz_root(t, G, &e, at, &how[o]);
          done = dz_valid(x);
          ck_assert_int_eq(dz_tape_error(t)->status, done ? DZ_OK : DZ_ERR_LIMIT);
          if (done) ck_assert(fabs(dz_values(x)[0] - solution) <= 4 * 0x1p-53);
          dz_tape_free(t);
        }
      }
}
END_TEST

SUITE_ON_TAPE(ONCE(states_that_become_active), ONCE(chains_without_leaves), ONCE(nothing_that_is_solved),
              ONCE(steps_that_do_not_converge), ONCE(promises_broken), ONCE(chains_that_cannot_be),
              ONCE(roots_that_nothing_reads), ONCE(plans_that_are_not_kept), ONCE(nodes_of_a_chain),
              ONCE(long_schedules_have_an_end), ONCE(equations_that_cannot_be), ONCE(nodes_of_an_equation))
