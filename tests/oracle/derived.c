/* Derivative graphs: what dz_grad records is read off the tape node by node, through the public walk, and
   evaluated in __float128 by the rules of its operations. Then
   - each gradient node's double is within its own bound, and that of the adjoint, of the exact gradient;
   - the gradient along a random direction is swept once more: second derivatives, against this graph's exact
     ones within its bound;
   - those agree with the difference of the original graph's exact gradients at two points near by, where no
     decision changes: so the derivative graph is the gradient not only at the point. */
#include "compare.h"

#include <stdlib.h>
#include <string.h>

/* The bound of the tape's error, times this, bounds that of __float128. */
#define QUAD_PER_HELD (0x1p-110L / ROUNDOFF)

static const node *seen(const mirror *m, dz_var x) { return &m->g.nodes[m->of[dz_node_index(x)]]; }

/* ---- the gradient ---- */

typedef struct gradient {
  int n;
  const node *leaves[MOST_NODES];
  dz_var xs[MOST_NODES], nodes[MOST_NODES];
} gradient;

static void check_gradient_nodes(check *c, const mirror *m, const gradient *d, const lanes *l) {
  for (int i = 0; i < d->n; i++) {
    const node *z = seen(m, d->nodes[i]), *x = d->leaves[i];
    const double *got = dz_values(d->nodes[i]);
    if (z->size != x->size || z->rank != x->rank || !got) {
      check_fails(c, "gradient's shape", (int)(x - c->g->nodes), z->rank, x->rank, 0);
      continue;
    }
    for (int k = 0; k < z->size; k++) {
      const element *e = &m->g.elements[z->first + k];
      if (!e->wild) /* overflow on the way */
        check_bound(c, OF_GRADIENT_NODES, "gradient node", (int)(x - c->g->nodes), got[k], l->a[x->first + k],
                    e->e + l->d[x->first + k]);
    }
  }
}

/* sum of gradient * weights, on the tape. */
static dz_var along(const gradient *d, double *const *weights) {
  dz_var sum = dz_num(0);
  for (int i = 0; i < d->n; i++) {
    const node *x = d->leaves[i];
    const dz_var w = dz_leaf_tensor(x->var.tape, DZ_ROLE_DATA, x->rank, x->dims, weights[i]);
    sum = dz_add(sum, dz_sum(dz_mul(d->nodes[i], w), DZ_ALL, false));
  }
  return sum;
}

/* ---- the exact gradient near by ---- */

/* A stopped value does not move, and so is no copy any more. */
static void hold_stopped(graph *p, const graph *g, const node *x) {
  for (int i = x->first; i < x->first + x->size && x->op == OP_stop; i++) {
    p->elements[i].v = g->elements[i].v;
    p->elements[i].same = i;
  }
}

/* Whether element i, of node x, depends on the same elements in the same way; a jump, a pole too near, or a
   slope that is 0 by convention where the value moves, are none. */
static bool same_element(const graph *p, const graph *g, const node *x, int i) {
  const element *a = &g->elements[i], *b = &p->elements[i];
  const bool remainder = x->op == OP_fmod || x->op == OP_mod;
  const wide moved = size_of(a->v - b->v), size = size_of(a->v);
  if (moved > (remainder ? 0x1p-20L * size : 0x1p-8L * size + 0x1p-30L)) return false;
  if (a->edges != b->edges || a->wild != b->wild) return false;
  if (a->edges == 0 && a->v != b->v && !is_free(x)) return false;
  for (int k = 0; k < a->edges; k++) {
    const edge *c = &g->edges[a->first_edge + k], *d = &p->edges[b->first_edge + k];
    const wide apart = size_of(c->p - d->p);
    if (c->to != d->to || apart > 0x1p-8L * size_of(c->p) + 0x1p-30L) return false;
    if (apart > 0 && remainder) return false;
  }
  return true;
}

static bool same_pattern(const graph *p, const graph *g) {
  for (int i = 0; i < g->n; i++)
    for (int k = 0; k < g->nodes[i].size; k++)
      if (!same_element(p, g, &g->nodes[i], g->nodes[i].first + k)) return false;
  return true;
}

/* Evaluates g's operations again into p with all free leaves moved by h times their weights, what is stopped
   held; false where a decision, or the pattern of structural zeros, is another one. */
static bool move(graph *p, const graph *g, const wide *weight, quad h) {
  graph_clear(p, 0);
  p->wild_allowed = true;
  for (int i = 0; i < g->n; i++) {
    const node *x = &g->nodes[i];
    int at = -1;
    if (x->op == OP_leaf || x->op == OP_number) {
      if (graph_adopt(p, x->var) < 0) return false;
      for (int k = 0; k < x->size; k++) {
        element *e = &p->elements[x->first + k];
        if (is_free(x)) e->v += h * weight[x->first + k];
        for (int j = 0; j < LANES; j++) e->t[j] = g->elements[x->first + k].t[j];
      }
    } else if (graph_evaluate(p, x, &at) != FINE) {
      return false;
    }
    hold_stopped(p, g, x);
  }
  return same_pattern(p, g);
}

/* The derivative of each lane's derivative along the weights, by a central difference with step h. */
static bool difference(const graph *g, const lanes *l, int y, const wide *weight, quad h, quad *result,
                       wide *blur) {
  static graph p;
  const double one = 1;
  for (int side = 0; side < 2; side++) {
    if (!move(&p, g, weight, side ? -h : h)) return false;
    if (!graph_reverse(&p, &p.nodes[y], &one) || !graph_forward(&p)) return false;
    for (int j = 0; j < LANES; j++) {
      const quad t = p.elements[p.nodes[y].first].t[j];
      result[j] = side ? (result[j] - t) / (2 * h) : t;
      blur[j] = l->of[j] < 0 ? 0 : p.elements[l->of[j]].d / (wide)h * QUAD_PER_HELD;
    }
  }
  return true;
}

