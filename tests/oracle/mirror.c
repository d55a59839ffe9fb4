/* A tape's nodes, read through the public walk and evaluated in __float128 by the rules of their operations.
 */
#include "graph.h"

#include <string.h>

void mirror_clear(mirror *m) {
  graph_clear(&m->g, 0);
  m->g.wild_allowed = true;
  m->read = m->original = 0;
}

static op op_named(const char *name) {
  for (int k = 0; k < OP_leaf; k++)
    if (strcmp(op_name((op)k), name) == 0) return (op)k;
  return OP_leaf;
}

static int read_operand(mirror *m, dz_var x) {
  return dz_is_number(x) ? graph_adopt(&m->g, x) : m->of[dz_node_index(x)];
}

/* An exponent that is a number may be another one less 1, rounded. That matters for x > 0 only: the others
   are whole. */
static void blur_exponent(mirror *m, const node *made) {
  const node *x = &m->g.nodes[made->args[0]], *y = &m->g.nodes[made->args[1]];
  for (int k = 0; k < x->size; k++)
    if (m->g.elements[x->first + k].v <= 0) return;
  if (made->op == OP_pow && y->op == OP_number) m->g.elements[y->first].e = ROUNDOFF;
}

/* -1 for what has no place here. */
static int read_node(mirror *m, dz_var x) {
  const dz_node d = dz_describe(x);
  const int64_t *attr;
  if (d.role != DZ_ROLE_NONE) return graph_adopt(&m->g, x);
  node made = {.op = op_named(d.op), .nargs = d.nargs, .nattr = (int)dz_attributes(x, &attr)};
  if (made.op == OP_leaf || d.nargs > MOST_ARGS || made.nattr > MOST_ATTRS || dz_rank(x) > MOST_RANK)
    return -1;
  for (int k = 0; k < made.nattr; k++) made.attr[k] = attr[k];
  for (int k = 0; k < d.nargs; k++)
    if ((made.args[k] = read_operand(m, dz_operand(x, k))) < 0) return -1;
  int at = -1;
  if (m->read >= m->original) blur_exponent(m, &made);
  if (graph_evaluate(&m->g, &made, &at) != FINE) return -1;
  m->g.nodes[at].var = x;
  return at;
}

bool mirror_read(mirror *m, dz_tape *t) {
  for (; m->read < dz_tape_size(t); m->read++) {
    if (m->read >= MOST_NODES) return false;
    m->of[m->read] = read_node(m, dz_node_at(t, m->read));
    if (m->of[m->read] < 0) return false;
  }
  return true;
}
