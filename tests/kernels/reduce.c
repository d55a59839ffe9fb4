/* Reductions and scans against the same sums and products in __float128, with indices worked out by division;
   and the hard points. */
#include "suite.h"

#if defined HAVE_QUADMATH
#include "problem.h"

#include "../quad.h"

static const quad u = 0x1p-53;

/* ---- random reductions ---- */

/* The result that element i of x belongs to. */
static size_t result_of(const problem *p, size_t i) {
  size_t index[DZ__MAX_RANK], kept[DZ__MAX_RANK];
  int n = 0;
  split(i, &p->args[0], index);
  for (int k = 0; k < p->args[0].rank; k++) {
    bool reduced = false;
    for (int j = 1; j < p->nattr; j++) reduced |= p->attr[j] == k;
    if (!reduced || p->attr[0]) kept[n++] = reduced ? 0 : index[k];
  }
  return place(kept, &p->out);
}

/* The elements of x by the result they belong to: those of result o are member[begin[o] .. begin[o + 1]). */
typedef struct groups {
  size_t *to, *begin, *member;
} groups;

static groups groups_of(const problem *p) {
  size_t n = p->args[0].size, m = p->out.size;
  groups s = {calloc(n + 1, sizeof(size_t)), calloc(m + 2, sizeof(size_t)), calloc(n + 1, sizeof(size_t))};
  if (!s.to || !s.begin || !s.member) abort();
  for (size_t i = 0; i < n; i++) s.begin[(s.to[i] = result_of(p, i)) + 1]++;
  for (size_t o = 0; o < m; o++) s.begin[o + 1] += s.begin[o];
  for (size_t i = n; i-- > 0;) s.member[--s.begin[s.to[i] + 1]] = i;
  memmove(s.begin, s.begin + 1, m * sizeof *s.begin);
  s.begin[m] = n;
  return s;
}

/* What a group's value is made of. */
static quad value_of(const problem *p, const groups *s, size_t o, quad *scale) {
  quad sum = 0, size = 0, product = 1, top = -HUGE_VALQ, low = HUGE_VALQ, squares = 0, powers = 0;
  for (size_t k = s->begin[o]; k < s->begin[o + 1]; k++) {
    quad x = p->args[0].data[s->member[k]];
    sum += x;
    size += fabsq(x);
    product *= x;
    squares += x * x;
    if (p->fn == DZ__F_logsumexp) powers += expq(x);
    if (x > top) top = x;
    if (x < low) low = x;
  }
  quad z = p->fn == DZ__F_sum    ? sum
           : p->fn == DZ__F_prod ? product
           : p->fn == DZ__F_max  ? top
           : p->fn == DZ__F_min  ? low
           : p->fn == DZ__F_norm ? sqrtq(squares)
                                 : logq(powers);
  *scale = p->fn == DZ__F_sum ? size : p->fn == DZ__F_logsumexp ? quad_max(fabsq(top), fabsq(z)) : fabsq(z);
  return z;
}

static quad partial_of(const problem *p, const groups *s, size_t i, quad z) {
  const double *x = p->args[0].data;
  quad others = 1;
  int ties = 0;
  if (p->fn == DZ__F_sum) return 1;
  if (p->fn == DZ__F_norm) return z == 0 ? 0 : x[i] / z;
  if (p->fn == DZ__F_logsumexp) return expq(x[i] - z);
  for (size_t k = s->begin[s->to[i]]; k < s->begin[s->to[i] + 1]; k++) {
    size_t j = s->member[k];
    if (p->fn == DZ__F_prod && j != i) others *= x[j];
    ties += x[j] == x[i];
  }
  return p->fn == DZ__F_prod ? others : x[i] == z ? (quad)1 / ties : 0;
}

/* Errors are bounded by (n + 8) u of the sum of magnitudes for a sum of n terms, and of the value for the
   rest: a product of n factors has n roundings; logsumexp adds 4 u for each unit of x - max, which is below 4
   here. */
