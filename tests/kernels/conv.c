/* Convolutions and pools against their definitions, in whole numbers, forward and back, and the careful ways
   back with masks. */
#include "kernels/conv.h"

#include "../dice.h"
#include "suite.h"

#include <float.h>
#include <math.h>
#include <string.h>

static size_t depth(const dz__windows *p) { return p->channels * p->high * p->wide; }
static size_t image_size(const dz__windows *p) { return p->images * p->channels * p->height * p->width; }

/* Element e of the window that output o of [images, filters, rows, columns] is made from: in the images … */
static size_t input_of(const dz__windows *p, size_t filters, size_t o, size_t e) {
  const size_t j = o % p->columns, i = o / p->columns % p->rows, s = o / p->columns / p->rows / filters;
  const size_t l = e % p->wide, k = e / p->wide % p->high, c = e / p->wide / p->high;
  return ((s * p->channels + c) * p->height + i * p->down + k) * p->width + j * p->along + l;
}
/* … and its factor. */
static size_t factor_of(const dz__windows *p, size_t filters, size_t o, size_t e) {
  return o / p->columns / p->rows % filters * depth(p) + e;
}

#define same_numbers(n, a, b) (memcmp(a, b, (n) * sizeof *(a)) == 0 || equal_elements(n, a, b, sizeof *(a)))

/* +0 and -0 are equal. */
static bool equal_elements(size_t n, const void *a, const void *b, size_t size) {
  for (size_t i = 0; i < n; i++)
    if (size == sizeof(double) ? ((const double *)a)[i] != ((const double *)b)[i]
                               : ((const float *)a)[i] != ((const float *)b)[i])
      return false;
  return true;
}

#define REAL double
#define NAME(x) x##_double
#define CONV dz__conv
#define CONV_BACK dz__conv_back
#define POOL dz__pool
#define POOL_BACK dz__pool_back
#define EPSILON DBL_EPSILON
#include "conv.inc"
#undef REAL
#undef NAME
#undef CONV
#undef CONV_BACK
#undef POOL
#undef POOL_BACK
#undef EPSILON

#define REAL float
#define NAME(x) x##_float
#define CONV dz__convf
#define CONV_BACK dz__conv_backf
#define POOL dz__poolf
#define POOL_BACK dz__pool_backf
#define EPSILON FLT_EPSILON
#include "conv.inc"

/* images, channels, height, width; windows: high, wide, down, along; filters */
static const size_t shapes[][9] = {
    {1, 1, 1, 1, 1, 1, 1, 1, 1},   {2, 3, 5, 6, 2, 3, 1, 1, 4},   {1, 2, 7, 9, 3, 3, 2, 2, 3},
    {3, 1, 4, 70, 2, 2, 2, 1, 2},  {1, 1, 3, 140, 1, 2, 1, 1, 1}, {2, 4, 6, 6, 6, 6, 1, 1, 5},
    {1, 0, 3, 3, 2, 2, 1, 1, 2},   {0, 2, 3, 3, 2, 2, 1, 1, 2},   {1, 40, 4, 90, 3, 3, 1, 1, 2},
    {1, 2, 60, 40, 3, 2, 1, 3, 2},
};

static dz__windows windows_of(const size_t *n) {
  return (dz__windows){
      n[0], n[1], n[2], n[3], n[4], n[5], n[6], n[7], (n[2] - n[4]) / n[6] + 1, (n[3] - n[5]) / n[7] + 1};
}

START_TEST(convolutions) {
  const dz__windows p = windows_of(shapes[_i]);
  for (int wants = 0; wants < 4; wants++) {
    convolution_double(&p, shapes[_i][8], wants & 1, wants & 2);
    convolution_float(&p, shapes[_i][8], wants & 1, wants & 2);
  }
}
END_TEST

/* Of the numbers laid out, a part at a time: as many rows of windows as 8192 have place for, but a whole one.
 */
START_TEST(room) {
  const dz__windows p = windows_of(shapes[_i]);
  const size_t row = depth(&p) * p.columns;
  size_t rows = 1;
  while (rows < p.rows && (rows + 1) * row <= 8192) rows++;
  ck_assert_uint_eq(dz__conv_room(&p), 2 * rows * row);
}
END_TEST

START_TEST(pools) {
  const dz__windows p = windows_of(shapes[_i]);
  for (int way = 0; way < 4; way++) {
    pool_double(&p, way & 1, way & 2);
    pool_float(&p, way & 1, way & 2);
  }
}
END_TEST

