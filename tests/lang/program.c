/* Programs as objects: what they tell, how they are recorded, what happens when memory ends. */
#include "lang/program.h"
#include "dz/lang.h"
#include "dz/sweep.h"
#include "dz/text.h"
#include "failing.h"
#include "lang/builtin.h"
#include "suite.h"
#include "tape/tape.h"

#include <math.h>
#include <stdio.h>

static dz_program *parse(const char *text) {
  dz_error e;
  dz_program *p = dz_program_parse(text, strlen(text), "model.dz", NULL, &e);
  ck_assert_msg(p != NULL, "%d:%d: %s", e.line, e.column, e.message);
  return p;
}

static dz_var named_input(dz_tape *t, const char *name, double value) {
  dz_var x = dz_input(t, value);
  ck_assert_int_eq(dz_set_name(x, name), DZ_OK);
  return x;
}

/* ---- what a program tells ---- */

START_TEST(leaves_in_order) {
  dz_program *p =
      parse("b*x + pi\ninput X[150, 2]; param W[2] ~ he\ndata T\nparam c\nf(u) = u*k\nsum(X) + f(T) + c");
  static const struct {
    const char *name;
    dz_role role;
    bool declared, constant, has_init, used;
    int rank, line, column;
  } expected[] = {{"b", DZ_ROLE_INPUT, 0, 0, 0, 1, -1, 1, 1},  {"x", DZ_ROLE_INPUT, 0, 0, 0, 1, -1, 1, 3},
                  {"pi", DZ_ROLE_INPUT, 0, 1, 0, 1, -1, 1, 7}, {"X", DZ_ROLE_INPUT, 1, 0, 0, 1, 2, 2, 7},
                  {"W", DZ_ROLE_PARAM, 1, 0, 1, 0, 1, 2, 24},  {"T", DZ_ROLE_DATA, 1, 0, 0, 1, -1, 3, 6},
                  {"c", DZ_ROLE_PARAM, 1, 0, 0, 1, -1, 4, 7},  {"k", DZ_ROLE_INPUT, 0, 0, 0, 1, -1, 5, 10}};
  size_t n = sizeof expected / sizeof *expected;
  ck_assert_uint_eq(dz_program_leaf_count(p), n);
  for (size_t i = 0; i < n; i++) {
    dz_program_leaf l = dz_program_leaf_at(p, i);
    ck_assert_str_eq(l.name, expected[i].name);
    ck_assert_int_eq(l.role, expected[i].role);
    ck_assert_int_eq(l.declared, expected[i].declared);
    ck_assert_int_eq(l.constant, expected[i].constant);
    ck_assert_int_eq(l.has_init, expected[i].has_init);
    ck_assert_int_eq(l.used, expected[i].used);
    ck_assert_int_eq(l.rank, expected[i].rank);
    ck_assert_int_eq(l.line, expected[i].line);
    ck_assert_int_eq(l.column, expected[i].column);
  }
  ck_assert_uint_eq(dz_program_leaf_at(p, 3).dims[0], 150);
  ck_assert_uint_eq(dz_program_leaf_at(p, 3).dims[1], 2);
  const dz_program_leaf none = dz_program_leaf_at(p, n);
  ck_assert(!none.name && none.role == DZ_ROLE_NONE && none.rank == -1);
  dz_program_free(p);
}
END_TEST

START_TEST(definitions_and_result) {
  dz_program *p = parse("a = x; f(u) = u; b = f(a); z = a + b");
  ck_assert_str_eq(dz_program_definition(p, 0), "a");
  ck_assert_str_eq(dz_program_definition(p, 1), "b");
  ck_assert_str_eq(dz_program_definition(p, 2), "z");
  ck_assert_ptr_null(dz_program_definition(p, 3));
  ck_assert_str_eq(dz_program_result(p), "z");
  dz_program_free(p);
  p = parse("a = x; a + 1");
  ck_assert_ptr_null(dz_program_result(p));
  dz_program_free(p);
}
END_TEST

