/* Equal operations on equal operands become one, copies go, and a number that stands in every lane is read
   as one. */
#include "plan/pack.h"

typedef struct table {
  uint32_t *bucket, *next; /* items, from 1 */
  size_t buckets, items;
} table;

static void replace(void *user, uint32_t *place, unsigned access) {
  const dz__packing *k = user;
  if (access == DZ__READ && dz__is_register(*place)) *place = dz__made_of(k, *place)->instead;
}

static uint32_t everywhere(const dz__packing *k, uint32_t place) {
  return dz__is_register(place) ? dz__made_of(k, place)->everywhere : DZ__NOWHERE;
}

/* One number for all is not read as a vector; a factor of 1 not at all; factors stand in one order. */
static void plainer(const dz__packing *k, dz__term *t) {
  uint32_t how = t->how & DZ__T_MASK, sign = t->how & DZ__SUBTRACT;
  if (how == DZ__T_VV) {
    uint32_t a = everywhere(k, t->a), b = everywhere(k, t->b);
    if (b != DZ__NOWHERE) {
      how = DZ__T_VS, t->b = b;
    } else if (a != DZ__NOWHERE) {
      how = DZ__T_VS, t->a = t->b, t->b = a;
    } else if (t->a > t->b) {
      a = t->a, t->a = t->b, t->b = a;
    }
  }
  if (how == DZ__T_VS && t->b == k->one) how = DZ__T_V, t->b = DZ__NOWHERE;
  if (how == DZ__T_V && everywhere(k, t->a) != DZ__NOWHERE) how = DZ__T_S, t->a = everywhere(k, t->a);
  t->how = how | sign;
}

static uint32_t mix(uint32_t h, uint32_t x) {
  h = (h ^ x) * 0x9e3779b1u;
  return h ^ h >> 15;
}

static uint32_t hash_of(const dz__packing *k, const dz__item *item) {
  const dz__instruction *i = &item->i;
  uint32_t h = mix(0, (uint32_t)i->op << 16 | (uint32_t)i->mode << 8 | i->fn);
  if (!item->first) h = mix(mix(mix(h, i->a), i->b), i->c);
  for (uint32_t t = item->first; t; t = k->term[t - 1].next)
    h = mix(mix(mix(h, k->term[t - 1].how), k->term[t - 1].a), k->term[t - 1].b);
  return h;
}

static bool same(const dz__packing *k, const dz__item *x, const dz__item *y) {
  const dz__instruction *i = &x->i, *j = &y->i;
  if (i->op != j->op || i->mode != j->mode || i->fn != j->fn) return false;
  if (!x->first) return i->a == j->a && i->b == j->b && i->c == j->c;
  uint32_t s = x->first, t = y->first;
  while (s && t) {
    const dz__term *u = &k->term[s - 1], *v = &k->term[t - 1];
    if (u->how != v->how || u->a != v->a || u->b != v->b) return false;
    s = u->next, t = v->next;
  }
  return s == t;
}

/* Depends on its operands alone. */
static bool is_pure(const dz__packing *k, const dz__item *item) {
  switch ((dz__step_op)item->i.op) {
  case DZ__I_LINE:
  case DZ__I_SLOPE:
  case DZ__I_DIV:
  case DZ__I_FN:
  case DZ__I_LOAD:
  case DZ__I_GATHER:
  case DZ__I_SPREAD:
    return (item->i.op != DZ__I_LINE || item->i.mode == DZ__TO_PLACE) && dz__is_sole(k, item->i.d);
  default:
    return false;
  }
}

/* Where the item's result stands already: a copy's original, or a run of numbers itself. */
static uint32_t original(const dz__packing *k, const dz__item *item) {
  const dz__instruction *i = &item->i;
  if (i->op == DZ__I_LOAD && i->c == 1)
    return dz__place_at(DZ__INS, dz__place_index(i->a)); /* others read such runs where they are */
  if (i->op != DZ__I_LINE || item->first != item->last) return DZ__NOWHERE;
  return k->term[item->first - 1].how == DZ__T_V ? k->term[item->first - 1].a : DZ__NOWHERE;
}

