/* Orders, and the numbers below n that they are drawn by: each as likely. */
#include "learn/shuffle.h"

#include "dz/learn.h"

#include "suite.h"

#include <string.h>

/* Of n = 3 2^62 a quarter of all draws is passed over. Thirds of 3000 numbers: 1000 each, with a standard
   deviation of 26; those passed over: 1000, with one of 37. */
START_TEST(draws_are_passed_over) {
  const uint64_t third = (uint64_t)1 << 62;
  uint64_t at = 0;
  int in[3] = {0, 0, 0};
  for (int k = 0; k < 3000; k++) {
    const uint64_t z = dz__below(3 * third, 7, &at);
    ck_assert_uint_lt(z, 3 * third);
    in[z / third]++;
  }
  for (int k = 0; k < 3; k++) ck_assert(in[k] > 1000 - 5 * 26 && in[k] < 1000 + 5 * 26);
  ck_assert(at > 4000 - 5 * 37 && at < 4000 + 5 * 37);
}
END_TEST

/* 2^64 is one more than a multiple of 3: of all draws 0 alone is passed over. Where 0 and 1 stand in the
   stream is splitmix64 backwards, by a Python program of a few lines. */
START_TEST(one_draw_is_passed_over) {
  uint64_t at = UINT64_C(0x62ea64d4cf7bd954);
  ck_assert_uint_eq(dz__below(3, 7, &at), UINT64_C(0xe220a8397b1dcdaf) % 3); /* the next */
  ck_assert_uint_eq(at, UINT64_C(0x62ea64d4cf7bd956));
  at = UINT64_C(0x0946b02abd2d525e);
  ck_assert_uint_eq(dz__below(3, 7, &at), 1);
  ck_assert_uint_eq(at, UINT64_C(0x0946b02abd2d525f));
}
END_TEST

/* The order is that of a Python program of a few lines. */
START_TEST(one_order) {
  size_t order[10], again[10], seen[10] = {0};
  dz_shuffle(1, 2, 10, order);
  dz_shuffle(1, 2, 10, again);
  ck_assert(memcmp(order, again, sizeof order) == 0);
  for (int i = 0; i < 10; i++) seen[order[i]]++;
  for (int i = 0; i < 10; i++) ck_assert_uint_eq(seen[i], 1);
  static const size_t expected[10] = {1, 4, 0, 9, 2, 8, 6, 3, 5, 7};
  ck_assert(memcmp(order, expected, sizeof order) == 0);
  dz_shuffle(1, 3, 10, again);
  ck_assert(memcmp(order, again, sizeof order) != 0);
  ck_assert(dz_shuffle(0, 0, 3, NULL) == DZ_ERR_ARGUMENT);
}
END_TEST

/* All six orders of three, each as often: 1000 times, with a standard deviation of 29. Of all together, with
   5 degrees of freedom, a chi-squared above 30.86 has probability 1e-5. */
START_TEST(orders_are_alike) {
  static const uint64_t seeds[] = {1, 5};
  double chi = 0;
  int seen[27] = {0}, orders = 0;
  for (uint64_t turn = 0; turn < 6000; turn++) {
    size_t order[3];
    ck_assert_int_eq(dz_shuffle(seeds[_i], turn, 3, order), DZ_OK);
    seen[9 * order[0] + 3 * order[1] + order[2]]++;
  }
  for (int k = 0; k < 27; k++) {
    orders += seen[k] > 0;
    ck_assert(seen[k] == 0 || (seen[k] > 1000 - 5 * 29 && seen[k] < 1000 + 5 * 29));
    if (seen[k] > 0) chi += (seen[k] - 1000) * (seen[k] - 1000) / 1000.;
  }
  ck_assert(chi < 30.86);
  ck_assert_int_eq(orders, 6);
}
END_TEST

SUITE(ONCE(draws_are_passed_over), ONCE(one_draw_is_passed_over), ONCE(one_order), EACH(orders_are_alike, 2))
