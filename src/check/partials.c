/* The partials of a user's operation beside numerical slopes of its value. */
#include "check/slope.h"
#include "check/userop.h"
#include "dz/text.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { SAMPLES = 12, POINTS = 2 * SAMPLES };
static const double samples[SAMPLES] = {.7, -.6, 1.3, -1.9, .31, 2.7, -.17, 5.3, -7.1, .05, 23, -41};

/* Operand k at point i: each operand meets every sample, beside other ones each time. */
static double sample(int i, int k) {
  return samples[(i < SAMPLES ? i + 5 * k : 5 * i + 7 * k + k * i) % SAMPLES];
}

typedef struct line {
  const dz__textop *op;
  double at[3];
  int k;
} line;

static double value_at(const line *l, double s) {
  double *slot = l->op->slot;
  for (int j = 0; j < 3; j++) slot[j] = l->at[j];
  slot[l->k] += s;
  return dz__formula_value(&l->op->value, slot);
}

static bool along(void *user, double s, double *value) {
  *value = value_at(user, s);
  return true;
}

static dz_status wrong(const line *l, const char *text, double claim, double slope, dz_error *e) {
  static const char *const names[] = {"x", "y", "w"};
  char number[32], where[120] = "";
  for (int j = 0; j < l->op->shown.arity; j++) {
    size_t n = strlen(where);
    dz_number_write(l->at[j], 0, number);
    snprintf(where + n, sizeof where - n, "%s%s = %s", j ? ", " : "", names[j], number);
  }
  char claimed[32], found[32];
  dz_number_write(claim, 0, claimed);
  dz_number_write(slope, 8, found);
  return dz__fail(e, DZ_ERR_ARGUMENT, l->op->name,
                  "%s: the partial to %s, '%.120s', is wrong: at %s it gives %s, the value's slope is %s",
                  l->op->name, names[l->k], text, where, claimed, found);
}

/* One partial at all points; *clear says at how many the slope could be told. */
static dz_status check_partial(const dz__textop *op, int k, const char *text, int *clear, dz_error *e) {
  for (int i = 0; i < POINTS; i++) {
    line l = {.op = op, .k = k};
    for (int j = 0; j < op->shown.arity; j++) l.at[j] = sample(i, j);
    double z = value_at(&l, 0), scales[] = {fabs(l.at[k]), 1};
    if (!isfinite(z)) continue;
    op->slot[DZ__FORMULA_Z] = z; /* beside the operands */
    double claim = dz__formula_value(&op->partial[k], op->slot);
    dz__slope s;
    dz__slope_at(along, &l, l.at[k], scales, 2, claim, &s);
    if (s.kind != DZ__SLOPE_CLEAR) continue;
    ++*clear;
    if (!(fabs(claim - s.value) <= s.error)) return wrong(&l, text, claim, s.value, e);
  }
  return DZ_OK;
}

dz_status dz__check_partials(dz_tape *t, const dz__textop *op, const char *const *partials, dz_error *e) {
  for (int k = 0; partials && k < op->shown.arity; k++) {
    int clear = 0;
    if (partials[k] && check_partial(op, k, partials[k], &clear, e)) return e->status;
    if (partials[k] && !clear)
      dz__note(t, "unchecked", op->name, 0, 0,
               "%s: its value is smooth at none of the sample points, so its partials are not checked",
               op->name);
  }
  return DZ_OK;
}
