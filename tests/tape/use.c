#include "tape/use.h"

#include "dz/tensor.h"
#include "on_tape.h"

#include <math.h>

static double share(dz_var x, int k) {
  double out;
  ck_assert(dz__use_adjoint(x, k, &out));
  return out;
}

/* Seed times partial, worked out by hand. */
START_TEST(scalar_uses) {
  dz_var x = dz_input(tape, 3), y = dz_input(tape, 2);
  dz_var product = dz_mul(x, y), same = dz_mul(x, x), from = dz_sub(1, x), most = dz_fmax(x, x);
  dz_var f = dz_add(dz_add(product, same), dz_add(from, most));
  ck_assert_int_eq(dz_backward_with(f, 10), DZ_OK);
  ck_assert_double_eq(share(product, 0), 20);
  ck_assert_double_eq(share(product, 1), 30);
  ck_assert_double_eq(share(same, 0), 30);
  ck_assert_double_eq(share(same, 1), 30);
  ck_assert_double_eq(share(from, 1), -10);
  ck_assert_double_eq(share(most, 0), 5);
  ck_assert_double_eq(share(most, 1), 5);
  ck_assert_double_eq(dz_adjoint(x), 20 + 30 + 30 - 10 + 5 + 5);
}
END_TEST

/* A tensor that meets itself, a row of itself and a number: uses add up to the whole, element by element. */
START_TEST(tensor_uses_add_up) {
  size_t dims[] = {2, 3};
  dz_var x = dz_leaf_tensor(tape, DZ_ROLE_INPUT, 2, dims, (double[]){1, -2, 3, 4, 5, -6});
  dz_var row = dz_at(x, 0, 1), square = dz_mul(x, x), wide = dz_mul(square, row);
  dz_var larger = dz_fmax(x, row), norm = dz_norm(x, DZ_ALL, false);
  dz_var inner = dz_matmul(x, dz_transpose(x)), picked = dz_where(dz_gt(x, 0), x, 1);
  dz_var f = dz_add(dz_sum(wide, DZ_ALL, false), dz_sum(larger, DZ_ALL, false));
  f = dz_add(f, dz_add(norm, dz_sum(inner, DZ_ALL, false)));
  f = dz_add(f, dz_sum(picked, DZ_ALL, false));
  ck_assert_int_eq(dz_backward(f), DZ_OK);
  double sum[6] = {0}, size[6] = {0}, part[6];
  for (size_t i = 0; i < dz_tape_size(tape); i++) {
    dz_var user = dz_node_at(tape, i);
    for (int k = 0; k < dz_describe(user).nargs; k++) {
      if (dz_node_index(dz_operand(user, k)) != dz_node_index(x)) continue;
      ck_assert(dz__use_adjoint(user, k, part));
      for (int e = 0; e < 6; e++) sum[e] += part[e], size[e] += fabs(part[e]);
    }
  }
  for (int e = 0; e < 6; e++) ck_assert_double_le(fabs(sum[e] - dz_adjoints(x)[e]), 16 * 0x1p-53 * size[e]);
  double of_row[3];
  ck_assert(dz__use_adjoint(wide, 1, of_row));
  ck_assert_double_eq(of_row[0], 1 + 16);
  ck_assert_double_eq(of_row[1], 4 + 25);
  ck_assert_double_eq(of_row[2], 9 + 36);
  ck_assert(dz__use_adjoint(larger, 0, part));
  static const double wins[] = {0, 0, 1, .5, .5, .5};
  for (int e = 0; e < 6; e++) ck_assert_double_eq(part[e], wins[e]);
}
END_TEST

/* What is behind a branch that was not taken carries nothing, though a partial there is infinite. */
START_TEST(structural_zeros_carry_nothing) {
  dz_var x = dz_input(tape, 0), root = dz_sqrt(x), y = dz_where(1, dz_mul(x, 3), root);
  ck_assert_int_eq(dz_backward(y), DZ_OK);
  ck_assert_double_eq(dz_adjoint(x), 3);
  ck_assert_double_eq(share(root, 0), 0);
  size_t two = 2;
  dz_var v = dz_leaf_tensor(tape, DZ_ROLE_INPUT, 1, &two, (double[]){0, 4});
  dz_var roots = dz_sqrt(v), picked = dz_where(dz_gt(v, 1), roots, 0), f = dz_sum(picked, DZ_ALL, false);
  double part[2];
  ck_assert_int_eq(dz_backward(f), DZ_OK);
  ck_assert(dz__use_adjoint(roots, 0, part));
  ck_assert_double_eq(part[0], 0);
  ck_assert_double_eq(part[1], .25);
}
END_TEST

START_TEST(a_numeric_zero_times_infinity_is_nan) {
  dz_var x = dz_input(tape, 0), a = dz_sqrt(x), b = dz_sqrt(x), y = dz_mul(a, b);
  ck_assert_int_eq(dz_backward(y), DZ_OK);
  ck_assert(isnan(share(a, 0)));
}
END_TEST

static void expect_share(dz_var x, int k, size_t n, const double *right) {
  double out[16];
  ck_assert(dz__use_adjoint(x, k, out));
  for (size_t e = 0; e < n; e++) ck_assert(isnan(right[e]) ? isnan(out[e]) : out[e] == right[e]);
}

