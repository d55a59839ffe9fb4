/* The graph around the groups, from the leaves up. */
#include "plan/roll.h"

#include <string.h>

/* Those from number `first` on. */
static void free_groups(dz__rolled *r, size_t first) {
  const dz_allocator *a = &r->alloc;
  while (r->groups > first) {
    dz__group *group = &r->group[--r->groups];
    dz__graph_free(&group->body);
    dz__free(a, group->table, group->table_cap * sizeof *group->table);
    dz__free(a, group->choice, group->choice_cap * sizeof *group->choice);
  }
}

void dz__rolled_free(dz__rolled *r) {
  const dz_allocator *a = &r->alloc;
  free_groups(r, 0);
  dz__free(a, r->group, r->group_cap * sizeof *r->group);
  dz__graph_free(&r->root);
  r->group = NULL;
  r->group_cap = 0;
}

/* Leaves come when they are asked for; everything else is there already. */
uint32_t dz__root_node(dz__rolling *r, uint32_t i) {
  dz__graph *root = &r->out->root;
  if (r->map[i] != DZ__NO_NODE) return r->map[i];
  if (r->g->kind[i] == DZ__P_CONST) return r->map[i] = dz__graph_number(root, dz__graph_value(r->g, i));
  return r->map[i] = dz__graph_add(root, r->g->kind[i], r->g->flags[i], 1, dz__graph_args(r->g, i));
}

/* ---- nodes that stay ---- */

typedef struct work {
  dz__rolling r;
  uint32_t *list; /* operands being collected */
  size_t lists, list_cap;
  uint32_t *bundle; /* per lane: its bundle */
  size_t bundle_cap;
} work;

static bool append(work *w, uint32_t node) {
  if (!dz__grow(&w->r.g->alloc, (void **)&w->list, &w->list_cap, w->lists + 1, sizeof *w->list)) return false;
  w->list[w->lists++] = node;
  return true;
}

/* The bundle that adds up the term i of a sum itself; NULL when i is an ordinary term. */
static const dz__bundle *summed_by(const work *w, uint32_t i) {
  uint32_t owner = w->r.owners.owner[i];
  if (owner < DZ__FIRST_LANE || w->r.owners.top[owner] != (i | DZ__MINUS)) return NULL;
  return &w->r.owners.bundle[w->bundle[owner]];
}

static bool keep(work *w, uint32_t i) {
  const dz__graph *g = w->r.g;
  const uint32_t *args = dz__graph_args(g, i);
  w->lists = 0;
  size_t n = dz__graph_nargs(g, i), first = dz__first_node(g->kind[i]), end = dz__end_node(g->kind[i], n);
  for (size_t k = 0; k < n; k++) {
    uint32_t x = dz__node_of(args[k]);
    if (k < first || k >= end) { /* of a sequence's call and its results: numbers, not nodes */
      if (!append(w, args[k])) return false;
      continue;
    }
    const dz__bundle *b = summed_by(w, x);
    if (b && dz__node_of(w->r.owners.top[b->first]) != x) continue; /* its first lane stands for all */
    uint32_t is = dz__root_node(&w->r, x);
    if (is == DZ__NO_NODE || !append(w, is | (args[k] & DZ__MINUS))) return false;
  }
  w->r.map[i] = dz__graph_add(&w->r.out->root, g->kind[i], g->flags[i], w->lists, w->list);
  return w->r.map[i] != DZ__NO_NODE;
}

/* ---- groups ---- */

static bool results(work *w, const dz__bundle *b, dz__group *group, uint32_t call) {
  dz__graph *root = &w->r.out->root;
  unsigned flags = group->body.flags[group->body.out[0]] & DZ__N_ACTIVE;
  root->flags[call] = (uint8_t)flags;
  if (group->reduced) {
    uint32_t sum = dz__graph_add(root, DZ__P_REDUCED, flags, 1, &call);
    w->r.map[dz__node_of(w->r.owners.top[b->first])] = sum;
    return sum != DZ__NO_NODE;
  }
  for (uint32_t l = 0; l < b->lanes; l++) {
    uint32_t node = dz__graph_add(root, DZ__P_ELEMENT, flags, 2, (uint32_t[]){call, l});
    w->r.map[w->r.owners.top[b->first + l]] = node;
    if (node == DZ__NO_NODE) return false;
  }
  return true;
}

