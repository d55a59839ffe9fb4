/* Axes and ranges: how they are given, what the tape keeps of them, and those that cannot be. */
#include "dz/tensor.h"

#include "tape/tensor.h"
#include "tensors.h"

START_TEST(several_axes) {
  dz_var x = counting(DIMS(2, 3, 2));
  expect_values(dz_reduce("sum", x, 2, (int[]){2, 0}, false), VALUES(18, 26, 34));
  expect_shape(dz_reduce("sum", x, 2, (int[]){-1, 0}, true), DIMS(1, 3, 1));
  expect_values(dz_reduce("max", x, 2, (int[]){0, 1}, false), VALUES(11, 12));
  expect_values(dz_reduce("min", x, 0, NULL, false), VALUES(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12));
  expect_error(dz_reduce("mean", x, 0, NULL, false), DZ_ERR_NAME, "reduce: no reduction is named 'mean'");
  expect_error(dz_reduce("count", x, 0, NULL, false), DZ_ERR_NAME, "reduce: no reduction is named 'count'");
  expect_error(dz_reduce(NULL, x, 0, NULL, false), DZ_ERR_NAME, "reduce: no reduction is named ''");
  expect_error(dz_reduce("sum", x, 2, NULL, false), DZ_ERR_ARGUMENT, "sum: an array is NULL");
  expect_error(dz_reduce("sum", x, -2, (int[]){0}, false), DZ_ERR_ARGUMENT, "sum: a count is negative");
  expect_error(dz_reduce("sum", x, -1, (int[]){0}, false), DZ_ERR_ARGUMENT, "sum: a count is negative");
  expect_error(dz_reduce("sum", x, 2, (int[]){1, -2}, false), DZ_ERR_ARGUMENT, "sum: axis 1 is listed twice");
  int many[40] = {0, 1, 2};
  expect_error(dz_reduce("sum", x, 40, many, false), DZ_ERR_ARGUMENT, "sum: axis 0 is listed twice");
}
END_TEST

START_TEST(axes_out_of_range) {
  dz_var x = counting(DIMS(2, 3)), s = dz_input(tape, 2);
  expect_error(dz_sum(x, 2, false), DZ_ERR_ARGUMENT,
               "sum: axis 2 is out of range -2 to 1, the operand has shape [2, 3]");
  expect_error(dz_cumsum(x, -3), DZ_ERR_ARGUMENT,
               "cumsum: axis -3 is out of range -2 to 1, the operand has shape [2, 3]");
  expect_error(dz_max(s, 0, false), DZ_ERR_ARGUMENT, "max: axis 0 of a scalar, which has no axes");
  expect_error(dz_cumprod(s, 0), DZ_ERR_ARGUMENT, "cumprod: axis 0 of a scalar, which has no axes");
  expect_error(dz_gather(s, x, 0), DZ_ERR_ARGUMENT, "gather: axis 0 of a scalar, which has no axes");
  expect_error(dz_slice(x, 2, 0, 1, 1), DZ_ERR_ARGUMENT, "index: axis 2 is out of range for rank 2");
  expect_error(dz_at(s, 0, 0), DZ_ERR_ARGUMENT, "index: axis 0 is out of range for rank 0");
  expect_error(dz_concat(2, (dz_var[]){x, x}, 2), DZ_ERR_ARGUMENT,
               "concat: axis 2 is out of range -2 to 1, the operand has shape [2, 3]");
  expect_error(dz_concat(2, (dz_var[]){x, s}, 2), DZ_ERR_ARGUMENT,
               "concat: axis 2 is out of range -2 to 1, the operand has shape [2, 3]");
  expect_error(dz_stack(2, (dz_var[]){x, x}, 3), DZ_ERR_ARGUMENT,
               "stack: axis 3 is out of range -3 to 2, the operand has shape [2, 3]");
  expect_error(dz_stack(2, (dz_var[]){s, s}, 3), DZ_ERR_ARGUMENT,
               "stack: axis 3 is out of range -1 to 0, the operand has shape []");
  expect_error(dz_stack(2, (dz_var[]){dz_num(1), s}, 3), DZ_ERR_ARGUMENT,
               "stack: axis 3 is out of range -1 to 0, the operand has shape []");
  expect_error(dz_permute(x, 2, (int[]){0, 2}), DZ_ERR_ARGUMENT,
               "permute: axis 2 is out of range -2 to 1, the operand has shape [2, 3]");
  expect_error(dz_permute(x, 1, (int[]){0}), DZ_ERR_ARGUMENT,
               "permute: 1 axes are listed, the operand has shape [2, 3]");
  expect_error(dz_permute(x, 2, (int[]){0, -2}), DZ_ERR_ARGUMENT,
               "permute: each of the 2 axes of [2, 3] must be listed once");
}
END_TEST

