/* The tape as an object: leaves, marks, stale handles, poison, growth, adjoint states, accumulation, memory.
 */
#include "tape/tape.h"
#include "dz/sweep.h"
#include "failing.h"
#include "on_tape.h"

#include <math.h>
#include <pthread.h>

static dz_status error(void) { return dz_tape_error(tape)->status; }

START_TEST(values_and_gradients_of_a_small_graph) {
  dz_var a = dz_input(tape, 2), b = dz_input(tape, 1);
  dz_var y = dz_mul(dz_add(a, b), dz_add(b, 1));
  ck_assert(dz_value(y) == 6);
  ck_assert(dz_backward(y) == DZ_OK);
  ck_assert(dz_adjoint(a) == 2 && dz_adjoint(b) == 5);
  ck_assert(dz_backward(y) == DZ_OK); /* twice gives the same */
  ck_assert(dz_adjoint(a) == 2 && dz_adjoint(b) == 5);
  ck_assert(dz_backward_with(y, 3) == DZ_OK);
  ck_assert(dz_adjoint(a) == 6 && dz_adjoint(b) == 15);
  ck_assert(dz_backward_add(y, -1) == DZ_OK);
  ck_assert(dz_adjoint(a) == 4 && dz_adjoint(b) == 10);
  ck_assert(dz_adjoint_state_of(y) == DZ_ADJOINT_NOT_COMPUTED); /* of no single sweep */
}
END_TEST

START_TEST(repeated_operands_add) {
  dz_var x = dz_input(tape, 3);
  dz_var y = dz_mul(x, x);
  dz_backward(y);
  ck_assert(dz_adjoint(x) == 6);
  y = dz_sub(x, x);
  dz_backward_with(y, 7);
  ck_assert(dz_adjoint(x) == 0);
  y = dz_div(x, x);
  dz_backward(y);
  ck_assert(dz_adjoint(x) == 0);
}
END_TEST

START_TEST(adjoints_of_interior_nodes) {
  dz_var x = dz_input(tape, 3), u = dz_mul(x, 4), v = dz_mul(u, u);
  dz_backward_with(v, .5);
  ck_assert(dz_adjoint(v) == .5 && dz_adjoint(u) == 12 && dz_adjoint(x) == 48);
}
END_TEST

START_TEST(not_computed_inactive_and_zero_are_three) {
  dz_var x = dz_input(tape, 3), unused = dz_input(tape, 4), c = dz_const(tape, 5), d = dz_data(tape, 6);
  dz_var cd = dz_mul(c, d), y = dz_mul(x, cd), later = dz_mul(y, 2);
  ck_assert(dz_adjoint_state_of(x) == DZ_ADJOINT_NOT_COMPUTED && isnan(dz_adjoint(x)));
  dz_backward(y);
  ck_assert(dz_adjoint_state_of(x) == DZ_ADJOINT_READY && dz_adjoint(x) == 30);
  ck_assert(dz_adjoint_state_of(unused) == DZ_ADJOINT_READY && dz_adjoint(unused) == 0);
  ck_assert(dz_adjoint_state_of(c) == DZ_ADJOINT_INACTIVE && dz_adjoint(c) == 0 && !dz_adjoints(c));
  ck_assert(dz_adjoint_state_of(d) == DZ_ADJOINT_INACTIVE && dz_adjoint_state_of(cd) == DZ_ADJOINT_INACTIVE);
  ck_assert(dz_adjoint_state_of(later) == DZ_ADJOINT_NOT_COMPUTED && isnan(dz_adjoint(later)) &&
            !dz_adjoints(later));
  ck_assert(dz_adjoint_state_of(dz_num(1)) == DZ_ADJOINT_INACTIVE);
  ck_assert(dz_adjoint_state_of((dz_var){0}) == DZ_ADJOINT_NOT_COMPUTED);
}
END_TEST

