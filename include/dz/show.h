/* Pictures: a computational graph as Graphviz source. Operations are circles; each wire carries the value
   above and the gradient below with an arrow pointing left; a filled dot stands where a value is used more
   than once, since gradients add there. */
#ifndef DZ_SHOW_H
#define DZ_SHOW_H

#include "dz/sweep.h"
#include "dz/text.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What is written at wires. Formulas are simplified; what is too long for a wire stays a number. */
typedef enum dz_written { DZ_WRITTEN_NUM, DZ_WRITTEN_SYM, DZ_WRITTEN_BOTH } dz_written;

typedef enum dz_sweeps { DZ_SWEEPS_BOTH, DZ_SWEEPS_FORWARD, DZ_SWEEPS_BACKWARD } dz_sweeps;

/* In MONO a gradient is known by its arrow and its place alone. */
typedef enum dz_theme { DZ_THEME_LIGHT, DZ_THEME_DARK, DZ_THEME_MONO } dz_theme;

typedef enum dz_picture {
  DZ_PICTURE_GRAPH,  /* operations are circles, values stand at wires */
  DZ_PICTURE_VARS,   /* values are circles, local partials stand at the arrows between them */
  DZ_PICTURE_LAYERS, /* vectors are circles, what is done to them stands at the lines between them */
  DZ_PICTURE_NEURONS /* elements are circles, weights stand at the lines between them */
} dz_picture;

typedef struct dz_dot_options {
  const char *output; /* name of the result; NULL: its own name, else "z", or "f" where a leaf is called z */
  int digits;         /* significant digits of numbers; 0 means 4 */
  size_t max_nodes;   /* more operations than this, or 2^22 operands, end in DZ_ERR_LIMIT before anything is
                         written; 0: 1000 */
  dz_picture style;
  dz_written written;
  dz_sweeps sweeps;
  dz_theme theme;
  const dz_var *wrt; /* show only the gradients that lead to these; NULL or wrt_count 0: all */
  size_t wrt_count;
  size_t wave;     /* what comes after this wave is there, but transparent: 1 … forward, then backward as
                      dz_picture_measure counts them; 0: all of it is seen */
  bool waves_told; /* each wave has colours that differ in their last digits: dz_wave_color */
  bool partials;   /* local partials at the wires too */
  bool shared;     /* equal operations on equal operands are one; and beyond 40 operations results with a
                            name, and calls of functions, are boxes unless collapse or depth say which */
  const char *constants; /* leaves that stand as their numbers in formulas, "a,b"; "": none; NULL: leaves a to
                            d that are -1, beside others */
  const char *collapse;  /* named results, or functions that `source` calls, to draw as one box each, "h,s" */
  int depth;             /* so many levels of named results within each other are drawn open; 0: all */
  const char *source;    /* the program's text: boxes of function calls take their names from it; or NULL */
  const char *(*translate)(const char *english, void *user); /* NULL: English */
  void *translate_user;
} dz_dot_options;

/* Writes the graph of y: every node that y depends on, with the adjoints of the last sweep (call dz_backward
   first; wires whose adjoint was not computed, or is inactive, show none). One wire per use of an operand:
   x*x has two, each with what that use adds to the adjoint, and before the dot where they part a wire with
   the whole. Plain numbers are small leaves, but for a short exponent, which stands in the circle. Tensors
   show their shape, and up to 4 elements. The text is the same for the same tape: ids and order follow node
   numbers. Names may be any text; what could break the source is escaped. `options` may be NULL.
   DZ_ERR_HANDLE, DZ_ERR_LIMIT, DZ_ERR_MEMORY, DZ_ERR_ARGUMENT (NULL writer): nothing has been written then.
   DZ_ERR_WRITE: the writer refused, and was not called again. Cost: linear in the nodes shown and in the
   local partials between them, and two bits per node of the tape up to y; formulas, of which there are none
   past 40 operations, a simplification for each node and each use. */
DZ_API dz_status dz_write_dot(dz_var y, const dz_dot_options *options, dz_writer *write, void *user);

typedef struct dz_picture_size {
  size_t operations, forward, backward;
} dz_picture_size;

/* How large the picture of y is: operations drawn, and waves of both sweeps (a wave: operations that go at
   the same time). Errors and cost as of dz_write_dot. */
DZ_API dz_status dz_picture_measure(dz_var y, const dz_dot_options *options, dz_picture_size *size);

/* The colour of texts of wave k of a sweep in a theme, "#c6282a": with waves_told no other text has it. k
   from 0 (leaves); k above 80 is as 80. */
DZ_API void dz_wave_color(dz_theme theme, bool backward, size_t k, char out[8]);

/* The picture as SVG without Graphviz, plainer: layers by the longest path, ordered by barycentres; formulas
   on one line. The styles but GRAPH are drawn as GRAPH. Errors as of dz_write_dot. Cost: some passes over
   nodes and wires beside. */
DZ_API dz_status dz_write_svg(dz_var y, const dz_dot_options *options, dz_writer *write, void *user);

#ifdef __cplusplus
}
#endif
#endif
