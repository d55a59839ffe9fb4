/* Points of a graph y = f(x), chosen so that the line through them looks right: corners are sharp, jumps and
   poles are gaps. */
#ifndef DZ_CLI_CURVE_H
#define DZ_CLI_CURVE_H

#include <stdbool.h>
#include <stddef.h>

typedef double curve_function(void *user, double x); /* NaN where there is no value */

typedef struct point {
  double x, y; /* a NaN y lifts the pen */
} point;

/* The end of a line at a jump: closed when the value there belongs to it. */
typedef struct stop {
  point at;
  bool closed;
} stop;

typedef struct curve {
  curve_function *f;
  void *user;
  point *at; /* first those of curve_sample, then those of curve_refine */
  size_t count;
  stop *stops;
  size_t stop_count;
} curve;

/* What is shown, and how many points of the picture it is wide and high. */
typedef struct window {
  double x0, x1, y0, y1, wide, high;
} window;

/* `count` + 1 evenly spaced points between w's x0 and x1. */
void curve_sample(curve *c, const window *w, size_t count);

/* Widens y0 and y1 to what of the sampled curve should be seen: all of it, but where it goes to infinity. */
void curve_fit(const curve *c, window *w);

/* Puts points between the sampled ones until the line bends by less than a fraction of a point. What lies far
   outside the window is brought to its neighbourhood. */
void curve_refine(curve *c, const window *w);

void curve_free(curve *c);

#endif
