/* Plans against the tape that they were made from. Where no node is used more than twice nothing is
   reassociated, and plan and tape must agree bit for bit; sums that became loops agree within the bound of
   recursive summation, (n - 1) u sum |terms| for either order (Higham, Accuracy and Stability, 4.2). */
#include "dice.h"
#include "dz/dz.h"
#include "effort.h"
#include "kernels/pointwise.h"
#include "soil.h"
#include "starved.h"
#include "suite.h"
#include "tape/tape.h"

#include <math.h>
#include <pthread.h>

static const dz_plan_options unrolled = {.unrolled = true};

static size_t below(dice *d, size_t n) { return (size_t)(roll(d) % n); }
static double between(dice *d, double low, double high) {
  return low + (high - low) * ((double)(roll(d) >> 11) * 0x1p-53);
}

/* The same number; a zero's sign may differ, since the tape's adjoints begin with +0. */
static bool same(double x, double y) { return x == y || (x != x && y != y); }

static dz_plan *plan_of(dz_var y, int n, const dz_var *xs, const dz_plan_options *o) {
  dz_error e;
  dz_plan *p = dz_plan_new(1, &y, n, xs, o, &e);
  ck_assert_msg(p != NULL, "%s", e.message);
  return p;
}

static double run(const dz_plan *p, const double *in, double *gradient) {
  void *work = malloc(dz_plan_memory(p));
  soil(work, dz_plan_memory(p));
  double value;
  ck_assert_int_eq(dz_plan_run(p, in, &value, gradient, work), DZ_OK);
  free(work);
  return value;
}

/* ---- random graphs ---- */

enum { LEAVES = 6, NODES = 60 };

typedef struct graph {
  dz_tape *t;
  dz_var node[LEAVES + NODES], x[LEAVES];
  int uses[LEAVES + NODES];
  double in[LEAVES];
  size_t n;
} graph;

static dz_var operand(graph *g, dice *d) {
  if (below(d, 5) == 0) return dz_num(between(d, -2, 2));
  for (;;) {
    size_t k = below(d, g->n);
    if (g->uses[k] < 2) return g->uses[k]++, g->node[k];
  }
}

/* Any operations of the table, so also NaN, infinities and kinks; at the end all that nothing uses is added
 * up.
 */
static dz_var draw(graph *g, dice *d) {
  g->n = 0;
  memset(g->uses, 0, sizeof g->uses);
  for (; g->n < LEAVES; g->n++) {
    g->in[g->n] = below(d, 8) ? between(d, -2, 2) : (double)below(d, 3) - 1;
    g->x[g->n] = g->node[g->n] = dz_input(g->t, g->in[g->n]);
  }
  while (g->n < LEAVES + NODES) {
    dz__fn fn = (dz__fn)below(d, DZ__F_POINTWISE_END);
    dz_var args[3];
    for (int k = 0; k < dz__ops[fn].arity; k++) args[k] = operand(g, d);
    if (fn == DZ__F_copysign && isnan(dz_value(args[1]))) continue; /* a NaN's sign is nobody's promise */
    dz_var z = dz__record(fn, dz__ops[fn].arity, args, 0, NULL);
    ck_assert(dz_valid(z));
    if (!dz_is_number(z)) g->node[g->n++] = z;
  }
  dz_var y = dz_num(0);
  for (size_t k = 0; k < g->n; k++)
    if (g->uses[k] == 0 && dz_is_active(g->node[k]) && fabs(dz_value(g->node[k])) < 1e6)
      y = dz_add(y, g->node[k]);
  return y;
}

START_TEST(random_graphs) {
  graph g = {.t = dz_tape_new(NULL)};
  for (uint64_t seed = 1; seed <= EFFORT(3000, 200); seed++) {
    dice d = {seed};
    dz_tape_clear(g.t);
    dz_var y = draw(&g, &d);
    if (dz_is_number(y)) continue;
    ck_assert_int_eq(dz_backward(y), DZ_OK);
    dz_plan *p = plan_of(y, LEAVES, g.x, &unrolled);
    double gradient[LEAVES], value = run(p, g.in, gradient);
    ck_assert_msg(same(value, dz_value(y)), "seed %d: value %.17g, tape %.17g", (int)seed, value,
                  dz_value(y));
    ck_assert(same(run(p, g.in, NULL), value));
    for (int k = 0; k < LEAVES; k++)
      ck_assert_msg(same(gradient[k], dz_adjoint(g.x[k])), "seed %d: gradient %d is %.17g, tape %.17g",
                    (int)seed, k, gradient[k], dz_adjoint(g.x[k]));
    dz_plan_free(p);
  }
  dz_tape_free(g.t);
}
END_TEST

