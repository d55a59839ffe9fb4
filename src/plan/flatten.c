/* Chains of additions become sums of many terms. The terms stay in the order in which they were added, so
   that no bit changes: only the chain is flattened that leads to the first term, never a sum that is a term.
 */
#include "plan/graph.h"

#include <string.h>

typedef struct work {
  dz__graph *g;
  uint8_t *uses;         /* up to 2; later ABSORBED of an addition that is part of a longer chain */
  uint8_t *chain;        /* of an addition: 1 + the operand that is the chain so far; 0: none */
  uint32_t *map;         /* new numbers, of what is absorbed that of the whole chain; before that, heights */
  uint32_t *start, *arg; /* the new ones */
  size_t kept, start_cap, arg_cap;
} work;

enum { ABSORBED = 3 };

/* x - (y + z) cannot be flattened, and the first term of a sum that began with a number is no chain. Of two
   chains the one that is taller by what it adds goes on; when neither is, they are terms of one kind. */
static inline uint8_t chain_of(const dz__graph *g, const uint8_t *uses, const uint32_t *height, uint32_t i) {
  uint32_t x = dz__graph_args(g, i)[0], y = dz__graph_args(g, i)[1];
  bool first = dz__is_add(g->kind[x]) && uses[x] == 1;
  bool second =
      dz__is_add(g->kind[y]) && uses[y] == 1 && g->kind[i] == DZ__F_add && g->kind[x] != DZ__P_CONST;
  if (first && second) {
    first = height[x] > height[y];
    second = height[y] > height[x];
  } else if (first) {
    first = !dz__is_add(g->kind[y]) || height[x] > height[y];
  } else if (second) {
    second = !dz__is_add(g->kind[x]) || height[y] > height[x];
  }
  return first ? 1 : second ? 2 : 0;
}

/* Heights, and chains: what a node has absorbed has no other user, so that nobody asks for its uses again. */
static void measure(work *w) {
  const dz__graph g = *w->g;
  uint32_t *height = w->map;
  uint8_t *uses = w->uses, *chain = w->chain;
  size_t kept = g.n;
  for (uint32_t i = 0; i < g.n; i++) {
    const uint32_t *args = dz__graph_args(&g, i);
    const uint8_t on = dz__is_add(g.kind[i]) ? chain_of(&g, uses, height, i) : 0;
    const size_t first = dz__first_node(g.kind[i]);
    uint32_t tall = 0;
    for (size_t k = dz__end_node(g.kind[i], dz__graph_nargs(&g, i)); k-- > first;) {
      uint32_t h = height[args[k]] + (on != k + 1);
      if (h > tall) tall = h;
    }
    height[i] = tall;
    chain[i] = on;
    if (on) uses[args[on - 1]] = ABSORBED, kept--;
  }
  w->kept = kept;
}

/* Users come before what they absorb. */
static void number(work *w) {
  const dz__graph g = *w->g;
  const uint8_t *uses = w->uses, *chain = w->chain;
  uint32_t *map = w->map, j = (uint32_t)w->kept;
  for (uint32_t i = (uint32_t)g.n; i-- > 0;) {
    if (uses[i] != ABSORBED) map[i] = --j;
    if (chain[i]) map[dz__graph_args(&g, i)[chain[i] - 1]] = map[i];
  }
}

/* start[j + 1] is then where operands of j begin; taking them makes it where those of j + 1 do. What is in a
   chain brings one operand along, to the sum that has absorbed it. */
static bool make_room(work *w) {
  const dz__graph *g = w->g;
  if (!dz__grow(&g->alloc, (void **)&w->start, &w->start_cap, w->kept + 2, sizeof *w->start)) return false;
  memset(w->start, 0, (w->kept + 2) * sizeof *w->start);
  for (uint32_t i = 0; i < g->n; i++)
    w->start[w->map[i] + 2] += (uint32_t)(w->chain[i] ? 1 : dz__graph_nargs(g, i));
  for (size_t j = 2; j < w->kept + 2; j++) w->start[j] += w->start[j - 1];
  size_t args = w->start[w->kept + 1];
  return !args || dz__grow(&g->alloc, (void **)&w->arg, &w->arg_cap, args, sizeof *w->arg);
}

/* Kinds and flags move down, behind which nothing is read any more. */
static void flatten(work *w) {
  const dz__graph g = *w->g;
  const uint32_t *map = w->map;
  const uint8_t *chain = w->chain;
  uint32_t *to = w->arg, *ends = w->start + 1;
  for (uint32_t i = 0; i < g.n; i++) {
    const unsigned kind = g.kind[i], flags = g.flags[i];
    const uint32_t *args = dz__graph_args(&g, i), j = map[i];
    uint32_t end = ends[j];
    if (dz__is_add(kind)) {
      if (chain[i] != 1) to[end++] = map[args[0]];
      if (chain[i] != 2) to[end++] = map[args[1]] | (kind == DZ__F_sub ? DZ__MINUS : 0);
    } else {
      const size_t nargs = dz__graph_nargs(&g, i), first = dz__first_node(kind);
      const size_t behind = dz__end_node(kind, nargs);
      for (size_t k = 0; k < nargs; k++) to[end++] = k >= first && k < behind ? map[args[k]] : args[k];
    }
    ends[j] = end;
    if (w->uses[i] == ABSORBED) continue;
    g.kind[j] = (uint8_t)(dz__is_add(kind) ? DZ__P_SUM : kind);
    g.flags[j] = (uint8_t)(dz__is_add(kind) ? flags & DZ__N_ACTIVE : flags);
  }
  for (size_t k = 0; k < g.outs; k++) g.out[k] = map[g.out[k]];
}

static void exchange(uint32_t **x, uint32_t **y, size_t *cap, size_t *other) {
  uint32_t *t = *x;
  size_t n = *cap;
  *x = *y, *y = t;
  *cap = *other, *other = n;
}

bool dz__flatten(dz__graph *g) {
  const dz_allocator *a = &g->alloc;
  size_t n = g->n, bytes = (n + 1) * sizeof(uint32_t);
  work w = {.g = g, .uses = dz__alloc(a, n + 1), .chain = dz__alloc(a, n + 1), .map = dz__alloc(a, bytes)};
  bool done = w.uses && w.chain && w.map;
  if (done) {
    dz__count_uses(g, w.uses);
    measure(&w);
    number(&w);
    done = make_room(&w);
  }
  if (done) {
    flatten(&w);
    exchange(&g->start, &w.start, &g->start_cap, &w.start_cap);
    exchange(&g->arg, &w.arg, &g->arg_cap, &w.arg_cap);
    g->n = w.kept;
    g->args = g->start[w.kept];
  }
  dz__free(a, w.uses, n + 1);
  dz__free(a, w.chain, n + 1);
  dz__free(a, w.map, bytes);
  dz__free(a, w.start, w.start_cap * sizeof *w.start);
  dz__free(a, w.arg, w.arg_cap * sizeof *w.arg);
  return done;
}
