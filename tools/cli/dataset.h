/* Samples to learn from: --data and --target. The first axis counts samples. */
#ifndef DZ_CLI_DATASET_H
#define DZ_CLI_DATASET_H

#include "options.h"
#include "tensor.h"
#include "tensor_file.h"

typedef struct dataset {
  size_t rows;
  tensor x, t;    /* t.data is NULL when no target is given */
  size_t classes; /* of a target in words, which are numbered in order of first appearance */
  char **names;
  size_t width; /* the samples' columns, where a header names them; else 0 */
  char **columns;
} dataset;

/* `known`, when not NULL, is a file of parameters whose class names number the target's words. Ends the
   program when the files cannot be read or do not fit. */
dataset dataset_read(const options *o, const tensor_file *known);
void dataset_free(dataset *d);

/* Samples order[0..count) of v. Free it with tensor_free. */
tensor dataset_take(const tensor *v, const size_t *order, size_t count);

#endif
