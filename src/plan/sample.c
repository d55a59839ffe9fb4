/* The program of a map: samples for lanes. */
#include "plan/lower.h"
#include "plan/pack.h"

#include <string.h>

/* Constants of a map are its table, one row of one number each: they stand in the workspace before the
 * registers. */
static bool place_leaves(dz__lowering *w, size_t inputs, dz__loop *l) {
  const dz__graph *g = w->g;
  for (uint32_t i = 0; i < g->n; i++) {
    if (g->kind[i] == DZ__P_CONST) {
      if (!dz__grow(w->alloc, (void **)&l->table, &l->table_cap, l->tables + 1, sizeof *l->table))
        return false;
      w->val[i] = dz__place_at(DZ__UNI, l->tables);
      l->table[l->tables++] = dz__graph_value(g, i);
    } else if (g->kind[i] == DZ__P_INPUT) {
      w->val[i] = dz__register(w);
      dz__instruction *load =
          dz__instruct(w, DZ__I_LOAD, w->val[i], dz__place_at(DZ__IN, dz__graph_args(g, i)[0]));
      if (load) load->c = (uint32_t)inputs;
    }
  }
  return true;
}

static void put(dz__lowering *w, uint32_t to, uint32_t place, size_t step) {
  dz__instruction *i = dz__instruct(w, DZ__I_PUT, to, place);
  if (i) i->c = (uint32_t)step;
}

/* Row k of every sample's Jacobian; `one` is the number 1. `place` is room for all inputs. */
static void row(dz__lowering *w, size_t k, uint32_t one, uint32_t *place) {
  const dz__graph *g = w->g;
  size_t inputs = w->program->inputs, zero = DZ__NOWHERE;
  memset(w->adj, 0xff, g->n * sizeof *w->adj);
  memset(w->started, 0, g->n);
  memset(place, 0xff, inputs * sizeof *place);
  dz__flow_to(w, g->out[k], one, DZ__NOWHERE, false);
  dz__lower_adjoints(w);
  for (uint32_t i = 0; i < g->n; i++)
    if (g->kind[i] == DZ__P_INPUT) place[dz__graph_args(g, i)[0]] = w->adj[i];
  for (size_t j = 0; j < inputs; j++) {
    if (place[j] == DZ__NOWHERE && zero == DZ__NOWHERE) {
      zero = dz__register(w);
      dz__instruct(w, DZ__I_ZERO, (uint32_t)zero, 0);
    }
    uint32_t from = place[j] == DZ__NOWHERE ? (uint32_t)zero : place[j];
    put(w, dz__place_at(DZ__GRAD, k * inputs + j), from, inputs * w->program->outputs);
  }
}

static void map_code(dz__lowering *w, uint32_t one, bool gradient, uint32_t *place) {
  const dz__graph *g = w->g;
  size_t outputs = w->program->outputs;
  dz__lower_values(w, gradient);
  for (size_t k = 0; k < outputs; k++) dz__vector_of(w, g->out[k]);
  for (size_t k = 0; k < outputs; k++) put(w, dz__place_at(DZ__OUT, k), w->spread[g->out[k]], outputs);
  w->to->reverse = w->to->n;
  for (size_t k = 0; gradient && k < outputs; k++) row(w, k, one, place);
}

bool dz__lower_map(const dz__graph *g, size_t inputs, size_t outputs, bool gradient, dz__program *p,
                   dz__loop *l) {
  dz__program shape = {.alloc = p->alloc, .inputs = inputs, .outputs = outputs};
  dz__lowering w = {.to = &l->code, .program = &shape, .loop = l};
  uint32_t *place = dz__alloc(&p->alloc, (inputs + 1) * sizeof *place);
  p->full = inputs >= DZ__MOST_PLACES / (outputs + 1);
  bool done = dz__lowering_init(&w, g) && place && !p->full && place_leaves(&w, inputs, l) &&
              dz__grow(w.alloc, (void **)&l->table, &l->table_cap, l->tables + 1, sizeof *l->table);
  if (done) {
    uint32_t one = dz__place_at(DZ__UNI, l->tables);
    l->table[l->tables++] = 1;
    map_code(&w, one, gradient, place);
    done = !w.failed && dz__pack(&p->alloc, l, w.registers, one) &&
           dz__schedule(&p->alloc, &l->code, w.registers, dz__place_at(DZ__REG, 0), false);
  }
  if (done) {
    l->lanes = DZ__MOST_NODES; /* so that a tile is as long as registers allow */
    l->tile = dz__tile_of(l);
    l->spot = dz__padded(l->tables);
    l->room = (l->code.slots > l->packed.slots ? l->code.slots : l->packed.slots) * l->tile;
  }
  p->full |= shape.full;
  dz__free(&p->alloc, place, (inputs + 1) * sizeof *place);
  dz__lowering_free(&w);
  return done;
}
