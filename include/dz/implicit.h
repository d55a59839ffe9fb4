/* Implicit functions: x is defined by an equation, x = F(x, p) or G(x, p) = 0, and found by iterating.
   Derivatives are those of the solution, d x / d p = -(dG/dx)^-1 dG/dp, not of the iterations, of which the
   tape keeps nothing.

   What is recorded is the solution x0 as a constant, G(x0, p) once, and one Newton step x0 - J^-1 G(x0, p),
   with the numbers of J = dG/dx held. Its value is the solution, and its slope to p is the one above. So
   sweeps, forward mode, dz_grad and pictures take it as any other part of the tape: in reverse it is one
   linear solve with J^T and one sweep of G. Each such step with the same J gives one more order of
   derivatives: dz_implicit_options.order. (A. Griewank and A. Walther, Evaluating Derivatives, 2nd ed., 15;
   the linear case is dz_solve.)

   J is dense: its LU factors solve the system also where iterating the transposed sweep would not converge,
   and cost n forward sweeps of G and n^3 operations, which for n up to some hundreds is less than iterating.
 */
#ifndef DZ_IMPLICIT_H
#define DZ_IMPLICIT_H

#include "dz/tape.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Records F(x) or G(x) on t: a node of x's shape, made of x and of whatever else stands on t already. It is
   called many times, at other x, and what it records is dropped again but for the last time; it must give the
   same for the same, and must not rewind or clear t. It may itself use dz_root and dz_fixed_point. */
typedef dz_var dz_equation(dz_tape *t, dz_var x, void *user);

/* All 0 for what is usual. */
typedef struct dz_implicit_options {
  bool solved;      /* the start is the solution: nothing is iterated */
  int limit;        /* iterations at most; 0: 1000 for a fixed point, 50 for a root */
  double tolerance; /* of the last change, relative to the largest element of x; 0: 2^-40 (2^-18 on a tape of
                       floats), which a last Newton step then takes to rounding */
  int order; /* derivatives up to this order are exact; 0: 1. More are 0 or wrong, so ask for what you take */
} dz_implicit_options;

/* The x of x = F(x), by x <- F(x) from `start`: a number or a node of t, whose value alone counts. The result
   is a node of its shape. F must be a contraction around the solution, unless `solved` is set. After an error
   an invalid handle, and the tape keeps it: DZ_ERR_ARGUMENT (NULL, options out of range; J is singular or not
   finite at the solution, so that there is no slope), DZ_ERR_LIMIT (no convergence: the message says after
   how many iterations, and the last change), DZ_ERR_HANDLE, DZ_ERR_SHAPE (F's result), DZ_ERR_MEMORY, or an
   error in F. Cost: for n elements, the iterations; two to four Jacobians (n forward sweeps each, from the
   start of the last recording of F) and LU factors; room for 2 n^2 elements, of which half stays on the tape.
 */
DZ_API dz_var dz_fixed_point(dz_tape *t, dz_equation *f, void *user, dz_var start,
                             const dz_implicit_options *options);

/* The x of G(x) = 0 near `start`, by Newton's method, each step halved while G does not get smaller. Errors
   as above, and DZ_ERR_ARGUMENT where J is singular on the way. Cost: as above, with one Jacobian and LU
   factors for each iteration. */
DZ_API dz_var dz_root(dz_tape *t, dz_equation *g, void *user, dz_var start,
                      const dz_implicit_options *options);

#ifdef __cplusplus
}
#endif

#ifndef __cplusplus
#include "dz/pointwise.h"
#define dz_fixed_point(t, f, user, start, options) DZ__HERE(dz_fixed_point(t, f, user, DZ__V(start), options))
#define dz_root(t, g, user, start, options) DZ__HERE(dz_root(t, g, user, DZ__V(start), options))
#endif
#endif
