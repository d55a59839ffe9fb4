/* The house style without Graphviz: formulas on one line, wires as curves between the layers of layout.c. */
#include "show/svg.h"

#include "dz/text.h"

#include <math.h>
#include <string.h>

enum { RADIUS = DZ__SVG_RADIUS, ABOVE = 6, BELOW = 18, STEP = 16, MARGIN = 16, LEGEND = 44, PAD = 36 };

static size_t labels(const dz__sketch *s) { return s->p->trace->nseen + s->p->trace->nuse; }

/* ---- drawing ---- */

/* Nothing stands left of the picture or above it. */
static void put_real(dz__sketch *s, double v) {
  char text[32];
  dz_number_write((double)(long)(v * 10 + .5) / 10, 0, text);
  dz__pen_put(&s->p->pen, text);
}

static void put_pair(dz__sketch *s, const char *before, double x, double y) {
  dz__pen_put(&s->p->pen, before);
  put_real(s, x + MARGIN);
  dz__pen_put(&s->p->pen, " ");
  put_real(s, y + MARGIN);
}

static void put_text(dz__sketch *s, const dz__text *text, double x, double y, size_t points,
                     const char *color) {
  if (!text->at) return;
  dz__pen_put(&s->p->pen, "<text x=\"");
  put_real(s, x + MARGIN);
  dz__pen_put(&s->p->pen, "\" y=\"");
  put_real(s, y + MARGIN);
  dz__pen_form(&s->p->pen, "\" font-size=\"%\" fill=\"", points);
  dz__pen_put(&s->p->pen, color);
  dz__pen_put(&s->p->pen, "\">");
  dz__svg_put(s->p, text, points);
  dz__pen_put(&s->p->pen, "</text>\n");
}

static void put_curve(dz__sketch *s, double x, double y, double to_x, double to_y) {
  double half = (to_x - x) / 2;
  put_pair(s, " C", x + half, y);
  put_pair(s, " ", x + half, to_y);
  put_pair(s, " ", to_x, to_y);
}

static double right_of(const dz__spot *a) { return a->x + a->width / 2; }
static double left_of(const dz__spot *a) { return a->x - a->width / 2; }

static void open_path(dz__sketch *s, double x, double y) { put_pair(s, "<path d=\"M", x, y); }

static void close_path(dz__sketch *s, bool arrow) {
  dz__pen_put(&s->p->pen, arrow ? "\" marker-end=\"url(#a)\"/>\n" : "\"/>\n");
}

/* Into a circle a little above or below its middle, where that is closer to its right. */
static void put_end(dz__sketch *s, double x, double y, const dz__spot *to, double port, bool arrow) {
  double up = port * PAD, in = to->width <= 2 * RADIUS ? RADIUS - sqrt(RADIUS * RADIUS - up * up) : 0;
  put_curve(s, x, y, left_of(to) + in - (arrow ? 7 : 0), to->y + up);
  close_path(s, arrow);
}

/* Through the label's place, and on by the road's points, which follow it, to the user. */
static void put_road(dz__sketch *s, const dz__spot *from, uint32_t by, const dz__spot *to, double port,
                     bool arrow) {
  const dz__spot *spot = s->l.spot, *at = &spot[by];
  open_path(s, right_of(from), from->y);
  put_curve(s, right_of(from), from->y, left_of(at), at->y);
  put_pair(s, " L", right_of(at), at->y);
  for (uint32_t k = by + 1;
       k < s->l.spots && spot[k].layer == spot[k - 1].layer + 1 && spot[k].layer < to->layer; k++) {
    put_curve(s, right_of(at), at->y, left_of(&spot[k]), spot[k].y);
    at = &spot[k];
  }
  put_end(s, right_of(at), at->y, to, port, arrow);
}

static void put_label(dz__sketch *s, const dz__svg_label *t, const dz__spot *at) {
  char room[16], other[16];
  const char *ink = dz__ink(s->p, t->above, room), *red = dz__red(s->p, t->below, other);
  double y = at->y - ABOVE;
  put_text(s, &t->line[1], at->x, y, DZ__SVG_SMALL, ink);
  if (t->line[1].at) y -= STEP;
  put_text(s, &t->line[0], at->x, y, DZ__SVG_LARGE, ink);
  y = at->y + BELOW;
  put_text(s, &t->line[2], at->x, y + 2, DZ__SVG_LARGE, red);
  if (t->line[2].at) y += STEP + 2;
  put_text(s, &t->line[3], at->x, y, DZ__SVG_SMALL, red);
}