/* ---- loops ---- */

enum { PARAMS = 4, OWN = 2, MOST_LANES = 1000 };

/* The same operations in every lane, drawn from one seed: over parameters that all share, inputs of its own,
   and a number of its own. */
static dz_var lane(uint64_t seed, const dz_var *shared, const dz_var *own, double number) {
  static const dz__fn smooth[] = {DZ__F_add,      DZ__F_sub,  DZ__F_mul,   DZ__F_mul,  DZ__F_div,
                                  DZ__F_neg,      DZ__F_exp,  DZ__F_sin,   DZ__F_tanh, DZ__F_sigmoid,
                                  DZ__F_softplus, DZ__F_fmax, DZ__F_fmin,  DZ__F_fabs, DZ__F_log,
                                  DZ__F_sqrt,     DZ__F_pow,  DZ__F_hypot, DZ__F_relu, DZ__F_atan};
  dice d = {seed};
  dz_var node[40];
  size_t n = 0;
  for (int k = 0; k < PARAMS; k++) node[n++] = shared[k];
  for (int k = 0; k < OWN; k++) node[n++] = own[k];
  while (n < 30) {
    dz__fn fn = smooth[below(&d, sizeof smooth / sizeof *smooth)];
    dz_var args[2];
    for (int k = 0; k < dz__ops[fn].arity; k++) {
      size_t pick = below(&d, n + 2);
      args[k] = pick == n ? dz_num(number) : pick > n ? dz_num(1.5) : node[pick];
    }
    dz_var z = dz__record(fn, dz__ops[fn].arity, args, 0, NULL);
    if (!dz_is_number(z)) node[n++] = z;
  }
  dz_var y = node[n - 1];
  for (int k = 2; k < 6; k++) y = dz_mul(y, dz_sin(node[n - (size_t)k]));
  return y;
}

typedef struct loop {
  dz_tape *t;
  dz_var x[PARAMS + OWN * MOST_LANES], term[MOST_LANES], y;
  double in[PARAMS + OWN * MOST_LANES], size[PARAMS + OWN * MOST_LANES];
  int lanes, n;
} loop;

static void record_loop(loop *l, uint64_t seed, int lanes) {
  dice d = {seed * 77};
  l->lanes = lanes;
  l->n = PARAMS + OWN * lanes;
  dz_tape_clear(l->t);
  for (int k = 0; k < l->n; k++) l->x[k] = dz_input(l->t, l->in[k] = between(&d, .5, 2));
  l->y = dz_num(0);
  for (int k = 0; k < lanes; k++) {
    l->term[k] = lane(seed, l->x, l->x + PARAMS + OWN * k, between(&d, .5, 2));
    l->y = dz_add(l->y, l->term[k]);
  }
}

/* |a - b| for any two orders of adding the terms. Non-finite terms must give the same kind of number. */
static bool close_enough(double a, double b, double terms, int n) {
  return same(a, b) || fabs(a - b) <= 2 * n * 0x1p-53 * terms;
}

