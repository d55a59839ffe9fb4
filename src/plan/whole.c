/* From a tape to operations on whole tensors: what the outputs need and what depends on the inputs; the rest
   stands as numbers. */
#include "plan/whole.h"

#include "kernels/pointwise.h"
#include "tape/sweep.h"

#include <string.h>

typedef struct work {
  dz__whole *p;
  dz_tape *t;
  dz_error *error;
  uint32_t top;
  uint8_t *state; /* per node of the tape */
  uint32_t *map;  /* its node here, or DZ__NO_NODE */
} work;

enum { DEPENDS = 1, NEEDED = 2 };

static dz_status no_memory(const work *w) {
  return dz__fail(w->error, DZ_ERR_MEMORY, "plan", "out of memory for the tensors");
}

static bool varies(const work *w, dz_var v) { return !dz_is_number(v) && w->state[dz__index(v)] & DEPENDS; }

/* ---- what is needed ---- */

/* Of an operand that gives its shape only, numbers do not matter. */
static bool operands_vary(const work *w, dz_var v) {
  int n = dz_describe(v).nargs;
  for (int k = dz__fn_of(v) == DZ__F_noise; k < n; k++)
    if (varies(w, dz_operand(v, k))) return true;
  return false;
}

/* A count depends on a shape alone. */
static void find_dependent(work *w) {
  for (uint32_t i = 0; i <= w->top; i++) {
    dz_var v = dz__handle(w->t, i);
    if (dz_role_of(v) == DZ_ROLE_NONE && dz__fn_of(v) != DZ__F_count && operands_vary(w, v))
      w->state[i] |= DEPENDS;
  }
}

static void find_needed(work *w) {
  for (uint32_t i = w->top + 1; i-- > 0;) {
    if (w->state[i] != (DEPENDS | NEEDED)) continue;
    dz_var v = dz__handle(w->t, i);
    for (int k = 0, n = dz_describe(v).nargs; k < n; k++) {
      dz_var x = dz_operand(v, k);
      if (varies(w, x)) w->state[dz__index(x)] |= NEEDED;
    }
  }
}

/* ---- nodes ---- */

bool dz__whole_operands(dz__whole *p, dz__tensor *x, uint32_t n, const uint32_t *args) {
  const dz_allocator *a = &p->alloc;
  if (!dz__grow(a, (void **)&p->arg, &p->arg_cap, p->args + n, sizeof *p->arg) ||
      !dz__grow(a, (void **)&p->slot, &p->slot_cap, p->args + n, sizeof *p->slot) ||
      !dz__grow(a, (void **)&p->fresh, &p->fresh_cap, p->args + n, sizeof *p->fresh))
    return false;
  x->arg0 = (uint32_t)p->args, x->nargs = n;
  for (uint32_t k = 0; k < n; k++) p->arg[p->args++] = args[k];
  return true;
}

bool dz__whole_attributes(dz__whole *p, dz__tensor *x, uint32_t n, const int64_t *attr) {
  if (!dz__grow(&p->alloc, (void **)&p->attr, &p->attr_cap, p->attrs + n, sizeof *p->attr)) return false;
  x->attr0 = (uint32_t)p->attrs, x->nattr = n;
  for (uint32_t k = 0; k < n; k++) p->attr[p->attrs++] = attr[k];
  return true;
}

static bool room_for_one(dz__whole *p) {
  const dz_allocator *a = &p->alloc;
  return dz__grow(a, (void **)&p->node, &p->node_cap, p->nodes + 1, sizeof *p->node) &&
         dz__grow(a, (void **)&p->op, &p->op_cap, p->ops + 1, sizeof *p->op);
}

static uint32_t push(dz__whole *p, dz__tensor x) {
  x.shape.data = NULL;
  x.adjoint = DZ__NO_PLACE;
  p->node[p->nodes] = x;
  return (uint32_t)p->nodes++;
}

static uint32_t push_numbers(const work *w, dz_var v) {
  dz__whole *p = w->p;
  dz__array a = dz__array_of(v);
  if (!room_for_one(p) ||
      !dz__grow(&p->alloc, (void **)&p->number, &p->number_cap, p->numbers + a.size, sizeof *p->number))
    return DZ__NO_NODE;
  if (a.size) dz__read_values(v, p->number + p->numbers);
  p->numbers += a.size;
  return push(p,
              (dz__tensor){.fn = DZ__F_END, .home = DZ__HOME_NUMBER, .shape = a, .at = p->numbers - a.size});
}

static uint32_t operand(work *w, dz_var v) {
  if (dz_is_number(v)) return push_numbers(w, v);
  uint32_t i = dz__index(v);
  if (w->map[i] == DZ__NO_NODE) w->map[i] = push_numbers(w, v);
  return w->map[i];
}

