/* What callers of plans may get wrong, or leave out: each answer is the documented one, for plans of single
   elements and of whole tensors. */
#include "dz/dz.h"
#include "plan/cache.h"
#include "suite.h"

#include <math.h>
#include <string.h>

static const dz_tensors kinds[] = {DZ_TENSORS_APART, DZ_TENSORS_WHOLE, DZ_TENSORS_AUTO};

static dz_plan *plan_of(int ny, const dz_var *ys, int nx, const dz_var *xs, dz_plan_options o) {
  dz_error e;
  dz_plan *p = dz_plan_new(ny, ys, nx, xs, &o, &e);
  ck_assert_msg(p != NULL, "%s", e.message);
  return p;
}

static void refused(dz_status status, int ny, const dz_var *ys, int nx, const dz_var *xs,
                    dz_tensors tensors) {
  dz_error e;
  const dz_plan_options o = {.tensors = tensors};
  ck_assert_ptr_null(dz_plan_new(ny, ys, nx, xs, &o, &e));
  ck_assert_msg(e.status == status && e.message[0], "status %d: %s", (int)e.status, e.message);
}

START_TEST(handles) {
  const dz_tensors kind = kinds[_i];
  dz_tape *t = dz_tape_new(NULL), *other = dz_tape_new(NULL);
  const dz_var x = dz_input(t, 2), y = dz_mul(x, x), far = dz_input(other, 1), far_too = dz_exp(far);
  const dz_mark mark = dz_tape_mark(t);
  const dz_var dropped = dz_exp(x), leaf = dz_input(t, 1);
  ck_assert_int_eq(dz_tape_rewind(t, mark), DZ_OK);
  const dz_var outputs[][2] = {{y, far_too}, {y, dropped}, {y, dz_num(1)}, {dz_num(1), y}},
               inputs[][2] = {{x, far}, {x, leaf}, {x, dz_num(1)}, {dropped, x}};
  for (size_t k = 0; k < COUNT(outputs); k++) refused(DZ_ERR_HANDLE, 2, outputs[k], 1, &x, kind);
  for (size_t k = 0; k < COUNT(inputs); k++) refused(DZ_ERR_HANDLE, 1, &y, 2, inputs[k], kind);
  refused(DZ_ERR_ARGUMENT, 1, &y, -1, &x, kind);
  refused(DZ_ERR_ARGUMENT, 1, &y, 1, NULL, kind);
  refused(DZ_ERR_ARGUMENT, 1, NULL, 1, &x, kind);
  refused(DZ_ERR_ARGUMENT, 1, &y, 1, &y, kind);
  dz_tape_free(t);
  dz_tape_free(other);
}
END_TEST

/* No inputs at all; leaves that came after the output; an output without elements. */
START_TEST(nothing) {
  const size_t none = 0;
  dz_tape *t = dz_tape_new(NULL);
  const dz_var c = dz_const(t, 3), x = dz_input(t, 2), y = dz_mul(c, c),
               empty = dz_leaf_tensor(t, DZ_ROLE_INPUT, 1, &none, NULL), z = dz_mul(x, y),
               no = dz_mul(empty, x), late = dz_input(t, 1), xs[] = {late, x, empty};
  dz_plan *p = plan_of(1, &y, 0, NULL, (dz_plan_options){.tensors = kinds[_i]});
  double value = 0, g[2] = {7, 7};
  void *work = malloc(dz_plan_memory(p));
  ck_assert(dz_plan_inputs(p) == 0 && dz_plan_outputs(p) == 1);
  ck_assert(dz_plan_run(p, NULL, &value, g, work) == DZ_OK && value == 9);
  free(work);
  dz_plan_free(p);
  p = plan_of(1, &z, 3, xs, (dz_plan_options){.tensors = kinds[_i]});
  work = malloc(dz_plan_memory(p));
  ck_assert(dz_plan_run(p, (double[]){5, 4}, &value, g, work) == DZ_OK && value == 36 && g[0] == 0 &&
            g[1] == 9);
  ck_assert(dz_plan_run(p, (double[]){5, 4}, NULL, NULL, work) == DZ_OK);
  free(work);
  dz_plan_free(p);
  p = plan_of(1, &no, 3, xs, (dz_plan_options){.tensors = kinds[_i]});
  work = malloc(dz_plan_memory(p));
  ck_assert(dz_plan_outputs(p) == 0);
  ck_assert(dz_plan_run(p, (double[]){5, 4}, &value, g, work) == DZ_OK && g[0] == 0 && g[1] == 0);
  free(work);
  dz_plan_free(p);
  dz_tape_free(t);
}
END_TEST

