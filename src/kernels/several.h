/* SEVERAL before a function: compiled for several processors, the right one found when the program starts. No
   multiplication is fused with an addition, so that all give the same bits where each lane is a number of its
   own. Sanitizers come too late for that. */
#ifndef DZ_KERNELS_SEVERAL_H
#define DZ_KERNELS_SEVERAL_H

#include <limits.h> /* says which C library it is */

#if defined(DZ_LANES_X86) && defined(__GLIBC__) && !defined(DZ_SANITIZED)
#define SEVERAL __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define SEVERAL
#endif

#endif
