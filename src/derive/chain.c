/* One step at a time of a chain: forward, and in reverse. */
#include "derive/chain.h"

#include "dz/tensor.h"
#include "ops/call.h"
#include "tape/tape.h"

#include <math.h>
#include <string.h>

/* ---- memory ---- */

static void *metered(void *user, void *block, size_t old_size, size_t new_size) {
  dz__meter *m = user;
  size_t rest = m->held - old_size;
  if (new_size > m->most || rest > m->most - new_size) return m->refused = true, NULL;
  void *p = m->alloc.resize(m->alloc.user, block, old_size, new_size);
  if (new_size && !p) return NULL;
  m->held = rest + new_size;
  if (m->held > m->peak) m->peak = m->held;
  return p;
}

dz_allocator dz__metered(dz__meter *m) { return (dz_allocator){metered, m}; }

/* ---- errors ---- */

bool dz__run_fail(dz__run *r, dz_status status, const char *message) {
  const dz_error *e = dz_tape_error(r->tape);
  if (r->tape && e->status) {
    status = e->status;
    message = e->message;
  }
  if (r->at < r->steps)
    dz__fail(r->error, status, "checkpoint", "step %zu: %s", r->at, message);
  else
    dz__fail(r->error, status, "checkpoint", "%s", message);
  if (r->tape && e->line) dz__fail_at(r->error, e->file, e->line, e->column);
  r->status = status;
  return false;
}

/* ---- leaves ---- */

static dz_var leaf(dz_tape *t, dz_role role, const dz_chain_leaf *like, const double *values) {
  return like->rank ? dz_leaf_tensor(t, role, like->rank, like->dims, values)
                    : dz_leaf(t, role, values ? *values : 0);
}

static bool go_back(dz__run *r, dz_mark mark) {
  dz_status status = dz_tape_rewind(r->tape, mark);
  if (status) dz__run_fail(r, status, dz_status_text(status));
  return status == DZ_OK;
}

/* The state at hand, behind the parameters. An array that the whole tape would have as inactive is so here
   too: a tie with it is no tie of two variables. */
static bool lay_state(dz__run *r) {
  const double *values = r->values;
  if (!go_back(r, r->mark)) return false;
  for (size_t i = 0; i < r->chain->states; i++) {
    r->state[i] = leaf(r->tape, r->active[i] ? DZ_ROLE_INPUT : DZ_ROLE_DATA, &r->chain->state[i], values);
    if (!dz_valid(r->state[i])) return dz__run_fail(r, DZ_ERR_ARGUMENT, "a state makes no leaf");
    values += dz_size(r->state[i]);
  }
  return true;
}

static bool lay_params(dz__run *r) {
  const dz_chain *c = r->chain;
  for (size_t i = 0; i < c->params; i++) {
    const dz_chain_leaf *p = &c->param[i];
    r->param[i] = leaf(r->tape, p->gradient ? DZ_ROLE_PARAM : DZ_ROLE_DATA, p, p->values);
    if (!dz_valid(r->param[i])) return dz__run_fail(r, DZ_ERR_ARGUMENT, "a parameter makes no leaf");
  }
  r->mark = dz_tape_mark(r->tape);
  return true;
}

static bool no_room(dz__run *r) { return dz__run_fail(r, DZ_ERR_MEMORY, "out of memory"); }

static size_t size_of(const dz_chain_leaf *x) {
  size_t n = 1;
  for (int k = 0; k < x->rank; k++) n *= x->dims[k];
  return n;
}

/* Adds up the elements of n leaves, or only of those that are wanted. */
static bool add_sizes(dz__run *r, size_t n, const dz_chain_leaf *leaves, bool all, size_t *sum) {
  for (size_t i = 0; i < n; i++) {
    const dz_chain_leaf *x = &leaves[i];
    size_t size;
    if (x->rank < 0 || x->rank > DZ_MAX_RANK || (x->rank && !x->dims))
      return dz__run_fail(r, DZ_ERR_ARGUMENT,
                          "a state or parameter of a rank that is not 0 to 8, or without extents");
    if (!dz__size_of(x->rank, x->dims, &size) || size > SIZE_MAX / 64 - *sum)
      return dz__run_fail(r, DZ_ERR_SHAPE, "the states or parameters are too large to address");
    if (all || x->gradient) *sum += size;
  }
  return true;
}

