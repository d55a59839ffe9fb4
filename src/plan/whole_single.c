/* Whole tensors of floats. */
#include "plan/whole_flow.h"

#include "kernels/product.h"

#define REAL float
#define MATRIX dz__matrixf
#define PRODUCT dz__productf
#define LAYER dz__layerf
#define CONV dz__convf
#define CONV_BACK dz__conv_backf
#define POOL dz__poolf
#define POOL_BACK dz__pool_backf
#define LAYER_BACK dz__layer_backf
#define NAME(x) x##_single
#define SIZED_LIKE_REAL int32_t
enum { IS_DOUBLE = 0 };
#include "plan/whole_run.inc"

/* The workspace: conditions of branches, then registers and scratch, which are doubles, then floats. */
static run_single run_of(const dz__whole *p, const float *in, float *gradient, void *work) {
  double *first = dz__lined(work), *registers = first + dz__padded(p->outs - p->out_nodes);
  double *scratch = registers + dz__padded(p->registers);
  return (run_single){.p = p,
                      .in = in,
                      .number = p->numberf,
                      .grad = gradient,
                      .registers = registers,
                      .scratch = scratch,
                      .work = (float *)(void *)(scratch + dz__padded(p->scratch))};
}

/* Inputs, seeds and gradient as doubles behind the room of the careful run. */
static void carefully(const dz__whole *p, const float *in, const float *seeds, float *gradient,
                      double *work) {
  double *x = work + dz__whole_careful_room(p->careful), *g = x + p->inputs, *s = g + p->inputs;
  widen_single(x, in, p->inputs);
  if (seeds) widen_single(s, seeds, p->outputs);
  dz__whole_careful(p->careful, x, seeds ? s : NULL, g, work);
  narrow_single(gradient, g, p->inputs);
}

void dz__whole_run_single(const dz__whole *p, const float *in, const float *seeds, float *values,
                          float *gradient, void *work) {
  run_single r = run_of(p, in, gradient, work);
  forward_single(&r, values || !gradient);
  hand_out_single(&r, values);
  for (size_t k = p->out_nodes; k < p->outs; k++)
    dz__lined(work)[k - p->out_nodes] = (double)*value_single(&r, &p->node[p->output[k]]);
  if (!gradient) return;
  back_single(&r, seeds);
  if (any_nan_single(gradient, p->inputs)) carefully(p, in, seeds, gradient, r.registers);
}
