/* Text, graph, text again: what dz_print writes, and that it reads back as the same graph. */
#include "paper.h"

#include "dz/pointwise.h"
#include "dz/tensor.h"

#include "../failing.h"
#include "suite.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the same graph ---- */

static bool same_attributes(dz_var x, dz_var y) {
  const int64_t *a, *b;
  size_t n = dz_attributes(x, &a);
  return n == dz_attributes(y, &b) && (n == 0 || memcmp(a, b, n * sizeof *a) == 0);
}

static bool same_values(dz_var x, dz_var y) {
  if (dz_rank(x) != dz_rank(y) || dz_size(x) != dz_size(y)) return false;
  double a = dz_value(x), b = dz_value(y);
  if (dz_size(x) == 1 && isnan(a) && isnan(b)) return true;
  if (dz_is_number(x) || dz_is_number(y)) return memcmp(&a, &b, sizeof a) == 0;
  return dz_size(x) == 0 || memcmp(dz_values(x), dz_values(y), dz_size(x) * sizeof(double)) == 0;
}

/* A plain number and a constant leaf of that value are one. Small graphs only: it recurses. */
static bool same_graph(dz_var x, dz_var y) {
  dz_node a = dz_describe(x), b = dz_describe(y);
  const char *name = dz_name(x), *other = dz_name(y);
  if (!same_values(x, y)) return false;
  bool leaf = dz_role_of(x) != DZ_ROLE_NONE, other_leaf = dz_role_of(y) != DZ_ROLE_NONE;
  if (leaf || other_leaf) return leaf && other_leaf && (!name || (other && strcmp(name, other) == 0));
  if (strcmp(a.op, b.op) != 0 || a.nargs != b.nargs || !same_attributes(x, y)) return false;
  for (int k = 0; k < a.nargs; k++)
    if (!same_graph(dz_operand(x, k), dz_operand(y, k))) return false;
  return true;
}

/* ---- expressions that print as they stand ---- */

