/* Operations that a user defines by text, beside the lines of pointwise.def. */
#ifndef DZ_DERIVE_TEXTOP_H
#define DZ_DERIVE_TEXTOP_H

#include "derive/formula.h"
#include "derive/rule.h"

typedef struct dz__textop {
  dz__user_rule rule; /* first: graphs find it here */
  dz__userop shown;
  dz_allocator alloc;
  dz__formula value, partial[3];
  double *slot; /* room to run any of them */
  size_t slots;
  char name[256];
} dz__textop;

/* Reads the texts; partials that are NULL are derived. `name` is checked already. NULL after an error. */
dz__textop *dz__textop_new(dz_tape *t, const char *name, int arity, const char *value,
                           const char *const *partials, dz_error *e);
void dz__textop_free(dz__textop *op);

#endif
