/* dz/tensor.h: values, shapes and gradients through the tape, and every misuse. Expectations are worked out
   by hand or are NumPy's. */
#include "dz/tensor.h"
#include "dz/sweep.h"

#include "tape/tensor.h"
#include "tensors.h"

#include <math.h>

/* With seed 1 for every element of y. */
static void expect_gradient(dz_var y, dz_var x, size_t n, const double *values) {
  ck_assert(dz_backward(dz_sum(y, DZ_ALL, false)) == DZ_OK);
  ck_assert(dz_size(x) == n && dz_adjoints(x));
  for (size_t i = 0; i < n; i++) ck_assert(dz_adjoints(x)[i] == values[i]);
}

START_TEST(reductions) {
  dz_var x = counting(DIMS(2, 3));
  ck_assert(dz_value(dz_sum(x, DZ_ALL, false)) == 21 && dz_rank(dz_sum(x, DZ_ALL, false)) == 0);
  expect_values(dz_sum(x, 0, false), VALUES(5, 7, 9));
  expect_shape(dz_sum(x, 0, false), DIMS(3));
  expect_shape(dz_sum(x, -1, true), DIMS(2, 1));
  expect_shape(dz_max(x, DZ_ALL, true), DIMS(1, 1));
  expect_values(dz_max(x, 1, false), VALUES(3, 6));
  expect_values(dz_min(x, 0, false), VALUES(1, 2, 3));
  expect_values(dz_prod(x, 1, false), VALUES(6, 120));
  expect_gradient(dz_prod(x, 1, false), x, VALUES(6, 3, 2, 30, 24, 20));
  expect_gradient(dz_mul(dz_max(x, 0, false), 2), x, VALUES(0, 0, 0, 2, 2, 2));
  dz_var y = tensor(DIMS(2), (double[]){3, 4});
  ck_assert(dz_value(dz_norm(y, 0, false)) == 5);
  expect_gradient(dz_norm(y, 0, false), y, VALUES(.6, .8));
  dz_var big = tensor(DIMS(2), (double[]){1e50, 1e50});
  ck_assert(dz_value(dz_logsumexp(big, 0, false)) == 1e50);
  expect_gradient(dz_logsumexp(big, 0, false), big, VALUES(.5, .5));
}
END_TEST

/* A scalar is a tensor of rank 0: a reduction of it is itself. A number stays a number. */
START_TEST(scalars_and_numbers) {
  dz_var s = dz_input(tape, -2);
  dz_var y = dz_sum(s, DZ_ALL, false);
  ck_assert(dz_value(y) == -2 && dz_value(dz_norm(s, DZ_ALL, true)) == 2 && dz_rank(y) == 0);
  expect_gradient(dz_mul(3, dz_norm(s, DZ_ALL, false)), s, VALUES(-3));
  expect_gradient(dz_mul(3, dz_logsumexp(s, DZ_ALL, false)), s, VALUES(3));
  expect_gradient(dz_max(s, DZ_ALL, false), s, VALUES(1));
  ck_assert(dz_is_number(dz_sum(4, DZ_ALL, false)) && dz_value(dz_norm(-4, DZ_ALL, false)) == 4);
  ck_assert(dz_value(dz_norm(1, DZ_ALL, false)) == 1 && dz_value(dz_norm(.5, DZ_ALL, false)) == .5);
  for (int k = 0; k < 2; k++) { /* a length has no sign */
    const double zero = dz_value(dz_norm(k ? -0. : 0., DZ_ALL, false));
    ck_assert(zero == 0 && !signbit(zero));
  }
  ck_assert(dz_value(dz_max(4, DZ_ALL, false)) == 4 && dz_value(dz_logsumexp(4, DZ_ALL, false)) == 4);
  ck_assert(!dz_valid(dz_sum(4, 0, false)) && !dz_valid(dz_reshape(4, 1, (size_t[]){1})));
  ck_assert(!dz_valid(dz_solve(2, 3)) && !dz_valid(dz_matmul(2, 3)) && !dz_valid(dz_at(4, 0, 0)));
  ck_assert(!dz_valid(dz_stack(2, ((dz_var[]){dz_num(1), dz_num(2)}), 0)));
  expect_values(dz_reshape(s, 2, (size_t[]){1, 1}), VALUES(-2));
  expect_values(dz_broadcast_to(s, 1, (size_t[]){3}), VALUES(-2, -2, -2));
  dz_var z = dz_stack(3, ((dz_var[]){dz_num(1), s, dz_num(3)}), 0);
  expect_values(z, VALUES(1, -2, 3));
  expect_gradient(dz_mul(z, z), s, VALUES(-4));
  ck_assert(dz_tape_error(tape)->status == DZ_OK);
  expect_error(dz_matmul(s, 2), DZ_ERR_SHAPE, "matmul: [] @ []: a scalar has no axis to sum over; use *");
  expect_error(dz_concat(2, ((dz_var[]){s, s}), 0), DZ_ERR_ARGUMENT,
               "concat: axis 0 of a scalar, which has no axes");
}
END_TEST

