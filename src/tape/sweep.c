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

dz__call dz__reverse_call(dz_tape *t, const dz__wide *w, const dz__adjoints *a, double *scalar) {
  dz__tape *s = dz__of(t);
  const dz__ref *refs = &s->wide_args[w->arg0];
  for (uint32_t k = 0; k < w->nargs; k++) {
    s->call_args[k] = dz__array_at(t, refs[k]);
    s->call_ga[k] = dz__adjoint_slot(t, a, scalar, refs[k]);
  }
  const int64_t *attr = dz__attr_of(s, w);
  return (dz__call){.op = dz__op_name(s, w->fn, attr),
                    .nargs = (int)w->nargs,
                    .args = s->call_args,
                    .nattr = (int)w->nattr,
                    .attr = attr,
                    .user = dz__user_of(s, w->fn, attr),
                    .out = dz__array_of_wide(t, w),
                    .g = w->rank ? a->tensor[w - s->wide] : &scalar[w->node],
                    .ga = s->call_ga,
                    .scratch = s->spare};
}

/* True when 0*inf was formed. */
static bool pull_wide(dz_tape *t, const dz__wide *w, const dz__adjoints *a, double *scalar) {
  if (!w->active) return false;
  if (dz__of(t)->single) return dz__single_reverse(t, w, scalar);
  dz__call call = dz__reverse_call(t, w, a, scalar);
  return w->fn < DZ__F_POINTWISE_END ? dz__pointwise_reverse((dz__fn)w->fn, &call)
                                     : dz__tensor_ops[w->fn - DZ__F_POINTWISE_END].reverse(&call);
}

/* ---- scalars ---- */

dz__site dz__site_of(const dz_tape *t, uint32_t i) {
  unsigned code = t->code[i], variant = dz__variant(code);
  dz__fn fn = dz__fn_of_code(code);
  dz__pair p = dz__operands(t, i);
  bool two = dz__ops[fn].arity > 1;
  dz__site s = {.f = &dz__pointwise[fn], .z = t->value[i], .tie = variant == DZ__VV ? .5 : 0};
  s.in[0] = variant == DZ__CV ? t->pool[p.a] : t->value[p.a];
  s.in[1] = !two ? 0 : variant == DZ__VC ? t->pool[p.b] : t->value[p.b];
  s.wants[0] = dz__codes[code].wants & 1;
  s.wants[1] = dz__codes[code].wants & 2;
  return s;
}

/* What flows to operand k of an operation whose partials take more than arithmetic: out of the loop, which so
   keeps its registers. */
static __attribute__((noinline)) double flow_of(const dz_tape *t, size_t i, int k, double g) {
  dz__site s = dz__site_of(t, (uint32_t)i);
  return dz__flow(s.f->mask[k], s.f->partial[k](s.in[0], s.in[1], 0, s.z, s.tie), g);
}

#define INLINE static inline __attribute__((always_inline))

/* g, the complete adjoint of node i, stays in its slot, or leaves it 0 for the next sweep. */
INLINE double settle(double *scalar, size_t i, double g, const bool whole, bool *sound) {
  scalar[i] = whole ? g : 0;
  if (whole) *sound &= g == g;
  return g;
}

/* Whether node i adds the product just before it to something else. */
INLINE bool adds_product(const dz_tape *t, size_t i) {
  uint64_t w = t->arg[i];
  return t->code[i] == DZ__add_vv && w >> 32 == i - 1 && (uint32_t)w != i - 1 &&
         (t->code[i - 1] == DZ__mul_vc || t->code[i - 1] == DZ__mul_vv);
}

/* A tape that no cache holds is asked for ahead, its values and adjoints; asking for operands too gains
   nothing. */
INLINE void fetch(const dz_tape *t, const double *scalar, size_t i) {
  enum { BEFORE = -3072 };
  dz__fetch(&scalar[i], BEFORE);
  dz__fetch(&t->value[i], BEFORE);
}

/* Sums of products are what most tapes are made of: a + x*y is one step here, and the a of one is mostly the
   sum of the next, whose adjoint stays in a register. Node i is such a sum, g its adjoint. Returns the last
   node done. */
