#include "kernels/pointwise.h"

#include "kernels/scalar.h"
#include "kernels/several.h"

#define BODY static inline __attribute__((always_inline))

/* One of two operands may stay: the cases of a switch over moves. Others have none. */
#define ONE_STAYS_1(first_moves, second_moves)
#define ONE_STAYS_2(first_moves, second_moves)                                                               \
  case FIRST_MOVES:                                                                                          \
    first_moves;                                                                                             \
    break;                                                                                                   \
  case SECOND_MOVES:                                                                                         \
    second_moves;                                                                                            \
    break;
#define ONE_STAYS_3(first_moves, second_moves)

/* The value and the partials as functions, and their loops over lanes. Steps that are known make vectors of
   them: operands of OPERANDS that all move, or of two of which one stays. */
#define MAP(name, OPERANDS)                                                                                  \
  static double value_##name(double x, double y, double w) { return dz__v_##name(x, y, w); }                 \
  BODY void map_body_##name(const dz__lanes *l, ptrdiff_t sx, ptrdiff_t sy, ptrdiff_t sw) {                  \
    const double *x = l->in[0], *y = l->in[1], *w = l->in[2];                                                \
    double *restrict z = l->z;                                                                               \
    for (size_t i = 0; i < l->n; i++, x += sx, y += sy, w += sw) z[i] = dz__v_##name(*x, *y, *w);            \
  }                                                                                                          \
  static void map_##name(const dz__lanes *l) {                                                               \
    switch (steps_of(l, OPERANDS)) {                                                                         \
    case ALL_MOVE:                                                                                           \
      map_body_##name(l, 1, OPERANDS > 1, OPERANDS > 2);                                                     \
      break;                                                                                                 \
    default:                                                                                                 \
      map_body_##name(l, l->step[0], l->step[1], l->step[2]);                                                \
      break;                                                                                                 \
      ONE_STAYS_##OPERANDS(map_body_##name(l, 1, 0, 0), map_body_##name(l, 0, 1, 0))                         \
    }                                                                                                        \
  }
#define PULL(k, name, OPERANDS)                                                                              \
  static double partial##k##_##name(double x, double y, double w, double z, double tie) {                    \
    return dz__d##k##_##name(x, y, w, z, tie);                                                               \
  }                                                                                                          \
  BODY bool pull##k##_body_##name(const dz__lanes *l, ptrdiff_t sx, ptrdiff_t sy, ptrdiff_t sw,              \
                                  ptrdiff_t sa) {                                                            \
    const double *x = l->in[0], *y = l->in[1], *w = l->in[2], *z = l->z, *g = l->g;                          \
    double sum = 0, *restrict a = l->ga;                                                                     \
    int64_t doubt = 0;                                                                                       \
    bool mask = dz__m##k##_##name();                                                                         \
    for (size_t i = 0; i < l->n; i++, x += sx, y += sy, w += sw, a += sa) {                                  \
      double c = dz__flow(mask, dz__d##k##_##name(*x, *y, *w, z[i], l->tie), g[i]);                          \
      doubt |= (c != c) & (g[i] == 0);                                                                       \
      if (sa)                                                                                                \
        *a += c;                                                                                             \
      else                                                                                                   \
        sum += c;                                                                                            \
    }                                                                                                        \
    if (!sa) *l->ga += sum;                                                                                  \
    return doubt;                                                                                            \
  }                                                                                                          \
  static bool pull##k##_##name(const dz__lanes *l) {                                                         \
    switch (steps_of(l, OPERANDS)) {                                                                         \
    case ALL_MOVE:                                                                                           \
      return pull##k##_body_##name(l, 1, OPERANDS > 1, OPERANDS > 2, 1);                                     \
    default:                                                                                                 \
      return pull##k##_body_##name(l, l->step[0], l->step[1], l->step[2], l->ga_step);                       \
      ONE_STAYS_##OPERANDS(return pull##k##_body_##name(l, 1, 0, 0, (k) == 0),                               \
                                  return pull##k##_body_##name(l, 0, 1, 0, (k) == 1))                        \
    }                                                                                                        \
  }

typedef enum moves { ALL_MOVE, FIRST_MOVES, SECOND_MOVES, OTHERWISE } moves;

/* Operands that there are not have step 0; a run goes along a last axis, so steps are 0 or 1. */
static inline moves steps_of(const dz__lanes *l, int operands) {
  int first = l->step[0] == 1, second = l->step[1] == 1, third = l->step[2] == 1;
  if (first + second + third == operands) return ALL_MOVE;
  if (operands != 2) return OTHERWISE;
  return first ? FIRST_MOVES : second ? SECOND_MOVES : OTHERWISE;
}

#define OP1(name, ...) MAP(name, 1) PULL(0, name, 1)
#define OP2(name, ...) MAP(name, 2) PULL(0, name, 2) PULL(1, name, 2)
#define OP3(name, ...) MAP(name, 3) PULL(0, name, 3) PULL(1, name, 3) PULL(2, name, 3)
#include "ops/pointwise.def"
#undef OP1
#undef OP2
#undef OP3

