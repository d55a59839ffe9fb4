/* The program around the groups: where everything stands, and the order of it all. The workspace holds, in
   this order: constants; values that loops read or the caller wants; adjoints that must be 0 before; seeds;
   registers; accumulators; the loops' registers. */
#include "plan/lower.h"

#include <string.h>

typedef struct work {
  dz__lowering w;
  const dz__rolled *r;
  dz__program *p;
  uint8_t *pinned;   /* nodes whose value has a place of its own */
  uint8_t *copied;   /* inputs that a stream reads among others that are none: copied to the workspace */
  uint32_t *lasting; /* per group: where its results begin; and their adjoints */
  uint32_t *flowing;
  uint32_t *reads, *flows; /* of the call at hand */
  size_t read_cap, flow_cap;
  size_t at; /* the next free place */
} work;

static size_t take(work *k, size_t n) {
  size_t at = k->at;
  k->at += n;
  if (k->at >= DZ__MOST_PLACES) k->w.failed = k->p->full = true;
  return at;
}

static uint32_t own_place(work *k) { return dz__place_at(DZ__UNI, take(k, 1) % DZ__MOST_PLACES); }

/* ---- what stands where ---- */

/* Where vectors may begin. */
static size_t take_lined(work *k, size_t n) {
  k->at = dz__padded(k->at);
  return take(k, n);
}

static size_t results_of(const dz__group *g) {
  return g->sequence ? g->exports * g->lanes + g->carries : g->reduced ? 1 : dz__padded(g->lanes);
}

/* Streams need their numbers in one array, and adjoints in one. Whether inputs were copied for that. */
static bool check_streams(work *k, uint32_t call) {
  const dz__graph *g = k->w.g, *body;
  const uint32_t *args = dz__graph_args(g, call), *reads = args + 1;
  const dz__group *group = &k->r->group[args[0]];
  bool more = false;
  body = &group->body;
  for (uint32_t i = 0; i < body->n; i++) {
    if (body->kind[i] != DZ__P_STREAM) continue;
    const uint32_t *x = reads + dz__graph_args(body, i)[0];
    bool all = true;
    for (size_t l = 0; l < group->lanes; l++)
      all &= g->kind[x[l]] == DZ__P_INPUT && !k->copied[x[l]] &&
             (g->flags[x[l]] & DZ__N_ACTIVE) == (g->flags[x[0]] & DZ__N_ACTIVE);
    for (size_t l = 0; l < group->lanes && !all; l++) {
      const bool fresh = g->kind[x[l]] == DZ__P_INPUT && !k->copied[x[l]];
      k->copied[x[l]] |= fresh;
      more |= fresh;
    }
  }
  return more;
}

/* An input that is copied for one stream is no input for the others that read it. */
static void find_copied(work *k) {
  const dz__graph *g = k->w.g;
  for (size_t j = 0; j < g->outs; j++) k->copied[g->out[j]] = g->kind[g->out[j]] == DZ__P_INPUT;
  for (bool more = true; more;) {
    more = false;
    for (uint32_t i = 0; i < g->n; i++)
      if (g->kind[i] == DZ__P_CALL && check_streams(k, i)) more = true;
  }
}

static void find_pinned(work *k) {
  const dz__graph *g = k->w.g;
  for (uint32_t i = 0; i < g->n; i++)
    for (size_t j = 1; g->kind[i] == DZ__P_CALL && j < dz__graph_nargs(g, i); j++)
      k->pinned[dz__graph_args(g, i)[j]] = 1;
  for (size_t j = 0; j < g->outs; j++) k->pinned[g->out[j]] = 1;
}

static bool place_constants(work *k) {
  const dz__graph *g = k->w.g;
  dz__program *p = k->p;
  for (uint32_t i = 0; i < g->n; i++) {
    if (g->kind[i] != DZ__P_CONST) continue;
    if (!dz__grow(&p->alloc, (void **)&p->number, &p->number_cap, p->numbers + 1, sizeof *p->number))
      return false;
    p->number[p->numbers++] = dz__graph_value(g, i);
    k->w.val[i] = own_place(k);
  }
  return true;
}