START_TEST(runs) {
  dz_tape *t = dz_tape_new(NULL);
  const dz_var x = dz_input(t, 2), y = dz_mul(x, x);
  dz_plan *p = plan_of(1, &y, 1, &x, (dz_plan_options){.tensors = kinds[_i]}),
          *values = plan_of(1, &y, 1, &x, (dz_plan_options){.tensors = kinds[_i], .values_only = true});
  double in = 3, value, g;
  void *work = malloc(dz_plan_memory(p) + dz_plan_memory(values));
  ck_assert_int_eq(dz_plan_run(NULL, &in, &value, &g, work), DZ_ERR_ARGUMENT);
  ck_assert_int_eq(dz_plan_run(p, NULL, &value, &g, work), DZ_ERR_ARGUMENT);
  ck_assert_int_eq(dz_plan_run(p, &in, &value, &g, NULL), DZ_ERR_ARGUMENT);
  ck_assert_int_eq(dz_plan_run(values, &in, &value, &g, work), DZ_ERR_ARGUMENT);
  ck_assert(dz_plan_run(values, &in, &value, NULL, work) == DZ_OK && value == 9);
  ck_assert(dz_plan_pull(p, &in, (double[]){10}, NULL, &g, work) == DZ_OK && g == 60);
  ck_assert(dz_plan_inputs(NULL) == 0 && dz_plan_outputs(NULL) == 0 && dz_plan_memory(NULL) == 0);
  ck_assert(dz_plan_map_memory(NULL) == 0 && dz_plan_map_memory(p) == 0);
  ck_assert(dz_plan_flips(NULL, work, NULL) == 0 && dz_plan_flips(p, NULL, NULL) == 0);
  ck_assert(dz_plan_facts_of(NULL).operations == 0);
  free(work);
  dz_plan_free(p);
  dz_plan_free(values);
  dz_tape_free(t);
}
END_TEST

START_TEST(floats) {
  dz_tape *t = dz_tape_new(NULL);
  const dz_var x = dz_input(t, 2), y = dz_holds(dz_gt(x, 0)) ? dz_mul(x, x) : x, c = dz_const(t, 4),
               z = dz_sqrt(c);
  dz_plan *p = plan_of(1, &y, 1, &x, (dz_plan_options){.single = true}),
          *values = plan_of(1, &y, 1, &x, (dz_plan_options){.single = true, .values_only = true}),
          *fixed = plan_of(1, &z, 0, NULL, (dz_plan_options){.single = true}),
          *apart = plan_of(1, &y, 1, &x, (dz_plan_options){.tensors = DZ_TENSORS_APART});
  float in = 3, value, g;
  double seed = 10, at = 3, slope;
  void *work = malloc(dz_plan_memory(p) + dz_plan_memory(apart) + dz_plan_memory(fixed));
  ck_assert_int_eq(dz_plan_run_single(NULL, &in, &value, &g, work), DZ_ERR_ARGUMENT);
  ck_assert_int_eq(dz_plan_run_single(apart, &in, &value, &g, work), DZ_ERR_ARGUMENT);
  ck_assert_int_eq(dz_plan_run_single(p, &in, &value, &g, NULL), DZ_ERR_ARGUMENT);
  ck_assert_int_eq(dz_plan_run_single(p, NULL, &value, &g, work), DZ_ERR_ARGUMENT);
  ck_assert_int_eq(dz_plan_run_single(values, &in, &value, &g, work), DZ_ERR_ARGUMENT);
  ck_assert(dz_plan_run_single(values, &in, &value, NULL, work) == DZ_OK && value == 9);
  ck_assert(dz_plan_run_single(p, &in, NULL, &g, work) == DZ_OK && g == 6);
  ck_assert(dz_plan_run_single(fixed, NULL, &value, NULL, work) == DZ_OK && value == 2);
  ck_assert(dz_plan_pull(p, &at, &seed, NULL, &slope, work) == DZ_OK && slope == 60);
  in = -1;
  ck_assert_int_eq(dz_plan_run_single(p, &in, &value, &g, work), DZ_ERR_BRANCH);
  free(work);
  dz_plan_free(p);
  dz_plan_free(values);
  dz_plan_free(fixed);
  dz_plan_free(apart);
  dz_tape_free(t);
}
END_TEST

