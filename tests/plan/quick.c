/* Plans with SLEEF's functions against __float128, values and slopes, in ULPs. */
#include "suite.h"

#if defined HAVE_QUADMATH
#include "dz/dz.h"
#include "plan/plan.h"

#include "../dice.h"
#include "../quad.h"

#include <float.h>

typedef quad function(quad x);

static quad exp2_slope(quad x) { return exp2q(x) * logq(2); }
static quad log_slope(quad x) { return x < 0 ? nanq("") : 1 / x; }
static quad log2_slope(quad x) { return log_slope(x) / logq(2); }
static quad log10_slope(quad x) { return log_slope(x) / logq(10); }
static quad log1p_slope(quad x) { return log_slope(1 + x); }
static quad cbrt_slope(quad x) { return 1 / (3 * cbrtq(x) * cbrtq(x)); }
static quad cos_slope(quad x) { return -sinq(x); }
static quad tan_slope(quad x) { return 1 / (cosq(x) * cosq(x)); }
static quad asin_slope(quad x) { return 1 / sqrtq((1 - x) * (1 + x)); }
static quad acos_slope(quad x) { return -asin_slope(x); }
static quad atan_slope(quad x) { return 1 / (1 + x * x); }
static quad tanh_slope_of(quad x) { return 1 / (coshq(x) * coshq(x)); }
static quad atanh_slope(quad x) { return fabsq(x) > 1 ? nanq("") : 1 / ((1 - x) * (1 + x)); }
static quad erf_slope(quad x) { return 2 / sqrtq(quad_pi()) * quad_gauss(x); }
static quad erfc_slope(quad x) { return -erf_slope(x); }
static quad sigmoid_slope(quad x) { return quad_sigmoid(x) * quad_sigmoid(-x); }
static quad log_sigmoid_of(quad x) { return -quad_softplus(-x); }
static quad log_sigmoid_slope(quad x) { return quad_sigmoid(-x); }

/* `ulp`: of the value. Of the slope 4. */
static const struct row {
  const char *name;
  dz_var (*record)(dz_var x);
  function *value, *slope;
  double ulp;
} row[] = {
    {"exp", (dz_exp), expq, expq, 1},
    {"exp2", (dz_exp2), exp2q, exp2_slope, 1},
    {"expm1", (dz_expm1), expm1q, expq, 1},
    {"log", (dz_log), logq, log_slope, 1},
    {"log2", (dz_log2), log2q, log2_slope, 1},
    {"log10", (dz_log10), log10q, log10_slope, 1},
    {"log1p", (dz_log1p), log1pq, log1p_slope, 1},
    {"cbrt", (dz_cbrt), cbrtq, cbrt_slope, 1},
    {"sin", (dz_sin), sinq, cosq, 1},
    {"cos", (dz_cos), cosq, cos_slope, 1},
    {"tan", (dz_tan), tanq, tan_slope, 1},
    {"asin", (dz_asin), asinq, asin_slope, 1},
    {"acos", (dz_acos), acosq, acos_slope, 1},
    {"atan", (dz_atan), atanq, atan_slope, 1},
    {"tanh", (dz_tanh), tanhq, tanh_slope_of, 1},
    {"atanh", (dz_atanh), atanhq, atanh_slope, 1},
    {"erf", (dz_erf), erfq, erf_slope, 1},
    {"erfc", (dz_erfc), erfcq, erfc_slope, 1.5},
    {"sigmoid", (dz_sigmoid), quad_sigmoid, sigmoid_slope, 2},
    {"softplus", (dz_softplus), quad_softplus, quad_sigmoid, 2},
    {"log_sigmoid", (dz_log_sigmoid), log_sigmoid_of, log_sigmoid_slope, 2},
};

/* Half log-uniform over all magnitudes; then where exponentials matter, around 1, and what is special. */
static double point(void) {
  static const double special[] = {0, INFINITY, NAN, 5e-324, 1e-310, DBL_MIN, DBL_MAX, 1, 1e307, 1.1e307};
  const double sign = dice() & 1 ? 1 : -1;
  switch (dice() % 8) {
  case 0:
    return sign * special[dice() % COUNT(special)];
  case 1:
  case 2:
    return sign * uniform(0, 20);
  case 3:
    return sign * (1 + uniform(-1, 1) * ldexp(1, -(int)(dice() % 52)));
  default:
    return sign * exp(uniform(-690, 690));
  }
}

