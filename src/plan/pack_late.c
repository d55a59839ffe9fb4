/* Sums over steps: what a step adds to one number outside of it, where nothing in the steps reads that number
   and nothing else is added to it, is added up behind the steps of a block, when all terms are known. The
   order of the terms stays. Registers that the terms are read from are not used again in their step. */
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
  /* Of registers that adjoints use again: */
  size_t old; /* registers there were */
  uint32_t
      *range; /* per register: which write its number is from, counted from 1; 0: the adjoints wrote none */
  uint32_t *own; /* per such write: the register that it gets for itself; 0: none */
  uint32_t writes;
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

/* Whether all steps of a block leave there what was written before instruction `end`. The values of a state
   have registers of their own, which adjoints do not write. */
static bool stays(const work *w, uint32_t place, size_t end) {
  const uint64_t lasting = DZ__BIT(DZ__OUT) | DZ__BIT(DZ__IN) | DZ__BIT(DZ__INS) | DZ__BIT(DZ__ROW);
  return dz__is_register(place) ? w->last[dz__place_index(place)] < end
                                : dz__one_of(dz__where_of(place), lasting);
}

/* What adds to one number outside, once in a step: d += a, or a product of a and b. */
typedef struct sum {
  dz__step_op op;
  uint32_t d, a, b;
} sum;

static bool is_sum(const work *w, const sum *s) {
  const uint64_t adding =
      DZ__BIT(DZ__I_ACC) | DZ__BIT(DZ__I_DEC) | DZ__BIT(DZ__I_MULADD) | DZ__BIT(DZ__I_MULSUB);
  return dz__one_of(s->op, adding) && is_outside(s->d) && use_of(w, s->d)->times == 1;
}

static sum sum_of(const dz__instruction *i) { return (sum){(dz__step_op)i->op, i->d, i->a, i->b}; }

/* A flow of the adjoint g. Those that set a number, or pass it on elsewhere, are none. */
static sum flow_of(const uint32_t *flow, uint32_t g) {
  const bool minus = flow[0] & DZ__SUBTRACT;
  switch (flow[0] & DZ__T_MASK) {
  case DZ__R_ADD:
    return (sum){minus ? DZ__I_DEC : DZ__I_ACC, flow[2], g, g};
  case DZ__R_ADDV:
  case DZ__R_ADDS:
    return (sum){minus ? DZ__I_MULSUB : DZ__I_MULADD, flow[2], g, flow[1]};
  default:
    return (sum){DZ__I_ZERO, DZ__NOWHERE, g, g};
  }
}

/* Whether it can wait: what it reads stays as it was before instruction `end`. */
static bool is_late(const work *w, const sum *s, size_t end) {
  return is_sum(w, s) && stays(w, s->a, end) && (!dz__op_multiplies(s->op) || stays(w, s->b, end));
}

/* Flows that can wait leave their list; how many there are. */
static size_t take_flows(const work *w, dz__instruction *i, size_t at, dz__instruction *late) {
  uint32_t *flow = w->l->packed.list + i->b, stay = 0;
  size_t n = 0;
  for (uint32_t k = 0; k < i->c; k++) {
    const sum s = flow_of(flow + 3 * (size_t)k, i->a);
    if (is_late(w, &s, at)) /* nor does the list itself write it */
      late[n++] = (dz__instruction){.op = (uint8_t)s.op, .d = s.d, .a = s.a, .b = s.b};
    else
      memmove(flow + 3 * (size_t)stay++, flow + 3 * (size_t)k, 3 * sizeof *flow);
  }
  i->c = stay;
  return n;
}

/* ---- registers of their own ---- */

static bool is_fresh(uint32_t place, unsigned access) {
  return dz__is_register(place) && access == DZ__WRITTEN;
}

static void count_write(void *user, uint32_t *place, unsigned access) {
  work *w = user;
  if (is_fresh(*place, access)) w->range[dz__place_index(*place)] = ++w->writes;
}

static void want(const work *w, const sum *s) {
  if (!is_sum(w, s)) return;
  if (dz__is_register(s->a)) w->own[w->range[dz__place_index(s->a)]] = 1;
  if (dz__op_multiplies(s->op) && dz__is_register(s->b)) w->own[w->range[dz__place_index(s->b)]] = 1;
}

/* Numbers that sums read. The last one of a register keeps it: others may read it behind the step. */
static void find_wanted(work *w) {
  const dz__routine *c = &w->l->packed;
  for (size_t k = w->l->parts.zeros; k < w->l->parts.adjoints; k++) {
    dz__instruction *i = &c->at[k];
    const sum s = sum_of(i);
    want(w, &s);
    for (uint32_t j = 0; i->op == DZ__I_RSUM && j < i->c; j++) {
      const sum flow = flow_of(c->list + i->b + 3 * (size_t)j, i->a);
      want(w, &flow);
    }
    dz__each_place(c, i, count_write, w);
  }
  for (size_t k = 0; k < w->old; k++) w->own[w->range[k]] = 0;
  w->own[0] = 0;
}

