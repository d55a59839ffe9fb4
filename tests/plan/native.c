/* C from plans: compiled and loaded, it gives the virtual machine's numbers bit for bit; and what can go
   wrong on the way there. Maps: samples side by side are samples alone. */
#include "dz/dz.h"
#include "plan/cache.h"
#include "soil.h"
#include "suite.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A sum whose terms have all that loops are made of: numbers of their own, inputs in and out of order, shared
   ones, a choice, functions of the table, and lanes that do not fill a vector. */
enum { LANES = 77, INPUTS = 3 + 2 * LANES };

static dz_var record(dz_tape *t, dz_var *x, double *in) {
  dz_var y = dz_num(0);
  for (int k = 0; k < INPUTS; k++) x[k] = dz_input(t, in[k] = .5 + .01 * (k * 37 % 101));
  for (int l = 0; l < LANES; l++) {
    dz_var a = dz_mul(x[3 + l], x[0]), b = dz_mul(x[3 + LANES + l * 5 % LANES], x[1]);
    dz_var most = dz_value(a) > dz_value(b) ? a : b;
    dz_var z = dz_add(dz_exp(dz_sub(a, most)), dz_exp(dz_sub(b, most)));
    z = dz_add(dz_log(z), dz_add(most, dz_tanh(dz_mul(x[2], .1 * l))));
    z = dz_sub(z, dz_div(dz_fmax(a, b), dz_pow(x[1], 1.5)));
    y = dz_add(y, dz_mul(z, dz_sin(b)));
  }
  return dz_add(dz_mul(y, y), dz_sqrt(x[0]));
}

static dz_plan *plan_of(dz_var y, const dz_var *x, const dz_plan_options *o) {
  dz_error e;
  dz_plan *p = dz_plan_new(1, &y, INPUTS, x, o, &e);
  ck_assert_msg(p != NULL, "%s", e.message);
  return p;
}

START_TEST(native_is_the_machine) {
  dz_tape *t = dz_tape_new(NULL);
  dz_var x[INPUTS], y;
  double in[INPUTS], g[INPUTS], h[INPUTS], value, other;
  dz_native_options o = {.cache = cache};
  dz_error e;
  y = record(t, x, in);
  for (int round = 0; round < 2; round++) { /* the second time from the cache */
    dz_plan *p = plan_of(y, x, NULL);
    void *work = malloc(dz_plan_memory(p));
    ck_assert_uint_ge(dz_plan_facts_of(p).loops, 1);
    ck_assert_int_eq(dz_plan_run(p, in, &value, g, work), DZ_OK);
    ck_assert_msg(dz_plan_native(p, &o, &e) == DZ_OK, "%s", e.message);
    ck_assert(dz_plan_is_native(p));
    soil(work, dz_plan_memory(p));
    ck_assert_int_eq(dz_plan_run(p, in, &other, h, work), DZ_OK);
    ck_assert_double_eq(value, other);
    for (int k = 0; k < INPUTS; k++)
      ck_assert_msg(g[k] == h[k], "gradient %d: %.17g, native %.17g", k, g[k], h[k]);
    ck_assert_int_eq(dz_plan_run(p, in, &other, NULL, work), DZ_OK);
    ck_assert_double_eq(value, other);
    free(work);
    dz_plan_free(p);
  }
  dz_tape_free(t);
}
END_TEST

/* Without a compiler, or with a directory that others may write to, the plan runs on. */
START_TEST(no_native) {
  dz_tape *t = dz_tape_new(NULL);
  dz_var x[INPUTS], y;
  double in[INPUTS], value;
  dz_error e;
  y = record(t, x, in);
  dz_plan *p = plan_of(y, x, NULL);
  void *work = malloc(dz_plan_memory(p));
  dz_native_options none = {.compiler = "/nonexistent/cc", .cache = cache}, open = {.cache = cache};
  ck_assert_int_eq(dz_plan_native(p, &none, &e), DZ_ERR_FILE);
  none.compiler = "false";
  ck_assert_int_eq(dz_plan_native(p, &none, NULL), DZ_ERR_FILE);
  ck_assert_int_eq(chmod(cache, 0777), 0);
  ck_assert_int_eq(dz_plan_native(p, &open, &e), DZ_ERR_FILE);
  ck_assert_int_eq(dz_plan_native(NULL, &open, &e), DZ_ERR_ARGUMENT);
  ck_assert(!dz_plan_is_native(p) && !dz_plan_is_native(NULL));
  ck_assert_int_eq(dz_plan_run(p, in, &value, NULL, work), DZ_OK);
  ck_assert_int_eq(chmod(cache, 0700), 0);
  free(work);
  dz_plan_free(p);
  dz_tape_free(t);
}
END_TEST

