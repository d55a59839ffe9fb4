/* What the tape's functions answer to what they cannot take: handles that are none, plain numbers, NULL,
   shapes that do not fit. The headers say which status each gives. Nothing crashes, what is given back is
   usable, and the tape goes on after dz_tape_forgive. */
#include "../calls.h"

#include "refused.h"

#include "dz/holds.h"
#include "dz/lang.h"
#include "dz/prelude.h"
#include "ops/op.h"

#include <math.h>

/* ---- getters ---- */

START_TEST(no_handle_says_nothing) {
  for (int k = 0; k < BAD; k++) {
    const dz_var b = bad[k];
    const int64_t *attr = NULL;
    ck_assert_msg(!dz_valid(b) && !dz_is_number(b), "%s", bad_name[k]);
    ck_assert(isnan(dz_value(b)) && !dz_values(b) && dz_rank(b) == 0 && dz_extent(b, 0) == 1 &&
              dz_size(b) == 0);
    ck_assert(dz_role_of(b) == DZ_ROLE_NONE && !dz_is_active(b) && !dz_name(b));
    ck_assert(dz_node_index(b) == SIZE_MAX && !dz_describe(b).op && dz_describe(b).nargs == 0);
    ck_assert(!dz_valid(dz_operand(b, 0)) && dz_attributes(b, &attr) == 0 && !attr &&
              dz_attributes(b, NULL) == 0);
    ck_assert(!dz_adjoints(b) && dz_adjoint_state_of(b) == DZ_ADJOINT_NOT_COMPUTED);
  }
  expect_no_error();
}
END_TEST

START_TEST(a_number_says_little) {
  const dz_var n = dz_num(3);
  ck_assert(dz_valid(n) && dz_is_number(n) && dz_value(n) == 3 && !dz_values(n) && dz_rank(n) == 0);
  ck_assert(dz_size(n) == 1 && dz_extent(n, 0) == 1 && dz_role_of(n) == DZ_ROLE_CONST && !dz_is_active(n));
  ck_assert(!dz_name(n) && dz_node_index(n) == SIZE_MAX && !dz_describe(n).op && dz_attributes(n, NULL) == 0);
  ck_assert(!dz_adjoints(n) && dz_adjoint_state_of(n) == DZ_ADJOINT_INACTIVE && dz_adjoint(n) == 0);
}
END_TEST

START_TEST(questions_out_of_range) {
  ck_assert(dz_extent(A, -1) == 1 && dz_extent(A, 2) == 1 && dz_extent(A, 1) == 2 && dz_extent(x, 0) == 1);
  ck_assert(!dz_valid(dz_operand(y, -1)) && !dz_valid(dz_operand(y, 1)) && dz_valid(dz_operand(y, 0)));
  ck_assert(!dz_valid(dz_node_at(tape, dz_tape_size(tape))) && !dz_valid(dz_node_at(NULL, 0)));
  ck_assert(isnan(dz_value(v)) && isnan(dz_value(A)));
  ck_assert(!dz_valid(dz_named(tape, "nobody")) && !dz_valid(dz_named(tape, NULL)) &&
            !dz_valid(dz_named(NULL, "x")));
  ck_assert(dz_note_count(NULL) == 0 && !dz_note_at(NULL, 0) && !dz_note_at(tape, 0) &&
            !dz_note_at(tape, SIZE_MAX));
  ck_assert(dz_tape_size(NULL) == 0 && dz_tape_bytes(NULL) == 0 && dz_tape_bytes(tape) > 0);
  ck_assert(dz_role_of(y) == DZ_ROLE_NONE && dz_role_of(x) == DZ_ROLE_INPUT &&
            dz_role_of(A) == DZ_ROLE_PARAM);
  ck_assert(dz_describe(A).op && strcmp(dz_describe(A).op, "param") == 0);
  expect_no_error();
}
END_TEST

/* ---- tapes and leaves ---- */

