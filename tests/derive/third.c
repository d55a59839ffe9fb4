/* Third derivatives of every smooth operation of pointwise.def, as graphs and as simplified formulas, against
   differences of the operation's values in __float128. Each is judged by the error that rounding can have
   made in its own graph: 8 u |z| for each operation, carried through by the partials. */
#include "suite.h"

#if defined HAVE_QUADMATH
#include "derive/term.h"
#include "dz/derive.h"

#include "../tape/oracle.h"
#include "dice.h"
#include "rounding.h"

static bool is(dz__fn fn, const char *names) { return oracle_listed(dz__ops[fn].name, names); }

/* polygamma's order is a whole number: the operation is one of y. */
static int first_operand(dz__fn fn) { return is(fn, "polygamma") ? 1 : 0; }
static bool is_smooth(dz__fn fn) { return dz__is_smooth_fn(fn) || is(fn, "polygamma"); }

/* ---- the oracle ---- */

/* Weights of central differences of order 0 to 3 at -2 … 2 steps: of the operand to the power h^order, with
   errors in h^2, h^4, … */
static const double weights[4][5] = {
    {0, 0, 1, 0, 0}, {0, -.5, 0, .5, 0}, {0, 1, -2, 1, 0}, {-.5, 1, 0, -1, .5}};

typedef struct place {
  dz__fn fn;
  double at[2];
  int order[2];
} place;

static quad difference(const place *p, quad h, quad *size) {
  const dz__op *op = &dz__ops[p->fn];
  quad sum = 0, steps = 1, v[3] = {0, 0, 0};
  *size = 0;
  for (int k = 0; k < p->order[0] + p->order[1]; k++) steps *= h;
  for (int i = 0; i < 5; i++)
    for (int j = 0; j < 5; j++) {
      const double w = weights[p->order[0]][i] * weights[p->order[1]][j];
      if (w == 0) continue;
      v[0] = p->at[0] + (i - 2) * h;
      v[1] = p->at[1] + (j - 2) * h;
      const quad z = oracle_value(op->name, op->arity, v);
      sum += w * z;
      *size += fabsq(w * z);
    }
  *size /= fabsq(steps);
  return sum / steps;
}

/* Romberg's scheme, as oracle_extrapolate. The error: how far the last two columns of the best row differ,
   and the noise of the values, which are off by 2^-108 at most, times the sum of the scheme's weights (below
   2). */
static oracle_slope extrapolate(const place *p, quad h) {
  enum { LEVELS = 11 };
  oracle_slope best = {0, HUGE_VALQ};
  quad row[LEVELS], size;
  for (int j = 0; j < LEVELS; j++, h /= 2) {
    quad d = difference(p, h, &size), factor = 4;
    if (isnanq(d) || isinfq(d)) return (oracle_slope){0, HUGE_VALQ};
    for (int m = 0; m < j; m++, factor *= 4) {
      const quad better = d + (d - row[m]) / (factor - 1);
      row[m] = d;
      d = better;
    }
    const quad error = j == 0 ? HUGE_VALQ : fabsq(d - row[j - 1]) + ldexpq(size, -107);
    row[j] = d;
    if (error < best.error) best = (oracle_slope){d, error};
  }
  return best;
}

static oracle_slope third(const place *p) {
  oracle_slope best = {0, HUGE_VALQ};
  const dz__op *op = &dz__ops[p->fn];
  quad reach = HUGE_VALQ;
  for (int k = 0; k < op->arity; k++)
    if (p->order[k]) reach = fminq(reach, (quad)oracle_reach(op->name, k, p->at));
  for (int j = 3; j < 7; j++) {
    const oracle_slope d = extrapolate(p, ldexpq(reach, -j));
    if (d.error < best.error) best = d;
  }
  return best;
}

/* ---- one derivative ---- */

static double worst; /* the largest bound, relative to the derivative or the value */

