/* Operations that a user defined by text: the value's steps, and each partial's, as nodes without a gradient
   of their own, and a node that says which partial belongs to which operand. */
#include "plan/extract.h"

#include "derive/textop.h"
#include "tape/diagnose.h"

typedef struct use {
  dz__extraction *x;
  const dz__textop *op;
  dz_var operand[3];
  dz__array shape[3];
  uint32_t *slot; /* of the formulas: nodes */
} use;

/* The node of a formula's result. */
static uint32_t steps(const use *u, const dz__formula *f) {
  dz__graph *g = u->x->g;
  for (size_t i = 0; i < f->n; i++) {
    const dz__formula_step *s = &f->step[i];
    uint32_t args[3] = {u->slot[s->arg[0]], u->slot[s->arg[1]], u->slot[s->arg[2]]};
    uint32_t j = s->fn == DZ__F_END ? dz__graph_number(g, s->number)
                                    : dz__graph_add(g, s->fn, 0, dz__ops[s->fn].arity, args);
    if (j == DZ__NO_NODE) return j;
    u->slot[DZ__FORMULA_INPUTS + i] = j;
  }
  return u->slot[f->result];
}

/* A partial that is a mask lets nothing through where it is 0, whatever arrives: a choice stands before the
 * operand. */
static uint32_t masked(const use *u, uint32_t partial, uint32_t x) {
  uint32_t none = dz__graph_number(u->x->g, 0);
  if (none == DZ__NO_NODE) return none;
  return dz__graph_add(u->x->g, DZ__F_where, u->x->g->flags[x] & DZ__N_ACTIVE, 3,
                       (uint32_t[]){partial, x, none});
}

static uint32_t element(const use *u, const dz__array *out, size_t e) {
  dz__graph *g = u->x->g;
  uint32_t args[7], operand[3];
  size_t n = 1;
  unsigned active = 0;
  for (int k = 0; k < DZ__FORMULA_INPUTS; k++) u->slot[k] = 0; /* node 0 is a number */
  for (int k = 0; k < u->op->shown.arity; k++) {
    dz_var v = u->operand[k];
    operand[k] = dz_is_number(v) ? dz__graph_number(g, dz__number(v))
                                 : dz__element_node(u->x, dz__index(v), dz__source(out, &u->shape[k], e));
    if (operand[k] == DZ__NO_NODE) return DZ__NO_NODE;
    u->slot[k] = operand[k];
    active |= g->flags[operand[k]] & DZ__N_ACTIVE;
  }
  args[0] = steps(u, &u->op->value);
  if (args[0] == DZ__NO_NODE || !active) return args[0];
  u->slot[DZ__FORMULA_Z] = args[0];
  for (int k = 0; k < u->op->shown.arity; k++) {
    if (!(g->flags[operand[k]] & DZ__N_ACTIVE)) continue;
    uint32_t p = steps(u, &u->op->partial[k]), to = operand[k];
    if (p != DZ__NO_NODE && u->op->rule.mask[k]) to = masked(u, p, to);
    if (p == DZ__NO_NODE || to == DZ__NO_NODE) return DZ__NO_NODE;
    args[n++] = to;
    args[n++] = p;
  }
  return dz__graph_add(g, DZ__P_GIVEN, active, n, args);
}

dz_status dz__extract_user(dz__extraction *x, uint32_t i, const dz__userop *user, uint32_t *to) {
  dz_var v = dz__handle(x->t, i);
  use u = {.x = x, .op = user->own};
  dz__array out = dz__array_of(v);
  size_t bytes = u.op->slots * sizeof *u.slot;
  u.slot = dz__alloc(&x->g->alloc, bytes);
  dz_status status = u.slot ? DZ_OK : DZ_ERR_MEMORY;
  for (int k = 0; k < user->arity; k++) {
    u.operand[k] = dz_operand(v, k);
    u.shape[k] = dz_is_number(u.operand[k]) ? (dz__array){.size = 1} : dz__array_of(u.operand[k]);
  }
  for (size_t e = 0; e < out.size && !status; e++) {
    to[e] = element(&u, &out, e);
    if (to[e] == DZ__NO_NODE) status = DZ_ERR_MEMORY;
  }
  dz__free(&x->g->alloc, u.slot, bytes);
  return status;
}
