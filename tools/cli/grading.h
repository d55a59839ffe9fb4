/* A claim that is being graded. */
#ifndef DZ_CLI_GRADING_H
#define DZ_CLI_GRADING_H

#include "exact.h"
#include "model.h"
#include "range.h"

/* One arithmetic over the range. */
typedef struct grade_side {
  double worst, at, got, truth; /* in ULP; where; what came, and what is right */
  double *ulp;                  /* per point; NaN where there is no reference */
  bool *none;                   /* per point: no digit is right */
  double from, to;              /* accuracy is lost from `from` up, or up to `to`; NaN: it is not */
  double all_from, all_to;      /* and all of it */
  bool inside;                  /* it is lost somewhere that reaches neither end */
} grade_side;

typedef enum grade_verdict { GRADE_EQUAL, GRADE_ROUNDING, GRADE_LOSES, GRADE_WRONG } grade_verdict;

typedef struct grading {
  model f, claim;
  char *wrt;
  range range;
  double *x;
  size_t points, kinks, outside, unknown;
  exact *exact_f, *exact_claim;
  grade_side graph, in_double, in_float;
  double allowed; /* ULP that rounding may cost */
  bool same;      /* the claim gives the graph's very doubles */
  bool wrong;
  double wrong_at, wrong_claim, wrong_truth;
} grading;

/* ---- grade_points.c ---- */

/* Compares at all points of the range. Ends the program when there is no derivative at any. */
void grade_all(grading *g);
grade_verdict grade_verdict_of(const grading *g);

/* ---- grade_report.c ---- */

void grade_text(const grading *g, int digits);
void grade_json(const grading *g);

#endif
