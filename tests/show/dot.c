#include "drawn.h"

#include "dz/lang.h"

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
  EXPECT_LABEL(&g, "o1", "zoutput");
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
                 {-INFINITY, 0, "\u2212∞"},
                 {0, 0, "0"},
                 {-0., 0, "0"},
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

/* ---- the figure of document 004, with formulas ---- */

static const char *closed(const char *label) {
  static char out[512];
  size_t n = 0;
  while (*label && n < sizeof out - 1) {
    size_t space = *label == ' '                      ? 1
                   : strncmp(label, "\u00a0", 2) == 0 ? 2
                   : strncmp(label, "\u2009", 3) == 0 ? 3
                                                      : 0;
    if (space)
      label += space;
    else
      out[n++] = *label++;
  }
  out[n] = 0;
  return out;
}

#define EXPECT_FORMULA(id, want) ck_assert_str_eq(closed(graph_label(&g, id)), want)

/* What stands at its wires: values above, gradients below, a = -1 as its number, a^2 drawn once. */
START_TEST(the_figure_of_document_004) {
  static const dz_dot_options both = {.written = DZ_WRITTEN_BOTH, .shared = true};
  dz_program *p = dz_program_parse("a^2/(a^2 + exp(a*x))", 20, "<text>", NULL, NULL);
  named(dz_input(tape, -1), "a");
  named(dz_input(tape, 1), "x");
  dz_var z = dz_program_record(p, tape, 0);
  dz_program_free(p);
  ck_assert_int_eq(dz_backward(z), DZ_OK);
  graph g = graph_of(z, &both);
  EXPECT_FORMULA("n0", "\u22121constanta");
  EXPECT_FORMULA("n1", "xinput");
  EXPECT_FORMULA("w0", "\u22121\u2212E(x+2)z(1\u2212z)←\u22120.5898");
  EXPECT_FORMULA("w2_0", "\u22121\u22122Ee\u2212x(1+e\u2212x)2←\u22120.3932");
  EXPECT_FORMULA("w4_0", "\u22121\u2212Exe\u2212x(1+e\u2212x)2←\u22120.1966");
  EXPECT_FORMULA("w4_1", "x1Ez(1\u2212z)←0.1966");
  EXPECT_FORMULA("w2", "1Ee\u2212x(1+e\u2212x)2←0.1966");
  EXPECT_FORMULA("w7_0", "1E1+e\u2212x←0.7311");
  EXPECT_FORMULA("w6_0", "1\u2212E(1+e\u2212x)2←\u22120.5344");
  EXPECT_FORMULA("w5_0", "\u2212x\u22121\u2212Ee\u2212x(1+e\u2212x)2←\u22120.1966");
  EXPECT_FORMULA("w6_1", "e\u2212x0.3679\u2212E(1+e\u2212x)2←\u22120.5344");
  EXPECT_FORMULA("w7_1", "1+e\u2212x1.368\u2212E(1+e\u2212x)2←\u22120.5344");
  EXPECT_FORMULA("w7", "z0.7311E←1");
  EXPECT_FORMULA("o7", "zoutput");
  ck_assert_uint_eq(graph_count(&g, 'b'), 2);
  ck_assert_uint_eq(graph_count(&g, 'n'), 7);
  graph_free(&g);
  dz_picture_size size;
  ck_assert_int_eq(dz_picture_measure(z, &both, &size), DZ_OK);
  ck_assert_uint_eq(size.operations, 5);
  ck_assert_uint_eq(size.forward, 4);
  ck_assert_uint_eq(size.backward, 4);
  ck_assert_int_eq(dz_picture_measure(z, NULL, &size), DZ_OK); /* a^2 twice */
  ck_assert_uint_eq(size.operations, 6);
  ck_assert_int_eq(dz_picture_measure(dz_num(1), NULL, &size), DZ_ERR_HANDLE);
  ck_assert(size.operations == 0 && size.forward == 0 && size.backward == 0);
}
END_TEST

/* In layers a call of the prelude is one box, in other pictures its operations stand by themselves. */
START_TEST(measures_of_styles) {
  named(dz_leaf_tensor(tape, DZ_ROLE_INPUT, DIMS(2), V(1, 2)), "v");
  const dz_var z = dz_expr(tape, "sum(sin(softmax(v)))");
  static const struct {
    dz_picture style;
    size_t more; /* than sum, sin and a box */
  } cases[] = {{DZ_PICTURE_GRAPH, 5}, {DZ_PICTURE_VARS, 5}, {DZ_PICTURE_LAYERS, 0}, {DZ_PICTURE_NEURONS, 0}};
  for (size_t k = 0; k < COUNT(cases); k++) {
    dz_picture_size size;
    ck_assert_int_eq(dz_picture_measure(z, &(dz_dot_options){.style = cases[k].style}, &size), DZ_OK);
    ck_assert_uint_eq(size.operations, 3 + cases[k].more);
    ck_assert_uint_eq(size.forward, 3 + cases[k].more);
  }
}
END_TEST

static size_t count_of(const char *at, const char *what) {
  size_t n = 0;
  for (; (at = strstr(at, what)); at += strlen(what)) n++;
  return n;
}

