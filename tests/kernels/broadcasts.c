/* Elementwise operations on operands of any shapes that broadcast, with indices worked out by division. Whole
   numbers make every sum exact, so all is equality. */
#include "kernels/pointwise.h"
#include "problem.h"
#include "suite.h"

/* Where an operand has its element for element o of the result. */
static size_t own_place(const dz__array *z, const dz__array *x, size_t o) {
  size_t index[DZ__MAX_RANK], own[DZ__MAX_RANK];
  split(o, z, index);
  for (int k = 0; k < x->rank; k++) own[k] = x->dims[k] == 1 ? 0 : index[z->rank - x->rank + k];
  return place(own, x);
}

#define forward_double dz__pointwise_forward
#define forward_single dz__pointwise_forward_single
#define reverse_double dz__pointwise_reverse
#define reverse_single dz__pointwise_reverse_single
#define TEMPLATE "kernels/broadcasts.inc"
#include "kernels/twice.h"

static const dz__fn exact[] = {DZ__F_add, DZ__F_sub, DZ__F_mul, DZ__F_where};

START_TEST(broadcasts) {
  for (int turn = 0; turn < EFFORT(1000, 200); turn++) {
    dz__array z = random_array(turn % (DZ__MAX_RANK + 1), 200);
    broadcast_double(exact[_i], z, (unsigned)below(8));
    broadcast_single(exact[_i], z, (unsigned)below(8));
    free(z.data);
  }
}
END_TEST

/* What an operand gets along neighbouring axes that it repeats, be unit ones between, is added with doubles
   and rounded to floats once: 2^24 + 1 is no float, 2^24 + 2 is. So is what a single number gets. */
START_TEST(repeated_axes_are_one_run) {
  static const struct {
    dz__fn fn;
    dz__array y;
  } of[] = {{DZ__F_mul, {.rank = 4, .dims = {2, 1, 1, 1}, .size = 2}},
            {DZ__F_mul, {.rank = 1, .dims = {1}, .size = 1}},
            {DZ__F_add, {.rank = 1, .dims = {1}, .size = 1}},
            {DZ__F_add, {.rank = 0, .size = 1}}};
  float x[24], y[2] = {1, 1}, z[24], g[24] = {0}, gy[2] = {0};
  for (int i = 0; i < 24; i++) x[i] = 1;
  g[0] = 0x1p24f, g[4] = g[8] = 1;
  dz__array args[2] = {{.rank = 4, .dims = {2, 3, 4, 1}, .size = 24, .single = x}};
  args[1] = of[_i].y;
  args[1].single = y;
  dz__call call = {.op = "", .nargs = 2, .args = args, .out = args[0], .g_single = g};
  call.out.single = z;
  call.ga_single = (float *[]){NULL, gy};
  dz__pointwise_forward_single(of[_i].fn, &call);
  ck_assert(!dz__pointwise_reverse_single(of[_i].fn, &call));
  ck_assert(gy[0] == 0x1p24f + 2 && gy[1] == 0);
}
END_TEST

/* Of as many axes as there may be none is looked at behind the last. */
START_TEST(the_most_axes) {
  double x[6] = {0}, y[3] = {0}, z[6], g[6] = {1, 2, 3, 4, 5, 6}, gy[3] = {0}, one = 0;
  dz__array args[2] = {{.rank = 8, .dims = {2, 1, 1, 1, 1, 1, 1, 3}, .size = 6, .data = x},
                       {.rank = 8, .dims = {1, 1, 1, 1, 1, 1, 1, 3}, .size = 3, .data = y}};
  dz__call call = {.op = "add", .nargs = 2, .args = args, .out = args[0], .g = g};
  call.out.data = z;
  call.ga = (double *[]){NULL, gy};
  ck_assert(!dz__pointwise_reverse(DZ__F_add, &call));
  ck_assert(gy[0] == 5 && gy[1] == 7 && gy[2] == 9);
  args[1].dims[7] = args[1].size = 1;
  call.ga[1] = &one;
  ck_assert(!dz__pointwise_reverse(DZ__F_add, &call));
  ck_assert(one == 21);
}
END_TEST

SUITE(EACH(broadcasts, COUNT(exact)), EACH(repeated_axes_are_one_run, 4), ONCE(the_most_axes))