START_TEST(loops) {
  static const int sizes[] = {8, 9, 63, 64, 65, 257, MOST_LANES};
  loop *l = calloc(1, sizeof *l);
  double *gradient = calloc(PARAMS + OWN * MOST_LANES, sizeof *gradient);
  l->t = dz_tape_new(NULL);
  for (uint64_t seed = 1; seed <= EFFORT(60, 12); seed++) {
    record_loop(l, seed, sizes[seed % (sizeof sizes / sizeof *sizes)]);
    if (!dz_is_active(l->y)) continue;
    dz_plan *p = plan_of(l->y, l->n, l->x, NULL);
    ck_assert_uint_ge(dz_plan_facts_of(p).lanes, (size_t)l->lanes);
    double terms = 0, value = run(p, l->in, gradient);
    memset(l->size, 0, sizeof l->size);
    for (int k = 0; k < l->lanes; k++) {
      terms += fabs(dz_value(l->term[k]));
      if (!dz_is_active(l->term[k])) continue;
      ck_assert_int_eq(dz_backward(l->term[k]), DZ_OK);
      for (int j = 0; j < PARAMS; j++) l->size[j] += fabs(dz_adjoint(l->x[j]));
      for (int j = PARAMS + OWN * k; j < PARAMS + OWN * (k + 1); j++) l->size[j] = fabs(dz_adjoint(l->x[j]));
    }
    ck_assert_msg(close_enough(value, dz_value(l->y), terms, l->lanes), "seed %d: %.17g, tape %.17g",
                  (int)seed, value, dz_value(l->y));
    ck_assert_int_eq(dz_backward(l->y), DZ_OK);
    /* Within a lane a parameter may be used by many: as many roundings more. */
    for (int j = 0; j < l->n; j++)
      ck_assert_msg(close_enough(gradient[j], dz_adjoint(l->x[j]), l->size[j], 40 * l->lanes),
                    "seed %d, %d lanes: gradient %d is %.17g, tape %.17g", (int)seed, l->lanes, j,
                    gradient[j], dz_adjoint(l->x[j]));
    ck_assert(same(run(p, l->in, NULL), value));
    dz_plan_free(p);
  }
  dz_tape_free(l->t);
  free(gradient);
  free(l);
}
END_TEST

/* Where nothing flows, an infinite slope behind it makes no NaN; where the number 0 flows, it does. */
START_TEST(structural_zeros) {
  for (int rolled = 0; rolled < 2; rolled++) {
    dz_tape *t = dz_tape_new(NULL);
    dz_var x[20], y = dz_num(0);
    double in[20], gradient[20];
    int n = rolled ? 20 : 2;
    for (int k = 0; k < n; k++) x[k] = dz_input(t, in[k] = k % 3 ? 0 : 4);
    for (int k = 0; k < n; k++) y = dz_add(y, dz_where(dz_gt(x[k], 0), dz_sqrt(x[k]), 7));
    dz_plan *p = plan_of(y, n, x, NULL);
    ck_assert_uint_eq(dz_plan_facts_of(p).loops, (size_t)rolled);
    run(p, in, gradient);
    for (int k = 0; k < n; k++) ck_assert_double_eq(gradient[k], k % 3 ? 0 : .25);
    dz_plan_free(p);
    y = dz_num(0);
    for (int k = 0; k < n; k++) y = dz_add(y, dz_mul(dz_mul(x[k], 0), dz_sqrt(x[k])));
    p = plan_of(y, n, x, NULL);
    run(p, in, gradient);
    dz_backward(y);
    for (int k = 0; k < n; k++)
      ck_assert(same(gradient[k], dz_adjoint(x[k])) && (k % 3 == 0 || isnan(gradient[k])));
    dz_plan_free(p);
    dz_tape_free(t);
  }
}
END_TEST

static dz_var absolute(dz_var x) { return dz_holds(dz_lt(x, 0)) ? dz_neg(x) : x; }

/* Nothing flows to a condition, not even where its slope is infinite or no number. */
START_TEST(conditions_have_no_gradient) {
  dz_tape *t = dz_tape_new(NULL);
  double in[] = {0, -1, 2}, gradient[3], value;
  dz_var x[3];
  for (int k = 0; k < 3; k++) x[k] = dz_input(t, in[k]);
  dz_holds(dz_sqrt(x[0]));
  dz_holds(dz_log(x[1]));
  dz_plan *p = plan_of(dz_mul(x[2], x[2]), 3, x, NULL);
  void *work = malloc(dz_plan_memory(p));
  ck_assert_int_eq(dz_plan_run(p, in, &value, gradient, work), DZ_OK);
  ck_assert(value == 4 && gradient[0] == 0 && gradient[1] == 0 && gradient[2] == 4);
  free(work);
  dz_plan_free(p);
  dz_tape_free(t);
}
END_TEST

/* A branch is followed, checked in every run, and found with its place; one that was dropped, or that no
   input decides, is not. */