static bool has_slope(unsigned fn) {
  if (fn < DZ__F_POINTWISE_END) return dz__has_slope(fn);
  return dz__tensor_ops[fn - DZ__F_POINTWISE_END].spread != NULL;
}

/* x^2 is x x: the same number, by a multiplication. */
static bool is_square(dz_var v, dz__tensor *x) {
  if (x->fn != DZ__F_pow || !dz_is_number(dz_operand(v, 1)) || dz__number(dz_operand(v, 1)) != 2)
    return false;
  x->fn = DZ__F_mul;
  return true;
}

static dz_status add_operation(work *w, dz_var v) {
  dz__whole *p = w->p;
  const int64_t *attr;
  size_t nattr = dz_attributes(v, &attr);
  uint32_t args[DZ__MOST_OPERANDS], n = (uint32_t)dz_describe(v).nargs;
  dz__tensor x = {.fn = (uint16_t)dz__fn_of(v), .shape = dz__array_of(v), .at = DZ__NO_PLACE};
  if (x.fn == DZ__F_user)
    return dz__fail(w->error, DZ_ERR_ARGUMENT, "plan",
                    "plans of whole tensors cannot do '%s', which you defined", dz_describe(v).op);
  bool square = is_square(v, &x);
  for (uint32_t k = 0; k < n; k++) {
    dz_var in = dz_operand(v, square ? 0 : (int)k);
    if ((args[k] = operand(w, in)) == DZ__NO_NODE) return no_memory(w);
    x.active |= p->node[args[k]].active;
  }
  if (!room_for_one(p) || !dz__whole_operands(p, &x, n, args) ||
      !dz__whole_attributes(p, &x, (uint32_t)nattr, attr))
    return no_memory(w);
  x.active = x.active && has_slope(x.fn);
  x.tie = n > 1 && dz_is_active(dz_operand(v, 0)) && dz_is_active(dz_operand(v, 1));
  uint32_t at = w->map[dz__index(v)] = push(p, x);
  p->op[p->ops++] = at;
  return DZ_OK;
}

static dz_status add_input(work *w, dz_var v, int k) {
  dz__whole *p = w->p;
  if (v.tape != w->t || !dz_valid(v))
    return dz__fail(w->error, DZ_ERR_HANDLE, "plan", "input %d is not a live node of the outputs' tape", k);
  if (dz_role_of(v) == DZ_ROLE_NONE)
    return dz__fail(w->error, DZ_ERR_ARGUMENT, "plan", "input %d is no leaf of the tape", k);
  uint32_t i = dz__index(v);
  size_t at = p->inputs;
  p->inputs += dz_size(v);
  if (i <= w->top && w->map[i] != DZ__NO_NODE)
    return dz__fail(w->error, DZ_ERR_ARGUMENT, "plan", "input %d stands twice", k);
  if (!room_for_one(p)) return no_memory(w);
  uint32_t to = push(p, (dz__tensor){.fn = DZ__F_END,
                                     .home = DZ__HOME_INPUT,
                                     .shape = dz__array_of(v),
                                     .active = p->gradient && dz_is_active(v),
                                     .at = at});
  if (i <= w->top) w->state[i] |= DEPENDS, w->map[i] = to;
  return DZ_OK;
}

/* ---- outputs ---- */

static dz_status add_output(work *w, dz_var v) {
  dz__whole *p = w->p;
  uint32_t i = operand(w, v);
  if (i == DZ__NO_NODE ||
      !dz__grow(&p->alloc, (void **)&p->output, &p->output_cap, p->outs + 1, sizeof *p->output))
    return no_memory(w);
  p->output[p->outs++] = i;
  return DZ_OK;
}

/* Branches that depend on the inputs and were recorded up to the last output. */
static bool is_guard(const work *w, const dz__held *b) {
  return dz_valid(b->condition) && dz__index(b->condition) <= w->top && varies(w, b->condition);
}

static dz_status add_outputs(work *w, const dz__wanted *wanted, dz__guards *guards) {
  dz__whole *p = w->p;
  const dz__tape *s = dz__of_const(w->t);
  dz_status status = DZ_OK;
  for (int k = 0; k < wanted->outputs && !status; k++) {
    status = add_output(w, wanted->ys[k]);
    p->outputs += dz_size(wanted->ys[k]);
  }
  p->out_nodes = p->outs;
  for (size_t k = 0; k < s->nbranches && !status; k++) {
    const dz__held *b = &s->branches[k];
    if (!is_guard(w, b)) continue;
    if (!dz__grow(&guards->alloc, (void **)&guards->at, &guards->cap, guards->n + 1, sizeof *guards->at))
      return no_memory(w);
    guards->at[guards->n++] = (dz__guard){b->file, b->line, b->held};
    status = add_output(w, b->condition);
  }
  return status;
}

