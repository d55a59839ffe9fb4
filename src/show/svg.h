/* Lines of text in an SVG of dz's own: markup as of Graphviz's labels, flat, which becomes spans. */
#ifndef DZ_SHOW_SVG_H
#define DZ_SHOW_SVG_H

#include "show/layout.h"
#include "show/picture.h"

enum { DZ__SVG_LARGE = 19, DZ__SVG_SMALL = 13, DZ__SVG_RADIUS = 24 };

/* What stands at a wire: up to two lines on each side. */
typedef struct dz__svg_label {
  dz__text line[4]; /* formula and number above, formula and number below */
  double width;
  uint32_t above, below; /* waves */
  bool graded;
} dz__svg_label;

/* Of the wire that a value leaves by, and of one to a user. `at` of a text is NULL when memory is out: then
   p->failed is set. */
dz__svg_label dz__svg_trunk(dz__picture *p, const dz__seen *x);
dz__svg_label dz__svg_use(dz__picture *p, const dz__use *u);
dz__text dz__svg_value(dz__picture *p, const dz__seen *x, const double *v, const char *lead);
dz__text dz__svg_number(dz__picture *p, double v);
dz__text dz__svg_name(dz__picture *p, const char *name);
dz__text dz__svg_sign(dz__picture *p, const dz__seen *x, size_t points);

/* Below a terminal: its role, and the name of a constant that stands as its number (or NULL). */
dz__text dz__svg_role(dz__picture *p, const char *role, const char *constant);

/* The legend. */
enum { DZ__SVG_ENTRIES = DZ__ENTRIES + 2 };
typedef struct dz__svg_entry {
  dz__text text;
  dz__entry is;
} dz__svg_entry;
size_t dz__svg_legend(dz__picture *p, dz__svg_entry e[DZ__SVG_ENTRIES]);

/* How wide a text comes out, rather too wide: fonts differ. */
double dz__svg_width(const dz__text *t, size_t points);
/* The text as spans. */
void dz__svg_put(dz__picture *p, const dz__text *t, size_t points);

/* ---- svg_place.c ---- */

/* A picture while it is arranged and drawn. */
typedef struct dz__sketch {
  dz__picture *p;
  dz__layout l;
  dz__svg_label *label; /* per trunk (node), then per use */
  uint32_t *node_spot, *trunk, *branch, *use_spot;
  uint32_t output;
  bool failed;
} dz__sketch;

/* Makes labels and spots, and places them. False when that failed, and s->failed says so. */
bool dz__svg_arrange(dz__sketch *s);
/* Operands enter one below the other: where, from -.5 to .5. */
double dz__svg_port(const dz__seen *user, uint32_t k);
size_t dz__svg_sign_points(const dz__picture *p, const dz__seen *x);
/* What stands in a leaf: its name, or its value. */
dz__text dz__svg_leaf(dz__sketch *s, const dz__seen *x);

#endif
