/* The house style without Graphviz: formulas on one line, wires as curves between the layers of layout.c. A
   wave takes four layers: operations and leaves, the wires that leave them, branch points, the wires from
   there. */
#include "show/layout.h"
#include "show/picture.h"

#include "base/utf8.h"

#include <string.h>

enum { RADIUS = 24, LARGE = 19, SMALL = 13, LINE = 17, MARGIN = 16, LEGEND = 40, MOST_SPOTS = 1 << 21 };

/* Up to two lines on each side of a wire, or the two of a terminal. */
typedef struct label {
  dz__text line[4]; /* formula and number above, formula and number below */
  double width;
  uint32_t above, below; /* waves */
  bool graded;
} label;

typedef struct sketch {
  dz__picture *p;
  dz__layout l;
  label *label; /* per trunk (node), then per use */
  uint32_t *node_spot, *trunk, *branch, *use_spot;
  uint32_t output;
  bool failed;
} sketch;

static size_t labels(const sketch *s) { return s->p->trace->nseen + s->p->trace->nuse; }

/* ---- texts ---- */

/* Set wide, since fonts differ. */
static double width_of(const char *text, size_t points) {
  return text ? .6 * (double)points * (double)dz__utf8_columns(text, strlen(text)) : 0;
}

static dz__text joined(sketch *s, const char *text, size_t n, const char *tail) {
  size_t more = strlen(tail) + 1;
  dz__text t = {.at = dz__alloc(&s->p->full.alloc, n + more), .size = n + more - 1, .cap = n + more};
  if (!t.at) return s->failed = true, (dz__text){0};
  memcpy(t.at, text, n);
  memcpy(t.at + n, tail, more);
  return t;
}

static dz__text copied(sketch *s, const char *text, size_t n) { return joined(s, text, n, ""); }

/* One whose steps were not all algebra has a mark. */
static dz__text formula_text(sketch *s, const dz__formal *f) {
  const dz__set_options how = {DZ__SET_LINE, s->p->pen.digits, 0, NULL, false};
  if (!f->is.tape) return (dz__text){0};
  dz__text t = dz__set(f->is, &how, &s->p->full.alloc);
  if (!t.at) s->failed = true;
  if (!t.at || !f->guesses) return t;
  dz__text marked = joined(s, t.at, t.size, "†");
  dz__text_free(&t, &s->p->full.alloc);
  return marked;
}

/* The value as the labels of Graphviz say it, but for superscripts: 1e-9, [1, 2], 3×2. */
static dz__text value_text(sketch *s, const dz__seen *x, const double *v, const char *lead) {
  char text[256];
  size_t n = strlen(lead);
  memcpy(text, lead, n);
  if (dz__is_small(x) && v) {
    for (size_t e = 0; e < x->size; e++) {
      if (x->rank && e == 0) text[n++] = '[';
      if (e) text[n++] = ',', text[n++] = ' ';
      size_t minus = v[e] < 0;
      if (minus) memcpy(text + n, "\u2212", 3), n += 3;
      n += dz_number_write(minus ? -v[e] : v[e], s->p->pen.digits, text + n);
    }
    if (x->rank) text[n++] = ']';
    return copied(s, text, n);
  }
  for (int k = 0; k < x->rank; k++) {
    if (k) memcpy(text + n, "×", 2), n += 2;
    n += dz_number_write((double)x->dims[k], 0, text + n);
  }
  return copied(s, text, n);
}

static double widest(const label *t) {
  double most = 40;
  for (int k = 0; k < 4; k++) {
    double w = width_of(t->line[k].at, k % 2 ? SMALL : LARGE);
    if (w > most) most = w;
  }
  return most + 8;
}

static bool signs(const sketch *s) { return s->p->how->written != DZ_WRITTEN_NUM; }
static bool numbers(const sketch *s) { return s->p->how->written != DZ_WRITTEN_SYM; }

static void say_value(sketch *s, const dz__seen *x, label *t) {
  const dz__node_symbol *y = dz__symbol_of(s->p, x);
  const char *name = x == dz__last(s->p) ? s->p->output : x->name;
  if (!dz__shows_values(s->p)) return;
  if (name && !dz__is_fixed(s->p, x) && (!dz__is_leaf(x) || signs(s)))
    t->line[0] = copied(s, name, strlen(name));
  else if (y && signs(s))
    t->line[0] = formula_text(s, &y->value);
  if (numbers(s) || !t->line[0].at) t->line[1] = value_text(s, x, x->value, "");
  if (t->line[0].at && t->line[1].at && strcmp(t->line[0].at, t->line[1].at) == 0)
    dz__text_free(&t->line[1], &s->p->full.alloc);
}