/* Lanes of a / b: one that is not taken, one that a numeric 0 arrives at, and one that is well but for
   another use of a, whose slope is infinite there. The marks of the sweep stay as they are. */
START_TEST(lanes_in_doubt) {
  const dz_var w = dz_leaf_tensor(tape, DZ_ROLE_INPUT, DIMS(3), V(1, 1, 1)),
               c = dz_leaf_tensor(tape, DZ_ROLE_DATA, DIMS(3), V(0, 1, 1)),
               g = dz_leaf_tensor(tape, DZ_ROLE_DATA, DIMS(3), V(1, 0, 1)), first = dz_where(c, 5, w),
               a = dz_leaf_tensor(tape, DZ_ROLE_INPUT, DIMS(3), V(2, 2, 1)),
               b = dz_leaf_tensor(tape, DZ_ROLE_INPUT, DIMS(3), V(0, 0, 4)), q = dz_div(a, b),
               other = dz_mul(dz_asin(dz_at(a, 0, 2)), 0);
  const dz_var y = dz_add(dz_sum(dz_where(c, dz_mul(q, g), first), DZ_ALL, false), other);
  ck_assert_int_eq(dz_backward(y), DZ_OK);
  ck_assert(dz_adjoints(a)[0] == 0 && isnan(dz_adjoints(a)[1]) && isnan(dz_adjoints(a)[2]));
  expect_share(q, 0, 3, V(0, NAN, .25));
  ck_assert_int_eq(dz_backward(y), DZ_OK);
  expect_share(q, 1, 3, V(0, NAN, -.0625));
  const dz__tape *s = dz__of(tape);
  const double *of_w = s->reached.tensor[dz__wide_of(tape, dz__index(w)) - s->wide];
  ck_assert(of_w[0] == 1 && of_w[1] == 0 && of_w[2] == 0);
}
END_TEST

/* A constant does not share a tie. */
START_TEST(ties_with_constants) {
  const dz_var x = dz_leaf_tensor(tape, DZ_ROLE_INPUT, DIMS(3), V(1, 2, 5)),
               c = dz_leaf_tensor(tape, DZ_ROLE_DATA, DIMS(3), V(1, 3, 4)), z = dz_fmax(x, c);
  ck_assert_int_eq(dz_backward(dz_sum(z, DZ_ALL, false)), DZ_OK);
  expect_share(z, 0, 3, V(0, 0, 1));
}
END_TEST

/* Of a product whose factors are larger than it is only what was asked for is computed; of as many operands
   as a list has room for at first, each. */
START_TEST(tensor_operations) {
  double ones[200];
  dz_var all[16];
  for (int k = 0; k < 200; k++) ones[k] = 1;
  for (int k = 0; k < 16; k++) all[k] = dz_input(tape, k);
  const dz_var A = dz_leaf_tensor(tape, DZ_ROLE_INPUT, DIMS(2, 100), ones),
               B = dz_leaf_tensor(tape, DZ_ROLE_INPUT, DIMS(100, 2), ones), product = dz_matmul(A, B),
               list = dz_stack(16, all, 0), sum = dz_sum(list, DZ_ALL, false),
               y = dz_add(dz_sum(product, DZ_ALL, false), dz_mul(sum, 3));
  ck_assert_int_eq(dz_backward(y), DZ_OK);
  for (int k = 0; k < 2; k++) {
    double out[200];
    ck_assert(dz__use_adjoint(product, k, out));
    for (int e = 0; e < 200; e++) ck_assert_double_eq(out[e], 2);
  }
  for (int k = 0; k < 16; k++) ck_assert_double_eq(share(list, k), 3);
  double out[16];
  ck_assert(dz__use_adjoint(sum, 0, out));
  for (int k = 0; k < 16; k++) ck_assert_double_eq(out[k], 3);
  const dz_var none = dz_leaf_tensor(tape, DZ_ROLE_INPUT, DIMS(0), NULL),
               nothing = dz_sum(none, DZ_ALL, false);
  ck_assert_int_eq(dz_backward(nothing), DZ_OK);
  ck_assert(dz__use_adjoint(nothing, 0, out));
}
END_TEST

/* On a tape of floats the adjoints become doubles by being asked for. */
START_TEST(uses_among_floats) {
  dz_tape *t = dz_tape_new_single(NULL);
  const dz_var v = dz_leaf_tensor(t, DZ_ROLE_INPUT, DIMS(2), V(1, 2)), square = dz_mul(v, v),
               y = dz_sum(dz_mul(square, 3), DZ_ALL, false);
  ck_assert_int_eq(dz_backward(y), DZ_OK);
  expect_share(square, 0, 2, V(3, 6));
  dz_tape_free(t);
}
END_TEST

SUITE_ON_TAPE(ONCE(scalar_uses), ONCE(tensor_uses_add_up), ONCE(structural_zeros_carry_nothing),
              ONCE(a_numeric_zero_times_infinity_is_nan), ONCE(lanes_in_doubt), ONCE(ties_with_constants),
              ONCE(tensor_operations), ONCE(uses_among_floats))
