/* Derivative graphs, patterns, colourings and definitions where a condition turns: infinite values behind a
   mask, indices that move, systems solved transposed, nothing at all, no memory. */
#include "../dice.h"
#include "../on_tape.h"

#include "dz/dz.h"
#include "dz/sparse.h"

#include <math.h>

static dz_var tensor(const char *name, int rank, const size_t *dims, const double *values) {
  dz_var x = dz_leaf_tensor(tape, DZ_ROLE_INPUT, rank, dims, values);
  ck_assert_int_eq(dz_set_name(x, name), DZ_OK);
  return x;
}

static dz_var text(const char *of) {
  dz_var y = dz_expr(tape, of);
  if (!dz_valid(y)) ck_abort_msg("%s: %s", of, dz_tape_error(tape)->message);
  return y;
}

static void expect(dz_var x, size_t n, const double *want) {
  ck_assert(dz_valid(x));
  ck_assert_uint_eq(dz_size(x), n);
  for (size_t i = 0; i < n; i++)
    if (dz_values(x)[i] != want[i]) ck_abort_msg("element %zu is %g, not %g", i, dz_values(x)[i], want[i]);
}

/* ---- graphs ---- */

/* What is infinite stands behind a mask: its rows take no part, in the product's gradient graph as in the
   sweep. */
START_TEST(products_of_what_is_not_finite) {
  dz_var A = tensor("A", DIMS(2, 2), V(INFINITY, 1, 2, 3)), B = tensor("B", DIMS(2, 2), V(5, 7, 11, 13));
  tensor("M", DIMS(2, 2), V(-1, -1, 1, 1));
  tensor("N", DIMS(2, 2), V(-1, 1, -1, 1));
  tensor("C", DIMS(2, 2), V(5, 7, INFINITY, 13));
  tensor("m", DIMS(2), V(-1, 1));
  dz_var y = text("sum(where(M > 0, A @ B, 0))");
  expect(dz_derivative(y, B), VALUES(2, 2, 3, 3));
  expect(dz_derivative(y, A), VALUES(0, 0, 12, 24));
  y = text("sum(where(N > 0, B @ C, 0))"); /* the infinity is in the column that is left out */
  expect(dz_derivative(y, B), VALUES(7, 13, 7, 13));
  expect(dz_derivative(y, dz_named(tape, "C")), VALUES(0, 16, 0, 20));
  y = text("sum(where(m > 0, A @ B[:, 0], 0))");
  expect(dz_derivative(y, B), VALUES(2, 0, 3, 0));
  expect(dz_derivative(y, A), VALUES(0, 0, 5, 11));
  ck_assert_int_eq(dz_tape_error(tape)->status, DZ_OK);
}
END_TEST

/* 2 (3 u_i), w_i of the elements that are read; the transposes of an index and of a gather are read in turn.
 */
START_TEST(graphs_of_places) {
  dz_var u = tensor("u", DIMS(3), V(1, 2, 3));
  tensor("w", DIMS(3), V(5, 7, 11));
  dz_var y = text("sum(d(sum(u[1:]^3), u)*w)");
  expect(dz_derivative(y, u), VALUES(0, 6 * 2 * 7, 6 * 3 * 11));
  y = text("sum(d(sum(gather(u, [2, 0, 2])^3), u)*w)");
  expect(dz_derivative(y, u), VALUES(6 * 1 * 5, 0, 2 * 6 * 3 * 11));
  dz_var x = dz_input(tape, 3);
  ck_assert_int_eq(dz_set_name(x, "x"), DZ_OK);
  expect(dz_derivative(text("prod(x)*x"), x), VALUES(6));
  expect(dz_derivative(text("d(prod(x)*x^2, x)"), x), VALUES(18));
  y = text("sum(d(sum(cumprod(u[:1])), u)*w) + sum(d(prod(u[:1]), u)*w*u)");
  expect(dz_derivative(y, u), VALUES(5, 0, 0));
}
END_TEST

