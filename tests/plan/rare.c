/* Rare ways: what plans of ordinary functions hardly meet. Each in every way in which a plan runs, against
   the tape; once more beside a zero that met an infinite slope, so that adjoints are computed number by
   number. */
#include "rare.h"
#include "cache.h"
#include "every.h"
#include "failing.h"
#include "plan/emit_loop.h"
#include "plan/plan.h"
#include "soil.h"
#include "zeros.h"

#include <math.h>
#include <string.h>

/* Sums may be added in another order: some roundings of the largest number. */
static const double ROUNDED = 0x1p-44;

static void compare(void *user, const char *way, const double *values, const double *gradient) {
  const subject *s = user;
  double most = 0;
  ck_assert_msg(fabs(values[0] - dz_value(s->y)) <= ROUNDED * (fabs(dz_value(s->y)) + s->n),
                "%s: %.17g, tape %.17g", way, values[0], dz_value(s->y));
  for (int k = 0; k < s->n; k++)
    for (size_t i = 0; i < dz_size(s->x[k]); i++)
      if (dz_is_active(s->x[k])) most = fmax(most, fabs(dz_adjoints(s->x[k])[i]));
  for (int k = 0; k < s->n; k++)
    for (size_t i = 0; i < dz_size(s->x[k]); i++, gradient++) {
      const double g = dz_is_active(s->x[k]) ? dz_adjoints(s->x[k])[i] : 0;
      ck_assert_msg(fabs(*gradient - g) <= ROUNDED * most, "%s: gradient %d, %zu is %.17g, tape %.17g", way,
                    k, i, *gradient, g);
    }
}

static subject s;

static void run_once(const dz_plan *p, const char *way) {
  void *work = malloc(dz_plan_memory(p));
  const size_t n = dz_plan_inputs(p) + 1;
  double value, *g = malloc(n * sizeof *g), *in = malloc(n * sizeof *in), *to = in;
  soil(work, dz_plan_memory(p));
  soil(g, n * sizeof *g);
  for (int k = 0; k < s.n; k++)
    for (size_t i = 0; i < dz_size(s.x[k]); i++) *to++ = dz_values(s.x[k])[i];
  ck_assert_int_eq(dz_plan_run(p, in, &value, g, work), DZ_OK);
  compare(&s, way, &value, g);
  free(work), free(g), free(in);
}

static void begin(int which, bool carefully) {
  s = (subject){.t = dz_tape_new(NULL)};
  s.y = input(&s, 0);
  subjects[which](&s);
  if (carefully) add_to(&s, behind(input(&s, 1)));
  ck_assert_msg(dz_valid(s.y), "%s", dz_tape_error(s.t)->message);
  ck_assert_int_eq(dz_backward(s.y), DZ_OK);
}

static void try_subject(int which, bool carefully) {
  begin(which, carefully);
  dz_error e;
  const dz_status status = every_plan(s.y, s.n, s.x, NULL, NULL, compare, &s, &e);
  /* Not what C functions compute, side by side. */
  if (status) ck_assert_msg(subjects[which] == functions_of_c && status == DZ_ERR_ARGUMENT, "%s", e.message);
  for (int threads = 0; threads < 3; threads += 2) {
    dz_plan *p = dz_plan_new(1, &s.y, s.n, s.x,
                             &(dz_plan_options){.threads = threads, .tensors = DZ_TENSORS_APART}, &e);
    ck_assert_msg(p != NULL, "%s", e.message);
    run_once(p, threads ? "threads" : "no map");
    dz_plan_free(p);
  }
  dz_tape_free(s.t);
}

START_TEST(as_always) { try_subject(_i, false); }
END_TEST

START_TEST(carefully) { try_subject(_i, true); }
END_TEST

/* One for a processor of that kind, unless this one is older. */
static dz__machine *machine_for(dz__machine *newest, int isa) {
  const bool quick = dz__machine_is_quick(newest);
  if (isa >= (int)dz__machine_isa(newest)) return newest;
#if defined(DZ_SLEEF)
  if (quick) return isa == DZ__BASE ? dz__run_quick : dz__run_quick_avx2;
#endif
#if defined(DZ_LANES_X86)
  if (!quick) return isa == DZ__BASE ? dz__run_lanes : dz__run_lanes_avx2;
#endif
  (void)quick;
  return newest;
}

/* Compiled for each kind of processor that is here, with libm's functions and with quick ones. */
START_TEST(as_native_code) {
  begin(_i, false);
  for (int way = 0; way < 2 && subjects[_i] != functions_of_c; way++) { /* whose functions C is not given */
    const dz_plan_options o = {.quick = way, .tensors = DZ_TENSORS_APART};
    dz_plan *p = dz_plan_new(1, &s.y, s.n, s.x, &o, NULL);
    p->lanes = machine_for(p->lanes, _i % 3);
    dz_error e;
    const dz_status status = dz_plan_native(p, &(dz_native_options){.cache = cache}, &e);
    ck_assert_msg(status == DZ_OK, "%s", e.message);
    run_once(p, way ? "quick native code" : "native code");
    dz_plan_free(p);
  }
  dz_tape_free(s.t);
}
END_TEST

