/* Operations whose result is a strided view of x, copied: broadcast_to, permute, index; and reshape, whose
   view is x itself. Forward takes through the view, reverse puts (adds) through it. */
#include "kernels/groups.h"
#include "kernels/tensor.h"

#include <string.h>

/* Element i of the result is x[first + sum of i_k step_k]; a step may be 0 or negative. */
typedef struct view {
  int rank;
  ptrdiff_t dim[DZ__MAX_RANK], step[DZ__MAX_RANK], first;
} view;

/* Adds an inner axis: left out when it is a unit, joined to the one outside when the two walk as one. */
static void add_axis(view *v, size_t dim, ptrdiff_t step) {
  ptrdiff_t n = (ptrdiff_t)dim;
  if (n == 1) return;
  int k = v->rank - 1;
  if (k >= 0 && v->step[k] == n * step) {
    v->dim[k] *= n;
    v->step[k] = step;
  } else {
    v->dim[v->rank] = n;
    v->step[v->rank++] = step;
  }
}

static void steps_of(const dz__array *x, ptrdiff_t *step) {
  ptrdiff_t n = 1;
  for (int k = x->rank; k-- > 0;) {
    step[k] = n;
    n *= (ptrdiff_t)x->dims[k];
  }
}

/* ---- the walk ---- */

/* Columns are taken some at a time, so that a transposition keeps its cache lines. */
enum { COLUMNS = 16 };

static ptrdiff_t columns(ptrdiff_t left, ptrdiff_t step) {
  return step == 1 || step == 0 || left < COLUMNS ? left : COLUMNS;
}

typedef view viewed(const dz__call *call);

#define TEMPLATE "kernels/view.inc"
#include "kernels/twice.h"

/* ---- shapes given as extents ---- */

static dz_status target_shape(dz__call *call) {
  dz__array *z = &call->out;
  if (call->nattr > DZ__MAX_RANK)
    return dz__fail(call->error, DZ_ERR_SHAPE, call->op, "%s: rank %d is over the limit of %d", call->op,
                    call->nattr, DZ__MAX_RANK);
  z->rank = call->nattr;
  for (int k = 0; k < z->rank; k++) {
    if (call->attr[k] < 0)
      return dz__fail(call->error, DZ_ERR_ARGUMENT, call->op, "%s: extent %lld at axis %d is negative",
                      call->op, (long long)call->attr[k], k);
    z->dims[k] = (size_t)call->attr[k];
  }
  return dz__sized(call);
}

dz_status dz__shape_reshape(dz__call *call) {
  const dz__array *x = &call->args[0];
  dz_status status = target_shape(call);
  if (status || call->out.size == x->size) return status;
  char a[192], b[192];
  return dz__fail(call->error, DZ_ERR_SHAPE, call->op, "%s: %s has %zu elements, %s has %zu", call->op,
                  dz__array_text(x, a), x->size, dz__array_text(&call->out, b), call->out.size);
}

void dz__forward_reshape(const dz__call *call) { same_double(call); }
void dz__forward_reshape_single(const dz__call *call) { same_single(call); }
bool dz__reverse_reshape(const dz__call *call) { return add_same_double(call); }
bool dz__reverse_reshape_single(const dz__call *call) { return add_same_single(call); }

/* ---- broadcast_to ---- */

dz_status dz__shape_broadcast_to(dz__call *call) {
  const dz__array *x = &call->args[0], *z = &call->out;
  dz_status status = target_shape(call);
  if (status) return status;
  bool fits = x->rank <= z->rank;
  for (int k = 0; fits && k < x->rank; k++)
    fits = x->dims[k] == 1 || x->dims[k] == z->dims[z->rank - x->rank + k];
  if (fits) return DZ_OK;
  char a[192], b[192];
  return dz__fail(call->error, DZ_ERR_SHAPE, call->op, "%s: %s does not broadcast to %s", call->op,
                  dz__array_text(x, a), dz__array_text(z, b));
}

