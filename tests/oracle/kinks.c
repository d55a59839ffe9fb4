/* Rules of the operations with kinks, jumps and choices, where BOUNDARIES.md lays down the slope. A decision
   that the operands' bounds leave open is a DOUBT; one between equal operands is a tie, which is exact. */
#include "rules.h"

#define X at->x[0]
#define Y at->x[1]
#define W at->x[2]
#define RULE(name) verdict rule_##name(const point *at, rule *r)

enum { OPEN = 2 };

/* -1, 0, 1 as operand j is below, equal to or above operand k, or OPEN. */
static int compare(const point *at, int j, int k) {
  const quad d = at->x[j] - at->x[k];
  if (at->same[j] == at->same[k]) return 0;
  if (unsure(d, at->e[j] + at->e[k])) return OPEN;
  return d < 0 ? -1 : d > 0;
}

static int compare_zero(const point *at, int k) {
  if (unsure(at->x[k], at->e[k])) return OPEN;
  return at->x[k] < 0 ? -1 : at->x[k] > 0;
}

/* The result is v, made of whole numbers or of operands with the slopes that *r has; others carry nothing. */
static verdict exactly(rule *r, quad v) {
  r->v = v;
  r->rounding = NONE;
  r->exact_slopes = true;
  for (int k = 0; k < 3; k++) {
    r->reach[k] = HUGE_VALL;
    r->none[k] = r->p[k] == 0;
  }
  return FINE;
}

/* The result is operand k. */
static verdict copy(const point *at, rule *r, int k) {
  r->copy = 1 + k;
  return exactly(r, at->x[k]);
}

/* ---- one operand ---- */

RULE(relu) {
  const int sign = compare_zero(at, 0);
  if (sign == OPEN) return DOUBT;
  r->p[0] = sign > 0;
  return sign > 0 ? copy(at, r, 0) : exactly(r, 0);
}
RULE(fabs) {
  const int sign = compare_zero(at, 0);
  if (sign == OPEN) return DOUBT;
  r->p[0] = sign;
  return exactly(r, fabsq(X));
}
RULE(sign) { return compare_zero(at, 0) == OPEN ? DOUBT : exactly(r, compare_zero(at, 0)); }
RULE(not ) { return compare_zero(at, 0) == OPEN ? DOUBT : exactly(r, X == 0); }

static verdict step(const point *at, rule *r, quad v, quad offset) {
  const quad y = X - offset;
  return unsure(y - roundq(y), at->e[0]) ? DOUBT : exactly(r, v);
}
RULE(floor) { return step(at, r, floorq(X), 0); }
RULE(ceil) { return step(at, r, ceilq(X), 0); }
RULE(trunc) { return step(at, r, truncq(X), 0); }
RULE(round) { return step(at, r, roundq(X), (quad)1 / 2); }

/* The value passes; the caller makes the result inactive. */
RULE(stop) {
  r->p[0] = 1;
  return copy(at, r, 0);
}

/* ---- remainders: x - n y ---- */

static verdict remainder_of(const point *at, rule *r, quad v, quad n) {
  const wide e = at->e[0] + (size_of(n) + 1) * at->e[1]; /* of v, and of |y| - |v| */
  if (unsure(v, e) || unsure(fabsq(Y) - fabsq(v), e) || size_of(n) > 0x1p40L) return DOUBT;
  r->p[0] = 1;
  r->p[1] = -n;
  exactly(r, v);
  r->none[1] = false; /* 0 times what arrives, as of any number */
  return FINE;
}
RULE(fmod) {
  if (Y == 0) return UNDEFINED;
  const quad v = fmodq(X, Y);
  return remainder_of(at, r, v, roundq((X - v) / Y));
}
RULE(mod) {
  if (Y == 0) return UNDEFINED;
  const quad z = fmodq(X, Y), v = z != 0 && (z < 0) != (Y < 0) ? z + Y : z;
  const verdict said = remainder_of(at, r, v, roundq((X - v) / Y));
  if ((X < 0) != (Y < 0)) r->rounding = IEEE;
  return said;
}

/* By the sign bits, zeros' too: known only of a leaf's zero. */
RULE(copysign) {
  for (int k = 0; k < 2; k++)
    if (compare_zero(at, k) == OPEN || (at->x[k] == 0 && !at->given[k])) return DOUBT;
  r->p[0] = copysignq(1, X) * copysignq(1, Y);
  return exactly(r, copysignq(X, Y));
}

/* ---- choices ---- */

static verdict extreme(const point *at, rule *r, int sign) {
  const int order = compare(at, 0, 1);
  if (order == OPEN) return DOUBT;
  const quad tie = at->active[0] && at->active[1] ? (quad)1 / 2 : 0;
  r->p[0] = order == 0 ? tie : order == sign;
  r->p[1] = order == 0 ? tie : order == -sign;
  return order == 0 && X == 0 ? exactly(r, 0) : copy(at, r, order == sign ? 0 : 1);
}
RULE(fmin) { return extreme(at, r, -1); }
RULE(fmax) { return extreme(at, r, 1); }

/* At an end nothing flows; the upper bound rules when they cross. */
RULE(clamp) {
  const int low = compare(at, 0, 1), high = compare(at, 0, 2), bounds = compare(at, 1, 2);
  if (low == OPEN || high == OPEN || bounds == OPEN) return DOUBT;
  const bool crossed = bounds > 0, over = crossed || high > 0, under = !over && low < 0;
  r->p[0] = !over && low > 0 && high < 0;
  r->p[1] = under;
  r->p[2] = over;
  return copy(at, r, over ? 2 : under ? 1 : 0);
}

static verdict truth(const point *at, rule *r, bool when_below, bool when_equal, bool when_above) {
  const int order = compare(at, 0, 1);
  if (order == OPEN) return DOUBT;
  return exactly(r, order < 0 ? when_below : order > 0 ? when_above : when_equal);
}
RULE(lt) { return truth(at, r, true, false, false); }
RULE(le) { return truth(at, r, true, true, false); }
RULE(gt) { return truth(at, r, false, false, true); }
RULE(ge) { return truth(at, r, false, true, true); }
RULE(eq) { return truth(at, r, false, true, false); }
RULE(ne) { return truth(at, r, true, false, true); }

RULE(and) {
  const int x = compare_zero(at, 0), y = compare_zero(at, 1);
  return x == OPEN || y == OPEN ? DOUBT : exactly(r, x != 0 && y != 0);
}
RULE(or) {
  const int x = compare_zero(at, 0), y = compare_zero(at, 1);
  return x == OPEN || y == OPEN ? DOUBT : exactly(r, x != 0 || y != 0);
}

RULE(where) {
  const int c = compare_zero(at, 0);
  if (c == OPEN) return DOUBT;
  r->p[c ? 1 : 2] = 1;
  r->unused[c ? 2 : 1] = true;
  return copy(at, r, c ? 1 : 2);
}
