/* dz_diagnose: what a reader of the numbers should know, as notes at the operations where it arose. */
#include "tape/diagnose.h"

#include "dz/text.h"
#include "kernels/pointwise.h"
#include "ops/boundary.h"
#include "tape/single.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* One element of one pointwise operation, with what the last sweep left there. */
typedef struct spot {
  const dz_tape *t;
  dz__fn fn;
  int arity;
  double in[3], z, g;
  double ga[3]; /* adjoint of each operand; 0 where it is inactive */
  bool active[3];
  bool reached; /* g is not a structural zero */
} spot;

/* A kind of note at one node: the first element that has it, and how many do. */
typedef struct finding {
  const char *kind;
  int operand; /* -1: the value */
  spot at;
  size_t element, count;
} finding;

enum { KINDS = 5 + 3 * 4 }; /* of the value, and of the slope to each operand */
typedef struct findings {
  finding at[KINDS];
  int n;
} findings;

static void found(findings *f, const char *kind, int operand, const spot *p, size_t element) {
  int i = 0;
  while (i < f->n && (f->at[i].operand != operand || strcmp(f->at[i].kind, kind) != 0)) i++;
  if (i == f->n) f->at[f->n++] = (finding){kind, operand, *p, element, 0};
  f->at[i].count++;
}

/* ---- what there is to say about an element ---- */

/* At a tie slopes are 0 to 1, whoever shares it, and there is nothing to say. */
static double slope(const spot *p, int k) {
  return dz__pointwise[p->fn].partial[k](p->in[0], p->in[1], p->in[2], p->z, 0);
}

static bool at(const spot *p, const char *kind) {
  return dz__at_boundary(p->fn, kind, p->in[0], p->in[1], p->in[2]);
}

static bool any_nan(const spot *p) {
  bool nan = false;
  for (int k = 0; k < p->arity; k++) nan |= isnan(p->in[k]) != 0;
  return nan;
}

static bool all_finite(const spot *p) {
  bool finite = true;
  for (int k = 0; k < p->arity; k++) finite &= isfinite(p->in[k]) != 0;
  return finite;
}

/* The value itself: the first NaN or infinity, not what follows from it. */
static const char *value_kind(const spot *p) {
  if (isfinite(p->z) || any_nan(p)) return NULL;
  if (isnan(p->z)) return at(p, "0*inf") ? "0*inf" : "domain";
  if (!all_finite(p)) return NULL;
  return at(p, "pole") ? "pole" : "overflow";
}

/* The flow of the adjoint to operand k: again the first NaN or infinity. What a note on the value explains is
 * not said twice. */
static const char *slope_kind(const spot *p, int k, bool value_noted) {
  if (!p->active[k] || !p->reached || isnan(p->z) || isnan(p->g)) return NULL;
  double s = slope(p, k), c = dz__rounded(p->t, s * p->g);
  if (isfinite(c) || (dz__pointwise[p->fn].mask[k] && s == 0) || any_nan(p)) return NULL;
  if (isnan(c) && !isnan(s)) return "0*inf";
  if (value_noted || isinf(p->g)) return NULL;
  if (isnan(s)) return "no slope";
  if (isinf(s)) return all_finite(p) ? "infinite slope" : NULL;
  return "overflow";
}

static void examine(findings *f, const spot *p, size_t element) {
  const char *kind = value_kind(p);
  bool value_noted = kind != NULL;
  if (kind) found(f, kind, -1, p, element);
  if (p->arity == 2 && p->in[0] == 0 && p->active[1] && at(p, "discontinuous"))
    found(f, "discontinuous", -1, p, element);
  for (int k = 0; k < p->arity; k++)
    if ((kind = slope_kind(p, k, value_noted)) != NULL) found(f, kind, k, p, element);
}

/* ---- notes ---- */

