/* The table of hard points, boundaries.def. */
#ifndef DZ_OPS_BOUNDARY_H
#define DZ_OPS_BOUNDARY_H

#include "ops/op.h"

typedef struct dz__boundary {
  const char *op, *kind, *point, *answer;
  dz__fn fn;                                /* DZ__F_END for a function of the prelude */
  bool (*at)(double x, double y, double w); /* the point of a pointwise operation; NULL for others */
} dz__boundary;

/* Rows in the order of dz__fn, those of the prelude last. */
extern const dz__boundary dz__boundaries[];
extern const size_t dz__boundary_total;

/* Whether fn has a point of this kind at these operands. Cost: a binary search, then fn's own rows. */
bool dz__at_boundary(dz__fn fn, const char *kind, double x, double y, double w);

#endif
