/* Sums: like terms become one. */
#include "derive/term.h"

#include <math.h>

enum {
  NEAR = 64, /* parts of a sum that is taken apart in another */
  FEW = 12,  /* parts of a sum in which pairs are tried */
  NESTED = 2 /* sums in which they are, within each other: more would take exponential time */
};

/* ---- coefficients ---- */

dz__ratio dz__split(const dz__terms *s, uint32_t i, uint32_t *rest) {
  const dz__term *x = dz__term_at(s, i);
  *rest = i;
  if (x->kind == DZ__K_NUMBER && isfinite(x->number)) return *rest = s->one, dz__ratio_of(x->number);
  if (x->kind != DZ__K_SUM || x->parts != 1) return dz__whole(1);
  dz__part p = dz__part_of(s, i, 0);
  return *rest = p.term, p.k;
}

uint32_t dz__term_ratio(dz__terms *s, dz__ratio k) {
  double v;
  if (dz__ratio_exact(k, &v)) return dz__term_number(s, v);
  size_t start = dz__begin_sum(s);
  dz__work_push(s, (dz__part){s->one, 0, k});
  return dz__end_sum(s, start);
}

uint32_t dz__scaled(dz__terms *s, dz__ratio k, uint32_t i) {
  if (dz__ratio_is(k, 1)) return i;
  size_t start = dz__begin_sum(s);
  dz__add_part(s, start, k, i);
  return dz__end_sum(s, start);
}

/* ---- sums ---- */

size_t dz__begin_sum(dz__terms *s) {
  s->stamp++;
  return s->work.n;
}

/* The like part of the list, or NULL. The slot of a term may belong to a list that was made since, and be
   taken again. Not to one below: a list begins with a stamp of its own. */
static dz__part *like_part(dz__terms *s, uint32_t term) {
  dz__term *x = dz__term_at(s, term);
  bool known = x->stamp == s->stamp && x->slot < s->work.n;
  return known && dz__work_at(s, x->slot)->term == term ? dz__work_at(s, x->slot) : NULL;
}

static void add_one(dz__terms *s, dz__ratio k, uint32_t term) {
  dz__part *p = like_part(s, term);
  if (p && dz__ratio_add(p->k, k, &p->k)) return;
  dz__term_at(s, term)->stamp = s->stamp;
  dz__term_at(s, term)->slot = (uint32_t)s->work.n;
  dz__work_push(s, (dz__part){term, 0, k});
}

void dz__add_part(dz__terms *s, size_t start, dz__ratio k, uint32_t term) {
  uint32_t rest;
  if (s->failed) return;
  dz__ratio own = dz__split(s, term, &rest), both;
  if (!dz__ratio_mul(k, own, &both)) {
    add_one(s, k, term);
    return;
  }
  const dz__term *x = dz__term_at(s, rest);
  if (x->kind != DZ__K_SUM || x->parts < 2 || x->parts > NEAR || fabs(both.n) != 1 || both.d != 1) {
    add_one(s, both, rest);
    return;
  }
  uint32_t n = x->parts;
  for (uint32_t i = 0; i < n; i++) {
    dz__part p = dz__part_of(s, rest, i);
    add_one(s, (dz__ratio){p.k.n * both.n, p.k.d}, p.term);
  }
}

/* The last part goes to place i: where the first of those that it stands for was. */
static void move_last(dz__terms *s, size_t i) {
  if (s->work.n <= i + 1) return;
  dz__part last = *dz__work_at(s, s->work.n - 1);
  for (size_t k = s->work.n - 1; k > i; k--) *dz__work_at(s, k) = *dz__work_at(s, k - 1);
  *dz__work_at(s, i) = last;
}

/* Like parts become one, also those between which another list was made; and no part is left that is 0. */
static void merge(dz__terms *s, size_t start) {
  size_t n = start, end = s->work.n;
  s->stamp++;
  s->work.n = start;
  for (size_t i = start; i < end; i++) {
    dz__part p = *dz__work_at(s, i), *q = like_part(s, p.term);
    if (q && dz__ratio_add(q->k, p.k, &q->k)) continue;
    dz__term_at(s, p.term)->stamp = s->stamp;
    dz__term_at(s, p.term)->slot = (uint32_t)n;
    *dz__work_at(s, n++) = p;
    s->work.n = n;
  }
  n = start;
  for (size_t i = start; i < s->work.n; i++)
    if (dz__work_at(s, i)->k.n != 0) *dz__work_at(s, n++) = *dz__work_at(s, i);
  s->work.n = n;
}

/* u x + u y = u (x + y); sin(a)^2 + cos(a)^2 and the like, with one coefficient. */
static uint32_t joined(dz__terms *s, dz__part p, dz__part q, dz__ratio *k) {
  *k = dz__whole(1);
  uint32_t r = dz__factored(s, p, q);
  if (r != DZ__NO_TERM) return r;
  *k = p.k;
  return dz__ratio_same(p.k, q.k) ? dz__rewrite_pair(s, DZ__F_add, p.term, q.term) : DZ__NO_TERM;
}

