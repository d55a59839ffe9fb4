/* Networks as neurons: which element goes into which with what weight, what stands inside the circles, and
   what is no neuron's. */
#include "dz/lang.h"
#include "dz/userop.h"

#include "drawn.h"

static dz_var leaf(dz_role role, const char *name, int rank, const size_t *dims) {
  static const double v[] = {2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53,
                             2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53};
  const dz_var x = dz_leaf_tensor(tape, role, rank, dims, v);
  return name ? named(x, name) : x;
}

static text neurons(dz_var y, dz_written written) {
  ck_assert_msg(dz_valid(y), "%s", dz_tape_error(tape)->message);
  ck_assert_int_eq(dz_backward(y), DZ_OK);
  return drawn(y, &(dz_dot_options){.style = DZ_PICTURE_NEURONS, .written = written});
}

static size_t node(dz_var x) { return dz_node_index(x); }

/* What stands inside a circle; at the line between two: NULL when there is none. To be freed. */
static char *inside(const text *t, dz_var x, size_t e) {
  char id[40];
  graph g = graph_read(t->at);
  snprintf(id, sizeof id, "n%zu_%zu", node(x), e);
  const vertex *v = graph_find(&g, id);
  char *label = v && v->label ? strdup(v->label) : NULL;
  graph_free(&g);
  return label;
}

static char *at_line(const text *t, dz_var x, size_t from, dz_var y, size_t to) {
  char line[80];
  text label = {0};
  const int n = snprintf(line, sizeof line, "  n%zu_%zu -> n%zu_%zu", node(x), from, node(y), to);
  const char *s = strstr(t->at, line);
  if (!s) return NULL;
  text_add(&label, "", 0);
  s += n;
  if (strncmp(s, " [", 2) == 0) markup(strchr(s, '<') + 1, &label);
  return label.at;
}

/* NULL: nothing. */
static void expect_text(char *got, const char *want) {
  const bool right = got && want ? strcmp(got, want) == 0 : !got && !want;
  if (!right) ck_abort_msg("%s, not %s", got ? got : "nothing", want ? want : "nothing");
  free(got);
}

static void expect_beginning(char *got, const char *want) {
  if (!got || strncmp(got, want, strlen(want)) != 0)
    ck_abort_msg("%s, not %s…", got ? got : "no circle", want);
  free(got);
}

/* ---- products ---- */

static const struct {
  bool left; /* W x, not x W */
  int rank[2];
  size_t x[2], w[2];
} products[] = {
    {true, {1, 2}, {2}, {3, 2}},    {false, {1, 2}, {2}, {2, 3}},    {true, {2, 2}, {2, 2}, {3, 2}},
    {true, {2, 2}, {2, 3}, {1, 2}}, {false, {2, 2}, {3, 2}, {2, 1}}, {false, {2, 2}, {2, 2}, {2, 3}},
    {true, {1, 1}, {4}, {4}},       {false, {1, 1}, {4}, {4}},       {false, {2, 1}, {3, 2}, {2}},
    {true, {2, 1}, {2, 3}, {2}},    {false, {0, 0}, {0}, {0}},       {true, {0, 0}, {0}, {0}},
};

static dz_var product(int k, dz_var w, dz_var x) {
  if (products[k].rank[0] == 0) return products[k].left ? dz_mul(w, x) : dz_mul(x, w);
  return products[k].left ? dz_matmul(w, x) : dz_matmul(x, w);
}

/* A line stands where an element goes into another, with the derivative as its weight: what the product of a
   unit vector holds there. */
