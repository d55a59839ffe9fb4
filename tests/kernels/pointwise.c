/* Elementwise kernels on arrays: whatever walks over an array gives, element by element, the bits that the
   operation gives for numbers alone, rounded once to floats where the array is of such. */
#include "kernels/pointwise.h"
#include "suite.h"

#include <float.h>
#include <math.h>
#include <string.h>

/* Numbers at which the table's texts go one way or the other. */
static const double hard[] = {0.,     -0.,      1,         -1,   .5,      -.5,    2,      -2,
                              3,      INFINITY, -INFINITY, NAN,  DBL_MAX, 5e-324, 1e-310, -1e-310,
                              1e-160, 1e160,    710,       -745, -1075,   27,     -27,    40,
                              172,    1e17,     2.5,       .3,   FLT_MAX, 1e-40,  -1e-45};
enum { N = COUNT(hard), ROWS = 3 };

/* How an operand is laid out against a result of shape [ROWS, N]. */
typedef enum form { WHOLE, ROW, COLUMN, ONE, FORMS } form;

static size_t place_in(form f, size_t row, size_t column) {
  return f == WHOLE ? row * N + column : f == ROW ? column : f == COLUMN ? row : 0;
}

#define forward_double dz__pointwise_forward
#define forward_single dz__pointwise_forward_single
#define reverse_double dz__pointwise_reverse
#define reverse_single dz__pointwise_reverse_single
#define TEMPLATE "kernels/pointwise_arrays.inc"
#include "kernels/twice.h"

/* The careful way: nothing flows from the elements of g that do not count, and what is reached is marked. */
static void try_carefully(dz__fn fn, int kind) {
  static trial_double t;
  double ga[3][ROWS * N] = {{0}}, marks[3][ROWS * N] = {{0}}, reach[ROWS * N], *to[3], *mark[3];
  set_double(&t, fn, kind);
  forward_double(fn, &t.call);
  for (int k = 0; k < 3; k++) to[k] = ga[k], mark[k] = marks[k];
  for (size_t i = 0; i < (size_t)ROWS * N; i++) reach[i] = i % 3 != 1;
  t.call.ga = to;
  dz__pointwise_careful(fn, &t.call, reach, mark);
  for (int k = 0; k < t.call.nargs; k++) {
    double right[ROWS * N] = {0}, reached[ROWS * N] = {0}, size[ROWS * N] = {0};
    for (size_t i = 0; i < (size_t)ROWS * N; i++) {
      const size_t j = place_in(t.form[k], i / N, i % N);
      const dz__kernel *f = &dz__pointwise[fn];
      const double p = f->partial[k](at_double(&t, 0, i), at_double(&t, 1, i), at_double(&t, 2, i), t.z[i],
                                     t.call.nargs > 1 ? .5 : 0);
      if (reach[i] == 0 || (f->mask[k] && p == 0)) continue;
      right[j] += p * t.g[i];
      size[j] += fabs(p * t.g[i]);
      reached[j] = 1;
    }
    for (size_t j = 0; j < t.args[k].size; j++) {
      ck_assert_msg(same_double(ga[k][j], right[j]) ||
                        fabs(ga[k][j] - right[j]) <= ROWS * N * 0x1p-53 * size[j],
                    "%s, operand %d, element %zu: %a, not %a", t.call.op, k, j, ga[k][j], right[j]);
      ck_assert(marks[k][j] == reached[j]);
    }
  }
}

/* Operation _i with its operands laid out in every way. */
START_TEST(arrays_are_as_numbers) {
  const int n = dz__ops[_i].arity, kinds = n == 1 ? 1 : n == 2 ? FORMS * FORMS : FORMS * FORMS * FORMS;
  for (int kind = 0; kind < kinds; kind++) {
    try_double((dz__fn)_i, kind);
    try_single((dz__fn)_i, kind);
    try_carefully((dz__fn)_i, kind);
  }
}
END_TEST

START_TEST(single_elements) {
  for (size_t i = 0; i < N; i++) {
    try_one_double((dz__fn)_i, i);
    try_one_single((dz__fn)_i, i);
  }
}
END_TEST

START_TEST(one_element_and_none) {
  try_few_double();
  try_few_single();
}
END_TEST

SUITE(EACH(arrays_are_as_numbers, DZ__F_POINTWISE_END), EACH(single_elements, DZ__F_POINTWISE_END),
      ONCE(one_element_and_none))
