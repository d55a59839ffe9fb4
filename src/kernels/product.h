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

typedef struct dz__matrixf {
  const float *data;
  ptrdiff_t rows, columns, row, column;
} dz__matrixf;

/* c = a b, or c += a b where `add`, with c contiguous, row-major. Sums over k go in a fixed order, and on
   processors that can (dz__product_fuses) each product is rounded together with its sum: among those, and
   among the others, our own kernels give the same bits. Only a row or a column on one side has its products
   rounded first, everywhere. Larger products are CBLAS's where dz was built with it and it makes more of the
   processor, a transposed factor being told so and never copied; they round otherwise. OpenBLAS is then set
   to one thread, for the whole process: with more of them it would cut the matrices, and round, otherwise
   again. */
void dz__product(dz__matrix a, dz__matrix b, double *c, bool add);
void dz__productf(dz__matrixf a, dz__matrixf b, float *c, bool add);

/* The same by our own kernels, with rows of c that are `row` apart. */
void dz__product_rows(dz__matrix a, dz__matrix b, double *c, ptrdiff_t row, bool add);
void dz__product_rowsf(dz__matrixf a, dz__matrixf b, float *c, ptrdiff_t row, bool add);

/* c = a b with a row added to each of its rows, which `bias` may be NULL for; with relu what is negative
   becomes 0: the same bits as one after the other. */
void dz__layer(dz__matrix a, dz__matrix b, const double *bias, bool relu, double *c);
void dz__layerf(dz__matrixf a, dz__matrixf b, const float *bias, bool relu, float *c);

/* The way back from the adjoint g of what such a layer gave, z being that where it had relu, else NULL: g
   becomes the adjoint of the product, and its columns are added to `bias`, which may be NULL. */
void dz__layer_back(ptrdiff_t rows, ptrdiff_t columns, const double *z, double *g, double *bias);
void dz__layer_backf(ptrdiff_t rows, ptrdiff_t columns, const float *z, float *g, float *bias);

/* Whether the processor has a fused multiplication and addition that we use: x86-64 with AVX2 and FMA. */
bool dz__product_fuses(void);

/* What other processors do, on any, of which a test holds the bits: those that do not fuse, and, on those
   that do, what they do without AVX-512. For matrices of at least two rows and columns; add as in
   dz__product. */
void dz__layer_fused(dz__matrix a, dz__matrix b, const double *bias, bool relu, bool add, double *c);
void dz__layer_fusedf(dz__matrixf a, dz__matrixf b, const float *bias, bool relu, bool add, float *c);
void dz__layer_plain(dz__matrix a, dz__matrix b, const double *bias, bool relu, bool add, double *c);
void dz__layer_plainf(dz__matrixf a, dz__matrixf b, const float *bias, bool relu, bool add, float *c);
void dz__layer_back_plain(ptrdiff_t rows, ptrdiff_t columns, const double *z, double *g, double *bias);
void dz__layer_back_plainf(ptrdiff_t rows, ptrdiff_t columns, const float *z, float *g, float *bias);

/* A product for a matrix of adjoints g and a factor b that may hold infinities or NaN: elements of g for
   which reached (laid out as g; may be NULL) is 0 are left out. Element (i, j) of c is c[i * row + j *
   column]. True when another zero of g met a b that is not finite. */
bool dz__product_add_careful(dz__matrix g, dz__matrix b, const double *reached, double *c, ptrdiff_t row,
                             ptrdiff_t column);
bool dz__product_add_carefulf(dz__matrixf g, dz__matrixf b, const float *reached, float *c, ptrdiff_t row,
                              ptrdiff_t column);

#endif
