#if defined(__linux__) && !defined(_GNU_SOURCE)
#define _GNU_SOURCE /* mremap, madvise */
#endif
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

/* A sanitizer sees malloc's blocks only; tools/valgrind, which loses sight of pages that move, says so
 * itself. */
#if defined(__SANITIZE_ADDRESS__) || defined(DZ_NO_PAGES)
#define OWN_PAGES 0
#elif defined(__has_feature)
#define OWN_PAGES (!__has_feature(address_sanitizer))
#else
#define OWN_PAGES 1
#endif

#if defined(__linux__) && OWN_PAGES
#include <sys/mman.h>

/* Long tapes grow step by step and are walked in one direction. Large blocks are pages of their own, which
   grow without being copied. They begin and end at multiples of a large page, so that the system can give
   them such: the first touch of them, and the walk, cost less. */
enum { LARGE_BLOCK = 1 << 20, HUGE_PAGE = 1 << 21 };

static bool is_large(size_t size) { return size >= LARGE_BLOCK; }
static size_t pages(size_t size) { return (size + HUGE_PAGE - 1) & ~((size_t)HUGE_PAGE - 1); }

/* Fresh pages from a multiple of the large page on. */
static void *fresh_pages(size_t bytes) {
  char *p = mmap(NULL, bytes + HUGE_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (p == MAP_FAILED) return NULL;
  size_t before = (HUGE_PAGE - (uintptr_t)p % HUGE_PAGE) % HUGE_PAGE, after = HUGE_PAGE - before;
  (void)munmap(p, before); /* refuses to do nothing */
  munmap(p + before + bytes, after);
  return p + before;
}

/* The pages of `block` at another place, with more or fewer behind them. The place is taken from the system
   first, and given up in the same call that fills it. */
static void *moved(void *block, size_t old_bytes, size_t new_bytes) {
  void *place = fresh_pages(new_bytes);
  if (!place) return NULL;
  void *p = mremap(block, old_bytes, new_bytes, MREMAP_MAYMOVE | MREMAP_FIXED, place);
  if (p != MAP_FAILED) return p;
  munmap(place, new_bytes);
  return NULL;
}

static void *large_resize(void *block, size_t old_size, size_t new_size) {
  if (new_size > PTRDIFF_MAX - 2 * (size_t)HUGE_PAGE) return NULL;
  size_t old_bytes = pages(old_size), new_bytes = pages(new_size);
  if (block && old_bytes == new_bytes) return block;
  void *p = block ? mremap(block, old_bytes, new_bytes, 0) : fresh_pages(new_bytes);
  if (block && p == MAP_FAILED) p = moved(block, old_bytes, new_bytes);
  if (p) (void)madvise(p, new_bytes, MADV_HUGEPAGE);
  return p;
}

static void release(void *block, size_t size) {
  if (is_large(size))
    munmap(block, pages(size));
  else
    free(block);
}

static void *system_resize(void *user, void *block, size_t old_size, size_t new_size) {
  (void)user;
  if (new_size == 0) return release(block, old_size), NULL;
  if (block && is_large(old_size) != is_large(new_size)) {
    void *p = is_large(new_size) ? large_resize(NULL, 0, new_size) : malloc(new_size);
    if (!p) return NULL;
    memcpy(p, block, old_size < new_size ? old_size : new_size);
    release(block, old_size);
    return p;
  }
  return is_large(new_size) ? large_resize(block, old_size, new_size) : realloc(block, new_size);
}
#else
static void *system_resize(void *user, void *block, size_t old_size, size_t new_size) {
  (void)user;
  (void)old_size;
  if (new_size == 0) return free(block), NULL;
  return realloc(block, new_size);
}
#endif

dz_allocator dz_system_allocator(void) { return (dz_allocator){system_resize, NULL}; }

dz_allocator dz__allocator(const dz_allocator *given) {
  return given && given->resize ? *given : dz_system_allocator();
}

void *dz__alloc(const dz_allocator *a, size_t size) {
  return size ? a->resize(a->user, NULL, 0, size) : NULL;
}

void dz__free(const dz_allocator *a, void *block, size_t size) {
  if (block) a->resize(a->user, block, size, 0);
}

/* Items from which an array grows in smaller steps: the room left over counts then, and moving is cheap (by
 * page tables, where realloc can). */
enum { LARGE = 1 << 16 };

bool dz__grow(const dz_allocator *a, void **block, size_t *cap, size_t need, size_t item) {
  if (need <= *cap) return true;
  size_t most = (SIZE_MAX / 4) / item;
  if (need > most) return false;
  size_t more = *cap + *cap / (*cap < LARGE ? 2 : 8) + 16;
  size_t want = need > more ? need : more;
  if (want > most) want = need;
  void *p = a->resize(a->user, *block, *cap * item, want * item);
  if (!p) return false;
  *block = p;
  *cap = want;
  return true;
}

enum { ALIGN = 64, FIRST_BLOCK = 1 << 14, LAST_BLOCK = 1 << 28 }; /* blocks double from one to the other */

struct dz__block {
  dz__block *next;
  size_t size, used; /* bytes of room after the header; used is a multiple of ALIGN */
  char *room;        /* the first aligned byte */
};

void dz__arena_init(dz__arena *arena, const dz_allocator *a) { *arena = (dz__arena){*a, NULL, NULL}; }

static size_t block_bytes(size_t size) { return sizeof(dz__block) + ALIGN + size; }

void dz__arena_free(dz__arena *arena) {
  for (dz__block *b = arena->first; b;) {
    dz__block *next = b->next;
    dz__free(&arena->alloc, b, block_bytes(b->size));
    b = next;
  }
  arena->first = arena->at = NULL;
}

static dz__block *block_new(dz__arena *arena, size_t size) {
  dz__block *b = dz__alloc(&arena->alloc, block_bytes(size));
  if (!b) return NULL;
  char *room = (char *)(b + 1);
  room += (ALIGN - (uintptr_t)room % ALIGN) % ALIGN;
  *b = (dz__block){NULL, size, 0, room};
  return b;
}

/* Puts a block of at least `size` bytes behind the one being filled. A block there that is too small stays,
   further on: it is used again once the arena is rewound and smaller pieces are asked for. */
static bool next_block(dz__arena *arena, size_t size) {
  dz__block **link = arena->at ? &arena->at->next : &arena->first;
  if (!*link || (*link)->size < size) {
    const size_t last = arena->at ? arena->at->size : FIRST_BLOCK / 2;
    const size_t twice = last < LAST_BLOCK / 2 ? 2 * last : LAST_BLOCK;
    dz__block *b = block_new(arena, size > twice ? size : twice);
    if (!b && size < twice) b = block_new(arena, size);
    if (!b) return false;
    b->next = *link;
    *link = b;
  }
  arena->at = *link;
  arena->at->used = 0;
  return true;
}

void *dz__arena_alloc(dz__arena *arena, size_t size) {
  if (size > SIZE_MAX / 8) return NULL;
  size = (size + ALIGN - 1) / ALIGN * ALIGN;
  if (size == 0) size = ALIGN;
  if ((!arena->at || arena->at->size - arena->at->used < size) && !next_block(arena, size)) return NULL;
  void *p = arena->at->room + arena->at->used;
  arena->at->used += size;
  return p;
}

dz__arena_mark dz__arena_where(const dz__arena *arena) {
  return (dz__arena_mark){arena->at, arena->at ? arena->at->used : 0};
}

void dz__arena_rewind(dz__arena *arena, dz__arena_mark mark) {
  arena->at = mark.at;
  if (mark.at) mark.at->used = mark.used;
}

size_t dz__arena_bytes(const dz__arena *arena) {
  size_t sum = 0;
  for (const dz__block *b = arena->first; b; b = b->next) sum += block_bytes(b->size);
  return sum;
}
