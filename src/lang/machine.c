#include "lang/machine.h"

#include "ops/op.h"
#include "tape/tensor.h"

#include <string.h>

/* ---- making ---- */

static void machine_free(void *machine) {
  dz__machine *m = machine;
  const dz_allocator a = m->alloc;
  dz__vec_free(&a, &m->values, sizeof(dz__value));
  dz__vec_free(&a, &m->frames, sizeof(dz__frame));
  dz__vec_free(&a, &m->literals, sizeof(dz__literal));
  dz__vec_free(&a, &m->numbers, sizeof(double));
  dz__vec_free(&a, &m->leaves, sizeof(dz_var));
  dz__vec_free(&a, &m->definitions, sizeof(dz_var));
  dz__vec_free(&a, &m->operands, sizeof(dz_var));
  dz_program_free(m->prelude);
  dz_program_free(m->rules);
  dz__free(&a, m, sizeof *m);
}

dz__machine *dz__machine_of(dz_tape *t) {
  dz__tape *s = dz__of(t);
  dz__machine *m = s->prelude;
  if (!m) {
    m = dz__alloc(&s->alloc, sizeof *m);
    if (!m) return dz__poison(t, DZ_ERR_MEMORY, "", "out of memory"), NULL;
    *m = (dz__machine){.alloc = s->alloc};
    s->prelude = m;
    s->prelude_free = machine_free;
  }
  m->t = t;
  m->values.n = m->frames.n = m->literals.n = m->numbers.n = 0;
  m->leaves.n = m->definitions.n = 0;
  m->steps = 0;
  m->most = dz__of(t)->most[DZ_LIMIT_STEPS];
  m->fixed = false;
  return m;
}

bool dz__push_value(dz__machine *m, dz__value v) {
  dz__value *x = dz__vec_add(&m->alloc, &m->values, 1, sizeof *x);
  if (!x) return dz__poison(m->t, DZ_ERR_MEMORY, "", "out of memory for values"), false;
  *x = v;
  return true;
}

static bool push(dz__machine *m, dz_var v) {
  return dz__push_value(m, (dz__value){.v = v, .literal = DZ__V_PLAIN});
}

/* The last n values, of which there are some, give way to one. */
static void replace(dz__machine *m, size_t n, dz_var v) {
  m->values.n -= n - 1;
  *dz__values_from_top(m, 1) = (dz__value){.v = v, .literal = DZ__V_PLAIN};
}

static void place(const dz__machine *m, uint32_t column) {
  if (!m->fixed) dz_tape_at(m->t, m->line, (int)column);
}

static bool is_number(const dz__value *x) { return x->literal == DZ__V_PLAIN && dz_is_number(x->v); }

/* ---- functions ---- */

static void fill(const dz__machine *m, const dz__function *f, uint32_t n, dz__value *slot) {
  const dz__value *x = dz__values_from_top(m, n);
  for (uint32_t k = 0; k < f->nparams; k++) {
    const dz__param *p = dz__param_at(m->p, f->param0 + k);
    slot[k] =
        (dz__value){.v = dz_num(p->value), .literal = p->kind == DZ__DEFAULT_ALL ? DZ__V_ALL : DZ__V_PLAIN};
  }
  for (uint32_t k = 0; k < n; k++) {
    dz__value *to = &slot[x[k].key ? x[k].key - 1u : k];
    *to = x[k];
    to->key = 0;
  }
}

/* g(t) = d(t*x, t) at g(x) derives by t alone: what t stands for becomes a node of its own. */
static bool separate(const dz__machine *m, const dz__function *f, dz__value *slot) {
  for (uint32_t k = 0; k < f->nparams; k++) {
    dz_var *v = &slot[k].v;
    if (!dz__param_at(m->p, f->param0 + k)->derived_by || slot[k].literal != DZ__V_PLAIN || !dz_is_active(*v))
      continue;
    *v = dz__record(DZ__F_mul, 2, (dz_var[]){*v, dz_num(1)}, 0, NULL);
    if (!dz__good(*v)) return false;
  }
  return true;
}

