/* Every row of pointwise.def on tensors of floats, through the public interface: operands broadcast in every
   way, each of them active or not. Values and adjoints against those in __float128. */
#include "suite.h"

#ifdef HAVE_QUADMATH
#define NEW_TAPE dz_tape_new_single
#include "dz/sweep.h"
#include "dz/tensor.h"
#include "on_tape.h"

#include "calls.h"
#include "floats.h"

/* Ways to stand beside a result of shape [2, 3]. */
typedef enum form { WHOLE, ROW, COLUMN, ONE, SCALAR, NUMBER, FORMS } form;
static const struct {
  int rank;
  size_t dims[2];
} shapes[] = {{2, {2, 3}}, {1, {3}}, {2, {2, 1}}, {2, {1, 1}}, {0, {0}}};

/* What the elements are made of, so that few slopes are worked out in __float128. */
enum { CHOICES = 3, MOST = 6 };

static int index_of(const int *choice) { return (choice[0] * CHOICES + choice[1]) * CHOICES + choice[2]; }

typedef struct truth {
  double point[3][CHOICES];
  quad value[CHOICES * CHOICES * CHOICES], slope[3][CHOICES * CHOICES * CHOICES];
} truth;

static truth truth_of(const dz__op *op) {
  truth r = {.point = {{0}}};
  for (int i = 0; i < CHOICES; i++) {
    double at[3] = {0};
    draw_point(op, at);
    for (int k = 0; k < 3; k++) r.point[k][i] = at[k];
  }
  const int most[3] = {CHOICES, op->arity > 1 ? CHOICES : 1, op->arity > 2 ? CHOICES : 1};
  int c[3];
  for (c[0] = 0; c[0] < most[0]; c[0]++)
    for (c[1] = 0; c[1] < most[1]; c[1]++)
      for (c[2] = 0; c[2] < most[2]; c[2]++) {
        const double at[3] = {r.point[0][c[0]], r.point[1][c[1]], r.point[2][c[2]]};
        const quad v[3] = {at[0], at[1], at[2]};
        r.value[index_of(c)] = oracle_value(op->name, op->arity, v);
        for (int k = is_order(op, 0); k < op->arity; k++) {
          const oracle_slope d = oracle_differentiate(op->name, op->arity, k, at);
          ck_assert(d.error <= 1e-20 * fabsq(d.slope));
          r.slope[k][index_of(c)] = d.slope;
        }
      }
  return r;
}

typedef struct trial {
  const dz__op *op;
  form form[3];
  bool active[3];
  int rows, columns;
} trial;

/* The element of operand k that result (i, j) is made of, and which of the choices it holds. */
static int element(const trial *t, int k, int i, int j) {
  const form f = t->form[k];
  return f == WHOLE ? 3 * i + j : f == ROW ? j : f == COLUMN ? i : 0;
}
static int chosen(const trial *t, int k, int e) { return k < t->op->arity ? (e + k) % CHOICES : 0; }

static dz_var operand(const trial *t, const truth *r, int k) {
  double x[MOST];
  for (int e = 0; e < MOST; e++) x[e] = r->point[k][chosen(t, k, e)];
  if (t->form[k] == NUMBER) return dz_num(x[0]);
  return dz_leaf_tensor(tape, t->active[k] ? DZ_ROLE_INPUT : DZ_ROLE_DATA, shapes[t->form[k]].rank,
                        shapes[t->form[k]].dims, x);
}

static double element_of(dz_var x, int e) {
  return dz_rank(x) ? (double)dz_values_single(x)[e] : dz_value(x);
}

/* Each share of an adjoint is off by an ULP, as the value was rounded before, and by half of one; they are
   added up with roundings of what has come together. */
static void expect_adjoints(const trial *t, const truth *r, const dz_var *x, const double *g) {
  for (int k = 0; k < t->op->arity; k++) {
    if (!t->active[k]) continue;
    quad sum[MOST] = {0}, size[MOST] = {0};
    int shares = 0;
    for (int i = 0; i < t->rows; i++)
      for (int j = 0; j < t->columns; j++, shares++) {
        int c[3];
        for (int m = 0; m < 3; m++) c[m] = chosen(t, m, element(t, m, i, j));
        const quad share = g[i * t->columns + j] * r->slope[k][index_of(c)];
        sum[element(t, k, i, j)] += share;
        size[element(t, k, i, j)] += fabsq(share);
      }
    for (size_t e = 0; e < dz_size(x[k]); e++) {
      const double got = dz_rank(x[k]) ? (double)dz_adjoints_single(x[k])[e] : dz_adjoint(x[k]);
      ck_assert_msg(fabsq(got - sum[e]) <= (4 + shares) * ldexpq(1, -24) * size[e],
                    "%s, operand %d, element %zu: %a, not %a", t->op->name, k, e, got, (double)sum[e]);
    }
  }
}

