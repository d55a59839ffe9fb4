/* Sparse Jacobians and Hessians: which elements can be other than 0, in how few products all of them can be
   had, and those products.

   Three steps. A pattern is found once. A colouring of it says which columns (or rows) may be computed in one
   product, and is kept as long as the pattern holds: it does not belong to any tape. Values are then computed
   as often as wanted, at any point and on any recording whose elements depend on each other as the pattern
   says (a branch taken another way, or another position read, may need another pattern).

   Rows are the elements of ys, one node after another, columns those of the leaves xs, each row-major. */
#ifndef DZ_SPARSE_H
#define DZ_SPARSE_H

#include "dz/tape.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- patterns ---- */

/* Compressed rows: row i has the columns column[starts[i]] … column[starts[i + 1] - 1], ascending. Read
   only. */
typedef struct dz_pattern {
  size_t rows, columns;
  const size_t *starts; /* rows + 1 of them */
  const uint32_t *column;
} dz_pattern;

/* The pattern of the Jacobian of ys by the active leaves xs. It holds for every value of the leaves: both
   branches of a choice count, all candidates of a maximum, and elements that happen to be 0. `limit` bounds
   the number of elements (0: none but memory). `a` may be NULL (malloc). *pattern is to be freed with
   dz_pattern_free; it is NULL after an error. DZ_ERR_HANDLE, DZ_ERR_ARGUMENT (NULL, a count < 0, no active
   leaf), DZ_ERR_LIMIT (more elements, or columns than 2^32 - 1), DZ_ERR_MEMORY; the tape's error where it has
   one. The tape is left as it was. Cost: one pass over the nodes, in which sets of up to 64 columns are
   merged as sorted lists and larger ones are kept as unions of shared parts; then, for each row, the parts
   it is made of. Griewank and Walther, Evaluating Derivatives, 2nd ed., 7.1. */
DZ_API dz_status dz_jacobian_pattern(int rows, const dz_var *ys, int count, const dz_var *xs, size_t limit,
                                     const dz_allocator *a, dz_pattern **pattern);

/* The pattern of the Hessian of the scalar y by the active leaves xs: symmetric, rows and columns the
   elements of xs. The same as above otherwise. Cost: besides, the gradient as nodes (dz_grad), which are
   dropped again. */
DZ_API dz_status dz_hessian_pattern(dz_var y, int count, const dz_var *xs, size_t limit,
                                    const dz_allocator *a, dz_pattern **pattern);

/* A pattern that is known: the arrays are copied. DZ_ERR_ARGUMENT when they are no pattern (NULL, starts that
   do not begin with 0 or fall, columns that are out of range or do not ascend), DZ_ERR_LIMIT,
   DZ_ERR_MEMORY. */
DZ_API dz_status dz_pattern_new(size_t rows, size_t columns, const size_t *starts, const uint32_t *column,
                                const dz_allocator *a, dz_pattern **pattern);

/* NULL is fine. */
DZ_API void dz_pattern_free(dz_pattern *pattern);

/* ---- colourings ---- */

/* How elements are packed into products. */
typedef enum dz_coloring_kind {
  DZ_COLORING_FEWEST,  /* columns or rows, whichever needs fewer products */
  DZ_COLORING_COLUMNS, /* J s with forward sweeps: columns of a colour share no row */
  DZ_COLORING_ROWS,    /* u J with reverse sweeps: rows of a colour share no column */
  DZ_COLORING_STAR     /* for Hessians: symmetric, every path of four vertices has three colours */
} dz_coloring_kind;

typedef struct dz_coloring dz_coloring;

/* A colouring of the pattern, which is copied. *coloring is to be freed with dz_coloring_free; it is NULL
   after an error. DZ_ERR_ARGUMENT (NULL; a star colouring of a pattern that is not symmetric), DZ_ERR_MEMORY.
   Greedy, dense columns first. Cost: columns and rows, the sum of squares of the number of elements in each
   row (column); star, about the sum over elements of the smaller of its row's and its column's number of
   elements. Gebremedhin, Manne, Pothen, What color is your Jacobian?, SIAM Review 47 (2005): partial
   distance-2 colouring 3.4, star colouring 4.2, recovery 6. */
DZ_API dz_status dz_coloring_new(const dz_pattern *pattern, dz_coloring_kind kind, const dz_allocator *a,
                                 dz_coloring **coloring);
/* NULL is fine. */
DZ_API void dz_coloring_free(dz_coloring *coloring);
/* The number of products, and so of sweeps, that one evaluation takes. 0 for NULL. Cost O(1). */
DZ_API size_t dz_coloring_products(const dz_coloring *coloring);
/* Which it is (never FEWEST); FEWEST for NULL. Cost O(1). */
DZ_API dz_coloring_kind dz_coloring_kind_of(const dz_coloring *coloring);
/* The pattern, owned by the colouring: the meaning of the values below. NULL for NULL. Cost O(1). */
DZ_API const dz_pattern *dz_coloring_pattern(const dz_coloring *coloring);

/* ---- values ---- */

/* values[e] = the Jacobian's element in column[e] of its row, for every e < starts[rows]. ys and xs are as in
   the pattern. An element outside the pattern is taken for 0: if it is not, values are wrong. One thread at a
   time for each colouring. DZ_ERR_SHAPE (sizes that are not the pattern's), otherwise the errors of
   dz_tangents; `values` is then unspecified. By rows, the adjoints of the last reverse sweep are lost. Cost:
   dz_coloring_products sweeps; no allocation after the first call. */
DZ_API dz_status dz_sparse_jacobian(dz_coloring *coloring, int rows, const dz_var *ys, int count,
                                    const dz_var *xs, double *values);

/* The same for the Hessian of the scalar y: each element of the pattern, both triangles. Cost: the gradient
   as nodes (dz_grad), which are dropped again, and dz_coloring_products forward sweeps over them. Where the
   gradient is at hand as nodes, dz_sparse_jacobian of it does the same. */
DZ_API dz_status dz_sparse_hessian(dz_coloring *coloring, dz_var y, int count, const dz_var *xs,
                                   double *values);

#ifdef __cplusplus
}
#endif
#endif
