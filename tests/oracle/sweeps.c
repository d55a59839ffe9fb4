/* The bound of the adjoints, backward; exact tangents, forward. */
#include "graph.h"

/* What the output's adjoint becomes on its way to x through one edge. */
static bool flow(element *x, const element *z, const edge *by) {
  const wide p = (wide)by->p, c = p * z->a, size = fabsl(p);
  x->a += c;
  x->d += size * z->d + by->off * (fabsl(z->a) + z->d) + ROUNDOFF * fabsl(c) + UNDERFLOW;
  x->all += fabsl(c);
  x->uses++;
  x->reached = true;
  return fabsl(c) < NEAR_END && size < NEAR_END;
}

bool graph_reverse(graph *g, const node *y, const double *seed) {
  for (int i = 0; i < g->size; i++) {
    element *x = &g->elements[i];
    x->a = x->d = x->all = 0;
    x->uses = 0;
    x->reached = false;
  }
  for (int i = 0; i < y->size; i++) {
    g->elements[y->first + i].a = seed[i];
    g->elements[y->first + i].reached = true;
  }
  for (int i = y->first + y->size; i-- > 0;) {
    element *z = &g->elements[i];
    if (!z->reached) continue;
    z->d = (z->d + (z->uses + 1) * ROUNDOFF * z->all) * RAISED;
    if (z->wild || !(fabsl(z->a) + z->d < NEAR_END)) return false;
    for (int k = 0; k < z->edges; k++) {
      const edge *by = &g->edges[z->first_edge + k];
      if (!flow(&g->elements[by->to], z, by)) return false;
    }
  }
  return true;
}

/* The first lane's error, by the rules of the adjoints' bound. */
static wide tangent_bound(const graph *g, const element *z) {
  wide sum = 0, all = 0;
  int n = 0;
  for (int k = 0; k < z->edges; k++) {
    const edge *by = &g->edges[z->first_edge + k];
    const element *x = &g->elements[by->to];
    const wide t = size_of(x->t[0]), c = size_of(by->p) * t;
    if (t == 0 && x->td == 0) continue;
    sum += size_of(by->p) * x->td + by->off * (t + x->td) + ROUNDOFF * c + UNDERFLOW;
    all += c;
    n++;
  }
  return (sum + (n + 1) * ROUNDOFF * all) * RAISED;
}

bool graph_forward(graph *g) {
  bool fits = true;
  for (int i = 0; i < g->size; i++) {
    element *z = &g->elements[i];
    if (!z->reached || z->edges == 0) continue;
    for (int l = 0; l < LANES; l++) z->t[l] = 0;
    for (int k = 0; k < z->edges; k++) {
      const edge *by = &g->edges[z->first_edge + k];
      const element *x = &g->elements[by->to];
      for (int l = 0; l < LANES; l++)
        if (x->t[l] != 0) z->t[l] += by->p == 1 ? x->t[l] : by->p * x->t[l];
    }
    z->td = tangent_bound(g, z);
    fits = fits && size_of(z->t[0]) + z->td < NEAR_END;
  }
  return fits;
}
