#ifdef HAVE_MPFR
#include "exact.h"

#include "../accuracy/accuracy.h"
#include "buffer.h"
#include <gmp.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_BITS = 256, ENOUGH_BITS = 2048, MOST_BITS = 8192 };

/* Operand k of a step: a step before it, or a number. */
typedef struct step {
  const row *op; /* NULL: a leaf */
  int input;     /* of a leaf: which, or -1 */
  size_t arg[OPERANDS];
  bool fixed[OPERANDS];
  double number[OPERANDS]; /* of a leaf: number[0] */
  int nargs;
} step;

struct exact {
  step *step;
  size_t n, operations;
  bool uses[EXACT_INPUTS];
  mpfr_t *slot, operand[OPERANDS], in[EXACT_INPUTS];
  double *plain;
};

static const row *row_of(const char *op) {
  for (size_t i = 0; i < accuracy_row_count; i++)
    if (strcmp(accuracy_rows[i].name, op) == 0) return &accuracy_rows[i];
  return NULL;
}

/* ---- making ---- */

/* GMP, and MPFR by it, would end the program with a message of its own. */
static void *gmp_new(size_t size) { return take(NULL, size, 1); }
static void *gmp_resize(void *old, size_t old_size, size_t size) { return take(old, size, 1); }
static void gmp_free(void *old, size_t size) { free(old); }

static void take_leaf(exact *g, step *s, dz_var x, const dz_var in[EXACT_INPUTS]) {
  s->input = -1;
  s->number[0] = dz_value(x);
  for (int k = 0; k < EXACT_INPUTS; k++)
    if (dz_valid(in[k]) && !dz_is_number(in[k]) && dz_node_index(in[k]) == dz_node_index(x)) {
      s->input = k;
      g->uses[k] = true;
    }
}

/* False where the operation is no row. */
static bool take_operation(exact *g, step *s, dz_var x, const size_t *place) {
  dz_node is = dz_describe(x);
  s->op = row_of(is.op);
  if (s->op == NULL || is.nargs > OPERANDS) return false;
  s->nargs = is.nargs;
  for (int k = 0; k < is.nargs; k++) {
    dz_var o = dz_operand(x, k);
    s->fixed[k] = dz_is_number(o);
    s->number[k] = s->fixed[k] ? dz_value(o) : 0;
    s->arg[k] = s->fixed[k] ? 0 : place[dz_node_index(o)];
  }
  g->operations++;
  return true;
}

static bool *nodes_of(dz_var y) {
  size_t top = dz_node_index(y);
  bool *used = take(NULL, top + 1, sizeof *used);
  memset(used, 0, top + 1);
  used[top] = true;
  for (size_t i = top + 1; i-- > 0;)
    for (int k = 0; used[i] && k < dz_describe(dz_node_at(y.tape, i)).nargs; k++) {
      size_t j = dz_node_index(dz_operand(dz_node_at(y.tape, i), k));
      if (j < i) used[j] = true;
    }
  return used;
}

exact *exact_of(dz_var y, const dz_var in[EXACT_INPUTS], const char **refused) {
  size_t top = dz_node_index(y), *place = take(NULL, top + 1, sizeof *place);
  bool *used = nodes_of(y);
  exact *g = take(NULL, 1, sizeof *g);
  *g = (exact){0};
  *refused = NULL;
  g->step = take(NULL, top + 1, sizeof *g->step);
  for (size_t i = 0; i <= top && *refused == NULL; i++) {
    dz_var x = dz_node_at(y.tape, i);
    if (!used[i]) continue;
    step *s = &g->step[place[i] = g->n++];
    *s = (step){0};
    bool leaf = dz_role_of(x) != DZ_ROLE_NONE, known = dz_rank(x) == 0;
    if (leaf && known) take_leaf(g, s, x, in);
    if (!leaf && known) known = take_operation(g, s, x, place);
    if (!known) *refused = dz_describe(x).op;
  }
  free(used);
  free(place);
  g->slot = take(NULL, g->n, sizeof *g->slot);
  g->plain = take(NULL, g->n, sizeof *g->plain);
  mp_set_memory_functions(gmp_new, gmp_resize, gmp_free);
  for (size_t i = 0; i < g->n; i++) mpfr_init2(g->slot[i], FIRST_BITS);
  for (int k = 0; k < OPERANDS; k++) mpfr_init2(g->operand[k], FIRST_BITS);
  for (int k = 0; k < EXACT_INPUTS; k++) mpfr_init2(g->in[k], FIRST_BITS);
  if (*refused == NULL) return g;
  exact_free(g);
  return NULL;
}

