/* Both directions go through exact integers. A double is m 2^e and a decimal is d 10^k = d 5^k 2^k, so all
   that is needed is a product or a quotient with a power of 5, of which only the top 64 bits and "is anything
   left over?" matter. No floating-point operation takes place, hence no rounding mode can. */
#include "dz/text.h"

#include "base/bignum.h"
#include "base/hash.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define INFINITE (UINT64_C(0x7ff) << 52)

/* ---- reading ---- */

/* Digits kept for an exact decision. The middle between two doubles has at most 768 significant digits, so
   beyond those it matters only whether any digit is not zero. */
enum { DIGITS_KEPT = 780 };

/* The number is (head + rest) base^scale with 0 <= rest < 1, and rest > 0 exactly when `more`. */
typedef struct mantissa {
  uint64_t head;
  int kept; /* significant digits in head */
  bool more;
  int64_t scale;
  size_t used; /* characters; 0 when there is no digit */
} mantissa;

static unsigned digit_value(char c) {
  if (c >= '0' && c <= '9') return (unsigned)(c - '0');
  if (c >= 'a' && c <= 'f') return (unsigned)(c - 'a') + 10;
  if (c >= 'A' && c <= 'F') return (unsigned)(c - 'A') + 10;
  return 16;
}

/* Digits with at most one point among them; the first `room` significant ones go into head. */
static mantissa scan_mantissa(const char *s, size_t n, unsigned base, int room) {
  mantissa d = {0};
  bool point = false, any = false;
  size_t i = 0;
  for (; i < n; i++) {
    if (s[i] == '.' && !point) {
      point = true;
      continue;
    }
    const unsigned digit = digit_value(s[i]);
    if (digit >= base) break;
    any = true;
    if (d.kept < room) {
      d.head = d.head * base + digit;
      d.kept += d.head != 0;
      d.scale -= point;
    } else {
      d.more = d.more || digit != 0;
      d.scale += !point;
    }
  }
  d.used = any ? i : 0;
  return d;
}

/* `e` (or `p`), a sign or none, and digits: returns its length, or 0 if it is not all there. The value stops
   growing at 1e18, which outweighs the digits of any text that fits in memory. */
static size_t scan_exponent(const char *s, size_t n, char mark, int64_t *exponent) {
  size_t i = 0;
  *exponent = 0;
  if (i == n || (s[i] | 0x20) != mark) return 0;
  i++;
  const bool minus = i < n && s[i] == '-';
  if (i < n && (s[i] == '-' || s[i] == '+')) i++;
  if (i == n || digit_value(s[i]) > 9) return 0;
  int64_t e = 0;
  for (; i < n && digit_value(s[i]) <= 9; i++)
    if (e < INT64_C(100000000000000000)) e = e * 10 + (int64_t)digit_value(s[i]);
  *exponent = minus ? -e : e;
  return i;
}

/* The double nearest to (q + rest) 2^e, 0 <= rest < 1, rest > 0 exactly when `more`; as bits. Of q at least
   63 bits are in use unless nothing is left over. */
static uint64_t nearest_double(uint64_t q, int64_t e, bool more) {
  if (q == 0) return 0;
  for (; !(q >> 63); q <<= 1) e--;
  const int64_t top = e + 63; /* the value is in [2^top, 2^(top + 1)) */
  if (top > 1023) return INFINITE;
  const int64_t drop = top >= -1022 ? 11 : 11 - 1022 - top;
  if (drop > 64) return 0;
  uint64_t m = drop == 64 ? 0 : q >> drop;
  const uint64_t rest = q << (64 - drop), half = UINT64_C(1) << 63;
  if (rest > half || (rest == half && (more || (m & 1)))) m++;
  /* A carry out of the mantissa moves into the exponent, where it belongs: up to the least normal number, or
   * to infinity. */
  return top >= -1022 ? ((uint64_t)(top + 1022) << 52) + m : m;
}

/* The first DIGITS_KEPT significant digits of the n characters at s, as x; returns how many there were. */
static int read_long(dz__big *x, const char *s, size_t n, bool *more) {
  int kept = 0;
  uint32_t chunk = 0, unit = 1;
  *more = false;
  dz__big_set(x, 0);
  for (size_t i = 0; i < n; i++) {
    const unsigned digit = digit_value(s[i]);
    if (s[i] == '.' || (kept == 0 && digit == 0)) continue;
    if (kept == DIGITS_KEPT) {
      *more = *more || digit != 0;
      continue;
    }
    kept++;
    chunk = chunk * 10 + digit;
    unit *= 10;
    if (unit == 1000000000) {
      dz__big_step(x, unit, chunk);
      chunk = 0;
      unit = 1;
    }
  }
  dz__big_step(x, unit, chunk);
  return kept;
}

