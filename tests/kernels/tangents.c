/* Tangents of single operations, with whole numbers and by their definitions, where all is equality. Arrays
   end where they are said to end; where nothing arrives the direction is NaN, and masks are 0 or 3. */
#include "kernels/pointwise.h"
#include "kernels/tangent.h"
#include "problem.h"
#include "suite.h"

typedef struct push {
  double *t[MOST_ARGS], *reached[MOST_ARGS], *out, *mask;
} push;

static double *filled(size_t n, double x) {
  double *p = room(n);
  for (size_t i = 0; i < n; i++) p[i] = x;
  return p;
}

static void random_direction(push *q, int k, size_t n, bool careful) {
  q->t[k] = room(n);
  if (careful) q->reached[k] = room(n);
  for (size_t i = 0; i < n; i++) {
    q->t[k][i] = whole();
    if (!careful) continue;
    q->reached[k][i] = below(2) ? 3 : 0;
    if (q->reached[k][i] == 0) q->t[k][i] = (double)NAN;
  }
}

/* Bit k of `active`: operand k moves. */
static push pushed(problem *p, unsigned active, bool careful) {
  push q = {.out = filled(p->out.size, (double)NAN), .mask = filled(p->out.size, (double)NAN)};
  size_t space = 2 * p->out.size;
  dz__array *args = malloc((size_t)p->nargs * sizeof *args);
  if (!args) abort();
  for (int k = 0; k < p->nargs; k++) {
    args[k] = p->args[k];
    space += 3 * args[k].size;
    if (active >> k & 1) random_direction(&q, k, args[k].size, careful);
  }
  p->scratch = filled(space, (double)NAN);
  dz__call c = call_of(p);
  c.args = args;
  const bool pointwise = p->fn < DZ__F_POINTWISE_END;
  const dz__tangent_call t = {.op = pointwise ? NULL : op_of(p),
                              .call = c,
                              .args = args,
                              .t = q.t,
                              .reached = careful ? q.reached : NULL,
                              .out = q.out,
                              .out_reached = careful ? q.mask : NULL};
  if (pointwise)
    dz__tangent_pointwise(p->fn, &t);
  else
    t.op->tangent(&t);
  free(args);
  return q;
}

static void end(problem *p, push *q) {
  for (int k = 0; k < p->nargs; k++) free(q->t[k]), free(q->reached[k]);
  free(q->out), free(q->mask);
  drop(p);
}

/* What arrives at one element: `want` is a sum over what was reached. */
typedef struct arrival {
  double want;
  bool hit;
} arrival;

static void arrive(arrival *a, const push *q, int k, size_t i, double slope) {
  if (!q->t[k] || (q->reached[k] && q->reached[k][i] == 0)) return;
  a->want += slope * q->t[k][i];
  a->hit = true;
}

static void expect(const push *q, size_t o, bool careful, arrival a) {
  ck_assert_msg(q->out[o] == a.want, "element %zu: %g, not %g", o, q->out[o], a.want);
  ck_assert(careful ? (q->mask[o] > 0) == a.hit && q->mask[o] >= 0 : isnan(q->mask[o]));
}

/* ---- elementwise ---- */

static double value_of(dz__fn fn, const double *v) {
  return fn == DZ__F_mul ? v[0] * v[1] : fn == DZ__F_fmax ? fmax(v[0], v[1]) : v[0] != 0 ? v[1] : v[2];
}

static double slope_of(dz__fn fn, int k, const double *v, bool both) {
  if (fn == DZ__F_mul) return v[1 - k];
  if (fn == DZ__F_where) return k > 0 && (v[0] != 0) == (k == 1);
  return v[0] == v[1] ? (both ? .5 : 0) : v[k] > v[1 - k];
}

/* A shape that broadcasts to the whole one: without some of its outer axes, and with units for some of the
   others. */
static dz__array part_of(int rank, const size_t *dims) {
  size_t own[DZ__MAX_RANK];
  const int gone = below(3) ? 0 : below(rank + 1);
  for (int k = gone; k < rank; k++) own[k - gone] = below(3) ? dims[k] : 1;
  return array_of(rank - gone, own);
}

