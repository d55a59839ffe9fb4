/* Dense derivatives: a Jacobian by its smaller side, Hessians from the gradient as nodes. */
#include "dz/jacobian.h"

#include "derive/products.h"
#include "dz/derive.h"
#include "dz/tangent.h"
#include "tape/tangent.h"

#include <string.h>

static dz_status refuse(dz_tape *t, dz_status status, const char *op, const char *message) {
  dz__poison(t, status, op, "%s", message);
  return status;
}

/* Column by column; `room` has a direction of x's size, all 0, and a column of y's. */
static dz_status by_columns(dz_var y, dz_var x, double *room, double *out) {
  size_t m = dz_size(y), n = dz_size(x);
  double *column = room + n;
  dz_status status = DZ_OK;
  for (size_t j = 0; j < n && !status; j++) {
    room[j] = 1;
    status = dz_tangent(y, 1, &x, room, column);
    room[j] = 0;
    for (size_t i = 0; i < m; i++) out[i * n + j] = column[i];
  }
  return status;
}

/* y has as many elements as x, or more. */
static dz_status forward(const char *op, dz_var y, dz_var x, double *out) {
  dz__tape *s = dz__of(y.tape);
  size_t n = dz_size(x), bytes = (n + dz_size(y)) * sizeof(double);
  if (n == 0) return DZ_OK;
  double *room = dz__alloc(&s->alloc, bytes);
  if (!room) return refuse(y.tape, DZ_ERR_MEMORY, op, "out of memory for a direction");
  memset(room, 0, bytes);
  dz_status status = by_columns(y, x, room, out);
  dz__free(&s->alloc, room, bytes);
  return status;
}

static dz_status reverse(dz_var y, dz_var x, double *out) {
  size_t m = dz_size(y), n = dz_size(x);
  dz__rows r;
  if (n == 0 || m == 0) return DZ_OK;
  dz_status status = dz__rows_begin(&r, 1, &y);
  for (size_t i = 0; i < m && !status; i++) {
    double row = (double)i;
    status = dz__rows_sum(&r, 1, &row, 1, &x, out + i * n);
  }
  dz__rows_end(&r);
  return status;
}

static bool is_leaf(dz_var x) {
  dz_role role = dz_role_of(x);
  return role == DZ_ROLE_INPUT || role == DZ_ROLE_PARAM;
}

dz_status dz_jacobian(dz_var y, dz_var x, double *out) {
  uint32_t top;
  dz_status status = dz__tangent_check("jacobian", 1, &y, 0, NULL, &top);
  if (status) return status;
  dz_tape *t = y.tape;
  if (!dz__check_handle(t, x, "jacobian")) return DZ_ERR_HANDLE;
  if (!out) return refuse(t, DZ_ERR_ARGUMENT, "jacobian", "the result is NULL");
  if (!dz_is_active(x)) return refuse(t, DZ_ERR_ARGUMENT, "jacobian", "no derivative flows to a constant");
  return is_leaf(x) && dz_size(x) <= dz_size(y) ? forward("jacobian", y, x, out) : reverse(y, x, out);
}

dz_status dz_hessian(dz_var y, dz_var x, double *out) {
  uint32_t top;
  dz_var g;
  dz_status status = dz__tangent_check("hessian", 1, &y, 1, &x, &top);
  if (status) return status;
  if (!out) return refuse(y.tape, DZ_ERR_ARGUMENT, "hessian", "the result is NULL");
  dz_mark mark = dz_tape_mark(y.tape);
  status = dz_grad(y, 1, &x, &g);
  if (!status) status = forward("hessian", g, x, out);
  dz_tape_rewind(y.tape, mark);
  return status;
}

dz_status dz_hvp(dz_var y, int count, const dz_var *xs, const double *v, double *out) {
  uint32_t top;
  dz_status status = dz__tangent_check("hvp", 1, &y, count, xs, &top);
  if (status) return status;
  dz_tape *t = y.tape;
  if (count > 0 && (!v || !out))
    return refuse(t, DZ_ERR_ARGUMENT, "hvp", "the direction or the result is NULL");
  const dz_allocator *a = &dz__of(t)->alloc;
  size_t bytes = (size_t)count * sizeof(dz_var);
  dz_var *gradients = dz__alloc(a, bytes);
  if (count > 0 && !gradients) return refuse(t, DZ_ERR_MEMORY, "hvp", "out of memory for gradients");
  dz_mark mark = dz_tape_mark(t);
  status = dz_grad(y, count, xs, gradients);
  if (!status) status = dz_tangents(count, gradients, count, xs, v, out);
  dz_tape_rewind(t, mark);
  dz__free(a, gradients, bytes);
  return status;
}
