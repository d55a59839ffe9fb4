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
  return dz__element_node(r->x, dz__index(r->operand), e);
}

/* An operation, or no node where an operand is none; a gradient flows through it where `flows` and one of its
   operands is active. */
static uint32_t apply(const reduction *r, unsigned fn, bool flows, size_t n, const uint32_t *args) {
  unsigned active = 0;
  for (size_t k = 0; k < n; k++) {
    if (args[k] == DZ__NO_NODE) return DZ__NO_NODE;
    active |= r->x->g->flags[args[k]] & DZ__N_ACTIVE;
  }
  return dz__graph_add(r->x->g, fn, flows ? active : 0, n, args);
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

/* The first of several stands for itself; the length of one is no fabs, whose slope at 0 is a structural
   zero. */
static uint32_t first(const reduction *r, uint32_t a) {
  return r->w->fn == DZ__F_norm ? two(r, DZ__F_hypot, a, 0) : a;
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

/* ---- the second pass of max, min and logsumexp ---- */

/* Of one result. The first pass left m, which no gradient flows through. Elements that equal it take part in
   the shares; of a NaN all do. */
typedef struct extremum {
  uint32_t m, finite, whole; /* whole: m is a number, so not NaN */
  uint32_t sum, count;       /* over the elements; DZ__NO_NODE before the first */
  uint32_t others;           /* logsumexp: the sum of exp(a - m) over those that do not equal m */
} extremum;

static uint32_t held(const reduction *r, unsigned fn, uint32_t a, uint32_t b) {
  return apply(r, fn, false, 2, (uint32_t[]){a, b});
}

static uint32_t where(const reduction *r, uint32_t c, uint32_t a, uint32_t b) {
  return apply(r, DZ__F_where, true, 3, (uint32_t[]){c, a, b});
}

/* Node 0 is the number 0. */
static bool begin(const reduction *r, extremum *x, uint32_t m) {
  *x = (extremum){m,
                  held(r, DZ__F_eq, held(r, DZ__F_sub, m, m), 0),
                  held(r, DZ__F_eq, m, m),
                  DZ__NO_NODE,
                  DZ__NO_NODE,
                  DZ__NO_NODE};
  return x->finite != DZ__NO_NODE && x->whole != DZ__NO_NODE;
}

static bool add_to(const reduction *r, uint32_t *sum, uint32_t a) {
  *sum = *sum == DZ__NO_NODE ? a : two(r, DZ__F_add, *sum, a);
  return *sum != DZ__NO_NODE;
}

/* m - a is +0 with the slope -1 where a equals m; an infinite m is not subtracted from. */
static uint32_t distance(const reduction *r, const extremum *x, uint32_t a) {
  uint32_t minus = apply(r, DZ__F_neg, true, 1, &a);
  return where(r, x->finite, two(r, DZ__F_sub, x->m, a), minus);
}

static bool add_extreme(const reduction *r, extremum *x, uint32_t a) {
  uint32_t best = held(r, DZ__F_eq, a, x->m), takes = held(r, DZ__F_or, best, held(r, DZ__F_eq, x->whole, 0));
  return add_to(r, &x->sum, where(r, takes, distance(r, x, a), 0)) && add_to(r, &x->count, takes);
}

/* m minus the mean distance, which is 0: its gradient is shared. A NaN divides by NaN. */
static uint32_t end_extreme(const reduction *r, const extremum *x) {
  uint32_t mean = two(r, DZ__F_div, x->sum, where(r, x->whole, x->count, x->m));
  uint32_t minus = apply(r, DZ__F_neg, true, 1, &mean);
  return where(r, x->finite, two(r, DZ__F_sub, x->m, mean), minus);
}

/* Those that equal m are exp(0) each, and added up apart, so that log1p keeps what the others add. */
static bool add_exponential(const reduction *r, extremum *x, uint32_t a) {
  uint32_t best = held(r, DZ__F_eq, a, x->m), d = two(r, DZ__F_sub, a, x->m),
           e = apply(r, DZ__F_exp, true, 1, &d);
  /* Of an infinite m: the elements themselves, whose mean it is. */
  uint32_t top = where(r, best, where(r, x->finite, e, a), 0);
  return add_to(r, &x->sum, top) && add_to(r, &x->count, best) && add_to(r, &x->others, where(r, best, 0, e));
}

static uint32_t end_exponentials(const reduction *r, const extremum *x) {
  uint32_t one = dz__graph_number(r->x->g, 1), infinite = held(r, DZ__F_gt, x->whole, x->finite);
  uint32_t mean = two(r, DZ__F_div, x->sum, x->count);
  uint32_t more = two(r, DZ__F_add, x->others, two(r, DZ__F_sub, x->sum, one));
  uint32_t sum = two(r, DZ__F_add, x->m, apply(r, DZ__F_log1p, true, 1, &more));
  return where(r, infinite, mean, sum);
}

static bool second_pass(const reduction *r, const double *to, size_t results, size_t elements, extremum *x) {
  bool logarithm = r->w->fn == DZ__F_logsumexp, good = true;
  for (size_t j = 0; j < results && good; j++) good = begin(r, &x[j], *slot(r, j));
  for (size_t e = 0; e < elements && good; e++) {
    extremum *of = &x[(size_t)to[e]];
    good = logarithm ? add_exponential(r, of, element(r, e)) : add_extreme(r, of, element(r, e));
  }
  for (size_t j = 0; j < results && good; j++) {
    *slot(r, j) = logarithm ? end_exponentials(r, &x[j]) : end_extreme(r, &x[j]);
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
    *slot(&r, (size_t)to[e]) = a = so_far == DZ__NO_NODE ? first(&r, a) : join(&r, so_far, a);
    if (a == DZ__NO_NODE) return false;
  }
  if (elements == 0 || !twice) {
    for (size_t j = 0; j < results; j++)
      if (*slot(&r, j) == DZ__NO_NODE && (*slot(&r, j) = of_nothing(&r)) == DZ__NO_NODE) return false;
    return true;
  }
  extremum *room = dz__alloc(&x->g->alloc, results * sizeof *room);
  bool done = room && second_pass(&r, to, results, elements, room);
  dz__free(&x->g->alloc, room, results * sizeof *room);
  return done;
}
