/* dz_checkpoint_…: what a chain costs, the schedule for a budget, and its run.

   Here, on the floor of derivatives, because it is a way to compute one from what the tape offers, as
   dz_jacobian is; it checks nothing and draws nothing. */
#include "dz/checkpoint.h"

#include "derive/chain.h"
#include "derive/revolve.h"

#include <string.h>

static dz_status fail(dz_error *e, dz_status status, const char *message) {
  return dz__fail(e, status, "checkpoint", "%s", message);
}

/* ---- the states that are kept ---- */

typedef struct shelf {
  size_t room, used;
  double *values;
  bool *active;
  size_t *at;
} shelf;

static bool shelf_new(shelf *s, const dz__run *r, size_t room) {
  size_t bytes = dz__run_state_bytes(r), states = r->chain->states;
  *s = (shelf){0};
  if (room > SIZE_MAX / bytes) return false;
  s->room = room;
  s->values = dz__alloc(&r->alloc, room * r->elements * sizeof *s->values);
  s->active = dz__alloc(&r->alloc, room * states * sizeof *s->active);
  s->at = dz__alloc(&r->alloc, room * sizeof *s->at);
  return (s->values || !room || !r->elements) && (s->active || !room || !states) && (s->at || !room);
}

static void shelf_free(shelf *s, const dz__run *r) {
  dz__free(&r->alloc, s->values, s->room * r->elements * sizeof *s->values);
  dz__free(&r->alloc, s->active, s->room * r->chain->states * sizeof *s->active);
  dz__free(&r->alloc, s->at, s->room * sizeof *s->at);
}

static double *values_at(const shelf *s, const dz__run *r, size_t k) {
  return s->values ? s->values + k * r->elements : NULL;
}
static bool *active_at(const shelf *s, const dz__run *r, size_t k) {
  return s->active ? s->active + k * r->chain->states : NULL;
}

static void put(shelf *s, const dz__run *r) {
  dz__run_keep(r, values_at(s, r, s->used), active_at(s, r, s->used));
  s->at[s->used++] = r->at;
}

/* Back to the latest state that is kept: the first one always is. */
static void go_back(const shelf *s, dz__run *r) {
  if (s->used == 0) {
    dz__run_restart(r);
    return;
  }
  size_t k = s->used - 1;
  dz__run_return(r, s->at[k], values_at(s, r, k), active_at(s, r, k));
}

/* ---- the schedule ---- */

static bool advance_to(dz__run *r, size_t at) {
  while (r->at < at)
    if (!dz__run_advance(r)) return false;
  return true;
}

/* All steps before `end` are still to be reversed. Each turn keeps one state more, or reverses one step. */
static bool reverse_all(dz__run *r, shelf *s) {
  size_t end = r->steps;
  if (end == 0) return dz__run_reverse(r);
  while (end > 0) {
    size_t from = r->at;
    if (end - from > 1 && s->used < s->room) {
      if (!advance_to(r, from + dz__revolve_stride(end - from, s->room - s->used + 1))) return false;
      put(s, r);
      continue;
    }
    if (!advance_to(r, end - 1) || !dz__run_reverse(r)) return false;
    end--;
    while (s->used > 0 && s->at[s->used - 1] == end) s->used--;
    go_back(s, r);
  }
  return true;
}

/* The shelf comes first, so that it stands under every later peak and is a summand of the whole. */
static bool run(dz__run *r, size_t kept) {
  shelf s = {0};
  if (!dz__run_size(r)) return false;
  bool done = shelf_new(&s, r, kept);
  if (!done) dz__run_fail(r, DZ_ERR_MEMORY, "out of memory");
  done = done && dz__run_begin(r) && reverse_all(r, &s);
  shelf_free(&s, r);
  return done;
}

/* ---- the public functions ---- */

