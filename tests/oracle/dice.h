/* Random numbers by counting: the n-th number of a seed is a hash of both, so that every graph of a run can
   be made again alone from its seed. Bytes that are given are drawn before: so a fuzzer chooses. */
#ifndef DZ_TESTS_ORACLE_DICE_H
#define DZ_TESTS_ORACLE_DICE_H

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct dice {
  uint64_t seed, thrown;
  const uint8_t *given;
  size_t left; /* of them */
} dice;

static inline uint64_t dice_mix(uint64_t x) {
  x = (x ^ x >> 32) * 0xd6e8feb86659fd93;
  x = (x ^ x >> 29) * 0xa0761d6478bd642f;
  return x ^ x >> 32;
}

static inline uint64_t dice_next(dice *d) {
  if (d->left > 0) {
    d->left--;
    return *d->given++ * UINT64_C(0x0101010101010101);
  }
  return dice_mix(dice_mix(d->seed * 0x9e3779b97f4a7c15 + 1) + ++d->thrown * 0xbf58476d1ce4e5b9);
}

static inline int dice_below(dice *d, int n) { return (int)((dice_next(d) >> 32) % (uint64_t)n); }

/* True p times in 100. */
static inline bool dice_percent(dice *d, int p) { return dice_below(d, 100) < p; }

static inline double dice_between(dice *d, double low, double high) {
  return low + (high - low) * ((double)(dice_next(d) >> 11) * 0x1p-53);
}

#endif