bool dz__run_size(dz__run *r) {
  const dz_chain *c = r->chain;
  return add_sizes(r, c->states, c->state, true, &r->elements) &&
         add_sizes(r, c->params, c->param, false, &r->shared);
}

static size_t handles(const dz_chain *c) { return 2 * c->states + c->params; }
static size_t numbers(const dz__run *r) { return 3 * r->elements + r->shared; }

bool dz__run_begin(dz__run *r) {
  const dz_chain *c = r->chain;
  r->tape = dz_tape_new(&r->alloc);
  if (!r->tape) return no_room(r);
  r->handles = dz__alloc(&r->alloc, handles(c) * sizeof *r->handles);
  r->active = dz__alloc(&r->alloc, c->states * sizeof *r->active);
  if ((handles(c) && !r->handles) || (c->states && !r->active)) return no_room(r);
  if (handles(c)) {
    r->state = r->handles;
    r->next = r->state + c->states;
    r->param = r->next + c->states;
  }
  if (c->begin) c->begin(r->tape, c->user);
  if (dz_tape_error(r->tape)->status) return dz__run_fail(r, DZ_ERR_ARGUMENT, "begin failed");
  if (!lay_params(r)) return false;
  r->room = dz__alloc(&r->alloc, numbers(r) * sizeof *r->room);
  if (numbers(r) && !r->room) return no_room(r);
  if (r->room) {
    memset(r->room, 0, numbers(r) * sizeof *r->room);
    r->values = r->room;
    r->adjoint = r->values + r->elements;
    r->mask = r->adjoint + r->elements;
    r->sums = r->mask + r->elements;
  }
  dz__run_restart(r);
  return true;
}

void dz__run_end(dz__run *r) {
  dz__free(&r->alloc, r->room, numbers(r) * sizeof *r->room);
  dz__free(&r->alloc, r->handles, handles(r->chain) * sizeof *r->handles);
  dz__free(&r->alloc, r->active, r->chain->states * sizeof *r->active);
  dz_tape_free(r->tape);
}

/* ---- states ---- */

size_t dz__run_state_bytes(const dz__run *r) {
  return r->elements * sizeof *r->values + r->chain->states * sizeof *r->active + sizeof r->at;
}

static void copy(void *to, const void *from, size_t size) {
  if (size) memcpy(to, from, size);
}

void dz__run_keep(const dz__run *r, double *values, bool *active) {
  copy(values, r->values, r->elements * sizeof *values);
  copy(active, r->active, r->chain->states * sizeof *active);
}

void dz__run_return(dz__run *r, size_t at, const double *values, const bool *active) {
  r->at = at;
  copy(r->values, values, r->elements * sizeof *values);
  copy(r->active, active, r->chain->states * sizeof *active);
}

void dz__run_restart(dz__run *r) {
  double *values = r->values;
  r->at = 0;
  for (size_t i = 0; i < r->chain->states; i++) {
    const dz_chain_leaf *x = &r->chain->state[i];
    size_t n = size_of(x);
    for (size_t e = 0; e < n; e++) *values++ = x->values ? x->values[e] : 0;
    r->active[i] = x->gradient != NULL;
  }
}

/* ---- recording ---- */

static bool fits(dz_var x, const dz_chain_leaf *like) {
  if (dz_rank(x) != like->rank) return false;
  for (int k = 0; k < like->rank; k++)
    if (dz_extent(x, k) != like->dims[k]) return false;
  return true;
}

