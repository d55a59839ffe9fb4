/* What the benchmark of tensors is made of. */
#ifndef BENCH_TENSORS_H
#define BENCH_TENSORS_H

#include "measure.h"

#include <stdio.h>
#include <sys/types.h>

enum { BENCH_MOST_ROUNDS = 64 };

/* PyTorch as a child process; version is "" where there is none. */
typedef struct bench_torch {
  FILE *to, *from;
  pid_t child;
  char version[64];
} bench_torch;

void bench_torch_open(bench_torch *p);
void bench_torch_close(bench_torch *p);

/* Seconds of one training step of the perceptron with these layers, up to a 0, taken over about `seconds`;
   NaN without PyTorch. */
double bench_torch_time(bench_torch *p, const size_t *layer, size_t batch, bool single, double seconds);

/* Measures and tells matrix products, or adds them to the list. Returns whether they differ. */
int bench_squares(const bench_options *o, cJSON *list);

#endif
