/* Plans from tapes: the passes, one after another. */
#include "plan/plan.h"

#include "plan/crew.h"
#include "plan/lower.h"
#include "plan/reuse.h"
#include "plan/sequence.h"
#include "plan/whole_plan.h"

#include <string.h>

static size_t operations_of(const dz__graph *g) {
  size_t n = 0;
  for (size_t i = 0; i < g->n; i++) n += !dz__is_leaf(g->kind[i]);
  return n;
}

static void count(dz_plan *p) {
  const dz__program *c = &p->program;
  dz_plan_facts *f = &p->facts;
  f->branches = p->guards.n;
  f->loops = c->loops;
  f->instructions = c->code.n;
  f->bytes = sizeof *p + c->code.cap * sizeof *c->code.at + c->code.list_cap * sizeof *c->code.list +
             c->number_cap * sizeof *c->number + c->loop_cap * sizeof *c->loop;
  for (size_t k = 0; k < c->loops; k++) {
    const dz__loop *l = &c->loop[k];
    f->loops -= l->tile == 0;
    f->lanes += l->lanes;
    f->instructions += l->code.n;
    f->bytes += l->packed.cap * sizeof *l->packed.at + l->packed.list_cap * sizeof *l->packed.list +
                l->code.cap * sizeof *l->code.at + (l->code.list_cap + l->choice_cap + l->index_cap) * 4 +
                l->table_cap * sizeof *l->table;
  }
}

/* Inactive parts carry no gradient; a plan for values has none at all. */
static void without_gradient(dz__graph *g) {
  for (size_t i = 0; i < g->n; i++) g->flags[i] &= (uint8_t)~DZ__N_ACTIVE;
}

/* The same graph with samples for lanes. */
static bool make_map(dz_plan *p, dz__graph *g) {
  dz__program *c = &p->program;
  size_t outputs = g->outs - p->guards.n;
  c->map = dz__alloc(&p->alloc, sizeof *c->map);
  if (!c->map) return false;
  memset(c->map, 0, sizeof *c->map);
  return dz__share(g) && dz__prune(g) && dz__lower_map(g, c->inputs, outputs, p->gradient, c, c->map);
}

/* Groups of what C functions compute come first. */
static bool begin_rolling(const dz__program *p, dz__rolled *r) {
  if (!dz__grow(&r->alloc, (void **)&r->group, &r->group_cap, p->outsides, sizeof *r->group)) return false;
  for (; r->groups < p->outsides; r->groups++) {
    r->group[r->groups] = (dz__group){.lanes = p->outside[r->groups].out.size, .outside = true};
    dz__graph_init(&r->group[r->groups].body, &r->alloc);
  }
  return true;
}

static bool passes(dz_plan *p, dz__graph *g, bool roll, bool map) {
  dz__rolled rolled = {.alloc = g->alloc};
  if (!dz__drop_unused(g)) return false;
  p->facts.operations = operations_of(g);
  if (!p->gradient) without_gradient(g);
  bool sequences = roll && !map; /* a map's lanes are samples: what runs step by step has no place there */
  bool done = begin_rolling(&p->program, &rolled) && (!sequences || dz__roll_sequences(g, &rolled)) &&
              dz__flatten(g) && (!map || make_map(p, g)) && dz__roll(g, roll, &rolled) &&
              dz__compile(&rolled, p->gradient, &p->program);
  dz__rolled_free(&rolled);
  return done;
}

static dz_status make(dz_plan *p, const dz__wanted *w, bool roll, bool map, dz_error *e) {
  dz__graph g;
  dz__reuse reuse;
  dz_allocator passing = dz__reuse_begin(&reuse, &p->alloc);
  dz__graph_init(&g, &passing);
  dz_status status = dz__extract(w, &g, &p->guards, &p->program, e);
  if (!status && map && p->program.outsides)
    status = dz__fail(e, DZ_ERR_ARGUMENT, "plan", "'%s', which C functions compute, cannot run over samples",
                      p->program.outside[0].op->name);
  for (int k = 0; k < w->inputs && !status; k++) p->program.inputs += dz_size(w->xs[k]);
  if (!status && !passes(p, &g, roll, map)) status = dz__fail(e, DZ_ERR_MEMORY, "plan", "out of memory");
  if (g.full || p->program.full) {
    *e = (dz_error){.status = DZ_OK}; /* it said that memory is out */
    status = dz__fail(e, DZ_ERR_LIMIT, "plan", "a plan has at most 2^29 numbers");
  }
  dz__graph_free(&g);
  dz__reuse_end(&reuse);
  return status;
}

/* Threads, where there is something to share. */
static void hire(dz_plan *p) {
  bool any = p->program.map != NULL;
  for (size_t k = 0; k < p->program.loops; k++) any |= p->program.loop[k].span > 0;
  if (any) p->crew = dz__crew_new(&p->alloc, p->program.threads);
}

dz_plan *dz_plan_new(int ycount, const dz_var *ys, int xcount, const dz_var *xs, const dz_plan_options *o,
                     dz_error *e) {
  static const dz_plan_options usual;
  dz_error own, *error = e ? e : &own;
  *error = (dz_error){.status = DZ_OK};
  if (ycount < 1 || !ys || xcount < 0 || (xcount && !xs))
    return dz__fail(error, DZ_ERR_ARGUMENT, "plan", "at least one output is needed"), NULL;
  if (!o) o = &usual;
  if (o->threads < 0 || o->threads > DZ_MOST_THREADS)
    return dz__fail(error, DZ_ERR_ARGUMENT, "plan", "threads are 0 to %d", DZ_MOST_THREADS), NULL;
  dz_allocator a = dz__allocator(o->allocator);
  dz_plan *p = dz__alloc(&a, sizeof *p);
  if (!p) return dz__fail(error, DZ_ERR_MEMORY, "plan", "out of memory"), NULL;
  *p = (dz_plan){.alloc = a,
                 .program = {.alloc = a, .threads = o->threads > 0 ? (size_t)o->threads : 0},
                 .lanes = o->quick ? dz__machine_quick() : dz__machine_here(),
                 .gradient = !o->values_only,
                 .guards = {.alloc = a}};
  const dz__wanted wanted = {ycount, xcount, ys, xs};
  bool whole = dz__wants_whole(o, &wanted);
  if (whole ? dz__make_whole(p, &wanted, o, error) : make(p, &wanted, !o->unrolled, o->map, error)) {
    dz_plan_free(p);
    return NULL;
  }
  if (!whole) count(p), hire(p);
  return p;
}

void dz_plan_free(dz_plan *p) {
  if (!p) return;
  dz_allocator a = p->alloc;
  dz__native_free(p);
  dz__drop_whole(p);
  dz__crew_free(&a, p->crew);
  dz__program_free(&p->program);
  dz__free(&a, p->guards.at, p->guards.cap * sizeof *p->guards.at);
  dz__free(&a, p, sizeof *p);
}

size_t dz_plan_inputs(const dz_plan *p) { return p ? p->program.inputs : 0; }
size_t dz_plan_outputs(const dz_plan *p) { return p ? p->program.outputs - p->guards.n : 0; }
dz_plan_facts dz_plan_facts_of(const dz_plan *p) { return p ? p->facts : (dz_plan_facts){0}; }