START_TEST(no_tape) {
  ck_assert_int_eq(dz_tape_error(NULL)->status, DZ_ERR_ARGUMENT);
  dz_tape_free(NULL);
  dz_tape_clear(NULL);
  dz_tape_forgive(NULL);
  dz_tape_at(NULL, 1, 1);
  ck_assert_int_eq(dz_tape_reserve(NULL, 1), DZ_ERR_ARGUMENT);
  ck_assert_int_eq(dz_tape_rewind(NULL, dz_tape_mark(tape)), DZ_ERR_ARGUMENT);
  ck_assert_int_eq(dz_tape_rewind(tape, dz_tape_mark(NULL)), DZ_ERR_ARGUMENT);
  ck_assert_int_eq(dz_tape_rewind(tape, dz_tape_mark(other)), DZ_ERR_ARGUMENT);
  ck_assert(!dz_valid(dz_leaf(NULL, DZ_ROLE_INPUT, 1)) && !dz_valid((dz_input)(NULL, 1)));
  ck_assert(!dz_valid(dz_const(NULL, 1)) && !dz_valid(dz_data(NULL, 1)) && !dz_valid((dz_param)(NULL, 1)));
  ck_assert(!dz_valid(dz_leaf_tensor(NULL, DZ_ROLE_INPUT, 0, NULL, NULL)));
  ck_assert(!dz_valid(dz_expr(NULL, "1")));
}
END_TEST

START_TEST(marks_that_are_gone) {
  const dz_mark early = dz_tape_mark(tape);
  (void)dz_exp(x), (void)dz_exp(y);
  const dz_mark late = dz_tape_mark(tape);
  ck_assert_int_eq(dz_tape_rewind(tape, early), DZ_OK);
  ck_assert_int_eq(dz_tape_rewind(tape, late), DZ_ERR_HANDLE);
  ck_assert_int_eq(dz_tape_rewind(tape, early), DZ_OK);
  dz_tape_clear(tape);
  ck_assert_int_eq(dz_tape_rewind(tape, early), DZ_ERR_HANDLE);
}
END_TEST

START_TEST(room_that_cannot_be) {
  ck_assert_int_eq(dz_tape_reserve(tape, 1000), DZ_OK);
  ck_assert_int_eq(dz_tape_reserve(tape, 10), DZ_OK);
  ck_assert_int_eq(dz_tape_reserve(tape, (1 << 28) + 1), DZ_ERR_LIMIT);
  ck_assert_int_eq(dz_tape_reserve(tape, SIZE_MAX), DZ_ERR_LIMIT);
  failing f = {0};
  const dz_allocator a = failing_allocator(&f);
  dz_tape *t = dz_tape_new(&a);
  f.at = f.calls + 1;
  ck_assert_int_eq(dz_tape_reserve(t, 1 << 20), DZ_ERR_MEMORY);
  f.at = 0;
  ck_assert_int_eq(dz_tape_reserve(t, 1 << 10), DZ_OK);
  dz_tape_free(t);
  ck_assert_uint_eq(f.blocks, 0);
}
END_TEST

