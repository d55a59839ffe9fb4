/* Each writer on a new tape, so that nothing is at hand from before, while each allocation fails in turn and
   all later ones with it: it says DZ_ERR_MEMORY, has written nothing, and gives everything back. */
#include "derive/rules.h"
#include "dz/explain.h"
#include "dz/lang.h"
#include "dz/paths.h"
#include "dz/trace.h"
#include "dz/why.h"
#include "show/setting.h"
#include "show/symbol.h"

#include "drawn.h"

static const char *const programs[] = {
    "h = x*y\nh*sin(h) - stop(x)/y",
    "exp(x^y)*tanh(x) + max(x, y)*max(x, y)",
    "p = softmax(v)\n-sum(b*log(p))",
    "sum(concat(v, b, v, b, v, b, v, b, v))*x",
    "u + u*u + (u + x + y + u*x + x*y + 1)*(x + y)",
};
enum { PROGRAMS = COUNT(programs), LAST = EFFORT(12, 3) };

typedef dz_status writer(dz_var y, text *to);

static dz_status say_lesson(dz_var y, text *to) {
  const dz_explain_check wrong = {dz_named(y.tape, "x"), 1, 0, 2, 1, .5, "wrong"};
  const dz_explain_options o = {.checks = &wrong, .check_count = 1};
  return dz_explain(y, &o, append, to);
}

static dz_status say_page(dz_var y, text *to) {
  return dz_explain(y, &(dz_explain_options){.format = DZ_EXPLAIN_HTML}, append, to);
}

static dz_status say_trace(dz_var y, text *to) { return dz_write_trace(y, NULL, append, to); }

static dz_status draw_graph(dz_var y, text *to) {
  return dz_write_dot(
      y, &(dz_dot_options){.written = DZ_WRITTEN_BOTH, .partials = true, .shared = true, .output = "out"},
      append, to);
}

static dz_status draw_svg(dz_var y, text *to) {
  return dz_write_svg(y, &(dz_dot_options){.written = DZ_WRITTEN_BOTH}, append, to);
}

static dz_status find_paths(dz_var y, text *to) {
  dz_paths *p = NULL;
  const dz_status s = dz_paths_find(y, dz_named(y.tape, "x"), 0, 0, &p);
  dz_paths_free(p);
  return append(to, "found", s ? 0 : 5), s;
}

static dz_status ask_why(dz_var y, text *to) {
  dz_why_report r;
  const dz_status s = dz_why(y, dz_named(y.tape, "x"), NULL, &r);
  if (!s) append(to, r.message, strlen(r.message));
  return s;
}

static writer *const writers[] = {say_lesson, say_page, say_trace, draw_graph, draw_svg, find_paths, ask_why};
enum { WRITERS = COUNT(writers) };

static dz_var recorded(dz_tape *t, const char *program) {
  static const double two[] = {.5, .25};
  static const size_t dims[] = {2};
  static const struct {
    const char *name;
    dz_role role;
    int rank;
  } leaves[] = {{"x", DZ_ROLE_INPUT, 0},
                {"y", DZ_ROLE_PARAM, 0},
                {"u", DZ_ROLE_INPUT, 0},
                {"v", DZ_ROLE_INPUT, 1},
                {"b", DZ_ROLE_DATA, 1}};
  for (size_t k = 0; k < COUNT(leaves); k++)
    if (dz_set_name(dz_leaf_tensor(t, leaves[k].role, leaves[k].rank, dims, two), leaves[k].name))
      return (dz_var){0};
  return dz_expr(t, program);
}

/* One run; *clear is set when no allocation of the writer's failed. */
static dz_status run(int program, int way, failing *f, size_t *first, text *to) {
  const dz_allocator a = failing_allocator(f);
  const size_t at = f->at;
  f->at = 0; /* the graph itself is recorded */
  dz_tape *t = dz_tape_new(&a);
  const dz_var y = recorded(t, programs[program]);
  ck_assert_msg(dz_valid(y) && dz_backward(y) == DZ_OK, "%s", dz_tape_error(t)->message);
  *first = f->calls;
  f->at = at ? f->calls + at : 0;
  const dz_status s = writers[way](y, to);
  f->at = 0;
  dz_tape_free(t);
  return s;
}

