/* Along all lanes of a bundle at once, from their results down. A position is what stands at one place of the
   shape in each lane; equal positions are one. */
#include "plan/roll.h"

#include "base/hash.h"

#include <string.h>

typedef enum role { OPERATION, SAME, NUMBERS, NODES, CHOICE } role;

typedef struct position {
  uint64_t hash;
  uint32_t next; /* in its bucket, from 1; 0 ends */
  uint32_t
      args; /* of an operation: where its operands stand in `arg`; of a choice: its first candidate there */
  uint32_t nargs;
  uint32_t body; /* its node; DZ__NO_NODE: not there yet */
  uint8_t role;
} position;

typedef struct walk {
  dz__rolling *r;
  const dz__graph *g;
  const dz__bundle *b;
  dz__group *to;
  uint32_t *lane; /* per position and lane a node of g */
  position *at;
  uint32_t *arg, *bucket, *stack, *which;
  size_t n, args, buckets;
  size_t lane_cap, at_cap, arg_cap, bucket_cap, stack_cap, which_cap;
  uint32_t **call;
  size_t *calls, *call_cap;
} walk;

static const dz_allocator *alloc_of(const walk *w) { return &w->g->alloc; }
static uint32_t *lanes_of(const walk *w, size_t p) { return &w->lane[p * w->b->lanes]; }

static uint64_t bits(const walk *w, uint32_t i) { return dz__bits(dz__graph_value(w->g, i)); }

static bool alike(const walk *w, uint32_t i, uint32_t j) {
  if (i == j) return true;
  return w->g->kind[i] == DZ__P_CONST && w->g->kind[j] == DZ__P_CONST && bits(w, i) == bits(w, j);
}

static uint64_t hash_of(const walk *w, const uint32_t *v) {
  uint64_t h = 0;
  for (uint32_t l = 0; l < w->b->lanes; l++)
    h = dz__mix(h, w->g->kind[v[l]] == DZ__P_CONST ? bits(w, v[l]) : v[l]);
  return h;
}

/* ---- positions ---- */

static bool rehash(walk *w) {
  size_t buckets = w->buckets ? 2 * w->buckets : 256;
  if (!dz__grow(alloc_of(w), (void **)&w->bucket, &w->bucket_cap, buckets, sizeof *w->bucket)) return false;
  w->buckets = buckets;
  memset(w->bucket, 0, buckets * sizeof *w->bucket);
  for (size_t p = 0; p < w->n; p++) {
    uint32_t *head = &w->bucket[w->at[p].hash & (buckets - 1)];
    w->at[p].next = *head;
    *head = (uint32_t)p + 1;
  }
  return true;
}

/* Room for one more, whose nodes are then written behind the last. */
static uint32_t *begin(walk *w) {
  const dz_allocator *a = alloc_of(w);
  size_t lanes = w->b->lanes;
  if ((w->n >= w->buckets && !rehash(w)) ||
      !dz__grow(a, (void **)&w->lane, &w->lane_cap, (w->n + 1) * lanes, sizeof *w->lane) ||
      !dz__grow(a, (void **)&w->at, &w->at_cap, w->n + 1, sizeof *w->at))
    return NULL;
  return lanes_of(w, w->n);
}

static bool equal(const walk *w, const uint32_t *u, const uint32_t *v) {
  for (uint32_t l = 0; l < w->b->lanes; l++)
    if (!alike(w, u[l], v[l])) return false;
  return true;
}

/* The position whose nodes were just written: an earlier one where it is equal. */
static uint32_t end(walk *w) {
  const uint32_t *v = lanes_of(w, w->n);
  uint64_t h = hash_of(w, v);
  uint32_t *head = &w->bucket[h & (w->buckets - 1)];
  for (uint32_t p = *head; p; p = w->at[p - 1].next)
    if (w->at[p - 1].hash == h && equal(w, lanes_of(w, p - 1), v)) return p - 1;
  w->at[w->n] = (position){.hash = h, .next = *head, .body = DZ__NO_NODE};
  *head = (uint32_t)++w->n;
  return (uint32_t)w->n - 1;
}

/* What stands there: nodes that all have values outside are read; else all lanes compute, also those whose
   node another lane or group computes too. */
