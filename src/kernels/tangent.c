/* Tangents: pointwise by the table's partials, linear operations by their own forward kernel, reductions by
   the partials that their reverse kernel gives. What is known nowhere else is only cumprod. */
#include "kernels/tangent.h"

#include "kernels/groups.h"
#include "kernels/pointwise.h"

#include <string.h>

/* ---- pointwise ---- */

/* The walk over the result: unit axes are left out, the last axis is the run. Tangents and masks of an
   operand stand as its values do. */
typedef struct route {
  int rank;
  ptrdiff_t dim[DZ__MAX_RANK], step[3][DZ__MAX_RANK], index[3][DZ__MAX_RANK];
  ptrdiff_t at[3], n, run[3];
} route;

static route route_of(const dz__call *call) {
  const dz__array *out = &call->out;
  route r = {.n = 1};
  for (int d = 0; d < out->rank; d++) {
    if (out->dims[d] == 1) continue;
    for (int k = 0; k < call->nargs; k++) {
      const dz__array *x = &call->args[k];
      int own = d - (out->rank - x->rank);
      ptrdiff_t inner = 1;
      for (int e = own + 1; own >= 0 && e < x->rank; e++) inner *= (ptrdiff_t)x->dims[e];
      r.step[k][r.rank] = own < 0 || x->dims[own] == 1 ? 0 : inner;
    }
    r.dim[r.rank++] = (ptrdiff_t)out->dims[d];
  }
  if (r.rank > 0) {
    r.n = r.dim[--r.rank];
    for (int k = 0; k < call->nargs; k++) r.run[k] = r.step[k][r.rank];
  }
  return r;
}

static bool route_next(route *r, int nargs) {
  bool more = false;
  for (int k = 0; k < nargs; k++) more = dz__odometer(r->rank, r->dim, r->step[k], r->index[k], &r->at[k]);
  return more;
}

/* One element: at[k] is where operand k stands. Returns whether anything arrived. */
static bool push_element(const dz__kernel *f, const dz__tangent_call *p, const ptrdiff_t *at, double z,
                         double tie, double *sum) {
  const dz__call *call = &p->call;
  double v[3] = {0, 0, 0};
  bool hit = false;
  for (int k = 0; k < call->nargs; k++) v[k] = call->args[k].data[at[k]];
  *sum = 0;
  for (int k = 0; k < call->nargs; k++) {
    if (!p->t[k] || (p->reached && p->reached[k][at[k]] == 0)) continue;
    double slope = f->partial[k](v[0], v[1], v[2], z, tie);
    if (f->mask[k] && slope == 0) continue;
    *sum += slope * p->t[k][at[k]];
    hit = true;
  }
  return hit;
}

void dz__tangent_pointwise(dz__fn fn, const dz__tangent_call *p) {
  const dz__call *call = &p->call;
  double tie = call->nargs >= 2 && p->t[0] && p->t[1] ? .5 : 0;
  if (call->out.size == 0) return;
  route r = route_of(call);
  ptrdiff_t done = 0;
  do {
    for (ptrdiff_t i = 0; i < r.n; i++, done++) {
      ptrdiff_t at[3] = {r.at[0] + i * r.run[0], r.at[1] + i * r.run[1], r.at[2] + i * r.run[2]};
      bool hit = push_element(&dz__pointwise[fn], p, at, call->out.data[done], tie, &p->out[done]);
      if (p->reached) p->out_reached[done] = hit;
    }
  } while (route_next(&r, call->nargs));
}

/* ---- linear ---- */

/* The forward kernel with `in` in place of the first n operands' values; inactive ones are zeros. */
static void forward_of(const dz__tangent_call *p, int n, double *const *in, double *out) {
  dz__call call = p->call;
  for (int k = 0; k < n; k++) p->args[k].data = in[k] ? in[k] : p->zeros;
  call.out.data = out;
  p->op->forward(&call);
}

static void linear_in(const dz__tangent_call *p, int n) {
  forward_of(p, n, p->t, p->out);
  if (p->reached) forward_of(p, n, p->reached, p->out_reached);
}

void dz__tangent_linear(const dz__tangent_call *p) { linear_in(p, p->call.nargs); }
void dz__tangent_first(const dz__tangent_call *p) { linear_in(p, 1); }

/* ---- reductions ---- */

/* Each element enters one result, so the reverse kernel with ones for g gives every partial at once. Their
   products with the tangents are added as sum adds. Elements that the result does not depend on (not the
   largest, not reached) are left out in the careful sweep. */
void dz__tangent_reduce(const dz__tangent_call *p) {
  size_t n = p->args[0].size, m = p->call.out.size;
  if (m == 0) return; /* of nothing: there is no scratch either */
  double *partial = p->call.scratch, *mark = partial + n, *ones = mark + n, *ga[1] = {partial};
  dz__call call = p->call;
  for (size_t i = 0; i < n; i++) partial[i] = mark[i] = 0;
  for (size_t i = 0; i < m; i++) ones[i] = 1;
  call.g = ones;
  call.ga = ga;
  call.scratch = ones + m;
  p->op->reverse(&call);
  ga[0] = mark;
  if (p->reached) p->op->spread(&call);
  for (size_t i = 0; i < n; i++) {
    mark[i] = !p->reached || (p->reached[0][i] != 0 && mark[i] != 0);
    partial[i] = mark[i] != 0 ? partial[i] * p->t[0][i] : 0;
  }
  p->args[0].data = partial;
  call.out.data = p->out;
  dz__forward_sum(&call);
  if (!p->reached) return;
  p->args[0].data = mark;
  call.out.data = p->out_reached;
  dz__forward_sum(&call);
}

/* ---- cumprod ---- */

/* z_k = z_(k-1) x_k, hence the tangent z'_k = z'_(k-1) x_k + z_(k-1) x'_k. */
void dz__tangent_cumprod(const dz__tangent_call *p) {
  const double *x = p->args[0].data, *z = p->call.out.data, *t = p->t[0];
  dz__groups g = dz__groups_of(&p->args[0], 1, p->call.attr);
  for (dz__tile l = {0}; dz__tile_next(&g, &l);)
    for (dz__run r = {0}; dz__run_next(&g, &l, &r);)
      for (ptrdiff_t k = 0, row = r.at; k < g.n; k++, row += g.step)
        for (ptrdiff_t i = row; i < row + l.lanes; i++) {
          bool before = k && (!p->reached || p->out_reached[i - g.step] != 0);
          bool here = !p->reached || p->reached[0][i] != 0;
          double sum = before ? p->out[i - g.step] * x[i] : 0;
          p->out[i] = here ? sum + (k ? z[i - g.step] : 1) * t[i] : sum;
          if (p->reached) p->out_reached[i] = before || here;
        }
}
