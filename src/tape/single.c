#include "tape/single.h"

#include "base/never.h"
#include "kernels/pointwise.h"
#include "kernels/several.h"
#include "kernels/tensor.h"
#include "tape/sweep.h"

#include <string.h>

/* Clang compiles for several processors only what no other file calls. */
SEVERAL static void narrow(float *restrict to, const double *restrict from, size_t n) {
  for (size_t i = 0; i < n; i++) to[i] = (float)from[i];
}

SEVERAL static void widen(double *restrict to, const float *restrict from, size_t n) {
  for (size_t i = 0; i < n; i++) to[i] = (double)from[i];
}

void dz__to_floats(float *restrict to, const double *restrict from, size_t n) { narrow(to, from, n); }
void dz__to_doubles(double *restrict to, const float *restrict from, size_t n) { widen(to, from, n); }

SEVERAL static void add_doubles(float *restrict to, const double *restrict from, size_t n) {
  for (size_t i = 0; i < n; i++) to[i] = (float)((double)to[i] + from[i]);
}

static bool knows_floats(dz__fn fn) {
  return fn < DZ__F_POINTWISE_END || dz__tensor_ops[fn - DZ__F_POINTWISE_END].forward_single;
}

/* ---- operands ---- */

static double *scalar_at(const dz_tape *t, dz__ref ref) {
  return ref.flags & DZ__POOLED ? &t->pool[ref.index] : &t->cell[ref.index].value;
}

/* What a kernel of floats reads as operand k; scalars lie in `few`. */
static const float *floats_at(const dz_tape *t, dz__ref ref, float *few) {
  if (ref.flags & DZ__TENSOR) return dz__wide_of(t, ref.index)->single;
  *few = (float)*scalar_at(t, ref);
  return few;
}

static void floats_in(const dz_tape *t, const dz__call *call, const dz__ref *refs, float *few) {
  for (int k = 0; k < call->nargs; k++)
    dz__of_const(t)->call_args[k].single = (float *)(uintptr_t)floats_at(t, refs[k], few + k);
}

/* The operands as doubles, one after another from `room` on, where their copies may stand already; scalars
   are such anyway. Returns what of the room is left. */
static double *doubles_in(const dz_tape *t, const dz__call *call, const dz__ref *refs, double *room,
                          bool there) {
  for (int k = 0; k < call->nargs; k++) {
    dz__array *a = &dz__of_const(t)->call_args[k];
    if (refs[k].flags & DZ__TENSOR) {
      if (!there) dz__to_doubles(room, dz__wide_of(t, refs[k].index)->single, a->size);
      a->data = room;
      room += a->size;
    } else {
      a->data = scalar_at(t, refs[k]);
    }
  }
  return room;
}

static size_t elements_in(const dz__call *call) {
  size_t n = 0;
  for (int k = 0; k < call->nargs; k++) n += call->args[k].rank ? call->args[k].size : 0;
  return n;
}

/* ---- recording ---- */

static dz_status out_of_memory(dz__call *call, size_t elements) {
  return dz__fail(call->error, DZ_ERR_MEMORY, call->op, "out of memory for %zu elements", elements);
}

static dz_status own_kernel(dz_tape *t, dz__fn fn, dz__call *call, double *scalar) {
  dz__tape *s = dz__of(t);
  float value = 0;
  dz_status status = fn < DZ__F_POINTWISE_END ? dz__broadcast_rule(call)
                                              : dz__tensor_ops[fn - DZ__F_POINTWISE_END].shape(call);
  if (status) return status;
  call->out.single =
      call->out.rank ? dz__arena_alloc(&s->arena, call->out.size * sizeof *call->out.single) : &value;
  if (!call->out.single) return out_of_memory(call, call->out.size);
  if (fn < DZ__F_POINTWISE_END)
    dz__pointwise_forward_single(fn, call);
  else
    dz__tensor_ops[fn - DZ__F_POINTWISE_END].forward_single(call);
  if (!call->out.rank) *scalar = (double)value;
  return DZ_OK;
}

/* By the kernel of doubles. */
static dz_status converted(dz_tape *t, dz__fn fn, dz__call *call, const dz__ref *refs, double *scalar) {
  dz__tape *s = dz__of(t);
  const dz__tensor_op *op = &dz__tensor_ops[fn - DZ__F_POINTWISE_END];
  size_t in = elements_in(call);
  if (!dz__grow(&s->alloc, (void **)&s->spare, &s->spare_cap, in, sizeof *s->spare))
    return out_of_memory(call, in);
  doubles_in(t, call, refs, s->spare, false);
  dz_status status = op->shape(call);
  if (status) return status;
  size_t out = call->out.rank ? call->out.size : 0;
  float *to = dz__arena_alloc(&s->arena, out * sizeof *to);
  if (!to || !dz__grow(&s->alloc, (void **)&s->spare, &s->spare_cap, in + out, sizeof *s->spare))
    return out_of_memory(call, call->out.size);
  double *rest = doubles_in(t, call, refs, s->spare, true); /* growing may have moved them */
  call->out.data = call->out.rank ? rest : scalar;
  op->forward(call);
  float one;
  if (!call->out.rank) to = &one;
  dz__to_floats(to, call->out.data, call->out.size);
  if (fn == DZ__F_noise) dz__keep_below_one(to, call->out.size);
  if (call->out.rank)
    call->out.single = to;
  else
    *scalar = (double)one;
  return DZ_OK;
}

