/* Operations whose result is a strided view of x, copied: broadcast_to, permute, index; and reshape, whose
   view is x itself. Forward takes through the view, reverse puts (adds) through it. */
#include "kernels/groups.h"
#include "kernels/tensor.h"

#include <string.h>

/* Element i of the result is x[first + sum of i_k step_k]; a step may be 0 or negative. */
typedef struct view {
  int rank;
  ptrdiff_t dim[DZ__MAX_RANK + 1], step[DZ__MAX_RANK + 1], first;
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

static void take_plane(double *out, const double *x, const ptrdiff_t *dim, const ptrdiff_t *step) {
  ptrdiff_t w;
  for (ptrdiff_t j0 = 0; j0 < dim[1]; j0 += w) {
    w = columns(dim[1] - j0, step[1]);
    for (ptrdiff_t i = 0; i < dim[0]; i++) {
      const double *from = x + i * step[0] + j0 * step[1];
      double *to = out + i * dim[1] + j0;
      if (step[1] == 1)
        memcpy(to, from, (size_t)w * sizeof *to);
      else
        for (ptrdiff_t j = 0; j < w; j++) to[j] = from[j * step[1]];
    }
  }
}

static double sum_of(const double *g, ptrdiff_t n) {
  double a[8] = {0};
  ptrdiff_t i = 0;
  for (; i + 8 <= n; i += 8)
    for (int j = 0; j < 8; j++) a[j] += g[i + j];
  for (; i < n; i++) a[0] += g[i];
  return ((a[0] + a[4]) + (a[1] + a[5])) + ((a[2] + a[6]) + (a[3] + a[7]));
}

static void put_plane(double *ga, const double *g, const ptrdiff_t *dim, const ptrdiff_t *step) {
  ptrdiff_t w;
  for (ptrdiff_t j0 = 0; j0 < dim[1]; j0 += w) {
    w = columns(dim[1] - j0, step[1]);
    for (ptrdiff_t i = 0; i < dim[0]; i++) {
      double *to = ga + i * step[0] + j0 * step[1];
      const double *from = g + i * dim[1] + j0;
      if (step[1] == 0)
        *to += sum_of(from, w);
      else
        for (ptrdiff_t j = 0; j < w; j++) to[j * step[1]] += from[j];
    }
  }
}

/* Visits the planes of the last two axes; one of `out` (take) and `ga` (put) is given. The result must not be
   empty. */
static void walk(const view *v, double *out, const double *x, double *ga, const double *g) {
  ptrdiff_t index[DZ__MAX_RANK + 1] = {0}, at = v->first, plane;
  view two = {.rank = 2, .dim = {1, 1}, .step = {0, 1}};
  int outer = v->rank > 2 ? v->rank - 2 : 0;
  for (int k = outer; k < v->rank; k++) {
    two.dim[2 - v->rank + k] = v->dim[k];
    two.step[2 - v->rank + k] = v->step[k];
  }
  plane = two.dim[0] * two.dim[1];
  for (ptrdiff_t done = 0; done == 0 || dz__odometer(outer, v->dim, v->step, index, &at); done += plane) {
    if (out)
      take_plane(out + done, x + at, two.dim, two.step);
    else
      put_plane(ga + at, g + done, two.dim, two.step);
  }
}

typedef view viewed(const dz__call *call);

/* The view is only asked for when there is something to see, so the products in it cannot overflow. */
static void take(const dz__call *call, viewed *of) {
  if (call->out.size == 0) return;
  view v = of(call);
  walk(&v, call->out.data, call->args[0].data, NULL, NULL);
}

static bool put(const dz__call *call, viewed *of) {
  if (call->out.size == 0 || !call->ga[0]) return false;
  view v = of(call);
  walk(&v, NULL, NULL, call->ga[0], call->g);
  return false;
}

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

void dz__forward_reshape(const dz__call *call) {
  if (call->out.size > 0) memcpy(call->out.data, call->args[0].data, call->out.size * sizeof(double));
}

bool dz__reverse_reshape(const dz__call *call) {
  double *ga = call->ga[0];
  for (size_t i = 0; ga && i < call->out.size; i++) ga[i] += call->g[i];
  return false;
}

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

void dz__forward_broadcast_to(const dz__call *call) { take(call, broadcast_view); }
bool dz__reverse_broadcast_to(const dz__call *call) { return put(call, broadcast_view); }

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

void dz__forward_permute(const dz__call *call) { take(call, permuted_view); }
bool dz__reverse_permute(const dz__call *call) { return put(call, permuted_view); }

/* ---- index ---- */

dz_status dz__shape_index(dz__call *call) {
  const dz__array *x = &call->args[0];
  call->out.rank = 0;
  for (int k = 0; k < x->rank; k++) {
    const int64_t *at = call->attr + 4 * k;
    int64_t last = at[0] + (at[1] - 1) * at[2];
    if (at[1] > 0 && (at[0] < 0 || last < 0 || (uint64_t)at[0] >= x->dims[k] || (uint64_t)last >= x->dims[k]))
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

void dz__forward_index(const dz__call *call) { take(call, indexed_view); }
bool dz__reverse_index(const dz__call *call) { return put(call, indexed_view); }