typedef struct paper {
  char *text;
  size_t n, most;
} paper;

static bool append(void *user, const char *text, size_t n) {
  paper *p = user;
  if (p->n + n > p->most) return false;
  p->text = realloc(p->text, p->n + n);
  memcpy(p->text + p->n, text, n);
  p->n += n;
  return true;
}

/* Written out as NAME.c, compiled as strictly as can be, and run: it checks itself. */
static void compile_and_run(const dz_plan *p, const char *name, const double *in) {
  char command[512], path[128];
  paper whole = {.most = SIZE_MAX / 2};
  ck_assert_int_eq(dz_emit(p, &(dz_emit_options){.name = name, .test = true, .at = in}, append, &whole),
                   DZ_OK);
  snprintf(path, sizeof path, "%s/%s.c", cache, name);
  FILE *f = fopen(path, "w");
  ck_assert_uint_eq(fwrite(whole.text, 1, whole.n, f), whole.n);
  fclose(f);
  snprintf(command, sizeof command,
           "cd %s && cc -std=c99 -O1 -Wall -Wextra -Wconversion -Wshadow -pedantic -Werror %s.c -o %s "
           "-lm && ./%s > out",
           cache, name, name, name);
  ck_assert_int_eq(system(command), 0);
  free(whole.text);
}

START_TEST(emitted) {
  dz_tape *t = dz_tape_new(NULL);
  dz_var x[INPUTS], y;
  double in[INPUTS];
  y = record(t, x, in);
  dz_plan *p = plan_of(y, x, NULL);
  compile_and_run(p, "wave", in);
  paper short_one = {.most = 10000}, none = {.most = 0};
  dz_emit_options o = {.name = "wave", .test = true, .at = in};
  ck_assert_int_eq(dz_emit(p, &o, append, &short_one), DZ_ERR_WRITE);
  free(short_one.text);
  o.name = "3d";
  ck_assert_int_eq(dz_emit(p, &o, append, &none), DZ_ERR_ARGUMENT);
  ck_assert_int_eq(dz_emit(NULL, NULL, append, &none), DZ_ERR_ARGUMENT);
  ck_assert_int_eq(dz_emit(p, NULL, NULL, &none), DZ_ERR_ARGUMENT);
  dz_plan_free(p);
  dz_tape_free(t);
}
END_TEST

/* Lanes that read their neighbours write overlapping runs of the gradient; other lanes, and what stands
   around the loops, may write there too. All numbers of lanes around full vectors and tiles. */
static dz_var stencil(dz_tape *t, dz_var *x, double *in, int lanes, int kind) {
  dz_var y = dz_num(0);
  for (int k = 0; k < lanes + 3; k++) x[k] = dz_input(t, in[k] = .5 + .01 * (k * 37 % 101));
  for (int k = 0; k < lanes; k++) {
    dz_var a = dz_sub(x[k + (kind == 2 ? 3 : 1)], dz_mul(x[k], x[k])), b = dz_sub(1, x[k]);
    y = dz_add(y, dz_add(dz_mul(100, dz_mul(a, a)), dz_mul(b, kind == 3 ? dz_div(x[k + 2], x[k + 1]) : b)));
  }
  return kind == 1 ? dz_add(y, dz_mul(x[lanes / 2], x[lanes])) : y;
}