/* "log(-1)" with the operands' values. */
static void call_text(const spot *p, char *out, size_t size) {
  char number[32];
  size_t n = (size_t)snprintf(out, size, "%s", dz__ops[p->fn].name);
  for (int k = 0; k < p->arity; k++) {
    dz_number_write(p->in[k], 6, number);
    n += (size_t)snprintf(out + n, size - n, "%s%s", k ? ", " : "(", number);
  }
  snprintf(out + n, size - n, ")");
}

char *dz__element_text(const dz__array *a, size_t e, char buf[96]) {
  size_t index[DZ__MAX_RANK], n = 0;
  buf[0] = 0;
  for (int d = a->rank - 1; d >= 0; d--) {
    index[d] = e % a->dims[d];
    e /= a->dims[d];
  }
  for (int d = 0; d < a->rank; d++) /* the extents' product is a size, so all have few digits together */
    n += (size_t)snprintf(buf + n, 96 - n, "%s%zu", d ? ", " : " at [", index[d]);
  if (a->rank) snprintf(buf + n, 96 - n, "]");
  return buf;
}

static void slope_text(const finding *f, const char *call, char *out, size_t size) {
  char s[32], g[32];
  dz_number_write(slope(&f->at, f->operand), 6, s);
  dz_number_write(f->at.g, 6, g);
  if (strcmp(f->kind, "0*inf") == 0)
    snprintf(out, size, "the slope of %s to operand %d is %s, and a gradient of %s arrives: 0*inf is nan",
             call, f->operand + 1, s, g);
  else if (strcmp(f->kind, "overflow") == 0)
    snprintf(out, size, "the slope of %s to operand %d is %s, and a gradient of %s arrives: too large", call,
             f->operand + 1, s, g);
  else
    snprintf(out, size, "the slope of %s to operand %d is %s", call, f->operand + 1, s);
}

static void note(dz_tape *t, uint32_t i, const dz__array *out, const finding *f) {
  char call[112], text[256], element[96], more[48] = "", z[32];
  dz__place place = dz__place_of(t, i);
  call_text(&f->at, call, sizeof call);
  dz_number_write(f->at.z, 6, z);
  if (f->operand >= 0)
    slope_text(f, call, text, sizeof text);
  else
    snprintf(text, sizeof text, "%s is %s%s", call, z,
             strcmp(f->kind, "discontinuous") == 0 ? ", and jumps there" : "");
  if (f->count > 1)
    snprintf(more, sizeof more, " and %zu more element%s", f->count - 1, f->count > 2 ? "s" : "");
  dz__note(t, f->kind, dz__ops[f->at.fn].name, place.line, place.column, "%s%s%s", text,
           dz__element_text(out, f->element, element), more);
}

/* ---- nodes ---- */

const double *dz__reached_of(const dz__tape *s, const dz__wide *w) {
  if (!s->swept.careful || !w->active) return NULL;
  return w->rank ? s->reached.tensor[w - s->wide] : &s->reached.scalar[w->node];
}

static void scalar_node(const dz_tape *t, uint32_t i, findings *f) {
  const dz__tape *s = dz__of_const(t);
  const double *g = s->kept.scalar;
  dz__fn fn = dz__fn_of_code(dz__node_code(t, i));
  if (fn == DZ__F_END) return;
  dz__site at = dz__site_of(t, i);
  dz__pair from = dz__operands(t, i);
  spot p = {.t = t, .fn = fn, .arity = dz__ops[fn].arity, .z = at.z, .g = g[i]};
  p.reached = s->swept.careful ? s->reached.scalar[i] != 0 : p.g != 0;
  for (int k = 0; k < p.arity; k++) {
    p.in[k] = at.in[k];
    p.active[k] = at.wants[k];
    p.ga[k] = at.wants[k] ? g[k ? from.b : from.a] : 0;
  }
  if (!isfinite(p.z) || !isfinite(p.ga[0]) || !isfinite(p.ga[1]) || p.in[0] == 0) examine(f, &p, 0);
}

