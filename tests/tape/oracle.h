/* What the pointwise operations should give, in __float128: values written out again here, by name, and
   slopes from differences of them. Nothing here knows the table's formulas. */
#ifndef DZ_TESTS_ORACLE_H
#define DZ_TESTS_ORACLE_H

#include "../quad.h"

#include <stdbool.h>
#include <string.h>

static inline quad oracle_sign(quad x) { return x > 0 ? 1 : x < 0 ? -1 : x; }

static inline quad oracle_unary(const char *op, quad x) {
  static const struct {
    const char *op;
    quad (*f)(quad);
  } libm[] = {{"exp", expq},
              {"expm1", expm1q},
              {"log", logq},
              {"log2", log2q},
              {"log10", log10q},
              {"log1p", log1pq},
              {"sqrt", sqrtq},
              {"cbrt", cbrtq},
              {"sin", sinq},
              {"cos", cosq},
              {"tan", tanq},
              {"asin", asinq},
              {"acos", acosq},
              {"atan", atanq},
              {"sinh", sinhq},
              {"cosh", coshq},
              {"tanh", tanhq},
              {"asinh", asinhq},
              {"acosh", acoshq},
              {"atanh", atanhq},
              {"erf", erfq},
              {"erfc", erfcq},
              {"lgamma", lgammaq},
              {"tgamma", tgammaq},
              {"fabs", fabsq},
              {"floor", floorq},
              {"ceil", ceilq},
              {"round", roundq},
              {"trunc", truncq},
              {"sign", oracle_sign},
              {"gauss", quad_gauss},
              {"sigmoid", quad_sigmoid},
              {"softplus", quad_softplus}};
  quad scale;
  for (size_t i = 0; i < sizeof libm / sizeof *libm; i++)
    if (strcmp(op, libm[i].op) == 0) return libm[i].f(x);
  if (strcmp(op, "neg") == 0) return -x;
  if (strcmp(op, "stop") == 0) return x;
  if (strcmp(op, "not") == 0) return x == 0;
  if (strcmp(op, "exp2") == 0) return powq(2, x);
  if (strcmp(op, "relu") == 0) return x > 0 ? x : 0;
  if (strcmp(op, "log_sigmoid") == 0) return -quad_softplus(-x);
  if (strcmp(op, "digamma") == 0) return quad_polygamma(0, x, &scale);
  return nanq("");
}

static inline quad oracle_binary(const char *op, quad x, quad y) {
  quad scale;
  static const char *const compare[] = {"lt", "le", "gt", "ge", "eq", "ne", "and", "or"};
  const bool result[] = {x<y, x <= y, x> y, x >= y, x == y, x != y, x != 0 && y != 0, x != 0 || y != 0};
  for (size_t i = 0; i < sizeof compare / sizeof *compare; i++)
    if (strcmp(op, compare[i]) == 0) return result[i];
  if (strcmp(op, "add") == 0) return x + y;
  if (strcmp(op, "sub") == 0) return x - y;
  if (strcmp(op, "mul") == 0) return x * y;
  if (strcmp(op, "div") == 0) return x / y;
  if (strcmp(op, "pow") == 0) return powq(x, y);
  if (strcmp(op, "xlogy") == 0) return x * logq(y);
  if (strcmp(op, "logaddexp") == 0) return quad_logaddexp(x, y);
  if (strcmp(op, "hypot") == 0) return hypotq(x, y);
  if (strcmp(op, "atan2") == 0) return atan2q(x, y);
  if (strcmp(op, "polygamma") == 0) return quad_polygamma((int)x, y, &scale);
  if (strcmp(op, "fmod") == 0) return fmodq(x, y);
  if (strcmp(op, "mod") == 0)
    return fmodq(x, y) == 0 || (fmodq(x, y) < 0) == (y < 0) ? fmodq(x, y) : fmodq(x, y) + y;
  if (strcmp(op, "copysign") == 0) return y < 0 ? -fabsq(x) : fabsq(x);
  if (strcmp(op, "fmin") == 0) return x < y ? x : y;
  if (strcmp(op, "fmax") == 0) return x > y ? x : y;
  return nanq("");
}

