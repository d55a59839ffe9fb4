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

static const ptrdiff_t steps[][3] = {{1, 1, 1}, {1, 0, 0}, {0, 1, 0}, {1, 1, 0}, {0, 1, 1}, {0, 0, 0}};

typedef dz__lanes lanes_double;
typedef dz__lanes_single lanes_single;
#define pull_double pull
#define TEMPLATE "kernels/pulls.inc"
#include "kernels/twice.h"
#undef pull_double

/* Also of those operations that have quicker ways, which pass these kernels by. */
START_TEST(pulls_are_the_tables) {
  for (size_t kind = 0; kind < COUNT(steps); kind++)
    for (int k = 0; k < dz__ops[_i].arity; k++) {
      pulls_double((dz__fn)_i, k, kind);
      pulls_single((dz__fn)_i, k, kind);
    }
}
END_TEST

SUITE(EACH(rows_are_the_tables, DZ__F_POINTWISE_END), EACH(pulls_are_the_tables, DZ__F_POINTWISE_END))
