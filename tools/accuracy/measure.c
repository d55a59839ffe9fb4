/* One operation at many points: as one node over tensors, and at a sample of them as scalars. */
#include "accuracy.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static dz_var call(const row *r, const dz_var *x) {
  return r->one ? r->one(x[0]) : r->two ? r->two(x[0], x[1]) : r->three(x[0], x[1], x[2]);
}

/* Numbers per point: OPERANDS slopes, the value, and OPERANDS coordinates. */
typedef struct numbers {
  size_t n;
  double *of[OPERANDS + 1], *x[OPERANDS];
} numbers;

static double *copied(const double *values, size_t n) {
  double *copy = calloc(n, sizeof *copy);
  if (copy && values) memcpy(copy, values, n * sizeof *copy);
  return copy;
}

/* Values and slopes at x[k][from … from + n - 1], at once as a tensor, or for n = 1 as scalars. NULL or what
   went wrong. */
static const char *evaluate(const row *r, int arity, const numbers *at, size_t from, numbers *out) {
  const char *wrong = NULL;
  dz_tape *t = dz_tape_new(NULL);
  dz_var x[OPERANDS];
  double one = 1, *ones = calloc(out->n, sizeof *ones);
  if (!t || !ones) wrong = "out of memory";
  for (size_t i = 0; ones && i < out->n; i++) ones[i] = 1;
  for (int k = 0; k < arity && !wrong; k++)
    x[k] = out->n == 1 ? dz_input(t, at->x[k][from])
                       : dz_leaf_tensor(t, DZ_ROLE_INPUT, 1, &out->n, at->x[k] + from);
  if (!wrong) {
    const dz_var y = call(r, x);
    const dz_var seed = out->n == 1 ? dz_num(one) : dz_leaf_tensor(t, DZ_ROLE_DATA, 1, &out->n, ones);
    if (dz_backward_with(y, seed) != DZ_OK) wrong = "the sweep failed";
    if (dz_tape_error(t)->status != DZ_OK) wrong = "recording failed";
    out->of[VALUE] = copied(dz_values(y), out->n);
    for (int k = 0; k < arity; k++) out->of[k] = copied(dz_is_active(y) ? dz_adjoints(x[k]) : NULL, out->n);
    for (int k = 0; k <= VALUE; k++)
      if ((k < arity || k == VALUE) && !out->of[k]) wrong = "out of memory";
  }
  free(ones);
  dz_tape_free(t);
  return wrong;
}

static void drop(numbers *p) {
  for (int k = 0; k <= VALUE; k++) free(p->of[k]);
  for (int k = 0; k < OPERANDS; k++) free(p->x[k]);
}

static bool same(double a, double b) { return memcmp(&a, &b, sizeof a) == 0 || (isnan(a) && isnan(b)); }

/* The scalar road gives the same bits as the tensor road. */
static const char *roads_agree(const row *r, int arity, const numbers *all) {
  for (size_t i = 0; i < all->n; i += all->n / 200 + 1) {
    numbers one = {.n = 1};
    const char *wrong = evaluate(r, arity, all, i, &one);
    for (int k = 0; k <= VALUE && !wrong; k++)
      if ((k < arity || k == VALUE) && !same(one.of[k][0], all->of[k][i]))
        wrong = "scalars and tensors differ in a bit";
    drop(&one);
    if (wrong) return wrong;
  }
  return NULL;
}

/* ---- comparing ---- */

static void note(tally *t, double error, const double *at) {
  t->points++;
  t->over += error > 4;
  if (error < t->worst && t->points > 1) return;
  t->worst = error;
  memcpy(t->at, at, sizeof t->at);
}

static void compare(const row *r, int arity, const numbers *all, size_t i, result *out) {
  mpfr_t x[OPERANDS], exact, scale;
  double at[OPERANDS] = {0};
  mpfr_inits2(128, exact, scale, (mpfr_ptr)0);
  for (int k = 0; k < OPERANDS; k++) {
    if (k < arity) at[k] = all->x[k][i];
    mpfr_init2(x[k], 53);
    mpfr_set_d(x[k], at[k], MPFR_RNDN);
  }
  for (int k = 0; k <= VALUE; k++) {
    if (k >= arity && k != VALUE) continue;
    bool known = true;
    if (k == VALUE)
      reference_value(r, exact, (const mpfr_t *)x);
    else
      known = reference_slope(r, k, at, exact);
    mpfr_set_zero(scale, 1);
    if (r->scale) r->scale(scale, k, (const mpfr_t *)x);
    if (!known)
      out->of[k].unknown++;
    else if (!mpfr_nan_p(exact))
      note(&out->of[k], ulps(all->of[k][i], exact, scale), at);
  }
  for (int k = 0; k < OPERANDS; k++) mpfr_clear(x[k]);
  mpfr_clears(exact, scale, (mpfr_ptr)0);
}

/* The name's letters go in, so that a row's points do not depend on which rows are measured. */
static source start(const row *r, uint64_t seed) {
  source s = {0x9e3779b97f4a7c15u ^ seed};
  for (const char *c = r->name; *c; c++) s.state = s.state * 0x100000001b3u + (unsigned char)*c;
  if (s.state == 0) s.state = 1;
  for (int i = 0; i < 20; i++) uniform(&s, 0, 1);
  return s;
}

result measure(const row *r, size_t points, uint64_t seed) {
  result out = {.r = r, .arity = r->one ? 1 : r->two ? 2 : 3};
  numbers all = {.n = points};
  const char *wrong = NULL;
  source s = start(r, seed);
  for (int k = 0; k < out.arity && !wrong; k++)
    if (!(all.x[k] = calloc(points, sizeof(double)))) wrong = "out of memory";
  if (!wrong) {
    draw_points(r, &s, points, all.x);
    wrong = evaluate(r, out.arity, &all, 0, &all);
  }
  if (!wrong) wrong = roads_agree(r, out.arity, &all);
  for (size_t i = 0; i < points && !wrong; i++) compare(r, out.arity, &all, i, &out);
  if (wrong) snprintf(out.failed, sizeof out.failed, "%s", wrong);
  drop(&all);
  mpfr_free_cache();
  return out;
}

bool holds(const result *r) {
  if (r->failed[0]) return false;
  for (int k = 0; k <= VALUE; k++)
    if (r->of[k].unknown || !(r->of[k].worst <= allowed_for(r->r))) return false;
  return true;
}
