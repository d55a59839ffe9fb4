#include "drawn.h"

#include <math.h>

START_TEST(x_times_x_has_two_wires) {
  dz_var x = named(dz_input(tape, 3), "x"), y = dz_mul(x, x);
  ck_assert_int_eq(dz_backward(y), DZ_OK);
  graph g = graph_of(y, NULL);
  EXPECT_LABEL(&g, "n0", "xinput");
  EXPECT_LABEL(&g, "n1", "×");
  EXPECT_LABEL(&g, "w0", "3← 6");
  EXPECT_LABEL(&g, "w1_0", "3← 3");
  EXPECT_LABEL(&g, "w1_1", "3← 3");
  EXPECT_LABEL(&g, "w1", "9← 1");
  EXPECT_LABEL(&g, "o1", "foutput");
  EXPECT_ARC(&g, "n0", "w0:m:w");
  EXPECT_ARC(&g, "w0:m:e", "b0");
  EXPECT_ARC(&g, "b0", "w1_0:m:w");
  EXPECT_ARC(&g, "b0", "w1_1:m:w");
  EXPECT_ARC(&g, "w1_0:m:e", "n1");
  EXPECT_ARC(&g, "w1_1:m:e", "n1");
  EXPECT_ARC(&g, "n1", "w1:m:w");
  EXPECT_ARC(&g, "w1:m:e", "o1");
  ck_assert_uint_eq(g.vertices, 8);
  ck_assert_uint_eq(g.arcs, 8);
  graph_free(&g);
}
END_TEST

/* Document 004's graph: five operations, two branch points, and its numbers to ten digits. */
START_TEST(the_sigmoid_graph_carries_its_numbers) {
  dz_var z = sigmoid_by_hand(tape);
  dz_dot_options ten = {.digits = 10};
  ck_assert_int_eq(dz_backward(z), DZ_OK);
  graph g = graph_of(z, &ten);
  EXPECT_LABEL(&g, "n2", "( · )2");
  EXPECT_LABEL(&g, "n3", "×");
  EXPECT_LABEL(&g, "n4", "exp");
  EXPECT_LABEL(&g, "n5", "+");
  EXPECT_LABEL(&g, "n6", "÷");
  EXPECT_LABEL(&g, "w0", "\u22121← \u22120.5898357997");
  EXPECT_LABEL(&g, "w2_0", "\u22121← \u22120.3932238665");
  EXPECT_LABEL(&g, "w3_0", "\u22121← \u22120.1966119332");
  EXPECT_LABEL(&g, "w3_1", "1← 0.1966119332");
  EXPECT_LABEL(&g, "w2", "1← 0.1966119332");
  EXPECT_LABEL(&g, "w6_0", "1← 0.7310585786");
  EXPECT_LABEL(&g, "w5_0", "1← \u22120.5344466454");
  EXPECT_LABEL(&g, "w4_0", "\u22121← \u22120.1966119332");
  EXPECT_LABEL(&g, "w5_1", "0.3678794412← \u22120.5344466454");
  EXPECT_LABEL(&g, "w6_1", "1.367879441← \u22120.5344466454");
  EXPECT_LABEL(&g, "w6", "0.7310585786← 1");
  EXPECT_LABEL(&g, "o6", "zoutput");
  EXPECT_ARC(&g, "w6_0:m:e", "n6:nw");
  EXPECT_ARC(&g, "w6_1:m:e", "n6:sw");
  ck_assert_uint_eq(graph_count(&g, 'b'), 2);
  EXPECT_LABEL(&g, "b0", "");
  EXPECT_LABEL(&g, "b2", "");
  ck_assert_uint_eq(graph_count(&g, 'c'), 0);
  graph_free(&g);
}
END_TEST

