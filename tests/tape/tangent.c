/* Forward mode: every operation against differences in __float128 or whole numbers worked out by hand, the
   hard points, and misuse. */
#include "dz/tangent.h"
#include "dz/sweep.h"
#include "dz/tensor.h"
#include "failing.h"
#include "on_tape.h"

#include "tape/tensor.h"

#include <math.h>
#include <stdio.h>

#ifdef HAVE_QUADMATH
#include "calls.h"
#include "dice.h"
#include "oracle.h"
#endif

static dz_var tensor(int rank, const size_t *dims, const double *values) {
  return dz_leaf_tensor(tape, DZ_ROLE_INPUT, rank, dims, values);
}
static dz_var data(int rank, const size_t *dims, const double *values) {
  return dz_leaf_tensor(tape, DZ_ROLE_DATA, rank, dims, values);
}

/* The tangent of y along v in x has exactly these elements; NaN matches NaN. */
static void expect(dz_var y, int count, const dz_var *x, const double *v, size_t n, const double *want) {
  double got[64];
  ck_assert_msg(dz_valid(y), "%s", dz_tape_error(tape)->message);
  ck_assert_uint_eq(dz_size(y), n);
  ck_assert_int_eq(dz_tangent(y, count, x, v, got), DZ_OK);
  for (size_t i = 0; i < n; i++)
    ck_assert_msg(got[i] == want[i] || (isnan(got[i]) && isnan(want[i])), "element %zu: %.17g, not %.17g", i,
                  got[i], want[i]);
}

/* ---- pointwise operations ---- */

#ifdef HAVE_QUADMATH
static const double along[3] = {1.5, -.75, 2.25};
static const size_t shapes[4][3][3] = {
    /* rank, extents: scalars, tensors, broadcast either way */
    {{0}, {0}, {0}},
    {{2, 2, 3}, {2, 2, 3}, {2, 2, 3}},
    {{1, 3}, {2, 2, 1}, {0}},
    {{2, 2, 1}, {1, 3}, {2, 1, 1}},
};

/* Operand k of one shape, all of whose elements are the same; kind 0 active, 1 a number or constant, 2 data.
 */
static dz_var operand(const size_t *shape, int kind, double at) {
  double same[6] = {at, at, at, at, at, at};
  if (kind == 1 && shape[0] == 0) return dz_num(at);
  return dz_leaf_tensor(tape, kind == 0 ? DZ_ROLE_INPUT : DZ_ROLE_DATA, (int)shape[0], shape + 1, same);
}

static void try_pointwise(dz__fn fn, const double *at, const oracle_slope *slope, int shape,
                          const int *kind) {
  const dz__op *op = &dz__ops[fn];
  dz_var x[3], moved[3];
  double v[18], got[6];
  int count = 0, filled = 0;
  quad want = 0, scale = 0;
  for (int k = 0; k < op->arity; k++) {
    x[k] = operand(shapes[shape][k], kind[k], at[k]);
    if (kind[k] != 0) continue;
    moved[count++] = x[k];
    for (size_t j = 0; j < dz_size(x[k]); j++) v[filled++] = along[k];
    want += slope[k].slope * along[k];
    scale += fabsq(slope[k].slope * along[k]);
  }
  dz_var z = call[fn](x);
  if (dz_is_number(z)) return;
  ck_assert_int_eq(dz_tangent(z, count, moved, v, got), DZ_OK);
  const double ulps = oracle_listed(op->name, "lgamma tgamma digamma polygamma") ? 8 : 4;
  for (size_t j = 0; j < dz_size(z); j++)
    if (!(fabsq(got[j] - want) <= (2 * ulps + 3) * ldexpq(1, -53) * scale))
      ck_abort_msg("%s at %a, %a, %a: %.17g instead of %.17g", op->name, at[0], at[1], at[2], got[j],
                   (double)want);
}

