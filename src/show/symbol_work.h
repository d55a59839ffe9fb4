/* The formulas of a trace while they are made. */
#ifndef DZ_SHOW_SYMBOL_WORK_H
#define DZ_SHOW_SYMBOL_WORK_H

#include "derive/term.h"
#include "show/symbol.h"

typedef struct dz__work {
  dz__symbols *y;
  const dz__trace *of;
  dz__terms terms;
  dz_var seed;         /* E */
  dz_var *gradient;    /* per node: as recorded by dz_grad; {0} for none */
  uint32_t *value;     /* per node: its term in the leaves */
  dz_var *alias;       /* per node: a leaf that may stand for it in formulas */
  uint32_t *from, *by; /* leaves that stand as numbers */
  uint32_t fixed;
  size_t most;
  bool scalar; /* the result is */
  bool names;
} dz__work;

static inline const dz__seen *dz__work_seen(const dz__work *w, size_t i) { return &w->of->seen[i]; }
static inline bool dz__work_is_leaf(const dz__seen *s) { return s->is.role != DZ_ROLE_NONE; }
static inline size_t dz__work_top(const dz__work *w) { return w->of->nseen - 1; }

/* ---- symbol_copy.c: the graph on a tape of its own, and names; false when that cannot be ---- */

void dz__work_fix(dz__work *w, const char *constants);
bool dz__work_copy(dz__work *w);
bool dz__work_name(dz__work *w, const char *result);
/* E, with the adjoint that the last sweep began with; 1 where there is none. */
dz_var dz__work_seed(dz__work *w);
/* Node i with the operands as they are copied, but `other` for operand other_at. */
dz_var dz__work_operation(dz__work *w, size_t i, int other_at, dz_var other);
/* A leaf of node i's shape and value. */
dz_var dz__work_stand_in(dz__work *w, size_t i);

/* ---- symbol.c: terms ---- */

uint32_t dz__work_leaf(dz__work *w, dz_var x);
uint32_t dz__work_term(dz__work *w, dz_var x);
/* A gradient's term, and with E. */
uint32_t dz__work_gradient(dz__work *w, dz_var g);
uint32_t dz__work_with_seed(dz__work *w, uint32_t term);
/* In terms of what has a name. */
uint32_t dz__work_in_names(dz__work *w, uint32_t term, bool of_leaf);
/* The term as a node of the tape, when it is not too long. */
bool dz__work_lay_out(dz__work *w, uint32_t term, size_t guesses, dz__formal *to);

/* ---- symbol_check.c: leaves out what the numbers of the last sweep contradict ---- */

void dz__work_check(dz__work *w);

/* ---- symbol_use.c ---- */

bool dz__work_uses(dz__work *w);
bool dz__work_locals(dz__work *w);

#endif
