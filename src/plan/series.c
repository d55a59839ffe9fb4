/* The program of a sequence: one lane, run step after step. Its registers are kept for every step; those of
   the step before hold the state, and take what flows back to it. */
#include "plan/lower.h"
#include "plan/pack.h"

#include <string.h>

typedef struct state {
  uint32_t value, adjoint; /* registers */
} state;

static uint32_t before(uint32_t reg) { return dz__place_at(DZ__OUT, dz__place_index(reg)); }

static uint32_t out_of(const dz__lowering *w, size_t k) { return w->g->out[k]; }

static bool is_active(const dz__lowering *w, uint32_t i) { return w->g->flags[i] & DZ__N_ACTIVE; }

/* Places of carries, and of what the state is computed into where that is an operation of its own. */
static void place_state(dz__lowering *w, const dz__group *group, state *s, bool gradient) {
  const dz__graph *g = w->g;
  for (size_t k = 0; k < group->carries; k++) {
    s[k] = (state){dz__register(w), dz__register(w)};
    uint32_t i = out_of(w, k);
    if (w->val[i] != DZ__NOWHERE) continue;
    w->val[i] = s[k].value;
    if (gradient && is_active(w, i)) w->adj[i] = s[k].adjoint, w->started[i] = 1;
  }
  for (uint32_t i = 0; i < g->n; i++) {
    uint32_t k = dz__graph_args(g, i)[0];
    if (g->kind[i] == DZ__P_CARRY) {
      w->val[i] = before(s[k].value);
      if (gradient) w->adj[i] = before(s[k].adjoint), w->started[i] = 1;
    } else if (g->kind[i] == DZ__P_UNIFORM && gradient && is_active(w, i)) {
      w->adj[i] = w->flows[k], w->started[i] = 1;
    }
  }
}

static void forward(dz__lowering *w, const dz__group *group, const state *s, uint32_t result, bool gradient) {
  dz__lower_values(w, gradient);
  for (size_t k = 0; k < group->carries; k++)
    if (w->val[out_of(w, k)] != s[k].value) dz__instruct(w, DZ__I_MOV, s[k].value, w->val[out_of(w, k)]);
  for (size_t e = 0; e < group->exports; e++)
    dz__instruct(w, DZ__I_MOV, result + (uint32_t)(e * group->lanes), w->val[out_of(w, group->carries + e)]);
}

/* Nothing flows yet to the state of the step before. Then what arrives at this step's: from the step behind,
   and at its results. */
static void backward(dz__lowering *w, const dz__group *group, const state *s, uint32_t adjoint) {
  for (size_t k = 0; k < group->carries; k++) dz__instruct(w, DZ__I_ZERO, before(s[k].adjoint), 0);
  w->loop->zeroed = w->to->n;
  for (size_t k = 0; k < group->carries; k++)
    if (w->adj[out_of(w, k)] != s[k].adjoint) dz__flow_to(w, out_of(w, k), s[k].adjoint, DZ__NOWHERE, false);
  for (size_t e = 0; e < group->exports; e++)
    dz__flow_to(w, out_of(w, group->carries + e), adjoint + (uint32_t)(e * group->lanes), DZ__NOWHERE, false);
  dz__lower_adjoints(w);
}

/* Where the state behind the last step, or its adjoint, is a result. */
static uint32_t last_of(const dz__group *group, uint32_t results, size_t k) {
  return dz__place_at(DZ__UNI, dz__place_index(results) + group->exports * group->lanes + k);
}

static void code(dz__lowering *w, const dz__group *group, state *s, uint32_t result, uint32_t adjoint) {
  dz__loop *l = w->loop;
  bool gradient = adjoint != DZ__NOWHERE;
  place_state(w, group, s, gradient);
  for (size_t k = 0; k < group->carries; k++)
    dz__instruct(w, DZ__I_MOV, last_of(group, result, k), s[k].value);
  l->last = w->to->n;
  for (size_t k = 0; k < group->carries; k++) dz__instruct(w, DZ__I_MOV, s[k].value, w->reads[k]);
  l->enter = w->to->n;
  forward(w, group, s, result, gradient);
  w->to->reverse = l->zeroed = w->to->n;
  if (gradient) backward(w, group, s, adjoint);
  l->leave = w->to->n;
  for (size_t k = 0; k < group->carries && gradient; k++)
    if (w->flows[k] != DZ__NOWHERE) dz__instruct(w, DZ__I_ACC, w->flows[k], s[k].adjoint);
  l->passed = w->to->n;
  for (size_t k = 0; k < group->carries && gradient; k++)
    dz__instruct(w, DZ__I_ACC, s[k].adjoint, last_of(group, adjoint, k));
}

bool dz__lower_sequence(dz__program *p, const dz__group *group, dz__loop *loop, const uint32_t *reads,
                        const uint32_t *flows, uint32_t result, uint32_t adjoint, uint32_t sink) {
  dz__lowering w = {
      .to = &loop->code, .program = p, .loop = loop, .reads = reads, .flows = flows, .sink = sink};
  size_t bytes = (group->carries + 1) * sizeof(state);
  state *s = dz__alloc(&p->alloc, bytes);
  bool done = dz__lowering_init(&w, &group->body) && s && dz__copy_tables(p, group, loop);
  loop->lanes = group->lanes;
  loop->tile = 1;
  loop->sequence = true;
  if (done) {
    /* Packed code counts the tables' numbers: all are operands of the graph, which has fewer; and of the
       operands of an operation that is in a step one is no number. */
    if (DZ__NEVER(group->tables * dz__padded(group->lanes) >= DZ__MOST_PLACES)) w.failed = p->full = true;
    code(&w, group, s, result, adjoint);
    done = !w.failed && dz__schedule(&p->alloc, &loop->code, w.registers, dz__place_at(DZ__REG, 0), true) &&
           dz__pack_sequence(&p->alloc, loop);
  }
  dz__free(&p->alloc, s, bytes);
  dz__lowering_free(&w);
  return done;
}
