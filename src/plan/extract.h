/* From a tape to a graph. */
#ifndef DZ_PLAN_EXTRACT_H
#define DZ_PLAN_EXTRACT_H

#include "plan/graph.h"
#include "plan/program.h"
#include "tape/tape.h"

/* What a plan is asked for: outputs, and the leaves that vary. Leaves that are not among them keep the values
   that they have now. */
typedef struct dz__wanted {
  int outputs, inputs;
  const dz_var *ys, *xs;
} dz__wanted;

/* A branch that is checked in every run: its condition is an output behind those of ys. */
typedef struct dz__guard {
  const char *file;
  int line;
  bool held;
} dz__guard;

typedef struct dz__guards {
  dz_allocator alloc;
  dz__guard *at;
  size_t n, cap;
} dz__guards;

/* Numbers of the operands of a tape's node, element by element. */
#define DZ__FROZEN 0xfffffffeu /* does not depend on the inputs */

typedef struct dz__extraction {
  dz_tape *t;
  dz__graph *g;
  dz__program *program; /* takes operations that C functions compute */
  dz_error *error;
  uint32_t top;
  uint32_t *map;  /* per node of the tape: its node in g, or where its elements stand in item[]; or FROZEN */
  uint32_t *item; /* nodes of tensors' elements, or FROZEN */
  size_t items, item_cap;
} dz__extraction;

/* Room in `item` for so many more. False when memory is out or a graph would be too large. */
bool dz__item_room(dz__extraction *x, size_t n);

/* Element e of node i as a node of g: a constant where it is frozen. DZ__NO_NODE when memory is out. */
uint32_t dz__element_node(dz__extraction *x, uint32_t i, size_t e);

/* An operation with a record of its own: of three operands, or of tensors. Its operands are not all frozen.
 */
dz_status dz__extract_wide(dz__extraction *x, uint32_t i, const dz__wide *w);

/* A use of an operation that a user defined by text: the nodes of its elements, in to[]. DZ_ERR_MEMORY. */
dz_status dz__extract_user(dz__extraction *x, uint32_t i, const dz__userop *user, uint32_t *to);

/* A use of an operation that C functions compute: a call, whose results are the elements, in to[].
   DZ_ERR_MEMORY. */
dz_status dz__extract_outside(dz__extraction *x, uint32_t i, const dz__userop *user, uint32_t *to);

/* Reductions: element e of the operand goes to element to[e] of the result, of which there are `results`; the
   node's place in x->map and x->item is there. False when memory is out. */
bool dz__can_reduce(unsigned fn);
bool dz__extract_reduction(dz__extraction *x, uint32_t i, const dz__wide *w, const double *to, size_t results,
                           size_t elements);

/* Fills g, and what p says of its calls; its outputs are the elements of ys, then the conditions of the
   branches up to the last of ys, with *guards about these; its inputs are those of xs. Errors: DZ_ERR_HANDLE,
   DZ_ERR_ARGUMENT (an x is no leaf or stands twice; an operation that plans cannot do), DZ_ERR_MEMORY. */
dz_status dz__extract(const dz__wanted *w, dz__graph *g, dz__guards *guards, dz__program *p, dz_error *error);

#endif
