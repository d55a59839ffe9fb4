/* Where and how closely the special functions are compared with the same in __float128. */
#ifndef DZ_TESTS_IN_ULPS_H
#define DZ_TESTS_IN_ULPS_H

#include "kernels/pointwise.h"
#include "suite.h"

#include "../quad.h"
#include "dice.h"

#include <float.h>

/* As the library has them compiled: by the rows of pointwise.def that they are the values of. */
#define VALUE(name)                                                                                          \
  static double name(double x) { return dz__pointwise[DZ__F_##name].value(x, 0, 0); }
#define VALUE_OF_TWO(name)                                                                                   \
  static double name(double x, double y) { return dz__pointwise[DZ__F_##name].value(x, y, 0); }

/* Half log-uniform over 1e±300 in size, of both signs; the others uniform around 0 and, for a quarter, within
   some ULPs of the thresholds in the code, of the functions' zeros and of where they underflow or overflow.
 */
static inline double point(void) {
  static const double edge[] = {1,
                                2,
                                10,
                                0.25,
                                0.5,
                                0.75,
                                1.4616321449683622,
                                -0.5040830082644554,
                                28.284271247461902,
                                26.5,
                                27.29,
                                708.39,
                                709.78,
                                744.44,
                                745.13,
                                36.7,
                                0.6931471805599453,
                                13,
                                14,
                                18,
                                22,
                                800};
  switch ((int)uniform(0, 8)) {
  case 0:
  case 1:
  case 2:
  case 3:
    return copysign(pow(10, uniform(-300, 300)), uniform(-1, 1));
  case 4:
    return uniform(-2, 2);
  case 5:
    return uniform(-50, 50);
  default: {
    const double x = edge[(int)uniform(0, sizeof edge / sizeof *edge)];
    return copysign(x * (1 + floor(uniform(-9, 9)) * 0x1p-52), uniform(-1, 1) * x);
  }
  }
}

enum { POINTS = 40000 };

typedef struct worst {
  const char *name;
  double error, x, y;
} worst;

static inline void note(worst *w, double error, double x, double y) {
  if (!(error < w->error)) *w = (worst){w->name, error, x, y};
}

static inline void settle(const worst *w, double bound) {
  printf("%-12s worst %.3f ULP at %a, %a\n", w->name, w->error, w->x, w->y);
  ck_assert_msg(w->error <= bound, "%s: %g ULP at %a, %a: more than %g", w->name, w->error, w->x, w->y,
                bound);
}

#endif
