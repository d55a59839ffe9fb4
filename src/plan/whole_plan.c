/* Plans of whole tensors behind the public functions of plans. */
#include "plan/whole_plan.h"

static size_t bytes_of(const dz__whole *w) {
  return sizeof *w + w->node_cap * sizeof *w->node + w->stage_cap * sizeof *w->stage +
         w->load_cap * sizeof *w->load + w->number_cap * sizeof *w->number +
         w->numberf_size * sizeof *w->numberf + (w->arg_cap + w->slot_cap + w->op_cap) * sizeof *w->arg +
         w->attr_cap * sizeof *w->attr;
}

static void count(dz_plan *p) {
  const dz__whole *w = p->whole;
  dz_plan_facts *f = &p->facts;
  f->operations = w->ops;
  f->instructions = w->stages;
  f->branches = p->guards.n;
  for (size_t s = 0; s < w->stages; s++) {
    if (!dz__is_chain(&w->stage[s])) continue;
    f->loops++;
    f->lanes += w->node[w->op[w->stage[s].first]].shape.size;
  }
  f->bytes = sizeof *p + bytes_of(w) + (w->careful ? bytes_of(w->careful) : 0);
}

/* Steps from which on whole tensors are quicker, and such steps in matrix products: with fewer, loops over
   samples win. */
enum { LEAST_WHOLE = 1 << 17, LEAST_PRODUCTS = 1 << 13 };

bool dz__wants_whole(const dz_plan_options *o, const dz__wanted *w) {
  if (o->single || o->tensors == DZ_TENSORS_WHOLE) return true;
  if (o->tensors != DZ_TENSORS_AUTO || o->map || o->unrolled) return false;
  double products, all = dz__whole_work(w, &products);
  return all >= LEAST_WHOLE || products >= LEAST_PRODUCTS;
}

/* The same plan, plain. Its branches are the other's. */
static dz_status make_careful(dz_plan *p, const dz__wanted *w, dz_error *e) {
  dz__guards guards = {.alloc = p->alloc};
  dz__whole *c = p->whole->careful = dz__alloc(&p->alloc, sizeof *c);
  if (!c) return dz__fail(e, DZ_ERR_MEMORY, "plan", "out of memory");
  *c = (dz__whole){.alloc = p->alloc, .rows = p->whole->rows, .gradient = true, .plain = true};
  dz_status status = dz__whole_new(w, &guards, c, e);
  dz__free(&p->alloc, guards.at, guards.cap * sizeof *guards.at);
  return status;
}

/* Of a tape of floats plans are of floats too. */
static bool wants_floats(const dz_plan_options *o, const dz__wanted *w) {
  dz_tape *t = w->ys[0].tape;
  return o->single || ((uintptr_t)t > 1 && dz_tape_is_single(t));
}

dz_status dz__make_whole(dz_plan *p, const dz__wanted *w, const dz_plan_options *o, dz_error *e) {
  if (o->map || (o->single && o->tensors == DZ_TENSORS_APART))
    return dz__fail(e, DZ_ERR_ARGUMENT, "plan",
                    o->map ? "a plan of whole tensors has no map" : "floats are for plans of whole tensors");
  p->whole = dz__alloc(&p->alloc, sizeof *p->whole);
  if (!p->whole) return dz__fail(e, DZ_ERR_MEMORY, "plan", "out of memory");
  *p->whole = (dz__whole){.alloc = p->alloc,
                          .rows = dz__machine_rows(p->lanes),
                          .gradient = p->gradient,
                          .single = wants_floats(o, w)};
  dz_status status = dz__whole_new(w, &p->guards, p->whole, e);
  if (!status && p->gradient) status = make_careful(p, w, e);
  if (status) return status;
  p->program.inputs = p->whole->inputs;
  p->program.outputs = p->whole->outputs + p->guards.n;
  count(p);
  return DZ_OK;
}

void dz__drop_whole(dz_plan *p) {
  if (!p->whole) return;
  if (p->whole->careful) dz__whole_free(p->whole->careful);
  dz__free(&p->alloc, p->whole->careful, sizeof *p->whole);
  dz__whole_free(p->whole);
  dz__free(&p->alloc, p->whole, sizeof *p->whole);
}

dz_status dz_plan_run_single(const dz_plan *p, const float *in, float *values, float *gradient, void *work) {
  if (!p || !p->whole || !p->whole->single || !work || (!in && dz_plan_inputs(p)) ||
      (gradient && !p->gradient))
    return DZ_ERR_ARGUMENT;
  dz__whole_run_single(p->whole, in, NULL, values, gradient, work);
  return dz_plan_flips(p, work, NULL) ? DZ_ERR_BRANCH : DZ_OK;
}
