/* Calling functions of the prelude from C. */
#ifndef DZ_DERIVE_PRELUDE_H
#define DZ_DERIVE_PRELUDE_H

#include "lang/machine.h"

/* Records the prelude's function `name` with n values: operands, axes, numbers. An invalid handle after an
   error. Allocates nothing but nodes once the tape knows the prelude. */
dz_var dz__prelude_call(const char *name, int n, const dz__value *args);

#endif
