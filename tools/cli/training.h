/* dz train: its parts. */
#ifndef DZ_CLI_TRAINING_H
#define DZ_CLI_TRAINING_H

#include "dz/check.h"
#include "dz/learn.h"
#include "network.h"

#include <signal.h>
#include <stdint.h>

/* The mean loss over some samples, and the share of right classes (NaN when there are no classes). */
typedef struct score {
  double loss, accuracy;
} score;

/* Four numbers, as the file of parameters keeps them. */
typedef struct epoch_score {
  score learnt, held; /* held is NaN without --validate */
} epoch_score;

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
  double *x, *gradient;  /* of the parameters, and room for what ranks add up beside it */
  double loss_sum;       /* of the epoch so far */
  size_t hits;
  epoch_score *curve; /* of --plot: the last curve_count epochs */
  size_t curve_count;
  const volatile sig_atomic_t *stopped; /* where a signal to stop shows */
  bool shared;                          /* ranks have done a step together */
  bool stop;                            /* all ranks stop after this step */
  size_t saved;                         /* steps that the last file holds, plus 1; 0: nothing is saved */
  size_t checked, agreed;               /* of --check: derivatives */
  dz_check_row *slopes;                 /* those of single elements, when there is a plot */
  size_t slope_count, slope_leaves;
  const char **slope_names; /* of the rows' leaves */
} training;

/* All that the command line asks for, ready for the next step. */
training training_read(const options *o, const volatile sig_atomic_t *stopped);
void training_free(training *t);

/* Its parts: what the command line says, before the samples are known and after. */
void training_words(training *t);
void training_sizes(training *t);
/* Whether each step needs all samples. */
bool training_wants_all(const training *t);

/* Steps taken, and those of all epochs. */
size_t training_step_count(const training *t);
size_t training_steps(const training *t);

/* One step of the optimiser, by all ranks. Ends the program with training_fault when a loss or a gradient is
   not finite, and when a rank is lost. */
void training_step(training *t);

/* Ends the program with status 1; the message names the operation where a number that is not finite arose of
   the samples order[0..count). */
_Noreturn void training_fault(training *t, const char *what, const size_t *order, size_t count);

/* The score over samples order[0..count), batch by batch, by all ranks, with the parameters as they are. */
score training_score(training *t, const size_t *order, size_t count);
/* The mean over the steps of this epoch, or of the one that has just ended, each before its step. */
score training_epoch(const training *t);

/* Checks the gradient of the first batch; whether it is right. Says so on standard output. */
bool training_check(training *t);

void training_save(training *t, const char *path);
/* What training_save has kept beside the parameters, which network_read takes. */
void training_restore(training *t, const tensor_file *f);

/* --plot: what it will need is there; the epoch that has just ended; the figure, written to its file. */
void training_plot_check(const training *t);
void training_plot_epoch(training *t, epoch_score s);
void training_plot(training *t);

/* Whether the figure can show what is said of each point of a plane. */
bool regions_possible(const training *t);
/* Likewise: the curve through samples of one number in and one out. */
bool fit_possible(const training *t);
void fit_panel(buffer *data, buffer *plots, training *t);
/* Points that its legend takes to the right of it, and at least so many. */
double regions_wide(const training *t, double least);
/* Appends that panel, whose place is set, and the data that it draws. */
void regions_panel(buffer *data, buffer *plots, training *t);

/* A line on standard error that is written over and over, when that is a terminal. */
void progress_show(const training *t, const score *last);
void progress_end(void);

#endif
