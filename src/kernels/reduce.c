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

/* What part of the adjoint of result i, which is z, goes to each of the elements that equal it: `ties`, which
   is 0 where the operand was overwritten since (dz_set). */
typedef double part(const dz__call *call, ptrdiff_t i, double z, double ties);

static double equal_part(const dz__call *call, ptrdiff_t i, double z, double ties) {
  (void)call, (void)i;
  return z == z ? 1 / fmax(ties, 1) : z;
}

static double reached_part(const dz__call *call, ptrdiff_t i, double z, double ties) {
  return dz__dead(call, i) ? 0 : equal_part(call, i, z, ties);
}

/* A mask is not divided, lest it fades to 0 on a long way. */
static double undivided(const dz__call *call, ptrdiff_t i, double z, double ties) {
  (void)call, (void)i, (void)z, (void)ties;
  return 1;
}

#define TEMPLATE "kernels/reduce.inc"
#include "kernels/twice.h"

double dz__peak_of_row(const double *x, ptrdiff_t n) { return extreme_of_row_double(x, n, 1); }
void dz__peaks(const dz__groups *p, const dz__tile *t, const double *x, double *peak) {
  extremes_double(p, t, x, peak, 1);
}
void dz__ties(const dz__groups *p, const dz__tile *t, const double *x, const double *peak, double *ties) {
  ties_double(p, t, x, peak, ties);
}

void dz__forward_max(const dz__call *call) { extreme_double(call, 1); }
void dz__forward_max_single(const dz__call *call) { extreme_single(call, 1); }
void dz__forward_min(const dz__call *call) { extreme_double(call, -1); }
void dz__forward_min_single(const dz__call *call) { extreme_single(call, -1); }
bool dz__reverse_max(const dz__call *call) { return share_double(call, reached_part); }
bool dz__reverse_max_single(const dz__call *call) { return share_single(call, equal_part); }
bool dz__reverse_min(const dz__call *call) { return share_double(call, reached_part); }
bool dz__reverse_min_single(const dz__call *call) { return share_single(call, equal_part); }
bool dz__spread_extreme(const dz__call *call) { return share_double(call, undivided); }

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
