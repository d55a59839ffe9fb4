/* The same graph by plans, in every way that they can be run. */
#include "compare.h"

#include "plan/every.h"

#include <stdlib.h>

typedef struct planned {
  check *c;
  const node *y;
  const lanes *l;
  wide order[MOST_ELEMENTS]; /* by how much an element may differ more than on the tape */
} planned;

/* Positions must not vary in a plan. */
static bool varies(const graph *g, int i) {
  bool positions = false;
  for (int k = 0; k < g->n; k++)
    positions = positions || (g->nodes[k].op == OP_gather && g->nodes[k].args[1] == i);
  return is_free(&g->nodes[i]) && !positions;
}

/* Plans add the terms of a sum in an order of their own. n terms of sizes that add up to `size`, with errors
   `terms` of that kind in them, then differ from the sum in order by less than n u size; and elements made of
   such by as much as their slopes carry on. Sums of sums, and copies, count as one sum: all their partials
   are 1 or -1. */
static void add_orders(const graph *g, wide *order) {
  static struct { wide n, size, terms; } of[MOST_ELEMENTS];
  for (int i = 0; i < g->size; i++) {
    const element *z = &g->elements[i];
    bool sum = z->edges > 0;
    of[i].n = 1;
    of[i].size = z->wild ? 0 : size_of(z->v);
    of[i].terms = order[i] = 0;
    if (z->wild) continue;
    for (int k = 0; k < z->edges; k++) {
      const edge *by = &g->edges[z->first_edge + k];
      sum = sum && (by->p == 1 || by->p == -1);
      order[i] += size_of(by->p) * order[by->to];
    }
    if (sum)
      for (int k = 0; k < z->edges; k++) {
        const int x = g->edges[z->first_edge + k].to;
        of[i].n += of[x].n;
        of[i].size += of[x].size;
        of[i].terms += of[x].terms;
      }
    if (sum) order[i] = of[i].terms + of[i].n * ROUNDOFF * of[i].size;
    if (!sum) of[i].terms = order[i];
  }
}

static void check_run(void *user, const char *way, const double *values, const double *gradient) {
  const planned *p = user;
  const graph *g = p->c->g;
  for (int k = 0; k < p->y->size; k++) {
    const element *e = &g->elements[p->y->first + k];
    if (!e->wild)
      check_bound(p->c, OF_PLANS, way, (int)(p->y - g->nodes), values[k], e->v,
                  e->e + RAISED * p->order[e - g->elements]);
  }
  for (int i = 0; i < g->n; i++) {
    const node *x = &g->nodes[i];
    for (int k = 0; varies(g, i) && k < x->size; k++)
      check_bound(p->c, OF_PLANS, way, i, *gradient++, p->l->a[x->first + k], p->l->d[x->first + k]);
  }
}

/* Compilers take their time: few graphs are run as native code. */
static bool has_cache(const check *c, char *directory) { return c->seed % 16384 == 0 && mkdtemp(directory); }

static void remove_cache(const char *directory) {
  char command[64];
  snprintf(command, sizeof command, "rm -rf '%s'", directory);
  if (system(command)) fprintf(stderr, "%s was left behind\n", directory);
}

void check_plans(check *c, const node *y, const double *seed, const lanes *l) {
  char cache[] = "/tmp/dz-oracle-XXXXXX";
  const graph *g = c->g;
  dz_var leaves[MOST_NODES];
  static planned p;
  p = (planned){.c = c, .y = y, .l = l};
  add_orders(g, p.order);
  bool ones = true;
  int n = 0;
  dz_error e;
  for (int i = 0; i < g->n; i++)
    if (varies(g, i)) leaves[n++] = g->nodes[i].var;
  for (int k = 0; k < y->size; k++) ones = ones && seed[k] == 1;
  const bool native = ones && has_cache(c, cache);
  const dz_status status =
      every_plan(y->var, n, leaves, ones ? NULL : seed, native ? cache : NULL, check_run, &p, &e);
  if (native) remove_cache(cache);
  if (status) check_fails(c, e.message, 0, status, 0, 0);
}
