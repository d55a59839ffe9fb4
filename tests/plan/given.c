/* Operations that a user defined by text, in plans: values and gradients are the tape's, bit for bit. */
#include "plan/every.h"
#include "suite.h"

#include "dz/dz.h"

#include <math.h>
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

static void twice(void *user, const dz_op_array *x, size_t size, double *z) {
  (void)user;
  for (size_t i = 0; i < size; i++) z[i] = 2 * x[0].data[i];
}

static void twice_back(void *user, const dz_op_array *x, size_t size, const double *z, const double *g,
                       double *const *ga) {
  (void)user, (void)x, (void)z;
  for (size_t i = 0; i < size; i++) ga[0][i] += 2 * g[i];
}

START_TEST(operations_of_c_are_refused) {
  const dz_op_calls calls = {.arity = 1, .value = twice, .vjp = twice_back};
  dz_error e;
  ck_assert(dz_op_define_c(tape, "twice", &calls, &e) == DZ_OK);
  dz_var x = dz_input(tape, 2), y = dz_apply(tape, "twice", 1, &x);
  ck_assert(dz_plan_new(1, &y, 1, &x, NULL, &e) == NULL && e.status == DZ_ERR_ARGUMENT);
  ck_assert_msg(strstr(e.message, "'twice'") && strstr(e.message, "by text"), "%s", e.message);
}
END_TEST

SUITE_BETWEEN(set_up, tear_down, ONCE(partials_are_the_given_ones), ONCE(masks_block),
              ONCE(tensors_and_loops), ONCE(operations_of_c_are_refused))
