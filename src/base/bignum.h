/* Unsigned integers of fixed room: just enough arithmetic to read and write doubles exactly. */
#ifndef DZ_BASE_BIGNUM_H
#define DZ_BASE_BIGNUM_H

#include <stdbool.h>
#include <stdint.h>

/* Room for the largest integers that occur: 5^1110 (2578 bits), and a number as long divided by it with a
   quotient of 64 bits (2578 + 64 + 31 bits, the last so that the divisor's top bit can be brought to the top
   of its limb). */
enum { DZ__BIG_LIMBS = 88 };

/* The value is the sum of limb[i] * 2^(32 i) for i < n; limb[n - 1] != 0, and n = 0 for zero. Limbs from n on
 * are not set. */
typedef struct dz__big {
  int n;
  uint32_t limb[DZ__BIG_LIMBS];
} dz__big;

void dz__big_set(dz__big *x, uint64_t value);
/* x = x m + a, with m > 0 */
void dz__big_step(dz__big *x, uint32_t m, uint32_t a);
/* x = x 5^k, k >= 0 */
void dz__big_times_5(dz__big *x, int k);
/* product = x m, with m > 0; product must not be x */
void dz__big_times(dz__big *product, const dz__big *x, uint64_t m);
/* x = x 2^bits, bits >= 0 */
void dz__big_shift(dz__big *x, int bits);
/* The position of the highest bit set, counted from 1; 0 for zero. */
int dz__big_bits(const dz__big *x);

/* floor(x / 2^bits), and whether something is left over. Negative bits multiply. The result must be below
 * 2^64. */
uint64_t dz__big_drop(const dz__big *x, int bits, bool *rest);
/* floor(x / y), and whether something is left over. The result must be below 2^64, and y > 0. Spoils x and y.
 */
uint64_t dz__big_divide(dz__big *x, dz__big *y, bool *rest);

#endif
