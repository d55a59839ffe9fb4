/* One graph: the library's values and derivatives against the exact ones. */
#ifndef DZ_TESTS_ORACLE_COMPARE_H
#define DZ_TESTS_ORACLE_COMPARE_H

#include "build.h"
#include "lanes.h"

typedef enum kind {
  OF_VALUES,
  OF_ADJOINTS,
  OF_TANGENTS,
  OF_GRADIENT_NODES,
  OF_SECOND,
  OF_DIFFERENCES,
  OF_PLANS,
  KINDS
} kind;
enum { BINS = 11 };

extern const double bin_ends[BINS]; /* the upper ends of |error| / bound; the first holds exact 0 only */

typedef struct score {
  long graphs, skipped, failed; /* skipped: what matters is NaN, infinite or near overflow */
  long derived, not_derived;    /* derivative graphs; those with a kink or a NaN in them, or too large */
  uint64_t first_failed;
  long bins[KINDS][BINS];
  double worst[KINDS];
  uint64_t worst_seed[KINDS];
  tally count;
} score;

void score_add(score *sum, const score *part);

/* One comparison in the making. */
typedef struct check {
  graph *g;
  score *s;
  FILE *say; /* NULL: silent */
  uint64_t seed;
  bool failed;
} check;

/* |got - exact| <= bound, counted under `of`; `what` and the node say where. */
void check_bound(check *c, kind of, const char *what, int at, double got, quad exact, wide bound);
void check_fails(check *c, const char *what, int at, double got, quad exact, wide bound);

/* Makes the graph of this seed and adds what is found. Faults are told to `say` in full; with `always` the
   graph is printed even without one. */
void compare_graph(graph *g, uint64_t seed, score *s, FILE *say, bool always);

/* The graph as it stands, whose output is node `out`. */
void compare_built(check *c, int out);

/* Plans of y. l: the exact gradient for this seed. */
void check_plans(check *c, const node *y, const double *seed, const lanes *l);

/* dz_grad of the scalar y, and its derivative once more. l: the exact gradient. */
void compare_derivative_graph(check *c, const node *y, const lanes *l);

#endif
