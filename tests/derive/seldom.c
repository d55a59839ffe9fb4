/* What seldom happens: operands without elements, as many axes as there can be, structures of some other
   size, memory that ends in the middle of a choice. */
#include "dz/derive.h"
#include "dz/jacobian.h"
#include "dz/lang.h"
#include "dz/sparse.h"
#include "dz/sweep.h"
#include "dz/tensor.h"

#include "../on_tape.h"

#include <math.h>

static void expect(dz_var x, size_t n, const double *want) {
  ck_assert_uint_eq(dz_size(x), n);
  for (size_t k = 0; k < n; k++)
    ck_assert_msg(dz_values(x)[k] == want[k], "element %zu: %g for %g", k, dz_values(x)[k], want[k]);
}

/* ---- graphs of products ---- */

static const size_t eight[] = {1, 1, 1, 1, 1, 1, 2, 2}, rows[] = {3, 1, 1, 1, 1, 1, 2, 2};

/* Row 0 of A @ B is asked for by nobody: what is infinite there reaches nothing, in any number of axes, and
   the matrices of a batch add up where one operand has but one. */
START_TEST(products_that_are_asked_in_part) {
  static const double A[] = {INFINITY, 1, 2, 3}, B[] = {2, 1, 1, 3};
  static const double asked[] = {0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 1, 1};
  static const double to_A[] = {0, 0, 3, 4}, to_B[] = {2, 2, 3, 3}, thrice_A[] = {0, 0, 9, 12},
                      thrice_B[] = {6, 6, 9, 9};
  for (int rank = 2; rank <= 8; rank++) {
    const size_t *dims = eight + 8 - rank;
    const dz_var a = dz_leaf_tensor(tape, DZ_ROLE_INPUT, rank, dims, A),
                 b = dz_leaf_tensor(tape, DZ_ROLE_INPUT, rank, dims, B),
                 c = dz_leaf_tensor(tape, DZ_ROLE_CONST, rank, dims, asked), xs[] = {a, b};
    dz_var g[2];
    ck_assert_int_eq(dz_grad(dz_sum(dz_where(c, dz_matmul(a, b), 0), DZ_ALL, false), 2, xs, g), DZ_OK);
    expect(g[0], 4, to_A);
    expect(g[1], 4, to_B);
  }
  const double many[] = {2, 1, 1, 3, 2, 1, 1, 3, 2, 1, 1, 3},
               of_all[] = {INFINITY, 1, 2, 3, INFINITY, 1, 2, 3, INFINITY, 1, 2, 3};
  const dz_var c = dz_leaf_tensor(tape, DZ_ROLE_CONST, 8, rows, asked);
  for (int left = 0; left < 2; left++) {
    const dz_var a = dz_leaf_tensor(tape, DZ_ROLE_INPUT, left ? 2 : 8, left ? eight + 6 : rows, of_all),
                 b = dz_leaf_tensor(tape, DZ_ROLE_INPUT, left ? 8 : 2, left ? rows : eight + 6, many),
                 x = left ? a : b;
    dz_var g;
    ck_assert_int_eq(dz_grad(dz_sum(dz_where(c, dz_matmul(a, b), 0), DZ_ALL, false), 1, &x, &g), DZ_OK);
    expect(g, 4, left ? thrice_A : thrice_B);
  }
}
END_TEST

/* A matrix and a vector either way round, or two matrices in as many axes as there can be, on a tape that
   ends in the middle of the gradient. */