static void check_reduction(problem *p) {
  size_t n = p->args[0].size, each = p->out.size ? n / p->out.size : 0;
  groups s = groups_of(p);
  quad *value = malloc((p->out.size + 1) * sizeof *value);
  if (!value) abort();
  quad bound = ((quad)each + 8 + 16) * u, scale;
  for (size_t o = 0; o < p->out.size; o++) {
    quad z = value[o] = value_of(p, &s, o, &scale);
    bool same = isinfq(z) ? p->out.data[o] == (double)z : fabsq(p->out.data[o] - z) <= bound * scale;
    if (!same)
      ck_abort_msg("%s: result %zu of %zu is %.17g, not %.17g", dz__ops[p->fn].name, o, p->out.size,
                   p->out.data[o], (double)z);
  }
  for (size_t i = 0; i < n; i++) {
    quad d = partial_of(p, &s, i, value[s.to[i]]) * p->g[s.to[i]], was = p->was[0][i];
    if (fabsq(p->ga[0][i] - (was + d)) > bound * fabsq(d) + 2 * u * (fabsq(was) + fabsq(d)))
      ck_abort_msg("%s: adjoint %zu of %zu is %.17g, not %.17g", dz__ops[p->fn].name, i, n, p->ga[0][i],
                   (double)(was + d));
  }
  random_masks(p);
  spread(p);
  for (size_t i = 0; i < n; i++) {
    bool selects = p->fn == DZ__F_max || p->fn == DZ__F_min;
    bool expected = p->reached[s.to[i]] != 0 && (!selects || p->args[0].data[i] == p->out.data[s.to[i]]);
    ck_assert((p->ga[0][i] > 0) == expected && p->ga[0][i] >= 0);
  }
  free(value);
  free(s.to);
  free(s.begin);
  free(s.member);
}

static const dz__fn reductions[] = {DZ__F_sum, DZ__F_prod, DZ__F_max, DZ__F_min, DZ__F_norm, DZ__F_logsumexp};
enum { REDUCTIONS = sizeof reductions / sizeof *reductions };

static problem reduction(dz__fn fn, dz__array x, unsigned axes, bool keepdims) {
  problem p = {.fn = fn, .nargs = 1, .args = {x}, .nattr = 1, .attr = {keepdims}};
  for (int k = 0; k < x.rank; k++)
    if (axes >> k & 1) p.attr[p.nattr++] = k;
  return p;
}

static bool of_nothing(const problem *p) {
  size_t each = 1, results = 1;
  for (int k = 0; k < p->args[0].rank; k++) {
    bool reduced = false;
    for (int j = 1; j < p->nattr; j++) reduced |= p->attr[j] == k;
    *(reduced ? &each : &results) *= p->args[0].dims[k];
  }
  return each == 0 && results > 0;
}

static void try_reduction(dz__fn fn, dz__array x, unsigned axes, bool keepdims) {
  problem p = reduction(fn, x, axes, keepdims);
  if (of_nothing(&p) && (fn == DZ__F_max || fn == DZ__F_min)) {
    ck_assert(shape(&p) == DZ_ERR_SHAPE);
    ck_assert(strstr(p.error.message, dz__ops[fn].name) && strstr(p.error.message, "no elements"));
  } else {
    forward(&p);
    prepare_reverse(&p, 0);
    ck_assert(!reverse(&p));
    check_reduction(&p);
  }
  drop(&p);
}

/* Every rank, random extents (0 among them) and axes; whole numbers bring ties and zeros. */
START_TEST(random_reductions) {
  dz__fn fn = reductions[_i];
  for (int turn = 0; turn < EFFORT(1500, 150); turn++) {
    int rank = turn % (DZ__MAX_RANK + 1);
    dz__array x = random_array(rank, 200);
    for (size_t i = 0; i < x.size; i++) x.data[i] = below(2) ? below(5) - 2 : uniform(-2, 2);
    try_reduction(fn, x, (unsigned)below(1 << rank), below(2));
  }
}
END_TEST

/* More lanes than a tile, more rows than a block, runs that are not a whole number of either. */
START_TEST(long_reductions) {
  static const struct {
    int rank;
    size_t dims[4];
    unsigned axes;
  } cases[] = {{1, {1500}, 1},      {2, {3, 1100}, 2},     {2, {300, 3}, 1},      {2, {150, 67}, 1},
               {2, {67, 150}, 2},   {3, {2, 140, 131}, 2}, {4, {5, 2, 40, 3}, 5}, {4, {2, 20, 3, 40}, 10},
               {3, {130, 2, 9}, 5}, {2, {1, 1025}, 3},     {2, {17, 1}, 1},       {3, {2, 1, 300}, 4},
               {2, {30, 65}, 1}};
  for (size_t c = 0; c < sizeof cases / sizeof *cases; c++)
    for (int floats = 0; floats < 2; floats++) {
      dz__array x = array_of(cases[c].rank, cases[c].dims);
      for (size_t i = 0; i < x.size; i++)
        x.data[i] = reductions[_i] == DZ__F_prod ? uniform(.9, 1.1)
                    : floats || below(3)         ? whole() / 4
                                                 : uniform(-2, 2);
      try_reduction(reductions[_i], x, cases[c].axes, c % 2);
    }
}
END_TEST