static void say_gradient(sketch *s, const dz__seen *x, const dz__formal *f, const double *g, label *t) {
  if (!t->graded) return;
  if (f && signs(s)) t->line[2] = formula_text(s, f);
  if (numbers(s) || !t->line[2].at) t->line[3] = value_text(s, x, g, "← ");
}

static void say_trunk(sketch *s, const dz__seen *x, label *t) {
  const dz__node_symbol *y = dz__symbol_of(s->p, x);
  *t = (label){.above = x->wave, .below = dz__whole_back(x), .graded = dz__shows_whole(s->p, x)};
  say_value(s, x, t);
  say_gradient(s, x, y ? &y->gradient : NULL, x->adjoint, t);
  t->width = widest(t);
}

static void say_use(sketch *s, const dz__use *u, label *t) {
  const dz__seen *x = &s->p->trace->seen[u->of];
  const dz__use_symbol *y = dz__symbol_of_use(s->p, u);
  const dz__node_symbol *own = dz__symbol_of(s->p, x);
  const dz__formal *f = y ? &y->share : NULL;
  if (x->uses == 1 && own) f = &own->gradient;
  *t = (label){.above = x->wave, .below = s->p->trace->seen[u->user].back, .graded = dz__shows_use(s->p, u)};
  say_value(s, x, t);
  say_gradient(s, x, f, u->share, t);
  t->width = widest(t);
}

/* ---- spots ---- */

static uint32_t add_spot(sketch *s, uint32_t layer, double width, double height) {
  if (s->l.spots >= MOST_SPOTS || !dz__layout_spot(&s->l, layer, width, height)) s->failed = true;
  return s->failed ? 0 : (uint32_t)s->l.spots - 1;
}

static void add_link(sketch *s, uint32_t from, uint32_t to) {
  if (!s->failed && !dz__layout_link(&s->l, from, to)) s->failed = true;
}

/* A link over several layers goes by points of its own in between: they come one after another, behind
 * `from`.
 */
static void add_road(sketch *s, uint32_t from, uint32_t to) {
  uint32_t last = from;
  if (s->failed) return;
  for (uint32_t layer = s->l.spot[from].layer + 1; layer < s->l.spot[to].layer && !s->failed; layer++) {
    uint32_t spot = add_spot(s, layer, 1, 1);
    add_link(s, last, spot);
    last = spot;
  }
  add_link(s, last, to);
}

static double operation_width(const dz__seen *x) {
  const char *sign = dz__look_of(x->is.op).sign;
  double own = width_of(x->box ? x->box : sign ? sign : x->is.op, 17) + 16;
  return own > 2 * RADIUS ? own : 2 * RADIUS;
}

static double leaf_width(const dz__seen *x) {
  double own = width_of(x->name, 22) + 12;
  return own > 60 ? own : 60;
}

/* Leaves stand just before the first that uses them. */
static uint32_t layer_of(const sketch *s, const dz__seen *x) {
  uint32_t least = UINT32_MAX;
  if (!dz__is_leaf(x) || x->uses == 0) return 4 * x->wave;
  for (uint32_t j = x->first; j != DZ__NONE; j = s->p->trace->use[j].next) {
    uint32_t user = s->p->trace->seen[s->p->trace->use[j].user].wave;
    if (user < least) least = user;
  }
  return 4 * (least - 1);
}

static void add_nodes(sketch *s) {
  const dz__trace *t = s->p->trace;
  for (size_t i = 0; i < t->nseen; i++) {
    const dz__seen *x = &t->seen[i];
    s->node_spot[i] =
        add_spot(s, layer_of(s, x), dz__is_leaf(x) ? leaf_width(x) : operation_width(x), RADIUS);
  }
  const dz__seen *y = dz__last(s->p);
  s->output = add_spot(s, layer_of(s, y) + 2, 60, RADIUS);
}

static void add_wires(sketch *s, size_t i) {
  const dz__trace *t = s->p->trace;
  const dz__seen *x = &t->seen[i];
  uint32_t from = s->node_spot[i], layer = layer_of(s, x);
  if (x->uses != 1) {
    say_trunk(s, x, &s->label[i]);
    s->trunk[i] = add_spot(s, layer + 1, s->label[i].width, 2 * LINE);
    add_link(s, from, s->trunk[i]);
    s->branch[i] = x->uses ? add_spot(s, layer + 2, 10, 5) : s->output;
    add_link(s, s->trunk[i], s->branch[i]);
    from = s->branch[i];
  }
  for (uint32_t j = x->first; j != DZ__NONE && !s->failed; j = t->use[j].next) {
    label *own = &s->label[t->nseen + j];
    say_use(s, &t->use[j], own);
    s->use_spot[j] = add_spot(s, layer + (x->uses != 1 ? 3 : 1), own->width, 2 * LINE);
    add_link(s, from, s->use_spot[j]);
    add_road(s, s->use_spot[j], s->node_spot[t->use[j].user]);
  }
}

