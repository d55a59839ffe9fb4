/* dz train --plot: a figure of panels. Loss and accuracy over the epochs; beside them what is said of each
   point of the plane, when samples are points, or of each number, when they are numbers; below them, after
   --check, each parameter's derivatives. */
#include "training.h"

#include "file.h"
#include "gnuplot.h"
#include "graphviz.h"
#include "speech.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Points of the picture. */
enum {
  FIT_HIGH = 320,
  LEFT = 70,
  RIGHT = 18,
  TOP = 34,
  BELOW = 52,
  CURVE_WIDE = 430,
  LOSS_HIGH = 230,
  SHARE_HIGH = 150
};
enum {
  PLANE = LOSS_HIGH + BELOW + TOP + SHARE_HIGH,
  KEY_WIDE = 190,
  BARS_HIGH = 150,
  MOST_BARS = 200,
  MOST_PANELS = 8,
  MOST_POINTS = 800
};

typedef struct sheet {
  buffer data, plots;
  double wide, high;
} sheet;

void training_plot_check(const training *t) {
  speech_in(t->o->lang);
  if (t->o->learn.plot == NULL) return;
  graphviz_format(t->o->learn.plot);
  file_check(t->o->learn.plot);
  gnuplot_check();
}

void training_plot_epoch(training *t, epoch_score s) {
  if (t->o->learn.plot == NULL) return;
  t->curve = take(t->curve, t->curve_count + 1, sizeof *t->curve);
  t->curve[t->curve_count++] = s;
}

/* ---- panels ---- */

/* The next panel's inside: its corner, counted from the upper left, and its size. */
static void put_place(sheet *s, double x, double y, double wide, double high, const char *title) {
  buffer *b = &s->plots;
  gnuplot_put(b, "set lmargin at screen ", x / s->wide, "\n");
  gnuplot_put(b, "set rmargin at screen ", (x + wide) / s->wide, "\n");
  gnuplot_put(b, "set tmargin at screen ", 1 - y / s->high, "\n");
  gnuplot_put(b, "set bmargin at screen ", 1 - (y + high) / s->high, "\n");
  buffer_text(b, "set title ");
  gnuplot_said(b, title);
  buffer_text(b, " offset 0,-.5 textcolor rgb '#333333'\n");
}

static double part_of(const epoch_score *e, int part) {
  const double parts[] = {e->learnt.loss, e->held.loss, e->learnt.accuracy, e->held.accuracy};
  return parts[part];
}

static void put_point(buffer *b, const training *t, size_t i, int part) {
  double y = part_of(&t->curve[i], part),
         first = (double)(training_step_count(t) / t->per_epoch) - (double)t->curve_count + 1;
  if (isfinite(y)) gnuplot_pair(b, first + (double)i, " ", y);
  buffer_text(b, "\n");
}

/* Of many epochs the least and the most of each few, so that no spike is lost. False when there is nothing.
 */
static bool put_curve(buffer *b, const training *t, int part) {
  size_t few = t->curve_count / MOST_POINTS + 1;
  bool any = false;
  gnuplot_put(b, "$part", part, " << END\n");
  for (size_t i = 0; i < t->curve_count; i += few) {
    size_t least = i, most = i;
    for (size_t k = i; k < i + few && k < t->curve_count; k++) {
      if (part_of(&t->curve[k], part) < part_of(&t->curve[least], part)) least = k;
      if (part_of(&t->curve[k], part) > part_of(&t->curve[most], part)) most = k;
    }
    put_point(b, t, least < most ? least : most, part);
    if (least != most) put_point(b, t, least < most ? most : least, part);
    any = any || isfinite(part_of(&t->curve[least], part));
  }
  buffer_text(b, "END\n");
  return any;
}

