#include "dataset.h"

#include "buffer.h"

#include <stdlib.h>
#include <string.h>

/* ---- the class names that training has kept ---- */

static cJSON *known_classes(const tensor_file *known) {
  const char *text = known != NULL ? tensor_file_noted(known, "dz.classes") : NULL;
  return text != NULL ? cJSON_Parse(text) : NULL;
}

static size_t class_number(const cJSON *names, const char *name, const char *file) {
  for (int k = 0; k < cJSON_GetArraySize(names); k++) {
    const char *other = cJSON_GetStringValue(cJSON_GetArrayItem(names, k));
    if (other != NULL && strcmp(other, name) == 0) return (size_t)k;
  }
  die(STATUS_FILE, "%s: the class '%.60s' was not among those that were learnt", file, name);
}

/* The words of this file are numbered as training numbered them. */
static void renumber(dataset *d, const cJSON *names, const char *file) {
  size_t count = (size_t)cJSON_GetArraySize(names), *to = take(NULL, d->classes, sizeof *to);
  for (size_t k = 0; k < d->classes; k++) to[k] = class_number(names, d->names[k], file);
  for (size_t i = 0; i < d->t.count; i++) d->t.data[i] = (double)to[(size_t)d->t.data[i]];
  free(to);
  for (size_t k = 0; k < d->classes; k++) free(d->names[k]);
  d->names = take(d->names, count, sizeof *d->names);
  d->classes = count;
  for (size_t k = 0; k < count; k++) {
    const char *name = cJSON_GetStringValue(cJSON_GetArrayItem(names, (int)k));
    d->names[k] = take_text(name != NULL ? name : "", name != NULL ? strlen(name) : 0);
  }
}

/* ---- files ---- */

static void take_target(dataset *d, csv_table *t) {
  d->t = t->value;
  d->classes = t->classes;
  d->names = t->names;
  t->value = (tensor){0};
  t->names = NULL;
  t->classes = 0;
  csv_table_free(t);
}

static void read_table(dataset *d, const options *o, const blob *bytes, const char *file) {
  const char *target = o->learn.target;
  bool inside = target != NULL && target[0] != '@';
  csv_table x = csv_read_table(file, bytes, NULL, inside ? target : NULL);
  d->x = x.value;
  d->width = x.width;
  d->columns = x.columns;
  x.value = (tensor){0};
  x.width = 0;
  x.columns = NULL;
  csv_table_free(&x);
  if (d->x.rank == 1) { /* a single column is a matrix of one column */
    d->x.rank = 2;
    d->x.dims[1] = 1;
  }
  if (!inside) return;
  csv_table t = csv_read_table(file, bytes, target, NULL);
  take_target(d, &t);
}

/* --target @FILE or @FILE:COLUMN */
static void read_target(dataset *d, const char *spec) { d->t = tensor_read("--target", spec); }

dataset dataset_read(const options *o, const tensor_file *known) {
  dataset d = {0};
  const char *path = o->learn.data, *target = o->learn.target;
  if (path == NULL) die(STATUS_USAGE, "dz %s needs --data FILE: a table in text, .npy or IDX", o->verb->name);
  const blob *bytes = data_read(path);
  const char *shown = strcmp(path, "-") == 0 ? "<stdin>" : path;
  if (npy_is(bytes) || idx_is(bytes)) {
    d.x = npy_is(bytes) ? npy_read(shown, bytes) : idx_read(shown, bytes);
    if (target != NULL && target[0] != '@')
      die(STATUS_USAGE, "--target: %s has no named columns: give the targets as --target @FILE", shown);
  } else {
    if (ends_with(path, ".npy"))
      die(STATUS_FILE, "%s: not an .npy file (it does not start with \\x93NUMPY)", shown);
    read_table(&d, o, bytes, shown);
  }
  if (target != NULL && target[0] == '@') read_target(&d, target);
  data_free();
  d.rows = d.x.rank > 0 ? d.x.dims[0] : 0;
  if (d.rows == 0) die(STATUS_FILE, "%s: no samples", shown);
  if (d.x.count == 0) die(STATUS_FILE, "%s: samples of no numbers", shown);
  if (d.t.data != NULL && (d.t.rank == 0 || d.t.dims[0] != d.rows))
    die(STATUS_FILE, "--data has %zu samples, --target has %zu", d.rows, d.t.rank > 0 ? d.t.dims[0] : 1);
  cJSON *names = known_classes(known);
  if (names != NULL && d.classes > 0) renumber(&d, names, shown);
  cJSON_Delete(names);
  return d;
}

void dataset_free(dataset *d) {
  for (size_t i = 0; i < d->classes; i++) free(d->names[i]);
  free(d->names);
  for (size_t i = 0; i < d->width; i++) free(d->columns[i]);
  free(d->columns);
  tensor_free(&d->x);
  tensor_free(&d->t);
}

tensor dataset_take(const tensor *v, const size_t *order, size_t count) {
  size_t rows = v->dims[0], size = rows > 0 ? v->count / rows : 0;
  tensor z = *v;
  z.dims[0] = count;
  z.count = count * size;
  z.data = take(NULL, z.count, sizeof *z.data);
  for (size_t i = 0; i < count && size > 0; i++)
    memcpy(z.data + i * size, v->data + order[i] * size, size * sizeof *z.data);
  return z;
}
