/* Which values the output is made of: marks go from it down to its operands, but not to a branch that is not
 * selected. */
#include "tape/diagnose.h"

#include "kernels/tensor.h"

#include <string.h>

size_t dz__source(const dz__array *out, const dz__array *a, size_t e) {
  size_t at = 0, step = 1;
  for (int d = out->rank - 1, own = a->rank - 1; own >= 0; d--, own--) {
    size_t i = e % out->dims[d];
    e /= out->dims[d];
    if (a->dims[own] != 1) at += i * step;
    step *= a->dims[own];
  }
  return at;
}

static double *slot(const dz_tape *t, const dz__used *u, dz__ref ref) {
  if (ref.flags & DZ__POOLED) return NULL;
  return ref.flags & DZ__TENSOR ? u->tensor[dz__operands(t, ref.index).a] : &u->scalar[ref.index];
}

static void mark_scalar(const dz_tape *t, dz__used *u, uint32_t i) {
  unsigned code = dz__node_code(t, i), variant = dz__variant(code);
  dz__fn fn = dz__fn_of_code(code);
  if (fn == DZ__F_END) return;
  if (variant != DZ__CV) u->scalar[dz__operands(t, i).a] = 1;
  if (dz__ops[fn].arity > 1 && variant != DZ__VC) u->scalar[dz__operands(t, i).b] = 1;
}

/* Whether element e of the result is made of operand k: of a choice, the condition and one branch are. */
static bool takes(const dz__call *call, bool choice, int k, size_t e) {
  if (!choice || k == 0) return true;
  return k == (call->args[0].data[dz__source(&call->out, &call->args[0], e)] != 0 ? 1 : 2);
}

static void mark_pointwise(const dz__call *call, bool choice, const double *mask) {
  for (int k = 0; k < call->nargs; k++)
    for (size_t e = 0; call->ga[k] && e < call->out.size; e++)
      if (mask[e] != 0 && takes(call, choice, k, e))
        call->ga[k][dz__source(&call->out, &call->args[k], e)] = 1;
}

/* By the kernels that carry masks backward. The largest is made of all elements, not only of those that share
 * its gradient. */
static void mark_tensor(dz__call *call, dz__fn fn, const double *mask) {
  dz__reverse *spread = dz__tensor_ops[fn - DZ__F_POINTWISE_END].spread;
  call->g = mask;
  if (spread == dz__spread_extreme) spread = dz__reverse_sum;
  if (spread) spread(call);
}

static void mark_wide(dz_tape *t, dz__used *u, const dz__wide *w) {
  dz__tape *s = dz__of(t);
  if (w->fn == DZ__F_END) return;
  const double *mask = dz__used_of(s, u, w);
  size_t marked = 0;
  for (size_t e = 0; e < w->size; e++) marked += mask[e] != 0;
  if (!marked) return;
  dz__call call = dz__reverse_call(t, w, &s->kept, s->kept.scalar);
  for (uint32_t k = 0; k < w->nargs; k++) s->call_ga[k] = slot(t, u, s->wide_args[w->arg0 + k]);
  if (w->fn < DZ__F_POINTWISE_END)
    mark_pointwise(&call, w->fn == DZ__F_where, mask);
  else
    mark_tensor(&call, (dz__fn)w->fn, mask);
}

static bool lay(const dz__tape *s, dz__used *u, uint32_t top) {
  dz__arena_init(&u->arena, &s->alloc);
  u->scalar = dz__arena_alloc(&u->arena, ((size_t)top + 1) * sizeof *u->scalar);
  u->tensor = dz__arena_alloc(&u->arena, s->wides * sizeof *u->tensor);
  if (!u->scalar || !u->tensor) return false;
  memset(u->scalar, 0, ((size_t)top + 1) * sizeof *u->scalar);
  for (size_t k = 0; k < s->wides && s->wide[k].node <= top; k++) {
    const dz__wide *w = &s->wide[k];
    u->tensor[k] = w->rank ? dz__arena_alloc(&u->arena, w->size * sizeof(double)) : NULL;
    if (w->rank && !u->tensor[k]) return false;
    if (w->rank) memset(u->tensor[k], 0, w->size * sizeof(double));
  }
  return true;
}

bool dz__used_mark(dz_tape *t, uint32_t top, dz__used *u) {
  dz__tape *s = dz__of(t);
  if (!lay(s, u, top)) return false;
  const dz__wide *y = dz__wide_of(t, top);
  double *mask = y && y->rank ? u->tensor[y - s->wide] : &u->scalar[top];
  for (size_t e = 0; e < (y ? y->size : 1); e++) mask[e] = 1;
  for (uint32_t i = top + 1; i-- > 0;) {
    const dz__wide *w = dz__wide_of(t, i);
    if (w)
      mark_wide(t, u, w);
    else if (u->scalar[i] != 0)
      mark_scalar(t, u, i);
  }
  return true;
}

void dz__used_free(dz__used *u) { dz__arena_free(&u->arena); }
