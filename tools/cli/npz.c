/* NumPy's .npz: a ZIP archive, by libzip, with an .npy file for each array. The notes are one more file in
   it, which NumPy gives back as bytes. */
#include "tensor_file.h"

#include <string.h>

bool npz_is(const blob *bytes) { return bytes->size >= 4 && memcmp(bytes->data, "PK\3\4", 4) == 0; }

#ifndef HAVE_LIBZIP

void npz_check(void) {
  die(STATUS_FILE, "this dz was built without libzip, which .npz needs: install it (apt install libzip-dev, "
                   "dnf install libzip-devel, brew install libzip) and build dz again, or use .safetensors");
}

void npz_read(tensor_file *f, const blob *bytes) { npz_check(); }

buffer npz_write(const tensor_file *f) {
  npz_check();
  return (buffer){0};
}

#else
#include "limits.h"

#include <zip.h>

#include <stdlib.h>

static const char notes_name[] = "notes.json";
enum { CHUNK = 1 << 16 };

void npz_check(void) {}

static _Noreturn void fail(const char *path, const char *what, zip_error_t *error) {
  die(STATUS_FILE, "%s: %s: %s", path, what, zip_error_strerror(error));
}

/* ---- writing ---- */

static void add_member(zip_t *z, const char *path, const char *name, const buffer *b) {
  zip_source_t *s = zip_source_buffer(z, b->text, b->size, 0);
  zip_int64_t at = s != NULL ? zip_file_add(z, name, s, ZIP_FL_ENC_UTF_8) : -1;
  if (at < 0) fail(path, "cannot make an .npz", zip_get_error(z));
  zip_set_file_compression(z, (zip_uint64_t)at, ZIP_CM_STORE, 0);
  zip_file_set_dostime(z, (zip_uint64_t)at, 0, 0x21, 0); /* 1980-01-01: the same parameters, the same bytes */
}

static buffer bytes_of(zip_source_t *s, const char *path) {
  buffer b = {0};
  char *chunk = take(NULL, CHUNK, 1);
  zip_int64_t n = 0;
  if (zip_source_open(s) != 0) fail(path, "cannot make an .npz", zip_source_error(s));
  while ((n = zip_source_read(s, chunk, CHUNK)) > 0) buffer_add(&b, chunk, (size_t)n);
  if (n < 0) fail(path, "cannot make an .npz", zip_source_error(s));
  zip_source_close(s);
  free(chunk);
  return b;
}

buffer npz_write(const tensor_file *f) {
  zip_error_t error;
  zip_error_init(&error);
  zip_source_t *s = zip_source_buffer_create(NULL, 0, 0, &error);
  zip_t *z = s != NULL ? zip_open_from_source(s, ZIP_TRUNCATE, &error) : NULL;
  if (z == NULL) fail(f->path, "cannot make an .npz", &error);
  zip_source_keep(s); /* zip_close gives its own hold away */
  buffer *parts = take(NULL, f->count + 1, sizeof *parts);
  for (size_t i = 0; i < f->count; i++) {
    buffer name = {0};
    buffer_text(&name, f->at[i].name);
    buffer_add(&name, ".npy", 5);
    parts[i] = npy_write(&f->at[i].value);
    add_member(z, f->path, name.text, &parts[i]);
    buffer_free(&name);
  }
  parts[f->count] = (buffer){0};
  if (f->notes != NULL) {
    cJSON *notes = cJSON_Duplicate(f->notes, true);
    if (notes == NULL) die(STATUS_LIMIT, "out of memory");
    parts[f->count] = json_line(notes);
    add_member(z, f->path, notes_name, &parts[f->count]);
  }
  if (zip_close(z) != 0) fail(f->path, "cannot make an .npz", zip_get_error(z));
  buffer b = bytes_of(s, f->path);
  zip_source_free(s);
  for (size_t i = 0; i <= f->count; i++) buffer_free(&parts[i]);
  free(parts);
  return b;
}

/* ---- reading ---- */

/* What the archive says of sizes is not believed: as many bytes as come. */
static buffer read_member(zip_t *z, zip_uint64_t at, const char *path, size_t *total) {
  buffer b = {0};
  char *chunk = take(NULL, CHUNK, 1);
  zip_int64_t n = 0;
  zip_file_t *m = zip_fopen_index(z, at, 0);
  if (m == NULL) fail(path, "damaged", zip_get_error(z));
  while ((n = zip_fread(m, chunk, CHUNK)) > 0) {
    buffer_add(&b, chunk, (size_t)n);
    limits_check_data(path, *total += (size_t)n);
  }
  if (n < 0) fail(path, "damaged", zip_file_get_error(m));
  zip_fclose(m);
  free(chunk);
  return b;
}

static void take_member(tensor_file *f, const char *name, const buffer *b) {
  size_t size = strlen(name), tail = sizeof ".npy" - 1;
  if (strcmp(name, notes_name) == 0 && f->notes == NULL) {
    f->notes = cJSON_ParseWithLength(b->text != NULL ? b->text : "", b->size);
    if (!cJSON_IsObject(f->notes)) die(STATUS_FILE, "%s: its %s is damaged", f->path, notes_name);
  }
  if (size <= tail || strcmp(name + size - tail, ".npy") != 0) return;
  blob bytes = {b->text, b->size};
  buffer shown = {0};
  buffer_text(&shown, f->path);
  buffer_text(&shown, ": ");
  buffer_add(&shown, name, size + 1);
  if (!npy_is(&bytes)) die(STATUS_FILE, "%s: not an .npy file", shown.text);
  tensor v = npy_read(shown.text, &bytes);
  char *bare = take_text(name, size - tail);
  if (tensor_file_find(f, bare) != NULL) die(STATUS_FILE, "%s: two arrays are called '%.60s'", f->path, bare);
  tensor_file_give(f, bare, size - tail, &v);
  free(bare);
  buffer_free(&shown);
}

void npz_read(tensor_file *f, const blob *bytes) {
  zip_error_t error;
  size_t total = 0;
  zip_error_init(&error);
  zip_source_t *s = zip_source_buffer_create(bytes->data, bytes->size, 0, &error);
  zip_t *z = s != NULL ? zip_open_from_source(s, ZIP_RDONLY | ZIP_CHECKCONS, &error) : NULL;
  if (z == NULL) fail(f->path, "not an .npz file, or a truncated one", &error);
  zip_int64_t count = zip_get_num_entries(z, 0);
  for (zip_int64_t i = 0; i < count; i++) {
    const char *name = zip_get_name(z, (zip_uint64_t)i, 0);
    if (name == NULL) fail(f->path, "damaged", zip_get_error(z));
    buffer b = read_member(z, (zip_uint64_t)i, f->path, &total);
    take_member(f, name, &b);
    buffer_free(&b);
  }
  zip_discard(z);
}
#endif
