/* dz in a program that has its own ways: numbers flushed to zero, another rounding, traps for floating-point
   exceptions, a decimal comma, signals in the midst of a sweep, other threads with tapes of their own. What
   is computed and written meanwhile is what it is in quiet, and the program's settings are left alone. */
#define _GNU_SOURCE
#include "dz/check.h"
#include "dz/derive.h"
#include "dz/dz.h"
#include "dz/emit.h"
#include "dz/explain.h"
#include "dz/plan.h"
#include "dz/print.h"
#include "dz/show.h"
#include "dz/text.h"
#include "dz/trace.h"
#include "ops/op.h"
#include "suite.h"
#include "tape/tape.h"

#include <fenv.h>
#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/time.h>
#ifdef __SSE2__
#include <xmmintrin.h>
#endif

enum { MOST = 4096, LEAVES = 3, LONGEST = 240 };

/* All regular: no value and no slope is infinite, subnormal, or at a kink. */
static const char *const texts[] = {
    "1/(1+exp(-(x*y+w)))",
    "sum(softmax([x, y, w])^2)",
    "x^2*y + y/(w+x)",
    "f(u) = tanh(u*w+y); sum(f([x, 2*x, 3*x]))",
    "sum([[x,y],[w,1]] @ [[1,2],[3,x]])",
    "where(x > y, log(x*x+1), sqrt(w*w+1))",
    "norm([x,y,w]) + logsumexp([x,y,w]) + prod([x,y,w]) + max([x,y,w])",
    "sum(solve([[x+2,y],[w,3]], [1,2]))",
    "d(sin(x*y)^3, x) + w",
    "cross_entropy([[x,y,w]], [1]) + x*1e-3 + 0.1*y",
    "sum(cumsum([x,y,w]) * cumprod([y,w,x]))",
};

typedef struct found {
  size_t n;
  double x[MOST];
  uint64_t text; /* a hash of all that was written */
} found;

static void put(found *f, size_t n, const double *x) {
  ck_assert(f->n + n <= MOST && x);
  memcpy(f->x + f->n, x, n * sizeof *x);
  f->n += n;
}

static bool hash(void *user, const char *text, size_t size) {
  found *f = user;
  for (size_t i = 0; i < size; i++) f->text = (f->text ^ (unsigned char)text[i]) * UINT64_C(0x100000001b3);
  return true;
}

/* ---- the work ---- */

static void run_plan(found *f, dz_var y, int n, const dz_var *x) {
  dz_error e;
  dz_plan *p = dz_plan_new(1, &y, n, x, NULL, &e);
  if (!p && e.status == DZ_ERR_ARGUMENT) return; /* plans cannot solve */
  ck_assert_msg(p != NULL, "%s", e.message);
  double in[LEAVES], value, g[LEAVES];
  void *work = malloc(dz_plan_memory(p));
  for (int k = 0; k < n; k++) in[k] = dz_value(x[k]);
  ck_assert(dz_plan_run(p, in, &value, g, work) == DZ_OK);
  put(f, 1, &value);
  put(f, (size_t)n, g);
  ck_assert(dz_emit(p, NULL, hash, f) == DZ_OK);
  free(work);
  dz_plan_free(p);
}

static void sweep(found *f, dz_var y, int n, const dz_var *x) {
  static const double direction[LEAVES] = {1, -.5, .25};
  double along;
  ck_assert(dz_backward(y) == DZ_OK && dz_tangent(y, n, x, direction, &along) == DZ_OK);
  put(f, 1, dz_values(y));
  put(f, 1, &along);
  for (int k = 0; k < n; k++) put(f, 1, dz_adjoints(x[k]));
  ck_assert(dz_diagnose(y) == DZ_OK);
}

static void derive(found *f, dz_var y, int n, const dz_var *x) {
  dz_var g[LEAVES];
  ck_assert(dz_grad(y, n, x, g) == DZ_OK);
  for (int k = 0; k < n; k++) put(f, 1, dz_is_number(g[k]) ? &g[k].value : dz_values(g[k]));
}

