/* The prelude from C: the same nodes as in the language, at no more cost. */
#include "derive/prelude.h"

#include "dz/prelude.h"
#include "failing.h"
#include "lang/builtin.h"
#include "lang/prelude.h"
#include "suite.h"

#include <math.h>
#include <stdio.h>

static const double numbers[] = {0.5, -1.25, 2, 0.75, 1.5, -0.5};
static const double labels[] = {1, -1, 1, 1, -1, 1};

/* Leaves x and t of shape [2, 3], and c with the classes 2, 0. */
typedef struct leaves {
  dz_tape *tape;
  dz_var x, t, c;
} leaves;

static leaves with_leaves(void) {
  static const size_t dims[] = {2, 3};
  static const double classes[] = {2, 0};
  leaves l = {.tape = dz_tape_new(NULL)};
  l.x = dz_leaf_tensor(l.tape, DZ_ROLE_INPUT, 2, dims, numbers);
  l.t = dz_leaf_tensor(l.tape, DZ_ROLE_DATA, 2, dims, labels);
  l.c = dz_leaf_tensor(l.tape, DZ_ROLE_DATA, 1, dims, classes);
  dz_set_name(l.x, "x");
  dz_set_name(l.t, "t");
  dz_set_name(l.c, "c");
  return l;
}

/* gru has three gates, lstm four. */
static dz_var recurrent(leaves l, int gates) {
  dz_var a = dz_at(l.x, 0, 0), h = dz_at(l.t, 0, 1);
  dz_var m = dz_concat(3, (dz_var[]){l.x, l.t, l.x}, 0);
  dz_var w = dz_stack(gates, (dz_var[]){m, m, m, m}, 0);
  return gates == 3 ? dz_gru(a, h, w, m) : dz_lstm(a, l.t, w, m);
}

static dz_var image_of(dz_var x) { return dz_reshape(x, 4, (size_t[]){1, 1, 2, 3}); }

static dz_var of_c(leaves l, int k) {
  switch (k) {
  case 0:
    return dz_mean(l.x, DZ_ALL, false);
  case 1:
    return dz_mean(l.x, 0, true);
  case 2:
    return dz_variance(l.x, 1, false, 1);
  case 3:
    return dz_std(l.x, DZ_ALL, true, 0);
  case 4:
    return dz_softmax(l.x, -1);
  case 5:
    return dz_log_softmax(l.x, 0);
  case 6:
    return dz_mse(l.x, l.t);
  case 7:
    return dz_mse(l.x, 0.5);
  case 8:
    return dz_cross_entropy(l.x, l.t, -1);
  case 9:
    return dz_cross_entropy(l.x, l.c, 1);
  case 10:
    return dz_hinge(l.t, l.x);
  case 11:
    return dz_perceptron(-1, l.x);
  case 12:
    return dz_hard_tanh(l.x);
  case 13:
    return dz_linear(l.x, dz_transpose(l.t), -1);
  case 14:
    return dz_mlp(l.x, dz_transpose(l.t), -1, l.t, 2);
  case 15:
    return dz_layer_norm(l.x, 2, l.t, -1, 0.5);
  case 16:
    return dz_attention(l.x, l.t, l.x);
  case 17:
    return recurrent(l, 3);
  case 18:
    return recurrent(l, 4);
  case 19:
    return dz_batch_norm(l.x, 2, l.t, 0.5);
  case 20:
    l.x = image_of(l.x);
    return dz_conv2d(l.x, image_of(l.t), 2, 1);
  case 21:
    return dz_max_pool(image_of(l.x), 2, 0);
  case 22:
    return dz_avg_pool(image_of(l.x), 2, 1);
  case 23:
    return dz_dropout(l.x, 0.25, 7);
  default:
    return dz_log_base(2, l.x);
  }
}

