/* Operations that a user defines by text: numbers, derivatives, refusals. */
#include "userop.h"

/* ---- sweeps ---- */

/* The texts are the C expressions below, operation by operation, so the numbers are the same. */
START_TEST(value_and_adjoint) {
  define_damped();
  double at[] = {0, 1, -3, .3, 700, -700};
  for (size_t i = 0; i < sizeof at / sizeof *at; i++) {
    double v = at[i];
    dz_var x = dz_input(t, v), y = dz_apply(t, "damped", 1, &x);
    ck_assert_int_eq(dz_backward(y), DZ_OK);
    expect_bits(dz_value(y), v * exp(-v));
    expect_bits(dz_adjoint(x), exp(-v) * (1 - v));
    ck_assert_str_eq(dz_describe(y).op, "damped");
    ck_assert_int_eq(dz_describe(y).nargs, 1);
  }
  sound();
}
END_TEST

START_TEST(repeated_operands_and_numbers) {
  define("xyy", 2, "x*y*y", (const char *[]){"y*y", "2*x*y"});
  dz_var a = dz_input(t, 3), y = dz_apply(t, "xyy", 2, (dz_var[]){a, a});
  ck_assert_int_eq(dz_backward(y), DZ_OK);
  expect_bits(dz_value(y), 27);
  expect_bits(dz_adjoint(a), 27);
  y = dz_apply(t, "xyy", 2, (dz_var[]){dz_num(5), a});
  ck_assert_int_eq(dz_backward(y), DZ_OK);
  expect_bits(dz_adjoint(a), 30);
  y = dz_apply(t, "xyy", 2, (dz_var[]){dz_num(5), dz_num(2)});
  expect_bits(dz_value(y), 20);
  ck_assert(!dz_is_active(y));
  sound();
}
END_TEST

/* z_ij = x_ij w_j + y_i, all whole numbers. */
START_TEST(tensors_broadcast) {
  const double a[] = {1, 2, 3, 4, 5, 6}, b[] = {10, 20}, c[] = {7, 8, 9};
  const double want[] = {17, 26, 37, 48, 60, 74}, down[] = {5, 7, 9};
  define("affine", 3, "x*w + y", NULL);
  dz_var x = dz_leaf_tensor(t, DZ_ROLE_INPUT, 2, (size_t[]){2, 3}, a);
  dz_var y = dz_leaf_tensor(t, DZ_ROLE_INPUT, 2, (size_t[]){2, 1}, b);
  dz_var w = dz_leaf_tensor(t, DZ_ROLE_INPUT, 1, (size_t[]){3}, c);
  dz_var z = dz_apply(t, "affine", 3, (dz_var[]){x, y, w});
  ck_assert_int_eq(dz_rank(z), 2);
  for (int i = 0; i < 6; i++) expect_bits(dz_values(z)[i], want[i]);
  dz_var s = dz_sum(z, DZ_ALL, false), g[3];
  ck_assert_int_eq(dz_backward(s), DZ_OK);
  for (int i = 0; i < 6; i++) expect_bits(dz_adjoints(x)[i], c[i % 3]);
  for (int i = 0; i < 2; i++) expect_bits(dz_adjoints(y)[i], 3);
  for (int i = 0; i < 3; i++) expect_bits(dz_adjoints(w)[i], down[i]);
  ck_assert_int_eq(dz_grad(s, 3, (dz_var[]){x, y, w}, g), DZ_OK);
  for (int i = 0; i < 6; i++) expect_bits(dz_values(g[0])[i], c[i % 3]);
  for (int i = 0; i < 2; i++) expect_bits(dz_values(g[1])[i], 3);
  for (int i = 0; i < 3; i++) expect_bits(dz_values(g[2])[i], down[i]);
  ck_assert(!dz_valid(
      dz_apply(t, "affine", 3, (dz_var[]){x, w, dz_leaf_tensor(t, DZ_ROLE_DATA, 1, (size_t[]){2}, b)})));
  ck_assert_int_eq(dz_tape_error(t)->status, DZ_ERR_SHAPE);
  ck_assert_ptr_nonnull(strstr(dz_tape_error(t)->message, "affine"));
}
END_TEST

