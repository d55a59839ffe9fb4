/* The tangent of a matrix product: x' y + x y'. */
#include "kernels/groups.h"
#include "kernels/tangent.h"

#include <string.h>

/* ---- element by element, for the careful sweep ---- */

/* Where the row of x and the column of y of one element of the result begin. */
typedef struct factors {
  int rank;
  ptrdiff_t dim[DZ__MAX_RANK], x_step[DZ__MAX_RANK], y_step[DZ__MAX_RANK];
  ptrdiff_t x_index[DZ__MAX_RANK], y_index[DZ__MAX_RANK], x, y;
  ptrdiff_t inner, y_inner; /* the sum's length, and y's step in it; x's is 1 */
} factors;

/* Steps of an operand over the batch axes of the result, 0 where it repeats. */
static void batch_steps(const dz__array *a, int batch, ptrdiff_t *step) {
  int own = a->rank > 2 ? a->rank - 2 : 0;
  ptrdiff_t n = a->rank > 1 ? (ptrdiff_t)(a->dims[a->rank - 2] * a->dims[a->rank - 1]) : 0;
  for (int k = batch; k-- > 0;) {
    int i = k - (batch - own);
    step[k] = i < 0 || a->dims[i] == 1 ? 0 : n;
    n *= i < 0 ? 1 : (ptrdiff_t)a->dims[i];
  }
}

static factors factors_of(const dz__call *call) {
  const dz__array *x = &call->args[0], *y = &call->args[1];
  int rows = x->rank > 1, columns = y->rank > 1, batch = call->out.rank - rows - columns;
  factors f = {.rank = call->out.rank, .inner = (ptrdiff_t)x->dims[x->rank - 1]};
  for (int k = 0; k < f.rank; k++) f.dim[k] = (ptrdiff_t)call->out.dims[k];
  batch_steps(x, batch, f.x_step);
  batch_steps(y, batch, f.y_step);
  f.y_inner = columns ? (ptrdiff_t)y->dims[y->rank - 1] : 1;
  if (rows) f.x_step[batch] = f.inner;
  if (columns) f.y_step[batch + rows] = 1;
  return f;
}

/* Adds a b over the pairs where a tangent a was reached. */
static bool add_pairs(const factors *f, const double *x, const double *y, const double *reached, bool of_x,
                      double *sum) {
  bool hit = false;
  for (ptrdiff_t k = 0; k < f->inner; k++) {
    ptrdiff_t i = f->x + k, j = f->y + k * f->y_inner;
    if (reached[of_x ? i : j] == 0) continue;
    *sum += x[i] * y[j];
    hit = true;
  }
  return hit;
}

static void careful(const dz__tangent_call *p) {
  const double *x = p->args[0].data, *y = p->args[1].data;
  factors f = factors_of(&p->call);
  for (size_t e = 0; e < p->call.out.size; e++) {
    bool hit = false;
    p->out[e] = 0;
    if (p->t[0]) hit |= add_pairs(&f, p->t[0], y, p->reached[0], true, &p->out[e]);
    if (p->t[1]) hit |= add_pairs(&f, x, p->t[1], p->reached[1], false, &p->out[e]);
    p->out_reached[e] = hit;
    dz__odometer(f.rank, f.dim, f.x_step, f.x_index, &f.x);
    dz__odometer(f.rank, f.dim, f.y_step, f.y_index, &f.y);
  }
}

/* ---- whole ---- */

static void product(const dz__tangent_call *p, double *x, double *y, double *out) {
  dz__array args[2] = {p->args[0], p->args[1]};
  dz__call call = p->call;
  args[0].data = x;
  args[1].data = y;
  call.args = args;
  call.out.data = out;
  p->op->forward(&call);
}

void dz__tangent_matmul(const dz__tangent_call *p) {
  double *x = p->args[0].data, *y = p->args[1].data, *more = p->call.scratch;
  if (p->reached) {
    careful(p);
    return;
  }
  if (p->t[0])
    product(p, p->t[0], y, p->out);
  else
    memset(p->out, 0, p->call.out.size * sizeof *p->out);
  if (!p->t[1]) return;
  product(p, x, p->t[1], more);
  for (size_t e = 0; e < p->call.out.size; e++) p->out[e] += more[e];
}
