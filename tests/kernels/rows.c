/* The table as the machine of plans has it: values and partials are those of the table for numbers alone, of
   every operation, also of those that no gradient flows through and no plan asks for theirs. */
#include "kernels/pointwise.h"
#include "plan/machine.h"
#include "suite.h"

#include <math.h>
#include <string.h>

static bool same(double x, double y) { return (isnan(x) && isnan(y)) || memcmp(&x, &y, sizeof x) == 0; }

START_TEST(rows_are_the_tables) {
  static const double x[] = {0, -1, 2.5, INFINITY, .5, 3}, y[] = {1, -1, .5, 2, NAN, 3},
                      w[] = {2, 0, -1, .5, 1, 3};
  enum { N = COUNT(x) };
  const dz__row *row = &dz__run_one_rows[_i];
  const dz__kernel *f = &dz__pointwise[_i];
  double z[N], g[N], d[N];
  row->value(N, x, y, w, z);
  for (int i = 0; i < N; i++) {
    const double v = f->value(x[i], y[i], w[i]);
    const bool zeros = z[i] == 0 && v == 0 && (_i == DZ__F_fmin || _i == DZ__F_fmax); /* C leaves it open */
    ck_assert_msg(same(z[i], v) || zeros, "%s: %a, not %a", dz__ops[_i].name, z[i], v);
    g[i] = 1 + i;
  }
  const double *const in[] = {x, y, w, z, g};
  for (int k = 0; k < dz__ops[_i].arity; k++)
    for (int add = 0; add < 2; add++) {
      for (int i = 0; i < N; i++) d[i] = .25;
      row->partial[k](N, in, .5, add, d);
      for (int i = 0; i < N; i++) {
        const double p = f->partial[k](x[i], y[i], w[i], z[i], .5), c = f->mask[k] && p == 0 ? 0 : p * g[i];
        ck_assert_msg(same(d[i], add ? .25 + c : c), "%s, operand %d of %g, %g, %g: %a", dz__ops[_i].name, k,
                      x[i], y[i], w[i], d[i]);
      }
    }
}
END_TEST

/* The kernels that pull adjoints, called by themselves: some operations have quicker ways that pass them by.
 */
START_TEST(pulls_are_the_tables) {
  static const double x[] = {0, -1, 2.5, .5, NAN}, y[] = {1, -1, .5, 2, 3}, w[] = {2, 0, -1, .5, 1};
  static const ptrdiff_t steps[][3] = {{1, 1, 1}, {1, 0, 0}, {0, 1, 0}, {1, 1, 0}, {0, 1, 1}, {0, 0, 0}};
  enum { N = COUNT(x) };
  const dz__kernel *f = &dz__pointwise[_i];
  const int arity = dz__ops[_i].arity;
  for (size_t kind = 0; kind < COUNT(steps); kind++)
    for (int k = 0; k < arity; k++) {
      const ptrdiff_t sx = steps[kind][0], sy = arity > 1 ? steps[kind][1] : 0,
                      sw = arity > 2 ? steps[kind][2] : 0;
      const ptrdiff_t n = sx || sy || sw ? N : 1, sa = k == 0 ? sx : k == 1 ? sy : sw;
      double z[N], g[N], ga[N] = {0}, right[N] = {0};
      bool doubt = false;
      for (ptrdiff_t i = 0; i < n; i++) {
        const double a = x[i * sx], b = y[i * sy], c = w[i * sw];
        g[i] = (double)(i % 4);
        z[i] = f->value(a, arity > 1 ? b : 0, arity > 2 ? c : 0);
        const double p = f->partial[k](a, arity > 1 ? b : 0, arity > 2 ? c : 0, z[i], .5);
        const double flow = f->mask[k] && p == 0 ? 0 : p * g[i];
        doubt |= isnan(flow) && g[i] == 0;
        right[i * sa] += flow;
      }
      const double zero[1] = {0};
      const dz__lanes l = {.n = (size_t)n,
                           .in = {x, arity > 1 ? y : zero, arity > 2 ? w : zero},
                           .step = {sx, sy, sw},
                           .z = z,
                           .g = g,
                           .ga = ga,
                           .ga_step = sa,
                           .tie = .5};
      ck_assert(f->pull[k](&l) == doubt);
      for (ptrdiff_t i = 0; i < (sa ? n : 1); i++)
        ck_assert_msg(fabs(ga[i] - right[i]) <= N * 0x1p-53 * fabs(right[i]) || same(ga[i], right[i]),
                      "%s, operand %d, steps %zu, lane %td: %a, not %a", dz__ops[_i].name, k, kind, i, ga[i],
                      right[i]);
    }
}
END_TEST

SUITE(EACH(rows_are_the_tables, DZ__F_POINTWISE_END), EACH(pulls_are_the_tables, DZ__F_POINTWISE_END))
