/* The forward sweep beside the reverse one, and how far rounding can drive the two apart.

   Both compute the sum over all paths of products of the same partials. A sweep that rounds makes, at the use
   of a value k by a node i, an error of at most c u |g_i| |d_ik| |t_k| in that sum, to first order: forward
   where t_i is formed, reverse where g_k is, with c the operations in it. So the two differ by at most u
   times the sum over all uses of c |g_i|^T |d_ik| |t_k|: each node gets the weight sum of c |d_ik|^T |g_i|
   over its uses once, and a direction then costs one product of weights and tangents. (A running error
   analysis: N. J. Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., 3.3.) */
#include "base/never.h"
#include "check/checking.h"
#include "dz/tangent.h"
#include "kernels/lu.h"
#include "kernels/pointwise.h"
#include "kernels/scalar.h"
#include "tape/sweep.h"
#include "tape/tangent.h"

#include <float.h>
#include <math.h>
#include <string.h>

#define UNIT (DBL_EPSILON / 2)
enum { OPERATIONS = 8, MOST_PROBES = 256 }; /* operations in one use, both sweeps, sums of many terms aside */

typedef struct weighing {
  dz_tape *tape;
  uint32_t top;
  dz__adjoints weight; /* laid out as adjoints are */
  uint32_t *uses;      /* of each node */
  double floor;        /* what underflow in the forward sweep can do */
  dz__lone lone;
  bool sound; /* no part is missing */
} weighing;

static size_t size_of(const dz_tape *t, uint32_t i) {
  const dz__wide *w = dz__wide_of(t, i);
  return w ? w->size : 1;
}

/* The node is active. */
static void add(weighing *w, uint32_t node, const double *sizes, double operations) {
  double *at = dz__tangent_slot(dz__of(w->tape), &w->weight, node);
  for (size_t e = size_of(w->tape, node); e-- > 0;)
    if (sizes[e] != 0) at[e] += operations * (fabs(sizes[e]) + DBL_TRUE_MIN / UNIT);
}

static void weigh_scalar(weighing *w, uint32_t i, double g) {
  dz__site s = dz__site_of(w->tape, i);
  dz__pair arg = dz__operands(w->tape, i);
  for (int k = 0; k < 2; k++) {
    if (!s.wants[k]) continue;
    double use = dz__flow(s.f->mask[k], s.f->partial[k](s.in[0], s.in[1], 0, s.z, s.tie), g);
    uint32_t operand = k ? arg.b : arg.a;
    w->uses[operand]++;
    add(w, operand, &use, OPERATIONS);
  }
  w->floor += OPERATIONS * fabs(g) * DBL_TRUE_MIN;
}

/* How long sums inside the operation, and of what flows back to one element, are at most; x is not empty.
   What is chosen may be the same element each time, and a matrix may be the same in every product. */
static double longest(dz_var x) {
  const dz__fn fn = dz__fn_of(x);
  double n = 1, size = (double)dz_size(x);
  if (fn == DZ__F_gather || fn == DZ__F_scatter) n = fmax(size, (double)dz_size(dz_operand(x, 1)));
  if (fn == DZ__F_matmul) {
    const int rank = dz_rank(x);
    const bool matrices = dz_rank(dz_operand(x, 0)) > 1 && dz_rank(dz_operand(x, 1)) > 1;
    n = matrices ? size / fmin((double)dz_extent(x, rank - 2), (double)dz_extent(x, rank - 1)) : size;
  }
  for (int k = 0; k < dz_rank(x); k++) n = fmax(n, (double)dz_extent(x, k));
  for (int j = dz_describe(x).nargs; j-- > 0;) {
    dz_var o = dz_operand(x, j);
    double part = (double)dz_size(o);
    for (int k = 0; k < dz_rank(o); k++) n = fmax(n, (double)dz_extent(o, k));
    if (part > 0) n = fmax(n, fmax(size / part, part / size));
  }
  return n;
}

/* The operation alone, and a seed for it. *done is false where it refuses, or gives another shape. */
static bool sweep_alone(weighing *w, dz_var x, dz__way way, const double *g, bool *done) {
  dz__lone *l = &w->lone;
  dz_var z;
  size_t dims[DZ_MAX_RANK];
  *done = false;
  if (!dz__lone_take(l, x, way) || !dz__lone_record(l, &z)) return false;
  if (dz_size(z) != dz_size(x)) return true;
  for (int k = 0; k < dz_rank(x); k++) dims[k] = dz_extent(x, k);
  const dz_var seed = dz_rank(x) ? dz_leaf_tensor(l->tape, DZ_ROLE_CONST, dz_rank(x), dims, g)
                                 : dz_leaf(l->tape, DZ_ROLE_CONST, *g);
  dz_var sizes = dz_fabs(seed);
  dz_status status = dz_backward_with(z, sizes);
  *done = status == DZ_OK;
  return status != DZ_ERR_MEMORY;
}

