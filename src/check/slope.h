/* The slope of a function of one real number at 0 by differences, with an honest bound on its error. */
#ifndef DZ_CHECK_SLOPE_H
#define DZ_CHECK_SLOPE_H

#include <stdbool.h>

/* f(s). False ends everything. */
typedef bool dz__ray(void *user, double s, double *value);

typedef enum dz__slope_kind {
  DZ__SLOPE_CLEAR,
  DZ__SLOPE_UNSURE, /* too uncertain to say anything */
  DZ__SLOPE_KINK,   /* the slopes left and right differ at every step that can be resolved, or f jumps */
  DZ__SLOPE_NOT_FINITE
} dz__slope_kind;

typedef struct dz__slope {
  double value, error; /* |true slope - value| <= error */
  dz__slope_kind kind;
} dz__slope;

/* `at` is the coordinate that s is added to (0 when there is no single one): steps are rounded so that at + s
   and at - s are exact. `scales` (nscales of them, positive) are guesses of how far f looks alike, best
   first; later ones are tried only when the earlier leave doubt. `claim` is what the slope is said to be:
   where the two disagree, smaller steps are looked at before the claim is called wrong. False when f said so.
   Cost: 16 to 24 calls of f for a smooth function, up to 300 for a rough one. */
bool dz__slope_at(dz__ray *f, void *user, double at, const double *scales, int nscales, double claim,
                  dz__slope *out);

#endif
