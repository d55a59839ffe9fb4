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
  uint32_t *own,
      *passed; /* per register: behind which instruction it keeps what the adjoints of a step leave in it;
                  and what they leave in that of the step before. 0: they write nothing there */
  size_t at;   /* the instruction at hand, counted from 1 */
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
  const unsigned where = dz__where_of(*place);
  if (is_outside(*place)) {
    use *u = use_of(w, *place);
    *u = (use){*place, u->times ? 2 : 1};
  } else if (access & DZ__WRITTEN && (where == DZ__REG || where == DZ__OUT)) {
    (where == DZ__REG ? w->own : w->passed)[dz__place_index(*place)] = (uint32_t)w->at;
  }
}

/* Whether all steps of a block leave there what instruction `at` reads. */
static bool stays(const work *w, uint32_t place, size_t at) {
  const uint32_t k = dz__place_index(place);
  switch ((dz__where)dz__where_of(place)) {
  case DZ__REG:
    return w->own[k] <= at;
  case DZ__OUT:
    return w->own[k] == 0 && w->passed[k] <= at;
  default:
    return dz__one_of(dz__where_of(place), DZ__BIT(DZ__IN) | DZ__BIT(DZ__INS) | DZ__BIT(DZ__ROW));
  }
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
  memset(w->own, 0, c->slots * sizeof *w->own);
  memset(w->passed, 0, c->slots * sizeof *w->passed);
  memset(w->use, 0, w->uses * sizeof *w->use);
  for (size_t k = w->l->parts.values; k < w->l->parts.adjoints; k++) {
    w->at = k + 1;
    dz__each_place(c, &c->at[k], note, w);
  }
}

/* To the end of the adjoints, in their order. */
static void move_late(const work *w, dz__instruction *room) {
  dz__parts *p = &w->l->parts;
  dz__instruction *at = w->l->packed.at;
  size_t n = p->zeros, late = 0;
  for (size_t k = p->zeros; k < p->adjoints; k++)
    if (is_late(w, &at[k], k + 1))
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
  const size_t registers = (l->packed.slots + 1) * sizeof(uint32_t),
               room = (l->packed.n + 1) * sizeof(dz__instruction);
  work w = {.l = l, .uses = places_of(l), .own = dz__alloc(a, registers), .passed = dz__alloc(a, registers)};
  dz__instruction *moved = dz__alloc(a, room);
  w.use = dz__alloc(a, w.uses * sizeof *w.use);
  const bool done = w.use && w.own && w.passed && moved;
  l->parts.sums = l->parts.adjoints;
  if (done && !adds_to_arrays(l)) {
    find_uses(&w);
    move_late(&w, moved);
  }
  dz__free(a, w.use, w.uses * sizeof *w.use);
  dz__free(a, w.own, registers);
  dz__free(a, w.passed, registers);
  dz__free(a, moved, room);
  return done;
}
