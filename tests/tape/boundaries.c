/* Values and slopes at every hard point of the pointwise operations: kinks, ties, poles, ends of domains,
 * infinities, NaN. */
#include "calls.h"
#include "dz/sweep.h"
#include "ops/op.h"
#include "suite.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define INF INFINITY
#define LN2 0.6931471805599453
#define PI 3.141592653589793

/* Operands: v active, c a plain number, d data. A zero slope of c and d says that they have none. */
typedef struct row {
  const char *op, *kinds;
  double x[3], value, slope[3];
} row;

/* clang-format off */
static const row rows[] = {
    /* a kink's subgradient of least norm, a step's slope: 0 */
    {"relu", "v", {0}, 0, {0}}, {"relu", "v", {-0.}, 0, {0}}, {"relu", "v", {5e-324}, 5e-324, {1}}, {"relu", "v", {-5e-324}, 0, {0}},
    {"relu", "v", {INF}, INF, {1}}, {"relu", "v", {-INF}, 0, {0}}, {"relu", "v", {NAN}, NAN, {NAN}},
    {"fabs", "v", {0}, 0, {0}}, {"fabs", "v", {-0.}, 0, {0}}, {"fabs", "v", {-INF}, INF, {-1}}, {"fabs", "v", {NAN}, NAN, {NAN}},
    {"sign", "v", {0}, 0, {0}}, {"sign", "v", {-3}, -1, {0}}, {"sign", "v", {NAN}, NAN, {NAN}},
    {"floor", "v", {2}, 2, {0}}, {"floor", "v", {-2.5}, -3, {0}}, {"floor", "v", {INF}, INF, {0}}, {"floor", "v", {NAN}, NAN, {NAN}},
    {"ceil", "v", {2}, 2, {0}}, {"ceil", "v", {-2.5}, -2, {0}}, {"ceil", "v", {NAN}, NAN, {NAN}},
    {"round", "v", {.5}, 1, {0}}, {"round", "v", {-2.5}, -3, {0}}, {"round", "v", {NAN}, NAN, {NAN}},
    {"trunc", "v", {-2.5}, -2, {0}}, {"trunc", "v", {2}, 2, {0}}, {"trunc", "v", {NAN}, NAN, {NAN}},
    {"clamp", "vcc", {0, 0, 1}, 0, {0}}, {"clamp", "vcc", {1, 0, 1}, 1, {0}}, {"clamp", "vcc", {.5, 0, 1}, .5, {1}},
    {"clamp", "vcc", {0, 0, INF}, 0, {0}}, {"clamp", "vcc", {2, 0, INF}, 2, {1}}, {"clamp", "vcc", {NAN, 0, 1}, NAN, {NAN}},
    {"clamp", "vvv", {0, 0, 1}, 0, {0, 0, 0}}, {"clamp", "vvv", {1, 0, 1}, 1, {0, 0, 0}},
    {"clamp", "vvv", {-1, 0, 1}, 0, {0, 1, 0}}, {"clamp", "vvv", {2, 0, 1}, 1, {0, 0, 1}},
    {"clamp", "vvv", {.5, 2, 1}, 1, {0, 0, 1}}, {"clamp", "vvv", {5, 2, 1}, 1, {0, 0, 1}}, /* crossed: the upper bound rules */
    {"clamp", "vvv", {.5, NAN, 1}, .5, {1, 0, 0}}, {"clamp", "vvv", {.5, 0, NAN}, .5, {1, 0, 0}}, {"clamp", "vvv", {-1, 0, NAN}, 0, {0, 1, 0}},
    {"clamp", "vvv", {NAN, 0, 1}, NAN, {NAN, NAN, NAN}},

    /* ties: shared between two active operands; against anything else the clamp rule, 0 */
    {"fmax", "vv", {3, 3}, 3, {.5, .5}}, {"fmax", "vc", {3, 3}, 3, {0}}, {"fmax", "cv", {3, 3}, 3, {0}}, {"fmax", "vd", {3, 3}, 3, {0}},
    {"fmax", "dv", {3, 3}, 3, {0}}, {"fmax", "vv", {0, -0.}, 0, {.5, .5}}, {"fmax", "vv", {INF, INF}, INF, {.5, .5}},
    {"fmax", "vv", {2, 3}, 3, {0, 1}}, {"fmax", "vc", {0, 0}, 0, {0}}, {"fmax", "vv", {NAN, 3}, 3, {0, 1}},
    {"fmax", "vv", {NAN, NAN}, NAN, {NAN, NAN}}, {"fmax", "vc", {4, 3}, 4, {1}},
    {"fmin", "vv", {3, 3}, 3, {.5, .5}}, {"fmin", "vc", {3, 3}, 3, {0}}, {"fmin", "cv", {3, 3}, 3, {0}}, {"fmin", "vd", {3, 3}, 3, {0}},
    {"fmin", "dv", {3, 3}, 3, {0}}, {"fmin", "vv", {-INF, -INF}, -INF, {.5, .5}}, {"fmin", "vv", {2, 3}, 2, {1, 0}},
    {"fmin", "vv", {3, NAN}, 3, {1, 0}}, {"fmin", "vv", {NAN, NAN}, NAN, {NAN, NAN}},

    /* powers and roots */
    {"sqrt", "v", {0}, 0, {INF}}, {"sqrt", "v", {-0.}, 0, {INF}}, {"sqrt", "v", {-1}, NAN, {NAN}}, {"sqrt", "v", {INF}, INF, {0}},
    {"cbrt", "v", {0}, 0, {INF}}, {"cbrt", "v", {-0.}, 0, {INF}}, {"cbrt", "v", {INF}, INF, {0}}, {"cbrt", "v", {-1}, -1, {1. / 3}},
    {"pow", "vv", {0, 1}, 0, {1, 0}}, {"pow", "vv", {0, 2}, 0, {0, 0}}, {"pow", "vv", {0, .5}, 0, {INF, 0}}, {"pow", "vv", {-0., 1}, 0, {1, 0}},
    {"pow", "vv", {0, 0}, 1, {0, 0}}, {"pow", "vv", {0, -1}, INF, {-INF, -INF}}, {"pow", "vv", {0, -2}, INF, {-INF, -INF}},
    {"pow", "vv", {2, 0}, 1, {0, LN2}}, {"pow", "vv", {-2, 0}, 1, {0, NAN}}, {"pow", "vc", {NAN, 0}, 1, {0}}, {"pow", "vc", {INF, 0}, 1, {0}},
    {"pow", "vv", {-2, 3}, -8, {12, NAN}}, {"pow", "vc", {-2, 3}, -8, {12}}, {"pow", "vd", {-2, 3}, -8, {12}}, {"pow", "vc", {-2, -1}, -.5, {-.25}},
    {"pow", "vv", {-2, 2.5}, NAN, {NAN, NAN}}, {"pow", "vc", {-2, 2.5}, NAN, {NAN}}, {"pow", "vv", {0, NAN}, NAN, {NAN, NAN}},
    {"pow", "vv", {1, 5}, 1, {5, 0}}, {"pow", "vc", {0x1p600, 2}, INF, {0x1p601}}, {"pow", "vc", {0x1p-600, 2}, 0, {0x1p-599}},
    {"pow", "cv", {0, 2}, 0, {0, 0}}, {"pow", "cv", {2, 3}, 8, {0, 8 * LN2}}, {"pow", "vv", {INF, 1}, INF, {1, INF}},

    /* logarithms */
    {"log", "v", {0}, -INF, {INF}}, {"log", "v", {-0.}, -INF, {INF}}, {"log", "v", {-1}, NAN, {NAN}}, {"log", "v", {INF}, INF, {0}},
    {"log2", "v", {0}, -INF, {INF}}, {"log2", "v", {-0.}, -INF, {INF}}, {"log2", "v", {-1}, NAN, {NAN}}, {"log10", "v", {0}, -INF, {INF}}, {"log10", "v", {-0.}, -INF, {INF}},
    {"log10", "v", {-1}, NAN, {NAN}},
    {"log1p", "v", {-1}, -INF, {INF}}, {"log1p", "v", {-2}, NAN, {NAN}}, {"log1p", "v", {-0.}, 0, {1}},
    {"xlogy", "vv", {0, 2}, 0, {LN2, 0}}, {"xlogy", "vv", {0, 0}, 0, {-INF, 0}}, {"xlogy", "vv", {0, -1}, 0, {NAN, 0}},
    {"xlogy", "vv", {1, 0}, -INF, {-INF, INF}}, {"xlogy", "vv", {1, -0.}, -INF, {-INF, INF}}, {"xlogy", "vv", {2, -1}, NAN, {NAN, NAN}}, {"xlogy", "vv", {0, NAN}, NAN, {NAN, NAN}},
    {"xlogy", "vv", {0, INF}, 0, {INF, 0}}, {"xlogy", "vv", {INF, 1}, NAN, {0, INF}},
    {"logaddexp", "vv", {1e50, 1e50}, 1e50, {.5, .5}}, {"logaddexp", "vv", {-INF, -INF}, -INF, {.5, .5}},
    {"logaddexp", "vv", {INF, INF}, INF, {.5, .5}}, {"logaddexp", "vv", {INF, 0}, INF, {1, 0}}, {"logaddexp", "vv", {0, -INF}, 0, {1, 0}},
    {"logaddexp", "vv", {-INF, INF}, INF, {0, 1}}, {"logaddexp", "vv", {NAN, 0}, NAN, {NAN, NAN}}, {"logaddexp", "vv", {0, 0}, LN2, {.5, .5}},
    {"logaddexp", "vv", {1e300, -1e300}, 1e300, {1, 0}},

    /* quotients: as IEEE has it */
    {"div", "vv", {1, 0}, INF, {INF, -INF}}, {"div", "vv", {-1, 0}, -INF, {INF, INF}}, {"div", "vv", {1, -0.}, -INF, {-INF, -INF}},
    {"div", "vv", {0, 0}, NAN, {INF, NAN}}, {"div", "vv", {1, INF}, 0, {0, 0}}, {"div", "vv", {0x1p-600, 0x1p500}, 0, {0x1p-500, 0}},
    {"div", "vv", {0x1p-300, 0x1p-600}, 0x1p300, {0x1p600, -0x1p900}},
    {"fmod", "vv", {5, 3}, 2, {1, -1}}, {"fmod", "vv", {6, 3}, 0, {1, -2}}, {"fmod", "vv", {-5, 3}, -2, {1, 1}}, {"fmod", "vv", {5, -3}, 2, {1, 1}},
    {"fmod", "vv", {5, 0}, NAN, {NAN, NAN}}, {"fmod", "vv", {5, INF}, 5, {1, 0}}, {"fmod", "vv", {INF, 3}, NAN, {NAN, NAN}},
    {"fmod", "vv", {0x1p1020, 0x1.8p-2}, .25, {1, -0x1.5555555555555p1021}},
    {"mod", "vv", {5, 3}, 2, {1, -1}}, {"mod", "vv", {6, 3}, 0, {1, -2}}, {"mod", "vv", {-5, 3}, 1, {1, 2}}, {"mod", "vv", {-6, 3}, 0, {1, 2}},
    {"mod", "vv", {5, -3}, -1, {1, 2}}, {"mod", "vv", {5, 0}, NAN, {NAN, NAN}}, {"mod", "vv", {5, INF}, 5, {1, 0}},
    {"mod", "vv", {0x1.8p1023, -0x1p1023}, -0x1p1022, {1, 2}}, {"mod", "vv", {-1e-20, 1}, 1, {1, 1}},

    /* sums and products; linear in each operand, so a slope may be finite where the value is NaN */
    {"sub", "vv", {INF, INF}, NAN, {1, -1}}, {"add", "vv", {INF, -INF}, NAN, {1, 1}}, {"mul", "vv", {0, INF}, NAN, {INF, 0}},
    {"neg", "v", {NAN}, NAN, {-1}}, {"mul", "vv", {1e200, 1e200}, INF, {1e200, 1e200}},

    /* lengths and angles */
    {"hypot", "vv", {0, 0}, 0, {0, 0}}, {"hypot", "vv", {3 * 0x1p600, 4 * 0x1p600}, 5 * 0x1p600, {.6, .8}},
    {"hypot", "vv", {3 * 0x1p-600, -4 * 0x1p-600}, 5 * 0x1p-600, {.6, -.8}}, {"hypot", "vv", {0, -2}, 2, {0, -1}}, {"hypot", "vv", {0, NAN}, NAN, {NAN, NAN}},
    {"atan2", "vv", {0, 0}, 0, {NAN, NAN}}, {"atan2", "vv", {0, 2}, 0, {.5, 0}}, {"atan2", "vv", {2, 0}, PI / 2, {0, -.5}},
    {"atan2", "vv", {0, 0x1p-600}, 0, {0x1p600, 0}}, {"atan2", "vv", {0, -1}, PI, {-1, 0}},
    {"asin", "v", {1}, PI / 2, {INF}}, {"asin", "v", {-1}, -PI / 2, {INF}}, {"asin", "v", {2}, NAN, {NAN}},
    {"acos", "v", {1}, 0, {-INF}}, {"acos", "v", {-1}, PI, {-INF}}, {"acos", "v", {-2}, NAN, {NAN}},
    {"atan", "v", {INF}, PI / 2, {0}}, {"atan", "v", {-INF}, -PI / 2, {0}}, {"atan", "v", {0x1p400}, PI / 2, {0x1p-800}},
    {"sin", "v", {INF}, NAN, {NAN}}, {"cos", "v", {-INF}, NAN, {NAN}}, {"tan", "v", {INF}, NAN, {NAN}}, {"cos", "v", {0}, 1, {0}},

    /* exponentials and their kin in the tails */
    {"exp", "v", {-INF}, 0, {0}}, {"exp", "v", {INF}, INF, {INF}}, {"exp", "v", {1000}, INF, {INF}}, {"exp2", "v", {3}, 8, {8 * LN2}},
    {"expm1", "v", {-INF}, -1, {0}}, {"expm1", "v", {0}, 0, {1}}, {"gauss", "v", {0}, 1, {0}}, {"gauss", "v", {100}, 0, {0}},
    {"sigmoid", "v", {0}, .5, {.25}}, {"sigmoid", "v", {INF}, 1, {0}}, {"sigmoid", "v", {-INF}, 0, {0}}, {"sigmoid", "v", {800}, 1, {0}},
    {"softplus", "v", {INF}, INF, {1}}, {"softplus", "v", {-INF}, 0, {0}}, {"softplus", "v", {0}, LN2, {.5}}, {"softplus", "v", {1e300}, 1e300, {1}},
    {"log_sigmoid", "v", {INF}, 0, {0}}, {"log_sigmoid", "v", {-INF}, -INF, {1}}, {"log_sigmoid", "v", {-1e300}, -1e300, {1}},
    {"tanh", "v", {INF}, 1, {0}}, {"tanh", "v", {-INF}, -1, {0}}, {"tanh", "v", {0}, 0, {1}}, {"tanh", "v", {-1000}, -1, {0}},
    {"sinh", "v", {-INF}, -INF, {INF}}, {"cosh", "v", {-INF}, INF, {-INF}}, {"cosh", "v", {0}, 1, {0}},
    {"asinh", "v", {INF}, INF, {0}}, {"acosh", "v", {1}, 0, {INF}}, {"acosh", "v", {.5}, NAN, {NAN}}, {"acosh", "v", {INF}, INF, {0}},
    {"atanh", "v", {1}, INF, {INF}}, {"atanh", "v", {-1}, -INF, {INF}}, {"atanh", "v", {2}, NAN, {NAN}},
    {"erf", "v", {INF}, 1, {0}}, {"erf", "v", {-INF}, -1, {0}}, {"erfc", "v", {INF}, 0, {0}}, {"erfc", "v", {-INF}, 2, {0}},

    /* gamma class at its poles */
    {"lgamma", "v", {0}, INF, {-INF}}, {"lgamma", "v", {-0.}, INF, {INF}}, {"lgamma", "v", {-2}, INF, {NAN}}, {"lgamma", "v", {INF}, INF, {INF}},
    {"tgamma", "v", {0}, INF, {-INF}}, {"tgamma", "v", {-0.}, -INF, {-INF}}, {"tgamma", "v", {-2}, NAN, {NAN}}, {"tgamma", "v", {INF}, INF, {INF}},
    {"digamma", "v", {0}, -INF, {INF}}, {"digamma", "v", {-2}, NAN, {INF}}, {"digamma", "v", {INF}, INF, {0}},
    {"polygamma", "vv", {1, 0}, INF, {0, -INF}}, {"polygamma", "vv", {1, INF}, 0, {0, 0}}, {"polygamma", "vv", {.5, 2}, NAN, {NAN, NAN}},
    {"polygamma", "vv", {1, NAN}, NAN, {NAN, NAN}},

    /* signs go by the sign bit */
    {"copysign", "vv", {2, -3}, -2, {-1, 0}}, {"copysign", "vv", {-2, -3}, -2, {1, 0}}, {"copysign", "vv", {2, -0.}, -2, {-1, 0}},
    {"copysign", "vv", {-0., 1}, 0, {-1, 0}}, {"copysign", "vv", {0, 1}, 0, {1, 0}}, {"copysign", "vv", {NAN, 1}, NAN, {NAN, NAN}},

    /* comparisons and choices: a NaN is unequal to all, and true */
    {"lt", "vv", {NAN, 1}, 0, {0, 0}}, {"le", "vv", {1, 1}, 1, {0, 0}}, {"gt", "vv", {1, NAN}, 0, {0, 0}}, {"ge", "vv", {-0., 0}, 1, {0, 0}},
    {"eq", "vv", {NAN, NAN}, 0, {0, 0}}, {"ne", "vv", {NAN, NAN}, 1, {0, 0}}, {"and", "vv", {NAN, 1}, 1, {0, 0}}, {"or", "vv", {0, -0.}, 0, {0, 0}},
    {"not", "v", {NAN}, 0, {0}}, {"not", "v", {-0.}, 1, {0}},
    {"where", "vvv", {1, 2, 3}, 2, {0, 1, 0}}, {"where", "vvv", {0, 2, 3}, 3, {0, 0, 1}}, {"where", "vvv", {-0., NAN, 3}, 3, {0, 0, 1}},
    {"where", "vvv", {.5, 2, NAN}, 2, {0, 1, 0}}, {"where", "cvv", {1, INF, NAN}, INF, {0, 1, 0}}, {"where", "vvv", {NAN, 2, 3}, 2, {0, 1, 0}},
    {"stop", "v", {2}, 2, {0}}, {"stop", "v", {NAN}, NAN, {0}},
};
/* clang-format on */

