/* Pointwise operations on arrays, with broadcasting: kernels by table, and the walk that feeds them. */
#ifndef DZ_KERNELS_POINTWISE_H
#define DZ_KERNELS_POINTWISE_H

#include "ops/call.h"
#include "ops/op.h"

/* One run of n elements with a fixed step per operand (0 where it is broadcast). z and g are contiguous. */
typedef struct dz__lanes {
  size_t n;
  const double *in[3];
  ptrdiff_t step[3];
  double *z;
  const double *g;
  double *ga; /* reverse: adjoint to add into */
  ptrdiff_t ga_step;
  double tie;
  const double
      *reach; /* careful reverse: which elements of g count, and where to say which of ga were reached */
  double *ga_reach;
} dz__lanes;

typedef struct dz__kernel {
  double (*value)(double x, double y, double w);
  double (*partial[3])(double x, double y, double w, double z, double tie);
  bool mask[3];
  void (*map)(const dz__lanes *l);     /* z = value */
  bool (*pull[3])(const dz__lanes *l); /* ga += partial * g; true when 0*inf was formed */
} dz__kernel;

extern const dz__kernel dz__pointwise[DZ__F_POINTWISE_END];

/* Fills call->out.data. */
void dz__pointwise_forward(dz__fn fn, const dz__call *call);

/* Adds to every wanted call->ga[k]. True when a zero of g met a non-finite partial. */
bool dz__pointwise_reverse(dz__fn fn, const dz__call *call);

/* The same element by element, only where reach is nonzero, marking what is reached: structural zeros carry
 * nothing. */
void dz__pointwise_careful(dz__fn fn, const dz__call *call, const double *reach, double *const *ga_reach);

#endif