/* Numbers, zeros and of both signs, to be adjoints of the result. */
static void seeds(double *g) {
  for (int i = 0; i < MOST; i++) g[i] = i == 2 ? 0 : (double)(float)uniform(-2, 2);
}

static void try(const trial *t, const truth *r) {
  const dz_mark mark = dz_tape_mark(tape);
  dz_var x[3];
  double g[MOST];
  for (int k = 0; k < t->op->arity; k++) x[k] = operand(t, r, k);
  const dz_var z = call[t->op - dz__ops](x);
  ck_assert_int_eq((int)dz_size(z), t->rows * t->columns);
  for (int i = 0; i < t->rows; i++)
    for (int j = 0; j < t->columns; j++) {
      int c[3];
      for (int m = 0; m < 3; m++) c[m] = chosen(t, m, element(t, m, i, j));
      const double got = element_of(z, i * t->columns + j);
      ck_assert_msg(error_of(got, r->value[index_of(c)]) <= .5 + 0x1p-23, "%s: %a, not %a", t->op->name, got,
                    (double)r->value[index_of(c)]);
    }
  seeds(g);
  if (dz_is_active(z)) {
    size_t dims[2] = {dz_extent(z, 0), dz_extent(z, 1)};
    ck_assert_int_eq(dz_backward_with(z, dz_leaf_tensor(tape, DZ_ROLE_DATA, dz_rank(z), dims, g)), DZ_OK);
    expect_adjoints(t, r, x, g);
  }
  ck_assert_int_eq(dz_tape_rewind(tape, mark), DZ_OK);
}

/* All forms of all operands; of two of them each alone and both are active, of more one or all by turns. */
START_TEST(every_layout) {
  const dz__op *op = &dz__ops[_i];
  state = 0x9e3779b97f4a7c15u + (uint64_t)_i;
  const truth r = truth_of(op);
  int kinds = 1;
  for (int k = 0; k < op->arity; k++) kinds *= FORMS;
  for (int kind = 0; kind < kinds; kind++)
    for (unsigned active = 1; active < 1u << op->arity; active++) {
      trial t = {.op = op, .rows = 1, .columns = 1};
      bool tensor = false;
      for (int k = 0, left = kind; k < op->arity; k++, left /= FORMS) {
        const form f = t.form[k] = (form)(left % FORMS);
        t.active[k] = active >> k & 1 && f != NUMBER;
        if (f == WHOLE || f == COLUMN) t.rows = 2;
        if (f == WHOLE || f == ROW) t.columns = 3;
        tensor |= f < SCALAR;
      }
      if (tensor && (op->arity < 3 || (kind + (int)active) % EFFORT(3, 16) == 0)) try(&t, &r);
    }
  ck_assert_int_eq(dz_tape_error(tape)->status, DZ_OK);
}
END_TEST

/* Infinite adjoints, of both signs, and NaN flow to where there is a slope; where a mask closes, nothing
   does. Finite ones beyond the floats' range become infinite. */
START_TEST(hard_adjoints) {
  const dz__op *op = &dz__ops[_i];
  static const double g[MOST] = {INFINITY, -INFINITY, NAN, 0x1.fffffep127, -0x1.fffffep127, -0.};
  state = 0x2545f4914f6cdd1du + (uint64_t)_i;
  const truth r = truth_of(op);
  trial t = {.op = op, .active = {true, true, true}, .rows = 2, .columns = 3};
  dz_var x[3];
  for (int k = 0; k < op->arity; k++) x[k] = operand(&t, &r, k);
  const dz_var z = call[_i](x);
  if (!dz_is_active(z)) return;
  ck_assert_int_eq(dz_backward_with(z, dz_leaf_tensor(tape, DZ_ROLE_DATA, DIMS(2, 3), g)), DZ_OK);
  for (int k = 0; k < op->arity; k++)
    for (int e = 0; e < MOST; e++) {
      const int c[3] = {chosen(&t, 0, e), chosen(&t, 1, e), chosen(&t, 2, e)};
      const double slope = (double)r.slope[k][index_of(c)], got = (double)dz_adjoints_single(x[k])[e],
                   share = slope * g[e];
      const bool mask = strncmp(op->partial[k], "MASK(", 5) == 0;
      const bool right = mask && slope == 0              ? got == 0
                         : isnan(share)                  ? isnan(got)
                         : fabs(share) >= 0x1.000002p128 ? isinf(got) && (got > 0) == (share > 0)
                                                         : fabs(got - share) <= 0x1p-22 * fabs(share);
      ck_assert_msg(right || fabs(fabs(share) - 0x1p128) <= 0x1p106, "%s, operand %d, %g times %g: %g",
                    op->name, k, slope, g[e], got);
    }
}
END_TEST

SUITE_ON_TAPE(EACH(every_layout, DZ__F_POINTWISE_END), EACH(hard_adjoints, DZ__F_POINTWISE_END))
#else
SUITE_SKIPPED("this compiler has no quadmath.h")
#endif
