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

typedef enum moves { ALL_MOVE, FIRST_MOVES, SECOND_MOVES, OTHERWISE } moves;

/* Operands that there are not have step 0; a run goes along a last axis, so steps are 0 or 1. */
static inline moves steps_of(const ptrdiff_t step[3], int operands) {
  int first = step[0] == 1, second = step[1] == 1, third = step[2] == 1;
  if (first + second + third == operands) return ALL_MOVE;
  if (operands != 2) return OTHERWISE;
  return first ? FIRST_MOVES : second ? SECOND_MOVES : OTHERWISE;
}

#define VALUE(name)                                                                                          \
  static double value_##name(double x, double y, double w) { return dz__v_##name(x, y, w); }
#define PARTIAL(k, name)                                                                                     \
  static double partial##k##_##name(double x, double y, double w, double z, double tie) {                    \
    return dz__d##k##_##name(x, y, w, z, tie);                                                               \
  }
#define OP1(name, ...) VALUE(name) PARTIAL(0, name)
#define OP2(name, ...) VALUE(name) PARTIAL(0, name) PARTIAL(1, name)
#define OP3(name, ...) VALUE(name) PARTIAL(0, name) PARTIAL(1, name) PARTIAL(2, name)
#include "ops/pointwise.def"
#undef OP1
#undef OP2
#undef OP3

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
BODY walk plan_walk(const dz__call *call) {
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

/* The members of dz__kernel, and the lanes, by the names that the template has for them. */
#define map_double map
#define pull_double pull
typedef dz__lanes lanes_double;
typedef dz__lanes_single lanes_single;
#define TEMPLATE "kernels/pointwise.inc"
#include "kernels/twice.h"
#undef map_double
#undef pull_double

#define IS_MASK(label) (sizeof(label) > 5 && (label)[0] == 'M' && (label)[1] == 'A')
const dz__kernel dz__pointwise[DZ__F_POINTWISE_END] = {
#define OP1(name, low, high, value, dx)                                                                      \
  {value_##name,                                                                                             \
   {partial0_##name, NULL, NULL},                                                                            \
   {IS_MASK(#dx), 0, 0},                                                                                     \
   map_##name##_double,                                                                                      \
   {pull0_##name##_double, NULL, NULL},                                                                      \
   map_##name##_single,                                                                                      \
   {pull0_##name##_single, NULL, NULL}},
#define OP2(name, low, high, value, dx, dy)                                                                  \
  {value_##name,                                                                                             \
   {partial0_##name, partial1_##name, NULL},                                                                 \
   {IS_MASK(#dx), IS_MASK(#dy), 0},                                                                          \
   map_##name##_double,                                                                                      \
   {pull0_##name##_double, pull1_##name##_double, NULL},                                                     \
   map_##name##_single,                                                                                      \
   {pull0_##name##_single, pull1_##name##_single, NULL}},
#define OP3(name, low, high, value, dx, dy, dw)                                                              \
  {value_##name,                                                                                             \
   {partial0_##name, partial1_##name, partial2_##name},                                                      \
   {IS_MASK(#dx), IS_MASK(#dy), IS_MASK(#dw)},                                                               \
   map_##name##_double,                                                                                      \
   {pull0_##name##_double, pull1_##name##_double, pull2_##name##_double},                                    \
   map_##name##_single,                                                                                      \
   {pull0_##name##_single, pull1_##name##_single, pull2_##name##_single}},
#include "ops/pointwise.def"
#undef OP1
#undef OP2
#undef OP3
};

void dz__pointwise_forward(dz__fn fn, const dz__call *call) { forward_double(fn, call); }
void dz__pointwise_forward_single(dz__fn fn, const dz__call *call) { forward_single(fn, call); }
bool dz__pointwise_reverse(dz__fn fn, const dz__call *call) { return reverse_double(fn, call); }
bool dz__pointwise_reverse_single(dz__fn fn, const dz__call *call) { return reverse_single(fn, call); }

static bool careful_body(dz__fn fn, int k, const lanes_double *l) {
  const dz__kernel *f = &dz__pointwise[fn];
  for (ptrdiff_t j = 0; j < (ptrdiff_t)l->n; j++) {
    if (l->reach[l->at + j] == 0) continue;
    double p = f->partial[k](l->in[0][j * l->step[0]], l->in[1][j * l->step[1]], l->in[2][j * l->step[2]],
                             l->z[j], l->tie);
    if (f->mask[k] && p == 0) continue;
    l->ga[j * l->ga_step] += p * l->g[j];
    l->ga_reach[l->ga_at + j * l->ga_step] = 1;
  }
  return false;
}

void dz__pointwise_careful(dz__fn fn, const dz__call *call, const double *reach, double *const *ga_reach) {
  for (int k = 0; k < call->nargs; k++)
    if (call->ga[k])
      walk_over_double(fn, k, call,
                       (lanes_double){.g = call->g,
                                      .ga = call->ga[k],
                                      .tie = tie_of_double(call),
                                      .reach = reach,
                                      .ga_reach = ga_reach[k]},
                       careful_body);
}
