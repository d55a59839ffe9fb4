/* Every pointwise operation once more, in __float128: its value, its slopes as calculus gives them, and how
   fast the slopes change. Nothing here is taken from the library's table. */
#ifndef DZ_TESTS_ORACLE_RULES_H
#define DZ_TESTS_ORACLE_RULES_H

#include "../quad.h"

#include <stdbool.h>

/* Bounds are carried in long double: three digits are enough, but the range must exceed a double's. */
typedef long double wide;

static inline wide size_of(quad x) { return fabsl((wide)x); }

/* The numbers that the tape holds: doubles, or floats where all of this is compiled once more for those.
   NEAR_END is near their end; whole numbers below EXACT_WHOLE are exact, and so are their sums. */
#ifdef ORACLE_FLOATS
typedef float held;
#define ROUNDOFF 0x1p-24L
#define UNDERFLOW 0x1p-149L /* the distance of the smallest ones */
#define NEAR_END 1e34L
#define EXACT_WHOLE 0x1p24L
#else
typedef double held;
#define ROUNDOFF 0x1p-53L
#define UNDERFLOW 0x1p-1074L
#define NEAR_END 1e300L
#define EXACT_WHOLE 0x1p53L
#endif
static inline double as_held(double x) { return (double)(held)x; }

/* clang-format off */
#define ORACLE_UNARY(F)                                                                                      \
  F(neg) F(exp) F(exp2) F(expm1) F(gauss) F(log) F(log2) F(log10) F(log1p) F(sqrt) F(cbrt) F(sin) F(cos)     \
  F(tan) F(asin) F(acos) F(atan) F(sinh) F(cosh) F(tanh) F(asinh) F(acosh) F(atanh) F(erf) F(erfc)           \
  F(lgamma) F(tgamma) F(digamma) F(sigmoid) F(log_sigmoid) F(softplus) F(relu) F(fabs) F(sign) F(floor)      \
  F(ceil) F(round) F(trunc) F(not) F(stop)
#define ORACLE_BINARY(F)                                                                                     \
  F(add) F(sub) F(mul) F(div) F(pow) F(xlogy) F(logaddexp) F(hypot) F(atan2) F(polygamma) F(fmod) F(mod)     \
  F(copysign) F(fmin) F(fmax) F(lt) F(le) F(gt) F(ge) F(eq) F(ne) F(and) F(or)
#define ORACLE_TERNARY(F) F(clamp) F(where)
#define ORACLE_POINTWISE(F) ORACLE_UNARY(F) ORACLE_BINARY(F) ORACLE_TERNARY(F)
/* clang-format on */

/* The operands of one element: x[k] is exact, a double holds it within e[k]. */
typedef struct point {
  quad x[3];
  wide e[3];
  int same[3];    /* operands of one number hold the same double */
  bool given[3];  /* a leaf's: also the sign of a zero is known */
  bool active[3]; /* gradients flow to it */
} point;

typedef enum verdict {
  FINE,
  DOUBT,     /* so near to a kink, jump, pole or branch point that x and its double may differ in kind */
  UNDEFINED, /* NaN, infinite, or too near to overflow */
  NO_ROOM
} verdict;

typedef enum rounds {
  APPROXIMATE, /* `units` roundoffs of the result */
  IEEE,        /* one correct rounding: none at all when a double holds the result */
  NONE         /* the result is an operand, or a whole number */
} rounds;

typedef struct rule {
  quad v, p[3];
  wide h[3][3];      /* at least |second derivative| */
  wide v_scale;      /* what the errors of v and p are relative to, where that is more than |v|, |p| */
  wide p_scale[3];   /* (differences near their zero) */
  wide reach[3];     /* over which the function changes: the distance of the next singularity, or so */
  bool none[3];      /* a structural zero: nothing flows, not even to an infinite slope further down */
  bool unused[3];    /* not even looked at: may be NaN */
  rounds rounding;   /* of v */
  int copy;          /* 1 + k where the result is operand k's double; else 0 */
  bool certain;      /* v is exact whatever the operands' errors are */
  bool exact_slopes; /* no rounding in p */
  int units;
} rule;

/* The rule of an operation by its place in ORACLE_POINTWISE. The caller has cleared *r. */
typedef verdict rule_function(const point *at, rule *r);

/* A difference d of doubles that is known within e: whether its sign is not. */
static inline bool unsure(quad d, wide e) { return e > 0 && size_of(d) <= 2 * e; }

#define DECLARE(name) rule_function rule_##name;
ORACLE_POINTWISE(DECLARE)
#undef DECLARE

#endif