START_TEST(branches) {
  for (int n = 1; n <= 30; n += 29) {
    dz_tape *t = dz_tape_new(NULL);
    dz_var x[30], c = dz_const(t, 3), y = absolute(c);
    double in[30], gradient[30], value;
    for (int k = 0; k < n; k++) x[k] = dz_input(t, in[k] = k % 2 ? k + 1 : -k - 1);
    dz_mark mark = dz_tape_mark(t);
    absolute(x[0]);
    dz_tape_rewind(t, mark);
    int line = __LINE__ + 1;
    for (int k = 0; k < n; k++) y = dz_add(y, dz_holds(dz_lt(x[k], 0)) ? dz_neg(x[k]) : x[k]);
    dz_plan *p = plan_of(y, n, x, NULL);
    ck_assert_uint_eq(dz_plan_facts_of(p).branches, (size_t)n);
    void *work = malloc(dz_plan_memory(p));
    ck_assert_int_eq(dz_plan_run(p, in, &value, gradient, work), DZ_OK);
    ck_assert_double_eq(value, dz_value(y));
    for (int k = 0; k < n; k++) ck_assert_double_eq(gradient[k], in[k] < 0 ? -1 : 1);
    in[n - 1] = -in[n - 1];
    dz_branch b;
    ck_assert_int_eq(dz_plan_run(p, in, &value, NULL, work), DZ_ERR_BRANCH);
    ck_assert_uint_eq(dz_plan_flips(p, work, &b), 1);
    ck_assert_str_eq(b.file, __FILE__);
    ck_assert_int_eq(b.line, line);
    ck_assert(b.recorded == (n == 1) && b.number == (size_t)n - 1);
    free(work);
    dz_plan_free(p);
    dz_tape_free(t);
  }
  dz_tape *t = dz_tape_new(NULL);
  size_t two = 2;
  ck_assert(dz_holds(dz_num(2)) && !dz_holds(dz_num(0)) && !dz_holds((dz_var){0}));
  ck_assert(!dz_holds(dz_leaf_tensor(t, DZ_ROLE_INPUT, 1, &two, NULL)));
  ck_assert_int_eq(dz_tape_error(t)->status, DZ_ERR_SHAPE);
  dz_tape_free(t);
}
END_TEST

/* ---- the interface ---- */

/* Another point than the recorded one; leaves that are not inputs keep their values; data has no gradient. */
START_TEST(elsewhere) {
  dz_tape *t = dz_tape_new(NULL);
  dz_var x = dz_input(t, 1), w = dz_param(t, 10), c = dz_data(t, 3);
  dz_var ys[] = {dz_add(dz_mul(dz_mul(x, w), c), x), dz_mul(c, 2), c};
  dz_var xs[] = {c, x};
  dz_error e;
  dz_plan *p = dz_plan_new(3, ys, 2, xs, NULL, &e);
  ck_assert(p != NULL);
  dz_tape_free(t);
  double in[] = {5, 2}, values[3], gradient[2], seeds[] = {2, 1, 1};
  void *work = malloc(dz_plan_memory(p));
  ck_assert_int_eq(dz_plan_pull(p, in, seeds, values, gradient, work), DZ_OK);
  ck_assert_double_eq(values[0], 102);
  ck_assert_double_eq(values[1], 10);
  ck_assert_double_eq(values[2], 5);
  ck_assert_double_eq(gradient[0], 0);
  ck_assert_double_eq(gradient[1], 102);
  free(work);
  dz_plan_free(p);
}
END_TEST

static void refused(dz_status status, int ny, const dz_var *ys, int nx, const dz_var *xs) {
  dz_error e;
  ck_assert_ptr_null(dz_plan_new(ny, ys, nx, xs, NULL, &e));
  ck_assert_msg(e.status == status && e.message[0], "status %d: %s", (int)e.status, e.message);
  ck_assert_ptr_null(dz_plan_new(ny, ys, nx, xs, NULL, NULL));
}

