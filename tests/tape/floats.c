/* Tapes of floats: how a primitive rounds, what the memory holds, overflow, copies as doubles, accumulation,
   plans. Whole graphs and their derivatives are compared with the exact ones by tests/oracle (oracle/floats),
   and every act on them starved of memory by tests/failures/starved.c. */
#define NEW_TAPE dz_tape_new_single
#include "dz/cost.h"
#include "dz/implicit.h"
#include "dz/jacobian.h"
#include "dz/plan.h"
#include "dz/tangent.h"
#include "dz/tensor.h"
#include "dz/userop.h"

#include "dice.h"
#include "on_tape.h"

#include <float.h>
#include <math.h>

static dz_var tensor(size_t n, const double *values) {
  return dz_leaf_tensor(tape, DZ_ROLE_INPUT, 1, &n, values);
}

static void fine(void) { ck_assert_msg(!dz_tape_error(tape)->status, "%s", dz_tape_error(tape)->message); }

static bool same_bits(float x, float y) { return memcmp(&x, &y, sizeof x) == 0 || (isnan(x) && isnan(y)); }

/* ---- primitives ---- */

static float any_float(void) {
  const uint32_t bits = (uint32_t)(dice() >> 32);
  float x;
  memcpy(&x, &bits, sizeof x);
  return isnan(x) ? 0 : x;
}

/* + - * / and sqrt, of scalars, of tensors and of numbers, are what C gives for floats. */
START_TEST(arithmetic_is_that_of_floats) {
  for (int i = 0; i < EFFORT(20000, 2000); i++) {
    volatile float x = any_float(), y = any_float();
    const float want[] = {x + y, x - y, x * y, x / y, sqrtf(x), -x};
    const dz_mark mark = dz_tape_mark(tape);
    const dz_var a = dz_input(tape, (double)x), b = dz_input(tape, (double)y);
    const dz_var u = tensor(1, V((double)x)), v = tensor(1, V((double)y));
    const dz_var scalar[] = {dz_add(a, b), dz_sub(a, b), dz_mul(a, b), dz_div(a, b), dz_sqrt(a), dz_neg(a)},
                 wide[] = {dz_add(u, v), dz_sub(u, b), dz_mul(u, (double)y),
                           dz_div(u, v), dz_sqrt(u),   dz_neg(u)};
    for (int k = 0; k < 6; k++)
      if (!same_bits((float)dz_value(scalar[k]), want[k]) || !same_bits(*dz_values_single(wide[k]), want[k]))
        ck_abort_msg("operation %d of %a, %a: %a and %a instead of %a", k, (double)x, (double)y,
                     dz_value(scalar[k]), dz_value(wide[k]), (double)want[k]);
    ck_assert_int_eq(dz_tape_rewind(tape, mark), DZ_OK);
  }
  fine();
}
END_TEST

#ifdef HAVE_QUADMATH
#include "calls.h"
#include "floats.h"

/* What a double is off by (64 of its ULPs at most, the digamma function near its zero the worst) is nothing
   beside a float's half ULP. A partial is rounded once as well, and where its text uses z, that was rounded
   before: by 2^-24 of it, an ULP at most. */
static void judge(const dz__op *op, const double *at, const dz_var *x, dz_var y) {
  quad v[3];
  for (int k = 0; k < op->arity; k++) v[k] = at[k];
  const quad exact = oracle_value(op->name, op->arity, v);
  if (!(error_of(dz_value(y), exact) <= .5 + 0x1p-23))
    ck_abort_msg("%s at %a, %a, %a: %a, %g ULP", op->name, at[0], at[1], at[2], dz_value(y),
                 error_of(dz_value(y), exact));
  ck_assert_int_eq(dz_backward(y), DZ_OK);
  for (int k = 0; k < op->arity; k++) {
    if (is_order(op, k)) continue;
    const oracle_slope slope = oracle_differentiate(op->name, op->arity, k, at);
    if (slope.error > 1e-20 * fabsq(slope.slope)) continue;
    const double got = dz_adjoint(x[k]), off = error_of(got, slope.slope);
    ck_assert(got == (double)(float)got);
    if (!(off <= 1.5 + 0x1p-20) && dz_is_active(y))
      ck_abort_msg("%s, slope %d at %a, %a, %a: %a, %g ULP", op->name, k, at[0], at[1], at[2], got, off);
  }
}