START_TEST(only_what_is_used_twice_branches) {
  dz_var a = named(dz_input(tape, 2), "a"), b = named(dz_param(tape, 1), "b");
  dz_var sum = dz_add(a, b), more = dz_sub(b, -1), y = dz_mul(sum, more);
  dz_var unused = dz_exp(dz_mul(a, y));
  ck_assert(dz_valid(unused));
  ck_assert_int_eq(dz_backward(y), DZ_OK);
  graph g = graph_of(y, &(dz_dot_options){.output = "e"});
  ck_assert_uint_eq(graph_count(&g, 'b'), 1);
  EXPECT_LABEL(&g, "n1", "bparameter");
  EXPECT_LABEL(&g, "w2_0", "2← 2");
  EXPECT_LABEL(&g, "w1", "1← 5");
  EXPECT_LABEL(&g, "w2_1", "1← 2");
  EXPECT_LABEL(&g, "w3_0", "1← 3");
  EXPECT_LABEL(&g, "c3_1", "\u22121");
  EXPECT_ARC(&g, "c3_1", "n3:sw");
  EXPECT_LABEL(&g, "o4", "eoutput");
  ck_assert_uint_eq(graph_count(&g, 'n'), 5);
  graph_free(&g);
}
END_TEST

START_TEST(gradients_are_shown_only_where_there_are_any) {
  dz_var x = named(dz_input(tape, 2), "x"), k = named(dz_const(tape, 5), "k"), d = dz_data(tape, 7);
  dz_var xk = dz_mul(x, k), stopped = dz_stop(x), y = dz_add(xk, dz_mul(stopped, d));
  text before = drawn(y, NULL);
  ck_assert_ptr_null(strstr(before.at, "←"));
  free(before.at);
  ck_assert_int_eq(dz_backward(y), DZ_OK);
  graph g = graph_of(y, NULL);
  EXPECT_LABEL(&g, "n1", "kconstant");
  EXPECT_LABEL(&g, "n2", "7data");
  EXPECT_LABEL(&g, "w0", "2← 5");
  EXPECT_LABEL(&g, "w3_0", "2← 5");
  EXPECT_LABEL(&g, "w3_1", "5");
  EXPECT_LABEL(&g, "w4_0", "2");
  EXPECT_LABEL(&g, "w5_0", "2");
  EXPECT_LABEL(&g, "w5_1", "7");
  graph_free(&g);
}
END_TEST

START_TEST(a_leaf_alone_is_a_graph) {
  dz_var x = dz_input(tape, -.5);
  graph g = graph_of(x, NULL);
  EXPECT_LABEL(&g, "n0", "\u22120.5input");
  EXPECT_LABEL(&g, "w0", "\u22120.5");
  EXPECT_ARC(&g, "w0:m:e", "o0");
  ck_assert_uint_eq(g.arcs, 2);
  graph_free(&g);
}
END_TEST

START_TEST(numbers_are_set_as_in_print) {
  static const struct {
    double value;
    int digits;
    const char *shown;
  } numbers[] = {{-1.23456, 0, "\u22121.235"},
                 {1.23456, 2, "1.2"},
                 {1e-9, 0, "1×10\u22129"},
                 {-2.5e20, 0, "\u22122.5×1020"},
                 {NAN, 0, "nan"},
                 {-INFINITY, 0, "\u2212inf"},
                 {0, 0, "0"},
                 {123456, 0, "123500"},
                 {.1, 17, "0.10000000000000001"}};
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
    dz_tape_clear(tape);
    graph g = graph_of(dz_input(tape, numbers[i].value), &(dz_dot_options){.digits = numbers[i].digits});
    EXPECT_LABEL(&g, "w0", numbers[i].shown);
    graph_free(&g);
  }
}
END_TEST