/* ---- drawing ---- */

static void put_real(sketch *s, double v) {
  char text[32];
  dz_number_write((double)(long)(v * 10 + (v < 0 ? -.5 : .5)) / 10, 0, text);
  dz__pen_put(&s->p->pen, text);
}

static void put_pair(sketch *s, const char *before, double x, double y) {
  dz__pen_put(&s->p->pen, before);
  put_real(s, x + MARGIN);
  dz__pen_put(&s->p->pen, " ");
  put_real(s, y + MARGIN);
}

static void put_text(sketch *s, const char *text, double x, double y, size_t points, const char *color,
                     bool slanted) {
  dz__pen_put(&s->p->pen, "<text x=\"");
  put_real(s, x + MARGIN);
  dz__pen_put(&s->p->pen, "\" y=\"");
  put_real(s, y + MARGIN);
  dz__pen_form(&s->p->pen, "\" font-size=\"%\" fill=\"", points);
  dz__pen_put(&s->p->pen, color);
  dz__pen_put(&s->p->pen, slanted ? "\" font-style=\"italic\">" : "\">");
  dz__pen_escaped(&s->p->pen, text);
  dz__pen_put(&s->p->pen, "</text>\n");
}

static void put_curve(sketch *s, double x, double y, double to_x, double to_y) {
  double half = (to_x - x) / 2;
  put_pair(s, " C", x + half, y);
  put_pair(s, " ", x + half, to_y);
  put_pair(s, " ", to_x, to_y);
}

static double right_of(const dz__spot *a) { return a->x + a->width / 2; }
static double left_of(const dz__spot *a) { return a->x - a->width / 2; }

static void open_path(sketch *s, double x, double y) { put_pair(s, "<path d=\"M", x, y); }

static void close_path(sketch *s, bool arrow) {
  dz__pen_put(&s->p->pen, arrow ? "\" marker-end=\"url(#a)\"/>\n" : "\"/>\n");
}

/* Through the label's place, and on by the road's points, which follow it, to the user. */
static void put_road(sketch *s, const dz__spot *from, uint32_t by, const dz__spot *to, bool arrow) {
  const dz__spot *spot = s->l.spot, *at = &spot[by];
  open_path(s, right_of(from), from->y);
  put_curve(s, right_of(from), from->y, left_of(at), at->y);
  put_pair(s, " L", right_of(at), at->y);
  for (uint32_t k = by + 1;
       k < s->l.spots && spot[k].layer == spot[k - 1].layer + 1 && spot[k].layer < to->layer; k++) {
    put_curve(s, right_of(at), at->y, left_of(&spot[k]), spot[k].y);
    at = &spot[k];
  }
  put_curve(s, right_of(at), at->y, left_of(to) - (arrow ? 7 : 0), to->y);
  close_path(s, arrow);
}

static void put_label(sketch *s, const label *t, const dz__spot *at) {
  char room[16], other[16];
  const char *ink = dz__ink(s->p, t->above, room), *red = dz__red(s->p, t->below, other);
  double y = at->y - 6;
  if (t->line[1].at) put_text(s, t->line[1].at, at->x, y, SMALL, ink, false), y -= LINE - 2;
  if (t->line[0].at) put_text(s, t->line[0].at, at->x, y, LARGE, ink, true);
  y = at->y + LINE;
  if (t->line[2].at) put_text(s, t->line[2].at, at->x, y + 2, LARGE, red, true), y += LINE - 1;
  if (t->line[3].at) put_text(s, t->line[3].at, at->x, y, SMALL, red, false);
}

static void put_operation(sketch *s, const dz__seen *x, const dz__spot *at) {
  dz__look l = dz__look_of(x->is.op);
  const char *sign = x->box ? x->box : dz__is_power(s->p, x) ? NULL : l.sign ? l.sign : x->is.op;
  bool round = at->width <= 2 * RADIUS && !x->box;
  char power[48] = "( · )^";
  if (!sign) dz_number_write(s->p->trace->use[x->args + 1].number, s->p->pen.digits, power + strlen(power));
  dz__pen_put(&s->p->pen, round ? "<circle class=\"o\" cx=\"" : "<rect class=\"o\" rx=\"12\" x=\"");
  put_real(s, (round ? at->x : left_of(at)) + MARGIN);
  dz__pen_put(&s->p->pen, round ? "\" cy=\"" : "\" y=\"");
  put_real(s, at->y - (round ? 0 : RADIUS) + MARGIN);
  dz__pen_put(&s->p->pen, round ? "\" r=\"" : "\" width=\"");
  put_real(s, round ? RADIUS : at->width);
  if (!round) dz__pen_put(&s->p->pen, "\" height=\""), put_real(s, 2 * RADIUS);
  dz__pen_put(&s->p->pen, "\"/>\n");
  size_t points = !sign ? 12 : l.size && !x->box ? l.size * 8 / 10 : 15;
  if (sign && l.sign == sign && sign[0] == '&') sign = strcmp(sign, "&lt;") == 0 ? "<" : ">";
  put_text(s, sign ? sign : power, at->x, at->y + (double)points * .33, points, s->p->colors.ink, false);
}

