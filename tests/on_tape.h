/* Tests that each have an empty tape of their own, and how they write shapes and numbers. */
#ifndef DZ_TESTS_ON_TAPE_H
#define DZ_TESTS_ON_TAPE_H

#include "dz/tape.h"
#include "failing.h"
#include "suite.h"

static dz_tape *tape;

/* The kind of tape. */
#ifndef NEW_TAPE
#define NEW_TAPE dz_tape_new
#endif

static inline void set_up(void) { tape = NEW_TAPE(NULL); }
static inline void tear_down(void) {
  dz_tape_free(tape);
  tape = NULL;
}

#define SUITE_ON_TAPE(...) SUITE_BETWEEN(set_up, tear_down, __VA_ARGS__)

/* The same again and again, on new tapes: of the allocations of tape and it the first fails, then the
   second, … until none does. Each time the answer is DZ_ERR_MEMORY, and every block is given back. */
static inline void fail_each_allocation(dz_status (*each)(dz_tape *t, const dz_allocator *a, int kind),
                                        int kind) {
  bool done = false;
  for (size_t at = 1; !done; at++) {
    failing f = {.at = at};
    const dz_allocator a = failing_allocator(&f);
    dz_tape *t = NEW_TAPE(&a);
    if (t) {
      const dz_status status = each(t, &a, kind);
      done = status == DZ_OK;
      ck_assert(done == (f.failed == 0) && (done || status == DZ_ERR_MEMORY));
      dz_tape_free(t);
    }
    ck_assert(f.blocks == 0 && f.bytes == 0);
  }
}

/* Two arguments: a rank and its extents; a count and so many numbers. V is the numbers alone. */
#define DIMS(...)                                                                                            \
  (int)(sizeof((size_t[]){__VA_ARGS__}) / sizeof(size_t)), (size_t[]) { __VA_ARGS__ }
#define VALUES(...)                                                                                          \
  sizeof((double[]){__VA_ARGS__}) / sizeof(double), (double[]) { __VA_ARGS__ }
#define V(...)                                                                                               \
  (double[]) { __VA_ARGS__ }

#endif
