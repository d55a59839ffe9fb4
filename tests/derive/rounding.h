/* How far a scalar graph's value may be off by rounding. */
#ifndef DZ_TESTS_ROUNDING_H
#define DZ_TESTS_ROUNDING_H

#include "dz/tape.h"
#include "kernels/pointwise.h"

#include <check.h>
#include <float.h>
#include <math.h>

enum { ROUNDING_MOST_NODES = 50000 };

static inline bool is_whole(double x) { return x == floor(x) && fabs(x) < 0x1p53; }

/* Node by node the operands' errors times the partials, and 8 u of the value (16 u of the gamma class), to
   first order. */
static inline double rounding(dz_var y) {
  static double error[ROUNDING_MOST_NODES];
  const size_t n = dz_node_index(y) + 1;
  ck_assert_uint_lt(n, ROUNDING_MOST_NODES);
  for (size_t i = 0; i < n; i++) {
    const dz_var z = dz_node_at(y.tape, i);
    const dz_node d = dz_describe(z);
    error[i] = 0;
    if (d.role != DZ_ROLE_NONE) continue;
    const dz__fn fn = dz__fn_by_name(d.op, strlen(d.op));
    double v[3] = {0, 0, 0};
    for (int k = 0; k < d.nargs; k++) v[k] = dz_value(dz_operand(z, k));
    const bool gamma =
        fn == DZ__F_lgamma || fn == DZ__F_tgamma || fn == DZ__F_digamma || fn == DZ__F_polygamma;
    const bool exact = fn <= DZ__F_mul && is_whole(v[0]) && is_whole(v[1]) && is_whole(dz_value(z));
    error[i] = exact ? 0 : (gamma ? 16 : 8) * 0x1p-53 * fabs(dz_value(z)) + 4 * DBL_TRUE_MIN;
    for (int k = 0; k < d.nargs; k++) {
      const dz_var x = dz_operand(z, k);
      const double of = dz_is_number(x) ? 0 : error[dz_node_index(x)];
      const double p = dz__pointwise[fn].partial[k](v[0], v[1], v[2], dz_value(z), .5);
      if (of != 0 && p != 0) error[i] += fabs(p) * of;
    }
  }
  return error[n - 1];
}

#endif
