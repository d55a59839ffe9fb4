/* A graph with equal operations on equal operands as one, on a tape of its own: a^2 written twice is one
   value that is used twice, as in pictures. */
#ifndef DZ_SHOW_MERGED_H
#define DZ_SHOW_MERGED_H

#include "base/memory.h"
#include "dz/tape.h"

typedef struct dz__merged {
  dz_allocator alloc;
  dz_tape *own;     /* NULL: nothing was equal, and the graph is the one that was given */
  dz_var *original; /* per node of own: the first that it stands for; {0} for constants of the copy's own */
  size_t n;
} dz__merged;

/* Moves *y and *x to the merged graph; x must be a leaf, or nothing is merged: of an operation the uses of
   that one alone count. Nor is what is more than a trace holds. DZ_ERR_MEMORY leaves *m empty. Cost: linear
   in the nodes that y depends on, whose values are computed again. */
dz_status dz__merged_make(dz_var *y, dz_var *x, const dz_allocator *a, dz__merged *m);
void dz__merged_free(dz__merged *m);

/* The node of the given graph for one of the merged. */
dz_var dz__merged_original(const dz__merged *m, dz_var x);

#endif