static const char *const as_they_stand[] = {
    /* the fewest parentheses that the precedences allow */
    "x",
    "2",
    "x + y",
    "x - y - z",
    "x - (y - z)",
    "x + (y + z)",
    "x*y*z",
    "x*(y*z)",
    "x/y/z",
    "x/(y/z)",
    "x/(y*z)",
    "x*y/z",
    "x*(y + z)",
    "(x + y)*z",
    "x + y*z",
    "-x",
    "-x + y",
    "-(x + y)",
    "-x*y",
    "-(x*y)",
    "-(-x)",
    "-!x",
    "!!x",
    "x*!y",
    "x*(-0)",
    "x - (-y)",
    "x*(-y)",
    "x/(-y)",
    "-x^2",
    "(-x)^2",
    "x^2",
    "x^-1",
    "2^x",
    "2^(-x)",
    "x^y^z",
    "(x^y)^z",
    "x^(y + 1)",
    "x^(2*y)",
    "(x*y)^z",
    "(x + y)^z",
    "-x^y*z",
    "(-2)^x",
    "x^-0.5",
    "x*(-2)",
    "x + (-2)",
    "-2*x",
    "x^y/z",
    "x < y",
    "x <= y",
    "x > y",
    "x >= y",
    "x == y",
    "x != y",
    "(x < y) < z",
    "x + y < z*2",
    "(x < y) + z",
    "!x",
    "!(x < y)",
    "!x^2",
    "x && y",
    "x || y",
    "x || y && z",
    "(x || y) && z",
    "x && (y && z)",
    "x < y && y < z",
    "!x && y",
    "x < y ? x : y",
    "x ? y : z ? x : y",
    "x ? (y ? x : z) : y",
    "(x ? y : z) ? x : y",
    "(x ? y : z) + 1",
    "-(x ? y : z)",
    "x || y ? y : z",
    "x ? y || z : y",
    "2*(x > 0)",
    "x == (-inf)",
    "inf*x",
    "nan*x",
    "pi*x",
    "1e-300*x",
    "0.1*x",
    "1e16*x",
    /* calls, by the names that people write */
    "sin(x)",
    "exp(-x)",
    "abs(x)",
    "max(x, y)",
    "min(x, y)",
    "max(max(x, y), z)",
    "gamma(x)",
    "sigmoid(x + y)",
    "sin(x)^2",
    "sin(x)*cos(y)",
    "atan2(y, x)",
    "clamp(x, 0, 1)",
    "logaddexp(x, y)",
    "stop(x)",
    "hypot(x, 2)",
    "log(x)",
    "sqrt(x)",
    "cbrt(x)",
    "copysign(x, y)",
    "mod(x, 2)",
    /* tensors */
    "sum(A)",
    "sum(A, axis=0)",
    "sum(A, axis=1, keepdims=1)",
    "sum(A, axis=[])",
    "max(A)",
    "max(A, axis=1)",
    "min(v)",
    "prod(v)",
    "norm(A, axis=0)",
    "logsumexp(v)",
    "count(A, axis=0)",
    "count(A, ddof=1)",
    "count(v, ddof=1)",
    "sum(reshape(A, [1, 2, 2]), axis=[0, 2])",
    "cumsum(v)",
    "cumsum(A, axis=0)",
    "cumprod(A, axis=1)",
    "A'",
    "A'[0]",
    "(A + B)'",
    "(A @ B)'",
    "A @ v",
    "A @ B @ v",
    "A @ (B @ v)",
    "A*B @ v",
    "A*(B @ v)",
    "A @ v*2",
    "v @ w",
    "-A @ v",
    "solve(A @ A', A @ v)",
    "-solve((A @ A')', A)*2",
    "A[0]",
    "A[1, 0]",
    "A[:, 1]",
    "A[:1]",
    "A[1:]",
    "A[::-1]",
    "A[:, ::-1]",
    "A[0:0]",
    "reshape(A, [1, 4])[0]",
    "reshape(A, [1, 2, 2])[:, 1]",
    "concat([v, w, v])[::2]",
    "concat([v, w, v])[1:4:2]",
    "concat([v, w, v])[::-2]",
    "concat([v, w, v])[4:1:-2]",
    "v[1:][0]",
    "(v + w)[0]",
    "A[:]",
    "[x, y]",
    "[x, 1]",
    "[[x, y], [y, x]]",
    "stack([v, w], axis=1)",
    "concat([v, w])",
    "concat([A, B], axis=1)",
    "concat([v])",
    "gather(v, [1, 0, 1])",
    "gather(A, [1, 0], axis=1)",
    "reshape(A, [4])",
    "reshape(A, [1, 4])",
    "reshape(v[:1], [])",
    "broadcast_to(x, [2, 3])",
    "permute(reshape(A, [1, 2, 2]), [1, 0, 2])",
    "permute(reshape(A, [1, 2, 2]), [2, 0, 1])",
    "v*[1, 2]",
    "A + [[1, 2], [3, 4]]",
    "v - [1.5, -2]",
    "sum(v)^2",
    "v'",
};

START_TEST(round_trip) {
  const char *text = as_they_stand[_i];
  dz_tape *t = dz_tape_new(NULL), *u = dz_tape_new(NULL);
  dz_var y = record(t, text);
  ck_assert_str_eq(print(y, NULL), text);
  ck_assert_msg(same_graph(y, record(u, text)), "%s", text);
  dz_tape_free(t);
  dz_tape_free(u);
}
END_TEST

/* ---- what is written otherwise ---- */

static const struct {
  const char *text, *printed;
} pairs[] = {
    {"((x))+(y)", "x + y"},
    {"x**2", "x^2"},
    {"fabs(x)", "abs(x)"},
    {"ln(x)", "log(x)"},
    {"max(x, y, z)", "max(max(x, y), z)"},
    {"where(x, y, z)", "x ? y : z"},
    {"pow(x, y)", "x^y"},
    {"e^x", "exp(x)"},
    {"--x", "-(-x)"},
    {"x--y", "x - (-y)"},
    {"x²·y", "x^2*y"},
    {"2+3", "5"},
    {"2*3*x", "6*x"},
    {"-2", "-2"},
    {"1/3", "0.3333333333333333"},
    {"A[-1]", "A[1]"},
    {"A[0:2]", "A[:]"},
    {"A[-1:, :]", "A[1:]"},
    {"v[::-1][::2]", "v[::-1][:1]"},
    {"transpose(A)", "A'"},
    {"permute(A, 0, 1)", "permute(A, [0, 1])"},
    {"maximum(x, y)", "max(x, y)"},
    {"stack([[1,2],[3,4]], axis=0)[0]", "stack([[1, 2], [3, 4]])[0]"},
    {"sum(A, axis=[0,1])", "sum(A)"},
    {"-(2*x)", "-(2*x)"},
    {"0-0*x", "0 - 0*x"},
};

