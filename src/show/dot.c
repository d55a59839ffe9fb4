/* A trace as Graphviz source in the house style. Names in it: n<i> node i of the tape, w<j>_<k> the wire into
   operand k of node j, w<i> the wire that leaves node i before it branches at b<i> (or ends at o<i>, the
   output), c<j>_<k> the plain number that is operand k of node j.

   A wire is a node of its own: a table of three rows, value, line, gradient, whose middle row is a port one
   point high. Edges run into that row's west and east ends unclipped, so the line is unbroken. What a wave
   has not brought yet stands there in no colour, so that all frames have one layout. */
#include "show/picture.h"

#include "base/utf8.h"
#include "dz/text.h"

#include <string.h>

enum { FEW_INPUTS = 8, LARGE = 20, PLAIN = 17, SMALL = 14 };

/* ---- operations ---- */

static void put_box(dz__picture *p, const dz__seen *s) {
  dz__pen_form(&p->pen,
               "  n% [shape=box style=\"rounded,filled\" fixedsize=false margin=\"0.16,0.1\" label=<",
               s->node);
  dz__mark_name(p, s->box);
  dz__pen_put(&p->pen, ">];\n");
}

static void put_operation(dz__picture *p, const dz__seen *s) {
  if (s->box) {
    put_box(p, s);
    return;
  }
  dz__pen_form(&p->pen, "  n% [label=", s->node);
  if (dz__is_power(p, s)) {
    dz__pen_put(&p->pen, "<" DZ__TABLE "<TR><TD>( · )<SUP><FONT POINT-SIZE=\"15\">");
    dz__pen_number(&p->pen, p->trace->use[s->args + 1].number, 11);
    dz__pen_put(&p->pen, "</FONT></SUP></TD></TR></TABLE>>];\n");
    return;
  }
  dz__look l = dz__look_of(s->is.op);
  const char *sign = l.sign ? l.sign : s->is.op;
  size_t wide = dz__utf8_columns(sign, strlen(sign));
  size_t points = l.size ? l.size : wide <= 4 ? 20 : wide <= 8 ? 15 : 14;
  dz__pen_put(&p->pen, "\"");
  dz__pen_put(&p->pen, sign);
  dz__pen_form(&p->pen, "\" fontsize=%", points);
  if (wide > 5 && !l.size) dz__pen_put(&p->pen, wide > 8 ? " width=1.3" : " width=1.05");
  dz__pen_put(&p->pen, "];\n");
}

/* ---- terminals ---- */

static const char *role_text(dz_role role) {
  static const char *const text[] = {"input", "parameter", "constant", "data"};
  return role < DZ_ROLE_NONE ? text[role] : "";
}

static void open_terminal(dz__picture *p) {
  dz__pen_put(&p->pen, " [label=<" DZ__TABLE "<TR><TD CELLPADDING=\"3\"><FONT POINT-SIZE=\"24\">");
}

/* name: of a constant that stands as its number; else NULL */
static void close_terminal(dz__picture *p, const char *role, const char *name) {
  dz__pen_put(&p->pen, "</FONT></TD></TR><TR><TD>");
  dz__mark_font(p, 12, p->colors.grey);
  dz__pen_put(&p->pen, dz__word(p, role));
  if (name) {
    dz__pen_put(&p->pen, " ");
    dz__mark_name(p, name);
  }
  dz__pen_put(&p->pen, "</FONT></TD></TR></TABLE>>];\n");
}

static void put_leaf(dz__picture *p, const dz__seen *s) {
  bool fixed = dz__is_fixed(p, s);
  dz__pen_form(&p->pen, "  n%", s->node);
  open_terminal(p);
  if (s->name && !fixed)
    dz__mark_name(p, s->name);
  else
    dz__mark_value(p, s, s->value, 24);
  close_terminal(p, fixed ? "constant" : role_text(s->is.role), fixed ? s->name : NULL);
}

static void put_output(dz__picture *p, const dz__seen *y) {
  dz__pen_form(&p->pen, "  o%", y->node);
  open_terminal(p);
  dz__mark_name(p, p->output);
  close_terminal(p, "output", NULL);
}

