#include "training.h"

#include "dz/text.h"
#include "ranks.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* What ranks add up behind the gradient. */
enum { LOSS, HITS, STOP, TAIL };

/* ---- the whole ---- */

typedef struct placed {
  double class;
  size_t place, row;
} placed;

static int by_class(const void *a, const void *b) {
  const placed *x = a, *y = b;
  if (x->class != y->class) return x->class < y->class ? -1 : 1;
  return x->place < y->place ? -1 : 1;
}

/* Held back are samples at even distances in an order that goes class by class and is otherwise random: so of
   each class the same share, to within one. They do not depend on --seed, and runs with different seeds are
   judged by the same samples. */
static void hold_back(training *t) {
  size_t n = t->d.rows, learnt = 0, held = t->rows;
  placed *all = take(NULL, n, sizeof *all);
  dz_shuffle(0, 0, n, t->order);
  for (size_t i = 0; i < n; i++) all[i] = (placed){network_truth(&t->n, &t->d, t->order[i]), i, t->order[i]};
  qsort(all, n, sizeof *all, by_class);
  for (size_t i = 0; i < n; i++) {
    bool out = (i + 1) * t->held / n > i * t->held / n;
    t->split[out ? held++ : learnt++] = all[i].row;
  }
  free(all);
}

static void make_order(training *t) {
  t->split = take(NULL, t->d.rows, sizeof *t->split);
  t->order = take(NULL, t->d.rows, sizeof *t->order);
  for (size_t i = 0; i < t->d.rows; i++) t->split[i] = i;
  if (t->held > 0) hold_back(t);
  memcpy(t->order, t->split, t->d.rows * sizeof *t->order);
}

/* Samples in another order each epoch; where a step takes them all there is nothing to order. */
static void shuffle(training *t, size_t epoch) {
  if (t->per_epoch == 1) return;
  dz_shuffle(t->seed, epoch + 1, t->rows, t->order);
  for (size_t i = 0; i < t->rows; i++) t->order[i] = t->split[t->order[i]];
}

training training_read(const options *o, const volatile sig_atomic_t *stopped) {
  training t = {.o = o, .stopped = stopped};
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
  t.x = take(NULL, t.n.size, sizeof *t.x);
  t.gradient = take(NULL, t.n.size + TAIL, sizeof *t.gradient);
  if (o->learn.resume) training_restore(&t, &f);
  if (training_step_count(&t) % t.per_epoch > 0) shuffle(&t, training_step_count(&t) / t.per_epoch);
  network_values(&t.n, t.x);
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
  free(t->x);
  free(t->gradient);
  free(t->curve);
  free(t->slopes);
  free(t->slope_names);
}

size_t training_step_count(const training *t) { return (size_t)dz_optimiser_steps(t->optimiser); }
size_t training_steps(const training *t) { return t->epochs * t->per_epoch; }

/* ---- samples ---- */

static _Noreturn void lost(const training *t) {
  if (!ranks_first()) quit(STATUS_NO);
  progress_end();
  size_t step = training_step_count(t) + 1, epoch = (step - 1) / t->per_epoch + 1;
  if (t->saved > 0)
    remark("epoch %zu, step %zu: another process was lost; %s holds what %zu steps have learnt, and --resume "
           "goes "
           "on from there",
           epoch, step, t->o->output, t->saved - 1);
  else
    remark("epoch %zu, step %zu: another process was lost, and nothing is saved", epoch, step);
  quit(STATUS_NO);
}

/* Each rank does its share of the samples. Loss and gradient are means, so a share weighs as many samples as
   it has. Where there is one rank nothing is weighed. */
static batch_score evaluate(training *t, const size_t *order, size_t count, bool wants_gradient) {
  size_t ranks = ranks_count(), first = count * ranks_mine() / ranks,
         mine = count * (ranks_mine() + 1) / ranks - first, n = wants_gradient ? t->n.size : 0;
  double *g = t->gradient, *tail = g + n, share = (double)mine / (double)count;
  batch_score part = {0};
  t->n.before = first;
  if (mine > 0) part = network_evaluate(&t->n, &t->d, order + first, mine, wants_gradient ? g : NULL);
  t->n.before = 0;
  if (ranks == 1) {
    t->stop = *t->stopped;
    return part;
  }
  for (size_t i = 0; i < n; i++) g[i] = mine > 0 ? share * g[i] : 0;
  tail[LOSS] = share * part.loss;
  tail[HITS] = (double)part.hits;
  tail[STOP] = *t->stopped;
  if (!ranks_sum(g, n + TAIL)) lost(t);
  t->stop = tail[STOP] > 0;
  return (batch_score){tail[LOSS], (size_t)tail[HITS]};
}

/* Half of the digits: rounding has touched the last ones, another kind of loss differs in the first. */
static const double alike = 0x1p-26;

/* Ends the program unless the loss of a batch is a mean over samples, as it must be to be shared. */
static void check_shares(training *t, const size_t *order, size_t count) {
  double whole = network_evaluate(&t->n, &t->d, order, count, NULL).loss,
         loss = evaluate(t, order, count, false).loss;
  if (!(fabs(whole - loss) > alike * fmax(fabs(whole), fabs(loss)))) return;
  char texts[2][32];
  dz_number_write(whole, 6, texts[0]);
  dz_number_write(loss, 6, texts[1]);
  if (ranks_first())
    remark("%s: the loss of a batch is %s, the mean of its parts' losses is %s: only a loss that is a mean "
           "over samples "
           "can be shared among processes",
           t->n.m.source.name, texts[0], texts[1]);
  ranks_quit(STATUS_USAGE);
}

/* ---- steps ---- */

/* Another one for each step and seed. */
static double step_number(const training *t, size_t step) {
  return (double)(t->seed % (1 << 20)) * 0x1p32 + (double)step;
}

void training_step(training *t) {
  size_t step = training_step_count(t), from = step % t->per_epoch * t->batch;
  size_t count = t->rows - from < t->batch ? t->rows - from : t->batch;
  if (from == 0) {
    shuffle(t, step / t->per_epoch);
    t->loss_sum = 0;
    t->hits = 0;
  }
  if (ranks_count() > 1 && !t->shared) check_shares(t, t->order + from, count);
  t->shared = true;
  t->n.said[COUNTER_STEP] = step_number(t, step);
  batch_score now = evaluate(t, t->order + from, count, true);
  bool too_far = training_wants_all(t) && step > 0; /* a trial point of a line search */
  if (!isfinite(now.loss) && !too_far) training_fault(t, "the loss", t->order + from, count);
  t->loss_sum += now.loss * (double)count;
  t->hits += now.hits;
  if (dz_optimiser_step(t->optimiser, now.loss, t->x, t->gradient) != DZ_OK)
    training_fault(t, "the gradient", t->order + from, count);
  network_set(&t->n, t->x);
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
    batch_score part = evaluate(t, order + from, n, false);
    sum += part.loss * (double)n;
    hits += part.hits;
  }
  return score_of(t, sum, hits, count);
}
