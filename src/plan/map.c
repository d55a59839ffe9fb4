/* One plan over many samples: they are the lanes. */
#include "base/never.h"
#include "plan/crew.h"
#include "plan/plan.h"

#include <string.h>

/* Doubles, and as many marks for the careful machine. */
static size_t room_of(const dz__loop *l) { return l->spot + l->room; }

/* Of one thread. */
static size_t bytes_of(const dz__loop *l) {
  size_t bytes = room_of(l) * (sizeof(double) + 1) + sizeof(double) + DZ__LINE;
  return (bytes + DZ__LINE - 1) / DZ__LINE * DZ__LINE;
}

size_t dz_plan_map_memory(const dz_plan *p) {
  const dz__loop *l = p ? p->program.map : NULL;
  return l ? bytes_of(l) * (p->program.threads > 1 ? p->program.threads : 1) : 0;
}

/* The caller's values are written last, behind what made the NaN. */
static const dz__instruction *before_values(const dz__routine *c) {
  const dz__instruction *i = c->at + c->reverse;
  while (!DZ__NEVER(i == c->at) && (i[-1].op == DZ__I_PUT || i[-1].op == DZ__I_PUTS)) i--;
  return i;
}

/* Adjoints of the samples at hand once more, with marks: a zero may have met an infinity. Their values go
   first, since registers were used again. */
static void carefully(const dz_plan *p, dz__view *v, size_t lanes) {
  const dz__routine *c = &p->program.map->code;
  v->list = c->list;
  memset(v->marks, 1, v->memory);
  p->lanes(v, c->at, before_values(c), lanes);
  dz__run_careful(v, c->at + c->reverse, c->at + c->n, lanes);
}

typedef struct samples {
  const dz_plan *p;
  size_t n, span; /* span: to a block */
  const double *in;
  double *values, *jacobians;
  char *work;
} samples;

/* Native code reads vectors that are whole, or samples too few for one: of what lies behind the caller's last
   number it knows nothing. */
static void run_native(const samples *s, double *w, size_t lane, size_t lanes) {
  const size_t whole = lanes / DZ__W * DZ__W, pieces[] = {whole, lanes - whole};
  for (int k = 0; k < 2; lane += pieces[k++])
    if (pieces[k])
      s->p->native->map(s->in, s->jacobians, w, s->values, lane, pieces[k], dz__machine_rows(s->p->lanes));
}

/* Samples `lane` to before `lane` + `lanes`. */
static void run_tile(const samples *s, dz__view *v, size_t lane, size_t lanes) {
  const dz_plan *p = s->p;
  const dz__loop *l = p->program.map;
  const dz__routine *c = lanes % DZ__W == 0 ? &l->packed : &l->code;
  const dz__instruction *adjoints = c->at + c->reverse;
  size_t row = dz_plan_outputs(p) * dz_plan_inputs(p);
  double *w = v->work;
  v->list = c->list;
  v->first = lane;
  v->base[DZ__INS] = v->base[DZ__IN] + lane;
  if (p->native) {
    w[room_of(l)] = 0;
    run_native(s, w, lane, lanes);
    if (w[room_of(l)] == 0) return;
  } else {
    p->lanes(v, c->at, s->values ? adjoints : before_values(c), lanes);
    if (s->jacobians) p->lanes(v, adjoints, c->at + c->n, lanes);
  }
  if (s->jacobians && dz__has_nan(s->jacobians + lane * row, lanes * row)) carefully(p, v, lanes);
}

/* Each thread has a workspace of its own. */
static void run_block(void *user, size_t block, size_t who) {
  const samples *s = user;
  const dz__loop *l = s->p->program.map;
  double *w = dz__lined(s->work + who * bytes_of(l)),
         *from = (double *)(uintptr_t)s->in; /* it is only read */
  dz__view v = {.base = {w + l->spot, w, NULL, NULL, from, NULL, s->jacobians, s->values},
                .scale = {l->tile, 1, 1, 1, 1, 1, 1, 1},
                .work = w,
                .marks = (uint8_t *)(w + room_of(l)),
                .memory = room_of(l)};
  size_t first = block * s->span, end = s->n - first < s->span ? s->n : first + s->span;
  memcpy(w, l->table, l->tables * sizeof *w);
  for (size_t lane = first; lane < end; lane += l->tile)
    run_tile(s, &v, lane, end - lane < l->tile ? end - lane : l->tile);
}

dz_status dz_plan_map(const dz_plan *p, size_t n, const double *in, double *values, double *jacobians,
                      void *work) {
  enum { TILES = 16 };
  const dz__loop *l = p ? p->program.map : NULL;
  if (!l || !work || (n && !in && dz_plan_inputs(p)) || (jacobians && !p->gradient)) return DZ_ERR_ARGUMENT;
  samples s = {p, n, p->crew ? TILES * l->tile : n, in, values, jacobians, work};
  if (n) dz__crew_work(p->crew, (n + s.span - 1) / s.span, run_block, &s);
  return DZ_OK;
}