/* ---- wires ---- */

/* What a wire carries. */
typedef struct wire {
  const dz__seen *of;
  const dz__use *use;        /* NULL: the wire before a branch point, or to the output */
  const dz__formal *formula; /* of the gradient; NULL when there is none */
  const double *gradient;    /* NULL for what shows only its shape */
  bool graded, titled;       /* titled: says the name */
  uint32_t back;
} wire;

static const dz__formal no_formula = {{0}, 0};

static void put_number(dz__picture *p, const wire *w, size_t points, const char *ink) {
  dz__pen_put(&p->pen, "<TR><TD>");
  dz__mark_font(p, points, ink);
  dz__mark_value(p, w->of, w->of->value, points);
  dz__pen_put(&p->pen, "</FONT>");
  if (w->of->rank > 0 && dz__is_small(w->of)) {
    dz__pen_put(&p->pen, " ");
    dz__mark_font(p, SMALL, strcmp(ink, "transparent") == 0 ? ink : p->colors.grey);
    dz__pen_put(&p->pen, "∈ ");
    dz__mark_shape(p, w->of);
    dz__pen_put(&p->pen, "</FONT>");
  }
  dz__pen_put(&p->pen, "</TD></TR>");
}

static void put_title(dz__picture *p, const char *name, const char *ink) {
  dz__pen_put(&p->pen, "<TR><TD>");
  dz__mark_font(p, LARGE, ink);
  dz__mark_name(p, name);
  dz__pen_put(&p->pen, "</FONT></TD></TR>");
}

/* What stands for the value in signs: its name, or a formula. False when nothing does. */
static bool put_sign(dz__picture *p, const wire *w, const char *ink) {
  const dz__node_symbol *y = dz__symbol_of(p, w->of);
  bool result = w->of == dz__last(p), formal = y && p->how->written != DZ_WRITTEN_NUM;
  const char *name = result && formal ? p->output : w->of->name;
  bool inner = !dz__is_leaf(w->of) && (w->titled || formal);
  if (name && (inner || (formal && dz__is_leaf(w->of) && !y->fixed))) return put_title(p, name, ink), true;
  return formal && dz__mark_formula(p, &y->value, "", LARGE, ink);
}

/* Whether the formula is a number, so that the number need not be said again. */
static bool says_all(const dz__picture *p, const wire *w) {
  const dz__node_symbol *y = dz__symbol_of(p, w->of);
  if (!y || p->how->written == DZ_WRITTEN_NUM || !y->value.is.tape || w->of->rank) return false;
  if (w->of == dz__last(p) || (w->of->name && !y->fixed)) return false;
  return dz_describe(y->value.is).role != DZ_ROLE_NONE && !dz_name(y->value.is);
}

static void put_above(dz__picture *p, const wire *w) {
  char room[16];
  const char *ink = dz__ink(p, w->of->wave, room);
  dz__pen_put(&p->pen, "<TR><TD CELLPADDING=\"4\">");
  if (dz__shows_values(p)) {
    dz__pen_put(&p->pen, DZ__TABLE);
    bool said = put_sign(p, w, ink);
    bool number = !said || (p->how->written != DZ_WRITTEN_SYM && !says_all(p, w));
    if (number) put_number(p, w, said ? SMALL : PLAIN, ink);
    dz__pen_put(&p->pen, "</TABLE>");
  }
  dz__pen_put(&p->pen, "</TD></TR>");
}

static void put_arrow_number(dz__picture *p, const wire *w, size_t points, const char *red) {
  dz__pen_put(&p->pen, "<TR><TD>");
  dz__mark_font(p, points, red);
  dz__pen_put(&p->pen, "← ");
  dz__mark_value(p, w->of, w->gradient, points);
  dz__pen_put(&p->pen, "</FONT></TD></TR>");
}

