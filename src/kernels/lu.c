#include "kernels/lu.h"

#include <math.h>
#include <string.h>

static void swap_rows(double *a, size_t n, size_t i, size_t k) {
  for (size_t j = 0; j < n && i != k; j++) {
    double x = a[i * n + j];
    a[i * n + j] = a[k * n + j];
    a[k * n + j] = x;
  }
}

void dz__lu_factor(double *lu, size_t n) {
  double *pivot = lu + n * n;
  for (size_t k = 0; k < n; k++) {
    size_t best = k;
    for (size_t i = k + 1; i < n; i++)
      if (fabs(lu[i * n + k]) > fabs(lu[best * n + k])) best = i;
    pivot[k] = (double)best;
    swap_rows(lu, n, k, best);
    const double *from = lu + k * n;
    if (from[k] == 0) continue;
    for (size_t i = k + 1; i < n; i++) {
      double *to = lu + i * n, factor = to[k] /= from[k];
      for (size_t j = k + 1; j < n; j++) to[j] -= factor * from[j];
    }
  }
}

bool dz__lu_singular(const double *lu, size_t n) {
  for (size_t i = 0; i < n; i++)
    if (lu[i * n + i] == 0) return true;
  return false;
}

static void swap(double *x, size_t stride, size_t i, size_t k) {
  double y = x[i * stride];
  x[i * stride] = x[k * stride];
  x[k * stride] = y;
}

/* P, then L, then U. */
static void solve_plain(const double *lu, size_t n, double *x, size_t stride) {
  const double *pivot = lu + n * n;
  for (size_t i = 0; i < n; i++) swap(x, stride, i, (size_t)pivot[i]);
  for (size_t i = 0; i < n; i++)
    for (size_t j = 0; j < i; j++) x[i * stride] -= lu[i * n + j] * x[j * stride];
  for (size_t i = n; i-- > 0;) {
    for (size_t j = i + 1; j < n; j++) x[i * stride] -= lu[i * n + j] * x[j * stride];
    x[i * stride] /= lu[i * n + i];
  }
}

/* The transposes in the other order, along the same rows. */
static void solve_transposed(const double *lu, size_t n, double *x, size_t stride) {
  const double *pivot = lu + n * n;
  for (size_t i = 0; i < n; i++) {
    x[i * stride] /= lu[i * n + i];
    for (size_t j = i + 1; j < n; j++) x[j * stride] -= lu[i * n + j] * x[i * stride];
  }
  for (size_t i = n; i-- > 0;)
    for (size_t j = 0; j < i; j++) x[j * stride] -= lu[i * n + j] * x[i * stride];
  for (size_t i = n; i-- > 0;) swap(x, stride, i, (size_t)pivot[i]);
}

void dz__lu_solve(const dz__system *s, double *x, size_t stride) {
  if (s->transposed)
    solve_transposed(s->lu, s->n, x, stride);
  else
    solve_plain(s->lu, s->n, x, stride);
}

void dz__lu_subtract_product(const dz__system *s, const double *x, size_t stride, double *y) {
  for (size_t i = 0; i < s->n; i++) {
    const double *row = s->a + i * s->n;
    if (s->transposed)
      for (size_t j = 0; j < s->n; j++) y[j] -= row[j] * x[i * stride];
    else
      for (size_t j = 0; j < s->n; j++) y[i] -= row[j] * x[j * stride];
  }
}

void dz__lu_refined(const dz__system *s, const double *b, double *x, size_t stride, double *room) {
  size_t n = s->n;
  bool singular = dz__lu_singular(s->lu, n);
  for (size_t i = 0; i < n; i++) x[i * stride] = singular ? (double)NAN : b[i * stride];
  if (singular) return;
  dz__lu_solve(s, x, stride);
  if (!room) return;
  for (size_t i = 0; i < n; i++) room[i] = b[i * stride];
  dz__lu_subtract_product(s, x, stride, room);
  dz__lu_solve(s, room, 1);
  double sum = 0;
  for (size_t i = 0; i < n; i++) sum += room[i] - room[i];
  for (size_t i = 0; i < n && sum == 0; i++) x[i * stride] += room[i];
}
