/* Recording: the general road of every operation, and the table's constructors. */
#include "tape/single.h"

#include "kernels/pointwise.h"

#include <stdio.h>

/* ---- room ---- */

static size_t least(size_t a, size_t b) { return a < b ? a : b; }

static bool grow_nodes(dz__tape *s, size_t nodes) {
  const dz_allocator *a = &s->alloc;
  dz_tape *t = &s->hot;
  const uint32_t n = dz__count(t);
  if (!dz__grow(a, (void **)&t->cell, &s->cell_cap, nodes, sizeof *t->cell)) return false;
  t->next = t->cell + n;
  dz__set_origin(t);
  dz__set_end(s);
  return true;
}

void dz__set_end(dz__tape *s) {
  if (s->hot.cell) s->hot.end = s->hot.cell + (s->single ? 0 : least(s->cell_cap, s->most[DZ_LIMIT_NODES]));
}

static bool grow_pool(dz__tape *s, size_t constants) {
  bool done = dz__grow(&s->alloc, (void **)&s->hot.pool, &s->pool_cap, constants, sizeof *s->hot.pool);
  s->hot.pool_cap = (uint32_t)least(s->pool_cap, DZ__MOST_CELLS);
  return done;
}

bool dz__room(dz_tape *t, uint32_t pool) {
  dz__tape *s = dz__of(t);
  const uint32_t n = dz__count(t);
  if (n >= s->most[DZ_LIMIT_NODES] || t->pooled + (uint64_t)pool > DZ__MOST_CELLS)
    return dz__poison(t, DZ_ERR_LIMIT, "tape", "this tape may hold at most %llu nodes",
                      (unsigned long long)s->most[DZ_LIMIT_NODES]),
           false;
  size_t nodes = n < 240 ? 256 : (size_t)n + 1;
  size_t constants = (size_t)t->pooled + pool;
  if ((t->next >= t->end && !grow_nodes(s, nodes)) || (constants > t->pool_cap && !grow_pool(s, constants)))
    return dz__poison(t, DZ_ERR_MEMORY, "tape", "out of memory at node %u", n), false;
  return true;
}

dz_status dz_tape_reserve(dz_tape *t, size_t nodes) {
  if (!t) return DZ_ERR_ARGUMENT;
  if (nodes > dz__of(t)->most[DZ_LIMIT_NODES]) return DZ_ERR_LIMIT;
  return grow_nodes(dz__of(t), nodes) ? DZ_OK : DZ_ERR_MEMORY;
}

static dz_var with_flags(dz_var x, uint32_t flags) {
  x.id -= (uint64_t)flags << 32;
  return x;
}

/* ---- scalars ---- */

static bool inactive(dz_var x) { return dz__flags(x) & DZ__INACTIVE; }

/* An operand as the tape has it: a number is rounded as everything on the tape is. */
static dz_var entering(const dz_tape *t, dz_var x) {
  return dz_is_number(x) ? dz_num(dz__rounded(t, dz__number(x))) : x;
}

dz_var dz__as_node(dz_tape *t, dz_var x) { return dz_is_number(x) ? dz_const(t, dz__number(x)) : x; }

/* Numbers that meet inactive nodes become nodes, so that an inactive operation has one kind of operand. */
static unsigned variant_of(dz_var x, dz_var y) {
  if (dz_is_number(x)) return DZ__CV;
  if (dz_is_number(y)) return DZ__VC;
  return inactive(x) ? (inactive(y) ? DZ__II : DZ__IV) : inactive(y) ? DZ__VI : DZ__VV;
}

static uint32_t operand_slot(dz_tape *t, dz_var x) {
  return dz_is_number(x) ? dz__pooled(t, dz__number(x), true) : dz__index(x);
}

static double operand_value(const dz_tape *t, dz_var x) {
  return dz_is_number(x) ? dz__number(x) : t->cell[dz__index(x)].value;
}

static dz_var scalar1(dz_tape *t, dz__fn fn, dz_var x) {
  bool off = inactive(x);
  double z = dz__rounded(t, dz__pointwise[fn].value(operand_value(t, x), 0, 0));
  dz_var r = dz__push(t, dz__ops[fn].code + (off ? 1u : 0u), dz__index(x), 0, z);
  return off || fn == DZ__F_stop ? with_flags(r, DZ__INACTIVE) : r;
}

