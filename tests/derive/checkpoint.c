/* Checkpointing: against the whole tape bit for bit, against products in closed form, the schedule against
   dynamic programming, the memory that was told against the allocator. */
#include "chains.h"
#include "derive/revolve.h"
#include "dz/lang.h"
#include "dz/userop.h"

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

/* ---- the logistic map, of a scalar state ---- */

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

SUITE(ONCE(schedule), ONCE(long_schedules), ONCE(scalar_state), ONCE(logistic_closed_form),
      ONCE(tensor_states), ONCE(matrix_state), ONCE(structural_zeros), ONCE(unseen_scalars), ONCE(late_nan),
      ONCE(numeric_zeros), ONCE(numbers_on_the_way), ONCE(empty_states), ONCE(own_operations))
