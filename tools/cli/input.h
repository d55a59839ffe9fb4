/* Files and standard input, read whole. */
#ifndef DZ_CLI_INPUT_H
#define DZ_CLI_INPUT_H

#include "message.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct blob {
  char *data; /* NULL when there is nothing */
  size_t size;
} blob;

/* The program that `argument` means: the text itself, the file when it ends in .dz, standard input for "-".
   Free it with source_free. Ends the program when the file cannot be read. */
source source_read(const char *argument);
void source_free(source *s);

/* A file's bytes, or standard input's for "-" (read once and kept, so that several bindings may share it).
   What does not start like an .npy or IDX file must be text: a NUL byte ends the program. */
const blob *data_read(const char *path);
/* A file's bytes, whatever they are; free the blob's data. */
blob bytes_read(const char *path);
/* Frees what data_read has kept. */
void data_free(void);

bool ends_with(const char *text, const char *end);

#endif
