/* Ends of what plans do: maps of every size and for each kind of processor, positions that move, C without
   inputs, long sums that are counted. */
#include "dz/cost.h"
#include "dz/dz.h"
#include "failing.h"
#include "plan/plan.h"
#include "suite.h"

#include <math.h>
#include <string.h>

/* The sum of c_k x_k^2 over twelve, side by side for so many samples that whole vectors and a rest are run,
   on each machine: whole numbers, so all is exact. */
START_TEST(maps_of_long_sums) {
  enum { N = 12, SAMPLES = 39 };
  static dz__machine *const machines[] = {
    dz__run_lanes,
#if defined(DZ_LANES_X86)
    dz__run_lanes_avx2,
    dz__run_lanes_avx512
#endif
  };
  dz_tape *t = dz_tape_new(NULL);
  dz_var x[N], y = dz_num(0);
  for (int k = 0; k < N; k++) {
    x[k] = dz_input(t, k);
    y = dz_add(y, dz_mul(dz_mul(x[k], x[k]), k + 1));
  }
  dz_plan *p = dz_plan_new(1, &y, N, x, &(dz_plan_options){.map = true}, NULL);
  dz__machine *here = dz__machine_here();
  for (size_t m = 0; m < COUNT(machines); m++) {
    double in[SAMPLES * N], values[SAMPLES], slopes[SAMPLES * N];
    p->lanes = machines[m];
    for (int n = SAMPLES; n > 0; n -= n == SAMPLES ? 7 : 31) { /* 39, 32, 1 */
      for (int k = 0; k < n * N; k++) in[k] = k * 7 % 11 - 5;
      void *work = malloc(dz_plan_map_memory(p));
      ck_assert_int_eq(dz_plan_map(p, (size_t)n, in, values, slopes, work), DZ_OK);
      free(work);
      for (int l = 0; l < n; l++) {
        double sum = 0;
        for (int k = 0; k < N; k++) {
          const double z = in[l * N + k];
          sum += (k + 1) * z * z;
          ck_assert(slopes[l * N + k] == 2 * (k + 1) * z);
        }
        ck_assert(values[l] == sum);
      }
    }
    if (machines[m] == here) break; /* an older processor does not run the others */
  }
  dz_plan_free(p);
  dz_tape_free(t);
}
END_TEST

/* Products of numbers alone, beside others of inputs: c0 c1 + x0 x1. */
START_TEST(maps_of_products_of_numbers) {
  enum { SAMPLES = 11 };
  const size_t two = 2;
  dz_tape *t = dz_tape_new(NULL);
  dz_var c = dz_leaf_tensor(t, DZ_ROLE_DATA, 1, &two, (double[]){3, 5}),
         x = dz_leaf_tensor(t, DZ_ROLE_INPUT, 1, &two, (double[]){2, 7});
  dz_set_name(c, "c"), dz_set_name(x, "x");
  dz_var y = dz_expr(t, "sum(prod(stack([c, x]), 1))");
  ck_assert(dz_value(y) == 29);
  dz_plan *p = dz_plan_new(1, &y, 1, &x, &(dz_plan_options){.map = true, .tensors = DZ_TENSORS_APART}, NULL);
  double in[2 * SAMPLES], values[SAMPLES], slopes[2 * SAMPLES];
  for (int k = 0; k < 2 * SAMPLES; k++) in[k] = k;
  void *work = malloc(dz_plan_map_memory(p));
  ck_assert_int_eq(dz_plan_map(p, SAMPLES, in, values, slopes, work), DZ_OK);
  for (int k = 0; k < SAMPLES; k++)
    ck_assert(values[k] == 15 + in[2 * k] * in[2 * k + 1] && slopes[2 * k] == in[2 * k + 1] &&
              slopes[2 * k + 1] == in[2 * k]);
  free(work);
  dz_plan_free(p);
  dz_tape_free(t);
}
END_TEST

/* What is gathered, and where its gradient is scattered to, depends on an input: no plan of elements does
 * that.
 */
START_TEST(positions_that_move) {
  const size_t three = 3;
  dz_tape *t = dz_tape_new(NULL);
  dz_var v = dz_leaf_tensor(t, DZ_ROLE_INPUT, 1, &three, (double[]){1, 2, 3}),
         w = dz_leaf_tensor(t, DZ_ROLE_INPUT, 1, &three, (double[]){4, 5, 6}),
         at = dz_leaf_tensor(t, DZ_ROLE_INPUT, 1, &three, (double[]){0, 2, 2}), g;
  ck_assert_int_eq(dz_grad(dz_sum(dz_mul(dz_gather(v, at, 0), w), DZ_ALL, false), 1, &v, &g), DZ_OK);
  dz_error e;
  const dz_var xs[] = {w, at};
  ck_assert(!dz_plan_new(1, &g, 2, xs, &(dz_plan_options){.tensors = DZ_TENSORS_APART}, &e));
  ck_assert_int_eq(e.status, DZ_ERR_ARGUMENT);
  ck_assert_str_eq(e.message, "positions of 'gather' depend on an input");
  dz_tape_free(t);
}
END_TEST

