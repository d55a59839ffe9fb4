/* Pictures at their ends: many inputs, gradients of some, values that are to come, names that make
   parameters, boxes, equal operations, and more than a drawing holds. */
#include "dz/paths.h"
#include "show/symbol.h"

#include "drawn.h"

#include <math.h>

static dz_var swept(dz_var y) {
  ck_assert_msg(dz_valid(y), "%s", dz_tape_error(tape)->message);
  ck_assert_int_eq(dz_backward(y), DZ_OK);
  return y;
}

static bool says(dz_var y, const dz_dot_options *o, const char *part) {
  text t = drawn(y, o);
  const bool found = strstr(t.at, part) != NULL;
  free(t.at);
  return found;
}

/* ---- inputs ---- */

/* A few inputs stand below each other; many, where their operations want them. */
START_TEST(few_inputs_stand_in_a_column) {
  static const dz_picture styles[] = {DZ_PICTURE_GRAPH, DZ_PICTURE_VARS};
  for (size_t k = 0; k < COUNT(styles); k++)
    for (int n = 1; n < 11; n++) {
      dz_tape_clear(tape);
      dz_var y = dz_num(0);
      for (int i = 0; i < n; i++) y = dz_add(dz_input(tape, i), y);
      const bool column = says(swept(y), &(dz_dot_options){.style = styles[k]}, "rank=same; n0;");
      ck_assert_msg(column == (n > 1 && n < 9), "%d inputs", n);
    }
}
END_TEST

/* Where no leaf is a parameter by its role those are that are called like one; what has no name is none. */
START_TEST(parameters_by_their_names) {
  static const struct {
    const char *name;
    bool parameter;
  } cases[] = {{"w", true},      {"W2", true}, {"bias", true}, {"U", true},     {"theta", true},
               {"theta1", true}, {"θ", true},  {"θ2", true},   {"thet", false}, {"x", false},
               {"t", false},     {"τ", false}, {NULL, false},  {"Theta", false}};
  for (size_t k = 0; k < COUNT(cases); k++) {
    dz_tape_clear(tape);
    const dz_var x = named(dz_input(tape, 2), "in"), p = dz_input(tape, 3);
    if (cases[k].name) named(p, cases[k].name);
    /* a parameter is a box, whose gradient is kept */
    const bool kept = says(swept(dz_mul(p, x)), &(dz_dot_options){.style = DZ_PICTURE_LAYERS}, "↓ ");
    ck_assert_msg(kept == cases[k].parameter, "%s", cases[k].name ? cases[k].name : "no name");
  }
}
END_TEST

/* ---- gradients of some ---- */

START_TEST(gradients_of_two_of_three) {
  const dz_var x = named(dz_input(tape, 2), "x"), y = named(dz_input(tape, 3), "y"),
               b = named(dz_input(tape, 7), "b"), wrt[] = {x, y};
  const dz_var z = swept(dz_mul(dz_mul(x, y), b));
  for (size_t n = 0; n <= 2; n++) {
    graph g = graph_of(z, &(dz_dot_options){.wrt = wrt, .wrt_count = n, .style = DZ_PICTURE_VARS});
    ck_assert(strstr(graph_label(&g, "n0"), "← 21") != NULL); /* y b */
    ck_assert_int_eq(strstr(graph_label(&g, "n1"), "← 14") != NULL, n != 1);
    ck_assert_int_eq(strstr(graph_label(&g, "n2"), "← 6") != NULL, n == 0);
    graph_free(&g);
  }
}
END_TEST

/* A box that uses a value only where no gradient flows has a wire without one. */
START_TEST(boxes_that_stop_a_value) {
  const dz_var x = named(dz_input(tape, 2), "x"), w = named(dz_input(tape, 3), "w");
  const dz_var h = named(dz_mul(dz_stop(x), w), "h"), z = swept(dz_mul(h, dz_add(x, 1)));
  graph g = graph_of(z, &(dz_dot_options){.shared = true, .collapse = "h"});
  size_t arrows = 0, wires = 0;
  for (size_t i = 0; i < g.vertices; i++) {
    if (g.vertex[i].id[0] != 'w') continue;
    wires++;
    arrows += strstr(g.vertex[i].label, "←") != NULL;
  }
  ck_assert_uint_eq(wires, arrows + 1);
  graph_free(&g);
}
END_TEST

/* ---- values ---- */

/* What is to come is there in no colour, the shape beside it too. */
START_TEST(values_that_are_to_come) {
  size_t two = 2;
  const dz_var v = named(dz_leaf_tensor(tape, DZ_ROLE_INPUT, 1, &two, V(1, 2)), "v");
  const dz_var y = swept(dz_sum(dz_exp(dz_exp(v)), DZ_ALL, false));
  text whole = drawn(y, NULL), first = drawn(y, &(dz_dot_options){.wave = 1});
  ck_assert(!strstr(whole.at, "COLOR=\"transparent\">∈ "));
  ck_assert(strstr(first.at, "COLOR=\"transparent\">∈ ") != NULL);
  ck_assert(strstr(first.at, "COLOR=\"#5f6368\">∈ ") != NULL); /* of v itself */
  free(whole.at);
  free(first.at);
}
END_TEST

