/* Tensors on the tape of a test: leaves that count, and what is expected of values, shapes and errors. */
#ifndef DZ_TESTS_TENSORS_H
#define DZ_TESTS_TENSORS_H

#include "dz/tensor.h"

#include "on_tape.h"

static inline dz_var tensor(int rank, const size_t *dims, const double *values) {
  return dz_leaf_tensor(tape, DZ_ROLE_INPUT, rank, dims, values);
}

/* 1, 2, 3, … */
static inline dz_var counting(int rank, const size_t *dims) {
  double values[64];
  for (int i = 0; i < 64; i++) values[i] = i + 1;
  return tensor(rank, dims, values);
}

static inline void expect_values(dz_var x, size_t n, const double *values) {
  ck_assert_msg(dz_valid(x), "%s", dz_tape_error(tape)->message);
  ck_assert(dz_size(x) == n);
  for (size_t i = 0; i < n; i++) ck_assert(dz_values(x)[i] == values[i]);
}
static inline void expect_shape(dz_var x, int rank, const size_t *dims) {
  ck_assert_msg(dz_valid(x), "%s", dz_tape_error(tape)->message);
  ck_assert(dz_rank(x) == rank);
  for (int k = 0; k < rank; k++) ck_assert(dz_extent(x, k) == dims[k]);
}
static inline void expect_error(dz_var bad, dz_status status, const char *message) {
  const dz_error *e = dz_tape_error(tape);
  ck_assert(!dz_valid(bad));
  ck_assert_str_eq(e->message, message);
  ck_assert(e->status == status);
  dz_tape_forgive(tape);
}

#endif
