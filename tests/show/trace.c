#include "show/trace.h"

#include "dz/tensor.h"
#include "suite.h"

#include <math.h>

static dz_tape *tape;
static dz__trace trace;
static void setup(void) { tape = dz_tape_new(NULL); }
static void teardown(void) {
  dz__trace_free(&trace);
  dz_tape_free(tape);
}

static void make(dz_var y) { ck_assert_int_eq(dz__trace_make(y, SIZE_MAX, &trace), DZ_OK); }

/* Document 004's graph among other nodes: operands before users, its waves, one record per use. */
START_TEST(what_y_depends_on_in_order) {
  dz_var a = dz_input(tape, -1), other = dz_exp(a), x = dz_input(tape, 1);
  dz_var square = dz_pow(a, 2), more = dz_mul(other, square), e = dz_exp(dz_mul(a, x));
  dz_var z = dz_div(square, dz_add(square, e));
  ck_assert(dz_valid(dz_add(more, z)));
  ck_assert_int_eq(dz_backward(z), DZ_OK);
  ck_assert_int_eq(dz_set_name(e, "e"), DZ_OK);
  make(z);
  static const size_t node[] = {0, 2, 3, 5, 6, 7, 8};
  static const uint32_t wave[] = {0, 0, 1, 1, 2, 3, 4}, uses[] = {2, 1, 2, 1, 1, 1, 0};
  static const char *const op[] = {"input", "input", "pow", "mul", "exp", "add", "div"};
  ck_assert_uint_eq(trace.nseen, 7);
  for (size_t i = 0; i < 7; i++) {
    const dz__seen *s = &trace.seen[i];
    ck_assert_uint_eq(s->node, node[i]);
    ck_assert_str_eq(s->is.op, op[i]);
    ck_assert_uint_eq(s->wave, wave[i]);
    ck_assert_uint_eq(s->uses, uses[i]);
    ck_assert_int_eq(s->state, DZ_ADJOINT_READY);
    ck_assert_double_eq(*s->value, dz_value(dz_node_at(tape, node[i])));
    ck_assert_double_eq(*s->adjoint, dz_adjoint(dz_node_at(tape, node[i])));
  }
  ck_assert_str_eq(trace.seen[4].name, "e");
  ck_assert_ptr_null(trace.seen[5].name);
  ck_assert_uint_eq(trace.nuse, 9);
  const dz__use *exponent = &trace.use[trace.seen[2].args + 1];
  ck_assert_uint_eq(exponent->of, DZ__NONE);
  ck_assert_double_eq(exponent->number, 2);
  ck_assert_ptr_null(exponent->share);
}
END_TEST

START_TEST(uses_are_linked_in_order) {
  dz_var x = dz_input(tape, 3), cube = dz_mul(dz_mul(x, x), x);
  ck_assert_int_eq(dz_backward(cube), DZ_OK);
  make(cube);
  static const uint32_t user[] = {1, 1, 2}, operand[] = {0, 1, 1};
  static const double share[] = {9, 9, 9};
  uint32_t j = trace.seen[0].first;
  for (int i = 0; i < 3; i++, j = trace.use[j].next) {
    ck_assert_uint_ne(j, DZ__NONE);
    ck_assert_uint_eq(trace.use[j].of, 0);
    ck_assert_uint_eq(trace.use[j].user, user[i]);
    ck_assert_uint_eq(trace.use[j].operand, operand[i]);
    ck_assert_double_eq(*trace.use[j].share, share[i]);
  }
  ck_assert_uint_eq(j, DZ__NONE);
  ck_assert_double_eq(*trace.seen[0].adjoint, 27);
}
END_TEST

START_TEST(shares_only_where_adjoints_flow_to_small_values) {
  size_t four = 4, five = 5;
  dz_var small = dz_leaf_tensor(tape, DZ_ROLE_PARAM, 1, &four, (double[]){1, 2, 3, 4});
  dz_var large = dz_leaf_tensor(tape, DZ_ROLE_PARAM, 1, &five, NULL);
  dz_var fixed = dz_const(tape, 2), y = dz_mul(dz_sum(dz_mul(small, fixed), DZ_ALL, false), fixed);
  y = dz_add(y, dz_sum(large, DZ_ALL, false));
  make(y);
  for (size_t j = 0; j < trace.nuse; j++) ck_assert_ptr_null(trace.use[j].share);
  dz__trace_free(&trace);
  ck_assert_int_eq(dz_backward(y), DZ_OK);
  make(y);
  const double *share = trace.use[trace.seen[0].first].share;
  for (int i = 0; i < 4; i++) ck_assert_double_eq(share[i], 4);
  ck_assert_ptr_null(trace.use[trace.seen[1].first].share);
  ck_assert_ptr_null(trace.use[trace.seen[2].first].share);
  ck_assert_int_eq(trace.seen[2].state, DZ_ADJOINT_INACTIVE);
  ck_assert_int_eq(trace.seen[1].rank, 1);
  ck_assert_uint_eq(trace.seen[1].dims[0], 5);
}
END_TEST

/* Nodes far apart on a long tape: places are counted right across words of the marks. */
START_TEST(sparse_traces_of_long_tapes) {
  enum { LONG = 10000, STEP = 37 };
  dz_var y = dz_input(tape, 1);
  for (int i = 1; i < LONG; i++) {
    dz_var next = i % STEP ? dz_input(tape, i) : dz_add(y, dz_node_at(tape, (size_t)i - 1));
    if (i % STEP == 0) y = next;
  }
  make(y);
  ck_assert_uint_eq(trace.nseen, 1 + 2 * ((LONG - 1) / STEP));
  for (size_t i = 1; i < trace.nseen; i++) {
    const dz__seen *s = &trace.seen[i];
    ck_assert_uint_gt(s->node, trace.seen[i - 1].node);
    if (s->is.nargs == 0) continue;
    ck_assert_uint_eq(trace.seen[trace.use[s->args + 1].of].node, s->node - 1);
    ck_assert_uint_eq(s->wave, s->node / STEP);
  }
  ck_assert_int_eq(dz__trace_make(y, (LONG - 1) / STEP - 1, &(dz__trace){.nseen = 0}), DZ_ERR_LIMIT);
}
END_TEST

SUITE_BETWEEN(setup, teardown, ONCE(what_y_depends_on_in_order), ONCE(uses_are_linked_in_order),
              ONCE(shares_only_where_adjoints_flow_to_small_values), ONCE(sparse_traces_of_long_tapes))
