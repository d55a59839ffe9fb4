/* Chains of additions become sums of many terms. The terms stay in the order in which they were added, so
   that no bit changes: only the chain is flattened that leads to the first term, never a sum that is a term.
 */
#include "plan/graph.h"

#include <string.h>

typedef struct work {
  dz__graph *g, to;
  uint32_t *uses, *height, *map, *list; /* list: the terms of one sum, last first */
  uint8_t *chain; /* of an addition: 1 + the operand that is the chain so far; 0: none */
} work;

static bool is_add(unsigned kind) { return kind == DZ__F_add || kind == DZ__F_sub; }

static void count_uses(work *w) {
  const dz__graph *g = w->g;
  for (uint32_t i = 0; i < g->n; i++) {
    size_t end = dz__end_node(g->kind[i], dz__graph_nargs(g, i));
    for (size_t k = dz__first_node(g->kind[i]); k < end; k++) w->uses[dz__node_of(dz__graph_args(g, i)[k])]++;
  }
  for (size_t k = 0; k < g->outs; k++) w->uses[g->out[k]]++;
}

/* x - (y + z) cannot be flattened, and the first term of a sum that began with a number is no chain. Of two
   chains the one that is taller by what it adds goes on; when neither is, they are terms of one kind. */
static uint8_t chain_of(const work *w, uint32_t i) {
  const dz__graph *g = w->g;
  uint32_t x = dz__graph_args(g, i)[0], y = dz__graph_args(g, i)[1];
  bool first = is_add(g->kind[x]) && w->uses[x] == 1;
  bool second = is_add(g->kind[y]) && w->uses[y] == 1 && g->kind[i] == DZ__F_add && g->kind[x] != DZ__P_CONST;
  if (first && second) {
    first = w->height[x] > w->height[y];
    second = w->height[y] > w->height[x];
  } else if (first) {
    first = !is_add(g->kind[y]) || w->height[x] > w->height[y];
  } else if (second) {
    second = !is_add(g->kind[x]) || w->height[y] > w->height[x];
  }
  return first ? 1 : second ? 2 : 0;
}

static void measure(work *w) {
  const dz__graph *g = w->g;
  for (uint32_t i = 0; i < g->n; i++) {
    size_t nargs = dz__graph_nargs(g, i), first = dz__first_node(g->kind[i]),
           end = dz__end_node(g->kind[i], nargs);
    uint32_t tall = 0;
    w->chain[i] = is_add(g->kind[i]) ? chain_of(w, i) : 0;
    for (size_t k = first; k < end; k++) {
      uint32_t h = w->height[dz__node_of(dz__graph_args(g, i)[k])] + (w->chain[i] != k + 1);
      if (h > tall) tall = h;
    }
    w->height[i] = tall;
  }
}

/* Marks the additions that are part of a longer chain. */
static void absorb(work *w) {
  const dz__graph *g = w->g;
  memset(w->map, 0, g->n * sizeof *w->map);
  for (uint32_t i = 0; i < g->n; i++)
    if (w->chain[i]) w->map[dz__graph_args(g, i)[w->chain[i] - 1]] = DZ__NO_NODE;
}

static bool copy_sum(work *w, uint32_t i) {
  const dz__graph *g = w->g;
  size_t n = 0;
  for (uint32_t at = i;;) {
    const uint32_t *args = dz__graph_args(g, at);
    uint32_t minus = g->kind[at] == DZ__F_sub ? DZ__MINUS : 0;
    if (w->chain[at] != 2) w->list[n++] = w->map[args[1]] | minus;
    if (w->chain[at] != 1) w->list[n++] = w->map[args[0]];
    if (!w->chain[at]) break;
    at = args[w->chain[at] - 1];
  }
  for (size_t k = 0; k < n / 2; k++) {
    uint32_t t = w->list[k];
    w->list[k] = w->list[n - 1 - k];
    w->list[n - 1 - k] = t;
  }
  w->map[i] = dz__graph_add(&w->to, DZ__P_SUM, g->flags[i] & DZ__N_ACTIVE, n, w->list);
  return w->map[i] != DZ__NO_NODE;
}

static bool copy_other(work *w, uint32_t i) {
  const dz__graph *g = w->g;
  unsigned kind = g->kind[i];
  if (kind == DZ__P_CONST)
    return (w->map[i] = dz__graph_number(&w->to, dz__graph_value(g, i))) != DZ__NO_NODE;
  size_t nargs = dz__graph_nargs(g, i), end = dz__end_node(kind, nargs);
  uint32_t j = w->map[i] = dz__graph_add(&w->to, kind, g->flags[i], nargs, dz__graph_args(g, i));
  if (j == DZ__NO_NODE) return false;
  for (size_t k = dz__first_node(kind); k < end; k++)
    w->to.arg[w->to.start[j] + k] = w->map[dz__graph_args(g, i)[k]];
  return true;
}

static bool flatten(work *w) {
  const dz__graph *g = w->g;
  memset(w->uses, 0, g->n * sizeof *w->uses);
  count_uses(w);
  measure(w);
  absorb(w);
  if (!dz__graph_room(&w->to, g->n, g->args)) return false;
  for (uint32_t i = 0; i < g->n; i++) {
    if (w->map[i] == DZ__NO_NODE) continue;
    if (!(is_add(g->kind[i]) ? copy_sum(w, i) : copy_other(w, i))) return false;
  }
  for (size_t k = 0; k < g->outs; k++)
    if (!dz__graph_output(&w->to, w->map[g->out[k]])) return false;
  return true;
}

bool dz__flatten(dz__graph *g) {
  const dz_allocator *a = &g->alloc;
  size_t bytes = (g->n + 1) * sizeof(uint32_t);
  work w = {g,
            {.n = 0},
            dz__alloc(a, bytes),
            dz__alloc(a, bytes),
            dz__alloc(a, bytes),
            dz__alloc(a, bytes),
            dz__alloc(a, g->n + 1)};
  dz__graph_init(&w.to, a);
  bool done = w.uses && w.height && w.map && w.list && w.chain && flatten(&w);
  dz__free(a, w.uses, bytes);
  dz__free(a, w.height, bytes);
  dz__free(a, w.map, bytes);
  dz__free(a, w.list, bytes);
  dz__free(a, w.chain, g->n + 1);
  dz__graph unwanted = done ? *g : w.to;
  if (done) *g = w.to;
  dz__graph_free(&unwanted);
  return done;
}
