/* Terms with parts of them replaced; and a formula said in terms of another, as sigmoid' = z (1 - z). */
#include "derive/term.h"

#include "base/never.h"

#include <math.h>
#include <string.h>

enum {
  MOST_LENGTH = 1 << 20,
  FEW = 12,
  WORTH = 4 /* what is shorter by so much is better said with the other's name, however often it comes */
};

/* ---- replacing ---- */

static uint32_t rebuilt_list(dz__terms *s, uint32_t i, const uint32_t *to) {
  bool sum = dz__term_at(s, i)->kind == DZ__K_SUM;
  uint32_t n = dz__term_at(s, i)->parts;
  size_t start = sum ? dz__begin_sum(s) : dz__begin_product(s);
  for (uint32_t k = 0; k < n; k++) {
    dz__part p = dz__part_of(s, i, k);
    if (sum)
      dz__add_part(s, start, p.k, to[p.term]);
    else
      dz__add_factor(s, start, to[p.term], to[p.power]);
  }
  return sum ? dz__end_sum(s, start) : dz__end_product(s, start);
}

static uint32_t rebuilt_call(dz__terms *s, uint32_t i, const uint32_t *to) {
  dz__term x = *dz__term_at(s, i);
  uint32_t few[8], *args = few;
  int64_t attr[DZ__MAX_ATTRS];
  if (DZ__NEVER(x.attrs > DZ__MAX_ATTRS)) return i;
  if (x.parts > 8) args = dz__alloc(&s->alloc, x.parts * sizeof *args);
  if (!args) return s->failed = true, DZ__NO_TERM;
  for (uint32_t k = 0; k < x.parts; k++) args[k] = to[dz__part_of(s, i, k).term];
  if (x.attrs) memcpy(attr, (const int64_t *)s->attrs.at + x.attr0, x.attrs * sizeof *attr);
  uint32_t r = dz__term_apply(s, (dz__fn)x.fn, x.parts, args, x.attrs, attr, x.shape);
  if (args != few) dz__free(&s->alloc, args, x.parts * sizeof *args);
  return r;
}

/* to[] of all operands is known. What nothing was replaced in stays the term that it is. */
static uint32_t rebuilt(dz__terms *s, uint32_t i, const uint32_t *to) {
  const dz__term *x = dz__term_at(s, i);
  bool same = true;
  for (uint32_t k = 0; k < x->parts; k++) {
    dz__part p = dz__part_of(s, i, k);
    same = same && to[p.term] == p.term && (x->kind != DZ__K_PRODUCT || to[p.power] == p.power);
  }
  if (same) return i;
  return x->kind == DZ__K_CALL ? rebuilt_call(s, i, to) : rebuilt_list(s, i, to);
}

static void want(const dz__terms *s, uint32_t i, uint8_t *wanted) {
  const dz__term *x = dz__term_at(s, i);
  for (uint32_t k = 0; k < x->parts; k++) {
    wanted[dz__part_of(s, i, k).term] = 1;
    if (x->kind == DZ__K_PRODUCT) wanted[dz__part_of(s, i, k).power] = 1;
  }
}

/* What a pass makes of a term whose operands it has been through. */
typedef uint32_t change(dz__terms *s, uint32_t i, const void *how);

typedef struct pass {
  uint32_t n; /* terms that become what `by` says */
  const uint32_t *from, *by;
  change *of; /* all others; or NULL */
  const void *how;
} pass;

static void run(dz__terms *s, uint32_t top, const pass *p, uint32_t *to, uint8_t *wanted) {
  memset(wanted, 0, (size_t)top + 1);
  wanted[top] = 1;
  for (size_t k = (size_t)top + 1; k-- > 0;)
    if (wanted[k]) want(s, (uint32_t)k, wanted);
  for (uint32_t k = 0; k <= top && !s->failed; k++) {
    if (!wanted[k]) continue;
    uint32_t at = 0;
    while (at < p->n && p->from[at] != k) at++;
    to[k] = at < p->n ? p->by[at] : rebuilt(s, k, to);
    if (p->of && at == p->n && !s->failed) to[k] = p->of(s, to[k], p->how);
  }
}

