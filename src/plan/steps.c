/* Finding recurrences. The longest chain of dependent operations runs through the state of one; where the
   chain repeats itself at equal distances, the distance is the number of operations of a step. */
#include "plan/sequence.h"

typedef struct work {
  const dz__graph *g;
  dz__steps *s;
  uint32_t *height;
  uint8_t *uses;  /* up to 2 */
  uint32_t *path; /* numbers of the operations on the longest chain, descending */
  size_t length;
} work;

static bool is_known(unsigned kind) { return kind < DZ__F_POINTWISE_END; }

static void number(work *w) {
  dz__steps *s = w->s;
  for (uint32_t i = 0; i < w->g->n; i++) {
    s->number[i] = dz__is_leaf(w->g->kind[i]) ? DZ__NO_NODE : (uint32_t)s->ops;
    if (!dz__is_leaf(w->g->kind[i])) s->op[s->ops++] = i;
  }
}

/* Whether operand k of node i is the addition before it in a chain that will be one sum. */
static bool is_chain(const work *w, uint32_t i, size_t k) {
  const dz__graph *g = w->g;
  uint32_t x = dz__graph_args(g, i)[k];
  return dz__is_add(g->kind[i]) && dz__is_add(g->kind[x]) && w->uses[x] == 1;
}

/* How tall operand k makes node i: such chains do not make anything taller. */
static uint32_t height_by(const work *w, uint32_t i, size_t k) {
  return w->height[dz__graph_args(w->g, i)[k]] + !is_chain(w, i, k);
}

/* Returns the tallest node. */
static uint32_t measure(work *w) {
  const dz__graph *g = w->g;
  uint32_t tallest = 0;
  for (uint32_t i = 0; i < g->n; i++) {
    uint32_t tall = 0;
    for (size_t k = dz__end_node(g->kind[i], dz__graph_nargs(g, i)); k-- > dz__first_node(g->kind[i]);) {
      uint32_t h = height_by(w, i, k);
      if (h > tall) tall = h;
    }
    w->height[i] = tall;
    if (tall > w->height[tallest]) tallest = i;
  }
  return tallest;
}

/* From the tallest operation down, always along the operand that makes it so tall: of a sum a term, where
   there is one, not the terms before. */
static void follow(work *w, uint32_t at) {
  const dz__graph *g = w->g;
  while (!dz__is_leaf(g->kind[at])) {
    size_t k = dz__first_node(g->kind[at]), best = k;
    w->path[w->length++] = w->s->number[at];
    for (; k < dz__end_node(g->kind[at], dz__graph_nargs(g, at)); k++) {
      uint32_t h = height_by(w, at, k), most = height_by(w, at, best);
      if (h > most || (h == most && is_chain(w, at, best))) best = k;
    }
    at = dz__graph_args(g, at)[best];
  }
}

/* ---- where the chain repeats itself ---- */

static bool same_kind(const work *w, size_t i, size_t j) {
  const dz__graph *g = w->g;
  uint32_t a = w->s->op[i], b = w->s->op[j];
  return g->kind[a] == g->kind[b] && g->flags[a] == g->flags[b] && is_known(g->kind[a]);
}

enum { WINDOW = 192, MOST_LINKS = 512 };

static uint32_t distance(const work *w, size_t j, size_t q) { return w->path[j] - w->path[j + q]; }

/* Whether q links of the chain are one step, as far as the window shows. */
static bool repeats(const work *w, size_t from, size_t q) {
  size_t looks = WINDOW < w->length - from - q ? WINDOW : w->length - from - q;
  for (size_t j = from; j < from + looks; j++)
    if (distance(w, j, q) != distance(w, from, q) || !same_kind(w, w->path[j], w->path[j + q])) return false;
  return looks >= DZ__LEAST_STEPS;
}

/* The number of links of a step at this place of the chain; 0 when it does not repeat itself. */
static size_t links_of(const work *w, size_t from) {
  for (size_t q = 1; q <= MOST_LINKS && from + q + DZ__LEAST_STEPS < w->length; q++)
    if (repeats(w, from, q)) return q;
  return 0;
}

/* ---- from there up and down ---- */

typedef struct stretch {
  size_t period, low; /* operands before `low` are of no step */
} stretch;

/* Whether what operation i reads as number x, and i + period as y, moves along from step to step. */
static inline bool move_along(const stretch *t, size_t i, uint32_t x, uint32_t y) {
  return x != DZ__NO_NODE && y == x + t->period && i - x < 2 * t->period;
}

static bool moves(const work *w, const stretch *t, size_t i, size_t k) {
  const uint32_t *number = w->s->number;
  return move_along(t, i, number[dz__graph_args(w->g, w->s->op[i])[k]],
                    number[dz__graph_args(w->g, w->s->op[i + t->period])[k]]);
}

/* Whether it is of no step in both: a leaf, whose number is the largest, or what was computed before. */
static inline bool are_outside(const stretch *t, uint32_t x, uint32_t y) {
  return (x == DZ__NO_NODE && y == DZ__NO_NODE) || (x < t->low && y < t->low);
}

/* Whether operation i + period does to the next step what i does to this one. */
static bool goes_on(const work *w, const stretch *t, size_t i) {
  const uint32_t *number = w->s->number;
  uint32_t here = w->s->op[i], there = w->s->op[i + t->period];
  const uint32_t *a = dz__graph_args(w->g, here), *b = dz__graph_args(w->g, there);
  if (!same_kind(w, i, i + t->period)) return false;
  for (size_t k = 0, n = dz__graph_nargs(w->g, here); k < n; k++) {
    uint32_t x = number[a[k]], y = number[b[k]];
    if (!move_along(t, i, x, y) && !are_outside(t, x, y)) return false;
  }
  return true;
}

