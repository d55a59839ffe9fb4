/* What tools/po holds, compiled in: sorted by the English text. */
#ifndef DZ_CLI_CATALOGUE_H
#define DZ_CLI_CATALOGUE_H

#include <stddef.h>

typedef struct phrase {
  const char *language, *english, *text;
} phrase;

extern const phrase catalogue[];
extern const size_t catalogue_size;
extern const char *const languages[]; /* NULL ends */

#endif