/* A broadcast operand: the sizes of what the elements of the result add to it, summed. */
static bool gather_sizes(weighing *w, dz_var operand, dz_var use, double operations) {
  dz__lone *l = &w->lone;
  size_t dims[DZ_MAX_RANK];
  int rank = dz_rank(use);
  const double *parts = dz_adjoints(use);
  for (int k = 0; k < rank; k++) dims[k] = dz_extent(use, k);
  dz_var seed = rank ? dz_leaf_tensor(l->tape, DZ_ROLE_CONST, rank, dims, parts)
                     : dz_leaf(l->tape, DZ_ROLE_CONST, *parts);
  dz_var wide = use;
  if (dz_describe(use).nargs > 0) {
    if (dz_backward_with(use, dz_fabs(seed))) return false;
    wide = dz_operand(use, 0);
  }
  add(w, dz__index(operand), dz_adjoints(wide), operations);
  return true;
}

static bool weigh_operand(weighing *w, dz_var x, int k, dz__way way, const double *g, double operations) {
  bool done;
  if (!sweep_alone(w, x, way, g, &done)) return false;
  if (!done) return true; /* an index by its size, which is past the end */
  dz_var operand = dz_operand(x, k), use = w->lone.use[k];
  if (way == DZ__SPREAD) return gather_sizes(w, operand, use, operations);
  const double *sizes = dz_adjoints(use);
  if (DZ__NEVER(!sizes)) return false; /* use is active, and was swept */
  add(w, dz__index(operand), sizes, operations);
  return true;
}

/* |d_ik|^T |g|, at most: pointwise element by element; of other operations the sum of what the operands
   and what their sizes give, since those whose partials can be negative (products, norms) have them in the
   sizes' sign. */
static bool weigh_wide(weighing *w, dz_var x, const double *g) {
  const dz__wide *wide = dz__wide_of(w->tape, dz__index(x));
  bool pointwise = wide->fn < DZ__F_POINTWISE_END;
  dz__way first = pointwise ? DZ__SPREAD : DZ__AS_IT_IS, last = pointwise ? DZ__SPREAD : DZ__SIZES;
  double operations = OPERATIONS + 4 * longest(x);
  for (unsigned way = first; way <= (unsigned)last; way++)
    for (int k = 0; k < dz_describe(x).nargs; k++) {
      dz_var operand = dz_operand(x, k);
      if (!dz_is_active(operand)) continue;
      if (!weigh_operand(w, x, k, (dz__way)way, g, operations)) return false;
      if (way == (unsigned)first) w->uses[dz__index(operand)]++;
    }
  for (size_t e = 0; e < wide->size; e++) w->floor += operations * fabs(g[e]) * DBL_TRUE_MIN;
  return true;
}

/* What the user defined can have partials of any sign: each element of the result is swept by itself, as long
   as they are few. */
static bool weigh_user(weighing *w, dz_var x, const double *g) {
  const dz__wide *wide = dz__wide_of(w->tape, dz__index(x));
  const dz_allocator *a = &dz__of(w->tape)->alloc;
  double *one = dz__alloc(a, wide->size * sizeof *one), operations = OPERATIONS + 4 * longest(x);
  bool done = true, fine = true;
  if (!one) return false;
  w->sound = w->sound && wide->size <= MOST_PROBES;
  for (size_t j = 0; w->sound && j < wide->size; j++) {
    for (size_t e = 0; e < wide->size; e++) one[e] = e == j ? g[e] : 0;
    w->floor += operations * fabs(g[j]) * DBL_TRUE_MIN;
    fine = g[j] == 0 || sweep_alone(w, x, DZ__AS_IT_IS, one, &done);
    w->sound = done;
    for (int k = dz_describe(x).nargs; done && g[j] != 0 && k-- > 0;) {
      dz_var operand = dz_operand(x, k);
      const double *sizes = dz_adjoints(w->lone.use[k]);
      if (!sizes) continue;
      w->uses[dz__index(operand)]++;
      add(w, dz__index(operand), sizes, operations);
    }
  }
  dz__free(a, one, wide->size * sizeof *one);
  return fine;
}

