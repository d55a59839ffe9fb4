/* What a name is bound to: a number or a tensor, from text or from a file. */
#ifndef DZ_CLI_TENSOR_H
#define DZ_CLI_TENSOR_H

#include "dz/tape.h"
#include "input.h"

typedef struct tensor {
  int rank;
  size_t dims[DZ_MAX_RANK];
  size_t count;
  double *data; /* count numbers, row-major */
} tensor;

/* Reads "1.5", "-1/3", "[1, 2]" (a constant expression) or "@file". `name` is the name that is given the
   value, for messages. Ends the program when it cannot. Free it with tensor_free. */
tensor tensor_read(const char *name, const char *text);
void tensor_free(tensor *v);

/* The bytes of an .npy file (versions 1 to 3; integers, float32, float64, bool; either byte order, either
   storage order). `file` is its name for messages. */
tensor npy_read(const char *file, const blob *bytes);
bool npy_is(const blob *bytes);
/* The .npy file of a tensor: version 1, float64, row-major. Free it with buffer_free. */
buffer npy_write(const tensor *v);

/* The bytes of an IDX file (the format of the MNIST digits; bytes, integers, float32, float64). */
tensor idx_read(const char *file, const blob *bytes);
bool idx_is(const blob *bytes); /* the first bytes will do */

/* A table in text, comma-separated. `columns`: names, or 0-based numbers when there is no header, separated
   by commas; NULL means every column of numbers. One column gives rank 1, several [rows, columns]. */
tensor csv_read(const char *file, const blob *bytes, const char *columns);

typedef struct csv_table {
  tensor value;
  size_t classes; /* the texts of a single column, which stands for their numbers */
  char **names;
  size_t width; /* of the columns that were chosen, what the header calls them; 0 without a header */
  char **columns;
} csv_table;

/* The same; columns that `except` lists (NULL: none) are passed over when all are meant. Free it with
 * csv_table_free. */
csv_table csv_read_table(const char *file, const blob *bytes, const char *columns, const char *except);
void csv_table_free(csv_table *t);

typedef enum cell_kind { CELL_NUMBER, CELL_EMPTY, CELL_TEXT, CELL_TOO_LARGE } cell_kind;

/* What a cell of a table holds: a number with an optional sign, or the words inf, infinity, nan. Spaces
   around it do not count. */
cell_kind cell_read(const char *text, size_t size, double *x);

/* A node's value on a tape, copied. */
tensor tensor_of(dz_var x);

#endif
