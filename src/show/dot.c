/* A trace as Graphviz source in the house style. Names in it: n<i> node i of the tape, w<j>_<k> the wire into
   operand k of node j, w<i> the wire that leaves node i before it branches at b<i> (or ends at o<i>, the
   output), c<j>_<k> the plain number that is operand k of node j.

   A wire is a node of its own: a table of three rows, value, line, gradient, whose middle row is a port one
   point high. Edges run into that row's west and east ends unclipped, so the line is unbroken. */
#include "dz/show.h"

#include "base/utf8.h"
#include "dz/text.h"
#include "show/pen.h"
#include "show/trace.h"

#include <string.h>

enum { DIGITS = 4, MOST_NODES = 1000, FEW_INPUTS = 8 };

#define RED "#C62828"
#define GREY "#5F6368"
#define TABLE "<TABLE BORDER=\"0\" CELLBORDER=\"0\" CELLSPACING=\"0\" CELLPADDING=\"0\">"

/* ---- operations ---- */

/* How an operation looks when not by its name, and whether it matters which operand is which. */
typedef struct look {
  const char *op, *sign;
  size_t size; /* points; 0: by length */
  bool ordered;
} look;

static const look looks[] = {
    {"add", "+", 34, false},
    {"sub", "\u2212", 34, true},
    {"mul", "×", 32, false},
    {"div", "÷", 34, true},
    {"neg", "\u2212( · )", 19, false},
    {"sigmoid", "σ", 28, false},
    {"sqrt", "√", 28, false},
    {"fabs", "| · |", 22, false},
    {"floor", "⌊ · ⌋", 20, false},
    {"ceil", "⌈ · ⌉", 20, false},
    {"norm", "‖ · ‖", 22, false},
    {"fmax", "max", 0, false},
    {"fmin", "min", 0, false},
    {"lt", "&lt;", 30, true},
    {"le", "≤", 30, true},
    {"gt", "&gt;", 30, true},
    {"ge", "≥", 30, true},
    {"eq", "=", 30, false},
    {"ne", "≠", 30, false},
    {"and", "∧", 28, false},
    {"or", "∨", 28, false},
    {"not", "¬", 28, false},
    {"sum", "Σ", 28, false},
    {"prod", "Π", 28, false},
    {"matmul", "@", 26, true},
    {"pow", NULL, 0, true},
    {"atan2", NULL, 0, true},
    {"xlogy", NULL, 0, true},
    {"polygamma", NULL, 0, true},
    {"fmod", NULL, 0, true},
    {"mod", NULL, 0, true},
    {"copysign", NULL, 0, true},
    {"gather", NULL, 0, true},
    {"clamp", NULL, 0, true},
    {"where", NULL, 0, true},
};

static look look_of(const char *op) {
  for (size_t i = 0; i < sizeof looks / sizeof *looks; i++)
    if (strcmp(looks[i].op, op) == 0) return looks[i];
  return (look){op, NULL, 0, false};
}

typedef struct drawing {
  dz__trace trace;
  dz__pen pen;
  const char *output;
} drawing;

/* x^2 and the like: the exponent stands in the circle instead of in a leaf. */
static bool is_power(const drawing *d, const dz__seen *s) {
  char text[32];
  if (strcmp(s->is.op, "pow") != 0) return false;
  const dz__use *y = &d->trace.use[s->args + 1];
  return y->of == DZ__NONE && dz_number_write(y->number, d->pen.digits, text) <= 3;
}

static void put_operation(drawing *d, const dz__seen *s) {
  dz__pen *p = &d->pen;
  dz__pen_form(p, "  n% [label=", s->node);
  if (is_power(d, s)) {
    dz__pen_put(p, "<" TABLE "<TR><TD>( · )<SUP><FONT POINT-SIZE=\"15\">");
    dz__pen_number(p, d->trace.use[s->args + 1].number, 11);
    dz__pen_put(p, "</FONT></SUP></TD></TR></TABLE>>];\n");
    return;
  }
  look l = look_of(s->is.op);
  const char *sign = l.sign ? l.sign : s->is.op;
  size_t wide = dz__utf8_columns(sign, strlen(sign));
  size_t points = l.size ? l.size : wide <= 4 ? 20 : wide <= 8 ? 15 : 14;
  dz__pen_put(p, "\"");
  dz__pen_put(p, sign);
  dz__pen_form(p, "\" fontsize=%", points);
  if (wide > 5 && !l.size) dz__pen_put(p, wide > 8 ? " width=1.3" : " width=1.05");
  dz__pen_put(p, "];\n");
}

/* ---- values ---- */