/* An index that depends on a variable: nothing flows there, in graphs, sweeps and patterns. */
START_TEST(indices_that_move) {
  dz_var u = tensor("u", DIMS(3), V(1, 2, 3)), X = tensor("X", DIMS(2), V(1.5, 2.25));
  dz_var y = text("sum(gather(u, floor(X))^2)"), g = dz_derivative(y, u);
  expect(g, VALUES(0, 4, 6));
  expect(dz_derivative(y, X), VALUES(0, 0));
  expect(dz_derivative(dz_sum(g, DZ_ALL, false), X), VALUES(0, 0));
  expect(dz_derivative(dz_sum(g, DZ_ALL, false), u), VALUES(0, 2, 2));
  dz_pattern *p = NULL;
  dz_var of[] = {text("gather([1, 2, 3], floor(X))"), text("gather(u, floor(X))")};
  ck_assert_int_eq(dz_jacobian_pattern(2, of, 2, (dz_var[]){X, u}, 0, NULL, &p), DZ_OK);
  ck_assert(p->rows == 4 && p->columns == 5);
  const size_t starts[] = {0, 0, 0, 1, 2};
  for (int i = 0; i < 5; i++) ck_assert_uint_eq(p->starts[i], starts[i]);
  ck_assert(p->column[0] == 3 && p->column[1] == 4);
  dz_pattern_free(p);
}
END_TEST

/* x = A^-1 b and A^-T b, differentiated twice, beside central differences of the first derivative's own
   graph. */
static void beside_differences(const char *of, dz_var x, dz_var v) {
  dz_var y = text(of);
  dz_var g = dz_sum(dz_mul(dz_derivative(y, x), v), DZ_ALL, false), h = dz_derivative(g, x);
  const size_t n = dz_size(x);
  double slope = 0, base[8];
  for (size_t i = 0; i < n; i++) base[i] = dz_values(x)[i];
  for (size_t i = 0; i < n; i++) slope += dz_values(h)[i] * dz_values(v)[i];
  double at[2];
  for (int side = 0; side < 2; side++) {
    double moved[8];
    for (size_t i = 0; i < n; i++) moved[i] = base[i] + (side ? 1 : -1) * 0x1p-17 * dz_values(v)[i];
    ck_assert_int_eq(dz_set(x, moved, n), DZ_OK);
    dz_var again = dz_derivative(text(of), x);
    at[side] = 0;
    for (size_t i = 0; i < n; i++) at[side] += dz_values(again)[i] * dz_values(v)[i];
  }
  ck_assert_int_eq(dz_set(x, base, n), DZ_OK);
  /* truncation some h^2, rounding some 2^-52 / h, both relative to sums of some tens */
  ck_assert_msg(fabs((at[1] - at[0]) / 0x1p-16 - slope) <= 0x1p-26 * (1 + fabs(slope)), "%s: %g, not %g", of,
                slope, (at[1] - at[0]) / 0x1p-16);
}

START_TEST(systems_twice) {
  dz_var A = tensor("A", DIMS(2, 2), V(2, 1, -.5, 1.5)), B = tensor("B", DIMS(2, 2), V(1, .25, -3, 2));
  dz_var b = tensor("b", DIMS(2), V(1, -2)), v = tensor("v", DIMS(2, 2), V(1, -2, .5, 3));
  beside_differences("sum(solve(A, B)^3)", A, v);
  beside_differences("sum(solve(A, b)^3)", A, v);
  beside_differences("sum(solve(A, B)^3)", B, v);
  beside_differences("sum(d(sum(solve(A, b)^3), b)^2)", A, v);
  beside_differences("sum(d(sum(solve(A, B)^3), B)^2)", A, v);
  beside_differences("sum(d(sum(solve(A, b)^2), A)^2)", b, tensor("w", DIMS(2), V(.5, 1)));
}
END_TEST

