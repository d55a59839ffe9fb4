#include "kernels/tensor.h"

#include "ops/op.h"

/* What the user defined: the definition has a row of its own. */
dz_status dz__shape_user(dz__call *call) { return call->user->row->shape(call); }
void dz__forward_user(const dz__call *call) { call->user->row->forward(call); }
bool dz__reverse_user(const dz__call *call) { return call->user->row->reverse(call); }
bool dz__spread_user(const dz__call *call) { return call->user->row->spread(call); }
void dz__tangent_user(const dz__tangent_call *p) { p->call.user->row->tangent(p); }

#define OWN(name) dz__forward_##name##_single, dz__reverse_##name##_single
#define CONVERTED(name) NULL, NULL
const dz__tensor_op dz__tensor_ops[] = {
#define TENSOR(name, least, most, signature, spread, scratch, tangent, carries, floats, what)                \
  {dz__shape_##name, dz__forward_##name, dz__reverse_##name, spread, scratch, tangent, carries, floats(name)},
#include "ops/tensor.def"
#undef TENSOR
    [DZ__F_user - DZ__F_POINTWISE_END] = {dz__shape_user, dz__forward_user, dz__reverse_user, dz__spread_user,
                                          false, dz__tangent_user, DZ__MIXES, CONVERTED(user)},
};
