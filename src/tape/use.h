/* What one use of a value adds to its adjoint: the adjoint of the user times the local partial. */
#ifndef DZ_TAPE_USE_H
#define DZ_TAPE_USE_H

#include "tape/tape.h"

/* out[e] = sum over elements j of x of (adjoint of x)_j * dx_j/d(operand k)_e, with the adjoints of the last
   sweep; `out` has the operand's size. Both x and the operand must be nodes whose adjoint is READY. Over all
   uses of a node these add up to its adjoint, rounding aside (and its seed, and uses by nodes above the
   sweep's start). A structural zero carries nothing, as in the sweep. False when memory is out. Cost: one
   reverse kernel. */
bool dz__use_adjoint(dz_var x, int k, double *out);

#endif
