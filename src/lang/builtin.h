/* The functions that the engine itself gives to the language: operations of the table, and a few more. */
#ifndef DZ_LANG_BUILTIN_H
#define DZ_LANG_BUILTIN_H

#include "ops/op.h"

#include <stdbool.h>

/* How a call passes what it is given. */
typedef enum dz__form {
  DZ__FORM_NONE, /* no such function */
  DZ__FORM_POINTWISE,
  DZ__FORM_EXTREME, /* max, min: of one operand the reduction, of more elementwise */
  DZ__FORM_REDUCE,  /* x, axis=all, keepdims=0; count has ddof=0 too */
  DZ__FORM_RUNNING, /* x, axis */
  DZ__FORM_CONCAT,  /* [a, b, …] or a, b, …; axis=0 */
  DZ__FORM_STACK,
  DZ__FORM_GATHER,   /* x, at, axis=0 */
  DZ__FORM_SHAPED,   /* x, [2, 3] or x, 2, 3 */
  DZ__FORM_PERMUTED, /* x; or x, [1, 0] or x, 1, 0 */
  DZ__FORM_MATMUL,
  DZ__FORM_SOLVE,
  DZ__FORM_NOISE,      /* x, seed */
  DZ__FORM_RANK,       /* the rank of x as a number */
  DZ__FORM_EXTENT,     /* x, axis: the extent as a number */
  DZ__FORM_POSITIONS,  /* x, axis=-1: 0, 1, 2, … along that axis, every other extent 1 */
  DZ__FORM_ROOM,       /* x, size, axis: at how many places along it a window of so many may begin */
  DZ__FORM_UNROLL,     /* f, X, s, …: s = f(X[k], s, …) for each k, f being a function of the language */
  DZ__FORM_DERIVATIVE, /* f, x, y, …: d(f, x, y) */
  DZ__FORM_USER        /* what the user defined on the tape */
} dz__form;

/* Slots of keyword arguments. */
enum { DZ__KEY_AXIS = 1, DZ__KEY_KEEPDIMS, DZ__KEY_DDOF, DZ__KEY_END };

typedef struct dz__builtin {
  dz__form form;
  dz__fn fn;
  int least, most; /* operands, keywords not counted; most is -1 when there is no end */
  int keys;        /* allowed keyword slots: 1 … keys */
  uint32_t user;   /* of what the user defined: its place in the program's list */
} dz__builtin;

/* The name under which d(f, x) is known. No text can spell it as one name, so `d` stays free for variables.
 */
#define DZ__DERIVATIVE_NAME "d(f, x)"

/* By name. The form is DZ__FORM_NONE when there is no such function. */
dz__builtin dz__builtin_find(const char *name, size_t size);

/* Form and operation as one number, and back. Of what the user defined: form, how many operands, place. */
static inline uint32_t dz__builtin_code(dz__builtin b) { return (uint32_t)b.form << 8 | (uint32_t)b.fn; }
static inline uint32_t dz__builtin_user(uint32_t place, int arity) {
  return place << 16 | (uint32_t)DZ__FORM_USER << 8 | (uint32_t)arity;
}
dz__builtin dz__builtin_of(uint32_t code);

/* The name of a function that is no line of the tables; "" for a form of many. */
const char *dz__form_name(dz__form form);

/* The keyword of a slot. */
const char *dz__key_name(int slot);

/* Names for suggestions: the i-th, NULL past the last; d is not among them. */
const char *dz__builtin_name(size_t i);

#endif
