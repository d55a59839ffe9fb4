/* dz_tangent: one forward sweep over the stored values. */
#include "dz/tangent.h"

#include "kernels/pointwise.h"
#include "kernels/scalar.h"
#include "kernels/tangent.h"
#include "tape/single.h"
#include "tape/sweep.h"
#include "tape/tangent.h"

#include <string.h>

/* ---- storage ---- */

/* Scratch and zeros for the wide nodes up to `top`, and the operand lists. */
static bool workspace(dz__tape *s, uint32_t top) {
  size_t most = 0, zeros = 0, nargs = 1;
  for (size_t k = 0; k < s->wides && s->wide[k].node <= top; k++) {
    const dz__wide *w = &s->wide[k];
    if (w->nargs > nargs) nargs = w->nargs;
    if (!w->active || w->fn == DZ__F_END || w->fn < DZ__F_POINTWISE_END) continue;
    const dz__tensor_op *op = &dz__tensor_ops[w->fn - DZ__F_POINTWISE_END];
    size_t need = 2 * w->size;
    for (uint32_t j = 0; j < w->nargs; j++) {
      dz__ref ref = s->wide_args[w->arg0 + j];
      size_t size = dz__size_at(&s->hot, ref);
      need += 3 * size;
      if (ref.flags & DZ__INACTIVE && size > zeros) zeros = size;
    }
    bool linear = op->tangent == dz__tangent_linear || op->tangent == dz__tangent_first;
    if (!linear && need > most) most = need;
  }
  size_t had = s->zeros_cap;
  bool done =
      dz__grow(&s->alloc, (void **)&s->spare, &s->spare_cap, most, sizeof *s->spare) &&
      dz__grow(&s->alloc, (void **)&s->zeros, &s->zeros_cap, zeros, sizeof *s->zeros) &&
      dz__grow(&s->alloc, (void **)&s->call_args, &s->call_args_cap, nargs, sizeof *s->call_args) &&
      dz__grow(&s->alloc, (void **)&s->call_ga, &s->call_ga_cap, nargs, sizeof *s->call_ga) &&
      dz__grow(&s->alloc, (void **)&s->call_reached, &s->call_reached_cap, nargs, sizeof *s->call_reached);
  if (s->zeros_cap > had) memset(s->zeros + had, 0, (s->zeros_cap - had) * sizeof *s->zeros);
  return done;
}

static bool ready(dz__tape *s, dz__adjoints *a, uint32_t top) {
  if (!dz__adjoints_lay(s, a, top)) return false;
  dz__adjoints_clear(s, a, top);
  return true;
}

bool dz__tangents_ready(dz__tape *s, uint32_t top) {
  return dz__doubles_ready(s, top, false) && ready(s, &s->tangent, top) && workspace(s, top);
}

double *dz__tangent_slot(dz__tape *s, const dz__adjoints *a, uint32_t i) {
  const dz__wide *w = dz__wide_of(&s->hot, i);
  return w && w->rank ? a->tensor[w - s->wide] : &a->scalar[i];
}

/* ---- wide nodes ---- */

static double *slot(dz__tape *s, const dz__adjoints *a, dz__ref ref) {
  return ref.flags & DZ__INACTIVE ? NULL : dz__tangent_slot(s, a, ref.index);
}

dz__tangent_call dz__tangent_call_of(dz__tape *s, const dz__wide *w, const dz__adjoints *reached) {
  const dz__ref *refs = &s->wide_args[w->arg0];
  for (uint32_t k = 0; k < w->nargs; k++) {
    dz__put_operand(&s->hot, refs[k], &s->call_args[k]);
    s->call_ga[k] = slot(s, &s->tangent, refs[k]);
    if (reached) s->call_reached[k] = slot(s, reached, refs[k]);
  }
  dz__call call = dz__call_on(&s->hot, w);
  return (dz__tangent_call){.op = w->fn < DZ__F_POINTWISE_END ? NULL
                                                              : &dz__tensor_ops[w->fn - DZ__F_POINTWISE_END],
                            .call = call,
                            .args = s->call_args,
                            .t = s->call_ga,
                            .reached = reached ? s->call_reached : NULL,
                            .out = dz__tangent_slot(s, &s->tangent, w->node),
                            .out_reached = reached ? dz__tangent_slot(s, reached, w->node) : NULL,
                            .zeros = s->zeros};
}

