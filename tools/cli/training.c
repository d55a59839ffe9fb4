#include "training.h"

#include "buffer.h"
#include "checked.h"
#include "dz/text.h"
#include "suggest.h"
#include "width.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- what the command line says ---- */

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
  if (w->weight_decay > 0) t->how.weight_decay = w->weight_decay;
  if (w->clip > 0) t->how.clip = w->clip;
}

static bool wants_all(const training *t) { return strcmp(t->how.method, "lbfgs") == 0; }

static void read_sizes(training *t) {
  const learn_words *w = &t->o->learn;
  t->held = (size_t)floor(w->validate * (double)t->d.rows);
  t->rows = t->d.rows - t->held;
  t->epochs = w->epochs > 0 ? (size_t)w->epochs : 100;
  t->batch = w->batch > 0 ? (size_t)w->batch : wants_all(t) ? t->rows : 32;
  if (t->batch > t->rows) t->batch = t->rows;
  if (wants_all(t) && t->batch < t->rows)
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
  setting(t, "weight-decay", t->how.weight_decay);
  setting(t, "clip", t->how.clip);
  setting(t, "batch", (double)t->batch);
  setting(t, "samples", (double)t->rows);
  setting(t, "held", (double)t->held);
  setting(t, "warm-up", (double)s->warm_up);
  if (s->kind == DZ_SCHEDULE_STEP) setting(t, "step", (double)s->every);
  if (s->kind == DZ_SCHEDULE_STEP) setting(t, "factor", s->factor);
  if (s->kind == DZ_SCHEDULE_COSINE) setting(t, "cosine", (double)s->total);
  buffer_text(&t->settings, " seed=");
  buffer_whole(&t->settings, (size_t)t->seed);
  buffer_add(&t->settings, "", 1);
}

/* ---- to and from the file ---- */

static void add_notes(const training *t, tensor_file *f) {
  cJSON *dims = json_array();
  for (int k = 1; k < t->d.t.rank; k++) json_push(dims, json_whole(t->d.t.dims[k]));
  buffer text = json_line(dims);
  buffer_add(&text, "", 1);
  if (t->d.t.data != NULL) tensor_file_note(f, "dz.target", text.text);
  buffer_free(&text);
  if (t->d.classes > 0) {
    cJSON *names = json_array();
    for (size_t i = 0; i < t->d.classes; i++) json_push(names, json_text(t->d.names[i]));
    text = json_line(names);
    buffer_add(&text, "", 1);
    tensor_file_note(f, "dz.classes", text.text);
    buffer_free(&text);
  }
  buffer_whole(&text, (size_t)t->n.form);
  buffer_add(&text, "", 1);
  tensor_file_note(f, "dz.form", text.text);
  buffer_free(&text);
  tensor_file_note(f, "dz.training", t->settings.text);
}

/* Names with a dot are no names of the language, so nothing collides. */
void training_save(const training *t, const char *path) {
  tensor_file f = {.path = path};
  double *x = take(NULL, t->n.size, sizeof *x), sums[2] = {t->loss_sum, (double)t->hits};
  network_values(&t->n, x);
  dz_optimiser_best(t->optimiser, x);
  for (size_t k = 0, at = 0; k < t->n.count; k++) {
    size_t dims[DZ_MAX_RANK];
    for (int i = 0; i < dz_rank(t->n.params[k]); i++) dims[i] = dz_extent(t->n.params[k], i);
    tensor_file_add(&f, t->n.names[k], dz_rank(t->n.params[k]), dims, x + at);
    at += dz_size(t->n.params[k]);
  }
  size_t size;
  const double *state = dz_optimiser_state(t->optimiser, &size);
  tensor_file_add(&f, "optimizer.state", 1, &size, state);
  tensor_file_add(&f, "training.epoch", 1, (size_t[]){2}, sums);
  add_notes(t, &f);
  safetensors_write(&f);
  tensor_file_free(&f);
  free(x);
}

