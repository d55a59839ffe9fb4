/* How plans scale: with what is recorded, with threads, and with samples side by side. */
#include "measure.h"

#include "dz/emit.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- linear in what is recorded ---- */

/* An allocator that counts. */
typedef struct counted {
  dz_allocator system;
  size_t now, most;
} counted;

static void *resize(void *user, void *block, size_t old_size, size_t new_size) {
  counted *c = user;
  void *p = c->system.resize(c->system.user, block, old_size, new_size);
  if (!p && new_size) return NULL;
  c->now += new_size - old_size;
  if (c->now > c->most) c->most = c->now;
  return p;
}

/* Per operation. */
typedef struct scaled {
  size_t ops;
  double tape, making, again, running;    /* seconds; again: making a second one, in memory that was used */
  size_t tape_bytes, making_bytes, bytes; /* bytes: of the plan and its workspace */
  bool failed;
} scaled;

/* A neuron's loss over n / 8 samples. */
static dz_var record_samples(const dz_var *w, size_t samples) {
  uint64_t seed = 8;
  dz_var sum = dz_num(0);
  for (size_t i = 0; i < samples; i++) {
    double x = bench_uniform(&seed, -1, 1), y = bench_uniform(&seed, -1, 1);
    dz_var z = dz_tanh(dz_add(dz_add(dz_mul(x, w[0]), dz_mul(y, w[1])), w[2])), e = dz_sub(z, y);
    sum = dz_add(sum, dz_mul(e, e));
  }
  return sum;
}

static double making(dz_plan **p, dz_var y, const dz_var *w, const dz_allocator *a) {
  double start = bench_thread();
  *p = dz_plan_new(1, &y, 3, w, &(dz_plan_options){.allocator = a}, NULL);
  return bench_thread() - start;
}

static void make_and_run(scaled *s, dz_var y, const dz_var *w, const double *in) {
  counted c = {.system = dz_system_allocator()};
  dz_allocator a = {resize, &c};
  double value, gradient[3];
  dz_plan *p;
  s->making = making(&p, y, w, &a);
  dz_plan_free(p);
  s->again = making(&p, y, w, &a);
  s->making_bytes = c.most;
  void *work = malloc(dz_plan_memory(p));
  s->failed = !p || !work || dz_plan_run(p, in, &value, gradient, work);
  if (!s->failed) {
    double start = bench_thread();
    dz_plan_run(p, in, &value, gradient, work);
    s->running = bench_thread() - start;
    for (int k = 0; k < 3; k++) s->failed |= fabs(gradient[k] - dz_adjoint(w[k])) > 1e-9 * (double)s->ops;
  }
  s->bytes = c.now + dz_plan_memory(p);
  free(work);
  dz_plan_free(p);
}

static scaled at_size(size_t ops) {
  static const double in[3] = {.5, -.25, .125};
  scaled s = {.ops = ops};
  counted c = {.system = dz_system_allocator()};
  dz_allocator a = {resize, &c};
  double start = bench_thread();
  dz_tape *t = dz_tape_new(&a);
  dz_var w[3];
  for (int k = 0; k < 3; k++) w[k] = dz_input(t, in[k]);
  dz_var y = record_samples(w, ops / 8);
  s.failed = dz_backward(y) != DZ_OK;
  s.tape = bench_thread() - start;
  s.tape_bytes = c.most;
  if (!s.failed) make_and_run(&s, y, w, in);
  dz_tape_free(t);
  return s;
}

int bench_linear(size_t most) {
  int failed = 0;
  printf("A neuron's loss, 8 operations for each sample: ns and bytes for each operation, first calls\n\n"
         "%12s %16s %12s %16s %12s %12s %16s %12s\n",
         "operations", "record + sweep", "bytes", "making the plan", "once more", "bytes", "running it",
         "bytes");
  for (size_t n = 100000; n <= most && !failed; n *= 10) {
    scaled s = at_size(n);
    double ops = (double)s.ops;
    failed = s.failed;
    if (failed)
      printf("%12zu FAILED: out of memory, or other gradients\n", s.ops);
    else
      printf("%12zu %16.1f %12.1f %16.1f %12.1f %12.1f %16.2f %12.1f\n", s.ops, 1e9 * s.tape / ops,
             (double)s.tape_bytes / ops, 1e9 * s.making / ops, 1e9 * s.again / ops,
             (double)s.making_bytes / ops, 1e9 * s.running / ops, (double)s.bytes / ops);
    fflush(stdout);
  }
  return failed;
}

