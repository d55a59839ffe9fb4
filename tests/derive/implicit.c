/* Implicit functions: against closed forms (roots of numbers, Kepler's equation, linear systems), in both
   sweeps and in derivatives of higher order. */
#include "dz/implicit.h"
#include "dz/check.h"
#include "dz/derive.h"
#include "dz/jacobian.h"
#include "dz/sweep.h"
#include "dz/tangent.h"
#include "dz/tensor.h"
#include "failing.h"
#include "on_tape.h"

#ifdef HAVE_QUADMATH
#include "quad.h"
#endif

#include <math.h>

static dz_var input(int rank, const size_t *dims, const double *values) {
  return dz_leaf_tensor(tape, DZ_ROLE_INPUT, rank, dims, values);
}

static void expect_ulps(double got, double want, double ulps, const char *what) {
  double ulp = fabs(want) > 0 ? ldexp(1, ilogb(want) - 52) : 0;
  ck_assert_msg(fabs(got - want) <= ulps * ulp, "%s: %.17g, not %.17g", what, got, want);
}

/* ---- square roots ---- */

typedef struct problem {
  dz_var p[2];
  int calls;
  double wild;
} problem;

static dz_var square(dz_tape *t, dz_var x, void *user) {
  problem *q = user;
  (void)t;
  q->calls++;
  return dz_sub(dz_mul(x, x), q->p[0]);
}

/* Heron's iteration, a fixed point. */
static dz_var heron(dz_tape *t, dz_var x, void *user) {
  problem *q = user;
  (void)t;
  q->calls++;
  return dz_mul(dz_add(x, dz_div(q->p[0], x)), .5);
}

START_TEST(roots_of_numbers) {
  for (int k = 0; k < 2; k++) {
    problem q = {.p = {dz_input(tape, 4)}};
    size_t before = dz_tape_size(tape);
    dz_var x = k ? dz_fixed_point(tape, heron, &q, 1, NULL) : dz_root(tape, square, &q, 1, NULL);
    ck_assert_msg(dz_valid(x), "%s", dz_tape_error(tape)->message);
    ck_assert(dz_rank(x) == 0 && dz_value(x) == 2);
    ck_assert_uint_le(dz_tape_size(tape) - before, 8); /* whatever the iterations were */
    ck_assert_int_eq(dz_backward(dz_mul(x, x)), DZ_OK);
    ck_assert(dz_adjoint(q.p[0]) == 1);
    double out;
    ck_assert_int_eq(dz_tangent(x, 1, q.p, V(1), &out), DZ_OK);
    ck_assert(out == .25);
  }
  problem q = {.p = {input(DIMS(2, 2), V(1, 4, 9, 16))}};
  dz_var x = dz_root(tape, square, &q, dz_add(dz_stop(q.p[0]), 1), NULL);
  ck_assert_int_eq(dz_rank(x), 2);
  for (int i = 0; i < 4; i++) ck_assert(dz_values(x)[i] == i + 1);
  ck_assert_int_eq(dz_backward(dz_sum(x, DZ_ALL, false)), DZ_OK);
  for (int i = 0; i < 4; i++) expect_ulps(dz_adjoints(q.p[0])[i], .5 / (i + 1), 2, "slope of sqrt");
}
END_TEST

/* sqrt(p): derivatives 1/2 p^-1/2, -1/4 p^-3/2, 3/8 p^-5/2 at 4; as many are right as were asked for. */
START_TEST(orders) {
  static const double want[] = {2, .25, -1. / 32, 3. / 256, -15. / 2048};
  for (int order = 1; order <= 4; order++) {
    problem q = {.p = {dz_input(tape, 4)}};
    dz_var y = dz_root(tape, square, &q, 3, &(dz_implicit_options){.order = order});
    for (int k = 0; k <= order; k++) {
      expect_ulps(dz_value(y), want[k], 16, "derivative");
      y = dz_derivative(y, q.p[0]);
    }
  }
}
END_TEST

/* ---- Kepler's equation: E - e sin E = M ---- */

#ifdef HAVE_QUADMATH

static dz_var kepler(dz_tape *t, dz_var x, void *user) {
  problem *q = user;
  (void)t;
  return dz_sub(dz_sub(x, dz_mul(q->p[0], dz_sin(x))), q->p[1]);
}