static void restore(training *t, const tensor_file *f) {
  const tensor *state = tensor_file_find(f, "optimizer.state"), *sums = tensor_file_find(f, "training.epoch");
  const char *settings = tensor_file_noted(f, "dz.training");
  if (state == NULL || sums == NULL || sums->count != 2 || settings == NULL)
    die(STATUS_FILE, "%s: it holds parameters, but no training that could be resumed", f->path);
  if (strcmp(settings, t->settings.text) != 0)
    die(STATUS_USAGE, "--resume: %s was trained with %s, now it would be %s", f->path, settings,
        t->settings.text);
  double *x = take(NULL, t->n.size, sizeof *x);
  network_values(&t->n, x);
  if (dz_optimiser_restore(t->optimiser, state->data, state->count, x) != DZ_OK ||
      !(sums->data[1] >= 0 && sums->data[1] <= (double)t->rows))
    die(STATUS_FILE, "%s: the state of its optimizer is damaged", f->path);
  network_set(&t->n, x);
  free(x);
  t->loss_sum = sums->data[0];
  t->hits = (size_t)sums->data[1];
}

/* ---- the whole ---- */

static void make_order(training *t) {
  t->split = take(NULL, t->d.rows, sizeof *t->split);
  t->order = take(NULL, t->d.rows, sizeof *t->order);
  for (size_t i = 0; i < t->d.rows; i++) t->split[i] = i;
  if (t->held > 0) dz_shuffle(t->seed, 0, t->d.rows, t->split);
  memcpy(t->order, t->split, t->d.rows * sizeof *t->order);
}

/* Samples in another order each epoch; where a step takes them all there is nothing to order. */
static void shuffle(training *t, size_t epoch) {
  if (t->per_epoch == 1) return;
  dz_shuffle(t->seed, epoch + 1, t->rows, t->order);
  for (size_t i = 0; i < t->rows; i++) t->order[i] = t->split[t->order[i]];
}

training training_read(const options *o) {
  training t = {.o = o, .seed = seed_of(o->seed)};
  tensor_file f = {0};
  dz_error error;
  if (o->learn.resume && o->output == NULL) die(STATUS_USAGE, "--resume needs -o FILE, which goes on");
  if (o->learn.resume) f = safetensors_read(o->output);
  read_method(&t);
  t.d = dataset_read(o, o->learn.resume ? &f : NULL);
  read_sizes(&t);
  t.how.schedule = schedule_of(&t);
  t.n = network_read(o, &t.d, t.seed, o->learn.resume ? &f : NULL);
  if (t.n.size == 0)
    die(STATUS_USAGE, "%s: it declares no parameter, as in param w[2, 3] ~ glorot", t.n.m.source.name);
  t.optimiser = dz_optimiser_new(&t.how, t.n.size, NULL, &error);
  if (t.optimiser == NULL) die_at(NULL, &error);
  write_settings(&t);
  make_order(&t);
  if (o->learn.resume) restore(&t, &f);
  if (training_step_count(&t) % t.per_epoch > 0) shuffle(&t, training_step_count(&t) / t.per_epoch);
  tensor_file_free(&f);
  return t;
}

void training_free(training *t) {
  dz_optimiser_free(t->optimiser);
  network_free(&t->n);
  dataset_free(&t->d);
  buffer_free(&t->settings);
  free(t->split);
  free(t->order);
}

size_t training_step_count(const training *t) { return (size_t)dz_optimiser_steps(t->optimiser); }
size_t training_steps(const training *t) { return t->epochs * t->per_epoch; }

/* ---- steps ---- */

static const dz_note *guilty(const training *t) {
  if (dz_backward(t->n.m.result) == DZ_OK) dz_diagnose(t->n.m.result);
  return dz_note_at(t->n.m.tape, 0);
}

