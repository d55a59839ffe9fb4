#include "lanes.h"

static int free_elements(const graph *g, int *list) {
  int n = 0;
  for (int i = 0; i < g->n; i++)
    for (int k = 0; is_free(&g->nodes[i]) && k < g->nodes[i].size; k++) list[n++] = g->nodes[i].first + k;
  return n;
}

void lanes_plant(graph *g, lanes *l) {
  int list[MOST_ELEMENTS];
  const int n = free_elements(g, list);
  for (int i = 0; i < g->size; i++) l->a[i] = l->d[i] = 0;
  for (int k = 0; k < LANES; k++) {
    l->sum[k] = 0;
    l->of[k] = k - 1 < n ? list[n < LANES ? k - (k > 0) : dice_below(&g->dice, n)] : NOBODY;
  }
  l->of[0] = WHOLE;
  for (int i = 0; i < n; i++) {
    element *x = &g->elements[list[i]];
    l->direction[list[i]] = dice_between(&g->dice, -1, 1);
    x->td = 0;
    for (int k = 0; k < LANES; k++) x->t[k] = k == 0 ? l->direction[list[i]] : l->of[k] == list[i];
  }
}

bool lanes_add(graph *g, lanes *l, const node *y, const double *seed) {
  if (!graph_reverse(g, y, seed) || !graph_forward(g)) return false;
  for (int k = 0; k < LANES; k++)
    for (int i = 0; i < y->size; i++) l->sum[k] += seed[i] * g->elements[y->first + i].t[k];
  for (int i = 0; i < g->size; i++) {
    const element *x = &g->elements[i];
    if (l->a[i] != 0) l->d[i] += ROUNDOFF * (fabsl(l->a[i]) + fabsl(x->a));
    l->a[i] += x->a;
    l->d[i] += x->d;
  }
  return true;
}
