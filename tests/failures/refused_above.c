/* The same as refused.c of what is built on the tape: graphs, texts, patterns, programs, optimisers. */
#include "refused.h"

#include "dz/cost.h"
#include "dz/explain.h"
#include "dz/jacobian.h"
#include "dz/lang.h"
#include "dz/learn.h"
#include "dz/paths.h"
#include "dz/print.h"
#include "dz/show.h"
#include "dz/sparse.h"
#include "dz/trace.h"
#include "dz/userop.h"
#include "dz/why.h"

#include <math.h>

/* ---- sweeps ---- */

START_TEST(sweeps_from_nowhere) {
  double out[9];
  for (int k = 0; k < BAD; k++) {
    GIVES(dz_backward(bad[k]), DZ_ERR_HANDLE);
    GIVES(dz_backward_with(bad[k], 1), DZ_ERR_HANDLE);
    GIVES(dz_backward_with(y, bad[k]), DZ_ERR_HANDLE);
    GIVES(dz_backward_add(bad[k], 1), DZ_ERR_HANDLE);
    GIVES(dz_backward_add(y, bad[k]), DZ_ERR_HANDLE);
    GIVES(dz_diagnose(bad[k]), DZ_ERR_HANDLE);
    GIVES(dz_tangent(bad[k], 1, &x, numbers, out), DZ_ERR_HANDLE);
    GIVES(dz_tangent(y, 1, &bad[k], numbers, out), DZ_ERR_HANDLE);
    GIVES(dz_jacobian(bad[k], x, out), DZ_ERR_HANDLE);
    GIVES(dz_jacobian(y, bad[k], out), DZ_ERR_HANDLE);
    GIVES(dz_jacobians(1, &bad[k], 1, &x, out), DZ_ERR_HANDLE);
    GIVES(dz_jacobians(1, &y, 1, &bad[k], out), DZ_ERR_HANDLE);
    GIVES(dz_hessian(bad[k], x, out), DZ_ERR_HANDLE);
    GIVES(dz_hessian(y, bad[k], out), DZ_ERR_HANDLE);
    GIVES(dz_hvp(bad[k], 1, &x, numbers, out), DZ_ERR_HANDLE);
    GIVES(dz_hvp(y, 1, &bad[k], numbers, out), DZ_ERR_HANDLE);
  }
  GIVES(dz_backward(dz_num(1)), DZ_ERR_HANDLE);
  GIVES(dz_backward(v), DZ_ERR_SHAPE);
  GIVES(dz_backward_with(v, 1), DZ_ERR_SHAPE);
  GIVES(dz_backward_with(v, A), DZ_ERR_SHAPE);
  GIVES(dz_backward_with(A, v), DZ_ERR_SHAPE);
  GIVES(dz_backward_with(y, foreign), DZ_ERR_HANDLE);
  GIVES(dz_backward_add(v, 1), DZ_ERR_SHAPE);
  GIVES(dz_diagnose(y), DZ_ERR_ARGUMENT); /* no sweep */
  GIVES(dz_tangent(y, 1, NULL, numbers, out), DZ_ERR_ARGUMENT);
  GIVES(dz_tangent(y, 1, &x, NULL, out), DZ_ERR_ARGUMENT);
  GIVES(dz_tangent(y, 1, &x, numbers, NULL), DZ_ERR_ARGUMENT);
  GIVES(dz_tangent(y, -1, &x, numbers, out), DZ_ERR_ARGUMENT);
  GIVES(dz_tangent(y, 1, &constant, numbers, out), DZ_ERR_ARGUMENT);
  GIVES(dz_tangent(y, 1, &y, numbers, out), DZ_ERR_ARGUMENT);
  GIVES(dz_tangent(y, 1, &foreign, numbers, out), DZ_ERR_HANDLE);
  GIVES(dz_tangent(dz_num(1), 1, &x, numbers, out), DZ_ERR_HANDLE);
  GIVES(dz_tangent(y, 1, &(dz_var){.tape = (dz_tape *)1}, numbers, out), DZ_ERR_ARGUMENT);
  GIVES(dz_tangents(-1, &y, 1, &x, numbers, out), DZ_ERR_ARGUMENT);
  GIVES(dz_tangents(1, NULL, 1, &x, numbers, out), DZ_ERR_ARGUMENT);
  GIVES(dz_tangents(2, ((dz_var[]){y, foreign}), 1, &x, numbers, out), DZ_ERR_HANDLE);
  GIVES(dz_jacobian(y, x, NULL), DZ_ERR_ARGUMENT);
  GIVES(dz_jacobian(y, constant, out), DZ_ERR_ARGUMENT);
  GIVES(dz_jacobian(dz_num(1), x, out), DZ_ERR_HANDLE);
  GIVES(dz_jacobian(y, dz_num(1), out), DZ_ERR_ARGUMENT);
  GIVES(dz_jacobian(y, foreign, out), DZ_ERR_HANDLE);
  GIVES(dz_hessian(y, x, NULL), DZ_ERR_ARGUMENT);
  GIVES(dz_hessian(v, x, out), DZ_ERR_SHAPE);
  GIVES(dz_hvp(y, 1, NULL, numbers, out), DZ_ERR_ARGUMENT);
  GIVES(dz_hvp(y, 1, &x, NULL, out), DZ_ERR_ARGUMENT);
  GIVES(dz_hvp(y, 1, &x, numbers, NULL), DZ_ERR_ARGUMENT);
  GIVES(dz_hvp(y, -1, &x, numbers, out), DZ_ERR_ARGUMENT);
  GIVES(dz_hvp(v, 1, &x, numbers, out), DZ_ERR_SHAPE);
}
END_TEST