static dz__array result_of(const problem *p) {
  size_t dims[DZ__MAX_RANK];
  int rank = 0;
  for (int k = 0; k < p->nargs; k++) rank = p->args[k].rank > rank ? p->args[k].rank : rank;
  for (int d = 0; d < rank; d++) dims[d] = 1;
  for (int k = 0; k < p->nargs; k++)
    for (int d = 0; d < p->args[k].rank; d++)
      if (p->args[k].dims[d] != 1) dims[d + rank - p->args[k].rank] = p->args[k].dims[d];
  return array_of(rank, dims);
}

/* Where in operand k element o of the result comes from, of axes `from` to `to` of the result. */
static size_t source(const dz__array *out, const dz__array *x, size_t o) {
  size_t z[DZ__MAX_RANK], at[DZ__MAX_RANK];
  split(o, out, z);
  for (int d = 0; d < x->rank; d++) at[d] = x->dims[d] == 1 ? 0 : z[out->rank - x->rank + d];
  return place(at, x);
}

START_TEST(elementwise) {
  const dz__fn fn = (dz__fn[]){DZ__F_mul, DZ__F_fmax, DZ__F_where}[_i];
  const int arity = dz__ops[fn].arity;
  for (int turn = 0; turn < EFFORT(1000, 300); turn++) {
    problem p = {.fn = fn, .nargs = arity};
    const bool careful = below(2);
    const unsigned active = 1 + (unsigned)below((1 << arity) - 1);
    const dz__array all = random_array(turn % 9, 300);
    for (int k = 0; k < arity; k++) {
      p.args[k] = part_of(all.rank, all.dims);
      for (size_t i = 0; i < p.args[k].size; i++) p.args[k].data[i] = below(4) - 1;
    }
    free(all.data);
    p.out = result_of(&p);
    double v[3] = {0};
    for (size_t o = 0; o < p.out.size; o++) {
      for (int k = 0; k < arity; k++) v[k] = p.args[k].data[source(&p.out, &p.args[k], o)];
      p.out.data[o] = value_of(fn, v);
    }
    push q = pushed(&p, active, careful);
    for (size_t o = 0; o < p.out.size; o++) {
      arrival a = {0};
      for (int k = 0; k < arity; k++) v[k] = p.args[k].data[source(&p.out, &p.args[k], o)];
      for (int k = 0; k < arity; k++) {
        const double slope = slope_of(fn, k, v, q.t[0] && q.t[1]);
        if (slope != 0 || fn == DZ__F_mul) arrive(&a, &q, k, source(&p.out, &p.args[k], o), slope);
      }
      expect(&q, o, careful, a);
    }
    end(&p, &q);
  }
}
END_TEST

/* ---- along the axes of a matrix: [2, n] and [n, 2] ---- */

static problem along_axis(dz__fn fn, int turn) {
  const int axis = turn % 2;
  const size_t n = 1 + (size_t)below(6), wide = below(5) ? 2 : 64;
  problem p = {.fn = fn, .nargs = 1, .args = {array_of(2, axis ? (size_t[]){wide, n} : (size_t[]){n, wide})}};
  const bool scan = fn == DZ__F_cumprod;
  p.nattr = 2 - scan;
  p.attr[1 - scan] = axis;
  /* no two are the same, so that one is the largest; of a product they are small */
  for (size_t i = 0; i < p.args[0].size; i++)
    p.args[0].data[i] = fn == DZ__F_max ? (double)(i * 101 % 1009) : below(4) - 1;
  forward(&p);
  return p;
}

/* Element j of group g. */
static size_t member(const problem *p, int axis, size_t g, size_t j) {
  return axis ? g * p->args[0].dims[1] + j : j * p->args[0].dims[1] + g;
}

START_TEST(reductions) {
  const dz__fn fn = _i ? DZ__F_max : DZ__F_prod;
  for (int turn = 0; turn < 300; turn++) {
    problem p = along_axis(fn, turn);
    const bool careful = below(2);
    push q = pushed(&p, 1, careful);
    const int axis = turn % 2;
    const size_t n = p.args[0].dims[axis];
    for (size_t g = 0; g < p.out.size; g++) {
      arrival a = {0};
      for (size_t j = 0; j < n; j++) {
        double others = 1;
        for (size_t k = 0; k < n; k++)
          if (k != j) others *= p.args[0].data[member(&p, axis, g, k)];
        const size_t i = member(&p, axis, g, j);
        const bool most = p.args[0].data[i] == p.out.data[g];
        if (fn == DZ__F_prod || most) arrive(&a, &q, 0, i, fn == DZ__F_prod ? others : 1);
      }
      expect(&q, g, careful, a);
    }
    end(&p, &q);
  }
}
END_TEST

