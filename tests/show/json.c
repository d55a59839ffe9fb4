/* The trace as JSON: the numbers of document 004, hostile names, limits, writers and allocators. */
#include "dz/trace.h"

#include "../effort.h"
#include "../failing.h"
#include "drawn.h"

#include <cjson/cJSON.h>
#include <math.h>

static text written(dz_var y, const dz_trace_options *options) {
  text t = {0};
  ck_assert_int_eq(dz_write_trace(y, options, append, &t), DZ_OK);
  return t;
}

static cJSON *trace_of(dz_var y) {
  text t = written(y, NULL);
  cJSON *j = cJSON_Parse(t.at);
  if (!j) ck_abort_msg("no JSON: %s", t.at);
  free(t.at);
  return j;
}

static const cJSON *key(const cJSON *j, const char *name) {
  const cJSON *k = cJSON_GetObjectItemCaseSensitive(j, name);
  if (!k) ck_abort_msg("no \"%s\"", name);
  return k;
}

static const cJSON *node_of(const cJSON *trace, dz_var x) {
  const cJSON *n;
  cJSON_ArrayForEach(n, key(trace, "nodes")) {
    if (key(n, "id")->valuedouble == (double)dz_node_index(x)) return n;
  }
  ck_abort_msg("no node %zu", dz_node_index(x));
  return NULL;
}

static const cJSON *operand(const cJSON *node, int k) { return cJSON_GetArrayItem(key(node, "operands"), k); }
static double number(const cJSON *j, const char *name) { return key(j, name)->valuedouble; }
static const char *words(const cJSON *j, const char *name) { return key(j, name)->valuestring; }
static const char *formula(const cJSON *j, const char *name) { return words(key(j, name), "text"); }

/* G9, G12 and N7 of document 004, and the formulas of its exercise. */
START_TEST(the_trace_of_document_004) {
  dz_var z = sigmoid_by_hand(tape), a = dz_named(tape, "a"), x = dz_named(tape, "x");
  ck_assert_int_eq(dz_backward(z), DZ_OK);
  cJSON *j = trace_of(z);
  double e = exp(-1), one = 1 / (1 + e);
  ck_assert_str_eq(words(j, "output"), "z");
  ck_assert_str_eq(words(j, "seed"), "E");
  ck_assert_double_eq(number(j, "forward"), 4);
  ck_assert_double_eq(number(j, "backward"), 4);
  ck_assert_int_eq(cJSON_GetArraySize(key(j, "nodes")), 7);
  const cJSON *nz = node_of(j, z), *na = node_of(j, a), *nx = node_of(j, x);
  ck_assert_str_eq(words(nz, "op"), "div");
  ck_assert_double_eq_tol(number(nz, "value"), one, 2e-16);
  ck_assert_double_eq(number(nz, "gradient"), 1);
  ck_assert_double_eq(number(nz, "back"), 1);
  ck_assert_double_eq(number(nz, "wave"), 4);
  ck_assert_str_eq(words(nz, "rule"), "x / y");
  ck_assert_str_eq(words(operand(nz, 0), "rule"), "1 / y");
  ck_assert_double_eq(number(operand(nz, 0), "partial"), number(nz, "value"));
  ck_assert_double_eq_tol(number(operand(nz, 1), "share"), -one * one, 4e-16);
  ck_assert_double_eq(number(nx, "gradient"), dz_adjoint(x));
  ck_assert_double_eq_tol(number(nx, "gradient"), one * (1 - one), 4e-16);
  ck_assert_double_eq_tol(number(na, "gradient"), -3 * one * (1 - one), 1e-15);
  ck_assert_str_eq(formula(nx, "gradient_formula"), "E*z*(1 - z)");
  ck_assert_str_eq(formula(na, "gradient_formula"), "-E*(x + 2)*z*(1 - z)");
  cJSON_Delete(j);
}
END_TEST

