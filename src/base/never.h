/* DZ__NEVER(x): x cannot be true, and the words beside it say why. Where assertions are on, as in tests, it
   is one; in releases it is false and what hangs on it is gone. tools/coverage does not count branches of its
   line. */
#ifndef DZ_BASE_NEVER_H
#define DZ_BASE_NEVER_H

#include <assert.h>
#include <stdbool.h>

#define DZ__NEVER(x) (assert(!(x)), false)

#endif
