/* Operations by C functions. */
#include "check/userop.h"
#include "derive/rule.h"
#include "dz/userop.h"
#include "kernels/tensor.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

typedef struct callop {
  dz__user_rule rule; /* first: graphs find it here */
  dz__userop shown;
  dz_allocator alloc;
  dz_op_calls calls;
  atomic_size_t holders; /* the tape, and plans, which may be freed in other threads */
  char name[256];
} callop;

/* The operands as the user sees them. */
typedef struct view {
  dz_op_array x[DZ_MAX_OPERANDS];
} view;

static view view_of(const dz__call *call) {
  view v = {0};
  for (int k = 0; k < call->nargs; k++)
    v.x[k] = (dz_op_array){call->args[k].rank, call->args[k].dims, call->args[k].size, call->args[k].data};
  return v;
}

static const dz_op_calls *calls_of(const dz__call *call) { return &((const callop *)call->user->own)->calls; }

static dz_status shape(dz__call *call) {
  const dz_op_calls *c = calls_of(call);
  if (!c->shape) return dz__broadcast_rule(call);
  view v = view_of(call);
  char text[192], all[DZ_MAX_OPERANDS * 40] = "";
  call->out.rank = 0;
  bool fits = c->shape(c->user, v.x, &call->out.rank, call->out.dims);
  if (fits && call->out.rank >= 0 && call->out.rank <= DZ__MAX_RANK) return dz__sized(call);
  if (fits)
    return dz__fail(call->error, DZ_ERR_SHAPE, call->op, "%s: its shape function gave rank %d", call->op,
                    call->out.rank);
  for (int k = 0; k < call->nargs; k++) {
    size_t n = strlen(all);
    snprintf(all + n, sizeof all - n, "%s%.38s", k ? ", " : "", dz__array_text(&call->args[k], text));
  }
  return dz__fail(call->error, DZ_ERR_SHAPE, call->op, "%s does not take operands of shapes %s", call->op,
                  all);
}

static void forward(const dz__call *call) {
  const dz_op_calls *c = calls_of(call);
  view v = view_of(call);
  c->value(c->user, v.x, call->out.size, call->out.data);
}

/* Any NaN is a doubt: only the user knows where it is from. */
static bool reverse(const dz__call *call) {
  const dz_op_calls *c = calls_of(call);
  view v = view_of(call);
  bool doubt = false;
  c->vjp(c->user, v.x, call->out.size, call->out.data, call->g, call->ga);
  for (int k = 0; k < call->nargs; k++)
    for (size_t i = 0; call->ga[k] && i < call->args[k].size; i++) doubt |= call->ga[k][i] != call->ga[k][i];
  return doubt;
}

/* Called only when something arrived. */
static bool spread(const dz__call *call) {
  for (int k = 0; k < call->nargs; k++)
    for (size_t i = 0; call->ga[k] && i < call->args[k].size; i++) call->ga[k][i] = 1;
  return false;
}

/* Element j of J t by vjp with a unit seed. */
static double row_times(const dz__tangent_call *p, view *v, double *g, double *room, size_t j) {
  const dz_op_calls *c = calls_of(&p->call);
  double *ga[DZ_MAX_OPERANDS] = {NULL}, sum = 0;
  for (int k = 0; k < p->call.nargs; k++) {
    if (!p->t[k]) continue;
    ga[k] = room;
    room += p->call.args[k].size;
    for (size_t i = 0; i < p->call.args[k].size; i++) ga[k][i] = 0;
  }
  g[j] = 1;
  c->vjp(c->user, v->x, p->call.out.size, p->call.out.data, g, ga);
  g[j] = 0;
  for (int k = 0; k < p->call.nargs; k++)
    for (size_t i = 0; ga[k] && i < p->call.args[k].size; i++)
      if (!p->reached || p->reached[k][i] != 0) sum += ga[k][i] * p->t[k][i];
  return sum;
}

static bool any(const double *mask, size_t n) {
  for (size_t i = 0; i < n; i++)
    if (mask[i] != 0) return true;
  return false;
}

/* What does not move is 0 in the direction, which jvp takes for a number. */
static void tangent(const dz__tangent_call *p) {
  const dz_op_calls *c = calls_of(&p->call);
  view v = view_of(&p->call);
  size_t n = p->call.out.size;
  double *g = p->call.scratch;
  bool hit = !p->reached;
  for (int k = 0; p->reached && k < p->call.nargs; k++)
    hit |= p->t[k] && any(p->reached[k], p->call.args[k].size);
  for (size_t j = 0; j < n; j++) p->out[j] = 0;
  for (size_t j = 0; p->reached && j < n; j++) p->out_reached[j] = hit;
  if (!hit) return;
  if (c->jvp) {
    c->jvp(c->user, v.x, n, p->call.out.data, (const double *const *)p->t, p->out);
    return;
  }
  for (size_t j = 0; j < n; j++) g[j] = 0;
  for (size_t j = 0; j < n; j++) p->out[j] = row_times(p, &v, g, g + n, j);
}

static const dz__tensor_op row = {shape, forward, reverse, spread, false, tangent, DZ__MIXES, NULL, NULL};

static dz_var no_graph(const dz__userop *u, int k, const dz_var *in, dz_var z) {
  (void)k, (void)in;
  return dz__poison(z.tape, DZ_ERR_ARGUMENT, u->name,
                    "%s has no derivative graph: give its partials as text (dz_op_define)", u->name);
}

static void hold(void *own) { atomic_fetch_add(&((callop *)own)->holders, 1); }

static void release(void *own) {
  callop *op = own;
  const dz_allocator a = op->alloc;
  if (atomic_fetch_sub(&op->holders, 1) > 1) return;
  if (op->calls.free) op->calls.free(op->calls.user);
  dz__free(&a, op, sizeof *op);
}

dz_status dz_op_define_c(dz_tape *t, const char *name, const dz_op_calls *calls, dz_error *e) {
  dz_error ignored;
  if (!e) e = &ignored;
  if (dz__user_begin(t, name, calls ? calls->arity : 1, DZ_MAX_OPERANDS, e)) return e->status;
  if (!calls || !calls->value || !calls->vjp)
    return dz__fail(e, DZ_ERR_ARGUMENT, name, "%s: a value and a vjp are needed", name);
  if (dz__check_calls(t, name, calls, e)) return e->status;
  const dz_allocator *a = &dz__of(t)->alloc;
  callop *op = dz__alloc(a, sizeof *op);
  if (!op) return dz__fail(e, DZ_ERR_MEMORY, name, "out of memory");
  *op = (callop){.rule = {.partial = no_graph}, .alloc = *a, .calls = *calls, .holders = 1};
  snprintf(op->name, sizeof op->name, "%s", name);
  op->shown = (dz__userop){op->name, calls->arity, false, &row, op, release, hold};
  dz__user_keep(t, &op->shown);
  return DZ_OK;
}
