/* Checkpointing: against the whole tape bit for bit, against products in closed form, the schedule against
   dynamic programming, the memory that was told against the allocator. */
#include "dz/checkpoint.h"
#include "derive/revolve.h"
#include "dz/lang.h"
#include "dz/tensor.h"
#include "dz/userop.h"
#include "failing.h"
#include "suite.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>

enum { MOST = 1000 };

/* ---- an allocator that keeps the peak ---- */

typedef struct peak {
  failing inner;
  size_t most;
} peak;

static void *peak_resize(void *user, void *block, size_t old_size, size_t new_size) {
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

static model *of(void *user) { return user; }

static void make(model *m, size_t steps, size_t states, size_t params) {
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

static dz_var leaf(dz_tape *t, const dz_chain_leaf *x, dz_role role) {
  if (!x->gradient) role = DZ_ROLE_DATA;
  return x->rank ? dz_leaf_tensor(t, role, x->rank, x->dims, x->values)
                 : dz_leaf(t, role, x->values ? *x->values : 0);
}

static void expect_same(const dz_chain_leaf *x, dz_var whole, const double *got, const char *what, size_t i) {
  if (!x->gradient) return;
  const double *g = dz_adjoints(whole);
  for (size_t e = 0; e < dz_size(whole); e++) {
    double want = g ? g[e] : 0;
    ck_assert_msg(memcmp(&want, &got[e], sizeof want) == 0 || (isnan(want) && isnan(got[e])),
                  "%s %zu, element %zu: %.17g, on the whole tape %.17g", what, i, e, got[e], want);
  }
}

/* The tape of all steps. */
static void expect_whole(model *m, double value) {
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
static double run_with(model *m, const dz_checkpoint_cost *cost, size_t kept) {
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

static dz_checkpoint_cost measured(const model *m) {
  dz_checkpoint_cost cost;
  dz_error e;
  dz_status status = dz_checkpoint_measure(&m->chain, NULL, &cost, &e);
  ck_assert_msg(status == DZ_OK, "%s", e.message);
  return cost;
}

static void expect_all_budgets(model *m, size_t most) {
  dz_checkpoint_cost cost = measured(m);
  for (size_t kept = 0; kept <= most; kept++) {
    memset(m->state_gradient, 0x7f, sizeof m->state_gradient);
    memset(m->param_gradient, 0x7f, sizeof m->param_gradient);
    expect_whole(m, run_with(m, &cost, kept));
  }
}

/* ---- the schedule ---- */

enum { STEPS = 70, STATES = 12 };

START_TEST(schedule) {
  static size_t least[STEPS + 1][STATES + 1];
  for (size_t c = 1; c <= STATES; c++)
    for (size_t n = 0; n <= STEPS; n++) {
      least[n][c] = n < 2 ? 0 : SIZE_MAX;
      if (c == 1) least[n][c] = n < 2 ? 0 : n * (n - 1) / 2;
      for (size_t m = 1; c > 1 && m < n; m++) {
        size_t all = m + least[n - m][c - 1] + least[m][c];
        if (all < least[n][c]) least[n][c] = all;
      }
      ck_assert_msg(dz__revolve_forwards(n, c) == least[n][c], "%zu steps, %zu states: %zu, not %zu", n, c,
                    dz__revolve_forwards(n, c), least[n][c]);
      if (n < 2 || c < 2) continue;
      size_t m = dz__revolve_stride(n, c);
      ck_assert_uint_ge(m, 1);
      ck_assert_uint_lt(m, n);
      ck_assert_msg(m + least[n - m][c - 1] + least[m][c] == least[n][c], "%zu steps, %zu states: stride %zu",
                    n, c, m);
    }
}
END_TEST

/* C(c + r, c) beyond the numbers there are; 10^12 steps with 20 states. */
START_TEST(long_schedules) {
  ck_assert_uint_eq(dz__revolve_forwards(SIZE_MAX, 1), SIZE_MAX);
  ck_assert_uint_eq(dz__revolve_forwards(SIZE_MAX - 1, SIZE_MAX), SIZE_MAX - 2);
  for (size_t c = 6; c < 80; c++) {
    const size_t m = dz__revolve_stride(SIZE_MAX, c);
    ck_assert(m >= 1 && m < SIZE_MAX);
    ck_assert_uint_ge(dz__revolve_forwards(SIZE_MAX, c), SIZE_MAX - 1);
  }
#if SIZE_MAX > UINT32_MAX
  ck_assert_uint_eq(dz__revolve_forwards((size_t)1 << 32, 1), ((size_t)1 << 31) * (((size_t)1 << 32) - 1));
  /* r = 24 is the least with C(20 + r, 20) >= 10^12; the work is r n - C(21 + r - 1, 21). */
  double c = 1, less = 1;
  for (int k = 1; k <= 20; k++) c = c * (24 + k) / k;
  for (int k = 1; k <= 20; k++) less = less * (23 + k) / k;
  ck_assert(less < 1e12 && c >= 1e12);
  double minus = 1;
  for (int k = 1; k <= 21; k++) minus = minus * (23 + k) / k;
  size_t got = dz__revolve_forwards(1000000000000, 20);
  ck_assert_msg(fabs((double)got - (24e12 - minus)) <= 64 * 24e12 * 0x1p-53, "%zu", got);
#endif
}
END_TEST

/* ---- a scalar state: the logistic map ---- */

static void logistic_step(dz_tape *t, size_t k, const dz_var *x, const dz_var *p, dz_var *next, void *user) {
  (void)t;
  of(user)->steps_recorded++;
  next[0] = dz_mul(dz_mul(p[0], x[0]), dz_sub(1, x[0]));
  if (k == of(user)->fail_at) next[0] = dz_add(next[0], (dz_var){0});
}

static dz_var first(dz_tape *t, const dz_var *x, const dz_var *p, void *user) {
  (void)t, (void)p, (void)user;
  return dz_mul(x[0], 3);
}

static void logistic(model *m, size_t steps) {
  static const double x[] = {.3}, a[] = {3.7};
  *m = (model){.state = {{0, NULL, x, NULL}}, .param = {{0, NULL, a, NULL}}};
  make(m, steps, 1, 1);
  m->chain.step = logistic_step;
  m->chain.loss = first;
}

START_TEST(scalar_state) {
  model m;
  for (size_t n = 0; n <= 17; n++) {
    logistic(&m, n);
    expect_all_budgets(&m, n);
  }
  logistic(&m, 200);
  dz_checkpoint_cost cost = measured(&m);
  expect_whole(&m, run_with(&m, &cost, 5));
}
END_TEST

/* d x_n / d x_0 = product of a (1 - 2 x_k); d x_n / d a = sum of x_k (1 - x_k) times the product from k + 1
 * on. */
START_TEST(logistic_closed_form) {
  enum { N = 40 };
  model m;
  double x[N + 1] = {.3};
  logistic(&m, N);
  for (int k = 0; k < N; k++) x[k + 1] = 3.7 * x[k] * (1 - x[k]);
  long double to_x = 3, to_a = 0, size = 0;
  for (int k = N; k-- > 0;) {
    to_a += to_x * (long double)x[k] * (1 - (long double)x[k]);
    size += fabsl(to_x);
    to_x *= 3.7L * (1 - 2 * (long double)x[k]);
  }
  dz_checkpoint_cost cost = measured(&m);
  double value = run_with(&m, &cost, 3), u = 0x1p-53;
  ck_assert(value == 3 * x[N]);
  /* Five roundings in a step's factor: 1 - x twice, two products, a sum whose terms may cancel (1 - 2 x). */
  double worst = 0;
  for (int k = 0; k < N; k++) worst += 5 * 2 / fabs(1 - 2 * x[k]);
  ck_assert_msg(fabs((double)(m.state_gradient[0][0] - to_x)) <= worst * u * fabs((double)to_x), "%.17g",
                m.state_gradient[0][0]);
  ck_assert(fabs((double)(m.param_gradient[0][0] - to_a)) <= worst * u * (double)size);
}
END_TEST

/* ---- tensors, several of them ---- */

/* A ring of springs and masses: two states, a parameter that is used three times in a step, one that is a
   matrix, and one that nobody wants. */
static void ring_step(dz_tape *t, size_t k, const dz_var *x, const dz_var *p, dz_var *next, void *user) {
  (void)t;
  of(user)->steps_recorded++;
  dz_var pull = dz_sub(dz_matmul(p[0], x[0]), dz_mul(p[1], dz_sin(x[0])));
  next[1] = dz_add(dz_mul(x[1], dz_exp(dz_neg(p[1]))), dz_mul(p[2], pull));
  next[0] = dz_add(x[0], dz_mul(dz_mul(next[1], p[1]), 1 + (double)k / 8));
}

static dz_var energy(dz_tape *t, const dz_var *x, const dz_var *p, void *user) {
  (void)t, (void)user;
  return dz_add(dz_sum(dz_mul(x[0], dz_mul(x[1], x[1])), DZ_ALL, false), dz_dot(p[1], p[1]));
}

static void ring(model *m, size_t steps) {
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

START_TEST(tensor_states) {
  model m;
  for (size_t n = 0; n <= 9; n++) {
    ring(&m, n);
    expect_all_budgets(&m, n + 1);
  }
  ring(&m, 6);
  m.state[0].gradient = NULL; /* becomes active on the way */
  expect_all_budgets(&m, 4);
  m.param[0].gradient = m.param[1].gradient = NULL;
  m.state[1].gradient = NULL;
  expect_all_budgets(&m, 4);
}
END_TEST

/* A matrix as the state, so that its seed is laid out flat. */
static void product_step(dz_tape *t, size_t k, const dz_var *x, const dz_var *p, dz_var *next, void *user) {
  (void)t, (void)k;
  of(user)->steps_recorded++;
  next[0] = dz_matmul(x[0], dz_transpose(dz_tanh(dz_matmul(p[0], x[0]))));
}

static dz_var total(dz_tape *t, const dz_var *x, const dz_var *p, void *user) {
  (void)t, (void)p, (void)user;
  return dz_sum(x[0], DZ_ALL, false);
}

START_TEST(matrix_state) {
  model m = {.state = {{2, DIMS(2, 2), V(.5, -.25, .75, 1), NULL}},
             .param = {{2, DIMS(2, 2), V(1, .5, -.5, 1.5), NULL}}};
  make(&m, 7, 1, 1);
  m.chain.step = product_step;
  m.chain.loss = total;
  expect_all_budgets(&m, 6);
}
END_TEST

/* ---- what the whole tape knows of zeros and inactive states ---- */

/* A state that goes through a slope of inf and that the loss never sees; one whose zeros come and go; a clock
   that is no variable, and meets a variable in a tie. */
static void zeros_step(dz_tape *t, size_t k, const dz_var *x, const dz_var *p, dz_var *next, void *user) {
  of(user)->steps_recorded++;
  next[0] = dz_mul(dz_sqrt(x[0]), p[0]);
  next[1] =
      dz_mul(dz_where(dz_gt(x[1], 0), x[1], 0), dz_stack(2, ((dz_var[]){dz_fmax(x[2], p[0]), p[0]}), 0));
  next[2] = k % 2 ? dz_add(x[2], 0) : dz_data(t, 1);
}

static dz_var second(dz_tape *t, const dz_var *x, const dz_var *p, void *user) {
  (void)t, (void)p, (void)user;
  return dz_add(dz_at(x[1], 0, 0), dz_at(x[1], 0, 1));
}

START_TEST(structural_zeros) {
  model m = {.state = {{1, DIMS(3), V(0, 4, 0), NULL}, {1, DIMS(2), V(2, -3), NULL}, {0, NULL, V(1), NULL}},
             .param = {{0, NULL, V(1), NULL}}};
  make(&m, 5, 3, 1);
  m.chain.step = zeros_step;
  m.smaller = true;
  m.chain.loss = second;
  expect_all_budgets(&m, 5);
  ck_assert(m.state_gradient[0][0] == 0 && m.state_gradient[0][1] == 0);
  m.state[2].gradient = NULL;
  expect_all_budgets(&m, 5);
  m.chain.loss = total; /* sqrt at 0: inf, and in the step before inf times inf */
  expect_all_budgets(&m, 5);
  ck_assert(isinf(m.state_gradient[0][0]));
}
END_TEST

/* The same of a scalar. */
static void unseen_step(dz_tape *t, size_t k, const dz_var *x, const dz_var *p, dz_var *next, void *user) {
  (void)t, (void)k;
  of(user)->steps_recorded++;
  next[0] = dz_mul(dz_sqrt(x[0]), p[0]);
  next[1] = dz_mul(x[1], p[0]);
}

static dz_var last(dz_tape *t, const dz_var *x, const dz_var *p, void *user) {
  (void)t, (void)p, (void)user;
  return x[1];
}

START_TEST(unseen_scalars) {
  model m = {.state = {{0, NULL, V(0), NULL}, {0, NULL, V(2), NULL}}, .param = {{0, NULL, V(3), NULL}}};
  make(&m, 5, 2, 1);
  m.chain.step = unseen_step;
  m.chain.loss = last;
  expect_all_budgets(&m, 4);
  ck_assert(m.state_gradient[0][0] == 0 && m.state_gradient[1][0] == 243 && m.param_gradient[0][0] == 810);
}
END_TEST

/* A NaN comes up in one step only, and its careful sweep finds room within what was told. */
static void late_step(dz_tape *t, size_t k, const dz_var *x, const dz_var *p, dz_var *next, void *user) {
  (void)t, (void)p;
  of(user)->steps_recorded++;
  double c = k == 3 ? 0 : 1;
  next[0] = dz_add(x[0], dz_mul(dz_sqrt(dz_mul(x[0], c)), c));
}

START_TEST(late_nan) {
  double values[MOST];
  for (int i = 0; i < MOST; i++) values[i] = i + 1;
  for (size_t n = 100; n <= MOST; n += 100) {
    model m = {.state = {{1, &n, values, NULL}}};
    make(&m, 8, 1, 0);
    m.chain.step = late_step;
    m.chain.loss = total;
    expect_all_budgets(&m, 2);
    ck_assert(isnan(m.state_gradient[0][0]));
  }
}
END_TEST

/* ((x - 3)^2)' is a true 0 at 3, and meets the infinite slope of sqrt: NaN, as on the whole tape, not 0. */
static void root_step(dz_tape *t, size_t k, const dz_var *x, const dz_var *p, dz_var *next, void *user) {
  (void)t, (void)k, (void)p;
  of(user)->steps_recorded++;
  next[0] = k == 0 ? dz_sqrt(x[0]) : dz_add(x[0], 1);
}

static dz_var square(dz_tape *t, const dz_var *x, const dz_var *p, void *user) {
  (void)t, (void)p, (void)user;
  dz_var d = dz_sub(x[0], 3);
  return dz_sum(dz_mul(d, d), DZ_ALL, false);
}

START_TEST(numeric_zeros) {
  model m = {.state = {{0, NULL, V(0), NULL}}};
  make(&m, 4, 1, 0);
  m.chain.step = root_step;
  m.chain.loss = square;
  expect_all_budgets(&m, 3);
  ck_assert(isnan(m.state_gradient[0][0]));
  m.state[0] = (dz_chain_leaf){1, DIMS(2), V(0, 0), m.state_gradient[0]};
  expect_all_budgets(&m, 3);
  ck_assert(isnan(m.state_gradient[0][0]));
}
END_TEST

/* Numbers on the way, then variables of the step's own: what came before is not reached, by nothing and not
   by 0 times the infinite slope of sqrt. */
static void cut_step(dz_tape *t, size_t k, const dz_var *x, const dz_var *p, dz_var *next, void *user) {
  (void)p;
  of(user)->steps_recorded++;
  for (int i = 0; i < 2; i++)
    next[i] = k < 2    ? dz_sqrt(x[i])
              : k == 2 ? dz_num(5)
              : k == 3 ? dz_mul(x[i], dz_input(t, 3))
                       : dz_mul(x[i], 2);
}

static dz_var of_both(dz_tape *t, const dz_var *x, const dz_var *p, void *user) {
  (void)t, (void)p, (void)user;
  return dz_mul(x[0], x[1]);
}

START_TEST(numbers_on_the_way) {
  model m = {.state = {{0, NULL, V(0), NULL}, {0, NULL, V(0), NULL}}};
  make(&m, 7, 2, 0);
  m.chain.step = cut_step;
  m.chain.loss = of_both;
  m.smaller = true;
  expect_all_budgets(&m, 6);
  ck_assert(m.state_gradient[0][0] == 0 && m.state_gradient[1][0] == 0);
}
END_TEST

/* ---- edges ---- */

static void no_step(dz_tape *t, size_t k, const dz_var *x, const dz_var *p, dz_var *next, void *user) {
  (void)t, (void)k, (void)p;
  of(user)->steps_recorded++;
  if (of(user)->chain.states) next[0] = x[0];
}

static dz_var of_params(dz_tape *t, const dz_var *x, const dz_var *p, void *user) {
  (void)t, (void)x, (void)user;
  return dz_mul(p[0], p[0]);
}

static void number_step(dz_tape *t, size_t k, const dz_var *x, const dz_var *p, dz_var *next, void *user) {
  (void)t, (void)k, (void)p, (void)x;
  of(user)->steps_recorded++;
  next[0] = k == 2 ? dz_num(5) : dz_mul(x[0], 2);
}

static dz_var a_number(dz_tape *t, const dz_var *x, const dz_var *p, void *user) {
  (void)t, (void)p, (void)user, (void)x;
  return dz_num(7);
}

START_TEST(empty_states) {
  model m = {.param = {{0, NULL, V(4), NULL}}};
  make(&m, 6, 0, 1);
  m.chain.step = no_step;
  m.chain.loss = of_params;
  expect_all_budgets(&m, 5);
  ck_assert(m.param_gradient[0][0] == 8);
  make(&m, 6, 1, 1);
  m.state[0] = (dz_chain_leaf){1, DIMS(0), NULL, m.state_gradient[0]};
  expect_all_budgets(&m, 5);
  ck_assert(m.param_gradient[0][0] == 8);
  make(&m, 5, 1, 0);
  m.state[0] = (dz_chain_leaf){0, NULL, V(1.5), m.state_gradient[0]};
  m.chain.loss = first;
  expect_all_budgets(&m, 4);
  ck_assert(m.state_gradient[0][0] == 3); /* the state goes through as it is */
  m.chain.step = number_step;
  m.smaller = true;
  expect_all_budgets(&m, 4);
  ck_assert(m.state_gradient[0][0] == 0);
  m.chain.loss = a_number;
  expect_all_budgets(&m, 4);
}
END_TEST

static void own_operation(dz_tape *t, void *user) {
  (void)user;
  dz_op_define(t, "swish", 1, "x*sigmoid(x)", NULL, NULL);
}

static void own_step(dz_tape *t, size_t k, const dz_var *x, const dz_var *p, dz_var *next, void *user) {
  (void)k, (void)p;
  of(user)->steps_recorded++;
  next[0] = dz_apply(t, "swish", 1, x);
}

START_TEST(own_operations) {
  model m = {.state = {{1, DIMS(4), V(1, -2, .5, 3), NULL}}};
  make(&m, 4, 1, 0);
  m.chain.begin = own_operation;
  m.chain.step = own_step;
  m.chain.loss = total;
  expect_all_budgets(&m, 3);
}
END_TEST

/* ---- refusals ---- */

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

SUITE(ONCE(schedule), ONCE(long_schedules), ONCE(scalar_state), ONCE(logistic_closed_form),
      ONCE(tensor_states), ONCE(matrix_state), ONCE(structural_zeros), ONCE(unseen_scalars), ONCE(late_nan),
      ONCE(numeric_zeros), ONCE(numbers_on_the_way), ONCE(empty_states), ONCE(own_operations),
      ONCE(small_budgets), ONCE(larger_steps), ONCE(a_larger_loss), ONCE(failures), ONCE(memory))
