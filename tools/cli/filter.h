/* Programs that dz feeds by their standard input and whose standard output it takes: Graphviz, gnuplot. */
#ifndef DZ_CLI_FILTER_H
#define DZ_CLI_FILTER_H

#include "buffer.h"

#include <stdbool.h>

typedef struct filter {
  char *const *argv;   /* argv[0] is looked for on the PATH; ends in NULL */
  const char *missing; /* said when it is not found */
} filter;

/* What the program writes when it is given `in`; free it. Ends dz with status 3 when the program is missing,
   fails or writes nothing, with 4 when it takes longer than that many seconds. */
buffer filter_run(const filter *f, const buffer *in, double seconds);

/* What went amiss: the status to end with, and why. */
typedef struct filter_failure {
  int status;
  char why[512];
} filter_failure;

/* The same, but when it fails it says so: false, with *failure set and *out empty. The program has ended. */
bool filter_try(const filter *f, const buffer *in, double seconds, buffer *out, filter_failure *failure);

#endif
