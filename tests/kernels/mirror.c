/* place and scatter, the transposes of index and gather: of random operands each gives what the operation
   that it mirrors takes apart, and back. Whole numbers make every sum exact. */
#include "problem.h"
#include "suite.h"

/* Where element o of the operand goes in the result. */
typedef size_t target(const problem *p, size_t o);

static size_t place_target(const problem *p, size_t o) {
  size_t from[DZ__MAX_RANK], z[DZ__MAX_RANK];
  split(o, &p->args[0], from);
  for (int k = 0, n = 0; k < p->out.rank; k++) {
    const int64_t *at = p->attr + 4 * k;
    z[k] = (size_t)(at[0] + at[2] * (at[3] ? 0 : (int64_t)from[n]));
    n += !at[3];
  }
  return place(z, &p->out);
}

static size_t scatter_target(const problem *p, size_t o) {
  const dz__array *x = &p->args[0], *at = &p->args[1];
  size_t from[DZ__MAX_RANK], z[DZ__MAX_RANK];
  const int axis = (int)p->attr[0];
  split(o, x, from);
  for (int k = 0; k < p->out.rank; k++) z[k] = from[k < axis ? k : k + at->rank - 1];
  const double v = at->data[place(from + axis, at)];
  z[axis] = (size_t)(v < 0 ? v + (double)p->attr[1] : v);
  return place(z, &p->out);
}

/* What flows back adds to what is there, and nothing flows where nobody wants it. */
static void check_mirror(problem *p, target *to) {
  forward(p);
  double *want = calloc(p->out.size + 1, sizeof *want);
  for (size_t o = 0; o < p->args[0].size; o++) want[to(p, o)] += p->args[0].data[o];
  for (size_t i = 0; i < p->out.size; i++) ck_assert(p->out.data[i] == want[i]);
  prepare_reverse(p, 2);
  ck_assert(!reverse(p));
  for (size_t o = 0; o < p->args[0].size; o++) ck_assert(p->ga[0][o] == p->was[0][o] + p->g[to(p, o)]);
  dz__call unwanted = call_of(p);
  unwanted.ga = (double *[]){NULL, NULL};
  ck_assert(!op_of(p)->reverse(&unwanted));
  free(want);
}

enum { TURNS = 400 };

START_TEST(places) {
  for (int turn = 0; turn < TURNS; turn++) {
    problem p = {.fn = DZ__F_place, .nargs = 1};
    const int rank = turn % (DZ__MAX_RANK + 1);
    size_t dims[DZ__MAX_RANK];
    int kept = 0;
    p.nattr = 5 * rank;
    for (int k = 0; k < rank; k++) {
      int64_t *at = p.attr + 4 * k, n = below(8) ? 1 + below(3) : 0;
      p.attr[4 * rank + k] = n;
      at[2] = 1;
      at[3] = n > 0 && below(4) == 0;
      at[0] = n > 0 ? below((int)n) : 0;
      if (!at[3] && below(2)) at[2] = below(2) ? 1 + below(3) : -1 - below(3);
      const int64_t most = n == 0 ? 0 : at[2] > 0 ? (n - 1 - at[0]) / at[2] + 1 : at[0] / -at[2] + 1;
      at[1] = at[3] ? 1 : below((int)most + 1);
      if (!at[3]) dims[kept++] = (size_t)at[1];
    }
    p.args[0] = array_of(kept, dims);
    fill_whole(p.args[0]);
    check_mirror(&p, place_target);
    drop(&p);
  }
}
END_TEST

START_TEST(scatters) {
  for (int turn = 0; turn < TURNS; turn++) {
    problem p = {.fn = DZ__F_scatter, .nargs = 2, .nattr = 2};
    const int rank = 1 + turn % DZ__MAX_RANK, axis = below(rank), extent = 1 + below(4);
    dz__array at = random_array(below(DZ__MAX_RANK + 2 - rank), 20);
    for (size_t i = 0; i < at.size; i++) at.data[i] = below(2 * extent) - extent;
    size_t dims[DZ__MAX_RANK];
    for (int k = 0; k < rank - 1 + at.rank; k++)
      dims[k] = k >= axis && k < axis + at.rank ? at.dims[k - axis] : 1 + (size_t)below(2);
    p.args[0] = array_of(rank - 1 + at.rank, dims);
    p.args[1] = at;
    p.attr[0] = axis, p.attr[1] = extent;
    fill_whole(p.args[0]);
    check_mirror(&p, scatter_target);
    drop(&p);
  }
}
END_TEST

SUITE(ONCE(places), ONCE(scatters))