/* A tape that holds an error sweeps nothing: that error's status. */
START_TEST(sweeps_of_a_tape_in_error) {
  double out[9];
  dz_var g;
  (void)dz_add(v, A);
  ck_assert_int_eq(dz_tape_error(tape)->status, DZ_ERR_SHAPE);
  ck_assert_int_eq(dz_backward(y), DZ_ERR_SHAPE);
  ck_assert_int_eq(dz_backward_with(y, 2), DZ_ERR_SHAPE);
  ck_assert_int_eq(dz_backward_add(y, 2), DZ_ERR_SHAPE);
  ck_assert_int_eq(dz_tangent(y, 1, &x, numbers, out), DZ_ERR_SHAPE);
  ck_assert_int_eq(dz_jacobian(y, x, out), DZ_ERR_SHAPE);
  ck_assert_int_eq(dz_jacobians(1, &y, 1, &x, out), DZ_ERR_SHAPE);
  ck_assert_int_eq(dz_hessian(y, x, out), DZ_ERR_SHAPE);
  ck_assert_int_eq(dz_hvp(y, 1, &x, numbers, out), DZ_ERR_SHAPE);
  ck_assert_int_eq(dz_grad(y, 1, &x, &g), DZ_ERR_SHAPE);
  dz_pattern *p = NULL;
  ck_assert_int_eq(dz_jacobian_pattern(1, &y, 1, &x, 0, NULL, &p), DZ_ERR_SHAPE);
  ck_assert_int_eq(dz_hessian_pattern(y, 1, &x, 0, NULL, &p), DZ_ERR_SHAPE);
}
END_TEST

/* ---- graphs ---- */

