/* dz train --plot, of samples that are points of a plane: which class is said where, the lines on which a
   class has probability 0.5 and 0.9 (of a score, where it is 0 and 1), and the samples. */
#include "training.h"

#include "dz/text.h"
#include "gnuplot.h"
#include "speech.h"
#include "width.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
  SIDE = 201,
  COARSE = 2,
  MOST_CLASSES = 6,
  LONGEST_NAME = 36,
  LETTER = 9,
  SAMPLE = 70,
  MOST_SAMPLES = 2000
};

typedef struct plane {
  double x0, x1, y0, y1;
  double *z; /* for each point of the grid, row by row from y0, what is said of each class */
  size_t classes;
  bool shares; /* z are probabilities */
} plane;

bool regions_possible(const training *t) {
  const tensor *x = &t->d.x;
  if (t->n.form == NO_CLASSES || x->rank != 2 || x->dims[1] != 2) return false;
  for (size_t i = 0; i < x->count; i++)
    if (!isfinite(x->data[i])) return false;
  return true;
}

/* ---- the values ---- */

static void ends(const tensor *x, int axis, double *low, double *high) {
  *low = HUGE_VAL;
  *high = -HUGE_VAL;
  for (size_t i = 0; i < x->dims[0]; i++) {
    *low = fmin(*low, x->data[2 * i + (size_t)axis]);
    *high = fmax(*high, x->data[2 * i + (size_t)axis]);
  }
  double wide = *high > *low ? *high - *low : 1;
  *low -= .08 * wide;
  *high += .08 * wide;
}

static double between(double low, double high, size_t i) {
  return low + (high - low) * ((double)i / (SIDE - 1));
}

/* What is said of each class: of a single output y, also of the other class. */
static void keep_values(const training *t, plane *p, const double *y, size_t width) {
  p->classes = width == 1 ? 2 : width;
  p->z = take(NULL, SIDE * SIDE * p->classes, sizeof *p->z);
  for (size_t i = 0; i < SIDE * SIDE; i++)
    for (size_t k = 0; k < p->classes; k++) {
      double other = t->n.form == MINUS_OR_PLUS ? -y[i] : 1 - y[i];
      p->z[i * p->classes + k] = width > 1 ? y[i * width + k] : k == 1 ? y[i] : other;
    }
}

/* Whether they are probabilities: their sum is 1 but for a rounding of each. */
static bool all_shares(const plane *p) {
  for (size_t i = 0; i < SIDE * SIDE; i++) {
    double sum = 0;
    for (size_t k = 0; k < p->classes; k++) {
      double z = p->z[i * p->classes + k];
      if (!(z >= 0 && z <= 1)) return false;
      sum += z;
    }
    if (fabs(sum - 1) > (double)p->classes * 0x1p-52) return false;
  }
  return true;
}

static plane plane_of(training *t) {
  plane p = {0};
  size_t width;
  double *x = take(NULL, 2 * SIDE * SIDE, sizeof *x);
  ends(&t->d.x, 0, &p.x0, &p.x1);
  ends(&t->d.x, 1, &p.y0, &p.y1);
  for (size_t i = 0; i < SIDE * SIDE; i++) {
    x[2 * i] = between(p.x0, p.x1, i % SIDE);
    x[2 * i + 1] = between(p.y0, p.y1, i / SIDE);
  }
  double *y = network_ask(&t->n, &t->d, x, SIDE * SIDE, &width);
  keep_values(t, &p, y, width);
  p.shares = all_shares(&p);
  free(x);
  free(y);
  return p;
}

/* ---- data ---- */

static size_t class_at(const plane *p, size_t i) {
  size_t best = 0;
  for (size_t k = 1; k < p->classes; k++)
    if (p->z[i * p->classes + k] > p->z[i * p->classes + best]) best = k;
  return best;
}

/* Between neighbours i and i + 1 of a row, where the class of the first stops being the larger. */
static double seam(const plane *p, size_t row, size_t i) {
  size_t a = row * SIDE + i, k = class_at(p, a), n = class_at(p, a + 1), w = p->classes;
  double here = p->z[a * w + k] - p->z[a * w + n], there = p->z[(a + 1) * w + n] - p->z[(a + 1) * w + k];
  double share = here + there > 0 ? here / (here + there) : .5;
  return between(p->x0, p->x1, i) + share * (p->x1 - p->x0) / (SIDE - 1);
}

