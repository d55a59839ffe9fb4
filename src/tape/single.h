/* Tapes of floats: their tensors. */
#ifndef DZ_TAPE_SINGLE_H
#define DZ_TAPE_SINGLE_H

#include "tape/tape.h"

/* The adjoint of the tensor with record k. */
static inline float *dz__float_adjoint(const dz__tape *s, size_t k) {
  return (float *)(void *)s->single->adjoint.tensor[k];
}

/* Computes an operation: shape, room in the arena, values. call->args have the operands' shapes, refs say
   where they are. A result of rank 0 comes in *scalar, not yet rounded, to which call->out.data then points.
 */
dz_status dz__single_record(dz_tape *t, dz__fn fn, dz__call *call, const dz__ref *refs, double *scalar);

/* Numbers of s->spare that the reverse kernel of w needs. */
size_t dz__single_spare(const dz__tape *s, const dz__wide *w);

/* The reverse kernel of an active operation, in the quick sweep. True when 0*inf was formed. */
bool dz__single_reverse(dz_tape *t, const dz__wide *w, double *scalar);

/* Makes the tensors' values up to node `top` stand as doubles too, and their adjoints where those are asked
   for. At once true on a tape of doubles; false when memory is out. */
bool dz__doubles_ready(dz__tape *s, uint32_t top, bool adjoints);

/* Bytes of a copy: of nothing it has room as well, so that it stands somewhere. */
static inline size_t dz__copy_bytes(const dz__wide *w) { return (w->size + !w->size) * sizeof(double); }

/* The copy of a tensor's values, NULL where none was made. */
static inline double *dz__present_copy(const dz__tape *s, const dz__wide *w) {
  size_t k = (size_t)(w - s->wide);
  return k < s->single->value_cap ? s->single->value[k] : NULL;
}

/* The same of one tensor's values or its laid adjoint, NULL when memory is out; and for the careful sweep
   room for the adjoints up to `top` with any contents. */
double *dz__copied_value(dz__tape *s, const dz__wide *w);
double *dz__copied_adjoint(dz__tape *s, const dz__wide *w);
bool dz__adjoint_copies_lay(dz__tape *s, uint32_t top);

/* What was computed in the copies of the adjoints up to `top` becomes the adjoints. */
void dz__adjoint_copies_adopt(dz__tape *s, uint32_t top);

/* A leaf's elements were overwritten; the adjoints will be; records from number `wides` on are dropped. */
void dz__copy_refresh(dz__tape *s, const dz__wide *w);
void dz__adjoint_copies_drop(dz__tape *s, size_t wides);
void dz__value_copies_drop(dz__tape *s, size_t wides);

/* Where a new leaf's elements are written, NULL when memory is out; and that they are. */
double *dz__leaf_open(dz_var leaf);
void dz__leaf_close(dz_var leaf);

void dz__to_floats(float *to, const double *from, size_t n);
void dz__to_doubles(double *to, const float *from, size_t n);

#endif
