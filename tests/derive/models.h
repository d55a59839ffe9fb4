/* Expressions for derive/kept.c that texts.h has none of: batches, rows and columns of unlike extents, axes,
   masks, what is not smooth. With leaves of their own. */
#ifndef DZ_TESTS_MODELS_H
#define DZ_TESTS_MODELS_H

#include "dz/dz.h"
#include "suite.h"

#include <string.h>

enum { MODEL_NUMBERS = 24 };

/* P and Q are batches of 2 x 3 and 3 x 4, R one of a single 3 x 2; T has four axes; E is empty. b is no
   variable, M and m have signs. */
static inline dz_var model_on(dz_tape *t, const char *what, dz_var *leaf, int *n) {
  static const struct {
    const char *name;
    dz_role role;
    int rank;
    size_t dims[4];
  } leaves[] = {{"x", DZ_ROLE_INPUT, 0, {0}},          {"y", DZ_ROLE_PARAM, 0, {0}},
                {"b", DZ_ROLE_DATA, 0, {0}},           {"v", DZ_ROLE_INPUT, 1, {3}},
                {"w", DZ_ROLE_PARAM, 1, {2}},          {"A", DZ_ROLE_INPUT, 2, {2, 3}},
                {"C", DZ_ROLE_INPUT, 2, {3, 4}},       {"P", DZ_ROLE_INPUT, 3, {2, 2, 3}},
                {"Q", DZ_ROLE_PARAM, 3, {2, 3, 4}},    {"R", DZ_ROLE_INPUT, 3, {1, 3, 2}},
                {"T", DZ_ROLE_INPUT, 4, {2, 1, 3, 2}}, {"E", DZ_ROLE_INPUT, 2, {0, 3}},
                {"M", DZ_ROLE_DATA, 2, {2, 3}},        {"m", DZ_ROLE_DATA, 1, {3}}};
  for (size_t k = 0; k < COUNT(leaves); k++) {
    const char *name = leaves[k].name;
    if (!strstr(what, name)) continue;
    const bool any_sign = *name == 'M' || *name == 'm';
    double numbers[MODEL_NUMBERS];
    for (int i = 0; i < MODEL_NUMBERS; i++)
      numbers[i] = .375 + (i * 5 + (int)k * 3) % 13 / 8. - (any_sign && i % 3 != 1 ? 2 : 0);
    const dz_var x = dz_leaf_tensor(t, leaves[k].role, leaves[k].rank, leaves[k].dims, numbers);
    ck_assert_int_eq(dz_set_name(x, name), DZ_OK);
    leaf[(*n)++] = x;
  }
  static const struct {
    const char *name, *value, *partials[3];
    int arity;
  } own[] = {{"bump", "exp(-x*x)*y", {"-2*x*z", NULL}, 2},
             {"ramp", "unused = [1, 2]\nx > 0 ? x : 0", {"x > 0 ? 1 : 0"}, 1},
             {"near", "hypot(x - y, w)", {"(x - y)/z", "(y - x)/z", "w/z"}, 3}};
  for (size_t k = 0; k < COUNT(own); k++)
    if (strstr(what, own[k].name))
      ck_assert_int_eq(dz_op_define(t, own[k].name, own[k].arity, own[k].value, own[k].partials, NULL),
                       DZ_OK);
  return dz_expr(t, what);
}

/* Sums and products of as many parts as are still looked at closely, 12 or 64; with one more they are not. */
#define SIX(x) x " + " x "^2 + " x "^3 + " x "^4 + " x "^5 + " x "^6"
#define EIGHT(x) SIX(x) " + " x "^7 + " x "^8"
#define TWELVE SIX("x") " + " SIX("y")
#define FACTORS "x*y*sin(x)*cos(x)*tan(x)*sinh(x)*cosh(x)*tanh(x)*asin(x)*atan(x)*erf(x)"
#define MANY                                                                                                 \
  EIGHT("x")                                                                                                 \
  " + " EIGHT("y") " + " EIGHT("b") " + " EIGHT("sin(x)") " + " EIGHT("cos(y)") " + " EIGHT(                 \
      "tan(b)") " + " EIGHT("log(x)") " + " EIGHT("log(y)")

