/* Numbers that look random, by their place in a stream: number i of a stream depends on nothing else, so that
   they are the same on every machine, in any order. */
#ifndef DZ_BASE_RANDOM_H
#define DZ_BASE_RANDOM_H

#include <stdint.h>

/* A permutation of the 64-bit numbers without a pattern. */
uint64_t dz__mix(uint64_t z);

/* The stream that a seed and a name stand for. */
uint64_t dz__stream(uint64_t seed, const char *name);

/* The i-th number of a stream: all 64 bits, or uniform in [0, 1), a multiple of 2^-53. */
uint64_t dz__bits(uint64_t stream, uint64_t i);
double dz__uniform(uint64_t stream, uint64_t i);

#endif