/* Only what is reached flows: infinities elsewhere do not matter. Any array may be missing. */
START_TEST(carefully) {
  const dz__windows p = windows_of(shapes[_i]);
  const size_t filters = shapes[_i][8], nx = image_size(&p), nw = filters * depth(&p);
  const size_t ny = p.images * filters * p.rows * p.columns;
  double *x = some_double(nx, true), *w = some_double(nw, true), *g = some_double(ny, true);
  for (int way = 0; way < 32; way++) {
    double *gx = calloc(nx + 1, sizeof *gx), *mx = calloc(nx + 1, sizeof *mx),
           *gw = calloc(nw + 1, sizeof *gw);
    double *mw = calloc(nw + 1, sizeof *mw), *reached = calloc(ny + 1, sizeof *reached);
    double *hx = calloc(nx + 1, sizeof *hx), *hw = calloc(nw + 1, sizeof *hw),
           *ox = calloc(nx + 1, sizeof *ox), *ow = calloc(nw + 1, sizeof *ow);
    for (size_t o = 0; o < ny; o++) {
      reached[o] = !(way & 16) || dice() % 3 == 0;
      if (way & 16) g[o] = reached[o] != 0 ? (double)(dice() % 5) : INFINITY;
      for (size_t e = 0; reached[o] != 0 && e < depth(&p); e++) {
        const size_t i = input_of(&p, filters, o, e), f = factor_of(&p, filters, o, e);
        hx[i] += way & 1 ? g[o] * w[f] : 0;
        hw[f] += way & 2 ? g[o] * x[i] : 0;
        ox[i] = way & 4 ? 1 : 0;
        ow[f] = way & 8 ? 1 : 0;
      }
    }
    dz__conv_careful(&p, filters, x, w, g, way & 16 ? reached : NULL, way & 1 ? gx : NULL,
                     way & 4 ? mx : NULL, way & 2 ? gw : NULL, way & 8 ? mw : NULL);
    ck_assert(same_numbers(nx, gx, hx) && same_numbers(nw, gw, hw));
    ck_assert(same_numbers(nx, mx, ox) && same_numbers(nw, mw, ow));
    free(gx), free(mx), free(gw), free(mw), free(reached), free(hx), free(hw), free(ox), free(ow);
    for (size_t o = 0; o < ny; o++) g[o] = (double)(dice() % 5);
  }
  free(x), free(w), free(g);
}
END_TEST

START_TEST(pools_carefully) {
  dz__windows p = windows_of(shapes[_i]);
  const size_t nx = image_size(&p), ny = p.images * p.channels * p.rows * p.columns;
  double *x = some_double(nx, false), *g = some_double(ny, true), *y = some_double(ny, true);
  if (nx > 20) x[20] = NAN;
  for (int way = 0; way < 16; way++) {
    const bool sum = way & 8, masked = way & 4;
    double *gx = calloc(nx + 1, sizeof *gx), *mx = calloc(nx + 1, sizeof *mx),
           *hx = calloc(nx + 1, sizeof *hx);
    double *ox = calloc(nx + 1, sizeof *ox), *reached = calloc(ny + 1, sizeof *reached);
    dz__pool(&p, sum, x, y);
    dz__windows one = p;
    one.images *= one.channels, one.channels = 1;
    for (size_t o = 0; o < ny; o++) {
      double ties = 0;
      reached[o] = !masked || o % 2;
      for (size_t e = 0; e < depth(&one); e++) ties += x[input_of(&one, 1, o, e)] == y[o];
      for (size_t e = 0; reached[o] != 0 && e < depth(&one); e++) {
        const size_t i = input_of(&one, 1, o, e);
        const double c = sum ? 1 : isnan(y[o]) ? NAN : x[i] == y[o] ? 1 / ties : 0;
        if (c != 0) hx[i] += way & 1 ? c * g[o] : 0;
        if (c != 0) ox[i] = way & 2 ? 1 : 0;
      }
    }
    dz__pool_careful(&p, sum, x, y, g, masked ? reached : NULL, way & 1 ? gx : NULL, way & 2 ? mx : NULL);
    for (size_t i = 0; i < nx; i++) {
      ck_assert(gx[i] == hx[i] || (isnan(gx[i]) && isnan(hx[i])));
      ck_assert(mx[i] == ox[i]);
    }
    free(gx), free(mx), free(hx), free(ox), free(reached);
  }
  free(x), free(g), free(y);
}
END_TEST

SUITE(EACH(convolutions, COUNT(shapes)), EACH(room, COUNT(shapes)), EACH(pools, COUNT(shapes)),
      EACH(carefully, COUNT(shapes)), EACH(pools_carefully, COUNT(shapes)))
