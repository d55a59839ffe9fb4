#include "ops/op.h"

#include "dz/ops.h"

#include <string.h>

/* Stringised at the first level, so that names of macros in the table's text (INFINITY) stay as they are
 * written. */
#define OP1(name, low, high, value, dx)                                                                      \
  {#name, 1, 1, DZ__##name, 0, #value, {#dx, NULL, NULL}, low, high, NULL},
#define OP2(name, low, high, value, dx, dy)                                                                  \
  {#name, 2, 2, DZ__##name##_vv, 0, #value, {#dx, #dy, NULL}, low, high, NULL},
#define OP3(name, low, high, value, dx, dy, dw) {#name, 3, 3, 0, 0, #value, {#dx, #dy, #dw}, low, high, NULL},
#define TENSOR(name, least, most, signature, spread, scratch, tangent, carries, floats, note)                \
  {#name, least, most, 0, signature, NULL, {NULL, NULL, NULL}, 0, 0, note},
const dz__op dz__ops[DZ__F_ALL] = {
#include "ops/pointwise.def"
#include "ops/tensor.def"
    [DZ__F_user] = {.name = "user"},
};
#undef OP1
#undef OP2
#undef OP3
#undef TENSOR

const dz__code_line dz__codes[256] = {
#define OP1(name, ...) [DZ__##name] = {DZ__F_##name, DZ__VV, 1}, [DZ__##name##_i] = {DZ__F_##name, DZ__II, 0},
#define OP1K(name, ...) OP1(name, __VA_ARGS__)[DZ__##name##_k] = {DZ__F_##name, DZ__VV, 1},
#define OP2(name, ...)                                                                                       \
  [DZ__##name##_vv] = {DZ__F_##name, DZ__VV, 3}, [DZ__##name##_vc] = {DZ__F_##name, DZ__VC, 1},              \
  [DZ__##name##_cv] = {DZ__F_##name, DZ__CV, 2}, [DZ__##name##_vi] = {DZ__F_##name, DZ__VI, 1},              \
  [DZ__##name##_iv] = {DZ__F_##name, DZ__IV, 2}, [DZ__##name##_ii] = {DZ__F_##name, DZ__II, 0},
#define OP3(name, ...)
#include "ops/pointwise.def"
#undef OP1
#undef OP2
#undef OP3
};

_Static_assert(DZ__CODE_END <= 256, "a code is one byte");
_Static_assert(DZ__F_END <= 256, "an operation's number is one byte in dz__codes");

dz__fn dz__fn_of_code(unsigned code) {
  return code <= DZ__WIDE || code >= DZ__CODE_END ? DZ__F_END : (dz__fn)dz__codes[code].fn;
}

unsigned dz__variant(unsigned code) { return code < DZ__CODE_END ? dz__codes[code].variant : DZ__II; }

/* Common names beside the table's. max and min of one operand are tensor operations of their own; of two, the
   parser takes fmax and fmin. */
static const struct {
  const char *alias, *name;
} aliases[] = {
    {"abs", "fabs"},
    {"ln", "log"},
    {"gamma", "tgamma"},
    {"sgn", "sign"},
    {"arcsin", "asin"},
    {"arccos", "acos"},
    {"arctan", "atan"},
    {"arctan2", "atan2"},
    {"arcsinh", "asinh"},
    {"arccosh", "acosh"},
    {"arctanh", "atanh"},
    {"maximum", "fmax"},
    {"minimum", "fmin"},
    {"logistic", "sigmoid"},
    {"clip", "clamp"},
    {"power", "pow"},
    {"negative", "neg"},
    {"remainder", "mod"},
    {"take", "gather"},
    {"transpose", "permute"},
    {"broadcast", "broadcast_to"},
    {"length", "norm"},
};

dz__fn dz__fn_by_name(const char *name, size_t size) {
  for (size_t i = 0; i < sizeof aliases / sizeof *aliases; i++)
    if (dz__is_called(aliases[i].alias, name, size))
      return dz__fn_by_name(aliases[i].name, strlen(aliases[i].name));
  for (int i = 0; i < DZ__F_END; i++)
    if (dz__is_called(dz__ops[i].name, name, size)) return (dz__fn)i;
  return DZ__F_END;
}

const char *dz__alias_at(size_t i) { return i < sizeof aliases / sizeof *aliases ? aliases[i].alias : NULL; }

size_t dz_op_count(void) { return DZ__F_END; }

size_t dz_op_find(const char *name) { return name ? dz__fn_by_name(name, strlen(name)) : DZ__F_END; }

dz_op_info dz_op_at(size_t i) {
  if (i >= DZ__F_END) return (dz_op_info){0};
  const dz__op *op = &dz__ops[i];
  return (dz_op_info){.name = op->name,
                      .arity = op->arity,
                      .most = op->most,
                      .value = op->value,
                      .partial = {op->partial[0], op->partial[1], op->partial[2]},
                      .note = op->note,
                      .low = op->low,
                      .high = op->high};
}

const char *dz_op_alias(size_t i, size_t k) {
  if (i >= DZ__F_END) return NULL;
  for (size_t j = 0; j < sizeof aliases / sizeof *aliases; j++)
    if (strcmp(aliases[j].name, dz__ops[i].name) == 0 && k-- == 0) return aliases[j].alias;
  return NULL;
}