START_TEST(derivatives_of_nothing) {
  dz_var g[2];
  for (int k = 0; k < BAD; k++) {
    GIVES(dz_grad(bad[k], 1, &x, g), DZ_ERR_HANDLE);
    GIVES(dz_grad(y, 1, &bad[k], g), DZ_ERR_HANDLE);
    GIVES(dz_grad_with(y, bad[k], 1, &x, g), DZ_ERR_HANDLE);
    ck_assert(!dz_valid(dz_derivative(bad[k], x)) && !dz_valid(dz_derivative(y, bad[k])));
    ck_assert(!dz_valid(dz_simplify(bad[k])));
    dz_tape_forgive(tape);
  }
  GIVES(dz_grad(v, 1, &x, g), DZ_ERR_SHAPE);
  GIVES(dz_grad(y, -1, &x, g), DZ_ERR_ARGUMENT);
  GIVES(dz_grad(y, 1, NULL, g), DZ_ERR_ARGUMENT);
  GIVES(dz_grad(y, 1, &x, NULL), DZ_ERR_ARGUMENT);
  GIVES(dz_grad(y, 1, &foreign, g), DZ_ERR_HANDLE);
  GIVES(dz_grad(dz_num(1), 1, &x, g), DZ_ERR_HANDLE);
  GIVES(dz_grad_with(v, A, 1, &v, g), DZ_ERR_SHAPE);
  GIVES(dz_grad_with(y, foreign, 1, &x, g), DZ_ERR_HANDLE);
  GIVES(dz_grad(y, 1, &constant, g), DZ_OK); /* inactive: 0 */
  ck_assert(dz_value(g[0]) == 0);
  GIVES(dz_grad(y, 0, NULL, NULL), DZ_OK);
}
END_TEST

static bool ignore(void *user, const char *text, size_t size) { return (void)user, (void)text, size > 0; }

START_TEST(pictures_and_texts_of_nothing) {
  dz_why_report r;
  dz_paths *p = NULL;
  dz_cost cost;
  dz_picture_size size;
  for (int k = 0; k <= BAD; k++) {
    const dz_var b = k < BAD ? bad[k] : dz_num(1);
    if (k < BAD) GIVES(dz_print(b, NULL, ignore, NULL), DZ_ERR_HANDLE);
    GIVES(dz_write_dot(b, NULL, ignore, NULL), DZ_ERR_HANDLE);
    GIVES(dz_write_svg(b, NULL, ignore, NULL), DZ_ERR_HANDLE);
    GIVES(dz_write_trace(b, NULL, ignore, NULL), DZ_ERR_HANDLE);
    GIVES(dz_picture_measure(b, NULL, &size), DZ_ERR_HANDLE);
    GIVES(dz_explain(b, NULL, ignore, NULL), DZ_ERR_HANDLE);
    GIVES(dz_paths_find(b, x, 0, 0, &p), DZ_ERR_HANDLE);
    GIVES(dz_paths_find(y, b, 0, 0, &p), DZ_ERR_HANDLE);
    GIVES(dz_why(b, x, NULL, &r), DZ_ERR_HANDLE);
    GIVES(dz_why(y, b, NULL, &r), DZ_ERR_HANDLE);
    GIVES(dz_cost_of(b, NULL, &cost), DZ_ERR_HANDLE);
  }
  GIVES(dz_print(y, NULL, NULL, NULL), DZ_ERR_ARGUMENT);
  GIVES(dz_write_dot(y, NULL, NULL, NULL), DZ_ERR_ARGUMENT);
  GIVES(dz_write_svg(y, NULL, NULL, NULL), DZ_ERR_ARGUMENT);
  GIVES(dz_write_trace(y, NULL, NULL, NULL), DZ_ERR_ARGUMENT);
  GIVES(dz_picture_measure(y, NULL, NULL), DZ_ERR_ARGUMENT);
  GIVES(dz_explain(y, NULL, NULL, NULL), DZ_ERR_ARGUMENT);
  GIVES(dz_explain(y, NULL, ignore, NULL), DZ_ERR_ARGUMENT);
  GIVES(dz_paths_find(y, x, 0, 0, NULL), DZ_ERR_ARGUMENT);
  GIVES(dz_paths_find(v, x, 0, 0, &p), DZ_ERR_SHAPE);
  GIVES(dz_paths_find(y, x, 1, 0, &p), DZ_ERR_SHAPE);
  GIVES(dz_paths_find(y, foreign, 0, 0, &p), DZ_ERR_HANDLE);
  GIVES(dz_paths_write(NULL, NULL, ignore, NULL), DZ_ERR_ARGUMENT);
  GIVES(dz_paths_dot(NULL, NULL, 0, ignore, NULL), DZ_ERR_ARGUMENT);
  GIVES(dz_paths_find(y, x, 0, 0, &p), DZ_OK);
  GIVES(dz_paths_write(p, NULL, NULL, NULL), DZ_ERR_ARGUMENT);
  GIVES(dz_paths_dot(p, NULL, 0, NULL, NULL), DZ_ERR_ARGUMENT);
  GIVES(dz_paths_dot(p, NULL, 1, ignore, NULL), DZ_ERR_LIMIT);
  dz_paths_free(p);
  dz_paths_free(NULL);
  GIVES(dz_why(y, x, NULL, NULL), DZ_ERR_ARGUMENT);
  GIVES(dz_why(v, x, NULL, &r), DZ_ERR_SHAPE);
  GIVES(dz_why(y, foreign, NULL, &r), DZ_ERR_HANDLE);
  GIVES(dz_cost_of(y, NULL, NULL), DZ_ERR_ARGUMENT);
}
END_TEST

