/* Random graphs of sums and products of small whole numbers, where doubles are exact: values and all adjoints
   must equal those of a plain sweep in whole numbers, to the last bit. Operands are mostly the latest nodes,
   so that the sweep's short ways (what it carries in registers, sums of products) meet every pattern. */
#include "dz/dz.h"
#include "suite.h"

#include <stdint.h>

enum { LEAVES = 3, NODES = 40, LIMIT = 1 << 30 };

/* One operation beside dz's: operand -1 is the number. */
typedef struct step {
  int op, a, b; /* 0 add, 1 sub, 2 mul, 3 neg */
  int64_t number, value, adjoint;
  dz_var node;
} step;

static uint64_t state;
static int pick(int n) {
  state = state * 6364136223846793005u + 1442695040888963407u;
  return (int)((state >> 33) % (uint64_t)n);
}

/* The latest node half of the time, and so on back; now and then a number. */
static int operand(int n) {
  if (pick(8) == 0) return -1;
  int back = 1;
  while (back < n && pick(2)) back++;
  return pick(6) == 0 ? pick(n) : n - back;
}

static int64_t value_of(const step *s, int k, int64_t number) { return k < 0 ? number : s[k].value; }
static dz_var node_of(const step *s, int k, int64_t number) {
  return k < 0 ? dz_num((double)number) : s[k].node;
}

/* False when a number got too large to be exact for long. */
static bool add_step(step *s, int n) {
  step *now = &s[n];
  *now = (step){.op = pick(10) == 0 ? 3 : pick(3), .a = operand(n), .b = operand(n), .number = pick(5) - 2};
  if (now->op == 3 && now->a < 0) now->a = n - 1;
  if (now->a < 0 && now->b < 0) now->b = n - 1;
  int64_t x = value_of(s, now->a, now->number), y = value_of(s, now->b, now->number);
  dz_var u = node_of(s, now->a, now->number), v = node_of(s, now->b, now->number);
  now->value = now->op == 0 ? x + y : now->op == 1 ? x - y : now->op == 2 ? x * y : -x;
  now->node = now->op == 0   ? dz_add(u, v)
              : now->op == 1 ? dz_sub(u, v)
              : now->op == 2 ? dz_mul(u, v)
                             : dz_neg(u);
  return llabs(now->value) < LIMIT;
}

static void give(step *s, int k, int64_t flow) {
  if (k >= 0) s[k].adjoint += flow;
}

static bool sweep(step *s, int n) {
  for (int i = 0; i < n; i++) s[i].adjoint = i == n - 1;
  for (int i = n; i-- > LEAVES;) {
    const step *now = &s[i];
    int64_t g = now->adjoint, x = value_of(s, now->a, now->number), y = value_of(s, now->b, now->number);
    if (llabs(g) > LIMIT) return false;
    give(s, now->a, now->op == 2 ? g * y : now->op == 3 ? -g : g);
    if (now->op != 3) give(s, now->b, now->op == 2 ? g * x : now->op == 1 ? -g : g);
  }
  return true;
}

/* Two rows at once: that of the last node, swept before, and that of another. */
static void rows_agree(const step *s, int n) {
  const dz_var xs[LEAVES] = {s[0].node, s[1].node, s[2].node}, ys[] = {s[n - 1].node, s[pick(n)].node};
  double rows[2 * LEAVES];
  ck_assert_int_eq(dz_jacobians(2, ys, LEAVES, xs, rows), DZ_OK);
  for (int i = 0; i < LEAVES; i++) ck_assert(rows[i] == (double)s[i].adjoint);
  ck_assert_int_eq(dz_backward(ys[1]), DZ_OK);
  for (int i = 0; i < LEAVES; i++)
    ck_assert(rows[LEAVES + i] == (dz_node_index(xs[i]) <= dz_node_index(ys[1]) ? dz_adjoint(xs[i]) : 0));
}

START_TEST(sums_of_products) {
  int compared = 0, graphs = EFFORT(40000, 4000);
  dz_tape *t = dz_tape_new(NULL);
  dz_mark start = dz_tape_mark(t);
  for (int k = 0; k < graphs; k++) {
    step s[NODES];
    state = (uint64_t)k;
    dz_tape_rewind(t, start);
    for (int i = 0; i < LEAVES; i++) {
      int64_t value = pick(7) - 3;
      s[i] = (step){.a = -1, .b = -1, .value = value, .node = dz_input(t, (double)value)};
    }
    int n = LEAVES, most = LEAVES + 1 + pick(NODES - LEAVES);
    while (n < most && add_step(s, n)) n++;
    if (n < most || !sweep(s, n)) continue;
    compared++;
    ck_assert_int_eq(dz_backward(s[n - 1].node), DZ_OK);
    for (int i = 0; i < LEAVES; i++) ck_assert(dz_adjoint(s[i].node) == (double)s[i].adjoint);
    for (int i = 0; i < n; i++) {
      ck_assert(dz_value(s[i].node) == (double)s[i].value);
      ck_assert(dz_adjoint(s[i].node) == (double)s[i].adjoint);
    }
    rows_agree(s, n);
  }
  ck_assert_int_gt(compared, graphs / 3);
  dz_tape_free(t);
}
END_TEST

/* Two rows are the first that is asked of a tape of some length, which begins with what has no adjoint. */
START_TEST(rows_of_a_long_tape) {
  dz_tape *t = dz_tape_new(NULL);
  (void)dz_data(t, 7);
  const dz_var xs[] = {dz_input(t, 2), dz_input(t, 3), dz_input(t, 5)};
  dz_var y = dz_num(0);
  for (int k = 0; k < 300; k++) y = dz_add(y, dz_mul(xs[k % 3], k));
  const dz_var ys[] = {dz_mul(xs[0], xs[2]), y};
  double rows[6], sum[3] = {0};
  for (int k = 0; k < 300; k++) sum[k % 3] += k;
  ck_assert_int_eq(dz_jacobians(2, ys, 3, xs, rows), DZ_OK);
  ck_assert(rows[0] == 5 && rows[1] == 0 && rows[2] == 2);
  for (int i = 0; i < 3; i++) ck_assert(rows[3 + i] == sum[i]);
  dz_tape_free(t);
}
END_TEST

/* A handle keeps a copy of its value; setting a leaf must reach every copy. */
START_TEST(setting_reaches_every_copy) {
  dz_tape *t = dz_tape_new(NULL);
  dz_var x = dz_input(t, 3), copy = x, y = dz_mul(x, x);
  for (double v = 5; v < 9; v++) {
    dz_var again = dz_node_at(t, 0);
    ck_assert_int_eq(dz_set(v < 7 ? x : again, &v, 1), DZ_OK);
    ck_assert(dz_value(x) == v && dz_value(copy) == v && dz_value(again) == v);
    ck_assert(dz_value(dz_add(x, 1)) == v + 1);
    ck_assert(dz_value(dz_mul(copy, again)) == v * v);
    ck_assert(dz_value(dz_exp(dz_sub(again, v))) == 1);
    ck_assert(dz_value(dz_neg(copy)) == -v);
    ck_assert(dz_value(dz_add(y, 0)) == 9); /* what was recorded keeps its value */
  }
  ck_assert_int_eq(dz_tape_error(t)->status, DZ_OK);
  dz_tape_free(t);
}
END_TEST

SUITE(ONCE(sums_of_products), ONCE(rows_of_a_long_tape), ONCE(setting_reaches_every_copy))
