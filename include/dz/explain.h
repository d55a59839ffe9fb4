/* Both sweeps in words, wave by wave: what each operation computes, by which rule its gradient goes back,
   where gradients add. */
#ifndef DZ_EXPLAIN_H
#define DZ_EXPLAIN_H

#include "dz/sweep.h"
#include "dz/text.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum dz_explain_format {
  DZ_EXPLAIN_TEXT,
  DZ_EXPLAIN_LATEX, /* a document of its own */
  DZ_EXPLAIN_HTML   /* a page of its own, formulas in MathML, no script */
} dz_explain_format;

/* What an independent derivative says of a leaf; see dz_check. */
typedef struct dz_explain_check {
  dz_var leaf;
  size_t checked, agreed;          /* elements and directions */
  double analytic, numeric, error; /* of the one that is worst */
  const char *verdict;             /* why not all agree, in a word: "wrong", "kink" …; NULL when they do */
} dz_explain_check;

typedef struct dz_explain_options {
  const char *output; /* name of the result; NULL: its own name, or "z", or "f" beside a leaf z */
  dz_explain_format format;
  int digits;     /* significant digits; 0: all that are needed to read back the same double */
  size_t max_ops; /* more operations than this, or 2^22 operands, end in DZ_ERR_LIMIT before anything is
                     written; 0: 1000 */
  const dz_explain_check *checks; /* for the last section; NULL: no such column */
  size_t check_count;
  const char *(*translate)(const char *english, void *user); /* NULL: English */
  void *translate_user;
  const char *language; /* of the translation, for the document: "en", "ja"; NULL: "en" */
} dz_explain_options;

/* Writes the explanation of y, with the adjoints of the last sweep (call dz_backward first): the values wave
   by wave, a wave being the operations that can go at the same time; then the gradients, each use with its
   rule, the rule in the names of its operands, and the numbers; ● where gradients of several uses add; at the
   end the gradients of the leaves, as dz_adjoint has them, with a simplified formula, and the check of each.
   Equal operations on equal operands are told once. Formulas are left out past 40 operations. `options` may
   be NULL. DZ_ERR_HANDLE, DZ_ERR_LIMIT, DZ_ERR_MEMORY, DZ_ERR_ARGUMENT (NULL writer, no such format, no sweep
   from y at hand), DZ_ERR_WRITE. Cost: linear in the nodes up to y; a simplification for each formula. */
DZ_API dz_status dz_explain(dz_var y, const dz_explain_options *options, dz_writer *write, void *user);

#ifdef __cplusplus
}
#endif
#endif