START_TEST(shapes) {
  dz_var x = counting(DIMS(2, 3));
  expect_shape(dz_reshape(x, 2, (size_t[]){SIZE_MAX, 2}), DIMS(3, 2));
  expect_values(dz_reshape(x, 1, (size_t[]){6}), VALUES(1, 2, 3, 4, 5, 6));
  expect_shape(dz_reshape(x, 3, (size_t[]){1, SIZE_MAX, 1}), DIMS(1, 6, 1));
  expect_shape(dz_reshape(x, 8, (size_t[]){1, 1, 2, 1, 1, 3, 1, 1}), DIMS(1, 1, 2, 1, 1, 3, 1, 1));
  expect_values(dz_transpose(x), VALUES(1, 4, 2, 5, 3, 6));
  expect_shape(dz_transpose(x), DIMS(3, 2));
  dz_var v = counting(DIMS(3)), c = counting(DIMS(2, 3, 2));
  expect_values(dz_transpose(v), VALUES(1, 2, 3));
  expect_shape(dz_permute(c, 3, (int[]){1, -1, 0}), DIMS(3, 2, 2));
  expect_values(dz_permute(c, 3, (int[]){1, -1, 0}), VALUES(1, 7, 2, 8, 3, 9, 4, 10, 5, 11, 6, 12));
  dz_var w = dz_broadcast_to(v, 2, (size_t[]){2, 3});
  expect_values(w, VALUES(1, 2, 3, 1, 2, 3));
  expect_gradient(dz_mul(w, x), v, VALUES(5, 7, 9));
  expect_error(dz_reshape(x, 2, (size_t[]){SIZE_MAX, 4}), DZ_ERR_SHAPE,
               "reshape: no extent for axis 0 makes [1, 4] hold the 6 elements of [2, 3]");
  expect_error(dz_reshape(x, 2, (size_t[]){SIZE_MAX, SIZE_MAX}), DZ_ERR_ARGUMENT,
               "reshape: two extents are left open");
  expect_error(dz_reshape(x, 2, (size_t[]){4, 2}), DZ_ERR_SHAPE,
               "reshape: [2, 3] has 6 elements, [4, 2] has 8");
  expect_error(dz_reshape(x, 9, (size_t[9]){6}), DZ_ERR_SHAPE, "reshape: rank 9 is over the limit of 8");
  expect_error(dz_reshape(x, 1, NULL), DZ_ERR_ARGUMENT, "reshape: an array is NULL");
  expect_error(dz_reshape(x, -1, (size_t[]){6}), DZ_ERR_ARGUMENT, "reshape: a count is negative");
  expect_error(dz_broadcast_to(x, 1, (size_t[]){3}), DZ_ERR_SHAPE,
               "broadcast_to: [2, 3] does not broadcast to [3]");
#if SIZE_MAX > UINT32_MAX
  expect_error(dz_broadcast_to(v, 2, (size_t[]){(size_t)1 << 62, 3}), DZ_ERR_SHAPE,
               "broadcast_to: a result of shape [4611686018427387904, 3] is too large");
  expect_error(dz_broadcast_to(v, 1, (size_t[]){SIZE_MAX}), DZ_ERR_SHAPE,
               "broadcast_to: extent 18446744073709551615 is too large");
#endif
  expect_error(dz_permute(x, 2, NULL), DZ_ERR_ARGUMENT, "permute: an array is NULL");
}
END_TEST