static void pointwise_node(dz_tape *t, const dz__wide *w, const double *used, findings *f) {
  const dz__tape *s = dz__of(t);
  dz__call call = dz__reverse_call(t, w, &s->kept, s->kept.scalar);
  const double *reached = dz__reached_of(s, w);
  for (size_t e = 0; e < call.out.size; e++) {
    if (used && used[e] == 0) continue;
    spot p = {.t = t,
              .fn = (dz__fn)w->fn,
              .arity = call.nargs,
              .z = call.out.data[e],
              .g = w->active ? call.g[e] : 0};
    p.reached = reached ? reached[e] != 0 : p.g != 0;
    bool plain = isfinite(p.z);
    for (int k = 0; k < call.nargs; k++) {
      size_t j = dz__source(&call.out, &call.args[k], e);
      p.in[k] = call.args[k].data[j];
      p.active[k] = w->active && call.ga[k];
      p.ga[k] = p.active[k] ? call.ga[k][j] : 0;
      plain &= isfinite(p.ga[k]) && p.in[k] != 0;
    }
    if (!plain) examine(f, &p, e);
  }
}

/* Whether there may be anything to say at all: so that what goes well costs one pass. */
static bool remarkable(dz_tape *t, uint32_t top) {
  const dz__tape *s = dz__of(t);
  for (uint32_t i = 0; i <= top; i++) {
    const dz__wide *w = dz__wide_of(t, i);
    findings f = {.n = 0};
    if (!w) {
      scalar_node(t, i, &f);
    } else if (w->fn < DZ__F_POINTWISE_END) {
      pointwise_node(t, w, NULL, &f);
    } else {
      dz__array z;
      dz__put_wide(t, w, &z);
      const double *g = !w->active ? NULL : w->rank ? s->kept.tensor[w - s->wide] : &s->kept.scalar[i];
      for (size_t e = 0; e < z.size; e++)
        if (!isfinite(z.data[e]) || (g && !isfinite(g[e]))) return true;
    }
    if (f.n) return true;
  }
  return false;
}

static bool notes(dz_tape *t, uint32_t top, const dz__used *u) {
  const dz__tape *s = dz__of(t);
  for (uint32_t i = 0; i <= top && s->nnotes < DZ__MAX_NOTES; i++) {
    const dz__wide *w = dz__wide_of(t, i);
    findings f = {.n = 0};
    dz__array out = {.rank = 0};
    if (w && w->fn == DZ__F_END) continue;
    if (w && w->fn >= DZ__F_POINTWISE_END) {
      if (!dz__diagnose_tensor(t, w, u)) return false;
    } else if (w) {
      dz__put_wide(t, w, &out);
      pointwise_node(t, w, dz__used_of(s, u, w), &f);
    } else if (u->scalar[i] != 0) {
      scalar_node(t, i, &f);
    }
    for (int k = 0; k < f.n; k++) note(t, i, &out, &f.at[k]);
  }
  return true;
}

dz_status dz_diagnose(dz_var y) {
  if (dz_is_number(y) || !dz_valid(y)) return DZ_ERR_HANDLE;
  dz_tape *t = y.tape;
  dz__tape *s = dz__of(t);
  uint32_t top = dz__index(y);
  if (s->swept.nodes != top + 1 || s->swept.added) return DZ_ERR_ARGUMENT;
  if (!dz__whole_adjoints(t)) return s->swept.again ? DZ_ERR_MEMORY : DZ_ERR_ARGUMENT;
  if (!dz__doubles_ready(s, top, true)) return DZ_ERR_MEMORY;
  if (!remarkable(t, top)) return DZ_OK;
  if (!dz__notes_begin(t)) return DZ_ERR_MEMORY;
  dz__used used;
  const size_t had = s->nnotes;
  const bool done = dz__used_mark(t, top, &used) && notes(t, top, &used);
  if (!done) s->nnotes = had;
  dz__used_free(&used);
  return done ? DZ_OK : DZ_ERR_MEMORY;
}
