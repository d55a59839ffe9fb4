/* Tapes of floats at rare ends: a sweep of a leaf alone, shapes that do not fit, scalars where tensors are
   usual, each allocation failing where floats.c and starved_floats.c do not come by. */
#define NEW_TAPE dz_tape_new_single
#include "tape/single.h"

#include "dz/tensor.h"
#include "on_tape.h"

#include <math.h>

/* Number 14367 of the stream of seed 908 is so near 1 that a float would be 1. */
START_TEST(noise_stays_below_one) {
  enum { AT = 14367 };
  dz_tape *doubles = dz_tape_new(NULL);
  const double *exact = dz_values(dz_noise(dz_leaf_tensor(doubles, DZ_ROLE_DATA, DIMS(AT + 1), NULL), 908));
  const float *x = dz_values_single(dz_noise(dz_leaf_tensor(tape, DZ_ROLE_DATA, DIMS(AT + 1), NULL), 908));
  for (int i = 0; i < AT; i++) ck_assert(x[i] == (float)exact[i]);
  ck_assert(exact[AT] < 1 && (float)exact[AT] == 1 && x[AT] == nextafterf(1, 0));
  dz_tape_free(doubles);
}
END_TEST

/* ---- shapes ---- */

static void refused(dz_var y) {
  ck_assert(!dz_valid(y));
  ck_assert_int_eq(dz_tape_error(tape)->status, DZ_ERR_SHAPE);
  dz_tape_forgive(tape);
}

START_TEST(shapes_that_do_not_fit) {
  const dz_var two = dz_leaf_tensor(tape, DZ_ROLE_INPUT, DIMS(2), V(1, 2)),
               three = dz_leaf_tensor(tape, DZ_ROLE_INPUT, DIMS(3), V(1, 2, 3)),
               square = dz_leaf_tensor(tape, DZ_ROLE_INPUT, DIMS(2, 2), V(1, 0, 0, 1));
  refused(dz_add(two, three));
  refused(dz_matmul(two, three));
  refused(dz_solve(square, three));
  const float *x = dz_values_single(dz_solve(square, two));
  ck_assert(x[0] == 1 && x[1] == 2);
}
END_TEST

/* Only tensors have floats to show. */
START_TEST(a_sum_is_a_scalar) {
  const dz_var y = dz_sum(dz_leaf_tensor(tape, DZ_ROLE_INPUT, DIMS(2), V(1, .5)), 0, false);
  ck_assert(!dz_values_single(y) && !dz_adjoints_single(y) && dz_value(y) == 1.5);
  double number[2] = {0};
  dz__read_values(y, number);
  ck_assert(number[0] == 1.5);
  dz__read_values(dz_leaf_tensor(tape, DZ_ROLE_INPUT, DIMS(2), V(.1, 2)), number);
  ck_assert(number[0] == (double).1f && number[1] == 2);
  ck_assert_int_eq(dz_backward_with(y, 3), DZ_OK);
  dz__read_adjoint(y, number);
  ck_assert(number[0] == 3 && number[1] == 2);
  dz__read_adjoint(dz_data(tape, 5), number);
  ck_assert(number[0] == 0 && number[1] == 2);
  const dz_var x = dz_input(tape, 2);
  ck_assert_int_eq(dz_backward(dz_mul(x, y)), DZ_OK);
  ck_assert(!dz_adjoints_single(x) && dz_adjoint(x) == 1.5);
}
END_TEST

/* ---- what is reduced by the kernels of doubles, and is a scalar already ---- */

START_TEST(reductions_of_scalars) {
  const dz_var x = dz_input(tape, -3), y = dz_add(dz_norm(x, DZ_ALL, false), dz_prod(x, DZ_ALL, false)),
               z = dz_mul(dz_logsumexp(x, DZ_ALL, false), 2);
  ck_assert(dz_value(y) == 0 && dz_value(z) == -6);
  ck_assert_int_eq(dz_backward(y), DZ_OK);
  ck_assert(dz_adjoint(x) == 0); /* -1 and 1 */
  ck_assert_int_eq(dz_backward(z), DZ_OK);
  ck_assert(dz_adjoint(x) == 2);
}
END_TEST

/* ---- leaves written in place ---- */