START_TEST(nodes_of_a_masked_product) {
  static const char *const texts[] = {"sum(where([0, 1], A @ v, 0))", "sum(where([0, 1], v @ A', 0))",
                                      "sum(where(C, A @ v, 0))"};
  static const double A[] = {INFINITY, 1, 2, 3}, v[] = {5, 7, 1, 2}, C[] = {0, 0, 1, 1};
  static const double to_A[] = {0, 0, 5, 7}, to_v[] = {2, 3}, to_A8[] = {0, 0, 12, 3}, to_v8[] = {2, 2, 3, 3};
  const int ranks[] = {_i < 2 ? 2 : 8, _i < 2 ? 1 : 8};
  dz_status status = DZ_ERR_LIMIT;
  for (size_t more = 0; status; more++) {
    dz_tape *t = dz_tape_new(NULL);
    const dz_var xs[] = {dz_leaf_tensor(t, DZ_ROLE_INPUT, ranks[0], eight + 8 - ranks[0], A),
                         dz_leaf_tensor(t, DZ_ROLE_INPUT, ranks[1], eight + 8 - ranks[1], v)};
    dz_var g[2];
    dz_set_name(xs[0], "A");
    dz_set_name(xs[1], "v");
    dz_set_name(dz_leaf_tensor(t, DZ_ROLE_CONST, 8, eight, C), "C");
    const dz_var y = dz_expr(t, texts[_i]);
    dz_tape_limit(t, DZ_LIMIT_NODES, dz_tape_size(t) + more);
    status = dz_grad(y, 2, xs, g);
    ck_assert(status == DZ_OK || status == DZ_ERR_LIMIT);
    if (!status) {
      expect(g[0], 4, _i < 2 ? to_A : to_A8);
      expect(g[1], _i < 2 ? 2 : 4, _i < 2 ? to_v : to_v8);
    }
    dz_tape_free(t);
  }
}
END_TEST

START_TEST(systems_without_a_right_hand_side) {
  static const double A[] = {2, 1, 1, 3}, zeros[4];
  const dz_var xs[] = {dz_leaf_tensor(tape, DZ_ROLE_INPUT, DIMS(2, 2), A),
                       dz_leaf_tensor(tape, DZ_ROLE_INPUT, DIMS(2, 0), NULL)};
  dz_var g[2];
  const dz_var y = dz_sum(dz_where(dz_gt(xs[1], 0), dz_solve(xs[0], xs[1]), 0), DZ_ALL, false);
  ck_assert_int_eq(dz_grad(dz_add(y, dz_sum(dz_solve(xs[0], dz_sqrt(xs[1])), DZ_ALL, false)), 2, xs, g),
                   DZ_OK);
  expect(g[0], 4, zeros);
  expect(g[1], 0, zeros);
}
END_TEST

/* ---- patterns and what goes by them ---- */

START_TEST(patterns_of_nothing) {
  const dz_var x = dz_leaf_tensor(tape, DZ_ROLE_INPUT, DIMS(0), NULL), u = dz_input(tape, 2),
               ys[] = {dz_exp(x), dz_mul(u, u)}, xs[] = {x, u};
  dz_pattern *p;
  ck_assert_int_eq(dz_jacobian_pattern(2, ys, 2, xs, 0, NULL, &p), DZ_OK);
  ck_assert(p->rows == 1 && p->columns == 1 && p->starts[1] == 1 && p->column[0] == 0);
  dz_pattern_free(p);
}
END_TEST

/* The gradient by what is gathered adds ones at the positions: it is made from none of them, and in its room
   there may be what an earlier pattern left. */
START_TEST(positions_have_no_slope) {
  const dz_var x = dz_leaf_tensor(tape, DZ_ROLE_INPUT, DIMS(3), V(1, 2, 3)),
               at = dz_leaf_tensor(tape, DZ_ROLE_INPUT, DIMS(2), V(2, 0)), xs[] = {x, at};
  const dz_mark mark = dz_tape_mark(tape);
  dz_var y = x, g;
  dz_pattern *p;
  for (int k = 0; k < 20; k++) y = dz_exp(y);
  ck_assert_int_eq(dz_jacobian_pattern(1, &y, 2, xs, 0, NULL, &p), DZ_OK);
  ck_assert_uint_eq(p->starts[3], 3);
  dz_pattern_free(p);
  dz_tape_rewind(tape, mark);
  y = dz_sum(dz_mul(dz_gather(x, at, 0), 7), DZ_ALL, false);
  ck_assert_int_eq(dz_grad(y, 1, &x, &g), DZ_OK);
  expect(g, 3, V(7, 0, 7));
  ck_assert(dz_is_active(g));
  ck_assert_int_eq(dz_jacobian_pattern(1, &g, 2, xs, 0, NULL, &p), DZ_OK);
  ck_assert_uint_eq(p->starts[3], 0);
  dz_pattern_free(p);
}
END_TEST

