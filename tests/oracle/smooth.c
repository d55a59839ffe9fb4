/* Rules of the smooth operations. `reach` keeps a Taylor series honest: an operand's error must be a small
   part of it, so that first and second derivatives at the point speak for the whole interval. */
#include "rules.h"

static verdict one(rule *r, quad v, quad p, quad h, wide reach) {
  r->v = v;
  r->p[0] = p;
  r->h[0][0] = size_of(h);
  r->reach[0] = reach;
  return FINE;
}

static wide least(wide x, wide y) { return x < y ? x : y; }

#define X at->x[0]
#define Y at->x[1]
#define RULE(name) verdict rule_##name(const point *at, rule *r)

/* ---- arithmetic ---- */

RULE(neg) {
  r->exact_slopes = true;
  r->rounding = NONE;
  return one(r, -X, -1, 0, HUGE_VALL);
}

static verdict linear(rule *r, quad v, quad p, quad q) {
  r->v = v;
  r->p[0] = p;
  r->p[1] = q;
  r->rounding = IEEE;
  r->reach[0] = r->reach[1] = HUGE_VALL;
  r->exact_slopes = true;
  return FINE;
}

RULE(add) { return linear(r, X + Y, 1, 1); }
RULE(sub) {
  r->certain = at->same[0] == at->same[1];
  return linear(r, X - Y, 1, -1);
}
RULE(mul) {
  r->h[0][1] = r->h[1][0] = 1;
  return linear(r, X * Y, Y, X);
}

RULE(div) {
  const wide x = size_of(X), y = size_of(Y);
  if (Y == 0) return UNDEFINED;
  r->certain = at->same[0] == at->same[1];
  linear(r, X / Y, 1 / Y, -X / (Y * Y));
  r->exact_slopes = false;
  r->h[0][1] = r->h[1][0] = 1 / (y * y);
  r->h[1][1] = 2 * x / (y * y * y);
  r->reach[1] = y;
  return FINE;
}

/* ---- exponentials and logarithms ---- */

RULE(exp) {
  const quad z = expq(X);
  return one(r, z, z, z, 1);
}
RULE(exp2) {
  const quad ln2 = logq(2), z = expq(X * ln2);
  return one(r, z, ln2 * z, ln2 * ln2 * z, 1);
}
RULE(expm1) {
  const quad p = expq(X);
  return one(r, expm1q(X), p, p, 1);
}
RULE(gauss) {
  const quad z = quad_gauss(X);
  return one(r, z, -2 * X * z, (4 * X * X + 2) * z, 1 / (1 + size_of(X)));
}

static verdict logarithm(const point *at, rule *r, quad (*f)(quad), quad base) {
  if (X <= 0) return UNDEFINED;
  const quad p = 1 / (base * X);
  return one(r, f(X), p, p / X, size_of(X));
}
RULE(log) { return logarithm(at, r, logq, 1); }
RULE(log2) { return logarithm(at, r, log2q, logq(2)); }
RULE(log10) { return logarithm(at, r, log10q, logq(10)); }
RULE(log1p) {
  if (X <= -1) return UNDEFINED;
  const quad p = 1 / (1 + X);
  return one(r, log1pq(X), p, p * p, size_of(1 + X));
}

/* x^y for x > 0 changes by d = ln x / x^y-fold per unit of y. */
static verdict power(const point *at, rule *r) {
  const quad ln = logq(X), z = expq(Y * ln);
  const wide x = size_of(X), y = size_of(Y), d = size_of(ln), v = size_of(z);
  r->v = X == 1 || Y == 0 ? 1 : z;
  r->p[0] = Y * z / X;
  r->p[1] = z * ln;
  r->h[0][0] = y * (y + 1) * v / (x * x);
  r->h[0][1] = r->h[1][0] = v / x * (1 + y * d);
  r->h[1][1] = v * d * d;
  r->reach[0] = x / (1 + y);
  r->reach[1] = 1 / (1 + d);
  return FINE;
}

/* x^n for whole n, x not 0; the slope to n is defined nowhere near. */
static verdict whole_power(const point *at, rule *r) {
  const wide x = size_of(X), y = size_of(Y);
  r->v = powq(X, Y);
  r->p[0] = Y * r->v / X;
  r->p[1] = nanq("");
  r->h[0][0] = y * (y + 1) * size_of(r->v) / (x * x);
  r->reach[0] = x / (1 + y);
  return FINE;
}

static verdict power_of_zero(const point *at, rule *r) {
  if (unsure(Y, at->e[1]) || unsure(Y - 1, at->e[1])) return DOUBT;
  if (Y < 0) return UNDEFINED;
  r->v = Y == 0;
  r->p[0] = Y == 1 ? 1 : Y == 0 || Y > 1 ? 0 : HUGE_VALQ;
  r->rounding = NONE;
  r->exact_slopes = true;
  r->reach[1] = size_of(Y);
  return FINE;
}

