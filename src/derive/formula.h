/* A scalar formula over x, y, w and z as a list of the table's operations: run on numbers, or recorded as
   nodes. */
#ifndef DZ_DERIVE_FORMULA_H
#define DZ_DERIVE_FORMULA_H

#include "tape/tape.h"

enum { DZ__FORMULA_INPUTS = 4, DZ__FORMULA_Z = 3, DZ__FORMULA_MOST = 65535 };

/* Slots are the inputs, then one for each step. */
typedef struct dz__formula_step {
  uint32_t fn; /* DZ__F_END: a number */
  uint32_t arg[3];
  double number;
} dz__formula_step;

typedef struct dz__formula {
  dz__formula_step *step;
  size_t n, cap;
  uint32_t result; /* a slot */
} dz__formula;

/* What y is made of, down to the inputs; in[k] is {0} where there is none. Refuses what is not elementwise
   over the inputs and constants, with its place in the text (DZ_ERR_ARGUMENT, DZ_ERR_LIMIT, DZ_ERR_MEMORY).
   An operation defined by text gives its own steps. False after an error; *f is to be freed all the same. */
bool dz__formula_of(const dz_allocator *a, dz_var y, const dz_var in[DZ__FORMULA_INPUTS], dz__formula *f,
                    dz_error *e);
void dz__formula_free(const dz_allocator *a, dz__formula *f);

/* With the inputs in slot[0 … 3] and room for all steps. */
double dz__formula_value(const dz__formula *f, double *slot);

/* The steps as nodes of t. An invalid handle after an error of the tape. */
dz_var dz__formula_record(const dz__formula *f, dz_tape *t, const dz_var in[DZ__FORMULA_INPUTS]);

#endif
