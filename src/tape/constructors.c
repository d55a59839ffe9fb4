/* One C function per table line, with the fast road of live active scalars; the header's macros stand above
 * them. */
#include "tape/tape.h"

#include "kernels/scalar.h"

#undef dz_neg
#undef dz_add
#undef dz_sub
#undef dz_mul
#undef dz_div

_Static_assert(DZ__CODE_NEG == (int)DZ__neg && DZ__CODE_ADD == (int)DZ__add_vv &&
                   DZ__CODE_SUB == (int)DZ__sub_vv && DZ__CODE_MUL == (int)DZ__mul_vv &&
                   DZ__CODE_DIV == (int)DZ__div_vv,
               "the header's codes of the inline operations are the table's");
_Static_assert(DZ__F_neg == 0 && DZ__F_add == 1 && DZ__F_sub == 2 && DZ__F_mul == 3 && DZ__F_div == 4,
               "the header counts the inline operations as the table does");

/* The result of an operation on one operand is on the operand's tape, even a poisoned one. */
static dz__made general(dz__fn fn, dz_var x) { return dz__apart(dz__record(fn, 1, &x, 0, NULL)); }

#define TOGETHER(name)                                                                                       \
  dz_var(dz_##name)(dz_var x) { return dz__joined(x.tape, dz__r_##name(x.tape, dz__apart(x))); }

/* The name in parentheses keeps the header's macro of the same name away. A pool number is left to the
   general road: only the five inline operations are worth more. */
#define OP1(name, ...)                                                                                       \
  dz__made dz__r_##name(dz_tape *t, dz__made made) {                                                         \
    dz_var x = dz__joined(t, made);                                                                          \
    double u;                                                                                                \
    if (DZ__F_##name == DZ__F_stop || !dz__plain1(x, &u)) return general(DZ__F_##name, x);                   \
    return dz__apart(dz__push(t, DZ__##name, dz__index(x), 0, dz__v_##name(u, 0, 0)));                       \
  }                                                                                                          \
  TOGETHER(name)
/* A fresh slot of the pool for the partial; with no room for it at hand, the general road, which does
 * without. */
#define OP1K(name, ...)                                                                                      \
  dz__made dz__r_##name(dz_tape *t, dz__made made) {                                                         \
    dz_var x = dz__joined(t, made);                                                                          \
    double u;                                                                                                \
    if (!dz__plain1(x, &u) || t->pooled >= t->pool_cap) return general(DZ__F_##name, x);                     \
    double z = dz__v_##name(u, 0, 0);                                                                        \
    t->pool[t->pooled] = dz__d0_##name(u, 0, 0, z, 0);                                                       \
    return dz__apart(dz__push(t, DZ__##name##_k, dz__index(x), t->pooled++, z));                             \
  }                                                                                                          \
  TOGETHER(name)
#define OP2(name, ...)                                                                                       \
  dz_var(dz_##name)(dz_var x, dz_var y) {                                                                    \
    double u, v;                                                                                             \
    if (dz__plain2(x, y, &u, &v))                                                                            \
      return dz__push(x.tape, DZ__##name##_vv, dz__index(x), dz__index(y), dz__v_##name(u, v, 0));           \
    return dz__record(DZ__F_##name, 2, (dz_var[]){x, y}, 0, NULL);                                           \
  }
#define OP3(name, ...)                                                                                       \
  dz_var(dz_##name)(dz_var x, dz_var y, dz_var w) {                                                          \
    return dz__record(DZ__F_##name, 3, (dz_var[]){x, y, w}, 0, NULL);                                        \
  }
#include "ops/pointwise.def"
