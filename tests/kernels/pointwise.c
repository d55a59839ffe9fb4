/* Elementwise kernels on arrays: whatever walks over an array gives, element by element, the bits that the
   operation gives for numbers alone. */
#include "kernels/pointwise.h"
#include "suite.h"

#include <float.h>
#include <math.h>
#include <string.h>

/* Numbers at which the table's texts go one way or the other. */
static const double hard[] = {0.,        -0., 1,       -1,     .5,     -.5,     2,      -2,    3,   INFINITY,
                              -INFINITY, NAN, DBL_MAX, 5e-324, 1e-310, -1e-310, 1e-160, 1e160, 710, -745,
                              -1075,     27,  -27,     40,     172,    1e17,    2.5,    .3};
enum { N = COUNT(hard), ROWS = 3 };

/* How an operand is laid out against a result of shape [ROWS, N]. */
typedef enum form { WHOLE, ROW, COLUMN, ONE, FORMS } form;

static dz__array shaped(form f, double *data, size_t offset) {
  dz__array a = {.rank = f == ONE ? 0 : f == ROW ? 1 : 2, .data = data};
  if (f == ROW) a.dims[0] = N;
  if (f == WHOLE || f == COLUMN) a.dims[0] = ROWS, a.dims[1] = f == WHOLE ? N : 1;
  a.size = f == WHOLE ? (size_t)ROWS * N : f == ROW ? N : f == COLUMN ? ROWS : 1;
  for (size_t i = 0; i < a.size; i++) data[i] = hard[(i * (offset + 1) + offset * 5 + i / N) % N];
  return a;
}

static size_t place_in(form f, size_t row, size_t column) {
  return f == WHOLE ? row * N + column : f == ROW ? column : f == COLUMN ? row : 0;
}

static bool same(double x, double y) { return (isnan(x) && isnan(y)) || memcmp(&x, &y, sizeof x) == 0; }

typedef struct trial {
  dz__fn fn;
  form form[3];
  dz__call call;
  dz__array args[3];
  double in[3][ROWS * N], z[ROWS * N], g[ROWS * N];
} trial;

static void set(trial *t, dz__fn fn, int kind) {
  const int n = dz__ops[fn].arity;
  *t = (trial){.fn = fn};
  bool whole = false, rows = false, columns = false;
  for (int k = 0; k < n; k++, kind /= FORMS) {
    t->form[k] = (form)(kind % FORMS);
    t->args[k] = shaped(t->form[k], t->in[k], (size_t)k);
    whole |= t->form[k] == WHOLE;
    rows |= t->form[k] == ROW;
    columns |= t->form[k] == COLUMN;
  }
  if (!whole && !(rows && columns)) t->form[0] = WHOLE, t->args[0] = shaped(WHOLE, t->in[0], 0);
  t->call = (dz__call){.op = dz__ops[fn].name, .nargs = n, .args = t->args};
  t->call.out = (dz__array){.rank = 2, .dims = {ROWS, N}, .size = (size_t)ROWS * N, .data = t->z};
  for (size_t i = 0; i < (size_t)ROWS * N; i++) t->g[i] = i % 7 == 3 ? 0 : 1 + (double)(i % 5);
  t->call.g = t->g;
}

static double at(const trial *t, int k, size_t i) {
  return k < t->call.nargs ? t->in[k][place_in(t->form[k], i / N, i % N)] : 0;
}

/* What flows to operand k from element i. */
static double share(const trial *t, int k, size_t i, double tie) {
  const dz__kernel *f = &dz__pointwise[t->fn];
  const double p = f->partial[k](at(t, 0, i), at(t, 1, i), at(t, 2, i), t->z[i], tie);
  return f->mask[k] && p == 0 ? 0 : p * t->g[i];
}

/* Sums of a broadcast operand may go in another order: of its shares one that is not finite makes the sum so,
   and of finite ones the sum is within their count's roundings. */
static void expect_sums(const trial *t, int k, const double *got, double tie) {
  double sum[ROWS * N] = {0}, size[ROWS * N] = {0};
  bool finite[ROWS * N];
  memset(finite, 1, sizeof finite);
  for (size_t i = 0; i < (size_t)ROWS * N; i++) {
    const size_t j = place_in(t->form[k], i / N, i % N);
    const double c = share(t, k, i, tie);
    sum[j] += c;
    size[j] += fabs(c);
    finite[j] = finite[j] && isfinite(c);
  }
  for (size_t j = 0; j < t->args[k].size; j++) {
    const bool right = !finite[j] || !isfinite(size[j])
                           ? !isfinite(got[j]) || isfinite(sum[j])
                           : fabs(got[j] - sum[j]) <= ROWS * N * 0x1p-53 * size[j];
    if (!right || (t->form[k] == WHOLE && !same(got[j], sum[j])))
      ck_abort_msg("%s, operand %d, element %zu: %a, not %a", t->call.op, k, j, got[j], sum[j]);
  }
}

