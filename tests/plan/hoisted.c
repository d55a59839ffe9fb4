/* Native code of loops whose sums have a factor taken out, where memory is short: what cannot be had is said,
   and every block comes back as it was given. */
#include "cache.h"
#include "dz/dz.h"
#include "effort.h"
#include "failing.h"

enum { TERMS = 3, POINTS = 64, MOST_COMPILED = 3 };

/* z_i = sum of l_j (x_ij - m_j), all of them small whole numbers; y = sum of z_i^2. */
static double point(int i, int j) { return i * (j + 2) % 7 - 3; }

static dz_plan *plan_of(const dz_allocator *a) {
  dz_tape *t = dz_tape_new(NULL);
  dz_var v[2 * TERMS], y = dz_num(0);
  for (int j = 0; j < 2 * TERMS; j++) v[j] = dz_input(t, j + 1);
  for (int i = 0; i < POINTS; i++) {
    dz_var z = dz_num(0);
    for (int j = 0; j < TERMS; j++) z = dz_add(z, dz_mul(v[j], dz_sub(point(i, j), v[TERMS + j])));
    y = dz_add(y, dz_mul(z, z));
  }
  dz_plan *p = dz_plan_new(1, &y, 2 * TERMS, v, &(dz_plan_options){.quick = true, .allocator = a}, NULL);
  ck_assert_ptr_nonnull(p);
  dz_tape_free(t);
  return p;
}

/* By l_j the sum of 2 z_i (x_ij - m_j), by m_j that of -2 z_i l_j: whole numbers, so that every order is
   right. */
static void expect(const dz_plan *p) {
  double in[2 * TERMS], g[2 * TERMS], want[2 * TERMS] = {0}, y, sum = 0;
  for (int j = 0; j < 2 * TERMS; j++) in[j] = 3 - j;
  for (int i = 0; i < POINTS; i++) {
    double z = 0;
    for (int j = 0; j < TERMS; j++) z += in[j] * (point(i, j) - in[TERMS + j]);
    sum += z * z;
    for (int j = 0; j < TERMS; j++) {
      want[j] += 2 * z * (point(i, j) - in[TERMS + j]);
      want[TERMS + j] -= 2 * z * in[j];
    }
  }
  void *work = malloc(dz_plan_memory(p));
  ck_assert_int_eq(dz_plan_run(p, in, &y, g, work), DZ_OK);
  ck_assert(y == sum);
  for (int j = 0; j < 2 * TERMS; j++) ck_assert_msg(g[j] == want[j], "%d: %g, not %g", j, g[j], want[j]);
  free(work);
}

/* Each allocation fails once. Without room to look for factors the loop is written as it is. */
START_TEST(native_without_memory) {
  const dz_native_options native = {.cache = cache};
  failing f = {0};
  const dz_allocator a = failing_allocator(&f);
  int made = 0;
  bool done = false;
  for (size_t only = 0; !done && made < MOST_COMPILED; only++) {
    dz_plan *p = plan_of(&a);
    const size_t blocks = f.blocks;
    f.calls = f.failed = 0;
    f.only = only;
    const dz_status status = dz_plan_native(p, &native, NULL);
    done = only > 0 && f.failed == 0;
    f.only = 0;
    ck_assert(status == DZ_OK || status == DZ_ERR_MEMORY);
    ck_assert(dz_plan_is_native(p) == (status == DZ_OK));
    if (status) ck_assert_uint_eq(f.blocks, blocks);
    if (status == DZ_OK) made++;
    if (status == DZ_OK) expect(p);
    dz_plan_free(p);
    ck_assert(f.blocks == 0 && f.bytes == 0);
  }
  ck_assert_int_gt(made, 0);
}
END_TEST

SUITE_BETWEEN(set_up, tear_down, ONCE(native_without_memory))
