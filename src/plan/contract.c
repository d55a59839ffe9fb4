/* The steps of a recurrence become one body, and a call. */
#include "plan/sequence.h"

#include "base/hash.h"

#include <string.h>

/* What stands at one place of the body in all steps: one node for all, one for each, or numbers. */
typedef struct column {
  uint64_t hash;
  uint32_t sample, slot; /* the operation and operand of step 0 that has it */
  uint32_t body;
} column;

/* Of which steps an operation is a result: of the last alone; of another one, too. */
enum { LAST, ALL };

typedef struct work {
  const dz__graph *g;
  const dz__steps *s;
  dz__graph to;
  dz__group *group;
  uint32_t *map; /* per node of g its node in `to` */
  uint32_t
      *body; /* per operation of a step its node in the body; and the carry of what the step before left */
  uint32_t *carry;   /* DZ__NO_NODE: none */
  uint32_t *carried; /* operations of a step that are carried, in the order of carries */
  uint32_t *export;  /* per operation of a step its column of results; DZ__NO_NODE: none. Until they
                        are numbered, LAST or ALL */
  uint32_t *inits;   /* per carry its first value's node in g */
  size_t carries, exports;
  uint32_t *reads; /* the call's operands behind the carries' first values */
  size_t n, read_cap;
  column *columns;
  size_t ncolumns, column_cap;
} work;

static bool inside(const work *w, uint32_t node) {
  uint32_t k = w->s->number[node];
  return k != DZ__NO_NODE && k >= w->s->first && k < w->s->first + w->s->period * w->s->steps;
}

/* Operand `slot` of operation r of step t. */
static uint32_t operand(const work *w, size_t t, uint32_t r, uint32_t slot) {
  return dz__graph_args(w->g, w->s->op[w->s->first + t * w->s->period + r])[slot];
}

static bool is_number(const work *w, uint32_t i) { return w->g->kind[i] == DZ__P_CONST; }

static uint64_t identity(const work *w, uint32_t i) {
  return is_number(w, i) ? dz__bits(dz__graph_value(w->g, i)) : (uint64_t)i << 1 | 1;
}

static bool alike(const work *w, uint32_t i, uint32_t j) {
  return i == j || (is_number(w, i) && is_number(w, j) && identity(w, i) == identity(w, j));
}

/* ---- leaves of the body ---- */

static bool read_node(work *w, uint32_t node) {
  if (!dz__grow(&w->g->alloc, (void **)&w->reads, &w->read_cap, w->n + 1, sizeof *w->reads)) return false;
  w->reads[w->n++] = node;
  return true;
}

static uint32_t make_table(work *w, const column *c) {
  dz__group *to = w->group;
  size_t steps = w->s->steps;
  uint32_t k = (uint32_t)to->tables;
  if (!dz__grow(&w->g->alloc, (void **)&to->table, &to->table_cap, (k + 1u) * steps, sizeof *to->table))
    return DZ__NO_NODE;
  for (size_t t = 0; t < steps; t++)
    to->table[k * steps + t] = dz__graph_value(w->g, operand(w, t, c->sample, c->slot));
  to->tables++;
  return dz__graph_add(&to->body, DZ__P_TABLE, 0, 1, &k);
}

static uint32_t make_leaf(work *w, const column *c, bool same, bool numbers) {
  uint32_t k = (uint32_t)w->n;
  unsigned flags = 0;
  if (!same && numbers) return make_table(w, c);
  for (size_t t = 0; t < (same ? 1 : w->s->steps); t++) {
    uint32_t x = operand(w, t, c->sample, c->slot);
    flags |= w->g->flags[x] & DZ__N_ACTIVE;
    if (!read_node(w, x)) return DZ__NO_NODE;
  }
  return dz__graph_add(&w->group->body, same ? DZ__P_UNIFORM : DZ__P_STREAM, flags, 1, &k);
}

static bool equal(const work *w, const column *c, const column *d) {
  for (size_t t = 0; t < w->s->steps; t++)
    if (!alike(w, operand(w, t, c->sample, c->slot), operand(w, t, d->sample, d->slot))) return false;
  return true;
}

/* The leaf for an operand that is of no step; equal ones are one. */
static uint32_t leaf(work *w, uint32_t r, uint32_t slot) {
  column c = {0, r, slot, DZ__NO_NODE};
  bool same = true, numbers = true;
  uint32_t first = operand(w, 0, r, slot);
  for (size_t t = 0; t < w->s->steps; t++) {
    uint32_t x = operand(w, t, r, slot);
    c.hash = dz__mix(c.hash, identity(w, x));
    same &= alike(w, x, first);
    numbers &= is_number(w, x);
  }
  for (size_t k = 0; k < w->ncolumns; k++)
    if (w->columns[k].hash == c.hash && equal(w, &w->columns[k], &c)) return w->columns[k].body;
  if (!dz__grow(&w->g->alloc, (void **)&w->columns, &w->column_cap, w->ncolumns + 1, sizeof *w->columns))
    return DZ__NO_NODE;
  c.body = make_leaf(w, &c, same, numbers);
  w->columns[w->ncolumns++] = c;
  return c.body;
}