START_TEST(states_shapes_and_plain_numbers) {
  dz_var x = named(dz_input(tape, 2), "x"), c = named(dz_data(tape, 3), "c");
  dz_var w = named(dz_leaf_tensor(tape, DZ_ROLE_PARAM, DIMS(2, 2), V(1, 2, 3, 4)), "W");
  dz_var v = named(dz_leaf_tensor(tape, DZ_ROLE_INPUT, DIMS(5), V(1, 2, 3, 4, 5)), "v");
  dz_var p = dz_pow(x, 3), y = dz_add(dz_mul(dz_mul(p, c), total(w)), total(v));
  ck_assert_int_eq(dz_backward(y), DZ_OK);
  cJSON *j = trace_of(y);
  ck_assert_str_eq(words(node_of(j, c), "state"), "inactive");
  ck_assert(cJSON_IsNull(key(node_of(j, c), "gradient")));
  ck_assert_str_eq(words(node_of(j, x), "state"), "ready");
  const cJSON *value = key(node_of(j, w), "value");
  ck_assert_double_eq(cJSON_GetArrayItem(cJSON_GetArrayItem(value, 1), 0)->valuedouble, 3);
  ck_assert(cJSON_IsNull(key(node_of(j, v), "value")));
  ck_assert_int_eq(cJSON_GetArraySize(key(node_of(j, v), "shape")), 1);
  ck_assert_double_eq(number(operand(node_of(j, p), 1), "number"), 3);
  ck_assert_double_eq(number(operand(node_of(j, p), 0), "partial"), 12);
  cJSON_Delete(j);
}
END_TEST

START_TEST(numbers_that_json_has_not) {
  dz_var x = named(dz_input(tape, 0), "x"), y = dz_add(dz_sqrt(x), dz_log(x));
  ck_assert_int_eq(dz_backward(y), DZ_OK);
  cJSON *j = trace_of(y);
  ck_assert_str_eq(words(node_of(j, y), "value"), "-inf");
  ck_assert_str_eq(words(node_of(j, x), "gradient"), "inf");
  cJSON_Delete(j);
}
END_TEST

/* Before a sweep there are no gradients. */
START_TEST(without_a_sweep) {
  dz_var x = dz_input(tape, 1), y = dz_exp(x);
  cJSON *j = trace_of(y);
  ck_assert_str_eq(words(node_of(j, x), "state"), "not computed");
  ck_assert(cJSON_IsNull(key(node_of(j, x), "gradient")));
  ck_assert(cJSON_IsNull(key(operand(node_of(j, y), 0), "share")));
  cJSON_Delete(j);
}
END_TEST

static const char *const hostile[] = {
    "</script><script>alert(1)</script>",
    "<!-- <script>",
    "\"quoted\" \\ back",
    "line\nend\t\x01\x7F",
    "\u2028\u2029 重み σ",
    "&amp; '",
};

START_TEST(nothing_ends_a_script) {
  dz_var x = named(dz_input(tape, 2), hostile[_i]), y = dz_mul(dz_exp(x), x);
  ck_assert_int_eq(dz_backward(y), DZ_OK);
  text t = written(y, &(dz_trace_options){.output = hostile[_i]});
  ck_assert_uint_eq(strcspn(t.at, "<>&'"), t.n);
  ck_assert_ptr_null(strstr(t.at, "\u2028"));
  ck_assert_ptr_null(strstr(t.at, "\u2029"));
  cJSON *j = cJSON_Parse(t.at);
  ck_assert_ptr_nonnull(j);
  ck_assert_str_eq(words(j, "output"), hostile[_i]);
  ck_assert_str_eq(words(node_of(j, x), "name"), hostile[_i]);
  cJSON_Delete(j);
  free(t.at);
}
END_TEST

/* By codes what JSON or a browser minds; U+FFFD for each byte that is no character, at the end too. */
START_TEST(characters_of_a_name) {
  const dz_var x = dz_input(tape, 2), y = dz_exp(x);
  text t = written(y, &(dz_trace_options){.output = "\x01\x1f \x7f~\\\"\xff"
                                                    "é\u0123\xe3\x81"});
  ck_assert_ptr_eq(
      strstr(t.at, "{\"output\": \"\\u0001\\u001f \\u007f~\\u005c\\u0022\uFFFDé\u0123\uFFFD\uFFFD\", "),
      t.at);
  free(t.at);
}
END_TEST

