/* Formulas set as mathematics: juxtaposed factors, e^x, fractions, powers. */
#ifndef DZ_SHOW_SETTING_H
#define DZ_SHOW_SETTING_H

#include "base/memory.h"
#include "dz/tape.h"

typedef enum dz__format {
  DZ__SET_TEXT,  /* E z (1-z): plain text, ASCII but for names and σ */
  DZ__SET_HTML,  /* Graphviz's labels: text, with SUP and I, or the cells of a table row where there are
                    fractions */
  DZ__SET_LATEX, /* without the dollar signs */
  DZ__SET_MATHML /* without the math element */
} dz__format;

typedef struct dz__set_options {
  dz__format format;
  int digits;        /* of numbers; 0: as many as it takes */
  size_t size;       /* HTML: points of a superscript; 0 means 16 */
  const char *color; /* HTML: of the lines of fractions; NULL: black */
  bool flat;         /* HTML: s/d on one line, so that no cells come */
} dz__set_options;

/* A text that the caller frees with dz__text_free. */
typedef struct dz__text {
  char *at; /* NUL-terminated; NULL when memory is out */
  size_t size, cap;
  bool cells; /* HTML: `at` is the cells of one table row, to stand in TABLE and TR */
} dz__text;

/* The formula of x: operations of x's tape down to leaves with names, and numbers. Names are escaped as the
   format wants it. `at` is NULL when memory is out. Cost: linear in the nodes up to x; the text, where parts
   of the formula are nested, in their depth too. */
dz__text dz__set(dz_var x, const dz__set_options *options, const dz_allocator *a);
void dz__text_free(dz__text *t, const dz_allocator *a);

/* A name alone, set as in a formula: x italic, v1 as v with a subscript. */
dz__text dz__set_name(const char *name, const dz__set_options *options, const dz_allocator *a);

#endif
