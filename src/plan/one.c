/* The machine for one lane, and for one step after another. */
#define RUN dz__run_one
#define DZ__V 1
#include "plan/kernels.inc"

void dz__run_steps(dz__view *v, const dz__instruction *i, const dz__instruction *end, size_t steps,
                   ptrdiff_t by, ptrdiff_t registers) {
  for (; steps > 0; steps--) {
    run(v, i, end, 1);
    dz__next_step(v, by, registers);
  }
}
