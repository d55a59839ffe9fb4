/* The arithmetic of binomial checkpointing. A. Griewank and A. Walther, ACM TOMS 26 (2000) 19-45.

   `states` counts the states that may be kept, the one at hand included, so it is at least 1. Steps that are
   recorded for their reverse sweep are not counted. */
#ifndef DZ_DERIVE_REVOLVE_H
#define DZ_DERIVE_REVOLVE_H

#include <stddef.h>

/* The least number of steps forward that the reversal of `steps` steps takes; SIZE_MAX when it is that or
 * more. */
size_t dz__revolve_forwards(size_t steps, size_t states);

/* How far to go before the next state is kept, for steps >= 2 and states >= 2: 1 to steps - 1. */
size_t dz__revolve_stride(size_t steps, size_t states);

#endif