START_TEST(limits_that_are_set) {
  ck_assert_int_eq(dz_tape_limit(NULL, DZ_LIMIT_NODES, 1), DZ_ERR_ARGUMENT);
  ck_assert_int_eq(dz_tape_limit(tape, (dz_limit)2, 1), DZ_ERR_ARGUMENT);
  ck_assert_int_eq(dz_tape_limit(tape, (dz_limit)-1, 1), DZ_ERR_ARGUMENT);
  ck_assert_int_eq(dz_tape_limit(tape, DZ_LIMIT_NODES, (1 << 28) + 1), DZ_ERR_LIMIT);
  dz_tape *t = dz_tape_new(NULL);
  const dz_var a = dz_leaf(t, DZ_ROLE_INPUT, 2);
  ck_assert_int_eq(dz_tape_limit(t, DZ_LIMIT_NODES, 3), DZ_OK);
  ck_assert_int_eq(dz_tape_reserve(t, 4), DZ_ERR_LIMIT);
  const dz_var b = dz_mul(a, a), c = dz_exp(b);
  ck_assert(dz_valid(c) && dz_value(c) == exp(4));
  ck_assert(!dz_valid(dz_exp(c)) && dz_tape_error(t)->status == DZ_ERR_LIMIT);
  dz_tape_forgive(t);
  ck_assert_int_eq(dz_tape_limit(t, DZ_LIMIT_NODES, 4), DZ_OK);
  ck_assert(dz_valid(dz_neg(c)) && !dz_valid(dz_neg(b)));
  dz_tape_forgive(t);
  ck_assert_int_eq(dz_tape_limit(t, DZ_LIMIT_NODES, 2), DZ_OK); /* what is there stays */
  ck_assert(dz_value(c) == exp(4) && !dz_valid(dz_neg(b)));
  dz_tape_clear(t); /* and the limit, too */
  ck_assert(dz_valid(dz_leaf(t, DZ_ROLE_INPUT, 1)) && dz_valid(dz_leaf(t, DZ_ROLE_INPUT, 1)));
  ck_assert(!dz_valid(dz_leaf(t, DZ_ROLE_INPUT, 1)) && dz_tape_error(t)->status == DZ_ERR_LIMIT);
  dz_tape_free(t);
}
END_TEST

START_TEST(leaves_that_cannot_be) {
  const size_t huge[] = {SIZE_MAX / 16, 4}, none[] = {0, SIZE_MAX};
  GIVES((dz_leaf(tape, DZ_ROLE_NONE, 1), dz_tape_error(tape)->status), DZ_ERR_ARGUMENT);
  GIVES((dz_leaf(tape, (dz_role)-1, 1), dz_tape_error(tape)->status), DZ_ERR_ARGUMENT);
  GIVES((dz_leaf_tensor(tape, DZ_ROLE_NONE, 2, huge, NULL), dz_tape_error(tape)->status), DZ_ERR_ARGUMENT);
  GIVES((dz_leaf_tensor(tape, DZ_ROLE_DATA, 2, NULL, NULL), dz_tape_error(tape)->status), DZ_ERR_ARGUMENT);
  GIVES((dz_leaf_tensor(tape, DZ_ROLE_DATA, -1, huge, NULL), dz_tape_error(tape)->status), DZ_ERR_SHAPE);
  GIVES((dz_leaf_tensor(tape, DZ_ROLE_DATA, 9, huge, NULL), dz_tape_error(tape)->status), DZ_ERR_SHAPE);
  GIVES((dz_leaf_tensor(tape, DZ_ROLE_DATA, 2, huge, NULL), dz_tape_error(tape)->status), DZ_ERR_SHAPE);
  ck_assert_uint_eq(dz_size(dz_leaf_tensor(tape, DZ_ROLE_DATA, 2, none, NULL)), 0);
  ck_assert(dz_value(dz_leaf_tensor(tape, DZ_ROLE_DATA, 0, NULL, NULL)) == 0);
  for (int k = 0; k < BAD; k++) GIVES(dz_set(bad[k], numbers, 1), DZ_ERR_HANDLE);
  GIVES(dz_set(dz_num(1), numbers, 1), DZ_ERR_HANDLE);
  GIVES(dz_set(y, numbers, 1), DZ_ERR_ARGUMENT);
  GIVES(dz_set(x, NULL, 1), DZ_ERR_ARGUMENT);
  GIVES(dz_set(x, numbers, 2), DZ_ERR_SHAPE);
  GIVES(dz_set(v, numbers, 2), DZ_ERR_SHAPE);
  GIVES(dz_set(dz_leaf_tensor(tape, DZ_ROLE_DATA, 2, none, NULL), numbers, 0), DZ_OK);
  GIVES(dz_set(v, numbers + 1, 3), DZ_OK);
}
END_TEST