static view broadcast_view(const dz__call *call) {
  const dz__array *x = &call->args[0], *z = &call->out;
  ptrdiff_t step[DZ__MAX_RANK];
  view v = {0};
  steps_of(x, step);
  for (int k = 0; k < z->rank; k++) {
    int i = k - (z->rank - x->rank);
    add_axis(&v, z->dims[k], i < 0 || x->dims[i] == 1 ? 0 : step[i]);
  }
  return v;
}

void dz__forward_broadcast_to(const dz__call *call) { take_double(call, broadcast_view); }
void dz__forward_broadcast_to_single(const dz__call *call) { take_single(call, broadcast_view); }
bool dz__reverse_broadcast_to(const dz__call *call) { return put_double(call, broadcast_view); }
bool dz__reverse_broadcast_to_single(const dz__call *call) { return put_single(call, broadcast_view); }

/* ---- permute ---- */

dz_status dz__shape_permute(dz__call *call) {
  const dz__array *x = &call->args[0];
  unsigned seen = 0;
  bool fits = call->nattr == x->rank;
  call->out.rank = x->rank;
  for (int k = 0; fits && k < x->rank; k++) {
    fits = call->attr[k] >= 0 && call->attr[k] < x->rank && !(seen >> call->attr[k] & 1);
    if (!fits) break;
    seen |= 1u << call->attr[k];
    call->out.dims[k] = x->dims[call->attr[k]];
  }
  if (fits) return dz__sized(call);
  char text[192];
  return dz__fail(call->error, DZ_ERR_ARGUMENT, call->op, "%s: each of the %d axes of %s must be listed once",
                  call->op, x->rank, dz__array_text(x, text));
}

static view permuted_view(const dz__call *call) {
  ptrdiff_t step[DZ__MAX_RANK];
  view v = {0};
  steps_of(&call->args[0], step);
  for (int k = 0; k < call->out.rank; k++) add_axis(&v, call->out.dims[k], step[call->attr[k]]);
  return v;
}

void dz__forward_permute(const dz__call *call) { take_double(call, permuted_view); }
void dz__forward_permute_single(const dz__call *call) { take_single(call, permuted_view); }
bool dz__reverse_permute(const dz__call *call) { return put_double(call, permuted_view); }
bool dz__reverse_permute_single(const dz__call *call) { return put_single(call, permuted_view); }

/* ---- index ---- */

dz_status dz__shape_index(dz__call *call) {
  const dz__array *x = &call->args[0];
  call->out.rank = 0;
  for (int k = 0; k < x->rank; k++) {
    const int64_t *at = call->attr + 4 * k;
    int64_t last = at[0] + (at[1] - 1) * at[2];
    /* a negative one is as large a number as there are */
    if (at[1] > 0 && ((uint64_t)at[0] >= x->dims[k] || (uint64_t)last >= x->dims[k]))
      return dz__fail(call->error, DZ_ERR_ARGUMENT, call->op,
                      "%s: positions %lld to %lld leave axis %d of extent %zu", call->op, (long long)at[0],
                      (long long)last, k, x->dims[k]);
    if (!at[3]) call->out.dims[call->out.rank++] = (size_t)at[1];
  }
  return dz__sized(call);
}

static view indexed_view(const dz__call *call) {
  const dz__array *x = &call->args[0];
  ptrdiff_t step[DZ__MAX_RANK];
  view v = {0};
  steps_of(x, step);
  for (int k = 0; k < x->rank; k++) {
    const int64_t *at = call->attr + 4 * k;
    v.first += (ptrdiff_t)at[0] * step[k];
    add_axis(&v, (size_t)at[1], (ptrdiff_t)at[2] * step[k]);
  }
  return v;
}

void dz__forward_index(const dz__call *call) { take_double(call, indexed_view); }
void dz__forward_index_single(const dz__call *call) { take_single(call, indexed_view); }
bool dz__reverse_index(const dz__call *call) { return put_double(call, indexed_view); }
bool dz__reverse_index_single(const dz__call *call) { return put_single(call, indexed_view); }
