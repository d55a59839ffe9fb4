/* What the kernels' formulas of partials say. */
#ifndef DZ_PLAN_FORMULAS_H
#define DZ_PLAN_FORMULAS_H

#include <stdbool.h>

/* Whether partial k of a pointwise operation is a mask, which lets nothing through where it is 0; and whether
   it reads x, y, w or z. */
bool dz__is_mask(unsigned fn, unsigned k);
bool dz__partial_reads(unsigned fn, unsigned k, char operand);

#endif