/* NaN equals NaN here, and 0 equals -0. */
static bool same(double x, double y) { return x == y || (isnan(x) && isnan(y)); }

static dz_var operand(dz_tape *t, char kind, double x, bool tensor) {
  const size_t two = 2;
  const double values[] = {x, x};
  const dz_role role = kind == 'v' ? DZ_ROLE_INPUT : DZ_ROLE_DATA;
  if (kind == 'c') return dz_num(x);
  return tensor ? dz_leaf_tensor(t, role, 1, &two, values) : dz_leaf(t, role, x);
}

static void check_row(const row *r, bool tensor) {
  const dz__fn fn = dz__fn_by_name(r->op, strlen(r->op));
  ck_assert_int_lt(fn, DZ__F_POINTWISE_END);
  const double one[] = {1, 1};
  const size_t two = 2;
  const int arity = dz__ops[fn].arity;
  dz_tape *t = dz_tape_new(NULL);
  dz_var x[3];
  ck_assert_uint_eq(strlen(r->kinds), (size_t)arity);
  for (int k = 0; k < arity; k++) x[k] = operand(t, r->kinds[k], r->x[k], tensor);
  const dz_var z = call[fn](x);
  const size_t n = tensor ? 2 : 1;
  ck_assert_uint_eq(dz_size(z), n);
  ck_assert_int_eq(dz_backward_with(z, tensor ? dz_leaf_tensor(t, DZ_ROLE_DATA, 1, &two, one) : dz_num(1)),
                   DZ_OK);
  for (size_t i = 0; i < n; i++) {
    ck_assert_msg(same(dz_values(z)[i], r->value), "%s(%g, %g, %g) is %g, not %g", r->op, r->x[0], r->x[1],
                  r->x[2], dz_values(z)[i], r->value);
    for (int k = 0; k < arity; k++) {
      const double *g = dz_adjoints(x[k]);
      ck_assert_int_eq(g != NULL, r->kinds[k] == 'v');
      ck_assert_msg(same(g ? g[i] : 0, r->slope[k]), "%s(%g, %g, %g) as %s: slope %d is %.17g, not %.17g",
                    r->op, r->x[0], r->x[1], r->x[2], tensor ? "tensors" : "scalars", k, g ? g[i] : 0,
                    r->slope[k]);
    }
  }
  dz_tape_free(t);
}