static role role_of(const walk *w, size_t p) {
  const uint32_t *v = lanes_of(w, p);
  const dz__owners *o = &w->r->owners;
  bool same = true, numbers = true;
  for (uint32_t l = 0; l < w->b->lanes; l++) {
    bool own = o->owner[v[l]] == w->b->first + l && !dz__is_leaf(w->g->kind[v[l]]);
    if (own || !dz__available(w->g, o, v[l])) return OPERATION;
    same &= alike(w, v[l], v[0]);
    numbers &= w->g->kind[v[l]] == DZ__P_CONST;
  }
  return same ? SAME : numbers ? NUMBERS : NODES;
}

/* False also when shapes that have one hash are not one: *mixed is then set. */
static bool expand(walk *w, size_t p, bool *mixed) {
  const dz__graph *g = w->g;
  uint32_t lanes = w->b->lanes, first = *lanes_of(w, p);
  size_t nargs = dz__graph_nargs(g, first);
  for (uint32_t l = 0; l < lanes; l++) {
    uint32_t i = lanes_of(w, p)[l];
    if (g->kind[i] != g->kind[first] || dz__graph_nargs(g, i) != nargs) return *mixed = true, false;
  }
  if (!dz__grow(alloc_of(w), (void **)&w->arg, &w->arg_cap, w->args + nargs, sizeof *w->arg)) return false;
  w->at[p].args = (uint32_t)w->args;
  w->at[p].nargs = (uint32_t)nargs;
  w->args += nargs;
  for (size_t k = 0; k < nargs; k++) {
    uint32_t *v = begin(w), minus = dz__graph_args(g, first)[k] & DZ__MINUS;
    if (!v) return false;
    const uint32_t *from = lanes_of(w, p);
    for (uint32_t l = 0; l < lanes; l++) {
      uint32_t x = g->arg[g->start[from[l]] + k];
      if ((x & DZ__MINUS) != minus) return *mixed = true, false;
      v[l] = dz__node_of(x);
    }
    w->arg[w->at[p].args + k] = end(w) | minus;
  }
  return true;
}

/* ---- choices ---- */

/* All users of a node that a lane owns are in this lane, so it stands in no other one. */
static bool owns(const walk *w, uint32_t l, uint32_t i) { return w->r->owners.owner[i] == w->b->first + l; }

static bool can_count(walk *w) {
  size_t bytes = (w->g->n + 1) * sizeof(uint32_t);
  if (w->r->count) return true;
  w->r->count = dz__alloc(alloc_of(w), bytes);
  if (w->r->count) memset(w->r->count, 0, bytes);
  return w->r->count != NULL;
}

/* Operations of one shape: where each lane's own node of one position is found among the other positions, it
   is a choice among them, such as the largest of several. */
static bool find_choices(walk *w, const uint32_t *class, size_t members) {
  if (!can_count(w)) return false;
  uint32_t lanes = w->b->lanes, *count = w->r->count;
  size_t left = members;
  for (size_t m = 0; m < members; m++)
    for (uint32_t l = 0; l < lanes; l++) count[lanes_of(w, class[m])[l]]++;
  for (size_t m = members; m-- > 0;) {
    const uint32_t *v = lanes_of(w, class[m]);
    bool covered = true;
    for (uint32_t l = 0; l < lanes && covered; l++) covered = owns(w, l, v[l]) && count[v[l]] > 1;
    if (!covered) continue;
    for (uint32_t l = 0; l < lanes; l++) count[v[l]]--;
    w->at[class[m]].role = CHOICE;
    left--;
  }
  for (size_t m = 0; m < members; m++)
    for (uint32_t l = 0; l < lanes; l++) count[lanes_of(w, class[m])[l]] = 0;
  if (left == members) return true;
  if (!dz__grow(alloc_of(w), (void **)&w->arg, &w->arg_cap, w->args + left + 1, sizeof *w->arg)) return false;
  for (size_t m = 0; m < members; m++) {
    position *p = &w->at[class[m]];
    if (p->role == CHOICE) p->args = (uint32_t)w->args, p->nargs = (uint32_t)left;
  }
  for (size_t m = 0; m < members; m++)
    if (w->at[class[m]].role != CHOICE) w->arg[w->args++] = class[m];
  return true;
}