RULE(pow) {
  r->reach[0] = r->reach[1] = HUGE_VALL;
  if (X > 0) return power(at, r);
  if (X == 0) return at->e[0] > 0 ? DOUBT : power_of_zero(at, r);
  return at->e[1] > 0 || Y != roundq(Y) ? UNDEFINED : whole_power(at, r);
}

RULE(xlogy) {
  if (Y <= 0) return UNDEFINED;
  const wide x = size_of(X), y = size_of(Y);
  r->p[0] = logq(Y);
  r->v = X * r->p[0];
  r->p[1] = X / Y;
  r->h[0][1] = r->h[1][0] = 1 / y;
  r->h[1][1] = x / (y * y);
  r->reach[0] = HUGE_VALL;
  r->reach[1] = y;
  return FINE;
}

RULE(logaddexp) {
  const quad d = X - Y, e = expq(-fabsq(d)), much = 1 / (1 + e), little = e / (1 + e);
  const quad most = d > 0 ? X : Y;
  r->v = most + log1pq(e);
  r->v_scale = size_of(most) + size_of(log1pq(e)); /* which may cancel */
  r->p[0] = d > 0 ? much : little;
  r->p[1] = d > 0 ? little : much;
  for (int k = 0; k < 4; k++) r->h[k / 2][k % 2] = size_of(little);
  r->reach[0] = r->reach[1] = 1;
  return FINE;
}

/* ---- roots and lengths ---- */

RULE(sqrt) {
  if (X < 0) return UNDEFINED;
  const quad z = sqrtq(X);
  one(r, z, 1 / (2 * z), 1 / (4 * X * z), size_of(X));
  r->rounding = IEEE;
  if (X == 0) r->reach[0] = 0, r->h[0][0] = 0;
  return FINE;
}
RULE(cbrt) {
  if (X == 0) return UNDEFINED; /* the slope is infinite */
  const quad z = cbrtq(X), p = 1 / (3 * z * z);
  r->units = 8; /* glibc's errs by up to 3.7 ULP */
  return one(r, z, p, 2 * p / (3 * X), size_of(X));
}

RULE(hypot) {
  const quad z = hypotq(X, Y);
  r->v = z;
  r->reach[0] = r->reach[1] = size_of(z);
  if (z == 0) return FINE; /* slopes 0 */
  r->p[0] = X / z;
  r->p[1] = Y / z;
  for (int k = 0; k < 4; k++) r->h[k / 2][k % 2] = 1 / size_of(z);
  return FINE;
}

/* ---- circular ---- */

RULE(sin) {
  quad s, c;
  sincosq(X, &s, &c);
  return one(r, s, c, s, 1);
}
RULE(cos) {
  quad s, c;
  sincosq(X, &s, &c);
  return one(r, c, -s, c, 1);
}
RULE(tan) {
  quad s, c;
  sincosq(X, &s, &c);
  const quad p = 1 / (c * c);
  return one(r, s / c, p, 2 * s / c * p, size_of(c));
}

static verdict arc(const point *at, rule *r, quad v, quad sign) {
  const quad q = (1 - X) * (1 + X);
  if (q <= 0) return UNDEFINED;
  const quad p = sign / sqrtq(q);
  return one(r, v, p, p * X / q, size_of(1 - fabsq(X)));
}
RULE(asin) { return arc(at, r, asinq(X), 1); }
RULE(acos) { return arc(at, r, acosq(X), -1); }
RULE(atan) {
  const quad p = 1 / (1 + X * X);
  return one(r, atanq(X), p, 2 * X * p * p, 1);
}

/* The angle of ordinate x and abscissa y jumps where the ordinate changes its sign left of 0. */
RULE(atan2) {
  const quad q = X * X + Y * Y;
  if (q == 0) return UNDEFINED;
  if (Y < 0 && (unsure(X, at->e[0]) || (X == 0 && !at->given[0]))) return DOUBT;
  r->v = atan2q(X, Y);
  r->p[0] = Y / q;
  r->p[1] = -X / q;
  for (int k = 0; k < 4; k++) r->h[k / 2][k % 2] = 1 / size_of(q);
  r->reach[0] = r->reach[1] = size_of(sqrtq(q));
  return FINE;
}

/* ---- hyperbolic ---- */

