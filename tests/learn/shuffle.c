/* Orders, and the numbers below n that they are drawn by: each as likely. */
#include "learn/shuffle.h"

#include "dz/learn.h"

#include "suite.h"

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

/* All six orders of three, each as often. */
START_TEST(orders_are_alike) {
  int seen[27] = {0}, orders = 0;
  for (uint64_t turn = 0; turn < 6000; turn++) {
    size_t order[3];
    ck_assert_int_eq(dz_shuffle(1, turn, 3, order), DZ_OK);
    seen[9 * order[0] + 3 * order[1] + order[2]]++;
  }
  for (int k = 0; k < 27; k++) {
    orders += seen[k] > 0;
    ck_assert(seen[k] == 0 || (seen[k] > 1000 - 5 * 29 && seen[k] < 1000 + 5 * 29));
  }
  ck_assert_int_eq(orders, 6);
}
END_TEST

SUITE(ONCE(draws_are_passed_over), ONCE(orders_are_alike))
