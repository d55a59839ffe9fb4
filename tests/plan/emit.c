/* C from plans where it is hard: zeros that nothing flows to beside infinite slopes, loops that threads
   share, sums whose factors are taken out of the loop. */
#include "dice.h"
#include "dz/dz.h"
#include "plan/cache.h"
#include "soil.h"
#include "suite.h"

#include <dlfcn.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool to_file(void *user, const char *text, size_t n) { return fwrite(text, 1, n, user) == n; }

/* ---- structural zeros ---- */

enum { LANES = 75, STEPS = 40, MOST = LANES + 3 };

typedef struct emitted {
  void *library;
  int (*run)(const double *in, double *out, double *grad, double *work);
  size_t (*work)(void);
} emitted;

static emitted compiled(const dz_plan *p) {
  emitted c = {NULL, NULL, NULL};
  char path[96], command[320];
  snprintf(path, sizeof path, "%s/f.c", cache);
  FILE *file = fopen(path, "w");
  ck_assert_int_eq(dz_emit(p, NULL, to_file, file), DZ_OK);
  fclose(file);
  snprintf(
      command, sizeof command,
      "cc -std=c99 -O1 -Wall -Wextra -Wconversion -Wshadow -pedantic -Werror -ffp-contract=off -fPIC -shared "
      "%s -o %s/f.so -lm",
      path, cache);
  ck_assert_int_eq(system(command), 0);
  snprintf(path, sizeof path, "%s/f.so", cache);
  c.library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  ck_assert_ptr_nonnull(c.library);
  void *run = dlsym(c.library, "f"), *work = dlsym(c.library, "f_work");
  memcpy(&c.run, &run, sizeof run);
  memcpy(&c.work, &work, sizeof work);
  return c;
}

/* A plan, and the C that it prints. */
typedef struct pair {
  dz_plan *plan;
  emitted c;
  void *work, *room;
} pair;

static pair pair_of(dz_plan *p) {
  const emitted c = compiled(p);
  pair both = {p, c, malloc(dz_plan_memory(p)), malloc(c.work() * sizeof(double))};
  soil(both.room, c.work() * sizeof(double));
  return both;
}

/* Of one value; the gradients are g, and h by the C. */
static void run_pair(const pair *both, const double *in, double *g, double *h) {
  double value, other;
  ck_assert_int_eq(dz_plan_run(both->plan, in, &value, g, both->work), DZ_OK);
  ck_assert_int_eq(both->c.run(in, &other, h, both->room), 0);
  ck_assert(value == other);
}

static void free_pair(const pair *both) {
  free(both->work);
  free(both->room);
  dlclose(both->c.library);
  dz_plan_free(both->plan);
}

static dz_var root_or(dz_var x, dz_var y) { return dz_where(dz_gt(x, 0), dz_sqrt(x), y); }

/* Every third of the xs is 0, where the slope of sqrt is infinite and its branch not taken. */
static dz_var hard(const dz_var *x, int kind) {
  dz_var y = dz_num(0), each[LANES];
  switch (kind) {
  case 0: /* without loops */
    return dz_add(dz_mul(root_or(x[3], x[1]), x[0]), dz_fmax(dz_mul(x[1], dz_exp(x[2])), x[4]));
  case 1: /* over lanes, in order and out of it */
    for (int k = 0; k < LANES; k++)
      y = dz_add(y,
                 dz_mul(dz_add(root_or(x[3 + k], x[2]), x[0]), dz_sin(dz_mul(x[3 + k * 7 % LANES], x[1]))));
    return dz_mul(y, y);
  case 2: /* over steps */
    y = x[0];
    for (int k = 0; k < STEPS; k++) y = dz_add(dz_mul(y, x[1]), root_or(dz_mul(x[3], y), dz_sin(y)));
    return y;
  case 3: /* lanes of which only some are read one by one */
    for (int k = 0; k < LANES; k++) each[k] = dz_mul(dz_sqrt(dz_mul(x[3 + k], x[3 + k])), x[1]);
    for (int k = 1; k < LANES; k += 3) y = dz_add(dz_mul(y, x[2]), each[k]);
    return y;
  default: /* zeros that are numbers: NaN is right */
    for (int k = 0; k < LANES; k++) y = dz_add(y, dz_mul(dz_sqrt(x[3 + k]), dz_mul(dz_sqrt(x[3 + k]), x[1])));
    return y;
  }
}

