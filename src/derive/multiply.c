/* Products: equal bases become one power, coefficients come to the front. */
#include "derive/term.h"

#include <math.h>

enum {
  NEAR = 64, /* so many factors back equal bases are looked for */
  FEW = 12,  /* parts of a product in which pairs are tried */
  DEEP = 48  /* rules within rules */
};

static bool is_whole_power(const dz__terms *s, uint32_t power) {
  return dz__term_at(s, power)->kind == DZ__K_NUMBER && dz__is_whole(dz__term_at(s, power)->number);
}

static bool is_even(const dz__terms *s, uint32_t power) {
  return is_whole_power(s, power) && fmod(dz__term_at(s, power)->number, 2) == 0;
}

/* The first part of the list is its coefficient. */
size_t dz__begin_product(dz__terms *s) {
  size_t start = s->work.n;
  dz__work_push(s, (dz__part){s->one, s->one, dz__whole(1)});
  return start;
}

static bool multiply(dz__terms *s, size_t start, dz__ratio k) {
  dz__ratio *to = &dz__work_at(s, start)->k;
  return dz__ratio_mul(*to, k, to);
}

static void append(dz__terms *s, size_t start, uint32_t base, uint32_t power) {
  size_t low = s->work.n > start + 1 + NEAR ? s->work.n - NEAR : start + 1;
  for (size_t i = s->work.n; i-- > low;) {
    if (dz__work_at(s, i)->term != base) continue;
    power = dz__sum2(s, dz__work_at(s, i)->power, 1, power);
    dz__work_drop(s, i);
    dz__add_factor(s, start, base, power);
    return;
  }
  uint32_t r = DZ__NO_TERM, args[] = {base, power};
  if (power != s->one && dz__term_at(s, base)->kind == DZ__K_CALL)
    r = dz__rewrite_call(s, DZ__F_pow, 2, args);
  if (r != DZ__NO_TERM)
    dz__add_factor(s, start, r, s->one);
  else
    dz__work_push(s, (dz__part){base, power, dz__whole(0)});
}

/* A number or a rational coefficient to a whole power goes to the front. *base is what is left. */
static void take_coefficient(dz__terms *s, size_t start, uint32_t *base, uint32_t power) {
  uint32_t rest;
  dz__ratio k = dz__split(s, *base, &rest), p;
  if (rest == *base || !is_whole_power(s, power)) return;
  if (dz__ratio_power(k, dz__term_at(s, power)->number, &p) && multiply(s, start, p)) *base = rest;
}

/* (b^f …)^power where that is b^(f power) …; else false. */
static bool add_product(dz__terms *s, size_t start, uint32_t base, uint32_t power) {
  uint32_t n = dz__term_at(s, base)->parts;
  dz__part p = dz__part_of(s, base, 0);
  bool whole = is_whole_power(s, power) && n <= NEAR, one = n == 1 && s->depth <= DEEP;
  bool number = dz__term_at(s, p.power)->kind == DZ__K_NUMBER;
  bool positive = (number && !is_whole_power(s, p.power)) || dz__term_at(s, p.term)->flags & DZ__IS_POSITIVE;
  bool even = is_even(s, p.power) && dz__term_at(s, power)->kind == DZ__K_NUMBER;
  if (!whole && !(one && (positive || even))) return false;
  for (uint32_t i = 0; i < n; i++) {
    p = dz__part_of(s, base, i);
    if (!whole && !positive) p.term = dz__term_apply(s, DZ__F_fabs, 1, &p.term, 0, NULL, 0);
    s->depth++;
    dz__add_factor(s, start, p.term, dz__product2(s, p.power, power));
    s->depth--;
  }
  return true;
}

static bool is_call(const dz__terms *s, uint32_t i, dz__fn fn) {
  const dz__term *x = dz__term_at(s, i);
  return x->kind == DZ__K_CALL && x->fn == fn;
}

void dz__add_factor(dz__terms *s, size_t start, uint32_t base, uint32_t power) {
  if (s->failed || dz__is_number_term(s, power, 0)) return;
  take_coefficient(s, start, &base, power);
  if (base == s->one) return;
  if (dz__term_at(s, base)->kind == DZ__K_PRODUCT && add_product(s, start, base, power)) return;
  if (is_call(s, base, DZ__F_exp) && power != s->one && s->depth <= DEEP) {
    uint32_t a = dz__product2(s, power, dz__part_of(s, base, 0).term);
    base = dz__term_apply(s, DZ__F_exp, 1, &a, 0, NULL, 0);
    dz__add_factor(s, start, base, s->one);
    return;
  }
  append(s, start, base, power);
}

