/* Patterns of Jacobians: each operation by hand, random graphs with NaN as a dye, and sets of all sizes. */
#include "dz/sparse.h"
#include "dz/sweep.h"
#include "dz/tensor.h"

#include "dice.h"
#include "on_tape.h"
#include "tape/tensor.h"

#include <math.h>

static bool holds(const dz_pattern *p, size_t i, size_t j) {
  for (size_t e = p->starts[i]; e < p->starts[i + 1]; e++)
    if (p->column[e] == j) return true;
  return false;
}

static dz_pattern *pattern_of(dz_var y, dz_var x) {
  dz_pattern *p = NULL;
  ck_assert_msg(dz_valid(y), "%s", dz_tape_error(tape)->message);
  ck_assert_int_eq(dz_jacobian_pattern(1, &y, 1, &x, 0, NULL, &p), DZ_OK);
  ck_assert(p && p->rows == dz_size(y) && p->columns == dz_size(x) && p->starts[0] == 0);
  for (size_t i = 0; i < p->rows; i++)
    for (size_t e = p->starts[i] + 1; e < p->starts[i + 1]; e++) ck_assert(p->column[e] > p->column[e - 1]);
  return p;
}

/* Rows as text: the columns of each, "012 3  4" for {0, 1, 2}, {3}, {}, {4}. */
static void expect_pattern(dz_var y, dz_var x, const char *rows) {
  dz_pattern *p = pattern_of(y, x);
  char text[400];
  size_t at = 0;
  for (size_t i = 0; i < p->rows; i++) {
    if (i) text[at++] = ' ';
    for (size_t e = p->starts[i]; e < p->starts[i + 1]; e++) text[at++] = (char)('0' + p->column[e]);
  }
  text[at] = 0;
  ck_assert_str_eq(text, rows);
  dz_pattern_free(p);
}

START_TEST(every_tensor_operation) {
  dz_var x = dz_leaf_tensor(tape, DZ_ROLE_INPUT, DIMS(2, 3), V(1, 2, 3, 4, 5, 6));
  dz_var c = dz_leaf_tensor(tape, DZ_ROLE_DATA, DIMS(2, 2), V(1, 0, -1, 1)), v = dz_at(x, 0, 1);
  uint8_t seen[DZ__F_END] = {0};
#define CASE(name, y, rows) (seen[DZ__F_##name] = 1, expect_pattern(y, x, rows))
  CASE(sum, dz_sum(x, 0, false), "03 14 25");
  CASE(max, dz_max(x, 1, false), "012 345");
  CASE(min, dz_min(x, DZ_ALL, false), "012345");
  CASE(prod, dz_prod(x, 0, true), "03 14 25");
  CASE(norm, dz_norm(x, 1, false), "012 345");
  CASE(logsumexp, dz_logsumexp(x, 0, false), "03 14 25");
  CASE(count, dz__reduce(DZ__F_count, x, DZ__ALL_AXES, NULL, false, 0), "");
  CASE(cumsum, dz_cumsum(x, 1), "0 01 012 3 34 345");
  CASE(cumprod, dz_cumprod(x, 0), "0 1 2 03 14 25");
  CASE(reshape, dz_reshape(x, 2, (size_t[]){3, 2}), "0 1 2 3 4 5");
  CASE(broadcast_to, dz_broadcast_to(v, 2, (size_t[]){2, 3}), "3 4 5 3 4 5");
  CASE(permute, dz_transpose(x), "0 3 1 4 2 5");
  CASE(index, dz_slice(x, 1, INT64_MAX, INT64_MIN, -2), "2 0 5 3");
  CASE(concat, dz_concat(2, ((dz_var[]){x, c}), 1), "0 1 2   3 4 5  ");
  CASE(stack, dz_stack(2, ((dz_var[]){v, v}), 1), "3 3 4 4 5 5");
  CASE(gather, dz_gather(x, c, 1), "1 0 2 1 4 3 5 4");
  int64_t to[] = {0, 2, 2, 0, 0, 3, 1, 0, 3, 4};
  CASE(place, dz__record(DZ__F_place, 1, &x, 10, to), "0 1 2      3 4 5 ");
  dz_var twice = dz_leaf_tensor(tape, DZ_ROLE_DATA, DIMS(3), V(1, 1, -4));
  CASE(scatter, dz__record(DZ__F_scatter, 2, (dz_var[]){x, twice}, 2, (int64_t[]){1, 4}), "2 01   5 34  ");
  CASE(matmul, dz_matmul(c, x), "03 14 25 03 14 25");
  CASE(matmul, dz_matmul(dz_transpose(x), c), "03 03 14 14 25 25");
  CASE(matmul, dz_matmul(x, v), "012345 345");
  CASE(matmul, dz_matmul(v, v), "345");
  CASE(matmul, dz_matmul(v, dz_transpose(x)), "012345 345");
  dz_var square = dz_slice(x, 1, 0, 2, 1);
  CASE(lu, dz__record(DZ__F_lu, 1, &square, 0, NULL), "     ");
  CASE(solve, dz_solve(c, dz_at(x, 1, 0)), "03 03");
  CASE(noise, dz_noise(x, 7), "     ");
  for (int fn = DZ__F_POINTWISE_END; fn < DZ__F_END; fn++)
    ck_assert_msg(seen[fn], "%s is not tried", dz__ops[fn].name);
#undef CASE
  expect_pattern(dz_mul(x, dz_slice(x, 1, 0, 1, 1)), x, "0 01 02 3 34 35");
  expect_pattern(dz_where(dz_gt(x, 2), dz_at(v, 0, 0), x), x, "03 13 23 3 34 35");
  expect_pattern(dz_clamp(v, dz_at(x, 0, 0), 9), x, "03 14 25");
  expect_pattern(dz_mul(x, dz_floor(dz_stop(x))), x, "0 1 2 3 4 5");
  expect_pattern(dz_at(v, 0, 2), x, "5");
  expect_pattern(dz_mul(dz_at(v, 0, 2), 0), x, "5");
  expect_pattern(dz_stop(x), x, "     ");
  expect_pattern(c, x, "   ");
  expect_pattern(x, x, "0 1 2 3 4 5");
}
END_TEST

