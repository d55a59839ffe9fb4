/* The two reverse sweeps and what they share. */
#ifndef DZ_TAPE_SWEEP_H
#define DZ_TAPE_SWEEP_H

#include "tape/tape.h"

/* Adjoints of scalars during a sweep. The whole kind keeps every node's in near[node] (mask all ones). The
   sliding kind keeps only the latest ones, in a ring that stays in cache: node i has near[i & mask] while the
   sweep is less than a ring's length above it. What is meant for nodes further down waits in `far`, and
   `piece` says which stretches of it hold anything. */
typedef struct dz__window {
  double *near, *far, *leaf;
  uint8_t *piece;
  uint32_t mask;
  bool sliding;
} dz__window;

enum { DZ__RING = 1 << 13, DZ__PIECE_BITS = 10 };

/* The quick sweep, from node `top` down, over slots that hold zeros and the seed. It does not know which
   zeros are structural. That matters only where a zero meets a non-finite partial, and then a NaN arises: at
   any NaN it stops and returns false, and the careful sweep must do it over. Adds to w->leaf. Leaves a
   sliding window all zeros when it comes to the end. */
bool dz__sweep_quick(dz_tape *t, const dz__adjoints *a, const dz__window *w, uint32_t top);

/* The careful sweep: keeps beside each adjoint whether anything arrived structurally, and lets only that flow
 * on. */
void dz__sweep_careful(dz_tape *t, dz__adjoints *a, dz__adjoints *reached, uint32_t top);

/* The call of a wide node for its reverse kernel: args, out, g from the sets; ga where an operand is active.
 */
dz__call dz__reverse_call(dz_tape *t, const dz__wide *wide, const dz__adjoints *a, const dz__window *w);

/* A window on all of a set's scalars. */
dz__window dz__whole(const dz__adjoints *a);

/* Where the adjoint of an operand of node i stands; NULL for an inactive one. */
double *dz__adjoint_slot(const dz_tape *t, const dz__adjoints *a, const dz__window *w, uint32_t i,
                         dz__ref ref);

/* Makes every scalar's adjoint of the last sweep stand in kept.scalar. False when that cannot be done. */
bool dz__whole_adjoints(dz_tape *t);

#endif