static dz_var scalar2(dz_tape *t, dz__fn fn, dz_var x, dz_var y) {
  if ((dz_is_number(x) && inactive(y)) || (dz_is_number(y) && inactive(x))) {
    x = dz__as_node(t, x);
    y = dz__as_node(t, y);
    if (!dz__room(t, 0)) /* for one node there was; the number is that now */
      return (dz_var){.tape = t, .id = DZ__NONE};
  }
  unsigned variant = variant_of(x, y);
  x = entering(t, x);
  y = entering(t, y);
  double z = dz__rounded(t, dz__pointwise[fn].value(operand_value(t, x), operand_value(t, y), 0));
  uint32_t a = operand_slot(t, x), b = operand_slot(t, y);
  dz_var r = dz__push(t, dz__ops[fn].code + variant, a, b, z);
  return variant == DZ__II ? with_flags(r, DZ__INACTIVE) : r;
}

/* ---- wide nodes ---- */

/* Everything is made room for first, then nothing can fail. */
dz_var dz__push_wide(dz_tape *t, unsigned code, dz__fn fn, const dz__call *call, const dz__ref *refs,
                     bool active, dz__arena_mark before) {
  dz__tape *s = dz__of(t);
  const dz_allocator *a = &s->alloc;
  size_t nargs = (size_t)call->nargs, nattr = (size_t)call->nattr, rank = (size_t)call->out.rank;
  if (!dz__room(t, 0) || !dz__grow(a, (void **)&s->wide, &s->wide_cap, s->wides + 1, sizeof *s->wide) ||
      !dz__grow(a, (void **)&s->wide_args, &s->wide_args_cap, s->wide_nargs + nargs, sizeof *s->wide_args) ||
      !dz__grow(a, (void **)&s->wide_attr, &s->wide_attr_cap, s->wide_nattr + nattr, sizeof *s->wide_attr) ||
      !dz__grow(a, (void **)&s->wide_dims, &s->wide_dims_cap, s->wide_ndims + rank, sizeof *s->wide_dims)) {
    dz__arena_rewind(&s->arena, before);
    return dz__poison(t, DZ_ERR_MEMORY, call->op, "out of memory at node %u", dz__count(t));
  }
  s->wide[s->wides] = (dz__wide){.node = dz__count(t),
                                 .fn = (uint16_t)fn,
                                 .nargs = (uint32_t)nargs,
                                 .rank = (uint8_t)rank,
                                 .active = active,
                                 .arg0 = (uint32_t)s->wide_nargs,
                                 .attr0 = (uint32_t)s->wide_nattr,
                                 .nattr = (uint32_t)nattr,
                                 .dims0 = (uint32_t)s->wide_ndims,
                                 .size = call->out.size,
                                 .data = rank ? call->out.data : NULL,
                                 .before = before};
  for (size_t k = 0; k < nargs; k++) s->wide_args[s->wide_nargs++] = refs[k];
  for (size_t k = 0; k < nattr; k++) s->wide_attr[s->wide_nattr++] = call->attr[k];
  for (size_t k = 0; k < rank; k++) s->wide_dims[s->wide_ndims++] = call->out.dims[k];
  double value = rank ? 0 : dz__rounded(t, *call->out.data);
  dz_var r = dz__push(t, code, (uint32_t)s->wides++, 1, value);
  return with_flags(r, (rank ? DZ__TENSOR : 0) | (active ? 0 : DZ__INACTIVE));
}

static dz_status shape_of_call(dz__fn fn, dz__call *call) {
  return fn < DZ__F_POINTWISE_END ? dz__broadcast_rule(call)
                                  : dz__tensor_ops[fn - DZ__F_POINTWISE_END].shape(call);
}

static void compute(dz__fn fn, const dz__call *call) {
  if (fn < DZ__F_POINTWISE_END)
    dz__pointwise_forward(fn, call);
  else
    dz__tensor_ops[fn - DZ__F_POINTWISE_END].forward(call);
}

/* Shape, room and values of a result; those of rank 0 go to *scalar. */
static inline dz_status worked_out(dz__tape *s, dz__fn fn, dz__call *call, double *scalar) {
  dz_status status = shape_of_call(fn, call);
  if (status) return status;
  call->out.data = call->out.rank ? dz__arena_alloc(&s->arena, call->out.size * sizeof(double)) : scalar;
  if (!call->out.data)
    return dz__fail(call->error, DZ_ERR_MEMORY, call->op, "out of memory for %zu elements", call->out.size);
  compute(fn, call);
  return DZ_OK;
}

static bool has_slope(dz__fn fn) {
  return fn != DZ__F_stop && (fn < DZ__F_POINTWISE_END || dz__tensor_ops[fn - DZ__F_POINTWISE_END].spread);
}

/* References to the operands and, in s->call_args, what they hold. Numbers enter the pool. Returns whether
 * any is active. */
