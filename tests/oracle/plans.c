/* The same graph by plans, in every way that they can be run. */
#include "compare.h"

#include "plan/every.h"

#include <stdlib.h>

typedef struct planned {
  check *c;
  const node *y;
  const lanes *l;
} planned;

/* Positions must not vary in a plan. */
static bool varies(const graph *g, int i) {
  bool positions = false;
  for (int k = 0; k < g->n; k++)
    positions = positions || (g->nodes[k].op == OP_gather && g->nodes[k].args[1] == i);
  return is_free(&g->nodes[i]) && !positions;
}

static void check_run(void *user, const char *way, const double *values, const double *gradient) {
  const planned *p = user;
  const graph *g = p->c->g;
  for (int k = 0; k < p->y->size; k++) {
    const element *e = &g->elements[p->y->first + k];
    if (!e->wild) check_bound(p->c, OF_PLANS, way, (int)(p->y - g->nodes), values[k], e->v, e->e);
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
  planned p = {c, y, l};
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