/* ---- sparse ---- */

START_TEST(patterns_that_are_none) {
  const size_t starts[] = {0, 1, 2}, falls[] = {0, 2, 1}, late[] = {1, 1, 2}, pair[] = {0, 2, 2};
  const uint32_t column[] = {0, 1}, wide[] = {0, 2}, same[] = {1, 1};
  dz_pattern *p = NULL;
  dz_coloring *c = NULL;
  double out[4];
  GIVES(dz_pattern_new(2, 2, starts, column, NULL, NULL), DZ_ERR_ARGUMENT);
  GIVES(dz_pattern_new(2, 2, NULL, column, NULL, &p), DZ_ERR_ARGUMENT);
  GIVES(dz_pattern_new(2, 2, starts, NULL, NULL, &p), DZ_ERR_ARGUMENT);
  GIVES(dz_pattern_new(2, 2, falls, column, NULL, &p), DZ_ERR_ARGUMENT);
  GIVES(dz_pattern_new(2, 2, late, column, NULL, &p), DZ_ERR_ARGUMENT);
  GIVES(dz_pattern_new(2, 2, starts, wide, NULL, &p), DZ_ERR_ARGUMENT);
  GIVES(dz_pattern_new(2, 2, pair, same, NULL, &p), DZ_ERR_ARGUMENT);
  const size_t beyond = (size_t)UINT32_MAX + 1; /* where size_t has no more bits there is none */
  if (beyond) GIVES(dz_pattern_new(2, beyond, starts, column, NULL, &p), DZ_ERR_LIMIT);
  if (beyond) GIVES(dz_pattern_new(beyond, 2, starts, column, NULL, &p), DZ_ERR_LIMIT);
  ck_assert_ptr_null(p);
  for (int k = 0; k < BAD; k++) {
    GIVES(dz_jacobian_pattern(1, &bad[k], 1, &x, 0, NULL, &p), DZ_ERR_HANDLE);
    GIVES(dz_jacobian_pattern(1, &y, 1, &bad[k], 0, NULL, &p), DZ_ERR_HANDLE);
    GIVES(dz_hessian_pattern(bad[k], 1, &x, 0, NULL, &p), DZ_ERR_HANDLE);
    GIVES(dz_hessian_pattern(y, 1, &bad[k], 0, NULL, &p), DZ_ERR_HANDLE);
  }
  GIVES(dz_jacobian_pattern(1, &y, 1, &x, 0, NULL, NULL), DZ_ERR_ARGUMENT);
  GIVES(dz_jacobian_pattern(-1, &y, 1, &x, 0, NULL, &p), DZ_ERR_ARGUMENT);
  GIVES(dz_jacobian_pattern(1, &y, -1, &x, 0, NULL, &p), DZ_ERR_ARGUMENT);
  GIVES(dz_jacobian_pattern(1, NULL, 1, &x, 0, NULL, &p), DZ_ERR_ARGUMENT);
  GIVES(dz_jacobian_pattern(1, &y, 1, NULL, 0, NULL, &p), DZ_ERR_ARGUMENT);
  GIVES(dz_jacobian_pattern(1, &y, 1, &constant, 0, NULL, &p), DZ_ERR_ARGUMENT);
  GIVES(dz_jacobian_pattern(1, &v, 1, &v, 2, NULL, &p), DZ_ERR_LIMIT);
  GIVES(dz_hessian_pattern(y, 1, &x, 0, NULL, NULL), DZ_ERR_ARGUMENT);
  GIVES(dz_hessian_pattern(v, 1, &x, 0, NULL, &p), DZ_ERR_SHAPE);
  GIVES(dz_hessian_pattern(dz_sum(dz_exp(v), DZ_ALL, false), 1, &v, 2, NULL, &p), DZ_ERR_LIMIT);
  ck_assert_ptr_null(p);
  GIVES(dz_jacobian_pattern(0, NULL, 0, NULL, 0, NULL, &p), DZ_OK);
  ck_assert(p->rows == 0 && p->columns == 0);
  dz_pattern_free(p);
  dz_pattern_free(NULL);
  GIVES(dz_pattern_new(2, 2, pair, column, NULL, &p), DZ_OK);
  GIVES(dz_coloring_new(NULL, DZ_COLORING_ROWS, NULL, &c), DZ_ERR_ARGUMENT);
  GIVES(dz_coloring_new(p, DZ_COLORING_ROWS, NULL, NULL), DZ_ERR_ARGUMENT);
  GIVES(dz_coloring_new(p, DZ_COLORING_STAR, NULL, &c), DZ_ERR_ARGUMENT); /* not symmetric */
  GIVES(dz_coloring_new(p, (dz_coloring_kind)9, NULL, &c), DZ_ERR_ARGUMENT);
  ck_assert_ptr_null(c);
  ck_assert(dz_coloring_products(NULL) == 0 && dz_coloring_kind_of(NULL) == DZ_COLORING_FEWEST);
  ck_assert_ptr_null(dz_coloring_pattern(NULL));
  dz_coloring_free(NULL);
  GIVES(dz_coloring_new(p, DZ_COLORING_COLUMNS, NULL, &c), DZ_OK);
  GIVES(dz_sparse_jacobian(NULL, 1, &y, 1, &x, out), DZ_ERR_ARGUMENT);
  GIVES(dz_sparse_jacobian(c, 1, &y, 1, &x, out), DZ_ERR_SHAPE);
  GIVES(dz_sparse_jacobian(c, -1, &y, 1, &x, out), DZ_ERR_ARGUMENT);
  GIVES(dz_sparse_jacobian(c, 1, &y, 1, &x, NULL), DZ_ERR_ARGUMENT);
  GIVES(dz_sparse_hessian(NULL, y, 1, &x, out), DZ_ERR_ARGUMENT);
  GIVES(dz_sparse_hessian(c, y, 1, &x, NULL), DZ_ERR_ARGUMENT);
  GIVES(dz_sparse_hessian(c, y, 1, &x, out), DZ_ERR_SHAPE);
  dz_coloring_free(c);
  dz_pattern_free(p);
}
END_TEST

