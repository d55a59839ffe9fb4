/* Pointwise operations: scalars, or tensors with NumPy broadcasting.

   One contract for all of them. Value and partials are those of the table line (`dz ops NAME`). Shapes:
   operands broadcast together; scalars may meet tensors. In C, a plain number may stand for any operand;
   elsewhere wrap it in dz_num. Operands belong to one tape. An operand that is invalid, stale or of another
   tape gives an invalid result, and the tape keeps the first error with the call's file and line
   (DZ_ERR_HANDLE, DZ_ERR_SHAPE, DZ_ERR_MEMORY, DZ_ERR_LIMIT). Numbers alone give a number. Results belong to
   the tape. Cost: one node; for scalars some nanoseconds plus the function itself. Angles are radians. */
#ifndef DZ_POINTWISE_H
#define DZ_POINTWISE_H

#include "dz/tape.h"

#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- the five that are recorded inline ---- */

#ifdef __GNUC__
#define DZ__ALWAYS static inline __attribute__((always_inline))
#define DZ__RARE __attribute__((cold)) /* what leads to its calls is laid out of the way */
#else
#define DZ__ALWAYS static inline
#define DZ__RARE
#endif

/* Asks for the memory so many bytes behind a place, or before it: it comes more slowly than nodes are
   recorded or swept. Only an address, which may lie outside of the array. */
DZ__ALWAYS void dz__fetch(const void *place, intptr_t bytes) {
#ifdef __GNUC__
  __builtin_prefetch((const void *)((uintptr_t)place + (uintptr_t)bytes), 1);
#else
  (void)place;
  (void)bytes;
#endif
}

/* Recording a scalar node; the caller has made sure of room. */
DZ__ALWAYS dz_var dz__push(dz_tape *t, unsigned code, uint32_t a, uint32_t b, double value) {
  dz__cell *p = t->next;
  dz__fetch(p, 4096);
  p->value = value;
  p->word = (uint64_t)b << DZ__B_SHIFT | (uint64_t)code << DZ__CODE_SHIFT | a;
  t->next = p + 1;
  dz_var r;
  r.tape = t;
  r.value = value;
  r.id = t->origin + (uintptr_t)p / sizeof *p;
  return r;
}

/* An active scalar leaf, numbered among its like; the general road is dz_leaf. */
DZ__ALWAYS dz_var dz__active_leaf(dz_tape *t, dz_role role, double value) {
  if (t && t->next < t->end) return dz__push(t, (unsigned)role, t->leaves++, 0, value);
  return dz_leaf(t, role, value);
}

/* A handle without its tape: it goes and comes in registers, where the whole would pass through memory, and a
   chain of operations would wait for that. */
typedef struct dz__made {
  double value;
  uint64_t id;
} dz__made;

DZ__ALWAYS dz__made dz__apart(dz_var x) {
  dz__made r;
  r.value = x.value;
  r.id = x.id;
  return r;
}
DZ__ALWAYS dz_var dz__joined(dz_tape *t, dz__made x) {
  dz_var r;
  r.tape = t;
  r.value = x.value;
  r.id = x.id;
  return r;
}

/* Notes on a poisoned result where its call stood; the identity otherwise. */
DZ_API void dz__locate(dz_var bad, const char *file, int line);
static inline dz_var dz__here(dz_var r, const char *file, int line) {
  if (dz__index(r) == DZ__NONE && (uintptr_t)r.tape > 1) dz__locate(r, file, line);
  return r;
}

/* The general road of two operands: constants, inactive operands, tensors, growth, errors. `op` counts from
 * neg = 0. */
DZ_API DZ__RARE dz__made dz__general2(unsigned op, dz_tape *tx, dz__made x, dz_tape *ty, dz__made y);

