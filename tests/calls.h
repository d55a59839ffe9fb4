/* The constructors of the pointwise operations, by their rows in pointwise.def: call[fn](operands). */
#ifndef DZ_TESTS_CALLS_H
#define DZ_TESTS_CALLS_H

#include "dz/pointwise.h"

#define OP1(name, ...)                                                                                       \
  static dz_var call_##name(const dz_var *v) { return dz_##name(v[0]); }
#define OP2(name, ...)                                                                                       \
  static dz_var call_##name(const dz_var *v) { return dz_##name(v[0], v[1]); }
#define OP3(name, ...)                                                                                       \
  static dz_var call_##name(const dz_var *v) { return dz_##name(v[0], v[1], v[2]); }
#include "ops/pointwise.def"
#undef OP1
#undef OP2
#undef OP3

static dz_var (*const call[])(const dz_var *v) = {
#define OP1(name, ...) call_##name,
#define OP2(name, ...) call_##name,
#define OP3(name, ...) call_##name,
#include "ops/pointwise.def"
#undef OP1
#undef OP2
#undef OP3
};

#endif