static void place_value(work *k, uint32_t i) {
  const dz__graph *g = k->w.g;
  const uint32_t *args = dz__graph_args(g, i);
  uint32_t *val = &k->w.val[i];
  switch (g->kind[i]) {
  case DZ__P_CONST:
    break;
  case DZ__P_INPUT:
    *val = k->copied[i] ? own_place(k) : dz__place_at(DZ__IN, args[0]);
    break;
  case DZ__P_CALL: {
    const dz__group *group = &k->r->group[args[0]];
    k->lasting[args[0]] = (uint32_t)take_lined(k, results_of(group));
    break;
  }
  case DZ__P_REDUCED:
    *val = dz__place_at(DZ__UNI, k->lasting[dz__graph_args(g, args[0])[0]]);
    break;
  case DZ__P_ELEMENT:
    *val = dz__place_at(DZ__UNI, k->lasting[dz__graph_args(g, args[0])[0]] + args[1]);
    break;
  default:
    if (k->pinned[i]) *val = own_place(k);
  }
}

static void place_adjoint(work *k, uint32_t i) {
  const dz__graph *g = k->w.g;
  const uint32_t *args = dz__graph_args(g, i);
  uint32_t *adj = &k->w.adj[i];
  if (!(g->flags[i] & DZ__N_ACTIVE)) return;
  switch (g->kind[i]) {
  case DZ__P_INPUT:
    *adj = k->copied[i] ? own_place(k) : dz__place_at(DZ__GRAD, args[0]);
    break;
  case DZ__P_CALL: {
    const dz__group *group = &k->r->group[args[0]];
    k->flowing[args[0]] = (uint32_t)take_lined(k, results_of(group));
    break;
  }
  case DZ__P_REDUCED:
    *adj = dz__place_at(DZ__UNI, k->flowing[dz__graph_args(g, args[0])[0]]);
    break;
  case DZ__P_ELEMENT:
    *adj = dz__place_at(DZ__UNI, k->flowing[dz__graph_args(g, args[0])[0]] + args[1]);
    break;
  default:
    if (k->pinned[i]) *adj = own_place(k);
  }
  k->w.started[i] = *adj != DZ__NOWHERE;
}

/* ---- adjoints known early ---- */

static bool is_linear(const dz__graph *g, uint32_t i, size_t k) {
  const uint32_t *args = dz__graph_args(g, i);
  switch (g->kind[i]) {
  case DZ__P_SUM:
  case DZ__F_neg:
    return true;
  case DZ__F_mul:
    return g->kind[args[1 - k]] == DZ__P_CONST;
  case DZ__F_div:
    return k == 0 && g->kind[args[1]] == DZ__P_CONST;
  default: /* a call's own result has what its elements have */
    return g->kind[i] == DZ__P_REDUCED || g->kind[i] == DZ__P_ELEMENT;
  }
}

static void find_early(work *k) {
  const dz__graph *g = k->w.g;
  uint8_t *early = k->w.early;
  memset(early, 1, g->n);
  for (uint32_t i = (uint32_t)g->n; i-- > 0;) {
    size_t first = dz__first_node(g->kind[i]), end = dz__end_node(g->kind[i], dz__graph_nargs(g, i));
    for (size_t j = first; j < end; j++)
      if (!early[i] || !is_linear(g, i, j)) early[dz__node_of(dz__graph_args(g, i)[j])] = 0;
  }
}

/* ---- the code ---- */

static bool lower_call(work *k, uint32_t i, bool gradient) {
  const dz__graph *g = k->w.g;
  const uint32_t *args = dz__graph_args(g, i);
  size_t n = dz__graph_nargs(g, i) - 1;
  const dz__group *group = &k->r->group[args[0]];
  if (!dz__grow(&g->alloc, (void **)&k->reads, &k->read_cap, n + 1, sizeof *k->reads) ||
      !dz__grow(&g->alloc, (void **)&k->flows, &k->flow_cap, n + 1, sizeof *k->flows))
    return false;
  for (size_t j = 0; j < n; j++) {
    k->reads[j] = k->w.val[args[j + 1]];
    k->flows[j] = k->w.adj[args[j + 1]];
  }
  bool active = gradient && g->flags[i] & DZ__N_ACTIVE;
  dz__where where = group->reduced ? DZ__UNI : DZ__DIRECT;
  uint32_t result = dz__place_at(where, k->lasting[args[0]]);
  uint32_t adjoint = active ? dz__place_at(where, k->flowing[args[0]]) : DZ__NOWHERE;
  if (group->outside) return dz__lower_outside(k->p, args[0], k->reads, k->flows, result, adjoint);
  return (group->sequence ? dz__lower_sequence : dz__lower_group)(k->p, group, &k->p->loop[args[0]], k->reads,
                                                                  k->flows, result, adjoint, k->w.sink);
}