/* No adjoint is wanted; or the operand was overwritten since, so that nothing in it equals its largest
 * element. */
START_TEST(nothing_to_add_to) {
  for (unsigned skip = 0; skip < 2; skip++) {
    problem p = reduction(reductions[_i], array_of(1, (size_t[]){3}), 1, false);
    memcpy(p.args[0].data, (double[]){1, 2, 3}, 3 * sizeof(double));
    forward(&p);
    prepare_reverse(&p, skip);
    p.g[0] = 0;
    memcpy(p.args[0].data, (double[]){-5, 5, -6}, 3 * sizeof(double));
    ck_assert(!reverse(&p));
    for (int i = 0; i < 3 && !skip; i++) ck_assert(p.ga[0][i] == p.was[0][i]);
    drop(&p);
  }
}
END_TEST

/* A million equal terms: the error bound of sums.c knows nothing of their number, in either direction of the
 * walk. */
START_TEST(sums_do_not_drift) {
  for (int lead = 0; lead < 2; lead++) {
    dz__array x = array_of(2, (size_t[]){lead ? 1000000 : 2, lead ? 2 : 1000000});
    for (size_t i = 0; i < x.size; i++) x.data[i] = .1;
    problem p = reduction(DZ__F_sum, x, lead ? 1 : 2, false);
    forward(&p);
    for (int i = 0; i < 2; i++) ck_assert(fabsq(p.out.data[i] - 1000000 * (quad).1) <= 133 * u * 100000);
    drop(&p);
  }
}
END_TEST

/* ---- scans ---- */

/* z_k and the adjoints by their definitions: sums over k >= j of g_k times the product of the others up to k.
 */
static void check_lane(const problem *p, size_t first, size_t n, size_t step) {
  bool product = p->fn == DZ__F_cumprod;
  const double *x = p->args[0].data;
  quad bound = ((quad)n + 8) * u;
  for (size_t j = 0; j < n; j++) {
    quad sum = p->was[0][first + j * step], size = fabsq(sum), z = product, all = product, others = 1;
    for (size_t k = 0; k < n; k++) {
      if (product && k != j) others *= x[first + k * step];
      if (k >= j) {
        sum += others * p->g[first + k * step];
        size += fabsq(others * p->g[first + k * step]);
      }
      if (k > j) continue;
      z = product ? z * x[first + k * step] : z + x[first + k * step];
      all = product ? z : all + fabsq(x[first + k * step]);
    }
    ck_assert(fabsq(p->out.data[first + j * step] - z) <= bound * fabsq(all));
    ck_assert(fabsq(p->ga[0][first + j * step] - sum) <= 2 * bound * size);
  }
}

START_TEST(random_scans) {
  for (int turn = 0; turn < EFFORT(1500, 150); turn++) {
    int rank = 1 + turn % DZ__MAX_RANK;
    dz__array x = turn % 100 ? random_array(rank, 300) : array_of(3, (size_t[]){2, 20, 70});
    for (size_t i = 0; i < x.size; i++) x.data[i] = below(2) ? below(5) - 2 : uniform(-1.5, 1.5);
    int axis = below(x.rank);
    problem p = {
        .fn = _i ? DZ__F_cumprod : DZ__F_cumsum, .nargs = 1, .args = {x}, .nattr = 1, .attr = {axis}};
    forward(&p);
    ck_assert(p.out.rank == x.rank && !memcmp(p.out.dims, x.dims, sizeof x.dims) && p.out.size == x.size);
    prepare_reverse(&p, 0);
    ck_assert(!reverse(&p));
    size_t step = 1;
    for (int k = axis + 1; k < x.rank; k++) step *= x.dims[k];
    for (size_t i = 0; i < x.size; i++)
      if (i / step % x.dims[axis] == 0) check_lane(&p, i, x.dims[axis], step);
    random_masks(&p);
    spread(&p);
    for (size_t i = 0; i < x.size; i++) {
      bool expected = false;
      for (size_t k = i; k < x.size && k / (step * x.dims[axis]) == i / (step * x.dims[axis]); k += step)
        expected |= p.reached[k] != 0;
      ck_assert((p.ga[0][i] > 0) == expected);
    }
    drop(&p);
  }
}
END_TEST

/* ---- the hard points ---- */