static dz_status status_of(dz_coloring *c, dz_var y, dz_var x) {
  double values[9];
  const dz_status status = dz_sparse_jacobian(c, 1, &y, 1, &x, values);
  ck_assert(dz_is_number(y) || dz_tape_error(tape)->status == status);
  dz_tape_forgive(tape);
  return status;
}

START_TEST(jacobians_of_another_size) {
  const dz_var x = dz_leaf_tensor(tape, DZ_ROLE_INPUT, DIMS(3), V(1, 2, 3)), y = dz_exp(x);
  dz_pattern *p;
  dz_coloring *c;
  ck_assert_int_eq(dz_jacobian_pattern(1, &y, 1, &x, 0, NULL, &p), DZ_OK);
  for (int k = DZ_COLORING_COLUMNS; k <= DZ_COLORING_ROWS; k++) {
    ck_assert_int_eq(dz_coloring_new(p, (dz_coloring_kind)k, NULL, &c), DZ_OK);
    const dz_var two = dz_leaf_tensor(tape, DZ_ROLE_INPUT, DIMS(2), V(1, 2));
    ck_assert_int_eq(status_of(c, y, x), DZ_OK);
    ck_assert_int_eq(status_of(c, y, two), DZ_ERR_SHAPE);
    ck_assert_int_eq(status_of(c, dz_exp(two), x), DZ_ERR_SHAPE);
    ck_assert_int_eq(status_of(c, dz_num(1), x), DZ_ERR_HANDLE);
    dz_coloring_free(c);
  }
  dz_pattern_free(p);
}
END_TEST

/* Products of a matrix given by its pattern, each of whose allocations fails in turn: of the tape that is
   swept. */
static dz_status given(dz_tape *t, const dz_allocator *a, int kind) {
  static const size_t starts[] = {0, 2, 4};
  static const uint32_t column[] = {0, 1, 0, 1};
  const dz_coloring_kind by = kind ? DZ_COLORING_ROWS : DZ_COLORING_COLUMNS;
  double got[4] = {0};
  dz_pattern *p = NULL;
  dz_coloring *c = NULL;
  (void)a;
  ck_assert_int_eq(dz_pattern_new(2, 2, starts, column, NULL, &p), DZ_OK);
  ck_assert_int_eq(dz_coloring_new(p, by, NULL, &c), DZ_OK);
  ck_assert_uint_eq(dz_coloring_products(c), 2);
  const dz_var u = dz_input(t, .5), v = dz_input(t, 3), xs[] = {u, v};
  const dz_var ys[] = {dz_mul(u, v), dz_add(u, dz_mul(v, 2))};
  dz_status status = dz_tape_error(t)->status;
  if (!status) status = dz_sparse_jacobian(c, 2, ys, 2, xs, got);
  if (!status) ck_assert(got[0] == 3 && got[1] == .5 && got[2] == 1 && got[3] == 2);
  dz_coloring_free(c);
  dz_pattern_free(p);
  return status;
}

/* By a scalar inside, which has an adjoint only once another sweep is done. */
static dz_status inside(dz_tape *t, const dz_allocator *a, int kind) {
  double got[2] = {0};
  (void)a, (void)kind;
  const dz_var m = dz_mul(dz_input(t, .5), dz_input(t, 3)), ys[] = {dz_mul(m, m), dz_mul(m, 7)};
  const dz_status status = dz_jacobian(dz_stack(2, ys, 0), m, got);
  if (!status) ck_assert(got[0] == 3 && got[1] == 7);
  return status;
}