/* ---- the body ---- */

/* What the step before computed there. */
static uint32_t carry(work *w, uint32_t of, uint32_t first_value) {
  if (w->carry[of] != DZ__NO_NODE) return w->carry[of];
  uint32_t k = (uint32_t)w->carries++;
  w->carried[k] = of;
  w->inits[k] = first_value;
  unsigned flags = w->g->flags[w->s->op[w->s->first + of]] & DZ__N_ACTIVE;
  return w->carry[of] = dz__graph_add(&w->group->body, DZ__P_CARRY, flags, 1, &k);
}

/* Leaves come before the operation that asks for them. */
static uint32_t body_operand(work *w, uint32_t r, uint32_t slot) {
  const dz__steps *s = w->s;
  uint32_t x = s->number[operand(w, 1, r, slot)];
  size_t step = s->first + s->period; /* step 1: what it reads of step 0 is carried */
  if (x == DZ__NO_NODE || x < s->first) return leaf(w, r, slot);
  if (x >= step) return w->body[x - step];
  return carry(w, (uint32_t)(x - s->first), operand(w, 0, r, slot));
}

/* Of what only the last step's is wanted the state behind it has, where it is carried. */
static void number_exports(work *w) {
  for (size_t r = 0; r < w->s->period; r++)
    if (w->export[r] == ALL || (w->export[r] == LAST && w->carry[r] == DZ__NO_NODE))
      w->export[r] = (uint32_t)w->exports++;
    else
      w->export[r] = DZ__NO_NODE;
}

static bool build_body(work *w) {
  const dz__steps *s = w->s;
  for (uint32_t r = 0; r < s->period; r++) {
    uint32_t i = s->op[s->first + r], args[3];
    size_t n = dz__graph_nargs(w->g, i);
    for (uint32_t k = 0; k < n; k++)
      if ((args[k] = body_operand(w, r, k)) == DZ__NO_NODE) return false;
    w->body[r] = dz__graph_add(&w->group->body, w->g->kind[i], w->g->flags[i], n, args);
    if (w->body[r] == DZ__NO_NODE) return false;
  }
  number_exports(w);
  for (size_t k = 0; k < w->carries; k++)
    if (!dz__graph_output(&w->group->body, w->body[w->carried[k]])) return false;
  for (uint32_t r = 0; r < s->period; r++)
    if (w->export[r] != DZ__NO_NODE && !dz__graph_output(&w->group->body, w->body[r])) return false;
  w->group->carries = w->carries;
  return dz__flatten(&w->group->body) && dz__share(&w->group->body) && dz__drop_unused(&w->group->body);
}

/* ---- the graph around ---- */

#define WANTED 0xfffffffdu /* from outside the steps */

static void want(work *w, uint32_t node) {
  if (!inside(w, node)) return;
  size_t k = w->s->number[node] - w->s->first, last = w->s->period * (w->s->steps - 1);
  uint32_t *export = &w->export[k % w->s->period];
  w->map[node] = WANTED;
  *export = k >= last && *export != ALL ? LAST : ALL;
}

static void find_exports(work *w) {
  const dz__graph *g = w->g;
  const dz__steps *s = w->s;
  for (size_t k = s->first + s->period * s->steps; k < s->ops; k++) {
    uint32_t i = s->op[k];
    size_t end = dz__end_node(g->kind[i], dz__graph_nargs(g, i));
    for (size_t j = dz__first_node(g->kind[i]); j < end; j++) want(w, dz__node_of(dz__graph_args(g, i)[j]));
  }
  for (size_t k = 0; k < g->outs; k++) want(w, g->out[k]);
}

static uint32_t copy(work *w, uint32_t i) {
  const dz__graph *g = w->g;
  unsigned kind = g->kind[i];
  if (kind == DZ__P_CONST) return dz__graph_number(&w->to, dz__graph_value(g, i));
  size_t n = dz__graph_nargs(g, i), end = dz__end_node(kind, n);
  uint32_t j = dz__graph_add(&w->to, kind, g->flags[i], n, dz__graph_args(g, i));
  if (j == DZ__NO_NODE) return j;
  for (size_t k = dz__first_node(kind); k < end; k++)
    w->to.arg[w->to.start[j] + k] = w->map[dz__graph_args(g, i)[k]];
  return j;
}