/* A reduction of a vector to a scalar: value, adjoints for g, and what reverse said. */
static bool vector(dz__fn fn, size_t n, const double *x, double g, const double *reached, double *z,
                   double *ga) {
  dz__array a = array_of(1, &n);
  if (n > 0) memcpy(a.data, x, n * sizeof *x);
  problem p = reduction(fn, a, 1, false);
  forward(&p);
  prepare_reverse(&p, 0);
  p.g[0] = g;
  if (reached) p.reached = memcpy(room(1), reached, sizeof *reached);
  for (size_t i = 0; i < n; i++) p.ga[0][i] = 0;
  bool doubt = reverse(&p);
  *z = p.out.data[0];
  if (n > 0) memcpy(ga, p.ga[0], n * sizeof *ga);
  drop(&p);
  return doubt;
}

static bool same(const double *a, const double *b, size_t n) {
  for (size_t i = 0; i < n; i++)
    if (a[i] != b[i] && !(isnan(a[i]) && isnan(b[i]))) return false;
  return true;
}

#define INF ((double)INFINITY)
#define NIL ((double)NAN)

START_TEST(points) {
  static const struct {
    dz__fn fn;
    size_t n;
    double x[4], z, g, ga[4];
  } cases[] = {
      {DZ__F_sum, 0, {0}, 0, 1, {0}},
      {DZ__F_prod, 0, {0}, 1, 1, {0}},
      {DZ__F_norm, 0, {0}, 0, 1, {0}},
      {DZ__F_logsumexp, 0, {0}, -INF, 1, {0}},
      {DZ__F_sum, 2, {INF, -INF}, NIL, 2, {2, 2}},
      {DZ__F_prod, 3, {0, 2, 3}, 0, 1, {6, 0, 0}},
      {DZ__F_prod, 3, {0, 2, 0}, 0, 1, {0, 0, 0}},
      {DZ__F_prod, 1, {0}, 0, 5, {5}},
      {DZ__F_prod, 2, {0x1p-1060, 0x1p1000}, 0x1p-60, 1, {0x1p1000, 0x1p-1060}},
      {DZ__F_max, 4, {1, 3, 3, 3}, 3, 3, {0, 1, 1, 1}},
      {DZ__F_max, 3, {-INF, -INF, -INF}, -INF, 3, {1, 1, 1}},
      {DZ__F_max, 2, {0., -0.}, 0, 1, {.5, .5}},
      {DZ__F_max, 3, {1, NIL, 2}, NIL, 1, {NIL, NIL, NIL}},
      {DZ__F_max, 3, {NIL, 1, 2}, NIL, 1, {NIL, NIL, NIL}},
      {DZ__F_max, 2, {1, 2}, 2, INF, {0, INF}},
      {DZ__F_min, 4, {1, 1, 2, 1}, 1, 3, {1, 1, 0, 1}},
      {DZ__F_min, 3, {1, 2, NIL}, NIL, 1, {NIL, NIL, NIL}},
      {DZ__F_norm, 2, {0, 0}, 0, 1, {0, 0}},
      {DZ__F_norm, 2, {3 * 0x1p600, -4 * 0x1p600}, 5 * 0x1p600, 1, {.6, -.8}},
      {DZ__F_norm, 2, {3e-320, 0}, 3e-320, 1, {1, 0}},
      {DZ__F_norm, 2, {3 * 0x1p-1074, 4 * 0x1p-1074}, 5 * 0x1p-1074, 1, {.6, .8}},
      {DZ__F_norm, 2, {-INF, 1}, INF, 1, {NIL, 0}},
      {DZ__F_norm, 2, {INF, NIL}, NIL, 1, {NIL, NIL}},
      {DZ__F_logsumexp, 2, {1e50, 1e50}, 1e50, 1, {.5, .5}},
      {DZ__F_logsumexp, 3, {-INF, -INF, -INF}, -INF, 3, {1, 1, 1}},
      {DZ__F_logsumexp, 2, {-INF, 7}, 7, 1, {0, 1}},
      {DZ__F_logsumexp, 4, {1, INF, INF, -INF}, INF, 1, {0, .5, .5, 0}},
      {DZ__F_logsumexp, 2, {1, NIL}, NIL, 1, {NIL, NIL}},
      {DZ__F_logsumexp, 1, {-5e300}, -5e300, 1, {1}},
  };
  for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
    double z, ga[4] = {0};
    vector(cases[c].fn, cases[c].n, cases[c].x, cases[c].g, NULL, &z, ga);
    if (!same(&z, &cases[c].z, 1) || !same(ga, cases[c].ga, cases[c].n))
      ck_abort_msg("case %zu, %s: %g; %g %g %g %g", c, dz__ops[cases[c].fn].name, z, ga[0], ga[1], ga[2],
                   ga[3]);
  }
}
END_TEST

