/* Gradient checks: adjoints against an independent numerical derivative, with the error of the latter
 * estimated, so that no tolerance is chosen. */
#ifndef DZ_CHECK_H
#define DZ_CHECK_H

#include "dz/sweep.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Records a scalar output from leaves that stand on the tape already, in the order of the points. Called many
   times, each on a rewound tape; it must be deterministic. A plain number is an output of slope 0. An invalid
   handle ends the check with the tape's error. */
typedef dz_var dz_model(dz_tape *t, const dz_var *leaves, void *user);

/* Where to check: one per leaf. */
typedef struct dz_check_point {
  const char *name; /* named so on the tape; NULL: unnamed */
  dz_role role;     /* inputs and parameters are checked, constants and data are not */
  bool skip;        /* do not check this leaf although it is active */
  int rank;
  const size_t *dims;
  const double *values;
} dz_check_point;

typedef enum dz_verdict {
  DZ_VERDICT_AGREES,
  DZ_VERDICT_WRONG,     /* they differ by more than the numerical derivative's own error */
  DZ_VERDICT_NOISY,     /* the numerical derivative is too uncertain to tell */
  DZ_VERDICT_KINK,      /* one-sided slopes differ: the point lies on a kink, a jump or a tie */
  DZ_VERDICT_NOT_FINITE /* the output is not finite at the point or on one side of it, or the adjoint is not
                           and no clear slope says that it should be */
} dz_verdict;

/* One element of one leaf, or a direction through all of a leaf's elements (element SIZE_MAX). */
typedef struct dz_check_row {
  size_t leaf, element;
  double analytic, numeric; /* numeric: NaN when the output is not finite */
  /* The uncertainty of numeric: four times the sum of its estimated truncation error and of the measured
     noise of f over the step. They agree when |analytic - numeric| <= error. */
  double error;
  dz_verdict verdict;
} dz_check_row;

typedef struct dz_check_report {
  size_t checked, agreed, wrong, noisy, kinks, not_finite;
  double value; /* of the output */
  /* The row with the worst verdict (wrong, not finite, noisy, kink, agrees), and of those with the largest
     excess of |analytic - numeric| over error; all 0 when none was checked. */
  dz_check_row worst;
} dz_check_report;

typedef struct dz_check_options {
  size_t max_elements; /* leaves with more elements are checked at this many spread-out elements and along
                          random directions; 0 means 200 */
  void (*row)(void *user, const dz_check_row *row); /* called for each row; may be NULL */
  void *user;
} dz_check_options;

/* Checks every wanted element, by central differences of decreasing steps around the point, extrapolated to
   step 0. The verdict compares signed values. Where the two differ, or a kink shows, ever smaller steps are
   looked at before either is said. `options`, `a` and `error` may be NULL.
   DZ_OK also when gradients are wrong: read the report. DZ_ERR_ARGUMENT (no model, points or report; a point
   without extents), DZ_ERR_SHAPE (the output is no scalar), DZ_ERR_NAME (a name twice), DZ_ERR_MEMORY, or the
   tape's error, copied to *error when it is not NULL; the report then covers the rows so far. Cost: about 20
   recordings per element of a smooth function, up to some hundreds for a rough one, on one tape that
   allocates nothing after the first; memory for that tape and for the wanted adjoints. */
DZ_API dz_status dz_check(dz_model *model, void *user, size_t count, const dz_check_point *points,
                          const dz_check_options *options, const dz_allocator *a, dz_check_report *report,
                          dz_error *error);

#ifdef __cplusplus
}
#endif
#endif
