/* Reductions that add: sum, norm (of scaled squares), logsumexp (of shifted exponentials).

   Terms are added in blocks, and the blocks with compensation (Knuth, The Art of Computer Programming
   2, 4.2.2, theorem B), so the error does not grow with the number of blocks: |error| <= (ROWS + 5) u sum
   |term|. */
#include "kernels/groups.h"
#include "kernels/tensor.h"

#include <math.h>

enum { ROWS = 128 };

dz__groups dz__reduction(const dz__call *call) {
  return dz__groups_of(&call->args[0], call->nattr - 1, call->attr + 1);
}

/* ---- totals ---- */

/* A term of the sum: of an element, and what its lane is scaled or shifted by. */
typedef double term(double x, double by);
static inline double plain(double x, double by) {
  (void)by;
  return x;
}
static inline double scaled_square(double x, double by) { return (x * by) * (x * by); }
static inline double shifted(double x, double by) { return x == by ? 0 : exp(x - by); }

typedef struct total {
  double sum[DZ__LANES], rest[DZ__LANES], by[DZ__LANES];
} total;

static void total_begin(total *s, ptrdiff_t lanes) {
  for (ptrdiff_t j = 0; j < lanes; j++) s->sum[j] = s->rest[j] = s->by[j] = 0;
}

static void total_add(total *s, ptrdiff_t lanes, const double *part) {
  for (ptrdiff_t j = 0; j < lanes; j++) {
    double z = s->sum[j] + part[j], y = z - s->sum[j];
    s->rest[j] += (s->sum[j] - (z - y)) + (part[j] - y);
    s->sum[j] = z;
  }
}

/* The rest of an infinite or NaN sum means nothing. */
static double total_end(const total *s, ptrdiff_t j) {
  return s->sum[j] - s->sum[j] == 0 ? s->sum[j] + s->rest[j] : s->sum[j];
}

/* ---- sum ---- */

_Static_assert((int)DZ__SHORT_ROW <= 8 * ROWS, "a short row is one block");

#define TEMPLATE "kernels/sums.inc"
#include "kernels/twice.h"

void dz__forward_sum(const dz__call *call) { sum_double(call); }
void dz__forward_sum_single(const dz__call *call) { sum_single(call); }
bool dz__reverse_sum(const dz__call *call) { return add_back_double(call); }
bool dz__reverse_sum_single(const dz__call *call) { return add_back_single(call); }

/* ---- norm ---- */

/* A power of two that brings `peak` near 1, within what a double can hold. */
static double scale_for(double peak) {
  int e;
  frexp(peak, &e);
  return ldexp(1, e > 1000 ? -1000 : e < -1000 ? 1000 : -e);
}

static void largest_magnitudes(const dz__groups *p, const dz__tile *t, const double *x, double *peak) {
  for (ptrdiff_t j = 0; j < t->lanes; j++) peak[j] = 0;
  for (dz__run r = {0}; dz__run_next(p, t, &r);)
    for (ptrdiff_t k = 0, i = r.at; k < p->n; k++, i += p->step)
      for (ptrdiff_t j = 0; j < t->lanes; j++) {
        double y = fabs(x[i + j]);
        peak[j] = ((y > peak[j]) | (y != y)) ? y : peak[j];
      }
}

void dz__forward_norm(const dz__call *call) {
  dz__groups p = dz__reduction(call);
  const double *x = call->args[0].data;
  double peak[DZ__LANES];
  total s;
  for (dz__tile t = {0}; dz__tile_next(&p, &t);) {
    largest_magnitudes(&p, &t, x, peak);
    total_begin(&s, t.lanes);
    for (ptrdiff_t j = 0; j < t.lanes; j++) s.by[j] = scale_for(peak[j]);
    add_tile_double(&s, scaled_square, &p, &t, x);
    for (ptrdiff_t j = 0; j < t.lanes; j++) {
      bool flat = peak[j] == 0 || peak[j] - peak[j] != 0;
      call->out.data[t.out + j] = flat ? peak[j] : sqrt(total_end(&s, j)) / s.by[j];
    }
  }
}

bool dz__reverse_norm(const dz__call *call) {
  dz__groups p = dz__reduction(call);
  const double *x = call->args[0].data;
  double *ga = call->ga[0];
  bool doubt = false;
  if (!ga) return false;
  for (dz__tile t = {0}; dz__tile_next(&p, &t);) {
    const double *z = call->out.data + t.out, *g = call->g + t.out;
    for (dz__run r = {0}; dz__run_next(&p, &t, &r);)
      for (ptrdiff_t k = 0, i = r.at; k < p.n; k++, i += p.step)
        for (ptrdiff_t j = 0; j < t.lanes; j++)
          if (!dz__dead(call, t.out + j))
            doubt |= dz__pull(&ga[i + j], z[j] == 0 ? 0 : x[i + j] / z[j], g[j]);
  }
  return doubt;
}

