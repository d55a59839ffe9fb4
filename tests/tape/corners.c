/* Places that tapes seldom come to: tiles of one lane, systems the other way, limits, accumulation over
   sweeps of other outputs, shares of what is not a number. */
#include "dz/holds.h"
#include "dz/ops.h"
#include "dz/sweep.h"
#include "dz/tangent.h"
#include "dz/tensor.h"
#include "dz/userop.h"
#include "on_tape.h"
#include "tape/tensor.h"
#include "tape/use.h"

#include <math.h>

/* 65 results are a tile of 64 and one of a single lane, whose elements are 65 apart. */
START_TEST(a_tile_of_one_lane) {
  enum { ROWS = 20, N = 65 };
  double v[ROWS * N];
  for (int i = 0; i < ROWS * N; i++) v[i] = (i * 37) % 101;
  const dz_var A = dz_leaf_tensor(tape, DZ_ROLE_INPUT, DIMS(ROWS, N), v);
  const dz_var sum = dz_sum(A, 0, false), most = dz_max(A, 0, false), norm = dz_norm(A, 0, false);
  for (int j = 0; j < N; j++) {
    double s = 0, m = 0, squares = 0;
    for (int i = 0; i < ROWS; i++)
      s += v[i * N + j], m = fmax(m, v[i * N + j]), squares += v[i * N + j] * v[i * N + j];
    ck_assert(dz_values(sum)[j] == s && dz_values(most)[j] == m);
    ck_assert_double_le(fabs(dz_values(norm)[j] - sqrt(squares)), 2 * 0x1p-52 * sqrt(squares));
  }
}
END_TEST

/* A^T x = b, whose tangent is A^-T (b' - A'^T x); a root of 0 that is not in the direction makes the sweep
   careful. */
START_TEST(the_tangent_of_a_transposed_system) {
  const dz_var A = dz_leaf_tensor(tape, DZ_ROLE_INPUT, DIMS(2, 2), V(2, 0, 0, 4));
  const dz_var b = dz_leaf_tensor(tape, DZ_ROLE_INPUT, DIMS(2), V(2, 4)), s = dz_input(tape, 0);
  const dz_var lu = dz__record(DZ__F_lu, 1, &A, 0, NULL);
  const dz_var x = dz__record(DZ__F_solve, 3, (dz_var[]){A, b, lu}, 1, (int64_t[]){1});
  const dz_var y = dz_add(dz_at(x, 0, 1), dz_sqrt(s)), xs[] = {A, b};
  ck_assert(dz_values(x)[0] == 1 && dz_values(x)[1] == 1);
  double out;
  ck_assert_int_eq(dz_tangent(y, 2, xs, V(0, 1, 0, 0, 0, 0), &out), DZ_OK);
  ck_assert_double_eq(out, -.25);
  ck_assert_int_eq(dz_tangent(y, 2, xs, V(0, 0, 0, 4, 0, 8), &out), DZ_OK);
  ck_assert_double_eq(out, 1);
}
END_TEST

/* Quickly every element would be 0 * inf; the direction arrives at none. */
START_TEST(tangents_of_roots_of_nothing) {
  const dz_var u = dz_leaf_tensor(tape, DZ_ROLE_INPUT, DIMS(2), V(0, 0)), y = dz_sqrt(u);
  double out[2];
  ck_assert_int_eq(dz_tangent(y, 1, &u, V(0, 0), out), DZ_OK);
  ck_assert(out[0] == 0 && out[1] == 0);
  ck_assert_int_eq(dz_tangent(y, 1, &u, V(0, 3), out), DZ_OK);
  ck_assert(out[0] == 0 && isinf(out[1]));
}
END_TEST

START_TEST(systems_of_nothing) {
  const dz_var A = dz_leaf_tensor(tape, DZ_ROLE_INPUT, DIMS(0, 0), NULL);
  const dz_var b = dz_leaf_tensor(tape, DZ_ROLE_INPUT, DIMS(0, 3), NULL), s = dz_input(tape, 5);
  const dz_var y = dz_add(s, dz_sum(dz_solve(A, b), DZ_ALL, false)), xs[] = {A, b, s};
  double out;
  ck_assert_int_eq(dz_tangent(y, 3, xs, V(7), &out), DZ_OK);
  ck_assert(out == 7 && dz_value(y) == 5);
  ck_assert_int_eq(dz_backward(y), DZ_OK);
  ck_assert_double_eq(dz_adjoint(s), 1);
  ck_assert_uint_eq(dz_size(dz_noise(b, 1)), 0);
  ck_assert_uint_eq(dz_size(dz_noise(A, s)), 0);
}
END_TEST