START_TEST(every_pointwise_operation) {
  const dz__fn fn = (dz__fn)_i;
  const dz__op *op = &dz__ops[fn];
  state = 0x9e3779b97f4a7c15u + (uint64_t)fn;
  const int kinds = op->arity == 1 ? 1 : op->arity == 2 ? 9 : 27;
  for (int turn = 0; turn < 10; turn++) {
    double at[3] = {0};
    oracle_slope slope[3];
    for (int k = 0; k < op->arity; k++) at[k] = uniform(op->low, op->high);
    if (fn == DZ__F_polygamma) at[0] = round(at[0]);
    for (int k = 0; k < op->arity; k++)
      slope[k] = fn == DZ__F_stop || (fn == DZ__F_polygamma && k == 0)
                     ? (oracle_slope){0, 0}
                     : oracle_differentiate(op->name, op->arity, k, at);
    for (int shape = 0; shape < 4; shape++)
      for (int code = 0; code < kinds; code++)
        try_pointwise(fn, at, slope, shape, (int[]){code % 3, code / 3 % 3, code / 9});
  }
}
END_TEST
#endif

/* ---- tensor operations ---- */

/* Every line of the table; the tangents are whole numbers, worked out by hand. */
START_TEST(every_tensor_operation) {
  dz_var x = tensor(DIMS(2, 3), V(1, 2, 3, 4, 5, 6)), c = data(DIMS(2, 3), V(6, 5, 4, 3, 2, 1));
  dz_var y = tensor(DIMS(2, 2), V(0, 4, 3, 0)), at = data(DIMS(2), V(-1, 0));
  const double v[] = {1, 0, -2, 3, 5, -1}, w[] = {10, 5, -5, 7};
  uint8_t seen[DZ__F_END] = {0};
#define CASE(name, z, leaf, direction, ...)                                                                  \
  do {                                                                                                       \
    seen[DZ__F_##name] = 1;                                                                                  \
    expect(z, 1, &leaf, direction, VALUES(__VA_ARGS__));                                                     \
  } while (0)
  CASE(sum, dz_sum(x, 0, false), x, v, 4, 5, -3);
  CASE(sum, dz_sum(x, DZ_ALL, true), x, v, 6);
  CASE(max, dz_max(x, 1, false), x, v, -2, -1);
  CASE(max, dz_max(data(DIMS(2), V(4, 9)), 0, false), x, v, 0);
  CASE(min, dz_min(x, 0, false), x, v, 1, 0, -2);
  CASE(max, dz_max(tensor(DIMS(2), V(1, 1)), 0, false), x, v, 0);
  CASE(prod, dz_prod(x, 1, false), x, v, 6 * 1 - 2 * 2, 30 * 3 + 24 * 5 - 20);
  CASE(norm, dz_norm(y, 0, false), y, w, -5, 5);
  CASE(logsumexp, dz_logsumexp(dz_mul(x, 0), 0, false), x, v, 0, 0, 0);
  dz_var same = tensor(DIMS(2, 2), V(7, 7, 1e50, 1e50));
  CASE(logsumexp, dz_logsumexp(same, 1, false), same, w, 7.5, 1);
  CASE(count, dz__reduce(DZ__F_count, x, DZ__ALL_AXES, NULL, false, 0), x, v, 0);
  CASE(cumsum, dz_cumsum(x, 1), x, v, 1, 1, -1, 3, 8, 7);
  CASE(cumsum, dz_cumsum(x, 0), x, v, 1, 0, -2, 4, 5, -3);
  CASE(cumprod, dz_cumprod(x, 1), x, v, 1, 2, 6 - 4, 3, 15 + 20, 6 * 35 - 20);
  CASE(cumprod, dz_cumprod(x, 0), x, v, 1, 0, -2, 4 + 3, 10, -12 - 3);
  CASE(reshape, dz_reshape(x, 2, (size_t[]){3, 2}), x, v, 1, 0, -2, 3, 5, -1);
  CASE(broadcast_to, dz_broadcast_to(y, 3, (size_t[]){2, 2, 2}), y, w, 10, 5, -5, 7, 10, 5, -5, 7);
  CASE(permute, dz_transpose(x), x, v, 1, 3, 0, 5, -2, -1);
  CASE(index, dz_slice(x, 1, INT64_MAX, INT64_MIN, -2), x, v, -2, 1, -1, 3);
  CASE(concat, dz_concat(3, ((dz_var[]){x, c, y}), 1), x, v, 1, 0, -2, 0, 0, 0, 0, 0, 3, 5, -1, 0, 0, 0, 0,
       0);
  CASE(stack, dz_stack(3, ((dz_var[]){c, x, x}), 2), x, v, 0, 1, 1, 0, 0, 0, 0, -2, -2, 0, 3, 3, 0, 5, 5, 0,
       -1, -1);
  CASE(gather, dz_gather(x, at, 1), x, v, -2, 1, -1, 3);
  int64_t to[] = {1, 2, 2, 0, 0, 2, 1, 0, 4, 2};
  CASE(place, dz__record(DZ__F_place, 1, &y, 10, to), y, w, 0, 0, 10, 5, 0, 0, -5, 7);
  dz_var twice = data(DIMS(3), V(1, 1, -4));
  CASE(scatter, dz__record(DZ__F_scatter, 2, (dz_var[]){x, twice}, 2, (int64_t[]){1, 4}), x, v, -2, 1, 0, 0,
       -1, 8, 0, 0);
  CASE(matmul, dz_matmul(y, x), x, v, 12, 20, -4, 3, 0, -6);
  CASE(matmul, dz_matmul(y, x), y, w, 30, 45, 60, 28 - 5, 35 - 10, 42 - 15);
  CASE(matmul, dz_matmul(y, y), y, w, 0 - 20 + 15, 28 + 40, 30 + 21, -20 + 15);
  CASE(matmul, dz_matmul(dz_transpose(x), data(DIMS(2), V(2, 1))), x, v, 5, 5, -5);
  CASE(lu, dz__record(DZ__F_lu, 1, &y, 0, NULL), y, w, 0, 0, 0, 0, 0, 0);
  CASE(solve, dz_solve(y, data(DIMS(2), V(8, 3))), y, w, -3, -5);
  CASE(solve, dz_solve(data(DIMS(2, 2), V(0, 4, 2, 0)), x), x, v, 1.5, 2.5, -.5, .25, 0, -.5);
  CASE(noise, dz_noise(x, 7), x, v, 0, 0, 0, 0, 0, 0);
  for (int fn = DZ__F_POINTWISE_END; fn < DZ__F_END; fn++)
    ck_assert_msg(seen[fn], "%s is not tried", dz__ops[fn].name);
#undef CASE
}
END_TEST

/* A batch that broadcasts, and the careful sweep's own product: the same numbers, with an infinity beside. */
START_TEST(batched_products) {
  dz_var x = tensor(DIMS(2, 1, 2), V(1, 2, 3, 4)), y = tensor(DIMS(2, 2), V(5, 6, 7, 8));
  const double vx[] = {1, -1, 2, 0}, vy[] = {0, 1, -1, 2}, both[] = {1, -1, 2, 0, 0, 1, -1, 2};
  dz_var z = dz_matmul(x, y), pair[] = {x, y};
  expect(z, 1, &x, vx, VALUES(-2, -2, 10, 12));
  expect(z, 1, &y, vy, VALUES(-2, 5, -4, 11));
  expect(z, 2, pair, both, VALUES(-4, 3, 6, 23));
  dz_var s = dz_input(tape, 0), r = dz_mul(dz_sqrt(s), 0); /* slope inf, times 0: NaN once s moves */
  dz_var cat[] = {dz_reshape(z, 1, (size_t[]){4}), dz_reshape(r, 1, (size_t[]){1})};
  dz_var three[] = {x, y, s};
  expect(dz_concat(2, cat, 0), 3, three, V(1, -1, 2, 0, 0, 1, -1, 2, 1), VALUES(-4, 3, 6, 23, NAN));
  dz_var v = tensor(DIMS(2), V(2, 3));
  dz_var w[] = {dz_matmul(v, y), dz_matmul(x, v), dz_reshape(dz_matmul(v, v), 1, (size_t[]){1}), cat[1]};
  w[1] = dz_reshape(w[1], 1, (size_t[]){2});
  expect(dz_concat(4, w, 0), 2, ((dz_var[]){v, s}), V(1, -1, 1), VALUES(-2, -2, -1, -1, -2, NAN));
}
END_TEST

/* ---- hard points ---- */

/* sqrt has slope inf at 0; what the direction does not reach, or a mask does not pass, carries nothing. */
START_TEST(structural_zeros) {
  const double inf = (double)INFINITY;
  dz_var x = tensor(DIMS(3), V(0, 4, 9)), r = dz_sqrt(x);
  expect(r, 1, &x, V(0, 4, 6), VALUES(0, 1, 1));
  expect(r, 1, &x, V(1, 4, 6), VALUES(inf, 1, 1));
  expect(r, 1, &x, V(-1, 4, 6), VALUES(-inf, 1, 1));
  expect(dz_mul(r, r), 1, &x, V(1, 4, 6), VALUES(NAN, 4, 6));
  expect(dz_mul(r, r), 1, &x, V(0, 4, 6), VALUES(0, 4, 6));
  expect(dz_at(r, 0, 1), 1, &x, V(1, 4, 6), VALUES(1));
  expect(dz_max(r, 0, false), 1, &x, V(1, 4, 6), VALUES(1));
  expect(dz_min(r, 0, false), 1, &x, V(1, 4, 6), VALUES(inf));
  expect(dz_norm(r, 0, false), 1, &x, V(0, 4, 6), VALUES((2 + 3) / sqrt(13)));
  expect(dz_prod(r, 0, false), 1, &x, V(0, 4, 6), VALUES(0));
  expect(dz_prod(r, 0, false), 1, &x, V(1, 4, 6), VALUES(inf));
  expect(dz_cumsum(r, 0), 1, &x, V(0, 4, 6), VALUES(0, 1, 2));
  expect(dz_cumprod(r, 0), 1, &x, V(1, 4, 6), VALUES(inf, inf, inf));
  expect(dz_cumprod(dz_sqrt(tensor(DIMS(2), V(0, 1))), 0), 1, &x, V(1, 4, 6), VALUES(0, 0));
  expect(dz_cumprod(dz_mul(x, data(DIMS(3), V(1, inf, 1))), 0), 1, &x, V(2, 0, 0), VALUES(2, inf, inf));
  dz_var far = tensor(DIMS(3), V(inf, 2, 3));
  expect(dz_cumprod(far, 0), 1, &far, V(1, 0, 0), VALUES(1, 2, 6));
  dz_var c = dz_stack(2, ((dz_var[]){dz_num(0), dz_at(x, 0, 1)}), 0);
  expect(dz_sqrt(c), 1, &x, V(1, 4, 6), VALUES(0, 1));
  dz_var i = data(DIMS(2, 3), V(inf, 1, 1, 1, inf, 0)); /* a factor that is infinite where nothing moves */
  expect(dz_matmul(i, x), 1, &x, V(0, 0, 5), VALUES(5, 0));
  expect(dz_matmul(i, x), 1, &x, V(0, 2, 5), VALUES(7, inf));
  expect(dz_matmul(i, r), 1, &x, V(0, 4, 0), VALUES(1, inf));
}
END_TEST

START_TEST(scalar_hard_points) {
  const double inf = (double)INFINITY;
  dz_var x = dz_input(tape, 0), y = dz_input(tape, 3), r = dz_sqrt(x), pair[] = {x, y};
  expect(dz_add(r, y), 1, &y, V(2), VALUES(2));
  expect(dz_mul(r, y), 2, pair, V(0, 2), VALUES(0));
  expect(dz_mul(r, y), 2, pair, V(2, 2), VALUES(inf));
  expect(dz_mul(r, r), 1, &x, V(1), VALUES(NAN));
  expect(dz_where(1, y, r), 2, pair, V(1, 5), VALUES(5));
  expect(dz_where(dz_gt(y, 1), y, r), 2, pair, V(1, 5), VALUES(5));
  expect(dz_where(0, y, r), 2, pair, V(1, 5), VALUES(inf));
  expect(dz_relu(dz_neg(r)), 2, pair, V(1, 5), VALUES(0));
  expect(dz_fmax(r, y), 2, pair, V(1, 5), VALUES(5));
  expect(dz_fmax(y, y), 1, &y, V(4), VALUES(4));
  expect(dz_fmax(y, 3), 1, &y, V(4), VALUES(0));
  expect(dz_fmin(x, dz_mul(x, 1)), 1, &x, V(4), VALUES(4));
  expect(dz_max(dz_stack(2, ((dz_var[]){y, y}), 0), 0, false), 1, &y, V(4), VALUES(4));
  expect(dz_stop(y), 1, &y, V(4), VALUES(0));
  expect(dz_mul(dz_stop(y), y), 1, &y, V(4), VALUES(12));
  expect(dz_log(dz_neg(y)), 1, &y, V(4), VALUES(NAN));
  expect(dz_sub(y, y), 1, &y, V(inf), VALUES(NAN));
}
END_TEST

/* ---- the interface ---- */

START_TEST(leaves_and_outputs) {
  dz_var x = dz_input(tape, 2), y = dz_param(tape, 5), t = tensor(DIMS(2), V(3, 4));
  dz_var z = dz_mul(dz_mul(x, y), t), later = dz_input(tape, 1), ys[] = {z, x, later, dz_stop(t)};
  dz_var all[] = {t, x, y, later}, twice[] = {x, x};
  expect(z, 4, all, V(1, 0, 1, 0, 9), VALUES(10 + 15, 20));
  expect(z, 0, NULL, NULL, VALUES(0, 0));
  expect(z, 2, twice, V(1, 2), VALUES(45, 60));
  expect(x, 1, &x, V(7), VALUES(7));
  expect(x, 1, &later, V(7), VALUES(0));
  double out[6];
  ck_assert_int_eq(dz_tangents(4, ys, 4, all, V(1, 0, 1, 0, 9), out), DZ_OK);
  const double want[] = {25, 20, 1, 9, 0, 0};
  ck_assert_mem_eq(out, want, sizeof want);
  dz_var none = tensor(DIMS(0), NULL);
  expect(dz_sum(dz_mul(none, x), DZ_ALL, false), 2, ((dz_var[]){none, x}), V(1), VALUES(0));
  ck_assert_int_eq(dz_tangents(0, NULL, 0, NULL, NULL, NULL), DZ_OK);
  /* the reverse sweep's results stay */
  dz_backward(dz_sum(z, DZ_ALL, false));
  expect(z, 1, &x, V(1), VALUES(15, 20));
  ck_assert(dz_adjoint(x) == 35 && dz_adjoints(t)[1] == 10);
}
END_TEST

START_TEST(misuse) {
  double out[2];
  dz_var x = dz_input(tape, 2), z = dz_mul(x, x), c = dz_data(tape, 1), nothing = {0}, number = dz_num(2);
#define REFUSED(status, call)                                                                                \
  do {                                                                                                       \
    ck_assert_int_eq(call, status);                                                                          \
    dz_tape_forgive(tape);                                                                                   \
  } while (0)
  REFUSED(DZ_ERR_HANDLE, dz_tangent(number, 1, &x, V(1), out));
  REFUSED(DZ_ERR_HANDLE, dz_tangent(nothing, 1, &x, V(1), out));
  REFUSED(DZ_ERR_HANDLE, dz_tangent(z, 1, &nothing, V(1), out));
  REFUSED(DZ_ERR_HANDLE, dz_tangents(2, ((dz_var[]){z, number}), 1, &x, V(1), out));
  REFUSED(DZ_ERR_HANDLE, dz_tangents(2, ((dz_var[]){z, nothing}), 1, &x, V(1), out));
  REFUSED(DZ_ERR_ARGUMENT, dz_tangent(z, 1, &z, V(1), out));
  REFUSED(DZ_ERR_ARGUMENT, dz_tangent(z, 1, &c, V(1), out));
  REFUSED(DZ_ERR_ARGUMENT, dz_tangent(z, 1, &number, V(1), out));
  REFUSED(DZ_ERR_ARGUMENT, dz_tangent(z, -1, &x, V(1), out));
  REFUSED(DZ_ERR_ARGUMENT, dz_tangent(z, 1, NULL, V(1), out));
  REFUSED(DZ_ERR_ARGUMENT, dz_tangent(z, 1, &x, NULL, out));
  REFUSED(DZ_ERR_ARGUMENT, dz_tangent(z, 1, &x, V(1), NULL));
  REFUSED(DZ_ERR_ARGUMENT, dz_tangents(-1, &z, 1, &x, V(1), out));
  REFUSED(DZ_ERR_ARGUMENT, dz_tangents(1, NULL, 1, &x, V(1), out));
  dz_mark mark = dz_tape_mark(tape);
  dz_var stale = dz_mul(z, 2);
  dz_tape_rewind(tape, mark);
  REFUSED(DZ_ERR_HANDLE, dz_tangent(stale, 1, &x, V(1), out));
  dz_add(nothing, x);
  ck_assert_int_eq(dz_tangent(z, 1, &x, V(1), out), DZ_ERR_HANDLE); /* the tape's own error */
#undef REFUSED
}
END_TEST

/* A loop over values, tangents and a rewind allocates nothing after its first turn. */
START_TEST(memory_is_kept) {
  failing f = {0};
  dz_allocator a = failing_allocator(&f);
  dz_tape *t = dz_tape_new(&a);
  dz_var x = dz_leaf_tensor(t, DZ_ROLE_INPUT, DIMS(4), V(0, 2, 3, 4));
  dz_mark mark = dz_tape_mark(t);
  size_t calls = 0;
  for (int turn = 0; turn < 5; turn++) {
    double out;
    dz_var s = dz_sum(x, DZ_ALL, false);
    for (int k = 0; k < 300; k++) s = dz_sin(s);
    dz_var z = dz_mul(s, dz_norm(dz_sqrt(x), 0, false)), xs[] = {x};
    ck_assert_int_eq(dz_tangent(z, 1, xs, V(0, 1, 2, 3), &out), DZ_OK);
    ck_assert_int_eq(dz_tangent(z, 1, xs, V(1, 1, 2, 3), &out), DZ_OK); /* the careful way too */
    ck_assert(isnan(out));
    dz_tape_rewind(t, mark);
    if (turn == 0) calls = f.calls;
  }
  ck_assert_uint_eq(f.calls, calls);
  ck_assert_uint_ge(dz_tape_bytes(t), f.bytes / 2);
  dz_tape_free(t);
  ck_assert_uint_eq(f.blocks, 0);
}
END_TEST

static dz_status slope_of_a_norm(dz_tape *t, const dz_allocator *a, int kind) {
  (void)a, (void)kind;
  double values[100], out = 0;
  for (int i = 0; i < 100; i++) values[i] = i;
  dz_var x = dz_leaf_tensor(t, DZ_ROLE_INPUT, DIMS(10, 10), values);
  dz_var z = dz_norm(dz_matmul(dz_sqrt(x), dz_transpose(x)), DZ_ALL, false);
  z = dz_max(dz_stack(2, ((dz_var[]){dz_num(1), z}), 0), 0, false);
  return dz_valid(z) ? dz_tangent(z, 1, &x, values, &out) : dz_tape_error(t)->status;
}

START_TEST(every_allocation_may_fail) { fail_each_allocation(slope_of_a_norm, 0); }
END_TEST

/* No recursion, and time linear in the length: x + 1 + 1 + … and its square. */
START_TEST(a_long_chain) {
  dz_var x = dz_input(tape, 1), s = x;
  for (int k = 0; k < 3000000; k++) s = dz_add(s, 1);
  expect(dz_mul(s, s), 1, &x, V(2), VALUES(4. * 3000001));
}
END_TEST

#ifdef HAVE_QUADMATH
#define IN_QUADS EACH(every_pointwise_operation, DZ__F_POINTWISE_END),
#else
#define IN_QUADS
#endif
SUITE_ON_TAPE(IN_QUADS ONCE(every_tensor_operation), ONCE(batched_products), ONCE(structural_zeros),
              ONCE(scalar_hard_points), ONCE(leaves_and_outputs), ONCE(misuse), ONCE(memory_is_kept),
              ONCE(every_allocation_may_fail), ONCE(a_long_chain))
