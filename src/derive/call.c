/* Operations on terms that are neither sums nor products: folded where that is exact, and by the rules. */
#include "derive/term.h"

#include "kernels/pointwise.h"

#include <math.h>
#include <string.h>

/* An operation is not smooth when one of its partials switches or rounds. */
bool dz__is_smooth_fn(dz__fn fn) {
  if (fn >= DZ__F_POINTWISE_END) return fn != DZ__F_max && fn != DZ__F_min && fn != DZ__F_user;
  for (int k = 0; k < dz__ops[fn].arity; k++)
    if (strstr(dz__ops[fn].partial[k], "MASK(") || strstr(dz__ops[fn].partial[k], "round(")) return false;
  return true;
}

/* What the table says of an operation. */
static int flags_of(dz__fn fn) {
  static const uint8_t flags[DZ__F_ALL] = {
#define POSITIVE(name) [DZ__F_##name] = DZ__IS_POSITIVE,
#define FLAT(name) [DZ__F_##name] = DZ__IS_FLAT,
#define RULE(left, right, guard)
#include "derive/simplify.def"
  };
  bool truth = fn >= DZ__F_lt && fn <= DZ__F_not;
  return flags[fn] | (truth ? DZ__IS_TRUTH | DZ__IS_POSITIVE | DZ__IS_FLAT : 0);
}

static bool is_call(const dz__terms *s, uint32_t i, dz__fn fn) {
  return dz__term_at(s, i)->kind == DZ__K_CALL && dz__term_at(s, i)->fn == fn;
}

static uint32_t operand(const dz__terms *s, uint32_t i) { return dz__parts_of(s, i)->term; }

/* ---- numbers ---- */

static bool is_bit(double v) { return v == 0 || v == 1; }

/* Exact: what switches or rounds; and log 1 = 0, cos 0 = 1 and the like. */
static bool fold(const dz__terms *s, dz__fn fn, uint32_t n, const uint32_t *args, double *value) {
  double v[3] = {0, 0, 0};
  bool bits = true;
  for (uint32_t k = 0; k < n; k++) {
    const dz__term *x = dz__term_at(s, args[k]);
    if (x->kind != DZ__K_NUMBER) return false;
    v[k] = x->number;
    bits = bits && is_bit(v[k]);
  }
  *value = dz__pointwise[fn].value(v[0], v[1], v[2]);
  return !dz__is_smooth_fn(fn) || (bits && is_bit(*value));
}

/* ---- calls as they stand ---- */

static uint32_t store(dz__terms *s, dz__fn fn, uint32_t n, const uint32_t *args, size_t nattr,
                      const int64_t *attr, uint32_t shape) {
  dz__term like = {.kind = DZ__K_CALL, .fn = (uint16_t)fn, .attrs = (uint32_t)nattr, .shape = shape};
  int flags = dz__is_smooth_fn(fn) ? DZ__IS_SMOOTH : 0;
  dz__part *p = dz__vec_add(&s->alloc, &s->work, n, sizeof *p);
  if (!p) return s->failed = true, DZ__NO_TERM;
  for (uint32_t k = 0; k < n; k++) {
    p[k] = (dz__part){args[k], 0, dz__whole(0)};
    const dz__term *x = dz__term_at(s, args[k]);
    if (!(x->flags & DZ__IS_SMOOTH)) flags &= ~DZ__IS_SMOOTH;
    if (fn != DZ__F_stop) flags |= x->flags & DZ__IS_ACTIVE;
  }
  for (uint32_t k = 0; k < n && fn < DZ__F_POINTWISE_END; k++)
    like.shape = dz__shape_join(s, like.shape, dz__term_at(s, args[k])->shape);
  if (fn == DZ__F_where)
    flags |=
        dz__term_at(s, args[1])->flags & dz__term_at(s, args[2])->flags & (DZ__IS_FLAT | DZ__IS_POSITIVE);
  like.flags = (uint8_t)(flags | flags_of(fn));
  return dz__term_store(s, like, n, attr);
}

/* ---- choices ---- */

static bool is_non_finite(const dz__terms *s, uint32_t i) {
  return dz__term_at(s, i)->kind == DZ__K_NUMBER && !isfinite(dz__term_at(s, i)->number);
}

/* Whether b is 0 where u is. */
static bool vanishes_with(const dz__terms *s, uint32_t u, uint32_t b) {
  dz__split(s, b, &b);
  const dz__term *x = dz__term_at(s, b);
  for (uint32_t k = 0; x->kind == DZ__K_PRODUCT && k < x->parts; k++) {
    const dz__term *e = dz__term_at(s, dz__parts_of(s, b)[k].power);
    if (dz__parts_of(s, b)[k].term == u && e->kind == DZ__K_NUMBER && e->number > 0) return true;
  }
  return b == u;
}