START_TEST(stop_blocks_the_gradient) {
  dz_var x = dz_input(tape, 3), s = dz_stop(x), y = dz_mul(x, s);
  ck_assert(dz_value(y) == 9 && !dz_is_active(s));
  dz_backward(y);
  ck_assert(dz_adjoint(x) == 3 && dz_adjoint_state_of(s) == DZ_ADJOINT_INACTIVE);
}
END_TEST

START_TEST(structural_zeros_carry_nothing) {
  dz_var x = dz_input(tape, 0);
  dz_backward(dz_where(dz_gt(x, 0), dz_sqrt(x), x));
  ck_assert(dz_adjoint(x) == 1);
  dz_var dead = dz_log(x); /* a pole that the output does not depend on */
  ck_assert(dz_value(dead) == -INFINITY);
  dz_var y = dz_mul(x, 2);
  dz_backward(y);
  ck_assert(dz_adjoint(x) == 2);
  y = dz_mul(dz_sqrt(x), dz_sqrt(x)); /* a numeric 0 times infinity is an honest NaN */
  dz_backward(y);
  ck_assert(isnan(dz_adjoint(x)));
}
END_TEST

START_TEST(structural_zeros_in_tensors) {
  const double v[] = {0, 4, -1}, ones[] = {1, 1, 1};
  dz_var x = dz_leaf_tensor(tape, DZ_ROLE_INPUT, 1, (size_t[]){3}, v);
  dz_var seed = dz_leaf_tensor(tape, DZ_ROLE_CONST, 1, (size_t[]){3}, ones);
  dz_var y = dz_where(dz_gt(x, 0), dz_sqrt(x), dz_mul(x, 3));
  ck_assert(dz_backward_with(y, seed) == DZ_OK);
  ck_assert(dz_adjoints(x)[0] == 3 && dz_adjoints(x)[1] == .25 && dz_adjoints(x)[2] == 3);
  y = dz_mul(dz_sqrt(x), dz_sqrt(x));
  dz_backward_with(y, seed);
  ck_assert(isnan(dz_adjoints(x)[0]) && dz_adjoints(x)[1] == 1 && isnan(dz_adjoints(x)[2]));
}
END_TEST

START_TEST(numbers_alone_fold) {
  dz_var n = dz_add(dz_num(2), dz_exp(dz_num(0)));
  ck_assert(dz_is_number(n) && dz_value(n) == 3);
  ck_assert(dz_value(dz_where(dz_num(1), 5, 6)) == 5);
  ck_assert_uint_eq(dz_tape_size(tape), 0);
}
END_TEST

START_TEST(numbers_stand_on_either_side) {
  dz_var x = dz_input(tape, 8);
  ck_assert(dz_value(dz_sub(10, x)) == 2 && dz_value(dz_sub(x, 10)) == -2);
  ck_assert(dz_value(dz_div(2.f, x)) == .25 && dz_value(dz_pow(2, x)) == 256 && dz_value(dz_pow(x, 2)) == 64);
  dz_var y = dz_div(2, x);
  dz_backward(y);
  ck_assert(dz_adjoint(x) == -2. / 64);
  dz_var c = dz_const(tape, 4);
  y = dz_mul(dz_div(dz_add(c, 2), 3), x); /* numbers that meet constants */
  ck_assert(dz_value(y) == 16);
  dz_backward(y);
  ck_assert(dz_adjoint(x) == 2);
}
END_TEST

/* The inline road, the constructors and the general road give one answer: here for operands on both sides of
   a rewind, so that the stamps differ, and with so many constants that the pool grows. */
START_TEST(roads_agree) {
  dz_var x = dz_input(tape, 1.25);
  dz_mark m = dz_tape_mark(tape);
  for (int turn = 0; turn < 3; turn++) {
    dz_var s = dz_input(tape, 0);
    double want = 0;
    for (int i = 0; i < 1000; i++) {
      s = dz_add(s, dz_div(dz_mul(x, i + .5), dz_sub(i + 2, x)));
      want += 1.25 * (i + .5) / (i + 2 - 1.25);
    }
    ck_assert(dz_value(s) == want);
    dz_backward(s);
    ck_assert(dz_adjoint_state_of(x) == DZ_ADJOINT_READY && dz_adjoint(x) > 0);
    ck_assert(dz_tape_rewind(tape, m) == DZ_OK);
  }
}
END_TEST

