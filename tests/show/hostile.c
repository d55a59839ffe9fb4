/* Pictures under bad names, limits, writers and allocators. */
#include "drawn.h"

#include "../failing.h"
#include "tape/tape.h"

#include <unistd.h>

START_TEST(the_same_graph_is_the_same_text) {
  dz_tape *other = dz_tape_new(NULL);
  dz_var y = sigmoid_by_hand(tape), z = sigmoid_by_hand(other);
  ck_assert_int_eq(dz_backward(y), DZ_OK);
  ck_assert_int_eq(dz_backward(z), DZ_OK);
  text a = drawn(y, NULL), b = drawn(y, NULL), c = drawn(z, NULL);
  ck_assert_str_eq(a.at, b.at);
  ck_assert_str_eq(a.at, c.at);
  free(a.at);
  free(b.at);
  free(c.at);
  dz_tape_free(other);
}
END_TEST

/* Names, and how they read in a label: as they are where characters allow. Graphviz takes \\ for \. */
static const struct {
  const char *name, *shown, *svg;
} hostile[] = {
    {"a<b>&\"c\"</b>", "a<b>&\"c\"</b>", "a&lt;b&gt;&amp;&quot;c&quot;&lt;/b&gt;"},
    {"</TD></TABLE>>]; x", "</TD></TABLE>>]; x", "&lt;/TD&gt;&lt;/TABLE&gt;&gt;]; x"},
    {"&amp;&#60;&", "&amp;&#60;&", "&amp;amp;"},
    {"\\N\\G\\\\", "\\\\N\\\\G\\\\\\\\", ">\\N\\G\\\\<"},
    {"line\none\ttwo\r", "line one two ", "line one two"},
    {"重み ∂σ", "重み ∂σ", "重み ∂σ"},
    {"bell\x07 del\x7F", "bell\uFFFD del\uFFFD", "bell\uFFFD"},
    {"<!-- -->", "<!-- -->", "&lt;!"},
    {"%s%n%", "%s%n%", "%s%n%"},
    {" ", " ", NULL},
    {"}", "}", "}"},
    {"]]>", "]]>", "]]&gt;"},
};
enum { HOSTILE = sizeof hostile / sizeof *hostile };

/* dot's answer to the text, or NULL where there is no dot. */
static char *svg_of(const char *source) {
  char path[] = "/tmp/dz-test-dot-XXXXXX", command[128], block[4096];
  if (system("command -v dot >/dev/null 2>&1") != 0) return NULL;
  int file = mkstemp(path);
  ck_assert_int_ge(file, 0);
  ck_assert_int_eq(write(file, source, strlen(source)), (ssize_t)strlen(source));
  close(file);
  snprintf(command, sizeof command, "timeout 60 dot -Tsvg %s 2>&1", path);
  FILE *dot = popen(command, "r");
  text svg = {0};
  for (size_t n; (n = fread(block, 1, sizeof block, dot)) > 0;) text_add(&svg, block, n);
  int status = pclose(dot);
  unlink(path);
  if (status != 0) ck_abort_msg("dot fails on\n%s\n%.500s", source, svg.at);
  if (strstr(svg.at, "Error") || strstr(svg.at, "Warning")) ck_abort_msg("dot says %.500s", svg.at);
  return svg.at;
}

START_TEST(hostile_names_are_harmless) {
  dz_var x = named(dz_input(tape, 1), hostile[_i].name), h = dz_exp(x);
  dz_var y = dz_mul(h, h);
  text t = drawn(y, &(dz_dot_options){.output = hostile[_i].name});
  graph g = graph_read(t.at);
  char want[200];
  snprintf(want, sizeof want, "%sinput", hostile[_i].shown);
  EXPECT_LABEL(&g, "n0", want);
  snprintf(want, sizeof want, "%soutput", hostile[_i].shown);
  EXPECT_LABEL(&g, "o2", want);
  char *svg = svg_of(t.at);
  if (svg && hostile[_i].svg && !strstr(svg, hostile[_i].svg))
    ck_abort_msg("'%s' is not in\n%s", hostile[_i].svg, svg);
  free(svg);
  free(t.at);
  graph_free(&g);
}
END_TEST