static void put_terminal(sketch *s, const char *name, const char *role, const dz__spot *at) {
  put_text(s, name, at->x, at->y + 6, 22, s->p->colors.ink, true);
  put_text(s, dz__word(s->p, role), at->x, at->y + 21, 12, s->p->colors.grey, false);
}

static void put_leaf(sketch *s, const dz__seen *x, const dz__spot *at) {
  static const char *const role[] = {"input", "parameter", "constant", "data"};
  bool fixed = dz__is_fixed(s->p, x);
  dz__text t = x->name && !fixed ? copied(s, x->name, strlen(x->name)) : value_text(s, x, x->value, "");
  if (t.at) put_terminal(s, t.at, fixed ? "constant" : role[x->is.role], at);
  dz__text_free(&t, &s->p->full.alloc);
}

static void put_wires(sketch *s, size_t i) {
  const dz__trace *t = s->p->trace;
  const dz__spot *spot = s->l.spot, *from = &spot[s->node_spot[i]];
  if (t->seen[i].uses != 1) {
    const dz__spot *end = &spot[s->branch[i]];
    put_road(s, from, s->trunk[i], end, t->seen[i].uses == 0);
    put_label(s, &s->label[i], &spot[s->trunk[i]]);
    from = end;
  }
  if (t->seen[i].uses > 1) {
    put_pair(s, "<path class=\"d\" d=\"M", from->x - 5, from->y);
    dz__pen_put(&s->p->pen, " a5 5 0 1 0 10 0 a5 5 0 1 0 -10 0\"/>\n");
  }
  for (uint32_t j = t->seen[i].first; j != DZ__NONE; j = t->use[j].next) {
    put_road(s, from, s->use_spot[j], &spot[s->node_spot[t->use[j].user]], true);
    put_label(s, &s->label[t->nseen + j], &spot[s->use_spot[j]]);
  }
}

static void put_head(sketch *s) {
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
  dz__pen_put(p, "\" font-family=\"Times,serif\" text-anchor=\"middle\">\n");
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

static void put_legend(sketch *s) {
  char room[16];
  double y = s->l.height + LEGEND / 2 + 8;
  bool any = false;
  for (size_t i = 0; i < s->p->trace->nseen; i++) any = any || dz__shows_whole(s->p, &s->p->trace->seen[i]);
  if (dz__shows_values(s->p))
    put_text(s, dz__word(s->p, "above the line: value →"), s->l.width * .25, y, 14, s->p->colors.ink, false);
  if (any)
    put_text(s, dz__word(s->p, "below the line: gradient ←"), s->l.width * .6, y, 14, dz__red(s->p, 1, room),
             false);
}

static void draw(sketch *s) {
  const dz__trace *t = s->p->trace;
  s->p->pen.xml = true;
  put_head(s);
  for (size_t i = 0; i < t->nseen; i++) put_wires(s, i);
  for (size_t i = 0; i < t->nseen; i++) {
    const dz__spot *at = &s->l.spot[s->node_spot[i]];
    if (dz__is_leaf(&t->seen[i]))
      put_leaf(s, &t->seen[i], at);
    else
      put_operation(s, &t->seen[i], at);
  }
  put_terminal(s, s->p->output, "output", &s->l.spot[s->output]);
  put_legend(s);
  dz__pen_put(&s->p->pen, "</svg>\n");
}

/* ---- the whole ---- */

static void draw_svg(dz__picture *p) {
  const dz_allocator *a = &p->full.alloc;
  size_t n = p->trace->nseen, uses = p->trace->nuse, words = (3 * n + uses) * sizeof(uint32_t);
  sketch s = {.p = p, .l = {.alloc = *a}};
  s.label = dz__alloc(a, (n + uses) * sizeof *s.label);
  s.node_spot = dz__alloc(a, words);
  s.failed = !s.label || !s.node_spot;
  if (!s.failed) {
    memset(s.label, 0, (n + uses) * sizeof *s.label);
    s.trunk = s.node_spot + n;
    s.branch = s.trunk + n;
    s.use_spot = s.branch + n;
    add_nodes(&s);
    for (size_t i = 0; i < n && !s.failed; i++) add_wires(&s, i);
    s.failed = s.failed || !dz__layout_place(&s.l);
    if (!s.failed) draw(&s);
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
