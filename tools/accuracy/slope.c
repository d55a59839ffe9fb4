/* Slopes from values alone: central differences whose two errors are watched. */
#include "accuracy.h"

enum { TURNS = 40, MOST_BITS = 20000 };

typedef struct differences {
  mpfr_t x[OPERANDS], low, high; /* the point, moved; values there */
  mpfr_t narrow, wide;           /* (f(x + h) - f(x - h)) / 2 h, and the same with 2 h */
  mpfr_t noise;                  /* a bound on what rounding does to them */
  mpfr_t gap, tolerance;
  int overflow; /* the sign of a value that not even MPFR can hold */
} differences;

static void set_precision(differences *d, mpfr_prec_t bits) {
  for (int k = 0; k < OPERANDS; k++) mpfr_set_prec(d->x[k], bits);
  mpfr_set_prec(d->low, bits);
  mpfr_set_prec(d->high, bits);
  mpfr_set_prec(d->narrow, bits);
  mpfr_set_prec(d->wide, bits);
}

static void value_at(const row *r, mpfr_ptr z, const mpfr_t *x) {
  if (r->shifted)
    r->shifted(z, x);
  else
    reference_value(r, z, x);
}

/* out = (f(x + 2^e) - f(x - 2^e)) / 2^(e + 1). Adds to the noise. False where a value is no number. */
static bool difference(const row *r, int k, double at, long e, differences *d, mpfr_ptr out) {
  for (int side = -1; side <= 1; side += 2) {
    mpfr_ptr f = side < 0 ? d->low : d->high;
    mpfr_set_si_2exp(d->x[k], side, e, MPFR_RNDN);
    if (mpfr_add_d(d->x[k], d->x[k], at, MPFR_RNDN)) return false; /* never: the precision is chosen so */
    value_at(r, f, (const mpfr_t *)d->x);
    if (mpfr_nan_p(f)) return false;
    if (mpfr_inf_p(f)) d->overflow = mpfr_sgn(f);
  }
  mpfr_sub(out, d->high, d->low, MPFR_RNDN);
  mpfr_div_2si(out, out, e + 1, MPFR_RNDN);
  for (int side = 0; side < 2; side++) {
    mpfr_ptr f = side ? d->high : d->low;
    mpfr_abs(f, f, MPFR_RNDN);
    mpfr_div_2si(f, f, e + (long)mpfr_get_prec(f) - 2, MPFR_RNDN);
    mpfr_add(d->noise, d->noise, f, MPFR_RNDU);
  }
  return true;
}

/* Both differences at `at` with the step 2^e. */
static bool both(const row *r, int k, const double *at, long e, differences *d) {
  for (int i = 0; i < OPERANDS; i++) mpfr_set_d(d->x[i], at[i], MPFR_RNDN);
  mpfr_set_zero(d->noise, 1);
  d->overflow = 0;
  if (!difference(r, k, at[k], e, d, d->narrow) || !difference(r, k, at[k], e + 1, d, d->wide)) return false;
  mpfr_sub(d->gap, d->wide, d->narrow, MPFR_RNDN);
  mpfr_abs(d->gap, d->gap, MPFR_RNDN);
  return true;
}

/* tolerance = max(2^-relative |slope|, 2^-absolute); whether `error` is within it. */
static bool small(differences *d, mpfr_srcptr error, long relative, long absolute) {
  mpfr_t least;
  mpfr_init2(least, 2);
  mpfr_set_ui_2exp(least, 1, -absolute, MPFR_RNDN);
  mpfr_abs(d->tolerance, d->narrow, MPFR_RNDN);
  mpfr_div_2si(d->tolerance, d->tolerance, relative, MPFR_RNDN);
  mpfr_max(d->tolerance, d->tolerance, least, MPFR_RNDN);
  mpfr_clear(least);
  return mpfr_lessequal_p(error, d->tolerance);
}

/* How many bits `error` is above the tolerance last set. */
static long excess(const differences *d, mpfr_srcptr error) {
  return mpfr_zero_p(error) ? 0 : (long)(mpfr_get_exp(error) - mpfr_get_exp(d->tolerance)) + 1;
}

/* The value at the point itself is more than MPFR can hold. Only functions that grow with |x| get that far.
 */
static bool infinite_at(const row *r, int k, const double *at, differences *d, mpfr_ptr z) {
  mpfr_set_d(d->x[k], at[k], MPFR_RNDN);
  value_at(r, d->low, (const mpfr_t *)d->x);
  mpfr_set_inf(z, mpfr_sgn(d->low) * (at[k] < 0 ? -1 : 1));
  return mpfr_inf_p(d->low);
}

/* The step is 2^-fine of the operand. The narrow difference errs by h^2 f'''/6 + h^4 f^(5)/120 …, the wide
   one by 4 and 16 times as much. So (4 narrow - wide) / 3 errs by the h^4 alone: by about the square of the
   gap between the two, relatively. The gap is brought to 2^-38, the noise to 2^-72. With a step so long that
   the function repeats itself meanwhile, such agreement would be chance, unless the period is a whole number,
   as the steps are powers of two: then they are kept below 1. */
static bool search(const row *r, int k, const double *at, differences *d, mpfr_ptr z) {
  long fine = 28, bits = 128;
  const long own = mpfr_get_exp(d->x[k]), size = r->whole_period && at[k] < 0 && own > 0 ? 0 : own;
  bits += own - size;
  for (int turn = 0; turn < TURNS && bits < MOST_BITS; turn++) {
    set_precision(d, bits);
    const bool values = both(r, k, at, size - fine, d);
    if (d->overflow && infinite_at(r, k, at, d, z)) return true;
    if (!values || d->overflow) { /* a pole or the end of the domain is nearer than the step */
      bits += fine + 2;
      fine = 2 * fine + 2;
      continue;
    }
    const bool quiet = small(d, d->noise, 72, 1160);
    const long louder = quiet ? 0 : excess(d, d->noise);
    mpfr_mul_2ui(d->low, d->noise, 4, MPFR_RNDN);
    const bool drowned = mpfr_lessequal_p(d->gap, d->low); /* the gap says nothing yet */
    if (small(d, d->gap, 38, 1160) || drowned) {
      if (quiet) {
        mpfr_mul_ui(d->narrow, d->narrow, 4, MPFR_RNDN);
        mpfr_sub(d->narrow, d->narrow, d->wide, MPFR_RNDN);
        mpfr_div_ui(z, d->narrow, 3, MPFR_RNDN);
        return true;
      }
      bits += louder + 2;
    } else {
      const long over = excess(d, d->gap), more = over > 34 ? fine + 2 : over / 2 + 2;
      fine += more;
      bits += more;
    }
  }
  return false;
}

bool reference_slope(const row *r, int k, const double *at, mpfr_ptr z) {
  differences d;
  for (int i = 0; i < OPERANDS; i++) {
    mpfr_init2(d.x[i], 53);
    mpfr_set_d(d.x[i], at[i], MPFR_RNDN);
  }
  mpfr_inits2(64, d.low, d.high, d.narrow, d.wide, d.noise, d.gap, d.tolerance, (mpfr_ptr)0);
  const bool found = (r->slope && r->slope(z, k, (const mpfr_t *)d.x)) || search(r, k, at, &d, z);
  for (int i = 0; i < OPERANDS; i++) mpfr_clear(d.x[i]);
  mpfr_clears(d.low, d.high, d.narrow, d.wide, d.noise, d.gap, d.tolerance, (mpfr_ptr)0);
  return found;
}
