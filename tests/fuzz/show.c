/* Pictures, texts and code of graphs with any names: whatever is written is well-formed, and says so to a
   reader that is not ours where there is one (expat for SVG and HTML, cJSON for JSON). */
#include "dz/show.h"
#include "../show/graph.h"
#include "dz/dz.h"
#include "dz/emit.h"
#include "dz/explain.h"
#include "dz/paths.h"
#include "dz/trace.h"
#include "fuzz.h"

#include <cjson/cJSON.h>
#include <expat.h>

/* A name from the input: what stands before the next byte 255, which no UTF-8 has. */
static const char *take_name(input *in, char name[64]) {
  size_t n = 0;
  for (unsigned c; n < 63 && in->left > 0 && (c = take_byte(in)) != 255;) name[n++] = (char)c;
  name[n] = 0;
  return name;
}

static dz_var called(input *in, dz_var x) {
  char name[64];
  dz_set_name(x, take_name(in, name)); /* it may be refused */
  return x;
}

static dz_var any_graph(dz_tape *t, input *in) {
  const unsigned kind = take_below(in, 4);
  const double six[] = {1, -2, 3, .5, -.25, 0};
  const dz_var x = called(in, dz_input(t, take_number(in))), y = called(in, dz_param(t, take_number(in)));
  const dz_var v = called(in, dz_leaf_tensor(t, DZ_ROLE_PARAM, 2, (size_t[]){2, 3}, six));
  const dz_var u = called(in, dz_leaf_tensor(t, DZ_ROLE_INPUT, 1, (size_t[]){3}, six + 3));
  if (kind == 0) return dz_div(1, dz_add(1, called(in, dz_exp(dz_neg(dz_mul(x, y))))));
  if (kind == 1) return dz_add(dz_mul(x, x), dz_where(dz_gt(x, y), called(in, dz_sin(x)), dz_log(y)));
  if (kind == 2) return dz_sum(called(in, dz_tanh(dz_matmul(v, u))), DZ_ALL, false);
  return dz_atan2(dz_pow(called(in, dz_sub(x, y)), 3), dz_fmax(dz_norm(u, DZ_ALL, false), dz_sqrt(x)));
}

static void expect_xml(const text *t) {
  XML_Parser p = XML_ParserCreate("UTF-8");
  if (!XML_Parse(p, t->at, (int)t->n, 1))
    ck_abort_msg("line %lu: %s\n%s", XML_GetCurrentLineNumber(p), XML_ErrorString(XML_GetErrorCode(p)),
                 t->at);
  XML_ParserFree(p);
}

/* An element that the page does not have, or an attribute, would come from a name. */
static void expect_known(void *user, const char *name, const char **attributes) {
  static const char *const known[] = {"html",  "title", "style", "h2",    "h3",   "ul",
                                      "li",    "math",  "mi",    "mn",    "mo",   "mrow",
                                      "mfrac", "msub",  "msup",  "msqrt", "mtext"};
  size_t k = 0;
  while (k < sizeof known / sizeof *known && strcmp(name, known[k]) != 0) k++;
  const bool plain = !attributes[0] || (strcmp(attributes[0], "displaystyle") == 0 && !attributes[2]);
  if (k == sizeof known / sizeof *known || !(plain || k == 0)) ck_abort_msg("<%s>: %s", name, (char *)user);
}

/* The page is XML, but for its first line and its two <meta>. */
static void expect_html(const text *t) {
  XML_Parser p = XML_ParserCreate("UTF-8");
  const char *html = strstr(t->at, "<html "), *meta = strstr(t->at, "<meta"),
             *title = strstr(t->at, "<title>");
  if (!html || !meta || !title || strncmp(t->at, "<!DOCTYPE html>\n", 16) != 0 || title < meta)
    ck_abort_msg("no page:\n%s", t->at);
  XML_SetUserData(p, t->at);
  XML_SetStartElementHandler(p, expect_known);
  if (!XML_Parse(p, html, (int)(meta - html), 0) || !XML_Parse(p, title, (int)strlen(title), 1))
    ck_abort_msg("%s\n%s", XML_ErrorString(XML_GetErrorCode(p)), t->at);
  XML_ParserFree(p);
}

/* The end of a comment or literal that begins at s, or NULL where it has none: a literal's is on its line. */
static const char *past(const char *s) {
  if (s[1] == '*') return (s = strstr(s + 2, "*/")) ? s + 2 : NULL;
  const char quote = *s++;
  for (; *s && *s != quote && *s != '\n'; s++)
    if (*s == '\\' && !*++s) return NULL;
  return *s == quote ? s + 1 : NULL;
}

/* C: brackets match, comments and literals end, and all else is ASCII. */
static void expect_code(const text *t) {
  char open[64];
  size_t depth = 0;
  for (const char *s = t->at; *s;) {
    if (*s == '"' || *s == '\'' || (*s == '/' && s[1] == '*')) {
      const char *end = past(s);
      if (!end) ck_abort_msg("what begins here has no end: %.60s\nin\n%s", s, t->at);
      s = end;
      continue;
    }
    if (*s == '/' && s[1] == '/') ck_abort_msg("no comment of C99's older brothers:\n%s", t->at);
    if (*s == '(' || *s == '[' || *s == '{') open[depth++ % sizeof open] = *s;
    if (*s == ')' || *s == ']' || *s == '}') {
      if (depth == 0 || (open[--depth % sizeof open] == '(' ? ')' : open[depth % sizeof open] + 2) != *s)
        ck_abort_msg("a bracket too much: %.60s\nin\n%s", s, t->at);
    }
    if ((*s < ' ' && *s != '\n') || *s > '~') ck_abort_msg("a character of a name: %.20s\nin\n%s", s, t->at);
    s++;
  }
  if (depth != 0) ck_abort_msg("%zu brackets are open:\n%s", depth, t->at);
}

