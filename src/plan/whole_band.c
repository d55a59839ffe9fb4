/* Which operations make a chain in bands: short rows, their sums and largest elements, and what is computed
   from both, as softmax, cross-entropy and normalisation have it. */
#include "plan/whole.h"

#include <string.h>

enum { LONGEST_ROW = 64 }; /* longer ones are worth a pass of their own */

bool dz__is_fold(const dz__tensor *x) {
  return x->fn == DZ__F_sum || x->fn == DZ__F_max || x->fn == DZ__F_min || x->fn == DZ__F_logsumexp;
}

static bool same_shape(const dz__array *a, const dz__array *b) {
  return a->rank == b->rank && memcmp(a->dims, b->dims, (size_t)a->rank * sizeof *a->dims) == 0;
}

/* One number per row of s: its last axis has gone, or has extent 1. */
static bool per_row(const dz__array *s, const dz__array *a) {
  int outer = s->rank - 1;
  return (a->rank == outer || (a->rank == s->rank && a->dims[outer] == 1)) &&
         memcmp(a->dims, s->dims, (size_t)outer * sizeof *a->dims) == 0;
}

/* Over the last axis alone. */
static bool folds(const dz__whole *p, const dz__tensor *x, const dz__array *s) {
  return dz__is_fold(x) && x->nattr == 2 && p->attr[x->attr0 + 1] == s->rank - 1 &&
         same_shape(&p->node[p->arg[x->arg0]].shape, s);
}

static const dz__array *shape_of(const dz__whole *p, const dz__stage *t) { return &p->node[t->like].shape; }

static bool is_member(const dz__whole *p, const dz__stage *t, uint32_t node) {
  for (uint32_t j = 0; j < t->n; j++)
    if (p->op[t->first + j] == node) return true;
  return false;
}

dz__load dz__meet_band(const dz__whole *p, const dz__stage *t, const dz__tensor *x, uint32_t k) {
  const dz__array *s = shape_of(p, t), *a = &p->node[p->arg[x->arg0 + k]].shape;
  dz__load l = dz__meet(s, a);
  if (per_row(s, &x->shape) && !dz__is_fold(x)) {
    l.meets = a->size == 1 ? DZ__MEETS_ONE : per_row(s, a) ? DZ__MEETS_COLUMN : DZ__MEETS_ANY;
    l.row = true;
  }
  l.row |= l.meets == DZ__MEETS_COLUMN;
  if (l.meets == DZ__MEETS_COLUMN && a->size * t->width != s->size) l.meets = DZ__MEETS_ANY;
  if (l.meets == DZ__MEETS_ROW && a->size != t->width) l.meets = DZ__MEETS_ANY;
  return l;
}

/* Whether x may stand in the chain behind what is in it. */
static bool fits(const dz__whole *p, const dz__stage *t, const dz__tensor *x) {
  const dz__array *s = shape_of(p, t);
  bool row = per_row(s, &x->shape), each = same_shape(s, &x->shape);
  if (folds(p, x, s)) return true;
  if (x->fn >= DZ__F_POINTWISE_END || (!row && !each)) return false;
  for (uint32_t k = 0; k < x->nargs; k++) {
    uint32_t from = p->arg[x->arg0 + k];
    dz__load l = dz__meet_band(p, t, x, k);
    bool member = is_member(p, t, from);
    if (l.meets == DZ__MEETS_ANY) return false;
    if (member && l.meets != (per_row(s, &p->node[from].shape) ? DZ__MEETS_COLUMN : DZ__MEETS_EACH))
      return false;
  }
  return true;
}

uint32_t dz__find_band(const dz__whole *p, size_t j, dz__stage *t) {
  const dz__tensor *x = &p->node[p->op[j]];
  uint32_t last = 0;
  bool folded = false;
  if (x->fn >= DZ__F_POINTWISE_END && !dz__is_fold(x)) return 0;
  *t = (dz__stage){
      .first = (uint32_t)j, .does = DZ__DOES_BAND, .like = dz__is_fold(x) ? p->arg[x->arg0] : p->op[j]};
  const dz__array *s = shape_of(p, t);
  t->width = s->rank < 2 ? 0 : s->dims[s->rank - 1];
  if (t->width < 2 || t->width > LONGEST_ROW || s->size < 2 * t->width) return 0;
  for (; j + t->n < p->ops && 4 * (t->n + 1) <= DZ__MOST_SLOTS; t->n++) {
    x = &p->node[p->op[j + t->n]];
    if (!fits(p, t, x)) break;
    folded |= dz__is_fold(x);
    if (folded) last = t->n + 1;
  }
  t->n = last;
  return last > 1 ? last : 0;
}
