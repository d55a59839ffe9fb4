/* The gradient as a sum over paths, and why nobody computes it that way.

     dy/dx = sum over all paths from x to y of the product of the local partials on the path

   The backward recursion  (adjoint of v) = sum over users u of v of (adjoint of u) du/dv  gives the same
   number with one multiplication for each edge, however many paths there are. */
#ifndef DZ_PATHS_H
#define DZ_PATHS_H

#include "dz/sweep.h"
#include "dz/text.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A value on the way from x to y: an element of a node. */
typedef struct dz_path_node {
  dz_var node;
  size_t element;
  const char *label;   /* its name, else v1, v2, …; with the index of an element: h[2] */
  const char *formula; /* what it is, over the labels of its operands; "" for a leaf */
  double value, adjoint;
} dz_path_node;

/* One use of a value, and the derivative through it alone. */
typedef struct dz_path_edge {
  size_t from, to; /* nodes */
  int operand;
  double partial;
  const char *formula; /* of the partial, over the labels of its operands: "2*a"; "" when there is none */
  bool shut;           /* a switch that is off: nothing flows, and partial is 0 */
} dz_path_edge;

typedef struct dz_path {
  const uint32_t *edge; /* from x to y */
  size_t length;
  double product; /* 0 when one edge is shut */
} dz_path;

/* Read only. Nodes are in tape order, the first is x, the last y. */
typedef struct dz_paths {
  size_t nodes, edges, paths;
  const dz_path_node *node;
  const dz_path_edge *edge;
  const dz_path *path; /* all of them, short ones first; or the largest by |product|, largest first */
  bool all;            /* whether path holds every path */
  uint64_t count;      /* of all paths; UINT64_MAX when over is set: there are more */
  bool over;
  double sum;                  /* of the products of what is listed */
  double gradient;             /* dy/dx by the backward recursion; dz_backward may add in another order */
  uint64_t path_products;      /* multiplications in all products of paths; UINT64_MAX: that many or more */
  uint64_t recursion_products; /* and in the recursion, where the seed 1 costs none */
} dz_paths;

/* Finds the paths from element `element` of x to the scalar (or one-element) y: all when they are at most
   `most`, else the `most` largest by the size of their product, by dynamic programming and never by listing
   the others (0 means 64). Uses that never carry a gradient, as comparisons and stop(), make no path. Where x
   is a leaf, equal operations on equal operands are one value, as in pictures: a^2 written twice is one node,
   the first of the two (but not past 2^22 operands in all). *paths is to be freed with dz_paths_free, and
   must not outlive the tape; it is NULL after an error. No path at all is no error. DZ_ERR_HANDLE (also for a
   plain number), DZ_ERR_SHAPE (y has several elements, x has not that element), DZ_ERR_LIMIT (more than 2^20
   uses between x and y, an operation of more than 64 operands, or 2^24 partial paths to keep), DZ_ERR_MEMORY,
   DZ_ERR_ARGUMENT (NULL; an operation in C functions on the way). Cost: linear in the nodes up to y; `most`
   for each use on the way. */
DZ_API dz_status dz_paths_find(dz_var y, dz_var x, size_t element, size_t most, dz_paths **paths);
/* NULL is fine. */
DZ_API void dz_paths_free(dz_paths *paths);

typedef struct dz_paths_style {
  const char *output; /* name of the result; NULL: its own name, or "f" */
  int digits;         /* significant digits; 0: all that are needed (of a picture 4) */
  const char *(*translate)(const char *english, void *user); /* NULL: English */
  void *translate_user;
} dz_paths_style;

/* For people: what each value is, the paths with their partials and products, their sum, and the backward
   recursion beside it. `style` may be NULL. DZ_ERR_ARGUMENT, DZ_ERR_MEMORY, DZ_ERR_WRITE. */
DZ_API dz_status dz_paths_write(const dz_paths *paths, const dz_paths_style *style, dz_writer *write,
                                void *user);

/* A picture as Graphviz source: each path has a colour and a number, which stands on its edges too, so that
   nothing is told by colour alone; below, the products and their sum. At most 8 paths are coloured: where
   there are more, the largest. The errors of dz_paths_write; DZ_ERR_LIMIT, before anything is written: more
   than `max_nodes` nodes (0 means 200). */
DZ_API dz_status dz_paths_dot(const dz_paths *paths, const dz_paths_style *style, size_t max_nodes,
                              dz_writer *write, void *user);

#ifdef __cplusplus
}
#endif
#endif
