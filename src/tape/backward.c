/* dz_backward and its kin: seeds, the choice of sweep, accumulation. */
#include "tape/single.h"
#include "tape/sweep.h"

#include <string.h>

#undef dz_backward_with
#undef dz_backward_add

/* ---- storage ---- */

static void clear_leaves(dz__tape *s) {
  if (s->swept.leaves) memset(s->leaf, 0, s->swept.leaves * sizeof *s->leaf);
}

/* kept.scalar is all 0 from `dirty` on, so that a sweep which leaves zeros behind clears nothing. */
static bool lay_kept(dz__tape *s, uint32_t top) {
  size_t old = s->kept.cap;
  if (!dz__lay_scalars(s, &s->kept, top)) return false;
  memset(s->kept.scalar + old, 0, (s->kept.cap - old) * sizeof *s->kept.scalar);
  return true;
}

static void clean(dz__tape *s) {
  if (s->dirty) memset(s->kept.scalar, 0, s->dirty * sizeof *s->kept.scalar);
  s->dirty = 0;
}

/* Numbers of scratch that the reverse kernel of w takes. */
static size_t scratch_of(const dz__tape *s, const dz__wide *w) {
  if (w->fn == DZ__F_END || w->fn < DZ__F_POINTWISE_END ||
      !dz__tensor_ops[w->fn - DZ__F_POINTWISE_END].scratch)
    return 0;
  size_t need = w->size;
  for (uint32_t j = 0; j < w->nargs; j++) need += dz__size_at(&s->hot, s->wide_args[w->arg0 + j]);
  return need;
}

/* Scratch for any reverse kernel up to `top`, and the operand lists. */
static bool workspace(dz__tape *s, uint32_t top) {
  size_t most = 0, nargs = 1;
  for (size_t k = dz__wides_to(s, top); k-- > 0;) {
    const dz__wide *w = &s->wide[k];
    if (w->nargs > nargs) nargs = w->nargs;
    size_t need = scratch_of(s, w) + (s->single ? dz__single_spare(s, w) : 0);
    if (need > most) most = need;
  }
  return dz__grow(&s->alloc, (void **)&s->spare, &s->spare_cap, most, sizeof *s->spare) &&
         dz__grow(&s->alloc, (void **)&s->call_args, &s->call_args_cap, nargs, sizeof *s->call_args) &&
         dz__grow(&s->alloc, (void **)&s->call_ga, &s->call_ga_cap, nargs, sizeof *s->call_ga) &&
         dz__grow(&s->alloc, (void **)&s->call_reached, &s->call_reached_cap, nargs, sizeof *s->call_reached);
}

/* For tensors and operations with a record of their own. */
static bool lay_wide(dz__tape *s, uint32_t top) {
  return dz__lay_tensors(s, &s->kept, top) && (!s->single || dz__lay_tensors(s, &s->single->adjoint, top)) &&
         workspace(s, top);
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
  size_t k = dz__operands(&s->hot, y.top).a;
  if (y.tensor && s->single && a == &s->single->adjoint) {
    float *g = dz__float_adjoint(s, k);
    for (size_t i = 0; g && i < y.size; i++) g[i] = (float)(y.values ? y.values[i] : y.number);
    return;
  }
  double *g = y.tensor ? a->tensor[k] : scalar;
  if (!g) return;
  for (size_t i = 0; i < y.size; i++) g[i] = y.values ? y.values[i] : y.number;
}

/* Zeros, but for the seed; no tensor is reached but the output. */
static void begin(dz__tape *s, dz__adjoints *own, seeding y) {
  for (size_t k = dz__wides_to(s, y.top); k-- > 0;) s->wide[k].reached = y.tensor && s->wide[k].node == y.top;
  dz__clear_tensors(s, own, y.top);
  clean(s);
  plant(s, own, &s->kept.scalar[y.top], y);
}

/* Leaves' adjoints from kept.scalar, after a sweep that held all scalars there. */
static void gather_leaves(dz__tape *s, uint32_t top) {
  const dz_tape *t = &s->hot;
  for (uint32_t i = 0; i <= top; i++)
    if ((dz__node_code(t, i) == DZ__INPUT || dz__node_code(t, i) == DZ__PARAM) && !dz__operands(t, i).b)
      s->leaf[dz__operands(t, i).a] = s->kept.scalar[i];
}

/* On a tape of floats: the adjoints are floats from now on. A careful sweep leaves those of tensors in their
   copies. */
static void round_scalars(dz__tape *s, double *x, size_t n) {
  for (size_t i = 0; i < n && s->single; i++) x[i] = (double)(float)x[i];
}

/* Where the quick sweep has the adjoints of tensors. */
static dz__adjoints *own_adjoints(dz__tape *s) { return s->single ? &s->single->adjoint : &s->kept; }

/* The careful sweep computes with doubles, whatever the tape's numbers are. */
static bool room_for_doubles(dz__tape *s, uint32_t top) {
  return !s->single || (dz__doubles_ready(s, top, false) && dz__adjoint_copies_lay(s, top));
}