/* The state at hand and the step behind it, if there is one, into next[]. */
static bool record(dz__run *r) {
  const dz_chain *c = r->chain;
  if (!lay_state(r)) return false;
  for (size_t i = 0; i < c->states; i++) r->next[i] = r->at < r->steps ? (dz_var){0} : r->state[i];
  if (r->at == r->steps) return true;
  c->step(r->tape, r->at, r->state, r->param, r->next, c->user);
  if (dz_tape_error(r->tape)->status) return dz__run_fail(r, DZ_ERR_ARGUMENT, "it failed");
  for (size_t i = 0; i < c->states; i++) {
    dz_var x = r->next[i];
    if (!dz_valid(x) || (!dz_is_number(x) && x.tape != r->tape))
      return dz__run_fail(r, DZ_ERR_HANDLE, "it gave a next state that is no live handle of its tape");
    if (!fits(x, &c->state[i]))
      return dz__run_fail(r, DZ_ERR_SHAPE, "it gave a next state of another shape than the state's");
  }
  return true;
}

bool dz__run_advance(dz__run *r) {
  if (!record(r)) return false;
  double *values = r->values;
  for (size_t i = 0; i < r->chain->states; i++) {
    dz_var x = r->next[i];
    dz__read_values(x, values);
    values += dz_size(x);
    r->active[i] = dz_is_active(x);
  }
  r->at++;
  return true;
}

/* ---- in reverse ---- */

/* sum of x_i w_i: x's adjoint gets just w, once 1 has arrived. */
static dz_var weighed(dz_var x, const double *w) {
  size_t n = dz_size(x);
  if (dz_rank(x) == 0) return dz_mul(x, *w);
  dz_var line = dz_rank(x) == 1 ? x : dz_reshape(x, 1, &n);
  return dz_dot(line, dz_leaf_tensor(x.tape, DZ_ROLE_CONST, 1, &n, w));
}

/* Where nothing has arrived, nothing goes on. */
static dz_var reached(const dz__run *r, size_t i, const double *mask) {
  const dz_chain_leaf *x = &r->chain->state[i];
  return dz_where(dz_leaf_tensor(r->tape, DZ_ROLE_CONST, x->rank, x->dims, mask), r->next[i], 0);
}

static dz_var plus(dz_var sum, dz_var x) { return sum.tape ? dz_add(sum, x) : x; }

/* A scalar whose sweep brings the adjoint to the next state, and before anything else what the parameters
   have so far: its uses come last on the tape, so first in the sweep. {0} when nothing has arrived at all. */
static dz_var seed(const dz__run *r, const double *adjoint) {
  const double *mask = r->mask, *sums = r->sums;
  dz_var y = {0};
  for (size_t i = 0; i < r->chain->states; i++) {
    size_t n = dz_size(r->state[i]);
    bool tensor = r->chain->state[i].rank > 0;
    if (dz_is_active(r->next[i]) && (tensor || *mask != 0))
      y = plus(y, weighed(tensor ? reached(r, i, mask) : r->next[i], adjoint));
    adjoint += n;
    mask += n;
  }
  for (size_t i = 0; y.tape && i < r->chain->params; i++) {
    if (!dz_is_active(r->param[i])) continue;
    y = plus(y, weighed(r->param[i], sums));
    sums += dz_size(r->param[i]);
  }
  return y;
}

static double *read(dz_var x, double *out) {
  dz__read_adjoint(x, out);
  return out + dz_size(x);
}

static bool swept(dz__run *r, dz_status status) {
  if (status) dz__run_fail(r, status, "the sweep failed");
  return status == DZ_OK;
}

/* Sums and adjoint from the sweep that was done; the adjoint to `out`, since a second sweep needs the old
 * one. */
static void collect(dz__run *r, double *out) {
  double *sums = r->sums;
  for (size_t i = 0; i < r->chain->params; i++)
    if (dz_is_active(r->param[i])) sums = read(r->param[i], sums);
  for (size_t i = 0; i < r->chain->states; i++) out = read(r->state[i], out);
}

