/* Threads that share a plan's loops: every number is the same for any number of them, to the last bit, and
   within the bound of summation in any order of what long doubles give. */
#define _GNU_SOURCE
#include "dice.h"
#include "dz/dz.h"
#include "effort.h"
#include "plan/cache.h"
#include "plan/crew.h"
#include "plan/plan.h"
#include "soil.h"
#include "suite.h"
#include "zeros.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* Logistic regression: enough lanes that loops are divided, and some that fill no vector. */
enum { ROWS = SANITIZED ? 4003 : 6003, FEATURES = 20, OUTPUTS = 2 };
static const int counts[] = {1, 2, 3, 16};

typedef struct problem {
  double x[ROWS][FEATURES], sign[ROWS], w[FEATURES];
} problem;

static double uniform(dice *d) { return (double)(roll(d) >> 11) * 0x1p-52 - 1; }

static void fill(problem *p) {
  dice d = {5};
  for (int i = 0; i < ROWS; i++) {
    for (int j = 0; j < FEATURES; j++) p->x[i][j] = uniform(&d);
    p->sign[i] = roll(&d) & 1 ? 1 : -1;
  }
  for (int j = 0; j < FEATURES; j++) p->w[j] = uniform(&d);
}

/* The loss, and the sum of squared margins: two loops over the rows. */
static dz_plan *plan_of(const problem *p, int threads) {
  dz_tape *t = dz_tape_new(NULL);
  dz_var w[FEATURES], y[OUTPUTS] = {dz_num(0), dz_num(0)};
  dz_error e;
  for (int j = 0; j < FEATURES; j++) w[j] = dz_input(t, p->w[j]);
  for (int i = 0; i < ROWS; i++) {
    dz_var s = dz_num(0);
    for (int j = 0; j < FEATURES; j++) s = dz_add(s, dz_mul(p->x[i][j], w[j]));
    y[0] = dz_add(y[0], dz_log1p(dz_exp(dz_mul(-p->sign[i], s))));
    y[1] = dz_add(y[1], dz_mul(s, s));
  }
  dz_plan *plan = dz_plan_new(OUTPUTS, y, FEATURES, w, &(dz_plan_options){.threads = threads}, &e);
  ck_assert_msg(plan != NULL, "%s", e.message);
  dz_tape_free(t);
  return plan;
}

typedef struct result {
  double values[OUTPUTS], gradient[FEATURES];
} result;

static result run(const dz_plan *plan, const problem *p) {
  result r;
  size_t bytes = dz_plan_memory(plan);
  void *work = malloc(bytes);
  soil(work, bytes);
  soil(&r, sizeof r);
  ck_assert_int_eq(dz_plan_run(plan, p->w, r.values, r.gradient, work), DZ_OK);
  free(work);
  return r;
}

/* Terms carry at most `steps` roundings, their sums at most one for each row: (Higham, Accuracy and
   Stability, 4.2). */
static void near(double x, long double sum, long double magnitudes, const char *what) {
  enum { STEPS = 4 * FEATURES };
  long double bound = (ROWS + STEPS) * 0x1p-53L * magnitudes;
  ck_assert_msg(fabsl(x - sum) <= bound, "%s is %.17g, not %.17Lg: off by %Lg, bound %Lg", what, x, sum,
                fabsl(x - sum), bound);
}

static void check(const problem *p, const result *r) {
  long double loss = 0, squares = 0, sum[FEATURES] = {0}, most[FEATURES] = {0}, steepest = 0;
  for (int i = 0; i < ROWS; i++) {
    long double s = 0;
    for (int j = 0; j < FEATURES; j++) s += (long double)p->x[i][j] * p->w[j];
    loss += log1pl(expl(-p->sign[i] * s));
    squares += s * s;
    long double g = 2 * s - p->sign[i] / (1 + expl(p->sign[i] * s));
    for (int j = 0; j < FEATURES; j++) sum[j] += g * p->x[i][j];
    for (int j = 0; j < FEATURES; j++) most[j] += (2 * FEATURES + 1) * fabsl((long double)p->x[i][j]);
    steepest += 2 * FEATURES * FEATURES;
  }
  near(r->values[0], loss, loss + steepest, "the loss");
  near(r->values[1], squares, steepest, "the sum of squares");
  for (int j = 0; j < FEATURES; j++) near(r->gradient[j], sum[j], most[j], "a partial");
}

