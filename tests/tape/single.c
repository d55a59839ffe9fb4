/* Tapes of floats: copies as doubles, and the room that kernels of doubles work in. */
#define NEW_TAPE dz_tape_new_single
#include "dz/lang.h"
#include "dz/sweep.h"
#include "dz/tensor.h"

#include "on_tape.h"

#include <math.h>

static dz_var tensor(size_t n, const double *values) {
  return dz_leaf_tensor(tape, DZ_ROLE_INPUT, 1, &n, values);
}

/* sqrt at 0, behind a choice, makes the sweep a careful one, which is of doubles: what it leaves in every
   tensor, not in the first only, are floats. Slopes of 3 and 5 times those of the square root at 2 and 3. */
START_TEST(careful_sweeps_leave_floats) {
  const dz_var v = tensor(3, V(1, 3, 5)), u = tensor(3, V(0, 2, 3)),
               z = dz_mul(v, dz_where(dz_gt(u, 0), dz_sqrt(u), 0));
  ck_assert_int_eq(dz_backward(dz_sum(z, 0, false)), DZ_OK);
  const float slope[] = {0, (float)(3 / (2 * (double)sqrtf(2))), (float)(5 / (2 * (double)sqrtf(3)))};
  const float root[] = {0, sqrtf(2), sqrtf(3)};
  for (int k = 0; k < 3; k++) {
    ck_assert_msg(fabsf(dz_adjoints_single(u)[k] - slope[k]) <= 2 * 0x1p-24f * slope[k], "%.9g",
                  (double)dz_adjoints_single(u)[k]);
    ck_assert(dz_adjoints(u)[k] == (double)dz_adjoints_single(u)[k]);
    ck_assert(dz_adjoints_single(v)[k] == root[k] && dz_adjoints(v)[k] == (double)root[k]);
  }
}
END_TEST

/* What a rewind dropped is behind the last tensor, and is none of the sweep's, however far that goes. */
START_TEST(careful_sweeps_end_with_the_tape) {
  const dz_var u = tensor(2, V(0, 4)), x = dz_input(tape, 3),
               z = dz_sum(dz_where(dz_gt(u, 0), dz_sqrt(u), 0), 0, false);
  const dz_mark mark = dz_tape_mark(tape);
  ck_assert_int_eq(dz_backward(dz_sum(dz_exp(u), 0, false)), DZ_OK);
  ck_assert_int_eq(dz_tape_rewind(tape, mark), DZ_OK);
  dz_var y = z;
  for (int k = 0; k < 4; k++) y = dz_mul(y, x);
  ck_assert_int_eq(dz_backward(y), DZ_OK);
  ck_assert(dz_adjoints_single(u)[0] == 0 && dz_adjoints_single(u)[1] == 81. / 4);
  ck_assert(dz_adjoint(x) == 2 * 4 * 27);
}
END_TEST

/* A diagonal matrix of powers of two, so that all is exact: x = b/a, the adjoint of b is g/a and that of
   the matrix -(g/a) x^T. The room for it is what operands, result and their adjoints take. */
START_TEST(a_system_of_some_size) {
  enum { N = 24 };
  double a[N * N] = {0}, b[N];
  for (int i = 0; i < N; i++) a[i * (N + 1)] = i % 2 ? 2 : 4, b[i] = i;
  const dz_var A = dz_leaf_tensor(tape, DZ_ROLE_PARAM, 2, (size_t[]){N, N}, a), B = tensor(N, b),
               x = dz_solve(A, B);
  ck_assert_int_eq(dz_backward(dz_sum(x, 0, false)), DZ_OK);
  for (int i = 0; i < N; i++) {
    const float of_b = i % 2 ? .5f : .25f;
    ck_assert(dz_values_single(x)[i] == (float)i * of_b && dz_adjoints_single(B)[i] == of_b);
    for (int j = 0; j < N; j++)
      ck_assert(dz_adjoints_single(A)[N * i + j] == -of_b * ((float)j * (j % 2 ? .5f : .25f)));
  }
}
END_TEST