static void push_wide(dz__tape *s, const dz__wide *w, const dz__adjoints *reached) {
  if (!w->active) return;
  dz__tangent_call p = dz__tangent_call_of(s, w, reached);
  if (p.op)
    p.op->tangent(&p);
  else
    dz__tangent_pointwise((dz__fn)w->fn, &p);
}

static bool has_nan(const double *t, size_t n) {
  bool nan = false;
  for (size_t i = 0; i < n; i++) nan |= t[i] != t[i];
  return nan;
}

/* ---- the quick sweep ---- */

/* What flows into the node at hand through operand k. */
#define FLOW(k, name, tie, node) dz__flow(dz__m##k##_##name(), dz__d##k##_##name(x, y, 0, z, tie), t[node])

/* Takes every zero for structural: that matters only where one meets a non-finite partial, and then a NaN
   arises. At any NaN it stops and returns false, and the careful sweep must do it over. */
static bool sweep_quick(dz__tape *s, uint32_t low, uint32_t top) {
  const dz__cell *cell = s->hot.cell;
  const double *pool = s->hot.pool;
  double *t = s->tangent.scalar;
  for (uint32_t i = low; i <= top; i++) {
    dz__pair p = dz__operands(&s->hot, i);
    double z = cell[i].value, x, y = 0, d;
    switch (dz__node_code(&s->hot, i)) {
#define OP1(name, ...)                                                                                       \
  case DZ__##name:                                                                                           \
    x = cell[p.a].value, d = FLOW(0, name, 0, p.a);                                                          \
    break;
#define OP1K(name, ...)                                                                                      \
  OP1(name, 0)                                                                                               \
  case DZ__##name##_k:                                                                                       \
    d = pool[p.b] * t[p.a];                                                                                  \
    break;
#define OP2(name, ...)                                                                                       \
  case DZ__##name##_vv:                                                                                      \
    x = cell[p.a].value, y = cell[p.b].value, d = FLOW(0, name, .5, p.a) + FLOW(1, name, .5, p.b);           \
    break;                                                                                                   \
  case DZ__##name##_vc:                                                                                      \
    x = cell[p.a].value, y = pool[p.b], d = FLOW(0, name, 0, p.a);                                           \
    break;                                                                                                   \
  case DZ__##name##_cv:                                                                                      \
    x = pool[p.a], y = cell[p.b].value, d = FLOW(1, name, 0, p.b);                                           \
    break;                                                                                                   \
  case DZ__##name##_vi:                                                                                      \
    x = cell[p.a].value, y = cell[p.b].value, d = FLOW(0, name, 0, p.a);                                     \
    break;                                                                                                   \
  case DZ__##name##_iv:                                                                                      \
    x = cell[p.a].value, y = cell[p.b].value, d = FLOW(1, name, 0, p.b);                                     \
    break;
#define OP3(name, ...)
#include "ops/pointwise.def"
    case DZ__WIDE: {
      const dz__wide *w = &s->wide[p.a];
      push_wide(s, w, NULL);
      if (w->active && has_nan(dz__tangent_slot(s, &s->tangent, i), w->size)) return false;
      continue;
    }
    default:
      continue;
    }
    if (d != d) return false;
    t[i] = d;
  }
  return true;
}

/* ---- the careful sweep ---- */

static void push_scalar(dz__tape *s, uint32_t i) {
  if (dz__fn_of_code(dz__node_code(&s->hot, i)) == DZ__F_END) return;
  dz__site at = dz__site_of(&s->hot, i);
  for (int k = 0; k < 2; k++) {
    uint32_t from = k ? dz__operands(&s->hot, i).b : dz__operands(&s->hot, i).a;
    if (!at.wants[k] || s->touched.scalar[from] == 0) continue;
    double slope = at.f->partial[k](at.in[0], at.in[1], 0, at.z, at.tie);
    if (at.f->mask[k] && slope == 0) continue;
    s->tangent.scalar[i] += slope * s->tangent.scalar[from];
    s->touched.scalar[i] = 1;
  }
}

static void sweep_careful(dz__tape *s, uint32_t low, uint32_t top) {
  for (uint32_t i = low; i <= top; i++) {
    if (dz__node_code(&s->hot, i) == DZ__WIDE)
      push_wide(s, &s->wide[dz__operands(&s->hot, i).a], &s->touched);
    else
      push_scalar(s, i);
  }
}

