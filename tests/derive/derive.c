/* Gradients as graphs against the sweep, at ordinary points and hard ones; their errors, places and order. */
#include "dz/derive.h"
#include "dz/check.h"
#include "dz/lang.h"
#include "dz/prelude.h"
#include "dz/print.h"
#include "dz/tensor.h"
#include "failing.h"

#include "calls.h"
#include "suite.h"

#include <math.h>
#include <stdio.h>

static const struct {
  const char *name;
  int arity;
  const char *text; /* of the partials */
} ops[] = {
#define OP1(name, low, high, value, dx) {#name, 1, #dx},
#define OP2(name, low, high, value, dx, dy) {#name, 2, #dx "," #dy},
#define OP3(name, low, high, value, dx, dy, dw) {#name, 3, #dx "," #dy "," #dw},
#include "ops/pointwise.def"
#undef OP1
#undef OP2
#undef OP3
};

/* What the kernels compute the partials by. */
#include "kernels/special.h"
static const char *const kernels[] = {
#define OP1(name, low, high, value, dx) #dx,
#define OP2(name, low, high, value, dx, dy) #dx "," #dy,
#define OP3(name, low, high, value, dx, dy, dw) #dx "," #dy "," #dw,
#include "ops/pointwise.def"
#undef OP1
#undef OP2
#undef OP3
};
enum { OPS = COUNT(ops) };

/* ---- hard points: bit for bit what the sweep says ---- */

static const double hard[] = {0,     -0.,    1,      -1,     .5,       -.5,       2,     -2,
                              3,     2.5,    -2.5,   30,     800,      -800,      1e150, -1e150,
                              1e308, -1e308, 5e-324, 1e-300, INFINITY, -INFINITY, NAN};
enum { HARD = COUNT(hard) };

/* Any NaN is as good as another, and the sweep adds to 0, which loses the sign of -0. */
static bool same_bits(double x, double y) { return x == y || (isnan(x) && isnan(y)); }

/* Where the kernels have a text of their own, it is the same number but for rounding, and but where a factor
   of the other text overflows or vanishes. */
static bool agree(int op, const double *v, double got, double swept) {
  if (same_bits(got, swept)) return true;
  if (strcmp(ops[op].text, kernels[op]) == 0) return false;
  for (int k = 0; k < ops[op].arity; k++)
    if (!(fabs(v[k]) <= 30 && (v[k] == 0 || fabs(v[k]) >= .5))) return true;
  return fabs(got - swept) <= 16 * 0x1p-53 * fabs(swept);
}

/* One case: g op(x …), x and g being leaves of their own. */
typedef struct hard_case {
  double v[3], g;
  dz_var x[4], y;
} hard_case;

static void record_case(dz_tape *t, int op, hard_case *c) {
  const int n = ops[op].arity;
  for (int k = 0; k < n; k++) c->x[k] = dz_input(t, c->v[k]);
  c->x[n] = dz_input(t, c->g);
  c->y = dz_mul(c->x[n], call[op](c->x));
}

/* The cases of one tape: all gradients of their sum, which gives each the seed 1. */
static void compare_cases(dz_tape *t, int op, size_t count, const hard_case *cases) {
  enum { MOST = 4 * 64 };
  const int n = ops[op].arity + 1;
  dz_var x[MOST], grad[MOST], y = cases[0].y;
  for (size_t i = 1; i < count; i++) y = dz_add(y, cases[i].y);
  for (size_t i = 0; i < count; i++)
    for (int k = 0; k < n; k++) x[(int)i * n + k] = cases[i].x[k];
  ck_assert_int_eq(dz_grad(y, (int)count * n, x, grad), DZ_OK);
  ck_assert_int_eq(dz_backward(y), DZ_OK);
  for (int i = 0; i < (int)count * n; i++) {
    const hard_case *c = &cases[i / n];
    ck_assert_msg(agree(op, c->v, dz_value(grad[i]), dz_adjoint(x[i])),
                  "%s at %a %a %a, gradient %a, operand %d: %a, swept %a", ops[op].name, c->v[0], c->v[1],
                  c->v[2], c->g, i % n, dz_value(grad[i]), dz_adjoint(x[i]));
  }
}

