/* The linearised graph at its ends: more paths than can be counted, more than is kept, labels that are taken,
   operations of many operands, blame that is no single operation's, and memory that runs out. */
#include "dz/lang.h"
#include "dz/paths.h"
#include "dz/userop.h"
#include "dz/why.h"
#include "show/label.h"
#include "show/linearized.h"

#include "drawn.h"

#include <math.h>

static dz_paths *paths_of(dz_var y, dz_var x) {
  dz_paths *p = NULL;
  ck_assert_int_eq(dz_paths_find(y, x, 0, 0, &p), DZ_OK);
  return p;
}

/* 2^n paths. */
static dz_var doubled(dz_var x, int n) {
  for (int k = 0; k < n; k++) x = dz_add(x, x);
  return x;
}

/* ---- how many paths ---- */

START_TEST(more_paths_than_can_be_counted) {
  const dz_var x = dz_input(tape, 1);
  for (int n = 62; n < 70; n++) {
    dz_paths *p = paths_of(doubled(x, n), x);
    ck_assert_int_eq(p->over, n >= 64);
    ck_assert_uint_eq(p->count, n < 64 ? (uint64_t)1 << n : UINT64_MAX);
    ck_assert_double_eq(p->gradient, ldexp(1, n));
    ck_assert(!p->all && p->paths == 64 && p->sum == 64);
    dz_paths_free(p);
  }
  /* those that stop() ends are none */
  dz_paths *p = paths_of(dz_add(dz_stop(doubled(x, 70)), x), x);
  ck_assert(!p->over && p->all && p->count == 1 && p->gradient == 1);
  dz_paths_free(p);
}
END_TEST

START_TEST(more_paths_than_are_kept) {
  const dz_var x = dz_input(tape, 1), y = doubled(x, 60);
  dz_paths *p = NULL;
  ck_assert_int_eq(dz_paths_find(y, x, 0, 1 << 20, &p), DZ_ERR_LIMIT);
  ck_assert_ptr_null(p);
  ck_assert_int_eq(dz_paths_find(doubled(x, 8), x, 0, 1 << 20, &p), DZ_OK);
  ck_assert_uint_eq(p->paths, 256);
  for (size_t i = 1; i < p->paths; i++) { /* in one order, and no two alike */
    size_t k = 8;
    while (k-- > 0 && p->path[i].edge[k] == p->path[i - 1].edge[k]) {
    }
    ck_assert(k < 8 && p->path[i].edge[k] > p->path[i - 1].edge[k]);
  }
  dz_paths_free(p);
}
END_TEST

/* ---- labels ---- */

START_TEST(formulas_of_many_nodes) {
  for (int n = 999; n < 1001; n++) {
    const dz_var x = named(dz_input(tape, 1), n < 1000 ? "x" : "w");
    dz_var y = x;
    for (int k = 0; k < n; k++) y = dz_neg(y);
    dz_paths *p = paths_of(y, x);
    ck_assert_uint_eq(p->nodes, (size_t)n + 1);
    ck_assert_str_eq(p->node[1].formula, n < 1000 ? "-x" : ""); /* nobody reads so many */
    ck_assert_str_eq(p->node[1].label, "v1");
    dz_paths_free(p);
  }
}
END_TEST

START_TEST(labels_that_are_taken) {
  const dz_var x = named(dz_input(tape, 1), "v1"), y = dz_exp(dz_sin(x));
  dz_paths *p = paths_of(y, x);
  ck_assert_str_eq(p->node[0].label, "v1");
  ck_assert_str_eq(p->node[1].label, "v2");
  ck_assert_str_eq(p->node[2].label, "v3");
  ck_assert_str_eq(p->node[2].formula, "exp(v2)");
  dz_paths_free(p);
}
END_TEST