static const char *const of_text[] = {"mean(x)",
                                      "mean(x, axis=0, keepdims=1)",
                                      "var(x, axis=1, ddof=1)",
                                      "std(x, keepdims=1)",
                                      "softmax(x)",
                                      "log_softmax(x, axis=0)",
                                      "mse(x, t)",
                                      "mse(x, 0.5)",
                                      "cross_entropy(x, t)",
                                      "cross_entropy(x, c)",
                                      "hinge(t, x)",
                                      "perceptron(-1, x)",
                                      "hard_tanh(x)",
                                      "linear(x, t', -1)",
                                      "mlp(x, t', -1, t, 2)",
                                      "layer_norm(x, 2, t, eps=0.5)",
                                      "attention(x, t, x)",
                                      "a=x[0]; h=t[1]; m=concat([x,t,x]); w=stack([m,m,m]); gru(a, h, w, m)",
                                      "a=x[0]; h=t[1]; m=concat([x,t,x]); w=stack([m,m,m,m]); lstm(a,t,w,m)",
                                      "batch_norm(x, 2, t, eps=0.5)",
                                      "X=reshape(x,1,1,2,3); T=reshape(t,1,1,2,3); conv2d(X, T, 2, pad=1)",
                                      "max_pool(reshape(x, 1, 1, 2, 3))",
                                      "avg_pool(reshape(x, 1, 1, 2, 3), stride=1)",
                                      "dropout(x, 0.25, 7)",
                                      "log_base(2, x)"};
enum { CALLS = sizeof of_text / sizeof *of_text };

START_TEST(the_same_nodes) {
  leaves l = with_leaves(), m = with_leaves();
  dz_var y = of_c(l, _i), z = dz_expr(m.tape, of_text[_i]);
  ck_assert_str_eq(dz_tape_error(l.tape)->message, "");
  ck_assert_str_eq(dz_tape_error(m.tape)->message, "");
  ck_assert_uint_eq(dz_tape_size(l.tape), dz_tape_size(m.tape));
  ck_assert_uint_eq(dz_node_index(y), dz_node_index(z));
  for (size_t i = 0; i < dz_tape_size(l.tape); i++) {
    dz_var p = dz_node_at(l.tape, i), q = dz_node_at(m.tape, i);
    ck_assert_str_eq(dz_describe(p).op, dz_describe(q).op);
    ck_assert_int_eq(dz_describe(p).line, 0);
    ck_assert_uint_eq(dz_size(p), dz_size(q));
    ck_assert_mem_eq(dz_values(p), dz_values(q), dz_size(p) * sizeof(double));
  }
  dz_tape_free(l.tape);
  dz_tape_free(m.tape);
}
END_TEST

/* Each wrong call is an error of the tape, at the line of the call. */
START_TEST(wrong_operands) {
  leaves l = with_leaves(), other = with_leaves();
  dz_var bad = dz_mse(l.x, other.t);
  ck_assert(!dz_valid(bad));
  ck_assert_int_eq(dz_tape_error(l.tape)->status, DZ_ERR_HANDLE);
  ck_assert_str_eq(dz_tape_error(l.tape)->file, __FILE__);
  dz_tape_forgive(l.tape);
  ck_assert(!dz_valid(dz_softmax(l.x, 2)));
  ck_assert_int_eq(dz_tape_error(l.tape)->status, DZ_ERR_ARGUMENT);
  ck_assert_int_eq(dz_tape_error(l.tape)->line, __LINE__ - 2);
  dz_tape_forgive(l.tape);
  ck_assert(!dz_valid(dz_variance(l.x, 0, false, 2)));
  ck_assert_int_eq(dz_tape_error(l.tape)->status, DZ_ERR_SHAPE);
  dz_tape_forgive(l.tape);
  ck_assert(!dz_valid(dz_mean(dz_num(3), DZ_ALL, false)));
  ck_assert(!dz_valid(dz_mean((dz_var){0}, DZ_ALL, false)));
  ck_assert_int_eq(dz_tape_error(l.tape)->status, DZ_OK);
  ck_assert(!dz_valid(dz_mse(l.x, (dz_var){0})));
  ck_assert_int_eq(dz_tape_error(l.tape)->status, DZ_ERR_HANDLE);
  dz_tape_free(l.tape);
  dz_tape_free(other.tape);
}
END_TEST