START_TEST(maps) {
  dz_tape *t = dz_tape_new(NULL);
  const dz_var x = dz_input(t, 2), y = dz_mul(x, x), c = dz_const(t, 4), z = dz_sqrt(c);
  dz_plan *p = plan_of(1, &y, 1, &x, (dz_plan_options){.map = true}),
          *values = plan_of(1, &y, 1, &x, (dz_plan_options){.map = true, .values_only = true}),
          *fixed = plan_of(1, &z, 0, NULL, (dz_plan_options){.map = true}),
          *none = plan_of(1, &y, 1, &x, (dz_plan_options){.map = false});
  const double in[3] = {1, 2, 3};
  double found[3], rows[3];
  void *work = malloc(dz_plan_map_memory(p) + dz_plan_map_memory(values) + dz_plan_map_memory(fixed));
  ck_assert_int_eq(dz_plan_map(NULL, 3, in, found, rows, work), DZ_ERR_ARGUMENT);
  ck_assert_int_eq(dz_plan_map(none, 3, in, found, rows, work), DZ_ERR_ARGUMENT);
  ck_assert_int_eq(dz_plan_map(p, 3, NULL, found, rows, work), DZ_ERR_ARGUMENT);
  ck_assert_int_eq(dz_plan_map(p, 3, in, found, rows, NULL), DZ_ERR_ARGUMENT);
  ck_assert_int_eq(dz_plan_map(values, 3, in, found, rows, work), DZ_ERR_ARGUMENT);
  ck_assert(dz_plan_map(p, 0, NULL, found, rows, work) == DZ_OK);
  ck_assert(dz_plan_map(values, 3, in, found, NULL, work) == DZ_OK && found[2] == 9);
  ck_assert(dz_plan_map(p, 3, in, NULL, rows, work) == DZ_OK && rows[1] == 4);
  ck_assert(dz_plan_map(fixed, 3, NULL, found, rows, work) == DZ_OK && found[0] == 2 && found[2] == 2);
  free(work);
  dz_plan_free(p);
  dz_plan_free(values);
  dz_plan_free(fixed);
  dz_plan_free(none);
  dz_tape_free(t);
}
END_TEST

/* Several branches, of which the first two turn; some that no plan checks: dropped, recorded later, decided
   by no input. */
START_TEST(branches) {
  dz_tape *t = dz_tape_new(NULL);
  const dz_var x = dz_input(t, 2), c = dz_const(t, 1);
  const dz_mark mark = dz_tape_mark(t);
  dz_holds(dz_gt(x, 5));
  dz_tape_rewind(t, mark);
  dz_holds(dz_gt(c, 0));
  ck_assert(dz_holds(dz_gt(x, 1)) && !dz_holds(dz_gt(dz_mul(x, x), 9)));
  ck_assert(dz_holds(dz_lt(x, 100)));
  const dz_var y = dz_mul(x, x);
  dz_holds(dz_gt(dz_exp(x), 5));
  dz_plan *p = plan_of(1, &y, 1, &x, (dz_plan_options){.tensors = kinds[_i]});
  double in = -4, value;
  dz_branch first;
  void *work = malloc(dz_plan_memory(p));
  ck_assert_uint_eq(dz_plan_facts_of(p).branches, 3);
  ck_assert_int_eq(dz_plan_run(p, &in, &value, NULL, work), DZ_ERR_BRANCH);
  ck_assert(dz_plan_flips(p, work, &first) == 2 && first.number == 0 && first.recorded);
  free(work);
  dz_plan_free(p);
  dz_tape_free(t);
}
END_TEST

