/* Gradient checks of models on tapes that may hold so many nodes and no more, from some recording on: the
   answer is DZ_ERR_LIMIT, or the report as it was. And models that change while they are
   checked. */
#include "dz/check.h"
#include "dz/lang.h"
#include "dz/tensor.h"

#include "suite.h"

#include <math.h>
#include <string.h>

static const char *const texts[] = {
    "exp(x)*sin(y)",
    "abs(x - .5)",
    "stop(x)*x",
    "x > .5 ? x : 2*x",
    "sum(A @ A)*x",
    "norm(solve(A, A[0]))",
    "sum(solve(A, A)^2)",
    "sum(max(A, x)) + max(A)",
    "sum(cumprod(A[0])*A)",
    "sum(A*A[0])",
    "3",
    "sum(x > 0 ? A : 0)",
};

typedef struct model {
  const char *text;
  int calls, from; /* from this recording on */
  size_t more;     /* so many nodes may come behind it */
  int turns;       /* what a recording gives after the first: another formula */
} model;

static dz_var record(dz_tape *t, const dz_var *leaves, void *user) {
  model *m = user;
  (void)leaves;
  const dz_var y = dz_expr(t, m->text);
  if (++m->calls >= m->from && m->from) dz_tape_limit(t, DZ_LIMIT_NODES, dz_tape_size(t) + m->more);
  if (m->turns && m->calls >= m->turns) return dz_sum(dz_add(y, dz_exp(y)), DZ_ALL, false);
  return y;
}

static dz_status check(model *m, dz_check_report *r, dz_error *e) {
  static const double x = .5, y = 1, A[] = {.75, -.5, 2, 1.25};
  static const size_t two[] = {2, 2};
  const dz_check_point p[] = {{"x", DZ_ROLE_INPUT, false, 0, NULL, &x},
                              {"y", DZ_ROLE_PARAM, false, 0, NULL, &y},
                              {"A", DZ_ROLE_INPUT, false, 2, two, A}};
  const dz_check_options few = {.max_elements = 2};
  m->calls = 0;
  return dz_check(record, m, COUNT(p), p, &few, NULL, r, e);
}

START_TEST(nodes_run_out) {
  dz_check_report right, r;
  dz_error e;
  model m = {.text = texts[_i]};
  const dz_status status = check(&m, &right, &e);
  const int calls = m.calls;
  for (m.from = 1; m.from <= calls; m.from += EFFORT(1, 5) + m.from / 4)
    for (m.more = 0; m.more < 40; m.more += 1 + m.more / 4) {
      const dz_status s = check(&m, &r, &e);
      if (s == DZ_ERR_LIMIT) continue;
      ck_assert_msg(s == status, "%s: recording %d, %zu nodes: %d, %s", m.text, m.from, m.more, s, e.message);
      if (!s)
        ck_assert(r.wrong == right.wrong && r.agreed == right.agreed && r.fault.kind == right.fault.kind);
      break;
    }
}
END_TEST

/* Another formula from some recording on: an answer, whatever it is, and never "all agrees" where the numbers
   do not. */
START_TEST(models_that_turn) {
  dz_check_report r;
  dz_error e;
  model m = {.text = texts[_i]};
  for (m.turns = 2; m.turns < 40; m.turns += EFFORT(1, 7)) {
    const dz_status s = check(&m, &r, &e);
    ck_assert(s == DZ_OK || s == DZ_ERR_SHAPE);
    const bool constant = strcmp(m.text, "3") == 0 || strstr(m.text, "solve(A, A)");
    if (!s && m.turns == 2 && !constant) ck_assert(r.wrong + r.kinks > 0);
  }
}
END_TEST

SUITE(EACH(nodes_run_out, COUNT(texts)), EACH(models_that_turn, COUNT(texts)))
