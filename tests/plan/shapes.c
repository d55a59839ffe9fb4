/* Recordings of the shapes that plans know, and of those that they nearly know: each runs as the tape does,
   in every way that a plan can be run. Whole numbers, so that every order of additions gives the same, to the
   last bit; and once more with adjoints computed number by number. */
#include "base/hash.h"
#include "dz/dz.h"
#include "plan/cache.h"
#include "plan/every.h"
#include "plan/zeros.h"
#include "soil.h"
#include "suite.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 2100 };

typedef struct shape {
  dz_tape *t;
  dz_var x[MOST];
  int n;
} shape;

/* -2 to 2. */
static double small(int k) { return k * 7 % 5 - 2; }

static const dz_var *inputs(shape *s, int n) {
  const dz_var *first = s->x + s->n;
  for (int k = 0; k < n; k++, s->n++) s->x[s->n] = dz_input(s->t, small(s->n));
  return first;
}

static dz_var clamp(dz_var x) { return dz_fmax(dz_fmin(x, 50), -50); }

/* ---- over lanes ---- */

/* More sums over the lanes than are added up at once, some of products; of two kinds of terms the later has
   fewer. */
static dz_var many_shared(shape *s) {
  enum { N = 20, SHARED = 60 };
  const dz_var *w = inputs(s, SHARED), *x = inputs(s, N);
  dz_var y = dz_num(0);
  for (int l = 0; l < N; l++) {
    dz_var a = x[l], b = dz_num(0);
    for (int j = 0; j < SHARED; j++) a = dz_add(a, dz_mul(small(l + j), w[j]));
    for (int j = 0; j < 7; j++) b = dz_sub(b, dz_mul(w[j], x[l]));
    y = dz_add(y, dz_add(dz_fabs(a), dz_fabs(b)));
  }
  return y;
}

/* Factors that all lanes share, on either side and again behind others. */
static dz_var factors(shape *s) {
  enum { N = 40 };
  const dz_var *w = inputs(s, 8), *x = inputs(s, N);
  dz_var y = dz_num(0);
  for (int l = 0; l < N; l++) {
    dz_var a = dz_neg(dz_mul(w[0], x[l])), b = dz_sub(dz_mul(x[l], w[1]), dz_mul(w[2], a)),
           z = dz_mul(b, w[3]);
    z = dz_add(dz_mul(dz_neg(z), w[4]), dz_sub(dz_mul(a, b), dz_add(z, w[5])));
    a = dz_mul(dz_fabs(dz_add(dz_add(dz_mul(w[0], a), dz_mul(w[6], b)), dz_add(dz_mul(w[1], z), w[7]))),
               w[2]);
    y = dz_add(y, dz_sub(dz_mul(a, small(l)), dz_mul(dz_add(w[3], dz_neg(w[4])), z)));
  }
  return dz_add(y, dz_mul(w[0], w[7]));
}

/* A sum over lanes that is made of two others: one more than before. */
static dz_var two_for_one(shape *s) {
  enum { N = 30 };
  const dz_var *w = inputs(s, 3);
  dz_var y = dz_num(0);
  for (int l = 0; l < N; l++) {
    const dz_var a = dz_add(w[0], 5 * small(l) + 3);
    y = dz_add(y, dz_add(dz_fabs(dz_mul(a, w[1])), dz_fmax(dz_mul(a, w[2]), 7)));
  }
  return y;
}

/* Each lane takes one of five values that are the same for all. */
static dz_var choices_of_shared(shape *s) {
  enum { N = 24, K = 5 };
  const dz_var *w = inputs(s, K + 1), *x = inputs(s, N);
  dz_var y = dz_num(0);
  for (int l = 0; l < N; l++) {
    dz_var z[K], sum = x[l];
    for (int k = 0; k < K; k++) sum = dz_add(sum, dz_fabs(z[k] = dz_mul(w[k], w[K])));
    y = dz_add(y, dz_mul(dz_sub(sum, z[l * 3 % K]), x[l]));
  }
  return y;
}

/* The same of values of its own, two of which are one. */
static dz_var choices_of_own(shape *s) {
  enum { N = 24, K = 4 };
  const dz_var *w = inputs(s, K), *x = inputs(s, N);
  dz_var y = dz_num(0);
  for (int l = 0; l < N; l++) {
    dz_var z[K], sum = x[l];
    for (int k = 0; k < K; k++) sum = dz_add(sum, dz_fabs(z[k] = dz_mul(x[l], w[k % 3])));
    y = dz_add(y, dz_mul(dz_sub(sum, z[l * 3 % K]), dz_neg(z[l * 5 % K])));
  }
  return y;
}

/* What changes nothing is left out, also where it then is another kind of thing in every lane. */
static dz_var nothing_done(shape *s) {
  enum { N = 20 };
  const dz_var *w = inputs(s, 4), *x = inputs(s, 2 * N);
  dz_var y = dz_num(0), z[N];
  for (int l = 0; l < N; l++) z[l] = dz_mul(x[l], dz_const(s->t, l % 3 ? 1 : 2));
  for (int l = 0; l < N; l++) {
    const dz_var one = dz_const(s->t, 1), a = dz_mul(one, dz_neg(dz_neg(x[N + l])));
    y = dz_add(y, dz_mul(dz_sub(a, dz_div(w[0], one)), z[l * 7 % N]));
    y = dz_add(y, dz_mul(z[l], dz_mul(dz_neg(dz_neg(w[1])), one)));
  }
  return dz_add(y, dz_neg(dz_neg(dz_mul(w[2], dz_mul(w[3], dz_const(s->t, 1))))));
}

