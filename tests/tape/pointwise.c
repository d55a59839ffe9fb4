/* Every row of pointwise.def through the public interface: slopes against differences in __float128. */
#include "suite.h"

#if defined HAVE_QUADMATH
#include "dz/sweep.h"
#include "ops/op.h"

#include "calls.h"
#include "dice.h"
#include "oracle.h"

#include <float.h>

static bool is(const dz__op *op, const char *names) { return oracle_listed(op->name, names); }

/* An order that must be a whole number: no slope, and no arithmetic on the way to it. */
static bool is_order(const dz__op *op, int k) { return is(op, "polygamma") && k == 0; }

/* ---- points ---- */

static double log_uniform(double low, double high) {
  return copysign(pow(10, uniform(low, high)), uniform(-1, 1));
}

/* Inside the row's sample domain. */
static void near_point(const dz__op *op, double *at) {
  for (int k = 0; k < op->arity; k++) {
    at[k] = uniform(op->low, op->high);
    if (is_order(op, k)) at[k] = round(at[k]);
  }
}

/* Anywhere: of all sizes, or of like sizes. Where __float128 itself would not tell the fraction from the
 * whole, up to 1e6. */
static void far_point(const dz__op *op, double *at, int turn) {
  const bool small = is(op, "sin cos tan floor ceil round trunc fmod mod");
  const double size = turn % 3 == 0 ? uniform(-300, small ? 0 : 300) : 0, range = turn % 3 == 2 ? 300 : 6;
  for (int k = 0; k < op->arity; k++) {
    at[k] = log_uniform(size - range, size + (small ? 6 : range));
    if (is(op, "lgamma tgamma digamma polygamma") && at[k] < 0) at[k] = uniform(-30, 0);
    if (is_order(op, k)) at[k] = floor(uniform(0, 6));
  }
}

/* ---- one point ---- */

/* y = outer op(slope[0] u[0] + shift[0], …), swept with `seed`. */
static const double outer = 3.7, seed = 2.5, slope[] = {1.3, -.7, 1.9}, shift[] = {.2, -.4, .1};

typedef struct trial {
  double at[3]; /* the operands, as they came out of the inner arithmetic */
  double value, gradient[3];
} trial;

/* The operands are near `at`, and without the shift when they are far (where it would swallow them). */
static trial run(dz__fn fn, const double *at, bool far) {
  const dz__op *op = &dz__ops[fn];
  dz_tape *t = dz_tape_new(NULL);
  dz_var u[3], x[3];
  trial r = {.value = NAN};
  for (int k = 0; k < op->arity; k++) {
    const double add = far ? 0 : shift[k];
    u[k] = dz_input(t, is_order(op, k) ? at[k] : (at[k] - add) / slope[k]);
    x[k] = is_order(op, k) ? u[k] : far ? dz_mul(slope[k], u[k]) : dz_add(dz_mul(slope[k], u[k]), add);
  }
  const dz_var z = call[fn](x), y = dz_mul(outer, z);
  for (int k = 0; k < op->arity; k++) r.at[k] = dz_value(x[k]);
  r.value = dz_value(z);
  ck_assert_int_eq(dz_backward_with(y, seed), DZ_OK);
  for (int k = 0; k < op->arity; k++) r.gradient[k] = dz_adjoint(u[k]);
  dz_tape_free(t);
  return r;
}

static const quad unit = 0x1p-53;

/* The promise: 4 ULP for a partial, 8 in the gamma class; an ULP is 2 u at most. */
static double promised(const dz__op *op) { return is(op, "lgamma tgamma digamma polygamma") ? 8 : 4; }

/* For negative arguments the gamma class is judged at the scale of what its slopes are differences of. */
static quad local_scale(const dz__op *op, const double *at, quad value) {
  quad scale = 0;
  const double x = at[op->arity - 1];
  if (promised(op) == 8 && x < 0) {
    quad_polygamma(is(op, "digamma") ? 1 : is(op, "polygamma") ? (int)at[0] + 1 : 0, x, &scale);
    if (is(op, "tgamma")) scale *= value;
  }
  return fabsq(scale);
}

