/* A graph of operations on tensors, kept twice: on a tape of the library, and as single elements in
   __float128, each with the double's error bound and with edges to what it was made of.

   The bound, u = 2^-53. Let v be the exact value of an element, x_k its operands, p_k = dv/dx_k,
   and let the library hold doubles in place of them.

   Values. |error of v| <= e = sum_k |p_k| e_k + 1/2 sum_kl |h_kl| e_k e_l + r, where h are second
   derivatives and r is what the operation itself rounds: 4 u |v| and 4 times the smallest double for
   underflow; 8 u for the gamma class and for those functions of libm that err by more than 2 ULP; for
   reductions of n terms what follows from their roundings. Operands' errors are at most 1/1024 of the reach
   over which p changes (else the point is left out), so that the terms of higher order are below 2^-9 of the
   first ones: all sums are raised by 2^-8.

   Partials. The library evaluates p_k at doubles within e of the exact operands, so
   |error of p_k| <= off_k = sum_l |h_kl| e_l + 4 u |p_k| + underflow.

   Adjoints, with a the exact and a' the library's, |a' - a| <= d. Each use o of an element contributes
   fl(p' a'_o), so |error| <= |p| d_o + off (|a_o| + d_o) + u |p a_o| + underflow; n contributions are added
   up in any order, with |error| <= (n + 1) u sum |p a_o|. One pass from the output to the leaves gives d.
   Tangents likewise, from the leaves to the output.

   A decision (a comparison, a kink, the largest of a group) is sound when the operands' bounds cannot change
   it; else the operation is drawn again. Values are exact, with e = 0, where IEEE arithmetic does not round
   (operands exact, the result a double), and elements that are one double are known to be: so ties between
   computed numbers are met too. */
#ifndef DZ_TESTS_ORACLE_GRAPH_H
#define DZ_TESTS_ORACLE_GRAPH_H

#include "dice.h"
#include "rules.h"

#include <dz/derive.h>
#include <dz/dz.h>
#include <dz/tangent.h>

#include <stdio.h>

#define RAISED (1 + 0x1p-8L)

enum { MOST_RANK = 6, MOST_ARGS = 8, MOST_ATTRS = 5 * MOST_RANK, LANES = 6 };
enum { MOST_NODES = 600, MOST_ELEMENTS = 8000, MOST_EDGES = 60000, MOST_SIZE = 256 };

/* clang-format off */
#define ORACLE_TENSOR(F)                                                                                     \
  F(sum) F(prod) F(max) F(min) F(norm) F(logsumexp) F(mean) F(cumsum) F(cumprod) F(reshape) F(broadcast_to)  \
  F(permute) F(index) F(concat) F(stack) F(gather) F(matmul)
/* clang-format on */

/* What composites and derivative graphs are made of besides. */
#define ORACLE_INNER(F) F(count) F(place) F(scatter)

typedef enum op {
#define NAME(name) OP_##name,
  ORACLE_POINTWISE(NAME) OP_POINTWISE_END,
  OP_before_tensor = OP_POINTWISE_END - 1,
  ORACLE_TENSOR(NAME) OP_END,
  OP_before_inner = OP_END - 1,
  ORACLE_INNER(NAME) OP_leaf,
  OP_number
#undef NAME
} op;

typedef struct edge {
  int to;
  quad p;
  wide off;
} edge;

typedef struct element {
  quad v;
  wide e;
  int same; /* the first element that is this very double */
  int first_edge, edges;
  bool given;     /* a leaf's or a number's */
  bool wild;      /* NaN, infinite or too large; or one of its slopes is */
  bool reached;   /* the output depends on it, by more than structural zeros */
  wide a, d, all; /* adjoint, its bound, sum of |contributions| */
  int uses;
  quad t[LANES]; /* tangents */
  wide td;       /* bound of the first one's error */
} element;

typedef struct node {
  op op;
  int nargs, args[MOST_ARGS], nattr;
  int64_t attr[MOST_ATTRS]; /* as the tape keeps them: {keepdims, axes}, {axis}, extents, … */
  int rank;
  size_t dims[MOST_RANK];
  int first, size; /* its elements */
  bool active, used;
  dz_role role; /* of a leaf */
  dz_var var;
} node;

typedef struct graph {
  dz_tape *tape;
  dice dice;
  const uint8_t *draws; /* what graph_clear gives the dice to draw first */
  size_t draw_count;
  dz_mark start; /* of the tape when it is empty */
  node nodes[MOST_NODES];
  element elements[MOST_ELEMENTS];
  edge edges[MOST_EDGES];
  int n, size, links;
  bool wild_allowed; /* the next operation may give elements that are NaN or infinite */
  const char *complaint;
} graph;

void graph_clear(graph *g, uint64_t seed);

/* A new leaf or number with these values; -1 when there is no room. */
int graph_leaf(graph *g, dz_role role, int rank, const size_t *dims, const double *values);
int graph_number(graph *g, double value);
/* The same for one that is on a tape already. */
int graph_adopt(graph *g, dz_var x);

/* Applies an operation in __float128 and then, when that went well, on the tape. `made` holds op, args and
 *attr; at is the new node. */
verdict graph_apply(graph *g, const node *made, int *at);
/* The first half of that, in __float128 only; the caller sets the node's var. */
verdict graph_evaluate(graph *g, const node *made, int *at);

/* The graph of a tape: node i of the tape is nodes[of[i]] of g; the first `read` nodes are there. */
typedef struct mirror {
  graph g;
  int of[MOST_NODES];
  size_t read, original; /* original: nodes before the derivative's */
} mirror;

void mirror_clear(mirror *m);
/* Reads what the tape has grown by; false when a node has no place here: a rank too high, a NaN where it
   matters, a doubt, an operation without a rule. */
bool mirror_read(mirror *m, dz_tape *t);

void graph_print(FILE *to, const graph *g);
const char *op_name(op which);

/* ---- for the rules of tensor operations ---- */

/* Starts the next element; its value and bound are set afterwards. NULL when there is no room. */
element *graph_element(graph *g);
/* An edge of the element under construction. */
void graph_link(graph *g, const node *from, int to, quad p, wide off);
/* The element under construction becomes a copy of this one, with an edge to it unless `from` is NULL. */
void graph_copy(graph *g, const node *from, int of);
/* FINE, or why the element cannot stand. */
verdict graph_judge(graph *g);

/* Sets shape and elements of z, whose op, args and attr are there. */
verdict tensor_rule(graph *g, node *z);
verdict point_rule(graph *g, node *z);
dz_var graph_record(const graph *g, const node *z);

/* ---- sweeps in long double and __float128 ---- */

/* Adjoints, bounds and reach from the output's seeds; false when something that matters is wild or near
   overflow. */
bool graph_reverse(graph *g, const node *y, const double *seed);
/* Tangents of all elements that were reached, and bounds of the first lane's; the leaves' are there. False
   near overflow. */
bool graph_forward(graph *g);

#endif