/* Solutions are rough, but they satisfy their equations to some n roundings of each element: forward a x' =
   r, in reverse a^T u = g. So the two sweeps' products differ by at most as many of |u|^T (|r| + |a| |x'|)
   and of
   (|g| + |a|^T |u|)^T |x'|, whatever the condition of a. r is b' - a' x. (N. J. Higham, 2nd ed., 12.2.) */
static bool weigh_solve(weighing *w, dz_var x, const double *g) {
  const dz_allocator *alloc = &dz__of(w->tape)->alloc;
  const int64_t *attr;
  dz_attributes(x, &attr);
  dz_var a = dz_operand(x, 0), b = dz_operand(x, 1);
  size_t n = dz_extent(x, 0), m = dz_extent(x, 1), bytes = (n * n + 2 * n * m) * sizeof *g;
  double *of_a = dz__alloc(alloc, bytes), operations = OPERATIONS + 8 * (double)n;
  if (!of_a) return false;
  double *u = of_a + n * n, *of_x = u + n * m;
  dz__system s = {dz_values(a), dz_values(dz_operand(x, 2)), n, !attr[0]};
  memset(of_a, 0, bytes);
  for (size_t j = 0; j < m; j++) dz__lu_refined(&s, g + j, u + j, m, of_x);
  for (size_t e = 0; e < n * m; e++) of_x[e] = fabs(g[e]);
  for (size_t e = 0; e < n * n * m; e++) {
    size_t j = e % m, row = e / m / n, column = e / m % n; /* of the matrix that is solved with */
    double in_a = attr[0] ? s.a[column * n + row] : s.a[row * n + column];
    of_a[attr[0] ? column * n + row : row * n + column] +=
        fabs(u[row * m + j] * dz_values(x)[column * m + j]);
    of_x[column * m + j] += fabs(in_a * u[row * m + j]);
  }
  add(w, dz__index(x), of_x, operations);
  if (dz_is_active(a)) add(w, dz__index(a), of_a, operations), w->uses[dz__index(a)]++;
  if (dz_is_active(b)) add(w, dz__index(b), u, operations), w->uses[dz__index(b)]++;
  for (size_t e = 0; e < n * m; e++) w->floor += operations * fabs(g[e]) * DBL_TRUE_MIN;
  dz__free(alloc, of_a, bytes);
  return true;
}

static bool weigh_node(weighing *w, uint32_t i) {
  dz_var x = dz__handle(w->tape, i);
  const dz__wide *wide = dz__wide_of(w->tape, i);
  if (wide ? wide->fn == DZ__F_END || !wide->active : dz__fn_of_code(dz__node_code(w->tape, i)) == DZ__F_END)
    return true;
  const double *g = dz_adjoints(x);
  bool any = false;
  for (size_t e = size_of(w->tape, i); g && e-- > 0;) any |= g[e] != 0;
  if (!any) return true;
  if (wide && wide->fn == DZ__F_solve) return weigh_solve(w, x, g);
  if (wide) return wide->fn == DZ__F_user ? weigh_user(w, x, g) : weigh_wide(w, x, g);
  weigh_scalar(w, i, *g);
  return true;
}

/* The sum of m terms makes up to m more errors. */
static void add_sums(weighing *w) {
  for (uint32_t i = 0; i <= w->top; i++) {
    double *at = dz__tangent_slot(dz__of(w->tape), &w->weight, i);
    for (size_t e = size_of(w->tape, i); at && e-- > 0;) at[e] *= 1 + w->uses[i] / (double)OPERATIONS;
  }
}

static bool weigh(weighing *w, dz_var y) {
  dz__tape *s = dz__of(y.tape);
  size_t bytes = ((size_t)w->top + 1) * sizeof *w->uses;
  if (!dz__adjoints_lay(s, &w->weight, w->top)) return false;
  dz__adjoints_clear(s, &w->weight, w->top);
  w->uses = dz__alloc(&s->alloc, bytes);
  if (!w->uses) return false;
  memset(w->uses, 0, bytes);
  for (uint32_t i = 0; i <= w->top; i++)
    if (!weigh_node(w, i)) return false;
  add_sums(w);
  return true;
}

/* ---- along a direction ---- */

