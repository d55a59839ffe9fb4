/* What made a gradient zero, tiny, huge, infinite or NaN. */
#include "show/why.h"

#include "tape/tape.h"

#include <math.h>
#include <string.h>

static bool is_one_of(const char *op, const char *const *list) {
  for (; *list; list++)
    if (strcmp(op, *list) == 0) return true;
  return false;
}

static const char *op_of(dz_var x) { return dz_describe(x).op; }

static bool saturates(const char *op) {
  static const char *const list[] = {"sigmoid",     "tanh",  "erf",  "erfc", "softplus",
                                     "log_sigmoid", "gauss", "atan", "exp",  "exp2",
                                     "logaddexp",   "expm1", "pow",  NULL};
  return is_one_of(op, list);
}

static bool steps(const char *op) {
  static const char *const list[] = {"floor", "ceil", "round", "trunc", "sign", "lt",  "le", "gt",
                                     "ge",    "eq",   "ne",    "and",   "or",   "not", NULL};
  return is_one_of(op, list);
}

static void blame(dz__inquiry *q, dz_why_cause cause, const dz__edge *e) {
  q->r->cause = cause;
  q->edge = e;
  if (!e) return;
  q->r->node = q->g.vertex[e->to].node;
  q->r->operand = e->operand;
  q->r->partial = e->partial;
  q->r->arriving = q->adjoint[e->to];
}

static void blame_value(dz__inquiry *q, dz_why_cause cause, dz_var node) {
  q->r->cause = cause;
  q->r->node = node;
  q->r->operand = -1;
}

/* ---- values that are not finite ---- */

bool dz__all_values(dz_var x, bool test(double)) {
  for (size_t i = 0; i < dz_size(x); i++)
    if (!test(dz__element_of(x, i))) return false;
  return true;
}

static bool finite(double x) { return isfinite(x) != 0; }
static bool no_nan(double x) { return !isnan(x); }
static bool no_infinity(double x) { return !isinf(x); }
static bool chooses_first(double x) { return x != 0; }
static bool chooses_second(double x) { return x == 0; }

/* Whether z can have a value from its operand k: of where(c, a, b) only what some element of c chooses. */
static bool has_from(dz_var z, const char *op, int k) {
  if (strcmp(op, "where") != 0) return true;
  return k > 0 && !dz__all_values(dz_operand(z, 0), k == 1 ? chooses_second : chooses_first);
}

/* Where a value that is not finite came from: from node z down to an operand that is no better, until there
   is none. A NaN is looked for first. */
static void blame_origin(dz__inquiry *q, dz_var z) {
  for (;;) {
    bool nan = !dz__all_values(z, no_nan);
    dz_node is = dz_describe(z);
    dz_var worse = {0};
    int number = -1; /* the first plain number that is no better */
    for (int k = 0; k < is.nargs && !worse.tape; k++) {
      dz_var x = dz_operand(z, k);
      if (!has_from(z, is.op, k) || dz__all_values(x, nan ? no_nan : no_infinity)) continue;
      if (!dz_is_number(x))
        worse = x;
      else if (number < 0)
        number = k;
    }
    if (!worse.tape && number >= 0) {
      blame_value(q, DZ_WHY_GIVEN, z);
      q->r->operand = number;
      return;
    }
    if (!worse.tape) {
      bool leaf = is.role != DZ_ROLE_NONE, operands = true;
      for (int k = 0; k < is.nargs; k++) operands = operands && dz__all_values(dz_operand(z, k), finite);
      bool pole = strcmp(is.op, "div") == 0 || strncmp(is.op, "log", 3) == 0 || strcmp(is.op, "pow") == 0 ||
                  strcmp(is.op, "atanh") == 0 || strcmp(is.op, "xlogy") == 0;
      if (pole && strcmp(is.op, "pow") == 0) pole = dz_value(dz_operand(z, 0)) == 0;
      blame_value(q, leaf ? DZ_WHY_GIVEN : nan ? DZ_WHY_DOMAIN : pole ? DZ_WHY_POLE : DZ_WHY_OVERFLOW, z);
      if (nan && operands && strcmp(is.op, "div") == 0) q->r->cause = DZ_WHY_NO_SLOPE; /* 0/0 */
      if (nan && !operands)
        q->r->cause = strcmp(is.op, "mul") == 0 ? DZ_WHY_ZERO_TIMES_INFINITY : DZ_WHY_INFINITIES;
      return;
    }
    z = worse;
  }
}

/* The operation of an edge has a value, or an operand, that is not finite; then that is where to look. */
static bool blame_values(dz__inquiry *q, const dz__edge *e, bool test(double)) {
  dz_var z = q->g.vertex[e->to].node;
  int n = dz_describe(z).nargs;
  for (int k = 0; k < n; k++) {
    dz_var x = dz_operand(z, k);
    if (dz__all_values(x, test)) continue;
    if (!dz_is_number(x)) return blame_origin(q, x), true;
  }
  if (!dz__all_values(z, test)) return blame_origin(q, z), true;
  return false;
}

/* ---- NaN, infinite ---- */

