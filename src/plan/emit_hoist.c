/* Sums over lanes of sums of products with factors that all lanes share: sum over lanes of (f x + g y) is f
   times the sum of x plus g times that of y. So these products are made once behind the loop, not in every
   lane. Other roundings, so only for plans that are to be quick; where anything overflows, the virtual
   machine runs the plan again. */
#include "plan/emit_loop.h"

#include "base/never.h"

#include <string.h>

enum { MOST_SOURCES = 1024 };
static const uint32_t none = 0xffffffffu;

/* What becomes of a slot further down. */
enum { DEAD, USED, CANDIDATE };

/* An accumulator that takes a slot, which only parts with such factors go to. */
typedef struct candidate {
  uint32_t acc, part;
  bool minus, settled;
} candidate;

typedef struct work {
  const dz_allocator *alloc;
  dz__routine c;               /* the copy */
  uint8_t *state;              /* per slot */
  uint32_t *of, *source;       /* per slot: its candidate; the sum of its value */
  uint32_t *mark_at, *mark_in; /* per instruction, and per word of the list: the candidate that it goes to */
  uint32_t *first;             /* per instruction: the first source that is added up behind it */
  uint32_t *after, *next, *place; /* per source: where that is, the next one there, its slot */
  candidate *candidate;
  size_t candidates;
  dz__hoisted *to;
} work;

/* ---- from the end to the beginning: which accumulators ---- */

static void use(work *w, uint32_t place) {
  if (dz__is_slot(place)) w->state[dz__place_index(place)] = USED;
}

static bool is_factor(uint32_t place) {
  return place == DZ__NOWHERE || dz__where_of(place) == DZ__IN || dz__where_of(place) == DZ__UNI;
}

/* Slot d takes, or adds, factor times the adjoint x: where that is a part of a candidate, *mark says so. Of
   what another loop reads the adjoint stands in no slot. */
static void part(work *w, uint32_t d, bool set, uint32_t factor, uint32_t x, uint32_t *mark) {
  if (DZ__NEVER(!dz__is_slot(d))) return; /* what leaves the loop goes by instructions of its own */
  uint32_t slot = dz__place_index(d);
  bool good = w->state[slot] == CANDIDATE && is_factor(factor) && dz__is_slot(x);
  if (good) *mark = w->of[slot];
  if (good && set) w->candidate[w->of[slot]].settled = true;
  if (set)
    w->state[slot] = DEAD;
  else if (!good)
    w->state[slot] = USED;
}

static void flows(work *w, const dz__instruction *i) {
  for (uint32_t j = i->c; j-- > 0;) {
    const uint32_t *t = w->c.list + i->b + 3 * j;
    unsigned how = t[0] & DZ__T_MASK;
    bool set = dz__flow_sets(how);
    if (!dz__flow_sums(how)) part(w, t[2], set, t[1], i->a, &w->mark_in[i->b + 3 * j]);
    if (t[1] != DZ__NOWHERE) use(w, t[1]);
  }
  use(w, i->a);
}

static void other(void *user, uint32_t *place, unsigned access) {
  work *w = user;
  if (dz__is_slot(*place)) w->state[dz__place_index(*place)] = access & DZ__READ ? USED : DEAD;
}

static void sum(work *w, const dz__instruction *i, uint32_t *mark) {
  uint32_t slot = dz__place_index(i->a);
  if (!dz__is_slot(i->a)) return;
  if (w->state[slot] != DEAD) {
    w->state[slot] = USED;
    return;
  }
  w->state[slot] = CANDIDATE;
  *mark = w->of[slot] = (uint32_t)w->candidates;
  w->candidate[w->candidates++] = (candidate){i->d, none, i->op == DZ__I_DECRED, false};
}

static void look(work *w, size_t at) {
  dz__instruction *i = &w->c.at[at];
  uint32_t *mark = &w->mark_at[at];
  switch ((dz__step_op)i->op) {
  case DZ__I_RED:
  case DZ__I_DECRED:
    sum(w, i, mark);
    break;
  case DZ__I_RSUM:
    flows(w, i);
    break;
  case DZ__I_MOV:
  case DZ__I_NEG:
  case DZ__I_ACC:
  case DZ__I_DEC:
    part(w, i->d, dz__op_sets(i->op), DZ__NOWHERE, i->a, mark);
    use(w, i->a);
    break;
  case DZ__I_MUL:
  case DZ__I_MULNEG:
  case DZ__I_MULADD:
  case DZ__I_MULSUB: /* of adjoints the factor stands behind */
    part(w, i->d, dz__op_sets(i->op), i->b, i->a, mark);
    use(w, i->a);
    use(w, i->b);
    break;
  default:
    dz__each_place(&w->c, i, other, w);
  }
}

/* ---- from the beginning to the end: their parts ---- */

static bool holds(const work *w, uint32_t mark) { return mark != none && w->candidate[mark].settled; }

