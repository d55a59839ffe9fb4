/* The functions of the engine, applied to values. */
#include "lang/builtin.h"
#include "lang/machine.h"
#include "tape/single.h"
#include "tape/tensor.h"

#include <string.h>

bool dz__good(dz_var x) { return dz_is_number(x) || dz__index(x) != DZ__NONE; }

dz_var *dz__operand_room(dz__machine *m, size_t n) {
  m->operands.n = 0;
  dz_var *v = dz__vec_add(&m->alloc, &m->operands, n, sizeof *v);
  if (!v) dz__poison(m->t, DZ_ERR_MEMORY, "", "out of memory for %zu operands", n);
  return v;
}

/* One call: `plain` values without a keyword, of which the first are operands, then those with one. */
typedef struct call {
  dz__machine *m;
  dz__builtin b;
  const char *op;
  dz__value *x;
  uint32_t n, plain;
} call;

/* The value for a keyword slot, NULL when it was not given. */
static const dz__value *given(const call *c, int slot) {
  for (uint32_t k = c->plain; k < c->n; k++)
    if (c->x[k].key == slot) return &c->x[k];
  if (c->b.most < 0) return NULL;
  uint32_t k = (uint32_t)(c->b.most + slot - 1);
  return k < c->plain ? &c->x[k] : NULL;
}

static bool integer(const call *c, int slot, int64_t otherwise, int64_t *value) {
  const dz__value *x = given(c, slot);
  *value = otherwise;
  return !x || dz__whole_number(c->m, x, c->op, dz__key_name(slot), value);
}

/* Operand k, as a node: tensor operations need a tape. */
static bool node(const call *c, uint32_t k, dz_var *v) {
  if (!dz__settle(c->m, &c->x[k], v)) return false;
  *v = dz__as_node(c->m->t, *v);
  return dz__good(*v);
}

/* The first n values as operands, or NULL after an error. */
static dz_var *nodes(const call *c, uint32_t n) {
  dz_var *v = dz__operand_room(c->m, n);
  for (uint32_t k = 0; v && k < n; k++)
    if (!node(c, k, v + k)) return NULL;
  return v;
}

static bool pointwise(const call *c, dz_var *r) {
  dz_var v[3];
  for (uint32_t k = 0; k < c->n; k++)
    if (!dz__settle(c->m, &c->x[k], v + k)) return false;
  *r = dz__record(c->b.fn, (int)c->n, v, 0, NULL);
  return true;
}

static bool reduction(const call *c, dz_var *r) {
  int64_t axes[DZ_MAX_RANK], keep, ddof;
  int count = DZ__ALL_AXES;
  const dz__value *axis = given(c, DZ__KEY_AXIS);
  dz_var x;
  if (!node(c, 0, &x)) return false;
  if (axis && !dz__whole_numbers(c->m, axis, c->op, "axis", DZ_MAX_RANK, axes, &count)) return false;
  if (!integer(c, DZ__KEY_KEEPDIMS, 0, &keep) || !integer(c, DZ__KEY_DDOF, 0, &ddof)) return false;
  *r = dz__reduce(c->b.fn, x, count, axes, keep != 0, ddof);
  return true;
}

static bool extreme(const call *c, dz_var *r) {
  if (c->plain == 1) return reduction(c, r);
  dz__fn fn = c->b.fn == DZ__F_max ? DZ__F_fmax : DZ__F_fmin;
  dz_var v[2];
  if (!dz__settle(c->m, &c->x[0], v)) return false;
  for (uint32_t k = 1; k < c->n; k++) {
    if (!dz__settle(c->m, &c->x[k], v + 1)) return false;
    v[0] = dz__record(fn, 2, v, 0, NULL);
  }
  *r = v[0];
  return true;
}