START_TEST(stencils) {
  static const int sizes[] = {8, 9, 15, 16, 255, 256, 257, 523};
  dz_var x[600];
  double in[600], g[600], h[600], value, other;
  dz_native_options o = {.cache = cache};
  dz_error e;
  for (size_t j = 0; j < sizeof sizes / sizeof *sizes; j++) {
    dz_tape *t = dz_tape_new(NULL);
    int n = sizes[j] + 3;
    dz_var y = stencil(t, x, in, sizes[j], _i);
    dz_plan *p = dz_plan_new(1, &y, n, x, NULL, &e);
    ck_assert_msg(p != NULL, "%s", e.message);
    void *work = malloc(dz_plan_memory(p));
    soil(g, sizeof g);
    soil(h, sizeof h);
    ck_assert_int_eq(dz_plan_run(p, in, &value, g, work), DZ_OK);
    ck_assert_msg(dz_plan_native(p, &o, &e) == DZ_OK, "%s", e.message);
    soil(work, dz_plan_memory(p));
    ck_assert_int_eq(dz_plan_run(p, in, &other, h, work), DZ_OK);
    ck_assert_double_eq(value, other);
    for (int k = 0; k < n; k++)
      ck_assert_msg(g[k] == h[k], "%d lanes, gradient %d: %.17g, native %.17g", sizes[j], k, g[k], h[k]);
    free(work);
    dz_plan_free(p);
    dz_tape_free(t);
  }
}
END_TEST

/* Samples side by side: of every number of them, without values, without slopes, and where a structural zero
   meets an infinite slope, native code gives what the machine gives. */
START_TEST(native_maps) {
  enum { N = 203, X = 67 }; /* more inputs than are fetched before they are read */
  static double in[N][X], value[2][N][2], rows[2][N][2][X];
  dz_tape *t = dz_tape_new(NULL);
  dz_var x[X];
  for (int j = 0; j < X; j++) x[j] = dz_input(t, .5 + j);
  dz_var ys[] = {dz_num(0), dz_where(dz_gt(x[1], 0), dz_sqrt(x[1]), dz_sin(x[2]))};
  for (int j = 0; j < X; j++) ys[0] = dz_add(ys[0], dz_mul(dz_log(x[(j * 4 + 3) % X]), x[j]));
  dz_plan *p[2];
  void *work[2];
  dz_native_options o = {.cache = cache};
  for (int k = 0; k < 2; k++) {
    p[k] = dz_plan_new(2, ys, X, x, &(dz_plan_options){.map = true}, NULL);
    ck_assert_ptr_nonnull(p[k]);
    work[k] = malloc(dz_plan_map_memory(p[k]));
    soil(work[k], dz_plan_map_memory(p[k]));
  }
  ck_assert_int_eq(dz_plan_native(p[1], &o, NULL), DZ_OK);
  for (int i = 0; i < N; i++)
    for (int j = 0; j < X; j++) in[i][j] = i % 50 == 7 && j == 1 ? 0 : .3 + .01 * (i * (j + 3) % 97);
  for (int n = 0; n <= N; n += n < 20 ? 1 : 61) {
    memset(value, 0, sizeof value);
    memset(rows, 0, sizeof rows);
    for (int k = 0; k < 2; k++) {
      ck_assert_int_eq(
          dz_plan_map(p[k], (size_t)n, in[0], n % 3 ? value[k][0] : NULL, rows[k][0][0], work[k]), DZ_OK);
      if (n % 3 == 0)
        ck_assert_int_eq(dz_plan_map(p[k], (size_t)n, in[0], value[k][0], NULL, work[k]), DZ_OK);
    }
    for (int i = 0; i < N; i++)
      for (int m = 0; m < 2; m++) {
        ck_assert(value[0][i][m] == value[1][i][m]);
        for (int j = 0; j < X; j++)
          ck_assert_msg(rows[0][i][m][j] == rows[1][i][m][j],
                        "sample %d, row %d, column %d: %.17g, native %.17g", i, m, j, rows[0][i][m][j],
                        rows[1][i][m][j]);
      }
  }
  for (int k = 0; k < 2; k++) {
    free(work[k]);
    dz_plan_free(p[k]);
  }
  dz_tape_free(t);
}
END_TEST

