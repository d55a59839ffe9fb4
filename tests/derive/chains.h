/* Chains of steps for the tests of checkpointing, run beside the whole tape and with an allocator that keeps
   the peak. */
#ifndef DZ_TESTS_DERIVE_CHAINS_H
#define DZ_TESTS_DERIVE_CHAINS_H

#include "dz/checkpoint.h"
#include "dz/tensor.h"
#include "failing.h"
#include "suite.h"

#include <math.h>
#include <stdint.h>

enum { MOST = 1000 };

/* ---- an allocator that keeps the peak ---- */

typedef struct peak {
  failing inner;
  size_t most;
} peak;

static inline void *peak_resize(void *user, void *block, size_t old_size, size_t new_size) {
  peak *p = user;
  void *r = failing_resize(&p->inner, block, old_size, new_size);
  if (p->inner.bytes > p->most) p->most = p->inner.bytes;
  return r;
}

/* ---- chains ---- */

typedef struct model {
  dz_chain chain;
  dz_chain_leaf state[3], param[3];
  double state_gradient[3][MOST], param_gradient[3][MOST];
  size_t steps_recorded;
  size_t fail_at;
  bool smaller; /* some steps are smaller than those that are measured */
} model;

#define DIMS(...)                                                                                            \
  (const size_t[]) { __VA_ARGS__ }
#define V(...)                                                                                               \
  (const double[]) { __VA_ARGS__ }

static inline model *of(void *user) { return user; }

static inline void make(model *m, size_t steps, size_t states, size_t params) {
  m->chain.steps = steps;
  m->chain.states = states;
  m->chain.params = params;
  m->chain.state = m->state;
  m->chain.param = m->param;
  m->chain.user = m;
  m->fail_at = SIZE_MAX;
  for (int i = 0; i < 3; i++) {
    m->state[i].gradient = m->state_gradient[i];
    m->param[i].gradient = m->param_gradient[i];
  }
}

static inline dz_var leaf(dz_tape *t, const dz_chain_leaf *x, dz_role role) {
  if (!x->gradient) role = DZ_ROLE_DATA;
  return x->rank ? dz_leaf_tensor(t, role, x->rank, x->dims, x->values)
                 : dz_leaf(t, role, x->values ? *x->values : 0);
}

static inline void expect_same(const dz_chain_leaf *x, dz_var whole, const double *got, const char *what,
                               size_t i) {
  if (!x->gradient) return;
  const double *g = dz_adjoints(whole);
  for (size_t e = 0; e < dz_size(whole); e++) {
    double want = g ? g[e] : 0;
    ck_assert_msg(memcmp(&want, &got[e], sizeof want) == 0 || (isnan(want) && isnan(got[e])),
                  "%s %zu, element %zu: %.17g, on the whole tape %.17g", what, i, e, got[e], want);
  }
}

/* The tape of all steps. */
static inline void expect_whole(model *m, double value) {
  dz_tape *t = dz_tape_new(NULL);
  dz_var p[3], x0[3], x[3], next[3];
  if (m->chain.begin) m->chain.begin(t, m);
  for (size_t i = 0; i < m->chain.params; i++) p[i] = leaf(t, &m->param[i], DZ_ROLE_PARAM);
  for (size_t i = 0; i < m->chain.states; i++) x[i] = x0[i] = leaf(t, &m->state[i], DZ_ROLE_INPUT);
  for (size_t k = 0; k < m->chain.steps; k++) {
    m->chain.step(t, k, x, p, next, m);
    memcpy(x, next, sizeof x);
  }
  dz_var y = m->chain.loss(t, x, p, m);
  ck_assert_int_eq(dz_tape_error(t)->status, DZ_OK);
  double want = dz_value(y);
  ck_assert_msg(memcmp(&want, &value, sizeof want) == 0 || (isnan(want) && isnan(value)),
                "value %.17g, not %.17g", value, want);
  if (!dz_is_number(y)) ck_assert_int_eq(dz_backward(y), DZ_OK);
  for (size_t i = 0; i < m->chain.params; i++)
    expect_same(&m->param[i], p[i], m->param_gradient[i], "parameter", i);
  for (size_t i = 0; i < m->chain.states; i++)
    expect_same(&m->state[i], x0[i], m->state_gradient[i], "state", i);
  dz_tape_free(t);
}

