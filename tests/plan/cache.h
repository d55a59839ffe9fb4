/* A directory of its own for what a test compiles. */
#ifndef DZ_TESTS_PLAN_CACHE_H
#define DZ_TESTS_PLAN_CACHE_H

#include "suite.h"

#include <string.h>
#include <unistd.h>

static char cache[64];

static void set_up(void) {
  strcpy(cache, "/tmp/dz-test-XXXXXX");
  ck_assert_ptr_nonnull(mkdtemp(cache));
}

static void tear_down(void) {
  char command[128];
  snprintf(command, sizeof command, "rm -rf '%s'", cache);
  ck_assert_int_eq(system(command), 0);
}

#endif
