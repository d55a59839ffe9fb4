/* Optimisers: one line of the table each. */
#include "learn/optimiser.h"

#include "base/memory.h"
#include "base/status.h"
#include "tape/tape.h"

#include <math.h>
#include <string.h>

/* A step on count numbers: g is clipped and has its weight decay; r is the rate now, t counts from 1. */
typedef void step(dz_optimiser *o, double r, uint64_t t, double *x, const double *g);

static void sgd(dz_optimiser *o, double r, uint64_t t, double *x, const double *g) {
  for (size_t i = 0; i < o->count; i++) x[i] -= r * g[i];
}

static void momentum(dz_optimiser *o, double r, uint64_t t, double *x, const double *g) {
  double m = o->how.momentum, *v = dz__slot(o, 0);
  for (size_t i = 0; i < o->count; i++) {
    v[i] = m * v[i] - r * g[i];
    x[i] += v[i];
  }
}

static void nesterov(dz_optimiser *o, double r, uint64_t t, double *x, const double *g) {
  double m = o->how.momentum, *v = dz__slot(o, 0);
  for (size_t i = 0; i < o->count; i++) {
    v[i] = m * v[i] - r * g[i];
    x[i] += m * v[i] - r * g[i];
  }
}

static void adagrad(dz_optimiser *o, double r, uint64_t t, double *x, const double *g) {
  double *s = dz__slot(o, 0);
  for (size_t i = 0; i < o->count; i++) {
    s[i] += g[i] * g[i];
    x[i] -= r * g[i] / (sqrt(s[i]) + o->how.epsilon);
  }
}

static void rmsprop(dz_optimiser *o, double r, uint64_t t, double *x, const double *g) {
  double d = o->how.decay, *s = dz__slot(o, 0);
  for (size_t i = 0; i < o->count; i++) {
    s[i] = d * s[i] + (1 - d) * (g[i] * g[i]);
    x[i] -= r * g[i] / (sqrt(s[i]) + o->how.epsilon);
  }
}

static void adam(dz_optimiser *o, double r, uint64_t t, double *x, const double *g) {
  double m = o->how.momentum, d = o->how.decay, eps = o->how.epsilon;
  double *restrict v = dz__slot(o, 0), *restrict s = dz__slot(o, 1), *restrict z = x;
  double of_v = r / (1 - pow(m, (double)t)), of_s = 1 / sqrt(1 - pow(d, (double)t));
  for (size_t i = 0; i < o->count; i++) { /* one root and one division: they are what it costs */
    v[i] = m * v[i] + (1 - m) * g[i];
    s[i] = d * s[i] + (1 - d) * (g[i] * g[i]);
    z[i] -= of_v * v[i] / (of_s * sqrt(s[i]) + eps);
  }
}

static void adamw(dz_optimiser *o, double r, uint64_t t, double *x, const double *g) {
  for (size_t i = 0; i < o->count; i++) x[i] -= r * o->how.weight_decay * x[i];
  adam(o, r, t, x, g);
}

/* apart: weight decay is the step's own affair and is not added to the gradient. lbfgs has no step function
 * here: it takes the loss too. */
typedef struct dz__method {
  const char *name;
  step *step;
  size_t slots;
  bool apart;
  double rate, momentum, decay, weight_decay;
} dz__method;

static const dz__method methods[] = {
    /* name      step      slots apart  rate  m   d     w */
    {"sgd", sgd, 0, false, .01, .9, .999, 0},           {"momentum", momentum, 1, false, .01, .9, .999, 0},
    {"nesterov", nesterov, 1, false, .01, .9, .999, 0}, {"adagrad", adagrad, 1, false, .01, .9, .999, 0},
    {"rmsprop", rmsprop, 1, false, .01, .9, .9, 0},     {"adam", adam, 2, false, .001, .9, .999, 0},
    {"adamw", adamw, 2, true, .001, .9, .999, .01},     {"lbfgs", NULL, 0, true, 1, .9, .999, 0},
};
enum { METHODS = sizeof methods / sizeof methods[0] };

const char *dz_optimiser_method(size_t i) { return i < METHODS ? methods[i].name : NULL; }

static const dz__method *method_named(const char *name) {
  for (size_t i = 0; name && i < METHODS; i++)
    if (strcmp(methods[i].name, name) == 0) return &methods[i];
  return NULL;
}

