/* dz derive: derivatives as formulas. */
#include "dz/derive.h"
#include "buffer.h"
#include "dz/print.h"
#include "json.h"
#include "message.h"
#include "model.h"
#include "table.h"
#include "verbs.h"
#include "width.h"

#include <stdlib.h>
#include <string.h>

/* What was derived by one name: the formula's text, and the value. */
typedef struct derived {
  buffer text;
  dz_var value;
} derived;

static bool append(void *user, const char *text, size_t size) {
  buffer_add(user, text, size);
  return true;
}

static _Noreturn void fail(const model *m, dz_status status) {
  die_status(&m->source, dz_tape_error(m->tape), status);
}

static void print_formula(const model *m, dz_var x, int digits, buffer *text) {
  const dz_print_options how = {DZ_PRINT_EXPAND, digits, 0, 0};
  dz_status status = dz_print(x, &how, append, text);
  if (status == DZ_ERR_LIMIT) die(STATUS_LIMIT, "the formula is longer than a million characters");
  if (status != DZ_OK) fail(m, status);
}

static void check_order(const model *m, const wanted *w, int order) {
  buffer b = {0};
  if (!dz_valid(w->node) || !dz_is_active(w->node))
    die(STATUS_USAGE, "--wrt: '%s' is constant: nothing can be derived by it", w->name);
  if (dz_size(m->result) != 1) model_no_scalar(m, "sum it, as in sum(...)");
  if (order == 1 || dz_size(w->node) == 1) return;
  tensor x = tensor_of(w->node);
  buffer_shape(&b, x.rank, x.dims);
  die(STATUS_USAGE, "--order %d: '%s' has shape %.*s: the first derivative is no scalar", order, w->name,
      (int)b.size, b.text);
}

/* The formula is simplified at each order, which keeps it short; the value is that of the derivatives as
   they are. */
static derived derive(const model *m, const wanted *w, const options *o) {
  int order = o->order > 0 ? o->order : 1;
  derived d = {{0}, m->result};
  dz_var formula = m->result;
  check_order(m, w, order);
  for (int k = 0; k < order; k++) {
    if (!m->generic) d.value = dz_derivative(d.value, w->node);
    formula = dz_simplify(dz_derivative(formula, w->node));
    if (!dz_valid(formula) || !dz_valid(d.value)) fail(m, dz_tape_error(m->tape)->status);
  }
  print_formula(m, formula, o->digits, &d.text);
  return d;
}

/* df/dx, d2f/dx2 */
static void add_label(buffer *b, const char *f, const char *x, int order) {
  buffer_text(b, "d");
  if (order > 1) buffer_whole(b, (size_t)order);
  buffer_text(b, f);
  buffer_text(b, "/d");
  buffer_text(b, x);
  if (order > 1) buffer_whole(b, (size_t)order);
}

/* A formula's last line is the formula; those before it name its parts. */
static size_t last_line(const buffer *text) {
  size_t at = text->size;
  while (at > 0 && text->text[at - 1] != '\n') at--;
  return at;
}

static void print_rows(const model *m, const wants *w, const derived *d, int order) {
  buffer out = {0}, *labels = take(NULL, w->count, sizeof *labels);
  size_t width = 0;
  for (size_t i = 0; i < w->count; i++) {
    labels[i] = (buffer){0};
    add_label(&labels[i], model_name(m), w->at[i].name, order);
    size_t n = text_width(labels[i].text, labels[i].size);
    width = width > n ? width : n;
  }
  for (size_t i = 0; i < w->count; i++) {
    const buffer *text = &d[i].text;
    size_t last = last_line(text);
    buffer_add(&out, text->text, last);
    if (w->count > 1) {
      buffer_add(&out, labels[i].text, labels[i].size);
      buffer_pad(&out, width + 2 - text_width(labels[i].text, labels[i].size));
    }
    buffer_add(&out, text->text + last, text->size - last);
    buffer_text(&out, "\n");
    buffer_free(&labels[i]);
  }
  free(labels);
  output(&out);
  buffer_free(&out);
}

static void print_json(const model *m, const wants *w, const derived *d) {
  cJSON *object = json_object(), *formula = json_object(), *value = json_object();
  for (size_t i = 0; i < w->count; i++) {
    buffer text = {0};
    buffer_add(&text, d[i].text.text, d[i].text.size);
    buffer_add(&text, "", 1);
    json_put(formula, w->at[i].name, json_text(text.text));
    tensor v = tensor_of(d[i].value);
    json_put(value, w->at[i].name, m->generic ? json_text(NULL) : json_tensor(v.rank, v.dims, v.data));
    tensor_free(&v);
    buffer_free(&text);
  }
  json_put(object, "formula", formula);
  json_put(object, "value", value);
  json_put(object, "notes", json_notes(m->tape));
  json_print(object);
}

int verb_derive(const options *o) {
  model m = model_read(o);
  wants w = model_wants(&m, o->wrt);
  if (w.count == 0) die(STATUS_USAGE, "there is no input to derive by");
  derived *d = take(NULL, w.count, sizeof *d);
  for (size_t i = 0; i < w.count; i++) d[i] = derive(&m, &w.at[i], o);
  if (o->json)
    print_json(&m, &w, d);
  else
    print_rows(&m, &w, d, o->order > 0 ? o->order : 1);
  for (size_t i = 0; i < w.count; i++) buffer_free(&d[i].text);
  free(d);
  wants_free(&w);
  model_free(&m);
  return STATUS_DONE;
}