static dz_status extract(work *w, const dz__wanted *wanted, dz__guards *guards) {
  const dz__tape *s = dz__of_const(w->t);
  dz_status status = DZ_OK;
  memset(w->state, 0, (size_t)w->top + 1);
  memset(w->map, 0xff, ((size_t)w->top + 1) * sizeof *w->map);
  for (int k = 0; k < wanted->inputs && !status; k++) status = add_input(w, wanted->xs[k], k);
  if (status) return status;
  w->p->in_nodes = (size_t)wanted->inputs;
  find_dependent(w);
  for (int k = 0; k < wanted->outputs; k++) w->state[dz__index(wanted->ys[k])] |= NEEDED;
  for (size_t k = 0; k < s->nbranches; k++)
    if (is_guard(w, &s->branches[k])) w->state[dz__index(s->branches[k].condition)] |= NEEDED;
  find_needed(w);
  for (uint32_t i = 0; i <= w->top && !status; i++) {
    dz_var v = dz__handle(w->t, i);
    if (w->state[i] == (DEPENDS | NEEDED) && dz_role_of(v) == DZ_ROLE_NONE) status = add_operation(w, v);
  }
  return status ? status : add_outputs(w, wanted, guards);
}

dz_status dz__whole_new(const dz__wanted *wanted, dz__guards *guards, dz__whole *p, dz_error *e) {
  work w = {.p = p, .t = wanted->ys[0].tape, .error = e};
  for (int k = 0; k < wanted->outputs; k++) {
    if ((uintptr_t)wanted->ys[k].tape <= 1 || wanted->ys[k].tape != w.t || !dz_valid(wanted->ys[k]))
      return dz__fail(e, DZ_ERR_HANDLE, "plan", "output %d is not a live node", k);
    if (dz__index(wanted->ys[k]) > w.top) w.top = dz__index(wanted->ys[k]);
  }
  size_t n = (size_t)w.top + 1;
  w.state = dz__alloc(&p->alloc, n);
  w.map = dz__alloc(&p->alloc, n * sizeof *w.map);
  dz_status status = w.state && w.map ? extract(&w, wanted, guards) : no_memory(&w);
  if (!status && !dz__whole_arrange(p)) status = no_memory(&w);
  dz__free(&p->alloc, w.state, n);
  dz__free(&p->alloc, w.map, n * sizeof *w.map);
  return status;
}

void dz__whole_free(dz__whole *p) {
  const dz_allocator *a = &p->alloc;
  dz__free(a, p->node, p->node_cap * sizeof *p->node);
  dz__free(a, p->arg, p->arg_cap * sizeof *p->arg);
  dz__free(a, p->slot, p->slot_cap * sizeof *p->slot);
  dz__free(a, p->fresh, p->fresh_cap * sizeof *p->fresh);
  dz__free(a, p->attr, p->attr_cap * sizeof *p->attr);
  dz__free(a, p->number, p->number_cap * sizeof *p->number);
  dz__free(a, p->numberf, p->numberf_size * sizeof *p->numberf);
  dz__free(a, p->op, p->op_cap * sizeof *p->op);
  dz__free(a, p->stage, p->stage_cap * sizeof *p->stage);
  dz__free(a, p->load, p->load_cap * sizeof *p->load);
  dz__free(a, p->output, p->output_cap * sizeof *p->output);
}

/* ---- choosing ---- */

static bool is_matmul(dz_var v) { return dz__fn_of(v) == DZ__F_matmul; }

static double work_of(dz_var v) {
  double n = (double)dz_size(v);
  dz_var x = dz_operand(v, 0);
  if (dz_is_number(x)) return n;
  if (is_matmul(v)) return 2 * n * (double)dz_extent(x, dz_rank(x) - 1);
  return n > (double)dz_size(x) ? n : (double)dz_size(x);
}

double dz__whole_work(const dz__wanted *w, double *products) {
  double sum = 0;
  *products = 0;
  for (int k = 0; k < w->outputs; k++) {
    dz_var y = w->ys[k];
    if ((uintptr_t)y.tape <= 1 || y.tape != w->ys[0].tape || !dz_valid(y)) return 0;
  }
  const dz__tape *s = dz__of_const(w->ys[0].tape);
  for (size_t k = 0; k < s->wides; k++) {
    if (s->wide[k].fn == DZ__F_END) continue;
    dz_var v = dz__handle(w->ys[0].tape, s->wide[k].node);
    sum += work_of(v);
    if (is_matmul(v)) *products += work_of(v);
  }
  return sum;
}