START_TEST(each_allocation_and_all_later_ones) {
  const int program = _i % PROGRAMS, way = _i / PROGRAMS;
  failing none = {0};
  size_t first;
  text whole = {0};
  const dz_status right = run(program, way, &none, &first, &whole);
  const size_t n = none.calls - first;
  ck_assert_msg(right == DZ_OK, "%s: %s", programs[program], dz_status_text(right));
  const size_t step = 1 + n / EFFORT(3, 1), last = n > LAST ? n - LAST : 0;
  for (size_t k = 1; k <= n; k = k < last && k + step > last ? last : k + (k < last ? step : 1)) {
    failing f = {.at = k};
    text now = {0};
    const dz_status s = run(program, way, &f, &first, &now);
    if (s == DZ_OK) /* what failed was a spare */
      ck_assert_str_eq(now.at, whole.at);
    else
      ck_assert(s == DZ_ERR_MEMORY && now.n == 0);
    ck_assert(f.failed > 0 && f.blocks == 0 && f.bytes == 0);
    free(now.at);
  }
  free(whole.at);
}
END_TEST

/* ---- pieces, each allocation of which fails ---- */

static dz_paths *found;
static int format;

/* What is made of y by `make`, all of whose allocations but the first `spared` fail in turn with all later
   ones. */
typedef dz_status maker(const dz_allocator *a, dz_var y);

static void starve(dz_var y, failing *f, size_t spared, maker *make) {
  const dz_allocator a = failing_allocator(f);
  const size_t blocks = f->blocks;
  dz_status s;
  for (size_t k = 1 + spared; f->at = f->calls + k, s = make(&a, y), s != DZ_OK; k++) {
    ck_assert(s == DZ_ERR_MEMORY && f->calls >= f->at);
    ck_assert_uint_eq(f->blocks, blocks);
  }
  ck_assert(f->calls < f->at);
  ck_assert_uint_eq(f->blocks, blocks);
  f->at = 0;
}

static dz_status make_symbols(const dz_allocator *a, dz_var y) {
  (void)a;
  dz__trace t;
  dz__symbols s;
  dz_status status = dz__trace_make(y, 1000, &t);
  if (!status) status = dz__trace_share(&t);
  if (!status) status = dz__symbols_make(&t, &(dz__symbol_options){0}, &s);
  if (!status) dz__symbols_free(&s);
  dz__trace_free(&t);
  return status;
}

/* The rules are read anew each time; that may fail elsewhere. */
static void starve_symbols(dz_var y, failing *f) {
  const dz_allocator a = failing_allocator(f);
  dz__rules rules;
  ck_assert_int_eq(make_symbols(&a, y), DZ_OK); /* all adjoints are there from now on */
  const size_t before = f->calls;
  ck_assert_int_eq(dz__rules_read(&a, &rules), DZ_OK);
  dz__rules_free(&rules);
  starve(y, f, f->calls - before, make_symbols);
}

START_TEST(formulas_of_a_trace) {
  failing f = {0};
  const dz_allocator a = failing_allocator(&f);
  dz_tape *t = dz_tape_new(&a);
  const dz_var y = recorded(t, programs[_i]);
  ck_assert_int_eq(dz_backward(y), DZ_OK);
  starve_symbols(y, &f);
  dz_tape_free(t);
}
END_TEST

/* Partials alone: behind a stop() there is no gradient whose rules would be at hand. With each operation more
   the tape grows at another place, so that is what fails for all but the first. */
START_TEST(partials_of_a_trace) {
  failing f = {.growth = _i > 0};
  const dz_allocator a = failing_allocator(&f);
  dz_tape *t = dz_tape_new(&a);
  dz_var x = recorded(t, "x"), u = dz_named(t, "u"), y = x;
  for (int k = 0; _i && k < 9 + _i; k++) y = dz_sin(y);
  y = dz_stop(dz_fmax(dz_fmax(y, u), u));
  starve_symbols(y, &f);
  dz_tape_free(t);
}
END_TEST