START_TEST(lines_are_derivatives) {
  const dz_var x = leaf(DZ_ROLE_INPUT, "x", products[_i].rank[0], products[_i].x),
               w = leaf(DZ_ROLE_PARAM, "W", products[_i].rank[1], products[_i].w);
  const dz_var y = product(_i, w, x), circle = dz_exp(y), z = total(circle); /* the sum's is in exp's */
  const text num = neurons(z, DZ_WRITTEN_NUM), sym = neurons(z, DZ_WRITTEN_SYM);
  const size_t columns = products[_i].rank[1] == 2 ? products[_i].w[1] : 1;
  for (size_t from = 0; from < dz_size(x); from++) {
    double unit[8] = {0};
    unit[from] = 1;
    const dz_var one = products[_i].rank[0]
                           ? dz_leaf_tensor(tape, DZ_ROLE_INPUT, products[_i].rank[0], products[_i].x, unit)
                           : dz_input(tape, 1);
    const dz_var slope = product(_i, w, one);
    for (size_t to = 0; to < dz_size(y); to++) {
      const double p = dz_rank(slope) ? dz_values(slope)[to] : dz_value(slope);
      char number[32] = "", name[32] = "W";
      size_t e = 0;
      while (p != 0 && (products[_i].rank[1] ? dz_values(w)[e] : dz_value(w)) != p) e++;
      if (products[_i].rank[1] == 1) snprintf(name, sizeof name, "W%zu", e + 1);
      if (products[_i].rank[1] == 2)
        snprintf(name, sizeof name, "W%zu,%zu", e / columns + 1, e % columns + 1);
      if (p != 0) dz_number_write(p, 4, number);
      char *line = at_line(&num, x, from, circle, to);
      const size_t told = line ? strcspn(line, "\u00a0\xe2") : 0; /* before its gradient, ← */
      ck_assert_msg(!line == (p == 0), "%zu to %zu", from, to);
      if (line) line[told] = 0;
      expect_text(line, p != 0 ? number : NULL);
      line = at_line(&sym, x, from, circle, to);
      if (line) line[strcspn(line, "\xe2")] = 0;
      expect_text(line, p != 0 ? name : NULL);
    }
  }
  free(num.at);
  free(sym.at);
}
END_TEST

/* Names with numbers where there are few; of many the names; of those without, the numbers; of very many
   nothing. Where lines fan out and are few, the weight's gradient too. */
START_TEST(what_stands_at_a_line) {
  static const struct {
    size_t rows, columns;
    const char *name, *want;
  } cases[] = {{1, 2, "W", "W1,2\u00a0=\u00a03\u2190 3"},
               {3, 2, "W", "W1,2\u00a0=\u00a03"},
               {4, 2, "W", "W1,2"},
               {4, 2, NULL, "3"},
               {1, 2, NULL, "3\u2190 3"},
               {5, 5, "W", ""},
               {1, 7, "W", "W1,2"},
               {3, 1, "W", "W1,1\u00a0=\u00a02\u2190 2"}};
  for (size_t k = 0; k < COUNT(cases); k++) {
    dz_tape_clear(tape);
    const size_t dims[] = {cases[k].rows, cases[k].columns};
    const dz_var x = leaf(DZ_ROLE_INPUT, "x", 1, dims + 1), w = leaf(DZ_ROLE_PARAM, cases[k].name, 2, dims);
    const dz_var y = dz_matmul(w, x);
    const text t = neurons(total(y), DZ_WRITTEN_BOTH);
    /* dy/dW = x, which is 3 there, and the first 2 */
    expect_text(at_line(&t, x, cases[k].columns > 1, y, 0), cases[k].want);
    free(t.at);
  }
}
END_TEST

/* ---- inside ---- */

#define PLUS "\u00a0+\u00a0"
#define THEN "\u00a0|\u00a0"

/* A bias is added along the rows, as its shape says; plain numbers and nameless parameters stand there too.
 */
START_TEST(biases) {
  static const size_t two[] = {2, 2}, wide[] = {2, 3}, tall[] = {2, 1};
  const dz_var x = leaf(DZ_ROLE_INPUT, "X", 2, two), w = leaf(DZ_ROLE_PARAM, "W", 2, wide),
               row = leaf(DZ_ROLE_PARAM, "b", 1, wide + 1), column = leaf(DZ_ROLE_PARAM, "c", 2, tall),
               bare = leaf(DZ_ROLE_PARAM, NULL, 1, wide + 1), one = leaf(DZ_ROLE_PARAM, "d", 0, NULL);
  const dz_var sum = dz_add(dz_add(dz_add(dz_add(dz_matmul(x, w), row), column), bare), one);
  const dz_var y = dz_tanh(dz_add(sum, -4));
  const text t = neurons(total(y), DZ_WRITTEN_BOTH);
  for (size_t e = 0; e < 6; e++) {
    static const char *const bares[] = {"2", "3", "5"};
    char want[160];
    snprintf(want, sizeof want, "Σ" PLUS "b%zu" PLUS "c%zu" PLUS "%s" PLUS "d" PLUS "−4" THEN "tanh",
             e % 3 + 1, e / 3 + 1, bares[e % 3]);
    expect_beginning(inside(&t, y, e), want);
  }
  expect_text(inside(&t, sum, 0), NULL); /* it went on in the circle of tanh */
  free(t.at);
}
END_TEST