/* The double nearest to the decimal that d was scanned from, times 10^exponent. */
static uint64_t decimal_double(const char *s, const mantissa *d, int64_t exponent) {
  const int64_t point = d->scale + d->kept + exponent; /* the value is in [10^(point - 1), 10^point) */
  if (d->head == 0 || point < -330) return 0;
  if (point > 310) return INFINITE;
  dz__big x, y;
  bool more = false, rest;
  int kept = d->kept;
  if (d->more)
    kept = read_long(&x, s, d->used, &more);
  else
    dz__big_set(&x, d->head);
  const int scale = (int)point - kept;
  if (scale >= 0) {
    dz__big_times_5(&x, scale);
    const int e = dz__big_bits(&x) - 64;
    const uint64_t q = dz__big_drop(&x, e, &rest);
    return nearest_double(q, e + scale,
                          rest); /* digits left out here would put the value above 10^DIGITS_KEPT */
  }
  dz__big_set(&y, 1);
  dz__big_times_5(&y, -scale);
  const int e = dz__big_bits(&x) - dz__big_bits(&y) - 63; /* puts the quotient between 2^62 and 2^64 */
  dz__big_shift(e < 0 ? &x : &y, e < 0 ? -e : e);
  const uint64_t q = dz__big_divide(&x, &y, &rest);
  return nearest_double(q, e + scale, rest || more);
}

static dz_number_kind kind_of(uint64_t bits, const mantissa *d) {
  if (d->used == 0) return DZ_NUMBER_NONE;
  if (bits == INFINITE) return DZ_NUMBER_OVERFLOW;
  return bits == 0 && d->head != 0 ? DZ_NUMBER_UNDERFLOW : DZ_NUMBER_OK;
}

