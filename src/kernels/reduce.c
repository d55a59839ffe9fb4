/* Reductions that select or multiply: the shape rules of all of them, count, max, min, prod. */
#include "kernels/groups.h"
#include "kernels/several.h"
#include "kernels/tensor.h"

#include <math.h>

/* ---- shapes ---- */

static bool is_reduced(const dz__call *call, int naxes, int axis) {
  for (int k = 0; k < naxes; k++)
    if (call->attr[1 + k] == axis) return true;
  return false;
}

/* Reduced axes vanish, or stay with extent 1. *count is the number of elements that make one result. */
static dz_status reduced_shape(dz__call *call, int naxes, size_t *count) {
  const dz__array *x = &call->args[0];
  dz__array *z = &call->out;
  z->rank = 0;
  *count = 1;
  for (int k = 0; k < x->rank; k++) {
    bool reduced = is_reduced(call, naxes, k);
    if (reduced) *count *= x->dims[k];
    if (!reduced || call->attr[0]) z->dims[z->rank++] = reduced ? 1 : x->dims[k];
  }
  return dz__sized(call);
}

static dz_status any_shape(dz__call *call) {
  size_t count;
  return reduced_shape(call, call->nattr - 1, &count);
}

/* For what has no value on no elements. No result at all is fine. */
static dz_status some_shape(dz__call *call) {
  size_t count;
  dz_status status = reduced_shape(call, call->nattr - 1, &count);
  char text[192];
  if (status || count > 0 || call->out.size == 0) return status;
  return dz__fail(call->error, DZ_ERR_SHAPE, call->op, "%s of no elements: the operand has shape %s",
                  call->op, dz__array_text(&call->args[0], text));
}

dz_status dz__shape_sum(dz__call *call) { return any_shape(call); }
dz_status dz__shape_prod(dz__call *call) { return any_shape(call); }
dz_status dz__shape_norm(dz__call *call) { return any_shape(call); }
dz_status dz__shape_logsumexp(dz__call *call) { return any_shape(call); }
dz_status dz__shape_max(dz__call *call) { return some_shape(call); }
dz_status dz__shape_min(dz__call *call) { return some_shape(call); }

/* ---- count ---- */

dz_status dz__shape_count(dz__call *call) {
  size_t count;
  dz_status status = reduced_shape(call, call->nattr - 2, &count);
  int64_t ddof = call->attr[call->nattr - 1];
  if (status || call->out.size == 0 || ddof < 0 || count > (uint64_t)ddof) return status;
  char text[192];
  dz__array_text(&call->args[0], text);
  if (ddof == 0)
    return dz__fail(call->error, DZ_ERR_SHAPE, "mean", "mean of no elements: the operand has shape %s", text);
  return dz__fail(call->error, DZ_ERR_SHAPE, call->op,
                  "needs more than %lld element%s (ddof %lld), has %zu: the operand has shape %s",
                  (long long)ddof, ddof == 1 ? "" : "s", (long long)ddof, count, text);
}

void dz__forward_count(const dz__call *call) {
  size_t count = 1;
  for (int k = 0; k < call->nattr - 2; k++) count *= call->args[0].dims[call->attr[1 + k]];
  for (size_t i = 0; i < call->out.size; i++)
    call->out.data[i] = (double)count - (double)call->attr[call->nattr - 1];
}

bool dz__reverse_count(const dz__call *call) {
  (void)call; /* flat: nothing flows */
  return false;
}

/* ---- max, min ---- */

/* Larger of the two by `sign`, NaN if either is. */
static inline double further(double x, double y, double sign) {
  return ((y * sign > x * sign) | (y != y)) ? y : x;
}

static inline void fold(double *acc, ptrdiff_t lanes, const double *x, ptrdiff_t n, ptrdiff_t step,
                        double sign) {
  for (ptrdiff_t k = 0; k < n; k++, x += step)
    for (ptrdiff_t j = 0; j < lanes; j++) acc[j] = further(acc[j], x[j], sign);
}

/* A long contiguous run is folded as eight lanes first. */
static inline void fold_run(double *acc, ptrdiff_t lanes, const double *x, ptrdiff_t n, ptrdiff_t step,
                            double sign) {
  if (lanes == 1 && step == 1 && n >= 16) {
    double wide[8];
    for (int j = 0; j < 8; j++) wide[j] = x[j];
    fold(wide, 8, x + 8, n / 8 - 1, 8, sign);
    fold(acc, 1, wide, 8, 1, sign);
    fold(acc, 1, x + n / 8 * 8, n % 8, 1, sign);
  } else {
    fold(acc, lanes, x, n, step, sign);
  }
}

static inline void extremes(const dz__groups *p, const dz__tile *t, const double *x, double *out,
                            double sign) {
  for (ptrdiff_t j = 0; j < t->lanes; j++) out[j] = -sign * (double)INFINITY;
  for (dz__run r = {0}; dz__run_next(p, t, &r);) fold_run(out, t->lanes, x + r.at, p->n, p->step, sign);
}

SEVERAL static double extreme_of_row(const double *x, ptrdiff_t n, double sign) {
  double z = -sign * (double)INFINITY;
  fold_run(&z, 1, x, n, 1, sign);
  return z;
}

double dz__peak_of_row(const double *x, ptrdiff_t n) { return extreme_of_row(x, n, 1); }