START_TEST(rows_by_a_scalar_inside) { fail_each_allocation(inside, 0); }
END_TEST

START_TEST(products_without_memory) { fail_each_allocation(given, _i); }
END_TEST

/* Vertices of the complete graph of 5 by its edges, or the other way round: both sides are tried, then the
   first again. */
START_TEST(a_choice_without_memory) {
  static const size_t five[] = {0, 4, 8, 12, 16, 20}, ten[] = {0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20};
  static const uint32_t edges[] = {0, 1, 2, 3, 0, 4, 5, 6, 1, 4, 7, 8, 2, 5, 7, 9, 3, 6, 8, 9},
                        ends[] = {0, 1, 0, 2, 0, 3, 0, 4, 1, 2, 1, 3, 1, 4, 2, 3, 2, 4, 3, 4};
  dz_pattern *p;
  ck_assert_int_eq(dz_pattern_new(_i ? 10 : 5, _i ? 5 : 10, _i ? ten : five, _i ? ends : edges, NULL, &p),
                   DZ_OK);
  for (int only = 0; only < 2; only++) {
    dz_status status = DZ_ERR_MEMORY;
    for (size_t at = 1; status; at++) {
      failing f = {.at = only ? 0 : at, .only = only ? at : 0};
      const dz_allocator a = failing_allocator(&f);
      dz_coloring *c;
      status = dz_coloring_new(p, DZ_COLORING_FEWEST, &a, &c);
      ck_assert_int_eq(status, f.failed ? DZ_ERR_MEMORY : DZ_OK);
      if (c) ck_assert_uint_eq(dz_coloring_products(c), 5);
      dz_coloring_free(c);
      ck_assert(f.blocks == 0 && f.bytes == 0);
    }
  }
  dz_pattern_free(p);
}
END_TEST

/* ---- values of other kinds ---- */

/* A tape of floats, whose gradients read doubles: without memory for them all is as careful as if they were
   not finite, and right. */
START_TEST(products_of_floats_without_memory) {
  static const double A[] = {1, 2, 3, 4}, B[] = {2, 1, 1, 3}, to_A[] = {3, 4, 3, 4}, to_B[] = {4, 4, 6, 6};
  bool met = true;
  for (size_t k = 1; met; k++) {
    failing f = {.only = k};
    const dz_allocator a = failing_allocator(&f);
    dz_tape *t = dz_tape_new_single(&a);
    if (t) {
      const dz_var xs[] = {dz_leaf_tensor(t, DZ_ROLE_INPUT, DIMS(2, 2), A),
                           dz_leaf_tensor(t, DZ_ROLE_INPUT, DIMS(2, 2), B)};
      dz_var g[2];
      const dz_status s = dz_grad(dz_sum(dz_matmul(xs[0], xs[1]), DZ_ALL, false), 2, xs, g);
      ck_assert(s == DZ_OK || (f.failed && s == DZ_ERR_MEMORY));
      met = f.failed > 0;
      f.only = 0;
      if (!s) expect(g[0], 4, to_A), expect(g[1], 4, to_B);
      dz_tape_free(t);
    }
    ck_assert(f.blocks == 0 && f.bytes == 0);
  }
}
END_TEST

SUITE_ON_TAPE(ONCE(products_that_are_asked_in_part), EACH(nodes_of_a_masked_product, 3),
              ONCE(systems_without_a_right_hand_side), ONCE(patterns_of_nothing),
              ONCE(positions_have_no_slope), ONCE(jacobians_of_another_size),
              EACH(products_without_memory, 2), ONCE(rows_by_a_scalar_inside),
              EACH(a_choice_without_memory, 2), ONCE(products_of_floats_without_memory))
