/* What two products have in common, where it is worth taking out: a sum. So x / (1 + x) differentiated twice
   is one fraction, and polynomials stay as they are. */
#include "derive/term.h"

#include <math.h>

enum { FEW = 12 };

/* The power of a base in a term; 0 when it is not there or no number. */
static double power_in(const dz__terms *s, uint32_t i, uint32_t base) {
  const dz__term *x = dz__term_at(s, i);
  if (i == base) return 1;
  if (x->kind != DZ__K_PRODUCT) return 0;
  for (uint32_t k = 0; k < x->parts; k++) {
    dz__part p = dz__part_of(s, i, k);
    const dz__term *e = dz__term_at(s, p.power);
    if (p.term == base) return e->kind == DZ__K_NUMBER ? e->number : 0;
  }
  return 0;
}

/* The lower of two powers of one sign, else 0: what is left of both is no fraction. */
static double common_power(double a, double b) { return a * b > 0 ? fmin(a, b) : 0; }

/* A sum that is a factor of both: how far its powers are apart; -1 when there is none. */
static double distance(const dz__terms *s, uint32_t i, uint32_t j) {
  const dz__term *x = dz__term_at(s, i);
  if (x->kind != DZ__K_PRODUCT) return -1;
  for (uint32_t k = 0; k < x->parts; k++) {
    uint32_t base = dz__part_of(s, i, k).term;
    double a = power_in(s, i, base), b = power_in(s, j, base);
    if (dz__term_at(s, base)->kind == DZ__K_SUM && a * b > 0) return fabs(a - b);
  }
  return -1;
}

/* The factors that two terms have in common. */
static uint32_t common_of(dz__terms *s, uint32_t i, uint32_t j) {
  if (dz__term_at(s, i)->kind != DZ__K_PRODUCT) { /* one that is a factor by itself, or none */
    uint32_t other = i;
    i = j, j = other;
  }
  size_t start = dz__begin_product(s);
  bool product = dz__term_at(s, i)->kind == DZ__K_PRODUCT;
  uint32_t n = product ? dz__term_at(s, i)->parts : 1;
  for (uint32_t k = 0; k < n; k++) {
    uint32_t base = product ? dz__part_of(s, i, k).term : i;
    double e = common_power(power_in(s, i, base), power_in(s, j, base));
    if (e != 0) dz__add_factor(s, start, base, dz__term_number(s, e));
  }
  return dz__end_product(s, start);
}

/* A term without a factor of it. */
static uint32_t without(dz__terms *s, uint32_t i, uint32_t base) {
  size_t start = dz__begin_product(s);
  dz__add_factor(s, start, i, s->one);
  dz__add_factor(s, start, base, dz__term_number(s, -1));
  return dz__end_product(s, start);
}

/* A term as one of its factors that is a sum, 1 if it has none, and the rest. */
static uint32_t take_sum(dz__terms *s, uint32_t i, uint32_t *rest) {
  const dz__term *x = dz__term_at(s, i);
  *rest = i;
  for (uint32_t k = 0; x->kind == DZ__K_PRODUCT && k < x->parts; k++) {
    dz__part p = dz__part_of(s, i, k);
    if (p.power != s->one || dz__term_at(s, p.term)->kind != DZ__K_SUM) continue;
    *rest = without(s, i, p.term);
    return p.term;
  }
  return s->one;
}

static uint32_t parts_of_sum(const dz__terms *s, uint32_t i) {
  return dz__term_at(s, i)->kind == DZ__K_SUM ? dz__term_at(s, i)->parts : 1;
}