/* ∂: the local partial, and its value. */
static void put_partial(dz__picture *p, const wire *w, const char *red) {
  const dz__use_symbol *y = w->use ? dz__symbol_of_use(p, w->use) : NULL;
  const char *color = strcmp(red, "transparent") == 0 ? red : p->colors.partial;
  bool plain;
  if (!p->how->partials || !y || !y->partial.is.tape) return;
  plain = dz_describe(y->partial.is).role != DZ_ROLE_NONE && !dz_name(y->partial.is);
  dz__pen_put(&p->pen, "<TR><TD HEIGHT=\"3\"></TD></TR>");
  dz__mark_formula(p, &y->partial, "∂: ", SMALL, color);
  if (plain || p->how->written == DZ_WRITTEN_SYM) return;
  dz__pen_put(&p->pen, "<TR><TD>");
  dz__mark_font(p, 12, color);
  dz__pen_put(&p->pen, "= ");
  dz__pen_number(&p->pen, dz_value(y->partial.is), 9);
  dz__pen_put(&p->pen, "</FONT></TD></TR>");
}

static void put_below(dz__picture *p, const wire *w) {
  char room[16];
  const char *red = dz__red(p, w->back, room);
  bool sym = p->how->written == DZ_WRITTEN_SYM, both = p->how->written == DZ_WRITTEN_BOTH, said = false;
  dz__pen_put(&p->pen, "<TR><TD CELLPADDING=\"4\">");
  if (w->graded) {
    dz__pen_put(&p->pen, DZ__TABLE);
    if (sym || both) said = dz__mark_formula(p, w->formula, sym ? "← " : "", LARGE, red);
    if (said && both) dz__pen_put(&p->pen, "<TR><TD HEIGHT=\"3\"></TD></TR>");
    if (!said || both) put_arrow_number(p, w, said ? SMALL : PLAIN, red);
    put_partial(p, w, red);
    dz__pen_put(&p->pen, "</TABLE>");
  }
  dz__pen_put(&p->pen, "</TD></TR>");
}

static void put_table(dz__picture *p, const wire *w) {
  const char *ink = p->colors.ink;
  dz__pen_put(&p->pen, " [label=<" DZ__TABLE);
  put_above(p, w);
  dz__pen_put(&p->pen, "<TR><TD PORT=\"m\" HEIGHT=\"1\" BORDER=\"1\" SIDES=\"LR\" COLOR=\"");
  dz__pen_put(&p->pen, ink);
  dz__pen_put(&p->pen, "\" BGCOLOR=\"");
  dz__pen_put(&p->pen, ink);
  dz__pen_put(&p->pen, "\"></TD></TR>");
  put_below(p, w);
  dz__pen_put(&p->pen, "</TABLE>>];\n");
}

/* The wire that a value leaves by, when it branches or is the output. */
static wire trunk_of(const dz__picture *p, const dz__seen *s) {
  const dz__node_symbol *y = dz__symbol_of(p, s);
  bool titled = s->name && !dz__is_leaf(s) && s != dz__last(p);
  return (wire){.of = s,
                .formula = y ? &y->gradient : &no_formula,
                .gradient = s->adjoint,
                .graded = dz__shows_whole(p, s),
                .titled = titled,
                .back = dz__whole_back(s)};
}

static wire wire_of(const dz__picture *p, const dz__seen *s, const dz__use *u, bool alone) {
  const dz__use_symbol *y = dz__symbol_of_use(p, u);
  wire w = trunk_of(p, s);
  w.use = u;
  if (!alone) w.formula = y ? &y->share : &no_formula;
  w.gradient = u->share;
  w.graded = dz__shows_use(p, u);
  w.titled = w.titled && alone;
  w.back = p->trace->seen[u->user].back;
  return w;
}

static void put_wires(dz__picture *p, const dz__seen *s) {
  if (s->uses != 1) {
    wire w = trunk_of(p, s);
    dz__pen_form(&p->pen, "  w%", s->node);
    put_table(p, &w);
  }
  for (uint32_t j = s->first; j != DZ__NONE; j = p->trace->use[j].next) {
    const dz__use *u = &p->trace->use[j];
    wire w = wire_of(p, s, u, s->uses == 1);
    dz__pen_form(&p->pen, "  w%_%", p->trace->seen[u->user].node, (size_t)u->operand);
    put_table(p, &w);
  }
}

