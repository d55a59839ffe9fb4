/* Threads that run blocks of a loop side by side. */
#ifndef DZ_PLAN_CREW_H
#define DZ_PLAN_CREW_H

#include "base/memory.h"

typedef struct dz__crew dz__crew;

/* Does block `block` of the work; `who` counts those who work, from 0. */
typedef void dz__block_of_work(void *work, size_t block, size_t who);

/* So many in all, the caller among them; fewer where the system gives no more threads, and NULL where it
   gives none, or memory is out: then the caller works alone. */
dz__crew *dz__crew_new(const dz_allocator *a, size_t all);
void dz__crew_free(const dz_allocator *a, dz__crew *c);

/* Blocks 0 ... n - 1, each done by somebody, when it returns. c may be NULL. While it works for one caller,
   others work alone. Those who wait for work look for it a fraction of a millisecond before they sleep. */
void dz__crew_work(dz__crew *c, size_t n, dz__block_of_work *f, void *work);

#endif