/* Rows of boxes: centre, ends, colour. Each reaches under the next row, so that no gap shows between them. */
static void put_boxes(buffer *b, const plane *p) {
  static const char *const pale[] = {"0xCFE3F0", "0xF8DFCC", "0xCCE4DE", "0xEEDDE6", "0xE8E1CC", "0xDADADA"};
  double tall = (p->y1 - p->y0) / (SIDE - 1);
  buffer_text(b, "$boxes << END\n");
  for (size_t row = 0; row < SIDE; row++) {
    double y = between(p->y0, p->y1, row), left = p->x0;
    for (size_t i = 0; i < SIDE; i++) {
      size_t k = class_at(p, row * SIDE + i);
      if (i + 1 < SIDE && class_at(p, row * SIDE + i + 1) == k) continue;
      double right = i + 1 < SIDE ? seam(p, row, i) : p->x1;
      gnuplot_put(b, "", left, " ");
      gnuplot_put(b, "", right, " ");
      gnuplot_put(b, "", fmax(y - tall / 2, p->y0), " ");
      gnuplot_put(b, "", fmin(y + tall, p->y1), " ");
      buffer_text(b, pale[k % MOST_CLASSES]);
      buffer_text(b, "\n");
      left = right;
    }
  }
  buffer_text(b, "END\n");
}

static void put_name(buffer *b, const char *what, size_t k, int level) {
  gnuplot_put(b, what, (double)k, "");
  if (level >= 0) gnuplot_put(b, "_", level, "");
}

/* What is said of class k as a grid, and its lines, which gnuplot finds. */
static void put_lines(buffer *b, const plane *p, size_t k) {
  put_name(b, "$grid", k, -1);
  buffer_text(b, " << END\n");
  for (size_t row = 0; row < SIDE; row += COARSE) {
    for (size_t i = 0; i < SIDE; i += COARSE) {
      gnuplot_put(b, "", between(p->x0, p->x1, i), " ");
      gnuplot_put(b, "", between(p->y0, p->y1, row), " ");
      gnuplot_put(b, "", p->z[(row * SIDE + i) * p->classes + k], "\n");
    }
    buffer_text(b, "\n");
  }
  buffer_text(b, "END\n");
  for (int level = 0; level < 2; level++) {
    double at = p->shares ? (level == 0 ? .5 : .9) : level;
    put_name(b, "set table $line", k, level);
    gnuplot_put(b, "\nset cntrparam levels discrete ", at, "\nsplot ");
    put_name(b, "$grid", k, -1);
    buffer_text(b, " with lines\nunset table\n");
  }
}

/* Of -1 and 1 the numbers 0 and 1. */
static double truth_of(const training *t, size_t i) {
  double class = network_truth(&t->n, &t->d, i);
  return t->n.form == MINUS_OR_PLUS ? class > 0 : class;
}

/* Samples of class k: those learnt from, or those held back. False when there are none. */
static bool put_samples(buffer *b, const training *t, size_t k, bool held) {
  size_t from = held ? t->rows : 0, to = held ? t->d.rows : t->rows, most = from + MOST_SAMPLES;
  bool any = false;
  put_name(b, held ? "$held" : "$learnt", k, -1);
  buffer_text(b, " << END\n");
  for (size_t i = from; i < to && i < most; i++) {
    const double *x = t->d.x.data + 2 * t->split[i];
    if (truth_of(t, t->split[i]) != (double)k) continue;
    gnuplot_pair(b, x[0], " ", x[1]);
    buffer_text(b, "\n");
    any = true;
  }
  buffer_text(b, any ? "END\n" : "NaN NaN\nEND\n");
  return any;
}

/* ---- the panel ---- */

static void add_class(buffer *b, const training *t, size_t k) {
  if (k < t->d.classes)
    buffer_cut(b, t->d.names[k], strlen(t->d.names[k]), LONGEST_NAME);
  else {
    char number[32];
    dz_number_write((double)k, 0, number);
    speech_form(b, "class {0}", (const char *[]){t->n.form == MINUS_OR_PLUS && k == 0 ? "−1" : number}, 1);
  }
}

double regions_wide(const training *t, double least) {
  for (size_t k = 0; k < t->d.classes; k++) {
    buffer name = {0};
    add_class(&name, t, k);
    least = fmax(least, SAMPLE + LETTER * (double)text_width(name.text, name.size));
    buffer_free(&name);
  }
  return least;
}

static void put_label(buffer *b, const training *t, int axis) {
  buffer name = {0};
  buffer_text(&name, t->d.width == 2 ? t->d.columns[axis] : t->n.x);
  if (t->d.width != 2) gnuplot_put(&name, "[:, ", axis, "]");
  buffer_add(&name, "", 1);
  buffer_text(b, axis == 0 ? "set xlabel " : "set ylabel ");
  gnuplot_quoted(b, name.text);
  buffer_text(b, axis == 0 ? " offset 0,.4 noenhanced\n" : " offset 1,0 noenhanced\n");
  buffer_free(&name);
}

