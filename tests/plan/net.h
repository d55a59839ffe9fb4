/* A tape's function with leaves of random whole numbers, and its plan of whole tensors beside it. */
#ifndef DZ_TESTS_PLAN_NET_H
#define DZ_TESTS_PLAN_NET_H

#include "dice.h"
#include "dz/dz.h"
#include "soil.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_LEAVES = 8 };

typedef struct net {
  dz_tape *t;
  dz_var x[MOST_LEAVES], y;
  double *in, *gradient;
  size_t inputs;
  int leaves;
} net;

static inline size_t below(dice *d, size_t n) { return (size_t)(roll(d) % n); }

static inline double small(void *user) { return (double)below(user, 5) - 2; }

static inline dz_var leaf(net *n, dz_role role, int rank, const size_t *dims, double (*number)(void *),
                          void *user) {
  dz_var x = dz_leaf_tensor(n->t, role, rank, dims, NULL);
  size_t size = dz_size(x);
  n->in = realloc(n->in, (n->inputs + size + 1) * sizeof *n->in);
  for (size_t i = 0; i < size; i++) n->in[n->inputs + i] = number(user);
  dz_set(x, n->in + n->inputs, size);
  n->inputs += size;
  return n->x[n->leaves++] = x;
}

/* The tape's gradient: leaf after leaf. */
static inline void sweep(net *n) {
  double *g = n->gradient = malloc((n->inputs + 1) * sizeof *g);
  ck_assert_str_eq(dz_tape_error(n->t)->message, "");
  ck_assert_int_eq(dz_backward(n->y), DZ_OK);
  for (int k = 0; k < n->leaves; k++)
    for (size_t i = 0; i < dz_size(n->x[k]); i++) *g++ = dz_is_active(n->x[k]) ? dz_adjoints(n->x[k])[i] : 0;
}

static inline void drop(net *n) {
  dz_tape_free(n->t);
  free(n->in);
  free(n->gradient);
}

static inline dz_plan *plan_of(const net *n, bool single) {
  const dz_plan_options o = {.tensors = DZ_TENSORS_WHOLE, .single = single};
  dz_error e;
  dz_plan *p = dz_plan_new(1, &n->y, n->leaves, n->x, &o, &e);
  ck_assert_msg(p != NULL, "%s", e.message);
  ck_assert_uint_eq(dz_plan_inputs(p), n->inputs);
  return p;
}

static inline void *workspace(const dz_plan *p) {
  void *work = malloc(dz_plan_memory(p));
  soil(work, dz_plan_memory(p));
  return work;
}

static inline bool same(double x, double y) { return x == y || (x != x && y != y); }

/* The gradient, to be freed; the same when no value is asked for. */
static inline double *run_plan(const net *n, bool single, double *value) {
  dz_plan *p = plan_of(n, single);
  void *work = workspace(p);
  double *g = malloc((n->inputs + 1) * sizeof *g), *alone = malloc((n->inputs + 1) * sizeof *g);
  soil(g, n->inputs * sizeof *g);
  ck_assert_int_eq(dz_plan_run(p, n->in, value, g, work), DZ_OK);
  soil(work, dz_plan_memory(p));
  soil(alone, n->inputs * sizeof *g);
  ck_assert_int_eq(dz_plan_run(p, n->in, NULL, alone, work), DZ_OK);
  ck_assert_mem_eq(g, alone, n->inputs * sizeof *g);
  free(work);
  free(alone);
  dz_plan_free(p);
  return g;
}

static inline void check_same(const net *n, bool single, const char *what) {
  double value, *g = run_plan(n, single, &value);
  ck_assert_msg(same(value, dz_value(n->y)), "%s: value %g, tape %g", what, value, dz_value(n->y));
  for (size_t i = 0; i < n->inputs; i++)
    ck_assert_msg(same(g[i], n->gradient[i]), "%s: gradient %zu of %zu is %g, tape %g", what, i, n->inputs,
                  g[i], n->gradient[i]);
  free(g);
}

static inline bool near(double x, double y, double most) {
  return y - y == 0 ? fabs(x - y) <= most : same(x, y);
}

/* The same but for rounding: within `bound` of the value, and of the largest gradient; what is not finite is
   the same. */
static inline void check_near(const net *n, bool single, double bound, const char *what) {
  double value, most = 1e-300, *g = run_plan(n, single, &value), y = dz_value(n->y);
  ck_assert_msg(near(value, y, bound * fabs(y)), "%s: value %.17g, tape %.17g", what, value, y);
  for (size_t i = 0; i < n->inputs; i++)
    if (n->gradient[i] - n->gradient[i] == 0) most = fmax(most, fabs(n->gradient[i]));
  for (size_t i = 0; i < n->inputs; i++)
    ck_assert_msg(near(g[i], n->gradient[i], bound * most), "%s: gradient %zu of %zu is %.17g, tape %.17g",
                  what, i, n->inputs, g[i], n->gradient[i]);
  free(g);
}

#endif
