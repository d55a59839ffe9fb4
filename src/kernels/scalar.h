/* pointwise.def compiled for one element: dz__v_NAME(x, y, w) is the value, dz__d0_NAME(x, y, w, z, TIE) the
   partial to operand 0, and so on; dz__m0_NAME says whether that partial is a MASK. All are inlined where
   they are used. */
#ifndef DZ_KERNELS_SCALAR_H
#define DZ_KERNELS_SCALAR_H

#include "kernels/special.h"

#include <math.h>
#include <stdbool.h>

#define MASK(p) (p)

#define DZ__VALUE(name, text)                                                                                \
  static inline double dz__v_##name(double x, double y, double w) {                                          \
    (void)x, (void)y, (void)w;                                                                               \
    return text;                                                                                             \
  }
#define DZ__PARTIAL(k, name, text, label)                                                                    \
  static inline double dz__d##k##_##name(double x, double y, double w, double z, double TIE) {               \
    (void)x, (void)y, (void)w, (void)z, (void)TIE;                                                           \
    return text;                                                                                             \
  }                                                                                                          \
  static inline bool dz__m##k##_##name(void) { return ((label)[0] == 'M') & ((label)[1] == 'A'); }

#define OP1(name, low, high, value, dx) DZ__VALUE(name, value) DZ__PARTIAL(0, name, dx, #dx)
#define OP2(name, low, high, value, dx, dy)                                                                  \
  DZ__VALUE(name, value) DZ__PARTIAL(0, name, dx, #dx) DZ__PARTIAL(1, name, dy, #dy)
#define OP3(name, low, high, value, dx, dy, dw)                                                              \
  DZ__VALUE(name, value)                                                                                     \
  DZ__PARTIAL(0, name, dx, #dx) DZ__PARTIAL(1, name, dy, #dy) DZ__PARTIAL(2, name, dw, #dw)
#include "ops/pointwise.def"
#undef OP1
#undef OP2
#undef OP3
#undef DZ__VALUE
#undef DZ__PARTIAL
#undef MASK

/* What flows back through a partial p when g arrives. A mask that is 0 carries nothing, whatever g is. */
static inline double dz__flow(bool mask, double p, double g) { return mask && p == 0 ? 0 : p * g; }

#endif
