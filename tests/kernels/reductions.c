/* Reductions and scans of whole numbers, where all is equality; with indices worked out by division. The
   arrays end where they are said to end (problem.h). */
#include "problem.h"
#include "suite.h"

static const dz__fn reductions[] = {DZ__F_sum, DZ__F_prod, DZ__F_max, DZ__F_min, DZ__F_norm, DZ__F_logsumexp};

/* The result that element i of x belongs to. */
static size_t result_of(const problem *p, size_t i) {
  size_t index[DZ__MAX_RANK], o = 0;
  split(i, &p->args[0], index);
  for (int k = 0; k < p->args[0].rank; k++) {
    bool reduced = false;
    for (int j = 1; j < p->nattr; j++) reduced |= p->attr[j] == k;
    if (!reduced) o = o * p->args[0].dims[k] + index[k];
  }
  return o;
}

/* What there is to know of a group, beside element `except`. */
typedef struct facts {
  double n, sum, product, squares, most, least;
} facts;

static facts facts_of(const problem *p, size_t o, size_t except) {
  facts f = {0, 0, 1, 0, -(double)INFINITY, (double)INFINITY};
  for (size_t i = 0; i < p->args[0].size; i++) {
    if (result_of(p, i) != o || i == except) continue;
    const double x = p->args[0].data[i];
    f.n++, f.sum += x, f.product *= x, f.squares += x * x;
    f.most = fmax(f.most, x), f.least = fmin(f.least, x);
  }
  return f;
}

/* Of logsumexp all elements are equal. */
static double value_of(const problem *p, size_t o) {
  const facts f = facts_of(p, o, SIZE_MAX);
  return p->fn == DZ__F_sum    ? f.sum
         : p->fn == DZ__F_prod ? f.product
         : p->fn == DZ__F_max  ? f.most
         : p->fn == DZ__F_min  ? f.least
         : p->fn == DZ__F_norm ? sqrt(f.squares)
                               : f.most + (f.n > 0 ? log1p(f.n - 1) : 0);
}

static double partial_of(const problem *p, size_t i) {
  const size_t o = result_of(p, i);
  const double x = p->args[0].data[i], z = p->out.data[o];
  if (p->fn == DZ__F_sum) return 1;
  if (p->fn == DZ__F_prod) return facts_of(p, o, i).product;
  if (p->fn == DZ__F_norm) return z == 0 ? 0 : x / z;
  if (p->fn == DZ__F_logsumexp) return 1 / facts_of(p, o, SIZE_MAX).n;
  double ties = 0;
  for (size_t k = 0; k < p->args[0].size; k++) ties += result_of(p, k) == o && p->args[0].data[k] == z;
  return x == z ? 1 / ties : 0;
}

static void check(problem *p) {
  forward(p);
  for (size_t o = 0; o < p->out.size; o++) ck_assert(p->out.data[o] == value_of(p, o));
  prepare_reverse(p, 0);
  ck_assert(!reverse(p));
  const bool selects = p->fn == DZ__F_max || p->fn == DZ__F_min;
  for (size_t i = 0; i < p->args[0].size; i++)
    ck_assert(p->ga[0][i] == p->was[0][i] + partial_of(p, i) * p->g[result_of(p, i)]);
  random_masks(p);
  spread(p);
  for (size_t i = 0; selects && i < p->args[0].size; i++) /* not divided, however many tie */
    ck_assert(p->ga[0][i] == (partial_of(p, i) != 0 ? p->reached[result_of(p, i)] : 0));
}

START_TEST(whole_numbers) {
  const dz__fn fn = reductions[_i];
  for (int turn = 0; turn < EFFORT(400, 100); turn++) {
    const bool tiles = turn % 50 == 49; /* more than one, some of them full */
    dz__array x = tiles ? array_of(2, (size_t[]){3, 60 + (size_t)below(10)}) : random_array(turn % 6, 60);
    for (size_t i = 0; i < x.size; i++)
      x.data[i] = fn == DZ__F_prod ? below(4) - 1 : fn == DZ__F_logsumexp ? 2 : whole();
    problem p = {.fn = fn, .nargs = 1, .args = {x}, .nattr = 1, .attr = {below(2)}};
    for (int k = 0; k < x.rank; k++)
      if (tiles ? k == 0 : below(2)) p.attr[p.nattr++] = k;
    const bool none = x.size == 0 && (fn == DZ__F_max || fn == DZ__F_min);
    if (!none) check(&p);
    drop(&p);
  }
}
END_TEST

/* ---- scans ---- */

/* The lane of element i, whose elements are `step` apart: z_k is a sum or product of those up to k, and x_j
   gets g_k times the product of the others from every k >= j. */
