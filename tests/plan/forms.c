/* Forms of emitted C: every option, plans for values only, names that a function may have. What has a main is
   compiled and run: it checks itself against the plan. */
#include "dz/dz.h"
#include "plan/cache.h"
#include "suite.h"

#include <string.h>

static bool to_file(void *user, const char *text, size_t n) { return fwrite(text, 1, n, user) == n; }

static bool ignore(void *user, const char *text, size_t n) {
  (void)text;
  *(size_t *)user += n;
  return true;
}

/* (x y)^2 where x is positive, of numbers that floats hold. */
static dz_plan *plan_of(bool values_only) {
  dz_tape *t = dz_tape_new(NULL);
  const dz_var x[] = {dz_input(t, .5), dz_input(t, 2)}, z = dz_mul(x[0], x[1]);
  const dz_var y = dz_holds(dz_gt(x[0], 0)) ? dz_mul(z, z) : z;
  dz_plan *p = dz_plan_new(1, &y, 2, x, &(dz_plan_options){.values_only = values_only}, NULL);
  ck_assert(p != NULL);
  dz_tape_free(t);
  return p;
}

START_TEST(options) {
  static const double at[] = {.5, 3};
  const dz_emit_options o = {.test = true, .single = _i & 1, .batch = _i & 2, .at = _i % 3 ? at : NULL};
  char path[96], command[320];
  dz_plan *p = plan_of(_i & 4);
  snprintf(path, sizeof path, "%s/f.c", cache);
  FILE *f = fopen(path, "w");
  ck_assert_int_eq(dz_emit(p, &o, to_file, f), DZ_OK);
  fclose(f);
  snprintf(command, sizeof command,
           "cd %s && cc -std=c99 -O1 -Wall -Wextra -Wconversion -pedantic -Werror f.c -o f -lm && ./f > out",
           cache);
  ck_assert_int_eq(system(command), 0);
  dz_plan_free(p);
}
END_TEST

START_TEST(names) {
  static const char *const good[] = {"f", "F9", "a_b", "sinful", "sing", "rest", "x1234567890"},
                           *const bad[] = {"",       "9f",    "_f",   "f-g", "f g",  "f(",   "caf\303\251",
                                           "double", "while", "main", "sin", "sinf", "expl", "pow",
                                           "inline", "memcpy"};
  dz_plan *p = plan_of(false);
  size_t written = 0;
  for (size_t k = 0; k < COUNT(good); k++)
    ck_assert_msg(!dz_emit(p, &(dz_emit_options){.name = good[k]}, ignore, &written), "%s", good[k]);
  ck_assert_uint_gt(written, 0);
  written = 0;
  for (size_t k = 0; k < COUNT(bad); k++)
    ck_assert_msg(dz_emit(p, &(dz_emit_options){.name = bad[k]}, ignore, &written) == DZ_ERR_ARGUMENT, "%s",
                  bad[k]);
  char longest[102];
  memset(longest, 'n', sizeof longest);
  longest[101] = 0;
  ck_assert_int_eq(dz_emit(p, &(dz_emit_options){.name = longest}, ignore, &written), DZ_ERR_ARGUMENT);
  ck_assert_uint_eq(written, 0);
  longest[100] = 0;
  ck_assert_int_eq(dz_emit(p, &(dz_emit_options){.name = longest}, ignore, &written), DZ_OK);
  dz_plan_free(p);
}
END_TEST

SUITE_BETWEEN(set_up, tear_down, EACH(options, 8), ONCE(names))