START_TEST(stale_handles_are_noticed) {
  dz_var x = dz_input(tape, 1);
  dz_mark m = dz_tape_mark(tape);
  dz_var old = dz_mul(x, 2);
  ck_assert(dz_valid(old));
  ck_assert(dz_tape_rewind(tape, m) == DZ_OK);
  ck_assert(!dz_valid(old) && dz_valid(x));
  dz_var fresh = dz_mul(x, 3); /* the same node number again */
  ck_assert(dz_node_index(fresh) == 1 && !dz_valid(old) && dz_valid(fresh));
  ck_assert(isnan(dz_value(old)) && dz_values(old) == NULL && dz_size(old) == 0 && dz_name(old) == NULL);
  ck_assert(dz_backward(old) == DZ_ERR_HANDLE);
  dz_tape_forgive(tape);
  ck_assert(!dz_valid(dz_add(fresh, old)) && error() == DZ_ERR_HANDLE);
  ck_assert(strstr(dz_tape_error(tape)->message, "stale"));
}
END_TEST

/* Handles carry the low bits of a stamp only; as many rewinds as that take no test, so the count starts late.
 */
START_TEST(handles_when_the_stamps_are_used_up) {
  dz__of(tape)->stamp = DZ__STAMPS - 3;
  dz_var x = dz_input(tape, 2);
  dz_mark m = dz_tape_mark(tape);
  (void)dz_exp(x);
  ck_assert(dz_tape_rewind(tape, m) == DZ_OK);
  for (int turn = 0; turn < 6; turn++) {
    dz_var old = dz_mul(x, x);
    ck_assert(dz_tape_rewind(tape, m) == DZ_OK);
    dz_var fresh = dz_mul(x, 3), y = dz_mul(fresh, x);
    ck_assert(!dz_valid(old) && dz_valid(fresh) && dz_value(y) == 12);
    ck_assert(dz_backward(y) == DZ_OK && dz_adjoint(x) == 12 && dz_adjoint(fresh) == 2);
    ck_assert(isnan(dz_value(old)) && !dz_valid(dz_add(fresh, old)) && error() == DZ_ERR_HANDLE);
    dz_tape_forgive(tape);
    ck_assert(dz_tape_rewind(tape, m) == DZ_OK);
  }
  ck_assert(dz__of(tape)->stamp > (uint64_t)DZ__STAMPS + 1);
}
END_TEST

START_TEST(marks_in_layers) {
  dz_var a = dz_input(tape, 1);
  dz_mark m1 = dz_tape_mark(tape);
  dz_var b = dz_mul(a, 2);
  dz_mark m2 = dz_tape_mark(tape);
  for (int i = 0; i < 5; i++) {
    dz_var c = dz_mul(b, 3);
    ck_assert(dz_valid(c) && dz_valid(b));
    ck_assert(dz_tape_rewind(tape, m2) == DZ_OK);
    ck_assert(!dz_valid(c) && dz_valid(b));
  }
  ck_assert(dz_tape_rewind(tape, m1) == DZ_OK);
  ck_assert(!dz_valid(b) && dz_valid(a));
  dz_var d = dz_mul(a, 5), e = dz_mul(d, 5);
  ck_assert(dz_valid(d) && dz_valid(e));
  ck_assert(dz_tape_rewind(tape, m2) == DZ_ERR_HANDLE); /* the rewind to m1 went below m2 */
  ck_assert(dz_tape_size(tape) == 3);
  ck_assert(dz_tape_rewind(tape, dz_tape_mark(NULL)) == DZ_ERR_ARGUMENT &&
            dz_tape_rewind(NULL, m1) == DZ_ERR_ARGUMENT);
}
END_TEST

