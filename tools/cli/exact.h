/* A scalar graph run again in other arithmetics than double: float, and MPFR to any precision. */
#ifndef DZ_CLI_EXACT_H
#define DZ_CLI_EXACT_H

#include "dz/tape.h"

#include <mpfr.h>

enum { EXACT_INPUTS = 2 };

typedef struct exact exact;

/* The graph of y. Input k is the leaf in[k], where that is a live node; other leaves keep their values. NULL
   when y is made of something else than operations on numbers: *refused says which operation that is. */
exact *exact_of(dz_var y, const dz_var in[EXACT_INPUTS], const char **refused);
void exact_free(exact *g);

size_t exact_operations(const exact *g);
/* Whether y depends on input k. */
int exact_uses(const exact *g, int k);

/* Each operation in double; or rounded to float after each. */
double exact_double(const exact *g, const double in[EXACT_INPUTS]);
double exact_float(const exact *g, const double in[EXACT_INPUTS]);

/* Each operation right to the precision of z; `in` has EXACT_INPUTS numbers. */
void exact_value(exact *g, mpfr_ptr z, const mpfr_t *in);

/* The derivative of g by input 0 at the double x, and its value there, right to 2^-70 of themselves or to
   2^-1150: central differences with a step of 2^(-p/3) in p bits, for p = 256, 512 … until two agree. No rule
   of differentiation enters. */
typedef enum exact_slope_kind {
  EXACT_SLOPE,
  EXACT_KINK,    /* the slopes to the two sides differ, or there is a value on one side only */
  EXACT_OUTSIDE, /* no value here */
  EXACT_UNKNOWN  /* not found with 2^13 bits */
} exact_slope_kind;
exact_slope_kind exact_slope(exact *g, double x, mpfr_ptr slope, mpfr_ptr value);

/* g's value where input 0 is the double x and input 1 is `f` there, in the same manner. False when it was not
   found. */
int exact_claim(exact *g, exact *f, double x, mpfr_ptr z);

/* |got - truth| in units of the last place that a number of so many bits (53, 24) has at truth. */
double exact_ulps(double got, mpfr_srcptr truth, int bits);

#endif