START_TEST(structural_zeros) {
  dz_tape *t = dz_tape_new(NULL);
  dz_var x[MOST];
  double in[MOST], g[MOST], h[MOST];
  int nans = 0;
  dz_error e;
  for (int k = 0; k < MOST; k++) x[k] = dz_input(t, in[k] = k < 3 ? .5 + .1 * k : .25 + .01 * k);
  dz_var y = hard(x, _i);
  dz_plan *p = dz_plan_new(1, &y, MOST, x, NULL, &e);
  ck_assert_msg(p != NULL, "%s", e.message);
  pair c = pair_of(p);
  for (int zeros = 0; zeros < 2; zeros++) {
    for (int k = 3; k < MOST && zeros; k += 3) in[k] = 0;
    run_pair(&c, in, g, h);
    for (int k = 0; k < MOST; k++) {
      ck_assert_msg(g[k] == h[k] || (isnan(g[k]) && isnan(h[k])), "gradient %d: %.17g, not %.17g", k, h[k],
                    g[k]);
      nans += isnan(g[k]) != 0;
    }
  }
  ck_assert_int_eq(nans, _i == 4 ? LANES / 3 : 0);
  free_pair(&c);
  dz_tape_free(t);
}
END_TEST

/* ---- programs that are written as numbers ---- */

/* So long that it is numbers, around no loop, around one, and of a comparison that does not hold: what the
   plan computes. */
START_TEST(long_programs) {
  enum { LINKS = 4000, N = 9 };
  dz_tape *t = dz_tape_new(NULL);
  dz_var x[N];
  double in[N], g[N], h[N];
  for (int k = 0; k < N; k++) x[k] = dz_input(t, in[k] = .3 + .05 * k);
  dz_var z = x[0];
  dice d = {3};
  for (int l = 0; l < N && _i == 1; l++) z = dz_add(z, dz_tanh(dz_mul(x[l], x[(l + 1) % N])));
  for (int k = 0; k < LINKS; k++) {
    const int kind = (int)(roll(&d) % 4);
    dz_var f = dz_mul(kind < 2 ? dz_sin(z) : kind < 3 ? dz_cos(z) : dz_exp(dz_neg(z)), .01);
    z = (int)(roll(&d) % 2) ? dz_add(z, f) : dz_sub(dz_mul(x[(int)(roll(&d) % N)], f), z);
  }
  if (_i == 2 && dz_holds(dz_gt(z, 1e9))) z = x[1];
  dz_plan *p = dz_plan_new(1, &z, N, x, NULL, NULL);
  ck_assert_uint_gt(dz_plan_facts_of(p).instructions, 21000);
  pair c = pair_of(p);
  run_pair(&c, in, g, h);
  for (int k = 0; k < N; k++) ck_assert_msg(g[k] == h[k], "gradient %d: %.17g, not %.17g", k, h[k], g[k]);
  free_pair(&c);
  dz_tape_free(t);
}
END_TEST

/* ---- loops that threads share ---- */

enum { ROWS = 6003, FEATURES = 20 };

static dz_plan *regression(int threads, double *in) {
  dz_tape *t = dz_tape_new(NULL);
  dz_var w[FEATURES], y = dz_num(0);
  for (int j = 0; j < FEATURES; j++) w[j] = dz_input(t, in[j] = .1 * (j * 7 % 13) - .5);
  for (int i = 0; i < ROWS; i++) {
    dz_var s = dz_num(0);
    for (int j = 0; j < FEATURES; j++) s = dz_add(s, dz_mul(.01 * (i * (j + 3) % 97) - .4, w[j]));
    y = dz_add(y, dz_log1p(dz_exp(i % 2 ? s : dz_neg(s))));
  }
  dz_plan *p = dz_plan_new(1, &y, FEATURES, w, &(dz_plan_options){.threads = threads}, NULL);
  ck_assert_ptr_nonnull(p);
  dz_tape_free(t);
  return p;
}