/* All terms that i is made of, operands first. */
static uint32_t through(dz__terms *s, uint32_t i, const pass *p) {
  size_t size = (size_t)i + 1;
  if (s->failed) return DZ__NO_TERM;
  uint32_t *to = dz__alloc(&s->alloc, size * sizeof *to);
  uint8_t *wanted = dz__alloc(&s->alloc, size);
  if (to && wanted)
    run(s, i, p, to, wanted);
  else
    s->failed = true;
  uint32_t r = s->failed ? DZ__NO_TERM : to[i];
  dz__free(&s->alloc, to, size * sizeof *to);
  dz__free(&s->alloc, wanted, size);
  return r;
}

uint32_t dz__replaced(dz__terms *s, uint32_t i, uint32_t n, const uint32_t *from, const uint32_t *by) {
  return n == 0 ? i : through(s, i, &(pass){n, from, by, NULL, NULL});
}

/* ---- lengths ---- */

static double size_of_power(const dz__terms *s, const dz__part *p) {
  const dz__term *e = dz__term_at(s, p->power);
  return e->kind == DZ__K_NUMBER ? fabs(e->number) : 1;
}

/* Of each term up to i, in order: operations and operands when written out, and how often z is in it. */
static void measure(const dz__terms *s, uint32_t i, uint32_t z, uint32_t *length, double *count) {
  for (uint32_t k = 0; k <= i; k++) {
    const dz__term *x = dz__term_at(s, k);
    uint64_t sum = x->kind == DZ__K_CALL || x->parts == 0;
    double times = k == z;
    for (uint32_t j = 0; j < x->parts; j++) {
      dz__part p = dz__part_of(s, k, j);
      bool scaled = x->kind == DZ__K_SUM && fabs(p.k.n) != 1 && p.term != s->one;
      bool raised = x->kind == DZ__K_PRODUCT && p.power != s->one && !dz__is_number_term(s, p.power, -1);
      sum += length[p.term] + scaled + (raised ? length[p.power] : 0);
      times += x->kind == DZ__K_PRODUCT ? count[p.term] * size_of_power(s, &p) : count[p.term];
    }
    length[k] = sum < MOST_LENGTH ? (uint32_t)sum : MOST_LENGTH;
    count[k] = fmin(times, MOST_LENGTH);
  }
}

size_t dz__term_length(dz__terms *s, uint32_t i, uint32_t z, double *times) {
  size_t n = (size_t)i + 1, r = MOST_LENGTH;
  *times = 0;
  if (s->failed) return r;
  uint32_t *length = dz__alloc(&s->alloc, n * sizeof *length);
  double *count = dz__alloc(&s->alloc, n * sizeof *count);
  if (length && count) {
    measure(s, i, z, length, count);
    r = length[i];
    *times = count[i];
  } else {
    s->failed = true;
  }
  dz__free(&s->alloc, length, n * sizeof *length);
  dz__free(&s->alloc, count, n * sizeof *count);
  return r;
}

/* ---- one formula in terms of another ---- */

/* A factor to look for, and what stands for it. */
typedef struct named {
  uint32_t term, name;
} named;

/* The power of a base in a product, 0 when it is not there or no number; without its coefficient. */
static double power_in(const dz__terms *s, uint32_t i, uint32_t base) {
  dz__split(s, i, &i);
  const dz__term *x = dz__term_at(s, i);
  if (i == base) return 1;
  for (uint32_t k = 0; x->kind == DZ__K_PRODUCT && k < x->parts; k++) {
    const dz__term *e = dz__term_at(s, dz__part_of(s, i, k).power);
    if (dz__part_of(s, i, k).term == base) return e->kind == DZ__K_NUMBER ? e->number : 0;
  }
  return 0;
}

/* Whether every factor of `part` is in i, to a power that leaves no more than there was. */
static bool divides(const dz__terms *s, uint32_t part, uint32_t i) {
  dz__split(s, part, &part);
  const dz__term *x = dz__term_at(s, part);
  uint32_t n = x->kind == DZ__K_PRODUCT ? x->parts : 1;
  for (uint32_t k = 0; k < n; k++) {
    uint32_t base = x->kind == DZ__K_PRODUCT ? dz__part_of(s, part, k).term : part;
    double e = power_in(s, part, base), own = power_in(s, i, base);
    if (e * own <= 0 || fabs(own) < fabs(e)) return false;
  }
  return true;
}

