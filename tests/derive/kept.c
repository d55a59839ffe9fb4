/* Derivatives as they are: their formulas, patterns, colourings and values, and the memory that they ask for,
   as a sum per function; as plan/kept.c does it. */
#include "derive/coloring.h"
#include "dz/checkpoint.h"
#include "dz/implicit.h"
#include "dz/sparse.h"
#include "listing.h"
#include "texts.h"

enum { LEAVES = 16, MOST = 200 };

static void list_formula(listing *l, dz_var y) {
  LIST(l, "formula", dz_valid(y) ? dz_size(y) : 0);
  if (dz_valid(y)) LIST(l, "printed", (uint64_t)dz_print(y, NULL, list_text, l));
}

/* The derivative by each leaf, simplified, and of numbers by numbers once more; a sum's gradient from a seed
   that is a node. */
static void list_derivatives(listing *l, dz_var y, int n, const dz_var *x) {
  dz_var g[LEAVES];
  for (int i = 0; i < n; i++) {
    const dz_var by = dz_derivative(y, x[i]);
    list_formula(l, by);
    list_formula(l, dz_simplify(by));
    if (dz_rank(by) == 0) list_formula(l, dz_simplify(dz_derivative(dz_mul(by, by), x[(i + 1) % n])));
  }
  LIST(l, "gradient", (uint64_t)dz_grad_with(y, dz_sin(x[0]), n, x, g));
  for (int i = 0; i < n; i++) list_formula(l, g[i]);
}

static int only_active(int n, dz_var *x) {
  int k = 0;
  for (int i = 0; i < n; i++)
    if (dz_is_active(x[i])) x[k++] = x[i];
  return k;
}

static void list_values(listing *l, dz_var y, int n, const dz_var *x) {
  static double out[MOST * MOST], v[MOST];
  for (int i = 0; i < MOST; i++) v[i] = .25 * (i % 7) - .5;
  for (int i = 0; i < n; i++) {
    const size_t size = dz_size(x[i]);
    if (size > 9) continue;
    LIST(l, "jacobian", (uint64_t)dz_jacobian(y, x[i], out));
    list_doubles(l, " values", size, out);
    LIST(l, "hessian", (uint64_t)dz_hessian(y, x[i], out));
    list_doubles(l, " values", size * size, out);
    LIST(l, "product", (uint64_t)dz_hvp(y, 1, &x[i], v, out));
    list_doubles(l, " values", size, out);
  }
}

static void list_sizes(listing *l, const char *what, size_t n, const size_t *at) {
  LIST(l, what, n);
  for (size_t k = 0; k < n; k++) LIST(l, " ", at[k]);
}

static void list_pattern(listing *l, const dz_pattern *p) {
  LIST(l, "pattern", p->rows, p->columns);
  list_sizes(l, " starts", p->rows + 1, p->starts);
  list_places(l, " column", p->starts[p->rows], p->column);
}

static void list_coloring(listing *l, const dz_coloring *c) {
  const size_t elements = dz_coloring_pattern(c)->starts[dz_coloring_pattern(c)->rows];
  LIST(l, "coloring", (uint64_t)c->kind, c->seeds, c->results, c->products);
  list_sizes(l, " seed_start", c->products + 1, c->seed_start);
  list_sizes(l, " part", c->products + 1, c->part);
  list_places(l, " seed", c->seed_start[c->products], c->seed);
  list_sizes(l, " element", c->part[c->products], c->element);
  list_places(l, " from", c->part[c->products], c->from);
  LIST(l, " elements", elements);
}

/* Of the gradient, and of y's second derivatives: the pattern, each kind of colouring, and the values. */
static void list_sparse(listing *l, dz_var y, int n, const dz_var *x, const dz_allocator *a) {
  static double values[MOST * MOST];
  dz_pattern *p[2] = {NULL, NULL};
  LIST(l, "jacobian", (uint64_t)dz_jacobian_pattern(1, &y, n, x, 0, a, &p[0]));
  LIST(l, "hessian", (uint64_t)dz_hessian_pattern(y, n, x, 0, a, &p[1]));
  for (int k = 0; k < 2; k++) {
    if (p[k]) list_pattern(l, p[k]);
    for (int kind = DZ_COLORING_FEWEST; p[k] && kind <= (k ? DZ_COLORING_STAR : DZ_COLORING_ROWS); kind++) {
      dz_coloring *c = NULL;
      LIST(l, "kind", (uint64_t)dz_coloring_new(p[k], (dz_coloring_kind)kind, a, &c));
      list_coloring(l, c);
      const dz_status s =
          k ? dz_sparse_hessian(c, y, n, x, values) : dz_sparse_jacobian(c, 1, &y, n, x, values);
      LIST(l, "values", (uint64_t)s);
      list_doubles(l, " ", s ? 0 : p[k]->starts[p[k]->rows], values);
      dz_coloring_free(c);
    }
    dz_pattern_free(p[k]);
  }
}

static const uint64_t sums[] = {
#include "kept.sums"
};

enum { TEXTS = COUNT(texts), CHAINS = 6, EQUATIONS = 6, ALL = TEXTS + CHAINS + EQUATIONS };