/* A random graph of operations through all of which a NaN passes. */
static dz_var random_graph(dz_var x, int nodes) {
  dz_var v[40];
  v[0] = x;
  for (int n = 1; n < nodes; n++) {
    dz_var a = v[(int)uniform(0, n)], b = v[(int)uniform(n > 3 ? n - 3 : 0, n)];
    int64_t i = (int64_t)uniform(0, 4), k = (int64_t)uniform(0, 4);
    switch ((int)uniform(0, 12)) {
    case 0:
      v[n] = dz_mul(a, b);
      break;
    case 1:
      v[n] = dz_add(dz_sin(a), dz_transpose(b));
      break;
    case 2:
      v[n] = dz_add(a, dz_at(b, 0, i));
      break;
    case 3:
      v[n] = dz_matmul(a, b);
      break;
    case 4:
      v[n] = dz_cumsum(a, (int)(i % 2));
      break;
    case 5:
      v[n] = dz_mul(a, dz_max(b, (int)(i % 2), true));
      break;
    case 6:
      v[n] = dz_sub(a, dz_at(dz_at(b, 0, i), 0, k));
      break;
    case 7:
      v[n] = dz_concat(2, ((dz_var[]){dz_slice(a, 1, 0, i, 1), dz_slice(b, 1, i, 4, 1)}), 1);
      break;
    case 8:
      v[n] = dz_gather(a, dz_leaf_tensor(tape, DZ_ROLE_DATA, DIMS(4), V((double)i, 0, (double)k, -1)), 0);
      break;
    case 9:
      v[n] = dz_cumprod(dz_cos(a), (int)(i % 2));
      break;
    case 10:
      v[n] = dz_mul(dz_norm(a, (int)(i % 2), true), dz_slice(b, 0, INT64_MAX, INT64_MIN, -1));
      break;
    default:
      v[n] = dz_broadcast_to(dz_logsumexp(dz_tanh(a), (int)(i % 2), true), 2, (size_t[]){4, 4});
      break;
    }
    ck_assert_msg(dz_valid(v[n]), "%s", dz_tape_error(tape)->message);
  }
  return v[nodes - 1];
}

/* What was found before is no part of it. */
START_TEST(one_operand_after_the_other) {
  dz_var x = dz_leaf_tensor(tape, DZ_ROLE_INPUT, DIMS(2, 3), V(1, 2, 3, 4, 5, 6)),
         c = dz_leaf_tensor(tape, DZ_ROLE_INPUT, DIMS(3, 2), V(1, 2, 3, 4, 5, 6)), y = dz_matmul(x, c);
  for (int k = 0; k < 2; k++) {
    expect_pattern(y, x, "012 012 345 345");
    expect_pattern(y, c, "024 135 024 135");
  }
}
END_TEST

