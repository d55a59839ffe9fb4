/* What the workloads and the measuring share: data, numbers, time, progress. */
#define _POSIX_C_SOURCE 200809L
#include "measure.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

bool bench_data_make(bench_data *d, size_t n, size_t rows, size_t width, size_t ngrad, size_t work) {
  d->n = n;
  d->rows = rows;
  d->ngrad = ngrad;
  d->x = calloc(n, sizeof *d->x);
  d->v = calloc(n, sizeof *d->v);
  d->s = calloc(rows * width + 1, sizeof *d->s);
  d->work = calloc(work + 1, sizeof *d->work);
  return d->x && d->v && d->s && d->work;
}

void bench_data_free(bench_data *d) {
  free(d->x);
  free(d->v);
  free(d->s);
  free(d->work);
}

/* Steele, Lea, Flood: Fast splittable pseudorandom number generators (2014). */
double bench_uniform(uint64_t *state, double lo, double hi) {
  uint64_t z = *state += 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  z ^= z >> 31;
  return lo + (hi - lo) * ((double)(z >> 11) * 0x1p-53);
}

static double seconds_by(clockid_t clock) {
  struct timespec t;
  clock_gettime(clock, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

double bench_now(void) { return seconds_by(CLOCK_MONOTONIC); }
double bench_processor(void) { return seconds_by(CLOCK_PROCESS_CPUTIME_ID); }
double bench_thread(void) { return seconds_by(CLOCK_THREAD_CPUTIME_ID); }

double bench_apart(double (*work)(void *), void *user) {
  int ends[2];
  double seconds = NAN;
  if (pipe(ends)) return NAN;
  pid_t child = fork();
  if (child == 0) {
    seconds = work(user);
    _exit(write(ends[1], &seconds, sizeof seconds) != sizeof seconds);
  }
  close(ends[1]);
  if (child > 0) {
    if (read(ends[0], &seconds, sizeof seconds) != sizeof seconds) seconds = NAN;
    waitpid(child, NULL, 0);
  }
  close(ends[0]);
  return seconds;
}

static int ascending(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

double bench_median(double *x, size_t n) {
  if (n == 0) return NAN;
  qsort(x, n, sizeof *x, ascending);
  return n % 2 ? x[n / 2] : 0.5 * (x[n / 2 - 1] + x[n / 2]);
}

void bench_progress(const char *what, int done, int all) {
  if (!isatty(STDERR_FILENO)) return;
  if (what)
    fprintf(stderr, "\r%-32.32s %d/%d ", what, done, all);
  else
    fprintf(stderr, "\r%48s\r", "");
}