START_TEST(hard_points) {
  check_row(&rows[_i], false);
  check_row(&rows[_i], true);
}
END_TEST

/* Both zeros are equal, so that neither is beyond an end that is the other; relu's other branch is 0. */
START_TEST(signs_of_zeros) {
  static const struct {
    const char *op, *kinds;
    double x[3], value;
  } zeros[] = {{"relu", "v", {-0.}, 0.},
               {"clamp", "vcc", {-0., 0., 1}, -0.},
               {"clamp", "vcc", {0., -0., 1}, 0.},
               {"clamp", "vcc", {-0., -1, 0.}, -0.},
               {"clamp", "vcc", {0., -1, -0.}, 0.},
               {"clamp", "vcc", {-1, 0., -0.}, 0.},
               {"clamp", "vcc", {-1, -0., 0.}, -0.}};
  for (size_t i = 0; i < COUNT(zeros); i++)
    for (int tensor = 0; tensor < 2; tensor++) {
      const dz__fn fn = dz__fn_by_name(zeros[i].op, strlen(zeros[i].op));
      dz_tape *t = dz_tape_new(NULL);
      dz_var x[3];
      for (int k = 0; k < dz__ops[fn].arity; k++) x[k] = operand(t, zeros[i].kinds[k], zeros[i].x[k], tensor);
      const double z = dz_values(call[fn](x))[0];
      ck_assert_msg(z == 0 && !signbit(z) == !signbit(zeros[i].value), "row %zu: %g", i, z);
      dz_tape_free(t);
    }
}
END_TEST

