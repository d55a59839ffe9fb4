/* The rules of differentiation as graphs. */
#ifndef DZ_DERIVE_RULE_H
#define DZ_DERIVE_RULE_H

#include "tape/tape.h"

/* What flows backward: an adjoint, and where it does. `reach` is a node that is nonzero at the elements at
   which something arrives; {0} says at all of them, or that nobody will ask. Where nothing arrives g is 0,
   and no factor must make anything else of it: a structural zero carries nothing. g is {0} when nothing flows
   at all, and an invalid handle of the tape after an error. */
typedef struct dz__flow {
  dz_var g, reach;
} dz__flow;

/* What flows to operand k of a pointwise node when f arrives: the table's text for that partial, read by dz's
   parser, with the node's operands for x y w and the node for z, times g; through a choice where the text
   says MASK. in[] are the operands, z the node. `tie` as the table's TIE. `careful` asks for the reach. */
dz__flow dz__rule_pointwise(dz_tape *t, dz__fn fn, int k, const dz_var *in, dz_var z, double tie, dz__flow f,
                            bool careful);

/* The same for a node of a tensor operation, by its transpose; for the operations that are not linear by
   their partials. g has z's shape. A matrix product keeps structural zeros and infinities apart only where an
   operand holds an infinity or a NaN as it is recorded: that takes its every product as an element. */
dz__flow dz__rule_tensor(dz__fn fn, int k, const dz_var *in, dz_var z, dz__flow f, bool careful);

/* Nodes of two operands, and of a choice. What is recorded first stands first in pictures and formulas, and C
   leaves the order of a call's arguments open: no two of them record. */
static inline dz_var dz__two(dz__fn fn, dz_var x, dz_var y) {
  return dz__record(fn, 2, (dz_var[]){x, y}, 0, NULL);
}
static inline dz_var dz__choose(dz_var c, dz_var a, dz_var b) {
  return dz__record(DZ__F_where, 3, (dz_var[]){c, a, b}, 0, NULL);
}

/* p f, the product with a partial: through a choice where it is a mask. */
dz__flow dz__flow_through(dz_var p, bool mask, dz__flow f, bool careful);

/* What `own` of a user operation begins with: the partial to operand k as a node; an invalid handle after an
   error. */
typedef struct dz__user_rule {
  dz_var (*partial)(const dz__userop *u, int k, const dz_var *in, dz_var z);
  bool mask[3];
} dz__user_rule;

/* Whether the partial of fn to operand k may be anything but a finite number, so that it needs the reach. */
bool dz__rule_varies(dz__fn fn, int k, const dz_var *in);
bool dz__tensor_varies(dz__fn fn, const dz_var *in);

/* x, of a shape that broadcasts to like's, in that shape; the same node where it has it already. */
dz_var dz__spread_to(dz_var x, dz_var like);

/* c, of a shape that `like` broadcasts to, summed to like's shape. */
dz_var dz__sum_to(dz_var c, dz_var like);

/* p g without the nodes that a factor of 1 or -1 does not need. */
dz_var dz__times(dz_var p, dz_var g);

#endif
