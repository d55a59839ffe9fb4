/* Checkpointing refused: small budgets, parts that grow, steps that fail, and memory that runs out. */
#include "chains.h"

#include <stdio.h>

START_TEST(small_budgets) {
  model m;
  dz_error e;
  dz_checkpoint_schedule plan;
  char text[160];
  logistic(&m, 10);
  dz_checkpoint_cost cost = measured(&m);
  ck_assert_int_eq(dz_checkpoint_plan(10, &cost, cost.work - 1, &plan, &e), DZ_ERR_LIMIT);
  snprintf(text, sizeof text, "a budget of %zu bytes is too small: %zu are needed when no state is kept",
           cost.work - 1, cost.work);
  ck_assert_str_eq(e.message, text);
  ck_assert_uint_eq(plan.least, cost.work);
  ck_assert_int_eq(dz_checkpoint_plan(10, &cost, cost.work, &plan, &e), DZ_OK);
  ck_assert_uint_eq(plan.kept, 0);
  ck_assert_uint_eq(plan.evaluations, 55);
  ck_assert_int_eq(dz_checkpoint_plan(10, &cost, SIZE_MAX, &plan, NULL), DZ_OK);
  ck_assert_uint_eq(plan.kept, 8);
  ck_assert_uint_eq(plan.evaluations, 19);
  ck_assert_int_eq(dz_checkpoint_plan(10, NULL, 1, &plan, &e), DZ_ERR_ARGUMENT);
  ck_assert_int_eq(dz_checkpoint_plan(10, &cost, 1, NULL, &e), DZ_ERR_ARGUMENT);
}
END_TEST

/* The eighth step is larger than those that were measured. */
static void growing_step(dz_tape *t, size_t k, const dz_var *x, const dz_var *p, dz_var *next, void *user) {
  logistic_step(t, k, x, p, next, user);
  for (int i = 0; k == 7 && i < 3000; i++) next[0] = dz_add(dz_mul(next[0], .5), .125);
}

START_TEST(larger_steps) {
  model m;
  dz_error e;
  dz_checkpoint_schedule plan;
  peak p = {.most = 0};
  dz_allocator a = {peak_resize, &p};
  double value;
  char text[160];
  logistic(&m, 12);
  m.chain.step = growing_step;
  dz_checkpoint_cost cost = measured(&m);
  ck_assert_int_eq(dz_checkpoint_plan(12, &cost, SIZE_MAX, &plan, &e), DZ_OK);
  ck_assert_int_eq(dz_checkpoint_run(&m.chain, &plan, &a, &value, &e), DZ_ERR_LIMIT);
  snprintf(text, sizeof text,
           "step 7: a part of the run needs more than the measured one: the plan has %zu bytes", plan.peak);
  ck_assert_str_eq(e.message, text);
  ck_assert_uint_le(p.most, plan.peak);
  ck_assert_uint_eq(p.inner.blocks, 0);
}
END_TEST

/* Of no steps the loss alone may need more. */
static dz_var growing_loss(dz_tape *t, const dz_var *x, const dz_var *p, void *user) {
  dz_var y = first(t, x, p, user);
  for (int i = 0; of(user)->smaller && i < 3000; i++) y = dz_add(dz_mul(y, .5), .125);
  return y;
}

START_TEST(a_larger_loss) {
  model m;
  dz_error e;
  dz_checkpoint_schedule plan;
  double value;
  char text[160];
  logistic(&m, 0);
  m.chain.loss = growing_loss;
  dz_checkpoint_cost cost = measured(&m);
  m.smaller = true; /* than what comes now */
  ck_assert_int_eq(dz_checkpoint_plan(0, &cost, SIZE_MAX, &plan, &e), DZ_OK);
  ck_assert_int_eq(dz_checkpoint_run(&m.chain, &plan, NULL, &value, &e), DZ_ERR_LIMIT);
  snprintf(text, sizeof text, "a part of the run needs more than the measured one: the plan has %zu bytes",
           plan.peak);
  ck_assert_str_eq(e.message, text);
}
END_TEST

static void shapes_step(dz_tape *t, size_t k, const dz_var *x, const dz_var *p, dz_var *next, void *user) {
  (void)t, (void)p, (void)user;
  next[0] = k < 3 ? x[0] : dz_at(x[0], 0, 0);
}

static void forgetful_step(dz_tape *t, size_t k, const dz_var *x, const dz_var *p, dz_var *next, void *user) {
  (void)t, (void)k, (void)p, (void)user, (void)x, (void)next;
}

