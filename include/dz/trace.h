/* A graph with all its numbers and formulas as one JSON object: what the page of `dz page` is made of, and
   any other renderer may be. */
#ifndef DZ_TRACE_H
#define DZ_TRACE_H

#include "dz/sweep.h"
#include "dz/text.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct dz_trace_options {
  const char *output; /* name of the result; NULL: its own name, or "f" */
  size_t max_nodes;   /* more operations than this, or 2^22 operands, end in DZ_ERR_LIMIT before anything is
                         written; 0: 1000 */
  size_t formulas;    /* no formulas when there are more operations than this; 0: 100 */
} dz_trace_options;

/* Writes the trace of y, with the adjoints of the last sweep, as JSON on one line:

     {"output": NAME, "seed": LETTER, "result": ID, "forward": N, "backward": N, "nodes": [NODE, …]}

   seed is what formulas call the gradient that arrives at the result, E where that is free; null without
   formulas. forward and backward are the numbers of the last wave of each sweep. Nodes are in tape order,
   operands before their users, the result last:

     {"id": its number on the tape, as in the ids of a picture,
      "op": the table's name, or input, param, const, data,
      "name": its own or null, "label": how formulas call it,
      "line", "column": where it stood in text, or 0,
      "shape": [extents], "value": V, "gradient": V or null, "state": "ready", "inactive", "not computed",
      "wave": of the forward sweep, 0 for leaves,
      "back": the wave of the backward sweep at which its gradient is complete and goes on to its operands, 1
              for the result, 0 when it has none,
      "rule": the table's text over x y w, or null,
      "formula": FORMULA, what it is in the leaves,
      "gradient_formula": FORMULA, with the seed for what arrives at the result,
      "operands": [USE, …]}

   USE: {"number": a plain number} or

     {"node": ID,
      "rule": the partial's text in the table over x y w and the result z, or null,
      "partial": the number, null for tensors, "partial_formula": FORMULA,
      "share": V, what it adds to the operand's gradient, or null, "share_formula": FORMULA}

   FORMULA: null where none is known, else {"text": in dz's language, "mathml": without the math element,
   "guesses": how many steps of its simplification were checked by numbers only}. V: a number, nested lists,
   or null for more than 4 elements; numbers read back as the same double, others are "nan", "inf", "-inf".
   Any of this may stand within HTML: of what could end a script nothing stands as it is. Equal operations on
   equal operands are one, as in a picture that is `shared`. The text is the same for the same tape. `options`
   may be NULL. Errors as of dz_write_dot. Cost: linear in the nodes shown and in their uses; a simplification
   for each formula. */
DZ_API dz_status dz_write_trace(dz_var y, const dz_trace_options *options, dz_writer *write, void *user);

#ifdef __cplusplus
}
#endif
#endif