/* A value whose formula is too long for a wire stands as its name, and as its number; without a name as its
   number alone. */
START_TEST(formulas_that_are_too_long) {
  for (int k = 0; k < 2; k++) {
    dz_tape_clear(tape);
    const dz_var x = named(dz_input(tape, 2), "x"), y = named(dz_input(tape, 3), "y");
    dz_var long_one = dz_mul(x, y);
    for (int i = 1; i < 9; i++) long_one = dz_add(dz_sin(dz_mul(long_one, i % 2 ? x : y)), i);
    if (k == 0) named(long_one, "h");
    const dz_var z = swept(dz_exp(dz_exp(long_one)));
    char number[32];
    dz_number_write(dz_value(long_one), 4, number);
    text t = drawn(z, &(dz_dot_options){.written = DZ_WRITTEN_BOTH});
    ck_assert(strstr(t.at, number) != NULL);
    free(t.at);
    memset(&t, 0, sizeof t);
    ck_assert_int_eq(dz_write_svg(z, &(dz_dot_options){.written = DZ_WRITTEN_BOTH}, append, &t), DZ_OK);
    ck_assert(strstr(t.at, number) != NULL);
    free(t.at);
  }
}
END_TEST

/* ---- equal operations ---- */

static size_t seen_when_shared(dz_var y) {
  dz__trace t;
  ck_assert_int_eq(dz__trace_make(y, 1000, &t), DZ_OK);
  ck_assert_int_eq(dz__trace_share(&t), DZ_OK);
  const size_t n = t.nseen;
  dz__trace_free(&t);
  return n;
}

/* One operation on the same operands is another when its axes are, or how many it has. */
START_TEST(what_differs_stays_apart) {
  const dz_var A = named(dz_leaf_tensor(tape, DZ_ROLE_INPUT, DIMS(2, 2), V(1, 2, 3, 4)), "A");
  const int rows[] = {0}, both[] = {0, 1};
  const dz_var s0 = dz_reduce("sum", A, 1, rows, false), s01 = dz_reduce("sum", A, 2, both, false),
               again = dz_reduce("sum", A, 2, both, false);
  ck_assert_uint_eq(seen_when_shared(dz_mul(s0, s01)), 4);
  ck_assert_uint_eq(seen_when_shared(dz_mul(again, s01)), 3);
  /* joined more or less often: two operations, wherever the table of them has its places */
  const dz_var v = named(dz_leaf_tensor(tape, DZ_ROLE_INPUT, DIMS(2), V(1, 2)), "v");
  dz_var part[12], sum[12];
  for (int k = 0; k < 12; k++) {
    part[k] = v;
    sum[k] = dz_sum(dz_concat(k + 1, part, 0), DZ_ALL, false);
  }
  for (int k = 0; k < 12; k++)
    for (int j = 0; j < k; j++) ck_assert_uint_eq(seen_when_shared(dz_add(sum[k], sum[j])), 6);
}
END_TEST

/* ---- limits ---- */

/* Wires over many layers take a place in each: what is more than a drawing holds is refused as such. */
START_TEST(more_than_a_drawing_holds) {
  /* n products with x have 2 n^2 + 3 n + 3 places, a number's sum 5 more, a sine 4: 2^21 + 1, one too many */
  enum { PRODUCTS = 1023, SUMS = 3, SINES = 252 };
  const dz_var x = named(dz_input(tape, 1), "x");
  dz_var y = x;
  for (int k = 0; k < PRODUCTS; k++) y = dz_mul(y, x);
  for (int k = 0; k < SUMS; k++) y = dz_add(y, 1);
  for (int k = 0; k < SINES; k++) y = dz_sin(y);
  text t = {0};
  ck_assert_int_eq(dz_write_svg(y, &(dz_dot_options){.max_nodes = 2000}, append, &t), DZ_ERR_LIMIT);
  ck_assert_uint_eq(t.n, 0);
}
END_TEST

/* What is narrower than its legend is widened, also where its 16 places fill their room. */
START_TEST(small_drawings) {
  text t = {0};
  const dz_var z = dz_sin(dz_clamp(named(dz_input(tape, 2), "x"), named(dz_input(tape, 1), "y"), 3));
  ck_assert_int_eq(dz_write_svg(swept(z), NULL, append, &t), DZ_OK);
  const double left = number_behind(t.at, "<text x=\""), width = number_behind(t.at, " width=\"");
  ck_assert(left > 16 + 30 + 10 && left < width / 2); /* it does not begin at the margin */
  free(t.at);
}
END_TEST

/* What is drawn though an allocation failed is drawn to its end. */
static size_t whole;

static dz_status draw_starved(dz_tape *t, const dz_allocator *a, int kind) {
  text to = {0};
  (void)a, (void)kind;
  const dz_var x = dz_input(t, 2), y = dz_mul(dz_add(x, 1), dz_pow(x, 2));
  dz_status s = dz_tape_error(t)->status;
  if (!s) s = dz_set_name(x, "x");
  if (!s) s = dz_backward(y);
  if (!s) s = dz_write_svg(y, NULL, append, &to);
  if (!s && t == tape) whole = to.n;
  ck_assert_uint_eq(to.n, s ? 0 : whole);
  free(to.at);
  return s;
}

