#include "derive/revolve.h"

#include "base/never.h"

#include <stdint.h>

/* b is not 0. */
static size_t times(size_t a, size_t b) { return a > SIZE_MAX / b ? SIZE_MAX : a * b; }

/* a b / d without the product, which may not fit: the quotient is whole. */
static size_t scaled(size_t a, size_t b, size_t d) {
  size_t whole = a / d, rest = a % d, most = times(whole, b);
  /* Each a here is C(b - 1, d - 1), d < b: then rest <= whole, and no quotient lies so near to the largest
     number of 32 bits or of 64, which was tried for all that are so large. */
  if (DZ__NEVER(rest > whole) || DZ__NEVER(most < SIZE_MAX && rest * b / d > SIZE_MAX - most))
    return SIZE_MAX;
  return most == SIZE_MAX ? most : most + rest * b / d;
}

/* So many steps can be reversed with c states when none is gone through forward more than r times:
   C(c + r, c). It is asked where that is less than the work, which fits. */
static size_t reach(size_t c, size_t r) {
  size_t low = c < r ? c : r, high = c < r ? r : c, n = 1;
  for (size_t k = 1; k <= low; k++) n = scaled(n, high + k, k);
  return n;
}

/* The least r for which that is enough. */
static size_t repeats(size_t steps, size_t states) {
  size_t r = 0;
  if (steps < 2 || states >= steps - 1) return steps > 1;
  if (states == 1) return steps - 1;
  for (size_t n = 1; n < steps; n = scaled(n, states + r, r)) r++;
  return r;
}

size_t dz__revolve_forwards(size_t steps, size_t states) {
  size_t r = repeats(steps, states);
  if (r == 0) return 0;
  if (states == 1) return steps % 2 ? times(steps, r / 2) : times(steps / 2, r);
  size_t all = times(r, steps);
  return all == SIZE_MAX ? all : all - reach(states + 1, r - 1);
}

/* The work is convex and piecewise linear in the number of steps, with slope r where r repeats are needed. So
   a stride m is best when the steps before m need r - 1 repeats with all states and those after it r with one
   state less. Of these the longest is taken. */
size_t dz__revolve_stride(size_t steps, size_t states) {
  size_t r = repeats(steps, states);
  size_t m = reach(states, r - 1), after = steps - reach(states - 1, r - 1);
  return m < after ? m : after;
}
