/* Forward mode on arrays: the tangent of one operation's result from its operands' tangents. */
#ifndef DZ_KERNELS_TANGENT_H
#define DZ_KERNELS_TANGENT_H

#include "kernels/tensor.h"
#include "ops/op.h"

/* Fills p->out, and p->out_reached where p->reached is given, with the table's partials. */
void dz__tangent_pointwise(dz__fn fn, const dz__tangent_call *p);

#endif
