/* The tables as data: names, aliases, codes, hard points. */
#include "dz/ops.h"
#include "kernels/pointwise.h"
#include "ops/boundary.h"
#include "suite.h"

#include <float.h>
#include <math.h>
#include <string.h>

START_TEST(rows_are_found_by_their_names) {
  size_t aliases = 0;
  for (size_t i = 0; i < dz_op_count(); i++) {
    const dz_op_info op = dz_op_at(i);
    ck_assert_ptr_nonnull(op.name);
    ck_assert_uint_eq(dz_op_find(op.name), i);
    ck_assert((op.value != NULL) != (op.note != NULL));
    ck_assert_int_le(op.arity, op.most);
    for (int k = 0; k < 3; k++) ck_assert((op.partial[k] != NULL) == (op.value && k < op.arity));
    const char *alias;
    for (size_t k = 0; (alias = dz_op_alias(i, k)) != NULL; k++, aliases++)
      ck_assert_uint_eq(dz_op_find(alias), i);
  }
  for (size_t k = 0; k < aliases; k++) ck_assert_uint_lt(dz_op_find(dz__alias_at(k)), dz_op_count());
  ck_assert(aliases > 20 && !dz__alias_at(aliases));
  ck_assert_str_eq(dz_op_at(dz_op_find("ln")).name, "log");
  ck_assert_str_eq(dz_op_alias(dz_op_find("log"), 0), "ln");
  ck_assert_ptr_null(dz_op_alias(dz_op_find("log"), 1));
  ck_assert_ptr_null(dz_op_alias(dz_op_count(), 0));
  ck_assert_ptr_null(dz_op_at(dz_op_count()).name);
  ck_assert_uint_eq(dz_op_find("lo"), dz_op_count());
  ck_assert_uint_eq(dz_op_find(""), dz_op_count());
  ck_assert_uint_eq(dz_op_find(NULL), dz_op_count());
  ck_assert_int_eq(dz__fn_by_name(NULL, 0), DZ__F_END);
  ck_assert(dz__is_called("e", "e", 1) && dz__is_called("e", "ex", 1) && !dz__is_called("ex", "e", 1));
  ck_assert(!dz__is_called("e", "x", 1) && !dz__is_called("e", NULL, 0));
  ck_assert_int_eq(dz__fn_by_name("sinh", 3), DZ__F_sin);
}
END_TEST

/* How many operands a row takes, where that is not one. */
START_TEST(rows_take_so_many_operands) {
  static const struct {
    dz__fn fn;
    int least, most;
  } tensor[] = {{DZ__F_concat, 1, 255}, {DZ__F_stack, 1, 255}, {DZ__F_gather, 2, 2}, {DZ__F_scatter, 2, 2},
                {DZ__F_matmul, 2, 2},   {DZ__F_solve, 3, 3},   {DZ__F_noise, 2, 2}};
  for (size_t i = DZ__F_POINTWISE_END; i < dz_op_count(); i++) {
    int least = 1, most = 1;
    for (size_t k = 0; k < COUNT(tensor); k++)
      if (tensor[k].fn == i) least = tensor[k].least, most = tensor[k].most;
    ck_assert_int_eq(dz_op_at(i).arity, least);
    ck_assert_int_eq(dz_op_at(i).most, most);
  }
}
END_TEST

