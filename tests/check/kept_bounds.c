/* How far rounding can drive the two sweeps apart, as kept.c keeps whole checks: each row's bound and the dot
   product's, for what they are made of: sums of many terms, numbers that underflow, operands that are
   repeated, systems of equations, operations of one's own. */
#include "dz/userop.h"
#include "handed.h"
#include "listed.h"
#include "texts.h"

enum { LEAVES = 16 };

#define SYSTEM "[[9.5, -1.25, 2], [.75, 8.25, -1.5], [3, -.25, 7.75]]"

static const char *const models[] = {
    "1e-308*x*(y*4)*z",
    "1e-308*(x/(y*8)) - 1e-308*(x - 7*y)",
    "1e-320*x + 1e-322*y*y - x*1e-315",
    "x*1e-320*1e5 + y",
    "sum(1e-308*v*w*[1, -4, 3])*x",
    "sum(v*1e-308*[0, 3, -2]) + sum(1e-308*B[1])",
    "sum((A - v)*1e-308) - sum(A*1e-320)",
    "sum((A - v)*(A - w)) - sum(v*x) + sum(-v - x)*y",
    "sum((v - A)*[[1, -2, 3], [0, -5, 6]])",
    "sum((x - A)*[[1, -2, 3], [0, -5, 6]])",
    "sum(where(A > 1, v, x)*[[1, -2, 3], [0, -5, 6]]) - sum(max(v, x)*w)",
    "sum(solve(B + 9*" SYSTEM ", 1e-308*v)*w)",
    "sum(solve(B + " SYSTEM ", v)*w)",
    "sum(solve(B - " SYSTEM ", A')*[[1, -2], [3, 0], [-5, 6]])",
    "sum(solve(B + " SYSTEM ", A')*1e-308)",
    "sum(solve(" SYSTEM ", v)*[0, -2, 0])",
    "sum(solve(" SYSTEM ", A')*A')",
    "sum(solve(B + " SYSTEM ", [1, -2, 3])*v)",
    "sum(d(sum(solve(B + " SYSTEM ", v)*w), v)*v)",
    "sum(d(sum(solve(B - " SYSTEM ", A')*[[1, -2], [3, 0], [-5, 6]]), A)*A)",
    "sum(d(sum(solve(" SYSTEM ", A')*A'), A)*[[1, -2, 3], [0, -5, 6]])",
    "sum(gather(v, [0, 2, 2, 1, 0, 1, 2, 2])*[1, -2, 3, 4, 0, -6, 7, 8])",
    "sum(gather(v, [1])*x) + sum(gather(u, [7, 9])*w[:2])",
    "sum(gather(A, [1, 0, 1, 1, 0, 0, 1])*[1, -2, 3])",
    "sum(d(sum(gather(v, [0, 2, 2, 1, 0, 1, 2])^2), v)*[1, -2, 3])",
    "sum(d(sum(gather(v, [[0, 2, 2], [1, 0, 1], [2, 2, 2]])^2), v)*w)",
    "sum(d(sum(gather(u, [3, 5])^2), u)*u)",
    "sum(d(sum(gather(A, [1, 0, 1, 1, 0])^2), A)*[1, -2, 3])",
    "v@w*x - u@u",
    "sum(v@B) - sum(B@v) + sum([x, y]@A)",
    "sum(A@B*[[1, -2, 3], [0, -5, 6]]) + sum(A@A')",
    "sum(reshape(u[:24], 2, 4, 3)@B) - sum(reshape(u[:24], 4, 2, 3)@v)",
    "sum(v@reshape(u[:24], 2, 3, 4)) - sum(A@reshape(u[:24], 2, 3, 4))",
    "sum(reshape(u[:24], 4, 3, 2)@reshape(u[8:32], 4, 2, 3))",
    "sum(reshape(u[:30], 10, 3)@B) - sum(reshape(u[:30], 3, 10)@reshape(u[:30], 10, 3))",
    "sum(reshape(u, 1, 40)*x) - sum(reshape(u, 20, 2)@[x, y])",
    "sum(sum(u)*[1, -2]) + sum(A, axis=0)@w - sum(A, axis=1)@[x, y]",
    "sum(broadcast_to(v, 7, 3)*2) - sum(broadcast_to(x, 1, 9))*y",
    "sum(cumsum(u)*u) - sum(cumsum(1e-308*v)*[0, -1, 3])",
    "sum(image*-2) + sum(conv2d(image, filter, 1, 0)*-2) - sum(concat(A, B)[1:4]@v)",
    "norm(v - 1) - norm(A - w)*x + max(u)*min(v)",
    "sum(sum(A*A, axis=1)*[3, 0]) - prod(v - 1)*prod(w)",
    "solve([[x + 2]], [y])",
    "x*x*x*x + (x + x)*(x - y) + v[0]*v[0]*v[1] - v[0]",
};

