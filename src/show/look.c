/* How operations, names, numbers and formulas look in labels. */
#include "show/picture.h"

#include <string.h>

enum { FEW_VALUES = 4 };

static const dz__look looks[] = {
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
    {"log", "ln", 22, false},
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

dz__look dz__look_of(const char *op) {
  for (size_t i = 0; i < sizeof looks / sizeof *looks; i++)
    if (strcmp(looks[i].op, op) == 0) return looks[i];
  return (dz__look){op, NULL, 0, false};
}

bool dz__is_power(const dz__picture *p, const dz__seen *s) {
  char text[32];
  if (s->box || strcmp(s->is.op, "pow") != 0) return false;
  const dz__use *y = &p->trace->use[s->args + 1];
  return y->of == DZ__NONE && dz_number_write(y->number, p->pen.digits, text) <= 3;
}

void dz__mark_font(dz__picture *p, size_t points, const char *color) {
  dz__pen_form(&p->pen, "<FONT POINT-SIZE=\"%\" COLOR=\"", points);
  dz__pen_put(&p->pen, color);
  dz__pen_put(&p->pen, "\">");
}

void dz__mark_name(dz__picture *p, const char *name) {
  const dz__set_options how = {.format = DZ__SET_HTML};
  dz__text t = dz__set_name(name, &how, &p->full.alloc);
  if (t.at)
    dz__pen_put(&p->pen, t.at);
  else
    p->failed = true;
  dz__text_free(&t, &p->full.alloc);
}

void dz__mark_shape(dz__picture *p, const dz__seen *s) {
  dz__pen_put(&p->pen, "ℝ<SUP><FONT POINT-SIZE=\"12\">");
  for (int k = 0; k < s->rank; k++) dz__pen_form(&p->pen, k ? "×%" : "%", s->dims[k]);
  dz__pen_put(&p->pen, "</FONT></SUP>");
}

/* Elements with a bracket at each end of each axis; at most DZ__SHOWN_ELEMENTS of them. */
static void mark_elements(dz__picture *p, const dz__seen *s, const double *v, size_t points) {
  for (size_t e = 0; e < s->size; e++) {
    size_t block = s->size;
    dz__pen_put(&p->pen, e ? ", " : "");
    for (int k = 0; k < s->rank; block /= s->dims[k++])
      if (e % block == 0) dz__pen_put(&p->pen, "[");
    dz__pen_number(&p->pen, v[e], points);
    block = s->size;
    for (int k = 0; k < s->rank; block /= s->dims[k++])
      if ((e + 1) % block == 0) dz__pen_put(&p->pen, "&#93;");
  }
}

void dz__mark_value(dz__picture *p, const dz__seen *s, const double *v, size_t points) {
  if (dz__is_small(s))
    mark_elements(p, s, v, points * 7 / 10);
  else
    dz__mark_shape(p, s);
}

/* A table is stretched to the width of its place, column by column: empty ones take most of that. */
#define SPACE "<TD></TD><TD></TD><TD></TD><TD></TD><TD></TD><TD></TD>"

bool dz__mark_formula(dz__picture *p, const dz__formal *f, const char *lead, size_t points,
                      const char *color) {
  const dz__set_options how = {DZ__SET_HTML, p->pen.digits, points * 8 / 10, color, false};
  if (!f->is.tape) return false;
  dz__text t = dz__set(f->is, &how, &p->full.alloc);
  if (!t.at) return p->failed = true, false;
  dz__pen_put(&p->pen, "<TR><TD>");
  dz__mark_font(p, points, color);
  if (t.cells) dz__pen_put(&p->pen, DZ__TABLE "<TR>" SPACE);
  if (t.cells && *lead) dz__pen_put(&p->pen, "<TD>");
  dz__pen_put(&p->pen, lead);
  if (t.cells && *lead) dz__pen_put(&p->pen, "</TD>");
  dz__pen_put(&p->pen, t.at);
  if (f->guesses) dz__pen_put(&p->pen, t.cells ? "<TD>†</TD>" : "†");
  if (t.cells) dz__pen_put(&p->pen, SPACE "</TR></TABLE>");
  dz__pen_put(&p->pen, "</FONT></TD></TR>");
  dz__text_free(&t, &p->full.alloc);
  return true;
}

bool dz__mark_line(dz__picture *p, const dz__formal *f, size_t points) {
  const dz__set_options how = {DZ__SET_HTML, p->pen.digits, points * 8 / 10, NULL, true};
  if (!f->is.tape) return false;
  dz__text t = dz__set(f->is, &how, &p->full.alloc);
  if (!t.at) return p->failed = true, false;
  dz__pen_put(&p->pen, t.at);
  if (f->guesses) dz__pen_put(&p->pen, "†");
  dz__text_free(&t, &p->full.alloc);
  return true;
}

/* ---- what the styles have in common ---- */

void dz__mark_attribute(dz__picture *p, const char *form, const char *value) {
  const char *stop = strchr(form, '%');
  char head[160];
  size_t n = (size_t)(stop - form);
  memcpy(head, form, n);
  head[n] = 0;
  dz__pen_put(&p->pen, head);
  dz__pen_put(&p->pen, value);
  dz__pen_put(&p->pen, stop + 1);
}

void dz__mark_head(dz__picture *p) {
  dz__pen_put(&p->pen, "digraph dz {\n  rankdir=LR; ");
  dz__mark_attribute(p, "bgcolor=\"%\"; ", p->colors.paper);
  dz__pen_put(&p->pen, "nodesep=0.22; ranksep=0.26; splines=spline; pad=0.15; labelloc=b; "
                       "fontname=\"Times,serif\";\n");
  dz__mark_attribute(p, "  node [fontname=\"Times,serif\" fontsize=20 fontcolor=\"%\"];\n", p->colors.ink);
}

bool dz__is_fixed(const dz__picture *p, const dz__seen *s) {
  const dz__node_symbol *y = dz__symbol_of(p, s);
  return y && y->fixed && p->how->written != DZ_WRITTEN_NUM;
}

void dz__mark_entry(dz__picture *p, const char *english, const char *color) {
  dz__pen_put(&p->pen, "<TD>");
  dz__mark_font(p, 15, color);
  dz__pen_escaped(&p->pen, dz__word(p, english));
  dz__pen_put(&p->pen, "</FONT></TD>");
}

static bool has_value(const dz__picture *p, const dz__seen *s) {
  return s->is.role == DZ_ROLE_INPUT && s->name && s->rank == 0 && !dz__is_fixed(p, s);
}

static bool is_seeded(const dz__picture *p) {
  const dz__seen *y = dz__last(p);
  return y->adjoint && y->size == 1 && dz__shows_whole(p, y);
}

bool dz__has_point(const dz__picture *p) {
  size_t n = 0;
  for (size_t i = 0; i < p->trace->nseen; i++) n += has_value(p, &p->trace->seen[i]);
  if (!p->symbols.tape || p->how->written != DZ_WRITTEN_BOTH || n > FEW_VALUES) return false;
  return n > 0 || is_seeded(p);
}

static void put_equal(dz__picture *p, bool first, const char *name, double value) {
  dz__pen_put(&p->pen, first ? "" : ",\u00a0\u00a0 ");
  dz__mark_name(p, name);
  dz__pen_put(&p->pen, "\u00a0=\u00a0");
  dz__pen_number(&p->pen, value, 11);
}

void dz__mark_point_text(dz__picture *p) {
  size_t n = 0;
  for (size_t i = 0; i < p->trace->nseen; i++) {
    const dz__seen *s = &p->trace->seen[i];
    if (has_value(p, s)) put_equal(p, n++ == 0, s->name, s->value[0]);
  }
  if (is_seeded(p)) put_equal(p, n == 0, p->symbols.seed, dz__last(p)->adjoint[0]);
}

static void mark_guesses(dz__picture *p) {
  if (p->symbols.guesses && p->how->written != DZ_WRITTEN_NUM)
    dz__mark_entry(p, "†: some step was checked by numbers only", p->colors.grey);
}

void dz__mark_point(dz__picture *p) {
  mark_guesses(p);
  if (!dz__has_point(p)) return; /* Graphviz reads no empty font */
  dz__pen_put(&p->pen, "<TD>");
  dz__mark_font(p, 15, p->colors.ink);
  dz__mark_point_text(p);
  dz__pen_put(&p->pen, "</FONT></TD>");
}

size_t dz__legend(const dz__picture *p, dz__entry e[DZ__ENTRIES]) {
  bool light = p->how->theme == DZ_THEME_LIGHT, mono = p->how->theme == DZ_THEME_MONO;
  bool graded = false, branches = false;
  size_t n = 0;
  for (size_t i = 0; i < p->trace->nseen; i++) {
    graded = graded || dz__shows_whole(p, &p->trace->seen[i]);
    branches = branches || p->trace->seen[i].uses > 1;
  }
  if (dz__shows_values(p))
    e[n++] =
        (dz__entry){light ? "black, above the line: value →" : "above the line: value →", p->colors.ink, ""};
  if (graded) {
    e[n] = (dz__entry){mono ? "below the line: gradient ←" : "red, below the line: gradient ←", NULL, ""};
    e[n].color = dz__red(p, 1, e[n].room);
    n++;
  }
  if (branches) e[n++] = (dz__entry){"●: branch (gradients add)", p->colors.ink, ""};
  if (p->how->partials && p->symbols.tape) e[n++] = (dz__entry){"∂: local partial", p->colors.partial, ""};
  return n;
}

/* ---- what is in a network ---- */

static bool has_role(const dz__picture *p, dz_role role) {
  for (size_t i = 0; i < p->trace->nseen; i++)
    if (p->trace->seen[i].is.role == role) return true;
  return false;
}

bool dz__is_parameter(const dz__picture *p, const dz__seen *s) {
  if (!dz__is_leaf(s) || s->is.role == DZ_ROLE_DATA) return false;
  if (s->is.role == DZ_ROLE_PARAM || s->is.role == DZ_ROLE_CONST) return true;
  if (has_role(p, DZ_ROLE_PARAM) || !s->name) return false;
  return strchr("wWvVbBuU", s->name[0]) || strncmp(s->name, "theta", 5) == 0 || strncmp(s->name, "θ", 2) == 0;
}

void dz__mark_sign(dz__picture *p, const dz__seen *s, size_t points) {
  dz__look l = dz__look_of(s->is.op);
  if (s->box) {
    dz__mark_name(p, s->box);
  } else if (dz__is_power(p, s)) {
    dz__pen_form(&p->pen, "( · )<SUP><FONT POINT-SIZE=\"%\">", points * 7 / 10);
    dz__pen_number(&p->pen, p->trace->use[s->args + 1].number, points / 2);
    dz__pen_put(&p->pen, "</FONT></SUP>");
  } else {
    dz__pen_put(&p->pen, l.sign ? l.sign : s->is.op);
  }
}

void dz__mark_row(dz__picture *p, const dz__seen *s, const double *v, const char *lead, size_t points,
                  const char *color) {
  dz__pen_put(&p->pen, "<TR><TD>");
  dz__mark_font(p, points, color);
  dz__pen_put(&p->pen, lead);
  dz__mark_value(p, s, v, points);
  dz__pen_put(&p->pen, "</FONT></TD></TR>");
}