/* Without an axis a tensor is flattened first, as in NumPy. */
static bool running(const call *c, dz_var *r) {
  int64_t axis;
  dz_var x;
  if (!node(c, 0, &x) || !integer(c, DZ__KEY_AXIS, 0, &axis)) return false;
  if (!given(c, DZ__KEY_AXIS) && dz_rank(x) != 1) {
    int64_t size = (int64_t)dz_size(x);
    x = dz__shaped(DZ__F_reshape, x, 1, &size);
    if (!dz__good(x)) return false;
  }
  *r = dz__along(c->b.fn, x, axis);
  return true;
}

static bool join(const call *c, dz_var *r) {
  int64_t axis;
  dz_var *v = nodes(c, c->plain);
  if (!v || !integer(c, DZ__KEY_AXIS, 0, &axis)) return false;
  *r = c->b.form == DZ__FORM_STACK ? dz__stack((int)c->plain, v, axis) : dz__concat((int)c->plain, v, axis);
  return true;
}

static bool gather(const call *c, dz_var *r) {
  int64_t axis;
  dz_var *v = nodes(c, 2);
  if (!v || !integer(c, DZ__KEY_AXIS, 0, &axis)) return false;
  *r = dz__gather(v[0], v[1], axis);
  return true;
}

/* The whole numbers behind the first operand: one list, or one by one. */
static bool rest(const call *c, const char *what, int64_t list[DZ_MAX_RANK], int *count) {
  if (c->n == 2) return dz__whole_numbers(c->m, &c->x[1], c->op, what, DZ_MAX_RANK, list, count);
  if (c->n - 1 > DZ_MAX_RANK) {
    dz__poison(c->m->t, DZ_ERR_SHAPE, c->op, "%s: %u extents, at most %d are possible", c->op, c->n - 1,
               DZ_MAX_RANK);
    return false;
  }
  *count = (int)c->n - 1;
  for (uint32_t k = 1; k < c->n; k++)
    if (!dz__whole_number(c->m, &c->x[k], c->op, what, &list[k - 1])) return false;
  return true;
}

static bool shaped(const call *c, dz_var *r) {
  int64_t dims[DZ_MAX_RANK];
  int count;
  dz_var x;
  if (!node(c, 0, &x) || !rest(c, "the shape", dims, &count)) return false;
  if (count < 0)
    return dz__poison(c->m->t, DZ_ERR_ARGUMENT, c->op, "%s: the shape must be whole numbers", c->op), false;
  *r = dz__shaped(c->b.fn, x, count, dims);
  return true;
}

static bool permuted(const call *c, dz_var *r) {
  int64_t axes[DZ_MAX_RANK];
  int count = DZ__ALL_AXES;
  dz_var x;
  if (!node(c, 0, &x) || (c->n > 1 && !rest(c, "the order of axes", axes, &count))) return false;
  *r = dz__permuted(x, count, axes);
  return true;
}

static bool matmul(const call *c, dz_var *r) {
  dz_var *v = nodes(c, 2);
  if (!v) return false;
  *r = dz__matmul(v[0], v[1]);
  return true;
}

static bool solve(const call *c, dz_var *r) {
  dz_var *v = nodes(c, 2);
  if (!v) return false;
  *r = dz__solve(v[0], v[1]);
  return true;
}

static bool noise(const call *c, dz_var *r) {
  dz_var *v = nodes(c, 2);
  if (!v) return false;
  *r = dz__noise(v[0], v[1]);
  return true;
}

/* ---- shapes as values ---- */

/* The axis that was asked for, from 0. */
static bool axis_of(const call *c, dz_var x, int64_t otherwise, int64_t *axis) {
  int rank = dz_rank(x);
  if (!integer(c, DZ__KEY_AXIS, otherwise, axis)) return false;
  if (*axis < 0) *axis += rank;
  if (*axis >= 0 && *axis < rank) return true;
  return dz__poison(c->m->t, DZ_ERR_ARGUMENT, c->op, "%s: no such axis: the operand has rank %d", c->op,
                    rank),
         false;
}

