#include "tensor_file.h"

#include "file.h"

#include <stdlib.h>
#include <string.h>

/* ---- what it holds ---- */

void tensor_file_give(tensor_file *f, const char *name, size_t size, tensor *v) {
  f->at = take(f->at, f->count + 1, sizeof *f->at);
  f->at[f->count++] = (tensor_entry){take_text(name, size), *v};
  *v = (tensor){0};
}

void tensor_file_add(tensor_file *f, const char *name, int rank, const size_t *dims, const double *values) {
  tensor v = {.rank = rank, .count = 1};
  for (int k = 0; k < rank; k++) v.count *= v.dims[k] = dims[k];
  v.data = take(NULL, v.count, sizeof *v.data);
  if (v.count > 0) memcpy(v.data, values, v.count * sizeof *v.data);
  tensor_file_give(f, name, strlen(name), &v);
}

void tensor_file_note(tensor_file *f, const char *key, const char *text) {
  if (f->notes == NULL) f->notes = json_object();
  json_put(f->notes, key, json_text(text));
}

const tensor *tensor_file_find(const tensor_file *f, const char *name) {
  for (size_t i = 0; i < f->count; i++)
    if (strcmp(f->at[i].name, name) == 0) return &f->at[i].value;
  return NULL;
}

const char *tensor_file_noted(const tensor_file *f, const char *key) {
  return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(f->notes, key));
}

void tensor_file_free(tensor_file *f) {
  for (size_t i = 0; i < f->count; i++) {
    free(f->at[i].name);
    tensor_free(&f->at[i].value);
  }
  free(f->at);
  cJSON_Delete(f->notes);
  *f = (tensor_file){0};
}

/* ---- to and from the disk ---- */

static bool is_npz(const char *path) { return ends_with(path, ".npz"); }

void tensor_file_check(const char *path) {
  if (is_npz(path)) npz_check();
  file_check(path);
}

tensor_file tensor_file_read(const char *path) {
  tensor_file f = {.path = path};
  blob bytes = bytes_read(path);
  if (npz_is(&bytes) || is_npz(path))
    npz_read(&f, &bytes);
  else
    safetensors_read(&f, &bytes);
  free(bytes.data);
  return f;
}

void tensor_file_write(const tensor_file *f) {
  buffer b = is_npz(f->path) ? npz_write(f) : safetensors_write(f);
  file_write(f->path, &b);
  buffer_free(&b);
}
