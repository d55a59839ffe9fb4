/* Initial values of parameters. Element i of the parameter `name` depends on seed, name and i only, so adding
   a parameter changes no other. */
#include "base/random.h"
#include "lang/machine.h"
#include "tape/single.h"

#include <math.h>
#include <string.h>

/* Box and Muller: A note on the generation of random normal deviates, 1958. */
static double normal(uint64_t stream, uint64_t i) {
  double u = 1 - dz__uniform(stream, 2 * i), v = dz__uniform(stream, 2 * i + 1);
  return sqrt(-2 * log(u)) * cos(6.283185307179586 * v);
}

/* The last extent counts outputs, the product of the others inputs, as in x @ W. */
static void fans(const dz_program_leaf *leaf, double *in, double *out) {
  *in = *out = 1;
  for (int k = 0; k + 1 < leaf->rank; k++) *in *= (double)leaf->dims[k];
  if (leaf->rank > 1) *out = (double)leaf->dims[leaf->rank - 1];
  if (leaf->rank == 1) *in = (double)leaf->dims[0];
}

static void fill(double *x, size_t n, const dz__leaf *leaf, uint64_t stream) {
  double in, out, low = leaf->init_arg[0], high = leaf->init_arg[1], s = low;
  fans(&leaf->seen, &in, &out);
  dz__init kind = leaf->init;
  if (kind == DZ__INIT_GLOROT) {
    high = sqrt(6 / (in + out));
    low = -high;
    kind = DZ__INIT_UNIFORM;
  }
  if (kind == DZ__INIT_HE) {
    s = sqrt(2 / in);
    kind = DZ__INIT_NORMAL;
  }
  for (size_t i = 0; i < n; i++)
    x[i] = kind == DZ__INIT_UNIFORM  ? low + (high - low) * dz__uniform(stream, i)
           : kind == DZ__INIT_NORMAL ? s * normal(stream, i)
                                     : kind == DZ__INIT_ONES;
}

dz_var dz__initial(dz__machine *m, const dz__leaf *leaf, uint64_t seed) {
  const dz_program_leaf *seen = &leaf->seen;
  dz_tape_at(m->t, seen->line, seen->column);
  dz_var x = dz_leaf_tensor(m->t, DZ_ROLE_PARAM, seen->rank < 0 ? 0 : seen->rank, seen->dims, NULL);
  if (!dz__good(x)) return x;
  double *to = dz__leaf_open(x); /* the leaf is new: nobody has seen its zeros */
  if (!to) return dz__poison(m->t, DZ_ERR_MEMORY, "", "out of memory for '%s'", seen->name);
  fill(to, dz_size(x), leaf, dz__stream(seed, seen->name));
  dz__leaf_close(x);
  if (dz_set_name(x, seen->name) == DZ_ERR_MEMORY)
    return dz__poison(m->t, DZ_ERR_MEMORY, "", "out of memory for the name '%s'", seen->name);
  return x;
}
