/* Graphviz's dot: a picture's source goes in, a file comes out whole or not at all. */
#ifndef DZ_CLI_GRAPHVIZ_H
#define DZ_CLI_GRAPHVIZ_H

#include "filter.h"

/* "svg", "png" or "pdf": what the path's extension asks for. Ends the program with status 2 for any other. */
const char *graphviz_format(const char *path);

/* The picture that `dot` makes of the graph's text. Ends the program with status 3 when dot is missing or
   fails, with 4 when it takes longer than that many seconds. */
buffer graphviz_picture(const buffer *graph, const char *format, double seconds);

/* The same, but when it fails it says so. */
bool graphviz_try(const buffer *graph, const char *format, double seconds, buffer *picture,
                  filter_failure *failure);

/* graphviz_picture, put at `path`, which stays as it was unless all goes well. */
void graphviz_draw(const buffer *graph, const char *format, const char *path, double seconds);

#endif