static bool wants_log(const training *t) {
  double least = HUGE_VAL, most = 0;
  for (size_t i = 0; i < t->curve_count; i++)
    for (int part = 0; part < 2; part++) {
      double y = part_of(&t->curve[i], part);
      if (!isfinite(y)) continue;
      least = fmin(least, y);
      most = fmax(most, y);
    }
  return least > 0 && most > 20 * least;
}

static void put_line(buffer *b, const training *t, int part, const char *title) {
  bool held = part % 2 == 1;
  gnuplot_put(b, "$part", part, t->curve_count < 30 ? " with linespoints pt 7 ps .35" : " with lines");
  buffer_text(b, held ? " lw 1.8 dt (10,6) lc rgb '#C62828' title " : " lw 2 lc rgb '#111111' title ");
  gnuplot_said(b, title);
}

/* The curves of loss (part 0, 1) or accuracy (2, 3). */
static void put_curves(sheet *s, const training *t, int part) {
  buffer *b = &s->plots;
  bool any = put_curve(&s->data, t, part), held = put_curve(&s->data, t, part + 1);
  buffer_text(b, part == 0 && wants_log(t) ? "set logscale y\n" : "unset logscale y\n");
  buffer_text(b, part == 0 ? "set yrange [*:*]\n" : "set yrange [*<0:1.02]\n");
  buffer_text(b, "set xrange [0:*]\nset format '%g'\nset xlabel ");
  gnuplot_said(b, "epoch");
  buffer_text(b, " offset 0,.4\n");
  buffer_text(b, t->curve_count <= 12 ? "set xtics 1\n" : "set xtics autofreq\n");
  buffer_text(b, part == 0 ? "set key at graph 1, graph .98 right top\nplot "
                           : "set key at graph 1, graph .06 right bottom\nplot ");
  if (!any && !held) buffer_text(b, "NaN notitle"); /* the first epoch has not ended */
  if (any) put_line(b, t, part, held ? "samples learnt from" : "");
  if (held) buffer_text(b, any ? ", " : "");
  if (held) put_line(b, t, part + 1, "samples held back");
  buffer_text(b, "\n");
}

/* ---- derivatives ---- */

static size_t rows_of(const training *t, size_t leaf) {
  size_t n = 0;
  for (size_t i = 0; i < t->slope_count; i++) n += t->slopes[i].leaf == leaf;
  return n;
}

static size_t bar_panels(const training *t) {
  size_t n = 0;
  for (size_t leaf = 0; leaf < t->slope_leaves; leaf++) n += rows_of(t, leaf) > 0;
  return n < MOST_PANELS ? n : MOST_PANELS;
}

/* Two bars for each element, of the numerical derivative and of the analytic one. */
static void put_bars(sheet *s, const training *t, size_t leaf, bool first) {
  buffer *b = &s->plots;
  size_t at = 0;
  gnuplot_put(&s->data, "$bars", (double)leaf, " << END\n");
  for (size_t i = 0; i < t->slope_count && at < MOST_BARS; i++) {
    if (t->slopes[i].leaf != leaf) continue;
    gnuplot_put(&s->data, "", (double)at++, " ");
    gnuplot_pair(&s->data, t->slopes[i].numeric, " ", t->slopes[i].analytic);
    buffer_text(&s->data, "\n");
  }
  buffer_text(&s->data, "END\n");
  gnuplot_put(b, "unset logscale y\nset yrange [*<0:0<*]\nset xrange [-.7:", (double)at - .3, "]\n");
  buffer_text(b, "set xlabel ");
  gnuplot_said(b, "element");
  buffer_text(b, " offset 0,.4\nset format '%g'\nunset ylabel\nset boxwidth .38\n"
                 "set key at graph 1, graph 1.22 right top horizontal\n");
  buffer_text(b, at <= 30 ? "set xtics 1\nplot " : "set xtics autofreq\nplot ");
  gnuplot_put(b, "$bars", (double)leaf,
              " using ($1-.2):2 with boxes fs solid noborder lc rgb '#9AA0A6' title ");
  gnuplot_said(b, first ? "numerical" : "");
  gnuplot_put(b, ", $bars", (double)leaf,
              " using ($1+.2):3 with boxes fs solid noborder lc rgb '#111111' title ");
  gnuplot_said(b, first ? "by backpropagation" : "");
  buffer_text(b, "\n");
}