START_TEST(names_that_cannot_be) {
  char longest[257];
  memset(longest, 'n', 256);
  longest[256] = 0;
  for (int k = 0; k < BAD; k++) GIVES(dz_set_name(bad[k], "n"), DZ_ERR_HANDLE);
  GIVES(dz_set_name(dz_num(1), "n"), DZ_ERR_HANDLE);
  GIVES(dz_set_name(x, NULL), DZ_ERR_ARGUMENT);
  GIVES(dz_set_name(x, ""), DZ_ERR_ARGUMENT);
  GIVES(dz_set_name(x, longest), DZ_ERR_ARGUMENT);
  GIVES(dz_set_name(x, longest + 1), DZ_OK);
  GIVES(dz_set_name(x, "\xff"), DZ_ERR_ARGUMENT);
  GIVES(dz_set_name(x, "a\xc3"), DZ_ERR_ARGUMENT);
  GIVES(dz_set_name(x, "z"), DZ_OK);
  GIVES(dz_set_name(y, "z"), DZ_ERR_NAME);
}
END_TEST

/* ---- constructors ---- */

static void expect_poison(dz_var r, dz_status status, const char *what, const char *how) {
  if (dz_valid(r) || dz_tape_error(tape)->status != status)
    ck_abort_msg("%s of a handle that is %s: valid %d, status %d, not %d", what, how, dz_valid(r),
                 dz_tape_error(tape)->status, status);
  dz_tape_forgive(tape);
}

START_TEST(pointwise_operations_of_no_handle) {
  for (int fn = 0; fn < DZ__F_POINTWISE_END; fn++)
    for (int k = 0; k < dz__ops[fn].arity; k++)
      for (int b = 0; b <= BAD; b++) {
        dz_var in[3] = {x, x, x};
        in[k] = b < BAD ? bad[b] : foreign;
        if (b == BAD && dz__ops[fn].arity == 1) continue;
        const dz_var r = call[fn](in);
        const bool told =
            dz__ops[fn].arity > 1 || b > 0; /* alone, {0} has no tape that could keep the error */
        if (b == BAD && k == 0) {           /* the first operand's tape keeps it */
          ck_assert(!dz_valid(r) && dz_tape_error(other)->status == DZ_ERR_HANDLE);
          dz_tape_forgive(other);
          dz_tape_forgive(tape);
        } else if (told) {
          expect_poison(r, DZ_ERR_HANDLE, dz__ops[fn].name, b < BAD ? bad_name[b] : "another tape's");
        } else {
          ck_assert(!dz_valid(r));
        }
      }
}
END_TEST

/* The functions that stand below the macros, for other languages: the same nodes. */
START_TEST(functions_below_the_macros) {
  const dz_var two = dz_input(tape, 2), three = (dz_param)(tape, 3);
  ck_assert(dz_role_of(three) == DZ_ROLE_PARAM && dz_role_of((dz_input)(tape, 1)) == DZ_ROLE_INPUT);
  ck_assert((dz_value)((dz_add)(two, three)) == 5 && (dz_value)((dz_sub)(two, three)) == -1);
  ck_assert((dz_value)((dz_mul)(two, three)) == 6 && (dz_value)((dz_div)(three, two)) == 1.5);
  ck_assert((dz_value)((dz_neg)(two)) == -2 && (dz_value)((dz_add)(dz_num(1), two)) == 3);
  ck_assert((dz_value)((dz_sub)(two, dz_num(1))) == 1 && isnan((dz_value)(bad[0])));
  ck_assert(!dz_valid((dz_mul)(two, bad[2])) && !dz_valid((dz_div)(bad[1], two)));
}
END_TEST