/* Inputs at every second place, from the last to the first, in no order, each also its neighbours'. */
static dz_var wires(shape *s) {
  enum { N = 21 };
  const dz_var *x = inputs(s, 2 * N + 2);
  dz_var y = dz_num(0), z[N];
  for (int l = 0; l < N; l++) z[l] = dz_mul(x[2 * l], x[2 * N - l]);
  for (int l = 0; l < N; l++) {
    y = dz_add(y, dz_mul(z[l * 5 % N], dz_add(x[l], dz_sub(x[l + 1], x[l + 2]))));
    y = dz_add(y, dz_mul(z[N - 1 - l], x[l * 8 % N]));
  }
  return y;
}

/* Gradients that a loop takes by runs: neighbours of neighbours, and another loop far from them. */
static dz_var stencil(shape *s) {
  enum { N = 1030 };
  const dz_var *x = inputs(s, N + 8);
  dz_var y = dz_num(0);
  for (int l = 0; l < N; l++)
    y = dz_add(y, dz_mul(dz_sub(x[l + 1], x[l]), dz_sub(x[l + 2], x[l + 8 - l % 1])));
  return y;
}

static dz_var crossed_stencil(shape *s) {
  dz_var y = stencil(s);
  for (int l = 0; l < 40; l++) y = dz_add(y, dz_fabs(dz_mul(s->x[l * 17 % 100], 3)));
  return y;
}

static dz_var stencil_and_ends(shape *s) {
  const dz_var y = stencil(s);
  return dz_add(y, dz_mul(s->x[3], dz_fabs(s->x[1000])));
}

/* Numbers that are none, or without end, where they do not matter. */
static dz_var numbers(shape *s) {
  const dz_var *x = inputs(s, 12);
  dz_var y = dz_num(0);
  for (int k = 0; k < 12; k++) {
    const dz_var least = dz_fmax(dz_fmin(x[k], INFINITY), -INFINITY);
    y = dz_add(y, dz_where(dz_gt(x[k], 100), NAN, dz_mul(least, k % 3 ? 1e300 * (k % 2) : 3)));
  }
  return dz_where(dz_lt(x[0], -100), NAN, dz_fmax(dz_fmin(x[1], INFINITY), -INFINITY));
}

/* Two tables of numbers that differ, though they hash alike: the last number of the second makes up for all
   others, and is so large that only its sign matters. */
static dz_var tables_of_one_hash(shape *s) {
  enum { N = 20 };
  const dz_var *x = inputs(s, N);
  double a[N], b[N] = {0};
  uint64_t h = 0, g = 0;
  for (int l = 0; l < N - 1; l++) {
    h = dz__mix(h, dz__bits(a[l] = 1 + l % 2));
    g = dz__mix(g, dz__bits(b[l] = 3 - l % 3));
  }
  for (int e = 10; e < 1000 && !(fabs(b[N - 1]) > 100 && isfinite(b[N - 1])); e++) {
    const uint64_t last = h ^ g ^ dz__bits(a[N - 1] = ldexp(1, e));
    memcpy(&b[N - 1], &last, sizeof last);
  }
  ck_assert(isfinite(b[N - 1]) && fabs(b[N - 1]) > 100);
  dz_var y = x[0];
  for (int l = 0; l < N; l++)
    y = dz_add(y, dz_sub(clamp(dz_mul(x[l], a[l])), dz_mul(2, clamp(dz_mul(x[l], b[l])))));
  return y;
}

/* ---- over steps ---- */

/* Each state is read again behind the steps, and each step reads what was there before. */
static dz_var states_read(shape *s) {
  enum { N = 30, BEFORE = 40 };
  const dz_var *x = inputs(s, 10);
  dz_var z = x[0], each[N], y = dz_num(0), first = x[3];
  for (int k = 0; k < BEFORE; k++)
    first = k % 3 ? dz_fabs(dz_sub(first, x[k % 10])) : dz_mul(small(k), first);
  const dz_var before = dz_mul(x[1], x[2]);
  for (int k = 0; k < BEFORE; k++) y = dz_add(y, dz_mul(x[k % 9], x[k % 7]));
  for (int k = 0; k < N; k++) each[k] = z = clamp(dz_sub(dz_mul(z, x[2]), dz_add(before, x[k % 3])));
  for (int k = 0; k < N; k++) y = dz_add(y, dz_fabs(dz_mul(each[k * 7 % N], x[3])));
  return dz_add(y, first);
}