/* Random walks of marks, rewinds and nodes against a plain list of what should be alive. */
START_TEST(liveness_against_a_plain_list) {
  enum { MOST = 400 };
  static dz_var all[100000];
  static int alive[100000];
  int n = 0, stack[MOST], depth = 0, height = 0;
  static int at[MOST]; /* which handle stands at each tape position */
  dz_mark marks[MOST];
  unsigned state = (unsigned)_i + 1;
  for (int step = 0; step < 3000; step++) {
    state = state * 1664525u + 1013904223u;
    unsigned what = state >> 28;
    if (what < 10 && height < MOST) {
      all[n] = dz_input(tape, n);
      alive[n] = 1;
      at[height++] = n++;
    } else if (what < 13 && depth < MOST) {
      stack[depth] = height;
      marks[depth++] = dz_tape_mark(tape);
    } else if (depth > 0) {
      int down = (int)((state >> 8) % (unsigned)depth);
      ck_assert(dz_tape_rewind(tape, marks[down]) == DZ_OK);
      while (height > stack[down]) alive[at[--height]] = 0;
      depth = down;
    }
    if (step % 50 == 0)
      for (int i = 0; i < n; i++) {
        ck_assert_msg(dz_valid(all[i]) == (alive[i] != 0), "handle %d at step %d", i, step);
        if (alive[i]) ck_assert(dz_value(all[i]) == i);
      }
  }
}
END_TEST

START_TEST(clear_makes_every_handle_stale) {
  dz_var x = dz_input(tape, 1), y = dz_mul(x, 2);
  dz_set_name(x, "x");
  dz_tape_clear(tape);
  ck_assert(dz_tape_size(tape) == 0 && !dz_valid(x) && !dz_valid(y) && !dz_valid(dz_named(tape, "x")));
  dz_var a = dz_input(tape, 5), b = dz_input(tape, 6);
  ck_assert(!dz_valid(x) && !dz_valid(y) && dz_valid(a) && dz_value(b) == 6);
  ck_assert(!dz_valid(dz_add(x, a)) && error() == DZ_ERR_HANDLE);
  dz_tape_clear(tape);
  ck_assert(error() == DZ_OK);
}
END_TEST

START_TEST(two_tapes_do_not_mix) {
  dz_tape *other = dz_tape_new(NULL);
  dz_var x = dz_input(tape, 1), y = dz_input(other, 2);
  dz_var bad = dz_add(x, y);
  ck_assert(!dz_valid(bad));
  const dz_error *e = dz_tape_error(tape);
  ck_assert(e->status == DZ_ERR_HANDLE && strcmp(e->op, "add") == 0 &&
            strstr(e->message, "two different tapes"));
  ck_assert(strstr(e->file, "tape.c") && e->line > 0); /* the call's place */
  ck_assert(dz_tape_error(other)->status == DZ_OK);
  ck_assert(!dz_valid(dz_exp(bad)) && dz_tape_error(tape)->op[0] == 'a'); /* the first error stays */
  ck_assert(dz_backward(bad) == DZ_ERR_HANDLE);
  dz_tape_free(other);
}
END_TEST

