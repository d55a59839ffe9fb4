#include "show/linearized.h"

#include "base/never.h"
#include "dz/derive.h"
#include "dz/sparse.h"
#include "kernels/pointwise.h"
#include "show/node.h"
#include "tape/diagnose.h"

#include <string.h>

enum { BELOW = 1, ABOVE = 2 }; /* y depends on the node; it depends on x */

typedef struct job {
  dz__linearized *g;
  dz_tape *t;
  size_t top;
  uint8_t *flags;  /* per node up to y */
  uint32_t *first; /* per node on the way: its first vertex */
} job;

static bool on_the_way(const job *j, dz_var x) {
  size_t i = dz_node_index(x);
  return i <= j->top && j->flags[i] == (BELOW | ABOVE);
}

static void mark(job *j, size_t x) {
  j->flags[j->top] = BELOW;
  for (size_t i = j->top + 1; i-- > x;) {
    dz_var z = dz_node_at(j->t, i);
    int n = j->flags[i] ? dz_describe(z).nargs : 0;
    for (int k = 0; k < n; k++) {
      size_t o = dz_node_index(dz_operand(z, k));
      if (o != SIZE_MAX) j->flags[o] |= BELOW;
    }
  }
  j->flags[x] |= ABOVE;
  for (size_t i = x + 1; i <= j->top; i++) {
    dz_var z = dz_node_at(j->t, i);
    int n = j->flags[i] ? dz_describe(z).nargs : 0;
    for (int k = 0; k < n; k++) {
      size_t o = dz_node_index(dz_operand(z, k));
      if (o != SIZE_MAX) j->flags[i] |= j->flags[o] & ABOVE;
    }
  }
}

static dz_status lay_vertices(job *j, size_t x) {
  dz__linearized *g = j->g;
  for (size_t i = x; i <= j->top; i++) {
    dz_var z = dz_node_at(j->t, i);
    if (!on_the_way(j, z)) continue;
    size_t n = dz_size(z);
    if (g->vertices + n > DZ__MOST_EDGES) return DZ_ERR_LIMIT;
    if (!dz__grow(&g->alloc, (void **)&g->vertex, &g->vertex_cap, g->vertices + n, sizeof *g->vertex))
      return DZ_ERR_MEMORY;
    j->first[i] = (uint32_t)g->vertices;
    for (size_t e = 0; e < n; e++)
      g->vertex[g->vertices++] = (dz__vertex){.node = z, .element = e, .value = dz__element_of(z, e)};
  }
  g->x0 = j->first[x];
  g->xs = (uint32_t)dz_size(dz_node_at(j->t, x));
  g->y0 = j->first[j->top];
  return DZ_OK;
}

static dz_status add_edge(job *j, dz__edge e) {
  dz__linearized *g = j->g;
  if (g->edges >= DZ__MOST_EDGES) return DZ_ERR_LIMIT;
  if (!dz__grow(&g->alloc, (void **)&g->edge, &g->edge_cap, g->edges + 1, sizeof *g->edge))
    return DZ_ERR_MEMORY;
  g->vertex[e.to].ins++;
  g->edge[g->edges++] = e;
  return DZ_OK;
}

/* ---- pointwise operations: by the table ---- */

double dz__vertex_operand(const dz__vertex *v, int k) {
  dz_var x = dz_operand(v->node, k);
  dz__array out = dz__array_of(v->node), in = dz__array_of(x);
  return dz__element_of(x, dz__source(&out, &in, v->element));
}

static bool is_active(dz_var x) { return !dz_is_number(x) && dz_is_active(x); }

static dz__gate gate_of(dz__fn fn, int k, double partial) {
  if (strcmp(dz__ops[fn].partial[k], "MASK(0)") == 0) return DZ__GATE_NEVER;
  return dz__pointwise[fn].mask[k] && partial == 0 ? DZ__GATE_MASK : DZ__GATE_OPEN;
}

static dz_status link_pointwise(job *j, dz_var z, dz__fn fn) {
  dz__array out = dz__array_of(z), in[3];
  dz_var operand[3];
  int n = dz_describe(z).nargs;
  for (int k = 0; k < n; k++) in[k] = dz__array_of(operand[k] = dz_operand(z, k));
  double tie = n >= 2 && is_active(operand[0]) && is_active(operand[1]) ? .5 : 0;
  uint32_t to = j->first[dz_node_index(z)];
  for (size_t e = 0; e < out.size; e++, to++) {
    double v[3] = {0};
    for (int k = 0; k < n; k++) v[k] = dz__element_of(operand[k], dz__source(&out, &in[k], e));
    j->g->vertex[to].in = (uint32_t)j->g->edges;
    for (int k = 0; k < n; k++) {
      if (!on_the_way(j, operand[k])) continue;
      double p = dz__pointwise[fn].partial[k](v[0], v[1], v[2], j->g->vertex[to].value, tie);
      uint32_t from = j->first[dz_node_index(operand[k])] + (uint32_t)dz__source(&out, &in[k], e);
      dz__gate gate = gate_of(fn, k, p);
      dz_status status = add_edge(j, (dz__edge){from, to, k, gate, gate == DZ__GATE_OPEN ? p : 0});
      if (status) return status;
    }
  }
  return DZ_OK;
}

