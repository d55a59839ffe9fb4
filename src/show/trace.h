/* The teaching model that every picture renders: the nodes that a result depends on, and one record for each
   use of a value as an operand (x*x has two). */
#ifndef DZ_SHOW_TRACE_H
#define DZ_SHOW_TRACE_H

#include "base/memory.h"
#include "dz/sweep.h"

/* Tensors of at most this many elements are shown element by element. */
enum { DZ__SHOWN_ELEMENTS = 4 };

/* What a trace may hold: some hundred megabytes. */
enum { DZ__MOST_USES = 1 << 22 };

/* One use of a value. Those of one user are neighbours, in operand order. */
typedef struct dz__use {
  uint32_t user, operand; /* which seen node, and which of its operands */
  uint32_t of;            /* the seen node used; DZ__NONE: a plain number */
  uint32_t next;          /* the next use of the same node, in order of (user, operand); DZ__NONE ends */
  double number;          /* of a plain number */
  const double *share; /* what this use adds to the adjoint of the value; NULL when the user or the value has
                          no adjoint, or the value is no scalar or small tensor */
} dz__use;

typedef struct dz__seen {
  dz_var var;
  size_t node; /* its number on the tape */
  dz_node is;
  const char *name; /* NULL: it has none */
  const char *box;  /* what a box is called that stands for several operations; NULL for one operation */
  int rank;
  size_t dims[DZ_MAX_RANK], size;
  const double *value, *adjoint; /* adjoint: NULL unless the state is READY */
  dz_adjoint_state state;
  uint32_t wave; /* of the forward sweep: 0 for leaves, else one more than the latest operand's */
  uint32_t back; /* of the backward sweep: when its gradient is complete and goes on to its operands. 1 for
                    the result, else one more than the latest user's; 0: it has none */
  uint32_t args; /* its own operands: uses args to args + is.nargs */
  uint32_t first, uses; /* the uses of its value, linked by `next`: how many */
} dz__seen;

/* Nodes in tape order, so operands come before their users; the last is the result. Values, adjoints and
   names point into the tape: a trace lives no longer than the next recording, sweep or rewind. */
typedef struct dz__trace {
  dz_allocator alloc;
  dz__seen *seen;
  dz__use *use;
  size_t nseen, nuse, seen_cap, use_cap;
  uint32_t waves, backs; /* the last of each sweep */
  struct dz__room *room; /* numbers that the trace owns */
} dz__trace;

/* Builds the trace of y, which must be a live node. DZ_ERR_LIMIT when y depends on more than max_ops
   operations, or these have more than DZ__MOST_USES operands; DZ_ERR_MEMORY; *trace is empty then. Cost:
   linear in the nodes seen, and two bits per node of the tape up to y. */
dz_status dz__trace_make(dz_var y, size_t max_ops, dz__trace *trace);
void dz__trace_free(dz__trace *trace);

/* Makes equal operations on equal operands one node: its adjoint, and what each of its uses adds, are the
   sums of theirs. Two that have names of their own stay two. DZ_ERR_MEMORY leaves the trace as it was. Cost:
   linear. */
dz_status dz__trace_share(dz__trace *trace);

/* ---- between the two files ---- */

/* Room for n numbers that lives as long as the trace; NULL when memory is out. */
double *dz__trace_room(dz__trace *t, size_t n);
/* `to` owns what `from` owned, which is empty then. */
void dz__trace_adopt(dz__trace *to, dz__trace *from);
/* Threads the uses and finds the waves, once nodes and their operands are there. */
void dz__trace_link(dz__trace *t);

#endif
