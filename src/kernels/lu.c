#include "kernels/lu.h"

#include <float.h>
#include <math.h>
#include <string.h>

static void swap_rows(double *a, size_t n, size_t i, size_t k) {
  for (size_t j = 0; j < n && i != k; j++) {
    double x = a[i * n + j];
    a[i * n + j] = a[k * n + j];
    a[k * n + j] = x;
  }
}

static void factor(double *lu, size_t n) {
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

double dz__largest(const double *x, size_t n) {
  double most = 0;
  for (size_t i = 0; i < n; i++) most = fabs(x[i]) > most || isnan(x[i]) ? fabs(x[i]) : most;
  return most;
}

/* Elements may grow beyond what is finite, or a float, where those of the matrix are: then the factors are of
   DOWN times the matrix, as a pivot below 0 says. With so much room pivoting leaves none that grows too
   large. */
#define DOWN 0x1p-64

void dz__lu_factor(const double *a, double *lu, size_t n) {
  if (n == 0) return;
  memcpy(lu, a, n * n * sizeof *lu);
  factor(lu, n);
  const double grown = dz__largest(lu, n * n);
  if (grown <= FLT_MAX) return;
  const double most = dz__largest(a, n * n);
  if (!(most <= DBL_MAX) || (most > FLT_MAX && grown <= DBL_MAX)) return;
  for (size_t i = 0; i < n * n; i++) lu[i] = a[i] * DOWN;
  factor(lu, n);
  double *pivot = lu + n * n;
  for (size_t i = 0; i < n; i++) pivot[i] = -1 - pivot[i];
}

static bool is_down(const double *lu, size_t n) { return n && lu[n * n] < 0; }

static size_t pivot_of(const double *lu, size_t n, size_t i) {
  const double k = lu[n * n + i];
  return (size_t)(k < 0 ? -1 - k : k);
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
  for (size_t i = 0; i < n; i++) swap(x, stride, i, pivot_of(lu, n, i));
  for (size_t i = 0; i < n; i++)
    for (size_t j = 0; j < i; j++) x[i * stride] -= lu[i * n + j] * x[j * stride];
  for (size_t i = n; i-- > 0;) {
    for (size_t j = i + 1; j < n; j++) x[i * stride] -= lu[i * n + j] * x[j * stride];
    x[i * stride] /= lu[i * n + i];
  }
}

/* The transposes in the other order, along the same rows. */
static void solve_transposed(const double *lu, size_t n, double *x, size_t stride) {
  for (size_t i = 0; i < n; i++) {
    x[i * stride] /= lu[i * n + i];
    for (size_t j = i + 1; j < n; j++) x[j * stride] -= lu[i * n + j] * x[i * stride];
  }
  for (size_t i = n; i-- > 0;)
    for (size_t j = 0; j < i; j++) x[j * stride] -= lu[i * n + j] * x[i * stride];
  for (size_t i = n; i-- > 0;) swap(x, stride, i, pivot_of(lu, n, i));
}

void dz__lu_solve(const dz__system *s, double *x, size_t stride) {
  if (s->transposed)
    solve_transposed(s->lu, s->n, x, stride);
  else
    solve_plain(s->lu, s->n, x, stride);
  for (size_t i = 0, n = is_down(s->lu, s->n) ? s->n : 0; i < n; i++) x[i * stride] *= DOWN;
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
  const bool kept = isfinite(dz__largest(room, n));
  for (size_t i = 0; i < n && kept; i++) x[i * stride] += room[i];
}
