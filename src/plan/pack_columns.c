/* Columns of a table side by side: read and written together, line by line of the cache. */
#include "plan/pack.h"

/* Of one table. */
static bool goes_along(const dz__instruction *first, const dz__instruction *next) {
  return first->op == next->op && first->c == next->c &&
         dz__where_of(first->op == DZ__I_LOAD ? first->a : first->d) ==
             dz__where_of(next->op == DZ__I_LOAD ? next->a : next->d);
}

static bool place_in(dz__packing *k, dz__item *s, uint32_t place) {
  if (!dz__grow(k->alloc, (void **)&k->term, &k->term_cap, k->terms + 1, sizeof *k->term)) return false;
  k->term[k->terms++] = (dz__term){DZ__T_V, place, DZ__NOWHERE, 0};
  if (s->last)
    k->term[s->last - 1].next = (uint32_t)k->terms;
  else
    s->first = (uint32_t)k->terms;
  s->last = (uint32_t)k->terms;
  return true;
}

static uint32_t column(const dz__item *s) { return s->i.op == DZ__I_LOAD ? s->i.a : s->i.d; }
static uint32_t vector(const dz__item *s) { return s->i.op == DZ__I_LOAD ? s->i.d : s->i.a; }

/* Items at[0 .. n) by column: neighbours become one item, in the place of the last of them. */
static bool join(dz__packing *k, uint32_t *at, size_t n) {
  for (size_t j = 1; j < n; j++) /* they are few, and mostly in order */
    for (size_t l = j; l > 0 && column(&k->item[at[l]]) < column(&k->item[at[l - 1]]); l--) {
      uint32_t t = at[l];
      at[l] = at[l - 1], at[l - 1] = t;
    }
  for (size_t j = 0; j < n;) {
    dz__item s = {.i = k->item[at[j]].i};
    s.i.op = (uint8_t)(s.i.op == DZ__I_LOAD ? DZ__I_LOADS : DZ__I_PUTS);
    uint32_t spot = at[j], before = column(&k->item[at[j]]);
    size_t end = j + 1;
    for (; end < n && column(&k->item[at[end]]) == before + 1; end++, before++)
      if (at[end] > spot) spot = at[end];
    for (size_t l = j; l < end && end > j + 1; l++) {
      if (!place_in(k, &s, vector(&k->item[at[l]]))) return false;
      k->item[at[l]].dropped = true;
    }
    if (end > j + 1) k->item[spot] = s;
    j = end;
  }
  return true;
}

/* What adjoints begin with is no column, so none go along across their beginning. */
bool dz__pack_columns(dz__packing *k) {
  uint32_t at[DZ__MOST_COLUMNS];
  size_t n = 0;
  for (size_t j = 0; j <= k->items; j++) {
    const dz__item *s = j < k->items ? &k->item[j] : NULL;
    if (s && (s->dropped || s->i.op == DZ__I_ZERO) && j != k->reverse) continue;
    bool column = s && (s->i.op == DZ__I_LOAD || s->i.op == DZ__I_PUT);
    bool along = column && n && n < DZ__MOST_COLUMNS && goes_along(&k->item[at[0]].i, &s->i);
    if (n > 1 && !along && !join(k, at, n)) return false;
    if (!along) n = 0;
    if (column) at[n++] = (uint32_t)j;
  }
  return true;
}