/* Beyond this the table's formula for the slope of logaddexp rounds x - y first. */
static double rounded_difference(const dz__op *op, const double *at) {
  return is(op, "logaddexp") && fmax(fabs(at[0]), fabs(at[1])) >= 350 ? fmin(fabs(at[0] - at[1]), 800) : 0;
}

typedef struct tally {
  int tried, judged;
  double worst; /* in ULPs of the partial, the rest of the bound being taken off */
} tally;

/* The gradient of y is seed outer slope partial: three roundings besides the partial's error. */
static void judge(const dz__op *op, const trial *r, int k, quad value, tally *sum) {
  if (is(op, "pow") && k == 1 && r->at[0] < 0) return; /* NaN: see boundaries.c */
  const oracle_slope exact = oracle_differentiate(op->name, op->arity, k, r->at);
  const quad factor = (quad)seed * outer * (is_order(op, k) ? 1 : slope[k]);
  const quad want = is_order(op, k) ? 0 : factor * exact.slope;
  const quad scale = quad_max(fabsq(want), fabsq(factor) * local_scale(op, r->at, value));
  if (!is_order(op, k) && exact.error > 1e-20 * quad_max(fabsq(exact.slope), scale))
    ck_abort_msg("%s: no oracle at %a, %a, %a for operand %d: %g ± %g", op->name, r->at[0], r->at[1],
                 r->at[2], k, (double)exact.slope, (double)exact.error);
  if (scale > 1e307) return; /* overflow, perhaps on the way */
  sum->judged++;
  /* A subnormal value is off by up to 2^-1074, and slopes are made of it. */
  const quad loss = value != 0 && fabsq(value) < DBL_MIN ? fabsq(want / value) : 0;
  const quad tiny = (64 + 2 * loss) * ldexpq(1, -1074), off = fabsq((quad)r->gradient[k] - want);
  const quad ulps =
      off <= tiny ? 0 : ((off - tiny) / (scale * unit) - 3.01 - rounded_difference(op, r->at)) / 2;
  if (!(ulps <= promised(op)))
    ck_abort_msg("%s: slope %d at %a, %a, %a: %.17g instead of %.17g, %g ULP", op->name, k, r->at[0],
                 r->at[1], r->at[2], r->gradient[k], (double)want, (double)ulps);
  if (ulps > sum->worst) sum->worst = (double)ulps;
}

static bool ordinary(quad value) { return value == 0 || (fabsq(value) > 1e-290 && fabsq(value) < 1e290); }

static void try_point(dz__fn fn, const double *at, bool far, tally *sum) {
  const dz__op *op = &dz__ops[fn];
  const trial r = run(fn, at, far);
  const quad x[3] = {r.at[0], r.at[1], r.at[2]}, value = oracle_value(op->name, op->arity, x);
  sum->tried++;
  if (isnanq(value) && !far) ck_abort_msg("no oracle for %s: write one in tests/tape/oracle.h", op->name);
  if (isnanq(value) || fabsq(value) > 1e307 || (op->arity > 1 && !ordinary(value))) return;
  if (is(op, "pow") && value == 0) return;
  if (is(op, "fmod mod") && fabs(r.at[0] / r.at[1]) > 1e6) return;
  for (int k = 0; k < op->arity; k++) judge(op, &r, k, value, sum);
}

START_TEST(slopes) {
  const dz__fn fn = (dz__fn)_i;
  const dz__op *op = &dz__ops[fn];
  tally near = {0}, far = {0};
  double at[3] = {0};
  state = 0x9e3779b97f4a7c15u + (uint64_t)fn;
  for (int turn = 0; turn < 60; turn++) {
    near_point(op, at);
    try_point(fn, at, false, &near);
  }
  for (int turn = 0; turn < EFFORT(150, 60); turn++) {
    far_point(op, at, turn);
    try_point(fn, at, true, &far);
  }
  printf("%-12s worst %.2f ULP in its domain, %.2f ULP at %d far slopes\n", op->name, near.worst, far.worst,
         far.judged);
  ck_assert_int_eq(near.judged, near.tried * op->arity);
  ck_assert_int_ge(far.judged, EFFORT(12, 4));
}
END_TEST

/* ---- the same operation with other kinds of operands ---- */

