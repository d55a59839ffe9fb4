/* The quick reverse sweep: each node's local partials, times its adjoint, added to its operands'. */
#include "tape/sweep.h"

#include "kernels/pointwise.h"
#include "kernels/scalar.h"

dz__window dz__whole(const dz__adjoints *a) { return (dz__window){.near = a->scalar, .mask = UINT32_MAX}; }

static inline double *slot(const dz__window *w, uint32_t i, uint32_t a) {
  if (i - a <= w->mask) return &w->near[a & w->mask];
  w->piece[a >> DZ__PIECE_BITS] = 1;
  return &w->far[a];
}

double *dz__adjoint_slot(const dz_tape *t, const dz__adjoints *a, const dz__window *w, uint32_t i,
                         dz__ref ref) {
  if (ref.flags & DZ__INACTIVE) return NULL;
  return ref.flags & DZ__TENSOR ? a->tensor[t->arg[ref.index].a] : slot(w, i, ref.index);
}

dz__call dz__reverse_call(dz_tape *t, const dz__wide *wide, const dz__adjoints *a, const dz__window *w) {
  dz__tape *s = dz__of(t);
  const dz__ref *refs = &s->wide_args[wide->arg0];
  for (uint32_t k = 0; k < wide->nargs; k++) {
    s->call_args[k] = dz__array_at(t, refs[k]);
    s->call_ga[k] = dz__adjoint_slot(t, a, w, wide->node, refs[k]);
  }
  return (dz__call){.op = dz__ops[wide->fn].name,
                    .nargs = (int)wide->nargs,
                    .args = s->call_args,
                    .nattr = (int)wide->nattr,
                    .attr = wide->nattr ? &s->wide_attr[wide->attr0] : NULL,
                    .out = dz__array_of_wide(t, wide),
                    .g = wide->rank ? a->tensor[wide - s->wide] : &w->near[wide->node & w->mask],
                    .ga = s->call_ga,
                    .scratch = s->spare};
}

/* True when 0*inf was formed. */
static bool pull_wide(dz_tape *t, const dz__wide *wide, const dz__adjoints *a, const dz__window *w) {
  if (!wide->active || wide->fn == DZ__F_END) return false;
  dz__call call = dz__reverse_call(t, wide, a, w);
  return wide->fn < DZ__F_POINTWISE_END ? dz__pointwise_reverse((dz__fn)wide->fn, &call)
                                        : dz__tensor_ops[wide->fn - DZ__F_POINTWISE_END].reverse(&call);
}

/* Takes in what waited for the nodes from..top: they are inside the window now. */
static void take_in(const dz__window *w, uint32_t from, uint32_t top) {
  uint32_t piece = from >> DZ__PIECE_BITS;
  if (!w->piece[piece]) return;
  w->piece[piece] = 0;
  for (uint32_t i = from; i <= top; i++) {
    w->near[i & w->mask] += w->far[i];
    w->far[i] = 0;
  }
}

/* One case per code: x, y, z are the operands' and the node's own value, g its adjoint. The latest sum goes
   on in a register, since most nodes are used by the very next one: a chain of operations then waits for
   arithmetic only, not for a store to be loaded again. */
#define FLOW(k, name, tie) dz__flow(dz__m##k##_##name(), dz__d##k##_##name(x, y, 0, z, tie), g)
#define TO(k, name, node, tie) latest = *slot(w, i, node) += FLOW(k, name, tie), latest_node = node

/* Nodes from..top, downward, with the window over all of them. */
static bool sweep_piece(dz_tape *t, const dz__adjoints *a, const dz__window *window, uint32_t from,
                        uint32_t top) {
  const dz__window own = *window, *w = &own; /* a copy that no store can change */
  const double *value = t->value, *pool = t->pool;
  const dz__pair *arg = t->arg;
  const uint8_t *codes = t->code;
  double latest = 0;
  uint32_t latest_node = DZ__NONE;
  for (uint32_t i = top + 1; i-- > from;) {
    double *at = &w->near[i & w->mask];
    double g = latest, z = value[i], x, y = 0;
    if (__builtin_expect(latest_node != i, 0)) g = *at;
    dz__pair p = arg[i];
    unsigned code = codes[i];
    if (g != g) return false; /* a NaN: perhaps 0*inf from a structural zero */
    switch (code) {
    case DZ__INPUT:
    case DZ__PARAM:
      if (!p.b) w->leaf[p.a] += g;
      break;
#define OP1(name, ...)                                                                                       \
  case DZ__##name:                                                                                           \
    x = value[p.a], TO(0, name, p.a, 0);                                                                     \
    break;
#define OP2(name, ...)                                                                                       \
  case DZ__##name##_vv:                                                                                      \
    x = value[p.a], y = value[p.b];                                                                          \
    if (p.a + 1 == i)                                                                                        \
      TO(1, name, p.b, .5), TO(0, name, p.a, .5);                                                            \
    else                                                                                                     \
      TO(0, name, p.a, .5), TO(1, name, p.b, .5);                                                            \
    break;                                                                                                   \
  case DZ__##name##_vc:                                                                                      \
    x = value[p.a], y = pool[p.b], TO(0, name, p.a, 0);                                                      \
    break;                                                                                                   \
  case DZ__##name##_cv:                                                                                      \
    x = pool[p.a], y = value[p.b], TO(1, name, p.b, 0);                                                      \
    break;                                                                                                   \
  case DZ__##name##_vi:                                                                                      \
    x = value[p.a], y = value[p.b], TO(0, name, p.a, 0);                                                     \
    break;                                                                                                   \
  case DZ__##name##_iv:                                                                                      \
    x = value[p.a], y = value[p.b], TO(1, name, p.b, 0);                                                     \
    break;
#define OP3(name, ...)
#include "ops/pointwise.def"
    case DZ__WIDE:
      if (pull_wide(t, &dz__of(t)->wide[p.a], a, w)) return false;
      latest_node = DZ__NONE;
      break;
    default:
      break;
    }
    if (w->sliding) *at = 0;
  }
  return true;
}

bool dz__sweep_quick(dz_tape *t, const dz__adjoints *a, const dz__window *w, uint32_t top) {
  if (!w->sliding) return sweep_piece(t, a, w, 0, top);
  for (uint32_t end = top + 1; end > 0;) {
    uint32_t from = (end - 1) >> DZ__PIECE_BITS << DZ__PIECE_BITS;
    take_in(w, from, end - 1);
    if (!sweep_piece(t, a, w, from, end - 1)) return false;
    end = from;
  }
  return true;
}
