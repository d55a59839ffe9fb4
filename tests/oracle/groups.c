/* Rules of what takes a group of elements to one: reductions, running sums and products, matrix products. */
#include "groups.h"

/* The product of magnitudes and the error that its factors, and their multiplication in any order, bring. */
typedef struct product {
  wide size, error;
} product;

static product times(product p, wide size, wide error) {
  const wide z = p.size * size;
  return (product){z, p.size * error + size * p.error + p.error * error + ROUNDOFF * z};
}

static wide weight_of(const element *x) { return size_of(x->v); }

/* ---- sums ---- */

verdict group_sum(graph *g, const node *x, const int *ids, int n) {
  element *z = graph_element(g);
  if (!z) return NO_ROOM;
  wide all = 0;
  bool whole = true; /* then nothing is rounded */
  for (int k = 0; k < n; k++) {
    const element *y = &g->elements[ids[k]];
    z->v += y->v;
    z->e += y->e;
    all += weight_of(y);
    whole = whole && y->e == 0 && y->v == roundq(y->v);
    graph_link(g, x, ids[k], 1, 0);
  }
  if (n > 1 && !(whole && all < EXACT_WHOLE)) z->e += (n - 1) * ROUNDOFF * all * RAISED;
  return FINE;
}

verdict group_mean(graph *g, const node *x, const int *ids, int n) {
  element *z = graph_element(g);
  if (!z) return NO_ROOM;
  if (n == 0) return UNDEFINED;
  wide all = 0;
  for (int k = 0; k < n; k++) {
    const element *y = &g->elements[ids[k]];
    z->v += y->v / n;
    z->e += y->e / n;
    all += weight_of(y) / n;
    graph_link(g, x, ids[k], 1 / (quad)n, 4 * ROUNDOFF / n);
  }
  z->e += (n - 1) * ROUNDOFF * all * RAISED + 4 * ROUNDOFF * size_of(z->v) + 4 * UNDERFLOW;
  return FINE;
}

/* ---- products ---- */

/* Whether no product of some of the factors comes near overflow or underflow. */
static bool moderate(const graph *g, const int *ids, int n) {
  wide most = 1;
  for (int k = 0; k < n; k++) {
    const wide y = weight_of(&g->elements[ids[k]]);
    if (y != 0) most *= y > 1 ? y : 1 / y;
  }
  return most < NEAR_END * 1e-10L;
}

/* The edge to factor j of a product of n: its slope is the product of the others. The library may form it
   from parts of the result and add what flows through it up on the way: `roundings` more of it. */
static void link_factor(graph *g, const node *x, const int *ids, int n, int j, int roundings) {
  quad p = 1;
  product others = {1, 0};
  for (int k = 0; k < n; k++) {
    const element *y = &g->elements[ids[k]];
    if (k == j) continue;
    p *= y->v;
    others = times(others, weight_of(y), y->e);
  }
  graph_link(g, x, ids[j], p, (others.error + roundings * ROUNDOFF * others.size) * RAISED);
}

verdict group_prod(graph *g, const node *x, const int *ids, int n, int roundings) {
  element *z = graph_element(g);
  if (!z) return NO_ROOM;
  if (!moderate(g, ids, n)) return UNDEFINED;
  product all = {1, 0};
  z->v = 1;
  for (int k = 0; k < n; k++) {
    const element *y = &g->elements[ids[k]];
    z->v *= y->v;
    all = n > 1 ? times(all, weight_of(y), y->e) : (product){weight_of(y), y->e};
  }
  z->e = all.error;
  for (int j = 0; j < n; j++) link_factor(g, x, ids, n, j, roundings);
  return FINE;
}

/* ---- max, min ---- */

verdict group_extreme(graph *g, const node *x, const int *ids, int n, int sign) {
  element *z = graph_element(g);
  int most = 0, ties = 0;
  if (!z) return NO_ROOM;
  if (n == 0) return UNDEFINED;
  for (int k = 1; k < n; k++)
    if ((g->elements[ids[k]].v - g->elements[ids[most]].v) * sign > 0) most = k;
  const element *top = &g->elements[ids[most]];
  bool tied[MOST_SIZE];
  for (int k = 0; k < n; k++) {
    const element *y = &g->elements[ids[k]];
    tied[k] = y->same == top->same || (y->e == 0 && top->e == 0 && y->v == top->v);
    if (!tied[k] && unsure(y->v - top->v, y->e + top->e)) return DOUBT;
    ties += tied[k];
  }
  z->v = top->v;
  z->e = top->e;
  z->same = top->same;
  const quad p = 1 / (quad)ties;
  for (int k = 0; k < n; k++)
    if (tied[k]) graph_link(g, x, ids[k], p, ties > 1 ? ROUNDOFF / ties : 0);
  return FINE;
}

