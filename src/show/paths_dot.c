/* Paths as a picture: a colour and a circled number for each, on its edges and in the table below. */
#include "dz/paths.h"

#include "base/utf8.h"
#include "show/pen.h"
#include "tape/tape.h"

#include <string.h>

enum { DIGITS = 4, MOST_NODES = 200, COLOURS = 8 };

/* A space that stays at the ends of a text in SVG. */
#define HARD "\u00A0"
#define MINUS "\u2212"

#define TABLE "<TABLE BORDER=\"0\" CELLBORDER=\"0\" CELLSPACING=\"0\" CELLPADDING=\"0\">"

/* Told apart by most colour-blind readers (after Okabe and Ito), all dark enough on white. */
static const char *const colour[COLOURS] = {"#0072B2", "#D55E00", "#00805C", "#A6467F",
                                            "#8A6100", "#4B5BC4", "#882255", "#555555"};
static const char *const circled[COLOURS] = {"①", "②", "③", "④", "⑤", "⑥", "⑦", "⑧"};

typedef struct drawing {
  const dz_paths *p;
  const dz_paths_style *style;
  const char *output;
  size_t coloured;
  dz__pen pen;
} drawing;

static const char *told(const drawing *d, const char *english) {
  const char *text = d->style->translate ? d->style->translate(english, d->style->translate_user) : NULL;
  return text ? text : english;
}

/* Latin letters slant, as variables do in print. */
static void put_name(dz__pen *p, const char *name) {
  bool latin = true;
  for (const char *c = name; *c; c++) latin = latin && (unsigned char)*c < 0x80;
  latin = latin && ((name[0] >= 'a' && name[0] <= 'z') || (name[0] >= 'A' && name[0] <= 'Z'));
  dz__pen_put(p, latin ? "<I>" : "");
  dz__pen_escaped(p, name);
  dz__pen_put(p, latin ? "</I>" : "");
}

enum { SHORT = 24 }; /* a formula that fits a circle or an edge */

/* How many bytes from here on are letters and digits of one name, or one character: formulas are UTF-8. */
static size_t word(const char *text) {
  size_t n = 0;
  while ((text[n] >= 'a' && text[n] <= 'z') || (text[n] >= 'A' && text[n] <= 'Z') ||
         (n && ((text[n] >= '0' && text[n] <= '9') || text[n] == '_')))
    n++;
  return n ? n : dz__utf8_decode(text, strlen(text), &(uint32_t){0});
}

/* How many bytes are those of a number: 2, 0.5, 1e-5. */
static size_t digits(const char *text) {
  size_t n = strspn(text, "0123456789.");
  return n && text[n] == 'e' ? n + 1 + strspn(text + n + 1, "-0123456789") : n;
}

static void put_digits(dz__pen *p, const char *text, size_t n) {
  for (size_t k = 0; k < n; k++) dz__pen_put(p, text[k] == '-' ? MINUS : (char[]){text[k], 0});
}

/* Of the language: x^2 with its power above, factors side by side, a minus sign, names slanted. */
static void put_formula(dz__pen *p, const char *text) {
  char one[SHORT + 1];
  for (size_t n; *text; text += n) {
    size_t power = *text == '^' ? 1 + strspn(text + 1, "-") : 0;
    n = 1;
    if (digits(text + power)) {
      n = power + digits(text + power);
      dz__pen_put(p, power ? "<SUP>" : "");
      put_digits(p, text + (power > 0), n - (power > 0));
      dz__pen_put(p, power ? "</SUP>" : "");
    } else if (strchr("*- ", *text)) {
      dz__pen_put(p, *text == '*' ? "\u2009" : *text == '-' ? MINUS : HARD);
    } else {
      n = word(text);
      memcpy(one, text, n);
      one[n] = 0;
      put_name(p, one);
    }
  }
}

static bool fits(const char *formula) { return formula[0] && strlen(formula) <= SHORT; }

static void put_node(drawing *d, size_t v) {
  dz__pen *p = &d->pen;
  const dz_path_node *n = &d->p->node[v];
  bool end = v == 0 || v + 1 == d->p->nodes;
  dz__pen_form(p, "  v% [label=<" TABLE "<TR><TD>", v);
  put_name(p, n->label);
  if (fits(n->formula)) {
    dz__pen_put(p, "=");
    put_formula(p, n->formula);
  }
  dz__pen_put(p, "</TD></TR><TR><TD><FONT POINT-SIZE=\"13\">");
  dz__pen_number(p, n->value, 9);
  dz__pen_put(p, end ? "</FONT></TD></TR></TABLE>> penwidth=3];\n" : "</FONT></TD></TR></TABLE>>];\n");
}

/* Whether the formula is the number: "1" needs no "= 1". */
static bool is_number(const char *formula) {
  const char *number = formula + strspn(formula, "-");
  return number[digits(number)] == 0;
}

static bool on_path(const drawing *d, size_t path, size_t edge) {
  for (size_t i = 0; i < d->p->path[path].length; i++)
    if (d->p->path[path].edge[i] == edge) return true;
  return false;
}

