/* Why a gradient is zero, tiny, huge, NaN or infinite: the first use, as the backward sweep meets them, that
   made it so. */
#ifndef DZ_WHY_H
#define DZ_WHY_H

#include "dz/sweep.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum dz_why_kind {
  DZ_WHY_ORDINARY,
  DZ_WHY_ZERO,
  DZ_WHY_TINY, /* less than 2^-20 */
  DZ_WHY_HUGE, /* more than 2^20 */
  DZ_WHY_INFINITE,
  DZ_WHY_NAN
} dz_why_kind;

typedef enum dz_why_cause {
  DZ_WHY_NOTHING,
  DZ_WHY_UNREACHABLE,    /* the result is not made of x */
  DZ_WHY_DETACHED,       /* stop() */
  DZ_WHY_STEP,           /* a comparison, floor, sign …: flat wherever it is defined */
  DZ_WHY_MASK,           /* a switch that is off here: relu of a negative number */
  DZ_WHY_BRANCH,         /* a branch that is not selected */
  DZ_WHY_TIE,            /* at a kink or tie, where 0 is the answer */
  DZ_WHY_ZERO_FACTOR,    /* a product whose other factor is 0 */
  DZ_WHY_FLAT,           /* the slope happens to be exactly 0 at this point: x^2 at 0 */
  DZ_WHY_SATURATION,     /* far out where the function is flat: tanh(20) */
  DZ_WHY_UNDERFLOW,      /* a product of nonzero numbers too small for a double */
  DZ_WHY_CANCELLATION,   /* what arrives by several paths adds up to nothing, or to inf - inf */
  DZ_WHY_LARGE_SUM,      /* what arrives by several paths adds up to more than a double holds */
  DZ_WHY_SMALL_SLOPE,    /* one small factor */
  DZ_WHY_LARGE_SLOPE,    /* one large factor */
  DZ_WHY_VANISHING,      /* many factors below 1 */
  DZ_WHY_EXPLODING,      /* many factors above 1 */
  DZ_WHY_INFINITE_SLOPE, /* sqrt at 0 */
  DZ_WHY_NO_SLOPE,       /* atan2 at (0, 0) */
  DZ_WHY_POLE,           /* a value that is infinite: log(0) */
  DZ_WHY_DOMAIN,         /* a value that is NaN: log(-1) */
  DZ_WHY_INFINITIES,     /* inf/inf, inf - inf in a value */
  DZ_WHY_OVERFLOW,       /* a value, or a product, too large for a double */
  DZ_WHY_ZERO_TIMES_INFINITY,
  DZ_WHY_GIVEN /* a leaf that is itself NaN or infinite */
} dz_why_cause;

typedef struct dz_why_report {
  dz_why_kind kind;
  dz_why_cause cause;
  double gradient; /* of the element of x that is spoken of: the worst (NaN, infinite, zero, tiny, huge) */
  size_t element, alike, elements; /* which one; how many of x's are of this kind; how many it has */
  dz_var node;                     /* the operation, {0} when none is to blame */
  int operand;                     /* through which the gradient would go, or the plain number that was given;
                                      -1: its value is to blame */
  int line, column;                /* as dz_describe */
  double partial, arriving;        /* of that use: its derivative, and the gradient that came to it */
  char code[32];                   /* the cause in one word for programs: "mask", "saturation" … */
  char what[320];                  /* the operation with its operands' values: "relu(t) with t = -2" */
  char message[640];               /* why, in a sentence */
  char suggestion[480];            /* what to write or do instead; "" when there is nothing to say */
} dz_why_report;

typedef struct dz_why_options {
  int digits;                                                /* of numbers in texts; 0: six */
  const char *(*translate)(const char *english, void *user); /* NULL: English */
  void *translate_user;
} dz_why_options;

/* Looks into the gradient of the scalar (or one-element) y by x, a node of its tape. No sweep is needed.
   `options` may be NULL. DZ_ERR_HANDLE, DZ_ERR_SHAPE, DZ_ERR_ARGUMENT (NULL; an operation in C functions on
   the way), DZ_ERR_LIMIT (more than 2^20 uses between x and y, or an operation of more than 64 operands),
   DZ_ERR_MEMORY. Cost: linear in the nodes up to y and in the uses on the way; of each tensor operation, a
   sweep for each element. */
DZ_API dz_status dz_why(dz_var y, dz_var x, const dz_why_options *options, dz_why_report *report);

#ifdef __cplusplus
}
#endif
#endif