/* Extents beside one of 0 may be as large as can be said. */
START_TEST(an_axis_without_end) {
  const dz_var x = dz_leaf_tensor(tape, DZ_ROLE_INPUT, DIMS(0, SIZE_MAX), NULL), y = dz_slice(x, 1, 3, 8, 1);
  ck_assert(dz_rank(y) == 2 && dz_extent(y, 0) == 0 && dz_extent(y, 1) == 5);
  ck_assert(!dz_valid(dz_at(x, -3, 0)) && dz_tape_error(tape)->status == DZ_ERR_ARGUMENT);
}
END_TEST

/* Only operations of three operands and those of tensors have a record of their own. */
START_TEST(scalars_have_no_records) {
  const dz_var x = dz_input(tape, 2), y = dz_const(tape, 3);
  const dz_var z[] = {dz_sin(x), dz_atan2(x, x), dz_atan2(x, 3), dz_atan2(3, x), dz_atan2(x, y), dz_fabs(y)};
  for (size_t k = 0; k < COUNT(z); k++) ck_assert(dz_valid(z[k]));
  ck_assert_uint_eq(dz__of(tape)->wides, 0);
  ck_assert(dz_valid(dz_clamp(x, 0, 1)));
  ck_assert_uint_eq(dz__of(tape)->wides, 1);
}
END_TEST

/* Leaves that no sweep covered count as 0; those that this one does not cover keep what they have. */
START_TEST(accumulation_over_other_outputs) {
  const dz_var u = dz_leaf_tensor(tape, DZ_ROLE_INPUT, DIMS(2), V(1, 2)), one = dz_sum(u, DZ_ALL, false);
  const dz_var v = dz_leaf_tensor(tape, DZ_ROLE_INPUT, DIMS(2), V(3, 4));
  const dz_var both = dz_add(one, dz_sum(v, DZ_ALL, false));
  ck_assert_int_eq(dz_backward(both), DZ_OK);
  ck_assert_int_eq(dz_backward_add(one, 1), DZ_OK);
  ck_assert(dz_adjoints(u)[0] == 2 && dz_adjoints(v)[0] == 1 && dz_adjoints(v)[1] == 1);
  ck_assert_int_eq(dz_backward(one), DZ_OK);
  ck_assert_int_eq(dz_backward_add(both, 1), DZ_OK);
  ck_assert(dz_adjoints(u)[0] == 2 && dz_adjoints(v)[0] == 1 && dz_adjoints(v)[1] == 1);
  ck_assert(isnan(dz_adjoint(u)) && isnan(dz_adjoint(one))); /* several elements; of an operation */
}
END_TEST

/* A use whose share is a NaN for one element, and has to be looked at again for another. */
START_TEST(shares_that_are_no_number) {
  const dz_var v = dz_leaf_tensor(tape, DZ_ROLE_INPUT, DIMS(3), V(0, 0, 4)), roots = dz_sqrt(v);
  const dz_var c = dz_leaf_tensor(tape, DZ_ROLE_DATA, DIMS(3), V(1, 0, 1));
  const dz_var f = dz_leaf_tensor(tape, DZ_ROLE_DATA, DIMS(3), V(0, 1, 1)), taken = dz_where(c, roots, 0);
  const dz_var y = dz_sum(dz_mul(taken, f), DZ_ALL, false);
  double part[3];
  ck_assert_int_eq(dz_backward(y), DZ_OK);
  ck_assert(isnan(dz_adjoints(v)[0]) && dz_adjoints(v)[1] == 0 && dz_adjoints(v)[2] == .25);
  ck_assert(dz__use_adjoint(roots, 0, part));
  ck_assert(isnan(part[0]) && part[1] == 0 && part[2] == .25);
}
END_TEST

START_TEST(shares_of_nothing) {
  const dz_var none = dz_leaf_tensor(tape, DZ_ROLE_INPUT, DIMS(0), NULL), sum = dz_sum(none, DZ_ALL, false);
  double untouched = 3;
  ck_assert_int_eq(dz_backward(dz_add(sum, dz_input(tape, 1))), DZ_OK);
  ck_assert(dz__use_adjoint(sum, 0, &untouched) && untouched == 3);
}
END_TEST

/* A name is not found by its beginning, nor by nothing. */
START_TEST(names_that_begin_alike) {
  ck_assert(dz_op_find("") == dz_op_count() && dz_op_find("si") == dz_op_count() &&
            dz_op_find(NULL) == dz_op_count());
  const dz_var x = dz_input(tape, 3);
  const char *const slope[] = {"2*x"};
  ck_assert_int_eq(dz_op_define(tape, "square_of", 1, "x*x", slope, NULL), DZ_OK);
  ck_assert(!dz_valid(dz_apply(tape, "square", 1, &x)));
  ck_assert_int_eq(dz_tape_error(tape)->status, DZ_ERR_NAME);
  dz_tape_forgive(tape);
  ck_assert_double_eq(dz_value(dz_apply(tape, "square_of", 1, &x)), 9);
}
END_TEST

