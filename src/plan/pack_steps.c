/* Packing a sequence: what adjoints need of values alone, their slopes, is computed for many steps at once
   before the steps are gone through backward, when all values are known; and what is added to one register
   after another is one sum. The registers are those of the code that it is made from. */
#include "plan/pack.h"

#include <string.h>

typedef struct work {
  const dz_allocator *alloc;
  dz__loop *l;
  uint8_t *gone;  /* per instruction */
  size_t at;      /* the instruction at hand */
  size_t *behind; /* per register: behind which instruction it keeps its value, until slopes are computed */
  bool failed;
} work;

static void note_last(void *user, uint32_t *place, unsigned access) {
  work *w = user;
  if (access & DZ__WRITTEN && dz__is_register(*place)) w->behind[dz__place_index(*place)] = w->at;
}

/* The step behind may have written there before slopes are computed. */
static void note_never(void *user, uint32_t *place, unsigned access) {
  work *w = user;
  if (access & DZ__WRITTEN && dz__where_of(*place) == DZ__OUT) w->behind[dz__place_index(*place)] = SIZE_MAX;
}

static void find_last(work *w) {
  const dz__loop *l = w->l;
  for (size_t r = 0; r < l->code.slots; r++) w->behind[r] = 0;
  for (w->at = 0; w->at < l->leave; w->at++)
    dz__each_place(&l->code, &l->code.at[w->at], w->at < l->code.reverse ? note_last : note_never, w);
}

/* Whether the values of a step end with what stands there at instruction i. */
static bool lasts(const work *w, uint32_t place, size_t i) {
  return !dz__is_register(place) || w->behind[dz__place_index(place)] <= i;
}

/* A slope behind all others: d = partial `mode` of fn. `from` are places of x y w z. */
static void add_slope(work *w, dz__instruction i, const uint32_t *from, uint32_t d) {
  dz__routine *to = &w->l->packed;
  uint32_t any = from[0];
  for (int k = 0; k < 4; k++)
    if (dz__partial_reads(i.fn, i.mode, "xywz"[k])) any = from[k];
  if (!dz__grow(w->alloc, (void **)&to->at, &to->cap, to->n + 1, sizeof *to->at) ||
      !dz__list_room(w->alloc, to, 4)) {
    w->failed = true;
    return;
  }
  to->at[to->n++] =
      (dz__instruction){.op = DZ__I_SLOPE, .mode = i.mode, .fn = i.fn, .d = d, .a = (uint32_t)to->lists};
  for (int k = 0; k < 4; k++)
    to->list[to->lists++] = dz__partial_reads(i.fn, i.mode, "xywz"[k]) ? from[k] : any;
}

static void after_values(work *w, size_t at) {
  const dz__instruction i = w->l->code.at[at];
  if (i.op != DZ__I_FNK || !lasts(w, i.a, at) || !lasts(w, i.d, at) || !lasts(w, i.b, at)) return;
  w->l->packed.at[at] = (dz__instruction){.op = DZ__I_FN, .fn = i.fn, .d = i.d, .a = i.a, .b = i.a, .c = i.a};
  add_slope(w, i, (uint32_t[]){i.a, i.a, i.a, i.d}, i.b);
}

static void before_adjoints(work *w, size_t at) {
  const dz__instruction i = w->l->code.at[at];
  if ((i.op != DZ__I_PART && i.op != DZ__I_PARTADD) || dz__is_mask(i.fn, i.mode)) return;
  const uint32_t *places = w->l->code.list + i.a;
  uint32_t slope = dz__place_at(DZ__REG, w->l->packed.slots++);
  w->l->packed.at[at] = (dz__instruction){
      .op = i.op == DZ__I_PART ? DZ__I_MUL : DZ__I_MULADD, .d = i.d, .a = places[4], .b = slope};
  add_slope(w, i, places, slope);
}

/* ---- sums ---- */

enum { MOST_TERMS = 8, FARTHEST = 16 }; /* so that this takes linear time */

/* What is added to one place, and not read meanwhile, is one sum, which does not wait for memory. */
typedef struct chain {
  uint32_t place;
  const dz__instruction *term[MOST_TERMS];
  size_t terms;
  bool zero; /* it begins with 0 */
} chain;