enum { ACTIVE, NUMBER, DATA };

/* z = op of leaves, of which kind[k] says what they are; swept with seed g. */
static trial run_kinds(dz__fn fn, const double *at, const int *kind, double g) {
  const int arity = dz__ops[fn].arity;
  dz_tape *t = dz_tape_new(NULL);
  dz_var x[3];
  trial r = {.value = NAN};
  for (int k = 0; k < arity; k++)
    x[k] = kind[k] == NUMBER ? dz_num(at[k]) : kind[k] == DATA ? dz_data(t, at[k]) : dz_input(t, at[k]);
  const dz_var z = call[fn](x);
  bool active = false;
  for (int k = 0; k < arity; k++) active = active || kind[k] == ACTIVE;
  ck_assert_int_eq(dz_is_active(z), active && fn != DZ__F_stop);
  r.value = dz_value(z);
  if (!dz_is_number(z)) ck_assert_int_eq(dz_backward_with(z, g), DZ_OK);
  for (int k = 0; k < arity; k++) {
    ck_assert_int_eq(dz_adjoint_state_of(x[k]), kind[k] == ACTIVE ? DZ_ADJOINT_READY : DZ_ADJOINT_INACTIVE);
    r.gradient[k] = dz_adjoint(x[k]);
  }
  dz_tape_free(t);
  return r;
}

/* The value, and each slope that is asked for, do not depend on what the other operands are (but at a tie).
 */
START_TEST(kinds_of_operands) {
  const dz__fn fn = (dz__fn)_i;
  const dz__op *op = &dz__ops[fn];
  const int all_active[3] = {ACTIVE, ACTIVE, ACTIVE}, kinds = op->arity == 1 ? 3 : op->arity == 2 ? 9 : 27;
  double at[3] = {0};
  state = 0x2545f4914f6cdd1du + (uint64_t)fn;
  for (int turn = 0; turn < 10; turn++) {
    near_point(op, at);
    const trial want = run_kinds(fn, at, all_active, seed);
    for (int code = 1; code < kinds; code++) {
      const int kind[3] = {code % 3, code / 3 % 3, code / 9};
      const trial got = run_kinds(fn, at, kind, seed);
      ck_assert_double_eq(got.value, want.value);
      for (int k = 0; k < op->arity; k++)
        ck_assert_double_eq(got.gradient[k], kind[k] == ACTIVE ? want.gradient[k] : 0);
    }
  }
}
END_TEST

/* op(x, x): the slopes add up, here to the slope of the function of one variable that it is. */
START_TEST(repeated_operands) {
  const dz__fn fn = (dz__fn)_i;
  const dz__op *op = &dz__ops[fn];
  if (op->arity != 2 || is(op, "polygamma")) return;
  state = 0x9e6c63d0676a9a99u + (uint64_t)fn;
  for (int turn = 0; turn < 20; turn++) {
    const double x = uniform(op->low, op->high), at[2] = {x, x};
    dz_tape *t = dz_tape_new(NULL);
    const dz_var u = dz_input(t, x), both[2] = {u, u}, y = dz_mul(outer, call[fn](both));
    ck_assert_int_eq(dz_backward_with(y, seed), DZ_OK);
    const oracle_slope exact = oracle_differentiate(op->name, 2, ORACLE_ALL, at);
    ck_assert(exact.error <= 1e-20 * quad_max(1, fabsq(exact.slope)));
    /* Each part errs by 4 ULP and three roundings at most; at a tie they are 1 and 1, or 1/2 and 1/2. */
    quad parts = 0;
    for (int k = 0; k < 2; k++) {
      const oracle_slope part = oracle_differentiate(op->name, 2, k, at);
      parts += part.error <= 1e-20 ? fabsq(part.slope) : 1;
    }
    const quad off = fabsq(dz_adjoint(u) - (quad)seed * outer * exact.slope);
    ck_assert_msg(off <= 11.01 * unit * seed * outer * parts, "%s(x, x) at %a: %g instead of %g", op->name, x,
                  dz_adjoint(u), (double)(seed * outer * exact.slope));
    dz_tape_free(t);
  }
}
END_TEST

/* ---- tensors ---- */

