/* One application of a tensor operation, made by hand: for tests of kernels. Every array is a block of its
   own, so that a sanitizer sees a step outside; scratch starts as NaN and adjoints start with something in
   them. */
#ifndef DZ_TESTS_PROBLEM_H
#define DZ_TESTS_PROBLEM_H

#include "dice.h"
#include "ops/call.h"
#include "ops/op.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_ARGS = 5 };

typedef struct problem {
  dz__fn fn;
  int nargs, nattr;
  dz__array args[MOST_ARGS], out;
  int64_t attr[5 * DZ__MAX_RANK];
  double *g, *ga[MOST_ARGS], *was[MOST_ARGS], *scratch, *reached;
  dz_error error;
} problem;

static inline int below(int n) { return (int)(dice() % (uint64_t)n); }
static inline double whole(void) { return below(17) - 8; }

static inline double *room(size_t n) {
  double *p = malloc(n ? n * sizeof *p : 1);
  if (!p) abort();
  return p;
}

static inline dz__array array_of(int rank, const size_t *dims) {
  dz__array x = {.rank = rank, .size = 1};
  for (int k = 0; k < rank; k++) x.size *= x.dims[k] = dims[k];
  x.data = room(x.size);
  return x;
}

/* A random shape of at most `most` elements; about one in eight has an extent 0. */
static inline dz__array random_array(int rank, size_t most) {
  size_t dims[DZ__MAX_RANK], size = 1;
  bool empty = below(8) == 0;
  for (int k = 0; k < rank; k++) {
    dims[k] = empty && below(rank) == 0 ? 0 : 1 + (size_t)below(4);
    if (size * dims[k] > most) dims[k] = 1;
    size *= dims[k];
  }
  return array_of(rank, dims);
}

static inline void fill_whole(dz__array x) {
  for (size_t i = 0; i < x.size; i++) x.data[i] = whole();
}
static inline void fill_uniform(dz__array x, double low, double high) {
  for (size_t i = 0; i < x.size; i++) x.data[i] = uniform(low, high);
}

static inline const dz__tensor_op *op_of(const problem *p) {
  return &dz__tensor_ops[p->fn - DZ__F_POINTWISE_END];
}

static inline dz__call call_of(problem *p) {
  return (dz__call){.op = dz__ops[p->fn].name,
                    .nargs = p->nargs,
                    .args = p->args,
                    .nattr = p->nattr,
                    .attr = p->attr,
                    .out = p->out,
                    .g = p->g,
                    .ga = p->ga,
                    .scratch = p->scratch,
                    .reached = p->reached,
                    .error = &p->error};
}

static inline dz_status shape(problem *p) {
  dz__call c = call_of(p);
  dz_status status = op_of(p)->shape(&c);
  ck_assert(status == p->error.status);
  p->out = c.out;
  return status;
}

/* ---- the same with floats ---- */

static inline bool same_number(double x, double y) { return x == y || (isnan(x) && isnan(y)); }

static inline bool are_floats(const double *x, size_t n) {
  for (size_t i = 0; i < n; i++)
    if (!same_number((double)(float)x[i], x[i])) return false;
  return true;
}

/* Whether there is a kernel of floats, and the operands are such. */
static inline bool has_floats(const problem *p) {
  bool has = op_of(p)->forward_single;
  for (int k = 0; has && k < p->nargs; k++) has = are_floats(p->args[k].data, p->args[k].size);
  return has;
}

static inline float *floats_of(const double *x, size_t n) {
  float *f = malloc(n ? n * sizeof *f : 1);
  if (!f) abort();
  for (size_t i = 0; i < n; i++) f[i] = (float)x[i];
  return f;
}

static inline dz__call float_call(problem *p, dz__array *args) {
  dz__call c = call_of(p);
  for (int k = 0; k < p->nargs; k++) {
    args[k] = p->args[k];
    args[k].single = floats_of(p->args[k].data, p->args[k].size);
  }
  c.args = args;
  c.single = true;
  c.out.single = floats_of(p->out.data, p->out.size);
  return c;
}

static inline void drop_floats(problem *p, dz__call *c) {
  for (int k = 0; k < p->nargs; k++) free(c->args[k].single);
  free(c->out.single);
}

static inline void expect_floats(const problem *p, const float *got, const double *want, size_t n) {
  for (size_t i = 0; i < n; i++)
    ck_assert_msg(same_number((double)got[i], (double)(float)want[i]), "%s with floats: %g, not %g",
                  dz__ops[p->fn].name, (double)got[i], want[i]);
}