/* An operand that is NaN and makes the value NaN has no finite slope, unless the operation is linear in it.
 */
START_TEST(nan_in_nan_slope) {
  static const char *const linear[] = {"neg", "add", "sub", "mul", "div", "xlogy", "where", "stop"};
  const dz__op *op = &dz__ops[_i];
  for (size_t i = 0; i < sizeof linear / sizeof *linear; i++)
    if (strcmp(op->name, linear[i]) == 0) return;
  for (int k = 0; k < op->arity; k++) {
    dz_tape *t = dz_tape_new(NULL);
    dz_var x[3];
    for (int j = 0; j < op->arity; j++) x[j] = dz_input(t, j == k ? NAN : 1);
    const dz_var z = call[_i](x);
    ck_assert_int_eq(dz_backward(z), DZ_OK);
    for (int j = 0; j < op->arity; j++)
      ck_assert_msg(!isnan(dz_value(z)) || isnan(dz_adjoint(x[j])), "%s of NaN as operand %d: slope %d is %g",
                    op->name, k, j, dz_adjoint(x[j]));
    dz_tape_free(t);
  }
}
END_TEST

/* ---- structural zeros carry nothing, numeric ones meet infinity honestly ---- */

typedef struct expression {
  const char *what;
  dz_var (*f)(dz_var x);
  double x, slope;
} expression;