/* The first edge, as the sweep meets them, that turns a good adjoint into a bad contribution. */
static const dz__edge *first_bad(const dz__inquiry *q, bool good(double)) {
  for (size_t i = q->g.edges; i-- > 0;) {
    const dz__edge *e = &q->g.edge[i];
    if (!q->reached[e->to] || e->gate != DZ__GATE_OPEN || !q->leads[e->from]) continue;
    if (good(q->adjoint[e->to]) && !good(e->partial * q->adjoint[e->to])) return e;
  }
  return NULL;
}

static const dz__edge *last_use(const dz__inquiry *q, const dz__vertex *v) {
  return &q->g.edge[q->g.leaving[v->out + v->outs - 1]];
}

/* The first value whose contributions are good and whose adjoint is not: inf - inf, or too large a sum. There
   is one, for x's is bad; and it has uses, for the result's, 1, is good. */
static const dz__edge *first_bad_sum(const dz__inquiry *q, bool good(double)) {
  size_t v = q->g.vertices - 1;
  while (good(q->adjoint[v])) v--;
  return last_use(q, &q->g.vertex[v]);
}

static void find_bad(dz__inquiry *q, bool good(double)) {
  bool nan = q->r->kind == DZ_WHY_NAN;
  const dz__edge *e = first_bad(q, good);
  if (!e) {
    blame(q, nan ? DZ_WHY_CANCELLATION : DZ_WHY_LARGE_SUM, first_bad_sum(q, good));
    return;
  }
  double p = e->partial;
  if (nan && !isnan(p)) {
    blame(q, DZ_WHY_ZERO_TIMES_INFINITY, e);
    return;
  }
  if (blame_values(q, e, nan ? no_nan : finite)) return;
  blame(q, nan ? DZ_WHY_NO_SLOPE : isinf(p) ? DZ_WHY_INFINITE_SLOPE : DZ_WHY_OVERFLOW, e);
}

/* ---- zero ---- */

static dz_why_cause shut_cause(const dz__inquiry *q, const dz__edge *e) {
  dz_var z = q->g.vertex[e->to].node;
  const char *op = op_of(z);
  static const char *const kinked[] = {"fmax", "fmin", "relu", "fabs", "clamp", NULL};
  if (strcmp(op, "stop") == 0) return DZ_WHY_DETACHED;
  if (strcmp(op, "where") == 0) return e->operand == 0 ? DZ_WHY_STEP : DZ_WHY_BRANCH;
  if (!is_one_of(op, kinked)) return DZ_WHY_STEP; /* and the sign that copysign takes */
  double x = q->g.vertex[e->from].value;
  int n = dz_describe(z).nargs;
  if (n == 1) return x == 0 ? DZ_WHY_TIE : DZ_WHY_MASK;
  for (int k = 0; k < n; k++)
    if (k != e->operand && dz__vertex_operand(&q->g.vertex[e->to], k) == x) return DZ_WHY_TIE;
  return DZ_WHY_MASK;
}

static dz_why_cause flat_cause(const dz__inquiry *q, const dz__edge *e) {
  const char *op = op_of(q->g.vertex[e->to].node);
  double x = q->g.vertex[e->from].value;
  if (e->partial != 0) return DZ_WHY_UNDERFLOW;
  static const char *const products[] = {"mul", "matmul", "prod", NULL};
  static const char *const choices[] = {"max", "min", NULL};
  if (is_one_of(op, products)) return DZ_WHY_ZERO_FACTOR;
  if (is_one_of(op, choices)) return DZ_WHY_MASK;
  return saturates(op) && fabs(x) > 1 ? DZ_WHY_SATURATION : DZ_WHY_FLAT;
}

/* best[v]: log2 of the largest |product| over the paths from v to y. */
static void largest(const dz__inquiry *q, double *best) {
  for (size_t v = 0; v < q->g.vertices; v++) best[v] = -INFINITY;
  best[q->g.y0] = 0;
  for (size_t i = q->g.edges; i-- > 0;) {
    const dz__edge *e = &q->g.edge[i];
    double size = best[e->to] + log2(fabs(e->partial));
    if (e->gate == DZ__GATE_OPEN && size > best[e->from]) best[e->from] = size;
  }
}

/* What stop() lets no gradient through is a step where the derivative of one was taken: d(abs(x), x). */
static const dz__edge *step_below(const dz__inquiry *q, const dz__edge *e) {
  const dz__vertex *v = &q->g.vertex[e->from];
  const char *op = op_of(v->node);
  bool step = steps(op) || strcmp(op, "where") == 0;
  return strcmp(op_of(q->g.vertex[e->to].node), "stop") == 0 && step && v->ins ? &q->g.edge[v->in] : e;
}

/* The first use that brings nothing from a value that has a gradient to one that ends without, on the way to
   x: the last barrier before x is of no interest when an earlier one holds all back. A use through which no
   gradient ever comes, a condition above all, is to blame only when there is no other. */
