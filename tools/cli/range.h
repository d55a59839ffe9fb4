/* Ranges, LOW:HIGH or LOW:HIGH:STEP: what plot and grade let a name run over. */
#ifndef DZ_CLI_RANGE_H
#define DZ_CLI_RANGE_H

#include <stdbool.h>

typedef struct range {
  double low, high; /* finite, low < high, and their distance is finite */
  double step;      /* 0: none was given */
} range;

/* Whether the text has a colon outside brackets and outside `c ? a : b`. */
bool range_is(const char *text);

/* The range that the text says; its parts are constant expressions. `name` is whose it is, for messages. Ends
   the program with status 2 when it is none. */
range range_read(const char *name, const char *text);

#endif
