/* One node's operation by itself, on a tape of its own. */
#include "check/checking.h"
#include "tape/tensor.h"

bool dz__lone_new(dz__lone *l, const dz_allocator *a) {
  *l = (dz__lone){.alloc = *a, .tape = dz_tape_new(a)};
  if (!l->tape) return false;
  l->start = dz_tape_mark(l->tape);
  return true;
}

void dz__lone_free(dz__lone *l) {
  dz__free(&l->alloc, l->leaf, l->leaf_cap * sizeof *l->leaf);
  dz__free(&l->alloc, l->use, l->use_cap * sizeof *l->use);
  if (l->tape) dz__lend_users(l->tape, NULL);
  dz_tape_free(l->tape);
}

/* Whether all is well; a refusal, which is no lack of memory, is forgotten. */
static bool survived(dz__lone *l) {
  dz_status status = dz_tape_error(l->tape)->status;
  if (status == DZ_ERR_MEMORY) return false;
  if (status) dz_tape_forgive(l->tape);
  return true;
}

static dz_var leaf_of(dz_tape *t, dz_var operand) {
  size_t dims[DZ_MAX_RANK];
  dz_role role = dz_is_active(operand) ? DZ_ROLE_INPUT : DZ_ROLE_CONST;
  int rank = dz_rank(operand);
  if (rank == 0) return dz_leaf(t, role, dz_value(operand));
  for (int k = 0; k < rank; k++) dims[k] = dz_extent(operand, k);
  return dz_leaf_tensor(t, role, rank, dims, dz_values(operand));
}

bool dz__lone_take(dz__lone *l, dz_var x, dz__way way) {
  size_t nargs = (size_t)dz_describe(x).nargs;
  if (!dz__grow(&l->alloc, (void **)&l->leaf, &l->leaf_cap, nargs, sizeof *l->leaf) ||
      !dz__grow(&l->alloc, (void **)&l->use, &l->use_cap, nargs, sizeof *l->use))
    return false;
  l->x = x;
  l->way = way;
  dz_tape_rewind(l->tape, l->start);
  dz__lend_users(l->tape, x.tape);
  for (size_t k = 0; k < nargs; k++) {
    dz_var operand = dz_operand(x, (int)k);
    l->leaf[k] = dz_is_number(operand) ? operand : leaf_of(l->tape, operand);
  }
  l->leaves = dz_tape_mark(l->tape);
  return survived(l);
}

/* What the operation takes in place of operand k. */
static dz_var prepared(const dz__lone *l, dz_var leaf) {
  int64_t dims[DZ_MAX_RANK];
  int rank = dz_rank(l->x);
  if (l->way == DZ__SIZES) return dz_fabs(leaf);
  if (l->way == DZ__AS_IT_IS || dz_is_number(leaf)) return leaf;
  bool same = dz_rank(leaf) == rank;
  for (int k = 0; k < rank; k++) {
    dims[k] = (int64_t)dz_extent(l->x, k);
    same = same && dz_extent(leaf, k) == dz_extent(l->x, k);
  }
  return same ? leaf : dz__shaped(DZ__F_broadcast_to, leaf, rank, dims);
}

bool dz__lone_record(dz__lone *l, dz_var *z) {
  const dz_tape *t = l->x.tape;
  const dz__wide *w = dz__wide_of(t, dz__index(l->x));
  const int64_t *attr = NULL;
  int nargs = dz_describe(l->x).nargs, nattr = (int)dz_attributes(l->x, &attr);
  dz__fn fn = w ? (dz__fn)w->fn : dz__fn_of_code(dz__node_code(t, dz__index(l->x)));
  dz_tape_rewind(l->tape, l->leaves);
  for (int k = 0; k < nargs; k++) l->use[k] = prepared(l, l->leaf[k]);
  *z = dz__record(fn, nargs, l->use, nattr, attr);
  return survived(l);
}
