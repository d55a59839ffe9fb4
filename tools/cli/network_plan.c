/* A program's loss and gradient for so many samples. */
#include "network.h"

#include "buffer.h"
#include "dz/plan.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct batch_plan {
  size_t count, before;
  bool gradient;
  dz_plan *plan; /* NULL: on the tape */
  double *in, *out, *slopes;
  void *work;
} batch_plan;

void network_plans_free(network *n) {
  for (size_t k = 0; k < n->plan_count; k++) {
    dz_plan_free(n->plans[k].plan);
    free(n->plans[k].in);
    free(n->plans[k].out);
    free(n->plans[k].slopes);
    free(n->plans[k].work);
  }
  free(n->plans);
}

/* ---- making ---- */

/* From what is recorded; the samples are its first inputs, then come targets, counters and parameters. The
   output counts only as a value: stop keeps it out of the gradient. */
static dz_plan *plan_of_recorded(const network *n, bool gradient) {
  dz_tape *t = n->m.tape;
  dz_var y[2] = {n->m.result}, *x = take(NULL, n->count + 2 + COUNTERS, sizeof *x);
  int ys = 1, xs = 0;
  if (n->form != NO_CLASSES) y[ys++] = dz_stop(dz_named(t, n->output));
  x[xs++] = dz_named(t, n->x);
  if (n->t != NULL) x[xs++] = dz_named(t, n->t);
  for (int k = 0; k < COUNTERS; k++)
    if (n->counts[k]) x[xs++] = dz_named(t, network_counters[k]);
  for (size_t k = 0; k < n->count; k++) x[xs++] = n->params[k];
  /* Numbers that leave beside the loss would tear the loops of a plan in numbers apart. */
  const dz_plan_options how = {
      .values_only = !gradient, .single = n->single, .tensors = ys > 1 ? DZ_TENSORS_WHOLE : DZ_TENSORS_AUTO};
  dz_plan *p = dz_plan_new(ys, y, xs, x, &how, NULL);
  dz_tape_forgive(t);
  free(x);
  return p;
}

/* *recorded: the tape holds these samples now. */
static const batch_plan *plan_for(network *n, const dataset *d, const size_t *order, size_t count,
                                  bool gradient, bool *recorded) {
  for (size_t k = 0; k < n->plan_count; k++)
    if (n->plans[k].count == count && n->plans[k].before == n->before && n->plans[k].gradient == gradient)
      return &n->plans[k];
  network_record(n, d, order, count);
  *recorded = true;
  batch_plan p = {
      .count = count, .before = n->before, .gradient = gradient, .plan = plan_of_recorded(n, gradient)};
  if (p.plan != NULL) {
    p.in = take(NULL, dz_plan_inputs(p.plan), sizeof *p.in);
    p.out = take(NULL, dz_plan_outputs(p.plan), sizeof *p.out);
    p.slopes = gradient ? take(NULL, dz_plan_inputs(p.plan), sizeof *p.slopes) : NULL;
    p.work = take(NULL, dz_plan_memory(p.plan), 1);
  }
  n->plans = take(n->plans, n->plan_count + 1, sizeof *n->plans);
  n->plans[n->plan_count] = p;
  return &n->plans[n->plan_count++];
}

/* ---- running ---- */

static double *put_samples(double *to, const tensor *v, const size_t *order, size_t count) {
  size_t each = v->count / v->dims[0];
  for (size_t i = 0; i < count; i++, to += each) memcpy(to, v->data + order[i] * each, each * sizeof *to);
  return to;
}

static bool all_finite(const double *x, size_t n) {
  for (size_t i = 0; i < n; i++)
    if (!isfinite(x[i])) return false;
  return true;
}

/* False when the tape must be asked: its numbers count, where something is not finite. */
static bool run(const network *n, const dataset *d, const size_t *order, const batch_plan *p,
                double *gradient, batch_score *score) {
  if (p->plan == NULL) return false;
  double *params = put_samples(p->in, &d->x, order, p->count);
  if (n->t != NULL) params = put_samples(params, &d->t, order, p->count);
  for (int k = 0; k < COUNTERS; k++)
    if (n->counts[k]) *params++ = n->said[k];
  network_values(n, params);
  if (dz_plan_run(p->plan, p->in, p->out, p->slopes, p->work) != DZ_OK) return false;
  if (!isfinite(p->out[0])) return false;
  if (gradient != NULL) {
    const double *slopes = p->slopes + (params - p->in);
    if (!all_finite(slopes, n->size)) return false;
    memcpy(gradient, slopes, n->size * sizeof *gradient);
  }
  size_t width = (dz_plan_outputs(p->plan) - 1) / p->count;
  *score = (batch_score){p->out[0], network_hits(n, d, order, p->count, p->out + 1, width)};
  return true;
}

/* Of what the tape holds. */
static batch_score recorded_score(network *n, const dataset *d, const size_t *order, size_t count,
                                  double *gradient) {
  batch_score score = {.loss = dz_value(n->m.result)};
  if (n->form != NO_CLASSES) {
    dz_var y = dz_named(n->m.tape, n->output);
    score.hits = network_hits(n, d, order, count, dz_values(y), dz_size(y) / count);
  }
  if (gradient == NULL) return score;
  dz_status status = dz_backward(n->m.result);
  if (status != DZ_OK) die_status(&n->m.source, dz_tape_error(n->m.tape), status);
  for (size_t k = 0; k < n->count; k++) {
    size_t size = dz_size(n->params[k]);
    const double *g = dz_adjoints(n->params[k]);
    if (size > 0 && g == NULL) die_status(&n->m.source, NULL, DZ_ERR_HANDLE);
    if (size > 0) memcpy(gradient, g, size * sizeof *gradient);
    gradient += size;
  }
  return score;
}

batch_score network_evaluate(network *n, const dataset *d, const size_t *order, size_t count,
                             double *gradient) {
  batch_score score;
  bool recorded = false;
  n->said[COUNTER_TRAINING] = gradient != NULL;
  const batch_plan *p = plan_for(n, d, order, count, gradient != NULL, &recorded);
  if (run(n, d, order, p, gradient, &score)) return score;
  if (!recorded) network_record(n, d, order, count);
  return recorded_score(n, d, order, count, gradient);
}
