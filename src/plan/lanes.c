/* The machine for loops: eight lanes to a vector. Also compiled for newer processors, under other names. */
#ifndef DZ__RUN_LANES
#define DZ__RUN_LANES dz__run_lanes
#endif
#define RUN DZ__RUN_LANES
#define DZ__V 8
#include "plan/kernels.inc"