START_TEST(parts) {
  dz_var x = counting(DIMS(2, 5)), v = counting(DIMS(5));
  expect_values(dz_at(x, 0, -1), VALUES(6, 7, 8, 9, 10));
  expect_values(dz_at(x, 1, 2), VALUES(3, 8));
  ck_assert(dz_value(dz_at(v, 0, 4)) == 5 && dz_rank(dz_at(v, 0, 4)) == 0);
  static const struct {
    int64_t start, stop, step;
    size_t n;
    double values[5];
  } cases[] = {/* as Python prints list(range(1, 6))[start:stop:step] */
               {1, 4, 1, 3, {2, 3, 4}},
               {-3, INT64_MAX, 1, 3, {3, 4, 5}},
               {INT64_MIN, -3, 1, 2, {1, 2}},
               {INT64_MIN, INT64_MAX, 2, 3, {1, 3, 5}},
               {0, 5, INT64_MAX, 1, {1}},
               {INT64_MAX, INT64_MIN, -2, 3, {5, 3, 1}},
               {3, 0, -1, 3, {4, 3, 2}},
               {-1, -4, -1, 3, {5, 4, 3}},
               {4, INT64_MIN, INT64_MIN, 1, {5}},
               {4, 2, 1, 0, {0}},
               {7, 9, 1, 0, {0}},
               {4, 4, 2, 0, {0}},
               {2, 2, -2, 0, {0}},
               {0, 3, -1, 0, {0}}};
  for (size_t c = 0; c < sizeof cases / sizeof *cases; c++)
    expect_values(dz_slice(v, 0, cases[c].start, cases[c].stop, cases[c].step), cases[c].n, cases[c].values);
  expect_gradient(dz_mul(dz_slice(x, -1, 3, INT64_MIN, -2), 7), x, VALUES(0, 7, 0, 7, 0, 0, 7, 0, 7, 0));
  expect_gradient(dz_mul(dz_at(x, 0, 1), dz_at(x, 0, 1)), x, VALUES(0, 0, 0, 0, 0, 12, 14, 16, 18, 20));
  expect_error(dz_at(x, 1, 5), DZ_ERR_ARGUMENT,
               "index: position 5 is out of range for axis 1 of extent 5 of [2, 5]");
  expect_error(dz_at(x, 1, -6), DZ_ERR_ARGUMENT,
               "index: position -6 is out of range for axis 1 of extent 5 of [2, 5]");
  expect_error(dz_at(x, 1, INT64_MIN), DZ_ERR_ARGUMENT,
               "index: position -9223372036854775808 is out of range for axis 1 of extent 5 of [2, 5]");
  expect_error(dz_slice(x, 1, 0, 1, 0), DZ_ERR_ARGUMENT, "index: a step of 0");
}
END_TEST

/* What the language calls: several indices at once, open ends. */
START_TEST(ranges) {
  dz_var x = counting(DIMS(3, 4));
  const dz__range position = {.position = true, .start = -2}, whole = {.step = 1}, back = {.step = -1},
                  from = {.has_start = true, .start = -2, .step = 1};
  expect_values(dz__indexed(x, 2, (dz__range[]){position, back}), VALUES(8, 7, 6, 5));
  expect_values(dz__indexed(x, 2, (dz__range[]){from, position}), VALUES(7, 11));
  expect_values(dz__indexed(x, 1, (dz__range[]){position}), VALUES(5, 6, 7, 8));
  ck_assert(dz_value(dz__indexed(x, 2, (dz__range[]){position, position})) == 7);
  expect_error(dz__indexed(x, 3, (dz__range[]){whole, whole, whole}), DZ_ERR_ARGUMENT,
               "index: 3 indices, the operand has shape [3, 4]");
  expect_error(dz__indexed(x, 1, NULL), DZ_ERR_ARGUMENT, "index: an array is NULL");
}
END_TEST

