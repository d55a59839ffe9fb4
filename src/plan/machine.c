#include "plan/machine.h"

#if defined(DZ_LANES_X86)
typedef struct machines {
  dz__machine *base, *avx2, *avx512;
} machines;

static dz__machine *newest(machines m) {
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw"))
    return m.avx512;
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? m.avx2 : m.base;
}

dz__machine *dz__machine_here(void) {
  return newest((machines){dz__run_lanes, dz__run_lanes_avx2, dz__run_lanes_avx512});
}
#else
dz__machine *dz__machine_here(void) { return dz__run_lanes; }
#endif

#if defined(DZ_SLEEF)
dz__machine *dz__machine_quick(void) {
  return newest((machines){dz__run_quick, dz__run_quick_avx2, dz__run_quick_avx512});
}
#else
dz__machine *dz__machine_quick(void) { return dz__machine_here(); }
#endif

dz__isa dz__machine_isa(dz__machine *m) {
#if defined(DZ_SLEEF)
  if (m == dz__run_quick_avx512) return DZ__AVX512;
  if (m == dz__run_quick_avx2) return DZ__AVX2;
#endif
#if defined(DZ_LANES_X86)
  if (m == dz__run_lanes_avx512) return DZ__AVX512;
  if (m == dz__run_lanes_avx2) return DZ__AVX2;
#endif
  (void)m;
  return DZ__BASE;
}
