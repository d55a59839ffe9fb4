/* Quotients and shifts of numbers built from a known answer, with limbs at the ends of their range, where
 * carries go wrong. */
#include "base/bignum.h"
#include "suite.h"

static uint64_t next_random(uint64_t *state) {
  *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
  return *state >> 33;
}

static uint32_t edge_limb(uint64_t *state) {
  static const uint32_t edges[] = {0, 1, 2, 0x7fffffff, 0x80000000, 0x80000001, 0xfffffffe, 0xffffffff};
  return edges[next_random(state) % (sizeof edges / sizeof *edges)];
}

/* x = the sum of n limbs; the top one not 0 */
static void random_big(dz__big *x, int n, uint64_t *state) {
  dz__big_set(x, edge_limb(state) | 1);
  for (int i = 1; i < n; i++) {
    dz__big_shift(x, 32);
    dz__big_step(x, 1, edge_limb(state));
  }
}

START_TEST(a_product_divides_back) {
  uint64_t state = 1;
  for (int i = 0; i < 200000; i++) {
    dz__big x, y;
    bool rest;
    random_big(&y, 1 + i % 5, &state);
    const uint64_t q = (uint64_t)edge_limb(&state) << 32 | edge_limb(&state);
    if (q == 0) continue;
    dz__big_times(&x, &y, q);
    const uint32_t low = y.n > 1 ? UINT32_MAX : y.limb[0] - 1; /* below y */
    const uint32_t r = i % 2 ? low : 0;
    dz__big_step(&x, 1, r);
    const int bits = dz__big_bits(&y);
    const uint64_t got = dz__big_divide(&x, &y, &rest);
    if (got != q || rest != (r != 0))
      ck_abort_msg("case %d, y of %d bits: quotient %llx, not %llx; rest %d of %x", i, bits,
                   (unsigned long long)got, (unsigned long long)q, rest, r);
  }
}
END_TEST

START_TEST(dropping_undoes_shifting) {
  uint64_t state = 2;
  for (int bits = 0; bits <= 2700; bits++) {
    const uint64_t v = (uint64_t)edge_limb(&state) << 32 | edge_limb(&state) | 1;
    dz__big x;
    bool rest;
    dz__big_set(&x, v);
    dz__big_shift(&x, bits);
    ck_assert_uint_eq(dz__big_drop(&x, bits, &rest), v);
    ck_assert(!rest);
    ck_assert_uint_eq(dz__big_drop(&x, bits + 1, &rest), v / 2);
    ck_assert(rest);
    dz__big_step(&x, 1, 1); /* one unit at the far end: left over by any drop, whatever lies between */
    if (bits == 0) continue;
    ck_assert_uint_eq(dz__big_drop(&x, bits, &rest), v);
    ck_assert(rest);
  }
}
END_TEST

START_TEST(powers_of_five) {
  dz__big x;
  bool rest;
  uint64_t five = 1;
  for (int k = 0; k <= 27; k++, five *= 5) { /* 5^27 is the last below 2^64 */
    dz__big_set(&x, 1);
    dz__big_times_5(&x, k);
    ck_assert_uint_eq(dz__big_drop(&x, 0, &rest), five);
    ck_assert_uint_eq(dz__big_drop(&x, -63, &rest), five << 63);
    ck_assert_uint_eq(dz__big_drop(&x, -64, &rest), 0); /* nothing of it is below 2^64 */
  }
  dz__big_set(&x, 1);
  dz__big_times_5(&x, 1111);
  ck_assert_int_eq(dz__big_bits(&x), 2580); /* 1111 log2(5) = 2579.66 */
  dz__big_set(&x, 0);
  dz__big_times_5(&x, 5);
  ck_assert_int_eq(dz__big_bits(&x), 0);
}
END_TEST

START_TEST(nothing_stays_nothing) {
  dz__big x;
  bool rest = true;
  dz__big_set(&x, 0);
  dz__big_shift(&x, 70);
  ck_assert_int_eq(dz__big_bits(&x), 0);
  for (int bits = -70; bits <= 70; bits += 35) {
    ck_assert_uint_eq(dz__big_drop(&x, bits, &rest), 0);
    ck_assert(!rest);
  }
}
END_TEST

#ifdef __SIZEOF_INT128__
__extension__ typedef unsigned __int128 wide;

/* Against the compiler's own division. Divisors whose second limb is large and whose first is just above a
   half make the first guess of a digit two too large. */
START_TEST(quotients_are_the_compilers) {
  uint64_t state = 3;
  for (int i = 0; i < 300000; i++) {
    const uint64_t divisor = (uint64_t)(0x80000000u + next_random(&state) % 3) << 32 | edge_limb(&state);
    const uint64_t high = next_random(&state) % 3 ? divisor - 1 - next_random(&state) % 3 : edge_limb(&state);
    const wide value = (wide)(high % divisor) << 64 | (uint64_t)edge_limb(&state) << 32 | edge_limb(&state);
    dz__big x, y;
    bool rest;
    dz__big_set(&x, (uint64_t)(value >> 64));
    dz__big_shift(&x, 32);
    dz__big_step(&x, 1, (uint32_t)(value >> 32));
    dz__big_shift(&x, 32);
    dz__big_step(&x, 1, (uint32_t)value);
    dz__big_set(&y, divisor);
    const uint64_t got = dz__big_divide(&x, &y, &rest);
    if (got != (uint64_t)(value / divisor) || rest != (value % divisor != 0))
      ck_abort_msg("case %d: quotient %llx, not %llx", i, (unsigned long long)got,
                   (unsigned long long)(value / divisor));
  }
}
END_TEST
#define WIDE_TESTS , ONCE(quotients_are_the_compilers)
#else
#define WIDE_TESTS
#endif

SUITE(ONCE(a_product_divides_back), ONCE(dropping_undoes_shifting), ONCE(powers_of_five),
      ONCE(nothing_stays_nothing) WIDE_TESTS)
