/* An explanation being written: the trace, its formulas, and pieces in each format. */
#ifndef DZ_SHOW_LESSON_H
#define DZ_SHOW_LESSON_H

#include "dz/explain.h"
#include "show/setting.h"
#include "show/sheet.h"
#include "show/symbol.h"

typedef struct dz__lesson {
  dz__trace trace;
  dz__symbols symbols,
      fixed;    /* fixed: with leaves as numbers, as a = -1 in document 004. No nodes: no formulas */
  dz_tape *own; /* where single operations are recorded to be set */
  dz_var *leaf; /* on it: a leaf for each node of the trace, of its name */
  dz_mark leaves;
  dz_tape *points; /* the same with one element of each, for the rules of elementwise operations */
  dz_var *point;
  bool formulas; /* few enough operations for rules as formulas */
  const dz_explain_options *how;
  dz__set_options set;
  const char *output;
  dz__sheet s;
} dz__lesson;

/* ---- the trace ---- */

static inline const dz__seen *dz__lesson_seen(const dz__lesson *l, size_t i) { return &l->trace.seen[i]; }
static inline const dz__seen *dz__lesson_top(const dz__lesson *l) {
  return &l->trace.seen[l->trace.nseen - 1];
}
static inline const dz__use *dz__lesson_use(const dz__lesson *l, const dz__seen *s, int k) {
  return &l->trace.use[s->args + (uint32_t)k];
}
static inline bool
dz__is_told(const dz__seen *s) { /* a leaf with a name; one without is told as its number */
  return s->is.role != DZ_ROLE_NONE && (s->name || s->rank > 0);
}

/* ---- the sweeps: sweeps.c ---- */

/* Room for single operations, on l->own and l->points. DZ_ERR_MEMORY. */
dz_status dz__lesson_prepare(dz__lesson *l, const dz_tape *from);
/* Forgives the error of either tape, but that memory was out is kept: the lesson is then not written. */
void dz__lesson_forgive(dz__lesson *l, dz_tape *t);
void dz__lesson_forget(dz__lesson *l);

void dz__tell_given(dz__lesson *l);
void dz__tell_forward(dz__lesson *l);
void dz__tell_backward(dz__lesson *l);

/* ---- the frame: lesson.c ---- */

void dz__lesson_begin(dz__lesson *l);
void dz__lesson_end(dz__lesson *l);
void dz__lesson_heading(dz__lesson *l, const char *english);
/* "wave 3": a list of lines follows. */
void dz__lesson_wave(dz__lesson *l, size_t k);
void dz__lesson_list(dz__lesson *l, bool open);
/* A line, most of it mathematics. */
void dz__lesson_line(dz__lesson *l, bool open);

/* ---- mathematics ---- */

void dz__math_words(dz__lesson *l, const char *text); /* in the language already; escaped */
void dz__math_sign(dz__lesson *l, const char *sign);  /* "=", "×", "+", "±", "●", "✓", "✗", ";" */
void dz__math_number(dz__lesson *l, double x, bool factor); /* factor: in brackets when negative */
void dz__math_digits(dz__lesson *l, double x, int digits);
void dz__math_letter(dz__lesson *l, const char *name);
void dz__math_name(dz__lesson *l, const dz__seen *s);
void dz__math_gradient(dz__lesson *l, const dz__seen *s); /* g(s) */
void dz__math_slope(dz__lesson *l, const dz__seen *z, const dz__seen *x,
                    const char *d); /* ∂z/∂x; d: "∂" or "d" */
void dz__math_formula(dz__lesson *l, dz_var x);
/* A number, the elements of a small tensor, or the shape of a large one. */
void dz__math_value(dz__lesson *l, const dz__seen *s, const double *v, bool factor);

#endif