/* ---- threads ---- */

/* One way to run a plan: with so many threads. */
typedef struct way {
  dz_plan *plan;
  void *work;
  double *gradient, value, best, total, processor; /* seconds of a run: least, all, and of all processors */
  size_t runs;
} way;

static bool open_way(way *w, const bench_data *d, dz_var y, int threads, bool native) {
  *w = (way){.best = INFINITY};
  w->plan = dz_plan_new(1, &y, (int)d->n, d->v, &(dz_plan_options){.quick = true, .threads = threads}, NULL);
  w->work = malloc(dz_plan_memory(w->plan));
  w->gradient = calloc(d->n, sizeof *w->gradient);
  return w->plan && w->work && w->gradient && (!native || !dz_plan_native(w->plan, NULL, NULL));
}

static void close_way(way *w) {
  dz_plan_free(w->plan);
  free(w->work);
  free(w->gradient);
}

static void turn(way *w, const bench_data *d) {
  double before = bench_processor(), from = bench_now(), start = from;
  do {
    dz_plan_run(w->plan, d->x, &w->value, w->gradient, w->work);
    double now = bench_now();
    if (now - start < w->best) w->best = now - start;
    start = now;
    w->runs++;
  } while (start - from < 5e-3);
  w->total += start - from;
  w->processor += bench_processor() - before;
}

static void tell_threads(const workload *w, bool native, const way *one, const way *many, size_t n) {
  bool same = one->value == many->value && memcmp(one->gradient, many->gradient, n * sizeof(double)) == 0;
  printf("%s %-23s %-8s %10.4f %10.4f %10.2f %14.4f %14.4f %10s\n", w->name, w->what,
         native ? "native" : "plan", 1e3 * one->best, 1e3 * many->best, one->best / many->best,
         1e3 * one->processor / (double)one->runs, 1e3 * many->processor / (double)many->runs,
         same ? "same" : "OTHER");
}

static bool share(const workload *w, const char *file, int threads, int rounds, bool native) {
  bench_data d;
  way ways[2] = {{.plan = NULL}, {.plan = NULL}};
  char why[160] = "";
  dz_tape *t = dz_tape_new(NULL);
  bool good = w->open(&d, file, why) && t;
  for (size_t j = 0; good && j < d.n; j++) d.v[j] = dz_input(t, d.x[j]);
  dz_var y = good ? w->record(&d, d.v) : dz_num(0);
  for (int k = 0; k < 2 && good; k++) good = open_way(&ways[k], &d, y, k ? threads : 1, native);
  dz_tape_free(t);
  for (int i = 0; i < rounds && good; i++)
    for (int k = 0; k < 2; k++) turn(&ways[k], &d);
  if (good)
    tell_threads(w, native, &ways[0], &ways[1], d.n);
  else
    printf("%s %-23s FAILED: %s\n", w->name, w->what,
           why[0]   ? why
           : native ? "no native code"
                    : "out of memory");
  for (int k = 0; k < 2; k++) close_way(&ways[k]);
  bench_data_free(&d);
  return good;
}

int bench_threads(const bench_options *o, const workload *const *all,
                  bool (*wanted)(const char *list, const char *name)) {
  int failed = 0;
  printf(
      "Plans run by 1 and by %d threads, again and again: ms, the least of all runs; of all processors, per "
      "run\n\n%-26s %-8s %10s %10s %10s %14s %14s %10s\n",
      (int)o->threads, "", "", "1", "shared", "times", "processor: 1", "shared", "bits");
  for (int k = 0; k < WORKLOADS; k++)
    for (int native = 0; native < 2; native++)
      if (wanted(o->only, all[k]->name) && all[k]->record)
        failed |= !share(all[k], o->data, (int)o->threads, o->rounds, native);
  return failed;
}

/* ---- samples side by side ---- */

enum { SAMPLES = 4096, MOST_IN = 3 };