/* The value at x[0 … arity - 1]; NaN also for an operation that has no oracle yet. */
static inline quad oracle_value(const char *op, int arity, const quad *x) {
  if (arity == 1) return oracle_unary(op, x[0]);
  if (arity == 2) return oracle_binary(op, x[0], x[1]);
  if (strcmp(op, "clamp") == 0) { /* the upper bound rules when they cross */
    const quad raised = x[0] < x[1] ? x[1] : x[0];
    return raised > x[2] ? x[2] : raised;
  }
  if (strcmp(op, "where") == 0) return x[0] != 0 ? x[1] : x[2];
  return nanq("");
}

/* ---- slopes ---- */

enum { ORACLE_ALL = -1 }; /* in place of an operand: all of them as one variable, op(x, x) */

/* Near the point `at` this differs from the value by what does not depend on operand k: where the value is
   nearly constant, its slope would be lost in the rounding of differences. */
static inline quad oracle_part(const char *op, int arity, int k, const double *at, const quad *v) {
  if (k == ORACLE_ALL) return oracle_value(op, arity, v);
  const quad x = v[0], own = v[k], other = arity > 1 ? v[1 - (k == 1)] : 0;
  const double a = at[0], size = fabs(at[k]), beside = arity > 1 ? fabs(at[1 - (k == 1)]) : 0;
  if (strcmp(op, "stop") == 0) return 0;
  if (strcmp(op, "add") == 0 || (strcmp(op, "sub") == 0 && k == 0)) return own;
  if (strcmp(op, "sub") == 0) return -own;
  if (strcmp(op, "pow") == 0 && at[0] > 0 && fabs(at[1] * log(at[0])) < 1) return expm1q(v[1] * logq(x));
  if (strcmp(op, "mod") == 0 && k == 0) return fmodq(x, v[1]);
  if (strcmp(op, "hypot") == 0 && size < beside) return own * own / (hypotq(own, other) + fabsq(other));
  if (strcmp(op, "atan2") == 0) return fabs(at[0]) < fabs(at[1]) ? atanq(x / v[1]) : -atanq(v[1] / x);
  if (strcmp(op, "logaddexp") == 0 && at[k] < at[1 - k]) return log1pq(expq(own - other));
  if (strcmp(op, "exp") == 0 && size < 1) return expm1q(x);
  if (strcmp(op, "exp2") == 0 && size < 1) return expm1q(x * logq(2));
  if (strcmp(op, "expm1") == 0 && a < -1) return expq(x);
  if (strcmp(op, "gauss") == 0 && size < 1) return expm1q(-x * x);
  if (strcmp(op, "cos") == 0) return -2 * sinq(x / 2) * sinq(x / 2);
  if (strcmp(op, "cosh") == 0) return 2 * sinhq(x / 2) * sinhq(x / 2);
  if (strcmp(op, "acos") == 0) return -asinq(x);
  if (strcmp(op, "atan") == 0 && size > 1) return -atanq(1 / x);
  if (strcmp(op, "tanh") == 0 && size > 1) return a > 0 ? -2 / (1 + expq(2 * x)) : 2 / (1 + expq(-2 * x));
  if (strcmp(op, "sigmoid") == 0 && a > 0) return -1 / (1 + expq(x));
  if (strcmp(op, "erf") == 0 && size > 1) return a > 0 ? -erfcq(x) : erfcq(-x);
  if (strcmp(op, "erfc") == 0 && a < 1) return a > -1 ? -erfq(x) : -erfcq(-x);
  return oracle_value(op, arity, v);
}

typedef struct oracle_slope {
  quad slope, error; /* error: estimated */
} oracle_slope;