/* How far the two may be apart for the tangents that stand. */
static double bound(const weighing *w, const dz__checking *c) {
  dz__tape *s = dz__of(w->tape);
  double sum = 0, dot = 0, u = UNIT * (1 + 0x1p-6);
  for (uint32_t i = 0; i <= w->top; i++) {
    const double *a = dz__tangent_slot(s, &w->weight, i), *t = dz__tangent_slot(s, &s->tangent, i);
    if (!a) continue; /* inactive: then it has no tangent either */
    for (size_t e = size_of(w->tape, i); e-- > 0;)
      if (a[e] != 0 && t[e] != 0) sum += a[e] * fabs(t[e]);
  }
  for (size_t k = 0; k < c->total; k++) dot += fabs(c->room[k] * c->direction[k]);
  return w->sound ? u * (sum + ((double)c->total + 2) * dot) + 2 * w->floor : NAN;
}

/* Without memory c->status says so, then and every time after. */
static dz__dual along_direction(dz__checking *c, const weighing *w, dz_var y) {
  dz__dual d = {0, 0};
  if (!dz_is_active(y)) return d;
  dz_status status = dz_tangent(y, c->nwanted, c->wanted, c->direction, &d.forward);
  if (status)
    dz__check_fail_as(c, c->tape, status, "the forward sweep failed");
  else
    d.bound = bound(w, c);
  return d;
}

static void clear_direction(dz__checking *c) {
  for (size_t k = 0; k < c->total; k++) c->direction[k] = 0;
}

static void aim_at_row(dz__checking *c, size_t leaf, size_t j) {
  uint64_t ray;
  size_t element = dz__check_row(c, leaf, j, &ray), n = dz_size(c->leaves[leaf]);
  double *v = c->direction + (c->adjoints[leaf] - c->room);
  clear_direction(c);
  if (element < n)
    v[element] = 1;
  else
    for (size_t k = 0; k < n; k++) v[k] = dz__check_sign(ray, k);
}

/* Every element moves by a part of its own size, up or down, so that none is hidden. */
static void aim_at_all(dz__checking *c) {
  for (size_t i = 0; i < c->count; i++) {
    if (!c->adjoints[i]) continue;
    size_t first = (size_t)(c->adjoints[i] - c->room);
    double most = dz__check_scale(c, i);
    for (size_t k = dz_size(c->leaves[i]); k-- > 0;) {
      double x = fabs(dz__check_base(c, i, k)), size = x > 0 ? x : most > 0 ? most : 1;
      double part = 1 + (double)(dz__check_bits(9, first + k) >> 11) * 0x1p-53;
      c->direction[first + k] = isfinite(size) ? dz__check_sign(8, first + k) * part * size : 0;
    }
  }
}

static void every_row(dz__checking *c, const weighing *w, dz_var y) {
  size_t row = 0;
  for (size_t i = 0; i < c->count; i++)
    for (size_t j = 0; j < dz__check_rows(c, i) && !c->status; j++) {
      aim_at_row(c, i, j);
      c->duals[row++] = along_direction(c, w, y);
    }
}

static void dot_product(dz__checking *c, const weighing *w, dz_var y) {
  dz_check_dot *r = &c->report->dot;
  aim_at_all(c);
  dz__dual d = along_direction(c, w, y);
  *r = (dz_check_dot){d.forward, 0, d.bound, DZ_VERDICT_NOT_FINITE};
  for (size_t k = 0; k < c->total; k++)
    if (c->direction[k] != 0) r->reverse += c->room[k] * c->direction[k];
  if (isfinite(r->forward) && isfinite(r->bound)) /* which is a multiple of the reverse sum's sizes */
    r->verdict = fabs(r->forward - r->reverse) <= r->bound ? DZ_VERDICT_AGREES : DZ_VERDICT_WRONG;
}

bool dz__check_duals(dz__checking *c, dz_var y) {
  weighing w = {.tape = c->tape, .sound = true};
  bool weighed = dz_is_active(y), done = true;
  if (c->total == 0) return true;
  if (weighed) {
    dz__arena_init(&w.weight.arena, &c->alloc);
    w.top = dz__index(y);
    done = dz__lone_new(&w.lone, &c->alloc) && weigh(&w, y);
    if (!done) dz__check_fail_as(c, c->tape, DZ_ERR_MEMORY, "out of memory");
  }
  if (done) every_row(c, &w, y), dot_product(c, &w, y);
  if (!weighed) return true;
  dz__free(&c->alloc, w.uses, ((size_t)w.top + 1) * sizeof *w.uses);
  dz__adjoints_free(dz__of(c->tape), &w.weight);
  dz__lone_free(&w.lone);
  return c->status == DZ_OK;
}
