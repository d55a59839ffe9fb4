/* What is asked of every one: of all states of a chain, of all operations whose result is 0 or 1. */
#include "dz/checkpoint.h"
#include "dz/derive.h"
#include "dz/lang.h"
#include "dz/print.h"
#include "dz/sparse.h"
#include "dz/sweep.h"
#include "dz/tensor.h"
#include "dz/userop.h"

#include "../on_tape.h"

#include <math.h>

/* ---- simplifying ---- */

static bool on_paper(void *user, const char *text, size_t size) { return strncat(user, text, size), true; }

/* What is 0 or 1 anyway is itself, twice denied, and when it is compared with 0. */
START_TEST(what_is_true_or_false) {
  static const char *const truth[] = {
      "x < y",  "x <= y", "x > y", "x >= y", "floor(x) == floor(y)", "floor(x) != floor(y)",
      "x && y", "x || y", "!x"};
  const char *of = truth[_i];
  char twice[60], compared[60], text[100];
  dz_set_name(dz_input(tape, 1.5), "x");
  dz_set_name(dz_input(tape, .5), "y");
  snprintf(twice, sizeof twice, "!!(%s)", of);
  snprintf(compared, sizeof compared, "(%s) != 0", of);
  const char *const both[] = {twice, compared};
  for (int k = 0; k < 2; k++) {
    const dz_var z = dz_simplify(dz_expr(tape, both[k]));
    text[0] = 0;
    ck_assert_int_eq(dz_print(z, NULL, on_paper, text), DZ_OK);
    ck_assert_msg(strcmp(text, of) == 0, "%s became %s", both[k], text);
  }
}
END_TEST

/* ---- gradients ---- */

/* 0 where x is 0, and x/|x| elsewhere. */
START_TEST(the_gradient_of_a_norm) {
  const dz_var x = dz_leaf_tensor(tape, DZ_ROLE_INPUT, DIMS(2, 2), V(0, 0, 3, 4));
  dz_var g;
  ck_assert_int_eq(dz_grad(dz_sum(dz_norm(x, 1, false), 0, false), 1, &x, &g), DZ_OK);
  const double want[] = {0, 0, .6, .8};
  for (int k = 0; k < 4; k++) ck_assert(fabs(dz_values(g)[k] - want[k]) <= 0x1p-52);
}
END_TEST

/* An operation by its text, of three axes against one or two: each element meets its own. */
START_TEST(texts_of_three_axes) {
  dz_error e;
  ck_assert_int_eq(dz_op_define(tape, "f", 2, "x*y", NULL, &e), DZ_OK);
  double v[24];
  for (int k = 0; k < 24; k++) v[k] = k + 1;
  const dz_var x = dz_leaf_tensor(tape, DZ_ROLE_INPUT, DIMS(2, 3, 4), v),
               y = dz_leaf_tensor(tape, DZ_ROLE_INPUT, DIMS(3, 1), V(100, 10, 1)),
               w = dz_leaf_tensor(tape, DZ_ROLE_INPUT, DIMS(2, 1, 4), V(1, 2, 3, 4, 5, 6, 7, 8));
  const dz_var z = dz_apply(tape, "f", 2, ((dz_var[]){x, y})), u = dz_apply(tape, "f", 2, ((dz_var[]){w, x}));
  ck_assert_int_eq(dz_backward(dz_sum(z, DZ_ALL, false)), DZ_OK);
  const double row[] = {100, 10, 1};
  double sum[3] = {0};
  for (int k = 0; k < 24; k++) {
    const int i = k / 12, j = k / 4 % 3;
    ck_assert(dz_values(z)[k] == v[k] * row[j] && dz_adjoints(x)[k] == row[j]);
    ck_assert(dz_values(u)[k] == v[k] * (4 * i + k % 4 + 1));
    sum[j] += v[k];
  }
  for (int j = 0; j < 3; j++) ck_assert(dz_adjoints(y)[j] == sum[j]);
}
END_TEST

/* ---- patterns ---- */

/* y_i = x_i + ... + x_(i + 69), the columns of each row in order; what follows the matrix of a system does
   not depend on what is beside its operands. */
