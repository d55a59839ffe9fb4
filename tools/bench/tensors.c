/* Training steps of perceptrons: plans and tapes of doubles and of floats, and PyTorch where it is
   installed, in interleaved rounds. */
#include "tensors.h"

#include "dz/dz.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_LAYERS = 4 };
enum { PLAN, PLAN_SINGLE, EAGER, EAGER_SINGLE, TORCH, TORCH_SINGLE, CONTENDERS };

static const double RATE = 1e-3;

typedef struct network {
  const char *name;
  size_t layer[MOST_LAYERS + 1], batch;
  double target; /* at most this share of PyTorch's time */
} network;

static const network networks[] = {{"2-16-16-2", {2, 16, 16, 2}, 32, .015},
                                   {"64-128-10", {64, 128, 10}, 64, .15},
                                   {"784-128-10", {784, 128, 10}, 64, .5},
                                   {"784-512-512-10", {784, 512, 512, 10}, 128, .6},
                                   {"1024-1024-1024-1024", {1024, 1024, 1024, 1024}, 256, .6}};
enum { NETWORKS = sizeof networks / sizeof *networks };

typedef struct trained {
  const network *n;
  dz_tape *t, *tf;
  dz_var leaf[2 * MOST_LAYERS + 2], loss; /* parameters, then the data and the classes */
  dz_var leaff[2 * MOST_LAYERS + 2];      /* the same on the tape of floats */
  int leaves, params;
  size_t count, inputs; /* numbers of the parameters, and of all */
  double *in, *gradient;
  float *inf, *gradientf;
  void *work, *workf;
  dz_plan *plan, *single;
  double seconds[CONTENDERS], difference, difference_single;
  char failed[160];
} trained;

/* ---- the network ---- */

static int layers_of(const network *n) {
  int k = 0;
  while (k < MOST_LAYERS && n->layer[k + 1]) k++;
  return k;
}

static dz_var leaf(trained *r, dz_role role, int rank, const size_t *dims, double scale, uint64_t *random) {
  double *p = r->in + r->inputs;
  size_t size = rank > 1 ? dims[0] * dims[1] : dims[0];
  for (size_t i = 0; i < size; i++)
    p[i] = rank == 1 && role == DZ_ROLE_DATA ? (double)(i % r->n->layer[layers_of(r->n)])
                                             : bench_uniform(random, -scale, scale);
  r->inputs += size;
  r->leaff[r->leaves] = dz_leaf_tensor(r->tf, role, rank, dims, p);
  return r->leaf[r->leaves++] = dz_leaf_tensor(r->t, role, rank, dims, p);
}

static void make_leaves(trained *r) {
  const network *n = r->n;
  int layers = layers_of(n);
  uint64_t random = 1;
  for (int k = 0; k < layers; k++) {
    double scale = sqrt(1 / (double)n->layer[k]);
    leaf(r, DZ_ROLE_PARAM, 2, n->layer + k, scale, &random);
    leaf(r, DZ_ROLE_PARAM, 1, n->layer + k + 1, scale, &random);
  }
  r->params = r->leaves;
  r->count = r->inputs;
  leaf(r, DZ_ROLE_DATA, 2, (size_t[]){n->batch, n->layer[0]}, 1, &random);
  leaf(r, DZ_ROLE_DATA, 1, &n->batch, 0, &random);
}

static dz_var record(const trained *r, const dz_var *leaf) {
  dz_var x = leaf[r->params];
  for (int k = 0; k < r->params; k += 2) {
    x = dz_linear(x, leaf[k], leaf[k + 1]);
    if (k + 2 < r->params) x = dz_relu(x);
  }
  return dz_cross_entropy(x, leaf[r->params + 1], -1);
}

static size_t numbers_of(const network *n) {
  size_t sum = n->batch * (n->layer[0] + 1);
  for (int k = 0; k < layers_of(n); k++) sum += (n->layer[k] + 1) * n->layer[k + 1];
  return sum;
}

static dz_plan *plan_of(trained *r, bool single, void **work) {
  const dz_plan_options o = {.single = single, .quick = true};
  dz_error e;
  dz_plan *p = dz_plan_new(1, &r->loss, r->leaves, r->leaf, &o, &e);
  if (!p) return snprintf(r->failed, sizeof r->failed, "%.150s", e.message), NULL;
  *work = malloc(dz_plan_memory(p));
  return p;
}