static void tell(found *f, dz_var y) {
  const dz_explain_options page = {.format = DZ_EXPLAIN_HTML};
  ck_assert(dz_print(y, NULL, hash, f) == DZ_OK && dz_write_dot(y, NULL, hash, f) == DZ_OK);
  ck_assert_int_eq(dz_write_svg(y, NULL, hash, f), DZ_OK);
  ck_assert_int_eq(dz_write_trace(y, NULL, hash, f), DZ_OK);
  ck_assert(dz_explain(y, &page, hash, f) == DZ_OK);
}

static void one_operation(found *f, int fn) {
  const dz__op *op = &dz__ops[fn];
  dz_tape *t = dz_tape_new(NULL);
  dz_var x[LEAVES];
  for (int k = 0; k < op->arity; k++) x[k] = dz_input(t, op->low + (op->high - op->low) * (.6 - .25 * k));
  if (fn == DZ__F_polygamma) x[0] = dz_data(t, 1); /* its order is whole */
  const dz_var y = dz__record((dz__fn)fn, op->arity, x, 0, NULL);
  ck_assert_msg(isfinite(dz_value(y)), "%s is not regular here", op->name);
  const int first = dz_role_of(x[0]) == DZ_ROLE_DATA;
  if (dz_is_active(y)) {
    sweep(f, y, op->arity - first, x + first);
    run_plan(f, y, op->arity - first, x + first);
  }
  dz_tape_free(t);
}

static void one_text(found *f, const char *text) {
  static const char *const names[LEAVES] = {"x", "y", "w"};
  static const double at[LEAVES] = {.75, .5, 1.25};
  dz_tape *t = dz_tape_new(NULL);
  dz_var x[LEAVES];
  for (int k = 0; k < LEAVES; k++) dz_set_name(x[k] = dz_input(t, at[k]), names[k]);
  const dz_var y = dz_expr(t, text);
  ck_assert_msg(dz_valid(y), "%s", dz_tape_error(t)->message);
  sweep(f, y, LEAVES, x);
  run_plan(f, y, LEAVES, x);
  tell(f, y);
  derive(f, y, LEAVES, x);
  dz_tape_free(t);
}

static void work(found *f) {
  memset(f, 0, sizeof *f);
  for (int fn = 0; fn < DZ__F_POINTWISE_END; fn++) one_operation(f, fn);
  for (size_t k = 0; k < COUNT(texts); k++) one_text(f, texts[k]);
}

static found quiet, loud; /* without anything unusual, and with it */

static void begin(void) {
  fesetround(FE_TONEAREST); /* a test that failed may have left another */
  work(&quiet);
}
static void end(void) {}

static void expect_same(const found *f) {
  ck_assert_uint_eq(f->n, quiet.n);
  for (size_t i = 0; i < f->n; i++)
    ck_assert_msg(memcmp(&f->x[i], &quiet.x[i], sizeof *f->x) == 0, "number %zu is %a, not %a", i, f->x[i],
                  quiet.x[i]);
  ck_assert(f->text == quiet.text);
}

/* ---- settings ---- */

START_TEST(flushed_to_zero) {
#ifdef __SSE2__
  const unsigned before = _mm_getcsr(), flushed = before | 0x8040;
  _mm_setcsr(flushed);
  work(&loud);
  const unsigned after = _mm_getcsr();
  _mm_setcsr(before);
  ck_assert_uint_eq(after & 0xffc0, flushed & 0xffc0);
  expect_same(&loud);
#endif
}
END_TEST

/* What is regular stays so near: each number is made by at most LONGEST operations, none of which magnifies a
   relative error by more than AMPLIFIED, and each is off by 8 units in the last place at most. */
START_TEST(other_roundings) {
  static const int modes[] = {FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO};
  enum { AMPLIFIED = 16 };
  fesetround(modes[_i]);
  work(&loud);
  const int after = fegetround();
  fesetround(FE_TONEAREST);
  ck_assert_int_eq(after, modes[_i]);
  ck_assert_uint_eq(loud.n, quiet.n);
  for (size_t i = 0; i < loud.n; i++) {
    const double bound = LONGEST * 8 * AMPLIFIED * 0x1p-53 * fmax(fabs(quiet.x[i]), 1);
    ck_assert_msg(fabs(loud.x[i] - quiet.x[i]) <= bound, "number %zu is %a, not %a", i, loud.x[i],
                  quiet.x[i]);
  }
}
END_TEST

