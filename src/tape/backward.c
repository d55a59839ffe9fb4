/* dz_backward and its kin: adjoint storage, seeds, accumulation, reading. */
#include "tape/sweep.h"

#include <math.h>
#include <string.h>

#undef dz_backward_with
#undef dz_backward_add

/* Wide records up to and including node `top`. */
static size_t wides_to(const dz__tape *s, uint32_t top) {
  size_t low = 0, high = s->wides;
  while (low < high) {
    size_t mid = (low + high) / 2;
    if (s->wide[mid].node <= top)
      low = mid + 1;
    else
      high = mid;
  }
  return low;
}

/* ---- storage ---- */

/* Makes the set hold the tensors up to node top. */
static bool lay_tensors(dz__tape *s, dz__adjoints *a, uint32_t top) {
  size_t wides = wides_to(s, top);
  if (!dz__grow(&s->alloc, (void **)&a->tensor, &a->wide_cap, wides, sizeof *a->tensor) ||
      !dz__grow(&s->alloc, (void **)&a->before, &a->before_cap, wides, sizeof *a->before))
    return false;
  for (; a->wide < wides; a->wide++) {
    const dz__wide *w = &s->wide[a->wide];
    dz__arena_mark before = dz__arena_where(&a->arena);
    double *p = w->rank && w->active ? dz__arena_alloc(&a->arena, w->size * sizeof *p) : NULL;
    if (w->rank && w->active && !p) return false;
    a->before[a->wide] = before;
    a->tensor[a->wide] = p;
  }
  return true;
}

static bool lay_scalars(dz__tape *s, dz__adjoints *a, uint32_t top) {
  return dz__grow(&s->alloc, (void **)&a->scalar, &a->cap, (size_t)top + 1, sizeof *a->scalar);
}

static void clear_tensors(const dz__tape *s, dz__adjoints *a, uint32_t top) {
  for (size_t k = wides_to(s, top); k-- > 0;)
    if (a->tensor[k]) memset(a->tensor[k], 0, s->wide[k].size * sizeof(double));
}

static void clear_scalars(dz__adjoints *a, uint32_t top) {
  memset(a->scalar, 0, ((size_t)top + 1) * sizeof *a->scalar);
}

bool dz__adjoints_lay(dz__tape *s, dz__adjoints *a, uint32_t top) {
  return lay_tensors(s, a, top) && lay_scalars(s, a, top);
}

void dz__adjoints_clear(const dz__tape *s, dz__adjoints *a, uint32_t top) {
  clear_tensors(s, a, top);
  clear_scalars(a, top);
}

static void clear_leaves(dz__tape *s) {
  if (s->swept.leaves) memset(s->leaf, 0, s->swept.leaves * sizeof *s->leaf);
}

/* kept.scalar is all 0 from `dirty` on, so that a sweep which leaves zeros behind clears nothing. */
static bool lay_kept(dz__tape *s, uint32_t top) {
  size_t old = s->kept.cap;
  if (!lay_scalars(s, &s->kept, top)) return false;
  memset(s->kept.scalar + old, 0, (s->kept.cap - old) * sizeof *s->kept.scalar);
  return true;
}

static void clean(dz__tape *s) {
  if (s->dirty) memset(s->kept.scalar, 0, s->dirty * sizeof *s->kept.scalar);
  s->dirty = 0;
}

/* Scratch for any reverse kernel up to `top`, and the operand lists. */
static bool workspace(dz__tape *s, uint32_t top) {
  size_t most = 0, nargs = 1;
  for (size_t k = wides_to(s, top); k-- > 0;) {
    const dz__wide *w = &s->wide[k];
    if (w->nargs > nargs) nargs = w->nargs;
    if (w->fn == DZ__F_END || w->fn < DZ__F_POINTWISE_END ||
        !dz__tensor_ops[w->fn - DZ__F_POINTWISE_END].scratch)
      continue;
    size_t need = w->size;
    for (uint32_t j = 0; j < w->nargs; j++) need += dz__array_at(&s->hot, s->wide_args[w->arg0 + j]).size;
    if (need > most) most = need;
  }
  return dz__grow(&s->alloc, (void **)&s->spare, &s->spare_cap, most, sizeof *s->spare) &&
         dz__grow(&s->alloc, (void **)&s->call_args, &s->call_args_cap, nargs, sizeof *s->call_args) &&
         dz__grow(&s->alloc, (void **)&s->call_ga, &s->call_ga_cap, nargs, sizeof *s->call_ga) &&
         dz__grow(&s->alloc, (void **)&s->call_reached, &s->call_reached_cap, nargs, sizeof *s->call_reached);
}

