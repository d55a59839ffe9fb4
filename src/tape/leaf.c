/* Leaves, names, and what a handle says. */
#include "base/utf8.h"
#include "tape/single.h"

#include <math.h>
#include <string.h>

#undef dz_input
#undef dz_param
#undef dz_value

_Static_assert(DZ__INPUT == (int)DZ_ROLE_INPUT && DZ__PARAM == (int)DZ_ROLE_PARAM &&
                   DZ__CONST == (int)DZ_ROLE_CONST && DZ__DATA == (int)DZ_ROLE_DATA &&
                   (int)DZ__MAX_RANK == (int)DZ_MAX_RANK,
               "a leaf's code is its role");

static bool is_leaf_code(unsigned code) { return code < DZ__WIDE; }
static bool role_active(unsigned role) { return role == DZ_ROLE_INPUT || role == DZ_ROLE_PARAM; }

/* ---- making ---- */

dz_var dz_leaf(dz_tape *t, dz_role role, double value) {
  if (!t) return (dz_var){0};
  if ((unsigned)role >= DZ_ROLE_NONE) return dz__poison(t, DZ_ERR_ARGUMENT, "leaf", "no such role");
  if (!dz__room(t, 0)) return (dz_var){.tape = t, .id = DZ__NONE};
  value = dz__rounded(t, value);
  if (role_active(role)) return dz__push(t, role, t->leaves++, 0, value);
  dz_var r = dz__push(t, role, 0, 0, value);
  r.id -= (uint64_t)DZ__INACTIVE << 32;
  return r;
}

dz_var dz_input(dz_tape *t, double value) { return dz_leaf(t, DZ_ROLE_INPUT, value); }
dz_var dz_param(dz_tape *t, double value) { return dz_leaf(t, DZ_ROLE_PARAM, value); }
dz_var dz_const(dz_tape *t, double value) { return dz_leaf(t, DZ_ROLE_CONST, value); }
dz_var dz_data(dz_tape *t, double value) { return dz_leaf(t, DZ_ROLE_DATA, value); }

/* Numbers of either kind, or zeros where both are NULL. */
typedef struct numbers {
  const double *doubles;
  const float *singles;
} numbers;

/* To a tensor's own elements, of the tape's kind. */
static void fill(const dz__tape *s, void *to, size_t n, numbers x) {
  size_t item = s->single ? sizeof(float) : sizeof(double);
  const void *same = s->single ? (const void *)x.singles : x.doubles;
  if (n == 0) return;
  if (same)
    memmove(to, same, n * item);
  else if (x.doubles)
    dz__to_floats(to, x.doubles, n);
  else if (x.singles)
    dz__to_doubles(to, x.singles, n);
  else
    memset(to, 0, n * item);
}

static double first_of(numbers x) { return x.doubles ? *x.doubles : x.singles ? (double)*x.singles : 0; }

static dz_var new_tensor(dz_tape *t, dz_role role, int rank, const size_t *dims, numbers x) {
  if (!t) return (dz_var){0};
  if (rank == 0) return dz_leaf(t, role, first_of(x));
  if ((unsigned)role >= DZ_ROLE_NONE) return dz__poison(t, DZ_ERR_ARGUMENT, "leaf", "no such role");
  if (rank < 0 || rank > DZ_MAX_RANK)
    return dz__poison(t, DZ_ERR_SHAPE, "leaf", "a rank of 0 to %d was expected, %d came", DZ_MAX_RANK, rank);
  if (!dims) return dz__poison(t, DZ_ERR_ARGUMENT, "leaf", "the extents are NULL");
  dz__tape *s = dz__of(t);
  char text[192];
  dz__call call = {.op = "leaf", .out = {.rank = rank}};
  memcpy(call.out.dims, dims, (size_t)rank * sizeof *dims);
  if (!dz__size_of(rank, dims, &call.out.size))
    return dz__poison(t, DZ_ERR_SHAPE, "leaf", "shape %s is too large to address",
                      dz__shape_text(rank, dims, text));
  dz__arena_mark before = dz__arena_where(&s->arena);
  void *to = dz__arena_alloc(&s->arena, call.out.size * (s->single ? sizeof(float) : sizeof(double)));
  if (!to)
    return dz__poison(t, DZ_ERR_MEMORY, "leaf", "out of memory for shape %s",
                      dz__shape_text(rank, dims, text));
  fill(s, to, call.out.size, x);
  call.out.data = to;
  return dz__push_wide(t, role, DZ__F_END, &call, NULL, role_active(role), before);
}

