/* Derivatives as they are: their formulas, patterns, colourings and values, and the memory that they ask for,
   as a sum per function; as plan/kept.c does it. */
#include "derive/coloring.h"
#include "dz/checkpoint.h"
#include "dz/implicit.h"
#include "dz/sparse.h"
#include "listing.h"
#include "models.h"
#include "texts.h"

#include <string.h>

enum { LEAVES = 16, MOST = 200 };

/* New memory is zeros or noise: neither may be seen. */
static int filling;

static void *filled_resize(void *user, void *block, size_t old_size, size_t new_size) {
  char *r = list_resize(user, block, old_size, new_size);
  if (r && new_size > old_size) memset(r + old_size, filling, new_size - old_size);
  return r;
}

static dz_allocator filled_allocator(listing *l) { return (dz_allocator){filled_resize, l}; }

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

/* Each kind of colouring of a pattern, and the values by it: of y's first derivatives, or of its second. */
static void list_by_coloring(listing *l, dz_pattern *p, bool second, dz_var y, int n, const dz_var *x,
                             const dz_allocator *a) {
  static double values[MOST * MOST];
  if (p) list_pattern(l, p);
  for (int kind = DZ_COLORING_FEWEST; p && kind <= (second ? DZ_COLORING_STAR : DZ_COLORING_ROWS); kind++) {
    dz_coloring *c = NULL;
    LIST(l, "kind", (uint64_t)dz_coloring_new(p, (dz_coloring_kind)kind, a, &c));
    list_coloring(l, c);
    const dz_status s =
        second ? dz_sparse_hessian(c, y, n, x, values) : dz_sparse_jacobian(c, 1, &y, n, x, values);
    LIST(l, "values", (uint64_t)s);
    list_doubles(l, " ", s ? 0 : p->starts[p->rows], values);
    dz_coloring_free(c);
  }
  dz_pattern_free(p);
}

static void list_jacobian(listing *l, dz_var y, int n, const dz_var *x, const dz_allocator *a) {
  dz_pattern *p = NULL;
  LIST(l, "jacobian", (uint64_t)dz_jacobian_pattern(1, &y, n, x, 0, a, &p));
  list_by_coloring(l, p, false, y, n, x, a);
}

static void list_sparse(listing *l, dz_var y, int n, const dz_var *x, const dz_allocator *a) {
  dz_pattern *p = NULL;
  list_jacobian(l, y, n, x, a);
  LIST(l, "hessian", (uint64_t)dz_hessian_pattern(y, n, x, 0, a, &p));
  list_by_coloring(l, p, true, y, n, x, a);
}

enum { TEXTS = COUNT(texts), MODELS = COUNT(models), CHAINS = 6, EQUATIONS = 12, PATTERNS = 50 };
enum { ALL = TEXTS + MODELS + CHAINS + EQUATIONS + PATTERNS };

static const uint64_t sums[ALL] = {
#include "kept.sums"
};

