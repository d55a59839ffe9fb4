/* Results for people: a name and a number or tensor per row, points under points. */
#ifndef DZ_CLI_TABLE_H
#define DZ_CLI_TABLE_H

#include "buffer.h"
#include "dz/tape.h"

typedef struct row {
  const char *label;
  const char *word; /* shown instead of a value when not NULL */
  int rank;
  size_t dims[DZ_MAX_RANK];
  const double *values;
} row;

/* Tensors are nested lists; of long axes only the ends are shown, and the shape behind. digits as
 * dz_number_write. */
void table_add(buffer *out, const row *rows, size_t count, int digits);

/* "note: ..." lines: what the library remarks on the numbers. */
void table_notes(buffer *out, const dz_tape *t);

#endif
