/* What most verbs work on: a program, the values of its names, and the tape that they make. */
#ifndef DZ_CLI_MODEL_H
#define DZ_CLI_MODEL_H

#include "binding.h"
#include "dz/lang.h"
#include "dz/sweep.h"
#include "options.h"

typedef struct model {
  source source;
  dz_program *program;
  bindings bindings;
  dz_tape *tape;
  dz_mark leaves; /* after the leaves that have values: rewind to here to record again */
  dz_var result;
  bool generic; /* derive: some names have no value and were given one */
} model;

/* Reads the expression and its bindings, and records them. To derive, scalars need no value: formulas do not
   depend on it. Ends the program with a message when it cannot. */
model model_read(const options *o);
void model_free(model *m);

/* Ends the program when a value is given to a name that the program does not use. */
void model_check_unused(const model *m);

/* Sweeps from the result, with `--seed` when it is given. False, and no sweep, when the result is a tensor
   and there is no seed. */
bool model_sweep(model *m, const char *seed);

/* The name of the result, "f" when it has none. */
const char *model_name(const model *m);

/* What gradients are taken for: by default every input and parameter that the result reaches, in order of
 * first use. */
typedef struct wanted {
  char *name;
  dz_var node; /* invalid for a name that is a plain number */
} wanted;

typedef struct wants {
  wanted *at;
  size_t count;
} wants;

wants model_wants(const model *m, const char *wrt);
void wants_free(wants *w);

/* Ends the program because the result is no scalar; `advice` says what to do. */
_Noreturn void model_no_scalar(const model *m, const char *advice);

#endif
