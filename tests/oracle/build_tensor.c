/* Random tensor operations, and the guarded ones. */
#include "build.h"

static int below(builder *b, int n) { return dice_below(b->dice, n); }
static bool percent(builder *b, int p) { return dice_percent(b->dice, p); }

/* Over all axes, or over some of them. */
int build_reduction(builder *b, op which, int x, bool all) {
  if (x < 0) return -1;
  const int rank = b->g->nodes[x].rank;
  node made = {.op = which, .nargs = 1, .args = {x}, .nattr = 1, .attr = {!all && percent(b, 40)}};
  all = all || percent(b, 25) || rank == 0;
  const int one = rank ? below(b, rank) : 0;
  for (int d = 0; d < rank; d++)
    if (all || d == one || (which != OP_mean && percent(b, 30))) made.attr[made.nattr++] = d;
  return build_apply(b, &made);
}

static int reshape(builder *b, int x) {
  const int size = b->g->nodes[x].size;
  node made = {.op = OP_reshape, .nargs = 1, .args = {x}};
  int left = size;
  for (int d = below(b, 3); d > 0 && left > 0; d--) {
    int by = 1 + below(b, left < 4 ? left : 4);
    while (left % by) by--;
    made.attr[made.nattr++] = by;
    left /= by;
  }
  if (left != 1) made.attr[made.nattr++] = left;
  return build_apply(b, &made);
}

static int broadcast_to(builder *b, int x) {
  const node *from = &b->g->nodes[x];
  const int more = from->rank < 3 ? below(b, 4 - from->rank) : 0;
  node made = {.op = OP_broadcast_to, .nargs = 1, .args = {x}};
  for (int d = 0; d < more; d++) made.attr[made.nattr++] = 1 + below(b, 3);
  for (int d = 0; d < from->rank; d++)
    made.attr[made.nattr++] = from->dims[d] == 1 ? 1 + below(b, 3) : (int64_t)from->dims[d];
  int64_t size = 1;
  for (int d = 0; d < made.nattr; d++) size *= made.attr[d];
  return size > MOST_BUILT ? -1 : build_apply(b, &made);
}

static int permute(builder *b, int x) {
  const int rank = b->g->nodes[x].rank;
  node made = {.op = OP_permute, .nargs = 1, .args = {x}, .nattr = rank};
  for (int d = 0; d < rank; d++) made.attr[d] = d;
  for (int d = rank; d > 1; d--) {
    const int k = below(b, d);
    const int64_t kept = made.attr[k];
    made.attr[k] = made.attr[d - 1];
    made.attr[d - 1] = kept;
  }
  return build_apply(b, &made);
}

/* A position, or a range of positions forward or backward, of one axis. */
static int part(builder *b, int x) {
  const node *from = &b->g->nodes[x];
  node made = {.op = OP_index, .nargs = 1, .args = {x}, .nattr = 4 * from->rank};
  if (from->rank == 0) return -1;
  for (int d = 0; d < from->rank; d++) {
    made.attr[4 * d + 1] = (int64_t)from->dims[d];
    made.attr[4 * d + 2] = 1;
  }
  const int axis = below(b, from->rank), extent = (int)from->dims[axis];
  int64_t *a = &made.attr[4 * axis];
  if (extent > 0 && percent(b, 40)) {
    a[0] = below(b, extent);
    a[1] = a[3] = 1;
  } else if (extent > 0) {
    const int step = (1 + below(b, 2)) * (percent(b, 50) ? 1 : -1);
    a[0] = below(b, extent);
    a[1] = 1 + below(b, (step > 0 ? extent - 1 - (int)a[0] : (int)a[0]) / abs(step) + 1);
    a[2] = a[1] > 1 ? step : 1;
  }
  return build_apply(b, &made);
}

static bool agree(const node *x, const node *y, int but) {
  if (x->rank != y->rank) return false;
  for (int d = 0; d < x->rank; d++)
    if (d != but && x->dims[d] != y->dims[d]) return false;
  return true;
}

static int joined(builder *b, op which, int x) {
  const node *from = &b->g->nodes[x];
  node made = {.op = which, .nattr = 1};
  if (which == OP_concat && from->rank == 0) return -1;
  if (which == OP_stack && from->rank == 4) return -1;
  const int axis = below(b, from->rank + (which == OP_stack));
  made.attr[0] = axis;
  const int n = 1 + below(b, 3);
  size_t extent = 0;
  for (int tries = 0; tries < 8 && made.nargs < n; tries++) {
    const int y = tries == 0 ? x : percent(b, 20) ? x : build_operand(b);
    if (!agree(from, &b->g->nodes[y], which == OP_concat ? axis : -1)) continue;
    made.args[made.nargs++] = y;
    if (from->rank) extent += b->g->nodes[y].dims[axis < from->rank ? axis : 0];
  }
  return extent > 8 || (from->size * n > MOST_BUILT) ? -1 : build_apply(b, &made);
}

static int gather(builder *b, int x) {
  const node *from = &b->g->nodes[x];
  if (from->rank == 0 || from->size == 0) return -1;
  const int axis = below(b, from->rank), extent = (int)from->dims[axis],
            rank = below(b, from->rank < 3 ? 3 : 2);
  size_t dims[2], size = 1;
  double at[9];
  for (int d = 0; d < rank; d++) size *= dims[d] = (size_t)(1 + below(b, 3));
  for (size_t i = 0; i < size; i++) at[i] = below(b, 2 * extent) - extent;
  const dz_role role = percent(b, 50) ? DZ_ROLE_DATA : percent(b, 50) ? DZ_ROLE_CONST : DZ_ROLE_INPUT;
  const int indices =
      rank == 0 && percent(b, 30) ? graph_number(b->g, *at) : graph_leaf(b->g, role, rank, dims, at);
  return build_apply(b,
                     &(node){.op = OP_gather, .nargs = 2, .args = {x, indices}, .nattr = 1, .attr = {axis}});
}