static dz_var kepler_fixed(dz_tape *t, dz_var x, void *user) {
  problem *q = user;
  (void)t;
  return dz_add(dz_mul(q->p[0], dz_sin(x)), q->p[1]);
}

/* With r = 1 - e cos E: dE/dM = 1/r, dE/de = sin E/r, d2E/dM2 = -e sin E/r^3,
   d2E/de2 = (2 sin E cos E - e sin^3 E/r)/r^2, d2E/de dM = cos E/r^2 - e sin^2 E/r^3. Each is known to a few
   roundings divided by r once more for each r, since E itself is. */
static void check_kepler(double e, double m, bool fixed) {
  problem q = {.p = {dz_input(tape, e), dz_input(tape, m)}};
  dz_implicit_options o = {.order = 2};
  dz_var x = fixed ? dz_fixed_point(tape, kepler_fixed, &q, m, &o) : dz_root(tape, kepler, &q, m, &o), g[2],
         h[2];
  ck_assert_msg(dz_valid(x), "%s", dz_tape_error(tape)->message);
  quad E = m;
  for (int i = 0; i < 200; i++) E -= (E - e * sinq(E) - m) / (1 - e * cosq(E));
  quad s = sinq(E), c = cosq(E), r = 1 - e * c, u = 0x1p-53;
  const quad want[] = {E,
                       s / r,
                       1 / r,
                       (2 * s * c - e * s * s * s / r) / (r * r),
                       c / (r * r) - e * s * s / (r * r * r),
                       -e * s / (r * r * r)};
  ck_assert_int_eq(dz_grad(x, 2, q.p, g), DZ_OK);
  ck_assert_int_eq(dz_grad(g[0], 2, q.p, h), DZ_OK);
  const double got[] = {dz_value(x),    dz_value(g[0]), dz_value(g[1]),
                        dz_value(h[0]), dz_value(h[1]), dz_value(dz_derivative(g[1], q.p[1]))};
  for (int i = 0; i < 6; i++) {
    quad size = fabsq(E) + 1, loss = 32 * u * size / quad_power(r, i == 0 ? 1 : i < 3 ? 3 : 5);
    ck_assert_msg(fabsq(got[i] - want[i]) <= loss, "%d of e = %g, M = %g: %.17g, not %.17g, allowed %g", i, e,
                  m, got[i], (double)want[i], (double)loss);
  }
  ck_assert_int_eq(dz_backward(x), DZ_OK);
  ck_assert(dz_adjoint(q.p[0]) == got[1] && dz_adjoint(q.p[1]) == got[2]);
}

START_TEST(keplers_equation) {
  static const double e[] = {0, .1, .5, .9}, m[] = {.01, 1, 2.5, 6};
  for (int i = 0; i < 4; i++)
    for (int k = 0; k < 4; k++) {
      check_kepler(e[i], m[k], false);
      check_kepler(e[i], m[k], true);
    }
}
END_TEST

#endif

/* ---- systems ---- */

/* x = A x / 8 + b: the solution is (I - A/8)^-1 b. */
static dz_var affine(dz_tape *t, dz_var x, void *user) {
  problem *q = user;
  (void)t;
  return dz_add(dz_matmul(q->p[0], dz_div(x, 8)), q->p[1]);
}

