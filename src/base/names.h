/* A table of names: text to number, over uthash; this is the only module that includes it. */
#ifndef DZ_BASE_NAMES_H
#define DZ_BASE_NAMES_H

#include "base/memory.h"

typedef struct dz__name {
  uint32_t value; /* what the user of the table keeps under it: a node, a definition, … */
  uint32_t size;
  const char *text; /* NUL-terminated, owned by the table */
} dz__name;

enum { DZ__SPARES = 16 };

typedef struct dz__names {
  dz_allocator alloc;
  struct dz__entry *by_text;            /* hash heads */
  struct dz__entry *by_value;           /* the first name given to a value */
  struct dz__entry *top;                /* heap: no entry has a larger value */
  struct dz__spare *spares[DZ__SPARES]; /* small blocks to use again, by size */
  size_t bytes;                         /* held, spares included */
} dz__names;

void dz__names_init(dz__names *names, const dz_allocator *a);
void dz__names_free(dz__names *names);

/* False when memory is out; the table is as before then. The name must not be there yet. */
bool dz__names_add(dz__names *names, const char *text, size_t size, uint32_t value);
/* NULL when it is not there. */
const dz__name *dz__names_find(const dz__names *names, const char *text, size_t size);
/* The first name given to this value, or NULL. */
const dz__name *dz__names_of(const dz__names *names, uint32_t value);
/* Removes every name whose value is `from` or more. Cost: O(log n) for each name removed, and O(1) when there
 * is none. */
void dz__names_drop(dz__names *names, uint32_t from);
/* Bytes held, the hash tables' own included. Cost O(1). */
size_t dz__names_bytes(const dz__names *names);

/* The name nearest to a misspelt one by edit distance (at most 2, and less than half its length), or NULL.
   `each(user, i)` lists the candidates until it returns NULL; an earlier one wins a tie. Inserting, dropping
   or changing a byte and swapping two neighbours cost 1 each, writing a word with other ASCII capitals 1/2. A
   candidate that is the text itself is no correction and is passed over. */
const char *dz__nearest(const char *text, size_t size, const char *(*each)(void *user, size_t i), void *user);

#endif