static dz_var rosenbrock(const dz_var *x) {
  dz_var t = dz_sub(x[1], dz_mul(x[0], x[0])), u = dz_sub(1, x[0]);
  return dz_add(dz_mul(100, dz_mul(t, t)), dz_mul(u, u));
}
static dz_var product(const dz_var *x) { return dz_mul(x[0], x[1]); }
static dz_var neuron(const dz_var *x) { return dz_tanh(dz_add(dz_mul(x[0], x[1]), x[2])); }
static dz_var wave(const dz_var *x) { return dz_mul(dz_exp(dz_neg(x[0])), dz_sin(x[1])); }

static const struct {
  const char *what;
  dz_var (*record)(const dz_var *x);
  int inputs;
} small[] = {{"x y", product, 2},
             {"Rosenbrock, n = 2", rosenbrock, 2},
             {"tanh(w x + b)", neuron, 3},
             {"exp(-x) sin(y)", wave, 2}};

typedef struct mapped {
  dz_plan *plan;
  void *work;
  double *in, *values, *rows, *other; /* other: by runs */
} mapped;

static double by_map(mapped *m) {
  double start = bench_now();
  dz_plan_map(m->plan, SAMPLES, m->in, m->values, m->rows, m->work);
  return bench_now() - start;
}

static double by_runs(mapped *m, size_t n) {
  double start = bench_now(), value;
  for (size_t i = 0; i < SAMPLES; i++) dz_plan_run(m->plan, m->in + i * n, &value, m->other + i * n, m->work);
  return bench_now() - start;
}

static bool open_map(mapped *m, dz_var (*record)(const dz_var *x), int inputs, bool quick) {
  uint64_t seed = 4;
  dz_tape *t = dz_tape_new(NULL);
  dz_var x[MOST_IN];
  for (int k = 0; k < inputs; k++) x[k] = dz_input(t, .5);
  dz_var y = record(x);
  m->plan = dz_plan_new(1, &y, inputs, x, &(dz_plan_options){.map = true, .quick = quick}, NULL);
  size_t each = dz_plan_memory(m->plan), all = dz_plan_map_memory(m->plan), n = SAMPLES * (size_t)inputs;
  m->work = malloc(each > all ? each : all);
  double **arrays[] = {&m->in, &m->rows, &m->other, &m->values};
  bool good = m->plan && m->work;
  for (size_t k = 0; k < 4; k++) good &= (*arrays[k] = calloc(n, sizeof(double))) != NULL;
  for (size_t k = 0; k < n && good; k++) m->in[k] = bench_uniform(&seed, -1, 1);
  dz_tape_free(t);
  return good;
}

static bool samples_of(int k, bool quick, int rounds) {
  mapped m = {.plan = NULL};
  size_t n = (size_t)small[k].inputs;
  double map = INFINITY, runs = INFINITY, most = 0;
  bool good = open_map(&m, small[k].record, small[k].inputs, quick);
  for (int i = 0; i < rounds && good; i++) map = fmin(map, by_map(&m)), runs = fmin(runs, by_runs(&m, n));
  for (size_t i = 0; i < SAMPLES * n && good; i++) most = fmax(most, fabs(m.rows[i] - m.other[i]));
  if (good)
    printf("%-22s%-7s %12.2f %12.2f %10.1f %14.1e\n", small[k].what, quick ? ", quick" : "",
           1e9 * runs / SAMPLES, 1e9 * map / SAMPLES, runs / map, most);
  else
    printf("%-22s FAILED: out of memory\n", small[k].what);
  dz_plan_free(m.plan);
  free(m.work);
  free(m.in);
  free(m.rows);
  free(m.other);
  free(m.values);
  return good;
}

int bench_map(int rounds) {
  int failed = 0;
  printf("%d samples, value and gradient of each: ns, the least of %d rounds\n\n%-29s %12s %12s %10s %14s\n",
         SAMPLES, rounds, "", "by runs", "by map", "times", "difference");
  for (int k = 0; k < (int)(sizeof small / sizeof *small); k++)
    for (int quick = 0; quick < 2; quick++) failed |= !samples_of(k, quick, rounds);
  return failed;
}
