/* What tests of refusals share: a tape with some nodes, handles that are none, and how a status is expected.
 */
#ifndef DZ_TESTS_REFUSED_H
#define DZ_TESTS_REFUSED_H

#include "../on_tape.h"
#include "dz/dz.h"

/* Handles that are none: never made, dropped by a rewind, poisoned. */
enum { BAD = 3 };
static dz_var bad[BAD];
static const char *const bad_name[] = {"never made", "dropped", "poisoned"};
static dz_tape *other;
static dz_var x, y, v, A, constant, foreign, data;
static const double numbers[8] = {.5, 1, 1.5, 2, 2.5, 3, 3.5, 4};

static inline void expect_no_error(void) {
  ck_assert_msg(dz_tape_error(tape)->status == DZ_OK, "%s", dz_tape_error(tape)->message);
}

static inline void set_up_all(void) {
  set_up();
  other = dz_tape_new(NULL);
  x = dz_input(tape, .5);
  v = dz_leaf_tensor(tape, DZ_ROLE_INPUT, DIMS(3), numbers);
  A = dz_leaf_tensor(tape, DZ_ROLE_PARAM, DIMS(2, 2), numbers);
  constant = dz_const(tape, 2);
  data = dz_leaf_tensor(tape, DZ_ROLE_DATA, DIMS(3), numbers);
  y = dz_exp(x);
  foreign = dz_input(other, 1);
  const dz_mark mark = dz_tape_mark(tape);
  bad[0] = (dz_var){0};
  bad[1] = dz_sin(x);
  bad[2] = dz_add(x, foreign);
  ck_assert_int_eq(dz_tape_error(tape)->status, DZ_ERR_HANDLE);
  dz_tape_forgive(tape);
  ck_assert_int_eq(dz_tape_rewind(tape, mark), DZ_OK);
}
static inline void tear_down_all(void) {
  dz_tape_free(other);
  tear_down();
}

/* The status of a call is so, and the tape may go on. */
#define GIVES(call, status)                                                                                  \
  do {                                                                                                       \
    const int given_ = (int)(call);                                                                          \
    if (given_ != (int)(status)) ck_abort_msg("%s: %d, not %s", #call, given_, #status);                     \
    dz_tape_forgive(tape);                                                                                   \
  } while (0)

static inline int poisons(dz_var made) { return dz_valid(made) ? -1 : (int)dz_tape_error(tape)->status; }
#define POISONS(made, expected) GIVES(poisons(made), expected)

#endif