static bool extremes_of_rows(const dz__call *call, const dz__groups *p, double sign) {
  const double *x = call->args[0].data;
  if (!dz__rows(p)) return false;
  for (size_t r = 0; r < p->results; r++, x += p->n) call->out.data[r] = extreme_of_row(x, p->n, sign);
  return true;
}

void dz__peaks(const dz__groups *p, const dz__tile *t, const double *x, double *peak) {
  extremes(p, t, x, peak, 1);
}

void dz__forward_max(const dz__call *call) {
  dz__groups p = dz__reduction(call);
  if (extremes_of_rows(call, &p, 1)) return;
  for (dz__tile t = {0}; dz__tile_next(&p, &t);)
    extremes(&p, &t, call->args[0].data, call->out.data + t.out, 1);
}

void dz__forward_min(const dz__call *call) {
  dz__groups p = dz__reduction(call);
  if (extremes_of_rows(call, &p, -1)) return;
  for (dz__tile t = {0}; dz__tile_next(&p, &t);)
    extremes(&p, &t, call->args[0].data, call->out.data + t.out, -1);
}

void dz__ties(const dz__groups *p, const dz__tile *t, const double *x, const double *peak, double *ties) {
  for (ptrdiff_t j = 0; j < t->lanes; j++) ties[j] = 0;
  for (dz__run r = {0}; dz__run_next(p, t, &r);)
    for (ptrdiff_t k = 0, i = r.at; k < p->n; k++, i += p->step)
      for (ptrdiff_t j = 0; j < t->lanes; j++) ties[j] += x[i + j] == peak[j];
}

/* Shares g equally among the elements that equal the result; a NaN result gives NaN to all. A mask goes to
   each of them undivided, lest it fades to 0 on a long way. */
static bool share(const dz__call *call, bool mask) {
  dz__groups p = dz__reduction(call);
  const double *x = call->args[0].data;
  double ties[DZ__LANES], *ga = call->ga[0];
  bool doubt = false;
  if (!ga) return false;
  for (dz__tile t = {0}; dz__tile_next(&p, &t);) {
    const double *z = call->out.data + t.out, *g = call->g + t.out;
    dz__ties(&p, &t, x, z, ties);
    for (dz__run r = {0}; dz__run_next(&p, &t, &r);)
      for (ptrdiff_t k = 0, i = r.at; k < p.n; k++, i += p.step)
        for (ptrdiff_t j = 0; j < t.lanes; j++) {
          if ((x[i + j] != z[j] && z[j] == z[j]) || dz__dead(call, t.out + j)) continue;
          double p_x = mask ? 1 : z[j] == z[j] ? 1 / ties[j] : (double)NAN;
          doubt |= dz__pull(&ga[i + j], p_x, g[j]);
        }
  }
  return doubt;
}

bool dz__reverse_max(const dz__call *call) { return share(call, false); }
bool dz__reverse_min(const dz__call *call) { return share(call, false); }
bool dz__spread_extreme(const dz__call *call) { return share(call, true); }

/* ---- prod ---- */

void dz__forward_prod(const dz__call *call) {
  dz__groups p = dz__reduction(call);
  const double *x = call->args[0].data;
  for (dz__tile t = {0}; dz__tile_next(&p, &t);) {
    double *z = call->out.data + t.out;
    for (ptrdiff_t j = 0; j < t.lanes; j++) z[j] = 1;
    for (dz__run r = {0}; dz__run_next(&p, &t, &r);)
      for (ptrdiff_t k = 0, i = r.at; k < p.n; k++, i += p.step)
        for (ptrdiff_t j = 0; j < t.lanes; j++) z[j] *= x[i + j];
  }
}

/* Products of the elements before each one of its group, in the order of the walk. */
static void prefixes(const dz__groups *p, const dz__tile *t, const double *x, double *before) {
  double z[DZ__LANES];
  for (ptrdiff_t j = 0; j < t->lanes; j++) z[j] = 1;
  for (dz__run r = {0}; dz__run_next(p, t, &r);)
    for (ptrdiff_t k = 0, i = r.at; k < p->n; k++, i += p->step)
      for (ptrdiff_t j = 0; j < t->lanes; j++) {
        before[i + j] = z[j];
        z[j] *= x[i + j];
      }
}

/* The partial to an element is the product of those before it and those after it. */
bool dz__reverse_prod(const dz__call *call) {
  dz__groups p = dz__reduction(call), q = dz__groups_reversed(&p);
  const double *x = call->args[0].data;
  double after[DZ__LANES], *before = call->scratch, *ga = call->ga[0];
  bool doubt = false;
  if (!ga) return false;
  for (dz__tile t = {0}, u = {0}; dz__tile_next(&p, &t);) {
    dz__tile_next(&q, &u);
    prefixes(&p, &t, x, before);
    for (ptrdiff_t j = 0; j < t.lanes; j++) after[j] = 1;
    for (dz__run r = {0}; dz__run_next(&q, &u, &r);)
      for (ptrdiff_t k = 0, i = r.at; k < q.n; k++, i += q.step)
        for (ptrdiff_t j = 0; j < t.lanes; j++) {
          if (!dz__dead(call, t.out + j))
            doubt |= dz__pull(&ga[i + j], before[i + j] * after[j], call->g[t.out + j]);
          after[j] *= x[i + j];
        }
  }
  return doubt;
}