START_TEST(shared_loops) {
  static const int counts[] = {1, 2, 3, 16};
  double in[FEATURES], g[FEATURES], first[FEATURES], value, y = 0;
  for (int k = 0; k < (int)COUNT(counts); k++) {
    dz_plan *p = regression(counts[k], in);
    void *work = malloc(dz_plan_memory(p));
    ck_assert_int_eq(dz_plan_run(p, in, &value, g, work), DZ_OK);
    if (k == 0) memcpy(first, g, sizeof g), y = value;
    ck_assert_int_eq(dz_plan_native(p, &(dz_native_options){.cache = cache}, NULL), DZ_OK);
    for (int repeat = 0; repeat < 5; repeat++) {
      soil(work, dz_plan_memory(p));
      ck_assert_int_eq(dz_plan_run(p, in, &value, g, work), DZ_OK);
      ck_assert_msg(memcmp(g, first, sizeof g) == 0 && value == y, "%d threads: other bits", counts[k]);
    }
    free(work);
    dz_plan_free(p);
  }
}
END_TEST

/* ---- slopes of many steps at once ---- */

/* All terms of the gradient are positive, so that relative errors add up: in a step of the chain at most 5
   roundings in the value and 12 on the way of an adjoint, functions within 1 ULP and slopes within 4. */
START_TEST(steps) {
  static const int counts[] = {20, 63, 64, 65, 127, 200};
  enum { X = 4, ROUNDINGS = 40 };
  const int n = counts[_i];
  dz_tape *t = dz_tape_new(NULL);
  const double in[X] = {.7, .5, .3, .1};
  double g[2][X], value[2];
  dz_var x[X], y;
  for (int j = 0; j < X; j++) x[j] = dz_input(t, in[j]);
  y = x[0];
  for (int k = 0; k < n; k++)
    y = dz_add(dz_add(dz_mul(dz_sin(y), x[1]), dz_mul(dz_tanh(dz_mul(y, x[1])), x[2])),
               dz_mul(dz_exp(y), x[3]));
  for (int quick = 0; quick < 2; quick++) {
    dz_plan *p = dz_plan_new(1, &y, X, x, &(dz_plan_options){.quick = quick}, NULL);
    ck_assert(p != NULL && dz_plan_facts_of(p).loops == 1);
    if (quick) ck_assert_int_eq(dz_plan_native(p, &(dz_native_options){.cache = cache}, NULL), DZ_OK);
    void *work = malloc(dz_plan_memory(p));
    soil(work, dz_plan_memory(p));
    ck_assert_int_eq(dz_plan_run(p, in, &value[quick], g[quick], work), DZ_OK);
    free(work);
    dz_plan_free(p);
  }
  const double most = n * ROUNDINGS * 0x1p-53;
  ck_assert_double_le(fabs(value[0] - value[1]), most * value[0]);
  for (int j = 0; j < X; j++)
    ck_assert_msg(fabs(g[0][j] - g[1][j]) <= most * g[0][j], "%.17g, native %.17g", g[0][j], g[1][j]);
  dz_tape_free(t);
}
END_TEST

/* ---- factors taken out of sums ---- */

enum { TERMS = 5, POINTS = 203 };

/* The sum of a_i z_i + z_i^2 / 2 (the square only where `bent`), z_i = sum of l_j (x_ij - m_j): to m_j flows
   -l_j times the sum of a_i + z_i. */