/* Central differences with steps h, h/2, …, extrapolated to step 0 (Richardson, Romberg's scheme). */
static inline oracle_slope oracle_extrapolate(const char *op, int arity, int k, const double *at, quad h) {
  enum { LEVELS = 10 };
  oracle_slope best = {0, HUGE_VALQ};
  quad row[LEVELS], v[3];
  bool flat = true;
  for (int i = 0; i < arity; i++) v[i] = at[i];
  for (int j = 0; j < LEVELS; j++, h /= 2) {
    const quad low = at[k < 0 ? 0 : k] - h, high = at[k < 0 ? 0 : k] + h;
    for (int i = 0; i < arity; i++)
      if (k == i || k == ORACLE_ALL) v[i] = high;
    const quad up = oracle_part(op, arity, k, at, v);
    for (int i = 0; i < arity; i++)
      if (k == i || k == ORACLE_ALL) v[i] = low;
    const quad down = oracle_part(op, arity, k, at, v);
    if (isnanq(up) || isnanq(down) || isinfq(up) || isinfq(down)) return (oracle_slope){0, HUGE_VALQ};
    flat = flat && up == down;
    quad d = (up - down) / (high - low), factor = 4;
    for (int m = 0; m < j; m++, factor *= 4) {
      const quad better = d + (d - row[m]) / (factor - 1);
      row[m] = d;
      d = better;
    }
    const quad noise = ldexpq(fabsq(up) + fabsq(down), -112) / h,
               error = j == 0 ? HUGE_VALQ : fabsq(d - row[j - 1]) + noise;
    row[j] = d;
    if (error < best.error) best = (oracle_slope){d, error};
  }
  return flat ? (oracle_slope){0, 0} : best;
}

static inline bool oracle_listed(const char *op, const char *names) {
  const size_t n = strlen(op);
  for (const char *at = names; (at = strstr(at, op)) != NULL; at += n)
    if ((at == names || at[-1] == ' ') && (at[n] == ' ' || at[n] == '\0')) return true;
  return false;
}

/* A distance from x[k] over which the function changes: of the order of that to the next pole, branch point,
   kink or jump, or of the operand's size where that is what counts. */
static inline double oracle_reach(const char *op, int k, const double *x) {
  const double size = fabs(x[k]), unit = fmin(1, size);
  if (oracle_listed(op, "exp2 sigmoid softplus log_sigmoid logaddexp")) return 1;
  if (oracle_listed(op, "tan")) return fmin(unit, fabs(cos(x[0])));
  if (oracle_listed(op, "log1p")) return fmin(unit, 1 + x[0]);
  if (oracle_listed(op, "asin acos atanh")) return fmin(unit, 1 - size);
  if (oracle_listed(op, "acosh")) return x[0] - 1;
  if (oracle_listed(op, "fmod mod")) return k ? size * fmin(1, fabs(x[1] / x[0])) : fmin(size, fabs(x[1]));
  if (oracle_listed(op, "lgamma tgamma digamma polygamma")) return x[k] > 0 ? size : fabs(size - round(size));
  if (oracle_listed(op, "exp expm1 gauss sin cos atan sinh cosh tanh asinh erf erfc floor ceil round trunc"))
    return unit;
  return size;
}

/* The slope to operand k, from the first step that gives 22 digits, or else from the best. Steps go from the
   function's reach down; beside them, for a smooth function far out, which may have lost all detail there,
   from x down. */
static inline oracle_slope oracle_differentiate(const char *op, int arity, int k, const double *at) {
  oracle_slope best = {0, HUGE_VALQ};
  const int of = k == ORACLE_ALL ? 0 : k;
  const quad reach = oracle_reach(op, of, at), x = fabsq((quad)at[of]);
  for (int j = 4; j < 56; j += 5)
    for (int far = 0; far < 2; far++) {
      const quad h = ldexpq(far ? x : reach, -j);
      if (h <= ldexpq(x, -60) || (far && (x < 1e3 || oracle_listed(op, "floor ceil round trunc fmod mod"))))
        continue;
      const oracle_slope d = oracle_extrapolate(op, arity, k, at, h);
      if (d.error < best.error) best = d;
      if (best.error <= fabsq(best.slope) * 1e-22) return best;
    }
  return best;
}

#endif
