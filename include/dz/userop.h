/* Operations of your own. They belong to one tape, survive its rewinds (a definition is no node), and are
   gone with dz_tape_free or dz_tape_clear. One node of the tape is one use: it carries your name in pictures
   and formulas, and in the language it is called by it.

   By text an operation is what a line of dz's own table is: an elementwise value and its partials. Both are
   kept as short lists of the table's operations. A sweep runs these lists, number by number; a derivative
   graph records the partial's operations as nodes, which are differentiated like any others, so derivatives
   of every order follow. (The alternative, to record the value's nodes and put the partials beside them by
   z + p (x - stop(x)), would give NaN wherever a partial is infinite, and hide your operation in a dozen
   nodes.)
   By C functions anything goes, shapes included, but there is no derivative of the derivative. */
#ifndef DZ_USEROP_H
#define DZ_USEROP_H

#include "dz/lang.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Defines the operation `name` of `arity` operands (1 to 3) on the tape t. `value` is a program of dz's
   language over x, y, w (as many as there are operands) whose result is the value: "x*exp(-x)"; several
   lines are fine. partials[k] is the same for the derivative by operand k, where z is the value: "z/x - z".
   partials, or one of them, may be NULL: it is derived from the value. Operands broadcast as for the table's
   operations; the texts may use these and operations defined before, but no tensor operation.
   A partial written MASK(p) switches: where p is 0, nothing flows, whatever arrives (never 0 * inf); as in
   the table it must be the whole partial, and its own derivative is 0.
   Given partials are compared with a numerical slope of the value, whose error is bounded, at 24 points with
   operands of both signs from 0.05 to 41. A wrong one is refused with the place and both numbers. Points at
   which the value is not finite, or not smooth, say nothing; when all say nothing, the tape gets a note
   "unchecked".
   DZ_ERR_ARGUMENT (NULL, arity, a text that is not elementwise, a wrong partial), DZ_ERR_NAME (the name is no
   name of the language, or taken; an unknown name in a text), DZ_ERR_SYNTAX (line and column in the text,
   which *e names in `file`), DZ_ERR_LIMIT (more than 65535 operations in a text), DZ_ERR_MEMORY, or the error
   that the tape holds. The tape is as before then, its error included. e may be NULL. The texts are not
   needed afterwards. Cost: parsing, and some thousand evaluations for each given partial. */
DZ_API dz_status dz_op_define(dz_tape *t, const char *name, int arity, const char *value,
                              const char *const *partials, dz_error *e);

/* One use: a node of t. Operands are nodes of t, or numbers (dz_num), which are recorded when there are
   nothing but numbers. After an error an invalid handle, and the tape keeps the first: DZ_ERR_NAME (no such
   operation), DZ_ERR_ARGUMENT (n is not its arity, args NULL), DZ_ERR_HANDLE, DZ_ERR_SHAPE, DZ_ERR_MEMORY.
   Cost: a search among the tape's own operations, and the value. */
DZ_API dz_var dz_apply(dz_tape *t, const char *name, int n, const dz_var *args);

/* dz_program_parse, with the operations that t has at this moment known by name. dz_expr knows them by
   itself. The program may be recorded on any tape that has operations of these names and arities; DZ_ERR_NAME
   on others. Memory is of t's allocator. */
DZ_API dz_program *dz_program_parse_on(const dz_tape *t, const char *text, size_t size, const char *name,
                                       dz_error *error);

/* ---- by C functions ---- */

enum { DZ_MAX_OPERANDS = 8 };

typedef struct dz_op_array {
  int rank;
  const size_t *dims;
  size_t size;        /* elements */
  const double *data; /* row-major */
} dz_op_array;

/* x[k] is operand k, z the result. The functions must give the same for the same, and keep no pointer; they
   must not touch the tape. What cannot be computed is NaN. */
typedef struct dz_op_calls {
  int arity; /* 1 to DZ_MAX_OPERANDS */
  /* Sets *rank (at most DZ_MAX_RANK) and dims of the result; false refuses the operands' shapes. It must not
     read their data. NULL: the shape to which all operands broadcast. */
  bool (*shape)(void *user, const dz_op_array *x, int *rank, size_t *dims);
  /* Fills z. */
  void (*value)(void *user, const dz_op_array *x, size_t size, double *z);
  /* Adds sum_j g_j dz_j/dx[k]_i to ga[k][i]; ga[k] is NULL where that is not wanted. */
  void (*vjp)(void *user, const dz_op_array *x, size_t size, const double *z, const double *g,
              double *const *ga);
  /* Fills out_j = sum_k,i dz_j/dx[k]_i t[k][i]; t[k] is NULL where operand k does not change. NULL: forward
     mode goes through vjp, once for each element of z. */
  void (*jvp)(void *user, const dz_op_array *x, size_t size, const double *z, const double *const *t,
              double *out);
  void *user;
  void (*free)(void *user); /* called when the tape and all plans let go of the definition; may be NULL */
} dz_op_calls;

/* Defines an operation by C functions; *calls is copied. Sweeps, forward mode and pictures take it as any
   other, and plans call it; dz_grad through it is DZ_ERR_ARGUMENT, "has no derivative graph". An adjoint of 0
   reaches vjp as the number 0; where nothing reaches a tensor that it computed, vjp is not called. vjp and
   jvp are compared with numerical slopes of the value, whose error is bounded, at 12 points: with operands
   that are scalars, or else vectors of 3, or else 3 by 3 matrices, whichever `shape` takes first. A wrong one
   is refused with both numbers. Where nothing fits, or the value is nowhere smooth, the tape gets a note
   "unchecked": run dz_check on a model with it then. DZ_ERR_ARGUMENT (NULL, no value or vjp, arity, a wrong
   vjp or jvp), DZ_ERR_NAME, DZ_ERR_MEMORY as above; `free` is not called then. Cost: some hundreds of calls
   of each function. */
DZ_API dz_status dz_op_define_c(dz_tape *t, const char *name, const dz_op_calls *calls, dz_error *e);

#ifdef __cplusplus
}
#endif

#ifndef __cplusplus
#include "dz/pointwise.h"
#define dz_apply(t, name, ...) DZ__HERE(dz_apply(t, name, __VA_ARGS__))
#endif
#endif
