/* What dz_cost_of counts, by hand: of every operation what it does to numbers, and for each operand that a
   gradient flows to what the way back does. */
#include "dz/cost.h"

#include "dz/dz.h"
#include "starved.h"
#include "suite.h"

#include <math.h>

/* v has four elements, A is 2 by 2, both active; c has four and is not. */
static dz_var made(dz_tape *t, const char *text) {
  static const double numbers[] = {2, 1, 1, 3};
  const size_t four[] = {4}, two[] = {2, 2};
  dz_set_name(dz_leaf_tensor(t, DZ_ROLE_INPUT, 1, four, numbers), "v");
  dz_set_name(dz_leaf_tensor(t, DZ_ROLE_INPUT, 2, two, numbers), "A");
  dz_set_name(dz_leaf_tensor(t, DZ_ROLE_DATA, 1, four, numbers), "c");
  dz_set_name(dz_input(t, 3), "s");
  ck_assert(!dz_op_define(t, "bump", 3, "x*y*w", (const char *[]){"y*w", "x*w", "x*y"}, NULL));
  dz_var y = dz_expr(t, text);
  ck_assert_msg(dz_valid(y), "%s: %s", text, dz_tape_error(t)->message);
  return y;
}

static const struct {
  const char *text;
  double value, calls, back, back_calls; /* back: beside the value */
} rows[] = {
    {"exp(v)", 4, 4, 8, 0}, /* the partial is the value; times what arrives, to what is there */
    {"v * c", 4, 0, 8, 0},  /* one operand has a gradient */
    {"v * v", 4, 0, 16, 0}, /* both */
    {"v > c", 8, 0, 8, 0},  /* a comparison, a choice of 1 and 0; slopes of 0 are multiplied too */
    {"sum(v)", 4, 0, 4, 0},
    {"max(v)", 4, 0, 12, 0},        /* compared, divided by ties, added */
    {"norm(v)", 18, 0, 12, 0},      /* largest, scaled, squared, added: 4 each; the root, scaled back */
    {"logsumexp(v)", 17, 5, 16, 4}, /* 4 each, and an exp; one more and a log */
    {"cumsum(v)", 4, 0, 8, 0},
    {"v[1:3]", 0, 0, 2, 0}, /* moved, and added on the way back */
    {"gather(v, [0, 0, 3])", 0, 0, 3, 0},
    {"gather(s * v, 2)", 4, 0, 17, 0},
    {"concat(v, v)", 0, 0, 8, 0}, /* each of 8 is added somewhere */
    {"concat(v, v, c)", 0, 0, 8, 0},
    {"stack([v, v])", 0, 0, 8, 0},
    {"noise(v, 7)", 4, 0, 0, 0},
    {"A @ A", 16, 0, 32, 0}, /* 2 m k n, and for each side */
    {"solve(A, [1, 2])", 16. / 3 + 24, 0, 24,
     0}, /* 2 n^3 / 3 once, 6 n^2; and 6 n^2 back, for one side or both */
    {"solve(A, s * [1, 2])", 16. / 3 + 26, 0, 28, 0},
    {"bump(v, v, s)", 4, 0, 12, 0}, /* of the user's only results */
    {"mean(v)", 5, 0, 7, 0} /* a sum and a quotient; 1 / 4, which is multiplied and added, then to each */
};

START_TEST(operations) {
  dz_tape *t = dz_tape_new(NULL);
  dz_cost c;
  ck_assert_int_eq(dz_cost_of(made(t, rows[_i].text), NULL, &c), DZ_OK);
  ck_assert_msg(c.value.operations == rows[_i].value && c.value.transcendentals == rows[_i].calls,
                "%s: %g operations, %g calls", rows[_i].text, c.value.operations, c.value.transcendentals);
  ck_assert_msg(fabs(c.gradient.operations - c.value.operations - rows[_i].back) < 0x1p-40 &&
                    c.gradient.transcendentals - c.value.transcendentals == rows[_i].back_calls,
                "%s: back %.17g operations, %g calls", rows[_i].text,
                c.gradient.operations - c.value.operations,
                c.gradient.transcendentals - c.value.transcendentals);
  ck_assert(c.plan.operations == 0);
  dz_tape_free(t);
}
END_TEST

/* Gathering the other way: each of the operand's three elements is added somewhere, and comes back. */
START_TEST(derivatives) {
  dz_tape *t = dz_tape_new(NULL);
  const size_t three = 3;
  dz_var x = dz_leaf_tensor(t, DZ_ROLE_INPUT, 1, &three, (double[]){1, 2, 3}),
         w = dz_leaf_tensor(t, DZ_ROLE_INPUT, 1, &three, (double[]){4, 5, 6}),
         at = dz_leaf_tensor(t, DZ_ROLE_DATA, 1, &three, (double[]){0, 0, 2}), g;
  ck_assert_int_eq(dz_grad(dz_sum(dz_mul(dz_gather(x, at, 0), w), DZ_ALL, false), 1, &x, &g), DZ_OK);
  dz_cost c;
  ck_assert_int_eq(dz_cost_of(g, NULL, &c), DZ_OK);
  ck_assert(dz_values(g)[0] == 9 && dz_values(g)[1] == 0 && dz_values(g)[2] == 6);
  ck_assert_msg(c.value.operations >= 3 && c.value.operations <= 6 &&
                    c.gradient.operations >= c.value.operations + 3,
                "%g, %g", c.value.operations, c.gradient.operations);
  dz_tape_free(t);
}
END_TEST

/* Of sums over lanes a plan does no more than the tape: a product and a sum for each term, forward and back.
 */