static _Noreturn void not_finite(const training *t, const char *what) {
  const dz_note *note = guilty(t);
  buffer b = {0};
  size_t step = training_step_count(t);
  progress_end();
  remark("epoch %zu, step %zu: %s is not finite", step / t->per_epoch + 1, step + 1, what);
  if (note != NULL) {
    message_place(&b, &t->n.m.source, note->line, note->column, "  ");
    buffer_text(&b, "  ");
    buffer_clean(&b, note->message, strlen(note->message));
    buffer_text(&b, "\n");
    for (size_t done = 0; done < b.size;) {
      ssize_t size = write(STDERR_FILENO, b.text + done, b.size - done);
      if (size <= 0) break;
      done += (size_t)size;
    }
  }
  quit(STATUS_NO);
}

void training_step(training *t) {
  size_t step = training_step_count(t), from = step % t->per_epoch * t->batch;
  size_t count = t->rows - from < t->batch ? t->rows - from : t->batch;
  if (from == 0) {
    shuffle(t, step / t->per_epoch);
    t->loss_sum = 0;
    t->hits = 0;
  }
  network_record(&t->n, &t->d, t->order + from, count);
  double loss = dz_value(t->n.m.result);
  bool too_far = wants_all(t) && step > 0; /* a trial point of a line search */
  if (!isfinite(loss) && !too_far) not_finite(t, "the loss");
  t->loss_sum += loss * (double)count;
  t->hits += network_hits(&t->n, &t->d, t->order + from, count);
  dz_status status = dz_backward(t->n.m.result);
  if (status == DZ_OK) {
    status = dz_optimiser_apply(t->optimiser, loss, t->n.count, t->n.params);
    if (status == DZ_ERR_ARGUMENT) not_finite(t, "the gradient");
  }
  if (status != DZ_OK) die_status(&t->n.m.source, dz_tape_error(t->n.m.tape), status);
}

static score score_of(const training *t, double loss_sum, size_t hits, size_t count) {
  double n = (double)count;
  return (score){loss_sum / n, t->n.form != NO_CLASSES ? (double)hits / n : (double)NAN};
}

score training_epoch(const training *t) { return score_of(t, t->loss_sum, t->hits, t->rows); }

score training_score(training *t, const size_t *order, size_t count) {
  double sum = 0;
  size_t hits = 0, size = t->batch > 1024 ? t->batch : 1024;
  for (size_t from = 0; from < count; from += size) {
    size_t n = count - from < size ? count - from : size;
    network_record(&t->n, &t->d, order + from, n);
    sum += dz_value(t->n.m.result) * (double)n;
    hits += network_hits(&t->n, &t->d, order + from, n);
  }
  return score_of(t, sum, hits, count);
}

bool training_check(training *t) {
  buffer b = {0};
  network_record(&t->n, &t->d, t->split, t->batch);
  wants w = model_wants(&t->n.m, NULL);
  size_t count, wrong = 0;
  leaf_check *all = check_leaves(&t->n.m, &w, &count);
  for (size_t i = 0; i < count; i++) {
    const leaf_check *c = &all[i];
    if (c->checked == 0) continue;
    wrong += c->by[DZ_VERDICT_WRONG];
    buffer_text(&b, "check  ");
    buffer_text(&b, c->name);
    buffer_text(&b, ": ");
    buffer_whole(&b, c->by[DZ_VERDICT_AGREES]);
    buffer_text(&b, " of ");
    buffer_whole(&b, c->checked);
    buffer_text(&b, " derivatives agree; at worst ");
    buffer_number(&b, c->worst.analytic, 6);
    buffer_text(&b, ", numerically ");
    buffer_number(&b, c->worst.numeric, 6);
    buffer_text(&b, " (");
    buffer_text(&b, verdict_word(c->worst.verdict));
    buffer_text(&b, ")\n");
  }
  output(&b);
  buffer_free(&b);
  free(all);
  wants_free(&w);
  return wrong == 0;
}
