/* Files that dz writes: whole or not at all. */
#ifndef DZ_CLI_FILE_H
#define DZ_CLI_FILE_H

#include "buffer.h"

/* Ends the program with status 3 when nothing can be written at `path`: it is no ordinary file, or its folder
   is not there. For verbs that work long before they write. */
void file_check(const char *path);

/* Writes the bytes to an open file, which messages call `path`. Ends the program with status 3 when it
 * cannot. */
void file_put(const char *path, int file, const buffer *b);

/* Puts the bytes at `path`, which stays as it was unless all goes well; follows a symbolic link. Ends the
   program with status 3 when it cannot. */
void file_write(const char *path, const buffer *b);

#endif