START_TEST(nulls_everywhere) {
  dz_var none = {0};
  dz_tape_free(NULL);
  dz_tape_clear(NULL);
  dz_tape_forgive(NULL);
  dz_tape_at(NULL, 1, 1);
  ck_assert(dz_tape_size(NULL) == 0 && dz_tape_bytes(NULL) == 0 &&
            dz_tape_error(NULL)->status == DZ_ERR_ARGUMENT);
  ck_assert(dz_tape_reserve(NULL, 1) == DZ_ERR_ARGUMENT && dz_note_count(NULL) == 0 && !dz_note_at(NULL, 0));
  ck_assert(!dz_valid(dz_input(NULL, 1)) && !dz_valid(dz_leaf_tensor(NULL, DZ_ROLE_INPUT, 1, NULL, NULL)));
  ck_assert(!dz_valid(none) && !dz_valid(dz_exp(none)) && !dz_valid(dz_add(none, none)) &&
            !dz_valid(dz_neg(none)));
  ck_assert(!dz_valid(dz_clamp(none, none, none)) && !dz_valid(dz_add(none, 1)) &&
            !dz_valid(dz_mul(2, none)));
  ck_assert(dz_backward(none) == DZ_ERR_HANDLE && dz_diagnose(none) == DZ_ERR_HANDLE);
  ck_assert(dz_set(none, NULL, 0) == DZ_ERR_HANDLE && dz_set_name(none, "x") == DZ_ERR_HANDLE &&
            !dz_name(none));
  ck_assert(!dz_valid(dz_named(NULL, "x")) && !dz_valid(dz_named(tape, NULL)) &&
            dz_describe(none).op == NULL);
  ck_assert(!dz_valid(dz_operand(none, 0)) && dz_attributes(none, NULL) == 0 && dz_rank(none) == 0);
  dz_var x = dz_input(tape, 1);
  ck_assert(!dz_valid(dz_add(x, none)) && error() == DZ_ERR_HANDLE);
  dz_tape_forgive(tape);
  ck_assert(!dz_valid(dz_mul(none, x)) && error() == DZ_ERR_HANDLE); /* reported on the live operand's tape */
  dz_tape_forgive(tape);
  ck_assert(dz_set(x, NULL, 1) == DZ_ERR_ARGUMENT && dz_set_name(x, NULL) == DZ_ERR_ARGUMENT &&
            dz_set_name(x, "") == DZ_ERR_ARGUMENT && dz_set_name(x, "\xff") == DZ_ERR_ARGUMENT &&
            dz_set_name(x, "x\xe7\xb5") == DZ_ERR_ARGUMENT);
  ck_assert(!dz_valid(dz_leaf_tensor(tape, DZ_ROLE_INPUT, 2, NULL, NULL)) && error() == DZ_ERR_ARGUMENT);
  dz_tape_forgive(tape);
  ck_assert(dz_backward_with(x, none) == DZ_ERR_HANDLE);
}
END_TEST

START_TEST(bad_leaves) {
  size_t huge[] = {SIZE_MAX / 256, SIZE_MAX / 256};
  ck_assert(!dz_valid(dz_leaf_tensor(tape, DZ_ROLE_INPUT, 2, huge, NULL)) && error() == DZ_ERR_SHAPE);
  dz_tape_forgive(tape);
  ck_assert(!dz_valid(dz_leaf_tensor(tape, DZ_ROLE_INPUT, 9, huge, NULL)) && error() == DZ_ERR_SHAPE);
  dz_tape_forgive(tape);
  ck_assert(!dz_valid(dz_leaf_tensor(tape, DZ_ROLE_INPUT, -1, huge, NULL)) && error() == DZ_ERR_SHAPE);
  dz_tape_forgive(tape);
  ck_assert(!dz_valid(dz_leaf(tape, DZ_ROLE_NONE, 1)) && error() == DZ_ERR_ARGUMENT);
  dz_tape_forgive(tape);
  dz_var empty = dz_leaf_tensor(tape, DZ_ROLE_INPUT, 2, (size_t[]){0, 3}, NULL);
  ck_assert(dz_valid(empty) && dz_size(empty) == 0 && dz_rank(empty) == 2 && dz_extent(empty, 1) == 3);
  dz_var y = dz_exp(empty);
  ck_assert(dz_valid(y) && dz_size(y) == 0);
  ck_assert(dz_backward(y) == DZ_ERR_SHAPE);
}
END_TEST