/* Copies of inputs, and what flows to them. */
static void copy_inputs(work *k, bool back) {
  const dz__graph *g = k->w.g;
  for (uint32_t i = 0; i < g->n; i++) {
    if (!k->copied[i]) continue;
    uint32_t number = dz__graph_args(g, i)[0];
    if (!back)
      dz__instruct(&k->w, DZ__I_MOV, k->w.val[i], dz__place_at(DZ__IN, number));
    else if (k->w.adj[i] != DZ__NOWHERE)
      dz__instruct(&k->w, DZ__I_ACC, dz__place_at(DZ__GRAD, number), k->w.adj[i]);
  }
}

static void adjoints(work *k, dz__phase phase) {
  k->w.phase = phase;
  for (size_t j = 0; j < k->w.g->outs; j++)
    dz__flow_to(&k->w, k->w.g->out[j], dz__place_at(DZ__UNI, k->p->seeds + j), DZ__NOWHERE, false);
  dz__lower_adjoints(&k->w);
}

/* The values of what is early are needed to tell where its factors stand: constants, which have places. */
static void code(work *k, bool gradient) {
  dz__routine *c = &k->p->code;
  dz__routine early = {.at = NULL};
  k->w.to = c;
  copy_inputs(k, false);
  dz__lower_values(&k->w, gradient);
  size_t values = c->n;
  if (!gradient || k->w.failed) {
    c->reverse = c->n;
    return;
  }
  adjoints(k, DZ__EARLY);
  size_t both = c->n;
  /* The early part goes first. */
  size_t bytes = (both - values) * sizeof *c->at;
  early.at = dz__alloc(k->w.alloc, bytes + 1);
  if (!early.at) {
    k->w.failed = true;
    return;
  }
  if (bytes) {
    memcpy(early.at, c->at + values, bytes);
    memmove(c->at + (both - values), c->at, values * sizeof *c->at);
    memcpy(c->at, early.at, bytes);
  }
  dz__free(k->w.alloc, early.at, bytes + 1);
  c->forward = both - values;
  c->reverse = both;
  adjoints(k, DZ__LATE);
  copy_inputs(k, true);
}

/* A loop whose adjoint is early runs forward and backward at once. */
static void join_calls(work *k) {
  const dz__graph *g = k->w.g;
  dz__routine *c = &k->p->code;
  for (uint32_t i = 0; i < g->n; i++) {
    if (g->kind[i] != DZ__P_CALL || !k->w.early[i] || !(g->flags[i] & DZ__N_ACTIVE)) continue;
    for (size_t j = c->forward; j < c->reverse; j++)
      if (c->at[j].op == DZ__I_CALL && c->at[j].a == dz__graph_args(g, i)[0]) c->at[j].mode = DZ__CALL_BOTH;
  }
}

enum { MOST_KEPT = 1 << 20 }; /* doubles */

static size_t slots_of(const dz__loop *l) {
  return l->code.slots > l->packed.slots ? l->code.slots : l->packed.slots;
}

/* Registers of all steps, as native code stores them; or what the machine holds of them, and a block's. */
static size_t sequence_room(const dz__loop *l) {
  size_t all = (l->lanes + 1) * l->room, held = (l->lanes + 1) * l->helds + (l->block + 1) * l->packed.slots;
  return all > held ? all : held;
}