/* Where the mask is closed nothing flows, even from an infinite slope: log's at 0. */
START_TEST(masks) {
  define("ramp", 1, "x > 0 ? x : 0", (const char *[]){"MASK(x > 0)"});
  define("open_ramp", 1, "x > 0 ? x : 0", (const char *[]){"x > 0"});
  for (int open = 0; open < 2; open++) {
    const char *name = open ? "open_ramp" : "ramp";
    double one = 1, along;
    dz_var x = dz_input(t, -1), y = dz_log(dz_apply(t, name, 1, &x)), g;
    ck_assert_int_eq(dz_backward(y), DZ_OK);
    ck_assert_int_eq(dz_grad(y, 1, &x, &g), DZ_OK);
    ck_assert_int_eq(dz_tangent(y, 1, &x, &one, &along), DZ_OK);
    double got[] = {dz_adjoint(x), dz_value(g), along};
    for (int k = 0; k < 3; k++)
      ck_assert_msg(open ? isnan(got[k]) : got[k] == 0, "%s %d: %g", name, k, got[k]);
  }
  /* And a structural zero of a choice reaches no infinite partial. */
  define("root", 1, "sqrt(x)", (const char *[]){"0.5/z"});
  dz_var x = dz_input(t, 0), y = dz_where(dz_const(t, 0), dz_apply(t, "root", 1, &x), x), g;
  ck_assert_int_eq(dz_backward(y), DZ_OK);
  expect_bits(dz_adjoint(x), 1);
  ck_assert_int_eq(dz_grad(y, 1, &x, &g), DZ_OK);
  expect_bits(dz_value(g), 1);
  sound();
}
END_TEST

/* Element 0 is not chosen, and sqrt's slope there is infinite: by the operation itself, and below it. */
START_TEST(structural_zeros_in_tensors) {
  define("root", 1, "sqrt(x)", (const char *[]){"0.5/z"});
  define("twice", 1, "2*x", (const char *[]){"2"});
  const double at[] = {0, 4}, chosen[] = {0, 1}, way[] = {0, 1};
  dz_var c = dz_leaf_tensor(t, DZ_ROLE_CONST, 1, (size_t[]){2}, chosen);
  dz_var x = dz_leaf_tensor(t, DZ_ROLE_INPUT, 1, (size_t[]){2}, at), r = dz_sqrt(x), g;
  dz_var by[] = {dz_apply(t, "root", 1, &x), dz_apply(t, "twice", 1, &r)};
  const double want[] = {.25, .5};
  for (int k = 0; k < 2; k++) {
    double along[2];
    dz_var y = dz_sum(dz_where(c, by[k], x), DZ_ALL, false);
    ck_assert_int_eq(dz_backward(y), DZ_OK);
    expect_bits(dz_adjoints(x)[0], 1);
    expect_bits(dz_adjoints(x)[1], want[k]);
    ck_assert_int_eq(dz_grad(y, 1, &x, &g), DZ_OK);
    expect_bits(dz_values(g)[0], 1);
    expect_bits(dz_values(g)[1], want[k]);
    ck_assert_int_eq(dz_tangent(by[k], 1, &x, way, along), DZ_OK);
    expect_bits(along[0], 0);
    expect_bits(along[1], want[k]);
  }
  sound();
}
END_TEST

/* ---- derivatives ---- */

/* d^n/dx^n (x e^-x) = (-1)^n (x - n) e^-x. Each derivative is a sum of at most 2^n products of at most n + 2
   factors, each at most (|x| + n) e^-x and rounded n + 3 times: the bound below. */
START_TEST(third_derivative) {
  define_damped();
  for (double v = -2; v <= 4; v += .375) {
    dz_var x = dz_input(t, v), y = dz_apply(t, "damped", 1, &x), d = y;
    for (int n = 1; n <= 3; n++) {
      ck_assert_int_eq(dz_grad(d, 1, &x, &d), DZ_OK);
      long double want = (n % 2 ? -1 : 1) * (v - n) * expl(-(long double)v);
      double bound = (n + 3) * (1 << n) * DBL_EPSILON * (fabs(v) + n) * exp(-v);
      if (!(fabsl(dz_value(d) - want) <= bound))
        ck_abort_msg("derivative %d at %g: %.17g, expected %.17Lg", n, v, dz_value(d), want);
      ck_assert_int_eq(dz_backward(d), DZ_OK);
    }
  }
  sound();
}
END_TEST

