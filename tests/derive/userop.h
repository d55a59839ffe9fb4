/* What tests of user operations share: a tape, and defining on it. */
#ifndef DZ_TESTS_DERIVE_USEROP_H
#define DZ_TESTS_DERIVE_USEROP_H

#include "dz/userop.h"

#include "dz/dz.h"
#include "suite.h"

#include <float.h>
#include <math.h>

static dz_tape *t;
static dz_error e;
static inline void setup(void) { t = dz_tape_new(NULL); }
static inline void teardown(void) { dz_tape_free(t); }

static inline dz_var named(dz_tape *on, const char *name, double value) {
  dz_var x = dz_input(on, value);
  ck_assert_int_eq(dz_set_name(x, name), DZ_OK);
  return x;
}

static inline void define(const char *name, int n, const char *value, const char *const *partials) {
  if (dz_op_define(t, name, n, value, partials, &e)) ck_abort_msg("%s: %s", name, e.message);
}

static inline void define_damped(void) {
  define("damped", 1, "x*exp(-x)", (const char *[]){"exp(-x)*(1 - x)"});
}

static inline void sound(void) {
  const dz_error *is = dz_tape_error(t);
  if (is->status) ck_abort_msg("the tape: %s", is->message);
}

static inline void expect_bits(double got, double want) {
  if (memcmp(&got, &want, sizeof got) != 0) ck_abort_msg("%.17g, expected %.17g", got, want);
}

#endif