static bool is_next(unsigned op) {
  return dz__one_of(op,
                    DZ__BIT(DZ__I_ACC) | DZ__BIT(DZ__I_DEC) | DZ__BIT(DZ__I_MULADD) | DZ__BIT(DZ__I_MULSUB));
}
static bool reads(const dz__instruction *i, uint32_t place) {
  return i->a == place || (dz__op_multiplies(i->op) && i->b == place);
}

typedef struct clash {
  const chain *c;
  bool found;
} clash;

static void look_for_clash(void *user, uint32_t *place, unsigned access) {
  clash *s = user;
  s->found |= *place == s->c->place;
  for (size_t k = 0; k < s->c->terms && access & DZ__WRITTEN; k++) s->found |= reads(s->c->term[k], *place);
}
/* Whether nothing but 0 stands there before instruction `at`. */
static bool is_zero(const work *w, uint32_t place, size_t at) {
  const dz__loop *l = w->l;
  dz__routine *c = &w->l->packed;
  bool zero = false;
  chain alone = {.place = place};
  clash s = {&alone, false};
  if (at < l->zeroed || at - l->zeroed > FARTHEST) return false;
  for (size_t k = c->reverse; k < l->zeroed; k++) zero |= c->at[k].d == place;
  for (size_t k = l->zeroed; k < at && zero && !s.found; k++)
    dz__each_place(c, &c->at[k], look_for_clash, &s);
  return zero && !s.found;
}

static void write_sum(work *w, const chain *t, size_t at) {
  dz__routine *c = &w->l->packed;
  uint32_t list = (uint32_t)c->lists;
  if (!dz__list_room(w->alloc, c, 3 * t->terms)) {
    w->failed = true;
    return;
  }
  for (size_t k = 0; k < t->terms; k++) {
    const dz__instruction *i = t->term[k];
    bool product = dz__op_multiplies(i->op);
    c->list[c->lists++] = (product ? DZ__T_VV : DZ__T_V) | (dz__op_subtracts(i->op) ? DZ__SUBTRACT : 0u);
    c->list[c->lists++] = i->a;
    c->list[c->lists++] = product ? i->b : DZ__NOWHERE;
    w->gone[t->term[k] - c->at] = 1;
  }
  w->gone[at] = 0;
  c->at[at] =
      (dz__instruction){.op = DZ__I_SUM, .flags = t->zero, .d = t->place, .a = list, .b = (uint32_t)t->terms};
}

/* The sum that begins with instruction k of a part. */
static void sum_from(work *w, size_t k, size_t end) {
  dz__routine *c = &w->l->packed;
  const dz__instruction *i = &c->at[k];
  bool step = dz__is_register(i->d) || dz__where_of(i->d) == DZ__OUT;
  chain t = {.place = i->d, .term = {i}, .terms = 1, .zero = is_next(i->op)};
  size_t last = k;
  if (w->gone[k] || !step || reads(i, i->d)) return;
  if (!dz__op_sets(i->op) && !(is_next(i->op) && is_zero(w, i->d, k))) return;
  for (size_t j = k + 1; j < end && j - k < FARTHEST && t.terms < MOST_TERMS; j++) {
    dz__instruction *next = &c->at[j];
    clash s = {&t, false};
    if (w->gone[j]) continue;
    if (is_next(next->op) && next->d == t.place) { /* and does not read it: what is added is another number */
      t.term[t.terms++] = next;
      last = j;
      continue;
    }
    dz__each_place(c, next, look_for_clash, &s);
    if (s.found) break;
  }
  if (t.terms > 1) write_sum(w, &t, last);
}

/* Instructions that are gone leave no gap. */
static void close_up(work *w) {
  dz__loop *l = w->l;
  dz__routine *c = &l->packed;
  const size_t ends[] = {l->last, l->enter, c->reverse, l->zeroed, l->leave, l->passed, l->code.n};
  dz__parts *p = &l->parts;
  size_t *to[] = {&p->last, &p->enter, &p->values, &p->zeros, &p->adjoints, &p->leave, &p->arrive};
  size_t n = 0, part = 0;
  for (size_t k = 0; k <= c->n; k++) {
    for (; part < sizeof to / sizeof *to && ends[part] == k; part++) *to[part] = n;
    if (k < c->n && !w->gone[k]) c->at[n++] = c->at[k];
  }
  c->n = n;
  c->reverse = l->parts.values;
}

