/* The machine for one lane. */
#define RUN dz__run_one
#define DZ__V 1
#include "plan/kernels.inc"