dz_status dz__single_record(dz_tape *t, dz__fn fn, dz__call *call, const dz__ref *refs, double *scalar) {
  dz__tape *s = dz__of(t);
  size_t few = 2 * (size_t)call->nargs + 2; /* so many the reverse kernel needs, with room for the result */
  if (!dz__grow(&s->alloc, (void **)&s->single->few, &s->single->few_cap, few, sizeof *s->single->few))
    return dz__fail(call->error, DZ_ERR_MEMORY, call->op, "out of memory for %d operands", call->nargs);
  dz_status status;
  if (knows_floats(fn)) {
    call->single = true;
    floats_in(t, call, refs, s->single->few);
    status = own_kernel(t, fn, call, scalar);
  } else {
    status = converted(t, fn, call, refs, scalar);
  }
  if (!call->out.rank) call->out.data = scalar;
  return status;
}

/* ---- the reverse sweep ---- */

size_t dz__single_spare(const dz__tape *s, const dz__wide *w) {
  if (w->fn == DZ__F_END || knows_floats((dz__fn)w->fn)) return 0;
  size_t need = 2 * w->size;
  for (uint32_t k = 0; k < w->nargs; k++) need += 2 * dz__size_at(&s->hot, s->wide_args[w->arg0 + k]);
  return need;
}

static bool own_reverse(dz_tape *t, const dz__wide *w, double *scalar, dz__call *call) {
  dz__tape *s = dz__of(t);
  const dz__ref *refs = &s->wide_args[w->arg0];
  float *few = s->single->few, *given = few + w->nargs, **ga = (float **)(void *)s->call_ga;
  floats_in(t, call, refs, few);
  for (uint32_t k = 0; k < w->nargs; k++) {
    bool tensor = refs[k].flags & DZ__TENSOR;
    given[k] = 0;
    ga[k] = refs[k].flags & DZ__INACTIVE ? NULL
            : tensor                     ? dz__float_adjoint(s, dz__operands(t, refs[k].index).a)
                                         : &given[k];
  }
  given[w->nargs] = (float)t->cell[w->node].value;
  given[w->nargs + 1] = (float)scalar[w->node];
  call->out.single = w->rank ? w->single : &given[w->nargs];
  call->g_single = w->rank ? dz__float_adjoint(s, (size_t)(w - s->wide)) : &given[w->nargs + 1];
  call->ga_single = ga;
  bool doubt = w->fn < DZ__F_POINTWISE_END ? dz__pointwise_reverse_single((dz__fn)w->fn, call)
                                           : dz__tensor_ops[w->fn - DZ__F_POINTWISE_END].reverse_single(call);
  for (uint32_t k = 0; k < w->nargs; k++)
    if (ga[k] == &given[k]) scalar[refs[k].index] += (double)given[k];
  return doubt;
}

static bool converted_reverse(dz_tape *t, const dz__wide *w, double *scalar, dz__call *call) {
  dz__tape *s = dz__of(t);
  const dz__ref *refs = &s->wide_args[w->arg0];
  double *rest = doubles_in(t, call, refs, s->spare, false), *out = rest, *g = out + w->size;
  if (w->rank) {
    dz__to_doubles(out, w->single, w->size);
    dz__to_doubles(g, dz__float_adjoint(s, (size_t)(w - s->wide)), w->size);
    rest = g + w->size;
  }
  call->out.data = w->rank ? out : &t->cell[w->node].value;
  call->g = w->rank ? g : &scalar[w->node];
  call->ga = s->call_ga;
  for (uint32_t k = 0; k < w->nargs; k++) {
    bool tensor = refs[k].flags & DZ__TENSOR;
    s->call_ga[k] = refs[k].flags & DZ__INACTIVE ? NULL : tensor ? rest : &scalar[refs[k].index];
    if (!s->call_ga[k] || !tensor) continue;
    memset(rest, 0, call->args[k].size * sizeof *rest);
    rest += call->args[k].size;
  }
  call->scratch = rest;
  bool doubt = dz__tensor_ops[w->fn - DZ__F_POINTWISE_END].reverse(call);
  for (uint32_t k = 0; k < w->nargs; k++)
    if (s->call_ga[k] && refs[k].flags & DZ__TENSOR)
      add_doubles(dz__float_adjoint(s, dz__operands(t, refs[k].index).a), s->call_ga[k], call->args[k].size);
  return doubt;
}