static bool rank(const call *c, dz_var *r) {
  dz_var x;
  if (!dz__settle(c->m, &c->x[0], &x)) return false;
  *r = dz_num(dz_rank(x));
  return true;
}

static bool extent(const call *c, dz_var *r) {
  int64_t axis;
  dz_var x;
  if (!dz__settle(c->m, &c->x[0], &x) || !axis_of(c, x, 0, &axis)) return false;
  *r = dz_num((double)dz_extent(x, (int)axis));
  return true;
}

static bool room(const call *c, dz_var *r) {
  int64_t axis, size;
  dz_var x;
  if (!dz__settle(c->m, &c->x[0], &x) || !axis_of(c, x, 0, &axis)) return false;
  if (!dz__whole_number(c->m, &c->x[1], "windows", "the size", &size)) return false;
  const size_t extent = dz_extent(x, (int)axis);
  *r = dz_num((double)extent - (double)size + 1);
  if (size > 0 && (uint64_t)size <= extent) return true;
  dz__poison(c->m->t, DZ_ERR_SHAPE, "windows",
             "windows of %lld places, of a filter or a pool, do not fit into an image of %zu",
             (long long)size, extent);
  return false;
}

static bool positions(const call *c, dz_var *r) {
  size_t dims[DZ_MAX_RANK];
  int64_t axis;
  dz_var x;
  if (!dz__settle(c->m, &c->x[0], &x) || !axis_of(c, x, -1, &axis)) return false;
  int n = dz_rank(x);
  for (int k = 0; k < n; k++) dims[k] = k == axis ? dz_extent(x, k) : 1;
  *r = dz_leaf_tensor(c->m->t, DZ_ROLE_CONST, n, dims, NULL);
  if (!dz__good(*r)) return false;
  double *to = dz__leaf_open(*r); /* its node is new: nobody has seen the zeros */
  for (size_t k = 0; to && k < dims[axis]; k++) to[k] = (double)k;
  if (to) dz__leaf_close(*r);
  return to != NULL;
}

/* ---- d(f, x, …) ---- */

/* x is a leaf, a definition, or what a parameter stands for. */
static bool variable(const call *c, uint32_t k, dz_var *x) {
  const dz__value *v = &c->x[k];
  bool named = v->literal == DZ__V_PLAIN && !dz_is_number(v->v) &&
               (v->shared || dz_name(v->v) || dz_role_of(v->v) != DZ_ROLE_NONE);
  *x = v->v;
  if (named && dz_is_active(*x)) return true;
  if (named)
    dz__poison(c->m->t, DZ_ERR_ARGUMENT, c->op, "d(f, x): %s%s%s is constant: no gradient flows to it",
               dz_name(*x) ? "'" : "", dz_name(*x) ? dz_name(*x) : "x", dz_name(*x) ? "'" : "");
  else
    dz__poison(c->m->t, DZ_ERR_ARGUMENT, c->op, "d(f, x): x must be a leaf or a definition, %s came",
               v->literal == DZ__V_PLAIN && !dz_is_number(v->v) ? "an expression" : "a number");
  return false;
}

static bool one_derivative(const call *c, dz_var f, dz_var x, dz_var *r) {
  char shape[192];
  dz__array a = dz__array_of(f);
  if (dz_is_number(f)) f = dz_const(c->m->t, dz__number(f));
  if (!dz__good(f)) return false;
  if (a.size != 1)
    return dz__poison(c->m->t, DZ_ERR_SHAPE, c->op, "d(f, x): f must be a scalar, it has shape %s: sum it",
                      dz__array_text(&a, shape)),
           false;
  *r = dz__derivative(f, x);
  return dz__good(*r);
}

/* The derivative runs this machine for its rules, which may move the values. */
static bool derivative(const call *given_call, dz_var *r) {
  call c = *given_call;
  dz__value *f = &c.x[0];
  if (!dz__settle(c.m, f, r)) return false;
  for (uint32_t k = 1; k < c.n; k++) {
    dz_var x;
    c.x = dz__values_from_top(c.m, c.n);
    if (!variable(&c, k, &x) || !one_derivative(&c, *r, x, r)) return false;
  }
  return true;
}