START_TEST(nothing_given) {
  dz_error e;
  ck_assert_ptr_null(dz_program_parse(NULL, 0, "x", NULL, &e));
  ck_assert_int_eq(e.status, DZ_ERR_ARGUMENT);
  ck_assert_ptr_null(dz_program_parse("x +", 3, NULL, NULL, NULL));
  dz_program_free(NULL);
  ck_assert_uint_eq(dz_program_leaf_count(NULL), 0);
  ck_assert_ptr_null(dz_program_leaf_at(NULL, 0).name);
  ck_assert_ptr_null(dz_program_definition(NULL, 0));
  ck_assert_ptr_null(dz_program_result(NULL));
  dz_tape *t = dz_tape_new(NULL);
  dz_program *p = parse("1");
  ck_assert(!dz_valid(dz_program_record(p, NULL, 0)));
  ck_assert(!dz_valid(dz_program_record(NULL, t, 0)));
  ck_assert_int_eq(dz_tape_error(t)->status, DZ_ERR_ARGUMENT);
  dz_tape_forgive(t);
  ck_assert(!dz_valid(dz_expr(t, NULL)));
  ck_assert_int_eq(dz_tape_error(t)->status, DZ_ERR_ARGUMENT);
  ck_assert(!dz_valid(dz_expr(NULL, "x")));
  dz_program_free(p);
  dz_tape_free(t);
}
END_TEST

/* Every name that is offered can be called, and is there once. */
START_TEST(function_names) {
  size_t n = 0;
  for (const char *name; (name = dz_function_name(n)) != NULL; n++) {
    dz_error e;
    char text[100];
    ck_assert_msg(!dz_program_parse(name, strlen(name), NULL, NULL, &e), "%s is no function", name);
    snprintf(text, sizeof text, "'%s' is a function: write %s(x)", name, name);
    ck_assert_str_eq(e.message, text);
    for (size_t k = 0; k < n; k++) ck_assert_str_ne(name, dz_function_name(k));
    ck_assert_int_ne(*name, '_'); /* the prelude's own */
  }
  ck_assert_uint_gt(n, DZ__F_POINTWISE_END + 20);
}
END_TEST

static bool is_offered(const char *name) {
  const char *other;
  for (size_t i = 0; (other = dz_function_name(i)) != NULL; i++)
    if (strcmp(other, name) == 0) return true;
  return false;
}

/* And what can be called is offered. */
START_TEST(no_function_is_kept_back) {
  static const char *const own[] = {"rank", "extent", "positions", "unroll", "mean", "dot", "abs", "clip"};
  for (size_t i = 0; i < COUNT(own); i++) ck_assert_msg(is_offered(own[i]), "%s", own[i]);
  for (int fn = 0; fn < DZ__F_END; fn++) {
    const char *name = dz__ops[fn].name;
    if (dz__builtin_find(name, strlen(name)).form) ck_assert_msg(is_offered(name), "%s", name);
  }
}
END_TEST

/* A text is the function, to its last line and with what is said above it. */
START_TEST(function_texts) {
  static const char hinge[] = "hinge(y, s) = relu(1 - y*s)";
  size_t size = 9;
  const char *text = dz_function_text("hinge", &size);
  ck_assert_ptr_nonnull(text);
  ck_assert_int_eq(*text, '#');
  ck_assert_uint_gt(size, sizeof hinge);
  ck_assert_mem_eq(text + size - (sizeof hinge - 1), hinge, sizeof hinge - 1);
  static const char *const some[] = {"mean", "conv2d", "dot"};
  for (size_t i = 0; i < COUNT(some); i++)
    ck_assert_msg(dz_function_text(some[i], NULL) != NULL, "%s", some[i]);
  text = dz_function_text("std", &size);
  ck_assert_mem_eq(text + size - 3, ")))", 3);
  const char *const others[] = {NULL, "", "sin", "hing", "(", "_centred(", "nothing"};
  for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
    size = 9;
    ck_assert_ptr_null(dz_function_text(others[i], &size));
    ck_assert_uint_eq(size, 0);
  }
  ck_assert_ptr_nonnull(dz_function_text("softmax", NULL));
}
END_TEST