static void put_frame(buffer *b, const training *t, const plane *p) {
  put_label(b, t, 0);
  put_label(b, t, 1);
  gnuplot_put(b, "unset logscale y\nset xrange [", p->x0, ":");
  gnuplot_put(b, "", p->x1, "]\nset yrange [");
  gnuplot_put(b, "", p->y0, ":");
  gnuplot_put(b, "", p->y1,
              "]\nset format '%g'\nset xtics autofreq\nset key at graph 1.03, graph 1 left top\n");
}

/* The lines of class k; of two classes the middle one is the same line for both. */
static void plot_lines(buffer *b, const plane *p, size_t k) {
  for (int level = p->classes == 2 && k == 0 ? 1 : 0; level < 2; level++) {
    put_name(b, ", $line", k, level);
    buffer_text(b, level == 0 ? " using 1:2 with lines lw 2.2 lc rgb '"
                              : " using 1:2 with lines lw 1.3 dt (10,6) lc rgb '");
    buffer_text(b, p->classes == 2 && level == 0 ? "#333333" : gnuplot_hue(k));
    buffer_text(b, "' notitle");
  }
}

/* Discs, squares, triangles …; the smaller the shape inside its circle, the larger that is. */
static const int full[] = {7, 5, 9, 11, 13, 15}, hollow[] = {6, 4, 8, 10, 12, 14};
static const double size[] = {.9, .85, 1.2, 1.2, 1.1, 1};

static void plot_samples(buffer *b, const training *t, size_t k, bool held) {
  put_name(b, held ? ", $held" : ", $learnt", k, -1);
  gnuplot_put(b, " with points lw 1.2 ps ", size[k % MOST_CLASSES], "");
  gnuplot_put(b, " pt ", (held ? hollow : full)[k % MOST_CLASSES], " lc rgb '");
  buffer_text(b, gnuplot_hue(k));
  buffer_text(b, "' ");
  if (held) {
    buffer_text(b, "notitle");
  } else {
    buffer name = {0};
    add_class(&name, t, k);
    buffer_add(&name, "", 1);
    buffer_text(b, "title ");
    gnuplot_quoted(b, name.text);
    buffer_free(&name);
  }
}

/* Whether a line where that is said of some class lies in the picture. */
static bool reached(const plane *p, double at) {
  bool above = false, below = false;
  for (size_t i = 0; i < SIDE * SIDE * p->classes; i++) {
    above = above || p->z[i] > at;
    below = below || p->z[i] < at;
  }
  return above && below;
}

static void legend_line(buffer *b, const char *english, bool middle) {
  buffer_text(b, middle ? ", NaN with lines lw 2.2" : ", NaN with lines lw 1.3 dt (10,6)");
  buffer_text(b, " lc rgb '#333333' title ");
  gnuplot_said(b, english);
}

static void plot_legend(buffer *b, const training *t, const plane *p) {
  if (reached(p, p->shares ? .5 : 0)) legend_line(b, p->shares ? "probability 0.5" : "score 0", true);
  if (reached(p, p->shares ? .9 : 1)) legend_line(b, p->shares ? "probability 0.9" : "score ±1", false);
  if (t->held == 0) return;
  buffer_text(b, ", NaN with points ps .8 lw 1.2 pt 6 lc rgb '#333333' title ");
  gnuplot_said(b, "hollow: held back");
}

void regions_panel(buffer *data, buffer *plots, training *t) {
  plane p = plane_of(t);
  bool lines = p.shares || t->n.form == MINUS_OR_PLUS;
  put_boxes(data, &p);
  buffer_text(data, "set contour base\nunset surface\nset cntrparam linear\n");
  put_frame(plots, t, &p);
  buffer_text(plots,
              "plot $boxes using (($1+$2)/2):(($3+$4)/2):1:2:3:4:5 with boxxyerror fs solid 1.0 noborder "
              "lc rgb variable notitle");
  for (size_t k = 0; k < p.classes && k < MOST_CLASSES && lines; k++) {
    put_lines(data, &p, k);
    plot_lines(plots, &p, k);
  }
  for (size_t k = 0; k < p.classes; k++)
    for (int held = 0; held < 2; held++)
      if (put_samples(data, t, k, held)) plot_samples(plots, t, k, held);
  if (lines) plot_legend(plots, t, &p);
  buffer_text(plots, "\n");
  buffer_text(data, "unset contour\nset surface\n");
  free(p.z);
}
