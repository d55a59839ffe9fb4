/* Text that grows, and the one way by which results leave: whole, checked, to standard output. */
#ifndef DZ_CLI_BUFFER_H
#define DZ_CLI_BUFFER_H

#include <stddef.h>

typedef struct buffer {
  char *text; /* not NUL-terminated; NULL while empty */
  size_t size, room;
} buffer;

/* realloc(old, count * size) that never fails: it ends the program with status 4 instead. */
void *take(void *old, size_t count, size_t size);
/* A NUL-terminated copy of size bytes; free it. */
char *take_text(const char *text, size_t size);

void buffer_add(buffer *b, const char *text, size_t size);
void buffer_text(buffer *b, const char *text);
void buffer_pad(buffer *b, size_t count); /* that many spaces */
void buffer_whole(buffer *b, size_t n);
void buffer_number(buffer *b, double x, int digits);        /* digits as dz_number_write takes them */
void buffer_shape(buffer *b, int rank, const size_t *dims); /* [150, 2] */
/* Numbers as eight bytes each, least byte first, whatever the machine's order. */
void buffer_doubles(buffer *b, const double *x, size_t count);
void buffer_free(buffer *b);

/* Writes to standard output; ends the program with status 3 when that fails. */
void output(const buffer *b);

#endif
