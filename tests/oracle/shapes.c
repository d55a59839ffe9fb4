/* Which elements of the operands make each element of a tensor operation's result. */
#include "groups.h"

typedef struct place {
  int at[MOST_RANK];
} place;

static int size_of_shape(const node *z) {
  int size = 1;
  for (int d = 0; d < z->rank; d++) size *= (int)z->dims[d];
  return size;
}

static place place_of(const node *z, int i) {
  place p = {{0}};
  for (int d = z->rank; d-- > 0; i /= (int)z->dims[d]) p.at[d] = i % (int)z->dims[d];
  return p;
}

static int element_of(const node *x, place p) {
  int at = 0;
  for (int d = 0; d < x->rank; d++) at = at * (int)x->dims[d] + p.at[d];
  return x->first + at;
}

static bool any_wild(const graph *g, const node *z) {
  for (int k = 0; k < z->nargs; k++)
    for (int i = 0; i < g->nodes[z->args[k]].size; i++)
      if (g->elements[g->nodes[z->args[k]].first + i].wild) return true;
  return false;
}

/* ---- reductions ---- */

static verdict group(graph *g, op which, const node *x, const int *ids, int n) {
  if (which == OP_sum) return group_sum(g, x, ids, n);
  if (which == OP_mean) return group_mean(g, x, ids, n);
  if (which == OP_prod) return group_prod(g, x, ids, n, 0);
  if (which == OP_norm) return group_norm(g, x, ids, n);
  if (which == OP_logsumexp) return group_logsumexp(g, x, ids, n);
  return group_extreme(g, x, ids, n, which == OP_max ? 1 : -1);
}

static bool is_reduced(const node *z, int axis) {
  for (int k = 1; k < z->nattr; k++)
    if (z->attr[k] == axis) return true;
  return false;
}

static verdict reduction(graph *g, node *z) {
  const node *x = &g->nodes[z->args[0]];
  int owner[MOST_SIZE], ids[MOST_SIZE];
  z->rank = 0;
  for (int d = 0; d < x->rank; d++)
    if (!is_reduced(z, d))
      z->dims[z->rank++] = x->dims[d];
    else if (z->attr[0])
      z->dims[z->rank++] = 1;
  for (int i = 0; i < x->size; i++) {
    const place p = place_of(x, i);
    owner[i] = 0;
    for (int d = 0; d < x->rank; d++)
      if (!is_reduced(z, d)) owner[i] = owner[i] * (int)x->dims[d] + p.at[d];
  }
  for (int i = 0; i < size_of_shape(z); i++) {
    int n = 0;
    for (int j = 0; j < x->size; j++)
      if (owner[j] == i) ids[n++] = x->first + j;
    verdict said = group(g, z->op, x, ids, n);
    if (said == FINE) said = graph_judge(g);
    if (said != FINE) return said;
  }
  return FINE;
}

static verdict running(graph *g, node *z) {
  const node *x = &g->nodes[z->args[0]];
  const int axis = (int)z->attr[0];
  int ids[MOST_SIZE];
  z->rank = x->rank;
  for (int d = 0; d < x->rank; d++) z->dims[d] = x->dims[d];
  for (int i = 0; i < x->size; i++) {
    place p = place_of(x, i);
    const int n = p.at[axis] + 1;
    for (int k = 0; k < n; k++) {
      p.at[axis] = k;
      ids[k] = element_of(x, p);
    }
    verdict said =
        z->op == OP_cumsum ? group_sum(g, x, ids, n) : group_prod(g, x, ids, n, 2 * (int)x->dims[axis]);
    if (said == FINE) said = graph_judge(g);
    if (said != FINE) return said;
  }
  return FINE;
}

/* ---- copies ---- */

/* The element of the result at place p; *from is the operand that it is of. */
typedef int source(const graph *g, const node *z, place p, const node **from);