START_TEST(seeds_must_fit) {
  dz_var x = dz_leaf_tensor(tape, DZ_ROLE_INPUT, 2, (size_t[]){2, 3}, NULL), y = dz_exp(x);
  ck_assert(dz_backward(y) == DZ_ERR_SHAPE && error() == DZ_ERR_SHAPE);
  dz_tape_forgive(tape);
  dz_var seed = dz_leaf_tensor(tape, DZ_ROLE_CONST, 2, (size_t[]){3, 2}, NULL);
  ck_assert(dz_backward_with(y, seed) == DZ_ERR_SHAPE);
  ck_assert(strstr(dz_tape_error(tape)->message, "[3, 2]") && strstr(dz_tape_error(tape)->message, "[2, 3]"));
  dz_tape_forgive(tape);
  ck_assert(dz_backward_with(y, x) == DZ_OK); /* any handle of the shape */
  ck_assert(dz_adjoints(x)[5] == 0);
  dz_var one = dz_leaf_tensor(tape, DZ_ROLE_INPUT, 1, (size_t[]){1}, NULL);
  ck_assert(dz_backward(dz_exp(one)) == DZ_OK && dz_adjoint(one) == 1); /* one element needs no seed */
}
END_TEST

START_TEST(setting_leaves) {
  const double two[] = {2, 3};
  dz_var x = dz_param(tape, 1), w = dz_leaf_tensor(tape, DZ_ROLE_PARAM, 1, (size_t[]){2}, NULL),
         y = dz_mul(x, x);
  ck_assert(dz_set(x, two, 1) == DZ_OK && dz_value(x) == 2 && dz_value(y) == 1);
  ck_assert(dz_set(w, two, 2) == DZ_OK && dz_values(w)[1] == 3);
  ck_assert(dz_set(w, two, 1) == DZ_ERR_SHAPE && dz_set(y, two, 1) == DZ_ERR_ARGUMENT &&
            dz_set(dz_num(1), two, 1) == DZ_ERR_HANDLE);
}
END_TEST

START_TEST(names_belong_to_one_node) {
  dz_var x = dz_input(tape, 1);
  dz_mark m = dz_tape_mark(tape);
  dz_var y = dz_mul(x, 2);
  ck_assert(dz_set_name(x, "x") == DZ_OK && dz_set_name(y, "結果") == DZ_OK);
  ck_assert(dz_set_name(y, "x") == DZ_ERR_NAME);
  ck_assert_str_eq(dz_name(y), "結果");
  ck_assert(dz_node_index(dz_named(tape, "x")) == 0 && dz_valid(dz_named(tape, "結果")));
  dz_tape_rewind(tape, m);
  ck_assert(!dz_valid(dz_named(tape, "結果")) && dz_valid(dz_named(tape, "x")) && error() == DZ_OK);
  ck_assert(dz_set_name(dz_mul(x, 3), "結果") == DZ_OK);
}
END_TEST

START_TEST(the_tape_can_be_walked) {
  dz_var x = dz_input(tape, 3), c = dz_const(tape, 2), y = dz_pow(x, 2), z = dz_clamp(dz_mul(c, 4), 1, y);
  dz_node n = dz_describe(y);
  ck_assert(strcmp(n.op, "pow") == 0 && n.nargs == 2 && n.active && n.role == DZ_ROLE_NONE);
  ck_assert(dz_node_index(dz_operand(y, 0)) == 0 && dz_is_number(dz_operand(y, 1)) &&
            dz_value(dz_operand(y, 1)) == 2);
  ck_assert(!dz_valid(dz_operand(y, 2)) && !dz_valid(dz_operand(y, -1)));
  n = dz_describe(z);
  ck_assert(strcmp(n.op, "clamp") == 0 && n.nargs == 3 && n.active);
  ck_assert(!dz_describe(dz_operand(z, 0)).active && dz_value(dz_operand(z, 1)) == 1);
  ck_assert(dz_node_index(dz_operand(z, 2)) == dz_node_index(y));
  for (size_t i = 0; i < dz_tape_size(tape); i++) ck_assert(dz_node_index(dz_node_at(tape, i)) == i);
  ck_assert(!dz_valid(dz_node_at(tape, dz_tape_size(tape))));
  dz_tape_at(tape, 3, 7);
  n = dz_describe(dz_where(x, y, z));
  ck_assert(n.line == 3 && n.column == 7 && dz_describe(y).line == 0);
  ck_assert(dz_describe(dz_mul(x, y)).column == 7); /* inline recording too */
  dz_tape_at(tape, 0, 0);
  ck_assert(dz_describe(dz_mul(x, y)).line == 0);
}
END_TEST

