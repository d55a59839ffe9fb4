/* What the rules of tensor operations share. A rule is one site's pull-back: what flows to operand k when g
   arrives, as nodes. */
#ifndef DZ_DERIVE_TRANSPOSE_H
#define DZ_DERIVE_TRANSPOSE_H

#include "derive/rule.h"

#include "tape/tensor.h"

/* One node: its operands, itself, what arrives, its integers. */
typedef struct dz__site {
  const dz_var *in;
  dz_var z, g, reach; /* reach {0}: everywhere */
  const int64_t *attr;
  int nattr, k;
} dz__site;

typedef dz_var dz__rule(const dz__site *s);

static inline dz_var dz__mul(dz_var x, dz_var y) { return dz__two(DZ__F_mul, x, y); }
static inline dz_var dz__divide(dz_var x, dz_var y) { return dz__two(DZ__F_div, x, y); }

/* Reshaped or broadcast, by fn, to a shape; x itself where it has it. An invalid x stays what it is. */
dz_var dz__shaped_as(dz__fn fn, dz_var x, const dz__array *like);
dz_var dz__reshaped(dz_var x, int rank, const size_t *dims);
dz_var dz__slice(dz_var x, int axis, dz__range r);
dz_var dz__ones_like(dz_tape *t, const dz__array *a);
dz_var dz__ones(dz_var like);

/* Named after the lines of tensor.def. */
dz__rule dz__pull_sum, dz__pull_max, dz__pull_min, dz__pull_norm, dz__pull_logsumexp, dz__pull_prod;
dz__rule dz__pull_cumsum, dz__pull_cumprod, dz__pull_matmul, dz__pull_solve;

/* How a reach goes through: structural zeros, and what they spread to. */
dz__rule dz__reach_extreme, dz__reach_matmul, dz__reach_solve;

#endif