/* Scalars and tensors of one element: the same bits. */
START_TEST(primitives_are_rounded_once) {
  for (int fn = 0; fn < DZ__F_POINTWISE_END; fn++)
    for (int i = 0; i < EFFORT(30, 6); i++) {
      const dz_mark mark = dz_tape_mark(tape);
      double at[3] = {0};
      dz_var x[3], u[3];
      draw_point(&dz__ops[fn], at);
      for (int k = 0; k < dz__ops[fn].arity; k++) x[k] = dz_input(tape, at[k]), u[k] = tensor(1, &at[k]);
      const dz_var y = call[fn](x), z = call[fn](u);
      judge(&dz__ops[fn], at, x, y);
      judge(&dz__ops[fn], at, u, z);
      ck_assert_msg(dz_value(y) == dz_value(z), "%s", dz__ops[fn].name);
      ck_assert_int_eq(dz_tape_rewind(tape, mark), DZ_OK);
    }
  fine();
}
END_TEST

/* Sums add with doubles; a product's terms are rounded, and its sums, once each: |error| <= (n + 1) u sum
 * |x_i y_i|. */
START_TEST(sums_and_products) {
  enum { N = 5000 };
  static double x[N], y[N];
  for (int turn = 0; turn < 4; turn++) {
    quad sum = 0, product = 0, sizes = 0, squares = 0;
    for (int i = 0; i < N; i++) {
      x[i] = (double)(float)(uniform(-1, 1) * (i % 7 ? 1 : 1e4)), y[i] = (double)(float)uniform(-1, 1);
      sum += x[i], product += (quad)x[i] * y[i], sizes += fabs(x[i] * y[i]), squares += (quad)x[i] * x[i];
    }
    const dz_var a = tensor(N, x), b = tensor(N, y);
    ck_assert(error_of(dz_value(dz_sum(a, 0, false)), sum) <= .5 + 0x1p-10);
    ck_assert(error_of(dz_value(dz_norm(a, 0, false)), sqrtq(squares)) <= .5 + 0x1p-10);
    ck_assert(fabsq(dz_value(dz_dot(a, b)) - product) <= (N + 1) * ldexpq(1, -24) * sizes);
  }
  fine();
}
END_TEST
#endif

/* ---- what is kept ---- */

START_TEST(tensors_take_half_the_memory) {
  enum { N = 1 << 16 };
  dz_tape *t[] = {dz_tape_new(NULL), dz_tape_new_single(NULL)};
  size_t recorded[2], swept[2];
  for (int k = 0; k < 2; k++) {
    const dz_var x = dz_leaf_tensor(t[k], DZ_ROLE_PARAM, 1, (size_t[]){N}, NULL);
    dz_var y = x;
    for (int i = 0; i < 20; i++) y = dz_mul(dz_reshape(y, 2, (size_t[]){256, N / 256}), 2);
    y = dz_sum(y, DZ_ALL, false);
    recorded[k] = dz_tape_bytes(t[k]);
    ck_assert_int_eq(dz_backward(y), DZ_OK);
    swept[k] = dz_tape_bytes(t[k]);
  }
  const size_t scalars = 1 << 16; /* what does not go with the elements */
  ck_assert_uint_ge(recorded[0], 41 * N * sizeof(double));
  ck_assert_uint_le(recorded[1], recorded[0] / 2 + scalars);
  ck_assert_uint_le(swept[1], swept[0] / 2 + scalars);
  dz_tape_free(t[0]);
  dz_tape_free(t[1]);
}
END_TEST

