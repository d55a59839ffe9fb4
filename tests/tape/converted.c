/* Tapes of floats: operations that have kernels of doubles only. */
#define NEW_TAPE dz_tape_new_single
#include "dz/sweep.h"
#include "dz/tensor.h"

#include "on_tape.h"

static dz_var tensor(size_t n, const double *values) {
  return dz_leaf_tensor(tape, DZ_ROLE_INPUT, 1, &n, values);
}

/* By values and adjoints as doubles, which are small whole numbers and halves. */
START_TEST(gradients_by_kernels_of_doubles) {
  const float norms[] = {.6f, .8f, 0, 1}, products[] = {9, 4, 2};
  const dz_var u = dz_leaf_tensor(tape, DZ_ROLE_PARAM, 2, (size_t[]){2, 2}, V(3, 4, 0, 5)),
               v = tensor(3, V(1, 2, 3)),
               a = dz_leaf_tensor(tape, DZ_ROLE_DATA, 2, (size_t[]){2, 2}, V(2, 0, 0, 4)),
               b = tensor(2, V(2, 8));
  ck_assert_int_eq(dz_backward(dz_sum(dz_norm(u, 1, false), 0, false)), DZ_OK);
  for (int k = 0; k < 4; k++) ck_assert(dz_adjoints_single(u)[k] == norms[k]);
  ck_assert_int_eq(dz_backward(dz_sum(dz_cumprod(v, 0), 0, false)), DZ_OK);
  for (int k = 0; k < 3; k++) ck_assert(dz_adjoints_single(v)[k] == products[k]);
  const dz_var x = dz_solve(a, b);
  ck_assert(dz_values(x)[0] == 1 && dz_values(x)[1] == 2);
  ck_assert_int_eq(dz_backward(dz_sum(x, 0, false)), DZ_OK);
  ck_assert(dz_adjoints_single(b)[0] == .5f && dz_adjoints_single(b)[1] == .25f);
  ck_assert_int_eq(dz_tape_error(tape)->status, DZ_OK);
}
END_TEST

SUITE_ON_TAPE(ONCE(gradients_by_kernels_of_doubles))
