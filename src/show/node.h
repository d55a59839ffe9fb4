/* Small questions to a node, and what a tape of our own needs to record its operation again. */
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

/* Lets t use the operations that the user defined on `from`, which owns them; NULL takes them away again, as
   must be done before t is freed. */
static inline void dz__lend_users(dz_tape *t, const dz_tape *from) {
  dz__of(t)->users = from ? dz__of_const(from)->users : NULL;
  dz__of(t)->nusers = from ? dz__of_const(from)->nusers : 0;
}

#endif
