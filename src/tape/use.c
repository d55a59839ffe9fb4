#include "tape/use.h"

#include "kernels/pointwise.h"
#include "kernels/scalar.h"
#include "tape/single.h"
#include "tape/sweep.h"

#include <math.h>
#include <string.h>

static double scalar_use(const dz_tape *t, uint32_t i, int k, double g) {
  dz__site s = dz__site_of(t, i);
  return dz__flow(s.f->mask[k], s.f->partial[k](s.in[0], s.in[1], 0, s.z, s.tie), g);
}

/* Workspace for one use of a wide node. The other operands' adjoints are wanted too where they are active,
   since a tie is shared only then; they all go to `dump`, which an operand that is broadcast fits in. */
typedef struct workspace {
  double *mask, *dump;  /* of the user's size */
  double *marks, *kept; /* of the operand's size */
} workspace;

static dz__call one_operand(dz_tape *t, const dz__wide *w, int k, double *out, size_t size, double *dump) {
  dz__tape *s = dz__of(t);
  dz__call call = dz__reverse_call(t, w, &s->kept, s->kept.scalar);
  bool pointwise = w->fn < DZ__F_POINTWISE_END;
  for (uint32_t j = 0; j < w->nargs; j++) s->call_ga[j] = pointwise && s->call_ga[j] ? dump : NULL;
  s->call_ga[k] = out;
  memset(out, 0, size * sizeof *out);
  return call;
}

static void plain_use(dz_tape *t, const dz__wide *w, int k, double *out, size_t size, workspace room) {
  dz__call call = one_operand(t, w, k, out, size, room.dump);
  if (w->fn < DZ__F_POINTWISE_END)
    dz__pointwise_reverse((dz__fn)w->fn, &call);
  else
    dz__tensor_ops[w->fn - DZ__F_POINTWISE_END].reverse(&call);
}

/* The same with every zero of the user's adjoint taken as structural. */
static void careful_use(dz_tape *t, const dz__wide *w, int k, double *out, size_t size, workspace room) {
  dz__tape *s = dz__of(t);
  dz__call call = one_operand(t, w, k, out, size, room.dump);
  for (size_t j = 0; j < call.out.size; j++) room.mask[j] = call.g[j] != 0;
  if (w->fn >= DZ__F_POINTWISE_END) {
    call.reached = room.mask;
    dz__tensor_ops[w->fn - DZ__F_POINTWISE_END].reverse(&call);
    return;
  }
  for (uint32_t j = 0; j < w->nargs; j++) s->call_reached[j] = room.dump;
  s->call_reached[k] = room.marks;
  dz__pointwise_careful((dz__fn)w->fn, &call, room.mask, s->call_reached);
}

/* An element whose whole adjoint is a number has no NaN in any part of it: what looks like one was 0 * inf
   from a structural zero, which carries nothing. */
static bool in_doubt(const double *out, const double *whole, size_t size) {
  for (size_t e = 0; e < size; e++)
    if (isnan(out[e]) && !isnan(whole[e])) return true;
  return false;
}

static void wide_use(dz_tape *t, const dz__wide *w, int k, double *out, const double *whole, size_t size,
                     workspace room) {
  plain_use(t, w, k, out, size, room);
  if (!in_doubt(out, whole, size)) return;
  memcpy(room.kept, out, size * sizeof *out);
  careful_use(t, w, k, out, size, room);
  for (size_t e = 0; e < size; e++)
    if (isnan(whole[e])) out[e] = room.kept[e];
}

bool dz__use_adjoint(dz_var x, int k, double *out) {
  dz_tape *t = x.tape;
  if (!dz__whole_adjoints(t) || !dz__doubles_ready(dz__of(t), dz__index(x), true)) return false;
  const dz_allocator *a = &dz__of(t)->alloc;
  dz_var operand = dz_operand(x, k);
  const double *whole = dz_adjoints(operand);
  const dz__wide *w = dz__wide_of(t, dz__index(x));
  size_t size = dz_size(operand);
  if (!w) {
    *out = scalar_use(t, dz__index(x), k, *dz_adjoints(x));
    if (in_doubt(out, whole, 1)) *out = 0;
    return true;
  }
  if (size == 0) return true;
  size_t bytes = 2 * (w->size + size) * sizeof(double);
  double *room = dz__alloc(a, bytes);
  if (!room) return false;
  memset(room, 0, bytes);
  double *of_operand = room + 2 * w->size;
  wide_use(t, w, k, out, whole, size, (workspace){room, room + w->size, of_operand, of_operand + size});
  dz__free(a, room, bytes);
  return true;
}
