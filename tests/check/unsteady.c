/* Models that do not hold still while they are checked: from some call on they give less, more, another node,
   none, or drop the tape. */
#include "outcome.h"

#include "../failing.h"
#include "suite.h"

#include <limits.h>

typedef enum manner { LESS, OTHER_SIZE, NUMBER, NOTHING, CLEARED, LEAF, MORE, MANNERS, GONE } manner;

/* More nodes than are looked at one by one. */
enum { LINKS = 680 };

typedef struct unsteady {
  manner how;
  int from, calls, links;
  bool kink;
  bool plain;    /* without what stands beside: scalars alone */
  bool constant; /* the fault is a value taken off the tape, not a stop */
  failing *f;
  size_t before; /* allocations until it changed */
} unsteady;

static dz_var chained(dz_var x, int links) {
  for (int i = 0; i < links; i++) x = dz_add(dz_mul(x, 1 - 0x1p-12), dz_mul(dz_sin(x), 0x1p-12));
  return x;
}

/* |x| or x stop(x), and a long way, beside which stand three elements times 0, and no elements. */
static dz_var changing(dz_tape *t, const dz_var *v, void *user) {
  unsteady *u = user;
  static const double ones[] = {1, 1, 1};
  size_t none = 0, three = 3;
  const bool odd = ++u->calls >= u->from;
  if (u->calls == u->from && u->f) u->before = u->f->calls;
  if (odd && u->how == NUMBER) return dz_num(1);
  if (odd && u->how == NOTHING) return (dz_var){0};
  if (odd && u->how == LEAF) return v[0];
  if (odd && (u->how == CLEARED || u->how == GONE)) {
    dz_tape_clear(t);
    return u->how == GONE ? dz_num(1) : dz_input(t, 1);
  }
  if (odd && u->how == OTHER_SIZE) three = 2;
  if (u->plain) {
    dz_var c = dz_const(t, dz_value(v[0])), y = u->constant ? dz_mul(v[0], c) : dz_mul(v[0], dz_stop(v[0]));
    return chained(y, u->links * (odd ? 2 : 1));
  }
  dz_leaf_tensor(t, DZ_ROLE_CONST, 1, &none, NULL);
  dz_var aside = dz_sum(dz_leaf_tensor(t, DZ_ROLE_CONST, 1, &three, ones), DZ_ALL, false);
  dz_var y = u->kink ? dz_fabs(v[0]) : dz_mul(v[0], dz_stop(v[0]));
  int links = u->links;
  if (odd && u->how == LESS) links -= links / 3;
  if (odd && u->how == MORE) links += 1 + links;
  return dz_add(chained(y, links), dz_mul(0, aside));
}

static outcome check_changing(unsteady *u) {
  static const double x[] = {.75, 0, .5};
  const dz_check_point p[] = {{.role = DZ_ROLE_INPUT, .values = &x[u->kink]},
                              {.role = DZ_ROLE_PARAM, .values = &x[2]}};
  u->calls = 0;
  return check_all(changing, u, 2, p);
}

/* From whichever call on it changes: one that gives no node, or drops the leaves, is told as such; the others
   end in some report. */
static void change(manner how, bool kink, int links, int last) {
  unsteady u = {.how = how, .from = INT_MAX, .kink = kink, .links = links};
  outcome o = check_changing(&u);
  expect_blame(&o, kink ? DZ_FAULT_KINK : DZ_FAULT_DETACHED, kink ? "fabs" : "stop");
  const bool refused = how == NOTHING || how == CLEARED;
  for (int calls = u.calls, from = last < calls ? calls - last : 1; from <= calls; from++) {
    u.from = from;
    o = check_changing(&u);
    if (o.status != (refused ? DZ_ERR_HANDLE : DZ_OK))
      ck_abort_msg("manner %d from call %d of %d: status %d: %s", (int)how, from, calls, o.status,
                   o.error.message);
    ck_assert_int_eq(o.error.status, o.status);
  }
}

