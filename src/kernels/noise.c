/* noise: random numbers in the shape of the first operand, by the seed that the second holds;
   an integer, where there is one, says how many numbers of the stream come before. */
#include "base/philox.h"
#include "kernels/tensor.h"

#include <string.h>

dz_status dz__shape_noise(dz__call *call) {
  char text[192];
  if (call->args[1].size != 1)
    return dz__fail(call->error, DZ_ERR_SHAPE, call->op, "%s: the seed must be one number, it has shape %s",
                    call->op, dz__array_text(&call->args[1], text));
  call->out = call->args[0];
  call->out.data = NULL;
  return DZ_OK;
}

/* Every number is a seed: its bits are the key, both zeros being one. */
void dz__forward_noise(const dz__call *call) {
  double seed = *call->args[1].data + 0.0;
  uint64_t key;
  memcpy(&key, &seed, sizeof key);
  dz__philox_fill(key, call->nattr ? (uint64_t)call->attr[0] : 0, call->out.data, call->out.size);
}

void dz__keep_below_one(float *x, size_t n) {
  for (size_t i = 0; i < n; i++) x[i] = x[i] < 1 ? x[i] : 0x1.fffffep-1f;
}

bool dz__reverse_noise(const dz__call *call) { /* flat: nothing flows, and it is never called */
  (void)call;
  return false;
}
