/* The gamma class to any precision. Numbers of formulas are Abramowitz and Stegun's. */
#include "accuracy.h"

void ref_lgamma(mpfr_ptr z, const mpfr_t *x) {
  int sign;
  mpfr_lgamma(z, &sign, x[0], MPFR_RNDN);
}

static void factorial(mpfr_ptr z, long n) { mpfr_fac_ui(z, (unsigned long)n, MPFR_RNDN); }

enum { ZETAS = 512 };

/* zeta(2 j) to p bits or more; kept, as each is wanted thousands of times. */
static mpfr_srcptr even_zeta(long j, mpfr_prec_t p) {
  static mpfr_t kept[ZETAS];
  static mpfr_prec_t bits[ZETAS];
  if (bits[j] < p) {
    if (bits[j]) mpfr_clear(kept[j]);
    bits[j] = p < 256 ? 256 : 2 * p;
    mpfr_init2(kept[j], bits[j]);
    mpfr_zeta_ui(kept[j], (unsigned long)(2 * j), MPFR_RNDN);
  }
  return kept[j];
}

/* The sum over k >= 0 of (x + k)^-s for x > 0, s >= 2: the first terms, then Euler's and Maclaurin's 23.1.30,
   with B_2j / (2 j)! = (-1)^(j+1) 2 zeta(2 j) / (2 pi)^2j. Beyond x = m the latter's terms fall to e^(-2 pi
   m). */
static void hurwitz(mpfr_ptr z, long s, mpfr_srcptr x) {
  const mpfr_prec_t p = mpfr_get_prec(z);
  mpfr_t t, sum, power, rising, circle, b;
  mpfr_inits2(p + mpfr_get_prec(x), t, (mpfr_ptr)0);
  mpfr_inits2(p, sum, power, rising, circle, b, (mpfr_ptr)0);
  mpfr_set(t, x, MPFR_RNDN);
  mpfr_set_zero(sum, 1);
  for (; mpfr_cmp_si(t, p / 8 + s) < 0; mpfr_add_ui(t, t, 1, MPFR_RNDN)) {
    mpfr_pow_si(power, t, -s, MPFR_RNDN);
    mpfr_add(sum, sum, power, MPFR_RNDN);
  }
  mpfr_pow_si(power, t, -s, MPFR_RNDN); /* t^-s (t / (s - 1) + 1/2 + the series) */
  mpfr_div_si(z, t, s - 1, MPFR_RNDN);
  mpfr_add_d(z, z, .5, MPFR_RNDN);
  mpfr_si_div(rising, 2 * s, t, MPFR_RNDN); /* 2 s (s + 1) … (s + 2 j - 2) / t^(2 j - 1) / (2 pi)^2j */
  mpfr_const_pi(circle, MPFR_RNDN);
  mpfr_mul_ui(circle, circle, 2, MPFR_RNDN);
  mpfr_sqr(circle, circle, MPFR_RNDN);
  mpfr_div(rising, rising, circle, MPFR_RNDN);
  mpfr_mul(circle, circle, t, MPFR_RNDN);
  mpfr_mul(circle, circle, t, MPFR_RNDN);
  for (long j = 1; j < ZETAS && mpfr_get_exp(rising) > mpfr_get_exp(z) - p; j++) {
    mpfr_mul(b, even_zeta(j, p), rising, MPFR_RNDN);
    if (j % 2)
      mpfr_add(z, z, b, MPFR_RNDN);
    else
      mpfr_sub(z, z, b, MPFR_RNDN);
    mpfr_mul_si(rising, rising, (s + 2 * j - 1) * (s + 2 * j), MPFR_RNDN);
    mpfr_div(rising, rising, circle, MPFR_RNDN);
  }
  mpfr_mul(z, z, power, MPFR_RNDN);
  mpfr_add(z, z, sum, MPFR_RNDN);
  mpfr_clears(t, sum, power, rising, circle, b, (mpfr_ptr)0);
}

/* 6.4.10 for x > 0, n >= 1 */
static void positive(mpfr_ptr z, long n, mpfr_srcptr x) {
  mpfr_t f;
  mpfr_init2(f, mpfr_get_prec(z));
  factorial(f, n);
  hurwitz(z, n + 1, x);
  mpfr_mul(z, z, f, MPFR_RNDN);
  if (n % 2 == 0) mpfr_neg(z, z, MPFR_RNDN);
  mpfr_clear(f);
}

/* x less the nearest whole number */
static void from_nearest(mpfr_ptr r, mpfr_srcptr x) {
  mpfr_rint_round(r, x, MPFR_RNDN);
  mpfr_sub(r, x, r, MPFR_RNDN);
}

enum { MOST_ORDER = 24 };

