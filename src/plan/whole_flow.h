/* Gradients within a chain, for pieces of n elements in registers of doubles; and what the copies of
   plan/whole_run.inc share. */
#ifndef DZ_PLAN_WHOLE_FLOW_H
#define DZ_PLAN_WHOLE_FLOW_H

#include "plan/whole.h"

#include "kernels/groups.h"
#include "kernels/several.h"
#include "kernels/tensor.h"
#include "tape/diagnose.h"

#include <math.h>
#include <string.h>

/* logsumexp of short rows by the plan's own exp, which may take several at a time: its result, and what flows
   to its operand. False where the kernel must do it: other axes, a largest element that is not finite. */
bool dz__logsumexp_rows(const dz__row *rows, const dz__call *call);
bool dz__logsumexp_rows_back(const dz__row *rows, const dz__call *call);

double dz__total(const double *x, size_t n);

/* What flows from member j, which is x, to its operands: v are values, g adjoints and room registers by slot.
 */
void dz__flow_from(const dz__whole *p, const dz__tensor *x, uint32_t j, const double *const *v,
                   const double **g, size_t n, double *const *room);

/* A piece of a chain in bands; `room` is what folds need for themselves, three columns and the piece's
 * elements. */
typedef struct dz__band {
  const dz__whole *p;
  const dz__stage *t;
  size_t rows;
  double *room;
} dz__band;

/* Member x from the values v of all slots. */
void dz__band_value(const dz__band *b, const dz__tensor *x, const double *const *v, double *to);
/* What flows from member j to its operands, as dz__flow_from; each gradient g stands in its own room. */
void dz__band_flow(const dz__band *b, uint32_t j, const double *const *v, const double **g,
                   double *const *room);

#endif
