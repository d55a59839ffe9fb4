/* The prelude's text, taken apart: a program holds those of its functions that it may call. */
#ifndef DZ_LANG_PRELUDE_H
#define DZ_LANG_PRELUDE_H

#include <stdbool.h>
#include <stddef.h>

/* Made from src/derive/prelude.dz. */
extern const char dz__prelude_text[];
extern const size_t dz__prelude_text_size;

/* The i-th public name of the prelude, in the order of the text; NULL past the last. */
const char *dz__prelude_name(size_t i);

/* One definition: the name begins it. */
typedef struct dz__part {
  const char *at;
  size_t name, size; /* bytes of the name, and of the whole */
  bool wanted;
} dz__part;

enum { DZ__MOST_PARTS = 128 }; /* a test holds that the prelude has fewer */

/* Takes the prelude apart, in the order of the text. Wanted are the functions whose names stand anywhere in
   the given text, and those that they call; all where the text is NULL. Returns how many parts there are.
   Cost: one look at the prelude, and at each name of the text. */
size_t dz__prelude_parts(const char *text, size_t size, dz__part parts[DZ__MOST_PARTS]);

#endif