/* ---- logsumexp ---- */

/* Sets by[j] to the largest element of group j, ties[j] to how many equal it, and adds up exp(x - largest)
   over the others. */
static void shifted_sums(const dz__groups *p, const dz__tile *t, const double *x, total *s, double *ties) {
  total_begin(s, t->lanes);
  dz__peaks(p, t, x, s->by);
  dz__ties(p, t, x, s->by, ties);
  add_tile_double(s, shifted, p, t, x);
}

/* The same of one short row: what stands in s there comes back in *by, *ties, and as the result. */
static double shifted_row(const double *x, ptrdiff_t n, double *by, double *ties) {
  *by = dz__peak_of_row(x, n);
  *ties = 0;
  for (ptrdiff_t i = 0; i < n; i++) *ties += x[i] == *by;
  return contiguous_double(shifted, x, n, *by);
}

static double logsumexp_of(double by, double others, double ties) {
  return by - by != 0 ? by : by + log1p(others + (ties - 1));
}

/* log1p keeps what the others add to the largest even where that is near 0. An infinite largest is the
 * result. */
void dz__forward_logsumexp(const dz__call *call) {
  dz__groups p = dz__reduction(call);
  double ties[DZ__LANES];
  total s;
  if (dz__rows(&p)) {
    const double *x = call->args[0].data;
    for (size_t r = 0; r < p.results; r++, x += p.n) {
      double others = shifted_row(x, p.n, s.by, ties);
      call->out.data[r] = logsumexp_of(s.by[0], others, ties[0]);
    }
    return;
  }
  for (dz__tile t = {0}; dz__tile_next(&p, &t);) {
    shifted_sums(&p, &t, call->args[0].data, &s, ties);
    for (ptrdiff_t j = 0; j < t.lanes; j++)
      call->out.data[t.out + j] = logsumexp_of(s.by[j], total_end(&s, j), ties[j]);
  }
}

static inline double weight(double x, double by, double whole) { return (x == by ? 1 : exp(x - by)) / whole; }

/* Rows whose largest is finite. */
static bool pull_row(const double *x, ptrdiff_t n, double by, double whole, double g, double *ga) {
  bool doubt = false;
  for (ptrdiff_t i = 0; i < n; i++) doubt |= dz__pull(&ga[i], weight(x[i], by, whole), g);
  return doubt;
}

static bool all_finite(const double *x, size_t n) {
  for (size_t i = 0; i < n; i++)
    if (x[i] - x[i] != 0) return false;
  return true;
}

/* Weights are exp(x - largest) over their sum; an infinite largest shares all among those that equal it. */
bool dz__reverse_logsumexp(const dz__call *call) {
  dz__groups p = dz__reduction(call);
  const double *x = call->args[0].data;
  double ties[DZ__LANES], whole[DZ__LANES], *ga = call->ga[0];
  bool doubt = false;
  total s;
  if (!ga) return false;
  if (dz__rows(&p) && !call->reached && all_finite(call->out.data, call->out.size)) {
    for (size_t r = 0; r < p.results; r++, x += p.n, ga += p.n) {
      whole[0] = shifted_row(x, p.n, s.by, ties) + ties[0];
      doubt |= pull_row(x, p.n, s.by[0], whole[0], call->g[r], ga);
    }
    return doubt;
  }
  for (dz__tile t = {0}; dz__tile_next(&p, &t);) {
    shifted_sums(&p, &t, x, &s, ties);
    for (ptrdiff_t j = 0; j < t.lanes; j++) whole[j] = isinf(s.by[j]) ? ties[j] : total_end(&s, j) + ties[j];
    for (dz__run r = {0}; dz__run_next(&p, &t, &r);)
      for (ptrdiff_t k = 0, i = r.at; k < p.n; k++, i += p.step)
        for (ptrdiff_t j = 0; j < t.lanes; j++) {
          double y = x[i + j], top = s.by[j];
          if ((isinf(top) && y != top) || dz__dead(call, t.out + j)) continue;
          doubt |= dz__pull(&ga[i + j], weight(y, top, whole[j]), call->g[t.out + j]);
        }
  }
  return doubt;
}
