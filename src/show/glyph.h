/* Pieces of formulas while they are set: texts in one growing buffer, each with how tightly it binds. */
#ifndef DZ_SHOW_GLYPH_H
#define DZ_SHOW_GLYPH_H

#include "lang/program.h"
#include "show/setting.h"

/* How tightly a text binds; what binds less than its place asks for gets parentheses. */
enum { CHOICE, COMPARE, SUM, NEG, PRODUCT, APPLY, POWER, ATOM };

typedef struct dz__span {
  size_t at, size;
} dz__span;

typedef struct dz__glyph {
  dz__span text, row; /* row: cells; of size 0 where there is no fraction */
  int power;
} dz__glyph;

typedef struct dz__setter {
  const dz_allocator *alloc;
  const dz__set_options *how;
  dz__vec text;  /* char */
  dz__vec piece; /* per node */
  bool e_taken;  /* e is the name of something: exp(x), not e^x */
  bool failed;
} dz__setter;

static const dz__span dz__no_span = {0, 0};

/* The buffer may move while it grows: a place in it, not a pointer, is what lasts. */
const char *dz__glyph_at(const dz__setter *s, dz__span x);
size_t dz__glyph_here(const dz__setter *s);
dz__span dz__glyph_since(const dz__setter *s, size_t start);

void dz__glyph_bytes(dz__setter *s, const char *text, size_t size);
void dz__glyph_say(dz__setter *s, const char *text);
void dz__glyph_span(dz__setter *s, dz__span x);
void dz__glyph_escaped(dz__setter *s, const char *text, size_t size); /* as the format wants it */

/* One of four templates, by the format; and a template with %a, %b and %c replaced. */
const char *dz__glyph_pick(const dz__setter *s, const char *const t[4]);
dz__span dz__glyph_form(dz__setter *s, const char *form, dz__span a, dz__span b, dz__span c);

/* In parentheses: always, or where it binds less than `least`. */
dz__span dz__glyph_closed(dz__setter *s, dz__span x);
dz__span dz__glyph_fit(dz__setter *s, const dz__glyph *p, int least);
/* A template of two operands, each with what it must bind at least. */
dz__glyph dz__glyph_two(dz__setter *s, const char *const t[4], const dz__glyph *a, int least_a,
                        const dz__glyph *b, int least_b, int power);
/* What is no arithmetic: calls, choices, comparisons, sums of elements, transposes. */
dz__glyph dz__glyph_function(dz__setter *s, const char *op, const dz__glyph *in, int n);
dz__glyph dz__glyph_transposed(dz__setter *s, const dz__glyph *a);

dz__span dz__glyph_name(dz__setter *s, const char *name);
const char *dz__glyph_minus(const dz__setter *s);
dz__glyph dz__glyph_number(dz__setter *s, double v);
/* Base with a superscript. */
dz__span dz__glyph_raised(dz__setter *s, dz__span base, const dz__glyph *e);
/* HTML: a tag, and a font of so many parts of an exponent's size. */
void dz__glyph_script(dz__setter *s, const char *tag, size_t parts, size_t of);

#endif