/* Which elements of the state something arrives at: those that become NaN when all that arrives is NaN. */
static void collect_mask(dz__run *r) {
  double *mask = r->mask;
  for (size_t i = 0; i < r->chain->states; i++) {
    size_t n = dz_size(r->state[i]);
    read(r->state[i], mask);
    for (size_t e = 0; e < n; e++) mask[e] = isnan(mask[e]);
    mask += n;
  }
}

static void nothing_arrived(dz__run *r) {
  for (size_t e = 0; e < r->elements; e++) r->adjoint[e] = r->mask[e] = 0;
}

static bool any_zero(const dz__run *r) {
  const double *g = r->adjoint;
  for (size_t i = 0; i < r->chain->states; i++)
    for (size_t n = dz_size(r->state[i]); n > 0; n--, g++)
      if (r->active[i] && *g == 0) return true;
  return false;
}

/* Masks are needed where an adjoint is 0. The first sweep of each kind, with the loss and without, finds them
   in any case and is made a careful one, so that what such a sweep needs is a part of the peak from the
   start: no later NaN can break the budget. */
static bool is_first(const dz__run *r) { return r->reversed < 2; }

/* y, in whose sweep 0 meets a slope of inf. */
static dz_var careful(const dz__run *r, dz_var y) {
  dz_var root = dz_sqrt(dz_input(r->tape, 0));
  return dz_add(y, dz_mul(root, 0));
}

static bool reverse_last(dz__run *r) {
  r->settled = true;
  for (size_t i = 0; i < r->chain->states; i++) r->settled &= r->active[i] == dz_is_active(r->next[i]);
  dz_var y = r->chain->loss(r->tape, r->next, r->param, r->chain->user);
  if (!dz_valid(y) || (!dz_is_number(y) && y.tape != r->tape)) {
    r->at = r->steps;
    return dz__run_fail(r, DZ_ERR_HANDLE, "the loss is no live handle of its tape");
  }
  if (dz_size(y) != 1) return r->at = r->steps, dz__run_fail(r, DZ_ERR_SHAPE, "the loss is no scalar");
  r->value = dz_is_number(y) ? dz__number(y) : dz_value(y);
  if (!dz_is_active(y)) return nothing_arrived(r), true;
  if (!swept(r, dz_backward(careful(r, dz_mul(y, (double)NAN))))) return false;
  collect_mask(r);
  const bool done = swept(r, dz_backward(y));
  collect(r, r->adjoint);
  return done;
}

static bool reverse_inner(dz__run *r) {
  dz_mark behind = dz_tape_mark(r->tape);
  dz_var y = seed(r, r->adjoint);
  if (!y.tape) return nothing_arrived(r), true;
  if (!swept(r, dz_backward(y))) return false;
  collect(r, r->adjoint);
  if (!is_first(r) && !any_zero(r)) {
    for (size_t e = 0; e < r->elements; e++) r->mask[e] = 1;
    return true;
  }
  dz_tape_rewind(r->tape, behind);
  for (size_t e = 0; e < r->elements; e++) r->values[e] = (double)NAN;
  y = seed(r, r->values);
  if (!swept(r, dz_backward(is_first(r) ? careful(r, y) : y))) return false;
  collect_mask(r);
  return true;
}

bool dz__run_reverse(dz__run *r) {
  bool last = r->reversed == 0;
  if (!record(r) || !(last ? reverse_last(r) : reverse_inner(r))) return false;
  r->reversed++;
  return true;
}

void dz__run_finish(const dz__run *r) {
  const double *from = r->sums;
  for (size_t i = 0; i < r->chain->params; i++) {
    size_t n = dz_size(r->param[i]);
    if (!r->chain->param[i].gradient) continue;
    copy(r->chain->param[i].gradient, from, n * sizeof *from);
    from += n;
  }
  from = r->adjoint;
  for (size_t i = 0; i < r->chain->states; i++) {
    size_t n = size_of(&r->chain->state[i]);
    if (r->chain->state[i].gradient) copy(r->chain->state[i].gradient, from, n * sizeof *from);
    from += n;
  }
}