/* More recurrences than are looked for. */
static dz_var many_recurrences(shape *s) {
  const dz_var *x = inputs(s, 20);
  dz_var y = dz_num(0);
  for (int r = 0; r < 19; r++) {
    dz_var z = x[r];
    for (int k = 0; k < 18 + r; k++) {
      z = dz_sub(x[19], z);
      for (int j = 0; j <= r % 6; j++) z = (r >> j) % 2 ? dz_fabs(z) : dz_neg(z);
      z = clamp(z);
    }
    y = dz_fmax(y, z);
  }
  return y;
}

/* More operations in a step than a C function is given. */
static dz_var long_steps(shape *s) {
  enum { N = 21, OPERATIONS = 150 };
  const dz_var *x = inputs(s, 40);
  dz_var z = x[0], last = x[1], y = dz_num(0);
  for (int k = 0; k < N; k++) {
    const dz_var old = z;
    for (int j = 0; j < OPERATIONS; j += 3)
      z = clamp(j % 2 ? dz_sub(x[j % 40], z) : j % 5 ? dz_fabs(dz_add(z, last)) : dz_mul(z, x[(k + j) % 40]));
    last = old;
    y = dz_add(y, dz_mul(z, small(k)));
  }
  return y;
}

/* States of three steps before, and a state that is a sum. */
static dz_var far_back(shape *s) {
  enum { N = 80 };
  const dz_var *x = inputs(s, N);
  dz_var z[N + 4], sum = x[0];
  for (int k = 0; k < 4; k++) z[k] = x[k];
  for (int k = 4; k < N + 4; k++) {
    sum = dz_sub(sum, dz_mul(z[k - 4], small(k)));
    z[k] = clamp(dz_sub(dz_fabs(z[k - 3]), dz_add(x[k - 4], sum)));
  }
  return dz_add(z[N + 3], z[N + 1]);
}

/* ---- all of them ---- */

static const struct {
  const char *name;
  dz_var (*make)(shape *s);
} shapes[] = {{"many shared", many_shared},
              {"factors", factors},
              {"two for one", two_for_one},
              {"choices of shared", choices_of_shared},
              {"choices of own", choices_of_own},
              {"nothing done", nothing_done},
              {"wires", wires},
              {"stencil", stencil},
              {"crossed stencil", crossed_stencil},
              {"stencil and ends", stencil_and_ends},
              {"numbers", numbers},
              {"tables of one hash", tables_of_one_hash},
              {"states read", states_read},
              {"many recurrences", many_recurrences},
              {"long steps", long_steps},
              {"far back", far_back}};

typedef struct expected {
  const char *name;
  const shape *s;
  double value;
} expected;

static void compare(void *user, const char *way, const double *values, const double *gradient) {
  const expected *e = user;
  ck_assert_msg(values[0] == e->value, "%s, %s: %.17g, tape %.17g", e->name, way, values[0], e->value);
  for (int k = 0; k < e->s->n; k++)
    ck_assert_msg(gradient[k] == dz_adjoint(e->s->x[k]), "%s, %s: gradient %d is %.17g, tape %.17g", e->name,
                  way, k, gradient[k], dz_adjoint(e->s->x[k]));
}

/* Compiled, too: as it is; and with what a quick plan may do, where whole numbers stay the same. */
static void compare_native(dz_var y, const expected *e, bool quick, int threads) {
  const dz_plan_options o = {.quick = quick, .threads = threads, .tensors = DZ_TENSORS_APART};
  double *in = malloc((size_t)e->s->n * sizeof *in), *g = malloc((size_t)e->s->n * sizeof *g), value;
  dz_error error;
  dz_plan *p = dz_plan_new(1, &y, e->s->n, e->s->x, &o, &error);
  ck_assert_msg(p && !dz_plan_native(p, &(dz_native_options){.cache = cache}, &error), "%s", error.message);
  void *work = malloc(dz_plan_memory(p));
  soil(work, dz_plan_memory(p));
  for (int k = 0; k < e->s->n; k++) in[k] = dz_value(e->s->x[k]);
  ck_assert_int_eq(dz_plan_run(p, in, &value, g, work), DZ_OK);
  compare((void *)(uintptr_t)e, quick ? "quick native code" : "native code", &value, g);
  dz_plan_free(p);
  free(work);
  free(in);
  free(g);
}

START_TEST(all_ways) {
  static shape s;
  for (int careful = 0; careful < 2; careful++) {
    s = (shape){.t = dz_tape_new(NULL)};
    dz_var y = shapes[_i].make(&s);
    if (careful) y = dz_add(y, behind(s.x[0]));
    ck_assert_msg(dz_valid(y), "%s", dz_tape_error(s.t)->message);
    ck_assert_int_eq(dz_backward(y), DZ_OK);
    expected e = {shapes[_i].name, &s, dz_value(y)};
    dz_error error;
    const dz_status status = every_plan(y, s.n, s.x, NULL, NULL, compare, &e, &error);
    ck_assert_msg(status == DZ_OK, "%s", error.message);
    if (!careful && (!SANITIZED || _i % 6 == 0)) {
      compare_native(y, &e, false, 0);
      compare_native(y, &e, true, 2);
    }
    dz_tape_free(s.t);
  }
}
END_TEST

SUITE_BETWEEN(set_up, tear_down, EACH(all_ways, COUNT(shapes)))
