/* Long tapes: the first fault is named among thousands of nodes, without a look at each. */
#include "outcome.h"

#include "../failing.h"
#include "dz/userop.h"
#include "suite.h"

#include <string.h>

enum {
  LINKS = EFFORT(1500, 800),
  PLACES = 4,
  UNREAD = 8000
}; /* three nodes each: beyond what is looked at one by one */

typedef enum plant { SQUARE, STOP, KINK, FORWARD } plant;

/* What stands in the chain, and where. back and forth multiply the true derivative. */
typedef struct fault {
  plant kind;
  int at;
  double back, forth;
} fault;

typedef struct chain {
  fault faults[2];
  int n;
  size_t node;         /* of the first fault, as it was recorded */
  bool defined;        /* the operations are, on the one tape of a check */
  int shorter, unread; /* after so many recordings each begins with so many nodes that nothing reads */
} chain;

static void value(void *user, const dz_op_array *x, size_t size, double *z) {
  (void)user;
  for (size_t i = 0; i < size; i++) z[i] = x->data[i] * x->data[i];
}
static void vjp(void *user, const dz_op_array *x, size_t size, const double *z, const double *g,
                double *const *ga) {
  (void)z;
  for (size_t i = 0; ga[0] && i < size; i++) ga[0][i] += 2 * ((const fault *)user)->back * x->data[i] * g[i];
}
static void jvp(void *user, const dz_op_array *x, size_t size, const double *z, const double *const *t,
                double *out) {
  (void)z;
  for (size_t i = 0; i < size; i++) out[i] = 2 * ((const fault *)user)->forth * x->data[i] * t[0][i];
}

static const char *const names[] = {"first", "second"};

static void define(dz_tape *t, chain *c) {
  for (int k = 0; k < c->n; k++) {
    dz_op_calls calls = {.arity = 1, .value = value, .vjp = vjp, .jvp = jvp, .user = &c->faults[k]};
    const fault wrong = c->faults[k];
    c->faults[k].back = c->faults[k].forth = 1; /* a wrong one would be refused here */
    dz_op_define_c(t, names[k], &calls, NULL);
    c->faults[k] = wrong;
  }
  c->defined = true;
}

static dz_var planted(dz_tape *t, chain *c, int k, dz_var x) {
  fault *f = &c->faults[k];
  if (k == 0) c->node = dz_tape_size(t);
  switch (f->kind) {
  case STOP:
    return dz_stop(x);
  case KINK:
    return dz_add(dz_fabs(x), 1);
  default:
    return dz_apply(t, names[k], 1, &x);
  }
}

/* x to x (1 - 2^-12) + 2^-12 sin x, again and again: a long way on which the slope stays near 1. */
static dz_var long_way(dz_tape *t, const dz_var *v, void *user) {
  chain *c = user;
  dz_var x = v[0];
  if (!c->defined) define(t, c);
  for (int i = 0; c->shorter == 0 && i < c->unread; i++) dz_sin(x);
  c->shorter -= c->shorter > 0;
  for (int i = 0, k = 0; i < LINKS; i++) {
    while (k < c->n && c->faults[k].at == i) x = planted(t, c, k++, x);
    x = dz_add(dz_mul(x, 1 - 0x1p-12), dz_mul(dz_sin(x), 0x1p-12));
  }
  return dz_rank(x) ? dz_sum(x, DZ_ALL, false) : x;
}

static outcome check_chain(chain *c, double at, bool tensor) {
  static const size_t three[] = {3};
  const double values[] = {at, at / 2, 2 * at};
  dz_check_point p = {.role = DZ_ROLE_INPUT, .rank = tensor, .dims = three, .values = values};
  outcome o = check_all(long_way, c, 1, &p);
  if (o.status) ck_abort_msg("%s: %s", o.error.op, o.error.message);
  return o;
}

static void expect_fault(chain *c, double at, bool tensor, dz_fault kind, const char *op) {
  outcome o = check_chain(c, at, tensor);
  const dz_check_fault *f = &o.report.fault;
  if (f->kind != kind || strcmp(f->op, op) != 0 || f->node != c->node)
    ck_abort_msg("fault %d at %s, node %zu, not %d at %s, node %zu", (int)f->kind, f->op, f->node, (int)kind,
                 op, c->node);
}

static int place(int i) { return i * (LINKS - 1) / (PLACES - 1); }

START_TEST(a_wrong_reverse_rule) {
  for (int tensor = 0; tensor < 2; tensor++) {
    chain c = {.faults = {{SQUARE, place(_i), 1.0001, 1}}, .n = 1};
    expect_fault(&c, .7, tensor, DZ_FAULT_PARTIAL, "first");
  }
}
END_TEST

START_TEST(a_wrong_forward_rule) {
  chain c = {.faults = {{FORWARD, place(_i), 1, 1.01}}, .n = 1};
  expect_fault(&c, .7, false, DZ_FAULT_TANGENT, "first");
}
END_TEST

START_TEST(a_lost_gradient) {
  chain c = {.faults = {{STOP, place(_i), 1, 1}}, .n = 1};
  expect_fault(&c, .7, false, DZ_FAULT_DETACHED, "stop");
}
END_TEST

START_TEST(a_kink) {
  chain c = {.faults = {{KINK, place(_i), 1, 1}}, .n = 1};
  expect_fault(&c, 0, false, DZ_FAULT_KINK, "fabs");
}
END_TEST