static dz_plan *forms(const double a[POINTS], double x[POINTS][TERMS], const double *in, bool bent) {
  dz_tape *t = dz_tape_new(NULL);
  dz_var v[2 * TERMS], y = dz_num(0);
  for (int j = 0; j < 2 * TERMS; j++) v[j] = dz_input(t, in[j]);
  for (int i = 0; i < POINTS; i++) {
    dz_var z = dz_num(0);
    for (int j = 0; j < TERMS; j++) z = dz_add(z, dz_mul(v[j], dz_sub(x[i][j], v[TERMS + j])));
    dz_var term = dz_mul(a[i], z);
    y = dz_add(y, bent ? dz_add(term, dz_mul(.5, dz_mul(z, z))) : term);
  }
  dz_plan *p = dz_plan_new(1, &y, 2 * TERMS, v, &(dz_plan_options){.quick = true}, NULL);
  ck_assert_ptr_nonnull(p);
  ck_assert_int_eq(dz_plan_native(p, &(dz_native_options){.cache = cache}, NULL), DZ_OK);
  dz_tape_free(t);
  return p;
}

/* No more roundings on the way of a term than this: (Higham, Accuracy and Stability, 3.1, 4.2). */
static void near(double x, long double exact, long double magnitudes, int k) {
  const long double bound = (POINTS + 4 * TERMS) * 0x1p-53L * magnitudes;
  ck_assert_msg(fabsl(x - exact) <= bound, "gradient %d: %.17g, not %.17Lg", k, x, exact);
}

START_TEST(factors) {
  static double a[POINTS], x[POINTS][TERMS];
  double in[2 * TERMS], g[2 * TERMS], value;
  long double sum[2 * TERMS] = {0}, most[2 * TERMS] = {0};
  for (int j = 0; j < TERMS; j++) in[j] = .3 + .2 * j, in[TERMS + j] = .1 * j - .2;
  for (int i = 0; i < POINTS; i++) {
    long double z = a[i] = .01 * (i % 31) - .1, size = fabsl(z), c;
    for (int j = 0; j < TERMS; j++) {
      x[i][j] = .01 * (i * (j + 3) % 97) - .3;
      c = in[j] * ((long double)x[i][j] - in[TERMS + j]);
      z += c, size += fabsl(c);
    }
    for (int j = 0; j < TERMS; j++) {
      c = (long double)x[i][j] - in[TERMS + j];
      sum[j] += z * c, most[j] += size * (fabsl(c) + fabsl((long double)x[i][j]) + fabs(in[TERMS + j]));
      sum[TERMS + j] -= z * in[j], most[TERMS + j] += size * fabs(in[j]);
    }
  }
  dz_plan *p = forms(a, x, in, true);
  void *work = malloc(dz_plan_memory(p));
  ck_assert_int_eq(dz_plan_run(p, in, &value, g, work), DZ_OK);
  for (int k = 0; k < 2 * TERMS; k++) near(g[k], sum[k], most[k], k);
  free(work);
  dz_plan_free(p);
}
END_TEST

/* The sum of the a_i alone is infinite, the gradient is not. */
START_TEST(sums_that_overflow) {
  static double a[POINTS], x[POINTS][TERMS];
  double in[2 * TERMS], g[2 * TERMS], value;
  for (int j = 0; j < TERMS; j++) in[j] = 0x1p-600 * (j + 1), in[TERMS + j] = .5 * j;
  for (int i = 0; i < POINTS; i++) {
    a[i] = 0x1p1020 * (1 + i / 256.);
    for (int j = 0; j < TERMS; j++) x[i][j] = i % 7 + j + 1;
  }
  dz_plan *p = forms(a, x, in, false);
  void *work = malloc(dz_plan_memory(p));
  ck_assert_int_eq(dz_plan_run(p, in, &value, g, work), DZ_OK);
  const double sum = POINTS + POINTS * (POINTS - 1) / 512.;
  for (int j = 0; j < TERMS; j++) ck_assert_double_eq(g[TERMS + j], -sum * 0x1p420 * (j + 1));
  free(work);
  dz_plan_free(p);
}
END_TEST

SUITE_BETWEEN(set_up, tear_down, EACH(structural_zeros, 5), EACH(long_programs, 3), ONCE(shared_loops),
              EACH(steps, 6), ONCE(factors), ONCE(sums_that_overflow))
