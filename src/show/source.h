/* The program's text, to find where a node stands in it. */
#ifndef DZ_SHOW_SOURCE_H
#define DZ_SHOW_SOURCE_H

#include "show/trace.h"

enum { DZ__MOST_WORD = 64 };

typedef struct dz__source {
  const char *text; /* NULL: none, and all answers below are NULL */
  const char **line;
  size_t lines;
} dz__source;

/* Finds the lines. False when memory is out; nothing is to be freed then. */
bool dz__source_read(const char *text, const dz_allocator *a, dz__source *source);
void dz__source_free(dz__source *source, const dz_allocator *a);

/* Where the statement begins in which a node stands: a line, or what is between semicolons. */
const char *dz__statement_of(const dz__source *source, const dz__seen *s);
/* f of `f(x, y) = …`, where the node stands in the body of a function. */
const char *dz__defined_at(const dz__source *source, const dz__seen *s, size_t *size);
/* The word at the node's place: the function that was called there. */
const char *dz__called_at(const dz__source *source, const dz__seen *s, size_t *size);

#endif