START_TEST(accumulation_over_rewinds) {
  dz_var w = dz_param(tape, 2), u = dz_leaf_tensor(tape, DZ_ROLE_PARAM, 1, (size_t[]){2}, (double[]){1, 2});
  dz_mark m = dz_tape_mark(tape);
  double want = 0;
  for (int k = 1; k <= 4; k++) {
    dz_var v = dz_mul(u, w), s = dz_mul(v, k);
    dz_var seed = dz_leaf_tensor(tape, DZ_ROLE_CONST, 1, (size_t[]){2}, (double[]){1, 1});
    ck_assert((k == 1 ? dz_backward_with(s, seed) : dz_backward_add(s, seed)) == DZ_OK);
    want += 3. * k;
    ck_assert(dz_adjoint(w) == want && dz_adjoints(u)[1] == 2. * want / 3);
    dz_tape_rewind(tape, m);
    ck_assert(dz_adjoint(w) == want); /* what stands before the mark stays */
  }
}
END_TEST

START_TEST(notes_name_the_operation) {
  dz_var x = dz_input(tape, -1);
  dz_tape_at(tape, 2, 5);
  dz_var y = dz_where(0, x, dz_pow(x, .5));
  dz_backward(y);
  ck_assert(dz_diagnose(y) == DZ_OK);
  ck_assert(dz_note_count(tape) >= 1);
  ck_assert_str_eq(dz_note_at(tape, 0)->kind, "domain");
  ck_assert_str_eq(dz_note_at(tape, 0)->op, "pow");
  ck_assert(strstr(dz_note_at(tape, 0)->message, "pow(-1, 0.5) is nan"));
  ck_assert(dz_note_at(tape, 64) == NULL && dz_diagnose(x) == DZ_ERR_ARGUMENT);
}
END_TEST

/* A chain of ten million operations on a small stack (a tenth of that under sanitizers): nothing recurses
 * over nodes. */
static void *long_chain(void *ok) {
  enum { N = 2000000 };
  dz_tape *t = dz_tape_new(NULL);
  dz_var x = dz_input(t, 1), y = x;
  for (int i = 0; i < N; i++) y = dz_add(y, x);
  *(bool *)ok = dz_value(y) == N + 1 && dz_backward(y) == DZ_OK && dz_adjoint(x) == N + 1 &&
                dz_tape_bytes(t) < (size_t)32 * N;
  dz_tape_free(t);
  return NULL;
}

START_TEST(long_chains_need_no_stack) {
  bool ok = false;
  pthread_t thread;
  pthread_attr_t attr;
  pthread_attr_init(&attr);
  pthread_attr_setstacksize(&attr, 256 * 1024);
  ck_assert(pthread_create(&thread, &attr, long_chain, &ok) == 0);
  pthread_join(thread, NULL);
  ck_assert(ok);
}
END_TEST

/* One turn of work that touches scalars, tensors and both sets of adjoints; false when it met an
 * error. */
static bool turn(dz_var w, dz_var u) {
  dz_var s = dz_mul(w, w);
  for (int i = 0; i < 600; i++) s = dz_add(dz_sin(s), dz_mul(w, i));
  dz_var v = dz_hypot(dz_mul(u, s), 1), seed = dz_exp(dz_mul(u, 0));
  return dz_backward_with(v, seed) == DZ_OK && dz_backward_add(v, seed) == DZ_OK;
}

START_TEST(loops_allocate_nothing_after_the_first_turn) {
  failing f = {0};
  dz_allocator a = failing_allocator(&f);
  dz_tape *t = dz_tape_new(&a);
  dz_var w = dz_param(t, .5), u = dz_leaf_tensor(t, DZ_ROLE_PARAM, 1, (size_t[]){50}, NULL);
  dz_mark m = dz_tape_mark(t);
  size_t calls = 0;
  for (int i = 0; i < 5; i++) { /* the rewind at the end of each turn, or at its beginning */
    if (i == 1) calls = f.calls;
    if (_i == 1) ck_assert(dz_tape_rewind(t, m) == DZ_OK);
    ck_assert(turn(w, u));
    if (_i == 0) ck_assert(dz_tape_rewind(t, m) == DZ_OK);
  }
  ck_assert_msg(f.calls == calls, "%zu calls", f.calls - calls);
  dz_tape_free(t);
  ck_assert(f.blocks == 0 && f.bytes == 0);
}
END_TEST

