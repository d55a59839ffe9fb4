/* The two reverse sweeps and what they share. */
#ifndef DZ_TAPE_SWEEP_H
#define DZ_TAPE_SWEEP_H

#include "tape/adjoints.h"

/* Where a sweep puts the adjoints of scalars. Whole: every node's stays in scalar[node]. Not whole: scalar[]
   is a scratch that is all 0 between sweeps, each slot going back to 0 as the sweep leaves it, so that no
   sweep begins with clearing; only leaf[] stays. */
typedef struct dz__slots {
  double *scalar, *leaf;
  bool whole;
} dz__slots;

/* The quick sweep, from node `top` down, over slots that hold zeros and the seed. It does not know which
   zeros are structural. That matters only where a zero meets a non-finite partial, and then a NaN arises:
   when one reaches a leaf, or any node of a whole sweep or of a tensor operation, it returns false, and the
   careful sweep must do it over. Sets slots->leaf. */
bool dz__sweep_quick(dz_tape *t, const dz__adjoints *a, const dz__slots *slots, uint32_t top);

/* The careful sweep: keeps beside each adjoint whether anything arrived structurally, and lets only that flow
 * on. */
void dz__sweep_careful(dz_tape *t, dz__adjoints *a, dz__adjoints *reached, uint32_t top);

/* The call of a wide node whose operands stand in call_args: what every direction has in common. */
dz__call dz__call_on(const dz_tape *t, const dz__wide *w);

/* The call of a wide node for its reverse kernel: args, out, g from the tensors of `a` and from scalar[]; ga
 * where an operand is active.
 */
dz__call dz__reverse_call(dz_tape *t, const dz__wide *w, const dz__adjoints *a, double *scalar);

/* A scalar operation's node as the table sees it: operands and value, and which operands a gradient flows to.
 */
typedef struct dz__site {
  const struct dz__kernel *f;
  double in[2], z, tie;
  bool wants[2];
} dz__site;

/* Node i, which is a scalar operation. */
dz__site dz__site_of(const dz_tape *t, uint32_t i);

/* Where the adjoint of an operand stands; NULL for an inactive one. */
double *dz__adjoint_slot(const dz_tape *t, const dz__adjoints *a, double *scalar, dz__ref ref);

/* Makes every scalar's adjoint of the last sweep stand in kept.scalar. False when that cannot be done. */
bool dz__whole_adjoints(dz_tape *t);

/* Whether the node with this word, number i, adds the node before it to something. */
static inline bool dz__adds_last(uint64_t word, size_t i) {
  return word >> DZ__CODE_SHIFT == ((uint64_t)(i - 1) << (DZ__B_SHIFT - DZ__CODE_SHIFT) | DZ__add_vv);
}

#endif
