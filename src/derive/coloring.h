/* Colourings inside. */
#ifndef DZ_DERIVE_COLORING_H
#define DZ_DERIVE_COLORING_H

#include "derive/pattern.h"

#define DZ__UNCOLORED UINT32_MAX

struct dz_coloring {
  dz_allocator alloc;
  dz__pattern *pattern;
  dz_coloring_kind kind;
  size_t seeds, results;     /* of one product: how many it is seeded at, how many numbers it gives */
  uint32_t products, *color; /* per column, or row by rows; DZ__UNCOLORED for an empty one */
  /* Product k is seeded at seed[seed_start[k] ..] and gives values[element[i]] = result[from[i]] for i from
     part[k] on. */
  size_t *seed_start, *part, *element;
  uint32_t *seed, *from;
  double *direction, *result; /* direction is all 0 between products */
};

/* Partial distance-2 colouring of the columns of p, whose transpose is q: columns that share a row differ.
   Colours are 0 … *colors - 1. False when memory is out. */
bool dz__color_columns(const dz_pattern *p, const dz_pattern *q, const dz_allocator *a, uint32_t *color,
                       uint32_t *colors);

/* Star colouring of a symmetric pattern: neighbours differ, and no path of four vertices has two colours. */
bool dz__color_star(const dz_pattern *p, const dz_allocator *a, uint32_t *color, uint32_t *colors);

#endif
