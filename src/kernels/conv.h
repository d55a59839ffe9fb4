/* Convolutions and pools of images [images, channels, height, width], in memory linear in what they read and
 * write. */
#ifndef DZ_KERNELS_CONV_H
#define DZ_KERNELS_CONV_H

#include <stdbool.h>
#include <stddef.h>

/* Windows of `high` rows by `wide` columns of each image, `down` and `along` beginning that many places after
   the one before. All of them lie within the image. */
typedef struct dz__windows {
  size_t images, channels, height, width;
  size_t high, wide, down, along;
  size_t rows, columns; /* of windows */
} dz__windows;

/* Numbers that a convolution takes beside; half of them suffice on the way forward. */
size_t dz__conv_room(const dz__windows *p);

/* y[image, f, i, j] = sum over c, k, l of w[f, c, k, l] x[image, c, i down + k, j along + l], in this order,
   as the matrix product of windows and filters adds up. */
void dz__conv(const dz__windows *p, size_t filters, const double *x, const double *w, double *y,
              double *room);
void dz__convf(const dz__windows *p, size_t filters, const float *x, const float *w, float *y, float *room);

/* Adds to gx and gw, either of which may be NULL, what flows from g, the adjoint of y. */
void dz__conv_back(const dz__windows *p, size_t filters, const double *x, const double *w, const double *g,
                   double *gx, double *gw, double *room);
void dz__conv_backf(const dz__windows *p, size_t filters, const float *x, const float *w, const float *g,
                    float *gx, float *gw, float *room);

/* The largest number of each window (NaN where there is one), or the sum; and what flows back from g: those
   that tie share it, a NaN goes to all. */
void dz__pool(const dz__windows *p, bool sum, const double *x, double *y);
void dz__poolf(const dz__windows *p, bool sum, const float *x, float *y);
void dz__pool_back(const dz__windows *p, bool sum, const double *x, const double *y, const double *g,
                   double *gx);
void dz__pool_backf(const dz__windows *p, bool sum, const float *x, const float *y, const float *g,
                    float *gx);

/* The ways back where x, w and g may hold infinities or NaN: only elements of g whose `reached` is not 0
   flow, and where they arrive mx and mw, laid out as gx and gw, become 1. Any of the four may be NULL. Slow.
 */
void dz__conv_careful(const dz__windows *p, size_t filters, const double *x, const double *w, const double *g,
                      const double *reached, double *gx, double *mx, double *gw, double *mw);
void dz__pool_careful(const dz__windows *p, bool sum, const double *x, const double *y, const double *g,
                      const double *reached, double *gx, double *mx);

#endif
