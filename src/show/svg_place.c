/* Where things stand in an SVG of dz's own. A wave takes four layers: operations and leaves, the wires that
   leave them, branch points, the wires from there. */
#include "show/svg.h"

enum { HALF = 40, MOST_SPOTS = 1 << 21 };

static uint32_t add_spot(dz__sketch *s, uint32_t layer, double width, double height) {
  if (s->l.spots >= MOST_SPOTS)
    s->failed = s->p->large = true;
  else if (!dz__layout_spot(&s->l, layer, width, height))
    s->failed = true;
  return s->failed ? 0 : (uint32_t)s->l.spots - 1;
}

static void add_link(dz__sketch *s, uint32_t from, uint32_t to, double port) {
  if (!s->failed && !dz__layout_link(&s->l, from, to, port)) s->failed = true;
}

/* A link over several layers goes by points of its own in between: they come one after another, behind
   `from`. */
static void add_road(dz__sketch *s, uint32_t from, uint32_t to, double port) {
  uint32_t last = from;
  if (s->failed) return;
  for (uint32_t layer = s->l.spot[from].layer + 1; layer < s->l.spot[to].layer && !s->failed; layer++) {
    uint32_t spot = add_spot(s, layer, 1, 1);
    add_link(s, last, spot, 0);
    last = spot;
  }
  add_link(s, last, to, port);
}

double dz__svg_port(const dz__seen *user, uint32_t k) { return (k + .5) / user->is.nargs - .5; }

static double width_of(dz__sketch *s, dz__text t, size_t points) {
  double w = dz__svg_width(&t, points);
  dz__text_free(&t, &s->p->full.alloc);
  return w;
}

size_t dz__svg_sign_points(const dz__picture *p, const dz__seen *x) {
  dz__look l = dz__look_of(x->is.op);
  return !x->box && dz__is_power(p, x) ? 14 : l.size && !x->box ? l.size * 8 / 10 : 15;
}

static double operation_width(dz__sketch *s, const dz__seen *x) {
  double own =
      width_of(s, dz__svg_sign(s->p, x, dz__svg_sign_points(s->p, x)), dz__svg_sign_points(s->p, x)) + 6;
  return own * .8 > 2 * DZ__SVG_RADIUS || x->box ? own + 14 : 2 * DZ__SVG_RADIUS;
}

dz__text dz__svg_leaf(dz__sketch *s, const dz__seen *x) {
  return x->name && !dz__is_fixed(s->p, x) ? dz__svg_name(s->p, x->name)
                                           : dz__svg_value(s->p, x, x->value, "");
}

static double leaf_width(dz__sketch *s, const dz__seen *x) {
  double own = width_of(s, dz__svg_leaf(s, x), 22) + 12;
  return own > 60 ? own : 60;
}

/* Leaves stand just before the first that uses them. */
static uint32_t layer_of(const dz__sketch *s, const dz__seen *x) {
  uint32_t least = UINT32_MAX;
  if (!dz__is_leaf(x) || x->uses == 0) return 4 * x->wave;
  for (uint32_t j = x->first; j != DZ__NONE; j = s->p->trace->use[j].next) {
    uint32_t user = s->p->trace->seen[s->p->trace->use[j].user].wave;
    if (user < least) least = user;
  }
  return 4 * (least - 1);
}

static void add_nodes(dz__sketch *s) {
  const dz__trace *t = s->p->trace;
  for (size_t i = 0; i < t->nseen; i++) {
    const dz__seen *x = &t->seen[i];
    s->node_spot[i] = add_spot(s, layer_of(s, x), dz__is_leaf(x) ? leaf_width(s, x) : operation_width(s, x),
                               DZ__SVG_RADIUS);
  }
  const dz__seen *y = dz__last(s->p);
  s->output = add_spot(s, layer_of(s, y) + 2, 60, DZ__SVG_RADIUS);
}

/* Plain numbers among the operands have no wire. */
static void add_numbers(dz__sketch *s, size_t i) {
  const dz__seen *x = &s->p->trace->seen[i];
  for (uint32_t k = 0; k < (uint32_t)x->is.nargs; k++) {
    const dz__use *u = &s->p->trace->use[x->args + k];
    if (u->of != DZ__NONE || (k == 1 && dz__is_power(s->p, x))) continue;
    uint32_t *spot = &s->use_spot[x->args + k];
    *spot = add_spot(s, layer_of(s, x) - 1, width_of(s, dz__svg_number(s->p, u->number), 17) + 10, 12);
    add_link(s, *spot, s->node_spot[i], dz__svg_port(x, k));
  }
}

static void add_wires(dz__sketch *s, size_t i) {
  const dz__trace *t = s->p->trace;
  const dz__seen *x = &t->seen[i];
  uint32_t from = s->node_spot[i], layer = layer_of(s, x);
  if (x->uses != 1) {
    s->label[i] = dz__svg_trunk(s->p, x);
    s->trunk[i] = add_spot(s, layer + 1, s->label[i].width, HALF);
    add_link(s, from, s->trunk[i], 0);
    s->branch[i] = x->uses ? add_spot(s, layer + 2, 10, 5) : s->output;
    add_link(s, s->trunk[i], s->branch[i], 0);
    from = s->branch[i];
  }
  for (uint32_t j = x->first; j != DZ__NONE && !s->failed; j = t->use[j].next) {
    const dz__seen *user = &t->seen[t->use[j].user];
    dz__svg_label *own = &s->label[t->nseen + j];
    *own = dz__svg_use(s->p, &t->use[j]);
    s->use_spot[j] = add_spot(s, layer + (x->uses != 1 ? 3 : 1), own->width, HALF);
    add_link(s, from, s->use_spot[j], 0);
    add_road(s, s->use_spot[j], s->node_spot[t->use[j].user], dz__svg_port(user, t->use[j].operand));
  }
}

bool dz__svg_arrange(dz__sketch *s) {
  add_nodes(s);
  for (size_t i = 0; i < s->p->trace->nseen && !s->failed; i++) add_wires(s, i), add_numbers(s, i);
  if (!s->failed && !dz__layout_place(&s->l)) s->failed = true;
  return !s->failed;
}