START_TEST(gathers) {
  dz_var x = counting(DIMS(3, 2));
  dz_var at = dz_leaf_tensor(tape, DZ_ROLE_DATA, DIMS(2, 2), (double[]){2, 0, -1, 2});
  dz_var y = dz_gather(x, at, 0);
  expect_shape(y, DIMS(2, 2, 2));
  expect_values(y, VALUES(5, 6, 1, 2, 5, 6, 5, 6));
  expect_gradient(y, x, VALUES(1, 1, 0, 0, 3, 3));
  expect_values(dz_gather(x, 1, -1), VALUES(2, 4, 6));
  expect_shape(dz_gather(x, dz_data(tape, 0), 1), DIMS(3));
  expect_error(dz_gather(x, at, 1), DZ_ERR_ARGUMENT,
               "gather: index 2 is out of range for axis 1 of extent 2 of [3, 2]");
  expect_error(dz_gather(x, .5, 1), DZ_ERR_ARGUMENT,
               "gather: index 0.5 is no whole number, as needed for axis 1 of extent 2 of [3, 2]");
  expect_error(dz_gather(x, (double)NAN, 0), DZ_ERR_ARGUMENT,
               "gather: index nan is no whole number, as needed for axis 0 of extent 3 of [3, 2]");
  dz_var bad = dz_input(tape, 1), z = dz_gather(x, bad, 0); /* overwritten later: no step outside the tape */
  dz_set(bad, (double[]){1e9}, 1);
  ck_assert(dz_backward(dz_sum(z, DZ_ALL, false)) == DZ_OK && dz_adjoint(bad) == 0);
}
END_TEST

START_TEST(joins) {
  dz_var x = counting(DIMS(2, 2)), y = tensor(DIMS(2, 1), (double[]){8, 9});
  expect_values(dz_concat(3, ((dz_var[]){x, y, x}), 1), VALUES(1, 2, 8, 1, 2, 3, 4, 9, 3, 4));
  expect_values(dz_stack(2, ((dz_var[]){x, x}), -1), VALUES(1, 1, 2, 2, 3, 3, 4, 4));
  dz_var z = dz_concat(2, ((dz_var[]){x, y}), -1);
  expect_gradient(dz_mul(z, z), y, VALUES(16, 18));
  expect_error(dz_concat(2, ((dz_var[]){x, y}), 0), DZ_ERR_SHAPE,
               "concat: operands have shapes [2, 2] and [2, 1], which differ beside axis 0");
  expect_error(dz_stack(2, ((dz_var[]){x, y}), 0), DZ_ERR_SHAPE,
               "stack: operands have shapes [2, 2] and [2, 1], which differ");
  ck_assert(!dz_valid(dz_concat(0, &x, 7)) && !dz_valid(dz_stack(-1, &x, 0)) &&
            !dz_valid(dz_concat(2, NULL, 0)));
  ck_assert(dz_tape_error(tape)->status == DZ_OK);
  dz_var many[1000], v = dz_input(tape, 2);
  for (int k = 0; k < 1000; k++) many[k] = v;
  ck_assert(dz_size(dz_stack(1000, many, 0)) == 1000);
  expect_gradient(dz_stack(1000, many, 0), v, VALUES(1000));
}
END_TEST

START_TEST(products) {
  dz_var x = counting(DIMS(2, 3)), v = tensor(DIMS(3), (double[]){1, -1, 2});
  expect_values(dz_matmul(x, v), VALUES(5, 11));
  expect_values(dz_matmul(x, dz_transpose(x)), VALUES(14, 32, 32, 77));
  ck_assert(dz_value(dz_dot(v, v)) == 6 && dz_rank(dz_dot(v, v)) == 0);
  expect_gradient(dz_dot(v, v), v, VALUES(2, -2, 4));
  expect_gradient(dz_matmul(x, v), x, VALUES(1, -1, 2, 1, -1, 2));
  expect_gradient(dz_matmul(x, v), v, VALUES(5, 7, 9));
  dz_var b = counting(DIMS(2, 1, 3)); /* a batch that x takes part in twice */
  expect_values(dz_matmul(b, dz_transpose(x)), VALUES(14, 32, 32, 77));
  expect_gradient(dz_matmul(b, dz_transpose(x)), x, VALUES(5, 7, 9, 5, 7, 9));
  expect_error(dz_matmul(x, x), DZ_ERR_SHAPE, "matmul: [2, 3] @ [2, 3]: inner extents 3 and 2 differ");
}
END_TEST