static void put_name(dz__pen *p, const char *name) {
  bool latin = true;
  for (const char *c = name; *c; c++) latin = latin && (unsigned char)*c < 0x80;
  dz__pen_put(p, latin ? "<I>" : "");
  dz__pen_escaped(p, name);
  dz__pen_put(p, latin ? "</I>" : "");
}

/* ℝ with the extents as superscript: what a large tensor shows, and a small one beside its elements. */
static void put_shape(dz__pen *p, const dz__seen *s) {
  dz__pen_put(p, "ℝ<SUP><FONT POINT-SIZE=\"12\">");
  for (int k = 0; k < s->rank; k++) {
    dz__pen_form(p, k ? "×%" : "%", s->dims[k]);
  }
  dz__pen_put(p, "</FONT></SUP>");
}

/* Elements with a bracket at each end of each axis; at most DZ__SHOWN_ELEMENTS of them. */
static void put_elements(dz__pen *p, const dz__seen *s, const double *v) {
  for (size_t e = 0; e < s->size; e++) {
    size_t block = s->size;
    dz__pen_put(p, e ? ", " : "");
    for (int k = 0; k < s->rank; block /= s->dims[k++])
      if (e % block == 0) dz__pen_put(p, "[");
    dz__pen_number(p, v[e], 12);
    block = s->size;
    for (int k = 0; k < s->rank; block /= s->dims[k++])
      if ((e + 1) % block == 0) dz__pen_put(p, "]");
  }
}

static bool is_small(const dz__seen *s) { return s->size > 0 && s->size <= DZ__SHOWN_ELEMENTS; }

static void put_value(dz__pen *p, const dz__seen *s, const double *v) {
  if (is_small(s))
    put_elements(p, s, v);
  else
    put_shape(p, s);
}

/* ---- terminals and wires ---- */

static const char *role_text(dz_role role) {
  static const char *const text[] = {"input", "parameter", "constant", "data"};
  return role < DZ_ROLE_NONE ? text[role] : "";
}

static void open_terminal(dz__pen *p) {
  dz__pen_put(p, " [label=<" TABLE "<TR><TD CELLPADDING=\"3\"><FONT POINT-SIZE=\"24\">");
}

static void close_terminal(dz__pen *p, const char *role) {
  dz__pen_put(p, "</FONT></TD></TR><TR><TD><FONT POINT-SIZE=\"12\" COLOR=\"" GREY "\">");
  dz__pen_put(p, role);
  dz__pen_put(p, "</FONT></TD></TR></TABLE>>];\n");
}

static void put_leaf(drawing *d, const dz__seen *s) {
  dz__pen *p = &d->pen;
  dz__pen_form(p, "  n%", s->node);
  open_terminal(p);
  if (s->name)
    put_name(p, s->name);
  else
    put_value(p, s, s->value);
  close_terminal(p, role_text(s->is.role));
}

static void put_output(drawing *d, const dz__seen *y) {
  dz__pen_form(&d->pen, "  o%", y->node);
  open_terminal(&d->pen);
  put_name(&d->pen, d->output);
  close_terminal(&d->pen, "output");
}

/* The table of a wire that carries s. titled: it says the name too. gradient may be NULL for what shows only
   its shape. */
static void put_table(drawing *d, const dz__seen *s, bool titled, bool graded, const double *gradient) {
  dz__pen *p = &d->pen;
  dz__pen_put(p, " [label=<" TABLE "<TR><TD CELLPADDING=\"4\">");
  if (titled) {
    dz__pen_put(p, TABLE "<TR><TD>");
    put_name(p, s->name);
    dz__pen_put(p, "</TD></TR><TR><TD>");
  }
  dz__pen_put(p, titled ? "<FONT POINT-SIZE=\"14\">" : "<FONT POINT-SIZE=\"17\">");
  put_value(p, s, s->value);
  dz__pen_put(p, "</FONT>");
  if (s->rank > 0 && is_small(s)) {
    dz__pen_put(p, " <FONT POINT-SIZE=\"14\" COLOR=\"" GREY "\">∈ ");
    put_shape(p, s);
    dz__pen_put(p, "</FONT>");
  }
  dz__pen_put(p, titled ? "</TD></TR></TABLE>" : "");
  dz__pen_put(p, "</TD></TR><TR><TD PORT=\"m\" HEIGHT=\"1\" BORDER=\"1\" SIDES=\"LR\" COLOR=\"#111111\" "
                 "BGCOLOR=\"#111111\"></TD></TR><TR><TD CELLPADDING=\"4\">");
  if (graded) {
    dz__pen_put(p, "<FONT POINT-SIZE=\"17\" COLOR=\"" RED "\">← ");
    put_value(p, s, gradient);
    dz__pen_put(p, "</FONT>");
  }
  dz__pen_put(p, "</TD></TR></TABLE>>];\n");
}

