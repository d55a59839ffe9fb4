#include "tensor.h"

#include "buffer.h"
#include "dz/lang.h"
#include "dz/text.h"
#include "limits.h"
#include "range.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void tensor_free(tensor *v) {
  free(v->data);
  *v = (tensor){0};
}

tensor tensor_of(dz_var x) {
  tensor v = {dz_rank(x), {0}, dz_size(x), NULL};
  for (int k = 0; k < v.rank; k++) v.dims[k] = dz_extent(x, k);
  v.data = take(NULL, v.count, sizeof *v.data);
  if (v.count > 0) memcpy(v.data, dz_values(x), v.count * sizeof *v.data);
  return v;
}

static bool word_is(const char *text, size_t size, const char *word) {
  for (size_t i = 0; i < size; i++) {
    char c = text[i];
    if (c >= 'A' && c <= 'Z') c = (char)(c - 'A' + 'a');
    if (c != word[i]) return false;
  }
  return word[size] == '\0';
}

cell_kind cell_read(const char *text, size_t size, double *x) {
  while (size > 0 && (text[0] == ' ' || text[0] == '\t')) text++, size--;
  while (size > 0 && (text[size - 1] == ' ' || text[size - 1] == '\t')) size--;
  if (size == 0) return CELL_EMPTY;
  bool minus = text[0] == '-';
  if (minus || text[0] == '+') text++, size--;
  dz_number_kind kind;
  size_t n = dz_number_read(text, size, x, &kind);
  if (n == 0 && (word_is(text, size, "inf") || word_is(text, size, "infinity")))
    *x = HUGE_VAL;
  else if (n == 0 && word_is(text, size, "nan"))
    *x = nan("");
  else if (n == 0 || n < size)
    return CELL_TEXT;
  else if (kind == DZ_NUMBER_OVERFLOW)
    return CELL_TOO_LARGE;
  if (minus) *x = -*x;
  return CELL_NUMBER;
}

static tensor from_expression(const char *name, const char *text) {
  char shown[80];
  dz_error error;
  snprintf(shown, sizeof shown, "<%s>", name);
  source s = {shown, take_text(text, strlen(text)), strlen(text)};
  dz_program *p = dz_program_parse(s.text, s.size, s.name, NULL, &error);
  if (p == NULL) die_at(&s, &error);
  for (size_t i = 0; i < dz_program_leaf_count(p); i++) {
    dz_program_leaf leaf = dz_program_leaf_at(p, i);
    if (leaf.constant) continue;
    error = (dz_error){DZ_ERR_NAME, leaf.line, leaf.column, "", "", ""};
    snprintf(error.message, sizeof error.message, "the value of %s must be a constant: what is '%s'?", name,
             leaf.name);
    die_at(&s, &error);
  }
  dz_tape *t = limits_tape();
  dz_var x = dz_program_record(p, t, 0);
  if (!dz_valid(x)) die_status(&s, dz_tape_error(t), DZ_ERR_SYNTAX);
  tensor v = tensor_of(x);
  note_value(name, t);
  dz_tape_free(t);
  dz_program_free(p);
  source_free(&s);
  return v;
}

/* `spec` is what follows '@': PATH or PATH:COLUMNS. A path that holds a colon itself is tried whole first. */
static tensor from_file(const char *name, const char *spec) {
  if (spec[0] == '\0') die(STATUS_USAGE, "%s=@ names no file", name);
  const char *colon = strrchr(spec, ':');
  FILE *whole = colon != NULL ? fopen(spec, "rb") : NULL;
  if (whole != NULL) {
    fclose(whole);
    colon = NULL;
  }
  char *path = take_text(spec, colon != NULL ? (size_t)(colon - spec) : strlen(spec));
  const blob *bytes = data_read(path);
  const char *shown = strcmp(path, "-") == 0 ? "<stdin>" : path;
  tensor v;
  if (npy_is(bytes)) {
    if (colon != NULL)
      die(STATUS_USAGE, "%s is an .npy file: columns can be chosen from a table in text only", shown);
    v = npy_read(shown, bytes);
  } else if (idx_is(bytes)) {
    if (colon != NULL)
      die(STATUS_USAGE, "%s is an IDX file: columns can be chosen from a table in text only", shown);
    v = idx_read(shown, bytes);
  } else if (ends_with(path, ".npy")) {
    die(STATUS_FILE, "%s: not an .npy file (it does not start with \\x93NUMPY)", shown);
  } else {
    v = csv_read(shown, bytes, colon != NULL ? colon + 1 : NULL);
  }
  free(path);
  return v;
}

tensor tensor_read(const char *name, const char *text) {
  while (*text == ' ') text++;
  if (*text == '\0') die(STATUS_USAGE, "%s= has no value", name);
  if (*text == '@') return from_file(name, text + 1);
  if (range_is(text)) die(STATUS_USAGE, "%s=%s is a range: ranges are for plot and grade", name, text);
  return from_expression(name, text);
}
