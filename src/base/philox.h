/* Philox4x32-10: random numbers by counting (Salmon, Moraes, Dror, Shaw: Parallel random numbers: as easy as
   1, 2, 3, 2011). Number i of a stream needs no number before it, so the same come out in any order, on any
   machine and in any number of threads. */
#ifndef DZ_BASE_PHILOX_H
#define DZ_BASE_PHILOX_H

#include <stddef.h>
#include <stdint.h>

typedef struct dz__philox {
  uint32_t word[4];
} dz__philox;

dz__philox dz__philox_block(dz__philox counter, uint32_t key0, uint32_t key1);

/* n numbers of the seed's stream from number `first` on, uniform in [0, 1) with 53 bits each: two from every
   block, whose counter is its number. */
void dz__philox_fill(uint64_t seed, uint64_t first, double *x, size_t n);

#endif
