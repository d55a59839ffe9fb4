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

enum { FEW_INPUTS = 8 };

/* ---- operations ---- */

static void put_box(dz__picture *p, const dz__seen *s) {
  dz__pen_form(&p->pen,
               "  n% [shape=box style=\"rounded,filled\" fixedsize=false margin=\"0.16,0.1\" label=<",
               s->node);
  dz__mark_name(p, s->box);
  dz__pen_put(&p->pen, ">];\n");
}

/* Operands stand from the top in their order where that says which is which, and in what no value is used
   twice, so that nothing need cross. */
static bool in_order(const dz__picture *p, const dz__seen *s) {
  return s->is.nargs > 1 && (dz__look_of(s->is.op).ordered || p->tree[s - p->trace->seen]);
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
  if (in_order(p, s)) dz__pen_put(&p->pen, " ordering=in");
  dz__pen_put(&p->pen, "];\n");
}

/* ---- terminals ---- */

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
  static const char *const role[] = {"input", "parameter", "constant", "data"};
  bool fixed = dz__is_fixed(p, s);
  dz__pen_form(&p->pen, "  n%", s->node);
  open_terminal(p);
  if (s->name && !fixed)
    dz__mark_name(p, s->name);
  else
    dz__mark_value(p, s, s->value, 24);
  close_terminal(p, fixed ? "constant" : role[s->is.role], fixed ? s->name : NULL);
}

static void put_output(dz__picture *p, const dz__seen *y) {
  dz__pen_form(&p->pen, "  o%", y->node);
  open_terminal(p);
  dz__mark_name(p, p->output);
  close_terminal(p, "output", NULL);
}

/* ---- plain numbers ---- */

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
  return user->is.nargs == 2 ? of2[operand] : of3[operand];
}

/* What leaves s: to its one user's wire, or by a branch point to each, or to the output. */
static void put_edges(dz__picture *p, const dz__seen *s) {
  const dz__use *use = p->trace->use;
  size_t i = s->node;
  if (s->uses != 1) dz__pen_form(&p->pen, "  n% -> w%:m:w [headclip=false];  w%:m:e -> ", i, i, i);
  if (s->uses == 0) dz__pen_form(&p->pen, "o% [tailclip=false dir=forward];\n", i);
  if (s->uses > 1) dz__pen_form(&p->pen, "b% [tailclip=false];\n", i);
  for (uint32_t j = s->first; j != DZ__NONE; j = use[j].next) {
    size_t user = p->trace->seen[use[j].user].node, k = use[j].operand;
    dz__pen_form(&p->pen,
                 s->uses > 1 ? "  b% -> w%_%:m:w [headclip=false];\n"
                             : "  n% -> w%_%:m:w [headclip=false];\n",
                 i, user, k);
  }
  if (s->uses < 2) return;
  dz__pen_put(&p->pen, "  { rank=same;");
  for (uint32_t j = s->first; j != DZ__NONE; j = use[j].next)
    dz__pen_form(&p->pen, " w%_%;", p->trace->seen[use[j].user].node, (size_t)use[j].operand);
  dz__pen_put(&p->pen, " }\n");
}

/* What enters s, in order of its operands. */
static void put_arrows(dz__picture *p, const dz__seen *s) {
  for (uint32_t k = 0; k < (uint32_t)s->is.nargs; k++) {
    bool number = p->trace->use[s->args + k].of == DZ__NONE;
    if (number && k == 1 && dz__is_power(p, s)) continue;
    dz__pen_form(&p->pen, number ? "  c%_% -> n%" : "  w%_%:m:e -> n%", s->node, (size_t)k, s->node);
    dz__pen_put(&p->pen, dz__is_power(p, s) ? "" : corner(s, k));
    dz__pen_put(&p->pen, number ? " [dir=forward];\n" : " [tailclip=false dir=forward];\n");
  }
}

/* ---- the legend ---- */

typedef bool which_one(const dz__picture *p, const dz__seen *s);
typedef void put_one(dz__picture *p, const dz__seen *s);

static bool any(const dz__picture *p, const dz__seen *s) { return (void)p, (void)s, true; }
static bool is_leaf(const dz__picture *p, const dz__seen *s) { return (void)p, dz__is_leaf(s); }
static bool is_operation(const dz__picture *p, const dz__seen *s) { return (void)p, !dz__is_leaf(s); }
static bool is_branch(const dz__picture *p, const dz__seen *s) { return (void)p, s->uses > 1; }
static bool is_input(const dz__picture *p, const dz__seen *s) { return (void)p, s->is.role == DZ_ROLE_INPUT; }

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

static void put_legend(dz__picture *p) {
  dz__entry e[DZ__ENTRIES];
  size_t n = dz__legend(p, e);
  dz__pen_put(&p->pen,
              "  label=<<TABLE BORDER=\"0\" CELLBORDER=\"0\" CELLSPACING=\"0\" CELLPADDING=\"12\"><TR>");
  for (size_t k = 0; k < n; k++) dz__mark_entry(p, e[k].english, e[k].color);
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
  each(p, any, dz__draw_wires);
  size_t inputs = each(p, is_input, NULL);
  if (inputs > 1 && inputs <= FEW_INPUTS) {
    dz__pen_put(&p->pen, "  { rank=same;");
    each(p, is_input, put_id);
    dz__pen_put(&p->pen, " }\n");
  }
  dz__mark_attribute(p, "  edge [arrowsize=0.8 penwidth=2 color=\"%\" dir=none weight=10];\n", p->colors.ink);
  each(p, any, put_edges);
  each(p, is_operation, put_arrows);
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