/* Sweeps that keep interior adjoints and sweeps that do not use the same room, and leave each other alone. */
START_TEST(interior_adjoints_take_no_more_room) {
  dz_var x = dz_input(tape, 3), y = dz_mul(x, x), z = dz_mul(y, 5);
  for (int i = 0; i < 1000; i++) z = dz_add(z, x);
  ck_assert(dz_backward(z) == DZ_OK && dz_adjoint(x) == 1030);
  size_t bytes = dz_tape_bytes(tape);
  for (int i = 0; i < 3; i++) {
    ck_assert(dz_adjoint(y) == 5 && dz_adjoint(z) == 1);
    ck_assert(dz_backward(y) == DZ_OK && dz_adjoint(x) == 6 && dz_adjoint(y) == 1);
    ck_assert(dz_backward(z) == DZ_OK && dz_adjoint(x) == 1030);
  }
  ck_assert_uint_eq(dz_tape_bytes(tape), bytes);
}
END_TEST

START_TEST(every_allocation_may_fail) {
  bool through = false;
  for (size_t k = 1; !through && k < 2000; k++) {
    failing f = {.at = k};
    dz_allocator a = failing_allocator(&f);
    dz_tape *t = dz_tape_new(&a);
    if (t) {
      dz_var w = dz_param(t, .5), u = dz_leaf_tensor(t, DZ_ROLE_PARAM, 1, (size_t[]){50}, NULL);
      through = turn(w, u) && dz_set_name(w, "w") == DZ_OK && dz_set_name(u, "u") == DZ_OK;
      dz_status status = dz_tape_error(t)->status;
      if (!through) ck_assert(status == DZ_ERR_MEMORY || !f.at || status == DZ_OK);
      f.at = 0; /* and with memory back the tape is usable again */
      dz_tape_forgive(t);
      dz_var x = dz_input(t, 3), y = dz_mul(x, x);
      ck_assert(dz_backward(y) == DZ_OK && dz_adjoint(x) == 6);
    }
    dz_tape_free(t);
    ck_assert_msg(f.blocks == 0 && f.bytes == 0, "failure %zu leaks %zu blocks", k, f.blocks);
  }
  ck_assert(through);
}
END_TEST

SUITE_ON_TAPE(ONCE(values_and_gradients_of_a_small_graph), ONCE(repeated_operands_add),
              ONCE(adjoints_of_interior_nodes), ONCE(not_computed_inactive_and_zero_are_three),
              ONCE(stop_blocks_the_gradient), ONCE(structural_zeros_carry_nothing),
              ONCE(structural_zeros_in_tensors), ONCE(numbers_alone_fold), ONCE(numbers_stand_on_either_side),
              ONCE(roads_agree), ONCE(stale_handles_are_noticed), ONCE(handles_when_the_stamps_are_used_up),
              ONCE(marks_in_layers), EACH(liveness_against_a_plain_list, 10),
              ONCE(clear_makes_every_handle_stale), ONCE(two_tapes_do_not_mix), ONCE(nulls_everywhere),
              ONCE(bad_leaves), ONCE(seeds_must_fit), ONCE(setting_leaves), ONCE(names_belong_to_one_node),
              ONCE(the_tape_can_be_walked), ONCE(accumulation_over_rewinds), ONCE(notes_name_the_operation),
              ONCE(long_chains_need_no_stack), EACH(loops_allocate_nothing_after_the_first_turn, 2),
              ONCE(interior_adjoints_take_no_more_room), ONCE(every_allocation_may_fail))
