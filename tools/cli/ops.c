/* dz ops: the tables of operations as a reference manual. */
#include "dz/ops.h"
#include "buffer.h"
#include "dz/lang.h"
#include "json.h"
#include "message.h"
#include "suggest.h"
#include "verbs.h"

#include <string.h>

static const char *formula(const dz_op_info *op) { return op->value != NULL ? op->value : op->note; }

static void add_column(buffer *b, const char *text, size_t width) {
  size_t n = strlen(text);
  buffer_text(b, text);
  if (n < width) buffer_pad(b, width - n);
}

static void add_aliases(buffer *b, size_t i) {
  for (size_t k = 0; dz_op_alias(i, k) != NULL; k++) {
    if (k > 0) buffer_text(b, " ");
    buffer_text(b, dz_op_alias(i, k));
  }
}

static void add_names(buffer *b, size_t i) {
  buffer_text(b, dz_op_at(i).name);
  if (dz_op_alias(i, 0) != NULL) buffer_text(b, " ");
  add_aliases(b, i);
}

/* Functions that are in no table: the prelude's. */
static void add_others(buffer *b) {
  size_t others = 0;
  for (size_t i = 0; dz_function_name(i) != NULL; i++) {
    if (dz_op_find(dz_function_name(i)) < dz_op_count()) continue;
    buffer_text(b, others++ == 0 ? "and, made of these: " : ", ");
    buffer_text(b, dz_function_name(i));
  }
  if (others > 0) buffer_text(b, "\n");
}

static void list(void) {
  buffer b = {0}, names = {0};
  size_t width = 0;
  for (size_t i = 0; i < dz_op_count(); i++) {
    names.size = 0;
    add_names(&names, i);
    width = names.size > width ? names.size : width;
  }
  width = width > 24 ? 24 : width;
  for (size_t i = 0; i < dz_op_count(); i++) {
    dz_op_info op = dz_op_at(i);
    names.size = 0;
    add_names(&names, i);
    buffer_add(&b, names.text, names.size);
    buffer_pad(&b, names.size < width ? width - names.size : 0);
    buffer_text(&b, "  ");
    buffer_text(&b, formula(&op));
    buffer_text(&b, "\n");
  }
  add_others(&b);
  output(&b);
  buffer_free(&b);
  buffer_free(&names);
}

/* The hard points of an operation or function, one line each. */
static void add_points(buffer *b, const char *name) {
  bool first = true;
  for (size_t i = 0; i < dz_boundary_count(); i++) {
    dz_boundary p = dz_boundary_at(i);
    if (strcmp(p.op, name) != 0) continue;
    add_column(b, first ? "at" : "", 9);
    const char *const parts[] = {p.point, " (", p.kind, "): ", p.answer, "\n"};
    for (size_t k = 0; k < sizeof parts / sizeof *parts; k++) buffer_text(b, parts[k]);
    first = false;
  }
}

static cJSON *points_json(const char *name) {
  cJSON *points = json_array();
  for (size_t i = 0; i < dz_boundary_count(); i++) {
    dz_boundary p = dz_boundary_at(i);
    if (strcmp(p.op, name) != 0) continue;
    cJSON *point = json_object();
    json_put(point, "kind", json_text(p.kind));
    json_put(point, "at", json_text(p.point));
    json_put(point, "answer", json_text(p.answer));
    json_push(points, point);
  }
  return points;
}

static void tell(size_t i, const dz_op_info *op) {
  static const char *const partials[] = {"dz/dx", "dz/dy", "dz/dw"};
  static const char *const signatures[] = {"x", "x, y", "x, y, w"};
  buffer b = {0};
  bool pointwise = op->value != NULL;
  add_column(&b, "name", 9);
  buffer_text(&b, op->name);
  if (pointwise && op->arity >= 1 && op->arity <= 3) {
    buffer_text(&b, "(");
    buffer_text(&b, signatures[op->arity - 1]);
    buffer_text(&b, ")");
  }
  buffer_text(&b, "\n");
  if (dz_op_alias(i, 0) != NULL) {
    add_column(&b, "also", 9);
    add_aliases(&b, i);
    buffer_text(&b, "\n");
  }
  if (pointwise) {
    add_column(&b, "z", 9);
    buffer_text(&b, op->value);
    buffer_text(&b, "\n");
  }
  for (int k = 0; k < 3; k++) {
    if (op->partial[k] == NULL) continue;
    add_column(&b, partials[k], 9);
    buffer_text(&b, op->partial[k]);
    buffer_text(&b, "\n");
  }
  if (op->note != NULL) {
    add_column(&b, "note", 9);
    buffer_text(&b, op->note);
    buffer_text(&b, "\n");
  }
  add_points(&b, op->name);
  output(&b);
  buffer_free(&b);
}

