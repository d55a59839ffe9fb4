/* What the outputs need, in an order that keeps together what is used together. */
#include "plan/graph.h"

typedef struct work {
  const dz__graph *g;
  dz__graph *to;
  uint32_t *map, *stack, *next; /* next: which operand of a node on the stack is looked at next */
  size_t depth;
} work;

static bool copy(work *w, uint32_t i) {
  const dz__graph *g = w->g;
  unsigned kind = g->kind[i];
  if (kind == DZ__P_CONST) return (w->map[i] = dz__graph_number(w->to, dz__graph_value(g, i))) != DZ__NO_NODE;
  size_t nargs = dz__graph_nargs(g, i), first = dz__first_node(kind), end = dz__end_node(kind, nargs);
  const uint32_t *args = dz__graph_args(g, i);
  uint32_t j = dz__graph_add(w->to, kind, g->flags[i], nargs, args);
  if (j == DZ__NO_NODE) return false;
  uint32_t *to = &w->to->arg[w->to->start[j]];
  for (size_t k = first; k < end; k++) to[k] = w->map[dz__node_of(args[k])] | (args[k] & DZ__MINUS);
  w->map[i] = j;
  return true;
}

static void enter(work *w, uint32_t i) {
  w->next[i] = (uint32_t)dz__first_node(w->g->kind[i]);
  w->stack[w->depth++] = i;
}

/* Depth first, without recursion: a node is copied when all its operands are. */
static bool visit(work *w, uint32_t top) {
  const dz__graph *g = w->g;
  if (w->map[top] == DZ__NO_NODE) enter(w, top);
  while (w->depth > 0) {
    uint32_t i = w->stack[w->depth - 1], end = (uint32_t)dz__end_node(g->kind[i], dz__graph_nargs(g, i));
    const uint32_t *args = dz__graph_args(g, i);
    uint32_t k = w->next[i];
    while (k < end && w->map[dz__node_of(args[k])] != DZ__NO_NODE) k++;
    w->next[i] = k;
    if (k < end) {
      enter(w, dz__node_of(args[k]));
      continue;
    }
    w->depth--;
    if (!copy(w, i)) return false;
  }
  return true;
}

/* Marks what is used; how many operations are not. */
static size_t find_used(const dz__graph *graph, uint8_t *used) {
  const dz__graph g =
      *graph; /* at hand: a byte that is stored may change any pointer that stands in memory */
  size_t unused = 0;
  for (size_t i = 0; i < g.n; i++) used[i] = 0;
  for (size_t k = 0; k < g.outs; k++) used[g.out[k]] = 1;
  for (uint32_t i = (uint32_t)g.n; i-- > 0;) {
    unused += !used[i] && !dz__is_leaf(g.kind[i]);
    if (!used[i]) continue;
    const uint32_t *args = dz__graph_args(&g, i);
    const size_t first = dz__first_node(g.kind[i]);
    for (size_t k = dz__end_node(g.kind[i], dz__graph_nargs(&g, i)); k-- > first;)
      used[dz__node_of(args[k])] = 1;
  }
  return unused;
}

static bool copy_used(work *w, const uint8_t *used) {
  for (uint32_t i = 0; i < w->g->n; i++)
    if (used[i] && !copy(w, i)) return false;
  return true;
}

static bool copy_outputs(work *w) {
  for (size_t k = 0; k < w->g->outs; k++)
    if (!dz__graph_output(w->to, w->map[w->g->out[k]])) return false;
  return true;
}

/* g becomes what was copied, or stays. */
static bool settle(dz__graph *g, dz__graph *to, bool done) {
  dz__graph unwanted = done ? *g : *to;
  if (done) *g = *to;
  dz__graph_free(&unwanted);
  return done;
}

bool dz__drop_unused(dz__graph *g) {
  const dz_allocator *a = &g->alloc;
  size_t bytes = (g->n + 1) * sizeof(uint32_t), marks = g->n + 1;
  dz__graph to;
  dz__graph_init(&to, a);
  uint8_t *used = dz__alloc(a, marks);
  if (!used || find_used(g, used) == 0) {
    dz__free(a, used, marks);
    return used != NULL;
  }
  work w = {.g = g, .to = &to, .map = dz__alloc(a, bytes)};
  bool done = w.map && copy_used(&w, used) && copy_outputs(&w);
  dz__free(a, used, marks);
  dz__free(a, w.map, bytes);
  return settle(g, &to, done);
}

bool dz__prune(dz__graph *g) {
  const dz_allocator *a = &g->alloc;
  size_t bytes = (g->n + 1) * sizeof(uint32_t);
  dz__graph to;
  dz__graph_init(&to, a);
  work w = {g, &to, dz__alloc(a, bytes), dz__alloc(a, bytes), dz__alloc(a, bytes), 0};
  bool done = w.map && w.stack && w.next;
  for (size_t i = 0; done && i < g->n; i++) w.map[i] = DZ__NO_NODE;
  for (size_t k = 0; done && k < g->outs; k++) done = visit(&w, g->out[k]);
  done = done && copy_outputs(&w);
  dz__free(a, w.map, bytes);
  dz__free(a, w.stack, bytes);
  dz__free(a, w.next, bytes);
  return settle(g, &to, done);
}
