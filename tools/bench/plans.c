/* Plans beside hand-written adjoint code: the virtual machine and native code, in interleaved rounds. */
#include "measure.h"

#include "dz/emit.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { HAND, MACHINE, NATIVE, CONTENDERS };

/* At most these shares of the hand-written code's time. */
static const double targets[WORKLOADS][CONTENDERS] = {{1, .7, .15},  {1, .9, .4}, {1, .38, .3},
                                                      {1, .33, .17}, {1, 2, 1},   {1, 1, .42}};

typedef struct planned {
  const workload *w;
  bench_data data;
  dz_plan *machine, *native;
  double *in, *work, *values, *grad, *reference;
  double seconds[CONTENDERS], making, difference;
  size_t recorded;
  char failed[160];
} planned;

/* ---- making ---- */

static dz_plan *plan_of(planned *r, int ys, const dz_var *y, const dz_plan_options *o) {
  dz_error e;
  dz_plan *p =
      dz_plan_new(ys, y, (int)(r->w->record_one ? W2_INPUTS + W2_FEATURES : r->data.n), r->data.v, o, &e);
  if (!p) snprintf(r->failed, sizeof r->failed, "%.150s", e.message);
  return p;
}

/* The median of three: the system takes long to find memory that nobody had before. */
static dz_plan *timed_plan_of(planned *r, int ys, const dz_var *y, const dz_plan_options *o) {
  double seconds[3];
  dz_plan *p = NULL;
  for (int k = 0; k < 3; k++) {
    dz_plan_free(p);
    const double start = bench_processor();
    p = plan_of(r, ys, y, o);
    seconds[k] = bench_processor() - start;
  }
  r->making = bench_median(seconds, 3);
  return p;
}

/* As native code, or not at all. */
static void keep_native(planned *r) {
  if (!r->native || !dz_plan_native(r->native, NULL, NULL)) return;
  dz_plan_free(r->native);
  r->native = NULL;
}

/* W2's many small tapes are one plan over many samples: inputs and features of each in one row. */
static bool plan_samples(planned *r) {
  enum { ROW = W2_INPUTS + W2_FEATURES };
  const dz_plan_options o = {.map = true, .quick = true};
  const bench_data *d = &r->data;
  dz_tape *t = dz_tape_new(NULL);
  dz_var e[2];
  r->in = calloc(d->rows * ROW, sizeof *r->in);
  if (!t || !r->in) return false;
  for (size_t i = 0; i < d->rows; i++)
    for (size_t j = 0; j < ROW; j++)
      r->in[i * ROW + j] = j < W2_INPUTS ? d->x[i * W2_INPUTS + j] : d->s[i * W2_FEATURES + j - W2_INPUTS];
  for (size_t j = 0; j < ROW; j++) d->v[j] = j < W2_INPUTS ? dz_input(t, r->in[j]) : dz_data(t, r->in[j]);
  r->w->record_one(d->v, d->v + W2_INPUTS, e);
  r->recorded = dz_tape_size(t);
  r->machine = timed_plan_of(r, 2, e, &o);
  r->native = r->machine ? plan_of(r, 2, e, &o) : NULL;
  keep_native(r);
  dz_tape_free(t);
  return r->machine != NULL;
}

static bool plan_whole(planned *r) {
  dz_tape *t = dz_tape_new(NULL);
  for (size_t j = 0; t && j < r->data.n; j++) r->data.v[j] = dz_input(t, r->data.x[j]);
  if (!t) return false;
  dz_var y = r->w->record(&r->data, r->data.v);
  r->recorded = dz_tape_size(t);
  r->machine = timed_plan_of(r, 1, &y, &(dz_plan_options){.quick = true});
  /* Only where the program is short: the compiler's time is linear in it. */
  if (r->machine && dz_plan_facts_of(r->machine).instructions < 100000)
    r->native = plan_of(r, 1, &y, &(dz_plan_options){.quick = true});
  keep_native(r);
  dz_tape_free(t);
  return r->machine != NULL;
}

