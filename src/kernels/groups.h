/* The walk of every reduction: which elements of x belong to which result, without a division per element.

   Neighbouring axes that are all reduced or all kept act as one. A group is what one result is made from. A
   tile is up to DZ__LANES groups whose first elements are neighbours in x (and so are their results); the
   elements of a tile come in runs:

     for (dz__tile t = {0}; dz__tile_next(&p, &t);)
       for (dz__run r = {0}; dz__run_next(&p, &t, &r);)
         for (ptrdiff_t k = 0; k < p.n; k++)
           for (ptrdiff_t j = 0; j < t.lanes; j++)
             ... x[r.at + k * p.step + j] belongs to out[t.out + j] ... */
#ifndef DZ_KERNELS_GROUPS_H
#define DZ_KERNELS_GROUPS_H

#include "ops/call.h"

enum { DZ__LANES = 64 };

typedef struct dz__groups {
  size_t results, count; /* number of groups, and of elements in each */
  int kept, reduced;     /* axes beside the lanes' and the runs' */
  ptrdiff_t kept_dim[DZ__MAX_RANK], kept_step[DZ__MAX_RANK];
  ptrdiff_t reduced_dim[DZ__MAX_RANK], reduced_step[DZ__MAX_RANK];
  ptrdiff_t lanes;   /* the extent of the last axis when it is kept, else 1 */
  ptrdiff_t n, step; /* the innermost reduced axis */
  ptrdiff_t first;   /* where the walk starts in x */
} dz__groups;

typedef struct dz__tile {
  ptrdiff_t at, out, lanes;
  ptrdiff_t lane, index[DZ__MAX_RANK]; /* the walk's own */
} dz__tile;

typedef struct dz__run {
  ptrdiff_t at;
  bool begun;
  ptrdiff_t index[DZ__MAX_RANK];
} dz__run;

dz__groups dz__groups_of(const dz__array *x, int naxes, const int64_t *axes);
/* The same groups, the elements of each from the last to the first. */
dz__groups dz__groups_reversed(const dz__groups *p);

/* To the next tile or run; the first when all zero. False at the end. */
bool dz__tile_next(const dz__groups *p, dz__tile *t);
bool dz__run_next(const dz__groups *p, const dz__tile *t, dz__run *r);

/* The next multi-index, last axis fastest, with *at moved along by the steps. False, and all back at 0, at
   the end. */
bool dz__odometer(int n, const ptrdiff_t *dim, const ptrdiff_t *step, ptrdiff_t *index, ptrdiff_t *at);

/* The groups of a reduction's call, from its attributes. */
dz__groups dz__reduction(const dz__call *call);

/* Whether group r is the elements from r * n on, at most DZ__SHORT_ROW of them: what such rows take less time
   for than the walk, kernels do row by row, with the same additions in the same order. Not for groups
   reversed. With one lane the last axis is reduced over, and when that is the only one reduced, all before it
   act as one. */
enum { DZ__SHORT_ROW = 1024 };
static inline bool dz__rows(const dz__groups *p) {
  return p->count > 0 && p->lanes == 1 && p->reduced == 0 && p->n <= DZ__SHORT_ROW;
}

/* The largest element of each group of a tile (of nothing -inf; NaN when there is one), and how many elements
   equal it. */
void dz__peaks(const dz__groups *p, const dz__tile *t, const double *x, double *peak);
double dz__peak_of_row(const double *x, ptrdiff_t n); /* the same of one short row, bit for bit */
void dz__ties(const dz__groups *p, const dz__tile *t, const double *x, const double *peak, double *ties);

#endif