static void expect_json(const text *t) {
  cJSON *json = cJSON_ParseWithLength(t->at, t->n);
  if (!json || strpbrk(t->at, "<>&")) ck_abort_msg("no JSON for HTML:\n%s", t->at);
  cJSON_Delete(json);
}

/* TeX's groups close, and nothing stands in a document that is a macro's parameter or a comment by
 * accident. */
static void expect_groups(const text *t) {
  long depth = 0;
  for (const char *s = t->at; *s; s++) {
    if (*s == '\\' && s[1]) {
      s++;
      continue;
    }
    depth += *s == '{' ? 1 : *s == '}' ? -1 : 0;
    if (depth < 0) ck_abort_msg("a group ends that was not begun:\n%s", t->at);
  }
  if (depth != 0) ck_abort_msg("%ld groups are open:\n%s", depth, t->at);
}

static void expect_status(dz_status s, const failing *f) {
  if (!(s == DZ_OK || (s == DZ_ERR_MEMORY && f->failed > 0) || s == DZ_ERR_LIMIT || s == DZ_ERR_ARGUMENT))
    ck_abort_msg("%s", dz_status_text(s));
}

static void draw(dz_var y, input *in, const failing *f) {
  char output[64], constants[64];
  const unsigned b = take_byte(in), c = take_byte(in);
  dz_dot_options o = {.output = b & 1 ? take_name(in, output) : NULL,
                      .style = (dz_picture)(b >> 1 & 3),
                      .written = (dz_written)((b >> 3 & 3) % 3),
                      .sweeps = (dz_sweeps)((b >> 5 & 3) % 3),
                      .theme = (dz_theme)((c & 3) % 3),
                      .partials = c & 4,
                      .shared = c & 8,
                      .waves_told = c & 16,
                      .wave = c >> 5,
                      .constants = b & 128 ? take_name(in, constants) : NULL};
  text dot = {0}, svg = {0};
  const bool ours = take_byte(in) % 2;
  const dz_status s = ours ? dz_write_svg(y, &o, append, &svg) : dz_write_dot(y, &o, append, &dot);
  expect_status(s, f);
  if (s == DZ_OK && ours) expect_xml(&svg);
  if (s == DZ_OK && !ours) {
    graph g = graph_read(dot.at);
    graph_free(&g);
  }
  free(dot.at);
  free(svg.at);
}

static void tell(dz_var y, input *in, const failing *f) {
  static void (*const expect[])(const text *) = {expect_json, expect_groups, expect_html};
  char output[64];
  text t = {0};
  const unsigned which = take_byte(in) % 3;
  const char *name = take_name(in, output);
  const dz_trace_options trace = {.output = *name ? name : NULL};
  const dz_explain_options explain = {.output = *name ? name : NULL,
                                      .format = which == 1 ? DZ_EXPLAIN_LATEX : DZ_EXPLAIN_HTML};
  const dz_status s =
      which == 0 ? dz_write_trace(y, &trace, append, &t) : dz_explain(y, &explain, append, &t);
  expect_status(s, f);
  if (s == DZ_OK) expect[which](&t);
  free(t.at);
}

/* As C, where a plan can be made; the function's name is one that C takes, or it is refused. */
static void emit(dz_tape *t, dz_var y, input *in, const failing *f, const dz_allocator *a) {
  char name[64];
  const unsigned b = take_byte(in);
  const char *called = take_name(in, name);
  const dz_emit_options o = {.name = *called ? called : NULL, .test = b & 1, .single = b & 2, .batch = b & 4};
  dz_var x[8];
  int n = 0;
  for (size_t i = 0; i < dz_tape_size(t) && n < 8; i++) {
    const dz_role role = dz_role_of(dz_node_at(t, i));
    if (role == DZ_ROLE_INPUT || role == DZ_ROLE_PARAM) x[n++] = dz_node_at(t, i);
  }
  text code = {0};
  dz_error e;
  dz_plan *p = dz_plan_new(1, &y, n, x, &(dz_plan_options){.allocator = a}, &e);
  if (!p) expect_status(e.status, f);
  const dz_status s = p ? dz_emit(p, &o, append, &code) : DZ_ERR_ARGUMENT;
  if (!(s == DZ_ERR_NAME && *called)) expect_status(s, f);
  if (s == DZ_OK) expect_code(&code);
  free(code.at);
  dz_plan_free(p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  input in = {data, size};
  failing f = take_failing(&in);
  const dz_allocator a = failing_allocator(&f);
  dz_tape *t = dz_tape_new(&a);
  if (t) {
    const dz_var y = called(&in, any_graph(t, &in));
    if (dz_tape_error(t)->status != DZ_OK && dz_tape_error(t)->status != DZ_ERR_MEMORY) dz_tape_forgive(t);
    if (dz_valid(y) && dz_backward(y) == DZ_OK) {
      const unsigned which = take_byte(&in) % 4; /* one only: each takes much longer than the graph */
      if (which == 0) emit(t, y, &in, &f, &a);
      if (which == 1) tell(y, &in, &f);
      if (which > 1) draw(y, &in, &f);
    }
    dz_tape_free(t);
  }
  ck_assert(f.blocks == 0 && f.bytes == 0);
  return 0;
}