/* How far back operation i reads what moves along, at most. */
static size_t reach(const work *w, const stretch *t, size_t i) {
  size_t far = 0;
  for (size_t k = 0; k < dz__graph_nargs(w->g, w->s->op[i]); k++) {
    uint32_t x = w->s->number[dz__graph_args(w->g, w->s->op[i])[k]];
    if (moves(w, t, i, k) && i - x > far) far = i - x;
  }
  return far;
}

/* One more on the `n` places of a circle that end with `last`: where counts begin and end to rise. */
static void mark(int32_t *rises, size_t circle, size_t last, size_t n) {
  size_t here = n < last + 1 ? n : last + 1;
  rises[last + 1 - here]++, rises[last + 1]--;
  if (n > here) rises[circle - (n - here)]++, rises[circle]--;
}

/* Where steps may begin so that each reads only from itself and from the one before: r operations behind its
   beginning, one may read r + period back. Of these places the one over which least is carried. The number of
   operations to leave out; the period when there is no such place. `room` has three numbers for each. */
static size_t find_phase(const work *w, const stretch *t, size_t first, int32_t *room) {
  size_t n = t->period, best = n;
  int32_t *bad = room, *carried = bad + n + 1, *used = carried + n + 1; /* used: how far ahead at most */
  for (size_t k = 0; k < 3 * (n + 1); k++) room[k] = 0;
  for (size_t k = 0; k < n; k++) {
    size_t i = first + n + k, far = reach(w, t, i);
    if (far > n) mark(bad, n, k, far - n);
    for (size_t j = 0; j < dz__graph_nargs(w->g, w->s->op[i]); j++) {
      if (!moves(w, t, i, j)) continue;
      size_t d = i - w->s->number[dz__graph_args(w->g, w->s->op[i])[j]], of = (n + n + k - d) % n;
      if ((int32_t)d > used[of]) used[of] = (int32_t)d;
    }
  }
  for (size_t k = 0; k < n; k++)
    if (used[k]) mark(carried, n, (k + (size_t)used[k]) % n, (size_t)used[k] < n ? (size_t)used[k] : n);
  int32_t against = 0, carries = 0, least = INT32_MAX;
  for (size_t k = 0; k < n; k++) {
    against += bad[k], carries += carried[k];
    if (against == 0 && carries < least) least = carries, best = k;
  }
  return best;
}

/* Takes the stretch of operations around `from` that repeats itself at this distance, where it is the longest
   so far. */
static void extend(work *w, size_t from, stretch t) {
  dz__steps *s = w->s;
  size_t first = from - t.period, last = first + 1;
  if (from < t.period || !goes_on(w, &t, first)) return;
  while (first > t.low && goes_on(w, &t, first - 1)) first--;
  while (last + t.period < s->ops && goes_on(w, &t, last)) last++;
  size_t n = last + t.period - first;
  if (n < (DZ__LEAST_STEPS + 1) * t.period || n - t.period <= s->steps * s->period) return;
  int32_t *room = (int32_t *)w->height; /* not needed any more */
  size_t phase = find_phase(w, &t, first, room);
  if (phase == t.period) return;
  s->first = first + phase;
  s->period = t.period;
  s->steps = (n - phase) / t.period;
}

/* Whether what was found already is what would be found around operation i: starts go from the last operation
   to the first, so that none lies behind a stretch that an earlier one found. */
static bool is_found(const dz__steps *s, size_t i, size_t period) {
  return s->steps && s->period % period == 0 && i >= s->first;
}

/* Of a state that is read two steps later, two or more steps are taken as one. */
static void extend_from(work *w, size_t from, size_t links) {
  enum { MOST_TOGETHER = 3 };
  size_t period = distance(w, from, links), end = from, steps = w->s->steps;
  if (is_found(w->s, w->path[from], period)) return;
  while (end + links < w->length && distance(w, end, links) == period) end++;
  size_t lowest = w->path[end + links - 1];
  for (size_t m = 1; m <= MOST_TOGETHER && w->s->steps == steps; m++)
    extend(w, w->path[from], (stretch){m * period, lowest > 2 * m * period ? lowest - 2 * m * period : 0});
}

static void search(work *w, uint32_t tallest) {
  number(w);
  follow(w, tallest);
  for (size_t k = 0; k < 8; k++) {
    size_t from = w->length / 8 * k, links = links_of(w, from);
    if (links) extend_from(w, from, links);
  }
}

bool dz__find_steps(const dz__graph *g, dz__steps *s) {
  const dz_allocator *a = &g->alloc;
  size_t bytes = (g->n + 1) * sizeof(uint32_t);
  *s = (dz__steps){.op = NULL};
  work w = {.g = g, .s = s, .height = dz__alloc(a, bytes), .uses = dz__alloc(a, g->n + 1)};
  bool done = w.height && w.uses;
  if (done) dz__count_uses(g, w.uses);
  uint32_t tallest = done ? measure(&w) : 0;
  if (done && g->n && w.height[tallest] >= DZ__LEAST_STEPS) {
    s->op = dz__alloc(a, bytes);
    s->number = dz__alloc(a, bytes);
    w.path = dz__alloc(a, bytes);
    done = s->op && s->number && w.path;
    if (done) search(&w, tallest);
  }
  dz__free(a, w.height, bytes);
  dz__free(a, w.uses, g->n + 1);
  dz__free(a, w.path, bytes);
  return done;
}