bool dz__single_reverse(dz_tape *t, const dz__wide *w, double *scalar) {
  dz__tape *s = dz__of(t);
  dz__call call = dz__reverse_call(t, w, &s->kept, scalar);
  return knows_floats((dz__fn)w->fn) ? own_reverse(t, w, scalar, &call)
                                     : converted_reverse(t, w, scalar, &call);
}

/* ---- copies as doubles ---- */

static double *new_copy(dz__tape *s, const dz__wide *w, const float *from) {
  double *to = dz__alloc(&s->alloc, dz__copy_bytes(w));
  if (to && from) dz__to_doubles(to, from, w->size);
  return to;
}

static void free_copy(dz__tape *s, const dz__wide *w, double **copy) {
  dz__free(&s->alloc, *copy, dz__copy_bytes(w));
  *copy = NULL;
}

double *dz__copied_value(dz__tape *s, const dz__wide *w) {
  dz__single *f = s->single;
  size_t k = (size_t)(w - s->wide), had = f->value_cap;
  if (!dz__grow(&s->alloc, (void **)&f->value, &f->value_cap, k + 1, sizeof *f->value)) return NULL;
  for (size_t i = had; i < f->value_cap; i++) f->value[i] = NULL;
  if (!f->value[k]) f->value[k] = new_copy(s, w, w->single);
  return f->value[k];
}

double *dz__copied_adjoint(dz__tape *s, const dz__wide *w) {
  double **copy = &s->kept.tensor[w - s->wide];
  if (!*copy) *copy = new_copy(s, w, dz__float_adjoint(s, (size_t)(w - s->wide)));
  return *copy;
}

static bool has_adjoint(const dz__wide *w) { return w->rank && w->active; }

bool dz__doubles_ready(dz__tape *s, uint32_t top, bool adjoints) {
  if (!s->single) return true;
  for (size_t k = 0; k < s->wides && s->wide[k].node <= top; k++) {
    const dz__wide *w = &s->wide[k];
    if (w->rank && !dz__copied_value(s, w)) return false;
    bool laid = k < s->single->adjoint.wide; /* after s->kept, which has the places of the copies */
    if (adjoints && laid && has_adjoint(w) && !dz__copied_adjoint(s, w)) return false;
  }
  return true;
}

bool dz__adjoint_copies_lay(dz__tape *s, uint32_t top) {
  for (size_t k = 0; k < s->wides && s->wide[k].node <= top; k++) {
    const dz__wide *w = &s->wide[k];
    if (!has_adjoint(w)) continue;
    (void)DZ__NEVER(s->kept.tensor[k] != NULL); /* a sweep drops the copies first */
    s->kept.tensor[k] = new_copy(s, w, NULL);
    if (s->kept.tensor[k]) continue;
    dz__adjoint_copies_drop(s, 0); /* what they have is no adjoint */
    return false;
  }
  return true;
}

/* The copies hold what the floats do. */
void dz__adjoint_copies_adopt(dz__tape *s, uint32_t top) {
  for (size_t k = 0; k < s->wides && s->wide[k].node <= top; k++) {
    const dz__wide *w = &s->wide[k];
    if (!has_adjoint(w)) continue;
    dz__to_floats(dz__float_adjoint(s, k), s->kept.tensor[k], w->size);
    dz__to_doubles(s->kept.tensor[k], dz__float_adjoint(s, k), w->size);
  }
}

void dz__copy_refresh(dz__tape *s, const dz__wide *w) {
  double *copy = dz__present_copy(s, w);
  if (copy) dz__to_doubles(copy, w->single, w->size);
}

void dz__adjoint_copies_drop(dz__tape *s, size_t wides) {
  for (size_t k = wides; k < s->kept.wide; k++)
    if (s->kept.tensor[k]) free_copy(s, &s->wide[k], &s->kept.tensor[k]);
}

void dz__value_copies_drop(dz__tape *s, size_t wides) {
  dz__single *f = s->single;
  for (size_t k = wides; k < f->value_cap; k++)
    if (f->value[k]) free_copy(s, &s->wide[k], &f->value[k]);
}

/* ---- new leaves ---- */

double *dz__leaf_open(dz_var leaf) {
  dz__tape *s = dz__of(leaf.tape);
  const dz__wide *w = dz__wide_of(leaf.tape, dz__index(leaf));
  if (!s->single || !w) return dz__array_of(leaf).data;
  double *to = dz__copied_value(s, w);
  if (!to) dz__poison(leaf.tape, DZ_ERR_MEMORY, "leaf", "out of memory for %zu elements", w->size);
  return to;
}

void dz__leaf_close(dz_var leaf) {
  dz__tape *s = dz__of(leaf.tape);
  const dz__wide *w = dz__wide_of(leaf.tape, dz__index(leaf));
  if (!s->single) return;
  if (!w) {
    double *value = dz__array_of(leaf).data;
    *value = dz__rounded(leaf.tape, *value);
    return;
  }
  size_t k = (size_t)(w - s->wide);
  dz__to_floats(w->single, s->single->value[k], w->size);
  dz__copy_refresh(s, w);
}
