/* Scripts for gnuplot, and the pictures that it makes of them. */
#ifndef DZ_CLI_GNUPLOT_H
#define DZ_CLI_GNUPLOT_H

#include "buffer.h"

/* Colours that stand beside one another; told apart by people with any colour vision. */
const char *gnuplot_hue(size_t i);

/* Text in single quotes, where gnuplot reads nothing but a doubled quote. */
void gnuplot_said(buffer *b, const char *english); /* the same in the chosen language */
void gnuplot_quoted(buffer *b, const char *text);
/* Two numbers, to the last digit, with `between` between them. */
void gnuplot_pair(buffer *b, double x, const char *between, double y);
/* A number to nine digits between two texts. */
void gnuplot_put(buffer *b, const char *before, double x, const char *after);
/* The line that says which kind of picture, and its size in points. */
void gnuplot_terminal(buffer *b, const char *format, double wide, double high);

/* Ends the program when gnuplot is not found. For verbs that work long before they draw. */
void gnuplot_check(void);

/* The picture as "svg", "png" or "pdf". `title` is what a reader of the screen tells. Ends the program when
   gnuplot is missing or fails. */
buffer gnuplot_picture(const buffer *script, const char *format, const buffer *title, double seconds);

#endif
