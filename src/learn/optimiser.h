/* What the methods share. */
#ifndef DZ_LEARN_OPTIMISER_H
#define DZ_LEARN_OPTIMISER_H

#include "dz/learn.h"

/* The state is one array: the head, then `slots` arrays of count numbers. The head's first number is the
   steps taken, as doubles hold them exactly; the rest is lbfgs's. */
enum { DZ__HEAD = 16 };

struct dz_optimiser {
  dz_optimiser_options how;
  const struct dz__method *method;
  size_t count, slots;
  double *state;
  double *work; /* 2 count: the gradient as the method sees it; x of a tape's leaves */
  dz_allocator alloc;
};

static inline double *dz__slot(const dz_optimiser *o, size_t k) { return o->state + DZ__HEAD + k * o->count; }

/* One step of lbfgs with the point, the loss and the gradient there; false when the first point is no place
 * to begin. */
bool dz__lbfgs_step(dz_optimiser *o, double loss, double *x, const double *g);
/* The point that the state is trying; where it has not begun, x stays. */
void dz__lbfgs_point(const dz_optimiser *o, double *x);
/* The best point so far, likewise. */
void dz__lbfgs_best(const dz_optimiser *o, double *x);
/* Whether the head can be one that dz__lbfgs_step left. */
bool dz__lbfgs_possible(const dz_optimiser *o, const double *head);
/* Arrays of the state. */
size_t dz__lbfgs_slots(size_t history);

#endif
