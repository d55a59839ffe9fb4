#include "every.h"

#include "dz/dz.h"
#include "plan/plan.h"
#include "soil.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct job {
  dz_plan *p;
  const double *in, *seeds;
  double *values, *gradient;
  every_found *f;
  void *user;
} job;

static const struct {
  const char *name;
  dz__machine *lanes;
} machines[] = {{"baseline", dz__run_lanes},
#if defined(DZ_LANES_X86)
                {"avx2", dz__run_lanes_avx2},
                {"avx512", dz__run_lanes_avx512}
#endif
};

/* How many of them this processor runs. */
static size_t runs_here(void) {
  size_t n = 1;
  while (machines[n - 1].lanes != dz__machine_here()) n++;
  return n;
}

static dz_status run(const job *j, const char *kind, const char *machine) {
  size_t bytes = dz_plan_memory(j->p), n = dz_plan_inputs(j->p), m = dz_plan_outputs(j->p);
  char way[40];
  void *work = malloc(bytes);
  snprintf(way, sizeof way, "%s%s", kind, machine);
  soil(work, bytes);
  soil(j->values, m * sizeof *j->values);
  soil(j->gradient, n * sizeof *j->gradient);
  dz_status status = dz_plan_pull(j->p, j->in, j->seeds, j->values, j->gradient, work);
  if (!status) j->f(j->user, way, j->values, j->gradient);
  free(work);
  return status;
}

static dz_status run_machines(const job *j, bool loops) {
  dz_status status = DZ_OK;
  if (!loops) return run(j, "a plan without loops", "");
  for (size_t k = 0; k < runs_here() && !status; k++) {
    j->p->lanes = machines[k].lanes;
    status = run(j, "a plan, ", machines[k].name);
  }
  return status;
}

static dz_status run_map(const job *j) {
  enum { SAMPLES = 11 };
  size_t bytes = dz_plan_map_memory(j->p), n = dz_plan_inputs(j->p);
  if (dz_plan_outputs(j->p) != 1) return DZ_OK;
  double *work = malloc(bytes), *in = malloc(SAMPLES * (n + 1) * sizeof *in), values[SAMPLES];
  double *rows = malloc(SAMPLES * (n + 1) * sizeof *rows);
  soil(work, bytes);
  for (size_t k = 0; k < SAMPLES; k++) /* zeros are their neighbours */
    for (size_t i = 0; i < n; i++) in[k * n + i] = k == 4 || k == SAMPLES - 1 ? j->in[i] : 0;
  dz_status status = dz_plan_map(j->p, SAMPLES, in, values, rows, work);
  if (!status) j->f(j->user, "a map, in the middle", values + 4, rows + 4 * n);
  if (!status) j->f(j->user, "a map, at the end", values + SAMPLES - 1, rows + (SAMPLES - 1) * n);
  free(work);
  free(in);
  free(rows);
  return status;
}

/* Whole tensors; not what only single elements can do. */
static dz_status plan_whole(job *j, dz_var y, int n, const dz_var *xs, dz_error *e) {
  const dz_plan_options o = {.tensors = DZ_TENSORS_WHOLE};
  j->p = dz_plan_new(1, &y, n, xs, &o, e);
  if (!j->p) return e->status == DZ_ERR_ARGUMENT ? DZ_OK : e->status;
  j->values = malloc((dz_plan_outputs(j->p) + 1) * sizeof *j->values);
  j->gradient = malloc((dz_plan_inputs(j->p) + 1) * sizeof *j->gradient);
  dz_status status = run(j, "a plan of whole tensors", "");
  free(j->values);
  free(j->gradient);
  dz_plan_free(j->p);
  return status;
}

static dz_status plan_once(job *j, dz_var y, int n, const dz_var *xs, bool loops, const char *cache,
                           dz_error *e) {
  const dz_plan_options o = {.unrolled = !loops, .map = loops && !j->seeds};
  const dz_native_options native = {.cache = cache};
  j->p = dz_plan_new(1, &y, n, xs, &o, e);
  if (!j->p) return e->status;
  j->values = malloc((dz_plan_outputs(j->p) + 1) * sizeof *j->values);
  j->gradient = malloc((dz_plan_inputs(j->p) + 1) * sizeof *j->gradient);
  dz_status status = run_machines(j, loops);
  if (!status && o.map) status = run_map(j);
  if (!status && cache && !j->seeds) status = dz_plan_native(j->p, &native, e);
  if (!status && cache && !j->seeds) status = run(j, loops ? "native code" : "native code without loops", "");
  if (status && !e->status) snprintf(e->message, sizeof e->message, "%s", dz_status_text(status));
  free(j->values);
  free(j->gradient);
  dz_plan_free(j->p);
  return status;
}

dz_status every_plan(dz_var y, int n, const dz_var *xs, const double *seeds, const char *cache,
                     every_found *f, void *user, dz_error *e) {
  size_t size = 0;
  for (int k = 0; k < n; k++) size += dz_size(xs[k]);
  double *in = malloc((size + 1) * sizeof *in);
  size = 0;
  for (int k = 0; k < n; k++)
    for (size_t i = 0; i < dz_size(xs[k]); i++) in[size++] = dz_values(xs[k])[i];
  job j = {.in = in, .seeds = seeds, .f = f, .user = user};
  *e = (dz_error){.status = DZ_OK};
  dz_status status = DZ_OK;
  for (int loops = 0; loops < 2 && !status; loops++) status = plan_once(&j, y, n, xs, loops, cache, e);
  if (!status) status = plan_whole(&j, y, n, xs, e);
  free(in);
  return status;
}