START_TEST(names_in_messages) {
  static const char long_name[] =
      "/a/very/long/path/that/does/not/fit/into/the/record/of/an/error/however/one/counts/it/model.dz";
  dz_error e;
  ck_assert_ptr_null(dz_program_parse("1 +", 3, long_name, NULL, &e));
  ck_assert_str_eq(e.file, "model.dz");
  dz_tape *t = dz_tape_new(NULL);
  ck_assert(!dz_valid(dz_expr(t, "2 + x*q")));
  const dz_error *kept = dz_tape_error(t);
  ck_assert_int_eq(kept->status, DZ_ERR_MISSING);
  ck_assert_str_eq(kept->file, "<text>");
  ck_assert_str_eq(kept->message, "no value for x, q");
  ck_assert_int_eq(kept->column, 5);
  dz_tape_free(t);
}
END_TEST

START_TEST(many_missing) {
  char text[5000] = "n0";
  for (int k = 1; k < 300; k++) snprintf(text + strlen(text), sizeof text - strlen(text), "+ n%d", k);
  dz_tape *t = dz_tape_new(NULL);
  ck_assert(!dz_valid(dz_expr(t, text)));
  ck_assert_int_eq(dz_tape_error(t)->status, DZ_ERR_MISSING);
  const char *message = dz_tape_error(t)->message, *more = strstr(message, " and ");
  ck_assert_ptr_nonnull(more);
  int commas = 0, rest = 0;
  for (const char *c = message; *c; c++) commas += *c == ',';
  for (more += 5; *more >= '0' && *more <= '9'; more++) rest = 10 * rest + (*more - '0');
  ck_assert_int_eq(commas + 1 + rest, 300);
  ck_assert_str_eq(more, " more");
  dz_tape_free(t);
}
END_TEST

/* ---- recording ---- */

START_TEST(nodes_know_their_place) {
  dz_tape *t = dz_tape_new(NULL);
  named_input(t, "x", 2);
  dz_tape_at(t, 77, 7);
  dz_var y = dz_expr(t, "u = x * x\n  v = (u +\n    sin(x))");
  dz_node n = dz_describe(y);
  ck_assert_str_eq(n.op, "add");
  ck_assert_int_eq(n.line, 2);
  ck_assert_int_eq(n.column, 10);
  n = dz_describe(dz_named(t, "u"));
  ck_assert_int_eq(n.line, 1);
  ck_assert_int_eq(n.column, 7);
  n = dz_describe(dz_operand(y, 1));
  ck_assert_str_eq(n.op, "sin");
  ck_assert_int_eq(n.line, 3);
  ck_assert_int_eq(n.column, 5);
  ck_assert_int_eq(dz__of(t)->line, 77);
  ck_assert_int_eq(dz__of(t)->column, 7);
  dz_tape_free(t);
}
END_TEST

/* A choice stands where its question mark does, also when what follows goes on over lines. */
START_TEST(places_of_choices) {
  dz_tape *t = dz_tape_new(NULL);
  named_input(t, "x", 2);
  dz_node n = dz_describe(dz_expr(t, "x ?\n  x*x :\n  x + 1"));
  ck_assert_str_eq(n.op, "where");
  ck_assert_int_eq(n.line * 100 + n.column, 103);
  dz_tape_free(t);
}
END_TEST

/* After a function the place is the caller's again, on another line too. */
START_TEST(places_after_calls) {
  dz_tape *t = dz_tape_new(NULL);
  named_input(t, "x", 2);
  dz_var y = dz_expr(t, "f(a) =\n  a*a\n\nf(x) +\n  mean(x) / x");
  dz_node n = dz_describe(y);
  ck_assert_int_eq(n.line * 100 + n.column, 406);
  n = dz_describe(dz_operand(y, 0));
  ck_assert_int_eq(n.line * 100 + n.column, 204);
  n = dz_describe(dz_operand(y, 1));
  ck_assert_int_eq(n.line * 100 + n.column, 511);
  n = dz_describe(dz_operand(dz_operand(y, 1), 0));
  ck_assert_str_eq(n.op, "div");
  ck_assert_int_eq(n.line * 100 + n.column, 503);
  dz_tape_free(t);
}
END_TEST

