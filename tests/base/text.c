/* Number text against glibc's strtod and printf in the C locale (correctly rounded, and no code in common),
 * and UTF-8. */
#include "dz/text.h"
#include "base/utf8.h"
#include "suite.h"

#include <fenv.h>
#include <float.h>
#include <locale.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#ifdef __SSE2__
#include <xmmintrin.h>
#endif

static uint64_t bits_of(double x) {
  uint64_t bits;
  memcpy(&bits, &x, sizeof bits);
  return bits;
}

static double from_bits(uint64_t bits) {
  double x;
  memcpy(&x, &bits, sizeof x);
  return x;
}

static uint64_t next_random(uint64_t *state) {
  uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));
  z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
  z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
  return z ^ (z >> 31);
}

static double random_finite(uint64_t *state) {
  for (;;) {
    const uint64_t bits = next_random(state);
    if ((bits >> 52 & 0x7ff) != 0x7ff) return from_bits(bits);
  }
}

/* Reads the text from a block of exactly its size, so that a sanitizer sees a step beyond it. */
static size_t read_exact(const char *text, double *value, dz_number_kind *kind) {
  const size_t n = strlen(text);
  char *copy = malloc(n ? n : 1);
  if (!copy) abort();
  memcpy(copy, text, n);
  const size_t used = dz_number_read(copy, n, value, kind);
  free(copy);
  return used;
}

/* The same characters and the same bits as strtod; the text starts with a digit or a point. */
static void same_as_strtod(const char *text) {
  char *end;
  double value;
  dz_number_kind kind;
  const double expected = strtod(text, &end);
  const size_t used = read_exact(text, &value, &kind);
  if (used != (size_t)(end - text) || bits_of(value) != bits_of(expected))
    ck_abort_msg("'%.80s' (%zu): read %zu characters as %a, strtod %td as %a", text, strlen(text), used,
                 value, end - text, expected);
  const bool hex = used > 2 && (text[1] | 0x20) == 'x';
  const size_t first = hex ? 2 + strcspn(text + 2, "123456789abcdefABCDEF") : strcspn(text, "123456789");
  const bool lost = expected == 0 && first < used && first < strcspn(text, hex ? "pP" : "eE");
  const dz_number_kind right = used == 0         ? DZ_NUMBER_NONE
                               : isinf(expected) ? DZ_NUMBER_OVERFLOW
                               : lost            ? DZ_NUMBER_UNDERFLOW
                                                 : DZ_NUMBER_OK;
  if (kind != right) ck_abort_msg("'%.80s': kind %d, not %d", text, kind, right);
}

/* What dz should write for the text of a %.*e conversion: zeros at the end dropped, plain from 1e-4 to below
 * 1e16. */
static void house_form(const char *scientific, char *out) {
  char digits[64];
  int n = 0, e = 0;
  const char *mark = strchr(scientific, 'e');
  if (*scientific == '-') {
    *out++ = '-';
    scientific++;
  }
  for (const char *s = scientific; s < mark; s++)
    if (*s != '.') digits[n++] = *s;
  while (n > 1 && digits[n - 1] == '0') n--;
  e = atoi(mark + 1);
  if (e < -4 || e >= 16)
    sprintf(out, "%c%s%.*se%d", digits[0], n > 1 ? "." : "", n - 1, digits + 1, e);
  else if (e < 0)
    sprintf(out, "0.%.*s%.*s", -e - 1, "0000", n, digits);
  else if (e >= n - 1)
    sprintf(out, "%.*s%.*s", n, digits, e - n + 1, "0000000000000000");
  else
    sprintf(out, "%.*s.%.*s", e + 1, digits, n - e - 1, digits + e + 1);
}

