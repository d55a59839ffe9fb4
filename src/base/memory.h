/* The allocator inside the library, arrays that grow, and the arena for tensor data. */
#ifndef DZ_BASE_MEMORY_H
#define DZ_BASE_MEMORY_H

#include "dz/memory.h"

#include <stdbool.h>
#include <stdint.h>

/* The allocator to use for `given`, which may be NULL. */
dz_allocator dz__allocator(const dz_allocator *given);

/* NULL when size is 0 or memory is out. */
void *dz__alloc(const dz_allocator *a, size_t size);
void dz__free(const dz_allocator *a, void *block, size_t size);

/* Makes *block hold at least `need` items of `item` bytes, growing by a quarter at least so that appending
   stays linear. False leaves block and cap as they were. */
bool dz__grow(const dz_allocator *a, void **block, size_t *cap, size_t need, size_t item);

/* An arena: blocks in a list, filled in order. Rewinding keeps the blocks, so a loop that marks and rewinds
   allocates nothing after its first turn. Pointers stay put until the mark they follow is rewound. */
typedef struct dz__block dz__block;
typedef struct dz__arena {
  dz_allocator alloc;
  dz__block *first, *at; /* at: the block being filled; NULL before the first */
} dz__arena;

typedef struct dz__arena_mark {
  dz__block *at;
  size_t used;
} dz__arena_mark;

void dz__arena_init(dz__arena *arena, const dz_allocator *a);
void dz__arena_free(dz__arena *arena);
/* Aligned to 64 bytes. NULL when memory is out. A size of 0 gives a valid pointer to nothing. */
void *dz__arena_alloc(dz__arena *arena, size_t size);
dz__arena_mark dz__arena_where(const dz__arena *arena);
void dz__arena_rewind(dz__arena *arena, dz__arena_mark mark);
/* Bytes held. */
size_t dz__arena_bytes(const dz__arena *arena);

#endif