static void list_expression(listing *l, int k) {
  const dz_allocator a = filled_allocator(l);
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

/* What is no number is listed itself, and then the sum of its squares. */
static void list_model(listing *l, int k) {
  const dz_allocator a = filled_allocator(l);
  dz_tape *t = dz_tape_new(&a);
  dz_var x[LEAVES];
  int n = 0;
  dz_var y = model_on(t, models[k], x, &n);
  ck_assert_msg(dz_valid(y), "%s: %s", models[k], dz_tape_error(t)->message);
  n = only_active(n, x);
  list_formula(l, dz_simplify(y));
  list_jacobian(l, y, n, x, &a);
  if (dz_rank(y) > 0) y = dz_sum(dz_mul(y, y), DZ_ALL, 0);
  for (int i = 0; i < n; i++) {
    const dz_var by = dz_derivative(y, x[i]), short_by = dz_simplify(by);
    list_formula(l, by);
    list_formula(l, short_by);
    if (!dz_is_active(by)) continue;
    const dz_var square = dz_sum(dz_mul(by, by), DZ_ALL, 0);
    for (int j = i; j < n && j < i + 2; j++) {
      const dz_var twice = dz_derivative(square, x[j]);
      if (dz_is_active(twice)) list_formula(l, dz_simplify(twice));
    }
  }
  list_values(l, y, n, x);
  list_sparse(l, y, n, x, &a);
  LIST(l, "nodes", dz_tape_size(t));
  dz_tape_free(t);
}

/* ---- patterns ---- */

/* Each element there or not by a rule of its own for each k; where k is odd with its mirror image. The last
   one is for a star colouring whose vertex 0 meets the first colour late. */
static bool is_there(int k, size_t i, size_t j) {
  static const uint8_t edges[][2] = {{0, 2}, {1, 2}, {0, 3}, {3, 4}, {1, 5},
                                     {1, 6}, {1, 7}, {1, 8}, {0, 9}, {0, 10}};
  const size_t low = k % 2 && j < i ? j : i, high = k % 2 && j < i ? i : j;
  const size_t mixed = (low * 73 + high * 151 + (low + (size_t)k) * high * 7) % 101;
  for (size_t e = 0; k == PATTERNS - 1 && e < COUNT(edges); e++)
    if (low == edges[e][0] && high == edges[e][1]) return true;
  if (k == PATTERNS - 1) return false;
  if (low % 5 == 4) return mixed < 2;
  return mixed < (k < 10 ? 12 : 20) || (k > 2 && k < 10 && high - low < 2);
}

static void list_colorings(listing *l, int k) {
  static uint32_t column[MOST * MOST];
  static const size_t some[10][2] = {{0, 4},   {1, 1},   {7, 9},   {16, 16}, {12, 30},
                                     {31, 31}, {64, 21}, {40, 40}, {5, 60},  {100, 100}};
  const size_t more = 8 + (size_t)k % 11, rows = k < 10 ? some[k][0] : more,
               columns = k < 10 ? some[k][1] : more;
  size_t starts[MOST + 1] = {0}, n = 0;
  const dz_allocator a = filled_allocator(l);
  dz_pattern *p = NULL;
  for (size_t i = 0; i < rows; i++) {
    for (size_t j = 0; j < columns; j++)
      if (is_there(k, i, j)) column[n++] = (uint32_t)j;
    starts[i + 1] = n;
  }
  ck_assert_int_eq(dz_pattern_new(rows, columns, starts, column, &a, &p), DZ_OK);
  list_pattern(l, p);
  for (int kind = DZ_COLORING_FEWEST; kind <= DZ_COLORING_STAR; kind++) {
    dz_coloring *c = NULL;
    LIST(l, "kind", (uint64_t)dz_coloring_new(p, (dz_coloring_kind)kind, &a, &c));
    if (c) list_coloring(l, c);
    dz_coloring_free(c);
  }
  dz_pattern_free(p);
}

/* ---- chains ---- */

/* The last state is the first parameter's number, and for some steps no variable: no tie with it then. */
static void step(dz_tape *t, size_t k, const dz_var *state, const dz_var *param, dz_var *next, void *user) {
  (void)t, (void)user;
  const dz_var both = dz_mul(state[0], param[0]), last = dz_fmin(state[2], param[0]);
  const dz_var inner = dz_add(both, dz_sum(dz_mul(state[1], .01 * (double)k), DZ_ALL, 0));
  const dz_var outer = dz_mul(state[1], state[0]);
  next[0] = dz_tanh(dz_mul(inner, last));
  next[1] = dz_add(outer, dz_sin(param[1]));
  next[2] = k < 5 ? state[2] : dz_fmax(state[2], param[0]);
}

static dz_var loss(dz_tape *t, const dz_var *state, const dz_var *param, void *user) {
  (void)t, (void)param, (void)user;
  const dz_var square = dz_mul(state[0], state[0]);
  return dz_add(square, dz_sum(state[1], DZ_ALL, 0));
}

static void list_chain(listing *l, int k) {
  static const size_t steps[CHAINS] = {1, 2, 7, 20, 33, 60}, kept[CHAINS] = {0, 1, 2, 3, 5, 100};
  static const double number = .7, numbers[3] = {.2, -.4, .6};
  static const size_t dims[1] = {3};
  double gradient[4][3];
  const dz_allocator a = filled_allocator(l);
  const dz_chain_leaf state[] = {{0, NULL, &number, gradient[0]},
                                 {1, dims, numbers, k % 2 ? gradient[1] : NULL},
                                 {0, NULL, &number, NULL}},
                      param[] = {{0, NULL, &number, gradient[2]}, {1, dims, numbers, gradient[3]}};
  const dz_chain chain = {steps[k], 3, 2, state, param, NULL, step, loss, NULL};
  dz_checkpoint_cost cost;
  dz_checkpoint_schedule plan;
  dz_error e;
  double value = 0;
  ck_assert_int_eq(dz_checkpoint_measure(&chain, &a, &cost, &e), DZ_OK);
  LIST(l, "cost", cost.state, cost.work);
  cost.work *= 2; /* later steps are larger than those that are measured */
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
  const dz_var *p = user, over = dz_div(dz_exp(*p), x);
  return dz_mul(dz_add(x, over), .5);
}

static dz_var square(dz_tape *t, dz_var x, void *user) {
  (void)t;
  const dz_var *p = user, all = dz_mul(.1, dz_sum(x, DZ_ALL, 0)), both = dz_add(dz_mul(x, x), all);
  return dz_sub(both, dz_exp(*p));
}

/* From a number, three or a matrix; also from where a whole Newton step leads astray, from the solution
   itself, and where too few steps are allowed. */
static void list_equation(listing *l, int k) {
  static const double start[4] = {1, 2, 1.5, 9}, solution[4] = {1, 1, 1, 1};
  static const size_t dims[2] = {2, 2};
  const int rank = k % 3, order = 1 + k / 3 % 3;
  const dz_allocator a = filled_allocator(l);
  dz_tape *t = dz_tape_new(&a);
  const dz_var p = dz_input(t, k == 9 ? 0 : .75);
  const dz_var from = rank == 0 ? dz_num(k == 3 ? 90 : 1)
                                : dz_leaf_tensor(t, DZ_ROLE_DATA, rank, dims, k == 10 ? solution : start);
  const dz_implicit_options o = {
      .order = order, .tolerance = k / 6 ? 1e-6 : 0, .solved = k == 9, .limit = k == 11 ? 2 : 0};
  const dz_var x =
      k % 2 ? dz_root(t, square, (void *)&p, from, &o) : dz_fixed_point(t, heron, (void *)&p, from, &o);
  LIST(l, "nodes", dz_tape_size(t), (uint64_t)dz_valid(x));
  if (dz_valid(x)) {
    list_doubles(l, "solution", dz_size(x), dz_values(x));
    const dz_var y = dz_sum(dz_mul(x, x), DZ_ALL, 0), first = dz_derivative(y, p),
                 second = dz_derivative(first, p);
    list_double(l, "first", dz_value(first));
    list_double(l, "second", dz_value(second));
    list_formula(l, first);
  } else {
    LIST(l, "message", (uint64_t)list_text(l, dz_tape_error(t)->message, strlen(dz_tape_error(t)->message)));
  }
  LIST(l, "nodes", dz_tape_size(t));
  dz_tape_free(t);
}

static void (*const parts[])(listing *, int) = {list_expression, list_model, list_chain, list_equation,
                                                list_colorings};
static const int counts[] = {TEXTS, MODELS, CHAINS, EQUATIONS, PATTERNS};

START_TEST(kept) {
  listing l = list_begin();
  int part = 0, k = _i;
  filling = _i % 2 ? 0 : 0x5a;
  while (k >= counts[part]) k -= counts[part++];
  parts[part](&l, k);
  list_end(&l, "kept.sums", _i, ALL, sums[_i]);
}
END_TEST

SUITE(EACH(kept, ALL))
