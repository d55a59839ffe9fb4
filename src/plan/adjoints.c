/* Code for adjoints. */
#include "plan/lower.h"

#include <string.h>

/* Where what flows to x goes. */
typedef struct target {
  bool wanted, reduced, first; /* reduced: into an accumulator; first: nothing is there yet */
  uint32_t place;
} target;

static uint32_t accumulator(dz__lowering *w, uint32_t i) {
  dz__loop *l = w->loop;
  if (!dz__grow(w->alloc, (void **)&l->acc, &l->acc_cap, l->accs + 1, sizeof *l->acc))
    return w->failed = true, 0;
  l->acc[l->accs] = w->flows[dz__graph_args(w->g, i)[0]];
  return (uint32_t)l->accs++;
}

static target target_of(dz__lowering *w, uint32_t x) {
  target t = {.wanted = w->g->flags[x] & DZ__N_ACTIVE,
              .reduced = dz__is_wide(w) && w->g->kind[x] == DZ__P_UNIFORM};
  if (w->early && w->early[x] != (w->phase == DZ__EARLY)) t.wanted = false;
  if (!t.wanted) return t;
  if (w->adj[x] == DZ__NOWHERE) w->adj[x] = t.reduced ? accumulator(w, x) : dz__register(w);
  t.place = w->adj[x];
  t.first = !t.reduced && !w->started[x];
  w->started[x] = 1;
  return t;
}

static void plain(dz__lowering *w, target t, uint32_t g, bool minus) {
  if (t.reduced)
    dz__instruct(w, minus ? DZ__I_DECRED : DZ__I_RED, t.place, dz__vector(w, g));
  else if (t.first)
    dz__instruct(w, minus ? DZ__I_NEG : DZ__I_MOV, t.place, dz__vector(w, g));
  else
    dz__instruct(w, minus ? DZ__I_DEC : DZ__I_ACC, t.place, dz__vector(w, g));
}

void dz__flow_to(dz__lowering *w, uint32_t x, uint32_t g, uint32_t o, bool minus) {
  target t = target_of(w, x);
  if (!t.wanted) return;
  if (o == DZ__NOWHERE) {
    plain(w, t, g, minus);
    return;
  }
  dz__step_op op = t.first ? (minus ? DZ__I_MULNEG : DZ__I_MUL) : minus ? DZ__I_MULSUB : DZ__I_MULADD;
  if (t.reduced) {
    op = minus ? DZ__I_REDMULNEG : DZ__I_REDMUL;
    o = dz__vector(w, o);
  }
  g = dz__vector(w, g);
  dz__instruction *i = dz__instruct(w, op, t.place, g);
  if (!i) return;
  i->b = o;
  i->mode = (uint8_t)(t.reduced ? DZ__MODE_VV : dz__mode(w, g, o));
}

/* ---- sums ---- */

/* One entry of the list at hand: {how, factor, place}. */
static bool entry(dz__lowering *w, uint32_t x, uint32_t o, bool minus, uint32_t e[3]) {
  target t = target_of(w, x);
  if (!t.wanted) return false;
  /* Where all lanes share the target they do not share the factor: such products stand around the loop. */
  bool factor = o != DZ__NOWHERE, one = factor && dz__is_wide(w) && dz__one_for_all(o);
  if (t.reduced)
    e[0] = factor ? DZ__R_REDV : DZ__R_RED;
  else if (one)
    e[0] = t.first ? DZ__R_SETS : DZ__R_ADDS;
  else if (factor)
    e[0] = t.first ? DZ__R_SETV : DZ__R_ADDV;
  else
    e[0] = t.first ? DZ__R_SET : DZ__R_ADD;
  e[0] |= minus ? DZ__SUBTRACT : 0;
  e[1] = o;
  e[2] = t.place;
  return true;
}

typedef struct flows {
  uint32_t to[2], o[2]; /* to[1] DZ__NO_NODE: a term that is no product */
} flows;

static flows flows_of(const dz__lowering *w, uint32_t x) {
  flows f = {{x, DZ__NO_NODE}, {DZ__NOWHERE, DZ__NOWHERE}};
  if (!w->fused[x]) return f;
  f.to[0] = dz__graph_args(w->g, x)[0], f.to[1] = dz__graph_args(w->g, x)[1];
  f.o[0] = w->val[f.to[1]], f.o[1] = w->val[f.to[0]];
  return f;
}

static void short_sum(dz__lowering *w, uint32_t i, uint32_t g) {
  const uint32_t *args = dz__graph_args(w->g, i);
  for (size_t k = 0; k < dz__graph_nargs(w->g, i); k++) {
    flows f = flows_of(w, dz__node_of(args[k]));
    for (int j = 0; j < 2 && f.to[j] != DZ__NO_NODE; j++)
      dz__flow_to(w, f.to[j], g, f.o[j], args[k] & DZ__MINUS);
  }
}

/* Flows of one sum go into one instruction. */
static void sum(dz__lowering *w, uint32_t i, uint32_t g) {
  const uint32_t *args = dz__graph_args(w->g, i);
  uint32_t at = (uint32_t)w->to->lists, count = 0, e[3];
  if (dz__graph_nargs(w->g, i) <= DZ__FEW_TERMS) {
    short_sum(w, i, g);
    return;
  }
  for (size_t k = 0; k < dz__graph_nargs(w->g, i); k++) {
    flows f = flows_of(w, dz__node_of(args[k]));
    for (int j = 0; j < 2 && f.to[j] != DZ__NO_NODE; j++)
      if (entry(w, f.to[j], f.o[j], args[k] & DZ__MINUS, e)) dz__note_places(w, 3, e), count++;
  }
  if (!count) return;
  dz__instruction *s = dz__instruct(w, DZ__I_RSUM, 0, g);
  if (s) s->b = at, s->c = count;
}

