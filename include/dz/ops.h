/* The tables as data: what `dz ops` prints. */
#ifndef DZ_OPS_H
#define DZ_OPS_H

#include "dz/status.h"

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct dz_op_info {
  const char *name;  /* as in the table */
  int arity, most;   /* operands, least and most */
  const char *value; /* formula over x y w; NULL for a tensor operation */
  const char
      *partial[3]; /* formulas over x y w and the result z; NULL beyond the arity and for tensor operations */
  const char *note; /* what a tensor operation computes; NULL for a pointwise one */
  double low, high; /* an interval of operands on which a pointwise operation is smooth, for samples */
} dz_op_info;

/* Rows of the tables; a row out of range has a NULL name. The strings are constant. Cost O(1). */
DZ_API size_t dz_op_count(void);
DZ_API dz_op_info dz_op_at(size_t i);

/* The row of a name or alias, or dz_op_count() when there is none. Cost: linear in the table. */
DZ_API size_t dz_op_find(const char *name);

/* Other names of row i in the language: the k-th, or NULL past the last. Cost: linear in the aliases. */
DZ_API const char *dz_op_alias(size_t i, size_t k);

/* A hard point of an operation, or of a function of the prelude, and what dz answers there. */
typedef struct dz_boundary {
  const char *op;
  const char *kind;   /* pole, domain, kink, tie, …: as in notes where a note is made */
  const char *point;  /* a condition in C over the operands x y w; of tensors, words */
  const char *answer; /* value and slopes there */
} dz_boundary;

/* The table of hard points, in the order of the operations; a row out of range has a NULL op. The strings are
   constant. Cost O(1). */
DZ_API size_t dz_boundary_count(void);
DZ_API dz_boundary dz_boundary_at(size_t i);

#ifdef __cplusplus
}
#endif
#endif
