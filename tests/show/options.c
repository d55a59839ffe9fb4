/* Pictures and texts of many graphs with any options: each is a drawing that a reader of DOT takes, the same
   each time, with the nodes that the graph has; and while memory fails, that or DZ_ERR_MEMORY. */
#include "dz/explain.h"
#include "dz/lang.h"
#include "dz/paths.h"
#include "dz/trace.h"
#include "dz/userop.h"

#include "../dice.h"
#include "drawn.h"

#include <math.h>

static const char *const texts[] = {
    "x",
    "y",
    "5 + x - x",
    "x*y + sin(x)",
    "h = x*y\nh + h^2 - 1/h",
    "x > y ? x^2 : stop(y)*x",
    "clamp(x, -1, 1) + atan2(x, y) + max(x, y, 0.5)",
    "1/(1 + exp(-x))",
    "x/0 - log(x - x)",
    "(x - x)/(x - x)",
    "x*1e300*1e300 - y",
    "f(u) = u^2 + 1\nf(f(x)) + f(y)",
    "f(u, v) = u*v - u\ng(u) = f(u, 2)\nh = g(x)\ng(h)*h",
    "s = x + y + 1 + x*y + 2*x + 3*y\ns^2",
    "p = x*y*x*y*2*x\np",
    "h = x + 1\nk = h*h\nm = k + h\nm*k",
    "A @ v",
    "sum(A @ v)",
    "sigmoid(W @ v + b)",
    "W @ v - b",
    "w @ v + y",
    "sum(w*v) + 1",
    "tanh(x*w1 + y*w2 + b1)",
    "x*w1 + y*w2 - 0.5",
    "w1*w2 + x",
    "relu(W @ tanh(W @ v + b) + b)",
    "softmax(A)",
    "cross_entropy(A, [0, 1])",
    "sum(N)",
    "N*2",
    "L + 1",
    "sum(L)",
    "sum(L*L) + norm(v)",
    "sum(concat(v, v, v, v, v, v, v, v, v))",
    "sum(stack([v, v])*A) + A[0, 1]",
    "sum(gather(v, [1, 0])) + prod(v) + max(A)",
    "sum(permute(stack([A, A]), [2, 0, 1])^2)",
    "mine(x)*x",
    "odd(x, y) + mine(y)",
    "d(x^3*y, x) + d(sin(x), x)",
    "θ*x + 名*y",
    "\"",
};
static const char hostile[] = "a\\]<&>\"\n\x01{|}\xef\xbf\xbe";

static dz_var record(dz_tape *t, int i) {
  static const double four[] = {.5, -1, 2, 0}, many[40] = {1, 2};
  static const size_t two[] = {2, 2}, none[] = {0, 3}, long_one[] = {40};
  static const struct {
    const char *name;
    dz_role role;
    int rank;
    const size_t *dims;
  } leaves[] = {
      {"x", DZ_ROLE_INPUT, 0, NULL}, {"y", DZ_ROLE_PARAM, 0, NULL},  {"A", DZ_ROLE_INPUT, 2, two},
      {"W", DZ_ROLE_PARAM, 2, two},  {"v", DZ_ROLE_INPUT, 1, two},   {"w", DZ_ROLE_PARAM, 1, two},
      {"b", DZ_ROLE_PARAM, 1, two},  {"w1", DZ_ROLE_PARAM, 0, NULL}, {"w2", DZ_ROLE_INPUT, 0, NULL},
      {"b1", DZ_ROLE_DATA, 0, NULL}, {"N", DZ_ROLE_INPUT, 2, none},  {"L", DZ_ROLE_INPUT, 1, long_one},
      {"θ", DZ_ROLE_INPUT, 0, NULL}, {"名", DZ_ROLE_INPUT, 0, NULL}};
  dz_op_define(t, "mine", 1, "x^2 + 1", NULL, NULL);
  dz_op_define(t, "odd", 2, "x*y", NULL, NULL);
  for (size_t k = 0; k < COUNT(leaves); k++) {
    const dz_var x = dz_leaf_tensor(t, leaves[k].role, leaves[k].rank, leaves[k].dims,
                                    leaves[k].dims == long_one ? many : four);
    if (!dz_valid(x) || dz_set_name(x, leaves[k].name)) return (dz_var){0};
  }
  if (texts[i][0] != '"') return dz_expr(t, texts[i]);
  const dz_var x = dz_input(t, 1), unnamed = dz_param(t, 2),
               c = dz_leaf_tensor(t, DZ_ROLE_CONST, 1, two, four);
  if (dz_set_name(x, hostile)) return (dz_var){0};
  return dz_sum(dz_mul(c, dz_add(dz_mul(x, unnamed), dz_data(t, 3))), DZ_ALL, false);
}

static const char *said(const char *english, void *user) {
  return (void)user, strlen(english) % 2 ? english : NULL;
}

