/* Loops over many lanes, where machines pack their code: neighbours that add to one gradient, columns of a
   table, slopes that are infinite where nothing flows. Each gradient is a sum of at most two numbers, so that
   plan and tape agree to the last bit; others are within the bound of their roundings. */
#include "every.h"

#include "dice.h"
#include "dz/dz.h"
#include "effort.h"
#include "suite.h"

#include <math.h>
#include <string.h>

typedef struct expected {
  size_t n;
  const double *gradient, *off; /* off: how far from it is right; NULL: equal */
  double value, value_off;
  size_t ways;
} expected;

static void check(void *user, const char *way, const double *values, const double *gradient) {
  expected *e = user;
  e->ways++;
  ck_assert_msg(fabs(values[0] - e->value) <= e->value_off, "%s: %.17g, not %.17g", way, values[0], e->value);
  for (size_t k = 0; k < e->n; k++) {
    double x = gradient[k], y = e->gradient[k];
    bool good = e->off ? fabs(x - y) <= e->off[k] : x == y;
    ck_assert_msg(good, "%s: gradient %zu is %.17g, not %.17g", way, k, x, y);
  }
}

static void compare(dz_var y, const dz_var *x, expected *e) {
  dz_error error;
  dz_status status = every_plan(y, (int)e->n, x, NULL, NULL, check, e, &error);
  ck_assert_msg(status == DZ_OK, "%s", error.message);
  ck_assert_uint_ge(e->ways, 3);
}

static double uniform(dice *d) { return (double)(roll(d) >> 11) * 0x1p-53; }

/* Lanes that fill vectors, and that leave a rest; enough that a loop has a part of the gradient for itself.
 */
static const size_t sizes[] = {1033, 1500, 2049};
enum { MOST = 2049 };

/* ---- neighbours ---- */

/* The sum of max(sqrt(x[i]), x[i+1]): a number that is 0 has an infinite slope, to which mostly nothing
   flows. */
START_TEST(infinite_slopes) {
  static double in[MOST], gradient[MOST];
  static dz_var x[MOST];
  size_t n = sizes[_i];
  dice d = {(uint64_t)_i + 1};
  dz_tape *t = dz_tape_new(NULL);
  for (size_t i = 0; i < n; i++)
    x[i] = dz_input(t, in[i] = i % 9 == 5 || roll(&d) % 8 == 0 ? 0 : i % 9 == 6 ? 1 : uniform(&d));
  dz_var y = dz_num(0);
  for (size_t i = 0; i + 1 < n; i++) y = dz_add(y, dz_fmax(dz_sqrt(x[i]), x[i + 1]));
  ck_assert_int_eq(dz_backward(y), DZ_OK);
  for (size_t i = 0; i < n; i++) gradient[i] = dz_adjoint(x[i]);
  ck_assert(gradient[5] == gradient[5]);
  compare(y, x, &(expected){n, gradient, NULL, dz_value(y), (double)n * 0x1p-53 * dz_value(y), 0});
  dz_tape_free(t);
}
END_TEST

/* Three neighbours each, by x[i-1] x[i] x[i] x[i+1]: what is multiplied twice is added twice. */
START_TEST(three_neighbours) {
  static double in[MOST], gradient[MOST], off[MOST];
  static dz_var x[MOST];
  size_t n = sizes[_i];
  long double value = 0;
  dice d = {(uint64_t)_i + 11};
  dz_tape *t = dz_tape_new(NULL);
  for (size_t i = 0; i < n; i++) x[i] = dz_input(t, in[i] = 2 * uniform(&d) - 1);
  dz_var y = dz_num(0);
  for (size_t i = 1; i + 1 < n; i++) y = dz_add(y, dz_mul(dz_mul(x[i - 1], dz_mul(x[i], x[i])), x[i + 1]));
  for (size_t i = 0; i < n; i++) {
    long double terms[3] = {0};
    if (i + 2 < n) terms[0] = (long double)in[i + 1] * in[i + 1] * in[i + 2];
    if (i > 0 && i + 1 < n) terms[1] = 2 * (long double)in[i - 1] * in[i] * in[i + 1];
    if (i > 1) terms[2] = (long double)in[i - 2] * in[i - 1] * in[i - 1];
    if (i > 0 && i + 1 < n) value += (long double)in[i - 1] * in[i] * in[i] * in[i + 1];
    gradient[i] = (double)(terms[0] + terms[1] + terms[2]);
    off[i] =
        8 * 0x1p-53 * (double)(fabsl(terms[0]) + fabsl(terms[1]) + fabsl(terms[2])); /* 3 + 3 roundings */
  }
  compare(y, x, &(expected){n, gradient, off, (double)value, (double)n * (double)n * 0x1p-53, 0});
  dz_tape_free(t);
}
END_TEST

/* ---- columns ---- */

/* Rows of numbers that all differ: the columns of a table, some of them data. */
START_TEST(columns) {
  enum { ROWS = EFFORT(203, 75), COLUMNS = 19 };
  static double in[ROWS * COLUMNS], gradient[ROWS * COLUMNS];
  static dz_var x[ROWS * COLUMNS];
  dice d = {3};
  dz_tape *t = dz_tape_new(NULL);
  for (size_t k = 0; k < ROWS * COLUMNS; k++) {
    in[k] = 2 * uniform(&d) - 1;
    x[k] = k % COLUMNS == 7 ? dz_data(t, in[k]) : dz_input(t, in[k]);
  }
  dz_var y = dz_num(0);
  for (size_t i = 0; i < ROWS; i++) {
    const dz_var *row = x + i * COLUMNS;
    dz_var s = row[0];
    for (size_t j = 1; j + 1 < COLUMNS; j += 2) s = dz_add(s, dz_mul(row[j], row[j + 1]));
    y = dz_add(y, dz_div(dz_tanh(s), dz_add(2, row[COLUMNS - 1 - 10])));
  }
  ck_assert_int_eq(dz_backward(y), DZ_OK);
  for (size_t k = 0; k < ROWS * COLUMNS; k++) gradient[k] = dz_is_active(x[k]) ? dz_adjoint(x[k]) : 0;
  compare(y, x, &(expected){ROWS * COLUMNS, gradient, NULL, dz_value(y), ROWS * ROWS * 0x1p-53, 0});
  dz_tape_free(t);
}
END_TEST

SUITE(EACH(infinite_slopes, COUNT(sizes)), EACH(three_neighbours, COUNT(sizes)), ONCE(columns))