/* With another node where one fits, else with a new leaf. */
static int matmul(builder *b, int x) {
  const int rank = b->g->nodes[x].rank;
  if (rank == 0) return -1;
  const size_t inner = b->g->nodes[x].dims[rank - 1];
  int y = -1;
  for (int tries = 0; tries < 6 && y < 0; tries++) {
    const int i = percent(b, 20) ? x : build_operand(b);
    const node *other = &b->g->nodes[i];
    if (other->rank > 0 && other->dims[other->rank > 1 ? other->rank - 2 : 0] == inner) y = i;
  }
  if (y < 0) {
    const size_t dims[] = {inner, (size_t)(1 + below(b, 3))};
    y = build_leaf(b, 1 + below(b, 2), dims);
  }
  const int left = b->g->nodes[x].size, right = y < 0 ? 0 : b->g->nodes[y].size;
  return left * right > 200 ? -1 : build_apply(b, &(node){.op = OP_matmul, .nargs = 2, .args = {x, y}});
}

int build_tensor_op(builder *b) {
  const op which = (op)(OP_sum + below(b, OP_END - OP_sum));
  const int x = build_operand(b);
  if (x < 0) return -1;
  const int rank = b->g->nodes[x].rank;
  switch ((int)which) {
  case OP_cumsum:
  case OP_cumprod:
    if (rank == 0) return -1;
    return build_apply(b,
                       &(node){.op = which, .nargs = 1, .args = {x}, .nattr = 1, .attr = {below(b, rank)}});
  case OP_reshape:
    return reshape(b, x);
  case OP_broadcast_to:
    return broadcast_to(b, x);
  case OP_permute:
    return permute(b, x);
  case OP_index:
    return part(b, x);
  case OP_concat:
  case OP_stack:
    return joined(b, which, x);
  case OP_gather:
    return gather(b, x);
  case OP_matmul:
    return matmul(b, x);
  default:
    return build_reduction(b, which, x, false);
  }
}

/* ---- guarded: where(inside, f(x), other), f being NaN, infinite or infinitely steep outside ---- */

typedef struct guard {
  op f, compare;
  double bound;
  bool of_magnitude;
} guard;

static int apply(builder *b, op which, int n, int x, int y, int z) {
  return build_apply(b, &(node){.op = which, .nargs = n, .args = {x, y, z}});
}

bool build_guarded(builder *b) {
  static const guard guards[] = {{OP_log, OP_gt, 0, false},    {OP_sqrt, OP_gt, 0, false},
                                 {OP_log1p, OP_gt, -1, false}, {OP_acosh, OP_gt, 1, false},
                                 {OP_asin, OP_lt, 1, true},    {OP_atanh, OP_lt, 1, true},
                                 {OP_log2, OP_gt, 0, false},   {OP_cbrt, OP_ne, 0, false},
                                 {OP_exp, OP_lt, 700, false},  {OP_lgamma, OP_gt, 0, false}};
  const guard *by = &guards[below(b, 10)];
  const int x = build_operand(b);
  b->g->wild_allowed = true;
  const int f = apply(b, by->f, 1, x, 0, 0);
  const int after = percent(b, 50) && f >= 0 ? apply(b, percent(b, 50) ? OP_mul : OP_add, 2, f, x, 0) : f;
  b->g->wild_allowed = false;
  if (after < 0) return false;
  const int size = by->of_magnitude ? apply(b, OP_fabs, 1, x, 0, 0) : x;
  const int inside = apply(b, by->compare, 2, size, graph_number(b->g, by->bound), 0);
  const int other = build_operand_or_number(b);
  if (inside < 0 || other < 0) return false;
  if (percent(b, 50)) return apply(b, OP_where, 3, inside, after, other) >= 0;
  return apply(b, OP_where, 3, apply(b, OP_not, 1, inside, 0, 0), other, after) >= 0;
}

/* ---- steep: a mask over sqrt(x), whose slope is infinite where x is 0 ---- */

static int zeros_and_ones(builder *b) {
  const int rank = b->tensors ? below(b, 3) : 0;
  size_t dims[2], size = 1;
  double values[16];
  for (int d = 0; d < rank; d++) size *= dims[d] = (size_t)(1 + below(b, 3));
  for (size_t i = 0; i < size; i++) values[i] = percent(b, 60) ? 0 : 1 + below(b, 4);
  return graph_leaf(b->g, DZ_ROLE_INPUT, rank, dims, values);
}

bool build_steep(builder *b) {
  const int x = zeros_and_ones(b);
  if (x < 0) return false;
  b->g->wild_allowed = true;
  const int f = apply(b, OP_sqrt, 1, x, 0, 0);
  b->g->wild_allowed = false;
  if (f < 0) return false;
  switch (below(b, 6)) {
  case 0:
    return apply(b, OP_relu, 1, f, 0, 0) >= 0;
  case 1:
    return apply(b, OP_fabs, 1, f, 0, 0) >= 0;
  case 2:
    return apply(b, OP_fmax, 2, f, graph_number(b->g, .5 * below(b, 3)), 0) >= 0; /* sometimes a tie */
  case 3:
    return apply(b, OP_fmin, 2, zeros_and_ones(b), f, 0) >= 0;
  case 4:
    return apply(b, OP_fmax, 2, build_operand(b), f, 0) >= 0;
  default:
    return apply(b, OP_clamp, 3, f, graph_number(b->g, .5), graph_number(b->g, 3)) >= 0;
  }
}
