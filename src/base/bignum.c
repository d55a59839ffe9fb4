#include "base/bignum.h"

#include <string.h>

void dz__big_set(dz__big *x, uint64_t value) {
  x->limb[0] = (uint32_t)value;
  x->limb[1] = (uint32_t)(value >> 32);
  x->n = value >> 32 ? 2 : value ? 1 : 0;
}

void dz__big_step(dz__big *x, uint32_t m, uint32_t a) {
  uint64_t carry = a;
  for (int i = 0; i < x->n; i++) {
    carry += (uint64_t)x->limb[i] * m;
    x->limb[i] = (uint32_t)carry;
    carry >>= 32;
  }
  if (carry) x->limb[x->n++] = (uint32_t)carry;
}

void dz__big_times_5(dz__big *x, int k) {
  static const uint32_t power[] = {1,     5,      25,      125,     625,      3125,      15625,
                                   78125, 390625, 1953125, 9765625, 48828125, 244140625, 1220703125};
  for (; k >= 13; k -= 13) dz__big_step(x, power[13], 0);
  dz__big_step(x, power[k], 0);
}

void dz__big_times(dz__big *product, const dz__big *x, uint64_t m) {
  const uint64_t low = (uint32_t)m, high = m >> 32;
  uint64_t carry = 0; /* always below m, since x's part up to limb i is below 2^(32 (i + 1)) */
  for (int i = 0; i < x->n; i++) {
    const uint64_t a = low * x->limb[i] + (uint32_t)carry;
    product->limb[i] = (uint32_t)a;
    carry = high * x->limb[i] + (carry >> 32) + (a >> 32);
  }
  product->n = x->n;
  for (; carry; carry >>= 32) product->limb[product->n++] = (uint32_t)carry;
}

void dz__big_shift(dz__big *x, int bits) {
  const int limbs = bits / 32, b = bits % 32;
  if (x->n == 0 || bits == 0) return;
  memmove(x->limb + limbs, x->limb, (size_t)x->n * sizeof *x->limb);
  memset(x->limb, 0, (size_t)limbs * sizeof *x->limb);
  x->n += limbs;
  if (b == 0) return;
  uint32_t carry = 0;
  for (int i = limbs; i < x->n; i++) {
    const uint32_t limb = x->limb[i];
    x->limb[i] = limb << b | carry;
    carry = limb >> (32 - b);
  }
  if (carry) x->limb[x->n++] = carry;
}

int dz__big_bits(const dz__big *x) {
  if (x->n == 0) return 0;
  int bits = 32 * (x->n - 1);
  for (uint32_t top = x->limb[x->n - 1]; top; top >>= 1) bits++;
  return bits;
}

static uint32_t limb_at(const dz__big *x, int i) { return i < x->n ? x->limb[i] : 0; }

uint64_t dz__big_drop(const dz__big *x, int bits, bool *rest) {
  *rest = false;
  if (bits <= 0) {
    const uint64_t value = (uint64_t)limb_at(x, 1) << 32 | limb_at(x, 0);
    return bits > -64 ? value << -bits : 0;
  }
  const int first = bits / 32, b = bits % 32;
  for (int i = 0; i < first && i < x->n && !*rest; i++) *rest = x->limb[i] != 0;
  const uint64_t value = (uint64_t)limb_at(x, first + 1) << 32 | limb_at(x, first);
  if (b == 0) return value;
  *rest = *rest || (limb_at(x, first) & ((1u << b) - 1)) != 0;
  return value >> b | (uint64_t)limb_at(x, first + 2) << (64 - b);
}

/* One digit of a long division in base 2^32: returns q = floor(x / y) and leaves the remainder in the n lower
   limbs of x. x has n + 1 limbs and is below 2^32 y; the top bit of y is set, so that the first guess is at
   most 2 too large. */
static uint32_t divide_digit(uint32_t *x, const uint32_t *y, int n) {
  uint64_t q = ((uint64_t)x[n] << 32 | x[n - 1]) / y[n - 1];
  if (q > UINT32_MAX) q = UINT32_MAX;
  uint64_t borrow = 0;
  for (int i = 0; i < n; i++) {
    const uint64_t product = q * y[i] + borrow;
    borrow = (product >> 32) + (x[i] < (uint32_t)product);
    x[i] -= (uint32_t)product;
  }
  bool negative = borrow > x[n];
  while (negative) { /* by less than 2^(32 n), as q times y's top limb is not too large */
    uint64_t carry = 0;
    for (int i = 0; i < n; i++) {
      carry += (uint64_t)x[i] + y[i];
      x[i] = (uint32_t)carry;
      carry >>= 32;
    }
    negative = !carry;
    q--;
  }
  return (uint32_t)q;
}

uint64_t dz__big_divide(dz__big *x, dz__big *y, bool *rest) {
  const int align = (32 - dz__big_bits(y) % 32) % 32, n = y->n;
  dz__big_shift(x, align);
  dz__big_shift(y, align);
  while (x->n < n + 2) x->limb[x->n++] = 0;
  const uint64_t high = divide_digit(x->limb + 1, y->limb, n);
  const uint64_t low = divide_digit(x->limb, y->limb, n);
  *rest = false;
  for (int i = 0; i < n && !*rest; i++) *rest = x->limb[i] != 0;
  return high << 32 | low;
}
