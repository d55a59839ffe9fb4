/* Operations that move whole slices: concat, stack, gather. A slice is what lies behind one position of the
   axis, and is contiguous; the positions repeat for every index of the axes before. */
#include "kernels/tensor.h"

#include "dz/text.h"

#include <math.h>
#include <string.h>

static size_t product(const size_t *dims, int from, int to) {
  size_t n = 1;
  for (int k = from; k < to; k++) n *= dims[k];
  return n;
}

/* ---- concat, stack ---- */

/* Operands agree off the axis; `off` is -1 when they must agree everywhere. */
static dz_status agree(dz__call *call, int off) {
  const dz__array *x = &call->args[0];
  char a[192], b[192];
  for (int i = 1; i < call->nargs; i++) {
    const dz__array *y = &call->args[i];
    bool same = x->rank == y->rank;
    for (int k = 0; same && k < x->rank; k++) same = k == off || x->dims[k] == y->dims[k];
    if (!same && off < 0)
      return dz__fail(call->error, DZ_ERR_SHAPE, call->op, "%s: operands have shapes %s and %s, which differ",
                      call->op, dz__array_text(x, a), dz__array_text(y, b));
    if (!same)
      return dz__fail(call->error, DZ_ERR_SHAPE, call->op,
                      "%s: operands have shapes %s and %s, which differ beside axis %d", call->op,
                      dz__array_text(x, a), dz__array_text(y, b), off);
  }
  return DZ_OK;
}

dz_status dz__shape_concat(dz__call *call) {
  const dz__array *x = &call->args[0];
  int axis = (int)call->attr[0];
  dz_status status = agree(call, axis);
  if (status) return status;
  size_t extent = 0;
  for (int i = 0; i < call->nargs; i++) {
    size_t n = call->args[i].dims[axis];
    if (n > SIZE_MAX - extent)
      return dz__fail(call->error, DZ_ERR_SHAPE, call->op, "%s: axis %d of the result is too long", call->op,
                      axis);
    extent += n;
  }
  call->out.rank = x->rank;
  for (int k = 0; k < x->rank; k++) call->out.dims[k] = k == axis ? extent : x->dims[k];
  return dz__sized(call);
}

dz_status dz__shape_stack(dz__call *call) {
  const dz__array *x = &call->args[0];
  int axis = (int)call->attr[0];
  dz_status status = agree(call, -1);
  if (status) return status;
  if (x->rank == DZ__MAX_RANK)
    return dz__fail(call->error, DZ_ERR_SHAPE, call->op, "%s: rank %d is over the limit of %d", call->op,
                    x->rank + 1, DZ__MAX_RANK);
  call->out.rank = x->rank + 1;
  for (int k = 0; k <= x->rank; k++)
    call->out.dims[k] = k < axis ? x->dims[k] : k == axis ? (size_t)call->nargs : x->dims[k - 1];
  return dz__sized(call);
}

/* ---- gather ---- */

static dz_status positions_fit(dz__call *call, size_t extent) {
  const dz__array *at = &call->args[1];
  for (size_t i = 0; i < at->size; i++) {
    double v = call->single ? (double)at->single[i] : at->data[i];
    if (v == trunc(v) && v >= -(double)extent && v < (double)extent) continue;
    char number[32], text[192];
    dz_number_write(v, 0, number);
    return dz__fail(call->error, DZ_ERR_ARGUMENT, call->op, "%s: index %s %s axis %d of extent %zu of %s",
                    call->op, number,
                    v == trunc(v) ? "is out of range for" : "is no whole number, as needed for",
                    (int)call->attr[0], extent, dz__array_text(&call->args[0], text));
  }
  return DZ_OK;
}

dz_status dz__shape_gather(dz__call *call) {
  const dz__array *x = &call->args[0], *at = &call->args[1];
  dz__array *z = &call->out;
  int axis = (int)call->attr[0];
  if (x->rank - 1 + at->rank > DZ__MAX_RANK)
    return dz__fail(call->error, DZ_ERR_SHAPE, call->op, "%s: rank %d is over the limit of %d", call->op,
                    x->rank - 1 + at->rank, DZ__MAX_RANK);
  z->rank = 0;
  for (int k = 0; k < axis; k++) z->dims[z->rank++] = x->dims[k];
  for (int k = 0; k < at->rank; k++) z->dims[z->rank++] = at->dims[k];
  for (int k = axis + 1; k < x->rank; k++) z->dims[z->rank++] = x->dims[k];
  dz_status status = dz__sized(call);
  return status ? status : positions_fit(call, x->dims[axis]);
}

/* Positions are made whole numbers some at a time. */
enum { SOME = 512 };

/* SIZE_MAX for one that does not fit. */
static size_t place_of(double v, size_t extent) {
  v = v < 0 ? v + (double)extent : v;
  return v >= 0 && v < (double)extent ? (size_t)v : SIZE_MAX;
}

#define TEMPLATE "kernels/join.inc"
#include "kernels/twice.h"

void dz__forward_concat(const dz__call *call) { pieces_double(call, call->out.data, NULL); }
void dz__forward_concat_single(const dz__call *call) { pieces_single(call, call->out.single, NULL); }
void dz__forward_stack(const dz__call *call) { dz__forward_concat(call); }
void dz__forward_stack_single(const dz__call *call) { dz__forward_concat_single(call); }

bool dz__reverse_concat(const dz__call *call) {
  pieces_double(call, NULL, call->g);
  return false;
}
bool dz__reverse_concat_single(const dz__call *call) {
  pieces_single(call, NULL, call->g_single);
  return false;
}

bool dz__reverse_stack(const dz__call *call) { return dz__reverse_concat(call); }
bool dz__reverse_stack_single(const dz__call *call) { return dz__reverse_concat_single(call); }

void dz__forward_gather(const dz__call *call) { slices_double(call, call->out.data, NULL, NULL); }
void dz__forward_gather_single(const dz__call *call) { slices_single(call, call->out.single, NULL, NULL); }

/* Nothing flows to the positions. */
bool dz__reverse_gather(const dz__call *call) {
  if (call->ga[0]) slices_double(call, NULL, call->ga[0], call->g);
  return false;
}
bool dz__reverse_gather_single(const dz__call *call) {
  if (call->ga_single[0]) slices_single(call, NULL, call->ga_single[0], call->g_single);
  return false;
}