START_TEST(linear_systems) {
  problem q = {.p = {input(DIMS(2, 2), V(4, 0, 2, 4)), input(DIMS(2), V(1, 1))}};
  /* I - A/8 = [[1/2, 0], [-1/4, 1/2]], its inverse [[2, 0], [1, 2]]; x = [2, 3]; u for [1, 1] is [3, 2] */
  dz_var x = dz_fixed_point(tape, affine, &q, dz_mul(q.p[1], 0), NULL);
  ck_assert_msg(dz_valid(x), "%s", dz_tape_error(tape)->message);
  ck_assert(dz_values(x)[0] == 2 && dz_values(x)[1] == 3);
  ck_assert_int_eq(dz_backward(dz_sum(x, 0, false)), DZ_OK);
  const double *to_a = dz_adjoints(q.p[0]), *to_b = dz_adjoints(q.p[1]);
  ck_assert(to_b[0] == 3 && to_b[1] == 2);
  ck_assert(to_a[0] == .75 && to_a[1] == 9. / 8 && to_a[2] == .5 && to_a[3] == .75);
  double jacobian[4];
  ck_assert_int_eq(dz_jacobian(x, q.p[1], jacobian), DZ_OK);
  ck_assert(jacobian[0] == 2 && jacobian[1] == 0 && jacobian[2] == 1 && jacobian[3] == 2);
  /* no contraction, but the solution is known: x = -x + b at b/2 */
  problem p = {.p = {input(DIMS(1, 1), V(-8)), input(DIMS(1), V(3))}};
  dz_var y =
      dz_fixed_point(tape, affine, &p, dz_div(dz_stop(p.p[1]), 2), &(dz_implicit_options){.solved = true});
  ck_assert(dz_values(y)[0] == 1.5);
  ck_assert_int_eq(dz_backward(y), DZ_OK);
  ck_assert(dz_adjoints(p.p[1])[0] == .5);
}
END_TEST

static dz_var shrink(dz_tape *t, dz_var x, void *user) {
  problem *q = user;
  (void)t;
  return dz_mul(dz_mul(x, .5), q->p[0]);
}

/* A solution of 0 from afar; nothing to solve for; an equation without a parameter; one in another. */
static dz_var nested(dz_tape *t, dz_var x, void *user) {
  problem *outer = user, inner = {.p = {dz_add(dz_mul(x, x), outer->p[0])}};
  return dz_sub(dz_root(t, square, &inner, 2, NULL), 3); /* sqrt(x^2 + p) = 3 */
}

static dz_var constant(dz_tape *t, dz_var x, void *user) {
  (void)t, (void)user;
  return dz_is_number(x) ? x : dz_sub(x, 7);
}

static dz_var flattening(dz_tape *t, dz_var x, void *user) {
  problem *q = user;
  (void)t;
  return dz_sub(dz_atan(x), q->p[0]);
}

/* Whole Newton steps would jump farther and farther out. */
START_TEST(from_afar) {
  static const double starts[] = {10, -1e3, 1e6};
  for (int i = 0; i < 3; i++) {
    problem q = {.p = {dz_input(tape, i ? .5 : 0)}};
    dz_var x = dz_root(tape, flattening, &q, starts[i], NULL);
    ck_assert_msg(dz_valid(x), "%s", dz_tape_error(tape)->message);
    expect_ulps(dz_value(x), i ? 0.54630248984379051 : 0, 2, "tan(1/2)");
    ck_assert_int_eq(dz_backward(x), DZ_OK);
    expect_ulps(dz_adjoint(q.p[0]), i ? 1.2984464104095249 : 1, 4, "1 + tan(1/2)^2");
  }
}
END_TEST

static dz_var creeping(dz_tape *t, dz_var x, void *user) {
  problem *q = user;
  (void)t;
  return dz_add(dz_mul(x, .875), dz_mul(q->p[0], .125));
}

/* An iteration of small steps stops far before the solution; a whole Newton step leads there, in dyadic
   numbers to the bit. */
START_TEST(from_where_it_creeps) {
  problem q = {.p = {dz_input(tape, 3)}};
  const dz_implicit_options rough = {.tolerance = .03125};
  const dz_var x = dz_fixed_point(tape, creeping, &q, input(DIMS(2), V(1, 2)), &rough);
  ck_assert_msg(dz_valid(x), "%s", dz_tape_error(tape)->message);
  ck_assert(dz_values(x)[0] == 3 && dz_values(x)[1] == 3);
  const dz_var one = dz_fixed_point(tape, creeping, &q, 1, &rough);
  ck_assert(dz_value(one) == 3);
  ck_assert_int_eq(dz_backward(one), DZ_OK);
  ck_assert(dz_adjoint(q.p[0]) == 1);
}
END_TEST

