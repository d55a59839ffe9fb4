/* dz predict: what a trained program says of samples, as a table in text. */
#include "buffer.h"
#include "dz/text.h"
#include "file.h"
#include "network.h"
#include "verbs.h"

#include <stdlib.h>
#include <string.h>

enum { PART = 4096 };

/* The loss wants targets, prediction does not: zeros of their shape stand in. */
static void stand_in(dataset *d, const tensor_file *f) {
  const char *text = d->t.data == NULL ? tensor_file_noted(f, "dz.target") : NULL;
  cJSON *dims = text != NULL ? cJSON_Parse(text) : NULL;
  if (dims == NULL) return;
  d->t = (tensor){.rank = 1, .dims = {d->rows}, .count = d->rows};
  for (int k = 0; k < cJSON_GetArraySize(dims) && d->t.rank < DZ_MAX_RANK; k++) {
    double n = cJSON_GetNumberValue(cJSON_GetArrayItem(dims, k));
    if (!(n >= 1 && n <= 1e6)) die(STATUS_FILE, "%s: the shape of its targets is damaged", f->path);
    d->t.count *= d->t.dims[d->t.rank++] = (size_t)n;
    if (d->t.count > (size_t)1 << 30) die(STATUS_FILE, "%s: the shape of its targets is damaged", f->path);
  }
  d->t.data = take(NULL, d->t.count, sizeof *d->t.data);
  memset(d->t.data, 0, d->t.count * sizeof *d->t.data);
  cJSON_Delete(dims);
}

/* What training has noted; `guess` where it has not. */
static class_form form_noted(const tensor_file *f, class_form guess) {
  const char *text = tensor_file_noted(f, "dz.form");
  if (text == NULL) return guess;
  return text[0] > '0' && text[0] <= '0' + MINUS_OR_PLUS && text[1] == '\0' ? (class_form)(text[0] - '0')
                                                                            : NO_CLASSES;
}

/* A cell of a table: in quotes where it must be. */
static void add_cell(buffer *b, const char *text) {
  if (strpbrk(text, ",\"\r\n") == NULL) {
    buffer_text(b, text);
    return;
  }
  buffer_text(b, "\"");
  for (; *text != '\0'; text++) {
    if (*text == '"') buffer_text(b, "\"");
    buffer_add(b, text, 1);
  }
  buffer_text(b, "\"");
}

static void add_header(buffer *b, const char *name, class_form form, size_t width) {
  if (form != NO_CLASSES) buffer_text(b, "class,");
  for (size_t k = 0; k < width; k++) {
    if (k > 0) buffer_text(b, ",");
    buffer_text(b, name);
    if (width > 1) buffer_whole(b, k);
  }
  buffer_text(b, "\n");
}

static void add_class(buffer *b, const cJSON *names, double number) {
  const char *name = number >= 0 ? cJSON_GetStringValue(cJSON_GetArrayItem(names, (int)number)) : NULL;
  if (name != NULL)
    add_cell(b, name);
  else
    buffer_number(b, number, 0);
  buffer_text(b, ",");
}

/* Rows of the samples recorded last. */
static void add_rows(buffer *b, const network *n, size_t rows, const cJSON *names, int digits) {
  dz_var y = dz_named(n->m.tape, n->output);
  size_t width = dz_size(y) / rows;
  for (size_t i = 0; i < rows; i++) {
    if (n->form != NO_CLASSES) add_class(b, names, network_class(n->form, dz_values(y) + i * width, width));
    for (size_t k = 0; k < width; k++) {
      if (k > 0) buffer_text(b, ",");
      buffer_number(b, dz_values(y)[i * width + k], digits);
    }
    buffer_text(b, "\n");
  }
}

static void check_rows(const network *n, size_t rows) {
  dz_var y = dz_named(n->m.tape, n->output);
  if (dz_rank(y) < 1 || dz_extent(y, 0) != rows)
    die(STATUS_USAGE, "'%s' has no row for each sample: --predict NAME says which definition predicts",
        n->output);
}

/* A part at a time, so that a large file needs little memory. `hits` is NULL when there is no truth. */
static buffer table_of(network *n, const dataset *d, const tensor_file *f, int digits, size_t *hits) {
  buffer b = {0};
  const char *text = tensor_file_noted(f, "dz.classes");
  cJSON *names = text != NULL ? cJSON_Parse(text) : NULL;
  size_t order[PART];
  for (size_t from = 0; from < d->rows; from += PART) {
    size_t rows = d->rows - from < PART ? d->rows - from : PART;
    for (size_t i = 0; i < rows; i++) order[i] = from + i;
    network_record(n, d, order, rows);
    check_rows(n, rows);
    if (from == 0) add_header(&b, n->output, n->form, dz_size(dz_named(n->m.tape, n->output)) / rows);
    add_rows(&b, n, rows, names, digits);
    dz_var y = dz_named(n->m.tape, n->output);
    if (hits != NULL) *hits += network_hits(n, d, order, rows, dz_values(y), dz_size(y) / rows);
  }
  cJSON_Delete(names);
  return b;
}

static void say_accuracy(const network *n, size_t hits, size_t rows) {
  char percent[32];
  if (n->form == NO_CLASSES) return;
  dz_number_write(100 * (double)hits / (double)rows, 4, percent);
  remark("accuracy %s %% (%zu of %zu)", percent, hits, rows);
}

int verb_predict(const options *o) {
  if (o->output != NULL) file_check(o->output);
  if (o->learn.params == NULL) die(STATUS_USAGE, "dz predict needs --params FILE, which dz train has saved");
  tensor_file f = tensor_file_read(o->learn.params);
  dataset d = dataset_read(o, &f);
  bool judged = d.t.data != NULL;
  stand_in(&d, &f);
  network n = network_read(o, &d, d.rows < PART ? d.rows : PART, 0, &f);
  if (n.output == NULL)
    die(STATUS_USAGE, "%s defines no 'y': --predict NAME says which definition predicts", n.m.source.name);
  n.form = form_noted(&f, judged ? n.form : NO_CLASSES);
  size_t hits = 0;
  buffer table = table_of(&n, &d, &f, o->digits, judged ? &hits : NULL);
  if (o->output != NULL)
    file_write(o->output, &table);
  else
    output(&table);
  if (judged) say_accuracy(&n, hits, d.rows);
  buffer_free(&table);
  network_free(&n);
  dataset_free(&d);
  tensor_file_free(&f);
  return STATUS_DONE;
}