INLINE size_t sweep_products(const dz_tape *t, double *scalar, size_t i, double g, const bool whole,
                             const bool far, bool *sound) {
  for (;;) {
    if (far) fetch(t, scalar, i);
    double h = settle(scalar, i - 1, g + scalar[i - 1], whole, sound);
    dz__pair p = dz__operands(t, i - 1);
    if (t->code[i - 1] == DZ__mul_vc) {
      scalar[p.a] += h * t->pool[p.b];
    } else {
      double x = t->value[p.a], y = t->value[p.b];
      scalar[p.a] += h * y;
      scalar[p.b] += h * x;
    }
    size_t sum = (uint32_t)t->arg[i];
    i -= 2;
    if (sum != i || !adds_product(t, i)) {
      scalar[sum] += g;
      return i + 1;
    }
    g = settle(scalar, i, g + scalar[i], whole, sound);
  }
}

/* One case per code of the arithmetic: x and y are the operands, g the adjoint. */
#define TO(k, name, node)                                                                                    \
  scalar[node] += dz__flow(dz__m##k##_##name(), dz__d##k##_##name(x, y, 0, value[i], 0), g)

INLINE bool sweep_nodes(dz_tape *t, const dz__adjoints *a, double *scalar, double *leaf, uint32_t top,
                        const bool whole, const bool far) {
  const double *value = t->value, *pool = t->pool;
  const uint8_t *code = t->code;
  bool sound = true;
  for (size_t i = (size_t)top + 1; i-- > 0;) {
    if (far) fetch(t, scalar, i);
    double g = settle(scalar, i, scalar[i], whole, &sound), x, y = 0;
    if (adds_product(t, i)) {
      i = sweep_products(t, scalar, i, g, whole, far, &sound);
      continue;
    }
    dz__pair p = dz__operands(t, i);
    switch (code[i]) {
    case DZ__INPUT:
    case DZ__PARAM:
      if (p.b) break;
      leaf[p.a] = g;
      sound &= g == g;
      break;
#define OP1(name, ...)
#define OP1I(name, ...)                                                                                      \
  case DZ__##name:                                                                                           \
    x = value[p.a], TO(0, name, p.a);                                                                        \
    break;
#define OP1K(name, ...)                                                                                      \
  case DZ__##name##_k:                                                                                       \
    scalar[p.a] += pool[p.b] * g;                                                                            \
    break;
#define OP2(name, ...)
#define OP2I(name, ...)                                                                                      \
  case DZ__##name##_vv:                                                                                      \
    x = value[p.a], y = value[p.b], TO(0, name, p.a), TO(1, name, p.b);                                      \
    break;                                                                                                   \
  case DZ__##name##_vc:                                                                                      \
    x = value[p.a], y = pool[p.b], TO(0, name, p.a);                                                         \
    break;                                                                                                   \
  case DZ__##name##_cv:                                                                                      \
    x = pool[p.a], y = value[p.b], TO(1, name, p.b);                                                         \
    break;
#define OP3(name, ...)
#include "ops/pointwise.def"
    case DZ__WIDE:
      scalar[i] = g;
      sound &= g == g && !pull_wide(t, &dz__of(t)->wide[p.a], a, scalar);
      if (!whole) scalar[i] = 0;
      break;
    default:
      if (dz__codes[code[i]].wants & 1) scalar[p.a] += flow_of(t, i, 0, g);
      if (dz__codes[code[i]].wants & 2) scalar[p.b] += flow_of(t, i, 1, g);
    }
  }
  return sound;
}

static bool sweep_whole(dz_tape *t, const dz__adjoints *a, const dz__slots *s, uint32_t top) {
  return sweep_nodes(t, a, s->scalar, s->leaf, top, true, true);
}

static bool sweep_long(dz_tape *t, const dz__adjoints *a, const dz__slots *s, uint32_t top) {
  return sweep_nodes(t, a, s->scalar, s->leaf, top, false, true);
}

static bool sweep_short(dz_tape *t, const dz__adjoints *a, const dz__slots *s, uint32_t top) {
  return sweep_nodes(t, a, s->scalar, s->leaf, top, false, false);
}

bool dz__sweep_quick(dz_tape *t, const dz__adjoints *a, const dz__slots *s, uint32_t top) {
  enum { LONG = 1 << 16 }; /* nodes, of 25 bytes each with their adjoints */
  return s->whole     ? sweep_whole(t, a, s, top)
         : top < LONG ? sweep_short(t, a, s, top)
                      : sweep_long(t, a, s, top);
}