RULE(sinh) {
  const quad s = sinhq(X), c = coshq(X);
  return one(r, s, c, s, 1);
}
RULE(cosh) {
  const quad s = sinhq(X), c = coshq(X);
  return one(r, c, s, c, 1);
}
RULE(tanh) {
  const quad e = expq(-2 * fabsq(X)), p = 4 * e / ((1 + e) * (1 + e));
  return one(r, tanhq(X), p, 2 * p, 1);
}
RULE(asinh) {
  const quad q = 1 + X * X, p = 1 / sqrtq(q);
  return one(r, asinhq(X), p, X * p / q, 1);
}
RULE(acosh) {
  if (X <= 1) return UNDEFINED;
  const quad q = (X - 1) * (X + 1), p = 1 / sqrtq(q);
  return one(r, acoshq(X), p, X * p / q, size_of(X - 1));
}
RULE(atanh) {
  const quad q = (1 - X) * (1 + X);
  if (q <= 0) return UNDEFINED;
  return one(r, atanhq(X), 1 / q, 2 * X / (q * q), size_of(1 - fabsq(X)));
}

/* ---- error function, gamma ---- */

static verdict error_function(const point *at, rule *r, quad v, quad sign) {
  const quad p = sign * 2 / sqrtq(quad_pi()) * quad_gauss(X);
  return one(r, v, p, 2 * X * p, 1 / (1 + size_of(X)));
}
RULE(erf) { return error_function(at, r, erfq(X), 1); }
RULE(erfc) {
  r->units = 8; /* glibc's errs by up to 3 ULP */
  return error_function(at, r, erfcq(X), -1);
}

/* The distance of the next pole of gamma and its kin, and at least |psi_n| from all poles' terms. */
static wide from_pole(quad x) { return size_of(x > 0 ? x : x - roundq(x)); }
static wide most_polygamma(int n, wide d) {
  return (wide)quad_factorial(n) * (2 * powl(d, -n - 1) + ldexpl(4, n + 1)) * (n == 0 ? 10 : 1);
}

static verdict gamma_class(rule *r, int k, quad x) {
  const wide d = from_pole(x);
  r->units = 8;
  r->reach[k] = least(1, d) / 4;
  return d == 0 || x < -1000 || x > 1e6 ? UNDEFINED : FINE;
}

RULE(lgamma) {
  quad scale;
  if (gamma_class(r, 0, X) != FINE) return UNDEFINED;
  const wide reach = r->reach[0];
  one(r, lgammaq(X), quad_polygamma(0, X, &scale), 0, reach);
  if (X < 0) r->v_scale = 1;
  r->p_scale[0] = size_of(scale);
  r->h[0][0] = most_polygamma(1, from_pole(X));
  return FINE;
}
RULE(tgamma) {
  quad scale;
  if (gamma_class(r, 0, X) != FINE || X > 170) return UNDEFINED;
  const quad z = tgammaq(X), psi = quad_polygamma(0, X, &scale);
  const wide reach = r->reach[0];
  one(r, z, z * psi, 0, reach);
  r->p_scale[0] = size_of(z * scale);
  r->h[0][0] = size_of(z) * (size_of(psi * psi) + most_polygamma(1, from_pole(X)));
  return FINE;
}

static verdict derivative_of_digamma(rule *r, int k, int n, quad x) {
  quad v_scale, p_scale;
  if (gamma_class(r, k, x) != FINE) return UNDEFINED;
  r->v = quad_polygamma(n, x, &v_scale);
  r->p[k] = quad_polygamma(n + 1, x, &p_scale);
  r->v_scale = size_of(v_scale);
  r->p_scale[k] = size_of(p_scale);
  r->h[k][k] = most_polygamma(n + 2, from_pole(x));
  return FINE;
}
RULE(digamma) { return derivative_of_digamma(r, 0, 0, X); }
RULE(polygamma) {
  if (at->e[0] > 0 || X < 0 || X > 5 || X != roundq(X)) return UNDEFINED;
  r->none[0] = true;
  r->reach[0] = HUGE_VALL;
  return derivative_of_digamma(r, 1, (int)X, Y);
}

/* ---- activations ---- */

RULE(sigmoid) {
  const quad e = expq(-fabsq(X)), p = e / ((1 + e) * (1 + e));
  return one(r, (X < 0 ? e : 1) / (1 + e), p, p, 1);
}
RULE(softplus) {
  const quad e = expq(-fabsq(X)), p = e / ((1 + e) * (1 + e));
  return one(r, quad_softplus(X), (X < 0 ? e : 1) / (1 + e), p, 1);
}
RULE(log_sigmoid) {
  const quad e = expq(-fabsq(X)), p = e / ((1 + e) * (1 + e));
  return one(r, -quad_softplus(-X), (X < 0 ? 1 : e) / (1 + e), p, 1);
}
