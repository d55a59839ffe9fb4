/* The three functions of every line of tensor.def, and what their kernels share. */
#ifndef DZ_KERNELS_TENSOR_H
#define DZ_KERNELS_TENSOR_H

#include "ops/call.h"

#define OWN(name)                                                                                            \
  dz__forward dz__forward_##name##_single;                                                                   \
  dz__reverse dz__reverse_##name##_single;
#define CONVERTED(name)
#define TENSOR(name, least, most, signature, spread, scratch, tangent, carries, floats, what)                \
  dz__shape_rule dz__shape_##name;                                                                           \
  dz__forward dz__forward_##name;                                                                            \
  dz__reverse dz__reverse_##name;                                                                            \
  floats(name)
#include "ops/tensor.def"
#undef TENSOR
#undef OWN
#undef CONVERTED

/* Masks of max and min reach the elements that share the gradient; of matmul, a row and a column; of
   solve, a column and the matrix. */
dz__reverse dz__spread_extreme, dz__spread_matmul, dz__spread_solve;

/* Tangents: linear in all operands, in the first alone (the others are positions), or neither. */
dz__tangent dz__tangent_linear, dz__tangent_first, dz__tangent_reduce, dz__tangent_cumprod,
    dz__tangent_matmul, dz__tangent_solve;

/* The row for what users define: each goes to the function of call->user's row. */
dz__shape_rule dz__shape_user;
dz__forward dz__forward_user;
dz__reverse dz__reverse_user, dz__spread_user;
dz__tangent dz__tangent_user;

/* What rounding to floats makes 1 of noise becomes the largest float below. */
void dz__keep_below_one(float *x, size_t n);

/* Whether element i of g is known to be a structural zero: nothing flows from it. */
static inline bool dz__dead(const dz__call *call, ptrdiff_t i) {
  return call->reached && call->reached[i] == 0;
}

/* ga += p g. True when a zero of g met a partial p that is not finite. */
static inline bool dz__pull(double *ga, double p, double g) {
  double c = p * g;
  *ga += c;
  return (c != c) & (g == 0);
}

#endif