static dz_var guarded_sqrt(dz_var x) { return dz_where(dz_gt(x, 0), dz_sqrt(x), 0); }
static dz_var guarded_log(dz_var x) { return dz_where(dz_le(x, 0), 7, dz_mul(x, dz_log(x))); }
static dz_var sinc(dz_var x) { return dz_where(dz_eq(x, 0), 1, dz_div(dz_sin(x), x)); }
static dz_var root_squared(dz_var x) { return dz_mul(dz_sqrt(x), dz_sqrt(x)); }
static dz_var zero_times_root(dz_var x) { return dz_mul(0, dz_sqrt(x)); }
static dz_var relu_of_log(dz_var x) { return dz_relu(dz_log(x)); }
static dz_var abs_of_root(dz_var x) { return dz_fabs(dz_sqrt(x)); }
static dz_var clamped_log(dz_var x) { return dz_clamp(dz_log(x), -1, 1); }
static dz_var max_with_nan(dz_var x) { return dz_fmax(dz_log(x), x); }
static dz_var floor_of_quotient(dz_var x) { return dz_floor(dz_div(1, x)); }
static dz_var stopped_root(dz_var x) { return dz_add(x, dz_stop(dz_sqrt(x))); }
static dz_var unused_quotient(dz_var x) { return (void)dz_div(1, x), dz_mul(x, 3); }
static dz_var nested(dz_var x) {
  const dz_var inner = dz_where(dz_gt(x, 0), dz_sqrt(x), x);
  return dz_where(dz_ge(x, 0), dz_mul(inner, 2), dz_pow(x, .5));
}
static dz_var guarded_product(dz_var x) { return dz_mul(guarded_sqrt(x), dz_sqrt(dz_add(x, 4))); }