/* The room is that of the right sides above all. */
START_TEST(a_system_of_many_right_sides) {
  enum { M = 50, SUM = M * (M - 1) / 2 };
  double b[2 * M];
  for (int j = 0; j < 2 * M; j++) b[j] = j % M;
  const dz_var A = dz_leaf_tensor(tape, DZ_ROLE_PARAM, DIMS(2, 2), V(2, 0, 0, 4)),
               B = dz_leaf_tensor(tape, DZ_ROLE_PARAM, DIMS(2, M), b), x = dz_solve(A, B);
  ck_assert_int_eq(dz_backward(dz_sum(x, DZ_ALL, false)), DZ_OK);
  const float part[] = {.5f, .25f};
  for (int i = 0; i < 2; i++) {
    for (int j = 0; j < M; j++)
      ck_assert(dz_values_single(x)[i * M + j] == (float)j * part[i] &&
                dz_adjoints_single(B)[i * M + j] == part[i]);
    for (int k = 0; k < 2; k++) ck_assert(dz_adjoints_single(A)[2 * i + k] == -part[i] * part[k] * SUM);
  }
}
END_TEST

/* Each reads its own operand again, not what the last that was recorded did. */
START_TEST(products_beside_each_other) {
  const dz_var u = tensor(3, V(2, 3, 4)), v = tensor(2, V(5, 7)),
               y = dz_mul(dz_prod(u, 0, false), dz_prod(v, 0, false));
  ck_assert(dz_value(y) == 24 * 35);
  ck_assert_int_eq(dz_backward(y), DZ_OK);
  for (int k = 0; k < 3; k++) ck_assert(dz_adjoints_single(u)[k] == 24 * 35 / dz_values_single(u)[k]);
  for (int k = 0; k < 2; k++) ck_assert(dz_adjoints_single(v)[k] == 24 * 35 / dz_values_single(v)[k]);
}
END_TEST

/* Positions are floats as well. */
START_TEST(gathered_by_floats) {
  const dz_var u = tensor(3, V(5, 6, 7)), y = dz_gather(u, tensor(4, V(2, 0, -1, 2)), 0);
  ck_assert_msg(dz_valid(y), "%s", dz_tape_error(tape)->message);
  ck_assert_int_eq(dz_backward(dz_sum(y, 0, false)), DZ_OK);
  for (int k = 0; k < 4; k++) ck_assert(dz_values_single(y)[k] == (k == 1 ? 5 : 7));
  for (int k = 0; k < 3; k++) ck_assert(dz_adjoints_single(u)[k] == (k == 0 ? 1 : k == 1 ? 0 : 3));
}
END_TEST

/* What a program fills a parameter with is rounded as it enters: values and their copies are floats, and what
   is computed from them is computed from those. */
START_TEST(parameters_that_a_program_fills) {
  static const char text[] = "param W[5] ~ uniform(-1, 1)\nparam s ~ uniform(-1, 1)\nZ = W * 2\nsum(Z) + s";
  dz_error e;
  dz_program *p = dz_program_parse(text, strlen(text), NULL, NULL, &e);
  ck_assert_msg(p && dz_valid(dz_program_record(p, tape, 1)), "%s", e.message);
  const dz_var W = dz_named(tape, "W"), Z = dz_named(tape, "Z");
  const double s = dz_value(dz_named(tape, "s"));
  ck_assert(s != 0 && s == (double)(float)s);
  for (int k = 0; k < 5; k++) {
    const float w = dz_values_single(W)[k];
    ck_assert(w != 0 && fabsf(w) <= 1 && dz_values(W)[k] == (double)w && dz_values_single(Z)[k] == 2 * w);
  }
  dz_program_free(p);
}
END_TEST

/* Notes read adjoints as doubles: without room for these copies there are none, and it is said. */
static dz_status diagnosed(dz_tape *t, const dz_allocator *a, int kind) {
  (void)a, (void)kind;
  const size_t n = 3;
  const dz_var u = dz_leaf_tensor(t, DZ_ROLE_PARAM, 1, &n, V(0, 1, 4)), y = dz_sum(dz_sqrt(u), 0, false);
  if (!dz_valid(y)) return dz_tape_error(t)->status;
  dz_status status = dz_backward(y);
  if (!status) status = dz_diagnose(y);
  if (!status) ck_assert_uint_gt(dz_note_count(t), 0);
  return status;
}