static size_t divided(const dz_plan *p) {
  size_t n = 0;
  for (size_t k = 0; k < p->program.loops; k++) n += p->program.loop[k].span > 0;
  return n;
}

START_TEST(same_bits) {
  problem *p = malloc(sizeof *p);
  result first;
  fill(p);
  for (int k = 0; k < (int)COUNT(counts); k++) {
    dz_plan *plan = plan_of(p, counts[k]);
    ck_assert_uint_gt(divided(plan), 0);
    for (int repeat = 0; repeat < 5; repeat++) {
      result r = run(plan, p);
      if (k == 0 && repeat == 0) first = r;
      ck_assert_msg(memcmp(&r, &first, sizeof r) == 0, "%d threads: other bits", counts[k]);
    }
    dz_plan_free(plan);
  }
  check(p, &first);
  free(p);
}
END_TEST

/* ---- several callers ---- */

typedef struct caller {
  const dz_plan *plan;
  const problem *p;
  result expected;
  int wrong;
} caller;

static void *call(void *user) {
  caller *c = user;
  size_t bytes = dz_plan_memory(c->plan);
  void *work = malloc(bytes);
  for (int repeat = 0; repeat < EFFORT(20, 5); repeat++) {
    result r;
    c->wrong += dz_plan_run(c->plan, c->p->w, r.values, r.gradient, work) != DZ_OK;
    c->wrong += memcmp(&r, &c->expected, sizeof r) != 0;
  }
  free(work);
  return NULL;
}

START_TEST(several_callers) {
  enum { CALLERS = 16 };
  problem *p = malloc(sizeof *p);
  fill(p);
  dz_plan *plan = plan_of(p, 3);
  pthread_t id[CALLERS];
  caller c[CALLERS];
  for (int k = 0; k < CALLERS; k++) {
    c[k] = (caller){plan, p, run(plan, p), 0};
    ck_assert_int_eq(pthread_create(&id[k], NULL, call, &c[k]), 0);
  }
  for (int k = 0; k < CALLERS; k++) {
    pthread_join(id[k], NULL);
    ck_assert_int_eq(c[k].wrong, 0);
  }
  dz_plan_free(plan);
  free(p);
}
END_TEST

/* A child has none of its parent's threads, and runs the plan all the same. */
START_TEST(after_fork) {
  problem *p = malloc(sizeof *p);
  int status = 1;
  fill(p);
  dz_plan *plan = plan_of(p, 2);
  result expected = run(plan, p);
  pid_t child = fork();
  if (child == 0) {
    caller c = {plan, p, expected, 0};
    call(&c);
    dz_plan_free(plan);
    free(p);
    exit(c.wrong != 0);
  }
  ck_assert_int_eq(waitpid(child, &status, 0), child);
  ck_assert_int_eq(status, 0);
  dz_plan_free(plan);
  free(p);
}
END_TEST

/* ---- loops that add to the gradient, lane by lane ---- */

enum { LANES = 7003, MOST_INPUTS = 3 * LANES + 2000 };

typedef struct wired {
  dz_tape *t;
  dz_var x[MOST_INPUTS];
  double in[MOST_INPUTS], gradient[MOST_INPUTS], found[MOST_INPUTS];
  int n;
} wired;

static void inputs(wired *w, int n) {
  w->n = n;
  for (int k = 0; k < n; k++) w->x[k] = dz_input(w->t, w->in[k] = k * 7 % 5 - 2);
}

/* Work enough for a loop to be divided: the same again and again. */
static dz_var busy(dz_var a, dz_var b) {
  for (int k = 0; k < 8; k++) a = dz_fabs(dz_sub(k % 2 ? b : dz_neg(b), a));
  return a;
}

