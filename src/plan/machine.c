#include "plan/machine.h"

#if defined(DZ_LANES_X86)
dz__machine *dz__machine_here(void) {
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw"))
    return dz__run_lanes_avx512;
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? dz__run_lanes_avx2 : dz__run_lanes;
}
#else
dz__machine *dz__machine_here(void) { return dz__run_lanes; }
#endif