START_TEST(numbers_are_rounded_as_they_enter) {
  const double tenth = (double).1f;
  const dz_mark empty = dz_tape_mark(tape);
  ck_assert(dz_tape_is_single(tape) && !dz_tape_is_single(NULL));
  for (int k = 0; k < 2; k++) {
    ck_assert_int_eq(dz_tape_rewind(tape, empty), DZ_OK);
    ck_assert(dz_value(dz_input(tape, .1)) == tenth && dz_value(dz_const(tape, .1)) == tenth);
  }
  const dz_var one = dz_input(tape, 1), two = dz_const(tape, 2), x = tensor(2, V(.1, .2));
  ck_assert(dz_value(dz_mul(one, .1)) == tenth && dz_value(dz_mul(two, .1)) == 2 * tenth);
  ck_assert(dz_value(dz_operand(dz_mul(one, .1), 1)) == tenth);
  ck_assert(dz_values(x)[0] == tenth && dz_values_single(x)[0] == .1f);
  ck_assert(dz_values_single(dz_add(x, .1))[0] == .1f + .1f);
  ck_assert_int_eq(dz_backward_with(dz_mul(one, two), .1), DZ_OK);
  ck_assert(dz_adjoint(one) == 2 * tenth);
  ck_assert_int_eq(dz_set(one, V(.1), 1), DZ_OK);
  ck_assert(dz_value(one) == tenth);
  ck_assert_int_eq(dz_set_single(one, (float[]){.3f}, 1), DZ_OK);
  ck_assert(dz_value(one) == (double).3f);
  fine();
}
END_TEST

/* The copies as doubles follow dz_set and the sweeps; the pointers to floats stay. */
START_TEST(copies_as_doubles) {
  const dz_var x = dz_leaf_tensor_single(tape, DZ_ROLE_PARAM, 1, (size_t[]){3}, (float[]){1, 2, .1f});
  const float *own = dz_values_single(x);
  const double *copy = dz_values(x);
  ck_assert(own[2] == .1f && copy[2] == (double).1f && dz_values(x) == copy);
  ck_assert_int_eq(dz_set(x, V(4, 5, .2), 3), DZ_OK);
  ck_assert(dz_values_single(x) == own && own[2] == .2f && dz_values(x)[2] == (double).2f);
  ck_assert_int_eq(dz_set_single(x, (float[]){7, 8, 9}, 3), DZ_OK);
  ck_assert(own[0] == 7 && dz_values(x)[1] == 8);
  const dz_var y = dz_sum(dz_mul(x, x), 0, false);
  for (int k = 1; k < 3; k++) {
    ck_assert_int_eq(dz_backward_with(y, k), DZ_OK);
    ck_assert(dz_adjoints_single(x)[0] == 14 * (float)k && dz_adjoints(x)[2] == 18 * k);
  }
  ck_assert_int_eq(dz_backward_add(y, .5), DZ_OK);
  ck_assert(dz_adjoints_single(x)[0] == 35 && dz_adjoints(x)[0] == 35);
  fine();
}
END_TEST

START_TEST(floats_are_of_tensors_of_such_tapes) {
  dz_tape *doubles = dz_tape_new(NULL);
  const dz_var s = dz_input(tape, 1),
               d = dz_leaf_tensor_single(doubles, DZ_ROLE_PARAM, 1, (size_t[]){2}, (float[]){.1f, 2});
  ck_assert(dz_values(d)[0] == (double).1f);
  ck_assert_int_eq(dz_set_single(d, (float[]){.3f, 2}, 2), DZ_OK);
  ck_assert(dz_values(d)[0] == (double).3f);
  ck_assert(!dz_values_single(d) && !dz_values_single(s) && !dz_values_single(dz_num(1)));
  ck_assert(!dz_values_single((dz_var){0}) && !dz_adjoints_single(s) && !dz_adjoints_single(tensor(1, V(1))));
  ck_assert_int_eq(dz_backward(dz_sum(d, 0, false)), DZ_OK);
  ck_assert(!dz_adjoints_single(d) && dz_adjoints(d)[1] == 1);
  ck_assert_int_eq(dz_set_single(s, NULL, 1), DZ_ERR_ARGUMENT);
  ck_assert_int_eq(dz_set_single(s, (float[]){1, 2}, 2), DZ_ERR_SHAPE);
  ck_assert(dz_value(dz_leaf_tensor_single(tape, DZ_ROLE_DATA, 0, NULL, (float[]){.1f})) == (double).1f);
  const dz_var mixed = dz_add(tensor(2, V(1, 2)), d);
  ck_assert(!dz_valid(mixed) && dz_tape_error(tape)->status == DZ_ERR_HANDLE);
  ck_assert_str_eq(dz_tape_error(tape)->message, "operands belong to two different tapes");
  dz_tape_free(doubles);
}
END_TEST

