/* The matrix product under matmul, forward and reverse: strides on both factors, so that a transposed factor
   is the same matrix with its strides exchanged. */
#ifndef DZ_KERNELS_PRODUCT_H
#define DZ_KERNELS_PRODUCT_H

#include <stdbool.h>
#include <stddef.h>

/* Element (i, j) is data[i * row + j * column]. */
typedef struct dz__matrix {
  const double *data;
  ptrdiff_t rows, columns, row, column;
} dz__matrix;

static inline dz__matrix dz__transposed(dz__matrix a) {
  return (dz__matrix){a.data, a.columns, a.rows, a.column, a.row};
}

/* c += a b, with c contiguous, row-major. Sums over k go in order within blocks of fixed length, then block
   by block: the result does not depend on anything but the operands. */
void dz__product_add(dz__matrix a, dz__matrix b, double *c);

/* The same for a matrix of adjoints g and a factor b that may hold infinities or NaN: elements of g for which
   reached (laid out as g; may be NULL) is 0 are left out. Element (i, j) of c is c[i * row + j * column].
   True when another zero of g met a b that is not finite. */
bool dz__product_add_careful(dz__matrix g, dz__matrix b, const double *reached, double *c, ptrdiff_t row,
                             ptrdiff_t column);

#endif
