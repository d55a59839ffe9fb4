/* Parts of pictures as boxes: which operations one holds, what it is called, and memory that runs out. */
#include "dz/lang.h"

#include "drawn.h"

/* How many operations have a label that begins so. */
static size_t labels(const graph *g, const char *beginning) {
  size_t n = 0;
  for (size_t i = 0; i < g->vertices; i++)
    n += g->vertex[i].id[0] == 'n' && g->vertex[i].label &&
         strncmp(g->vertex[i].label, beginning, strlen(beginning)) == 0;
  return n;
}

static dz_var swept(dz_var y) {
  ck_assert_msg(dz_valid(y), "%s", dz_tape_error(tape)->message);
  ck_assert_int_eq(dz_backward(y), DZ_OK);
  return y;
}

/* Of more than 40 operations long sums and products are boxes, but not over a name in their midst; a result
   of one operation is none. */
START_TEST(long_sums_and_products) {
  const dz_var x = named(dz_input(tape, .5), "x");
  dz_var sum = x, times = x;
  for (int k = 0; k < 20; k++) sum = dz_add(sum, dz_input(tape, k));
  named(sum, "half");
  for (int k = 0; k < 20; k++) sum = dz_add(sum, dz_input(tape, k));
  for (int k = 0; k < 9; k++) times = dz_mul(times, dz_input(tape, 1 + k));
  const dz_var one = named(dz_tanh(x), "one"), y = swept(dz_sub(dz_sub(one, times), sum));
  graph g = graph_of(y, &(dz_dot_options){.shared = true});
  ck_assert_uint_eq(labels(&g, "Σ"), 2);
  ck_assert_uint_eq(labels(&g, "Π"), 1);
  ck_assert_uint_eq(labels(&g, "tanh"), 1);
  ck_assert_uint_eq(labels(&g, "one"), 0);
  ck_assert_uint_eq(labels(&g, "+"), 0);
  graph_free(&g);
}
END_TEST

/* A term of several operations is a box by the last of them: by its sign, or where that has none by its name.
 */
START_TEST(terms) {
  const dz_var x = named(dz_input(tape, .5), "x");
  dz_var sum = x;
  for (int k = 0; k < 20; k++) {
    const dz_var product = dz_mul(dz_cos(dz_add(x, k)), 2);
    sum = dz_add(sum, k % 2 ? product : dz_exp(product));
  }
  graph g = graph_of(swept(sum), &(dz_dot_options){.shared = true});
  ck_assert_uint_eq(labels(&g, "Σ"), 1);
  ck_assert_uint_eq(labels(&g, "× …"), 10);
  ck_assert_uint_eq(labels(&g, "exp …"), 10);
  graph_free(&g);
}
END_TEST

static size_t boxes_called(const char *source, const char *collapse, const char *name) {
  dz_tape_clear(tape);
  named(dz_leaf_tensor(tape, DZ_ROLE_INPUT, DIMS(2), V(1, 2)), "v");
  graph g = graph_of(swept(dz_expr(tape, source)), &(dz_dot_options){.collapse = collapse, .source = source});
  const size_t n = labels(&g, name);
  graph_free(&g);
  return n;
}

/* A result that is one call is called as the function, one of more than that by its own name. */
START_TEST(names_of_results) {
  static const char one[] = "s = softmax(v)\nsum(s*v)", more[] = "s = softmax(2*v)\nsum(s*v)";
  ck_assert_uint_eq(boxes_called(one, "s", "softmax"), 1);
  ck_assert_uint_eq(boxes_called(one, "s", "s"), 1); /* softmax begins with s */
  ck_assert_uint_eq(boxes_called(more, "s", "softmax"), 0);
  ck_assert_uint_eq(boxes_called(more, "s", "s"), 1);
}
END_TEST

/* What the user has named is not hidden in the box of a call: it parts the box in two. */
START_TEST(a_name_within_a_call) {
  static const char source[] = "sum(v*softmax(v))";
  for (int turn = 0; turn < 2; turn++) {
    dz_tape_clear(tape);
    named(dz_leaf_tensor(tape, DZ_ROLE_INPUT, DIMS(2), V(1, 2)), "v");
    const dz_var y = swept(dz_expr(tape, source));
    for (size_t i = 0; i < dz_tape_size(tape); i++)
      if (turn && strcmp(dz_describe(dz_node_at(tape, i)).op, "exp") == 0)
        named(dz_node_at(tape, i), "inner");
    graph g = graph_of(y, &(dz_dot_options){.collapse = "softmax", .source = source});
    ck_assert_uint_eq(labels(&g, "softmax"), turn ? 2 : 1);
    graph_free(&g);
  }
}
END_TEST

/* ---- memory ---- */

static const char *const sources[] = {"h = x*x + x*x*x\nh*x", "f(u) = u*u + u*u*u\nf(x) + x"};
static const char *const collapsed[] = {"h", "f"};

static dz_status draw_starved(dz_tape *t, const dz_allocator *a, int kind) {
  (void)a;
  text to = {0};
  const dz_var x = dz_input(t, 2);
  dz_status s = dz_valid(x) ? dz_set_name(x, "x") : DZ_ERR_MEMORY;
  const dz_var y = s ? (dz_var){0} : dz_expr(t, sources[kind]);
  if (!s) s = dz_valid(y) ? dz_backward(y) : dz_tape_error(t)->status;
  if (!s)
    s = dz_write_dot(
        y, &(dz_dot_options){.collapse = collapsed[kind], .source = sources[kind], .written = DZ_WRITTEN_NUM},
        append, &to);
  if (!s) {
    graph g = graph_read(to.at);
    ck_assert_uint_eq(labels(&g, collapsed[kind]), 1);
    graph_free(&g);
  }
  ck_assert(!s == (to.n > 0));
  free(to.at);
  return s;
}

START_TEST(each_allocation_may_fail) { fail_each_allocation(draw_starved, _i); }
END_TEST

START_TEST(one_allocation_may_fail) { fail_one_allocation(draw_starved, _i); }
END_TEST

SUITE_ON_TAPE(ONCE(long_sums_and_products), ONCE(terms), ONCE(names_of_results), ONCE(a_name_within_a_call),
              EACH(each_allocation_may_fail, COUNT(sources)), EACH(one_allocation_may_fail, COUNT(sources)))