/* x^3 y: the partials of all orders are whole numbers at (2, 5). One partial uses z, one is derived. */
START_TEST(mixed_derivatives) {
  define("cubed", 2, "x^3*y", (const char *[]){"3*z/x", NULL});
  dz_var in[] = {dz_input(t, 2), dz_input(t, 5)}, g[2], h[2], k[2];
  dz_var y = dz_apply(t, "cubed", 2, in);
  ck_assert_int_eq(dz_grad(y, 2, in, g), DZ_OK);
  expect_bits(dz_value(g[0]), 60);
  expect_bits(dz_value(g[1]), 8);
  ck_assert_int_eq(dz_grad(g[0], 2, in, h), DZ_OK);
  expect_bits(dz_value(h[0]), 60);
  expect_bits(dz_value(h[1]), 12);
  ck_assert_int_eq(dz_grad(h[0], 2, in, k), DZ_OK);
  expect_bits(dz_value(k[0]), 30);
  expect_bits(dz_value(k[1]), 12);
  double v[] = {1, 10}, out[2];
  ck_assert_int_eq(dz_hvp(y, 2, in, v, out), DZ_OK);
  expect_bits(out[0], 60 + 120);
  expect_bits(out[1], 12);
  sound();
}
END_TEST

START_TEST(forward_and_patterns) {
  define("product", 2, "x*y", NULL);
  double a[] = {1, 2, 3}, b[] = {4, 5, 6}, v[] = {1, 1, 1, 10, 10, 10}, out[3];
  dz_var x = dz_leaf_tensor(t, DZ_ROLE_INPUT, 1, (size_t[]){3}, a);
  dz_var y = dz_leaf_tensor(t, DZ_ROLE_INPUT, 1, (size_t[]){3}, b);
  dz_var z = dz_apply(t, "product", 2, (dz_var[]){x, y});
  ck_assert_int_eq(dz_tangent(z, 2, (dz_var[]){x, y}, v, out), DZ_OK);
  for (int i = 0; i < 3; i++) expect_bits(out[i], b[i] + 10 * a[i]);
  dz_pattern *p;
  ck_assert_int_eq(dz_jacobian_pattern(1, &z, 1, &x, 0, NULL, &p), DZ_OK);
  for (size_t i = 0; i < 3; i++) {
    ck_assert_uint_eq(p->starts[i + 1], i + 1);
    ck_assert_uint_eq(p->column[i], i);
  }
  dz_pattern_free(p);
}
END_TEST

/* An operation made of another one, and of a constant by name; several lines. */
START_TEST(one_in_another) {
  define("square", 1, "x*x", (const char *[]){"2*x"});
  define("less", 2, "x - 2*y", (const char *[]){"1", "-2"});
  define("swapped", 2, "less(y, x)", (const char *[]){"-2", "1"});
  expect_bits(dz_value(dz_apply(t, "swapped", 2, (dz_var[]){dz_num(3), dz_num(5)})), -1);
  define("ring", 2, "r = square(x) + square(y)\nr*pi/pi", (const char *[]){"2*x", "2*y"});
  dz_var in[] = {dz_input(t, 3), dz_input(t, 4)}, g[2];
  dz_var y = dz_apply(t, "ring", 2, in);
  expect_bits(dz_value(y), 25 * 3.141592653589793 / 3.141592653589793);
  ck_assert_int_eq(dz_grad(y, 2, in, g), DZ_OK);
  expect_bits(dz_value(g[0]), 6);
  expect_bits(dz_value(g[1]), 8);
}
END_TEST

/* ---- refusals ---- */

static void refused(const char *name, int n, const char *value, const char *const *partials, dz_status status,
                    const char *says) {
  size_t nodes = dz_tape_size(t);
  dz_status got = dz_op_define(t, name, n, value, partials, &e);
  if (got != status) ck_abort_msg("%s: %s (%s)", name, dz_status_text(got), e.message);
  ck_assert_int_eq(e.status, status);
  if (!strstr(e.message, says)) ck_abort_msg("'%s' does not say '%s'", e.message, says);
  ck_assert_uint_eq(dz_tape_size(t), nodes);
  sound();
}