static void put_edge(drawing *d, size_t i) {
  dz__pen *p = &d->pen;
  const dz_path_edge *e = &d->p->edge[i];
  size_t paths = 0;
  dz__pen_form(p, "  v% -> v% [color=\"", e->from, e->to);
  for (size_t k = 0; k < d->coloured; k++)
    if (on_path(d, k, i)) {
      dz__pen_put(p, paths++ ? ":" : "");
      dz__pen_put(p, colour[k]);
    }
  dz__pen_put(p, paths ? "\" label=<" : "#9AA0A6\" label=<");
  for (size_t k = 0; k < d->coloured; k++)
    if (on_path(d, k, i)) {
      dz__pen_put(p, "<FONT POINT-SIZE=\"14\" COLOR=\"");
      dz__pen_put(p, colour[k]);
      dz__pen_put(p, "\">");
      dz__pen_put(p, circled[k]);
      dz__pen_put(p, "</FONT>");
    }
  dz__pen_put(p, paths ? HARD : "");
  if (fits(e->formula) && !is_number(e->formula)) {
    put_formula(p, e->formula);
    dz__pen_put(p, HARD "=" HARD);
  }
  dz__pen_number(p, e->partial, 11);
  dz__pen_put(p, e->shut ? "> style=dashed];\n" : ">];\n");
}

static void open_cell(drawing *d, const char *align, size_t k) {
  dz__pen_put(&d->pen, "<TD ALIGN=\"");
  dz__pen_put(&d->pen, align);
  dz__pen_put(&d->pen, "\"><FONT COLOR=\"");
  dz__pen_put(&d->pen, colour[k]);
  dz__pen_put(&d->pen, "\">");
}

static void put_row(drawing *d, size_t k) {
  dz__pen *p = &d->pen;
  const dz_path *path = &d->p->path[k];
  dz__pen_put(p, "<TR>");
  open_cell(d, "LEFT", k);
  dz__pen_escaped(p, told(d, "path"));
  dz__pen_put(p, HARD);
  dz__pen_put(p, circled[k]);
  dz__pen_put(p, "</FONT></TD>");
  open_cell(d, "LEFT", k);
  put_name(p, d->p->node[0].label);
  for (size_t i = 0; i < path->length; i++) {
    dz__pen_put(p, HARD "→" HARD);
    put_name(p, d->p->node[d->p->edge[path->edge[i]].to].label);
  }
  dz__pen_put(p, "</FONT></TD>");
  open_cell(d, "LEFT", k);
  for (size_t i = 0; i < path->length; i++) {
    dz__pen_put(p, "(");
    dz__pen_number(p, d->p->edge[path->edge[i]].partial, 11);
    dz__pen_put(p, ")");
  }
  dz__pen_put(p, "</FONT></TD>");
  open_cell(d, "RIGHT", k);
  dz__pen_put(p, "=" HARD);
  dz__pen_number(p, path->product, 11);
  dz__pen_put(p, "</FONT></TD></TR>");
}

static void put_sum(drawing *d) {
  dz__pen *p = &d->pen;
  bool whole = d->p->all && d->coloured == d->p->paths;
  dz__pen_put(p, "<TR><TD></TD><TD></TD><TD ALIGN=\"LEFT\">∂");
  put_name(p, d->output);
  dz__pen_put(p, "/∂");
  put_name(p, d->p->node[0].label);
  dz__pen_put(p, HARD "=" HARD);
  dz__pen_escaped(p, told(d, whole ? "the sum over all paths" : "the sum over all paths, not only these"));
  dz__pen_put(p, "</TD><TD ALIGN=\"RIGHT\"><B>=" HARD);
  dz__pen_number(p, d->p->gradient, 11);
  dz__pen_put(p, "</B></TD></TR>");
}

static void put_graph(drawing *d) {
  dz__pen *p = &d->pen;
  dz__pen_put(p,
              "digraph dz {\n"
              "  rankdir=LR; bgcolor=\"#FFFFFF\"; nodesep=0.35; ranksep=0.75; pad=0.15; fontname=\"Times\"; "
              "fontsize=17; labelloc=b; splines=spline;\n"
              "  node [shape=ellipse width=1.05 height=1.05 margin=\"0.03,0.02\" penwidth=1.6 "
              "fontname=\"Times\" fontsize=17 style=filled fillcolor=\"#FFFFFF\"];\n"
              "  edge [fontname=\"Times\" fontsize=17 penwidth=2.4 arrowsize=0.8];\n");
  for (size_t v = 0; v < d->p->nodes; v++) put_node(d, v);
  for (size_t i = 0; i < d->p->edges; i++) put_edge(d, i);
  dz__pen_put(p, "  label=<<TABLE BORDER=\"0\" CELLBORDER=\"0\" CELLSPACING=\"4\" CELLPADDING=\"3\">");
  for (size_t k = 0; k < d->coloured; k++) put_row(d, k);
  put_sum(d);
  dz__pen_put(p, "</TABLE>>;\n}\n");
}

dz_status dz_paths_dot(const dz_paths *paths, const dz_paths_style *style, size_t max_nodes, dz_writer *write,
                       void *user) {
  static const dz_paths_style none = {0};
  if (!paths || !write || paths->nodes == 0) return DZ_ERR_ARGUMENT;
  if (paths->nodes > (max_nodes ? max_nodes : MOST_NODES)) return DZ_ERR_LIMIT;
  drawing d = {.p = paths, .style = style ? style : &none};
  d.pen = (dz__pen){.write = write, .user = user, .digits = d.style->digits > 0 ? d.style->digits : DIGITS};
  d.coloured = paths->paths < COLOURS ? paths->paths : COLOURS;
  const char *own = dz_name(paths->node[paths->nodes - 1].node);
  d.output = d.style->output && d.style->output[0] ? d.style->output : own ? own : "f";
  put_graph(&d);
  return dz__pen_flush(&d.pen) ? DZ_OK : DZ_ERR_WRITE;
}