START_TEST(mistakes) {
  dz_tape *t = dz_tape_new(NULL), *other = dz_tape_new(NULL);
  size_t three = 3;
  dz_var x = dz_input(t, 1), y = dz_mul(x, x), far = dz_input(other, 1), bad = {0}, number = dz_num(2);
  dz_var twice[] = {x, x}, many = dz_leaf_tensor(t, DZ_ROLE_INPUT, 1, &three, (double[]){1, 2, 3});
  dz_set_name(many, "many");
  dz_var solved = dz_expr(t, "sum(solve([[2, 0, 0], [0, 2, 0], [0, 0, 2]], many))");
  dz_var moved = dz_expr(t, "sum(gather([1, 2, 3], many - 1))");
  refused(DZ_ERR_ARGUMENT, 0, &y, 1, &x);
  refused(DZ_ERR_ARGUMENT, 1, NULL, 1, &x);
  refused(DZ_ERR_ARGUMENT, 1, &y, 1, NULL);
  refused(DZ_ERR_ARGUMENT, 1, &y, 1, &y);
  refused(DZ_ERR_ARGUMENT, 1, &y, 2, twice);
  refused(DZ_ERR_HANDLE, 1, &bad, 1, &x);
  refused(DZ_ERR_HANDLE, 1, &number, 1, &x);
  refused(DZ_ERR_HANDLE, 1, &y, 1, &far);
  refused(DZ_ERR_HANDLE, 1, &y, 1, &bad);
  refused(DZ_ERR_ARGUMENT, 1, &solved, 1, &many);
  refused(DZ_ERR_ARGUMENT, 1, &moved, 1, &many);
  ck_assert_int_eq(dz_tape_error(t)->status, DZ_OK);
  dz_plan_free(NULL);
  ck_assert_uint_eq(dz_plan_memory(NULL), 0);
  dz_plan_options values = {.values_only = true};
  dz_plan *p = plan_of(y, 1, &x, &values);
  double in = 3, value, gradient, *work = malloc(dz_plan_memory(p));
  ck_assert_int_eq(dz_plan_run(p, &in, &value, NULL, work), DZ_OK);
  ck_assert_double_eq(value, 9);
  ck_assert_int_eq(dz_plan_run(p, &in, &value, &gradient, work), DZ_ERR_ARGUMENT);
  ck_assert_int_eq(dz_plan_run(p, NULL, &value, NULL, work), DZ_ERR_ARGUMENT);
  ck_assert_int_eq(dz_plan_run(p, &in, &value, NULL, NULL), DZ_ERR_ARGUMENT);
  ck_assert_int_eq(dz_plan_run(NULL, &in, &value, NULL, work), DZ_ERR_ARGUMENT);
  free(work);
  dz_plan_free(p);
  dz_tape_free(t);
  dz_tape_free(other);
}
END_TEST

