/* Gradient checks of models of many kinds, right and wrong, smooth and not, while memory fails at each
   allocation in turn: the answer is DZ_ERR_MEMORY or the report as it was. */
#include "handed.h"
#include "outcome.h"

#include "../failing.h"
#include "dz/userop.h"
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

/* What there is of a report is of the rows so far. */
static bool begins(const dz_check_report *a, const dz_check_report *b) {
  return a->checked <= b->checked && a->agreed <= b->agreed && a->wrong <= b->wrong && a->noisy <= b->noisy &&
         a->kinks <= b->kinks && a->not_finite <= b->not_finite && a->forward_agreed <= b->forward_agreed &&
         a->forward_wrong <= b->forward_wrong;
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
      const bool failed = r.status == DZ_ERR_MEMORY && f.failed;
      if (failed ? !begins(&r.report, &right.report) : !same(&r, &right))
        ck_abort_msg("%s: allocation %zu%s fails: status %d, another report", models[_i], k,
                     onwards ? " and all later" : "", r.status);
      ck_assert(f.blocks == 0 && f.bytes == 0);
    }
}
END_TEST

static dz_var of_few_allocations(dz_tape *t, const dz_var *x, void *user) {
  const dz_op_calls calls = {.arity = 1, .value = twice, .vjp = twice_back};
  if (user) return dz_expr(t, user);
  dz_op_define_c(t, "twice", &calls, NULL); /* refused when it is there already */
  const dz_var v = dz_mul(dz_leaf_tensor(t, DZ_ROLE_CONST, 1, (size_t[]){2}, (double[]){1, 3}), *x);
  return dz_sum(dz_apply(t, "twice", 1, &v), DZ_ALL, false);
}

/* And each of them alone, where there are few: what it is wanted for is not left out. */
START_TEST(any_one_allocation_may_fail) {
  static const char *const few[] = {"sum(x*[1, 3])", "x*[3]", "sum(solve([[x, 2], [1, 3]], [x, 1]))", NULL};
  static const double x = .5;
  const dz_check_point p = {.name = "x", .role = DZ_ROLE_INPUT, .values = &x};
  failing f = {0};
  dz_check_report right = {0}, r;
  char text[100] = "";
  if (few[_i]) strcpy(text, few[_i]);
  for (size_t k = 0; k < 2 || f.failed; k++) {
    f = (failing){.only = k};
    const dz_allocator a = failing_allocator(&f);
    const dz_status status = dz_check(of_few_allocations, few[_i] ? text : NULL, 1, &p, NULL, &a, &r, NULL);
    if (k == 0) right = r;
    const bool fits = f.failed ? status == DZ_ERR_MEMORY || status == DZ_ERR_NAME : status == DZ_OK;
    ck_assert_msg(fits || (status == DZ_OK && r.dot.bound == right.dot.bound), "allocation %zu: %d", k,
                  status);
  }
  ck_assert(right.agreed == 1 && right.dot.bound > 0);
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

SUITE(ONCE(errors_without_a_record), EACH(any_one_allocation_may_fail, 4),
      EACH(each_allocation_may_fail, COUNT(models)))
