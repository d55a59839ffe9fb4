/* Registers to slots by liveness: one pass finds where each is last used, a second hands slots out. */
#include "plan/program.h"

#include <string.h>

/* Which of a, b, c, d are places that are read; which of d and b are written. */
enum { A = 1, B = 2, C = 4, D = 8, TO_D = 16, TO_B = 32 };
static const uint8_t places[] = {[DZ__I_ZERO] = TO_D,
                                 [DZ__I_SPREAD] = TO_D | A,
                                 [DZ__I_MOV] = TO_D | A,
                                 [DZ__I_NEG] = TO_D | A,
                                 [DZ__I_ACC] = TO_D | D | A,
                                 [DZ__I_DEC] = TO_D | D | A,
                                 [DZ__I_ADD] = TO_D | A | B,
                                 [DZ__I_SUB] = TO_D | A | B,
                                 [DZ__I_MUL] = TO_D | A | B,
                                 [DZ__I_DIV] = TO_D | A | B,
                                 [DZ__I_MULNEG] = TO_D | A | B,
                                 [DZ__I_MULADD] = TO_D | D | A | B,
                                 [DZ__I_MULSUB] = TO_D | D | A | B,
                                 [DZ__I_SUM] = TO_D,
                                 [DZ__I_RSUM] = A,
                                 [DZ__I_FN] = TO_D | A | B | C,
                                 [DZ__I_FNK] = TO_D | A | TO_B,
                                 [DZ__I_PART] = TO_D,
                                 [DZ__I_PARTADD] = TO_D | D,
                                 [DZ__I_LOAD] = TO_D | A,
                                 [DZ__I_GATHER] = TO_D | A,
                                 [DZ__I_SELECT] = TO_D,
                                 [DZ__I_RSELECT] = D,
                                 [DZ__I_STORE] = TO_D | D | A,
                                 [DZ__I_PUT] = TO_D | A,
                                 [DZ__I_SCATTER] = TO_D | D | A,
                                 [DZ__I_RED] = A,
                                 [DZ__I_DECRED] = A,
                                 [DZ__I_REDMUL] = A | B,
                                 [DZ__I_REDMULNEG] = A | B,
                                 [DZ__I_CALL] = 0,
                                 [DZ__I_LINE] = 0,
                                 [DZ__I_REDS] = A,
                                 [DZ__I_SLOPE] = TO_D,
                                 [DZ__I_LOADS] = 0,
                                 [DZ__I_PUTS] = 0};

/* Flows of a sum: the factor, and the place. */
static void each_flow(const dz__instruction *i, uint32_t *t, dz__visit *f, void *user) {
  for (uint32_t k = 0; k < i->c; k++, t += 3) {
    unsigned how = t[0] & DZ__T_MASK;
    bool set = dz__flow_sets(how);
    if (t[1] != DZ__NOWHERE) f(user, t + 1, DZ__READ);
    if (!dz__flow_sums(how)) f(user, t + 2, set ? DZ__WRITTEN : DZ__READ | DZ__WRITTEN);
  }
}

/* Where the instruction's part of the list is; NULL for one that has none. */
static uint32_t *listed(const dz__routine *c, const dz__instruction *i) {
  switch (i->op) {
  case DZ__I_SUM:
  case DZ__I_LINE:
  case DZ__I_SLOPE:
  case DZ__I_PUTS:
  case DZ__I_PART:
  case DZ__I_PARTADD:
  case DZ__I_SELECT:
  case DZ__I_RSELECT:
    return c->list + i->a;
  default:
    return NULL;
  }
}

void dz__each_place(const dz__routine *c, dz__instruction *i, dz__visit *f, void *user) {
  unsigned p = places[i->op];
  uint32_t *t = listed(c, i);
  if (p & A) f(user, &i->a, DZ__READ);
  if (p & (B | TO_B)) f(user, &i->b, p & B ? DZ__READ : DZ__WRITTEN);
  if (p & C) f(user, &i->c, DZ__READ);
  if (i->op == DZ__I_SUM || i->op == DZ__I_LINE)
    for (uint32_t k = 0; k < i->b; k++, t += 3) {
      f(user, t + 1, DZ__READ);
      if ((t[0] & DZ__T_MASK) >= DZ__T_VV) f(user, t + 2, DZ__READ);
    }
  if (i->op == DZ__I_LINE && i->mode == DZ__TO_PLACE) f(user, &i->d, DZ__WRITTEN);
  if (i->op == DZ__I_RSUM || i->op == DZ__I_REDS) each_flow(i, c->list + i->b, f, user);
  if (i->op == DZ__I_SLOPE)
    for (int k = 0; k < 4; k++) f(user, t + k, DZ__READ);
  for (uint32_t k = 0; i->op == DZ__I_LOADS && k < i->d; k++) f(user, c->list + i->b + k, DZ__WRITTEN);
  for (uint32_t k = 0; i->op == DZ__I_PUTS && k < i->b; k++) f(user, t + k, DZ__READ);
  if (i->op == DZ__I_PART || i->op == DZ__I_PARTADD)
    for (int k = 0; k < 5; k++) f(user, t + k, DZ__READ);
  if (i->op == DZ__I_SELECT || i->op == DZ__I_RSELECT)
    for (uint32_t k = 0; k < i->c; k++)
      f(user, t + k, i->op == DZ__I_SELECT ? DZ__READ : DZ__READ | DZ__WRITTEN);
  if (p & (D | TO_D)) f(user, &i->d, (p & D ? DZ__READ : 0) | (p & TO_D ? DZ__WRITTEN : 0));
}

