/* Sums over steps: what a step adds to one number outside of it, where nothing in the steps reads that number
   and nothing else is added to it, is added up behind the steps of a block, when all terms are known. The
   order of the terms stays. */
#include "plan/pack.h"

#include "base/hash.h"

#include <string.h>

typedef struct use {
  uint32_t place, times; /* times: 0 where the entry is free; up to 2 */
} use;

typedef struct work {
  dz__loop *l;
  use *use; /* of places outside of steps, found by hashing */
  size_t uses;
  size_t *last; /* per register the last of the adjoints' instructions that writes it; 0: none does */
  size_t at;    /* the instruction at hand */
} work;

static bool is_outside(uint32_t place) {
  const unsigned where = dz__where_of(place);
  return where == DZ__GRAD || where == DZ__UNI;
}

static use *use_of(const work *w, uint32_t place) {
  size_t k = dz__mix(0, place) & (w->uses - 1);
  while (w->use[k].times && w->use[k].place != place) k = (k + 1) & (w->uses - 1);
  return &w->use[k];
}

static void note(void *user, uint32_t *place, unsigned access) {
  work *w = user;
  if (is_outside(*place)) {
    use *u = use_of(w, *place);
    *u = (use){*place, u->times ? 2 : 1};
  } else if (access & DZ__WRITTEN && dz__is_register(*place)) {
    w->last[dz__place_index(*place)] = w->at;
  }
}

/* Whether all steps of a block leave there what instruction `at` reads. The values of a state have registers
   of their own, which adjoints do not write. */
static bool stays(const work *w, uint32_t place, size_t at) {
  const uint64_t lasting = DZ__BIT(DZ__OUT) | DZ__BIT(DZ__IN) | DZ__BIT(DZ__INS) | DZ__BIT(DZ__ROW);
  return dz__is_register(place) ? w->last[dz__place_index(place)] <= at
                                : dz__one_of(dz__where_of(place), lasting);
}

static bool is_late(const work *w, const dz__instruction *i, size_t at) {
  const uint64_t adding =
      DZ__BIT(DZ__I_ACC) | DZ__BIT(DZ__I_DEC) | DZ__BIT(DZ__I_MULADD) | DZ__BIT(DZ__I_MULSUB);
  return dz__one_of(i->op, adding) && is_outside(i->d) && use_of(w, i->d)->times == 1 && stays(w, i->a, at) &&
         (!dz__op_multiplies(i->op) || stays(w, i->b, at));
}

/* Arrays of numbers, of which one may be any. */
static bool adds_to_arrays(const dz__loop *l) {
  const uint64_t arrays = DZ__BIT(DZ__I_STORE) | DZ__BIT(DZ__I_SCATTER) | DZ__BIT(DZ__I_PUT);
  bool any = false;
  for (size_t k = l->parts.zeros; k < l->parts.adjoints; k++) any |= dz__one_of(l->packed.at[k].op, arrays);
  return any;
}

static void find_uses(work *w) {
  const dz__routine *c = &w->l->packed;
  for (size_t k = w->l->parts.values; k < w->l->parts.adjoints; k++) {
    w->at = k;
    dz__each_place(c, &c->at[k], note, w);
  }
}

/* To the end of the adjoints, in their order. */
static void move_late(const work *w, dz__instruction *room) {
  dz__parts *p = &w->l->parts;
  dz__instruction *at = w->l->packed.at;
  size_t n = p->zeros, late = 0;
  for (size_t k = p->zeros; k < p->adjoints; k++)
    if (is_late(w, &at[k], k))
      room[late++] = at[k];
    else
      at[n++] = at[k];
  memcpy(at + n, room, late * sizeof *at);
  p->adjoints = n;
}

static size_t places_of(const dz__loop *l) {
  size_t n = 2;
  while (n < 8 * (l->packed.n + l->packed.lists + 1)) n *= 2;
  return n;
}

bool dz__pack_late(const dz_allocator *a, dz__loop *l) {
  work w = {.l = l, .uses = places_of(l)};
  const size_t places = w.uses * sizeof *w.use, registers = (l->packed.slots + 1) * sizeof *w.last,
               room = (l->packed.n + 1) * sizeof(dz__instruction);
  dz__instruction *moved = dz__alloc(a, room);
  w.use = dz__alloc(a, places);
  w.last = dz__alloc(a, registers);
  const bool done = w.use && w.last && moved;
  l->parts.sums = l->parts.adjoints;
  if (done && !adds_to_arrays(l)) {
    memset(w.use, 0, places);
    memset(w.last, 0, registers);
    find_uses(&w);
    move_late(&w, moved);
  }
  dz__free(a, w.use, places);
  dz__free(a, w.last, registers);
  dz__free(a, moved, room);
  return done;
}