static int from_reshape(const graph *g, const node *z, place p, const node **from) {
  (void)g;
  const int i = element_of(z, p) - z->first;
  return (*from)->first + i;
}
static int from_broadcast(const graph *g, const node *z, place p, const node **from) {
  (void)g;
  place q = {{0}};
  for (int d = 0; d < (*from)->rank; d++)
    if ((*from)->dims[d] != 1) q.at[d] = p.at[d + z->rank - (*from)->rank];
  return element_of(*from, q);
}
static int from_permute(const graph *g, const node *z, place p, const node **from) {
  (void)g;
  place q = {{0}};
  for (int d = 0; d < z->rank; d++) q.at[z->attr[d]] = p.at[d];
  return element_of(*from, q);
}
static int from_index(const graph *g, const node *z, place p, const node **from) {
  (void)g;
  place q = {{0}};
  for (int d = 0, k = 0; d < (*from)->rank; d++) {
    const int64_t *a = &z->attr[4 * d];
    q.at[d] = (int)(a[0] + (a[3] ? 0 : p.at[k++] * a[2]));
  }
  return element_of(*from, q);
}
static int from_concat(const graph *g, const node *z, place p, const node **from) {
  const int axis = (int)z->attr[0];
  for (int k = 0; k < z->nargs; k++) {
    *from = &g->nodes[z->args[k]];
    if (p.at[axis] < (int)(*from)->dims[axis]) break;
    p.at[axis] -= (int)(*from)->dims[axis];
  }
  return element_of(*from, p);
}
static int from_stack(const graph *g, const node *z, place p, const node **from) {
  const int axis = (int)z->attr[0];
  *from = &g->nodes[z->args[p.at[axis]]];
  for (int d = axis; d + 1 < z->rank; d++) p.at[d] = p.at[d + 1];
  return element_of(*from, p);
}
static int from_gather(const graph *g, const node *z, place p, const node **from) {
  const node *at = &g->nodes[z->args[1]];
  const int axis = (int)z->attr[0];
  place q = p, r = {{0}};
  for (int d = 0; d < at->rank; d++) r.at[d] = p.at[axis + d];
  const int i = (int)g->elements[element_of(at, r)].v;
  q.at[axis] = i < 0 ? i + (int)(*from)->dims[axis] : i;
  for (int d = axis + 1; d < (*from)->rank; d++) q.at[d] = p.at[d + at->rank - 1];
  return element_of(*from, q);
}

static verdict copies(graph *g, node *z, source *of) {
  const int size = size_of_shape(z);
  if (size > MOST_SIZE) return NO_ROOM;
  for (int i = 0; i < size; i++) {
    if (!graph_element(g)) return NO_ROOM;
    const node *from = &g->nodes[z->args[0]];
    const int id = of(g, z, place_of(z, i), &from);
    graph_copy(g, from, id);
  }
  return FINE;
}

static void push(node *z, size_t extent) { z->dims[z->rank++] = extent; }

static verdict copied(graph *g, node *z) {
  const node *x = &g->nodes[z->args[0]], *y = &g->nodes[z->args[z->nargs > 1]];
  const int axis = (int)z->attr[0];
  z->rank = 0;
  switch ((int)z->op) {
  case OP_reshape:
  case OP_broadcast_to:
    for (int d = 0; d < z->nattr; d++) push(z, (size_t)z->attr[d]);
    return copies(g, z, z->op == OP_reshape ? from_reshape : from_broadcast);
  case OP_permute:
    for (int d = 0; d < x->rank; d++) push(z, x->dims[z->attr[d]]);
    return copies(g, z, from_permute);
  case OP_index:
    for (int d = 0; d < x->rank; d++)
      if (!z->attr[4 * d + 3]) push(z, (size_t)z->attr[4 * d + 1]);
    return copies(g, z, from_index);
  case OP_concat:
    for (int d = 0; d < x->rank; d++) push(z, x->dims[d]);
    for (int k = 1; k < z->nargs; k++) z->dims[axis] += g->nodes[z->args[k]].dims[axis];
    return copies(g, z, from_concat);
  case OP_stack:
    for (int d = 0; d <= x->rank; d++) push(z, d == axis ? (size_t)z->nargs : x->dims[d - (d > axis)]);
    return copies(g, z, from_stack);
  default:
    for (int d = 0; d < axis; d++) push(z, x->dims[d]);
    for (int d = 0; d < y->rank; d++) push(z, y->dims[d]);
    for (int d = axis + 1; d < x->rank; d++) push(z, x->dims[d]);
    return copies(g, z, from_gather);
  }
}

/* ---- matrix products ---- */

/* Where the matrix axes of an operand stand: `row` is -1 for a vector on the left, `column` for one on the
 * right. */