/* The constant that is asked about has a label; others stand as their numbers. */
START_TEST(constants_have_labels) {
  const dz_var x = dz_const(tape, 2), c = dz_const(tape, 3), y = dz_mul(dz_exp(x), c);
  dz_paths *p = paths_of(y, x);
  ck_assert_str_eq(p->node[0].label, "x1");
  ck_assert_str_eq(p->node[1].formula, "exp(x1)");
  ck_assert_str_eq(p->node[2].formula, "v1*3");
  ck_assert_str_eq(p->edge[0].formula, "exp(x1)");
  ck_assert_str_eq(p->edge[1].formula, "3");
  ck_assert_double_eq(p->gradient, 3 * exp(2));
  dz_paths_free(p);
  const dz_var v = dz_leaf_tensor(tape, DZ_ROLE_CONST, DIMS(2), V(1, 2)), w = dz_mul(v, 5);
  p = paths_of(total(dz_concat(2, (dz_var[]){w, w}, 0)), v);
  ck_assert(p->count == 2 && p->gradient == 10);
  dz_paths_free(p);
}
END_TEST

/* What is blamed is made of constants alone, and longer than a line: its operands are written out. */
START_TEST(long_constants_are_written) {
  const dz_var x = named(dz_input(tape, 2), "x");
  dz_var same[2];
  for (int k = 0; k < 2; k++)
    same[k] = dz_add(dz_add(dz_const(tape, 11.25), dz_const(tape, 12.25)),
                     dz_add(dz_const(tape, 13.25), dz_const(tape, 14.25)));
  const dz_var pole = dz_log(dz_mul(dz_sub(same[0], same[1]), dz_const(tape, 3)));
  const char *what = "log((11.25 + 12.25 + (13.25 + 14.25) - (11.25 + 12.25 + (13.25 + 14.25)))*3)";
  dz_why_report r;
  ck_assert_int_eq(dz_why(dz_mul(x, dz_exp(dz_neg(pole))), x, NULL, &r), DZ_OK);
  ck_assert_str_eq(r.code, "pole");
  ck_assert_msg(strncmp(r.what, what, strlen(what)) == 0, "%s", r.what);
}
END_TEST

/* ---- operations of several operands ---- */

/* Sixteen operands are written out, 64 are differentiated. */
START_TEST(operands_of_a_list) {
  static const int counts[] = {16, 17, 64, 65};
  const dz_var x = named(dz_leaf_tensor(tape, DZ_ROLE_INPUT, DIMS(1), V(2)), "x");
  dz_var part[65];
  for (int k = 0; k < 65; k++) part[k] = x;
  for (size_t k = 0; k < COUNT(counts); k++) {
    const dz_var y = total(dz_concat(counts[k], part, 0));
    dz_paths *p = NULL;
    dz_why_report r;
    ck_assert_int_eq(dz_paths_find(y, x, 0, 0, &p), counts[k] <= 64 ? DZ_OK : DZ_ERR_LIMIT);
    ck_assert_int_eq(dz_why(y, x, NULL, &r), counts[k] <= 64 ? DZ_OK : DZ_ERR_LIMIT);
    if (!p) continue;
    ck_assert_double_eq(p->gradient, counts[k]);
    ck_assert_int_eq(strcmp(p->node[1].formula, "concat") == 0, counts[k] > 16);
    ck_assert_int_eq(strstr(p->node[1].formula, "x, x, x") != NULL, counts[k] <= 16);
    dz_paths_free(p);
  }
}
END_TEST

/* A plain number among the operands of the user's operation; and a named constant. */
START_TEST(numbers_among_operands) {
  dz_error e = {DZ_OK, 0, 0, "", "", ""};
  ck_assert_int_eq(dz_op_define(tape, "f", 2, "x*y^2", NULL, &e), DZ_OK);
  const dz_var x = named(dz_input(tape, 2), "x"), c = named(dz_const(tape, 5), "c");
  dz_paths *p = paths_of(dz_apply(tape, "f", 2, (dz_var[]){x, dz_num(3)}), x);
  ck_assert_str_eq(p->node[1].formula, "f(x, 3)");
  ck_assert_double_eq(p->gradient, 9);
  dz_paths_free(p);
  p = paths_of(dz_apply(tape, "f", 2, (dz_var[]){c, x}), x);
  ck_assert_str_eq(p->node[1].formula, "f(c, x)");
  ck_assert_double_eq(p->gradient, 20);
  dz_paths_free(p);
}
END_TEST

/* ---- limits ---- */

