/* Philox4x32-10 against the vectors that its authors publish with Random123 (kat_vectors), and the order of
   its numbers. */
#include "base/philox.h"

#include "suite.h"

START_TEST(known_answers) {
  static const struct {
    dz__philox counter;
    uint32_t key[2];
    dz__philox block;
  } rows[] = {{{{0, 0, 0, 0}}, {0, 0}, {{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}}},
              {{{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}},
               {0xffffffff, 0xffffffff},
               {{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}}},
              {{{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}},
               {0xa4093822, 0x299f31d0},
               {{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}}}};
  for (size_t i = 0; i < COUNT(rows); i++) {
    dz__philox block = dz__philox_block(rows[i].counter, rows[i].key[0], rows[i].key[1]);
    for (int k = 0; k < 4; k++) ck_assert_uint_eq(block.word[k], rows[i].block.word[k]);
  }
}
END_TEST

/* Number i is half i % 2 of block i / 2, its high word first: 0x6627e8d5e169c58d over 2^64, cut to 53 bits.
 */
START_TEST(numbers_in_order) {
  double x[3];
  dz__philox_fill(0, 0, x, 3);
  ck_assert(x[0] == (double)(UINT64_C(0x6627e8d5e169c58d) >> 11) / 9007199254740992.);
  ck_assert(x[1] == (double)(UINT64_C(0xbc57ac4c9b00dbd8) >> 11) / 9007199254740992.);
  dz__philox next = dz__philox_block((dz__philox){{1, 0, 0, 0}}, 0, 0);
  ck_assert(x[2] == (double)(((uint64_t)next.word[0] << 32 | next.word[1]) >> 11) / 9007199254740992.);
  double far; /* beyond 2^32 blocks */
  dz__philox_fill(0, UINT64_C(3) << 33, &far, 1);
  next = dz__philox_block((dz__philox){{0, 3, 0, 0}}, 0, 0);
  ck_assert(far == (double)(((uint64_t)next.word[0] << 32 | next.word[1]) >> 11) / 9007199254740992.);
  for (uint64_t first = 0; first < 4; first++) /* from any number on: the same */
    for (size_t n = 0; n < 4; n++) {
      double all[8], part[4] = {-1, -1, -1, -1};
      dz__philox_fill(0, 0, all, 8);
      dz__philox_fill(0, first, part, n);
      for (size_t i = 0; i < 4; i++) ck_assert(part[i] == (i < n ? all[first + i] : -1));
    }
}
END_TEST

/* As many numbers as it takes to see a mean or a share that is off: within five standard deviations. */
START_TEST(they_are_uniform) {
  enum { N = 100000 };
  static double x[N];
  double sum = 0, low = 0;
  dz__philox_fill(12345, 0, x, N);
  for (int i = 0; i < N; i++) {
    ck_assert(x[i] >= 0 && x[i] < 1);
    sum += x[i];
    low += x[i] < .25;
  }
  ck_assert(sum / N > .5 - 5 * .00092 && sum / N < .5 + 5 * .00092); /* 1 / sqrt(12 N) */
  ck_assert(low / N > .25 - 5 * .0014 && low / N < .25 + 5 * .0014); /* sqrt(.25 .75 / N) */
}
END_TEST

SUITE(ONCE(known_answers), ONCE(numbers_in_order), ONCE(they_are_uniform))
