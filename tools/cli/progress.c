#include "training.h"

#include "buffer.h"

#include <math.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

enum { BAR = 24 };

static struct {
  bool asked, terminal, shown;
  double begun, last; /* seconds */
  size_t first;       /* steps that were taken before */
} state;

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Columns of the terminal; a line that is longer would break, and could not be written over. */
static size_t columns(void) {
  struct winsize w;
  return ioctl(STDERR_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_col > 0 ? w.ws_col : 80;
}

static void say(const buffer *b) {
  ssize_t n = write(STDERR_FILENO, b->text, b->size);
  (void)n; /* nobody reads it: no harm */
}

static void add_time(buffer *b, double seconds) {
  size_t s = (size_t)fmin(seconds + .5, 359999);
  if (s >= 3600) {
    buffer_whole(b, s / 3600);
    buffer_text(b, s / 60 % 60 < 10 ? ":0" : ":");
  }
  buffer_whole(b, s / 60 % 60);
  buffer_text(b, s % 60 < 10 ? ":0" : ":");
  buffer_whole(b, s % 60);
  buffer_text(b, " left");
}

static void add_bar(buffer *b, double share) {
  buffer_text(b, " [");
  for (int k = 0; k < BAR; k++) buffer_text(b, k < (int)(share * BAR) ? "#" : ".");
  buffer_text(b, "] ");
}

/* In a narrow terminal the bar goes first, then the accuracy, then the epochs. */
enum { WITH_EPOCHS = 1, WITH_ACCURACY = 2, WITH_BAR = 4, WITH_ALL = 7 };

static void add_line(buffer *b, unsigned with, const training *t, const score *now, double left) {
  size_t done = training_step_count(t);
  if (with & WITH_EPOCHS) {
    buffer_text(b, "epoch ");
    buffer_whole(b, (done - 1) / t->per_epoch + 1);
    buffer_text(b, "/");
    buffer_whole(b, t->epochs);
  }
  if (with & WITH_BAR)
    add_bar(b, (double)done / (double)training_steps(t));
  else if (with & WITH_EPOCHS)
    buffer_text(b, " ");
  buffer_text(b, "loss ");
  buffer_number(b, now->loss, 4);
  buffer_text(b, "  ");
  if ((with & WITH_ACCURACY) && !isnan(now->accuracy)) {
    buffer_number(b, 100 * now->accuracy, 3);
    buffer_text(b, " %  ");
  }
  add_time(b, left);
}

void progress_show(const training *t, const score *last) {
  size_t done = training_step_count(t), all = training_steps(t);
  if (!state.asked) {
    state.asked = true;
    state.terminal = isatty(STDERR_FILENO);
    state.begun = now();
    state.first = done - 1;
  }
  if (!state.terminal) return;
  double at = now(), left = (at - state.begun) / (double)(done - state.first) * (double)(all - done);
  if (at - state.last < .1) return;
  state.last = at;
  score mean = isnan(last->loss) ? training_epoch(t) : *last;
  buffer line = {0}, b = {0};
  for (unsigned with = WITH_ALL, fits = 0; !fits; with >>= 1) {
    line.size = 0;
    add_line(&line, with, t, &mean, left);
    fits = line.size < columns() || with == 0;
  }
  buffer_text(&b, "\r\033[K");
  buffer_add(&b, line.text, line.size < columns() ? line.size : columns() - 1);
  say(&b);
  buffer_free(&b);
  buffer_free(&line);
  state.shown = true;
}

void progress_end(void) {
  buffer b = {0};
  if (!state.shown) return;
  buffer_text(&b, "\r\033[K");
  say(&b);
  buffer_free(&b);
  state.shown = false;
}