START_TEST(running_products) {
  for (int turn = 0; turn < 300; turn++) {
    problem p = along_axis(DZ__F_cumprod, turn);
    const bool careful = below(2);
    push q = pushed(&p, 1, careful);
    const int axis = turn % 2;
    const size_t n = p.args[0].dims[axis];
    for (size_t g = 0; g < p.args[0].dims[1 - axis]; g++)
      for (size_t last = 0; last < n; last++) {
        arrival a = {0};
        for (size_t j = 0; j <= last; j++) {
          double others = 1;
          for (size_t k = 0; k <= last; k++)
            if (k != j) others *= p.args[0].data[member(&p, axis, g, k)];
          arrive(&a, &q, 0, member(&p, axis, g, j), others);
        }
        expect(&q, member(&p, axis, g, last), careful, a);
      }
    end(&p, &q);
  }
}
END_TEST

/* ---- products of matrices, of vectors, and of many that broadcast ---- */

/* An operand of rank 1, or some of the axes `batch` and two for the matrix. */
static dz__array factor(int batches, const size_t *batch, size_t rows, size_t columns, size_t inner) {
  if (below(5) == 0) return array_of(1, &inner);
  dz__array outer = part_of(batches, batch);
  size_t dims[DZ__MAX_RANK];
  memcpy(dims, outer.dims, sizeof dims);
  dims[outer.rank] = rows, dims[outer.rank + 1] = columns;
  free(outer.data);
  return array_of(outer.rank + 2, dims);
}

/* Where the matrix of operand x begins that makes the one with element o of the result, of whose axes the
   last `own` are the matrix's. */
static size_t matrix(const dz__array *out, int own, const dz__array *x, size_t o) {
  dz__array of = *out, from = *x;
  size_t inner = 1, each = 1;
  if (x->rank < 2) return 0;
  of.rank -= own, from.rank -= 2;
  for (int d = of.rank; d < out->rank; d++) inner *= out->dims[d];
  for (int d = from.rank; d < x->rank; d++) each *= x->dims[d];
  return each * source(&of, &from, o / inner);
}

START_TEST(products_of_matrices) {
  for (int turn = 0; turn < EFFORT(2000, 600); turn++) {
    size_t batch[6], m = 1 + (size_t)below(3), n = 1 + (size_t)below(3),
                     inner = (size_t)below(8) ? 1 + (size_t)below(3) : 0;
    const int batches = below(7);
    const bool careful = below(2);
    for (int d = 0; d < batches; d++) batch[d] = below(9) ? 1 + (size_t)below(2) : 0;
    problem p = {.fn = DZ__F_matmul, .nargs = 2};
    p.args[0] = factor(batches, batch, m, inner, inner);
    p.args[1] = factor(batches, batch, inner, n, inner);
    fill_whole(p.args[0]), fill_whole(p.args[1]);
    forward(&p);
    push q = pushed(&p, 1 + (unsigned)below(3), careful);
    const dz__array *x = &p.args[0], *y = &p.args[1];
    const size_t rows = x->rank > 1 ? m : 1, columns = y->rank > 1 ? n : 1;
    const int own = (x->rank > 1) + (y->rank > 1);
    for (size_t o = 0; o < p.out.size; o++) {
      arrival a = {0};
      for (size_t k = 0; k < inner; k++) {
        const size_t i = matrix(&p.out, own, x, o) + o / columns % rows * inner + k;
        const size_t j = matrix(&p.out, own, y, o) + k * columns + o % columns;
        arrive(&a, &q, 0, i, y->data[j]);
        arrive(&a, &q, 1, j, x->data[i]);
      }
      expect(&q, o, careful, a);
    }
    end(&p, &q);
  }
}
END_TEST

SUITE(EACH(elementwise, 3), EACH(reductions, 2), ONCE(running_products), ONCE(products_of_matrices))