/* ---- language and operations of the user ---- */

START_TEST(programs_that_are_none) {
  dz_error e;
  ck_assert_ptr_null(dz_program_parse(NULL, 3, "p", NULL, &e));
  ck_assert_int_eq(e.status, DZ_ERR_ARGUMENT);
  ck_assert_ptr_null(dz_program_parse(NULL, 3, NULL, NULL, NULL));
  ck_assert_ptr_null(dz_program_parse("1 +", 3, NULL, NULL, &e));
  ck_assert_int_eq(e.status, DZ_ERR_SYNTAX);
  dz_program_free(NULL);
  ck_assert_uint_eq(dz_program_leaf_count(NULL), 0);
  ck_assert_ptr_null(dz_program_leaf_at(NULL, 0).name);
  ck_assert_ptr_null(dz_program_definition(NULL, 0));
  ck_assert_ptr_null(dz_program_result(NULL));
  dz_program *p = dz_program_parse("x0 + 1", 6, "p", NULL, &e);
  ck_assert_ptr_nonnull(p);
  ck_assert(dz_program_leaf_count(p) == 1 && !dz_program_leaf_at(p, 1).name && !dz_program_definition(p, 0));
  ck_assert_ptr_null(dz_program_result(p));
  ck_assert(!dz_valid(dz_program_record(p, NULL, 0)) && !dz_valid(dz_program_record(NULL, tape, 0)));
  dz_tape_forgive(tape);
  POISONS(dz_program_record(p, tape, 0), DZ_ERR_MISSING);
  POISONS(dz_expr(tape, NULL), DZ_ERR_ARGUMENT);
  dz_program_free(p);
  ck_assert_ptr_null(dz_program_parse_on(NULL, "1", 1, "p", &e));
  ck_assert_ptr_null(dz_program_parse_on(tape, NULL, 1, "p", &e));
  size_t size = 1;
  ck_assert(!dz_function_text("nothing of the kind", &size) && size == 0);
  ck_assert(!dz_function_text(NULL, NULL));
  size_t names = 0;
  while (dz_function_name(names)) names++;
  ck_assert_uint_gt(names, 100);
}
END_TEST