void exact_free(exact *g) {
  for (size_t i = 0; i < g->n; i++) mpfr_clear(g->slot[i]);
  for (int k = 0; k < OPERANDS; k++) mpfr_clear(g->operand[k]);
  for (int k = 0; k < EXACT_INPUTS; k++) mpfr_clear(g->in[k]);
  free(g->slot);
  free(g->plain);
  free(g->step);
  free(g);
}

size_t exact_operations(const exact *g) { return g->operations; }
int exact_uses(const exact *g, int k) { return g->uses[k]; }

/* ---- double and float ---- */

static double applied(const step *s, const double *v) {
  dz_var x = dz_num(v[0]), y = dz_num(v[1]), w = dz_num(v[2]);
  return dz_value(s->op->one ? s->op->one(x) : s->op->two ? s->op->two(x, y) : s->op->three(x, y, w));
}

static double as_float(double x) { return (double)(float)x; }
static double as_it_is(double x) { return x; }

static double run(const exact *g, const double in[EXACT_INPUTS], double rounded(double)) {
  for (size_t i = 0; i < g->n; i++) {
    const step *s = &g->step[i];
    double v[OPERANDS] = {0};
    for (int k = 0; k < s->nargs; k++) v[k] = s->fixed[k] ? rounded(s->number[k]) : g->plain[s->arg[k]];
    g->plain[i] = rounded(s->op ? applied(s, v) : s->input >= 0 ? in[s->input] : s->number[0]);
  }
  return g->plain[g->n - 1];
}

double exact_double(const exact *g, const double in[EXACT_INPUTS]) { return run(g, in, as_it_is); }
double exact_float(const exact *g, const double in[EXACT_INPUTS]) { return run(g, in, as_float); }

/* ---- MPFR ---- */

void exact_value(exact *g, mpfr_ptr z, const mpfr_t *in) {
  const mpfr_prec_t p = mpfr_get_prec(z);
  for (size_t i = 0; i < g->n; i++) {
    const step *s = &g->step[i];
    mpfr_set_prec(g->slot[i], p);
    for (int k = 0; k < s->nargs; k++) {
      mpfr_set_prec(g->operand[k], p);
      if (s->fixed[k])
        mpfr_set_d(g->operand[k], s->number[k], MPFR_RNDN);
      else
        mpfr_set(g->operand[k], g->slot[s->arg[k]], MPFR_RNDN);
    }
    if (s->op)
      reference_value(s->op, g->slot[i], (const mpfr_t *)g->operand);
    else if (s->input >= 0)
      mpfr_set(g->slot[i], in[s->input], MPFR_RNDN);
    else
      mpfr_set_d(g->slot[i], s->number[0], MPFR_RNDN);
  }
  mpfr_set(z, g->slot[g->n - 1], MPFR_RNDN);
}

/* Whether two approximations are one number, to 2^-70 of it or 2^-1150. */
static bool agree(mpfr_srcptr a, mpfr_srcptr b) {
  if (mpfr_nan_p(a) || mpfr_nan_p(b)) return false;
  if (mpfr_inf_p(a) || mpfr_inf_p(b)) return mpfr_equal_p(a, b);
  mpfr_t gap, least;
  mpfr_init2(gap, 64);
  mpfr_init2(least, 64);
  mpfr_sub(gap, a, b, MPFR_RNDA);
  mpfr_abs(gap, gap, MPFR_RNDN);
  mpfr_abs(least, b, MPFR_RNDN);
  mpfr_div_2ui(least, least, 70, MPFR_RNDN);
  bool done = mpfr_lessequal_p(gap, least);
  mpfr_set_ui_2exp(least, 1, -1150, MPFR_RNDN);
  done = done || mpfr_lessequal_p(gap, least);
  mpfr_clears(gap, least, (mpfr_ptr)0);
  return done;
}

