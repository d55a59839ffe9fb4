#include "training.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

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
  training t = {.o = o};
  tensor_file f = {0};
  dz_error error;
  if (o->learn.resume && o->output == NULL) die(STATUS_USAGE, "--resume needs -o FILE, which goes on");
  if (o->learn.resume) f = tensor_file_read(o->output);
  training_words(&t);
  t.d = dataset_read(o, o->learn.resume ? &f : NULL);
  training_sizes(&t);
  t.n = network_read(o, &t.d, t.batch, t.seed, o->learn.resume ? &f : NULL);
  if (t.n.size == 0)
    die(STATUS_USAGE, "%s: it declares no parameter, as in param w[2, 3] ~ glorot", t.n.m.source.name);
  t.optimiser = dz_optimiser_new(&t.how, t.n.size, NULL, &error);
  if (t.optimiser == NULL) die_at(NULL, &error);
  make_order(&t);
  if (o->learn.resume) training_restore(&t, &f);
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
  free(t->curve);
  free(t->slopes);
  free(t->slope_names);
}

size_t training_step_count(const training *t) { return (size_t)dz_optimiser_steps(t->optimiser); }
size_t training_steps(const training *t) { return t->epochs * t->per_epoch; }

/* ---- steps ---- */

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
  bool too_far = training_wants_all(t) && step > 0; /* a trial point of a line search */
  if (!isfinite(loss) && !too_far) training_fault(t, "the loss", t->order + from);
  t->loss_sum += loss * (double)count;
  t->hits += network_hits(&t->n, &t->d, t->order + from, count);
  dz_status status = dz_backward(t->n.m.result);
  if (status == DZ_OK) {
    status = dz_optimiser_apply(t->optimiser, loss, t->n.count, t->n.params);
    if (status == DZ_ERR_ARGUMENT) training_fault(t, "the gradient", t->order + from);
  }
  if (status != DZ_OK) die_status(&t->n.m.source, dz_tape_error(t->n.m.tape), status);
}

static score score_of(const training *t, double loss_sum, size_t hits, size_t count) {
  double n = (double)count;
  return (score){loss_sum / n, t->n.form != NO_CLASSES ? (double)hits / n : (double)NAN};
}

score training_epoch(const training *t) {
  size_t seen = training_step_count(t) % t->per_epoch * t->batch;
  return score_of(t, t->loss_sum, t->hits, seen > 0 ? seen : t->rows);
}

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