/* Only values, of lanes and of steps; and two bodies that are no loop's. */
START_TEST(values_only) {
  begin(_i, false);
  const dz_plan_options o = {.values_only = true, .quick = _i % 2, .tensors = DZ_TENSORS_APART};
  dz_plan *p = dz_plan_new(1, &s.y, s.n, s.x, &o, NULL);
  dz_error e;
  if (subjects[_i] != functions_of_c)
    ck_assert_msg(dz_plan_native(p, &(dz_native_options){.cache = cache}, &e) == DZ_OK, "%s", e.message);
  void *work = malloc(dz_plan_memory(p));
  double value, *in = malloc((dz_plan_inputs(p) + 1) * sizeof *in), *to = in;
  for (int k = 0; k < s.n; k++)
    for (size_t i = 0; i < dz_size(s.x[k]); i++) *to++ = dz_values(s.x[k])[i];
  ck_assert_int_eq(dz_plan_run(p, in, &value, NULL, work), DZ_OK);
  ck_assert(fabs(value - dz_value(s.y)) <= ROUNDED * (fabs(dz_value(s.y)) + s.n));
  free(work), free(in);
  dz_plan_free(p);
  dz_tape_free(s.t);
}
END_TEST

/* What shared factors are taken out of while memory lacks; and more sums than there is room for. */
START_TEST(taken_out) {
  failing f = {0};
  const dz_allocator a = failing_allocator(&f);
  s = (subject){.t = dz_tape_new(NULL)};
  s.y = input(&s, 0);
  shared_layers(&s);
  dz_plan *p = dz_plan_new(1, &s.y, s.n, s.x, &(dz_plan_options){.tensors = DZ_TENSORS_APART}, NULL);
  size_t found = 0;
  for (size_t k = 0; k < p->program.loops; k++)
    for (f.calls = f.failed = 0, f.only = 1;; f.calls = f.failed = 0, f.only++) {
      dz__hoisted h;
      const bool done = dz__hoist(&a, &p->program.loop[k], &h);
      ck_assert(!done || f.failed == 0);
      if (done) dz__hoisted_free(&a, &h);
      ck_assert_uint_eq(f.blocks, 0);
      found += done;
      if (f.failed == 0) break;
    }
  ck_assert_uint_eq(found, 1);
  dz_plan_free(p);
  dz_tape_free(s.t);
}
END_TEST

START_TEST(too_many_to_be_taken_out) {
  enum { N = 8, TERMS = 1030 };
  s = (subject){.t = dz_tape_new(NULL)};
  s.y = input(&s, 0);
  dz_var *a = data(&s, N), *w = inputs(&s, TERMS), shift = input(&s, .5);
  for (int l = 0; l < N; l++) {
    dz_var t = dz_add(a[l], shift), z = dz_num(0);
    for (int k = 0; k < TERMS; k++) z = dz_add(z, dz_tanh(dz_mul(t, w[k])));
    add_to(&s, dz_sin(z));
  }
  dz_plan *p = dz_plan_new(1, &s.y, s.n, s.x, &(dz_plan_options){.tensors = DZ_TENSORS_APART}, NULL);
  ck_assert_uint_eq(p->program.loops, 1);
  dz__hoisted h;
  ck_assert(!dz__hoist(&p->alloc, &p->program.loop[0], &h));
  dz_plan_free(p);
  dz_tape_free(s.t);
}
END_TEST

/* Native maps of a function alone, of what does not vary, and of the input itself. */
START_TEST(maps_of_little) {
  enum { N = 21 };
  dz_tape *t = dz_tape_new(NULL);
  dz_var x = dz_input(t, .5), ys[] = {dz_sin(x), dz_data(t, 3), x};
  for (int n = 1; n <= 3; n++)
    for (int native = 0; native < 2; native++) {
      dz_plan *p = dz_plan_new(n, ys, 1, &x, &(dz_plan_options){.map = true}, NULL);
      if (native) ck_assert_int_eq(dz_plan_native(p, &(dz_native_options){.cache = cache}, NULL), DZ_OK);
      void *work = malloc(dz_plan_map_memory(p));
      double in[N], values[3 * N], slopes[3 * N];
      for (int k = 0; k < N; k++) in[k] = .1 * k - 1;
      ck_assert_int_eq(dz_plan_map(p, N, in, values, slopes, work), DZ_OK);
      for (int k = 0; k < N; k++) {
        const double *z = values + k * n, *g = slopes + k * n;
        ck_assert(z[0] == sin(in[k]) && fabs(g[0] - cos(in[k])) <= 0x1p-52);
        if (n > 1) ck_assert(z[1] == 3 && g[1] == 0);
        if (n > 2) ck_assert(z[2] == in[k] && g[2] == 1);
      }
      free(work);
      dz_plan_free(p);
    }
  dz_tape_free(t);
}
END_TEST