START_TEST(the_kind_outlives_a_clear) {
  tensor(2, V(1, 2));
  dz_tape_clear(tape);
  ck_assert(dz_tape_is_single(tape) && dz_tape_size(tape) == 0);
  ck_assert(dz_value(dz_input(tape, .1)) == (double).1f);
  ck_assert_int_eq(dz_tape_reserve(tape, 1000), DZ_OK);
  ck_assert(dz_value(dz_mul(dz_input(tape, .1), 3)) == (double)(.1f * 3));
  fine();
}
END_TEST

static dz_status turn(dz_var w, const dz_var *u) {
  const dz_mark mark = dz_tape_mark(w.tape);
  const dz_var y = dz_sum(dz_cumsum(dz_tanh(dz_matmul(*u, dz_mul(*u, w))), 1), DZ_ALL, false);
  dz_status status = dz_valid(y) ? dz_backward(y) : dz_tape_error(w.tape)->status;
  if (!status) status = dz_backward_add(y, 1);
  const float *g = status ? NULL : dz_adjoints_single(*u);
  if (g && !(g[1] != 0)) status = DZ_ERR_ARGUMENT;
  const dz_status back = dz_tape_rewind(w.tape, mark);
  return status ? status : back;
}

START_TEST(loops_allocate_nothing_after_the_first_turn) {
  failing f = {0};
  const dz_allocator a = failing_allocator(&f);
  dz_tape *t = dz_tape_new_single(&a);
  const dz_var w = dz_param(t, .5),
               u = dz_leaf_tensor(t, DZ_ROLE_PARAM, 2, (size_t[]){2, 2}, V(.25, .5, -1, 2));
  size_t calls = 0;
  for (int i = 0; i < 5; i++) {
    if (i == 1) calls = f.calls;
    ck_assert_int_eq(turn(w, &u), DZ_OK);
  }
  ck_assert_uint_eq(f.calls, calls);
  dz_tape_free(t);
  ck_assert(f.blocks == 0 && f.bytes == 0);
}
END_TEST

/* Copies go with the nodes, and come again. */
static dz_status in_copies(dz_tape *t, const dz_allocator *a, int kind) {
  (void)a, (void)kind;
  const dz_var u = dz_leaf_tensor(t, DZ_ROLE_PARAM, 2, (size_t[]){2, 2}, V(.25, .5, -1, 2));
  const dz_mark mark = dz_tape_mark(t);
  for (int i = 0; i < 2; i++) {
    const dz_var z = dz_where(dz_gt(u, 0), dz_sqrt(u), 0), y = dz_sum(dz_mul(z, u), DZ_ALL, false);
    if (!dz_valid(y)) return dz_tape_error(t)->status;
    dz_status status = dz_backward(y);
    if (!status) status = dz_diagnose(y);
    if (status) return status;
    const double *v = dz_values(z), *g = dz_adjoints(u);
    if (!v || !g) return DZ_ERR_MEMORY;
    ck_assert(v[0] == .5 && v[2] == 0 && g[0] == .75 && g[2] == 0);
    if (dz_tape_rewind(t, mark)) return DZ_ERR_MEMORY;
  }
  return DZ_OK;
}

START_TEST(every_allocation_may_fail) { fail_each_allocation(in_copies, 0); }
END_TEST

/* ---- hard points ---- */

START_TEST(what_is_too_large_for_a_float) {
  ck_assert(dz_value(dz_input(tape, 1e39)) == (double)INFINITY && dz_value(dz_input(tape, 1e-46)) == 0);
  const dz_var x = dz_input(tape, 1e30), u = tensor(2, V(1e30, 1)), y = dz_mul(dz_mul(u, x), 1e-30);
  ck_assert(isinf(dz_values(y)[0]) && dz_values_single(y)[1] == 1e30f * 1e-30f);
  ck_assert_int_eq(dz_backward(dz_sum(dz_mul(u, 1e30), 0, false)), DZ_OK);
  ck_assert(dz_adjoints(u)[0] == (double)1e30f);
  const dz_var z = dz_sum(dz_mul(u, 1e20), 0, false);
  ck_assert_int_eq(dz_diagnose(z), DZ_ERR_ARGUMENT);
  ck_assert_int_eq(dz_backward(z), DZ_OK);
  ck_assert_int_eq(dz_diagnose(z), DZ_OK);
  ck_assert_uint_gt(dz_note_count(tape), 0);
  ck_assert_str_eq(dz_note_at(tape, 0)->kind, "overflow");
  const dz_var w = dz_mul(dz_mul(x, 1e30), 1e30); /* an adjoint that leaves the floats' range */
  ck_assert_int_eq(dz_backward(w), DZ_OK);
  ck_assert(isinf(dz_adjoint(x)));
}
END_TEST

