#include "base/random.h"

/* 2^64 over the golden ratio: the distance of splitmix64's states. */
#define GOLDEN UINT64_C(0x9e3779b97f4a7c15)

/* Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014: the finaliser of splitmix64. */
uint64_t dz__mix(uint64_t z) {
  z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
  z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
  return z ^ z >> 31;
}

uint64_t dz__stream(uint64_t seed, const char *name) {
  uint64_t h = dz__mix(seed + GOLDEN);
  for (const char *c = name; *c; c++) h = dz__mix(h ^ (unsigned char)*c) + GOLDEN;
  return h;
}

uint64_t dz__bits(uint64_t stream, uint64_t i) { return dz__mix(stream + (i + 1) * GOLDEN); }

double dz__uniform(uint64_t stream, uint64_t i) { return (double)(dz__bits(stream, i) >> 11) * 0x1p-53; }
