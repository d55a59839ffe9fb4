/* Sums into sums, and what nobody reads goes. */
#include "plan/pack.h"

static void count(void *user, uint32_t *place, unsigned access) {
  if (access & DZ__READ && dz__is_register(*place)) dz__made_of(user, *place)->uses++;
}

static void forget(void *user, uint32_t *place, unsigned access) {
  if (access & DZ__READ && dz__is_register(*place)) dz__made_of(user, *place)->uses--;
}

static bool is_wanted(const dz__packing *k, const dz__item *item) {
  const dz__instruction *i = &item->i;
  switch ((dz__step_op)i->op) {
  case DZ__I_STORE:
  case DZ__I_PUT:
  case DZ__I_SCATTER:
  case DZ__I_RSELECT:
  case DZ__I_REDS:
  case DZ__I_FNK: /* its slope is read */
    return true;
  case DZ__I_LINE:
    if (i->mode != DZ__TO_PLACE) return true;
    break;
  default:
    break;
  }
  return !dz__is_register(i->d) || dz__made_of(k, i->d)->uses > 0;
}

static void drop_unread(dz__packing *k) {
  for (size_t j = k->items; j-- > 0;) {
    dz__item *item = &k->item[j];
    if (item->dropped || is_wanted(k, item)) continue;
    dz__each_of_item(k, item, forget, k);
    item->dropped = true;
  }
}

/* The sum that this term is, if nothing else reads it. */
static dz__item *sum_behind(dz__packing *k, const dz__term *t) {
  if ((t->how & DZ__T_MASK) != DZ__T_V || !dz__is_sole(k, t->a) || dz__made_of(k, t->a)->uses != 1)
    return NULL;
  uint32_t by = dz__made_of(k, t->a)->by;
  return by != DZ__NOWHERE ? &k->item[by] : NULL;
}

/* x + (y + z) is (y + z) + x, to the last bit. */
static void turn(dz__packing *k, dz__item *item) {
  dz__term *x = &k->term[item->first - 1], *y = x->next ? &k->term[x->next - 1] : NULL;
  if (!y || y->next || y->how & DZ__SUBTRACT) return;
  const dz__item *s = sum_behind(k, x), *t = sum_behind(k, y);
  bool goes = s && (s->first == s->last || !(x->how & DZ__SUBTRACT));
  if (goes || !t || t->first == t->last) return;
  dz__term one = *x, two = *y;
  *x = (dz__term){two.how, two.a, two.b, x->next};
  *y = (dz__term){one.how, one.a, one.b, 0};
}

/* -(x + x) is -x - x, a zero's sign included. */
static bool is_double(const dz__packing *k, const dz__item *item) {
  const dz__term *x = &k->term[item->first - 1], *y = &k->term[item->last - 1];
  return x->next == item->last && x->how == y->how && x->a == y->a && x->b == y->b;
}

static void merge(dz__packing *k, dz__item *item) {
  turn(k, item);
  for (uint32_t at = item->first; at; at = k->term[at - 1].next) {
    dz__term *t = &k->term[at - 1];
    dz__item *s = sum_behind(k, t);
    if (!s) continue;
    const dz__term *first = &k->term[s->first - 1];
    uint32_t sign = t->how & DZ__SUBTRACT;
    if (s->first == s->last) {
      *t = (dz__term){first->how ^ sign, first->a, first->b, t->next};
      s->dropped = true;
    } else if (at == item->first && (!sign || is_double(k, s))) {
      dz__term *last = &k->term[s->last - 1];
      last->next = t->next;
      last->how ^= sign;
      if (item->last == at) item->last = s->last;
      uint32_t next = first->next;
      *t = (dz__term){first->how ^ sign, first->a, first->b, next};
      s->dropped = true;
    }
  }
}

void dz__pack_merge(dz__packing *k) {
  for (size_t j = 0; j < k->items; j++)
    if (!k->item[j].dropped) dz__each_of_item(k, &k->item[j], count, k);
  drop_unread(k);
  for (size_t j = 0; j < k->items; j++) {
    dz__item *item = &k->item[j];
    if (item->dropped) continue;
    if (item->i.op != DZ__I_LINE) continue;
    if (item->i.mode == DZ__TO_PLACE && dz__is_sole(k, item->i.d))
      dz__made_of(k, item->i.d)->by = (uint32_t)j;
    merge(k, item);
  }
}
