/* The tables as data: names, aliases, codes, hard points. */
#include "dz/ops.h"
#include "kernels/pointwise.h"
#include "ops/boundary.h"
#include "suite.h"

#include <float.h>
#include <math.h>
#include <string.h>

START_TEST(rows_are_found_by_their_names) {
  for (size_t i = 0; i < dz_op_count(); i++) {
    const dz_op_info op = dz_op_at(i);
    ck_assert_ptr_nonnull(op.name);
    ck_assert_uint_eq(dz_op_find(op.name), i);
    ck_assert((op.value != NULL) != (op.note != NULL));
    ck_assert_int_le(op.arity, op.most);
    for (int k = 0; k < 3; k++) ck_assert((op.partial[k] != NULL) == (op.value && k < op.arity));
    const char *alias;
    for (size_t k = 0; (alias = dz_op_alias(i, k)) != NULL; k++) ck_assert_uint_eq(dz_op_find(alias), i);
  }
  ck_assert_str_eq(dz_op_at(dz_op_find("ln")).name, "log");
  ck_assert_str_eq(dz_op_alias(dz_op_find("log"), 0), "ln");
  ck_assert_ptr_null(dz_op_alias(dz_op_find("log"), 1));
  ck_assert_ptr_null(dz_op_alias(dz_op_count(), 0));
  ck_assert_ptr_null(dz_op_at(dz_op_count()).name);
  ck_assert_uint_eq(dz_op_find("lo"), dz_op_count());
  ck_assert_uint_eq(dz_op_find(""), dz_op_count());
  ck_assert_uint_eq(dz_op_find(NULL), dz_op_count());
}
END_TEST

START_TEST(codes_name_their_operations) {
  ck_assert_int_eq(dz__fn_of_code(DZ__INPUT), DZ__F_END);
  ck_assert_int_eq(dz__fn_of_code(DZ__WIDE), DZ__F_END);
  ck_assert_int_eq(dz__fn_of_code(DZ__CODE_END), DZ__F_END);
  ck_assert_int_eq(dz__fn_of_code(DZ__mul_cv), DZ__F_mul);
  ck_assert_uint_eq(dz__variant(DZ__mul_cv), DZ__CV);
  ck_assert_uint_eq(dz__variant(DZ__CODE_END), DZ__II);
}
END_TEST

START_TEST(hard_points_are_listed) {
  for (size_t i = 0; i < dz_boundary_count(); i++) {
    const dz_boundary b = dz_boundary_at(i);
    ck_assert(b.op && b.kind && b.point && b.answer && *b.op && *b.kind && *b.point && *b.answer);
  }
  ck_assert_ptr_null(dz_boundary_at(dz_boundary_count()).op);
  ck_assert_ptr_null(dz_boundary_at(SIZE_MAX).op);
}
END_TEST

static const double hard[] = {
    0.,           -0.,       1,      -1,      .5,       -.5,     2,      -2,     3,       -3,
    INFINITY,     -INFINITY, NAN,    DBL_MAX, -DBL_MAX, DBL_MIN, 5e-324, 1e-200, -1e-200, 1e200,
    -1e200,       710,       -710,   711,     -745.5,   1025,    -1075,  172,    20.5,    -20.5,
    27,           40,        -40,    1e-9,    1e17,     1.5,     -1.5,   2.5,    4,       .9999999999,
    -.9999999999, 1e-17,     -1e-17, 1e155,   -1e155,   171,     6,      -6,     37,      1e-155};

/* What a kind says of the value, by C's own functions for these operations. */
static bool value_is(const char *kind, double z) {
  if (strcmp(kind, "domain") == 0 || strcmp(kind, "0*inf") == 0) return isnan(z);
  if (strcmp(kind, "pole") == 0 || strcmp(kind, "overflow") == 0) return isinf(z);
  return true;
}

/* Every condition holds somewhere among the hard numbers and fails somewhere, and where it holds the value is
   what its kind says (a NaN gives NaN anyway). */
START_TEST(conditions_hold_where_they_say) {
  for (size_t i = 0; i < dz__boundary_total; i++) {
    const dz__boundary *b = &dz__boundaries[i];
    if (!b->at) continue;
    const int arity = dz__ops[b->fn].arity;
    size_t holds = 0, fails = 0;
    for (size_t j = 0; j < COUNT(hard); j++)
      for (size_t k = 0; k < (arity > 1 ? COUNT(hard) : 1); k++)
        for (size_t l = 0; l < (arity > 2 ? COUNT(hard) : 1); l++) {
          const double x = hard[j], y = hard[k], w = hard[l];
          const bool here = b->at(x, y, w);
          holds += here, fails += !here;
          if (here && !isnan(x) && !isnan(y) && !isnan(w) &&
              !value_is(b->kind, dz__pointwise[b->fn].value(x, y, w)))
            ck_abort_msg("%s, %s at %g, %g, %g: the value is %g", b->op, b->kind, x, y, w,
                         dz__pointwise[b->fn].value(x, y, w));
          if (here) ck_assert(dz__at_boundary((dz__fn)b->fn, b->kind, x, y, w));
        }
    if (!holds || !fails) ck_abort_msg("%s, %s: %s is always %d", b->op, b->kind, b->point, holds > 0);
  }
  ck_assert(!dz__at_boundary(DZ__F_sin, "no such kind", 0, 0, 0));
  for (int fn = 0; fn < DZ__F_END; fn++) ck_assert(!dz__at_boundary((dz__fn)fn, "", 0, 0, 0));
}
END_TEST

START_TEST(shapes_are_written) {
  const size_t dims[] = {1, 2, 3, 4, 5, 6, 7, 8, 9};
  char text[192];
  ck_assert_str_eq(dz__shape_text(0, NULL, text), "[]");
  ck_assert_str_eq(dz__shape_text(2, dims, text), "[1, 2]");
  ck_assert_str_eq(dz__shape_text(9, dims, text), "[1, 2, 3, 4, 5, 6, 7, 8]"); /* there is room for no more */
}
END_TEST

SUITE(ONCE(rows_are_found_by_their_names), ONCE(codes_name_their_operations), ONCE(hard_points_are_listed),
      ONCE(conditions_hold_where_they_say), ONCE(shapes_are_written))
