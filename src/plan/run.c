/* Running a plan: the program around the groups, and at its calls the loops, tile by tile. */
#include "plan/crew.h"
#include "plan/plan.h"
#include "plan/whole.h"

#include <string.h>

typedef struct run {
  const dz_plan *p;
  dz__view view; /* of the program around */
  double *work;
  bool careful, nan; /* nan: seen in a part of the gradient that its loop looks at itself */
} run;

static dz__view view_of(const run *r, const double *in, double *gradient) {
  /* The machine reads `in` only: no place of that kind is ever written. */
  double *from = (double *)(uintptr_t)in;
  const dz__routine *c = &r->p->program.code;
  return (dz__view){.base = {r->work, r->work, r->work, NULL, from, from, gradient, NULL},
                    .scale = {1, 1, 1, 1, 1, 1, 1, 1},
                    .list = c->list,
                    .acc = r->work + r->p->program.acc,
                    .work = r->work,
                    .marks = (uint8_t *)(r->work + r->p->program.memory),
                    .memory = r->p->program.memory};
}

static double sum_of(const double *acc) {
  return ((acc[0] + acc[1]) + (acc[2] + acc[3])) + ((acc[4] + acc[5]) + (acc[6] + acc[7]));
}

/* What is added up arrives where anything of it does. */
static void mark(const run *r, const double *to, const double *acc) {
  const dz__view *v = &r->view;
  uintptr_t at = (uintptr_t)to - (uintptr_t)v->work;
  if (at >= v->memory * sizeof *to) return;
  for (int l = 0; l < DZ__W; l++) v->marks[at / sizeof *to] |= v->marks[acc - v->work + l];
}

/* Accumulators to where they belong; the first one of a reduced loop is its value. */
static void finish(const run *r, const dz__loop *l, unsigned mode) {
  for (size_t k = 0; k < l->accs; k++) {
    double *to = dz__at(&r->view, l->acc[k]), sum = sum_of(r->view.acc + k * DZ__W);
    if (k == 0 && l->reduced) {
      if (mode != DZ__CALL_BACKWARD) *to = sum;
    } else if (mode != DZ__CALL_FORWARD) {
      *to += sum;
      if (r->careful) mark(r, to, r->view.acc + k * DZ__W);
    }
  }
}

/* Tiles from lane `from` to before `end`. */
static void run_tiles(run *r, const dz__loop *l, unsigned mode, size_t from, size_t end, size_t tile,
                      double *acc, double *registers) {
  const dz__routine *c = (end - from) % DZ__W == 0 && !r->careful ? &l->packed : &l->code;
  const dz__instruction *first = c->at, *adjoints = c->at + c->reverse, *last = c->at + c->n;
  dz__view v = r->view;
  v.acc = acc;
  v.list = c->list;
  v.lanes = l->lanes;
  v.scale[DZ__REG] = l->tile;
  v.scale[DZ__ROW] = dz__padded(l->lanes);
  const bool windows = l == r->p->program.window && mode != DZ__CALL_FORWARD && from == 0 && !r->careful;
  if (mode == DZ__CALL_FORWARD) last = adjoints;
  if (mode == DZ__CALL_BACKWARD && l->kept) first = adjoints;
  for (size_t lane = from; lane < end; lane += l->tile, tile++) {
    size_t n = end - lane < l->tile ? end - lane : l->tile;
    v.first = lane;
    v.index = l->index ? l->index + lane : NULL;
    v.choice = l->choice + lane; /* there is always one, if only of nothing */
    v.base[DZ__REG] = l->kept ? r->work + l->spot + tile * l->room : registers;
    v.base[DZ__DIRECT] = r->view.base[DZ__DIRECT] + lane;
    v.base[DZ__ROW] = dz__lined(l->table) + lane;
    v.base[DZ__INS] = r->view.base[DZ__INS] + lane;
    double *window = windows ? v.base[DZ__GRAD] + lane : NULL;
    if (window) memset(window + r->p->program.fresh, 0, n * sizeof *window);
    r->p->lanes(&v, first, r->careful ? adjoints : last, n);
    if (window) r->nan |= dz__has_nan(window + r->p->program.done, n);
    if (r->careful) dz__run_careful(&v, adjoints, last, n);
  }
}

/* ---- blocks ---- */

typedef struct division {
  run *r;
  const dz__loop *l;
  unsigned mode;
  size_t full;
} division;

