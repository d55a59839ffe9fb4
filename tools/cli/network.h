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
  bool counts[2];     /* whether the program has the data leaves `step` and `training` … */
  double said[2];     /* … and what they hold: see network_counters */
  const char *output; /* the definition that predicts; NULL: none */
  class_form form;
  dz_var *params;
  const char **names;
  size_t count, size;       /* parameters, and their elements in all */
  bool single;              /* plans compute with floats */
  size_t before;            /* samples of the batch that others do, before those that come here */
  struct batch_plan *plans; /* network_plan.c's */
  size_t plan_count;
} network;

/* Data leaves that say where training is, so that dropout(x, 0.5 * training, step) drops others in each step,
   and none when samples are judged: `step` is a number for each step, `training` is 1 in steps and else 0. */
enum { COUNTER_STEP, COUNTER_TRAINING, COUNTERS };
extern const char *const network_counters[COUNTERS];

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

/* What samples have come to. */
typedef struct batch_score {
  double loss;
  size_t hits; /* outputs that say the right class */
} batch_score;

/* The samples order[0..count), and as a step of training the gradient of their loss in network_values' order
   when it is not NULL. By a plan, which is made once for each number of samples; programs that plans refuse,
   and points where the plan's numbers are not finite, on the tape. Which it is depends on the program and the
   numbers and on nothing else: training that is resumed goes the same ways. */
batch_score network_evaluate(network *n, const dataset *d, const size_t *order, size_t count,
                             double *gradient);
void network_plans_free(network *n);

/* The class that the target of sample i says; 0 for all where there are no classes. */
double network_truth(const network *n, const dataset *d, size_t i);

/* How many of `count` outputs, one after another in y, say the right class. */
size_t network_hits(const network *n, const dataset *d, const size_t *order, size_t count, const double *y,
                    size_t width);

/* The class that the n numbers of an output say. */
double network_class(class_form form, const double *y, size_t n);

/* Parameters as one array, in the program's order. */
void network_values(const network *n, double *x);
void network_set(const network *n, const double *x);

#endif
