/* Dense derivatives: a Jacobian by its smaller side, Hessians from the gradient as nodes. */
#include "dz/jacobian.h"

#include "derive/products.h"
#include "dz/derive.h"
#include "dz/tangent.h"
#include "tape/rows.h"
#include "tape/tangent.h"

#include <string.h>

static dz_status refuse(dz_tape *t, dz_status status, const char *op, const char *message) {
  dz__poison(t, status, op, "%s", message);
  return status;
}

typedef struct wanted {
  int rows, count;
  const dz_var *ys, *xs;
  size_t m, n; /* elements of all ys, of all xs */
  double *out;
} wanted;

/* Of live nodes. */
static size_t elements(int n, const dz_var *xs) {
  size_t sum = 0;
  for (int k = 0; k < n; k++) sum += dz__flags(xs[k]) & DZ__TENSOR ? dz_size(xs[k]) : 1;
  return sum;
}

/* ---- by columns ---- */

/* `room` has a direction of the xs' size, all 0, and a column of the ys'. */
static dz_status by_columns(const wanted *w, double *room) {
  double *column = room + w->n;
  dz_status status = DZ_OK;
  for (size_t j = 0; j < w->n && !status; j++) {
    room[j] = 1;
    status = dz_tangents(w->rows, w->ys, w->count, w->xs, room, column);
    room[j] = 0;
    for (size_t i = 0; i < w->m; i++) w->out[i * w->n + j] = column[i];
  }
  return status;
}

static dz_status forward(const char *op, const wanted *w) {
  dz__tape *s = dz__of(w->ys[0].tape);
  size_t bytes = (w->n + w->m) * sizeof(double);
  if (w->n == 0) return DZ_OK;
  double *room = dz__alloc(&s->alloc, bytes);
  if (!room) return refuse(&s->hot, DZ_ERR_MEMORY, op, "out of memory for a direction");
  memset(room, 0, bytes);
  dz_status status = by_columns(w, room);
  dz__free(&s->alloc, room, bytes);
  return status;
}

/* ---- by rows ---- */

static dz_status row_by_row(const wanted *w) {
  dz__rows r;
  dz_status status = dz__rows_begin(&r, w->rows, w->ys);
  for (size_t i = 0; i < w->m && !status; i++) {
    double row = (double)i;
    status = dz__rows_sum(&r, 1, &row, w->count, w->xs, w->out + i * w->n);
  }
  dz__rows_end(&r);
  return status;
}

/* Several rows a sweep. */
static dz_status rows_at_once(const wanted *w, bool *sound) {
  dz_tape *t = w->ys[0].tape;
  *sound = true;
  for (int i = 0; i < w->rows && *sound; i += DZ__ROWS) {
    int n = w->rows - i < DZ__ROWS ? w->rows - i : DZ__ROWS;
    if (dz__sweep_rows(t, n, w->ys + i, sound))
      return refuse(t, DZ_ERR_MEMORY, "jacobian", "out of memory for adjoints");
    dz__read_rows(t, n, w->count, w->xs, w->out + (size_t)i * w->n);
  }
  return DZ_OK;
}

/* ---- the Jacobian ---- */

static bool is_leaf(dz_var x) {
  dz_role role = dz_role_of(x);
  return role == DZ_ROLE_INPUT || role == DZ_ROLE_PARAM;
}

/* By the smaller side. */
static dz_status jacobian(wanted w, bool leaves) {
  w.m = elements(w.rows, w.ys), w.n = elements(w.count, w.xs);
  if (leaves && w.n <= w.m) return forward("jacobian", &w);
  bool sound = false;
  dz_status status = leaves && dz__rows_suit(w.ys[0].tape) ? rows_at_once(&w, &sound) : DZ_OK;
  return status || sound ? status : row_by_row(&w);
}

dz_status dz_jacobian(dz_var y, dz_var x, double *out) {
  uint32_t top;
  dz_status status = dz__tangent_check("jacobian", 1, &y, 0, NULL, &top);
  if (status) return status;
  dz_tape *t = y.tape;
  if (!dz__check_handle(t, x, "jacobian")) return DZ_ERR_HANDLE;
  if (!out) return refuse(t, DZ_ERR_ARGUMENT, "jacobian", "the result is NULL");
  if (!dz_is_active(x)) return refuse(t, DZ_ERR_ARGUMENT, "jacobian", "no derivative flows to a constant");
  return jacobian((wanted){.rows = 1, .ys = &y, .count = 1, .xs = &x, .out = out}, is_leaf(x));
}

dz_status dz_jacobians(int rows, const dz_var *ys, int count, const dz_var *xs, double *out) {
  uint32_t top;
  if (rows == 0) return DZ_OK;
  dz_status status = dz__tangent_check("jacobian", rows, ys, count, xs, &top);
  if (status) return status;
  if (!out) return refuse(ys[0].tape, DZ_ERR_ARGUMENT, "jacobian", "the result is NULL");
  return jacobian((wanted){.rows = rows, .ys = ys, .count = count, .xs = xs, .out = out}, true);
}

dz_status dz_hessian(dz_var y, dz_var x, double *out) {
  uint32_t top;
  dz_var g;
  dz_status status = dz__tangent_check("hessian", 1, &y, 1, &x, &top);
  if (status) return status;
  if (!out) return refuse(y.tape, DZ_ERR_ARGUMENT, "hessian", "the result is NULL");
  dz_mark mark = dz_tape_mark(y.tape);
  status = dz_grad(y, 1, &x, &g);
  wanted w = {.rows = 1, .ys = &g, .count = 1, .xs = &x, .m = dz_size(x), .n = dz_size(x), .out = out};
  if (!status) status = forward("hessian", &w);
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