static void run_block(void *work, size_t block, size_t who) {
  const division *d = work;
  const dz__program *p = &d->r->p->program;
  size_t from = block * d->l->span, end = from + d->l->span, n = d->l->accs * DZ__W;
  double *acc = d->r->view.acc + block * n;
  double *registers = d->r->work + (who ? p->spare + (who - 1) * p->common : d->l->spot);
  if (n) memset(acc, 0, n * sizeof *acc);
  run_tiles(d->r, d->l, d->mode, from, end < d->full ? end : d->full, from / d->l->tile, acc, registers);
}

/* Accumulators are added block after block, whoever ran them. Returns where those of the last lanes are. */
static double *run_blocks(run *r, const dz__loop *l, unsigned mode, size_t full) {
  division d = {r, l, mode, full};
  size_t blocks = dz__blocks_of(l), n = l->accs * DZ__W;
  double *acc = r->view.acc;
  dz__crew_work(r->p->crew, blocks, run_block, &d);
  for (size_t b = 1; b < blocks; b++)
    for (size_t k = 0; k < n; k++) acc[k] += acc[b * n + k];
  return acc + blocks * n;
}

/* The last lanes, which do not fill a vector, add to accumulators of their own, of which then only these
   lanes count. */
static void run_loop(run *r, const dz__loop *l, unsigned mode) {
  size_t full = l->lanes / DZ__W * DZ__W, rest = l->lanes - full, n = l->accs * DZ__W;
  double *acc = r->view.acc, *last = acc + n, *registers = r->work + l->spot;
  if (r->careful) memset(r->view.marks + (acc - r->work), 0, 2 * n);
  if (l->span && !r->careful) {
    last = run_blocks(r, l, mode, full);
  } else {
    if (n) memset(acc, 0, n * sizeof *acc);
    run_tiles(r, l, mode, 0, full, 0, acc, registers);
  }
  if (n && rest) memset(last, 0, n * sizeof *last);
  if (rest) run_tiles(r, l, mode, full, l->lanes, (l->lanes + l->tile - 1) / l->tile, last, registers);
  for (size_t k = 0; rest && k < n; k++) {
    if (k % DZ__W >= rest) continue;
    acc[k] += last[k];
    if (r->careful) r->view.marks[acc + k - r->work] |= r->view.marks[last + k - r->work];
  }
  finish(r, l, mode);
}

/* A part of the program around, with the loops that it calls. */
static void run_part(run *r, size_t from, size_t to, dz__machine *machine, bool gradient) {
  const dz__program *p = &r->p->program;
  if (from == to) return;
  const dz__instruction *i = p->code.at + from, *end = p->code.at + to;
  while ((i = machine(&r->view, i, end, 1)) < end) {
    const dz__loop *l = &p->loop[i->a];
    unsigned mode = gradient ? i->mode : DZ__CALL_FORWARD;
    if (l->outside)
      dz__run_outside(&r->view, l, mode, r->careful);
    else if (l->sequence)
      dz__run_sequence(&r->view, l, mode, dz__machine_rows(r->p->lanes), r->careful);
    else
      run_loop(r, l, mode);
    i++;
  }
}

/* What no loop empties itself. */
static void empty(const dz__program *p, double *gradient, bool all) {
  size_t first = all || !p->window ? p->inputs : p->fresh, behind = first + (all ? 0 : p->windowed);
  if (first) memset(gradient, 0, first * sizeof *gradient);
  if (behind < p->inputs) memset(gradient + behind, 0, (p->inputs - behind) * sizeof *gradient);
}

/* Of the whole gradient, without looking at what its loop has looked at. */
static bool any_nan(const run *r, const double *gradient) {
  const dz__program *p = &r->p->program;
  size_t first = p->window ? p->done : p->inputs, behind = first + p->windowed;
  return r->nan || dz__has_nan(gradient, first) ||
         (behind < p->inputs && dz__has_nan(gradient + behind, p->inputs - behind));
}

