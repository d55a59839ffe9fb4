#include "plan/reuse.h"

#include <string.h>

enum { LARGE = 1 << 17 };

typedef struct dz__spare spare;

/* Its number; r->n when it is none of them. */
static size_t find(const dz__reuse *r, const void *block) {
  size_t k = 0;
  while (k < r->n && r->at[k].block != block) k++;
  return k;
}

/* What nobody has taken; whether there was something. */
static bool give_back(dz__reuse *r) {
  bool any = false;
  for (size_t k = r->n; k-- > 0;) {
    if (r->at[k].taken) continue;
    dz__free(&r->from, r->at[k].block, r->at[k].size);
    r->at[k] = r->at[--r->n];
    any = true;
  }
  return any;
}

static void *ask(dz__reuse *r, void *block, size_t old_size, size_t new_size) {
  void *p = r->from.resize(r->from.user, block, old_size, new_size);
  return p || !give_back(r) ? p : r->from.resize(r->from.user, block, old_size, new_size);
}

/* A fresh block, or one that was none of them, with another size. */
static void *fresh(dz__reuse *r, void *block, size_t old_size, size_t size) {
  void *p = ask(r, block, old_size, size);
  if (p && size >= LARGE && r->n < DZ__MOST_SPARE) r->at[r->n++] = (spare){p, size, true};
  return p;
}

/* Block k with another size. NULL leaves it as it was, but for its number. */
static void *grow(dz__reuse *r, size_t k, size_t size) {
  void *block = r->at[k].block;
  if (size <= r->at[k].size) return block;
  void *p = ask(r, block, r->at[k].size, size);
  if (p) r->at[find(r, block)] = (spare){p, size, true};
  return p;
}

/* The smallest spare block that is large enough, or else the largest. */
static size_t best(const dz__reuse *r, size_t size) {
  size_t found = r->n, has = 0;
  for (size_t k = 0; k < r->n; k++) {
    size_t is = r->at[k].size;
    if (r->at[k].taken || (found < r->n && (has < size ? is <= has : is < size || is >= has))) continue;
    found = k, has = is;
  }
  return found;
}

static void *take(dz__reuse *r, size_t size) {
  size_t k = size < LARGE ? r->n : best(r, size);
  if (k == r->n) return fresh(r, NULL, 0, size);
  void *block = r->at[k].block;
  r->at[k].taken = true;
  void *p = grow(r, k, size);
  if (p) return p;
  r->at[find(r, block)].taken = false;
  return fresh(r, NULL, 0, size);
}

static void *resize(void *user, void *block, size_t old_size, size_t new_size) {
  dz__reuse *r = user;
  if (!block) return take(r, new_size);
  size_t k = find(r, block);
  if (new_size == 0) {
    if (k < r->n)
      r->at[k].taken = false;
    else
      dz__free(&r->from, block, old_size);
    return NULL;
  }
  if (k < r->n) return grow(r, k, new_size);
  if (new_size < LARGE || best(r, new_size) == r->n) return fresh(r, block, old_size, new_size);
  void *p = take(r, new_size);
  if (!p) return NULL;
  memcpy(p, block, old_size < new_size ? old_size : new_size);
  dz__free(&r->from, block, old_size);
  return p;
}

dz_allocator dz__reuse_begin(dz__reuse *r, const dz_allocator *from) {
  *r = (dz__reuse){.from = *from};
  return (dz_allocator){resize, r};
}

void dz__reuse_end(dz__reuse *r) { (void)give_back(r); }