/* ---- by the table ---- */

static void by_partial(dz__lowering *w, uint32_t i, uint32_t g) {
  const dz__graph *graph = w->g;
  const uint32_t *args = dz__graph_args(graph, i);
  size_t n = dz__graph_nargs(graph, i);
  for (size_t k = 0; k < n; k++) {
    if (strcmp(dz__ops[graph->kind[i]].partial[k], "MASK(0)") == 0) continue;
    target t = target_of(w, args[k]);
    if (!t.wanted) continue;
    uint32_t list[5] = {0, 0, 0, w->val[i], g};
    for (size_t j = 0; j < 3; j++) list[j] = j < n ? dz__vector_of(w, args[j]) : list[0];
    if (w->early && w->phase == DZ__EARLY)
      list[0] = list[2] = list[3] = list[1]; /* x / constant: no value yet */
    uint32_t at = dz__note_places(w, 5, list), d = t.reduced ? dz__register(w) : t.place;
    dz__instruction *p = dz__instruct(w, t.reduced || t.first ? DZ__I_PART : DZ__I_PARTADD, d, at);
    if (!p) return;
    p->fn = graph->kind[i];
    p->mode = (uint8_t)k;
    p->flags = graph->flags[i] & DZ__N_TIE;
    if (t.reduced) dz__instruct(w, DZ__I_RED, t.place, d);
  }
}

/* To the one that was chosen; all must hold something before. They are of one shape, so a gradient is wanted
   of all or of none. */
static void select(dz__lowering *w, uint32_t i, uint32_t g) {
  const uint32_t *args = dz__graph_args(w->g, i);
  size_t n = dz__graph_nargs(w->g, i) - 1;
  uint32_t at = (uint32_t)w->to->lists;
  for (size_t k = 0; k < n; k++) {
    target t = target_of(w, args[k + 1]);
    uint32_t d = t.reduced ? dz__register(w) : t.place;
    if (t.reduced || t.first) dz__instruct(w, DZ__I_ZERO, d, 0);
    dz__note_places(w, 1, &d);
  }
  dz__instruction *s = dz__instruct(w, DZ__I_RSELECT, g, at);
  if (s) s->b = args[0], s->c = (uint32_t)n;
  for (size_t k = 0; k < n && !w->failed; k++) {
    target t = target_of(w, args[k + 1]);
    if (t.reduced) dz__instruct(w, DZ__I_RED, t.place, w->to->list[at + k]);
  }
}

static void given(dz__lowering *w, uint32_t i, uint32_t g) {
  const uint32_t *args = dz__graph_args(w->g, i);
  for (size_t k = 1; k < dz__graph_nargs(w->g, i); k += 2)
    dz__flow_to(w, args[k], g, w->val[args[k + 1]], false);
}

static void node(dz__lowering *w, uint32_t i) {
  unsigned kind = w->g->kind[i];
  const uint32_t *args = dz__graph_args(w->g, i);
  if (w->adj[i] == DZ__NOWHERE || kind == DZ__P_UNIFORM || kind == DZ__P_INPUT || kind == DZ__P_CARRY) return;
  uint32_t g = dz__vector(w, w->adj[i]);
  if (kind == DZ__P_STREAM)
    dz__lower_scatter(w, i);
  else if (kind == DZ__P_SUM)
    sum(w, i, g);
  else if (kind == DZ__P_SELECT)
    select(w, i, g);
  else if (kind == DZ__P_GIVEN)
    given(w, i, g);
  else if (kind == DZ__F_neg)
    dz__flow_to(w, args[0], g, DZ__NOWHERE, true);
  else if (kind == DZ__F_mul)
    dz__flow_to(w, args[0], g, w->val[args[1]], false), dz__flow_to(w, args[1], g, w->val[args[0]], false);
  else if (kind == DZ__F_exp)
    dz__flow_to(w, args[0], g, w->val[i], false);
  else if (w->sibling[i] != DZ__NOWHERE)
    dz__flow_to(w, args[0], g, w->val[w->sibling[i]], kind == DZ__F_cos);
  else if (w->slope[i] != DZ__NOWHERE)
    dz__flow_to(w, args[0], g, w->slope[i], false);
  else if (kind < DZ__F_POINTWISE_END)
    by_partial(w, i, g);
}

/* A loop that was not run backward with its values is when its turn comes. */
static void call(dz__lowering *w, uint32_t i) {
  if (!(w->g->flags[i] & DZ__N_ACTIVE) || (w->phase == DZ__EARLY) || w->early[i]) return;
  dz__instruction *c = dz__instruct(w, DZ__I_CALL, 0, dz__graph_args(w->g, i)[0]);
  if (c) c->mode = DZ__CALL_BACKWARD;
}

void dz__lower_adjoints(dz__lowering *w) {
  for (uint32_t i = (uint32_t)w->g->n; i-- > 0 && !w->failed;)
    if (w->g->kind[i] == DZ__P_CALL)
      call(w, i);
    else if (w->g->flags[i] & DZ__N_ACTIVE)
      node(w, i);
}