/* Frames: the same text but for colours; each wave brings some out, none hides any. */
START_TEST(frames_differ_in_colours_only) {
  dz_var z = sigmoid_by_hand(tape);
  size_t last = SIZE_MAX, length = 0;
  ck_assert_int_eq(dz_backward(z), DZ_OK);
  for (size_t wave = 1; wave <= 8; wave++) {
    dz_dot_options o = {.written = DZ_WRITTEN_BOTH, .shared = true, .wave = wave};
    text t = drawn(z, &o);
    size_t hidden = count_of(t.at, "transparent");
    ck_assert_uint_lt(hidden, last);
    /* "transparent" has four letters more than a colour */
    if (length) ck_assert_uint_eq(t.n - 4 * hidden, length);
    length = t.n - 4 * hidden;
    last = hidden;
    free(t.at);
  }
  ck_assert_uint_eq(last, 0);
}
END_TEST

/* With a colour for each wave no two waves share one, nor with anything else. */
START_TEST(waves_have_colours_of_their_own) {
  char colors[3][2][9][8], other[8];
  for (int theme = 0; theme < 3; theme++)
    for (int back = 0; back < 2; back++)
      for (size_t k = 0; k < 9; k++) dz_wave_color((dz_theme)theme, back, k, colors[theme][back][k]);
  for (int theme = 0; theme < 3; theme++)
    for (int i = 0; i < 18; i++)
      for (int j = 0; j < i; j++) ck_assert_str_ne(colors[theme][i / 9][i % 9], colors[theme][j / 9][j % 9]);
  static const char *const first[][2] = {
      {"#111112", "#c62829"}, {"#e8eaec", "#ff8a7f"}, {"#111112", "#131112"}, {"#111112", "#c62829"}};
  for (int theme = 0; theme < 4; theme++) /* the last is none, and so the first */
    for (int back = 0; back < 2; back++) {
      dz_wave_color((dz_theme)theme, back, 0, other);
      ck_assert_str_eq(other, first[theme][back]);
    }
  dz_wave_color(DZ_THEME_DARK, false, 1000000, other); /* 81 from the plain one: no wave is told any more */
  ck_assert_str_eq(other, "#e8ea9c");
}
END_TEST

START_TEST(only_gradients_that_lead_to_a_name) {
  dz_var z = sigmoid_by_hand(tape), x = dz_named(tape, "x");
  ck_assert_int_eq(dz_backward(z), DZ_OK);
  graph g = graph_of(z, &(dz_dot_options){.wrt = &x, .wrt_count = 1});
  EXPECT_LABEL(&g, "w0", "\u22121");
  EXPECT_LABEL(&g, "w3_0", "\u22121");
  EXPECT_LABEL(&g, "w3_1", "1← 0.1966");
  EXPECT_LABEL(&g, "w2", "1");
  EXPECT_LABEL(&g, "w5_1", "0.3679← \u22120.5344");
  graph_free(&g);
}
END_TEST

START_TEST(parts_become_boxes) {
  dz_var x = named(dz_input(tape, 2), "x"), y = named(dz_input(tape, 3), "y");
  dz_var h = named(dz_sin(dz_mul(x, y)), "h"), z = dz_add(dz_exp(h), x);
  ck_assert_int_eq(dz_backward(z), DZ_OK);
  graph g = graph_of(z, &(dz_dot_options){.collapse = "h"});
  EXPECT_LABEL(&g, "n3", "h");
  EXPECT_ARC(&g, "w3_0:m:e", "n3");
  EXPECT_ARC(&g, "w3_1:m:e", "n3");
  ck_assert_uint_eq(graph_count(&g, 'n'), 5);
  graph_free(&g);
  g = graph_of(z, &(dz_dot_options){.depth = 1});
  EXPECT_LABEL(&g, "n3", "h");
  graph_free(&g);
  g = graph_of(z, &(dz_dot_options){.depth = 2});
  EXPECT_LABEL(&g, "n3", "sin");
  graph_free(&g);
}
END_TEST

static const char *in_brackets(const char *english, void *user) {
  static char out[80];
  snprintf(out, sizeof out, "[%s]", english);
  return user ? NULL : out;
}

START_TEST(words_are_translated) {
  dz_dot_options o = {.translate = in_brackets};
  dz_var y = dz_exp(named(dz_input(tape, 2), "x"));
  graph g = graph_of(y, &o);
  EXPECT_LABEL(&g, "n0", "x[input]");
  EXPECT_LABEL(&g, "o1", "z[output]");
  graph_free(&g);
}
END_TEST

SUITE_ON_TAPE(ONCE(x_times_x_has_two_wires), ONCE(the_sigmoid_graph_carries_its_numbers),
              ONCE(only_what_is_used_twice_branches), ONCE(gradients_are_shown_only_where_there_are_any),
              ONCE(a_leaf_alone_is_a_graph), ONCE(numbers_are_set_as_in_print),
              ONCE(powers_show_short_exponents), ONCE(tensors_show_elements_or_shape),
              ONCE(interior_names_stand_on_the_first_wire), ONCE(the_figure_of_document_004),
              ONCE(measures_of_styles), ONCE(frames_differ_in_colours_only),
              ONCE(waves_have_colours_of_their_own), ONCE(only_gradients_that_lead_to_a_name),
              ONCE(parts_become_boxes), ONCE(words_are_translated))
