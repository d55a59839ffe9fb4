/* A trace as values in circles, with the local partial at each arrow: what a gradient is the sum of products
   of. Names: n<i> node i of the tape. */
#include "show/picture.h"

enum { NAME = 17, NUMBER = 13, EDGE = 16 };

static bool is_grey(const dz__picture *p, const dz__seen *s) {
  return p->how->wrt_count > 0 && !p->leads[s - p->trace->seen];
}

static const char *name_of(const dz__picture *p, const dz__seen *s) {
  const dz__node_symbol *y = dz__symbol_of(p, s);
  return s == dz__last(p) ? p->output : s->name ? s->name : y ? y->name : NULL;
}

/* s = a^2, or the sign of the operation where there is no formula. */
static void put_what(dz__picture *p, const dz__seen *s) {
  const dz__node_symbol *y = dz__symbol_of(p, s);
  const char *name = name_of(p, s);
  if (name) dz__mark_name(p, name);
  if (dz__is_leaf(s) || s->box) {
    if (!name) dz__mark_value(p, s, s->value, NAME);
    return;
  }
  if (name) dz__pen_put(&p->pen, "\u00a0=\u00a0");
  if (!y || !dz__mark_line(p, &y->local, NAME)) dz__mark_sign(p, s, NAME);
}

/* What stands in circle i. */
static void put_label(dz__picture *p, void *user, uint32_t i) {
  const dz__seen *s = &p->trace->seen[i];
  const dz__node_symbol *y = dz__symbol_of(p, s);
  bool grey = is_grey(p, s), formal = p->how->written == DZ_WRITTEN_SYM && y;
  char room[16], other[16];
  const char *ink = grey ? p->colors.grey : dz__ink(p, s->wave, room),
             *red = dz__red(p, dz__whole_back(s), other);
  dz__pen_put(&p->pen, DZ__TABLE "<TR><TD>");
  dz__mark_font(p, NAME, grey ? p->colors.grey : p->colors.ink);
  put_what(p, s);
  dz__pen_put(&p->pen, "</FONT></TD></TR>");
  bool named = name_of(p, s) != NULL || !dz__is_leaf(s);
  if (dz__shows_values(p) && p->how->written != DZ_WRITTEN_SYM && named)
    dz__mark_row(p, s, s->value, "", NUMBER, ink);
  if (dz__shows_whole(p, s)) {
    if (!formal || !dz__mark_formula(p, &y->gradient, "← ", NUMBER + 1, red))
      dz__mark_row(p, s, s->adjoint, "← ", NUMBER, red);
  }
  dz__pen_put(&p->pen, "</TABLE>");
}

static void put_circle(dz__picture *p, uint32_t i) {
  const dz__seen *s = &p->trace->seen[i];
  dz__pen_form(&p->pen, "  n% [label=<", s->node);
  put_label(p, NULL, i);
  dz__pen_put(&p->pen, ">");
  if (is_grey(p, s)) dz__mark_attribute(p, " color=\"%\"", p->colors.grey);
  if (dz__is_leaf(s) || s == dz__last(p)) dz__pen_put(&p->pen, " penwidth=3");
  dz__pen_put(&p->pen, "];\n");
}

/* All circles are alike, but where formulas are in them, whose heights differ. */
static double diameter(dz__picture *p) {
  double most = p->how->written == DZ_WRITTEN_SYM ? 1e9 : 0;
  for (uint32_t i = 0; i < p->trace->nseen; i++) {
    double d = dz__measure(p, put_label, NULL, i);
    if (d > most) most = d;
  }
  return most;
}

/* -s/d^2 = -0.5344 */
static void put_partial(dz__picture *p, const dz__use *u, const char *color) {
  const dz__use_symbol *y = dz__symbol_of_use(p, u);
  if (!y || !y->partial.is.tape) return;
  bool plain = dz_describe(y->partial.is).role != DZ_ROLE_NONE && !dz_name(y->partial.is);
  bool sym = plain || p->how->written != DZ_WRITTEN_NUM, num = !plain && p->how->written != DZ_WRITTEN_SYM;
  dz__pen_put(&p->pen, "label=<");
  dz__mark_font(p, EDGE, color);
  if (sym) dz__mark_line(p, &y->partial, EDGE);
  if (sym && num) dz__pen_put(&p->pen, "\u00a0=\u00a0");
  if (num) dz__pen_number(&p->pen, dz_value(y->partial.is), 12);
  dz__pen_put(&p->pen, "</FONT>>");
}

static void put_arrow(dz__picture *p, const dz__use *u) {
  const dz__seen *s = &p->trace->seen[u->of], *user = &p->trace->seen[u->user];
  bool grey = is_grey(p, s), hidden = p->how->wave && (size_t)p->trace->waves + user->back > p->how->wave;
  const char *color = hidden ? "transparent" : grey ? p->colors.grey : p->colors.partial;
  dz__pen_form(&p->pen, "  n% -> n% [", s->node, user->node);
  if (s->is.active) put_partial(p, u, color);
  if (grey) dz__mark_attribute(p, " color=\"%\"", p->colors.grey);
  dz__pen_put(&p->pen, "];\n");
}

static void put_legend(dz__picture *p) {
  char room[16];
  bool any = false;
  for (size_t i = 0; i < p->trace->nseen; i++) any = any || dz__shows_whole(p, &p->trace->seen[i]);
  dz__pen_put(&p->pen,
              "  label=<<TABLE BORDER=\"0\" CELLBORDER=\"0\" CELLSPACING=\"0\" CELLPADDING=\"12\"><TR>");
  dz__mark_entry(p, "in the circles: values", p->colors.ink);
  if (any) dz__mark_entry(p, "← : gradients", dz__red(p, 1, room));
  if (p->symbols.tape) dz__mark_entry(p, "at the arrows: local partials", p->colors.partial);
  dz__mark_point(p);
  dz__pen_put(&p->pen, "</TR></TABLE>>;\n");
}

void dz__draw_vars(dz__picture *p) {
  size_t inputs = 0;
  dz__mark_head(p);
  put_legend(p);
  dz__pen_put(&p->pen, "  nodesep=0.35; ranksep=0.55;\n");
  double points = diameter(p);
  dz__pen_put(&p->pen, "  node [shape=circle");
  dz__mark_circle(p, points);
  dz__mark_attribute(p, " margin=\"0.01\" penwidth=1.6 color=\"%\" ", p->colors.ink);
  dz__mark_attribute(p, "style=filled fillcolor=\"%\"];\n", p->colors.fill);
  dz__mark_attribute(p, "  edge [fontname=\"Times,serif\" penwidth=2 arrowsize=0.8 color=\"%\"];\n",
                     p->colors.ink);
  for (size_t i = 0; i < p->trace->nseen; i++) put_circle(p, (uint32_t)i);
  for (size_t i = 0; i < p->trace->nseen; i++) inputs += p->trace->seen[i].is.role == DZ_ROLE_INPUT;
  if (inputs > 1 && inputs <= 8) {
    dz__pen_put(&p->pen, "  { rank=same;");
    for (size_t i = 0; i < p->trace->nseen; i++)
      if (p->trace->seen[i].is.role == DZ_ROLE_INPUT) dz__pen_form(&p->pen, " n%;", p->trace->seen[i].node);
    dz__pen_put(&p->pen, " }\n");
  }
  for (size_t j = 0; j < p->trace->nuse; j++)
    if (p->trace->use[j].of != DZ__NONE) put_arrow(p, &p->trace->use[j]);
  dz__pen_put(&p->pen, "}\n");
}