/* ---- sweeping ---- */

/* The seed as numbers: `values` NULL means `number` everywhere. */
typedef struct seeding {
  uint32_t top;
  bool tensor;
  const double *values;
  size_t size;
  double number;
} seeding;

static void plant(const dz__tape *s, const dz__adjoints *a, double *scalar, seeding y) {
  double *g = y.tensor ? a->tensor[dz__operands(&s->hot, y.top).a] : scalar;
  if (!g) return;
  for (size_t i = 0; i < y.size; i++) g[i] = y.values ? y.values[i] : y.number;
}

/* Leaves' adjoints from kept.scalar, after a sweep that held all scalars there. */
static void gather_leaves(dz__tape *s, uint32_t top) {
  const dz_tape *t = &s->hot;
  for (uint32_t i = 0; i <= top; i++)
    if ((t->code[i] == DZ__INPUT || t->code[i] == DZ__PARAM) && !dz__operands(t, i).b)
      s->leaf[dz__operands(t, i).a] = s->kept.scalar[i];
}

/* After a quick sweep, which laid s->kept. */
static bool careful(dz__tape *s, seeding y) {
  if (!dz__adjoints_lay(s, &s->reached, y.top)) return false;
  clear_tensors(s, &s->kept, y.top);
  clean(s);
  s->dirty = (size_t)y.top + 1;
  dz__adjoints_clear(s, &s->reached, y.top);
  plant(s, &s->kept, &s->kept.scalar[y.top], y);
  plant(s, &s->reached, &s->reached.scalar[y.top], (seeding){y.top, y.tensor, NULL, y.size, 1});
  dz__sweep_careful(&s->hot, &s->kept, &s->reached, y.top);
  gather_leaves(s, y.top);
  s->swept.careful = true;
  return true;
}

/* All scalars in kept.scalar. The leaves' adjoints come out as they were if they were from this very sweep.
 */
static bool sweep_whole(dz__tape *s, seeding y) {
  if (!lay_kept(s, y.top)) return false;
  clear_tensors(s, &s->kept, y.top);
  clean(s);
  s->dirty = (size_t)y.top + 1;
  plant(s, &s->kept, &s->kept.scalar[y.top], y);
  clear_leaves(s);
  dz__slots slots = {s->kept.scalar, s->leaf, true};
  s->swept.whole = dz__sweep_quick(&s->hot, &s->kept, &slots, y.top) || careful(s, y);
  return s->swept.whole;
}

static bool sweep_leaves(dz__tape *s, seeding y) {
  if (!lay_kept(s, y.top)) return false;
  clear_tensors(s, &s->kept, y.top);
  clean(s);
  plant(s, &s->kept, &s->kept.scalar[y.top], y);
  dz__slots slots = {s->kept.scalar, s->leaf, false};
  if (dz__sweep_quick(&s->hot, &s->kept, &slots, y.top)) return true;
  clear_leaves(s);
  s->swept.whole = careful(s, y);
  return s->swept.whole;
}

/* Overwrites all adjoints up to y.top. A tensor's seed may be gone when an interior scalar is asked for, so
 * all are kept at once. */
