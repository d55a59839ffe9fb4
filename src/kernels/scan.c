/* Running sums and products along an axis: outer × n × inner, with inner contiguous. */
#include "kernels/tensor.h"

#include <string.h>

enum { LANES = 64 };

typedef struct scan {
  ptrdiff_t outer, n, inner;
} scan;

static dz_status same_shape(dz__call *call) {
  double *data = call->out.data;
  call->out = call->args[0];
  call->out.data = data;
  return DZ_OK;
}

dz_status dz__shape_cumsum(dz__call *call) { return same_shape(call); }
dz_status dz__shape_cumprod(dz__call *call) { return same_shape(call); }

/* Nothing to do when there are no elements. */
static scan scan_of(const dz__call *call) {
  const dz__array *x = &call->args[0];
  scan s = {1, 0, 1};
  if (x->size == 0) return s;
  s.n = (ptrdiff_t)x->dims[call->attr[0]];
  for (int k = 0; k < x->rank; k++)
    if (k < call->attr[0])
      s.outer *= (ptrdiff_t)x->dims[k];
    else if (k > call->attr[0])
      s.inner *= (ptrdiff_t)x->dims[k];
  return s;
}

/* ---- cumsum ---- */

void dz__forward_cumsum(const dz__call *call) {
  scan s = scan_of(call);
  const double *x = call->args[0].data;
  double *z = call->out.data;
  for (ptrdiff_t o = 0, i = 0; o < s.outer; o++)
    for (ptrdiff_t k = 0; k < s.n; k++)
      for (ptrdiff_t j = 0; j < s.inner; j++, i++) z[i] = k ? z[i - s.inner] + x[i] : x[i];
}

bool dz__reverse_cumsum(const dz__call *call) {
  scan s = scan_of(call);
  double later[LANES], *ga = call->ga[0];
  if (!ga) return false;
  for (ptrdiff_t o = 0; o < s.outer; o++)
    for (ptrdiff_t j0 = 0; j0 < s.inner; j0 += LANES) {
      ptrdiff_t lanes = s.inner - j0 < LANES ? s.inner - j0 : LANES;
      for (ptrdiff_t j = 0; j < lanes; j++) later[j] = 0;
      for (ptrdiff_t k = s.n; k-- > 0;) {
        ptrdiff_t i = (o * s.n + k) * s.inner + j0;
        for (ptrdiff_t j = 0; j < lanes; j++) ga[i + j] += later[j] += call->g[i + j];
      }
    }
  return false;
}

/* ---- cumprod ---- */

void dz__forward_cumprod(const dz__call *call) {
  scan s = scan_of(call);
  const double *x = call->args[0].data;
  double *z = call->out.data;
  for (ptrdiff_t o = 0, i = 0; o < s.outer; o++)
    for (ptrdiff_t k = 0; k < s.n; k++)
      for (ptrdiff_t j = 0; j < s.inner; j++, i++) z[i] = k ? z[i - s.inner] * x[i] : x[i];
}

/* One lane. With S_k = g_k + x_(k+1) S_(k+1), the adjoint of x_k is z_(k-1) S_k: what comes later in the
   product is in S, what came before is the result just before. S stays empty until something flows. */
static bool lane(const dz__call *call, ptrdiff_t first, ptrdiff_t n, ptrdiff_t step) {
  const double *x = call->args[0].data + first, *z = call->out.data + first, *g = call->g + first;
  double *ga = call->ga[0] + first, later = 0;
  bool flows = false, doubt = false;
  for (ptrdiff_t k = n; k-- > 0;) {
    ptrdiff_t i = k * step;
    if (flows) {
      double c = x[i + step] * later;
      doubt |= (c != c) & (later == 0);
      later = c;
    }
    if (!dz__dead(call, first + i)) {
      later += g[i];
      flows = true;
    }
    if (flows) doubt |= dz__pull(&ga[i], k ? z[i - step] : 1, later);
  }
  return doubt;
}

bool dz__reverse_cumprod(const dz__call *call) {
  scan s = scan_of(call);
  bool doubt = false;
  if (!call->ga[0]) return false;
  for (ptrdiff_t o = 0; o < s.outer; o++)
    for (ptrdiff_t j = 0; j < s.inner; j++) doubt |= lane(call, o * s.n * s.inner + j, s.n, s.inner);
  return doubt;
}