/* Branches on comparisons that a rewind dropped are forgotten. */
START_TEST(branches_that_are_gone) {
  const dz_var x = dz_input(tape, 2);
  ck_assert(dz_holds(dz_gt(x, 1)));
  const dz_mark mark = dz_tape_mark(tape);
  ck_assert(dz_holds(dz_lt(x, 3)) && !dz_holds(dz_lt(x, 1)) && dz__of(tape)->nbranches == 3);
  ck_assert_int_eq(dz_tape_rewind(tape, mark), DZ_OK);
  ck_assert(!dz_holds(dz_gt(x, 5)) && dz__of(tape)->nbranches == 2);
}
END_TEST

/* A handle from between a rewind and a new value of a leaf: neither of now nor dropped. */
START_TEST(handles_from_before_a_new_value) {
  const double three = 3;
  const dz_var x = dz_input(tape, 2);
  const dz_mark mark = dz_tape_mark(tape);
  const dz_var gone = dz_exp(x);
  ck_assert_int_eq(dz_tape_rewind(tape, mark), DZ_OK);
  const dz_var y = dz_neg(x);
  ck_assert_int_eq(dz_set(x, &three, 1), DZ_OK);
  ck_assert(dz_valid(y) && !dz_valid(gone) && dz_valid(x) && dz_value(x) == 3);
  ck_assert(!dz_valid(dz_solve(2, (dz_var){0})) && !dz_valid(dz_solve((dz_var){0}, 2)));
}
END_TEST

/* Operands repeated along leading, trailing and both kinds of axes; what flows back is summed. Whole numbers.
 */
START_TEST(repeated_every_way) {
  static const size_t shapes[][3] = {{2, 3, 4}, {1, 3, 4}, {2, 1, 4}, {2, 3, 1},
                                     {1, 1, 4}, {1, 3, 1}, {2, 1, 1}};
  double v[24];
  for (int i = 0; i < 24; i++) v[i] = i % 7 - 2;
  for (size_t a = 0; a < COUNT(shapes); a++)
    for (size_t b = 0; b < COUNT(shapes); b++) {
      const dz_var x = dz_leaf_tensor(tape, DZ_ROLE_INPUT, 3, shapes[a], v);
      const dz_var y = dz_leaf_tensor(tape, DZ_ROLE_INPUT, 3, shapes[b], v), z = dz_mul(x, y);
      /* A root of a structural zero makes the second sweep careful. */
      const dz_var root = dz_where(1, 0, dz_sqrt(dz_sub(x, x))), f = dz_sum(dz_add(z, root), DZ_ALL, false);
      for (int turn = 0; turn < 2; turn++) {
        double gx[24] = {0}, gy[24] = {0};
        ck_assert_int_eq(dz_backward(turn ? f : dz_sum(z, DZ_ALL, false)), DZ_OK);
        const size_t *s = shapes[a], *t = shapes[b];
        for (size_t i = 0; i < 24; i++) {
          const size_t at[] = {i / 12, i / 4 % 3, i % 4};
          bool inside = true;
          for (int k = 0; k < 3; k++) inside &= at[k] < (s[k] > t[k] ? s[k] : t[k]);
          if (!inside) continue;
          const size_t j = (at[0] % s[0] * s[1] + at[1] % s[1]) * s[2] + at[2] % s[2];
          const size_t l = (at[0] % t[0] * t[1] + at[1] % t[1]) * t[2] + at[2] % t[2];
          gx[j] += v[l], gy[l] += v[j];
        }
        for (size_t j = 0; j < dz_size(x); j++) ck_assert(dz_adjoints(x)[j] == gx[j]);
        for (size_t l = 0; l < dz_size(y); l++) ck_assert(dz_adjoints(y)[l] == gy[l]);
      }
      dz_tape_clear(tape);
    }
}
END_TEST

SUITE_ON_TAPE(ONCE(a_tile_of_one_lane), ONCE(the_tangent_of_a_transposed_system),
              ONCE(tangents_of_roots_of_nothing), ONCE(systems_of_nothing), ONCE(an_axis_without_end),
              ONCE(scalars_have_no_records), ONCE(accumulation_over_other_outputs),
              ONCE(shares_that_are_no_number), ONCE(shares_of_nothing), ONCE(names_that_begin_alike),
              ONCE(branches_that_are_gone), ONCE(handles_from_before_a_new_value), ONCE(repeated_every_way))