/* Element (i, j) is in the pattern just when NaN put into x_j makes y_i NaN. */
START_TEST(random_patterns) {
  const uint64_t begin = 0x9e3779b97f4a7c15u + (uint64_t)_i;
  const int nodes = 4 + _i % 12;
  double values[16];
  for (int k = 0; k < 16; k++) values[k] = .1 * (k + 1);
  dz_mark mark = dz_tape_mark(tape);
  state = begin;
  dz_var x = dz_leaf_tensor(tape, DZ_ROLE_INPUT, DIMS(4, 4), values);
  dz_pattern *p = pattern_of(random_graph(x, nodes), x);
  for (int j = 0; j < 16; j++) {
    dz_tape_rewind(tape, mark);
    state = begin;
    const double before = values[j];
    values[j] = NAN;
    dz_var y = random_graph(dz_leaf_tensor(tape, DZ_ROLE_INPUT, DIMS(4, 4), values), nodes);
    for (size_t i = 0; i < 16; i++) ck_assert_int_eq(holds(p, i, (size_t)j), isnan(dz_values(y)[i]));
    values[j] = before;
  }
  dz_pattern_free(p);
}
END_TEST

/* Sets beyond what is kept as a list, yet few columns of many. */
START_TEST(sets_among_many_columns) {
  enum { ROWS = 50, N = 100 };
  dz_var x = dz_leaf_tensor(tape, DZ_ROLE_INPUT, DIMS(ROWS, N), NULL), s = dz_cumsum(x, 1);
  dz_pattern *p = pattern_of(dz_mul(dz_mul(s, dz_slice(s, 1, INT64_MAX, INT64_MIN, -1)), dz_at(x, 0, 0)), x);
  for (size_t i = 0; i < ROWS * N; i++) {
    size_t row = i / N, k = i % N, last = k > N - 1 - k ? k : N - 1 - k;
    size_t more = row > 0 || k > last; /* x[0, k] beside x[row, 0 .. last] */
    ck_assert_uint_eq(p->starts[i + 1] - p->starts[i], last + 1 + more);
    ck_assert(holds(p, i, k) && holds(p, i, row * N) && holds(p, i, row * N + last));
  }
  dz_pattern_free(p);
}
END_TEST

/* Sets beyond what is kept as a list. */
START_TEST(large_sets) {
  enum { N = 300 };
  dz_var x = dz_leaf_tensor(tape, DZ_ROLE_INPUT, DIMS(N), NULL), s = dz_cumsum(x, 0);
  dz_pattern *p = pattern_of(dz_mul(s, dz_slice(x, 0, INT64_MAX, INT64_MIN, -1)), x);
  for (size_t i = 0; i < N; i++)
    for (size_t j = 0; j < N; j++) ck_assert_int_eq(holds(p, i, j), j <= i || j == N - 1 - i);
  dz_pattern_free(p);
  dz_var many[N], sum = dz_num(0), xs[N];
  for (int k = 0; k < N; k++) {
    xs[k] = dz_input(tape, k);
    sum = dz_add(sum, dz_sin(xs[k]));
    many[k] = k % 2 ? sum : dz_mul(xs[k], sum);
  }
  ck_assert_int_eq(dz_jacobian_pattern(N, many, N, xs, 0, NULL, &p), DZ_OK);
  for (size_t i = 0; i < N; i++)
    for (size_t j = 0; j < N; j++) ck_assert_int_eq(holds(p, i, j), j <= i);
  dz_pattern_free(p);
  ck_assert_int_eq(dz_jacobian_pattern(N, many, N, xs, N * (N + 1) / 2, NULL, &p), DZ_OK);
  dz_pattern_free(p);
  ck_assert_int_eq(dz_jacobian_pattern(N, many, N, xs, N * (N + 1) / 2 - 1, NULL, &p), DZ_ERR_LIMIT);
  ck_assert_ptr_null(p);
}
END_TEST

SUITE_ON_TAPE(ONCE(every_tensor_operation), ONCE(one_operand_after_the_other), EACH(random_patterns, 150),
              ONCE(sets_among_many_columns), ONCE(large_sets))