/* Two inputs whose sum, power, or first is all that a map computes, and one without slopes: values and rows
   of the Jacobian. */
START_TEST(maps_of_one_operation) {
  enum { N = 21, WAYS = 6 };
  dz_tape *t = dz_tape_new(NULL);
  dz_var x[] = {dz_input(t, 2), dz_input(t, 3)}, sum = dz_add(x[0], x[1]), power = dz_pow(x[0], x[1]),
         ys[WAYS][2] = {{x[0]}, {sum}, {power}, {power}, {x[1], x[0]}, {dz_data(t, 7)}};
  double in[2 * N];
  for (int k = 0; k < N; k++) in[2 * k] = .25 * (k + 1), in[2 * k + 1] = 3 - .125 * k;
  for (int way = 0; way < WAYS; way++)
    for (int native = 0; native < 2; native++) {
      const bool slopes = way != 3;
      const int n = way == 4 ? 2 : 1;
      dz_plan *p =
          dz_plan_new(n, ys[way], 2, x, &(dz_plan_options){.map = true, .values_only = !slopes}, NULL);
      if (native) ck_assert_int_eq(dz_plan_native(p, &(dz_native_options){.cache = cache}, NULL), DZ_OK);
      void *work = malloc(dz_plan_map_memory(p));
      double values[2 * N], rows[4 * N], again[4 * N] = {0};
      ck_assert_int_eq(dz_plan_map(p, N, in, values, slopes ? rows : NULL, work), DZ_OK);
      for (int k = 0; k < N; k++) {
        const double a = in[2 * k], b = in[2 * k + 1], *z = values + n * k, *g = rows + 2 * n * k;
        if (way == 0) ck_assert(z[0] == a && g[0] == 1 && g[1] == 0);
        if (way == 1) ck_assert(z[0] == a + b && g[0] == 1 && g[1] == 1);
        if (way == 2 || way == 3) ck_assert(fabs(z[0] - pow(a, b)) <= 0x1p-52 * z[0]);
        if (way == 2) {
          ck_assert(fabs(g[0] - b * pow(a, b - 1)) <= 0x1p-49 * fabs(b * pow(a, b - 1)));
          ck_assert(fabs(g[1] - log(a) * pow(a, b)) <= 0x1p-49 * fabs(log(a) * pow(a, b)));
        }
        if (way == 4) ck_assert(z[0] == b && z[1] == a && g[0] == 0 && g[1] == 1 && g[2] == 1 && g[3] == 0);
        if (way == 5) ck_assert(z[0] == 7 && g[0] == 0 && g[1] == 0);
      }
      /* Where the values are not wanted. */
      ck_assert_int_eq(dz_plan_map(p, N, in, NULL, slopes ? again : NULL, work), DZ_OK);
      for (int k = 0; k < 2 * n * N && slopes; k++) ck_assert(again[k] == rows[k]);
      ck_assert_int_eq(dz_plan_map(p, 8, in, NULL, slopes ? again : NULL, work), DZ_OK);
      for (int k = 0; k < 16 * n && slopes; k++) ck_assert(again[k] == rows[k]);
      free(work);
      dz_plan_free(p);
    }
  dz_tape_free(t);
}
END_TEST

/* More registers than are kept for the way back, which computes them again: in two ways of going round. */
START_TEST(large_loops) {
  const size_t n = EFFORT(40000, 36000);
  s = (subject){.t = dz_tape_new(NULL)};
  double *in = malloc(n * sizeof *in);
  for (size_t k = 0; k < n; k++) in[k] = 1e-3 * (double)(k * 37 % 1001);
  dz_var x = s.x[s.n++] = dz_leaf_tensor(s.t, DZ_ROLE_INPUT, 1, &n, in), z = x;
  for (int k = 0; k < 12; k++) z = dz_add(dz_sin(dz_mul(z, x)), dz_exp(dz_sub(x, z)));
  s.y = dz_exp(dz_mul(dz_sum(z, 0, false), 1e-6));
  ck_assert_int_eq(dz_backward(s.y), DZ_OK);
  for (int threads = 0; threads < 3; threads += 2) {
    const dz_plan_options o = {.threads = threads, .tensors = DZ_TENSORS_APART};
    dz_plan *p = dz_plan_new(1, &s.y, s.n, s.x, &o, NULL);
    run_once(p, threads ? "a large loop, threads" : "a large loop");
    dz_plan_free(p);
  }
  free(in);
  dz_tape_free(s.t);
}
END_TEST