/* ---- other operations: recorded alone, and derived ---- */

enum { OPERANDS = 64 };

/* The operation on leaves of its own at the end of the tape. */
typedef struct lone {
  dz_var z, leaf[OPERANDS], operand[OPERANDS], gradient[OPERANDS];
  int n, count;
  int place[OPERANDS]; /* of the operands that are on the way: leaf[place[0]] … */
} lone;

static dz_var leaf_of(dz_var x, bool wanted) {
  size_t dims[DZ_MAX_RANK];
  dz_role role = wanted || dz_is_active(x) ? DZ_ROLE_INPUT : DZ_ROLE_CONST;
  if (dz_rank(x) == 0) return dz_leaf(x.tape, role, dz_value(x));
  for (int k = 0; k < dz_rank(x); k++) dims[k] = dz_extent(x, k);
  const float *singles = dz_values_single(x);
  return singles ? dz_leaf_tensor_single(x.tape, role, dz_rank(x), dims, singles)
                 : dz_leaf_tensor(x.tape, role, dz_rank(x), dims, dz_values(x));
}

static bool record_alone(const job *j, dz_var z, lone *l) {
  const int64_t *attr;
  dz_node is = dz_describe(z);
  *l = (lone){.n = is.nargs};
  for (int k = 0; k < l->n; k++) {
    dz_var x = l->operand[k] = dz_operand(z, k);
    l->leaf[k] = dz_is_number(x) ? x : leaf_of(x, on_the_way(j, x));
    if (on_the_way(j, x)) l->place[l->count++] = k;
  }
  int count = (int)dz_attributes(z, &attr);
  int64_t own[DZ__MAX_ATTRS];
  if (DZ__NEVER(count > DZ__MAX_ATTRS)) return false;
  for (int k = 0; k < count; k++) own[k] = attr[k]; /* recording may move the tape's */
  l->z = dz__record(dz__node_fn(z), l->n, l->leaf, count, own);
  return dz_valid(l->z);
}

/* Row e of the Jacobian to each operand that is wanted. */
static dz_status derive_row(lone *l, size_t e) {
  dz_var by[OPERANDS];
  double *seed = NULL;
  size_t n = dz_size(l->z), dims[DZ_MAX_RANK];
  dz_tape *t = l->z.tape;
  for (int k = 0; k < l->count; k++) by[k] = l->leaf[l->place[k]];
  for (int k = 0; k < dz_rank(l->z); k++) dims[k] = dz_extent(l->z, k);
  dz_var one = dz_num(1);
  if (dz_rank(l->z) > 0) {
    const dz_allocator *a = &dz__of(t)->alloc;
    seed = dz__alloc(a, n * sizeof *seed);
    if (!seed) return DZ_ERR_MEMORY;
    memset(seed, 0, n * sizeof *seed);
    seed[e] = 1;
    one = dz_leaf_tensor(t, DZ_ROLE_CONST, dz_rank(l->z), dims, seed);
    dz__free(a, seed, n * sizeof *seed);
  }
  return dz_grad_with(l->z, one, l->count, by, l->gradient);
}

static dz_status link_row(job *j, const lone *l, uint32_t to, size_t e, dz_pattern *const *pattern) {
  j->g->vertex[to].in = (uint32_t)j->g->edges;
  for (int c = 0; c < l->count; c++) {
    const dz_pattern *p = pattern[c];
    uint32_t from = j->first[dz_node_index(l->operand[l->place[c]])];
    for (size_t i = p->starts[e]; i < p->starts[e + 1]; i++) {
      dz__edge edge = {from + p->column[i], to, l->place[c], DZ__GATE_OPEN,
                       dz__element_of(l->gradient[c], p->column[i])};
      dz_status status = add_edge(j, edge);
      if (status) return status;
    }
  }
  return DZ_OK;
}

static dz_status link_rows(job *j, dz_var z, lone *l, dz_pattern *const *pattern) {
  uint32_t to = j->first[dz_node_index(z)];
  for (size_t e = 0; e < dz_size(z); e++, to++) {
    dz_mark mark = dz_tape_mark(j->t);
    dz_status status = derive_row(l, e);
    if (!status) status = link_row(j, l, to, e, pattern);
    dz_tape_rewind(j->t, mark);
    if (status) return status;
  }
  return DZ_OK;
}