#define IS_MASK(label) (sizeof(label) > 5 && (label)[0] == 'M' && (label)[1] == 'A')
const dz__kernel dz__pointwise[DZ__F_POINTWISE_END] = {
#define OP1(name, low, high, value, dx)                                                                      \
  {value_##name, {partial0_##name, NULL, NULL}, {IS_MASK(#dx), 0, 0}, map_##name, {pull0_##name, NULL, NULL}},
#define OP2(name, low, high, value, dx, dy)                                                                  \
  {value_##name,                                                                                             \
   {partial0_##name, partial1_##name, NULL},                                                                 \
   {IS_MASK(#dx), IS_MASK(#dy), 0},                                                                          \
   map_##name,                                                                                               \
   {pull0_##name, pull1_##name, NULL}},
#define OP3(name, low, high, value, dx, dy, dw)                                                              \
  {value_##name,                                                                                             \
   {partial0_##name, partial1_##name, partial2_##name},                                                      \
   {IS_MASK(#dx), IS_MASK(#dy), IS_MASK(#dw)},                                                               \
   map_##name,                                                                                               \
   {pull0_##name, pull1_##name, pull2_##name}},
#include "ops/pointwise.def"
};

/* The walk: extents of the result with unit ones dropped and neighbours merged where every operand allows it.
   Axis rank-1 is the run of one dz__lanes; the others are counted through. */
typedef struct walk {
  int rank;
  size_t dims[DZ__MAX_RANK];
  ptrdiff_t step[3][DZ__MAX_RANK];
} walk;

static bool mergeable(const walk *w, const ptrdiff_t step[3], size_t extent) {
  for (int k = 0; k < 3; k++)
    if (w->step[k][w->rank - 1] != step[k] * (ptrdiff_t)extent) return false;
  return true;
}

/* The step of operand k along axis d of the result; `inner` is the operand's size behind that axis. */
static ptrdiff_t step_of(const dz__array *a, int d, int rank, size_t inner) {
  int own = d - (rank - a->rank);
  return own < 0 || a->dims[own] == 1 ? 0 : (ptrdiff_t)inner;
}

/* Most calls: operands of as many elements as the result, or of one. */
static bool one_run(const dz__call *call, walk *w) {
  size_t n = call->out.size;
  w->rank = 1;
  w->dims[0] = n;
  for (int k = 0; k < 3; k++) w->step[k][0] = 0;
  for (int k = 0; k < call->nargs; k++) {
    size_t own = call->args[k].size;
    if (own != n && own != 1) return false;
    w->step[k][0] = own == n && n != 1;
  }
  return true;
}

/* Of a result with several elements some axis is more than a unit one. */
static walk plan_walk(const dz__call *call) {
  walk w;
  if (one_run(call, &w)) return w;
  w.rank = 0;
  const dz__array *out = &call->out;
  size_t inner[3][DZ__MAX_RANK];
  for (int k = 0; k < call->nargs; k++) {
    size_t n = 1;
    for (int d = out->rank - 1; d >= 0; d--) {
      int own = d - (out->rank - call->args[k].rank);
      inner[k][d] = n;
      if (own >= 0) n *= call->args[k].dims[own];
    }
  }
  for (int d = 0; d < out->rank; d++) {
    if (out->dims[d] == 1) continue;
    ptrdiff_t step[3] = {0, 0, 0};
    for (int k = 0; k < call->nargs; k++) step[k] = step_of(&call->args[k], d, out->rank, inner[k][d]);
    if (w.rank > 0 && mergeable(&w, step, out->dims[d]))
      w.dims[w.rank - 1] *= out->dims[d];
    else
      w.dims[w.rank++] = out->dims[d];
    for (int k = 0; k < 3; k++) w.step[k][w.rank - 1] = step[k];
  }
  return w;
}

/* What is done to each run, k being the operand in question for a reverse kernel. */
typedef bool run_body(dz__fn fn, int k, const dz__lanes *l);

static bool map_body(dz__fn fn, int k, const dz__lanes *l) {
  (void)k;
  dz__pointwise[fn].map(l);
  return false;
}

static bool pull_body(dz__fn fn, int k, const dz__lanes *l) { return dz__pointwise[fn].pull[k](l); }

static bool careful_body(dz__fn fn, int k, const dz__lanes *l) {
  const dz__kernel *f = &dz__pointwise[fn];
  for (size_t i = 0; i < l->n; i++) {
    if (l->reach[i] == 0) continue;
    ptrdiff_t j = (ptrdiff_t)i;
    double p = f->partial[k](l->in[0][j * l->step[0]], l->in[1][j * l->step[1]], l->in[2][j * l->step[2]],
                             l->z[i], l->tie);
    if (f->mask[k] && p == 0) continue;
    l->ga[j * l->ga_step] += p * l->g[i];
    l->ga_reach[j * l->ga_step] = 1;
  }
  return false;
}

/* Moves to the next run; false after the last. `at` counts, the pointers follow. */
static bool advance(const walk *w, size_t *at, dz__lanes *l, int k) {
  l->z += l->n;
  if (l->g) l->g += l->n;
  if (l->reach) l->reach += l->n;
  for (int d = w->rank - 2; d >= 0; d--) {
    bool wrap = ++at[d] == w->dims[d];
    ptrdiff_t by = wrap ? -(ptrdiff_t)(w->dims[d] - 1) : 1;
    for (int j = 0; j < 3; j++) l->in[j] += by * w->step[j][d];
    if (l->ga) l->ga += by * w->step[k][d];
    if (l->ga_reach) l->ga_reach += by * w->step[k][d];
    if (!wrap) return true;
    at[d] = 0;
  }
  return false;
}

static bool walk_over(dz__fn fn, int k, const dz__call *call, dz__lanes l, run_body *body) {
  static const double none = 0;
  if (call->out.size == 0) return false;
  walk w = plan_walk(call);
  l.n = w.dims[w.rank - 1];
  l.z = call->out.data;
  for (int j = 0; j < 3; j++) {
    l.in[j] = j < call->nargs ? call->args[j].data : &none;
    l.step[j] = w.step[j][w.rank - 1];
  }
  l.ga_step = l.step[k];
  size_t at[DZ__MAX_RANK] = {0};
  bool doubt = false;
  do doubt |= body(fn, k, &l);
  while (advance(&w, at, &l, k));
  return doubt;
}

void dz__pointwise_forward(dz__fn fn, const dz__call *call) {
  walk_over(fn, 0, call, (dz__lanes){.tie = 0}, map_body);
}

/* A tie is shared only between two active operands. */
static double tie_of(const dz__call *call) { return call->nargs >= 2 && call->ga[0] && call->ga[1] ? .5 : 0; }

/* ---- what networks do most, for vectors as wide as they are ---- */

SEVERAL static void add_rows(double *restrict ga, const double *restrict g, size_t rows, size_t n) {
  for (size_t i = 0; i < rows; i++)
    for (size_t j = 0; j < n; j++) ga[j] += g[i * n + j];
}

SEVERAL static void subtract_rows(double *restrict ga, const double *restrict g, size_t rows, size_t n) {
  for (size_t i = 0; i < rows; i++)
    for (size_t j = 0; j < n; j++) ga[j] -= g[i * n + j];
}

/* How often operand k is repeated along leading axes, being otherwise of the result's shape; 0 if it is not
 * so. */
static size_t repeats(const dz__call *call, int k) {
  const dz__array *a = &call->args[k], *out = &call->out;
  int rank = a->rank, first = 0;
  if (a->size == out->size) return 1;
  while (first < rank && a->dims[first] == 1) first++;
  for (int d = first; d < rank; d++)
    if (a->dims[d] != out->dims[out->rank - rank + d]) return 0;
  return a->size > 1 ? out->size / a->size : 0;
}

/* g goes through a sum as it is. False where the operand repeats otherwise than as rows. */
static bool passed_on(dz__fn fn, const dz__call *call, int k) {
  if (fn != DZ__F_add && fn != DZ__F_sub) return false;
  size_t rows = repeats(call, k), n = call->args[k].size;
  if (rows) (fn == DZ__F_sub && k == 1 ? subtract_rows : add_rows)(call->ga[k], call->g, rows, n);
  return rows != 0;
}

/* By the result: it is larger than 0 where the operand is, and NaN where that is. */
SEVERAL static int64_t through_relu(double *restrict ga, const double *restrict z, const double *restrict g,
                                    size_t n) {
  int64_t doubt = 0;
  for (size_t i = 0; i < n; i++) {
    const double c = z[i] > 0 ? g[i] : z[i] == z[i] ? 0 : z[i];
    doubt |= (z[i] != z[i]) & (g[i] == 0);
    ga[i] += c;
  }
  return doubt;
}

bool dz__pointwise_reverse(dz__fn fn, const dz__call *call) {
  bool doubt = false;
  if (fn == DZ__F_relu)
    return call->ga[0] && through_relu(call->ga[0], call->out.data, call->g, call->out.size);
  for (int k = 0; k < call->nargs; k++)
    if (call->ga[k] && !passed_on(fn, call, k))
      doubt |= walk_over(fn, k, call, (dz__lanes){.g = call->g, .ga = call->ga[k], .tie = tie_of(call)},
                         pull_body);
  return doubt;
}

void dz__pointwise_careful(dz__fn fn, const dz__call *call, const double *reach, double *const *ga_reach) {
  for (int k = 0; k < call->nargs; k++)
    if (call->ga[k])
      walk_over(
          fn, k, call,
          (dz__lanes){
              .g = call->g, .ga = call->ga[k], .tie = tie_of(call), .reach = reach, .ga_reach = ga_reach[k]},
          careful_body);
}
