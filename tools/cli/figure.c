/* The script that gnuplot draws a figure by. Texts stand in single quotes, where gnuplot reads nothing but a
   doubled quote. */
#include "figure.h"

#include "gnuplot.h"
#include "width.h"

#include <math.h>
#include <string.h>

enum { BOTTOM = 60, ROW = 24, LETTER = 8, SAMPLE = 62 };

static const char *const dashes[] = {"solid",          "(14,6)",          "(3,4)",          "(14,4,3,4)",
                                     "(7,4)",          "(20,6)",          "(10,3,3,3,3,3)", "(3,8)",
                                     "(20,4,3,4,3,4)", "(14,4,14,4,3,4)", "(7,8)",          "(2,2)"};
enum { DASHES = sizeof dashes / sizeof dashes[0] };

/* One expression: its value is black and its slope red, as in the pictures of graphs. */
static const char *hue_of(const figure *f, const drawn *l) {
  if (f->lines[f->count - 1].hue == 0) return l->slope ? "#C62828" : "#111111";
  return gnuplot_hue((size_t)l->hue);
}

/* Rows that the legend takes, each with as many entries as fit beside one another. */
static size_t legend_rows(const figure *f) {
  size_t widest = 1;
  for (size_t i = 0; i < f->count; i++) {
    size_t n = LETTER * text_width(f->lines[i].label, strlen(f->lines[i].label)) + SAMPLE;
    if (n > widest) widest = n;
  }
  size_t columns = widest < FIGURE_WIDE ? FIGURE_WIDE / widest : 1;
  return (f->count + columns - 1) / columns;
}

/* Significant digits by which the numbers along an axis differ. */
static int digits_of(double from, double to) {
  double far = fmax(fabs(from), fabs(to));
  int n = (int)ceil(log10(far / (to - from))) + 4;
  return n < 6 ? 6 : n > 15 ? 15 : n;
}

/* Room for the numbers along the axis, which with an exponent or many digits are long. */
static double left_of(const window *w) {
  double most = fmax(fabs(w->y0), fabs(w->y1));
  int digits = digits_of(w->y0, w->y1);
  return digits > 6 ? 60 + 9. * digits : most >= 1e5 || most < 1e-3 ? 100 : 68;
}

static double right_of(const window *w) { return 4. * digits_of(w->x0, w->x1); }

static void put_frame(buffer *b, const figure *f, const char *format) {
  const window *w = &f->window;
  double top = ROW * (double)legend_rows(f) + 14, left = left_of(w), right = right_of(w),
         wide = left + w->wide + right, high = BOTTOM + w->high + top;
  gnuplot_terminal(b, format, wide, high);
  buffer_text(b, "set encoding utf8\nset minussign\n");
  gnuplot_put(b, "set lmargin at screen ", left / wide, "\n");
  gnuplot_put(b, "set rmargin at screen ", 1 - right / wide, "\n");
  gnuplot_put(b, "set bmargin at screen ", BOTTOM / high, "\n");
  gnuplot_put(b, "set tmargin at screen ", 1 - top / high, "\n");
  gnuplot_put(b, "set key horizontal Left reverse noenhanced samplen 3.2 spacing 1.1 maxrows ",
              (double)legend_rows(f), "");
  gnuplot_put(b, " at screen ", left / wide, ", screen ");
  gnuplot_put(b, "", 1 - 6 / high, " left top\n");
  buffer_text(b, "set border 3 lc rgb '#5F6368'\n"
                 "set tics nomirror out scale .6 textcolor rgb '#333333'\n"
                 "set grid lt 1 lw .6 lc rgb '#E4E4E4'\n"
                 "set xzeroaxis lt 1 lw 1 lc rgb '#9AA0A6'\nset yzeroaxis lt 1 lw 1 lc rgb '#9AA0A6'\n");
  gnuplot_put(b, "set format x '%.", digits_of(w->x0, w->x1), "g'\n");
  gnuplot_put(b, "set format y '%.", digits_of(w->y0, w->y1), "g'\n");
  buffer_text(b, "set xlabel ");
  gnuplot_quoted(b, f->axis);
  buffer_text(b, " noenhanced\nset xrange [");
  gnuplot_pair(b, w->x0, ":", w->x1);
  buffer_text(b, "]\nset yrange [");
  gnuplot_pair(b, w->y0, ":", w->y1);
  buffer_text(b, "]\n");
}