/* What follows the registers: accumulators, and the loops' registers. */
static void lay_out(work *k) {
  dz__program *p = k->p;
  size_t accs = 0, common = 0, shared = 0; /* shared: registers of loops that threads share */
  k->at += p->code.slots;
  k->at = dz__padded(k->at);
  if (p->threads) dz__find_blocks(p);
  for (size_t j = 0; j < p->loops; j++) {
    size_t n = p->loop[j].accs * (dz__blocks_of(&p->loop[j]) + 1); /* the last lanes have their own */
    if (n > accs) accs = n;
  }
  p->acc = take(k, accs * DZ__W);
  for (size_t j = 0; j < p->loops; j++) {
    dz__loop *l = &p->loop[j];
    if (l->outside) {
      l->kept = true;
      l->spot = take(k, 2 * l->outside->inputs);
      continue;
    }
    if (!l->tile) continue; /* nothing calls it: all that wanted its results compute them themselves */
    if (l->sequence) {
      l->kept = true;
      l->room = l->code.slots;
      l->spot = take(k, sequence_room(l));
      continue;
    }
    size_t tiles = (l->lanes + l->tile - 1) / l->tile, one = slots_of(l) * l->tile;
    l->kept = l->kept && (tiles + 1) * one <= MOST_KEPT;
    l->room = one;
    if (l->kept)
      l->spot = take(k, (tiles + 1) * one); /* the last, incomplete vector goes apart */
    else if (one > common)
      common = one;
    if (!l->kept && l->span && one > shared) shared = one;
  }
  size_t spot = take(k, common);
  for (size_t j = 0; j < p->loops; j++)
    if (!p->loop[j].kept) p->loop[j].spot = spot;
  p->common = shared;
  if (p->threads > 1) p->spare = take(k, (p->threads - 1) * shared);
  p->memory = k->at;
}

/* Loops that run forward and backward apart: their calls of the second kind say so. */
static void mark_kept(work *k) {
  const dz__routine *c = &k->p->code;
  for (size_t j = c->reverse; j < c->n; j++)
    if (c->at[j].op == DZ__I_CALL) k->p->loop[c->at[j].a].kept = true;
}

static bool compile(work *k, bool gradient) {
  dz__program *p = k->p;
  const dz__graph *g = k->w.g;
  find_copied(k);
  find_pinned(k);
  find_early(k);
  if (!place_constants(k)) return false;
  for (uint32_t i = 0; i < g->n; i++) place_value(k, i);
  p->zeros = k->at;
  k->w.sink = own_place(k);
  for (uint32_t i = 0; i < g->n && gradient; i++) place_adjoint(k, i);
  p->zeroed = k->at - p->zeros;
  p->seeds = take(k, g->outs);
  code(k, gradient);
  if (k->w.failed) return false;
  if (gradient) join_calls(k);
  mark_kept(k);
  for (uint32_t i = 0; i < g->n; i++)
    if (g->kind[i] == DZ__P_CALL && !lower_call(k, i, gradient)) return false;
  for (size_t j = 0; j < g->outs; j++) p->value[j] = k->w.val[g->out[j]];
  if (!dz__schedule(k->w.alloc, &p->code, k->w.registers, dz__place_at(DZ__UNI, k->at), false)) return false;
  lay_out(k);
  dz__find_window(p);
  return !k->w.failed;
}

bool dz__compile(const dz__rolled *r, bool gradient, dz__program *p) {
  const dz_allocator *a = &r->alloc;
  const dz__graph *g = &r->root;
  size_t groups = (r->groups + 1) * sizeof(uint32_t);
  work k = {.r = r, .p = p};
  k.w.program = p;
  bool done = dz__lowering_init(&k.w, g);
  k.w.early = dz__alloc(a, g->n + 1);
  k.pinned = dz__alloc(a, g->n + 1);
  k.copied = dz__alloc(a, g->n + 1);
  k.lasting = dz__alloc(a, groups);
  k.flowing = dz__alloc(a, groups);
  p->outputs = g->outs;
  p->value = dz__alloc(&p->alloc, (g->outs + 1) * sizeof *p->value);
  done = done && k.w.early && k.pinned && k.copied && k.lasting && k.flowing && p->value &&
         dz__grow(&p->alloc, (void **)&p->loop, &p->loop_cap, r->groups, sizeof *p->loop);
  if (done) {
    if (r->groups) memset(p->loop, 0, r->groups * sizeof *p->loop);
    p->loops = r->groups;
    memset(k.pinned, 0, g->n + 1);
    memset(k.copied, 0, g->n + 1);
    done = compile(&k, gradient);
  }
  dz__free(a, k.pinned, g->n + 1);
  dz__free(a, k.copied, g->n + 1);
  dz__free(a, k.lasting, groups);
  dz__free(a, k.flowing, groups);
  dz__free(a, k.reads, k.read_cap * sizeof *k.reads);
  dz__free(a, k.flows, k.flow_cap * sizeof *k.flows);
  dz__lowering_free(&k.w);
  return done;
}