/* Plain numbers among the operands of s. */
static void put_numbers(dz__picture *p, const dz__seen *s) {
  for (uint32_t k = 0; k < (uint32_t)s->is.nargs; k++) {
    const dz__use *u = &p->trace->use[s->args + k];
    if (u->of != DZ__NONE || (k == 1 && dz__is_power(p, s))) continue;
    dz__pen_form(&p->pen, "  c%_%", s->node, (size_t)k);
    dz__pen_put(&p->pen, " [label=<<FONT POINT-SIZE=\"18\">");
    dz__pen_number(&p->pen, u->number, 13);
    dz__pen_put(&p->pen, "</FONT>>];\n");
  }
}

/* ---- edges ---- */

/* Where a wire enters its user: by corners when the operands are not alike. */
static const char *corner(const dz__seen *user, uint32_t operand) {
  static const char *const of2[] = {":nw", ":sw"}, *const of3[] = {":nw", ":w", ":sw"};
  if (user->box || !dz__look_of(user->is.op).ordered) return "";
  return user->is.nargs == 2 ? of2[operand] : user->is.nargs == 3 ? of3[operand] : "";
}

/* A wire, from what has been written so far to its user. */
static void put_last_wire(dz__picture *p, const dz__use *u) {
  const dz__seen *user = &p->trace->seen[u->user];
  size_t k = u->operand;
  dz__pen_form(&p->pen, " -> w%_%:m:w [headclip=false];  w%_%:m:e -> n%", user->node, k, user->node, k,
               user->node);
  dz__pen_put(&p->pen, dz__is_power(p, user) ? "" : corner(user, u->operand));
  dz__pen_put(&p->pen, " [tailclip=false dir=forward];\n");
}

/* What leaves s: straight to its one user, or by a branch point to each, or to the output. */
static void put_edges(dz__picture *p, const dz__seen *s) {
  const dz__use *use = p->trace->use;
  size_t i = s->node;
  dz__pen_form(&p->pen, "  n%", i);
  if (s->uses == 1) {
    put_last_wire(p, &use[s->first]);
    return;
  }
  dz__pen_form(&p->pen, " -> w%:m:w [headclip=false];  w%:m:e -> ", i, i);
  if (s->uses == 0) {
    dz__pen_form(&p->pen, "o% [tailclip=false dir=forward];\n", i);
    return;
  }
  dz__pen_form(&p->pen, "b% [tailclip=false];\n", i);
  for (uint32_t j = s->first; j != DZ__NONE; j = use[j].next) {
    dz__pen_form(&p->pen, "  b%", i);
    put_last_wire(p, &use[j]);
  }
  dz__pen_put(&p->pen, "  { rank=same;");
  for (uint32_t j = s->first; j != DZ__NONE; j = use[j].next)
    dz__pen_form(&p->pen, " w%_%;", p->trace->seen[use[j].user].node, (size_t)use[j].operand);
  dz__pen_put(&p->pen, " }\n");
}

static void put_number_edges(dz__picture *p, const dz__seen *s) {
  for (uint32_t k = 0; k < (uint32_t)s->is.nargs; k++) {
    if (p->trace->use[s->args + k].of != DZ__NONE || (k == 1 && dz__is_power(p, s))) continue;
    dz__pen_form(&p->pen, "  c%_% -> n%", s->node, (size_t)k, s->node);
    dz__pen_put(&p->pen, corner(s, k));
    dz__pen_put(&p->pen, " [dir=forward];\n");
  }
}

/* ---- the legend ---- */

typedef bool which_one(const dz__picture *p, const dz__seen *s);
typedef void put_one(dz__picture *p, const dz__seen *s);