/* ---- operations of one's own ---- */

static void product_back(void *user, const dz_op_array *x, size_t n, const double *z, const double *g,
                         double *const *to) {
  (void)user, (void)z;
  for (int k = 0; k < 2; k++)
    for (size_t i = 0; to[k] && i < n; i++)
      to[k][at_of(&x[k], i)] += g[i] * x[1 - k].data[at_of(&x[1 - k], i)];
}

/* No number, but while it is defined. */
static bool lost;
static void lost_forth(void *user, const dz_op_array *x, size_t n, const double *z, const double *const *t,
                       double *out) {
  (void)user, (void)z;
  for (size_t i = 0; i < n; i++) out[i] = lost ? NAN : 0;
  for (int k = 0; k < 2; k++)
    for (size_t i = 0; t[k] && i < n; i++)
      out[i] += x[1 - k].data[at_of(&x[1 - k], i)] * t[k][at_of(&x[k], i)];
}

typedef struct pair {
  const char *x, *y, *weights;
} pair;

static const pair pairs[] = {
    {"v", "w", "[1, -4, 3]"},
    {"v", "v", "[0, -4, 0]"},
    {"A", "x", "[[1, -2, 3], [0, -5, 6]]"},
    {"w", "A", "1e-308*[[1, -2, 3], [0, -5, 6]]"},
    {"1e-308*v", "w", "[8, 0, -9]"},
    {"1e-308*v", "w", "[8, -9, 0]"},
    {"1e-308*x", "y", "-7"},
    {"[1, 2, 3]", "v", "v - 1"},
    {"concat(u, u, u, u, u, u, u[:16])", "x", "1"},
    {"concat(u, u, u, u, u, u, u[:17])", "x", "1"},
    {"v", "w", "[1, -4, 3]"}, /* lost */
};

enum { ALL = COUNT(models) + COUNT(pairs) };

static dz_var model(dz_tape *t, const dz_var *leaf, void *user) {
  const int k = *(const int *)user;
  (void)leaf;
  if (k < (int)COUNT(models)) return dz_expr(t, models[k]);
  const pair *p = &pairs[k - (int)COUNT(models)];
  const dz_op_calls calls = {
      .arity = 2, .value = product, .vjp = product_back, .jvp = k == ALL - 1 ? lost_forth : NULL};
  lost = false;
  dz_op_define_c(t, "times", &calls, NULL); /* refused when it is there already */
  lost = k == ALL - 1;
  const dz_var x = dz_expr(t, p->x), y = dz_expr(t, p->y), weights = dz_expr(t, p->weights);
  return dz_sum(dz_mul(dz_apply(t, "times", 2, (dz_var[]){x, y}), weights), DZ_ALL, false);
}

static const uint64_t sums[ALL] = {
#include "kept_bounds.sums"
};

START_TEST(kept) {
  if (_i < (int)COUNT(models) && list_rounds_otherwise(models[_i])) return;
  listing l = list_begin();
  const dz_allocator a = list_allocator(&l);
  dz_check_point at[LEAVES];
  double numbers[LEAVES][TEXT_NUMBERS];
  const size_t n = text_points(at, numbers);
  int k = _i;
  const dz_check_options o = {.max_elements = 9, .row = list_row, .user = &l};
  dz_check_report r;
  dz_error e;
  const dz_status status = dz_check(model, &k, n, at, &o, &a, &r, &e);
  LIST(&l, "check", (uint64_t)status);
  if (status) list_characters(&l, e.message);
  list_report(&l, &r);
  list_end(&l, "kept_bounds.sums", _i, ALL, sums[_i]);
}
END_TEST

SUITE(EACH(kept, ALL))