bool dz__enter(dz__machine *m, uint32_t index, uint32_t n) {
  const dz__function *f = dz__function_at(m->p, index);
  dz__value slot[DZ__MOST_PARAMS];
  fill(m, f, n, slot);
  if (!separate(m, f, slot)) return false;
  m->values.n -= n;
  dz__frame *frame = dz__vec_add(&m->alloc, &m->frames, 1, sizeof *frame);
  if (!frame) return dz__poison(m->t, DZ_ERR_MEMORY, "", "out of memory for calls"), false;
  uint32_t base = (uint32_t)m->values.n;
  *frame = (dz__frame){.pc = m->pc, .base = base, .outer_base = m->base, .line = m->line, .fixed = m->fixed};
  m->base = base;
  m->pc = f->code;
  m->fixed |= f->prelude;
  for (uint32_t k = 0; k < f->nparams; k++)
    if (!dz__push_value(m, slot[k])) return false;
  return true;
}

static void leave(dz__machine *m) {
  const dz__frame *f = (const dz__frame *)m->frames.at + --m->frames.n;
  dz__value *result = dz__values_from_top(m, 1);
  ((dz__value *)m->values.at)[f->base] = *result;
  m->values.n = f->base + 1;
  m->pc = f->pc;
  m->base = f->outer_base;
  m->line = f->line;
  m->fixed = f->fixed;
}

static bool push_param(dz__machine *m, uint32_t k) {
  dz__value x = ((const dz__value *)m->values.at)[m->base + k];
  x.shared = true;
  return dz__push_value(m, x);
}

/* ---- unroll ----

   On the stack stand X, s, the other operands, and the number of the turn. */

static bool turn(dz__machine *m, dz__instr i) {
  uint32_t n = dz__instr_n(i);
  dz_var X;
  if (!dz__settle(m, dz__values_from_top(m, n + 1), &X)) return false;
  dz__value *x = dz__values_from_top(m, n + 1);
  double k = dz__number(x[n].v);
  if (dz_rank(X) < 1)
    return dz__poison(m->t, DZ_ERR_SHAPE, "unroll",
                      "unroll(f, X, s, …) goes along the first axis of X, which is a number"),
           false;
  if (k >= (double)dz_extent(X, 0)) {
    x[0] = x[1];
    m->values.n -= n;
    m->pc++;
    return true;
  }
  dz__range at = {.position = true, .start = (int64_t)k};
  if (!push(m, dz__indexed(X, 1, &at)) || !dz__good(dz__values_from_top(m, 1)->v)) return false;
  for (uint32_t j = 1; j < n; j++)
    if (!dz__push_value(m, *dz__values_from_top(m, n + 1))) return false;
  return dz__enter(m, i.arg, n);
}

static void next_turn(dz__machine *m, dz__instr i) {
  uint32_t n = dz__instr_n(i);
  dz__value *x = dz__values_from_top(m, n + 2);
  x[1] = x[n + 1];
  x[n].v = dz_num(dz__number(x[n].v) + 1);
  m->values.n--;
  m->pc -= 2;
}

/* ---- steps ---- */

static bool apply(dz__machine *m, dz__fn fn, uint32_t n) {
  dz_var v[3];
  dz__value *x = dz__values_from_top(m, n);
  for (uint32_t k = 0; k < n; k++)
    if (!dz__settle(m, x + k, v + k)) return false;
  dz_var r = dz__record(fn, (int)n, v, 0, NULL);
  if (!dz__good(r)) return false;
  replace(m, n, r);
  return true;
}

static bool power_e(dz__machine *m) {
  dz__value *x = dz__values_from_top(m, 2);
  if (!is_number(x)) return apply(m, DZ__F_pow, 2);
  if (!apply(m, DZ__F_exp, 1)) return false;
  x = dz__values_from_top(m, 2);
  x[0] = x[1];
  m->values.n--;
  return true;
}