/* Whether each zero is where a sum of the adjoints begins with 0. */
static bool is_covered(const dz__loop *l) {
  const dz__routine *c = &l->packed;
  for (size_t k = l->parts.values; k < l->parts.zeros; k++) {
    bool found = false;
    for (size_t j = l->parts.zeros; j < l->parts.adjoints && j - l->parts.zeros < FARTHEST && !found; j++)
      found = c->at[j].op == DZ__I_SUM && c->at[j].flags && c->at[j].d == c->at[k].d;
    if (!found) return false;
  }
  return true;
}

static bool find_sums(work *w) {
  dz__loop *l = w->l;
  size_t bytes = l->packed.n + 1;
  w->gone = dz__alloc(w->alloc, bytes);
  if (!w->gone) return false;
  memset(w->gone, 0, bytes);
  w->failed |= !dz__pack_copies(w->alloc, l, w->gone);
  for (size_t k = l->enter; k < l->code.reverse; k++) sum_from(w, k, l->code.reverse);
  for (size_t k = l->zeroed; k < l->leave; k++) sum_from(w, k, l->leave);
  close_up(w);
  l->parts.covered = is_covered(l);
  dz__free(w->alloc, w->gone, bytes);
  return !w->failed;
}

/* ---- what is held for the way back ---- */

enum { WRITTEN = 1, HELD = 2 }; /* by values; and read behind them */

static void note_written(void *user, uint32_t *place, unsigned access) {
  uint8_t *slot = user;
  if (access & DZ__WRITTEN && dz__is_register(*place)) slot[dz__place_index(*place)] |= WRITTEN;
}

static void note_held(void *user, uint32_t *place, unsigned access) {
  uint8_t *slot = user;
  bool step = dz__is_register(*place) || dz__where_of(*place) == DZ__OUT;
  if (step && access & DZ__READ && slot[dz__place_index(*place)] & WRITTEN)
    slot[dz__place_index(*place)] |= HELD;
}

static bool find_held(const dz_allocator *a, dz__loop *l) {
  dz__routine *c = &l->packed;
  uint8_t *slot = dz__alloc(a, c->slots + 1);
  bool done = slot && dz__grow(a, (void **)&l->held, &l->held_cap, c->slots + 1, sizeof *l->held);
  if (done) {
    memset(slot, 0, c->slots + 1);
    for (size_t k = 0; k < c->reverse; k++) dz__each_place(c, &c->at[k], note_written, slot);
    for (size_t k = c->reverse; k < c->n; k++) dz__each_place(c, &c->at[k], note_held, slot);
    for (uint32_t k = 0; k < c->slots; k++)
      if (slot[k] & HELD) l->held[l->helds++] = k;
  }
  dz__free(a, slot, c->slots + 1);
  return done;
}

/* Registers of a block stay in the first-level cache where that is possible. */
static size_t block_of(const dz__loop *l) {
  enum { ROOM = 24 << 10, LEAST = 8 };
  size_t steps = ROOM / sizeof(double) / (l->packed.slots + 1);
  steps = steps < LEAST ? LEAST : steps > DZ__LONGEST_TILE ? DZ__LONGEST_TILE : steps;
  return l->lanes < steps ? l->lanes : steps;
}

static bool find_slopes(work *w) {
  const dz__loop *l = w->l;
  size_t bytes = (l->code.slots + 1) * sizeof *w->behind;
  w->behind = dz__alloc(w->alloc, bytes);
  if (!w->behind) return false;
  find_last(w);
  for (size_t k = l->enter; k < l->code.reverse && l->zeroed < l->leave; k++) after_values(w, k);
  for (size_t k = l->zeroed; k < l->leave; k++) before_adjoints(w, k);
  dz__free(w->alloc, w->behind, bytes);
  return !w->failed;
}

/* A row's number becomes that of its first element. */
static void count_elements(void *user, uint32_t *place, unsigned access) {
  const dz__loop *l = user;
  (void)access;
  if (dz__where_of(*place) == DZ__ROW)
    *place = dz__place_at(DZ__ROW, dz__place_index(*place) * dz__padded(l->lanes));
}

bool dz__pack_sequence(const dz_allocator *a, dz__loop *l) {
  work w = {.alloc = a, .l = l};
  if (!dz__routine_copy(a, &l->code, &l->packed) || !find_slopes(&w)) return false;
  if (!find_sums(&w) || !dz__pack_late(a, l) || !find_held(a, l)) return false;
  for (size_t k = 0; k < l->packed.n; k++) dz__each_place(&l->packed, &l->packed.at[k], count_elements, l);
  dz__pack_runs(&l->packed);
  l->block = block_of(l);
  return true;
}
