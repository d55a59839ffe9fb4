/* Slopes where a value is near the end of the range of numbers and the slope is not, and extremes of the
   largest numbers. */
#include "dz/pointwise.h"
#include "dz/sweep.h"
#include "dz/tensor.h"

#include "on_tape.h"

#include <math.h>

/* d x^y / dy = x^y ln x with ln 10 = 2.302585092994045684: x^y has few bits left or none, the slope all. */
START_TEST(powers_too_small_to_have_bits) {
  static const struct {
    double x, y, slope;
  } of[] = {{1e-155, 2, -3.5690068941407708e-308},
            {1e-310, 1, -7.1380137882815416e-308},
            {1e-77, 4, -1.7729905216054152e-306},
            {1e-100, 3.07, -2.3025850929940457e-305}};
  for (size_t k = 0; k < COUNT(of); k++) {
    const dz_var y = dz_input(tape, of[k].y);
    ck_assert_int_eq(dz_backward(dz_pow(of[k].x, y)), DZ_OK);
    ck_assert_msg(fabs(dz_adjoint(y) / of[k].slope - 1) <= 1e3 * 0x1p-52, "%.17g", dz_adjoint(y));
  }
}
END_TEST

START_TEST(extremes_of_the_largest) {
  const dz_var x = dz_leaf_tensor(tape, DZ_ROLE_INPUT, DIMS(2), V(1e308, 1.5e308)), y = dz_neg(x);
  ck_assert(dz_value(dz_max(x, DZ_ALL, false)) == 1.5e308 && dz_value(dz_min(x, DZ_ALL, false)) == 1e308);
  ck_assert(dz_value(dz_max(y, DZ_ALL, false)) == -1e308 && dz_value(dz_min(y, DZ_ALL, false)) == -1.5e308);
}
END_TEST

SUITE_ON_TAPE(ONCE(powers_too_small_to_have_bits), ONCE(extremes_of_the_largest))
