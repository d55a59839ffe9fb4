#include "compare.h"

/* ---- values ---- */

static void check_values(check *c) {
  for (int i = 0; i < c->g->n; i++) {
    const node *x = &c->g->nodes[i];
    if (x->op == OP_number || x->op == OP_leaf) continue;
    const double *values = dz_values(x->var);
    if (!values || dz_size(x->var) != (size_t)x->size || dz_rank(x->var) != x->rank) {
      check_fails(c, "shape", i, dz_rank(x->var), x->rank, 0);
      continue;
    }
    for (int k = 0; k < x->size; k++) {
      const element *e = &c->g->elements[x->first + k];
      if (!e->wild) check_bound(c, OF_VALUES, "value", i, values[k], e->v, e->e);
    }
  }
}

/* ---- adjoints ---- */

static void check_lanes(check *c, const lanes *l) {
  const graph *g = c->g;
  quad along = 0;
  wide bound = 0;
  for (int i = 0; i < g->n; i++) {
    const node *x = &g->nodes[i];
    if (!is_free(x)) continue;
    const double *got = dz_adjoints(x->var);
    for (int k = 0; k < x->size && got; k++) {
      const int at = x->first + k;
      for (int j = 1; j < LANES; j++)
        if (l->of[j] == at) check_bound(c, OF_ADJOINTS, "derivative", i, got[k], l->sum[j], l->d[at]);
      along += (quad)got[k] * l->direction[at];
      bound += l->d[at] * fabs(l->direction[at]);
    }
  }
  if (!(size_of(along - l->sum[0]) <= bound + 0x1p-100L * size_of(along)))
    check_fails(c, "derivative along a direction", 0, (double)along, l->sum[0], bound);
}

/* Adjoints of leaves, and with `interior` of operations, against the sweep in long double. */
static void check_adjoints(check *c, const lanes *l, const node *y, bool interior) {
  const graph *g = c->g;
  for (int i = 0; i < g->n; i++) {
    const node *x = &g->nodes[i];
    const bool wanted = (x->op == OP_leaf || interior) && dz_node_index(x->var) <= dz_node_index(y->var);
    if (x->op == OP_number || !wanted) continue;
    const dz_adjoint_state want = x->active ? DZ_ADJOINT_READY : DZ_ADJOINT_INACTIVE,
                           state = dz_adjoint_state_of(x->var);
    if (state != want) check_fails(c, "adjoint's state", i, state, want, 0);
    const double *got = dz_adjoints(x->var);
    for (int k = 0; k < x->size && got; k++)
      check_bound(c, OF_ADJOINTS, "adjoint", i, got[k], l->a[x->first + k], l->d[x->first + k]);
  }
}

static double a_seed(dice *d) { return dice_percent(d, 50) ? 1 : as_held(dice_between(d, -2, 2)); }

static dz_status backward(graph *g, const node *y, double *seed) {
  for (int i = 0; i < y->size; i++) seed[i] = a_seed(&g->dice);
  if (y->size == 1 && dice_percent(&g->dice, 60)) seed[0] = 1;
  if (y->size == 1 && seed[0] == 1) return dz_backward(y->var);
  if (y->size == 1 && dice_percent(&g->dice, 50)) return dz_backward_with(y->var, seed[0]);
  return dz_backward_with(y->var, dz_leaf_tensor(g->tape, DZ_ROLE_DATA, y->rank, y->dims, seed));
}

/* A second output, whose gradient is added to the first one's; NULL for none. */
static const node *second_output(graph *g, const node *y) {
  if (!dice_percent(&g->dice, 10)) return NULL;
  const node *x = &g->nodes[dice_below(&g->dice, g->n)];
  return x->active && x->size == 1 && dz_node_index(x->var) < dz_node_index(y->var) ? x : NULL;
}

/* ---- tangents ---- */

static void check_tangents(check *c, const node *y, const lanes *l) {
  const graph *g = c->g;
  dz_var leaves[MOST_NODES];
  double direction[MOST_ELEMENTS], got[MOST_SIZE];
  int n = 0, size = 0;
  for (int i = 0; i < g->n; i++) {
    const node *x = &g->nodes[i];
    if (!is_free(x)) continue;
    leaves[n++] = x->var;
    for (int k = 0; k < x->size; k++) direction[size++] = l->direction[x->first + k];
  }
  const dz_status status = dz_tangent(y->var, n, leaves, direction, got);
  if (status) check_fails(c, dz_status_text(status), 0, status, 0, 0);
  for (int k = 0; k < y->size && !status; k++) {
    const element *x = &g->elements[y->first + k];
    check_bound(c, OF_TANGENTS, "tangent", (int)(y - g->nodes), got[k], x->t[0], x->td);
  }
}

/* ---- one graph ---- */

/* False when what matters is NaN, infinite or near overflow. */
static bool check_derivatives(check *c, const node *y) {
  static lanes l;
  graph *g = c->g;
  double seed[MOST_SIZE], again = a_seed(&g->dice);
  lanes_plant(g, &l);
  const dz_status status = backward(g, y, seed);
  if (status) check_fails(c, dz_status_text(status), 0, status, 0, 0);
  if (!lanes_add(g, &l, y, seed)) return false;
  if (dice_percent(&g->dice, 50)) check_tangents(c, y, &l);
  const node *more = second_output(g, y);
  const bool derive = !more && y->size == 1 && dice_percent(&g->dice, 16);
  if (more && dz_backward_add(more->var, again)) check_fails(c, "backward_add", 0, 1, 0, 0);
  if (more && !lanes_add(g, &l, more, &again)) return false;
  check_adjoints(c, &l, y, !more && dice_percent(&g->dice, 50));
  check_lanes(c, &l);
  if (!more && c->seed % 8 == 0) check_plans(c, y, seed, &l);
  if (derive && !c->failed) {
    const double one = 1;
    lanes_plant(g, &l);
    if (lanes_add(g, &l, y, &one)) compare_derivative_graph(c, y, &l);
  }
  return true;
}

/* An empty tape, most often by a rewind. */
static void empty_tape(graph *g, bool anew) {
  if (!anew && !dz_tape_rewind(g->tape, g->start)) return;
  dz_tape_clear(g->tape);
  g->start = dz_tape_mark(g->tape);
}

void compare_built(check *c, int out) {
  const dz_error *e = dz_tape_error(c->g->tape);
  c->s->graphs++;
  if (e->status) {
    check_fails(c, e->message, out, e->status, 0, 0);
  } else if (out >= 0) {
    check_values(c);
    if (c->g->nodes[out].active && !check_derivatives(c, &c->g->nodes[out])) c->s->skipped++;
  }
}

void compare_graph(graph *g, uint64_t seed, score *s, FILE *say, bool always) {
  check c = {g, s, say, seed, false};
  empty_tape(g, seed % 64 == 0);
  compare_built(&c, build_graph(g, seed, &s->count));
  if (say && (c.failed || always)) graph_print(say, g);
  if (c.failed && s->failed++ == 0) s->first_failed = seed;
  if (c.failed) empty_tape(g, true);
}
