/* Operations that a user defined by text, in plans: values and gradients are the tape's, bit for bit. */
#include "plan/every.h"
#include "plan/starved.h"
#include "suite.h"

#include "dz/dz.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static dz_tape *tape;
static void set_up(void) { tape = dz_tape_new(NULL); }
static void tear_down(void) { dz_tape_free(tape); }

typedef struct expected {
  double value[64], gradient[64];
  size_t values, n;
  int ways;
} expected;

static bool same(double x, double y) { return x == y || (x != x && y != y); }

static void found(void *user, const char *way, const double *values, const double *gradient) {
  expected *t = user;
  t->ways++;
  for (size_t k = 0; k < t->values; k++)
    ck_assert_msg(same(values[k], t->value[k]), "%s: value %zu is %.17g, the tape's is %.17g", way, k,
                  values[k], t->value[k]);
  for (size_t k = 0; k < t->n; k++)
    ck_assert_msg(same(gradient[k], t->gradient[k]), "%s: gradient %zu is %.17g, the tape's is %.17g", way, k,
                  gradient[k], t->gradient[k]);
}

static void check(dz_var y, int n, const dz_var *xs) {
  expected t = {.values = dz_size(y)};
  dz_error e;
  memcpy(t.value, dz_values(y), t.values * sizeof *t.value);
  dz_var ones = dz_data(tape, 1);
  ck_assert(dz_backward_with(y, dz_rank(y) ? dz_broadcast_to(ones, dz_rank(y),
                                                             (size_t[]){dz_extent(y, 0), dz_extent(y, 1)})
                                           : ones) == DZ_OK);
  for (int k = 0; k < n; k++)
    for (size_t j = 0; j < dz_size(xs[k]); j++) t.gradient[t.n++] = dz_adjoints(xs[k])[j];
  ck_assert_msg(every_plan(y, n, xs, NULL, NULL, found, &t, &e) == DZ_OK, "%s", e.message);
  ck_assert(t.ways > 1);
}

/* Partials that are given, and one that is derived. */
START_TEST(partials_are_the_given_ones) {
  dz_error e;
  ck_assert_int_eq(dz_op_define(tape, "swish", 1, "x*sigmoid(x)", NULL, &e), DZ_OK);
  ck_assert_int_eq(dz_op_define(tape, "steep", 1, "sqrt(x)", (const char *[]){"0.5/z"}, &e), DZ_OK);
  dz_var x = dz_input(tape, 2), y = dz_input(tape, .25);
  dz_var z = dz_mul(dz_apply(tape, "swish", 1, &x), dz_apply(tape, "steep", 1, &y));
  check(z, 2, (dz_var[]){x, y});
}
END_TEST

/* Where a mask is 0, an infinite adjoint does not become NaN. */
START_TEST(masks_block) {
  dz_error e;
  ck_assert_int_eq(dz_op_define(tape, "ramp", 1, "x > 0 ? x : 0", (const char *[]){"MASK(x > 0)"}, &e),
                   DZ_OK);
  for (int i = -1; i <= 1; i++) {
    dz_var x = dz_input(tape, i), r = dz_apply(tape, "ramp", 1, &x);
    check(dz_sqrt(r), 1, &x);
  }
}
END_TEST

/* Tensors that broadcast, and a loop of scalars, which is found again. */
START_TEST(tensors_and_loops) {
  dz_error e;
  ck_assert_int_eq(dz_op_define(tape, "bump", 2, "exp(-x*x)*y", (const char *[]){"-2*x*z", NULL}, &e), DZ_OK);
  dz_var a = dz_leaf_tensor(tape, DZ_ROLE_INPUT, 2, (size_t[]){2, 1}, (double[]){.5, -1}),
         b = dz_leaf_tensor(tape, DZ_ROLE_INPUT, 1, (size_t[]){2}, (double[]){1, -2});
  dz_var z = dz_apply(tape, "bump", 2, (dz_var[]){a, b});
  check(z, 2, (dz_var[]){a, b});
  dz_var x[40], last = dz_num(1);
  for (int k = 0; k < 40; k++) x[k] = dz_input(tape, .03 * k - .5);
  for (int k = 0; k < 40; k++)
    last = dz_fmax(last, dz_apply(tape, "bump", 2, (dz_var[]){x[k], dz_num(.1 * k)}));
  check(last, 40, x);
}
END_TEST

/* ---- operations of C functions ---- */