START_TEST(normal_form) {
  if (!pairs[_i].printed) return;
  dz_tape *t = dz_tape_new(NULL);
  ck_assert_str_eq(print(record(t, pairs[_i].text), NULL), pairs[_i].printed);
  dz_tape_free(t);
}
END_TEST

/* Of numbers alone a list would be a constant when it is read again. */
START_TEST(stacks) {
  dz_tape *t = dz_tape_new(NULL);
  const dz_var x = dz_input(t, 1), c = dz_const(t, 3);
  ck_assert(dz_set_name(x, "x") == DZ_OK);
  ck_assert_str_eq(print(dz_stack(2, (dz_var[]){dz_num(2), x}, 0), NULL), "[2, x]");
  ck_assert_str_eq(print(dz_stack(2, (dz_var[]){dz_num(2), c}, 0), NULL), "stack([2, 3])");
  ck_assert_str_eq(print(dz_stack(2, (dz_var[]){c, dz_num(2)}, 0), NULL), "stack([3, 2])");
  dz_tape_free(t);
}
END_TEST

/* ---- random trees: read, printed, read: the same graph, and the text is a fixed point ---- */

static uint64_t state;
static unsigned dice(unsigned n) {
  state = state * 6364136223846793005u + 1442695040888963407u;
  return (unsigned)(state >> 33) % n;
}

static void grow(char *out, size_t size, int depth) {
  static const char *const leaves[] = {"x", "y", "2", "0.5", "z"};
  static const char *const infix[] = {"+", "-", "*", "/", "^", "<", ">=", "==", "&&", "||"};
  static const char *const prefix[] = {"-", "!", "sin", "exp", "abs"};
  char a[4096], b[4096], c[4096];
  unsigned kind = depth ? dice(10) : 9;
  if (kind == 9) {
    snprintf(out, size, "%s", leaves[dice(5)]);
    return;
  }
  grow(a, sizeof a, depth - 1);
  grow(b, sizeof b, depth - 1);
  grow(c, sizeof c, depth - 1);
  int n;
  if (kind < 6)
    n = snprintf(out, size, "((%s)%s(%s))", a, infix[dice(10)], b);
  else if (kind < 8)
    n = snprintf(out, size, "%s(%s)", prefix[dice(5)], a);
  else
    n = snprintf(out, size, "((%s)?(%s):(%s))", a, b, c);
  ck_assert_int_lt(n, (int)size);
}

START_TEST(random_trees) {
  static char text[4096], first[1 << 16];
  const dz_print_options whole = {DZ_PRINT_EXPAND, 0, 1 << 20, 0};
  for (int turn = 0; turn < EFFORT(3000, 600); turn++) {
    state = (uint64_t)turn * 7919 + 3;
    grow(text, sizeof text, 4);
    dz_tape *t = dz_tape_new(NULL), *u = dz_tape_new(NULL);
    dz_var x = record(t, text);
    snprintf(first, sizeof first, "%s", print(x, &whole));
    dz_var y = record(u, first);
    ck_assert_msg(same_graph(x, y), "%s\n%s", text, first);
    ck_assert_str_eq(print(y, &whole), first);
    dz_tape_free(t);
    dz_tape_free(u);
  }
}
END_TEST

/* ---- parts and names ---- */

START_TEST(shared_parts_are_named) {
  const dz_print_options few = {DZ_PRINT_EXPAND, 0, 4, 0};
  dz_tape *t = dz_tape_new(NULL), *u = dz_tape_new(NULL);
  dz_var y = record(t, "t1 = 3; s = sin(x)*cos(y); r = s + s*s; r/(r + t1)");
  ck_assert_str_eq(print(y, &few), "t2 = sin(x)*cos(y)\nt3 = t2 + t2*t2\nt3/(t3 + t1)");
  char text[200];
  const char *printed = print(y, &few);
  ck_assert_uint_lt(strlen(printed), sizeof text);
  memcpy(text, printed, strlen(printed) + 1);
  dz_var z = record(u, text);
  ck_assert_uint_eq(dz_tape_size(t), 10);
  ck_assert_str_eq(print(z, &few), "t4 = sin(x)*cos(y)\nt5 = t4 + t4*t4\nt5/(t5 + t1)");
  dz_tape_free(t);
  dz_tape_free(u);
}
END_TEST

