/* dz train: its parts. */
#ifndef DZ_CLI_TRAINING_H
#define DZ_CLI_TRAINING_H

#include "dz/learn.h"
#include "network.h"

#include <stdint.h>

/* The mean loss over some samples, and the share of right classes (NaN when there are no classes). */
typedef struct score {
  double loss, accuracy;
} score;

typedef struct training {
  const options *o;
  dataset d;
  network n;
  dz_optimiser *optimiser;
  dz_optimiser_options how;
  uint64_t seed;
  buffer settings;   /* what must be the same when training is resumed */
  size_t rows, held; /* samples to learn from, and those held back for validation */
  size_t batch, epochs, per_epoch;
  size_t *split, *order; /* rows + held samples, the held ones last; those of this epoch in their order */
  double loss_sum;       /* of the epoch so far */
  size_t hits;
} training;

training training_read(const options *o);
void training_free(training *t);

/* Steps taken, and those of all epochs. */
size_t training_step_count(const training *t);
size_t training_steps(const training *t);

/* One step of the optimiser. Ends the program with status 1 when a loss or a gradient is not finite; the
   message names the operation where it arose. */
void training_step(training *t);

/* The score over samples order[0..count), batch by batch, with the parameters as they are. */
score training_score(training *t, const size_t *order, size_t count);
/* The mean over the steps of the epoch that has just ended, each before its step. */
score training_epoch(const training *t);

/* Checks the gradient of the first batch; whether it is right. Says so on standard output. */
bool training_check(training *t);

void training_save(const training *t, const char *path);

/* A line on standard error that is written over and over, when that is a terminal. */
void progress_show(const training *t, const score *last);
void progress_end(void);

#endif