START_TEST(read_cases) {
  enum { OK = DZ_NUMBER_OK, NONE = DZ_NUMBER_NONE, OVER = DZ_NUMBER_OVERFLOW, UNDER = DZ_NUMBER_UNDERFLOW };
  static const struct {
    const char *text;
    size_t used;
    double value;
    int kind;
  } cases[] = {
      /* clang-format off */
      {"1", 1, 1, OK}, {".5", 2, 0.5, OK}, {"1.", 2, 1, OK}, {"1e-3", 4, 0.001, OK},
      {"1E+3", 4, 1000, OK}, {"1.e2x", 4, 100, OK}, {"0x1.8p3", 7, 12, OK}, {"0X1.8P-1", 8, 0.75, OK},
      {"0x1F", 4, 31, OK}, {"0xA", 3, 10, OK}, {"0x.8", 4, 0.5, OK}, {"0x1p", 3, 1, OK}, {"0x1p+", 3, 1, OK},
      {"0x", 1, 0, OK}, {"0x.", 1, 0, OK}, {"0xg", 1, 0, OK}, {"0x.p1", 1, 0, OK}, {"2e", 1, 2, OK},
      {"2e+", 1, 2, OK}, {"2e^x", 1, 2, OK}, {"1.2.3", 3, 1.2, OK}, {"1..2", 2, 1, OK}, {"1,5", 1, 1, OK},
      {"1e1.5", 3, 10, OK}, {"", 0, 0, NONE}, {".", 0, 0, NONE}, {".e5", 0, 0, NONE}, {"e5", 0, 0, NONE},
      {"-1", 0, 0, NONE}, {"+1", 0, 0, NONE}, {" 1", 0, 0, NONE}, {"inf", 0, 0, NONE},
      {"nan", 0, 0, NONE}, {"0", 1, 0, OK}, {"0e999999999999", 14, 0, OK},
      {"0x0p99999999999999999999", 24, 0, OK}, {"1e999", 5, HUGE_VAL, OVER},
      {"1e999999999999", 14, HUGE_VAL, OVER}, {"1e99999999999999999999999", 25, HUGE_VAL, OVER},
      {"0x1p1024", 8, HUGE_VAL, OVER}, {"0x1p99999999999999999999", 24, HUGE_VAL, OVER},
      {"1.7976931348623157e308", 22, DBL_MAX, OK}, {"1.7976931348623158e308", 22, DBL_MAX, OK},
      {"1.7976931348623159e308", 22, HUGE_VAL, OVER}, {"0x1.fffffffffffff7fffp1023", 26, DBL_MAX, OK},
      {"0x1.fffffffffffff8p1023", 23, HUGE_VAL, OVER}, {"5e-324", 6, 0x1p-1074, OK},
      {"2.5e-324", 8, 0x1p-1074, OK}, {"2.4e-324", 8, 0, UNDER}, {"1e-400", 6, 0, UNDER},
      {"9007199254740993.0001", 21, 9007199254740994, OK}, /* next to a tie */
      {"1e-999999999999", 15, 0, UNDER},
      {"0x1p-1075", 9, 0, UNDER}, /* half the least: a tie, and 0 is even */
      {"0x1.00000000000000000001p-1075", 30, 0x1p-1074, OK}, {"0x1.8p-1074", 11, 0x1p-1073, OK},
      {"0x1p-1076", 9, 0, UNDER}, {"0x1p-99999999999999999999", 25, 0, UNDER},
      {"2.2250738585072011e-308", 23, 0x0.fffffffffffffp-1022, OK},
      {"2.2250738585072012e-308", 23, 0x1p-1022, OK}, {"9007199254740993", 16, 9007199254740992, OK},
      {"9007199254740995", 16, 9007199254740996, OK},
      {"9007199254740993.00000000000000000000000000001", 46, 9007199254740994, OK},
      /* clang-format on */
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    double value = -1;
    dz_number_kind kind = DZ_NUMBER_OK;
    const size_t used = read_exact(cases[i].text, &value, &kind);
    if (used != cases[i].used || bits_of(value) != bits_of(cases[i].value) || (int)kind != cases[i].kind)
      ck_abort_msg("'%s': read %zu of %zu characters as %a (%a), kind %d (%d)", cases[i].text, used,
                   cases[i].used, value, cases[i].value, kind, cases[i].kind);
  }
  ck_assert_uint_eq(dz_number_read("125", 2, NULL, NULL), 2);
  ck_assert_uint_eq(dz_number_read(NULL, 0, NULL, NULL), 0);
  ck_assert_uint_eq(dz_number_read(NULL, 3, NULL, NULL), 0);
}
END_TEST

START_TEST(read_random_decimals) {
  uint64_t state = 1;
  char text[128];
  for (int i = 0; i < EFFORT(1000000, 100000); i++) {
    const uint64_t r = next_random(&state);
    const int n = 1 + (int)(i % 8 ? r % 20 : r % 60), point = (int)(r >> 8) % (n + 1);
    int at = 0;
    for (int k = 0; k < n; k++) {
      if (k == point) text[at++] = '.';
      text[at++] = (char)('0' + next_random(&state) % 10);
    }
    text[at] = 0;
    if (i % 3) sprintf(text + at, "%c%d", i & 1 ? 'e' : 'E', (int)(r >> 32) % (i % 2 ? 30 : 345));
    same_as_strtod(text);
  }
}
END_TEST

