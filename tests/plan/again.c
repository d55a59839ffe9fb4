/* Loops whose registers are more than the first cache holds: in native code a block makes what is one
   operation on data and an input again, where it would read what another block has stored. The same numbers
   as the machine's, bit for bit. */
#include "cache.h"
#include "dice.h"
#include "dz/dz.h"
#include "effort.h"
#include "soil.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { COLUMNS = 40, ROWS = 150, INPUTS = 2 * COLUMNS, KINDS = 6 };

static double drawn(dice *d) { return (double)(roll(d) >> 11) * 0x1p-52 - 1; }

/* What stands between a number of a row and an input, by column: one operation, on either side. */
static dz_var made(int kind, int j, double x, dz_var m) {
  switch ((kind + j) % 4) {
  case 0:
    return dz_sub(x, m);
  case 1:
    return dz_sub(m, x);
  case 2:
    return dz_mul(m, x);
  default:
    return dz_add(x, m);
  }
}

/* Sums over columns that are far apart, so that blocks read what others have made; of kinds 1 and 2 functions
   read it too, of kind 3 an operation with a mask, of kind 4 a quotient. Kind 5 ends in sums, so that values
   and adjoints meet in a block, has products of data with what is no input, and
   ends with what the way back does not read. */
static dz_var row(int kind, const double *x, const dz_var *in) {
  dz_var c[COLUMNS], last[COLUMNS], y = dz_num(0);
  for (int j = 0; j < COLUMNS; j++) c[j] = made(kind, j, x[j], in[j]);
  for (int j = 0; kind == 5 && j < COLUMNS; j++) last[j] = made(1, j, x[j], in[(j + 3) % COLUMNS]);
  for (int j = 0; j < COLUMNS; j++) {
    dz_var z = dz_mul(in[COLUMNS + j], c[j]);
    for (int k = 0; k <= j; k += 3) z = dz_add(z, dz_mul(in[COLUMNS + k], c[(j + 7 * k) % COLUMNS]));
    if (kind == 1 && j % 5 == 0) z = dz_add(z, dz_sin(c[j]));
    if (kind == 2 && j % 7 == 0) z = dz_add(z, dz_mul(dz_exp(dz_mul(c[j], .1)), dz_tanh(c[COLUMNS - 1 - j])));
    if (kind == 3 && j % 4 == 0) z = dz_add(z, dz_relu(c[(j + 11) % COLUMNS]));
    if (kind == 4) z = dz_div(z, dz_add(dz_mul(c[j], c[j]), 1));
    if (kind == 5) z = dz_mul(z, x[COLUMNS - 1 - j]);
    y = dz_add(y, dz_mul(z, z));
  }
  for (int j = 0; kind == 5 && j < COLUMNS; j++) y = dz_add(y, dz_mul(last[j], x[(j + 1) % COLUMNS]));
  return kind == 5 ? y : dz_log(dz_add(y, 1));
}

static dz_plan *plan_of(int kind, const double *in) {
  dice d = {(uint64_t)kind};
  dz_tape *t = dz_tape_new(NULL);
  dz_var v[INPUTS], y = dz_num(0);
  for (int j = 0; j < INPUTS; j++) v[j] = dz_input(t, in[j]);
  for (int i = 0; i < ROWS; i++) {
    double x[COLUMNS];
    for (int j = 0; j < COLUMNS; j++) x[j] = drawn(&d);
    y = dz_add(y, row(kind, x, v));
  }
  dz_error e;
  dz_plan *p = dz_plan_new(1, &y, INPUTS, v, NULL, &e);
  ck_assert_msg(p != NULL, "%s", e.message);
  dz_tape_free(t);
  return p;
}

static void run(const dz_plan *p, const double *in, double *value, double *g) {
  void *work = malloc(dz_plan_memory(p));
  soil(work, dz_plan_memory(p));
  ck_assert_int_eq(dz_plan_run(p, in, value, g, work), DZ_OK);
  free(work);
}

START_TEST(as_the_machine) {
  dice d = {7};
  double in[INPUTS], y, again, alone, g[INPUTS], h[INPUTS];
  const dz_native_options native = {.cache = cache};
  for (int j = 0; j < INPUTS; j++) in[j] = drawn(&d);
  dz_plan *p = plan_of(_i, in);
  run(p, in, &y, g);
  ck_assert(isfinite(y));
  ck_assert_int_eq(dz_plan_native(p, &native, NULL), DZ_OK);
  run(p, in, &again, h);
  run(p, in, &alone, NULL);
  ck_assert_msg(again == y && alone == y, "%.17g, alone %.17g, the machine's is %.17g", again, alone, y);
  for (int j = 0; j < INPUTS; j++)
    ck_assert_msg(g[j] == h[j], "input %d: %.17g, the machine's is %.17g", j, h[j], g[j]);
  dz_plan_free(p);
}
END_TEST

SUITE_BETWEEN(set_up, tear_down, EACH(as_the_machine, KINDS))
