/* What a value, its gradient and a plan of them cost, counted and not measured. */
#ifndef DZ_COST_H
#define DZ_COST_H

#include "dz/plan.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct dz_work {
  double operations; /* on numbers: + - * / and each comparison, choice and call of a function counts 1 */
  double transcendentals; /* among them: calls of exp, log, sin, … */
  double bytes;           /* of operands read and results written; of a plan, outside its registers */
  double memory;          /* bytes held at most */
} dz_work;

typedef struct dz_cost {
  dz_work value;    /* recording y on the tape; memory: of the whole tape */
  dz_work gradient; /* that and a sweep back from y */
  dz_work plan;     /* value and gradient by a run of the plan; memory: plan and workspace */
  double ratio;     /* operations of the gradient to those of the value; NaN when the value has none */
  size_t nodes;     /* of the tape that y is made of, leaves not counted */
} dz_cost;

/* Counts what y is made of, by the table's formulas (dz_op_at): of an operation its value; of the sweep, for
   each operand that a gradient flows to, the partial, one multiplication and one addition. Tensor operations
   count element by element; of the user's operations only the results are counted. p is a plan of y, or NULL,
   which leaves zeros in c->plan. DZ_ERR_ARGUMENT (c is NULL), DZ_ERR_HANDLE, DZ_ERR_MEMORY. Cost: linear in
   the nodes up to y and in the plan's instructions. */
DZ_API dz_status dz_cost_of(dz_var y, const dz_plan *p, dz_cost *c);

#ifdef __cplusplus
}
#endif
#endif
