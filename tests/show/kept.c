/* Pictures, lessons, traces, paths and reasons as they are, with the memory that they ask for, as a sum per
   expression; as plan/kept.c does it. */
#include "dz/cost.h"
#include "dz/why.h"
#include "listing.h"
#include "texts.h"

#include <string.h>

enum { LEAVES = 16 };

static const char *translated(const char *english, void *user) {
  (void)user;
  return strlen(english) % 2 ? "<x & \"y\">" : english;
}

static void list_pictures(listing *l, dz_var y, const dz_var *x) {
  static const char *const constants[] = {NULL, "x", "", "v,y"};
  for (int k = 0; k < 8; k++) {
    const dz_dot_options o = {.output = k % 5 == 4 ? "result" : NULL,
                              .digits = k % 3 * 3,
                              .max_nodes = k == 7 ? 3 : 0,
                              .style = (dz_picture)(k % 4),
                              .written = (dz_written)(k / 2 % 3),
                              .sweeps = (dz_sweeps)(k / 3 % 3),
                              .theme = (dz_theme)(k / 4 % 3),
                              .wrt = x,
                              .wrt_count = k % 4 == 3 ? 1 : 0,
                              .wave = k == 5 ? 2 : 0,
                              .waves_told = k == 6,
                              .partials = k % 2,
                              .shared = k % 5 == 2,
                              .constants = constants[k % 4],
                              .depth = k % 6 == 5,
                              .translate = k == 3 ? translated : NULL};
    dz_picture_size size = {0, 0, 0};
    const dz_status measured = dz_picture_measure(y, &o, &size);
    LIST(l, "measured", (uint64_t)measured, size.operations, size.forward, size.backward);
    LIST(l, "dot", (uint64_t)dz_write_dot(y, &o, list_text, l));
    if (k % 7 == 0) LIST(l, "svg", (uint64_t)dz_write_svg(y, &o, list_text, l));
  }
}

static void list_lessons(listing *l, dz_var y, const dz_var *x) {
  const dz_explain_check checks[] = {{x[0], 3, 3, .5, .5, 1e-9, NULL}, {x[1], 3, 1, .5, .25, 1e-3, "wrong"}};
  for (int k = 0; k < 4; k++) {
    const dz_explain_options o = {.output = k == 2 ? "result" : NULL,
                                  .format = (dz_explain_format)(k % 3),
                                  .digits = k % 2 ? 3 : 0,
                                  .max_ops = k == 3 ? 2 : 0,
                                  .checks = k % 2 ? checks : NULL,
                                  .check_count = k % 2 ? 2 : 0,
                                  .translate = k == 1 ? translated : NULL,
                                  .language = k == 1 ? "ja" : NULL};
    LIST(l, "lesson", (uint64_t)dz_explain(y, &o, list_text, l));
  }
  for (size_t k = 0; k < 2; k++)
    LIST(l, "trace",
         (uint64_t)dz_write_trace(y, &(dz_trace_options){k ? "r" : NULL, k ? 2 : 0, k}, list_text, l));
}

static void list_paths(listing *l, dz_var y, dz_var x) {
  for (size_t k = 0; k < (dz_size(x) > 9 ? 1 : 3); k++) {
    const dz_paths_style style = {k == 1 ? "r" : NULL, (int)k, k == 2 ? translated : NULL, NULL};
    dz_paths *p = NULL;
    LIST(l, "paths", (uint64_t)dz_paths_find(y, x, k % dz_size(x), k % 2 ? 5 : 100, &p));
    LIST(l, "written", (uint64_t)dz_paths_write(p, &style, list_text, l));
    LIST(l, "drawn", (uint64_t)dz_paths_dot(p, &style, k == 2 ? 4 : 0, list_text, l));
    dz_paths_free(p);
  }
}

static void list_reason(listing *l, dz_var y, dz_var x) {
  for (int k = 0; k < 2; k++) {
    dz_why_report r;
    const dz_why_options o = {k ? 3 : 0, k ? translated : NULL, NULL};
    LIST(l, "why", (uint64_t)dz_why(y, x, &o, &r));
    LIST(l, " of", (uint64_t)r.kind, (uint64_t)r.cause, r.element, r.alike, r.elements, (uint64_t)r.operand,
         (uint64_t)r.line, (uint64_t)r.column);
    list_double(l, " gradient", r.gradient);
    list_double(l, " partial", r.partial);
    list_double(l, " arriving", r.arriving);
    list_characters(l, r.code);
    list_characters(l, r.what);
    list_characters(l, r.message);
    list_characters(l, r.suggestion);
  }
}

static void list_cost(listing *l, dz_var y) {
  dz_cost c;
  const dz_status told = dz_cost_of(y, NULL, &c);
  LIST(l, "cost", (uint64_t)told, c.nodes);
  const dz_work *of[] = {&c.value, &c.gradient};
  for (int k = 0; k < 2; k++) {
    list_double(l, " operations", of[k]->operations);
    list_double(l, " transcendentals", of[k]->transcendentals);
    list_double(l, " bytes", of[k]->bytes);
    list_double(l, " memory", of[k]->memory);
  }
}

static const char *const more[] = {
    "s = x*y; t = s + x; s*t",
    "s = x*y; t = tanh(s); t*(1 - t)*s",
    "log(x - x)*y + sqrt(x - x)",
    "relu(x - 3)*y + tanh(x*100)*y",
    "h = tanh(A@v); o = sigmoid(h[0] + h[1]); (o - 1)^2",
    "h = relu(B@v + w); sum(h*h)/2",
    "x*y*z*x*y*z*x*y*z*x*y*z*x*y*z*x*y*z*x*y*z*x*y*z*x*y*z*x*y*z*x*y*z*x*y*z*x*y*z*x*y*z*x*y*z*x*y*z",
    "exp(x)*exp(x) + exp(x)*y + exp(x)*z + log(exp(x)) + x^-2 + x^.5 + 2^x + x^x",
    "x",
    "3",
    "-x",
    "x + y",
    "x - -y",
    "x/y/z",
    "x*1e300*1e300",
    "0/(x - x)",
    "stop(x)*y",
    "floor(x) + y",
};

static const uint64_t sums[COUNT(texts) + COUNT(more)] = {
#include "kept.sums"
};

START_TEST(kept) {
  const int plain = COUNT(texts);
  const char *text = _i < plain ? texts[_i] : more[_i - plain];
  if (list_rounds_otherwise(text)) return;
  listing l = list_begin();
  const dz_allocator a = list_allocator(&l);
  dz_tape *t = dz_tape_new(&a);
  dz_var x[LEAVES];
  int n = 0;
  const dz_var y = text_on(t, text, x, &n);
  ck_assert_msg(dz_valid(y), "%s", dz_tape_error(t)->message);
  LIST(&l, "swept", (uint64_t)dz_backward(y));
  list_pictures(&l, y, x);
  list_lessons(&l, y, x);
  for (int k = 0; k < n; k++) {
    if (k % 3 == 0) list_paths(&l, y, x[k]);
    list_reason(&l, y, x[k]);
  }
  list_cost(&l, y);
  dz_tape_free(t);
  list_end(&l, "kept.sums", _i, COUNT(sums), sums[_i]);
}
END_TEST

SUITE(EACH(kept, COUNT(sums)))