static bool refer(dz_tape *t, int nargs, const dz_var *args, dz__ref *refs) {
  bool active = false;
  for (int k = 0; k < nargs; k++) {
    bool number = dz_is_number(args[k]);
    refs[k] = number ? (dz__ref){operand_slot(t, entering(t, args[k])), DZ__POOLED | DZ__INACTIVE}
                     : (dz__ref){dz__index(args[k]), dz__flags(args[k])};
    active |= !(refs[k].flags & DZ__INACTIVE);
  }
  for (int k = 0; k < nargs; k++) dz__put_operand(t, refs[k], &dz__of(t)->call_args[k]);
  return active;
}

/* The tape's error becomes `e` unless it has one, with the present place. */
static void adopt(dz__tape *s, dz_error *e) {
  if (s->error.status) return;
  if (s->line) dz__fail_at(e, NULL, s->line, s->column);
  s->error = *e;
}

/* References of a few operands live on the stack; those of more in the arena, below the result's data. */
enum { FEW = 8 };

static dz_var wide(dz_tape *t, dz__fn fn, int nargs, const dz_var *args, int nattr, const int64_t *attr) {
  dz__tape *s = dz__of(t);
  const char *op = dz__op_name(s, fn, attr);
  dz__arena_mark before = dz__arena_where(&s->arena);
  dz__ref few[FEW];
  dz__ref *refs = nargs <= FEW ? few : dz__arena_alloc(&s->arena, (size_t)nargs * sizeof *refs);
  if (!refs || !dz__room(t, (uint32_t)nargs) ||
      !dz__grow(&s->alloc, (void **)&s->call_args, &s->call_args_cap, (size_t)nargs, sizeof *s->call_args)) {
    dz__arena_rewind(&s->arena, before);
    return dz__poison(t, DZ_ERR_MEMORY, op, "out of memory for %d operands", nargs);
  }
  bool active = refer(t, nargs, args, refs);
  dz_error e = {.status = DZ_OK};
  dz__call call = {.op = op, .nargs = nargs, .args = s->call_args, .nattr = nattr, .attr = attr, .error = &e};
  call.user = dz__user_of(s, fn, attr);
  double scalar = 0;
  dz_status status =
      s->single ? dz__single_record(t, fn, &call, refs, &scalar) : worked_out(s, fn, &call, &scalar);
  if (status) {
    dz__arena_rewind(&s->arena, before);
    adopt(s, &e);
    return (dz_var){.tape = t, .id = DZ__NONE};
  }
  return dz__push_wide(t, DZ__WIDE, fn, &call, refs, active && has_slope(fn), before);
}

/* ---- the general road ---- */

static dz_var numbers_alone(dz__fn fn, int nargs, const dz_var *args) {
  if (fn >= DZ__F_POINTWISE_END) return (dz_var){0};
  double v[3] = {0, 0, 0};
  for (int k = 0; k < nargs; k++) v[k] = dz__number(args[k]);
  return dz_num(dz__pointwise[fn].value(v[0], v[1], v[2]));
}

dz_var dz__record(dz__fn fn, int nargs, const dz_var *args, int nattr, const int64_t *attr) {
  const char *op = dz__ops[fn].name;
  dz_tape *t = NULL;
  int plain = 0;
  for (int k = 0; k < nargs; k++)
    if (!t && !dz_is_number(args[k])) t = args[k].tape;
  if (!t) {
    for (int k = 0; k < nargs; k++)
      if (!dz_is_number(args[k])) return (dz_var){0};
    return numbers_alone(fn, nargs, args);
  }
  for (int k = 0; k < nargs; k++) {
    if (!dz__check_handle(t, args[k], op)) return (dz_var){.tape = t, .id = DZ__NONE};
    plain += dz_is_number(args[k]) || !(dz__flags(args[k]) & DZ__TENSOR);
  }
  if (!dz__room(t, 2)) return (dz_var){.tape = t, .id = DZ__NONE};
  bool scalar = fn < DZ__F_POINTWISE_END && plain == nargs;
  if (scalar && nargs == 1) return scalar1(t, fn, args[0]);
  if (scalar && nargs == 2) return scalar2(t, fn, args[0], args[1]);
  return wide(t, fn, nargs, args, nattr, attr);
}

/* A poisoned handle first, so that {0} beside a live operand is reported on the live one's tape. */
dz__made dz__general2(unsigned op, dz_tape *tx, dz__made x, dz_tape *ty, dz__made y) {
  dz_var args[] = {dz__joined(tx, x), dz__joined(ty, y)};
  return dz__apart(dz__record((dz__fn)op, 2, args, 0, NULL));
}
