/* What stands in room that a plan is given: some number, which shows in all that is computed from it when it
   is read before it was written. Not NaN: a plan that meets NaN sweeps once more, carefully, and what the
   first sweep had read would not show. */
#ifndef DZ_TESTS_PLAN_SOIL_H
#define DZ_TESTS_PLAN_SOIL_H

#include <string.h>

static inline void soil(void *room, size_t bytes) { memset(room, 0x41, bytes); }

#endif