START_TEST(edges) {
  problem q = {.p = {dz_input(tape, 1)}};
  dz_var x = dz_fixed_point(tape, shrink, &q, 1e6, NULL);
  ck_assert_msg(dz_valid(x), "%s", dz_tape_error(tape)->message);
  ck_assert(dz_value(x) == 0);
  dz_var none = dz_root(tape, square, &q, input(DIMS(0), NULL), NULL);
  ck_assert(dz_valid(none) && dz_size(none) == 0);
  dz_var seven = dz_root(tape, constant, NULL, 1, NULL);
  ck_assert(dz_value(seven) == 7 && !dz_is_active(seven));
  problem p = {.p = {dz_input(tape, 5)}};
  dz_var two = dz_root(tape, nested, &p, 1, NULL);
  ck_assert_msg(dz_valid(two), "%s", dz_tape_error(tape)->message);
  expect_ulps(dz_value(two), 2, 1, "nested");
  ck_assert_int_eq(dz_backward(two), DZ_OK);
  expect_ulps(dz_adjoint(p.p[0]), -.25, 4, "nested slope"); /* x = sqrt(9 - p) */
  ck_assert_int_eq(dz_tape_error(tape)->status, DZ_OK);
  /* x^2 + 1 at its least: a Newton step leads far out, and is halved thirty times in vain. */
  problem no = {.p = {dz_input(tape, -1)}};
  ck_assert(!dz_valid(dz_root(tape, square, &no, 1e-8, &(dz_implicit_options){.limit = 1})));
  ck_assert_int_eq(no.calls, 1 + 30);
}
END_TEST

/* ---- checked by slopes ---- */

/* x with sin(x) + x = p, times x; `wild` adds a lost gradient. */
static dz_var bent(dz_tape *t, dz_var x, void *user) {
  problem *q = user;
  (void)t;
  return dz_sub(dz_add(dz_sin(x), x), q->p[0]);
}

static dz_var model(dz_tape *t, const dz_var *v, void *user) {
  problem q = {.p = {v[0]}}, *of = user;
  dz_var x = dz_root(t, bent, &q, v[0], NULL);
  return dz_mul(x, of->wild > 0 ? dz_stop(x) : x);
}

static dz_var model_of_sum(dz_tape *t, const dz_var *v, void *user) {
  return dz_sum(model(t, v, user), DZ_ALL, false);
}

START_TEST(slopes) {
  double p[] = {1, 2, 3};
  const size_t three[] = {3};
  dz_check_report r;
  for (int wild = 0; wild < 2; wild++)
    for (int rank = 0; rank < 2; rank++) {
      problem q = {.wild = wild};
      dz_check_point at = {.role = DZ_ROLE_INPUT, .rank = rank, .dims = three, .values = p};
      ck_assert_int_eq(dz_check(rank ? model_of_sum : model, &q, 1, &at, NULL, NULL, &r, NULL), DZ_OK);
      ck_assert_uint_eq(wild ? r.wrong : r.agreed, r.checked);
      ck_assert_int_eq(r.fault.kind, wild ? DZ_FAULT_DETACHED : DZ_FAULT_NONE);
      ck_assert_int_eq(r.taylor.verdict, wild ? DZ_VERDICT_WRONG : DZ_VERDICT_AGREES);
    }
}
END_TEST

/* ---- failures ---- */

static dz_var no_root(dz_tape *t, dz_var x, void *user) {
  (void)t, (void)user;
  return dz_add(dz_mul(x, x), 1);
}
static dz_var grow(dz_tape *t, dz_var x, void *user) {
  (void)t, (void)user;
  return dz_mul(x, -3);
}
static dz_var wrong_shape(dz_tape *t, dz_var x, void *user) {
  (void)t, (void)user;
  return dz_stack(2, ((dz_var[]){x, x}), 0);
}
static dz_var broken(dz_tape *t, dz_var x, void *user) {
  (void)t, (void)user;
  return dz_add(x, (dz_var){0});
}
static dz_var nothing(dz_tape *t, dz_var x, void *user) {
  (void)t, (void)user, (void)x;
  return (dz_var){0};
}
static dz_var flat(dz_tape *t, dz_var x, void *user) {
  problem *q = user;
  (void)t;
  return dz_sub(dz_mul(dz_mul(x, x), x), q->p[0]);
}
static dz_var steep(dz_tape *t, dz_var x, void *user) {
  (void)t, (void)user;
  return dz_cbrt(x);
}