/* 0 and infinities are not believed from few digits: 1 - z is 0 as long as z rounds to 1. */
static bool settled(mpfr_srcptr a, mpfr_prec_t p) {
  return p >= ENOUGH_BITS || (mpfr_number_p(a) && !mpfr_zero_p(a));
}

/* Differences at one precision. */
typedef struct differences {
  mpfr_t value, slope, gap; /* gap: of the slopes to the two sides */
  bool clear;               /* the slope stands clear of what rounding of the values can do to it */
  int nan;                  /* how many of the three values are none */
} differences;

static void differences_init(differences *d) {
  mpfr_inits2(FIRST_BITS, d->value, d->slope, d->gap, (mpfr_ptr)0);
}
static void differences_clear(differences *d) { mpfr_clears(d->value, d->slope, d->gap, (mpfr_ptr)0); }

static void value_at(exact *g, mpfr_ptr z, double x, int side, long e) {
  mpfr_set_prec(g->in[0], mpfr_get_prec(z));
  mpfr_set_si_2exp(g->in[0], side, e, MPFR_RNDN);
  mpfr_add_d(g->in[0], g->in[0], x, MPFR_RNDN);
  exact_value(g, z, (const mpfr_t *)g->in);
}

/* |value| 2^-bits is at most 2^-70 of the slope, or 2^-1150. */
static bool stands_clear(const differences *d, long bits) {
  const long noise = mpfr_regular_p(d->value) ? mpfr_get_exp(d->value) - bits : -bits;
  return noise < -1150 || (mpfr_regular_p(d->slope) && noise < mpfr_get_exp(d->slope) - 70);
}

static void differ(exact *g, double x, mpfr_prec_t p, differences *d) {
  mpfr_t low, high;
  int size = 0;
  if (x != 0) frexp(x, &size);
  const long e = size - (long)p / 3;
  mpfr_inits2(p, low, high, (mpfr_ptr)0);
  mpfr_set_prec(d->value, p);
  mpfr_set_prec(d->slope, p);
  mpfr_set_prec(d->gap, p);
  value_at(g, low, x, -1, e);
  value_at(g, d->value, x, 0, e);
  value_at(g, high, x, 1, e);
  d->nan = mpfr_nan_p(low) + mpfr_nan_p(d->value) + mpfr_nan_p(high);
  mpfr_sub(d->slope, high, low, MPFR_RNDN);
  mpfr_div_2si(d->slope, d->slope, e + 1, MPFR_RNDN);
  d->clear = stands_clear(d, (long)p + e - 12);
  mpfr_sub(high, high, d->value, MPFR_RNDN);
  mpfr_sub(low, d->value, low, MPFR_RNDN);
  mpfr_sub(d->gap, high, low, MPFR_RNDN);
  mpfr_div_2si(d->gap, d->gap, e, MPFR_RNDN);
  mpfr_clears(low, high, (mpfr_ptr)0);
}

/* Of a smooth function the gap shrinks with the step; at a kink it stays, at a jump it grows. */
static bool kinked(const differences *coarse, const differences *fine) {
  mpfr_t half;
  if (mpfr_nan_p(coarse->gap) || mpfr_nan_p(fine->gap)) return true;
  if (mpfr_zero_p(fine->gap) || (mpfr_number_p(fine->gap) && mpfr_get_exp(fine->gap) < -1150)) return false;
  if (mpfr_regular_p(fine->gap) && mpfr_regular_p(fine->slope) &&
      mpfr_get_exp(fine->gap) < mpfr_get_exp(fine->slope) - 60)
    return false;
  mpfr_init2(half, 64);
  mpfr_div_2ui(half, coarse->gap, 1, MPFR_RNDN);
  bool stays = mpfr_cmpabs(fine->gap, half) >= 0;
  mpfr_clear(half);
  return stays;
}

