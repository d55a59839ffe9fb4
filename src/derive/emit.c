/* Terms as nodes: how a formula is laid out. Coefficients first, then leaves, powers, functions, sums; what
   has a negative power stands below the line. */
#include "derive/rule.h"
#include "derive/simplify.h"

#include <math.h>
#include <string.h>

enum { SORTED = 64 };

typedef struct emission {
  dz__terms *s;
  dz_var *node; /* per term; {0} while there is none */
} emission;

static dz_var node_of(const emission *m, uint32_t i) {
  const dz__term *x = dz__term_at(m->s, i);
  return x->kind == DZ__K_NUMBER ? dz_num(x->number) : m->node[i];
}

/* a fn b, where a may be missing ({0}). */
static dz_var join(dz__fn fn, dz_var a, dz_var b) { return a.tape ? dz__two(fn, a, b) : b; }

static dz_var ratio(const emission *m, dz__ratio k) {
  double v;
  if (dz__ratio_exact(k, &v)) return dz_num(v);
  return dz__two(DZ__F_div, dz_const(m->s->t, k.n), dz_num(k.d));
}

/* ---- products ---- */

/* Numbers, leaves and their powers, functions, sums, choices. */
static int class_of(const dz__terms *s, const dz__part *p) {
  const dz__term *x = dz__term_at(s, p->term);
  bool plain = dz__term_at(s, p->power)->kind == DZ__K_NUMBER;
  if (x->kind == DZ__K_NUMBER) return plain ? 0 : 2;
  if (x->kind == DZ__K_LEAF) return plain ? 1 : 2;
  return x->kind == DZ__K_SUM ? 3 : x->kind == DZ__K_CALL && x->fn == DZ__F_where ? 4 : 2;
}

/* Whether the leaf that is to come last is a factor, or part of one: z, 1 - z, z^2. */
static bool is_later(const dz__terms *s, uint32_t i) {
  const dz__term *x = dz__term_at(s, i);
  if (!s->book) return false;
  if (i == s->later) return true;
  for (uint32_t k = 0; x->kind != DZ__K_CALL && k < x->parts; k++) {
    uint32_t of = dz__parts_of(s, i)[k].term;
    const dz__term *y = dz__term_at(s, of);
    if (of == s->later || (y->kind == DZ__K_PRODUCT && dz__parts_of(s, of)->term == s->later)) return true;
  }
  return false;
}

static bool goes_before(const dz__terms *s, const dz__part *p, const dz__part *q) {
  int a = class_of(s, p) + (is_later(s, p->term) ? 8 : 0),
      b = class_of(s, q) + (is_later(s, q->term) ? 8 : 0);
  return a != b ? a < b : p->term < q->term;
}

static bool is_below(const dz__terms *s, const dz__part *p) {
  const dz__term *e = dz__term_at(s, p->power);
  dz__ratio k;
  uint32_t rest;
  if (e->kind == DZ__K_NUMBER) return e->number < 0;
  k = dz__split(s, p->power, &rest);
  return rest == s->one && k.n < 0;
}

static dz_var factor(const emission *m, const dz__part *p, bool below) {
  dz_var base = node_of(m, p->term);
  dz__ratio k;
  uint32_t rest;
  k = dz__split(m->s, p->power, &rest);
  if (rest != m->s->one) return dz__two(DZ__F_pow, base, node_of(m, p->power));
  if (below) k.n = -k.n;
  if (!dz__ratio_is(k, 1)) base = dz__as_node(m->s->t, base);
  if (dz__ratio_is(k, 1)) return base;
  if (k.n == 1 && k.d == 2) return dz__record(DZ__F_sqrt, 1, &base, 0, NULL);
  return dz__two(DZ__F_pow, base, ratio(m, k));
}

static void sorted(const dz__terms *s, uint32_t i, dz__part *to) {
  size_t n = dz__term_at(s, i)->parts;
  for (size_t k = 0; k < n; k++) {
    dz__part p = dz__parts_of(s, i)[k];
    size_t at = k;
    for (; at > 0 && goes_before(s, &p, &to[at - 1]); at--) to[at] = to[at - 1];
    to[at] = p;
  }
}

/* Numbers whose product is none that a double holds are both kept, and what may outweigh them stands between.
 */
static bool outweighs(dz_var r, dz_var f) {
  return dz_is_number(r) && dz_is_number(f) && !isnormal(dz__number(r) * dz__number(f));
}