static bool whole(const dz_chain *c) {
  return c && (!c->states || c->state) && (!c->params || c->param) && (!c->steps || c->step) && c->loss &&
         c->states < SIZE_MAX / 256 && c->params < SIZE_MAX / 256;
}

dz_status dz_checkpoint_measure(const dz_chain *chain, const dz_allocator *a, dz_checkpoint_cost *cost,
                                dz_error *error) {
  if (error) *error = (dz_error){.status = DZ_OK};
  if (!whole(chain) || !cost) return fail(error, DZ_ERR_ARGUMENT, "a chain and a cost are needed");
  *cost = (dz_checkpoint_cost){0, 0};
  for (size_t steps = chain->steps < 2 ? chain->steps : 2;; steps++) {
    dz__meter meter = {.alloc = dz__allocator(a), .most = SIZE_MAX};
    dz__run r = {.chain = chain, .steps = steps, .alloc = dz__metered(&meter), .error = error};
    run(&r, 0);
    *cost = (dz_checkpoint_cost){dz__run_state_bytes(&r), meter.peak};
    dz__run_end(&r);
    if (r.status || r.settled || steps == chain->steps) return r.status;
  }
}

dz_status dz_checkpoint_plan(size_t steps, const dz_checkpoint_cost *cost, size_t budget,
                             dz_checkpoint_schedule *plan, dz_error *error) {
  if (error) *error = (dz_error){.status = DZ_OK};
  if (!cost || !plan) return fail(error, DZ_ERR_ARGUMENT, "a cost and a plan are needed");
  *plan = (dz_checkpoint_schedule){.steps = steps, .least = cost->work};
  if (budget < cost->work)
    return dz__fail(error, DZ_ERR_LIMIT, "checkpoint",
                    "a budget of %zu bytes is too small: %zu are needed when no state is kept", budget,
                    cost->work);
  size_t useful = steps > 2 ? steps - 2 : 0, rest = budget - cost->work;
  plan->kept = cost->state && rest / cost->state < useful ? rest / cost->state : useful;
  plan->peak = cost->work + plan->kept * cost->state;
  size_t forwards = dz__revolve_forwards(steps, plan->kept + 1);
  plan->evaluations = forwards < SIZE_MAX - steps ? forwards + steps : SIZE_MAX;
  return DZ_OK;
}

/* The step is named in the error at hand, which is one of memory. */
static dz_status over_budget(const dz__run *r, const dz__meter *meter) {
  dz_error *e = r->error;
  if (e) *e = (dz_error){.status = DZ_OK};
  const char *why = "a part of the run needs more than the measured one";
  if (r->at < r->steps)
    return dz__fail(e, DZ_ERR_LIMIT, "checkpoint", "step %zu: %s: the plan has %zu bytes", r->at, why,
                    meter->most);
  return dz__fail(e, DZ_ERR_LIMIT, "checkpoint", "%s: the plan has %zu bytes", why, meter->most);
}

dz_status dz_checkpoint_run(const dz_chain *chain, const dz_checkpoint_schedule *plan, const dz_allocator *a,
                            double *value, dz_error *error) {
  if (error) *error = (dz_error){.status = DZ_OK};
  if (!whole(chain) || !plan || !value)
    return fail(error, DZ_ERR_ARGUMENT, "a chain, a plan and a place for the value are needed");
  if (plan->steps != chain->steps)
    return dz__fail(error, DZ_ERR_ARGUMENT, "checkpoint", "the plan is for %zu steps, the chain has %zu",
                    plan->steps, chain->steps);
  dz__meter meter = {.alloc = dz__allocator(a), .most = plan->peak};
  dz__run r = {.chain = chain, .steps = chain->steps, .alloc = dz__metered(&meter), .error = error};
  if (run(&r, plan->kept)) {
    *value = r.value;
    dz__run_finish(&r);
  } else if (r.status == DZ_ERR_MEMORY && meter.refused) {
    r.status = over_budget(&r, &meter);
  }
  dz__run_end(&r);
  return r.status;
}