START_TEST(windows_of_many_columns) {
  enum { N = 3000, WIDE = 70 };
  static double v[N];
  const size_t n = N;
  const dz_var x = dz_leaf_tensor(tape, DZ_ROLE_INPUT, 1, &n, v);
  dz_var y = dz_slice(x, 0, 0, N - WIDE + 1, 1);
  for (int k = 1; k < WIDE; k++) y = dz_add(y, dz_slice(x, 0, k, N - WIDE + 1 + k, 1));
  dz_pattern *p;
  ck_assert_int_eq(dz_jacobian_pattern(1, &y, 1, &x, 0, NULL, &p), DZ_OK);
  ck_assert_uint_eq(p->rows, N - WIDE + 1);
  for (size_t i = 0; i < p->rows; i++) {
    ck_assert_uint_eq(p->starts[i], i * WIDE);
    for (size_t k = 0; k < WIDE; k++) ck_assert_uint_eq(p->column[i * WIDE + k], i + k);
  }
  dz_pattern_free(p);
}
END_TEST

START_TEST(a_system_of_some) {
  const dz_var x = dz_leaf_tensor(tape, DZ_ROLE_INPUT, DIMS(4), V(1, 2, 3, 4)),
               a = dz_leaf_tensor(tape, DZ_ROLE_DATA, DIMS(2, 2), V(2, 1, 1, 3)),
               y = dz_solve(a, dz_slice(x, 0, 2, 4, 1));
  dz_pattern *p;
  ck_assert_int_eq(dz_jacobian_pattern(1, &y, 1, &x, 0, NULL, &p), DZ_OK);
  const uint32_t want[] = {2, 3, 2, 3};
  ck_assert_uint_eq(p->starts[2], 4);
  ck_assert(memcmp(p->column, want, sizeof want) == 0);
  dz_pattern_free(p);
}
END_TEST

/* ---- chains ---- */

typedef struct forgetful {
  int forgets; /* the state whose next the step does not give; 2: none */
} forgetful;

static void step(dz_tape *t, size_t k, const dz_var *x, const dz_var *p, dz_var *next, void *user) {
  const forgetful *f = user;
  (void)t, (void)k, (void)p;
  for (int i = 0; i < 2; i++)
    if (i != f->forgets) next[i] = dz_mul(x[1 - i], 2);
}
static dz_var loss_of_both(dz_tape *t, const dz_var *x, const dz_var *p, void *user) {
  (void)t, (void)p, (void)user;
  return dz_mul(x[0], x[1]);
}
static dz_var loss_of_none(dz_tape *t, const dz_var *x, const dz_var *p, void *user) {
  (void)t, (void)x, (void)p, (void)user;
  return dz_num(7);
}

/* Blocks come full of what looks like numbers. */
static void *full(void *user, void *block, size_t old_size, size_t new_size) {
  (void)user;
  if (new_size == 0) return free(block), NULL;
  char *p = realloc(block, new_size);
  if (p && new_size > old_size) memset(p + old_size, 0x41, new_size - old_size);
  return p;
}

static dz_status run(forgetful *f, dz_var (*loss)(dz_tape *, const dz_var *, const dz_var *, void *),
                     const double *x, double *gx, double *value) {
  const dz_allocator a = {full, NULL};
  const dz_chain_leaf state[] = {{0, NULL, &x[0], &gx[0]}, {0, NULL, &x[1], &gx[1]}};
  const dz_chain c = {3, 2, 0, state, NULL, NULL, step, loss, f};
  dz_checkpoint_cost cost;
  dz_checkpoint_schedule plan;
  dz_error e;
  dz_status s = dz_checkpoint_measure(&c, &a, &cost, &e);
  if (!s) s = dz_checkpoint_plan(c.steps, &cost, SIZE_MAX, &plan, &e);
  return s ? s : dz_checkpoint_run(&c, &plan, &a, value, &e);
}

START_TEST(a_step_gives_every_state) {
  const double x[] = {3, 5};
  double gx[2], value;
  for (int k = 0; k <= 2; k++)
    ck_assert_int_eq(run(&(forgetful){k}, loss_of_both, x, gx, &value), k < 2 ? DZ_ERR_HANDLE : DZ_OK);
  ck_assert(value == 64 * 15 && gx[0] == 64 * 5 && gx[1] == 64 * 3); /* 8 x1 times 8 x0 */
}
END_TEST

START_TEST(a_loss_of_nothing) {
  const double x[] = {3, 5};
  double gx[] = {1, 1}, value;
  ck_assert_int_eq(run(&(forgetful){2}, loss_of_none, x, gx, &value), DZ_OK);
  ck_assert(value == 7 && gx[0] == 0 && gx[1] == 0);
}
END_TEST

SUITE_ON_TAPE(EACH(what_is_true_or_false, 9), ONCE(the_gradient_of_a_norm), ONCE(texts_of_three_axes),
              ONCE(windows_of_many_columns), ONCE(a_system_of_some), ONCE(a_step_gives_every_state),
              ONCE(a_loss_of_nothing))