START_TEST(a_name_that_is_taken) {
  dz_tape *t = dz_tape_new(NULL);
  named_input(t, "z", 2);
  ck_assert(!dz_valid(dz_expr(t, "\nz = 3")));
  ck_assert_int_eq(dz_tape_error(t)->status, DZ_ERR_NAME);
  ck_assert_str_eq(dz_tape_error(t)->message,
                   "'z' is defined here, but the tape has a node of that name already");
  ck_assert_int_eq(dz_tape_error(t)->line, 2);
  dz_tape_free(t);
}
END_TEST

/* A definition that is a leaf names the leaf, which keeps the name where the rest is rewound. */
START_TEST(a_leaf_by_another_name) {
  dz_tape *t = dz_tape_new(NULL);
  named_input(t, "x", 2);
  dz_program *p = parse("u = x\nu*u");
  dz_mark mark = dz_tape_mark(t);
  for (int turn = 0; turn < 2; turn++) {
    ck_assert_double_eq(dz_value(dz_program_record(p, t, 0)), 4);
    ck_assert_int_eq(dz_tape_rewind(t, mark), DZ_OK);
  }
  dz_program_free(p);
  dz_tape_free(t);
}
END_TEST

/* The first error stays, and good handles go on working. */
START_TEST(an_earlier_error_stays) {
  dz_tape *t = dz_tape_new(NULL);
  named_input(t, "x", 2);
  ck_assert(!dz_valid(dz_expr(t, "x +")));
  ck_assert_int_eq(dz_tape_error(t)->status, DZ_ERR_SYNTAX);
  ck_assert_double_eq(dz_value(dz_expr(t, "x + 1")), 3);
  ck_assert(!dz_valid(dz_expr(t, "q")));
  dz_program *p = parse("2*q");
  ck_assert(!dz_valid(dz_program_record(p, t, 0)));
  ck_assert_int_eq(dz_tape_error(t)->status, DZ_ERR_SYNTAX);
  ck_assert_str_eq(dz_tape_error(t)->file, "<text>");
  dz_program_free(p);
  dz_tape_free(t);
}
END_TEST

START_TEST(a_loop_allocates_nothing) {
  failing f = {0};
  dz_allocator a = failing_allocator(&f);
  dz_tape *t = dz_tape_new(&a);
  named_input(t, "x", 2);
  dz_program *p = parse("f(u, k=2) = u*k + sum([u, 3*u]) + e^u\nx > 0 ? f(x) + mean([x, x^2]) : [1, 2][0]");
  dz_mark mark = dz_tape_mark(t);
  size_t calls = 0;
  double first = 0;
  for (int turn = 0; turn < 4; turn++) {
    dz_var y = dz_program_record(p, t, 0);
    ck_assert_int_eq(dz_backward(y), DZ_OK);
    if (turn == 0) first = dz_value(y);
    if (turn == 1) calls = f.calls;
    ck_assert_double_eq(dz_value(y), first);
    ck_assert_int_eq(dz_tape_rewind(t, mark), DZ_OK);
  }
  ck_assert_uint_eq(f.calls, calls);
  dz_program_free(p);
  dz_tape_free(t);
  ck_assert_uint_eq(f.blocks, 0);
}
END_TEST

/* ---- initial values ---- */

enum { MANY = 10000 };

static const double *initial(dz_tape *t, const char *text, const char *name, uint64_t seed) {
  dz_program *p = parse(text);
  dz_program_record(p, t, seed);
  ck_assert_int_eq(dz_tape_error(t)->status, DZ_OK);
  dz_program_free(p);
  dz_var w = dz_named(t, name);
  ck_assert_int_eq(dz_role_of(w), DZ_ROLE_PARAM);
  return dz_values(w);
}

