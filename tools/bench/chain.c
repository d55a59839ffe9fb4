/* A long chain on a small stack: nothing in dz recurses over nodes, and time is linear in their number. */
#define _POSIX_C_SOURCE 200809L
#include "measure.h"

#include <math.h>
#include <pthread.h>

static const double factor = 1.0000001, shift = 1e-9;

typedef struct job {
  size_t ops;
  double seconds; /* NaN when something went wrong */
} job;

/* x <- factor x + shift. The adjoint is factor^(n/2), multiplied up one by one, so it must be met exactly. */
static void *record_sweep_free(void *user) {
  job *j = user;
  double start = bench_now(), value = 0.5, slope = 1;
  dz_tape *t = dz_tape_new(NULL);
  dz_var x = dz_input(t, value), y = x;
  for (size_t i = 0; i < j->ops / 2; i++) y = dz_add(dz_mul(y, factor), shift);
  dz_status status = dz_backward(y);
  double got = dz_value(y), adjoint = dz_adjoint(x);
  dz_tape_free(t);
  j->seconds = bench_now() - start;
  for (size_t i = 0; i < j->ops / 2; i++) {
    value = value * factor + shift;
    slope *= factor;
  }
  if (status || got != value || adjoint != slope) j->seconds = NAN;
  return NULL;
}

static double on_small_stack(void *user) {
  job *j = user;
  pthread_attr_t attr;
  pthread_t thread;
  bool sized = !pthread_attr_init(&attr) && !pthread_attr_setstacksize(&attr, CHAIN_STACK);
  if (!sized || pthread_create(&thread, &attr, record_sweep_free, j)) return NAN;
  pthread_join(thread, NULL);
  return j->seconds;
}

/* The best of a few first calls: what a page costs depends on what else runs. */
bench_chain bench_chain_run(size_t n, bool quick) {
  bench_chain c = {.ops = {n / 10, n / 2, n}};
  int times = quick ? 1 : 3;
  for (int k = 0; k < CHAIN_LENGTHS; k++) {
    c.seconds[k] = INFINITY;
    for (int i = 0; i < times && !c.failed; i++) {
      bench_progress("chain", times * k + i + 1, times * CHAIN_LENGTHS);
      double seconds = bench_apart(on_small_stack, &(job){.ops = c.ops[k]});
      if (seconds != seconds) c.failed = "out of memory, out of stack, or a wrong value or slope";
      c.seconds[k] = fmin(c.seconds[k], seconds);
    }
  }
  return c;
}