static const expression expressions[] = {
    {"where(x > 0, sqrt(x), 0)", guarded_sqrt, 0, 0},
    {"where(x > 0, sqrt(x), 0)", guarded_sqrt, -1, 0},
    {"where(x > 0, sqrt(x), 0)", guarded_sqrt, 4, .25},
    {"where(x > 0, sqrt(x), 0)", guarded_sqrt, NAN, 0},
    {"where(x <= 0, 7, x log x)", guarded_log, 0, 0},
    {"where(x <= 0, 7, x log x)", guarded_log, -1, 0},
    {"where(x <= 0, 7, x log x)", guarded_log, 1, 1},
    {"where(x == 0, 1, sin(x) / x)", sinc, 0, 0},
    {"sqrt(x) sqrt(x)", root_squared, 0, NAN},
    {"sqrt(x) sqrt(x)", root_squared, 4, 1},
    {"0 sqrt(x)", zero_times_root, 0, NAN},
    {"relu(log(x))", relu_of_log, 0, 0},
    {"abs(sqrt(x))", abs_of_root, 0, 0},
    {"clamp(log(x), -1, 1)", clamped_log, 0, 0},
    {"max(log(x), x)", max_with_nan, -1, 1},
    {"floor(1 / x)", floor_of_quotient, 0, 0},
    {"x + stop(sqrt(x))", stopped_root, 0, 1},
    {"3 x beside 1 / x", unused_quotient, 0, 3},
    {"nested where", nested, 0, 2},
    {"nested where", nested, 4, .5},
    {"nested where", nested, -1, NAN},
    {"where(x > 0, sqrt(x), 0) sqrt(x + 4)", guarded_product, 0, 0},
};