static const dz_dot_options full = {
    .written = DZ_WRITTEN_BOTH, .partials = true, .shared = true, .waves_told = true, .source = "f(x) = x"};

START_TEST(hostile_names_are_harmless_in_every_picture) {
  dz_var x = named(dz_input(tape, 1), hostile[_i].name), w = named(dz_param(tape, 2), "w");
  dz_var h = dz_exp(dz_mul(w, x)), y = dz_div(h, dz_add(h, x));
  ck_assert_int_eq(dz_backward(y), DZ_OK);
  for (int style = DZ_PICTURE_GRAPH; style <= DZ_PICTURE_NEURONS; style++) {
    dz_dot_options o = full;
    o.style = (dz_picture)style;
    o.wave = (size_t)style;
    text t = drawn(y, &o);
    graph g = graph_read(t.at);
    ck_assert_uint_gt(g.vertices, 3);
    char *svg = _i == 0 ? svg_of(t.at) : NULL;
    free(svg);
    free(t.at);
    graph_free(&g);
  }
  text own = {0};
  ck_assert_int_eq(dz_write_svg(y, &full, append, &own), DZ_OK);
  if (hostile[_i].svg && !strstr(own.at, hostile[_i].svg))
    ck_abort_msg("'%s' is not in\n%s", hostile[_i].svg, own.at);
  ck_assert_ptr_null(strstr(own.at, "<b>"));
  ck_assert_ptr_null(strstr(own.at, "<!--"));
  free(own.at);
}
END_TEST

/* Formulas of every operation are markup that Graphviz takes. */
START_TEST(every_operation_has_a_picture_with_formulas) {
  for (int fn = 0; fn < DZ__F_POINTWISE_END; fn++) {
    dz_tape_clear(tape);
    dz_var in[] = {named(dz_input(tape, .75), "x"), named(dz_input(tape, .5), "y"),
                   named(dz_input(tape, 2), "w")};
    dz_var y = dz__record((dz__fn)fn, dz__ops[fn].arity, in, 0, NULL);
    ck_assert_int_eq(dz_backward(y), DZ_OK);
    text t = drawn(y, &full);
    graph g = graph_read(t.at);
    char *svg = fn % 8 == 0 ? svg_of(t.at) : NULL;
    if (dz_is_active(y)) ck_assert_msg(strstr(t.at, "<I>E</I>") != NULL, "%s", dz__ops[fn].name);
    free(svg);
    free(t.at);
    graph_free(&g);
  }
}
END_TEST

START_TEST(an_empty_name_is_none) {
  dz_var x = dz_input(tape, 1);
  if (dz_set_name(x, "") == DZ_OK) {
    graph g = graph_of(x, &(dz_dot_options){.output = ""});
    EXPECT_LABEL(&g, "n0", "1input");
    EXPECT_LABEL(&g, "o0", "zoutput");
    graph_free(&g);
  }
}
END_TEST

/* Every operation of the table draws, and Graphviz accepts it. */
START_TEST(graphviz_accepts_every_operation) {
  dz_var sum = dz_input(tape, .75);
  for (int fn = 0; fn < DZ__F_POINTWISE_END; fn++) {
    dz_var x[] = {sum, dz_num(.5), dz_num(2)};
    sum = dz_add(dz__record((dz__fn)fn, dz__ops[fn].arity, x, 0, NULL), sum);
    ck_assert(dz_valid(sum));
    if (fn % 8 < 7) continue;
    dz_backward(sum);
    text t = drawn(sum, NULL);
    graph g = graph_read(t.at);
    char *svg = svg_of(t.at);
    free(svg);
    free(t.at);
    graph_free(&g);
    dz_tape_clear(tape);
    sum = dz_input(tape, .75);
  }
}
END_TEST

