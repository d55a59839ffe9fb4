/* Random numbers that are the same in every run: xorshift of 64 bits. A test that wants its own numbers,
 * whatever ran before it in the process, sets `state` first, to anything but 0. */
#ifndef DZ_TESTS_DICE_H
#define DZ_TESTS_DICE_H

#include <stdint.h>

static uint64_t state = 0x9e3779b97f4a7c15u;

static inline uint64_t dice(void) {
  state ^= state << 13;
  state ^= state >> 7;
  return state ^= state << 17;
}

static inline double uniform(double low, double high) {
  return low + (high - low) * ((double)(dice() >> 11) * 0x1p-53);
}

#endif