static dz_var times(dz_var r, dz_var f, bool *minus) {
  if (*minus) f = dz__record(DZ__F_neg, 1, &f, 0, NULL);
  *minus = false;
  return join(DZ__F_mul, r, f);
}

/* The factors on one side of the line, behind `first`. A minus sign is the first factor's: -a b, not -(a b).
   Numbers whose product rounds to 1 are none. */
static dz_var side(const emission *m, size_t n, const dz__part *p, bool below, dz_var first, bool minus) {
  dz_var r = first;
  uint64_t late = 0;
  for (size_t k = 0; k < n; k++) {
    if (is_below(m->s, &p[k]) != below) continue;
    dz_var f = factor(m, &p[k], below);
    if (k < 64 && outweighs(r, f)) {
      late |= (uint64_t)1 << k;
      continue;
    }
    r = times(r, f, &minus);
    if (dz_is_number(r) && fabs(dz__number(r)) == 1) minus = dz__number(r) < 0, r = (dz_var){0};
  }
  for (size_t k = 0; late; k++, late >>= 1)
    if (late & 1) r = times(r, factor(m, &p[k], below), &minus);
  return minus ? dz_num(-1) : r;
}

static bool has_below(const dz__terms *s, size_t n, const dz__part *p) {
  for (size_t k = 0; k < n; k++)
    if (is_below(s, &p[k])) return true;
  return false;
}

/* The factors of a term, in order when they are few. */
static const dz__part *factors(const dz__terms *s, uint32_t i, dz__part *few, size_t *n) {
  const dz__term *x = dz__term_at(s, i);
  *n = 1;
  few[0] = (dz__part){i, s->one, dz__whole(0)};
  if (x->kind != DZ__K_PRODUCT) return few;
  *n = x->parts;
  if (x->parts > SORTED) return dz__parts_of(s, i);
  return sorted(s, i, few), few;
}

/* k term: 2 x y / (3 z), x / 2, 2.5 x, -x. */
static dz_var monomial(const emission *m, dz__ratio k, uint32_t i) {
  dz__part few[SORTED];
  size_t n;
  double v;
  if (i == m->s->one) return ratio(m, k);
  const dz__part *p = factors(m->s, i, few, &n);
  if (!has_below(m->s, n, p) && fabs(k.n) != 1 && dz__ratio_exact(k, &v)) k = dz__whole(v);
  bool unit = fabs(k.n) == 1;
  dz_var above = side(m, n, p, false, unit ? (dz_var){0} : dz_num(k.n), unit && k.n < 0);
  dz_var below = side(m, n, p, true, k.d != 1 ? dz_num(k.d) : (dz_var){0}, false);
  if (!above.tape) above = dz_num(1);
  return below.tape ? dz__two(DZ__F_div, above, below) : above;
}

/* ---- the other kinds ---- */

/* Where a part of a sum stands in a book, as 1 + 2 x: x^2 + 2, 1 + e^x, 1 - x; a before b. */
static uint32_t place_in_sum(const dz__terms *s, dz__part p) {
  const dz__term *x = dz__term_at(s, p.term);
  uint32_t sign = p.k.n < 0 ? 1u << 31 : 0, lead = p.term;
  bool leaf = x->kind == DZ__K_LEAF && p.term != s->later;
  for (uint32_t k = 0; x->kind == DZ__K_PRODUCT && k < x->parts; k++) {
    dz__part f = dz__parts_of(s, p.term)[k];
    leaf = (k == 0 || leaf) && dz__term_at(s, f.term)->kind == DZ__K_LEAF && !is_below(s, &f);
    leaf = leaf && f.term != s->later;
    if (k == 0 || f.term < lead) lead = f.term;
  }
  return sign + (leaf ? lead < 1u << 29 ? lead : 1u << 29 : p.term == s->one ? 1u << 29 : 1u << 30);
}

/* The part of a sum that comes next, after those that are `done`. */
static uint32_t next_part(const dz__terms *s, uint32_t i, uint64_t done) {
  uint32_t n = dz__term_at(s, i)->parts, best = n, place = 0;
  for (uint32_t k = 0; k < n; k++) {
    uint32_t own = place_in_sum(s, dz__parts_of(s, i)[k]);
    if ((done >> k & 1) || (best < n && own >= place)) continue;
    best = k;
    place = own;
  }
  return best;
}

