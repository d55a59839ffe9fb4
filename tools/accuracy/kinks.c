/* Functions with kinks and jumps. Where two pieces meet there is no slope here: what dz answers there is
   tested elsewhere. */
#include "accuracy.h"

/* The type of a condition's value; x, y, w are the operands. */
#define CONDITION(name, condition)                                                                           \
  void value_##name(mpfr_ptr z, const mpfr_t *x) { mpfr_set_si(z, (condition) != 0, MPFR_RNDN); }

CONDITION(lt, mpfr_less_p(x[0], x[1]))
CONDITION(le, mpfr_lessequal_p(x[0], x[1]))
CONDITION(gt, mpfr_greater_p(x[0], x[1]))
CONDITION(ge, mpfr_greaterequal_p(x[0], x[1]))
CONDITION(eq, mpfr_equal_p(x[0], x[1]))
CONDITION(ne, !mpfr_equal_p(x[0], x[1]))
CONDITION(and, !mpfr_zero_p(x[0]) && !mpfr_zero_p(x[1]))
CONDITION(or, !mpfr_zero_p(x[0]) || !mpfr_zero_p(x[1]))
CONDITION(not, mpfr_zero_p(x[0]))

static bool set(mpfr_ptr z, long slope) {
  mpfr_set_si(z, slope, MPFR_RNDN);
  return true;
}

static bool none(mpfr_ptr z) {
  mpfr_set_nan(z);
  return true;
}

bool slope_flat(mpfr_ptr z, int k, const mpfr_t *x) {
  (void)k, (void)x;
  return set(z, 0);
}

void value_sign(mpfr_ptr z, const mpfr_t *x) { mpfr_set_si(z, mpfr_sgn(x[0]), MPFR_RNDN); }

bool slope_fabs(mpfr_ptr z, int k, const mpfr_t *x) {
  (void)k;
  return set(z, mpfr_sgn(x[0]));
}

void value_relu(mpfr_ptr z, const mpfr_t *x) {
  mpfr_set_zero(z, 1);
  mpfr_max(z, z, x[0], MPFR_RNDN);
}

bool slope_relu(mpfr_ptr z, int k, const mpfr_t *x) {
  (void)k;
  return set(z, mpfr_sgn(x[0]) > 0);
}

void value_copysign(mpfr_ptr z, const mpfr_t *x) { mpfr_copysign(z, x[0], x[1], MPFR_RNDN); }

bool slope_copysign(mpfr_ptr z, int k, const mpfr_t *x) {
  return set(z, k ? 0 : mpfr_sgn(x[0]) * mpfr_sgn(x[1]));
}

/* ---- remainders ---- */

void value_mod(mpfr_ptr z, const mpfr_t *x) {
  mpfr_fmod(z, x[0], x[1], MPFR_RNDN); /* exact: it has no more digits than an operand */
  if (mpfr_sgn(z) * mpfr_sgn(x[1]) < 0) mpfr_add(z, z, x[1], MPFR_RNDN);
}

/* 1, and minus the quotient rounded as `mode` says: 0 where the remainder is 0, since there it jumps. */
static bool slope_remainder(mpfr_ptr z, int k, const mpfr_t *x, mpfr_rnd_t mode) {
  mpfr_fmod(z, x[0], x[1], MPFR_RNDN);
  if (mpfr_zero_p(z)) return none(z);
  if (k == 0) return set(z, 1);
  mpfr_div(z, x[0], x[1], mode);
  mpfr_rint(z, z, mode);
  mpfr_neg(z, z, MPFR_RNDN);
  return true;
}

bool slope_fmod(mpfr_ptr z, int k, const mpfr_t *x) { return slope_remainder(z, k, x, MPFR_RNDZ); }
bool slope_mod(mpfr_ptr z, int k, const mpfr_t *x) { return slope_remainder(z, k, x, MPFR_RNDD); }

/* ---- choices ---- */

static bool slope_choice(mpfr_ptr z, int k, const mpfr_t *x, int sign) {
  const int order = mpfr_cmp(x[0], x[1]) * sign;
  return order == 0 ? none(z) : set(z, k == (order > 0 ? 0 : 1));
}

bool slope_fmin(mpfr_ptr z, int k, const mpfr_t *x) { return slope_choice(z, k, x, -1); }
bool slope_fmax(mpfr_ptr z, int k, const mpfr_t *x) { return slope_choice(z, k, x, 1); }

/* Which operand clamp(x, low, high) passes on: the upper end rules when the ends cross. */
static int clamped(const mpfr_t *x) {
  if (mpfr_greater_p(x[0], x[2]) || mpfr_greater_p(x[1], x[2])) return 2;
  return mpfr_less_p(x[0], x[1]) ? 1 : 0;
}

void value_clamp(mpfr_ptr z, const mpfr_t *x) { mpfr_set(z, x[clamped(x)], MPFR_RNDN); }

bool slope_clamp(mpfr_ptr z, int k, const mpfr_t *x) {
  if (mpfr_equal_p(x[0], x[1]) || mpfr_equal_p(x[0], x[2]) || mpfr_equal_p(x[1], x[2])) return none(z);
  return set(z, k == clamped(x));
}

void value_where(mpfr_ptr z, const mpfr_t *x) { mpfr_set(z, mpfr_zero_p(x[0]) ? x[2] : x[1], MPFR_RNDN); }

bool slope_where(mpfr_ptr z, int k, const mpfr_t *x) { return set(z, k == (mpfr_zero_p(x[0]) ? 2 : 1)); }
