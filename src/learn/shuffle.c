#include "learn/shuffle.h"

#include "base/random.h"
#include "dz/learn.h"

uint64_t dz__below(uint64_t n, uint64_t stream, uint64_t *at) {
  uint64_t excess = (UINT64_MAX - n + 1) % n, z; /* 2^64 mod n */
  do z = dz__bits(stream, (*at)++);
  while (z < excess);
  return z % n;
}

dz_status dz_shuffle(uint64_t seed, uint64_t turn, size_t n, size_t *order) {
  if (!order) return DZ_ERR_ARGUMENT;
  uint64_t at = 0, stream = dz__mix(dz__stream(seed, "order") ^ dz__mix(turn));
  for (size_t i = 0; i < n; i++) order[i] = i;
  for (size_t i = n; i > 1; i--) {
    size_t j = (size_t)dz__below(i, stream, &at), x = order[j];
    order[j] = order[i - 1];
    order[i - 1] = x;
  }
  return DZ_OK;
}
