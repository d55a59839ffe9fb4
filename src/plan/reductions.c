/* Reductions of tensors as scalar operations. */
#include "plan/extract.h"

#include <math.h>

typedef struct reduction {
  dz__extraction *x;
  uint32_t node;
  const dz__wide *w;
  dz_var operand;
} reduction;

bool dz__can_reduce(unsigned fn) {
  return fn == DZ__F_sum || fn == DZ__F_prod || fn == DZ__F_norm || fn == DZ__F_max || fn == DZ__F_min ||
         fn == DZ__F_logsumexp;
}

static uint32_t element(const reduction *r, size_t e) {
  return dz_is_number(r->operand) ? dz__graph_number(r->x->g, dz__number(r->operand))
                                  : dz__element_node(r->x, dz__index(r->operand), e);
}

/* An operation; a gradient flows through it where `flows` and one of its operands is active. */
static uint32_t apply(const reduction *r, unsigned fn, bool flows, size_t n, const uint32_t *args) {
  unsigned active = 0;
  for (size_t k = 0; k < n; k++) {
    if (args[k] == DZ__NO_NODE) return DZ__NO_NODE;
    active |= r->x->g->flags[args[k]] & DZ__N_ACTIVE;
  }
  return dz__graph_add(r->x->g, fn, flows && dz__has_slope(fn) ? active : 0, n, args);
}

static uint32_t two(const reduction *r, unsigned fn, uint32_t a, uint32_t b) {
  return apply(r, fn, true, 2, (uint32_t[]){a, b});
}

/* The larger (smaller) of both, a NaN before all; it is only compared with, so no gradient flows. */
static uint32_t extreme(const reduction *r, uint32_t m, uint32_t a) {
  unsigned beats = r->w->fn == DZ__F_min ? DZ__F_lt : DZ__F_gt;
  uint32_t better = apply(r, beats, false, 2, (uint32_t[]){a, m});
  uint32_t none = apply(r, DZ__F_ne, false, 2, (uint32_t[]){a, a});
  uint32_t takes = apply(r, DZ__F_or, false, 2, (uint32_t[]){better, none});
  return apply(r, DZ__F_where, false, 3, (uint32_t[]){takes, a, m});
}

/* What is added up after the first pass, which left m. */
static uint32_t term(const reduction *r, uint32_t a, uint32_t m, bool count) {
  if (r->w->fn == DZ__F_logsumexp) return apply(r, DZ__F_exp, true, 1, (uint32_t[]){two(r, DZ__F_sub, a, m)});
  uint32_t best = apply(r, DZ__F_eq, false, 2, (uint32_t[]){a, m});
  return count ? best : apply(r, DZ__F_where, true, 3, (uint32_t[]){best, a, 0}); /* node 0 is the number 0 */
}

/* The first of several stands for itself. */
static uint32_t first(const reduction *r, uint32_t a) {
  return r->w->fn == DZ__F_norm ? apply(r, DZ__F_fabs, true, 1, &a) : a;
}

static uint32_t join(const reduction *r, uint32_t so_far, uint32_t a) {
  switch (r->w->fn) {
  case DZ__F_sum:
    return two(r, DZ__F_add, so_far, a);
  case DZ__F_prod:
    return two(r, DZ__F_mul, so_far, a);
  case DZ__F_norm: /* no overflow, and no slope at 0 */
    return two(r, DZ__F_hypot, so_far, a);
  default:
    return extreme(r, so_far, a);
  }
}

/* Of nothing: 0, 1, 0, -inf; max and min have refused it. */
static uint32_t of_nothing(const reduction *r) {
  double v = r->w->fn == DZ__F_prod ? 1 : r->w->fn == DZ__F_logsumexp ? -INFINITY : 0;
  return dz__graph_number(r->x->g, v);
}

static uint32_t *slot(const reduction *r, size_t j) {
  return r->w->rank ? &r->x->item[r->x->map[r->node] + j] : &r->x->map[r->node];
}

/* m that infinities are not subtracted from: a sum of exp(-inf) is 0, and of exp(inf) inf. */
static uint32_t shift(const reduction *r, uint32_t m) {
  uint32_t zero = apply(r, DZ__F_sub, false, 2, (uint32_t[]){m, m});
  uint32_t finite = apply(r, DZ__F_eq, false, 2, (uint32_t[]){zero, zero});
  return apply(r, DZ__F_where, false, 3, (uint32_t[]){finite, m, 0});
}

typedef struct second {
  uint32_t *sum, *count; /* per result; DZ__NO_NODE before the first */
} second;

static bool add_to(const reduction *r, uint32_t *sum, uint32_t a, bool flows) {
  *sum = *sum == DZ__NO_NODE ? a : apply(r, DZ__F_add, flows, 2, (uint32_t[]){*sum, a});
  return *sum != DZ__NO_NODE;
}

/* Of max and min: the mean of those that are the largest, so that they share the gradient; of logsumexp: m +
   log(sum of exp(a - m)). */
static bool second_pass(const reduction *r, const double *to, size_t results, size_t elements, second s) {
  bool logarithm = r->w->fn == DZ__F_logsumexp, good = true;
  for (size_t j = 0; j < results && good; j++) {
    s.sum[j] = s.count[j] = DZ__NO_NODE;
    if (logarithm) good = (*slot(r, j) = shift(r, *slot(r, j))) != DZ__NO_NODE;
  }
  for (size_t e = 0; e < elements && good; e++) {
    size_t j = (size_t)to[e];
    uint32_t a = element(r, e), m = *slot(r, j);
    good = add_to(r, &s.sum[j], term(r, a, m, false), true);
    if (good && !logarithm) good = add_to(r, &s.count[j], term(r, a, m, true), false);
  }
  for (size_t j = 0; j < results && good; j++) {
    uint32_t m = *slot(r, j), sum = s.sum[j];
    *slot(r, j) = logarithm ? two(r, DZ__F_add, m, apply(r, DZ__F_log, true, 1, &sum))
                            : two(r, DZ__F_div, sum, s.count[j]);
    good = *slot(r, j) != DZ__NO_NODE;
  }
  return good;
}

bool dz__extract_reduction(dz__extraction *x, uint32_t i, const dz__wide *w, const double *to, size_t results,
                           size_t elements) {
  reduction r = {x, i, w, dz_operand(dz__handle(x->t, i), 0)};
  bool twice = w->fn == DZ__F_max || w->fn == DZ__F_min || w->fn == DZ__F_logsumexp;
  for (size_t j = 0; j < results; j++) *slot(&r, j) = DZ__NO_NODE;
  for (size_t e = 0; e < elements; e++) {
    uint32_t a = element(&r, e), so_far = *slot(&r, (size_t)to[e]);
    if (a == DZ__NO_NODE) return false;
    *slot(&r, (size_t)to[e]) = a = so_far == DZ__NO_NODE ? first(&r, a) : join(&r, so_far, a);
    if (a == DZ__NO_NODE) return false;
  }
  if (elements == 0 || !twice) {
    for (size_t j = 0; j < results; j++)
      if (*slot(&r, j) == DZ__NO_NODE && (*slot(&r, j) = of_nothing(&r)) == DZ__NO_NODE) return false;
    return true;
  }
  size_t bytes = results * sizeof(uint32_t);
  second s = {dz__alloc(&x->g->alloc, bytes), dz__alloc(&x->g->alloc, bytes)};
  bool done = s.sum && s.count && second_pass(&r, to, results, elements, s);
  dz__free(&x->g->alloc, s.sum, bytes);
  dz__free(&x->g->alloc, s.count, bytes);
  return done;
}