/* Operand k has this many elements: 6 as [2, 3], 3 as [3], 1 as a scalar, 0 as a plain number. */
typedef struct layout {
  int count[3];
} layout;

static size_t element(int count, size_t i) { return count == 6 ? i : count == 3 ? i % 3 : 0; }

static dz_var leaf_of(dz_tape *t, dz_role role, int count, const double *values) {
  const size_t dims[] = {2, 3};
  if (count == 0) return dz_num(values[0]);
  return count == 1 ? dz_leaf(t, role, values[0])
                    : dz_leaf_tensor(t, role, count / 3, dims + (count == 3), values);
}

/* Value and slopes of a tensor operation are those of its elements taken as scalars, to the bit; where a
   broadcast adds n of them, each order of adding errs by (n - 1) u times the sum of their sizes at most. */
static void check_layout(dz__fn fn, layout l) {
  const int arity = dz__ops[fn].arity;
  double values[3][6] = {{0}}, at[3] = {0}, sum[3][6] = {{0}}, size[3][6] = {{0}}, seeds[6];
  int kind[3], most = 1;
  for (int i = 0; i < 6; i++) {
    near_point(&dz__ops[fn], at);
    for (int k = 0; k < arity; k++) values[k][i] = at[k];
    seeds[i] = uniform(-2, 2);
  }
  dz_tape *t = dz_tape_new(NULL);
  dz_var x[3];
  for (int k = 0; k < arity; k++) {
    x[k] = leaf_of(t, DZ_ROLE_INPUT, l.count[k], values[k]);
    kind[k] = l.count[k] ? ACTIVE : NUMBER;
    most = l.count[k] > most ? l.count[k] : most;
  }
  const dz_var z = call[fn](x);
  ck_assert_uint_eq(dz_size(z), (size_t)most);
  for (size_t i = 0; i < (size_t)most; i++) {
    for (int k = 0; k < arity; k++) at[k] = values[k][element(l.count[k], i)];
    const trial one = run_kinds(fn, at, kind, seeds[i]);
    ck_assert_double_eq(dz_values(z)[i], one.value);
    for (int k = 0; k < arity; k++) {
      sum[k][element(l.count[k], i)] += one.gradient[k];
      size[k][element(l.count[k], i)] += fabs(one.gradient[k]);
    }
  }
  ck_assert_int_eq(dz_backward_with(z, leaf_of(t, DZ_ROLE_DATA, most, seeds)), DZ_OK);
  for (int k = 0; k < arity; k++)
    for (int i = 0; i < l.count[k]; i++) {
      const double got = dz_adjoints(x[k])[i], n = most / l.count[k];
      ck_assert_msg(fabs(got - sum[k][i]) <= 2 * (n - 1) * 0x1p-53 * size[k][i],
                    "%s: operand %d, element %d: %a instead of %a", dz__ops[fn].name, k, i, got, sum[k][i]);
    }
  dz_tape_free(t);
}

START_TEST(tensors) {
  static const layout by_arity[3][8] = {
      {{{3}}, {{6}}},
      {{{3, 3}}, {{6, 6}}, {{6, 3}}, {{3, 6}}, {{6, 1}}, {{1, 6}}, {{6, 0}}, {{0, 3}}},
      {{{6, 3, 1}},
       {{1, 6, 3}},
       {{3, 1, 6}},
       {{6, 6, 6}},
       {{6, 0, 0}},
       {{0, 3, 3}},
       {{1, 1, 3}},
       {{6, 3, 0}}}};
  const dz__fn fn = (dz__fn)_i;
  const layout *l = by_arity[dz__ops[fn].arity - 1];
  state = 0x6c078965u + (uint64_t)fn;
  for (int i = 0; i < 8 && l[i].count[0] + l[i].count[1] > 0; i++) check_layout(fn, l[i]);
}
END_TEST

SUITE(EACH(slopes, DZ__F_POINTWISE_END), EACH(kinds_of_operands, DZ__F_POINTWISE_END),
      EACH(repeated_operands, DZ__F_POINTWISE_END), EACH(tensors, DZ__F_POINTWISE_END))
#else
SUITE_SKIPPED("this compiler has no quadmath.h")
#endif
