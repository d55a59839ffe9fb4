/* Notes on tensor operations: which element of the result is the first NaN or infinity, and which elements of
   the operands made it. */
#include "tape/diagnose.h"

#include "base/never.h"
#include "dz/text.h"
#include "kernels/lu.h"
#include "kernels/tensor.h"
#include "ops/boundary.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

typedef struct work {
  dz_tape *t;
  const dz__wide *w;
  dz__call call;
  const char *op;
  dz__place place;
  double *one, **mask; /* a mask over the result; for each operand those of its elements that it is made of */
  dz__arena arena;
  bool starved; /* memory ran out: something may be left unsaid */
} work;

/* What the elements behind one element of the result are. */
typedef struct sources {
  size_t n;
  bool nan, infinite, zero;
} sources;

static bool lay(work *k) {
  dz__tape *s = dz__of(k->t);
  dz__arena_init(&k->arena, &s->alloc);
  k->one = dz__arena_alloc(&k->arena, k->call.out.size * sizeof *k->one);
  k->mask = dz__arena_alloc(&k->arena, k->w->nargs * sizeof *k->mask);
  if (!k->one || !k->mask) return false;
  memset(k->one, 0, k->call.out.size * sizeof *k->one);
  for (int i = 0; i < k->call.nargs; i++) {
    k->mask[i] = dz__arena_alloc(&k->arena, k->call.args[i].size * sizeof(double));
    if (!k->mask[i]) return false;
  }
  return true;
}

/* Masks of the elements that element e is made of, by the kernel that carries masks backward. */
static sources behind(work *k, size_t e) {
  dz__reverse *spread = dz__tensor_ops[k->w->fn - DZ__F_POINTWISE_END].spread;
  dz__call call = k->call;
  sources s = {0};
  if (spread == dz__spread_extreme) spread = dz__reverse_sum;
  if (DZ__NEVER(!spread)) return s; /* count and noise are finite, and of lu nothing is used */
  for (int i = 0; i < call.nargs; i++) memset(k->mask[i], 0, call.args[i].size * sizeof(double));
  k->one[e] = 1;
  call.g = k->one;
  call.ga = k->mask;
  call.reached = NULL;
  spread(&call);
  k->one[e] = 0;
  for (int i = 0; i < call.nargs; i++)
    for (size_t j = 0; j < call.args[i].size; j++) {
      if (k->mask[i][j] == 0) continue;
      double x = call.args[i].data[j];
      s.n++;
      s.nan |= isnan(x) != 0;
      s.infinite |= isinf(x) != 0;
      s.zero |= x == 0;
    }
  return s;
}

/* The op's row of that kind in boundaries.def. */
static bool has_row(const work *k, const char *kind) {
  for (size_t i = 0; i < dz__boundary_total; i++)
    if ((int)dz__boundaries[i].fn == k->w->fn && strcmp(dz__boundaries[i].kind, kind) == 0) return true;
  return false;
}

static const char *value_kind(const work *k, double z, sources s) {
  if (s.n == 0 || s.nan) return NULL;
  if (isnan(z)) return s.zero && s.infinite && has_row(k, "0*inf") ? "0*inf" : "domain";
  return s.infinite ? NULL : "overflow";
}

/* The elements that matter: those that are infinite or, for 0*inf, 0; for an overflow the largest. */
static void culprits(const work *k, const char *kind, char *out, size_t size) {
  bool zeros = strcmp(kind, "0*inf") == 0, largest = strcmp(kind, "overflow") == 0;
  double most = 0;
  size_t at = 0, named = 0;
  for (int i = 0; largest && i < k->call.nargs; i++)
    for (size_t j = 0; j < k->call.args[i].size; j++)
      if (k->mask[i][j] != 0) most = fmax(most, fabs(k->call.args[i].data[j]));
  for (int i = 0; i < k->call.nargs; i++)
    for (size_t j = 0; j < k->call.args[i].size && named < 3; j++) {
      double x = k->call.args[i].data[j];
      bool matters = isinf(x) || (zeros && x == 0) || (largest && fabs(x) == most);
      if (k->mask[i][j] == 0 || !matters || at > size / 2) continue;
      char number[32], element[96];
      dz_number_write(x, 6, number);
      at += (size_t)snprintf(out + at, size - at, "%soperand %d is %s%s", named++ ? ", " : ": ", i + 1,
                             number, dz__element_text(&k->call.args[i], j, element));
    }
}

static bool is_singular(const work *k) {
  const dz__array *a = k->call.args;
  return k->w->fn == DZ__F_solve && dz__lu_singular(a[2].data, a[0].dims[0]);
}

