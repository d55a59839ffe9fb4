/* Pictures: a computational graph as Graphviz source. Operations are circles; each wire carries the value in
   black above and the gradient in red below with an arrow pointing left; a filled dot stands where a value is
   used more than once, since gradients add there. */
#ifndef DZ_SHOW_H
#define DZ_SHOW_H

#include "dz/sweep.h"
#include "dz/text.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct dz_dot_options {
  const char *output; /* name of the result; NULL: its own name, or "f" */
  int digits;         /* significant digits of numbers; 0 means 4 */
  size_t
      max_nodes; /* more operations than this end in DZ_ERR_LIMIT before anything is written; 0 means 1000 */
} dz_dot_options;

/* Writes the graph of y: every node that y depends on, with the adjoints of the last sweep (call dz_backward
   first; wires whose adjoint was not computed, or is inactive, show none). One wire per use of an operand:
   x*x has two, each with what that use adds to the adjoint, and before the dot where they part a wire with
   the whole. Plain numbers are small leaves, but for a short exponent, which stands in the circle. Tensors
   show their shape, and up to 4 elements. The text is the same for the same tape: ids and order follow node
   numbers. Names may be any text; what could break the source is escaped. `options` may be NULL.
   DZ_ERR_HANDLE, DZ_ERR_LIMIT, DZ_ERR_MEMORY, DZ_ERR_ARGUMENT (NULL writer): nothing has been written then.
   DZ_ERR_WRITE: the writer refused, and was not called again. Cost: linear in the nodes shown and in the
   local partials between them, and two bits per node of the tape up to y. */
DZ_API dz_status dz_write_dot(dz_var y, const dz_dot_options *options, dz_writer *write, void *user);

#ifdef __cplusplus
}
#endif
#endif