static void put_check(sheet *s, const training *t, double top) {
  size_t panels = 0;
  for (size_t leaf = 0; leaf < t->slope_leaves && panels < MOST_PANELS; leaf++) {
    if (rows_of(t, leaf) == 0) continue;
    buffer title = {0};
    speech_form(&title, "slope of the loss to {0}, before the first step", &t->slope_names[leaf], 1);
    buffer_add(&title, "", 1);
    put_place(s, LEFT, top + (double)panels * (TOP + BARS_HIGH + BELOW) + TOP, s->wide - LEFT - RIGHT,
              BARS_HIGH, title.text);
    put_bars(s, t, leaf, panels == 0);
    buffer_free(&title);
    panels++;
  }
}

/* ---- the figure ---- */

static const char frame[] = "set encoding utf8\nset minussign\nset border 3 lc rgb '#5F6368'\n"
                            "set tics nomirror out scale .6 textcolor rgb '#333333' font ',11'\nset grid lt "
                            "1 lw .6 lc rgb '#E4E4E4'\n"
                            "set key Left reverse noenhanced samplen 2.5 spacing 1.1 vertical\n";

static buffer script_of(training *t, const char *format) {
  sheet s = {0};
  bool shares = t->n.form != NO_CLASSES, plane = regions_possible(t), fit = fit_possible(t);
  double loss = fit ? FIT_HIGH : LOSS_HIGH;
  double above = TOP + loss + BELOW + (shares ? TOP + SHARE_HIGH + BELOW : 0);
  s.wide = LEFT + CURVE_WIDE + RIGHT + (plane || fit ? LEFT + PLANE + regions_wide(t, KEY_WIDE) : 0);
  s.high = above + (double)bar_panels(t) * (TOP + BARS_HIGH + BELOW);
  put_place(&s, LEFT, TOP, CURVE_WIDE, loss, "loss");
  put_curves(&s, t, 0);
  if (shares) {
    put_place(&s, LEFT, TOP + LOSS_HIGH + BELOW + TOP, CURVE_WIDE, SHARE_HIGH, "share of right answers");
    put_curves(&s, t, 2);
  }
  if (plane) {
    put_place(&s, LEFT + CURVE_WIDE + RIGHT + LEFT, TOP, PLANE, PLANE, "what is said of each point");
    regions_panel(&s.data, &s.plots, t);
  }
  if (fit) {
    put_place(&s, LEFT + CURVE_WIDE + RIGHT + LEFT, TOP, PLANE, FIT_HIGH, "what is said of each number");
    fit_panel(&s.data, &s.plots, t);
  }
  put_check(&s, t, above);
  buffer b = {0};
  gnuplot_terminal(&b, format, s.wide, s.high);
  buffer_text(&b, frame);
  buffer_add(&b, s.data.text, s.data.size);
  buffer_text(&b, "set multiplot\n");
  buffer_add(&b, s.plots.text, s.plots.size);
  buffer_text(&b, "unset multiplot\n");
  buffer_free(&s.data);
  buffer_free(&s.plots);
  return b;
}

void training_plot(training *t) {
  if (t->o->learn.plot == NULL) return;
  const char *format = graphviz_format(t->o->learn.plot);
  buffer title = {0}, script = script_of(t, format);
  speech_form(&title, "training of {0}", &t->n.m.source.name, 1);
  buffer picture = gnuplot_picture(&script, format, &title, t->o->timeout);
  file_write(t->o->learn.plot, &picture);
  buffer_free(&picture);
  buffer_free(&script);
  buffer_free(&title);
}
