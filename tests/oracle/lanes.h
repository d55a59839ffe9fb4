/* Exact derivatives of a graph: forward along a few directions, and backward with bounds. */
#ifndef DZ_TESTS_ORACLE_LANES_H
#define DZ_TESTS_ORACLE_LANES_H

#include "graph.h"

/* The leaves' elements get tangents: lane 0 goes in a random direction over all of them, each other lane
   changes one element only: every one where they are few, else some. */
typedef struct lanes {
  int of[LANES]; /* an element; WHOLE for the direction; NOBODY */
  double direction[MOST_ELEMENTS];
  quad sum[LANES];                         /* what comes out */
  wide a[MOST_ELEMENTS], d[MOST_ELEMENTS]; /* adjoints and bounds by the sweep in long double */
} lanes;
enum { WHOLE = -1, NOBODY = -2 };

/* Whether x is a leaf that gradients flow to. */
static inline bool is_free(const node *x) { return x->op == OP_leaf && x->active; }

void lanes_plant(graph *g, lanes *l);

/* Adds what the output y with these seeds contributes; false when what matters is wild or near overflow. */
bool lanes_add(graph *g, lanes *l, const node *y, const double *seed);

#endif
