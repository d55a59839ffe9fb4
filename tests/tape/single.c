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

SUITE_ON_TAPE(ONCE(careful_sweeps_leave_floats), ONCE(a_system_of_some_size),
              ONCE(parameters_that_a_program_fills), ONCE(diagnosing_without_memory))