static dz_var tensor_call(int which, dz_var a) {
  const size_t dims[] = {3};
  const int axes[] = {0};
  switch (which) {
  case 0:
    return dz_sum(a, 0, false);
  case 1:
    return dz_prod(a, 0, true);
  case 2:
    return dz_max(a, DZ_ALL, false);
  case 3:
    return dz_min(a, -1, false);
  case 4:
    return dz_norm(a, 0, false);
  case 5:
    return dz_logsumexp(a, 0, false);
  case 6:
    return dz_reduce("sum", a, 1, axes, false);
  case 7:
    return dz_cumsum(a, 0);
  case 8:
    return dz_cumprod(a, 0);
  case 9:
    return dz_reshape(a, 1, dims);
  case 10:
    return dz_broadcast_to(a, 1, dims);
  case 11:
    return dz_permute(a, 1, axes);
  case 12:
    return dz_transpose(a);
  case 13:
    return dz_slice(a, 0, 0, 2, 1);
  case 14:
    return dz_at(a, 0, 0);
  case 15:
    return dz_gather(a, dz_num(0), 0);
  case 16:
    return dz_gather(v, a, 0);
  case 17:
    return dz_concat(2, (dz_var[]){v, a}, 0);
  case 18:
    return dz_stack(2, (dz_var[]){a, v}, 0);
  case 19:
    return dz_matmul(a, v);
  case 20:
    return dz_dot(v, a);
  case 21:
    return dz_solve(a, v);
  case 22:
    return dz_solve(A, a);
  case 23:
    return dz_noise(a, dz_num(1));
  case 24:
    return dz_noise(v, a);
  case 25:
    return dz_mean(a, 0, false);
  case 26:
    return dz_variance(a, 0, false, 0);
  case 27:
    return dz_std(a, 0, false, 1);
  case 28:
    return dz_softmax(a, 0);
  case 29:
    return dz_log_softmax(a, 0);
  case 30:
    return dz_mse(a, v);
  case 31:
    return dz_cross_entropy(v, a, 0);
  case 32:
    return dz_hinge(a, v);
  case 33:
    return dz_perceptron(v, a);
  case 34:
    return dz_linear(A, a, v);
  case 35:
    return dz_mlp(A, A, v, a, v);
  case 36:
    return dz_layer_norm(a, v, v, 0, 1e-5);
  case 37:
    return dz_batch_norm(A, a, v, 1e-5);
  case 38:
    return dz_dropout(a, .5, dz_num(1));
  case 39:
    return dz_conv2d(a, A, 1, 0);
  case 40:
    return dz_max_pool(a, 2, 0);
  case 41:
    return dz_avg_pool(a, 2, 0);
  case 42:
    return dz_attention(A, a, A);
  case 43:
    return dz_gru(A, a, A, v);
  case 44:
    return dz_lstm(A, a, A, v);
  case 45:
    return dz_hard_tanh(a);
  case 46:
    return dz_log_base(a, v);
  default:
    return dz_num(0);
  }
}
enum { TENSOR_CALLS = 47 };

START_TEST(tensor_operations_of_no_handle) {
  char what[24];
  for (int k = 0; k < TENSOR_CALLS; k++)
    for (int b = 0; b < BAD; b++) {
      snprintf(what, sizeof what, "call %d", k);
      const dz_var r = tensor_call(k, bad[b]);
      if (b > 0)
        expect_poison(r, DZ_ERR_HANDLE, what, bad_name[b]);
      else
        ck_assert(!dz_valid(r));
      dz_tape_forgive(tape);
    }
}
END_TEST

