/* dz train: parameters of a program from samples. */
#include "training.h"

#include "file.h"
#include "ranks.h"
#include "verbs.h"
#include "width.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { INTERRUPTED = 130, SAVE_SECONDS = 30 };

/* ---- signals: the first one ends the step and saves, the second ends the program ---- */

static volatile sig_atomic_t stopped;

static void on_stop(int number) {
  if (stopped) quit(128 + number);
  stopped = 1;
}

static void catch_stop(void) {
  const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
  for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
    struct sigaction before, action;
    memset(&action, 0, sizeof action);
    sigemptyset(&action.sa_mask);
    action.sa_handler = on_stop;
    sigaction(numbers[i], NULL, &before);
    if (before.sa_handler != SIG_IGN) sigaction(numbers[i], &action, NULL);
  }
}

/* ---- the log: one line for each epoch that has ended ---- */

/* When training is resumed, the lines of the epochs that it has behind it stay. */
static buffer kept_lines(const char *path, size_t lines) {
  buffer b = {0};
  if (lines == 0 || access(path, F_OK) != 0) return b;
  blob old = bytes_read(path);
  size_t size = 0;
  for (; lines > 0 && size < old.size; size++) lines -= old.data[size] == '\n';
  buffer_add(&b, old.data, size);
  free(old.data);
  return b;
}

/* -1 without --log. */
static int log_open(const training *t) {
  const char *path = t->o->learn.log;
  if (path == NULL) return -1;
  buffer b = kept_lines(path, t->o->learn.resume ? training_step_count(t) / t->per_epoch : 0);
  bool keeps = b.size > 0;
  if (keeps) file_write(path, &b); /* whole before the old one goes */
  int file = open(path, O_WRONLY | O_CREAT | (keeps ? O_APPEND : O_TRUNC) | O_CLOEXEC, 0666);
  if (file < 0) die(STATUS_FILE, "cannot write %s: %s", path, strerror(errno));
  buffer_free(&b);
  return file;
}

static void put_score(cJSON *object, const char *before, const score *s) {
  buffer key = {0};
  for (int k = 0; k < 2; k++) {
    double x = k == 0 ? s->loss : s->accuracy;
    if (k == 1 && isnan(x)) break;
    key.size = 0;
    buffer_text(&key, before);
    buffer_text(&key, k == 0 ? "loss" : "accuracy");
    buffer_add(&key, "", 1);
    json_put(object, key.text, json_number(x));
  }
  buffer_free(&key);
}

static void log_epoch(const training *t, int file, const score *learnt, const score *held) {
  if (file < 0) return;
  cJSON *line = json_object();
  json_put(line, "epoch", json_whole(training_step_count(t) / t->per_epoch));
  json_put(line, "steps", json_whole(training_step_count(t)));
  put_score(line, "", learnt);
  if (t->held > 0) put_score(line, "validation_", held);
  buffer b = json_line(line);
  buffer_text(&b, "\n");
  file_put(t->o->learn.log, file, &b);
  buffer_free(&b);
}

/* ---- the loop ---- */

static void save(training *t) {
  if (t->o->output != NULL && ranks_first()) training_save(t, t->o->output);
}

static _Noreturn void interrupted(training *t) {
  if (!ranks_first()) ranks_quit(INTERRUPTED);
  progress_end();
  save(t);
  training_plot(t);
  size_t epoch = training_step_count(t) / t->per_epoch + 1;
  if (t->o->output != NULL)
    remark("interrupted in epoch %zu: saved in %s; --resume goes on from here", epoch, t->o->output);
  else
    remark("interrupted in epoch %zu; without -o FILE nothing is saved", epoch);
  ranks_quit(INTERRUPTED);
}

static score validate(training *t) {
  return t->held > 0 ? training_score(t, t->split + t->rows, t->held) : (score){NAN, NAN};
}

static void run(training *t, int file) {
  time_t saved = time(NULL);
  score last = {NAN, NAN};
  while (training_step_count(t) < training_steps(t)) {
    training_step(t);
    if (training_step_count(t) % t->per_epoch == 0) {
      last = training_epoch(t);
      score held = validate(t);
      log_epoch(t, file, &last, &held);
      training_plot_epoch(t, (epoch_score){last, held});
    }
    if (ranks_first()) progress_show(t, &last);
    if (t->stop) interrupted(t);
    if (time(NULL) - saved < SAVE_SECONDS) continue;
    save(t);
    saved = time(NULL);
  }
  progress_end();
}

/* ---- the report ---- */

static void add_line(buffer *b, const char *label, const score *s, int digits) {
  buffer_text(b, label);
  buffer_number(b, s->loss, digits > 0 ? digits : 6);
  if (!isnan(s->accuracy)) {
    buffer_text(b, ", accuracy ");
    buffer_number(b, 100 * s->accuracy, digits > 0 ? digits : 4);
    buffer_text(b, " %");
  }
  buffer_text(b, "\n");
}

