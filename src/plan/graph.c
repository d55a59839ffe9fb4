#include "plan/graph.h"

void dz__graph_init(dz__graph *g, const dz_allocator *a) { *g = (dz__graph){.alloc = *a}; }

void dz__graph_free(dz__graph *g) {
  const dz_allocator *a = &g->alloc;
  dz__free(a, g->kind, g->kind_cap);
  dz__free(a, g->flags, g->flags_cap);
  dz__free(a, g->start, g->start_cap * sizeof *g->start);
  dz__free(a, g->arg, g->arg_cap * sizeof *g->arg);
  dz__free(a, g->number, g->number_cap * sizeof *g->number);
  dz__free(a, g->out, g->out_cap * sizeof *g->out);
  dz__graph_init(g, &(dz_allocator){a->resize, a->user});
}

bool dz__graph_grow(dz__graph *g, size_t nodes, size_t args) {
  const dz_allocator *a = &g->alloc;
  size_t n = g->n + nodes, m = g->args + args;
  if (n > DZ__MOST_NODES || m > DZ__MOST_NODES) return g->full = true, false;
  bool first = !g->start;
  if (!dz__grow(a, (void **)&g->kind, &g->kind_cap, n, 1) ||
      !dz__grow(a, (void **)&g->flags, &g->flags_cap, n, 1) ||
      !dz__grow(a, (void **)&g->start, &g->start_cap, n + 1, sizeof *g->start) ||
      !dz__grow(a, (void **)&g->arg, &g->arg_cap, m, sizeof *g->arg))
    return false;
  if (first) g->start[0] = 0;
  return true;
}

uint32_t dz__graph_number(dz__graph *g, double value) {
  uint32_t at = (uint32_t)g->numbers;
  if (!dz__grow(&g->alloc, (void **)&g->number, &g->number_cap, g->numbers + 1, sizeof *g->number))
    return DZ__NO_NODE;
  uint32_t i = dz__graph_add(g, DZ__P_CONST, 0, 1, &at);
  if (i != DZ__NO_NODE) g->number[g->numbers++] = value;
  return i;
}

bool dz__graph_output(dz__graph *g, uint32_t node) {
  if (node == DZ__NO_NODE || !dz__grow(&g->alloc, (void **)&g->out, &g->out_cap, g->outs + 1, sizeof *g->out))
    return false;
  g->out[g->outs++] = node;
  return true;
}

/* Whether a partial is anything but MASK(0). */
#define SLOPES(label)                                                                                        \
  (sizeof(label) != sizeof "MASK(0)" || (label "     ")[0] != 'M' || (label "     ")[5] != '0')
static const bool slope[DZ__F_POINTWISE_END] = {
#define OP1(name, low, high, value, dx) SLOPES(#dx),
#define OP2(name, low, high, value, dx, dy) SLOPES(#dx) || SLOPES(#dy),
#define OP3(name, low, high, value, dx, dy, dw) SLOPES(#dx) || SLOPES(#dy) || SLOPES(#dw),
#include "ops/pointwise.def"
#undef OP1
#undef OP2
#undef OP3
};

bool dz__has_slope(unsigned kind) {
  return kind != DZ__F_stop && (kind >= DZ__F_POINTWISE_END || slope[kind]);
}

void dz__count_uses(const dz__graph *graph, uint8_t *uses) {
  const dz__graph g = *graph;
  for (uint32_t i = 0; i < g.n; i++) {
    const uint32_t *args = dz__graph_args(&g, i);
    const size_t end = dz__end_node(g.kind[i], dz__graph_nargs(&g, i));
    uses[i] = 0;
    for (size_t k = dz__first_node(g.kind[i]); k < end; k++)
      if (uses[args[k]] < 2) uses[args[k]]++;
  }
  for (size_t k = 0; k < g.outs; k++) uses[g.out[k]] = 2;
}