static void check_scanned(const problem *p, size_t i, size_t step, size_t n) {
  const bool product = p->fn == DZ__F_cumprod;
  const double *x = p->args[0].data;
  const size_t j = i / step % n, first = i - j * step;
  double flows = 0, others = 1, z = product;
  for (size_t k = 0; k < n; k++) {
    const double y = x[first + k * step];
    if (k <= j) z = product ? z * y : z + y;
    if (product && k != j) others *= y;
    if (k >= j) flows += others * p->g[first + k * step];
  }
  ck_assert(p->out.data[i] == z);
  ck_assert(p->ga[0][i] == p->was[0][i] + flows);
}

START_TEST(scans) {
  for (int turn = 0; turn < EFFORT(400, 100); turn++) {
    const int rank = 1 + turn % 6, axis = below(rank);
    dz__array x = turn % 10 ? random_array(rank, 100) : array_of(2, (size_t[]){3, 60 + (size_t)turn % 100});
    problem p = {.fn = _i ? DZ__F_cumprod : DZ__F_cumsum, .nargs = 1, .args = {x}, .nattr = 1};
    p.attr[0] = turn % 10 ? axis : 0;
    for (size_t i = 0; i < x.size; i++) x.data[i] = below(4) - 1;
    forward(&p);
    prepare_reverse(&p, 0);
    ck_assert(!reverse(&p));
    size_t step = 1;
    for (int k = (int)p.attr[0] + 1; k < x.rank; k++) step *= x.dims[k];
    for (size_t i = 0; i < x.size; i++) check_scanned(&p, i, step, x.dims[p.attr[0]]);
    drop(&p);
  }
}
END_TEST

/* Of x = [1, inf] g reaches the first result alone: that the infinity meets a zero is told, or where it is
   known what is reached left out. A NaN that something arrives at is no doubt. */
START_TEST(a_doubt_in_cumprod) {
  for (int kind = 0; kind < 3; kind++) {
    problem p = {.fn = DZ__F_cumprod, .nargs = 1, .nattr = 1};
    p.args[0] = array_of(1, (size_t[]){2});
    p.args[0].data[0] = 1, p.args[0].data[1] = kind < 2 ? (double)INFINITY : (double)NAN;
    forward(&p);
    prepare_reverse(&p, 0);
    p.g[0] = kind < 2, p.g[1] = kind == 2;
    if (kind == 1) p.reached = memcpy(room(2), p.g, 2 * sizeof(double));
    ck_assert(reverse(&p) == (kind == 0));
    ck_assert(kind != 1 || (p.ga[0][0] == p.was[0][0] + 1 && p.ga[0][1] == p.was[0][1]));
    ck_assert(kind != 2 || (isnan(p.ga[0][0]) && p.ga[0][1] == p.was[0][1] + 1));
    drop(&p);
  }
}
END_TEST

/* ---- hard points ---- */

/* The largest numbers there are, twice which are infinite: as one row, as lanes, as floats. */
START_TEST(the_largest) {
  const double far = _i ? (double)0x1p127f : 0x1p1023, x[] = {far, -1.5 * far, 1.5 * far, -far};
  for (size_t k = 2; k < COUNT(reductions); k++)
    for (int lanes = 0; lanes < 2; lanes++) {
      const dz__fn fn = reductions[k];
      if (fn == DZ__F_norm) continue;
      problem p = {.fn = fn, .nargs = 1, .nattr = 2, .attr = {0, !lanes}};
      p.args[0] = array_of(2, (size_t[]){2, 2});
      for (int i = 0; i < 4; i++) p.args[0].data[i] = x[lanes ? i : i / 2 + i % 2 * 2];
      forward(&p);
      const bool least = fn == DZ__F_min;
      ck_assert(p.out.data[0] == (least ? far : 1.5 * far) && p.out.data[1] == (least ? -1.5 * far : -far));
      drop(&p);
    }
}
END_TEST

/* From what nothing reached nothing flows, whatever is said to arrive there; nor to what was overwritten
   since, of which no element is the largest. */
START_TEST(nothing_flows) {
  for (int overwritten = 0; overwritten < 2; overwritten++) {
    problem p = {.fn = DZ__F_max, .nargs = 1, .nattr = 2, .attr = {0, 0}};
    p.args[0] = array_of(1, (size_t[]){2});
    p.args[0].data[0] = 1, p.args[0].data[1] = 2;
    forward(&p);
    prepare_reverse(&p, 0);
    p.g[0] = overwritten ? 0 : 5;
    if (overwritten)
      p.args[0].data[1] = 3;
    else
      p.reached = memset(room(1), 0, sizeof(double));
    ck_assert(!reverse(&p));
    for (int i = 0; i < 2; i++) ck_assert(p.ga[0][i] == p.was[0][i]);
    drop(&p);
  }
}
END_TEST

/* What is lost as blocks are added is kept: 1 and four times a quarter of its last place, each the first of a
   block, in a row and in lanes. */
