/* What the command line refuses to go beyond, and how --limit moves it. */
#ifndef DZ_CLI_LIMITS_H
#define DZ_CLI_LIMITS_H

#include "dz/dz.h"

/* --limit NAME=NUMBER. Ends the program with status 2 when it cannot be. */
void limits_read(const char *words);

/* Ends the program with status 4 when data of so many bytes, from what is called `name`, are too many. */
void limits_check_data(const char *name, uint64_t size);

/* An empty tape with these limits. Ends the program when memory is out. */
dz_tape *limits_tape(void);

#endif
