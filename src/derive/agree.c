/* Whether two terms are the same function, tried at some points. Two analytic functions that agree to 9
   digits at several points taken blindly do not differ but by design; the tables' choices between two
   accurate forms are such. */
#include "derive/term.h"

#include "kernels/pointwise.h"

#include <math.h>
#include <string.h>

enum { MOST = 1024, TRIALS = 24, ENOUGH = 6 };

static uint32_t *seen_at(const dz__terms *s, size_t k) { return (uint32_t *)s->seen.at + k; }
static double *value_at(const dz__terms *s, size_t k) { return (double *)s->values.at + k; }
static double value_of(const dz__terms *s, uint32_t i) { return *value_at(s, dz__term_at(s, i)->slot); }

static bool see(dz__terms *s, uint32_t i) {
  dz__term *x = dz__term_at(s, i);
  if (x->stamp == s->stamp) return true;
  x->stamp = s->stamp;
  uint32_t *to = dz__vec_add(&s->alloc, &s->seen, 1, sizeof *to);
  if (!to) return s->failed = true, false;
  *to = i;
  return s->seen.n <= MOST;
}

/* A tensor operation stands for itself: it gets values of its own, as a leaf does. */
static bool is_opaque(const dz__term *x) {
  return x->kind == DZ__K_LEAF || (x->kind == DZ__K_CALL && x->fn >= DZ__F_POINTWISE_END);
}

static bool see_all(dz__terms *s, uint32_t a, uint32_t b) {
  s->stamp++;
  s->seen.n = s->values.n = 0;
  if (!see(s, a) || !see(s, b)) return false;
  for (size_t k = 0; k < s->seen.n; k++) {
    uint32_t i = *seen_at(s, k), n = dz__term_at(s, i)->parts;
    if (is_opaque(dz__term_at(s, i))) continue;
    for (uint32_t j = 0; j < n; j++) {
      dz__part p = dz__parts_of(s, i)[j];
      if (!see(s, p.term)) return false;
      if (dz__term_at(s, i)->kind == DZ__K_PRODUCT && !see(s, p.power)) return false;
    }
  }
  return true;
}

/* Operands have smaller numbers: in order, each comes before its users. */
static void sort(dz__terms *s) {
  for (size_t gap = s->seen.n / 2; gap > 0; gap /= 2)
    for (size_t k = gap; k < s->seen.n; k++) {
      uint32_t x = *seen_at(s, k);
      size_t j = k;
      for (; j >= gap && *seen_at(s, j - gap) > x; j -= gap) *seen_at(s, j) = *seen_at(s, j - gap);
      *seen_at(s, j) = x;
    }
  for (size_t k = 0; k < s->seen.n; k++) dz__term_at(s, *seen_at(s, k))->slot = (uint32_t)k;
}

static double draw(uint64_t *state, int trial) {
  static const double low[] = {.05, -.95, 1.05, -3.5}, high[] = {.95, .95, 3.5, -1.05};
  *state = *state * 6364136223846793005u + 1442695040888963407u;
  double u = (double)(*state >> 11) * 0x1p-53;
  return low[trial % 4] + (high[trial % 4] - low[trial % 4]) * u;
}

static double evaluate(const dz__terms *s, uint32_t i) {
  const dz__term *x = dz__term_at(s, i);
  const dz__part *p = dz__parts_of(s, i);
  double v[3] = {0, 0, 0}, r = x->kind == DZ__K_PRODUCT;
  if (x->kind == DZ__K_NUMBER) return x->number;
  if (x->kind == DZ__K_CALL) {
    for (uint32_t k = 0; k < x->parts; k++) v[k] = value_of(s, p[k].term);
    return dz__pointwise[x->fn].value(v[0], v[1], v[2]);
  }
  for (uint32_t k = 0; k < x->parts; k++) {
    if (x->kind == DZ__K_SUM)
      r += p[k].k.n / p[k].k.d * value_of(s, p[k].term);
    else
      r *= pow(value_of(s, p[k].term), value_of(s, p[k].power));
  }
  return r;
}

static void evaluate_all(const dz__terms *s, uint64_t *state, int trial) {
  for (size_t k = 0; k < s->seen.n; k++) {
    uint32_t i = *seen_at(s, k);
    bool opaque = is_opaque(dz__term_at(s, i));
    *value_at(s, k) = opaque ? draw(state, trial) : evaluate(s, i);
  }
}

static bool agree(dz__terms *s, uint32_t a, uint32_t b) {
  uint64_t state = 20260113;
  int agreed = 0;
  if (!see_all(s, a, b)) return false;
  sort(s);
  if (!dz__vec_add(&s->alloc, &s->values, s->seen.n, sizeof(double))) return s->failed = true, false;
  for (int trial = 0; trial < TRIALS; trial++) {
    evaluate_all(s, &state, trial);
    double x = value_of(s, a), y = value_of(s, b);
    if (!isfinite(x) || !isfinite(y)) continue;
    if (fabs(x - y) > 1e-9 * fmax(fabs(x), fabs(y))) return false;
    agreed++;
  }
  return agreed >= ENOUGH;
}

/* The stamps and slots of lists that are being collected are none for another list. */
bool dz__agree(dz__terms *s, uint32_t a, uint32_t b) {
  bool same = agree(s, a, b);
  s->stamp++;
  return same;
}
