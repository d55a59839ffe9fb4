/* dz's language: text becomes nodes on a tape. LANGUAGE (in the README) says what it is. */
#ifndef DZ_LANG_H
#define DZ_LANG_H

#include "dz/tape.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct dz_program dz_program;

/* Parses a program: UTF-8 text of `size` bytes. `name` is what messages call it (a file name, "<arg>"); it is
   copied. NULL after an error, which *error holds (line and column in characters from 1): DZ_ERR_SYNTAX,
   DZ_ERR_NAME, DZ_ERR_LIMIT, DZ_ERR_MEMORY, DZ_ERR_ARGUMENT (NULL text). `error` may be NULL. The text is not
   needed afterwards. Cost: linear in size, no recursion. Limits (DZ_ERR_LIMIT): 256 MiB of text, 2^27
   operands and operators, 2^23 brackets and operators open at a time, 255 bytes in a name, 64 parameters of a
   function. Free with dz_program_free. */
DZ_API dz_program *dz_program_parse(const char *text, size_t size, const char *name, const dz_allocator *a,
                                    dz_error *error);
DZ_API void dz_program_free(dz_program *p);

/* A leaf of a program: a name that is declared, or simply used and nowhere defined. */
typedef struct dz_program_leaf {
  const char *name; /* the program's */
  dz_role role;     /* input unless declared param or data */
  bool declared;
  bool constant; /* e, pi, π, inf or nan, used but neither declared nor defined: it need not be bound, and may
                    be */
  bool has_init; /* a param with an initialiser need not be bound */
  bool used;     /* false: declared only */
  int rank;      /* declared rank, or -1 */
  size_t dims[DZ_MAX_RANK];
  int line, column;
} dz_program_leaf;

/* Leaves in order of first appearance. NULL-safe; an index out of range gives a leaf whose name is NULL. */
DZ_API size_t dz_program_leaf_count(const dz_program *p);
DZ_API dz_program_leaf dz_program_leaf_at(const dz_program *p, size_t i);

/* Defined names (`z = …`; functions not counted) in order, NULL past the end. */
DZ_API const char *dz_program_definition(const dz_program *p, size_t i);
/* The name of the result: the last line's, when it is a definition; NULL otherwise. */
DZ_API const char *dz_program_result(const dz_program *p);

/* Records the program on the tape and returns its result, always a node. Each leaf must already be on the
   tape under its name (dz_set_name), except constants and parameters with an initialiser, which are made here
   from `seed` (the same seed and name: the same values; glorot and he count the last extent as outputs and
   the product of the others as inputs, as x @ W has them). Definitions are named on the tape. All missing
   leaves are listed in one error, DZ_ERR_MISSING. Errors poison: the tape keeps the first, with its place in
   the text. Notes (dz_note_at) tell of numbers that became 0 ("underflow") and of lines whose value nothing
   uses
   ("unused"). Cost: linear in the nodes recorded, no recursion; functions expand to 2^26 instructions at most
   (DZ_ERR_LIMIT). What it needs beside nodes stays with the tape, so that recording again after a rewind
   allocates nothing but names. */
DZ_API dz_var dz_program_record(const dz_program *p, dz_tape *t, uint64_t seed);

/* Parses and records one piece of text: dz_expr(t, "x^2*y + y/(z+x)") with x, y, z named on the tape. `name`
 * in messages is "<text>", the seed is 0. */
DZ_API dz_var dz_expr(dz_tape *t, const char *text);

/* Every name that can be called: operations, their common names, functions of the prelude; NULL past the end.
 * For suggestions and `dz ops`. */
DZ_API const char *dz_function_name(size_t i);

/* How a function of the prelude is defined, in dz's own language, with the comment right above it: *size
   bytes, which no NUL ends. NULL, and *size 0, for any other name. `size` may be NULL. Cost: linear in the
   prelude. */
DZ_API const char *dz_function_text(const char *name, size_t *size);

#ifdef __cplusplus
}
#endif
#endif
