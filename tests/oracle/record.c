/* The same operation through the library's public functions. */
#include "graph.h"

#include <string.h>

static dz_var unary(op which, dz_var x) {
  typedef dz_var constructor(dz_var);
  static constructor *const table[] = {
#define ROW(name) (dz_##name),
      ORACLE_UNARY(ROW)
#undef ROW
  };
  return which == OP_neg ? dz_neg(x) : table[which](x);
}

/* The first five also as the macros, which record inline. */
static dz_var binary(op which, dz_var x, dz_var y, bool inlined) {
  typedef dz_var constructor(dz_var, dz_var);
  static constructor *const table[] = {
#define ROW(name) (dz_##name),
      ORACLE_BINARY(ROW)
#undef ROW
  };
  if (inlined && which == OP_add) return dz_add(x, y);
  if (inlined && which == OP_sub) return dz_sub(x, y);
  if (inlined && which == OP_mul) return dz_mul(x, y);
  if (inlined && which == OP_div) return dz_div(x, y);
  return table[which - OP_add](x, y);
}

static dz_var reduction(const node *z, dz_var x, int rank) {
  int axes[MOST_RANK];
  const int n = z->nattr - 1;
  for (int k = 0; k < n; k++) axes[k] = (int)z->attr[n - k];
  if (z->op == OP_mean) return dz_mean(x, n == rank ? DZ_ALL : axes[0], z->attr[0]);
  if (n > 1 && n < rank) return dz_reduce(op_name(z->op), x, n, axes, z->attr[0]);
  const int axis = n == rank ? DZ_ALL : axes[0];
  if (z->op == OP_sum) return dz_sum(x, axis, z->attr[0]);
  if (z->op == OP_prod) return dz_prod(x, axis, z->attr[0]);
  if (z->op == OP_max) return dz_max(x, axis, z->attr[0]);
  if (z->op == OP_min) return dz_min(x, axis, z->attr[0]);
  if (z->op == OP_norm) return dz_norm(x, axis, z->attr[0]);
  return dz_logsumexp(x, axis, z->attr[0]);
}

/* One axis is cut, the others stay whole. */
static dz_var part(const node *z, const node *x) {
  int axis = 0;
  for (int d = 0; d < x->rank; d++) {
    const int64_t *a = &z->attr[4 * d];
    if (a[0] != 0 || a[1] != (int64_t)x->dims[d] || a[2] != 1 || a[3]) axis = d;
  }
  const int64_t *a = &z->attr[4 * axis], stop = a[0] + a[1] * a[2];
  if (a[3]) return dz_at(x->var, axis, a[0]);
  return dz_slice(x->var, axis, a[0], stop < 0 ? INT64_MIN : stop, a[2]);
}

static dz_var shaped(const node *z, const node *x) {
  size_t dims[MOST_RANK];
  int axes[MOST_RANK];
  for (int d = 0; d < z->rank; d++) {
    dims[d] = z->dims[d];
    axes[d] = (int)z->attr[d];
  }
  if (z->op == OP_reshape) return dz_reshape(x->var, z->rank, dims);
  if (z->op == OP_broadcast_to) return dz_broadcast_to(x->var, z->rank, dims);
  return dz_permute(x->var, z->rank, axes);
}

dz_var graph_record(const graph *g, const node *z) {
  const node *x = &g->nodes[z->args[0]];
  dz_var v[MOST_ARGS] = {{0}};
  for (int k = 0; k < z->nargs; k++) v[k] = g->nodes[z->args[k]].var;
  if (z->op < OP_add) return unary(z->op, v[0]);
  if (z->op < OP_clamp) return binary(z->op, v[0], v[1], g->n % 2);
  switch ((int)z->op) {
  case OP_clamp:
    return dz_clamp(v[0], v[1], v[2]);
  case OP_where:
    return dz_where(v[0], v[1], v[2]);
  case OP_cumsum:
    return dz_cumsum(v[0], (int)z->attr[0]);
  case OP_cumprod:
    return dz_cumprod(v[0], (int)z->attr[0]);
  case OP_index:
    return part(z, x);
  case OP_concat:
    return dz_concat(z->nargs, v, (int)z->attr[0]);
  case OP_stack:
    return dz_stack(z->nargs, v, (int)z->attr[0]);
  case OP_gather:
    return dz_gather(v[0], v[1], (int)z->attr[0]);
  case OP_matmul:
    return dz_matmul(v[0], v[1]);
  case OP_reshape:
  case OP_broadcast_to:
  case OP_permute:
    return shaped(z, x);
  default:
    return reduction(z, v[0], x->rank);
  }
}