START_TEST(small_parts_of_a_sum) {
  const bool lanes = _i;
  const size_t block = lanes ? 128 : 1024, n = 4 * block + 1;
  problem p = {.fn = DZ__F_sum, .nargs = 1, .nattr = 2, .attr = {0, !lanes}};
  p.args[0] = array_of(2, lanes ? (size_t[]){n, 2} : (size_t[]){2, n});
  for (size_t i = 0; i < n; i++)
    for (size_t row = 0; row < 2; row++) {
      const double x = i % block ? 0 : i ? 0x1p-54 : 1;
      p.args[0].data[lanes ? 2 * i + row : row * n + i] = row ? -x : x;
    }
  forward(&p);
  ck_assert(p.out.data[0] == 1 + 0x1p-52 && p.out.data[1] == -1 - 0x1p-52);
  drop(&p);
}
END_TEST

/* Each group is scaled by its own largest. */
START_TEST(norms_of_every_size) {
  static const double unit[] = {0x1p-1074, 0x1p1000, 0x1p-600, 1, 0x1p600, 0x1p-1074};
  for (int lanes = 0; lanes < 2; lanes++) {
    problem p = {.fn = DZ__F_norm, .nargs = 1, .nattr = 2, .attr = {0, !lanes}};
    p.args[0] = array_of(2, lanes ? (size_t[]){2, 6} : (size_t[]){6, 2});
    for (int i = 0; i < 12; i++)
      p.args[0].data[i] = ((lanes ? i / 6 : i % 2) ? -4 : 3) * unit[lanes ? i % 6 : i / 2];
    forward(&p);
    for (int o = 0; o < 6; o++) ck_assert(p.out.data[o] == 5 * unit[o]);
    drop(&p);
  }
}
END_TEST

/* An infinite element takes all, and nothing flows to the others however much arrives; in one row or two. */
START_TEST(infinite_logsumexp) {
  const double inf = (double)INFINITY;
  for (size_t rows = 1; rows < 4; rows++) {
    problem p = {.fn = DZ__F_logsumexp, .nargs = 1, .nattr = 2, .attr = {0, 1}};
    p.args[0] = array_of(2, (size_t[]){rows, 2});
    const size_t far = rows / 2; /* the only one, the last, the one between */
    for (size_t i = 0; i < 2 * rows; i++) p.args[0].data[i] = i == 2 * far ? inf : 1;
    forward(&p);
    prepare_reverse(&p, 0);
    p.g[far] = inf;
    ck_assert(!reverse(&p));
    for (size_t i = 0; i < 2 * rows; i++)
      ck_assert(p.ga[0][i] == (i == 2 * far       ? inf
                               : i == 2 * far + 1 ? p.was[0][i]
                                                  : p.was[0][i] + p.g[i / 2] / 2));
    drop(&p);
  }
}
END_TEST

/* Of results that nothing reached, which have NaN, nothing flows: by rows, and in more lanes than a tile. */
START_TEST(nothing_flows_from_others) {
  for (int k = 0; k < 4; k++) {
    const int axis = k % 2;
    problem p = {.fn = k < 2 ? DZ__F_norm : DZ__F_logsumexp, .nargs = 1, .nattr = 2, .attr = {0, axis}};
    p.args[0] = array_of(2, axis ? (size_t[]){70, 2} : (size_t[]){2, 70});
    for (size_t i = 0; i < 140; i++) p.args[0].data[i] = k < 2 ? (double)(3 + (axis ? i % 2 : i / 70)) : 2;
    forward(&p);
    prepare_reverse(&p, 0);
    random_masks(&p);
    for (size_t o = 0; o < 70; o++)
      if (p.reached[o] == 0) p.g[o] = (double)NAN;
    ck_assert(!reverse(&p));
    for (size_t i = 0; i < 140; i++) {
      const size_t o = axis ? i / 2 : i % 70;
      const double part = k < 2 ? p.args[0].data[i] / 5 : .5;
      ck_assert(p.ga[0][i] == p.was[0][i] + (p.reached[o] != 0 ? part * p.g[o] : 0));
    }
    drop(&p);
  }
}
END_TEST

START_TEST(counts) {
  problem p = {.fn = DZ__F_count, .nargs = 1, .nattr = 3, .attr = {0, 0, 1}};
  p.args[0] = array_of(2, (size_t[]){3, 4});
  fill_whole(p.args[0]);
  forward(&p);
  expect_shape(&p, 1, (size_t[]){4});
  for (int i = 0; i < 4; i++) ck_assert(p.out.data[i] == 2);
  drop(&p);
}
END_TEST

SUITE(EACH(whole_numbers, COUNT(reductions)), EACH(scans, 2), ONCE(a_doubt_in_cumprod), EACH(the_largest, 2),
      ONCE(nothing_flows), EACH(small_parts_of_a_sum, 2), ONCE(norms_of_every_size), ONCE(infinite_logsumexp),
      ONCE(nothing_flows_from_others), ONCE(counts))