/* N and D of z = N / D, for numbers as powers; false when z is no fraction. */
static bool fraction(dz__terms *s, uint32_t z, uint32_t *above, uint32_t *below) {
  uint32_t rest, n;
  dz__ratio k = dz__split(s, z, &rest);
  if (dz__term_at(s, rest)->kind != DZ__K_PRODUCT) return false;
  n = dz__term_at(s, rest)->parts;
  size_t start = dz__begin_product(s);
  for (uint32_t j = 0; j < n; j++) {
    dz__part p = dz__part_of(s, rest, j);
    const dz__term *e = dz__term_at(s, p.power);
    if (e->kind == DZ__K_NUMBER && e->number < 0)
      dz__add_factor(s, start, p.term, dz__term_number(s, -e->number));
  }
  *below = dz__end_product(s, start);
  if (*below == s->one) return false;
  *above = dz__scaled(s, k, dz__product2(s, rest, *below));
  return true;
}

/* 1 - z² , 1 - z and 1 + z as fractions, where they are one product each. */
static size_t relatives(dz__terms *s, uint32_t z, uint32_t name, named out[3]) {
  uint32_t above, below, term[2], rest;
  size_t n = 0;
  if (!fraction(s, z, &above, &below)) return 0;
  for (int k = 0; k < 2; k++) {
    uint32_t sum = dz__sum2(s, below, k ? 1 : -1, above);
    uint32_t over = dz__power(s, below, dz__term_number(s, -1));
    term[k] = dz__product2(s, sum, over);
    if (s->failed) return 0;
    dz__split(s, sum, &rest);
    if (dz__term_at(s, rest)->kind == DZ__K_SUM) term[k] = DZ__NO_TERM;
  }
  if (term[0] != DZ__NO_TERM && term[1] != DZ__NO_TERM) {
    uint32_t square = dz__power(s, name, dz__term_number(s, 2));
    out[n++] = (named){dz__product2(s, term[0], term[1]), dz__sum2(s, s->one, -1, square)};
  }
  for (int k = 0; k < 2; k++)
    if (term[k] != DZ__NO_TERM) out[n++] = (named){term[k], dz__sum2(s, s->one, k ? 1 : -1, name)};
  return n;
}

/* i / (part^m z^n) part'^m z'^n, where ' stands for the name. */
static uint32_t factored(dz__terms *s, uint32_t i, named part, double m, named z, double n) {
  size_t start = dz__begin_product(s);
  dz__add_factor(s, start, i, s->one);
  dz__add_factor(s, start, part.term, dz__term_number(s, -m));
  dz__add_factor(s, start, z.term, dz__term_number(s, -n));
  dz__add_factor(s, start, part.name, dz__term_number(s, m));
  dz__add_factor(s, start, z.name, dz__term_number(s, n));
  return dz__end_product(s, start);
}

/* The shortest with 1 - z and the like as factors, and z; i itself when none is shorter. */
static uint32_t by_relatives(dz__terms *s, uint32_t i, uint32_t z, uint32_t name) {
  named part[3], own = {z, name};
  double times;
  uint32_t best = i;
  size_t n = relatives(s, z, name, part), least = n ? dz__term_length(s, i, name, &times) : 0;
  for (size_t k = 0; k < n; k++)
    for (int power = 0; power < 6; power++) {
      uint32_t r = factored(s, i, part[k], 1 + power / 3, own, power % 3);
      size_t length = dz__term_length(s, r, name, &times);
      if (length < least) best = r, least = length;
    }
  return best;
}

/* A product with z, or 1 / z, as a factor: by its name. */
static uint32_t divided(dz__terms *s, uint32_t i, const void *how) {
  const named *z = how;
  uint32_t inverse = dz__power(s, z->term, dz__term_number(s, -1)), rest = i;
  if (s->failed || dz__term_at(s, i)->kind == DZ__K_LEAF) return i;
  if (divides(s, z->term, i))
    rest = dz__product2(s, dz__product2(s, i, inverse), z->name);
  else if (divides(s, inverse, i)) {
    rest = dz__product2(s, i, z->term);
    rest = dz__product2(s, rest, dz__power(s, z->name, dz__term_number(s, -1)));
  }
  return rest;
}

/* i, or r when that is better: shorter by so much, or with the name more than once. */
static uint32_t better(dz__terms *s, uint32_t i, uint32_t r, uint32_t name, bool own) {
  double times, before;
  if (r == i) return i;
  size_t length = dz__term_length(s, r, name, &times), was = dz__term_length(s, i, name, &before);
  return length < was && (own || times >= 2 || was - length >= WORTH) ? r : i;
}

