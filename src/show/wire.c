/* What stands at a wire of the house style: above the value, below the gradient. */
#include "show/picture.h"

#include <string.h>

enum { LARGE = 20, PLAIN = 17, SMALL = 14 };

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

static bool is_number(const dz__formal *f) {
  return f->is.tape && dz_describe(f->is).role != DZ_ROLE_NONE && !dz_name(f->is);
}

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
  if (name && (inner || (formal && !y->fixed))) return put_title(p, name, ink), true;
  return formal && dz__mark_formula(p, &y->value, "", LARGE, ink);
}

/* Whether the formula is a number, so that the number need not be said again. */
static bool says_all(const dz__picture *p, const wire *w) {
  const dz__node_symbol *y = dz__symbol_of(p, w->of);
  if (!y || p->how->written == DZ_WRITTEN_NUM || !y->value.is.tape || w->of->rank) return false;
  if (w->of == dz__last(p) || (w->of->name && !y->fixed)) return false;
  return is_number(&y->value);
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
  plain = is_number(&y->partial);
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
    bool number = is_number(w->formula); /* said once */
    if (sym || (both && !number))
      said = dz__mark_formula(p, w->formula, sym ? "←\u00a0\u00a0" : "", LARGE, red);
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

void dz__draw_wires(dz__picture *p, const dz__seen *s) {
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
