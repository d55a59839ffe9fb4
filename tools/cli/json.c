#include "json.h"

#include "buffer.h"
#include "message.h"

#include <math.h>
#include <string.h>

static cJSON *made(cJSON *item) {
  if (item == NULL) die(STATUS_LIMIT, "out of memory");
  return item;
}

cJSON *json_object(void) { return made(cJSON_CreateObject()); }
cJSON *json_array(void) { return made(cJSON_CreateArray()); }
cJSON *json_text(const char *text) {
  return made(text != NULL ? cJSON_CreateString(text) : cJSON_CreateNull());
}

static cJSON *raw(buffer *b) {
  buffer_add(b, "", 1);
  cJSON *item = made(cJSON_CreateRaw(b->text));
  buffer_free(b);
  return item;
}

static void add_number(buffer *b, double x) {
  if (!isfinite(x)) buffer_text(b, "\"");
  buffer_number(b, x, 0);
  if (x == 0 && signbit(x)) buffer_text(b, ".0"); /* -0 would be read as a whole number, which has no sign */
  if (!isfinite(x)) buffer_text(b, "\"");
}

cJSON *json_number(double x) {
  buffer b = {0};
  add_number(&b, x);
  return raw(&b);
}

cJSON *json_whole(size_t n) {
  buffer b = {0};
  buffer_whole(&b, n);
  return raw(&b);
}

/* Recursion is over axes, of which there are at most DZ_MAX_RANK. Returns the elements written. */
static const double *add_tensor(buffer *b, int rank, const size_t *dims, const double *values) {
  if (rank == 0) {
    add_number(b, *values);
    return values + 1;
  }
  buffer_text(b, "[");
  for (size_t i = 0; i < dims[0]; i++) {
    if (i > 0) buffer_text(b, ",");
    values = add_tensor(b, rank - 1, dims + 1, values);
  }
  buffer_text(b, "]");
  return values;
}

cJSON *json_tensor(int rank, const size_t *dims, const double *values) {
  buffer b = {0};
  add_tensor(&b, rank, dims, values);
  return raw(&b);
}

cJSON *json_notes(const dz_tape *t) {
  cJSON *notes = json_array();
  for (size_t i = 0; i < note_count(t); i++) {
    const dz_note n = note_at(t, i);
    cJSON *note = json_object();
    json_put(note, "kind", json_text(n.kind));
    json_put(note, "op", json_text(n.op));
    json_put(note, "line", json_whole((size_t)n.line));
    json_put(note, "column", json_whole((size_t)n.column));
    json_put(note, "message", json_text(n.message));
    json_push(notes, note);
  }
  return notes;
}

void json_put(cJSON *object, const char *key, cJSON *item) {
  if (!cJSON_AddItemToObject(object, key, item)) die(STATUS_LIMIT, "out of memory");
}

void json_push(cJSON *array, cJSON *item) {
  if (!cJSON_AddItemToArray(array, item)) die(STATUS_LIMIT, "out of memory");
}

buffer json_line(cJSON *object) {
  buffer b = {0};
  char *text = cJSON_PrintUnformatted(object);
  cJSON_Delete(object);
  if (text == NULL) die(STATUS_LIMIT, "out of memory");
  bool quoted = false;
  for (const char *p = text; *p != '\0'; p++) {
    buffer_add(&b, p, 1);
    if (quoted && *p == '\\')
      buffer_add(&b, ++p, 1);
    else if (*p == '"')
      quoted = !quoted;
    else if (!quoted && (*p == ',' || *p == ':'))
      buffer_text(&b, " ");
  }
  cJSON_free(text);
  return b;
}

void json_print(cJSON *object) {
  buffer b = json_line(object);
  buffer_text(&b, "\n");
  output(&b);
  buffer_free(&b);
}