static size_t lines(const text *t, dz_var x, size_t from, dz_var y, size_t to) {
  char line[80];
  size_t n = 0;
  const size_t size =
      (size_t)snprintf(line, sizeof line, "  n%zu_%zu -> n%zu_%zu", node(x), from, node(y), to);
  for (const char *s = t->at; (s = strstr(s, line)) != NULL; s += size) n++;
  return n;
}

/* Two products and a value in one sum: what is weighted goes from each to all, the value to its own place. */
START_TEST(sums_of_several) {
  static const size_t two[] = {2, 2};
  const dz_var x = leaf(DZ_ROLE_INPUT, "x", 1, two), u = leaf(DZ_ROLE_INPUT, "u", 1, two),
               w = leaf(DZ_ROLE_PARAM, "W", 2, two), v = leaf(DZ_ROLE_PARAM, "V", 2, two);
  const dz_var h = dz_add(dz_add(dz_matmul(w, x), dz_matmul(v, u)), x);
  const text t = neurons(total(h), DZ_WRITTEN_BOTH);
  expect_beginning(inside(&t, h, 0), "Σ");
  for (size_t from = 0; from < 2; from++)
    for (size_t to = 0; to < 2; to++) {
      ck_assert_uint_eq(lines(&t, x, from, h, to), 1 + (from == to));
      ck_assert_uint_eq(lines(&t, u, from, h, to), 1);
    }
  free(t.at);
}
END_TEST

/* What a sum does not go on in: it is used twice, its shape is another, its elements change places. */
START_TEST(what_is_no_neuron_s) {
  static const size_t two[] = {2, 2}, three[] = {3, 2};
  const dz_var x = leaf(DZ_ROLE_INPUT, "x", 1, two), X = leaf(DZ_ROLE_INPUT, "X", 2, two),
               w = leaf(DZ_ROLE_PARAM, "W", 2, two), u = leaf(DZ_ROLE_INPUT, "u", 2, three),
               batch = leaf(DZ_ROLE_PARAM, "B", 3, (size_t[]){2, 2, 2}),
               column = leaf(DZ_ROLE_INPUT, "y", 2, (size_t[]){2, 1});
  const dz_var twice = dz_matmul(w, x), wider = dz_matmul(w, x), turned = dz_matmul(w, X),
               flat = dz_matmul(w, X), running = dz_matmul(w, x), taller = dz_matmul(w, column);
  const dz_var unlike[] = {dz_matmul(batch, x), dz_matmul(x, batch), dz_mul(w, X), dz_mul(3, X)};
  static const char *const signs[] = {"@", "@", "×", "×"};
  const dz_var own[] = {dz_mul(twice, dz_exp(twice)),
                        dz_add(wider, u),
                        dz_permute(turned, 2, (const int[]){1, 0}),
                        dz_reshape(flat, 1, (const size_t[]){4}),
                        dz_cumsum(running, 0),
                        dz_add(taller, X)};
  const dz_var before[] = {twice, wider, turned, flat, running, taller};
  dz_var y = dz_num(0);
  for (size_t k = 0; k < COUNT(own); k++) y = dz_add(total(own[k]), y);
  for (size_t k = 0; k < COUNT(unlike); k++) y = dz_add(total(unlike[k]), y);
  const text t = neurons(y, DZ_WRITTEN_BOTH);
  for (size_t k = 0; k < COUNT(before); k++) {
    expect_beginning(inside(&t, before[k], 1), "Σ");
    char *const after = inside(&t, own[k], 1);
    if (!after || strstr(after, "Σ")) ck_abort_msg("%zu: %s", k, after ? after : "no circle");
    free(after);
  }
  for (size_t k = 0; k < COUNT(unlike); k++) expect_beginning(inside(&t, unlike[k], 0), signs[k]);
  free(t.at);
}
END_TEST