START_TEST(structural_zeros_carry_nothing) {
  const dz_var u = tensor(3, V(0, -1, 4)), y = dz_sum(dz_where(dz_gt(u, 0), dz_sqrt(u), 0), 0, false);
  ck_assert_int_eq(dz_backward(y), DZ_OK);
  for (int k = 0; k < 3; k++) ck_assert(dz_adjoints_single(u)[k] == (k == 2 ? .25f : 0));
  ck_assert(dz_adjoints(u)[2] == .25);
  double along;
  ck_assert_int_eq(dz_tangent(y, 1, &u, V(1, 1, 1), &along), DZ_OK);
  ck_assert(along == .25);
  const dz_var x = dz_input(tape, 0), r = dz_sqrt(x);
  ck_assert_int_eq(dz_backward(dz_mul(r, r)), DZ_OK);
  ck_assert(isnan(dz_adjoint(x)));
}
END_TEST

START_TEST(uniform_numbers_stay_below_one) {
  enum { N = 1 << 20 };
  const size_t n = EFFORT(N, N / 16);
  float most = 0;
  for (int seed = 0; seed < EFFORT(32, 4); seed++) {
    const dz_mark mark = dz_tape_mark(tape);
    const dz_var r = dz_noise(dz_leaf_tensor(tape, DZ_ROLE_DATA, 1, &n, NULL), seed);
    const float *x = dz_values_single(r);
    for (size_t i = 0; i < n; i++) most = fmaxf(most, x[i]);
    dz_tape_rewind(tape, mark);
  }
  ck_assert(most < 1 && most > .999f);
}
END_TEST

/* ---- what else runs on them ---- */

static const dz_plan_options whole = {.tensors = DZ_TENSORS_WHOLE}, apart = {.tensors = DZ_TENSORS_APART};

/* Products of small whole numbers round nowhere: the plans give the tape's bits. */
START_TEST(plans_are_of_floats) {
  const dz_var u = dz_leaf_tensor(tape, DZ_ROLE_PARAM, 2, (size_t[]){2, 2}, V(1, 2, 3, 4)),
               y = dz_sum(dz_relu(dz_sub(dz_matmul(u, u), 8)), DZ_ALL, false);
  ck_assert_int_eq(dz_backward(y), DZ_OK);
  for (int k = 0; k < 2; k++) {
    dz_error e;
    dz_plan *p = dz_plan_new(1, &y, 1, &u, k ? &apart : &whole, &e);
    ck_assert_msg(p != NULL, "%s", e.message);
    void *work = malloc(dz_plan_memory(p));
    double value, g[4];
    float value_single, g_single[4];
    ck_assert_int_eq(dz_plan_run(p, V(1, 2, 3, 4), &value, g, work), DZ_OK);
    ck_assert(value == dz_value(y));
    for (int i = 0; i < 4; i++) ck_assert(g[i] == dz_adjoints(u)[i]);
    const dz_status status = dz_plan_run_single(p, (float[]){1, 2, 3, 4}, &value_single, g_single, work);
    ck_assert_int_eq(status, k ? DZ_ERR_ARGUMENT : DZ_OK);
    if (!k) ck_assert((double)value_single == value && (double)g_single[3] == g[3]);
    free(work);
    dz_plan_free(p);
  }
}
END_TEST

/* The larger of two computed numbers, whose places hold fewer digits than the registers did. */
START_TEST(plans_know_the_larger_one) {
  const dz_var u = tensor(2, V(.3, .7)), a = dz_exp(u), b = dz_mul(dz_sin(u), 3), z = dz_fmax(a, b),
               y = dz_sum(dz_mul(z, z), 0, false);
  ck_assert_int_eq(dz_backward(y), DZ_OK);
  dz_var out[] = {y, z}; /* so that z has a place */
  dz_error e;
  dz_plan *p = dz_plan_new(2, out, 1, &u, &whole, &e);
  ck_assert_msg(p != NULL, "%s", e.message);
  void *work = malloc(dz_plan_memory(p));
  double values[3], g[2];
  ck_assert_int_eq(dz_plan_pull(p, V(.3, .7), V(1, 0, 0), values, g, work), DZ_OK);
  for (int i = 0; i < 2; i++) /* five operations, each rounded by 2^-24 of its result on either way */
    ck_assert(fabs(g[i] - dz_adjoints(u)[i]) <= 10 * 0x1p-24 * fabs(g[i]));
  free(work);
  dz_plan_free(p);
}
END_TEST