/* Whole numbers: sums are exact in any order. */
START_TEST(tensors) {
  static const char *const programs[] = {"sum((A @ B) * C)",
                                         "sum(A @ v)",
                                         "sum(v @ B)",
                                         "v @ v",
                                         "sum((v @ [B, 2*B]) ** 2) + sum(([A, -A] @ v) * [1, 2])",
                                         "sum(A' @ C)",
                                         "sum(where(A > 2, A*A, -A))",
                                         "sum(sum(A, 0) * v)",
                                         "A[1, 2] * sum(A[0])",
                                         "sum(A[:, 1:3] @ v[1:3])",
                                         "sum(concat(v, A[0]) ** 2)",
                                         "sum(max(A, 0) * v)",
                                         "min(A) * sum(A)",
                                         "max(concat(v, v, A[0]))",
                                         "prod(v) + sum(prod(A, 1))",
                                         "sum(cumsum(A, 0) * A) + sum(cumsum(v))",
                                         "sum(cumprod(A, 1) * cumprod(v))",
                                         "sum(d(sum(gather(v, [2, 2, 0]) ** 2), v) * v)",
                                         "norm(v[:1]) * sum(A)",
                                         "sum(clamp(A, 2, 5) * A)",
                                         "sum(max(A, v) * min(A, 3))"};
  for (size_t i = 0; i < sizeof programs / sizeof *programs; i++) {
    dz_tape *t = dz_tape_new(NULL);
    const double a[] = {1, 2, 3, 4, 5, 6}, b[] = {2, -1, 3, 1, 0, 5}, c[] = {1, -2, 3, 4}, v[] = {3, 1, -2};
    dz_var x[] = {dz_leaf_tensor(t, DZ_ROLE_INPUT, 2, (size_t[]){2, 3}, a),
                  dz_leaf_tensor(t, DZ_ROLE_INPUT, 2, (size_t[]){3, 2}, b),
                  dz_leaf_tensor(t, DZ_ROLE_INPUT, 2, (size_t[]){2, 2}, c),
                  dz_leaf_tensor(t, DZ_ROLE_INPUT, 1, (size_t[]){3}, v)};
    static const char *const names[] = {"A", "B", "C", "v"};
    double in[19], gradient[19];
    size_t n = 0;
    for (int k = 0; k < 4; k++) {
      dz_set_name(x[k], names[k]);
      for (size_t j = 0; j < dz_size(x[k]); j++) in[n++] = dz_values(x[k])[j];
    }
    dz_var y = dz_expr(t, programs[i]);
    ck_assert_msg(dz_valid(y), "%s: %s", programs[i], dz_tape_error(t)->message);
    dz_plan *p = plan_of(y, 4, x, NULL);
    ck_assert_uint_eq(dz_plan_inputs(p), n);
    ck_assert_msg(run(p, in, gradient) == dz_value(y), "%s: value", programs[i]);
    dz_backward(y);
    n = 0;
    for (int k = 0; k < 4; k++)
      for (size_t j = 0; j < dz_size(x[k]); j++, n++)
        ck_assert_msg(gradient[n] == dz_adjoints(x[k])[j], "%s: gradient of %s[%d] is %g, tape %g",
                      programs[i], names[k], (int)j, gradient[n], dz_adjoints(x[k])[j]);
    dz_plan_free(p);
    dz_tape_free(t);
  }
}
END_TEST

/* ---- memory and threads ---- */

START_TEST(without_memory) {
  loop *l = calloc(1, sizeof *l);
  dz_plan_facts facts;
  l->t = dz_tape_new(NULL);
  record_loop(l, 3, 12);
  plan_starved(l->y, l->n, l->x, &facts);
  ck_assert_uint_ge(facts.lanes, 12);
  dz_tape_free(l->t);
  free(l);
}
END_TEST

typedef struct job {
  const dz_plan *p;
  const double *in;
  double value, *gradient, first;
  bool same;
} job;

static void *work(void *user) {
  job *j = user;
  j->same = true;
  void *room = malloc(dz_plan_memory(j->p));
  for (int k = 0; k < 200; k++) {
    if (dz_plan_run(j->p, j->in, &j->value, j->gradient, room)) j->same = false;
    if (k == 0) j->first = j->value;
    j->same &= j->value == j->first;
  }
  free(room);
  return NULL;
}

START_TEST(threads) {
  loop *l = calloc(1, sizeof *l);
  l->t = dz_tape_new(NULL);
  record_loop(l, 4, 100);
  dz_plan *p = plan_of(l->y, l->n, l->x, NULL);
  double *other = calloc(PARAMS + OWN * MOST_LANES, sizeof *other);
  memcpy(other, l->in, sizeof l->in);
  for (int k = 0; k < l->n; k++) other[k] *= 1.25;
  job jobs[2] = {{p, l->in, 0, calloc((size_t)l->n, sizeof(double)), 0, false},
                 {p, other, 0, calloc((size_t)l->n, sizeof(double)), 0, false}};
  double alone[2] = {run(p, l->in, NULL), run(p, other, NULL)};
  pthread_t id[2];
  for (int k = 0; k < 2; k++) ck_assert_int_eq(pthread_create(&id[k], NULL, work, &jobs[k]), 0);
  for (int k = 0; k < 2; k++) {
    pthread_join(id[k], NULL);
    ck_assert(jobs[k].same && jobs[k].value == alone[k]);
    free(jobs[k].gradient);
  }
  dz_plan_free(p);
  free(other);
  dz_tape_free(l->t);
  free(l);
}
END_TEST

SUITE(ONCE(random_graphs), ONCE(loops), ONCE(structural_zeros), ONCE(branches),
      ONCE(conditions_have_no_gradient), ONCE(elsewhere), ONCE(mistakes), ONCE(tensors), ONCE(without_memory),
      ONCE(threads))