static void put_curve(buffer *b, const curve *c, size_t i) {
  gnuplot_put(b, "$line", (double)i, " << END\n");
  bool down = false; /* a line that is empty lifts the pen; two would end the line's data */
  for (size_t k = 0; k < c->count; k++) {
    if (isfinite(c->at[k].y))
      gnuplot_pair(b, c->at[k].x, " ", c->at[k].y);
    else if (!down)
      continue;
    down = isfinite(c->at[k].y);
    buffer_text(b, "\n");
  }
  buffer_text(b, "END\n");
}

/* The ends at jumps: those that hold (closed) or those that do not. False when there are none. */
static bool put_stops(buffer *b, const curve *c, size_t i, bool closed) {
  bool any = false;
  for (size_t k = 0; k < c->stop_count; k++) {
    if (c->stops[k].closed != closed) continue;
    if (!any) gnuplot_put(b, closed ? "$closed" : "$open", (double)i, " << END\n");
    any = true;
    gnuplot_pair(b, c->stops[k].at.x, " ", c->stops[k].at.y);
    buffer_text(b, "\n");
  }
  if (any) buffer_text(b, "END\n");
  return any;
}

static void put_label(buffer *b, const figure *f, const drawn *l) {
  if (isnan(l->place.x)) return;
  buffer_text(b, "set label ");
  gnuplot_quoted(b, l->label);
  buffer_text(b, " noenhanced center front at ");
  gnuplot_pair(b, l->place.x, ", ", l->place.y);
  buffer_text(b, " textcolor rgb '");
  buffer_text(b, hue_of(f, l));
  buffer_text(b, "'\n");
}

static void put_line(buffer *b, const figure *f, size_t i) {
  const drawn *l = &f->lines[i];
  gnuplot_put(b, "$line", (double)i, " with lines lw ");
  buffer_text(b, l->slope ? "2.2 dt " : "2.6 dt ");
  buffer_text(b, dashes[i % DASHES]);
  buffer_text(b, " lc rgb '");
  buffer_text(b, hue_of(f, l));
  buffer_text(b, "' title ");
  gnuplot_quoted(b, l->label);
}

static void put_disc(buffer *b, const char *set, size_t i, const char *size, const char *hue) {
  buffer_text(b, ", ");
  gnuplot_put(b, set, (double)i, " with points pt 7 ps ");
  buffer_text(b, size);
  buffer_text(b, " lc rgb '");
  buffer_text(b, hue);
  buffer_text(b, "' notitle");
}

/* An open end is white inside, so that the line ends at it. */
static void put_points(buffer *b, const figure *f, size_t i, bool closed) {
  put_disc(b, closed ? "$closed" : "$open", i, ".9", hue_of(f, &f->lines[i]));
  if (!closed) put_disc(b, "$open", i, ".55", "#FFFFFF");
}

static buffer script(const figure *f, const char *format) {
  buffer b = {0}, plot = {0};
  put_frame(&b, f, format);
  for (size_t i = 0; i < f->count; i++) {
    const curve *c = &f->lines[i].curve;
    put_curve(&b, c, i);
    put_label(&b, f, &f->lines[i]);
    buffer_text(&plot, i > 0 ? ", " : "plot ");
    put_line(&plot, f, i);
    if (put_stops(&b, c, i, false)) put_points(&plot, f, i, false);
    if (put_stops(&b, c, i, true)) put_points(&plot, f, i, true);
  }
  buffer_text(&plot, "\n");
  buffer_add(&b, plot.text, plot.size);
  buffer_free(&plot);
  return b;
}

buffer figure_picture(const figure *f, const char *format, double seconds) {
  buffer title = {0}, text = script(f, format);
  for (size_t i = 0; i < f->count; i++) {
    if (i > 0) buffer_text(&title, ", ");
    buffer_text(&title, f->lines[i].label);
  }
  buffer picture = gnuplot_picture(&text, format, &title, seconds);
  buffer_free(&text);
  buffer_free(&title);
  return picture;
}