/* A structural zero carries nothing: sqrt has slope inf at 0, and the products below hold infinities, yet
   what is not selected stays 0. */
START_TEST(structural_zeros) {
  dz_var x = tensor(DIMS(3), (double[]){0, 4, 9}), r = dz_sqrt(x);
  expect_gradient(dz_at(r, 0, 1), x, VALUES(0, .25, 0));
  expect_gradient(dz_max(r, 0, false), x, VALUES(0, 0, 1. / 6));
  expect_gradient(dz_at(dz_cumsum(dz_slice(r, 0, 2, INT64_MIN, -1), 0), 0, 1), x, VALUES(0, .25, 1. / 6));
  expect_gradient(dz_at(dz_cumprod(dz_slice(r, 0, 2, INT64_MIN, -1), 0), 0, 1), x, VALUES(0, .75, 2. / 6));
  dz_var y = tensor(DIMS(2, 2), (double[]){0, 0, 9, 16}), n = dz_norm(dz_sqrt(y), 1, false);
  expect_gradient(dz_at(n, 0, 1), y, VALUES(0, 0, .6 / 6, .8 / 8));
  dz_var i = tensor(DIMS(2, 2), (double[]){(double)INFINITY, 1, 1, 1}), p = dz_matmul(i, dz_transpose(y));
  expect_gradient(dz_at(dz_at(p, 0, 1), 0, 1), y, VALUES(0, 0, 1, 1));
  dz_var m = dz_prod(i, 1, false);
  expect_gradient(dz_at(m, 0, 1), i, VALUES(0, 0, 1, 1));
  /* and a numeric one is NaN: both are reached */
  dz_backward(dz_sum(r, DZ_ALL, false));
  ck_assert(isinf(dz_adjoints(x)[0]));
  dz_backward(dz_mul(dz_prod(r, 0, false), 1));
  ck_assert(isinf(dz_adjoints(x)[0]) && dz_adjoints(x)[1] == 0);
  dz_backward(dz_dot(r, r));
  ck_assert(isnan(dz_adjoints(x)[0]) && dz_adjoints(x)[1] == 1);
}
END_TEST

START_TEST(empty_tensors) {
  dz_var x = tensor(DIMS(0, 3), NULL), y = tensor(DIMS(3, 2), (double[]){1, 2, 3, 4, 5, 6});
  expect_values(dz_sum(x, 0, false), VALUES(0, 0, 0));
  expect_values(dz_prod(x, 0, false), VALUES(1, 1, 1));
  expect_shape(dz_max(x, 1, false), DIMS(0));
  expect_shape(dz_matmul(x, y), DIMS(0, 2));
  expect_values(dz_matmul(dz_transpose(x), tensor(DIMS(0, 2), NULL)), VALUES(0, 0, 0, 0, 0, 0));
  expect_shape(dz_transpose(x), DIMS(3, 0));
  expect_shape(dz_cumsum(x, 0), DIMS(0, 3));
  expect_shape(dz_concat(2, ((dz_var[]){x, x}), 0), DIMS(0, 3));
  expect_shape(dz_reshape(x, 3, (size_t[]){2, 0, 5}), DIMS(2, 0, 5));
  expect_shape(dz_gather(y, tensor(DIMS(0), NULL), 0), DIMS(0, 2));
  expect_error(dz_max(x, 0, false), DZ_ERR_SHAPE, "max of no elements: the operand has shape [0, 3]");
  expect_error(dz_min(x, DZ_ALL, false), DZ_ERR_SHAPE, "min of no elements: the operand has shape [0, 3]");
  expect_error(dz_reshape(x, 2, (size_t[]){SIZE_MAX, 0}), DZ_ERR_SHAPE,
               "reshape: no extent for axis 0 makes [1, 0] hold the 0 elements of [0, 3]");
  expect_error(dz_at(x, 0, 0), DZ_ERR_ARGUMENT,
               "index: position 0 is out of range for axis 0 of extent 0 of [0, 3]");
}
END_TEST

