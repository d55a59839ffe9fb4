/* Graphviz's dot as a filter: a picture's source goes in, a file comes out whole or not at all. */
#ifndef DZ_CLI_GRAPHVIZ_H
#define DZ_CLI_GRAPHVIZ_H

#include "buffer.h"

/* "svg", "png" or "pdf": what the path's extension asks for. Ends the program with status 2 for any other. */
const char *graphviz_format(const char *path);

/* Runs `dot` on the graph's text and puts the picture at `path`, which stays as it was unless all goes well.
   Ends the program with status 3 when dot is missing or fails, with 4 when it takes longer than that many
   seconds. */
void graphviz_draw(const buffer *graph, const char *format, const char *path, double seconds);

#endif