/* Classes are collected in `which` by following equal hashes of the nodes in lane 0. */
static bool choices(walk *w) {
  const uint64_t *hash = w->r->shapes.hash;
  size_t n = w->n;
  if (!dz__grow(alloc_of(w), (void **)&w->which, &w->which_cap, 2 * n, sizeof *w->which)) return false;
  if (!dz__grow(alloc_of(w), (void **)&w->stack, &w->stack_cap, w->buckets, sizeof *w->stack)) return false;
  uint32_t *next = w->which, *class = w->which + n, *head = w->stack;
  memset(head, 0, w->buckets * sizeof *head);
  for (size_t p = n; p-- > 0;) {
    if (w->at[p].role != OPERATION) continue;
    uint32_t *h = &head[hash[*lanes_of(w, p)] & (w->buckets - 1)];
    next[p] = *h;
    *h = (uint32_t)p + 1;
  }
  for (size_t j = 0; j < w->buckets; j++)
    while (head[j]) {
      uint64_t h = hash[*lanes_of(w, head[j] - 1)];
      size_t members = 0;
      for (uint32_t *link = &head[j]; *link;) {
        uint32_t p = *link - 1;
        if (hash[*lanes_of(w, p)] == h)
          class[members++] = p, *link = next[p];
        else
          link = &next[p];
      }
      if (members > 1 && !find_choices(w, class, members)) return false;
    }
  return true;
}

/* ---- the body ---- */

static bool read_from(walk *w, uint32_t node) {
  if (node == DZ__NO_NODE ||
      !dz__grow(alloc_of(w), (void **)w->call, w->call_cap, *w->calls + 1, sizeof **w->call))
    return false;
  (*w->call)[(*w->calls)++] = node;
  return true;
}

static uint32_t uniform(walk *w, uint32_t node) {
  uint32_t k = (uint32_t)*w->calls - 1;
  if (!read_from(w, node)) return DZ__NO_NODE;
  return dz__graph_add(&w->to->body, DZ__P_UNIFORM, w->r->out->root.flags[node] & DZ__N_ACTIVE, 1, &k);
}

static uint32_t leaf(walk *w, size_t p) {
  dz__group *to = w->to;
  uint32_t lanes = w->b->lanes, *v = lanes_of(w, p), k;
  if (w->at[p].role == SAME) return uniform(w, dz__root_node(w->r, *v));
  if (w->at[p].role == NUMBERS) {
    k = (uint32_t)to->tables;
    if (!dz__grow(alloc_of(w), (void **)&to->table, &to->table_cap, (k + 1u) * (size_t)lanes,
                  sizeof *to->table))
      return DZ__NO_NODE;
    for (uint32_t l = 0; l < lanes; l++) to->table[(size_t)k * lanes + l] = dz__graph_value(w->g, v[l]);
    to->tables++;
    return dz__graph_add(&to->body, DZ__P_TABLE, 0, 1, &k);
  }
  k = (uint32_t)*w->calls - 1;
  unsigned flags = 0;
  for (uint32_t l = 0; l < lanes; l++) {
    uint32_t node = dz__root_node(w->r, v[l]);
    if (!read_from(w, node)) return DZ__NO_NODE;
    flags |= w->r->out->root.flags[node] & DZ__N_ACTIVE;
  }
  return dz__graph_add(&to->body, DZ__P_STREAM, flags, 1, &k);
}

/* Which of the candidates each lane takes. */
static uint32_t choice(walk *w, const position *p, const uint32_t *v) {
  dz__group *to = w->to;
  uint32_t lanes = w->b->lanes, k = (uint32_t)to->choices, *count = w->r->count;
  const uint32_t *from = &w->arg[p->args];
  if (!dz__grow(alloc_of(w), (void **)&to->choice, &to->choice_cap, (k + 1u) * (size_t)lanes,
                sizeof *to->choice))
    return DZ__NO_NODE;
  for (uint32_t c = 0; c < p->nargs; c++)
    for (uint32_t l = 0; l < lanes; l++) count[lanes_of(w, from[c])[l]] = c;
  for (uint32_t l = 0; l < lanes; l++) to->choice[(size_t)k * lanes + l] = count[v[l]];
  for (uint32_t c = 0; c < p->nargs; c++)
    for (uint32_t l = 0; l < lanes; l++) count[lanes_of(w, from[c])[l]] = 0;
  to->choices++;
  uint32_t j = dz__graph_add(&to->body, DZ__P_SELECT, 0, p->nargs + 1u, from);
  if (j == DZ__NO_NODE) return j;
  uint32_t *args = &to->body.arg[to->body.start[j]];
  args[0] = k;
  for (uint32_t c = 0; c < p->nargs; c++) {
    args[c + 1] = w->at[from[c]].body;
    to->body.flags[j] |= to->body.flags[args[c + 1]] & DZ__N_ACTIVE;
  }
  return j;
}

