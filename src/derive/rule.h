/* The rules of differentiation as graphs. */
#ifndef DZ_DERIVE_RULE_H
#define DZ_DERIVE_RULE_H

#include "tape/tape.h"

/* What flows to operand k of a pointwise node when g arrives: the table's text for that partial, read by dz's
   parser, with the node's operands for x y w and the node for z, times g; through a choice where the text
   says MASK. in[] are the operands, z the node. `tie` as the table's TIE. An invalid handle after an error of
   the tape. */
dz_var dz__rule_pointwise(dz_tape *t, dz__fn fn, int k, const dz_var *in, dz_var z, double tie, dz_var g);

/* The same for a node of a tensor operation, by its transpose; for the operations that are not linear by
 * their partials. g has z's shape. */
dz_var dz__rule_tensor(dz__fn fn, int k, const dz_var *in, dz_var z, dz_var g);

/* c, of a shape that `like` broadcasts to, summed to like's shape. */
dz_var dz__sum_to(dz_var c, dz_var like);

/* p g without the nodes that a factor of 1 or -1 does not need. */
dz_var dz__times(dz_var p, dz_var g);

#endif