static dz_dot_options any_options(int i, const dz_var *wrt) {
  static const char *const outputs[] = {NULL, "", "out", "x", "<\\>"}, *const collapse[] = {NULL, "h,s,p",
                                                                                            "f,g", "*", "no"};
  static const char *const constants[] = {NULL, "", "x,y", "w1"};
  return (dz_dot_options){.output = outputs[dice() % 5],
                          .digits = (int)(dice() % 4) * 3,
                          .style = (dz_picture)(dice() % 4),
                          .written = (dz_written)(dice() % 3),
                          .sweeps = (dz_sweeps)(dice() % 3),
                          .theme = (dz_theme)(dice() % 3),
                          .wrt = wrt,
                          .wrt_count = dice() % 3 == 0,
                          .wave = dice() % 3 ? 0 : dice() % 9,
                          .waves_told = dice() % 2,
                          .partials = dice() % 2,
                          .shared = dice() % 2,
                          .constants = constants[dice() % 4],
                          .collapse = collapse[dice() % 5],
                          .depth = (int)(dice() % 3),
                          .source = dice() % 4 ? texts[i] : NULL,
                          .translate = dice() % 2 ? said : NULL};
}

/* All that is written of a graph with these options, one below the other. */
static dz_status write_all(dz_var y, const dz_dot_options *o, int way, text *to) {
  static const char *const languages[] = {NULL, "ja", "la"};
  const dz_explain_options e = {.format = (dz_explain_format)(way % 3),
                                .output = o->output,
                                .digits = o->digits,
                                .translate = o->translate,
                                .language = languages[way % 3]};
  const dz_trace_options told = {.output = o->output, .formulas = (size_t)(way % 2)};
  dz_paths *p = NULL;
  dz_status s;
  switch (way % 5) {
  case 0:
    return dz_write_dot(y, o, append, to);
  case 1:
    return dz_write_svg(y, o, append, to);
  case 2:
    return dz_explain(y, &e, append, to);
  case 3:
    return dz_write_trace(y, &told, append, to);
  default:
    s = dz_paths_find(y, dz_named(y.tape, "x"), 0, 0, &p);
    if (!s)
      s = dz_paths_write(p, &(dz_paths_style){.output = o->output, .translate = o->translate}, append, to);
    if (!s) s = dz_paths_dot(p, NULL, 0, append, to);
    dz_paths_free(p);
    return s;
  }
}

/* What may be refused: too many paths or elements, results that are no scalars. */
static bool refused(dz_status s) {
  return s == DZ_ERR_LIMIT || s == DZ_ERR_SHAPE || s == DZ_ERR_ARGUMENT || s == DZ_ERR_HANDLE;
}

START_TEST(any_picture) {
  state = 77 + (uint64_t)_i;
  const dz_var y = record(tape, _i), x = dz_named(tape, "x");
  ck_assert_msg(dz_valid(y), "%s: %s", texts[_i], dz_tape_error(tape)->message);
  if (dz_is_number(y)) return;
  for (int turn = 0; turn < EFFORT(10, 2); turn++) {
    const dz_dot_options o = any_options(_i, &x);
    if (turn == 1 && dz_size(y) == 1) ck_assert_int_eq(dz_backward(y), DZ_OK);
    text once = {0}, again = {0};
    const dz_status s = write_all(y, &o, turn + _i, &once);
    if (s != DZ_OK && !refused(s)) ck_abort_msg("%s, turn %d: %s", texts[_i], turn, dz_status_text(s));
    ck_assert_int_eq(write_all(y, &o, turn + _i, &again), s);
    ck_assert(once.n == again.n && memcmp(once.at ? once.at : "", again.at ? again.at : "", once.n) == 0);
    if (s == DZ_OK && (turn + _i) % 5 == 0) {
      graph g = graph_read(once.at);
      graph_free(&g);
    }
    if (s == DZ_OK) ck_assert_uint_gt(once.n, 0);
    free(once.at);
    free(again.at);
  }
}
END_TEST

START_TEST(any_picture_without_memory) {
  state = 7 + (uint64_t)_i;
  for (int turn = 0; turn < EFFORT(5, 1); turn++) {
    const uint64_t seed = dice();
    const int way = turn + _i; /* each way in turn */
    size_t calls = 0, step = 1, length = 0;
    dz_status right = DZ_OK;
    for (size_t k = 0; k <= calls; k += k ? step : 1 + (size_t)turn) {
      failing f = {0};
      const dz_allocator a = failing_allocator(&f);
      dz_tape *t = dz_tape_new(&a);
      const dz_var y = record(t, _i), x = dz_named(t, "x");
      text to = {0};
      state = seed;
      const dz_dot_options o = any_options(_i, &x);
      if (turn % 2 && dz_size(y) == 1) dz_backward(y);
      const size_t before = f.calls;
      if (k) f.only = before + k;
      const dz_status s = dz_is_number(y) ? DZ_OK : write_all(y, &o, way, &to);
      if (!k) calls = f.calls - before, step = 1 + calls / EFFORT(6, 2), length = to.n, right = s;
      ck_assert((s == DZ_ERR_MEMORY && f.failed) || (s == right && to.n == length));
      free(to.at);
      dz_tape_free(t);
      ck_assert_uint_eq(f.blocks, 0);
    }
  }
}
END_TEST

SUITE_ON_TAPE(EACH(any_picture, COUNT(texts)), EACH(any_picture_without_memory, COUNT(texts)))
