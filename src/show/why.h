/* What an inquiry into a gradient has at hand, and what it has found. */
#ifndef DZ_SHOW_WHY_H
#define DZ_SHOW_WHY_H

#include "dz/why.h"
#include "show/label.h"
#include "show/linearized.h"

typedef struct dz__inquiry {
  dz__linearized g;
  dz__labels labels;
  double *adjoint;
  bool *reached; /* something arrived through open gates */
  bool *leads;   /* the element of x enters here, gates or not */
  uint32_t x;
  dz_var y;
  const dz_why_options *options;
  dz_why_report *r;
  const dz__edge *edge;  /* to blame, or NULL */
  size_t factors, small; /* of a vanishing or exploding path: its uses, and how many are to blame */
} dz__inquiry;

/* ---- cause.c ---- */

/* Sets r->cause, node, operand, partial and arriving from r->kind. False when memory is out. */
bool dz__why_find(dz__inquiry *q);
/* Whether all elements pass the test; a plain number has one. */
bool dz__all_values(dz_var x, bool test(double));

/* ---- advice.c ---- */

/* Fills the texts from the cause. False when memory is out. */
bool dz__why_tell(dz__inquiry *q);
/* x as a person would write it; long ones with "…". */
void dz__why_expression(dz__sheet *s, dz_var x);

/* ---- rewrite.c ---- */

/* A better way to write what the blamed operation and its neighbours do, into *s; nothing when none is known.
 */
void dz__why_rewrite(const dz__inquiry *q, dz__sheet *s);

#endif