static void put_shape(dz__sketch *s, const dz__spot *at, bool round) {
  dz__pen_put(&s->p->pen, round ? "<circle class=\"o\" cx=\"" : "<rect class=\"o\" rx=\"12\" x=\"");
  put_real(s, (round ? at->x : left_of(at)) + MARGIN);
  dz__pen_put(&s->p->pen, round ? "\" cy=\"" : "\" y=\"");
  put_real(s, at->y - (round ? 0 : RADIUS) + MARGIN);
  dz__pen_put(&s->p->pen, round ? "\" r=\"" : "\" width=\"");
  put_real(s, round ? RADIUS : at->width);
  if (!round) dz__pen_put(&s->p->pen, "\" height=\""), put_real(s, 2 * RADIUS);
  dz__pen_put(&s->p->pen, "\"/>\n");
}

static void put_operation(dz__sketch *s, const dz__seen *x, const dz__spot *at) {
  size_t points = dz__svg_sign_points(s->p, x);
  dz__text sign = dz__svg_sign(s->p, x, points);
  put_shape(s, at, at->width <= 2 * RADIUS && !x->box);
  put_text(s, &sign, at->x, at->y + (double)points * .33, points, s->p->colors.ink);
  dz__text_free(&sign, &s->p->full.alloc);
}

/* constant: of the name of one that stands as its number; else NULL */
static void put_terminal(dz__sketch *s, dz__text name, const char *role, const char *constant,
                         const dz__spot *at) {
  put_text(s, &name, at->x, at->y + 6, 22, s->p->colors.ink);
  dz__text below = dz__svg_role(s->p, role, constant);
  put_text(s, &below, at->x, at->y + 21, 12, s->p->colors.grey);
  dz__text_free(&below, &s->p->full.alloc);
  dz__text_free(&name, &s->p->full.alloc);
}

static void put_leaf(dz__sketch *s, const dz__seen *x, const dz__spot *at) {
  static const char *const role[] = {"input", "parameter", "constant", "data"};
  bool fixed = dz__is_fixed(s->p, x);
  put_terminal(s, dz__svg_leaf(s, x), fixed ? "constant" : role[x->is.role], fixed ? x->name : NULL, at);
}

static void put_numbers(dz__sketch *s, size_t i) {
  const dz__seen *x = &s->p->trace->seen[i];
  for (uint32_t k = 0; k < (uint32_t)x->is.nargs; k++) {
    const dz__use *u = &s->p->trace->use[x->args + k];
    if (u->of != DZ__NONE || (k == 1 && dz__is_power(s->p, x))) continue;
    const dz__spot *at = &s->l.spot[s->use_spot[x->args + k]];
    dz__text t = dz__svg_number(s->p, u->number);
    put_text(s, &t, at->x, at->y + 6, 17, s->p->colors.ink);
    dz__text_free(&t, &s->p->full.alloc);
    open_path(s, right_of(at), at->y);
    put_end(s, right_of(at), at->y, &s->l.spot[s->node_spot[i]], dz__svg_port(x, k), true);
  }
}

static void put_wires(dz__sketch *s, size_t i) {
  const dz__trace *t = s->p->trace;
  const dz__spot *spot = s->l.spot, *from = &spot[s->node_spot[i]];
  if (t->seen[i].uses != 1) {
    const dz__spot *end = &spot[s->branch[i]];
    put_road(s, from, s->trunk[i], end, 0, t->seen[i].uses == 0);
    put_label(s, &s->label[i], &spot[s->trunk[i]]);
    from = end;
  }
  if (t->seen[i].uses > 1) {
    put_pair(s, "<path class=\"d\" d=\"M", from->x - 5, from->y);
    dz__pen_put(&s->p->pen, " a5 5 0 1 0 10 0 a5 5 0 1 0 -10 0\"/>\n");
  }
  for (uint32_t j = t->seen[i].first; j != DZ__NONE; j = t->use[j].next) {
    const dz__use *u = &t->use[j];
    put_road(s, from, s->use_spot[j], &spot[s->node_spot[u->user]],
             dz__svg_port(&t->seen[u->user], u->operand), true);
    put_label(s, &s->label[t->nseen + j], &spot[s->use_spot[j]]);
  }
}

