/* The quick reverse sweep: each node's local partials, times its adjoint, added to its operands'. */
#include "tape/sweep.h"

#include "kernels/pointwise.h"
#include "kernels/scalar.h"
#include "tape/single.h"

/* ---- tensors ---- */

double *dz__adjoint_slot(const dz_tape *t, const dz__adjoints *a, double *scalar, dz__ref ref) {
  if (ref.flags & DZ__INACTIVE) return NULL;
  return ref.flags & DZ__TENSOR ? a->tensor[dz__operands(t, ref.index).a] : &scalar[ref.index];
}

dz__call dz__call_on(const dz_tape *t, const dz__wide *w) {
  const dz__tape *s = dz__of_const(t);
  const int64_t *attr = dz__attr_of(s, w);
  dz__call call = {.op = dz__op_name(s, w->fn, attr),
                   .nargs = (int)w->nargs,
                   .args = s->call_args,
                   .nattr = (int)w->nattr,
                   .attr = attr,
                   .user = dz__user_of(s, w->fn, attr),
                   .scratch = s->spare};
  dz__put_wide(t, w, &call.out);
  return call;
}

dz__call dz__reverse_call(dz_tape *t, const dz__wide *w, const dz__adjoints *a, double *scalar) {
  dz__tape *s = dz__of(t);
  const dz__ref *refs = &s->wide_args[w->arg0];
  for (uint32_t k = 0; k < w->nargs; k++) {
    dz__put_operand(t, refs[k], &s->call_args[k]);
    s->call_ga[k] = dz__adjoint_slot(t, a, scalar, refs[k]);
    if (refs[k].flags & DZ__TENSOR) s->wide[dz__operands(t, refs[k].index).a].reached = true;
  }
  dz__call call = dz__call_on(t, w);
  call.g = w->rank ? a->tensor[w - s->wide] : &scalar[w->node];
  call.ga = s->call_ga;
  return call;
}

/* True when 0*inf was formed. */
static bool pull_wide(dz_tape *t, const dz__wide *w, const dz__adjoints *a, double *scalar) {
  if (!w->active || (w->rank && !w->reached)) return false;
  if (dz__of(t)->single) return dz__single_reverse(t, w, scalar);
  dz__call call = dz__reverse_call(t, w, a, scalar);
  return w->fn < DZ__F_POINTWISE_END ? dz__pointwise_reverse((dz__fn)w->fn, &call)
                                     : dz__tensor_ops[w->fn - DZ__F_POINTWISE_END].reverse(&call);
}

/* Node i is of a record, g its adjoint. False when a NaN is there, or 0*inf was formed. */
static inline __attribute__((always_inline)) bool sound_pull(dz_tape *t, const dz__adjoints *a,
                                                             double *scalar, size_t i, double g) {
  scalar[i] = g;
  return g == g && !pull_wide(t, &dz__of(t)->wide[dz__operands(t, i).a], a, scalar);
}

/* ---- scalars ---- */

dz__site dz__site_of(const dz_tape *t, uint32_t i) {
  unsigned code = dz__node_code(t, i), variant = dz__variant(code);
  dz__fn fn = dz__fn_of_code(code);
  dz__pair p = dz__operands(t, i);
  bool two = dz__ops[fn].arity > 1;
  dz__site s = {.f = &dz__pointwise[fn], .z = t->cell[i].value, .tie = variant == DZ__VV ? .5 : 0};
  s.in[0] = variant == DZ__CV ? t->pool[p.a] : t->cell[p.a].value;
  s.in[1] = !two ? 0 : variant == DZ__VC ? t->pool[p.b] : t->cell[p.b].value;
  s.wants[0] = dz__codes[code].wants & 1;
  s.wants[1] = dz__codes[code].wants & 2;
  return s;
}

#define ADJOINT double
#define SOUND bool
#define FLOW dz__flow
#define WHOLE whole
#define FAR far
#define PULL sound_pull
#define NAME(x) x##_double
#include "tape/sweep.inc"

static bool sweep_whole(dz_tape *t, const dz__adjoints *a, const dz__slots *s, uint32_t top) {
  return nodes_double(t, a, s->scalar, s->leaf, top, true, true);
}

static bool sweep_long(dz_tape *t, const dz__adjoints *a, const dz__slots *s, uint32_t top) {
  return nodes_double(t, a, s->scalar, s->leaf, top, false, true);
}

static bool sweep_short(dz_tape *t, const dz__adjoints *a, const dz__slots *s, uint32_t top) {
  return nodes_double(t, a, s->scalar, s->leaf, top, false, false);
}

bool dz__sweep_quick(dz_tape *t, const dz__adjoints *a, const dz__slots *s, uint32_t top) {
  enum { LONG = 1 << 16 }; /* nodes, of 24 bytes each with their adjoints */
  return s->whole     ? sweep_whole(t, a, s, top)
         : top < LONG ? sweep_short(t, a, s, top)
                      : sweep_long(t, a, s, top);
}
