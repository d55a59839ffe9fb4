/* The walk of reductions by itself: every element once and in order, with the group that division says. */
#include "kernels/groups.h"
#include "problem.h"
#include "suite.h"

/* The group of element i of x. */
static size_t group_of(const dz__array *x, int naxes, const int64_t *axes, size_t i) {
  size_t index[DZ__MAX_RANK], o = 0;
  split(i, x, index);
  for (int k = 0; k < x->rank; k++) {
    bool reduced = false;
    for (int j = 0; j < naxes; j++) reduced |= axes[j] == k;
    if (!reduced) o = o * x->dims[k] + index[k];
  }
  return o;
}

/* `way` is 1 where each group goes from its first element on, -1 where from its last. */
static void expect_walk(const dz__groups *p, const dz__array *x, int naxes, const int64_t *axes, int way) {
  size_t seen = 0;
  ptrdiff_t *last = malloc((p->results + 1) * sizeof *last);
  for (size_t o = 0; o < p->results; o++) last[o] = way > 0 ? -1 : (ptrdiff_t)x->size;
  for (dz__tile t = {0}; dz__tile_next(p, &t);)
    for (dz__run r = {0}; dz__run_next(p, &t, &r);)
      for (ptrdiff_t k = 0; k < p->n; k++)
        for (ptrdiff_t j = 0; j < t.lanes; j++, seen++) {
          const ptrdiff_t i = r.at + k * p->step + j;
          ck_assert(i >= 0 && (size_t)i < x->size);
          ck_assert_uint_eq(group_of(x, naxes, axes, (size_t)i), (size_t)(t.out + j));
          ck_assert(way * (i - last[t.out + j]) > 0); /* so none comes twice */
          last[t.out + j] = i;
        }
  ck_assert_uint_eq(seen, x->size);
  free(last);
}

START_TEST(walks) {
  for (int turn = 0; turn < EFFORT(2000, 400); turn++) {
    dz__array x = random_array(turn % 7, 500);
    int64_t axes[DZ__MAX_RANK];
    int naxes = 0;
    for (int k = 0; k < x.rank; k++)
      if (below(2)) axes[naxes++] = k;
    size_t results = 1, count = 1;
    for (int k = 0, j = 0; k < x.rank; k++) {
      const bool reduced = j < naxes && axes[j] == k;
      *(reduced ? &count : &results) *= x.dims[k];
      j += reduced;
    }
    const dz__groups p = dz__groups_of(&x, naxes, axes), q = dz__groups_reversed(&p),
                     again = dz__groups_reversed(&q);
    ck_assert(p.results == results && p.count == count);
    expect_walk(&p, &x, naxes, axes, 1);
    expect_walk(&q, &x, naxes, axes, -1);
    expect_walk(&again, &x, naxes, axes, 1);
    free(x.data);
  }
}
END_TEST

/* Neighbours that are alike act as one axis, also the first two; the last is the lanes or the run. */
START_TEST(neighbours_act_as_one) {
  const dz__array x = {.rank = 5, .dims = {2, 3, 1, 4, 5}, .size = 120};
  dz__groups p = dz__groups_of(&x, 0, NULL);
  ck_assert(p.kept == 0 && p.reduced == 0 && p.lanes == 120 && p.n == 1);
  p = dz__groups_of(&x, 2, (int64_t[]){3, 4});
  ck_assert(p.kept == 1 && p.kept_dim[0] == 6 && p.reduced == 0 && p.lanes == 1 && p.n == 20 && p.step == 1);
  p = dz__groups_of(&x, 2, (int64_t[]){0, 1});
  ck_assert(p.kept == 0 && p.reduced == 0 && p.lanes == 20 && p.n == 6 && p.step == 20);
}
END_TEST

/* Of groups that are none or of nothing there is no last element, and extents may be too large to multiply.
 */
START_TEST(nothing_reversed) {
  const size_t far = (size_t)1 << 31;
  const dz__array none = {.rank = 4, .dims = {0, far, far, 4}}, of_nothing = {.rank = 2, .dims = {3, 0}};
  const dz__groups p = dz__groups_of(&none, 2, (int64_t[]){1, 3}),
                   q = dz__groups_of(&of_nothing, 1, (int64_t[]){1});
  const dz__groups of[] = {p, dz__groups_reversed(&p), q, dz__groups_reversed(&q)};
  for (size_t k = 0; k < COUNT(of); k++) {
    ck_assert_int_eq(of[k].first, 0);
    for (dz__tile t = {0}; dz__tile_next(&of[k], &t);)
      for (dz__run r = {0}; dz__run_next(&of[k], &t, &r);) ck_abort_msg("something is walked over");
  }
}
END_TEST

SUITE(ONCE(walks), ONCE(neighbours_act_as_one), ONCE(nothing_reversed))
