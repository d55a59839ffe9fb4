/* Sets of columns, as many as a tape has elements: small ones are sorted lists, larger ones unions of two
   others, which are shared. Numbered, so that they can travel through kernels as doubles. */
#ifndef DZ_DERIVE_SETS_H
#define DZ_DERIVE_SETS_H

#include "base/memory.h"

enum { DZ__SET_LIST = 64, DZ__SET_CACHE = 1 << 12 };

/* count > 0: the columns item[first ..]; 0: the union of sets item[first] and item[first + 1]. */
typedef struct dz__set {
  size_t first;
  uint32_t count;
} dz__set;

/* The latest unions, by a hash of the two. */
typedef struct dz__union {
  uint32_t a, b, is;
} dz__union;

typedef struct dz__sets {
  const dz_allocator *alloc;
  dz__set *set; /* number 0 is the empty set */
  size_t n, cap;
  uint32_t *item;
  size_t items, item_cap;
  dz__union *cache;
  bool failed; /* memory is out, or numbers are: results mean nothing */
  /* listing: which unions and which columns were met in the present row */
  uint32_t *met, *met_column, row, columns;
  uint32_t *stack;
  size_t met_cap, met_column_cap, stack_cap;
} dz__sets;

/* False when memory is out; free in any case. */
bool dz__sets_init(dz__sets *s, const dz_allocator *a);
void dz__sets_free(dz__sets *s);

/* {column}. Every other function takes and gives numbers of sets; after a failure, 0. */
uint32_t dz__set_of(dz__sets *s, uint32_t column);
uint32_t dz__set_union(dz__sets *s, uint32_t a, uint32_t b);

/* Appends the columns of a set, ascending, to *list. No more unions may be made once this was called.
   `columns` is above every column. False when memory is out. */
bool dz__set_list(dz__sets *s, uint32_t set, uint32_t columns, uint32_t **list, size_t *size, size_t *cap);

#endif
