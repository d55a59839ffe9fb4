/* What is done with a graph on a tape that may hold so many nodes and no more: at each node in turn the limit
   is met. The answer is DZ_ERR_LIMIT or the right one, and the same tape, forgiven and rewound, then does it.
 */
#include "../on_tape.h"
#include "acts.h"
#include "dz/checkpoint.h"
#include "dz/implicit.h"
#include "dz/tensor.h"

#include <math.h>

static const char *const texts[] = {
    "sum(A)*x",
    "sum(prod(A, axis=1))",
    "prod(A)*prod(v)",
    "sum(cumsum(A, axis=0) * cumprod(A, axis=1))",
    "sum(cumprod(v[:1]))",
    "max(A) + min(v)",
    "sum(max(A, axis=0)*v)",
    "norm(v)*norm(A)",
    "norm(A - A)",
    "sum(logsumexp(A, axis=1))",
    "sum(A @ B)",
    "sum((A @ v)^2) + v @ v + sum(v @ A)",
    "sum(where(A > 0, log(A), A) @ B)",
    "sum((1/A) @ (B*0))",
    "sum(solve(B, A)*A)",
    "sum(solve(B, v)^2)",
    "sum(where(B > 1, solve(B, A), 0))",
    "sum(A[0]*v) + sum(A[::-1, 1:])^2",
    "sum(gather(v, [1, 0, 1])^2)",
    "sum(concat(A, B)*concat(B, A))",
    "sum(stack([v, v^2])*A)",
    "sum(reshape(A, 4)^2) + sum(A' * B)",
    "sum(permute(stack([A, B]), [2, 0, 1])^3)",
    "sum(softmax(A)*B)",
    "cross_entropy(A, [0, 1])",
    "mse(A, B)*x",
    "var(v) + std(A)",
    "sum(layer_norm(A, v, v)^2)",
    "sum(where(A > 0, A^2, x*A))",
    "sum(relu(A)*abs(B))",
    "x^y + atan2(x, y) + hypot(x, y)",
    "x > 0 ? x^2/y : y",
    "sqrt(x*0)*y + x",
    "max(x, y, 0.5)*clamp(x, 0, y)",
    "d(x^3*y, x)*y",
    "sum(noise(A, 3)*A)*stop(x)",
    "sum(broadcast_to(x, 2, 2)*A)",
    "x",
    "v[1]",
};
enum { LEAVES = 5 };

static void leaves(work *w) {
  static const double numbers[] = {.75, 0, 2, -1.25, .5, 1.5, 3, .25};
  static const char *const names[] = {"x", "y", "A", "B", "v"};
  const size_t dims[] = {2, 2};
  w->n = LEAVES;
  for (int k = 0; k < LEAVES; k++) {
    w->x[k] = k < 2 ? dz_input(w->t, .5 + k)
                    : dz_leaf_tensor(w->t, DZ_ROLE_INPUT, k < 4 ? 2 : 1, dims, numbers + k);
    ck_assert_int_eq(dz_set_name(w->x[k], names[k]), DZ_OK);
  }
}

/* Under each limit from the nodes that are there on. */
static void limit(const char *what, const char *how, act *f, work *w) {
  const dz_mark mark = dz_tape_mark(w->t);
  w->bits = 1;
  const dz_status right = f(w);
  const uint64_t bits = w->bits;
  bool met = true;
  for (size_t most = 0; met; most++) {
    dz_tape_forgive(w->t);
    ck_assert_int_eq(dz_tape_rewind(w->t, mark), DZ_OK);
    ck_assert_int_eq(dz_tape_limit(w->t, DZ_LIMIT_NODES, dz_tape_size(w->t) + most), DZ_OK);
    w->bits = 1;
    dz_status s = f(w);
    if (!s) s = dz_tape_error(w->t)->status;
    met = s == DZ_ERR_LIMIT && s != right;
    if (!met && (s != right || w->bits != bits))
      ck_abort_msg("%s, %s: %zu nodes more: status %d, another result", what, how, most, s);
  }
}

START_TEST(each_node_may_be_the_last) {
  static act *const tried[] = {sweep_more, forward,          gradient, curvature,      slopes,      along,
                               sparse,     sparse_curvature, simplify, simplify_slope, print_slope, diagnose};
  for (size_t k = 0; k < COUNT(tried); k++) {
    if (EFFORT(false, (k + (size_t)_i) % 4 != 0)) continue;
    work w = {.t = dz_tape_new(NULL)};
    char how[16];
    leaves(&w);
    w.y = dz_expr(w.t, texts[_i]);
    ck_assert_msg(dz_valid(w.y), "%s: %s", texts[_i], dz_tape_error(w.t)->message);
    snprintf(how, sizeof how, "act %zu", k);
    limit(texts[_i], how, tried[k], &w);
    dz_tape_free(w.t);
  }
}
END_TEST

SUITE(EACH(each_node_may_be_the_last, COUNT(texts)))
