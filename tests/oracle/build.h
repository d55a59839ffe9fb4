/* Random graphs. */
#ifndef DZ_TESTS_ORACLE_BUILD_H
#define DZ_TESTS_ORACLE_BUILD_H

#include "graph.h"

/* What became of the operations that were drawn. */
typedef struct tally {
  long drawn, doubtful, undefined, made[OP_END];
} tally;

/* Fills g from the seed; returns the output's node, into which all others have gone where that was possible.
 */
int build_graph(graph *g, uint64_t seed, tally *count);

/* ---- between the parts of the generator ---- */

enum { MOST_BUILT = 64 }; /* elements of a tensor */

typedef enum style { ORDINARY, DYADIC, WIDE } style;

typedef struct builder {
  graph *g;
  dice *dice;
  tally *count;
  style style;
  double decades; /* of WIDE numbers */
  size_t base[3]; /* extents that shapes are taken from, so that they broadcast */
  bool tensors;
} builder;

/* Applies and counts; the new node or -1. */
int build_apply(builder *b, const node *made);
double build_value(builder *b);
int build_leaf(builder *b, int rank, const size_t *dims);
/* A node to go on from, rather one that nothing uses yet. */
int build_operand(builder *b);
/* A node or sometimes a number. */
int build_operand_or_number(builder *b);

int build_tensor_op(builder *b);
int build_reduction(builder *b, op which, int x, bool all);
bool build_guarded(builder *b);
bool build_steep(builder *b);

#endif