START_TEST(a_tape_that_is_gone_at_once) {
  unsteady u = {.how = GONE, .from = 1, .links = 1};
  outcome o = check_changing(&u);
  ck_assert_int_eq(o.status, DZ_ERR_HANDLE);
  ck_assert_str_eq(o.error.message, "a leaf is gone");
}
END_TEST

START_TEST(a_model_that_changes) { change((manner)(_i / 2), _i % 2, 1, EFFORT(INT_MAX, 30)); }
END_TEST
START_TEST(a_long_model_that_changes) { change((manner)(_i / 2), _i % 2, LINKS, EFFORT(12, 6)); }
END_TEST

/* It grows while the fault is looked for, and then memory fails. */
START_TEST(a_model_that_grows_out_of_memory) {
  static const double x[] = {.75, 0, .75, .75};
  const dz_check_point p = {.role = DZ_ROLE_INPUT, .values = &x[_i]};
  const unsteady how = {
      .how = MORE, .from = INT_MAX, .kink = _i == 1, .plain = _i > 1, .constant = _i > 2, .links = LINKS};
  unsteady u = how;
  dz_check_report r;
  ck_assert_int_eq(dz_check(changing, &u, 1, &p, NULL, NULL, &r, NULL), DZ_OK);
  for (int calls = u.calls, from = calls - 9; from <= calls; from++) {
    failing f = {0};
    dz_allocator a = failing_allocator(&f);
    u = how;
    u.from = from;
    u.f = &f;
    const dz_status right = dz_check(changing, &u, 1, &p, NULL, &a, &r, NULL);
    ck_assert_int_eq(right, DZ_OK);
    for (size_t all = f.calls, k = u.before + 1; k <= all; k += EFFORT(1, 12)) {
      f = (failing){.at = k};
      u.calls = 0;
      dz_error e;
      const dz_status status = dz_check(changing, &u, 1, &p, NULL, &a, &r, &e);
      ck_assert_int_eq(e.status, status);
      ck_assert_int_eq(status, DZ_ERR_MEMORY);
      ck_assert(f.blocks == 0 && f.bytes == 0);
    }
  }
}
END_TEST

/* Of twenty elements three are looked at, and directions; half of them do not count. */
static dz_var wide_chain(dz_tape *t, const dz_var *v, void *user) {
  static const double half[20] = {0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1};
  static const size_t n = 20;
  dz_var y = *(bool *)user ? dz_fabs(v[0]) : dz_mul(v[0], dz_stop(v[0]));
  return dz_sum(dz_mul(chained(y, LINKS), dz_leaf_tensor(t, DZ_ROLE_CONST, 1, &n, half)), DZ_ALL, false);
}

START_TEST(long_and_wide) {
  static const size_t n = 20;
  double at[20];
  for (int k = 0; k < 20; k++) at[k] = 1 + k / 8.;
  for (int kink = 0; kink < 2; kink++) {
    bool is_kink = kink;
    if (kink) at[7] = 0;
    const dz_check_point p = {.role = DZ_ROLE_INPUT, .rank = 1, .dims = &n, .values = at};
    const dz_check_options few = {.max_elements = 3};
    outcome o = {.status = DZ_OK};
    o.status = dz_check(wide_chain, &is_kink, 1, &p, &few, NULL, &o.report, &o.error);
    expect_blame(&o, kink ? DZ_FAULT_KINK : DZ_FAULT_DETACHED, kink ? "fabs" : "stop");
    ck_assert(!kink || o.report.worst.element == SIZE_MAX);
  }
}
END_TEST

SUITE(EACH(a_model_that_changes, 2 * MANNERS), EACH(a_long_model_that_changes, 2 * MANNERS),
      EACH(a_model_that_grows_out_of_memory, 4), ONCE(a_tape_that_is_gone_at_once), ONCE(long_and_wide))
