/* Runs: neighbours in a list, all products, whose places go on evenly, as the rows of a matrix and a state
   do. The first says how many they are, and the machine for one step after another takes them at once. Each
   stays a term of its own for all who do not ask. */
#include "plan/pack.h"

enum { SHORTEST = 3, LONGEST = 1 << (32 - DZ__RUN_BITS) };

/* From one place to another; places of different kinds are too far apart to be `even`. */
static int64_t way(uint32_t from, uint32_t to) { return (int64_t)to - (int64_t)from; }

static bool is_even(const uint32_t *t, uint32_t k, size_t j) {
  return dz__where_of(t[j]) == dz__where_of(t[3 * (size_t)k + j]) &&
         way(t[3 * (size_t)(k - 1) + j], t[3 * (size_t)k + j]) == way(t[j], t[3 + j]);
}

/* How many terms from t on, of at most n, all of one kind, go on evenly in both places. */
static uint32_t evenly(const uint32_t *t, uint32_t n) {
  uint32_t k = 1;
  while (k < n && k < LONGEST && t[3 * (size_t)k] == t[0] && is_even(t, k, 1) && is_even(t, k, 2)) k++;
  return k;
}

/* Whether places from `a` on and from `b` on, n of each, have none in common. */
static bool are_apart(const uint32_t *t, uint32_t n) {
  const uint32_t *last = t + 3 * (size_t)(n - 1);
  const uint32_t from[2] = {t[1] < last[1] ? t[1] : last[1], t[2] < last[2] ? t[2] : last[2]};
  const uint32_t to[2] = {t[1] < last[1] ? last[1] : t[1], t[2] < last[2] ? last[2] : t[2]};
  return to[0] < from[1] || to[1] < from[0];
}

/* `flows`: what t[2] has is written. */
static void mark(uint32_t *t, uint32_t terms, uint64_t products, bool flows) {
  for (uint32_t k = 0, n = 1; k < terms; k += n) {
    uint32_t *first = t + 3 * (size_t)k;
    n = dz__one_of(first[0] & ~(uint32_t)DZ__SUBTRACT, products) ? evenly(first, terms - k) : 1;
    const bool moves = n > 1 && first[2] != first[5];
    if (n >= SHORTEST && (!flows || (moves && are_apart(first, n)))) first[0] |= (n - 1) << DZ__RUN_BITS;
  }
}

void dz__pack_runs(dz__routine *c) {
  for (size_t k = 0; k < c->n; k++) {
    const dz__instruction *i = &c->at[k];
    if (i->op == DZ__I_SUM) mark(c->list + i->a, i->b, DZ__BIT(DZ__T_VV) | DZ__BIT(DZ__T_VS), false);
    if (i->op == DZ__I_RSUM) mark(c->list + i->b, i->c, DZ__BIT(DZ__R_ADDV) | DZ__BIT(DZ__R_ADDS), true);
  }
}