/* x0 = x0 + x0, 200 times: 2^200 uses of x. The text is a line or so for every few of them. */
START_TEST(text_is_linear) {
  dz_tape *t = dz_tape_new(NULL);
  dz_var x = dz_input(t, 1);
  dz_set_name(x, "x");
  for (int k = 0; k < 200; k++) x = dz_add(x, x);
  const char *text = print(x, NULL);
  ck_assert_uint_lt(strlen(text), 200 * 40);
  static char copy[1 << 16];
  snprintf(copy, sizeof copy, "%s", text);
  dz_tape *u = dz_tape_new(NULL);
  dz_var one = dz_input(u, 1);
  dz_set_name(one, "x");
  ck_assert_double_eq(dz_value(dz_expr(u, copy)), ldexp(1, 200));
  dz_tape_free(t);
  dz_tape_free(u);
}
END_TEST

START_TEST(names_of_operations) {
  const dz_print_options define = {DZ_PRINT_DEFINE, 0, 0, 0}, call = {DZ_PRINT_CALL, 0, 0, 0};
  dz_tape *t = dz_tape_new(NULL);
  dz_var y = record(t, "s = x^2; r = s + 1; y = s*r");
  ck_assert_str_eq(print(y, NULL), "x^2*(x^2 + 1)");
  ck_assert_str_eq(print(y, &define), "s = x^2\nr = s + 1\ny = s*r");
  ck_assert_str_eq(print(y, &call), "s*r");
  dz_tape_free(t);
}
END_TEST

START_TEST(names_that_are_none) {
  dz_tape *t = dz_tape_new(NULL);
  dz_var a = dz_input(t, 1), b = dz_input(t, 2), c = dz_input(t, 3), d = dz_input(t, 4), x1 = dz_input(t, 5);
  dz_set_name(b, "not a name");
  dz_set_name(c, "sin");
  dz_set_name(d, "重み");
  dz_set_name(x1, "x1");
  dz_var mean = dz_input(t, 6), y = dz_add(dz_add(dz_add(dz_add(dz_add(a, b), c), d), x1), mean);
  dz_set_name(mean, "mean");
  ck_assert_str_eq(print(y, NULL), "x2 + x3 + x4 + 重み + x1 + x5");
  ck_assert_str_eq(print(b, NULL), "x2");
  ck_assert_str_eq(print(dz_num(-.5), NULL), "-0.5");
  dz_tape_free(t);
}
END_TEST

/* A leaf may be called pi or inf: the numbers are then spelt out. */
START_TEST(shadowed_constants) {
  dz_tape *t = dz_tape_new(NULL);
  dz_var a = dz_input(t, 1), b = dz_input(t, 2), c = dz_input(t, 2);
  dz_set_name(a, "pi");
  dz_set_name(b, "inf");
  dz_set_name(c, "nan");
  ck_assert_str_eq(print(dz_mul(a, 3.141592653589793), NULL), "pi*3.141592653589793");
  ck_assert_str_eq(print(dz_mul(b, INFINITY), NULL), "inf*(1/0)");
  ck_assert_str_eq(print(dz_add(c, NAN), NULL), "nan + (0/0)");
  dz_tape_free(t);
}
END_TEST

START_TEST(digits) {
  const dz_print_options three = {DZ_PRINT_EXPAND, 3, 0, 0};
  dz_tape *t = dz_tape_new(NULL);
  ck_assert_str_eq(print(record(t, "0.123456*x + [1/3, 2]"), &three), "0.123*x + [0.333, 2]");
  dz_tape_free(t);
}
END_TEST

/* ---- limits and failures ---- */

