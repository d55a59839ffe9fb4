/* Making a plan while memory runs out. */
#ifndef DZ_TESTS_PLAN_STARVED_H
#define DZ_TESTS_PLAN_STARVED_H

#include "dz/plan.h"
#include "failing.h"

#include <check.h>

/* Every allocation fails once: each time the error is that of memory, and nothing is left behind. At the end
   the plan is made, of which *facts is told. */
static inline void plan_starved(dz_var y, int n, const dz_var *xs, dz_plan_facts *facts) {
  size_t at = 1;
  for (bool made = false; !made; at++) {
    failing f = {.at = at};
    dz_allocator a = failing_allocator(&f);
    dz_plan_options o = {.allocator = &a};
    dz_error e;
    dz_plan *p = dz_plan_new(1, &y, n, xs, &o, &e);
    made = p != NULL;
    if (!made) ck_assert_int_eq(e.status, DZ_ERR_MEMORY);
    if (made) ck_assert_uint_eq(f.failed, 0);
    *facts = dz_plan_facts_of(p);
    dz_plan_free(p);
    ck_assert_uint_eq(f.blocks, 0);
  }
  ck_assert_uint_gt(at, 50);
}

#endif
