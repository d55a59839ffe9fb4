/* Operations that a user defined by C functions: a plan calls them as they are. Their operands' elements,
   which stand anywhere, are brought together before. */
#include "plan/extract.h"
#include "plan/lower.h"
#include "plan/machine.h"

#include <string.h>

/* ---- from the tape ---- */

static bool describe(dz__extraction *x, dz_var v, const dz__userop *user) {
  dz__program *p = x->program;
  if (!dz__grow(&p->alloc, (void **)&p->outside, &p->outside_cap, p->outsides + 1, sizeof *p->outside))
    return false;
  dz__outside *o = &p->outside[p->outsides++];
  *o = (dz__outside){.op = user, .nargs = user->arity, .out = dz__array_of(v)};
  user->hold(user->own);
  for (int k = 0; k < o->nargs; k++) {
    dz_var in = dz_operand(v, k);
    o->args[k] = dz_is_number(in) ? (dz__array){.size = 1} : dz__array_of(in);
    o->inputs += o->args[k].size;
  }
  return true;
}

/* The call's operands. */
static bool collect(dz__extraction *x, dz_var v, const dz__outside *o, uint32_t *args, unsigned *active) {
  size_t n = 0;
  for (int k = 0; k < o->nargs; k++) {
    dz_var in = dz_operand(v, k);
    for (size_t e = 0; e < o->args[k].size; e++) {
      uint32_t node =
          dz_is_number(in) ? dz__graph_number(x->g, dz__number(in)) : dz__element_node(x, dz__index(in), e);
      if (node == DZ__NO_NODE) return false;
      *active |= x->g->flags[node] & DZ__N_ACTIVE;
      args[n++] = node;
    }
  }
  return true;
}

dz_status dz__extract_outside(dz__extraction *x, uint32_t i, const dz__userop *user, uint32_t *to) {
  const dz_allocator *a = &x->g->alloc;
  dz_var v = dz__handle(x->t, i);
  uint32_t number = (uint32_t)x->program->outsides;
  unsigned active = 0;
  if (!describe(x, v, user)) return DZ_ERR_MEMORY;
  const dz__outside *o = &x->program->outside[number];
  size_t n = o->inputs + 1;
  uint32_t *args = dz__alloc(a, n * sizeof *args), call = DZ__NO_NODE;
  if (args && collect(x, v, o, args + 1, &active)) {
    args[0] = number;
    call = dz__graph_add(x->g, DZ__P_CALL, active, n, args);
  }
  dz__free(a, args, n * sizeof *args);
  for (uint32_t e = 0; e < o->out.size && call != DZ__NO_NODE; e++) {
    to[e] = dz__graph_add(x->g, DZ__P_ELEMENT, active, 2, (uint32_t[]){call, e});
    if (to[e] == DZ__NO_NODE) call = DZ__NO_NODE;
  }
  return call == DZ__NO_NODE ? DZ_ERR_MEMORY : DZ_OK;
}

void dz__outside_free(const dz_allocator *a, dz__outside *o) {
  o->op->release(o->op->own);
  dz__free(a, o->place, (2 * o->inputs + 1) * sizeof *o->place);
}

/* ---- into the program ---- */

bool dz__lower_outside(dz__program *p, size_t k, const uint32_t *reads, const uint32_t *flows,
                       uint32_t result, uint32_t adjoint) {
  dz__outside *o = &p->outside[k];
  size_t bytes = o->inputs * sizeof *o->place;
  o->place = dz__alloc(&p->alloc, 2 * bytes + sizeof *o->place);
  if (!o->place) return false;
  if (bytes) {
    memcpy(o->place, reads, bytes);
    memcpy(o->place + o->inputs, flows, bytes);
  }
  o->result = result;
  o->adjoint = adjoint;
  p->loop[k].outside = o;
  return true;
}

/* ---- running ---- */

/* One call, whose operands stand together in the workspace; so will their adjoints, those that are wanted. */
typedef struct application {
  const dz__view *v;
  const dz__outside *o;
  double *x, *gx, *ga[DZ__OUTSIDE_OPERANDS];
  dz__array args[DZ__OUTSIDE_OPERANDS];
  dz__call call;
} application;

static bool any_wanted(const uint32_t *flow, size_t n) {
  size_t k = 0;
  while (k < n && flow[k] == DZ__NOWHERE) k++;
  return k < n;
}

static void apply_to(application *a, const dz__view *v, const dz__loop *l) {
  const dz__outside *o = l->outside;
  a->v = v;
  a->o = o;
  a->x = v->work + l->spot;
  a->gx = a->x + o->inputs;
  size_t at = 0;
  for (int k = 0; k < o->nargs; at += o->args[k++].size) {
    a->args[k] = o->args[k];
    a->args[k].data = a->x + at;
    a->ga[k] = any_wanted(o->place + o->inputs + at, o->args[k].size) ? a->gx + at : NULL;
  }
  a->call = (dz__call){
      .op = o->op->name, .nargs = o->nargs, .args = a->args, .out = o->out, .ga = a->ga, .user = o->op};
  a->call.out.data = dz__at(v, o->result);
}

static void back(const application *a) {
  const dz__outside *o = a->o;
  const uint32_t *flow = o->place + o->inputs;
  memset(a->gx, 0, o->inputs * sizeof *a->gx);
  o->op->row->reverse(&a->call);
  for (size_t k = 0; k < o->inputs; k++)
    if (flow[k] != DZ__NOWHERE) *dz__at(a->v, flow[k]) += a->gx[k];
}

/* Whether anything arrived; then it does at all operands. Only numbers of the workspace have marks. */
static bool pass_marks(const application *a) {
  const dz__view *v = a->v;
  const uint8_t *mark = v->marks + (a->call.g - v->work);
  bool any = false;
  for (size_t k = 0; k < a->o->out.size; k++) any |= mark[k];
  for (size_t k = 0; k < a->o->inputs && any; k++) {
    uint32_t to = a->o->place[a->o->inputs + k];
    if (to != DZ__NOWHERE && dz__where_of(to) != DZ__GRAD) v->marks[dz__at(v, to) - v->work] = 1;
  }
  return any;
}

void dz__run_outside(const dz__view *v, const dz__loop *l, unsigned mode, bool careful) {
  application a;
  const dz__outside *o = l->outside;
  apply_to(&a, v, l);
  if (mode != DZ__CALL_BACKWARD) {
    for (size_t k = 0; k < o->inputs; k++) a.x[k] = *dz__at(v, o->place[k]);
    o->op->row->forward(&a.call);
  }
  if (mode == DZ__CALL_FORWARD) return;
  a.call.g = dz__at(v, o->adjoint);
  if (!careful || pass_marks(&a)) back(&a);
}