START_TEST(of_nothing) {
  static const char *const texts[] = {"logsumexp(E)", "prod(E)",         "sum(cumprod(E))",
                                      "norm(E)",      "sum(E)^2",        "sum(E'@F)",
                                      "sum(E@F)",     "sum(softmax(E))", "mean(E[:, 1:])"};
  dz_var E = tensor("E", DIMS(0, 2), NULL), u = dz_input(tape, 3);
  tensor("F", DIMS(2, 3), V(1, 2, 3, 4, 5, 6));
  tensor("G", DIMS(0, 3), NULL);
  for (size_t k = 0; k < COUNT(texts); k++) {
    dz_var y = dz_expr(tape, texts[k]), g;
    if (!dz_valid(y)) { /* refused: said so */
      ck_assert_int_ne(dz_tape_error(tape)->status, DZ_OK);
      dz_tape_forgive(tape);
      continue;
    }
    ck_assert_int_eq(dz_grad(y, 1, &E, &g), DZ_OK);
    ck_assert(dz_size(g) == 0 && dz_rank(g) == 2);
    ck_assert_int_eq(dz_grad(dz_sum(dz_mul(g, E), DZ_ALL, false), 1, &E, &g), DZ_OK);
    ck_assert_uint_eq(dz_size(g), 0);
  }
  double none = 7;
  dz_var wide = dz_mul(u, dz_leaf_tensor(tape, DZ_ROLE_CONST, DIMS(0), NULL));
  ck_assert_int_eq(dz_jacobian(wide, u, &none), DZ_OK);
  ck_assert_int_eq(dz_jacobian(E, E, &none), DZ_OK);
  ck_assert_int_eq(dz_jacobian(dz_mul(E, u), dz_sin(u), &none), DZ_OK);
  ck_assert_int_eq(dz_jacobian(dz_sum(E, DZ_ALL, false), E, &none), DZ_OK);
  dz_var inside = dz_mul(E, 2);
  ck_assert_int_eq(dz_jacobian(dz_sum(inside, DZ_ALL, false), inside, &none), DZ_OK);
  ck_assert_double_eq(none, 7);
  dz_pattern *p = NULL;
  ck_assert_int_eq(dz_hessian_pattern(dz_sin(u), 0, NULL, 0, NULL, &p), DZ_OK);
  ck_assert(p->rows == 0 && p->columns == 0);
  dz_coloring *c = NULL;
  ck_assert_int_eq(dz_coloring_new(p, DZ_COLORING_FEWEST, NULL, &c), DZ_OK);
  ck_assert_int_eq(dz_sparse_hessian(c, dz_sin(u), 0, NULL, &none), DZ_OK);
  dz_coloring_free(c);
  dz_pattern_free(p);
  dz_var of[] = {text("F'[:, :0] @ F[:0, :]"), text("F[:0, :] @ F'")};
  ck_assert_int_eq(dz_jacobian_pattern(2, of, 1, (dz_var[]){dz_named(tape, "F")}, 0, NULL, &p), DZ_OK);
  ck_assert(p->rows == 9 && p->columns == 6 && p->starts[9] == 0);
  dz_pattern_free(p);
}
END_TEST

/* ---- patterns and colourings ---- */

START_TEST(more_than_a_pattern_counts) {
  enum { MANY = 4400 };
  static double zeros[1000000];
  static dz_var xs[MANY];
  size_t n = 1000000;
  dz_var x = dz_leaf_tensor(tape, DZ_ROLE_INPUT, 1, &n, zeros), y = dz_sum(x, DZ_ALL, false);
  for (int k = 0; k < MANY; k++) xs[k] = x;
  dz_pattern *p = NULL;
  ck_assert_int_eq(dz_jacobian_pattern(1, &y, MANY, xs, 0, NULL, &p), DZ_ERR_LIMIT);
  ck_assert_ptr_null(p);
  ck_assert_int_eq(dz_jacobian_pattern(MANY, xs, 1, &y, 0, NULL, &p), DZ_ERR_ARGUMENT); /* y is no leaf */
  dz_tape_forgive(tape);
  ck_assert_int_eq(dz_jacobian_pattern(MANY, xs, 1, &x, 0, NULL, &p), DZ_ERR_LIMIT);
}
END_TEST

/* The partial to y says x, that to x says nothing of y: one element of the graph's Jacobian, two of the
   Hessian. */
