#include "kernels/tensor.h"

const dz__tensor_op dz__tensor_ops[] = {
#define TENSOR(name, least, most, signature, spread, scratch, tangent, carries, what)                        \
  {dz__shape_##name, dz__forward_##name, dz__reverse_##name, spread, scratch, tangent, carries},
#include "ops/tensor.def"
#undef TENSOR
};
