/* What nodes are called in texts: by their own names, else v1, v2, … (operations) and x1, x2, … (leaves) in
   the order of the tape; and what an operation does, in terms of these. */
#ifndef DZ_SHOW_LABEL_H
#define DZ_SHOW_LABEL_H

#include "dz/tape.h"
#include "show/sheet.h"

typedef struct dz__labels {
  dz_allocator alloc;
  dz_tape *tape, *own; /* own: where formulas are recorded */
  uint32_t *number;    /* per node: 0 when it has a name, or none yet */
  size_t n;
  uint32_t leaves, operations; /* numbers given */
} dz__labels;

/* For nodes up to y. DZ_ERR_MEMORY. */
dz_status dz__labels_make(dz_var y, const dz_allocator *a, dz__labels *l);
void dz__labels_free(dz__labels *l);

/* Gives x, a node up to y, a number when it has no name; to be called in tape order. */
void dz__label_give(dz__labels *l, dz_var x);

/* The label of x, a node up to y: its name or number, else the value of a scalar leaf or what is done. */
void dz__label_put(const dz__labels *l, dz__sheet *s, dz_var x);
/* The same for one element: h[2, 0]. */
void dz__label_element(const dz__labels *l, dz__sheet *s, dz_var x, size_t element);

/* Its index alone: [2, 0]; nothing for a number. */
void dz__label_index(dz__sheet *s, dz_var x, size_t element);

/* The operation x over the labels of its operands: "a*x". Nothing for a leaf; the name of the operation where
   the language has no formula for it. */
void dz__label_formula(dz__labels *l, dz__sheet *s, dz_var x);

/* The derivative of an elementwise operation x by its operand k, a node with a label, over the labels of its
   operands: "2*a". Nothing where the operand is a tensor, or stands twice. */
void dz__label_partial(dz__labels *l, dz__sheet *s, dz_var x, int k);

#endif
