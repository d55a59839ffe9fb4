/* LU factors with partial pivoting, and solving with them. G. H. Golub and C. F. Van Loan, Matrix
   Computations, 4th ed., 3.4 and 3.5. */
#ifndef DZ_KERNELS_LU_H
#define DZ_KERNELS_LU_H

#include <stdbool.h>
#include <stddef.h>

/* A matrix and its factors, both row-major: n rows of n hold L below the diagonal, whose own is 1, and U; one
   row more holds the pivots: step k exchanged rows k and pivot[k], or -1 - pivot[k] where these are the
   factors of 2^-64 times the matrix. */
typedef struct dz__system {
  const double *a, *lu;
  size_t n;
  bool transposed; /* solves a^T x = b */
} dz__system;

/* The factors of a, of 2^-64 a where its own would overflow. A column without a pivot is left as it is, with
   a zero on U's diagonal. */
void dz__lu_factor(const double *a, double *lu, size_t n);

bool dz__lu_singular(const double *lu, size_t n);

/* The largest magnitude among x; NaN where one of them is. */
double dz__largest(const double *x, size_t n);

/* x, at every `stride`-th place, becomes the solution of the system for the right-hand side x. */
void dz__lu_solve(const dz__system *s, double *x, size_t stride);

/* The solution for b, both with that stride, and one step of iterative refinement, x += solution for b - a x,
   which is kept where it is finite; that makes the backward error small element by element (N. J. Higham,
   Accuracy and Stability of Numerical Algorithms, 2nd ed., 12.3). `room` holds n numbers; NULL: no
   refinement. All NaN where the matrix is singular. */
void dz__lu_refined(const dz__system *s, const double *b, double *x, size_t stride, double *room);

/* y -= a x, or a^T x where the system is transposed. y has stride 1. */
void dz__lu_subtract_product(const dz__system *s, const double *x, size_t stride, double *y);

#endif
