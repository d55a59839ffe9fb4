/* What both kinds of user operations begin and end with. */
#ifndef DZ_CHECK_USEROP_H
#define DZ_CHECK_USEROP_H

#include "derive/textop.h"
#include "dz/userop.h"

/* Clears *e, checks the tape, name and arity, and makes room in the tape's list, so that nothing can fail
   after the definition is complete. */
dz_status dz__user_begin(dz_tape *t, const char *name, int arity, int most, dz_error *e);
void dz__user_keep(dz_tape *t, const dz__userop *u);

/* Compares the partials that are given with slopes of the value; a wrong one is DZ_ERR_ARGUMENT. */
dz_status dz__check_partials(dz_tape *t, const dz__textop *op, const char *const *partials, dz_error *e);

/* Compares vjp and jvp with slopes of the value, where operands of some shape are taken; a wrong one is
   DZ_ERR_ARGUMENT. */
dz_status dz__check_calls(dz_tape *t, const char *name, const dz_op_calls *c, dz_error *e);

#endif
