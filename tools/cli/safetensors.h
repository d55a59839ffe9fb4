/* Parameters in a file: safetensors (a JSON header, then the numbers), which other programs read too. */
#ifndef DZ_CLI_SAFETENSORS_H
#define DZ_CLI_SAFETENSORS_H

#include "json.h"
#include "tensor.h"

typedef struct tensor_entry {
  char *name;
  tensor value;
} tensor_entry;

typedef struct tensor_file {
  const char *path; /* for messages */
  tensor_entry *at;
  size_t count;
  cJSON *notes; /* an object of texts: the format's __metadata__ */
} tensor_file;

/* Tensors of F64 and F32. Nothing that the header says is believed before the file's size bears it out; ends
   the program with status 3 when something is amiss. */
tensor_file safetensors_read(const char *path);
/* Whole or not at all, as file_write. */
void safetensors_write(const tensor_file *f);

void tensor_file_add(tensor_file *f, const char *name, int rank, const size_t *dims, const double *values);
void tensor_file_note(tensor_file *f, const char *key, const char *text);
/* NULL when there is none. */
const tensor *tensor_file_find(const tensor_file *f, const char *name);
const char *tensor_file_noted(const tensor_file *f, const char *key);
void tensor_file_free(tensor_file *f);

#endif
