/* Hashing of numbers. */
#ifndef DZ_BASE_HASH_H
#define DZ_BASE_HASH_H

#include <stdint.h>
#include <string.h>

/* The 64 bits of x: apart where the numbers are, and for 0 and -0. */
static inline uint64_t dz__bits(double x) {
  uint64_t u;
  memcpy(&u, &x, sizeof u);
  return u;
}

/* The hash h, gone on with k. Multiplying spreads k upwards only: the shift brings it down again. */
static inline uint64_t dz__mix(uint64_t h, uint64_t k) {
  h = (h ^ k) * 0x9e3779b97f4a7c15u;
  return h ^ h >> 31;
}

#endif