START_TEST(the_limit_counts_operations_and_writes_nothing) {
  dz_var x = dz_input(tape, .5), y = x;
  for (int i = 0; i < 1000; i++) y = dz_sin(y);
  text t = {0};
  ck_assert_int_eq(dz_write_dot(y, NULL, append, &t), DZ_OK);
  free(t.at);
  t = (text){0};
  y = dz_sin(y);
  ck_assert_int_eq(dz_write_dot(y, NULL, append, &t), DZ_ERR_LIMIT);
  dz_dot_options options = {.max_nodes = 1000};
  ck_assert_int_eq(dz_write_dot(y, &options, append, &t), DZ_ERR_LIMIT);
  ck_assert_uint_eq(t.n, 0);
  options.max_nodes = 1;
  ck_assert_int_eq(dz_write_dot(dz_exp(x), &options, append, &t), DZ_OK);
  free(t.at);
  t = (text){0}; /* what is inside a box does not count */
  ck_assert_int_eq(dz_write_dot(dz_exp(named(y, "h")), &(dz_dot_options){.collapse = "h"}, append, &t),
                   DZ_OK);
  ck_assert_uint_gt(t.n, 0);
  free(t.at);
}
END_TEST

START_TEST(long_chains_need_no_stack) {
  dz_var y = named(dz_input(tape, .5), "x");
  for (int i = 0; i < 100000; i++) y = dz_add(y, y);
  text t = drawn(y, &(dz_dot_options){.max_nodes = SIZE_MAX});
  ck_assert_ptr_nonnull(strstr(t.at, "  w99999_1:m:e -> n99999 "));
  free(t.at);
}
END_TEST

typedef struct grudge {
  size_t calls, at;
} grudge;

static bool refuse(void *user, const char *more, size_t size) {
  grudge *g = user;
  ck_assert(g->calls < g->at);
  ck_assert_ptr_nonnull(more);
  ck_assert_uint_gt(size, 0);
  return ++g->calls != g->at;
}

START_TEST(a_writer_may_refuse_at_any_time) {
  dz_var y = sigmoid_by_hand(tape);
  size_t k = 1;
  for (dz_status status = DZ_ERR_WRITE; status != DZ_OK; k++) {
    grudge g = {.at = k};
    status = dz_write_dot(y, NULL, refuse, &g);
    ck_assert_int_eq(status, g.calls == k ? DZ_ERR_WRITE : DZ_OK);
  }
  ck_assert_uint_gt(k, 2);
}
END_TEST

/* Once the tape holds every adjoint (it keeps room for them), a picture leaves no trace in it. */
START_TEST(every_allocation_may_fail) {
  failing f = {0};
  dz_allocator a = failing_allocator(&f);
  dz_tape *t = dz_tape_new(&a);
  size_t two = 2, k = 0;
  dz_var w = dz_leaf_tensor(t, DZ_ROLE_PARAM, 1, &two, (double[]){1, 2});
  dz_var y = dz_add(sigmoid_by_hand(t), total(dz_mul(w, w)));
  ck_assert_int_eq(dz_backward(y), DZ_OK);
  text whole = {0};
  if (_i) whole = drawn(y, NULL);
  size_t blocks = f.blocks, bytes = f.bytes;
  for (dz_status status = DZ_ERR_MEMORY; status != DZ_OK;) {
    text written = {0};
    f.at = f.calls + ++k;
    status = dz_write_dot(y, NULL, append, &written);
    ck_assert_int_eq(status, f.calls >= f.at ? DZ_ERR_MEMORY : DZ_OK);
    ck_assert_int_eq(written.n == 0, status != DZ_OK);
    if (_i && status == DZ_OK) ck_assert_str_eq(written.at, whole.at);
    if (_i) ck_assert_uint_eq(f.blocks, blocks);
    if (_i) ck_assert_uint_eq(f.bytes, bytes);
    f.at = 0;
    free(written.at);
  }
  ck_assert_uint_gt(k, 4);
  free(whole.at);
  dz_tape_free(t);
  ck_assert_uint_eq(f.blocks, 0);
}
END_TEST

