#include "kernels/product.h"

/* A panel is DEPTH rows of WIDTH columns of b, packed: 16 KiB, which stays in the first cache while every row
   of a passes by HEIGHT at a time. */
enum { HEIGHT = 4, WIDTH = 8, DEPTH = 256 };

static ptrdiff_t least(ptrdiff_t a, ptrdiff_t b) { return a < b ? a : b; }

/* Columns beyond the matrix are filled with 0; what they give is not stored. */
static void pack(dz__matrix b, ptrdiff_t k0, ptrdiff_t depth, ptrdiff_t j0, ptrdiff_t width, double *panel) {
  for (ptrdiff_t j = 0; j < WIDTH; j++) {
    const double *from = b.data + k0 * b.row + (j0 + j) * b.column;
    for (ptrdiff_t k = 0; k < depth; k++) panel[k * WIDTH + j] = j < width ? from[k * b.row] : 0;
  }
}

/* z = the rows at a[0..HEIGHT) times the panel. */
static void block(const double *const a[HEIGHT], ptrdiff_t step, const double *panel, ptrdiff_t depth,
                  double z[HEIGHT][WIDTH]) {
  double s[HEIGHT][WIDTH] = {{0}};
  for (ptrdiff_t k = 0; k < depth; k++, panel += WIDTH)
    for (int i = 0; i < HEIGHT; i++) {
      double x = a[i][k * step];
      for (int j = 0; j < WIDTH; j++) s[i][j] += x * panel[j];
    }
  for (int i = 0; i < HEIGHT; i++)
    for (int j = 0; j < WIDTH; j++) z[i][j] = s[i][j];
}

/* Rows beyond the matrix repeat its last one; what they give is not stored. */
static void rows_times_panel(dz__matrix a, ptrdiff_t k0, ptrdiff_t depth, const double *panel,
                             ptrdiff_t width, ptrdiff_t columns, double *c) {
  double z[HEIGHT][WIDTH];
  const double *row[HEIGHT];
  for (ptrdiff_t i0 = 0; i0 < a.rows; i0 += HEIGHT) {
    ptrdiff_t height = least(a.rows - i0, HEIGHT);
    for (ptrdiff_t i = 0; i < HEIGHT; i++)
      row[i] = a.data + (i0 + least(i, height - 1)) * a.row + k0 * a.column;
    block(row, a.column, panel, depth, z);
    for (ptrdiff_t i = 0; i < height; i++)
      for (ptrdiff_t j = 0; j < width; j++) c[(i0 + i) * columns + j] += z[i][j];
  }
}

/* ---- one column ---- */

static double dot(const double *x, const double *y, ptrdiff_t step, ptrdiff_t n) {
  double s[WIDTH] = {0};
  ptrdiff_t k = 0;
  if (step == 1)
    for (; k + WIDTH <= n; k += WIDTH)
      for (int j = 0; j < WIDTH; j++) s[j] += x[k + j] * y[k + j];
  for (; k < n; k++) s[0] += x[k] * y[k * step];
  return ((s[0] + s[4]) + (s[1] + s[5])) + ((s[2] + s[6]) + (s[3] + s[7]));
}

/* c += a v, v being a column of b with the given step: along the rows of a when they are contiguous, else
   down its columns. */
static void add_column(dz__matrix a, const double *v, ptrdiff_t step, double *c) {
  if (a.column == 1) {
    for (ptrdiff_t i = 0; i < a.rows; i++)
      for (ptrdiff_t k = 0; k < a.columns; k += DEPTH)
        c[i] += dot(a.data + i * a.row + k, v + k * step, step, least(a.columns - k, DEPTH));
    return;
  }
  for (ptrdiff_t k = 0; k < a.columns; k++) {
    const double *x = a.data + k * a.column;
    for (ptrdiff_t i = 0; i < a.rows; i++) c[i] += x[i * a.row] * v[k * step];
  }
}

void dz__product_add(dz__matrix a, dz__matrix b, double *c) {
  double panel[DEPTH * WIDTH];
  if (b.columns == 1) {
    add_column(a, b.data, b.row, c);
    return;
  }
  if (a.rows == 1) {
    add_column(dz__transposed(b), a.data, a.column, c);
    return;
  }
  for (ptrdiff_t k0 = 0; k0 < a.columns; k0 += DEPTH)
    for (ptrdiff_t j0 = 0; j0 < b.columns; j0 += WIDTH) {
      ptrdiff_t depth = least(a.columns - k0, DEPTH), width = least(b.columns - j0, WIDTH);
      pack(b, k0, depth, j0, width, panel);
      rows_times_panel(a, k0, depth, panel, width, b.columns, c + j0);
    }
}

bool dz__product_add_careful(dz__matrix g, dz__matrix b, const double *reached, double *c, ptrdiff_t row,
                             ptrdiff_t column) {
  bool doubt = false;
  for (ptrdiff_t i = 0; i < g.rows; i++)
    for (ptrdiff_t k = 0; k < g.columns; k++) {
      ptrdiff_t at = i * g.row + k * g.column;
      if (reached && reached[at] == 0) continue;
      for (ptrdiff_t j = 0; j < b.columns; j++) {
        double z = g.data[at] * b.data[k * b.row + j * b.column];
        doubt |= (z != z) & (g.data[at] == 0);
        c[i * row + j * column] += z;
      }
    }
  return doubt;
}