/* ---- sweeping along a direction ---- */

/* Returns the first leaf that moves. */
static uint32_t plant(dz__tape *s, uint32_t top, int count, const dz_var *leaves, const double *direction,
                      bool careful) {
  uint32_t low = top;
  for (int k = 0; k < count; k++) {
    uint32_t i = dz__index(leaves[k]);
    size_t size = dz_size(leaves[k]);
    const double *v = direction;
    direction += size;
    if (i > top) continue;
    if (i < low) low = i;
    double *t = dz__tangent_slot(s, &s->tangent, i);
    double *touched = careful ? dz__tangent_slot(s, &s->touched, i) : NULL;
    for (size_t j = 0; j < size; j++) {
      t[j] += v[j];
      if (careful && v[j] != 0) touched[j] = 1;
    }
  }
  return low;
}

static bool sweep(dz__tape *s, uint32_t top, int count, const dz_var *leaves, const double *direction) {
  if (!dz__tangents_ready(s, top)) return false;
  uint32_t low = plant(s, top, count, leaves, direction, false);
  if (sweep_quick(s, low, top)) return true;
  if (!ready(s, &s->touched, top)) return false;
  dz__adjoints_clear(s, &s->tangent, top);
  sweep_careful(s, plant(s, top, count, leaves, direction, true), top);
  return true;
}

/* ---- the public functions ---- */

static dz_status refuse(dz_tape *t, dz_status status, const char *op, const char *message) {
  dz__poison(t, status, op, "%s", message);
  return status;
}

dz_status dz__tangent_check(const char *op, int rows, const dz_var *ys, int count, const dz_var *leaves,
                            uint32_t *top) {
  if (rows < 1 || !ys) return DZ_ERR_ARGUMENT;
  if (dz_is_number(ys[0]) || !ys[0].tape) return DZ_ERR_HANDLE;
  dz_tape *t = ys[0].tape;
  if (dz_tape_error(t)->status) return dz_tape_error(t)->status;
  if (count < 0 || (count > 0 && !leaves)) return refuse(t, DZ_ERR_ARGUMENT, op, "the leaves are NULL");
  *top = 0;
  for (int k = 0; k < rows; k++) {
    if (!dz__check_handle(t, ys[k], op)) return DZ_ERR_HANDLE;
    if (dz_is_number(ys[k])) return refuse(t, DZ_ERR_HANDLE, op, "an output is a plain number, no node");
    if (dz__index(ys[k]) > *top) *top = dz__index(ys[k]);
  }
  for (int k = 0; k < count; k++) {
    if (!dz__at_sight(t, &leaves[k]) && !dz__check_handle(t, leaves[k], op)) return DZ_ERR_HANDLE;
    unsigned code = dz_is_number(leaves[k]) ? DZ__CONST : dz__node_code(t, dz__index(leaves[k]));
    if (code != DZ__INPUT && code != DZ__PARAM)
      return refuse(t, DZ_ERR_ARGUMENT, op, "a direction is in inputs and parameters only");
  }
  return DZ_OK;
}

static double *read_out(dz__tape *s, dz_var y, double *out) {
  size_t n = dz_size(y);
  const double *t = dz_is_active(y) ? dz__tangent_slot(s, &s->tangent, dz__index(y)) : NULL;
  for (size_t i = 0; i < n; i++) out[i] = t ? dz__rounded(&s->hot, t[i]) : 0;
  return out + n;
}

dz_status dz_tangents(int rows, const dz_var *ys, int count, const dz_var *leaves, const double *direction,
                      double *out) {
  uint32_t top;
  if (rows == 0) return DZ_OK;
  dz_status status = dz__tangent_check("tangent", rows, ys, count, leaves, &top);
  if (status) return status;
  dz__tape *s = dz__of(ys[0].tape);
  if ((count > 0 && !direction) || !out)
    return refuse(&s->hot, DZ_ERR_ARGUMENT, "tangent", "the direction or the result is NULL");
  if (!sweep(s, top, count, leaves, direction))
    return refuse(&s->hot, DZ_ERR_MEMORY, "tangent", "out of memory for tangents");
  for (int k = 0; k < rows; k++) out = read_out(s, ys[k], out);
  return DZ_OK;
}

dz_status dz_tangent(dz_var y, int count, const dz_var *leaves, const double *direction, double *out) {
  return dz_tangents(1, &y, count, leaves, direction, out);
}