static bool add_group(work *w, const dz__bundle *b, bool *mixed) {
  dz__rolled *out = w->r.out;
  uint32_t number = (uint32_t)out->groups;
  if (!dz__grow(&out->alloc, (void **)&out->group, &out->group_cap, out->groups + 1, sizeof *out->group))
    return false;
  dz__group *group = &out->group[out->groups++];
  *group = (dz__group){.reduced = b->sum != DZ__NO_NODE};
  w->lists = 0;
  if (!append(w, number) || !dz__walk(&w->r, b, group, &w->list, &w->lists, &w->list_cap, mixed) ||
      !dz__share(&group->body) || !dz__prune(&group->body))
    return false;
  uint32_t call = dz__graph_add(&out->root, DZ__P_CALL, 0, w->lists, w->list);
  return call != DZ__NO_NODE && results(w, b, group, call);
}

static bool ascend(work *w, bool *mixed) {
  const dz__owners *o = &w->r.owners;
  const dz__shapes *s = &w->r.shapes;
  size_t left = o->bundles;
  for (uint32_t h = 1; h <= s->tallest; h++) {
    for (; left > 0 && o->bundle[left - 1].height == h; left--)
      if (!add_group(w, &o->bundle[left - 1], mixed)) return false;
    for (size_t j = s->first[h]; j < s->first[h + 1]; j++)
      if (o->owner[s->at[j]] == DZ__ROOT && !keep(w, s->at[j])) return false;
  }
  for (size_t k = 0; k < w->r.g->outs; k++)
    if (!dz__graph_output(&w->r.out->root, dz__root_node(&w->r, w->r.g->out[k]))) return false;
  return dz__share(&w->r.out->root) && dz__prune(&w->r.out->root);
}

static bool number_bundles(work *w) {
  const dz__owners *o = &w->r.owners;
  if (!dz__grow(&w->r.g->alloc, (void **)&w->bundle, &w->bundle_cap, o->tops, sizeof *w->bundle))
    return false;
  for (size_t k = 0; k < o->bundles; k++)
    for (uint32_t l = 0; l < o->bundle[k].lanes; l++) w->bundle[o->bundle[k].first + l] = (uint32_t)k;
  return true;
}

static bool roll(work *w, bool *mixed) {
  const dz__graph *g = w->r.g;
  size_t bytes = (g->n + 1) * sizeof(uint32_t);
  if (!dz__shapes_of(g, &w->r.shapes) || !dz__owners_of(g, &w->r.shapes, &w->r.owners) || !number_bundles(w))
    return false;
  dz__shapes_forget_users(g, &w->r.shapes);
  w->r.map = dz__alloc(&g->alloc, bytes);
  if (!w->r.map) return false;
  for (size_t i = 0; i < g->n; i++) w->r.map[i] = DZ__NO_NODE;
  return ascend(w, mixed);
}

static void release(work *w) {
  const dz__graph *g = w->r.g;
  size_t bytes = (g->n + 1) * sizeof(uint32_t);
  dz__shapes_free(g, &w->r.shapes);
  dz__owners_free(g, &w->r.owners);
  dz__free(&g->alloc, w->r.map, bytes);
  dz__free(&g->alloc, w->r.count, bytes);
  dz__free(&g->alloc, w->list, w->list_cap * sizeof *w->list);
  dz__free(&g->alloc, w->bundle, w->bundle_cap * sizeof *w->bundle);
}

static bool without(dz__graph *g, dz__rolled *r) {
  r->root = *g;
  dz__graph_init(g, &r->alloc);
  return true;
}

bool dz__roll(dz__graph *g, bool wanted, dz__rolled *r) {
  bool mixed = false;
  size_t sequences = r->groups;
  dz__graph_init(&r->root, &g->alloc);
  if (!wanted) return without(g, r);
  work w = {.r = {.g = g, .out = r}};
  bool done = roll(&w, &mixed);
  release(&w);
  if (mixed) {
    free_groups(r, sequences);
    dz__graph_free(&r->root);
    return without(g, r);
  }
  if (done) dz__graph_free(g);
  return done;
}
