#include "derive/term.h"

#include "base/hash.h"

#include <math.h>
#include <string.h>

static dz__shape *shape_at(const dz__terms *s, uint32_t i) { return (dz__shape *)s->shapes.at + i; }

/* ---- shapes ---- */

static uint32_t shape_store(dz__terms *s, const dz__shape *shape) {
  for (uint32_t i = 0; i < s->shapes.n; i++) {
    const dz__shape *other = shape_at(s, i);
    if (other->rank == shape->rank &&
        memcmp(other->dims, shape->dims, (size_t)shape->rank * sizeof *shape->dims) == 0)
      return i;
  }
  dz__shape *to = dz__vec_add(&s->alloc, &s->shapes, 1, sizeof *to);
  if (to) *to = *shape;
  if (!to) s->failed = true;
  return to ? (uint32_t)s->shapes.n - 1 : 0;
}

uint32_t dz__shape_of(dz__terms *s, dz_var x) {
  dz__array a = dz__array_of(x);
  dz__shape shape = {.rank = a.rank};
  memcpy(shape.dims, a.dims, (size_t)a.rank * sizeof *a.dims);
  return shape_store(s, &shape);
}

uint32_t dz__shape_join(dz__terms *s, uint32_t a, uint32_t b) {
  if (a == b || b == 0) return a;
  if (a == 0) return b;
  dz__shape x = *shape_at(s, a), y = *shape_at(s, b), z = x.rank > y.rank ? x : y;
  for (int k = 0; k < z.rank; k++) {
    int i = k - (z.rank - x.rank), j = k - (z.rank - y.rank);
    size_t m = i >= 0 ? x.dims[i] : 1, n = j >= 0 ? y.dims[j] : 1;
    z.dims[k] = m == 1 ? n : m;
  }
  return shape_store(s, &z);
}

/* ---- lists of parts ---- */

void dz__work_push(dz__terms *s, dz__part p) {
  dz__part *to = dz__vec_add(&s->alloc, &s->work, 1, sizeof *to);
  if (to)
    *to = p;
  else
    s->failed = true;
}

void dz__work_drop(dz__terms *s, size_t i) {
  for (; i + 1 < s->work.n; i++) *dz__work_at(s, i) = *dz__work_at(s, i + 1);
  s->work.n--;
}

/* ---- terms ---- */

static uint32_t mixed(uint32_t h, uint32_t x) {
  h ^= x + 0x9e3779b9u + (h << 6) + (h >> 2);
  h *= 0x85ebca6bu;
  return h ^ h >> 15;
}

static uint32_t mixed_number(uint32_t h, double v) {
  uint64_t bits = dz__bits(v);
  return mixed(mixed(h, (uint32_t)bits), (uint32_t)(bits >> 32));
}

static uint32_t hash_of_part(const dz__part *p) {
  return mixed_number(mixed_number(mixed(p->term, p->power), p->k.n), p->k.d);
}

/* The order of the parts of a sum or product does not count. */
static uint32_t hash_of(const dz__term *x, size_t n, const dz__part *part, const int64_t *attr) {
  uint32_t h = mixed(x->kind, x->fn), sum = 0;
  if (x->kind == DZ__K_NUMBER) return mixed_number(h, x->number);
  if (x->kind == DZ__K_LEAF) return mixed(h, x->node);
  for (size_t k = 0; k < n; k++) {
    if (x->kind == DZ__K_CALL)
      h = mixed(h, part[k].term);
    else
      sum += hash_of_part(&part[k]);
  }
  for (uint32_t k = 0; k < x->attrs; k++) h = mixed(h, (uint32_t)attr[k]);
  return mixed(h, sum);
}

static bool same_part(const dz__part *a, const dz__part *b) {
  return (a->term == b->term) & (a->power == b->power) & (a->k.n == b->k.n) & (a->k.d == b->k.d);
}

/* Lists of terms that differ, in any order: quick where the order is the same. */
static bool same_parts(size_t n, const dz__part *a, const dz__part *b, bool ordered) {
  const size_t most = ordered || n > 64 ? 0 : n;
  for (size_t i = 0; i < n; i++) {
    bool found = same_part(&a[i], &b[i]);
    for (size_t j = 0; j < most && !found; j++) found = same_part(&a[i], &b[j]);
    if (!found) return false;
  }
  return true;
}

static bool same_term(const dz__terms *s, const dz__term *a, const dz__term *b, size_t n,
                      const dz__part *part, const int64_t *attr) {
  if (a->kind != b->kind || a->fn != b->fn || a->parts != n || a->attrs != b->attrs || a->shape != b->shape ||
      a->hash != b->hash)
    return false;
  if (a->kind == DZ__K_NUMBER) return memcmp(&a->number, &b->number, sizeof a->number) == 0;
  if (a->kind == DZ__K_LEAF) return a->node == b->node;
  const int64_t *own = s->attrs.at;
  for (uint32_t k = 0; k < a->attrs; k++)
    if (own[a->attr0 + k] != attr[k]) return false;
  return same_parts(n, dz__parts_of(s, (uint32_t)(a - dz__term_at(s, 0))), part, a->kind == DZ__K_CALL);
}

