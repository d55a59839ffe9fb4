#include "graph.h"

#include <string.h>

const char *op_name(op which) {
  static const char *const names[] = {
#define NAME(name) #name,
      ORACLE_POINTWISE(NAME) ORACLE_TENSOR(NAME) ORACLE_INNER(NAME)
#undef NAME
          "leaf",
      "number"};
  return names[which];
}

void graph_clear(graph *g, uint64_t seed) {
  g->n = g->size = g->links = 0;
  g->dice = (dice){seed, 0, g->draws, g->draw_count};
  g->wild_allowed = false;
  g->complaint = NULL;
}

/* ---- elements ---- */

static bool too_large(quad x) { return !(size_of(x) < NEAR_END); }

element *graph_element(graph *g) {
  if (g->size == MOST_ELEMENTS || g->links > MOST_EDGES - 2 * MOST_SIZE) return NULL;
  element *z = &g->elements[g->size];
  *z = (element){.same = g->size, .first_edge = g->links};
  g->size++;
  return z;
}

void graph_link(graph *g, const node *from, int to, quad p, wide off) {
  if (!from->active || g->links == MOST_EDGES) return;
  g->edges[g->links++] = (edge){to, p, off};
  g->elements[g->size - 1].edges++;
}

void graph_copy(graph *g, const node *from, int of) {
  element *z = &g->elements[g->size - 1];
  const element *x = &g->elements[of];
  z->v = x->v;
  z->e = x->e;
  z->wild = x->wild;
  z->given = x->given;
  z->same = x->same;
  if (from) graph_link(g, from, of, 1, 0);
}

verdict graph_judge(graph *g) {
  element *z = &g->elements[g->size - 1];
  z->wild = z->wild || too_large(z->v) || !(z->e < NEAR_END);
  for (int k = 0; k < z->edges; k++)
    z->wild |= too_large(g->edges[z->first_edge + k].p) || !(g->edges[z->first_edge + k].off < NEAR_END);
  return z->wild && !g->wild_allowed ? UNDEFINED : FINE;
}

/* ---- nodes ---- */

static node *new_node(graph *g, op which, int rank, const size_t *dims) {
  if (g->n == MOST_NODES) return NULL;
  node *z = &g->nodes[g->n];
  *z = (node){.op = which, .rank = rank, .first = g->size, .size = 1};
  for (int k = 0; k < rank; k++) z->size *= (int)(z->dims[k] = dims[k]);
  return z;
}

static int given(graph *g, node *z, const double *values) {
  for (int i = 0; i < z->size; i++) {
    element *x = graph_element(g);
    if (!x) return -1;
    x->v = as_held(values[i]);
    x->given = true;
    x->wild = too_large(x->v);
  }
  return g->n++;
}

static int leaf(graph *g, dz_role role, int rank, const size_t *dims, const double *values, dz_var var) {
  node *z = new_node(g, OP_leaf, rank, dims);
  if (!z || z->size > MOST_SIZE) return -1;
  z->role = role;
  z->active = role == DZ_ROLE_INPUT || role == DZ_ROLE_PARAM;
  z->var = var;
  return given(g, z, values);
}

int graph_leaf(graph *g, dz_role role, int rank, const size_t *dims, const double *values) {
  return leaf(g, role, rank, dims, values,
              rank == 0 ? dz_leaf(g->tape, role, *values)
                        : dz_leaf_tensor(g->tape, role, rank, dims, values));
}

int graph_number(graph *g, double value) { return graph_adopt(g, dz_num(value)); }

int graph_adopt(graph *g, dz_var x) {
  if (dz_is_number(x)) {
    const double value = dz_value(x);
    node *z = new_node(g, OP_number, 0, NULL);
    if (!z) return -1;
    z->var = x;
    return given(g, z, &value);
  }
  size_t dims[DZ_MAX_RANK];
  const int rank = dz_rank(x);
  for (int d = 0; d < rank; d++) dims[d] = dz_extent(x, d);
  return rank > MOST_RANK ? -1 : leaf(g, dz_role_of(x), rank, dims, dz_values(x), x);
}

static bool has_slope(op which) { return which != OP_stop && which != OP_count; }

verdict graph_evaluate(graph *g, const node *made, int *at) {
  if (g->n >= MOST_NODES) return NO_ROOM;
  const int size = g->size, links = g->links;
  node *z = &g->nodes[g->n];
  *z = *made;
  z->first = g->size;
  z->used = false;
  z->active = false;
  for (int k = 0; k < z->nargs; k++) z->active |= g->nodes[z->args[k]].active;
  z->active = z->active && has_slope(z->op);
  const verdict said = z->op < OP_POINTWISE_END ? point_rule(g, z) : tensor_rule(g, z);
  if (said != FINE) {
    g->size = size;
    g->links = links;
    return said;
  }
  z->size = g->size - z->first;
  for (int k = 0; k < z->nargs; k++) g->nodes[z->args[k]].used = true;
  *at = g->n++;
  return FINE;
}

verdict graph_apply(graph *g, const node *made, int *at) {
  const verdict said = graph_evaluate(g, made, at);
  if (said == FINE) g->nodes[*at].var = graph_record(g, &g->nodes[*at]);
  return said;
}

/* ---- in words ---- */

static void print_number(FILE *to, quad x) {
  char text[64];
  quadmath_snprintf(text, sizeof text, "%.20Qg", x);
  fputs(text, to);
}

static void print_node(FILE *to, const graph *g, int i) {
  static const char *const roles[] = {"input", "param", "const", "data", "none"};
  const node *z = &g->nodes[i];
  fprintf(to, "%%%d = %s", i, z->op == OP_leaf ? roles[z->role] : op_name(z->op));
  for (int k = 0; k < z->nargs; k++) fprintf(to, " %%%d", z->args[k]);
  for (int k = 0; k < z->nattr; k++) fprintf(to, "%s%lld", k ? "," : " {", (long long)z->attr[k]);
  fprintf(to, z->nattr ? "} [" : " [");
  for (int k = 0; k < z->rank; k++) fprintf(to, "%s%zu", k ? "," : "", z->dims[k]);
  fprintf(to, "]%s:", z->active ? "" : " inactive");
  for (int k = 0; k < z->size && k < 32; k++) {
    const element *x = &g->elements[z->first + k];
    fputc(' ', to);
    print_number(to, x->v);
    if (x->e > 0) fprintf(to, "~%.1Le", x->e);
  }
  fputc('\n', to);
}

void graph_print(FILE *to, const graph *g) {
  for (int i = 0; i < g->n; i++) print_node(to, g, i);
}
