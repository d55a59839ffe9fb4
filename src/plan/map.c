/* One plan over many samples: they are the lanes. */
#include "plan/plan.h"

#include <string.h>

/* Doubles, and as many marks for the careful machine. */
static size_t room_of(const dz__loop *l) { return l->spot + l->room; }

size_t dz_plan_map_memory(const dz_plan *p) {
  const dz__loop *l = p ? p->program.map : NULL;
  return l ? room_of(l) * (sizeof(double) + 1) + sizeof(double) : 0;
}

/* Adjoints of the samples at hand once more, with marks: a zero may have met an infinity. Their values go
   first, since registers were used again. */
static void carefully(const dz_plan *p, dz__view *v, size_t lanes, const dz__instruction *puts) {
  const dz__routine *c = &p->program.map->code;
  memset(v->marks, 1, v->memory);
  p->lanes(v, c->at, puts, lanes);
  dz__run_careful(v, c->at + c->reverse, c->at + c->n, lanes);
}

dz_status dz_plan_map(const dz_plan *p, size_t n, const double *in, double *values, double *jacobians,
                      void *work) {
  const dz__loop *l = p ? p->program.map : NULL;
  if (!l || !work || (n && !in && dz_plan_inputs(p)) || (jacobians && !p->gradient)) return DZ_ERR_ARGUMENT;
  double *w = work, *from = (double *)(uintptr_t)in; /* it is only read */
  size_t outputs = dz_plan_outputs(p), row = outputs * dz_plan_inputs(p);
  const dz__instruction *at = l->code.at, *puts = at + l->code.reverse - outputs, *adjoints = puts + outputs;
  dz__view v = {.base = {w + l->spot, w, NULL, NULL, from, NULL, jacobians, values},
                .scale = {l->tile, 1, 1, 1, 1, 1, 1, 1},
                .list = l->code.list,
                .work = w,
                .marks = (uint8_t *)(w + room_of(l)),
                .memory = room_of(l)};
  memcpy(w, l->table, l->tables * sizeof *w);
  for (size_t lane = 0; lane < n; lane += l->tile) {
    size_t lanes = n - lane < l->tile ? n - lane : l->tile;
    v.first = lane;
    p->lanes(&v, at, values ? adjoints : puts, lanes);
    if (!jacobians) continue;
    p->lanes(&v, adjoints, at + l->code.n, lanes);
    if (dz__has_nan(jacobians + lane * row, lanes * row)) carefully(p, &v, lanes, puts);
  }
  return DZ_OK;
}