START_TEST(wrong_partials) {
  refused("f", 1, "sin(x)", (const char *[]){"sin(x)"}, DZ_ERR_ARGUMENT, "the partial to x, 'sin(x)'");
  ck_assert_ptr_nonnull(strstr(e.message, "at x = 0.7 it gives 0.644217"));
  ck_assert_ptr_nonnull(strstr(e.message, "slope is 0.764842"));
  refused("f", 1, "sin(x)", (const char *[]){"cos(x)*1.000001"}, DZ_ERR_ARGUMENT, "partial to x");
  refused("f", 1, "sin(x)", (const char *[]){"-cos(x)"}, DZ_ERR_ARGUMENT, "partial to x");
  refused("f", 1, "sin(x)", (const char *[]){"nan"}, DZ_ERR_ARGUMENT, "partial to x");
  refused("f", 1, "x*x", (const char *[]){"x < 20 ? 2*x : x"}, DZ_ERR_ARGUMENT, "at x = 23");
  refused("f", 3, "x*y*w", (const char *[]){"y*w", "x*w", "x"}, DZ_ERR_ARGUMENT, "the partial to w, 'x'");
  refused("f", 3, "x*y*w", (const char *[]){NULL, NULL, "x"}, DZ_ERR_ARGUMENT, "the partial to w");
  ck_assert(!dz_valid(dz_apply(t, "f", 1, (dz_var[]){dz_num(1)})));
}
END_TEST

START_TEST(right_partials_at_kinks_and_poles) {
  define("size", 1, "x < 0 ? -x : x", (const char *[]){"x < 0 ? -1 : 1"});
  define("inverse", 1, "1/x", (const char *[]){"-z/x"});
  define("half_line", 1, "log(x)", (const char *[]){"1/x"});
  define("steps", 1, "floor(x)", (const char *[]){"0"});
  define("steep", 1, "exp(x*x*x)", (const char *[]){"3*x*x*z"});
  define("wild", 2, "sin(40*x)*y^3", (const char *[]){"40*cos(40*x)*y^3", "3*sin(40*x)*y^2"});
  ck_assert_uint_eq(dz_note_count(t), 0);
  define("nowhere", 1, "sqrt(-1 - x*x)", (const char *[]){"5"});
  ck_assert_uint_eq(dz_note_count(t), 1);
  ck_assert_str_eq(dz_note_at(t, 0)->kind, "unchecked");
}
END_TEST

START_TEST(names) {
  static const char *const taken[] = {"sin", "abs", "softmax", "sum", "x", "z", "e", "pi", "d"};
  static const char *const bad[] = {"", "2x", "a b", "a(x)", "a\n", "a;b", "x, y"};
  for (size_t i = 0; i < sizeof taken / sizeof *taken; i++)
    refused(taken[i], 1, "x", NULL, DZ_ERR_NAME, "another");
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    refused(bad[i], 1, "x", NULL, DZ_ERR_NAME, "cannot be called");
  char huge[400];
  memset(huge, 'a', sizeof huge - 1);
  huge[sizeof huge - 1] = 0;
  refused(huge, 1, "x", NULL, DZ_ERR_NAME, "cannot be called");
  define("mine", 1, "x", NULL);
  refused("mine", 1, "x", NULL, DZ_ERR_NAME, "choose another");
  named(t, "node", 1);
  refused("node", 1, "x", NULL, DZ_ERR_NAME, "a node of the name");
  define("größe", 1, "x", NULL);
  huge[255] = 0;
  define(huge, 1, "x", NULL);
  ck_assert(dz_valid(dz_apply(t, huge, 1, (dz_var[]){dz_num(1)})));
}
END_TEST

START_TEST(texts) {
  refused("f", 1, "x*(exp(-x)", NULL, DZ_ERR_SYNTAX, "never closed");
  ck_assert_int_eq(e.line, 1);
  ck_assert_int_eq(e.column, 3);
  ck_assert_str_eq(e.file, "f");
  refused("f", 1, "x", (const char *[]){"1 +\n  2x"}, DZ_ERR_SYNTAX, "");
  ck_assert_int_eq(e.line, 2);
  ck_assert_str_eq(e.file, "f, partial to x");
  refused("f", 1, "x*y", NULL, DZ_ERR_NAME, "no value for y");
  ck_assert_int_eq(e.column, 3);
  refused("f", 1, "f(x)", NULL, DZ_ERR_NAME, "f");
  refused("f", 1, "x + sum(x)", NULL, DZ_ERR_ARGUMENT, "'sum' is not elementwise");
  ck_assert_int_eq(e.column, 5);
  refused("f", 1, "x*[1, 2]", NULL, DZ_ERR_ARGUMENT, "tensor");
  refused("f", 1, "param q ~ ones\nx*q", NULL, DZ_ERR_ARGUMENT, "declared");
  refused("f", 1, "", NULL, DZ_ERR_SYNTAX, "nothing");
  refused("f", 1, NULL, NULL, DZ_ERR_ARGUMENT, "NULL");
  refused("f", 0, "x", NULL, DZ_ERR_ARGUMENT, "1 to 3");
  refused("f", 4, "x", NULL, DZ_ERR_ARGUMENT, "1 to 3");
  ck_assert_int_eq(dz_op_define(NULL, "f", 1, "x", NULL, NULL), DZ_ERR_ARGUMENT);
  ck_assert_int_eq(dz_op_define(t, NULL, 1, "x", NULL, NULL), DZ_ERR_ARGUMENT);
  define("f", 1, "x", NULL);
}
END_TEST