static bool any(const dz__picture *p, const dz__seen *s) { return p != NULL && s != NULL; }
static bool is_leaf(const dz__picture *p, const dz__seen *s) { return p && dz__is_leaf(s); }
static bool is_operation(const dz__picture *p, const dz__seen *s) { return p && !dz__is_leaf(s); }
static bool is_branch(const dz__picture *p, const dz__seen *s) { return p && s->uses > 1; }
static bool is_input(const dz__picture *p, const dz__seen *s) { return p && s->is.role == DZ_ROLE_INPUT; }

static size_t each(dz__picture *p, which_one which, put_one put) {
  size_t n = 0;
  for (size_t i = 0; i < p->trace->nseen; i++) {
    if (!which(p, &p->trace->seen[i])) continue;
    n++;
    if (put) put(p, &p->trace->seen[i]);
  }
  return n;
}

static void put_branch(dz__picture *p, const dz__seen *s) { dz__pen_form(&p->pen, "  b%;\n", s->node); }
static void put_id(dz__picture *p, const dz__seen *s) { dz__pen_form(&p->pen, " n%;", s->node); }

/* By their places; by colours too where there are such. */
static void put_legend(dz__picture *p) {
  bool light = p->how->theme == DZ_THEME_LIGHT, mono = p->how->theme == DZ_THEME_MONO;
  char room[16];
  dz__pen_put(&p->pen,
              "  label=<<TABLE BORDER=\"0\" CELLBORDER=\"0\" CELLSPACING=\"0\" CELLPADDING=\"12\"><TR>");
  if (dz__shows_values(p))
    dz__mark_entry(p, light ? "black, above the line: value →" : "above the line: value →", p->colors.ink);
  if (each(p, dz__shows_whole, NULL))
    dz__mark_entry(p, mono ? "below the line: gradient ←" : "red, below the line: gradient ←",
                   dz__red(p, 1, room));
  if (each(p, is_branch, NULL)) dz__mark_entry(p, "●: branch (gradients add)", p->colors.ink);
  if (p->how->partials && p->symbols.tape) dz__mark_entry(p, "∂: local partial", p->colors.partial);
  dz__mark_point(p);
  dz__pen_put(&p->pen, "</TR></TABLE>>;\n");
}

/* ---- the whole ---- */

void dz__draw_graph(dz__picture *p) {
  dz__mark_head(p);
  put_legend(p);
  dz__mark_attribute(p, "  node [shape=circle fixedsize=true width=0.76 penwidth=2 color=\"%\" ",
                     p->colors.ink);
  dz__mark_attribute(p, "style=filled fillcolor=\"%\"];\n", p->colors.fill);
  each(p, is_operation, put_operation);
  dz__mark_attribute(
      p,
      "  node [shape=circle fixedsize=true width=0.17 label=\"\" style=filled fillcolor=\"%\" penwidth=1];\n",
      p->colors.ink);
  each(p, is_branch, put_branch);
  dz__pen_put(&p->pen, "  node [shape=plain fixedsize=false style=\"\"];\n");
  each(p, is_leaf, put_leaf);
  each(p, is_operation, put_numbers);
  put_output(p, dz__last(p));
  each(p, any, put_wires);
  size_t inputs = each(p, is_input, NULL);
  if (inputs > 1 && inputs <= FEW_INPUTS) {
    dz__pen_put(&p->pen, "  { rank=same;");
    each(p, is_input, put_id);
    dz__pen_put(&p->pen, " }\n");
  }
  dz__mark_attribute(p, "  edge [arrowsize=0.8 penwidth=2 color=\"%\" dir=none weight=10];\n", p->colors.ink);
  each(p, any, put_edges);
  each(p, is_operation, put_number_edges);
  dz__pen_put(&p->pen, "}\n");
}

dz_status dz_write_dot(dz_var y, const dz_dot_options *options, dz_writer *write, void *user) {
  static const dz_dot_options none = {0};
  static void (*const draw[])(dz__picture *) = {dz__draw_graph, dz__draw_vars, dz__draw_layers,
                                                dz__draw_neurons};
  const dz_dot_options *o = options ? options : &none;
  if (!write || o->style > DZ_PICTURE_NEURONS) return DZ_ERR_ARGUMENT;
  return dz__picture_write(y, o, draw[o->style], write, user);
}