/* Of a vector x and a number y: x_i^2 y for each i, and behind them the sum of x. */
typedef struct counts {
  int values, vjps, freed;
} counts;
static counts c; /* outlives the tape */

static bool one_more(void *user, const dz_op_array *x, int *rank, size_t *dims) {
  (void)user;
  *rank = 1;
  dims[0] = x[0].size + 1;
  return x[1].rank == 0;
}

static void squares(void *user, const dz_op_array *x, size_t size, double *z) {
  ((counts *)user)->values++;
  z[size - 1] = 0;
  for (size_t i = 0; i < size - 1; i++) {
    z[i] = x[0].data[i] * x[0].data[i] * x[1].data[0];
    z[size - 1] += x[0].data[i];
  }
}

static void squares_back(void *user, const dz_op_array *x, size_t size, const double *z, const double *g,
                         double *const *ga) {
  (void)z;
  ((counts *)user)->vjps++;
  for (size_t i = 0; i < size - 1; i++) {
    if (ga[0]) ga[0][i] += 2 * x[0].data[i] * x[1].data[0] * g[i] + g[size - 1];
    if (ga[1]) ga[1][0] += x[0].data[i] * x[0].data[i] * g[i];
  }
}

static void let_go(void *user) { ((counts *)user)->freed++; }

static void define_squares(void) {
  c = (counts){0};
  const dz_op_calls calls = {
      .arity = 2, .shape = one_more, .value = squares, .vjp = squares_back, .user = &c, .free = let_go};
  dz_error e;
  ck_assert_msg(dz_op_define_c(tape, "squares", &calls, &e) == DZ_OK, "%s", e.message);
}

static dz_var with_squares(dz_var a, dz_var b) {
  dz_var z = dz_apply(tape, "squares", 2, (dz_var[]){a, b});
  return dz_sum(dz_mul(z, z), DZ_ALL, false);
}

typedef struct ran {
  double value, gradient[4];
} ran;

static ran run_plan(const dz_plan *p, const double *in) {
  ran r;
  void *work = malloc(dz_plan_memory(p));
  ck_assert(work && dz_plan_run(p, in, &r.value, r.gradient, work) == DZ_OK);
  free(work);
  return r;
}

/* y = sum z^2, z = (a_i^2 b, sum a): dy/da_i = 2 z_i 2 a_i b + 2 sum a; dy/db = sum 2 z_i a_i^2. Small
   integers, so all of it is exact. */
START_TEST(functions_of_c_are_called) {
  dz_error e;
  define_squares();
  dz_var a = dz_leaf_tensor(tape, DZ_ROLE_INPUT, 1, (size_t[]){3}, (double[]){1, 1, 1}),
         b = dz_input(tape, 1);
  dz_var y = with_squares(a, b);
  dz_plan *p = dz_plan_new(1, &y, 2, (dz_var[]){a, b}, NULL, &e);
  ck_assert_msg(p != NULL, "%s", e.message);
  dz_tape_free(tape);
  tape = NULL;
  ck_assert_int_eq(c.freed, 0);
  c = (counts){0};
  const double x[] = {2, -1, 3}, t = 2, sum = 4;
  ran r = run_plan(p, (double[]){2, -1, 3, 2});
  double value = sum * sum, slope = 0;
  for (int k = 0; k < 3; k++) {
    double z = x[k] * x[k] * t;
    value += z * z;
    slope += 2 * z * x[k] * x[k];
    ck_assert_double_eq(r.gradient[k], 2 * z * 2 * x[k] * t + 2 * sum);
  }
  ck_assert_double_eq(r.value, value);
  ck_assert_double_eq(r.gradient[3], slope);
  ck_assert_int_eq(c.values, 1);
  ck_assert_int_eq(c.vjps, 1);
  dz_plan_free(p);
  ck_assert_int_eq(c.freed, 1);
}
END_TEST

