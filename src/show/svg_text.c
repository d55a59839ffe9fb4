#include "show/svg.h"

#include "show/sheet.h"

#include <string.h>

/* ---- writing to memory ---- */

/* Between begin and end the pen writes to a sheet. */
typedef struct aside {
  dz__sheet sheet;
  dz_writer *write;
  void *user;
} aside;

static void begin(dz__picture *p, aside *a) {
  *a = (aside){{.alloc = p->full.alloc}, p->pen.write, p->pen.user};
  dz__pen_flush(&p->pen);
  p->pen.write = dz__sheet_writer;
  p->pen.user = &a->sheet;
}

static dz__text end(dz__picture *p, aside *a) {
  dz__pen_flush(&p->pen);
  p->pen.write = a->write;
  p->pen.user = a->user;
  if (!a->sheet.failed) return (dz__text){a->sheet.text, a->sheet.n, a->sheet.cap, false};
  p->failed = true;
  dz__sheet_free(&a->sheet);
  return (dz__text){0};
}

dz__text dz__svg_value(dz__picture *p, const dz__seen *x, const double *v, const char *lead) {
  aside a;
  begin(p, &a);
  dz__pen_put(&p->pen, lead);
  dz__mark_value(p, x, v, DZ__SVG_SMALL);
  return end(p, &a);
}

dz__text dz__svg_number(dz__picture *p, double v) {
  aside a;
  begin(p, &a);
  dz__pen_number(&p->pen, v, 9);
  return end(p, &a);
}

dz__text dz__svg_name(dz__picture *p, const char *name) {
  aside a;
  begin(p, &a);
  dz__mark_name(p, name);
  return end(p, &a);
}

dz__text dz__svg_sign(dz__picture *p, const dz__seen *x, size_t points) {
  aside a;
  begin(p, &a);
  dz__mark_sign(p, x, points);
  return end(p, &a);
}

static dz__text formula(dz__picture *p, const dz__formal *f) {
  aside a;
  begin(p, &a);
  dz__mark_line(p, f, DZ__SVG_LARGE);
  return end(p, &a);
}

static dz__text word(dz__picture *p, const char *english) {
  aside a;
  begin(p, &a);
  dz__pen_escaped(&p->pen, dz__word(p, english));
  return end(p, &a);
}

dz__text dz__svg_role(dz__picture *p, const char *role, const char *constant) {
  aside a;
  begin(p, &a);
  dz__pen_escaped(&p->pen, dz__word(p, role));
  if (constant) dz__pen_put(&p->pen, " "), dz__mark_name(p, constant);
  return end(p, &a);
}

/* ∂ stands at wires of Graphviz's pictures only. */
size_t dz__svg_legend(dz__picture *p, dz__svg_entry e[DZ__SVG_ENTRIES]) {
  dz__entry all[DZ__ENTRIES];
  size_t m = dz__legend(p, all), n = 0;
  for (size_t k = 0; k < m; k++) {
    if (strncmp(all[k].english, "∂", sizeof "∂" - 1) == 0) continue;
    e[n].is = all[k];
    e[n++].text = word(p, all[k].english);
  }
  if (p->symbols.guesses && p->how->written != DZ_WRITTEN_NUM) {
    static const char guesses[] = "†: some step was checked by numbers only";
    e[n].is = (dz__entry){guesses, p->colors.grey, ""};
    e[n++].text = word(p, guesses);
  }
  if (!dz__has_point(p)) return n;
  aside a;
  begin(p, &a);
  dz__mark_point_text(p);
  e[n].is = (dz__entry){NULL, p->colors.ink, ""};
  e[n++].text = end(p, &a);
  return n;
}

/* ---- labels ---- */

static bool same(const dz__text *a, const dz__text *b) {
  return a->at && b->at && a->size == b->size && memcmp(a->at, b->at, a->size) == 0;
}

static void say_value(dz__picture *p, const dz__seen *x, dz__svg_label *t) {
  const dz__node_symbol *y = dz__symbol_of(p, x);
  const char *name = x == dz__last(p) ? p->output : x->name;
  bool signs = p->how->written != DZ_WRITTEN_NUM, numbers = p->how->written != DZ_WRITTEN_SYM;
  if (!dz__shows_values(p)) return;
  if (name && !dz__is_fixed(p, x) && (!dz__is_leaf(x) || signs))
    t->line[0] = dz__svg_name(p, name);
  else if (y && signs && y->value.is.tape)
    t->line[0] = formula(p, &y->value);
  if (numbers || !t->line[0].at) t->line[1] = dz__svg_value(p, x, x->value, "");
  if (same(&t->line[0], &t->line[1])) dz__text_free(&t->line[1], &p->full.alloc);
}

