/* Notes on operations of tensors: what they cost, and numbers below 1 that are too large for what they are
   divided by. */
#include "dz/sweep.h"
#include "dz/tensor.h"
#include "on_tape.h"

#include <math.h>

/* Two elements that are noted: the room in which it is looked for what they are made of is given back. */
START_TEST(room_for_masks_is_given_back) {
  failing f = {0};
  const dz_allocator a = failing_allocator(&f);
  dz_tape *t = dz_tape_new(&a);
  const dz_var u = dz_leaf_tensor(t, DZ_ROLE_INPUT, DIMS(2, 2), V(1e308, 1e308, INFINITY, -INFINITY)),
               y = dz_sum(dz_sum(u, 1, false), DZ_ALL, false);
  ck_assert_int_eq(dz_backward(y), DZ_OK);
  ck_assert_int_eq(dz_diagnose(y), DZ_OK);
  ck_assert_uint_ge(dz_note_count(t), 2);
  dz_tape_free(t);
  ck_assert(f.blocks == 0 && f.bytes == 0);
}
END_TEST

/* 0.5 / 1e-310 overflows: the larger of two numbers below 1 is named. */
START_TEST(what_overflows_below_one) {
  const dz_var A = dz_leaf_tensor(tape, DZ_ROLE_DATA, DIMS(1, 1), V(1e-310)),
               b = dz_leaf_tensor(tape, DZ_ROLE_INPUT, DIMS(1), V(.5)),
               y = dz_sum(dz_solve(A, b), DZ_ALL, false);
  bool told = false;
  ck_assert_int_eq(dz_backward(y), DZ_OK);
  ck_assert_int_eq(dz_diagnose(y), DZ_OK);
  for (size_t k = 0; k < dz_note_count(tape); k++)
    told |= strstr(dz_note_at(tape, k)->message, "operand 2 is 0.5 at [0]") != NULL;
  ck_assert_msg(told, "%zu notes: %s", dz_note_count(tape),
                dz_note_at(tape, 0) ? dz_note_at(tape, 0)->message : "");
}
END_TEST

SUITE_ON_TAPE(ONCE(room_for_masks_is_given_back), ONCE(what_overflows_below_one))