static bool rehash(dz__terms *s) {
  size_t n = s->buckets.n ? 2 * s->buckets.n : 256;
  dz__vec to = {NULL, 0, 0};
  uint32_t *bucket = dz__vec_add(&s->alloc, &to, n, sizeof *bucket);
  if (!bucket) return s->failed = true, false;
  for (size_t k = 0; k < n; k++) bucket[k] = DZ__NO_TERM;
  for (uint32_t i = 0; i < s->terms.n; i++) {
    dz__term *x = dz__term_at(s, i);
    uint32_t *at = &bucket[x->hash & (n - 1)];
    x->next = *at;
    *at = i;
  }
  dz__vec_free(&s->alloc, &s->buckets, sizeof *bucket);
  s->buckets = to;
  return true;
}

static void append(dz__terms *s, dz__term *x, size_t n, const dz__part *part, const int64_t *attr) {
  x->part0 = (uint32_t)s->parts.n;
  x->attr0 = (uint32_t)s->attrs.n;
  dz__part *p = n ? dz__vec_add(&s->alloc, &s->parts, n, sizeof *p) : NULL;
  int64_t *a = x->attrs ? dz__vec_add(&s->alloc, &s->attrs, x->attrs, sizeof *a) : NULL;
  dz__term *to = dz__vec_add(&s->alloc, &s->terms, 1, sizeof *to);
  if ((n && !p) || (x->attrs && !a) || !to) {
    s->failed = true;
    return;
  }
  if (n) memcpy(p, part, n * sizeof *p);
  if (x->attrs) memcpy(a, attr, x->attrs * sizeof *a);
  *to = *x;
}

uint32_t dz__term_store(dz__terms *s, dz__term like, size_t n, const int64_t *attr) {
  if (s->failed) return DZ__NO_TERM;
  const dz__part *part = n ? dz__work_at(s, s->work.n - n) : NULL;
  s->work.n -= n; /* what stands above stays until the next list */
  like.parts = (uint32_t)n;
  like.hash = hash_of(&like, n, part, attr);
  if (s->terms.n >= s->buckets.n && !rehash(s)) return DZ__NO_TERM;
  uint32_t *bucket = (uint32_t *)s->buckets.at + (like.hash & (s->buckets.n - 1));
  for (uint32_t i = *bucket; i != DZ__NO_TERM; i = dz__term_at(s, i)->next)
    if (same_term(s, dz__term_at(s, i), &like, n, part, attr)) return i;
  like.next = *bucket;
  uint32_t i = (uint32_t)s->terms.n;
  append(s, &like, n, part, attr);
  s->failed |= i >= DZ__NO_TERM - 1;
  if (s->failed) return DZ__NO_TERM;
  *bucket = i;
  return i;
}

uint32_t dz__term_number(dz__terms *s, double v) {
  int flags =
      DZ__IS_SMOOTH | DZ__IS_FLAT | (v == 0 || v == 1 ? DZ__IS_TRUTH : 0) | (v >= 0 ? DZ__IS_POSITIVE : 0);
  if (v == 0) v = 0; /* one zero */
  return dz__term_store(s, (dz__term){.kind = DZ__K_NUMBER, .number = v, .flags = (uint8_t)flags}, 0, NULL);
}

uint32_t dz__term_leaf(dz__terms *s, dz_var x) {
  dz__term like = {
      .kind = DZ__K_LEAF, .node = dz__index(x), .shape = dz__shape_of(s, x), .flags = DZ__IS_SMOOTH};
  if (dz_is_active(x)) like.flags |= DZ__IS_ACTIVE;
  return dz__term_store(s, like, 0, NULL);
}

bool dz__terms_init(dz__terms *s, dz_tape *t, const struct dz__rules *rules) {
  *s = (dz__terms){.alloc = dz__of(t)->alloc, .t = t, .rules = rules, .fuel = 4096};
  dz__shape scalar = {.rank = 0};
  shape_store(s, &scalar);
  s->zero = dz__term_number(s, 0);
  s->one = dz__term_number(s, 1);
  return !s->failed;
}

void dz__terms_free(dz__terms *s) {
  dz__vec_free(&s->alloc, &s->terms, sizeof(dz__term));
  dz__vec_free(&s->alloc, &s->parts, sizeof(dz__part));
  dz__vec_free(&s->alloc, &s->attrs, sizeof(int64_t));
  dz__vec_free(&s->alloc, &s->shapes, sizeof(dz__shape));
  dz__vec_free(&s->alloc, &s->buckets, sizeof(uint32_t));
  dz__vec_free(&s->alloc, &s->work, sizeof(dz__part));
  dz__vec_free(&s->alloc, &s->seen, sizeof(uint32_t));
  dz__vec_free(&s->alloc, &s->values, sizeof(double));
}
