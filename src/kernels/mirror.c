/* The transposes of index and gather, as operations: derivative graphs need them. place puts its operand at
   the positions that an index would read, in a tensor of zeros; scatter adds slices at the positions that a
   gather would read. Each runs the other's kernels the other way. Only derivative graphs record them, of an
   index or gather that is there: so the positions fit. */
#include "kernels/tensor.h"

/* The mirrored call: what was the result is its operand, of which no data is read. */
typedef struct mirror {
  dz__array args[2];
  double *ga[2];
  dz__call call;
} mirror;

static void add_to(double *a, const double *b, size_t n) {
  for (size_t i = 0; i < n; i++) a[i] += b[i];
}

static void mirrored(mirror *m, const dz__call *call, double *data) {
  m->args[0] = call->out;
  m->args[0].data = data;
  if (call->nargs > 1) m->args[1] = call->args[1];
  m->call = (dz__call){.op = call->op,
                       .nargs = call->nargs,
                       .args = m->args,
                       .attr = call->attr,
                       .nattr = call->nattr,
                       .out = call->args[0],
                       .ga = m->ga,
                       .error = call->error};
}

/* z = 0, then the mirrored reverse adds x into it. */
static void forward(const dz__call *call, dz__reverse *reverse) {
  mirror m;
  mirrored(&m, call, NULL);
  m.ga[0] = call->out.data;
  m.ga[1] = NULL;
  m.call.g = call->args[0].data;
  for (size_t i = 0; i < call->out.size; i++) call->out.data[i] = 0;
  reverse(&m.call);
}

/* The mirrored forward reads g; its result is added to the operand's adjoint. */
static bool reverse(const dz__call *call, dz__forward *forward_of) {
  mirror m;
  if (!call->ga[0]) return false;
  mirrored(&m, call, (double *)(uintptr_t)call->g);
  m.call.out.data = call->scratch;
  forward_of(&m.call);
  add_to(call->ga[0], call->scratch, call->args[0].size);
  return false;
}

/* ---- place: attr is index's {start, count, step, drop} for each axis of the result, then the result's
 * extents ---- */

dz_status dz__shape_place(dz__call *call) {
  int rank = call->nattr / 5;
  call->out.rank = rank;
  for (int k = 0; k < rank; k++) call->out.dims[k] = (size_t)call->attr[4 * rank + k];
  return dz__sized(call);
}

void dz__forward_place(const dz__call *call) { forward(call, dz__reverse_index); }
bool dz__reverse_place(const dz__call *call) { return reverse(call, dz__forward_index); }

/* ---- scatter: attr is {axis, extent of the result there} ---- */

dz_status dz__shape_scatter(dz__call *call) {
  const dz__array *x = &call->args[0], *at = &call->args[1];
  int axis = (int)call->attr[0], rank = x->rank - at->rank + 1;
  call->out.rank = rank;
  for (int k = 0; k < rank; k++)
    call->out.dims[k] = k < axis ? x->dims[k] : k == axis ? (size_t)call->attr[1] : x->dims[k + at->rank - 1];
  return dz__sized(call);
}

void dz__forward_scatter(const dz__call *call) { forward(call, dz__reverse_gather); }
bool dz__reverse_scatter(const dz__call *call) { return reverse(call, dz__forward_gather); }
