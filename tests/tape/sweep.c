/* The reverse sweeps from inside: which of them did the work, and the room that they make for it. */
#include "tape/sweep.h"
#include "calls.h"
#include "dz/sweep.h"
#include "dz/tangent.h"
#include "dz/tensor.h"
#include "on_tape.h"
#include "ops/op.h"

#include <math.h>
#include <string.h>

static bool careful(void) { return dz__of(tape)->swept.careful; }

/* The careful sweep is for a zero that meets an infinite or NaN partial, and for nothing else. */
START_TEST(what_is_finite_goes_the_quick_way) {
  const dz_var x = dz_input(tape, 3), v = dz_leaf_tensor(tape, DZ_ROLE_INPUT, DIMS(2), V(1, 2));
  const dz_var d = dz_leaf_tensor(tape, DZ_ROLE_DATA, DIMS(2), V(5, 7));
  const dz_var still = dz_mul(d, 2), part = dz_clamp(x, 0, 4);
  const dz_var y = dz_add(dz_sum(dz_mul(dz_mul(v, part), still), DZ_ALL, false), dz_sqrt(x));
  ck_assert_int_eq(dz_backward(y), DZ_OK);
  ck_assert(!careful());
  ck_assert(dz_adjoints(v)[0] == 30 && dz_adjoints(v)[1] == 42);
  ck_assert(dz_adjoint(part) == 10 + 28); /* one more sweep, over all scalars */
  ck_assert(!careful());
  ck_assert_int_eq(dz_backward_with(dz_mul(v, still), d), DZ_OK);
  ck_assert(!careful());
  ck_assert(dz_adjoints(v)[0] == 50 && dz_adjoints(v)[1] == 98);
  const dz_var zero = dz_input(tape, 0);
  ck_assert_int_eq(dz_backward(dz_where(1, dz_mul(zero, 3), dz_sqrt(zero))), DZ_OK);
  ck_assert(careful());
  ck_assert_double_eq(dz_adjoint(zero), 3);
}
END_TEST

/* x = A^-1 b has the adjoints A^-T g for b and -(A^-T g) x^T for A. The operands of the two operations are
   the first in the tape's list of operands. */
START_TEST(a_system_is_all_there_is) {
  const dz_var A = dz_leaf_tensor(tape, DZ_ROLE_INPUT, DIMS(2, 2), V(2, 0, 0, 4));
  const dz_var b = dz_leaf_tensor(tape, DZ_ROLE_INPUT, DIMS(2), V(2, 8)), x = dz_solve(A, b);
  ck_assert(dz_values(x)[0] == 1 && dz_values(x)[1] == 2);
  ck_assert_int_eq(dz_backward_with(x, dz_leaf_tensor(tape, DZ_ROLE_DATA, DIMS(2), V(1, 1))), DZ_OK);
  ck_assert(dz_adjoints(b)[0] == .5 && dz_adjoints(b)[1] == .25);
  static const double want[] = {-.5, -1, -.25, -.5};
  for (int i = 0; i < 4; i++) ck_assert_double_eq(dz_adjoints(A)[i], want[i]);
}
END_TEST

/* Room is made for the adjoints of what a gradient flows to. */
START_TEST(data_have_no_adjoints) {
  enum { N = 1 << 16 };
  const dz_var d = dz_leaf_tensor(tape, DZ_ROLE_DATA, DIMS(N), NULL), x = dz_input(tape, 2);
  const dz_var y = dz_mul(x, dz_add(dz_sum(d, DZ_ALL, false), 1));
  const size_t before = dz_tape_bytes(tape);
  ck_assert_int_eq(dz_backward(y), DZ_OK);
  ck_assert(dz_adjoint(x) == 1);
  ck_assert_uint_lt(dz_tape_bytes(tape), before + N * sizeof(double));
}
END_TEST

/* A kernel that takes scratch finds room for its result and for each operand. */
START_TEST(scratch_for_every_operand) {
  enum { N = 24 };
  double a[N * N] = {0}, b[N * N];
  for (int i = 0; i < N * N; i++) a[i] = i / N == i % N ? 2 : 0, b[i] = i;
  const dz_var A = dz_leaf_tensor(tape, DZ_ROLE_INPUT, DIMS(N, N), a);
  const dz_var B = dz_leaf_tensor(tape, DZ_ROLE_INPUT, DIMS(N, N), b), X = dz_solve(A, B);
  ck_assert_int_eq(dz_backward(dz_sum(X, DZ_ALL, false)), DZ_OK);
  ck_assert_uint_ge(dz__of(tape)->spare_cap, 3 * N * N + (N + 1) * N);
  for (int i = 0; i < N * N; i++) ck_assert(dz_values(X)[i] == b[i] / 2 && dz_adjoints(B)[i] == .5);
}
END_TEST

