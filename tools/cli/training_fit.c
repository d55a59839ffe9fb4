/* dz train --plot, of samples with one number in and one out: the samples, and the curve that is said to go
   through them. */
#include "training.h"

#include "gnuplot.h"

#include <math.h>
#include <stdlib.h>

enum { POINTS = 401, MOST_SAMPLES = 2000 };

static bool all_finite(const tensor *v) {
  for (size_t i = 0; i < v->count; i++)
    if (!isfinite(v->data[i])) return false;
  return true;
}

/* Of the output only its shape is asked, which the samples recorded last have too. */
bool fit_possible(const training *t) {
  if (t->n.form != NO_CLASSES || t->n.output == NULL || t->d.t.data == NULL) return false;
  if (t->d.x.count != t->d.rows || t->d.t.count != t->d.rows) return false;
  dz_var y = dz_named(t->n.m.tape, t->n.output), x = dz_named(t->n.m.tape, t->n.x);
  return dz_rank(y) > 0 && dz_size(y) == dz_size(x) && all_finite(&t->d.x) && all_finite(&t->d.t);
}

static void put_curve(buffer *b, training *t) {
  double low = HUGE_VAL, high = -HUGE_VAL, x[POINTS];
  size_t width;
  for (size_t i = 0; i < t->d.rows; i++) {
    low = fmin(low, t->d.x.data[i]);
    high = fmax(high, t->d.x.data[i]);
  }
  double more = high > low ? .05 * (high - low) : 1;
  for (int i = 0; i < POINTS; i++) x[i] = low - more + (high - low + 2 * more) * ((double)i / (POINTS - 1));
  double *y = network_ask(&t->n, &t->d, x, POINTS, &width);
  buffer_text(b, "$fit << END\n");
  for (int i = 0; i < POINTS; i++) {
    if (isfinite(y[i])) gnuplot_pair(b, x[i], " ", y[i]);
    buffer_text(b, "\n");
  }
  buffer_text(b, "END\n");
  free(y);
}

/* Samples learnt from, or held back. */
static void put_samples(buffer *b, const training *t, bool held) {
  size_t from = held ? t->rows : 0, to = held ? t->d.rows : t->rows;
  buffer_text(b, held ? "$held << END\n" : "$samples << END\n");
  for (size_t i = from; i < to && i < from + MOST_SAMPLES; i++) {
    gnuplot_pair(b, t->d.x.data[t->split[i]], " ", t->d.t.data[t->split[i]]);
    buffer_text(b, "\n");
  }
  buffer_text(b, "END\n");
}

void fit_panel(buffer *data, buffer *plots, training *t) {
  put_curve(data, t);
  put_samples(data, t, false);
  if (t->held > 0) put_samples(data, t, true);
  buffer_text(
      plots,
      "unset logscale y\nset xrange [*:*] noextend\nset yrange [*:*]\nset format '%g'\nset xtics autofreq\n"
      "set key at graph 1.03, graph 1 left top\nunset ylabel\nset xlabel ");
  gnuplot_quoted(plots, t->d.width == 1 ? t->d.columns[0] : t->n.x);
  buffer_text(plots, " offset 0,.4 noenhanced\nplot $samples with points pt 7 ps .7 lc rgb '#0072B2' title ");
  gnuplot_said(plots, t->held > 0 ? "samples learnt from" : "samples");
  if (t->held > 0) {
    buffer_text(plots, ", $held with points pt 6 ps .7 lw 1.2 lc rgb '#0072B2' title ");
    gnuplot_said(plots, "samples held back");
  }
  buffer_text(plots, ", $fit with lines lw 2.2 lc rgb '#C62828' title ");
  gnuplot_quoted(plots, t->n.output);
  buffer_text(plots, "\n");
}
