/* Copies in the adjoints of a step: what reads one reads the original instead, where both stay to the end,
   and the copy goes. So a register that only held it keeps what it had, for sums over steps (pack_late.c). */
#include "plan/pack.h"

typedef struct known {
  size_t last;      /* the last of the adjoints' instructions that writes it; 0: none does */
  size_t writes;    /* how many do */
  uint32_t instead; /* where the same stands; DZ__NOWHERE before that is found */
} known;

typedef struct work {
  known *at;     /* per register */
  size_t number; /* of the instruction at hand */
} work;

static known *known_of(const work *w, uint32_t place) { return &w->at[dz__place_index(place)]; }

static void note(void *user, uint32_t *place, unsigned access) {
  work *w = user;
  if (!dz__is_register(*place) || !(access & DZ__WRITTEN)) return;
  known_of(w, *place)->last = w->number;
  known_of(w, *place)->writes++;
}

static void replace(void *user, uint32_t *place, unsigned access) {
  const work *w = user;
  if (!dz__is_register(*place) || access & DZ__WRITTEN) return;
  const uint32_t instead = known_of(w, *place)->instead;
  if (instead != DZ__NOWHERE) *place = instead;
}

static bool is_copy(const work *w, const dz__instruction *i, size_t number) {
  return i->op == DZ__I_MOV && dz__is_register(i->d) && dz__is_register(i->a) &&
         known_of(w, i->d)->writes == 1 && known_of(w, i->a)->last < number;
}

bool dz__pack_copies(const dz_allocator *a, dz__loop *l, uint8_t *gone) {
  const dz__routine *c = &l->packed;
  const size_t bytes = (c->slots + 1) * sizeof(known);
  work w = {.at = dz__alloc(a, bytes)};
  if (!w.at) return false;
  for (size_t r = 0; r < c->slots; r++) w.at[r] = (known){.instead = DZ__NOWHERE};
  for (w.number = l->zeroed; w.number < l->leave; w.number++) dz__each_place(c, &c->at[w.number], note, &w);
  for (size_t k = l->zeroed; k < l->leave; k++) {
    const dz__instruction *i = &c->at[k];
    dz__each_place(c, &c->at[k], replace, &w);
    if (!is_copy(&w, i, k)) continue;
    known_of(&w, i->d)->instead = i->a;
    gone[k] = 1;
  }
  dz__free(a, w.at, bytes);
  return true;
}