static const dz__seen *user_of(const drawing *d, const dz__use *u) { return &d->trace.seen[u->user]; }

static bool is_output(const drawing *d, const dz__seen *s) { return s == &d->trace.seen[d->trace.nseen - 1]; }

/* Wires that carry s: the one it leaves by, when that branches or is the output, and one to each user. */
static void put_wires(drawing *d, const dz__seen *s) {
  bool trunk = s->uses != 1, titled = s->name && s->is.role == DZ_ROLE_NONE && !is_output(d, s);
  if (trunk) {
    dz__pen_form(&d->pen, "  w%", s->node);
    put_table(d, s, titled, s->adjoint != NULL, s->adjoint);
  }
  for (uint32_t j = s->first; j != DZ__NONE; j = d->trace.use[j].next) {
    const dz__use *u = &d->trace.use[j];
    const dz__seen *user = user_of(d, u);
    dz__pen_form(&d->pen, "  w%_%", user->node, (size_t)u->operand);
    put_table(d, s, titled && !trunk, s->adjoint && user->adjoint, u->share);
  }
}

/* Plain numbers among the operands of s. */
static void put_numbers(drawing *d, const dz__seen *s) {
  for (uint32_t k = 0; k < (uint32_t)s->is.nargs; k++) {
    const dz__use *u = &d->trace.use[s->args + k];
    if (u->of != DZ__NONE || (k == 1 && is_power(d, s))) continue;
    dz__pen_form(&d->pen, "  c%_%", s->node, (size_t)k);
    dz__pen_put(&d->pen, " [label=<<FONT POINT-SIZE=\"18\">");
    dz__pen_number(&d->pen, u->number, 13);
    dz__pen_put(&d->pen, "</FONT>>];\n");
  }
}

/* ---- edges ---- */

/* Where a wire enters its user: by corners when the operands are not alike. */
static const char *corner(const dz__seen *user, uint32_t operand) {
  static const char *const of2[] = {":nw", ":sw"}, *const of3[] = {":nw", ":w", ":sw"};
  if (!look_of(user->is.op).ordered) return "";
  return user->is.nargs == 2 ? of2[operand] : user->is.nargs == 3 ? of3[operand] : "";
}

/* A wire, from what has been written so far to its user. */
static void put_last_wire(drawing *d, const dz__use *u) {
  const dz__seen *user = user_of(d, u);
  size_t k = u->operand;
  dz__pen_form(&d->pen, " -> w%_%:m:w [headclip=false];  w%_%:m:e -> n%", user->node, k, user->node, k,
               user->node);
  dz__pen_put(&d->pen, is_power(d, user) ? "" : corner(user, u->operand));
  dz__pen_put(&d->pen, " [tailclip=false dir=forward];\n");
}

/* What leaves s: straight to its one user, or by a branch point to each, or to the output. */
static void put_edges(drawing *d, const dz__seen *s) {
  dz__pen *p = &d->pen;
  const dz__use *use = d->trace.use;
  size_t i = s->node;
  dz__pen_form(p, "  n%", i);
  if (s->uses == 1) {
    put_last_wire(d, &use[s->first]);
    return;
  }
  dz__pen_form(p, " -> w%:m:w [headclip=false];  w%:m:e -> ", i, i);
  if (s->uses == 0) {
    dz__pen_form(p, "o% [tailclip=false dir=forward];\n", i);
    return;
  }
  dz__pen_form(p, "b% [tailclip=false];\n", i);
  for (uint32_t j = s->first; j != DZ__NONE; j = use[j].next) {
    dz__pen_form(p, "  b%", i);
    put_last_wire(d, &use[j]);
  }
  dz__pen_put(p, "  { rank=same;");
  for (uint32_t j = s->first; j != DZ__NONE; j = use[j].next)
    dz__pen_form(p, " w%_%;", user_of(d, &use[j])->node, (size_t)use[j].operand);
  dz__pen_put(p, " }\n");
}

static void put_number_edges(drawing *d, const dz__seen *s) {
  for (uint32_t k = 0; k < (uint32_t)s->is.nargs; k++) {
    if (d->trace.use[s->args + k].of != DZ__NONE || (k == 1 && is_power(d, s))) continue;
    dz__pen_form(&d->pen, "  c%_% -> n%", s->node, (size_t)k, s->node);
    dz__pen_put(&d->pen, corner(s, k));
    dz__pen_put(&d->pen, " [dir=forward];\n");
  }
}

/* ---- the whole ---- */

