/* What an operation of pointwise.def gives on a tape of floats: points to try, and how far off it is. */
#ifndef DZ_TESTS_FLOATS_H
#define DZ_TESTS_FLOATS_H

#include "dice.h"
#include "ops/op.h"
#include "oracle.h"

/* The distance of neighbouring floats at |x|. */
static inline quad float_ulp(quad x) {
  int e;
  frexpq(x, &e);
  return ldexpq(1, (x == 0 || e < -125 ? -125 : e) - 24);
}

static inline double error_of(double got, quad exact) {
  return (double)(fabsq(got - exact) / float_ulp(exact));
}

/* An order that must be a whole number, and that nothing flows to. */
static inline bool is_order(const dz__op *op, int k) {
  return k == 0 && oracle_listed(op->name, "polygamma");
}

/* Floats inside the row's sample domain. */
static inline void draw_point(const dz__op *op, double *at) {
  for (int k = 0; k < op->arity; k++) {
    at[k] = (double)(float)uniform(op->low, op->high);
    if (is_order(op, k)) at[k] = round(at[k]);
  }
}

#endif
