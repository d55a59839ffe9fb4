/* The virtual machine. */
#ifndef DZ_PLAN_MACHINE_H
#define DZ_PLAN_MACHINE_H

#include "plan/program.h"

/* What places mean for the lanes at hand: base[where] + k * scale[where]. */
typedef struct dz__view {
  double *base[8];
  size_t scale[8];
  const uint32_t *list, *index, *choice; /* index and choice from the first lane at hand on */
  size_t lanes, first; /* of the whole loop: from one choice to the next; the first at hand */
  double *acc;         /* DZ__W numbers for each accumulator */
  double *work;        /* the workspace, and a mark for each of its numbers */
  uint8_t *marks;
  size_t memory;
} dz__view;

static inline double *dz__at(const dz__view *v, uint32_t place) {
  unsigned k = dz__where_of(place);
  return v->base[k] + (size_t)dz__place_index(place) * v->scale[k];
}

/* Runs instructions up to `end`, or a call, which it returns. `n` lanes exist; a number that is no multiple
   of the vector's is only run with accumulators of its own. */
typedef const dz__instruction *dz__machine(const dz__view *v, const dz__instruction *at,
                                           const dz__instruction *end, size_t n);

/* For one lane. */
dz__machine dz__run_one;

/* For vectors of lanes, compiled for several processors. They give the same numbers, bit for bit, but for
   what libm does. */
dz__machine dz__run_lanes, dz__run_lanes_avx2, dz__run_lanes_avx512;

/* The same with SLEEF's functions for libm's (kernels/quick.h). */
dz__machine dz__run_quick, dz__run_quick_avx2, dz__run_quick_avx512;

/* The fastest that this processor runs. */
dz__machine *dz__machine_here(void);
dz__machine *dz__machine_quick(void); /* with SLEEF, where dz was built with it */

/* What a machine was compiled for. */
typedef enum dz__isa { DZ__BASE, DZ__AVX2, DZ__AVX512 } dz__isa;
dz__isa dz__machine_isa(dz__machine *m);

/* Runs instructions that compute adjoints, and keeps beside each adjoint whether anything arrived
   structurally; only what did flows on, so that a structural zero carries nothing where a zero would make 0 *
   inf. */
dz__machine dz__run_careful;
bool dz__has_nan(const double *x, size_t n);

#endif