START_TEST(hard_points) {
  enum { TOGETHER = 64 };
  hard_case cases[TOGETHER];
  size_t count = 0;
  dz_tape *t = dz_tape_new(NULL);
  const int n = ops[_i].arity, all = n == 1 ? HARD : n == 2 ? HARD * HARD : HARD * HARD * HARD;
  const int step = n == 3 ? 7 : 1;
  for (int code = 0; code < all; code += step)
    for (int again = 0; again < 2; again++) {
      const double g = again ? (code % 2 ? 0 : INFINITY) : -1.5;
      cases[count] =
          (hard_case){.v = {hard[code % HARD], hard[code / HARD % HARD], hard[code / HARD / HARD]}, .g = g};
      record_case(t, _i, &cases[count++]);
      if (count < TOGETHER && !(again && code + step >= all)) continue;
      compare_cases(t, _i, count, cases);
      dz_tape_clear(t);
      count = 0;
    }
  dz_tape_free(t);
}
END_TEST

/* The same as one tensor with all hard points. */
START_TEST(hard_tensors) {
  int n = ops[_i].arity;
  static double v[3][HARD * HARD], seeds[HARD * HARD];
  for (int i = 0; i < HARD * HARD; i++) {
    v[0][i] = hard[i % HARD];
    v[1][i] = hard[i / HARD];
    v[2][i] = hard[(i * 5 + i / HARD) % HARD];
    seeds[i] = i % 3 ? 1.25 : 0;
  }
  const size_t dims[] = {HARD * HARD};
  dz_tape *t = dz_tape_new(NULL);
  dz_var x[3], grad[3], g = dz_leaf_tensor(t, DZ_ROLE_DATA, 1, dims, seeds);
  for (int k = 0; k < n; k++) x[k] = dz_leaf_tensor(t, DZ_ROLE_INPUT, 1, dims, v[k]);
  dz_var y = call[_i](x);
  ck_assert_int_eq(dz_grad_with(y, g, n, x, grad), DZ_OK);
  ck_assert_int_eq(dz_backward_with(y, g), DZ_OK);
  for (int k = 0; k < n; k++)
    for (int i = 0; i < HARD * HARD; i++) {
      const double at[3] = {v[0][i], v[1][i], v[2][i]};
      double got = dz_values(grad[k])[i], swept = dz_adjoints(x[k]) ? dz_adjoints(x[k])[i] : 0;
      ck_assert_msg(agree(_i, at, got, swept), "%s at %a %a %a, seed %g, operand %d: %a, swept %a",
                    ops[_i].name, v[0][i], v[1][i], v[2][i], seeds[i], k, got, swept);
    }
  dz_tape_free(t);
}
END_TEST

/* ---- tensor operations: exact in whole numbers, so bit for bit too ---- */

static void bind(dz_tape *t, const char *name, int rank, const size_t *dims, const double *values) {
  dz_set_name(dz_leaf_tensor(t, DZ_ROLE_INPUT, rank, dims, values), name);
}

static void bind_all(dz_tape *t) {
  static const double n[] = {3, -1, 2, 4, 1, -2, 5, 2, 1, -3, 2, 6};
  bind(t, "A", 2, (size_t[]){2, 3}, n);
  bind(t, "B", 2, (size_t[]){3, 2}, n + 1);
  bind(t, "C", 3, (size_t[]){2, 3, 2}, n);
  bind(t, "v", 1, (size_t[]){3}, n + 2);
  bind(t, "u", 1, (size_t[]){2}, n + 5);
  bind(t, "x", 0, NULL, n + 3);
  bind(t, "z", 1, (size_t[]){3}, (double[]){2, 0, 3});
}