/* Together they are wrong by half of what each is: a search from the output would come upon the second, and
   half way between the two the sum over the cut is off the other way. */
START_TEST(the_first_of_two) {
  chain c = {.faults = {{SQUARE, place(1), 1.002, 1.002}, {SQUARE, place(2), .999, .999}}, .n = 2};
  expect_fault(&c, .7, false, DZ_FAULT_PARTIAL, "first");
}
END_TEST

/* The chain from a constant that moves: nothing on the tape is wrong. */
static dz_var off_tape(dz_tape *t, const dz_var *v, void *user) {
  chain *c = user;
  c->node = dz_tape_size(t);
  return long_way(t, ((dz_var[]){dz_mul(v[0], dz_const(t, dz_value(v[0])))}), user);
}

START_TEST(a_value_taken_off_the_tape) {
  static const double x = .7;
  chain c = {.n = 0};
  outcome o = check_at(off_tape, &c, x);
  ck_assert_int_eq(o.report.fault.kind, DZ_FAULT_LEFT_TAPE);
  ck_assert_uint_eq(o.report.fault.node, c.node);
}
END_TEST

/* So little that the slopes in the middle, which are rough, do not show it, but the operation's own does. */
START_TEST(what_the_screen_misses) {
  chain c = {.faults = {{SQUARE, place(1), 1 + 1e-10, 1 + 1e-10}}, .n = 1};
  expect_fault(&c, .7, false, DZ_FAULT_PARTIAL, "first");
}
END_TEST

START_TEST(nothing_wrong) {
  chain c = {.faults = {{SQUARE, place(1), 1, 1}}, .n = 1};
  outcome o = check_chain(&c, .7, true);
  ck_assert_int_eq(o.report.fault.kind, DZ_FAULT_NONE);
  ck_assert_uint_eq(o.report.agreed, 3);
}
END_TEST

START_TEST(every_allocation_may_fail) {
  static const double values[] = {.7};
  static const fault faults[] = {
      {SQUARE, 0, 1.5, 1}, {KINK, 0, 1, 1}, {FORWARD, 0, 1, 1.5}, {FORWARD, 0, 1, 1.5}};
  static const dz_fault found[] = {DZ_FAULT_PARTIAL, DZ_FAULT_KINK, DZ_FAULT_TANGENT, DZ_FAULT_TANGENT};
  chain c = {.faults = {faults[_i]}, .n = 1};
  c.faults[0].at = place(1);
  dz_check_point p = {.role = DZ_ROLE_INPUT, .values = faults[_i].kind == KINK ? NULL : values};
  dz_status status = DZ_ERR_MEMORY;
  dz_check_report r;
  for (size_t k = 1; status != DZ_OK; k++) {
    failing f = {.at = k};
    dz_allocator a = failing_allocator(&f);
    dz_error e;
    c.defined = false;
    c.shorter = 3, c.unread = _i == 3 ? UNREAD : 0; /* or tangents have their room already */
    status = dz_check(long_way, &c, 1, &p, NULL, &a, &r, &e);
    ck_assert_uint_eq(f.blocks, 0);
    /* NAME: the model goes on after the operation could not be defined. */
    bool fits = f.failed ? status == DZ_ERR_MEMORY || status == DZ_ERR_NAME : status == DZ_OK;
    if (!fits) ck_abort_msg("allocation %zu: %s: %s", k, e.op, e.message);
  }
  ck_assert_int_eq(r.fault.kind, found[_i]);
}
END_TEST

enum { PARTS = 37 };

/* Refuses only what one use of a node of so many elements needs while the screen asks for it. */
static void *refuse(void *user, void *block, size_t old_size, size_t new_size) {
  const dz_allocator a = dz_system_allocator();
  const bool refused = old_size == 0 && new_size == 2 * (PARTS + PARTS) * sizeof(double);
  *(int *)user += refused;
  return refused ? NULL : a.resize(a.user, block, old_size, new_size);
}

START_TEST(a_use_without_room) {
  static const size_t parts[] = {PARTS};
  double values[PARTS];
  for (int k = 0; k < PARTS; k++) values[k] = .5 + k / 64.;
  const dz_check_point p = {.role = DZ_ROLE_INPUT, .rank = 1, .dims = parts, .values = values};
  const dz_check_options options = {.max_elements = 1};
  chain c = {.faults = {{SQUARE, place(1), 1.5, 1}}, .n = 1};
  int refused = 0;
  const dz_allocator a = {refuse, &refused};
  dz_check_report r;
  ck_assert_int_eq(dz_check(long_way, &c, 1, &p, &options, &a, &r, NULL), DZ_ERR_MEMORY);
  ck_assert_int_eq(refused, 1);
  ck_assert_int_eq(r.fault.kind, DZ_FAULT_NONE);
}
END_TEST

SUITE(EACH(a_wrong_reverse_rule, PLACES), EACH(a_wrong_forward_rule, PLACES), EACH(a_lost_gradient, PLACES),
      EACH(a_kink, PLACES), ONCE(the_first_of_two), ONCE(a_value_taken_off_the_tape),
      ONCE(what_the_screen_misses), ONCE(nothing_wrong), EACH(every_allocation_may_fail, 4),
      ONCE(a_use_without_room))
