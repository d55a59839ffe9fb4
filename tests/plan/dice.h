/* Random numbers by counting (splitmix64). */
#ifndef DZ_TESTS_PLAN_DICE_H
#define DZ_TESTS_PLAN_DICE_H

#include <stdint.h>

typedef struct dice {
  uint64_t state;
} dice;

static inline uint64_t roll(dice *d) {
  uint64_t z = d->state += 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

#endif