static void settle(dz__packing *k, table *t, size_t at) {
  dz__item *item = &k->item[at];
  dz__made *m = dz__made_of(k, item->i.d);
  uint32_t is = original(k, item);
  if (item->i.op == DZ__I_SPREAD) m->everywhere = item->i.a;
  if (item->i.op == DZ__I_LINE && item->first == item->last && k->term[item->first - 1].how == DZ__T_S)
    m->everywhere = k->term[item->first - 1].a;
  uint32_t *bucket = &t->bucket[hash_of(k, item) & (t->buckets - 1)];
  for (uint32_t j = *bucket; j && is == DZ__NOWHERE; j = t->next[j - 1])
    if (same(k, &k->item[j - 1], item)) is = k->item[j - 1].i.d;
  if (is != DZ__NOWHERE) {
    m->instead = is;
    item->dropped = true;
    return;
  }
  t->next[at] = *bucket;
  *bucket = (uint32_t)at + 1;
}

/* ---- the same number in all lanes ---- */

/* A sum of what is the same in all lanes is so too: terms are then read as one number. */
static void look_for_lone(dz__packing *k, const dz__item *item) {
  dz__made *m = dz__made_of(k, item->i.d);
  for (uint32_t t = item->first; t; t = k->term[t - 1].next) {
    uint32_t how = k->term[t - 1].how & DZ__T_MASK;
    if (how != DZ__T_S && (how != DZ__T_VS || everywhere(k, k->term[t - 1].a) == DZ__NOWHERE)) return;
  }
  m->lone = true;
  if (m->everywhere == DZ__NOWHERE) m->everywhere = item->i.d;
}

static void is_vector(void *user, uint32_t *place, unsigned access) {
  if (access & DZ__READ && dz__is_register(*place)) dz__made_of(user, *place)->lone = false;
}

/* What is read as a vector is one: backwards, since that may make vectors of what it is made of. */
static void settle_lone(dz__packing *k) {
  for (size_t j = k->items; j-- > 0;) {
    dz__item *item = &k->item[j];
    bool line = item->i.op == DZ__I_LINE;
    if (item->dropped) continue;
    if (line && item->i.mode == DZ__TO_PLACE && dz__is_register(item->i.d)) {
      item->i.flags = dz__made_of(k, item->i.d)->lone;
      if (item->i.flags) continue;
    }
    if (!line) dz__each_of_item(k, item, is_vector, k);
    for (uint32_t t = line ? item->first : 0; t; t = k->term[t - 1].next) {
      dz__term *term = &k->term[t - 1];
      uint32_t how = term->how & DZ__T_MASK;
      if (how != DZ__T_S) is_vector(k, &term->a, DZ__READ);
      if (how == DZ__T_VV) is_vector(k, &term->b, DZ__READ);
    }
  }
}

static void equal(dz__packing *k, table *t) {
  for (size_t at = 0; at < k->items; at++) {
    dz__item *item = &k->item[at];
    dz__each_of_item(k, item, replace, k);
    for (uint32_t j = item->i.op == DZ__I_LINE ? item->first : 0; j; j = k->term[j - 1].next)
      plainer(k, &k->term[j - 1]);
    if (is_pure(k, item)) {
      settle(k, t, at);
      if (item->i.op == DZ__I_LINE && !item->dropped) look_for_lone(k, item);
    }
  }
}

bool dz__pack_equal(dz__packing *k) {
  table t = {.buckets = 16, .items = k->items};
  while (t.buckets < k->items) t.buckets *= 2;
  t.bucket = dz__alloc(k->alloc, t.buckets * sizeof *t.bucket);
  t.next = dz__alloc(k->alloc, (t.items + 1) * sizeof *t.next);
  bool done = t.bucket && t.next;
  for (size_t j = 0; done && j < t.buckets; j++) t.bucket[j] = 0;
  if (done) equal(k, &t), settle_lone(k);
  dz__free(k->alloc, t.bucket, t.buckets * sizeof *t.bucket);
  dz__free(k->alloc, t.next, (t.items + 1) * sizeof *t.next);
  return done;
}