static bool add_part(work *w, size_t at, uint32_t mark, uint32_t factor, uint32_t x, bool minus) {
  dz__hoisted *h = w->to;
  uint32_t *source = &w->source[dz__place_index(x)];
  if (*source == none) {
    if (h->sources == MOST_SOURCES) return false;
    *source = (uint32_t)h->sources;
    w->after[h->sources] = (uint32_t)at;
    w->place[h->sources++] = x;
  }
  if (!dz__grow(w->alloc, (void **)&h->part, &h->part_cap, h->parts + 1, sizeof *h->part)) return false;
  h->part[h->parts] = (dz__part){factor, *source, w->candidate[mark].part, minus};
  w->candidate[mark].part = (uint32_t)h->parts++;
  return true;
}

static void written(void *user, uint32_t *place, unsigned access) {
  work *w = user;
  if (access & DZ__WRITTEN && dz__is_slot(*place)) w->source[dz__place_index(*place)] = none;
}

static bool note_parts(work *w, size_t at) {
  dz__instruction *i = &w->c.at[at];
  bool done = true, minus = dz__op_subtracts(i->op), two = dz__op_multiplies(i->op);
  if (dz__op_sums(i->op)) return true;
  if (holds(w, w->mark_at[at])) return add_part(w, at, w->mark_at[at], two ? i->b : DZ__NOWHERE, i->a, minus);
  for (uint32_t j = 0; i->op == DZ__I_RSUM && j < i->c; j++) {
    const uint32_t *t = w->c.list + i->b + 3 * j, mark = w->mark_in[i->b + 3 * j];
    unsigned how = t[0] & DZ__T_MASK;
    bool red = dz__flow_sums(how);
    if (holds(w, mark)) done &= add_part(w, at, mark, t[1], i->a, t[0] & DZ__SUBTRACT);
    if (DZ__NEVER(!dz__is_slot(i->a))) return false; /* adjoints from around are copied into one first */
    /* Beside other sums of the same number. */
    uint32_t source = w->source[dz__place_index(i->a)];
    if (red && source != none) w->after[source] = (uint32_t)at;
  }
  dz__each_place(&w->c, i, written, w);
  return done;
}

/* ---- the new code ---- */

/* Flows that stay. */
static uint32_t keep_flows(work *w, dz__instruction *i) {
  uint32_t *t = w->c.list + i->b, n = 0;
  for (uint32_t j = 0; j < i->c; j++)
    if (!holds(w, w->mark_in[i->b + 3 * j])) memmove(t + 3 * n++, t + 3 * j, 3 * sizeof *t);
  return n;
}

static bool rewrite(work *w) {
  dz__hoisted *h = w->to;
  size_t n = w->c.n, most = n + h->sources;
  dz__instruction *at = dz__alloc(w->alloc, most * sizeof *at);
  size_t to = 0;
  if (!at) return false;
  for (uint32_t s = 0; s < h->sources; s++) {
    w->next[s] = w->first[w->after[s]];
    w->first[w->after[s]] = s;
  }
  for (size_t i = 0; i < n; i++) {
    dz__instruction x = w->c.at[i];
    bool stays = !holds(w, w->mark_at[i]);
    if (stays && x.op == DZ__I_RSUM) x.c = keep_flows(w, &x), stays = x.c;
    if (stays) at[to++] = x;
    for (uint32_t s = w->first[i]; s != none; s = w->next[s])
      at[to++] = (dz__instruction){.op = DZ__I_RED, .d = h->acc[s], .a = w->place[s]};
  }
  dz__free(w->alloc, w->c.at, w->c.cap * sizeof *w->c.at);
  w->c.at = at;
  w->c.cap = most;
  w->c.n = to;
  return true;
}

/* Sources take the accumulators that their sums have no more use for. What is settled has a source. */
static bool settle(work *w) {
  dz__hoisted *h = w->to;
  for (size_t k = 0; k < w->candidates; k++) {
    if (!w->candidate[k].settled) continue;
    h->acc[h->sums] = w->candidate[k].acc;
    h->sum[h->sums++] = (dz__hoisted_sum){w->candidate[k].part, w->candidate[k].acc, w->candidate[k].minus};
  }
  return h->sums && h->sources <= h->sums;
}

/* ---- the whole ---- */

static bool find(work *w) {
  bool done = true;
  for (size_t i = w->c.n; i-- > w->c.reverse;) look(w, i);
  for (size_t i = w->c.reverse; i < w->c.n && done; i++) done = note_parts(w, i);
  return done && settle(w) && rewrite(w);
}

/* Room for numbers per slot, instruction, word of the list, source. */
static uint32_t *hand_out(uint32_t **room, size_t n) {
  uint32_t *x = *room;
  memset(x, 0xff, n * sizeof *x);
  *room += n;
  return x;
}

