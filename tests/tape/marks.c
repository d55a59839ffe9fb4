/* What a tape keeps over rewinds, settings and clears: handles, room, adjoints, limits. */
#include "dz/holds.h"
#include "dz/sweep.h"
#include "dz/tensor.h"
#include "on_tape.h"
#include "tape/tape.h"

#include <math.h>

/* A handle from a node's number carries the value of then: when the leaf is set again, it is not taken at
 * sight. */
START_TEST(handles_between_settings) {
  const dz_var x = dz_input(tape, 1);
  ck_assert_int_eq(dz_set(x, V(2), 1), DZ_OK);
  const dz_var then = dz_node_at(tape, 0);
  ck_assert_int_eq(dz_set(x, V(3), 1), DZ_OK);
  ck_assert_double_eq(dz_value(dz_add(then, then)), 6);
}
END_TEST

/* A number behind the last node names nothing, also once there is a node. */
START_TEST(handles_of_no_node) {
  const dz_var x = dz_input(tape, 1), next = dz_node_at(tape, 1), y = dz_mul(x, x);
  ck_assert(dz_valid(y) && !dz_valid(next) && dz_valid(dz_node_at(tape, 1)));
}
END_TEST

START_TEST(settings_after_a_clear) {
  dz_tape_clear(tape);
  const dz_var x = dz_input(tape, 1), y = dz_mul(x, x);
  ck_assert_int_eq(dz_set(x, V(2), 1), DZ_OK);
  ck_assert(dz_valid(x) && dz_valid(y) && dz_value(dz_mul(x, y)) == 2);
}
END_TEST

/* Each rewind is to a node further on, so none makes another superfluous: as many as there is room for, and
 * one more. */
START_TEST(rewinds_further_and_further) {
  const dz_var x = dz_input(tape, 1);
  dz_var before = x;
  for (int k = 0; k < 40; k++) {
    const dz_mark mark = dz_tape_mark(tape);
    const dz_var gone = dz_mul(x, k);
    ck_assert_int_eq(dz_tape_rewind(tape, mark), DZ_OK);
    const dz_var stays = dz_mul(x, 2);
    ck_assert_int_eq(dz_set(x, V(1), 1), DZ_OK);
    ck_assert(dz_valid(stays) && dz_valid(before) && dz_valid(x) && !dz_valid(gone));
    before = stays;
  }
}
END_TEST

/* Turns that end where they began leave nothing: no rewind of the same kind, no place without nodes, no
 * tensor. */
START_TEST(turns_take_no_more_room) {
  const dz_mark mark = dz_tape_mark(tape);
  size_t bytes = 0;
  for (int k = 0; k < 40; k++) {
    dz_tape_at(tape, 1 + k, 1);
    ck_assert(dz_valid(dz_leaf_tensor(tape, DZ_ROLE_INPUT, DIMS(1 << 12), NULL)));
    ck_assert_int_eq(dz_tape_rewind(tape, mark), DZ_OK);
    if (k == 0) bytes = dz_tape_bytes(tape);
    ck_assert_uint_eq(dz_tape_bytes(tape), bytes);
  }
}
END_TEST

/* What a sweep left of interior scalars: all, where the output stays; nothing more, where it goes. */
START_TEST(adjoints_after_a_rewind) {
  const dz_var x = dz_input(tape, 3), y = dz_mul(x, x);
  const dz_mark middle = dz_tape_mark(tape);
  const dz_var z = dz_mul(y, 5);
  const dz_mark end = dz_tape_mark(tape);
  const dz_var more = dz_mul(z, 2);
  ck_assert_int_eq(dz_backward(z), DZ_OK);
  ck_assert_int_eq(dz_tape_rewind(tape, end), DZ_OK);
  ck_assert(!dz_valid(more) && dz_adjoint(y) == 5 && dz_adjoint(x) == 30);
  ck_assert_int_eq(dz_backward(z), DZ_OK);
  ck_assert_int_eq(dz_tape_rewind(tape, middle), DZ_OK);
  ck_assert(isnan(dz_adjoint(y)) && dz_adjoint(x) == 30);
  ck_assert_int_eq(dz_adjoint_state_of(dz_mul(y, 7)), DZ_ADJOINT_NOT_COMPUTED);
}
END_TEST

/* A leaf in the place of one that was dropped begins at 0. */
START_TEST(leaves_after_a_rewind) {
  const dz_var x = dz_input(tape, 3);
  const dz_mark mark = dz_tape_mark(tape);
  ck_assert_int_eq(dz_backward(dz_mul(x, dz_input(tape, 2))), DZ_OK);
  ck_assert_int_eq(dz_tape_rewind(tape, mark), DZ_OK);
  const dz_var v = dz_input(tape, 7);
  ck_assert_int_eq(dz_backward_add(dz_mul(x, v), 1), DZ_OK);
  ck_assert(dz_adjoint(v) == 3 && dz_adjoint(x) == 2 + 7);
}
END_TEST

START_TEST(branches_after_a_rewind) {
  const dz_var x = dz_input(tape, 3);
  const dz_mark mark = dz_tape_mark(tape);
  for (int k = 0; k < 2; k++) {
    ck_assert((dz_holds)(dz_gt(x, 1)));
    ck_assert_uint_eq(dz__of(tape)->nbranches, 1);
    ck_assert(dz_valid(dz__of(tape)->branches[0].condition) && dz__of(tape)->branches[0].line == 0);
    ck_assert_int_eq(dz_tape_rewind(tape, mark), DZ_OK);
  }
}
END_TEST

