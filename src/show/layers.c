/* A network as a chain: values are circles, what is done to them stands at the lines between them. Of the two
   kinds of derivative, those by values are passed on along the line, and those by parameters are kept: they
   stand in the parameter's box. Names: n<i> node i of the tape. */
#include "show/picture.h"

#include <string.h>

enum { NAME = 20, NUMBER = 13, EDGE = 18 };

static const dz__use *use_of(const dz__picture *p, const dz__seen *s, int k) {
  return &p->trace->use[s->args + (uint32_t)k];
}

static bool is_value(const dz__picture *p, const dz__use *u) {
  return u->of != DZ__NONE && !dz__is_parameter(p, &p->trace->seen[u->of]);
}

static bool has_values(const dz__picture *p, const dz__seen *s) {
  for (int k = 0; k < s->is.nargs; k++)
    if (is_value(p, use_of(p, s, k))) return true;
  return false;
}

/* ---- circles and boxes ---- */

static void put_names(dz__picture *p, const dz__seen *s, const char *name, const char *ink) {
  dz__pen_put(&p->pen, "<TR><TD>");
  dz__mark_font(p, NAME, p->colors.ink);
  if (name) dz__mark_name(p, name);
  if (name && s->rank) dz__pen_put(&p->pen, "\u00a0∈\u00a0");
  if (s->rank) dz__mark_shape(p, s);
  if (!name && !s->rank) dz__pen_put(&p->pen, " ");
  dz__pen_put(&p->pen, "</FONT></TD></TR>");
  if (dz__shows_values(p) && dz__is_small(s) && p->how->written != DZ_WRITTEN_SYM)
    dz__mark_row(p, s, s->value, "", NUMBER, ink);
}

static void put_circle(dz__picture *p, const dz__seen *s) {
  char room[16], other[16];
  const char *name = s == dz__last(p) ? p->output : s->name;
  dz__pen_form(&p->pen, "  n% [label=<" DZ__TABLE, s->node);
  put_names(p, s, name, dz__ink(p, s->wave, room));
  if (dz__shows_whole(p, s))
    dz__mark_row(p, s, s->adjoint, "← ", NUMBER, dz__red(p, dz__whole_back(s), other));
  dz__pen_put(&p->pen, "</TABLE>>];\n");
}

static void put_box(dz__picture *p, const dz__seen *s) {
  char other[16];
  bool kept = dz__shows_whole(p, s);
  dz__pen_form(&p->pen, "  n% [shape=box style=\"rounded,filled\" margin=\"0.1,0.04\" label=<" DZ__TABLE,
               s->node);
  put_names(p, s, s->name, p->colors.ink);
  if (kept) dz__mark_row(p, s, s->adjoint, "↓ ", NUMBER, dz__red(p, dz__whole_back(s), other));
  dz__pen_put(&p->pen, "</TABLE>>];\n");
}

/* ---- lines ---- */

/* What stands beside the value in the operation: W of W x, + b, + 1. */
static void put_partner(dz__picture *p, const dz__seen *s, int k) {
  const dz__use *u = use_of(p, s, k);
  if (u->of == DZ__NONE)
    dz__pen_number(&p->pen, u->number, EDGE / 2);
  else if (p->trace->seen[u->of].name)
    dz__mark_name(p, p->trace->seen[u->of].name);
  else
    dz__mark_value(p, &p->trace->seen[u->of], p->trace->seen[u->of].value, EDGE - 4);
}

static void put_what(dz__picture *p, const dz__seen *s, int k) {
  bool two = s->is.nargs == 2 && !s->box && !dz__is_power(p, s);
  int other = 1 - k;
  if (two && !is_value(p, use_of(p, s, other))) {
    if (other == 0) put_partner(p, s, 0), dz__pen_put(&p->pen, " ");
    if (strcmp(s->is.op, "matmul") == 0)
      dz__pen_put(&p->pen, "·");
    else
      dz__mark_sign(p, s, EDGE);
    if (other == 1) dz__pen_put(&p->pen, " "), put_partner(p, s, 1);
    return;
  }
  dz__mark_sign(p, s, EDGE);
}

static void put_line(dz__picture *p, const dz__seen *s, int k) {
  const dz__use *u = use_of(p, s, k);
  char room[16];
  dz__pen_form(&p->pen, "  n% -> n% [label=<" DZ__TABLE "<TR><TD>", p->trace->seen[u->of].node, s->node);
  dz__mark_font(p, EDGE, p->colors.ink);
  put_what(p, s, k);
  dz__pen_put(&p->pen, "</FONT></TD></TR>");
  if (dz__shows_use(p, u) && p->trace->seen[u->of].uses > 1)
    dz__mark_row(p, &p->trace->seen[u->of], u->share, "← ", NUMBER, dz__red(p, s->back, room));
  dz__pen_put(&p->pen, "</TABLE>> weight=20];\n");
}

static void put_lines(dz__picture *p, const dz__seen *s) {
  bool values = has_values(p, s);
  for (int k = 0; k < s->is.nargs; k++) {
    const dz__use *u = use_of(p, s, k);
    if (u->of == DZ__NONE) continue;
    if (is_value(p, u) || !values)
      put_line(p, s, k);
    else
      dz__pen_form(&p->pen, "  n% -> n% [style=dashed arrowsize=0.6 penwidth=1.2];\n",
                   p->trace->seen[u->of].node, s->node);
  }
}

/* ---- the whole ---- */

static void put_legend(dz__picture *p) {
  char room[16];
  bool passed = false, kept = false;
  for (size_t i = 0; i < p->trace->nseen; i++) {
    const dz__seen *s = &p->trace->seen[i];
    if (!dz__shows_whole(p, s)) continue;
    kept = kept || dz__is_parameter(p, s);
    passed = passed || !dz__is_parameter(p, s);
  }
  dz__pen_put(&p->pen,
              "  label=<<TABLE BORDER=\"0\" CELLBORDER=\"0\" CELLSPACING=\"0\" CELLPADDING=\"12\"><TR>");
  dz__mark_entry(p, "in the circles: values", p->colors.ink);
  if (passed) dz__mark_entry(p, "← passed on: derivatives by values", dz__red(p, 1, room));
  if (kept) dz__mark_entry(p, "↓ kept: derivatives by parameters", dz__red(p, 1, room));
  dz__pen_put(&p->pen, "</TR></TABLE>>;\n");
}

void dz__draw_layers(dz__picture *p) {
  dz__mark_head(p);
  put_legend(p);
  dz__pen_put(&p->pen, "  nodesep=0.3; ranksep=0.4;\n");
  dz__mark_attribute(p,
                     "  node [shape=ellipse width=0.9 height=0.9 margin=\"0.02\" penwidth=1.6 color=\"%\" ",
                     p->colors.ink);
  dz__mark_attribute(p, "style=filled fillcolor=\"%\"];\n", p->colors.fill);
  dz__mark_attribute(p, "  edge [fontname=\"Times,serif\" penwidth=2 arrowsize=0.8 color=\"%\"];\n",
                     p->colors.ink);
  for (size_t i = 0; i < p->trace->nseen; i++) {
    const dz__seen *s = &p->trace->seen[i];
    if (dz__is_parameter(p, s))
      put_box(p, s);
    else
      put_circle(p, s);
  }
  for (size_t i = 0; i < p->trace->nseen; i++) put_lines(p, &p->trace->seen[i]);
  dz__pen_put(&p->pen, "}\n");
}