static void run_gradient(run *r, const double *seeds, double *gradient) {
  const dz__program *p = &r->p->program;
  const dz__routine *c = &p->code;
  dz__machine *machine = r->careful ? dz__run_careful : dz__run_one;
  memset(r->work + p->zeros, 0, p->zeroed * sizeof *r->work);
  empty(p, gradient, r->careful);
  size_t outputs = dz_plan_outputs(r->p);
  for (size_t k = 0; k < p->outputs; k++) r->work[p->seeds + k] = k >= outputs ? 0 : seeds ? seeds[k] : 1;
  if (r->careful) {
    memset(r->view.marks, 1, p->memory);
    memset(r->view.marks + p->zeros, 0, p->zeroed);
    memset(r->view.marks + p->seeds + outputs, 0, p->outputs - outputs); /* nothing flows to branches */
  }
  run_part(r, 0, c->forward, machine, true);
  run_part(r, c->forward, c->reverse, dz__run_one, true);
  run_part(r, c->reverse, c->n, machine, true);
}

/* A sum that is no NaN has none among its terms; infinities of both signs make one too, and are told apart.
 */
/* Vectors side by side, so that no comparison waits for another. */
bool dz__has_nan(const double *x, size_t n) {
  enum { SIDE = 4, LANES = 2 }; /* as many lanes as any processor has: wider vectors gcc takes apart */
  typedef double loose __attribute__((vector_size(LANES * 8), aligned(8), may_alias));
  typedef int64_t flags __attribute__((vector_size(LANES * 8)));
  flags any[SIDE] = {{0}};
  size_t i = 0;
  int64_t found = 0;
  for (; i + SIDE * LANES <= n; i += SIDE * LANES)
    for (size_t k = 0; k < SIDE; k++) {
      const loose y = *(const loose *)(x + i + k * LANES);
      any[k] |= (flags)(y != y);
    }
  for (; i < n; i++) found |= x[i] != x[i];
  for (int k = 0; k < SIDE; k++) found |= any[k][0] | any[k][1];
  return found != 0;
}

dz_status dz_plan_pull(const dz_plan *plan, const double *in, const double *seeds, double *values,
                       double *gradient, void *work) {
  if (!plan || !work || (!in && dz_plan_inputs(plan)) || (gradient && !plan->gradient))
    return DZ_ERR_ARGUMENT;
  const dz__program *p = &plan->program;
  if (plan->whole) {
    dz__whole_run(plan->whole, in, seeds, values, gradient, work);
    return dz_plan_flips(plan, work, NULL) ? DZ_ERR_BRANCH : DZ_OK;
  }
  run r = {.p = plan, .work = dz__lined(work)};
  if (plan->native && !seeds) {
    const dz__native *n = plan->native;
    const dz__team team = {plan->crew, dz__crew_work};
    int flips = n->run(in, values, gradient, r.work, dz__lined(n->table), n->index,
                       dz__machine_rows(plan->lanes), &team);
    if (!gradient || r.work[p->memory] == 0) return flips ? DZ_ERR_BRANCH : DZ_OK;
  }
  r.view = view_of(&r, in, gradient);
  if (p->numbers) memcpy(r.work, p->number, p->numbers * sizeof *p->number);
  if (gradient) {
    run_gradient(&r, seeds, gradient);
    r.careful = any_nan(&r, gradient);
    if (r.careful) run_gradient(&r, seeds, gradient);
  } else {
    run_part(&r, p->code.forward, p->code.reverse, dz__run_one, false);
  }
  for (size_t k = 0; values && k < dz_plan_outputs(plan); k++) values[k] = *dz__at(&r.view, p->value[k]);
  return dz_plan_flips(plan, work, NULL) ? DZ_ERR_BRANCH : DZ_OK;
}

size_t dz_plan_flips(const dz_plan *p, const void *work, dz_branch *first) {
  if (!p || !work) return 0;
  const uint32_t *place = p->whole ? NULL : p->program.value + dz_plan_outputs(p);
  const double *numbers = dz__lined(work);
  size_t flips = 0;
  for (size_t k = 0; k < p->guards.n; k++) {
    const dz__guard *g = &p->guards.at[k];
    double condition = p->whole ? numbers[k] : numbers[dz__place_index(place[k])];
    if ((condition != 0) == g->held) continue;
    if (first && flips == 0) *first = (dz_branch){g->file, g->line, g->held, k};
    flips++;
  }
  return flips;
}

dz_status dz_plan_run(const dz_plan *p, const double *in, double *values, double *gradient, void *work) {
  return dz_plan_pull(p, in, NULL, values, gradient, work);
}

size_t dz_plan_memory(const dz_plan *p) {
  if (p && p->whole) return dz__whole_memory(p->whole);
  return p ? p->program.memory * (sizeof(double) + 1) + sizeof(double) + DZ__LINE : 0;
}
