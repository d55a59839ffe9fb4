/* The part of the gradient that one loop alone adds to, lane by lane. */
#include "plan/program.h"

#include "plan/graph.h"

typedef struct window {
  const dz__loop *loop;
  size_t low, high, end; /* first numbers of its lowest and its highest run, and behind the latter */
  bool crossed;          /* something else adds to it */
} window;

enum { LEAST = 1024 }; /* lanes: with fewer, the gradient stays in a cache anyway */

static bool is_run(const dz__instruction *i) {
  return i->op == DZ__I_STORE && i->c == 1 && dz__where_of(i->d) == DZ__GRAD;
}

static window of_loop(const dz__loop *l) {
  window w = {.loop = l, .low = SIZE_MAX};
  for (size_t k = l->code.reverse; k < l->code.n; k++) {
    const dz__instruction *i = &l->code.at[k];
    size_t at = dz__place_index(i->d);
    if (!is_run(i)) continue;
    if (at < w.low) w.low = at;
    if (at > w.high) w.high = at;
  }
  w.end = w.high + l->lanes;
  /* Not of a loop that threads share, whose blocks are run in any order. */
  bool good =
      w.low != SIZE_MAX && w.high - w.low < l->lanes / 2 && l->lanes >= LEAST && !l->sequence && !l->span;
  if (!good) w.loop = NULL;
  return w;
}

/* Numbers first, first + step, …, n of them. */
static void cross(window *w, uint32_t place, size_t n, size_t step) {
  size_t first = dz__place_index(place);
  if (dz__where_of(place) == DZ__GRAD && first < w->end && first + (n - 1) * step >= w->low)
    w->crossed = true;
}

static void visit(void *user, uint32_t *place, unsigned access) {
  if (access & DZ__WRITTEN) cross(user, *place, 1, 1);
}

static void look(window *w, const dz__loop *l, const dz__routine *c) {
  for (size_t k = 0; k < c->n && !w->crossed; k++) {
    dz__instruction i = c->at[k];
    if (i.op == DZ__I_STORE) {
      if (l != w->loop || !is_run(&i)) cross(w, i.d, l->lanes, i.c);
    } else if (i.op == DZ__I_SCATTER) {
      for (size_t j = 0; j < l->lanes; j++)
        cross(w, dz__place_at(dz__where_of(i.d), dz__place_index(i.d) + l->index[i.b + j]), 1, 1);
    } else {
      dz__each_place(c, &i, visit, w);
    }
  }
  for (size_t k = 0; l && k < l->accs; k++) cross(w, l->acc[k], 1, 1);
}

void dz__find_window(dz__program *p) {
  window best = {.loop = NULL};
  for (size_t k = 0; k < p->loops; k++) {
    window w = of_loop(&p->loop[k]);
    if (w.loop && (!best.loop || w.loop->lanes > best.loop->lanes)) best = w;
  }
  if (!best.loop || p->outsides) return;
  look(&best, NULL, &p->code);
  for (size_t k = 0; k < p->loops; k++) look(&best, &p->loop[k], &p->loop[k].code);
  if (best.crossed) return;
  p->window = best.loop;
  p->fresh = best.high;
  p->done = best.low;
  p->windowed = best.loop->lanes / DZ__W * DZ__W;
}