START_TEST(operations_that_are_none) {
  dz_error e;
  const char *const one[] = {"1"}, *const mask[] = {"MASK("};
  const dz_op_calls nothing = {.arity = 1};
  GIVES(dz_op_define(NULL, "f", 1, "x", NULL, &e), DZ_ERR_ARGUMENT);
  GIVES(dz_op_define(tape, NULL, 1, "x", NULL, &e), DZ_ERR_ARGUMENT);
  GIVES(dz_op_define(tape, "f", 1, NULL, NULL, &e), DZ_ERR_ARGUMENT);
  GIVES(dz_op_define(tape, "f", 0, "x", NULL, &e), DZ_ERR_ARGUMENT);
  GIVES(dz_op_define(tape, "f", 4, "x", NULL, NULL), DZ_ERR_ARGUMENT);
  GIVES(dz_op_define(tape, "f g", 1, "x", NULL, &e), DZ_ERR_NAME);
  GIVES(dz_op_define(tape, "", 1, "x", NULL, &e), DZ_ERR_NAME);
  GIVES(dz_op_define(tape, "sin", 1, "x", NULL, &e), DZ_ERR_NAME);
  GIVES(dz_op_define(tape, "f", 1, "x +", NULL, &e), DZ_ERR_SYNTAX);
  GIVES(dz_op_define(tape, "f", 1, "q", NULL, &e), DZ_ERR_NAME);
  GIVES(dz_op_define(tape, "f", 1, "sum(x)", NULL, &e), DZ_ERR_ARGUMENT);
  GIVES(dz_op_define(tape, "f", 1, "x^2", one, &e), DZ_ERR_ARGUMENT); /* a wrong partial */
  GIVES(dz_op_define(tape, "f", 1, "x", mask, &e), DZ_ERR_SYNTAX);
  GIVES(dz_op_define_c(tape, "f", NULL, &e), DZ_ERR_ARGUMENT);
  GIVES(dz_op_define_c(tape, "f", &nothing, &e), DZ_ERR_ARGUMENT);
  GIVES(dz_op_define_c(NULL, "f", &nothing, NULL), DZ_ERR_ARGUMENT);
  GIVES(dz_op_define(tape, "f", 1, "x^2", NULL, &e), DZ_OK);
  GIVES(dz_op_define(tape, "f", 1, "x^2", NULL, &e), DZ_ERR_NAME);
  POISONS(dz_apply(tape, "nothing", 1, &x), DZ_ERR_NAME);
  POISONS(dz_apply(tape, "fg", 1, &x), DZ_ERR_NAME);
  POISONS(dz_apply(tape, "f", 2, &x), DZ_ERR_ARGUMENT);
  POISONS(dz_apply(tape, "f", 1, NULL), DZ_ERR_ARGUMENT);
  POISONS(dz_apply(tape, NULL, 1, &x), DZ_ERR_NAME);
  POISONS(dz_apply(tape, "f", 1, &foreign), DZ_ERR_HANDLE);
  for (int k = 0; k < BAD; k++) POISONS(dz_apply(tape, "f", 1, &bad[k]), DZ_ERR_HANDLE);
  ck_assert(!dz_valid(dz_apply(NULL, "f", 1, &x)));
  ck_assert(dz_value(dz_apply(tape, "f", 1, &(dz_var){.tape = (dz_tape *)1, .value = 3})) == 9);
}
END_TEST