START_TEST(one_allocation_may_fail) {
  ck_assert_int_eq(draw_starved(tape, NULL, 0), DZ_OK);
  fail_one_allocation(draw_starved, 0);
}
END_TEST

/* So are more wires than a trace holds; paths are found there too, but equal operations stay apart. */
START_TEST(more_than_a_trace_holds) {
  enum { WIDE = 2048, MANY = DZ__MOST_USES / WIDE };
  static dz_var part[WIDE], row[MANY];
  size_t none = 0;
  text t = {0};
  const dz_var x = named(dz_input(tape, 2), "x"), e = dz_leaf_tensor(tape, DZ_ROLE_DATA, 1, &none, NULL);
  for (int k = 0; k < WIDE; k++) part[k] = e;
  for (int k = 0; k < MANY; k++) row[k] = dz_concat(WIDE, part, 0);
  const dz_var y = dz_add(dz_mul(dz_sin(x), dz_sin(x)), dz_sum(dz_concat(MANY, row, 0), DZ_ALL, false));
  ck_assert(dz_valid(y));
  ck_assert_int_eq(dz_write_dot(y, &(dz_dot_options){.max_nodes = 2 * MANY}, append, &t), DZ_ERR_LIMIT);
  ck_assert_uint_eq(t.n, 0);
  dz_paths *p;
  ck_assert_int_eq(dz_paths_find(y, x, 0, 0, &p), DZ_OK);
  ck_assert_uint_eq(p->nodes, 5);
  ck_assert_double_eq(p->gradient, 2 * (sin(2) * cos(2)));
  dz_paths_free(p);
}
END_TEST

/* ---- paths ---- */

static text paths_dot(dz_var y, dz_var x, size_t most, const dz_paths_style *style) {
  dz_paths *p;
  text t = {0};
  ck_assert_int_eq(dz_paths_find(y, x, 0, most, &p), DZ_OK);
  ck_assert_int_eq(dz_paths_dot(p, style, 0, append, &t), DZ_OK);
  dz_paths_free(p);
  graph g = graph_read(t.at);
  graph_free(&g);
  return t;
}

START_TEST(paths_at_their_ends) {
  const dz_var x = named(dz_input(tape, 2), "x"), c = named(dz_input(tape, 5), "c");
  const dz_var y = dz_mul(dz_sub(c, x), dz_add(x, 3));
  text t = paths_dot(y, x, 0, &(dz_paths_style){.output = ""});
  ck_assert(strstr(t.at, "∂<I>f</I>/∂<I>x</I>") != NULL);
  ck_assert(strstr(t.at, "the sum over all paths</TD>") != NULL);
  ck_assert(strstr(t.at, "=\u00A0\u22121>") == NULL); /* a partial that is the number -1 is said once */
  free(t.at);
  t = paths_dot(y, x, 1, NULL);
  ck_assert(strstr(t.at, "the sum over all paths, not only these</TD>") != NULL);
  free(t.at);
  t = paths_dot(dz_div(x, dz_div(c, dz_add(c, 1))), x, 0, NULL);
  ck_assert(strstr(t.at, "(<I>c</I>") != NULL && strstr(t.at, "=\u00A01.2>") != NULL); /* 6/5 */
  free(t.at);
}
END_TEST

/* Of a value that is used very often the recursion shows a part, and says so. */
START_TEST(a_value_that_is_used_very_often) {
  const dz_var x = named(dz_input(tape, 2), "x");
  dz_var y = dz_add(x, 1);
  for (int k = 0; k < 40; k++) y = dz_clamp(y, x, x);
  for (int turn = 0; turn < 2; turn++) {
    dz_paths *p;
    text t = {0};
    ck_assert_int_eq(dz_paths_find(turn ? dz_exp(x) : y, x, 0, 4, &p), DZ_OK);
    size_t leaving = 0;
    for (size_t i = 0; i < p->edges; i++) leaving += p->edge[i].from == 0;
    ck_assert_int_eq(dz_paths_write(p, NULL, append, &t), DZ_OK);
    ck_assert_msg((strstr(t.at, " + … = ") != NULL) == (leaving > 64), "%zu: %s", leaving, t.at);
    ck_assert_int_eq(leaving > 64, turn == 0);
    free(t.at);
    dz_paths_free(p);
  }
}
END_TEST

SUITE_ON_TAPE(ONCE(few_inputs_stand_in_a_column), ONCE(parameters_by_their_names),
              ONCE(gradients_of_two_of_three), ONCE(boxes_that_stop_a_value), ONCE(values_that_are_to_come),
              ONCE(formulas_that_are_too_long), ONCE(what_differs_stays_apart),
              ONCE(more_than_a_drawing_holds), ONCE(small_drawings), ONCE(one_allocation_may_fail),
              ONCE(more_than_a_trace_holds), ONCE(paths_at_their_ends), ONCE(a_value_that_is_used_very_often))