/* One note speaks for all elements of its kind. */
static bool note_value(work *k, const double *used) {
  const char *noted[3]; /* value_kind knows three */
  int n = 0;
  bool laid = false;
  for (size_t e = 0; e < k->call.out.size; e++) {
    double z = k->call.out.data[e];
    if (isfinite(z) || used[e] == 0) continue;
    if (!laid && !lay(k)) {
      k->starved = true;
      break;
    }
    laid = true;
    const char *kind = value_kind(k, z, behind(k, e));
    bool fresh = kind != NULL;
    for (int i = 0; fresh && i < n; i++) fresh = strcmp(noted[i], kind) != 0;
    if (!fresh) continue;
    char number[32], element[96], why[144] = "";
    dz_number_write(z, 6, number);
    culprits(k, kind, why, sizeof why);
    if (is_singular(k)) snprintf(why, sizeof why, ": the matrix is singular");
    dz__note(k->t, kind, k->op, k->place.line, k->place.column, "%s is %s%s%s", k->op, number,
             dz__element_text(&k->call.out, e, element), why);
    noted[n++] = kind;
  }
  return n > 0;
}

/* ---- slopes ---- */

typedef struct census {
  bool nan, infinite, zero;
} census;

static census count(const double *x, size_t n) {
  census c = {false, false, false};
  for (size_t i = 0; x && i < n; i++) {
    c.nan |= isnan(x[i]) != 0;
    c.infinite |= isinf(x[i]) != 0;
    c.zero |= x[i] == 0;
  }
  return c;
}

/* What this node alone adds to the adjoint of operand i, as the tape keeps it. */
static void contribution(work *k, int i, double *out) {
  dz__tape *s = dz__of(k->t);
  dz__call call = dz__reverse_call(k->t, k->w, &s->kept, s->kept.scalar);
  for (int j = 0; j < call.nargs; j++) s->call_ga[j] = NULL;
  s->call_ga[i] = out;
  memset(out, 0, call.args[i].size * sizeof *out);
  call.reached = dz__reached_of(s, k->w);
  dz__tensor_ops[k->w->fn - DZ__F_POINTWISE_END].reverse(&call);
  for (size_t e = 0; e < call.args[i].size; e++) out[e] = dz__rounded(k->t, out[e]);
}

static void note_slope(work *k, int i, bool value_noted) {
  const dz__array *a = &k->call.args[i];
  census of_g = count(k->call.g, k->call.out.size), of_x = count(a->data, a->size);
  double *c = dz__arena_alloc(&k->arena, a->size * sizeof *c);
  k->starved = k->starved || !c;
  if (!c || of_g.nan || of_x.nan || count(k->call.out.data, k->call.out.size).nan) return;
  contribution(k, i, c);
  for (size_t e = 0; e < a->size; e++) {
    if (isfinite(c[e]) || (isinf(c[e]) && (value_noted || of_g.infinite || of_x.infinite))) continue;
    bool met = isnan(c[e]) && (of_g.zero || of_g.infinite);
    const char *kind = isinf(c[e]) ? "infinite slope" : met ? "0*inf" : "no slope";
    char number[32], element[96], own[32];
    dz_number_write(c[e], 6, number);
    dz_number_write(a->data[e], 6, own);
    dz__note(k->t, kind, k->op, k->place.line, k->place.column,
             "the gradient through %s to operand %d is %s%s, where it is %s%s", k->op, i + 1, number,
             dz__element_text(a, e, element), own, met ? ": 0*inf" : "");
    return;
  }
}

bool dz__diagnose_tensor(dz_tape *t, const dz__wide *w, const dz__used *u) {
  const dz__tape *s = dz__of(t);
  work k = {.t = t, .w = w, .place = dz__place_of(t, w->node)};
  k.call = dz__reverse_call(t, w, &s->kept, s->kept.scalar);
  k.op = k.call.op;
  dz__arena_init(&k.arena, &s->alloc);
  bool noted = note_value(&k, dz__used_of(s, u, w));
  for (int i = 0; w->active && i < k.call.nargs; i++) {
    dz__ref ref = s->wide_args[w->arg0 + (uint32_t)i];
    const double *ga = dz__adjoint_slot(t, &s->kept, s->kept.scalar, ref);
    census c = count(ga, k.call.args[i].size);
    if (c.nan || c.infinite) note_slope(&k, i, noted);
  }
  dz__arena_free(&k.arena);
  return !k.starved;
}
