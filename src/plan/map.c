/* One plan over many samples: they are the lanes. */
#include "plan/plan.h"

#include <string.h>

size_t dz_plan_map_memory(const dz_plan *p) {
  const dz__loop *l = p ? p->program.map : NULL;
  return l ? (l->spot + l->room + 1) * sizeof(double) : 0;
}

dz_status dz_plan_map(const dz_plan *p, size_t n, const double *in, double *values, double *jacobians,
                      void *work) {
  const dz__loop *l = p ? p->program.map : NULL;
  if (!l || !work || (n && !in && dz_plan_inputs(p)) || (jacobians && !p->gradient)) return DZ_ERR_ARGUMENT;
  double *w = work, *from = (double *)(uintptr_t)in; /* it is only read */
  size_t outputs = dz_plan_outputs(p);
  const dz__instruction *at = l->code.at, *puts = at + l->code.reverse - outputs, *adjoints = puts + outputs;
  dz__view v = {.base = {w + l->spot, w, NULL, NULL, from, NULL, jacobians, values},
                .scale = {l->tile, 1, 1, 1, 1, 1, 1, 1},
                .list = l->code.list};
  memcpy(w, l->table, l->tables * sizeof *w);
  for (size_t lane = 0; lane < n; lane += l->tile) {
    size_t lanes = n - lane < l->tile ? n - lane : l->tile;
    v.first = lane;
    p->lanes(&v, at, values ? adjoints : puts, lanes);
    if (jacobians) p->lanes(&v, adjoints, at + l->code.n, lanes);
  }
  return DZ_OK;
}
