/* Pictures and texts of graphs with any names: whatever is written is well-formed, and says so to a reader
   that is not ours where there is one (expat for SVG and XML, cJSON for JSON). */
#include "dz/show.h"
#include "../show/graph.h"
#include "dz/dz.h"
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
  const dz_status drawn = dz_write_dot(y, &o, append, &dot);
  expect_status(drawn, f);
  if (drawn == DZ_OK) {
    graph g = graph_read(dot.at);
    graph_free(&g);
  }
  const dz_status written = dz_write_svg(y, &o, append, &svg);
  expect_status(written, f);
  if (written == DZ_OK) expect_xml(&svg);
  free(dot.at);
  free(svg.at);
}

static void tell(dz_var y, input *in, const failing *f) {
  char output[64];
  text json = {0}, page = {0}, tex = {0};
  const char *name = take_name(in, output);
  const dz_trace_options trace = {.output = *name ? name : NULL};
  dz_explain_options explain = {.output = *name ? name : NULL, .format = DZ_EXPLAIN_LATEX};
  dz_status s = dz_write_trace(y, &trace, append, &json);
  expect_status(s, f);
  if (s == DZ_OK) expect_json(&json);
  expect_status(s = dz_explain(y, &explain, append, &tex), f);
  if (s == DZ_OK) expect_groups(&tex);
  explain.format = DZ_EXPLAIN_HTML;
  expect_status(s = dz_explain(y, &explain, append, &page), f);
  free(json.at);
  free(tex.at);
  free(page.at);
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
      draw(y, &in, &f);
      tell(y, &in, &f);
    }
    dz_tape_free(t);
  }
  ck_assert(f.blocks == 0 && f.bytes == 0);
  return 0;
}
