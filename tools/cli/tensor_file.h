/* Parameters in a file that other programs read too: safetensors, or NumPy's .npz where the path ends so. */
#ifndef DZ_CLI_TENSOR_FILE_H
#define DZ_CLI_TENSOR_FILE_H

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
  cJSON *notes; /* an object of texts: __metadata__ of safetensors, notes.json in an .npz */
} tensor_file;

/* Nothing that a header says is believed before the file's size bears it out; ends the program with status 3
   when something is amiss. */
tensor_file tensor_file_read(const char *path);
/* Whole or not at all, as file_write. */
void tensor_file_write(const tensor_file *f);
/* Ends the program when tensor_file_write could not write there. For verbs that work long before they do. */
void tensor_file_check(const char *path);

void tensor_file_add(tensor_file *f, const char *name, int rank, const size_t *dims, const double *values);
/* The same; *v is taken, and empty afterwards. */
void tensor_file_give(tensor_file *f, const char *name, size_t size, tensor *v);
void tensor_file_note(tensor_file *f, const char *key, const char *text);
/* NULL when there is none. */
const tensor *tensor_file_find(const tensor_file *f, const char *name);
const char *tensor_file_noted(const tensor_file *f, const char *key);
void tensor_file_free(tensor_file *f);

/* ---- the formats ---- */

/* Tensors of F64 and F32 are read, F64 is written. */
void safetensors_read(tensor_file *f, const blob *bytes);
buffer safetensors_write(const tensor_file *f);

/* A ZIP archive of .npy files. Without libzip these end the program and say so; npz_check too. */
bool npz_is(const blob *bytes);
void npz_read(tensor_file *f, const blob *bytes);
buffer npz_write(const tensor_file *f);
void npz_check(void);

#endif