/* The header's numbers, and those that are set; both stay when the tape is cleared. */
START_TEST(limits) {
  failing f = {0};
  const dz_allocator a = failing_allocator(&f);
  dz_tape *t = dz_tape_new(&a);
  ck_assert_uint_eq(dz__of(t)->most[DZ_LIMIT_STEPS], 1 << 26);
  f.at = f.calls + 1;
  for (int k = 0; k < 2; k++) {
    ck_assert_int_eq(dz_tape_reserve(t, (1 << 28) + 1), DZ_ERR_LIMIT);
    ck_assert_int_eq(dz_tape_reserve(t, 1 << 28), DZ_ERR_MEMORY);
    dz_tape_clear(t);
  }
  f.at = 0;
  ck_assert_int_eq(dz_tape_limit(t, DZ_LIMIT_NODES, 100), DZ_OK);
  ck_assert_int_eq(dz_tape_limit(t, DZ_LIMIT_STEPS, 7), DZ_OK);
  ck_assert_int_eq(dz_tape_limit(t, (dz_limit)(DZ_LIMIT_STEPS + 1), 7), DZ_ERR_ARGUMENT);
  for (int k = 0; k < 2; k++) {
    ck_assert_int_eq(dz_tape_reserve(t, 101), DZ_ERR_LIMIT);
    ck_assert_int_eq(dz_tape_reserve(t, 100), DZ_OK);
    ck_assert_uint_eq(dz__of(t)->most[DZ_LIMIT_STEPS], 7);
    dz_tape_clear(t);
  }
  dz_tape_free(t);
}
END_TEST

/* Two numbers more than no tape may hold are refused at once; as many as it may are a matter of memory. */
START_TEST(as_many_numbers_as_there_may_be) {
  failing f = {0};
  const dz_allocator a = failing_allocator(&f);
  dz_tape *t = dz_tape_new(&a);
  const dz_var x = dz_input(t, 2);
  f.at = f.calls + 1;
  for (uint32_t more = 1; more <= 2; more++) {
    t->pooled = (1 << 28) - more;
    ck_assert(!dz_valid(dz_atan2(x, 3)));
    ck_assert_int_eq(dz_tape_error(t)->status, more < 2 ? DZ_ERR_LIMIT : DZ_ERR_MEMORY);
    dz_tape_forgive(t);
  }
  f.at = 0;
  t->pooled = 0;
  ck_assert_double_eq(dz_value(dz_mul(x, 3)), 6);
  dz_tape_free(t);
}
END_TEST

START_TEST(shares_as_large_as_memory) {
  const size_t most = SIZE_MAX / 4;
  ck_assert_int_eq(dz_tape_share(tape, most, most), DZ_OK);
  ck_assert_int_eq(dz_tape_share(tape, most + 1, 1), DZ_ERR_LIMIT);
  ck_assert_int_eq(dz_tape_share(tape, 0, most + 1), DZ_ERR_LIMIT);
  ck_assert(dz__of(tape)->share.first == most && dz__of(tape)->share.rows == most);
}
END_TEST

/* Operands enter the pool of numbers together, more than it had room for. */
START_TEST(many_numbers_at_once) {
  dz_var all[200];
  for (int k = 0; k < 200; k++) all[k] = dz_num(k);
  all[100] = dz_input(tape, 100);
  const dz_var z = dz_stack(200, all, 0);
  ck_assert_uint_eq(dz_size(z), 200);
  for (int k = 0; k < 200; k++) ck_assert(dz_values(z)[k] == k && dz__element_of(z, (size_t)k) == k);
  ck_assert_double_eq(dz__element_of(dz_sum(z, DZ_ALL, false), 0), 199 * 200 / 2);
}
END_TEST

/* Numbers beside a handle that was never set, and those alone in an operation on tensors, give nothing. */
START_TEST(nothing_of_numbers) {
  const dz_var none = {0};
  ck_assert(!dz_valid(dz_pow(none, 2)) && !dz_valid(dz_pow(2, none)));
  ck_assert(!dz_valid(dz__record(DZ__F_sum, 1, (dz_var[]){dz_num(1)}, 1, (int64_t[]){0})));
  ck_assert_ptr_null(dz_tape_mark(NULL).tape);
}
END_TEST

START_TEST(places_and_settings_refused) {
  const dz_var v = dz_leaf_tensor(tape, DZ_ROLE_INPUT, DIMS(2), V(1, 2)), w = dz_mul(v, 3);
  ck_assert_int_eq(dz_set(w, V(5, 6), 2), DZ_ERR_ARGUMENT);
  ck_assert(dz_values(w)[1] == 6 && dz_describe(w).line == 0 && dz_describe(w).column == 0);
  dz_tape_at(tape, 4, 9);
  ck_assert(dz_describe(w).line == 0 && dz_describe(w).column == 0);
  ck_assert(!dz_valid(dz_add(v, (dz_var){0})));
  ck_assert_int_eq(dz_tape_error(tape)->line, 4); /* the text's place, not the call's */
  ck_assert_int_eq(dz_tape_error(tape)->column, 9);
  dz_tape_at(tape, 0, 0);
  dz_tape_forgive(tape);
  ck_assert(!dz_valid(dz_add(v, (dz_var){0})));
  ck_assert(dz_tape_error(tape)->line == __LINE__ - 1 && dz_tape_error(tape)->column == 0);
}
END_TEST

SUITE_ON_TAPE(ONCE(handles_between_settings), ONCE(handles_of_no_node), ONCE(settings_after_a_clear),
              ONCE(rewinds_further_and_further), ONCE(turns_take_no_more_room), ONCE(adjoints_after_a_rewind),
              ONCE(leaves_after_a_rewind), ONCE(branches_after_a_rewind), ONCE(limits),
              ONCE(as_many_numbers_as_there_may_be), ONCE(shares_as_large_as_memory),
              ONCE(many_numbers_at_once), ONCE(nothing_of_numbers), ONCE(places_and_settings_refused))
