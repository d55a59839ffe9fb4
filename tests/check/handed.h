/* What several tests hand to checks: operations of one's own, and noise. */
#ifndef DZ_TESTS_HANDED_H
#define DZ_TESTS_HANDED_H

#include "base/hash.h"
#include "dz/userop.h"

static inline size_t at_of(const dz_op_array *x, size_t i) { return i % x->size; }

static inline void product(void *user, const dz_op_array *x, size_t n, double *z) {
  (void)user;
  for (size_t i = 0; i < n; i++) z[i] = x[0].data[at_of(&x[0], i)] * x[1].data[at_of(&x[1], i)];
}

static inline void twice(void *user, const dz_op_array *x, size_t n, double *z) {
  (void)user;
  for (size_t i = 0; i < n; i++) z[i] = 2 * x->data[i];
}
static inline void twice_back(void *user, const dz_op_array *x, size_t n, const double *z, const double *g,
                              double *const *ga) {
  (void)user, (void)x, (void)z;
  for (size_t i = 0; ga[0] && i < n; i++) ga[0][i] += 2 * g[i];
}

/* Between -1/2 and 1/2, another number for each bit of x. */
static inline double hash(double x) {
  uint64_t z = dz__bits(x);
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
  return (double)((z ^ z >> 27) * 0x94d049bb133111ebu >> 11) * 0x1p-53 - .5;
}

#endif
