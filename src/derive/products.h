/* Products with a Jacobian from the left, by reverse sweeps. */
#ifndef DZ_DERIVE_PRODUCTS_H
#define DZ_DERIVE_PRODUCTS_H

#include "tape/tape.h"

/* All outputs as one vector, recorded at the end of the tape. */
typedef struct dz__rows {
  dz_tape *tape;
  dz_var flat;
  dz_mark before, after;
} dz__rows;

/* An error is the tape's. End it also then: the tape is rewound to where it was. */
dz_status dz__rows_begin(dz__rows *r, int rows, const dz_var *ys);
void dz__rows_end(dz__rows *r);

/* out = the sum of those rows of the Jacobian whose numbers are listed: the elements of all xs. The others
   are structural zeros. */
dz_status dz__rows_sum(dz__rows *r, size_t n, const double *numbers, int count, const dz_var *xs,
                       double *out);

#endif