/* u == 0 ? 0 : u b, u != 0 ? u b : 0: what the choice is there for is no generic point. */
static uint32_t unmask(const dz__terms *s, const uint32_t *args) {
  bool equal = is_call(s, args[0], DZ__F_eq), unequal = is_call(s, args[0], DZ__F_ne);
  if (!equal && !unequal) return DZ__NO_TERM;
  uint32_t u = dz__parts_of(s, args[0])[0].term, other = args[equal ? 2 : 1];
  bool mask = dz__parts_of(s, args[0])[1].term == s->zero && args[equal ? 1 : 2] == s->zero;
  return mask && vanishes_with(s, u, other) ? other : DZ__NO_TERM;
}

/* A branch that is an infinity or NaN belongs to a boundary. */
static uint32_t choose(dz__terms *s, const uint32_t *args) {
  const dz__term *c = dz__term_at(s, args[0]);
  if (c->kind == DZ__K_NUMBER) return c->number != 0 ? args[1] : args[2];
  if (args[1] == args[2] || is_non_finite(s, args[2])) return args[1];
  if (is_non_finite(s, args[1])) return args[2];
  uint32_t r = unmask(s, args);
  if (r != DZ__NO_TERM) return r;
  int smooth = dz__term_at(s, args[1])->flags & dz__term_at(s, args[2])->flags & DZ__IS_SMOOTH;
  bool same = smooth && dz__agree(s, args[1], args[2]);
  s->guesses += same;
  return same ? args[1] : DZ__NO_TERM;
}

/* What spreads over the other operands by itself: a broadcast, or unit axes around a scalar. */
static bool spreads(const dz__terms *s, uint32_t i) {
  if (is_call(s, i, DZ__F_broadcast_to)) return true;
  return is_call(s, i, DZ__F_reshape) && dz__term_at(s, operand(s, i))->shape == 0;
}

static uint32_t pointwise(dz__terms *s, dz__fn fn, uint32_t n, const uint32_t *given) {
  uint32_t args[3], r = DZ__NO_TERM;
  double v;
  for (uint32_t k = 0; k < n; k++) {
    args[k] = given[k];
    while (spreads(s, args[k])) args[k] = operand(s, args[k]);
  }
  switch ((int)fn) {
  case DZ__F_neg:
    return dz__scaled(s, dz__whole(-1), args[0]);
  case DZ__F_add:
    return dz__sum2(s, args[0], 1, args[1]);
  case DZ__F_sub:
    return dz__sum2(s, args[0], -1, args[1]);
  case DZ__F_mul:
    return dz__product2(s, args[0], args[1]);
  case DZ__F_div:
    return dz__product2(s, args[0], dz__power(s, args[1], dz__term_number(s, -1)));
  case DZ__F_pow:
    return dz__power(s, args[0], args[1]);
  }
  if (fold(s, fn, n, args, &v)) return dz__term_number(s, v);
  if (fn == DZ__F_where) r = choose(s, args);
  if (r == DZ__NO_TERM) r = dz__rewrite_call(s, fn, n, args);
  return r != DZ__NO_TERM ? r : store(s, fn, n, args, 0, NULL, 0);
}

/* ---- tensor operations ---- */

static size_t size_of(const dz__terms *s, uint32_t shape) {
  const dz__shape *x = (const dz__shape *)s->shapes.at + shape;
  size_t n = 1;
  for (int k = 0; k < x->rank; k++) n *= x->dims[k];
  return n;
}

static bool moves(dz__fn fn) {
  return fn == DZ__F_reshape || fn == DZ__F_broadcast_to || fn == DZ__F_permute || fn == DZ__F_index;
}

static bool is_linear(dz__fn fn) {
  return moves(fn) || fn == DZ__F_sum || fn == DZ__F_cumsum || fn == DZ__F_place || fn == DZ__F_matmul;
}

/* All elements equal one number. */
static bool is_filled(const dz__terms *s, uint32_t i, uint32_t *number) {
  *number = is_call(s, i, DZ__F_broadcast_to) ? operand(s, i) : i;
  return dz__term_at(s, *number)->kind == DZ__K_NUMBER;
}