static verdict matrix_product(graph *g, node *z) {
  const node *x = &g->nodes[z->args[0]], *y = &g->nodes[z->args[1]];
  const int bx = x->rank > 2 ? x->rank - 2 : 0, by = y->rank > 2 ? y->rank - 2 : 0, batch = bx > by ? bx : by;
  const int inner = (int)x->dims[x->rank - 1];
  int left[MOST_SIZE], right[MOST_SIZE];
  z->rank = 0;
  for (int d = 0; d < batch; d++) {
    const size_t m = d < batch - bx ? 1 : x->dims[d - (batch - bx)],
                 n = d < batch - by ? 1 : y->dims[d - (batch - by)];
    if (m != n && m != 1 && n != 1) return UNDEFINED;
    push(z, m == 1 ? n : m);
  }
  if (x->rank > 1) push(z, x->dims[x->rank - 2]);
  if (y->rank > 1) push(z, y->dims[y->rank - 1]);
  if (size_of_shape(z) > MOST_SIZE) return NO_ROOM;
  for (int i = 0; i < size_of_shape(z); i++) {
    const place p = place_of(z, i);
    place a = {{0}}, b = {{0}};
    for (int d = 0; d < bx; d++) a.at[d] = x->dims[d] == 1 ? 0 : p.at[d + batch - bx];
    for (int d = 0; d < by; d++) b.at[d] = y->dims[d] == 1 ? 0 : p.at[d + batch - by];
    if (x->rank > 1) a.at[bx] = p.at[batch];
    if (y->rank > 1) b.at[by + 1] = p.at[z->rank - 1];
    for (int k = 0; k < inner; k++) {
      a.at[x->rank - 1] = k;
      b.at[y->rank > 1 ? by : 0] = k;
      left[k] = element_of(x, a);
      right[k] = element_of(y, b);
    }
    verdict said = group_dot(g, x, left, y, right, inner);
    if (said == FINE) said = graph_judge(g);
    if (said != FINE) return said;
  }
  return FINE;
}

/* ---- what composites and derivative graphs are made of besides ---- */

/* How many elements are reduced over, less the last integer. */
static verdict count(graph *g, node *z) {
  const node *x = &g->nodes[z->args[0]];
  const int ddof = (int)z->attr[--z->nattr];
  int n = 1;
  z->rank = 0;
  for (int d = 0; d < x->rank; d++)
    if (!is_reduced(z, d))
      push(z, x->dims[d]);
    else {
      n *= (int)x->dims[d];
      if (z->attr[0]) push(z, 1);
    }
  for (int i = 0; i < size_of_shape(z); i++) {
    element *y = graph_element(g);
    if (!y) return NO_ROOM;
    y->v = n - ddof;
  }
  return FINE;
}

/* Zeros with the operand where an index would read: attr is {start, count, step, drop} for each axis, then
   the extents. */
static verdict placed(graph *g, node *z) {
  const node *x = &g->nodes[z->args[0]];
  const int rank = z->nattr / 5;
  z->rank = 0;
  for (int d = 0; d < rank; d++) push(z, (size_t)z->attr[4 * rank + d]);
  if (size_of_shape(z) > MOST_SIZE) return NO_ROOM;
  for (int i = 0; i < size_of_shape(z); i++) {
    const place p = place_of(z, i);
    place q = {{0}};
    bool hit = true;
    for (int d = 0, k = 0; d < rank; d++) {
      const int64_t *a = &z->attr[4 * d], from = p.at[d] - a[0], at = a[2] ? from / a[2] : 0;
      hit = hit && at >= 0 && at < a[1] && at * a[2] == from;
      if (!a[3]) q.at[k++] = (int)at;
    }
    if (!graph_element(g)) return NO_ROOM;
    if (hit) graph_copy(g, x, element_of(x, q));
  }
  return FINE;
}

/* Zeros with slices of the first operand added where the second says: attr is {axis, extent}. */
static verdict scattered(graph *g, node *z) {
  const node *x = &g->nodes[z->args[0]], *at = &g->nodes[z->args[1]];
  const int axis = (int)z->attr[0], extent = (int)z->attr[1];
  int ids[MOST_SIZE];
  z->rank = 0;
  for (int d = 0; d < axis; d++) push(z, x->dims[d]);
  push(z, (size_t)extent);
  for (int d = axis + at->rank; d < x->rank; d++) push(z, x->dims[d]);
  if (size_of_shape(z) > MOST_SIZE) return NO_ROOM;
  for (int i = 0; i < size_of_shape(z); i++) {
    const place p = place_of(z, i);
    int n = 0;
    for (int j = 0; j < at->size; j++) {
      const int slot = (int)g->elements[at->first + j].v;
      if ((slot < 0 ? slot + extent : slot) != p.at[axis]) continue;
      place q = p;
      const place r = place_of(at, j);
      for (int d = 0; d < at->rank; d++) q.at[axis + d] = r.at[d];
      for (int d = axis + 1; d < z->rank; d++) q.at[d + at->rank - 1] = p.at[d];
      ids[n++] = element_of(x, q);
    }
    const verdict said = group_sum(g, x, ids, n);
    if (said != FINE) return said;
  }
  return FINE;
}

verdict tensor_rule(graph *g, node *z) {
  if (z->op == OP_count) return count(g, z);
  if (any_wild(g, z)) return UNDEFINED;
  if (z->op == OP_place) return placed(g, z);
  if (z->op == OP_scatter) return scattered(g, z);
  if (z->op == OP_matmul) return matrix_product(g, z);
  if (z->op == OP_cumsum || z->op == OP_cumprod) return running(g, z);
  return z->op <= OP_mean ? reduction(g, z) : copied(g, z);
}
