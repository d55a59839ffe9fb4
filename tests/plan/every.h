/* Every way in which a plan can be run, for tests that know what must come out: of one expression the virtual
   machine for each kind of processor that is here, with loops and without, samples side by side, and native
   code. */
#ifndef DZ_TESTS_PLAN_EVERY_H
#define DZ_TESTS_PLAN_EVERY_H

#include "dz/plan.h"

/* One run: gradient has the elements of all xs, one after another. */
typedef void every_found(void *user, const char *way, const double *values, const double *gradient);

/* The function from the leaves xs to y at the leaves' own values; `seeds` as for dz_plan_pull, NULL for ones,
   with which also maps and native code are run (a map of one element only). `cache`: a directory of our own
   for native code; NULL: none. The status of what went wrong, which *e says: DZ_ERR_ARGUMENT when plans
   cannot do an operation. */
dz_status every_plan(dz_var y, int n, const dz_var *xs, const double *seeds, const char *cache,
                     every_found *f, void *user, dz_error *e);

#endif
