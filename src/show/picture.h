/* What every style of picture shares: the trace to be drawn, its formulas, colours, words, and what is seen.
 */
#ifndef DZ_SHOW_PICTURE_H
#define DZ_SHOW_PICTURE_H

#include "dz/show.h"
#include "show/pen.h"
#include "show/setting.h"
#include "show/symbol.h"

typedef struct dz__palette {
  const char *paper, *ink, *back, *grey, *fill, *partial;
} dz__palette;

typedef struct dz__picture {
  const dz_dot_options *how;
  dz__trace full, folded; /* folded: with parts as boxes, when there are such */
  const dz__trace *trace; /* the one that is drawn */
  dz__symbols symbols;    /* of `full`; no tape: there are none */
  uint8_t *leads;         /* per node drawn: whether it depends on one of wrt */
  uint8_t *tree;          /* and whether nothing in it is used twice */
  dz__pen pen;
  const char *output;
  bool failed; /* memory was out while something was written */
  bool large;  /* a drawing holds no more than was to be drawn */
  dz__palette colors;
} dz__picture;

/* Text colours. Forward: of values after wave k; backward: of gradients that wave k gives. Transparent where
   the picture does not come so far. `out` is the room for the answer. */
const char *dz__ink(const dz__picture *p, uint32_t wave, char out[16]);
const char *dz__red(const dz__picture *p, uint32_t back, char out[16]);

/* Everything but the pen's writer. An error leaves nothing to be freed. */
dz_status dz__picture_make(dz_var y, const dz_dot_options *how, dz__picture *p);
void dz__picture_free(dz__picture *p);

/* Makes the picture, draws it to memory, and hands it over whole. */
dz_status dz__picture_write(dz_var y, const dz_dot_options *how, void draw(dz__picture *), dz_writer *write,
                            void *user);

/* A word of the picture in its language. */
const char *dz__word(const dz__picture *p, const char *english);

/* The formulas of a node or a use that is drawn; NULL when there are none. */
const dz__node_symbol *dz__symbol_of(const dz__picture *p, const dz__seen *s);
const dz__use_symbol *dz__symbol_of_use(const dz__picture *p, const dz__use *u);

/* What the wire of a use, which is of a node, shows of the gradient, and the one with the whole. */
bool dz__shows_use(const dz__picture *p, const dz__use *u);
bool dz__shows_whole(const dz__picture *p, const dz__seen *s);
static inline bool dz__shows_values(const dz__picture *p) { return p->how->sweeps != DZ_SWEEPS_BACKWARD; }

static inline bool dz__is_leaf(const dz__seen *s) { return s->is.role != DZ_ROLE_NONE; }
static inline bool dz__is_small(const dz__seen *s) { return s->size > 0 && s->size <= DZ__SHOWN_ELEMENTS; }
static inline const dz__seen *dz__last(const dz__picture *p) { return &p->trace->seen[p->trace->nseen - 1]; }
/* The wave that brings the whole gradient of a value: when its last user has gone. */
static inline uint32_t dz__whole_back(const dz__seen *s) { return s->back > 1 ? s->back - 1 : s->back; }

/* How an operation looks when not by its name, and whether it matters which operand is which. */
typedef struct dz__look {
  const char *op, *sign;
  size_t size; /* points; 0: by length */
  bool ordered;
} dz__look;
dz__look dz__look_of(const char *op);

/* A leaf that stands as its number in the formulas that are shown. */
bool dz__is_fixed(const dz__picture *p, const dz__seen *s);

/* x^2 and the like: the exponent stands in the circle instead of in a leaf. */
bool dz__is_power(const dz__picture *p, const dz__seen *s);

/* A leaf that is a parameter: by its role, or, where nothing has that role, by a name like w1, W, v, b,
 * theta. */
bool dz__is_parameter(const dz__picture *p, const dz__seen *s);

/* ---- pieces of labels, in Graphviz's markup ---- */

#define DZ__TABLE "<TABLE BORDER=\"0\" CELLBORDER=\"0\" CELLSPACING=\"0\" CELLPADDING=\"0\">"

void dz__mark_font(dz__picture *p, size_t points, const char *color); /* <FONT …>, to be closed */
/* A name, slanted: v1 as v with a subscript. */
void dz__mark_name(dz__picture *p, const char *name);
/* A scalar, a small tensor's elements, or the shape of a large one. */
void dz__mark_value(dz__picture *p, const dz__seen *s, const double *v, size_t points);
/* ℝ with the extents above. */
void dz__mark_shape(dz__picture *p, const dz__seen *s);
/* Rows of a table: a formula behind `lead` (which may be ""); false, and nothing is put, when there is none.
 */
bool dz__mark_formula(dz__picture *p, const dz__formal *f, const char *lead, size_t points,
                      const char *color);

/* The same on one line, and no row. */
bool dz__mark_line(dz__picture *p, const dz__formal *f, size_t points);

/* A line of the source with a text in place of %. */
void dz__mark_attribute(dz__picture *p, const char *form, const char *value);
/* `digraph dz {` and what the styles have in common. */
void dz__mark_head(dz__picture *p);

/* The sign of an operation, in points that fit: +, tanh, ( · )^2, or the name of a box. */
void dz__mark_sign(dz__picture *p, const dz__seen *s, size_t points);
/* A row of a table with a value behind `lead`. */
void dz__mark_row(dz__picture *p, const dz__seen *s, const double *v, const char *lead, size_t points,
                  const char *color);

/* What the house style's legend says: things by their places, and by colours where there are such. */
enum { DZ__ENTRIES = 5 };
typedef struct dz__entry {
  const char *english, *color;
  char room[16];
} dz__entry;
size_t dz__legend(const dz__picture *p, dz__entry e[DZ__ENTRIES]);

/* An entry of a legend, and one with what the formulas are taken at: x = 1, E = 1; without a cell of its own,
   and whether there is such an entry. */
void dz__mark_entry(dz__picture *p, const char *english, const char *color);
void dz__mark_point(dz__picture *p);
void dz__mark_point_text(dz__picture *p);
bool dz__has_point(const dz__picture *p);

/* ---- measure.c: how large a text is, and circles that are alike ---- */

/* About the width of a line of markup without a font of its own. */
double dz__measure_line(const char *text, size_t size, size_t points);

/* What label i comes to in a circle, about: its diameter in points. `put` writes the label and nothing else.
 */
typedef void dz__put_at(dz__picture *p, void *user, uint32_t i);
double dz__measure(dz__picture *p, dz__put_at *put, void *user, uint32_t i);
/* The attributes of a circle of that diameter; of one too large to be that for all, what fits its own label.
 */
void dz__mark_circle(dz__picture *p, double points);

/* ---- the styles ---- */

/* The wires that leave a value, as nodes of the graph. */
void dz__draw_wires(dz__picture *p, const dz__seen *s);

void dz__draw_graph(dz__picture *p);
void dz__draw_vars(dz__picture *p);
void dz__draw_layers(dz__picture *p);
void dz__draw_neurons(dz__picture *p);

#endif
