#include "binding.h"

#include "buffer.h"
#include "dz/lang.h"
#include "options.h"
#include "suggest.h"

#include <stdlib.h>
#include <string.h>

/* Whether the text could be a name: the language itself decides on what is not ASCII. */
static bool like_name(const char *text, size_t size) {
  for (size_t i = 0; i < size; i++) {
    unsigned char c = (unsigned char)text[i];
    bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c >= 0x80;
    if (!letter && (i == 0 || c < '0' || c > '9')) return false;
  }
  return size > 0;
}

char *name_read(const char *text, size_t size) {
  while (size > 0 && text[0] == ' ') text++, size--;
  while (size > 0 && text[size - 1] == ' ') size--;
  if (!like_name(text, size)) return NULL;
  buffer b = {0};
  char *name = NULL;
  buffer_add(&b, text, size);
  buffer_text(&b, " = 0");
  dz_error error;
  dz_program *p = dz_program_parse(b.text, b.size, "name", NULL, &error);
  if (p == NULL && error.status == DZ_ERR_MEMORY) die_status(NULL, &error, error.status);
  if (dz_program_definition(p, 0) != NULL)
    name = take_text(dz_program_definition(p, 0), strlen(dz_program_definition(p, 0)));
  dz_program_free(p);
  buffer_free(&b);
  return name;
}

char *binding_name(const char *argument, const char **text) {
  const char *equals = strchr(argument, '=');
  if (equals == NULL || equals[1] == '=') return NULL;
  *text = equals + 1;
  return name_read(argument, (size_t)(equals - argument));
}

static _Noreturn void no_binding(const char *argument) {
  const char *flag = NULL, *equals = strchr(argument, '=');
  if (argument[0] == '-') {
    char *longer = take(NULL, strlen(argument) + 2, 1);
    longer[0] = '-';
    memcpy(longer + 1, argument, strlen(argument) + 1);
    flag = flag_like(longer);
  }
  if (flag != NULL) die(STATUS_USAGE, "'%s' is not NAME=VALUE: did you mean '%s'?", argument, flag);
  if (equals != NULL && like_name(argument, (size_t)(equals - argument)) && equals[1] != '=')
    die(STATUS_USAGE, "'%s': '%.*s' cannot be given a value: the language keeps that name", argument,
        (int)(equals - argument), argument);
  die(STATUS_USAGE,
      "'%s' is not NAME=VALUE: the expression comes first, in quotes, then a value for each name", argument);
}

bindings bindings_read(const char *const *arguments, size_t count) {
  bindings b = {take(NULL, count, sizeof *b.at), 0};
  for (size_t i = 0; i < count; i++) {
    const char *text;
    char *name = binding_name(arguments[i], &text);
    if (name == NULL) no_binding(arguments[i]);
    if (bindings_find(&b, name) != NULL) die(STATUS_USAGE, "'%s' is given a value twice", name);
    b.at[b.count] = (binding){name, tensor_read(name, text)};
    b.count++;
  }
  data_free();
  return b;
}

const binding *bindings_find(const bindings *b, const char *name) {
  for (size_t i = 0; i < b->count; i++)
    if (strcmp(b->at[i].name, name) == 0) return &b->at[i];
  return NULL;
}

void bindings_free(bindings *b) {
  for (size_t i = 0; i < b->count; i++) {
    free(b->at[i].name);
    tensor_free(&b->at[i].value);
  }
  free(b->at);
}
