/* Several gradients of scalars by one reverse sweep. */
#ifndef DZ_TAPE_ROWS_H
#define DZ_TAPE_ROWS_H

#include "tape/tape.h"

/* Whether it can be done on this tape: all its nodes are scalars, and doubles. */
bool dz__rows_suit(const dz_tape *t);

/* The gradients of n (1 to DZ__ROWS) scalar nodes: row k of the leaf with number j is leaf_rows[j][k]. Where
   it is not sound, a NaN arose that may be no part of any gradient: then each has to be swept on its own. The
   adjoints of other sweeps stay. */
dz_status dz__sweep_rows(dz_tape *t, int n, const dz_var *ys, bool *sound);

/* The n rows of the last sweep at active scalar leaves, one after the other. */
void dz__read_rows(const dz_tape *t, int n, int count, const dz_var *xs, double *out);

#endif