static bool skip_to(dz__machine *m, uint32_t pc) {
  m->pc = pc;
  return push(m, dz_num(0));
}

static bool choose(dz__machine *m) {
  dz__value *x = dz__values_from_top(m, 3);
  if (!is_number(x)) return apply(m, DZ__F_where, 3);
  x[0] = dz__number(x[0].v) != 0 ? x[1] : x[2];
  m->values.n -= 2;
  return true;
}

static bool list(dz__machine *m, uint32_t n) {
  dz__value v;
  if (!dz__make_list(m, n, &v)) return false;
  m->values.n -= n;
  return dz__push_value(m, v);
}

static bool index_step(dz__machine *m, dz__instr i) {
  uint32_t used;
  dz_var r;
  if (!dz__index_call(m, dz__instr_n(i), i.arg, &used, &r)) return false;
  replace(m, used, r);
  return true;
}

static bool builtin(dz__machine *m, dz__instr i) {
  uint32_t n = dz__instr_n(i);
  dz_var r;
  if (!dz__builtin_call(m, i.arg, n, &r)) return false;
  replace(m, n, r);
  return true;
}

static bool one_step(dz__machine *m, dz__instr i) {
  const dz__value *x;
  place(m, i.column);
  switch (dz__instr_step(i)) {
  case DZ__S_APPLY:
    return apply(m, (dz__fn)i.arg, dz__instr_n(i));
  case DZ__S_POWER_E:
    return power_e(m);
  case DZ__S_BRANCH:
    x = dz__values_from_top(m, 1);
    return !is_number(x) || dz__number(x->v) != 0 || skip_to(m, i.arg);
  case DZ__S_JUMP:
    return !is_number(dz__values_from_top(m, 2)) || skip_to(m, i.arg);
  case DZ__S_CHOOSE:
    return choose(m);
  case DZ__S_LIST:
    return list(m, i.arg);
  case DZ__S_INDEX:
    return index_step(m, i);
  case DZ__S_CALL:
    return dz__enter(m, i.arg, dz__instr_n(i));
  case DZ__S_TURN:
    return turn(m, i);
  default:
    return builtin(m, i);
  }
}

static bool too_long(dz__machine *m) {
  if (!m->frames.n || ++m->steps <= m->most) return false;
  dz__poison(m->t, DZ_ERR_LIMIT, "", "functions expand to more than %llu operations and operands",
             (unsigned long long)m->most);
  return true;
}

bool dz__run(dz__machine *m) {
  for (;;) {
    dz__instr i = *dz__code_at(m->p, m->pc++);
    bool done = true;
    if (too_long(m)) return false;
    switch (dz__instr_step(i)) {
    case DZ__S_RETURN:
      if (!m->frames.n) return true;
      leave(m);
      if (m->pc == UINT32_MAX) return true;
      break;
    case DZ__S_LINE:
      m->line = (int)i.arg;
      break;
    case DZ__S_NUMBER:
      done = push(m, dz_num(((const double *)m->p->numbers.at)[i.arg]));
      break;
    case DZ__S_ALL:
      done = dz__push_value(m, (dz__value){.literal = DZ__V_ALL});
      break;
    case DZ__S_LEAF:
      done = push(m, ((const dz_var *)m->leaves.at)[i.arg]);
      break;
    case DZ__S_DEFINITION:
      done = push(m, ((const dz_var *)m->definitions.at)[i.arg]);
      break;
    case DZ__S_PARAM:
      done = push_param(m, i.arg);
      break;
    case DZ__S_NEXT:
      next_turn(m, i);
      break;
    case DZ__S_KEY:
      dz__values_from_top(m, 1)->key = (uint8_t)i.arg;
      break;
    default:
      done = one_step(m, i);
    }
    if (!done) return false;
  }
}
