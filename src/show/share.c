/* Equal subexpressions of a trace as one: a^2 written twice is one node with two uses. */
#include "show/trace.h"

#include "base/hash.h"
#include "dz/text.h"

#include <string.h>

typedef struct sharing {
  dz__trace *old, now;
  uint32_t *canon; /* per node of old: the first that is equal, itself for the first */
  uint32_t *place; /* per canonical node of old: its place in now */
  uint32_t *table; /* open addressing over canonical operations */
  size_t size;
} sharing;

static uint32_t mixed(uint32_t h, uint64_t x) {
  h ^= (uint32_t)x ^ (uint32_t)(x >> 32);
  h *= 0x9e3779b1u;
  return h ^ h >> 15;
}

static const dz__use *uses_of(const sharing *s, uint32_t i) { return &s->old->use[s->old->seen[i].args]; }

static uint32_t hash_of(const sharing *s, uint32_t i) {
  const dz__seen *x = &s->old->seen[i];
  uint32_t h = 7;
  for (const char *c = x->is.op; *c; c++) h = mixed(h, (unsigned char)*c);
  for (int k = 0; k < x->is.nargs; k++) {
    const dz__use *u = &uses_of(s, i)[k];
    h = u->of == DZ__NONE ? mixed(h, dz__bits(u->number)) : mixed(h, s->canon[u->of]);
  }
  return h;
}

static bool same_attributes(const dz__seen *x, const dz__seen *y) {
  const int64_t *a, *b;
  size_t n = dz_attributes(x->var, &a), m = dz_attributes(y->var, &b);
  return n == m && (n == 0 || memcmp(a, b, n * sizeof *a) == 0);
}

/* Two definitions stay two, also where they are equal: a reader looks for both. */
static bool equal(const sharing *s, uint32_t i, uint32_t j) {
  const dz__seen *x = &s->old->seen[i], *y = &s->old->seen[j];
  if (strcmp(x->is.op, y->is.op) != 0 || x->is.nargs != y->is.nargs || (x->name && y->name)) return false;
  for (int k = 0; k < x->is.nargs; k++) {
    const dz__use *u = &uses_of(s, i)[k], *v = &uses_of(s, j)[k];
    if ((u->of == DZ__NONE) != (v->of == DZ__NONE)) return false;
    if (u->of == DZ__NONE ? dz__bits(u->number) != dz__bits(v->number) : s->canon[u->of] != s->canon[v->of])
      return false;
  }
  return same_attributes(x, y);
}

static void find_equals(sharing *s) {
  memset(s->table, 0xff, s->size * sizeof *s->table);
  for (uint32_t i = 0; i < s->old->nseen; i++) {
    s->canon[i] = i;
    if (s->old->seen[i].is.role != DZ_ROLE_NONE) continue;
    size_t at = hash_of(s, i) & (s->size - 1);
    while (s->table[at] != DZ__NONE && !equal(s, i, s->table[at])) at = (at + 1) & (s->size - 1);
    if (s->table[at] == DZ__NONE)
      s->table[at] = i;
    else
      s->canon[i] = s->table[at];
  }
}

/* What a node takes from an equal one that comes later: its name, and the sum of both adjoints. Where the
   later one has an adjoint the earlier one has too, and so with their shares. */
static bool take_seen(sharing *s, dz__seen *x, const dz__seen *more) {
  if (!x->name) x->name = more->name;
  if (!more->adjoint) return true;
  double *sum = dz__trace_room(&s->now, x->size);
  for (size_t k = 0; sum && k < x->size; k++) sum[k] = x->adjoint[k] + more->adjoint[k];
  return x->adjoint = sum, sum != NULL;
}

static bool take_use(sharing *s, dz__use *u, const dz__use *more) {
  if (!more->share) return true;
  size_t n = s->now.seen[u->of].size;
  double *sum = dz__trace_room(&s->now, n);
  for (size_t k = 0; sum && k < n; k++) sum[k] = u->share[k] + more->share[k];
  return u->share = sum, sum != NULL;
}

static bool take(sharing *s, uint32_t i) {
  dz__trace *t = &s->now;
  const dz__seen *x = &s->old->seen[i];
  bool first = s->canon[i] == i, done = true;
  if (first) {
    s->place[i] = (uint32_t)t->nseen++;
    t->seen[s->place[i]] = *x;
    t->seen[s->place[i]].args = (uint32_t)t->nuse;
    t->seen[s->place[i]].first = DZ__NONE;
    t->seen[s->place[i]].uses = 0;
    t->nuse += (size_t)x->is.nargs;
  }
  uint32_t at = s->place[s->canon[i]];
  if (!first) done = take_seen(s, &t->seen[at], x);
  for (int k = 0; done && k < x->is.nargs; k++) {
    dz__use *u = &t->use[t->seen[at].args + (uint32_t)k];
    const dz__use *more = &uses_of(s, i)[k];
    if (!first)
      done = take_use(s, u, more);
    else
      *u = (dz__use){at, more->operand, DZ__NONE, DZ__NONE, more->number, more->share};
    if (first && more->of != DZ__NONE) u->of = s->place[s->canon[more->of]];
  }
  return done;
}

static bool share(sharing *s) {
  dz__trace *t = &s->now;
  find_equals(s);
  t->seen = dz__alloc(&t->alloc, s->old->nseen * sizeof *t->seen);
  t->use = dz__alloc(&t->alloc, s->old->nuse * sizeof *t->use);
  t->seen_cap = s->old->nseen;
  t->use_cap = s->old->nuse;
  if (!t->seen || (s->old->nuse && !t->use)) return false;
  for (uint32_t i = 0; i < s->old->nseen; i++)
    if (!take(s, i)) return false;
  dz__trace_link(t);
  return true;
}

dz_status dz__trace_share(dz__trace *trace) {
  size_t n = trace->nseen;
  sharing s = {.old = trace, .now = {.alloc = trace->alloc}, .size = 16};
  while (s.size < 2 * n) s.size *= 2;
  s.canon = dz__alloc(&trace->alloc, n * sizeof *s.canon);
  s.place = dz__alloc(&trace->alloc, n * sizeof *s.place);
  s.table = dz__alloc(&trace->alloc, s.size * sizeof *s.table);
  bool done = s.canon && s.place && s.table && share(&s);
  dz__free(&trace->alloc, s.canon, n * sizeof *s.canon);
  dz__free(&trace->alloc, s.place, n * sizeof *s.place);
  dz__free(&trace->alloc, s.table, s.size * sizeof *s.table);
  if (!done) {
    dz__trace_free(&s.now);
    return DZ_ERR_MEMORY;
  }
  dz__trace_adopt(&s.now, trace);
  *trace = s.now;
  return DZ_OK;
}