static void put_head(dz__sketch *s) {
  double width = s->l.width + 2 * MARGIN, height = s->l.height + 2 * MARGIN + LEGEND;
  dz__pen *p = &s->p->pen;
  dz__pen_put(
      p, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"");
  put_real(s, width);
  dz__pen_put(p, "\" height=\"");
  put_real(s, height);
  dz__pen_put(p, "\" viewBox=\"0 0 ");
  put_real(s, width);
  dz__pen_put(p, " ");
  put_real(s, height);
  dz__pen_put(p, "\" font-family=\"Times,serif\" text-anchor=\"middle\" xml:space=\"preserve\">\n");
  dz__mark_attribute(s->p, "<style>path{fill:none;stroke:%;stroke-width:2}", s->p->colors.ink);
  dz__mark_attribute(s->p, ".d{fill:%}", s->p->colors.ink);
  dz__mark_attribute(s->p, ".o{stroke:%;stroke-width:2;", s->p->colors.ink);
  dz__mark_attribute(s->p, "fill:%}</style>\n", s->p->colors.fill);
  dz__mark_attribute(s->p,
                     "<marker id=\"a\" markerWidth=\"5\" markerHeight=\"5\" refX=\"1\" refY=\"2\" "
                     "orient=\"auto\"><polygon points=\"0,0 5,2 0,4\" fill=\"%\"/></marker>\n",
                     s->p->colors.ink);
  dz__pen_put(p, "<rect width=\"100%\" height=\"100%\" fill=\"");
  dz__pen_put(p, s->p->colors.paper);
  dz__pen_put(p, "\"/>\n");
}

enum { WORDS = 14, APART = 24 };

/* Entries one beside another; drawn: in the middle. Returns how wide they are. */
static double legend(dz__sketch *s, bool drawn) {
  dz__svg_entry e[DZ__SVG_ENTRIES];
  size_t n = dz__svg_legend(s->p, e);
  double wide = 0, y = s->l.height + LEGEND / 2 + 10;
  for (size_t k = 0; k < n; k++) wide += dz__svg_width(&e[k].text, WORDS) + (k ? APART : 0);
  double x = (s->l.width - wide) / 2;
  for (size_t k = 0; k < n; k++) {
    double own = dz__svg_width(&e[k].text, WORDS);
    bool red = e[k].is.room[0] != 0; /* the room moved with the entry */
    if (drawn) put_text(s, &e[k].text, x + own / 2, y, WORDS, red ? e[k].is.room : e[k].is.color);
    x += own + APART;
    dz__text_free(&e[k].text, &s->p->full.alloc);
  }
  return wide;
}

/* A picture narrower than its legend stands in the middle of that. */
static void widen(dz__sketch *s) {
  double more = legend(s, false) - s->l.width;
  if (more <= 0) return;
  for (size_t i = 0; i < s->l.spots; i++) s->l.spot[i].x += more / 2;
  s->l.width += more;
}

static void draw(dz__sketch *s) {
  const dz__trace *t = s->p->trace;
  put_head(s);
  for (size_t i = 0; i < t->nseen; i++) put_wires(s, i), put_numbers(s, i);
  for (size_t i = 0; i < t->nseen; i++) {
    const dz__spot *at = &s->l.spot[s->node_spot[i]];
    if (dz__is_leaf(&t->seen[i]))
      put_leaf(s, &t->seen[i], at);
    else
      put_operation(s, &t->seen[i], at);
  }
  put_terminal(s, dz__svg_name(s->p, s->p->output), "output", NULL, &s->l.spot[s->output]);
  legend(s, true);
  dz__pen_put(&s->p->pen, "</svg>\n");
}

/* ---- the whole ---- */

static void draw_svg(dz__picture *p) {
  const dz_allocator *a = &p->full.alloc;
  size_t n = p->trace->nseen, uses = p->trace->nuse, words = (3 * n + uses) * sizeof(uint32_t);
  dz__sketch s = {.p = p, .l = {.alloc = *a}};
  s.label = dz__alloc(a, (n + uses) * sizeof *s.label);
  s.node_spot = dz__alloc(a, words);
  s.failed = !s.label || !s.node_spot;
  if (!s.failed) {
    memset(s.label, 0, (n + uses) * sizeof *s.label);
    s.trunk = s.node_spot + n;
    s.branch = s.trunk + n;
    s.use_spot = s.branch + n;
    if (dz__svg_arrange(&s)) widen(&s), draw(&s);
    for (size_t k = 0; k < labels(&s); k++)
      for (int j = 0; j < 4; j++) dz__text_free(&s.label[k].line[j], a);
  }
  dz__layout_free(&s.l);
  dz__free(a, s.label, (n + uses) * sizeof *s.label);
  dz__free(a, s.node_spot, words);
  p->failed = p->failed || s.failed;
}

dz_status dz_write_svg(dz_var y, const dz_dot_options *options, dz_writer *write, void *user) {
  static const dz_dot_options none = {0};
  dz_dot_options o = options ? *options : none;
  if (!write) return DZ_ERR_ARGUMENT;
  o.style = DZ_PICTURE_GRAPH;
  return dz__picture_write(y, &o, draw_svg, write, user);
}
