/* Gradient checks of models of many kinds, right and wrong, smooth and not, while memory fails at each
   allocation in turn: the answer is DZ_ERR_MEMORY or the report as it was. */
#include "outcome.h"

#include "../failing.h"
#include "suite.h"

#include <math.h>
#include <string.h>

static const char *const models[] = {
    "exp(x)*sin(x)",
    "abs(x - .5)",
    "stop(x)*x",
    "x*stop(exp(y)) + y*stop(sum(A))",
    "sum(A @ A)*x",
    "norm(solve(A, u[:2]))",
    "sum(solve(A, A))*x",
    "x > .5 ? x : 2*x",
    "floor(4*x)*y",
    "log(x - 3)",
    "sum(where(A > 0, A, 0))",
    "max(A) + prod(u) + min(u)",
    "max(x, y, .5)",
    "sum(A[0, :]*u[:2]) + sum(A[::-1, 1])",
    "softmax(A)[0, 0] + logsumexp(u)",
    "1/0*x",
    "0*x",
    "sqrt(x - .5)",
    "cumprod(u)[2] + cumsum(u)[1]",
    "sum(L^3)",
    "sum(L*stop(L))",
    "sum(abs(L))",
    "norm(concat(u, u)) + sum(stack([u, u]))",
    "sum(reshape(broadcast_to(x, 2, 3), 6)) + sum(A')",
    "sum(gather(u, [0, 2, 0]))",
    "sum(noise(A, 3)*A)",
    "d(x^3*y, x) + clamp(x, 0, y)",
    "var(L) + std(A)",
    "cross_entropy(A, [0, 1])",
    "3",
    "x",
    "u",
    "atan2(x - .5, y - 1)*0 + hypot(x - .5, y - 1)",
    "A[0, 0]^x + pow(x, y)",
};

typedef struct result {
  dz_status status;
  dz_check_report report;
} result;

static result check(const char *text, const dz_allocator *a) {
  static const double x = .5, y = 1, A[] = {.75, -.5, 2, 1.25}, u[] = {.5, -1, 0}, L[300] = {1, 0, 2, -3, .5};
  static const size_t two[] = {2, 2}, three[] = {3}, many[] = {300};
  const dz_check_point p[] = {
      {"x", DZ_ROLE_INPUT, false, 0, NULL, &x}, {"y", DZ_ROLE_PARAM, false, 0, NULL, &y},
      {"A", DZ_ROLE_INPUT, false, 2, two, A},   {"u", DZ_ROLE_PARAM, false, 1, three, u},
      {"L", DZ_ROLE_INPUT, false, 1, many, L},  {"s", DZ_ROLE_INPUT, true, 0, NULL, &x},
      {"c", DZ_ROLE_CONST, false, 0, NULL, &x}};
  const dz_check_options few = {.max_elements = 3};
  char copy[100];
  dz_error e;
  result r = {.status = DZ_OK};
  strcpy(copy, text);
  r.status = dz_check(by_text, copy, COUNT(p), p, &few, a, &r.report, &e);
  ck_assert_int_eq(r.status, e.status);
  return r;
}

static bool same_row(const dz_check_row *a, const dz_check_row *b) {
  return a->leaf == b->leaf && a->element == b->element && a->verdict == b->verdict &&
         memcmp(&a->analytic, &b->analytic, sizeof a->analytic) == 0 &&
         memcmp(&a->numeric, &b->numeric, sizeof a->numeric) == 0;
}

static bool same(const result *a, const result *b) {
  const dz_check_report *p = &a->report, *q = &b->report;
  return a->status == b->status && p->checked == q->checked && p->wrong == q->wrong && p->kinks == q->kinks &&
         same_row(&p->worst, &q->worst) && p->fault.kind == q->fault.kind && p->fault.node == q->fault.node &&
         p->dot.verdict == q->dot.verdict && p->taylor.verdict == q->taylor.verdict;
}

START_TEST(each_allocation_may_fail) {
  failing plenty = {0};
  dz_allocator a = failing_allocator(&plenty);
  const result right = check(models[_i], &a);
  const size_t n = plenty.calls, step = EFFORT(1 + n / 60, 1 + n / 3);
  for (size_t k = 1; k <= n; k += step)
    for (int onwards = 0; onwards < 2; onwards++) {
      failing f = {.at = onwards ? k : 0, .only = onwards ? 0 : k};
      a = failing_allocator(&f);
      const result r = check(models[_i], &a);
      if (!(r.status == DZ_ERR_MEMORY && f.failed) && !same(&r, &right))
        ck_abort_msg("%s: allocation %zu%s fails: status %d, another report", models[_i], k,
                     onwards ? " and all later" : "", r.status);
      ck_assert(f.blocks == 0 && f.bytes == 0);
    }
}
END_TEST

/* Nobody has to want the error's text; and of more leaves than there can be there is no room. */
START_TEST(errors_without_a_record) {
  const double x = 1;
  const dz_check_point p = {"x", DZ_ROLE_INPUT, false, 0, NULL, &x};
  dz_check_report r;
  char wrong[] = "x +", none[] = "x + nobody", right[] = "x";
  ck_assert_int_eq(dz_check(by_text, wrong, 1, &p, NULL, NULL, &r, NULL), DZ_ERR_SYNTAX);
  ck_assert_int_eq(dz_check(by_text, none, 1, &p, NULL, NULL, &r, NULL), DZ_ERR_MISSING);
  ck_assert_int_eq(dz_check(by_text, right, SIZE_MAX, &p, NULL, NULL, &r, NULL), DZ_ERR_MEMORY);
  const size_t beyond = SIZE_MAX >> 16 >> 8; /* of 32 bits there might be so many */
  if (beyond > 255)
    ck_assert_int_eq(dz_check(by_text, right, beyond, &p, NULL, NULL, &r, NULL), DZ_ERR_MEMORY);
  ck_assert_int_eq(dz_check(by_text, right, 1, &p, NULL, NULL, &r, NULL), DZ_OK);
  ck_assert_uint_eq(r.agreed, 1);
}
END_TEST

SUITE(ONCE(errors_without_a_record), EACH(each_allocation_may_fail, COUNT(models)))
