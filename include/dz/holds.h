/* Branches of C on recorded values, which plans then know of. */
#ifndef DZ_HOLDS_H
#define DZ_HOLDS_H

#include "dz/pointwise.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Whether the condition, a scalar of 0 or not, is not 0: if (dz_holds(dz_gt(x, y))) …. The tape keeps the
   question and its answer for plans. A number is answered and not kept. False for an invalid handle or a
   tensor, of which the tape keeps the error (DZ_ERR_HANDLE, DZ_ERR_SHAPE), and when memory is out
   (DZ_ERR_MEMORY). Cost O(1), amortised. */
DZ_API bool dz_holds(dz_var condition);
DZ_API bool dz__holds_at(dz_var condition, const char *file, int line);

#ifdef __cplusplus
}
#endif

#ifndef __cplusplus
#define dz_holds(condition) dz__holds_at(DZ__V(condition), __FILE__, __LINE__)
#endif
#endif