/* ---- learning ---- */

START_TEST(optimisers_that_cannot_be) {
  dz_optimiser_options how;
  dz_error e = {.status = DZ_OK};
  double room[2] = {1, 2};
  size_t count = 1, order[2];
  GIVES(dz_optimiser_defaults(NULL, &how), DZ_ERR_ARGUMENT);
  GIVES(dz_optimiser_defaults("sgd", NULL), DZ_ERR_ARGUMENT);
  GIVES(dz_optimiser_defaults("sgdd", &how), DZ_ERR_NAME);
  ck_assert_ptr_null(dz_optimiser_new(NULL, 1, NULL, &e));
  ck_assert_int_eq(e.status, DZ_ERR_ARGUMENT);
  for (size_t k = 0; dz_optimiser_method(k); k++) {
    ck_assert_int_eq(dz_optimiser_defaults(dz_optimiser_method(k), &how), DZ_OK);
    const dz_optimiser_options usual = how;
    double *const option[] = {&how.rate,    &how.momentum,     &how.decay,
                              &how.epsilon, &how.weight_decay, &how.clip};
    for (size_t j = 0; j < COUNT(option); j++)
      for (int kind = 0; kind < 2; kind++) {
        how = usual;
        *option[j] = kind ? NAN : -1;
        e.status = DZ_OK;
        ck_assert_msg(!dz_optimiser_new(&how, 1, NULL, &e) && e.status == DZ_ERR_ARGUMENT, "%s, option %zu",
                      usual.method, j);
        ck_assert_ptr_null(dz_optimiser_new(&how, 1, NULL, NULL));
      }
    how = usual;
    e.status = DZ_OK;
    ck_assert(!dz_optimiser_new(&how, SIZE_MAX / 8, NULL, &e) && e.status == DZ_ERR_LIMIT);
    for (size_t at = 1; at < 10; at++) {
      failing f = {.at = at};
      const dz_allocator a = failing_allocator(&f);
      e.status = DZ_OK;
      dz_optimiser *o = dz_optimiser_new(&how, 3, &a, &e);
      ck_assert(o ? f.failed == 0 : e.status == DZ_ERR_MEMORY);
      dz_optimiser_free(o);
      ck_assert_uint_eq(f.blocks, 0);
    }
  }
  how.method = NULL;
  ck_assert_ptr_null(dz_optimiser_new(&how, 1, NULL, &e));
  GIVES(dz_optimiser_step(NULL, 0, room, room), DZ_ERR_ARGUMENT);
  GIVES(dz_optimiser_apply(NULL, 0, 1, &x), DZ_ERR_ARGUMENT);
  GIVES(dz_optimiser_best(NULL, room), DZ_ERR_ARGUMENT);
  GIVES(dz_optimiser_restore(NULL, room, 1, room), DZ_ERR_ARGUMENT);
  ck_assert(!dz_optimiser_state(NULL, &count) && dz_optimiser_steps(NULL) == 0);
  dz_optimiser_free(NULL);
  ck_assert_int_eq(dz_shuffle(1, 1, 2, NULL), DZ_ERR_ARGUMENT);
  ck_assert_int_eq(dz_shuffle(1, 1, 2, order), DZ_OK);
  ck_assert(order[0] + order[1] == 1);
  ck_assert(dz_schedule_at(NULL, 7) == 1);
}
END_TEST

