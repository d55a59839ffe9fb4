/* An allocator for tests: it fails on demand, and it checks that every block comes back with the size it was
 * asked for. */
#ifndef DZ_TESTS_FAILING_H
#define DZ_TESTS_FAILING_H

#include "dz/memory.h"

#include <check.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

typedef struct failing {
  size_t every; /* each every-th allocation fails; 0: none */
  size_t at;    /* the at-th allocation, counted from 1, and all later ones fail; 0: none */
  size_t only;  /* the only-th fails, and no other; 0: none */
  size_t most;  /* so many bytes may be held; 0: any */
  bool growth;  /* only blocks that grow are counted, and fail */
  size_t calls, failed;
  size_t blocks, bytes; /* held now */
} failing;

enum { FAILING_ROOM = 16 }; /* before each block, for its size; keeps the alignment of malloc */

/* Counts an allocation of so many bytes more, and says whether it fails. */
static inline bool failing_refuses(failing *f, size_t more) {
  const size_t k = ++f->calls;
  const bool no = (f->every && k % f->every == 0) || (f->at && k >= f->at) || k == f->only ||
                  (f->most && f->bytes + more > f->most);
  f->failed += no;
  return no;
}

static void *failing_resize(void *user, void *block, size_t old_size, size_t new_size) {
  failing *f = user;
  char *real = block ? (char *)block - FAILING_ROOM : NULL;
  size_t known = 0;
  if (real) memcpy(&known, real, sizeof known);
  if (known != old_size) ck_abort_msg("a block of %zu bytes comes back as one of %zu", known, old_size);
  if (new_size == 0) {
    if (!real) ck_abort_msg("asked for nothing");
    free(real);
    f->blocks--;
    f->bytes -= old_size;
    return NULL;
  }
  if ((real || !f->growth) && failing_refuses(f, new_size - old_size)) return NULL;
  char *fresh = malloc(FAILING_ROOM + new_size);
  if (!fresh) abort();
  memset(fresh + FAILING_ROOM, 0xa5, new_size);
  memcpy(fresh, &new_size, sizeof new_size);
  if (real) {
    memcpy(fresh + FAILING_ROOM, block, old_size < new_size ? old_size : new_size);
    free(real);
  }
  f->blocks += !real;
  f->bytes += new_size - old_size;
  return fresh + FAILING_ROOM;
}

static inline dz_allocator failing_allocator(failing *f) { return (dz_allocator){failing_resize, f}; }

#endif