/* ln(1 + e^-60) to relative accuracy, where 1 + e^-60 is 1. */
START_TEST(small_parts_of_logsumexp) {
  double z, ga[2];
  vector(DZ__F_logsumexp, 2, (double[]){0, -60}, 1, NULL, &z, ga);
  ck_assert(quad_error(z, log1pq(expq(-60)), 0) <= 2);
  ck_assert(ga[0] == 1 && quad_error(ga[1], quad_sigmoid(-60), 0) <= 2);
}
END_TEST

/* 0*inf is reported, and with masks a structural zero carries nothing while a numeric one is NaN. */
START_TEST(zeros_times_infinities) {
  static const struct {
    dz__fn fn;
    double x[3];
  } cases[] = {{DZ__F_prod, {INF, 2, 3}},
               {DZ__F_norm, {INF, 2, 3}},
               {DZ__F_max, {NIL, 2, 3}},
               {DZ__F_min, {NIL, 2, 3}},
               {DZ__F_logsumexp, {NIL, 2, 3}}};
  static const double zero = 0, one = 1;
  for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
    double z, ga[3];
    ck_assert(vector(cases[c].fn, 3, cases[c].x, 0, NULL, &z, ga));
    ck_assert(isnan(ga[0]) || isnan(ga[1]));
    ck_assert(vector(cases[c].fn, 3, cases[c].x, 0, &one, &z, ga));
    ck_assert(isnan(ga[0]) || isnan(ga[1]));
    ck_assert(!vector(cases[c].fn, 3, cases[c].x, 0, &zero, &z, ga));
    ck_assert(ga[0] == 0 && ga[1] == 0 && ga[2] == 0);
  }
}
END_TEST

/* Only what flows counts: x = [1, inf, 2], and g reaches the first result alone. */
START_TEST(zeros_in_cumprod) {
  size_t n = 3;
  for (int careful = 0; careful < 2; careful++) {
    problem p = {.fn = DZ__F_cumprod, .nargs = 1, .args = {array_of(1, &n)}, .nattr = 1};
    memcpy(p.args[0].data, (double[]){1, INF, 2}, 3 * sizeof(double));
    forward(&p);
    prepare_reverse(&p, 0);
    memcpy(p.g, (double[]){1, 0, 0}, 3 * sizeof(double));
    memset(p.ga[0], 0, 3 * sizeof(double));
    if (careful) p.reached = memcpy(room(3), p.g, 3 * sizeof(double));
    ck_assert(reverse(&p) == !careful);
    ck_assert(!careful || same(p.ga[0], (double[]){1, 0, 0}, 3));
    drop(&p);
  }
}
END_TEST

START_TEST(counts) {
  dz__array x = array_of(2, (size_t[]){3, 4});
  problem p = {.fn = DZ__F_count, .nargs = 1, .args = {x}, .nattr = 3, .attr = {1, 0, 1}};
  forward(&p);
  ck_assert(p.out.rank == 2 && p.out.dims[0] == 1 && p.out.dims[1] == 4);
  for (int i = 0; i < 4; i++) ck_assert(p.out.data[i] == 2);
  ck_assert(op_of(&p)->spread == NULL);
  drop(&p);
  p = (problem){.fn = DZ__F_count,
                .nargs = 1,
                .args = {{.rank = 1, .dims = {1}, .size = 1}},
                .nattr = 3,
                .attr = {0, 0, 1}};
  ck_assert(shape(&p) == DZ_ERR_SHAPE);
  ck_assert_str_eq(p.error.message, "needs more than 1 element (ddof 1), has 1: the operand has shape [1]");
  p = (problem){
      .fn = DZ__F_count, .nargs = 1, .args = {{.rank = 2, .dims = {0, 3}}}, .nattr = 3, .attr = {0, 0, 0}};
  ck_assert(shape(&p) == DZ_ERR_SHAPE);
  ck_assert_str_eq(p.error.message, "mean of no elements: the operand has shape [0, 3]");
  p.args[0].dims[1] = 0;
  p.error.status = DZ_OK;
  ck_assert(shape(&p) == DZ_OK && p.out.size == 0);
}
END_TEST

SUITE(EACH(random_reductions, REDUCTIONS), EACH(long_reductions, REDUCTIONS),
      EACH(nothing_to_add_to, REDUCTIONS), ONCE(sums_do_not_drift), EACH(random_scans, 2), ONCE(points),
      ONCE(small_parts_of_logsumexp), ONCE(zeros_times_infinities), ONCE(zeros_in_cumprod), ONCE(counts))
#else
SUITE_SKIPPED("this compiler has no quadmath.h")
#endif
