/* safetensors: a JSON header, then the numbers. */
#include "tensor_file.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static const char notes_key[] = "__metadata__";

/* ---- writing ---- */

static cJSON *entry_json(const tensor *v, size_t *at) {
  cJSON *entry = json_object(), *shape = json_array(), *offsets = json_array();
  json_put(entry, "dtype", json_text("F64"));
  for (int k = 0; k < v->rank; k++) json_push(shape, json_whole(v->dims[k]));
  json_put(entry, "shape", shape);
  json_push(offsets, json_whole(*at));
  *at += 8 * v->count;
  json_push(offsets, json_whole(*at));
  json_put(entry, "data_offsets", offsets);
  return entry;
}

/* Least byte first, whatever the machine's order. */
static void add_bits(buffer *b, uint64_t bits) {
  char s[8];
  for (int i = 0; i < 8; i++) s[i] = (char)(unsigned char)(bits >> 8 * i);
  buffer_add(b, s, sizeof s);
}

buffer safetensors_write(const tensor_file *f) {
  buffer b = {0};
  cJSON *header = json_object();
  size_t at = 0;
  if (f->notes != NULL) json_put(header, notes_key, cJSON_Duplicate(f->notes, true));
  for (size_t i = 0; i < f->count; i++) json_put(header, f->at[i].name, entry_json(&f->at[i].value, &at));
  buffer text = json_line(header);
  buffer_pad(&text, (8 - text.size % 8) % 8);
  add_bits(&b, text.size);
  buffer_add(&b, text.text, text.size);
  for (size_t i = 0; i < f->count; i++) buffer_doubles(&b, f->at[i].value.data, f->at[i].value.count);
  buffer_free(&text);
  return b;
}

/* ---- reading ---- */

static uint64_t bits_at(const char *s, size_t width) {
  uint64_t bits = 0;
  for (size_t i = width; i-- > 0;) bits = bits << 8 | (unsigned char)s[i];
  return bits;
}

static double number_at(const char *s, size_t width) {
  if (width == 8) {
    uint64_t bits = bits_at(s, 8);
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
  }
  uint32_t bits = (uint32_t)bits_at(s, 4);
  float x;
  memcpy(&x, &bits, sizeof x);
  return (double)x;
}

/* A whole number that the header holds; false when it is none. */
static bool whole(const cJSON *item, size_t *n) {
  if (!cJSON_IsNumber(item)) return false;
  double x = item->valuedouble;
  if (!(x >= 0 && x <= 0x1p52) || floor(x) < x) return false;
  *n = (size_t)x;
  return true;
}

static size_t width_of(const tensor_file *f, const cJSON *entry) {
  const char *dtype = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(entry, "dtype"));
  if (dtype != NULL && strcmp(dtype, "F64") == 0) return 8;
  if (dtype != NULL && strcmp(dtype, "F32") == 0) return 4;
  die(STATUS_FILE, "%s: '%.60s' has dtype %.20s: F64 and F32 are read", f->path, entry->string,
      dtype != NULL ? dtype : "none");
}

/* One tensor, in `size` bytes of data. *used adds up the bytes that tensors take. */
static tensor read_entry(const tensor_file *f, const cJSON *entry, const char *data, size_t size,
                         size_t *used) {
  const cJSON *shape = cJSON_GetObjectItemCaseSensitive(entry, "shape"), *extent;
  const cJSON *offsets = cJSON_GetObjectItemCaseSensitive(entry, "data_offsets");
  size_t width = width_of(f, entry), from, to;
  tensor v = {.count = 1};
  if (!cJSON_IsArray(shape) || cJSON_GetArraySize(shape) > DZ_MAX_RANK)
    die(STATUS_FILE, "%s: '%.60s' has no shape of at most %d axes", f->path, entry->string, DZ_MAX_RANK);
  if (cJSON_GetArraySize(offsets) != 2 || !whole(cJSON_GetArrayItem(offsets, 0), &from) ||
      !whole(cJSON_GetArrayItem(offsets, 1), &to) || from > to || to > size)
    die(STATUS_FILE, "%s: '%.60s' claims data that are not there: the file is truncated or damaged", f->path,
        entry->string);
  bool fits = true;
  cJSON_ArrayForEach(extent, shape) {
    size_t n = 0;
    fits = fits && whole(extent, &n) && (n == 0 || v.count <= (to - from) / n);
    v.dims[v.rank++] = n;
    v.count = fits ? v.count * n : 0;
  }
  if (!fits || v.count > (to - from) / width || v.count * width != to - from)
    die(STATUS_FILE, "%s: the shape of '%.60s' does not fit its %zu bytes", f->path, entry->string,
        to - from);
  v.data = take(NULL, v.count, sizeof *v.data);
  for (size_t i = 0; i < v.count; i++) v.data[i] = number_at(data + from + i * width, width);
  *used += to - from;
  return v;
}

static void read_header(tensor_file *f, const cJSON *header, const char *data, size_t size) {
  const cJSON *entry;
  size_t used = 0;
  if (!cJSON_IsObject(header)) die(STATUS_FILE, "%s: its header is damaged: it is no JSON object", f->path);
  cJSON_ArrayForEach(entry, header) {
    if (strcmp(entry->string, notes_key) == 0) {
      if (f->notes == NULL && (f->notes = cJSON_Duplicate(entry, true)) == NULL)
        die(STATUS_LIMIT, "out of memory");
      continue;
    }
    if (tensor_file_find(f, entry->string) != NULL)
      die(STATUS_FILE, "%s: two tensors are called '%.60s'", f->path, entry->string);
    tensor v = read_entry(f, entry, data, size, &used);
    tensor_file_give(f, entry->string, strlen(entry->string), &v);
  }
  if (used != size) die(STATUS_FILE, "%s: its tensors take %zu bytes, %zu are there", f->path, used, size);
}

void safetensors_read(tensor_file *f, const blob *bytes) {
  uint64_t length = bytes->size >= 8 ? bits_at(bytes->data, 8) : 0;
  if (bytes->size < 8 || length > bytes->size - 8 || length < 2 || bytes->data[8] != '{')
    die(STATUS_FILE, "%s: not a safetensors file, or a truncated one", f->path);
  cJSON *header = cJSON_ParseWithLength(bytes->data + 8, (size_t)length);
  if (header == NULL) die(STATUS_FILE, "%s: its header is damaged: it is no JSON", f->path);
  read_header(f, header, bytes->data + 8 + length, bytes->size - 8 - (size_t)length);
  cJSON_Delete(header);
}