START_TEST(a_loop_allocates_nothing) {
  failing f = {0};
  dz_allocator a = failing_allocator(&f);
  static const size_t dims[] = {2, 3};
  dz_tape *t = dz_tape_new(&a);
  leaves l = {t, dz_leaf_tensor(t, DZ_ROLE_INPUT, 2, dims, numbers),
              dz_leaf_tensor(t, DZ_ROLE_DATA, 2, dims, labels),
              dz_leaf_tensor(t, DZ_ROLE_DATA, 1, dims, NULL)};
  dz_mark mark = dz_tape_mark(t);
  size_t calls = 0;
  for (int turn = 0; turn < 4; turn++) {
    for (int k = 0; k < CALLS; k++) ck_assert(dz_valid(of_c(l, k)));
    if (turn == 1) calls = f.calls;
    dz_tape_rewind(t, mark);
  }
  ck_assert_uint_eq(f.calls, calls);
  dz_tape_free(t);
  ck_assert_uint_eq(f.blocks, 0);
}
END_TEST

START_TEST(memory_ends_anywhere) {
  static const size_t dims[] = {2, 3};
  size_t most = 1;
  for (size_t at = 1; at <= most; at++) {
    failing f = {.at = at};
    dz_allocator a = failing_allocator(&f);
    dz_tape *t = dz_tape_new(&a);
    if (t) {
      dz_var y = dz_cross_entropy(dz_leaf_tensor(t, DZ_ROLE_INPUT, 2, dims, numbers),
                                  dz_leaf_tensor(t, DZ_ROLE_DATA, 2, dims, labels), -1);
      ck_assert_int_eq(dz_valid(y), f.failed == 0);
      ck_assert_int_eq(dz_tape_error(t)->status, f.failed ? DZ_ERR_MEMORY : DZ_OK);
    }
    if (f.failed) most++;
    dz_tape_free(t);
    ck_assert_uint_eq(f.blocks, 0);
  }
  ck_assert_uint_gt(most, 50);
}
END_TEST

/* names[] in prelude.c lists what prelude.dz defines, in its order; and the prelude uses no free name. */
START_TEST(names_of_the_prelude) {
  dz_error e = {.status = DZ_OK};
  const dz_allocator a = dz__allocator(NULL);
  dz_program *p = dz__prelude_parse(&a, &e);
  ck_assert_msg(p != NULL, "%d:%d: %s", e.line, e.column, e.message);
  size_t n = 0;
  for (size_t i = 0; i < p->functions.n; i++) {
    const char *name = dz__symbol_at(p, dz__function_at(p, i)->symbol)->name;
    if (*name == '_') continue;
    ck_assert_ptr_nonnull(dz__prelude_name(n));
    ck_assert_str_eq(name, dz__prelude_name(n++));
  }
  ck_assert_ptr_null(dz__prelude_name(n));
  ck_assert_uint_lt(p->functions.n, DZ__MOST_PARTS);
  ck_assert_uint_eq(dz_program_leaf_count(p), 0);
  dz_program_free(p);
}
END_TEST

/* A program holds the functions whose names it has, and those that these call; no others. */
START_TEST(what_a_program_holds) {
  static const struct {
    const char *text, *functions;
  } rows[] = {{"x + 1", ""},
              {"softmax(x)", "_shifted _shares softmax "},
              {"\xef\xbd\x8d\xef\xbd\x93\xef\xbd\x85(x, y)", "mean mse "}, /* in wide letters */
              {"my_mse = 2*x\nmy_mse^2", ""},
              {"f(x) = dot(x, x)\nf(v)", "dot f "}};
  for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
    char said[200] = "";
    dz_program *p = dz_program_parse(rows[k].text, strlen(rows[k].text), "row", NULL, NULL);
    ck_assert_ptr_nonnull(p);
    for (size_t i = 0; i < p->functions.n; i++) {
      strcat(said, dz__symbol_at(p, dz__function_at(p, i)->symbol)->name);
      strcat(said, " ");
    }
    ck_assert_str_eq(said, rows[k].functions);
    dz_program_free(p);
  }
}
END_TEST

SUITE(EACH(the_same_nodes, CALLS), ONCE(wrong_operands), ONCE(a_loop_allocates_nothing),
      ONCE(memory_ends_anywhere), ONCE(names_of_the_prelude), ONCE(what_a_program_holds))
