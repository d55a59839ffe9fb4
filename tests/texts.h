/* Expressions that have a bit of everything, and the leaves that they speak of. */
#ifndef DZ_TESTS_TEXTS_H
#define DZ_TESTS_TEXTS_H

#include "dz/check.h"
#include "dz/dz.h"
#include "suite.h"

enum { TEXT_NUMBERS = 60 };

/* A 2 x 3, v and w of 3, B of 3 x 3, u of 40; images of 2 x 1 x 6 x 5 and filters of 3 x 1 x 2 x 2; numbers
   x, y, z. How many. */
static inline size_t text_points(dz_check_point *at, double (*numbers)[TEXT_NUMBERS]) {
  static const struct {
    const char *name;
    dz_role role;
    int rank;
    size_t dims[4];
  } leaves[] = {{"x", DZ_ROLE_INPUT, 0, {0}},
                {"y", DZ_ROLE_PARAM, 0, {0}},
                {"z", DZ_ROLE_DATA, 0, {0}},
                {"A", DZ_ROLE_INPUT, 2, {2, 3}},
                {"v", DZ_ROLE_PARAM, 1, {3}},
                {"w", DZ_ROLE_DATA, 1, {3}},
                {"B", DZ_ROLE_INPUT, 2, {3, 3}},
                {"image", DZ_ROLE_DATA, 4, {2, 1, 6, 5}},
                {"filter", DZ_ROLE_PARAM, 4, {3, 1, 2, 2}},
                {"u", DZ_ROLE_INPUT, 1, {40}}};
  for (size_t k = 0; k < COUNT(leaves); k++) {
    for (int i = 0; i < TEXT_NUMBERS; i++) numbers[k][i] = .25 + (i * 7 + (int)k * 3) % 11 / 8.;
    at[k] = (dz_check_point){.name = leaves[k].name,
                             .role = leaves[k].role,
                             .rank = leaves[k].rank,
                             .dims = leaves[k].dims,
                             .values = numbers[k]};
  }
  return COUNT(leaves);
}

/* With these appended to leaf[0 .. *n). */
static inline dz_var text_on(dz_tape *t, const char *what, dz_var *leaf, int *n) {
  dz_check_point at[16];
  double numbers[16][TEXT_NUMBERS];
  const size_t points = text_points(at, numbers);
  for (size_t k = 0; k < points; k++) {
    const dz_var x = dz_leaf_tensor(t, at[k].role, at[k].rank, at[k].dims, at[k].values);
    ck_assert_int_eq(dz_set_name(x, at[k].name), DZ_OK);
    leaf[(*n)++] = x;
  }
  return dz_expr(t, what);
}

static const char *const texts[] = {
    "x^2*y + y/(z + x) + z^x",
    "exp(x)*sin(y) + cos(y)*exp(x) - x*y*z",
    "(x + y)*(x + y) + (y + x)*(x - y) - -x",
    "x*1 + y/1 + 0*x + x*0 - (x - x) + -(-y) + x*2 + 2*x + x/4",
    "where(x > y, x*y, x/y) + max(x, y) + min(x, z) + clamp(x, 0, 1) + abs(x - y)",
    "log(x)/log(y) + sqrt(x*x + y*y) + hypot(x, y) + atan2(x, y) + tanh(x)^2",
    "x + y + z + x*y + y*z + x*y*z - x - y",
    "sum(v^2) + sum(v*w) + v@w",
    "sum(exp(-u)) + sum(u[1:]*u[:-1])",
    "sum(where(u > 1, u*u, sin(u)))",
    "sum(tanh(A@v + x)) + sum(A'@A)",
    "sum((B@v)*(B'@w)) + v@B@w",
    "sum(B@B*B) + sum(B@B'@v)",
    "softmax(v)@w + logsumexp(v*x) + sum(log_softmax(A))",
    "cross_entropy(A, [0, 2]) + mse(A@v, [1, 2])",
    "sum(layer_norm(A, v, w)) + var(u) + std(v) + mean(A, axis=0)@v",
    "max(u) + min(v) + sum(max(A, axis=1)) + prod(v) + norm(u)",
    "sum(cumsum(u)*u) + sum(cumprod(v)) + sum(cumsum(A, axis=1))",
    "sum(gather(v, [2, 0, 0])*w) + sum(reshape(A, 3, 2)@[x, y]) + sum(permute(A, [1, 0])@[y, x])",
    "sum(concat(v, A[0])^2) + sum(stack([v, w])*A) + A[1, 2]*v[0]",
    "sum(conv2d(image, filter, 1, 0)^2)",
    "sum(max_pool(relu(conv2d(image, filter, 1, 1)), 2, 0))",
    "sum(avg_pool(conv2d(image, filter, 2, 0), 2, 1)^2) + sum(filter)",
    "sum(batch_norm(A, v, w)*A) + sum(dropout(u, .5, 7)*u)",
    "sum(attention(A, B, B)^2) + sum(hinge(v, 1)) + sum(softplus(u)*sigmoid(u))",
    "sum(mlp(A, B, v, B', w)^2)",
    "sum(relu(relu(A@B + v)@B + w)@B)",
    "sum(noise(u, 3)*u) + sum(stop(u)*u) + sum(floor(u)*u)",
    "d(sum(u^3), u)@u + d(x^2*y, x)",
    "sum(exp(A)*v + exp(A)/w - sum(A, axis=1, keepdims=1)) + sum(A, axis=0)@v",
    "sum(solve(B + [[9, 0, 0], [0, 9, 0], [0, 0, 9]], v))",
    "sum(lgamma(u) + digamma(u) + erf(u)*gauss(u)) + sum(u^2.5) + sum(2^u) + sum(u^3)",
    "sum(broadcast_to(v, 2, 3)*A) + sum(A*broadcast_to(x, 2, 3)) + sum((A - v)^2)",
    "sum(tanh(B@tanh(B@tanh(B@tanh(B@tanh(B@v))))))",
};

#endif