START_TEST(a_limit_that_its_mirror_image_meets) {
  dz_error e;
  const char *const partials[] = {"1 + 0*x", "1 + 0*x"};
  if (dz_op_define(tape, "plus", 2, "x + y", partials, &e)) ck_abort_msg("%s", e.message);
  dz_var x[] = {dz_input(tape, 2), dz_input(tape, 3)}, y = dz_apply(tape, "plus", 2, x);
  dz_pattern *p = NULL;
  ck_assert_int_eq(dz_hessian_pattern(y, 2, x, 0, NULL, &p), DZ_OK);
  size_t all = p->starts[2];
  dz_pattern_free(p);
  for (size_t limit = 1; limit <= all; limit++) {
    const dz_status status = dz_hessian_pattern(y, 2, x, limit, NULL, &p);
    ck_assert_int_eq(status, limit < all ? DZ_ERR_LIMIT : DZ_OK);
    ck_assert((p == NULL) == (limit < all));
    dz_pattern_free(p);
  }
}
END_TEST

/* Of columns and rows the one with fewer products, whichever was tried first; stars of symmetric ones only.
 */
START_TEST(the_fewest_products) {
  state = 1;
  for (int turn = 0; turn < 1500; turn++) {
    size_t starts[20] = {0};
    uint32_t column[400];
    const size_t rows = 2 + (uint32_t)(dice() % (16)), columns = 2 + (uint32_t)(dice() % (16));
    const uint32_t full = 1 + (uint32_t)(dice() % (turn % 2 ? 4 : 9));
    for (size_t i = 0; i < rows; i++) {
      starts[i + 1] = starts[i];
      for (uint32_t j = 0; j < columns; j++)
        if ((uint32_t)(dice() % (10)) < full || (i == 0 && turn % 3 == 0) || (j == 0 && turn % 3 == 1))
          column[starts[i + 1]++] = j;
    }
    dz_pattern *p;
    ck_assert_int_eq(dz_pattern_new(rows, columns, starts, column, NULL, &p), DZ_OK);
    size_t products[3];
    const dz_coloring_kind kinds[] = {DZ_COLORING_FEWEST, DZ_COLORING_COLUMNS, DZ_COLORING_ROWS};
    for (int k = 0; k < 3; k++) {
      dz_coloring *c;
      ck_assert_int_eq(dz_coloring_new(p, kinds[k], NULL, &c), DZ_OK);
      products[k] = dz_coloring_products(c);
      dz_coloring_free(c);
    }
    ck_assert_uint_eq(products[0], products[1] < products[2] ? products[1] : products[2]);
    dz_status status = turn % 25 ? DZ_OK : DZ_ERR_MEMORY;
    for (size_t at = 1; status != DZ_OK; at++) {
      failing f = {.at = at};
      const dz_allocator a = failing_allocator(&f);
      dz_coloring *c;
      status = dz_coloring_new(p, DZ_COLORING_FEWEST, &a, &c);
      ck_assert_int_eq(status, f.failed ? DZ_ERR_MEMORY : DZ_OK);
      dz_coloring_free(c);
      ck_assert_uint_eq(f.blocks, 0);
    }
    dz_pattern_free(p);
  }
}
END_TEST

static dz_status color(const dz_allocator *a, dz_coloring_kind kind) {
  static const size_t starts[] = {0, 5, 6, 7, 8, 9};
  static const uint32_t arrow[] = {0, 1, 2, 3, 4, 0, 0, 0, 0};
  dz_pattern *p;
  dz_coloring *c = NULL;
  dz_status status = dz_pattern_new(5, 5, starts, arrow, a, &p);
  if (status) return status;
  status = dz_coloring_new(p, kind, a, &c);
  dz_coloring_free(c);
  dz_pattern_free(p);
  return status;
}

START_TEST(colourings_without_memory) {
  const dz_coloring_kind kinds[] = {DZ_COLORING_FEWEST, DZ_COLORING_COLUMNS, DZ_COLORING_ROWS,
                                    DZ_COLORING_STAR};
  for (int k = 0; k < 4; k++) {
    dz_status status = DZ_ERR_MEMORY;
    for (size_t at = 1; status != DZ_OK; at++) {
      failing f = {.at = at};
      const dz_allocator a = failing_allocator(&f);
      status = color(&a, kinds[k]);
      ck_assert_int_eq(status, f.failed ? DZ_ERR_MEMORY : DZ_OK);
      ck_assert_uint_eq(f.blocks, 0);
    }
  }
}
END_TEST