static inline void forward_with_floats(problem *p) {
  dz__array args[MOST_ARGS];
  dz__call c = float_call(p, args);
  for (size_t i = 0; i < p->out.size; i++) c.out.single[i] = NAN;
  ck_assert(op_of(p)->shape(&c) == DZ_OK);
  op_of(p)->forward_single(&c);
  expect_floats(p, c.out.single, p->out.data, p->out.size);
  drop_floats(p, &c);
}

/* ---- running ---- */

/* Where all numbers are floats, as whole numbers are, the kernel of floats must give the same. */
static inline void forward(problem *p) {
  if (shape(p)) ck_abort_msg("%s", p->error.message);
  p->out.data = room(p->out.size);
  for (size_t i = 0; i < p->out.size; i++) p->out.data[i] = (double)NAN;
  dz__call c = call_of(p);
  op_of(p)->forward(&c);
  if (has_floats(p)) forward_with_floats(p);
}

/* Makes room for g (filled with whole numbers), scratch and adjoints (which start as whole numbers, kept in
   was). Operands whose bit is set in `skip` are not wanted. */
static inline void prepare_reverse(problem *p, unsigned skip) {
  size_t n = p->out.size;
  p->g = room(n);
  for (size_t i = 0; i < n; i++) p->g[i] = whole();
  for (int k = 0; k < p->nargs; k++) {
    size_t m = p->args[k].size;
    n += m;
    if (skip >> k & 1) continue;
    p->ga[k] = room(m);
    p->was[k] = room(m);
    for (size_t i = 0; i < m; i++) p->ga[k][i] = p->was[k][i] = whole();
  }
  if (!op_of(p)->scratch) return;
  p->scratch = room(n);
  for (size_t i = 0; i < n; i++) p->scratch[i] = (double)NAN;
}

/* The adjoints `to`, which hold what those of p did before, get the floats' contributions. */
static inline bool reverse_with_floats(problem *p, float **to) {
  dz__array args[MOST_ARGS];
  float *g = floats_of(p->g, p->out.size);
  dz__call c = float_call(p, args);
  c.g_single = g;
  c.ga_single = to;
  const bool doubt = op_of(p)->reverse_single(&c);
  drop_floats(p, &c);
  free(g);
  return doubt;
}

/* The careful sweep, which has `reached`, is of doubles only. */
static inline bool reverse(problem *p) {
  bool floats = has_floats(p) && !p->reached;
  float *to[MOST_ARGS] = {NULL};
  for (int k = 0; floats && k < p->nargs; k++)
    if (p->ga[k]) to[k] = floats_of(p->ga[k], p->args[k].size);
  dz__call c = call_of(p);
  const bool doubt = op_of(p)->reverse(&c);
  if (floats) ck_assert(reverse_with_floats(p, to) == doubt);
  for (int k = 0; k < p->nargs; k++) {
    if (to[k]) expect_floats(p, to[k], p->ga[k], p->args[k].size);
    free(to[k]);
  }
  return doubt;
}

/* Sends the masks in `reached` back into ga, which starts as 0. */
static inline void spread(problem *p) {
  for (int k = 0; k < p->nargs; k++)
    for (size_t i = 0; p->ga[k] && i < p->args[k].size; i++) p->ga[k][i] = 0;
  dz__call c = call_of(p);
  c.g = p->reached;
  ck_assert(!op_of(p)->spread(&c));
}

static inline void random_masks(problem *p) {
  p->reached = room(p->out.size);
  for (size_t i = 0; i < p->out.size; i++) p->reached[i] = below(3) == 0;
}

static inline void drop(problem *p) {
  for (int k = 0; k < p->nargs; k++) {
    free(p->args[k].data);
    free(p->ga[k]);
    free(p->was[k]);
  }
  free(p->out.data);
  free(p->g);
  free(p->scratch);
  free(p->reached);
}

static inline void expect_shape(const problem *p, int rank, const size_t *dims) {
  ck_assert(p->out.rank == rank);
  for (int k = 0; k < rank; k++) ck_assert(p->out.dims[k] == dims[k]);
}

/* ---- index arithmetic the long way, by division: independent of the library's walks ---- */

static inline void split(size_t i, const dz__array *x, size_t *index) {
  for (int k = x->rank - 1; k >= 0; k--) {
    index[k] = i % x->dims[k];
    i /= x->dims[k];
  }
}
static inline size_t place(const size_t *index, const dz__array *x) {
  size_t i = 0;
  for (int k = 0; k < x->rank; k++) i = i * x->dims[k] + index[k];
  return i;
}

#endif
