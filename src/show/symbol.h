/* The formulas of a trace: values, gradients and local partials as graphs on a tape of their own, simplified.
 */
#ifndef DZ_SHOW_SYMBOL_H
#define DZ_SHOW_SYMBOL_H

#include "show/trace.h"

typedef struct dz__symbol_options {
  const char *result; /* what the result is called when it has no name; NULL: "z", or "f" beside a leaf z */
  const char *constants; /* leaves that stand as their numbers, "a,b"; "" for none; NULL: the rule below */
  size_t most;           /* longer formulas are left out; 0 means 60 operations and operands */
  bool names;            /* in local partials results stand by their names, also where a formula is short */
} dz__symbol_options;

/* A formula: a node on the tape of the symbols, {0} when there is none. */
typedef struct dz__formal {
  dz_var is;
  size_t guesses; /* steps in it that were checked by numbers only; 0: all of it is algebra */
} dz__formal;

typedef struct dz__node_symbol {
  const char *name;    /* its own, or v1, v2 … for an operation without one */
  bool fixed;          /* a leaf that stands as its number */
  dz__formal value;    /* what it is in the leaves */
  dz__formal local;    /* an operation over the names of its operands: s/d */
  dz__formal gradient; /* E d(result)/d(it); of a leaf in terms of named results too: E z (1 - z) */
} dz__node_symbol;

typedef struct dz__use_symbol {
  dz__formal partial; /* the local one: the table's text with the operands in place, {0} for tensors */
  dz__formal share;   /* what this use adds to the gradient, where that has several parts */
} dz__use_symbol;

typedef struct dz__symbols {
  dz_allocator alloc;
  dz_tape *tape;
  const dz__trace *of;
  dz__node_symbol *node; /* per seen node */
  dz__use_symbol *use;   /* per use */
  const char *result;    /* how the result is called: a name on `tape` */
  const char *seed;      /* "E", or another letter where that is taken */
  size_t guesses;
  dz_var *handle; /* inside: the copy of each node */
} dz__symbols;

/* The formulas of a trace, which must stay while they are used. By default a leaf that is called a, b, c or
   d, as constants are, that is -1 and is used more than once stands as its number beside other leaves. Shared
   traces give shorter formulas. What contradicts the numbers of the last sweep, as at a tie, is left out too.
   DZ_ERR_MEMORY; what no formula is known of is left out and no error. Cost: a
   simplification for each node and each use. */
dz_status dz__symbols_make(const dz__trace *trace, const dz__symbol_options *o, dz__symbols *symbols);
void dz__symbols_free(dz__symbols *symbols);

#endif