/* Mean and variance of MANY values, each within six standard errors; and the range. */
static void check_values(const char *init, double mean, double variance, double fourth, double low,
                         double high) {
  char text[100];
  snprintf(text, sizeof text, "param W[100, 100] ~ %s; 0", init);
  dz_tape *t = dz_tape_new(NULL);
  const double *x = initial(t, text, "W", 1);
  double sum = 0, squares = 0;
  for (int i = 0; i < MANY; i++) {
    ck_assert(x[i] >= low && x[i] < high);
    sum += x[i];
    squares += (x[i] - mean) * (x[i] - mean);
  }
  ck_assert_double_le(fabs(sum / MANY - mean), 6 * sqrt(variance / MANY));
  ck_assert_double_le(fabs(squares / MANY - variance), 6 * sqrt((fourth - variance * variance) / MANY));
  dz_tape_free(t);
}

START_TEST(distributions) {
  check_values("uniform(2, 6)", 4, 16. / 12, 256. / 80, 2, 6);
  check_values("normal(3)", 0, 9, 3 * 81, -INFINITY, INFINITY);
  double l = sqrt(6. / 200);
  check_values("glorot", 0, l * l / 3, l * l * l * l / 5, -l, l);
  check_values("he", 0, 2. / 100, 3 * 4e-4, -INFINITY, INFINITY);
}
END_TEST

/* By what comes in and goes out, glorot and he stand for a spread: their values are that one's. */
START_TEST(spreads_by_shape) {
  static const struct {
    const char *shape;
    double in, out;
  } of[] = {{"", 1, 1}, {"[5]", 5, 1}, {"[2, 5]", 2, 5}, {"[2, 3, 5]", 6, 5}, {"[2, 3, 5, 7]", 30, 7}};
  for (size_t i = 0; i < COUNT(of); i++) {
    const double l = sqrt(6 / (of[i].in + of[i].out));
    char uniform[100], normal[60], number[40];
    const char *const inits[] = {"glorot", uniform, "he", normal};
    dz_number_write(l, 0, number);
    snprintf(uniform, sizeof uniform, "uniform(-%s, %s)", number, number);
    dz_number_write(sqrt(2 / of[i].in), 0, number);
    snprintf(normal, sizeof normal, "normal(%s)", number);
    for (int k = 0; k < 4; k += 2) {
      dz_tape *t[2];
      const double *x[2];
      for (int j = 0; j < 2; j++) {
        char text[200];
        snprintf(text, sizeof text, "param W%s ~ %s; 0", of[i].shape, inits[k + j]);
        x[j] = initial(t[j] = dz_tape_new(NULL), text, "W", 3);
      }
      ck_assert_mem_eq(x[0], x[1], dz_size(dz_named(t[0], "W")) * sizeof **x);
      for (int j = 0; j < 2; j++) dz_tape_free(t[j]);
    }
  }
}
END_TEST

START_TEST(a_text_alone_has_the_seed_0) {
  dz_tape *t = dz_tape_new(NULL), *u = dz_tape_new(NULL);
  const double *x = dz_values(dz_expr(t, "param W[8] ~ normal(1); W"));
  ck_assert_mem_eq(x, initial(u, "param W[8] ~ normal(1); W", "W", 0), 8 * sizeof *x);
  dz_tape_free(t);
  dz_tape_free(u);
}
END_TEST