/* Two shares of a batch draw what the whole draws; other shapes, and what is recorded without a share, draw
   as ever. */
START_TEST(shares_of_noise) {
  const size_t whole[] = {5, 3}, part[][2] = {{2, 3}, {3, 3}}, four[] = {4, 3};
  const dz_var all = dz_noise(counting(2, whole), 7);
  for (size_t k = 0; k < 2; k++) {
    const dz_var x = counting(2, part[k]), y = counting(2, four);
    ck_assert_int_eq(dz_tape_share(tape, 2 * k, part[k][0]), DZ_OK);
    ck_assert(memcmp(dz_values(dz_noise(x, 7)), dz_values(all) + 6 * k, 3 * part[k][0] * sizeof(double)) ==
              0);
    ck_assert(memcmp(dz_values(dz_noise(y, 7)), dz_values(all), 12 * sizeof(double)) == 0);
    ck_assert(dz_value(dz_noise(dz_num(0), dz_const(tape, 7))) == dz_values(all)[0]);
    ck_assert_int_eq(dz_tape_share(tape, 0, 0), DZ_OK);
    ck_assert(memcmp(dz_values(dz_noise(x, 7)), dz_values(all), 6 * sizeof(double)) == 0);
  }
  ck_assert_int_eq(dz_tape_share(tape, 4, 1), DZ_OK); /* a share of one row, and one after a single number */
  ck_assert(memcmp(dz_values(dz_noise(counting(DIMS(1, 3)), 7)), dz_values(all) + 12, 3 * sizeof(double)) ==
            0);
  ck_assert_int_eq(dz_tape_share(tape, 1, 2), DZ_OK);
  ck_assert(memcmp(dz_values(dz_noise(counting(DIMS(2)), 7)), dz_values(all) + 1, 2 * sizeof(double)) == 0);
  ck_assert_int_eq(dz_tape_share(NULL, 0, 0), DZ_ERR_ARGUMENT);
  ck_assert_int_eq(dz_tape_share(tape, SIZE_MAX, 1), DZ_ERR_LIMIT);
  ck_assert_int_eq(dz_tape_share(tape, 0, SIZE_MAX), DZ_ERR_LIMIT);
}
END_TEST

START_TEST(counts) {
  dz_var x = counting(DIMS(2, 3)), n = dz__reduce(DZ__F_count, x, 1, (int64_t[]){-1}, true, 1);
  expect_values(n, VALUES(2, 2));
  expect_shape(n, DIMS(2, 1));
  ck_assert(!dz_is_active(n));
  expect_error(dz__reduce(DZ__F_count, x, 1, (int64_t[]){0}, false, 2), DZ_ERR_SHAPE,
               "needs more than 2 elements (ddof 2), has 2: the operand has shape [2, 3]");
  dz_var none = tensor(DIMS(0), NULL);
  expect_error(dz__reduce(DZ__F_count, none, DZ__ALL_AXES, NULL, false, 0), DZ_ERR_SHAPE,
               "mean of no elements: the operand has shape [0]");
  ck_assert(dz_value(dz__reduce(DZ__F_count, dz_num(3), DZ__ALL_AXES, NULL, false, 0)) == 1);
  ck_assert(!dz_valid(dz__reduce(DZ__F_count, dz_num(3), DZ__ALL_AXES, NULL, false, 1)));
  ck_assert(dz_value(dz__reduce(DZ__F_count, dz_num(3), DZ__ALL_AXES, NULL, false, -1)) == 2);
}
END_TEST