static void say_gradient(dz__picture *p, const dz__seen *x, const dz__formal *f, const double *g,
                         dz__svg_label *t) {
  if (!t->graded) return;
  if (f && f->is.tape && p->how->written != DZ_WRITTEN_NUM) t->line[2] = formula(p, f);
  if (p->how->written != DZ_WRITTEN_SYM || !t->line[2].at) t->line[3] = dz__svg_value(p, x, g, "← ");
}

static double widest(const dz__svg_label *t) {
  double most = 40;
  for (int k = 0; k < 4; k++) {
    double w = dz__svg_width(&t->line[k], k % 2 ? DZ__SVG_SMALL : DZ__SVG_LARGE);
    if (w > most) most = w;
  }
  return most + 8;
}

dz__svg_label dz__svg_trunk(dz__picture *p, const dz__seen *x) {
  const dz__node_symbol *y = dz__symbol_of(p, x);
  dz__svg_label t = {.above = x->wave, .below = dz__whole_back(x), .graded = dz__shows_whole(p, x)};
  say_value(p, x, &t);
  say_gradient(p, x, y ? &y->gradient : NULL, x->adjoint, &t);
  t.width = widest(&t);
  return t;
}

dz__svg_label dz__svg_use(dz__picture *p, const dz__use *u) {
  const dz__seen *x = &p->trace->seen[u->of];
  const dz__use_symbol *y = dz__symbol_of_use(p, u);
  const dz__node_symbol *own = dz__symbol_of(p, x);
  const dz__formal *f = x->uses == 1 && own ? &own->gradient : y ? &y->share : NULL;
  dz__svg_label t = {.above = x->wave, .below = p->trace->seen[u->user].back, .graded = dz__shows_use(p, u)};
  say_value(p, x, &t);
  say_gradient(p, x, f, u->share, &t);
  t.width = widest(&t);
  return t;
}

/* ---- spans ---- */

double dz__svg_width(const dz__text *t, size_t points) {
  return t->at ? dz__measure_line(t->at, t->size, points) : 0;
}

typedef struct span {
  const char *from, *to;
} span;

static bool begins(const char *at, size_t left, const char *with) {
  size_t n = strlen(with);
  return left >= n && memcmp(at, with, n) == 0;
}

/* The tags that flat formulas have; what is no tag is put as it is. A raised part is followed by what lowers
   the line again. */
void dz__svg_put(dz__picture *p, const dz__text *t, size_t points) {
  static const span same_size[] = {{"<I>", "<tspan font-style=\"italic\">"},
                                   {"</I>", "</tspan>"},
                                   {"<B>", "<tspan font-weight=\"bold\">"},
                                   {"</B>", "</tspan>"},
                                   {"&#92;&#92;", "\\"},
                                   {"&#93;", "]"}};
  size_t shift = points * 2 / 5, small = points * 7 / 10;
  bool lowered = false;
  for (size_t i = 0, n; i < t->size; i += n) {
    const char *at = t->at + i;
    size_t left = t->size - i;
    bool up = begins(at, left, "<SUP>"), down = begins(at, left, "<SUB>");
    n = 1;
    if (up || down) {
      const char *stop = memchr(at + 5, '>', left - 5); /* a <FONT …> follows, in which the part is set */
      n = (size_t)(stop - at) + 1;
      if (lowered) dz__pen_put(&p->pen, "</tspan>");
      dz__pen_form(&p->pen, up ? "<tspan dy=\"-%\" font-size=\"%\">" : "<tspan dy=\"%\" font-size=\"%\">",
                   up ? shift : shift / 2, small);
      lowered = true;
      continue;
    }
    if (begins(at, left, "</FONT></SU")) {
      up = begins(at, left, "</FONT></SUP>");
      n = sizeof "</FONT></SUP>" - 1;
      if (n == left) break;
      dz__pen_form(&p->pen, up ? "</tspan><tspan dy=\"%\">" : "</tspan><tspan dy=\"-%\">",
                   up ? shift : shift / 2);
      continue;
    }
    const char *instead = NULL;
    for (size_t k = 0; k < sizeof same_size / sizeof *same_size && !instead; k++)
      if (begins(at, left, same_size[k].from)) instead = same_size[k].to, n = strlen(same_size[k].from);
    if (instead)
      dz__pen_put(&p->pen, instead);
    else
      dz__pen_bytes(&p->pen, at, 1);
  }
  if (lowered) dz__pen_put(&p->pen, "</tspan>");
}
