/* What an output is made of (dz__used_mark), element by element and worked out by hand. The allocator fills
   what it gives with a pattern that is not 0. */
#include "tape/diagnose.h"

#include "dz/sweep.h"
#include "dz/tensor.h"
#include "on_tape.h"

static failing memory;
static dz_tape *t;
static dz__used used;

static void filled(void) {
  memory = (failing){0};
  const dz_allocator a = failing_allocator(&memory);
  t = dz_tape_new(&a);
}
static void given_back(void) {
  dz__used_free(&used);
  dz_tape_free(t);
  ck_assert(memory.blocks == 0 && memory.bytes == 0);
}

static dz_var vector(dz_role role, size_t n, const double *v) { return dz_leaf_tensor(t, role, 1, &n, v); }

static void mark(dz_var y) {
  ck_assert_int_eq(dz_backward(y), DZ_OK);
  ck_assert(dz__used_mark(t, dz__index(y), &used));
}
static void expect(dz_var x, size_t n, const double *right) {
  const dz__wide *w = dz__wide_of(t, dz__index(x));
  const double *own = w ? dz__used_of(dz__of(t), &used, w) : &used.scalar[dz__index(x)];
  for (size_t e = 0; e < n; e++)
    ck_assert_msg((own[e] != 0) == (right[e] != 0), "node %zu at %zu: %g", dz_node_index(x), e, own[e]);
}

/* Of scalars, with numbers in the pool whose places are those of nodes that nothing uses. */
START_TEST(scalars) {
  const dz_var x = dz_input(t, 2), a = dz_exp(x), b = dz_mul(x, x),
               y = dz_tanh(dz_sin(dz_mul(2, dz_mul(x, 3))));
  ck_assert_uint_gt(t->pooled, dz__index(b));
  mark(y);
  expect(x, 1, V(1));
  expect(a, 1, V(0));
  expect(b, 1, V(0));
  expect(y, 1, V(1));
}
END_TEST

START_TEST(a_scalar_branch_just_below) {
  const dz_var x = dz_input(t, 2), other = dz_exp(x), y = dz_where(1, x, other);
  mark(y);
  expect(x, 1, V(1));
  expect(other, 1, V(0));
}
END_TEST

/* Eight nodes, and a list of tensors that is kept next to them. */
START_TEST(as_many_nodes_as_fill_a_line) {
  const dz_var v = vector(DZ_ROLE_INPUT, 2, V(1, 2)), e = dz_exp(v);
  dz_var y = dz_sum(e, DZ_ALL, false);
  while (dz_tape_size(t) < 8) y = dz_add(y, y);
  mark(y);
  expect(v, 2, V(1, 1));
  expect(e, 2, V(1, 1));
}
END_TEST

/* Eight elements, so that masks stand beside each other: the last choice takes all of its condition, and some
   lanes of the root, not the first nor the last. */
START_TEST(lanes) {
  const dz_var u = vector(DZ_ROLE_INPUT, 8, V(1, 2, 3, 4, 5, 6, 7, 8)), root = dz_sqrt(u), log = dz_log(root),
               c = vector(DZ_ROLE_DATA, 8, V(0, 0, 1, 1, 0, 1, 0, 0)), some = dz_where(c, log, 5),
               y = dz_sum(some, DZ_ALL, false);
  mark(y);
  expect(some, 8, V(1, 1, 1, 1, 1, 1, 1, 1));
  expect(c, 8, V(1, 1, 1, 1, 1, 1, 1, 1));
  expect(log, 8, V(0, 0, 1, 1, 0, 1, 0, 0));
  expect(root, 8, V(0, 0, 1, 1, 0, 1, 0, 0));
  expect(u, 8, V(0, 0, 1, 1, 0, 1, 0, 0));
}
END_TEST

/* A condition with a branch that is a scalar; a product by 0 is made of both. */
START_TEST(operands_of_other_shapes) {
  const dz_var s = dz_input(t, 3), v = vector(DZ_ROLE_INPUT, 2, V(1, 2)),
               c = vector(DZ_ROLE_DATA, 2, V(1, 0)), zero = vector(DZ_ROLE_DATA, 2, V(0, 0)),
               product = dz_mul(zero, dz_exp(v)), y = dz_sum(dz_where(c, s, product), DZ_ALL, false);
  mark(y);
  expect(s, 1, V(1));
  expect(c, 2, V(1, 1));
  expect(zero, 2, V(0, 1));
  expect(v, 2, V(0, 1));
}
END_TEST

/* Operands that are repeated along axes, and parts of a result of rank 3. */
START_TEST(repeated_operands) {
  double numbers[24];
  for (int k = 0; k < 24; k++) numbers[k] = k + 1;
  const dz_var x = dz_leaf_tensor(t, DZ_ROLE_INPUT, DIMS(2, 3, 4), numbers),
               column = dz_leaf_tensor(t, DZ_ROLE_INPUT, DIMS(3, 1), numbers), sum = dz_mul(x, column),
               y = dz_at(dz_at(dz_at(sum, 0, 1), 0, 2), 0, 3);
  double right[24] = {0};
  right[23] = 1;
  mark(y);
  expect(sum, 24, right);
  expect(x, 24, right);
  expect(column, 3, V(0, 0, 1));
  const size_t dims[] = {2, 3, 4};
  dz__array out = {.rank = 3, .size = 24}, of_column = {.rank = 2, .size = 3, .dims = {3, 1}};
  memcpy(out.dims, dims, sizeof dims);
  for (size_t e = 0; e < 24; e++) {
    ck_assert_uint_eq(dz__source(&out, &out, e), e);
    ck_assert_uint_eq(dz__source(&out, &of_column, e), e / 4 % 3);
  }
}
END_TEST

SUITE_BETWEEN(filled, given_back, ONCE(scalars), ONCE(a_scalar_branch_just_below),
              ONCE(as_many_nodes_as_fill_a_line), ONCE(lanes), ONCE(operands_of_other_shapes),
              ONCE(repeated_operands))
