/* One number for each lane, from the graph around: a run of numbers, every k-th, or any. */
#include "plan/lower.h"

/* The step from one place to the next where it is the same for all, else 0. From a place to DZ__NOWHERE, or
   back, it is farther than any array is long. */
static uint32_t step_of(const uint32_t *place, size_t n) {
  uint32_t step = place[1] - place[0];
  if (step == 0 || step > DZ__MOST_PLACES / 2) return 0;
  for (size_t k = 1; k < n; k++)
    if (place[k] - place[k - 1] != step) return 0;
  return step;
}

/* Positions of the places in an array of their kind. */
static uint32_t index_of(dz__lowering *w, const uint32_t *place, size_t n, uint32_t otherwise) {
  dz__loop *l = w->loop;
  uint32_t at = (uint32_t)l->indexes;
  if (!dz__grow(w->alloc, (void **)&l->index, &l->index_cap, l->indexes + n, sizeof *l->index)) {
    w->failed = true;
    return 0;
  }
  for (size_t k = 0; k < n; k++)
    l->index[l->indexes++] = dz__place_index(place[k] == DZ__NOWHERE ? otherwise : place[k]);
  return at;
}

uint32_t dz__lower_stream(dz__lowering *w, uint32_t i) {
  const uint32_t *place = w->reads + dz__graph_args(w->g, i)[0];
  size_t n = w->loop->lanes;
  uint32_t step = step_of(place, n), first = dz__place_index(*place);
  bool in = dz__where_of(*place) == DZ__IN;
  if (step == 1 && (!in || first + dz__padded(n) <= w->program->inputs))
    return dz__place_at(in ? DZ__INS : DZ__DIRECT, first);
  uint32_t d = dz__register(w), base = dz__place_at(in ? DZ__IN : DZ__UNI, step ? first : 0);
  uint32_t at = step ? 0 : index_of(w, place, n, 0);
  dz__instruction *load = dz__instruct(w, step ? DZ__I_LOAD : DZ__I_GATHER, d, base);
  if (load) load->b = at, load->c = step;
  return d;
}

void dz__lower_scatter(dz__lowering *w, uint32_t i) {
  const uint32_t *place = w->flows + dz__graph_args(w->g, i)[0];
  size_t n = w->loop->lanes, k = 0;
  while (place[k] == DZ__NOWHERE) k++; /* where the stream is active, a lane is */
  bool gradient = dz__where_of(place[k]) == DZ__GRAD;
  uint32_t step = step_of(place, n);
  uint32_t base = dz__place_at(gradient ? DZ__GRAD : DZ__UNI, step ? dz__place_index(*place) : 0);
  uint32_t at = step ? 0 : index_of(w, place, n, w->sink);
  dz__instruction *store = dz__instruct(w, step ? DZ__I_STORE : DZ__I_SCATTER, base, w->adj[i]);
  if (store) store->b = at, store->c = step;
}
