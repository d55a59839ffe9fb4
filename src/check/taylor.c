/* The Taylor test: how the remainder of the first-order expansion shrinks, split into the part that changes
   sign with the step and the part that does not. A wrong gradient shows in the odd part (order 1 for 3), a
   kink in the even one (order 1 for 2), a jump too (order 0). Griewank and Walther, Evaluating
   Derivatives, 3.3. */
#include "check/checking.h"

#include <float.h>
#include <math.h>

enum { STEPS = 25, LAST = 6, FIT = 4, LEAST = 3 }; /* steps shrink by 4: from 2^-4 to 2^-52 */
enum { WHOLE, ODD, EVEN, PARTS };
/* Between the 1 of what is wrong and the 1.5 of x^(3/2), which has a slope at 0 and no second derivative. */
#define LEAST_ORDER 1.25

typedef struct ladder {
  double part[PARTS][STEPS]; /* sizes of the remainder; NaN where f is not finite */
  double h[STEPS];
  double noise, reach; /* of f */
} ladder;

/* f(x + h v) - f(x) - g.(the step really made). */
static bool remainder_at(dz__checking *c, double h, double *r, double *value) {
  double linear = 0;
  dz_var y;
  for (size_t i = 0; i < c->count; i++) {
    if (!c->adjoints[i]) continue;
    size_t n = dz_size(c->leaves[i]);
    const double *v = c->direction + (c->adjoints[i] - c->room);
    for (size_t k = 0; k < n; k++) {
      double x = dz__check_base(c, i, k), g = c->adjoints[i][k];
      c->moved[k] = x + h * v[k];
      if (v[k] != 0) linear += g * (c->moved[k] - x);
    }
    if (!dz__check_move(c, i)) return false;
  }
  if (!dz__check_record(c, &y)) return false;
  *value = dz__check_value(y);
  *r = *value - c->report->value - linear;
  return true;
}

static bool climb(dz__checking *c, ladder *l) {
  double odd[STEPS], even[STEPS], h = 0x1.6a09e6p-4;
  for (int i = 0; i < STEPS; i++, h /= 4) {
    double up, down, plus, minus;
    if (!remainder_at(c, h, &up, &plus) || !remainder_at(c, -h, &down, &minus)) return false;
    l->h[i] = h;
    odd[i] = up / 2 - down / 2;
    even[i] = up / 2 + down / 2;
    l->part[WHOLE][i] = fmax(fabs(up), fabs(down));
    l->part[ODD][i] = fabs(odd[i]);
    l->part[EVEN][i] = fabs(even[i]);
    if (isnan(up) || isnan(down)) l->part[WHOLE][i] = NAN;
    if (isfinite(plus) && isfinite(minus)) l->reach = fmax(l->reach, fmax(fabs(plus), fabs(minus)));
  }
  l->reach = fmax(l->reach, fabs(c->report->value));
  for (int i = STEPS - LAST; i < STEPS; i++) {
    double change = fmax(fabs(odd[i] - odd[i - 1]), fabs(even[i] - even[i - 1]));
    if (isfinite(change)) l->noise = fmax(l->noise, 2 * change);
  }
  l->noise += 4 * DBL_EPSILON * l->reach + DBL_TRUE_MIN;
  return true;
}

/* The slope of log |part| against log h over the smallest steps where it stands clear of the noise. Where by
   that slope the next smaller step should stand clear too and does not, f has a kink or a jump in between,
   away from the point: what is seen beyond it says nothing about the point. */
static double order_of(const ladder *l, int which) {
  const double *r = l->part[which];
  double clear = 8 * l->noise, x = 0, y = 0, xx = 0, xy = 0;
  int last = STEPS - 1, n = 0;
  while (last >= 0 && !(r[last] > clear && isfinite(r[last]))) last--;
  for (int i = last; i >= 0 && n < FIT && r[i] > clear && isfinite(r[i]); i--, n++) {
    double a = log2(l->h[i]) - log2(l->h[last]), b = log2(r[i]);
    x += a, y += b, xx += a * a, xy += a * b;
  }
  if (n < LEAST) return NAN;
  double order = (n * xy - x * y) / (n * xx - x * x);
  bool apart = last + 1 < STEPS && isfinite(r[last + 1]) && r[last] > 8 * clear * exp2(2 * fmax(order, 0));
  return apart ? NAN : order;
}

/* Where no remainder stands clear, the noise over the longest step says how well the slope is known. */
static dz_verdict unseen(const dz__checking *c, const ladder *l) {
  double slope = 0;
  for (size_t k = 0; k < c->total; k++) slope += c->room[k] * c->direction[k];
  return l->noise <= 0x1p-10 * fabs(slope) * l->h[0] || l->noise <= 0x1p-20 * l->reach || l->reach == 0
             ? DZ_VERDICT_AGREES
             : DZ_VERDICT_NOISY;
}

static dz_verdict judge(const dz__checking *c, const ladder *l, const dz_check_taylor *r) {
  bool any = false, sound = isfinite(c->report->value);
  for (size_t k = 0; k < c->total; k++) sound = sound && isfinite(c->room[k]);
  for (int i = 0; i < STEPS; i++) any = any || isfinite(l->part[WHOLE][i]);
  if (!any || !sound) return DZ_VERDICT_NOT_FINITE;
  if (r->even < LEAST_ORDER) return DZ_VERDICT_KINK;
  if (r->odd < LEAST_ORDER) return DZ_VERDICT_WRONG;
  return isnan(r->odd) && isnan(r->even) ? unseen(c, l) : DZ_VERDICT_AGREES;
}

bool dz__check_taylor(dz__checking *c) {
  ladder l = {.noise = 0};
  dz_check_taylor *r = &c->report->taylor;
  if (!climb(c, &l)) return false;
  *r = (dz_check_taylor){order_of(&l, WHOLE), order_of(&l, ODD), order_of(&l, EVEN), DZ_VERDICT_AGREES};
  r->verdict = judge(c, &l, r);
  for (size_t i = 0; i < c->count; i++)
    if (c->adjoints[i] && !dz__check_restore(c, i)) return false;
  return true;
}