dz_var dz_leaf_tensor(dz_tape *t, dz_role role, int rank, const size_t *dims, const double *values) {
  return new_tensor(t, role, rank, dims, (numbers){.doubles = values});
}

dz_var dz_leaf_tensor_single(dz_tape *t, dz_role role, int rank, const size_t *dims, const float *values) {
  return new_tensor(t, role, rank, dims, (numbers){.singles = values});
}

static dz_status overwrite(dz_var leaf, numbers x, size_t count) {
  if (!dz_valid(leaf) || dz_is_number(leaf)) return DZ_ERR_HANDLE;
  if ((!x.doubles && !x.singles) || !is_leaf_code(dz__node_code(leaf.tape, dz__index(leaf))))
    return DZ_ERR_ARGUMENT;
  dz__tape *s = dz__of(leaf.tape);
  const dz__wide *w = dz__wide_of(leaf.tape, dz__index(leaf));
  if (count != (w ? w->size : 1)) return DZ_ERR_SHAPE;
  if (w)
    fill(s, w->data, count, x);
  else
    leaf.tape->cell[dz__index(leaf)].value = dz__rounded(leaf.tape, first_of(x));
  if (w && s->single) dz__copy_refresh(s, w);
  dz__forget_values(s);
  s->swept.again = false;
  return DZ_OK;
}

dz_status dz_set(dz_var leaf, const double *values, size_t count) {
  return overwrite(leaf, (numbers){.doubles = values}, count);
}

dz_status dz_set_single(dz_var leaf, const float *values, size_t count) {
  return overwrite(leaf, (numbers){.singles = values}, count);
}

/* ---- handles from node numbers ---- */

/* Tensor leaves and wide nodes carry 1 in arg.b; a scalar leaf 0. */
const dz__wide *dz__wide_of(const dz_tape *t, uint32_t i) {
  unsigned code = dz__node_code(t, i);
  bool has = code == DZ__WIDE || (is_leaf_code(code) && dz__operands(t, i).b);
  return has ? &dz__of_const(t)->wide[dz__operands(t, i).a] : NULL;
}

static bool node_active(const dz_tape *t, uint32_t i, const dz__wide *w) {
  unsigned code = dz__node_code(t, i);
  if (w) return w->active;
  if (is_leaf_code(code)) return role_active(code);
  return dz__variant(code) != DZ__II && code != DZ__stop;
}

dz_var dz__handle(const dz_tape *t, uint32_t i) {
  const dz__wide *w = dz__wide_of(t, i);
  uint32_t flags = (w && w->rank ? DZ__TENSOR : 0) | (node_active(t, i, w) ? 0 : DZ__INACTIVE);
  dz_tape *own = (dz_tape *)(uintptr_t)t;
  dz__of(own)->handed = true;
  return (dz_var){own, t->cell[i].value, t->fresh - ((uint64_t)flags << 32) + i};
}

static void put_scalar(double *value, dz__array *to) { *to = (dz__array){.size = 1, .data = value}; }

void dz__put_wide(const dz_tape *t, const dz__wide *w, dz__array *to) {
  const dz__tape *s = dz__of_const(t);
  if (w->rank == 0) {
    put_scalar(&t->cell[w->node].value, to);
    return;
  }
  *to = (dz__array){.rank = w->rank, .size = w->size, .data = s->single ? dz__present_copy(s, w) : w->data};
  const size_t *dims = &s->wide_dims[w->dims0];
  if (w->rank <= 2) /* nearly all: without a call */
    to->dims[0] = dims[0], to->dims[w->rank - 1] = dims[w->rank - 1];
  else
    memcpy(to->dims, dims, w->rank * sizeof *to->dims);
}

void dz__put_operand(const dz_tape *t, dz__ref ref, dz__array *to) {
  if (ref.flags & DZ__TENSOR)
    dz__put_wide(t, dz__wide_of(t, ref.index), to);
  else
    put_scalar(ref.flags & DZ__POOLED ? &t->pool[ref.index] : &t->cell[ref.index].value, to);
}

size_t dz__size_at(const dz_tape *t, dz__ref ref) {
  return ref.flags & DZ__TENSOR ? dz__wide_of(t, ref.index)->size : 1;
}