static void rename_place(void *user, uint32_t *place, unsigned access) {
  work *w = user;
  size_t *slots = &w->l->packed.slots;
  if (!dz__is_register(*place)) return;
  uint32_t *range = &w->range[dz__place_index(*place)];
  if (is_fresh(*place, access)) {
    *range = ++w->writes;
    if (w->own[*range]) w->own[*range] = *slots < 2 * w->old ? (uint32_t)(*slots)++ : 0;
  }
  if (w->own[*range]) *place = dz__place_at(DZ__REG, w->own[*range]);
}

static void rename_wanted(work *w) {
  const dz__routine *c = &w->l->packed;
  memset(w->range, 0, w->old * sizeof *w->range);
  w->writes = 0;
  for (size_t k = w->l->parts.zeros; k < w->l->parts.adjoints; k++)
    dz__each_place(c, &c->at[k], rename_place, w);
}

/* At most as many as there are, so that records of steps at most double. */
static bool separate(const dz_allocator *a, work *w) {
  const dz__routine *c = &w->l->packed;
  const size_t ranges = (w->old + 1) * sizeof *w->range, owns = (c->n + c->lists + 1) * sizeof *w->own;
  w->range = dz__alloc(a, ranges);
  w->own = dz__alloc(a, owns);
  const bool done = w->range && w->own;
  if (done) {
    memset(w->range, 0, ranges);
    memset(w->own, 0, owns);
    find_wanted(w);
    rename_wanted(w);
  }
  dz__free(a, w->range, ranges);
  dz__free(a, w->own, owns);
  return done;
}

/* ---- all ---- */

/* Arrays of numbers, of which one may be any. */
static bool adds_to_arrays(const dz__loop *l) {
  const uint64_t arrays = DZ__BIT(DZ__I_STORE) | DZ__BIT(DZ__I_SCATTER) | DZ__BIT(DZ__I_PUT);
  bool any = false;
  for (size_t k = l->parts.zeros; k < l->parts.adjoints; k++) any |= dz__one_of(l->packed.at[k].op, arrays);
  return any;
}

static void find_uses(work *w) {
  const dz__routine *c = &w->l->packed;
  memset(w->use, 0, w->uses * sizeof *w->use);
  memset(w->last, 0, (c->slots + 1) * sizeof *w->last);
  for (size_t k = w->l->parts.values; k < w->l->parts.adjoints; k++) {
    w->at = k;
    dz__each_place(c, &c->at[k], note, w);
  }
}

/* To the end of the adjoints, in their order. */
static void move_late(const work *w, dz__instruction *room) {
  dz__parts *p = &w->l->parts;
  dz__routine *c = &w->l->packed;
  const size_t end = p->adjoints, behind = c->n - end;
  size_t n = p->zeros, late = 0;
  for (size_t k = p->zeros; k < end; k++) {
    dz__instruction i = c->at[k];
    const sum s = sum_of(&i);
    if (i.op == DZ__I_RSUM) late += take_flows(w, &i, k, room + late);
    if (is_late(w, &s, k + 1))
      room[late++] = i;
    else if (i.op != DZ__I_RSUM || i.c > 0)
      c->at[n++] = i;
  }
  memmove(c->at + n + late, c->at + end, behind * sizeof *c->at);
  memcpy(c->at + n, room, late * sizeof *c->at);
  p->adjoints = n;
  p->sums = n + late;
  p->leave = p->sums + (p->leave - end);
  p->arrive = p->sums + (p->arrive - end);
  c->n = p->sums + behind;
}

static size_t places_of(const dz__loop *l) {
  size_t n = 2;
  while (n < 8 * (l->packed.n + l->packed.lists + 1)) n *= 2;
  return n;
}

static bool work_off(const dz_allocator *a, work *w, dz__instruction *room) {
  find_uses(w);
  if (!separate(a, w)) return false;
  find_uses(w);
  move_late(w, room);
  return true;
}

bool dz__pack_late(const dz_allocator *a, dz__loop *l) {
  dz__routine *c = &l->packed;
  work w = {.l = l, .uses = places_of(l), .old = c->slots};
  const size_t most = c->n + c->lists / 3 + 1; /* when each flow is an instruction */
  const size_t places = w.uses * sizeof *w.use, registers = (2 * c->slots + 1) * sizeof *w.last,
               room = most * sizeof(dz__instruction);
  dz__instruction *moved = dz__alloc(a, room);
  w.use = dz__alloc(a, places);
  w.last = dz__alloc(a, registers);
  bool done = w.use && w.last && moved && dz__grow(a, (void **)&c->at, &c->cap, most, sizeof *c->at);
  l->parts.sums = l->parts.adjoints;
  if (done && !adds_to_arrays(l)) done = work_off(a, &w, moved);
  dz__free(a, w.use, places);
  dz__free(a, w.last, registers);
  dz__free(a, moved, room);
  return done;
}
