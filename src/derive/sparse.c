/* Values of sparse Jacobians and Hessians, product by product. */
#include "derive/coloring.h"
#include "derive/products.h"
#include "dz/derive.h"
#include "dz/tangent.h"
#include "tape/tangent.h"

static void unpack(const dz_coloring *c, size_t k, double *values) {
  for (size_t i = c->part[k]; i < c->part[k + 1]; i++) values[c->element[i]] = c->result[c->from[i]];
}

static dz_status forward(dz_coloring *c, int rows, const dz_var *ys, int count, const dz_var *xs,
                         double *values) {
  dz_status status = DZ_OK;
  for (size_t k = 0; k < c->products && !status; k++) {
    for (size_t i = c->seed_start[k]; i < c->seed_start[k + 1]; i++) c->direction[c->seed[i]] = 1;
    status = dz_tangents(rows, ys, count, xs, c->direction, c->result);
    for (size_t i = c->seed_start[k]; i < c->seed_start[k + 1]; i++) c->direction[c->seed[i]] = 0;
    unpack(c, k, values);
  }
  return status;
}

/* The room for directions holds the numbers of the rows of one colour. */
static dz_status reverse(dz_coloring *c, int rows, const dz_var *ys, int count, const dz_var *xs,
                         double *values) {
  dz__rows r;
  dz_status status = dz__rows_begin(&r, rows, ys);
  for (size_t k = 0; k < c->products && !status; k++) {
    size_t n = c->seed_start[k + 1] - c->seed_start[k];
    for (size_t i = 0; i < n; i++) c->direction[i] = c->seed[c->seed_start[k] + i];
    status = dz__rows_sum(&r, n, c->direction, count, xs, c->result);
    for (size_t i = 0; i < n; i++) c->direction[i] = 0;
    if (!status) unpack(c, k, values);
  }
  dz__rows_end(&r);
  return status;
}

static bool sizes_are(int n, const dz_var *xs, size_t want) {
  size_t sum = 0;
  for (int k = 0; k < n; k++) sum += dz_size(xs[k]);
  return sum == want;
}

dz_status dz_sparse_jacobian(dz_coloring *c, int rows, const dz_var *ys, int count, const dz_var *xs,
                             double *values) {
  uint32_t top;
  if (!c || rows < 0 || (!values && c->products > 0)) return DZ_ERR_ARGUMENT;
  if (rows == 0) return c->pattern->shown.rows == 0 ? DZ_OK : DZ_ERR_SHAPE;
  dz_status status = dz__tangent_check("jacobian", rows, ys, count, xs, &top);
  if (status) return status;
  const dz_pattern *p = &c->pattern->shown;
  if (!sizes_are(rows, ys, p->rows) || !sizes_are(count, xs, p->columns)) {
    dz__poison(ys[0].tape, DZ_ERR_SHAPE, "jacobian",
               "the outputs and leaves do not have the %zu and %zu elements of the pattern", p->rows,
               p->columns);
    return DZ_ERR_SHAPE;
  }
  return c->kind == DZ_COLORING_ROWS ? reverse(c, rows, ys, count, xs, values)
                                     : forward(c, rows, ys, count, xs, values);
}

dz_status dz_sparse_hessian(dz_coloring *c, dz_var y, int count, const dz_var *xs, double *values) {
  uint32_t top;
  if (!c || !values) return DZ_ERR_ARGUMENT;
  dz_status status = dz__tangent_check("hessian", 1, &y, count, xs, &top);
  if (status) return status;
  size_t bytes = (size_t)count * sizeof(dz_var);
  dz_tape *t = y.tape;
  dz__tape *s = dz__of(t);
  dz_var *gradients = dz__alloc(&s->alloc, bytes);
  if (count > 0 && !gradients) {
    dz__poison(t, DZ_ERR_MEMORY, "hessian", "out of memory for %d gradients", count);
    return DZ_ERR_MEMORY;
  }
  dz_mark mark = dz_tape_mark(t);
  status = dz_grad(y, count, xs, gradients);
  if (!status) status = dz_sparse_jacobian(c, count, gradients, count, xs, values);
  dz_tape_rewind(t, mark);
  dz__free(&s->alloc, gradients, bytes);
  return status;
}