static dz_status link_alone(job *j, dz_var z) {
  lone l;
  dz_pattern *pattern[OPERANDS] = {0};
  if (dz_describe(z).nargs > OPERANDS) return DZ_ERR_LIMIT;
  dz_mark mark = dz_tape_mark(j->t);
  dz_status status = record_alone(j, z, &l) ? DZ_OK : DZ_ERR_ARGUMENT;
  for (int c = 0; !status && c < l.count; c++)
    status = dz_jacobian_pattern(1, &l.z, 1, &l.leaf[l.place[c]], DZ__MOST_EDGES, &j->g->alloc, &pattern[c]);
  if (!status) status = link_rows(j, z, &l, pattern);
  for (int c = 0; c < OPERANDS; c++) dz_pattern_free(pattern[c]);
  dz_status tape = dz_tape_error(j->t)->status;
  dz_tape_forgive(j->t);
  dz_tape_rewind(j->t, mark);
  return status && tape != DZ_ERR_MEMORY ? status : tape;
}

/* ---- the whole ---- */

static dz_status link_all(job *j, size_t x) {
  for (size_t i = x + 1; i <= j->top; i++) {
    dz_var z = dz_node_at(j->t, i);
    if (!on_the_way(j, z)) continue;
    dz__fn fn = dz__node_fn(z);
    dz_status status = fn < DZ__F_POINTWISE_END ? link_pointwise(j, z, fn) : link_alone(j, z);
    if (status) return status;
  }
  return DZ_OK;
}

static bool list_leaving(dz__linearized *g) {
  g->leaving = dz__alloc(&g->alloc, g->edges * sizeof *g->leaving);
  if (g->edges && !g->leaving) return false;
  for (size_t e = 0; e < g->edges; e++) g->vertex[g->edge[e].from].outs++;
  for (size_t v = 1; v < g->vertices; v++) g->vertex[v].out = g->vertex[v - 1].out + g->vertex[v - 1].outs;
  for (size_t e = 0; e < g->edges; e++) g->leaving[g->vertex[g->edge[e].from].out++] = (uint32_t)e;
  for (size_t v = 0; v < g->vertices; v++) g->vertex[v].out -= g->vertex[v].outs;
  return true;
}

static dz_status build(job *j, size_t x) {
  mark(j, x);
  if (j->flags[j->top] != (BELOW | ABOVE)) return DZ_OK;
  dz_status status = lay_vertices(j, x);
  if (!status) status = link_all(j, x);
  return status ? status : list_leaving(j->g) ? DZ_OK : DZ_ERR_MEMORY;
}

dz_status dz__linearize(dz_var y, dz_var x, const dz_allocator *a, dz__linearized *g) {
  *g = (dz__linearized){.alloc = dz__allocator(a)};
  job j = {.g = g, .t = y.tape, .top = dz_node_index(y)};
  if (dz_tape_error(y.tape)->status) return dz_tape_error(y.tape)->status;
  if (dz_node_index(x) > j.top) return DZ_OK;
  j.flags = dz__alloc(&g->alloc, j.top + 1);
  j.first = dz__alloc(&g->alloc, (j.top + 1) * sizeof *j.first);
  dz_status status = DZ_ERR_MEMORY;
  if (j.flags && j.first) {
    memset(j.flags, 0, j.top + 1);
    status = build(&j, dz_node_index(x));
  }
  dz__free(&g->alloc, j.flags, j.top + 1);
  dz__free(&g->alloc, j.first, (j.top + 1) * sizeof *j.first);
  if (status) dz__linearized_free(g);
  return status;
}

void dz__linearized_free(dz__linearized *g) {
  dz__free(&g->alloc, g->vertex, g->vertex_cap * sizeof *g->vertex);
  dz__free(&g->alloc, g->edge, g->edge_cap * sizeof *g->edge);
  dz__free(&g->alloc, g->leaving, g->edges * sizeof *g->leaving);
  *g = (dz__linearized){.alloc = g->alloc};
}

void dz__linearized_sweep(const dz__linearized *g, double *adjoint, bool *reached) {
  for (size_t v = 0; v < g->vertices; v++) adjoint[v] = 0, reached[v] = false;
  adjoint[g->y0] = 1;
  reached[g->y0] = true;
  for (size_t v = g->vertices; v-- > 0;)
    for (uint32_t i = 0; i < g->vertex[v].ins; i++) {
      const dz__edge *e = &g->edge[g->vertex[v].in + i];
      if (!reached[v] || e->gate != DZ__GATE_OPEN) continue;
      adjoint[e->from] += e->partial * adjoint[v];
      reached[e->from] = true;
    }
}