/* What all parts of a sum have in common, and the sum without it. */
static uint32_t take_common(dz__terms *s, uint32_t *sum) {
  uint32_t n = parts_of_sum(s, *sum), g;
  if (n < 2 || n > FEW || dz__part_of(s, *sum, 0).term == s->one) return s->one;
  g = dz__part_of(s, *sum, 0).term;
  for (uint32_t i = 1; i < n && g != s->one && !s->failed; i++)
    g = common_of(s, g, dz__part_of(s, *sum, i).term);
  if (g == s->one || s->failed) return g;
  size_t start = dz__begin_sum(s);
  uint32_t over = dz__power(s, g, dz__term_number(s, -1));
  for (uint32_t i = 0; i < n; i++) {
    dz__part p = dz__part_of(s, *sum, i);
    dz__add_part(s, start, p.k, dz__product2(s, p.term, over));
  }
  *sum = dz__end_sum(s, start);
  return g;
}

/* u sum, with what the parts of the sum have in common in front of it. */
static uint32_t in_front(dz__terms *s, uint32_t u, uint32_t sum) {
  uint32_t g = take_common(s, &sum);
  return dz__product2(s, dz__product2(s, u, g), sum);
}

/* u (x + y) + u = u (x + y + 1); u (x + y) + u z where like terms become one. */
static uint32_t same_rest(dz__terms *s, dz__part p, dz__part q) {
  uint32_t u, v, x = take_sum(s, p.term, &u), y = take_sum(s, q.term, &v);
  if (x == s->one || s->failed) return DZ__NO_TERM;
  bool same = u == v;
  if (!same) y = dz__product2(s, q.term, dz__power(s, u, dz__term_number(s, -1)));
  size_t start = dz__begin_sum(s);
  dz__add_part(s, start, p.k, x);
  dz__add_part(s, start, q.k, y);
  uint32_t sum = dz__end_sum(s, start);
  if (s->failed || (!same && parts_of_sum(s, sum) > parts_of_sum(s, x))) return DZ__NO_TERM;
  return in_front(s, u, sum);
}

/* Adds k rest to a sum; where rest has a sum as a factor, part by part. False where that is long, or no exact
   number. */
static bool add_spread(dz__terms *s, size_t start, dz__ratio k, uint32_t rest) {
  dz__ratio own, both;
  uint32_t others = s->one;
  own = dz__split(s, rest, &rest);
  if (!dz__ratio_mul(k, own, &both)) return false;
  uint32_t sum = dz__term_at(s, rest)->kind == DZ__K_SUM ? rest : take_sum(s, rest, &others);
  if (sum == s->one) return dz__add_part(s, start, both, rest), true;
  uint32_t n = dz__term_at(s, sum)->parts;
  for (uint32_t i = 0; i < n && n <= FEW; i++) {
    dz__part p = dz__part_of(s, sum, i);
    if (!dz__ratio_mul(both, p.k, &own)) return false;
    dz__add_part(s, start, own, dz__product2(s, others, p.term));
  }
  return n <= FEW;
}

uint32_t dz__factored(dz__terms *s, dz__part p, dz__part q) {
  uint32_t r = same_rest(s, p, q);
  if (r != DZ__NO_TERM || s->failed) return r;
  double apart = distance(s, p.term, q.term);
  if (apart < 0) apart = distance(s, q.term, p.term);
  if (apart != 0 && apart != 1) return DZ__NO_TERM;
  uint32_t u = common_of(s, p.term, q.term);
  uint32_t over = dz__power(s, u, dz__term_number(s, -1));
  uint32_t x = dz__product2(s, p.term, over), y = dz__product2(s, q.term, over);
  if (s->failed) return DZ__NO_TERM;
  size_t start = dz__begin_sum(s);
  if (apart == 0) {
    dz__add_part(s, start, p.k, x);
    dz__add_part(s, start, q.k, y);
  } else if (!add_spread(s, start, p.k, x) || !add_spread(s, start, q.k, y)) {
    return s->work.n = start, DZ__NO_TERM;
  }
  uint32_t sum = dz__end_sum(s, start);
  if (s->failed) return DZ__NO_TERM;
  bool longer = dz__term_at(s, sum)->kind == DZ__K_SUM && dz__term_at(s, sum)->parts > 2;
  if (apart != 0 && longer) return DZ__NO_TERM;
  return in_front(s, u, sum);
}