static dz_status write_paths(const dz_allocator *a, dz_var y) {
  (void)a, (void)y;
  text now = {0};
  const dz_status s = dz_paths_write(found, NULL, append, &now);
  ck_assert(s == DZ_OK || now.n == 0);
  free(now.at);
  return s;
}

START_TEST(texts_of_paths) {
  failing f = {0};
  const dz_allocator a = failing_allocator(&f);
  dz_tape *t = dz_tape_new(&a);
  const dz_var y = recorded(t, programs[0]);
  ck_assert_int_eq(dz_paths_find(y, dz_named(t, "x"), 0, 0, &found), DZ_OK);
  starve(y, &f, 0, write_paths);
  dz_paths_free(found);
  dz_tape_free(t);
}
END_TEST

static dz_status set_formula(const dz_allocator *a, dz_var y) {
  dz__text t = dz__set(y, &(dz__set_options){.format = (dz__format)format}, a);
  const dz_status s = t.at ? DZ_OK : DZ_ERR_MEMORY;
  dz__text_free(&t, a);
  return s;
}

START_TEST(formulas_in_each_format) {
  failing f = {0};
  const dz_allocator a = failing_allocator(&f);
  dz_tape *t = dz_tape_new(&a);
  const dz_var x = recorded(t, "x");
  dz_var sum = x;
  format = _i;
  for (int k = 1; k < 20; k++) { /* (((x + 1) x + 2) x + …): each time the text is copied at another size */
    sum = dz_mul(dz_add(sum, k), x);
    starve(sum, &f, 0, set_formula);
  }
  dz_tape_free(t);
}
END_TEST

/* A trace of a new tape, where the adjoints of the whole graph are still to be found. */
static dz_status trace_twice(dz_tape *t, const dz_allocator *a, int kind) {
  (void)a, (void)kind;
  dz__trace now;
  dz_var x = dz_input(t, 2), y = dz_mul(dz_sin(x), dz_sin(x));
  if (!dz_valid(y)) return dz_tape_error(t)->status;
  dz_status s = dz_backward(y);
  if (!s) s = dz__trace_make(y, 1000, &now);
  if (s) return s;
  ck_assert_uint_eq(now.nseen, 4);
  s = dz__trace_share(&now);
  ck_assert_uint_eq(now.nseen, s ? 4 : 3);
  ck_assert_double_eq(now.seen[1].adjoint[0], dz_value(now.seen[1].var) * (s ? 1 : 2));
  dz__trace_free(&now);
  return s;
}

/* Above a step infinities cancel, of which the sweep to the leaves sees nothing: the one for the trace does,
   and takes more room to look again. */
static dz_status trace_above_a_step(dz_tape *t, const dz_allocator *a, int kind) {
  (void)a, (void)kind;
  dz__trace now;
  const dz_var x = dz_input(t, .5), w = dz_floor(x);
  const dz_var y = dz_sub(dz_mul(x, dz_sqrt(w)), dz_mul(x, dz_sqrt(w)));
  if (!dz_valid(y)) return dz_tape_error(t)->status;
  dz_status s = dz_backward(y);
  if (!s) s = dz__trace_make(y, 1000, &now);
  if (s) return s;
  ck_assert_double_eq(now.seen[0].adjoint[0], 0);
  dz__trace_free(&now);
  return DZ_OK;
}

START_TEST(adjoints_that_are_looked_at_again) { fail_each_allocation(trace_above_a_step, 0); }
END_TEST

START_TEST(equal_operations) { fail_each_allocation(trace_twice, 0); }
END_TEST

SUITE(EACH(each_allocation_and_all_later_ones, PROGRAMS *WRITERS),
      EACH(formulas_of_a_trace, EFFORT(PROGRAMS - 1, 1)), EACH(partials_of_a_trace, EFFORT(9, 1)),
      ONCE(texts_of_paths), EACH(formulas_in_each_format, 4), ONCE(equal_operations),
      ONCE(adjoints_that_are_looked_at_again))