static bool sweep(dz__tape *s, seeding y) {
  s->swept = (dz__swept){.seed = y.values ? *y.values : y.number};
  if (!lay_tensors(s, &s->kept, y.top) || !workspace(s, y.top) ||
      !dz__grow(&s->alloc, (void **)&s->leaf, &s->leaf_cap, s->hot.leaves, sizeof *s->leaf))
    return false;
  s->swept.leaves = s->hot.leaves;
  clear_leaves(s);
  if (!(y.tensor ? sweep_whole(s, y) : sweep_leaves(s, y))) return false;
  s->swept.nodes = y.top + 1;
  s->swept.again = !y.tensor;
  return true;
}

bool dz__whole_adjoints(dz_tape *t) {
  dz__tape *s = dz__of(t);
  if (s->swept.whole) return true;
  if (!s->swept.again) return false;
  uint32_t top = s->swept.nodes - 1;
  return sweep_whole(s, (seeding){top, false, NULL, 1, s->swept.seed});
}

static dz_status fail(dz_tape *t, dz_status status, const char *message) {
  dz__poison(t, status, "backward", "%s", message);
  return status;
}

static bool same_shape(const dz__array *a, const dz__array *b) {
  return a->rank == b->rank && memcmp(a->dims, b->dims, (size_t)a->rank * sizeof *a->dims) == 0;
}

static dz_status prepare(dz_var y, dz_var seed, seeding *out) {
  dz_tape *t = y.tape;
  if (dz_is_number(y) || !t) return DZ_ERR_HANDLE;
  dz__tape *s = dz__of(t);
  if (s->error.status) return s->error.status;
  if (!dz__check_handle(t, y, "backward") || !dz__check_handle(t, seed, "backward")) return DZ_ERR_HANDLE;
  dz__array of_y = dz__array_of(y);
  *out = (seeding){.top = dz__index(y), .tensor = of_y.rank > 0, .size = of_y.size};
  if (dz_is_number(seed)) {
    out->number = dz__number(seed);
    if (of_y.size == 1) return DZ_OK;
    return fail(t, DZ_ERR_SHAPE,
                "the output is a tensor of several elements: give a seed of its shape, or sum it");
  }
  dz__array of_seed = dz__array_of(seed);
  if (!same_shape(&of_y, &of_seed)) {
    char want[192], came[192], message[448] = "";
    const char *parts[] = {"the seed's shape ", dz__shape_text(of_seed.rank, of_seed.dims, came),
                           " is not the output's ", dz__shape_text(of_y.rank, of_y.dims, want)};
    for (size_t i = 0; i < 4; i++) strncat(message, parts[i], sizeof message - strlen(message) - 1);
    return fail(t, DZ_ERR_SHAPE, message);
  }
  out->values = of_seed.data;
  return DZ_OK;
}

dz_status dz_backward_with(dz_var y, dz_var seed) {
  seeding from;
  dz_status status = prepare(y, seed, &from);
  if (status) return status;
  if (!sweep(dz__of(y.tape), from)) return fail(y.tape, DZ_ERR_MEMORY, "out of memory for adjoints");
  return DZ_OK;
}

dz_status dz_backward(dz_var y) { return dz_backward_with(y, dz_num(1)); }

/* ---- accumulation ---- */

/* A leaf tensor's adjoint from before, in s->held. */
typedef struct held {
  struct held *next;
  size_t wide;
  double values[];
} held;

static bool is_leaf_tensor(const dz__tape *s, size_t k) {
  return s->wide[k].fn == DZ__F_END && s->wide[k].active && s->wide[k].node < s->swept.nodes;
}

/* Copies the leaves' adjoints aside; *first lists the tensors. */
static bool hold(dz__tape *s, double **scalars, held **first) {
  *first = NULL;
  *scalars = dz__arena_alloc(&s->held, s->swept.leaves * sizeof **scalars);
  if (!*scalars) return false;
  if (s->swept.leaves) memcpy(*scalars, s->leaf, s->swept.leaves * sizeof **scalars);
  for (size_t k = 0; k < s->kept.wide; k++) {
    if (!is_leaf_tensor(s, k)) continue;
    held *h = dz__arena_alloc(&s->held, sizeof *h + s->wide[k].size * sizeof *h->values);
    if (!h) return false;
    h->next = *first;
    h->wide = k;
    memcpy(h->values, s->kept.tensor[k], s->wide[k].size * sizeof *h->values);
    *first = h;
  }
  return true;
}