/* The tape of what two operands give: that of a node; of numbers alone a number; else none. */
DZ__ALWAYS dz_tape *dz__common(dz_tape *x, dz_tape *y) {
  return (uintptr_t)x > 1 ? x : (uintptr_t)y > 1 ? y : (uintptr_t)x < (uintptr_t)y ? x : y;
}
DZ__ALWAYS dz_var dz__general(unsigned op, dz_var x, dz_var y, const char *file, int line) {
  dz__made r = dz__general2(op, x.tape, dz__apart(x), y.tape, dz__apart(y));
  return dz__here(dz__joined(dz__common(x.tape, y.tape), r), file, line);
}

/* Codes of the inline operations, in the order of the table; constructors.c checks them. */
enum { DZ__CODE_NEG = 5, DZ__CODE_ADD = 7, DZ__CODE_SUB = 13, DZ__CODE_MUL = 19, DZ__CODE_DIV = 25 };

DZ__ALWAYS bool dz__roomy(dz_var x) { return (uintptr_t)x.tape > 1 && x.tape->next < x.tape->end; }
DZ__ALWAYS bool dz__plain1(dz_var x, double *value) { return dz__roomy(x) && dz__plain(x.tape, x, value); }
DZ__ALWAYS bool dz__plain2(dz_var x, dz_var y, double *u, double *v) {
  return DZ__LIKELY(x.tape == y.tape) && dz__plain1(x, u) && dz__plain(x.tape, y, v);
}

DZ__ALWAYS bool dz__is_at(const dz_tape *t, uint32_t k, double value) {
  return memcmp(&t->pool[k], &value, sizeof value) == 0;
}

/* The slot of a number in the constant pool, or DZ__NONE when the pool is full. Literals of a loop are found
   again among the latest two; numbers that the compiler does not know are mostly data, where looking would
   only cost time. */
DZ__ALWAYS uint32_t dz__pooled(dz_tape *t, double value, bool literal) {
  uint32_t k = t->pooled;
  if (literal && k > 0 && dz__is_at(t, k - 1, value)) return k - 1;
  if (literal && k > 1 && dz__is_at(t, k - 2, value)) return k - 2;
  if (k >= t->pool_cap) return DZ__NONE;
  t->pool[k] = value;
  t->pooled = k + 1;
  return k;
}

#ifdef __GNUC__
#define DZ__LITERAL(x) __builtin_constant_p(x)
#else
#define DZ__LITERAL(x) true
#endif

/* Where the compiler may reorder arithmetic or divide by multiplying (-ffast-math; clang does not tell of
   -funsafe-math-optimizations alone), the library computes: what is recorded is IEEE's everywhere. */
#if defined __FAST_MATH__ || defined __ASSOCIATIVE_MATH__ || defined __RECIPROCAL_MATH__
enum { DZ__LOOSE = 1 };
#else
enum { DZ__LOOSE = 0 };
#endif

DZ__ALWAYS double dz__arithmetic(unsigned op, double x, double y) {
  return op == 1 ? x + y : op == 2 ? x - y : op == 3 ? x * y : x / y;
}

/* `op` is a constant wherever this is inlined, so one road remains. */
DZ__ALWAYS dz_var dz__binary(unsigned op, unsigned code, dz_var x, dz_var y, const char *file, int line) {
  double u, v;
  uint32_t k;
  if (DZ__LOOSE) return dz__general(op, x, y, file, line);
  if (dz__plain2(x, y, &u, &v))
    return dz__push(x.tape, code, dz__index(x), dz__index(y), dz__arithmetic(op, u, v));
  if (dz_is_number(y) && dz__plain1(x, &u) &&
      (k = dz__pooled(x.tape, dz__number(y), DZ__LITERAL(y.value))) != DZ__NONE)
    return dz__push(x.tape, code + 1, dz__index(x), k, dz__arithmetic(op, u, dz__number(y)));
  if (dz_is_number(x) && dz__plain1(y, &v) &&
      (k = dz__pooled(y.tape, dz__number(x), DZ__LITERAL(x.value))) != DZ__NONE)
    return dz__push(y.tape, code + 2, k, dz__index(y), dz__arithmetic(op, dz__number(x), v));
  return dz__general(op, x, y, file, line);
}