/* With a budget for so many kept states: the gradients, and that peak and work are what was told. */
static inline double run_with(model *m, const dz_checkpoint_cost *cost, size_t kept) {
  dz_checkpoint_schedule plan;
  dz_error e;
  peak p = {.most = 0};
  dz_allocator a = {peak_resize, &p};
  double value = -1;
  size_t budget = cost->work + kept * cost->state + (cost->state - 1);
  ck_assert_int_eq(dz_checkpoint_plan(m->chain.steps, cost, budget, &plan, &e), DZ_OK);
  ck_assert_uint_le(plan.peak, budget);
  size_t useful = m->chain.steps > 2 ? m->chain.steps - 2 : 0;
  ck_assert_uint_eq(plan.kept, kept < useful ? kept : useful);
  m->steps_recorded = 0;
  dz_status status = dz_checkpoint_run(&m->chain, &plan, &a, &value, &e);
  ck_assert_msg(status == DZ_OK, "%s", e.message);
  if (m->smaller)
    ck_assert_uint_le(p.most, plan.peak);
  else
    ck_assert_uint_eq(p.most, plan.peak);
  ck_assert_uint_eq(p.inner.blocks, 0);
  ck_assert_uint_eq(m->steps_recorded, plan.evaluations);
  return value;
}

static inline dz_checkpoint_cost measured(const model *m) {
  dz_checkpoint_cost cost;
  dz_error e;
  dz_status status = dz_checkpoint_measure(&m->chain, NULL, &cost, &e);
  ck_assert_msg(status == DZ_OK, "%s", e.message);
  return cost;
}

static inline void expect_all_budgets(model *m, size_t most) {
  dz_checkpoint_cost cost = measured(m);
  for (size_t kept = 0; kept <= most; kept++) {
    memset(m->state_gradient, 0x7f, sizeof m->state_gradient);
    memset(m->param_gradient, 0x7f, sizeof m->param_gradient);
    expect_whole(m, run_with(m, &cost, kept));
  }
}

/* ---- a scalar state: the logistic map ---- */

static inline void logistic_step(dz_tape *t, size_t k, const dz_var *x, const dz_var *p, dz_var *next,
                                 void *user) {
  (void)t;
  of(user)->steps_recorded++;
  next[0] = dz_mul(dz_mul(p[0], x[0]), dz_sub(1, x[0]));
  if (k == of(user)->fail_at) next[0] = dz_add(next[0], (dz_var){0});
}

static inline dz_var first(dz_tape *t, const dz_var *x, const dz_var *p, void *user) {
  (void)t, (void)p, (void)user;
  return dz_mul(x[0], 3);
}

static inline void logistic(model *m, size_t steps) {
  static const double x[] = {.3}, a[] = {3.7};
  *m = (model){.state = {{0, NULL, x, NULL}}, .param = {{0, NULL, a, NULL}}};
  make(m, steps, 1, 1);
  m->chain.step = logistic_step;
  m->chain.loss = first;
}

/* ---- tensors, several of them ---- */

/* A ring of springs and masses: two states, a parameter that is used three times in a step, one that is a
   matrix, and one that nobody wants. */
static inline void ring_step(dz_tape *t, size_t k, const dz_var *x, const dz_var *p, dz_var *next,
                             void *user) {
  (void)t;
  of(user)->steps_recorded++;
  dz_var pull = dz_sub(dz_matmul(p[0], x[0]), dz_mul(p[1], dz_sin(x[0])));
  next[1] = dz_add(dz_mul(x[1], dz_exp(dz_neg(p[1]))), dz_mul(p[2], pull));
  next[0] = dz_add(x[0], dz_mul(dz_mul(next[1], p[1]), 1 + (double)k / 8));
}

static inline dz_var energy(dz_tape *t, const dz_var *x, const dz_var *p, void *user) {
  (void)t, (void)user;
  return dz_add(dz_sum(dz_mul(x[0], dz_mul(x[1], x[1])), DZ_ALL, false), dz_dot(p[1], p[1]));
}

static inline void ring(model *m, size_t steps) {
  static const size_t three[] = {3, 3};
  static const double a[] = {-2, 1, 1, 1, -2, 1, 1, 1, -2}, x[] = {.1, -.7, .4}, b[] = {.3, .2, .7},
                      c[] = {.25};
  *m = (model){.state = {{1, three, x, NULL}, {1, three, NULL, NULL}},
               .param = {{2, three, a, NULL}, {1, three, b, NULL}, {0, NULL, c, NULL}}};
  make(m, steps, 2, 3);
  m->param[2].gradient = NULL;
  m->chain.step = ring_step;
  m->chain.loss = energy;
}

#endif
