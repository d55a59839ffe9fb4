/* Many numbers and texts as one number: for tests of what must stay as it is. With `to`, also line by line.
 */
#ifndef DZ_TESTS_LISTING_H
#define DZ_TESTS_LISTING_H

#include "base/hash.h"
#include "dz/memory.h"
#include "dz/print.h"
#include "dz/tensor.h"
#include "kernels/product.h"

#include <check.h>
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct listing {
  uint64_t sum, texts; /* apart: when a piece of a text is handed on depends on digits that do not count */
  FILE *to;            /* NULL: nowhere */
  int digits, zeros;   /* of the number that a text is in: behind its point, and those at the end */
  bool behind;         /* its point */
} listing;

static inline void list_numbers(listing *l, const char *what, size_t n, const uint64_t *v) {
  for (size_t k = 0; k < n; k++) l->sum = dz__mix(l->sum, v[k]);
  if (!l->to) return;
  fprintf(l->to, "%s", what);
  for (size_t k = 0; k < n; k++) fprintf(l->to, " %" PRIu64, v[k]);
  fprintf(l->to, "\n");
}

/* No number may come from what the call of another one sets: their order is the compiler's. */
#define LIST(l, what, ...)                                                                                   \
  list_numbers(l, what, sizeof((uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t), (uint64_t[]){__VA_ARGS__})

static inline void list_exact(listing *l, const char *what, double x) {
  LIST(l, what, isnan(x) ? 1 : dz__bits(x));
}

/* To some nine digits: others are libm's own. */
static inline void list_double(listing *l, const char *what, double x) {
  int e = 0;
  const double m = isfinite(x) ? frexp(x, &e) : isnan(x) ? 2 : x > 0 ? 3 : 4;
  LIST(l, what, (uint64_t)llround(ldexp(m, 30)), (uint64_t)e);
}

static inline void list_places(listing *l, const char *what, size_t n, const uint32_t *at) {
  LIST(l, what, n);
  for (size_t k = 0; k < n; k++) LIST(l, " ", at[k]);
}

static inline void list_doubles(listing *l, const char *what, size_t n, const double *at) {
  LIST(l, what, n);
  for (size_t k = 0; k < n; k++) list_double(l, " ", at[k]);
}

/* Of the digits behind a point ten count: others are libm's own, in numbers that were computed. */
static inline void list_character(listing *l, unsigned char c) {
  enum { MOST = 10 };
  if (c < '0' || c > '9') {
    l->behind = c == '.';
    l->digits = l->zeros = 0;
  } else if (l->behind && (++l->digits > MOST || c == '0')) {
    l->zeros++;
    return;
  }
  for (; l->zeros > 0; l->zeros--) l->texts = dz__mix(l->texts, '0');
  l->texts = dz__mix(l->texts, c);
}

static inline bool list_text(void *user, const char *text, size_t size) {
  listing *l = user;
  for (size_t k = 0; k < size; k++) list_character(l, (unsigned char)text[k]);
  if (l->to) fwrite(text, 1, size, l->to);
  return true;
}

static inline void list_characters(listing *l, const char *text) { list_text(l, text, strlen(text)); }

static inline void list_formula(listing *l, dz_var y) {
  LIST(l, "formula", dz_valid(y) ? dz_size(y) : 0);
  if (dz_valid(y)) LIST(l, "printed", (uint64_t)dz_print(y, NULL, list_text, l));
}

/* An allocator that lists what is asked for, and what goes back. What nobody has written is no 0, and large
 * as a number. */
static inline void *list_resize(void *user, void *block, size_t old_size, size_t new_size) {
  const dz_allocator a = dz_system_allocator();
  LIST(user, "room", old_size, new_size);
  char *to = a.resize(a.user, block, old_size, new_size);
  if (to && new_size > old_size) memset(to + old_size, 0x41, new_size - old_size);
  return to;
}

static inline dz_allocator list_allocator(listing *l) { return (dz_allocator){list_resize, l}; }

/* With DZ_LISTING set it goes to standard output as well. */
static inline listing list_begin(void) { return (listing){.to = getenv("DZ_LISTING") ? stdout : NULL}; }

/* Whether this processor rounds what is in this text otherwise than that on which sums were kept, which fuses
 * in matrix products. */
static inline bool list_rounds_otherwise(const char *text) {
  static const char *const products[] = {"@", "conv2d", "attention", "mlp"};
  bool any = false;
  for (size_t k = 0; k < sizeof products / sizeof *products; k++) any |= strstr(text, products[k]) != NULL;
  return any && !dz__product_fuses();
}

/* The sum of case k of n is the one that is kept. Or, where the environment says DZ_ACCEPT=DIRECTORY, it is
   written into the file of that name there, one case after another (CK_FORK=no). */
static inline void list_end(const listing *l, const char *file, int k, int n, uint64_t kept) {
  const char *directory = getenv("DZ_ACCEPT");
  const uint64_t sum = dz__mix(l->sum, l->texts);
  if (!directory) {
    if (sizeof(void *) == 8) /* blocks have other sizes where pointers have */
      ck_assert_msg(sum == kept, "%s, number %d: another than it was", file, k);
    return;
  }
  char path[4096];
  snprintf(path, sizeof path, "%s/%s", directory, file);
  FILE *f = fopen(path, k ? "a" : "w");
  ck_assert_msg(f != NULL, "%s", path);
  fprintf(f, "0x%016" PRIx64 "u,%s", sum, k % 6 == 5 || k == n - 1 ? "\n" : " ");
  fclose(f);
}

#endif