/* ---- running ---- */

static double call(planned *r, int who) {
  if (who == HAND) return r->w->hand(&r->data, r->reference);
  if (r->w->record_one)
    dz_plan_map(who == NATIVE ? r->native : r->machine, r->data.rows, r->in, r->values, r->grad, r->work);
  else
    dz_plan_run(who == NATIVE ? r->native : r->machine, r->data.x, r->values, r->grad, r->work);
  return r->values[0];
}

/* The features of W2 are inputs too, whose columns stand among the others and are 0. */
static double entry(const planned *r, size_t k) {
  if (!r->w->record_one) return r->grad[k];
  return r->grad[k / W2_INPUTS * (W2_INPUTS + W2_FEATURES) + k % W2_INPUTS];
}

static void compare(planned *r) {
  double most = 0;
  for (size_t k = 0; k < r->data.ngrad; k++) most = fmax(most, fabs(r->reference[k]));
  for (size_t k = 0; k < r->data.ngrad; k++) {
    double off = fabs(entry(r, k) - r->reference[k]) / most;
    if (!(off <= r->difference)) r->difference = off == off ? off : INFINITY;
  }
  if (r->difference >= 1e-9) snprintf(r->failed, sizeof r->failed, "the gradients differ");
}

static double turn(planned *r, int who) {
  double seconds[32], total = 0;
  size_t n = 0;
  do {
    double start = bench_now();
    call(r, who);
    seconds[n] = bench_now() - start;
    total += seconds[n++];
  } while (n < 2 || (total < 4e-3 && n < 32));
  return bench_median(seconds + 1, n - 1);
}

static void rounds(planned *r, int count) {
  double *seconds = calloc((size_t)count * CONTENDERS, sizeof *seconds);
  for (int i = 0; seconds && i < count && !r->failed[0]; i++) {
    bench_progress(r->w->what, i + 1, count);
    for (int who = HAND; who < CONTENDERS; who++) {
      if (who == NATIVE && !r->native) continue;
      seconds[who * count + i] = turn(r, who);
      if (who != HAND) compare(r);
    }
  }
  for (int who = HAND; seconds && who < CONTENDERS; who++) {
    bool ran = who != NATIVE || r->native;
    r->seconds[who] = ran ? bench_median(seconds + who * count, (size_t)count) : NAN;
  }
  free(seconds);
}

static void measure(planned *r, const bench_options *o) {
  size_t work = 0, samples = r->w->record_one ? r->data.rows : 1;
  if (!(r->w->record_one ? plan_samples(r) : plan_whole(r))) {
    if (!r->failed[0]) snprintf(r->failed, sizeof r->failed, "out of memory");
    return;
  }
  work = r->w->record_one ? dz_plan_map_memory(r->machine) : dz_plan_memory(r->machine);
  r->work = malloc(work);
  r->values = calloc(samples * dz_plan_outputs(r->machine), sizeof *r->values);
  r->grad = calloc(samples * dz_plan_outputs(r->machine) * dz_plan_inputs(r->machine), sizeof *r->grad);
  r->reference = calloc(r->data.ngrad, sizeof *r->reference);
  if (r->work && r->values && r->grad && r->reference)
    rounds(r, o->rounds);
  else
    snprintf(r->failed, sizeof r->failed, "out of memory");
}

/* ---- telling ---- */

static void tell(const planned *r, int index) {
  printf("%s %-23s", r->w->name, r->w->what);
  if (r->failed[0]) {
    printf(" FAILED: %s\n", r->failed);
    return;
  }
  for (int who = HAND; who < CONTENDERS; who++) bench_cell(10, 1e3 * r->seconds[who], 3);
  for (int who = MACHINE; who < CONTENDERS; who++) {
    bench_cell(10, r->seconds[who] / r->seconds[HAND], 3);
    bench_cell(10, targets[index][who], 3);
  }
  bench_cell(12, 1e9 * r->making / (double)r->recorded, 3);
  bench_cell(8, (double)dz_plan_facts_of(r->machine).loops, 6);
  bench_cell(12, r->difference, 2);
  printf("\n");
}

