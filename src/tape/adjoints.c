/* Sets of adjoints: where they are kept, and reading them. */
#include "tape/adjoints.h"

#include "tape/single.h"
#include "tape/sweep.h"

#include <math.h>
#include <string.h>

/* ---- storage ---- */

size_t dz__wides_to(const dz__tape *s, uint32_t top) {
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

/* Bytes of an element in the set: on a tape of floats adjoints are floats, and `kept` has place for copies
   alone, which are made later. */
static size_t item_of(const dz__tape *s, const dz__adjoints *a) {
  if (!s->single) return sizeof(double);
  return a == &s->kept ? 0 : a == &s->single->adjoint ? sizeof(float) : sizeof(double);
}

bool dz__lay_tensors(dz__tape *s, dz__adjoints *a, uint32_t top) {
  size_t wides = dz__wides_to(s, top), item = item_of(s, a);
  if (!dz__grow(&s->alloc, (void **)&a->tensor, &a->wide_cap, wides, sizeof *a->tensor) ||
      !dz__grow(&s->alloc, (void **)&a->before, &a->before_cap, wides, sizeof *a->before))
    return false;
  for (; a->wide < wides; a->wide++) {
    const dz__wide *w = &s->wide[a->wide];
    dz__arena_mark before = dz__arena_where(&a->arena);
    bool own = w->rank && w->active && item;
    double *p = own ? dz__arena_alloc(&a->arena, w->size * item) : NULL;
    if (own && !p) return false;
    a->before[a->wide] = before;
    a->tensor[a->wide] = p;
  }
  return true;
}

bool dz__lay_scalars(dz__tape *s, dz__adjoints *a, uint32_t top) {
  return dz__grow(&s->alloc, (void **)&a->scalar, &a->cap, (size_t)top + 1, sizeof *a->scalar);
}

void dz__clear_tensors(const dz__tape *s, dz__adjoints *a, uint32_t top) {
  size_t item = item_of(s, a) ? item_of(s, a) : sizeof(double);
  for (size_t k = dz__wides_to(s, top); k-- > 0;)
    if (a->tensor[k]) memset(a->tensor[k], 0, s->wide[k].size * item);
}

static void clear_scalars(dz__adjoints *a, uint32_t top) {
  memset(a->scalar, 0, ((size_t)top + 1) * sizeof *a->scalar);
}

bool dz__adjoints_lay(dz__tape *s, dz__adjoints *a, uint32_t top) {
  return dz__lay_tensors(s, a, top) && dz__lay_scalars(s, a, top);
}

void dz__adjoints_clear(const dz__tape *s, dz__adjoints *a, uint32_t top) {
  dz__clear_tensors(s, a, top);
  clear_scalars(a, top);
}

void dz__adjoints_free(dz__tape *s, dz__adjoints *a) {
  dz__free(&s->alloc, a->scalar, a->cap * sizeof *a->scalar);
  dz__free(&s->alloc, a->tensor, a->wide_cap * sizeof *a->tensor);
  dz__free(&s->alloc, a->before, a->before_cap * sizeof *a->before);
  dz__arena_free(&a->arena);
  dz__arena arena = a->arena;
  *a = (dz__adjoints){.arena = arena};
}

void dz__adjoints_rewind(const dz__tape *s, dz__adjoints *a) {
  if (a->wide <= s->wides) return;
  dz__arena_rewind(&a->arena, a->before[s->wides]);
  a->wide = s->wides;
}

size_t dz__adjoints_bytes(const dz__adjoints *a) {
  return a->cap * sizeof *a->scalar + a->wide_cap * sizeof *a->tensor + a->before_cap * sizeof *a->before +
         dz__arena_bytes(&a->arena);
}

/* ---- reading ---- */

static bool is_leaf(const dz_tape *t, uint32_t i) { return dz__node_code(t, i) < DZ__WIDE; }

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
  size_t k = dz__operands(x.tape, i).a;
  if (dz__flags(x) & DZ__TENSOR)
    return s->single ? dz__copied_adjoint(dz__of(x.tape), &s->wide[k]) : s->kept.tensor[k];
  return is_leaf(x.tape, i) ? &s->leaf[dz__operands(x.tape, i).a] : &s->kept.scalar[i];
}

const float *dz_adjoints_single(dz_var x) {
  if (dz_adjoint_state_of(x) != DZ_ADJOINT_READY) return NULL;
  const dz__tape *s = dz__of(x.tape);
  if (!s->single || !(dz__flags(x) & DZ__TENSOR)) return NULL;
  return dz__float_adjoint(s, dz__operands(x.tape, dz__index(x)).a);
}

void dz__read_adjoint(dz_var x, double *to) {
  const float *singles = dz_adjoints_single(x);
  const double *doubles = singles ? NULL : dz_adjoints(x);
  size_t n = dz_size(x);
  if (singles)
    dz__to_doubles(to, singles, n);
  else
    for (size_t e = 0; e < n; e++) to[e] = doubles ? doubles[e] : 0;
}

/* A live active scalar leaf, which is what a loop reads. */
static bool is_plain_leaf(dz_var x) {
  double value;
  return (uintptr_t)x.tape > 1 && dz__plain(x.tape, x, &value) &&
         dz__node_code(x.tape, dz__index(x)) <= DZ__PARAM;
}

double dz_adjoint(dz_var x) {
  if (is_plain_leaf(x) && dz__index(x) < dz__of(x.tape)->swept.nodes)
    return dz__of(x.tape)->leaf[dz__operands(x.tape, dz__index(x)).a];
  if (dz_adjoint_state_of(x) == DZ_ADJOINT_INACTIVE) return 0;
  const double *g = dz_adjoints(x);
  return g && dz_size(x) == 1 ? *g : NAN;
}