/* Each doubles the one before: the limit ends it long before memory does. */
START_TEST(growth_is_limited) {
  char name[8] = "f0", value[32] = "x";
  int i = 0;
  dz_status status;
  while ((status = dz_op_define(t, name, 1, value, (const char *[]){"1"}, &e)) != DZ_ERR_LIMIT && i < 26) {
    if (i == 0) ck_assert_int_eq(status, DZ_OK);
    if (i > 0) break;
    i++;
    memcpy(name, "f1", 3);
    memcpy(value, "f0(x)", 6);
  }
  ck_assert_int_eq(status, DZ_OK);
  for (i = 2; i < 26 && !status; i++) {
    name[1] = (char)('a' + i);
    value[0] = 0;
    strcat(value, "fA(x) + fA(x)");
    value[1] = value[9] = i == 2 ? '1' : (char)('a' + i - 1);
    status = dz_op_define(t, name, 1, value, NULL, &e);
  }
  ck_assert_int_eq(status, DZ_ERR_LIMIT);
}
END_TEST

/* f0 has no operation, each other one twice those of the one before and one: 65535 are as many as there may
 * be. */
START_TEST(the_largest_text) {
  char name[8] = "fa", value[32];
  define("fa", 1, "x", NULL);
  for (char last = 'a'; last < 'q'; last++) {
    snprintf(value, sizeof value, "f%c(x) + f%c(x)", last, last);
    name[1] = (char)(last + 1);
    define(name, 1, value, NULL);
  }
  ck_assert_int_eq(dz_op_define(t, "more", 1, "fq(x) + x", (const char *[]){"65537"}, &e), DZ_ERR_LIMIT);
  ck_assert_str_eq(e.message, "a text of more than 65535 operations");
  define("same", 1, "fq(x)", NULL);
  const dz_var x = dz_input(t, 3);
  const dz_var y = dz_apply(t, "same", 1, &x);
  ck_assert(dz_value(y) == 3 * 65536.);
}
END_TEST

START_TEST(application) {
  define_damped();
  dz_var x = dz_input(t, 1);
  ck_assert(!dz_valid(dz_apply(t, "dampt", 1, &x)));
  ck_assert_int_eq(dz_tape_error(t)->status, DZ_ERR_NAME);
  dz_tape_forgive(t);
  ck_assert(!dz_valid(dz_apply(t, "damped", 2, (dz_var[]){x, x})));
  ck_assert_int_eq(dz_tape_error(t)->status, DZ_ERR_ARGUMENT);
  dz_tape_forgive(t);
  ck_assert(!dz_valid(dz_apply(t, "damped", 1, NULL)));
  dz_tape_forgive(t);
  ck_assert(!dz_valid(dz_apply(t, "damped", 1, (dz_var[]){{0}})));
  ck_assert_int_eq(dz_tape_error(t)->status, DZ_ERR_HANDLE);
  ck_assert_ptr_nonnull(strstr(dz_tape_error(t)->file, "userop.c"));
  dz_tape_forgive(t);
  ck_assert(!dz_valid(dz_apply(NULL, "damped", 1, &x)));
}
END_TEST

SUITE_BETWEEN(setup, teardown, ONCE(value_and_adjoint), ONCE(repeated_operands_and_numbers),
              ONCE(tensors_broadcast), ONCE(masks), ONCE(structural_zeros_in_tensors), ONCE(third_derivative),
              ONCE(mixed_derivatives), ONCE(forward_and_patterns), ONCE(one_in_another), ONCE(wrong_partials),
              ONCE(right_partials_at_kinks_and_poles), ONCE(names), ONCE(texts), ONCE(growth_is_limited),
              ONCE(the_largest_text), ONCE(application))
