/* What a run is spared that asks for the gradient alone: stages whose results only the values are made from,
   as the loss itself is. */
#include "plan/whole.h"

#include <string.h>

/* The way back of a chain reads places of members, and loads that it computes members from again. */
static void read_back_by_chain(const dz__whole *p, const dz__stage *t, bool *needed) {
  for (uint32_t j = 0; j < t->n; j++) {
    const uint32_t i = p->op[t->first + j];
    const dz__tensor *x = &p->node[i];
    needed[i] |= x->recalled && (x->outside || !dz__is_cheap(x->fn));
  }
  for (uint32_t l = 0; l < t->loads; l++) {
    const dz__load *load = &dz__loads_of(p, t)[l];
    needed[load->node] |= load->back;
  }
}

/* Of other operations it may read all, but of a sum to one number, which passes on what arrives. */
static void read_back_by_operation(const dz__whole *p, const dz__stage *t, bool *needed) {
  const uint32_t i = p->op[t->first];
  const dz__tensor *x = &p->node[i];
  if (t->does == DZ__DOES_TOTAL) return;
  needed[i] = true;
  for (uint32_t k = 0; k < x->nargs; k++) needed[p->arg[x->arg0 + k]] = true;
}

/* Whether any result is needed; then all operands are. */
static bool is_needed(const dz__whole *p, const dz__stage *t, bool *needed) {
  bool any = false;
  for (uint32_t j = 0; j < t->n; j++) any |= needed[p->op[t->first + j]];
  for (uint32_t j = 0; j < t->n && any; j++) {
    const dz__tensor *x = &p->node[p->op[t->first + j]];
    for (uint32_t k = 0; k < x->nargs; k++) needed[p->arg[x->arg0 + k]] = true;
  }
  return any;
}

void dz__whole_needed(dz__whole *p, bool *needed) {
  memset(needed, 0, p->nodes * sizeof *needed);
  for (size_t k = p->out_nodes; k < p->outs; k++) needed[p->output[k]] = true;
  for (size_t s = 0; s < p->stages; s++)
    if (p->stage[s].active)
      (dz__is_chain(&p->stage[s]) ? read_back_by_chain : read_back_by_operation)(p, &p->stage[s], needed);
  for (size_t s = p->stages; s-- > 0;) p->stage[s].needed = is_needed(p, &p->stage[s], needed);
}