static dz_status in_place(dz_tape *t, const dz_allocator *a, int kind) {
  (void)a, (void)kind;
  const dz_var u = dz_leaf_tensor(t, DZ_ROLE_PARAM, DIMS(2), NULL),
               x = dz_leaf_tensor(t, DZ_ROLE_PARAM, 0, NULL, NULL);
  if (!dz_valid(u) || !dz_valid(x)) return dz_tape_error(t)->status;
  double *to = dz__leaf_open(x);
  *to = .1;
  dz__leaf_close(x);
  ck_assert(dz_value(dz_node_at(t, 1)) == (double).1f);
  to = dz__leaf_open(u);
  if (!to) return dz_tape_error(t)->status;
  to[0] = .1, to[1] = 2;
  dz__leaf_close(u);
  ck_assert(dz_values_single(u)[0] == .1f && dz_values(u)[0] == (double).1f && dz_values(u)[1] == 2);
  return DZ_OK;
}

/* ---- sweeps and records that fail ---- */

static dz_status of_a_leaf(dz_tape *t, const dz_allocator *a, int kind) {
  (void)a, (void)kind;
  const dz_var u = dz_leaf_tensor(t, DZ_ROLE_PARAM, DIMS(1), V(3));
  if (!dz_valid(u)) return dz_tape_error(t)->status;
  const dz_status status = dz_backward_with(u, 5);
  if (!status) ck_assert(dz_adjoints_single(u)[0] == 5);
  return status;
}

static dz_status with_a_seed(dz_tape *t, const dz_allocator *a, int kind) {
  (void)a, (void)kind;
  const dz_var u = dz_leaf_tensor(t, DZ_ROLE_PARAM, DIMS(2), V(3, -1)),
               g = dz_leaf_tensor(t, DZ_ROLE_DATA, DIMS(2), V(2, .5)), y = dz_mul(u, u);
  if (!dz_valid(y) || !dz_valid(g)) return dz_tape_error(t)->status;
  const dz_status status = dz_backward_with(y, g);
  if (!status) ck_assert(dz_adjoints_single(u)[0] == 12 && dz_adjoints_single(u)[1] == -1);
  return status;
}

/* Accumulation before there is anything to add to. */
static dz_status added_at_first(dz_tape *t, const dz_allocator *a, int kind) {
  (void)a, (void)kind;
  const dz_var x = dz_input(t, 3), y = dz_mul(x, x);
  if (!dz_valid(y)) return dz_tape_error(t)->status;
  const dz_status status = dz_backward_add(y, 1);
  if (!status) ck_assert(dz_adjoint(x) == 6);
  return status;
}

/* Blocks of an arena are so large that only large tensors take several of them. */
static dz_status large(dz_tape *t, const dz_allocator *a, int kind) {
  enum { N = 20000 };
  (void)a, (void)kind;
  static double ones[N];
  for (int i = 0; i < N; i++) ones[i] = 1;
  const dz_var u = dz_leaf_tensor(t, DZ_ROLE_PARAM, DIMS(N), ones), z = dz_cumsum(u, 0),
               y = dz_sum(dz_add(z, 1), 0, false);
  if (!dz_valid(y)) return dz_tape_error(t)->status;
  ck_assert(dz_values_single(z)[0] == 1 && dz_values_single(z)[N - 1] == N);
  const dz_status status = dz_backward(y);
  if (!status) ck_assert(dz_adjoints_single(u)[0] == N && dz_adjoints_single(u)[N - 1] == 1);
  return status;
}

/* One after another of the operations wants room of its own. */
static dz_status many_large(dz_tape *t, const dz_allocator *a, int kind) {
  enum { N = 20000, TIMES = 40 };
  (void)a, (void)kind;
  dz_var u = dz_leaf_tensor(t, DZ_ROLE_PARAM, DIMS(N), NULL);
  for (int k = 0; k < TIMES && dz_valid(u); k++) u = dz_add(u, 1);
  if (!dz_valid(u)) return dz_tape_error(t)->status;
  ck_assert(dz_values_single(u)[0] == TIMES && dz_values_single(u)[N - 1] == TIMES);
  return DZ_OK;
}

static dz_status (*const failing_ones[])(dz_tape *, const dz_allocator *, int) = {
    in_place, of_a_leaf, with_a_seed, added_at_first, large, many_large};
START_TEST(every_allocation_may_fail) { fail_each_allocation(failing_ones[_i], 0); }
END_TEST

/* What is no function of any leaf has a seed and no adjoint. */
START_TEST(seeds_of_what_is_fixed) {
  const dz_var u = dz_mul(dz_leaf_tensor(tape, DZ_ROLE_DATA, DIMS(2), V(1, 2)), 3),
               g = dz_leaf_tensor(tape, DZ_ROLE_DATA, DIMS(2), V(1, 1));
  ck_assert_int_eq(dz_backward_with(u, g), DZ_OK);
  ck_assert_int_eq(dz_adjoint_state_of(u), DZ_ADJOINT_INACTIVE);
  ck_assert(!dz_adjoints(u) && !dz_adjoints_single(u));
}
END_TEST