typedef struct work {
  bool sequence;
  uint32_t *last, *slot, *freed; /* per register; slot DZ__NOWHERE before its first use */
  uint32_t at, first;
  size_t slots, frees;
} work;

static bool is_before(const work *w, uint32_t place) { return w->sequence && dz__where_of(place) == DZ__OUT; }
static bool is_register(const work *w, uint32_t place) {
  return dz__where_of(place) == DZ__REG || is_before(w, place);
}

static void note_last(void *user, uint32_t *place, unsigned access) {
  work *w = user;
  (void)access;
  if (!is_register(w, *place)) return;
  uint32_t *last = &w->last[dz__place_index(*place)];
  if (is_before(w, *place) || *last == DZ__NOWHERE - 1)
    *last = DZ__NOWHERE - 1; /* never free */
  else
    *last = w->at;
}

static void hand_out(void *user, uint32_t *place, unsigned access) {
  work *w = user;
  (void)access;
  if (!is_register(w, *place)) return;
  uint32_t *slot = &w->slot[dz__place_index(*place)];
  if (*slot == DZ__NOWHERE) *slot = w->frees ? w->freed[--w->frees] : (uint32_t)w->slots++;
}

/* After the whole instruction has its slots: a result never takes the place of an operand. */
static void put_back(void *user, uint32_t *place, unsigned access) {
  work *w = user;
  (void)access;
  if (!is_register(w, *place)) return;
  uint32_t r = dz__place_index(*place);
  *place = (is_before(w, *place) ? dz__place_at(DZ__OUT, 0) : w->first) + w->slot[r];
  if (w->last[r] != w->at) return;
  w->last[r] = DZ__NOWHERE;
  w->freed[w->frees++] = w->slot[r];
}

bool dz__schedule(const dz_allocator *a, dz__routine *c, size_t registers, uint32_t first, bool sequence) {
  size_t bytes = (registers + 1) * sizeof(uint32_t);
  work w = {sequence, dz__alloc(a, bytes), dz__alloc(a, bytes), dz__alloc(a, bytes), 0, first, 0, 0};
  bool done = w.last && w.slot && w.freed;
  if (done) {
    memset(w.slot, 0xff, bytes);
    memset(w.last, 0xff, bytes);
    for (w.at = 0; w.at < c->n; w.at++) dz__each_place(c, &c->at[w.at], note_last, &w);
    for (w.at = 0; w.at < c->n; w.at++) {
      dz__each_place(c, &c->at[w.at], hand_out, &w);
      dz__each_place(c, &c->at[w.at], put_back, &w);
    }
    c->slots = w.slots;
  }
  dz__free(a, w.last, bytes);
  dz__free(a, w.slot, bytes);
  dz__free(a, w.freed, bytes);
  return done;
}

bool dz__routine_copy(const dz_allocator *a, const dz__routine *from, dz__routine *to) {
  *to = (dz__routine){.forward = from->forward, .reverse = from->reverse, .slots = from->slots};
  if (!dz__grow(a, (void **)&to->at, &to->cap, from->n, sizeof *to->at) ||
      !dz__grow(a, (void **)&to->list, &to->list_cap, from->lists + 1, sizeof *to->list))
    return false;
  memcpy(to->at, from->at, from->n * sizeof *to->at);
  if (from->lists) memcpy(to->list, from->list, from->lists * sizeof *to->list);
  to->n = from->n, to->lists = from->lists;
  return true;
}

enum { MOST_LISTED = 0x7ffffff0 };

bool dz__list_room(const dz_allocator *a, dz__routine *c, size_t n) {
  return c->lists + n <= MOST_LISTED &&
         dz__grow(a, (void **)&c->list, &c->list_cap, c->lists + n, sizeof *c->list);
}

void dz__routine_free(const dz_allocator *a, dz__routine *c) {
  dz__free(a, c->at, c->cap * sizeof *c->at);
  dz__free(a, c->list, c->list_cap * sizeof *c->list);
  *c = (dz__routine){.at = NULL};
}

static void loop_free(const dz_allocator *a, dz__loop *l) {
  dz__routine_free(a, &l->code);
  dz__routine_free(a, &l->packed);
  dz__free(a, l->table, l->table_cap * sizeof *l->table);
  dz__free(a, l->choice, l->choice_cap * sizeof *l->choice);
  dz__free(a, l->index, l->index_cap * sizeof *l->index);
  dz__free(a, l->acc, l->acc_cap * sizeof *l->acc);
  dz__free(a, l->held, l->held_cap * sizeof *l->held);
}

void dz__program_free(dz__program *p) {
  const dz_allocator *a = &p->alloc;
  for (size_t k = 0; k < p->loops; k++) loop_free(a, &p->loop[k]);
  for (size_t k = 0; k < p->outsides; k++) dz__outside_free(a, &p->outside[k]);
  dz__free(a, p->outside, p->outside_cap * sizeof *p->outside);
  if (p->map) loop_free(a, p->map);
  dz__free(a, p->map, sizeof *p->map);
  dz__routine_free(a, &p->code);
  dz__free(a, p->loop, p->loop_cap * sizeof *p->loop);
  dz__free(a, p->number, p->number_cap * sizeof *p->number);
  dz__free(a, p->value, (p->outputs + 1) * sizeof *p->value);
}