dz_status dz_backward_add(dz_var y, dz_var seed) {
  seeding from;
  dz_status status = prepare(y, seed, &from);
  if (status) return status;
  dz__tape *s = dz__of(y.tape);
  dz__arena_mark mark = dz__arena_where(&s->held);
  double *scalars;
  held *first;
  uint32_t leaves = s->swept.leaves, nodes = s->swept.nodes;
  dz__swept before = s->swept;
  if (!hold(s, &scalars, &first))
    status = DZ_ERR_MEMORY;
  else if (!sweep(s, from))
    status = DZ_ERR_MEMORY;
  /* Also after a failed sweep: what was held is put back. The sweep leaves tensors behind y as they were. */
  for (uint32_t k = 0; scalars && k < leaves; k++) s->leaf[k] = (status ? 0 : s->leaf[k]) + scalars[k];
  for (held *h = first; h; h = h->next) {
    bool covered = !status && s->wide[h->wide].node <= from.top;
    for (size_t j = 0; j < s->wide[h->wide].size; j++)
      s->kept.tensor[h->wide][j] = (covered ? s->kept.tensor[h->wide][j] : 0) + h->values[j];
  }
  dz__arena_rewind(&s->held, mark);
  if (status) s->swept = before;
  s->swept.whole = s->swept.again = false;
  s->swept.added = true;
  if (status) return fail(y.tape, status, "out of memory for adjoints");
  if (s->swept.nodes < nodes) s->swept.nodes = nodes;
  return DZ_OK;
}

/* ---- reading ---- */

static bool is_leaf(const dz_tape *t, uint32_t i) { return t->code[i] < DZ__WIDE; }

dz_adjoint_state dz_adjoint_state_of(dz_var x) {
  if (dz_is_number(x)) return DZ_ADJOINT_INACTIVE;
  if (!dz_valid(x)) return DZ_ADJOINT_NOT_COMPUTED;
  if (!dz_is_active(x)) return DZ_ADJOINT_INACTIVE;
  const dz__tape *s = dz__of(x.tape);
  if (dz__index(x) >= s->swept.nodes) return DZ_ADJOINT_NOT_COMPUTED;
  if (is_leaf(x.tape, dz__index(x))) return DZ_ADJOINT_READY;
  if (s->swept.added) return DZ_ADJOINT_NOT_COMPUTED;
  return dz__flags(x) & DZ__TENSOR || dz__whole_adjoints(x.tape) ? DZ_ADJOINT_READY : DZ_ADJOINT_NOT_COMPUTED;
}

const double *dz_adjoints(dz_var x) {
  if (dz_adjoint_state_of(x) != DZ_ADJOINT_READY) return NULL;
  const dz__tape *s = dz__of(x.tape);
  uint32_t i = dz__index(x);
  if (dz__flags(x) & DZ__TENSOR) return s->kept.tensor[dz__operands(x.tape, i).a];
  return is_leaf(x.tape, i) ? &s->leaf[dz__operands(x.tape, i).a] : &s->kept.scalar[i];
}

/* A live active scalar leaf, which is what a loop reads. */
static bool is_plain_leaf(dz_var x) {
  double value;
  return (uintptr_t)x.tape > 1 && dz__plain(x.tape, x, &value) && x.tape->code[dz__index(x)] <= DZ__PARAM;
}

double dz_adjoint(dz_var x) {
  if (is_plain_leaf(x) && dz__index(x) < dz__of(x.tape)->swept.nodes)
    return dz__of(x.tape)->leaf[dz__operands(x.tape, dz__index(x)).a];
  if (dz_adjoint_state_of(x) == DZ_ADJOINT_INACTIVE) return 0;
  const double *g = dz_adjoints(x);
  return g && dz_size(x) == 1 ? *g : NAN;
}