/* 2^149 is a double, and as an adjoint of a float infinite: which a note explains. */
START_TEST(adjoints_too_large_for_a_float) {
  const dz_var u = dz_leaf_tensor(tape, DZ_ROLE_INPUT, DIMS(2), V(0, 0)), x = dz_input(tape, 0),
               y = dz_add(dz_sum(dz_div(u, 0x1p-149), 0, false), dz_div(x, 0x1p-149));
  ck_assert_int_eq(dz_backward(y), DZ_OK);
  ck_assert(isinf(dz_adjoint(x)) && isinf(dz_adjoints_single(u)[1]));
  ck_assert_int_eq(dz_diagnose(y), DZ_OK);
  ck_assert_uint_eq(dz_note_count(tape), 2);
  for (size_t i = 0; i < 2; i++) {
    ck_assert_str_eq(dz_note_at(tape, i)->kind, "overflow");
    ck_assert(strstr(dz_note_at(tape, i)->message, "a gradient of 1 arrives: too large"));
  }
}
END_TEST

/* The same where a tensor operation is the first through which it comes. */
START_TEST(products_too_large_for_a_float) {
  const dz_var A = dz_leaf_tensor(tape, DZ_ROLE_DATA, DIMS(1, 1), V(0x1p100)),
               u = dz_leaf_tensor(tape, DZ_ROLE_INPUT, DIMS(1), V(0x1p-100)),
               y = dz_mul(dz_sum(dz_matmul(A, u), DZ_ALL, false), 0x1p100);
  ck_assert_int_eq(dz_backward(y), DZ_OK);
  ck_assert(dz_value(y) == 0x1p100 && isinf(dz_adjoints_single(u)[0]));
  ck_assert_int_eq(dz_diagnose(y), DZ_OK);
  ck_assert_uint_eq(dz_note_count(tape), 1);
  ck_assert_str_eq(dz_note_at(tape, 0)->op, "matmul");
  ck_assert_ptr_nonnull(
      strstr(dz_note_at(tape, 0)->message, "the gradient through matmul to operand 2 is inf"));
}
END_TEST

/* An interior adjoint is asked for, which needs the careful sweep, which finds no memory: those of the leaves
   are known as before. */
START_TEST(leaves_keep_their_adjoints) {
  size_t failed = 1;
  for (size_t k = 1; failed; k++) {
    failing f = {0};
    const dz_allocator a = failing_allocator(&f);
    dz_tape *t = dz_tape_new_single(&a);
    const dz_var u = dz_leaf_tensor(t, DZ_ROLE_INPUT, DIMS(2), V(1, 2)), w = dz_mul(u, 3),
                 x = dz_input(t, .5), step = dz_floor(x), taken = dz_where(1, dz_mul(x, 3), dz_sqrt(step)),
                 y = dz_add(taken, dz_sum(w, 0, false));
    ck_assert_int_eq(dz_backward(y), DZ_OK);
    f.calls = 0, f.at = k;
    const dz_adjoint_state state = dz_adjoint_state_of(step);
    failed = f.failed;
    f.at = 0;
    ck_assert_int_eq(state, failed ? DZ_ADJOINT_NOT_COMPUTED : DZ_ADJOINT_READY);
    ck_assert(dz_adjoint(x) == 3 && dz_adjoints_single(u)[1] == 3);
    ck_assert(dz_adjoints(u)[0] == 3 && dz_adjoints(u)[1] == 3);
    ck_assert(dz_adjoint(step) == 0 && dz_adjoints(u)[0] == 3 && dz_adjoints(w)[1] == 1);
    dz_tape_free(t);
    ck_assert(f.blocks == 0 && f.bytes == 0);
  }
}
END_TEST

SUITE_ON_TAPE(ONCE(noise_stays_below_one), ONCE(shapes_that_do_not_fit), ONCE(a_sum_is_a_scalar),
              ONCE(reductions_of_scalars), EACH(every_allocation_may_fail, COUNT(failing_ones)),
              ONCE(seeds_of_what_is_fixed), ONCE(adjoints_too_large_for_a_float),
              ONCE(products_too_large_for_a_float), ONCE(leaves_keep_their_adjoints))