START_TEST(codes_name_their_operations) {
  ck_assert_int_eq(dz__fn_of_code(DZ__INPUT), DZ__F_END);
  ck_assert_int_eq(dz__fn_of_code(DZ__WIDE), DZ__F_END);
  ck_assert_int_eq(dz__fn_of_code(DZ__CODE_END), DZ__F_END);
  ck_assert_int_eq(dz__fn_of_code(DZ__mul_cv), DZ__F_mul);
  ck_assert_uint_eq(dz__variant(DZ__mul_cv), DZ__CV);
  ck_assert_uint_eq(dz__variant(DZ__CODE_END), DZ__II);
  /* A gradient flows to operands that are active: bit 0, bit 1. */
  static const unsigned wants[] = {
      [DZ__VV] = 3, [DZ__VC] = 1, [DZ__CV] = 2, [DZ__VI] = 1, [DZ__IV] = 2, [DZ__II] = 0};
  for (int fn = 0; fn < DZ__F_POINTWISE_END; fn++) {
    const dz__code_line *line = &dz__codes[dz__ops[fn].code];
    if (dz__ops[fn].arity == 1) ck_assert(line[0].wants == 1 && line[1].wants == 0 && line[1].fn == fn);
    for (unsigned v = DZ__VV; dz__ops[fn].arity == 2 && v <= DZ__II; v++)
      ck_assert(line[v].wants == wants[v] && line[v].variant == v && line[v].fn == fn);
  }
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

/* Where each condition holds and where it does not, on both sides of every threshold. */
static const struct {
  const char *op, *kind, *holds, *fails; /* points "x,y,w" */
} points[] = {
    {"add", "domain", "inf,-inf -inf,inf", "inf,inf 1,-1 inf,1 inf,nan"},
    {"sub", "domain", "inf,inf -inf,-inf", "inf,-inf 1,1 inf,1 inf,nan"},
    {"mul", "0*inf", "0,inf inf,0 -0,-inf -inf,0", "0,1 1,inf inf,1 0,0 inf,inf 1,0 0,nan"},
    {"mul", "overflow", "1e200,1e200 1e308,-2", "inf,2 2,inf 1e200,1e100 nan,2 inf,inf 1,1"},
    {"div", "pole", "1,0 -1,-0 inf,0", "0,0 0,1 1,5e-324 1,1"},
    {"div", "domain", "0,0 -0,0 0,-0", "1,0 0,1 inf,inf 1,1"},
    {"div", "domain", "inf,inf -inf,inf inf,-inf", "inf,1 1,inf inf,0 0,inf 0,0"},
    {"div", "overflow", "1e300,1e-300 -1e300,1e-300 1,5e-324", "1,0 inf,1 1,1 inf,2 inf,0"},
    {"div", "range", "1e-100,1e-161 1e-200,-1e-170 1,1e161 1,-1e200 1,inf",
     "1e-100,1e-160 1,1e160 0,0 1,0 1,1 inf,1e161 1e300,1e-200 nan,1e170"},
    {"pow", "discontinuous", "0,0 -0,0 0,-0", "1,0 0,1 1,1"},
    {"pow", "kink", "0,1 -0,1", "1,1 0,0 0,2 1,0"},
    {"pow", "infinite slope", "0,.5 -0,.25", "0,0 0,1 1,.5 0,-1 0,2"},
    {"pow", "flat", "0,2 -0,3 0,1.5", "0,1 1,2 0,.5"},
    {"pow", "pole", "0,-1 -0,-.5", "0,0 1,-1 0,1 0,.5"},
    {"pow", "flat", "nan,0 inf,0 1,0 0,0 2,-0", "1,1 0,1"},
    {"pow", "no slope", "-1,2 -.5,-3 -inf,1", "0,2 1,2 .5,2 -1,.5 -1,nan"},
    {"pow", "domain", "-1,.5 -2,-.5", "-inf,.5 0,.5 .5,.5 -1,2 1,.5"},
    {"pow", "overflow", "1e200,2 -1e200,3 .5,-2000 1e-200,-2", "0,-1 inf,2 2,3 2,inf 1,1"},
    {"pow", "range", "1e-200,2 .5,2000 -1e-200,2 inf,-1", "0,2 .5,inf 1,1 2,2"},
    {"exp", "overflow", "709.79 1e308", "709.782712893384 709 inf nan"},
    {"exp", "tail", "-708.5 -1e308 -inf", "-708 0 708.5"},
    {"exp2", "overflow", "1024 1e308", "1023.99 inf"},
    {"expm1", "overflow", "709.79 1e308", "709.782712893384 709 inf nan"},
    {"expm1", "tail", "-37.5 -inf", "-37 37.5 0"},
    {"expm1", "tail", "0 5e-17 -5e-17", "1e-16 -1e-16 1"},
    {"gauss", "tail", "20.5 -20.5 inf", "20 -20 0"},
    {"log", "pole", "0 -0", "1 5e-324 -1"},
    {"log", "domain", "-5e-324 -1 -inf", "0 -0 .5 1"},
    {"log2", "pole", "0 -0", "1 5e-324 -1"},
    {"log2", "domain", "-5e-324 -1 -inf", "0 -0 .5 1"},
    {"log10", "pole", "0 -0", "1 5e-324 -1"},
    {"log10", "domain", "-5e-324 -1 -inf", "0 -0 .5 1"},
    {"log1p", "pole", "-1", "1 0 -.5 -2"},
    {"log1p", "domain", "-1.5 -2 -inf", "-1 -.5 0"},
    {"log1p", "tail", "0 5e-17 -5e-17", "1e-16 -1e-16 1"},
    {"xlogy", "seam", "0,1 -0,2 0,5e-324 0,inf", "0,0 1,1 0,-1"},
    {"xlogy", "infinite slope", "0,0 -0,0 0,-0", "0,1 1,0"},
    {"xlogy", "no slope", "0,-1 0,-5e-324", "0,0 1,-1 0,.5"},
    {"xlogy", "pole", "1,0 -2,-0", "0,0 1,1 0,1"},
    {"xlogy", "domain", "1,-1 2,-.5", "0,-1 1,0 1,.5"},
    {"logaddexp", "tie", "1,1 inf,inf -inf,-inf 0,-0", "1,2 inf,-inf nan,nan"},
    {"logaddexp", "tail", "38,0 0,38 -37.5,0 inf,0", "37,0 0,37 20,20 nan,0"},
    {"sqrt", "infinite slope", "0 -0", "1 5e-324"},
    {"sqrt", "domain", "-1 -5e-324", "0 -0 .5"},
    {"cbrt", "infinite slope", "0 -0", "1 -1"},
    {"hypot", "kink", "0,0 -0,0", "1,0 0,1 1,1"},
    {"hypot", "range", "1e155,0 0,-1e155 inf,1", "1e154,0 0,1e154 1,1"},
    {"sin", "domain", "inf -inf", "1e308 nan"},
    {"cos", "domain", "inf -inf", "1e308 nan"},
    {"tan", "domain", "inf -inf", "1e308 nan"},
    {"asin", "infinite slope", "1 -1", "0 .5 2"},
    {"asin", "tail", ".9999999999 -.9999999999", "1 -1 .999999999 .5 1.5"},
    {"asin", "domain", "1.5 -1.5 inf", "1 -1 .5"},
    {"acos", "infinite slope", "1 -1", "0 .5 2"},
    {"acos", "domain", "1.5 -1.5 inf", "1 -1 .5"},
    {"atan", "range", "1e155 -1e155 inf", "1e154 -1e154 1"},
    {"atan2", "no slope", "0,0 -0,-0", "0,1 1,0 1,1"},
    {"atan2", "jump", "0,-1 -0,-1 0,-inf", "0,0 0,1 1,-1 0,.5"},
    {"atan2", "range", "1e-155,1e-155 0,1e-155 1e-155,0 -1e-200,0",
     "0,0 1e-154,1e-155 1e-155,1e-154 1,1 1e-155,1 1,1e-155"},
    {"sinh", "overflow", "710.48 -711 1e308", "710.475860073944 -710.475860073944 inf -inf 0"},
    {"cosh", "overflow", "710.48 -711 1e308", "710.475860073944 -710.475860073944 inf -inf 0"},
    {"tanh", "tail", "19.2 -19.2 inf", "19.1 -19.1 0"},
    {"asinh", "range", "1e155 -1e155 inf", "1e154 -1e154 1"},
    {"acosh", "infinite slope", "1", "0 2 -1"},
    {"acosh", "domain", ".5 0 -1 -inf", "1 2"},
    {"atanh", "pole", "1 -1", "0 .5 2"},
    {"atanh", "domain", "1.5 -1.5 inf", "1 -1 .5"},
    {"erf", "tail", "5.94 -5.94 inf", "5.93 -5.93 0"},
    {"erfc", "tail", "5.94 inf", "5.93 -6 0"},
    {"lgamma", "pole", "0 -0 -1 -2", ".5 1 2 -.5"},
    {"tgamma", "pole", "0 -0", "1 -1 5e-324"},
    {"tgamma", "domain", "-1 -2", "0 -0 1 -.5"},
    {"tgamma", "overflow", "171.7 1e308", "171.6243769563027 171 inf"},
    {"digamma", "pole", "0 -0", "1 -1 5e-324"},
    {"digamma", "domain", "-1 -2", "0 -0 1 -.5"},
    {"polygamma", "pole", "1,0 3,-1 999,-2 1,-5", "2,0 0,0 -1,0 1001,0 1,1 1,-.5 1,-inf 1,.5 1.5,0 2,1"},
    {"polygamma", "domain", ".5,1 -1,1 1001,1 nan,1", "0,1 1,1 1000,1"},
    {"sigmoid", "tail", "36.9 -36.9 inf", "36.8 -36.8 0"},
    {"log_sigmoid", "tail", "36.9 -36.9 inf", "36.8 -36.8 0"},
    {"softplus", "tail", "36.9 -36.9 inf", "36.8 -36.8 0"},
    {"relu", "kink", "0 -0", "1 -1 5e-324"},
    {"fabs", "kink", "0 -0", "1 -1 5e-324"},
    {"sign", "jump", "0 -0", "1 -1 5e-324"},
    {"floor", "jump", "0 1 -3", ".5 -.5 nan"},
    {"ceil", "jump", "0 1 -3", ".5 -.5 nan"},
    {"round", "jump", ".5 -.5 2.5 -3.5", "0 1 .25 1.25"},
    {"trunc", "jump", "0 1 -3", ".5 -.5 nan"},
    {"fmod", "domain", "1,0 inf,1 inf,0", "1,1 0,1 1,inf"},
    {"fmod", "seam", "4,2 0,1 -6,3 2,1", "5,2 1,0 inf,1 3,2"},
    {"mod", "domain", "1,0 inf,1 inf,0", "1,1 0,1 1,inf"},
    {"mod", "seam", "4,2 0,1 -6,3 2,1", "5,2 1,0 inf,1 3,2"},
    {"copysign", "seam", "0,1 1,0 -0,-0", "1,1 1,2 2,1"},
    {"fmin", "tie", "1,1 0,-0 inf,inf", "1,2 nan,nan"},
    {"fmin", "choice", "nan,1 1,nan", "nan,nan 1,1 1,2"},
    {"fmax", "tie", "1,1 0,-0 inf,inf", "1,2 nan,nan"},
    {"fmax", "choice", "nan,1 1,nan", "nan,nan 1,1 1,2"},
    {"clamp", "kink", "1,1,2 2,1,2 1,1,1", "1.5,1,2 0,1,2 0,1,1"},
    {"clamp", "choice", "0,2,1", "0,1,2 0,1,1"},
    {"lt", "jump", "1,1 0,-0", "1,2 nan,nan"},
    {"le", "jump", "1,1 0,-0", "1,2 nan,nan"},
    {"gt", "jump", "1,1 0,-0", "1,2 nan,nan"},
    {"ge", "jump", "1,1 0,-0", "1,2 nan,nan"},
    {"eq", "jump", "1,1 0,-0", "1,2 nan,nan"},
    {"ne", "jump", "1,1 0,-0", "1,2 nan,nan"},
    {"where", "choice", "1,2,3 -5e-324,2,3 nan,2,3", "0,2,3 -0,2,3"},
    {"where", "choice", "0,2,3 -0,2,3", "1,2,3 -5e-324,2,3 nan,2,3"},
    {"stop", "flat", "1 inf 0", "nan"},
};

/* The next "x,y,w" of a list of points; false at its end. */
static bool next_point(const char **list, double v[3]) {
  v[0] = v[1] = v[2] = 0;
  if (!**list) return false;
  char *at = (char *)(uintptr_t)*list;
  for (int k = 0; k < 3; k++) {
    v[k] = strtod(at, &at);
    if (*at != ',') break;
    at++;
  }
  while (*at == ' ') at++;
  *list = at;
  return true;
}

START_TEST(conditions_hold_nowhere_else) {
  size_t k = 0;
  for (size_t i = 0; i < dz__boundary_total; i++) {
    const dz__boundary *b = &dz__boundaries[i];
    if (!b->at) continue;
    ck_assert_uint_lt(k, COUNT(points));
    ck_assert_str_eq(b->op, points[k].op);
    ck_assert_str_eq(b->kind, points[k].kind);
    for (int holds = 0; holds < 2; holds++) {
      const char *list = holds ? points[k].holds : points[k].fails;
      for (double v[3]; next_point(&list, v);)
        if (b->at(v[0], v[1], v[2]) != holds)
          ck_abort_msg("%s, %s (%s) at %g, %g, %g is %d", b->op, b->kind, b->point, v[0], v[1], v[2], !holds);
    }
    k++;
  }
  ck_assert_uint_eq(k, COUNT(points));
}
END_TEST

/* An array may have as many bytes as a pointer can tell apart, and one of nothing any extents. */
START_TEST(sizes_are_products) {
  const size_t most = PTRDIFF_MAX / sizeof(double);
  size_t size;
  ck_assert(dz__size_of(0, NULL, &size) && size == 1);
  ck_assert(dz__size_of(1, (size_t[]){2, 0}, &size) && size == 2);
  ck_assert(dz__size_of(1, (size_t[]){2, SIZE_MAX}, &size) && size == 2);
  ck_assert(dz__size_of(3, (size_t[]){2, 3, 5}, &size) && size == 30);
  ck_assert(dz__size_of(2, (size_t[]){most, 1}, &size) && size == most);
  ck_assert(dz__size_of(2, (size_t[]){1, most}, &size) && size == most);
  ck_assert(dz__size_of(2, (size_t[]){2, most / 2}, &size) && size == most / 2 * 2);
  ck_assert(dz__size_of(3, (size_t[]){SIZE_MAX, SIZE_MAX, 0}, &size) && size == 0);
  ck_assert(!dz__size_of(1, (size_t[]){most + 1}, &size));
  ck_assert(!dz__size_of(2, (size_t[]){2, most / 2 + 1}, &size));
  ck_assert(!dz__size_of(2, (size_t[]){most, 2}, &size));
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

SUITE(ONCE(rows_are_found_by_their_names), ONCE(rows_take_so_many_operands),
      ONCE(codes_name_their_operations), ONCE(hard_points_are_listed), ONCE(conditions_hold_where_they_say),
      ONCE(conditions_hold_nowhere_else), ONCE(sizes_are_products), ONCE(shapes_are_written))