static bool copy_ops(work *w, size_t from, size_t to) {
  for (size_t k = from; k < to; k++)
    if ((w->map[w->s->op[k]] = copy(w, w->s->op[k])) == DZ__NO_NODE) return false;
  return true;
}

/* The number of the result that is operation k of all steps. */
static uint32_t result_of(const work *w, size_t k) {
  const size_t steps = w->s->steps, r = k % w->s->period;
  const uint32_t number = w->export[r];
  size_t c = 0;
  if (number != DZ__NO_NODE) return (uint32_t)(number * steps + k / w->s->period);
  while (w->carried[c] != r) c++;
  return (uint32_t)(w->exports * steps + c);
}

static bool add_call(work *w, uint32_t number) {
  const dz__steps *s = w->s;
  dz__graph *to = &w->to;
  size_t n = 1 + w->carries + w->n;
  unsigned flags = 0;
  if (!dz__graph_room(to, 1, n)) return false;
  for (size_t k = 0; k < w->group->body.outs; k++)
    flags |= w->group->body.flags[w->group->body.out[k]] & DZ__N_ACTIVE;
  uint32_t call = dz__graph_push(to, DZ__P_CALL, flags, 1, &number);
  for (size_t k = 0; k < w->carries; k++) to->arg[to->args++] = w->map[w->inits[k]];
  for (size_t k = 0; k < w->n; k++) to->arg[to->args++] = w->map[w->reads[k]];
  to->start[call + 1] = (uint32_t)to->args;
  for (size_t k = 0; k < s->period * s->steps; k++) {
    uint32_t i = s->op[s->first + k];
    if (w->map[i] != WANTED) continue;
    uint32_t at[] = {call, result_of(w, k)};
    w->map[i] = dz__graph_add(to, DZ__P_ELEMENT, w->g->flags[i] & DZ__N_ACTIVE, 2, at);
    if (w->map[i] == DZ__NO_NODE) return false;
  }
  return true;
}

static bool contract(work *w, uint32_t number) {
  const dz__graph *g = w->g;
  const dz__steps *s = w->s;
  find_exports(w);
  if (!build_body(w)) return false;
  w->group->exports = w->exports;
  /* Streams count operands from behind the first values. */
  for (uint32_t i = 0; i < w->group->body.n; i++)
    if (w->group->body.kind[i] == DZ__P_UNIFORM || w->group->body.kind[i] == DZ__P_STREAM)
      w->group->body.arg[w->group->body.start[i]] += (uint32_t)w->carries;
  for (uint32_t i = 0; i < g->n; i++)
    if (dz__is_leaf(g->kind[i]) && (w->map[i] = copy(w, i)) == DZ__NO_NODE) return false;
  if (!copy_ops(w, 0, s->first) || !add_call(w, number) ||
      !copy_ops(w, s->first + s->period * s->steps, s->ops))
    return false;
  for (size_t k = 0; k < g->outs; k++)
    if (!dz__graph_output(&w->to, w->map[g->out[k]])) return false;
  return true;
}

bool dz__contract(dz__graph *g, const dz__steps *s, dz__rolled *r) {
  const dz_allocator *a = &g->alloc;
  size_t bytes = (g->n + 1) * sizeof(uint32_t), step = (s->period + 1) * sizeof(uint32_t);
  work w = {.g = g, .s = s, .map = dz__alloc(a, bytes)};
  uint32_t **lists[] = {&w.body, &w.carry, &w.carried, &w.export, &w.inits};
  bool done = w.map && dz__grow(a, (void **)&r->group, &r->group_cap, r->groups + 1, sizeof *r->group);
  for (size_t k = 0; k < 5; k++) {
    *lists[k] = dz__alloc(a, step);
    if (*lists[k]) memset(*lists[k], 0xff, step);
    done = done && *lists[k];
  }
  dz__graph_init(&w.to, a);
  if (done) {
    memset(w.map, 0xff, bytes);
    w.group = &r->group[r->groups++];
    *w.group = (dz__group){.lanes = s->steps, .sequence = true};
    dz__graph_init(&w.group->body, a);
    done = contract(&w, (uint32_t)r->groups - 1);
  }
  dz__free(a, w.map, bytes);
  for (size_t k = 0; k < 5; k++) dz__free(a, *lists[k], step);
  dz__free(a, w.reads, w.read_cap * sizeof *w.reads);
  dz__free(a, w.columns, w.column_cap * sizeof *w.columns);
  dz__graph unwanted = done ? *g : w.to;
  if (done) *g = w.to;
  dz__graph_free(&unwanted);
  return done;
}
