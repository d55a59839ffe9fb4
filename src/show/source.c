#include "show/source.h"

#include <string.h>

bool dz__source_read(const char *text, const dz_allocator *a, dz__source *source) {
  *source = (dz__source){.text = text};
  if (!text) return true;
  source->lines = 1;
  for (const char *at = text; (at = strchr(at, '\n')) != NULL; at++) source->lines++;
  source->line = dz__alloc(a, source->lines * sizeof *source->line);
  if (!source->line) return false;
  for (size_t k = 0; k < source->lines; k++) {
    source->line[k] = text;
    text = strchr(text, '\n');
    if (text) text++;
  }
  return true;
}

void dz__source_free(dz__source *source, const dz_allocator *a) {
  dz__free(a, source->line, source->lines * sizeof *source->line);
  *source = (dz__source){0};
}

/* The beginning of a node's line, and its place there: columns count characters from 1. */
static const char *place_of(const dz__source *source, const dz__seen *s, const char **from) {
  if (!source->text || s->is.line < 1 || (size_t)s->is.line > source->lines) return NULL;
  const char *at = *from = source->line[s->is.line - 1];
  for (int k = 1; *at && *at != '\n' && k < s->is.column; at++) k += ((unsigned char)at[1] & 0xC0) != 0x80;
  return at;
}

static bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         (unsigned char)c >= 0x80;
}

static size_t word_at(const char *text) {
  size_t n = 0;
  while (n < DZ__MOST_WORD && is_word(text[n])) n++;
  return n;
}

const char *dz__statement_of(const dz__source *source, const dz__seen *s) {
  const char *from = NULL, *at = place_of(source, s, &from);
  while (at && at > from && at[-1] != ';') at--;
  while (at && *at == ' ') at++;
  return at;
}

const char *dz__defined_at(const dz__source *source, const dz__seen *s, size_t *size) {
  const char *at = dz__statement_of(source, s), *end;
  if (!at) return NULL;
  *size = word_at(at);
  if (*size == 0 || at[*size] != '(') return NULL;
  end = at + strcspn(at, ")\n");
  if (*end != ')') return NULL;
  end++;
  while (*end == ' ') end++;
  return end[0] == '=' && end[1] != '=' ? at : NULL;
}

const char *dz__called_at(const dz__source *source, const dz__seen *s, size_t *size) {
  const char *from = NULL, *at = place_of(source, s, &from);
  *size = at ? word_at(at) : 0;
  return *size ? at : NULL;
}
