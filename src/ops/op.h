/* The table of all operations, expanded once from pointwise.def and tensor.def. */
#ifndef DZ_OPS_OP_H
#define DZ_OPS_OP_H

#include "dz/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* One id per table line. */
typedef enum dz__fn {
#define OP1(name, ...) DZ__F_##name,
#define OP2(name, ...) DZ__F_##name,
#define OP3(name, ...) DZ__F_##name,
#include "ops/pointwise.def"
#undef OP1
#undef OP2
#undef OP3
  DZ__F_POINTWISE_END,
  DZ__F_BEFORE_TENSOR = DZ__F_POINTWISE_END - 1,
#define TENSOR(name, ...) DZ__F_##name,
#include "ops/tensor.def"
#undef TENSOR
  DZ__F_END,
  DZ__F_user, /* of no table: one that the user defined, by number in the tape's list */
  DZ__F_ALL
} dz__fn;

/* What a scalar node's byte says. An operation has several codes, by what its operands are: v an active node,
   i an inactive one (a constant, data, or made of such), c an entry of the constant pool. The sweep skips the
   inactive ones (_i, _ii). OP3 and tensors are recorded as DZ__WIDE, with a record of their own. */
typedef enum dz__code {
  DZ__INPUT,
  DZ__PARAM,
  DZ__CONST,
  DZ__DATA,
  DZ__WIDE,
#define OP1(name, ...) DZ__##name, DZ__##name##_i,
#define OP1K(name, ...) DZ__##name, DZ__##name##_i, DZ__##name##_k,
#define OP2(name, ...)                                                                                       \
  DZ__##name##_vv, DZ__##name##_vc, DZ__##name##_cv, DZ__##name##_vi, DZ__##name##_iv, DZ__##name##_ii,
#define OP3(name, ...)
#include "ops/pointwise.def"
#undef OP1
#undef OP2
#undef OP3
  DZ__CODE_END
} dz__code;

enum { DZ__VV, DZ__VC, DZ__CV, DZ__VI, DZ__IV, DZ__II }; /* offsets from the vv code */

/* How a call in the language passes the integers of a tensor operation; see tensor.def. */
typedef enum dz__signature { DZ__PLAIN, DZ__REDUCE, DZ__AXIS, DZ__SHAPE } dz__signature;

struct dz__call;

typedef struct dz__op {
  const char *name;
  uint8_t arity; /* operands; for a tensor operation the least number, and `most` may be more */
  uint8_t most;
  uint8_t code;      /* the vv (or only) scalar code; 0 when there is none */
  uint8_t signature; /* of a tensor operation */
  const char *value; /* the table's text */
  const char *partial[3];
  double low, high; /* sample domain of a pointwise operation */
  const char *note; /* of a tensor operation: one line that says what it computes */
} dz__op;

extern const dz__op dz__ops[DZ__F_ALL];

/* What a scalar operation's code says: the operation, the kind of its operands, and the operands that a
   gradient flows to (bit 0, bit 1). All 0 for leaves and DZ__WIDE. */
typedef struct dz__code_line {
  uint8_t fn, variant, wants;
} dz__code_line;
extern const dz__code_line dz__codes[256];

/* The operation of a scalar code; DZ__F_END for leaves and DZ__WIDE. */
dz__fn dz__fn_of_code(unsigned code);

/* Which of the kinds above a scalar operation's code is: DZ__VV … DZ__II; an operation of one operand is
 * DZ__VV or DZ__II. */
unsigned dz__variant(unsigned code);

/* Whether the text is the name. The first characters nearly always tell. */
static inline bool dz__is_called(const char *name, const char *at, size_t size) {
  return size > 0 && *name == *at && strncmp(name, at, size) == 0 && name[size] == 0;
}

/* By its table name or a common one (abs, max, ln, …): DZ__F_END when there is none. */
dz__fn dz__fn_by_name(const char *name, size_t size);

/* The common names, NULL past the last. */
const char *dz__alias_at(size_t i);

#endif
