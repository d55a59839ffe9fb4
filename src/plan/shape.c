/* Height and shape of every node. */
#include "plan/roll.h"

#include "base/hash.h"

#include <string.h>

static void measure(const dz__graph *g, dz__shapes *s, uint32_t *height) {
  for (uint32_t i = 0; i < g->n; i++) {
    unsigned kind = g->kind[i];
    const uint32_t *args = dz__graph_args(g, i);
    size_t end = dz__end_node(kind, dz__graph_nargs(g, i));
    uint64_t h = dz__mix(kind + 1u, end | (uint64_t)g->flags[i] << 32);
    uint32_t tall = 0;
    for (size_t k = dz__first_node(kind); k < end; k++) {
      uint32_t x = dz__node_of(args[k]);
      if (height[x] >= tall) tall = height[x] + 1;
      h = dz__mix(h, s->hash[x] + (args[k] >> 31));
      s->user[x] = s->user[x] == 0 ? i | (args[k] & DZ__MINUS) : DZ__NO_NODE;
    }
    height[i] = tall;
    s->hash[i] = h;
    if (tall > s->tallest) s->tallest = tall;
  }
  for (size_t k = 0; k < g->outs; k++) s->user[g->out[k]] = DZ__NO_NODE;
}

static void sort(const dz__graph *g, dz__shapes *s, const uint32_t *height) {
  for (size_t i = 0; i < g->n; i++) s->first[height[i] + 1]++;
  for (size_t h = 0; h <= s->tallest; h++) s->first[h + 1] += s->first[h];
  for (size_t i = g->n; i-- > 0;) s->at[--s->first[height[i] + 1]] = (uint32_t)i;
  memmove(s->first, s->first + 1, ((size_t)s->tallest + 1) * sizeof *s->first);
  s->first[s->tallest + 1] = g->n;
}

static size_t heights(const dz__shapes *s) { return (size_t)s->tallest + 2; }

bool dz__shapes_of(const dz__graph *g, dz__shapes *s) {
  const dz_allocator *a = &g->alloc;
  size_t bytes = (g->n + 1) * sizeof(uint32_t);
  uint32_t *height = dz__alloc(a, bytes);
  *s = (dz__shapes){.hash = dz__alloc(a, 2 * bytes), .user = dz__alloc(a, bytes), .at = dz__alloc(a, bytes)};
  bool done = height && s->hash && s->user && s->at;
  if (done) {
    memset(s->user, 0, bytes);
    measure(g, s, height);
    s->first = dz__alloc(a, heights(s) * sizeof *s->first);
    done = s->first != NULL;
  }
  if (done) {
    memset(s->first, 0, heights(s) * sizeof *s->first);
    sort(g, s, height);
  }
  dz__free(a, height, bytes);
  return done;
}

void dz__shapes_forget_users(const dz__graph *g, dz__shapes *s) {
  dz__free(&g->alloc, s->user, (g->n + 1) * sizeof *s->user);
  s->user = NULL;
}

void dz__shapes_free(const dz__graph *g, dz__shapes *s) {
  const dz_allocator *a = &g->alloc;
  size_t bytes = (g->n + 1) * sizeof(uint32_t);
  dz__free(a, s->hash, 2 * bytes);
  dz__free(a, s->user, bytes);
  dz__free(a, s->at, bytes);
  dz__free(a, s->first, heights(s) * sizeof *s->first);
}