static const char *const programs[] = {
    "sum(A*A)",
    "sum(A, axis=0)@v",
    "sum(sum(A, axis=1, keepdims=1)*A)",
    "sum(sum(C, axis=[0, 2])*v)",
    "sum(C)*x",
    "sum(prod(A, axis=0)*v)",
    "prod(z)",
    "prod(A)*x",
    "prod(C, axis=[0, 1])@u",
    "sum(prod(z*v)*z)",
    "max(A)",
    "sum(max(A, axis=0)*v)",
    "min(A, axis=1)@u",
    "max(v*0)",
    "sum(min(C, axis=[1, 2])*u)",
    "sum(cumsum(v)*v)",
    "sum(cumsum(A, axis=1)*A)",
    "sum(cumsum(A, axis=0)*A)",
    "sum(cumprod(v)*v)",
    "sum(cumprod(z)*v)",
    "sum(cumprod(A, axis=0)*A)",
    "sum(cumprod(C, axis=1)*C)",
    "sum(reshape(A, [3, 2])*B)",
    "sum(A'*B)",
    "sum(permute(C, [2, 0, 1])[0]*A)",
    "sum(broadcast_to(v, [2, 3])*A)",
    "sum(broadcast_to(x, [2, 3])*A)",
    "sum(A*v)",
    "sum(A + u[:1])*x",
    "A[1, 2]*A[0, 0]",
    "sum(A[:, ::-1]*A)",
    "sum(A[1]*v)",
    "sum(A[:, 1:]*B[:2])",
    "v[-1]*v[0]",
    "sum(gather(A, [0, 0, 1], axis=0)*A[0])",
    "sum(gather(v, [2, 2, 0, -1])*gather(v, [0, 1, 2, 0]))",
    "sum(concat([A, A*2], axis=1)[:, 2:5]*A)",
    "sum(concat([v, u])*concat([u, v]))",
    "sum(stack([v, z], axis=1)*B)",
    "sum([x, x*x, 2]*v)",
    "sum(A@B)",
    "sum(solve(A[:2, :2] + [[9, 0], [0, 9]], u[:2])^2)",
    "sum(solve(A[:2, :2] + [[9, 0], [0, 9]], A)*A)",
    "sum((A@v)^2)",
    "u@A@v",
    "v@B@u",
    "sum(v@z)*x",
    "sum(A@B@A)",
    "sum((A@C)[0]*B[:2])",
    "sum(C@B'[:, :2]'@u)",
    "sum(C@u)",
    "sum(x > 1 ? A : A*A)",
    "sum(A > 1 ? A*A : -A)",
    "sum(relu(A)*A)",
    "sum(max(A, 2)*A)",
    "sum(abs(A))*x",
    "sum(clamp(A, x - 4, x)*A)",
    "sum(where(A > v, A, v)*v)",
    "sum(A*stop(A))",
    "f(a) = sum(a*a); f(A) + f(v)*f(u)",
    "x*x*x",
    "x*x + 2/x*x - x",
    "sum(A)/4",
};

static const char *const names[] = {"A", "B", "C", "v", "u", "x", "z"};
enum { NAMES = 7 };

static void compare_gradients(dz_tape *t, dz_var y, const char *text, double slack) {
  dz_var x[NAMES], grad[NAMES];
  for (int k = 0; k < NAMES; k++) x[k] = dz_named(t, names[k]);
  ck_assert_msg(dz_valid(y), "%s: %s", text, dz_tape_error(t)->message);
  ck_assert_msg(dz_grad(y, NAMES, x, grad) == DZ_OK, "%s: %s", text, dz_tape_error(t)->message);
  ck_assert_int_eq(dz_backward(y), DZ_OK);
  for (int k = 0; k < NAMES; k++) {
    ck_assert_int_eq(dz_rank(grad[k]), dz_rank(x[k]));
    ck_assert_uint_eq(dz_size(grad[k]), dz_size(x[k]));
    for (size_t i = 0; i < dz_size(x[k]); i++) {
      double got = dz_values(grad[k])[i], swept = dz_adjoints(x[k])[i];
      ck_assert_msg(fabs(got - swept) <= slack * fabs(swept), "%s: d/d%s[%zu] is %a, swept %a", text,
                    names[k], i, got, swept);
    }
  }
}

START_TEST(tensor_gradients) {
  dz_tape *t = dz_tape_new(NULL);
  bind_all(t);
  compare_gradients(t, dz_expr(t, programs[_i]), programs[_i], 0);
  dz_tape_free(t);
}
END_TEST