START_TEST(zeros_in_scalars) {
  const expression *e = &expressions[_i];
  dz_tape *t = dz_tape_new(NULL);
  const dz_var x = dz_input(t, e->x), y = e->f(x);
  for (int turn = 0; turn < 2; turn++) {
    ck_assert_int_eq(dz_backward(y), DZ_OK);
    ck_assert_msg(same(dz_adjoint(x), e->slope), "%s at %g: %g, not %g", e->what, e->x, dz_adjoint(x),
                  e->slope);
  }
  dz_tape_free(t);
}
END_TEST

/* One tensor of all points of an expression, so that the hard ones stand beside others. */
START_TEST(zeros_in_tensors) {
  const expression *e = &expressions[_i];
  const size_t n = 3, last = sizeof expressions / sizeof *expressions - 1;
  const double one[] = {1, 1, 1};
  double at[3], slope[3];
  for (size_t i = 0; i < n; i++) { /* its neighbours in the list where they are the same expression */
    const size_t j = (size_t)_i + i - (i > 0 && ((size_t)_i + i > last || e[i].f != e->f) ? i : 0);
    at[i] = expressions[j].x;
    slope[i] = expressions[j].slope;
  }
  dz_tape *t = dz_tape_new(NULL);
  const dz_var x = dz_leaf_tensor(t, DZ_ROLE_INPUT, 1, &n, at), y = e->f(x);
  ck_assert_int_eq(dz_backward_with(y, dz_leaf_tensor(t, DZ_ROLE_DATA, 1, &n, one)), DZ_OK);
  for (size_t i = 0; i < n; i++)
    ck_assert_msg(same(dz_adjoints(x)[i], slope[i]), "%s at %g, element %zu: %g, not %g", e->what, at[i], i,
                  dz_adjoints(x)[i], slope[i]);
  dz_tape_free(t);
}
END_TEST

/* max(x, x) has slope 1; a seed of 0 is a number, not a branch. */
START_TEST(ties_with_itself_and_seeds_of_zero) {
  dz_tape *t = dz_tape_new(NULL);
  const dz_var x = dz_input(t, 3), y = dz_fmax(x, x), z = dz_fmin(x, x), zero = dz_input(t, 0),
               root = dz_sqrt(zero);
  ck_assert_int_eq(dz_backward(y), DZ_OK);
  ck_assert_double_eq(dz_adjoint(x), 1);
  ck_assert_int_eq(dz_backward(z), DZ_OK);
  ck_assert_double_eq(dz_adjoint(x), 1);
  ck_assert_int_eq(dz_backward_with(root, 0), DZ_OK);
  ck_assert(isnan(dz_adjoint(zero)));
  dz_tape_free(t);
}
END_TEST

SUITE(EACH(hard_points, COUNT(rows)), ONCE(signs_of_zeros), EACH(nan_in_nan_slope, DZ__F_POINTWISE_END),
      EACH(zeros_in_scalars, COUNT(expressions)), EACH(zeros_in_tensors, COUNT(expressions)),
      ONCE(ties_with_itself_and_seeds_of_zero))
