/* dz page: a graph as one file that a browser opens, to be stepped through, asked, and worked on. */
#include "buffer.h"
#include "dz/show.h"
#include "dz/trace.h"
#include "file.h"
#include "graphviz.h"
#include "json.h"
#include "model.h"
#include "speech.h"
#include "verbs.h"

#include <stdlib.h>
#include <string.h>

enum { READABLE = 400, FEW = 20, DIGITS = 4 }; /* few: formulas at the wires too */

/* The files of tools/page/. page.html has holes, @NAME@: for the other files, and for what is made here. */
extern const char page_html[], page_css[], page_words_js[], page_trace_js[], page_figure_js[],
    page_steps_js[], page_details_js[], page_page_js[];

static bool append(void *user, const char *text, size_t size) {
  buffer_add(user, text, size);
  return true;
}

static void check(const model *m, dz_status status, size_t most) {
  if (status == DZ_ERR_LIMIT)
    die(STATUS_LIMIT, "more than %zu operations make no readable page: --force makes it all the same", most);
  if (status != DZ_OK) die_status(&m->source, dz_tape_error(m->tape), status);
}

/* The picture as an element of the page: without what stands before it in a file of its own. */
static buffer figure_of(const model *m, const options *o, size_t most) {
  buffer graph = {0}, inside = {0};
  dz_dot_options how = {
      .output = dz_program_result(m->program), .digits = o->digits, .max_nodes = most, .shared = true};
  dz_picture_size size;
  check(m, dz_picture_measure(m->result, &how, &size), most);
  if (size.operations <= FEW) how.written = DZ_WRITTEN_BOTH;
  check(m, dz_write_dot(m->result, &how, append, &graph), most);
  buffer picture = graphviz_picture(&graph, "svg", o->timeout);
  buffer_add(&picture, "", 1);
  const char *svg = strstr(picture.text, "<svg");
  if (svg == NULL) die(STATUS_FILE, "dot wrote no picture");
  buffer_text(&inside, svg);
  buffer_free(&graph);
  buffer_free(&picture);
  return inside;
}

/* JSON text fit for a script element: nothing in it may end that. */
static buffer harmless(buffer *json) {
  buffer b = {0};
  for (size_t i = 0; i < json->size; i++) {
    char c = json->text[i];
    buffer_text(&b, c == '<' ? "\\u003c" : c == '>' ? "\\u003e" : c == '&' ? "\\u0026" : "");
    if (c != '<' && c != '>' && c != '&') buffer_add(&b, &c, 1);
  }
  buffer_free(json);
  return b;
}

/* What the page knows beside the trace: {"source": …, "digits": …, "language": …, "wrt": [ID, …]}. */
static buffer settings_of(const model *m, const options *o) {
  cJSON *object = json_object(), *list = json_array();
  wants w = model_wants(m, o->wrt);
  for (size_t i = 0; i < w.count; i++) {
    cJSON *want = json_object();
    json_put(want, "name", json_text(w.at[i].name));
    json_put(want, "node",
             dz_valid(w.at[i].node) ? json_whole(dz_node_index(w.at[i].node)) : json_text(NULL));
    json_push(list, want);
  }
  wants_free(&w);
  char *program = take_text(m->source.text, m->source.size);
  json_put(object, "source", json_text(program));
  free(program);
  json_put(object, "digits", json_whole(o->digits > 0 ? (size_t)o->digits : DIGITS));
  json_put(object, "language", json_text(speech_language()));
  json_put(object, "wrt", list);
  buffer json = json_line(object);
  return harmless(&json);
}

/* What a hole takes. */
typedef struct filling {
  const char *name, *text;
  size_t size; /* 0: up to the NUL */
} filling;

static const filling files[] = {{"page.css", page_css, 0},      {"words.js", page_words_js, 0},
                                {"trace.js", page_trace_js, 0}, {"figure.js", page_figure_js, 0},
                                {"steps.js", page_steps_js, 0}, {"details.js", page_details_js, 0},
                                {"page.js", page_page_js, 0}};

static bool fill(buffer *b, const filling *f, size_t count, const char *name, size_t size) {
  for (size_t i = 0; i < count; i++) {
    if (strlen(f[i].name) != size || memcmp(f[i].name, name, size) != 0) continue;
    buffer_add(b, f[i].text, f[i].size > 0 ? f[i].size : strlen(f[i].text));
    return true;
  }
  return false;
}

/* The page with its holes filled. */
static buffer filled(const filling *made, size_t count) {
  buffer b = {0};
  const char *rest = page_html;
  for (const char *hole; (hole = strchr(rest, '@')) != NULL;) {
    const char *end = strchr(hole + 1, '@');
    size_t size = (size_t)(end - hole - 1);
    buffer_add(&b, rest, (size_t)(hole - rest));
    if (!fill(&b, files, sizeof files / sizeof files[0], hole + 1, size))
      fill(&b, made, count, hole + 1, size);
    rest = end + 1;
  }
  buffer_text(&b, rest);
  return b;
}

int verb_page(const options *o) {
  size_t most = o->force ? SIZE_MAX : READABLE;
  speech_in(o->lang);
  if (o->output != NULL) file_check(o->output);
  model m = model_read(o);
  if (!model_sweep(&m, o->seed))
    model_no_scalar(&m, "sum it, as in sum(...), or give --seed a tensor of that shape");
  buffer trace = {0}, settings = settings_of(&m, o);
  buffer figure = figure_of(&m, o, most);
  dz_trace_options how = {.output = dz_program_result(m.program), .max_nodes = most};
  check(&m, dz_write_trace(m.result, &how, append, &trace), most);
  const filling made[] = {{"figure", figure.text, figure.size},
                          {"trace", trace.text, trace.size},
                          {"settings", settings.text, settings.size},
                          {"language", speech_language(), 0}};
  buffer page = filled(made, sizeof made / sizeof made[0]);
  if (o->output != NULL)
    file_write(o->output, &page);
  else
    output(&page);
  buffer_free(&page);
  buffer_free(&figure);
  buffer_free(&trace);
  buffer_free(&settings);
  model_free(&m);
  return STATUS_DONE;
}