/* Functions of the prelude and of the user are done in the circle as well. */
START_TEST(functions_of_more_than_one_operation) {
  dz_error e = {DZ_OK, 0, 0, "", "", ""};
  ck_assert_int_eq(dz_op_define(tape, "swish", 1, "x*sigmoid(x)", NULL, &e), DZ_OK);
  static const size_t two[] = {2, 2};
  leaf(DZ_ROLE_INPUT, "x", 1, two), leaf(DZ_ROLE_PARAM, "W", 2, two);
  static const char source[] = "h = softmax(W@x)\nswish(W@h)*h";
  const dz_var y = dz_expr(tape, source);
  ck_assert_int_eq(dz_backward(total(y)), DZ_OK);
  const text t =
      drawn(dz_node_at(tape, dz_tape_size(tape) - 1),
            &(dz_dot_options){.style = DZ_PICTURE_NEURONS, .written = DZ_WRITTEN_NUM, .source = source});
  ck_assert(strstr(t.at, "Σ" THEN "<I>softmax</I>") != NULL);
  ck_assert(strstr(t.at, "Σ" THEN "swish") != NULL);
  free(t.at);
}
END_TEST

/* ---- circles ---- */

START_TEST(circles_of_leaves) {
  const size_t none = 0, many = 13;
  const dz_var w = leaf(DZ_ROLE_PARAM, "W", 0, NULL);
  text t = neurons(w, DZ_WRITTEN_BOTH); /* nothing else is there to be drawn */
  expect_text(inside(&t, w, 0), "z2← 1");
  free(t.at);
  const dz_var empty = leaf(DZ_ROLE_INPUT, "x", 1, &none), large = leaf(DZ_ROLE_INPUT, "y", 1, &many);
  t = neurons(dz_mul(dz_add(total(empty), total(large)), w), DZ_WRITTEN_BOTH);
  expect_text(inside(&t, empty, 0), "xℝ0"); /* one circle with the shape */
  expect_text(inside(&t, empty, 1), NULL);
  expect_text(inside(&t, large, 0), "yℝ13");
  expect_text(inside(&t, large, 1), NULL);
  expect_text(inside(&t, w, 0), NULL);
  free(t.at);
}
END_TEST

/* A product whose elements are too many for circles has lines without weights, and is one circle for all. */
START_TEST(large_layers) {
  static const size_t tall[] = {13, 2}, wide[] = {2, 13};
  const dz_var x = leaf(DZ_ROLE_INPUT, "x", 1, wide), w = leaf(DZ_ROLE_PARAM, "W", 2, tall),
               v = leaf(DZ_ROLE_PARAM, "V", 2, wide);
  const dz_var b = leaf(DZ_ROLE_PARAM, "b", 1, tall), bare = leaf(DZ_ROLE_PARAM, NULL, 1, tall),
               one = leaf(DZ_ROLE_PARAM, NULL, 0, NULL);
  const dz_var h = dz_add(dz_add(dz_add(dz_matmul(w, x), b), bare), one), y = dz_matmul(v, h);
  const text t = neurons(total(y), DZ_WRITTEN_BOTH);
  expect_text(inside(&t, h, 0), "Σ" PLUS "b" PLUS "…" PLUS "2ℝ13");
  for (size_t e = 0; e < 2; e++) {
    expect_text(at_line(&t, x, e, h, 0), "");
    expect_text(at_line(&t, h, 0, y, e), "");
  }
  free(t.at);
}
END_TEST

/* ---- memory ---- */

static dz_status draw_starved(dz_tape *t, const dz_allocator *a, int kind) {
  (void)a;
  const dz_var x = dz_leaf_tensor(t, DZ_ROLE_INPUT, DIMS(2), V(1, 2)),
               w = dz_leaf_tensor(t, DZ_ROLE_PARAM, DIMS(2, 2), V(1, 2, 3, 4));
  const dz_var y = dz_sum(dz_tanh(dz_add(dz_matmul(w, x), kind)), DZ_ALL, false);
  text to = {0};
  dz_status s = dz_valid(y) ? dz_backward(y) : dz_tape_error(t)->status;
  if (!s)
    s = dz_write_dot(y, &(dz_dot_options){.style = DZ_PICTURE_NEURONS, .written = DZ_WRITTEN_NUM}, append,
                     &to);
  ck_assert(!s == (to.n > 0));
  free(to.at);
  return s;
}

START_TEST(each_allocation_may_fail) { fail_each_allocation(draw_starved, 3); }
END_TEST

SUITE_ON_TAPE(EACH(lines_are_derivatives, COUNT(products)), ONCE(what_stands_at_a_line), ONCE(biases),
              ONCE(sums_of_several), ONCE(what_is_no_neuron_s), ONCE(functions_of_more_than_one_operation),
              ONCE(circles_of_leaves), ONCE(large_layers), ONCE(each_allocation_may_fail))