/* Numbers alone make a number, or nothing where NumPy would not give one. */
START_TEST(tensor_operations_of_a_number) {
  for (int k = 0; k < 25; k++) {
    const dz_var r = tensor_call(k, dz_num(-2));
    const bool whole = k == 2 || k == 0; /* dz_max over all */
    if (dz_valid(r) && dz_is_number(r)) ck_assert(dz_value(r) == -2 || dz_value(r) == 2);
    ck_assert(!whole || k == 0 || dz_value(r) == -2);
    dz_tape_forgive(tape);
  }
  ck_assert(dz_value(dz_norm(-2, DZ_ALL, false)) == 2 && dz_value(dz_norm(2, DZ_ALL, false)) == 2);
  ck_assert(!signbit(dz_value(dz_norm(-0., DZ_ALL, false))) && isnan(dz_value(dz_norm(NAN, DZ_ALL, false))));
  ck_assert(dz_value(dz_transpose(dz_num(7))) == 7 && dz_value(dz_reshape(dz_num(7), 0, NULL)) == 7);
  ck_assert(dz_value(dz_permute(dz_num(7), 0, NULL)) == 7);
}
END_TEST

START_TEST(axes_and_shapes_that_do_not_fit) {
  const size_t three[] = {3}, two[] = {2}, infer[] = {SIZE_MAX, 2}, twice[] = {SIZE_MAX, SIZE_MAX};
  const int axes[] = {0, 0, 5, -3}, *const none = NULL;
  const double places[] = {0, 3, .5};
  POISONS(dz_sum(v, 1, false), DZ_ERR_ARGUMENT);
  POISONS(dz_sum(v, -2, false), DZ_ERR_ARGUMENT);
  POISONS(dz_sum(x, 0, false), DZ_ERR_ARGUMENT);
  POISONS(dz_reduce("sum", A, 2, axes, false), DZ_ERR_ARGUMENT); /* one twice */
  POISONS(dz_reduce("sum", A, 1, axes + 2, false), DZ_ERR_ARGUMENT);
  POISONS(dz_reduce("sum", A, 1, none, false), DZ_ERR_ARGUMENT);
  POISONS(dz_reduce("sum", A, -1, axes, false), DZ_ERR_ARGUMENT);
  POISONS(dz_reduce("median", A, 1, axes, false), DZ_ERR_NAME);
  POISONS(dz_reduce(NULL, A, 1, axes, false), DZ_ERR_NAME);
  POISONS(dz_cumsum(A, 2), DZ_ERR_ARGUMENT);
  POISONS(dz_reshape(A, 1, three), DZ_ERR_SHAPE);
  POISONS(dz_reshape(v, 2, infer), DZ_ERR_SHAPE);
  POISONS(dz_reshape(v, 2, twice), DZ_ERR_ARGUMENT);
  POISONS(dz_reshape(v, 1, NULL), DZ_ERR_ARGUMENT);
  POISONS(dz_broadcast_to(v, 1, two), DZ_ERR_SHAPE);
  POISONS(dz_permute(A, 2, axes), DZ_ERR_ARGUMENT);
  POISONS(dz_permute(A, 1, axes), DZ_ERR_ARGUMENT);
  POISONS(dz_permute(A, 2, axes + 2), DZ_ERR_ARGUMENT);
  POISONS(dz_permute(A, 2, NULL), DZ_ERR_ARGUMENT);
  POISONS(dz_slice(v, 0, 0, 2, 0), DZ_ERR_ARGUMENT);
  POISONS(dz_slice(v, 1, 0, 2, 1), DZ_ERR_ARGUMENT);
  POISONS(dz_at(v, 0, 3), DZ_ERR_ARGUMENT);
  POISONS(dz_at(v, 0, -4), DZ_ERR_ARGUMENT);
  for (int k = 1; k < 3; k++) POISONS(dz_gather(v, dz_const(tape, places[k]), 0), DZ_ERR_ARGUMENT);
  POISONS(dz_gather(v, dz_const(tape, NAN), 0), DZ_ERR_ARGUMENT);
  POISONS(dz_gather(v, dz_const(tape, -4), 0), DZ_ERR_ARGUMENT);
  ck_assert(!dz_valid(dz_concat(0, &v, 0)) && !dz_valid(dz_concat(1, NULL, 0)) &&
            !dz_valid(dz_stack(0, NULL, 0)));
  POISONS(dz_concat(2, ((dz_var[]){v, A}), 0), DZ_ERR_SHAPE);
  POISONS(dz_stack(2, ((dz_var[]){v, A}), 0), DZ_ERR_SHAPE);
  POISONS(dz_stack(1, &v, 2), DZ_ERR_ARGUMENT);
  POISONS(dz_matmul(x, v), DZ_ERR_SHAPE);
  POISONS(dz_matmul(v, x), DZ_ERR_SHAPE);
  POISONS(dz_matmul(A, v), DZ_ERR_SHAPE);
  POISONS(dz_solve(v, v), DZ_ERR_SHAPE);
  POISONS(dz_solve(A, v), DZ_ERR_SHAPE);
  POISONS(dz_solve(A, x), DZ_ERR_SHAPE);
  POISONS(dz_noise(v, v), DZ_ERR_SHAPE);
  POISONS(dz_add(v, A), DZ_ERR_SHAPE);
}
END_TEST

