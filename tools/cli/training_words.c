/* dz train: what the command line says of how to train. */
#include "training.h"

#include "dz/text.h"
#include "suggest.h"

#include <math.h>
#include <string.h>

static uint64_t seed_of(const char *text) {
  uint64_t n = 0;
  for (const char *c = text; c != NULL && *c != '\0'; c++) {
    if (*c < '0' || *c > '9' || n > (UINT64_MAX - 9) / 10)
      die(STATUS_USAGE, "--seed takes a whole number here, '%.60s' came", text);
    n = 10 * n + (uint64_t)(*c - '0');
  }
  return n;
}

static double number_in(const char **text, const char *what) {
  double x = 0;
  dz_number_kind kind;
  size_t n = dz_number_read(*text, strlen(*text), &x, &kind);
  if (n == 0 || kind != DZ_NUMBER_OK || !(x > 0)) die(STATUS_USAGE, "--schedule %s", what);
  *text += n;
  return x;
}

static dz_schedule schedule_of(const training *t) {
  const char *text = t->o->learn.schedule, *what = "is constant, cosine, step:EPOCHS or step:EPOCHS:FACTOR";
  dz_schedule s = {.warm_up = (uint64_t)t->o->learn.warm_up, .total = t->epochs * t->per_epoch, .factor = .1};
  if (text == NULL || strcmp(text, "constant") == 0) return s;
  if (strcmp(text, "cosine") == 0) {
    s.kind = DZ_SCHEDULE_COSINE;
    return s;
  }
  if (strncmp(text, "step:", 5) != 0) die(STATUS_USAGE, "--schedule %s", what);
  s.kind = DZ_SCHEDULE_STEP;
  text += 5;
  double every = number_in(&text, what);
  if (floor(every) < every || every > 1e9) die(STATUS_USAGE, "--schedule %s", what);
  s.every = (uint64_t)every * t->per_epoch;
  if (*text == ':') {
    text++;
    s.factor = number_in(&text, what);
  }
  if (*text != '\0') die(STATUS_USAGE, "--schedule %s", what);
  return s;
}

/* The command line's own limits are wider: methods differ. */
static void check_share(const char *flag, double x) {
  if (x >= 1) die(STATUS_USAGE, "%s takes a number below 1", flag);
}

static void read_method(training *t) {
  const learn_words *w = &t->o->learn;
  const char *name = w->optimizer != NULL ? w->optimizer : "adam";
  char hint[128];
  if (dz_optimiser_defaults(name, &t->how) != DZ_OK) {
    suggestion near = suggest(name);
    for (size_t i = 0; dz_optimiser_method(i) != NULL; i++) suggest_name(&near, dz_optimiser_method(i));
    die(STATUS_USAGE, "--optimizer: '%.60s' is none%s", name,
        near.best != NULL ? suggest_text(&near, hint) : ": see dz help train");
  }
  if (w->rate > 0) t->how.rate = w->rate;
  check_share("--momentum", w->momentum);
  check_share("--decay", w->decay);
  if (w->momentum > 0) t->how.momentum = w->momentum;
  if (w->decay > 0) t->how.decay = w->decay;
  if (w->epsilon > 0) t->how.epsilon = w->epsilon;
  if (w->history > 0) t->how.history = (size_t)w->history;
  if (w->weight_decay > 0) t->how.weight_decay = w->weight_decay;
  if (w->clip > 0) t->how.clip = w->clip;
}

bool training_wants_all(const training *t) { return strcmp(t->how.method, "lbfgs") == 0; }

static void read_sizes(training *t) {
  const learn_words *w = &t->o->learn;
  t->held = (size_t)floor(w->validate * (double)t->d.rows);
  t->rows = t->d.rows - t->held;
  if (w->validate > 0 && t->held == 0)
    die(STATUS_USAGE, "--validate: that share of %zu samples is none", t->d.rows);
  t->epochs = w->epochs > 0 ? (size_t)w->epochs : 100;
  t->batch = w->batch > 0 ? (size_t)w->batch : training_wants_all(t) ? t->rows : 32;
  if (t->batch > t->rows) t->batch = t->rows;
  if (training_wants_all(t) && t->batch < t->rows)
    die(STATUS_USAGE, "lbfgs needs all samples in each step: leave --batch out");
  t->per_epoch = (t->rows + t->batch - 1) / t->batch;
}

static void setting(training *t, const char *name, double x) {
  buffer_text(&t->settings, " ");
  buffer_text(&t->settings, name);
  buffer_text(&t->settings, "=");
  buffer_number(&t->settings, x, 0);
}

/* Everything that a step depends on beside the state and the samples. */
static void write_settings(training *t) {
  const dz_schedule *s = &t->how.schedule;
  buffer_text(&t->settings, "optimizer=");
  buffer_text(&t->settings, t->how.method);
  setting(t, "rate", t->how.rate);
  setting(t, "momentum", t->how.momentum);
  setting(t, "decay", t->how.decay);
  setting(t, "epsilon", t->how.epsilon);
  setting(t, "history", (double)t->how.history);
  setting(t, "weight-decay", t->how.weight_decay);
  setting(t, "clip", t->how.clip);
  setting(t, "batch", (double)t->batch);
  setting(t, "samples", (double)t->rows);
  setting(t, "held", (double)t->held);
  setting(t, "warm-up", (double)s->warm_up);
  if (t->o->single) setting(t, "float", 1);
  if (s->kind == DZ_SCHEDULE_STEP) setting(t, "step", (double)s->every);
  if (s->kind == DZ_SCHEDULE_STEP) setting(t, "factor", s->factor);
  if (s->kind == DZ_SCHEDULE_COSINE) setting(t, "cosine", (double)s->total);
  buffer_text(&t->settings, " seed=");
  buffer_whole(&t->settings, (size_t)t->seed);
  buffer_add(&t->settings, "", 1);
}

/* ---- all of it ---- */

void training_words(training *t) {
  t->seed = seed_of(t->o->seed);
  read_method(t);
}

void training_sizes(training *t) {
  read_sizes(t);
  t->how.schedule = schedule_of(t);
  write_settings(t);
}
