/* Rounds in which all contenders take turns on one workload, so that a slow moment of the machine meets them
 * all. */
#include "measure.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PLAIN, HAND, DZ, ADOLC, MOST_CONTENDERS };
enum { MOST_CALLS = 32 }; /* in one turn */

#define TURN_SECONDS 4e-3 /* a turn repeats its contender about this long */
#define AGREE 1e-9

#ifdef BENCH_ADOLC
static const int contenders = ADOLC + 1;
#else
static const int contenders = ADOLC;
#endif

/* One workload being run. */
typedef struct run {
  int index;
  const workload *w;
  bench_data data;
  dz_tape *tape;
  size_t allocations, ops; /* so far; of the last repetition of dz */
  double recording;        /* of the last repetition of dz */
  double *grad, *reference;
  double value; /* by hand */
  const char *failed;
} run;

static void *count_and_resize(void *user, void *block, size_t old_size, size_t new_size) {
  *(size_t *)user += new_size > 0;
  return dz_system_allocator().resize(NULL, block, old_size, new_size);
}

/* ---- the contenders ---- */

static double call_dz(run *r) {
  bench_data *d = &r->data;
  dz_tape *t = r->tape;
  double value;
  if (r->w->run) {
    value = r->w->run(d, t, r->grad, &r->recording, &r->ops);
  } else {
    double start = bench_now();
    dz_mark mark = dz_tape_mark(t);
    for (size_t j = 0; j < d->n; j++) d->v[j] = dz_input(t, d->x[j]);
    dz_var y = r->w->record(d, d->v);
    r->recording = bench_now() - start;
    r->ops = dz_tape_size(t) - d->n;
    if (dz_backward(y)) r->failed = "the sweep failed";
    for (size_t j = 0; j < d->n; j++) r->grad[j] = dz_adjoint(d->v[j]);
    value = dz_value(y);
    dz_tape_rewind(t, mark);
  }
  if (dz_tape_error(t)->status) r->failed = dz_tape_error(t)->message;
  return value;
}

static double call(run *r, int who) {
  switch (who) {
  case PLAIN:
    return r->w->plain(&r->data);
  case HAND:
    return r->value = r->w->hand(&r->data, r->reference);
  case DZ:
    return call_dz(r);
  default:
#ifdef BENCH_ADOLC
    return bench_adolc(r->index, &r->data, r->grad);
#else
    return NAN;
#endif
  }
}

/* ---- first calls ---- */

static bool tape_new(run *r) {
  dz_allocator a = {count_and_resize, &r->allocations};
  return (r->tape = dz_tape_new(&a)) != NULL;
}

typedef struct first_of {
  run *r;
  int who;
} first_of;

static double first_call(void *user) {
  const first_of *f = user;
  double start = bench_now();
  if (f->who == DZ && !tape_new(f->r)) return NAN;
  call(f->r, f->who);
  return bench_now() - start;
}

static double cold(run *r, int who, int times) {
  double seconds[8];
  int n = 0;
  while (n < times && n < 8) seconds[n++] = bench_apart(first_call, &(first_of){r, who});
  return bench_median(seconds, (size_t)n);
}

/* ---- rounds ---- */

/* Of entries much smaller than the largest, only the part that counts beside it. */
static double difference(const double *g, const double *h, size_t n) {
  double most = 0, worst = 0;
  for (size_t i = 0; i < n; i++) most = fmax(most, fabs(h[i]));
  for (size_t i = 0; i < n; i++) {
    double off = fabs(g[i] - h[i]) / fmax(fabs(h[i]), 1e-3 * most);
    if (g[i] != h[i] && !(off <= worst)) worst = off == off ? off : INFINITY;
  }
  return worst;
}

/* Repeats one contender for a few milliseconds, at least twice; the first call only warms the caches, which
 * the contender before filled with its own. */
static double turn(run *r, int who, double *recording, double *value) {
  double seconds[MOST_CALLS], first[MOST_CALLS], total = 0;
  size_t n = 0;
  do {
    double start = bench_now();
    *value = call(r, who);
    seconds[n] = bench_now() - start;
    first[n] = r->recording;
    total += seconds[n++];
  } while (n < 2 || (total < TURN_SECONDS && n < MOST_CALLS));
  *recording = bench_median(first + 1, n - 1);
  return bench_median(seconds + 1, n - 1);
}

static void check(run *r, int who, double value, bench_result *out) {
  if (!(fabs(value - r->value) <= AGREE * fabs(r->value))) r->failed = "the values differ";
  if (who < DZ) return;
  out->difference = fmax(out->difference, difference(r->grad, r->reference, r->data.ngrad));
  if (out->difference >= AGREE) r->failed = "the gradients differ";
}

static void rounds(run *r, int count, bench_result *out, double *room) {
  double *seconds[MOST_CONTENDERS], *recording = room + MOST_CONTENDERS * count, *reverse = recording + count;
  for (int who = 0; who < MOST_CONTENDERS; who++) seconds[who] = room + who * count;
  call(r, HAND);
  for (int who = DZ; who < contenders; who++) call(r, who);
  for (int i = 0; i < count && !r->failed; i++) {
    bench_progress(r->w->what, i + 1, count);
    for (int who = PLAIN; who < contenders; who++) {
      double value, part;
      size_t before = r->allocations;
      seconds[who][i] = turn(r, who, &part, &value);
      check(r, who, value, out);
      if (who != DZ) continue;
      out->allocations += r->allocations - before;
      recording[i] = part;
      reverse[i] = seconds[who][i] - part;
    }
  }
  if (r->failed) return;
  size_t n = (size_t)count;
  out->plain = bench_median(seconds[PLAIN], n);
  out->hand = bench_median(seconds[HAND], n);
  out->total = bench_median(seconds[DZ], n);
  out->record = bench_median(recording, n);
  out->reverse = bench_median(reverse, n);
  if (contenders > ADOLC) out->adolc = bench_median(seconds[ADOLC], n);
}

static void measure(run *r, const bench_options *o, bench_result *out) {
  int colds = o->quick ? 1 : 3;
  double *room = calloc((size_t)(o->rounds * (MOST_CONTENDERS + 2)), sizeof *room);
  r->grad = calloc(r->data.ngrad, sizeof *r->grad);
  r->reference = calloc(r->data.ngrad, sizeof *r->reference);
  if (!room || !r->grad || !r->reference) {
    r->failed = "out of memory";
  } else {
    out->cold = cold(r, DZ, colds);
    if (contenders > ADOLC) out->cold_adolc = cold(r, ADOLC, colds);
    if (tape_new(r))
      rounds(r, o->rounds, out, room);
    else
      r->failed = "out of memory";
    out->ops = r->ops;
    if (r->ops && !r->w->run) out->bytes_per_op = (double)dz_tape_bytes(r->tape) / (double)r->ops;
  }
  free(room);
  free(r->grad);
  free(r->reference);
}

bench_result bench_measure(int index, const workload *w, const bench_options *o) {
  bench_result out = {.w = w,
                      .plain = NAN,
                      .hand = NAN,
                      .record = NAN,
                      .reverse = NAN,
                      .total = NAN,
                      .adolc = NAN,
                      .cold = NAN,
                      .cold_adolc = NAN,
                      .bytes_per_op = NAN};
  run r = {.index = index, .w = w};
  if (w->open(&r.data, o->data, out.skipped))
    measure(&r, o, &out);
  else if (!out.skipped[0])
    strcpy(out.skipped, "out of memory");
  if (r.failed) snprintf(out.failed, sizeof out.failed, "%s", r.failed);
  bench_data_free(&r.data);
  dz_tape_free(r.tape);
  return out;
}
