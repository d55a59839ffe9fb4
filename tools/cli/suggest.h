/* The nearest of several names, for "did you mean". */
#ifndef DZ_CLI_SUGGEST_H
#define DZ_CLI_SUGGEST_H

#include <stddef.h>

typedef struct suggestion {
  const char *word; /* what was typed */
  const char *best; /* NULL: nothing is near */
  size_t distance;
} suggestion;

suggestion suggest(const char *word);
/* Offers one name; NULL is passed over. */
void suggest_name(suggestion *s, const char *name);

/* ": did you mean 'NAME'?", or "" when nothing is near; `out` holds at least 128 bytes. */
const char *suggest_text(const suggestion *s, char out[128]);

#endif