size_t dz_number_read(const char *text, size_t size, double *value, dz_number_kind *kind) {
  int64_t exponent;
  size_t used = 0;
  uint64_t bits = 0;
  mantissa d = {0};
  if (!text) size = 0;
  if (size > 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X'))
    d = scan_mantissa(text + 2, size - 2, 16, 16);
  if (d.used) {
    used = d.used + 2;
    used += scan_exponent(text + used, size - used, 'p', &exponent);
    const int64_t limit = INT64_C(1000000), e = 4 * d.scale + exponent;
    bits = nearest_double(d.head, e > limit ? limit : e < -limit ? -limit : e, d.more);
  } else {
    d = scan_mantissa(text, size, 10, 19);
    used = d.used;
    if (used) {
      used += scan_exponent(text + used, size - used, 'e', &exponent);
      bits = decimal_double(text, &d, exponent);
    }
  }
  if (value) memcpy(value, &bits, sizeof bits);
  if (kind) *kind = kind_of(bits, &d);
  return used;
}

/* ---- writing ---- */

/* A decimal count 10^scale. */
typedef struct decimal {
  uint64_t count;
  int scale;
} decimal;

/* A double m 2^e, and the power of ten that brings it into [10^16, 10^18). */
typedef struct binary {
  uint64_t m;
  int e, k;
  dz__big five; /* 5^|k| */
} binary;

static int digit_count(uint64_t count) {
  int n = 1;
  for (; count >= 10; count /= 10) n++;
  return n;
}

static void split(binary *v, uint64_t bits) {
  const int biased = (int)(bits >> 52 & 0x7ff);
  v->m = bits & ((UINT64_C(1) << 52) - 1);
  v->m |= (uint64_t)(biased != 0) << 52;
  v->e = (biased ? biased : 1) - 1075;
  int top = v->e; /* v < 2^top */
  for (uint64_t m = v->m; m; m >>= 1) top++;
  /* floor(top log10(2)) is floor(log10(v)) or one more. The constant is off by less than 1e-10, and no top
     log10(2) with 0 < |top| < 1100 comes within 1e-4 of a whole number, so the floor is right. */
  const int64_t scaled = top * INT64_C(1292913986); /* log10(2) 2^32 */
  const int64_t one = INT64_C(1) << 32;
  const int64_t power = scaled >= 0 ? scaled / one : -((one - 1 - scaled) / one);
  v->k = 17 - (int)power;
  dz__big_set(&v->five, 1);
  dz__big_times_5(&v->five, v->k < 0 ? -v->k : v->k);
}

/* floor(2 f 2^(e - 2) 10^k), for f around 4 m: the value, or a neighbour's border, in halves of the unit
 * 10^-k. */
static uint64_t half_units(const binary *v, uint64_t f, bool *rest) {
  const int shift = v->e - 1 + v->k;
  dz__big x, y;
  if (v->k >= 0) {
    dz__big_times(&x, &v->five, f);
    return dz__big_drop(&x, -shift, rest);
  }
  y = v->five;
  dz__big_set(&x, f);
  dz__big_shift(&x, shift); /* v >= 10^18 here: e is larger than -k */
  return dz__big_divide(&x, &y, rest);
}

/* (h + rest) / step to the nearest whole number, ties to even; step is even. */
static uint64_t nearest_multiple(uint64_t h, bool rest, uint64_t step) {
  const uint64_t count = h / step, left = h % step, half = step / 2;
  return count + (left > half || (left == half && (rest || (count & 1))));
}

/* The decimal of fewest digits between the borders of what reads as v. A border itself reads as v when m is
 * even. */
static decimal shortest(const binary *v) {
  const uint64_t f = 4 * v->m;
  const bool closed = v->m % 2 == 0;
  /* Below a power of two the doubles lie twice as dense, unless they are subnormal or next to it. */
  const bool near_below = v->m == UINT64_C(1) << 52 && v->e > -1074;
  bool rest_low, rest_high, rest;
  uint64_t low = half_units(v, f - (near_below ? 1 : 2), &rest_low);
  uint64_t high = half_units(v, f + 2, &rest_high);
  const uint64_t value = half_units(v, f, &rest);
  low += rest_low || !closed;
  high -= !rest_high && !closed;
  /* Widen the step while a multiple of it still lies in [low, high]. There is one at 2 half-units: v >= 10^16
     units, and the borders are at least 2^-53 and 2^-54 of it away, 1.6 units in all. */
  decimal d = {0, -v->k};
  uint64_t step = 2, a = (low + 1) / 2, b = high / 2;
  while ((a + 9) / 10 <= b / 10) {
    a = (a + 9) / 10;
    b /= 10;
    step *= 10;
    d.scale++;
  }
  d.count = nearest_multiple(value, rest, step);
  if (d.count < a) d.count++; /* never the other way: the border above is at least as far as the one below */
  return d;
}

static decimal rounded(const binary *v, int count) {
  bool rest;
  const uint64_t value = half_units(v, 4 * v->m, &rest);
  uint64_t step = 2;
  decimal d = {0, -v->k};
  for (int n = digit_count(value / 2); n > count; n--) {
    step *= 10;
    d.scale++;
  }
  d.count = nearest_multiple(value, rest, step);
  while (d.count % 10 == 0) {
    d.count /= 10;
    d.scale++;
  }
  return d;
}

static char *put_zeros(char *p, int n) {
  for (; n > 0; n--) *p++ = '0';
  return p;
}

static char *put_text(char *p, const char *s, int n) {
  memcpy(p, s, (size_t)n);
  return p + n;
}

static char *put_exponent(char *p, int e) {
  const int size = e < 0 ? -e : e;
  *p++ = 'e';
  if (e < 0) *p++ = '-';
  if (size >= 100) *p++ = (char)('0' + size / 100);
  if (size >= 10) *p++ = (char)('0' + size / 10 % 10);
  *p++ = (char)('0' + size % 10);
  return p;
}

static char *put_decimal(char *p, decimal d) {
  char s[20];
  const int n = digit_count(d.count);
  for (int i = n; i-- > 0; d.count /= 10) s[i] = (char)('0' + d.count % 10);
  const int e = d.scale + n - 1; /* the first digit counts 10^e */
  if (e >= -4 && e < 0) return put_text(put_zeros(put_text(p, "0.", 2), -e - 1), s, n);
  if (e >= n - 1 && e < 16) return put_zeros(put_text(p, s, n), e - n + 1);
  const bool plain = e >= 0 && e < 16;
  const int whole = plain ? e + 1 : 1;
  p = put_text(p, s, whole);
  if (n > whole) {
    *p++ = '.';
    p = put_text(p, s + whole, n - whole);
  }
  return plain ? p : put_exponent(p, e);
}

size_t dz_number_write(double value, int digits, char out[32]) {
  char *p = out;
  if (!out) return 0;
  const uint64_t bits = dz__bits(value);
  const uint64_t magnitude = bits << 1 >> 1;
  if (bits >> 63 && magnitude <= INFINITE) *p++ = '-';
  if (magnitude >= INFINITE) {
    p = put_text(p, magnitude == INFINITE ? "inf" : "nan", 3);
  } else if (magnitude == 0) {
    *p++ = '0';
  } else {
    binary v;
    split(&v, magnitude);
    p = put_decimal(p, digits <= 0 ? shortest(&v) : rounded(&v, digits < 17 ? digits : 17));
  }
  *p = 0;
  return (size_t)(p - out);
}