/* Among many lanes, with an operand that is no input, and with one that nothing flows to. */
START_TEST(functions_of_c_among_loops) {
  enum { N = 40 };
  dz_error e;
  define_squares();
  dz_var x[4], y = dz_num(0);
  for (int k = 0; k < 4; k++) x[k] = dz_input(tape, k - 1.5);
  for (int k = 0; k < N; k++) {
    dz_var in[] = {dz_mul(x[k % 4], x[(k + 1) % 4]), dz_data(tape, k % 3)};
    dz_var z = dz_apply(tape, "squares", 2, in);
    y = dz_add(y, dz_add(dz_at(z, 0, 0), dz_at(z, 0, 1)));
  }
  ck_assert(dz_backward(y) == DZ_OK);
  for (int way = 0; way < 2; way++) {
    dz_plan *p = dz_plan_new(1, &y, 4, x, &(dz_plan_options){.unrolled = way}, &e);
    ck_assert_msg(p != NULL, "%s", e.message);
    ran r = run_plan(p, (double[]){-1.5, -.5, .5, 1.5});
    ck_assert_double_eq(r.value, dz_value(y));
    for (int k = 0; k < 4; k++) ck_assert_double_eq(r.gradient[k], dz_adjoint(x[k]));
    dz_plan_free(p);
  }
}
END_TEST

static void root(void *user, const dz_op_array *x, size_t size, double *z) {
  (void)user;
  for (size_t i = 0; i < size; i++) z[i] = sqrt(x[0].data[i]);
}
static void root_back(void *user, const dz_op_array *x, size_t size, const double *z, const double *g,
                      double *const *ga) {
  (void)user, (void)x;
  for (size_t i = 0; i < size; i++) ga[0][i] += g[i] * .5 / z[i];
}

/* Where nothing arrives, an infinite slope makes no NaN; where the number 0 arrives, it does. */
START_TEST(nothing_is_not_zero) {
  const dz_op_calls calls = {.arity = 1, .value = root, .vjp = root_back};
  dz_error e;
  ck_assert(dz_op_define_c(tape, "root", &calls, &e) == DZ_OK);
  dz_var x = dz_input(tape, 4), one = dz_input(tape, 1), z = dz_apply(tape, "root", 1, &x);
  dz_var chosen = dz_where(dz_gt(one, 0), one, z), scaled = dz_mul(z, dz_sub(one, 1));
  double in[] = {0, 1};
  for (int way = 0; way < 2; way++) {
    dz_var y = way ? scaled : chosen;
    dz_plan *p = dz_plan_new(1, &y, 2, (dz_var[]){x, one}, NULL, &e);
    ck_assert_msg(p != NULL, "%s", e.message);
    ran r = run_plan(p, in);
    if (way)
      ck_assert_double_nan(r.gradient[0]);
    else
      ck_assert_double_eq(r.gradient[0], 0);
    dz_plan_free(p);
  }
}
END_TEST

static bool drop(void *user, const char *text, size_t size) {
  (void)user, (void)text, (void)size;
  return true;
}

START_TEST(who_cannot_call_says_so) {
  dz_error e;
  define_squares();
  dz_var a = dz_leaf_tensor(tape, DZ_ROLE_INPUT, 1, (size_t[]){3}, (double[]){1, 2, 3}),
         b = dz_input(tape, 1);
  dz_var y = with_squares(a, b), x[] = {a, b};
  ck_assert(!dz_plan_new(1, &y, 2, x, &(dz_plan_options){.map = true}, &e) && e.status == DZ_ERR_ARGUMENT);
  ck_assert_msg(strstr(e.message, "'squares'") != NULL, "%s", e.message);
  dz_plan *p = dz_plan_new(1, &y, 2, x, NULL, &e);
  ck_assert_int_eq(dz_plan_native(p, NULL, &e), DZ_ERR_ARGUMENT);
  ck_assert_msg(strstr(e.message, "'squares'") != NULL, "%s", e.message);
  ck_assert_int_eq(dz_emit(p, NULL, drop, NULL), DZ_ERR_ARGUMENT);
  dz_plan_free(p);
}
END_TEST

START_TEST(memory_runs_out_among_functions) {
  dz_plan_facts facts;
  define_squares();
  dz_var a = dz_leaf_tensor(tape, DZ_ROLE_INPUT, 1, (size_t[]){3}, (double[]){1, 2, 3}),
         b = dz_input(tape, 1);
  plan_starved(with_squares(a, b), 2, (dz_var[]){a, b}, &facts);
  ck_assert_int_eq(c.freed, 0);
}
END_TEST

SUITE_BETWEEN(set_up, tear_down, ONCE(partials_are_the_given_ones), ONCE(masks_block),
              ONCE(tensors_and_loops), ONCE(functions_of_c_are_called), ONCE(functions_of_c_among_loops),
              ONCE(nothing_is_not_zero), ONCE(who_cannot_call_says_so), ONCE(memory_runs_out_among_functions))