dz__array dz__array_of(dz_var x) {
  dz__array a;
  if (dz_is_number(x))
    put_scalar(NULL, &a);
  else
    dz__put_operand(x.tape, (dz__ref){dz__index(x), dz__flags(x) & DZ__TENSOR}, &a);
  return a;
}

/* ---- reading ---- */

static bool node(dz_var x) { return !dz_is_number(x) && dz_valid(x); }

double dz_value(dz_var x) {
  if (dz_is_number(x)) return dz__number(x);
  if (!node(x)) return NAN;
  const dz__wide *w = dz__wide_of(x.tape, dz__index(x));
  if (!w || w->rank == 0) return x.tape->cell[dz__index(x)].value;
  if (w->size != 1) return NAN;
  return dz__of(x.tape)->single ? (double)*w->single : *w->data;
}

const double *dz_values(dz_var x) {
  if (!node(x)) return NULL;
  const dz__wide *w = dz__wide_of(x.tape, dz__index(x));
  if (!w || w->rank == 0) return &x.tape->cell[dz__index(x)].value;
  return dz__of(x.tape)->single ? dz__copied_value(dz__of(x.tape), w) : w->data;
}

const float *dz_values_single(dz_var x) {
  const dz__wide *w = node(x) && dz__of(x.tape)->single ? dz__wide_of(x.tape, dz__index(x)) : NULL;
  return w && w->rank ? w->single : NULL;
}

double dz__element_of(dz_var x, size_t e) {
  if (dz_is_number(x)) return dz__number(x);
  const dz__wide *w = dz__wide_of(x.tape, dz__index(x));
  if (!w || w->rank == 0) return x.tape->cell[dz__index(x)].value;
  return dz__of(x.tape)->single ? (double)w->single[e] : w->data[e];
}

void dz__read_values(dz_var x, double *to) {
  const float *singles = dz_values_single(x);
  size_t n = dz_size(x);
  if (singles)
    dz__to_doubles(to, singles, n);
  else if (dz_is_number(x))
    *to = dz__number(x);
  else if (n)
    memcpy(to, dz_values(x), n * sizeof *to);
}

int dz_rank(dz_var x) { return node(x) ? dz__array_of(x).rank : 0; }
size_t dz_size(dz_var x) { return dz_is_number(x) ? 1 : node(x) ? dz__array_of(x).size : 0; }

size_t dz_extent(dz_var x, int k) {
  if (!node(x) || k < 0) return 1;
  dz__array a = dz__array_of(x);
  return k < a.rank ? a.dims[k] : 1;
}

dz_role dz_role_of(dz_var x) {
  if (dz_is_number(x)) return DZ_ROLE_CONST;
  if (!node(x)) return DZ_ROLE_NONE;
  unsigned code = dz__node_code(x.tape, dz__index(x));
  return is_leaf_code(code) ? (dz_role)code : DZ_ROLE_NONE;
}

bool dz_is_active(dz_var x) { return node(x) && !(dz__flags(x) & DZ__INACTIVE); }

/* ---- names ---- */

static bool is_utf8(const char *s, size_t n) {
  uint32_t cp;
  size_t bytes;
  for (; n > 0; s += bytes, n -= bytes)
    if (!(bytes = dz__utf8_decode(s, n, &cp))) return false;
  return true;
}

dz_status dz_set_name(dz_var x, const char *name) {
  if (!node(x)) return DZ_ERR_HANDLE;
  size_t size = name ? strlen(name) : 0;
  if (size == 0 || size > 255 || !is_utf8(name, size)) return DZ_ERR_ARGUMENT;
  dz__names *names = &dz__of(x.tape)->names;
  if (dz__names_find(names, name, size)) return DZ_ERR_NAME;
  return dz__names_add(names, name, size, dz__index(x)) ? DZ_OK : DZ_ERR_MEMORY;
}

const char *dz_name(dz_var x) {
  const dz__name *n = node(x) ? dz__names_of(&dz__of(x.tape)->names, dz__index(x)) : NULL;
  return n ? n->text : NULL;
}

dz_var dz_named(dz_tape *t, const char *name) {
  const dz__name *n = t && name ? dz__names_find(&dz__of(t)->names, name, strlen(name)) : NULL;
  return n ? dz__handle(t, n->value) : (dz_var){.tape = t, .id = DZ__NONE};
}