/* Differences in __float128 see nothing where operands are too far apart. */
static bool moderate(const graph *g) {
  for (int i = 0; i < g->n; i++)
    for (int k = 0; k < g->nodes[i].size && is_free(&g->nodes[i]); k++) {
      const wide x = size_of(g->elements[g->nodes[i].first + k].v);
      if (x != 0 && !(x > 1e-5L && x < 1e5L)) return false;
    }
  return true;
}

/* Against the mirror's second derivatives a, within d. Two steps tell how good the difference is. */
static void check_near_by(check *c, const node *y, const lanes *l, const wide *weight, const wide *a,
                          const wide *d) {
  quad coarse[LANES], fine[LANES];
  wide blur[LANES];
  const int at = (int)(y - c->g->nodes);
  if (!moderate(c->g)) return;
  if (!difference(c->g, l, at, weight, ldexpq(1, -34), coarse, blur)) return;
  if (!difference(c->g, l, at, weight, ldexpq(1, -36), fine, blur)) return;
  for (int j = 1; j < LANES; j++) {
    if (l->of[j] < 0) continue;
    const int k = l->of[j];
    const wide bound = d[k] + blur[j] + 4 * size_of(fine[j] - coarse[j]) + 0x1p-60L * size_of(fine[j]);
    check_bound(c, OF_DIFFERENCES, "second derivative, less the difference of exact first ones,", k, 0,
                a[k] - fine[j], bound);
  }
}

/* ---- the whole ---- */

/* The gradient of s as nodes, too: so what only derivative graphs are made of is derived in its turn. */
static void check_second_nodes(check *c, mirror *m, const gradient *d, dz_var s) {
  gradient second = *d;
  dz_tape *t = c->g->tape;
  m->original = dz_tape_size(t);
  const dz_status status = dz_grad(s, d->n, d->xs, second.nodes);
  if (status) check_fails(c, dz_tape_error(t)->message, 0, status, 0, 0);
  if (status || !mirror_read(m, t)) return;
  for (int i = 0; i < d->n; i++) {
    const node *z = seen(m, second.nodes[i]), *x = seen(m, d->xs[i]);
    const double *got = dz_values(second.nodes[i]);
    for (int k = 0; k < x->size && got; k++) {
      const element *e = &m->g.elements[z->first + k], *want = &m->g.elements[x->first + k];
      if (!e->wild)
        check_bound(c, OF_SECOND, "second gradient node", (int)(d->leaves[i] - c->g->nodes), got[k], want->a,
                    e->e + want->d);
    }
  }
}

static void check_second(check *c, mirror *m, const gradient *d, const node *y, const lanes *l) {
  static double weights[MOST_ELEMENTS];
  static wide weight[MOST_ELEMENTS], a[MOST_ELEMENTS], bound[MOST_ELEMENTS];
  double *of[MOST_NODES];
  graph *g = c->g;
  for (int i = 0; i < d->n; i++) {
    of[i] = &weights[d->leaves[i]->first];
    for (int k = 0; k < d->leaves[i]->size; k++) {
      const double x = (double)g->elements[d->leaves[i]->first + k].v, r = dice_between(&g->dice, -1, 1);
      of[i][k] = x == 0 ? r : x * r;
      weight[d->leaves[i]->first + k] = of[i][k];
    }
  }
  const dz_var s = along(d, of);
  const double one = 1;
  if (dz_is_number(s) || dz_tape_error(g->tape)->status || !mirror_read(m, g->tape)) return;
  const bool active = dz_is_active(s);
  if (active && !graph_reverse(&m->g, seen(m, s), &one)) return;
  if (active && dz_backward(s)) check_fails(c, "backward of the gradient", 0, 1, 0, 0);
  for (int i = 0; i < d->n; i++) {
    const node *x = d->leaves[i], *z = seen(m, x->var);
    const double *got = active ? dz_adjoints(x->var) : NULL;
    for (int k = 0; k < x->size; k++) {
      const element *e = &m->g.elements[z->first + k];
      a[x->first + k] = active ? e->a : 0;
      bound[x->first + k] = active ? e->d : 0;
      if (got) check_bound(c, OF_SECOND, "second derivative", (int)(x - g->nodes), got[k], e->a, e->d);
    }
  }
  check_near_by(c, y, l, weight, a, bound);
  if (active && !c->failed) check_second_nodes(c, m, d, s);
}

void compare_derivative_graph(check *c, const node *y, const lanes *l) {
  static mirror m;
  gradient d = {.n = 0};
  for (int i = 0; i < c->g->n; i++)
    if (is_free(&c->g->nodes[i])) {
      d.leaves[d.n] = &c->g->nodes[i];
      d.xs[d.n++] = c->g->nodes[i].var;
    }
  mirror_clear(&m);
  m.original = dz_tape_size(c->g->tape);
  const dz_status status = dz_grad(y->var, d.n, d.xs, d.nodes);
  if (status) {
    check_fails(c, dz_tape_error(c->g->tape)->message, (int)(y - c->g->nodes), status, 0, 0);
    return;
  }
  c->s->derived++;
  if (!mirror_read(&m, c->g->tape)) {
    c->s->not_derived++;
    return;
  }
  check_gradient_nodes(c, &m, &d, l);
  check_second(c, &m, &d, y, l);
  if (c->failed && c->say) graph_print(c->say, &m.g);
}
