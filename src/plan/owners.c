/* Who computes each node: the graph around, or one lane of a group. From the tallest nodes down, so that all
   users of a node are known when its turn comes; nodes of one height never depend on each other. */
#include "plan/roll.h"

#include <string.h>

/* Nodes of one height and shape that no lane owns. */
typedef struct bucket {
  uint64_t key;
  uint32_t count, lane; /* lane: the owner that its next member becomes */
  uint32_t sum;         /* DZ__NO_NODE when they have no sum in common */
} bucket;

typedef struct work {
  const dz__graph *g;
  const dz__shapes *s;
  dz__owners *o;
  bucket *table; /* open addressing; count 0: free */
  uint32_t *slot;
  size_t size, cap, slot_cap;
} work;

static bool is_of_sequence(unsigned kind) { return kind == DZ__P_CALL || kind == DZ__P_ELEMENT; }

/* Of a node that is no leaf. */
static bool is_candidate(const work *w, uint32_t i) {
  unsigned kind = w->g->kind[i];
  return w->o->owner[i] == DZ__ROOT && !is_of_sequence(kind);
}

enum { LONG_SUM = 16 };

/* Terms of a long sum keep to themselves, so that their lanes can be added up as they are computed. A
   candidate has a user, or is an output. */
static uint32_t long_sum(const work *w, uint32_t i) {
  uint32_t user = w->s->user[i];
  if (user == DZ__NO_NODE || w->g->kind[dz__node_of(user)] != DZ__P_SUM) return DZ__NO_NODE;
  return dz__graph_nargs(w->g, dz__node_of(user)) >= LONG_SUM ? user : DZ__NO_NODE;
}

static size_t find(work *w, uint64_t key) {
  size_t k = (key ^ key >> 32) & (w->size - 1);
  while (w->table[k].count && w->table[k].key != key) k = (k + 1) & (w->size - 1);
  w->table[k].key = key;
  return k;
}

static bool ready(work *w, size_t nodes) {
  for (w->size = 16; w->size < 2 * nodes;) w->size *= 2;
  if (!dz__grow(&w->g->alloc, (void **)&w->table, &w->cap, w->size, sizeof *w->table) ||
      !dz__grow(&w->g->alloc, (void **)&w->slot, &w->slot_cap, nodes, sizeof *w->slot))
    return false;
  memset(w->table, 0, w->size * sizeof *w->table);
  return true;
}

/* A bucket with enough members becomes a bundle. */
static bool open_bundle(work *w, bucket *b, uint32_t height) {
  dz__owners *o = w->o;
  const dz_allocator *a = &w->g->alloc;
  if (!dz__grow(a, (void **)&o->bundle, &o->bundle_cap, o->bundles + 1, sizeof *o->bundle) ||
      !dz__grow(a, (void **)&o->top, &o->top_cap, o->tops + b->count, sizeof *o->top))
    return false;
  b->lane = (uint32_t)o->tops;
  o->bundle[o->bundles++] = (dz__bundle){b->lane, b->count, height, b->sum};
  o->tops += b->count;
  return true;
}

static bool group_height(work *w, uint32_t height) {
  const uint32_t *at = &w->s->at[w->s->first[height]];
  size_t n = w->s->first[height + 1] - w->s->first[height], candidates = 0;
  for (size_t k = 0; k < n; k++) candidates += is_candidate(w, at[k]);
  if (candidates < DZ__LEAST_LANES) return true;
  if (!ready(w, n)) return false;
  for (size_t k = 0; k < n; k++) {
    if (!is_candidate(w, at[k])) continue;
    uint32_t sum = long_sum(w, at[k]);
    size_t j = find(w, w->s->hash[at[k]] ^ ((uint64_t)sum << 32 | sum));
    w->slot[k] = (uint32_t)j;
    w->table[j].count++;
    w->table[j].sum = sum;
  }
  for (size_t k = 0; k < n; k++) {
    if (!is_candidate(w, at[k])) continue;
    bucket *b = &w->table[w->slot[k]];
    if (b->count < DZ__LEAST_LANES) continue;
    if (!b->lane && !open_bundle(w, b, height)) return false;
    w->o->top[b->lane] = at[k] | (b->sum == DZ__NO_NODE ? 0 : DZ__MINUS);
    w->o->owner[at[k]] = b->lane++;
  }
  return true;
}

static void hand_down(work *w, uint32_t height) {
  const dz__graph *g = w->g;
  uint32_t *owner = w->o->owner;
  for (size_t j = w->s->first[height]; j < w->s->first[height + 1]; j++) {
    uint32_t i = w->s->at[j];
    const uint32_t *args = dz__graph_args(g, i);
    for (size_t k = dz__end_node(g->kind[i], dz__graph_nargs(g, i)); k-- > dz__first_node(g->kind[i]);) {
      uint32_t *of = &owner[dz__node_of(args[k])];
      *of = *of == DZ__UNOWNED || *of == owner[i] ? owner[i] : DZ__ROOT;
    }
  }
}

bool dz__owners_of(const dz__graph *g, const dz__shapes *s, dz__owners *o) {
  size_t bytes = (g->n + 1) * sizeof *o->owner;
  work w = {.g = g, .s = s, .o = o};
  *o = (dz__owners){.owner = dz__alloc(&g->alloc, bytes), .tops = DZ__FIRST_LANE};
  bool done = o->owner != NULL;
  if (done) memset(o->owner, 0, bytes);
  for (size_t k = 0; done && k < g->outs; k++) o->owner[g->out[k]] = DZ__ROOT;
  for (size_t i = 0; done && i < g->n; i++)
    if (is_of_sequence(g->kind[i])) o->owner[i] = DZ__ROOT;
  for (uint32_t h = s->tallest; done && h > 0; h--) {
    done = group_height(&w, h);
    if (done) hand_down(&w, h);
  }
  dz__free(&g->alloc, w.table, w.cap * sizeof *w.table);
  dz__free(&g->alloc, w.slot, w.slot_cap * sizeof *w.slot);
  return done;
}

void dz__owners_free(const dz__graph *g, dz__owners *o) {
  const dz_allocator *a = &g->alloc;
  dz__free(a, o->owner, (g->n + 1) * sizeof *o->owner);
  dz__free(a, o->top, o->top_cap * sizeof *o->top);
  dz__free(a, o->bundle, o->bundle_cap * sizeof *o->bundle);
}
