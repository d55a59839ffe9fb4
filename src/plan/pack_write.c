/* From items back to code. */
#include "plan/pack.h"

#include "plan/graph.h"

static bool note(dz__packing *k, uint32_t word) {
  dz__routine *c = k->to;
  if (!dz__list_room(k->alloc, c, 1)) return false;
  c->list[c->lists++] = word;
  return true;
}

/* A product is multiplied once where it is added twice. */
static void join_twins(dz__packing *k, const dz__item *item) {
  for (uint32_t at = item->first; at; at = k->term[at - 1].next) {
    dz__term *t = &k->term[at - 1], *next = t->next ? &k->term[t->next - 1] : t;
    if (next == t || t->how != next->how || t->a != next->a || t->b != next->b) continue;
    if ((t->how & DZ__T_MASK) < DZ__T_VV) continue;
    t->how |= DZ__TWICE;
    t->next = next->next;
  }
}

static bool write_item(dz__packing *k, const dz__item *item) {
  dz__routine *c = k->to;
  dz__instruction i = item->i;
  uint32_t n = 0, at = (uint32_t)c->lists;
  bool line = i.op == DZ__I_LINE, triples = line || i.op == DZ__I_REDS, done = true;
  if (line) join_twins(k, item);
  for (uint32_t t = item->first; t && done; n++) {
    const dz__term *term = &k->term[t - 1];
    if (triples) done = note(k, term->how);
    done = done && note(k, term->a) && (!triples || note(k, term->b));
    t = term->next;
  }
  if (line || i.op == DZ__I_PUTS) i.a = at, i.b = n;
  if (i.op == DZ__I_LOADS) i.b = at, i.d = n;
  if (i.op == DZ__I_REDS) i.b = at, i.c = n;
  if (!triples && item->first && i.op != DZ__I_LOADS) i.a = at;
  if (!done || !dz__grow(k->alloc, (void **)&c->at, &c->cap, c->n + 1, sizeof *c->at)) return false;
  c->at[c->n++] = i;
  return true;
}

bool dz__pack_write(dz__packing *k) {
  for (size_t j = 0; j < k->items; j++) {
    if (j == k->reverse) k->to->reverse = k->to->n;
    if (!k->item[j].dropped && !write_item(k, &k->item[j])) return false;
  }
  if (k->reverse >= k->items) k->to->reverse = k->to->n;
  return dz__schedule(k->alloc, k->to, k->registers, dz__place_at(DZ__REG, 0), false);
}
