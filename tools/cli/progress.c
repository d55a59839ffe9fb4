#include "training.h"

#include "buffer.h"

#include <math.h>
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

void progress_show(const training *t, const score *last) {
  size_t done = training_step_count(t), all = training_steps(t);
  if (!state.asked) {
    state.asked = true;
    state.terminal = isatty(STDERR_FILENO);
    state.begun = now();
    state.first = done - 1;
  }
  if (!state.terminal) return;
  double at = now();
  if (at - state.last < .1) return;
  state.last = at;
  buffer b = {0};
  buffer_text(&b, "\r\033[Kepoch ");
  buffer_whole(&b, (done - 1) / t->per_epoch + 1);
  buffer_text(&b, "/");
  buffer_whole(&b, t->epochs);
  add_bar(&b, (double)done / (double)all);
  if (!isnan(last->loss)) {
    buffer_text(&b, "loss ");
    buffer_number(&b, last->loss, 4);
    buffer_text(&b, "  ");
  }
  if (!isnan(last->accuracy)) {
    buffer_number(&b, 100 * last->accuracy, 3);
    buffer_text(&b, " %  ");
  }
  add_time(&b, (at - state.begun) / (double)(done - state.first) * (double)(all - done));
  say(&b);
  buffer_free(&b);
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