/* A tape of floats has the positions as floats: where they become doubles, memory may be out. */
START_TEST(positions_of_floats) {
  const size_t three = 3;
  for (int scatter = 0; scatter < 2; scatter++) {
    failing f = {0};
    const dz_allocator a = failing_allocator(&f);
    dz_tape *t = dz_tape_new_single(&a);
    dz_var v = dz_leaf_tensor(t, DZ_ROLE_INPUT, 1, &three, (double[]){1, 2, 3}),
           w = dz_leaf_tensor(t, DZ_ROLE_INPUT, 1, &three, (double[]){4, 5, 6}),
           at = dz_leaf_tensor(t, DZ_ROLE_DATA, 1, &three, (double[]){0, 2, 2}),
           z = dz_sum(dz_mul(dz_gather(v, at, 0), w), DZ_ALL, false), y = z, xs[] = {v, w};
    if (scatter) ck_assert_int_eq(dz_grad(z, 1, &v, &y), DZ_OK);
    dz_error e;
    const dz_plan_options apart = {.tensors = DZ_TENSORS_APART};
    f.calls = f.failed = 0, f.at = 1;
    ck_assert(!dz_plan_new(1, &y, scatter ? 1 : 2, scatter ? &w : xs, &apart, &e));
    ck_assert_int_eq(e.status, DZ_ERR_MEMORY);
    ck_assert_uint_gt(f.failed, 0);
    f.at = 0;
    dz_plan *p = dz_plan_new(1, &y, scatter ? 1 : 2, scatter ? &w : xs, &apart, &e);
    ck_assert_msg(p != NULL, "%s", e.message);
    double out[3];
    void *work = malloc(dz_plan_memory(p));
    ck_assert_int_eq(
        dz_plan_run(p, scatter ? (double[]){4, 5, 6} : (double[]){1, 2, 3, 4, 5, 6}, out, NULL, work), DZ_OK);
    if (scatter)
      ck_assert(out[0] == 4 && out[1] == 0 && out[2] == 11);
    else
      ck_assert(out[0] == 4 + 15 + 18);
    free(work);
    dz_plan_free(p);
    dz_tape_free(t);
    ck_assert_uint_eq(f.blocks, 0);
  }
}
END_TEST

static bool collect(void *user, const char *text, size_t n) {
  char *all = user;
  const size_t at = strlen(all);
  if (at + n + 1 > 1 << 16) return false;
  memcpy(all + at, text, n);
  all[at + n] = 0;
  return true;
}

/* A test of C without inputs has room for none, and asks for some. */
START_TEST(tests_without_inputs) {
  static char text[1 << 16];
  dz_tape *t = dz_tape_new(NULL);
  dz_var y = dz_mul(dz_data(t, 3), 2);
  dz_plan *p = dz_plan_new(1, &y, 0, NULL, NULL, NULL);
  ck_assert_int_eq(dz_emit(p, &(dz_emit_options){.test = true}, collect, text), DZ_OK);
  ck_assert(strstr(text, "*grad = malloc(1 * sizeof *grad)"));
  ck_assert(strstr(text, "f_value[1] = {\n  6,\n}") || strstr(text, "f_value[1] = {\n  6.0,\n}"));
  dz_plan_free(p);
  dz_tape_free(t);
}
END_TEST

/* Operations on data, and on inputs of the tape that are none of the plan, stay out of it. */
START_TEST(what_is_known) {
  dz_tape *t = dz_tape_new(NULL);
  dz_var c = _i ? dz_input(t, 3) : dz_data(t, 3), e = dz_data(t, 4), x = dz_input(t, 5);
  const dz_var known[] = {dz_div(c, 2),   dz_div(2, c), dz_atan2(c, 2),
                          dz_atan2(2, c), dz_div(c, e), dz_exp(c)};
  for (size_t k = 0; k < COUNT(known); k++) {
    dz_var y = dz_mul(x, known[k]);
    dz_plan *p = dz_plan_new(1, &y, 1, &x, NULL, NULL);
    double value, slope;
    void *work = malloc(dz_plan_memory(p));
    ck_assert_int_eq(dz_plan_run(p, (double[]){7}, &value, &slope, work), DZ_OK);
    ck_assert(value == 7 * dz_value(known[k]) && slope == dz_value(known[k]));
    ck_assert_uint_le(dz_plan_facts_of(p).instructions, 3);
    free(work);
    dz_plan_free(p);
  }
  dz_tape_free(t);
}
END_TEST

/* Of five products added up: nine operations, and back ten, two for each of the products' flows. */
START_TEST(long_sums_are_counted) {
  dz_tape *t = dz_tape_new(NULL);
  dz_var x[10];
  for (int k = 0; k < 10; k++) x[k] = dz_input(t, k);
  dz_var y = dz_mul(x[0], x[1]);
  for (int k = 1; k < 5; k++) y = dz_add(y, dz_mul(x[2 * k], x[2 * k + 1]));
  dz_cost c;
  for (int back = 0; back < 2; back++) {
    dz_plan *p = dz_plan_new(1, &y, 10, x, &(dz_plan_options){.values_only = !back}, NULL);
    ck_assert_int_eq(dz_cost_of(y, p, &c), DZ_OK);
    ck_assert_msg(c.plan.operations >= (back ? 9 + 20 : 9) && c.plan.operations <= (back ? 9 + 22 : 9),
                  "%g operations", c.plan.operations);
    dz_plan_free(p);
  }
  dz_tape_free(t);
}
END_TEST

SUITE(ONCE(maps_of_long_sums), ONCE(maps_of_products_of_numbers), ONCE(positions_that_move),
      ONCE(positions_of_floats), ONCE(tests_without_inputs), EACH(what_is_known, 2),
      ONCE(long_sums_are_counted))