START_TEST(traps) {
#ifdef __GLIBC__
  feclearexcept(FE_ALL_EXCEPT);
  if (feenableexcept(FE_INVALID | FE_DIVBYZERO | FE_OVERFLOW) < 0) return; /* this processor has none */
  work(&loud);                                                             /* a trap would end the process */
  fedisableexcept(FE_ALL_EXCEPT);
  expect_same(&loud);
#endif
}
END_TEST

/* Only where a locale with a decimal comma is installed. */
START_TEST(decimal_comma) {
  if (!setlocale(LC_ALL, "de_DE.UTF-8")) return;
  work(&loud);
  setlocale(LC_ALL, "C");
  expect_same(&loud);
}
END_TEST

/* ---- signals and threads ---- */

/* The handler has a tape and a plan's memory of its own, and allocates nothing. */
static struct {
  dz_var y, x;
  const dz_plan *p;
  void *room;
  pthread_t thread; /* a library's thread may be the one that is interrupted */
  volatile int came, wrong;
} handler;

static void interrupt(int number) {
  const double in[2] = {.5, 2};
  double value, g[2];
  (void)number;
  if (!pthread_equal(pthread_self(), handler.thread)) return;
  handler.came++;
  handler.wrong += dz_backward(handler.y) != DZ_OK || dz_adjoint(handler.x) != 108;
  handler.wrong += dz_plan_run(handler.p, in, &value, g, handler.room) != DZ_OK || value != 4.5 || g[0] != 11;
}

/* (u v)^2 + 7 u, with slopes 2 u v^2 + 7 and 2 u^2 v. */
static dz_plan *plan_of_two(void) {
  dz_tape *t = dz_tape_new(NULL);
  const dz_var x[] = {dz_input(t, .5), dz_input(t, 2)};
  const dz_var y = dz_add(dz_mul(dz_mul(dz_mul(x[0], x[0]), x[1]), x[1]), dz_mul(x[0], 7));
  dz_plan *p = dz_plan_new(1, &y, 2, x, NULL, NULL);
  ck_assert(p != NULL);
  dz_tape_free(t);
  return p;
}

START_TEST(signals) {
  struct sigaction how = {.sa_handler = interrupt, .sa_flags = SA_RESTART}, before;
  const struct itimerval often = {{0, 200}, {0, 200}}, never = {{0, 0}, {0, 0}};
  dz_tape *t = dz_tape_new(NULL);
  dz_plan *p = plan_of_two();
  handler.x = dz_input(t, 6);
  handler.y = dz_mul(handler.x, dz_mul(handler.x, handler.x));
  handler.p = p;
  handler.thread = pthread_self();
  handler.room = malloc(dz_plan_memory(p));
  interrupt(0); /* a first sweep makes room */
  sigaction(SIGALRM, &how, &before);
  setitimer(ITIMER_REAL, &often, NULL);
  for (int k = 0; k < 200 && handler.came < 200; k++) {
    work(&loud);
    expect_same(&loud);
  }
  setitimer(ITIMER_REAL, &never, NULL);
  sigaction(SIGALRM, &before, NULL);
  ck_assert_int_gt(handler.came, 1);
  ck_assert_int_eq(handler.wrong, 0);
  free(handler.room);
  dz_plan_free(p);
  dz_tape_free(t);
}
END_TEST

static void *elsewhere(void *f) {
  work(f);
  return NULL;
}

START_TEST(tapes_of_two_threads) {
  found *both = malloc(2 * sizeof *both);
  pthread_t id[2];
  for (int k = 0; k < 2; k++) ck_assert(pthread_create(&id[k], NULL, elsewhere, &both[k]) == 0);
  for (int k = 0; k < 2; k++) {
    pthread_join(id[k], NULL);
    expect_same(&both[k]);
  }
  free(both);
}
END_TEST

int main(void) {
  const suite_test tests[] = {ONCE(flushed_to_zero), EACH(other_roundings, 3),
                              ONCE(traps),           ONCE(decimal_comma),
                              ONCE(signals),         ONCE(tapes_of_two_threads)};
  return suite_run(__FILE__, begin, end, COUNT(tests), tests);
}