START_TEST(diagnosing_without_memory) { fail_each_allocation(diagnosed, 0); }
END_TEST

/* Of three numbers and a seed the three are what room is wanted for, before and after. */
START_TEST(how_many_elements_there_was_no_memory_for) {
  size_t said = 0;
  bool done = false;
  for (size_t k = 1; !done; k++) {
    failing f = {0};
    const dz_allocator a = failing_allocator(&f);
    dz_tape *t = dz_tape_new_single(&a);
    const dz_var u = dz_leaf_tensor(t, DZ_ROLE_INPUT, DIMS(3), NULL);
    f.calls = 0, f.only = k;
    done = dz_valid(dz_noise(u, 1)) && !f.failed;
    const char *message = dz_tape_error(t)->message;
    if (strstr(message, "elements")) {
      ck_assert_str_eq(message, "out of memory for 3 elements");
      said++;
    }
    dz_tape_free(t);
  }
  ck_assert_uint_gt(said, 0);
}
END_TEST

/* Tensors that fill their places: what is added to one ends with it. */
START_TEST(neighbours_of_what_is_added_to) {
  enum { N = 16 };
  failing f = {0};
  const dz_allocator a = failing_allocator(&f); /* whose memory is not 0 at first */
  dz_tape *t = dz_tape_new_single(&a);
  const dz_var u = dz_leaf_tensor(t, DZ_ROLE_PARAM, DIMS(N), NULL),
               v = dz_leaf_tensor(t, DZ_ROLE_PARAM, DIMS(N), NULL),
               y = dz_add(dz_sum(u, 0, false), dz_sum(dz_mul(v, 0), 0, false));
  ck_assert_int_eq(dz_backward(y), DZ_OK);
  for (int turn = 2; turn < 4; turn++) {
    ck_assert_int_eq(dz_backward_add(y, 1), DZ_OK);
    for (int k = 0; k < N; k++)
      ck_assert(dz_adjoints_single(u)[k] == (float)turn && dz_adjoints_single(v)[k] == 0);
  }
  dz_tape_free(t);
}
END_TEST

/* So many operands that their lists have no room behind them. Element k has the seed k + 1. */
START_TEST(many_scalars_beside_each_other) {
  enum { N = 17 };
  dz_var x[N];
  double seed[N];
  for (int k = 0; k < N; k++) x[k] = dz_input(tape, k), seed[k] = k + 1;
  const dz_var y = dz_stack(N, x, 0);
  ck_assert_int_eq(dz_backward_with(y, tensor(N, seed)), DZ_OK);
  for (int k = 0; k < N; k++) ck_assert(dz_values_single(y)[k] == (float)k && dz_adjoint(x[k]) == k + 1);
}
END_TEST

/* Copies of no elements stand somewhere, and are counted. */
START_TEST(copies_of_nothing) {
  failing f = {0};
  const dz_allocator a = failing_allocator(&f);
  dz_tape *t = dz_tape_new_single(&a);
  const dz_var x = dz_leaf_tensor(t, DZ_ROLE_PARAM, DIMS(0), NULL), y = dz_sum(x, 0, false);
  ck_assert(dz_value(y) == 0 && dz_values(x));
  ck_assert_int_eq(dz_backward(y), DZ_OK);
  ck_assert(dz_adjoints(x));
  ck_assert_uint_eq(dz_tape_bytes(t), f.bytes);
  dz_tape_free(t);
  ck_assert(f.blocks == 0 && f.bytes == 0);
}
END_TEST

SUITE_ON_TAPE(ONCE(careful_sweeps_leave_floats), ONCE(careful_sweeps_end_with_the_tape),
              ONCE(a_system_of_some_size), ONCE(a_system_of_many_right_sides),
              ONCE(products_beside_each_other), ONCE(gathered_by_floats),
              ONCE(parameters_that_a_program_fills), ONCE(diagnosing_without_memory),
              ONCE(how_many_elements_there_was_no_memory_for), ONCE(neighbours_of_what_is_added_to),
              ONCE(many_scalars_beside_each_other), ONCE(copies_of_nothing))