START_TEST(statuses) {
  static paper p;
  const dz_print_options short_text = {DZ_PRINT_EXPAND, 0, 0, 10};
  dz_tape *t = dz_tape_new(NULL);
  dz_var y = record(t, "x + y + z + x*y*z");
  ck_assert_int_eq(dz_print(y, NULL, NULL, NULL), DZ_ERR_ARGUMENT);
  ck_assert_int_eq(dz_print((dz_var){0}, NULL, on_paper, &p), DZ_ERR_HANDLE);
  p.n = p.most = 0;
  ck_assert_int_eq(dz_print(y, &short_text, on_paper, &p), DZ_ERR_LIMIT);
  ck_assert_uint_le(p.n, 10);
  p.n = 0, p.most = 1;
  ck_assert_int_eq(dz_print(y, NULL, on_paper, &p), DZ_ERR_WRITE);
  dz_tape_clear(t);
  p.n = p.most = 0;
  ck_assert_int_eq(dz_print(y, NULL, on_paper, &p), DZ_ERR_HANDLE);
  dz_tape_free(t);
}
END_TEST

/* A million operations within each other, in 256 KiB of stack (the test is run so by ulimit in CI). */
START_TEST(deep_graphs) {
  enum { DEEP = EFFORT(1000000, 100000) };
  const dz_print_options all = {DZ_PRINT_EXPAND, 0, 0, 1 << 28};
  dz_tape *t = dz_tape_new(NULL);
  dz_var x = dz_input(t, 1), y = x;
  dz_set_name(x, "x");
  for (int k = 0; k < DEEP; k++) y = k % 2 ? dz_sub(x, y) : dz_sin(y);
  size_t n = 0;
  ck_assert_int_eq(dz_print(y, &all, count_bytes, &n), DZ_OK);
  ck_assert_uint_eq(n, DEEP / 2 * (strlen("sin()") + strlen("x - ")) + 1);
  dz_tape_free(t);
}
END_TEST

/* At an allocation, and at all that follow or at that alone. */
static void fail_from(bool on) {
  static paper p;
  for (size_t at = 1; at < 200; at++) {
    failing f = {0};
    dz_allocator a = failing_allocator(&f);
    dz_tape *t = dz_tape_new(&a);
    dz_var y = record(t, "s = sin(x*y + z)*cos(y*z + x); s*s + s");
    p.n = p.most = 0;
    *(on ? &f.at : &f.only) = f.calls + at;
    dz_status status = dz_print(y, NULL, on_paper, &p);
    ck_assert(status == DZ_OK || status == DZ_ERR_MEMORY);
    bool failed = f.failed > 0;
    ck_assert_int_eq(status == DZ_ERR_MEMORY, failed);
    f.at = f.only = 0;
    dz_tape_free(t);
    ck_assert_uint_eq(f.blocks, 0);
    if (!failed) return;
  }
  ck_abort_msg("it never succeeds");
}

START_TEST(memory_fails) {
  fail_from(true);
  fail_from(false);
}
END_TEST

/* Constant tensors without elements, which the language writes as such and reads back. */
START_TEST(tensors_of_nothing) {
  dz_tape *t = dz_tape_new(NULL);
  const dz_var x = dz_input(t, 1), none = dz_leaf_tensor(t, DZ_ROLE_CONST, 1, (size_t[]){0}, NULL);
  const dz_var flat = dz_leaf_tensor(t, DZ_ROLE_CONST, 2, (size_t[]){0, 2}, NULL);
  ck_assert_int_eq(dz_set_name(x, "x"), DZ_OK);
  ck_assert_str_eq(print(dz_add(x, dz_sum(none, DZ_ALL, false)), NULL), "x + sum([])");
  ck_assert_str_eq(print(dz_add(x, dz_sum(flat, DZ_ALL, false)), NULL), "x + sum(reshape([], [0, 2]))");
  ck_assert_int_eq(dz_rank(dz_expr(t, "reshape([], 0, 2)")), 2);
  const dz_var deep = dz_leaf_tensor(t, DZ_ROLE_CONST, 8, (size_t[]){0, 1, 2, 3, 4, 5, 6, 7}, NULL);
  ck_assert_str_eq(print(deep, NULL), "reshape([], [0, 1, 2, 3, 4, 5, 6, 7])");
  dz_tape_free(t);
}
END_TEST

SUITE(EACH(round_trip, COUNT(as_they_stand)), EACH(normal_form, COUNT(pairs)), ONCE(stacks),
      ONCE(random_trees), ONCE(shared_parts_are_named), ONCE(text_is_linear), ONCE(names_of_operations),
      ONCE(names_that_are_none), ONCE(shadowed_constants), ONCE(digits), ONCE(statuses), ONCE(deep_graphs),
      ONCE(memory_fails), ONCE(tensors_of_nothing))
