/* Pointwise operations on arrays, with broadcasting: kernels by table, and the walk that feeds them. */
#ifndef DZ_KERNELS_POINTWISE_H
#define DZ_KERNELS_POINTWISE_H

#include "ops/call.h"
#include "ops/op.h"

/* One run of n elements with a fixed step per operand (0 where it is broadcast). z and g are contiguous; ga:
   reverse, the adjoint to add into. Careful reverse: reach says which elements of the whole adjoint count,
   ga_reach is where to say which of the operand's were reached; the run begins at `at` and `ga_at` in them.
 */
#define DZ__LANES(real)                                                                                      \
  {                                                                                                          \
    size_t n;                                                                                                \
    const real *in[3];                                                                                       \
    ptrdiff_t step[3];                                                                                       \
    real *z;                                                                                                 \
    const real *g;                                                                                           \
    real *ga;                                                                                                \
    ptrdiff_t ga_step;                                                                                       \
    double tie;                                                                                              \
    const real *reach;                                                                                       \
    real *ga_reach;                                                                                          \
    ptrdiff_t at, ga_at;                                                                                     \
  }
typedef struct dz__lanes DZ__LANES(double) dz__lanes;
typedef struct dz__lanes_single DZ__LANES(float) dz__lanes_single;

typedef struct dz__kernel {
  double (*value)(double x, double y, double w);
  double (*partial[3])(double x, double y, double w, double z, double tie);
  bool mask[3];
  void (*map)(const dz__lanes *l);     /* z = value */
  bool (*pull[3])(const dz__lanes *l); /* ga += partial * g; true when 0*inf was formed */
  void (*map_single)(const dz__lanes_single *l);
  bool (*pull_single[3])(const dz__lanes_single *l);
} dz__kernel;

extern const dz__kernel dz__pointwise[DZ__F_POINTWISE_END];

/* Fills call->out.data. */
void dz__pointwise_forward(dz__fn fn, const dz__call *call);

/* Adds to every wanted call->ga[k]. True when a zero of g met a non-finite partial. */
bool dz__pointwise_reverse(dz__fn fn, const dz__call *call);

/* The same where all arrays hold floats: each number is computed with doubles and rounded once. */
void dz__pointwise_forward_single(dz__fn fn, const dz__call *call);
bool dz__pointwise_reverse_single(dz__fn fn, const dz__call *call);

/* The same element by element, only where reach is nonzero, marking what is reached: structural zeros carry
 * nothing. */
void dz__pointwise_careful(dz__fn fn, const dz__call *call, const double *reach, double *const *ga_reach);

#endif