typedef void put_one(drawing *d, const dz__seen *s);

static bool any(const dz__seen *s) { return s != NULL; }
static bool is_leaf(const dz__seen *s) { return s->is.role != DZ_ROLE_NONE; }
static bool is_operation(const dz__seen *s) { return !is_leaf(s); }
static bool is_branch(const dz__seen *s) { return s->uses > 1; }
static bool is_input(const dz__seen *s) { return s->is.role == DZ_ROLE_INPUT; }
static bool has_adjoint(const dz__seen *s) { return s->adjoint != NULL; }

static size_t each(drawing *d, bool which(const dz__seen *s), put_one *put) {
  size_t n = 0;
  for (size_t i = 0; i < d->trace.nseen; i++) {
    if (!which(&d->trace.seen[i])) continue;
    n++;
    if (put) put(d, &d->trace.seen[i]);
  }
  return n;
}

static void put_branch(drawing *d, const dz__seen *s) { dz__pen_form(&d->pen, "  b%;\n", s->node); }
static void put_id(drawing *d, const dz__seen *s) { dz__pen_form(&d->pen, " n%;", s->node); }

static void put_legend(drawing *d) {
  dz__pen *p = &d->pen;
  dz__pen_put(p, "  label=<<TABLE BORDER=\"0\" CELLBORDER=\"0\" CELLSPACING=\"0\" CELLPADDING=\"12\"><TR>"
                 "<TD><FONT POINT-SIZE=\"15\">black, above: value →</FONT></TD>");
  if (each(d, has_adjoint, NULL))
    dz__pen_put(p, "<TD><FONT POINT-SIZE=\"15\" COLOR=\"" RED "\">red, below: gradient ←</FONT></TD>");
  if (each(d, is_branch, NULL))
    dz__pen_put(p, "<TD><FONT POINT-SIZE=\"15\">●: used more than once (gradients add)</FONT></TD>");
  dz__pen_put(p, "</TR></TABLE>>;\n");
}

static void put_graph(drawing *d) {
  dz__pen *p = &d->pen;
  dz__pen_put(p, "digraph dz {\n"
                 "  rankdir=LR; bgcolor=\"#FFFFFF\"; nodesep=0.22; ranksep=0.26; splines=spline; "
                 "pad=0.15; labelloc=b; fontname=\"Times\";\n"
                 "  node [fontname=\"Times\" fontsize=20 fontcolor=\"#111111\"];\n");
  put_legend(d);
  dz__pen_put(p, "  node [shape=circle fixedsize=true width=0.76 penwidth=2 color=\"#111111\" style=filled "
                 "fillcolor=\"#FFFFFF\"];\n");
  each(d, is_operation, put_operation);
  dz__pen_put(p,
              "  node [shape=circle fixedsize=true width=0.17 label=\"\" style=filled fillcolor=\"#111111\" "
              "penwidth=1];\n");
  each(d, is_branch, put_branch);
  dz__pen_put(p, "  node [shape=plain fixedsize=false style=\"\"];\n");
  each(d, is_leaf, put_leaf);
  each(d, is_operation, put_numbers);
  put_output(d, &d->trace.seen[d->trace.nseen - 1]);
  each(d, any, put_wires);
  size_t inputs = each(d, is_input, NULL);
  if (inputs > 1 && inputs <= FEW_INPUTS) {
    dz__pen_put(p, "  { rank=same;");
    each(d, is_input, put_id);
    dz__pen_put(p, " }\n");
  }
  dz__pen_put(p, "  edge [arrowsize=0.8 penwidth=2 color=\"#111111\" dir=none weight=10];\n");
  each(d, any, put_edges);
  each(d, is_operation, put_number_edges);
  dz__pen_put(p, "}\n");
}

dz_status dz_write_dot(dz_var y, const dz_dot_options *options, dz_writer *write, void *user) {
  static const dz_dot_options none = {0};
  const dz_dot_options *o = options ? options : &none;
  if (!write) return DZ_ERR_ARGUMENT;
  if (dz_is_number(y) || !dz_valid(y)) return DZ_ERR_HANDLE;
  drawing d = {.pen = {.write = write, .user = user, .digits = o->digits > 0 ? o->digits : DIGITS}};
  dz_status status = dz__trace_make(y, o->max_nodes ? o->max_nodes : MOST_NODES, &d.trace);
  if (status) return status;
  const char *own = dz_name(y);
  d.output = o->output && o->output[0] ? o->output : own && own[0] ? own : "f";
  put_graph(&d);
  if (!dz__pen_flush(&d.pen)) status = DZ_ERR_WRITE;
  dz__trace_free(&d.trace);
  return status;
}