DZ_API dz_var dz_neg(dz_var x);           /* -x */
DZ_API dz_var dz_add(dz_var x, dz_var y); /* x + y */
DZ_API dz_var dz_sub(dz_var x, dz_var y); /* x - y */
DZ_API dz_var dz_mul(dz_var x, dz_var y); /* x y */
DZ_API dz_var dz_div(dz_var x, dz_var y); /* x / y */

/* ---- one operand ---- */

DZ_API dz_var dz_exp(dz_var x);         /* e^x */
DZ_API dz_var dz_exp2(dz_var x);        /* 2^x */
DZ_API dz_var dz_expm1(dz_var x);       /* e^x - 1, accurate near 0 */
DZ_API dz_var dz_gauss(dz_var x);       /* e^(-x^2), accurate in the tails */
DZ_API dz_var dz_log(dz_var x);         /* ln x */
DZ_API dz_var dz_log2(dz_var x);        /* log to base 2 */
DZ_API dz_var dz_log10(dz_var x);       /* log to base 10 */
DZ_API dz_var dz_log1p(dz_var x);       /* ln(1 + x), accurate near 0 */
DZ_API dz_var dz_sqrt(dz_var x);        /* square root; slope +inf at 0 */
DZ_API dz_var dz_cbrt(dz_var x);        /* cube root */
DZ_API dz_var dz_sin(dz_var x);         /* sine of x radians */
DZ_API dz_var dz_cos(dz_var x);         /* cosine of x radians */
DZ_API dz_var dz_tan(dz_var x);         /* tangent of x radians */
DZ_API dz_var dz_asin(dz_var x);        /* arcsine, radians */
DZ_API dz_var dz_acos(dz_var x);        /* arccosine, radians */
DZ_API dz_var dz_atan(dz_var x);        /* arctangent, radians */
DZ_API dz_var dz_sinh(dz_var x);        /* hyperbolic sine */
DZ_API dz_var dz_cosh(dz_var x);        /* hyperbolic cosine */
DZ_API dz_var dz_tanh(dz_var x);        /* hyperbolic tangent */
DZ_API dz_var dz_asinh(dz_var x);       /* inverse hyperbolic sine */
DZ_API dz_var dz_acosh(dz_var x);       /* inverse hyperbolic cosine, x >= 1 */
DZ_API dz_var dz_atanh(dz_var x);       /* inverse hyperbolic tangent, |x| <= 1 */
DZ_API dz_var dz_erf(dz_var x);         /* error function */
DZ_API dz_var dz_erfc(dz_var x);        /* 1 - erf x, accurate in the tail */
DZ_API dz_var dz_lgamma(dz_var x);      /* ln |Gamma(x)| */
DZ_API dz_var dz_tgamma(dz_var x);      /* Gamma(x) */
DZ_API dz_var dz_digamma(dz_var x);     /* d/dx ln Gamma(x) */
DZ_API dz_var dz_sigmoid(dz_var x);     /* 1 / (1 + e^-x) */
DZ_API dz_var dz_log_sigmoid(dz_var x); /* ln sigmoid(x) */
DZ_API dz_var dz_softplus(dz_var x);    /* ln(1 + e^x) */
DZ_API dz_var dz_relu(dz_var x);        /* max(x, 0); slope 0 at 0; NaN stays NaN */
DZ_API dz_var dz_fabs(dz_var x);        /* |x|; slope 0 at 0 */
DZ_API dz_var dz_sign(dz_var x);        /* -1, 0 or 1; slope 0 */
DZ_API dz_var dz_floor(dz_var x);       /* slope 0 */
DZ_API dz_var dz_ceil(dz_var x);        /* slope 0 */
DZ_API dz_var dz_round(dz_var x);       /* halves away from 0, as C; slope 0 */
DZ_API dz_var dz_trunc(dz_var x);       /* slope 0 */
DZ_API dz_var dz_not(dz_var x);         /* 1 where x is 0, else 0; slope 0 */
DZ_API dz_var dz_stop(dz_var x);        /* x, with no gradient: the result is inactive */