/* At a tie of two operands the sweep takes half of each, of one beside what is fixed the lesser slope. */
START_TEST(partials_at_a_tie) {
  const dz_var x = dz_input(tape, 2), c = dz_const(tape, 2), d = dz_input(tape, 2),
               all[] = {dz_fmax(x, d), dz_fmax(x, c), dz_fmax(c, x), dz_fmax(x, 2), dz_fmax(2, x)};
  static const double want[] = {.5, 0, 0, 0, 0};
  static const int of[] = {0, 0, 1, 0, 1};
  ck_assert_int_eq(dz_backward(all[_i]), DZ_OK);
  cJSON *j = trace_of(all[_i]);
  const cJSON *use = operand(node_of(j, all[_i]), of[_i]);
  ck_assert_double_eq(number(use, "partial"), want[_i]);
  ck_assert_double_eq(key(use, "share")->valuedouble, want[_i]);
  cJSON_Delete(j);
}
END_TEST

START_TEST(limits) {
  dz_var y = dz_input(tape, .5);
  text t = {0};
  for (int i = 0; i < 11; i++) y = dz_sin(y);
  ck_assert_int_eq(dz_write_trace(y, &(dz_trace_options){.max_nodes = 10}, append, &t), DZ_ERR_LIMIT);
  ck_assert_uint_eq(t.n, 0);
  ck_assert_int_eq(dz_write_trace(y, &(dz_trace_options){.max_nodes = 11, .formulas = 5}, append, &t), DZ_OK);
  ck_assert_ptr_null(strstr(t.at, "mathml"));
  free(t.at);
}
END_TEST

static bool refuse(void *user, const char *more, size_t size) {
  int *calls = user;
  return (++*calls, false);
}

START_TEST(bad_arguments_are_told) {
  dz_var x = dz_input(tape, 1);
  text t = {0};
  int calls = 0;
  ck_assert_int_eq(dz_write_trace(x, NULL, NULL, NULL), DZ_ERR_ARGUMENT);
  ck_assert_int_eq(dz_write_trace((dz_var){0}, NULL, append, &t), DZ_ERR_HANDLE);
  ck_assert_int_eq(dz_write_trace(dz_num(1), NULL, append, &t), DZ_ERR_HANDLE);
  ck_assert_uint_eq(t.n, 0);
  ck_assert_int_eq(dz_write_trace(x, NULL, refuse, &calls), DZ_ERR_WRITE);
  ck_assert_int_eq(calls, 1);
}
END_TEST

/* Once the tape holds every adjoint, a trace leaves nothing in it, whichever allocation fails. */
START_TEST(every_allocation_may_fail) {
  failing f = {0};
  dz_allocator a = failing_allocator(&f);
  dz_tape *t = dz_tape_new(&a);
  dz_var y = dz_mul(dz_sigmoid(named(dz_input(t, 1), "x")), named(dz_input(t, 2), "y"));
  ck_assert_int_eq(dz_backward(y), DZ_OK);
  text whole = written(y, NULL);
  size_t blocks = f.blocks, k = 0, step = 1;
  for (dz_status status = DZ_ERR_MEMORY; status != DZ_OK; k += step) {
    text part = {0};
    f.at = f.calls + k + 1;
    status = dz_write_trace(y, NULL, append, &part);
    ck_assert_int_eq(status, f.calls >= f.at ? DZ_ERR_MEMORY : DZ_OK);
    ck_assert_int_eq(part.n == 0, status != DZ_OK);
    if (status == DZ_OK) ck_assert_str_eq(part.at, whole.at);
    ck_assert_uint_eq(f.blocks, blocks);
    f.at = 0;
    free(part.at);
    step = k < 100 ? 1 : EFFORT(3, 23);
  }
  ck_assert_uint_gt(k, 20);
  free(whole.at);
  dz_tape_free(t);
  ck_assert_uint_eq(f.blocks, 0);
}
END_TEST

SUITE_ON_TAPE(ONCE(the_trace_of_document_004), ONCE(states_shapes_and_plain_numbers),
              ONCE(numbers_that_json_has_not), ONCE(without_a_sweep),
              EACH(nothing_ends_a_script, sizeof hostile / sizeof *hostile), ONCE(characters_of_a_name),
              EACH(partials_at_a_tie, 5), ONCE(limits), ONCE(bad_arguments_are_told),
              ONCE(every_allocation_may_fail))