/* n numbers, their sum, so many squares of it and so many negations: vertices and uses up to the limit. */
START_TEST(uses_up_to_the_limit) {
  enum { ALL = DZ__MOST_EDGES };
  static const struct {
    size_t n;
    int squares, negations;
    size_t vertices, edges; /* 0: too many */
  } cases[] = {{ALL - 1, 0, 0, ALL, ALL - 1},
               {ALL, 0, 0, 0, 0},
               {ALL - 16, 8, 0, ALL - 7, ALL},
               {ALL - 16, 8, 1, 0, 0}};
  for (size_t k = 0; k < COUNT(cases); k++) {
    dz_tape_clear(tape);
    const dz_var x = dz_leaf_tensor(tape, DZ_ROLE_INPUT, DIMS(cases[k].n), NULL);
    dz_var y = total(x);
    for (int i = 0; i < cases[k].squares; i++) y = dz_mul(y, y);
    for (int i = 0; i < cases[k].negations; i++) y = dz_neg(y);
    dz__linearized g;
    ck_assert_int_eq(dz__linearize(y, x, NULL, &g), cases[k].edges ? DZ_OK : DZ_ERR_LIMIT);
    ck_assert_uint_eq(g.vertices, cases[k].vertices);
    ck_assert_uint_eq(g.edges, cases[k].edges);
    dz__linearized_free(&g);
  }
}
END_TEST

/* Neither what y does not depend on nor what does not depend on x. */
START_TEST(what_is_on_the_way) {
  const dz_var other = dz_input(tape, 3), x = dz_input(tape, 2);
  dz_exp(x), dz_exp(other);
  const dz_var y = dz_mul(x, dz_sin(other));
  dz__linearized g;
  ck_assert_int_eq(dz__linearize(y, x, NULL, &g), DZ_OK);
  ck_assert(g.vertices == 2 && g.edges == 1);
  ck_assert(dz_node_index(g.vertex[0].node) == dz_node_index(x) &&
            dz_node_index(g.vertex[1].node) == dz_node_index(y));
  ck_assert_double_eq(g.edge[0].partial, sin(3));
  dz__linearized_free(&g);
}
END_TEST

START_TEST(tensors_that_are_too_large) {
  const size_t many = DZ__MOST_EDGES + 1, some = 176000;
  const dz_var v = dz_leaf_tensor(tape, DZ_ROLE_INPUT, 1, &many, NULL),
               u = dz_leaf_tensor(tape, DZ_ROLE_INPUT, 1, &some, NULL);
  dz_why_report r;
  ck_assert_int_eq(dz_why(total(v), v, NULL, &r), DZ_ERR_LIMIT); /* elements */
  ck_assert_int_eq(dz_why(total(dz_clamp(dz_clamp(u, u, u), u, u)), u, NULL, &r), DZ_ERR_LIMIT); /* uses */
  ck_assert_int_eq(dz_tape_error(tape)->status, DZ_OK);
}
END_TEST

/* ---- blame ---- */

START_TEST(a_step_that_is_asked_about) {
  const dz_var x = dz_input(tape, 1.5), s = dz_floor(x), y = dz_mul(dz_stop(s), 2);
  dz_why_report r;
  ck_assert_int_eq(dz_why(y, s, NULL, &r), DZ_OK);
  ck_assert_int_eq(r.cause, DZ_WHY_DETACHED);
  ck_assert_int_eq(dz_why(y, x, NULL, &r), DZ_OK);
  ck_assert_int_eq(r.cause, DZ_WHY_STEP);
}
END_TEST

/* No operation is to blame where each passes on what it gets, but the paths are many. */
START_TEST(the_number_of_paths_is_to_blame) {
  const dz_var x = named(dz_input(tape, 1), "x");
  dz_why_report r;
  ck_assert_int_eq(dz_why(doubled(x, 21), x, NULL, &r), DZ_OK);
  ck_assert(r.kind == DZ_WHY_HUGE && r.cause == DZ_WHY_EXPLODING && r.gradient == 0x1p21);
  ck_assert(!r.node.tape && r.operand == -1);
  ck_assert_ptr_nonnull(strstr(r.message, "none of the 21 factors"));
}
END_TEST