static const char *const models[] = {
    /* products */
    "A@C",
    "A'@w",
    "w@A",
    "A@v",
    "v@C",
    "v@v*x",
    "P@Q",
    "P@C",
    "A@Q",
    "P@R",
    "R@P",
    "R@A",
    "P@v",
    "w@P",
    "v@Q",
    "v@R",
    "T@P",
    "T@A",
    "P@Q[0]",
    "P@Q[:, :, ::2]",
    "(x*P)@(y*Q)",
    "(2*A)@(-C)*3",
    "P@broadcast_to(A', 2, 3, 2)",
    "reshape(T, 2, 3, 2)@A@C",
    "A@reshape(v, 3, 1)",
    "reshape(w, 1, 2)@A",
    "reshape(A@reshape(v, 3, 1), 2)",
    "reshape(reshape(v, 1, 3)@C, 4)",
    "E@C",
    "E'@E",
    /* behind masks */
    "where(m > 0, A@C[:, :3], 0)",
    "where(M > 0, P, 0)@R",
    "where(M > 0, A*x/v, 0)",
    "where(m > 0, log(v), 0)",
    "where(v > 1, sqrt(v - 1), 0)",
    "where(M[:, :2] > 0, P@R, 0)",
    "where(P@R > 9, P@R, x)",
    "where(A > 1, A@v@w, 0)",
    "relu(A)@relu(C)",
    "relu(P)@v",
    "max(M, 0)*A",
    "where(m > 0, cumsum(v, axis=0), 0)",
    "where(m > 0, cumprod(v, axis=0), v[::-1])",
    "where(M > 0, A/sum(A, axis=1, keepdims=1), 0)",
    "where(M > 0, prod(A, axis=1, keepdims=1), 0)",
    "where(m > 0, norm(A, axis=0), 0)",
    "where(m > 0, logsumexp(A, axis=0), 0)",
    "where(m > 0, max(A, axis=0), 0)",
    "where(m > 0, sum(P, axis=[0, 1]), 0)",
    "where(m[:2] > 0, solve([[2, 1], [1, 3]], w), 0)",
    "where(M[:, :2] > 0, solve(A[:, :2] + [[5, 0], [0, 5]], A[:, 1:]), 0)",
    "where(m > 0, gather(v, [2, 2, 1]), 0)",
    "where(M > 0, P[1]*A, 0)",
    "where(M > 0, concat(w, w, w, axis=0)[0]*A, x)",
    "where(M > 0, stack([v, v*x]), 0)",
    "where(M > 0, broadcast_to(v, 2, 3), 0)",
    "where(M > 0, permute(P, [1, 2, 0])[:, :, 0], 0)",
    "clamp(A, .5, 1)*v",
    "min(max(A, v), x)",
    /* along axes */
    "sum(P, axis=0)",
    "sum(P, axis=1)",
    "sum(P, axis=2)",
    "sum(P, axis=[0, 2])",
    "sum(P, axis=[0, 2], keepdims=1)*P",
    "sum(T, axis=[1, 3])",
    "mean(P, axis=1, keepdims=1)*x",
    "var(P, axis=2)",
    "var(A, axis=0, ddof=1)",
    "std(A, axis=1, keepdims=1)",
    "max(P, axis=1)",
    "min(P, axis=[0, 2])",
    "max(P, axis=2, keepdims=1) - P",
    "max(A + x, axis=1)",
    "logsumexp(P, axis=1)",
    "logsumexp(A + x, axis=0)",
    "logsumexp(v + y*x)",
    "logsumexp(P + A, axis=0)",
    "min(A - x, axis=0)",
    "prod(P, axis=1)",
    "prod(P, axis=[0, 2])",
    "prod(A)*x",
    "norm(P, axis=[1, 2])",
    "norm(A, axis=0, keepdims=1)",
    "cumsum(P, axis=1)",
    "cumsum(P, axis=0)",
    "cumprod(P, axis=0)",
    "cumprod(A, axis=1)",
    "softmax(P, axis=1)",
    "log_softmax(A, axis=0)",
    "sum(x*A*v, axis=0)",
    "sum(x*A*v, axis=1)",
    "sum(x*exp(A + y))",
    "sum(exp(x + A)*v)",
    "sum(-2*x*A/y, axis=1)",
    "sum(sum(A, axis=1, keepdims=1)*A, axis=1)",
    "sum(w*sum(A*v, axis=1))",
    "sum(broadcast_to(x, 2, 3)*A)",
    "sum(broadcast_to(x, 4, 3))",
    "sum(x + 0*A)",
    "sum(A) + sum(2*A) - sum(A*3)",
    "sum(A@C) - sum(C'@A')",
    "sum(E) + prod(E) + norm(E)",
    "cumsum(E, axis=0)",
    "cumprod(E, axis=1)",
    "sum(E, axis=0)*v",
    "prod(E, axis=0)*v",
    /* places */
    "P[1, :, ::2]",
    "P[::-1, 0]",
    "T[:, :, 1:]",
    "T[1, 0, 2]*w",
    "A[:, 1]*w",
    "A[1]*v",
    "A[0, 2]*x",
    "C[::2, ::-1]",
    "C[1:, 3:0:-2]",
    "v[::-1]*v",
    "gather(A, [1, 0, 1])",
    "gather(A, [2, 0], axis=1)",
    "gather(P, [[1, 0], [0, 1]], axis=2)",
    "concat(A, A*x, axis=0)",
    "concat(P, P[:, :, :1], axis=2)",
    "concat(v, [1, 2], w)",
    "stack([A, M])",
    "stack([w, w*x, w], axis=1)",
    "reshape(P, 3, 4)@C'",
    "reshape(reshape(P, 12), 4, 3)@C",
    "permute(P, [2, 0, 1])@A",
    "permute(permute(P, [2, 0, 1]), [1, 2, 0])",
    "permute(T, [3, 1, 0, 2])",
    "broadcast_to(A, 2, 2, 3)*P",
    "broadcast_to(R, 2, 3, 2)",
    "broadcast_to(reshape(w, 2, 1), 2, 3)*A",
    "A' + reshape(w, 1, 2)",
    "T*R",
    "P*v + A",
    "P/A",
    "(A - v)^2*x",
    "A^y + x^A",
    "A*reshape(w, 2, 1)",
    /* solved */
    "solve(A[:, :2], w)",
    "solve(A[:, :2], A)",
    "solve(A[:, :2]*x, C[:2])",
    "solve(A@A', w)@w",
    "solve([[2, 1], [1, 3]], w*x)",
    /* derivatives */
    "d(sum(P@R), P)*P",
    "d(sum(A@C*(A@C)), A)",
    "d(sum(A[1:, ::2]^3), A)",
    "d(sum(gather(v, [2, 0, 2])^3), v)",
    "d(sum(gather(C, [0, 0], axis=1)^3), C)",
    "d(sum(cumprod(v, axis=0)), v)",
    "d(prod(A, axis=1)@w, A)",
    "d(norm(A), A)*A",
    "d(logsumexp(A), A)",
    "d(sum(max(A, axis=1)^2), A)",
    "d(sum(where(m > 0, A@v@w*v, 0)), v)",
    "d(sum(concat(v, w)^3), w)",
    "d(sum(solve(A[:, :2], w)), w)",
    /* numbers */
    "x^3*y^2 - x*y*b + 1/x",
    "x/(x + y) + y/(x + y) + (x + y)/(x - y)",
    "exp(x*y)*log(x/y)*sqrt(x + y)",
    "log2(x)*exp2(y) + log10(x) + log1p(x*y) + expm1(x - y)",
    "sin(x)*cos(y) + tan(x*y) + asin(x/9) + acos(y/9) + atan(x*y)",
    "sinh(x) + cosh(x*y) + tanh(x - y) + asinh(x) + acosh(x + 1) + atanh(x/9)",
    "erf(x*y) + erfc(x)*y + lgamma(x + y) + digamma(x*y) + gauss(x*y)",
    "sigmoid(x*y) + softplus(x - y) + relu(x - y)^2 + abs(x - y)",
    "x^y + y^x + (x*y)^1.5 + x^-2 + x^(1/3) + cbrt(x*y) + 2^x + x^2.5",
    "atan2(x, y) + hypot(x*y, y) + max(x*y, y) + min(x^2, y) + copysign(x, y)",
    "fmod(x*9, y) + mod(y*9, x) + floor(x*3)*y + round(x)*y + trunc(y)*x + ceil(x)*x + sign(x - y)*x",
    "(x > y && y > b ? x^2 : y^2) + (x < y || !(x > 2) ? x*y : y) + (x >= y ? 1 : 2)*x",
    "clamp(x*y, 0, 1) + where(x == y, x, y^2) + where(x != y, x*y, 0) + (b > 1 ? x : y)",
    "stop(x)*y + x*stop(y) + stop(x*y)",
    "relu(x) == 0 ? 0 : relu(x)*y",
    "(relu(x) == 0 ? 0 : relu(x)^2*y) + (floor(x) != 0 ? y*floor(x) : 0) + (max(x, y) == 0 ? 0 : max(x, y))",
    "(relu(x) == 0 ? 0 : relu(x)^-1*y) + (relu(x) == 0 ? 0 : y) + (relu(x) == 0 ? 1 : relu(x))",
    "(x > y ? sin(floor(x)) : sin(floor(x))*1) + (x > y ? sin(x)*2 : sin(x) + sin(x))",
    "(x > y ? floor(x)*(y + 1) : floor(x)*y + floor(x)) + (x > y ? x*(y + 1) : x*y + x)",
    "(sin(floor(x)) == x*y)*x + (floor(x) == 2)*y + (exp(relu(x)) == 1)*x + (x*y == 2)*x",
    "ramp(x - y)*x + bump(x, y)^2 + bump(y, 2)*near(x, y, b)",
    "bump(A, v)*x",
    "near(A, v, x)",
    "ramp(x - y)",
    "ramp(y - x)*ramp(v - 1)",
    "where(M > 0, bump(A, x), 0)",
    "where(M > 0, ramp(A - 1), 0)*bump(x, x)",
    "(b == 2)*x + (b*b != 1.5 ? x : y) + (exp(b) == 1)*y + (1 == b)*x*y",
    "sqrt(x)*x*y + abs(x^1.5) + abs(x^(1 + y)) + x^y*x*b",
    "x*(1/0) + y*(0/0) - 1/0",
    "2.302585092994046*x - 0.6931471805599453*y + x/2.302585092994046 + y^(1/3)*1.1283791670955126",
    "x*(y + 1)*(y - 1) + 1 + x^2 + x*y + sin(x)*y + y*sin(x)*x + 2/x + (1 - x*y)*x*(1 + sin(y))*y",
    "(1 - y)*x*y + (2 - x*y)*x + (1 - y^2)*x*exp(x) + x/(1 + y) + (x - y)*(y - x - 1)*x + x/y^2",
    "3*x*y/(2*b) - (x + y)*3/7 + (2*x - y)/(3*x + 1) - 0.1*x*(0.3*y + 0.7*b) + 0.3*(0.1*x)*y",
    "0.1*x*(0.3*y + 0.7*x) + 0.7*x*(0.1*y + b) + x*0.1*3*y + x*y/0.3*0.1",
    "-(x - y)*(-x - 2)*(y - 3) - (-1 - x)*y - 2*(-x - y*b)*x",
    "sum(concat(v, v, v, v, v, v, v, v))*x",
    "sum(concat(v, v, v, v, v, v, v, v, v, v, v, v, v, v, v, v))*x",
    "(x > y ? sin(x)/cos(x) : tan(x))*x + (x > 2 ? (x + 1)^2 : x^2 + 2*x + 1)",
    "where(reshape(Q[:, :2], 1, 1, 1, 1, 1, 2, 2, 4) > 1, reshape(P, 1, 1, 1, 1, 1, 2, 2, 3)@reshape(Q, 1, "
    "1, 1, 1, "
    "1, 2, 3, 4), 0)",
    "where(reshape(Q[:, :2], 2, 1, 1, 1, 1, 1, 2, 4) > 1, reshape(P, 2, 1, 1, 1, 1, 1, 2, 3)@C, 0)",
    "where(reshape(P, 2, 1, 1, 1, 1, 1, 2, 3) > 1, w@reshape(P, 2, 1, 1, 1, 1, 1, 2, 3), 0)",
    /* what its own slope may be said by */
    "1/(1 + exp(-x))*y^0 + 0*y",
    "exp(x)/(exp(x) + exp(y))",
    "(exp(x) - exp(-x))/(exp(x) + exp(-x)) + 0*y",
    "x/(x + y)",
    "x/(x - y)",
    "(x - y)/(x + y)",
    "(y - x)/x",
    "2*x/(1 + x^2) + 0*y",
    "y*exp(x)/(1 + exp(x))",
    "-1/(1 + x*y)",
    "exp(x*y)",
    "sqrt(x^2 + y^2)",
    "x^2/(y*(1 + x)^2)",
    "tan(x*y)",
    "(x + 1)^3*(y - 1)^-2",
    "log(x + exp(y))/(x*y)",
    "sigmoid(x)*tanh(y)*(1 - tanh(y))",
    "exp(-x)*sin(y)/(exp(-x) + x)",
    /* many parts */
    "sum(" FACTORS "*A)",
    "sum(" FACTORS "*b*A)",
    FACTORS "*sqrt(b)",
    FACTORS "*sqrt(b)*exp(x)*exp(y)",
    "logsumexp(A + " SIX("x") " + " SIX("sin(y)") " - y^6)",
    "max(A + " SIX("x") " + " SIX("sin(y)") ", axis=1)",
    "b*(" TWELVE ") + b",
    "b*(" TWELVE " + sin(x)) + b",
    "b*(" TWELVE ") + 2*(" TWELVE ")",
    "sin(x)*(" TWELVE " - b)/b + cos(x)*(" TWELVE ")",
    "exp(x)*(" TWELVE " - exp(-x)) - x*b",
    "(" SIX("b*x") " + " SIX("b*y") ")*x/b",
    "(" SIX("b*x") " + " SIX("b*y") " + b)*x/b",
    "b*(x + y)^2*(" TWELVE ") + x*(x + y)*(" TWELVE ")",
    "b - (" MANY ")*1",
    "b*x - (" MANY " + sqrt(x*y))",
    "x > 9 ? b - (" MANY ") : y",
    /* products with what is not finite, behind masks */
    "where(A[:, :1] > 1, where(M > 0, A, 1/0)@C, 0)",
    "where(A[:, :1] > 1, A@where(C > 1, C, 1/0), 0)",
    "where(w > 1, where(M > 0, A, 1/0)@v, 0)",
    "where(m > 0, w@where(M > 0, A, 1/0), 0)",
    "where(v@where(C > 1, C, 1/0) < 9, v@where(C > 1, C, 1/0), x)",
    "where(M[:, :2] > 0, where(M > 0, P, 1/0)@R, 0)",
    "where(M[:, :2] > 0, P@where(R > 1, R, 1/0), x)",
    "where(w > 1, where(M > 0, P, 1/0)@v, 0)",
    "where(m > 0, where(x > 1, v, 1/0)@v, 0)",
    "where(reshape(Q[:, :2], 1, 1, 1, 1, 1, 2, 2, 4) > 1, reshape(where(M > 0, P, 1/0), 1, 1, 1, 1, 1, 2, 2, "
    "3)@reshape(Q, 1, 1, 1, 1, 1, 2, 3, 4), 0)",
    "where(reshape(Q[:, :2], 2, 1, 1, 1, 1, 1, 2, 4) > 1, reshape(P, 2, 1, 1, 1, 1, 1, 2, 3)@where(C > 1, C, "
    "1/0), 0)",
    "where(reshape(P, 2, 1, 1, 1, 1, 1, 2, 3) > 1, [[1, 0], [0, 1/0]]@reshape(P, 2, 1, 1, 1, 1, 1, 2, 3), 0)",
    "where(m > 0, solve([[2, 1, 0], [1, 3, 0], [0, 0, 1]], where(m > 0, v, 1/0)), 0)",
    "where(m > 0, cumsum(where(m > 0, v, 1/0), axis=0), 0) + where(m > 0, 1/(v - 1), 0)",
    "(b + 1)*(b - 1)*x + b^2*y - b*x*b",
};

#endif
