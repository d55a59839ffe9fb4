#include "derive/formula.h"

#include "derive/textop.h"
#include "kernels/pointwise.h"

#include <string.h>

#define UNUSED UINT32_MAX
#define AWAITED (UINT32_MAX - 1)

/* slot[i] says where node i's value stands. */
typedef struct job {
  const dz_allocator *alloc;
  const dz_var *in;
  dz__formula *f;
  uint32_t *slot;
  dz_error *error;
} job;

static bool add(job *j, dz__formula_step step, uint32_t *slot) {
  dz__formula *f = j->f;
  void *at = f->step;
  if (f->n >= DZ__FORMULA_MOST)
    return dz__fail(j->error, DZ_ERR_LIMIT, "", "a text of more than %d operations", DZ__FORMULA_MOST), false;
  if (!dz__grow(j->alloc, &at, &f->cap, f->n + 1, sizeof step))
    return dz__fail(j->error, DZ_ERR_MEMORY, "", "out of memory"), false;
  f->step = at;
  f->step[f->n] = step;
  *slot = DZ__FORMULA_INPUTS + (uint32_t)f->n++;
  return true;
}

static bool add_number(job *j, double v, uint32_t *slot) {
  return add(j, (dz__formula_step){.fn = DZ__F_END, .number = v}, slot);
}

static bool refuse(job *j, dz_var x, const char *what) {
  dz_node d = dz_describe(x);
  dz__fail(j->error, DZ_ERR_ARGUMENT, "", "'%s' %s", d.op, what);
  dz__fail_at(j->error, NULL, d.line, d.column);
  return false;
}

static int input_of(const job *j, uint32_t i) {
  for (int k = 0; k < DZ__FORMULA_INPUTS; k++)
    if (j->in[k].tape && dz__index(j->in[k]) == i) return k;
  return -1;
}

/* The steps of another formula with these operands for its inputs. */
static bool inlined(job *j, const dz__formula *g, const uint32_t operand[3], uint32_t *slot) {
  uint32_t base = DZ__FORMULA_INPUTS + (uint32_t)j->f->n, last;
  for (size_t i = 0; i < g->n; i++) {
    dz__formula_step s = g->step[i];
    for (int k = 0; k < 3; k++)
      s.arg[k] = s.arg[k] < DZ__FORMULA_INPUTS ? operand[s.arg[k] % 3] : s.arg[k] - DZ__FORMULA_INPUTS + base;
    if (!add(j, s, &last)) return false;
  }
  *slot = g->result < DZ__FORMULA_INPUTS ? operand[g->result % 3] : g->result - DZ__FORMULA_INPUTS + base;
  return true;
}

static bool operation(job *j, dz_var x, int nargs, uint32_t *slot) {
  const dz__wide *w = dz__wide_of(x.tape, dz__index(x));
  uint32_t fn = w ? w->fn : (uint32_t)dz__fn_of_code(dz__node_code(x.tape, dz__index(x))), operand[3] = {0};
  const dz__userop *u = w ? dz__user_of(dz__of(x.tape), fn, dz__attr_of(dz__of(x.tape), w)) : NULL;
  if (u ? !u->elementwise : fn >= DZ__F_POINTWISE_END)
    return refuse(j, x, "is not elementwise: an operation by text is made of elementwise ones");
  for (int k = 0; k < nargs; k++) {
    dz_var y = dz_operand(x, k);
    if (!dz_is_number(y))
      operand[k] = j->slot[dz__index(y)];
    else if (!add_number(j, dz__number(y), &operand[k]))
      return false;
  }
  if (u) return inlined(j, &((const dz__textop *)u->own)->value, operand, slot);
  return add(j, (dz__formula_step){.fn = fn, .arg = {operand[0], operand[1], operand[2]}}, slot);
}

