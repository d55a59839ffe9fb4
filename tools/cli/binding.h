/* Arguments of the form NAME=VALUE. */
#ifndef DZ_CLI_BINDING_H
#define DZ_CLI_BINDING_H

#include "tensor.h"

typedef struct binding {
  char *name; /* as the language spells it: full-width letters are ASCII, and so on */
  tensor value;
} binding;

typedef struct bindings {
  binding *at;
  size_t count;
} bindings;

/* Whether the argument is NAME=VALUE (and not NAME==VALUE): its name then, to be freed, and the value's text.
   NULL otherwise. */
char *binding_name(const char *argument, const char **text);

/* Ends the program when an argument is no binding, a name comes twice, or a value cannot be read. */
bindings bindings_read(const char *const *arguments, size_t count);
const binding *bindings_find(const bindings *b, const char *name);
void bindings_free(bindings *b);

/* A name as the language spells it, to be freed; NULL when it is no name. */
char *name_read(const char *text, size_t size);

#endif