/* These round: norm has z = sqrt(…), logsumexp a quotient; both roads have at most 4 operations for each. */
START_TEST(rounded_gradients) {
  static const char *const text[] = {"norm(v)", "sum(norm(A, axis=0)*v)", "logsumexp(v)",
                                     "logsumexp(A, axis=1)@u", "x*norm(z)"};
  dz_tape *t = dz_tape_new(NULL);
  bind_all(t);
  compare_gradients(t, dz_expr(t, text[_i]), text[_i], 8 * 0x1p-53);
  dz_tape_free(t);
}
END_TEST

/* ---- second derivatives: the gradient's graph, differentiated by the sweep, against differences ---- */

static const char *const twice[] = {
    "d(sum(v^3), v)@v",
    "d(sum((A@v)^2), v)@v",
    "sum(d(sum(tanh(A@v)), A)*A)",
    "d(norm(v), v)@z",
    "d(logsumexp(v*x), v)@z",
    "sum(d(sum(softmax(A@v)*u), A)^2)",
    "d(prod(v*x), v)@v",
    "d(sum(cumprod(v)*v), v)@z",
    "d(sum(cumsum(v)^3), v)@z",
    "sum(d(sum((A@B)^2), B)*B)",
    "sum(d(prod(C*x, axis=[0, 2])@v, C)*C)",
    "sum(d(sum(concat([v, u])^3), u)*u)",
    "d(sum(gather(v, [0, 0, 2])^3), v)@z",
    "d(sum(v[1:]^3)*v[0], v)@z",
    "d(sum(sigmoid(v)*v), v)@v",
    "d(x^3*sin(x), x)*x",
    "sum(d(cross_entropy(A, [0, 2]), A)*A)",
    "d(std(v), v)@z",
    "d(x^2.5*exp(-x), x, x)",
    "d(atan2(x, x*x + 1), x, x)",
    "sum(d(max(A*x, axis=1)@u, A)*A)",
    "d(sum(v*v > 1 ? v^3 : v), v)@z",
    "d(hypot(x, x*x), x)",
};

static dz_var record_twice(dz_tape *t, const dz_var *leaves, void *user) {
  (void)leaves;
  return dz_expr(t, user);
}

START_TEST(second_derivatives) {
  dz_tape *t = dz_tape_new(NULL);
  bind_all(t);
  dz_check_point points[NAMES];
  size_t dims[NAMES][DZ_MAX_RANK];
  for (int k = 0; k < NAMES; k++) {
    dz_var x = dz_named(t, names[k]);
    for (int i = 0; i < dz_rank(x); i++) dims[k][i] = dz_extent(x, i);
    points[k] =
        (dz_check_point){.name = names[k], .rank = dz_rank(x), .dims = dims[k], .values = dz_values(x)};
  }
  static double values[NAMES][12];
  for (int k = 0; k < NAMES; k++) {
    for (size_t i = 0; i < dz_size(dz_named(t, names[k])); i++)
      values[k][i] = points[k].values[i] / 4 + .03 * k;
    points[k].values = values[k];
  }
  dz_check_report r;
  dz_error e = {.status = DZ_OK};
  dz_status status = dz_check(record_twice, (void *)(uintptr_t)twice[_i], NAMES, points, NULL, NULL, &r, &e);
  ck_assert_msg(status == DZ_OK, "%s: %s", twice[_i], e.message);
  ck_assert_msg(r.checked > 0 && r.agreed == r.checked, "%s: %zu of %zu agree", twice[_i], r.agreed,
                r.checked);
  dz_tape_free(t);
}
END_TEST

/* ---- what is written ---- */

static bool on_paper(void *user, const char *text, size_t size) {
  strncat(user, text, size);
  return true;
}

static const char *text_of(dz_var y) {
  static char text[4000];
  text[0] = 0;
  ck_assert_int_eq(dz_print(y, NULL, on_paper, text), DZ_OK);
  return text;
}

