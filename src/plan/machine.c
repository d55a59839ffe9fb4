#include "plan/machine.h"

#if defined(DZ_LANES_X86)
/* Each has what those before it have. */
static dz__isa newest(void) {
  __builtin_cpu_init();
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) return DZ__BASE;
  const bool wide = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
                    __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw");
  return wide ? DZ__AVX512 : DZ__AVX2;
}

dz__machine *dz__machine_here(void) {
  static dz__machine *const by_isa[] = {dz__run_lanes, dz__run_lanes_avx2, dz__run_lanes_avx512};
  return by_isa[newest()];
}
#else
dz__machine *dz__machine_here(void) { return dz__run_lanes; }
#endif

#if defined(DZ_SLEEF)
dz__machine *dz__machine_quick(void) {
  static dz__machine *const by_isa[] = {dz__run_quick, dz__run_quick_avx2, dz__run_quick_avx512};
  return by_isa[newest()];
}
#else
dz__machine *dz__machine_quick(void) { return dz__machine_here(); }
#endif

/* All machines for lanes, with what they were compiled for. */
static const struct {
  dz__machine *run;
  const dz__row *rows;
  dz__isa isa;
  bool quick;
} all[] = {
#if defined(DZ_SLEEF)
    {dz__run_quick_avx512, dz__run_quick_avx512_rows, DZ__AVX512, true},
    {dz__run_quick_avx2, dz__run_quick_avx2_rows, DZ__AVX2, true},
    {dz__run_quick, dz__run_quick_rows, DZ__BASE, true},
#endif
#if defined(DZ_LANES_X86)
    {dz__run_lanes_avx512, dz__run_lanes_avx512_rows, DZ__AVX512, false},
    {dz__run_lanes_avx2, dz__run_lanes_avx2_rows, DZ__AVX2, false},
#endif
    {dz__run_lanes, dz__run_lanes_rows, DZ__BASE, false}};

static size_t number_of(dz__machine *m) {
  size_t k = 0;
  while (all[k].run != m) k++;
  return k;
}

dz__isa dz__machine_isa(dz__machine *m) { return all[number_of(m)].isa; }

const dz__row *dz__machine_rows(dz__machine *m) { return all[number_of(m)].rows; }

bool dz__machine_is_quick(dz__machine *m) { return all[number_of(m)].quick; }
