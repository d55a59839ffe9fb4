/* Values to any precision, where MPFR has no function of its own, and what an ULP is. */
#include "accuracy.h"

#include <math.h>

void reference_value(const row *r, mpfr_ptr z, const mpfr_t *x) {
  if (r->mpfr_one)
    r->mpfr_one(z, x[0], MPFR_RNDN);
  else if (r->mpfr_two)
    r->mpfr_two(z, x[0], x[1], MPFR_RNDN);
  else
    r->value(z, x);
}

/* Where the double nearest to |a| has its last place: 2^result. */
static long last_place(mpfr_srcptr a) {
  int e;
  const double d = fabs(mpfr_get_d(a, MPFR_RNDN));
  if (isinf(d)) return 1024 - 53;
  frexp(d, &e);
  return (d == 0 || e < -1021 ? -1021 : e) - 53;
}

/* An infinity, and all beyond it, stand for 2^1024. */
static void within_range(mpfr_ptr a) {
  mpfr_t end;
  mpfr_init2(end, 53);
  mpfr_set_si_2exp(end, mpfr_signbit(a) ? -1 : 1, 1024, MPFR_RNDN);
  if (mpfr_cmpabs(a, end) > 0) mpfr_set(a, end, MPFR_RNDN);
  mpfr_clear(end);
}

double ulps(double got, mpfr_srcptr exact, mpfr_srcptr scale) {
  if (mpfr_nan_p(exact)) return isnan(got) ? 0 : INFINITY;
  if (isnan(got)) return INFINITY;
  mpfr_t d, t;
  mpfr_init2(d, 53);
  mpfr_init2(t, mpfr_get_prec(exact));
  const bool scaled = mpfr_cmpabs(scale, exact) > 0;
  mpfr_set_d(d, got, MPFR_RNDN);
  mpfr_set(t, exact, MPFR_RNDN);
  within_range(d);
  within_range(t);
  mpfr_sub(t, t, d, MPFR_RNDN);
  mpfr_mul_2si(t, t, -last_place(scaled ? scale : exact), MPFR_RNDN);
  const double error = fabs(mpfr_get_d(t, MPFR_RNDN));
  mpfr_clears(d, t, (mpfr_ptr)0);
  return error;
}

/* ---- values ---- */

/* e^(-x^2); the exponent has digits to spare. */
void ref_gauss(mpfr_ptr z, const mpfr_t *x) {
  mpfr_t s;
  mpfr_init2(s, mpfr_get_prec(z) + 128);
  mpfr_sqr(s, x[0], MPFR_RNDN);
  mpfr_neg(s, s, MPFR_RNDN);
  mpfr_exp(z, s, MPFR_RNDN);
  mpfr_clear(s);
}

void ref_sigmoid(mpfr_ptr z, const mpfr_t *x) {
  mpfr_t e;
  mpfr_init2(e, mpfr_get_prec(z) + 16);
  mpfr_neg(e, x[0], MPFR_RNDN);
  mpfr_exp(e, e, MPFR_RNDN);
  mpfr_add_ui(e, e, 1, MPFR_RNDN);
  mpfr_ui_div(z, 1, e, MPFR_RNDN);
  mpfr_clear(e);
}

/* ln(e^x + e^y) = most + ln(1 + e^(least - most)). When the sum is near 0 it cancels: by 110 bits or so, as
   neither summand is a power of the other's base. */
static void log_of_sum(mpfr_ptr z, mpfr_srcptr x, mpfr_srcptr y) {
  mpfr_t e;
  mpfr_init2(e, mpfr_get_prec(z) + 200);
  mpfr_srcptr most = mpfr_greater_p(x, y) ? x : y, least = most == x ? y : x;
  mpfr_sub(e, least, most, MPFR_RNDN);
  mpfr_exp(e, e, MPFR_RNDN);
  mpfr_log1p(e, e, MPFR_RNDN);
  mpfr_add(z, most, e, MPFR_RNDN);
  mpfr_clear(e);
}

