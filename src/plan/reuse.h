/* Memory that goes from pass to pass. The passes of a plan take arrays as long as the graph, one after
   another, and the system empties every page of a fresh one: that would be most of a plan's making. An
   allocator over another keeps large blocks that are given back, for the next who asks. */
#ifndef DZ_PLAN_REUSE_H
#define DZ_PLAN_REUSE_H

#include "base/memory.h"

enum { DZ__MOST_SPARE = 64 }; /* large blocks; more are not kept */

typedef struct dz__reuse {
  dz_allocator from;
  struct dz__spare {
    void *block;
    size_t size; /* as `from` knows it */
    bool taken;
  } at[DZ__MOST_SPARE];
  size_t n;
} dz__reuse;

/* The allocator, which r must outlive. When memory is out, what is kept goes back first. */
dz_allocator dz__reuse_begin(dz__reuse *r, const dz_allocator *from);

/* Everything was given back; what is kept goes too. */
void dz__reuse_end(dz__reuse *r);

#endif
