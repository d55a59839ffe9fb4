/* What dz_diagnose is made of. */
#ifndef DZ_TAPE_DIAGNOSE_H
#define DZ_TAPE_DIAGNOSE_H

#include "tape/sweep.h"

/* 1 at the elements of the nodes that the output's value is made of, else 0: what lies behind a branch that
   is not selected is not among them. tensor[] per wide record, NULL for rank 0. */
typedef struct dz__used {
  double *scalar, **tensor;
  dz__arena arena;
} dz__used;

/* Marks the nodes up to `top` for the output `top`. False when memory is out. To be freed in either case. */
bool dz__used_mark(dz_tape *t, uint32_t top, dz__used *u);
void dz__used_free(dz__used *u);

/* The marks of a wide node. */
static inline const double *dz__used_of(const dz__tape *s, const dz__used *u, const dz__wide *w) {
  return w->rank ? u->tensor[w - s->wide] : &u->scalar[w->node];
}

/* Where element e of the result reads operand `a`: NumPy broadcasting. */
size_t dz__source(const dz__array *out, const dz__array *a, size_t e);

/* " at [2, 0]", or nothing for a scalar. Returns buf. */
char *dz__element_text(const dz__array *a, size_t e, char buf[96]);

/* Which elements of a wide node's adjoint are not structural zeros; NULL when the last sweep had no need to
   know: then no NaN arose in it. */
const double *dz__reached_of(const dz__tape *s, const dz__wide *w);

/* A tensor operation's notes. False when memory is out. */
bool dz__diagnose_tensor(dz_tape *t, const dz__wide *w, const dz__used *u);

#endif