static dz_var sum(const emission *m, uint32_t i) {
  dz__terms *s = m->s;
  dz_var r = {0};
  uint32_t n = dz__term_at(s, i)->parts;
  uint64_t done = 0;
  for (uint32_t j = 0; j < n; j++) {
    uint32_t k = s->book && n <= SORTED ? next_part(s, i, done) : j;
    done |= (uint64_t)1 << k % 64;
    dz__part p = dz__parts_of(s, i)[k];
    bool minus = r.tape && p.k.n < 0;
    if (minus) p.k.n = -p.k.n;
    r = join(minus ? DZ__F_sub : DZ__F_add, r, monomial(m, p.k, p.term));
  }
  return r;
}

/* Numbers alone would be computed at once: log(2) is to be seen. */
static dz_var kept(const emission *m, const dz__term *x, dz_var first) {
  for (uint32_t k = 0; k < x->parts; k++)
    if (dz__term_at(m->s, ((const dz__part *)m->s->parts.at)[x->part0 + k].term)->kind != DZ__K_NUMBER)
      return first;
  return dz_const(m->s->t, dz__number(first));
}

static dz_var call(const emission *m, uint32_t i) {
  dz__terms *s = m->s;
  const dz__term *x = dz__term_at(s, i);
  dz_var few[8], *args = few;
  size_t bytes = x->parts * sizeof *args;
  if (x->parts > 8) args = dz__alloc(&s->alloc, bytes);
  if (!args) return dz__poison(s->t, DZ_ERR_MEMORY, "simplify", "out of memory");
  for (uint32_t k = 0; k < x->parts; k++) {
    args[k] = node_of(m, dz__parts_of(s, i)[k].term);
    if (x->fn >= DZ__F_POINTWISE_END) args[k] = dz__as_node(s->t, args[k]);
  }
  if (x->fn < DZ__F_POINTWISE_END && dz_is_number(args[0])) args[0] = kept(m, x, args[0]);
  const int64_t *attr = x->attrs ? (const int64_t *)s->attrs.at + x->attr0 : NULL;
  dz_var r = dz__record((dz__fn)x->fn, (int)x->parts, args, (int)x->attrs, attr);
  if (args != few) dz__free(&s->alloc, args, bytes);
  return r;
}

static dz_var one(const emission *m, uint32_t i) {
  const dz__term *x = dz__term_at(m->s, i);
  if (x->kind == DZ__K_NUMBER) return dz_num(x->number);
  if (x->kind == DZ__K_LEAF) return dz__handle(m->s->t, x->node);
  if (x->kind == DZ__K_SUM) return sum(m, i);
  return x->kind == DZ__K_PRODUCT ? monomial(m, dz__whole(1), i) : call(m, i);
}

/* Parts of sums and products are laid out where they stand: only what those are made of needs nodes. */
static void want(const dz__terms *s, uint32_t i, uint8_t *wanted) {
  const dz__term *x = dz__term_at(s, i);
  for (uint32_t k = 0; k < x->parts; k++) {
    dz__part p = dz__parts_of(s, i)[k];
    bool inside = x->kind == DZ__K_SUM && dz__term_at(s, p.term)->kind == DZ__K_PRODUCT;
    if (inside)
      wanted[p.term] |= 2;
    else
      wanted[p.term] |= 1;
    if (x->kind == DZ__K_PRODUCT) wanted[p.power] |= 1;
  }
}

dz_var dz__emit_term(dz__terms *s, uint32_t i) {
  size_t n = (size_t)i + 1;
  emission m = {s, dz__alloc(&s->alloc, n * sizeof *m.node)};
  uint8_t *wanted = dz__alloc(&s->alloc, n);
  dz_var r = {.tape = s->t, .id = DZ__NONE};
  if (m.node && wanted) {
    memset(wanted, 0, n);
    wanted[i] = 1;
    for (size_t k = n; k-- > 0;)
      if (wanted[k]) want(s, (uint32_t)k, wanted);
    for (size_t k = 0; k < n; k++)
      if (wanted[k] & 1) m.node[k] = one(&m, (uint32_t)k);
    r = dz__as_node(s->t, m.node[i]);
  } else {
    dz__poison(s->t, DZ_ERR_MEMORY, "simplify", "out of memory");
  }
  dz__free(&s->alloc, m.node, n * sizeof *m.node);
  dz__free(&s->alloc, wanted, n);
  return r;
}