/* ---- two operands ---- */

DZ_API dz_var dz_pow(
    dz_var x, dz_var y); /* x^y; the exponent's slope is NaN for x < 0 and is not formed when y is inactive */
DZ_API dz_var dz_xlogy(dz_var x, dz_var y);     /* x ln y, and 0 at x = 0 */
DZ_API dz_var dz_logaddexp(dz_var x, dz_var y); /* ln(e^x + e^y) */
DZ_API dz_var dz_hypot(dz_var x, dz_var y);     /* sqrt(x^2 + y^2), scaled; slopes 0 at (0, 0) */
DZ_API dz_var dz_atan2(dz_var x,
                       dz_var y); /* angle of the point (y, x), radians; x is the ordinate, as in C */
DZ_API dz_var dz_polygamma(dz_var x, dz_var y); /* x-th derivative of digamma at y, x a whole number >= 0 */
DZ_API dz_var dz_fmod(dz_var x, dz_var y);      /* x - y trunc(x/y), C's remainder */
DZ_API dz_var dz_mod(dz_var x, dz_var y);       /* x - y floor(x/y), the sign of y */
DZ_API dz_var dz_copysign(dz_var x, dz_var y);  /* |x| with the sign bit of y */
DZ_API dz_var dz_fmin(dz_var x, dz_var y);      /* smaller, NaN ignored as in C; a tie shares 1/2, 1/2 between
                                                   active operands, 0 against an inactive one */
DZ_API dz_var dz_fmax(dz_var x, dz_var y);      /* larger, likewise */
DZ_API dz_var dz_lt(dz_var x, dz_var y);        /* 1 where x < y, else 0 */
DZ_API dz_var dz_le(dz_var x, dz_var y);        /* 1 where x <= y */
DZ_API dz_var dz_gt(dz_var x, dz_var y);        /* 1 where x > y */
DZ_API dz_var dz_ge(dz_var x, dz_var y);        /* 1 where x >= y */
DZ_API dz_var dz_eq(dz_var x, dz_var y);        /* 1 where x == y */
DZ_API dz_var dz_ne(dz_var x, dz_var y);        /* 1 where x != y */
DZ_API dz_var dz_and(dz_var x, dz_var y);       /* 1 where both are nonzero */
DZ_API dz_var dz_or(dz_var x, dz_var y);        /* 1 where one is nonzero */

/* ---- three operands ---- */

DZ_API dz_var dz_clamp(dz_var x, dz_var lo,
                       dz_var hi); /* x held between lo and hi; slope to x is 0 at the ends */
DZ_API dz_var dz_where(dz_var c, dz_var yes,
                       dz_var no); /* yes where c is nonzero, else no; the other branch carries nothing */

/* The operations of one operand as the macros below call them. */
#define DZ__IN_REGISTERS(name) DZ_API dz__made dz__r_##name(dz_tape *t, dz__made x);
DZ__IN_REGISTERS(neg)
DZ__IN_REGISTERS(exp)
DZ__IN_REGISTERS(exp2)
DZ__IN_REGISTERS(expm1)
DZ__IN_REGISTERS(gauss)
DZ__IN_REGISTERS(log)
DZ__IN_REGISTERS(log2)
DZ__IN_REGISTERS(log10)
DZ__IN_REGISTERS(log1p)
DZ__IN_REGISTERS(sqrt)
DZ__IN_REGISTERS(cbrt)
DZ__IN_REGISTERS(sin)
DZ__IN_REGISTERS(cos)
DZ__IN_REGISTERS(tan)
DZ__IN_REGISTERS(asin)
DZ__IN_REGISTERS(acos)
DZ__IN_REGISTERS(atan)
DZ__IN_REGISTERS(sinh)
DZ__IN_REGISTERS(cosh)
DZ__IN_REGISTERS(tanh)
DZ__IN_REGISTERS(asinh)
DZ__IN_REGISTERS(acosh)
DZ__IN_REGISTERS(atanh)
DZ__IN_REGISTERS(erf)
DZ__IN_REGISTERS(erfc)
DZ__IN_REGISTERS(lgamma)
DZ__IN_REGISTERS(tgamma)
DZ__IN_REGISTERS(digamma)
DZ__IN_REGISTERS(sigmoid)
DZ__IN_REGISTERS(log_sigmoid)
DZ__IN_REGISTERS(softplus)
DZ__IN_REGISTERS(relu)
DZ__IN_REGISTERS(fabs)
DZ__IN_REGISTERS(sign)
DZ__IN_REGISTERS(floor)
DZ__IN_REGISTERS(ceil)
DZ__IN_REGISTERS(round)
DZ__IN_REGISTERS(trunc)
DZ__IN_REGISTERS(not )
DZ__IN_REGISTERS(stop)

