#include "derive/products.h"

#include "tape/tensor.h"

#include <string.h>

/* ys[k] as a vector. */
static dz_var vector(dz_var y) {
  int64_t size = (int64_t)dz_size(y);
  return dz_rank(y) == 1 ? y : dz__shaped(DZ__F_reshape, y, 1, &size);
}

static dz_var joined(dz__tape *s, int rows, const dz_var *ys) {
  bool scalars = true;
  for (int k = 0; k < rows; k++) scalars &= dz_rank(ys[k]) == 0;
  if (rows == 1) return vector(ys[0]);
  if (scalars) return dz__stack(rows, ys, 0);
  size_t bytes = (size_t)rows * sizeof *ys;
  dz_var *parts = dz__alloc(&s->alloc, bytes);
  if (!parts) return dz__poison(&s->hot, DZ_ERR_MEMORY, "jacobian", "out of memory for %d outputs", rows);
  for (int k = 0; k < rows; k++) parts[k] = vector(ys[k]);
  dz_var flat = dz__concat(rows, parts, 0);
  dz__free(&s->alloc, parts, bytes);
  return flat;
}

dz_status dz__rows_begin(dz__rows *r, int rows, const dz_var *ys) {
  dz_tape *t = ys[0].tape;
  *r = (dz__rows){.tape = t, .before = dz_tape_mark(t)};
  r->flat = joined(dz__of(t), rows, ys);
  r->after = dz_tape_mark(t);
  return dz_valid(r->flat) ? DZ_OK : dz_tape_error(t)->status;
}

void dz__rows_end(dz__rows *r) { dz_tape_rewind(r->tape, r->before); }

/* By a gather, since what it does not read is left out structurally, which a seed of 0 would not be. */
dz_status dz__rows_sum(dz__rows *r, size_t n, const double *numbers, int count, const dz_var *xs,
                       double *out) {
  dz_var at = dz_leaf_tensor(r->tape, DZ_ROLE_DATA, 1, &n, numbers);
  dz_var sum = dz__reduce(DZ__F_sum, dz__gather(r->flat, at, 0), DZ__ALL_AXES, NULL, false, 0);
  dz_status status = dz_valid(sum) ? dz_backward(sum) : dz_tape_error(r->tape)->status;
  for (int k = 0; k < count && !status; k++) {
    size_t size = dz_size(xs[k]);
    dz__read_adjoint(xs[k], out);
    out += size;
  }
  dz_tape_rewind(r->tape, r->after);
  return status;
}
