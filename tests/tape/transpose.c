/* The dot-product test: forward and reverse mode are each other's transpose, so u (J v) = (u J) v on random
   graphs, within a bound that is proven. */
#include "dice.h"
#include "dz/sweep.h"
#include "dz/tangent.h"
#include "dz/tensor.h"
#include "on_tape.h"

#include <math.h>

static dz_var tensor(dz_role role, int rank, const size_t *dims, const double *values) {
  return dz_leaf_tensor(tape, role, rank, dims, values);
}

enum { NODES = 60 };

/* A random graph whose values, partials and seeds are all positive, so that nothing cancels: every sum over
   paths then has a relative error of a few u for each node passed. */
static int grow(dz_var *x, int n) {
  for (; n < NODES; n++) {
    dz_var a = x[(int)uniform(0, n)], b = x[(int)uniform(n > 6 ? n - 6 : 0, n)], s;
    switch ((int)uniform(0, 14)) {
    case 0:
      x[n] = dz_add(a, b);
      break;
    case 1:
      x[n] = dz_div(dz_mul(a, b), dz_num(4));
      break;
    case 2:
      x[n] = dz_sqrt(a);
      break;
    case 3:
      x[n] = dz_log1p(a);
      break;
    case 4:
      x[n] = dz_atan(dz_hypot(a, b));
      break;
    case 5:
      x[n] = dz_fmax(a, b);
      break;
    case 6:
      x[n] = dz_where(dz_lt(a, b), dz_tanh(a), dz_softplus(b));
      break;
    case 7:
      x[n] = dz_sqrt(dz_sum(a, DZ_ALL, false));
      break;
    case 8:
      x[n] = dz_add(dz_norm(a, DZ_ALL, false), dz_log1p(b));
      break;
    case 9:
      x[n] = dz_mul(dz_logsumexp(dz_log1p(a), DZ_ALL, false), dz_num(.5));
      break;
    case 10:
      x[n] = dz_atan(dz_cumprod(dz_broadcast_to(dz_sqrt(dz_max(a, DZ_ALL, false)), 1, (size_t[]){3}), 0));
      break;
    case 11:
      x[n] = dz_sqrt(dz_cumsum(dz_broadcast_to(dz_atan(dz_min(a, DZ_ALL, false)), 1, (size_t[]){3}), 0));
      break;
    case 12:
      s = dz_sqrt(dz_add(dz_num(1), dz_sum(dz_atan(b), DZ_ALL, false)));
      x[n] = dz_gather(dz_stack(2, ((dz_var[]){s, dz_tanh(s)}), 0),
                       tensor(DZ_ROLE_DATA, DIMS(3), V(1, 0, -1)), 0);
      break;
    default:
      s = dz_atan(dz_broadcast_to(dz_sum(a, DZ_ALL, true), 2, (size_t[]){3, 3}));
      x[n] = dz_matmul(dz_broadcast_to(dz_sqrt(dz_max(b, DZ_ALL, false)), 1, (size_t[]){3}), s);
      break;
    }
  }
  return n;
}

START_TEST(dot_products) {
  state = 0x2545f4914f6cdd1du + (uint64_t)_i;
  dz_var x[NODES];
  double v[8], u[3], jv[3], left = 0, right = 0;
  const double start[3] = {uniform(.1, 2), uniform(.1, 2), uniform(.1, 2)};
  for (int k = 0; k < 3; k++) x[k] = dz_input(tape, uniform(.1, 2));
  x[3] = tensor(DZ_ROLE_INPUT, DIMS(3), start);
  for (int k = 0; k < 6; k++) v[k] = uniform(.1, 1);
  dz_var y = x[grow(x, 4) - 1];
  for (int k = 4; k < NODES; k++) ck_assert_msg(dz_valid(x[k]), "%s", dz_tape_error(tape)->message);
  y = dz_mul(y, tensor(DZ_ROLE_DATA, DIMS(3), V(1, 2, 3)));
  ck_assert_uint_eq(dz_size(y), 3);
  ck_assert_int_eq(dz_tangent(y, 4, x, v, jv), DZ_OK);
  for (int k = 0; k < 3; k++) u[k] = uniform(.1, 1);
  ck_assert_int_eq(dz_backward_with(y, tensor(DZ_ROLE_DATA, DIMS(3), u)), DZ_OK);
  for (int k = 0; k < 3; k++) left += u[k] * jv[k];
  for (int k = 0; k < 3; k++) right += dz_adjoint(x[k]) * v[k];
  for (int k = 0; k < 3; k++) right += dz_adjoints(x[3])[k] * v[3 + k];
  /* At most 8 nodes of at most 16 terms each per turn, a product and a sum for each term, in both sweeps. */
  const double bound = 2 * (NODES * 8 + 8) * (16 + 2) * 0x1p-53;
  ck_assert(left >= 0 && fabs(left - right) <= bound * fabs(left));
}
END_TEST

SUITE_ON_TAPE(EACH(dot_products, 300))