static void add_path(buffer *b, const char *label, const char *path) {
  if (path == NULL) return;
  buffer_text(b, label);
  buffer_clean(b, path, strlen(path));
  buffer_text(b, "\n");
}

static void print_report(const training *t, const score *learnt, const score *held) {
  buffer b = {0};
  buffer_text(&b, "trained     ");
  buffer_whole(&b, t->n.size);
  buffer_text(&b, " parameters on ");
  buffer_whole(&b, t->rows);
  buffer_text(&b, " samples: ");
  buffer_whole(&b, training_step_count(t) / t->per_epoch);
  buffer_text(&b, " epochs, ");
  buffer_whole(&b, training_step_count(t));
  buffer_text(&b, " steps of ");
  buffer_text(&b, t->how.method);
  buffer_text(&b, ", seed ");
  buffer_whole(&b, (size_t)t->seed);
  buffer_text(&b, "\n");
  add_line(&b, "loss        ", learnt, t->o->digits);
  if (t->held > 0) add_line(&b, "validation  ", held, t->o->digits);
  add_path(&b, "saved       ", t->o->output);
  add_path(&b, "plot        ", t->o->learn.plot);
  output(&b);
  buffer_free(&b);
}

static void put_check(cJSON *object, const training *t) {
  cJSON *check = json_object();
  json_put(check, "checked", json_whole(t->checked));
  json_put(check, "agreed", json_whole(t->agreed));
  json_put(object, "check", check);
}

static void print_json(const training *t, const score *learnt, const score *held) {
  cJSON *object = json_object();
  json_put(object, "optimizer", json_text(t->how.method));
  json_put(object, "parameters", json_whole(t->n.size));
  json_put(object, "samples", json_whole(t->rows));
  json_put(object, "epochs", json_whole(training_step_count(t) / t->per_epoch));
  json_put(object, "steps", json_whole(training_step_count(t)));
  json_put(object, "seed", json_whole((size_t)t->seed));
  if (t->o->learn.check) put_check(object, t);
  put_score(object, "", learnt);
  if (t->held > 0) put_score(object, "validation_", held);
  json_print(object);
}

/* lbfgs holds its best point behind the one that it tries. */
static void go_to_best(training *t) {
  dz_optimiser_best(t->optimiser, t->x);
  network_set(&t->n, t->x);
}

static bool check_passes(training *t) {
  if (training_check(t)) return true;
  if (t->o->json) {
    cJSON *object = json_object();
    put_check(object, t);
    json_print(object);
  }
  remark("the gradient is wrong: nothing was trained");
  return false;
}

/* Ranks on several machines read files of their own. */
static void check_alike(const training *t) {
  double mine[] = {(double)t->rows, (double)t->held, (double)t->n.size, (double)training_step_count(t)},
         sums[4];
  memcpy(sums, mine, sizeof sums);
  ranks_sum(sums, 4);
  for (int k = 0; k < 4; k++)
    if (sums[k] != mine[k] * (double)ranks_count())
      die(STATUS_FILE, "the processes have read different files: one has %zu samples and %zu parameters",
          t->rows, t->n.size);
}

/* The first rank says what is amiss; the others read what has been found to be right. *file is that of --log.
 */
static training begin(const options *o, int *file) {
  ranks_begin(&stopped);
  if (ranks_count() > 1 && ((o->learn.data != NULL && strcmp(o->learn.data, "-") == 0) ||
                            (o->count > 0 && strcmp(o->words[0], "-") == 0))) {
    if (ranks_first()) remark("standard input goes to one process only: give the file's name");
    ranks_quit(STATUS_USAGE);
  }
  if (!ranks_first()) ranks_wait();
  if (ranks_first() && o->output != NULL) tensor_file_check(o->output);
  training t = training_read(o, &stopped);
  if (!ranks_first()) {
    check_alike(&t);
    return t;
  }
  training_plot_check(&t);
  if (o->learn.check && !check_passes(&t)) quit(STATUS_NO);
  if (o->learn.resume && training_step_count(&t) >= training_steps(&t))
    remark("--resume: %s has %zu epochs behind it already: --epochs says how many in all", o->output,
           training_step_count(&t) / t.per_epoch);
  ranks_wait();
  check_alike(&t);
  *file = log_open(&t);
  return t;
}

static void report(training *t, const score *learnt, const score *held) {
  training_plot(t);
  if (t->o->json)
    print_json(t, learnt, held);
  else
    print_report(t, learnt, held);
}

int verb_train(const options *o) {
  int file = -1;
  training t = begin(o, &file);
  catch_stop();
  run(&t, file);
  save(&t);
  if (file >= 0 && close(file) != 0) die(STATUS_FILE, "cannot write %s: %s", o->learn.log, strerror(errno));
  go_to_best(&t);
  score learnt = training_score(&t, t.split, t.rows), held = validate(&t);
  if (ranks_first()) report(&t, &learnt, &held);
  training_free(&t);
  if (ranks_count() > 1) ranks_quit(STATUS_DONE);
  return STATUS_DONE;
}