bool dz__hoist(const dz_allocator *a, const dz__loop *l, dz__hoisted *h) {
  const dz__routine *c = &l->code;
  size_t n = c->n, slots = c->slots + 1, words = 2 * slots + 2 * n + c->lists + 3 * MOST_SOURCES;
  uint32_t *room = dz__alloc(a, words * sizeof *room), *at = room;
  work w = {.alloc = a, .to = h};
  *h = (dz__hoisted){.loop = *l, .room = n + 1};
  w.state = dz__alloc(a, slots);
  w.candidate = dz__alloc(a, (n + 1) * sizeof *w.candidate);
  h->sum = dz__alloc(a, h->room * sizeof *h->sum);
  h->acc = dz__alloc(a, h->room * sizeof *h->acc);
  bool done = room && w.state && w.candidate && h->sum && h->acc && dz__routine_copy(a, c, &w.c);
  if (done) {
    memset(w.state, DEAD, slots);
    w.of = hand_out(&at, slots), w.source = hand_out(&at, slots);
    w.mark_at = hand_out(&at, n), w.first = hand_out(&at, n), w.mark_in = hand_out(&at, c->lists);
    w.after = hand_out(&at, MOST_SOURCES), w.next = hand_out(&at, MOST_SOURCES);
    w.place = hand_out(&at, MOST_SOURCES);
    done = find(&w);
  }
  if (done)
    h->loop.code = w.c;
  else
    h->sums = 0, dz__routine_free(a, &w.c); /* the loop's own code stays */
  dz__free(a, room, words * sizeof *room);
  dz__free(a, w.state, slots);
  dz__free(a, w.candidate, (n + 1) * sizeof *w.candidate);
  if (!done) dz__hoisted_free(a, h);
  return done;
}

void dz__hoisted_free(const dz_allocator *a, dz__hoisted *h) {
  if (h->sums) dz__routine_free(a, &h->loop.code);
  dz__free(a, h->sum, h->room * sizeof *h->sum);
  dz__free(a, h->acc, h->room * sizeof *h->acc);
  dz__free(a, h->part, h->part_cap * sizeof *h->part);
  *h = (dz__hoisted){.sums = 0};
}

/* ---- as C ---- */

static void say_sum(dz__loop_emitter *k, const dz__hoisted *h, const dz__hoisted_sum *x) {
  dz__emitter *e = k->e;
  dz__say(e, "  r =");
  for (uint32_t j = x->part; j != none; j = h->part[j].next) {
    const dz__part *p = &h->part[j];
    dz__say(e, " %s LD(S + %u)", p->minus ? "-" : "+", (unsigned)p->source * DZ__W);
    if (p->factor != DZ__NOWHERE)
      dz__say(e, " * %s[%u]", dz__where_of(p->factor) == DZ__IN ? "in" : "w",
              (unsigned)dz__place_index(p->factor));
  }
  dz__say(e, ";\n  none += r * 0;\n  ST(A + %u) = %sr;\n", (unsigned)x->acc * DZ__W, x->minus ? "-" : "");
}

static size_t say_piece(dz__loop_emitter *k, const dz__hoisted *h, size_t from, size_t piece) {
  dz__emitter *e = k->e;
  dz__say(e, "static void %s_loop%zu_hoist%zu(const double *in, double *w, const double *S, double *A) {\n",
          e->name, k->loop, piece);
  dz__say(e, "  %s_v none = {0}, r;\n  size_t i;\n  (void)in;\n", e->name);
  for (size_t terms = 0; from < h->sums && terms < DZ__PIECE; from++) {
    say_sum(k, h, &h->sum[from]);
    for (uint32_t j = h->sum[from].part; j != none; j = h->part[j].next) terms++;
  }
  dz__say(e, "  for (i = 0; i < 8; i++)\n    if (none[i] != 0) w[%zu] = 1;\n}\n", e->p->program.memory);
  return from;
}

void dz__say_hoisted(dz__loop_emitter *k, const dz__hoisted *h) {
  dz__emitter *e = k->e;
  size_t pieces = 0;
  for (size_t from = 0; from < h->sums;) from = say_piece(k, h, from, pieces++);
  dz__say(e,
          "static void %s_loop%zu_hoist(const double *in, double *w, double *A) {\n  static const uint32_t "
          "at[] = {",
          e->name, k->loop);
  for (size_t s = 0; s < h->sources; s++) dz__say(e, "%s%u,", s % 12 ? " " : "\n    ", (unsigned)h->acc[s]);
  dz__say(
      e,
      "};\n  double S[%zu];\n  size_t k;\n  for (k = 0; k < %zu; k++) ST(S + 8 * k) = LD(A + 8 * at[k]);\n",
      h->sources * DZ__W, h->sources);
  for (size_t j = 0; j < pieces; j++)
    dz__say(e, "  %s_loop%zu_hoist%zu(in, w, S, A);\n", e->name, k->loop, j);
  dz__say(e, "}\n");
}