/* The same elements are the same node, however they were asked for: one has step 1, none begin at 0. */
START_TEST(ranges_are_settled) {
  static const int64_t asked[][3] = {
      {2, 3, INT64_MAX}, {2, 1, -1}, {4, 2, 1}, {3, 3, -2}, {3, INT64_MIN, -2}};
  static const int64_t settled[][4] = {{2, 1, 1, 0}, {2, 1, 1, 0}, {0, 0, 1, 0}, {0, 0, 1, 0}, {3, 2, -2, 0}};
  const dz_var v = counting(DIMS(5));
  for (size_t c = 0; c < COUNT(asked); c++) {
    const dz_var part = dz_slice(v, 0, asked[c][0], asked[c][1], asked[c][2]);
    const int64_t *attr = dz__attr_of(dz__of(tape), dz__wide_of(tape, dz__index(part)));
    for (int k = 0; k < 4; k++) ck_assert_int_eq(attr[k], settled[c][k]);
  }
  const dz_var at = dz_at(v, 0, 3);
  static const int64_t position[] = {3, 1, 1, 1};
  const int64_t *attr = dz__attr_of(dz__of(tape), dz__wide_of(tape, dz__index(at)));
  for (int k = 0; k < 4; k++) ck_assert_int_eq(attr[k], position[k]);
}
END_TEST

/* As many integers as tensor.def says. */
START_TEST(integers_are_counted) {
  const dz_var v = counting(DIMS(3)), A = counting(DIMS(3, 3)), at = dz_data(tape, 0);
  const struct {
    dz_var z;
    uint32_t n;
  } cases[] = {{dz_cumsum(A, 1), 1},    {dz_gather(A, at, 1), 1},      {dz_concat(1, &v, 0), 1},
               {dz_stack(1, &v, 0), 1}, {dz_matmul(A, v), 0},          {dz_transpose(A), 2},
               {dz_at(A, 0, 1), 8},     {dz_sum(A, 0, false), 2},      {dz_sum(A, DZ_ALL, false), 3},
               {dz_noise(v, 1), 0},     {dz_norm(A, DZ_ALL, true), 3}, {dz_solve(A, v), 1}};
  for (size_t c = 0; c < COUNT(cases); c++)
    ck_assert_uint_eq(dz__wide_of(tape, dz__index(cases[c].z))->nattr, cases[c].n);
}
END_TEST

/* Lists that are too long are refused, however they begin. */
START_TEST(lists_of_axes) {
  const int axes[] = {7, 1, 2, 3, 4, 5, 6, 0, 0, 0, 0};
  const dz_var x = counting(DIMS(2, 1, 1, 1, 1, 1, 1, 2)), y = dz_sum(x, 1, false);
  expect_values(dz_permute(x, 8, axes), VALUES(1, 3, 2, 4));
  ck_assert(dz_value(dz_reduce("sum", x, 8, axes, false)) == 10);
  for (int n = 9; n <= 11; n++) {
    expect_error(dz_reduce("sum", x, n, axes, false), DZ_ERR_ARGUMENT, "sum: axis 0 is listed twice");
    expect_error(dz_permute(x, n, axes), DZ_ERR_ARGUMENT,
                 "permute: 9 axes are listed, the operand has shape [2, 1, 1, 1, 1, 1, 1, 2]");
    expect_error(dz_permute(y, n, axes + 1), DZ_ERR_ARGUMENT,
                 "permute: 9 axes are listed, the operand has shape [2, 1, 1, 1, 1, 1, 2]");
  }
}
END_TEST

START_TEST(ends_of_what_is_allowed) {
  const dz_var x = counting(DIMS(2, 3));
  expect_values(dz_at(x, -2, 1), VALUES(4, 5, 6));
  expect_values(dz_slice(x, -2, 0, 1, 1), VALUES(1, 2, 3));
  expect_error(dz_at(x, -3, 1), DZ_ERR_ARGUMENT, "index: axis -3 is out of range for rank 2");
  if (sizeof(size_t) < sizeof(int64_t)) return; /* no extent goes beyond what attributes hold */
  const size_t most = (size_t)INT64_MAX;
  expect_error(dz_broadcast_to(dz_input(tape, 1), 1, &most), DZ_ERR_SHAPE,
               "broadcast_to: a result of shape [9223372036854775807] is too large");
  expect_error(dz_broadcast_to(dz_input(tape, 1), 1, &(size_t){most + 1}), DZ_ERR_SHAPE,
               "broadcast_to: extent 9223372036854775808 is too large");
}
END_TEST

/* Lists of axes are as long as they can be; a list of numbers is read no further than it goes. */
START_TEST(the_highest_rank) {
  const dz_var x = counting(DIMS(2, 1, 1, 1, 1, 1, 1, 2));
  ck_assert(dz_value(dz__reduce(DZ__F_count, x, DZ__ALL_AXES, NULL, false, 1)) == 3);
  ck_assert(dz_value(dz_sum(x, DZ_ALL, false)) == 10);
  expect_values(dz_at(x, 0, 1), VALUES(3, 4));
  expect_values(dz_at(x, 7, 0), VALUES(1, 3));
  expect_values(dz_transpose(x), VALUES(1, 3, 2, 4));
  for (int n = 1; n <= 2; n++) {
    dz_var *numbers = malloc((size_t)n * sizeof *numbers);
    ck_assert_ptr_nonnull(numbers);
    for (int k = 0; k < n; k++) numbers[k] = dz_num(1);
    ck_assert(!dz_valid(dz_concat(n, numbers, 0)));
    free(numbers);
  }
}
END_TEST

SUITE_ON_TAPE(ONCE(several_axes), ONCE(axes_out_of_range), ONCE(ranges_are_settled),
              ONCE(integers_are_counted), ONCE(lists_of_axes), ONCE(ends_of_what_is_allowed),
              ONCE(the_highest_rank))
