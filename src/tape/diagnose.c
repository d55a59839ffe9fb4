/* dz_diagnose: what a reader of the numbers should know, as notes at the operations where it arose. */
#include "tape/sweep.h"

#include "dz/text.h"
#include "kernels/pointwise.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* One element of one pointwise operation, with what the last sweep left there. */
typedef struct spot {
  dz__fn fn;
  int arity;
  double in[3], z, g;
  double ga[3]; /* adjoint of each operand; 0 where it is inactive */
  bool active[3];
} spot;

/* "log(-1)" with the operands' values. */
static void call_text(const spot *p, char *out, size_t size) {
  char number[3][32] = {"", "", ""};
  for (int k = 0; k < p->arity; k++) dz_number_write(p->in[k], 6, number[k]);
  snprintf(out, size, "%s(%s%s%s%s%s)", dz__ops[p->fn].name, number[0], p->arity > 1 ? ", " : "", number[1],
           p->arity > 2 ? ", " : "", number[2]);
}

static bool all_finite(const spot *p) {
  for (int k = 0; k < p->arity; k++)
    if (!isfinite(p->in[k])) return false;
  return true;
}

static double slope(const spot *p, int k) {
  double tie = p->active[0] && p->active[1] ? .5 : 0;
  return dz__pointwise[p->fn].partial[k](p->in[0], p->in[1], p->in[2], p->z, tie);
}

/* The value itself: the first NaN or infinity, not what follows from it. */
static const char *value_kind(const spot *p) {
  if (isfinite(p->z) || !all_finite(p)) return NULL;
  if (isnan(p->z)) return "domain";
  for (int k = 0; k < p->arity; k++)
    if (!isfinite(slope(p, k))) return "pole";
  return "overflow";
}

/* The flow of the adjoint to operand k. */
static const char *slope_kind(const spot *p, int k) {
  if (!p->active[k] || isnan(p->z) || !all_finite(p)) return NULL;
  double s = slope(p, k);
  if (isfinite(s)) return NULL;
  if (p->g == 0) return isnan(p->ga[k]) ? "0*inf" : NULL;
  return isnan(s) ? "no slope" : "infinite slope";
}

static void note_spot(dz_tape *t, uint32_t i, const spot *p) {
  char text[128], number[32];
  dz__place at = dz__place_of(t, i);
  const char *op = dz__ops[p->fn].name, *kind = value_kind(p);
  call_text(p, text, sizeof text);
  if (kind) {
    dz_number_write(p->z, 6, number);
    dz__note(t, kind, op, at.line, at.column, "%s is %s", text, number);
  }
  if (p->fn == DZ__F_pow && p->in[0] == 0 && p->in[1] == 0 && p->active[1])
    dz__note(t, "discontinuous", op, at.line, at.column, "%s is 1, but x^y jumps in y at x = 0", text);
  for (int k = 0; k < p->arity; k++) {
    kind = slope_kind(p, k);
    if (!kind) continue;
    dz_number_write(slope(p, k), 6, number);
    dz__note(t, kind, op, at.line, at.column, "the slope of %s to operand %d is %s%s", text, k + 1, number,
             p->g == 0 ? ", and a gradient of 0 arrives: 0 times that is nan" : "");
  }
}

/* Whether the note is worth making; text is only built then. */
static bool remarkable(const spot *p) {
  if (value_kind(p)) return true;
  for (int k = 0; k < p->arity; k++)
    if (slope_kind(p, k)) return true;
  return p->fn == DZ__F_pow && p->in[0] == 0 && p->in[1] == 0 && p->active[1];
}

static void scalar_node(dz_tape *t, uint32_t i) {
  const dz__adjoints *a = &dz__of(t)->kept;
  unsigned code = t->code[i], variant = dz__variant(code);
  dz__fn fn = dz__fn_of_code(code);
  if (fn == DZ__F_END) return;
  dz__pair q = t->arg[i];
  bool x_pooled = variant == DZ__CV, y_pooled = variant == DZ__VC;
  spot p = {.fn = fn, .arity = dz__ops[fn].arity, .z = t->value[i], .g = a->scalar[i]};
  p.in[0] = x_pooled ? t->pool[q.a] : t->value[q.a];
  p.active[0] = variant == DZ__VV || variant == DZ__VC || variant == DZ__VI;
  p.ga[0] = p.active[0] ? a->scalar[q.a] : 0;
  if (p.arity > 1) {
    p.in[1] = y_pooled ? t->pool[q.b] : t->value[q.b];
    p.active[1] = variant == DZ__VV || variant == DZ__CV || variant == DZ__IV;
    p.ga[1] = p.active[1] ? a->scalar[q.b] : 0;
  }
  if (remarkable(&p)) note_spot(t, i, &p);
}

/* Where element e of the result reads operand `a`: NumPy broadcasting. */
static size_t source(const dz__array *out, const dz__array *a, size_t e) {
  size_t at = 0, step = 1;
  for (int d = out->rank - 1, own = a->rank - 1; own >= 0; d--, own--) {
    size_t i = e % out->dims[d];
    e /= out->dims[d];
    if (a->dims[own] != 1) at += i * step;
    step *= a->dims[own];
  }
  return at;
}

static void tensor_node(dz_tape *t, uint32_t i, const dz__wide *w) {
  if (w->fn >= DZ__F_POINTWISE_END) return;
  dz__call call = dz__reverse_call(t, w, &dz__of(t)->kept, dz__of(t)->kept.scalar);
  for (size_t e = 0; e < call.out.size; e++) {
    spot p = {
        .fn = (dz__fn)w->fn, .arity = call.nargs, .z = call.out.data[e], .g = w->active ? call.g[e] : 0};
    for (int k = 0; k < call.nargs; k++) {
      size_t j = source(&call.out, &call.args[k], e);
      p.in[k] = call.args[k].data[j];
      p.active[k] = w->active && call.ga[k];
      p.ga[k] = p.active[k] ? call.ga[k][j] : 0;
    }
    if (!remarkable(&p)) continue;
    note_spot(t, i, &p);
    return; /* one element speaks for the tensor */
  }
}

dz_status dz_diagnose(dz_var y) {
  if (dz_is_number(y) || !dz_valid(y)) return DZ_ERR_HANDLE;
  dz_tape *t = y.tape;
  dz__tape *s = dz__of(t);
  uint32_t top = dz__index(y);
  if (s->swept.nodes != top + 1 || s->swept.added) return DZ_ERR_ARGUMENT;
  if (!dz__whole_adjoints(t)) return s->swept.again ? DZ_ERR_MEMORY : DZ_ERR_ARGUMENT;
  for (uint32_t i = 0; i <= top && s->nnotes < DZ__MAX_NOTES; i++) {
    if (t->code[i] == DZ__WIDE)
      tensor_node(t, i, &s->wide[t->arg[i].a]);
    else
      scalar_node(t, i);
  }
  return DZ_OK;
}