static uint32_t one_expressed(dz__terms *s, uint32_t i, named z, bool own) {
  if (i == z.term && own) return z.name;
  bool product = dz__term_at(s, z.term)->kind == DZ__K_PRODUCT;
  uint32_t r = better(s, i, dz__replaced(s, i, 1, &z.term, &z.name), z.name, own);
  if (r == i) r = better(s, i, by_relatives(s, i, z.term, z.name), z.name, own);
  if (r != i || s->failed || !product) return r;
  if (!own && divides(s, z.term, i)) return i; /* -1 / x^2 is not better said as -z^2 */
  return better(s, i, through(s, i, &(pass){1, &z.term, &z.name, divided, &z}), z.name, own);
}

/* Of a sum part by part too, where that says more. */
uint32_t dz__expressed(dz__terms *s, uint32_t i, uint32_t z, uint32_t name, bool own) {
  if (s->failed) return DZ__NO_TERM;
  uint32_t kind = dz__term_at(s, z)->kind, r = i, n;
  named both = {z, name};
  if (kind == DZ__K_NUMBER || kind == DZ__K_LEAF) return i;
  r = one_expressed(s, i, both, own);
  n = dz__term_at(s, i)->parts;
  if (r != i || dz__term_at(s, i)->kind != DZ__K_SUM || n > FEW) return r;
  r = s->zero;
  for (uint32_t k = 0; k < n; k++) {
    dz__part p = dz__part_of(s, i, k);
    r = dz__sum2(s, r, 1, dz__scaled(s, p.k, one_expressed(s, p.term, both, own)));
  }
  return r;
}

/* A product with its factors that are sums multiplied out; i itself when there is none, or it is long. */
static uint32_t multiplied_out(dz__terms *s, uint32_t i) {
  uint32_t rest, sum = DZ__NO_TERM, n;
  dz__ratio k = dz__split(s, i, &rest);
  const dz__term *x = dz__term_at(s, rest);
  for (uint32_t j = 0; x->kind == DZ__K_PRODUCT && j < x->parts; j++) {
    dz__part p = dz__part_of(s, rest, j);
    if (p.power == s->one && dz__term_at(s, p.term)->kind == DZ__K_SUM) sum = p.term;
  }
  if (sum == DZ__NO_TERM || (n = dz__term_at(s, sum)->parts) > FEW) return i;
  uint32_t others = dz__product2(s, rest, dz__power(s, sum, dz__term_number(s, -1))), r = s->zero;
  for (uint32_t j = 0; j < n; j++) {
    dz__part p = dz__part_of(s, sum, j);
    r = dz__sum2(s, r, 1, dz__scaled(s, p.k, dz__product2(s, others, p.term)));
  }
  return dz__scaled(s, k, r);
}

static uint32_t spread(dz__terms *s, uint32_t i, const void *how) {
  double times;
  uint32_t r = multiplied_out(s, i);
  (void)how;
  if (r == i) return i;
  bool shorter = dz__term_length(s, r, s->zero, &times) < dz__term_length(s, i, s->zero, &times);
  return shorter ? r : i;
}

uint32_t dz__spread(dz__terms *s, uint32_t i) { return through(s, i, &(pass){0, NULL, NULL, spread, NULL}); }

static bool all_negative(const dz__terms *s, uint32_t i) {
  const dz__term *x = dz__term_at(s, i);
  for (uint32_t k = 0; k < x->parts; k++)
    if (dz__part_of(s, i, k).k.n > 0) return false;
  return x->kind == DZ__K_SUM;
}

/* The first factor of that kind, to its first power; DZ__NO_TERM when there is none. */
static uint32_t negative_factor(const dz__terms *s, uint32_t i) {
  const dz__term *x = dz__term_at(s, i);
  for (uint32_t j = 0; x->kind == DZ__K_PRODUCT && j < x->parts; j++) {
    dz__part p = dz__part_of(s, i, j);
    if (p.power == s->one && all_negative(s, p.term)) return p.term;
  }
  return DZ__NO_TERM;
}

uint32_t dz__with_signs_out(dz__terms *s, uint32_t i) {
  uint32_t rest, f;
  if (s->failed) return DZ__NO_TERM;
  dz__ratio k = dz__split(s, i, &rest);
  while (!s->failed && (f = negative_factor(s, rest)) != DZ__NO_TERM) {
    uint32_t without = dz__product2(s, rest, dz__power(s, f, dz__term_number(s, -1)));
    rest = dz__product2(s, without, dz__scaled(s, dz__whole(-1), f));
    k.n = -k.n;
  }
  return dz__scaled(s, k, rest);
}
