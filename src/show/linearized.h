/* The linearised graph between a value x and a result y: a vertex for each element of each node on the way,
   an edge for each use with its local partial as a number. So tensors become neurons and wires.
   Griewank and Walther, Evaluating Derivatives, 2nd ed., 9. */
#ifndef DZ_SHOW_LINEARIZED_H
#define DZ_SHOW_LINEARIZED_H

#include "base/memory.h"
#include "dz/sweep.h"

/* Why an edge may carry nothing whatever arrives. */
typedef enum dz__gate {
  DZ__GATE_OPEN,
  DZ__GATE_MASK, /* a switch that is off at this point: relu'(-1) */
  DZ__GATE_NEVER /* no gradient ever flows: comparisons, stop(), the condition of a choice */
} dz__gate;

typedef struct dz__edge {
  uint32_t from, to; /* vertices; from < to */
  int operand;       /* of the node of `to` */
  dz__gate gate;
  double partial; /* 0 unless the gate is open */
} dz__edge;

typedef struct dz__vertex {
  dz_var node;
  size_t element;
  double value;
  uint32_t in, ins;   /* edges that end here: edge[in] … */
  uint32_t out, outs; /* places in `leaving` of the edges that begin here, in order of (to, operand) */
} dz__vertex;

/* Vertices are in tape order, so edges go up. Only what depends on x and what y depends on is here; when y
   does not depend on x there are no vertices. Edges are grouped by the vertex where they end. */
typedef struct dz__linearized {
  dz_allocator alloc;
  dz__vertex *vertex;
  dz__edge *edge;
  uint32_t *leaving;
  size_t vertices, edges, vertex_cap, edge_cap;
  uint32_t x0, xs, y0; /* the elements of x: first vertex and how many; the first of y */
} dz__linearized;

enum { DZ__MOST_EDGES = 1 << 20 };

/* x and y are live nodes of one tape. Operations whose Jacobian no formula gives are recorded alone, at the
   end of the tape, and dropped again; handles and adjoints stay as they are. DZ_ERR_LIMIT: more than
   DZ__MOST_EDGES uses, or an operation of more than 64 operands. DZ_ERR_MEMORY; DZ_ERR_ARGUMENT (an operation
   in C functions). *g is empty after an error. Cost: linear in the nodes up to y and in the edges; of a
   tensor operation, a sweep for each element.
 */
dz_status dz__linearize(dz_var y, dz_var x, const dz_allocator *a, dz__linearized *g);
void dz__linearized_free(dz__linearized *g);

/* What operand k of an elementwise vertex holds there. */
double dz__vertex_operand(const dz__vertex *v, int k);

/* adjoint[v] of every vertex by the backward recursion from the first element of y: the reverse sweep's
   products, summed from the last user to the first, so that sums may differ from the sweep's by their
   rounding. Of a graph that is not empty. reached[v]: whether anything arrived, through open gates alone:
   what did not is a structural zero. Both have room for all vertices. */
void dz__linearized_sweep(const dz__linearized *g, double *adjoint, bool *reached);

#endif