START_TEST(steps_that_cannot_be_taken) {
  double room[9] = {1, 2, 3}, nan[3] = {1, NAN, 1}, state[128];
  size_t count;
  for (size_t k = 0; dz_optimiser_method(k); k++) {
    dz_optimiser_options how;
    ck_assert_int_eq(dz_optimiser_defaults(dz_optimiser_method(k), &how), DZ_OK);
    dz_optimiser *o = dz_optimiser_new(&how, 3, NULL, NULL);
    GIVES(dz_optimiser_step(o, 0, NULL, room), DZ_ERR_ARGUMENT);
    GIVES(dz_optimiser_step(o, 0, room, NULL), DZ_ERR_ARGUMENT);
    GIVES(dz_optimiser_step(o, 0, room, nan), DZ_ERR_ARGUMENT);
    GIVES(dz_optimiser_apply(o, 0, 1, NULL), DZ_ERR_ARGUMENT);
    GIVES(dz_optimiser_apply(o, 0, 1, &A), DZ_ERR_SHAPE);
    GIVES(dz_optimiser_apply(o, 0, 1, &v), DZ_ERR_HANDLE); /* no adjoint */
    GIVES(dz_optimiser_apply(o, 0, 1, &data), DZ_ERR_HANDLE);
    GIVES(dz_optimiser_best(o, NULL), DZ_ERR_ARGUMENT);
    GIVES(dz_optimiser_best(o, room), DZ_OK);
    const double *kept = dz_optimiser_state(o, &count);
    ck_assert(kept && count >= 1 && count <= COUNT(state));
    memcpy(state, kept, count * sizeof *state);
    GIVES(dz_optimiser_restore(o, NULL, count, room), DZ_ERR_ARGUMENT);
    GIVES(dz_optimiser_restore(o, state, count, NULL), DZ_ERR_ARGUMENT);
    GIVES(dz_optimiser_restore(o, state, count + 1, room), DZ_ERR_SHAPE);
    static const double no_count[] = {-1, .5, 0x1p54, NAN};
    for (size_t j = 0; j < COUNT(no_count); j++) {
      state[0] = no_count[j];
      GIVES(dz_optimiser_restore(o, state, count, room), DZ_ERR_ARGUMENT);
    }
    state[0] = 0;
    GIVES(dz_optimiser_restore(o, state, count, room), DZ_OK);
    ck_assert_uint_eq(dz_optimiser_steps(o), 0);
    ck_assert_ptr_nonnull(dz_optimiser_state(o, NULL));
    dz_optimiser_free(o);
    ck_assert_ptr_nonnull(o = dz_optimiser_new(&how, 0, NULL, NULL)); /* of nothing */
    GIVES(dz_optimiser_step(o, 0, NULL, NULL), DZ_OK);
    GIVES(dz_optimiser_apply(o, 0, 0, NULL), DZ_OK);
    GIVES(dz_optimiser_best(o, NULL), DZ_OK);
    kept = dz_optimiser_state(o, &count);
    memcpy(state, kept, count * sizeof *state);
    GIVES(dz_optimiser_restore(o, state, count, NULL), DZ_OK);
    dz_optimiser_free(o);
  }
  dz_optimiser_options how; /* of what cannot be set */
  ck_assert_int_eq(dz_optimiser_defaults("sgd", &how), DZ_OK);
  dz_optimiser *o = dz_optimiser_new(&how, 2, NULL, NULL);
  ck_assert_int_eq(dz_backward(dz_mul(y, y)), DZ_OK);
  GIVES(dz_optimiser_apply(o, 1, 2, ((dz_var[]){y, x})), DZ_ERR_ARGUMENT);
  dz_optimiser_free(o);
}
END_TEST

SUITE_BETWEEN(set_up_all, tear_down_all, ONCE(sweeps_of_a_tape_in_error), ONCE(sweeps_from_nowhere),
              ONCE(derivatives_of_nothing), ONCE(pictures_and_texts_of_nothing), ONCE(patterns_that_are_none),
              ONCE(programs_that_are_none), ONCE(operations_that_are_none), ONCE(optimisers_that_cannot_be),
              ONCE(steps_that_cannot_be_taken))