void ref_logaddexp(mpfr_ptr z, const mpfr_t *x) { log_of_sum(z, x[0], x[1]); }

void scale_logaddexp(mpfr_ptr z, int k, const mpfr_t *x) {
  if (k == VALUE)
    mpfr_max(z, x[0], x[1], MPFR_RNDN);
  else
    mpfr_set_zero(z, 1);
}

void ref_softplus(mpfr_ptr z, const mpfr_t *x) {
  mpfr_t zero;
  mpfr_init2(zero, 2);
  mpfr_set_zero(zero, 1);
  log_of_sum(z, x[0], zero);
  mpfr_clear(zero);
}

void ref_log_sigmoid(mpfr_ptr z, const mpfr_t *x) {
  mpfr_t u[1];
  mpfr_init2(u[0], mpfr_get_prec(x[0]));
  mpfr_neg(u[0], x[0], MPFR_RNDN);
  ref_softplus(z, (const mpfr_t *)u);
  mpfr_neg(z, z, MPFR_RNDN);
  mpfr_clear(u[0]);
}

void ref_xlogy(mpfr_ptr z, const mpfr_t *x) {
  mpfr_t l;
  mpfr_init2(l, mpfr_get_prec(z) + 16);
  mpfr_log(l, x[1], MPFR_RNDN);
  mpfr_mul(z, x[0], l, MPFR_RNDN);
  mpfr_clear(l);
}

/* ---- the same up to a constant ---- */

/* erf x, or erf x - 1 = -erfc x, or erf x + 1 = erfc(-x): what is small. */
void ref_erf_shifted(mpfr_ptr z, const mpfr_t *x) {
  if (mpfr_cmp_d(x[0], .5) < 0 && mpfr_cmp_d(x[0], -.5) > 0) {
    mpfr_erf(z, x[0], MPFR_RNDN);
  } else {
    mpfr_t a;
    mpfr_init2(a, mpfr_get_prec(x[0]));
    mpfr_abs(a, x[0], MPFR_RNDN);
    mpfr_erfc(z, a, MPFR_RNDN);
    if (mpfr_sgn(x[0]) > 0) mpfr_neg(z, z, MPFR_RNDN);
    mpfr_clear(a);
  }
}

void ref_erfc_shifted(mpfr_ptr z, const mpfr_t *x) {
  ref_erf_shifted(z, x);
  mpfr_neg(z, z, MPFR_RNDN);
}

/* ---- far beyond the range of doubles ---- */

/* The slopes y x^(y - 1) and x^y ln x where x^y is some 2^±100000: 0, or infinite of the right sign. The
   other factors are within 2^±3000. */
bool slope_pow(mpfr_ptr z, int k, const mpfr_t *x) {
  if (k == 1 && mpfr_sgn(x[0]) <= 0) {
    mpfr_set_nan(z);
    return true;
  }
  mpfr_t size;
  mpfr_init2(size, 64);
  mpfr_abs(size, x[0], MPFR_RNDN);
  mpfr_log2(size, size, MPFR_RNDN);
  const int log_sign = mpfr_sgn(size);
  mpfr_mul(size, size, x[1], MPFR_RNDN);
  const double power = mpfr_get_d(size, MPFR_RNDN);
  mpfr_clear(size);
  if (fabs(power) < 1e5) return false;
  mpfr_set_inf(z, k ? log_sign : mpfr_sgn(x[1]));
  if (k == 0 && mpfr_sgn(x[0]) < 0) { /* an even power falls for x < 0 */
    mpfr_t half;
    mpfr_init2(half, mpfr_get_prec(x[1]));
    mpfr_div_2ui(half, x[1], 1, MPFR_RNDN);
    if (mpfr_integer_p(half)) mpfr_neg(z, z, MPFR_RNDN);
    mpfr_clear(half);
  }
  if (power < 0) mpfr_set_zero(z, 1);
  return true;
}