static uint32_t factor(dz__terms *s, dz__part p) {
  if (p.power == s->one) return p.term;
  const dz__term *b = dz__term_at(s, p.term), *e = dz__term_at(s, p.power);
  bool number = e->kind == DZ__K_NUMBER, whole = is_whole_power(s, p.power);
  dz__term like = {.kind = DZ__K_PRODUCT, .shape = dz__shape_join(s, b->shape, e->shape)};
  like.flags = dz__inherit(dz__inherit(DZ__INHERITED, b->flags), e->flags | DZ__IS_POSITIVE);
  if ((number && !whole) || is_even(s, p.power)) like.flags |= DZ__IS_POSITIVE;
  p.k = dz__whole(0);
  dz__work_push(s, p);
  return dz__term_store(s, like, 1, NULL);
}

/* exp(a) exp(b) and the like. */
static bool pair_product(dz__terms *s, size_t start) {
  if (s->failed || s->work.n - start > FEW || s->depth > DEEP) return false;
  for (size_t i = start + 1; i < s->work.n; i++)
    for (size_t j = start + 1; j < s->work.n; j++) {
      if (i == j) continue;
      uint32_t a = factor(s, *dz__work_at(s, i)), b = factor(s, *dz__work_at(s, j));
      if (s->failed) return false;
      uint32_t r = dz__rewrite_pair(s, DZ__F_mul, a, b);
      if (r == DZ__NO_TERM) continue;
      dz__work_drop(s, i > j ? i : j);
      dz__work_drop(s, i > j ? j : i);
      dz__add_factor(s, start, r, s->one);
      return true;
    }
  return false;
}

/* A number, or its power: 1 / 0. */
static bool has_non_finite(const dz__terms *s, size_t start) {
  for (size_t i = start; i < s->work.n; i++) {
    const dz__term *x = dz__term_at(s, dz__work_at(s, i)->term),
                   *e = dz__term_at(s, dz__work_at(s, i)->power);
    if (x->kind != DZ__K_NUMBER) continue;
    if (!isfinite(x->number) || (x->number == 0 && e->kind == DZ__K_NUMBER && e->number < 0)) return true;
  }
  return false;
}

static uint32_t store_product(dz__terms *s, size_t start) {
  size_t n = s->work.n - start - 1;
  if (n == 1) return factor(s, *dz__work_at(s, start + 1));
  dz__term like = {.kind = DZ__K_PRODUCT, .flags = DZ__INHERITED};
  for (size_t i = start + 1; i < s->work.n; i++) {
    uint32_t f = factor(s, *dz__work_at(s, i));
    if (s->failed) return DZ__NO_TERM;
    like.flags = dz__inherit(like.flags, dz__term_at(s, f)->flags);
    like.shape = dz__shape_join(s, like.shape, dz__term_at(s, f)->shape);
  }
  return dz__term_store(s, like, n, NULL);
}

/* k (c ? a : 0) is c ? k a : 0. */
static uint32_t scaled_choice(dz__terms *s, dz__ratio k, uint32_t i) {
  if (s->failed || dz__ratio_is(k, 1) || !is_call(s, i, DZ__F_where)) return dz__scaled(s, k, i);
  uint32_t args[3];
  for (int n = 0; n < 3; n++) args[n] = dz__parts_of(s, i)[n].term;
  if (args[1] != s->zero && args[2] != s->zero) return dz__scaled(s, k, i);
  for (int n = 1; n < 3; n++) args[n] = dz__scaled(s, k, args[n]);
  return dz__term_apply(s, DZ__F_where, 3, args, 0, NULL, 0);
}

uint32_t dz__end_product(dz__terms *s, size_t start) {
  while (pair_product(s, start)) {
  }
  if (s->failed) return s->work.n = start, DZ__NO_TERM;
  dz__ratio k = dz__work_at(s, start)->k;
  if (k.n == 0) { /* which is not to scale NaN: that would be gone */
    const bool lost = has_non_finite(s, start);
    s->work.n = start;
    return lost ? dz__term_number(s, NAN) : s->zero;
  }
  uint32_t r = s->work.n == start + 1 ? s->one : store_product(s, start);
  s->work.n = start;
  return scaled_choice(s, k, r);
}

uint32_t dz__product2(dz__terms *s, uint32_t a, uint32_t b) {
  size_t start = dz__begin_product(s);
  dz__add_factor(s, start, a, s->one);
  dz__add_factor(s, start, b, s->one);
  return dz__end_product(s, start);
}

uint32_t dz__power(dz__terms *s, uint32_t a, uint32_t power) {
  size_t start = dz__begin_product(s);
  dz__add_factor(s, start, a, power);
  return dz__end_product(s, start);
}