static void judge(const place *p, const char *what, dz_var y, oracle_slope exact) {
  const dz__op *op = &dz__ops[p->fn];
  const quad off = fabsq((quad)dz_value(y) - exact.slope);
  const double bound = 1.01 * rounding(y);
  if (!(off <= bound + exact.error))
    ck_abort_msg("%s at %a, %a, %s d%d d%d: %.17g instead of %.17g, off by %g, %g by rounding", op->name,
                 p->at[0], p->at[1], what, p->order[0], p->order[1], dz_value(y), (double)exact.slope,
                 (double)off, bound);
  const quad v[3] = {p->at[0], p->at[1], 0};
  const double scale = (double)quad_max(fabsq(exact.slope), fabsq(oracle_value(op->name, op->arity, v)));
  worst = fmax(worst, bound / scale);
}

static dz_var derived(dz_var z, const dz_var *x, const int *order, bool simplify) {
  for (int k = 0; k < 2; k++)
    for (int n = 0; n < order[k]; n++) {
      z = dz_derivative(z, x[k]);
      if (simplify) z = dz_simplify(z);
    }
  return z;
}

static void try_point(const place *p) {
  const dz__op *op = &dz__ops[p->fn];
  const oracle_slope exact = third(p);
  const quad v[3] = {p->at[0], p->at[1], 0};
  const quad size = quad_max(fabsq(exact.slope), fabsq(oracle_value(op->name, op->arity, v)));
  ck_assert_msg(exact.error <= 1e-20 * size, "%s: no oracle at %a, %a: %g ± %g", op->name, p->at[0], p->at[1],
                (double)exact.slope, (double)exact.error);
  dz_tape *t = dz_tape_new(NULL);
  dz_var x[2];
  for (int k = 0; k < 2; k++) {
    x[k] = k < first_operand(p->fn) ? dz_num(p->at[k]) : dz_input(t, p->at[k]);
    if (!dz_is_number(x[k])) dz_set_name(x[k], k ? "y" : "x");
  }
  const dz_var z = dz__record(p->fn, op->arity, x, 0, NULL);
  judge(p, "as a graph", derived(z, x, p->order, false), exact);
  judge(p, "as a formula", derived(z, x, p->order, true), exact);
  ck_assert_msg(!dz_tape_error(t)->status, "%s", dz_tape_error(t)->message);
  dz_tape_free(t);
}

START_TEST(third_derivatives) {
  const dz__fn fn = (dz__fn)_i;
  const dz__op *op = &dz__ops[fn];
  if (!is_smooth(fn)) return;
  const int first = first_operand(fn), last = op->arity - 1;
  state = 0x9e3779b97f4a7c15u + (uint64_t)fn;
  worst = 0;
  for (int turn = 0; turn < EFFORT(10, 3); turn++) {
    place p = {.fn = fn, .at = {0, 0}};
    for (int k = 0; k < op->arity; k++) p.at[k] = uniform(op->low, op->high);
    if (first) p.at[0] = floor(p.at[0]);
    for (int n = 0; n <= (first == last ? 0 : 3); n++) {
      p.order[first] = 3 - n;
      if (first != last) p.order[last] = n;
      try_point(&p);
    }
  }
  printf("%-12s known to %.1e by rounding\n", op->name, worst);
  ck_assert_double_lt(worst, 1e-12);
}
END_TEST

/* The judge itself: a result that is off by 1e-12 is found. */
START_TEST(the_judge_sees_small_errors) {
  dz_tape *t = dz_tape_new(NULL);
  const place p = {DZ__F_exp, {.7, 0}, {3, 0}};
  const dz_var x = dz_input(t, .7), wrong = dz_mul(dz_exp(x), 1 + 1e-12);
  const oracle_slope exact = third(&p);
  ck_assert(fabsq(exact.slope - expq(.7)) < 1e-24);
  ck_assert(fabsq((quad)dz_value(wrong) - exact.slope) > 1.01 * rounding(wrong) + exact.error);
  dz_tape_free(t);
}
END_TEST

SUITE(EACH(third_derivatives, DZ__F_POINTWISE_END), ONCE(the_judge_sees_small_errors))
#else
SUITE_SKIPPED("this compiler has no quadmath.h")
#endif