static cJSON *op_json(size_t i, const dz_op_info *op) {
  cJSON *object = json_object(), *aliases = json_array(), *partials = json_array();
  for (size_t k = 0; dz_op_alias(i, k) != NULL; k++) json_push(aliases, json_text(dz_op_alias(i, k)));
  for (int k = 0; k < 3 && op->partial[k] != NULL; k++) json_push(partials, json_text(op->partial[k]));
  json_put(object, "name", json_text(op->name));
  json_put(object, "aliases", aliases);
  json_put(object, "arity", json_whole((size_t)op->arity));
  json_put(object, "most", json_whole((size_t)op->most));
  json_put(object, "value", json_text(op->value));
  json_put(object, "partials", partials);
  json_put(object, "note", json_text(op->note));
  json_put(object, "low", json_number(op->low));
  json_put(object, "high", json_number(op->high));
  json_put(object, "points", points_json(op->name));
  return object;
}

static int list_json(void) {
  cJSON *object = json_object(), *ops = json_array();
  for (size_t i = 0; i < dz_op_count(); i++) {
    dz_op_info op = dz_op_at(i);
    json_push(ops, op_json(i, &op));
  }
  json_put(object, "ops", ops);
  json_print(object);
  return STATUS_DONE;
}

/* What is said of a function that is in no table. */
static const char *note_of(const char *name) {
  static const char *const own[][2] = {{"rank", "rank(x): how many axes x has"},
                                       {"extent", "extent(x, axis): how many elements x has along the axis"},
                                       {"positions", "positions(x, axis): 0, 1, 2, ... along the axis of x"}};
  for (size_t i = 0; i < sizeof own / sizeof *own; i++)
    if (strcmp(own[i][0], name) == 0) return own[i][1];
  return "a function made of the operations that dz ops lists";
}

/* Its definition, line by line, each after the first below it. */
static void add_text(buffer *b, const char *text, size_t size) {
  if (text == NULL) return;
  buffer_text(b, "text     ");
  for (size_t i = 0; i < size; i++) {
    buffer_add(b, text + i, 1);
    if (text[i] == '\n') buffer_pad(b, 9);
  }
  buffer_text(b, "\n");
}

static bool told_function(const char *name, bool json) {
  size_t i = 0, size;
  while (dz_function_name(i) != NULL && strcmp(dz_function_name(i), name) != 0) i++;
  if (dz_function_name(i) == NULL) return false;
  const char *text = dz_function_text(name, &size);
  buffer b = {0};
  if (json) {
    cJSON *object = json_object();
    json_put(object, "name", json_text(name));
    json_put(object, "note", json_text(note_of(name)));
    json_put(object, "points", points_json(name));
    buffer_add(&b, text != NULL ? text : "", size);
    buffer_add(&b, "", 1);
    json_put(object, "text", json_text(text != NULL ? b.text : NULL));
    json_print(object);
    buffer_free(&b);
    return true;
  }
  const char *const parts[] = {"name     ", name, "\nnote     ", note_of(name), "\n"};
  for (size_t k = 0; k < sizeof parts / sizeof *parts; k++) buffer_text(&b, parts[k]);
  add_text(&b, text, size);
  add_points(&b, name);
  output(&b);
  buffer_free(&b);
  return true;
}

static _Noreturn void unknown(const char *name) {
  char hint[128];
  suggestion s = suggest(name);
  for (size_t i = 0; dz_function_name(i) != NULL; i++) suggest_name(&s, dz_function_name(i));
  die(STATUS_USAGE, "unknown operation '%s'%s", name,
      s.best != NULL ? suggest_text(&s, hint) : ": dz ops lists them");
}

int verb_ops(const options *o) {
  if (o->count > 1) die(STATUS_USAGE, "dz ops takes one name, '%s' came too", o->words[1]);
  if (o->count == 0 && o->json) return list_json();
  if (o->count == 0) {
    list();
    return STATUS_DONE;
  }
  size_t i = dz_op_find(o->words[0]);
  if (i == dz_op_count() && told_function(o->words[0], o->json)) return STATUS_DONE;
  if (i == dz_op_count()) unknown(o->words[0]);
  dz_op_info op = dz_op_at(i);
  if (o->json)
    json_print(op_json(i, &op));
  else
    tell(i, &op);
  return STATUS_DONE;
}