/* Seeds, and a gradient that is no number: the machine runs then, beside native code. */
START_TEST(beside_native_code) {
  dz_tape *t = dz_tape_new(NULL);
  const dz_var x = dz_input(t, 4), y = dz_mul(dz_sqrt(x), dz_holds(dz_ge(x, 0)) ? x : dz_neg(x));
  dz_plan *p = plan_of(1, &y, 1, &x, (dz_plan_options){.values_only = false});
  ck_assert_int_eq(dz_plan_native(p, &(dz_native_options){.cache = cache}, NULL), DZ_OK);
  double in = 4, value, g;
  void *work = malloc(dz_plan_memory(p));
  ck_assert(dz_plan_run(p, &in, &value, &g, work) == DZ_OK && value == 8 && g == 3); /* 1.5 sqrt(x) */
  ck_assert(dz_plan_pull(p, &in, (double[]){2}, &value, &g, work) == DZ_OK && value == 8 && g == 6);
  in = 0;
  ck_assert(dz_plan_run(p, &in, &value, &g, work) == DZ_OK && value == 0 && isnan(g));
  in = -1;
  ck_assert(dz_plan_run(p, &in, &value, NULL, work) == DZ_ERR_BRANCH && isnan(value));
  free(work);
  dz_plan_free(p);
  dz_tape_free(t);
}
END_TEST

/* Positions: held ones, also a single number; others only whole tensors can follow. */
START_TEST(positions) {
  static const struct {
    const char *text;
    double slope[3]; /* to v = [1, 2, 4] */
    bool moves;
  } rows[] = {
      {"sum(gather(v, [2, 0])) + gather(v, 1)", {1, 1, 1}, false},
      {"sum(d(sum(gather(v, [2, 2, 0])^2), v) * v)", {4, 0, 32}, false},
      {"sum(d(gather(v, 1)^2, v) * v)", {0, 8, 0}, false},
      {"sum(reshape(v[:0], [2, 0]) @ reshape(v[:0], [0, 2])) + sum(v[:0] @ reshape(v[:0], [0, 2])) + v[1]",
       {0, 1, 0},
       false},
      {"sum(gather(v, v - 1))", {0}, true},
      {"sum(d(sum(gather([1, 2, 3, 4] * v[0], v)^2), v))", {0}, true}};
  for (size_t k = 0; k < COUNT(rows); k++) {
    dz_tape *t = dz_tape_new(NULL);
    const double in[3] = {1, 2, rows[k].moves ? 3 : 4};
    double value, g[3];
    dz_error e;
    const dz_var v = dz_leaf_tensor(t, DZ_ROLE_INPUT, 1, (size_t[]){3}, in);
    dz_set_name(v, "v");
    const dz_var y = dz_expr(t, rows[k].text);
    ck_assert_msg(dz_valid(y), "%s: %s", rows[k].text, dz_tape_error(t)->message);
    dz_plan *p = dz_plan_new(1, &y, 1, &v, &(dz_plan_options){.tensors = DZ_TENSORS_APART}, &e);
    ck_assert_msg((p == NULL) == rows[k].moves, "%s: %s", rows[k].text, e.message);
    if (rows[k].moves)
      ck_assert(e.status == DZ_ERR_ARGUMENT && strncmp(e.message, "positions of '", 14) == 0);
    else {
      void *work = malloc(dz_plan_memory(p));
      ck_assert(dz_plan_run(p, in, &value, g, work) == DZ_OK && value == dz_value(y));
      for (int j = 0; j < 3; j++)
        ck_assert_msg(g[j] == rows[k].slope[j], "%s: slope %d is %g", rows[k].text, j, g[j]);
      free(work);
    }
    dz_plan_free(p);
    dz_tape_free(t);
  }
}
END_TEST

SUITE_BETWEEN(set_up, tear_down, EACH(handles, COUNT(kinds)), EACH(nothing, COUNT(kinds)),
              EACH(runs, COUNT(kinds)), ONCE(floats), ONCE(maps), EACH(branches, COUNT(kinds)),
              ONCE(beside_native_code), ONCE(positions))