static bool undoes(const dz__terms *s, uint32_t inner, size_t nattr, const int64_t *attr) {
  if (!is_call(s, inner, DZ__F_permute)) return false;
  const int64_t *own = (const int64_t *)s->attrs.at + dz__term_at(s, inner)->attr0;
  for (size_t k = 0; k < nattr; k++)
    if (own[attr[k]] != (int64_t)k) return false;
  return true;
}

/* A coefficient of an operand of a linear operation comes out. They have two operands at most. */
static uint32_t pull_out(dz__terms *s, dz__fn fn, uint32_t n, const uint32_t *args, size_t nattr,
                         const int64_t *attr, uint32_t shape) {
  uint32_t inner[2];
  dz__ratio k = dz__whole(1), own;
  for (uint32_t i = 0; i < n; i++) {
    own = dz__split(s, args[i], &inner[i]);
    if (inner[i] == s->one || !dz__ratio_mul(k, own, &k)) return DZ__NO_TERM;
  }
  if (dz__ratio_is(k, 1)) return DZ__NO_TERM;
  return dz__scaled(s, k, dz__term_apply(s, fn, n, inner, nattr, attr, shape));
}

static const dz__shape *shape_of(const dz__terms *s, uint32_t i) {
  return (const dz__shape *)s->shapes.at + dz__term_at(s, i)->shape;
}

/* The vector that was made a column or a row, or the matrix itself. */
static uint32_t as_vector(const dz__terms *s, uint32_t i, int unit) {
  if (!is_call(s, i, DZ__F_reshape) || shape_of(s, i)->rank != 2 || shape_of(s, i)->dims[unit] != 1) return i;
  uint32_t v = operand(s, i);
  return shape_of(s, v)->rank == 1 ? v : i;
}

/* reshape(A @ reshape(v, [n, 1]), [m]) is A @ v. */
static uint32_t plain_vector(dz__terms *s, uint32_t product, uint32_t shape) {
  uint32_t args[] = {dz__parts_of(s, product)[0].term, dz__parts_of(s, product)[1].term};
  uint32_t x = as_vector(s, args[0], 0), y = as_vector(s, args[1], 1);
  if (((const dz__shape *)s->shapes.at + shape)->rank != 1 || (x != args[0]) == (y != args[1]))
    return DZ__NO_TERM;
  return dz__term_apply(s, DZ__F_matmul, 2, (uint32_t[]){x, y}, 0, NULL, shape);
}

static uint32_t tensor(dz__terms *s, dz__fn fn, uint32_t n, const uint32_t *args, size_t nattr,
                       const int64_t *attr, uint32_t shape) {
  uint32_t number, r = DZ__NO_TERM;
  if (moves(fn) && dz__term_at(s, args[0])->shape == shape && fn != DZ__F_permute && fn != DZ__F_index)
    return args[0];
  if (moves(fn) && fn != DZ__F_broadcast_to && is_filled(s, args[0], &number)) return number;
  if (fn == DZ__F_permute && (nattr < 2 || undoes(s, args[0], nattr, attr)))
    return nattr < 2 ? args[0] : operand(s, args[0]);
  if ((fn == DZ__F_reshape || fn == DZ__F_broadcast_to) && is_call(s, args[0], fn)) {
    uint32_t inner = operand(s, args[0]);
    return dz__term_apply(s, fn, 1, &inner, nattr, attr, shape);
  }
  size_t from = size_of(s, dz__term_at(s, args[0])->shape), to = size_of(s, shape);
  if (fn == DZ__F_sum && to && is_filled(s, args[0], &number))
    return dz__scaled(s, dz__whole((double)(from / to)), number);
  if (fn == DZ__F_count && to) return dz__term_number(s, (double)(from / to) - (double)attr[nattr - 1]);
  if (fn == DZ__F_reshape && is_call(s, args[0], DZ__F_matmul)) r = plain_vector(s, args[0], shape);
  if (r == DZ__NO_TERM && is_linear(fn)) r = pull_out(s, fn, n, args, nattr, attr, shape);
  if (r == DZ__NO_TERM && n == 1) r = dz__outside(s, fn, args[0], nattr, attr, shape);
  return r != DZ__NO_TERM ? r : store(s, fn, n, args, nattr, attr, shape);
}

uint32_t dz__term_apply(dz__terms *s, dz__fn fn, uint32_t n, const uint32_t *args, size_t nattr,
                        const int64_t *attr, uint32_t shape) {
  if (s->failed) return DZ__NO_TERM;
  return fn < DZ__F_POINTWISE_END ? pointwise(s, fn, n, args) : tensor(s, fn, n, args, nattr, attr, shape);
}