/* Large loops whose lanes go by results of another and leave results: blocks of them, and native code. */
START_TEST(large_results) {
  const size_t n = 40000;
  s = (subject){.t = dz_tape_new(NULL)};
  double *in = malloc(n * sizeof *in);
  for (size_t k = 0; k < n; k++) in[k] = .1 + 1e-3 * (double)(k * 37 % 1001);
  dz_var x = s.x[s.n++] = dz_leaf_tensor(s.t, DZ_ROLE_INPUT, 1, &n, in),
         w = s.x[s.n++] = dz_leaf_tensor(s.t, DZ_ROLE_INPUT, 1, &n, in), p = input(&s, .5),
         z = dz_atan2(dz_mul(dz_sin(x), p), dz_add(dz_exp(x), p)),
         pairs = dz_mul(dz_slice(z, 0, 0, (int64_t)n - 1, 1), dz_slice(z, 0, 1, (int64_t)n, 1)),
         all = dz_mul(pairs,
                      dz_mul(dz_slice(x, 0, 1, (int64_t)n, 1), dz_cos(dz_slice(w, 0, 1, (int64_t)n, 1))));
  s.y = dz_exp(dz_mul(dz_sum(all, 0, false), 1e-6));
  if (_i % 2) s.y = dz_add(s.y, behind(input(&s, 1)));
  ck_assert_int_eq(dz_backward(s.y), DZ_OK);
  dz_plan *plan =
      dz_plan_new(1, &s.y, s.n, s.x, &(dz_plan_options){.threads = _i, .tensors = DZ_TENSORS_APART}, NULL);
  run_once(plan, "large results");
  dz_error e;
  ck_assert_msg(dz_plan_native(plan, &(dz_native_options){.cache = cache}, &e) == DZ_OK, "%s", e.message);
  run_once(plan, "large results, native");
  dz_plan_free(plan);
  free(in);
  dz_tape_free(s.t);
}
END_TEST

/* Large loops that leave results, of which others read every second; lanes add to the gradient here and
   there, never two to one number. */
START_TEST(large_pairs) {
  const size_t n = 30000, two = 2 * n;
  s = (subject){.t = dz_tape_new(NULL)};
  double *in = malloc(two * sizeof *in);
  for (size_t k = 0; k < two; k++) in[k] = .1 + 1e-3 * (double)(k * 37 % 1001);
  dz_var v[5], p = input(&s, .5);
  for (int k = 0; k < 5; k++)
    v[k] = s.x[s.n++] = dz_leaf_tensor(s.t, DZ_ROLE_INPUT, 1, k == 2 ? &two : &n, in);
  dz_var z = dz_mul(dz_exp(dz_mul(v[2], p)), dz_add(dz_mul(v[2], v[2]), p)),
         all = dz_add(dz_mul(dz_exp(v[3]), v[1]), dz_mul(dz_exp(v[4]), v[0]));
  all = dz_mul(all, dz_mul(dz_slice(z, 0, 0, (int64_t)two, 2), dz_slice(z, 0, 1, (int64_t)two, 2)));
  /* What is read twice is a result. All terms are positive, so their order hardly matters. */
  const dz_var next = dz_mul(dz_slice(z, 0, 0, (int64_t)two - 1, 1), dz_slice(z, 0, 1, (int64_t)two, 1));
  s.y = dz_add(dz_sum(dz_sqrt(dz_mul(all, p)), 0, false), dz_sum(next, 0, false));
  s.y = dz_exp(dz_mul(s.y, 1e-6));
  ck_assert_msg(dz_valid(s.y), "%s", dz_tape_error(s.t)->message);
  ck_assert_int_eq(dz_backward(s.y), DZ_OK);
  dz_plan *plan =
      dz_plan_new(1, &s.y, s.n, s.x, &(dz_plan_options){.threads = 2, .tensors = DZ_TENSORS_APART}, NULL);
  run_once(plan, "large pairs");
  dz_error e;
  ck_assert_msg(dz_plan_native(plan, &(dz_native_options){.cache = cache}, &e) == DZ_OK, "%s", e.message);
  run_once(plan, "large pairs, native");
  dz_plan_free(plan);
  free(in);
  dz_tape_free(s.t);
}
END_TEST

SUITE_BETWEEN(set_up, tear_down, EACH(as_always, COUNT(subjects)), EACH(carefully, COUNT(subjects)),
              EACH(as_native_code, EFFORT(COUNT(subjects), 3)), EACH(values_only, EFFORT(COUNT(subjects), 3)),
              ONCE(taken_out), ONCE(too_many_to_be_taken_out), ONCE(maps_of_little),
              ONCE(maps_of_one_operation), ONCE(large_loops), EACH(large_results, EFFORT(4, 1)),
              ONCE(large_pairs))
