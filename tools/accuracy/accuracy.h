/* How far dz's pointwise operations are from the truth, in ULPs (units in the last place).

   The error of a double d that stands for the real number t is |d - t| / u, u being the distance of
   neighbouring doubles in the binade of t correctly rounded: 2^-1074 among the subnormals, 2^971 above; an
   infinity stands for 2^1024, as does a t beyond it. NaN matches NaN alone.

   Where a function changes sign between poles, or as a sum of opposite terms, u is that of a local scale
   instead, when that is larger than |t|: the largest of the terms whose sum t is. Only these have one:
     logaddexp, value                     |max(x, y)|
     digamma, value; lgamma, slope; x < 0         |psi(1 - x)| + |pi cot(pi x)|
     tgamma, slope; x < 0                         the same times |Gamma(x)|
     polygamma of even order n, value; of odd order n - 1, slope; x < 0     n! / |x - round(x)|^(n + 1) */
#ifndef ACCURACY_H
#define ACCURACY_H

#include <dz/dz.h>

#include <mpfr.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { OPERANDS = 3, VALUE = OPERANDS }; /* quantities of a row: its slopes 0 … 2, and its value */

/* ---- random points ---- */

typedef struct source {
  uint64_t state;
} source;

double uniform(source *s, double low, double high);
/* 10 to a power uniform in low … high. */
double size_between(source *s, double low, double high);
double either_sign(source *s, double x);

/* ---- rows: one for each operation ---- */

typedef struct row {
  const char *name;
  dz_var (*one)(dz_var x);
  dz_var (*two)(dz_var x, dz_var y);
  dz_var (*three)(dz_var x, dz_var y, dz_var w);

  /* The value to the precision of z, one of: MPFR's own function, or one of reference.c's. */
  int (*mpfr_one)(mpfr_ptr z, mpfr_srcptr x, mpfr_rnd_t r);
  int (*mpfr_two)(mpfr_ptr z, mpfr_srcptr x, mpfr_srcptr y, mpfr_rnd_t r);
  void (*value)(mpfr_ptr z, const mpfr_t *x);
  /* Optional: differs from the value by a constant, so that it has the same slopes, and is quicker for them.
   */
  void (*shifted)(mpfr_ptr z, const mpfr_t *x);
  /* For functions with kinks and jumps: sets z to the slope to operand k, NaN where there is none. False: it
     is to be found from differences of values. */
  bool (*slope)(mpfr_ptr z, int k, const mpfr_t *x);
  /* The local scale of the value (k = VALUE) or of a slope; 0 where there is none. */
  void (*scale)(mpfr_ptr z, int k, const mpfr_t *x);

  double low[OPERANDS], high[OPERANDS]; /* open domain; all numbers when both are 0 */
  const double *edges;                  /* points to look at closely, ended by 0 */
  void (*hard)(source *s, double *x);   /* draws a hard point */
  bool (*mend)(double *x);              /* makes a drawn point one of the domain; false: draw another */

  bool whole_period; /* has a part of period 1 */
  bool gamma;        /* of the gamma class: 8 ULP are allowed, not 4 */
  const char *note;  /* what the numbers do not show */
} row;

extern const row accuracy_rows[];
extern const size_t accuracy_row_count;

double allowed_for(const row *r);

/* ---- the truth (reference.c, slope.c, gamma.c) ---- */

void reference_value(const row *r, mpfr_ptr z, const mpfr_t *x);
/* The slope to operand k at the point `at`, right to 2^-70 of itself or 2^-1150. False when it was not found.
   z has NaN where there is no slope. */
bool reference_slope(const row *r, int k, const double *at, mpfr_ptr z);
double ulps(double got, mpfr_srcptr exact, mpfr_srcptr scale);

void ref_gauss(mpfr_ptr z, const mpfr_t *x);
void ref_sigmoid(mpfr_ptr z, const mpfr_t *x);
void ref_softplus(mpfr_ptr z, const mpfr_t *x);
void ref_log_sigmoid(mpfr_ptr z, const mpfr_t *x);
void ref_logaddexp(mpfr_ptr z, const mpfr_t *x);
void ref_xlogy(mpfr_ptr z, const mpfr_t *x);
void ref_erf_shifted(mpfr_ptr z, const mpfr_t *x);
void ref_erfc_shifted(mpfr_ptr z, const mpfr_t *x);
bool slope_pow(mpfr_ptr z, int k, const mpfr_t *x);
void scale_logaddexp(mpfr_ptr z, int k, const mpfr_t *x);

void ref_lgamma(mpfr_ptr z, const mpfr_t *x);
void ref_polygamma(mpfr_ptr z, const mpfr_t *x);
bool slope_polygamma(mpfr_ptr z, int k, const mpfr_t *x);
void scale_digamma(mpfr_ptr z, int k, const mpfr_t *x);
void scale_lgamma(mpfr_ptr z, int k, const mpfr_t *x);
void scale_tgamma(mpfr_ptr z, int k, const mpfr_t *x);
void scale_polygamma(mpfr_ptr z, int k, const mpfr_t *x);

/* kinks.c: value_NAME and slope_NAME; slope_flat is that of all steps. */
typedef void value_of(mpfr_ptr z, const mpfr_t *x);
typedef bool slope_of(mpfr_ptr z, int k, const mpfr_t *x);
value_of value_relu, value_sign, value_copysign, value_mod, value_clamp, value_where;
value_of value_lt, value_le, value_gt, value_ge, value_eq, value_ne, value_and, value_or, value_not;
slope_of slope_flat, slope_relu, slope_fabs, slope_fmod, slope_mod, slope_copysign, slope_fmin, slope_fmax;
slope_of slope_clamp, slope_where;

/* ---- measuring ---- */

typedef struct tally {
  size_t points, over, unknown; /* compared; off by more than 4 ULP; without reference */
  double worst, at[OPERANDS];
} tally;

typedef struct result {
  const row *r;
  int arity;
  tally of[OPERANDS + 1];
  char failed[160]; /* why there are no numbers, or "" */
} result;

/* Fills x[k][0 … n - 1]. */
void draw_points(const row *r, source *s, size_t n, double *const *x);
result measure(const row *r, size_t points, uint64_t seed);
bool holds(const result *r);

typedef enum style { TABLE, JSON, README } style;
void report(const result *r, size_t count, style s);

#endif