START_TEST(stars_of_symmetric_patterns_only) {
  static const struct {
    size_t rows, columns, starts[4];
    uint32_t column[4];
    dz_status status;
  } cases[] = {{2, 3, {0, 1, 2}, {0, 1}, DZ_ERR_ARGUMENT},
               {3, 3, {0, 2, 2, 3}, {0, 1, 2}, DZ_ERR_ARGUMENT},
               {3, 3, {0, 1, 2, 3}, {1, 2, 0}, DZ_ERR_ARGUMENT},
               {3, 3, {0, 1, 2, 3}, {1, 0, 2}, DZ_OK}};
  for (size_t k = 0; k < COUNT(cases); k++) {
    dz_pattern *p;
    dz_coloring *c = NULL;
    ck_assert_int_eq(
        dz_pattern_new(cases[k].rows, cases[k].columns, cases[k].starts, cases[k].column, NULL, &p), DZ_OK);
    ck_assert_int_eq(dz_coloring_new(p, DZ_COLORING_STAR, NULL, &c), cases[k].status);
    dz_coloring_free(c);
    dz_pattern_free(p);
  }
}
END_TEST

/* ---- no memory ---- */

/* Graphs of many kinds, the Jacobian by a node inside, a sparse Jacobian and Hessian. */
static dz_status all_kinds(dz_tape *t, const dz_allocator *a, int kind) {
  static const char *const texts[] = {"sum(where(A > 1, A @ A, 0))", "norm(softmax(A)[0, :])",
                                      "sum(solve(A, A)^2)",          "sum(max(A, 0)*A[1, 0])",
                                      "sum(gather(A, [0, 1])^3)",    "prod(A) + sum(cumprod(A))",
                                      "max(A[0, 0], A[1, 1])^2"};
  dz_var A = dz_leaf_tensor(t, DZ_ROLE_INPUT, DIMS(2, 2), V(1.5, -.5, 2, 3));
  if (dz_set_name(A, "A")) return dz_tape_error(t)->status ? dz_tape_error(t)->status : DZ_ERR_MEMORY;
  dz_var y = dz_expr(t, texts[kind]), g, h;
  double numbers[16];
  dz_status status = dz_grad(y, 1, &A, &g);
  if (!status) status = dz_grad(dz_sum(dz_mul(g, g), DZ_ALL, false), 1, &A, &h);
  dz_var inside = dz_expr(t, "A[0, 1]");
  if (!status) status = dz_jacobian(dz_sin(inside), inside, numbers);
  if (!status) ck_assert_double_eq(numbers[0], cos(-.5));
  dz_pattern *p = NULL;
  if (!status) status = dz_hessian_pattern(y, 1, &A, 0, a, &p);
  dz_coloring *c = NULL;
  for (int by = 0; by < 2 && !status; by++) {
    status = dz_coloring_new(p, by ? DZ_COLORING_COLUMNS : DZ_COLORING_ROWS, a, &c);
    if (!status) status = dz_sparse_hessian(c, y, 1, &A, numbers);
    dz_coloring_free(c);
    c = NULL;
  }
  dz_pattern_free(p);
  return status;
}

/* By a scalar inside, whose adjoint takes a sweep of its own. */
static dz_status scalar_inside(dz_tape *t, const dz_allocator *a, int kind) {
  dz_var s = dz_sin(dz_input(t, .5)), y = dz_exp(dz_mul(s, 2));
  double slope = 0;
  (void)a, (void)kind;
  const dz_status status = dz_jacobian(y, s, &slope);
  if (!status) ck_assert(fabs(slope - 2 * exp(2 * sin(.5))) <= 0x1p-48);
  return status;
}

START_TEST(jacobians_inside_without_memory) { fail_each_allocation(scalar_inside, 0); }
END_TEST

START_TEST(graphs_without_memory) { fail_each_allocation(all_kinds, _i); }
END_TEST

static dz_status defined(dz_tape *t, const dz_allocator *a, int kind) {
  static const char *const texts[] = {"3*x + 7*x^2*y - 1/(x + 5)", "max(x, 2)*y + min(y, 3*x)",
                                      "hypot(x, 4)/y"};
  dz_error e;
  (void)a;
  dz_status status = dz_op_define(t, "f", 2, texts[kind], NULL, &e);
  ck_assert_int_eq(status, e.status);
  return status;
}

