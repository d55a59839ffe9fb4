/* Nodes that compute the same number become one; what changes no bit of any number is left out. */
#include "plan/graph.h"

#include "base/hash.h"

#include <string.h>

typedef struct work {
  const dz__graph *g;
  dz__graph to;
  uint32_t *map, *bucket, *next; /* next: of a node of `to`, the next in its bucket; 0 ends, numbers from 1 */
  size_t buckets;
} work;

static uint64_t hash_of(const dz__graph *g, uint32_t i) {
  uint64_t h = dz__mix(g->kind[i], g->flags[i]);
  if (g->kind[i] == DZ__P_CONST) return dz__mix(h, dz__bits(dz__graph_value(g, i)));
  for (size_t k = 0; k < dz__graph_nargs(g, i); k++) h = dz__mix(h, dz__graph_args(g, i)[k]);
  return h;
}

static bool same(const dz__graph *g, uint32_t i, uint32_t j) {
  if (g->kind[i] != g->kind[j] || g->flags[i] != g->flags[j]) return false;
  if (g->kind[i] == DZ__P_CONST) return dz__bits(dz__graph_value(g, i)) == dz__bits(dz__graph_value(g, j));
  size_t n = dz__graph_nargs(g, i);
  return n == dz__graph_nargs(g, j) &&
         memcmp(dz__graph_args(g, i), dz__graph_args(g, j), n * sizeof(uint32_t)) == 0;
}

static bool is_number(const dz__graph *g, uint32_t i, double x) {
  return g->kind[i] == DZ__P_CONST && dz__bits(dz__graph_value(g, i)) == dz__bits(x);
}

/* The node that i is but for its name, or i. x + 0 is not x when x is -0, and x * 0 not 0 when x is not
   finite; they stay. */
static uint32_t folded(const dz__graph *g, uint32_t i) {
  const uint32_t *args = dz__graph_args(g, i);
  switch (g->kind[i]) {
  case DZ__F_neg:
    return g->kind[args[0]] == DZ__F_neg ? dz__graph_args(g, args[0])[0] : i;
  case DZ__F_mul:
    return is_number(g, args[1], 1) ? args[0] : is_number(g, args[0], 1) ? args[1] : i;
  case DZ__F_div:
    return is_number(g, args[1], 1) ? args[0] : i;
  default:
    return i;
  }
}

/* The new node j, or the equal one that was there before; then j, which is the last, goes again. */
static uint32_t settle(work *w, uint32_t j) {
  dz__graph *to = &w->to;
  uint32_t is = folded(to, j);
  uint32_t *bucket = &w->bucket[hash_of(to, j) & (w->buckets - 1)];
  for (uint32_t k = *bucket; is == j && k; k = w->next[k - 1])
    if (same(to, k - 1, j)) is = k - 1;
  if (is != j) {
    to->n--;
    to->args = to->start[j];
    if (to->kind[j] == DZ__P_CONST) to->numbers--;
    return is;
  }
  w->next[j] = *bucket;
  *bucket = j + 1;
  return j;
}

static bool copy(work *w, uint32_t i) {
  const dz__graph *g = w->g;
  unsigned kind = g->kind[i];
  size_t nargs = dz__graph_nargs(g, i), first = dz__first_node(kind), end = dz__end_node(kind, nargs);
  const uint32_t *args = dz__graph_args(g, i);
  uint32_t j = kind == DZ__P_CONST ? dz__graph_number(&w->to, dz__graph_value(g, i))
                                   : dz__graph_add(&w->to, kind, g->flags[i], nargs, args);
  if (j == DZ__NO_NODE) return false;
  for (size_t k = first; k < end; k++)
    w->to.arg[w->to.start[j] + k] = w->map[dz__node_of(args[k])] | (args[k] & DZ__MINUS);
  w->map[i] = settle(w, j);
  return true;
}

bool dz__share(dz__graph *g) {
  const dz_allocator *a = &g->alloc;
  work w = {.g = g, .buckets = 16};
  while (w.buckets < g->n) w.buckets *= 2;
  size_t bytes = (g->n + 1) * sizeof(uint32_t), table = w.buckets * sizeof(uint32_t);
  dz__graph_init(&w.to, a);
  w.map = dz__alloc(a, bytes);
  w.next = dz__alloc(a, bytes);
  w.bucket = dz__alloc(a, table);
  bool done = w.map && w.next && w.bucket;
  if (done) memset(w.bucket, 0, table);
  for (uint32_t i = 0; done && i < g->n; i++) done = copy(&w, i);
  for (size_t k = 0; done && k < g->outs; k++) done = dz__graph_output(&w.to, w.map[g->out[k]]);
  dz__free(a, w.map, bytes);
  dz__free(a, w.next, bytes);
  dz__free(a, w.bucket, table);
  dz__graph unwanted = done ? *g : w.to;
  if (done) *g = w.to;
  dz__graph_free(&unwanted);
  return done;
}