/* After a quick sweep, which laid s->kept. Where memory is out there is no copy of an adjoint: what it found
   still holds. */
static bool careful(dz__tape *s, seeding y) {
  if (!dz__adjoints_lay(s, &s->reached, y.top) || !room_for_doubles(s, y.top)) return false;
  dz__clear_tensors(s, &s->kept, y.top);
  clean(s);
  s->dirty = (size_t)y.top + 1;
  dz__adjoints_clear(s, &s->reached, y.top);
  plant(s, &s->kept, &s->kept.scalar[y.top], y);
  plant(s, &s->reached, &s->reached.scalar[y.top], (seeding){y.top, y.tensor, NULL, y.size, 1});
  dz__sweep_careful(&s->hot, &s->kept, &s->reached, y.top);
  if (s->single) dz__adjoint_copies_adopt(s, y.top);
  gather_leaves(s, y.top);
  s->swept.careful = true;
  return true;
}

/* All scalars in kept.scalar. The leaves' adjoints come out as they were if they were from this very sweep.
 */
static bool sweep_whole(dz__tape *s, seeding y) {
  if (!lay_kept(s, y.top)) return false;
  dz__adjoints *own = own_adjoints(s);
  if (s->single) dz__adjoint_copies_drop(s, 0);
  begin(s, own, y);
  s->dirty = (size_t)y.top + 1;
  clear_leaves(s);
  dz__slots slots = {s->kept.scalar, s->leaf, true};
  s->swept.whole = dz__sweep_quick(&s->hot, &s->kept, &slots, y.top) || careful(s, y);
  round_scalars(s, s->kept.scalar, (size_t)y.top + 1);
  round_scalars(s, s->leaf, s->swept.leaves);
  return s->swept.whole;
}

static bool sweep_leaves(dz__tape *s, seeding y) {
  if (!lay_kept(s, y.top)) return false;
  dz__adjoints *own = own_adjoints(s);
  begin(s, own, y);
  dz__slots slots = {s->kept.scalar, s->leaf, false};
  bool done = dz__sweep_quick(&s->hot, &s->kept, &slots, y.top);
  if (!done) {
    clear_leaves(s);
    done = s->swept.whole = careful(s, y);
    round_scalars(s, s->kept.scalar, s->dirty);
  }
  round_scalars(s, s->leaf, s->swept.leaves);
  return done;
}

/* Overwrites all adjoints up to y.top. A tensor's seed may be gone when an interior scalar is asked for, so
 * all are kept at once. */
static bool sweep(dz__tape *s, seeding y) {
  s->swept = (dz__swept){.seed = y.values ? *y.values : y.number};
  if (s->single) dz__adjoint_copies_drop(s, 0);
  if ((s->wides && !lay_wide(s, y.top)) ||
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
    out->number = dz__rounded(t, dz__number(seed));
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
  out->values = dz_values(seed);
  return out->values ? DZ_OK : fail(t, DZ_ERR_MEMORY, "out of memory for the seed");
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
  double values[]; /* on a tape of floats, floats */
} held;

/* The adjoint of the tensor with record k, of whichever kind, and its bytes. */
static void *tensor_adjoint(const dz__tape *s, size_t k) {
  return s->single ? (void *)dz__float_adjoint(s, k) : s->kept.tensor[k];
}
static size_t tensor_bytes(const dz__tape *s, size_t k) {
  return s->wide[k].size * (s->single ? sizeof(float) : sizeof(double));
}

/* The adjoint becomes what it is, or 0, and what was held. */
static void put_back(const dz__tape *s, size_t k, const double *values, bool add) {
  float *f = s->single ? dz__float_adjoint(s, k) : NULL;
  const float *singles = (const float *)(const void *)values;
  double *g = s->kept.tensor[k];
  for (size_t j = 0; f && j < s->wide[k].size; j++) f[j] = (add ? f[j] : 0) + singles[j];
  for (size_t j = 0; !f && j < s->wide[k].size; j++) g[j] = (add ? g[j] : 0) + values[j];
}

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
    held *h = dz__arena_alloc(&s->held, sizeof *h + tensor_bytes(s, k));
    if (!h) return false;
    h->next = *first;
    h->wide = k;
    memcpy(h->values, tensor_adjoint(s, k), tensor_bytes(s, k));
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
  round_scalars(s, s->leaf, scalars ? leaves : 0);
  if (s->single) dz__adjoint_copies_drop(s, 0);
  for (held *h = first; h; h = h->next) {
    bool covered = !status && s->wide[h->wide].node <= from.top;
    put_back(s, h->wide, h->values, covered);
  }
  dz__arena_rewind(&s->held, mark);
  if (status) s->swept = before;
  s->swept.whole = s->swept.again = false;
  s->swept.added = true;
  if (status) return fail(y.tape, status, "out of memory for adjoints");
  if (s->swept.nodes < nodes) s->swept.nodes = nodes;
  return DZ_OK;
}