#ifdef __cplusplus
}
#endif

/* In C the names below also take plain numbers, and remember the call's place for errors. */
#ifndef __cplusplus
DZ__ALWAYS double dz__value_of(dz_var x) {
  return (uintptr_t)x.tape > 1 && x.id >= x.tape->first ? x.value : dz_value(x);
}
#define dz_value(x) dz__value_of(x)
static inline dz_var dz__same(dz_var x) { return x; }
#define DZ__V(x) (_Generic((x), dz_var : dz__same, default : dz_num)(x))
#define DZ__HERE(r) dz__here(r, __FILE__, __LINE__)

DZ__ALWAYS dz_var dz__one(dz__made (*f)(dz_tape *, dz__made), dz_var x, const char *file, int line) {
  return dz__here(dz__joined(x.tape, f(x.tape, dz__apart(x))), file, line);
}
DZ__ALWAYS dz_var dz__negative(dz_var x, const char *file, int line) {
  double u;
  if (!DZ__LOOSE && dz__plain1(x, &u)) return dz__push(x.tape, DZ__CODE_NEG, dz__index(x), 0, -u);
  return dz__one(dz__r_neg, x, file, line);
}
#define DZ__ONE(name, x) dz__one(dz__r_##name, DZ__V(x), __FILE__, __LINE__)

#define dz_input(t, value) dz__active_leaf(t, DZ_ROLE_INPUT, value)
#define dz_param(t, value) dz__active_leaf(t, DZ_ROLE_PARAM, value)

#define dz_neg(x) dz__negative(DZ__V(x), __FILE__, __LINE__)
#define dz_add(x, y) dz__binary(1, DZ__CODE_ADD, DZ__V(x), DZ__V(y), __FILE__, __LINE__)
#define dz_sub(x, y) dz__binary(2, DZ__CODE_SUB, DZ__V(x), DZ__V(y), __FILE__, __LINE__)
#define dz_mul(x, y) dz__binary(3, DZ__CODE_MUL, DZ__V(x), DZ__V(y), __FILE__, __LINE__)
#define dz_div(x, y) dz__binary(4, DZ__CODE_DIV, DZ__V(x), DZ__V(y), __FILE__, __LINE__)