START_TEST(values_depend_on_seed_and_name_only) {
  dz_tape *t[4];
  const double *x[4];
  static const char *const text[] = {"param W[8] ~ normal(1); 0",
                                     "param V[3] ~ he; param W[8] ~ normal(1); sum(V)",
                                     "param W[8] ~ normal(1); 0", "param W2[8] ~ normal(1); 0"};
  for (int k = 0; k < 4; k++) {
    t[k] = dz_tape_new(NULL);
    x[k] = initial(t[k], text[k], k == 3 ? "W2" : "W", k == 2 ? 6 : 5);
  }
  ck_assert_mem_eq(x[0], x[1], 8 * sizeof(double));
  for (int i = 0; i < 8; i++) {
    ck_assert_double_ne(x[0][i], x[2][i]);
    ck_assert_double_ne(x[0][i], x[3][i]);
    for (int k = 0; k < i; k++) ck_assert_double_ne(x[0][i], x[0][k]);
  }
  for (int k = 0; k < 4; k++) dz_tape_free(t[k]);
}
END_TEST

/* ---- memory ---- */

static const char everything[] =
    "input X[2, 2]; param W[2] ~ normal(1); param b ~ zeros\n"
    "f(u, v=2, axis=all) = sum(u*v, axis=axis) # ０\n"
    "y = sigmoid(X @ W + b) ; k = [0, 1] ; tiny = 1e-400\n"
    "z = f(y) + f(X, v=3, axis=k) + max(y, 1, 2)[0] + X'[0, 1:2][0] + e^-tiny + (b > 1 ? 2 : y[1])\n"
    "cross_entropy(stack([y, 2*y]), [0, 1]) + z + mean(concat([y, [7, 8]])) + reshape(X, 4)[-1]\n";

/* The status of parsing and recording with an allocator that fails from the n-th call on. */
static dz_status with_failures(failing *f) {
  dz_allocator a = failing_allocator(f);
  static const size_t dims[] = {2, 2};
  static const double values[] = {1, 2, 3, 4};
  dz_error e = {.status = DZ_ERR_MEMORY};
  dz_tape *t = dz_tape_new(&a);
  dz_program *p = dz_program_parse(everything, strlen(everything), "m", &a, &e);
  dz_status status = p ? DZ_OK : e.status;
  if (t && p) {
    dz_var x = dz_leaf_tensor(t, DZ_ROLE_INPUT, 2, dims, values);
    dz_status naming = dz_set_name(x, "X");
    dz_var y = naming ? x : dz_program_record(p, t, 0);
    status = naming ? DZ_ERR_MEMORY : dz_tape_error(t)->status;
    ck_assert_int_eq(dz_valid(y) && !naming, status == DZ_OK);
    /* Only a note may be lost without an error. */
    if (!status && f->failed && !dz_note_count(t)) status = DZ_ERR_MEMORY;
  } else if (!t) {
    status = DZ_ERR_MEMORY;
  }
  dz_program_free(p);
  dz_tape_free(t);
  ck_assert_uint_eq(f->blocks, 0);
  ck_assert_uint_eq(f->bytes, 0);
  return status;
}

START_TEST(memory_ends_anywhere) {
  failing none = {0};
  ck_assert_int_eq(with_failures(&none), DZ_OK);
  ck_assert_uint_gt(none.calls, 100);
  for (size_t at = 1; at <= none.calls; at++) {
    failing f = {.at = at};
    dz_status status = with_failures(&f);
    ck_assert_msg(status == DZ_ERR_MEMORY, "allocation %zu of %zu: %s", at, none.calls,
                  dz_status_text(status));
  }
}
END_TEST

SUITE(ONCE(leaves_in_order), ONCE(definitions_and_result), ONCE(nothing_given), ONCE(function_names),
      ONCE(no_function_is_kept_back), ONCE(function_texts), ONCE(names_in_messages), ONCE(many_missing),
      ONCE(nodes_know_their_place), ONCE(places_of_choices), ONCE(places_after_calls),
      ONCE(a_name_that_is_taken), ONCE(a_leaf_by_another_name), ONCE(an_earlier_error_stays),
      ONCE(a_loop_allocates_nothing), ONCE(distributions), ONCE(spreads_by_shape),
      ONCE(a_text_alone_has_the_seed_0), ONCE(values_depend_on_seed_and_name_only),
      ONCE(memory_ends_anywhere))
