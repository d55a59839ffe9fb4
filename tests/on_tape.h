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

typedef dz_status on_new_tape(dz_tape *t, const dz_allocator *a, int kind);

static inline void fail_allocations(on_new_tape *each, int kind, bool alone) {
  bool done = false;
  for (size_t at = 1; !done; at++) {
    failing f = {.at = alone ? 0 : at, .only = alone ? at : 0};
    const dz_allocator a = failing_allocator(&f);
    dz_tape *t = NEW_TAPE(&a);
    if (t) {
      const dz_status status = each(t, &a, kind);
      done = f.failed == 0;
      ck_assert(status == DZ_OK ? done || alone : !done && status == DZ_ERR_MEMORY);
      dz_tape_free(t);
    }
    ck_assert(f.blocks == 0 && f.bytes == 0);
  }
}

/* The same again and again, on new tapes: of the allocations of tape and it the first and all later ones
   fail, then the second and all later ones, … until none does. Each time the answer is DZ_ERR_MEMORY, and
   every block is given back. */
static inline void fail_each_allocation(on_new_tape *each, int kind) { fail_allocations(each, kind, false); }

/* The same where the first alone fails, then the second, …: it may have been a spare. What is made
   nevertheless is whole, as `each` asserts. */
static inline void fail_one_allocation(on_new_tape *each, int kind) { fail_allocations(each, kind, true); }

/* Two arguments: a rank and its extents; a count and so many numbers. V is the numbers alone. */
#define DIMS(...)                                                                                            \
  (int)(sizeof((size_t[]){__VA_ARGS__}) / sizeof(size_t)), (size_t[]) { __VA_ARGS__ }
#define VALUES(...)                                                                                          \
  sizeof((double[]){__VA_ARGS__}) / sizeof(double), (double[]) { __VA_ARGS__ }
#define V(...)                                                                                               \
  (double[]) { __VA_ARGS__ }

#endif
