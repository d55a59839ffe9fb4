/* Loops whose lanes are wired differently: to inputs in and out of order, to neighbours, to the same nodes,
   to one or another of their own. Whole numbers, so that every order of additions gives the same, and the
   plan is the tape bit for bit. */
#include "dice.h"
#include "dz/dz.h"
#include "effort.h"
#include "soil.h"
#include "suite.h"
#include "zeros.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static size_t below(dice *d, size_t n) { return (size_t)(roll(d) % n); }

static dz_plan *plan_of(dz_var y, int n, const dz_var *xs) {
  dz_error e;
  dz_plan *p = dz_plan_new(1, &y, n, xs, NULL, &e);
  ck_assert_msg(p != NULL, "%s", e.message);
  return p;
}

static double run(const dz_plan *p, const double *in, double *gradient) {
  void *work = malloc(dz_plan_memory(p));
  soil(work, dz_plan_memory(p));
  double value;
  ck_assert_int_eq(dz_plan_run(p, in, &value, gradient, work), DZ_OK);
  free(work);
  return value;
}

/* The largest of several, found with a plain `if`: wired another way in every lane, yet one loop. Whole
   numbers, so that every order of additions gives the same. */
START_TEST(choices) {
  enum { N = 40, K = 3 };
  dz_tape *t = dz_tape_new(NULL);
  dz_var x[N * K], y = dz_num(0);
  double in[N * K], gradient[N * K];
  dice d = {5};
  for (int k = 0; k < N * K; k++) x[k] = dz_input(t, in[k] = (double)below(&d, 1000));
  for (int l = 0; l < N; l++) {
    dz_var z[K], most;
    for (int k = 0; k < K; k++) z[k] = dz_mul(x[l * K + k], x[l * K + k]);
    most = z[0];
    for (int k = 1; k < K; k++)
      if (dz_value(z[k]) > dz_value(most)) most = z[k];
    y = dz_add(y, dz_mul(dz_add(dz_sub(z[0], most), dz_sub(z[1], z[2])), most));
  }
  dz_plan *p = plan_of(y, N * K, x);
  ck_assert_uint_eq(dz_plan_facts_of(p).loops, 1);
  ck_assert_uint_eq(dz_plan_facts_of(p).lanes, N);
  ck_assert_double_eq(run(p, in, gradient), dz_value(y));
  dz_backward(y);
  for (int k = 0; k < N * K; k++) ck_assert_double_eq(gradient[k], dz_adjoint(x[k]));
  dz_plan_free(p);
  dz_tape_free(t);
}
END_TEST

/* ---- random wiring ---- */

enum { LEAVES = 40, MOST_LANES = 70, STEPS = 9 };

typedef struct wiring {
  dz_tape *t;
  dz_var x[LEAVES], square[LEAVES]; /* some used by one lane, some by several, some by none */
  dz_var before[MOST_LANES][STEPS]; /* what earlier lanes computed */
  double in[LEAVES];
} wiring;

/* What an operand of step k may be, the same kind in every lane. */
typedef enum origin {
  SHARED,
  ANY_INPUT,
  INPUT_IN_ORDER,
  OWN,
  ONE_OF_OWN,
  NEIGHBOUR,
  ANY_SQUARE,
  NUMBER,
  ORIGINS
} origin;

static dz_var pick(const wiring *w, dice *d, origin from, size_t shared, int lane, int k) {
  switch (from) {
  case ANY_INPUT:
    return w->x[below(d, LEAVES)];
  case INPUT_IN_ORDER:
    return w->x[lane % LEAVES];
  case OWN:
    return k ? w->before[lane][k - 1] : w->x[shared];
  case ONE_OF_OWN:
    return k > 1 ? w->before[lane][below(d, (size_t)k)] : w->x[shared];
  case NEIGHBOUR:
    return lane ? w->before[below(d, 4) ? lane - 1 : (int)below(d, (size_t)lane)][k] : w->x[shared];
  case ANY_SQUARE:
    return w->square[below(d, LEAVES)];
  case NUMBER:
    return dz_num((double)below(d, 3) - 1);
  default:
    return w->x[shared];
  }
}

/* Small results: products of leaves only. */
static dz_var step(const wiring *w, dice *d, uint64_t shape, int lane, int k) {
  dice s = {shape * 1000 + (uint64_t)k};
  unsigned what = (unsigned)below(&s, 7);
  origin from[2] = {(origin)below(&s, ORIGINS), (origin)below(&s, ORIGINS)};
  size_t shared[2] = {below(&s, LEAVES), below(&s, LEAVES)};
  dz_var a = pick(w, d, from[0], shared[0], lane, k), b = pick(w, d, from[1], shared[1], lane, k);
  switch (what) {
  case 0:
    return dz_mul(w->x[shared[0]], pick(w, d, INPUT_IN_ORDER, 0, lane, k));
  case 1:
    return dz_mul(w->square[below(d, LEAVES)], w->square[below(d, LEAVES)]);
  case 2:
    return dz_sub(a, b);
  case 3:
    return dz_fmax(a, b);
  case 4:
    return dz_fabs(a);
  case 5:
    return dz_where(dz_gt(a, b), a, dz_neg(b));
  default:
    return dz_add(a, b);
  }
}

static dz_var record(wiring *w, uint64_t seed, int lanes) {
  dice d = {seed * 31};
  dz_var y = dz_num(0);
  dz_tape_clear(w->t);
  for (int k = 0; k < LEAVES; k++) w->x[k] = dz_input(w->t, w->in[k] = (double)below(&d, 21) - 10);
  for (int k = 0; k < LEAVES; k++) w->square[k] = dz_mul(w->x[k], w->x[k]);
  for (int l = 0; l < lanes; l++) {
    dz_var term = w->x[0];
    for (int k = 0; k < STEPS; k++) term = w->before[l][k] = step(w, &d, seed, l, k);
    y = dz_add(y, dz_mul(term, w->before[l][below(&d, STEPS)]));
  }
  return seed % 4 == 1 ? dz_add(y, behind(w->x[0])) : y;
}

START_TEST(wirings) {
  wiring *w = calloc(1, sizeof *w);
  double gradient[LEAVES];
  size_t loops = 0, compared = 0;
  w->t = dz_tape_new(NULL);
  for (uint64_t seed = 1; seed <= EFFORT(3000, 150); seed++) {
    dz_var y = record(w, seed, 8 + (int)(seed % (MOST_LANES - 8)));
    if (!dz_is_active(y)) continue;
    dz_backward(y);
    bool exact = fabs(dz_value(y)) < 0x1p50;
    for (int k = 0; k < LEAVES; k++) exact &= fabs(dz_adjoint(w->x[k])) < 0x1p50;
    if (!exact) continue;
    dz_plan *p = plan_of(y, LEAVES, w->x);
    loops += dz_plan_facts_of(p).loops;
    compared++;
    double value = run(p, w->in, gradient);
    ck_assert_msg(value == dz_value(y), "seed %d: %.17g, tape %.17g", (int)seed, value, dz_value(y));
    for (int k = 0; k < LEAVES; k++)
      ck_assert_msg(gradient[k] == dz_adjoint(w->x[k]), "seed %d: gradient %d is %.17g, tape %.17g",
                    (int)seed, k, gradient[k], dz_adjoint(w->x[k]));
    dz_plan_free(p);
  }
  ck_assert_uint_ge(compared, EFFORT(1500, 75));
  ck_assert_uint_ge(loops, compared / 2);
  dz_tape_free(w->t);
  free(w);
}
END_TEST

SUITE(ONCE(choices), ONCE(wirings))