/* ---- norm ---- */

verdict group_norm(graph *g, const node *x, const int *ids, int n) {
  element *z = graph_element(g);
  if (!z) return NO_ROOM;
  quad squares = 0;
  wide e = 0;
  for (int k = 0; k < n; k++) {
    const element *y = &g->elements[ids[k]];
    squares += y->v * y->v;
    if (y->e > e) e = y->e;
  }
  z->v = sqrtq(squares);
  const wide size = size_of(z->v), rounding = ((wide)n / 2 + 6) * ROUNDOFF;
  if (e > 0 && e * 1024 * (1 + n) > size) return DOUBT;
  for (int k = 0; k < n && size > 0; k++)
    z->e += weight_of(&g->elements[ids[k]]) / size * g->elements[ids[k]].e;
  const wide shared = z->e;
  z->e = (shared + e * e * n / (size > 0 ? size : 1)) * RAISED + rounding * size + 4 * UNDERFLOW;
  if (size == 0) z->e = 0;
  for (int k = 0; k < n; k++) {
    const element *y = &g->elements[ids[k]];
    if (size == 0)
      graph_link(g, x, ids[k], 0, 0);
    else
      graph_link(g, x, ids[k], y->v / z->v,
                 (rounding + 2 * ROUNDOFF) * weight_of(y) / size + 4 * UNDERFLOW +
                     (y->e / size + weight_of(y) / size * (shared / size)) * RAISED);
  }
  return FINE;
}

/* ---- logsumexp ----

   v = m + log1p(s), s being the sum of t_k = exp(x_k - m) over the others. The shift x_k - m is rounded, so
   t_k has an error of (|x_k - m| + 4) u t_k, their sum n u s more, and log1p passes on 1/(1 + s) of it. */
verdict group_logsumexp(graph *g, const node *x, const int *ids, int n) {
  element *z = graph_element(g);
  if (!z) return NO_ROOM;
  if (n == 0) return UNDEFINED;
  quad w[MOST_SIZE], others = 0;
  int most = 0;
  wide blur = 0, top_error = 0;
  for (int k = 1; k < n; k++)
    if (g->elements[ids[k]].v > g->elements[ids[most]].v) most = k;
  const quad m = g->elements[ids[most]].v;
  for (int k = 0; k < n; k++) {
    w[k] = expq(g->elements[ids[k]].v - m);
    if (k != most) others += w[k];
    if (g->elements[ids[k]].e > top_error) top_error = g->elements[ids[k]].e;
  }
  if (top_error > 0x1p-11L) return DOUBT;
  const quad log_sum = log1pq(others);
  z->v = m + log_sum;
  for (int k = 0; k < n; k++) {
    w[k] /= 1 + others;
    z->e += size_of(w[k]) * g->elements[ids[k]].e;
    if (k != most) blur += size_of(w[k]) * (size_of(g->elements[ids[k]].v - m) + 4 + n);
  }
  const wide shared = z->e, logs = size_of(log_sum);
  z->e = (shared + top_error * top_error) * RAISED + ROUNDOFF * (blur + 5 * logs + size_of(z->v)) +
         4 * UNDERFLOW;
  for (int k = 0; k < n; k++) {
    const element *y = &g->elements[ids[k]];
    const wide rounding = (size_of(y->v - m) + 6 + n) * ROUNDOFF + ROUNDOFF * blur;
    graph_link(g, x, ids[k], w[k], size_of(w[k]) * (rounding + (y->e + shared) * RAISED) + 4 * UNDERFLOW);
  }
  return FINE;
}

/* ---- sum of products ---- */

verdict group_dot(graph *g, const node *x, const int *left, const node *y, const int *right, int n) {
  element *z = graph_element(g);
  if (!z) return NO_ROOM;
  wide all = 0;
  for (int k = 0; k < n; k++) {
    const element *a = &g->elements[left[k]], *b = &g->elements[right[k]];
    z->v += a->v * b->v;
    z->e += weight_of(a) * b->e + weight_of(b) * a->e + a->e * b->e + UNDERFLOW;
    all += weight_of(a) * weight_of(b);
    graph_link(g, x, left[k], b->v, b->e);
    graph_link(g, y, right[k], a->v, a->e);
  }
  z->e = (z->e + n * ROUNDOFF * all) * RAISED;
  return all < NEAR_END ? FINE : UNDEFINED;
}