/* Ranks end at 8, and extents where they can be counted. */
START_TEST(shapes_at_their_limits) {
  const size_t eight[] = {1, 1, 1, 1, 1, 1, 1, 1}, wide[] = {0, SIZE_MAX / 2 + 1};
  const dz_var deep = dz_leaf_tensor(tape, DZ_ROLE_INPUT, 8, eight, numbers);
  const dz_var empty = dz_leaf_tensor(tape, DZ_ROLE_INPUT, 2, wide, NULL);
  POISONS(dz_stack(1, &deep, 0), DZ_ERR_SHAPE);
  POISONS(dz_gather(deep, dz_leaf_tensor(tape, DZ_ROLE_DATA, 2, eight, NULL), 0), DZ_ERR_SHAPE);
  ck_assert_int_eq(dz_rank(dz_gather(deep, dz_leaf_tensor(tape, DZ_ROLE_DATA, 1, eight, NULL), 0)), 8);
  POISONS(dz_concat(2, ((dz_var[]){empty, empty}), 1), DZ_ERR_SHAPE);
  ck_assert_uint_eq(dz_size(dz_concat(2, ((dz_var[]){empty, empty}), 0)), 0);
  POISONS(dz_reshape(deep, 9, eight), DZ_ERR_SHAPE);
  POISONS(dz_broadcast_to(deep, 9, eight), DZ_ERR_SHAPE);
  POISONS(dz_reshape(deep, -1, eight), DZ_ERR_ARGUMENT);
}
END_TEST

START_TEST(branches_on_what_is_no_condition) {
  for (int k = 0; k < BAD; k++) {
    ck_assert(!dz_holds(bad[k]));
    if (k) ck_assert_int_eq(dz_tape_error(tape)->status, DZ_ERR_HANDLE);
    dz_tape_forgive(tape);
  }
  ck_assert(dz_holds(1) && !dz_holds(0) && (dz_holds)(dz_gt(y, x)) && !dz_holds(dz_lt(y, x)));
  ck_assert(!dz_holds(v));
  ck_assert_int_eq(dz_tape_error(tape)->status, DZ_ERR_SHAPE);
}
END_TEST

SUITE_BETWEEN(set_up_all, tear_down_all, ONCE(no_handle_says_nothing), ONCE(a_number_says_little),
              ONCE(questions_out_of_range), ONCE(no_tape), ONCE(marks_that_are_gone),
              ONCE(room_that_cannot_be), ONCE(limits_that_are_set), ONCE(leaves_that_cannot_be),
              ONCE(names_that_cannot_be), ONCE(pointwise_operations_of_no_handle),
              ONCE(functions_below_the_macros), ONCE(tensor_operations_of_no_handle),
              ONCE(tensor_operations_of_a_number), ONCE(axes_and_shapes_that_do_not_fit),
              ONCE(shapes_at_their_limits), ONCE(branches_on_what_is_no_condition))