/* Nothing is written for factors of 1, and sums go in the order in which the uses stand. */
START_TEST(formulas) {
  static const struct {
    const char *y, *by_x;
  } rows[] = {{"x", "1"},           {"x + x", "2"},
              {"x*y", "y"},         {"y*x", "y"},
              {"x*x", "x + x"},     {"x - y", "1"},
              {"y - x", "-1"},      {"x*y + sin(x)", "y + cos(x)"},
              {"exp(x)", "exp(x)"}, {"2*x", "2"},
              {"-x", "-1"},         {"exp(2*x)", "exp(2*x)*2"},
              {"y^2", "0"},         {"stop(x)*x", "stop(x)"},
              {"x/y", "1/y"},       {"sin(x*y)", "cos(x*y)*y"},
              {"floor(x) + x", "1"}};
  for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
    dz_tape *t = dz_tape_new(NULL);
    dz_set_name(dz_input(t, 1.5), "x");
    dz_set_name(dz_input(t, -.5), "y");
    dz_var g = dz_derivative(dz_expr(t, rows[k].y), dz_named(t, "x"));
    if (strstr(rows[k].y, "floor"))
      ck_assert_double_eq(dz_value(g), 1);
    else
      ck_assert_str_eq(text_of(g), rows[k].by_x);
    dz_tape_free(t);
  }
}
END_TEST

START_TEST(interior_nodes_and_several) {
  dz_tape *t = dz_tape_new(NULL);
  dz_var x = dz_input(t, 3), s = dz_mul(x, x), c = dz_const(t, 2), y = dz_mul(dz_add(s, x), c),
         later = dz_input(t, 1);
  dz_var xs[] = {s, x, c, later, y}, g[5];
  ck_assert_int_eq(dz_grad(y, 5, xs, g), DZ_OK);
  const double want[] = {2, 14, 0, 0, 1};
  for (int k = 0; k < 5; k++) ck_assert_double_eq(dz_value(g[k]), want[k]);
  ck_assert_int_eq(dz_grad(y, 0, NULL, NULL), DZ_OK);
  dz_tape_free(t);
}
END_TEST

START_TEST(seeds) {
  dz_tape *t = dz_tape_new(NULL);
  dz_var x = dz_input(t, 3), w = dz_input(t, 5), y = dz_mul(x, x), g;
  ck_assert_int_eq(dz_grad_with(y, 10, 1, &x, &g), DZ_OK);
  ck_assert_double_eq(dz_value(g), 60);
  ck_assert_int_eq(dz_grad_with(y, w, 1, &x, &g), DZ_OK);
  ck_assert_double_eq(dz_value(g), 30);
  ck_assert_double_eq(dz_value(dz_derivative(g, w)), 6);
  dz_var v = dz_leaf_tensor(t, DZ_ROLE_INPUT, 1, (size_t[]){2}, (double[]){2, 3}), z = dz_mul(v, v);
  ck_assert_int_eq(
      dz_grad_with(z, dz_leaf_tensor(t, DZ_ROLE_CONST, 1, (size_t[]){2}, (double[]){1, 10}), 1, &v, &g),
      DZ_OK);
  ck_assert_double_eq(dz_values(g)[0], 4);
  ck_assert_double_eq(dz_values(g)[1], 60);
  dz_tape_free(t);
}
END_TEST

START_TEST(errors) {
  dz_tape *t = dz_tape_new(NULL), *other = dz_tape_new(NULL);
  dz_var x = dz_input(t, 3), y = dz_mul(x, x), g = x, o = dz_input(other, 1), number = dz_num(2);
  dz_var v = dz_leaf_tensor(t, DZ_ROLE_INPUT, 1, (size_t[]){2}, (double[]){2, 3});
  ck_assert_int_eq(dz_grad(y, -1, &x, &g), DZ_ERR_ARGUMENT);
  ck_assert_int_eq(dz_grad(y, 1, NULL, &g), DZ_ERR_ARGUMENT);
  ck_assert_int_eq(dz_grad(y, 1, &x, NULL), DZ_ERR_ARGUMENT);
  ck_assert_int_eq(dz_grad(number, 1, &x, &g), DZ_ERR_HANDLE);
  ck_assert_int_eq(dz_grad((dz_var){0}, 1, &x, &g), DZ_ERR_HANDLE);
  const struct {
    dz_var y, x;
    dz_status status;
  } rows[] = {{y, o, DZ_ERR_HANDLE},
              {y, number, DZ_ERR_HANDLE},
              {v, v, DZ_ERR_SHAPE},
              {y, {.tape = t, .id = DZ__NONE}, DZ_ERR_HANDLE}};
  for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
    size_t nodes = dz_tape_size(t);
    ck_assert_int_eq(dz_grad(rows[k].y, 1, &rows[k].x, &g), rows[k].status);
    ck_assert(!dz_valid(g));
    ck_assert_int_eq(dz_tape_error(t)->status, rows[k].status);
    ck_assert_uint_eq(dz_tape_size(t), nodes);
    dz_tape_forgive(t);
  }
  ck_assert_double_eq(dz_value(dz_derivative(y, x)), 6);
  dz_tape_free(t);
  dz_tape_free(other);
}
END_TEST

