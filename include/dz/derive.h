/* Derivatives as graphs: the reverse sweep writes nodes instead of numbers, by the same tables, onto the same
   tape. So a gradient can be printed, drawn, and differentiated again. */
#ifndef DZ_DERIVE_H
#define DZ_DERIVE_H

#include "dz/sweep.h"

#ifdef __cplusplus
extern "C" {
#endif

/* gradients[i] = d y / d xs[i] for the scalar (or one-element) y, as a node of xs[i]'s shape. xs are nodes of
   y's tape, leaves or not; where y does not depend on one, or it is inactive, the gradient is a constant 0.
   Other derivatives are as dz_backward's: the same rules at the same hard points. Nodes are recorded at the
   end of the tape, with the place in the text of the operation that they belong to. DZ_ERR_HANDLE,
   DZ_ERR_SHAPE (y has several elements), DZ_ERR_ARGUMENT (NULL, count < 0), DZ_ERR_MEMORY, DZ_ERR_LIMIT; the
   tape keeps the error too, and gradients are then invalid handles. Cost: one pass over the nodes between xs
   and y; some nodes for each of them. */
DZ_API dz_status dz_grad(dz_var y, int count, const dz_var *xs, dz_var *gradients);

/* The same from a seed of y's shape, which may itself be a node: the gradient of sum(seed * y) with the seed
 * held. */
DZ_API dz_status dz_grad_with(dz_var y, dz_var seed, int count, const dz_var *xs, dz_var *gradients);

/* d y / d x, one after another: dz_derivative(y, x) is the gradient as a node, an invalid handle after an
 * error. */
DZ_API dz_var dz_derivative(dz_var y, dz_var x);

/* y as a person would write it: like terms collected, constants folded where that is exact, signs and
   coefficients in front, fractions, and the rules of simplify.def (exp(a) exp(b) = exp(a + b), sigmoid(-a) =
   1 - sigmoid(a) …). It is for reading, and holds at a generic point: of a choice at a boundary (x == 0), or
   near an end of the doubles' range, or between two accurate forms of one function, what remains is the
   formula in between; forms are known as one function because they agree where they were tried. There the
   values are y's but for rounding, which may be larger than y's own. The result is recorded at the end of
   the tape from the leaves of y. An invalid handle after an error of the tape (DZ_ERR_HANDLE,
   DZ_ERR_MEMORY, DZ_ERR_LIMIT). Cost: linear in the nodes of the tape up to y but for large products, and
   some milliseconds for reading the rules. */
DZ_API dz_var dz_simplify(dz_var y);

#ifdef __cplusplus
}
#endif

#ifndef __cplusplus
#define dz_grad_with(y, seed, count, xs, gradients) dz_grad_with(y, DZ__V(seed), count, xs, gradients)
#endif
#endif
