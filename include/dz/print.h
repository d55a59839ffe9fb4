/* Graphs as text: what dz_program_parse reads back as the same graph. */
#ifndef DZ_PRINT_H
#define DZ_PRINT_H

#include "dz/tape.h"
#include "dz/text.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What becomes of an operation that has a name. */
typedef enum dz_print_names {
  DZ_PRINT_EXPAND, /* it is written out like any other */
  DZ_PRINT_DEFINE, /* it gets a line of its own: s = x^2 */
  DZ_PRINT_CALL    /* its name stands for it and nothing says what it is, but for y itself */
} dz_print_names;

typedef struct dz_print_options {
  dz_print_names names;
  int digits;     /* significant digits of numbers; 0: as many as it takes to read the same number */
  size_t inlined; /* operations and operands that a part may hold to be written out at each of its uses; a
                     larger one that is used more than once gets a line: t1 = …; 0 means 24 */
  size_t most;    /* bytes of text at most; 0 means 1 MiB */
} dz_print_options;

/* Writes y as an expression of dz's language, with the fewest parentheses that its precedences allow (more
   only around a minus sign that follows an operator): operators, calls by their common names (abs, max, min),
   A[i, j:k], A', numbers and constant tensors as literals. Before it come lines `name = …` for parts that are
   used more than once and for named ones, in the order of the tape; lines end in "\n", the last does not. So
   text is linear in the nodes, however often parts are used. Leaves without a usable name are called x1, x2,
   … in the order of the tape. Parsing the text with leaves of these names records the same operations on the
   same operands, but that equal parts which were recorded twice stay apart; the exceptions are operations
   that only derivatives record and the language cannot write (place, scatter). `options` may be NULL.
   DZ_ERR_HANDLE, DZ_ERR_ARGUMENT (NULL writer), DZ_ERR_MEMORY, DZ_ERR_LIMIT (longer than `most`; what was
   written until then stays), DZ_ERR_WRITE. Cost: linear in the text, and 12 bytes for each node of the tape
   up to y; no recursion. */
DZ_API dz_status dz_print(dz_var y, const dz_print_options *options, dz_writer *write, void *user);

#ifdef __cplusplus
}
#endif
#endif
