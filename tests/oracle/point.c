/* Pointwise operations, element by element, with NumPy's broadcasting. */
#include "graph.h"

static rule_function *const rules[] = {
#define ROW(name) rule_##name,
    ORACLE_POINTWISE(ROW)
#undef ROW
};

/* Extents of the result; false when they do not fit. */
static bool broadcast(const graph *g, node *z) {
  z->rank = 0;
  for (int k = 0; k < z->nargs; k++)
    if (g->nodes[z->args[k]].rank > z->rank) z->rank = g->nodes[z->args[k]].rank;
  size_t size = 1;
  for (int d = 0; d < z->rank; d++) {
    z->dims[d] = 1;
    for (int k = 0; k < z->nargs; k++) {
      const node *x = &g->nodes[z->args[k]];
      const int own = d - (z->rank - x->rank);
      if (own < 0 || x->dims[own] == 1) continue;
      if (z->dims[d] != 1 && z->dims[d] != x->dims[own]) return false;
      z->dims[d] = x->dims[own];
    }
    size *= z->dims[d];
  }
  return size <= MOST_SIZE;
}

/* The element of x that stands at place i of z. */
static int element_at(const node *z, const node *x, int i) {
  int at = 0, step = 1;
  for (int d = z->rank; d-- > 0;) {
    const int own = d - (z->rank - x->rank), position = i % (int)z->dims[d];
    i /= (int)z->dims[d];
    if (own < 0) continue;
    if (x->dims[own] != 1) at += step * position;
    step *= (int)x->dims[own];
  }
  return x->first + at;
}

/* What the operands' bounds do to the value, and to slope j. */
static wide carried(const rule *r, const wide *e, int n) {
  wide sum = 0;
  for (int k = 0; k < n; k++) {
    if (!(e[k] > 0)) continue;
    if (!r->none[k]) sum += size_of(r->p[k]) * e[k];
    for (int l = 0; l < n; l++)
      if (e[l] > 0) sum += r->h[k][l] * e[k] * e[l] / 2;
  }
  return sum * RAISED;
}
static wide slope_carried(const rule *r, const wide *e, int n, int j) {
  wide sum = 0;
  for (int l = 0; l < n; l++)
    if (e[l] > 0) sum += r->h[j][l] * e[l];
  return sum * RAISED;
}

static wide own_rounding(const rule *r, bool exact_operands, wide from_operands) {
  if (r->rounding == NONE || (r->rounding == IEEE && r->v == 0 && from_operands == 0)) return 0;
  if (r->rounding == IEEE && exact_operands && (quad)(held)r->v == r->v) return 0;
  const wide scale = size_of(r->v) > r->v_scale ? size_of(r->v) : r->v_scale;
  return r->units * ROUNDOFF * scale + 4 * UNDERFLOW;
}

static wide slope_error(const rule *r, const wide *e, int n, int j) {
  if (r->exact_slopes) return slope_carried(r, e, n, j);
  const wide size = size_of(r->p[j]), scale = size > r->p_scale[j] ? size : r->p_scale[j];
  /* A subnormal value has lost digits, and slopes are made of it. */
  const wide value = size_of(r->v), lost = value > 0 && value < UNDERFLOW / ROUNDOFF ? size / value : 0;
  return slope_carried(r, e, n, j) + r->units * ROUNDOFF * scale + (4 + lost) * UNDERFLOW;
}

/* Infinity as a number may be compared with. */
static bool is_bound(const node *z, const element *x) {
  return z->op >= OP_lt && z->op <= OP_ne && x->given && isinfq(x->v);
}

/* A number with an infinite slope may be looked at where nothing flows back to it: max(sqrt(0), 1). */
static bool is_masked(const rule *r, int k, const element *x) { return r->none[k] && finiteq(x->v); }

static verdict judge_operands(const graph *g, const node *z, const int *ids, const point *at, const rule *r) {
  for (int k = 0; k < z->nargs; k++)
    if (!r->unused[k] && g->elements[ids[k]].wild && !is_bound(z, &g->elements[ids[k]]) &&
        !is_masked(r, k, &g->elements[ids[k]]))
      return UNDEFINED;
  for (int k = 0; k < z->nargs; k++)
    if (!r->unused[k] && at->e[k] > 0 && at->e[k] > r->reach[k] / 1024) return DOUBT;
  return FINE;
}

/* Marks the new element as NaN or infinite where that is allowed. */
static verdict undefined(graph *g, element *out, verdict said) {
  if (said != UNDEFINED || !g->wild_allowed) return said;
  out->wild = true;
  out->v = nanq("");
  return FINE;
}

static verdict point_element(graph *g, const node *z, const int *ids) {
  point at = {.e = {0}};
  rule r = {.units = 4};
  bool exact = true;
  for (int k = 0; k < z->nargs; k++) {
    const element *x = &g->elements[ids[k]];
    at.x[k] = x->v;
    at.e[k] = x->e;
    at.same[k] = x->same;
    at.given[k] = x->given;
    at.active[k] = g->nodes[z->args[k]].active;
    exact = exact && x->e == 0;
  }
  element *out = graph_element(g);
  if (!out) return NO_ROOM;
  verdict said = rules[z->op](&at, &r);
  if (said == FINE) said = judge_operands(g, z, ids, &at, &r);
  if (said != FINE) return undefined(g, out, said);
  if (r.copy) {
    graph_copy(g, NULL, ids[r.copy - 1]);
  } else {
    out->v = r.v;
    out->e = r.certain ? 0 : carried(&r, at.e, z->nargs);
    out->e += own_rounding(&r, exact || r.certain, out->e);
  }
  for (int k = 0; k < z->nargs; k++)
    if (!r.none[k] && z->active)
      graph_link(g, &g->nodes[z->args[k]], ids[k], r.p[k], slope_error(&r, at.e, z->nargs, k));
  return graph_judge(g);
}

verdict point_rule(graph *g, node *z) {
  if (!broadcast(g, z)) return UNDEFINED;
  int size = 1, ids[3];
  for (int d = 0; d < z->rank; d++) size *= (int)z->dims[d];
  for (int i = 0; i < size; i++) {
    for (int k = 0; k < z->nargs; k++) ids[k] = element_at(z, &g->nodes[z->args[k]], i);
    const verdict said = point_element(g, z, ids);
    if (said != FINE) return said;
  }
  return FINE;
}