/* Two equations with whole numbers; the factors are floats as well, and the refinement makes up for it. */
START_TEST(systems_of_equations) {
  const dz_var a = dz_leaf_tensor(tape, DZ_ROLE_PARAM, 2, (size_t[]){2, 2}, V(4, 1, 2, 3)),
               b = tensor(2, V(6, 8)), x = dz_solve(a, b);
  double jacobian[4];
  fine();
  ck_assert(dz_values(x)[0] == 1 && dz_values(x)[1] == 2);
  ck_assert_int_eq(dz_jacobian(x, b, jacobian), DZ_OK);
  for (int k = 0; k < 4; k++) ck_assert(jacobian[k] == (double)(float)(V(.3, -.1, -.2, .4)[k]));
}
END_TEST

START_TEST(costs_are_counted_in_floats) {
  dz_cost floats, doubles;
  dz_tape *other = dz_tape_new(NULL);
  const dz_var u = tensor(100, NULL), v = dz_leaf_tensor(other, DZ_ROLE_INPUT, 1, (size_t[]){100}, NULL);
  ck_assert_int_eq(dz_cost_of(dz_mul(u, u), NULL, &floats), DZ_OK);
  ck_assert_int_eq(dz_cost_of(dz_mul(v, v), NULL, &doubles), DZ_OK);
  ck_assert(floats.value.operations == 100 && doubles.value.operations == 100);
  ck_assert(floats.value.bytes == 1200 && doubles.value.bytes == 2400);
  ck_assert(2 * floats.gradient.bytes == doubles.gradient.bytes);
  dz_tape_free(other);
}
END_TEST

static dz_var square_less_two(dz_tape *t, dz_var x, void *user) {
  (void)t, (void)user;
  return dz_sub(dz_mul(x, x), 2);
}

START_TEST(equations_converge) {
  const dz_var x = dz_root(tape, square_less_two, NULL, dz_num(1), NULL);
  fine();
  ck_assert(fabs(dz_value(x) - sqrt(2)) <= 0x1p-23);
}
END_TEST

START_TEST(operations_of_users) {
  dz_error e;
  ck_assert_int_eq(dz_op_define(tape, "swish", 1, "x / (1 + exp(-x))", NULL, &e), DZ_OK);
  const dz_var u = tensor(2, V(0, 1)), y = dz_sum(dz_apply(tape, "swish", 1, &u), 0, false);
  ck_assert_int_eq(dz_backward(y), DZ_OK);
  fine();
  ck_assert(dz_value(y) == (double)(float)(1 / (1 + exp(-1)))); /* 0 + the other, summed with doubles */
  ck_assert(dz_adjoints(u)[0] == .5);
}
END_TEST

#ifdef HAVE_QUADMATH
#define EXACTLY ONCE(primitives_are_rounded_once), ONCE(sums_and_products),
#else
#define EXACTLY
#endif
SUITE_ON_TAPE(EXACTLY ONCE(arithmetic_is_that_of_floats), ONCE(tensors_take_half_the_memory),
              ONCE(numbers_are_rounded_as_they_enter), ONCE(copies_as_doubles),
              ONCE(floats_are_of_tensors_of_such_tapes), ONCE(the_kind_outlives_a_clear),
              ONCE(loops_allocate_nothing_after_the_first_turn), ONCE(every_allocation_may_fail),
              ONCE(what_is_too_large_for_a_float), ONCE(structural_zeros_carry_nothing),
              ONCE(uniform_numbers_stay_below_one), ONCE(plans_are_of_floats),
              ONCE(plans_know_the_larger_one), ONCE(systems_of_equations), ONCE(costs_are_counted_in_floats),
              ONCE(equations_converge), ONCE(operations_of_users))