static bool node(job *j, dz_var x) {
  uint32_t i = dz__index(x), *slot = &j->slot[i];
  int input = input_of(j, i);
  dz_node d = dz_describe(x);
  if (input >= 0) return *slot = (uint32_t)input, true;
  if (dz_rank(x) > 0)
    return refuse(j, x, "is a tensor: an operation by text is elementwise, made of scalars");
  if (d.role == DZ_ROLE_CONST) return add_number(j, dz_value(x), slot);
  if (d.role != DZ_ROLE_NONE)
    return refuse(j, x, "is declared: an operation is made of its operands and constants");
  return operation(j, x, d.nargs, slot);
}

static void await(job *j, dz_var y) {
  uint32_t top = dz__index(y);
  memset(j->slot, 0xff, ((size_t)top + 1) * sizeof *j->slot);
  j->slot[top] = AWAITED;
  for (uint32_t i = top + 1; i-- > 0;) {
    dz_var x = dz__handle(y.tape, i);
    if (j->slot[i] == UNUSED || input_of(j, i) >= 0) continue;
    for (int k = dz_describe(x).nargs; k-- > 0;) {
      dz_var of = dz_operand(x, k);
      if (!dz_is_number(of)) j->slot[dz__index(of)] = AWAITED;
    }
  }
}

bool dz__formula_of(const dz_allocator *a, dz_var y, const dz_var in[DZ__FORMULA_INPUTS], dz__formula *f,
                    dz_error *e) {
  uint32_t top = dz__index(y);
  size_t bytes = ((size_t)top + 1) * sizeof(uint32_t);
  job j = {a, in, f, dz__alloc(a, bytes), e};
  *f = (dz__formula){0};
  if (!j.slot) return dz__fail(e, DZ_ERR_MEMORY, "", "out of memory"), false;
  await(&j, y);
  bool done = true;
  for (uint32_t i = 0; done && i <= top; i++)
    if (j.slot[i] != UNUSED) done = node(&j, dz__handle(y.tape, i));
  f->result = j.slot[top];
  dz__free(a, j.slot, bytes);
  return done;
}

void dz__formula_free(const dz_allocator *a, dz__formula *f) {
  dz__free(a, f->step, f->cap * sizeof *f->step);
  *f = (dz__formula){0};
}

double dz__formula_value(const dz__formula *f, double *slot) {
  double *to = slot + DZ__FORMULA_INPUTS;
  for (size_t i = 0; i < f->n; i++) {
    const dz__formula_step *s = &f->step[i];
    to[i] = s->fn == DZ__F_END
                ? s->number
                : dz__pointwise[s->fn].value(slot[s->arg[0]], slot[s->arg[1]], slot[s->arg[2]]);
  }
  return slot[f->result];
}

static dz_var run(const dz__formula *f, dz_var *slot) {
  for (size_t i = 0; i < f->n; i++) {
    const dz__formula_step *s = &f->step[i];
    dz_var args[] = {slot[s->arg[0]], slot[s->arg[1]], slot[s->arg[2]]};
    dz_var r = dz_num(s->number);
    if (s->fn != DZ__F_END) r = dz__record((dz__fn)s->fn, dz__ops[s->fn].arity, args, 0, NULL);
    slot[DZ__FORMULA_INPUTS + i] = r;
  }
  return slot[f->result];
}

dz_var dz__formula_record(const dz__formula *f, dz_tape *t, const dz_var in[DZ__FORMULA_INPUTS]) {
  const dz_allocator *a = &dz__of(t)->alloc;
  size_t bytes = (DZ__FORMULA_INPUTS + f->n) * sizeof(dz_var);
  dz_var *slot = dz__alloc(a, bytes);
  if (!slot) return dz__poison(t, DZ_ERR_MEMORY, "derive", "out of memory for a formula");
  memcpy(slot, in, DZ__FORMULA_INPUTS * sizeof *slot);
  dz_var r = run(f, slot);
  dz__free(a, slot, bytes);
  return r;
}
