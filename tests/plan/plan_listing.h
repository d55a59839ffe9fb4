/* All that a plan says and holds, and the memory that its making asks for. */
#ifndef DZ_TESTS_PLAN_PLAN_LISTING_H
#define DZ_TESTS_PLAN_PLAN_LISTING_H

#include "dz/dz.h"
#include "listing.h"
#include "plan/emit.h"
#include "plan/plan.h"
#include "plan/whole.h"

static inline void list_routine(listing *l, const char *what, const dz__routine *c) {
  LIST(l, what, c->n, c->forward, c->reverse, c->slots);
  for (size_t k = 0; k < c->n; k++) {
    const dz__instruction *i = &c->at[k];
    LIST(l, " ", i->op, i->mode, i->fn, i->flags, i->d, i->a, i->b, i->c);
  }
  list_places(l, " list", c->lists, c->list);
}

static inline void list_loop(listing *l, const dz__loop *x) {
  LIST(l, "loop", x->lanes, x->tile, x->span, x->spot, x->room, x->reduced, x->kept, x->sequence);
  LIST(l, " ends", x->last, x->enter, x->zeroed, x->leave, x->passed, x->block);
  LIST(l, " parts", x->parts.last, x->parts.enter, x->parts.values, x->parts.zeros, x->parts.adjoints,
       x->parts.sums, x->parts.leave, x->parts.arrive, x->parts.covered);
  list_routine(l, " code", &x->code);
  list_routine(l, " packed", &x->packed);
  if (x->table && x->tile) list_doubles(l, " table", x->tables * dz__padded(x->lanes), dz__lined(x->table));
  list_places(l, " choice", x->choices * x->lanes, x->choice);
  list_places(l, " index", x->indexes, x->index);
  list_places(l, " acc", x->accs, x->acc);
  list_places(l, " held", x->helds, x->held);
}

static inline void list_map(listing *l, const dz__loop *x) {
  LIST(l, "map", x->tile, x->spot, x->room);
  list_routine(l, " code", &x->code);
  list_doubles(l, " table", x->tables, x->table);
}

static inline void list_program(listing *l, const dz__program *p) {
  LIST(l, "program", p->zeros, p->zeroed, p->seeds, p->acc, p->memory, p->inputs, p->outputs);
  LIST(l, "shared", p->threads, p->spare, p->common, p->fresh, p->done, p->windowed);
  LIST(l, "window", p->window ? (uint64_t)(p->window - p->loop) : p->loops);
  list_routine(l, "code", &p->code);
  list_doubles(l, "number", p->numbers, p->number);
  if (p->value) list_places(l, "value", p->outputs, p->value);
  for (size_t k = 0; k < p->loops; k++) list_loop(l, &p->loop[k]);
  if (p->map) list_map(l, p->map);
}

static inline void list_tensor(listing *l, const dz__whole *p, const dz__tensor *x) {
  LIST(l, "tensor", x->fn, x->home, x->active, x->tie, x->turned[0], x->turned[1], x->relu, x->dropped,
       x->outside, x->recalled, x->row, x->reached, x->arrives, x->nargs, x->nattr, x->at, x->adjoint);
  for (int k = 0; k < x->shape.rank; k++) LIST(l, " extent", x->shape.dims[k]);
  list_places(l, " operands", x->nargs, p->arg + x->arg0);
  for (uint32_t k = 0; k < x->nattr; k++) LIST(l, " attribute", (uint64_t)p->attr[x->attr0 + k]);
}

static inline void list_whole(listing *l, const dz__whole *p) {
  LIST(l, "whole", p->inputs, p->outputs, p->out_nodes, p->room, p->registers, p->scratch, p->gradient,
       p->single, p->plain);
  for (size_t k = 0; k < p->nodes; k++) list_tensor(l, p, &p->node[k]);
  if (!p->single) list_doubles(l, "number", p->numbers, p->number);
  list_places(l, "op", p->ops, p->op);
  list_places(l, "output", p->outs, p->output);
  for (size_t k = 0; k < p->stages; k++) {
    const dz__stage *s = &p->stage[k];
    LIST(l, "stage", s->first, s->n, s->does, s->active, s->needed, s->loads, s->tile, s->width, s->like);
    const dz__tensor *x = &p->node[p->op[s->first]];
    for (uint32_t j = 0; j < x->nargs && s->active && !dz__is_chain(s); j++)
      LIST(l, " fresh", p->fresh[x->arg0 + j]);
  }
  for (size_t k = 0; k < p->loads; k++) {
    const dz__load *x = &p->load[k];
    LIST(l, "load", x->node, x->meets, x->back, x->flows, x->first, x->row, x->period);
  }
  if (p->careful) list_whole(l, p->careful);
}

static inline dz__machine *base_machine(bool quick) {
#if defined(DZ_SLEEF)
  if (quick) return dz__run_quick;
#endif
  (void)quick;
  return dz__run_lanes;
}

/* The plan of some results, which is made with these options, as C too. Of what cannot be made the status. */
static inline void list_plan_of(listing *l, int results, const dz_var *ys, int n, const dz_var *xs,
                                dz_plan_options o, const dz_emit_options *emitted) {
  dz_error e;
  const dz_allocator a = list_allocator(l);
  o.allocator = &a;
  dz_plan *p = dz_plan_new(results, ys, n, xs, &o, &e);
  LIST(l, "plan", p ? DZ_OK : (uint64_t)e.status);
  if (!p) return;
  p->lanes = base_machine(o.quick); /* what is emitted is the same on every processor then */
  const dz_plan_facts f = dz_plan_facts_of(p);
  LIST(l, "facts", f.operations, f.loops, f.lanes, f.instructions, f.branches, f.bytes);
  LIST(l, "memory", dz_plan_memory(p), dz_plan_map_memory(p));
  for (size_t k = 0; k < p->guards.n; k++) LIST(l, "guard", p->guards.at[k].held);
  if (p->whole)
    list_whole(l, p->whole);
  else
    list_program(l, &p->program);
  if (emitted) LIST(l, "emitted", (uint64_t)dz_emit(p, emitted, list_text, l));
  if (emitted) LIST(l, "native", (uint64_t)dz__emit_plan(p, emitted, true, list_text, l));
  dz_plan_free(p);
}

static inline void list_plan(listing *l, dz_var y, int n, const dz_var *xs, dz_plan_options o,
                             const dz_emit_options *emitted) {
  list_plan_of(l, 1, &y, n, xs, o, emitted);
}

#endif