static const dz__edge *first_barrier(const dz__inquiry *q) {
  const dz__edge *barrier[3] = {NULL, NULL, NULL};
  for (size_t i = q->g.edges; i-- > 0;) {
    const dz__edge *e = &q->g.edge[i];
    bool lost = q->reached[e->to] && q->adjoint[e->to] != 0 && q->leads[e->from] && q->adjoint[e->from] == 0;
    if (!lost || (e->gate == DZ__GATE_OPEN && e->partial * q->adjoint[e->to] != 0)) continue;
    int rank = e->gate != DZ__GATE_NEVER ? 0 : strcmp(op_of(q->g.vertex[e->to].node), "where") != 0 ? 1 : 2;
    if (!barrier[rank]) barrier[rank] = e;
  }
  return barrier[0] ? barrier[0] : barrier[1] ? step_below(q, barrier[1]) : barrier[2];
}

/* The first value on the way to x whose several uses add up to nothing. */
static const dz__edge *first_cancelled(const dz__inquiry *q, const double *best) {
  for (size_t v = q->g.vertices; v-- > 0;)
    if (q->reached[v] && q->leads[v] && q->adjoint[v] == 0 && q->g.vertex[v].outs > 1 && isfinite(best[v]))
      return last_use(q, &q->g.vertex[v]);
  return NULL;
}

/* Where a path to x is open all the way, and its product no underflow, others cancel it; or else where
   nothing holds it back. An element of x that nothing uses has neither. */
static void find_zero(dz__inquiry *q, double *best) {
  largest(q, best);
  const dz__edge *cancelled = first_cancelled(q, best), *e = first_barrier(q);
  if (cancelled && (best[q->x] > -1022 || !e))
    blame(q, DZ_WHY_CANCELLATION, cancelled);
  else if (e)
    blame(q, e->gate != DZ__GATE_OPEN ? shut_cause(q, e) : flat_cause(q, e), e);
  else
    blame(q, DZ_WHY_UNREACHABLE, NULL);
}

/* ---- tiny and huge ---- */

static const dz__edge *next_on_path(const dz__inquiry *q, const double *best, uint32_t v) {
  const dz__vertex *p = &q->g.vertex[v];
  for (uint32_t i = 0; i < p->outs; i++) {
    const dz__edge *e = &q->g.edge[q->g.leaving[p->out + i]];
    if (e->gate == DZ__GATE_OPEN && best[e->to] + log2(fabs(e->partial)) >= best[v]) return e;
  }
  return NULL;
}

/* From x up the first value with several uses; without one the result. */
static const dz__vertex *first_fork(const dz__inquiry *q) {
  const dz__vertex *v = &q->g.vertex[q->x];
  while (v->outs == 1) v = &q->g.vertex[q->g.edge[q->g.leaving[v->out]].to];
  return v;
}

/* The use on the largest path whose factor is farthest from 1 in the wanted direction. */
static void find_factor(dz__inquiry *q, double *best) {
  bool tiny = q->r->kind == DZ_WHY_TINY;
  const dz__vertex *fork = first_fork(q);
  const dz__edge *worst = NULL, *e;
  double most = 0, g = log2(fabs(q->r->gradient));
  largest(q, best);
  if (fork->outs && best[q->x] > g + 10) { /* of a single path no more than rounding, below 2^-1022 */
    blame(q, DZ_WHY_CANCELLATION, last_use(q, fork));
    return;
  }
  for (uint32_t v = q->x; (e = next_on_path(q, best, v)) != NULL; v = e->to) {
    double size = (tiny ? -1 : 1) * log2(fabs(e->partial));
    q->factors++;
    q->small += size > 0;
    if (size > most) worst = e, most = size;
  }
  if (!worst) { /* so many paths; what is tiny has a factor below 1 */
    blame(q, DZ_WHY_EXPLODING, NULL);
    return;
  }
  bool one = most >= fabs(g) / 2;
  const char *op = op_of(q->g.vertex[worst->to].node);
  double x = q->g.vertex[worst->from].value;
  if (!one)
    blame(q, tiny ? DZ_WHY_VANISHING : DZ_WHY_EXPLODING, worst);
  else if (tiny)
    blame(q, saturates(op) && fabs(x) > 1 ? DZ_WHY_SATURATION : DZ_WHY_SMALL_SLOPE, worst);
  else
    blame(q, DZ_WHY_LARGE_SLOPE, worst);
}

static bool find_with(dz__inquiry *q, void find(dz__inquiry *, double *)) {
  size_t bytes = q->g.vertices * sizeof(double);
  double *best = dz__alloc(&q->g.alloc, bytes);
  if (best) find(q, best);
  dz__free(&q->g.alloc, best, bytes);
  return best != NULL;
}

bool dz__why_find(dz__inquiry *q) {
  bool done = true;
  dz_why_kind kind = q->r->kind;
  if (kind == DZ_WHY_NAN) find_bad(q, no_nan);
  if (kind == DZ_WHY_INFINITE) find_bad(q, finite);
  if (kind == DZ_WHY_ZERO) done = find_with(q, find_zero);
  if (kind == DZ_WHY_TINY || kind == DZ_WHY_HUGE) done = find_with(q, find_factor);
  dz_node is = q->r->node.tape ? dz_describe(q->r->node) : (dz_node){0};
  q->r->line = is.line;
  q->r->column = is.column;
  return done;
}
