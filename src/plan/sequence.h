/* Sequences: a recurrence, recorded step after step, becomes one loop whose body carries state. */
#ifndef DZ_PLAN_SEQUENCE_H
#define DZ_PLAN_SEQUENCE_H

#include "plan/roll.h"

/* Operations are numbered in the order of recording, leaves left out. Steps of `period` operations each stand
   one after another from number `first` on. */
typedef struct dz__steps {
  uint32_t *op;     /* per number its node */
  uint32_t *number; /* per node; DZ__NO_NODE for leaves */
  size_t ops, first, period, steps;
} dz__steps;

/* Finds a recurrence of at least DZ__LEAST_STEPS steps whose state grows from step to step, not only by
   adding up what steps give: such sums are for lanes. s->steps is 0 when there is none. False when memory is
   out. In either case op and number are to be freed, which have room for one more than g has nodes or are
   NULL. */
enum { DZ__LEAST_STEPS = 16 };
bool dz__find_steps(const dz__graph *g, dz__steps *s);

/* The steps of g become a group of r, and a call in g. False when memory is out; g is then as it was. */
bool dz__contract(dz__graph *g, const dz__steps *s, dz__rolled *r);

/* Both, as often as there is something to find. */
bool dz__roll_sequences(dz__graph *g, dz__rolled *r);

#endif