START_TEST(definitions_without_memory) { fail_each_allocation(defined, _i); }
END_TEST

/* ---- formulas ---- */

/* Coefficients whose product no number is exactly stay apart; too large a sum does too; nothing is lost. */
START_TEST(coefficients) {
  static const char *const texts[] = {"0.1*(0.3*x)",
                                      "0.7*(0.1*(0.3*x)) + y",
                                      "0.1*(0.3*x)*y + 0.7*(0.1*(0.3*x)*y)",
                                      "(0.1*(-0.3*x))*y",
                                      "(0.1*(0.3*(x + y)))*z - z",
                                      "0.1*(0.3*(x + y)) - 0.7*(x + y)",
                                      "y*(0.1*(0.3*x)) + y*(0.7*(0.1*z))",
                                      "9007199254740991*x + 5*x",
                                      "9007199254740991*x + 3*x",
                                      "123.4567*x + 1e-5*x",
                                      "2*(x > 0 ? x : 0) + y",
                                      "2*(x > 0 ? 0 : x) + y",
                                      "2*(x > 0 ? y : x)",
                                      "-(x > 5 ? y : 0)*3",
                                      "x/3 + y/7 - z/99"};
  dz_input(tape, 0);
  const char *const names[] = {"x", "y", "z"};
  for (int k = 0; k < 3; k++) ck_assert_int_eq(dz_set_name(dz_input(tape, 1.25 + k), names[k]), DZ_OK);
  for (size_t k = 0; k < COUNT(texts); k++) {
    dz_var y = text(texts[k]), s = dz_simplify(y);
    ck_assert(dz_valid(s));
    const double was = dz_value(y), now = dz_value(s);
    if (!(fabs(was - now) <= 0x1p-48 * fabs(was))) ck_abort_msg("%s: %.17g became %.17g", texts[k], was, now);
  }
  ck_assert(isnan(dz_value(dz_simplify(text("0*(1/0)*x")))));
  ck_assert(isnan(dz_value(dz_simplify(text("0*x*inf + y")))));
}
END_TEST

/* ---- operations by text, in the careful sweeps ---- */

/* max(x, 0) y beside a NaN, where operands are numbers, or nothing comes through. */
START_TEST(masks_beside_a_nan) {
  dz_error e;
  const char *const partials[] = {"MASK(x > 0)*y", "max(x, 0)"};
  if (dz_op_define(tape, "ramp", 2, "max(x, 0)*y", partials, &e) &&
      dz_op_define(tape, "ramp", 2, "max(x, 0)*y", NULL, &e))
    ck_abort_msg("%s", e.message);
  dz_var x = dz_input(tape, -2), y = dz_input(tape, 5), r = dz_sqrt(dz_input(tape, -1));
  dz_var xs[] = {x, y};
  double out;
  for (int k = 0; k < 3; k++) {
    dz_var in[] = {k == 1 ? dz_num(3) : x, k == 2 ? dz_num(7) : y};
    dz_var z = dz_add(dz_apply(tape, "ramp", 2, in), r);
    ck_assert_int_eq(dz_backward(z), DZ_OK);
    if (k != 1) ck_assert_double_eq(dz_adjoint(x), 0);
    if (k != 2) ck_assert_double_eq(dz_adjoint(y), k ? 3 : 0);
    ck_assert_int_eq(dz_tangent(z, 2, xs, V(1, 1), &out), DZ_OK);
    ck_assert_double_eq(out, k == 1 ? 3 : 0);
  }
}
END_TEST

SUITE_ON_TAPE(ONCE(products_of_what_is_not_finite), ONCE(graphs_of_places), ONCE(indices_that_move),
              ONCE(systems_twice), ONCE(of_nothing), ONCE(more_than_a_pattern_counts),
              ONCE(a_limit_that_its_mirror_image_meets), ONCE(the_fewest_products),
              ONCE(colourings_without_memory), ONCE(stars_of_symmetric_patterns_only),
              EACH(graphs_without_memory, 7), ONCE(jacobians_inside_without_memory), ONCE(coefficients),
              EACH(definitions_without_memory, 3), ONCE(masks_beside_a_nan))