/* What each lane reads of the inputs, and whether its term is an output of its own. */
static dz_var wire(const wired *w, int kind, int l) {
  static const int stride[] = {1, 1, 2, 2, 1, 1}, other[] = {1, 1, 2, 3, 1, 1},
                   from[] = {LANES, 1, 1, 1, 0, LANES};
  const dz_var a = w->x[kind == 4 ? l * 5 % LANES : l * stride[kind]], b = w->x[from[kind] + l * other[kind]];
  return busy(a, b);
}

static dz_var record_wired(wired *w, int kind) {
  dz_var y = dz_num(0);
  inputs(w, kind == 3 ? 3 * LANES + 10 : 2 * LANES + 10);
  for (int l = 0; l < LANES; l++) y = dz_add(y, wire(w, kind, l));
  return kind == 5 ? dz_mul(y, dz_add(y, 1)) : y; /* its adjoint is not known before */
}

/* More sums over the lanes than blocks have room for. */
static dz_var record_wide(wired *w) {
  enum { FEW = 70, SHARED = 1100 };
  dz_var y = dz_num(0);
  inputs(w, SHARED + FEW);
  for (int l = 0; l < FEW; l++) {
    dz_var s = w->x[SHARED + l];
    for (int j = 0; j < SHARED; j++) s = dz_add(s, dz_mul((l + j) % 5 - 2, w->x[j]));
    y = dz_add(y, dz_fabs(s));
  }
  return y;
}

static bool ignore(void *user, const char *text, size_t n) {
  (void)text;
  *(size_t *)user += n;
  return true;
}

static void compare(const dz_plan *p, wired *w, double value, const char *what) {
  double found;
  void *work = malloc(dz_plan_memory(p));
  soil(work, dz_plan_memory(p));
  ck_assert_int_eq(dz_plan_run(p, w->in, &found, w->found, work), DZ_OK);
  ck_assert_msg(found == value, "%s: %g, not %g", what, found, value);
  for (int k = 0; k < w->n; k++)
    ck_assert_msg(w->found[k] == w->gradient[k], "%s: gradient %d is %g, not %g", what, k, w->found[k],
                  w->gradient[k]);
  free(work);
}

/* Whole numbers: the tape's, bit for bit. */
START_TEST(wired_loops) {
  static wired w;
  w.t = dz_tape_new(NULL);
  dz_var y = _i == 6 ? record_wide(&w) : record_wired(&w, _i % 7);
  if (_i == 7) y = dz_add(y, behind(w.x[0])); /* then adjoints are computed number by number */
  ck_assert_int_eq(dz_backward(y), DZ_OK);
  for (int k = 0; k < w.n; k++) w.gradient[k] = dz_adjoint(w.x[k]);
  dz_plan *p =
      dz_plan_new(1, &y, w.n, w.x, &(dz_plan_options){.threads = 2, .tensors = DZ_TENSORS_APART}, NULL);
  ck_assert(p != NULL && (divided(p) > 0) == (_i != 1 && _i != 3 && _i != 4));
  compare(p, &w, dz_value(y), "the machine");
  size_t written = 0;
  ck_assert(dz_emit(p, NULL, ignore, &written) == DZ_OK && written > 0);
  if (!SANITIZED) {
    dz_error e;
    ck_assert_msg(!dz_plan_native(p, &(dz_native_options){.cache = cache}, &e), "%s", e.message);
    compare(p, &w, dz_value(y), "native code");
  }
  dz_plan_free(p);
  dz_tape_free(w.t);
}
END_TEST

/* Outputs of their own, and nothing that lanes add up. */
START_TEST(many_outputs) {
  static wired w;
  static dz_var y[LANES];
  static double values[LANES];
  w.t = dz_tape_new(NULL);
  inputs(&w, 2 * LANES + 10);
  for (int l = 0; l < LANES; l++) y[l] = wire(&w, 0, l);
  dz_plan *p =
      dz_plan_new(LANES, y, w.n, w.x, &(dz_plan_options){.threads = 2, .tensors = DZ_TENSORS_APART}, NULL);
  void *work = malloc(dz_plan_memory(p));
  ck_assert_uint_gt(divided(p), 0);
  ck_assert_int_eq(dz_plan_run(p, w.in, values, w.found, work), DZ_OK);
  for (int l = 0; l < LANES; l++) {
    ck_assert_int_eq(dz_backward(y[l]), DZ_OK);
    ck_assert(values[l] == dz_value(y[l]) && w.found[l] == dz_adjoint(w.x[l]) &&
              w.found[LANES + l] == dz_adjoint(w.x[LANES + l]));
    if (l % 50) l += EFFORT(6, 60);
  }
  size_t written = 0;
  ck_assert(dz_emit(p, NULL, ignore, &written) == DZ_OK && written > 0);
  free(work);
  dz_plan_free(p);
  dz_tape_free(w.t);
}
END_TEST

