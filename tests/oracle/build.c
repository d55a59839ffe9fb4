#include "build.h"

static int below(builder *b, int n) { return dice_below(b->dice, n); }
static bool percent(builder *b, int p) { return dice_percent(b->dice, p); }

/* ---- numbers and leaves ---- */

double build_value(builder *b) {
  static const double special[] = {0, 1, -1, 2, .5, -2, -0., 3};
  if (b->style == DYADIC) return (below(b, 17) - 8) * (percent(b, 50) ? 1 : percent(b, 50) ? .5 : .25);
  if (b->style == WIDE && percent(b, 80))
    return pow(10, dice_between(b->dice, -b->decades, b->decades)) * (percent(b, 70) ? 1 : -1);
  if (percent(b, 8)) return special[below(b, 8)];
  if (percent(b, 20)) return pow(10, dice_between(b->dice, -3, 2)) * (percent(b, 70) ? 1 : -1);
  return dice_between(b->dice, -2, 3);
}

static dz_role any_role(builder *b) {
  return percent(b, 75)   ? DZ_ROLE_INPUT
         : percent(b, 40) ? DZ_ROLE_PARAM
         : percent(b, 50) ? DZ_ROLE_CONST
                          : DZ_ROLE_DATA;
}

int build_leaf(builder *b, int rank, const size_t *dims) {
  double values[MOST_BUILT];
  size_t size = 1;
  for (int d = 0; d < rank; d++) size *= dims[d];
  if (size > MOST_BUILT) return -1;
  for (size_t i = 0; i < size; i++) values[i] = i > 0 && percent(b, 5) ? values[i - 1] : build_value(b);
  return graph_leaf(b->g, any_role(b), rank, dims, values);
}

/* The last few of the base's extents, some of them 1. */
static int leaf_that_fits(builder *b) {
  const int rank = b->tensors ? below(b, 4) : 0;
  size_t dims[3];
  for (int d = 0; d < rank; d++) dims[d] = percent(b, 15) ? 1 : b->base[3 - rank + d];
  return build_leaf(b, rank, dims);
}

/* ---- operands ---- */

static bool fit_for_use(const graph *g, int i) {
  const node *x = &g->nodes[i];
  if (x->op == OP_number) return false;
  for (int k = 0; k < x->size; k++)
    if (g->elements[x->first + k].wild) return false;
  return true;
}

int build_operand(builder *b) {
  int some = -1;
  for (int tries = 0; tries < 40; tries++) {
    const int i = below(b, b->g->n);
    if (!fit_for_use(b->g, i)) continue;
    some = i;
    if (!b->g->nodes[i].used || percent(b, 20)) break;
  }
  return some < 0 ? leaf_that_fits(b) : some;
}

int build_operand_or_number(builder *b) {
  return percent(b, 12) ? graph_number(b->g, build_value(b)) : build_operand(b);
}

/* ---- operations ---- */

int build_apply(builder *b, const node *made) {
  int at = -1;
  for (int k = 0; k < made->nargs; k++)
    if (made->args[k] < 0) return -1;
  if (b->g->n > 100 || b->g->size > 1500) return -1;
  const verdict said = graph_apply(b->g, made, &at);
  b->count->drawn++;
  b->count->doubtful += said == DOUBT;
  b->count->undefined += said == UNDEFINED;
  b->count->made[made->op] += said == FINE;
  return at;
}

/* Arithmetic often, the gamma class seldom, since it is slow in __float128; comparisons seldom, as nothing
   flows through them. */
static op any_pointwise(builder *b) {
  if (percent(b, 30)) return percent(b, 50) ? OP_mul : (op)(OP_add + below(b, 4));
  for (;;) {
    const op which = (op)below(b, OP_POINTWISE_END);
    const bool gamma = (which >= OP_lgamma && which <= OP_digamma) || which == OP_polygamma;
    const bool flat = (which >= OP_lt && which <= OP_or) || which == OP_not || which == OP_stop ||
                      (which >= OP_sign && which <= OP_trunc);
    if (!(gamma && percent(b, 80)) && !(flat && percent(b, 60))) return which;
  }
}