dz_status dz_optimiser_defaults(const char *method, dz_optimiser_options *options) {
  if (!method || !options) return DZ_ERR_ARGUMENT;
  const dz__method *m = method_named(method);
  if (!m) return DZ_ERR_NAME;
  *options = (dz_optimiser_options){.method = m->name,
                                    .rate = m->rate,
                                    .momentum = m->momentum,
                                    .decay = m->decay,
                                    .epsilon = 1e-8,
                                    .weight_decay = m->weight_decay,
                                    .clip = HUGE_VAL,
                                    .history = 10};
  return DZ_OK;
}

/* ---- making one ---- */

static bool share(double x) { return x >= 0 && x < 1; }
static bool positive(double x) { return x > 0 && isfinite(x); }

/* What is wrong with the options; NULL: nothing. */
static const char *wrong_with(const dz__method *m, const dz_optimiser_options *how) {
  const dz_schedule *s = &how->schedule;
  if (!positive(how->rate)) return "the rate must be above 0";
  if (!share(how->momentum)) return "momentum must be at least 0 and below 1";
  if (!share(how->decay)) return "decay must be at least 0 and below 1";
  if (!(how->epsilon >= 0) || isinf(how->epsilon)) return "epsilon must be at least 0";
  if (!(how->weight_decay >= 0) || isinf(how->weight_decay)) return "weight decay must be at least 0";
  if (!(how->clip > 0)) return "the norm to clip at must be above 0";
  if (s->kind == DZ_SCHEDULE_STEP && (!(s->factor > 0) || s->factor > 1))
    return "the factor of a schedule must be above 0 and at most 1";
  if (m->step) return NULL;
  if (how->history < 1 || how->history > 1000) return "lbfgs takes a history of 1 to 1000 steps";
  if (how->weight_decay > 0) return "lbfgs takes no weight decay: add it to the loss";
  if (!isinf(how->clip)) return "lbfgs takes no clip: its line search bounds the step";
  if (s->kind != DZ_SCHEDULE_CONSTANT || s->warm_up) return "lbfgs takes no schedule: it has a line search";
  return NULL;
}

static size_t state_size(const dz_optimiser *o) { return DZ__HEAD + o->slots * o->count; }

dz_optimiser *dz_optimiser_new(const dz_optimiser_options *options, size_t count, const dz_allocator *a,
                               dz_error *error) {
  const dz__method *m = options ? method_named(options->method) : NULL;
  const char *wrong = m ? wrong_with(m, options) : NULL;
  if (error) *error = (dz_error){.status = DZ_OK};
  if (!options || !options->method || wrong) {
    dz__fail(error, DZ_ERR_ARGUMENT, "optimiser", "%s", wrong ? wrong : "options are needed");
    return NULL;
  }
  if (!m) {
    dz__fail(error, DZ_ERR_NAME, "optimiser", "no optimiser is called '%.40s'", options->method);
    return NULL;
  }
  size_t slots = m->step ? m->slots : dz__lbfgs_slots(options->history);
  if (count > SIZE_MAX / 64 / (slots + 4)) {
    dz__fail(error, DZ_ERR_LIMIT, "optimiser", "too many parameters");
    return NULL;
  }
  dz_allocator alloc = dz__allocator(a);
  dz_optimiser *o = dz__alloc(&alloc, sizeof *o);
  if (o) {
    *o = (dz_optimiser){.how = *options, .method = m, .count = count, .slots = slots, .alloc = alloc};
    o->how.method = m->name;
    o->state = dz__alloc(&alloc, state_size(o) * sizeof *o->state);
    o->work = dz__alloc(&alloc, (2 * count + 1) * sizeof *o->work);
  }
  if (!o || !o->state || !o->work) {
    dz_optimiser_free(o);
    dz__fail(error, DZ_ERR_MEMORY, "optimiser", "out of memory");
    return NULL;
  }
  memset(o->state, 0, state_size(o) * sizeof *o->state);
  return o;
}

void dz_optimiser_free(dz_optimiser *o) {
  if (!o) return;
  dz_allocator a = o->alloc;
  dz__free(&a, o->state, state_size(o) * sizeof *o->state);
  dz__free(&a, o->work, (2 * o->count + 1) * sizeof *o->work);
  dz__free(&a, o, sizeof *o);
}

/* ---- steps ---- */