/* ---- what the user defined ---- */

/* By name, since a program may be recorded on another tape than it was parsed for. */
static bool user(const call *c, dz_var *r) {
  const char *name = dz__symbol_at(c->m->p, ((const uint32_t *)c->m->p->users.at)[c->b.user])->name;
  int64_t number = 0;
  const dz__userop *u = dz__user_named(c->m->t, name, strlen(name), &number);
  if (!u || u->arity != (int)c->n)
    return dz__poison(c->m->t, DZ_ERR_NAME, name, "'%s' of %u operands is not defined on this tape", name,
                      c->n),
           false;
  dz_var *v = nodes(c, c->n);
  if (!v) return false;
  *r = dz__record(DZ__F_user, (int)c->n, v, 1, &number);
  return true;
}

bool dz__builtin_call(dz__machine *m, uint32_t code, uint32_t n, dz_var *result) {
  static bool (*const of[])(const call *, dz_var *) = {
      [DZ__FORM_POINTWISE] = pointwise, [DZ__FORM_EXTREME] = extreme,       [DZ__FORM_REDUCE] = reduction,
      [DZ__FORM_RUNNING] = running,     [DZ__FORM_CONCAT] = join,           [DZ__FORM_STACK] = join,
      [DZ__FORM_GATHER] = gather,       [DZ__FORM_SHAPED] = shaped,         [DZ__FORM_PERMUTED] = permuted,
      [DZ__FORM_MATMUL] = matmul,       [DZ__FORM_SOLVE] = solve,           [DZ__FORM_NOISE] = noise,
      [DZ__FORM_RANK] = rank,           [DZ__FORM_EXTENT] = extent,         [DZ__FORM_ROOM] = room,
      [DZ__FORM_POSITIONS] = positions, [DZ__FORM_DERIVATIVE] = derivative, [DZ__FORM_USER] = user};
  call c = {.m = m, .b = dz__builtin_of(code), .x = dz__values_from_top(m, n), .n = n};
  c.op = c.b.fn < DZ__F_END ? dz__ops[c.b.fn].name : dz__form_name(c.b.form);
  while (c.plain < n && !c.x[c.plain].key) c.plain++;
  return of[c.b.form](&c, result) && dz__good(*result);
}

/* ---- indices ---- */

bool dz__index_call(dz__machine *m, uint32_t n, uint32_t bits, uint32_t *used, dz_var *result) {
  dz__range ranges[DZ_MAX_RANK];
  uint32_t values = 0;
  for (uint32_t b = bits; b; b &= b - 1) values++;
  *used = values + 1;
  dz__value *x = dz__values_from_top(m, *used);
  const dz__value *next = x + 1;
  for (uint32_t k = 0; k < n; k++) {
    uint32_t has = bits >> 4 * k & 15;
    dz__range r = {.position = has & DZ__INDEX_POSITION,
                   .has_start = has & DZ__INDEX_START,
                   .has_stop = has & DZ__INDEX_STOP,
                   .step = 1};
    if (has & (DZ__INDEX_POSITION | DZ__INDEX_START) &&
        !dz__whole_number(m, next++, "index", "a place", &r.start))
      return false;
    if (has & DZ__INDEX_STOP && !dz__whole_number(m, next++, "index", "the stop", &r.stop)) return false;
    if (has & DZ__INDEX_STEP && !dz__whole_number(m, next++, "index", "the step", &r.step)) return false;
    ranges[k] = r;
  }
  dz_var v;
  if (!dz__settle(m, x, &v)) return false;
  v = dz__as_node(m->t, v);
  if (!dz__good(v)) return false;
  *result = dz__indexed(v, (int)n, ranges);
  return dz__good(*result);
}