/* Nodes of a derivative say which operation they belong to; the tape's own place is as before. */
START_TEST(places) {
  dz_tape *t = dz_tape_new(NULL);
  dz_var x = dz_input(t, 3);
  dz_set_name(x, "x");
  dz_var y = dz_expr(t, "s = 1 +\n  sin(x)");
  dz_tape_at(t, 7, 8);
  dz_node g = dz_describe(dz_derivative(y, x)), own = dz_describe(dz_sin(x));
  ck_assert_str_eq(g.op, "cos");
  ck_assert_int_eq(g.line, 2);
  ck_assert_int_eq(g.column, 3);
  ck_assert_int_eq(own.line, 7);
  ck_assert_int_eq(own.column, 8);
  dz_tape_free(t);
}
END_TEST

/* Rules and functions of the prelude run on one machine: neither disturbs the other, however often. */
START_TEST(rules_among_other_calls) {
  dz_tape *t = dz_tape_new(NULL);
  dz_var v = dz_leaf_tensor(t, DZ_ROLE_INPUT, 1, (size_t[]){2}, (double[]){1, 2}), x = dz_input(t, 1);
  dz_mark start = dz_tape_mark(t);
  for (int turn = 0; turn < EFFORT(2000, 40); turn++) {
    dz_var m = dz_mean(v, DZ_ALL, false), y = dz_mul(dz_sigmoid(x), m);
    for (int k = 0; k < 50; k++) y = dz_sigmoid(dz_mul(y, x));
    dz_var g = dz_derivative(y, x), softmax = dz_softmax(v, 0);
    ck_assert(dz_valid(g) && dz_valid(softmax));
    dz_tape_rewind(t, start);
  }
  dz_tape_free(t);
}
END_TEST

START_TEST(memory_fails) {
  size_t at = 0;
  bool failed = true;
  for (at = 1; failed && at < 3000; at += EFFORT(1, 1 + at / 2)) {
    failing f = {0};
    dz_allocator a = failing_allocator(&f);
    dz_tape *t = dz_tape_new(&a);
    dz_var v = dz_leaf_tensor(t, DZ_ROLE_INPUT, 1, (size_t[]){3}, (double[]){1, 2, 3}), x = dz_input(t, 2);
    dz_var y = dz_sum(dz_mul(dz_tanh(dz_mul(v, x)), dz_cumprod(v, 0)), DZ_ALL, false), xs[] = {v, x}, g[2];
    ck_assert(dz_valid(y));
    f.at = f.calls + at;
    dz_status status = dz_grad(y, 2, xs, g);
    failed = f.failed > 0;
    ck_assert_int_eq(status, failed ? DZ_ERR_MEMORY : DZ_OK);
    ck_assert_int_eq(dz_valid(g[0]) && dz_valid(g[1]), !failed);
    if (failed) ck_assert_int_eq(dz_tape_error(t)->status, DZ_ERR_MEMORY);
    f.at = 0;
    if (failed) { /* the tape is usable again */
      dz_tape_forgive(t);
      ck_assert_int_eq(dz_grad(y, 2, xs, g), DZ_OK);
    }
    dz_tape_free(t);
    ck_assert_uint_eq(f.blocks, 0);
  }
  ck_assert(!failed);
}
END_TEST

SUITE(EACH(hard_points, OPS), EACH(hard_tensors, OPS), EACH(tensor_gradients, COUNT(programs)),
      EACH(rounded_gradients, 5), EACH(second_derivatives, COUNT(twice)), ONCE(formulas),
      ONCE(interior_nodes_and_several), ONCE(seeds), ONCE(errors), ONCE(places),
      ONCE(rules_among_other_calls), ONCE(memory_fails))