/* The first operation of tensors on its tape, with more operands than there is room for at first. */
START_TEST(lists_for_every_operand) {
  enum { N = 50 };
  dz_var x[N];
  for (int i = 0; i < N; i++) x[i] = dz_input(tape, i);
  double seed[N];
  for (int i = 0; i < N; i++) seed[i] = i * i;
  const dz_var y = dz_stack(N, x, 0), g = dz_leaf_tensor(tape, DZ_ROLE_DATA, DIMS(N), seed);
  ck_assert_int_eq(dz_backward_with(y, g), DZ_OK);
  ck_assert_uint_ge(dz__of(tape)->call_ga_cap, N);
  for (int i = 0; i < N; i++) ck_assert(dz_adjoint(x[i]) == i * i);
}
END_TEST

START_TEST(a_seed_of_another_shape) {
  const dz_var y = dz_leaf_tensor(tape, DZ_ROLE_INPUT, DIMS(2), V(1, 2));
  const dz_var seed = dz_leaf_tensor(tape, DZ_ROLE_DATA, DIMS(3, 1), V(1, 2, 3));
  ck_assert_int_eq(dz_backward_with(y, seed), DZ_ERR_SHAPE);
  ck_assert_str_eq(dz_tape_error(tape)->message, "the seed's shape [3, 1] is not the output's [2]");
}
END_TEST

/* What operations have after accumulation is of no single sweep, for tensors as for scalars. */
START_TEST(accumulation_leaves_only_leaves) {
  const dz_var v = dz_leaf_tensor(tape, DZ_ROLE_INPUT, DIMS(2), V(1, 2)), w = dz_mul(v, v);
  const dz_var y = dz_sum(w, DZ_ALL, false);
  ck_assert(!dz__whole_adjoints(tape));
  ck_assert_int_eq(dz_backward(y), DZ_OK);
  ck_assert(dz__whole_adjoints(tape));
  ck_assert_int_eq(dz_adjoint_state_of(w), DZ_ADJOINT_READY);
  ck_assert_int_eq(dz_backward_add(y, 2), DZ_OK);
  ck_assert(!dz__whole_adjoints(tape));
  ck_assert_int_eq(dz_adjoint_state_of(w), DZ_ADJOINT_NOT_COMPUTED);
  ck_assert_int_eq(dz_adjoint_state_of(y), DZ_ADJOINT_NOT_COMPUTED);
  ck_assert(dz_adjoints(v)[0] == 6 && dz_adjoints(v)[1] == 12);
}
END_TEST

/* As many as no first block holds. */
START_TEST(many_leaves_accumulate) {
  enum { N = 30000 };
  static dz_var x[N];
  dz_var y = dz_input(tape, 0);
  for (int i = 1; i < N; i++) y = dz_add(y, dz_mul(x[i] = dz_input(tape, i), i % 7));
  ck_assert_int_eq(dz_backward(y), DZ_OK);
  ck_assert_int_eq(dz_backward_add(y, 2), DZ_OK);
  for (int i = 1; i < N; i++) ck_assert(dz_adjoint(x[i]) == 3 * (i % 7));
}
END_TEST

/* Leaves behind the swept node have no adjoint, whatever an earlier sweep brought them. */
START_TEST(leaves_that_a_sweep_did_not_cover) {
  const dz_var x = dz_input(tape, 2), y = dz_mul(x, x), near = dz_input(tape, 3), far = dz_param(tape, 5);
  const dz_var z = dz_mul(y, dz_mul(near, far));
  ck_assert_int_eq(dz_backward(z), DZ_OK);
  ck_assert(dz_adjoint(x) == 60 && dz_adjoint(near) == 20 && dz_adjoint(far) == 12);
  ck_assert_int_eq(dz_backward(y), DZ_OK);
  ck_assert(dz_adjoint(x) == 4 && isnan(dz_adjoint(near)) && isnan(dz_adjoint(far)));
  ck_assert_int_eq(dz_adjoint_state_of(near), DZ_ADJOINT_NOT_COMPUTED);
  ck_assert_int_eq(dz_adjoint_state_of(far), DZ_ADJOINT_NOT_COMPUTED);
}
END_TEST

