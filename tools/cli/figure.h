/* A figure of curves over one axis, drawn by gnuplot. */
#ifndef DZ_CLI_FIGURE_H
#define DZ_CLI_FIGURE_H

#include "buffer.h"
#include "curve.h"

typedef struct drawn {
  char *label;
  curve curve;
  int hue;     /* lines of one expression share their colour; dashes are a line's own */
  bool slope;  /* a derivative, not a value */
  point place; /* where the label stands beside its line; a NaN x: nowhere */
} drawn;

typedef struct figure {
  const char *axis; /* the name of what runs */
  drawn *lines;
  size_t count;
  window window;
} figure;

/* Sizes of the figure's inside, for the window. */
enum { FIGURE_WIDE = 640, FIGURE_HIGH = 380 };

/* Looks for a place beside each line where its label touches no line and no other label. */
void figure_place(figure *f);

/* The picture as "svg", "png" or "pdf". Ends the program when gnuplot is missing or fails. */
buffer figure_picture(const figure *f, const char *format, double seconds);

#endif