static void expect_failure(const dz_chain *c, size_t steps, dz_status status, const char *message) {
  dz_error e;
  dz_checkpoint_schedule plan = {.steps = steps, .peak = SIZE_MAX};
  double value;
  failing f = {0};
  dz_allocator a = failing_allocator(&f);
  ck_assert_int_eq(dz_checkpoint_run(c, &plan, &a, &value, NULL), status);
  ck_assert_int_eq(dz_checkpoint_run(c, &plan, &a, &value, &e), status);
  ck_assert_int_eq(e.status, status);
  ck_assert_str_eq(e.message, message);
  ck_assert_uint_eq(f.blocks, 0);
}

START_TEST(failures) {
  model m;
  double value;
  dz_checkpoint_cost cost;
  dz_checkpoint_schedule plan = {.steps = 5, .peak = SIZE_MAX};
  logistic(&m, 9);
  m.fail_at = 6;
  expect_failure(&m.chain, 9, DZ_ERR_HANDLE, "step 6: an operand is no handle (all zero: never set?)");
  m.fail_at = 0;
  dz_error e;
  ck_assert_int_eq(dz_checkpoint_measure(&m.chain, NULL, &cost, &e), DZ_ERR_HANDLE);
  ck_assert_str_eq(e.message, "step 0: an operand is no handle (all zero: never set?)");
  m.chain.step = forgetful_step;
  expect_failure(&m.chain, 9, DZ_ERR_HANDLE,
                 "step 0: it gave a next state that is no live handle of its tape");
  m.chain.step = shapes_step;
  m.state[0] = (dz_chain_leaf){1, DIMS(2), V(1, 2), NULL};
  expect_failure(&m.chain, 9, DZ_ERR_SHAPE, "step 3: it gave a next state of another shape than the state's");
  m.chain.steps = 2;
  m.chain.loss = first;
  expect_failure(&m.chain, 2, DZ_ERR_SHAPE, "the loss is no scalar");
  expect_failure(&m.chain, 3, DZ_ERR_ARGUMENT, "the plan is for 3 steps, the chain has 2");
  m.state[0].rank = 9;
  ck_assert_int_eq(dz_checkpoint_measure(&m.chain, NULL, &cost, &e), DZ_ERR_ARGUMENT);
  ck_assert_int_eq(dz_checkpoint_run(NULL, &plan, NULL, &value, &e), DZ_ERR_ARGUMENT);
  ck_assert_int_eq(dz_checkpoint_run(&m.chain, NULL, NULL, &value, &e), DZ_ERR_ARGUMENT);
  ck_assert_int_eq(dz_checkpoint_measure(NULL, NULL, &cost, NULL), DZ_ERR_ARGUMENT);
  ck_assert_int_eq(dz_checkpoint_measure(&m.chain, NULL, NULL, NULL), DZ_ERR_ARGUMENT);
}
END_TEST

/* Every allocation fails once, in measuring and in running. */
START_TEST(memory) {
  for (size_t k = 1;; k++) {
    model m;
    failing f = {.at = k};
    dz_allocator a = failing_allocator(&f);
    dz_checkpoint_cost cost;
    dz_checkpoint_schedule plan = {.steps = 5, .kept = 2, .peak = SIZE_MAX};
    double value;
    dz_error e;
    ring(&m, 5);
    dz_status status = dz_checkpoint_measure(&m.chain, &a, &cost, &e);
    ck_assert_uint_eq(f.blocks, 0);
    bool failed = f.failed;
    if (failed) ck_assert_msg(status == DZ_ERR_MEMORY, "allocation %zu: %d: %s", k, status, e.message);
    f = (failing){.at = k};
    status = dz_checkpoint_run(&m.chain, &plan, &a, &value, &e);
    ck_assert_uint_eq(f.blocks, 0);
    if (f.failed) ck_assert_msg(status == DZ_ERR_MEMORY && e.status == status, "%d: %s", status, e.message);
    if (failed || f.failed) continue;
    ck_assert_int_eq(status, DZ_OK);
    expect_whole(&m, value);
    ck_assert_uint_gt(k, 20);
    break;
  }
  bool failed = true;
  for (size_t k = 1; failed; k++) { /* that one alone */
    model m;
    failing f = {.only = k};
    const dz_allocator a = failing_allocator(&f);
    const dz_checkpoint_schedule plan = {.steps = 5, .kept = 2, .peak = SIZE_MAX};
    double value;
    ring(&m, 5);
    const dz_status status = dz_checkpoint_run(&m.chain, &plan, &a, &value, NULL);
    failed = f.failed > 0;
    ck_assert(status == DZ_OK || (status == DZ_ERR_MEMORY && failed));
    ck_assert_uint_eq(f.blocks, 0);
    if (!status) expect_whole(&m, value);
  }
}
END_TEST

SUITE(ONCE(small_budgets), ONCE(larger_steps), ONCE(a_larger_loss), ONCE(failures), ONCE(memory))