/* ---- the crew itself ---- */

typedef struct duty {
  dz__crew *crew;
  atomic_int begun, done, nested;
} duty;

static void once(void *work, size_t block, size_t who) {
  (void)block;
  ck_assert_uint_eq(who, 0);
  atomic_fetch_add(&((duty *)work)->nested, 1);
}

/* The caller goes on when another has begun, which then takes its time: the caller waits. Work within work is
   done alone. */
static void take_time(void *work, size_t block, size_t who) {
  duty *d = work;
  (void)block;
  atomic_fetch_add(&d->begun, 1);
  for (int k = 0; k < 2000 && !who && atomic_load(&d->begun) < 2; k++) usleep(1000);
  if (who)
    usleep(20000);
  else
    dz__crew_work(d->crew, 3, once, d);
  atomic_fetch_add(&d->done, 1);
}

START_TEST(crews) {
  const dz_allocator a = dz__allocator(NULL);
  duty d = {.crew = dz__crew_new(&a, 2)};
  ck_assert_ptr_null(dz__crew_new(&a, 1));
  dz__crew_work(d.crew, 2, take_time, &d);
  ck_assert_int_eq(atomic_load(&d.done), 2);
  ck_assert_int_ge(atomic_load(&d.nested), 3);
  usleep(20000); /* it sleeps then, and is woken to end */
  dz__crew_free(&a, d.crew);
}
END_TEST

/* ---- samples ---- */

START_TEST(samples) {
  enum { N = 5003, INPUTS = 3 };
  static double in[N][INPUTS], values[2][N], rows[2][N][INPUTS];
  dice d = {9};
  for (int i = 0; i < N; i++)
    for (int j = 0; j < INPUTS; j++) in[i][j] = uniform(&d);
  for (int k = 0; k < 2; k++) {
    dz_tape *t = dz_tape_new(NULL);
    dz_var x[INPUTS] = {dz_input(t, .5), dz_input(t, .25), dz_input(t, 2)};
    dz_var y = dz_add(dz_mul(dz_sin(x[0]), x[1]), dz_div(x[1], dz_exp(x[2])));
    dz_plan *p = dz_plan_new(1, &y, INPUTS, x, &(dz_plan_options){.map = true, .threads = k * 3}, NULL);
    void *work = malloc(dz_plan_map_memory(p));
    ck_assert_int_eq(dz_plan_map(p, N, in[0], values[k], rows[k][0], work), DZ_OK);
    free(work);
    dz_plan_free(p);
    dz_tape_free(t);
  }
  ck_assert_int_eq(memcmp(values[0], values[1], sizeof values[0]), 0);
  ck_assert_int_eq(memcmp(rows[0], rows[1], sizeof rows[0]), 0);
}
END_TEST

START_TEST(counts_that_are_none) {
  dz_tape *t = dz_tape_new(NULL);
  dz_var x = dz_input(t, 1), y = dz_mul(x, x);
  const int wrong[] = {-1, DZ_MOST_THREADS + 1};
  for (int k = 0; k < 2; k++) {
    dz_error e;
    ck_assert_ptr_null(dz_plan_new(1, &y, 1, &x, &(dz_plan_options){.threads = wrong[k]}, &e));
    ck_assert_int_eq(e.status, DZ_ERR_ARGUMENT);
  }
  dz_tape_free(t);
}
END_TEST

SUITE_BETWEEN(set_up, tear_down, ONCE(same_bits), ONCE(several_callers), ONCE(after_fork), ONCE(samples),
              ONCE(counts_that_are_none), EACH(wired_loops, 8), ONCE(many_outputs), ONCE(crews))
