#include "kernels/conv.h"

#include "kernels/product.h"
#include "kernels/several.h"

/* Numbers of windows that are laid out at a time, if more than one row of them; windows of a row that share
 * at a time. */
enum { PART = 8192, SIDE = 64 };

static size_t depth_of(const dz__windows *p) { return p->channels * p->high * p->wide; }

/* Rows of windows at a time. */
static size_t rows_at_once(const dz__windows *p) {
  size_t row = depth_of(p) * p->columns, n = row ? PART / row : 1;
  return n < 1 ? 1 : n < p->rows ? n : p->rows;
}

size_t dz__conv_room(const dz__windows *p) { return 2 * depth_of(p) * rows_at_once(p) * p->columns; }

#define REAL double
#define MATRIX dz__matrix
#define PRODUCT dz__product_rows
#define NAME(x) x##_double
#include "kernels/conv.inc"
#undef REAL
#undef MATRIX
#undef PRODUCT
#undef NAME

#define REAL float
#define MATRIX dz__matrixf
#define PRODUCT dz__product_rowsf
#define NAME(x) x##_float
#include "kernels/conv.inc"

void dz__conv(const dz__windows *p, size_t filters, const double *x, const double *w, double *y,
              double *room) {
  conv_double(p, filters, x, w, y, room);
}

void dz__convf(const dz__windows *p, size_t filters, const float *x, const float *w, float *y, float *room) {
  conv_float(p, filters, x, w, y, room);
}

void dz__conv_back(const dz__windows *p, size_t filters, const double *x, const double *w, const double *g,
                   double *gx, double *gw, double *room) {
  conv_back_double(p, filters, x, w, g, gx, gw, room);
}

void dz__conv_backf(const dz__windows *p, size_t filters, const float *x, const float *w, const float *g,
                    float *gx, float *gw, float *room) {
  conv_back_float(p, filters, x, w, g, gx, gw, room);
}

void dz__pool(const dz__windows *p, bool sum, const double *x, double *y) { pool_double(p, sum, x, y); }

void dz__poolf(const dz__windows *p, bool sum, const float *x, float *y) { pool_float(p, sum, x, y); }

void dz__pool_back(const dz__windows *p, bool sum, const double *x, const double *y, const double *g,
                   double *gx) {
  pool_back_double(p, sum, x, y, g, gx);
}

void dz__pool_backf(const dz__windows *p, bool sum, const float *x, const float *y, const float *g,
                    float *gx) {
  pool_back_float(p, sum, x, y, g, gx);
}

/* ---- carefully ---- */

/* Elements of one window, as the walk over them goes. */
typedef struct place {
  size_t x, w; /* in the images, and in the filters */
} place;

/* Element e of the window (s, i, j), and where filter f has its factor. */
static place place_of(const dz__windows *p, size_t s, size_t f, size_t i, size_t j, size_t e) {
  const size_t l = e % p->wide, k = e / p->wide % p->high, c = e / p->wide / p->high;
  return (place){((s * p->channels + c) * p->height + i * p->down + k) * p->width + j * p->along + l,
                 f * depth_of(p) + e};
}

void dz__conv_careful(const dz__windows *p, size_t filters, const double *x, const double *w, const double *g,
                      const double *reached, double *gx, double *mx, double *gw, double *mw) {
  const size_t all = p->rows * p->columns;
  for (size_t o = 0; o < p->images * filters * all; o++) {
    if (reached && reached[o] == 0) continue;
    for (size_t e = 0; e < depth_of(p); e++) {
      place at = place_of(p, o / all / filters, o / all % filters, o % all / p->columns, o % p->columns, e);
      if (gx) gx[at.x] += g[o] * w[at.w];
      if (mx) mx[at.x] = 1;
      if (gw) gw[at.w] += g[o] * x[at.x];
      if (mw) mw[at.w] = 1;
    }
  }
}

void dz__pool_careful(const dz__windows *p, bool sum, const double *x, const double *y, const double *g,
                      const double *reached, double *gx, double *mx) {
  const size_t all = p->rows * p->columns;
  dz__windows one = *p;
  one.images = p->images * p->channels, one.channels = 1;
  for (size_t o = 0; o < one.images * all; o++) {
    if (reached && reached[o] == 0) continue;
    double ties = 0;
    for (size_t e = 0; e < depth_of(&one); e++)
      ties += x[place_of(&one, o / all, 0, o % all / p->columns, o % p->columns, e).x] == y[o];
    for (size_t e = 0; e < depth_of(&one); e++) {
      size_t at = place_of(&one, o / all, 0, o % all / p->columns, o % p->columns, e).x;
      if (!sum && y[o] == y[o] && x[at] != y[o]) continue;
      if (gx) gx[at] += (sum ? 1 : y[o] == y[o] ? 1 / ties : y[o]) * g[o];
      if (mx) mx[at] = 1;
    }
  }
}