/* What reads nothing but uniforms is computed once, around the loop. */
static uint32_t hoisted(walk *w, unsigned kind, unsigned flags, const uint32_t *args, size_t nargs) {
  dz__graph *root = &w->r->out->root;
  uint32_t j = dz__graph_add(root, kind, flags, nargs, args);
  for (size_t k = 0; j != DZ__NO_NODE && k < nargs; k++) {
    uint32_t from = dz__graph_args(&w->to->body, dz__node_of(args[k]))[0];
    root->arg[root->start[j] + k] = (*w->call)[from + 1] | (args[k] & DZ__MINUS);
  }
  return j == DZ__NO_NODE ? j : uniform(w, j);
}

static uint32_t operation(walk *w, const position *p, uint32_t first) {
  dz__graph *body = &w->to->body;
  unsigned kind = w->g->kind[first], flags = w->g->flags[first] & DZ__N_TIE;
  bool same = true;
  if (!dz__grow(alloc_of(w), (void **)&w->which, &w->which_cap, p->nargs, sizeof *w->which))
    return DZ__NO_NODE;
  for (uint32_t k = 0; k < p->nargs; k++) {
    uint32_t x = w->arg[p->args + k], is = w->at[dz__node_of(x)].body;
    w->which[k] = is | (x & DZ__MINUS);
    same &= body->kind[is] == DZ__P_UNIFORM;
    if (dz__has_slope(kind)) flags |= body->flags[is] & DZ__N_ACTIVE;
  }
  if (same) return hoisted(w, kind, flags, w->which, p->nargs);
  return dz__graph_add(body, kind, flags, p->nargs, w->which);
}

static bool settle(walk *w, size_t p) {
  position *at = &w->at[p];
  const uint32_t *v = lanes_of(w, p);
  at->body = at->role == OPERATION ? operation(w, at, *v)
             : at->role == CHOICE  ? choice(w, at, v)
                                   : leaf(w, p);
  return at->body != DZ__NO_NODE;
}

/* Depth first, each position when its operands are there. */
static bool build(walk *w) {
  size_t depth = 0;
  if (!dz__grow(alloc_of(w), (void **)&w->stack, &w->stack_cap, 2 * w->n + 2, sizeof *w->stack)) return false;
  w->stack[depth++] = 0;
  w->stack[depth++] = 0;
  while (depth > 0) {
    uint32_t p = w->stack[depth - 2], k = w->stack[depth - 1];
    const position *at = &w->at[p];
    while (k < at->nargs && w->at[dz__node_of(w->arg[at->args + k])].body != DZ__NO_NODE) k++;
    w->stack[depth - 1] = k;
    if (k < at->nargs) {
      w->stack[depth++] = dz__node_of(w->arg[at->args + k]);
      w->stack[depth++] = 0;
      continue;
    }
    depth -= 2;
    if (!settle(w, p)) return false;
  }
  return dz__graph_output(&w->to->body, w->at[0].body);
}

static bool walk_all(walk *w, bool *mixed) {
  uint32_t *v = begin(w);
  if (!v) return false;
  for (uint32_t l = 0; l < w->b->lanes; l++) v[l] = dz__node_of(w->r->owners.top[w->b->first + l]);
  end(w);
  /* Lanes that compute each other's nodes go on for long. */
  const size_t most = 8 * (w->g->n + w->g->args) / w->b->lanes + 4096;
  for (size_t p = 0; p < w->n; p++) {
    if (w->n > most) return *mixed = true, false;
    w->at[p].role = (uint8_t)(p ? role_of(w, p) : OPERATION);
    if (w->at[p].role == OPERATION && !expand(w, p, mixed)) return false;
  }
  return choices(w) && build(w);
}

bool dz__walk(dz__rolling *r, const dz__bundle *b, dz__group *group, uint32_t **call, size_t *calls,
              size_t *call_cap, bool *mixed) {
  walk w = {.r = r, .g = r->g, .b = b, .to = group, .call = call, .calls = calls, .call_cap = call_cap};
  const dz_allocator *a = alloc_of(&w);
  dz__graph_init(&group->body, a);
  group->lanes = b->lanes;
  bool done = walk_all(&w, mixed);
  dz__free(a, w.lane, w.lane_cap * sizeof *w.lane);
  dz__free(a, w.at, w.at_cap * sizeof *w.at);
  dz__free(a, w.arg, w.arg_cap * sizeof *w.arg);
  dz__free(a, w.bucket, w.bucket_cap * sizeof *w.bucket);
  dz__free(a, w.stack, w.stack_cap * sizeof *w.stack);
  dz__free(a, w.which, w.which_cap * sizeof *w.which);
  return done;
}