/* Any characters that numbers are made of, so that every way for a literal to end is met. */
START_TEST(read_random_characters) {
  static const char set[] = "0123456789..eexxppEXP+-abf00";
  uint64_t state = 2;
  char text[24];
  for (int i = 0; i < EFFORT(300000, 30000); i++) {
    const int n = 1 + (int)(next_random(&state) % 20);
    for (int k = 0; k < n; k++) text[k] = set[next_random(&state) % (sizeof set - 1)];
    text[n] = 0;
    if (i % 2 && n > 2) memcpy(text, "0x", 2);
    if ((text[0] >= '0' && text[0] <= '9') || text[0] == '.') same_as_strtod(text);
  }
}
END_TEST

#if LDBL_MANT_DIG > DBL_MANT_DIG
static void reads_as(const char *text, uint64_t bits) {
  double value;
  const size_t n = strlen(text), used = read_exact(text, &value, NULL);
  if (used != n || bits_of(value) != bits)
    ck_abort_msg("'%.60s' (%zu): read %zu characters as %a, not %a", text, n, used, value, from_bits(bits));
}

/* The middle of two neighbours, all its digits; just above it; just below it. */
START_TEST(read_halfway) {
  uint64_t state = 3;
  static char text[3000];
  for (int i = 0; i < 20000; i++) {
    uint64_t bits = next_random(&state) >> 1;
    if (i % 4 == 0) bits &= (UINT64_C(1) << (1 + i % 53)) - 1; /* subnormal or least normal */
    if (bits >> 52 == 0x7ff) continue;
    const long double low = from_bits(bits), high = from_bits(bits + 1);
    if (high > (long double)DBL_MAX) continue;
    sprintf(text, "%.1100Le", low + (high - low) / 2);
    char *mark = strchr(text, 'e'), tail[16];
    strcpy(tail, mark);
    reads_as(text, bits + (bits & 1));
    same_as_strtod(text);
    sprintf(mark, "1%s", tail);
    reads_as(text, bits + 1);
    char *last = mark - 1; /* subtract one from the last digit that is not 0 */
    while (*last == '0') *last-- = '9';
    --*last;
    reads_as(text, bits);
  }
}
END_TEST
#endif

START_TEST(read_ten_thousand_digits) {
  enum { DIGITS = 10000 };
  static char text[2 * DIGITS];
  uint64_t state = 4;
  for (int scale = -10330; scale <= 320; scale += 5) {
    for (int k = 0; k < DIGITS; k++) text[k] = (char)('0' + next_random(&state) % 10);
    sprintf(text + DIGITS, "e%d", scale);
    same_as_strtod(text);
  }
  double value;
  dz_number_kind kind;
  memset(text, '0', sizeof text);
  text[0] = '1';
  ck_assert_uint_eq(dz_number_read(text, DIGITS, &value, &kind), DIGITS);
  ck_assert_int_eq(kind, DZ_NUMBER_OVERFLOW);
  memcpy(text + DIGITS + 1, "e-10000", 7); /* 1 and 10000 zeros */
  ck_assert_uint_eq(dz_number_read(text, DIGITS + 8, &value, &kind), DIGITS + 8);
  ck_assert(value == 1 && kind == DZ_NUMBER_OK);
  memset(text, '0', sizeof text);
  text[1] = '.';
  memcpy(text + DIGITS + 1, "1e10000", 7); /* 10000th digit behind the point */
  ck_assert_uint_eq(dz_number_read(text, DIGITS + 8, &value, &kind), DIGITS + 8);
  ck_assert(value == 1 && kind == DZ_NUMBER_OK);
  memset(text, '0', sizeof text);
  memcpy(text, "9007199254740993.", 17); /* the middle between two doubles, decided by the last digit only */
  ck_assert_uint_eq(dz_number_read(text, DIGITS, &value, &kind), DIGITS);
  ck_assert(value == 9007199254740992.0);
  text[DIGITS - 1] = '1';
  ck_assert_uint_eq(dz_number_read(text, DIGITS, &value, &kind), DIGITS);
  ck_assert(value == 9007199254740994.0);
}
END_TEST

