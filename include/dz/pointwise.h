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

#ifdef __cplusplus
extern "C" {
#endif

/* ---- the five that are recorded inline ---- */

#ifdef __GNUC__
#define DZ__ALWAYS static inline __attribute__((always_inline))
#else
#define DZ__ALWAYS static inline
#endif

/* Recording a scalar node; the caller has made sure of room. */
DZ__ALWAYS dz_var dz__push(dz_tape *t, unsigned code, uint32_t a, uint32_t b, double value) {
  uint32_t i = t->n;
  t->value[i] = value;
  t->arg[i].a = a;
  t->arg[i].b = b;
  t->code[i] = (uint8_t)code;
  t->n = i + 1;
  dz_var r;
  r.tape = t;
  r.id = t->fresh + i;
  return r;
}

/* The general roads: constants, inactive operands, tensors, growth, errors. `op` counts from neg = 0. */
DZ_API dz_var dz__general1(unsigned op, dz_var x, const char *file, int line);
DZ_API dz_var dz__general2(unsigned op, dz_var x, dz_var y, const char *file, int line);

/* Codes of the inline operations, in the order of the table; record.c checks them. */
enum { DZ__CODE_NEG = 5, DZ__CODE_ADD = 7, DZ__CODE_SUB = 13, DZ__CODE_MUL = 19, DZ__CODE_DIV = 25 };

DZ__ALWAYS bool dz__plain1(dz_var x) {
  return (uintptr_t)x.tape > 1 && x.tape->n < x.tape->cap && dz__plain(x.tape, x);
}
DZ__ALWAYS bool dz__plain2(dz_var x, dz_var y) {
  return x.tape == y.tape && dz__plain1(x) && dz__plain(x.tape, y);
}

/* The slot of a number in the constant pool, or DZ__NONE when the pool is full or the slot is not at hand. */
DZ__ALWAYS uint32_t dz__pooled(dz_tape *t, double value) {
  uint32_t k = t->pooled;
  if (k > 0 && memcmp(&t->pool[k - 1], &value, sizeof value) == 0) return k - 1;
  if (k > 1 && memcmp(&t->pool[k - 2], &value, sizeof value) == 0) return k - 2;
  if (k >= t->pool_cap) return DZ__NONE;
  t->pool[k] = value;
  t->pooled = k + 1;
  return k;
}

DZ__ALWAYS double dz__arithmetic(unsigned op, double x, double y) {
  return op == 1 ? x + y : op == 2 ? x - y : op == 3 ? x * y : x / y;
}

/* `op` is a constant wherever this is inlined, so one road remains. */
DZ__ALWAYS dz_var dz__binary(unsigned op, unsigned code, dz_var x, dz_var y, const char *file, int line) {
  uint32_t k;
  if (dz__plain2(x, y)) {
    const double *v = x.tape->value;
    return dz__push(x.tape, code, dz__index(x), dz__index(y),
                    dz__arithmetic(op, v[dz__index(x)], v[dz__index(y)]));
  }
  if (dz_is_number(y) && dz__plain1(x) && (k = dz__pooled(x.tape, dz__number(y))) != DZ__NONE)
    return dz__push(x.tape, code + 1, dz__index(x), k,
                    dz__arithmetic(op, x.tape->value[dz__index(x)], dz__number(y)));
  if (dz_is_number(x) && dz__plain1(y) && (k = dz__pooled(y.tape, dz__number(x))) != DZ__NONE)
    return dz__push(y.tape, code + 2, k, dz__index(y),
                    dz__arithmetic(op, dz__number(x), y.tape->value[dz__index(y)]));
  return dz__general2(op, x, y, file, line);
}

DZ__ALWAYS dz_var dz__negative(dz_var x, const char *file, int line) {
  if (dz__plain1(x)) return dz__push(x.tape, DZ__CODE_NEG, dz__index(x), 0, -x.tape->value[dz__index(x)]);
  return dz__general1(0, x, file, line);
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

/* Notes on a poisoned result where its call stood; the identity otherwise. */
DZ_API void dz__locate(dz_var bad, const char *file, int line);
static inline dz_var dz__here(dz_var r, const char *file, int line) {
  if (dz__index(r) == DZ__NONE && (uintptr_t)r.tape > 1) dz__locate(r, file, line);
  return r;
}

#ifdef __cplusplus
}
#endif

/* In C the names below also take plain numbers, and remember the call's place for errors. */
#ifndef __cplusplus
static inline dz_var dz__same(dz_var x) { return x; }
#define DZ__V(x) (_Generic((x), dz_var : dz__same, default : dz_num)(x))
#define DZ__HERE(r) dz__here(r, __FILE__, __LINE__)

#define dz_neg(x) dz__negative(DZ__V(x), __FILE__, __LINE__)
#define dz_add(x, y) dz__binary(1, DZ__CODE_ADD, DZ__V(x), DZ__V(y), __FILE__, __LINE__)
#define dz_sub(x, y) dz__binary(2, DZ__CODE_SUB, DZ__V(x), DZ__V(y), __FILE__, __LINE__)
#define dz_mul(x, y) dz__binary(3, DZ__CODE_MUL, DZ__V(x), DZ__V(y), __FILE__, __LINE__)
#define dz_div(x, y) dz__binary(4, DZ__CODE_DIV, DZ__V(x), DZ__V(y), __FILE__, __LINE__)

#define dz_exp(x) DZ__HERE(dz_exp(DZ__V(x)))
#define dz_exp2(x) DZ__HERE(dz_exp2(DZ__V(x)))
#define dz_expm1(x) DZ__HERE(dz_expm1(DZ__V(x)))
#define dz_gauss(x) DZ__HERE(dz_gauss(DZ__V(x)))
#define dz_log(x) DZ__HERE(dz_log(DZ__V(x)))
#define dz_log2(x) DZ__HERE(dz_log2(DZ__V(x)))
#define dz_log10(x) DZ__HERE(dz_log10(DZ__V(x)))
#define dz_log1p(x) DZ__HERE(dz_log1p(DZ__V(x)))
#define dz_sqrt(x) DZ__HERE(dz_sqrt(DZ__V(x)))
#define dz_cbrt(x) DZ__HERE(dz_cbrt(DZ__V(x)))
#define dz_sin(x) DZ__HERE(dz_sin(DZ__V(x)))
#define dz_cos(x) DZ__HERE(dz_cos(DZ__V(x)))
#define dz_tan(x) DZ__HERE(dz_tan(DZ__V(x)))
#define dz_asin(x) DZ__HERE(dz_asin(DZ__V(x)))
#define dz_acos(x) DZ__HERE(dz_acos(DZ__V(x)))
#define dz_atan(x) DZ__HERE(dz_atan(DZ__V(x)))
#define dz_sinh(x) DZ__HERE(dz_sinh(DZ__V(x)))
#define dz_cosh(x) DZ__HERE(dz_cosh(DZ__V(x)))
#define dz_tanh(x) DZ__HERE(dz_tanh(DZ__V(x)))
#define dz_asinh(x) DZ__HERE(dz_asinh(DZ__V(x)))
#define dz_acosh(x) DZ__HERE(dz_acosh(DZ__V(x)))
#define dz_atanh(x) DZ__HERE(dz_atanh(DZ__V(x)))
#define dz_erf(x) DZ__HERE(dz_erf(DZ__V(x)))
#define dz_erfc(x) DZ__HERE(dz_erfc(DZ__V(x)))
#define dz_lgamma(x) DZ__HERE(dz_lgamma(DZ__V(x)))
#define dz_tgamma(x) DZ__HERE(dz_tgamma(DZ__V(x)))
#define dz_digamma(x) DZ__HERE(dz_digamma(DZ__V(x)))
#define dz_sigmoid(x) DZ__HERE(dz_sigmoid(DZ__V(x)))
#define dz_log_sigmoid(x) DZ__HERE(dz_log_sigmoid(DZ__V(x)))
#define dz_softplus(x) DZ__HERE(dz_softplus(DZ__V(x)))
#define dz_relu(x) DZ__HERE(dz_relu(DZ__V(x)))
#define dz_fabs(x) DZ__HERE(dz_fabs(DZ__V(x)))
#define dz_sign(x) DZ__HERE(dz_sign(DZ__V(x)))
#define dz_floor(x) DZ__HERE(dz_floor(DZ__V(x)))
#define dz_ceil(x) DZ__HERE(dz_ceil(DZ__V(x)))
#define dz_round(x) DZ__HERE(dz_round(DZ__V(x)))
#define dz_trunc(x) DZ__HERE(dz_trunc(DZ__V(x)))
#define dz_not(x) DZ__HERE(dz_not(DZ__V(x)))
#define dz_stop(x) DZ__HERE(dz_stop(DZ__V(x)))
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
