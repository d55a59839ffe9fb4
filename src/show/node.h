/* Small questions to a node. */
#ifndef DZ_SHOW_NODE_H
#define DZ_SHOW_NODE_H

#include "tape/tape.h"

#include <string.h>

/* The operation of a node, DZ__F_user for one that the user defined, whatever its name. Not for leaves. */
static inline dz__fn dz__node_fn(dz_var x) {
  int64_t number;
  const char *op = dz_describe(x).op;
  dz__fn fn = dz__fn_by_name(op, strlen(op));
  return fn == DZ__F_END || dz__user_named(x.tape, op, strlen(op), &number) ? DZ__F_user : fn;
}

#endif