/* Every function, with a handle that is no handle, one of another tape, and one that is stale. */
enum { CALLS = 19 };
static dz_var call(int k, dz_var x) {
  static const size_t one[] = {1};
  static const int zero[] = {0};
  switch (k) {
  case 0:
    return dz_sum(x, 0, false);
  case 1:
    return dz_prod(x, 0, false);
  case 2:
    return dz_max(x, 0, false);
  case 3:
    return dz_min(x, 0, false);
  case 4:
    return dz_norm(x, 0, false);
  case 5:
    return dz_logsumexp(x, 0, false);
  case 6:
    return dz_reduce("sum", x, 1, zero, false);
  case 7:
    return dz_cumsum(x, 0);
  case 8:
    return dz_cumprod(x, 0);
  case 9:
    return dz_reshape(x, 1, one);
  case 10:
    return dz_broadcast_to(x, 1, one);
  case 11:
    return dz_permute(x, 1, zero);
  case 12:
    return dz_transpose(x);
  case 13:
    return dz_slice(x, 0, 0, 1, 1);
  case 14:
    return dz_at(x, 0, 0);
  case 15:
    return dz_gather(x, x, 0);
  case 16:
    return dz_concat(1, &x, 0);
  case 17:
    return dz_stack(1, &x, 0);
  default:
    return dz_matmul(x, x);
  }
}

START_TEST(bad_handles) {
  dz_mark mark = dz_tape_mark(tape);
  dz_var stale = counting(DIMS(1)), nothing = {0};
  ck_assert(dz_tape_rewind(tape, mark) == DZ_OK);
  for (int k = 0; k < CALLS; k++) {
    dz_var bad = call(k, stale);
    ck_assert(!dz_valid(bad) && dz_tape_error(tape)->status == DZ_ERR_HANDLE);
    ck_assert(dz_tape_error(tape)->line > 0);
    dz_tape_forgive(tape);
    ck_assert(!dz_valid(call(k, nothing)) && !dz_valid(call(k, bad)));
    dz_tape_forgive(tape);
    ck_assert(dz_valid(call(k, counting(DIMS(1)))) || k == 15); /* position 1 of one */
    dz_tape_forgive(tape);
  }
  dz_tape *other = dz_tape_new(NULL);
  dz_var x = counting(DIMS(1)), y = dz_leaf_tensor(other, DZ_ROLE_INPUT, DIMS(1), NULL);
  expect_error(dz_matmul(x, y), DZ_ERR_HANDLE, "operands belong to two different tapes");
  expect_error(dz_gather(x, y, 0), DZ_ERR_HANDLE, "operands belong to two different tapes");
  expect_error(dz_stack(2, ((dz_var[]){x, y}), 0), DZ_ERR_HANDLE, "operands belong to two different tapes");
  const dz_var A = counting(DIMS(2, 2)); /* before anything is recorded */
  const size_t nodes = dz_tape_size(tape);
  expect_error(dz_solve(A, y), DZ_ERR_HANDLE, "operands belong to two different tapes");
  ck_assert_uint_eq(dz_tape_size(tape), nodes);
  ck_assert(!dz_valid(dz_solve(2, A)) && dz_tape_error(tape)->status == DZ_ERR_SHAPE);
  dz_tape_forgive(tape);
  dz_tape_free(other);
}
END_TEST

/* The tape survives every allocation that fails while it records and sweeps. */
static dz_status sweep_of_many(dz_tape *t, const dz_allocator *a, int kind) {
  (void)a, (void)kind;
  double values[400];
  for (int i = 0; i < 400; i++) values[i] = i;
  dz_var x = dz_leaf_tensor(t, DZ_ROLE_INPUT, DIMS(20, 20), values), many[20];
  for (int k = 0; k < 20; k++) many[k] = dz_matmul(x, dz_transpose(x));
  dz_var y = dz_stack(20, many, 1);
  return dz_backward(dz_prod(dz_sum(y, 0, false), DZ_ALL, false));
}

START_TEST(every_allocation_may_fail) { fail_each_allocation(sweep_of_many, 0); }
END_TEST

SUITE_ON_TAPE(ONCE(reductions), ONCE(scalars_and_numbers), ONCE(shapes), ONCE(parts), ONCE(ranges),
              ONCE(gathers), ONCE(joins), ONCE(products), ONCE(structural_zeros), ONCE(empty_tensors),
              ONCE(shares_of_noise), ONCE(counts), ONCE(bad_handles), ONCE(every_allocation_may_fail))