/* So many different operations that they are written as numbers, not as statements. */
START_TEST(long_programs) {
  enum { N = SANITIZED ? 10000 : 12000, X = 10 };
  dz_tape *t = dz_tape_new(NULL);
  dz_var *v = malloc((N + X) * sizeof *v), y = dz_num(0);
  double in[X], g[X], h[X], value, other;
  unsigned s = 12345;
  for (int k = 0; k < X; k++) v[k] = dz_input(t, in[k] = .3 + .1 * k);
  for (int k = X; k < N + X; k++) {
    unsigned r = (s = s * 1664525u + 1013904223u) >> 8;
    dz_var a = v[k - 1 - (int)(r % 10)],
           b = v[(r >> 4) % 7 ? (unsigned)k - 1 - (r >> 12) % 10 : (r >> 8) % (unsigned)k];
    dz_var ways[] = {dz_add(a, dz_mul(b, .5)),
                     dz_sub(a, b),
                     dz_mul(dz_sin(a), dz_cos(b)),
                     dz_div(a, dz_add(dz_mul(b, b), 1)),
                     dz_tanh(a),
                     dz_fmax(a, dz_neg(b)),
                     dz_exp(dz_sin(a)),
                     dz_mul(a, dz_sin(b))};
    v[k] = ways[(r >> 16) % 8];
  }
  for (int k = N; k < N + X; k++) y = dz_add(y, v[k]);
  for (int k = N - 20; k < N; k++) y = dz_add(y, dz_log(dz_add(dz_mul(v[k], v[k]), 2))); /* and a loop */
  dz_plan *p = dz_plan_new(1, &y, X, v, NULL, NULL);
  ck_assert_uint_gt(dz_plan_facts_of(p).instructions, 20000);
  compile_and_run(p, "far", in);
  void *work = malloc(dz_plan_memory(p));
  ck_assert_int_eq(dz_plan_run(p, in, &value, g, work), DZ_OK);
  ck_assert_int_eq(dz_plan_native(p, &(dz_native_options){.cache = cache}, NULL), DZ_OK);
  ck_assert_int_eq(dz_plan_run(p, in, &other, h, work), DZ_OK);
  ck_assert_double_eq(value, other);
  for (int k = 0; k < X; k++) ck_assert_double_eq(g[k], h[k]);
  free(work);
  free(v);
  dz_plan_free(p);
  dz_tape_free(t);
}
END_TEST

START_TEST(maps) {
  enum { N = 203 };
  dz_tape *t = dz_tape_new(NULL);
  dz_var x[] = {dz_input(t, 1), dz_input(t, 2), dz_data(t, 3)};
  dz_var ys[] = {dz_mul(dz_sin(x[0]), dz_exp(dz_div(x[1], x[2]))), dz_fmax(dz_mul(x[0], x[0]), dz_log(x[1]))};
  dz_plan_options o = {.map = true};
  dz_plan *p = dz_plan_new(2, ys, 3, x, &o, NULL);
  static double in[N][3], values[N][2], rows[N][2][3], g[3], value[2];
  void *work = malloc(dz_plan_memory(p)), *many = malloc(dz_plan_map_memory(p));
  soil(many, dz_plan_map_memory(p));
  for (int i = 0; i < N; i++)
    for (int j = 0; j < 3; j++) in[i][j] = .3 + .01 * (i * (j + 3) % 97);
  ck_assert_int_eq(dz_plan_map(p, N, in[0], values[0], rows[0][0], many), DZ_OK);
  for (int i = 0; i < N; i++)
    for (int k = 0; k < 2; k++) {
      double seeds[] = {k == 0, k == 1};
      dz_plan_pull(p, in[i], seeds, value, g, work);
      ck_assert_double_eq(value[k], values[i][k]);
      for (int j = 0; j < 3; j++) ck_assert_double_eq(g[j], rows[i][k][j]);
    }
  ck_assert_int_eq(dz_plan_map(p, 0, NULL, NULL, NULL, many), DZ_OK);
  ck_assert_int_eq(dz_plan_map(p, 1, NULL, values[0], NULL, many), DZ_ERR_ARGUMENT);
  ck_assert_int_eq(dz_plan_map(p, N, in[0], values[0], NULL, NULL), DZ_ERR_ARGUMENT);
  ck_assert_int_eq(dz_plan_map(NULL, N, in[0], values[0], NULL, many), DZ_ERR_ARGUMENT);
  free(work);
  free(many);
  dz_plan_free(p);
  dz_tape_free(t);
}
END_TEST

SUITE_BETWEEN(set_up, tear_down, ONCE(native_is_the_machine), ONCE(no_native), ONCE(emitted),
              EACH(stencils, 4), ONCE(native_maps), ONCE(long_programs), ONCE(maps))
