/* The virtual machine. */
#ifndef DZ_PLAN_MACHINE_H
#define DZ_PLAN_MACHINE_H

#include "plan/program.h"

#include <stddef.h>

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

/* Workspaces and tables begin where a vector of the widest machine may: half the accesses would cross a line
   of the cache otherwise. The caller has room for as much more. */
enum { DZ__LINE = 64 };
static inline double *dz__lined(const void *p) {
  return (double *)(((uintptr_t)p + DZ__LINE - 1) / DZ__LINE * DZ__LINE);
}

/* Runs instructions up to `end`, or a call, which it returns. `n` lanes exist; a number that is no multiple
   of the vector's is only run with accumulators of its own. */
typedef const dz__instruction *dz__machine(const dz__view *v, const dz__instruction *at,
                                           const dz__instruction *end, size_t n);

/* A line of the table for n numbers: the value; a partial times the adjoint in[4], `in` being x y w z g;
   value and slope. Beside each machine stand its own, NAME_rows. */
typedef struct dz__row {
  void (*value)(size_t n, const double *x, const double *y, const double *w, double *z);
  void (*partial[3])(size_t n, const double *const *in, double tie, bool add, double *d);
  void (*both)(size_t n, const double *x, double *z, double *slope); /* NULL: they have nothing in common */
} dz__row;

/* For one lane. */
dz__machine dz__run_one;
extern const dz__row dz__run_one_rows[];

/* What stands for each step moves on: by 1 or -1, registers by so many numbers. */
static inline void dz__next_step(dz__view *v, ptrdiff_t by, ptrdiff_t registers) {
  v->first += (size_t)by;
  if (v->index) v->index += by;
  v->base[DZ__OUT] += registers;
  v->base[DZ__REG] += registers;
  v->base[DZ__DIRECT] += by;
  v->base[DZ__ROW] += by;
  v->base[DZ__INS] += by;
}
/* The instructions for so many steps. */
void dz__run_steps(dz__view *v, const dz__instruction *at, const dz__instruction *end, size_t steps,
                   ptrdiff_t by, ptrdiff_t registers);

/* A sequence, in the program around it; `rows` is the table for many steps. */
void dz__run_sequence(const dz__view *around, const dz__loop *l, unsigned mode, const dz__row *rows,
                      bool careful);

/* What C functions compute. */
void dz__run_outside(const dz__view *around, const dz__loop *l, unsigned mode, bool careful);

/* For vectors of lanes, compiled for several processors. They give the same numbers, bit for bit, but for
   what libm does. */
dz__machine dz__run_lanes, dz__run_lanes_avx2, dz__run_lanes_avx512;
extern const dz__row dz__run_lanes_rows[], dz__run_lanes_avx2_rows[], dz__run_lanes_avx512_rows[];

/* The same with SLEEF's functions for libm's (kernels/quick.h). */
dz__machine dz__run_quick, dz__run_quick_avx2, dz__run_quick_avx512;
extern const dz__row dz__run_quick_rows[], dz__run_quick_avx2_rows[], dz__run_quick_avx512_rows[];

/* The fastest that this processor runs. */
dz__machine *dz__machine_here(void);
dz__machine *dz__machine_quick(void); /* with SLEEF, where dz was built with it */

/* What a machine was compiled for. */
typedef enum dz__isa { DZ__BASE, DZ__AVX2, DZ__AVX512 } dz__isa;
dz__isa dz__machine_isa(dz__machine *m);
const dz__row *dz__machine_rows(dz__machine *m);
bool dz__machine_is_quick(dz__machine *m);

/* Runs instructions that compute adjoints, and keeps beside each adjoint whether anything arrived
   structurally; only what did flows on, so that a structural zero carries nothing where a zero would make 0 *
   inf. */
dz__machine dz__run_careful;
bool dz__has_nan(const double *x, size_t n);

#endif