/* The operand that is a number is named by its place and its value. */
START_TEST(numbers_that_were_given) {
  const dz_var x = named(dz_input(tape, 2), "x");
  dz_why_report r;
  ck_assert_int_eq(dz_why(dz_mul(x, -INFINITY), x, NULL, &r), DZ_OK);
  ck_assert(r.cause == DZ_WHY_GIVEN && r.operand == 1);
  ck_assert_str_eq(r.message, "x*(-inf), x = 2: the number in it was given as -inf");
  /* of a tensor the first that is not finite, a NaN before others */
  const dz_var w = named(dz_leaf_tensor(tape, DZ_ROLE_INPUT, DIMS(3), V(1, -INFINITY, INFINITY)), "w"),
               n = named(dz_leaf_tensor(tape, DZ_ROLE_INPUT, DIMS(3), V(1, -INFINITY, NAN)), "n"),
               u = dz_leaf_tensor(tape, DZ_ROLE_INPUT, DIMS(3), V(1, 2, 3));
  ck_assert_int_eq(dz_why(total(dz_mul(w, u)), u, NULL, &r), DZ_OK);
  ck_assert_str_eq(r.message, "w was given as -inf");
  ck_assert_int_eq(dz_why(total(dz_mul(n, u)), u, NULL, &r), DZ_OK);
  ck_assert_str_eq(r.message, "n was given as nan");
}
END_TEST

/* Of a choice only what it chooses is to blame, of other operations the first; and nothing for its
 * neighbours. */
START_TEST(who_is_not_to_blame) {
  const dz_var x = named(dz_input(tape, 2), "x"), bad = dz_clamp(NAN, NAN, x),
               v = named(dz_leaf_tensor(tape, DZ_ROLE_INPUT, DIMS(2), V(INFINITY, 1)), "v"),
               w = named(dz_leaf_tensor(tape, DZ_ROLE_INPUT, DIMS(2), V(1, INFINITY)), "w"),
               n = named(dz_leaf_tensor(tape, DZ_ROLE_INPUT, DIMS(2), V(NAN, 1)), "n"),
               u = named(dz_leaf_tensor(tape, DZ_ROLE_INPUT, DIMS(2), V(1, 2)), "u"),
               m = named(dz_leaf_tensor(tape, DZ_ROLE_INPUT, DIMS(2), V(NAN, 1)), "m");
  dz_why_report r;
  ck_assert_int_eq(dz_why(dz_mul(x, bad), x, NULL, &r), DZ_OK);
  ck_assert(r.cause == DZ_WHY_GIVEN && r.operand == 0 && dz_node_index(r.node) == dz_node_index(bad));
  ck_assert_int_eq(dz_why(total(dz_mul(v, u)), u, NULL, &r), DZ_OK);
  ck_assert_str_eq(r.message, "v was given as inf");
  ck_assert_int_eq(dz_why(total(dz_mul(w, u)), u, NULL, &r), DZ_OK);
  ck_assert(r.operand == -1);
  ck_assert_str_eq(r.message, "w was given as inf");
  ck_assert_int_eq(dz_why(total(dz_mul(u, m)), u, NULL, &r), DZ_OK);
  ck_assert_str_eq(r.message, "m was given as nan");
  ck_assert_int_eq(dz_why(dz_mul(x, dz_where(dz_gt(x, 3), NAN, INFINITY)), x, NULL, &r), DZ_OK);
  ck_assert(r.cause == DZ_WHY_GIVEN && r.operand == 2);
  ck_assert_int_eq(dz_why(dz_mul(x, dz_where(NAN, dz_log(dz_neg(x)), INFINITY)), x, NULL, &r), DZ_OK);
  ck_assert(r.cause == DZ_WHY_DOMAIN && strcmp(dz_describe(r.node).op, "log") == 0);
  ck_assert_int_eq(dz_why(total(dz_mul(u, dz_where(dz_gt(u, 3), n, dz_sqrt(dz_neg(u))))), u, NULL, &r),
                   DZ_OK);
  ck_assert(r.cause == DZ_WHY_DOMAIN && strcmp(dz_describe(r.node).op, "sqrt") == 0);
}
END_TEST

