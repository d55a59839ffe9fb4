/* The careful reverse sweep: slower, and needed only where a zero adjoint meets an infinite or NaN partial.
 */
#include "tape/sweep.h"

#include "kernels/pointwise.h"

/* Where one operand's contribution goes, and the mark beside it. */
static void flow(double p, bool mask, double g, double *ga, double *reached) {
  if (mask && p == 0) return;
  *ga += p * g;
  *reached = 1;
}

static void pull_scalar(const dz_tape *t, uint32_t i, dz__adjoints *a, dz__adjoints *r) {
  if (dz__fn_of_code(dz__node_code(t, i)) == DZ__F_END) return;
  dz__site s = dz__site_of(t, i);
  for (int k = 0; k < 2; k++) {
    uint32_t to = k ? dz__operands(t, i).b : dz__operands(t, i).a;
    if (s.wants[k])
      flow(s.f->partial[k](s.in[0], s.in[1], 0, s.z, s.tie), s.f->mask[k], a->scalar[i], &a->scalar[to],
           &r->scalar[to]);
  }
}

static bool any(const double *mask, size_t n) {
  for (size_t i = 0; i < n; i++)
    if (mask[i] != 0) return true;
  return false;
}

/* The masks travel by the same kernels as the adjoints: `spread` with masks in place of g and ga. */
static void pull_wide(dz_tape *t, const dz__wide *w, dz__adjoints *a, dz__adjoints *r) {
  dz__tape *s = dz__of(t);
  if (!w->active) return;
  dz__call call = dz__reverse_call(t, w, a, a->scalar);
  const double *mask = w->rank ? r->tensor[w - s->wide] : &r->scalar[w->node];
  if (!any(mask, call.out.size)) return;
  for (uint32_t k = 0; k < w->nargs; k++)
    s->call_reached[k] = dz__adjoint_slot(t, r, r->scalar, s->wide_args[w->arg0 + k]);
  if (w->fn < DZ__F_POINTWISE_END) {
    dz__pointwise_careful((dz__fn)w->fn, &call, mask, s->call_reached);
    return;
  }
  const dz__tensor_op *op = &dz__tensor_ops[w->fn - DZ__F_POINTWISE_END];
  call.reached = mask;
  op->reverse(&call);
  call.g = mask;
  call.ga = s->call_reached;
  op->spread(&call);
}

void dz__sweep_careful(dz_tape *t, dz__adjoints *a, dz__adjoints *reached, uint32_t top) {
  for (uint32_t i = top + 1; i-- > 0;) {
    if (dz__node_code(t, i) == DZ__WIDE)
      pull_wide(t, &dz__of(t)->wide[dz__operands(t, i).a], a, reached);
    else if (reached->scalar[i] != 0)
      pull_scalar(t, i, a, reached);
  }
}