/* The n-th derivative of pi cot(pi x): a polynomial in c = cot(pi x), since c' = -pi (1 + c^2). */
static void cotangent(mpfr_ptr z, long n, mpfr_srcptr x) {
  mpfr_t p[MOST_ORDER + 2], c, pi, next[MOST_ORDER + 2];
  const mpfr_prec_t bits = mpfr_get_prec(z);
  mpfr_inits2(bits, c, pi, (mpfr_ptr)0);
  for (long i = 0; i <= n + 1; i++) {
    mpfr_inits2(bits, p[i], next[i], (mpfr_ptr)0);
    mpfr_set_ui(p[i], i == 1, MPFR_RNDN);
  }
  for (long m = 0; m < n; m++) {
    for (long i = 0; i <= n + 1; i++) { /* -(1 + c^2) p': its coefficient of c^i */
      mpfr_set_zero(next[i], 1);
      if (i < n + 1) mpfr_mul_si(next[i], p[i + 1], -(i + 1), MPFR_RNDN);
      if (i > 0) {
        mpfr_mul_si(c, p[i - 1], i - 1, MPFR_RNDN);
        mpfr_sub(next[i], next[i], c, MPFR_RNDN);
      }
    }
    for (long i = 0; i <= n + 1; i++) mpfr_swap(p[i], next[i]);
  }
  from_nearest(c, x);
  mpfr_const_pi(pi, MPFR_RNDN);
  mpfr_mul(c, c, pi, MPFR_RNDN);
  mpfr_cot(c, c, MPFR_RNDN);
  mpfr_set_zero(z, 1);
  for (long i = n + 1; i >= 0; i--) {
    mpfr_mul(z, z, c, MPFR_RNDN);
    mpfr_add(z, z, p[i], MPFR_RNDN);
  }
  mpfr_pow_ui(pi, pi, (unsigned long)n + 1, MPFR_RNDN);
  mpfr_mul(z, z, pi, MPFR_RNDN);
  for (long i = 0; i <= n + 1; i++) mpfr_clears(p[i], next[i], (mpfr_ptr)0);
  mpfr_clears(c, pi, (mpfr_ptr)0);
}

/* 6.4.7: psi_n(x) = (-1)^n psi_n(1 - x) - D^n pi cot(pi x). The two may cancel, by less than 2^-100 for
 * doubles. */
static void negative(mpfr_ptr z, long n, mpfr_srcptr x) {
  mpfr_t mirror, cot, u;
  mpfr_inits2(mpfr_get_prec(z) + 160, mirror, cot, (mpfr_ptr)0);
  mpfr_init2(u, mpfr_get_prec(x) + 64);
  mpfr_ui_sub(u, 1, x, MPFR_RNDN);
  positive(mirror, n, u);
  if (n % 2) mpfr_neg(mirror, mirror, MPFR_RNDN);
  cotangent(cot, n, x);
  mpfr_sub(z, mirror, cot, MPFR_RNDN);
  mpfr_clears(mirror, cot, u, (mpfr_ptr)0);
}

void ref_polygamma(mpfr_ptr z, const mpfr_t *x) {
  const long n = mpfr_get_si(x[0], MPFR_RNDN);
  if (n == 0)
    mpfr_digamma(z, x[1], MPFR_RNDN);
  else if (mpfr_sgn(x[1]) > 0)
    positive(z, n, x[1]);
  else if (!mpfr_integer_p(x[1]) && n <= MOST_ORDER)
    negative(z, n, x[1]);
  else
    mpfr_set_nan(z);
}

bool slope_polygamma(mpfr_ptr z, int k, const mpfr_t *x) {
  (void)x;
  mpfr_set_zero(z, 1); /* the order is a whole number */
  return k == 0;
}

/* ---- scales ---- */

/* |psi(1 - x)| + |pi cot(pi x)| for x < 0, else 0 */
static void digamma_terms(mpfr_ptr z, mpfr_srcptr x) {
  mpfr_set_zero(z, 1);
  if (mpfr_sgn(x) >= 0) return;
  mpfr_t u;
  mpfr_init2(u, mpfr_get_prec(x) + 64);
  mpfr_ui_sub(u, 1, x, MPFR_RNDN);
  mpfr_digamma(u, u, MPFR_RNDN);
  cotangent(z, 0, x);
  mpfr_abs(z, z, MPFR_RNDN);
  mpfr_abs(u, u, MPFR_RNDN);
  mpfr_add(z, z, u, MPFR_RNDN);
  mpfr_clear(u);
}

void scale_digamma(mpfr_ptr z, int k, const mpfr_t *x) {
  mpfr_set_zero(z, 1);
  if (k == VALUE) digamma_terms(z, x[0]);
}

void scale_lgamma(mpfr_ptr z, int k, const mpfr_t *x) {
  mpfr_set_zero(z, 1);
  if (k == 0) digamma_terms(z, x[0]);
}

void scale_tgamma(mpfr_ptr z, int k, const mpfr_t *x) {
  mpfr_set_zero(z, 1);
  if (k != 0 || mpfr_sgn(x[0]) > 0) return;
  mpfr_t f;
  mpfr_init2(f, mpfr_get_prec(z));
  digamma_terms(z, x[0]);
  mpfr_gamma(f, x[0], MPFR_RNDN);
  mpfr_abs(f, f, MPFR_RNDN);
  mpfr_mul(z, z, f, MPFR_RNDN);
  mpfr_clear(f);
}

/* n! / |x - round(x)|^(n + 1) for even orders n > 0, x < 0. The slope's order is one more. */
void scale_polygamma(mpfr_ptr z, int k, const mpfr_t *x) {
  const long n = mpfr_get_si(x[0], MPFR_RNDN) + (k == 1);
  mpfr_set_zero(z, 1);
  if (k == 0 || n % 2 || mpfr_sgn(x[1]) > 0) return;
  if (n == 0) {
    digamma_terms(z, x[1]);
    return;
  }
  mpfr_t f;
  mpfr_init2(f, mpfr_get_prec(z));
  from_nearest(z, x[1]);
  mpfr_abs(z, z, MPFR_RNDN);
  mpfr_pow_si(z, z, -n - 1, MPFR_RNDN);
  factorial(f, n);
  mpfr_mul(z, z, f, MPFR_RNDN);
  mpfr_clear(f);
}