START_TEST(write_cases) {
  static const struct {
    double value;
    int digits;
    const char *text;
  } cases[] = {
      /* clang-format off */
      {0, 0, "0"}, {-0.0, 0, "-0"}, {-0.0, 5, "-0"}, {1, 0, "1"}, {-1, 0, "-1"}, {0.1, 0, "0.1"},
      {10.0 / 3, 0, "3.3333333333333335"}, {1e15, 0, "1000000000000000"},
      {9999999999999998, 0, "9999999999999998"}, {1e16, 0, "1e16"}, {1e-4, 0, "0.0001"},
      {1e-5, 0, "1e-5"}, {-1.25e-5, 0, "-1.25e-5"}, {123456.75, 0, "123456.75"}, {1.5e300, 0, "1.5e300"},
      {5e-324, 0, "5e-324"}, {DBL_MAX, 0, "1.7976931348623157e308"},
      {DBL_MIN, 0, "2.2250738585072014e-308"}, {-DBL_MIN, 0, "-2.2250738585072014e-308"},
      {1e23, 0, "1e23"}, /* on the border of the interval that reads as it */
      {9007199254740992, 0, "9007199254740992"},
      {0x1p-44, 0, "5.684341886080802e-14"}, /* two of 16 digits are equally close: the even one */
      {2e-44, 0, "2e-44"}, {0.1, 17, "0.10000000000000001"}, {0.1, 99, "0.10000000000000001"},
      {0.1, -3, "0.1"}, {0.5, 17, "0.5"}, {10.0 / 3, 3, "3.33"}, {123456, 3, "123000"},
      {0.00012345, 2, "0.00012"}, {2.5, 1, "2"}, /* ties go to the even digit */
      {3.5, 1, "4"}, {0.125, 2, "0.12"}, {9.996, 3, "10"}, {99999, 2, "100000"},
      {0.00009999, 2, "0.0001"}, {9.9999999999999999e22, 1, "1e23"}, {9999999999999999.0, 3, "1e16"},
      {HUGE_VAL, 0, "inf"}, {-HUGE_VAL, 4, "-inf"}, {NAN, 0, "nan"}, {-NAN, 0, "nan"},
      /* clang-format on */
  };
  char out[32];
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const size_t n = dz_number_write(cases[i].value, cases[i].digits, out);
    ck_assert_str_eq(out, cases[i].text);
    ck_assert_uint_eq(n, strlen(out));
  }
  ck_assert_uint_eq(dz_number_write(1, 0, NULL), 0);
}
END_TEST

START_TEST(write_digits_as_printf) {
  uint64_t state = 5;
  for (int i = 0; i < EFFORT(1000000, 100000); i++) {
    double x = random_finite(&state);
    if (i % 4 == 1)
      x = ldexp(1 + (double)(next_random(&state) >> 40),
                (int)(next_random(&state) % 60) - 40); /* many ties */
    const int digits = i % 2 ? 1 + (int)(next_random(&state) % 17) : 17;
    char scientific[64], expected[64], out[32];
    snprintf(scientific, sizeof scientific, "%.*e", digits - 1, x);
    house_form(scientific, expected);
    const size_t n = dz_number_write(x, digits, out);
    if (strcmp(out, expected) != 0 || n != strlen(out))
      ck_abort_msg("%a to %d digits: '%s', printf says '%s'", x, digits, out, expected);
  }
}
END_TEST

/* Proves one shortest text: it reads as x; neither of the two decimals with one digit less around x does; of
   the two with its own count of digits it is the nearer one that reads as x. glibc's printf obeys the
   rounding mode, which gives the two. */
static void prove_shortest(double x) {
  char out[32], below[64], above[64], near[64], expected[64];
  dz_number_write(x, 0, out);
  if (strtod(out, NULL) != x) ck_abort_msg("'%s' does not read as %a", out, x);
  int digits = 0, zeros = 0;
  for (const char *s = out; *s && *s != 'e'; s++) {
    if (*s < '0' || *s > '9' || (digits == 0 && *s == '0')) continue;
    digits++;
    zeros = *s == '0' ? zeros + 1 : 0;
  }
  digits -= zeros;
  for (int n = digits - 1; n <= digits; n++) {
    if (n == 0) continue;
    fesetround(FE_DOWNWARD);
    snprintf(below, sizeof below, "%.*e", n - 1, x);
    fesetround(FE_UPWARD);
    snprintf(above, sizeof above, "%.*e", n - 1, x);
    fesetround(FE_TONEAREST);
    const bool reads_below = strtod(below, NULL) == x, reads_above = strtod(above, NULL) == x;
    if (n < digits) {
      if (reads_below || reads_above) ck_abort_msg("'%s' is not the shortest for %a", out, x);
      continue;
    }
    snprintf(near, sizeof near, "%.*e", n - 1, x);
    house_form(reads_below && reads_above ? near : reads_below ? below : above, expected);
    if (strcmp(out, expected) != 0) ck_abort_msg("%a: '%s' is farther than '%s'", x, out, expected);
  }
}