static bool open_network(trained *r) {
  size_t n = numbers_of(r->n);
  r->t = dz_tape_new(NULL);
  r->tf = dz_tape_new_single(NULL);
  r->in = calloc(n, sizeof *r->in);
  r->gradient = calloc(n, sizeof *r->gradient);
  r->inf = calloc(n, sizeof *r->inf);
  r->gradientf = calloc(n, sizeof *r->gradientf);
  if (!r->t || !r->tf || !r->in || !r->gradient || !r->inf || !r->gradientf) return false;
  make_leaves(r);
  dz_mark mark = dz_tape_mark(r->t);
  r->loss = record(r, r->leaf);
  dz_mark markf = dz_tape_mark(r->tf);
  if (dz_backward(r->loss)) return snprintf(r->failed, 160, "%.150s", dz_tape_error(r->t)->message), false;
  if (dz_backward(record(r, r->leaff)))
    return snprintf(r->failed, 160, "%.150s", dz_tape_error(r->tf)->message), false;
  r->plan = plan_of(r, false, &r->work);
  r->single = plan_of(r, true, &r->workf);
  if (!r->plan || !r->single || !r->work || !r->workf) return false;
  for (size_t i = 0; i < n; i++) r->inf[i] = (float)r->in[i];
  double largest = 0, off = 0, offf = 0, offe = 0;
  dz_plan_run(r->plan, r->in, NULL, r->gradient, r->work);
  dz_plan_run_single(r->single, r->inf, NULL, r->gradientf, r->workf);
  size_t at = 0;
  for (int k = 0; k < r->params; k++) {
    const double *g = dz_adjoints(r->leaf[k]);
    const float *gf = dz_adjoints_single(r->leaff[k]);
    for (size_t i = 0; i < dz_size(r->leaf[k]); i++, at++) {
      offe = fmax(offe, fabs(g[i] - (double)gf[i]));
      largest = fmax(largest, fabs(g[i]));
      off = fmax(off, fabs(g[i] - r->gradient[at]));
      offf = fmax(offf, fabs(g[i] - (double)r->gradientf[at]));
    }
  }
  r->difference = off / largest;
  r->difference_single = fmax(offf, offe) / largest;
  if (!(r->difference < 1e-10) || !(r->difference_single < 1e-3))
    snprintf(r->failed, sizeof r->failed, "the gradients differ: %.1e, floats %.1e", r->difference,
             r->difference_single);
  dz_tape_rewind(r->t, mark);
  dz_tape_rewind(r->tf, markf);
  return true;
}

static void close_network(trained *r) {
  dz_plan_free(r->plan);
  dz_plan_free(r->single);
  dz_tape_free(r->t);
  dz_tape_free(r->tf);
  free(r->in);
  free(r->gradient);
  free(r->inf);
  free(r->gradientf);
  free(r->work);
  free(r->workf);
}

/* ---- one step of each ---- */

static void step_plan(trained *r) {
  dz_plan_run(r->plan, r->in, NULL, r->gradient, r->work);
  for (size_t i = 0; i < r->count; i++) r->in[i] -= RATE * r->gradient[i];
}

static void step_single(trained *r) {
  const float rate = (float)RATE;
  dz_plan_run_single(r->single, r->inf, NULL, r->gradientf, r->workf);
  for (size_t i = 0; i < r->count; i++) r->inf[i] -= rate * r->gradientf[i];
}

/* The parameters stay on the tape, the rest is recorded anew. */
static void step_eager(trained *r) {
  dz_mark mark = dz_tape_mark(r->t);
  dz_backward(record(r, r->leaf));
  double *p = r->in;
  for (int k = 0; k < r->params; k++) {
    const double *g = dz_adjoints(r->leaf[k]);
    size_t n = dz_size(r->leaf[k]);
    for (size_t i = 0; i < n; i++) p[i] -= RATE * g[i];
    dz_set(r->leaf[k], p, n);
    p += n;
  }
  dz_tape_rewind(r->t, mark);
}

static void step_eager_single(trained *r) {
  const float rate = (float)RATE;
  dz_mark mark = dz_tape_mark(r->tf);
  dz_backward(record(r, r->leaff));
  float *p = r->inf;
  for (int k = 0; k < r->params; k++) {
    const float *g = dz_adjoints_single(r->leaff[k]);
    size_t n = dz_size(r->leaff[k]);
    for (size_t i = 0; i < n; i++) p[i] -= rate * g[i];
    dz_set_single(r->leaff[k], p, n);
    p += n;
  }
  dz_tape_rewind(r->tf, mark);
}

/* The clock is looked at ever more rarely, so that it takes no share of short steps. */
static double timed(trained *r, void (*step)(trained *), double seconds) {
  double start, spent;
  size_t count = 0, next = 1;
  step(r);
  start = bench_processor();
  do {
    for (; count < next; count++) step(r);
    spent = bench_processor() - start;
    next += spent < seconds / 4 ? count : count / 8 + 1;
  } while (spent < seconds);
  return spent / (double)count;
}

/* ---- measuring ---- */

