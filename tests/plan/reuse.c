/* Memory that goes from pass to pass: what was given back is taken again, and given up when memory is out. */
#include "failing.h"
#include "suite.h"

#include "plan/reuse.h"

#include <string.h>

enum { MB = 1 << 20 };

static failing held;
static dz_allocator from;
static dz__reuse reuse;

static dz_allocator begin(size_t most) {
  held = (failing){.most = most};
  from = failing_allocator(&held);
  return dz__reuse_begin(&reuse, &from);
}

static void end(void) {
  dz__reuse_end(&reuse);
  ck_assert_uint_eq(held.blocks, 0);
  ck_assert_uint_eq(held.bytes, 0);
}

/* Also for less, and for more: then it grows. */
START_TEST(blocks_are_taken_again) {
  dz_allocator a = begin(0);
  void *x = dz__alloc(&a, 4 * MB), *y = dz__alloc(&a, 2 * MB);
  dz__free(&a, x, 4 * MB);
  ck_assert_ptr_eq(dz__alloc(&a, 3 * MB), x);
  ck_assert_uint_eq(held.calls, 2);
  dz__free(&a, y, 2 * MB);
  void *z = dz__alloc(&a, 3 * MB);
  ck_assert_uint_eq(held.blocks, 2);
  ck_assert_uint_eq(held.bytes, 7 * MB);
  dz__free(&a, z, 3 * MB);
  dz__free(&a, x, 3 * MB);
  ck_assert_uint_eq(held.blocks, 2);
  end();
}
END_TEST

/* Of several, the smallest that is large enough; of those too small, the largest. */
START_TEST(the_best_is_taken) {
  dz_allocator a = begin(0);
  void *x[3];
  for (size_t k = 0; k < 3; k++) x[k] = dz__alloc(&a, (k + 1) * MB);
  for (size_t k = 0; k < 3; k++) dz__free(&a, x[k], (k + 1) * MB);
  ck_assert_ptr_eq(dz__alloc(&a, 3 * MB / 2), x[1]);
  void *y = dz__alloc(&a, 8 * MB);
  ck_assert_uint_eq(held.bytes, 11 * MB);
  ck_assert_ptr_eq(dz__alloc(&a, MB), x[0]);
  dz__free(&a, x[0], MB);
  dz__free(&a, x[1], 3 * MB / 2);
  dz__free(&a, y, 8 * MB);
  end();
}
END_TEST

/* What a block holds stays when it grows, from a small one too, and into a spare one. */
START_TEST(growing_keeps_what_is_there) {
  dz_allocator a = begin(0);
  size_t cap = 0;
  char *p = NULL;
  void *spare = dz__alloc(&a, MB);
  dz__free(&a, spare, MB);
  for (size_t n = 100; n < 4 * MB; n *= 3) {
    ck_assert(dz__grow(&a, (void **)&p, &cap, n, 1));
    if (n == 100) strcpy(p, "still here");
    ck_assert_str_eq(p, "still here");
  }
  dz__free(&a, p, cap);
  end();
}
END_TEST

/* What is kept goes back before a request fails; then it fails cleanly. */
START_TEST(kept_memory_is_given_up) {
  dz_allocator a = begin(8 * MB);
  void *x = dz__alloc(&a, 5 * MB), *y = dz__alloc(&a, MB);
  dz__free(&a, x, 5 * MB);
  x = dz__alloc(&a, 7 * MB);
  ck_assert_ptr_nonnull(x);
  ck_assert_uint_eq(held.bytes, 8 * MB);
  ck_assert_ptr_null(dz__alloc(&a, MB));
  dz__free(&a, y, MB);
  ck_assert_ptr_null(a.resize(a.user, x, 7 * MB, 9 * MB));
  dz__free(&a, x, 7 * MB);
  end();
}
END_TEST

/* A spare block that cannot grow is left, and a fresh one taken; where there is none either, all stays. */
START_TEST(spare_blocks_that_do_not_grow) {
  dz_allocator a = begin(0);
  void *x = dz__alloc(&a, MB), *y = dz__alloc(&a, MB / 16);
  dz__free(&a, x, MB);
  held.only = held.calls + 1;
  void *z = dz__alloc(&a, 3 * MB);
  ck_assert(z != NULL && held.failed == 1);
  dz__free(&a, z, 3 * MB);
  held.at = held.calls + 1;
  ck_assert_ptr_null(a.resize(a.user, y, MB / 16, 9 * MB));
  ck_assert_ptr_null(dz__alloc(&a, 9 * MB));
  dz__free(&a, y, MB / 16);
  end();
}
END_TEST

/* More blocks than it knows are ordinary ones. */
START_TEST(many_blocks) {
  enum { N = DZ__MOST_SPARE + 6 };
  dz_allocator a = begin(0);
  void *x[N];
  for (int k = 0; k < N; k++) x[k] = dz__alloc(&a, MB / 4);
  for (int k = 0; k < N; k++) x[k] = a.resize(a.user, x[k], MB / 4, MB / 2);
  for (int k = 0; k < N; k++) dz__free(&a, x[k], MB / 2);
  ck_assert_uint_eq(held.blocks, DZ__MOST_SPARE);
  end();
}
END_TEST

SUITE(ONCE(blocks_are_taken_again), ONCE(the_best_is_taken), ONCE(growing_keeps_what_is_there),
      ONCE(kept_memory_is_given_up), ONCE(spare_blocks_that_do_not_grow), ONCE(many_blocks))
