/* Lanes that fill no vector: what stands behind them in a workspace is nothing to compute with, so it traps
   nowhere, whatever it is; nor does valgrind find that anything hangs on it. Behind the caller's numbers
   there may be no memory at all. */
#define _GNU_SOURCE
#include "cache.h"
#include "dz/dz.h"

#include <fenv.h>
#include <math.h>
#include <stdlib.h>
#include <sys/mman.h>

enum { LANES = 11, COLUMNS = 8, INPUTS = LANES * COLUMNS + 1, SAMPLES = 11 };

/* Lane l of the inputs x, of which the last is z, and what came of the lanes before: read side by side,
   beside the next, by columns, all over the place, with slopes of two operands, with a slope that the value
   brings along, and in steps. */
typedef dz_var lane(const dz_var *x, dz_var z, int l, dz_var before);
static dz_var side_by_side(const dz_var *x, dz_var z, int l, dz_var before) {
  return dz_add(before, dz_log(dz_mul(x[l], z)));
}
static dz_var beside_the_next(const dz_var *x, dz_var z, int l, dz_var before) {
  (void)z;
  return dz_add(before, dz_log(dz_div(x[l], x[l + 1])));
}
static dz_var columns(const dz_var *x, dz_var z, int l, dz_var before) {
  for (int k = 0; k < COLUMNS; k++) z = dz_div(x[COLUMNS * l + k], z);
  return dz_add(before, dz_log(z));
}
static dz_var scattered(const dz_var *x, dz_var z, int l, dz_var before) {
  (void)z;
  return dz_add(before, dz_log(x[l * 29 % 83]));
}
static dz_var powers(const dz_var *x, dz_var z, int l, dz_var before) {
  return dz_add(before, dz_pow(x[l], dz_div(z, x[l + 3])));
}
static dz_var roots(const dz_var *x, dz_var z, int l, dz_var before) {
  return dz_add(before, dz_div(1, dz_sqrt(dz_mul(x[l], z))));
}
static dz_var steps(const dz_var *x, dz_var z, int l, dz_var before) {
  const dz_var next = dz_exp(dz_neg(before));
  return dz_add(dz_log(dz_mul(x[l], z)), next);
}
static lane *const lanes[] = {side_by_side, beside_the_next, columns, scattered, powers, roots, steps};

typedef struct result {
  double value, slope[INPUTS];
} result;

static double in[INPUTS];

/* Sums may be added in another order: some roundings for each lane. */
static const double ROUNDED = 64 * LANES * 0x1p-53;

/* n numbers, behind which there is nothing. */
static double *at_the_end(size_t n) {
  const size_t page = (size_t)sysconf(_SC_PAGESIZE), bytes = (n * sizeof(double) + page - 1) / page * page;
  char *p = mmap(NULL, bytes + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ck_assert(p != MAP_FAILED && mprotect(p + bytes, page, PROT_NONE) == 0);
  return (double *)(void *)(p + bytes) - n;
}

/* One run in room that is as it came, for valgrind; then in room full of 0 and of numbers below 0, while all
   exceptions that might be meant trap. */
static void run(const dz_plan *p, bool map, const result *right) {
  enum { FILLS = 3 };
  static const int fill[FILLS] = {-1, 0, 0xc1};
  const size_t bytes = map ? dz_plan_map_memory(p) : dz_plan_memory(p), samples = map ? SAMPLES : 1;
  double *rows = at_the_end(samples * INPUTS), *values = at_the_end(samples),
         *slopes = at_the_end(samples * INPUTS);
  for (size_t k = 0; k < samples; k++) memcpy(rows + k * INPUTS, in, sizeof in);
  for (int k = 0; k < FILLS; k++) {
    void *room = malloc(bytes);
    if (fill[k] >= 0) memset(room, fill[k], bytes);
#ifdef __GLIBC__
    feclearexcept(FE_ALL_EXCEPT);
    if (fill[k] >= 0) feenableexcept(FE_INVALID | FE_DIVBYZERO | FE_OVERFLOW);
#endif
    const dz_status status = map ? dz_plan_map(p, SAMPLES, rows, values, slopes, room)
                                 : dz_plan_run(p, rows, values, slopes, room);
#ifdef __GLIBC__
    fedisableexcept(FE_ALL_EXCEPT);
#endif
    ck_assert_int_eq(status, DZ_OK);
    for (size_t s = 0; s < samples; s++) {
      const double most = fabs(right->value) + 1;
      ck_assert(fabs(values[s] - right->value) <= ROUNDED * most);
      for (int j = 0; j < INPUTS; j++)
        ck_assert(fabs(slopes[s * INPUTS + (size_t)j] - right->slope[j]) <= ROUNDED * fabs(right->slope[j]));
    }
    free(room);
  }
}

START_TEST(nothing_traps) {
  dz_tape *t = dz_tape_new(NULL);
  dz_var x[INPUTS], y = dz_num(1);
  for (int j = 0; j < INPUTS; j++) x[j] = dz_input(t, in[j] = 1.5 + .01 * (j * 37 % 101));
  for (int l = 0; l < LANES; l++) y = lanes[_i](x, x[INPUTS - 1], l, y);
  ck_assert_int_eq(dz_backward(y), DZ_OK);
  result right = {.value = dz_value(y)};
  for (int j = 0; j < INPUTS; j++) right.slope[j] = dz_adjoint(x[j]);
  dz_error e;
  dz_plan *p = dz_plan_new(1, &y, INPUTS, x, &(dz_plan_options){.map = true}, &e);
  ck_assert_msg(p && dz_plan_facts_of(p).loops == 1, "%s", e.message);
  for (int native = 0; native < 2; native++) {
    run(p, false, &right);
    run(p, true, &right);
    if (!native) ck_assert_int_eq(dz_plan_native(p, &(dz_native_options){.cache = cache}, NULL), DZ_OK);
  }
  dz_plan_free(p);
  dz_tape_free(t);
}
END_TEST

/* Of one number each, so that samples are vectors as they stand. */
START_TEST(nothing_is_behind_a_map) {
  enum { MOST = 40 };
  dz_tape *t = dz_tape_new(NULL);
  const dz_var x = dz_input(t, .5), y = dz_sin(x);
  dz_plan *p = dz_plan_new(1, &y, 1, &x, &(dz_plan_options){.map = true}, NULL);
  double *numbers = at_the_end(MOST), *values = at_the_end(MOST), *slopes = at_the_end(MOST);
  void *room = malloc(dz_plan_map_memory(p));
  for (int k = 0; k < MOST; k++) numbers[k] = .1 * k;
  for (int native = 0; native < 2; native++) {
    for (int n = 1; n <= MOST; n++) {
      const double *in_n = numbers + MOST - n;
      double *z = values + MOST - n, *g = slopes + MOST - n;
      ck_assert_int_eq(dz_plan_map(p, (size_t)n, in_n, z, g, room), DZ_OK);
      for (int k = 0; k < n; k++) ck_assert(z[k] == sin(in_n[k]) && fabs(g[k] - cos(in_n[k])) <= 0x1p-52);
    }
    if (!native) ck_assert_int_eq(dz_plan_native(p, &(dz_native_options){.cache = cache}, NULL), DZ_OK);
  }
  free(room);
  dz_plan_free(p);
  dz_tape_free(t);
}
END_TEST

SUITE_BETWEEN(set_up, tear_down, EACH(nothing_traps, COUNT(lanes)), ONCE(nothing_is_behind_a_map))