START_TEST(powers_show_short_exponents) {
  dz_var x = dz_input(tape, 1.5), y = dz_pow(dz_pow(dz_pow(x, -1), .125), 1e-9);
  graph g = graph_of(dz_pow(2, y), NULL);
  EXPECT_LABEL(&g, "n1", "( · )\u22121");
  EXPECT_LABEL(&g, "n2", "pow");
  EXPECT_LABEL(&g, "c2_1", "0.125");
  EXPECT_LABEL(&g, "n4", "pow");
  EXPECT_LABEL(&g, "c4_0", "2");
  EXPECT_ARC(&g, "c4_0", "n4:nw");
  EXPECT_ARC(&g, "w4_1:m:e", "n4:sw");
  graph_free(&g);
}
END_TEST

START_TEST(tensors_show_elements_or_shape) {
  size_t two[] = {2, 2}, many[] = {3, 2}, none[] = {0, 5};
  dz_var w = named(dz_leaf_tensor(tape, DZ_ROLE_PARAM, 2, two, (double[]){1, 2, -3, 4}), "W");
  dz_var x = named(dz_leaf_tensor(tape, DZ_ROLE_DATA, 2, many, NULL), "X");
  dz_var e = dz_leaf_tensor(tape, DZ_ROLE_PARAM, 2, none, NULL);
  dz_var h = named(dz_matmul(x, w), "h"), of_h = total(h), of_w = total(dz_mul(w, w));
  dz_var y = dz_add(dz_add(of_h, of_w), total(e));
  ck_assert_int_eq(dz_backward(y), DZ_OK);
  graph g = graph_of(y, NULL);
  EXPECT_LABEL(&g, "w0", "[[1, 2], [\u22123, 4]] ∈ ℝ2×2← [[2, 4], [\u22126, 8]]");
  EXPECT_LABEL(&g, "w3_0", "ℝ3×2");
  EXPECT_LABEL(&g, "w3_1", "[[1, 2], [\u22123, 4]] ∈ ℝ2×2← [[0, 0], [0, 0]]");
  EXPECT_LABEL(&g, "w4_0", "hℝ3×2← ℝ3×2");
  EXPECT_LABEL(&g, "w5_0", "[[1, 2], [\u22123, 4]] ∈ ℝ2×2← [[1, 2], [\u22123, 4]]");
  EXPECT_LABEL(&g, "n2", "ℝ0×5parameter");
  EXPECT_LABEL(&g, "n3", "@");
  EXPECT_LABEL(&g, "n4", "Σ");
  graph_free(&g);
}
END_TEST

START_TEST(interior_names_stand_on_the_first_wire) {
  dz_var x = dz_input(tape, 2), h = named(dz_exp2(x), "h"), k = named(dz_neg(h), "k");
  dz_var y = named(dz_add(dz_mul(h, h), k), "y");
  graph g = graph_of(y, NULL);
  EXPECT_LABEL(&g, "w1", "h4");
  EXPECT_LABEL(&g, "w2_0", "4");
  EXPECT_LABEL(&g, "w4_1", "k\u22124");
  EXPECT_LABEL(&g, "w4", "12");
  EXPECT_LABEL(&g, "o4", "youtput");
  graph_free(&g);
}
END_TEST

int main(void) {
  Suite *s = suite_create("dot");
  TCase *c = tcase_create("all");
  tcase_set_timeout(c, 120);
  tcase_add_checked_fixture(c, setup, teardown);
  tcase_add_test(c, x_times_x_has_two_wires);
  tcase_add_test(c, the_sigmoid_graph_carries_its_numbers);
  tcase_add_test(c, only_what_is_used_twice_branches);
  tcase_add_test(c, gradients_are_shown_only_where_there_are_any);
  tcase_add_test(c, a_leaf_alone_is_a_graph);
  tcase_add_test(c, numbers_are_set_as_in_print);
  tcase_add_test(c, powers_show_short_exponents);
  tcase_add_test(c, tensors_show_elements_or_shape);
  tcase_add_test(c, interior_names_stand_on_the_first_wire);
  suite_add_tcase(s, c);
  SRunner *r = srunner_create(s);
  srunner_run_all(r, CK_ENV);
  int failed = srunner_ntests_failed(r);
  srunner_free(r);
  return failed != 0;
}