static void try(dz__fn fn, int kind) {
  static trial t;
  double ga[3][ROWS * N] = {{0}}, *to[3] = {ga[0], ga[1], ga[2]};
  set(&t, fn, kind);
  const dz__kernel *f = &dz__pointwise[fn];
  dz__pointwise_forward(fn, &t.call);
  for (size_t i = 0; i < (size_t)ROWS * N; i++) {
    const double z = f->value(at(&t, 0, i), at(&t, 1, i), at(&t, 2, i));
    const bool zeros = t.z[i] == 0 && z == 0 && (fn == DZ__F_fmin || fn == DZ__F_fmax); /* C leaves it open */
    if (!same(t.z[i], z) && !zeros) ck_abort_msg("%s, element %zu: %a, not %a", t.call.op, i, t.z[i], z);
  }
  t.call.ga = to;
  bool met = false; /* 0 * inf */
  for (int k = 0; k < t.call.nargs; k++)
    for (size_t i = 0; i < (size_t)ROWS * N; i++) met |= t.g[i] == 0 && isnan(share(&t, k, i, .5));
  const bool passed = fn == DZ__F_add || fn == DZ__F_sub;
  ck_assert(dz__pointwise_reverse(fn, &t.call) == met || passed);
  for (int k = 0; k < t.call.nargs; k++) expect_sums(&t, k, ga[k], t.call.nargs > 1 ? .5 : 0);
  for (int k = 0; k < t.call.nargs && t.call.nargs > 1; k++) { /* one alone is wanted: no tie is shared */
    double alone[ROWS * N] = {0}, *one[3] = {NULL, NULL, NULL};
    one[k] = alone;
    t.call.ga = one;
    dz__pointwise_reverse(fn, &t.call);
    expect_sums(&t, k, alone, 0);
  }
}

/* Operation _i with its operands laid out in every way. */
START_TEST(arrays_are_as_numbers) {
  const int n = dz__ops[_i].arity, kinds = n == 1 ? 1 : n == 2 ? FORMS * FORMS : FORMS * FORMS * FORMS;
  for (int kind = 0; kind < kinds; kind++) try((dz__fn)_i, kind);
}
END_TEST

/* One element alone. */
START_TEST(single_elements) {
  for (size_t i = 0; i < N; i++) {
    double in[3], z, g = 3, ga[3] = {0};
    dz__array args[3];
    const dz__kernel *f = &dz__pointwise[_i];
    const int n = dz__ops[_i].arity;
    for (int k = 0; k < n; k++) {
      in[k] = hard[(i * (size_t)(k + 1) + (size_t)k) % N];
      args[k] = (dz__array){.rank = 2, .dims = {1, 1}, .size = 1, .data = &in[k]};
    }
    dz__call call = {.op = dz__ops[_i].name, .nargs = n, .args = args, .g = &g};
    call.out = (dz__array){.rank = 2, .dims = {1, 1}, .size = 1, .data = &z};
    call.ga = (double *[]){&ga[0], &ga[1], &ga[2]};
    dz__pointwise_forward((dz__fn)_i, &call);
    const double y = n > 1 ? in[1] : 0, w = n > 2 ? in[2] : 0;
    ck_assert(same(z, f->value(in[0], y, w)) || z == 0);
    dz__pointwise_reverse((dz__fn)_i, &call);
    for (int k = 0; k < n; k++) {
      const double p = f->partial[k](in[0], y, w, z, n > 1 ? .5 : 0), c = f->mask[k] && p == 0 ? 0 : p * g;
      ck_assert_msg(same(ga[k], 0 + c), "%s at %g, %g, %g: %a, not %a", call.op, in[0], y, w, ga[k], c);
    }
  }
}
END_TEST

/* A single element, by whatever rank it is reached; and none. */
START_TEST(one_element_and_none) {
  double x = 4, y = 3, z[4] = {0}, gx = 0, gy = 0, g = 2;
  dz__array args[2] = {{.rank = 2, .dims = {1, 1}, .size = 1, .data = &x},
                       {.rank = 0, .size = 1, .data = &y}};
  dz__call call = {.op = "mul", .nargs = 2, .args = args, .g = &g, .ga = (double *[]){&gx, &gy}};
  call.out = (dz__array){.rank = 2, .dims = {1, 1}, .size = 1, .data = z};
  dz__pointwise_forward(DZ__F_mul, &call);
  ck_assert_double_eq(z[0], 12);
  ck_assert(!dz__pointwise_reverse(DZ__F_mul, &call));
  ck_assert_double_eq(gx, 6);
  ck_assert_double_eq(gy, 8);
  args[0].dims[0] = args[0].size = 0;
  call.out.dims[0] = call.out.size = 0;
  dz__pointwise_forward(DZ__F_mul, &call);
  ck_assert(!dz__pointwise_reverse(DZ__F_mul, &call));
  ck_assert_double_eq(gy, 8);
}
END_TEST

SUITE(EACH(arrays_are_as_numbers, DZ__F_POINTWISE_END), EACH(single_elements, DZ__F_POINTWISE_END),
      ONCE(one_element_and_none))