/* Else there would be as many parts as before, and no end. */
static bool is_one_part(const dz__terms *s, uint32_t i) {
  uint32_t rest;
  dz__split(s, i, &rest);
  return dz__term_at(s, rest)->kind != DZ__K_SUM;
}

static bool pair_sum(dz__terms *s, size_t start) {
  dz__ratio k;
  if (s->failed || s->work.n - start > FEW || s->pairs == NESTED) return false;
  for (size_t i = start; i < s->work.n; i++)
    for (size_t j = start; j < s->work.n; j++) {
      if (i == j) continue;
      s->pairs++;
      uint32_t r = joined(s, *dz__work_at(s, i), *dz__work_at(s, j), &k);
      s->pairs--;
      if (s->failed) return false;
      if (r == DZ__NO_TERM || !is_one_part(s, r)) continue;
      size_t low = i < j ? i : j;
      dz__work_drop(s, i < j ? j : i);
      dz__work_drop(s, low);
      dz__add_part(s, start, k, r);
      move_last(s, low);
      return true;
    }
  return false;
}

/* 2 (x + y) - 2 x: what is taken apart in full stays so when there is no more of it than before. */
static void take_apart(dz__terms *s, size_t start) {
  size_t end = s->work.n, above;
  dz__ratio k;
  bool sums = false, whole = true;
  for (size_t i = start; i < end; i++) sums |= dz__term_at(s, dz__work_at(s, i)->term)->kind == DZ__K_SUM;
  if (!sums || end - start < 2 || end - start > FEW) return;
  above = dz__begin_sum(s);
  for (size_t i = start; i < end; i++) {
    dz__part p = *dz__work_at(s, i);
    bool sum = dz__term_at(s, p.term)->kind == DZ__K_SUM;
    uint32_t n = sum ? dz__term_at(s, p.term)->parts : 1;
    for (uint32_t j = 0; j < n; j++) {
      dz__part q = sum ? dz__part_of(s, p.term, j) : (dz__part){p.term, 0, dz__whole(1)};
      bool exact = n <= FEW && dz__ratio_mul(p.k, q.k, &k);
      if (exact) add_one(s, k, q.term);
      whole = whole && exact;
    }
  }
  merge(s, above);
  size_t n = s->work.n - above;
  if (!whole) n = SIZE_MAX;
  if (n <= end - start)
    for (size_t i = 0; i < n; i++) *dz__work_at(s, start + i) = *dz__work_at(s, above + i);
  s->work.n = n <= end - start ? start + n : end;
}

/* A sum does not begin with a minus sign if it can be helped. */
static void lead_with_plus(dz__terms *s, size_t start) {
  size_t i = start;
  while (i < s->work.n && dz__work_at(s, i)->k.n < 0) i++;
  if (i == start || i == s->work.n) return;
  dz__part lead = *dz__work_at(s, i);
  for (; i > start; i--) *dz__work_at(s, i) = *dz__work_at(s, i - 1);
  *dz__work_at(s, start) = lead;
}

static uint32_t store_sum(dz__terms *s, size_t start) {
  dz__term like = {.kind = DZ__K_SUM, .flags = DZ__INHERITED};
  for (size_t i = start; i < s->work.n; i++) {
    const dz__part *p = dz__work_at(s, i);
    const dz__term *x = dz__term_at(s, p->term);
    like.flags = dz__inherit(like.flags, p->k.n > 0 ? x->flags : x->flags & ~DZ__IS_POSITIVE);
    like.shape = dz__shape_join(s, like.shape, x->shape);
  }
  return dz__term_store(s, like, s->work.n - start, NULL);
}

uint32_t dz__end_sum(dz__terms *s, size_t start) {
  double v;
  do {
    merge(s, start);
    take_apart(s, start);
  } while (pair_sum(s, start));
  if (s->failed) return s->work.n = start, DZ__NO_TERM;
  if (s->work.n == start) return s->zero;
  lead_with_plus(s, start);
  dz__part p = *dz__work_at(s, start);
  if (s->work.n - start > 1) return store_sum(s, start);
  if (dz__ratio_is(p.k, 1)) return s->work.n = start, p.term;
  if (p.term == s->one && dz__ratio_exact(p.k, &v)) return s->work.n = start, dz__term_number(s, v);
  return store_sum(s, start);
}

uint32_t dz__sum2(dz__terms *s, uint32_t a, double sign, uint32_t b) {
  size_t start = dz__begin_sum(s);
  dz__add_part(s, start, dz__whole(1), a);
  dz__add_part(s, start, dz__whole(sign), b);
  return dz__end_sum(s, start);
}