exact_slope_kind exact_slope(exact *g, double x, mpfr_ptr slope, mpfr_ptr value) {
  differences of[2];
  exact_slope_kind kind = EXACT_UNKNOWN;
  differences_init(&of[0]);
  differences_init(&of[1]);
  differ(g, x, FIRST_BITS, &of[0]);
  int turn = 1;
  for (mpfr_prec_t p = 2 * FIRST_BITS; p <= MOST_BITS && kind == EXACT_UNKNOWN; p *= 2, turn++) {
    differences *coarse = &of[(turn + 1) % 2], *fine = &of[turn % 2];
    differ(g, x, p, fine);
    if (fine->nan)
      kind = fine->nan == 3 || mpfr_nan_p(fine->value) ? EXACT_OUTSIDE : EXACT_KINK;
    else if (fine->clear && agree(coarse->slope, fine->slope) && agree(coarse->value, fine->value))
      kind = kinked(coarse, fine) ? EXACT_KINK : EXACT_SLOPE;
    else if (p >= 4 * FIRST_BITS && !mpfr_inf_p(fine->gap) && kinked(coarse, fine) && p >= MOST_BITS / 2)
      kind = EXACT_KINK;
    mpfr_set(slope, fine->slope, MPFR_RNDN);
    mpfr_set(value, fine->value, MPFR_RNDN);
  }
  differences_clear(&of[0]);
  differences_clear(&of[1]);
  return kind;
}

int exact_claim(exact *g, exact *f, double x, mpfr_ptr z) {
  mpfr_t before, now, in[EXACT_INPUTS];
  bool done = false;
  mpfr_inits2(FIRST_BITS, before, now, in[0], in[1], (mpfr_ptr)0);
  mpfr_set_nan(before);
  for (mpfr_prec_t p = FIRST_BITS; p <= MOST_BITS && !done; p *= 2) {
    mpfr_set_prec(now, p);
    mpfr_set_prec(in[0], p);
    mpfr_set_prec(in[1], p);
    mpfr_set_d(in[0], x, MPFR_RNDN);
    mpfr_set_zero(in[1], 1);
    if (g->uses[1]) exact_value(f, in[1], (const mpfr_t *)in);
    exact_value(g, now, (const mpfr_t *)in);
    done =
        (p > FIRST_BITS && mpfr_nan_p(before) && mpfr_nan_p(now)) || (agree(before, now) && settled(now, p));
    mpfr_set_prec(before, p);
    mpfr_set(before, now, MPFR_RNDN);
  }
  mpfr_set(z, now, MPFR_RNDN);
  mpfr_clears(before, now, in[0], in[1], (mpfr_ptr)0);
  return done;
}

double exact_ulps(double got, mpfr_srcptr truth, int bits) {
  const double largest = bits == 53 ? HUGE_VAL : 0x1p128;
  const long least = bits == 53 ? -1074 : -149;
  mpfr_t gap;
  if (mpfr_nan_p(truth)) return isnan(got) ? 0 : HUGE_VAL;
  if (isnan(got)) return HUGE_VAL;
  mpfr_init2(gap, mpfr_get_prec(truth));
  if (bits == 53) {
    mpfr_set_zero(gap, 1);
    double u = ulps(got, truth, gap);
    mpfr_clear(gap);
    return u;
  }
  if (mpfr_cmp_d(truth, largest) >= 0 ||
      mpfr_cmp_d(truth, -largest) <= 0) { /* an infinity is the right answer */
    mpfr_clear(gap);
    return isinf(got) && (got > 0) == (mpfr_sgn(truth) > 0) ? 0 : HUGE_VAL;
  }
  mpfr_sub_d(gap, truth, got, MPFR_RNDN);
  long place = mpfr_zero_p(truth) ? least : mpfr_get_exp(truth) - bits;
  mpfr_div_2si(gap, gap, place < least ? least : place, MPFR_RNDN);
  double u = fabs(mpfr_get_d(gap, MPFR_RNDN));
  mpfr_clear(gap);
  return u;
}
#else
#include "buffer.h" /* ISO C wants something in a file */
#endif