static void tell_markdown(const planned *r) {
  if (r->failed[0]) return;
  printf("| %s %s | %zu |", r->w->name, r->w->what, dz_plan_facts_of(r->machine).operations);
  for (int who = HAND; who < CONTENDERS; who++) bench_markdown_cell(1e3 * r->seconds[who], 3);
  for (int who = MACHINE; who < CONTENDERS; who++) bench_markdown_cell(r->seconds[who] / r->seconds[HAND], 2);
  bench_markdown_cell(1e3 * r->making, 3);
  printf("\n");
}

static void head(const bench_options *o) {
  if (o->json) return;
  if (o->readme) {
    printf("| value and gradient again, ms | operations | by hand | plan | native | plan / hand | native / "
           "hand | "
           "making the plan |\n|---|---|---|---|---|---|---|---|\n");
    return;
  }
  printf("Plans, run again and again; %d rounds; ms, medians. Targets are shares of the hand-written "
         "code.\n\n",
         o->rounds);
  printf("%-26s%10s%10s%10s%10s%10s%10s%10s%12s%8s%12s\n", "", "hand", "plan", "native", "plan/hand",
         "target", "nat./hand", "target", "make ns/op", "loops", "difference");
}

static void tell_json(const planned *r, cJSON *list) {
  cJSON *o = cJSON_CreateObject();
  cJSON_AddStringToObject(o, "name", r->w->name);
  if (r->failed[0]) cJSON_AddStringToObject(o, "failed", r->failed);
  bench_json_put(o, "hand_ms", 1e3 * r->seconds[HAND]);
  bench_json_put(o, "plan_ms", 1e3 * r->seconds[MACHINE]);
  bench_json_put(o, "native_ms", 1e3 * r->seconds[NATIVE]);
  bench_json_put(o, "plan_hand", r->seconds[MACHINE] / r->seconds[HAND]);
  bench_json_put(o, "native_hand", r->seconds[NATIVE] / r->seconds[HAND]);
  bench_json_put(o, "make_ns_per_operation", 1e9 * r->making / (double)r->recorded);
  bench_json_put(o, "difference", r->difference);
  cJSON_AddItemToArray(list, o);
}

static void release(planned *r) {
  dz_plan_free(r->machine);
  dz_plan_free(r->native);
  free(r->in);
  free(r->work);
  free(r->values);
  free(r->grad);
  free(r->reference);
  bench_data_free(&r->data);
}

int bench_plans(const bench_options *o, const workload *const *all,
                bool (*wanted)(const char *list, const char *name)) {
  int failed = 0;
  cJSON *list = cJSON_CreateArray();
  head(o);
  for (int k = 0; k < WORKLOADS; k++) {
    planned r = {.w = all[k], .seconds = {NAN, NAN, NAN}};
    char why[160] = "";
    if (!wanted(o->only, all[k]->name)) continue;
    if (all[k]->open(&r.data, o->data, why))
      measure(&r, o);
    else
      snprintf(r.failed, sizeof r.failed, "%.150s", why[0] ? why : "out of memory");
    bench_progress(NULL, 0, 0);
    if (o->json)
      tell_json(&r, list);
    else if (o->readme)
      tell_markdown(&r);
    else
      tell(&r, k);
    if (r.failed[0] && o->readme) fprintf(stderr, "%s FAILED: %s\n", r.w->name, r.failed);
    failed |= r.failed[0] != 0;
    release(&r);
  }
  if (o->json) bench_json_print(list);
  cJSON_Delete(list);
  return failed;
}