static int build_pointwise(builder *b) {
  node made = {.op = any_pointwise(b)};
  made.nargs = made.op < OP_add ? 1 : made.op < OP_clamp ? 2 : 3;
  const int sure = below(b, made.nargs); /* one operand at least is a node */
  for (int k = 0; k < made.nargs; k++)
    made.args[k] = k == sure ? build_operand(b) : build_operand_or_number(b);
  if (made.op == OP_polygamma) {
    const double order = below(b, 4);
    made.args[0] =
        percent(b, 50) ? graph_number(b->g, order) : graph_leaf(b->g, any_role(b), 0, NULL, &order);
    made.args[1] = build_operand(b);
  } else if (made.nargs == 2 && percent(b, 12)) {
    made.args[0] = made.args[1] = build_operand(b);
  }
  return build_apply(b, &made);
}

/* ---- the end: everything goes into the output ---- */

static int unused_nodes(const graph *g, int *list) {
  int n = 0;
  for (int i = 0; i < g->n; i++)
    if (!g->nodes[i].used && fit_for_use(g, i)) list[n++] = i;
  return n;
}

static int join(builder *b, int x, int y) {
  static const op joints[] = {OP_add,       OP_sub,  OP_mul,   OP_add, OP_hypot,
                              OP_logaddexp, OP_fmax, OP_atan2, OP_div};
  for (int tries = 0; tries < 4; tries++) {
    const int z = build_apply(b, &(node){.op = joints[below(b, 9)], .nargs = 2, .args = {x, y}});
    if (z >= 0) return z;
  }
  return build_apply(b, &(node){.op = OP_add, .nargs = 2, .args = {x, y}});
}

static const op scalar_makers[] = {OP_sum, OP_norm, OP_logsumexp, OP_prod, OP_mean, OP_max, OP_min, OP_sum};

static int to_scalar(builder *b, int x) {
  for (int tries = 0; tries < 3; tries++) {
    const int z = build_reduction(b, scalar_makers[below(b, 8)], x, true);
    if (z >= 0) return z;
  }
  return build_reduction(b, OP_sum, x, true);
}

static int into_one(builder *b) {
  int list[MOST_NODES];
  int n = unused_nodes(b->g, list);
  if (n == 0) return build_operand(b);
  for (; n > 1; n = unused_nodes(b->g, list)) {
    int x = list[below(b, n)], y = x;
    while (y == x) y = list[below(b, n)];
    if (join(b, x, y) >= 0) continue;
    if (b->g->nodes[x].rank > 0) x = to_scalar(b, x);
    if (b->g->nodes[y].rank > 0) y = to_scalar(b, y);
    if (x < 0 || y < 0 || join(b, x, y) < 0) return list[n - 1];
  }
  const int y = list[0];
  const int z = b->g->nodes[y].size != 1 && percent(b, 50) ? to_scalar(b, y) : y;
  return z < 0 ? y : z;
}

int build_graph(graph *g, uint64_t seed, tally *count) {
  graph_clear(g, seed);
  builder b = {.g = g, .dice = &g->dice, .count = count};
  b.tensors = percent(&b, 40);
  b.style = percent(&b, 80) ? ORDINARY : percent(&b, 60) ? DYADIC : WIDE;
  b.decades = (const double[]){10, 30, 100, 300}[below(&b, 4)] * (NEAR_END < 1e100L ? .12 : 1);
  for (int d = 0; d < 3; d++) b.base[d] = (size_t)(1 + below(&b, 3));
  if (percent(&b, 2)) b.base[below(&b, 3)] = 0;
  const int leaves = 1 + below(&b, 4), ops = 2 + below(&b, b.tensors ? 10 : 15);
  for (int k = 0; k < leaves; k++) leaf_that_fits(&b);
  for (int k = 0, done = 0; k < 4 * ops && done < ops; k++) {
    const int roll = below(&b, 100);
    if (roll < 4)
      done += build_guarded(&b);
    else if (roll < 6)
      done += build_steep(&b);
    else
      done += (b.tensors && roll < 55 ? build_tensor_op(&b) : build_pointwise(&b)) >= 0;
  }
  return into_one(&b);
}