static void measure(trained *r, bench_torch *p, const bench_options *o) {
  double rounds[CONTENDERS][BENCH_MOST_ROUNDS];
  int n = o->rounds < BENCH_MOST_ROUNDS ? o->rounds : BENCH_MOST_ROUNDS;
  double seconds = o->quick ? .01 : .05;
  for (int k = 0; k < n; k++) {
    bench_progress(r->n->name, k, n);
    rounds[PLAN][k] = timed(r, step_plan, seconds);
    rounds[TORCH][k] = bench_torch_time(p, r->n->layer, r->n->batch, false, seconds);
    rounds[PLAN_SINGLE][k] = timed(r, step_single, seconds);
    rounds[TORCH_SINGLE][k] = bench_torch_time(p, r->n->layer, r->n->batch, true, seconds);
    rounds[EAGER][k] = timed(r, step_eager, seconds);
    rounds[EAGER_SINGLE][k] = timed(r, step_eager_single, seconds);
  }
  for (int c = 0; c < CONTENDERS; c++) r->seconds[c] = bench_median(rounds[c], (size_t)n);
}

/* ---- telling ---- */

static void head(const bench_options *o, const char *version) {
  if (o->json) return;
  if (o->readme) {
    printf("| training step, ms | batch | %s | the same, floats | dz: plan | floats | tape | floats | "
           "plan / PyTorch | floats |\n|---|---|---|---|---|---|---|---|---|---|\n",
           version[0] ? version : "PyTorch (not found)");
    return;
  }
  printf("One training step of a perceptron (relu, cross-entropy, plain descent), ms, medians of %d rounds; "
         "one thread, its own time. %s\n\n%-20s %5s%10s%10s%10s%10s%10s%10s%8s%8s%8s%8s\n",
         o->rounds, version[0] ? version : "PyTorch was not found.", "network", "batch", "plan", "floats",
         "tape", "floats", "torch", "floats", "ratio", "floats", "target", "tape");
}

static void tell_readme(const trained *r) {
  static const int order[] = {TORCH, TORCH_SINGLE, PLAN, PLAN_SINGLE, EAGER, EAGER_SINGLE};
  const double *s = r->seconds;
  printf("| %s | %zu |", r->n->name, r->n->batch);
  for (int c = 0; c < CONTENDERS; c++) bench_markdown_cell(s[order[c]] * 1e3, 3);
  bench_markdown_cell(s[PLAN] / s[TORCH], 2);
  bench_markdown_cell(s[PLAN_SINGLE] / s[TORCH_SINGLE], 2);
  printf("\n");
  if (r->failed[0]) fprintf(stderr, "%s FAILED: %s\n", r->n->name, r->failed);
}

static void tell(const trained *r) {
  const double *s = r->seconds;
  printf("%-20s %5zu", r->n->name, r->n->batch);
  for (int c = 0; c < CONTENDERS; c++) bench_cell(10, s[c] * 1e3, 3);
  bench_cell(8, s[PLAN] / s[TORCH], 3);
  bench_cell(8, s[PLAN_SINGLE] / s[TORCH_SINGLE], 3);
  bench_cell(8, r->n->target, 3);
  bench_cell(8, s[EAGER] / s[PLAN], 3);
  printf("  %.0e %.0e\n", r->difference, r->difference_single);
  if (r->failed[0]) printf("  FAILED: %s\n", r->failed);
}

static void tell_json(const trained *r, cJSON *list) {
  static const char *const names[] = {"plan",         "plan_single", "eager",
                                      "eager_single", "torch",       "torch_single"};
  cJSON *row = cJSON_CreateObject();
  cJSON_AddStringToObject(row, "network", r->n->name);
  cJSON_AddNumberToObject(row, "batch", (double)r->n->batch);
  for (int c = 0; c < CONTENDERS; c++) bench_json_put(row, names[c], r->seconds[c]);
  if (r->failed[0]) cJSON_AddStringToObject(row, "failed", r->failed);
  cJSON_AddItemToArray(list, row);
}

int bench_tensors(const bench_options *o) {
  bench_torch p = {.to = NULL};
  int failed = 0;
  cJSON *list = cJSON_CreateArray();
  bench_torch_open(&p);
  head(o, p.version);
  for (int k = 0; k < NETWORKS; k++) {
    trained r = {.n = &networks[k]};
    if (o->quick && numbers_of(r.n) > 200000) continue;
    if (!open_network(&r) && !r.failed[0]) snprintf(r.failed, sizeof r.failed, "out of memory");
    if (!r.failed[0]) measure(&r, &p, o);
    bench_progress(NULL, 0, 0);
    if (o->json)
      tell_json(&r, list);
    else if (o->readme)
      tell_readme(&r);
    else
      tell(&r);
    fflush(stdout);
    failed |= r.failed[0] != 0;
    close_network(&r);
  }
  bench_torch_close(&p);
  if (!o->readme) failed |= bench_squares(o, list);
  if (o->json) bench_json_print(list);
  cJSON_Delete(list);
  return failed;
}
