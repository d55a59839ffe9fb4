/* Patterns inside: ownership, and what colouring needs of them. */
#ifndef DZ_DERIVE_PATTERN_H
#define DZ_DERIVE_PATTERN_H

#include "base/memory.h"
#include "dz/sparse.h"

typedef struct dz__pattern {
  dz_pattern shown; /* first: a dz_pattern is a dz__pattern */
  dz_allocator alloc;
  size_t *starts;
  uint32_t *column;
  size_t starts_cap, column_cap;
} dz__pattern;

/* An empty pattern with room for `rows` rows, all starts 0. NULL when memory is out. */
dz__pattern *dz__pattern_make(size_t rows, size_t columns, const dz_allocator *a);
bool dz__pattern_room(dz__pattern *p, size_t elements);

/* The same elements by columns. NULL when memory is out. */
dz__pattern *dz__pattern_transposed(const dz_pattern *p, const dz_allocator *a);

/* Elements of either; both have the same rows and columns. NULL when memory is out. */
dz__pattern *dz__pattern_union(const dz_pattern *p, const dz_pattern *q, const dz_allocator *a);

#endif