START_TEST(write_shortest) {
  uint64_t state = 6;
  for (int i = 0; i < EFFORT(150000, 15000); i++) prove_shortest(random_finite(&state));
  for (int e = -1074; e < 1024; e++)
    for (int k = -2; k <= 2; k++) {
      const uint64_t bits = bits_of(ldexp(1, e));
      if (k >= 0 || bits > 2) prove_shortest(from_bits(bits + (uint64_t)(int64_t)k));
    }
  for (int i = 1; i < 20000; i++) {
    prove_shortest(i / 100.0);
    prove_shortest(from_bits((uint64_t)i)); /* the least subnormals */
  }
}
END_TEST

START_TEST(there_and_back) {
  uint64_t state = 7;
  for (int i = 0; i < EFFORT(1000000, 100000); i++) {
    const double x =
        fabs(i % 2 ? random_finite(&state) : (double)next_random(&state) / (double)(1 + i % 1000));
    char out[32];
    double back;
    const size_t n = dz_number_write(x, 0, out);
    const size_t used = dz_number_read(out, n, &back, NULL);
    if (used != n || bits_of(back) != bits_of(x) || bits_of(strtod(out, NULL)) != bits_of(x))
      ck_abort_msg("%a: '%s' reads as %a", x, out, back);
  }
}
END_TEST

/* Texts and values made in round-to-nearest must come out again under every other setting. */
static void under_setting(int rounding, unsigned control) {
  enum { COUNT = 2000 };
  static char text[COUNT][32], digits[COUNT][32];
  static uint64_t bits[COUNT];
  uint64_t state = 8;
  for (int i = 0; i < COUNT; i++) {
    bits[i] = bits_of(random_finite(&state)) & (i % 3 ? INT64_MAX : INT64_MAX >> 11); /* or subnormal */
    snprintf(text[i], sizeof text[i], "%.17g", from_bits(bits[i]));
    char scientific[64];
    snprintf(scientific, sizeof scientific, "%.9e", from_bits(bits[i]));
    house_form(scientific, digits[i]);
  }
  int wrong = 0;
  fesetround(rounding);
#ifdef __SSE2__
  const unsigned before = _mm_getcsr();
  _mm_setcsr(before | control);
#else
  (void)control;
#endif
  for (int i = 0; i < COUNT; i++) {
    double value, back;
    char out[32];
    dz_number_read(text[i], strlen(text[i]), &value, NULL);
    wrong += bits_of(value) != bits[i];
    dz_number_read(out, dz_number_write(value, 0, out), &back, NULL);
    wrong += bits_of(back) != bits[i];
    dz_number_write(value, 10, out);
    wrong += strcmp(out, digits[i]) != 0;
  }
#ifdef __SSE2__
  _mm_setcsr(before);
#endif
  fesetround(FE_TONEAREST);
  ck_assert_int_eq(wrong, 0);
}

START_TEST(rounding_mode_and_flushing) {
  static const int modes[] = {FE_TONEAREST, FE_DOWNWARD, FE_UPWARD, FE_TOWARDZERO};
  for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
    under_setting(modes[i], 0);
    under_setting(modes[i], 0x8040); /* flush to zero, denormals are zero */
  }
}
END_TEST

/* Only where a locale with a decimal comma is installed. */
START_TEST(comma_locale) {
  static const char *const names[] = {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8",
                                      "de_DE",       "fr_FR",      "ru_RU.UTF-8"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (setlocale(LC_ALL, names[i]) && strcmp(localeconv()->decimal_point, ",") == 0) {
      double value;
      char out[32];
      ck_assert_uint_eq(dz_number_read("1.5", 3, &value, NULL), 3);
      ck_assert(value == 1.5);
      ck_assert_uint_eq(dz_number_read("1,5", 3, &value, NULL), 1);
      dz_number_write(1234567.5, 0, out);
      ck_assert_str_eq(out, "1234567.5");
    }
  setlocale(LC_ALL, "C");
}
END_TEST

#if LDBL_MANT_DIG > DBL_MANT_DIG
#define IN_LONG_DOUBLE ONCE(read_halfway),
#else
#define IN_LONG_DOUBLE
#endif
SUITE(IN_LONG_DOUBLE ONCE(read_cases), ONCE(read_random_decimals), ONCE(read_random_characters),
      ONCE(read_ten_thousand_digits), ONCE(write_cases), ONCE(write_digits_as_printf), ONCE(write_shortest),
      ONCE(there_and_back), ONCE(rounding_mode_and_flushing), ONCE(comma_locale))