static dz_status accumulate(dz_tape *t, const dz_allocator *a, int n) {
  (void)a;
  const size_t size = (size_t)n;
  const dz_var v = dz_leaf_tensor(t, DZ_ROLE_INPUT, 1, &size, NULL), y = dz_sum(v, DZ_ALL, false);
  dz_status status = dz_valid(y) ? dz_backward(y) : dz_tape_error(t)->status;
  if (!status) status = dz_backward_add(y, 1);
  if (!status) ck_assert(dz_adjoints(v)[0] == 2 && dz_adjoints(v)[n - 1] == 2);
  return status;
}

/* What is held of a tensor while the sweep goes over it needs a block of its own. */
START_TEST(accumulation_without_memory) { fail_each_allocation(accumulate, 5000); }
END_TEST

/* Operands at which operation `op` passes nothing on from operand k. */
static const struct {
  const char *op;
  int k;
  double at[3];
} closed[] = {
    {"relu", 0, {-2}},        {"fabs", 0, {0}},         {"sign", 0, {3}},         {"floor", 0, {1.5}},
    {"ceil", 0, {1.5}},       {"round", 0, {1.25}},     {"trunc", 0, {1.5}},      {"copysign", 1, {2, -3}},
    {"polygamma", 0, {1, 2}}, {"fmin", 0, {3, 2}},      {"fmin", 1, {2, 3}},      {"fmax", 0, {2, 3}},
    {"fmax", 1, {3, 2}},      {"clamp", 0, {-1, 0, 1}}, {"clamp", 1, {.5, 0, 1}}, {"clamp", 2, {.5, 0, 1}},
    {"lt", 0, {1, 2}},        {"lt", 1, {1, 2}},        {"le", 0, {1, 2}},        {"le", 1, {1, 2}},
    {"gt", 0, {1, 2}},        {"gt", 1, {1, 2}},        {"ge", 0, {1, 2}},        {"ge", 1, {1, 2}},
    {"eq", 0, {1, 2}},        {"eq", 1, {1, 2}},        {"ne", 0, {1, 2}},        {"ne", 1, {1, 2}},
    {"and", 0, {1, 2}},       {"and", 1, {1, 2}},       {"or", 0, {1, 2}},        {"or", 1, {1, 2}},
    {"not", 0, {1}},          {"where", 0, {1, 2, 3}},  {"where", 1, {0, 2, 3}},  {"where", 2, {1, 2, 3}},
};

/* Where nothing flows, nothing flows of what is infinite: 0, not the NaN of 0*inf; back and forward, of
   scalars and of tensors. */
START_TEST(nothing_passes_a_mask) {
  const dz__fn fn = dz__fn_by_name(closed[_i].op, strlen(closed[_i].op));
  const int k = closed[_i].k;
  const size_t two = 2;
  for (int rank = 0; rank < 2; rank++) {
    dz_var x[3];
    for (int j = 0; j < dz__ops[fn].arity; j++)
      x[j] = dz_leaf_tensor(tape, DZ_ROLE_INPUT, rank, &two, V(closed[_i].at[j], closed[_i].at[j]));
    const dz_var y = call[fn](x), g = dz_leaf_tensor(tape, DZ_ROLE_DATA, rank, &two, V(INFINITY, -INFINITY));
    ck_assert_int_eq(dz_backward_with(y, g), DZ_OK);
    double out[2] = {1, 1};
    ck_assert_int_eq(dz_tangent(y, 1, &x[k], V(INFINITY, -INFINITY), out), DZ_OK);
    for (int i = 0; i <= rank; i++) ck_assert(dz_adjoints(x[k])[i] == 0 && out[i] == 0);
  }
}
END_TEST

SUITE_ON_TAPE(ONCE(what_is_finite_goes_the_quick_way), ONCE(a_system_is_all_there_is),
              ONCE(data_have_no_adjoints), ONCE(scratch_for_every_operand), ONCE(lists_for_every_operand),
              ONCE(a_seed_of_another_shape), ONCE(accumulation_leaves_only_leaves),
              ONCE(many_leaves_accumulate), ONCE(accumulation_without_memory),
              EACH(nothing_passes_a_mask, COUNT(closed)), ONCE(leaves_that_a_sweep_did_not_cover))