START_TEST(a_tape_with_an_error) {
  const dz_var x = dz_input(tape, 2), y = dz_exp(x);
  dz_why_report r;
  const dz_var v = dz_leaf_tensor(tape, DZ_ROLE_INPUT, DIMS(2), V(1, 2)),
               u = dz_leaf_tensor(tape, DZ_ROLE_INPUT, DIMS(3), V(1, 2, 3));
  ck_assert(!dz_valid(dz_add(u, v)));
  ck_assert_int_eq(dz_why(y, x, NULL, &r), DZ_ERR_SHAPE);
  dz_tape_forgive(tape);
  ck_assert_int_eq(dz_why(y, x, NULL, &r), DZ_OK);
}
END_TEST

/* ---- memory ---- */

/* More edges than have formulas, so that few allocations are made. */
static dz_status find_starved(dz_tape *t, const dz_allocator *a, int kind) {
  (void)a, (void)kind;
  const size_t many = 61;
  const dz_var x = dz_input(t, 1), w = dz_leaf_tensor(t, DZ_ROLE_DATA, 1, &many, NULL),
               y = dz_sum(dz_mul(w, x), DZ_ALL, false);
  dz_paths *p = NULL;
  const dz_status s = dz_valid(y) ? dz_paths_find(y, x, 0, 3, &p) : dz_tape_error(t)->status;
  ck_assert(!s == (p != NULL));
  dz_paths_free(p);
  return s;
}

START_TEST(each_allocation_may_fail) { fail_each_allocation(find_starved, 0); }
END_TEST

/* exp(x) twice, which becomes one; in words. */
static text merged;

static dz_status write_merged(dz_tape *t, text *to) {
  const dz_var x = dz_input(t, 1), y = dz_mul(dz_exp(x), dz_exp(x));
  dz_paths *p = NULL;
  dz_status s = dz_valid(y) ? dz_paths_find(y, x, 0, 0, &p) : dz_tape_error(t)->status;
  ck_assert(!s == (p != NULL));
  if (p) ck_assert(p->nodes == 3 && p->edges == 3 && strcmp(p->node[2].formula, "v1*v1") == 0);
  if (p) s = dz_paths_write(p, NULL, append, to);
  dz_paths_free(p);
  return s;
}

static dz_status write_starved(dz_tape *t, const dz_allocator *a, int kind) {
  (void)a, (void)kind;
  text now = {0};
  const dz_status s = write_merged(t, &now);
  if (s)
    ck_assert(now.n == 0);
  else
    ck_assert_str_eq(now.at, merged.at);
  free(now.at);
  return s;
}

START_TEST(equal_operations_and_no_memory) {
  merged = (text){0};
  ck_assert_int_eq(write_merged(tape, &merged), DZ_OK);
  fail_one_allocation(write_starved, 0);
  free(merged.at);
}
END_TEST

/* There is no room left on the tape for an operation to be recorded alone. */
START_TEST(no_room_for_another) {
  for (size_t k = 1; k < 12; k++) {
    failing f = {0};
    const dz_allocator a = failing_allocator(&f);
    dz_tape *t = dz_tape_new(&a);
    const dz_var x = dz_leaf_tensor(t, DZ_ROLE_INPUT, DIMS(1), V(2)),
                 y = dz_broadcast_to(x, 1, (const size_t[]){4000});
    dz__linearized g;
    f.at = f.calls + k;
    ck_assert_int_eq(dz__linearize(y, x, &a, &g), DZ_ERR_MEMORY);
    ck_assert_int_eq(dz_tape_error(t)->status, DZ_OK);
    ck_assert(g.vertices == 0 && g.edges == 0);
    dz_tape_free(t);
    ck_assert_uint_eq(f.blocks, 0);
  }
}
END_TEST

SUITE_ON_TAPE(ONCE(more_paths_than_can_be_counted), ONCE(more_paths_than_are_kept),
              ONCE(formulas_of_many_nodes), ONCE(labels_that_are_taken), ONCE(constants_have_labels),
              ONCE(long_constants_are_written), ONCE(operands_of_a_list), ONCE(numbers_among_operands),
              ONCE(uses_up_to_the_limit), ONCE(what_is_on_the_way), ONCE(tensors_that_are_too_large),
              ONCE(a_step_that_is_asked_about), ONCE(the_number_of_paths_is_to_blame),
              ONCE(numbers_that_were_given), ONCE(who_is_not_to_blame), ONCE(a_tape_with_an_error),
              ONCE(each_allocation_may_fail), ONCE(equal_operations_and_no_memory), ONCE(no_room_for_another))