/* A build without SLEEF has libm, whose cbrt is within 4. */
static void compare(const struct row *r, double x, double value, double slope, bool sleef) {
  const double most = sleef ? r->ulp + 0x1p-10 : 4;
  const double off = quad_error(value, r->value(x), r->value(x));
  ck_assert_msg(off <= most, "%s(%.17g) is %.17g: off by %g ULP", r->name, x, value, off);
  if (!(fabs(value) < INFINITY)) return; /* at poles and beyond overflow: boundaries, tested as such */
  const double slope_off = quad_error(slope, r->slope(x), r->slope(x));
  ck_assert_msg(slope_off <= 4, "%s'(%.17g) is %.17g: off by %g ULP", r->name, x, slope, slope_off);
}

static dz__machine *machine_of(dz__isa isa) {
#if defined(DZ_SLEEF)
  return isa == DZ__BASE ? dz__run_quick : isa == DZ__AVX2 ? dz__run_quick_avx2 : dz__run_quick_avx512;
#else
  return dz__machine_quick();
#endif
}

START_TEST(each_function) {
  const struct row *r = &row[_i];
  enum { N = SANITIZED ? 2000 : 20000 };
  static double x[N], value[N], slope[N];
  dz_tape *t = dz_tape_new(NULL);
  dz_var in = dz_input(t, 0.5), y = r->record(in);
  dz_plan *p = dz_plan_new(1, &y, 1, &in, &(dz_plan_options){.map = true, .quick = true}, NULL);
  ck_assert_ptr_nonnull(p);
  dz_tape_free(t);
  void *work = malloc(dz_plan_map_memory(p));
  ck_assert_ptr_nonnull(work);
  for (int k = 0; k < N; k++) x[k] = point();
  /* On every kind of processor that is here; a plan is made for the newest. */
  for (dz__isa isa = DZ__BASE; isa <= dz__machine_isa(dz__machine_quick()); isa++) {
    p->lanes = machine_of(isa);
    ck_assert_int_eq(dz_plan_map(p, N, x, value, slope, work), DZ_OK);
    for (int k = 0; k < N; k++) compare(r, x[k], value[k], slope[k], dz__machine_is_quick(p->lanes));
  }
  free(work);
  dz_plan_free(p);
}
END_TEST

/* A loop found in a recorded tape gives what the map gives for each of its lanes. */
START_TEST(loops_are_quick_too) {
  enum { N = 100 };
  dz_tape *t = dz_tape_new(NULL);
  dz_var in[N], one = dz_input(t, 0), sum = dz_num(0), y = dz_exp(dz_sin(one));
  double x[N], gradient[N], slope[N];
  for (int k = 0; k < N; k++) {
    x[k] = uniform(-20, 20);
    in[k] = dz_input(t, x[k]);
    sum = dz_add(sum, dz_exp(dz_sin(in[k])));
  }
  const dz_plan_options o = {.map = true, .quick = true};
  dz_plan *p = dz_plan_new(1, &sum, N, in, &o, NULL), *q = dz_plan_new(1, &y, 1, &one, &o, NULL);
  ck_assert(p && q && dz_plan_facts_of(p).loops == 1);
  void *work = malloc(dz_plan_memory(p)), *other = malloc(dz_plan_map_memory(q));
  ck_assert(work && other);
  ck_assert_int_eq(dz_plan_run(p, x, NULL, gradient, work), DZ_OK);
  ck_assert_int_eq(dz_plan_map(q, N, x, NULL, slope, other), DZ_OK);
  for (int k = 0; k < N; k++) ck_assert(gradient[k] == slope[k]);
  free(work);
  free(other);
  dz_plan_free(p);
  dz_plan_free(q);
  dz_tape_free(t);
}
END_TEST

SUITE(EACH(each_function, COUNT(row)), ONCE(loops_are_quick_too))
#else
SUITE_SKIPPED("this compiler has no quadmath.h")
#endif
