/* A program as something that learns: parameters that stay on the tape, and data that change. */
#ifndef DZ_CLI_NETWORK_H
#define DZ_CLI_NETWORK_H

#include "dataset.h"
#include "model.h"

/* How outputs and targets say which class; NO_CLASSES: they say numbers. */
typedef enum class_form { NO_CLASSES, CLASS_NUMBERS, ONE_OF_MANY, ZERO_OR_ONE, MINUS_OR_PLUS } class_form;

typedef struct network {
  model m;            /* its result is the loss of what was recorded last */
  char *x, *t;        /* the names of the data leaves; t is NULL when there is one only */
  const char *output; /* the definition that predicts; NULL: none */
  class_form form;
  dz_var *params;
  const char **names;
  size_t count, size; /* parameters, and their elements in all */
} network;

/* Reads the program and makes its parameters: from `file` when it is not NULL, else from bindings, else from
   their initialisers by `seed`. Records the first `count` samples once, so that whatever does not fit is said
   here, and ends the program then. */
network network_read(const options *o, const dataset *d, size_t count, uint64_t seed,
                     const tensor_file *file);
void network_free(network *n);

/* Records the samples order[0..count); what was recorded before is dropped. The loss is n->m.result. */
void network_record(network *n, const dataset *d, const size_t *order, size_t count);

/* The outputs for `count` other samples, each shaped as those of d, row after row; *width says how many
   numbers one has. Free them. As many are recorded at once as d holds, for which the program is known to do;
   what is over is asked again. Targets do not matter. */
double *network_ask(network *n, const dataset *d, const double *samples, size_t count, size_t *width);

/* Of the samples recorded last, whose order is given, how many outputs say the right class. */
size_t network_hits(const network *n, const dataset *d, const size_t *order, size_t count);

/* The class that row i of the output says. */
double network_class(class_form form, dz_var output, size_t rows, size_t i);

/* Parameters as one array, in the program's order. */
void network_values(const network *n, double *x);
void network_set(const network *n, const double *x);

#endif
