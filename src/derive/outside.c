/* What is the same all along the axes of a reduction comes out of it: sum(u a) = u sum(a), sum(e^(a + u)) =
   e^u sum(e^a), logsumexp(a + u) = logsumexp(a) + u, max(a + u) = max(a) + u. So the shift of a softmax
   cancels. */
#include "derive/term.h"

#include <string.h>

enum { FEW = 12 };

typedef struct reduction {
  uint32_t full; /* the operand's shape */
  size_t n;
  const int64_t *axis;
  bool keeps; /* reduced axes stay, with extent 1 */
} reduction;

static const dz__shape *shape_at(const dz__terms *s, uint32_t i) {
  return (const dz__shape *)s->shapes.at + i;
}

static const dz__shape *shape_of(const dz__terms *s, uint32_t i) {
  return shape_at(s, dz__term_at(s, i)->shape);
}

/* Whether a term is the same along the reduced axes, and fits the result as it is. */
static bool is_same(const dz__terms *s, const reduction *r, uint32_t i) {
  const dz__shape *x = shape_of(s, i), *full = shape_at(s, r->full);
  if (x->rank == 0) return true;
  for (size_t k = 0; k < r->n; k++) {
    int at = (int)r->axis[k] - (full->rank - x->rank);
    if (!r->keeps || (at >= 0 && x->dims[at] != 1)) return false;
  }
  return true;
}

static uint32_t exponential(dz__terms *s, uint32_t i) {
  return dz__term_apply(s, DZ__F_exp, 1, &i, 0, NULL, 0);
}

/* The parts of a sum that are the same, and the others. */
static bool part_sum(dz__terms *s, const reduction *r, uint32_t i, uint32_t *out, uint32_t *in) {
  const dz__term *x = dz__term_at(s, i);
  uint32_t n = x->parts;
  *out = s->zero;
  if (x->kind != DZ__K_SUM || n < 2 || n > FEW) return *in = i, false;
  *in = s->zero;
  for (uint32_t k = 0; k < n; k++) {
    dz__part p = dz__parts_of(s, i)[k];
    bool same = is_same(s, r, p.term) && p.term != s->one;
    uint32_t term = dz__scaled(s, p.k, p.term), *to = same ? out : in;
    *to = dz__sum2(s, *to, 1, term);
  }
  return !s->failed && *out != s->zero && dz__term_at(s, *in)->shape == r->full;
}

/* One factor of what is summed. */
static bool take_factor(dz__terms *s, const reduction *r, dz__part p, uint32_t *out, uint32_t *in) {
  uint32_t factor = dz__power(s, p.term, p.power), u, a;
  if (s->failed) return false;
  const dz__term *x = dz__term_at(s, factor);
  if (is_same(s, r, factor)) return *out = dz__product2(s, *out, factor), true;
  bool is_exp = x->kind == DZ__K_CALL && x->fn == DZ__F_exp;
  if (is_exp && part_sum(s, r, dz__parts_of(s, factor)->term, &u, &a)) {
    *out = dz__product2(s, *out, exponential(s, u));
    factor = exponential(s, a);
  }
  *in = dz__product2(s, *in, factor);
  return true;
}

static bool part_product(dz__terms *s, const reduction *r, uint32_t i, uint32_t *out, uint32_t *in) {
  bool product = dz__term_at(s, i)->kind == DZ__K_PRODUCT;
  uint32_t n = product ? dz__term_at(s, i)->parts : 1;
  *out = *in = s->one;
  for (uint32_t k = 0; k < n && n <= FEW; k++) {
    dz__part p = product ? dz__parts_of(s, i)[k] : (dz__part){i, s->one, dz__whole(0)};
    if (!take_factor(s, r, p, out, in)) return false;
  }
  return n <= FEW && !s->failed && *out != s->one && dz__term_at(s, *in)->shape == r->full;
}

uint32_t dz__outside(dz__terms *s, dz__fn fn, uint32_t arg, size_t nattr, const int64_t *attr,
                     uint32_t shape) {
  bool sum = fn == DZ__F_sum, shift = fn == DZ__F_logsumexp || fn == DZ__F_max || fn == DZ__F_min;
  uint32_t out, in;
  if (!sum && !shift) return DZ__NO_TERM;
  reduction r = {dz__term_at(s, arg)->shape, nattr - 1, attr + 1, attr[0]};
  if (!r.n) return DZ__NO_TERM;
  if (sum ? !part_product(s, &r, arg, &out, &in) : !part_sum(s, &r, arg, &out, &in)) return DZ__NO_TERM;
  uint32_t rest = dz__term_apply(s, fn, 1, &in, nattr, attr, shape);
  return sum ? dz__product2(s, out, rest) : dz__sum2(s, rest, 1, out);
}