#define dz_exp(x) DZ__ONE(exp, x)
#define dz_exp2(x) DZ__ONE(exp2, x)
#define dz_expm1(x) DZ__ONE(expm1, x)
#define dz_gauss(x) DZ__ONE(gauss, x)
#define dz_log(x) DZ__ONE(log, x)
#define dz_log2(x) DZ__ONE(log2, x)
#define dz_log10(x) DZ__ONE(log10, x)
#define dz_log1p(x) DZ__ONE(log1p, x)
#define dz_sqrt(x) DZ__ONE(sqrt, x)
#define dz_cbrt(x) DZ__ONE(cbrt, x)
#define dz_sin(x) DZ__ONE(sin, x)
#define dz_cos(x) DZ__ONE(cos, x)
#define dz_tan(x) DZ__ONE(tan, x)
#define dz_asin(x) DZ__ONE(asin, x)
#define dz_acos(x) DZ__ONE(acos, x)
#define dz_atan(x) DZ__ONE(atan, x)
#define dz_sinh(x) DZ__ONE(sinh, x)
#define dz_cosh(x) DZ__ONE(cosh, x)
#define dz_tanh(x) DZ__ONE(tanh, x)
#define dz_asinh(x) DZ__ONE(asinh, x)
#define dz_acosh(x) DZ__ONE(acosh, x)
#define dz_atanh(x) DZ__ONE(atanh, x)
#define dz_erf(x) DZ__ONE(erf, x)
#define dz_erfc(x) DZ__ONE(erfc, x)
#define dz_lgamma(x) DZ__ONE(lgamma, x)
#define dz_tgamma(x) DZ__ONE(tgamma, x)
#define dz_digamma(x) DZ__ONE(digamma, x)
#define dz_sigmoid(x) DZ__ONE(sigmoid, x)
#define dz_log_sigmoid(x) DZ__ONE(log_sigmoid, x)
#define dz_softplus(x) DZ__ONE(softplus, x)
#define dz_relu(x) DZ__ONE(relu, x)
#define dz_fabs(x) DZ__ONE(fabs, x)
#define dz_sign(x) DZ__ONE(sign, x)
#define dz_floor(x) DZ__ONE(floor, x)
#define dz_ceil(x) DZ__ONE(ceil, x)
#define dz_round(x) DZ__ONE(round, x)
#define dz_trunc(x) DZ__ONE(trunc, x)
#define dz_not(x) DZ__ONE(not, x)
#define dz_stop(x) DZ__ONE(stop, x)
#define dz_pow(x, y) DZ__HERE(dz_pow(DZ__V(x), DZ__V(y)))
#define dz_xlogy(x, y) DZ__HERE(dz_xlogy(DZ__V(x), DZ__V(y)))
#define dz_logaddexp(x, y) DZ__HERE(dz_logaddexp(DZ__V(x), DZ__V(y)))
#define dz_hypot(x, y) DZ__HERE(dz_hypot(DZ__V(x), DZ__V(y)))
#define dz_atan2(x, y) DZ__HERE(dz_atan2(DZ__V(x), DZ__V(y)))
#define dz_polygamma(x, y) DZ__HERE(dz_polygamma(DZ__V(x), DZ__V(y)))
#define dz_fmod(x, y) DZ__HERE(dz_fmod(DZ__V(x), DZ__V(y)))
#define dz_mod(x, y) DZ__HERE(dz_mod(DZ__V(x), DZ__V(y)))
#define dz_copysign(x, y) DZ__HERE(dz_copysign(DZ__V(x), DZ__V(y)))
#define dz_fmin(x, y) DZ__HERE(dz_fmin(DZ__V(x), DZ__V(y)))
#define dz_fmax(x, y) DZ__HERE(dz_fmax(DZ__V(x), DZ__V(y)))
#define dz_lt(x, y) DZ__HERE(dz_lt(DZ__V(x), DZ__V(y)))
#define dz_le(x, y) DZ__HERE(dz_le(DZ__V(x), DZ__V(y)))
#define dz_gt(x, y) DZ__HERE(dz_gt(DZ__V(x), DZ__V(y)))
#define dz_ge(x, y) DZ__HERE(dz_ge(DZ__V(x), DZ__V(y)))
#define dz_eq(x, y) DZ__HERE(dz_eq(DZ__V(x), DZ__V(y)))
#define dz_ne(x, y) DZ__HERE(dz_ne(DZ__V(x), DZ__V(y)))
#define dz_and(x, y) DZ__HERE(dz_and(DZ__V(x), DZ__V(y)))
#define dz_or(x, y) DZ__HERE(dz_or(DZ__V(x), DZ__V(y)))
#define dz_clamp(x, lo, hi) DZ__HERE(dz_clamp(DZ__V(x), DZ__V(lo), DZ__V(hi)))
#define dz_where(c, yes, no) DZ__HERE(dz_where(DZ__V(c), DZ__V(yes), DZ__V(no)))
#endif
#endif
