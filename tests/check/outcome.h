/* What tests of the gradient check share: keeping its rows, and a model with tensors. */
#ifndef DZ_TESTS_OUTCOME_H
#define DZ_TESTS_OUTCOME_H

#include "dz/check.h"
#include "dz/lang.h"
#include "dz/tensor.h"

#include <check.h>
#include <math.h>
#include <string.h>

enum { MOST_ROWS = 512 };

typedef struct rows {
  dz_check_row row[MOST_ROWS];
  size_t n;
} rows;

static inline void keep(void *user, const dz_check_row *row) {
  rows *r = user;
  if (r->n < MOST_ROWS) r->row[r->n] = *row;
  r->n++;
}

typedef struct outcome {
  dz_status status;
  dz_check_report report;
  dz_error error;
  rows rows;
} outcome;

static inline outcome check_all(dz_model *model, void *user, size_t count, const dz_check_point *points) {
  outcome o = {.rows.n = 0};
  dz_check_options options = {.row = keep, .user = &o.rows};
  o.status = dz_check(model, user, count, points, &options, NULL, &o.report, &o.error);
  const dz_check_report *r = &o.report;
  ck_assert_uint_eq(r->checked, o.rows.n);
  ck_assert_uint_eq(r->checked, r->agreed + r->wrong + r->noisy + r->kinks + r->not_finite);
  return o;
}

static inline dz_check_point scalar(const double *x) {
  return (dz_check_point){.role = DZ_ROLE_INPUT, .values = x};
}

/* One scalar input. */
static inline outcome check_at(dz_model *model, void *user, double x) {
  dz_check_point p = scalar(&x);
  outcome o = check_all(model, user, 1, &p);
  ck_assert_int_eq(o.status, DZ_OK);
  ck_assert_uint_eq(o.report.checked, 1);
  return o;
}

/* The model that a text says. */
static inline dz_var by_text(dz_tape *t, const dz_var *leaves, void *user) {
  (void)leaves;
  return dz_expr(t, user);
}

static inline void expect_verdict(const outcome *o, dz_verdict want, const char *what) {
  const dz_check_row *r = &o->report.worst;
  if (r->verdict != want)
    ck_abort_msg("%s: verdict %d, not %d: analytic %a, numeric %a +- %g", what, r->verdict, want, r->analytic,
                 r->numeric, r->error);
}

/* A check that ends, and blames such an operation for such a fault. */
static inline void expect_blame(const outcome *o, dz_fault kind, const char *op) {
  const dz_check_fault *f = &o->report.fault;
  if (o->status || f->kind != kind || strcmp(f->op, op) != 0)
    ck_abort_msg("status %d (%s), fault %d at %s, not %d at %s", o->status, o->error.message, (int)f->kind,
                 f->op, (int)kind, op);
}

/* E = 1/2 |tanh(X W + b)|^2 + logsumexp(W): a little of everything that tensors do. */
static inline dz_var layer(dz_tape *t, const dz_var *v, void *user) {
  (void)t, (void)user;
  dz_var h = dz_tanh(dz_add(dz_matmul(v[2], v[0]), v[1]));
  dz_var e = dz_mul(.5, dz_sum(dz_mul(h, h), DZ_ALL, false));
  return dz_add(e, dz_logsumexp(v[0], DZ_ALL, false));
}

static const size_t dims_w[] = {2, 3}, dims_b[] = {3}, dims_x[] = {4, 2};
static const double values_w[] = {.3, -.2, .1, 0, 1e-8, -1.5}, values_b[] = {0, 0, .25};
static const double values_x[] = {1, 2, -.5, .25, 100, -3, 0, 1e-3};
static const dz_check_point layer_points[] = {
    {.name = "W", .role = DZ_ROLE_PARAM, .rank = 2, .dims = dims_w, .values = values_w},
    {.name = "b", .role = DZ_ROLE_PARAM, .rank = 1, .dims = dims_b, .values = values_b},
    {.name = "X", .role = DZ_ROLE_DATA, .rank = 2, .dims = dims_x, .values = values_x}};

#endif