/* The Euclidean norm of finite numbers, scaled so that no square over- or underflows. */
static double norm(size_t n, const double *g) {
  double most = 0, sum = 0;
  for (size_t i = 0; i < n; i++) most = fmax(most, fabs(g[i]));
  int e;
  frexp(most, &e);
  for (size_t i = 0; i < n; i++) sum += ldexp(g[i], -e) * ldexp(g[i], -e);
  return ldexp(sqrt(sum), e);
}

/* By exponents, so that the loop has no branch. */
static bool all_finite(size_t n, const double *g) {
  const uint64_t exponent = 0x7ff0000000000000;
  bool bad = false;
  for (size_t i = 0; i < n; i++) {
    uint64_t bits;
    memcpy(&bits, &g[i], sizeof bits);
    bad |= (bits & exponent) == exponent;
  }
  return !bad;
}

dz_status dz_optimiser_step(dz_optimiser *o, double loss, double *x, const double *gradient) {
  if (!o || (o->count && (!x || !gradient))) return DZ_ERR_ARGUMENT;
  if (!o->method->step) {
    if (!dz__lbfgs_step(o, loss, x, gradient)) return DZ_ERR_ARGUMENT;
    o->state[0]++;
    return DZ_OK;
  }
  if (!all_finite(o->count, gradient)) return DZ_ERR_ARGUMENT;
  double scale = 1, w = o->method->apart ? 0 : o->how.weight_decay;
  if (!isinf(o->how.clip)) {
    double length = norm(o->count, gradient);
    if (length > o->how.clip) scale = o->how.clip / length;
  }
  bool other = scale < 1 || w > 0; /* than the gradient, which may stand in work itself */
  for (size_t i = 0; other && i < o->count; i++) o->work[i] = scale * gradient[i] + w * x[i];
  uint64_t k = dz_optimiser_steps(o);
  double rate = o->how.rate * dz_schedule_at(&o->how.schedule, k);
  o->method->step(o, rate, k + 1, x, other ? o->work : gradient);
  o->state[0]++;
  return DZ_OK;
}

static bool sizes_fit(const dz_optimiser *o, size_t n, const dz_var *params) {
  size_t sum = 0;
  for (size_t k = 0; k < n; k++) sum += dz_size(params[k]);
  return sum == o->count;
}

dz_status dz_optimiser_apply(dz_optimiser *o, double loss, size_t n, const dz_var *params) {
  if (!o || (n && !params)) return DZ_ERR_ARGUMENT;
  if (!sizes_fit(o, n, params)) return DZ_ERR_SHAPE;
  double *g = o->work, *x = g + o->count;
  for (size_t k = 0, at = 0; k < n; k++) {
    size_t size = dz_size(params[k]);
    if (size == 0) continue;
    if (dz_adjoint_state_of(params[k]) != DZ_ADJOINT_READY) return DZ_ERR_HANDLE;
    dz__read_values(params[k], x + at);
    dz__read_adjoint(params[k], g + at);
    at += size;
  }
  dz_status status = dz_optimiser_step(o, loss, x, g);
  for (size_t k = 0, at = 0; k < n && !status; k++) {
    status = dz_set(params[k], x + at, dz_size(params[k]));
    at += dz_size(params[k]);
  }
  return status;
}

/* ---- the state ---- */

dz_status dz_optimiser_best(const dz_optimiser *o, double *x) {
  if (!o || (o->count && !x)) return DZ_ERR_ARGUMENT;
  if (!o->method->step) dz__lbfgs_best(o, x);
  return DZ_OK;
}

const double *dz_optimiser_state(const dz_optimiser *o, size_t *count) {
  if (count) *count = o ? state_size(o) : 0;
  return o ? o->state : NULL;
}

dz_status dz_optimiser_restore(dz_optimiser *o, const double *state, size_t count, double *x) {
  if (!o || !state || (o->count && !x)) return DZ_ERR_ARGUMENT;
  if (count != state_size(o)) return DZ_ERR_SHAPE;
  if (!(state[0] >= 0 && state[0] <= 0x1p53) || floor(state[0]) < state[0]) return DZ_ERR_ARGUMENT;
  if (!o->method->step && !dz__lbfgs_possible(o, state)) return DZ_ERR_ARGUMENT;
  memcpy(o->state, state, count * sizeof *state);
  if (!o->method->step) dz__lbfgs_point(o, x);
  return DZ_OK;
}

uint64_t dz_optimiser_steps(const dz_optimiser *o) { return o ? (uint64_t)o->state[0] : 0; }