/* The same with formulas and in every style; from one to the next in growing steps, for there are many. */
START_TEST(allocations_of_every_picture_may_fail) {
  failing f = {0};
  dz_allocator a = failing_allocator(&f);
  dz_tape *t = dz_tape_new(&a);
  dz_dot_options o = full;
  o.style = (dz_picture)(_i % 4);
  if (_i == 4) o.collapse = "z";
  dz_var y = sigmoid_by_hand(t);
  ck_assert_int_eq(dz_backward(y), DZ_OK);
  text whole = drawn(y, &o);
  size_t blocks = f.blocks, bytes = f.bytes, k = 0;
  for (dz_status status = DZ_ERR_MEMORY; status != DZ_OK; k += 1 + k / 12) {
    text written = {0};
    f.at = f.calls + 1 + k;
    status = _i == 5 ? dz_write_svg(y, &o, append, &written) : dz_write_dot(y, &o, append, &written);
    ck_assert_int_eq(status, f.calls >= f.at ? DZ_ERR_MEMORY : DZ_OK);
    ck_assert_int_eq(written.n == 0, status != DZ_OK);
    if (status == DZ_OK && _i < 5) ck_assert_str_eq(written.at, whole.at);
    ck_assert_uint_eq(f.blocks, blocks);
    ck_assert_uint_eq(f.bytes, bytes);
    f.at = 0;
    free(written.at);
  }
  free(whole.at);
  dz_tape_free(t);
}
END_TEST

/* Formulas name what has no name: neither x1, which the exponential is called, nor what cannot be a name. */
START_TEST(names_that_formulas_would_take) {
  dz_var x = dz_input(tape, 1), h = named(dz_exp(x), "x1"), y = dz_mul(h, dz_log(h));
  dz_dot_options o = full;
  const char *const outputs[] = {NULL, "x1", "x2", "\xff\xfe", "a\xe9\x87"};
  ck_assert_int_eq(dz_backward(y), DZ_OK);
  for (size_t k = 0; k < sizeof outputs / sizeof *outputs; k++) {
    o.output = outputs[k];
    graph g = graph_of(y, &o);
    ck_assert_uint_gt(g.vertices, 3);
    graph_free(&g);
  }
}
END_TEST

START_TEST(bad_arguments_are_told) {
  text t = {0};
  dz_mark mark = dz_tape_mark(tape);
  dz_var x = dz_input(tape, 1);
  ck_assert_int_eq(dz_write_dot(x, NULL, NULL, NULL), DZ_ERR_ARGUMENT);
  ck_assert_int_eq(dz_write_dot((dz_var){0}, NULL, append, &t), DZ_ERR_HANDLE);
  ck_assert_int_eq(dz_write_dot(dz_num(1), NULL, append, &t), DZ_ERR_HANDLE);
  ck_assert_int_eq(dz_tape_rewind(tape, mark), DZ_OK);
  ck_assert_int_eq(dz_write_dot(x, NULL, append, &t), DZ_ERR_HANDLE);
  ck_assert_uint_eq(t.n, 0);
}
END_TEST

SUITE_ON_TAPE(ONCE(the_same_graph_is_the_same_text), EACH(hostile_names_are_harmless, HOSTILE),
              ONCE(an_empty_name_is_none), ONCE(graphviz_accepts_every_operation),
              ONCE(the_limit_counts_operations_and_writes_nothing), ONCE(long_chains_need_no_stack),
              ONCE(a_writer_may_refuse_at_any_time), EACH(every_allocation_may_fail, 2),
              EACH(hostile_names_are_harmless_in_every_picture, HOSTILE),
              ONCE(every_operation_has_a_picture_with_formulas),
              EACH(allocations_of_every_picture_may_fail, 6), ONCE(names_that_formulas_would_take),
              ONCE(bad_arguments_are_told))