START_TEST(plans) {
  enum { N = 32 };
  dz_tape *t = dz_tape_new(NULL);
  dz_var x[3 * N], y = dz_input(t, 0);
  for (int k = 0; k < 3 * N; k++) x[k] = dz_input(t, k);
  for (int k = 0; k < N; k++)
    y = dz_add(y, dz_tanh(dz_sub(dz_add(dz_mul(x[k], x[k + N]), dz_mul(x[k + N], x[k + 2 * N])), x[k])));
  dz_plan *p = dz_plan_new(1, &y, 3 * N, x, NULL, NULL);
  dz_cost c;
  ck_assert_int_eq(dz_cost_of(y, p, &c), DZ_OK);
  ck_assert_uint_eq(dz_plan_facts_of(p).loops, 1);
  ck_assert(c.value.operations == 6 * N && c.value.transcendentals == N);
  ck_assert(c.plan.transcendentals == 3 * N && c.gradient.transcendentals == 3 * N); /* two in the slope */
  ck_assert(c.plan.operations >= c.value.operations && c.plan.operations <= c.gradient.operations);
  dz_plan_free(p);
  dz_tape_free(t);
}
END_TEST

/* A product reads two numbers and writes one. */
START_TEST(bytes_of_plans) {
  dz_tape *t = dz_tape_new(NULL);
  dz_var x[] = {dz_input(t, 2), dz_input(t, 3)}, y = dz_mul(x[0], x[1]);
  dz_plan *p = dz_plan_new(1, &y, 2, x, &(dz_plan_options){.values_only = true}, NULL);
  dz_cost c;
  ck_assert_int_eq(dz_cost_of(y, p, &c), DZ_OK);
  ck_assert_msg(c.plan.bytes == 3 * sizeof(double), "%g", c.plan.bytes);
  dz_plan_free(p);
  dz_tape_free(t);
}
END_TEST

/* What no input reaches is a number of the plan: one product is left, or one sum. */
START_TEST(numbers_of_plans) {
  dz_tape *t = dz_tape_new(NULL);
  dz_var x = dz_input(t, 2), a = dz_input(t, 3),
         ys[] = {dz_mul(x, dz_exp(a)), dz_add(x, dz_exp(dz_mul(a, 2)))};
  for (int k = 0; k < 2; k++) {
    dz_plan *p = dz_plan_new(1, &ys[k], 1, &x, &(dz_plan_options){.values_only = true}, NULL);
    dz_cost c;
    ck_assert_int_eq(dz_cost_of(ys[k], p, &c), DZ_OK);
    ck_assert_msg(c.plan.operations == 1 && c.plan.transcendentals == 0, "%g operations, %g calls",
                  c.plan.operations, c.plan.transcendentals);
    dz_plan_free(p);
  }
  dz_tape_free(t);
}
END_TEST

/* Without gradients it makes no difference where one would flow: what is alike otherwise is one loop. */
START_TEST(plans_for_values) {
  enum { N = 40 };
  dz_tape *t = dz_tape_new(NULL);
  dz_plan *p[2];
  for (int k = 0; k < 2; k++) {
    dz_var x[N + 1], y = dz_num(0), z = dz_num(1);
    for (int i = 0; i <= N; i++) x[i] = dz_leaf(t, k || i < N / 2 ? DZ_ROLE_DATA : DZ_ROLE_INPUT, .01 * i);
    for (int i = 0; i < N; i++) y = dz_add(y, dz_exp(dz_mul(x[i], dz_sin(x[N]))));
    for (int i = 0; i < N; i++) z = dz_tanh(dz_mul(z, x[N]));
    y = dz_mul(y, z);
    p[k] = dz_plan_new(1, &y, N + 1, x, &(dz_plan_options){.values_only = true}, NULL);
  }
  const dz_plan_facts a = dz_plan_facts_of(p[0]), b = dz_plan_facts_of(p[1]);
  ck_assert(a.operations == b.operations && a.loops == b.loops && a.instructions == b.instructions);
  ck_assert_uint_eq(a.bytes, b.bytes);
  ck_assert_uint_eq(dz_plan_memory(p[0]), dz_plan_memory(p[1]));
  for (int k = 0; k < 2; k++) dz_plan_free(p[k]);
  dz_tape_free(t);
}
END_TEST

START_TEST(refusals) {
  failing f = {0};
  const dz_allocator a = failing_allocator(&f);
  dz_tape *t = dz_tape_new(&a);
  dz_var x = dz_input(t, 2), y = dz_exp(x);
  dz_cost c;
  ck_assert_int_eq(dz_cost_of(y, NULL, NULL), DZ_ERR_ARGUMENT);
  ck_assert_int_eq(dz_cost_of(dz_num(1), NULL, &c), DZ_ERR_HANDLE);
  ck_assert_int_eq(dz_cost_of((dz_var){0}, NULL, &c), DZ_ERR_HANDLE);
  f.at = f.calls + 1;
  ck_assert_int_eq(dz_cost_of(y, NULL, &c), DZ_ERR_MEMORY);
  ck_assert(c.nodes == 0);
  f.at = 0;
  ck_assert_int_eq(dz_cost_of(y, NULL, &c), DZ_OK);
  ck_assert_uint_eq(c.nodes, 1);
  dz_tape_free(t);
  ck_assert_uint_eq(f.blocks, 0);
}
END_TEST

SUITE(EACH(operations, COUNT(rows)), ONCE(derivatives), ONCE(plans), ONCE(bytes_of_plans),
      ONCE(numbers_of_plans), ONCE(plans_for_values), ONCE(refusals))