static void refused(dz_var x, size_t nodes, dz_status status, const char *message) {
  ck_assert(!dz_valid(x));
  const dz_error *e = dz_tape_error(tape);
  ck_assert_msg(e->status == status, "%d: %s", e->status, e->message);
  ck_assert_str_eq(e->message, message);
  ck_assert_uint_eq(dz_tape_size(tape), nodes);
  dz_tape_forgive(tape);
}

START_TEST(failures) {
  problem q = {.p = {dz_input(tape, 0)}};
  size_t n = dz_tape_size(tape);
  dz_implicit_options few = {.limit = 7}, solved = {.solved = true};
  refused(dz_fixed_point(tape, grow, NULL, 1, &few), n, DZ_ERR_LIMIT,
          "fixed_point: no convergence in 7 iterations: x still changes by 2920");
  refused(dz_fixed_point(tape, grow, NULL, 1, NULL), n, DZ_ERR_LIMIT,
          "fixed_point: no convergence: x is not finite any more");
  dz_var bad = dz_root(tape, no_root, NULL, .5, NULL);
  ck_assert(!dz_valid(bad));
  ck_assert_int_eq(dz_tape_error(tape)->status, DZ_ERR_LIMIT);
  dz_tape_forgive(tape);
  refused(dz_root(tape, flat, &q, 0, &solved), n, DZ_ERR_ARGUMENT,
          "root: the Jacobian is singular, so x has no slope");
  refused(dz_root(tape, steep, NULL, 0, &solved), n, DZ_ERR_ARGUMENT, "root: the Jacobian is not finite");
  refused(dz_root(tape, wrong_shape, NULL, 1, NULL), n, DZ_ERR_SHAPE,
          "root: the equation's result has another shape than x");
  refused(dz_root(tape, broken, NULL, 1, NULL), n, DZ_ERR_HANDLE,
          "an operand is no handle (all zero: never set?)");
  refused(dz_root(tape, nothing, NULL, 1, NULL), n, DZ_ERR_HANDLE,
          "root: the equation gave no live handle of its tape");
  refused(dz_root(tape, NULL, NULL, 1, NULL), n, DZ_ERR_ARGUMENT,
          "root: an equation, and options that are not negative, are needed");
  refused(dz_root(tape, square, &q, 1, &(dz_implicit_options){.tolerance = (double)NAN}), n, DZ_ERR_ARGUMENT,
          "root: an equation, and options that are not negative, are needed");
  ck_assert(!dz_valid(dz_root(NULL, square, &q, 1, NULL)));
  dz_var stale = {0};
  ck_assert(!dz_valid(dz_root(tape, square, &q, stale, NULL)));
  ck_assert_int_eq(dz_tape_error(tape)->status, DZ_ERR_HANDLE);
  ck_assert(!dz_valid(dz_root(tape, square, &q, 1, NULL))); /* the tape has an error */
}
END_TEST

START_TEST(every_allocation_may_fail) {
  for (size_t k = 1;; k++) {
    failing f = {.at = k};
    dz_allocator alloc = failing_allocator(&f);
    dz_tape *t = dz_tape_new(&alloc);
    bool done = false;
    if (t) {
      problem q = {.p = {dz_leaf_tensor(t, DZ_ROLE_INPUT, DIMS(2, 2), V(4, 0, 2, 4)),
                         dz_leaf_tensor(t, DZ_ROLE_INPUT, DIMS(2), V(1, 1))}};
      dz_var x = dz_fixed_point(t, affine, &q, dz_mul(q.p[1], 0), NULL);
      done = dz_valid(x) && dz_backward(dz_sum(x, 0, false)) == DZ_OK;
      if (!done) ck_assert_int_eq(dz_tape_error(t)->status, DZ_ERR_MEMORY);
    }
    dz_tape_free(t);
    ck_assert(f.blocks == 0 && f.bytes == 0);
    if (done) break;
    ck_assert_uint_lt(k, 1000);
  }
}
END_TEST

#ifdef HAVE_QUADMATH
#define WITH_QUADS ONCE(keplers_equation),
#else
#define WITH_QUADS
#endif

SUITE_ON_TAPE(WITH_QUADS ONCE(roots_of_numbers), ONCE(orders), ONCE(linear_systems), ONCE(from_afar),
              ONCE(from_where_it_creeps), ONCE(edges), ONCE(slopes), ONCE(failures),
              ONCE(every_allocation_may_fail))
