/* What every test file ends in: the list of its tests, and main, which runs them.
 *
 *     SUITE(ONCE(a_test), EACH(another, 7))
 *
 * The environment of Check applies: CK_VERBOSITY, CK_FORK, CK_RUN_CASE. */
#ifndef DZ_TESTS_SUITE_H
#define DZ_TESTS_SUITE_H

#include "effort.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct suite_test {
  const TTest *test;
  int from, to; /* of _i */
} suite_test;

#define ONCE(test)                                                                                           \
  { test, 0, 1 }
#define EACH(test, n)                                                                                        \
  { test, 0, (int)(n) }
#define BETWEEN(test, from, to)                                                                              \
  { test, from, to }

/* The number of elements of an array. */
#define COUNT(array) (sizeof(array) / sizeof *(array))

/* set_up and tear_down stand around every test; NULL for none. */
static inline int suite_run(const char *name, SFun set_up, SFun tear_down, size_t n,
                            const suite_test *tests) {
  Suite *s = suite_create(name);
  TCase *c = tcase_create("all");
  if (set_up) tcase_add_checked_fixture(c, set_up, tear_down);
  tcase_set_timeout(c, 120);
  for (size_t k = 0; k < n; k++) tcase_add_loop_test(c, tests[k].test, tests[k].from, tests[k].to);
  suite_add_tcase(s, c);
  SRunner *r = srunner_create(s);
  /* A sanitized process is slow to copy, and to look through for leaks when it ends: ten times what most
   * tests take. */
  if (SANITIZED && !getenv("CK_FORK")) srunner_set_fork_status(r, CK_NOFORK);
  srunner_run_all(r, CK_ENV);
  const int failed = srunner_ntests_failed(r), ran = srunner_ntests_run(r);
  srunner_free(r);
  if (SANITIZED && failed) { /* a test that fails leaves by a jump: what it held is no leak to speak of */
    fflush(NULL);
    _Exit(1);
  }
  return failed > 0 || (ran == 0 && !getenv("CK_RUN_CASE"));
}

#define SUITE_BETWEEN(set_up, tear_down, ...)                                                                \
  int main(void) {                                                                                           \
    const suite_test tests[] = {__VA_ARGS__};                                                                \
    return suite_run(__FILE__, set_up, tear_down, COUNT(tests), tests);                                      \
  }
#define SUITE(...) SUITE_BETWEEN(NULL, NULL, __VA_ARGS__)

/* Instead of a list where something optional is missing. */
#define SUITE_SKIPPED(why)                                                                                   \
  int main(void) {                                                                                           \
    puts("skipped: " why);                                                                                   \
    return 77;                                                                                               \
  }

#endif
