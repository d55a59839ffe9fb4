/* Several rows of a Jacobian in one reverse sweep: each adjoint is a vector, with an element for each row. */
#include "tape/rows.h"

#include "kernels/pointwise.h"
#include "kernels/scalar.h"
#include "tape/sweep.h"

#include <string.h>

typedef double rows __attribute__((vector_size(DZ__ROWS * sizeof(double)), aligned(8), may_alias));
typedef int64_t sound_rows __attribute__((vector_size(DZ__ROWS * sizeof(double))));

static inline rows flow(bool mask, double p, rows g) {
  if (mask && p == 0) return (rows){0};
  return p * g;
}

#define ADJOINT rows
#define SOUND sound_rows
#define FLOW flow
#define WHOLE false
#define FAR false
#define NAME(x) x##_rows
#include "tape/sweep.inc"

static bool all_sound(dz_tape *t, uint32_t top) {
  dz__tape *s = dz__of(t);
  sound_rows sound =
      nodes_rows(t, NULL, (rows *)(void *)s->rows, (rows *)(void *)s->leaf_rows, top, false, false);
  bool all = true;
  for (int k = 0; k < DZ__ROWS; k++) all &= sound[k] != 0;
  return all;
}

/* All of s->rows is 0 between sweeps, like kept.scalar. */
static bool lay(dz__tape *s, uint32_t top) {
  size_t old = s->rows_cap, leaves = s->hot.leaves;
  if (!dz__grow(&s->alloc, (void **)&s->leaf_rows, &s->leaf_rows_cap, leaves, sizeof *s->leaf_rows) ||
      !dz__grow(&s->alloc, (void **)&s->rows, &s->rows_cap, (size_t)top + 1, sizeof *s->rows))
    return false;
  memset(s->rows + old, 0, (s->rows_cap - old) * sizeof *s->rows);
  memset(s->leaf_rows, 0, leaves * sizeof *s->leaf_rows);
  return true;
}

bool dz__rows_suit(const dz_tape *t) { return !dz__of_const(t)->wides && !dz__of_const(t)->single; }

dz_status dz__sweep_rows(dz_tape *t, int n, const dz_var *ys, bool *sound) {
  dz__tape *s = dz__of(t);
  uint32_t top = 0;
  for (int k = 0; k < n; k++)
    if (dz__index(ys[k]) > top) top = dz__index(ys[k]);
  if (!lay(s, top)) return DZ_ERR_MEMORY;
  for (int k = 0; k < n; k++) s->rows[dz__index(ys[k])][k] = 1;
  *sound = all_sound(t, top);
  return DZ_OK;
}

void dz__read_rows(const dz_tape *t, int n, int count, const dz_var *xs, double *out) {
  for (int j = 0; j < count; j++) {
    const double *row = dz__of_const(t)->leaf_rows[dz__operands(t, dz__index(xs[j])).a];
    for (int k = 0; k < n; k++) out[(size_t)k * (size_t)count + (size_t)j] = row[k];
  }
}