static void list_expression(listing *l, int k) {
  const dz_allocator a = list_allocator(l);
  dz_tape *t = dz_tape_new(&a);
  dz_var x[LEAVES];
  int n = 0;
  const dz_var y = text_on(t, texts[k], x, &n);
  ck_assert_msg(dz_valid(y), "%s", dz_tape_error(t)->message);
  n = only_active(n, x);
  list_derivatives(l, y, n, x);
  list_values(l, y, n, x);
  list_sparse(l, y, n, x, &a);
  dz_tape_free(t);
}

/* ---- chains ---- */

static void step(dz_tape *t, size_t k, const dz_var *state, const dz_var *param, dz_var *next, void *user) {
  (void)t, (void)user;
  next[0] = dz_tanh(dz_add(dz_mul(state[0], param[0]), dz_sum(dz_mul(state[1], .01 * (double)k), DZ_ALL, 0)));
  next[1] = dz_add(dz_mul(state[1], state[0]), dz_sin(param[1]));
}

static dz_var loss(dz_tape *t, const dz_var *state, const dz_var *param, void *user) {
  (void)t, (void)param, (void)user;
  return dz_add(dz_mul(state[0], state[0]), dz_sum(state[1], DZ_ALL, 0));
}

static void list_chain(listing *l, int k) {
  static const size_t steps[CHAINS] = {1, 2, 7, 20, 33, 60}, kept[CHAINS] = {0, 1, 2, 3, 5, 100};
  static const double number = .7, numbers[3] = {.2, -.4, .6};
  static const size_t dims[1] = {3};
  double gradient[4][3];
  const dz_allocator a = list_allocator(l);
  const dz_chain_leaf state[] = {{0, NULL, &number, gradient[0]},
                                 {1, dims, numbers, k % 2 ? gradient[1] : NULL}},
                      param[] = {{0, NULL, &number, gradient[2]}, {1, dims, numbers, gradient[3]}};
  const dz_chain chain = {steps[k], 2, 2, state, param, NULL, step, loss, NULL};
  dz_checkpoint_cost cost;
  dz_checkpoint_schedule plan;
  dz_error e;
  double value = 0;
  ck_assert_int_eq(dz_checkpoint_measure(&chain, &a, &cost, &e), DZ_OK);
  LIST(l, "cost", cost.state, cost.work);
  ck_assert_int_eq(dz_checkpoint_plan(steps[k], &cost, cost.work + kept[k] * cost.state, &plan, &e), DZ_OK);
  LIST(l, "plan", plan.steps, plan.kept, plan.peak, plan.evaluations, plan.least);
  ck_assert_msg(dz_checkpoint_run(&chain, &plan, &a, &value, &e) == DZ_OK, "%s", e.message);
  list_double(l, "value", value);
  list_doubles(l, "state", 1, gradient[0]);
  list_doubles(l, "param", 1, gradient[2]);
  list_doubles(l, "param", 3, gradient[3]);
}

/* ---- equations ---- */

static dz_var heron(dz_tape *t, dz_var x, void *user) {
  (void)t;
  const dz_var *p = user;
  return dz_mul(dz_add(x, dz_div(dz_exp(*p), x)), .5);
}

static dz_var square(dz_tape *t, dz_var x, void *user) {
  (void)t;
  const dz_var *p = user;
  return dz_sub(dz_add(dz_mul(x, x), dz_mul(.1, dz_sum(x, DZ_ALL, 0))), dz_exp(*p));
}

static void list_equation(listing *l, int k) {
  static const double start[3] = {1, 2, 1.5};
  static const size_t dims[1] = {3};
  const dz_allocator a = list_allocator(l);
  dz_tape *t = dz_tape_new(&a);
  dz_var p = dz_input(t, .75), from = k % 2 ? dz_leaf_tensor(t, DZ_ROLE_DATA, 1, dims, start) : dz_num(1);
  const dz_implicit_options o = {.order = 1 + k / 2, .tolerance = k / 2 ? 1e-6 : 0};
  const dz_var x = k % 3 ? dz_root(t, square, &p, from, &o) : dz_fixed_point(t, heron, &p, from, &o);
  ck_assert_msg(dz_valid(x), "%s", dz_tape_error(t)->message);
  list_doubles(l, "solution", dz_size(x), dz_values(x));
  const dz_var y = dz_sum(dz_mul(x, x), DZ_ALL, 0), first = dz_derivative(y, p),
               second = dz_derivative(first, p);
  list_double(l, "first", dz_value(first));
  list_double(l, "second", dz_value(second));
  LIST(l, "nodes", dz_tape_size(t));
  dz_tape_free(t);
}

START_TEST(kept) {
  listing l = list_begin();
  if (_i < TEXTS)
    list_expression(&l, _i);
  else if (_i < TEXTS + CHAINS)
    list_chain(&l, _i - TEXTS);
  else
    list_equation(&l, _i - TEXTS - CHAINS);
  list_end(&l, "kept.sums", _i, ALL, sums[_i]);
}
END_TEST

SUITE(EACH(kept, ALL))
